"""Every vector: what arrives, whole, byte by byte and in one cut, under both policies; and what is sent.

`pytest -m long tests/test_vectors.py` reads each in every split, and cut off at every place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from itertools import product
from typing import get_args

import pytest

from http11 import (
    CLIENT,
    ERROR,
    H11,
    SERVER,
    STRICT,
    Connection,
    ConnectionClosed,
    ErrorCode,
    Event,
    LocalProtocolError,
    Policy,
    RemoteProtocolError,
    Role,
)
from tests.harness import (
    VECTORS,
    Outcome,
    Reader,
    SendingVector,
    Spelled,
    Vector,
    by_row,
    event_of,
    few_splits,
    read,
    reading_vectors,
    reasons,
    sending_vectors,
    splits,
    tables,
)

PRESETS = (STRICT, H11)

# The rows of the strictness table: each section, and the number of its last row.
ROWS = {"LN": 6, "RQ": 15, "ST": 8, "FD": 12, "HO": 5, "ML": 18, "CH": 10, "CN": 1, "EX": 1, "DR": 8, "SD": 17}
DOORS = [f"DR-{number}" for number in range(1, 8)]
IDS = [f"{section}-{number}" for section, last in ROWS.items() for number in range(1, last + 1)]
BEHIND_DOORS = [vector for vector in reading_vectors() if vector.id in DOORS]

CODES: frozenset[str] = frozenset(get_args(ErrorCode))


@pytest.mark.parametrize("vector", reading_vectors(), ids=str)
def test_outcome_is_the_same_whole_byte_by_byte_and_cut_in_two(vector: Vector) -> None:
    ways = list(few_splits(vector.data, closed=vector.closed, seed=str(vector)))
    for preset in PRESETS:
        assert_outcome(vector, vector.policy(preset), partial(vector.outcome, preset), ways)


def assert_outcome(
    vector: Vector, policy: Policy, expected: Callable[[list[bytes]], Outcome], ways: Iterable[list[bytes]]
) -> None:
    for pieces in ways:
        outcome = read(pieces, vector.role, policy=policy, request=vector.request, then=vector.then, limit=vector.limit)
        assert outcome == expected(pieces), f"{vector} by {policy}, in {pieces}"


@pytest.mark.no_cover
@pytest.mark.parametrize("vector", BEHIND_DOORS, ids=str)
def test_outcome_with_its_door_open_is_the_same_however_the_bytes_arrive(vector: Vector) -> None:
    assert_outcome(vector, vector.opened, lambda _: vector.door, splits(vector.data, closed=vector.closed))


@pytest.mark.parametrize("row", DOORS)
def test_a_door_lets_something_in_and_keeps_its_neighbours_out(row: str) -> None:
    vectors = [vector for vector in BEHIND_DOORS if vector.id == row]
    opened = [vector for vector in vectors if vector.door != vector.strict and vector.door[-1][0] != "error"]
    refused = [vector for vector in vectors if vector.strict[-1][0] == vector.door[-1][0] == "error"]
    assert len(opened) > 2
    assert len(refused) > 2


# By row: all tests are collected in each run, those too that it leaves out.
@pytest.mark.long
@pytest.mark.parametrize("row", by_row())
def test_outcome_is_the_same_however_the_bytes_arrive(row: str) -> None:
    for vector, preset in product(by_row()[row], PRESETS):
        ways = splits(vector.data, closed=vector.closed)
        assert_outcome(vector, vector.policy(preset), partial(vector.outcome, preset), ways)


@pytest.mark.long
@pytest.mark.parametrize("row", by_row())
def test_every_prefix_and_the_end_of_the_connection_is_read_or_refused(row: str) -> None:
    """Nothing but events, signals and `RemoteProtocolError` may come of it; `Reader` lets all else through to here."""
    for vector, preset in product(by_row()[row], PRESETS):
        policy = vector.policy(preset)
        for size in range(len(vector.data) + 1):
            reader = Reader(vector.role, policy=policy, request=vector.request, then=vector.then, limit=vector.limit)
            reader.feed(vector.data[:size])
            reader.feed(b"")
            # The end of the connection is never passed over: it is told, or an error, or it waits behind a switch.
            assert ends(reader.outcome), f"{vector} by {policy}, {size} bytes of it"


def ends(outcome: Outcome) -> bool:
    """Tell whether an outcome says what became of the connection."""
    return outcome[-1][0] in ("ConnectionClosed", "error", "paused")


# --- sending --------------------------------------------------------------------------------------------------------


def receive(connection: Connection[Role], data: bytes, *, closed: bool = False) -> list[Event]:
    """Return the events of `data`, up to the first error."""
    events: list[Event] = []
    for piece in (data, b"") if closed else (data,):
        connection.receive_data(piece)
    try:
        while not isinstance(event := connection.next_event(), type):
            events.append(event)
            if isinstance(event, ConnectionClosed):
                # It would come again and again.
                break
    except RemoteProtocolError:
        # A server may still answer.
        pass
    return events


def send(connection: Connection[Role], event: Event) -> bytes:
    # A connection of either role, which is more than the types of `send` promise.
    written: bytes | None = connection.send(event)  # type: ignore[arg-type]
    return written or b""


def sender(vector: SendingVector) -> tuple[Connection[Role], list[Event | Spelled]]:
    """Return the connection that is to send, and what."""
    connection: Connection[Role] = Connection(vector.role, policy=vector.policy)
    request = vector.request or b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    if not vector.forward:
        if vector.received or vector.closed:
            receive(connection, vector.received, closed=vector.closed)
        return connection, list(vector.send)
    if vector.role == CLIENT:
        upstream: Connection[Role] = Connection(SERVER, policy=vector.policy)
    else:
        upstream = Connection(CLIENT, policy=vector.policy)
        for event in receive(connection, request):
            send(upstream, event)
    events = receive(upstream, vector.received)
    assert upstream.their_state != ERROR, "the event to forward was refused where it was read"
    return connection, list(events)


def attempt(connection: Connection[Role], given: Event | Spelled) -> tuple[bytes, tuple[str, str] | None]:
    """Make an event, if it is not one yet, and send it; return what is written, or where it was refused and how."""
    stage = "construction"
    try:
        event = event_of(given) if isinstance(given, tuple) else given
        stage = "send"
        return send(connection, event), None
    except LocalProtocolError as error:
        return b"", (stage, error.code)


@pytest.mark.parametrize("vector", sending_vectors(), ids=str)
def test_sending(vector: SendingVector) -> None:
    connection, events = sender(vector)
    wire = b""
    refused = None
    for place, event in enumerate(events, 1):
        written, refused = attempt(connection, event)
        wire += written
        if refused is not None:
            # A message that is forwarded may have an end behind the head that is refused.
            assert place == len(events) or vector.forward
            break
    assert refused == vector.refused
    if refused is None:
        assert wire == vector.wire
    elif refused[0] == "send":
        assert connection.our_state == ERROR


# --- the vectors themselves -----------------------------------------------------------------------------------------


ALL: list[Vector | SendingVector] = [*reading_vectors(), *sending_vectors()]


def test_every_row_has_a_vector_and_every_vector_a_row() -> None:
    assert {vector.id for vector in ALL} == set(IDS)


def test_names_are_unique() -> None:
    names = Counter((vector.id, vector.name) for vector in ALL)
    assert [name for name, times in names.items() if times > 1] == []


def test_every_code_is_one_of_the_closed_set() -> None:
    outcomes = [outcome for vector in reading_vectors() for outcome in (vector.strict, vector.h11, vector.h11_whole)]
    codes = {str(event[1]) for outcome in outcomes for event in outcome if event[0] == "error"}
    codes |= {vector.refused[1] for vector in sending_vectors() if vector.refused is not None}
    assert codes <= CODES


def test_every_vector_says_why_and_none_says_again_what_its_row_says() -> None:
    assert all(vector.why for vector in ALL)
    files = [f"{folder}/{path.name}" for folder in ("reading", "sending") for path in (VECTORS / folder).glob("*.toml")]
    given = [(vector["id"], vector.get("why")) for file in files for vector in tables(file, "vector")]
    assert len(given) == len(ALL)
    assert [one for one in given if one in reasons().items()] == []
