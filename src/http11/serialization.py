"""Events to bytes (RFC 9112 2 to 7). Pure functions, which hold nothing and touch no connection.

They validate nothing: an event that exists is valid (see `http11.events`). An event that only a tolerant policy let
in has to be validated before it gets here; `http11.engine` does so. `serialize_fields` is for those who write heads of
their own.
"""

from __future__ import annotations

from typing import Final

from http11.fields import Fields, field_lines, raw_of
from http11.headers import Headers
from http11.parts import EndParts, RequestParts, ResponseParts

__all__ = [
    "CHUNK_END",
    "serialize_chunk_start",
    "serialize_fields",
    "serialize_last_chunk",
    "serialize_request",
    "serialize_response",
]

CHUNK_END: Final = b"\r\n"
"""What follows the data of a chunk (RFC 9112 7.1)."""


def serialize_request(request: RequestParts) -> bytes:
    """Return the head of `request` as bytes, in HTTP/1.1 (RFC 9112 3)."""
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (request.method, request.target, _lines(request.headers))


def serialize_response(response: ResponseParts) -> bytes:
    """Return the head of `response` (RFC 9112 4), in HTTP/1.1.

    The SP after the status code is there even where the reason is empty, as the RFC demands of a sender.
    """
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (response.status_code, response.reason, _lines(response.headers))


def serialize_fields(headers: Headers) -> bytes:
    """Return the field lines and the empty line after them (RFC 9112 5), the names as they were spelled.

    Host goes first, so that a reader knows early where the message belongs; RFC 9110 5.3 calls that good practice.
    """
    return _lines(headers) + b"\r\n"


def serialize_chunk_start(size: int) -> bytes:
    """Return the chunk line for `size` bytes of data (RFC 9112 7.1). `size` must not be 0, which would end the body."""
    return b"%x\r\n" % size


def serialize_last_chunk(end: EndParts) -> bytes:
    """Return the last chunk and the trailer section (RFC 9112 7.1.2)."""
    return b"0\r\n%b\r\n" % _lines(end.headers)


def _lines(fields: Fields) -> bytes:
    if fields._host is not None and (raw_of(fields)[0][0].lower() != b"host" or fields._repeated):
        return field_lines(sorted(raw_of(fields), key=_not_host))
    lines = fields._lines
    return field_lines(raw_of(fields)) if lines is None else lines


def _not_host(field: tuple[bytes, bytes]) -> bool:
    return field[0].lower() != b"host"
