"""The examples of the manual run for real, over loopback, against programs that we did not write."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import importlib.util
import re
import select
import signal
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import ClassVar, NamedTuple

import pytest

import http11

pytestmark = pytest.mark.no_cover

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
TIMEOUT = 10.0

# A request that nobody may see.
SMUGGLED = b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"


# --- helpers --------------------------------------------------------------------------------------------------------


def load(name: str) -> ModuleType:
    """Import an example by its path: it is a script, and in no package."""
    spec = importlib.util.spec_from_file_location(f"examples_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks itself up there.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def running(name: str, *arguments: str) -> Iterator[int]:
    """Run a server example as a user would, yield its port, and stop it with Ctrl-C; it must not complain."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py"), "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready, _, _ = select.select([process.stdout], [], [], TIMEOUT)
            line = process.stdout.readline() if ready else ""
            assert line.startswith("listening on port "), line
            yield int(line.split()[-1])
        finally:
            process.send_signal(signal.SIGINT)
            try:
                _, complaints = process.communicate(timeout=TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert (complaints, process.returncode) == ("", 0)


@contextlib.contextmanager
def connected(port: int) -> Iterator[http.client.HTTPConnection]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)) as connection:
        yield connection


class Answer(NamedTuple):
    status: int
    fields: dict[str, str]
    body: bytes


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    body: bytes | Iterable[bytes] | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    connection.request(method, target, body=body, headers=headers or {})
    response = connection.getresponse()
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


def receive_all(sock: socket.socket) -> bytes:
    pieces = []
    while piece := sock.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def receive_exactly(sock: socket.socket, size: int) -> bytes:
    with sock.makefile("rb", buffering=0) as file:
        received = b""
        while piece := file.read(size - len(received)):
            received += piece
    return received


def receive_until(sock: socket.socket, end: bytes) -> bytes:
    received = b""
    while not received.endswith(end):
        piece = sock.recv(1)
        assert piece, received
        received += piece
    return received


def talk(port: int, data: bytes, *, half_close: bool = False) -> bytes:
    """Send raw bytes, and return all that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as sock:
        sock.sendall(data)
        if half_close:
            sock.shutdown(socket.SHUT_WR)
        return receive_all(sock)


def split_answers(raw: bytes, *methods: str) -> list[Answer]:
    """Take apart what came back for requests of these methods; each has a Content-Length."""
    answers = []
    for method in methods:
        head, _, raw = raw.partition(b"\r\n\r\n")
        status_line, *lines = head.decode().split("\r\n")
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        size = 0 if method == "HEAD" else int(fields["content-length"])
        answers.append(Answer(int(status_line.split()[1]), fields, raw[:size]))
        raw = raw[size:]
    assert raw == b""
    return answers


def refusal(port: int, data: bytes, *, half_close: bool = False) -> int:
    """Send raw bytes that must be refused by one answer and a close; return its status."""
    (answer,) = split_answers(talk(port, data, half_close=half_close), "GET")
    assert answer.fields["connection"] == "close"
    assert is_dated(answer)
    assert answer.body != b""
    return answer.status


def is_dated(answer: Answer) -> bool:
    """Return whether an answer says when it was made, as RFC 9110 5.6.7 has it."""
    value = answer.fields["date"]
    assert re.fullmatch(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT", value)
    return abs(datetime.now(UTC) - parsedate_to_datetime(value)) < timedelta(hours=1)


def refused_connect(port: int) -> bytes:
    """Have a CONNECT refused, and only then send what somebody may have been meant to get through the tunnel.

    Returns all that comes after the refusal, up to the end of the connection.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as sock:
        sock.sendall(b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n")
        head = receive_until(sock, b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 501 ")
        fields = head.lower().split(b"\r\n")
        assert b"connection: close" in fields
        (size,) = [int(field[16:]) for field in fields if field.startswith(b"content-length: ")]
        assert len(receive_exactly(sock, size)) == size
        sock.sendall(SMUGGLED)
        sock.shutdown(socket.SHUT_WR)
        return receive_all(sock)


# --- both servers ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["asyncio_server", "trio_server"])
def server_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(server_name: str) -> Iterator[int]:
    with running(server_name, "--max-body-size", "1000000") as port:
        yield port


@pytest.fixture(scope="module")
def hasty_server(server_name: str) -> Iterator[int]:
    with running(server_name, "--timeout", "0.2", "--max-body-size", "100") as port:
        yield port


def test_server_greets(server: int) -> None:
    with connected(server) as connection:
        answer = ask(connection, "GET", "/who?me")
    assert answer.status == 200
    assert answer.body == b"Hello! You asked for /who?me\n"
    assert answer.fields["server"] == http11.PRODUCT_ID


@pytest.mark.parametrize("size", [0, 1, 100_000, 1_000_000])
def test_server_echoes_a_body_of_known_length(server: int, size: int) -> None:
    with connected(server) as connection:
        assert ask(connection, "POST", "/", b"x" * size).body == b"x" * size


def test_server_echoes_a_chunked_body(server: int) -> None:
    with connected(server) as connection:
        assert ask(connection, "POST", "/", iter([b"one, ", b"two, ", b"x" * 70_000])).body[:14] == b"one, two, xxxx"


def test_server_answers_head_with_the_fields_of_get(server: int) -> None:
    with connected(server) as connection:
        head = ask(connection, "HEAD", "/same")
        get = ask(connection, "GET", "/same")
    # The clock may go on between the two.
    assert head.fields | {"date": ""} == get.fields | {"date": ""}
    assert head.body == b""


def test_server_says_when_it_answers(server: int) -> None:
    with connected(server) as connection:
        answers = [ask(connection, method, "/", b"") for method in ("GET", "HEAD", "POST", "DELETE")]
    assert [answer.status for answer in answers] == [200, 200, 200, 405]
    assert all(is_dated(answer) for answer in answers)


def test_server_keeps_the_connection(server: int) -> None:
    with connected(server) as connection:
        socks = set()
        for number in range(20):
            assert ask(connection, "GET", f"/{number}").body == b"Hello! You asked for /%d\n" % number
            socks.add(connection.sock)
            assert ask(connection, "POST", "/", b"%d" % number).body == b"%d" % number
    # `http.client` opens a new socket as soon as the old one cannot be used any more.
    assert len(socks) == 1


def test_server_answers_pipelined_requests_in_order(server: int) -> None:
    requests = (
        b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        b"HEAD /3 HTTP/1.1\r\nHost: a\r\n\r\n"
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n"
        b"GET /5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    )
    answers = split_answers(talk(server, requests), "GET", "POST", "HEAD", "POST", "GET")
    assert [answer.body for answer in answers] == [
        b"Hello! You asked for /1\n",
        b"abc",
        b"",
        b"def",
        b"Hello! You asked for /5\n",
    ]
    assert ["connection" in answer.fields for answer in answers] == [False, False, False, False, True]


def test_server_answers_a_client_that_has_closed_its_half(server: int) -> None:
    request = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
    answers = split_answers(talk(server, request % 1 + request % 2, half_close=True), "GET", "GET")
    assert [answer.body[-3:] for answer in answers] == [b"/1\n", b"/2\n"]


def test_server_invites_the_body_that_is_held_back(server: int) -> None:
    with socket.create_connection(("127.0.0.1", server), timeout=TIMEOUT) as sock:
        sock.sendall(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
        )
        assert receive_until(sock, b"\r\n\r\n") == b"HTTP/1.1 100 \r\n\r\n"
        sock.sendall(b"here")
        (answer,) = split_answers(receive_all(sock), "POST")
    assert answer.body == b"here"


def test_server_does_not_invite_a_body_that_is_too_large(server: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000001\r\nExpect: 100-continue\r\n\r\n"
    assert refusal(server, head, half_close=True) == 413


def test_server_stops_at_a_chunked_body_that_is_too_large(server: int) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    # More than the limit, so that much is still unread when the answer comes: it must arrive nevertheless.
    assert refusal(server, head + chunk * 30, half_close=True) == 413


def test_server_says_what_it_allows(server: int) -> None:
    with connected(server) as connection:
        answer = ask(connection, "DELETE", "/")
        assert (answer.status, answer.fields["allow"]) == (405, "GET, HEAD, POST")
        assert ask(connection, "GET", "/").status == 200


def test_server_closes_after_an_http10_request(server: int) -> None:
    (answer,) = split_answers(talk(server, b"GET / HTTP/1.0\r\n\r\n"), "GET")
    assert (answer.status, answer.fields["connection"]) == (200, "close")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no-host"),
        pytest.param(b"hello\r\n\r\n", 400, id="no-http"),
        pytest.param(b"\x16\x03\x01\x02\x00", 400, id="tls"),
        pytest.param(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, id="version"),
        pytest.param(b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501, id="connect"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400, id="coding"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"a" * 20000, 431, id="large-head"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n", 400, id="bad-chunk"
        ),
    ],
)
def test_server_refuses_with_the_hint_of_the_engine(server: int, request_bytes: bytes, status: int) -> None:
    assert refusal(server, request_bytes) == status


def test_server_reads_nothing_after_a_connect_that_it_refuses(server: int) -> None:
    assert refused_connect(server) == b""
    assert refusal(server, b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n" + SMUGGLED) == 501


def test_server_answers_the_good_requests_before_a_bad_one(server: int) -> None:
    data = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n"
    answers = split_answers(talk(server, data), "HEAD", "GET")
    assert [answer.status for answer in answers] == [200, 400]
    assert answers[1].body != b""


def test_server_refuses_a_body_that_is_cut_short(server: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345"
    assert refusal(server, head, half_close=True) == 400


def test_server_does_not_answer_a_late_error_twice(server: int) -> None:
    request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    (answer,) = split_answers(talk(server, request + b"nonsense"), "GET")
    assert answer.status == 200


def test_server_closes_an_idle_connection_without_a_word(hasty_server: int) -> None:
    assert talk(hasty_server, b"") == b""
    (answer,) = split_answers(talk(hasty_server, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "GET")
    assert answer.status == 200


@pytest.mark.parametrize("part", [b"GET / HT", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123"])
def test_server_gives_up_on_half_a_request(hasty_server: int, part: bytes) -> None:
    assert refusal(hasty_server, part) == 408


def test_server_survives_clients_that_vanish(hasty_server: int) -> None:
    for data in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", hasty_server), timeout=TIMEOUT) as sock:
            sock.sendall(data)
            # No time to linger: the system sends a reset.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with connected(hasty_server) as connection:
        assert ask(connection, "GET", "/").status == 200


# --- an origin server of the standard library -----------------------------------------------------------------------


class Seen(NamedTuple):
    method: str
    target: str
    fields: list[tuple[str, str]]
    body: bytes
    trailers: list[bytes]

    def field(self, name: str) -> list[str]:
        return [value for found, value in self.fields if found.lower() == name]


class Origin(BaseHTTPRequestHandler):
    """Answers by path, and remembers every request that was whole."""

    protocol_version = "HTTP/1.1"
    timeout: ClassVar[float | None] = TIMEOUT
    seen: ClassVar[list[Seen]]
    first_piece: ClassVar[threading.Event]
    go_on: ClassVar[threading.Event]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass

    def handle_any(self) -> None:
        if self.path == "/stream":
            self.stream()
            return
        self.trailers: list[bytes] = []
        try:
            self.body = self.read_body()
        except EOFError:
            # Half a request is none.
            self.close_connection = True
            return
        self.seen.append(Seen(self.command, self.path, list(self.headers.items()), self.body, self.trailers))
        routes: dict[str, Callable[[], None]] = {
            "/length": self.length,
            "/chunked": self.chunked,
            "/until-close": self.until_close,
            "/no-content": lambda: self.bare(b"HTTP/1.1 204 No Content"),
            "/not-modified": lambda: self.bare(b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 5'),
            "/early-hints": self.early_hints,
            "/both-lengths": self.both_lengths,
            "/cut-length": lambda: self.last(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"),
            "/cut-chunks": lambda: self.last(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
            "/garbage": lambda: self.last(b"SSH-2.0-OpenSSH_9.2\r\n"),
            "/nothing": lambda: self.last(b""),
            "/two-answers": lambda: self.last(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\n\r\n2"),
            "/paused": self.paused,
        }
        routes.get(self.path.partition("?")[0], self.echo)()

    do_GET = do_HEAD = do_POST = do_PUT = do_OPTIONS = handle_any  # noqa: N815 - the base class's names

    def read_body(self) -> bytes:
        if self.headers["Transfer-Encoding"] == "chunked":
            return b"".join(self.chunks())
        size = int(self.headers["Content-Length"] or 0)
        body = self.rfile.read(size)
        if len(body) < size:
            raise EOFError
        return body

    def chunks(self) -> Iterator[bytes]:
        while size := int(self.line(), 16):
            yield self.rfile.read(size)
            self.first_piece.set()
            if self.line() != b"\r\n":
                raise EOFError
        while (line := self.line()) != b"\r\n":
            self.trailers.append(line)

    def line(self) -> bytes:
        line = self.rfile.readline()
        if not line:
            raise EOFError
        return line

    def length(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.send_header("Connection", "keep-alive, X-Hop")
        self.send_header("X-Hop", "1")
        self.send_header("Keep-Alive", "timeout=5")
        self.send_header("X-End", "2")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"length")

    def chunked(self) -> None:
        self.bare(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum")
        if self.command != "HEAD":
            self.wfile.write(b"4;ext=1\r\nchun\r\n3\r\nked\r\n0\r\nX-Sum: 7\r\n\r\n")

    def until_close(self) -> None:
        self.last(b"HTTP/1.0 200 OK\r\n\r\nuntil close")

    def early_hints(self) -> None:
        self.bare(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: Link2\r\nLink2: x")
        self.bare(b"HTTP/1.1 102 Processing")
        self.length()

    def both_lengths(self) -> None:
        self.last(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n4\r\nboth\r\n0\r\n\r\n")

    def paused(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        self.go_on.wait(TIMEOUT)
        self.wfile.write(b"other")

    def echo(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(self.body)

    def stream(self) -> None:
        """Echo while the body still comes."""
        left = int(self.headers["Content-Length"])
        self.bare(b"HTTP/1.1 200 OK\r\nContent-Length: %d" % left)
        while left > 0:
            piece = self.rfile.read1(min(left, 65536))
            left -= len(piece)
            self.wfile.write(piece)

    def bare(self, head: bytes) -> None:
        self.wfile.write(head + b"\r\n\r\n")

    def last(self, data: bytes) -> None:
        self.wfile.write(data)
        self.close_connection = True


class OriginServer(ThreadingHTTPServer):
    # So that `server_close` waits for every handler.
    daemon_threads = False
    request_queue_size = 16


@pytest.fixture(scope="module")
def origin_server() -> Iterator[int]:
    with serving(OriginServer(("127.0.0.1", 0), Origin)) as port:
        yield port


@pytest.fixture
def origin(origin_server: int) -> int:
    Origin.seen = []
    Origin.first_piece = threading.Event()
    Origin.go_on = threading.Event()
    return origin_server


@contextlib.contextmanager
def serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def scripted(answer: bytes) -> Iterator[int]:
    """Listen for one connection: send `answer` to it without reading anything, and hold it until the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT)
        done = threading.Event()

        def serve() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.sendall(answer)
                done.wait(TIMEOUT)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            done.set()
            thread.join()


@contextlib.contextmanager
def dripping(start: bytes, piece: bytes) -> Iterator[int]:
    """Answer one connection with `start`, and then with one `piece` after another, until it is closed or `TIMEOUT`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT)
        done = threading.Event()

        def serve() -> None:
            sock, _ = listener.accept()
            with sock, contextlib.suppress(ConnectionError):
                sock.sendall(start)
                # Each piece comes long before any limit for one piece would be reached.
                for _ in range(int(TIMEOUT / 0.01)):
                    if done.wait(0.01):
                        return
                    sock.sendall(piece)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            done.set()
            thread.join()


@pytest.fixture
def full_port() -> Iterator[int]:
    """Listen, and have no place left: whoever connects gets no answer."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(100):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
            _, connected, _ = select.select([], [waiting], [], 0.05)
            if not connected:
                break
        else:
            pytest.skip("this system's listeners have a place for everybody")
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port() -> Iterator[int]:
    # Bound and not listening: a connection is refused, and nobody else gets the port.
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.mark.parametrize("name", ["asyncio_server", "trio_server", "proxy"])
def test_server_stops_while_clients_are_there(name: str) -> None:
    with contextlib.ExitStack() as stack:
        arguments = []
        if name == "proxy":
            upstream = stack.enter_context(scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123"))
            arguments.append(f"127.0.0.1:{upstream}")
        with running(name, *arguments) as port:
            # One gets an answer, which will not be whole where the proxy is; one was refused; one is in the middle of
            # its request; one says nothing.
            socks = []
            for data in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"?\r\n\r\n", b"POST / HT", b""):
                sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT))
                sock.sendall(data)
                socks.append(sock)
            assert receive_until(socks[0], b"\r\n").startswith(b"HTTP/1.1 200 ")
            assert receive_until(socks[1], b"\r\n").startswith(b"HTTP/1.1 400 ")
        # Closed or reset, and not left open.
        for sock in socks:
            with contextlib.suppress(ConnectionResetError):
                receive_all(sock)


# What the origin answers in each framing: target, method, status, body.
FRAMINGS = [
    ("/length", "HEAD", 200, b""),
    ("/chunked", "GET", 200, b"chunked"),
    ("/chunked", "HEAD", 200, b""),
    ("/until-close", "GET", 200, b"until close"),
    ("/no-content", "GET", 204, b""),
    ("/not-modified", "GET", 304, b""),
    ("/both-lengths", "GET", 200, b"both"),
]


# --- the client -----------------------------------------------------------------------------------------------------

blocking_client = load("blocking_client")


def fetch(port: int, target: str, **arguments: object) -> tuple[http11.Response, bytes]:
    response, body = blocking_client.fetch("127.0.0.1", port, target, timeout=TIMEOUT, **arguments)
    assert isinstance(response, http11.Response)
    assert isinstance(body, bytes)
    return response, body


@pytest.mark.parametrize(
    ("target", "method", "status", "body"),
    [
        ("/length", "GET", 200, b"length"),
        *FRAMINGS,
        ("/early-hints", "GET", 200, b"length"),
    ],
)
def test_client_reads_each_framing(origin: int, target: str, method: str, status: int, body: bytes) -> None:
    response, received = fetch(origin, target, method=method)
    assert (response.status_code, received) == (status, body)


def test_client_sends_its_request(origin: int) -> None:
    _, echoed = fetch(origin, "/echo?a=b", method="POST", body=b"hello", fields=[("X-Mine", "1")])
    (seen,) = Origin.seen
    assert echoed == b"hello"
    assert (seen.method, seen.target, seen.body) == ("POST", "/echo?a=b", b"hello")
    assert seen.fields == [
        ("Host", f"127.0.0.1:{origin}"),
        ("User-Agent", http11.PRODUCT_ID),
        ("Connection", "close"),
        ("Content-Length", "5"),
        ("X-Mine", "1"),
    ]


def test_client_says_that_a_post_has_no_body(origin: int) -> None:
    fetch(origin, "/", method="POST")
    fetch(origin, "/")
    assert [seen.field("content-length") for seen in Origin.seen] == [["0"], []]


@pytest.mark.parametrize("target", ["/cut-length", "/cut-chunks", "/garbage", "/nothing"])
def test_client_raises_at_a_broken_response(origin: int, target: str) -> None:
    with pytest.raises(http11.RemoteProtocolError):
        fetch(origin, target)


def test_client_sends_nothing_of_a_bad_request(origin: int) -> None:
    with pytest.raises(http11.LocalProtocolError):
        fetch(origin, "/", fields=[("X", "1\r\nY: 2")])
    assert Origin.seen == []


@pytest.mark.parametrize("target", ["/length", "/chunked", "/until-close"])
def test_client_limits_the_body(origin: int, target: str) -> None:
    with pytest.raises(blocking_client.BodyTooLargeError):
        fetch(origin, target, max_body_size=5)


def test_client_does_not_wait_forever() -> None:
    with scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello") as port, pytest.raises(TimeoutError):
        blocking_client.fetch("127.0.0.1", port, "/", timeout=0.1)


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nX: ", b"x", id="head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x", id="length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", id="chunks"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", b"x", id="until-close"),
    ],
)
def test_client_has_a_deadline_for_a_server_that_drips(start: bytes, piece: bytes) -> None:
    with dripping(start, piece) as port, pytest.raises(TimeoutError):
        blocking_client.fetch("127.0.0.1", port, "/", timeout=0.3)


def test_client_has_a_deadline_for_a_server_that_does_not_read() -> None:
    with scripted(b"") as port, pytest.raises(TimeoutError):
        blocking_client.fetch("127.0.0.1", port, "/", method="POST", body=b"x" * 50_000_000, timeout=0.3)


def resolve(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Let every host have these addresses, in this order."""
    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in ports]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: addresses)


def test_client_tries_the_next_address(monkeypatch: pytest.MonkeyPatch, origin: int, closed_port: int) -> None:
    resolve(monkeypatch, closed_port, origin)
    response, body = blocking_client.fetch("two.test", 80, "/length", timeout=TIMEOUT)
    assert (response.status_code, body) == (200, b"length")


def test_client_has_one_deadline_for_all_addresses(
    monkeypatch: pytest.MonkeyPatch, origin: int, full_port: int
) -> None:
    # The second would answer, but the first has taken all of the time.
    resolve(monkeypatch, full_port, origin)
    with pytest.raises(TimeoutError):
        blocking_client.fetch("two.test", 80, "/length", timeout=0.2)


def test_client_does_not_reach_a_closed_port(closed_port: int) -> None:
    with pytest.raises(ConnectionRefusedError):
        fetch(closed_port, "/")


def test_client_reads_the_answer_of_a_server_that_does_not_want_the_body() -> None:
    class Unwilling(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(TIMEOUT)
            self.request.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
            self.request.shutdown(socket.SHUT_RDWR)

    with serving(socketserver.TCPServer(("127.0.0.1", 0), Unwilling)) as port:
        response, body = fetch(port, "/", method="POST", body=b"x" * 50_000_000)
    assert (response.status_code, body) == (413, b"no")


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [("a", 80, "a"), ("a", 8080, "a:8080"), ("::1", 80, "[::1]"), ("::1", 81, "[::1]:81")],
)
def test_client_spells_the_host(host: str, port: int, expected: str) -> None:
    assert blocking_client.authority(host, port) == expected


def run_client(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", str(EXAMPLES / "blocking_client.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)


def test_client_prints_what_it_gets(origin: int) -> None:
    finished = run_client(f"http://127.0.0.1:{origin}/length?x#part")
    assert finished.stderr == ""
    assert finished.stdout.startswith("HTTP/1.1 200 OK\nServer: BaseHTTP")
    assert finished.stdout.endswith(
        "\nContent-Length: 6\nConnection: keep-alive, X-Hop\nX-Hop: 1\nKeep-Alive: timeout=5\nX-End: 2\n\nlength"
    )
    assert finished.returncode == 0
    assert Origin.seen[0].target == "/length?x"


def test_client_posts_from_the_command_line(origin: int) -> None:
    assert run_client(f"http://127.0.0.1:{origin}", "--data", "höher").stdout.endswith("\n\nhöher")


def test_client_says_what_is_wrong(origin: int) -> None:
    finished = run_client(f"http://127.0.0.1:{origin}/cut-length")
    assert finished.returncode == 1
    assert "peer closed" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_client_fetches_http_only() -> None:
    assert run_client("https://example.com/").returncode == 2


# --- the proxy ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def proxy_server(origin_server: int) -> Iterator[int]:
    with running("proxy", f"127.0.0.1:{origin_server}") as port:
        yield port


@pytest.fixture
def proxy(proxy_server: int, origin: int) -> int:
    assert origin
    return proxy_server


def test_proxy_forwards_what_is_for_more_than_one_hop(proxy: int) -> None:
    hop_by_hop = {
        "Connection": "X-Mine, TE, close-not",
        "X-Mine": "1",
        "Keep-Alive": "timeout=5",
        "Proxy-Connection": "keep-alive",
        "TE": "trailers",
        "Trailer": "X-Sum",
        "Upgrade": "h2c",
    }
    with connected(proxy) as connection:
        answer = ask(connection, "GET", "/length?q", headers={"X-End": "3", "Via": "1.0 before", **hop_by_hop})
    (seen,) = Origin.seen
    assert (seen.method, seen.target) == ("GET", "/length?q")
    assert {name for name, _ in seen.fields} == {"Host", "Accept-Encoding", "X-End", "Via", "Connection"}
    assert seen.field("host") == [f"127.0.0.1:{proxy}"]
    assert seen.field("via") == ["1.0 before", "1.1 http11-proxy"]
    assert seen.field("connection") == ["close"]
    assert (answer.status, answer.body) == (200, b"length")
    assert answer.fields.keys() == {"server", "date", "content-length", "x-end", "via"}


@pytest.mark.parametrize(
    ("target", "method", "status", "body"),
    [
        *FRAMINGS,
        ("/two-answers", "GET", 200, b"1"),
    ],
)
def test_proxy_forwards_each_framing(proxy: int, target: str, method: str, status: int, body: bytes) -> None:
    with connected(proxy) as connection:
        answer = ask(connection, method, target)
        assert (answer.status, answer.body) == (status, body)
        sock = connection.sock
        # What the upstream did with its connection is no matter of the client's.
        assert ask(connection, "POST", "/echo", b"again").body == b"again"
        assert connection.sock is sock


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_proxy_forwards_a_body_of_known_length(proxy: int, size: int) -> None:
    with connected(proxy) as connection:
        assert ask(connection, "POST", "/echo", b"x" * size).body == b"x" * size
    assert Origin.seen[0].field("content-length") == [str(size)]
    assert Origin.seen[0].field("transfer-encoding") == []


def test_proxy_forwards_a_chunked_body(proxy: int) -> None:
    with connected(proxy) as connection:
        assert ask(connection, "PUT", "/echo", iter([b"one", b"x" * 200_000])).body == b"one" + b"x" * 200_000
    assert Origin.seen[0].field("content-length") == []
    assert Origin.seen[0].field("transfer-encoding") == ["chunked"]


def test_proxy_forwards_the_trailers_of_a_response_and_not_of_a_request(proxy: int) -> None:
    raw = talk(
        proxy,
        b"PUT /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Real-IP\r\n"
        b"Connection: close\r\n\r\n1;x=y\r\na\r\n0\r\nX-Real-IP: 1.2.3.4\r\nX-Mine: 8\r\n\r\n",
    )
    assert raw.endswith(b"\r\n0\r\nX-Sum: 7\r\n\r\n")
    assert b"ext" not in raw
    (seen,) = Origin.seen
    # The origin's server has read the body to its end, and found nothing there.
    assert (seen.body, seen.trailers) == (b"a", [])
    assert seen.field("transfer-encoding") == ["chunked"]
    assert seen.field("trailer") == seen.field("x-real-ip") == []


@pytest.mark.parametrize(
    ("version", "framing", "body", "expectation"),
    [
        pytest.param(1, b"", b"", [], id="no-body"),
        pytest.param(1, b"Content-Length: 0\r\n", b"", [], id="length-0"),
        pytest.param(1, b"Content-Length: 000\r\n", b"", [], id="length-000"),
        pytest.param(0, b"Content-Length: 1\r\n", b"a", [], id="http10"),
        pytest.param(1, b"Content-Length: 1\r\n", b"a", ["100-Continue"], id="length-1"),
        pytest.param(1, b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", ["100-Continue"], id="chunked"),
    ],
)
def test_proxy_forwards_an_expectation_only_with_a_body(
    proxy: int, version: int, framing: bytes, body: bytes, expectation: list[str]
) -> None:
    head = b"POST /echo HTTP/1.%d\r\nHost: a\r\nExpect: 100-Continue\r\nConnection: close\r\n%b\r\n"
    raw = talk(proxy, head % (version, framing) + body)
    assert raw.count(b"HTTP/1.1 200 OK\r\n") == 1
    # Whoever waits is invited; nobody else is.
    assert raw.count(b"HTTP/1.1 100 Continue\r\n") == len(expectation)
    assert [seen.field("expect") for seen in Origin.seen] == [expectation]


@pytest.mark.parametrize(("target", "dates"), [("/until-close", 1), ("/length", 1)])
def test_proxy_says_when_an_answer_came_that_does_not_say_it(proxy: int, target: str, dates: int) -> None:
    with connected(proxy) as connection:
        connection.request("GET", target)
        response = connection.getresponse()
        response.read()
    assert len(response.headers.get_all("Date", [])) == dates


def test_proxy_reads_nothing_after_a_connect_that_it_refuses(proxy: int) -> None:
    assert refused_connect(proxy) == b""
    # What came afterwards, if anything, is there by now: the proxy has closed.
    assert Origin.seen == []


def test_proxy_does_not_ask_the_upstream_to_switch(proxy: int) -> None:
    upgrade = b"GET /length HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    answers = talk(proxy, upgrade + b"\x81\x05early", half_close=True)
    assert answers.startswith(b"HTTP/1.1 200 OK\r\n")
    # What was written too early is not passed on: it is no request, and the connection ends.
    assert answers.count(b"HTTP/1.1 400 ") == 1
    (seen,) = Origin.seen
    assert seen.field("upgrade") == []
    assert seen.field("connection") == ["close"]


def test_proxy_takes_chunks_and_trailers_from_an_http10_client(proxy: int) -> None:
    head, _, body = talk(proxy, b"GET /chunked HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert b"connection: close" in head.lower()
    assert body == b"chunked"
    (seen,) = Origin.seen
    assert seen.field("via") == ["1.0 http11-proxy"]
    assert len(seen.field("host")) == 1


def test_proxy_forwards_informational_responses(proxy: int) -> None:
    request = b"GET /early-hints HTTP/1.%d\r\nHost: a\r\nConnection: close\r\n\r\n"
    raw = talk(proxy, request % 1)
    hints, processing, head, body = raw.split(b"\r\n\r\n")
    assert hints == b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nVia: 1.1 http11-proxy"
    assert processing.startswith(b"HTTP/1.1 102 Processing\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body == b"length"
    # An HTTP/1.0 client would not know what to do with them.
    assert talk(proxy, request % 0).startswith(b"HTTP/1.1 200 OK\r\n")


def test_proxy_asks_for_the_body_when_the_upstream_does(proxy: int) -> None:
    with socket.create_connection(("127.0.0.1", proxy), timeout=TIMEOUT) as sock:
        sock.sendall(
            b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
        )
        assert receive_until(sock, b"\r\n\r\n").startswith(b"HTTP/1.1 100 Continue\r\n")
        assert Origin.seen == []
        sock.sendall(b"here")
        (answer,) = split_answers(receive_all(sock), "POST")
    assert answer.body == b"here"


def test_proxy_streams_a_response(proxy: int) -> None:
    with connected(proxy) as connection:
        connection.request("GET", "/paused")
        response = connection.getresponse()
        # The upstream sends the rest only after this has come through.
        assert response.read(5) == b"first"
        Origin.go_on.set()
        assert response.read() == b"other"


def test_proxy_streams_a_request(proxy: int) -> None:
    def body() -> Iterator[bytes]:
        yield b"first"
        # The rest is sent only after this has come through.
        assert Origin.first_piece.wait(TIMEOUT)
        yield b"other"

    with connected(proxy) as connection:
        assert ask(connection, "POST", "/echo", body()).body == b"firstother"


def test_proxy_streams_in_both_directions_at_once(proxy: int) -> None:
    # Much more than all buffers on the way can hold: without the one direction, the other could not go on.
    body = bytes(range(256)) * 100_000
    head = b"POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", proxy), timeout=TIMEOUT) as sock:
        sender = threading.Thread(target=sock.sendall, args=(head + body,))
        sender.start()
        received = receive_all(sock)
        sender.join()
    (answer,) = split_answers(received, "POST")
    assert answer.fields["connection"] == "close"
    assert answer.body == body


def test_proxy_answers_pipelined_requests_in_order(proxy: int) -> None:
    request = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n%d"
    answers = split_answers(talk(proxy, request % 1 + request % 2 + request % 3, half_close=True), *["POST"] * 3)
    assert [answer.body for answer in answers] == [b"1", b"2", b"3"]


@pytest.mark.parametrize(
    ("line", "target", "host"),
    [
        (b"GET http://a/length?q HTTP/1.1", "/length?q", "a"),
        (b"GET HTTP://a HTTP/1.1", "/", "a"),
        (b"GET http://a?q HTTP/1.1", "/?q", "a"),
        (b"OPTIONS http://a HTTP/1.1", "*", "a"),
        (b"OPTIONS * HTTP/1.1", "*", "a"),
    ],
)
def test_proxy_rewrites_the_target_for_an_origin_server(proxy: int, line: bytes, target: str, host: str) -> None:
    split_answers(talk(proxy, line + b"\r\nHost: a\r\nConnection: close\r\n\r\n"), "GET")
    assert [(seen.target, seen.field("host")) for seen in Origin.seen] == [(target, [host])]


def test_proxy_takes_the_host_from_the_target_of_an_http10_client(proxy: int, origin: int) -> None:
    talk(proxy, b"GET http://b:81/length HTTP/1.0\r\n\r\n")
    talk(proxy, b"GET /length HTTP/1.0\r\n\r\n")
    assert [seen.field("host") for seen in Origin.seen] == [["b:81"], [f"127.0.0.1:{origin}"]]


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            id="length-and-chunked",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 33\r\n\r\n", 400, id="two-lengths"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400, id="space-before-colon"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400, id="unknown-coding"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            400,
            id="chunked-not-last",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", 400, id="vertical-tab"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, id="folded"
        ),
        pytest.param(
            b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, id="chunked-in-http10"
        ),
        pytest.param(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n", 400, id="signed-length"),
        pytest.param(b"GET / HTTP/1.1\nHost: a\n\n", 400, id="bare-lf"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400, id="bare-cr"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, id="two-hosts"),
        pytest.param(b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="host-mismatch"),
        pytest.param(b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="other-scheme"),
        pytest.param(b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501, id="connect"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\n", 400, id="http2"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\nZ\n0\n\n", 400, id="bare-lf-in-chunks"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab0\r\n\r\n",
            400,
            id="chunk-too-long",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 3\r\n\r\n",
            400,
            id="length-in-trailer",
        ),
    ],
)
def test_proxy_lets_no_smuggled_request_through(proxy: int, request_bytes: bytes, status: int) -> None:
    assert refusal(proxy, request_bytes + SMUGGLED) == status
    # Not the first request, of which two readings exist, and not the one that hides behind it.
    with connected(proxy) as connection:
        assert ask(connection, "POST", "/echo", b"next").body == b"next"
    assert [seen.target for seen in Origin.seen] == ["/echo"]


@pytest.mark.parametrize("named", [b"Content-Length", b"close, content-length, HOST", b"host,transfer-encoding"])
def test_proxy_keeps_the_framing_that_connection_names(proxy: int, named: bytes) -> None:
    request = b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: %b\r\nContent-Length: %d\r\n\r\n%b"
    talk(proxy, request % (named, len(SMUGGLED), SMUGGLED), half_close=True)
    assert [(seen.target, seen.field("host"), seen.body) for seen in Origin.seen] == [("/echo", ["a"], SMUGGLED)]


def test_proxy_keeps_a_request_inside_a_body_there(proxy: int) -> None:
    with connected(proxy) as connection:
        assert ask(connection, "POST", "/echo", iter([SMUGGLED, b"\r\n" + SMUGGLED])).status == 200
    assert [(seen.target, seen.body) for seen in Origin.seen] == [("/echo", SMUGGLED + b"\r\n" + SMUGGLED)]


def test_proxy_does_not_answer_one_request_with_what_came_behind_the_answer_to_another(proxy: int) -> None:
    with connected(proxy) as connection:
        assert ask(connection, "GET", "/two-answers").body == b"1"
        assert ask(connection, "POST", "/echo", b"mine").body == b"mine"


@pytest.mark.parametrize("target", ["/garbage", "/nothing"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_proxy_answers_for_an_upstream_that_fails(proxy: int, target: str, method: str) -> None:
    with connected(proxy) as connection:
        answer = ask(connection, method, target)
    assert (answer.status, answer.fields["connection"]) == (502, "close")


@pytest.mark.parametrize("target", [b"/cut-length", b"/cut-chunks"])
@pytest.mark.parametrize("version", [0, 1])
def test_proxy_does_not_make_a_broken_response_whole(proxy: int, target: bytes, version: int) -> None:
    # Above all not for the HTTP/1.0 client, to whom the end of the connection would be the end of the body.
    with pytest.raises(ConnectionResetError):
        talk(proxy, b"GET %b HTTP/1.%d\r\nHost: a\r\n\r\n" % (target, version))


def test_proxy_answers_for_an_upstream_that_is_not_there(closed_port: int) -> None:
    with running("proxy", f"127.0.0.1:{closed_port}") as port, connected(port) as connection:
        assert ask(connection, "GET", "/").status == 502


def test_proxy_answers_for_an_upstream_that_is_silent() -> None:
    with scripted(b"") as upstream, running("proxy", f"127.0.0.1:{upstream}", "--timeout", "0.2") as port:
        assert refusal(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") == 504
        assert refusal(port, b"GET / HT") == 408
        assert talk(port, b"") == b""


def test_proxy_passes_on_an_answer_that_comes_before_the_body() -> None:
    early = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
    with (
        scripted(early) as upstream,
        running("proxy", f"127.0.0.1:{upstream}") as port,
        socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as sock,
    ):
        sock.sendall(head + b"12345")
        (answer,) = split_answers(receive_until(sock, b"\r\n\r\nno"), "POST")
        # The rest of the body is not wanted any more: instead of it, the client closes.
    assert (answer.status, answer.fields["connection"], answer.body) == (413, "close", b"no")


class Chatty(socketserver.BaseRequestHandler):
    """Answers with much that is informational before what counts, so that the buffers on the way are soon full."""

    hint = b"HTTP/1.1 103 Early Hints\r\nLink: <%b>\r\n\r\n" % (b"x" * 15_000)

    def handle(self) -> None:
        self.request.settimeout(TIMEOUT)
        with contextlib.suppress(OSError):
            self.request.recv(65536)
            for _ in range(60):
                self.request.sendall(self.hint)
            self.request.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


class ChattyServer(socketserver.ThreadingTCPServer):
    # So that `server_close` waits for every handler.
    daemon_threads = False


def test_proxy_lets_a_client_go_that_does_not_read() -> None:
    with (
        serving(ChattyServer(("127.0.0.1", 0), Chatty)) as upstream,
        running("proxy", f"127.0.0.1:{upstream}", "--timeout", "0.2") as port,
        socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as sock,
    ):
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 100)
        # Nothing is read. An end or a reset shows nevertheless.
        ended = select.poll()
        ended.register(sock, 0)
        assert ended.poll(TIMEOUT * 1000)


proxy_program = load("proxy")


def test_proxy_gives_up_each_write_that_blocks() -> None:
    async def client_side() -> None:
        async with blocked_streams() as (reader, writer):
            client = proxy_program.ClientSide(reader, writer, 0.05)
            # No `TimeoutError`, which would be a reason to tell the client.
            with pytest.raises(ConnectionError):
                await client.write(b"x")
            with pytest.raises(ConnectionError):
                await client.refuse(proxy_program.Refusal(502, "no"))

    async def upstream_side() -> None:
        async with blocked_streams() as (reader, writer):
            with pytest.raises(proxy_program.Refusal) as caught:
                await proxy_program.UpstreamSide(reader, writer, 0.05).write(b"x")
            assert caught.value.status_code == 504

    asyncio.run(asyncio.wait_for(client_side(), TIMEOUT))
    asyncio.run(asyncio.wait_for(upstream_side(), TIMEOUT))


@contextlib.asynccontextmanager
async def blocked_streams() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect to a peer that reads nothing, and fill all buffers on the way."""
    ours, theirs = socket.socketpair()
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours)
        try:
            writer.write(b"x" * 20_000_000)
            yield reader, writer
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def test_proxy_says_which_upstream_it_needs() -> None:
    command = [sys.executable, str(EXAMPLES / "proxy.py"), "nowhere"]
    finished = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)
    assert finished.returncode == 2
