"""An HTTP/1.1 server on asyncio.

It greets whoever asks, and echoes what is posted. What it shows is how a server treats its connection: requests one
after the other (keep-alive), also those that were sent ahead (pipelining), ``Expect: 100-continue``, HEAD, an answer
to those who break the protocol, a limit on the size of a body, a limit on time, and a close that does not lose the
last response.

Run it, and talk to it::

    python asyncio_server.py --port 8080
    curl -v http://localhost:8080/one http://localhost:8080/two
    curl -v http://localhost:8080/ --data 'Hello!'

With ``--http10-keep-alive`` it also keeps the connections of HTTP/1.0 clients that ask for it, such as ApacheBench's::

    ab -k -n 1000 http://localhost:8080/
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final, assert_never

import attrs

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


class Session:
    """One client's connection, from the first byte to the last."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits, policy: http11.Policy
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.limits = limits
        self.connection: http11.ServerConnection = http11.Connection(SERVER, policy=policy)
        # The request that is being read or answered, and as much of its body as has come.
        self.request: http11.Request | None = None
        self.body = bytearray()

    async def run(self) -> None:
        """Serve the client until one of us is done with the other."""
        try:
            try:
                await self.serve_requests()
            except http11.RemoteProtocolError as error:
                await self.refuse(error.error_status_hint, str(error))
            except Refusal as refusal:
                await self.refuse(refusal.status_code, str(refusal))
            except TimeoutError:
                # Whoever has sent nothing of a request is idle, and not late.
                if self.connection.their_state != IDLE or self.connection.trailing_data[0]:
                    await self.refuse(408, "the request took too long")
            await self.linger()
        except OSError:
            # The client has gone, or does not read what we write (`TimeoutError`): there is nobody left to tell.
            self.writer.transport.abort()
        except Exception:
            # A mistake of ours costs this connection, and not the server.
            LOGGER.exception("a session has failed")
        finally:
            await self.close()

    async def serve_requests(self) -> None:
        """Read and answer requests, until the connection cannot be used any more."""
        now = asyncio.get_running_loop().time
        async with asyncio.timeout(self.limits.request_time) as deadline:
            while True:
                event = self.connection.next_event()
                # A signal is a class and an event is an instance: in every type checker this parts the two.
                if isinstance(event, type):
                    if event is PAUSED:
                        # Both sides are done with the last request, and there are bytes of the next one already.
                        self.connection.start_next_cycle()
                        self.request = None
                        deadline.reschedule(now() + self.limits.request_time)
                    else:
                        self.connection.receive_data(await self.reader.read(RECEIVE_SIZE))
                    continue
                match event:
                    case http11.Request():
                        await self.begin(event)
                    case http11.Data():
                        self.collect(event.data)
                    case http11.EndOfMessage():
                        await self.answer()
                        deadline.reschedule(now() + self.limits.request_time)
                        if self.connection.our_state != DONE:
                            return
                    case http11.ConnectionClosed():
                        return
                    case _:
                        assert_never(event)

    async def begin(self, request: http11.Request) -> None:
        """Look at a request's head, and decide whether we want its body."""
        self.request = request
        self.body.clear()
        if int(request.headers.get("Content-Length") or 0) > self.limits.body_size:
            raise Refusal(413, "the body is too large")
        if request.method in {b"CONNECT", b"TRACE"}:
            # We close after each refusal. After that of a CONNECT we have to, and must not read what follows as a
            # request: it may be what a client wrote into the tunnel too early (RFC 9931 8).
            raise Refusal(501, "the method is not known here")
        if self.connection.they_are_waiting_for_100_continue:
            await self.write(self.connection.send(http11.InformationalResponse(status_code=100, headers=[])))

    def collect(self, data: bytes) -> None:
        """Keep a piece of the body."""
        self.body += data
        if len(self.body) > self.limits.body_size:
            raise Refusal(413, "the body is too large")

    async def answer(self) -> None:
        """Answer the request, of which everything is here now."""
        if self.request is None:
            raise RuntimeError("expected a request before its end")
        if self.request.method in {b"GET", b"HEAD"}:
            await self.respond(200, b"Hello! You asked for " + self.request.target + b"\n")
        elif self.request.method == b"POST":
            await self.respond(200, bytes(self.body))
        else:
            await self.respond(405, b"GET, HEAD or POST, please\n", ("Allow", "GET, HEAD, POST"))

    async def refuse(self, status_code: int, reason: str) -> None:
        """Answer a request that we cannot or will not serve, if it is not too late for an answer."""
        if self.connection.our_state in {IDLE, SEND_RESPONSE}:
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
        await self.write(message + self.connection.send(http11.EndOfMessage()))

    async def write(self, data: bytes) -> None:
        """Write, no faster than the client reads."""
        self.writer.write(data)
        async with asyncio.timeout(self.limits.request_time):
            await self.writer.drain()

    async def close(self) -> None:
        """Close, also where the client leaves bytes of ours unread."""
        self.writer.close()
        try:
            async with asyncio.timeout(self.limits.linger_time):
                await self.writer.wait_closed()
        except OSError:
            self.writer.transport.abort()

    async def linger(self) -> None:
        """Close our half, and give the client time to read our last response and to close its own (RFC 9112 9.6).

        If we closed at once while something of the client's is unread, its system would throw our response away.
        """
        if self.reader.at_eof():
            return
        self.writer.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limits.linger_time):
                while await self.reader.read(RECEIVE_SIZE):
                    pass


async def serve(host: str, port: int, limits: Limits, policy: http11.Policy) -> None:
    """Listen, say where, and serve until this task is cancelled."""
    sessions = asyncio.TaskGroup()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sessions.create_task(Session(reader, writer, limits, policy).run())

    server = await asyncio.start_server(accept, host, port, start_serving=False)
    # In this order: at the end the sessions are cancelled, and then the server waits until their sockets are closed.
    async with server, sessions:
        await server.start_serving()
        for sock in server.sockets:
            print(f"listening on port {sock.getsockname()[1]}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Greet and echo over HTTP/1.1.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0 for any that is free")
    parser.add_argument("--timeout", type=float, default=Limits.request_time, help="for each request, in seconds")
    parser.add_argument("--max-body-size", type=int, default=Limits.body_size, help="in bytes")
    parser.add_argument("--http10-keep-alive", action="store_true", help="for those who ask for it")
    arguments = parser.parse_args()
    host: str = arguments.host
    port: int = arguments.port
    timeout: float = arguments.timeout
    max_body_size: int = arguments.max_body_size
    http10_keep_alive: bool = arguments.http10_keep_alive

    limits = Limits(request_time=timeout, body_size=max_body_size)
    policy = attrs.evolve(http11.STRICT, keep_alive_in_http10=http10_keep_alive)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(host, port, limits, policy))


if __name__ == "__main__":
    main()
