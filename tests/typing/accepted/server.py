"""A server: handlers that stream, `Expect: 100-continue`, HEAD, pipelining, and answers to what cannot be read."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias, assert_never

from http11 import (
    IDLE,
    MUST_CLOSE,
    PAUSED,
    PRODUCT_ID,
    SEND_RESPONSE,
    SERVER,
    ClientEvent,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    InformationalResponse,
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
    Request,
    Response,
)

RECEIVE_SIZE: Final = 64 * 1024

Answer: TypeAlias = tuple[int, Sequence[tuple[bytes, bytes]], Iterable[bytes]]
Handler: TypeAlias = Callable[[Request, Iterator[bytes]], Answer]


class Session:
    """One client, from its first byte to the last."""

    def __init__(self, sock: socket.socket, handlers: Mapping[bytes, Handler]) -> None:
        self._sock = sock
        self._handlers = handlers
        self._conn = Connection(SERVER)
        self._is_head = False

    def run(self) -> None:
        """Serve request after request, until one of both sides has had enough."""
        try:
            while self._serve_event():
                pass
        except RemoteProtocolError as error:
            self._refuse(error.error_status_hint, error)
        except LocalProtocolError as error:
            # A handler's mistake, and none of the client's.
            self._refuse(500, error)

    def _serve_event(self) -> bool:
        if self._conn.our_state == MUST_CLOSE:
            return False
        event = self._next_event()
        if event is None:
            # The next request is there already, and waited for the end of this one.
            self._conn.start_next_cycle()
            return True
        match event:
            case Request():
                self._serve(event)
                return True
            case Data() | EndOfMessage():
                # The rest of a body that the handler did not want.
                return True
            case ConnectionClosed():
                return False
            case _:
                assert_never(event)

    def _next_event(self) -> ClientEvent | None:
        """Return the next event, and wait for it where necessary; `None` is the end of this exchange."""
        while True:
            event = self._conn.next_event()
            if not isinstance(event, type):
                return event
            if event is PAUSED:
                return None
            self._conn.receive_data(self._sock.recv(RECEIVE_SIZE))

    def _body(self) -> Iterator[bytes]:
        if self._conn.they_are_waiting_for_100_continue:
            go_on = InformationalResponse(status_code=100, headers=[], reason="Continue")
            self._sock.sendall(self._conn.send(go_on))
        while True:
            match self._next_event():
                case Data(data=data):
                    yield data
                case EndOfMessage():
                    return
                case other:
                    raise RuntimeError(f"expected a body up to its end, got {other}")

    def _serve(self, request: Request) -> None:
        self._is_head = request.method == b"HEAD"
        path, _, _ = request.target.partition(b"?")
        handler = self._handlers.get(path, not_found)
        status_code, fields, body = handler(request, self._body())
        response = Response(status_code=status_code, headers=[("Server", PRODUCT_ID), *fields])
        self._respond(response, body)

    def _respond(self, response: Response, body: Iterable[bytes]) -> None:
        self._sock.sendall(self._conn.send(response))
        for piece in () if self._is_head else body:
            self._sock.sendall(self._conn.send(Data(piece)))
        self._sock.sendall(self._conn.send(EndOfMessage()))

    def _refuse(self, status_code: int, error: ProtocolError) -> None:
        if self._conn.our_state not in {IDLE, SEND_RESPONSE}:
            # A response has begun: all that can be done is not to end it.
            return
        body = f"{error.code}\n".encode()
        fields = [("Content-Type", "text/plain"), ("Content-Length", str(len(body))), ("Connection", "close")]
        self._respond(Response(status_code=status_code, headers=fields), [body])


def not_found(_request: Request, _body: Iterator[bytes]) -> Answer:
    return 404, [(b"Content-Length", b"0")], ()


def echo(request: Request, body: Iterator[bytes]) -> Answer:
    content_type = request.headers.get("Content-Type") or b"application/octet-stream"
    # Read before it answers: behind a final response, a client that waits for 100 (Continue) sends no body any more.
    pieces = list(body)
    return 200, [(b"Content-Type", content_type), (b"Transfer-Encoding", b"chunked")], pieces


def greeting(_request: Request, _body: Iterator[bytes]) -> Answer:
    text = b"Hello!\n"
    return 200, [(b"Content-Length", b"%d" % len(text))], [text]


def careless(request: Request, _body: Iterator[bytes]) -> Answer:
    _, _, query = request.target.partition(b"?")
    return 302, [(b"Location", b"/" + query.replace(b"%0A", b"\n")), (b"Content-Length", b"0")], ()


HANDLERS: Final[Mapping[bytes, Handler]] = {b"/": greeting, b"/echo": echo, b"/redirect": careless}


def answers_to(sent: bytes) -> bytes:
    """Return all that the server writes to a client that sends this and then closes its half."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(sent)
        theirs.shutdown(socket.SHUT_WR)
        Session(ours, HANDLERS).run()
        ours.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: theirs.recv(RECEIVE_SIZE), b""))


def main() -> None:
    server = f"Server: {PRODUCT_ID}\r\n".encode()
    pipelined = answers_to(
        b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
        b"POST /?unread HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        b"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    )
    assert pipelined == (
        b"HTTP/1.1 200 \r\n" + server + b"Content-Length: 7\r\n\r\n"
        b"HTTP/1.1 200 \r\n" + server + b"Content-Length: 7\r\n\r\nHello!\n"
        b"HTTP/1.1 404 \r\n" + server + b"Content-Length: 0\r\nConnection: close\r\n\r\n"
    )
    echoed = answers_to(
        b"PUT /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
        b"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nHello"
    )
    assert echoed == (
        b"HTTP/1.1 100 Continue\r\n\r\n"
        b"HTTP/1.1 200 \r\n" + server + b"Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nHello\r\n0\r\n\r\n"
    )
    refused = answers_to(b"GET / HTTP/1.1\r\nHost : a\r\n\r\n")
    assert refused.startswith(b"HTTP/1.1 400 \r\n")
    assert refused.endswith(b"\r\n\r\nspace-before-colon\n")
    assert answers_to(b"") == b""
    failed = answers_to(b"HEAD /redirect?%0ASet-Cookie: HTTP/1.1\r\nHost: a\r\n\r\n")
    assert failed.startswith(b"HTTP/1.1 500 \r\n")
    assert failed.endswith(b"\r\nConnection: close\r\n\r\n")
    assert b"Set-Cookie" not in failed
