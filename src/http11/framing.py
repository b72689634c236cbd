"""What a message's head decides: how long its body is, what becomes of the connection, and what we must send.

Body length is RFC 9112 section 6.3, persistence section 9.3, `Expect` RFC 9110 section 10.1.1, `Upgrade` section 7.8
and `CONNECT` section 9.3.6. Pure decisions, each a function of what it is given.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from http11.errors import ErrorCode
from http11.events import InformationalResponse, Request, Response, informational_response_with, response_with
from http11.headers import (
    Headers,
    first_value,
    is_length,
    is_strict,
    list_members,
    received_headers,
    spelled_fields,
)
from http11.policy import STRICT, Policy

__all__ = [
    "CHUNKED",
    "NO_BODY",
    "UNTIL_CLOSE",
    "BodyFraming",
    "Facts",
    "accepts_connect",
    "expects_continue",
    "has_no_content",
    "informational_to_send",
    "is_http11",
    "keeps_alive",
    "request_facts",
    "request_framing",
    "response_facts",
    "response_framing",
    "response_to_send",
    "says_length",
    "usual_request_length",
    "usual_response_length",
    "why_no_content",
]

BodyFraming: TypeAlias = int | Literal["chunked", "until-close"]
"""How a body's end is found: by its length, in bytes; by its last chunk; or by the end of the connection."""

NO_BODY: Final = 0
CHUNKED: Final[Literal["chunked"]] = "chunked"
UNTIL_CLOSE: Final[Literal["until-close"]] = "until-close"


# --- most heads ------------------------------------------------------------------------------------------------------

# Most say how long the body is, in bytes, or that there is none, and nothing else: the connection stays open, and
# nobody has to wait. For these, `None` says nothing but that a closer look is needed.


def usual_request_length(request: Request) -> int | None:
    """Return the length of the body of such a request; all else that `request_facts` would say is its default."""
    names, values, _, _ = request.headers._parts
    if (
        names.plain
        and (names.connection < 0 or b"close" not in values[names.connection].lower())
        and request.http_version == b"1.1"
        and request.method != b"CONNECT"
    ):
        return int(values[names.length]) if names.framed else NO_BODY
    return None


def usual_response_length(response: Response, request_method: bytes | None) -> int | None:
    """Return the length of the body of such a response, if it is there; the same goes for `response_facts`.

    On a connection that can live on, `response_to_send` has nothing to add to it.
    """
    names, values, _, _ = response.headers._parts
    if (
        names.length >= 0
        and names.plain
        and (names.connection < 0 or b"close" not in values[names.connection].lower())
        and response.http_version == b"1.1"
        and response.status_code not in _WITHOUT_CONTENT
        and request_method not in _WITHOUT_USUAL_RESPONSE
    ):
        return int(values[names.length])
    return None


# No Content and Not Modified have no body.
_WITHOUT_CONTENT: Final = (204, 304)
# The answer to HEAD has no body, one to CONNECT may begin a tunnel, and one to the preface of HTTP/2 is the last.
_WITHOUT_USUAL_RESPONSE: Final = (b"HEAD", b"CONNECT", b"PRI", None)


# --- all heads ------------------------------------------------------------------------------------------------------


class Facts(NamedTuple):
    """What a head says about its message and its connection.

    Attributes:
        body: How its body's end is found.
        keep_alive: Whether the connection may be used again after this message (RFC 9112 9.3).
        ambiguous: Whether it says its length in two ways (RFC 9112 6.1).
        upgrade: Whether a client would like to speak another protocol (RFC 9110 7.8).
        connect: Whether a client asks for a tunnel (RFC 9110 9.3.6).
        waits: Whether a client asks for a 100 before it sends the body (RFC 9110 10.1.1), where there is one: "a client
            MUST NOT generate a 100-continue expectation in a request that does not include content".

    """

    body: BodyFraming
    keep_alive: bool = True
    ambiguous: bool = False
    upgrade: bool = False
    connect: bool = False
    waits: bool = False


def request_facts(request: Request) -> Facts:
    """Say what the head of `request` decides.

    "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request" (RFC 9110 7.8), and "a server
    that receives a 100-continue expectation in an HTTP/1.0 request MUST ignore that expectation" (RFC 9110 10.1.1).
    """
    headers = request.headers
    first = headers._parts[0].first
    http11 = request.http_version >= b"1.1"
    body = request_framing(request)
    return Facts(
        body,
        keeps_alive(request),
        b"content-length" in first and b"transfer-encoding" in first,
        http11 and b"upgrade" in first and bool(list_members(headers, b"upgrade")),
        request.method == b"CONNECT",
        http11 and body != NO_BODY and expects_continue(request),
    )


def says_length(request: Request) -> bool:
    """Tell whether `request` says how long its content is; without that, it has none (RFC 9112 6.3)."""
    return request.headers._parts[0].framed


def expects_continue(request: Request) -> bool:
    """Tell whether `request` says ``Expect: 100-continue`` (RFC 9110 10.1.1)."""
    headers = request.headers
    return first_value(headers, b"expect") is not None and b"100-continue" in list_members(headers, b"expect")


def response_facts(response: Response, request_method: bytes | None, policy: Policy = STRICT) -> Facts:
    """Say what the head of `response` decides, which answers a request of `request_method`.

    A response that has no content is read whatever its fields say of a length; but who says it wrongly may send some
    nevertheless, so the connection is not used again.
    """
    first = response.headers._parts[0].first
    body = response_framing(response, request_method)
    return Facts(
        body,
        keeps_alive(response) and (body != NO_BODY or _says_length_rightly(response.headers, policy)),
        b"transfer-encoding" in first and b"content-length" in first,
    )


def _says_length_rightly(headers: Headers, policy: Policy) -> bool:
    # What a parser has found to be right is in its normal form: see `headers.normalized_length`.
    codings = headers.get_all(b"transfer-encoding")
    lengths = headers.get_all(b"content-length")
    return codings in ([], [b"chunked"]) and (not lengths or (len(lengths) == 1 and is_length(lengths[0], policy)))


def request_framing(request: Request) -> BodyFraming:
    """Decide how the body of `request` ends (RFC 9112 6.3): without any length there is none."""
    framing = _framing_by_fields(request.headers)
    return NO_BODY if framing is None else framing


def response_framing(response: Response, request_method: bytes | None) -> BodyFraming:
    """Decide how the body of `response` ends (RFC 9112 6.3): without any length it goes on until close.

    `request_method` is the method that it answers, or `None` for an answer to no request.
    """
    if has_no_content(response.status_code, request_method):
        return NO_BODY
    framing = _framing_by_fields(response.headers)
    return UNTIL_CLOSE if framing is None else framing


def _framing_by_fields(headers: Headers) -> BodyFraming | None:
    names, values, _, _ = headers._parts
    if not names.framed:
        return None
    # "Transfer-Encoding overrides the Content-Length"; the only coding that gets here is `chunked`.
    if b"transfer-encoding" in names.first:
        return CHUNKED
    # Digits alone get here, so that `int` cannot be asked for more than it should know.
    return int(values[names.first[b"content-length"]])


def is_http11(http_version: bytes | None) -> bool:
    """Tell whether a peer of this version, `None` where it is unknown, speaks HTTP/1.1 or later."""
    return http_version is not None and http_version >= b"1.1"


def keeps_alive(head: Request | Response) -> bool:
    """Tell whether the connection may be used again after this message (RFC 9112 9.3).

    HTTP/1.0 connections never are: what its ``keep-alive`` means in the presence of proxies is anybody's guess.
    """
    if head.http_version < b"1.1":
        return False
    names, values, _, _ = head.headers._parts
    if names.connection >= 0 and b"close" not in values[names.connection].lower():
        return True
    return b"connection" not in names.first or b"close" not in list_members(head.headers, b"connection")


def has_no_content(status_code: int, request_method: bytes | None) -> bool:
    """Tell whether a final response has no content, whatever its fields say (RFC 9112 6.3)."""
    return status_code in _WITHOUT_CONTENT or request_method == b"HEAD" or _grants_tunnel(status_code, request_method)


def why_no_content(response: Response, request_method: bytes | None) -> ErrorCode | None:
    """Return the code of the error to send content in `response`, or `None` where it may have some."""
    if request_method == b"HEAD":
        return "content-in-head-response"
    if response.status_code == 204:  # noqa: PLR2004 - No Content
        return "content-in-204"
    if response.status_code == 304:  # noqa: PLR2004 - Not Modified
        return "content-in-304"
    return None


def accepts_connect(response: Response, request_method: bytes | None) -> bool:
    """Tell whether the server grants a tunnel (RFC 9110 9.3.6)."""
    return _grants_tunnel(response.status_code, request_method)


def _grants_tunnel(status_code: int, request_method: bytes | None) -> bool:
    return request_method == b"CONNECT" and 200 <= status_code < 300  # noqa: PLR2004 - the class 2xx


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
