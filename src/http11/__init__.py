"""A typed, strict, fast HTTP/1.1 engine that never touches a socket.

``import http11 as h11`` is a drop-in for the package `h11`.

`__compiled__` is True if the engine is compiled to C, and False if Python interprets it. Both behave the same.
"""

from typing import Final as _Final

from http11._runtime import Buffer, BytesLike, HeadersLike
from http11.connection import ClientConnection, Connection, ServerConnection
from http11.errors import ErrorCode, LocalProtocolError, ProtocolError, RemoteProtocolError, Tolerance
from http11.events import (
    NEED_DATA,
    PAUSED,
    ClientEvent,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    Request,
    Response,
    ServerEvent,
    Signal,
)
from http11.fields import Field
from http11.headers import Headers
from http11.parsing import parse_request as _parse_request
from http11.policy import H11, STRICT, Policy
from http11.states import (
    CLIENT,
    CLOSED,
    DONE,
    ERROR,
    IDLE,
    MIGHT_SWITCH_PROTOCOL,
    MUST_CLOSE,
    SEND_BODY,
    SEND_RESPONSE,
    SERVER,
    SWITCHED_PROTOCOL,
    Role,
    State,
)

__version__: _Final = "0.1.0"

# Python's own functions have code; a module has a `__file__` with most importers only.
__compiled__: _Final[bool] = not hasattr(_parse_request, "__code__")
"""Whether the engine is compiled to C."""

PRODUCT_ID: _Final = f"http11/{__version__}"
"""The value for a ``User-Agent`` or ``Server`` field."""

__all__ = [
    "CLIENT",
    "CLOSED",
    "DONE",
    "ERROR",
    "H11",
    "IDLE",
    "MIGHT_SWITCH_PROTOCOL",
    "MUST_CLOSE",
    "NEED_DATA",
    "PAUSED",
    "PRODUCT_ID",
    "SEND_BODY",
    "SEND_RESPONSE",
    "SERVER",
    "STRICT",
    "SWITCHED_PROTOCOL",
    "Buffer",
    "BytesLike",
    "ClientConnection",
    "ClientEvent",
    "Connection",
    "ConnectionClosed",
    "Data",
    "EndOfMessage",
    "ErrorCode",
    "Event",
    "Field",
    "Headers",
    "HeadersLike",
    "InformationalResponse",
    "LocalProtocolError",
    "Policy",
    "ProtocolError",
    "RemoteProtocolError",
    "Request",
    "Response",
    "Role",
    "ServerConnection",
    "ServerEvent",
    "Signal",
    "State",
    "Tolerance",
    "__compiled__",
    "__version__",
]
