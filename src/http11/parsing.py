"""Bytes to events (RFC 9112 2 to 7). Pure functions: each takes what it needs and holds nothing.

A head is read once it is whole: `find_section_end` finds where it ends, `parse_request` and `parse_response` read it. A
body is read piece by piece: `read_body` takes how far it has got and returns how far it has got now. `http11.lines`
takes lines apart and finds the leftmost wrong byte; here they become events, and are checked for what fields must keep
together.

The functions that take a whole head, trailer section or chunk line take any bytes-like object. Those that read on in a
buffer take `bytes` or a `bytearray`, and do not copy it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from http11._runtime import Buffer
from http11.errors import ErrorCode, RemoteProtocolError, alone, byte_name, violation
from http11.events import (
    Data,
    EndOfMessage,
    InformationalResponse,
    Request,
    Response,
    new_data,
    new_end,
    new_informational_response,
    new_request,
    new_response,
)
from http11.framing import BodyFraming, has_no_content
from http11.headers import Headers
from http11.lines import (
    SECTION_NAMES,
    IncompleteError,
    Received,
    Section,
    cut,
    explain,
    find_line_end,
    find_section_end,
    has_crlf,
    short_chunk_line,
    split_chunk_line,
    split_request,
    split_response,
    split_trailers,
)
from http11.lines import skip_empty_lines as _skip_empty_lines
from http11.parts import fill_data, fill_end, fill_request, fill_response
from http11.policy import STRICT, Policy
from http11.rules import (
    FORBIDDEN_TRAILERS,
    check_no_content,
    check_trailers,
    is_before_http11,
    is_length,
    normalized_length,
    normalized_request_fields,
    received_headers,
)
from http11.tolerances import Tolerances

__all__ = [
    "END",
    "NO_BODY",
    "Awaiting",
    "BodyProgress",
    "ChunkLine",
    "Received",
    "Section",
    "Step",
    "begin_body",
    "find_section_end",
    "parse_chunk_line",
    "parse_request",
    "parse_response",
    "parse_trailers",
    "read_body",
    "skip_empty_lines",
    "too_large",
]

# In names of this module's own: a compiled build finds them without a lookup.
_new_request: Final = new_request
_new_response: Final = new_response
_new_data: Final = new_data
_STRICT: Final = STRICT
_PEER: Final = RemoteProtocolError

# --- heads and trailer sections -------------------------------------------------------------------------------------


def skip_empty_lines(data: Received, start: int = 0, *, policy: Policy = STRICT) -> int:
    """Return the index of the first line at or after `start` that is not empty (RFC 9112 2.2)."""
    return _skip_empty_lines(data, start, bare_lf=policy.bare_lf) if policy.leading_empty_lines else start


def too_large(text: bytes, section: Section, limit: int, *, policy: Policy = STRICT) -> RemoteProtocolError:
    """Return the error for a section that is larger than `limit`.

    Args:
        text: The first `limit` bytes of it.
        section: What it is.
        limit: The largest size to accept, in bytes, including the empty line at the end and those before a request.
        policy: What to tolerate.

    Raises:
        RemoteProtocolError: A byte of `text` is wrong; that is reported instead of the size.

    """
    return _too_large(text, section, limit, policy._tolerances)


def _too_large(text: bytes, section: Section, limit: int, policy: Tolerances) -> RemoteProtocolError:
    explain(text, section, policy)
    return violation(
        RemoteProtocolError,
        "trailers-too-large" if section == "trailers" else "head-too-large",
        f"expected at most {limit} bytes of {SECTION_NAMES[section]}"
        f"{' with the empty lines before it' if section == 'request' else ''}, got more",
        offset=len(text),
    )


def parse_request(head: Buffer, *, policy: Policy = STRICT) -> Request:
    """Parse the head of a request, from its first byte to the empty line (RFC 9112 3).

    Raises:
        RemoteProtocolError: `policy` does not accept it. The offset is an index of `head`, in bytes.
        TypeError: `head` is not bytes-like.

    """
    return read_request(head if isinstance(head, bytes) else memoryview(head).tobytes(), policy._tolerances)


def read_request(text: bytes, policy: Tolerances) -> Request:
    """Do what `parse_request` does, for a caller that has the tolerances of the policy at hand: the engine."""
    try:
        method, target, http_version, headers = split_request(text, policy)
    except IncompleteError:
        raise alone(_cut_short(text, "request")) from None
    try:
        headers = normalized_request_fields(method, target, headers, http_version, policy, _PEER)
    except RemoteProtocolError as error:
        _locate(error, text, policy)
        raise
    event = _new_request()
    fill_request(event, headers, http_version, method, target)
    return event


def parse_response(
    head: Buffer,
    *,
    policy: Policy = STRICT,
    request_method: bytes | None = None,
    left_out: list[bytes] | None = None,
) -> InformationalResponse | Response:
    """Parse the head of a response, from its first byte to the empty line (RFC 9112 4).

    Args:
        head: The bytes of the head.
        policy: What to tolerate.
        request_method: The method of the request. If the response has no content, what its fields say about a length is
            ignored and may be wrong (RFC 9110 9.3.6, RFC 9112 6.3); such a response cannot be sent.
        left_out: Takes the lines that are left out by `Policy.broken_lines_in_response`, without their line ends.

    Raises:
        RemoteProtocolError: `policy` does not accept it. The offset is an index of `head`, in bytes.
        TypeError: `head` is not bytes-like.

    """
    text = head if isinstance(head, bytes) else memoryview(head).tobytes()
    return read_response(text, policy._tolerances, request_method, left_out)


def read_response(
    text: bytes, policy: Tolerances, request_method: bytes | None, left_out: list[bytes] | None
) -> InformationalResponse | Response:
    """Do what `parse_response` does, for a caller that has the tolerances of the policy at hand: the engine."""
    try:
        http_version, code, reason, headers = split_response(text, policy, left_out)
    except IncompleteError:
        raise alone(_cut_short(text, "response")) from None
    try:
        headers = _normalized_response_fields(headers, code, http_version, request_method, policy)
    except RemoteProtocolError as error:
        _locate(error, text, policy)
        raise
    event = new_informational_response() if code < 200 else _new_response()  # noqa: PLR2004 - the class 1xx
    fill_response(event, headers, http_version, reason, code)
    return event


def _normalized_response_fields(
    headers: Headers, code: int, http_version: bytes, request_method: bytes | None, policy: Tolerances
) -> Headers:
    try:
        headers = normalized_length(
            headers,
            of_request=False,
            http10=is_before_http11(http_version),
            policy=policy,
            blame=_PEER,
            received_response=True,
        )
    except RemoteProtocolError:
        if code < 200 or not has_no_content(code, request_method):  # noqa: PLR2004 - the class 1xx
            raise
        # It has no content, whatever they say (RFC 9112 6.3). "A client MUST ignore any Content-Length or
        # Transfer-Encoding header fields received in a successful response to CONNECT" (RFC 9110 9.3.6). No sender may
        # say that, so the event cannot be sent on.
        return received_headers(headers.raw_items(), False)
    if code < 200 and not policy.content_in_informational_response:  # noqa: PLR2004 - the class 1xx
        check_no_content(headers, RemoteProtocolError, "content-in-informational-response")
    return headers


def parse_trailers(section: Buffer, *, policy: Policy = STRICT) -> EndOfMessage:
    """Parse a trailer section, including the empty line that ends it (RFC 9112 7.1.2).

    Raises:
        RemoteProtocolError: `policy` does not accept it. The offset is an index of `section`, in bytes.
        TypeError: `section` is not bytes-like.

    """
    return _trailers(section if isinstance(section, bytes) else memoryview(section).tobytes(), policy._tolerances)


def _trailers(text: bytes, tolerances: Tolerances) -> EndOfMessage:
    if text == b"\r\n":
        return END
    try:
        headers = split_trailers(text, tolerances)
    except IncompleteError:
        raise alone(_cut_short(text, "trailers")) from None
    try:
        check_trailers(headers, policy=tolerances, blame=RemoteProtocolError)
        headers = normalized_length(
            headers, of_request=False, http10=False, policy=tolerances, blame=RemoteProtocolError
        )
    except RemoteProtocolError as error:
        _locate(error, text, tolerances)
        raise
    event = new_end()
    fill_end(event, headers)
    return event


END: Final = EndOfMessage()
"""The end of a message without trailers. Events are immutable, so one instance is enough."""


def _cut_short(text: bytes, section: Section) -> RemoteProtocolError:
    message = f"expected the end of {SECTION_NAMES[section]}, got the end of the bytes"
    return violation(RemoteProtocolError, "head-cut-short", message, offset=len(text))


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


def _locate(error: RemoteProtocolError, head: Received, policy: Tolerances) -> None:
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
            if (
                wrong
                and not policy.long_lengths
                and all(is_length(length, _LONG_LENGTHS._tolerances) for length in wrong)
            ):
                error.tolerance = "long_lengths"
            if error.code in _FIRST_BLAMED:
                return


_LONG_LENGTHS: Final = Policy(long_lengths=True)


def _wrong_lengths(value: bytes, policy: Tolerances) -> list[bytes]:
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
            # Before the colon, a response may have white space that is tolerated.
            found.append((at, bytes(name.rstrip(b" \t")), [value]))
        at += len(line) + 1
    for at, name, parts in found:
        yield at, name, b" ".join([part.strip(b" \t\r") for part in parts])


# --- chunk lines ----------------------------------------------------------------------------------------------------


class ChunkLine(NamedTuple):
    """A chunk line: the size of the chunk's data, and that of the extensions (which mean nothing to us), in bytes."""

    size: int
    extensions: int


def parse_chunk_line(line: Buffer, *, policy: Policy = STRICT) -> ChunkLine:
    """Parse a chunk line without its CRLF (RFC 9112 7.1).

    Raises:
        RemoteProtocolError: `policy` does not accept it. The offset is an index of `line`, in bytes.
        TypeError: `line` is not bytes-like.

    """
    text = line if isinstance(line, bytes) else memoryview(line).tobytes()
    size, extensions = split_chunk_line(text + b"\r\n", policy._tolerances)
    return ChunkLine(size, extensions)


# --- bodies ---------------------------------------------------------------------------------------------------------

Awaiting: TypeAlias = Literal["length", "close", "line", "chunk", "rest", "end", "trailers", "nothing"]
"""What of a body comes next: more of one of known length; whatever comes until the connection closes; a chunk line; the
data of a chunk, or the rest of it; the CRLF after it; the trailer section; or nothing."""

BodyProgress: TypeAlias = tuple[Awaiting, int, int, int, int]
"""How far a body has got: what comes next; how many bytes of the body or the chunk are still to come; how many bytes of
data have come; how many bytes of chunk extensions have; and how many bytes of the chunk line or the trailer section
that comes next have been looked at."""

NO_BODY: Final[BodyProgress] = ("length", 0, 0, 0, 0)
"""The progress of an empty body."""

_UNTIL_CLOSE: Final[BodyProgress] = ("close", 0, 0, 0, 0)
_CHUNKED: Final[BodyProgress] = ("line", 0, 0, 0, 0)

Step: TypeAlias = tuple[Data[bytes] | EndOfMessage | None, BodyProgress, int]
"""The next event, or None if more bytes are needed; the new progress; and the index of the first unread byte."""


def begin_body(framing: BodyFraming) -> BodyProgress:
    """Return the progress of a body of which nothing has arrived (RFC 9112 6.3)."""
    if isinstance(framing, int):
        return "length", framing, 0, 0, 0
    return _CHUNKED if framing == "chunked" else _UNTIL_CLOSE


def read_body(  # noqa: PLR0917 - called for each piece, and names take time
    data: Received, start: int, progress: BodyProgress, limit: int, closed: bool = False, policy: Policy = STRICT
) -> Step:
    """Read on in a body (RFC 9112 6.3).

    Args:
        data: What has been received.
        start: The index of the first unread byte.
        progress: How far the body has got.
        limit: The greatest size of a chunk line or a trailer section, in bytes.
        closed: Whether no more will come.
        policy: What is tolerated.

    Raises:
        RemoteProtocolError: The body is wrong, or the connection has closed before its end; the offset is an index of
            `data`.

    """
    return read_on(data, start, progress, limit, closed, policy._tolerances)


def read_on(  # noqa: PLR0917 - called for each piece, and names take time
    data: Received, start: int, progress: BodyProgress, limit: int, closed: bool, policy: Tolerances
) -> Step:
    """Do what `read_body` does, for a caller that has the tolerances of the policy at hand: the engine."""
    awaiting = progress[0]
    if awaiting == "length":
        return _read_length_body(data, start, progress, closed)
    if awaiting == "close":
        return _read_until_close(data, start, progress, closed)
    return _read_chunked_body(data, start, progress, limit, closed, policy)


def _read_length_body(data: Received, start: int, progress: BodyProgress, closed: bool) -> Step:
    """Read on in a body of known length (RFC 9112 6.2)."""
    _, remaining, received, _, _ = progress
    if remaining == 0:
        return END, progress, start
    size = len(data)
    stop = start + remaining
    stop = min(stop, size)
    if stop > start:
        piece = stop - start
        event = _new_data()
        fill_data(event, False, False, cut(data, start, stop))
        return event, ("length", remaining - piece, received + piece, 0, 0), stop
    if closed:
        # An object, since mypyc does not let go of an int of more than 62 bits that it has formatted.
        length: object = received + remaining
        raise violation(
            RemoteProtocolError,
            "body-cut-short",
            f"peer closed the connection inside a message body: received {received} bytes, expected {length}",
            received=received,
        )
    return None, progress, start


def _read_until_close(data: Received, start: int, progress: BodyProgress, closed: bool) -> Step:
    """Read the next part of a body that ends when the connection closes (RFC 9112 6.3)."""
    if start == len(data):
        return (END if closed else None), progress, start
    return _data(cut(data, start, len(data))), progress, len(data)


def _data(data: bytes, chunk_start: bool = False, chunk_end: bool = False) -> Data[bytes]:
    event = _new_data()
    fill_data(event, chunk_end, chunk_start, data)
    return event


def _read_chunked_body(  # noqa: C901, PLR0912, PLR0917 - one step for each thing that may come next
    data: Received, start: int, progress: BodyProgress, limit: int, closed: bool, policy: Tolerances
) -> Step:
    """Read on in a chunked body (RFC 9112 7.1)."""
    awaiting, remaining, received, extensions, seen = progress
    at = start
    if awaiting == "nothing":
        return END, progress, at
    if awaiting == "end" and (after := _chunk_end(data, at)) > 0:
        at, awaiting, seen = after, "line", 0
    if at == len(data) and not closed:
        return None, (awaiting, remaining, received, extensions, seen), at
    try:
        if awaiting == "line":
            # Only at the first look: what comes in pieces would be looked at again and again.
            remaining, end = (0, -1) if seen > 0 else short_chunk_line(data, at)
            if end > 0 and end - 2 - at <= _longest_chunk_line(limit, policy):
                at, awaiting, seen = end, "chunk" if remaining > 0 else "trailers", 0
            elif (end := _chunk_line_end(data, at, seen, limit, closed, policy)) > 0:
                remaining, size = split_chunk_line(cut(data, at, end), policy)
                if size > 0:
                    extensions += size
                    _check_excess(extensions, received, policy)
                at, awaiting, seen = end, "chunk" if remaining > 0 else "trailers", 0
        if awaiting == "trailers":
            end = _trailers_end(data, at, seen, limit, closed, policy)
            if end > 0:
                trailers = _trailers(cut(data, at, end), policy)
                return trailers, ("nothing", 0, received, extensions, 0), end
    except RemoteProtocolError as error:
        error.offset = at + (error.offset or 0)
        raise
    have = len(data) - at
    if have > 0 and (awaiting == "chunk" or awaiting == "rest"):  # noqa: PLR1714 - a pair takes time
        taken = min(have, remaining)
        remaining -= taken
        stop = at + taken
        event = _data(cut(data, at, stop), awaiting == "chunk", remaining == 0)
        if remaining > 0:
            return event, ("rest", remaining, received + taken, extensions, 0), stop
        return event, ("end", 0, received + taken, extensions, 0), stop
    if closed:
        raise violation(
            RemoteProtocolError,
            "body-cut-short",
            "peer closed the connection inside a message body: incomplete chunked read, "
            f"received {received} bytes of data and no last chunk",
            offset=len(data),
            received=received,
        )
    if awaiting == "line" or awaiting == "trailers":  # noqa: PLR1714
        seen = have
    return None, (awaiting, remaining, received, extensions, seen), at


def _trailers_end(data: Received, start: int, seen: int, limit: int, closed: bool, policy: Tolerances) -> int:  # noqa: PLR0917
    """Return the index after the trailer section that begins at `start`, or -1: more is needed."""
    end = find_section_end(data, start, seen, section="trailers")
    if (end if end > 0 else len(data)) - start > limit:
        raise _too_large(cut(data, start, start + limit), "trailers", limit, policy)
    if end < 0 and closed:
        explain(cut(data, start, len(data)), "trailers", policy)
    return end


def _chunk_end(data: Received, start: int) -> int:
    """Return the index after the CRLF that must stand at `start`, or 0: more is needed."""
    if has_crlf(data, start):
        return start + 2
    wrong = start + data.startswith(b"\r", start)
    if wrong == len(data):
        return 0
    raise violation(
        RemoteProtocolError,
        "bad-chunk-end",
        f"expected CRLF after a chunk's data, got {byte_name(data[wrong])}",
        offset=wrong,
        excerpt=cut(data, start, wrong + 1),
    )


def _chunk_line_end(data: Received, start: int, seen: int, limit: int, closed: bool, policy: Tolerances) -> int:  # noqa: PLR0917
    """Return the index after the chunk line that begins at `start`, or -1: more is needed."""
    end = find_line_end(data, start, seen)
    longest = _longest_chunk_line(limit, policy)
    # Without its line end; of a CR that comes last, nobody can tell yet whether it is a part of that.
    stop = len(data) if end < 0 else end - 1
    stop -= data.endswith(b"\r", start, stop)
    if stop - start > longest:
        _explain_chunk_line(cut(data, start, start + longest), policy)
        raise violation(
            RemoteProtocolError,
            "chunk-line-too-long" if longest == policy.max_chunk_line_size else "chunk-line-too-large",
            f"expected a chunk line of at most {longest} bytes, got more",
            offset=longest,
        )
    if end < 0 and closed:
        _explain_chunk_line(cut(data, start, len(data)), policy)
    return end


def _longest_chunk_line(limit: int, policy: Tolerances) -> int:
    """Return the greatest size of a chunk line without its CRLF."""
    longest = max(0, limit - 2)
    most: int | None = policy.max_chunk_line_size
    return longest if most is None or most > longest else most


def _explain_chunk_line(line: bytes, policy: Tolerances) -> None:
    try:
        split_chunk_line(line, policy)
    except IncompleteError:
        return


def _check_excess(extensions: int, received: int, policy: Tolerances) -> None:
    excess = policy.max_chunk_extension_excess
    if excess is not None and extensions - received > excess:
        raise violation(
            RemoteProtocolError,
            "too-many-chunk-extensions",
            f"expected chunk extensions to outweigh the data by at most {excess} bytes, got "
            f"{extensions} bytes of extensions and {received} bytes of data",
            offset=0,
        )
