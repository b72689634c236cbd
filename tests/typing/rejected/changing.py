"""Nothing that was made can be changed, put in order, or derived from."""

import http11
from http11 import (
    CLIENT,
    DONE,
    NEED_DATA,
    STRICT,
    Connection,
    Data,
    EndOfMessage,
    Headers,
    InformationalResponse,
    Request,
    Response,
    ServerConnection,
)


def an_attribute_cannot_be_set(
    request: Request, interim: InformationalResponse, response: Response, data: Data[bytes], end: EndOfMessage
) -> None:
    request.method = b"POST"  # error: read-only "method"
    request.target = b"/"  # error: read-only "target"
    request.headers = Headers([])  # error: read-only "headers"
    request.http_version = b"1.0"  # error: read-only "http_version"
    interim.status_code = 103  # error: read-only "status_code"
    response.status_code = 404  # error: read-only "status_code"
    response.reason = b"Not Found"  # error: read-only "reason"
    data.data = b""  # error: read-only "data"
    data.chunk_end = True  # error: read-only "chunk_end"
    end.headers = Headers([])  # error: read-only "headers"
    STRICT.bare_lf = True  # error: read-only "bare_lf"


def a_sequence_of_fields_cannot_be_changed(headers: Headers) -> None:
    headers[0] = (b"host", b"example.com")  # error: index "Headers"
    del headers[0]  # error: index "__delitem__"; mypy attr-defined; ty not-subscriptable
    headers.append((b"a", b"b"))  # error: attribute "append"
    headers[0][1] = b"example.com"  # error: index


def a_connection_is_asked_not_told(conn: ServerConnection) -> None:
    conn.our_state = DONE  # error: read-only "our_state"
    conn.their_state = DONE  # error: read-only "their_state"
    conn.our_role = "SERVER"  # error: read-only "our_role"
    conn.their_http_version = b"1.1"  # error: read-only "their_http_version"
    conn.left_out_lines = ()  # error: read-only "left_out_lines"


def events_have_no_order(request: Request, data: Data[bytes]) -> None:
    request < request  # error: operator "<"
    data >= data  # error: operator ">="
    STRICT < STRICT  # error: operator "<"


def a_name_stays_what_it_is() -> None:
    # pyright lets everybody set the attributes of a module.
    http11.CLIENT = "SERVER"  # error: final "CLIENT"; pyright none; pyrefly bad-assignment


class LongRequest(Request):  # error: subclass "Request"
    """Nobody's own methods may answer for an event."""


class MySignal(NEED_DATA):  # error: subclass "NEED_DATA"
    """Nor for a signal."""


def a_role_is_not_changed(conn: Connection) -> None:
    conn.their_role = CLIENT  # error: read-only "their_role"


class MyHeaders(Headers):  # error: subclass "Headers"
    """Nor for its fields."""
