"""An HTTP/1.1 server on trio.

It greets whoever asks, and echoes what is posted. What it shows is structured concurrency around the engine: a request
is one function with one deadline, a connection is one function that calls it again and again, and whatever happens
inside, the socket is closed when that function ends. The close itself is in three steps: send our end, read what the
client still sends, for a bounded time, and only then let go (RFC 9112 9.6).

Run it, and talk to it::

    python trio_server.py --port 8080
    curl -v http://localhost:8080/one http://localhost:8080/two
    curl -v http://localhost:8080/ --data 'Hello!'
"""

from __future__ import annotations

import argparse
import logging
import signal
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from typing import Final, assert_never

import trio

import http11
from http11 import DONE, IDLE, PAUSED, SEND_RESPONSE, SERVER

LOGGER: Final = logging.getLogger(__name__)

RECEIVE_SIZE: Final = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one client may take.

    Attributes:
        body_size: The greatest body of a request, in bytes.
        request_time: How long a request may take from the end of the one before until its answer is out, in seconds.
            It is for the whole, not for each piece: a client that sends a byte now and then gains nothing.
        linger_time: How long we wait, after our last answer, for the client to close, in seconds.

    """

    body_size: int = 1024 * 1024
    request_time: float = 30.0
    linger_time: float = 2.0


class Refusal(Exception):  # noqa: N818 - it is no error of ours
    """A request that we understand, and do not serve."""

    def __init__(self, status_code: int, reason: str) -> None:
        super().__init__(reason)
        self.status_code = status_code


async def serve_client(stream: trio.SocketStream, *, limits: Limits) -> None:
    """Serve one client, from its first byte to the last."""
    session = Session(stream, limits)
    # Whatever happens, also when the server is stopped: at the end of this block the socket is closed.
    async with stream:
        try:
            await session.serve_requests()
            await session.linger()
        except (trio.BrokenResourceError, trio.TooSlowError):
            # The client has gone, or does not read what we write: there is nobody left to tell.
            pass
        except Exception:
            # A mistake of ours costs this connection, and not the server.
            LOGGER.exception("a session has failed")


class Session:
    """What we know of one client."""

    def __init__(self, stream: trio.SocketStream, limits: Limits) -> None:
        self.stream = stream
        self.limits = limits
        self.connection: http11.ServerConnection = http11.Connection(SERVER)
        # The request that is being read or answered.
        self.request: http11.Request | None = None

    async def serve_requests(self) -> None:
        """Serve one request after the other, until the connection cannot be used any more."""
        try:
            while await self.serve_request():
                # What the client has sent ahead (pipelined) is in the engine's buffer, and comes first.
                self.connection.start_next_cycle()
        except http11.RemoteProtocolError as error:
            await self.refuse(error.error_status_hint, str(error))
        except Refusal as refusal:
            await self.refuse(refusal.status_code, str(refusal))
        except trio.TooSlowError:
            # Whoever has sent nothing of a request is idle, and not late.
            if self.connection.their_state != IDLE or self.connection.trailing_data[0]:
                await self.refuse(408, "the request took too long")

    async def serve_request(self) -> bool:
        """Read a request and answer it; return whether another may follow."""
        self.request = None
        with trio.fail_after(self.limits.request_time):
            event = await self.next_event()
            match event:
                case http11.Request():
                    self.request = event
                case http11.ConnectionClosed():
                    return False
                case http11.Data() | http11.EndOfMessage():
                    raise RuntimeError("expected a head before its body")
                case _:
                    assert_never(event)
            body = await self.receive_body(event)
            await self.answer(event, body)
        return self.connection.our_state == DONE

    async def receive_body(self, request: http11.Request) -> bytes:
        """Read the body of a request, if we want it; it is refused before it comes where we know enough."""
        if int(request.headers.get("Content-Length") or 0) > self.limits.body_size:
            raise Refusal(413, "the body is too large")
        if request.method in {b"CONNECT", b"TRACE"}:
            # We close after each refusal. After that of a CONNECT we have to, and must not read what follows as a
            # request: it may be what a client wrote into the tunnel too early (RFC 9931 8).
            raise Refusal(501, "the method is not known here")
        if self.connection.they_are_waiting_for_100_continue:
            go_on = http11.InformationalResponse(status_code=100, headers=[])
            await self.stream.send_all(self.connection.send(go_on))
        body = bytearray()
        while True:
            event = await self.next_event()
            match event:
                case http11.Data():
                    body += event.data
                    if len(body) > self.limits.body_size:
                        raise Refusal(413, "the body is too large")
                case http11.EndOfMessage():
                    return bytes(body)
                case http11.Request() | http11.ConnectionClosed():
                    # A close inside a body is not among the events: the engine raises.
                    raise RuntimeError("expected a body up to its end")
                case _:
                    assert_never(event)

    async def next_event(self) -> http11.ClientEvent:
        """Return the client's next event, and wait for it where necessary."""
        while True:
            event = self.connection.next_event()
            # A signal is a class and an event is an instance: in every type checker this parts the two.
            if not isinstance(event, type):
                return event
            if event is PAUSED:
                # It is so between two messages only, and there we start the next cycle before we ask.
                raise RuntimeError("expected to read within one message only")
            # What is left is NEED_DATA. At the end this receives b"", which is how the engine wants to be told.
            self.connection.receive_data(await self.stream.receive_some(RECEIVE_SIZE))

    async def answer(self, request: http11.Request, body: bytes) -> None:
        """Answer a request, of which everything is here."""
        if request.method in {b"GET", b"HEAD"}:
            await self.respond(200, b"Hello! You asked for " + request.target + b"\n")
        elif request.method == b"POST":
            await self.respond(200, body)
        else:
            await self.respond(405, b"GET, HEAD or POST, please\n", ("Allow", "GET, HEAD, POST"))

    async def refuse(self, status_code: int, reason: str) -> None:
        """Answer a request that we cannot or will not serve, if it is not too late for an answer."""
        if self.connection.our_state in {IDLE, SEND_RESPONSE}:
            with trio.fail_after(self.limits.request_time):
                await self.respond(status_code, f"{reason}\n".encode(), ("Connection", "close"))

    async def respond(self, status_code: int, body: bytes, *fields: tuple[str, str]) -> None:
        """Send a response, without its body to a HEAD."""
        response = http11.Response(
            status_code=status_code,
            headers=[
                # An origin server with a clock must send it, in 4xx responses as well (RFC 9110 6.6.1).
                ("Date", formatdate(usegmt=True)),
                ("Server", http11.PRODUCT_ID),
                ("Content-Type", "text/plain"),
                ("Content-Length", str(len(body))),
                *fields,
            ],
        )
        message = self.connection.send(response)
        if self.request is None or self.request.method != b"HEAD":
            message += self.connection.send(http11.Data(body))
        await self.stream.send_all(message + self.connection.send(http11.EndOfMessage()))

    async def linger(self) -> None:
        """Close our half, and give the client time to read our last response and to close its own (RFC 9112 9.6).

        If we closed at once while something of the client's is unread, its system would throw our response away.
        """
        if self.connection.trailing_data[1]:
            # The client has closed already.
            return
        await self.stream.send_eof()
        with trio.move_on_after(self.limits.linger_time):
            while await self.stream.receive_some(RECEIVE_SIZE):
                pass


async def serve(host: str, port: int, limits: Limits) -> None:
    """Listen, say where, and serve until Ctrl-C."""
    listeners = await trio.open_tcp_listeners(port, host=host)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, partial(serve_client, limits=limits), listeners)
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            for listener in listeners:
                print(f"listening on port {listener.socket.getsockname()[1]}", flush=True)
            async for _ in signals:
                break
        # Every client's function stops where it waits, and closes its socket on the way out.
        nursery.cancel_scope.cancel()


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Greet and echo over HTTP/1.1.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0 for any that is free")
    parser.add_argument("--timeout", type=float, default=Limits.request_time, help="for each request, in seconds")
    parser.add_argument("--max-body-size", type=int, default=Limits.body_size, help="in bytes")
    arguments = parser.parse_args()
    host: str = arguments.host
    port: int = arguments.port
    timeout: float = arguments.timeout
    max_body_size: int = arguments.max_body_size

    trio.run(serve, host, port, Limits(request_time=timeout, body_size=max_body_size))


if __name__ == "__main__":
    main()
