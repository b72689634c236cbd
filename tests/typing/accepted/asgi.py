"""An ASGI server's inner loop: one connection, and for each request an app that is told and tells by messages.

The app's world is dicts, the engine's is events; here each is turned into the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Literal, NotRequired, Protocol, TypeAlias, TypedDict, assert_never, assert_type

from http11 import (
    DONE,
    ERROR,
    IDLE,
    MUST_CLOSE,
    PAUSED,
    SEND_BODY,
    SEND_RESPONSE,
    SERVER,
    ClientEvent,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    InformationalResponse,
    RemoteProtocolError,
    Request,
    Response,
    ServerConnection,
    State,
)

RECEIVE_SIZE: Final = 64 * 1024


class Scope(TypedDict):
    type: Literal["http"]
    http_version: str
    method: str
    path: str
    raw_path: bytes
    query_string: bytes
    headers: Iterable[tuple[bytes, bytes]]


class RequestMessage(TypedDict):
    type: Literal["http.request"]
    body: bytes
    more_body: bool


class DisconnectMessage(TypedDict):
    type: Literal["http.disconnect"]


class ResponseStartMessage(TypedDict):
    type: Literal["http.response.start"]
    status: int
    headers: NotRequired[Iterable[tuple[bytes, bytes]]]


class ResponseBodyMessage(TypedDict):
    type: Literal["http.response.body"]
    body: NotRequired[bytes]
    more_body: NotRequired[bool]


ReceiveMessage: TypeAlias = RequestMessage | DisconnectMessage
SendMessage: TypeAlias = ResponseStartMessage | ResponseBodyMessage
Receive: TypeAlias = Callable[[], Awaitable[ReceiveMessage]]
Send: TypeAlias = Callable[[SendMessage], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


class Writer(Protocol):
    """What is needed of an `asyncio.StreamWriter`."""

    def write(self, data: bytes, /) -> None: ...
    async def drain(self) -> None: ...
    def close(self) -> None: ...


class Session:
    """One client."""

    def __init__(self, reader: asyncio.StreamReader, writer: Writer, app: App) -> None:
        self._reader = reader
        self._writer = writer
        self._app = app
        self._conn: ServerConnection = Connection(SERVER)
        self._is_head = False

    async def run(self) -> None:
        try:
            while await self._serve_request():
                self._conn.start_next_cycle()
        except RemoteProtocolError as error:
            await self._fail(error.error_status_hint)
        finally:
            self._writer.close()

    async def _serve_request(self) -> bool:
        event = await self._next_event()
        if not isinstance(event, Request):
            return False
        self._is_head = event.method == b"HEAD"
        await self._app(scope_of(event), self._receive, self._send)
        while self._conn.their_state == SEND_BODY:
            # The app did not want it; the next request begins behind it.
            await self._next_event()
        return may_cycle(self._conn)

    async def _next_event(self) -> ClientEvent | None:
        """Return the next event, and wait for it where necessary; `None` when the next request is what comes."""
        while True:
            event = self._conn.next_event()
            if not isinstance(event, type):
                return event
            if event is PAUSED:
                return None
            self._conn.receive_data(await self._reader.read(RECEIVE_SIZE))

    async def _receive(self) -> ReceiveMessage:
        if self._conn.our_state not in {SEND_RESPONSE, SEND_BODY}:
            return {"type": "http.disconnect"}
        if self._conn.they_are_waiting_for_100_continue:
            await self._write(self._conn.send(InformationalResponse(status_code=100, headers=())))
        event = await self._next_event()
        match event:
            case Data():
                return {"type": "http.request", "body": event.data, "more_body": True}
            case EndOfMessage():
                return {"type": "http.request", "body": b"", "more_body": False}
            case ConnectionClosed() | None:
                return {"type": "http.disconnect"}
            case Request():
                raise RuntimeError("expected no request before this one is answered")
            case _:
                assert_never(event)

    async def _send(self, message: SendMessage) -> None:
        if message["type"] == "http.response.start":
            response = Response(status_code=message["status"], headers=message.get("headers", ()))
            await self._write(self._conn.send(response))
        else:
            body = message.get("body", b"")
            written = b"" if self._is_head else self._conn.send(Data(body))
            if not message.get("more_body", False):
                written += self._conn.send(EndOfMessage())
            await self._write(written)

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        try:
            await self._writer.drain()
        except ConnectionError:
            self._conn.send_failed()

    async def _fail(self, status_code: int) -> None:
        # A response that has begun is left without its end.
        if self._conn.our_state in (IDLE, SEND_RESPONSE):
            fields = [(b"Content-Length", b"0"), (b"Connection", b"close")]
            response = self._conn.send(Response(status_code=status_code, headers=fields))
            await self._write(response + self._conn.send(EndOfMessage()))


def scope_of(request: Request) -> Scope:
    raw_path, _, query_string = request.target.partition(b"?")
    return {
        "type": "http",
        "http_version": request.http_version.decode("ascii"),
        "method": request.method.decode("ascii"),
        "path": raw_path.decode("ascii"),
        "raw_path": raw_path,
        "query_string": query_string,
        "headers": request.headers,
    }


def may_cycle(conn: ServerConnection) -> bool:
    """Tell whether another request may come; every way to ask for a state is right."""
    ours, theirs = conn.our_state, conn.their_state
    assert_type(ours, State)
    if ours == DONE:
        assert_type(ours, Literal["DONE"])
        return theirs is DONE
    if ours in (MUST_CLOSE, ERROR):
        return False
    if ours != SEND_BODY:
        raise RuntimeError(f"expected an app that answers, got one that left in {ours}")
    assert_type(ours, Literal["SEND_BODY"])
    raise RuntimeError("expected an app that answers in full, got one that left off in the body")


class MemoryWriter:
    """What a client would see."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.is_closed = False

    def write(self, data: bytes, /) -> None:
        self.written += data

    async def drain(self) -> None:
        if self.is_closed:
            raise ConnectionResetError

    def close(self) -> None:
        self.is_closed = True


async def reversing_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the request's body, back to front."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        if not message["more_body"]:
            break
    size = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", size)]})
    for index in range(len(body), 0, -1):
        await send({"type": "http.response.body", "body": body[index - 1 : index], "more_body": True})
    await send({"type": "http.response.body"})
    assert scope["path"] == "/reverse"
    assert await receive() == {"type": "http.disconnect"}


async def answers_to(*pieces: bytes) -> bytes:
    """Return all that the server writes to a client that sends this and then closes its half."""
    reader, writer = asyncio.StreamReader(), MemoryWriter()
    session = asyncio.create_task(Session(reader, writer, reversing_app).run())
    for piece in pieces:
        reader.feed_data(piece)
        await asyncio.sleep(0)
    reader.feed_eof()
    await session
    assert writer.is_closed
    return bytes(writer.written)


def main() -> None:
    head = b"POST /reverse?x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
    two = asyncio.run(
        answers_to(head + b"\r\nab", b"c" + head, b"Expect: 100-continue\r\nConnection: close\r\n\r\n", b"xyz")
    )
    assert two == (
        b"HTTP/1.1 200 \r\ncontent-length: 3\r\n\r\ncba"
        b"HTTP/1.1 100 \r\n\r\n"
        b"HTTP/1.1 200 \r\ncontent-length: 3\r\nConnection: close\r\n\r\nzyx"
    )
    refused = asyncio.run(answers_to(b"GET /reverse HTTP/1.1\r\n\r\n"))
    assert refused == b"HTTP/1.1 400 \r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    assert asyncio.run(answers_to(head + b"\r\nab")).startswith(b"HTTP/1.1 400 ")
    assert asyncio.run(answers_to()) == b""
