"""The joint state machine: an exhaustive walk, against the design's table written out here by itself.

Twice: over the pure functions of `http11.states`, every move from every state that can be reached; and over pairs of
real connections, every event that a caller can send, from every state that can be reached by sending.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Literal, NamedTuple, TypeAlias, get_args

import pytest

from http11 import (
    CLIENT,
    SERVER,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    LocalProtocolError,
    Request,
    Response,
    Role,
    State,
    states,
)
from http11.states import START, JointState, Move, UnexpectedMoveError
from tests.harness import send_any

# The rows of the table in the design: (role, state): what is sent -> the new state.
TABLE = """
CLIENT IDLE: Request -> SEND_BODY; ConnectionClosed -> CLOSED
CLIENT SEND_BODY: Data -> SEND_BODY; EndOfMessage -> DONE
CLIENT DONE: ConnectionClosed -> CLOSED
CLIENT MUST_CLOSE: ConnectionClosed -> CLOSED
CLIENT CLOSED: ConnectionClosed -> CLOSED
SERVER IDLE: Response -> SEND_BODY; ConnectionClosed -> CLOSED
SERVER SEND_RESPONSE: InformationalResponse -> SEND_RESPONSE; Response -> SEND_BODY
SERVER SEND_RESPONSE: 101 to Upgrade -> SWITCHED_PROTOCOL; 2xx to CONNECT -> SWITCHED_PROTOCOL
SERVER SEND_BODY: Data -> SEND_BODY; EndOfMessage -> DONE
SERVER DONE: ConnectionClosed -> CLOSED
SERVER MUST_CLOSE: ConnectionClosed -> CLOSED
SERVER CLOSED: ConnectionClosed -> CLOSED
"""


def rows() -> dict[tuple[str, str, str], str]:
    found = {}
    for line in TABLE.strip().splitlines():
        side, _, moves = line.partition(": ")
        role, state = side.split()
        for move in moves.split("; "):
            name, _, target = move.partition(" -> ")
            found[role, state, name] = target
    return found


ROWS = rows()


class Model(NamedTuple):
    """The design's words, one at a time: slow, and plain."""

    client: str = "IDLE"
    server: str = "IDLE"
    keep_alive: bool = True
    proposals: frozenset[str] = frozenset()

    def move(self, role: Role, move: str, *, close: bool = False, proposals: Iterable[str] = ()) -> Model | None:
        state = self.client if role == "CLIENT" else self.server
        target = ROWS.get((role, state, move))
        if target is None:
            return None
        model = self._replace(client=target) if role == "CLIENT" else self._replace(server=target)
        if move == "Request":
            if self.server != "IDLE":
                return None
            model = model._replace(server="SEND_RESPONSE", proposals=frozenset(proposals))
        if move.startswith(("101", "2xx")) and move not in self.proposals:
            return None
        if move == "Response":
            model = model._replace(proposals=frozenset())
        if close:
            model = model._replace(keep_alive=False)
        return model.settled()

    def failed(self, role: Role) -> Model:
        model = self._replace(client="ERROR") if role == "CLIENT" else self._replace(server="ERROR")
        return model.settled()

    def settled(self) -> Model:
        while (after := self.step()) != self:
            self = after  # noqa: PLW0642
        return self

    def step(self) -> Model:
        client, server, keep_alive, proposals = self
        if client == "DONE" and proposals:
            return self._replace(client="MIGHT_SWITCH_PROTOCOL")
        if client == "MIGHT_SWITCH_PROTOCOL" and not proposals:
            return self._replace(client="DONE")
        if client == "MIGHT_SWITCH_PROTOCOL" and server == "SWITCHED_PROTOCOL":
            return self._replace(client="SWITCHED_PROTOCOL")
        if not keep_alive and client == "DONE":
            return self._replace(client="MUST_CLOSE")
        if not keep_alive and server == "DONE":
            return self._replace(server="MUST_CLOSE")
        if client == "CLOSED" and server in {"DONE", "IDLE"}:
            return self._replace(server="MUST_CLOSE")
        if server == "CLOSED" and client in {"DONE", "IDLE"}:
            return self._replace(client="MUST_CLOSE")
        if client == "ERROR" and server == "DONE":
            return self._replace(server="MUST_CLOSE")
        if server == "ERROR" and client == "DONE":
            return self._replace(client="MUST_CLOSE")
        return self


def as_model(joint: JointState) -> Model:
    client, server, keep_alive, upgrade, connect = joint
    proposals = {"101 to Upgrade": upgrade, "2xx to CONNECT": connect}
    return Model(client, server, keep_alive, frozenset(k for k, v in proposals.items() if v))


def moved_on(
    joint: JointState, role: Role, move: Move, *, close: bool, upgrade: bool, connect: bool
) -> JointState | None:
    try:
        return states.after_move(
            joint, role, move, keep_alive=not close, proposes_upgrade=upgrade, proposes_connect=connect
        )
    except UnexpectedMoveError:
        return None


ROLES: tuple[Role, ...] = ("CLIENT", "SERVER")
BOTH = [False, True]
# What a head can say beside what it is: close, Upgrade, CONNECT.
OPTIONS: dict[Move, list[list[bool]]] = {"Request": [BOTH] * 3, "Response": [BOTH, [False], [False]]}


def test_every_move_from_every_reachable_state() -> None:
    seen = {START}
    todo = deque(seen)
    moves = 0

    def found(joint: JointState | None, model: Model | None) -> None:
        nonlocal moves
        moves += 1
        assert (None if joint is None else as_model(joint)) == model
        if joint is not None and joint not in seen:
            seen.add(joint)
            todo.append(joint)

    while todo:
        joint = todo.popleft()
        model = as_model(joint)
        for role in ROLES:
            found(states.after_error(joint, role), model.failed(role))
            for move in get_args(Move):
                for close, upgrade, connect in product(*OPTIONS.get(move, [[False]] * 3)):
                    proposals = {"101 to Upgrade": upgrade, "2xx to CONNECT": connect}
                    found(
                        moved_on(joint, role, move, close=close, upgrade=upgrade, connect=connect),
                        model.move(role, move, close=close, proposals=[k for k, v in proposals.items() if v]),
                    )
        both_done = joint[:2] == ("DONE", "DONE")
        assert states.may_begin_again(joint) is both_done
        found(states.not_reusable(joint), model._replace(keep_alive=False).settled())
    # So that a walk which stops early is seen.
    assert {joint[:2] for joint in seen} == PAIRS
    # An error, eight kinds of request, two of response, and six other moves, for each side; and the end of reuse.
    assert moves == len(seen) * (2 * (1 + 8 + 2 + 6) + 1)


def pairs(table: str) -> set[tuple[str, str]]:
    lines = [line.partition(": ") for line in table.strip().splitlines()]
    return {(client, server) for client, _, servers in lines for server in servers.split()}


# All pairs of states that can be reached: found by the walk, and then looked at one by one.
PAIRS = pairs("""
IDLE: IDLE SEND_BODY DONE MUST_CLOSE ERROR
SEND_BODY: SEND_RESPONSE SEND_BODY DONE MUST_CLOSE CLOSED ERROR SWITCHED_PROTOCOL
DONE: SEND_RESPONSE SEND_BODY DONE
MUST_CLOSE: SEND_RESPONSE SEND_BODY MUST_CLOSE CLOSED ERROR
CLOSED: SEND_RESPONSE SEND_BODY MUST_CLOSE CLOSED ERROR
ERROR: IDLE SEND_RESPONSE SEND_BODY MUST_CLOSE CLOSED ERROR SWITCHED_PROTOCOL
MIGHT_SWITCH_PROTOCOL: SEND_RESPONSE ERROR
SWITCHED_PROTOCOL: ERROR SWITCHED_PROTOCOL
""")


@pytest.mark.parametrize("role", ROLES)
def test_expected_moves_are_those_that_are_allowed(role: Role) -> None:
    joint: JointState = ("SEND_BODY", "SEND_RESPONSE", True, True, False)
    expected: dict[Role, list[Move]] = {
        "CLIENT": ["Data", "EndOfMessage"],
        "SERVER": ["InformationalResponse", "Response", "101 to Upgrade"],
    }
    assert states.expected_moves(joint, role) == expected[role]
    assert states.expected_moves(states.after_error(joint, role), role) == []


# --- the same, through real connections -----------------------------------------------------------------------------

REQUEST_FIELDS = [("Host", "a"), ("Transfer-Encoding", "chunked")]
# A length, since without one an early answer to a client of unknown version would have to close.
RESPONSE_FIELDS = [("Content-Length", "1")]
CLOSE = [("Connection", "close")]
UPGRADE = [("Connection", "upgrade"), ("Upgrade", "x")]

# Each event that is sent, by a name, with the move that it should be.
EVENTS: Mapping[str, tuple[Event, Move, bool, frozenset[str]]] = {
    "request": (Request(method="POST", target="/", headers=REQUEST_FIELDS), "Request", False, frozenset()),
    "request and close": (
        Request(method="POST", target="/", headers=REQUEST_FIELDS + CLOSE),
        "Request",
        True,
        frozenset(),
    ),
    "request to upgrade": (
        Request(method="POST", target="/", headers=REQUEST_FIELDS + UPGRADE),
        "Request",
        False,
        frozenset(["101 to Upgrade"]),
    ),
    "connect": (
        Request(method="CONNECT", target="a:1", headers=[("Host", "a")]),
        "Request",
        False,
        frozenset(["2xx to CONNECT"]),
    ),
    "connect and upgrade": (
        Request(method="CONNECT", target="a:1", headers=[("Host", "a"), *UPGRADE]),
        "Request",
        False,
        frozenset(["2xx to CONNECT", "101 to Upgrade"]),
    ),
    "100": (InformationalResponse(status_code=100, headers=[]), "InformationalResponse", False, frozenset()),
    "101": (InformationalResponse(status_code=101, headers=UPGRADE), "101 to Upgrade", False, frozenset()),
    "200": (Response(status_code=200, headers=RESPONSE_FIELDS), "Response", False, frozenset()),
    "200 and close": (Response(status_code=200, headers=RESPONSE_FIELDS + CLOSE), "Response", True, frozenset()),
    "404": (Response(status_code=404, headers=RESPONSE_FIELDS), "Response", False, frozenset()),
    "data": (Data(b""), "Data", False, frozenset()),
    "end": (EndOfMessage(), "EndOfMessage", False, frozenset()),
    "close": (ConnectionClosed(), "ConnectionClosed", False, frozenset()),
}

Step: TypeAlias = tuple[Role, str] | Literal["cycle"]


class Pair:
    """Two connections, where what one sends is received and read by the other at once."""

    def __init__(self, path: Iterable[Step]) -> None:
        self.ends: dict[Role, Connection[Role]] = {"CLIENT": Connection(CLIENT), "SERVER": Connection(SERVER)}
        for step in path:
            if step == "cycle":
                for end in self.ends.values():
                    end.start_next_cycle()
            else:
                self.send(*step)

    def send(self, role: Role, name: str) -> None:
        if role == "SERVER" and name == "end":
            self._deliver(role, Data(b"x"))
        if name.startswith("connect"):
            # It has no body, so the other side knows that it has ended as soon as it has come; so both go at once.
            wire = send_any(self.ends[role], EVENTS[name][0])
            self._deliver(role, EndOfMessage(), before=wire or b"")
        else:
            self._deliver(role, EVENTS[name][0])

    def _deliver(self, role: Role, event: Event, *, before: bytes = b"") -> None:
        other = self.ends["SERVER" if role == "CLIENT" else "CLIENT"]
        wire = send_any(self.ends[role], event)
        if wire is None or before + wire:
            other.receive_data(before + (wire or b""))
        while not isinstance(other.next_event(), type | ConnectionClosed):
            pass

    def states(self) -> list[dict[Role, State]]:
        return [end.states for end in self.ends.values()]


def moved(model: Model, role: Role, name: str) -> Model | None:
    _, move, close, proposals = EVENTS[name]
    # An early answer comes before a request that could not be answered any more, so it says that it is the last.
    close = close or (move == "Response" and model.server == "IDLE")
    if name.startswith("200") and "2xx to CONNECT" in model.proposals:
        move = "2xx to CONNECT"
    # And what comes after a CONNECT that is refused may have been written into a tunnel (RFC 9931 8).
    close = close or (move == "Response" and "2xx to CONNECT" in model.proposals)
    after = model.move(role, move, close=close, proposals=proposals)
    return after.move(role, "EndOfMessage") if after is not None and name.startswith("connect") else after


def test_every_event_from_every_state_through_real_connections() -> None:
    paths: dict[Model, list[Step]] = {Model(): []}
    todo = deque(paths)
    accepted = refused = 0
    while todo:
        model = todo.popleft()
        path = paths[model]
        for role in ROLES:
            for name in EVENTS:
                pair = Pair(path)
                after = moved(model, role, name)
                if after is None:
                    refused += 1
                    check_refusal(pair, model, role, name)
                    continue
                accepted += 1
                pair.send(role, name)
                expected = {"CLIENT": after.client, "SERVER": after.server}
                assert pair.states() == [expected, expected], (path, role, name)
                if after not in paths:
                    paths[after] = [*path, (role, name)]
                    todo.append(after)
        pair = Pair(path)
        for end in pair.ends.values():
            if (model.client, model.server) == ("DONE", "DONE"):
                end.start_next_cycle()
                assert end.states == {"CLIENT": "IDLE", "SERVER": "IDLE"}
            else:
                with pytest.raises(LocalProtocolError) as caught:
                    end.start_next_cycle()
                assert caught.value.code == "not-reusable"
                assert end.states == {"CLIENT": model.client, "SERVER": model.server}
    assert {(model.client, model.server) for model in paths} == {
        pair for pair in PAIRS if "ERROR" not in pair and pair != ("IDLE", "DONE")
    }
    assert (accepted, refused) == (118, 844)


def check_refusal(pair: Pair, model: Model, role: Role, name: str) -> None:
    end = pair.ends[role]
    with pytest.raises(LocalProtocolError) as caught:
        send_any(end, EVENTS[name][0])
    assert caught.value.code in {"unexpected-event", "unexpected-switch"}
    after = model.failed(role)
    assert end.states == {"CLIENT": after.client, "SERVER": after.server}
    with pytest.raises(LocalProtocolError) as caught:
        send_any(end, EVENTS[name][0])
    assert caught.value.code == "already-failed"
