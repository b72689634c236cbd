"""What a connection holds, whatever a peer sends: counted, never timed. How much work it is, is in `test_work`."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import pytest

from http11 import (
    CLIENT,
    H11,
    MUST_CLOSE,
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
)
from tests.counting import CPYTHON, buffer_of, held_by
from tests.harness import Reader

only_cpython = pytest.mark.skipif(not CPYTHON, reason="only CPython lets go of an object at once")

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


@pytest.mark.no_cover
@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("policy", [STRICT, H11], ids=["STRICT", "H11"])
@pytest.mark.parametrize("name", ENDLESS)
def test_a_connection_holds_no_more_than_its_limit_and_one_piece(name: str, policy: Policy, piece: int) -> None:
    # Single bytes are slow, and few show what many do.
    limit = LIMIT if piece > 1 else LIMIT // 4
    goes_on = name in HARMLESS or (policy is H11 and name in UNLIMITED_BY_H11)
    reader = Reader(ENDLESS[name][0], policy=policy, limit=limit)
    total = 0
    for part in endless(name, 12 * (limit if goes_on else LIMIT), piece):
        reader.feed(part)
        total += len(part)
        if reader.errors:
            break
        # What was just received has been read as far as it goes; so the limit alone is left.
        assert held(reader) <= limit
        assert buffer_of(reader.connection).__sizeof__() <= 1.25 * (limit + piece) + 100
    if goes_on:
        assert not reader.errors
    else:
        assert reader.errors, "an endless stream must be refused"
        if name not in UNLIMITED_BY_H11:
            # The head before it, where there is one, has its own limit.
            assert total <= len(ENDLESS[name][1]) + limit + 2 * piece


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


# --- what is kept of what has been read -----------------------------------------------------------------------------

HEAD = b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n"


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


@only_cpython
def test_nothing_is_kept_of_a_head_that_has_been_answered() -> None:
    server = Connection(SERVER)
    for target in (b"x", b"x", b"y"):
        alive = weakref.ref(asked(server, HEAD % target))
        assert alive() is None
    assert b"/y" not in b"".join(held_by(server))
