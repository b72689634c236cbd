"""A reverse proxy between two connections: a server's towards the client, a client's towards the upstream.

What is the same for both roles is generic over the role, or takes either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, assert_never

import attrs

from http11 import (
    CLIENT,
    DONE,
    IDLE,
    SEND_RESPONSE,
    SERVER,
    ClientConnection,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Field,
    Headers,
    InformationalResponse,
    LocalProtocolError,
    RemoteProtocolError,
    Request,
    Response,
    Role,
    ServerConnection,
)

RoleT = TypeVar("RoleT", bound=Role)
HeadT = TypeVar("HeadT", Request, InformationalResponse, Response)

PSEUDONYM: Final = b"proxy"

HOP_BY_HOP: Final = frozenset(
    [b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"]
)
"""Fields for the next hop only, beside those that Connection names (RFC 9110 7.6.1)."""


def end_to_end(headers: Headers) -> list[Field]:
    """Return the fields that are for more than one hop, as they were spelled."""
    named = {name.strip() for name in b",".join(headers.get_all("Connection")).lower().split(b",")}
    dropped = HOP_BY_HOP | (named - {b"content-length", b"host"})
    return [(name, value) for name, value in headers.raw_items() if name.lower() not in dropped]


def forwarded(head: HeadT, *more: Field) -> HeadT:
    """Return `head` for the next hop: in our own version, and with our name in Via (RFC 9110 7.6.3)."""
    via = (b"Via", head.http_version + b" " + PSEUDONYM)
    return attrs.evolve(head, headers=[*end_to_end(head.headers), via, *more], http_version=b"1.1")


def pump(conn: Connection[RoleT], forward: Callable[[Connection[RoleT]], bool]) -> None:
    """Forward what came from the peer, event by event."""
    while forward(conn):
        pass


def is_done(conn: Connection) -> bool:
    """Tell whether a whole exchange is behind us."""
    return conn.states == {CLIENT: DONE, SERVER: DONE}


def body_bytes(conn: ClientConnection | ServerConnection, event: Data[bytes] | EndOfMessage) -> bytes:
    """Return what to write for a part of a body, whichever way it goes."""
    return conn.send(event)


class Proxy:
    """One client and its upstream; what has to be written to each waits here."""

    def __init__(self) -> None:
        self.client_side = Connection(SERVER)
        self.upstream_side = Connection(CLIENT)
        self.to_client = bytearray()
        self.to_upstream = bytearray()
        self.is_over = False

    def receive_from_client(self, data: bytes) -> None:
        self.client_side.receive_data(data)
        self._forward_requests()

    def receive_from_upstream(self, data: bytes) -> None:
        self.upstream_side.receive_data(data)
        if self.is_over:
            return
        try:
            pump(self.upstream_side, self._forward_response)
        except RemoteProtocolError:
            self._refuse(502)
        if is_done(self.client_side) and is_done(self.upstream_side):
            self.upstream_side.start_next_cycle()
            self.client_side.start_next_cycle()
            # What the client has sent ahead comes now.
            self._forward_requests()

    def _forward_requests(self) -> None:
        if self.is_over:
            return
        try:
            pump(self.client_side, self._forward_request)
        except RemoteProtocolError as error:
            self._refuse(error.error_status_hint)
        except LocalProtocolError:
            # It may be received, but not sent on.
            self._refuse(400)

    def _forward_request(self, conn: ServerConnection) -> bool:
        event = conn.next_event()
        if isinstance(event, type):
            # Either there is nothing more, or it is the next request, which has to wait for this response.
            return False
        match event:
            case Request(headers=headers):
                # Where the length is not known, the body is sent on in chunks of our own.
                chunked = headers.get("Transfer-Encoding") is not None
                more: list[Field] = [(b"Transfer-Encoding", b"chunked")] if chunked else []
                self.to_upstream += self.upstream_side.send(forwarded(event, *more))
                return True
            case Data() | EndOfMessage():
                self.to_upstream += body_bytes(self.upstream_side, event)
                return True
            case ConnectionClosed():
                return False
            case _:
                assert_never(event)

    def _forward_response(self, conn: ClientConnection) -> bool:
        event = conn.next_event()
        if isinstance(event, type):
            return False
        match event:
            case InformationalResponse():
                self.to_client += self.client_side.send(forwarded(event))
                return True
            case Response():
                self.to_client += self.client_side.send(forwarded(event))
                return True
            case Data():
                self.to_client += body_bytes(self.client_side, event)
                return True
            case EndOfMessage():
                self.to_client += body_bytes(self.client_side, event)
                return False
            case ConnectionClosed():
                return False
            case _:
                assert_never(event)

    def _refuse(self, status_code: int) -> None:
        self.is_over = True
        if self.client_side.our_state in {IDLE, SEND_RESPONSE}:
            response = Response(status_code=status_code, headers=[("Content-Length", "0"), ("Connection", "close")])
            self.to_client += self.client_side.send(response) + self.client_side.send(EndOfMessage())


def taken(outgoing: bytearray) -> bytes:
    """Return what is to be written, which then is."""
    data = bytes(outgoing)
    outgoing.clear()
    return data


def main() -> None:
    proxy = Proxy()
    proxy.receive_from_client(
        b"POST /a HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n5;extension\r\nHello\r\n0\r\nX-Sum: 5\r\n\r\n"
        b"GET /b HTTP/1.1\r\nHost: a\r\n\r\nGET /c HTTP/1.1\r\n\r\n"
    )
    assert taken(proxy.to_upstream) == (
        b"POST /a HTTP/1.1\r\nHost: a\r\nVia: 1.1 proxy\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nHello\r\n0\r\nX-Sum: 5\r\n\r\n"
    )
    proxy.receive_from_upstream(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: 3\r\n\r\nabc"
    )
    assert taken(proxy.to_client) == (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nVia: 1.1 proxy\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nVia: 1.1 proxy\r\n\r\nabc"
    )
    assert taken(proxy.to_upstream) == b"GET /b HTTP/1.1\r\nHost: a\r\nVia: 1.1 proxy\r\n\r\n"
    proxy.receive_from_upstream(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert taken(proxy.to_client) == (
        b"HTTP/1.1 204 No Content\r\nVia: 1.1 proxy\r\n\r\n"
        b"HTTP/1.1 400 \r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    assert (taken(proxy.to_upstream), proxy.is_over) == (b"", True)

    proxy = Proxy()
    proxy.receive_from_client(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
    assert taken(proxy.to_upstream) == b"GET / HTTP/1.1\r\nHost: a\r\nVia: 1.0 proxy\r\n\r\n"
    proxy.receive_from_upstream(b"HTTP/9.9 nonsense\r\n\r\n")
    assert taken(proxy.to_client) == b"HTTP/1.1 502 \r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
