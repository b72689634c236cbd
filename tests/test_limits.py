"""What a connection holds, and how many bytes it looks at, whatever a peer sends: counted, never timed.

Bytes examined are counted where that happens: in the patterns of `http11.grammar` and in the buffer's own searches.
"""

from __future__ import annotations

import gc
import weakref
from collections import deque
from collections.abc import Iterator

import pytest

from http11 import (
    CLIENT,
    H11,
    MUST_CLOSE,
    NEED_DATA,
    SERVER,
    STRICT,
    Connection,
    Data,
    EndOfMessage,
    Policy,
    RemoteProtocolError,
    Request,
    Response,
    Role,
    ServerConnection,
    connection,
    parsing,
    scanning,
)
from tests.counting import Counter
from tests.harness import Reader

LIMIT = 2000
PIECES = [1, 7, 300, 5000]

# Streams that go on for as long as somebody reads them: how they begin, and what is then repeated.
ENDLESS: dict[str, tuple[Role, bytes, bytes]] = {
    "method": (SERVER, b"", b"A"),
    "target": (SERVER, b"GET /", b"a"),
    "empty lines": (SERVER, b"", b"\r\n"),
    "field name": (SERVER, b"GET / HTTP/1.1\r\n", b"a"),
    "field value": (SERVER, b"GET / HTTP/1.1\r\nHost: ", b"a"),
    "white space in a value": (SERVER, b"GET / HTTP/1.1\r\nHost: a\r\nX:", b" "),
    "fields": (SERVER, b"GET / HTTP/1.1\r\nHost: a\r\n", b"x: y\r\n"),
    "folded lines": (CLIENT, b"HTTP/1.1 200 OK\r\nx: y\r\n", b" z\r\n"),
    "reason": (CLIENT, b"HTTP/1.1 200 ", b"a"),
    "informational responses": (CLIENT, b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "chunk size": (SERVER, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "chunk extension": (SERVER, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=", b"a"),
    "chunk extensions": (SERVER, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5", b";a"),
    "quoted extension": (SERVER, b'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a="', b"\\a"),
    "space in an extension": (SERVER, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5", b" "),
    "extended chunks": (
        SERVER,
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1;" + b"e" * 200 + b"\r\na\r\n",
    ),
    "trailers": (SERVER, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"x: y\r\n"),
    "tiny chunks": (SERVER, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "body until close": (CLIENT, b"HTTP/1.1 200 OK\r\n\r\n", b"a"),
    "pipelined requests": (SERVER, b"", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
}
# What is no attack, and may go on for ever.
HARMLESS = {"tiny chunks", "body until close", "pipelined requests"}
# The tolerant preset has no limit for these, only for what it holds of them.
UNLIMITED_BY_H11 = {"informational responses", "extended chunks"}


def endless(name: str, total: int, piece: int) -> Iterator[bytes]:
    """Yield about `total` bytes of an endless stream, in pieces."""
    _, begin, again = ENDLESS[name]
    data = begin + again * (total // len(again))
    return (data[i : i + piece] for i in range(0, len(data), piece))


def held(reader: Reader) -> int:
    return len(reader.connection.trailing_data[0])


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("policy", [STRICT, H11], ids=["STRICT", "H11"])
@pytest.mark.parametrize("name", ENDLESS)
def test_a_connection_holds_no_more_than_its_limit_and_one_piece(name: str, policy: Policy, piece: int) -> None:
    reader = Reader(ENDLESS[name][0], policy=policy, limit=LIMIT)
    total = 0
    for part in endless(name, 12 * LIMIT, piece):
        reader.feed(part)
        total += len(part)
        if reader.errors:
            break
        # What was just received has been read as far as it goes; so the limit alone is left.
        assert held(reader) <= LIMIT
        buffer = reader.connection._buffer
        assert buffer.__sizeof__() <= 1.25 * (LIMIT + piece) + 100
    if name in HARMLESS or (policy is H11 and name in UNLIMITED_BY_H11):
        assert not reader.errors
    else:
        assert reader.errors, "an endless stream must be refused"
        if name not in UNLIMITED_BY_H11:
            # The head before it, where there is one, has its own limit.
            assert total <= len(ENDLESS[name][1]) + LIMIT + 2 * piece


def test_a_head_of_exactly_the_limit_is_read() -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n"
    for extra, accepted in ((0, True), (1, False)):
        for piece in PIECES:
            reader = Reader(SERVER, limit=100)
            data = head.replace(b"X: ", b"X: " + b"a" * (100 - len(head) + extra))
            for i in range(0, len(data), piece):
                reader.feed(data[i : i + piece])
            assert bool(reader.errors) is not accepted
            assert accepted or (reader.errors[0].code, reader.errors[0].error_status_hint) == ("head-too-large", 431)


def test_skipped_lines_count_towards_the_limit() -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    for empty, accepted in ((10, True), (11, False)):
        reader = Reader(SERVER, limit=len(head) + 20)
        reader.feed(b"\r\n" * empty + head)
        assert bool(reader.errors) is not accepted
        for error in reader.errors:
            assert f"at most {len(head) + 20} bytes of a request's head with the empty lines before it" in str(error)


# --- bytes examined -------------------------------------------------------------------------------------------------


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter = Counter()
    counter.install(monkeypatch)
    return counter


def work(counter: Counter, name: str, policy: Policy, total: int, piece: int) -> float:
    """Return the bytes examined for each byte received."""
    reader = Reader(ENDLESS[name][0], policy=policy, limit=10**9)
    counter.examined = received = 0
    for part in endless(name, total, piece):
        reader.feed(part)
        received += len(part)
        if reader.errors:
            break
    return counter.examined / received


# No limit but the size of what is sent, to see how the work grows.
BOUNDLESS = {
    "STRICT": Policy(
        max_method_size=10**9,
        max_fields=None,
        max_informational_responses=None,
        max_chunk_line_size=None,
        max_chunk_extension_excess=None,
    ),
    "H11": H11,
}


@pytest.mark.parametrize("piece", [1, 50])
@pytest.mark.parametrize("policy", BOUNDLESS.values(), ids=BOUNDLESS)
@pytest.mark.parametrize("name", ENDLESS)
def test_each_byte_is_examined_a_constant_number_of_times(
    name: str, policy: Policy, piece: int, counter: Counter
) -> None:
    few, many = (work(counter, name, policy, total, piece) for total in (1000, 16000))
    # The search for the end, the scan on the way, and the reading.
    assert many <= 12
    assert many <= 1.5 * few + 1


def test_the_counter_sees_a_search_that_starts_again(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    """The counter itself: forgetting what was scanned makes the work grow with the size."""
    find = parsing.find_section_end

    def forgetful(
        data: bytes, start: int, _: object, *, section: scanning.Section, limit: int, policy: Policy, **skipped: int
    ) -> int | scanning.Scan:
        return find(data, start, None, section=section, limit=limit, policy=policy, **skipped)

    monkeypatch.setattr(parsing, "find_section_end", forgetful)
    monkeypatch.setattr(Connection, "_goes_on", lambda _: False)
    few, many = (work(counter, "field value", STRICT, total, 1) for total in (500, 2000))
    assert many > 3 * few


def test_a_body_is_passed_on_and_not_copied() -> None:
    reader = Reader(CLIENT)
    reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n")
    piece = b"a" * 100_000
    for _ in range(2):
        reader.connection.receive_data(piece)
        event = reader.connection.next_event()
        assert not isinstance(event, type)
        assert getattr(event, "data", None) is piece


def test_a_peer_cannot_make_an_error_large() -> None:
    for name, (role, begin, again) in ENDLESS.items():
        if name in HARMLESS:
            continue
        reader = Reader(role, limit=LIMIT)
        reader.feed(begin + again * LIMIT)
        (error,) = reader.errors
        assert isinstance(error, RemoteProtocolError)
        assert len(str(error)) < 300
        assert len(error.excerpt) <= 64


# --- the last head, which a connection keeps ------------------------------------------------------------------------

HEAD = b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def nobody_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_keepers", deque())


def asked(server: ServerConnection, head: bytes) -> Request:
    """Return the request that is read, and answer it."""
    server.receive_data(head)
    request = server.next_event()
    assert isinstance(request, Request)
    assert isinstance(server.next_event(), EndOfMessage)
    server.send(Response(status_code=200, headers=[("Content-Length", "0")]))
    server.send(EndOfMessage())
    server.start_next_cycle()
    return request


@pytest.mark.usefixtures("nobody_keeps")
def test_a_head_that_comes_again_is_read_once() -> None:
    server = Connection(SERVER)
    first, second, third, other, fifth = (asked(server, HEAD % target) for target in (b"x", b"x", b"x", b"y", b"x"))
    # The first one may be the last one, and nothing is kept of it.
    assert first == second == third == fifth
    assert first is not second
    assert second is third
    assert third is not fifth
    assert other.target == b"/y"
    # In pieces, it is the same.
    server.receive_data((HEAD % b"x")[:20])
    assert server.next_event() is NEED_DATA
    assert asked(server, (HEAD % b"x")[20:]) is fifth


@pytest.mark.usefixtures("nobody_keeps")
def test_a_head_that_comes_again_has_its_effects_again() -> None:
    server = Connection(SERVER)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    for _ in range(4):
        server.receive_data(head)
        assert isinstance(server.next_event(), Request)
        assert server.they_are_waiting_for_100_continue
        server.receive_data(b"hi")
        assert server.next_event() == Data(b"hi")
        assert isinstance(server.next_event(), EndOfMessage)
        server.send(Response(status_code=200, headers=[("Content-Length", "0")]))
        server.send(EndOfMessage())
        server.start_next_cycle()
    server.receive_data(head[:-2] + b"Connection: close\r\n\r\nhi")
    while not isinstance(server.next_event(), EndOfMessage):
        pass
    assert server.their_state == MUST_CLOSE


@pytest.mark.usefixtures("nobody_keeps")
def test_only_few_connections_keep_a_head() -> None:
    servers = [Connection(SERVER) for _ in range(3 * connection._MOST_KEEPERS)]
    for server in servers:
        for _ in range(3):
            assert asked(server, HEAD % b"x").target == b"/x"
    keepers = [server for server in servers if server._last is not None]
    assert keepers == servers[-connection._MOST_KEEPERS :]
    # One that has lost its own can have another.
    assert asked(servers[0], HEAD % b"x") is not asked(servers[0], HEAD % b"y")
    assert asked(servers[0], HEAD % b"y") is asked(servers[0], HEAD % b"y")
    assert sum(server._last is not None for server in servers) == connection._MOST_KEEPERS
    assert len(connection._keepers) == connection._MOST_KEEPERS


@pytest.mark.usefixtures("nobody_keeps")
def test_a_kept_head_goes_with_its_connection() -> None:
    for _ in range(connection._MOST_KEEPERS + 5):
        server = Connection(SERVER)
        kept = [asked(server, HEAD % b"x") for _ in range(2)].pop()
        alive = weakref.ref(kept)
        assert server._last is not None
        del server, kept
        gc.collect()
        assert alive() is None


@pytest.mark.usefixtures("nobody_keeps")
def test_no_large_head_is_kept() -> None:
    server = Connection(SERVER)
    for size, kept in ((connection._MOST_KEPT_BYTES, True), (connection._MOST_KEPT_BYTES + 1, False)):
        head = HEAD % (b"a" * (size - len(HEAD % b"")))
        assert len(head) == size
        found = [asked(server, head) for _ in range(3)]
        assert (found[1] is found[2]) is kept
