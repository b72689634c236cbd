"""Bytes to events (RFC 9112 2 to 7). Pure functions: each takes what it needs and holds nothing.

A head is read in two steps. `find_section_end` finds where it ends; `parse_request` and `parse_response` read it, by
one pattern over the whole of it: that of heads as nearly all are, or else that of all well-formed ones, which has an
``unusual`` function of its own. What has not arrived in full, and what that pattern does not match, is scanned by
`http11.scanning`: the plain path, which finds what the policy tolerates, or the first wrong byte. All paths give the
same event for the same bytes, and the plain path alone decides which byte is wrong.

The functions that take a whole head, trailer section or chunk line take any bytes-like object. Those that read on in a
buffer take `bytes` or a `bytearray`, and do not copy it.

A body is read piece by piece. `read_length_body`, `read_chunked_body` and `read_until_close` take how far the body has
got and return how far it has got now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from re import Pattern
from typing import Final, Literal, NamedTuple, TypeAlias

from http11 import grammar
from http11.errors import ErrorCode, RemoteProtocolError, byte_name, violation
from http11.events import (
    Data,
    EndOfMessage,
    InformationalResponse,
    Request,
    Response,
    check_target,
    checked_request_fields,
    checked_response_fields,
    is_preface,
    is_usual_request,
    received_data,
    received_end,
    received_request,
    received_response,
)
from http11.framing import BodyFraming, has_no_content
from http11.headers import (
    FORBIDDEN_TRAILERS,
    Buffer,
    Field,
    FieldNames,
    Headers,
    check_no_content,
    check_trailers,
    headers_of,
    is_length,
    known_names,
    normalized_length,
    received_headers,
)
from http11.policy import STRICT, Policy
from http11.scanning import Received, Scan, Scanned, Section, StartLine, begin, cut, run_end, scan, split

__all__ = [
    "END",
    "NO_BODY",
    "BodyProgress",
    "ChunkLine",
    "ChunkedProgress",
    "LengthProgress",
    "Received",
    "Scan",
    "Section",
    "Step",
    "begin_body",
    "find_section_end",
    "parse_chunk_line",
    "parse_request",
    "parse_response",
    "parse_trailers",
    "parse_unusual_request",
    "parse_unusual_response",
    "parse_usual_request",
    "parse_usual_response",
    "read_chunked_body",
    "read_length_body",
    "read_until_close",
    "read_usual_chunk",
    "skip_empty_lines",
    "skip_late_empty_lines",
]

# --- heads and trailer sections -------------------------------------------------------------------------------------


def skip_empty_lines(data: Received, start: int = 0, *, policy: Policy = STRICT) -> int:
    """Return where the first line that is not empty begins, at `start` or after it (RFC 9112 2.2)."""
    if not policy.leading_empty_lines:
        return start
    return skip_late_empty_lines(data, start, policy=policy)


def skip_late_empty_lines(data: Received, start: int = 0, *, policy: Policy = STRICT) -> int:
    """Return where the empty lines end that begin at `start`, after the last request of a connection.

    Old clients send one after a body (RFC 9112 2.2), so they are skipped there under each policy.
    """
    if data[start : start + 1] not in (b"\r", b"\n", b""):
        return start
    pattern = grammar.LENIENT_EMPTY_LINES if policy.bare_lf else grammar.EMPTY_LINES
    return run_end(pattern, data, start)


def find_section_end(
    data: Received,
    start: int = 0,
    seen: Scan | None = None,
    *,
    section: Section,
    limit: int,
    skipped: int = 0,
    policy: Policy = STRICT,
) -> int | Scan:
    """Find the end of the head or trailer section that begins at `start`.

    Args:
        data: What has been received.
        start: Where the section begins.
        seen: What an earlier call for the same section has returned, when it did not find the end.
        section: Which kind it is.
        limit: Its greatest size, in bytes, with the empty line that ends it.
        skipped: How many bytes of empty lines before `start` count towards the limit.
        policy: What is tolerated.

    Returns:
        The index behind its empty line; or, where more is needed, how far it has been looked at.

    Raises:
        RemoteProtocolError: It is too large, or it has not ended and has a wrong byte; the offset counts from `start`.

    """
    seen = seen or begin(section)
    if section == "trailers" and seen.at == 0:
        if data.startswith(b"\r\n", start) and limit >= len(b"\r\n"):
            return start + 2
        if policy.bare_lf and data.startswith(b"\n", start) and limit >= len(b"\n"):
            return start + 1
    # The end may have begun in the last three bytes that were seen.
    seek = start + max(0, seen.at - 3)
    if policy.bare_lf:
        match = grammar.LENIENT_HEAD_END.search(data, seek)
        end = -1 if match is None else match.end()
    else:
        found = data.find(b"\r\n\r\n", seek)
        end = -1 if found < 0 else found + 4
    stop = len(data) if end < 0 else end
    most = limit - skipped
    if stop - start > most:
        scan(data, start, start + most, seen, section=section, policy=policy)
        raise violation(
            RemoteProtocolError,
            "trailers-too-large" if section == "trailers" else "head-too-large",
            f"expected at most {max(0, limit)} bytes of {_SECTION_NAMES[section]}"
            f"{' with the empty lines before it' if skipped else ''}, got more",
            offset=max(0, most),
        )
    return scan(data, start, stop, seen, section=section, policy=policy) if end < 0 else end


_SECTION_NAMES: Final[Mapping[Scanned, str]] = {
    "request": "a request's head",
    "response": "a response's head",
    "trailers": "a trailer section",
    "chunk line": "a chunk line",
}


def parse_request(head: Buffer, *, policy: Policy = STRICT) -> Request:
    """Read the head of a request, from its first byte to the empty line (RFC 9112 3).

    Raises:
        RemoteProtocolError: It is not one that `policy` accepts.
        TypeError: `head` is not bytes-like.

    """
    text = head if isinstance(head, bytes) else memoryview(head).tobytes()
    return parse_usual_request(text, policy) or parse_unusual_request(text, policy=policy)


def parse_unusual_request(head: bytes, *, policy: Policy = STRICT) -> Request:
    """Do the same for a head that is none of the usual: see `parse_usual_request`.

    Raises:
        RemoteProtocolError: It is not one that `policy` accepts.

    """
    match = grammar.REQUEST_HEAD.fullmatch(head)
    if match is not None and match.end(1) <= policy.max_method_size:
        method, target, http_version = match.groups()
        fields = _fields(head, match.end(3) + 2, "request", policy)
    else:
        (method, target, http_version), fields = _read_whole(head, "request", policy)
    headers = received_headers(fields, strict=not policy.tolerant)
    return _checked_request(method, target, headers, http_version, head, policy)


def parse_usual_request(head: Received, policy: Policy = STRICT) -> Request | None:
    """Do the same, in less time, for a head that is as most are; or return `None`, which says nothing about it.

    It is for those who do not know yet whether `head` is a whole one, and no more.

    Raises:
        RemoteProtocolError: It is a head, and not one that `policy` accepts.

    """
    usual = _usual_head(grammar.usual_request_head, head, policy)
    if usual is None:
        return None
    groups, names, values = usual
    method, target = groups[0], groups[1]
    if len(method) > policy.max_method_size:
        return None
    headers = headers_of(names, values, not policy.tolerant)
    return _checked_request(method, target, headers, groups[2], head, policy)


def _checked_request(  # noqa: PLR0917 - called for each message, and names take time
    method: bytes, target: bytes, headers: Headers, http_version: bytes, head: Received, policy: Policy
) -> Request:
    if is_usual_request(headers, method, target):
        return received_request(method, target, headers, http_version)
    try:
        if not is_preface(method, target, http_version):
            check_target(method, target, policy=policy, blame=RemoteProtocolError)
        headers = checked_request_fields(headers, method, target, http_version, policy, RemoteProtocolError)
    except RemoteProtocolError as error:
        _locate(error, head, policy)
        raise
    return received_request(method, target, headers, http_version)


def parse_response(
    head: Buffer, *, policy: Policy = STRICT, request_method: bytes | None = None
) -> InformationalResponse | Response:
    """Read the head of a response, from its first byte to the empty line (RFC 9112 4).

    Args:
        head: The bytes of the head.
        policy: What is tolerated.
        request_method: The method that it answers. What the fields of an answer without content say of a length does
            not count, so it may be wrong (RFC 9110 9.3.6, RFC 9112 6.3); such an answer cannot be sent on.

    Raises:
        RemoteProtocolError: It is not one that `policy` accepts.
        TypeError: `head` is not bytes-like.

    """
    text = head if isinstance(head, bytes) else memoryview(head).tobytes()
    return parse_usual_response(text, policy, request_method) or parse_unusual_response(
        text, policy=policy, request_method=request_method
    )


def parse_unusual_response(
    head: bytes, *, policy: Policy = STRICT, request_method: bytes | None = None
) -> InformationalResponse | Response:
    """Do the same for a head that is none of the usual, as `parse_unusual_request` does for a request.

    Raises:
        RemoteProtocolError: It is not one that `policy` accepts.

    """
    match = grammar.RESPONSE_HEAD.fullmatch(head)
    if match is not None:
        http_version, status_code, reason = match.group(1, 2, 3)
        fields = _fields(head, head.index(b"\n") + 1, "response", policy)
    else:
        (http_version, status_code, reason), fields = _read_whole(head, "response", policy)
    headers = received_headers(fields, strict=not policy.tolerant)
    return _checked_response(http_version, status_code, reason or b"", headers, head, policy, request_method)


def parse_usual_response(
    head: Received, policy: Policy = STRICT, request_method: bytes | None = None
) -> InformationalResponse | Response | None:
    """Do the same, as `parse_usual_request` does for a request.

    Raises:
        RemoteProtocolError: It is a head, and not one that `policy` accepts.

    """
    usual = _usual_head(grammar.usual_response_head, head, policy)
    if usual is None:
        return None
    groups, names, values = usual
    headers = headers_of(names, values, not policy.tolerant)
    return _checked_response(groups[0], groups[1], groups[2], headers, head, policy, request_method)


def _checked_response(  # noqa: PLR0917
    http_version: bytes,
    status_code: bytes,
    reason: bytes,
    headers: Headers,
    head: Received,
    policy: Policy,
    request_method: bytes | None,
) -> InformationalResponse | Response:
    code = int(status_code)
    try:
        try:
            headers = checked_response_fields(headers, http_version, policy, RemoteProtocolError)
        except RemoteProtocolError:
            if code < 200 or not has_no_content(code, request_method):  # noqa: PLR2004 - the class 1xx
                raise
            # "A client MUST ignore any Content-Length or Transfer-Encoding header fields received in a successful
            # response to CONNECT" (RFC 9110 9.3.6). No sender may say that, so the event cannot be sent on.
            headers = received_headers(headers.raw_items(), strict=False)
        if code < 200 and not policy.content_in_informational_response:  # noqa: PLR2004 - the class 1xx
            check_no_content(headers, RemoteProtocolError, "content-in-informational-response")
    except RemoteProtocolError as error:
        _locate(error, head, policy)
        raise
    return received_response(code, headers, http_version, reason)


def parse_trailers(section: Buffer, *, policy: Policy = STRICT) -> EndOfMessage:
    """Read a trailer section with the empty line that ends it (RFC 9112 7.1.2).

    Raises:
        RemoteProtocolError: It is not one that `policy` accepts.
        TypeError: `section` is not bytes-like.

    """
    text = section if isinstance(section, bytes) else memoryview(section).tobytes()
    if text == b"\r\n":
        return END
    if grammar.TRAILER_SECTION.fullmatch(text) is not None:
        fields = _fields(text, 0, "trailers", policy)
    else:
        _, fields = _read_whole(text, "trailers", policy)
    headers = received_headers(fields, strict=not policy.tolerant)
    try:
        check_trailers(headers, policy=policy, blame=RemoteProtocolError)
        headers = normalized_length(headers, of_request=False, http10=False, policy=policy, blame=RemoteProtocolError)
    except RemoteProtocolError as error:
        _locate(error, text, policy)
        raise
    return received_end(headers)


END: Final = EndOfMessage()
"""The end of a message without trailers: it cannot change, so one will do."""


def _usual_head(
    pattern: Callable[[int], Pattern[bytes]], head: Received, policy: Policy
) -> tuple[tuple[bytes, ...], FieldNames, tuple[bytes, ...]] | None:
    """Read a head whose fields are as nearly all are, with names that have come together before.

    Returns:
        The groups of the pattern, and the names and values of the fields; `None` says nothing but that a closer look
        is needed.

    """
    count = head.count(b"\n") - 2
    most = policy.max_fields
    if not 0 <= count <= grammar.MOST_USUAL_FIELDS or (most is not None and count > most):
        return None
    match = pattern(count).fullmatch(head)
    if match is None:
        return None
    groups: tuple[bytes, ...] = match.groups()
    # The names that are known are tokens, and what else is not the byte of a value is the end of a line.
    names = known_names(groups[3::2])
    if names is None or head.translate(None, grammar.VALUE_BYTES) != _LINE_ENDS[count]:
        return None
    return groups, names, groups[4::2]


# Of a start line, so many fields, and the empty line.
_LINE_ENDS: Final = tuple([b"\r\n" * (fields + 2) for fields in range(grammar.MOST_USUAL_FIELDS + 1)])


def _fields(head: bytes, start: int, section: Section, policy: Policy) -> list[Field]:
    # Over lines that the pattern of the whole section has matched.
    fields: list[Field] = grammar.FIELD_LINES.findall(head, start)
    if policy.max_fields is not None and len(fields) > policy.max_fields:
        # Raises, and knows where.
        return _read_whole(head, section, policy)[1]
    if b" \r\n" in head or b"\t\r\n" in head:
        return [(name, value.rstrip(b" \t")) for name, value in fields]
    return fields


def _read_whole(text: bytes, section: Scanned, policy: Policy) -> tuple[StartLine, list[Field]]:
    state = scan(text, 0, len(text), begin(section), section=section, policy=policy)
    if state.phase != "end":
        raise violation(
            RemoteProtocolError,
            "head-cut-short",
            f"expected the end of {_SECTION_NAMES[section]}, got the end of the bytes",
            offset=len(text),
        )
    if state.at != len(text):
        raise violation(
            RemoteProtocolError,
            "unexpected-bytes",
            f"expected nothing behind the end of {_SECTION_NAMES[section]}, got more bytes",
            offset=state.at,
        )
    return split(text, section)


# The field to which an error about the whole of the fields points.
_BLAMED_FIELDS: Final[Mapping[ErrorCode, tuple[bytes, ...]]] = {
    "repeated-host": (b"host",),
    "bad-host": (b"host",),
    "host-mismatch": (b"host",),
    "content-in-connect": (b"content-length", b"transfer-encoding"),
    "content-in-informational-response": (b"content-length", b"transfer-encoding"),
    "bad-content-length": (b"content-length",),
    "conflicting-content-length": (b"content-length",),
    "repeated-content-length": (b"content-length",),
    "unknown-transfer-coding": (b"transfer-encoding",),
    "bad-transfer-encoding": (b"transfer-encoding",),
    "transfer-encoding-and-content-length": (b"transfer-encoding",),
    "transfer-encoding-in-http10": (b"transfer-encoding",),
}


# Of these, the first one is to blame; of the others, the one that came too much.
_FIRST_BLAMED: Final = frozenset(["bad-content-length", "forbidden-trailer"])


def _locate(error: RemoteProtocolError, head: Received, policy: Policy) -> None:
    """Point `error` to the field that it is about, or to the target."""
    if error.code in ("bad-target-form", "bad-connect-target"):
        error.offset = head.index(b" ") + 1
        return
    wanted = _BLAMED_FIELDS.get(error.code, ())
    for at, name, value in _located_fields(head):
        wrong = _wrong_lengths(value, policy) if error.code == "bad-content-length" else None
        trailer = error.code == "forbidden-trailer" and name.lower() in FORBIDDEN_TRAILERS
        if trailer or (name.lower() in wanted and wrong != []):
            error.offset, error.excerpt = at, name
            if wrong and not policy.long_lengths and all(is_length(length, _LONG_LENGTHS) for length in wrong):
                error.tolerance = "long_lengths"
            if error.code in _FIRST_BLAMED:
                return


_LONG_LENGTHS: Final = Policy(long_lengths=True)


def _wrong_lengths(value: bytes, policy: Policy) -> list[bytes]:
    lengths = [length.strip(b" \t") for length in value.split(b",")]
    return [length for length in lengths if not is_length(length, policy)]


def _located_fields(head: Received) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield where each field begins, its name, and its value as one line; the start line as if it were one."""
    found: list[tuple[int, bytes, list[Received]]] = []
    at = 0
    for line in head.split(b"\n"):
        if line[:1] in (b" ", b"\t"):
            found[-1][2].append(line)
        else:
            name, _, value = line.partition(b":")
            found.append((at, bytes(name), [value]))
        at += len(line) + 1
    for at, name, parts in found:
        yield at, name, b" ".join([part.strip(b" \t\r") for part in parts])


# --- bodies ---------------------------------------------------------------------------------------------------------


class LengthProgress(NamedTuple):
    """How far a body of known length has got, in bytes."""

    length: int
    received: int = 0


_Awaiting: TypeAlias = Literal["line", "data", "end", "trailers", "nothing"]


class ChunkedProgress(NamedTuple):
    """How far a chunked body has got (RFC 9112 7.1).

    Attributes:
        awaiting: What comes next: a chunk line, a chunk's data, the CRLF behind it, the trailer section, or nothing.
        remaining: How many bytes of the chunk's data are still to come.
        begun: Whether some of the chunk's data has come.
        received: How many bytes of data have come in all.
        extensions: How many bytes the chunk extensions have had in all.
        scan: How far the chunk line or trailer section that comes next has been looked at.

    """

    awaiting: _Awaiting = "line"
    remaining: int = 0
    begun: bool = False
    received: int = 0
    extensions: int = 0
    scan: Scan | None = None


# What named tuples do in Python, by position and in half of the time.
_length_progress: Final[Callable[[tuple[int, int]], LengthProgress]] = partial(tuple.__new__, LengthProgress)
_chunked_progress: Final[Callable[[tuple[_Awaiting, int, bool, int, int, None]], ChunkedProgress]] = partial(
    tuple.__new__, ChunkedProgress
)

BodyProgress: TypeAlias = LengthProgress | ChunkedProgress | None
"""How far a body has got; `None` for one that goes on until the connection closes."""

NO_BODY: Final = LengthProgress(0)
"""How far a body that there is none of has got."""

Step: TypeAlias = tuple[Data[bytes] | EndOfMessage | None, BodyProgress, int]
"""The next event or `None` (more is needed), how far the body has got now, and the index of the first unread byte."""


def begin_body(framing: BodyFraming) -> BodyProgress:
    """Return how far a body has got of which nothing has come."""
    if isinstance(framing, int):
        return _length_progress((framing, 0)) if framing else NO_BODY
    return ChunkedProgress() if framing == "chunked" else None


def read_length_body(data: Received, start: int, progress: LengthProgress, closed: bool = False) -> Step:
    """Read on in a body of known length (RFC 9112 6.2).

    Raises:
        RemoteProtocolError: The connection has closed before the end.

    """
    length, received = progress
    left, size = length - received, len(data) - start
    # The usual case first: all that is left of it has come.
    if size >= left > 0:
        return received_data(cut(data, start, start + left)), NO_BODY, start + left
    if left == 0:
        return END, progress, start
    if size > 0:
        return received_data(cut(data, start, len(data))), _length_progress((length, received + size)), len(data)
    if closed:
        raise violation(
            RemoteProtocolError,
            "body-cut-short",
            f"peer closed the connection inside a message body: received {received} bytes, expected {length}",
            received=received,
        )
    return None, progress, start


def read_until_close(data: Received, start: int, *, closed: bool = False) -> Step:
    """Read on in a body that goes on until the connection closes (RFC 9112 6.3)."""
    if start == len(data):
        return (END if closed else None), None, start
    return received_data(cut(data, start, len(data))), None, len(data)


def read_chunked_body(  # noqa: PLR0917 - called for each chunk, and names take time
    data: Received,
    start: int,
    progress: ChunkedProgress,
    limit: int,
    closed: bool = False,
    policy: Policy = STRICT,
) -> Step:
    """Read on in a chunked body (RFC 9112 7.1).

    Args:
        data: What has been received.
        start: The index of the first unread byte.
        progress: How far the body has got.
        limit: The greatest size of a chunk line or a trailer section, in bytes.
        closed: Whether no more will come.
        policy: What is tolerated.

    Raises:
        RemoteProtocolError: The body is wrong; the offset is an index of `data`.

    """
    return read_usual_chunk(data, start, progress, limit, policy) or _read_chunked(
        data, start, progress, limit, closed, policy
    )


# A line of 16 digits, its CRLF, and the one behind the chunk before it.
_USUAL_CHUNK_LINE_SIZE: Final = 20


def read_usual_chunk(
    data: Received, start: int, progress: ChunkedProgress, limit: int, policy: Policy = STRICT
) -> Step | None:
    """Do the same, in less time, where a chunk line without extensions has come in full, and some of its data with it.

    `None` says nothing but that a closer look is needed.
    """
    awaiting, _, _, received, extensions, seen = progress
    if seen is not None or (awaiting != "end" and awaiting != "line"):  # noqa: PLR1714 - a pair takes time
        return None
    pattern = grammar.USUAL_CHUNK_LINE if awaiting == "line" else grammar.USUAL_NEXT_CHUNK_LINE
    match = pattern.match(data, start, start + _USUAL_CHUNK_LINE_SIZE)
    if match is None:
        return None
    begin_of_data, longest = match.end(), policy.max_chunk_line_size
    size, line = int(match[1], 16), begin_of_data - match.start(1)
    # The policy counts a line without its CRLF.
    if size == 0 or begin_of_data == len(data) or line > limit or (longest is not None and line - 2 > longest):
        return None
    end_of_data = begin_of_data + size
    if end_of_data > len(data):
        return _read_chunk_data(data, begin_of_data, (size, False, received, extensions))
    event = received_data(cut(data, begin_of_data, end_of_data), True, True)
    return event, _chunked_progress(("end", 0, True, received + size, extensions, None)), end_of_data


def _read_chunked(  # noqa: PLR0917
    data: Received, start: int, progress: ChunkedProgress, limit: int, closed: bool, policy: Policy
) -> Step:
    awaiting, remaining, begun, received, extensions, seen = progress
    at = start
    if awaiting == "nothing":
        return END, progress, at
    if awaiting == "end":
        after = _chunk_end(data, at)
        if after is not None:
            at, awaiting = after, "line"
    try:
        if awaiting == "line":
            found = _find_chunk_line_end(data, at, seen, limit=limit, policy=policy)
            if isinstance(found, Scan):
                seen = found
            else:
                remaining, size = parse_chunk_line(cut(data, at, found), policy=policy)
                extensions += size
                _check_excess(extensions, received, policy)
                at, begun, seen = found + 2, False, None
                awaiting = "data" if remaining else "trailers"
        if awaiting == "trailers":
            found = find_section_end(data, at, seen, section="trailers", limit=limit, policy=policy)
            if not isinstance(found, Scan):
                end = parse_trailers(cut(data, at, found), policy=policy)
                return end, ChunkedProgress("nothing", 0, False, received, extensions), found
            seen = found
    except RemoteProtocolError as error:
        error.offset = at + (error.offset or 0)
        raise
    if awaiting == "data" and at < len(data):
        return _read_chunk_data(data, at, (remaining, begun, received, extensions))
    if closed:
        raise violation(
            RemoteProtocolError,
            "body-cut-short",
            "peer closed the connection inside a message body: incomplete chunked read, "
            f"received {received} bytes of data and no last chunk",
            offset=len(data),
            received=received,
        )
    return None, ChunkedProgress(awaiting, remaining, begun, received, extensions, seen), at


def _read_chunk_data(data: Received, at: int, progress: tuple[int, bool, int, int]) -> Step:
    remaining, begun, received, extensions = progress
    piece = cut(data, at, min(len(data), at + remaining))
    at += len(piece)
    remaining -= len(piece)
    received += len(piece)
    event = received_data(piece, not begun, not remaining)
    awaiting: _Awaiting = "data" if remaining else "end"
    return event, _chunked_progress((awaiting, remaining, True, received, extensions, None)), at


def _chunk_end(data: Received, start: int) -> int | None:
    """Return the index behind the CRLF that must stand at `start`, or `None`: more is needed."""
    if data.startswith(b"\r\n", start):
        return start + 2
    wrong = start + data.startswith(b"\r", start)
    if wrong == len(data):
        return None
    raise violation(
        RemoteProtocolError,
        "bad-chunk-end",
        f"expected CRLF behind a chunk's data, got {byte_name(data[wrong])}",
        offset=wrong,
        excerpt=cut(data, start, wrong + 1),
    )


def _check_excess(extensions: int, received: int, policy: Policy) -> None:
    excess = policy.max_chunk_extension_excess
    if excess is not None and extensions - received > excess:
        raise violation(
            RemoteProtocolError,
            "too-many-chunk-extensions",
            f"expected chunk extensions to outweigh the data by at most {excess} bytes, got "
            f"{extensions} bytes of extensions and {received} bytes of data",
            offset=0,
        )


def _find_chunk_line_end(data: Received, start: int, seen: Scan | None, *, limit: int, policy: Policy) -> int | Scan:
    """Return the index of the CRLF of the chunk line that begins at `start`; or how far it has been looked at."""
    seen = seen or begin("chunk line")
    end = data.find(b"\r\n", start + max(0, seen.at - 1))
    # A CR at the end may turn out to belong to the line's end.
    stop = end if end >= 0 else len(data) - data.endswith(b"\r", start)
    longest = max(0, limit - 2)
    if policy.max_chunk_line_size is not None:
        longest = min(policy.max_chunk_line_size, longest)
    if stop - start > longest:
        scan(data, start, start + longest, seen, section="chunk line", policy=policy)
        raise violation(
            RemoteProtocolError,
            "chunk-line-too-long" if longest == policy.max_chunk_line_size else "chunk-line-too-large",
            f"expected a chunk line of at most {longest} bytes, got more",
            offset=longest,
        )
    return scan(data, start, len(data), seen, section="chunk line", policy=policy) if end < 0 else end


class ChunkLine(NamedTuple):
    """A chunk line: the size of the chunk's data, and that of the extensions (which mean nothing to us), in bytes."""

    size: int
    extensions: int


def parse_chunk_line(line: Buffer, *, policy: Policy = STRICT) -> ChunkLine:
    """Read a chunk line, without its CRLF (RFC 9112 7.1).

    Raises:
        RemoteProtocolError: It is not one that `policy` accepts; the offset is an index of `line`, in bytes.
        TypeError: `line` is not bytes-like.

    """
    text = line if isinstance(line, bytes) else memoryview(line).tobytes()
    # The tolerant way with extensions is another grammar, not a wider one.
    match = None if policy.any_chunk_extension else grammar.CHUNK_LINE.fullmatch(text)
    if match is None:
        _read_whole(text + b"\r\n", "chunk line", policy)
    # Hex digits, and few: the pattern or the scan has seen to that.
    digits = run_end(grammar.HEX_RUN, text) if match is None else match.end(1)
    return ChunkLine(int(text[:digits], 16), len(text) - digits)
