"""An exception of somebody else's, of a signal handler for example, in each place of each method.

CPython runs signal handlers where a function is called. So each method is run again and again, and an exception is
raised at its first call, at its second one, and so on. It never leaves a connection that reads or writes something else
than it should: either nothing has changed, or all has, or the side that was at work is in `ERROR`.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType
from typing import TypeAlias

import pytest

from http11 import (
    CLIENT,
    DONE,
    ERROR,
    H11,
    IDLE,
    SEND_BODY,
    SERVER,
    STRICT,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    LocalProtocolError,
    Policy,
    RemoteProtocolError,
    Request,
    Response,
    Role,
    Signal,
)
from tests.harness import plain, send_any

# A handler may run right after a method in C has returned, before its caller has what it returned: see docs/builds.md.
pytestmark = pytest.mark.interpreted

AnyConnection: TypeAlias = Connection[Role]


class Interruption(BaseException):
    """What a signal handler raises."""


def interrupted(call: Callable[[], object], place: int) -> bool:
    """Run `call` and raise at its call number `place`; false where it had fewer."""
    left = place

    def on_call(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal left
        # Where a Python function begins, and after one in C has returned, a handler may run.
        if event in ("call", "c_return"):
            left -= 1
            if left == 0:
                sys.setprofile(None)
                raise Interruption

    # What others do when rubbish is collected is no place of ours.
    gc.disable()
    sys.setprofile(on_call)
    try:
        call()
    except Interruption:
        return True
    finally:
        sys.setprofile(None)
        gc.enable()
    return False


def places(call: Callable[[int], bool], *, least: int = 1) -> Iterator[int]:
    """Yield each place at which `call` could be interrupted: the call of a method is one itself."""
    place = 1
    while call(place):
        yield place
        place += 1
    assert place > least


HEAD = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
STREAM = HEAD + b"5;x=y\r\nhello\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n" + b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n"
ANSWERS = b"HTTP/1.1 103 \r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: " + b"y" * 40 + b"\r\n\r\nhello\r\n"


def connected(role: Role, policy: Policy) -> AnyConnection:
    connection: AnyConnection = Connection(role, policy=policy)
    if role == CLIENT:
        send_any(connection, Request(method="GET", target="/", headers=[("Host", "a")]))
        send_any(connection, EndOfMessage())
    return connection


def told(connection: AnyConnection) -> list[tuple[str | int, ...]]:
    """Return the events, and the error, if there is one."""
    events: list[tuple[str | int, ...]] = []
    try:
        while not isinstance(event := connection.next_event(), type):
            events.append(plain(event))
    except RemoteProtocolError as error:
        events.append(("error", error.code))
    return events


def drain(connection: AnyConnection) -> list[tuple[str | int, ...]]:
    events: list[tuple[str | int, ...]] = []
    while not isinstance(event := connection.next_event(), type):
        events.append(plain(event))
        if isinstance(event, ConnectionClosed):
            break
    return events


def joined(events: list[tuple[str | int, ...]]) -> list[tuple[str | int, ...]]:
    """Join adjacent `Data`."""
    found: list[tuple[str | int, ...]] = []
    for event in events:
        if event[0] == "Data" and found and found[-1][0] == "Data":
            found[-1] = ("Data", f"{found[-1][1]}{event[1]}")
        else:
            found.append(event)
    return found


@pytest.mark.parametrize("policy", [STRICT, H11], ids=["STRICT", "H11"])
@pytest.mark.parametrize(("role", "stream"), [(SERVER, STREAM), (CLIENT, ANSWERS)])
@pytest.mark.parametrize("read", [True, False], ids=["read", "unread"])
def test_a_piece_is_received_as_a_whole_or_not_at_all(role: Role, stream: bytes, read: bool, policy: Policy) -> None:
    whole = connected(role, policy)
    whole.receive_data(stream)
    expected = joined(drain(whole))
    for kind in (bytes, bytearray):
        for cut in range(1, len(stream), 7):
            for middle in (cut, max(1, cut - 1), max(1, cut // 2)):

                def attempt(place: int, cut: int = cut, middle: int = middle, kind: type = kind) -> bool:
                    connection = connected(role, policy)
                    connection.receive_data(stream[:middle])
                    events = drain(connection) if read else []
                    # Twice, so that the buffer is one that can grow.
                    if stream[middle:cut]:
                        connection.receive_data(stream[middle:cut])
                        events += drain(connection) if read else []
                    before = connection.trailing_data[0]
                    stopped = interrupted(lambda: connection.receive_data(kind(stream[cut:])), place)
                    after = connection.trailing_data[0]
                    assert after in (before, before + stream[cut:])
                    if after == before:
                        connection.receive_data(stream[cut:])
                    assert joined(events + drain(connection)) == expected
                    return stopped

                assert list(places(attempt))


def test_the_end_is_received_or_not() -> None:
    def attempt(place: int) -> bool:
        connection = connected(CLIENT, STRICT)
        connection.receive_data(ANSWERS[:-2])
        drain(connection)
        stopped = interrupted(lambda: connection.receive_data(b""), place)
        if not connection.trailing_data[1]:
            connection.receive_data(b"")
        assert drain(connection) == [("ConnectionClosed",)]
        return stopped

    assert list(places(attempt))


# What may not come, with what could be taken for the next message after it.
UNEXPECTED = b"HTTP/1.1 101 \r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
BROKEN = HEAD + b"5\r\nhelloGET /evil HTTP/1.1\r\nHost: a\r\n\r\n"
FLOOD = b"HTTP/1.1 103 \r\n\r\n" * 65


@pytest.mark.parametrize(
    ("role", "stream"),
    [(SERVER, STREAM), (CLIENT, ANSWERS), (CLIENT, UNEXPECTED), (SERVER, BROKEN), (CLIENT, FLOOD)],
    ids=["requests", "answers", "an unexpected switch", "a broken chunk", "a flood"],
)
@pytest.mark.parametrize("size", [5, 10000])
def test_an_event_is_told_or_the_peer_has_failed(role: Role, stream: bytes, size: int) -> None:
    # Each of 65 heads in many pieces would take half a minute, and show nothing more.
    size = len(stream) if stream is FLOOD else size
    whole = connected(role, STRICT)
    whole.receive_data(stream)
    expected = joined(told(whole))
    first = max(0, len(expected) - 3) if stream is FLOOD else 0

    def read(number: int, place: int) -> bool:
        """Interrupt call `number` of `next_event` at `place`; false where that cannot be."""
        connection = connected(role, STRICT)
        events: list[tuple[str | int, ...]] = []
        calls, stopped = 0, False
        for start in range(0, len(stream), size):
            connection.receive_data(stream[start : start + size])
            while True:
                got: list[Event | Signal] = []
                try:
                    if calls == number:
                        stopped = interrupted(partial(call, connection, got), place)
                    else:
                        call(connection, got)
                except RemoteProtocolError as error:
                    # And not another one, where it was replaced at first.
                    events.append(("error", error.code))
                    break
                calls += 1
                if stopped and connection.their_state == ERROR:
                    return True
                # What was interrupted before anything had changed is asked again.
                if got and isinstance(got[0], type):
                    break
                events += [plain(event) for event in got if not isinstance(event, type)]
            if events and events[-1][0] == "error":
                break
        assert joined(events) == expected
        return stopped

    number = first
    while list(places(partial(read, number), least=0)):
        number += 1
    assert number >= len(expected) - 1


def call(connection: AnyConnection, got: list[Event | Signal]) -> None:
    got.append(connection.next_event())


def asked(*, policy: Policy = STRICT) -> AnyConnection:
    connection = connected(SERVER, policy)
    connection.receive_data(HEAD + b"0\r\n\r\n")
    drain(connection)
    return connection


WRONG = EndOfMessage(headers=[("not", "now")])
TO_ASK: list[Event] = [
    Request(method="PUT", target="/", headers=[("Host", "a"), ("Transfer-Encoding", "chunked")]),
    Data(b"hello"),
    EndOfMessage(headers=[("x", "y")]),
    ConnectionClosed(),
]
TO_ANSWER: list[Event] = [
    InformationalResponse(status_code=103, headers=[("x", "y")]),
    Response(status_code=200, headers=[("Content-Length", "5"), ("Connection", "x")]),
    Data(b"hello"),
    EndOfMessage(),
    ConnectionClosed(),
]


@pytest.mark.parametrize("passthrough", [False, True])
@pytest.mark.parametrize(
    ("made", "events"), [(lambda: Connection(CLIENT), TO_ASK), (asked, TO_ANSWER)], ids=["client", "server"]
)
def test_an_event_is_sent_or_we_have_failed(
    made: Callable[[], AnyConnection], events: list[Event], passthrough: bool
) -> None:
    def sent(connection: AnyConnection, event: Event) -> object:
        if passthrough:
            return connection.send_with_data_passthrough(event)  # type: ignore[arg-type]
        return send_any(connection, event)

    # At each place a wrong one as well, which may not come then.
    for number, event in [*enumerate(events), *enumerate([WRONG] * len(events))]:

        def attempt(place: int, number: int = number, event: Event = event) -> bool:
            connection, other = made(), made()
            for earlier in events[:number]:
                assert sent(connection, earlier) == sent(other, earlier)
            before = connection.states
            try:
                stopped = interrupted(lambda: sent(connection, event), place)
            except LocalProtocolError:
                assert connection.our_state == ERROR
                return False
            if stopped and connection.our_state != ERROR:
                assert connection.states == before
                assert tried(partial(sent, connection, event)) == tried(partial(sent, other, event))
            return stopped

        assert list(places(attempt))


def tried(call: Callable[[], object]) -> object:
    """Return what comes of it, or the code of the error."""
    try:
        return call()
    except LocalProtocolError as error:
        return error.code


def test_a_body_that_is_too_short_is_never_taken_for_whole() -> None:
    def attempt(place: int) -> bool:
        connection: AnyConnection = Connection(CLIENT)
        send_any(connection, Request(method="PUT", target="/", headers=[("Host", "a"), ("Content-Length", "2")]))
        try:
            stopped = interrupted(lambda: send_any(connection, EndOfMessage()), place)
        except LocalProtocolError:
            stopped = False
        assert connection.our_state in (SEND_BODY, ERROR)
        return stopped

    assert list(places(attempt))


def test_a_cycle_begins_or_not() -> None:
    def attempt(place: int) -> bool:
        connection = asked()
        send_any(connection, Response(status_code=204, headers=[]))
        send_any(connection, EndOfMessage())
        stopped = interrupted(connection.start_next_cycle, place)
        if connection.our_state != IDLE:
            assert connection.states == {CLIENT: DONE, SERVER: DONE}
            connection.start_next_cycle()
        connection.receive_data(STREAM)
        assert plain(next_of(connection))[:3] == ("Request", "POST", "/a")
        return stopped

    assert list(places(attempt))


def next_of(connection: AnyConnection) -> Event:
    event = connection.next_event()
    assert not isinstance(event, type)
    return event
