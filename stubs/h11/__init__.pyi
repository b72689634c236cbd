from h11._connection import NEED_DATA, PAUSED, Connection
from h11._events import (
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    Request,
    Response,
)
from h11._state import (
    CLIENT,
    CLOSED,
    DONE,
    ERROR,
    IDLE,
    MUST_CLOSE,
    SEND_BODY,
    SEND_RESPONSE,
    SERVER,
    SWITCHED_PROTOCOL,
)

# A state of the documentation, which h11 exports and leaves out of its `__all__`.
from h11._state import MIGHT_SWITCH_PROTOCOL as MIGHT_SWITCH_PROTOCOL
from h11._util import LocalProtocolError, ProtocolError, RemoteProtocolError
from h11._version import __version__ as __version__

from http11 import PRODUCT_ID as PRODUCT_ID

__all__ = (
    "CLIENT",
    "CLOSED",
    "DONE",
    "ERROR",
    "IDLE",
    "MUST_CLOSE",
    "NEED_DATA",
    "PAUSED",
    "SEND_BODY",
    "SEND_RESPONSE",
    "SERVER",
    "SWITCHED_PROTOCOL",
    "Connection",
    "ConnectionClosed",
    "Data",
    "EndOfMessage",
    "Event",
    "InformationalResponse",
    "LocalProtocolError",
    "ProtocolError",
    "RemoteProtocolError",
    "Request",
    "Response",
)
