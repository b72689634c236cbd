"""http11 speaks with HTTP/1.1 programs that we did not write, over real sockets.

Each test asserts twice: on what the peer understood, and on the events that our side saw.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import io
import shutil
import socket
import socketserver
import subprocess
import threading
import traceback
import wsgiref.simple_server
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol, TypeAlias

import pytest

from http11 import (
    CLIENT,
    DONE,
    H11,
    IDLE,
    MUST_CLOSE,
    NEED_DATA,
    PAUSED,
    SEND_BODY,
    SEND_RESPONSE,
    SERVER,
    STRICT,
    SWITCHED_PROTOCOL,
    ClientConnection,
    ClientEvent,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    Policy,
    RemoteProtocolError,
    Request,
    Response,
    ServerConnection,
    ServerEvent,
)
from tests.unasked import (
    NO_LENGTHS,
    TARGETS,
    TOO_MUCH,
    WELL_BEHAVED,
    Kind,
    Server,
    filled,
    is_readable,
    response_head,
    running,
)

pytestmark = pytest.mark.no_cover

TIMEOUT = 10.0

END = EndOfMessage()
CLOSED = ConnectionClosed()

Answers: TypeAlias = Iterable[InformationalResponse | Response | Data[bytes] | EndOfMessage]
Respond: TypeAlias = Callable[[Request, bytes], Answers]


def merged(events: Iterable[Event]) -> list[Event]:
    """Return `events` with the body in one piece, and without the marks of its chunks."""
    result: list[Event] = []
    for event in events:
        if not isinstance(event, Data):
            result.append(event)
        elif result and isinstance(result[-1], Data):
            result[-1] = Data(result[-1].data + event.data)
        else:
            result.append(Data(event.data))
    return result


# --- a server built on http11 ---------------------------------------------------------------------------------------


class Http11Server(socketserver.ThreadingTCPServer):
    """Answers with what `respond` returns, and remembers what it saw."""

    # So that `server_close` waits for every connection.
    daemon_threads = False
    request_queue_size = 16

    def __init__(self, respond: Respond, policy: Policy) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self.policy = policy
        self.port: int = self.socket.getsockname()[1]
        self.respond = respond
        # The events of each connection, in the order in which they came in.
        self.connections: list[list[ClientEvent]] = []
        self.errors: list[RemoteProtocolError] = []
        self.invited = threading.Event()
        # What was left behind by a peer that went on in another protocol, and that we do not speak.
        self.left: list[bytes] = []
        self.failures: list[str] = []

    @property
    def events(self) -> list[Event]:
        """Return what came in over the only connection."""
        (events,) = self.connections
        return merged(events)

    @property
    def requests(self) -> list[Request]:
        return [event for events in self.connections for event in events if isinstance(event, Request)]

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - overrides
        self.failures.append(traceback.format_exc())

    def finish_request(
        self,
        request: socket.socket | tuple[bytes, socket.socket],
        client_address: object,  # noqa: ARG002 - overrides
    ) -> None:
        assert isinstance(request, socket.socket)
        request.settimeout(TIMEOUT)
        events: list[ClientEvent] = []
        self.connections.append(events)
        connection = Connection(SERVER, policy=self.policy)
        try:
            self.serve(request, connection, events)
        except RemoteProtocolError as error:
            self.errors.append(error)
            if connection.our_state in {IDLE, SEND_RESPONSE}:
                self.write(request, connection, plain(b"", status=error.error_status_hint))
                request.shutdown(socket.SHUT_WR)
                while request.recv(65536):
                    pass

    def serve(self, sock: socket.socket, connection: ServerConnection, events: list[ClientEvent]) -> None:
        request: Request | None = None
        body = b""
        while True:
            event = connection.next_event()
            if isinstance(event, type):
                if event is not PAUSED:
                    connection.receive_data(sock.recv(65536))
                elif connection.their_http_version == b"2.0":
                    self.left.append(connection.trailing_data[0])
                    return
                else:
                    connection.start_next_cycle()
                continue
            events.append(event)
            if isinstance(event, Request):
                request, body = event, b""
                self.invite(sock, connection)
            elif isinstance(event, Data):
                body += event.data
            elif isinstance(event, EndOfMessage):
                assert request is not None
                if request.http_version == b"2.0":
                    continue
                self.write(sock, connection, self.respond(request, body))
                if connection.our_state in {MUST_CLOSE, SEND_BODY}:
                    # All is said; or, in SEND_BODY, the test wants to see what a peer makes of half an answer.
                    sock.shutdown(socket.SHUT_WR)
                elif connection.our_state == SWITCHED_PROTOCOL:
                    connection = through_the_tunnel(connection)
            else:
                return

    def invite(self, sock: socket.socket, connection: ServerConnection) -> None:
        if connection.they_are_waiting_for_100_continue:
            self.write(sock, connection, [InformationalResponse(status_code=100, headers=[], reason="Continue")])
            assert not connection.client_is_waiting_for_100_continue
            self.invited.set()

    def write(self, sock: socket.socket, connection: ServerConnection, answers: Answers) -> None:
        sock.sendall(b"".join([connection.send(answer) for answer in answers]))


def through_the_tunnel(connection: ServerConnection) -> ServerConnection:
    """Return a connection for what comes through the tunnel that was granted: HTTP again, and from us."""
    inner = Connection(SERVER)
    data, closed = connection.trailing_data
    if data:
        inner.receive_data(data)
    assert not closed
    return inner


@contextlib.contextmanager
def serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        port = server.socket.getsockname()[1]
        assert isinstance(port, int)
        yield port
    finally:
        server.shutdown()
        thread.join()
        # Waits for the threads of all connections.
        server.server_close()


@contextlib.contextmanager
def http11_server(respond: Respond, policy: Policy = STRICT) -> Iterator[Http11Server]:
    """Run a server; what it saw is complete when the block has ended."""
    server = Http11Server(respond, policy)
    with serving(server):
        yield server
    assert server.failures == []


def plain(body: bytes, *fields: tuple[str, str], status: int = 200) -> Answers:
    """Answer with a body of known length."""
    headers = [("Content-Length", str(len(body))), *fields]
    return [Response(status_code=status, headers=headers, reason=http.client.responses[status]), Data(body), END]


def echo(request: Request, body: bytes) -> Answers:
    return plain(request.method + b" " + request.target + b" " + body)


def answering(*answers: InformationalResponse | Response | Data[bytes] | EndOfMessage) -> Respond:
    """Answer every request in the same way."""
    return lambda _request, _body: answers


def ok(*fields: tuple[str, str], status: int = 200) -> Response:
    return Response(status_code=status, headers=list(fields), reason=http.client.responses[status])


STREAMED = answering(ok(), Data(b"one, "), Data(b""), Data(b"two"), EndOfMessage(headers=[("X-Sum", "7")]))
UNTIL_CLOSE = answering(ok(), Data(b"one, "), Data(b"two"), END)


# --- http.client, the standard library's client ---------------------------------------------------------------------


@contextlib.contextmanager
def http_client(server: Http11Server) -> Iterator[http.client.HTTPConnection]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)) as connection:
        yield connection


class Answer(NamedTuple):
    version: int
    status: int
    reason: str
    fields: list[tuple[str, str]]
    body: bytes


def answer_to(connection: http.client.HTTPConnection) -> Answer:
    with connection.getresponse() as response:
        return Answer(response.version, response.status, response.reason, response.getheaders(), response.read())


def request_of(server: Http11Server, method: str, target: str, *fields: tuple[str, str]) -> Request:
    """Return the request that `http.client` makes of these."""
    host = ("Host", f"127.0.0.1:{server.port}")
    return Request(method=method, target=target, headers=[host, ("Accept-Encoding", "identity"), *fields])


def test_http_client_gets() -> None:
    with http11_server(echo) as server, http_client(server) as connection:
        connection.request("GET", "/path?query", headers={"X-Mine": "caf\xe9"})
        answer = answer_to(connection)
    assert answer == (11, 200, "OK", [("Content-Length", "16")], b"GET /path?query ")
    request = request_of(server, "GET", "/path?query")
    assert server.events[1:] == [END, CLOSED]
    assert server.requests[0].target == request.target
    assert server.requests[0].headers == [*request.headers, (b"x-mine", b"caf\xe9")]


@pytest.mark.parametrize("size", [0, 1, 500_000])
def test_http_client_posts_a_known_length(size: int) -> None:
    body = b"x" * size
    with http11_server(echo) as server, http_client(server) as connection:
        connection.request("POST", "/", body=body)
        answer = answer_to(connection)
    assert answer.body == b"POST / " + body
    request = request_of(server, "POST", "/", ("Content-Length", str(size)))
    assert server.events == [request, *([Data(body)] if size else []), END, CLOSED]


def test_http_client_posts_chunks() -> None:
    with http11_server(echo) as server, http_client(server) as connection:
        connection.request("POST", "/", body=iter([b"one, ", b"two"]))
        answer = answer_to(connection)
    assert answer.body == b"POST / one, two"
    request = request_of(server, "POST", "/", ("Transfer-Encoding", "chunked"))
    assert server.events == [request, Data(b"one, two"), END, CLOSED]
    assert [event for event in server.connections[0] if isinstance(event, Data)] == [
        Data(b"one, ", chunk_start=True, chunk_end=True),
        Data(b"two", chunk_start=True, chunk_end=True),
    ]


@pytest.mark.parametrize(
    ("head", "fields"),
    [
        (ok(("Content-Length", "10")), [("Content-Length", "10")]),
        (ok(), [("Transfer-Encoding", "chunked")]),
        (ok(("ETag", "1"), status=304), [("ETag", "1")]),
        (ok(("ETag", "1"), ("Content-Length", "10"), status=304), [("ETag", "1"), ("Content-Length", "10")]),
        (ok(("Content-Length", "0"), status=204), []),
    ],
    ids=["length", "chunked", "304", "304-with-length", "204"],
)
def test_http_client_sees_no_body_where_none_may_be(head: Response, fields: list[tuple[str, str]]) -> None:
    with http11_server(answering(head, END)) as server, http_client(server) as connection:
        for _ in range(2):
            connection.request("HEAD", "/")
            answer = answer_to(connection)
            assert (answer.status, answer.fields, answer.body) == (head.status_code, fields, b"")
    assert server.events == [request_of(server, "HEAD", "/"), END] * 2 + [CLOSED]


@pytest.mark.parametrize("status", [204, 304])
def test_http_client_sees_no_body_of_a_get(status: int) -> None:
    with http11_server(answering(ok(status=status), END)) as server, http_client(server) as connection:
        for _ in range(2):
            connection.request("GET", "/")
            assert answer_to(connection) == (11, status, http.client.responses[status], [], b"")
    assert server.events == [request_of(server, "GET", "/"), END] * 2 + [CLOSED]


def test_http_client_reads_chunks_and_passes_over_trailers() -> None:
    with http11_server(STREAMED) as server, http_client(server) as connection:
        for _ in range(2):
            connection.request("GET", "/")
            assert answer_to(connection) == (11, 200, "OK", [("Transfer-Encoding", "chunked")], b"one, two")
    # The second came over the same connection: the trailers were where the client expected them.
    assert server.events == [request_of(server, "GET", "/"), END] * 2 + [CLOSED]


def test_http_client_as_http10_reads_until_close() -> None:
    with http11_server(UNTIL_CLOSE) as server, http_client(server) as connection:
        # As its own documentation's private switch: there is no public one.
        vars(connection).update(_http_vsn=10, _http_vsn_str="HTTP/1.0")
        connection.request("GET", "/")
        answer = answer_to(connection)
    assert answer == (11, 200, "OK", [("Connection", "close")], b"one, two")
    assert [type(event) for event in server.events] == [Request, EndOfMessage, ConnectionClosed]
    assert server.requests[0].http_version == b"1.0"


def test_http_client_is_told_to_go_on() -> None:
    with http11_server(echo) as server, http_client(server) as connection:
        connection.putrequest("POST", "/")
        connection.putheader("Expect", "100-continue")
        connection.putheader("Content-Length", "4")
        connection.endheaders()
        assert server.invited.wait(TIMEOUT)
        connection.send(b"body")
        # It passes over the 100.
        assert answer_to(connection).body == b"POST / body"
    expected = request_of(server, "POST", "/", ("Expect", "100-continue"), ("Content-Length", "4"))
    assert server.events == [expected, Data(b"body"), END, CLOSED]


def test_http_client_keeps_the_connection() -> None:
    with http11_server(echo) as server, http_client(server) as connection:
        for number in range(10):
            connection.request("POST", f"/{number}", body=b"%d" % number)
            assert answer_to(connection).body == b"POST /%d %d" % (number, number)
    assert len(server.connections) == 1
    assert [request.target for request in server.requests] == [b"/%d" % number for number in range(10)]


def test_http_client_opens_another_connection_when_told_to_close() -> None:
    with http11_server(answering(*plain(b"", ("Connection", "close")))) as server, http_client(server) as connection:
        for _ in range(2):
            connection.request("GET", "/")
            assert answer_to(connection).status == 200
    assert [merged(events) for events in server.connections] == [[request_of(server, "GET", "/"), END, CLOSED]] * 2


def test_http_client_says_that_it_will_close() -> None:
    with http11_server(echo) as server, http_client(server) as connection:
        connection.request("GET", "/", headers={"Connection": "close"})
        assert ("Connection", "close") in answer_to(connection).fields
    assert server.events == [request_of(server, "GET", "/", ("Connection", "close")), END, CLOSED]


@pytest.mark.parametrize(
    ("fields", "code", "status"),
    [
        ([], "missing-host", 400),
        ([("Host", "a"), ("Host", "a")], "repeated-host", 400),
        ([("Host", "a"), ("Transfer-Encoding", "gzip")], "bad-transfer-encoding", 400),
        ([("Host", "a"), ("Content-Length", "1"), ("Transfer-Encoding", "chunked")], None, 400),
        ([("Host", "a"), ("X-Large", "x" * 20_000)], "head-too-large", 431),
        ([("Host", "a"), *[("X", "")] * 300], "too-many-fields", 431),
        ([("Host", "a"), ("X", "folded\r\n line")], "folded-line", 400),
    ],
)
def test_http_client_is_refused(fields: list[tuple[str, str]], code: str | None, status: int) -> None:
    with http11_server(echo) as server, http_client(server) as connection:
        connection.putrequest("GET", "/", skip_host=True)
        for name, value in fields:
            connection.putheader(name, value)
        connection.endheaders()
        answer = answer_to(connection)
    assert (answer.status, answer.reason) == (status, http.client.responses[status])
    assert ("Connection", "close") in answer.fields
    assert server.events == []
    (error,) = server.errors
    assert error.error_status_hint == status
    assert error.code == (code or "transfer-encoding-and-content-length")


def test_http_client_leaves_in_the_middle_of_a_body() -> None:
    with http11_server(echo) as server, http_client(server) as connection:
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", "10")
        connection.endheaders(b"12345")
        assert connection.sock is not None
        connection.sock.shutdown(socket.SHUT_WR)
        assert answer_to(connection).status == 400
    (error,) = server.errors
    assert error.code == "body-cut-short"
    assert server.events == [request_of(server, "POST", "/", ("Content-Length", "10")), Data(b"12345")]


def test_http_client_goes_through_a_tunnel() -> None:
    def respond(request: Request, body: bytes) -> Answers:
        return [ok()] if request.method == b"CONNECT" else echo(request, body)

    with http11_server(respond) as server, http_client(server) as connection:
        connection.set_tunnel("inner.example", 80)
        for number in (1, 2):
            connection.request("POST", "/inside", body=b"%d" % number)
            assert answer_to(connection).body == b"POST /inside %d" % number
    connect, *rest = server.events
    assert isinstance(connect, Request)
    assert (connect.method, connect.target) == (b"CONNECT", b"inner.example:80")
    assert [type(event) for event in rest] == [EndOfMessage, *[Request, Data, EndOfMessage] * 2, ConnectionClosed]


# --- a client built on http11, against http.server ------------------------------------------------------------------


class Http11Client:
    """A client on one connection; the events of each response are its answer."""

    def __init__(self, sock: socket.socket, policy: Policy) -> None:
        self.sock = sock
        self.connection: ClientConnection = Connection(CLIENT, policy=policy)

    def ask(self, method: str, target: str, *fields: tuple[str, str], body: Iterable[bytes] = ()) -> list[Event]:
        """Send a request, and return the events of its answer."""
        self.send_head(method, target, *fields)
        early: list[Event] = []
        if self.connection.client_is_waiting_for_100_continue:
            early.append(self.next_event())
        if not early or isinstance(early[0], InformationalResponse):
            self.send_body(body)
        return merged([*early, *self.answer()])

    def send_head(self, method: str, target: str, *fields: tuple[str, str]) -> None:
        if self.connection.states == {CLIENT: DONE, SERVER: DONE}:
            self.connection.start_next_cycle()
        headers = [("Host", "127.0.0.1"), *fields]
        self.sock.sendall(self.connection.send(Request(method=method, target=target, headers=headers)))

    def send_body(self, body: Iterable[bytes]) -> None:
        for piece in body:
            self.sock.sendall(self.connection.send(Data(piece)))
        self.sock.sendall(self.connection.send(END))

    def answer(self) -> list[Event]:
        """Read up to the end of the final response."""
        events: list[Event] = []
        while not events or not isinstance(events[-1], EndOfMessage):
            events.append(self.next_event())
        return events

    def next_event(self) -> ServerEvent:
        while True:
            event = self.connection.next_event()
            if not isinstance(event, type):
                return event
            assert event is not PAUSED
            self.connection.receive_data(self.sock.recv(65536))


@contextlib.contextmanager
def http11_client(port: int, policy: Policy = STRICT) -> Iterator[Http11Client]:
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Http11Client(sock, policy)


class Seen(NamedTuple):
    method: str
    target: str
    fields: dict[str, str]
    body: bytes


class Handler(BaseHTTPRequestHandler):
    """Answers by path, and remembers every request."""

    timeout: ClassVar[float | None] = TIMEOUT
    seen: ClassVar[list[Seen]]
    # Without the fields that tell the time and the version of Python.
    server_version = "http.server"
    sys_version = ""
    # It writes a head and a body in two: no waiting for the acknowledgement of the first.
    disable_nagle_algorithm = True

    def date_time_string(self, timestamp: float | None = None) -> str:
        return "now" if timestamp is None else super().date_time_string(int(timestamp))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass

    def handle_any(self) -> None:
        body = self.read_body()
        self.seen.append(Seen(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        routes: dict[str, Callable[[], None]] = {
            "/chunked": self.chunked,
            "/until-close": self.until_close,
            "/no-content": lambda: self.head(204),
            "/not-modified": lambda: self.head(304, ("ETag", '"1"')),
            "/missing": lambda: self.send_error(404),
            "/cut": self.cut,
        }
        routes.get(self.path, partial(self.echo, body))()

    do_GET = do_HEAD = do_POST = do_PUT = handle_any  # noqa: N815 - the base class's names

    def read_body(self) -> bytes:
        if self.headers["Transfer-Encoding"] != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            assert self.rfile.readline() == b"\r\n"
        while (line := self.rfile.readline()) != b"\r\n":
            body += b"|" + line.strip()
        return body

    def head(self, status: int, *fields: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()

    def echo(self, body: bytes) -> None:
        self.head(200, ("Content-Length", str(len(body))))
        if self.command != "HEAD":
            self.wfile.write(body)

    def chunked(self) -> None:
        self.head(200, ("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum"))
        if self.command != "HEAD":
            for piece in (b"5;ext=1", b"one, ", b"0003", b"two", b"0", b"X-Sum: 7", b""):
                self.wfile.write(piece + b"\r\n")

    def until_close(self) -> None:
        self.head(200, ("Connection", "close"))
        self.wfile.write(b"one, ")
        self.wfile.write(b"two")

    def cut(self) -> None:
        self.head(200, ("Content-Length", "10"))
        self.wfile.write(b"12345")
        self.close_connection = True


class Handler10(Handler):
    protocol_version = "HTTP/1.0"


class Handler11(Handler):
    protocol_version = "HTTP/1.1"


class PeerServer(ThreadingHTTPServer):
    # So that `server_close` waits for every connection.
    daemon_threads = False
    request_queue_size = 16


@contextlib.contextmanager
def http_server(handler: type[Handler]) -> Iterator[int]:
    Handler.seen = []
    with serving(PeerServer(("127.0.0.1", 0), handler)) as port:
        yield port


SERVER_FIELDS = (("Server", "http.server"), ("Date", "now"))


def response_of(version: str, status: int, *fields: tuple[str, str]) -> Response:
    """Return the response head that `http.server` makes of these."""
    reason = BaseHTTPRequestHandler.responses[http.HTTPStatus(status)][0]
    return Response(status_code=status, headers=[*SERVER_FIELDS, *fields], reason=reason, http_version=version)


@pytest.mark.parametrize(("handler", "version"), [(Handler10, "1.0"), (Handler11, "1.1")])
@pytest.mark.parametrize("size", [0, 1, 500_000])
def test_http_server_takes_a_known_length(handler: type[Handler], version: str, size: int) -> None:
    body = b"x" * size
    with http_server(handler) as port, http11_client(port) as client:
        events = client.ask("POST", "/echo", ("Content-Length", str(size)), body=[body])
        state = client.connection.our_state
    head = response_of(version, 200, ("Content-Length", str(size)))
    assert events == [head, *([Data(body)] if size else []), END]
    assert state == (MUST_CLOSE if version == "1.0" else DONE)
    assert Handler.seen == [Seen("POST", "/echo", {"host": "127.0.0.1", "content-length": str(size)}, body)]


def test_http_server_takes_chunks_and_trailers() -> None:
    with http_server(Handler11) as port, http11_client(port) as client:
        client.send_head("POST", "/echo", ("Transfer-Encoding", "chunked"))
        for piece in (b"one, ", b"", b"two"):
            client.sock.sendall(client.connection.send(Data(piece)))
        client.sock.sendall(client.connection.send(EndOfMessage(headers=[("X-Sum", "7")])))
        events = merged(client.answer())
    assert events == [response_of("1.1", 200, ("Content-Length", "17")), Data(b"one, two|X-Sum: 7"), END]
    assert [seen.body for seen in Handler.seen] == [b"one, two|X-Sum: 7"]


@pytest.mark.parametrize(
    ("target", "fields"),
    [
        ("/echo", [("Content-Length", "0")]),
        ("/chunked", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")]),
    ],
)
def test_http_server_answers_head(target: str, fields: list[tuple[str, str]]) -> None:
    with http_server(Handler11) as port, http11_client(port) as client:
        first = client.ask("HEAD", target)
        second = client.ask("HEAD", target)
    assert first == second == [response_of("1.1", 200, *fields), END]
    assert [(seen.method, seen.target) for seen in Handler.seen] == [("HEAD", target)] * 2


def test_http_server_sends_chunks_and_trailers() -> None:
    with http_server(Handler11) as port, http11_client(port) as client:
        events = client.ask("GET", "/chunked")
    head = response_of("1.1", 200, ("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum"))
    assert events == [head, Data(b"one, two"), EndOfMessage(headers=[("X-Sum", "7")])]
    assert [seen.target for seen in Handler.seen] == ["/chunked"]


@pytest.mark.parametrize(("handler", "version"), [(Handler10, "1.0"), (Handler11, "1.1")])
def test_http_server_sends_until_close(handler: type[Handler], version: str) -> None:
    with http_server(handler) as port, http11_client(port) as client:
        events = client.ask("GET", "/until-close")
        last = client.next_event()
        states = client.connection.states
    assert events == [response_of(version, 200, ("Connection", "close")), Data(b"one, two"), END]
    assert last == CLOSED
    assert states == {CLIENT: MUST_CLOSE, SERVER: "CLOSED"}


@pytest.mark.parametrize(
    ("target", "status", "fields"), [("/no-content", 204, []), ("/not-modified", 304, [("ETag", '"1"')])]
)
def test_http_server_sends_no_body(target: str, status: int, fields: list[tuple[str, str]]) -> None:
    with http_server(Handler11) as port, http11_client(port) as client:
        first = client.ask("GET", target)
        second = client.ask("GET", target)
    assert first == second == [response_of("1.1", status, *fields), END]
    assert len(Handler.seen) == 2


def test_http_server_keeps_the_connection() -> None:
    with http_server(Handler11) as port, http11_client(port) as client:
        for number in range(10):
            events = client.ask("PUT", f"/{number}", ("Content-Length", "1"), body=[b"%d" % number])
            assert events[1:] == [Data(b"%d" % number), END]
    assert [(seen.target, seen.body) for seen in Handler.seen] == [(f"/{n}", b"%d" % n) for n in range(10)]


def test_http_server_asks_for_the_body() -> None:
    fields = [("Expect", "100-continue"), ("Content-Length", "4")]
    with http_server(Handler11) as port, http11_client(port) as client:
        events = client.ask("POST", "/echo", *fields, body=[b"body"])
    go_on = InformationalResponse(status_code=100, headers=[], reason="Continue")
    assert events == [go_on, response_of("1.1", 200, ("Content-Length", "4")), Data(b"body"), END]
    assert [seen.body for seen in Handler.seen] == [b"body"]


def test_http_server_does_not_want_the_body() -> None:
    class Unwilling(Handler11):
        def handle_expect_100(self) -> bool:
            self.send_error(417)
            return False

    fields = [("Expect", "100-continue"), ("Content-Length", "4")]
    with http_server(Unwilling) as port, http11_client(port) as client:
        events = client.ask("POST", "/echo", *fields)
        states = client.connection.states
    assert isinstance(events[0], Response)
    assert events[0].status_code == 417
    # We have promised a body that nobody wants: only closing gets us out of it.
    assert states == {CLIENT: "SEND_BODY", SERVER: MUST_CLOSE}
    assert Handler.seen == []


@pytest.mark.parametrize(
    ("method", "target", "fields", "status"),
    [
        ("GET", "/missing", [], 404),
        ("BREW", "/", [], 501),
        ("GET", "/" + "x" * 70_000, [], 414),
        ("GET", "/", [("X", "")] * 200, 431),
        ("GET", "/", [("X", "x" * 70_000)], 431),
    ],
    ids=["404", "501", "414", "431-many", "431-large"],
)
def test_http_server_refuses(method: str, target: str, fields: list[tuple[str, str]], status: int) -> None:
    with http_server(Handler11) as port, http11_client(port) as client:
        response, body, end = client.ask(method, target, *fields)
    assert isinstance(response, Response)
    assert (response.status_code, response.headers.get("Connection")) == (status, b"close")
    assert isinstance(body, Data)
    assert b"Error code: %d" % status in body.data
    assert end == END
    assert len(Handler.seen) == (1 if status == 404 else 0)


def test_http_server_breaks_its_promise() -> None:
    with http_server(Handler11) as port, http11_client(port) as client:
        with pytest.raises(RemoteProtocolError) as caught:
            client.ask("GET", "/cut")
        assert client.connection.their_state == "ERROR"
    assert caught.value.code == "body-cut-short"
    assert [seen.target for seen in Handler.seen] == ["/cut"]


def test_http_server_serves_files(tmp_path: Path) -> None:
    class Files(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout: ClassVar[float | None] = TIMEOUT

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    content = bytes(range(256)) * 2000
    (tmp_path / "file.bin").write_bytes(content)
    (tmp_path / "folder").mkdir()
    modified = email.utils.formatdate((tmp_path / "file.bin").stat().st_mtime, usegmt=True)
    server = PeerServer(("127.0.0.1", 0), partial(Files, directory=str(tmp_path)))
    with serving(server) as port, http11_client(port) as client:
        whole = client.ask("GET", "/file.bin")
        unchanged = client.ask("GET", "/file.bin", ("If-Modified-Since", modified))
        head = client.ask("HEAD", "/file.bin")
        moved = client.ask("GET", "/folder")
    assert isinstance(whole[0], Response)
    assert whole[0].headers.get("Last-Modified") == modified.encode()
    assert whole[1:] == [Data(content), END]
    assert isinstance(unchanged[0], Response)
    assert (unchanged[0].status_code, unchanged[1:]) == (304, [END])
    assert isinstance(head[0], Response)
    assert head[0].headers.get("Content-Length") == b"%d" % len(content)
    assert head[1:] == [END]
    assert isinstance(moved[0], Response)
    assert (moved[0].status_code, moved[0].headers.get("Location")) == (301, b"/folder/")


def test_wsgiref_serves_an_application() -> None:
    class Quiet(wsgiref.simple_server.WSGIRequestHandler):
        timeout: ClassVar[float | None] = TIMEOUT

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

        def get_stderr(self) -> io.StringIO:
            return io.StringIO()

    posted = []

    def application(
        environ: dict[str, object], start_response: Callable[[str, list[tuple[str, str]]], object]
    ) -> list[bytes]:
        stream = environ["wsgi.input"]
        assert isinstance(stream, io.BufferedIOBase)
        posted.append((environ["REQUEST_METHOD"], environ["SERVER_PROTOCOL"], stream.read(4)))
        start_response("201 Made", [("X-Mine", "1")])
        return [b"one, ", b"two"]

    server = wsgiref.simple_server.WSGIServer(("127.0.0.1", 0), Quiet)
    server.set_app(application)
    with serving(server) as port, http11_client(port) as client:
        response, body, end = client.ask("POST", "/", ("Content-Length", "4"), body=[b"body"])
    assert isinstance(response, Response)
    assert (response.http_version, response.status_code, response.reason) == (b"1.0", 201, b"Made")
    assert (body, end) == (Data(b"one, two"), END)
    assert posted == [("POST", "HTTP/1.1", b"body")]


# --- a client built on http11, against servers that send more than it asked for -------------------------------------


class Answered(NamedTuple):
    """An answer as its user gets it."""

    status: int
    target: str
    content: bytes


class Pool:
    """Asks over at most one connection at a time, which it reuses as httpcore does.

    That is: when an answer has been read to its end, the connection is kept if both sides are `DONE`, and closed
    otherwise; and one that was kept is not used again if there is something to read.
    """

    def __init__(self, port: int, policy: Policy, *, to_the_end: bool = False) -> None:
        self.port = port
        self.policy = policy
        # Whether it receives all that comes, the end included, before it reads the first event.
        self.to_the_end = to_the_end
        self.sock: socket.socket | None = None
        # The last one, which may be closed.
        self.connection: ClientConnection = Connection(CLIENT, policy=policy)

    def ask(self, method: str, target: str) -> Answered:
        if self.sock is not None and is_readable(self.sock):
            self.close()
        if self.sock is None:
            self.sock = socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT)
            self.connection = Connection(CLIENT, policy=self.policy)
        request = Request(method=method, target=target, headers=[("Host", "127.0.0.1")])
        self.sock.sendall(self.connection.send(request) + self.connection.send(END))
        if self.to_the_end:
            while data := self.sock.recv(65536):
                self.connection.receive_data(data)
            self.connection.receive_data(b"")
        answered = self.answer(self.sock)
        if self.connection.states == {CLIENT: DONE, SERVER: DONE}:
            self.connection.start_next_cycle()
        else:
            self.close()
        return answered

    def answer(self, sock: socket.socket) -> Answered:
        response: Response | None = None
        content = b""
        while True:
            event = self.connection.next_event()
            if event is NEED_DATA:
                self.connection.receive_data(sock.recv(65536))
            elif isinstance(event, Response):
                response = event
            elif isinstance(event, Data):
                content += event.data
            else:
                assert event == END
                assert response is not None
                target = response.headers.get("X-Target")
                assert target is not None
                return Answered(response.status_code, target.decode("ascii"), content)

    def close(self) -> None:
        if self.sock is not None:
            self.sock.close()
        self.sock = None


def expected(kind: Kind, target: str) -> Answered:
    return Answered(kind.status, target, kind.content_for(target))


kinds = pytest.mark.parametrize("kind", [*TOO_MUCH, *WELL_BEHAVED], ids=lambda kind: kind.name)
policies = pytest.mark.parametrize("policy", [STRICT, H11], ids=["strict", "h11"])


@kinds
@policies
def test_an_answer_counts_whatever_follows_it(kind: Kind, policy: Policy) -> None:
    with running(Server(kind)) as server, contextlib.closing(Pool(server.port, policy)) as pool:
        for target in TARGETS:
            assert pool.ask(kind.method, target) == expected(kind, target)
            if kind.more and not kind.late:
                # A client that reads on, as one that drains a connection does, gets no second answer and no error.
                assert pool.connection.their_state == MUST_CLOSE
                assert pool.connection.next_event() is PAUSED
                assert pool.connection.trailing_data == (filled(kind.more, target), False)
            server.settle(pool.sock)
    assert server.connections == kind.connections


@kinds
@policies
def test_an_answer_counts_where_the_end_has_come_before_it_is_read(kind: Kind, policy: Policy) -> None:
    closing = kind._replace(late=False, closes=True, reusable=False)
    with running(Server(closing)) as server, contextlib.closing(Pool(server.port, policy, to_the_end=True)) as pool:
        for target in TARGETS:
            assert pool.ask(kind.method, target) == expected(kind, target)
            assert pool.connection.their_state == MUST_CLOSE
            assert pool.connection.next_event() == (PAUSED if kind.more else CLOSED)
            assert pool.connection.trailing_data == (filled(kind.more, target), True)
    assert server.connections == closing.connections


@pytest.mark.parametrize("fields", NO_LENGTHS.values(), ids=NO_LENGTHS)
@policies
def test_a_tunnel_is_granted_whatever_it_says_of_a_length(fields: bytes, policy: Policy) -> None:
    (kind, *_) = WELL_BEHAVED
    with running(Server(kind, granted=fields)) as server, contextlib.closing(Pool(server.port, policy)) as pool:
        pool.sock = socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT)
        proxy = Connection(CLIENT, policy=policy)
        connect = Request(method="CONNECT", target="inner.example:80", headers=[("Host", "inner.example:80")])
        pool.sock.sendall(proxy.send(connect) + proxy.send(END))
        while (event := proxy.next_event()) is NEED_DATA:
            proxy.receive_data(pool.sock.recv(65536))
        assert isinstance(event, Response)
        assert event.status_code == 200
        assert proxy.next_event() is PAUSED
        assert proxy.states == {CLIENT: SWITCHED_PROTOCOL, SERVER: SWITCHED_PROTOCOL}
        assert proxy.trailing_data == (b"", False)
        # Through the tunnel.
        for target in TARGETS:
            assert pool.ask(kind.method, target) == expected(kind, target)
    assert server.tunnels == ["inner.example:80"]
    assert server.connections == kind.connections


@pytest.mark.parametrize("name", NO_LENGTHS)
@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
@policies
def test_an_answer_without_content_counts_whatever_it_says_of_a_length(
    method: str, status: int, name: str, policy: Policy
) -> None:
    # Who says a length wrongly may send content nevertheless. `H11` goes on after both kinds of length.
    reusable = name in {"length", "chunked"} or (name == "length-and-coding" and policy == H11)
    kind = Kind(name, method, response_head(status, NO_LENGTHS[name]), reusable=reusable)
    with running(Server(kind)) as server, contextlib.closing(Pool(server.port, policy)) as pool:
        for target in TARGETS:
            assert pool.ask(method, target) == expected(kind, target)
    assert server.connections == kind.connections


# --- a server built on http11, and a client that sends an empty line too many ----------------------------------------


@pytest.mark.parametrize(
    ("version", "fields"), [("1.0", ""), ("1.1", "Host: a\r\nConnection: close\r\n")], ids=["1.0", "1.1-close"]
)
@policies
def test_an_empty_line_after_the_last_request_is_no_error(version: str, fields: str, policy: Policy) -> None:
    request = f"POST / HTTP/{version}\r\n{fields}Content-Length: 1\r\n\r\na".encode("ascii")
    connection = Connection(SERVER, policy=policy)
    events: list[Event] = []
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname(), timeout=TIMEOUT) as peer,
        listener.accept()[0] as sock,
    ):
        sock.settimeout(TIMEOUT)
        peer.sendall(request)
        while END not in events:
            event = connection.next_event()
            if isinstance(event, type):
                connection.receive_data(sock.recv(65536))
            else:
                events.append(event)
        # The server works on its answer, and reads what comes in the meantime.
        peer.sendall(b"\r\n")
        connection.receive_data(sock.recv(65536))
        assert connection.next_event() in (NEED_DATA, PAUSED)
        sock.sendall(b"".join(connection.send(answer) for answer in plain(b"done")))
        sock.shutdown(socket.SHUT_WR)
        with http.client.HTTPResponse(peer) as response:
            response.begin()
            assert (response.status, response.read()) == (200, b"done")
    assert [type(event) for event in events] == [Request, Data, EndOfMessage]


# --- curl -----------------------------------------------------------------------------------------------------------

CURL = shutil.which("curl")


def curl_features() -> str:
    """Return what this curl can do."""
    if CURL is None:
        return ""
    return subprocess.run([CURL, "--version"], capture_output=True, text=True, timeout=TIMEOUT, check=True).stdout


needs_curl = pytest.mark.skipif(CURL is None, reason="curl is not installed")
needs_http2 = pytest.mark.skipif(" HTTP2" not in curl_features(), reason="this curl cannot speak HTTP/2")


class Curled(NamedTuple):
    code: int
    out: bytes
    complaint: str


class Listening(Protocol):
    """What curl can ask."""

    @property
    def port(self) -> int: ...


def curl(server: Listening, *arguments: str, targets: Iterable[str] = ("/",), stdin: bytes = b"") -> Curled:
    """Run curl; its output is the body, and with ``-i`` the heads as well."""
    assert CURL is not None
    urls = [f"http://127.0.0.1:{server.port}{target}" for target in targets]
    # Neither its own configuration nor a proxy out of the environment.
    command = [CURL, "-q", "--silent", "--show-error", "--noproxy", "127.0.0.1", "--max-time", "8", *arguments, *urls]
    finished = subprocess.run(command, input=stdin, capture_output=True, timeout=TIMEOUT, check=False)
    return Curled(finished.returncode, finished.stdout, finished.stderr.decode())


def fields_of(request: Request) -> dict[bytes, bytes]:
    """Return the fields that curl sent, without those that it always sends."""
    return {name: value for name, value in request.headers if name not in {b"host", b"user-agent", b"accept"}}


@needs_curl
def test_curl_gets() -> None:
    with http11_server(echo) as server:
        done = curl(server, "-i", targets=["/path?query"])
    assert done == (0, b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\nGET /path?query ", "")
    (request,) = server.requests
    assert server.events == [request, END, CLOSED]
    assert (request.method, request.target, request.http_version) == (b"GET", b"/path?query", b"1.1")
    assert request.headers.get("Host") == f"127.0.0.1:{server.port}".encode()


@needs_curl
def test_curl_posts_a_known_length() -> None:
    with http11_server(echo) as server:
        done = curl(server, "--data", "hello")
    assert done == (0, b"POST / hello", "")
    assert server.events[1:] == [Data(b"hello"), END, CLOSED]
    assert fields_of(server.requests[0]) == {
        b"content-length": b"5",
        b"content-type": b"application/x-www-form-urlencoded",
    }


@needs_curl
@pytest.mark.parametrize("size", [0, 1, 300_000])
def test_curl_uploads_chunks(size: int) -> None:
    body = b"x" * size
    with http11_server(echo) as server:
        done = curl(server, "-H", "Transfer-Encoding: chunked", "-T", "-", stdin=body)
    assert done == (0, b"PUT / " + body, "")
    assert server.events[1:] == [*([Data(body)] if size else []), END, CLOSED]
    assert fields_of(server.requests[0])[b"transfer-encoding"] == b"chunked"


@needs_curl
def test_curl_is_told_to_go_on() -> None:
    with http11_server(echo) as server:
        # Without the 100 it would wait for longer than it may.
        done = curl(server, "-i", "-H", "Expect: 100-continue", "--expect100-timeout", "60", "--data", "hello")
    heads = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"
    assert done == (0, heads + b"POST / hello", "")
    assert fields_of(server.requests[0])[b"expect"] == b"100-continue"
    assert server.invited.is_set()
    assert server.events[1:] == [Data(b"hello"), END, CLOSED]


@needs_curl
@pytest.mark.parametrize(
    ("answers", "head"),
    [
        (echo, b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"),
        (UNTIL_CLOSE, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (
            answering(ok(("Content-Length", "9"), status=304), END),
            b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        ),
        (answering(ok(status=204), END), b"HTTP/1.1 204 No Content\r\n\r\n"),
    ],
    ids=["length", "chunked", "304", "204"],
)
def test_curl_asks_for_heads(answers: Respond, head: bytes) -> None:
    def respond(request: Request, body: bytes) -> Answers:
        # The same answer as to a GET, but for its body.
        return [answer for answer in answers(request, body) if not isinstance(answer, Data)]

    with http11_server(respond) as server:
        done = curl(server, "-I", targets=["/", "/"])
    assert done == (0, head * 2, "")
    assert [request.method for request in server.requests] == [b"HEAD"] * 2
    assert server.events == [server.requests[0], END, server.requests[1], END, CLOSED]


@needs_curl
@pytest.mark.parametrize("respond", [echo, STREAMED], ids=["length", "chunked"])
def test_curl_keeps_the_connection(respond: Respond) -> None:
    targets = ["/1", "/2", "/3"]
    with http11_server(respond) as server:
        done = curl(server, "-w", "|%{http_code} %{num_connects}|", targets=targets)
    one, two, three = [b"one, two"] * 3 if respond is STREAMED else [b"GET /1 ", b"GET /2 ", b"GET /3 "]
    assert done == (0, one + b"|200 1|" + two + b"|200 0|" + three + b"|200 0|", "")
    assert len(server.connections) == 1
    assert [request.target for request in server.requests] == [b"/1", b"/2", b"/3"]
    assert server.events[-1] == CLOSED


@needs_curl
def test_curl_opens_another_connection_when_told_to_close() -> None:
    with http11_server(answering(*plain(b"!", ("Connection", "close")))) as server:
        done = curl(server, "-w", "%{num_connects}", targets=["/1", "/2"])
    assert done == (0, b"!1!1", "")
    assert [merged(events)[1:] for events in server.connections] == [[END, CLOSED]] * 2


@needs_curl
def test_curl_as_http10_reads_until_close() -> None:
    with http11_server(UNTIL_CLOSE) as server:
        done = curl(server, "-i", "--http1.0", targets=["/1", "/2"])
    assert done == (0, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\none, two" * 2, "")
    assert [request.http_version for request in server.requests] == [b"1.0"] * 2
    assert [merged(events)[1:] for events in server.connections] == [[END, CLOSED]] * 2


@needs_curl
def test_curl_sees_trailers() -> None:
    with http11_server(STREAMED) as server:
        done = curl(server, "-D", "-", "-o", "-", targets=["/", "/"])
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert done == (0, (head + b"one, twoX-Sum: 7\r\n") * 2, "")
    assert server.events == [server.requests[0], END, server.requests[1], END, CLOSED]


@needs_curl
def test_curl_passes_over_early_hints() -> None:
    hints = InformationalResponse(status_code=103, headers=[("Link", "</a.css>")], reason="Early Hints")
    processing = InformationalResponse(status_code=102, headers=[], reason="Processing")
    with http11_server(answering(hints, processing, hints, *plain(b"!"))) as server:
        done = curl(server, "-w", "|%{http_code}")
    assert done == (0, b"!|200", "")
    assert server.events[1:] == [END, CLOSED]


@needs_curl
@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (["-H", "Host:"], "missing-host", 400),
        (["-H", "Host: a b"], "bad-host", 400),
        (["--request-target", "nothing"], "bad-target-form", 400),
        (["-H", "Transfer-Encoding: gzip", "--data", "x"], "bad-transfer-encoding", 400),
        (["-H", "Content-Length: 5x", "--data", "x"], "bad-content-length", 400),
        (["-H", "X: " + "x" * 20_000], "head-too-large", 431),
        (["-X", "GE(T"], "bad-method", 400),
    ],
)
def test_curl_is_refused(arguments: list[str], code: str, status: int) -> None:
    with http11_server(echo) as server:
        done = curl(server, "-w", "%{http_code}", *arguments)
    assert done == (0, b"%d" % status, "")
    assert [error.code for error in server.errors] == [code]
    assert server.connections == [[]]


@needs_curl
@pytest.mark.parametrize("fields", [[("Content-Length", "10")], []], ids=["length", "chunked"])
def test_curl_notices_a_body_that_is_cut_short(fields: list[tuple[str, str]]) -> None:
    with http11_server(answering(ok(*fields), Data(b"12345"))) as server:
        done = curl(server)
    assert (done.code, done.out) == (18, b"12345")
    assert server.events[1:] == [END, CLOSED]


@needs_curl
def test_curl_names_the_whole_target_to_a_proxy() -> None:
    with http11_server(echo) as server:
        done = curl(
            server, "-x", f"http://127.0.0.1:{server.port}", "--noproxy", "", "http://inner.example/path", targets=[]
        )
    assert done == (0, b"GET http://inner.example/path ", "")
    (request,) = server.requests
    assert request.target == b"http://inner.example/path"
    assert fields_of(request) == {b"proxy-connection": b"Keep-Alive"}


@needs_curl
def test_curl_goes_through_a_tunnel() -> None:
    def respond(request: Request, body: bytes) -> Answers:
        return [ok()] if request.method == b"CONNECT" else echo(request, body)

    with http11_server(respond) as server:
        proxy = ["-p", "-x", f"http://127.0.0.1:{server.port}", "--noproxy", ""]
        done = curl(server, *proxy, "http://inner.example/1", "http://inner.example/2", targets=[])
    assert done == (0, b"GET /1 GET /2 ", "")
    assert len(server.connections) == 1
    assert [(request.method, request.target) for request in server.requests] == [
        (b"CONNECT", b"inner.example:80"),
        (b"GET", b"/1"),
        (b"GET", b"/2"),
    ]


@needs_curl
def test_curl_is_refused_a_tunnel() -> None:
    with http11_server(answering(*plain(b"", status=403))) as server:
        proxy = ["-p", "-x", f"http://127.0.0.1:{server.port}", "--noproxy", ""]
        done = curl(server, *proxy, "-w", "%{http_connect}", "http://inner.example/", targets=[])
    assert (done.code, done.out) == (56, b"403")
    assert [type(event) for event in server.events] == [Request, EndOfMessage, ConnectionClosed]


@needs_curl
@needs_http2
def test_curl_proposes_an_upgrade_that_is_passed_over() -> None:
    with http11_server(echo) as server:
        done = curl(server, "--http2", "-w", "|%{http_version}|", targets=["/1", "/2"])
    assert done == (0, b"GET /1 |1.1|GET /2 |1.1|", "")
    assert [request.headers.get("Upgrade") for request in server.requests] == [b"h2c"] * 2
    assert len(server.connections) == 1


@needs_curl
@needs_http2
def test_curl_begins_with_http2() -> None:
    with http11_server(echo) as server:
        done = curl(server, "--http2-prior-knowledge")
    assert done.code != 0
    assert server.events == [Request(method="PRI", target="*", headers=[], http_version="2.0"), END]
    # Behind the request line and the empty line, the preface goes on: a server that speaks HTTP/2 takes over here.
    assert server.left[0].startswith(b"SM\r\n\r\n")
