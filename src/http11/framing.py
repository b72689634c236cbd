"""What a message's head decides: how long its body is, what becomes of the connection, and what we must send.

Body length is RFC 9112 section 6.3, persistence section 9.3, `Expect` RFC 9110 section 10.1.1, `Upgrade` section 7.8
and `CONNECT` section 9.3.6. Pure decisions, each a function of what it is given.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from http11.events import InformationalResponse, Request, Response, informational_response_with, response_with
from http11.headers import (
    Headers,
    first_value,
    first_values,
    is_strict,
    list_members,
    received_headers,
    spelled_fields,
)

__all__ = [
    "CHUNKED",
    "NO_BODY",
    "UNTIL_CLOSE",
    "BodyFraming",
    "Facts",
    "FramingKind",
    "accepts_connect",
    "informational_to_send",
    "is_http11",
    "keeps_alive",
    "request_facts",
    "request_framing",
    "response_facts",
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


class Facts(NamedTuple):
    """What a head says about its message and its connection.

    Attributes:
        body: How its body's end is found.
        keep_alive: Whether the connection may be used again after this message (RFC 9112 9.3).
        ambiguous: Whether it says its length in two ways (RFC 9112 6.1).
        upgrade: Whether a client would like to speak another protocol (RFC 9110 7.8).
        connect: Whether a client asks for a tunnel (RFC 9110 9.3.6).
        waits: Whether a client waits for a 100 before it sends the body (RFC 9110 10.1.1).

    """

    body: BodyFraming
    keep_alive: bool = True
    ambiguous: bool = False
    upgrade: bool = False
    connect: bool = False
    waits: bool = False


_PLAIN_REQUEST: Final = Facts(NO_BODY)


def request_facts(request: Request) -> Facts:
    """Say what the head of `request` decides.

    "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request" (RFC 9110 7.8), and "a server
    that receives a 100-continue expectation in an HTTP/1.0 request MUST ignore that expectation" (RFC 9110 10.1.1).
    """
    headers = request.headers
    first = first_values(headers)
    http11 = request.http_version >= b"1.1"
    length, coding = first.get(b"content-length"), first.get(b"transfer-encoding")
    upgrade, expect, connection = first.get(b"upgrade"), first.get(b"expect"), first.get(b"connection")
    connect = request.method == b"CONNECT"
    if http11 and length is coding is upgrade is expect is connection is None and not connect:
        return _PLAIN_REQUEST
    return Facts(
        request_framing(request),
        keeps_alive(request),
        length is not None and coding is not None,
        http11 and upgrade is not None and bool(list_members(headers, b"upgrade")),
        connect,
        http11 and expect is not None and b"100-continue" in list_members(headers, b"expect"),
    )


def response_facts(response: Response, request_method: bytes | None) -> Facts:
    """Say what the head of `response` decides, which answers a request of `request_method`."""
    first = first_values(response.headers)
    return Facts(
        response_framing(response, request_method),
        keeps_alive(response),
        b"transfer-encoding" in first and b"content-length" in first,
    )


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


def is_http11(http_version: bytes | None) -> bool:
    """Tell whether a peer of this version, `None` where it is unknown, speaks HTTP/1.1 or later."""
    return http_version is not None and http_version >= b"1.1"


def keeps_alive(head: Request | Response) -> bool:
    """Tell whether the connection may be used again after this message (RFC 9112 9.3).

    HTTP/1.0 connections never are: what its ``keep-alive`` means in the presence of proxies is anybody's guess.
    """
    if head.http_version < b"1.1":
        return False
    return b"connection" not in first_values(head.headers) or b"close" not in list_members(head.headers, b"connection")


def accepts_connect(response: Response, request_method: bytes | None) -> bool:
    """Tell whether the server grants a tunnel (RFC 9110 9.3.6)."""
    return request_method == b"CONNECT" and 200 <= response.status_code < 300  # noqa: PLR2004 - the class 2xx


# --- what we send ---------------------------------------------------------------------------------------------------


def informational_to_send(response: InformationalResponse) -> InformationalResponse:
    """Return `response` as it goes on the wire: no 1xx may have a length (RFC 9110 8.6, RFC 9112 6.1)."""
    return informational_response_with(response, _without_length(response.headers))


def response_to_send(
    response: Response,
    *,
    request_method: bytes | None,
    peer_version: bytes | None,
    keep_alive: bool,
    last: bool = False,
) -> Response:
    """Return `response` with the fields that it needs on the wire for its body and for what becomes of the connection.

    `request_method` is the method that it answers, or `None`; `peer_version` what the client speaks, or `None` where
    nothing could be read of it; `keep_alive` whether the connection could live on, as far as was agreed before; `last`
    whether no other request can come, whatever was agreed.
    """
    headers = response.headers
    # The usual case first: all that is needed is there.
    first = first_values(headers)
    if (
        keep_alive
        and not last
        and request_method != b"CONNECT"
        and response.status_code != 204  # noqa: PLR2004 - No Content
        and is_http11(peer_version)
        and b"content-length" in first
        and b"transfer-encoding" not in first
    ):
        return response
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
    # Where h11 says `close` it writes Connection anew, and its users compare; where it forgets to, theirs may stand.
    if close or (last and not _says_close(headers)):
        headers = _with_close(headers)
    return response if headers is response.headers else response_with(response, headers)


def _without_length(headers: Headers) -> Headers:
    return _without(_without(headers, b"content-length"), b"transfer-encoding")


def _says_close(headers: Headers) -> bool:
    options = list_members(headers, b"connection")
    return b"close" in options and b"keep-alive" not in options


def _with_close(headers: Headers) -> Headers:
    options = {b"close", *list_members(headers, b"connection")} - {b"keep-alive"}
    headers = _without(headers, b"connection")
    for option in sorted(options):
        headers = _with(headers, b"Connection", option)
    return headers


def _without(headers: Headers, name: bytes) -> Headers:
    if first_value(headers, name) is None:
        return headers
    return received_headers(
        [field for field in spelled_fields(headers) if field[0].lower() != name], strict=is_strict(headers)
    )


def _with(headers: Headers, name: bytes, value: bytes) -> Headers:
    return received_headers([*spelled_fields(headers), (name, value)], strict=is_strict(headers))
