"""The slots of the events, and how they are filled with what has been checked.

The events are attrs classes, which are interpreted in both builds (`http11.events`). The slots are here, so that a
compiled build writes into them as into a struct. There each has a flag beside them, `_filled`: a native
attribute that is not set cannot be asked for cheaply. In the interpreter an empty slot tells the same.
"""

from __future__ import annotations

from http11._runtime import filler, mypyc_attr, slots
from http11.grammar import COMPILED
from http11.headers import Headers

__all__ = [
    "DataParts",
    "EndParts",
    "RequestParts",
    "ResponseParts",
    "fill_data",
    "fill_end",
    "fill_request",
    "fill_response",
]


@mypyc_attr(allow_interpreted_subclasses=True)
class RequestParts:
    """The slots of `Request`, and whether they are filled."""

    _filled: bool = False

    __slots__ = slots("headers", "http_version", "method", "target")

    headers: Headers
    http_version: bytes
    method: bytes
    target: bytes


@mypyc_attr(allow_interpreted_subclasses=True)
class ResponseParts:
    """The slots of `InformationalResponse` and `Response`, and whether they are filled."""

    _filled: bool = False

    __slots__ = slots("headers", "http_version", "reason", "status_code")

    headers: Headers
    http_version: bytes
    reason: bytes
    status_code: int


@mypyc_attr(allow_interpreted_subclasses=True)
class DataParts:
    """The slots of `Data`, and whether they are filled."""

    _filled: bool = False

    __slots__ = slots("chunk_end", "chunk_start", "data")

    chunk_end: bool
    chunk_start: bool
    data: object


@mypyc_attr(allow_interpreted_subclasses=True)
class EndParts:
    """The slot of `EndOfMessage`, and whether it is filled."""

    _filled: bool = False

    __slots__ = slots("headers")

    headers: Headers


# In the order of the slots.


def fill_request(event: RequestParts, headers: Headers, http_version: bytes, method: bytes, target: bytes) -> None:
    """Fill a `Request`."""
    event._filled = True  # noqa: SLF001 # pragma: no cover - compiled only: see the end of this module
    event.headers = headers  # pragma: no cover
    event.http_version = http_version  # pragma: no cover
    event.method = method  # pragma: no cover
    event.target = target  # pragma: no cover


def fill_response(event: ResponseParts, headers: Headers, http_version: bytes, reason: bytes, status_code: int) -> None:
    """Fill an `InformationalResponse` or a `Response`."""
    event._filled = True  # noqa: SLF001 # pragma: no cover
    event.headers = headers  # pragma: no cover
    event.http_version = http_version  # pragma: no cover
    event.reason = reason  # pragma: no cover
    event.status_code = status_code  # pragma: no cover


def fill_data(event: DataParts, chunk_end: bool, chunk_start: bool, data: object) -> None:
    """Fill a `Data`."""
    event._filled = True  # noqa: SLF001 # pragma: no cover
    event.chunk_end = chunk_end  # pragma: no cover
    event.chunk_start = chunk_start  # pragma: no cover
    event.data = data  # pragma: no cover


def fill_end(event: EndParts, headers: Headers) -> None:
    """Fill an `EndOfMessage`."""
    event._filled = True  # noqa: SLF001 # pragma: no cover
    event.headers = headers  # pragma: no cover


# Compiled, an assignment writes into the struct. Interpreted, it would ask attrs' `__setattr__`, which refuses.
if not COMPILED:  # pragma: no branch
    globals()["fill_request"] = filler(RequestParts)
    globals()["fill_response"] = filler(ResponseParts)
    globals()["fill_data"] = filler(DataParts)
    globals()["fill_end"] = filler(EndParts)
