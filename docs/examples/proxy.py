"""A reverse proxy: it takes requests from clients, and forwards them to one upstream server.

Towards the client it is a server, towards the upstream a client, and both sides are http11 connections. That is the
point: nothing is passed on as it came. A request is parsed, strictly, and written anew from what it means, so that the
upstream cannot read another request in it than we did (no request smuggling), and so is the response. What it shows:

- the fields that are for one hop only are left out, and `Via` is added (RFC 9110 7.6);
- a request's trailers are left out, and so is an `Expect` that no body follows;
- there are no tunnels and no other protocols: a CONNECT is refused and the connection closed, an Upgrade left out;
- the body's framing is the engine's: a length stays a length, chunks are cut anew;
- bodies are streamed in both directions at once, at the pace of the slower side, and never collected;
- 1xx responses, and so `Expect: 100-continue`, go through;
- what the client does wrong is answered with the engine's hint, what the upstream does wrong with 502 or 504; and where
  a response has begun already, a broken one never looks complete;
- nothing waits for ever: not for a peer that sends nothing, and not for one that does not read.

Each request gets an upstream connection of its own, so that nothing that the upstream said about one can be taken for
the answer to another. A faster proxy keeps a pool, and throws a connection away for a single byte that came unasked.

Run it in front of a server, and talk to it::

    python -m http.server 8000
    python proxy.py --port 8080 localhost:8000
    curl -v http://localhost:8080/
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import socket
import struct
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final, assert_never

import http11
from http11 import CLIENT, DONE, IDLE, SEND_BODY, SEND_RESPONSE, SERVER

LOGGER: Final = logging.getLogger(__name__)

RECEIVE_SIZE: Final = 64 * 1024

LINGER_TIME: Final = 2.0
"""How long we wait, after our last answer, for the client to close, in seconds."""

PSEUDONYM: Final = b"http11-proxy"
"""How we call ourselves in `Via`."""

HOP_BY_HOP: Final = frozenset(
    [b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"]
)
"""Fields that are for the next hop only, beside those that Connection names (RFC 9110 7.6.1).

Without Upgrade we never ask the upstream to switch. A proxy that does ask it must not pass on anything of the client's
before the 101 (RFC 9931 6): an upstream that stays with HTTP would read it as a request.
"""

NEVER_HOP_BY_HOP: Final = frozenset([b"content-length", b"host"])
"""Fields that Connection may not name: without them the upstream would read another request than we did."""


# --- what is forwarded ----------------------------------------------------------------------------------------------


def end_to_end(headers: http11.Headers) -> list[http11.Field]:
    """Return the fields that are for more than one hop."""
    named = b",".join(headers.get_all("Connection")).lower().split(b",")
    dropped = HOP_BY_HOP | {name.strip(b" \t") for name in named} - NEVER_HOP_BY_HOP
    if headers.get("Transfer-Encoding") is not None:
        # It overrules Content-Length (RFC 9112 6.3), which would come into its own if it stayed behind alone.
        dropped |= {b"content-length"}
    return [field for field in headers.raw_items() if field[0].lower() not in dropped]


def date() -> http11.Field:
    """Say when a response was made."""
    return b"Date", formatdate(usegmt=True).encode()


def via(version: bytes) -> http11.Field:
    """Tell that the message went through us, and in which version it came (RFC 9110 7.6.3)."""
    return b"Via", version + b" " + PSEUDONYM


def request_to_forward(request: http11.Request, upstream: Upstream) -> http11.Request:
    """Return the request for the upstream.

    Raises:
        http11.LocalProtocolError: It is one that may be received, and not sent.

    """
    fields = end_to_end(request.headers)
    if not expectation_counts(request):
        fields = [field for field in fields if field[0].lower() != b"expect"]
    authority, target = origin_form(request)
    if request.headers.get("Host") is None:
        fields.append((b"Host", authority or upstream.authority))
    if request.headers.get("Transfer-Encoding") is not None:
        fields.append((b"Transfer-Encoding", b"chunked"))
    return http11.Request(
        method=request.method,
        target=target,
        headers=[*fields, via(request.http_version), (b"Connection", b"close")],
    )


def expectation_counts(request: http11.Request) -> bool:
    """Return whether the request may say `Expect: 100-continue`.

    A client must not say it if no body follows (RFC 9110 10.1.1), but some do. Passed on, it does harm: there are
    servers that read such a request and the next one as one, or answer 100 twice. In HTTP/1.0 it is to be ignored.
    """
    if request.http_version == b"1.0":
        return False
    if request.headers.get("Transfer-Encoding") is not None:
        return True
    return int(request.headers.get("Content-Length") or 0) > 0


def origin_form(request: http11.Request) -> tuple[bytes, bytes]:
    """Return the authority, if the target names one, and the target for a server that is no proxy (RFC 9112 3.2)."""
    if request.target.startswith((b"/", b"*")):
        return b"", request.target
    scheme, separator, rest = request.target.partition(b"://")
    if not separator or scheme.lower() != b"http":
        raise Refusal(400, "the target is not one of http")
    # The authority ends where the path or the query begins.
    size = min([place for place in (rest.find(b"/"), rest.find(b"?")) if place >= 0], default=len(rest))
    authority, target = rest[:size], rest[size:]
    if target.startswith(b"/"):
        return authority, target
    if not target and request.method == b"OPTIONS":
        return authority, b"*"
    return authority, b"/" + target


def response_to_forward(response: http11.Response, *, close: bool) -> http11.Response:
    """Return the response for the client; the engine adds what its body's framing needs."""
    fields = [*end_to_end(response.headers), via(response.http_version)]
    if response.headers.get("Date") is None:
        # Who forwards a response without it says when it came (RFC 9110 6.6.1).
        fields.append(date())
    if close:
        fields.append((b"Connection", b"close"))
    return http11.Response(status_code=response.status_code, headers=fields, reason=response.reason)


def informational_to_forward(response: http11.InformationalResponse) -> http11.InformationalResponse:
    """Return the interim response for the client."""
    return http11.InformationalResponse(
        status_code=response.status_code,
        headers=[*end_to_end(response.headers), via(response.http_version)],
        reason=response.reason,
    )


# --- the two sides --------------------------------------------------------------------------------------------------


class Refusal(Exception):  # noqa: N818 - it is no error of ours
    """Why a request cannot be served: what to tell the client, unless a response has begun already."""

    def __init__(self, status_code: int, reason: str) -> None:
        super().__init__(reason)
        self.status_code = status_code


@dataclass(frozen=True)
class Upstream:
    """Where the upstream server is."""

    host: str
    port: int

    @property
    def authority(self) -> bytes:
        """What to call it in Host."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return f"{name}:{self.port}".encode()


class UpstreamSide:
    """Our connection to the upstream, for one request: whatever fails here becomes a `Refusal`.

    `write_time` is how long one write may block, in seconds.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, write_time: float) -> None:
        self.reader = reader
        self.writer = writer
        self.write_time = write_time
        self.connection: http11.ClientConnection = http11.Connection(CLIENT)

    @classmethod
    async def connect(cls, upstream: Upstream, write_time: float) -> UpstreamSide:
        """Open a connection."""
        try:
            return cls(*await asyncio.open_connection(upstream.host, upstream.port), write_time)
        except OSError as error:
            raise Refusal(502, "there is no connection to the upstream") from error

    async def next_event(self) -> http11.ServerEvent:
        """Return the upstream's next event, and wait for it where necessary."""
        try:
            while True:
                event = self.connection.next_event()
                if not isinstance(event, type):
                    return event
                # NEED_DATA: it is PAUSED only after the end of the response, where we do not ask.
                self.connection.receive_data(await self.reader.read(RECEIVE_SIZE))
        except (OSError, http11.RemoteProtocolError) as error:
            raise Refusal(502, f"the upstream has failed: {error}") from error

    async def write(self, data: bytes) -> None:
        """Write, no faster than the upstream reads.

        An upstream that does not want the body may answer at once and close. Its answer is read all the same, and what
        is left of the body goes nowhere.
        """
        try:
            async with asyncio.timeout(self.write_time):
                if not self.writer.is_closing():
                    self.writer.write(data)
                    await self.writer.drain()
        except ConnectionError:
            pass
        except TimeoutError as error:
            raise Refusal(504, "the upstream does not read the request") from error

    async def close(self) -> None:
        """Close; what it has not taken by now it does not need."""
        if self.writer.transport.get_write_buffer_size() > 0:
            self.writer.transport.abort()
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


class ClientSide:
    """Our connection to a client: an error of the protocol becomes a `Refusal`, a broken connection an `OSError`.

    `write_time` is how long one write may block, in seconds.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, write_time: float) -> None:
        self.reader = reader
        self.writer = writer
        self.write_time = write_time
        self.connection: http11.ServerConnection = http11.Connection(SERVER)
        # The method of the request that is being answered.
        self.method = b""

    async def next_event(self) -> http11.ClientEvent:
        """Return the client's next event, and wait for it where necessary."""
        try:
            while True:
                event = self.connection.next_event()
                if not isinstance(event, type):
                    return event
                # NEED_DATA: it is PAUSED only after the end of the request, where we do not ask.
                self.connection.receive_data(await self.reader.read(RECEIVE_SIZE))
        except http11.RemoteProtocolError as error:
            raise Refusal(error.error_status_hint, str(error)) from error

    async def write(self, data: bytes) -> None:
        """Write, no faster than the client reads.

        Each write has its limit, that of a refusal too: it may be for a client that has not read what came before, and
        then the buffers are full already.
        """
        self.writer.write(data)
        try:
            async with asyncio.timeout(self.write_time):
                await self.writer.drain()
        except TimeoutError as error:
            # For us it has gone. A `TimeoutError` would lead to an answer, which it would not read either.
            raise ConnectionAbortedError("the client does not read") from error

    async def refuse(self, refusal: Refusal) -> None:
        """Answer in the upstream's stead."""
        body = f"{refusal}\n".encode()
        response = http11.Response(
            status_code=refusal.status_code,
            headers=[
                date(),
                ("Content-Type", "text/plain"),
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
            ],
        )
        message = self.connection.send(response)
        if self.method != b"HEAD":
            message += self.connection.send(http11.Data(body))
        await self.write(message + self.connection.send(http11.EndOfMessage()))

    async def close(self) -> None:
        """Close our half, let the client read our last response and close its own, and close all (RFC 9112 9.6).

        What it still sends is thrown away and never parsed.
        """
        try:
            async with asyncio.timeout(LINGER_TIME):
                self.writer.write_eof()
                while await self.reader.read(RECEIVE_SIZE):
                    pass
                self.writer.close()
                await self.writer.wait_closed()
        except OSError:
            # The client has gone, or takes too long (`TimeoutError`).
            await self.abort()

    async def abort(self) -> None:
        """Close, unless that is done, so that the client sees a broken connection.

        An orderly close would end the body of a response that has no length, and an HTTP/1.0 client would believe that
        it got all of it. Without time to linger, the system sends a reset.
        """
        if not self.writer.is_closing():
            no_time = struct.pack("ii", 1, 0)
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_time)
        self.writer.transport.abort()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


# --- one client -----------------------------------------------------------------------------------------------------


class Session:
    """One client, and the requests that it sends one after the other."""

    def __init__(self, client: ClientSide, upstream: Upstream, idle_time: float) -> None:
        self.client = client
        self.upstream = upstream
        self.idle_time = idle_time
        # It goes off when nothing could be forwarded for `idle_time` seconds, in either direction.
        self.watch = asyncio.timeout(None)

    async def run(self) -> None:
        """Serve the client until one of us is done with the other."""
        try:
            try:
                while await self.serve_request():
                    pass
            except Refusal as refusal:
                if self.client.connection.our_state in {IDLE, SEND_RESPONSE}:
                    await self.client.refuse(refusal)
            if self.client.connection.our_state != SEND_BODY:
                await self.client.close()
        except OSError:
            # The client has gone; there is nobody left to tell.
            pass
        except Exception:
            # A mistake of ours costs this connection, and not the proxy.
            LOGGER.exception("a session has failed")
        finally:
            # Where `close` has not been reached, a response was cut short.
            await self.client.abort()

    async def serve_request(self) -> bool:
        """Forward a request and its response; return whether another may follow."""
        self.client.method = b""
        self.watch = asyncio.timeout(self.idle_time)
        try:
            async with self.watch:
                event = await self.client.next_event()
                match event:
                    case http11.Request():
                        await self.exchange(event)
                    case http11.ConnectionClosed():
                        return False
                    case http11.Data() | http11.EndOfMessage():
                        raise RuntimeError("expected a head before its body")
                    case _:
                        assert_never(event)
        except TimeoutError:
            self.give_up()
        states = self.client.connection.states
        if states != {CLIENT: DONE, SERVER: DONE}:
            return False
        # What the client has sent ahead (pipelined) is in the engine's buffer, and comes first.
        self.client.connection.start_next_cycle()
        return True

    def give_up(self) -> None:
        """Say whose fault it is that nothing moves."""
        connection = self.client.connection
        if connection.their_state == SEND_BODY or connection.trailing_data[0]:
            raise Refusal(408, "the request took too long")
        if connection.their_state != IDLE:
            raise Refusal(504, "the upstream took too long")

    async def exchange(self, request: http11.Request) -> None:
        """Forward a request, whose head this is, and its response, each as it comes."""
        self.client.method = request.method
        if request.method == b"CONNECT":
            # A refusal is our last answer: `Connection: close`, and nothing more of the client's is read as a request.
            # Here it has to be (RFC 9931 8), as what follows may be what the client wrote into the tunnel too early,
            # perhaps for somebody else. A proxy with tunnels has the other half to keep as well: until the upstream's
            # 2xx is there, it passes on nothing that follows the CONNECT.
            raise Refusal(501, "there are no tunnels here")
        try:
            head = request_to_forward(request, self.upstream)
        except http11.LocalProtocolError as error:
            raise Refusal(400, str(error)) from error
        upstream = await UpstreamSide.connect(self.upstream, self.idle_time)
        try:
            # A failure in one direction stops the other.
            async with asyncio.TaskGroup() as both:
                both.create_task(self.forward_request(head, upstream))
                both.create_task(self.forward_response(upstream))
        except ExceptionGroup as group:
            raise group.exceptions[0] from group
        finally:
            await upstream.close()

    async def forward_request(self, head: http11.Request, upstream: UpstreamSide) -> None:
        """Forward a request: its head, and then its body."""
        await upstream.write(upstream.connection.send(head))
        while await self.forward_request_piece(upstream):
            self.move_on()

    async def forward_request_piece(self, upstream: UpstreamSide) -> bool:
        """Forward one event of the body; return whether more follow."""
        event = await self.client.next_event()
        match event:
            case http11.Data():
                await upstream.write(upstream.connection.send(event))
                return True
            case http11.EndOfMessage():
                # Without its trailers. Servers on httptools and aiohttp make header fields of them, of this request or
                # even of the next one: `X-Real-IP: 1.2.3.4` would pass whoever checks or strips heads.
                await upstream.write(upstream.connection.send(http11.EndOfMessage()))
                return False
            case http11.Request() | http11.ConnectionClosed():
                raise RuntimeError("expected a body up to its end")
            case _:
                assert_never(event)

    async def forward_response(self, upstream: UpstreamSide) -> None:
        """Forward the upstream's response, and the informational ones before it."""
        while await self.forward_response_piece(upstream):
            self.move_on()

    async def forward_response_piece(self, upstream: UpstreamSide) -> bool:
        """Forward one event of the response; return whether more follow."""
        client = self.client
        event = await upstream.next_event()
        match event:
            case http11.InformationalResponse():
                # "A server MUST NOT send a 1xx response to an HTTP/1.0 client" (RFC 9110 15.2).
                if client.connection.their_http_version != b"1.0":
                    await client.write(client.connection.send(informational_to_forward(event)))
                return True
            case http11.Response():
                # The upstream may answer before the request is all there. We cannot know whether the rest will come,
                # so this connection is not to be used again.
                close = client.connection.their_state == SEND_BODY
                await client.write(client.connection.send(response_to_forward(event, close=close)))
                return True
            case http11.Data():
                await client.write(client.connection.send(event))
                return True
            case http11.EndOfMessage():
                # An HTTP/1.0 client gets no chunks, and so no trailers.
                end = http11.EndOfMessage() if client.connection.their_http_version == b"1.0" else event
                await client.write(client.connection.send(end))
                return False
            case http11.ConnectionClosed():
                raise RuntimeError("expected a response up to its end")
            case _:
                assert_never(event)

    def move_on(self) -> None:
        """Note that something was forwarded."""
        self.watch.reschedule(asyncio.get_running_loop().time() + self.idle_time)


# --- the server -----------------------------------------------------------------------------------------------------


async def serve(host: str, port: int, upstream: Upstream, idle_time: float) -> None:
    """Listen, say where, and serve until this task is cancelled."""
    sessions = asyncio.TaskGroup()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sessions.create_task(Session(ClientSide(reader, writer, idle_time), upstream, idle_time).run())

    server = await asyncio.start_server(accept, host, port, start_serving=False)
    # In this order: at the end the sessions are cancelled, and then the server waits until their sockets are closed.
    async with server, sessions:
        await server.start_serving()
        for sock in server.sockets:
            print(f"listening on port {sock.getsockname()[1]}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Forward HTTP/1.1 requests to one server.")
    parser.add_argument("upstream", help="such as localhost:8000")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0 for any that is free")
    parser.add_argument("--timeout", type=float, default=30.0, help="how long nothing may move, in seconds")
    arguments = parser.parse_args()
    address: str = arguments.upstream
    host: str = arguments.host
    port: int = arguments.port
    idle_time: float = arguments.timeout

    upstream_host, _, upstream_port = address.rpartition(":")
    if not upstream_host or not upstream_port.isdecimal():
        parser.error("expected a host, ':' and a port as the upstream")
    upstream = Upstream(upstream_host.strip("[]"), int(upstream_port))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(host, port, upstream, idle_time))


if __name__ == "__main__":
    main()
