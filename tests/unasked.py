"""Servers that send more than a client asked for, each in a way that users of HTTP clients have reported.

It imports the standard library only, so that a client in any environment can run its servers (`tests.consumers`).
"""

from __future__ import annotations

import http
import select
import socket
import socketserver
import ssl
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

TIMEOUT: Final = 10.0

TARGETS: Final = ("/1", "/2", "/3")
"""What a client is to ask for, one after the other. All of the same length: the answers state theirs."""


class Kind(NamedTuple):
    """How a server answers each request; ``@@`` stands for the request's target."""

    name: str
    method: str
    head: bytes
    content: bytes = b""
    framed: bytes = b""
    """The content as it is sent, where that differs."""
    more: bytes = b""
    """What nobody asked for, sent together with the answer."""
    late: bool = False
    """Whether `more` is sent only once the client has read the answer."""
    closes: bool = False
    """Whether the server ends its side right after an answer."""
    reusable: bool = False
    """Whether the next request is to come over the same connection."""

    @property
    def status(self) -> int:
        return int(self.head[9:12])

    @property
    def connections(self) -> list[list[str]]:
        """Return the targets of the requests that each connection is to bring."""
        return [list(TARGETS)] if self.reusable else [[target] for target in TARGETS]

    def content_for(self, target: str) -> bytes:
        return filled(self.content, target)

    def answer(self, target: str) -> bytes:
        return filled(self.head + (self.framed or self.content), target)


def filled(template: bytes, target: str) -> bytes:
    return template.replace(b"@@", target.encode("ascii"))


def response_head(status: int, *fields: bytes) -> bytes:
    line = f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}".encode("ascii")
    return b"\r\n".join([line, b"X-Target: @@", *fields, b"", b""])


CONTENT: Final = b"for @@"
LENGTH: Final = b"Content-Length: 6"
CHUNKED: Final = b"Transfer-Encoding: chunked"
LAST_CHUNK: Final = b"0\r\n\r\n"
CHUNKS: Final = b"6\r\nfor @@\r\n" + LAST_CHUNK

TIMED_OUT: Final = (
    b"HTTP/1.1 408 Request Timeout\r\nX-Target: nobody\r\nConnection: close\r\nContent-Length: 7\r\n\r\ntimeout"
)
INJECTED: Final = b"HTTP/1.1 200 OK\r\nX-Target: nobody\r\nContent-Length: 4\r\n\r\nevil"

TOO_MUCH: Final = (
    Kind("empty-line-after-length", "GET", response_head(200, LENGTH), CONTENT, more=b"\r\n"),
    Kind("head-with-content", "HEAD", response_head(200, LENGTH), more=CONTENT),
    Kind("head-with-last-chunk", "HEAD", response_head(200, CHUNKED), more=LAST_CHUNK),
    Kind("204-with-content", "GET", response_head(204, LENGTH), more=CONTENT),
    Kind("204-with-last-chunk", "GET", response_head(204, CHUNKED), more=LAST_CHUNK),
    Kind("304-with-content", "GET", response_head(304, LENGTH), more=CONTENT),
    Kind("second-last-chunk", "GET", response_head(200, CHUNKED), CONTENT, CHUNKS, more=LAST_CHUNK),
    Kind("408-at-once", "GET", response_head(200, LENGTH), CONTENT, more=TIMED_OUT),
    Kind("408-later", "GET", response_head(200, LENGTH), CONTENT, more=TIMED_OUT, late=True),
    Kind("injected-answer", "GET", response_head(200, LENGTH), CONTENT, more=INJECTED),
    Kind("closed-at-once", "GET", response_head(200, LENGTH), CONTENT, closes=True),
    Kind("more-than-its-length", "GET", response_head(200, LENGTH), CONTENT, more=b" and more"),
)
"""Eleven kinds, the 408 in two ways: the answer counts, what follows is not read, the connection is not reused."""

WELL_BEHAVED: Final = (
    Kind("length", "GET", response_head(200, LENGTH), CONTENT, reusable=True),
    Kind("chunks", "GET", response_head(200, CHUNKED), CONTENT, CHUNKS, reusable=True),
    Kind("head", "HEAD", response_head(200, LENGTH), reusable=True),
    Kind("head-of-chunks", "HEAD", response_head(200, CHUNKED), reusable=True),
    Kind("204", "GET", response_head(204), reusable=True),
    Kind("304", "GET", response_head(304, LENGTH), reusable=True),
)
"""The same answers with nothing after them: the connection is reused."""

NO_LENGTHS: Final = {
    "length": b"Content-Length: 5",
    "bad-length": b"Content-Length: abc",
    "two-lengths": b"Content-Length: 5\r\nContent-Length: 6",
    "identity": b"Transfer-Encoding: identity",
    "unknown-coding": b"Transfer-Encoding: gzip, chunked",
    "chunked": b"Transfer-Encoding: chunked",
    "chunked-twice": b"Transfer-Encoding: chunked, chunked",
    "chunked-in-two-fields": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "length-and-coding": b"Content-Length: 5\r\nTransfer-Encoding: chunked",
}
"""Fields that real proxies send in a 2xx to CONNECT, where a client MUST ignore them (RFC 9110 9.3.6)."""


class Server(socketserver.ThreadingTCPServer):
    """Answers requests without content as `kind` says, as many as come over each connection.

    If `granted` is not None, the server is a proxy as well: it grants each CONNECT with these fields, and what comes
    through the tunnel it answers itself, over TLS if there is a `context`.

    Attributes:
        connections: The targets of the requests that came over each connection.
        tunnels: The targets of the CONNECT requests.
        answer_was_read: Lets the server send the `more` of a late kind.

    """

    # So that `server_close` waits for every connection.
    daemon_threads = False
    request_queue_size = 16

    def __init__(self, kind: Kind, granted: bytes | None = None, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self.port: int = self.socket.getsockname()[1]
        self.kind = kind
        self.granted = granted
        self.context = context
        self.connections: list[list[str]] = []
        self.tunnels: list[str] = []
        self.answer_was_read = threading.Semaphore(0)
        self.failures: list[str] = []

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - overrides
        self.failures.append(traceback.format_exc())

    def finish_request(
        self,
        request: socket.socket | tuple[bytes, socket.socket],
        client_address: object,  # noqa: ARG002 - overrides
    ) -> None:
        assert isinstance(request, socket.socket)
        request.settimeout(TIMEOUT)
        targets: list[str] = []
        self.connections.append(targets)
        # A client that closes without having read everything resets the connection, or cuts its TLS handshake short.
        with suppress(ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            self.serve(request, targets)

    def serve(self, sock: socket.socket, targets: list[str]) -> None:
        for method, target in requests(sock):
            if method == "CONNECT" and self.granted is not None:
                self.tunnels.append(target)
                sock.sendall(b"HTTP/1.1 200 Connection established\r\n" + self.granted + b"\r\n\r\n")
                if self.context is None:
                    self.serve(sock, targets)
                else:
                    with self.context.wrap_socket(sock, server_side=True) as wrapped:
                        self.serve(wrapped, targets)
                return
            targets.append(target)
            if not (self.kind.closes and len(targets) > 1):
                self.answer(sock, target)

    def answer(self, sock: socket.socket, target: str) -> None:
        answer, more = self.kind.answer(target), filled(self.kind.more, target)
        if self.kind.late:
            sock.sendall(answer)
            assert self.answer_was_read.acquire(timeout=TIMEOUT)
            sock.sendall(more)
        else:
            # At once, so that a client gets both in one read.
            sock.sendall(answer + more)
        if self.kind.closes:
            sock.shutdown(socket.SHUT_WR)

    def settle(self, sock: socket.socket | None) -> None:
        """Wait until what comes after an answer has reached the client, which has read the answer from `sock`."""
        if self.kind.late:
            self.answer_was_read.release()
        if self.kind.late or self.kind.closes:
            assert sock is not None
            # A client may have seen it, and closed, before we look.
            assert sock.fileno() == -1 or is_readable(sock, TIMEOUT)


def requests(sock: socket.socket) -> Iterator[tuple[str, str]]:
    """Yield the method and the target of each request that comes, until the client closes."""
    unread = b""
    while True:
        while b"\r\n\r\n" not in unread:
            received = sock.recv(65536)
            if not received:
                return
            unread += received
        request, _, unread = unread.partition(b"\r\n\r\n")
        method, target, _ = request.decode("ascii").split(" ", 2)
        yield method, target


def is_readable(sock: socket.socket, timeout: float = 0.0) -> bool:
    return bool(select.select([sock], [], [], timeout)[0])


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Run `server`; its `connections` are complete when the block has ended."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        # Waits for the threads of all connections.
        server.server_close()
    if server.failures:
        raise AssertionError("\n".join(server.failures))
