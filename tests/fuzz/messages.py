"""Streams of events as messages, to compare them with each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from http11 import (
    CLIENT,
    SERVER,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    Request,
    Response,
    Role,
)
from tests.harness import host_first, send_any

LONGEST_ERROR: Final = 300
"""In characters: what is enough for a name of 40 bytes, spelled with escapes, and what there is to say of it."""


def merged(events: Iterable[Event]) -> list[Event]:
    """Join the parts of a body, or of one chunk of it."""
    parts: list[Event] = []
    for event in events:
        before = parts[-1] if parts else None
        if isinstance(event, Data) and isinstance(before, Data) and not (before.chunk_end or event.chunk_start):
            parts[-1] = Data(before.data + event.data, before.chunk_start, event.chunk_end)
        else:
            parts.append(event)
    return parts


def messages(events: Iterable[Event]) -> Iterator[list[Event]]:
    """Cut a stream of events into messages, the last of which may have no end."""
    message: list[Event] = []
    for event in events:
        if not isinstance(event, ConnectionClosed):
            message.append(event)
        if isinstance(event, EndOfMessage):
            yield message
            message = []
    if message:
        yield message


def body(message: Iterable[Event]) -> bytes:
    return b"".join(event.data for event in message if isinstance(event, Data))


# What a sender sees to by itself: see `http11.framing.response_to_send`.
_FRAMING: Final = frozenset([b"content-length", b"transfer-encoding", b"connection"])


def summary(message: Sequence[Event]) -> list[object]:
    """Return what has to be the same of a message when it is read by those to whom it was sent."""
    found: list[object] = []
    for event in message:
        match event:
            case Request():
                found.append((event.method, event.target, host_first(event.headers)))
            case InformationalResponse() | Response():
                kept = [field for field in host_first(event.headers) if field[0].lower() not in _FRAMING]
                found.append((event.status_code, event.reason, kept))
            case EndOfMessage():
                found.append(("end", host_first(event.headers)))
            case _:
                pass
    return [*found, body(message)]


def asked(request: bytes) -> tuple[Connection[Role], Connection[Role]]:
    """Return a client that has sent `request`, and a server that has read it."""
    client: Connection[Role] = Connection(CLIENT)
    server: Connection[Role] = Connection(SERVER)
    server.receive_data(request)
    while not isinstance(event := server.next_event(), type):
        send_any(client, event)
    return client, server
