"""Roles, states, and the joint state machine of a connection's two sides (RFC 9112 9).

There are two machines, one for the client and one for the server, and three kinds of move:

1. One side sends something, and moves by its row of `TRANSITIONS`. A request moves the server too.
2. Then the two are coupled: the state of one, a proposal to switch protocols, or a `Connection: close` moves the other,
   by the rules in `_settled`.
3. An error puts the side that made it to `ERROR`, from where nothing leads.

Everything here is a pure function from one `JointState` to the next; `http11.engine` remembers which one is
current.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

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
    "UnexpectedMoveError",
    "after_error",
    "after_move",
    "expected_moves",
    "may_begin_again",
    "not_reusable",
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


# The same, with a row for each state.
_CLIENT_MOVES: Final[dict[State, dict[Move, State]]] = {
    state: dict(TRANSITIONS["CLIENT"].get(state, {})) for state in get_args(State)
}
_SERVER_MOVES: Final[dict[State, dict[Move, State]]] = {
    state: dict(TRANSITIONS["SERVER"].get(state, {})) for state in get_args(State)
}

JointState: TypeAlias = tuple[State, State, bool, bool, bool]
"""The client's state; the server's; and what they have agreed on: whether the connection may be used again (RFC 9112
9.3), whether an Upgrade waits for its answer, and whether a CONNECT does."""

START: Final[JointState] = (IDLE, IDLE, True, False, False)
"""Where a connection begins."""


class UnexpectedMoveError(Exception):
    """A side may not make this move from where it is. It never reaches a caller of `Connection`."""

    def __init__(self, role: Role, move: Move) -> None:
        super().__init__(role, move)
        self.role: Role = role
        self.move: Move = move


def after_move(  # noqa: PLR0917 - called for each event, and names take time
    joint: JointState,
    role: Role,
    move: Move,
    keep_alive: bool = True,
    proposes_upgrade: bool = False,
    proposes_connect: bool = False,
) -> JointState:
    """Return the state after `role` made `move`.

    `keep_alive` is false when the message says or implies ``close``; the proposals are those of a `Request`.

    Raises:
        UnexpectedMoveError: It may not.

    """
    client, server, alive, upgrade, connect = joint
    if role == CLIENT:
        target = _CLIENT_MOVES[client].get(move)
        if target is None:
            raise UnexpectedMoveError(role, move)
        client = target
    else:
        target = _SERVER_MOVES[server].get(move)
        if target is None:
            raise UnexpectedMoveError(role, move)
        server = target
    if move == "Request":
        if server != IDLE:
            raise UnexpectedMoveError(role, move)
        server, upgrade, connect = SEND_RESPONSE, proposes_upgrade, proposes_connect
    elif move == "Response":
        # A final response that accepts neither has refused both.
        upgrade = connect = False
    elif (move == "101 to Upgrade" and not upgrade) or (move == "2xx to CONNECT" and not connect):
        raise UnexpectedMoveError(role, move)
    alive = alive and keep_alive
    if client == SEND_BODY and (server == SEND_RESPONSE or server == SEND_BODY):  # noqa: PLR1714, SIM109 - a pair takes time
        # Nothing to settle while both are at work.
        return client, server, alive, upgrade, connect
    return _settled(client, server, alive, upgrade, connect)


def after_error(joint: JointState, role: Role) -> JointState:
    """Return the state after `role` broke the protocol."""
    client, server, alive, upgrade, connect = joint
    if role == CLIENT:
        client = ERROR
    else:
        server = ERROR
    return _settled(client, server, alive, upgrade, connect)


def not_reusable(joint: JointState) -> JointState:
    """Return the state once the connection cannot be used again, whatever was agreed."""
    client, server, _, upgrade, connect = joint
    return _settled(client, server, False, upgrade, connect)


def may_begin_again(joint: JointState) -> bool:
    """Tell whether both sides are done with this request, so that the next cycle may begin, at `START`."""
    return joint[0] == DONE and joint[1] == DONE


def expected_moves(joint: JointState, role: Role) -> list[Move]:
    """Return the moves that `role` could make, for an error to name them."""
    moves = _CLIENT_MOVES[joint[0]] if role == CLIENT else _SERVER_MOVES[joint[1]]
    return [move for move in moves if _may_move(joint, role, move)]


def _may_move(joint: JointState, role: Role, move: Move) -> bool:
    try:
        after_move(joint, role, move)
    except UnexpectedMoveError:
        return False
    return True


def _settled(client: State, server: State, keep_alive: bool, upgrade: bool, connect: bool) -> JointState:
    """Couple the two sides. No rule makes room for one before it, so each is asked once."""
    # The switch goes first: an HTTP/1.0 client's CONNECT would otherwise have to close.
    if client == DONE and (upgrade or connect):
        client = MIGHT_SWITCH_PROTOCOL
    if client == MIGHT_SWITCH_PROTOCOL:
        if server == SWITCHED_PROTOCOL:
            client = SWITCHED_PROTOCOL
        elif not (upgrade or connect):
            client = DONE
    # An IDLE side stays so beside an ERROR: a server may still send an early error answer.
    if client == DONE:
        if not keep_alive or server == CLOSED or server == ERROR:  # noqa: PLR1714, SIM109 - a pair takes time
            client = MUST_CLOSE
    elif client == IDLE and server == CLOSED:
        client = MUST_CLOSE
    if server == DONE:
        if not keep_alive or client == CLOSED or client == ERROR:  # noqa: PLR1714, SIM109
            server = MUST_CLOSE
    elif server == IDLE and client == CLOSED:
        server = MUST_CLOSE
    return client, server, keep_alive, upgrade, connect
