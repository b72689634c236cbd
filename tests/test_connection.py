"""`Connection`, member by member; what the vectors and the walk of the state machine do not reach."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable

import attrs
import pytest

import http11
from http11 import (
    CLIENT,
    CLOSED,
    DONE,
    ERROR,
    H11,
    IDLE,
    MIGHT_SWITCH_PROTOCOL,
    MUST_CLOSE,
    NEED_DATA,
    PAUSED,
    SEND_BODY,
    SEND_RESPONSE,
    SERVER,
    STRICT,
    SWITCHED_PROTOCOL,
    ClientConnection,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    ErrorCode,
    Event,
    InformationalResponse,
    LocalProtocolError,
    Policy,
    RemoteProtocolError,
    Request,
    Response,
    ServerConnection,
)
from tests.counting import held_by
from tests.harness import send_any

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
HOST = [("Host", "a")]
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"


def server(received: bytes = b"", *, closed: bool = False) -> ServerConnection:
    """A server that has received something."""
    connection = Connection(SERVER)
    if received:
        connection.receive_data(received)
    if closed:
        connection.receive_data(b"")
    return connection


def client(method: str = "GET", **fields: str) -> ClientConnection:
    """A client that has asked."""
    connection = Connection(CLIENT)
    named = [(name.replace("_", "-"), value) for name, value in fields.items()]
    connection.send(Request(method=method, target="a:1" if method == "CONNECT" else "/", headers=HOST + named))
    connection.send(EndOfMessage())
    return connection


def refused(code: ErrorCode, connection: ClientConnection | ServerConnection) -> RemoteProtocolError:
    def drain() -> None:
        while not isinstance(connection.next_event(), type):
            pass

    with pytest.raises(RemoteProtocolError) as caught:
        drain()
    assert caught.value.code == code
    assert connection.their_state == ERROR
    return caught.value


# --- construction and what is known ---


def test_roles() -> None:
    for role, other in ((CLIENT, SERVER), (SERVER, CLIENT)):
        connection = Connection(our_role=role, max_incomplete_event_size=100)
        assert connection.our_role is role
        assert connection.their_role is other
        assert connection.our_state is IDLE
        assert connection.their_state is IDLE
        assert connection.states == {CLIENT: IDLE, SERVER: IDLE}
        connection.states.clear()
        assert connection.states == {CLIENT: IDLE, SERVER: IDLE}
    assert Connection(SERVER, 100, policy=H11).our_role == SERVER
    wrongs: list[object] = [None, "client", b"CLIENT", 1]
    for wrong in wrongs:
        with pytest.raises(ValueError, match="CLIENT or SERVER"):
            Connection(wrong)  # type: ignore[type-var]


@pytest.mark.parametrize("wrong", [None, "16384", 1.5, float("nan")])
def test_a_limit_of_the_wrong_type_is_refused_where_it_is_given(wrong: object) -> None:
    with pytest.raises(TypeError):
        Connection(SERVER, wrong)  # type: ignore[arg-type]


def test_a_negative_limit_is_refused_where_it_is_given() -> None:
    with pytest.raises(ValueError, match="0 or more bytes"):
        Connection(SERVER, -1)
    nothing = Connection(SERVER, 0)
    nothing.receive_data(b"G")
    refused("head-too-large", nothing)


def test_a_policy_of_the_wrong_type_is_refused_where_it_is_given() -> None:
    wrongs: list[object] = ["strict", None, Policy, 1]
    for wrong in wrongs:
        with pytest.raises(TypeError, match="expected a Policy as policy, such as STRICT or H11, got"):
            Connection(CLIENT, policy=wrong)  # type: ignore[arg-type]


class Small:
    """A number as numpy has them: an int by `index`, with arithmetic of its own."""

    def __index__(self) -> int:
        return 200

    def __sub__(self, other: object) -> int:
        raise OverflowError

    __add__ = __radd__ = __rsub__ = __sub__


def test_a_limit_is_kept_as_an_int() -> None:
    connection = Connection(SERVER, Small())  # type: ignore[arg-type]
    for _ in range(5):
        connection.receive_data(b"\r\n" + GET + GET[:5])
        while connection.next_event() is not PAUSED:
            pass
        connection.send(Response(status_code=204, headers=[]))
        connection.send(EndOfMessage())
        connection.start_next_cycle()
        assert connection.next_event() is NEED_DATA
        connection.receive_data(GET[5:])
        while connection.next_event() is not NEED_DATA:
            if connection.our_state == SEND_RESPONSE and connection.their_state == DONE:
                connection.send(Response(status_code=204, headers=[]))
                connection.send(EndOfMessage())
                connection.start_next_cycle()


def test_a_repr_is_one_line() -> None:
    connection = client()
    assert repr(connection) == f"<Connection(CLIENT, policy={STRICT!r}): client DONE, server SEND_RESPONSE>"
    assert "\n" not in repr(Connection(SERVER, policy=H11))


def test_a_connection_can_be_referred_to_weakly_and_has_no_dict() -> None:
    connection = Connection(SERVER)
    assert weakref.ref(connection)() is connection
    assert not hasattr(connection, "__dict__")
    assert gc.is_tracked(connection)


def test_the_public_names() -> None:
    for name in http11.__all__:
        assert hasattr(http11, name)
    assert f"http11/{http11.__version__}" == http11.PRODUCT_ID
    assert http11.connection.DEFAULT_MAX_INCOMPLETE_EVENT_SIZE == 16384
    for name in (IDLE, SEND_RESPONSE, SEND_BODY, DONE, MUST_CLOSE, CLOSED, ERROR):
        assert getattr(http11, name) is name


def test_the_versions_of_the_peer() -> None:
    assert server().their_http_version is None
    connection = server(b"GET / HTTP/1.0\r\n\r\n")
    connection.next_event()
    assert connection.their_http_version == b"1.0"
    asker = client()
    asker.receive_data(b"HTTP/1.0 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
    versions = []
    for _ in range(2):
        asker.next_event()
        versions.append(asker.their_http_version)
    assert versions == [b"1.0", b"1.1"]


# --- receiving ---


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes_like_object_is_received(kind: type[bytes | bytearray | memoryview]) -> None:
    connection = Connection(SERVER)
    for part in (GET[:5], GET[5:20], GET[20:]):
        connection.receive_data(kind(part))
    assert connection.next_event() == Request(method="GET", target="/", headers=HOST)
    connection.receive_data(kind(b""))
    assert connection.trailing_data == (b"", True)


def test_what_was_received_cannot_be_changed_from_outside() -> None:
    connection = Connection(SERVER)
    piece = bytearray(GET)
    connection.receive_data(piece)
    piece[:] = b"x" * len(piece)
    assert connection.next_event() == Request(method="GET", target="/", headers=HOST)


def test_what_is_not_bytes_is_not_received() -> None:
    connection = Connection(SERVER)
    for wrong in ("GET", 5, None, [1]):
        with pytest.raises(TypeError):
            connection.receive_data(wrong)  # type: ignore[arg-type]
    assert connection.trailing_data == (b"", False)


def test_nothing_comes_behind_the_end() -> None:
    connection = server(closed=True)
    connection.receive_data(b"")
    with pytest.raises(RuntimeError):
        connection.receive_data(b"x")
    for _ in range(3):
        assert connection.next_event() == ConnectionClosed()
    assert connection.their_state == CLOSED


def test_receiving_does_no_parsing() -> None:
    connection = server(b"\x16\x03\x01 no HTTP at all")
    assert connection.their_state == IDLE
    refused("bad-method", connection)


def test_a_failed_peer_stays_failed() -> None:
    connection = server(b"x\x00")
    refused("bad-method", connection)
    with pytest.raises(RemoteProtocolError) as first:
        server(b"x\x00").next_event()
    for _ in range(2):
        error = refused("already-failed", connection)
        assert "broken the protocol (bad-method)" in str(error)
        # And the first error, in full.
        assert isinstance(error.__cause__, RemoteProtocolError)
        assert str(error.__cause__) == str(first.value)
        assert error.__cause__.excerpt == first.value.excerpt
    assert connection.our_state == IDLE


@pytest.mark.parametrize("stream", [b"G@T", b"GET / HTTP/9.9\r\n\r\n" + b"x" * 1000])
def test_a_connection_that_has_failed_is_freed_at_once(stream: bytes) -> None:
    gc.disable()
    try:
        connection = server(stream)
        with pytest.raises(RemoteProtocolError) as caught:
            connection.next_event()
        alive = weakref.ref(connection)
        with pytest.raises(RemoteProtocolError) as again:
            connection.next_event()
        # As long as somebody has the first error, it is that one.
        assert again.value.__cause__ is caught.value
        del connection, caught, again
        assert alive() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "field", ["Content-Length: abc", "Content-Length: 5 5", "Content-Length: +5", "Transfer-Encoding: x"]
)
def test_an_answer_without_content_that_says_a_length_wrongly_is_not_sent_on(field: str) -> None:
    connection = client("HEAD")
    connection.receive_data(f"HTTP/1.1 200 OK\r\n{field}\r\n\r\n".encode())
    response = connection.next_event()
    assert isinstance(response, Response)
    assert connection.states == {CLIENT: MUST_CLOSE, SERVER: SEND_BODY}
    for method in (b"GET", b"HEAD"):
        proxy = server(GET.replace(b"GET", method))
        proxy.next_event()
        with pytest.raises(LocalProtocolError):
            proxy.send(response)


def test_an_early_error_answer() -> None:
    connection = server(b"G@T / HTTP/1.1\r\n\r\n")
    error = refused("bad-method", connection)
    wire = connection.send(Response(status_code=error.error_status_hint, headers=[("Content-Length", "2")]))
    assert wire == b"HTTP/1.1 400 \r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
    assert connection.send(Data(b"no")) == b"no"
    assert connection.send(EndOfMessage()) == b""
    assert connection.our_state == MUST_CLOSE


def test_an_error_in_a_body_leaves_us_free_to_answer() -> None:
    connection = server(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n")
    refused("bad-chunk-size", connection)
    assert connection.our_state == SEND_RESPONSE
    assert b"Connection: close" in connection.send(Response(status_code=400, headers=[]))


def test_pieces_of_a_chunked_body_tell_where_chunks_begin_and_end() -> None:
    connection = server(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe")
    connection.next_event()
    assert connection.next_event() == Data(b"he", chunk_start=True, chunk_end=False)
    assert connection.next_event() is NEED_DATA
    connection.receive_data(b"l")
    assert connection.next_event() == Data(b"l", chunk_start=False, chunk_end=False)
    connection.receive_data(b"lo\r\n3\r\nabc")
    assert connection.next_event() == Data(b"lo", chunk_start=False, chunk_end=True)
    assert connection.next_event() == Data(b"abc", chunk_start=True, chunk_end=True)
    connection.receive_data(b"\r\n2\r\n")
    assert connection.next_event() is NEED_DATA
    connection.receive_data(b"xy\r\n0\r\n\r\n")
    assert connection.next_event() == Data(b"xy", chunk_start=True, chunk_end=True)
    assert connection.next_event() == EndOfMessage()


def test_a_body_that_ends_early_says_how_much_came() -> None:
    connection = server(POST + b"hello", closed=True)
    message = str(refused("body-cut-short", connection))
    assert "received 5 bytes" in message
    assert "expected 10" in message
    chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"
    message = str(refused("body-cut-short", server(chunked, closed=True)))
    assert "incomplete chunked read" in message
    assert "received 3 bytes" in message
    message = str(refused("head-cut-short", server(GET[:9], closed=True)))
    assert "received 9 bytes" in message


def test_a_body_or_a_head_that_ends_early_has_the_count_as_data() -> None:
    for stream, received in (
        (POST + b"hello", 5),
        (POST, 0),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", 3),
        (GET[:9], 9),
        (b"\r\n\r\n" + GET[:9], 9),
    ):
        code: ErrorCode = "body-cut-short" if stream.startswith(b"POST") else "head-cut-short"
        assert refused(code, server(stream, closed=True)).received == received
    with pytest.raises(RemoteProtocolError) as caught:
        server(b"G@T").next_event()
    assert caught.value.received is None


def test_a_close_before_an_answer_can_be_told_from_one_inside_it() -> None:
    cases: list[tuple[bytes, ErrorCode, int]] = [
        (b"", "no-response", 0),
        (b"H", "head-cut-short", 1),
        # A server that has said 102 has read the request: it is not safe to ask again as if it had not.
        (b"HTTP/1.1 102 \r\n\r\n", "head-cut-short", 0),
    ]
    for came, code, received in cases:
        connection = client()
        if came:
            connection.receive_data(came)
        connection.receive_data(b"")
        assert refused(code, connection).received == received


def test_a_large_piece_is_let_go_once_it_has_been_read() -> None:
    connection = server(POST + b"0123456789")
    while not isinstance(connection.next_event(), type):
        pass
    assert b"0123456789" not in b"".join(held_by(connection))


@pytest.mark.parametrize("framing", [b"Content-Length: 300000", b"Transfer-Encoding: chunked"])
def test_a_piece_that_is_all_body_is_passed_on_as_the_object_that_came(framing: bytes) -> None:
    connection = server(b"POST / HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n")
    connection.next_event()
    if framing.endswith(b"chunked"):
        connection.receive_data(b"493e0\r\n")
        assert connection.next_event() is NEED_DATA
    for _ in range(3):
        piece = bytes(100_000)
        connection.receive_data(piece)
        event = connection.next_event()
        assert isinstance(event, Data)
        assert event.data is piece


# --- pipelining ---


def test_pipelined_requests_wait_for_their_turn() -> None:
    connection = server(GET + GET.replace(b"/", b"/2", 1) + GET[:10])
    for target in ("/", "/2"):
        assert connection.next_event() == Request(method="GET", target=target, headers=HOST)
        assert connection.next_event() == EndOfMessage()
        assert connection.next_event() is PAUSED
        assert connection.next_event() is PAUSED
        connection.send(Response(status_code=204, headers=[]))
        connection.send(EndOfMessage())
        assert connection.next_event() is PAUSED
        connection.start_next_cycle()
    assert connection.next_event() is NEED_DATA
    assert connection.trailing_data == (GET[:10], False)
    connection.receive_data(GET[10:])
    assert connection.next_event() == Request(method="GET", target="/", headers=HOST)


def test_what_arrives_while_paused_is_kept() -> None:
    connection = server(GET + GET)
    while connection.next_event() is not PAUSED:
        pass
    for byte in GET:
        connection.receive_data(bytes([byte]))
    assert connection.trailing_data == (GET + GET, False)


def test_nothing_may_follow_the_last_request() -> None:
    connection = server(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + b"x")
    refused("unexpected-bytes", connection)


@pytest.mark.parametrize("policy", [STRICT, H11])
@pytest.mark.parametrize(
    "request_", [POST.replace(b"1.1", b"1.0"), POST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")]
)
def test_an_empty_line_after_the_last_request_takes_no_answer_away(request_: bytes, policy: Policy) -> None:
    connection = Connection(SERVER, policy=policy)
    connection.receive_data(request_ + b"0123456789")
    while connection.next_event() is not NEED_DATA:
        pass
    # One at a time, whole and in half, while the application works.
    for piece in (b"\r\n", b"\r", b"\n"):
        connection.receive_data(piece)
        assert connection.next_event() is NEED_DATA
    assert connection.trailing_data == (b"", False)
    assert connection.states == {CLIENT: MUST_CLOSE, SERVER: SEND_RESPONSE}
    assert connection.send(Response(status_code=200, headers=[("Content-Length", "0")])).startswith(b"HTTP/1.1 200")
    connection.receive_data(b"")
    assert connection.next_event() == ConnectionClosed()


def test_a_cycle_begins_where_both_are_done_only() -> None:
    connection = server(GET)
    with pytest.raises(LocalProtocolError, match="the client in IDLE and the server in IDLE"):
        connection.start_next_cycle()
    assert connection.our_state == IDLE


def test_a_cycle_that_begins_too_early_is_told_what_to_wait_for() -> None:
    def told(connection: ClientConnection | ServerConnection) -> str:
        states = connection.states
        with pytest.raises(LocalProtocolError) as caught:
            connection.start_next_cycle()
        assert caught.value.code == "not-reusable"
        assert connection.states == states
        return str(caught.value).partition(": ")[2]

    asking = Connection(CLIENT)
    assert told(asking).startswith("there has been no request")
    asking.send(Request(method="PUT", target="/", headers=[*HOST, ("Content-Length", "0")]))
    assert told(asking).startswith("send EndOfMessage first")
    asking.send(EndOfMessage())
    assert told(asking).startswith("read on until EndOfMessage first")
    asking.receive_data(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n")
    asking.next_event()
    assert told(asking).startswith("open a new connection")
    asking.receive_data(b"x")
    while asking.next_event() != EndOfMessage():
        pass
    assert told(asking).startswith("open a new connection")
    answering = server(POST)
    assert told(answering).startswith("there has been no request")
    answering.next_event()
    assert told(answering).startswith("read on until EndOfMessage first")
    answering.receive_data(b"0123456789")
    while answering.next_event() != EndOfMessage():
        pass
    assert told(answering).startswith("send a Response and EndOfMessage first")
    answering.send(Response(status_code=200, headers=[("Content-Length", "0")]))
    assert told(answering).startswith("send EndOfMessage first")
    answering.send(EndOfMessage())
    answering.start_next_cycle()
    tunnel = server(b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n")
    while tunnel.next_event() is not PAUSED:
        pass
    tunnel.send(Response(status_code=200, headers=[]))
    assert told(tunnel).startswith("the connection does not speak HTTP any more")


def test_a_second_head_is_told_what_to_call_first() -> None:
    def told(connection: ClientConnection | ServerConnection, event: Event) -> str:
        with pytest.raises(LocalProtocolError) as caught:
            send_any(connection, event)
        assert caught.value.code == "unexpected-event"
        return str(caught.value)

    get = Request(method="GET", target="/", headers=HOST)
    answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    closing = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
    assert "got Request: read on until EndOfMessage, and call start_next_cycle() then" in told(client(), get)
    for received, advice in ((answer, "call start_next_cycle() first"), (closing, "open a new connection")):
        connection = client()
        connection.receive_data(received)
        while connection.next_event() != EndOfMessage():
            pass
        assert f"got Request: {advice}" in told(connection, get)
    responder = server(GET)
    while responder.next_event() is not PAUSED and responder.their_state != DONE:
        pass
    response = Response(status_code=204, headers=[])
    responder.send(response)
    responder.send(EndOfMessage())
    assert "got Response: call start_next_cycle() first" in told(responder, response)


# --- what nobody asked for ---

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ANSWER = [Response(status_code=200, headers=[("Content-Length", "2")], reason="OK"), Data(b"ok"), EndOfMessage()]
AFTER = {
    "an empty line": b"\r\n",
    "a last chunk": b"0\r\n\r\n",
    "another answer": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    "a byte": b"!",
}


def drained(connection: ClientConnection) -> list[Event]:
    events: list[Event] = []
    while not isinstance(event := connection.next_event(), type) and event != ConnectionClosed():
        events.append(event)
    return events


@pytest.mark.parametrize("policy", [STRICT, H11])
@pytest.mark.parametrize("extra", AFTER.values(), ids=AFTER)
@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_an_answer_counts_whatever_follows_it(extra: bytes, closed: bool, policy: Policy) -> None:
    """However it comes: with the answer, before its end was read, or after that."""
    for size in range(len(extra) + 1):
        connection = Connection(CLIENT, policy=policy)
        connection.send(Request(method="GET", target="/", headers=HOST))
        connection.send(EndOfMessage())
        connection.receive_data(OK + extra[:size])
        early = drained(connection) if size % 2 else []
        if extra[size:]:
            connection.receive_data(extra[size:])
        if closed:
            connection.receive_data(b"")
        assert early + drained(connection) == ANSWER
        assert connection.states == {CLIENT: MUST_CLOSE, SERVER: MUST_CLOSE}
        for _ in range(3):
            assert connection.next_event() is PAUSED
        assert connection.trailing_data == (extra, closed)
        with pytest.raises(LocalProtocolError, match="expected nothing after the answer, got more bytes") as caught:
            connection.start_next_cycle()
        assert caught.value.code == "not-reusable"
        assert connection.send(ConnectionClosed()) is None


@pytest.mark.parametrize("fed_first", [False, True])
def test_an_answer_counts_where_the_end_follows_it(fed_first: bool) -> None:
    connection = client()
    connection.receive_data(OK)
    if fed_first:
        connection.receive_data(b"")
        assert connection.states == {CLIENT: DONE, SERVER: SEND_RESPONSE}
    events = drained(connection)
    if not fed_first:
        assert connection.states == {CLIENT: DONE, SERVER: DONE}
        connection.receive_data(b"")
        assert connection.states == {CLIENT: MUST_CLOSE, SERVER: MUST_CLOSE}
    assert events == ANSWER
    with pytest.raises(LocalProtocolError, match="open a new connection"):
        connection.start_next_cycle()
    for _ in range(3):
        assert connection.next_event() == ConnectionClosed()
    assert connection.states == {CLIENT: MUST_CLOSE, SERVER: CLOSED}


def test_an_answer_after_which_the_server_said_close_counts_as_well() -> None:
    connection = client()
    connection.receive_data(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + b"0\r\n\r\n")
    assert len(drained(connection)) == 3
    assert connection.next_event() is PAUSED
    assert connection.states == {CLIENT: MUST_CLOSE, SERVER: MUST_CLOSE}


def test_an_early_answer_counts_and_ends_the_connection_where_more_follows() -> None:
    connection = Connection(CLIENT)
    connection.send(Request(method="PUT", target="/", headers=[*HOST, ("Content-Length", "1")]))
    connection.receive_data(OK + b"\r\n")
    assert drained(connection) == ANSWER
    assert connection.states == {CLIENT: SEND_BODY, SERVER: MUST_CLOSE}
    connection.send(Data(b"x"))
    connection.send(EndOfMessage())
    assert connection.states == {CLIENT: MUST_CLOSE, SERVER: MUST_CLOSE}


def test_a_server_that_was_never_asked_may_send_nothing_to_a_client_that_has_closed() -> None:
    fresh = Connection(CLIENT)
    used = client()
    used.receive_data(OK)
    assert drained(used) == ANSWER
    used.start_next_cycle()
    for connection in (fresh, used):
        for received in (b"\r", b"\r\n", OK):
            closed = copy.copy(connection)
            closed.send(ConnectionClosed())
            closed.receive_data(received)
            refused("unexpected-bytes", closed)


def test_an_early_answer_that_nobody_asked_for_counts_as_well() -> None:
    connection = Connection(CLIENT)
    connection.receive_data(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + b"\r\n")
    assert len(drained(connection)) == 3
    assert connection.next_event() is PAUSED


def test_nothing_is_asked_over_what_came_before() -> None:
    for received, found in ((OK, "more bytes"), (b"", "the end of the connection")):
        fresh = Connection(CLIENT)
        fresh.receive_data(received)
        with pytest.raises(LocalProtocolError, match=f"expected nothing before a Request, got {found}") as caught:
            fresh.send(Request(method="GET", target="/", headers=HOST))
        assert caught.value.code == "unexpected-bytes"


def test_after_an_error_nothing_is_handed_over() -> None:
    chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n"
    for stream in (b"G@T / HTTP/1.1\r\n\r\n", chunked):
        for size in (1, 3, 7, len(stream)):
            connection = Connection(SERVER)
            for place in range(0, len(stream), size):
                connection.receive_data(stream[place : place + size])
                try:
                    while connection.next_event() is not NEED_DATA:
                        pass
                except RemoteProtocolError:
                    break
            assert connection.their_state == ERROR
            assert connection.trailing_data == (b"", False)
            connection.receive_data(b"more")
            connection.receive_data(b"")
            assert connection.trailing_data == (b"", True)


def test_an_unasked_answer_can_be_read_before_anything_is_sent() -> None:
    connection = Connection(CLIENT)
    connection.receive_data(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    event = connection.next_event()
    assert isinstance(event, Response)
    assert event.status_code == 408


@pytest.mark.parametrize("status", [300, 403, 407, 502])
def test_what_a_client_wrote_into_a_refused_tunnel_is_no_request(status: int) -> None:
    """Whether it came before the refusal or after it (RFC 9931 8)."""
    ask = b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"
    for early in (b"", GET):
        connection = server(ask + early)
        while connection.next_event() is not PAUSED:
            pass
        wire = connection.send(Response(status_code=status, headers=[("Content-Length", "0")]))
        connection.send(EndOfMessage())
        assert b"\r\nConnection: close\r\n" in wire
        assert connection.states == {CLIENT: MUST_CLOSE, SERVER: MUST_CLOSE}
        # It is not read, and does not stop us in the middle of the refusal.
        if not early:
            connection.receive_data(GET)
        assert connection.next_event() is PAUSED
        connection.receive_data(b"")
        assert connection.next_event() is PAUSED
        assert connection.trailing_data == (GET, True)
    waiting = server(ask)
    while waiting.next_event() is not PAUSED:
        pass
    waiting.send(Response(status_code=status, headers=[("Content-Length", "2")]))
    waiting.receive_data(b"\x16\x03\x01")
    assert waiting.next_event() is PAUSED
    assert waiting.send(Data(b"no")) == b"no"
    assert waiting.send(EndOfMessage()) == b""


def test_a_refused_tunnel_may_be_asked_for_again_where_that_is_tolerated() -> None:
    ask = b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"
    for policy in (H11, attrs.evolve(STRICT, reuse_after_refused_connect=True)):
        for early in (b"", GET):
            connection = Connection(SERVER, policy=policy)
            connection.receive_data(ask + early)
            while connection.next_event() is not PAUSED:
                pass
            wire = connection.send(Response(status_code=407, headers=[("Content-Length", "0")]))
            connection.send(EndOfMessage())
            assert (b"Connection: close" in wire) == bool(early)
            assert connection.our_state == (MUST_CLOSE if early else DONE)
            if early:
                assert connection.next_event() is PAUSED
            else:
                connection.start_next_cycle()
                connection.receive_data(ask)
                assert isinstance(connection.next_event(), Request)


def test_what_a_client_wrote_into_a_granted_tunnel_is_handed_over() -> None:
    connection = server(b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n\x16\x03")
    while connection.next_event() is not PAUSED:
        pass
    assert connection.send(Response(status_code=200, headers=[])) == b"HTTP/1.1 200 \r\n\r\n"
    assert connection.trailing_data == (b"\x16\x03", False)


def test_an_answer_to_the_preface_of_http2_is_the_last() -> None:
    connection = server(b"PRI * HTTP/2.0\r\n\r\n")
    connection.next_event()
    assert b"Connection: close" in connection.send(Response(status_code=400, headers=[("Content-Length", "0")]))


# --- 100-continue ---


def test_a_server_is_told_that_the_client_waits() -> None:
    connection = server(POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-Continue\r\n\r\n"))
    waiting = [connection.they_are_waiting_for_100_continue]
    connection.next_event()
    waiting += [connection.they_are_waiting_for_100_continue, connection.client_is_waiting_for_100_continue]
    # Early hints do not answer the question.
    for code in (103, 100):
        connection.send(InformationalResponse(status_code=code, headers=[]))
        waiting.append(connection.they_are_waiting_for_100_continue)
    assert waiting == [False, True, True, True, False]


@pytest.mark.parametrize("length", [b"", b"Content-Length: 0\r\n", b"Content-Length: 00\r\n"])
def test_nobody_waits_who_has_nothing_to_send(length: bytes) -> None:
    connection = server(b"POST / HTTP/1.1\r\nHost: a\r\n" + length + b"Expect: 100-continue\r\n\r\n")
    connection.next_event()
    assert not connection.they_are_waiting_for_100_continue
    assert connection.next_event() == EndOfMessage()


def test_no_client_says_that_it_waits_where_it_has_nothing_to_send() -> None:
    for length in ([], [("Content-Length", "0")]):
        connection = Connection(CLIENT)
        event = Request(method="POST", target="/", headers=[*HOST, *length, ("Expect", "100-continue")])
        with pytest.raises(LocalProtocolError) as caught:
            connection.send(event)
        assert caught.value.code == "expect-without-content"
        assert connection.states == {CLIENT: ERROR, SERVER: IDLE}


def test_a_client_knows_that_it_waits() -> None:
    for answer in (b"HTTP/1.1 100 \r\n\r\n", b"HTTP/1.1 417 \r\n\r\n"):
        connection = Connection(CLIENT)
        connection.send(
            Request(method="PUT", target="/", headers=[*HOST, ("Content-Length", "1"), ("Expect", "100-continue")])
        )
        assert connection.client_is_waiting_for_100_continue
        assert not connection.they_are_waiting_for_100_continue
        connection.receive_data(answer)
        connection.next_event()
        assert not connection.client_is_waiting_for_100_continue


def test_a_client_that_sends_its_body_waits_no_more() -> None:
    connection = server(POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n") + b"x")
    connection.next_event()
    connection.next_event()
    assert not connection.they_are_waiting_for_100_continue


def test_an_old_client_does_not_wait() -> None:
    connection = server(b"POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
    connection.next_event()
    assert not connection.they_are_waiting_for_100_continue


def test_an_old_client_gets_no_informational_response() -> None:
    connection = server(b"GET / HTTP/1.0\r\n\r\n")
    connection.next_event()
    assert connection.send(InformationalResponse(status_code=103, headers=[])) == b""
    assert connection.send_with_data_passthrough(InformationalResponse(status_code=102, headers=[])) == []
    assert connection.send(Response(status_code=200, headers=[])).startswith(b"HTTP/1.1 200")


# --- switching ---


def test_an_upgrade_hands_over_what_follows() -> None:
    connection = server(GET.replace(b"\r\n\r\n", b"\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n") + b"\x81\x00")
    connection.next_event()
    connection.next_event()
    assert connection.their_state == MIGHT_SWITCH_PROTOCOL
    assert connection.next_event() is PAUSED
    connection.send(InformationalResponse(status_code=101, headers=[("Upgrade", "x")]))
    assert connection.states == {CLIENT: SWITCHED_PROTOCOL, SERVER: SWITCHED_PROTOCOL}
    assert connection.next_event() is PAUSED
    assert connection.trailing_data == (b"\x81\x00", False)
    with pytest.raises(LocalProtocolError):
        connection.send(Data(b"x"))


def test_a_refused_upgrade_goes_on_as_http() -> None:
    connection = server(GET.replace(b"\r\n\r\n", b"\r\nUpgrade: x\r\n\r\n") + GET)
    while connection.next_event() is not PAUSED:
        pass
    connection.send(Response(status_code=200, headers=[("Content-Length", "0")]))
    assert connection.their_state == DONE
    connection.send(EndOfMessage())
    connection.start_next_cycle()
    assert connection.next_event() == Request(method="GET", target="/", headers=HOST)


def test_an_upgrade_over_http10_is_ignored() -> None:
    connection = server(b"GET / HTTP/1.0\r\nUpgrade: x\r\n\r\n")
    connection.next_event()
    connection.next_event()
    assert connection.their_state == MUST_CLOSE


def test_a_tunnel() -> None:
    connection = client("CONNECT")
    assert connection.states == {CLIENT: MIGHT_SWITCH_PROTOCOL, SERVER: SEND_RESPONSE}
    connection.receive_data(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    assert isinstance(connection.next_event(), Response)
    assert connection.our_state == SWITCHED_PROTOCOL
    assert connection.next_event() is PAUSED
    assert connection.trailing_data == (b"hello", False)


def test_a_switch_that_nobody_proposed_is_refused() -> None:
    connection = client()
    connection.receive_data(b"HTTP/1.1 101 \r\n\r\n")
    refused("unexpected-switch", connection)
    other = server(GET)
    other.next_event()
    with pytest.raises(LocalProtocolError) as caught:
        other.send(InformationalResponse(status_code=101, headers=[]))
    assert caught.value.code == "unexpected-switch"


# --- sending ---


def test_a_state_error_says_what_would_have_been_right() -> None:
    connection = Connection(CLIENT)
    connection.send(Request(method="PUT", target="/", headers=[*HOST, ("Content-Length", "1")]))
    with pytest.raises(LocalProtocolError) as caught:
        connection.send(Request(method="GET", target="/", headers=HOST))
    assert "expected Data or EndOfMessage in SEND_BODY, got Request" in str(caught.value)
    assert connection.our_state == ERROR
    with pytest.raises(LocalProtocolError, match=r"expected nothing in ERROR \(unexpected-event\), got E") as again:
        connection.send(EndOfMessage())
    assert again.value.__cause__ is caught.value


def test_a_request_behind_an_early_answer_is_refused() -> None:
    connection = server(GET)
    connection.send(Response(status_code=503, headers=[("Content-Length", "0")]))
    error = refused("unexpected-event", connection)
    assert "expected no Request to a server that is in SEND_BODY already" in str(error)


def test_what_is_no_event_is_not_sent() -> None:
    connection = Connection(CLIENT)
    for wrong in (b"GET", None, NEED_DATA, Request, 5):
        with pytest.raises(TypeError, match="expected an http11 event"):
            connection.send(wrong)  # type: ignore[call-overload]
    assert connection.our_state == IDLE


class File:
    """What `sendfile` could send: a length, and nothing else."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size


def test_a_payload_is_passed_through_by_identity() -> None:
    connection = Connection(CLIENT)
    pieces: list[bytes] = connection.send_with_data_passthrough(
        Request(method="PUT", target="/", headers=[*HOST, ("Transfer-Encoding", "chunked")])
    )
    assert b"".join(pieces).startswith(b"PUT /")
    file = File(255)
    before, payload, after = connection.send_with_data_passthrough(Data(file))
    assert (before, after) == (b"ff\r\n", b"\r\n")
    assert payload is file
    assert connection.send_with_data_passthrough(Data(File(0))) == []
    assert connection.send_with_data_passthrough(EndOfMessage()) == [b"0\r\n\r\n"]
    assert connection.send_with_data_passthrough(ConnectionClosed()) is None


def test_send_takes_bytes_only_and_says_so_before_anything_changes() -> None:
    connection = Connection(CLIENT)
    connection.send(Request(method="PUT", target="/", headers=[*HOST, ("Content-Length", "3")]))
    with pytest.raises(TypeError, match="send_with_data_passthrough"):
        connection.send(Data(File(3)))  # type: ignore[arg-type]
    assert connection.our_state == SEND_BODY
    file = File(3)
    assert connection.send_with_data_passthrough(Data(file)) == [file]
    assert connection.send(EndOfMessage()) == b""


def test_a_failed_write_ends_it() -> None:
    connection = Connection(CLIENT)
    connection.send_failed()
    assert connection.our_state == ERROR
    with pytest.raises(LocalProtocolError) as caught:
        connection.send(ConnectionClosed())
    assert caught.value.__cause__ is None


def test_an_error_in_between_is_not_forgotten() -> None:
    class Broken(File):
        def __len__(self) -> int:
            raise KeyboardInterrupt

    connection = Connection(CLIENT)
    connection.send(Request(method="PUT", target="/", headers=[*HOST, ("Content-Length", "3")]))
    with pytest.raises(KeyboardInterrupt):
        connection.send_with_data_passthrough(Data(Broken(3)))
    assert connection.our_state == ERROR
    with pytest.raises(LocalProtocolError) as caught:
        connection.send(EndOfMessage())
    assert caught.value.code == "already-failed"


def content_refused(connection: ClientConnection | ServerConnection) -> LocalProtocolError:
    with pytest.raises(LocalProtocolError) as caught:
        connection.send(Data(b"hello"))
    assert connection.our_state == ERROR
    return caught.value


@pytest.mark.parametrize(
    ("request_", "response", "code", "named", "rule"),
    [
        (b"HEAD", Response(status_code=200, headers=[("Content-Length", "5")]), "head-response", "HEAD", "9.3.2"),
        (b"HEAD", Response(status_code=404, headers=[]), "head-response", "HEAD", "9.3.2"),
        (b"GET", Response(status_code=204, headers=[]), "204", "204", "15.3.5"),
        (b"GET", Response(status_code=304, headers=[("Content-Length", "5")]), "304", "304", "15.4.5"),
    ],
)
def test_content_where_there_can_be_none_is_named(
    request_: bytes, response: Response, code: str, named: str, rule: str
) -> None:
    connection = server(GET.replace(b"GET", request_))
    connection.next_event()
    connection.send(response)
    assert connection.send(Data(b"")) == b""
    error = content_refused(connection)
    assert error.code == f"content-in-{code}"
    assert error.rule == f"RFC 9110 {rule}"
    assert named in str(error)
    assert "length" not in str(error)


def test_content_in_a_request_without_a_length_is_named() -> None:
    connection = Connection(CLIENT)
    connection.send(Request(method="POST", target="/", headers=HOST))
    error = content_refused(connection)
    assert (error.code, error.rule) == ("content-without-length", "RFC 9112 6.3")
    assert "neither Content-Length nor Transfer-Encoding" in str(error)
    said = Connection(CLIENT)
    said.send(Request(method="POST", target="/", headers=[*HOST, ("Content-Length", "0")]))
    error = content_refused(said)
    assert error.code == "too-much-body"
    assert "expected 0 bytes of body, as its length says, got 5" in str(error)


def test_a_half_closed_connection_is_answered_and_not_used_again() -> None:
    connection = server(GET, closed=True)
    while connection.next_event() != ConnectionClosed():
        pass
    wire = connection.send(Response(status_code=200, headers=[("Content-Length", "0")]))
    assert wire.endswith(b"\r\nConnection: close\r\n\r\n")
    connection.send(EndOfMessage())
    assert connection.states == {CLIENT: CLOSED, SERVER: MUST_CLOSE}
    assert connection.send(ConnectionClosed()) is None
    assert connection.our_state == CLOSED


def test_a_response_with_both_lengths_ends_the_connection_unless_that_is_tolerated() -> None:
    data = b"HTTP/1.1 200 \r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    for policy, state in (
        (STRICT, MUST_CLOSE),
        (H11, DONE),
        (attrs.evolve(H11, reuse_after_length_and_chunked=False), MUST_CLOSE),
    ):
        connection = Connection(CLIENT, policy=policy)
        connection.send(Request(method="GET", target="/", headers=HOST))
        connection.send(EndOfMessage())
        connection.receive_data(data)
        connection.next_event()
        assert connection.next_event() == EndOfMessage()
        assert connection.their_state == state


def test_informational_responses_are_counted_for_each_answer() -> None:
    policy = attrs.evolve(STRICT, max_informational_responses=2)
    connection = Connection(CLIENT, policy=policy)
    for count in (2, 2, 3):
        connection.send(Request(method="GET", target="/", headers=HOST))
        connection.send(EndOfMessage())
        connection.receive_data(b"HTTP/1.1 103 \r\n\r\n" * count + b"HTTP/1.1 204 \r\n\r\n")
        if count == 3:
            refused("too-many-informational-responses", connection)
            break
        while connection.next_event() != EndOfMessage():
            pass
        connection.start_next_cycle()


# --- copies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda given: pickle.loads(pickle.dumps(given))])
def test_a_copy_goes_on_where_the_connection_was(copied: Callable[[ServerConnection], ServerConnection]) -> None:
    stream = GET + POST + b"0123456789" + CHUNKED[:-5] + CHUNKED[-5:] + GET[:9] + GET[9:]
    for size in (1, 7, len(stream)):
        connection = Connection(SERVER)
        events: list[Event] = []
        for place in range(0, len(stream), size):
            connection.receive_data(stream[place : place + size])
            while not isinstance(event := connection.next_event(), type) or event is PAUSED:
                if not isinstance(event, type):
                    events.append(event)
                else:
                    connection.send(Response(status_code=200, headers=[("Content-Length", "0")]))
                    connection.send(EndOfMessage())
                    connection.start_next_cycle()
                connection = copied(connection)
            connection = copied(connection)
        kinds = [type(event) for event in events if not isinstance(event, Data)]
        assert kinds == [Request, EndOfMessage] * 4
        assert b"".join([event.data for event in events if isinstance(event, Data)]) == b"0123456789hello"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda given: pickle.loads(pickle.dumps(given))])
def test_a_copy_of_a_connection_that_has_failed_knows_why(
    copied: Callable[[ServerConnection], ServerConnection],
) -> None:
    connection = server(b"G@T")
    refused("bad-method", connection)
    error = refused("already-failed", copied(connection))
    assert isinstance(error.__cause__, RemoteProtocolError)
    assert error.__cause__.code == "bad-method"


@pytest.mark.parametrize(
    "event",
    [
        Response(status_code=200, headers=[], http_version=b"1.0"),
        Response(status_code=200, headers=[("Content-Length", "0")]),
        InformationalResponse(status_code=101, headers=[]),
        EndOfMessage(headers=[("x", "y")]),
        Data(b"hello"),
        ConnectionClosed(),
    ],
)
def test_in_error_nothing_else_is_said_of_an_event(event: Event) -> None:
    connection = server(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n")
    connection.next_event()
    connection.send_failed()
    for _ in range(2):
        with pytest.raises(LocalProtocolError, match=f"nothing in ERROR.*, got {type(event).__name__}") as caught:
            send_any(connection, event)
        assert caught.value.code == "already-failed"
        assert connection.our_state == ERROR


def test_a_head_in_pieces_goes_on_while_our_own_state_changes() -> None:
    connection = Connection(CLIENT)
    connection.send(Request(method="POST", target="/", headers=[*HOST, ("Content-Length", "5")]))
    for piece in (b"HTTP/1.1 200 OK\r\nX: ", b"y\r\nContent-", b"Length: ", b"0\r\n\r\n"):
        connection.receive_data(piece)
        if piece.endswith(b"\r\n\r\n"):
            break
        assert connection.next_event() is NEED_DATA
        if connection.our_state == SEND_BODY:
            connection.send(Data(b"hello"))
            connection.send(EndOfMessage())
    assert connection.next_event() == Response(
        status_code=200, headers=[("X", "y"), ("Content-Length", "0")], reason="OK"
    )
    assert connection.next_event() == EndOfMessage()


# --- lines that are left out ----------------------------------------------------------------------------------------

LEAVES_OUT = Policy(broken_lines_in_response=True)
OK_EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"


def asked(policy: Policy) -> ClientConnection:
    connection = Connection(CLIENT, policy=policy)
    connection.send(Request(method="GET", target="/", headers=HOST))
    connection.send(EndOfMessage())
    return connection


def test_the_lines_that_were_left_out_can_be_had() -> None:
    assert asked(LEAVES_OUT).left_out_lines == ()
    connection = asked(LEAVES_OUT)
    connection.receive_data(OK_EMPTY + b"A: b\r\nget-ban/forum.php: x\r\n \x80 y\t\r\n\r\n")
    response = connection.next_event()
    assert response == Response(status_code=200, headers=[("Content-Length", "0"), ("A", "b")], reason="OK")
    assert connection.left_out_lines == (b"get-ban/forum.php: x", b" \x80 y\t")
    assert connection.next_event() == EndOfMessage()
    assert connection.left_out_lines == (b"get-ban/forum.php: x", b" \x80 y\t")
    with pytest.raises(LocalProtocolError, match="open a new connection"):
        connection.start_next_cycle()


def test_they_are_those_of_the_last_head() -> None:
    connection = asked(LEAVES_OUT)
    connection.receive_data(b"HTTP/1.1 103 Early Hints\r\na b\r\n\r\n")
    assert isinstance(connection.next_event(), InformationalResponse)
    for again in (connection, copy.copy(connection), pickle.loads(pickle.dumps(connection))):
        assert again.left_out_lines == (b"a b",)
    connection.receive_data(OK_EMPTY + b"\r\n")
    assert isinstance(connection.next_event(), Response)
    assert connection.left_out_lines == ()
    assert connection.next_event() == EndOfMessage()
    assert connection.their_state == MUST_CLOSE


def test_a_head_that_is_refused_leaves_them_as_they_were() -> None:
    connection = asked(LEAVES_OUT)
    connection.receive_data(b"HTTP/1.1 103 \r\na b\r\n\r\nHTTP/1.1 200 OK\r\nc d\r\nContent-Length\r\n\r\n")
    connection.next_event()
    refused("missing-colon", connection)
    assert connection.left_out_lines == (b"a b",)


@pytest.mark.parametrize("policy", [STRICT, H11])
def test_there_are_none_where_none_may_be_left_out(policy: Policy) -> None:
    connection = asked(policy)
    connection.receive_data(OK_EMPTY + b"\r\n")
    connection.next_event()
    assert connection.left_out_lines == ()
    serving = server(GET)
    serving.next_event()
    assert serving.left_out_lines == ()


def test_what_is_left_out_is_no_more_than_a_head_may_be() -> None:
    line = b"a b\r\n"
    for lines, limit in ((10, 10**6), (10**5, 10**6)):
        connection = Connection(CLIENT, limit, policy=attrs.evolve(LEAVES_OUT, max_fields=None))
        connection.send(Request(method="GET", target="/", headers=HOST))
        connection.receive_data(OK_EMPTY + line * lines + b"\r\n")
        assert isinstance(connection.next_event(), Response)
        assert connection.left_out_lines == (b"a b",) * lines
    connection = Connection(CLIENT, 1000, policy=attrs.evolve(LEAVES_OUT, max_fields=None))
    connection.send(Request(method="GET", target="/", headers=HOST))
    connection.receive_data(OK_EMPTY + line * 1000 + b"\r\n")
    refused("head-too-large", connection)
    assert connection.left_out_lines == ()


def test_a_switch_may_have_lines_that_are_left_out() -> None:
    connection = Connection(CLIENT, policy=LEAVES_OUT)
    connection.send(Request(method="GET", target="/", headers=[*HOST, ("Connection", "upgrade"), ("Upgrade", "x")]))
    connection.send(EndOfMessage())
    connection.receive_data(b"HTTP/1.1 101 \r\nUpgrade: x\r\na b\r\n\r\nhello")
    assert isinstance(connection.next_event(), InformationalResponse)
    assert connection.states == {CLIENT: SWITCHED_PROTOCOL, SERVER: SWITCHED_PROTOCOL}
    assert connection.trailing_data == (b"hello", False)
    assert connection.left_out_lines == (b"a b",)
