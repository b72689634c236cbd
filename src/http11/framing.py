"""What a message's head decides: how long its body is, what becomes of the connection, and what we must send.

Body length is RFC 9112 section 6.3, persistence section 9.3, `Expect` RFC 9110 section 10.1.1, `Upgrade` section 7.8
and `CONNECT` section 9.3.6. Pure decisions, each a function of what it is given.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from http11.events import InformationalResponse, Request, Response, with_headers
from http11.headers import Headers, first_value, is_strict, list_members, received_headers

__all__ = [
    "CHUNKED",
    "NO_BODY",
    "UNTIL_CLOSE",
    "BodyFraming",
    "FramingKind",
    "accepts_connect",
    "expects_continue",
    "informational_to_send",
    "is_http11",
    "keeps_alive",
    "length_and_chunked",
    "proposes_connect",
    "proposes_upgrade",
    "request_framing",
    "response_framing",
    "response_to_send",
]

FramingKind: TypeAlias = Literal["length", "chunked", "until-close"]


class BodyFraming(NamedTuple):
    """How a body's end is found.

    Attributes:
        kind: By its length, by its last chunk, or by the end of the connection.
        length: In bytes, for the kind ``"length"``.

    """

    kind: FramingKind
    length: int = 0


NO_BODY: Final = BodyFraming("length", 0)
CHUNKED: Final = BodyFraming("chunked")
UNTIL_CLOSE: Final = BodyFraming("until-close")


def request_framing(request: Request) -> BodyFraming:
    """Decide how the body of `request` ends (RFC 9112 6.3): without any length there is none."""
    return _framing_by_fields(request.headers) or NO_BODY


def response_framing(response: Response, request_method: bytes | None) -> BodyFraming:
    """Decide how the body of `response` ends (RFC 9112 6.3): without any length it goes on until close.

    `request_method` is the method that it answers, or `None` for an answer to no request.
    """
    if response.status_code in (204, 304) or request_method == b"HEAD" or accepts_connect(response, request_method):
        return NO_BODY
    return _framing_by_fields(response.headers) or UNTIL_CLOSE


def _framing_by_fields(headers: Headers) -> BodyFraming | None:
    # "Transfer-Encoding overrides the Content-Length"; the only coding that gets here is `chunked`.
    if first_value(headers, b"transfer-encoding") is not None:
        return CHUNKED
    length = first_value(headers, b"content-length")
    # Digits alone get here, so that `int` cannot be asked for more than it should know.
    return None if length is None else BodyFraming("length", int(length))


def length_and_chunked(headers: Headers) -> bool:
    """Tell whether a message says its length in two ways (RFC 9112 6.1)."""
    return (
        first_value(headers, b"transfer-encoding") is not None and first_value(headers, b"content-length") is not None
    )


def is_http11(http_version: bytes | None) -> bool:
    """Tell whether a peer of this version, `None` where it is unknown, speaks HTTP/1.1 or later."""
    return http_version is not None and http_version >= b"1.1"


def keeps_alive(head: Request | Response) -> bool:
    """Tell whether the connection may be used again after this message (RFC 9112 9.3).

    HTTP/1.0 connections never are: what its ``keep-alive`` means in the presence of proxies is anybody's guess.
    """
    return is_http11(head.http_version) and b"close" not in list_members(head.headers, b"connection")


def expects_continue(request: Request) -> bool:
    """Tell whether the client waits for a 100 before it sends the body (RFC 9110 10.1.1).

    "A server that receives a 100-continue expectation in an HTTP/1.0 request MUST ignore that expectation."
    """
    return is_http11(request.http_version) and b"100-continue" in list_members(request.headers, b"expect")


def proposes_upgrade(request: Request) -> bool:
    """Tell whether the client would like to speak another protocol (RFC 9110 7.8).

    "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request."
    """
    return is_http11(request.http_version) and bool(list_members(request.headers, b"upgrade"))


def proposes_connect(request: Request) -> bool:
    """Tell whether the client asks for a tunnel (RFC 9110 9.3.6)."""
    return request.method == b"CONNECT"


def accepts_connect(response: Response, request_method: bytes | None) -> bool:
    """Tell whether the server grants a tunnel (RFC 9110 9.3.6)."""
    return request_method == b"CONNECT" and 200 <= response.status_code < 300  # noqa: PLR2004 - the class 2xx


# --- what we send ---------------------------------------------------------------------------------------------------


def informational_to_send(response: InformationalResponse) -> InformationalResponse:
    """Return `response` as it goes on the wire: no 1xx may have a length (RFC 9110 8.6, RFC 9112 6.1)."""
    return with_headers(response, _without_length(response.headers))


def response_to_send(
    response: Response, *, request_method: bytes | None, peer_version: bytes | None, keep_alive: bool
) -> Response:
    """Return `response` with the fields that it needs on the wire for its body and for what becomes of the connection.

    `request_method` is the method that it answers, or `None`; `peer_version` what the client speaks, or `None` where
    nothing could be read of it; `keep_alive` whether the connection could live on, as far as was known before.
    """
    headers = response.headers
    close = not keep_alive
    if response.status_code == 204 or accepts_connect(response, request_method):  # noqa: PLR2004 - No Content
        headers = _without_length(headers)
    else:
        # The fields for HEAD are those for GET (RFC 9110 9.3.2), so they are chosen as if a body followed.
        framing = response_framing(response, None)
        chunked = first_value(headers, b"transfer-encoding") is not None
        if not is_http11(peer_version):
            # "A server MUST NOT send a response containing Transfer-Encoding unless the corresponding request indicates
            # HTTP/1.1" (RFC 9112 6.1). A length beside it is no better: it was not what said how long the body is.
            if chunked:
                headers = _without_length(headers)
            close = close or (framing in (CHUNKED, UNTIL_CLOSE) and request_method != b"HEAD")
        elif chunked:
            headers = _without(headers, b"content-length")
        elif framing == UNTIL_CLOSE:
            headers = _with(headers, b"Transfer-Encoding", b"chunked")
    if close:
        headers = _with_close(headers)
    return response if headers is response.headers else with_headers(response, headers)


def _without_length(headers: Headers) -> Headers:
    return _without(_without(headers, b"content-length"), b"transfer-encoding")


def _with_close(headers: Headers) -> Headers:
    options = list_members(headers, b"connection")
    if b"close" in options and b"keep-alive" not in options:
        return headers
    headers = _without(headers, b"connection")
    for option in sorted(options - {b"keep-alive"} | {b"close"}):
        headers = _with(headers, b"Connection", option)
    return headers


def _without(headers: Headers, name: bytes) -> Headers:
    if first_value(headers, name) is None:
        return headers
    return received_headers(
        [field for field in headers.raw_items() if field[0].lower() != name], strict=is_strict(headers)
    )


def _with(headers: Headers, name: bytes, value: bytes) -> Headers:
    return received_headers([*headers.raw_items(), (name, value)], strict=is_strict(headers))
