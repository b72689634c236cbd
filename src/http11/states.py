"""Roles, states, and the joint state machine of a connection's two sides (RFC 9112 9).

There are two machines, one for the client and one for the server, and three kinds of move:

1. One side sends something, and moves by its row of `TRANSITIONS`. A request moves the server too.
2. Then the two are coupled: the state of one, a proposal to switch protocols, or a `Connection: close` moves the
other, by
   the rules in `_settled`, until nothing changes.
3. An error puts the side that made it to `ERROR`, from where nothing leads.

Everything here is a pure function from one `JointState` to the next; `http11.connection` remembers which one is
current.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final, Literal, TypeAlias, final

import attrs

__all__ = [
    "CLIENT",
    "CLOSED",
    "DONE",
    "ERROR",
    "IDLE",
    "MIGHT_SWITCH_PROTOCOL",
    "MUST_CLOSE",
    "SEND_BODY",
    "SEND_RESPONSE",
    "SERVER",
    "START",
    "SWITCHED_PROTOCOL",
    "JointState",
    "Move",
    "Role",
    "State",
    "Step",
    "after_error",
    "after_move",
    "after_step",
    "expected_moves",
    "next_cycle",
    "not_reusable",
    "step",
]

# With the literal spelled out: from `Final` alone, a checker may take a list or an attribute of these for one of `str`.
CLIENT: Final[Literal["CLIENT"]] = "CLIENT"
SERVER: Final[Literal["SERVER"]] = "SERVER"

Role: TypeAlias = Literal["CLIENT", "SERVER"]

IDLE: Final[Literal["IDLE"]] = "IDLE"
SEND_RESPONSE: Final[Literal["SEND_RESPONSE"]] = "SEND_RESPONSE"
SEND_BODY: Final[Literal["SEND_BODY"]] = "SEND_BODY"
DONE: Final[Literal["DONE"]] = "DONE"
MUST_CLOSE: Final[Literal["MUST_CLOSE"]] = "MUST_CLOSE"
CLOSED: Final[Literal["CLOSED"]] = "CLOSED"
ERROR: Final[Literal["ERROR"]] = "ERROR"
MIGHT_SWITCH_PROTOCOL: Final[Literal["MIGHT_SWITCH_PROTOCOL"]] = "MIGHT_SWITCH_PROTOCOL"
SWITCHED_PROTOCOL: Final[Literal["SWITCHED_PROTOCOL"]] = "SWITCHED_PROTOCOL"

State: TypeAlias = Literal[
    "IDLE",
    "SEND_RESPONSE",
    "SEND_BODY",
    "DONE",
    "MUST_CLOSE",
    "CLOSED",
    "ERROR",
    "MIGHT_SWITCH_PROTOCOL",
    "SWITCHED_PROTOCOL",
]

Move: TypeAlias = Literal[
    "Request",
    "InformationalResponse",
    "Response",
    "Data",
    "EndOfMessage",
    "ConnectionClosed",
    # A 101 that accepts an Upgrade (RFC 9110 7.8), and a 2xx that accepts a CONNECT (RFC 9110 9.3.6)
    "101 to Upgrade",
    "2xx to CONNECT",
]

# "Connection closed" may be said again and again; an Upgrade or a CONNECT is accepted from SEND_RESPONSE only.
TRANSITIONS: Final[Mapping[Role, Mapping[State, Mapping[Move, State]]]] = {
    "CLIENT": {
        "IDLE": {"Request": "SEND_BODY", "ConnectionClosed": "CLOSED"},
        "SEND_BODY": {"Data": "SEND_BODY", "EndOfMessage": "DONE"},
        "DONE": {"ConnectionClosed": "CLOSED"},
        "MUST_CLOSE": {"ConnectionClosed": "CLOSED"},
        "CLOSED": {"ConnectionClosed": "CLOSED"},
    },
    "SERVER": {
        # A Response from IDLE is an early error answer: to a request that could not be read, or that did not come.
        "IDLE": {"Response": "SEND_BODY", "ConnectionClosed": "CLOSED"},
        "SEND_RESPONSE": {
            "InformationalResponse": "SEND_RESPONSE",
            "Response": "SEND_BODY",
            "101 to Upgrade": "SWITCHED_PROTOCOL",
            "2xx to CONNECT": "SWITCHED_PROTOCOL",
        },
        "SEND_BODY": {"Data": "SEND_BODY", "EndOfMessage": "DONE"},
        "DONE": {"ConnectionClosed": "CLOSED"},
        "MUST_CLOSE": {"ConnectionClosed": "CLOSED"},
        "CLOSED": {"ConnectionClosed": "CLOSED"},
    },
}


@final
@attrs.frozen(eq=False, order=False)
class Step:
    """A move, by whom it is made, and what the message says beside it; `step` makes them, one of each.

    Attributes:
        role: Who makes it.
        move: What it is.
        keep_alive: Whether the message leaves the connection open.
        proposes_upgrade: Whether a `Request` proposes an Upgrade.
        proposes_connect: Whether a `Request` is a CONNECT.

    """

    role: Role
    move: Move
    keep_alive: bool = True
    proposes_upgrade: bool = False
    proposes_connect: bool = False

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return _copied_step, (self.role, self.move, self.keep_alive, self.proposes_upgrade, self.proposes_connect)


# There are a few dozen. The type says what a cache forgets: which arguments it takes.
step: Final[Callable[[Role, Move, bool, bool, bool], Step]] = cache(Step)
"""Return the `Step` with these attributes: always the same object."""


def _may_ask_again(joint: JointState) -> bool:
    # Not one that has broken the protocol, or has closed, or has not asked; and what follows a CONNECT may be a tunnel.
    return joint.keep_alive and joint.client in (SEND_BODY, DONE) and not joint.connect_proposed


@final
@attrs.frozen(order=False)
class JointState:
    """The states of both sides, and what they have agreed on.

    Attributes:
        client: The client's state.
        server: The server's state.
        keep_alive: Whether the connection may be used again (RFC 9112 9.3).
        upgrade_proposed: Whether an Upgrade waits for its answer.
        connect_proposed: Whether a CONNECT waits for its answer.
        client_may_ask_again: Whether another request may come on this connection, behind the answer to the one that
            has been made; not to be given, it follows from the others.
        after: Where the steps lead that have been made from here; for `after_step` to fill.

    """

    client: State = IDLE
    server: State = IDLE
    keep_alive: bool = True
    upgrade_proposed: bool = False
    connect_proposed: bool = False
    client_may_ask_again: bool = attrs.field(
        default=attrs.Factory(_may_ask_again, takes_self=True), init=False, eq=False, repr=False
    )
    after: dict[Step, JointState] = attrs.field(factory=dict, init=False, eq=False, repr=False)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return _copied_joint, (self.client, self.server, self.keep_alive, self.upgrade_proposed, self.connect_proposed)


# There are a few dozen as well, one of each, so that it can keep what comes behind it.
_joint: Final[Callable[[State, State, bool, bool, bool], JointState]] = cache(JointState)


# A copy is the one that there is.


def _copied_step(role: Role, move: Move, *said: bool) -> Step:
    return step(role, move, *said)


def _copied_joint(client: State, server: State, *agreed: bool) -> JointState:
    return _joint(client, server, *agreed)


START: Final = _joint(IDLE, IDLE, True, False, False)
"""Where a connection begins."""


def after_move(
    joint: JointState,
    role: Role,
    move: Move,
    *,
    keep_alive: bool = True,
    proposes_upgrade: bool = False,
    proposes_connect: bool = False,
) -> JointState | None:
    """Return the state after `role` made `move`, or `None` where it may not.

    `keep_alive` is false when the message says or implies ``close``; the proposals are those of a `Request`.
    """
    return after_step(joint, step(role, move, keep_alive, proposes_upgrade, proposes_connect))


def after_step(joint: JointState, step: Step) -> JointState | None:
    """Return the same, for a step that has been made before: by one lookup, where it has been taken before as well."""
    after = joint.after.get(step)
    if after is None:
        after = _walk(joint, step)
        if after is not None:
            joint.after[step] = after
    return after


def _walk(joint: JointState, step: Step) -> JointState | None:
    role, move = step.role, step.move
    client, server = joint.client, joint.server
    upgrade_proposed, connect_proposed = joint.upgrade_proposed, joint.connect_proposed
    target = TRANSITIONS[role].get(client if role == CLIENT else server, {}).get(move)
    if target is None:
        return None
    if role == CLIENT:
        client = target
    else:
        server = target
    if move == "Request":
        if server != IDLE:
            return None
        server = SEND_RESPONSE
        upgrade_proposed, connect_proposed = step.proposes_upgrade, step.proposes_connect
    elif (move == "101 to Upgrade" and not upgrade_proposed) or (move == "2xx to CONNECT" and not connect_proposed):
        return None
    elif move == "Response":
        # A final response that accepts neither has refused both.
        upgrade_proposed = connect_proposed = False
    return _settled(client, server, joint.keep_alive and step.keep_alive, upgrade_proposed, connect_proposed)


def after_error(joint: JointState, role: Role) -> JointState:
    """Return the state after `role` broke the protocol."""
    client, server = joint.client, joint.server
    if role == CLIENT:
        client = ERROR
    else:
        server = ERROR
    return _settled(client, server, joint.keep_alive, joint.upgrade_proposed, joint.connect_proposed)


def not_reusable(joint: JointState) -> JointState:
    """Return the state of a connection that will not be used again, whatever was agreed on it (RFC 9112 9.3)."""
    return _settled(joint.client, joint.server, False, joint.upgrade_proposed, joint.connect_proposed)


def next_cycle(joint: JointState) -> JointState | None:
    """Return the state for the next request, or `None` where the two sides are not both done with this one."""
    if joint.client == DONE and joint.server == DONE:
        return START
    return None


def expected_moves(joint: JointState, role: Role) -> list[Move]:
    """Return the moves that `role` could make, for an error to name them."""
    return [
        move
        for move in TRANSITIONS[role].get(joint.client if role == CLIENT else joint.server, {})
        if after_move(joint, role, move) is not None
    ]


def _settled(client: State, server: State, keep_alive: bool, upgrade: bool, connect: bool) -> JointState:
    before = client, server
    # The switch goes first: an HTTP/1.0 client's CONNECT would otherwise have to close.
    if client == DONE and (upgrade or connect):
        client = MIGHT_SWITCH_PROTOCOL
    elif client == MIGHT_SWITCH_PROTOCOL and not (upgrade or connect):
        client = DONE
    if client == MIGHT_SWITCH_PROTOCOL and server == SWITCHED_PROTOCOL:
        client = SWITCHED_PROTOCOL
    client = _coupled(client, server, keep_alive)
    server = _coupled(server, client, keep_alive)
    if (client, server) == before:
        return _joint(client, server, keep_alive, upgrade, connect)
    return _settled(client, server, keep_alive, upgrade, connect)


def _coupled(state: State, other: State, keep_alive: bool) -> State:
    if state == DONE and (not keep_alive or other in (CLOSED, ERROR)):
        return MUST_CLOSE
    # An IDLE side stays so beside an ERROR: a server may still send an early error answer.
    if state == IDLE and other == CLOSED:
        return MUST_CLOSE
    return state
