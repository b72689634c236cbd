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


def drained(connection: Connection[Role]) -> Iterator[Event]:
    """Yield what can be read, up to the end of the connection."""
    while not isinstance(event := connection.next_event(), type | ConnectionClosed):
        yield event


def expects_for_nothing(event: Event) -> bool:
    """Tell whether `event` is a request that expects a 100 and has no content, which nobody sends (SD-16)."""
    if not isinstance(event, Request):
        return False
    expects = b",".join(event.headers.get_all("expect")).lower().split(b",")
    empty = not event.headers.get_all("transfer-encoding") and int(event.headers.get("content-length") or 0) == 0
    return empty and b"100-continue" in [member.strip(b" \t") for member in expects]


def has_no_content(response: Response, method: bytes) -> bool:
    """Tell whether `response`, which answers a request of `method`, has no content, whatever it says (ML-15)."""
    status = response.status_code
    return status in (204, 304) or method == b"HEAD" or (method == b"CONNECT" and status < 300)


def is_wrong_of_length(response: Response) -> bool:
    """Tell whether what `response` says of a length is wrong."""
    lengths, codings = response.headers.get_all("content-length"), response.headers.get_all("transfer-encoding")
    right = all(length.isdigit() and len(length) < 20 and int(length) < 2**63 for length in lengths)
    known = [b"chunked"] if response.http_version >= b"1.1" else []
    return not right or len(lengths) > 1 or codings not in ([], known)
