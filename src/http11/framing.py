"""What a message's head decides: how long its body is, what becomes of the connection, and what we must send.

Body length is RFC 9112 section 6.3, persistence section 9.3, `Expect` RFC 9110 section 10.1.1, `Upgrade` section 7.8
and `CONNECT` section 9.3.6. Pure decisions, each a function of what it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from http11._runtime import i64
from http11.errors import ErrorCode, LocalProtocolError, violation
from http11.events import InformationalResponse, Response, new_informational_response, new_response
from http11.fields import Fields, all_values, list_members, raw_of
from http11.grammar import COMPILED
from http11.headers import Headers
from http11.parts import RequestParts, ResponseParts, fill_response
from http11.policy import STRICT
from http11.rules import ends_with_other_coding, is_before_http11, is_length, received_headers
from http11.tolerances import Tolerances

__all__ = [
    "CHUNKED",
    "NOTHING_OUTGOING",
    "NO_BODY",
    "UNTIL_CLOSE",
    "BodyFraming",
    "Outgoing",
    "RequestFacts",
    "ResponseFacts",
    "after_data",
    "check_end",
    "expects_continue",
    "grants_tunnel",
    "has_no_content",
    "informational_to_send",
    "is_chunked",
    "is_http11",
    "request_facts",
    "request_framing",
    "response_facts",
    "response_framing",
    "response_to_send",
    "says_length",
    "why_no_content",
]

BodyFraming: TypeAlias = int | Literal["chunked", "until-close"]
"""How a body's end is found: by its length, in bytes; by its last chunk; or by the end of the connection."""

NO_BODY: Final = 0
CHUNKED: Final[Literal["chunked"]] = "chunked"
UNTIL_CLOSE: Final[Literal["until-close"]] = "until-close"


# --- what the fields of either kind say -----------------------------------------------------------------------------


def _length(fields: Fields) -> BodyFraming | None:
    # "Transfer-Encoding overrides the Content-Length"; without a tolerance, `chunked` alone gets here.
    if fields._transfer_encoding is not None:
        if _is_chunked(fields):
            return CHUNKED
        codings = b",".join(all_values(fields, b"transfer-encoding")).lower()
        return UNTIL_CLOSE if ends_with_other_coding(codings) else CHUNKED
    length = fields._content_length
    # Digits alone get here, so that `int` cannot be asked for more than it should know.
    return None if length is None else _number(length)


def _is_chunked(fields: Fields) -> bool:
    if fields._transfer_encoding != b"chunked":
        return False
    return not fields._repeated or len(all_values(fields, b"transfer-encoding")) == 1


def _number(digits: bytes) -> int:
    if not COMPILED or len(digits) > _WORD_DIGITS:
        return int(digits)
    # mypyc makes a loop of it that takes a third of the time.
    number: i64 = 0  # pragma: no cover - compiled only
    for digit in digits:  # pragma: no cover
        number = number * 10 + digit - 0x30  # pragma: no cover
    return number  # pragma: no cover


# So many decimal digits fit into a machine word.
_WORD_DIGITS: Final = 18


def _has_length_and_coding(fields: Fields) -> bool:
    return fields._transfer_encoding is not None and fields._content_length is not None


def _says_close(fields: Fields) -> bool:
    option = fields._connection
    # What nearly all say, where they say anything.
    if option is None or (option == b"keep-alive" and not fields._repeated):
        return False
    return b"close" in list_members(all_values(fields, b"connection"))


_HTTP10: Final = b"1.0"


def _keeps_http10(fields: Fields, http_version: bytes, policy: Tolerances) -> bool:
    """Tell whether a message with these fields agrees to use an HTTP/1.0 connection again (RFC 9112 9.3 and C.2.2).

    With a Transfer-Encoding the framing is faulty there, and the connection ends whatever else is said (RFC 9112 6.1).
    """
    if not policy.keep_alive_in_http10 or http_version != _HTTP10 or fields._transfer_encoding is not None:
        return False
    options = list_members(all_values(fields, b"connection"))
    return b"keep-alive" in options and b"close" not in options


def is_http11(http_version: bytes | None) -> bool:
    """Tell whether a peer of this version, `None` where it is unknown, speaks HTTP/1.1 or later."""
    return http_version is not None and not is_before_http11(http_version)


# --- requests -------------------------------------------------------------------------------------------------------

RequestFacts: TypeAlias = tuple[BodyFraming, bool, bool, bool]
"""What the head of a request says: how its body ends; whether the connection may be used again; whether it proposes an
Upgrade; and whether the client waits for a 100 before it sends the body."""


def request_facts(
    request: RequestParts, trusts_two_lengths: bool = True, policy: Tolerances = STRICT._tolerances
) -> RequestFacts:
    """Say what the head of `request` decides.

    A message that says its length in two ways may have been understood in another way by somebody else, so what follows
    it cannot be trusted: closing is a MUST (RFC 9112 6.1), unless the caller `trusts_two_lengths`.

    "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request" (RFC 9110 7.8), and "a server
    that receives a 100-continue expectation in an HTTP/1.0 request MUST ignore that expectation" (RFC 9110 10.1.1).
    Nobody waits to send nothing: "a client MUST NOT generate a 100-continue expectation in a request that does not
    include content".
    """
    fields: Fields = request.headers
    length = _length(fields)
    body = NO_BODY if length is None else length
    if is_before_http11(request.http_version):
        # What `keep-alive` means where there are proxies is anybody's guess, so a policy has to ask for it.
        return body, _is_for_origin(request) and _keeps_http10(fields, request.http_version, policy), False, False
    return (
        body,
        not _says_close(fields) and (trusts_two_lengths or not _has_length_and_coding(fields)),
        fields._upgrade is not None and len(list_members(all_values(fields, b"upgrade"))) > 0,
        fields._expect is not None and body != NO_BODY and expects_continue(request),
    )


def _is_for_origin(request: RequestParts) -> bool:
    # "A proxy server MUST NOT maintain a persistent connection with an HTTP/1.0 client" (RFC 9112 9.3), and a client
    # writes a whole URI or a CONNECT to a proxy.
    return request.target.startswith((b"/", b"*")) and request.method != b"CONNECT"


def request_framing(request: RequestParts) -> BodyFraming:
    """Decide how the body of `request` ends (RFC 9112 6.3): without any length there is none."""
    framing = _length(request.headers)
    return NO_BODY if framing is None else framing


def says_length(request: RequestParts) -> bool:
    """Tell whether `request` says how long its content is; without that, it has none (RFC 9112 6.3)."""
    fields: Fields = request.headers
    return fields._content_length is not None or fields._transfer_encoding is not None


def expects_continue(request: RequestParts) -> bool:
    """Tell whether `request` says ``Expect: 100-continue`` (RFC 9110 10.1.1)."""
    fields: Fields = request.headers
    return fields._expect is not None and b"100-continue" in list_members(all_values(fields, b"expect"))


# --- responses ------------------------------------------------------------------------------------------------------

# No Content and Not Modified.
_NO_CONTENT: Final = 204
_NOT_MODIFIED: Final = 304

ResponseFacts: TypeAlias = tuple[BodyFraming, bool]
"""What the head of a final response says: how its body ends; and whether the connection may be used again."""


def response_facts(
    response: ResponseParts,
    request_method: bytes | None,
    policy: Tolerances = STRICT._tolerances,
    trusts_two_lengths: bool = True,
) -> ResponseFacts:
    """Say what the head of `response` decides, which answers a request of `request_method`, or none.

    One that has no content is read whatever its fields say of a length; but who says it wrongly may send some
    nevertheless, so the connection is not used again. Nor is it after a transfer coding that only a tolerance lets in,
    which somebody else may have understood in another way. For two lengths, see `request_facts`.
    """
    fields: Fields = response.headers
    body: BodyFraming = NO_BODY
    rightly = True
    if has_no_content(response.status_code, request_method):
        rightly = _says_length_rightly(fields, policy)
    else:
        framing = _length(fields)
        body = UNTIL_CLOSE if framing is None else framing
        if policy.tolerant and fields._transfer_encoding is not None:
            rightly = _is_chunked(fields)
    version = response.http_version
    if is_before_http11(version):
        return body, rightly and body != UNTIL_CLOSE and _keeps_http10(fields, version, policy)
    keep_alive = not _says_close(fields) and rightly
    return body, keep_alive and (trusts_two_lengths or not _has_length_and_coding(fields))


def has_no_content(status_code: int, request_method: bytes | None) -> bool:
    """Tell whether a final response has no content, whatever its fields say (RFC 9112 6.3)."""
    if status_code == _NO_CONTENT or status_code == _NOT_MODIFIED or request_method == b"HEAD":  # noqa: PLR1714, SIM109
        return True
    return request_method == b"CONNECT" and grants_tunnel(status_code)


def why_no_content(status_code: int, request_method: bytes | None) -> ErrorCode | None:
    """Return the code of the error to send content in such a response, or `None` where it may have some."""
    if request_method == b"HEAD":
        return "content-in-head-response"
    if status_code == _NO_CONTENT:
        return "content-in-204"
    if status_code == _NOT_MODIFIED:
        return "content-in-304"
    return None


def response_framing(response: ResponseParts, request_method: bytes | None) -> BodyFraming:
    """Decide how the body of `response` ends (RFC 9112 6.3): without any length it goes on until close.

    `request_method` is the method that it answers, or `None` for an answer to no request.
    """
    return response_facts(response, request_method)[0]


def _says_length_rightly(fields: Fields, policy: Tolerances) -> bool:
    # What a parser has found to be right is in its normal form: see `rules.normalized_length`.
    if fields._transfer_encoding is not None and not _is_chunked(fields):
        return False
    lengths = all_values(fields, b"content-length")
    return not lengths or (len(lengths) == 1 and is_length(lengths[0], policy))


def grants_tunnel(status_code: int) -> bool:
    """Tell whether a final response to CONNECT grants the tunnel (RFC 9110 9.3.6)."""
    return 200 <= status_code < 300  # noqa: PLR2004 - the class 2xx


# --- a body that is sent --------------------------------------------------------------------------------------------

Outgoing: TypeAlias = tuple[BodyFraming, int, ErrorCode | None]
"""A body that is being sent: how its end is found; how many of its bytes have been sent; and the code of the error to
send any, where the message has no content whatever its length."""

NOTHING_OUTGOING: Final[Outgoing] = (NO_BODY, 0, None)
"""Before the first message."""


def is_chunked(outgoing: Outgoing) -> bool:
    """Tell whether the body is sent in chunks."""
    framing = outgoing[0]
    # By its type first: to compare an int with a str takes ten times as long.
    return not isinstance(framing, int) and framing == CHUNKED


def after_data(outgoing: Outgoing, size: int) -> Outgoing:
    """Return how far the body has got with `size` more bytes.

    Raises:
        LocalProtocolError: There are more than its length says, or there may be none.

    """
    framing, sent, no_content = outgoing
    sent += size
    if isinstance(framing, int) and sent > framing:
        # Objects, since mypyc does not let go of an int of more than 62 bits that it has formatted.
        got: object = sent
        length: object = framing
        if no_content is not None:
            message = f"expected no content in {_WITHOUT_CONTENT[no_content]}, got {got} bytes"
            raise violation(LocalProtocolError, no_content, message)
        message = f"expected {length} bytes of body, as its length says, got {got}"
        raise violation(LocalProtocolError, "too-much-body", message)
    return framing, sent, no_content


def check_end(outgoing: Outgoing, has_trailers: bool) -> None:
    """Check that a body that is not sent in chunks may end here.

    Raises:
        LocalProtocolError: There are less bytes than its length says, or trailers (RFC 9112 7.1.2).

    """
    framing, sent, _ = outgoing
    if has_trailers:
        message = "expected trailers in a chunked message only, got some in another"
        raise violation(LocalProtocolError, "trailers-without-chunked", message)
    if isinstance(framing, int) and framing != sent:
        length: object = framing
        got: object = sent
        message = f"expected {length} bytes of body, as its length says, got {got} and the end"
        raise violation(LocalProtocolError, "too-little-body", message)


_WITHOUT_CONTENT: Final[Mapping[ErrorCode, str]] = {
    "content-in-head-response": "an answer to HEAD",
    "content-in-204": "a 204 (No Content)",
    "content-in-304": "a 304 (Not Modified)",
    "content-without-length": "a request with neither Content-Length nor Transfer-Encoding",
}


# --- what we send ---------------------------------------------------------------------------------------------------


def informational_to_send(response: InformationalResponse) -> InformationalResponse:
    """Return `response` as it goes on the wire: no 1xx may have a length (RFC 9110 8.6, RFC 9112 6.1)."""
    headers = _without_length(response.headers)
    if headers is response.headers:
        return response
    sent = new_informational_response()
    fill_response(sent, headers, response.http_version, response.reason, response.status_code)
    return sent


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
    head: ResponseParts = response
    headers = head.headers
    fields: Fields = headers
    chunked = fields._transfer_encoding is not None
    has_length = fields._content_length is not None
    close = not keep_alive
    code: int = head.status_code
    older = not is_http11(peer_version)
    if code == _NO_CONTENT or (request_method == b"CONNECT" and grants_tunnel(code)):
        headers = _without_length(headers)
    elif older:
        # The fields for HEAD are those for GET (RFC 9110 9.3.2), so they are chosen as if a body followed.
        if request_method != b"HEAD" and code != _NOT_MODIFIED and (chunked or not has_length):
            close = True
        # "A server MUST NOT send a response containing Transfer-Encoding unless the corresponding request indicates
        # HTTP/1.1" (RFC 9112 6.1). A length beside it is no better: it was not what said how long the body is.
        headers = _without_length(headers) if chunked else headers
    elif chunked:
        if has_length:
            headers = _without(headers, b"content-length")
    elif code != _NOT_MODIFIED and not has_length:
        headers = _with(headers, b"Transfer-Encoding", b"chunked")
    # Where h11 says `close` it writes Connection anew, and its users compare; where it forgets to, theirs may stand.
    if close or (last and not _says_close_only(headers)):
        headers = _with_close(headers)
    elif older and peer_version is not None:
        headers = _with_keep_alive(headers)
    if headers is head.headers:
        return response
    sent = new_response()
    fill_response(sent, headers, head.http_version, head.reason, code)
    return sent


def _without_length(headers: Headers) -> Headers:
    fields: Fields = headers
    if fields._content_length is not None or fields._transfer_encoding is not None:
        return _without(_without(headers, b"content-length"), b"transfer-encoding")
    return headers


def _says_close_only(headers: Headers) -> bool:
    options = list_members(all_values(headers, b"connection"))
    return b"close" in options and b"keep-alive" not in options


def _with_close(headers: Headers) -> Headers:
    options = {b"close", *list_members(all_values(headers, b"connection"))} - {b"keep-alive"}
    headers = _without(headers, b"connection")
    for option in sorted(options):
        headers = _with(headers, b"Connection", option)
    return headers


def _with_keep_alive(headers: Headers) -> Headers:
    # What has been agreed on with an HTTP/1.0 client holds if the answer says so (RFC 9112 9.3).
    options = list_members(all_values(headers, b"connection"))
    if b"close" in options:
        return _with_close(headers)
    return headers if b"keep-alive" in options else _with(headers, b"Connection", b"keep-alive")


def _without(fields: Fields, name: bytes) -> Headers:
    return received_headers([field for field in raw_of(fields) if field[0].lower() != name], fields._strict)


def _with(fields: Fields, name: bytes, value: bytes) -> Headers:
    return received_headers([*raw_of(fields), (name, value)], fields._strict)
