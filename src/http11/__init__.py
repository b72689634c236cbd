"""A typed, strict, fast HTTP/1.1 engine that never touches a socket.

``import http11 as h11`` is a drop-in for the package `h11`.
"""

from typing import Final as _Final

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
from http11.headers import Buffer, BytesLike, Field, Headers, HeadersLike
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

PRODUCT_ID: _Final = f"http11/{__version__}"
"""What to put in a ``User-Agent`` or ``Server`` field."""

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
    "__version__",
]
