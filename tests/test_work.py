"""Work under attack, counted: twice as much of anything that a peer can send is no more than twice the work.

`tests/test_limits.py` has what a connection holds, and the streams that must end in a refusal. Here the limits are
lifted, and what is sent is read to its end, so that nothing but the engine keeps the work in bounds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import attrs
import pytest

from http11 import (
    CLIENT,
    DONE,
    H11,
    NEED_DATA,
    PAUSED,
    SEND_RESPONSE,
    SERVER,
    ClientConnection,
    Connection,
    ConnectionClosed,
    EndOfMessage,
    Policy,
    RemoteProtocolError,
    Request,
    Response,
    Role,
    ServerConnection,
    headers,
    parsing,
    scanning,
)
from tests.counting import Counter, place

STRICT = Policy(
    max_method_size=10**9,
    max_fields=None,
    max_informational_responses=None,
    max_chunk_line_size=None,
    max_chunk_extension_excess=None,
)
BOTH = (STRICT, H11)

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\n"
BEHIND_LINE = b"\r\nx\r\n0\r\n\r\n"


@attrs.frozen
class Attack:
    """A stream of any size.

    Attributes:
        role: Who reads it.
        begin: What it begins with.
        again: What is repeated.
        end: What makes it whole.
        policies: By which it is read to its end.
        code: The error in which it ends, if it does: one that needs the whole of it.

    """

    role: Role
    begin: bytes
    again: bytes | Callable[[int], bytes]
    end: bytes
    policies: tuple[Policy, ...] = BOTH
    code: str | None = None

    def stream(self, size: int) -> bytes:
        """Return the stream with about `size` bytes of what is repeated."""
        if isinstance(self.again, bytes):
            middle = self.again * (size // len(self.again))
        else:
            middle = b"".join(map(self.again, range(size // len(self.again(100)))))
        return self.begin + middle + self.end


ATTACKS = {
    # White space, in each place where it may stand
    "empty lines": Attack(SERVER, b"", b"\r\n", HEAD + b"\r\n", (STRICT,)),
    "space before a value": Attack(SERVER, HEAD + b"X:", b" ", b"y\r\n\r\n"),
    "space behind a value": Attack(SERVER, HEAD + b"X:y", b" \t", b"\r\n\r\n"),
    "space in a value": Attack(SERVER, HEAD + b"X:y", b" ", b"z\r\n\r\n"),
    "a value of space": Attack(SERVER, HEAD + b"X:", b"\t", b"\r\n\r\n"),
    "space in a folded line": Attack(CLIENT, ANSWER + b"X: y\r\n", b" ", b"z\r\n\r\n"),
    "space in a reason": Attack(CLIENT, b"HTTP/1.1 200 ", b" ", b"\r\n\r\n"),
    "space before an extension": Attack(SERVER, CHUNKED + b"1", b" ", b";a" + BEHIND_LINE, (STRICT,)),
    "space before an extension's name": Attack(SERVER, CHUNKED + b"1;", b" ", b"a" + BEHIND_LINE),
    "space before =": Attack(SERVER, CHUNKED + b"1;a", b" ", b"=b" + BEHIND_LINE),
    "space behind =": Attack(SERVER, CHUNKED + b"1;a=", b" ", b"b" + BEHIND_LINE),
    "space behind an extension": Attack(SERVER, CHUNKED + b"1;a=b", b" ", b";c" + BEHIND_LINE),
    "space in a quoted extension": Attack(SERVER, CHUNKED + b'1;a="', b" ", b'"' + BEHIND_LINE),
    "space behind a chunk size": Attack(SERVER, CHUNKED + b"1", b" ", BEHIND_LINE, (H11,)),
    "space in a list": Attack(SERVER, HEAD + b"Connection: a,", b" ", b"b\r\n\r\n"),
    "space in a length": Attack(CLIENT, ANSWER + b"Content-Length: 1,", b" ", b"1\r\n\r\nx"),
    # Folded lines
    "folded lines": Attack(CLIENT, ANSWER + b"X: y\r\n", b" z\r\n", b"\r\n"),
    "empty folded lines": Attack(CLIENT, ANSWER + b"X: y\r\n", b" \r\n", b"\r\n"),
    "folded lines of a request": Attack(SERVER, HEAD + b"X: y\r\n", b"\tz\r\n", b"\r\n", (H11,)),
    "folded trailers": Attack(SERVER, CHUNKED + b"0\r\nX: y\r\n", b" z\r\n", b"\r\n", (H11,)),
    # Fields
    "fields": Attack(SERVER, HEAD, b"x: y\r\n", b"\r\n"),
    "empty fields": Attack(SERVER, HEAD, b"x:\r\n", b"\r\n"),
    "fields of different names": Attack(SERVER, HEAD, lambda place: b"x%d: y\r\n" % place, b"\r\n"),
    "fields of a response": Attack(CLIENT, ANSWER, b"Set-Cookie: y\r\n", b"\r\n"),
    "lines that end in LF": Attack(SERVER, HEAD, b"x: y\n", b"\n", (H11,)),
    "trailers": Attack(SERVER, CHUNKED + b"0\r\n", b"x: y\r\n", b"\r\n"),
    "trailers before a forbidden one": Attack(
        SERVER, CHUNKED + b"0\r\n", b"x: y\r\n", b"Host: a\r\n\r\n", (STRICT,), "forbidden-trailer"
    ),
    "a field's name": Attack(SERVER, HEAD, b"x", b": y\r\n\r\n"),
    "a field's value": Attack(SERVER, HEAD + b"X: ", b"\xff", b"\r\n\r\n"),
    "Connection fields": Attack(SERVER, HEAD, b"Connection: x\r\n", b"\r\n"),
    "connection options": Attack(SERVER, HEAD + b"Connection: x", lambda place: b", x%d" % place, b"\r\n\r\n"),
    "empty connection options": Attack(SERVER, HEAD + b"Connection: ", b",", b"\r\n\r\n"),
    "protocols to upgrade to": Attack(SERVER, HEAD + b"Upgrade: x", b", x", b"\r\n\r\n"),
    "expectations": Attack(SERVER, HEAD + b"Expect: x", b", x", b"\r\n\r\n"),
    # Fields that are one too many
    "Host fields": Attack(SERVER, HEAD, b"Host: a\r\n", b"\r\n", BOTH, "repeated-host"),
    "equal lengths": Attack(CLIENT, ANSWER, b"Content-Length: 1\r\n", b"\r\nx"),
    "equal lengths in a list": Attack(CLIENT, ANSWER + b"Content-Length: 1", b",1", b"\r\n\r\nx"),
    "equal lengths of a request": Attack(
        SERVER, HEAD, b"Content-Length: 1\r\n", b"\r\nx", (STRICT,), "repeated-content-length"
    ),
    "different lengths": Attack(
        SERVER, HEAD, lambda place: b"Content-Length: %d\r\n" % place, b"\r\n", BOTH, "conflicting-content-length"
    ),
    "a length of zeros": Attack(SERVER, HEAD + b"Content-Length: ", b"0", b"1\r\n\r\nx", BOTH, "bad-content-length"),
    "transfer codings": Attack(
        SERVER, HEAD + b"Transfer-Encoding: chunked", b", chunked", b"\r\n\r\n", BOTH, "bad-transfer-encoding"
    ),
    "Transfer-Encoding fields": Attack(
        SERVER, HEAD, b"Transfer-Encoding: chunked\r\n", b"\r\n", BOTH, "bad-transfer-encoding"
    ),
    "unknown codings": Attack(
        SERVER, HEAD + b"Transfer-Encoding: x", b";a=b,x", b", chunked\r\n\r\n", BOTH, "unknown-transfer-coding"
    ),
    "parameters of a coding": Attack(
        SERVER, HEAD + b"Transfer-Encoding: x", b' ; a="\\""', b"\r\n\r\n", BOTH, "bad-transfer-encoding"
    ),
    "a quote of a coding": Attack(
        SERVER, HEAD + b'Transfer-Encoding: x;a="', b",x;a=", b"\r\n\r\n", BOTH, "bad-transfer-encoding"
    ),
    "empty members of a coding": Attack(
        SERVER, HEAD + b"Transfer-Encoding: ", b" ,", b"chunked\r\n\r\n", BOTH, "bad-transfer-encoding"
    ),
    "empty members of a length": Attack(
        SERVER, HEAD + b"Content-Length: 1", b" ,1", b",\r\n\r\n", BOTH, "bad-content-length"
    ),
    # The request line, and who is meant by it
    "a method": Attack(SERVER, b"", b"A", b" / HTTP/1.1\r\nHost: a\r\n\r\n", (STRICT,)),
    "a target": Attack(SERVER, b"GET /", b"a", b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a target of colons": Attack(SERVER, b"GET a", b":", b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    "an authority": Attack(SERVER, b"GET http://", b"a", b"/ HTTP/1.1\r\nHost: a\r\n\r\n", (STRICT,), "host-mismatch"),
    "users of an authority": Attack(
        SERVER, b"GET http://", b"a@", b"a/ HTTP/1.1\r\nHost: a\r\n\r\n", (STRICT,), "bad-target-form"
    ),
    "a port": Attack(SERVER, b"CONNECT a:", b"0", b"1 HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a host": Attack(SERVER, b"GET / HTTP/1.1\r\nHost: ", b"%41", b"\r\n\r\n"),
    "an address": Attack(SERVER, b"GET / HTTP/1.1\r\nHost: [", b"1:", b"]\r\n\r\n", (STRICT,), "bad-host"),
    "a group of an address": Attack(SERVER, b"GET / HTTP/1.1\r\nHost: [::", b"1", b"]\r\n\r\n", (STRICT,), "bad-host"),
    "a userinfo": Attack(SERVER, b"GET / HTTP/1.1\r\nHost: ", b"a:", b"@\r\n\r\n", (STRICT,), "bad-host"),
    "a host with a wrong end": Attack(SERVER, b"GET / HTTP/1.1\r\nHost: ", b"%41", b"%\r\n\r\n", (STRICT,), "bad-host"),
    "a port of a CONNECT": Attack(
        SERVER, b"CONNECT a:", b"9", b" HTTP/1.1\r\nHost: a\r\n\r\n", (STRICT,), "bad-connect-target"
    ),
    "a scheme": Attack(SERVER, b"GET ", b"a", b" HTTP/1.1\r\nHost: a\r\n\r\n", (STRICT,), "bad-target-form"),
    "a reason": Attack(CLIENT, b"HTTP/1.1 200 ", b"a", b"\r\n\r\n"),
    # Chunks
    "tiny chunks": Attack(SERVER, CHUNKED, b"1\r\nx\r\n", b"0\r\n\r\n"),
    "tiny chunks with long sizes": Attack(SERVER, CHUNKED, b"0000000000000001\r\nx\r\n", b"0\r\n\r\n"),
    "extended chunks": Attack(SERVER, CHUNKED, b'1;a="b"\r\nx\r\n', b"0\r\n\r\n"),
    "an extension's name": Attack(SERVER, CHUNKED + b"1;", b"a", BEHIND_LINE),
    "an extension's value": Attack(SERVER, CHUNKED + b"1;a=", b"a", BEHIND_LINE),
    "a quoted extension": Attack(SERVER, CHUNKED + b'1;a="', b"\\a", b'"' + BEHIND_LINE),
    "extensions": Attack(SERVER, CHUNKED + b"1", b";a=b", BEHIND_LINE),
    "extensions before a wrong one": Attack(
        SERVER, CHUNKED + b"1", b" ; a", b"\x7f" + BEHIND_LINE, (STRICT,), "bad-chunk-extension"
    ),
    # Many of a kind
    "informational responses": Attack(CLIENT, b"", b"HTTP/1.1 100 \r\n\r\n", ANSWER + b"\r\n"),
    "pipelined requests": Attack(SERVER, b"", HEAD + b"\r\n", b""),
    "pipelined requests with bodies": Attack(SERVER, b"", HEAD + b"Content-Length: 5\r\n\r\nhello", b""),
    "pipelined requests in chunks": Attack(SERVER, b"", CHUNKED + b"5\r\nhello\r\n0\r\nx: y\r\n\r\n", b""),
    "pipelined requests behind empty lines": Attack(SERVER, b"", b"\r\n" + HEAD + b"\r\n", b"", (STRICT,)),
    # Bodies
    "a body": Attack(SERVER, HEAD + b"Content-Length: 1000000\r\n\r\n", b"a", b""),
    "a body until close": Attack(CLIENT, ANSWER + b"\r\n", b"a", b""),
    "a large chunk": Attack(SERVER, CHUNKED + b"fffff\r\n", b"a", b""),
}


def single_bytes(data: bytes) -> Iterator[bytes]:
    return (data[place : place + 1] for place in range(len(data)))


def pieces_of_fifty(data: bytes) -> Iterator[bytes]:
    return (data[place : place + 50] for place in range(0, len(data), 50))


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def all_at_once_behind_two_bytes(data: bytes) -> Iterator[bytes]:
    """Yield what makes a buffer grow before the rest comes in one piece."""
    yield from (data[:1], data[1:2], data[2:])


# How it arrives, and how much of it: single bytes are slow to count, and show what they have to show soon.
DELIVERIES: dict[Callable[[bytes], Iterator[bytes]], int] = {
    single_bytes: 300,
    pieces_of_fifty: 1200,
    whole: 2000,
    all_at_once_behind_two_bytes: 2000,
}


def answer(connection: ServerConnection) -> bool:
    """Answer a request that has been read, and make ready for the next; false where there is none."""
    if connection.our_state == SEND_RESPONSE and connection.their_state == DONE:
        connection.send(Response(status_code=200, headers=[("Content-Length", "0")]))
        connection.send(EndOfMessage())
    if connection.our_state != DONE or connection.their_state != DONE:
        return False
    connection.start_next_cycle()
    return True


def read_on(connection: ClientConnection | ServerConnection) -> None:
    """Read as far as it goes, and answer what can be answered."""
    while True:
        event = connection.next_event()
        if isinstance(event, ConnectionClosed):
            return
        if (event is NEED_DATA or event is PAUSED) and not (connection.our_role == SERVER and answer(connection)):
            return


def attack(
    counter: Counter, attack: Attack, policy: Policy, pieces: Iterator[bytes], *, steps: bool = True
) -> str | None:
    """Count what it takes to read `pieces`; return the code of the error in which that ends."""
    connection: ClientConnection | ServerConnection
    if attack.role == SERVER:
        connection = Connection(SERVER, 10**9, policy=policy)
    else:
        connection = Connection(CLIENT, 10**9, policy=policy)
        connection.send(Request(method="GET", target="/", headers=[("Host", "a")]))
        connection.send(EndOfMessage())
    counter.examined = counter.moved = counter.steps = 0
    try:
        with counter.stepping() if steps else nullcontext():
            for piece in pieces:
                counter.receive(connection, piece)
                read_on(connection)
    except RemoteProtocolError as error:
        return error.code
    assert connection.trailing_data[0] == b"", "what was sent is to be read"
    return None


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter = Counter()
    counter.install(monkeypatch)
    # A peer that sends other names each time is read in the slowest way.
    monkeypatch.setattr(headers, "MOST_KNOWN_FIELDS", -1)
    monkeypatch.setattr(headers, "_known", {})
    return counter


MOST_GROWTH = 1.1
"""Of the work for each byte, when there are twice as many: none, but for a few bytes at the edges."""


def growth(counter: Counter, name: str, policy: Policy, deliver: Callable[[bytes], Iterator[bytes]]) -> float:
    """Return by how much the work for each byte grows when the attack is twice as large: in bytes, or in steps."""
    size = DELIVERIES[deliver]
    # Python 3.12 tells of the instructions of a function from its second call on.
    attack(counter, ATTACKS[name], policy, deliver(ATTACKS[name].stream(size // 10)))
    work: list[tuple[float, float]] = []
    for stream in (ATTACKS[name].stream(size), ATTACKS[name].stream(2 * size)):
        assert attack(counter, ATTACKS[name], policy, deliver(stream)) == ATTACKS[name].code
        # Less than one step for a byte says nothing: the work is done by a few searches and copies.
        work.append(((counter.examined + counter.moved) / len(stream), max(1.0, counter.steps / len(stream))))
    few, many = work
    return max(many[0] / few[0], many[1] / few[1])


@pytest.mark.parametrize("deliver", DELIVERIES, ids=lambda deliver: deliver.__name__)
@pytest.mark.parametrize(
    ("name", "policy"),
    [
        pytest.param(name, policy, id=f"{name}-{'STRICT' if policy is STRICT else 'H11'}")
        for name, attack in ATTACKS.items()
        for policy in attack.policies
    ],
)
def test_twice_the_bytes_are_no_more_than_twice_the_work(
    name: str, policy: Policy, deliver: Callable[[bytes], Iterator[bytes]], counter: Counter
) -> None:
    assert growth(counter, name, policy, deliver) <= MOST_GROWTH
    # Of the larger one: the search for the end, the scan on the way, the reading, and what stands in a list once more.
    assert counter.examined + counter.moved <= 20 * len(ATTACKS[name].stream(2 * DELIVERIES[deliver]))


@pytest.mark.parametrize("deliver", DELIVERIES, ids=lambda deliver: deliver.__name__)
@pytest.mark.parametrize("name", [name for name in ATTACKS if name.startswith(("pipelined", "informational"))])
def test_the_same_goes_for_names_that_are_known(
    name: str, deliver: Callable[[bytes], Iterator[bytes]], counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headers, "MOST_KNOWN_FIELDS", 64)
    assert growth(counter, name, STRICT, deliver) <= MOST_GROWTH
    assert headers._known


@pytest.mark.parametrize(
    "name", ["pipelined requests", "pipelined requests in chunks", "tiny chunks", "informational responses"]
)
def test_thousands_in_one_piece_are_no_more_work_each(name: str, counter: Counter) -> None:
    again = ATTACKS[name].again
    assert isinstance(again, bytes)
    work: list[float] = []
    for times in (100, 5000):
        stream = ATTACKS[name].stream(times * len(again))
        # Their steps are too many to be counted in a short time.
        assert attack(counter, ATTACKS[name], STRICT, whole(stream), steps=False) is None
        work.append((counter.examined + counter.moved) / len(stream))
    few, many = work
    assert many <= MOST_GROWTH * few


# --- what is counted ------------------------------------------------------------------------------------------------


def behind_each_event(patch: pytest.MonkeyPatch, do: Callable[[Connection[Role]], None]) -> None:
    next_event = Connection.next_event

    def and_then(self: Connection[Role]) -> object:
        event = next_event(self)
        do(self)
        return event

    patch.setattr(Connection, "next_event", and_then)


def copy_the_rest(patch: pytest.MonkeyPatch) -> None:
    def copy(self: Connection[Role]) -> None:
        self._buffer = self._buffer[self._start :]
        self._start = 0

    behind_each_event(patch, copy)


def move_the_rest(patch: pytest.MonkeyPatch) -> None:
    def move(self: Connection[Role]) -> None:
        if isinstance(self._buffer, bytearray):
            del self._buffer[: self._start]
        else:
            self._buffer = self._buffer[self._start :]
        self._start = 0

    behind_each_event(patch, move)


def copy_what_has_come(patch: pytest.MonkeyPatch) -> None:
    receive_data = Connection.receive_data

    def receive(self: Connection[Role], data: bytes) -> None:
        before = self._buffer[self._start :]
        receive_data(self, data)
        if before:
            self._buffer, self._start = before + data, 0

    patch.setattr(Connection, "receive_data", receive)


def begin_again(patch: pytest.MonkeyPatch) -> None:
    find = parsing.find_section_end

    def find_again(
        data: bytes, start: int, _: object, *, section: scanning.Section, limit: int, policy: Policy, **skipped: int
    ) -> int | scanning.Scan:
        return find(data, start, None, section=section, limit=limit, policy=policy, **skipped)

    patch.setattr(parsing, "find_section_end", find_again)
    patch.setattr(Connection, "_goes_on", lambda _: False)


def look_through_all_names(patch: pytest.MonkeyPatch) -> None:
    received = headers.received_headers

    def unique(raw: list[headers.Field], strict: bool) -> headers.Headers:
        for name, _ in raw:
            sum(name == other for other, _ in raw)
        return received(raw, strict)

    patch.setattr(parsing, "received_headers", unique)


def look_behind_all_bytes(patch: pytest.MonkeyPatch) -> None:
    parse = parsing.parse_unusual_request

    def parse_from_each_place(head: bytes, *, policy: Policy) -> Request:
        for start in range(len(head)):
            head.find(b"\0", start)
        return parse(head, policy=policy)

    patch.setattr(parsing, "parse_unusual_request", parse_from_each_place)


# Ways to need more than linear time, each with an attack and a delivery that shows it.
MUTANTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str, Callable[[bytes], Iterator[bytes]]]] = {
    "the rest is copied for each request": (copy_the_rest, "pipelined requests", whole),
    "the rest is moved for each request": (move_the_rest, "pipelined requests", all_at_once_behind_two_bytes),
    "the rest is copied for each chunk": (copy_the_rest, "tiny chunks", whole),
    "the rest is moved for each chunk": (move_the_rest, "tiny chunks", all_at_once_behind_two_bytes),
    "what has come is copied for each piece": (copy_what_has_come, "fields", single_bytes),
    "a head is scanned again for each piece": (begin_again, "a target", single_bytes),
    "a loop in a loop": (look_through_all_names, "fields", pieces_of_fifty),
    "a search from each byte": (look_behind_all_bytes, "a field's value", whole),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_counter_sees_more_than_linear_work(mutant: str, counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    break_engine, name, deliver = MUTANTS[mutant]
    assert growth(counter, name, STRICT, deliver) <= MOST_GROWTH
    break_engine(monkeypatch)
    assert growth(counter, name, STRICT, deliver) > 1.5


# --- a buffer that grows --------------------------------------------------------------------------------------------

only_cpython = pytest.mark.skipif(sys.implementation.name != "cpython", reason="only CPython says where a buffer is")


def moved_by_receiving(connection: Connection[Role], piece: bytes) -> int:
    """Return how many bytes had to go to another place when `piece` came."""
    before = place(connection)
    connection.receive_data(piece)
    return 0 if place(connection) == before else len(connection._buffer)


def moved_in_a_head(size: int) -> float:
    """Return how often each byte of a head is moved that comes in single bytes."""
    connection = Connection(SERVER)
    connection.receive_data(b"G")
    connection.receive_data(b"ET /")
    moved = 0
    for _ in range(size):
        moved += moved_by_receiving(connection, b"a")
        assert connection.next_event() is NEED_DATA
    return moved / size


def moved_in_a_pipeline(size: int) -> float:
    """Return how often each byte is moved of a pipeline to which one request comes for each that is answered."""
    request = HEAD + b"\r\n"
    connection = Connection(SERVER)
    connection.receive_data(request * size)
    connection.receive_data(request)
    moved = 0
    for _ in range(size):
        assert isinstance(connection.next_event(), Request)
        assert isinstance(connection.next_event(), EndOfMessage)
        answer(connection)
        moved += moved_by_receiving(connection, request)
    return moved / (size * len(request))


@only_cpython
@pytest.mark.parametrize("measure", [moved_in_a_head, moved_in_a_pipeline])
def test_a_buffer_grows_and_lets_go_of_its_front_in_leaps(
    measure: Callable[[int], float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte is moved a few times; whoever goes on receiving while paused relies on that."""
    assert max(measure(1000), measure(4000)) <= 10
    copy_what_has_come(monkeypatch)
    assert measure(4000) > 3 * measure(1000) > 100
