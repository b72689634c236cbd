"""The lines of a message: request line, status line, field lines and chunk line (RFC 9112 2.2, 3, 4, 5 and 7.1).

A section (a request's head, a response's head, or a trailer section) ends with an empty line. Until that has come, a
reader only looks for it (`find_section_end`); the one exception is a beginning that can no longer become a start line
(`check_beginning`). Then one walk along the bytes takes the section apart, or finds the leftmost byte that is wrong. A
tolerance of the policy is a branch of the walk at the byte that it concerns. The same walk explains a section that is
too large or cut short: it raises the error, or `IncompleteError` where nothing is wrong so far.

In the interpreter one pattern takes a well-formed section apart in a tenth of the time, so it is tried first; what it
does not match goes the way of the walk.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from re import Pattern
from typing import Final, Literal, NamedTuple, TypeAlias

from http11 import grammar
from http11.errors import EXCERPT_SIZE, ErrorCode, RemoteProtocolError, Tolerance, byte_name, clipped, violation
from http11.headers import Field
from http11.policy import Policy

__all__ = [
    "SECTION_NAMES",
    "ChunkLine",
    "IncompleteError",
    "Received",
    "RequestHead",
    "ResponseHead",
    "Section",
    "check_beginning",
    "cut",
    "explain",
    "find_line_end",
    "find_section_end",
    "run_end",
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


RequestHead: TypeAlias = tuple[bytes, bytes, bytes, list[Field]]
"""Method, target, version and fields of a request, as spelled but for the white space around a value."""

ResponseHead: TypeAlias = tuple[bytes, int, bytes, list[Field]]
"""Version, status code, reason and fields of a response, as spelled but for the white space around a value."""


class ChunkLine(NamedTuple):
    """A chunk line: the size of the chunk's data, and that of the extensions (which mean nothing to us), in bytes."""

    size: int
    extensions: int


# --- where a section ends -------------------------------------------------------------------------------------------


def find_section_end(data: Received, start: int = 0, seen: int = 0, *, section: Section) -> int:
    """Return the index after the empty line that ends the section at `start`, or -1 where that has not come.

    `seen` is how many bytes of the section an earlier call has looked at. A line that ends in LF alone counts as one:
    it is tolerated or refused when the section is taken apart.
    """
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


def find_line_end(data: Received, start: int, seen: int = 0) -> int:
    """Return the index after the LF that ends the line at `start`, or -1 where that has not come."""
    return data.find(b"\n", start + seen) + 1 or -1


def skip_empty_lines(data: Received, start: int = 0, *, bare_lf: bool = False) -> int:
    """Return where the empty lines end that begin at `start` (RFC 9112 2.2)."""
    if data[start : start + 1] not in (b"\r", b"\n"):
        return start
    return run_end(grammar.LENIENT_EMPTY_LINES if bare_lf else grammar.EMPTY_LINES, data, start)


def check_beginning(text: bytes, section: Section, policy: Policy) -> None:
    """Refuse what can no longer become a start line, however it goes on: TLS, or a client of another protocol.

    Raises:
        RemoteProtocolError: For the first byte that no start line can have there.

    """
    with suppress(IncompleteError):
        if section == "request":
            _method_end(text, policy)
        else:
            _version_end(text, 0, "bad-status-line", policy)


# --- whole sections -------------------------------------------------------------------------------------------------


def split_request(text: bytes, policy: Policy) -> RequestHead:
    """Take a request's head apart (RFC 9112 3).

    Raises:
        RemoteProtocolError: For the leftmost wrong byte; the offset is an index of `text`.
        IncompleteError: `text` ends before the head does.

    """
    match = grammar.REQUEST_HEAD.fullmatch(text)
    if match is not None and match.end(1) <= policy.max_method_size:
        fields = _well_formed_fields(text, match.end(3), policy)
        if fields is not None:
            return match[1], match[2], match[3], fields
    method_end = _method_end(text, policy)
    target_end = _target_end(text, method_end + 1, policy)
    version_end = _version_end(text, target_end + 1, "bad-version", policy)
    at = _line_end(text, version_end, policy)
    if not at:
        raise _wrong(text, version_end, policy, "bad-version", "the end of the line", space_code="bad-request-line")
    fields = _fields(text, at, "request", policy)
    return text[:method_end], text[method_end + 1 : target_end], text[version_end - 3 : version_end], fields


def split_response(text: bytes, policy: Policy) -> ResponseHead:
    """Take a response's head apart (RFC 9112 4).

    Raises:
        RemoteProtocolError: For the leftmost wrong byte; the offset is an index of `text`.
        IncompleteError: `text` ends before the head does.

    """
    match = grammar.RESPONSE_HEAD.fullmatch(text)
    if match is not None:
        fields = _well_formed_fields(text, text.index(b"\n") - 1, policy)
        if fields is not None:
            return match[1], int(match[2]), match[3] or b"", fields
    version_end = _version_end(text, 0, "bad-status-line", policy)
    if not text.startswith(b" ", version_end):
        raise _wrong(text, version_end, policy, "bad-status-line", "one SP")
    code = version_end + 1
    code_end = run_end(grammar.STATUS_CODE_RUN, text, code)
    if code_end - code < _STATUS_CODE_SIZE:
        expected = "a status code of three digits, 100 to 999"
        raise _wrong(text, code_end, policy, "bad-status-code", expected, since=code)
    # The SP may be missing where there is no reason.
    reason_end = code_end
    if text.startswith(b" ", code_end):
        run = grammar.ANY_VALUE_RUN if policy.control_bytes_in_reason else grammar.VALUE_RUN
        reason_end = run_end(run, text, code_end + 1)
    at = _line_end(text, reason_end, policy)
    if not at and reason_end == code_end:
        raise _wrong(text, code_end, policy, "bad-status-code", "SP or the end of the line after three digits")
    if not at:
        expected = "a reason of visible characters, SP and HTAB"
        tolerance = _door(text, reason_end, grammar.ANY_VALUE_RUN, "control_bytes_in_reason")
        raise _wrong(text, reason_end, policy, "bad-reason", expected, tolerance=tolerance)
    fields = _fields(text, at, "response", policy)
    reason = text[code_end + 1 : reason_end] if reason_end > code_end else b""
    return text[version_end - 3 : version_end], int(text[code:code_end]), reason, fields


def split_trailers(text: bytes, policy: Policy) -> list[Field]:
    """Take a trailer section apart (RFC 9112 7.1.2).

    Raises:
        RemoteProtocolError: For the leftmost wrong byte; the offset is an index of `text`.
        IncompleteError: `text` ends before the section does.

    """
    if grammar.TRAILER_SECTION.fullmatch(text) is not None:
        fields = _well_formed_fields(text, -2, policy)
        if fields is not None:
            return fields
    return _fields(text, 0, "trailers", policy)


def explain(text: bytes, section: Section, policy: Policy) -> None:
    """Raise the error for the leftmost wrong byte of the beginning of a section, if there is one.

    Raises:
        RemoteProtocolError: For that byte; the offset is an index of `text`.

    """
    with suppress(IncompleteError):
        if section == "request":
            split_request(text, policy)
        elif section == "response":
            split_response(text, policy)
        else:
            split_trailers(text, policy)


def _well_formed_fields(text: bytes, start_line_end: int, policy: Policy) -> list[Field] | None:
    """Return the fields of a section that a pattern has matched; None where there are too many."""
    fields: list[Field] = grammar.FIELD_LINES.findall(text, start_line_end + 2)
    if policy.max_fields is not None and len(fields) > policy.max_fields:
        return None
    if b" \r\n" in text or b"\t\r\n" in text:
        return [(name, value.rstrip(b" \t")) for name, value in fields]
    return fields


# --- the walk: start lines ------------------------------------------------------------------------------------------

_CR: Final = 0x0D
_LF: Final = 0x0A

_VERSION_SIZE: Final = 8
_STATUS_CODE_SIZE: Final = 3
_PREFACE: Final = b"PRI * HTTP/2.0"


def _method_end(text: bytes, policy: Policy) -> int:
    most = policy.max_method_size
    end = run_end(grammar.TOKEN_RUN, text)
    if end > most:
        raise _wrong(text, most, policy, "method-too-long", f"no more than {most} bytes of method", since=0)
    if end > 0 and text.startswith(b" ", end):
        return end
    if end == 0 and len(text) > 0 and _line_end(text, 0, policy):
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


def _target_end(text: bytes, start: int, policy: Policy) -> int:
    end = run_end(grammar.FRAGMENT_TARGET_RUN if policy.fragment_in_target else grammar.TARGET_RUN, text, start)
    if end > start and text.startswith(b" ", end):
        return end
    raise _wrong(
        text,
        end,
        policy,
        "bad-target",
        "a target of visible ASCII without '#', and one SP",
        space_code="bad-request-line",
        # Without a version it is HTTP/0.9.
        early_code="bad-version",
        tolerance=_door(text, end, grammar.FRAGMENT_TARGET_RUN, "fragment_in_target"),
    )


def _version_end(text: bytes, start: int, code: Literal["bad-version", "bad-status-line"], policy: Policy) -> int:
    end = run_end(grammar.HTTP_VERSION_RUN, text, start)
    if end - start < _VERSION_SIZE:
        if end == 0 and len(text) > 0 and _line_end(text, 0, policy):
            raise _empty_line(None)
        space_code: ErrorCode = "bad-request-line" if code == "bad-version" else code
        raise _wrong(text, end, policy, code, "a version like 'HTTP/1.1'", since=start, space_code=space_code)
    if text[end - 3 : end - 2] != b"1" and not policy.any_major_version and text[:end] != _PREFACE:
        raise _unsupported(text[end - 3 : end], start)
    return end


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


def _fields(text: bytes, at: int, section: Section, policy: Policy) -> list[Field]:
    """Take field lines apart, up to the empty line; `text` ends with it."""
    values = grammar.ANY_VALUE_RUN if policy.control_bytes_in_value else grammar.VALUE_RUN
    fields: list[Field] = []
    # The field that is being read, and its value by lines: of more than one, it is folded.
    name, parts = b"", list[bytes]()
    while True:
        end = _line_end(text, at, policy)
        folds = not end and at < len(text) and text[at] in b" \t"
        if parts and not folds:
            # "replace each received obs-fold with one or more SP octets" (RFC 9112 5.2)
            fields.append((name, parts[0] if len(parts) == 1 else b" ".join(parts).strip(b" \t")))
        if end:
            if end < len(text):
                message = f"expected nothing after the end of {SECTION_NAMES[section]}, got more bytes"
                raise violation(RemoteProtocolError, "unexpected-bytes", message, offset=end)
            return fields
        if folds:
            _check_fold(text, at, name, section, policy)
            value_start = at
        else:
            _check_another_field(text, at, len(fields), section, policy)
            name_end = _name_end(text, at, policy)
            name, parts = text[at:name_end], list[bytes]()
            value_start = name_end + 1
        value_end = run_end(values, text, value_start)
        at = _line_end(text, value_end, policy)
        if not at:
            raise _wrong_value(text, value_end, b"" if parts else name, policy)
        parts.append(text[value_start:value_end].strip(b" \t"))


def _check_fold(text: bytes, at: int, name: bytes, section: Section, policy: Policy) -> None:
    if not name:
        raise _wrong(text, at, policy, "space-before-first-field", "a field's name")
    if not policy.folded_lines and (section != "response" or name.lower() in _UNFOLDABLE):
        raise _wrong(text, at, policy, "folded-line", "a field's name or an empty line")


def _check_another_field(text: bytes, at: int, count: int, section: Section, policy: Policy) -> None:
    # Half a line end is no field, so it is not one too many.
    if at >= len(text) or text[at] in b"\r\n":
        return
    # "PRI * HTTP/2.0" is no more than a preface; with fields it would be a request of another HTTP.
    if section == "request" and not policy.any_major_version and text.startswith(_PREFACE):
        raise _unsupported(b"2.0", at)
    if count == policy.max_fields:
        message = f"expected at most {policy.max_fields} fields, got more"
        raise violation(RemoteProtocolError, "too-many-fields", message, offset=at)


def _name_end(text: bytes, start: int, policy: Policy) -> int:
    end = run_end(grammar.TOKEN_RUN, text, start)
    if end > start and text.startswith(b":", end):
        return end
    raise _wrong(
        text,
        end,
        policy,
        "bad-field-name",
        "a field name of token characters and ':'",
        since=start,
        space_code="space-before-colon",
        space=b" \t",
        early_code="missing-colon",
    )


def _wrong_value(text: bytes, at: int, name: bytes, policy: Policy) -> RemoteProtocolError | IncompleteError:
    what = f"the value of {clipped(name)}" if name else "a field's value"
    tolerance = _door(text, at, grammar.ANY_VALUE_RUN, "control_bytes_in_value")
    expected = f"visible characters, SP and HTAB as {what}"
    return _wrong(text, at, policy, "bad-field-value", expected, tolerance=tolerance)


# --- the walk: chunk lines ------------------------------------------------------------------------------------------

_SIZE_DIGITS: Final = 16
_LONG_SIZE_DIGITS: Final = 20


def split_chunk_line(line: bytes, policy: Policy) -> ChunkLine:
    """Take a chunk line apart, with the CRLF that ends it (RFC 9112 7.1).

    Raises:
        RemoteProtocolError: For the leftmost wrong byte; the offset is an index of `line`.
        IncompleteError: `line` ends before the chunk line does.

    """
    # What takes any extension is another grammar, not a wider one.
    match = None if policy.any_chunk_extension else grammar.CHUNK_LINE.match(line)
    if match is not None and line[match.end() :] == b"\r\n":
        return ChunkLine(int(match[1], 16), match.end() - match.end(1))
    size_end = _chunk_size_end(line, policy)
    end = _extensions_end(line, size_end, policy)
    spaced = run_end(grammar.OWS_RUN, line, end)
    if not line.startswith(b"\r\n", spaced) or (spaced > end and not policy.space_after_chunk_size):
        raise _wrong_end(line, size_end, end, spaced)
    if spaced + 2 < len(line):
        message = "expected nothing after the end of a chunk line, got more bytes"
        raise violation(RemoteProtocolError, "unexpected-bytes", message, offset=spaced + 2)
    return ChunkLine(int(line[:size_end], 16), spaced - size_end)


def _chunk_size_end(line: bytes, policy: Policy) -> int:
    most = _LONG_SIZE_DIGITS if policy.long_chunk_sizes else _SIZE_DIGITS
    end = run_end(grammar.HEX_RUN, line)
    if end > most:
        expected = f"no more than {most} bytes of chunk size"
        tolerance: Tolerance | None = None if policy.long_chunk_sizes else "long_chunk_sizes"
        raise _wrong(line, most, None, "bad-chunk-size", expected, since=0, tolerance=tolerance)
    if end == 0 or (line[end : end + 1] not in (b";", b" ", b"\t") and not line.startswith(b"\r\n", end)):
        expected = f"a chunk's size of 1 to {most} hex digits, and ';' or CRLF"
        raise _wrong(line, end, None, "bad-chunk-size", expected, since=0)
    return end


def _extensions_end(line: bytes, at: int, policy: Policy) -> int:
    """Return where the extensions end that may follow a chunk's size at `at`, without white space after them."""
    if policy.any_chunk_extension:
        # It takes no white space before the semicolon.
        return run_end(grammar.NOT_CR_LF_RUN, line, at) if line.startswith(b";", at) else at
    size_end = at
    # chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
    while line.startswith(b";", semicolon := run_end(grammar.OWS_RUN, line, at)):
        at = _token_end(line, run_end(grammar.OWS_RUN, line, semicolon + 1), size_end)
        equals = run_end(grammar.OWS_RUN, line, at)
        if not line.startswith(b"=", equals):
            continue
        value = run_end(grammar.OWS_RUN, line, equals + 1)
        if not line.startswith(b'"', value):
            at = _token_end(line, value, size_end)
            continue
        at = run_end(grammar.QUOTED_RUN, line, value + 1)
        if not line.startswith(b'"', at):
            if line[at:] == b"\\":
                raise IncompleteError
            raise _wrong_extension(line, at, size_end)
        at += 1
    return at


def _token_end(line: bytes, start: int, size_end: int) -> int:
    end = run_end(grammar.TOKEN_RUN, line, start)
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
    """Return a part of a buffer, copied no more than once."""
    if isinstance(data, bytes):
        # All of it is itself, not a copy.
        return data if start == 0 and stop >= len(data) else data[start:stop]
    # Released here, because a `bytearray` that somebody looks into cannot grow.
    with memoryview(data) as view, view[start:stop] as part:
        return part.tobytes()


def run_end(run: Pattern[bytes], data: Received, start: int = 0, stop: int = sys.maxsize) -> int:
    """Return where the longest `run` ends that begins at `start`, at the most `stop`."""
    match = run.match(data, start, stop)
    return start if match is None else match.end()


def _line_end(text: bytes, at: int, policy: Policy) -> int:
    """Return the index after the line end at `at`, or 0 where there is none (RFC 9112 2.2)."""
    if text.startswith(b"\r\n", at):
        return at + 2
    return at + 1 if policy.bare_lf and text.startswith(b"\n", at) else 0


def _door(text: bytes, at: int, tolerated: Pattern[bytes], tolerance: Tolerance) -> Tolerance | None:
    """Return `tolerance` if the byte at `at` is one that it lets in."""
    return tolerance if run_end(tolerated, text, at, at + 1) > at else None


def _wrong(
    text: bytes,
    at: int,
    policy: Policy | None,
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
    ends = _line_end(text, at, policy) if policy is not None else text.startswith(b"\r\n", at)
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
