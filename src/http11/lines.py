"""The lines of a message: request line, status line, field lines and chunk line (RFC 9112 2.2, 3, 4, 5 and 7.1).

A section (a request's head, a response's head, or a trailer section) ends with an empty line. Until that has come, a
reader only looks for it (`find_section_end`); the one exception is a start line: a beginning that can no longer become
one (`check_beginning`), and one that is whole and wrong (`check_start_line`). Then one walk along the bytes takes the
section apart, or finds the leftmost byte that is wrong. A tolerance of the policy is a branch of the walk at the byte
that it concerns. The same walk explains a section that is too large or cut short: it raises the error, or
`IncompleteError` where nothing is wrong so far.

In the interpreter one pattern takes a well-formed section apart in a tenth of the time, so it is tried first; what it
does not match goes the way of the walk.
"""

from __future__ import annotations

from collections.abc import Mapping
from re import Pattern
from typing import Final, Literal, TypeAlias

from http11 import grammar
from http11._runtime import i64
from http11.errors import EXCERPT_SIZE, ErrorCode, RemoteProtocolError, Tolerance, byte_name, clipped, violation
from http11.fields import Field, Fields, add_received, fill_received, note_again, note_nothing
from http11.grammar import (
    ANY_VALUE_RUN,
    COMPILED,
    DIGITS_RUN,
    FRAGMENT_TARGET_RUN,
    HEX_RUN,
    HTTP11,
    NON_ASCII_FRAGMENT_TARGET_RUN,
    NON_ASCII_TARGET_RUN,
    NOT_CR_LF_RUN,
    OWS_RUN,
    TARGET_RUN,
    TOKEN_RUN,
    VALUE_RUN,
    Run,
    run_end,
)
from http11.headers import Headers, new_headers
from http11.rules import received_headers
from http11.tolerances import Tolerances

__all__ = [
    "SECTION_NAMES",
    "IncompleteError",
    "Received",
    "RequestHead",
    "ResponseHead",
    "Section",
    "check_beginning",
    "check_start_line",
    "cut",
    "explain",
    "find_line_end",
    "find_section_end",
    "has_crlf",
    "short_chunk_line",
    "skip_empty_lines",
    "split_chunk_line",
    "split_request",
    "split_response",
    "split_trailers",
]

Received: TypeAlias = bytes | bytearray
"""A buffer of what has been received."""

Section: TypeAlias = Literal["request", "response", "trailers"]
"""What ends with an empty line: a request's head, a response's head, or a trailer section."""

SECTION_NAMES: Final[Mapping[Section, str]] = {
    "request": "a request's head",
    "response": "a response's head",
    "trailers": "a trailer section",
}


class IncompleteError(Exception):
    """The bytes end where nothing is wrong yet. It never reaches a caller of `http11.parsing`."""


RequestHead: TypeAlias = tuple[bytes, bytes, bytes, Headers]
"""Method, target, version and fields of a request, as spelled but for the white space around a value."""

ResponseHead: TypeAlias = tuple[bytes, int, bytes, Headers]
"""Version, status code, reason and fields of a response, as spelled but for the white space around a value."""


ChunkLine: TypeAlias = tuple[int, int]
"""A chunk line (RFC 9112 7.1): the size of the chunk's data, and that of its extensions, in bytes."""

# In a name of this module's own: a compiled build finds it without a lookup.
_new_headers: Final = new_headers

_CR: Final = 0x0D
_LF: Final = 0x0A
_SP: Final = 0x20
_HTAB: Final = 0x09
_COLON: Final = 0x3A
_ZERO: Final = 0x30
_ONE: Final = 0x31


# --- where a section ends -------------------------------------------------------------------------------------------


def find_section_end(data: Received, start: int = 0, seen: int = 0, *, section: Section) -> int:
    """Return the index after the empty line that ends the section at `start`, or -1 if it has not arrived.

    Args:
        data: What has been received.
        start: Where the section begins.
        seen: How many bytes of it an earlier call has examined.
        section: What it is. A line that ends in LF alone counts as a line: whether it is accepted is decided when the
            section is parsed.

    """
    if seen > 0 and data.find(b"\n", start + seen) < 0:
        # The last byte of the section has to be one that nobody has seen: most pieces of a head have no LF at all.
        return -1
    if COMPILED and isinstance(data, bytes):
        return _section_end_by_loop(data, start, seen, section == "trailers")  # pragma: no cover - compiled only
    if section == "trailers" and seen < 2:  # noqa: PLR2004 - an empty line at once, where there are no fields
        if data.startswith(b"\r\n", start):
            return start + 2
        if data.startswith(b"\n", start):
            return start + 1
    # The end may have begun in the last two bytes that were seen.
    at = start + max(0, seen - 2)
    end = data.find(b"\n\r\n", at)
    bare = data.find(b"\n\n", at, end + 1 if end >= 0 else len(data))
    if bare >= 0:
        return bare + 2
    return end + 3 if end >= 0 else -1


def _section_end_by_loop(data: bytes, start: i64, seen: i64, may_be_empty: bool) -> i64:
    """Return the same: the form for a compiled build, to which a method of bytes costs as much as a hundred bytes."""
    size: i64 = len(data)
    at: i64 = start
    if may_be_empty and seen < 2 and start < size:  # noqa: PLR2004
        if data[start] == _LF:
            return start + 1
        if data[start] == _CR and start + 1 < size and data[start + 1] == _LF:
            return start + 2
    if seen > 2:  # noqa: PLR2004
        at += seen - 2
    # Of two bytes in a row one is looked at, which takes two thirds of the time: where the section ends, there is none
    # that is neither CR nor LF.
    at += 1
    while at < size:
        if data[at] <= _CR:
            end: i64 = _after_empty_line(data, at - 1)
            if end == 0:
                end = _after_empty_line(data, at)
            if end > 0:
                return end
        at += 2
    return -1


def _after_empty_line(data: bytes, at: i64) -> i64:
    """Return the index after the empty line that follows a LF at `at`; 0 where there is no such thing."""
    if data[at] != _LF:
        return 0
    return _line_end(data, at + 1, True)


def find_line_end(data: Received, start: int, seen: int = 0) -> int:
    """Return the index after the LF that ends the line at `start`, or -1 where that has not come."""
    return data.find(b"\n", start + seen) + 1 or -1


def short_chunk_line(data: Received, start: int) -> tuple[int, int]:
    """Return the size that the chunk line at `start` says, and the index after the line, if it is as nearly all are.

    That is, without extensions, of at most eight digits, and all there. Otherwise the index is -1.
    """
    if COMPILED:
        return _short_chunk_line_by_loop(data, start) if isinstance(data, bytes) else (0, -1)  # pragma: no cover
    match = grammar.SHORT_CHUNK_LINE.match(data, start)
    return (0, -1) if match is None else (int(match[1], 16), match.end())


def _short_chunk_line_by_loop(data: bytes, start: i64) -> tuple[int, int]:
    size: i64 = len(data)
    at: i64 = start
    value: i64 = 0
    while at < size and at - start <= _SHORT_SIZE_DIGITS:
        byte: i64 = data[at]
        digit: i64 = byte - 0x30
        if digit < 0 or digit > 9:  # noqa: PLR2004
            # "A" and "a" differ in one bit.
            digit = (byte | 0x20) - 0x61 + 10
            if digit < 10 or digit > 15:  # noqa: PLR2004
                break
        value = value * 16 + digit
        at += 1
    digits: i64 = at - start
    if digits == 0 or digits > _SHORT_SIZE_DIGITS or at + 1 >= size or data[at] != _CR or data[at + 1] != _LF:
        return 0, -1
    return value, at + 2


# Fewer than any policy allows.
_SHORT_SIZE_DIGITS: Final = 8


def skip_empty_lines(data: Received, start: int = 0, *, bare_lf: bool = False) -> int:
    """Return where the empty lines end that begin at `start` (RFC 9112 2.2)."""
    if data[start : start + 1] not in (b"\r", b"\n"):
        return start
    return _match_end(grammar.LENIENT_EMPTY_LINES if bare_lf else grammar.EMPTY_LINES, data, start)


def check_beginning(text: bytes, section: Section, policy: Tolerances) -> None:
    """Refuse what can no longer become a start line, however it goes on: TLS, or a client of another protocol.

    Raises:
        RemoteProtocolError: For the first byte that no start line can have there.

    """
    try:
        if section == "request":
            _method_end(text, policy)
        else:
            _version_end(text, 0, "bad-status-line", policy)
    except IncompleteError:
        return


def check_start_line(text: bytes, section: Section, policy: Tolerances) -> None:
    """Refuse a start line that is whole, with its line end, and wrong.

    Raises:
        RemoteProtocolError: For its leftmost wrong byte.

    """
    try:
        if section == "request":
            _request_line(text, policy)
        else:
            _status_line(text, policy)
    except IncompleteError:
        return


# --- whole sections -------------------------------------------------------------------------------------------------


def split_request(text: bytes, policy: Tolerances) -> RequestHead:
    """Take a request's head apart (RFC 9112 3).

    Raises:
        RemoteProtocolError: For the leftmost wrong byte; the offset is an index of `text`.
        IncompleteError: `text` ends before the head does.

    """
    match = None if COMPILED else grammar.REQUEST_HEAD.fullmatch(text)
    if match is not None and match.end(1) <= policy.max_method_size:
        fields = _well_formed_fields(text, match.end(3), policy)
        if fields is not None:
            return match[1], match[2], _version_before(text, match.end(3)), fields
    method, target, version, at = _request_line(text, policy)
    return method, target, version, _fields(text, at, "request", policy)


def split_response(text: bytes, policy: Tolerances, left_out: list[bytes] | None = None) -> ResponseHead:
    """Take a response's head apart (RFC 9112 4); `left_out` takes the lines that are left out, if any are.

    Raises:
        RemoteProtocolError: For the leftmost wrong byte; the offset is an index of `text`.
        IncompleteError: `text` ends before the head does.

    """
    match = None if COMPILED else grammar.RESPONSE_HEAD.fullmatch(text)
    if match is not None:
        fields = _well_formed_fields(text, text.index(b"\n") - 1, policy)
        if fields is not None:
            return _version_before(text, match.end(1)), int(match[2]), match[3] or b"", fields
    version, code, reason, at = _status_line(text, policy)
    return version, code, reason, _fields(text, at, "response", policy, left_out)


def split_trailers(text: bytes, policy: Tolerances) -> Headers:
    """Take a trailer section apart (RFC 9112 7.1.2).

    Raises:
        RemoteProtocolError: For the leftmost wrong byte; the offset is an index of `text`.
        IncompleteError: `text` ends before the section does.

    """
    if not COMPILED and grammar.TRAILER_SECTION.fullmatch(text) is not None:
        fields = _well_formed_fields(text, -2, policy)
        if fields is not None:
            return fields
    return _fields(text, 0, "trailers", policy)


def explain(text: bytes, section: Section, policy: Tolerances) -> None:
    """Raise the error for the leftmost wrong byte of the beginning of a section, if there is one.

    Raises:
        RemoteProtocolError: For that byte; the offset is an index of `text`.

    """
    try:
        if section == "request":
            split_request(text, policy)
        elif section == "response":
            split_response(text, policy)
        else:
            split_trailers(text, policy)
    except IncompleteError:
        return


def _well_formed_fields(text: bytes, start_line_end: int, policy: Tolerances) -> Headers | None:
    """Return the fields of a section that a pattern has matched; None where there are too many."""
    fields: list[Field] = grammar.FIELD_LINES.findall(text, start_line_end + 2)
    if policy.max_fields is not None and len(fields) > policy.max_fields:
        return None
    # `find`, since `in` tries the bytes as an int first, with a TypeError that is made and dropped.
    if text.find(b" \r\n") >= 0 or text.find(b"\t\r\n") >= 0:
        fields = [(name, value.rstrip(b" \t")) for name, value in fields]
    return received_headers(fields, not policy.tolerant)


# --- the walk: start lines ------------------------------------------------------------------------------------------

_VERSION_SIZE: Final = 8
_STATUS_CODE_SIZE: Final = 3
_PREFACE: Final = b"PRI * HTTP/2.0"


def _request_line(text: bytes, policy: Tolerances) -> tuple[bytes, bytes, bytes, i64]:
    """Return the method, the target and the version, and where the line ends."""
    method_end = _method_end(text, policy)
    target_end = _target_end(text, method_end + 1, policy)
    version_end = _version_end(text, target_end + 1, "bad-version", policy)
    at = _line_end(text, version_end, policy.bare_lf)
    if at == 0:
        raise _wrong(text, version_end, policy, "bad-version", "the end of the line", space_code="bad-request-line")
    return text[:method_end], text[method_end + 1 : target_end], _version_before(text, version_end), at


def _status_line(text: bytes, policy: Tolerances) -> tuple[bytes, int, bytes, i64]:
    """Return the version, the status code and the reason, and where the line ends."""
    version_end = _version_end(text, 0, "bad-status-line", policy)
    if not _is(text, version_end, _SP):
        raise _wrong(text, version_end, policy, "bad-status-line", "one SP")
    code = version_end + 1
    code_end = _status_code_end(text, code)
    if code_end - code < _STATUS_CODE_SIZE:
        expected = "a status code of three digits, 100 to 999"
        raise _wrong(text, code_end, policy, "bad-status-code", expected, since=code)
    # The SP may be missing where there is no reason.
    reason_end = code_end
    if _is(text, code_end, _SP):
        reason_end = run_end(ANY_VALUE_RUN if policy.control_bytes_in_reason else VALUE_RUN, text, code_end + 1)
    at: i64 = _line_end(text, reason_end, policy.bare_lf)
    if at == 0 and reason_end == code_end:
        raise _wrong(text, code_end, policy, "bad-status-code", "SP or the end of the line after three digits")
    if at == 0:
        expected = "a reason of visible characters, SP and HTAB"
        tolerance = _door(text, reason_end, ANY_VALUE_RUN, "control_bytes_in_reason")
        raise _wrong(text, reason_end, policy, "bad-reason", expected, tolerance=tolerance)
    reason = text[code_end + 1 : reason_end] if reason_end > code_end else b""
    hundreds, tens, ones = text[code] - _ZERO, text[code + 1] - _ZERO, text[code + 2] - _ZERO
    return _version_before(text, version_end), hundreds * 100 + tens * 10 + ones, reason, at


def _status_code_end(text: bytes, at: int) -> int:
    """Return where a status code ends that begins at `at`: after three digits, 100 to 999, or before them."""
    end: int = run_end(DIGITS_RUN, text, at)
    if at < end and text[at] == _ZERO:
        return at
    return min(end, at + _STATUS_CODE_SIZE)


def _method_end(text: bytes, policy: Tolerances) -> int:
    # Not a machine word: a limit may be larger.
    most: int = policy.max_method_size
    end: int = run_end(TOKEN_RUN, text)
    if end > most:
        raise _wrong(text, most, policy, "method-too-long", f"no more than {most} bytes of method", since=0)
    if end > 0 and _is(text, end, _SP):
        return end
    if end == 0 and len(text) > 0 and _line_end(text, 0, policy.bare_lf) > 0:
        raise _empty_line(None if policy.leading_empty_lines else "leading_empty_lines")
    raise _wrong(
        text,
        end,
        policy,
        "bad-method",
        "a method and one SP",
        since=0,
        space_code="bad-request-line",
        early_code="bad-request-line",
    )


def _target_end(text: bytes, start: int, policy: Tolerances) -> int:
    end = run_end(FRAGMENT_TARGET_RUN if policy.fragment_in_target else TARGET_RUN, text, start)
    if end > start and _is(text, end, _SP):
        return end
    tolerance = _door(text, end, FRAGMENT_TARGET_RUN, "fragment_in_target")
    if policy.non_ascii_in_target:
        wider = NON_ASCII_FRAGMENT_TARGET_RUN if policy.fragment_in_target else NON_ASCII_TARGET_RUN
        end = run_end(wider, text, start)
        if end > start and _is(text, end, _SP):
            return end
        tolerance = _door(text, end, FRAGMENT_TARGET_RUN, "fragment_in_target")
    elif tolerance is None:
        tolerance = _door(text, end, NON_ASCII_TARGET_RUN, "non_ascii_in_target")
    raise _wrong(
        text,
        end,
        policy,
        "bad-target",
        "a target of visible ASCII without '#', and one SP",
        space_code="bad-request-line",
        # Without a version it is HTTP/0.9.
        early_code="bad-version",
        tolerance=tolerance,
    )


def _version_end(text: bytes, start: int, code: Literal["bad-version", "bad-status-line"], policy: Tolerances) -> int:
    end = start + _VERSION_SIZE
    version = text[start:end]
    if version == b"HTTP/1.1" or version == b"HTTP/1.0":  # noqa: PLR1714 - a pair takes time
        return end
    end = _match_end(grammar.HTTP_VERSION_RUN, text, start)
    if end - start < _VERSION_SIZE:
        if end == 0 and len(text) > 0 and _line_end(text, 0, policy.bare_lf) > 0:
            raise _empty_line(None)
        space_code: ErrorCode = "bad-request-line" if code == "bad-version" else code
        raise _wrong(text, end, policy, code, "a version like 'HTTP/1.1'", since=start, space_code=space_code)
    if text[end - 3 : end - 2] != b"1" and not policy.any_major_version and text[:end] != _PREFACE:
        raise _unsupported(text[end - 3 : end], start)
    return end


def _version_before(text: bytes, end: i64) -> bytes:
    """Return the version whose last digit stands before `end`."""
    # Of the one that nearly all speak, there is one object.
    if text[end - 1] == _ONE and text[end - 3] == _ONE:
        return HTTP11
    return text[end - 3 : end]


def _unsupported(version: bytes, offset: int) -> RemoteProtocolError:
    message = f"expected HTTP/1.x, got HTTP/{version.decode('ascii')}"
    return violation(RemoteProtocolError, "unsupported-version", message, offset=offset)


def _empty_line(tolerance: Tolerance | None) -> RemoteProtocolError:
    message = "expected a start line, got an empty line"
    return violation(RemoteProtocolError, "empty-line", message, offset=0, tolerance=tolerance)


# --- the walk: field lines ------------------------------------------------------------------------------------------

# "A user agent that receives an obs-fold ... MUST replace each received obs-fold" (RFC 9112 5.2); but over these fields
# clients part all the same: some take the first line for the whole of the value.
_UNFOLDABLE: Final = (b"content-length", b"transfer-encoding")


def _fields(  # noqa: C901, PLR0912, PLR0915 - a call for each part of a line takes time
    text: bytes, at: i64, section: Section, policy: Tolerances, left_out: list[bytes] | None = None
) -> Headers:
    """Take field lines apart, up to the empty line; `text` ends with it. `left_out` takes the lines that are none."""
    values = ANY_VALUE_RUN if policy.control_bytes_in_value else VALUE_RUN
    bare_lf: bool = policy.bare_lf
    # No limit is one that no section reaches.
    max_fields: int | None = policy.max_fields
    most: i64 = len(text) if max_fields is None or max_fields > len(text) else max_fields
    # "PRI * HTTP/2.0" is no more than a preface; with fields it would be a request of another HTTP.
    of_http2 = section == "request" and not policy.any_major_version and text.startswith(_PREFACE)
    headers = _new_headers()
    fields: Fields = headers
    note_nothing(fields)
    pairs: list[Field] = []
    spelled: list[bytes] = []
    # The lines of the value of the last field, where it is folded; and whether one was.
    folded: list[bytes] = []
    any_folded = False
    # Where the last line ends that was left out, and how many were.
    gap: i64 = 0
    gone: i64 = 0
    size: i64 = len(text)
    while True:
        start: i64 = at
        end: i64 = _line_end(text, start, bare_lf)
        folds = end == 0 and start < size and (text[start] == _SP or text[start] == _HTAB)
        if len(folded) > 0 and not folds:
            # "replace each received obs-fold with one or more SP octets" (RFC 9112 5.2)
            pairs[-1] = pairs[-1][0], b" ".join(folded).strip(b" \t")
            folded = []
            any_folded = True
        if end > 0:
            if end < size:
                message = f"expected nothing after the end of {SECTION_NAMES[section]}, got more bytes"
                raise violation(RemoteProtocolError, "unexpected-bytes", message, offset=end)
            if any_folded:
                note_again(fields, pairs)
            fill_received(fields, pairs, spelled, not policy.tolerant)
            return headers
        value_start: i64 = start
        name_end: i64 = start
        if folds and (len(pairs) == 0 or start == gap):
            # There is no field that it could go on.
            at = _left_out_end(text, start, start, pairs, section, policy, left_out)
            if len(pairs) == most:
                raise _too_many_fields(len(pairs) + gone, start)
            gap = at
            gone += 1
            most -= 1
            continue
        if folds:
            _check_fold(text, start, pairs, section, policy)
        else:
            # Half a line end is no field, so it is not one too many.
            if (of_http2 or len(pairs) == most) and start < size and text[start] not in b"\r\n":
                raise _unsupported(b"2.0", start) if of_http2 else _too_many_fields(len(pairs) + gone, start)
            value_start = run_end(TOKEN_RUN, text, start)
            name_end = value_start
            if value_start == start or value_start >= size or text[value_start] != _COLON:
                value_start = 0 if section != "response" else _spaced_colon(text, start, name_end)
                if value_start == 0 or not policy.space_before_colon_in_response:
                    at = _left_out_end(text, start, name_end, pairs, section, policy, left_out, value_start > 0)
                    gap = at
                    gone += 1
                    most -= 1
                    continue
            value_start += 1
        value_end: i64 = run_end(values, text, value_start)
        at = _line_end(text, value_end, bare_lf)
        if at == 0:
            raise _wrong_value(text, value_end, text[start:name_end], policy)
        while value_start < value_end and (text[value_start] == _SP or text[value_start] == _HTAB):
            value_start += 1
        while value_start < value_end and (text[value_end - 1] == _SP or text[value_end - 1] == _HTAB):
            value_end -= 1
        if folds:
            if len(folded) == 0:
                folded.append(pairs[-1][1])
            folded.append(text[value_start:value_end])
        else:
            add_received(fields, pairs, spelled, text, start, name_end, text[value_start:value_end])


def _check_fold(text: bytes, at: int, pairs: list[Field], section: Section, policy: Tolerances) -> None:
    if not policy.folded_lines and (section != "response" or pairs[-1][0] in _UNFOLDABLE):
        raise _wrong(text, at, policy, "folded-line", "a field's name or an empty line")


def _too_many_fields(most: int, at: int) -> RemoteProtocolError:
    return violation(RemoteProtocolError, "too-many-fields", f"expected at most {most} fields, got more", offset=at)


def _spaced_colon(text: bytes, start: int, name_end: int) -> i64:
    """Return the index of the colon that white space parts from the name at `start`, or 0 where there is none."""
    spaced = run_end(OWS_RUN, text, name_end)
    if name_end in (start, spaced):
        return 0
    if _may_end(text, spaced):
        raise IncompleteError
    return spaced if text[spaced] == _COLON else 0


def _left_out_end(  # noqa: PLR0917 - what `_fields` has, and names take time
    text: bytes,
    start: int,
    wrong: int,
    pairs: list[Field],
    section: Section,
    policy: Tolerances,
    left_out: list[bytes] | None,
    has_spaced_colon: bool = False,
) -> i64:
    """Return the index after the line at `start`, which cannot be a field line because of the byte at `wrong`.

    Whether it may be left out is decided byte by byte, like all else: what follows a wrong byte has no say.

    Raises:
        RemoteProtocolError: For the leftmost byte for which it may not be left out.
        IncompleteError: It ends before there is such a byte.

    """
    if _may_end(text, wrong):
        raise IncompleteError
    bare_lf = policy.bare_lf
    values = ANY_VALUE_RUN if policy.control_bytes_in_value else VALUE_RUN
    stop: int = run_end(values, text, wrong)
    has_right_byte = stop > wrong or _line_end(text, wrong, bare_lf) > 0
    may_be = section == "response" and not _begins_with_framing(text, start, wrong + 1, pairs)
    if not (may_be and has_right_byte and policy.broken_lines_in_response):
        tolerance: Tolerance | None = None
        if has_spaced_colon:
            tolerance = "space_before_colon_in_response"
        elif may_be and not policy.broken_lines_in_response:
            tolerance = "broken_lines_in_response" if has_right_byte else None
        elif may_be:
            tolerance = _door(text, wrong, ANY_VALUE_RUN, "control_bytes_in_value")
        raise _wrong_name(text, start, wrong, policy, tolerance)
    framing = grammar.FRAMING_START.match(text, start, stop)
    if framing is not None:
        expected = "a line that does not begin like a field about the length or the connection"
        # What stands before the name may be the value of a field without one.
        raise _wrong(text, framing.end() - 1, policy, "bad-field-name", expected)
    end = _line_end(text, stop, bare_lf)
    if end == 0 or run_end(OWS_RUN, text, start) == stop:
        # A line of white space alone ends the head to somebody.
        expected = "a line of visible characters, SP and HTAB"
        tolerance = _door(text, stop, ANY_VALUE_RUN, "control_bytes_in_value")
        raise _wrong(text, stop, policy, "bad-field-name", expected, early_code="missing-colon", tolerance=tolerance)
    if left_out is not None:
        left_out.append(text[start:stop])
    return end


def _begins_with_framing(text: bytes, start: int, stop: int, pairs: list[Field]) -> bool:
    """Tell whether somebody could read a field that frames in what stands there, or in the field that it follows."""
    if text[start] in b" \t" and pairs:
        # Whoever leaves out the line between them takes it for a fold.
        return pairs[-1][0] in _UNFOLDABLE
    return grammar.FRAMING_START.match(text, start, stop) is not None


def _wrong_name(
    text: bytes, start: int, end: int, policy: Tolerances, tolerance: Tolerance | None
) -> RemoteProtocolError | IncompleteError:
    if end == start and text[start] in b" \t":
        return _wrong(text, end, policy, "space-before-first-field", "a field's name", tolerance=tolerance)
    return _wrong(
        text,
        end,
        policy,
        "bad-field-name",
        "a field name of token characters and ':'",
        since=start,
        space_code="space-before-colon",
        space=b" \t",
        early_code="missing-colon",
        tolerance=tolerance,
    )


def _wrong_value(text: bytes, at: int, name: bytes, policy: Tolerances) -> RemoteProtocolError | IncompleteError:
    what = f"the value of {clipped(name)}" if name else "a field's value"
    tolerance = _door(text, at, ANY_VALUE_RUN, "control_bytes_in_value")
    expected = f"visible characters, SP and HTAB as {what}"
    return _wrong(text, at, policy, "bad-field-value", expected, tolerance=tolerance)


# --- the walk: chunk lines ------------------------------------------------------------------------------------------

_SIZE_DIGITS: Final = 16
_LONG_SIZE_DIGITS: Final = 20


def split_chunk_line(line: bytes, policy: Tolerances) -> ChunkLine:
    """Take a chunk line apart, with the CRLF that ends it (RFC 9112 7.1).

    Raises:
        RemoteProtocolError: For the leftmost wrong byte; the offset is an index of `line`.
        IncompleteError: `line` ends before the chunk line does.

    """
    # What takes any extension is another grammar, not a wider one.
    match = None if COMPILED or policy.any_chunk_extension else grammar.CHUNK_LINE.match(line)
    if match is not None and line[match.end() :] == b"\r\n":
        return int(match[1], 16), match.end() - match.end(1)
    size_end = _chunk_size_end(line, policy)
    end = _extensions_end(line, size_end, policy)
    spaced = run_end(OWS_RUN, line, end)
    if not line.startswith(b"\r\n", spaced) or (spaced > end and not policy.space_after_chunk_size):
        raise _wrong_end(line, size_end, end, spaced)
    if spaced + 2 < len(line):
        message = "expected nothing after the end of a chunk line, got more bytes"
        raise violation(RemoteProtocolError, "unexpected-bytes", message, offset=spaced + 2)
    return int(line[:size_end], 16), spaced - size_end


def _chunk_size_end(line: bytes, policy: Tolerances) -> int:
    most = _LONG_SIZE_DIGITS if policy.long_chunk_sizes else _SIZE_DIGITS
    end = run_end(HEX_RUN, line)
    if end > most:
        expected = f"no more than {most} bytes of chunk size"
        tolerance: Tolerance | None = None if policy.long_chunk_sizes else "long_chunk_sizes"
        raise _wrong(line, most, None, "bad-chunk-size", expected, since=0, tolerance=tolerance)
    if end == 0 or (line[end : end + 1] not in (b";", b" ", b"\t") and not line.startswith(b"\r\n", end)):
        expected = f"a chunk's size of 1 to {most} hex digits, and ';' or CRLF"
        raise _wrong(line, end, None, "bad-chunk-size", expected, since=0)
    return end


def _extensions_end(line: bytes, at: int, policy: Tolerances) -> int:
    """Return where the extensions end that may follow a chunk's size at `at`, without white space after them."""
    if policy.any_chunk_extension:
        # It takes no white space before the semicolon.
        return run_end(NOT_CR_LF_RUN, line, at) if line.startswith(b";", at) else at
    size_end = at
    # chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
    while line.startswith(b";", semicolon := run_end(OWS_RUN, line, at)):
        at = _token_end(line, run_end(OWS_RUN, line, semicolon + 1), size_end)
        equals = run_end(OWS_RUN, line, at)
        if not line.startswith(b"=", equals):
            continue
        value = run_end(OWS_RUN, line, equals + 1)
        if not line.startswith(b'"', value):
            at = _token_end(line, value, size_end)
            continue
        at = _match_end(grammar.QUOTED_RUN, line, value + 1)
        if not line.startswith(b'"', at):
            if line[at:] == b"\\":
                raise IncompleteError
            raise _wrong_extension(line, at, size_end)
        at += 1
    return at


def _token_end(line: bytes, start: int, size_end: int) -> int:
    end = run_end(TOKEN_RUN, line, start)
    if end == start:
        raise _wrong_extension(line, start, size_end)
    return end


def _wrong_end(line: bytes, size_end: int, end: int, spaced: int) -> RemoteProtocolError | IncompleteError:
    """Make the error for what follows the size or the extensions: white space up to `spaced`, or the byte there."""
    if line[spaced:] in (b"", b"\r"):
        return IncompleteError()
    line_ends = line.startswith(b"\r\n", spaced)
    tolerance: Tolerance | None = "space_after_chunk_size" if line_ends else None
    if end == size_end and (line_ends or line[spaced] not in b"\r\n"):
        expected = "no white space after a chunk's size"
        return _wrong(line, end, None, "space-after-chunk-size", expected, tolerance=tolerance)
    return _wrong_extension(line, spaced, size_end, tolerance)


def _wrong_extension(
    line: bytes, at: int, size_end: int, tolerance: Tolerance | None = None
) -> RemoteProtocolError | IncompleteError:
    # Any extension begins with a semicolon that directly follows the size.
    if tolerance is None and line.startswith(b";", size_end):
        tolerance = "any_chunk_extension"
    return _wrong(line, at, None, "bad-chunk-extension", "a chunk extension like ';name=value'", tolerance=tolerance)


# --- single bytes ---------------------------------------------------------------------------------------------------


def cut(data: Received, start: int, stop: int) -> bytes:
    """Return a part of a buffer; a large one is copied no more than once."""
    if isinstance(data, bytes):
        # All of it is itself, not a copy.
        return data if start == 0 and stop >= len(data) else data[start:stop]
    if stop - start <= _SMALL:
        return bytes(data[start:stop])
    # Released here, because a `bytearray` that somebody looks into cannot grow.
    with memoryview(data) as view, view[start:stop] as part:
        return part.tobytes()


# To copy so many bytes twice takes less time than to look into a `bytearray`: a fifth.
_SMALL: Final = 1024


def has_crlf(data: Received, at: int) -> bool:
    """Tell whether a CRLF stands at `at`."""
    if at + 2 > len(data):
        return False
    # mypyc indexes `bytes` without a call, if it is told that it is.
    if isinstance(data, bytes):
        return data[at] == _CR and data[at + 1] == _LF
    return data[at] == _CR and data[at + 1] == _LF


def _match_end(pattern: Pattern[bytes], data: Received, start: int) -> int:
    match = pattern.match(data, start)
    return start if match is None else match.end()


def _may_end(text: bytes, at: i64) -> bool:
    """Tell whether nobody can say yet what stands at `at`: nothing, or a CR that comes last."""
    size: i64 = len(text)
    return at >= size or (at == size - 1 and text[at] == _CR)


def _is(text: bytes, at: i64, byte: i64) -> bool:
    size: i64 = len(text)
    return at < size and text[at] == byte


def _line_end(text: bytes, at: i64, bare_lf: bool) -> i64:
    """Return the index after the line end at `at`, or 0 where there is none (RFC 9112 2.2)."""
    size: i64 = len(text)
    if at >= size:
        return 0
    if text[at] == _CR and at + 1 < size and text[at + 1] == _LF:
        return at + 2
    if bare_lf and text[at] == _LF:
        return at + 1
    return 0


def _door(text: bytes, at: int, tolerated: Run, tolerance: Tolerance) -> Tolerance | None:
    """Return `tolerance` if the byte at `at` is one that it lets in."""
    return tolerance if run_end(tolerated, text, at) > at else None


def _wrong(
    text: bytes,
    at: int,
    policy: Tolerances | None,
    code: ErrorCode,
    expected: str,
    *,
    since: int | None = None,
    space_code: ErrorCode | None = None,
    space: bytes = b" \t\v\f",
    early_code: ErrorCode | None = None,
    tolerance: Tolerance | None = None,
) -> RemoteProtocolError | IncompleteError:
    """Make the error for the byte at `at`: `IncompleteError` where it has not come.

    The excerpt goes from `since` up to it, so that nothing after it is shown.

    Args:
        text: What is being taken apart.
        at: The index of the wrong byte.
        policy: What is tolerated at the end of a line; None for a chunk line, which no policy lets end in LF alone.
        code: The error.
        expected: What should be there.
        since: Where the excerpt begins; by default at the byte itself, since what stands before it may be a secret.
        space_code: The error for one of the bytes `space`, where that is a mistake of its own.
        space: What may be taken for white space.
        early_code: The error for a line that ends too early.
        tolerance: The field of the policy that would let the byte in.

    """
    # Of a CR that comes last, nobody can tell yet whether it ends the line.
    if text[at:] in (b"", b"\r"):
        return IncompleteError()
    found = text[at]
    ends = _line_end(text, at, policy is not None and policy.bare_lf) > 0
    # Half a line end in the middle of a line is always the same mistake, wherever it stands.
    if ends:
        code = early_code or code
    elif found == _CR:
        code, expected, tolerance = "bare-cr", "LF after CR", None
    elif found == _LF:
        code, expected, tolerance = "bare-lf", "CRLF at the end of a line", None if policy is None else "bare_lf"
    elif space_code is not None and found in space:
        code = space_code
    begin = at if since is None else since
    return violation(
        RemoteProtocolError,
        code,
        f"expected {expected}, got {'the end of the line' if ends else byte_name(found)}",
        offset=at,
        excerpt=b"" if ends else text[max(begin, at - EXCERPT_SIZE + 1) : at + 1],
        tolerance=tolerance,
    )
