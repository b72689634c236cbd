"""The target ``sections``: one head, trailer section or chunk line, read by the pure functions of `http11.parsing`.

An input is two bytes of choices, and the section. What is asked here is whether the two paths of reading, one pattern
over the whole and the scan along the lines, say the same, and whether a scan may be interrupted anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias, get_args

import attrs

from http11 import H11, STRICT, EndOfMessage, InformationalResponse, Policy, RemoteProtocolError, Request, Response
from http11.parsing import (
    ChunkLine,
    Section,
    find_section_end,
    parse_chunk_line,
    parse_request,
    parse_response,
    parse_trailers,
)
from http11.scanning import Lines, Scan, Scanned, begin, scan, split
from tests.fuzz.reading import POLICIES, SMALL
from tests.harness import Vector

KINDS: Final[tuple[Scanned, ...]] = (*get_args(Section), "chunk line")
# No section is shorter than its end.
LIMITS: Final = (16384, 2, 3, 10, 20, 40, 80, 160)


@attrs.frozen(kw_only=True)
class Case:
    """What an input says: what it is, by what it is read, the limit on its size, where it is cut, and the bytes."""

    kind: Scanned
    policy: Policy
    limit: int
    cut: int
    data: bytes


def decode(raw: bytes) -> Case:
    first, second, third = raw[:3].ljust(3, b"\0")
    policy = POLICIES[second % len(POLICIES)]
    return Case(
        kind=KINDS[first & 3],
        policy=attrs.evolve(policy, **SMALL) if first & 4 else policy,
        limit=LIMITS[first >> 3 & 7],
        cut=third,
        data=raw[3:],
    )


def seeds(vectors: Iterable[Vector]) -> Iterator[bytes]:
    """Spell what the vectors have of heads, and what stands behind them."""
    for vector in vectors:
        kind = 0 if vector.role == "SERVER" else 1
        head, end, rest = vector.data.partition(b"\r\n\r\n")
        for policy in (STRICT, H11):
            choices = bytes([kind, POLICIES.index(policy), 7])
            yield choices + head + end
            if rest:
                line, _, trailers = rest.partition(b"\r\n")
                yield bytes([3]) + choices[1:] + line
                yield bytes([2]) + choices[1:] + trailers


# --- what comes of it -----------------------------------------------------------------------------------------------

Parsed: TypeAlias = Request | InformationalResponse | Response | EndOfMessage | ChunkLine | RemoteProtocolError
Scanning: TypeAlias = Scan | RemoteProtocolError

_PARSERS: Final[dict[Scanned, Callable[[bytes, Policy], Parsed]]] = {
    "request": lambda data, policy: parse_request(data, policy=policy),
    "response": lambda data, policy: parse_response(data, policy=policy),
    "trailers": lambda data, policy: parse_trailers(data, policy=policy),
    "chunk line": lambda data, policy: parse_chunk_line(data, policy=policy),
}


@attrs.frozen(kw_only=True)
class Parsing:
    """What came of a case.

    Attributes:
        case: The case.
        parsed: What the parser made of it.
        scanned: How far a scan came over the same bytes.
        resumed: The same, cut in two or in single bytes.
        found: Where the end of the section was found, with a limit.
        crash: What should never be raised.

    """

    case: Case
    parsed: Parsed | None
    scanned: Scanning | None
    resumed: list[Scanning]
    found: int | Scanning | None
    crash: Exception | None


def parse(case: Case) -> Parsed:
    try:
        return _PARSERS[case.kind](case.data, case.policy)
    except RemoteProtocolError as error:
        return error


def scanned(case: Case, cuts: Iterable[int]) -> Scanning:
    """Scan as a parser does: up to each of `cuts` in turn, and to the end."""
    # The CRLF of a chunk line is not a part of what a parser is given.
    data = case.data + b"\r\n" if case.kind == "chunk line" else case.data
    state = begin(case.kind)
    try:
        for stop in (*cuts, len(data)):
            state = scan(data, 0, stop, state, section=case.kind, policy=case.policy)
    except RemoteProtocolError as error:
        return error
    return state


def find_end(case: Case) -> int | Scanning | None:
    if case.kind == "chunk line":
        return None
    try:
        return find_section_end(case.data, section=case.kind, limit=case.limit, policy=case.policy)
    except RemoteProtocolError as error:
        return error


def run(case: Case) -> Parsing:
    try:
        return Parsing(
            case=case,
            parsed=parse(case),
            scanned=scanned(case, ()),
            resumed=[
                scanned(case, [min(case.cut, len(case.data))]),
                scanned(case, range(len(case.data))),
            ],
            found=find_end(case),
            crash=None,
        )
    # A finding, whatever it is.
    except Exception as error:  # noqa: BLE001
        return Parsing(case=case, parsed=None, scanned=None, resumed=[], found=None, crash=error)


# --- oracles --------------------------------------------------------------------------------------------------------

Oracle: TypeAlias = Callable[[Parsing], Iterator[str]]
"""Yields what is wrong."""


def only_remote_errors(parsing: Parsing) -> Iterator[str]:
    if parsing.crash is not None:
        yield f"raised {parsing.crash!r}"


def told(scanning: Parsed | Scanning | None) -> object:
    if isinstance(scanning, RemoteProtocolError):
        return scanning.code, scanning.offset, scanning.excerpt, str(scanning)
    return scanning


def a_scan_can_be_interrupted(parsing: Parsing) -> Iterator[str]:
    for resumed in parsing.resumed:
        if told(resumed) != told(parsing.scanned):
            yield f"in one go {told(parsing.scanned)}, interrupted {told(resumed)}"


# What only the whole of a head can be wrong in.
_OF_THE_WHOLE: Final = frozenset(
    [
        "bad-target-form",
        "bad-connect-target",
        "missing-host",
        "repeated-host",
        "bad-host",
        "host-mismatch",
        "content-in-connect",
        "content-in-informational-response",
        "bad-content-length",
        "conflicting-content-length",
        "repeated-content-length",
        "unknown-transfer-coding",
        "bad-transfer-encoding",
        "transfer-encoding-and-content-length",
        "transfer-encoding-in-http10",
        "forbidden-trailer",
    ]
)
# What a parser says of a section that has no end, or something behind it.
_OF_THE_END: Final = frozenset(["head-cut-short", "unexpected-bytes"])


def both_paths_say_the_same(parsing: Parsing) -> Iterator[str]:
    """The pattern over the whole and the scan find the same parts, or the same error."""
    parsed, found, data = parsing.parsed, parsing.scanned, parsing.case.data
    size = len(data) + 2 * (parsing.case.kind == "chunk line")
    if isinstance(found, RemoteProtocolError):
        if told(parsed) != told(found):
            yield f"the scan says {told(found)}, the parser {told(parsed)}"
    elif found is not None and (found.phase != "end" or found.at != size):
        if not (isinstance(parsed, RemoteProtocolError) and parsed.code in _OF_THE_END):
            yield f"the scan came to {found}, and the parser says {told(parsed)}"
    elif isinstance(parsed, RemoteProtocolError):
        if parsed.code not in _OF_THE_WHOLE:
            yield f"the scan finds nothing wrong, and the parser {told(parsed)}"
    elif isinstance(parsed, ChunkLine):
        digits = re.match(rb"[0-9A-Fa-f]+", data)
        if digits is None or parsed != (int(digits[0], 16), len(data) - digits.end()):
            yield f"{data!r} is read as {parsed}"
    elif parsed is not None:
        lines = split(data, parsing.case.kind)
        if parts(parsed) != (lines.start_line, plain(lines)):
            yield f"the scan finds {lines}, the parser {parts(parsed)}"


# Normalized, so not what stands there.
_NORMALIZED: Final = frozenset([b"content-length", b"transfer-encoding"])


def plain(lines: Lines) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in lines.fields if name.lower() not in _NORMALIZED]


def parts(parsed: Request | InformationalResponse | Response | EndOfMessage) -> tuple[object, object]:
    fields = [(name, value) for name, value in parsed.headers.raw_items() if name.lower() not in _NORMALIZED]
    match parsed:
        case Request():
            return (parsed.method, parsed.target, parsed.http_version), fields
        case EndOfMessage():
            return (b"", b"", b""), fields
        case _:
            return (parsed.http_version, str(parsed.status_code).encode(), parsed.reason), fields


_END: Final = re.compile(rb"\r\n\r\n")
_LENIENT_END: Final = re.compile(rb"\n\r?\n")


def the_end_is_the_first_empty_line(parsing: Parsing) -> Iterator[str]:
    case, found = parsing.case, parsing.found
    if found is None:
        return
    # A trailer section may be no more than its end.
    before = b"\r\n" if case.kind == "trailers" else b""
    match = (_LENIENT_END if case.policy.bare_lf else _END).search(before + case.data)
    end = None if match is None else match.end() - len(before)
    if isinstance(found, RemoteProtocolError):
        size = len(case.data) if end is None else end
        if found.code in ("head-too-large", "trailers-too-large") and size <= case.limit:
            yield f"{size} bytes are too many for {case.limit}"
    elif isinstance(found, Scan):
        if end is not None:
            yield f"the end at {end} was not found"
    elif found != end or found > case.limit:
        yield f"the end was found at {found}, and is at {end}, with a limit of {case.limit}"


def offsets_are_inside(parsing: Parsing) -> Iterator[str]:
    # An end that is missed stands behind the last byte, and a chunk line is followed by a CRLF.
    size = len(parsing.case.data) + 2 * (parsing.case.kind == "chunk line")
    for error in (parsing.parsed, parsing.scanned, parsing.found):
        if isinstance(error, RemoteProtocolError) and not 0 <= (error.offset or 0) <= size:
            yield f"{error.code} at {error.offset} of {size} bytes"


ORACLES: Final[tuple[Oracle, ...]] = (
    only_remote_errors,
    a_scan_can_be_interrupted,
    both_paths_say_the_same,
    the_end_is_the_first_empty_line,
    offsets_are_inside,
)


def features(parsing: Parsing) -> Iterator[object]:
    """Yield what an input is worth keeping for, beside what it runs through."""
    for found in (parsing.parsed, parsing.scanned, parsing.found):
        if isinstance(found, RemoteProtocolError):
            yield parsing.case.kind, found.code
        elif isinstance(found, Scan):
            yield parsing.case.kind, found.phase
    yield parsing.case.kind, parsing.case.policy
