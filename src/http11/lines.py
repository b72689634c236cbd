"""The plain path of reading: line by line, to what the policy tolerates or to the first wrong byte (RFC 9112 2 to 7).

`http11.parsing` reads a section by one pattern over the whole of it. What that pattern does not match comes here, and
so does every prefix that has to be refused early. A line that has no LF yet may still grow: of it, only what can no
longer become right is refused. So the error for a section is the same however its bytes arrive: it is the leftmost
one.
"""

from __future__ import annotations

from re import Pattern
from typing import Final, Literal, NamedTuple, TypeAlias

from http11 import grammar
from http11.errors import EXCERPT_SIZE, ErrorCode, RemoteProtocolError, byte_name, clipped, violation
from http11.events import is_preface
from http11.headers import Field
from http11.policy import Policy

__all__ = ["Lines", "Section", "StartLine", "read_chunk_line", "read_section", "run_end"]

Section: TypeAlias = Literal["request", "response", "trailers"]
"""Which lines: a request's head, a response's head, or a trailer section."""

StartLine: TypeAlias = tuple[bytes, bytes, bytes]
"""Method, target and version; or version, status code and reason; or three times nothing, for a trailer section."""

_CR: Final = 0x0D
_LF: Final = 0x0A
_SP: Final = 0x20
_COLON: Final = 0x3A
_SEMICOLON: Final = 0x3B


class Lines(NamedTuple):
    """A whole section: its start line, its fields, and the index behind its empty line."""

    start_line: StartLine
    fields: list[Field]
    end: int


def read_section(text: bytes, section: Section, policy: Policy) -> Lines | None:
    """Read `text` up to its empty line; `None` where it ends before that, with nothing wrong so far.

    Raises:
        RemoteProtocolError: For the first wrong byte; the offset is its index.

    """
    start_line: StartLine | None = (b"", b"", b"")
    at: int | None = 0
    if section != "trailers":
        line = _line_at(text, 0)
        if line.stop == 0 and line.next is not None:
            raise violation(RemoteProtocolError, "empty-line", "expected a start line, got an empty line", offset=0)
        start_line = _request_line(line, policy) if section == "request" else _status_line(line, policy)
        at = _checked_end(line, policy)
    if start_line is None:
        return None
    folding = policy.folded_lines or section == "response"
    # "PRI * HTTP/2.0" is no more than a preface; with fields it would be a request of another HTTP.
    fieldless = section == "request" and start_line[2] == b"2.0" and not policy.any_major_version
    # Each field as its name and the lines of its value.
    fields: list[tuple[bytes, list[bytes]]] = []
    while at is not None:
        line = _line_at(text, at)
        if line.stop > at:
            if fieldless:
                raise _unsupported(b"2.0", at)
            _field_line(line, fields, folding=folding, policy=policy)
            if policy.max_fields is not None and len(fields) > policy.max_fields:
                message = f"expected at most {policy.max_fields} fields, got more"
                raise violation(RemoteProtocolError, "too-many-fields", message, offset=at)
        at = _checked_end(line, policy)
        if at is not None and line.stop == line.start:
            return Lines(start_line, [(name, _joined(parts)) for name, parts in fields], at)
    return None


def read_chunk_line(line: bytes, policy: Policy, *, whole: bool) -> int:
    """Return how many digits the size has, after a look at all that there is of a chunk line, without its CRLF.

    Raises:
        RemoteProtocolError: For the first wrong byte; the offset is its index.

    """
    return _chunk_size(_Line(line, 0, len(line), len(line) if whole else None), policy)


def run_end(run: Pattern[bytes], text: bytes | bytearray, start: int) -> int:
    """Return where the longest `run` ends that begins at `start`."""
    match = run.match(text, start)
    return start if match is None else match.end()


# --- one line -------------------------------------------------------------------------------------------------------


class _Line(NamedTuple):
    """A line of `text`. Its content is ``text[start:stop]``; `next` is behind its LF, or `None` where none has come."""

    text: bytes
    start: int
    stop: int
    next: int | None


def _line_at(text: bytes, start: int) -> _Line:
    end = text.find(b"\n", start)
    stop = len(text) if end < 0 else end
    # A CR at the end belongs to the line's end, or may turn out to.
    if stop > start and text[stop - 1] == _CR:
        stop -= 1
    return _Line(text, start, stop, None if end < 0 else end + 1)


def _checked_end(line: _Line, policy: Policy) -> int | None:
    """Return where the next line begins, or `None`, after a look at what ends this one (RFC 9112 2.2)."""
    if line.next is not None and line.text[line.stop] == _LF and not policy.bare_lf:
        raise _wrong(line._replace(stop=line.next), line.stop, "bare-lf", "CRLF at the end of a line", since=line.stop)
    return line.next


def _ends_early(line: _Line, at: int, code: ErrorCode, expected: str) -> bool:
    """Tell whether the line ends at `at`, unfinished: true where more may come, an error where none can."""
    if at < line.stop:
        return False
    if line.next is None:
        return True
    raise _wrong(line, at, code, expected)


def _wrong(line: _Line, at: int, code: ErrorCode, expected: str, *, since: int | None = None) -> RemoteProtocolError:
    """Make the error for the byte at `at`. Its excerpt goes from `since`, or the line's start, up to that byte.

    So nothing behind the wrong byte is shown, and `since` keeps back what may be a secret before it.
    """
    found = line.text[at] if at < line.stop else None
    # Half a line end in the middle of a line is always the same mistake, wherever it stands.
    if found == _CR:
        code, expected = "bare-cr", "LF behind CR"
    elif found == _LF:
        code, expected = "bare-lf", "CRLF at the end of a line"
    start = max(line.start if since is None else since, at - EXCERPT_SIZE + 1)
    return violation(
        RemoteProtocolError,
        code,
        f"expected {expected}, got {'the end of the line' if found is None else byte_name(found)}",
        offset=at,
        excerpt=line.text[start : min(at + 1, line.stop)],
    )


# --- start lines (RFC 9112 3 and 4) ---------------------------------------------------------------------------------


def _request_line(line: _Line, policy: Policy) -> StartLine | None:
    """Read a request line; `None` where there is only a right beginning of one."""
    text, _, stop, _ = line
    method_end = run_end(grammar.TOKEN_RUN, text, 0)
    if method_end > policy.max_method_size:
        expected = f"SP behind a method of at most {policy.max_method_size} bytes"
        raise _wrong(line, policy.max_method_size, "method-too-long", expected)
    if _ends_early(line, method_end, "bad-request-line", "a method, SP and a target"):
        return None
    if text[method_end] != _SP or method_end == 0:
        raise _wrong(line, method_end, _unless_space(text[method_end], "bad-method"), "a method and one SP")

    run = grammar.FRAGMENT_TARGET_RUN if policy.fragment_in_target else grammar.TARGET_RUN
    target_start = method_end + 1
    target_end = run_end(run, text, target_start)
    if _ends_early(line, target_end, "bad-version", "a target, SP and 'HTTP/1.1'"):
        return None
    if text[target_end] != _SP or target_end == target_start:
        code = _unless_space(text[target_end], "bad-target")
        raise _wrong(line, target_end, code, "a target of visible ASCII without '#', and one SP", since=target_end)

    version_start = target_end + 1
    version_end = _version_end(line, version_start, "bad-version")
    if version_end is None:
        return None
    method, target, version = text[:method_end], text[target_start:target_end], text[version_end - 3 : version_end]
    if not is_preface(method, target, version):
        _check_major(version, version_start, policy)
    if version_end < stop:
        code = _unless_space(text[version_end], "bad-version")
        raise _wrong(line, version_end, code, "the end of the line", since=version_start)
    return method, target, version


def _unless_space(found: int, code: ErrorCode) -> ErrorCode:
    return "bad-request-line" if found in b" \t\v\f" else code


def _status_line(line: _Line, policy: Policy) -> StartLine | None:
    """Read a status line; `None` where there is only a right beginning of one."""
    text, _, stop, _ = line
    version_end = _version_end(line, 0, "bad-status-line")
    if version_end is None:
        return None
    version = text[version_end - 3 : version_end]
    _check_major(version, 0, policy)
    if _ends_early(line, version_end, "bad-status-line", "SP and a status code"):
        return None
    if text[version_end] != _SP:
        raise _wrong(line, version_end, "bad-status-line", "one SP")

    code_start = version_end + 1
    code_end = run_end(grammar.STATUS_CODE_RUN, text, code_start)
    if code_end < code_start + 3:
        if _ends_early(line, code_end, "bad-status-code", "a status code of three digits"):
            return None
        raise _wrong(line, code_end, "bad-status-code", "a status code of three digits, 100 to 999", since=code_start)
    status_code = text[code_start:code_end]
    if code_end == stop:
        return version, status_code, b""
    if text[code_end] != _SP:
        expected = "SP or the end of the line behind three digits"
        raise _wrong(line, code_end, "bad-status-code", expected, since=code_start)

    run = grammar.ANY_VALUE_RUN if policy.control_bytes_in_reason else grammar.VALUE_RUN
    reason_end = run_end(run, text, code_end + 1)
    if reason_end < stop:
        raise _wrong(line, reason_end, "bad-reason", "a reason of visible characters, SP and HTAB", since=reason_end)
    return version, status_code, text[code_end + 1 : stop]


_DIGITS: Final = b"0123456789"
_VERSION_SHAPE: Final = (b"H", b"T", b"T", b"P", b"/", _DIGITS, b".", _DIGITS)


def _version_end(line: _Line, start: int, code: Literal["bad-version", "bad-status-line"]) -> int | None:
    """Return where the HTTP version that begins at `start` ends; `None` where the line ends inside it, unfinished."""
    for at, allowed in enumerate(_VERSION_SHAPE, start):
        if _ends_early(line, at, code, "a version like 'HTTP/1.1'"):
            return None
        found = line.text[at]
        if found not in allowed:
            wrong = code if code == "bad-status-line" else _unless_space(found, code)
            raise _wrong(line, at, wrong, "a version like 'HTTP/1.1'", since=start)
    return start + len(_VERSION_SHAPE)


def _check_major(version: bytes, offset: int, policy: Policy) -> None:
    if version[:1] != b"1" and not policy.any_major_version:
        raise _unsupported(version, offset)


def _unsupported(version: bytes, offset: int) -> RemoteProtocolError:
    message = f"expected HTTP/1.x, got HTTP/{version.decode('ascii')}"
    return violation(RemoteProtocolError, "unsupported-version", message, offset=offset)


# --- fields (RFC 9112 5) --------------------------------------------------------------------------------------------


def _field_line(line: _Line, fields: list[tuple[bytes, list[bytes]]], *, folding: bool, policy: Policy) -> None:
    """Read what there is of a field line, and add it to the `fields` before it."""
    text, start, stop, _ = line
    if text[start] in b" \t":
        if not fields:
            raise _wrong(line, start, "space-before-first-field", "a field name behind the start line")
        if not folding:
            raise _wrong(line, start, "folded-line", "a field name or an empty line")
        fields[-1][1].append(_field_value(line, start, fields[-1][0], policy))
        return
    name_end = run_end(grammar.TOKEN_RUN, text, start)
    if _ends_early(line, name_end, "missing-colon", "a field name and ':'"):
        return
    if text[name_end] != _COLON or name_end == start:
        spaced = name_end > start and text[name_end] in b" \t"
        code: ErrorCode = "space-before-colon" if spaced else "bad-field-name"
        raise _wrong(line, name_end, code, "a field name of token characters and ':'")
    name = text[start:name_end]
    fields.append((name, [_field_value(line, name_end + 1, name, policy)]))


def _field_value(line: _Line, start: int, name: bytes, policy: Policy) -> bytes:
    run = grammar.ANY_VALUE_RUN if policy.control_bytes_in_value else grammar.VALUE_RUN
    end = run_end(run, line.text, start)
    if end < line.stop:
        expected = f"visible characters, SP and HTAB as the value of {clipped(name)}"
        raise _wrong(line, end, "bad-field-value", expected, since=end)
    return line.text[start : line.stop].strip(b" \t")


def _joined(parts: list[bytes]) -> bytes:
    # "replace each received obs-fold with one or more SP octets prior to interpreting the field value" (RFC 9112 5.2)
    return parts[0] if len(parts) == 1 else b" ".join(parts).strip(b" \t")


# --- chunk lines (RFC 9112 7.1) -------------------------------------------------------------------------------------

_SIZE_DIGITS: Final = 16
_LONG_SIZE_DIGITS: Final = 20


def _chunk_size(line: _Line, policy: Policy) -> int:
    text, _, stop, _ = line
    longest = _LONG_SIZE_DIGITS if policy.long_chunk_sizes else _SIZE_DIGITS
    digits = run_end(grammar.HEX_RUN, text, 0)
    if digits > longest:
        raise _wrong(line, longest, "bad-chunk-size", f"at most {longest} hex digits as a chunk's size")
    if digits == 0 and not _ends_early(line, 0, "bad-chunk-size", "hex digits as a chunk's size"):
        raise _wrong(line, 0, "bad-chunk-size", "hex digits as a chunk's size")
    if digits == stop:
        return digits
    if policy.any_chunk_extension and text[digits] == _SEMICOLON:
        wrong = run_end(grammar.NOT_CR_LF_RUN, text, digits)
        if wrong < stop:
            raise _wrong(line, wrong, "bad-chunk-extension", "a chunk extension", since=wrong)
        return digits
    _chunk_space(line, digits, policy)
    if policy.any_chunk_extension:
        return digits
    wrong, unfinished = _extensions_end(text, digits, trailing_space=policy.space_after_chunk_size)
    if wrong < stop or (unfinished and line.next is not None):
        raise _wrong(line, wrong, "bad-chunk-extension", "a chunk extension like ';name=value'", since=wrong)
    return digits


def _chunk_space(line: _Line, digits: int, policy: Policy) -> None:
    """Check what directly follows the size: perhaps white space, and then the end of the line or a semicolon."""
    text, stop = line.text, line.stop
    expected = "CRLF or ';' behind the chunk's size"
    space_end = run_end(grammar.OWS_RUN, text, digits)
    # White space with nothing behind it; or, where none may stand before an extension, with nothing behind it yet.
    useless = policy.any_chunk_extension or (space_end == stop and line.next is not None)
    if space_end > digits and useless and not policy.space_after_chunk_size:
        raise _wrong(line, digits, "space-after-chunk-size", expected)
    if space_end < stop and (policy.any_chunk_extension or text[space_end] != _SEMICOLON):
        code: ErrorCode = "space-after-chunk-size" if space_end > digits else "bad-chunk-size"
        raise _wrong(line, space_end, code, expected)


def _extensions_end(text: bytes, start: int, *, trailing_space: bool) -> tuple[int, bool]:
    """Return how far chunk extensions go from `start` on, and whether the last one is unfinished there."""
    at = start
    while True:
        space_end = run_end(grammar.OWS_RUN, text, at)
        if space_end == len(text):
            return space_end, space_end > at and not trailing_space
        if text[space_end] != _SEMICOLON:
            return space_end, True
        name_start = run_end(grammar.OWS_RUN, text, space_end + 1)
        at = run_end(grammar.TOKEN_RUN, text, name_start)
        if at == name_start:
            return at, True
        equals = run_end(grammar.OWS_RUN, text, at)
        if text[equals : equals + 1] != b"=":
            continue
        value_start = run_end(grammar.OWS_RUN, text, equals + 1)
        if text[value_start : value_start + 1] == b'"':
            value_end = run_end(grammar.QUOTED_STRING_RUN, text, value_start)
            if text[value_end : value_end + 1] != b'"':
                return value_end, True
            at = value_end + 1
        else:
            at = run_end(grammar.TOKEN_RUN, text, value_start)
            if at == value_start:
                return at, True
