"""The target ``sections``: one head, trailer section or chunk line, read by the pure functions of `http11.parsing`.

An input is three bytes of choices, and the section. What is asked here is whether its end is found, whether what is
wrong with it is wrong with any beginning that has it, and whether the pattern over the whole finds what the walk finds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias, get_args

import attrs

from http11 import (
    H11,
    STRICT,
    EndOfMessage,
    InformationalResponse,
    Policy,
    RemoteProtocolError,
    Request,
    Response,
    grammar,
)
from http11.lines import _section_end_by_loop
from http11.parsing import (
    ChunkLine,
    Section,
    find_section_end,
    parse_chunk_line,
    parse_request,
    parse_response,
    parse_trailers,
)
from tests.apart import Apart, Kind, Parts, Refused, taken_apart, told, walked
from tests.fuzz.reading import POLICIES, SMALL
from tests.harness import Vector

KINDS: Final[tuple[Kind, ...]] = (*get_args(Section), "chunk line")


@attrs.frozen(kw_only=True)
class Case:
    """What an input says: what it is, by what it is read, where it is cut in two, and the bytes."""

    kind: Kind
    policy: Policy
    cut: int
    data: bytes

    @property
    def text(self) -> bytes:
        """The bytes, with the CRLF that a parser of a chunk line is not given."""
        return self.data + b"\r\n" if self.kind == "chunk line" else self.data


def decode(raw: bytes) -> Case:
    first, second, third = raw[:3].ljust(3, b"\0")
    policy = POLICIES[second % len(POLICIES)]
    return Case(
        kind=KINDS[first & 3],
        policy=attrs.evolve(policy, **SMALL) if first & 4 else policy,
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

Parsed: TypeAlias = Request | InformationalResponse | Response | EndOfMessage | ChunkLine | Refused

_PARSERS: Final[dict[Kind, Callable[[bytes, Policy], Parsed]]] = {
    "request": lambda data, policy: parse_request(data, policy=policy),
    "response": lambda data, policy: parse_response(data, policy=policy),
    "trailers": lambda data, policy: parse_trailers(data, policy=policy),
    "chunk line": lambda data, policy: parse_chunk_line(data, policy=policy),
}
_PATTERNS: Final[dict[Kind, re.Pattern[bytes]]] = {
    "request": grammar.REQUEST_HEAD,
    "response": grammar.RESPONSE_HEAD,
    "trailers": grammar.TRAILER_SECTION,
    "chunk line": grammar.CHUNK_LINE,
}


@attrs.frozen(kw_only=True)
class Parsing:
    """What came of a case.

    Attributes:
        case: The case.
        parsed: What the parser made of it.
        apart: Its parts.
        walked: The same by the walk, where a pattern matches it.
        beginning: The parts of its beginning, up to where it is cut.
        ends: Where the end of the section was found, from its start and from where it is cut.
        crash: What should never be raised.

    """

    case: Case
    parsed: Parsed | None = None
    apart: Apart = None
    walked: list[Apart] = attrs.field(factory=list)
    beginning: Apart = None
    ends: list[int] = attrs.field(factory=list)
    crash: Exception | None = None


def run(case: Case) -> Parsing:
    text = case.text
    cut = min(case.cut, len(text))
    try:
        return Parsing(
            case=case,
            parsed=parse(case),
            apart=taken_apart(case.kind, text, case.policy),
            walked=list(walked(case.kind, text, case.policy)) if _PATTERNS[case.kind].fullmatch(case.data) else [],
            beginning=taken_apart(case.kind, text[:cut], case.policy),
            ends=[] if case.kind == "chunk line" else list(find_ends(text, cut, case.kind)),
        )
    # A finding, whatever it is.
    except Exception as error:  # noqa: BLE001
        return Parsing(case=case, crash=error)


def parse(case: Case) -> Parsed:
    try:
        return _PARSERS[case.kind](case.data, case.policy)
    except RemoteProtocolError as error:
        return told(error)


def find_ends(text: bytes, cut: int, section: Section) -> Iterator[int]:
    yield find_section_end(text, section=section)
    yield find_section_end(bytearray(text), section=section)
    # What a compiled build calls.
    yield _section_end_by_loop(text, 0, 0, section == "trailers")
    # Whoever has found the end looks no further.
    before = find_section_end(text[:cut], section=section)
    yield find_section_end(text, 0, cut, section=section) if before < 0 else before


# --- oracles --------------------------------------------------------------------------------------------------------

Oracle: TypeAlias = Callable[[Parsing], Iterator[str]]
"""Yields what is wrong."""


def only_remote_errors(parsing: Parsing) -> Iterator[str]:
    if parsing.crash is not None:
        yield f"raised {parsing.crash!r}"


def the_walk_finds_what_the_pattern_finds(parsing: Parsing) -> Iterator[str]:
    for found in parsing.walked:
        if found != parsing.apart:
            yield f"the pattern finds {parsing.apart}, the walk {found}"


def what_is_wrong_is_wrong_however_it_goes_on(parsing: Parsing) -> Iterator[str]:
    if isinstance(parsing.beginning, Refused) and parsing.beginning != parsing.apart:
        yield f"at first {parsing.beginning}, and in the end {parsing.apart}"


# What a parser says of a section that has no end.
_OF_THE_END: Final = "head-cut-short"
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
# Normalized, so not what stands there.
_NORMALIZED: Final = frozenset([b"content-length", b"transfer-encoding"])


def an_event_has_the_parts_of_its_section(parsing: Parsing) -> Iterator[str]:
    parsed, apart = parsing.parsed, parsing.apart
    if isinstance(parsed, Refused):
        right = parsed == apart or parsed.code == _OF_THE_END if apart is None or isinstance(apart, Refused) else False
        if not right and not (parsed.code in _OF_THE_WHOLE and isinstance(apart, tuple | list)):
            yield f"the parts are {apart}, the parser says {parsed}"
    elif parsed is not None and (apart is None or isinstance(apart, Refused) or parts(parsed) != plain(apart)):
        yield f"the parts are {apart}, the parser says {parsed}"


def plain(apart: Parts) -> Parts:
    """Return the parts without the fields that an event has in another form."""
    if isinstance(apart, ChunkLine):
        return apart
    if isinstance(apart, list):
        return [(name, value) for name, value in apart if name.lower() not in _NORMALIZED]
    first, second, third, fields = apart
    return (first, second, third, [field for field in fields if field[0].lower() not in _NORMALIZED])  # type: ignore[return-value]


def parts(parsed: Request | InformationalResponse | Response | EndOfMessage | ChunkLine) -> Parts:
    match parsed:
        case ChunkLine():
            return parsed
        case Request():
            return plain((parsed.method, parsed.target, parsed.http_version, parsed.headers.raw_items()))
        case EndOfMessage():
            return plain(parsed.headers.raw_items())
        case _:
            return plain((parsed.http_version, parsed.status_code, parsed.reason, parsed.headers.raw_items()))


_END: Final = re.compile(rb"\n\r?\n")


def the_end_is_the_first_empty_line(parsing: Parsing) -> Iterator[str]:
    # A trailer section may be no more than its end.
    before = b"\n" if parsing.case.kind == "trailers" else b""
    match = _END.search(before + parsing.case.text)
    end = -1 if match is None else match.end() - len(before)
    for found in parsing.ends:
        if found != end:
            yield f"the end was found at {found}, and is at {end}"


def offsets_are_inside(parsing: Parsing) -> Iterator[str]:
    # An end that is missed stands after the last byte.
    size = len(parsing.case.text)
    for found in (parsing.parsed, parsing.apart, parsing.beginning):
        if isinstance(found, Refused) and not 0 <= (found.offset or 0) <= size:
            yield f"{found.code} at {found.offset} of {size} bytes"


ORACLES: Final[tuple[Oracle, ...]] = (
    only_remote_errors,
    the_walk_finds_what_the_pattern_finds,
    what_is_wrong_is_wrong_however_it_goes_on,
    an_event_has_the_parts_of_its_section,
    the_end_is_the_first_empty_line,
    offsets_are_inside,
)


def features(parsing: Parsing) -> Iterator[object]:
    """Yield what an input is worth keeping for, beside what it runs through."""
    for found in (parsing.parsed, parsing.apart, parsing.beginning):
        if isinstance(found, Refused):
            yield parsing.case.kind, found.code
    yield parsing.case.kind, parsing.case.policy
    yield parsing.case.kind, bool(parsing.walked)
