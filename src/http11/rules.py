"""What a message's head must keep as a whole, and its trailers, whoever made them (RFC 9112 3.2, 5, 6; RFC 9110 6.5.1).

The checks serve both directions: a constructor calls them with `SENDING` and blames the caller, a parser calls them
with its own policy and blames the peer. `check_...` raises; `normalized_...` returns the fields as well, in their one
normal form. `init_...` is the whole of an event's constructor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Final, Literal

import attrs

from http11 import explaining, grammar
from http11.errors import ErrorCode, ErrorT, LocalProtocolError, Tolerance, clipped, violation
from http11.fields import Field, Fields, all_values, as_bytes, is_empty, pairs_of, raw_of, take_checked, take_received
from http11.grammar import COMPILED, DIGITS_RUN, HOST_NAME_RUN, HTTP11, TARGET_RUN, TOKEN_RUN, VALUE_RUN, run_end
from http11.headers import Headers, new_headers
from http11.parts import (
    DataParts,
    EndParts,
    RequestParts,
    ResponseParts,
    fill_data,
    fill_end,
    fill_request,
    fill_response,
)
from http11.policy import STRICT
from http11.tolerances import Tolerances

__all__ = [
    "FORBIDDEN_TRAILERS",
    "NO_FIELDS",
    "SENDING",
    "as_headers",
    "check_no_content",
    "check_trailers",
    "ends_with_other_coding",
    "init_data",
    "init_end",
    "init_request",
    "init_response",
    "is_before_http11",
    "is_length",
    "is_preface",
    "normalized_length",
    "normalized_request_fields",
    "received_headers",
    "status_code_of",
]

SENDING: Final[Tolerances] = attrs.evolve(STRICT, repeated_length_in_request=True)._tolerances
"""By what a constructor validates: strict, except that a length that was said twice becomes one."""

NO_FIELDS: Final = Headers()
"""What most `EndOfMessage` have."""


# In a name of this module's own: a compiled build finds it without a lookup.
_new: Final = new_headers
_USER: Final = LocalProtocolError
_Headers: Final = Headers

# --- constructors ---------------------------------------------------------------------------------------------------


def init_request(event: RequestParts, method: object, target: object, headers: object, http_version: object) -> None:
    """Fill a `Request` with what a caller gives, if a sender may send it."""
    if event._filled if COMPILED else hasattr(event, "method"):
        raise attrs.exceptions.FrozenInstanceError
    checked_method, checked_target = as_bytes(method, "the method"), as_bytes(target, "the target")
    version = http_version if http_version is HTTP11 else as_bytes(http_version, "the HTTP version")
    if not checked_method or run_end(TOKEN_RUN, checked_method) < len(checked_method):
        message = f"expected a method of token characters, got {clipped(checked_method)}"
        raise violation(LocalProtocolError, "bad-method", message)
    if not checked_target or run_end(TARGET_RUN, checked_target) < len(checked_target):
        found = explaining.run_flaw(TARGET_RUN, checked_target)
        message = f"expected a target of visible ASCII without '#', got {found}"
        raise violation(LocalProtocolError, "bad-target", message)
    fields = as_headers(headers)
    if version is not HTTP11:
        if not is_preface(checked_method, checked_target, version):
            _check_version(version)
        elif not is_empty(fields):
            message = "expected no field after the HTTP/2 preface, got one"
            raise violation(LocalProtocolError, "unsupported-version", message)
    fields = normalized_request_fields(checked_method, checked_target, fields, version, SENDING, _USER)
    fill_request(event, fields, version, checked_method, checked_target)


def init_response(  # noqa: PLR0917 - called for each event, and names take time
    event: ResponseParts, lowest: int, status_code: object, headers: object, http_version: object, reason: object
) -> None:
    """Fill a response with what a caller gives, if a sender may send it; `lowest` says of which class, 100 or 200."""
    if event._filled if COMPILED else hasattr(event, "status_code"):
        raise attrs.exceptions.FrozenInstanceError
    highest = 199 if lowest == 100 else 999  # noqa: PLR2004 - the class 1xx
    if type(status_code) is int and lowest <= status_code <= highest:
        code = status_code
    else:
        code = status_code_of(status_code, lowest, highest)
    version = http_version if http_version is HTTP11 else as_bytes(http_version, "the HTTP version")
    if version is not HTTP11:
        _check_version(version)
    phrase = reason if type(reason) is bytes else as_bytes(reason, "the reason")
    if phrase and run_end(VALUE_RUN, phrase) < len(phrase):
        found = explaining.run_flaw(VALUE_RUN, phrase)
        message = f"expected a reason of visible characters, SP and HTAB, got {found}"
        raise violation(LocalProtocolError, "bad-reason", message)
    fields = normalized_length(
        as_headers(headers),
        of_request=False,
        http10=is_before_http11(version),
        policy=SENDING,
        blame=_USER,
    )
    fill_response(event, fields, version, phrase, code)


def init_data(event: DataParts, data: object, chunk_start: object, chunk_end: object) -> None:
    """Fill a `Data` with what a caller gives: bytes, or any other object with a length in bytes."""
    if event._filled if COMPILED else hasattr(event, "data"):
        raise attrs.exceptions.FrozenInstanceError
    payload = data if type(data) is bytes else _payload(data)
    fill_data(event, bool(chunk_end), bool(chunk_start), payload)


def _payload(data: object) -> object:
    try:
        return as_bytes(data, "the data")
    except TypeError:
        if isinstance(data, Sized):
            return data
        raise


def init_end(event: EndParts, headers: object) -> None:
    """Fill an `EndOfMessage` with what a caller gives, if a sender may send it."""
    if event._filled if COMPILED else hasattr(event, "headers"):
        raise attrs.exceptions.FrozenInstanceError
    fields = as_headers(headers)
    if fields is not NO_FIELDS:
        check_trailers(fields, policy=SENDING, blame=_USER)
    fill_end(event, fields)


def as_headers(fields: object) -> Headers:
    """Return what ``Headers(fields)`` does; itself, if it is one by whose bytes the strict grammar stands."""
    # By its type: `Headers` has no subclasses, and `isinstance` asks an abstract base class at length.
    if type(fields) is _Headers and fields._strict:
        return fields
    if isinstance(fields, tuple) and not fields:
        return NO_FIELDS
    headers = _new()
    # What is not iterable is a TypeError there.
    take_checked(headers, fields)  # type: ignore[arg-type] # ty: ignore[invalid-argument-type]
    return headers


def received_headers(raw: list[Field], strict: bool) -> Headers:
    """Make a `Headers` of pairs that have been checked already; `strict` tells whether by the strict grammar."""
    headers = _new()
    take_received(headers, raw, strict)
    return headers


# --- start lines ----------------------------------------------------------------------------------------------------


def is_before_http11(http_version: bytes) -> bool:
    """Tell whether this is a version before HTTP/1.1."""
    return http_version is not HTTP11 and http_version < HTTP11


def is_preface(method: bytes, target: bytes, http_version: bytes) -> bool:
    """Tell whether this is the HTTP/2 preface's request line (RFC 9113 3.4)."""
    return http_version == b"2.0" and method == b"PRI" and target == b"*"


def _check_version(http_version: bytes) -> None:
    if grammar.HTTP_VERSION.fullmatch(http_version) is None or http_version[:1] != b"1":
        raise violation(
            LocalProtocolError,
            "bad-version",
            f"expected an HTTP version like b'1.1', got {clipped(http_version)}",
        )


def status_code_of(status_code: object, lowest: int, highest: int) -> int:
    """Return a status code as a plain int, if it lies between the two."""
    if not isinstance(status_code, int):
        raise violation(
            LocalProtocolError,
            "bad-status-code",
            f"expected an int as status code, got {type(status_code).__name__}",
        )
    plain = int(status_code)
    if not lowest <= plain <= highest:
        found = explaining.number_name(plain)
        raise violation(
            LocalProtocolError,
            "bad-status-code",
            f"expected a status code of {lowest} to {highest}, got {found}",
        )
    return plain


def _check_target(method: bytes, target: bytes, policy: Tolerances, blame: type[ErrorT]) -> None:
    """Check that the form of `target` goes with `method` (RFC 9112 3.2)."""
    if method == b"CONNECT":
        if not policy.any_connect_target and grammar.CONNECT_TARGET.fullmatch(target) is None:
            found = explaining.connect_target_flaw(target)
            raise violation(
                blame,
                "bad-connect-target",
                f"expected a host, ':' and a port of 1 to 65535 as the target of CONNECT, got {found}",
            )
    elif target.startswith(b"/") or policy.any_target:
        return
    elif target == b"*":
        if method != b"OPTIONS":
            raise violation(blame, "bad-target-form", f"expected '*' with OPTIONS only, got {clipped(method)}")
    elif not _is_absolute_form(target):
        found = explaining.absolute_form_flaw(target)
        raise violation(blame, "bad-target-form", f"expected a target of '/...' or 'scheme:...', got {found}")


# Schemes whose URIs must name a host, and may not name a user (RFC 9110 4.2.1 to 4.2.4, RFC 6455 3).
_HOST_SCHEMES: Final = frozenset([b"http", b"https", b"ws", b"wss"])


def _is_absolute_form(target: bytes) -> bool:
    # `example.com:80` is an absolute URI too, to the letter; nobody who sends it means that.
    if grammar.AUTHORITY_FORM.fullmatch(target) is not None:
        return False
    match = grammar.ABSOLUTE_FORM.fullmatch(target)
    if match is None:
        return False
    scheme: bytes = match[1]
    if scheme.lower() not in _HOST_SCHEMES:
        return True
    authority: bytes | None = match[2]
    return authority is not None and authority != b"" and grammar.HOST.fullmatch(authority) is not None


_SLASH: Final = 0x2F

# --- what the fields of a request keep together ---------------------------------------------------------------------


def normalized_request_fields(  # noqa: PLR0917 - called for each message, and names take time
    method: bytes, target: bytes, headers: Headers, http_version: bytes, policy: Tolerances, blame: type[ErrorT]
) -> Headers:
    """Check what the target and the fields of a request must keep together (RFC 9112 3.2 and 6)."""
    # A target in origin-form goes with every method but CONNECT, and has no authority that Host could differ from.
    origin_form = len(target) > 0 and target[0] == _SLASH and method != b"CONNECT"
    if not origin_form and not is_preface(method, target, http_version):
        _check_target(method, target, policy, blame)
    _check_host(headers, method, http_version, policy, blame)
    if not origin_form:
        _check_authority(headers, method, target, policy, blame)
    headers = normalized_length(
        headers, of_request=True, http10=is_before_http11(http_version), policy=policy, blame=blame
    )
    if method == b"CONNECT" and not policy.content_in_connect:
        check_no_content(headers, blame, "content-in-connect")
    return headers


def _check_host(fields: Fields, method: bytes, http_version: bytes, policy: Tolerances, blame: type[ErrorT]) -> None:
    """Check the Host of a request (RFC 9112 3.2)."""
    host = fields._host
    if host is None:
        # HTTP/1.2 to 1.9 are read as 1.1; what only a tolerance lets in, such as HTTP/2.0, is not held to its rules.
        is_11 = http_version is HTTP11 or HTTP11 <= http_version <= b"1.9"
        if is_11 and not (policy.connect_without_host and method == b"CONNECT"):
            raise violation(
                blame,
                "missing-host",
                "expected a Host field in an HTTP/1.1 request, got none",
                tolerance="connect_without_host" if method == b"CONNECT" else None,
            )
        return
    if fields._repeated and (count := len(all_values(fields, b"host"))) > 1:
        raise violation(blame, "repeated-host", f"expected one Host field, got {count}")
    # Most are a name; the pattern of all takes twice as long.
    if run_end(HOST_NAME_RUN, host) < len(host) and not policy.any_host and grammar.HOST.fullmatch(host) is None:
        found = explaining.host_flaw(host)
        raise violation(blame, "bad-host", f"expected Host to be empty or a host and perhaps a port, got {found}")


def _check_authority(fields: Fields, method: bytes, target: bytes, policy: Tolerances, blame: type[ErrorT]) -> None:
    """Check that a target with an authority names the same one as Host does (RFC 9112 3.2)."""
    host = fields._host
    if policy.host_mismatch or host is None or target.startswith((b"/", b"*")):
        return
    if not _names_the_same(method, target, host):
        raise violation(blame, "host-mismatch", "expected Host to be the authority of the target, got another")


def check_no_content(
    fields: Fields,
    blame: type[ErrorT],
    code: Literal["content-in-connect", "content-in-informational-response"],
) -> None:
    """Check that a message that can have no content says nothing of any.

    What follows a CONNECT is the tunnel's (RFC 9110 9.3.6), and what follows a 1xx response is the next one (RFC 9110
    15.2): a reader who took it for content would part from us there.
    """
    length = fields._content_length
    if fields._transfer_encoding is not None or (length is not None and length.strip(b"0") != b""):
        raise violation(blame, code, f"expected {_WITHOUT_CONTENT[code]} without content, got one with a length")


_WITHOUT_CONTENT: Final[Mapping[ErrorCode, str]] = {
    "content-in-connect": "a CONNECT",
    "content-in-informational-response": "a 1xx response",
}


def _names_the_same(method: bytes, target: bytes, host: bytes) -> bool:
    # "identical to that authority component, excluding any userinfo subcomponent and its '@' delimiter" (RFC 9112 3.2)
    if method == b"CONNECT":
        found, port = _host_and_port(b"", host)
        return (found, port or _host_and_port(b"", target)[1]) == _host_and_port(b"", target)
    absolute = grammar.ABSOLUTE_FORM.fullmatch(target)
    if absolute is None:
        return True
    scheme: bytes = absolute[1]
    authority: bytes | None = absolute[2]
    if authority is None:
        return True
    scheme = scheme.lower()
    return _host_and_port(scheme, authority.rpartition(b"@")[2]) == _host_and_port(scheme, host)


_DEFAULT_PORTS: Final[Mapping[bytes, bytes]] = {
    b"http": b"80",
    b"https": b"443",
    b"ws": b"80",
    b"wss": b"443",
}


def _host_and_port(scheme: bytes, authority: bytes) -> tuple[bytes, bytes]:
    # "http://example.com:80" and "http://EXAMPLE.com:" are the same origin (RFC 9110 4.2.3).
    match = grammar.HOST.fullmatch(authority)
    host: bytes | None = None if match is None else match[1]
    port: bytes | None = None if match is None else match[2]
    if host is None:
        return authority.lower(), b""
    return host.lower(), b"" if port is None or port == _DEFAULT_PORTS.get(scheme) else port


# --- how long a message is ------------------------------------------------------------------------------------------


def normalized_length(
    headers: Headers,
    *,
    of_request: bool,
    http10: bool,
    policy: Tolerances,
    blame: type[ErrorT],
    received_response: bool = False,
) -> Headers:
    """Check the fields that say how long a message is (RFC 9112 6).

    In the normal form equal lengths have become one, and the transfer coding is in lower case. Only a response that is
    received may have another coding, which stays as it is, where `policy` tolerates it.
    """
    fields: Fields = headers
    length = fields._content_length
    coding = fields._transfer_encoding
    if coding is not None:
        headers = _with_checked_coding(headers, coding, policy if received_response else None, blame)
        if http10 and not policy.transfer_encoding_in_http10:
            raise violation(
                blame,
                "transfer-encoding-in-http10",
                "expected no Transfer-Encoding in an HTTP/1.0 message, got one",
            )
    if length is not None:
        # One, and of fewer digits than anybody could stumble over.
        if fields._repeated or not _is_short_length(length):
            lengths = all_values(fields, b"content-length")
            headers = _with_checked_length(headers, lengths, of_request=of_request, policy=policy, blame=blame)
        if coding is not None and of_request and not policy.length_and_chunked_in_request:
            raise violation(
                blame,
                "transfer-encoding-and-content-length",
                "expected either Transfer-Encoding or Content-Length in a request, got both",
            )
    return headers


def _with_checked_coding(headers: Headers, coding: bytes, policy: Tolerances | None, blame: type[ErrorT]) -> Headers:
    # `chunked` alone is all that we can read.
    if coding == b"chunked" and not headers._repeated:
        return headers
    # Several field lines are one list (RFC 9110 5.3).
    codings = all_values(headers, b"transfer-encoding")
    if codings == [b"chunked"]:
        return headers
    joined = b",".join(codings).lower()
    if joined == b"chunked":
        return _replaced(headers, b"transfer-encoding", joined)
    tolerance: Tolerance | None = None
    if policy is not None:
        if ends_with_other_coding(joined):
            tolerance = "any_last_coding_in_response"
            if policy.any_last_coding_in_response:
                return headers
        elif grammar.REPEATED_CHUNKED.fullmatch(joined) is not None:
            tolerance = "repeated_chunked_in_response"
            if policy.repeated_chunked_in_response:
                return headers
    code, found = explaining.coding_flaw([coding.lower() for coding in codings])
    raise violation(blame, code, f"expected the transfer coding 'chunked' alone, got {found}", tolerance=tolerance)


def ends_with_other_coding(codings: bytes) -> bool:
    """Tell whether a list of transfer codings, in lower case, is one whose last is not `chunked` (RFC 9112 6.3)."""
    match = grammar.CODINGS.fullmatch(codings)
    last: bytes | None = None if match is None else match[1]
    return last is not None and last != b"chunked"


# More than this many digits may not be a number that every reader can hold: 2^63 - 1 has 19.
_LENGTH_DIGITS: Final = 19
_LONG_LENGTH_DIGITS: Final = 20
_LENGTH_MAX: Final = 2**63 - 1


def _is_short_length(value: bytes) -> bool:
    return 0 < len(value) < _LENGTH_DIGITS and run_end(DIGITS_RUN, value) == len(value)


def is_length(value: bytes, policy: Tolerances) -> bool:
    """Tell whether `value` is one Content-Length."""
    if grammar.CONTENT_LENGTH.fullmatch(value) is None:
        return False
    if policy.long_lengths:
        return len(value) <= _LONG_LENGTH_DIGITS
    # The number of digits first: `int` takes its time for thousands of them.
    return len(value) <= _LENGTH_DIGITS and int(value) <= _LENGTH_MAX


def _with_checked_length(
    headers: Headers, fields: list[bytes], *, of_request: bool, policy: Tolerances, blame: type[ErrorT]
) -> Headers:
    lengths = [length.strip(b" \t") for length in b",".join(fields).split(b",")]
    wrong = next((place for place, length in enumerate(lengths) if not is_length(length, policy)), None)
    if wrong is not None:
        digits = _LONG_LENGTH_DIGITS if policy.long_lengths else _LENGTH_DIGITS
        most = f"{digits} digits" if policy.long_lengths else f"{digits} digits, below 2^63"
        found = explaining.length_flaw(fields, wrong, digits)
        raise violation(blame, "bad-content-length", f"expected a Content-Length of 1 to {most}, got {found}")
    # Compared as they are written: a reader that compares numbers and one that compares text would part over 5 and 05.
    if any(length != lengths[0] for length in lengths):
        raise violation(
            blame,
            "conflicting-content-length",
            f"expected one Content-Length, got {len(lengths)} that differ",
        )
    if len(lengths) == 1:
        return headers
    if of_request and not policy.repeated_length_in_request:
        raise violation(
            blame,
            "repeated-content-length",
            f"expected one Content-Length in a request, got {len(lengths)} that are equal",
        )
    return _replaced(headers, b"content-length", lengths[0])


def _replaced(headers: Headers, name: bytes, value: bytes) -> Headers:
    # The first field of that name keeps its place and spelling; the others go.
    raw: list[Field] = []
    done = False
    for spelled, found in raw_of(headers):
        if spelled.lower() != name:
            raw.append((spelled, found))
        elif not done:
            raw.append((spelled, value))
            done = True
    return received_headers(raw, headers._strict)


# --- trailers -------------------------------------------------------------------------------------------------------

# What a recipient has to know before it reads the content, or to act on (RFC 9110 6.5.1): framing, routing,
# authentication, request modifiers, response controls, and the content's format.
FORBIDDEN_TRAILERS: Final = frozenset(
    b"content-length transfer-encoding trailer te connection keep-alive proxy-connection upgrade"
    b" host max-forwards forwarded x-forwarded-for x-forwarded-host x-forwarded-proto location"
    b" authorization proxy-authorization www-authenticate proxy-authenticate cookie set-cookie"
    b" cache-control pragma expect range if-match if-none-match if-modified-since if-unmodified-since if-range"
    b" age date expires retry-after vary warning"
    b" content-encoding content-type content-range".split()
)


def check_trailers(headers: Headers, *, policy: Tolerances, blame: type[ErrorT]) -> None:
    """Check that no trailer field comes too late for what it says (RFC 9110 6.5.1)."""
    if policy.any_trailer_field:
        return
    for name, _ in pairs_of(headers):
        if name in FORBIDDEN_TRAILERS:
            raise violation(
                blame,
                "forbidden-trailer",
                f"expected a field that may stand in a trailer, got {clipped(name)}",
            )
