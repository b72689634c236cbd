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
    RemoteProtocolError,
    Request,
    Response,
    ServerConnection,
)
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
    error = refused("already-failed", connection)
    assert "broken the protocol" in str(error)
    assert connection.our_state == IDLE


def test_an_early_error_answer() -> None:
    connection = server(b"G@T / HTTP/1.1\r\n\r\n")
    error = refused("bad-method", connection)
    wire = connection.send(Response(status_code=error.error_status_hint, headers=[("Content-Length", "2")]))
    assert wire == b"HTTP/1.1 400 \r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
    assert connection.send(Data(b"no")) == b"no"
    assert connection.send(EndOfMessage()) == b""
    assert connection.our_state == MUST_CLOSE


def test_an_error_in_a_body_leaves_us_free_to_answer() -> None:
    connection = server(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx")
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
    waiting = client()
    waiting.receive_data(b"")
    refused("head-cut-short", waiting)


def test_a_large_piece_is_let_go_once_it_has_been_read() -> None:
    connection = server(POST + b"0123456789")
    while not isinstance(connection.next_event(), type):
        pass
    assert connection._buffer == b""


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


def test_a_cycle_begins_where_both_are_done_only() -> None:
    connection = server(GET)
    with pytest.raises(LocalProtocolError, match="the client in IDLE and the server in IDLE"):
        connection.start_next_cycle()
    assert connection.our_state == IDLE


# --- what nobody asked for ---


def test_a_client_does_not_take_what_came_before_it_asked_for_an_answer() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    connection = client()
    connection.receive_data(answer + answer)
    while connection.next_event() is not PAUSED:
        pass
    with pytest.raises(LocalProtocolError, match="got more bytes") as caught:
        connection.start_next_cycle()
    assert caught.value.code == "not-reusable"
    assert connection.states == {CLIENT: DONE, SERVER: DONE}
    fresh = Connection(CLIENT)
    fresh.receive_data(answer)
    with pytest.raises(LocalProtocolError) as caught:
        fresh.send(Request(method="GET", target="/", headers=HOST))
    assert caught.value.code == "unexpected-bytes"


def test_a_client_does_not_ask_a_server_that_has_closed() -> None:
    connection = client()
    connection.receive_data(b"HTTP/1.1 200 OK\r\n\r\nx")
    connection.receive_data(b"")
    while connection.next_event() != EndOfMessage():
        pass
    with pytest.raises(LocalProtocolError, match="got the end of the connection"):
        connection.start_next_cycle()


def test_an_unasked_answer_can_be_read_before_anything_is_sent() -> None:
    connection = Connection(CLIENT)
    connection.receive_data(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    event = connection.next_event()
    assert isinstance(event, Response)
    assert event.status_code == 408


def test_what_a_client_wrote_into_a_refused_tunnel_is_no_request() -> None:
    ask = b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"
    for early in (b"", GET):
        connection = server(ask + early)
        while connection.next_event() is not PAUSED:
            pass
        wire = connection.send(Response(status_code=407, headers=[("Content-Length", "0")]))
        connection.send(EndOfMessage())
        # A client that waited may try again, as some ways to authenticate need it to.
        assert (b"Connection: close" in wire) == bool(early)
        assert connection.our_state == (MUST_CLOSE if early else DONE)
        if early:
            refused("unexpected-bytes", connection)


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
    with pytest.raises(LocalProtocolError, match="expected nothing in ERROR, got EndOfMessage"):
        connection.send(EndOfMessage())


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
    with pytest.raises(LocalProtocolError):
        connection.send(ConnectionClosed())


def test_an_error_in_between_is_not_forgotten() -> None:
    class Broken(File):
        def __len__(self) -> int:
            raise KeyboardInterrupt

    connection = Connection(CLIENT)
    connection.send(Request(method="PUT", target="/", headers=[*HOST, ("Content-Length", "3")]))
    with pytest.raises(KeyboardInterrupt):
        connection.send_with_data_passthrough(Data(Broken(3)))
    assert connection.our_state == ERROR


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
        with pytest.raises(LocalProtocolError, match=f"nothing in ERROR, got {type(event).__name__}") as caught:
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
