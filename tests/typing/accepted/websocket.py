"""A WebSocket handshake, for both sides (RFC 6455 4): what follows it is not HTTP, and is handed over unread."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias, assert_never

import attrs

from http11 import (
    CLIENT,
    MIGHT_SWITCH_PROTOCOL,
    SERVER,
    SWITCHED_PROTOCOL,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Field,
    Headers,
    InformationalResponse,
    Request,
    Response,
)

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class HandshakeError(Exception):
    """The peer does not speak WebSocket, or not as it should."""


class Accepted(NamedTuple):
    """The connection is one for WebSocket frames now."""

    subprotocol: bytes | None
    unread: bytes
    is_closed: bool


class Proposal(NamedTuple):
    """What a client wants."""

    request: Request
    key: bytes


@attrs.frozen
class Refused:
    """The server said no, in an ordinary response."""

    response: Response
    body: bytes


Outcome: TypeAlias = Accepted | Refused


def accept_of(key: bytes) -> bytes:
    """Return what proves that the server has understood this very handshake."""
    return base64.b64encode(hashlib.sha1(key + GUID).digest())


def has_member(headers: Headers, name: str, member: bytes) -> bool:
    """Tell whether a field that is a list, perhaps in several lines, has such a member, in any case."""
    return member in [part.strip().lower() for value in headers.get_all(name) for part in value.split(b",")]


def upgrade_fields(*more: Field) -> list[Field]:
    return [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"), *more]


class ClientHandshake:
    """The side that proposes."""

    def __init__(self, authority: str, target: str, subprotocols: Sequence[bytes] = ()) -> None:
        self._conn = Connection(CLIENT)
        self._key = base64.b64encode(secrets.token_bytes(16))
        self._request = Request(
            method="GET",
            target=target,
            headers=[
                ("Host", authority),
                *upgrade_fields((b"Sec-WebSocket-Key", self._key), (b"Sec-WebSocket-Version", b"13")),
                *[("Sec-WebSocket-Protocol", name) for name in subprotocols],
            ],
        )
        self._refusal: Response | None = None
        self._body = bytearray()

    def propose(self) -> bytes:
        data = self._conn.send(self._request) + self._conn.send(EndOfMessage())
        assert self._conn.our_state == MIGHT_SWITCH_PROTOCOL
        return data

    def receive(self, data: bytes) -> Outcome | None:
        """Return how it ended, or `None` before it has."""
        self._conn.receive_data(data)
        while True:
            event = self._conn.next_event()
            if isinstance(event, type):
                return None
            match event:
                case InformationalResponse(status_code=101, headers=headers):
                    return self._accepted(headers)
                case InformationalResponse():
                    pass
                case Response():
                    self._refusal = event
                case Data():
                    self._body += event.data
                case EndOfMessage():
                    assert self._refusal is not None
                    return Refused(self._refusal, bytes(self._body))
                case ConnectionClosed():
                    raise HandshakeError("expected an answer, got the end of the connection")
                case _:
                    assert_never(event)

    def _accepted(self, headers: Headers) -> Accepted:
        accept = headers.get("Sec-WebSocket-Accept")
        if accept is None or not secrets.compare_digest(accept, accept_of(self._key)):
            raise HandshakeError("expected the accept that belongs to the key, got another or none")
        unread, is_closed = self._conn.trailing_data
        return Accepted(headers.get("Sec-WebSocket-Protocol"), unread, is_closed)


class ServerHandshake:
    """The side that decides."""

    def __init__(self) -> None:
        self._conn = Connection(SERVER)
        self._proposal: Proposal | None = None

    def receive(self, data: bytes) -> Proposal | None:
        """Return the whole proposal, or `None` before it is there."""
        self._conn.receive_data(data)
        while True:
            event = self._conn.next_event()
            if isinstance(event, type):
                return None
            match event:
                case Request(headers=headers):
                    key = headers.get("Sec-WebSocket-Key")
                    if key is None or not has_member(headers, "Upgrade", b"websocket"):
                        raise HandshakeError("expected a WebSocket handshake, got another request")
                    self._proposal = Proposal(event, key)
                case Data():
                    pass
                case EndOfMessage():
                    return self._proposal
                case ConnectionClosed():
                    raise HandshakeError("expected a handshake, got the end of the connection")
                case _:
                    assert_never(event)

    def accept(self, proposal: Proposal, subprotocol: bytes | None = None) -> tuple[bytes, Accepted]:
        """Return what to write, and what has come behind the proposal."""
        fields = upgrade_fields((b"Sec-WebSocket-Accept", accept_of(proposal.key)))
        if subprotocol is not None:
            fields.append((b"Sec-WebSocket-Protocol", subprotocol))
        switching = InformationalResponse(status_code=101, headers=fields, reason="Switching Protocols")
        data = self._conn.send(switching)
        assert self._conn.states == {CLIENT: SWITCHED_PROTOCOL, SERVER: SWITCHED_PROTOCOL}
        unread, is_closed = self._conn.trailing_data
        return data, Accepted(subprotocol, unread, is_closed)

    def refuse(self, status_code: int, body: bytes) -> bytes:
        """Return what to write."""
        response = Response(status_code=status_code, headers={"Content-Length": str(len(body))}.items())
        return self._conn.send(response) + self._conn.send(Data(body)) + self._conn.send(EndOfMessage())


def main() -> None:
    # The example of RFC 6455 1.3
    assert accept_of(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

    client, server = ClientHandshake("example.com", "/chat", [b"chat"]), ServerHandshake()
    data = client.propose()
    assert server.receive(data[:20]) is None
    # A client that cannot wait sends its first frame at once.
    proposal = server.receive(data[20:] + b"\x81\x85")
    assert proposal is not None
    assert proposal.request.headers.get_all("Sec-WebSocket-Protocol") == [b"chat"]
    answer, on_server = server.accept(proposal, b"chat")
    assert on_server == (b"chat", b"\x81\x85", False)
    assert client.receive(b"HTTP/1.1 103 Early Hints\r\n\r\n") is None
    assert client.receive(answer + b"\x81\x05Hello") == Accepted(b"chat", b"\x81\x05Hello", is_closed=False)

    client, server = ClientHandshake("example.com", "/private"), ServerHandshake()
    assert server.receive(client.propose()) is not None
    outcome = client.receive(server.refuse(403, b"no\n"))
    assert isinstance(outcome, Refused)
    assert (outcome.response.status_code, outcome.body) == (403, b"no\n")

    client = ClientHandshake("example.com", "/chat")
    client.propose()
    try:
        client.receive(answer)
    except HandshakeError:
        pass
    else:
        raise AssertionError("expected no answer to somebody else's key")
