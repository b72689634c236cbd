"""The plain path of reading: along the lines of a section, to the first wrong byte (RFC 9112 2 to 7).

`http11.parsing` reads a section that has arrived in full by one pattern over the whole of it. What that pattern does
not match is scanned here, and so is every section that has not arrived in full yet: so the first wrong byte is refused
when it comes, and the error for a message is the same however its bytes arrive.

A scan is a walk through phases: a method, a target, a field's name, and so on. For each there is one `Rule`: the run of
bytes that it consists of, and which byte leads to which phase behind it. A scan that has come to the end of what has
arrived can be taken up again there, so no byte is looked at twice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from re import Match, Pattern
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

import attrs

from http11 import grammar
from http11.errors import EXCERPT_SIZE, ErrorCode, RemoteProtocolError, Tolerance, byte_name, clipped, violation
from http11.headers import Field
from http11.policy import Policy

__all__ = [
    "CROSSING",
    "GOING_ON",
    "GO_ON",
    "GO_ON_BEHIND",
    "LEADS_TO",
    "PENDING_CR",
    "START_ON",
    "GoOn",
    "Lines",
    "Phase",
    "Received",
    "Scan",
    "Scanned",
    "Section",
    "StartLine",
    "begin",
    "can_go_on",
    "cut",
    "resumed",
    "run_end",
    "scan",
    "split",
]

Received: TypeAlias = bytes | bytearray
"""A buffer of what has been received."""

Section: TypeAlias = Literal["request", "response", "trailers"]
"""What ends with an empty line: a request's head, a response's head, or a trailer section."""

Scanned: TypeAlias = Section | Literal["chunk line"]
"""What can be scanned: a section, or a chunk line, which is called one below."""

Phase: TypeAlias = Literal[
    "method",
    "target",
    "request version",
    "request line end",
    "response version",
    "before status code",
    "status code",
    "behind status code",
    "reason",
    # The start of a line that is a field, a folded part of one, or empty
    "field",
    "name",
    "value",
    "chunk size",
    "behind chunk size",
    "before extension name",
    "extension name",
    "behind extension name",
    "before extension value",
    "extension token",
    "extension string",
    "behind extension string",
    "behind extension value",
    "any extension",
    "end",
]


class Scan(NamedTuple):
    """How far a scan has come; all offsets count from the start of the section.

    Attributes:
        phase: What stands, or is expected, at `at`.
        at: Up to where all is right.
        mark: Where this phase began.
        fields: How many field lines have begun.

    """

    phase: Phase
    at: int = 0
    mark: int = 0
    fields: int = 0


_FIRST_PHASES: Final[Mapping[Scanned, Phase]] = {
    "request": "method",
    "response": "response version",
    "trailers": "field",
    "chunk line": "chunk size",
}


def begin(section: Scanned) -> Scan:
    """Return the scan of a section of which nothing has been seen."""
    return Scan(_FIRST_PHASES[section])


def scan(data: Received, start: int, stop: int, state: Scan, *, section: Scanned, policy: Policy) -> Scan:
    """Go on with the scan of the section that begins at `start`, up to `stop`, and return how far it has come.

    At the phase ``"end"`` the section is whole, and `Scan.at` is behind it.

    Raises:
        RemoteProtocolError: For the first wrong byte; the offset counts from `start`.

    """
    if state.phase in GOING_ON and can_go_on(policy):
        leapt = _leap(data, start, stop, state, policy)
        if leapt is not None:
            return leapt
    rules = _rules(policy)
    # A limit may lie before the start: that of a head behind more empty lines than it allows, for example.
    place = _Place(data, start, max(start, stop), section, bare_lf=policy.bare_lf)
    while state.phase != "end" and state.at < len(place):
        if state.phase == "field":
            after = _begin_line(place, state, section, policy)
        else:
            after = _follow(place, state, rules[state.phase])
        if after == state:
            break
        if after.phase in ("request line end", "before status code"):
            _check_major(place, after, policy)
        state = after
    return state


class GoOn(Protocol):
    """Matches what may follow at an index of a buffer, up to another one."""

    def __call__(self, data: Received, at: int, stop: int = ..., /) -> Match[bytes] | None:
        """Return the match, if there is one."""


GO_ON: Final[Mapping[Phase, GoOn]] = {
    "target": grammar.TARGET_ON.match,
    "field": grammar.FIELD_ON.match,
    "name": grammar.NAME_ON.match,
    "value": grammar.VALUE_ON.match,
}
"""For the phases from which more of a head can be taken in one match, where nothing is wrong: what matches it."""

GOING_ON: Final = ("target", "name", "value")
"""Those in which a scan can stand. At the start of a line it has to see first whether a field may begin there."""

START_ON: Final[Mapping[Section, GoOn]] = {
    "request": grammar.REQUEST_ON.match,
    "response": grammar.RESPONSE_ON.match,
}
"""The same for the start of a head, whose methods may have 16 bytes."""

LEADS_TO: Final[Mapping[int | None, Phase]] = {
    None: "name",
    1: "value",
    2: "value",
    3: "name",
    4: "field",
    5: "value",
    6: "target",
}
"""The phase to which the last group of such a match leads."""

GO_ON_BEHIND: Final[Mapping[int | None, GoOn]] = {group: GO_ON[phase] for group, phase in LEADS_TO.items()}
"""What goes on from there."""

CROSSING: Final = 2
"""The first of these groups that is behind the end of a line."""

PENDING_CR: Final = 5
"""The group of a CR that has to be looked at again, when the byte behind it has come."""


def can_go_on(policy: Policy) -> bool:
    """Tell whether such a match takes nothing that the policy refuses, and leaves nothing that it tolerates."""
    return not (
        policy.bare_lf
        or policy.control_bytes_in_value
        or policy.fragment_in_target
        or policy.max_method_size < _USUAL_METHOD_SIZE
    )


_USUAL_METHOD_SIZE: Final = 16


def resumed(data: Received, start: int, state: Scan, at: int) -> Scan:
    """Return the scan from which to go on, where such matches have come from `state` to `at`: it may be a bit behind.

    Never by more than a line; and this is asked seldom: where a byte is wrong, the section ends, or a line is folded.
    """
    begin = start + state.at
    line = data.rfind(b"\n", begin, start + at) + 1
    if line == 0:
        return state
    fields = state.fields + data.count(b"\n", begin, line) - 1
    return Scan("field", line - start, line - start, fields)


def _leap(data: Received, start: int, stop: int, state: Scan, policy: Policy) -> Scan | None:
    """Take all that is there, if nothing is wrong; `None` where a closer look is needed.

    This is for heads that come in small pieces: one match a piece, and not one a phase.
    """
    at = start + state.at
    match = GO_ON[state.phase](data, at, stop)
    if match is None or match.end() < stop:
        return None
    group = match.lastindex
    end = stop - (group == PENDING_CR)
    phase = LEADS_TO[group]
    fields = state.fields + data.count(b"\n", at, end) - (phase == "field")
    # No name, or too many of them: that is told by those who know the place.
    if (policy.max_fields is not None and fields > policy.max_fields) or (
        state.phase == "name" and match.start(1) == start + state.mark
    ):
        return None
    line = data.rfind(b"\n", at, end) + 1
    # The end of the request line has not come in full.
    if phase == "value" and state.phase == "target" and not line:
        return None
    mark = line - start if line else state.mark
    if phase == "value" and (line or state.phase != "value"):
        mark = data.index(b":", line or start + state.mark) + 1 - start
    return Scan(phase, end - start, mark, fields)


StartLine: TypeAlias = tuple[bytes, bytes, bytes]
"""Method, target and version; or version, status code and reason; or three times nothing, for a trailer section."""


class Lines(NamedTuple):
    """The parts of a section: its start line, and its fields."""

    start_line: StartLine
    fields: list[Field]


def split(text: bytes, section: Scanned) -> Lines:
    """Take a whole section apart; nothing in it is wrong, since a scan has come to its end."""
    lines = [line.removesuffix(b"\r") for line in text.split(b"\n")][:-2]
    start_line = (b"", b"", b"")
    if section == "request":
        method, target, version = lines.pop(0).split(b" ")
        start_line = method, target, version[5:]
    elif section == "response":
        version, code, *reason = lines.pop(0).split(b" ", 2)
        start_line = version[5:], code, b"".join(reason)
    # Each field as its name and the lines of its value.
    found: list[tuple[bytes, list[bytes]]] = []
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            found[-1][1].append(line.strip(b" \t"))
        else:
            name, _, value = line.partition(b":")
            found.append((name, [value.strip(b" \t")]))
    # "replace each received obs-fold with one or more SP octets prior to interpreting the field value" (RFC 9112 5.2)
    return Lines(start_line, [(name, b" ".join(parts).strip(b" \t")) for name, parts in found])


def cut(data: Received, start: int, stop: int) -> bytes:
    """Return a part of a buffer, copied no more than once."""
    if isinstance(data, bytes):
        return data[start:stop]
    # Released here, because a `bytearray` that somebody looks into cannot grow.
    with memoryview(data) as view, view[start:stop] as part:
        return part.tobytes()


def run_end(run: Pattern[bytes], data: Received, start: int = 0, stop: int = sys.maxsize) -> int:
    """Return where the longest `run` ends that begins at `start`, at the most `stop`."""
    match = run.match(data, start, stop)
    return start if match is None else match.end()


# --- the rules ------------------------------------------------------------------------------------------------------


_NOWHERE: Final[Mapping[int, Phase]] = {}


@attrs.frozen(kw_only=True, order=False)
class Rule:
    """One phase.

    Attributes:
        run: The bytes that the phase may consist of.
        least: How many they must be.
        most: How many they may be.
        to: Which byte behind them leads to which phase.
        then: For a phase of a fixed number of bytes: the phase behind them, whatever it begins with.
        line_end: Where the end of the line leads, or `None` where it comes too early.
        code: The error for another byte.
        space_code: The error for one of the bytes `space` instead, where that is a mistake of its own.
        space: What may be taken for white space.
        early_code: The error for a line that ends too early.
        most_code: The error for too many bytes.
        tolerance: The field of the policy that would let in more bytes here.
        tolerated: Those bytes, and others.
        end_tolerance: The field of the policy that would let the line end here.
        empty_tolerance: The field of the policy that would let empty lines stand before it.
        expected: What should be there.
        useless: Whether it is the phase itself that is wrong, where nothing follows that makes it right.
        escapes: Whether a backslash belongs to the byte behind it.
        opens: Whether a message begins with it, so that an empty line is no line of it.
        secret: Whether an error must not show the bytes of the phase.

    """

    run: Pattern[bytes]
    code: ErrorCode
    expected: str
    least: int = 0
    most: int | None = None
    to: Mapping[int, Phase] = _NOWHERE
    then: Phase | None = None
    line_end: Phase | None = None
    space_code: ErrorCode | None = None
    space: bytes = b" \t\v\f"
    early_code: ErrorCode | None = None
    most_code: ErrorCode | None = None
    tolerance: Tolerance | None = None
    tolerated: Pattern[bytes] = grammar.NOTHING_RUN
    end_tolerance: Tolerance | None = None
    empty_tolerance: Tolerance | None = None
    useless: bool = False
    escapes: bool = False
    opens: bool = False
    secret: bool = False


_SP: Final = 0x20
_HTAB: Final = 0x09
_CR: Final = 0x0D
_LF: Final = 0x0A
_COLON: Final = 0x3A
_SEMICOLON: Final = 0x3B
_EQUALS: Final = 0x3D
_DQUOTE: Final = 0x22
_BACKSLASH: Final = 0x5C

_VERSION_SIZE: Final = 8
_VERSION_EXPECTED: Final = "a version like 'HTTP/1.1'"


def _made_rules(policy: Policy) -> Mapping[Phase, Rule]:
    return {**_start_line_rules(policy), **_field_rules(policy), **_chunk_line_rules(policy)}


# Policies are ours to make, not a peer's: a few will do. The type says what a cache forgets: which argument it takes.
_rules: Final[Callable[[Policy], Mapping[Phase, Rule]]] = lru_cache(maxsize=16)(_made_rules)


def _start_line_rules(policy: Policy) -> dict[Phase, Rule]:
    """RFC 9112 3 and 4."""
    return {
        "method": Rule(
            run=grammar.TOKEN_RUN,
            least=1,
            most=policy.max_method_size,
            to={_SP: "target"},
            code="bad-method",
            space_code="bad-request-line",
            early_code="bad-request-line",
            most_code="method-too-long",
            opens=True,
            empty_tolerance=None if policy.leading_empty_lines else "leading_empty_lines",
            expected="a method and one SP",
        ),
        "target": Rule(
            run=grammar.FRAGMENT_TARGET_RUN if policy.fragment_in_target else grammar.TARGET_RUN,
            least=1,
            to={_SP: "request version"},
            code="bad-target",
            space_code="bad-request-line",
            # Without a version it is HTTP/0.9.
            early_code="bad-version",
            tolerance="fragment_in_target",
            tolerated=grammar.FRAGMENT_TARGET_RUN,
            expected="a target of visible ASCII without '#', and one SP",
            secret=True,
        ),
        "request version": Rule(
            run=grammar.HTTP_VERSION_RUN,
            least=_VERSION_SIZE,
            most=_VERSION_SIZE,
            then="request line end",
            code="bad-version",
            space_code="bad-request-line",
            expected=_VERSION_EXPECTED,
        ),
        "request line end": Rule(
            run=grammar.NOTHING_RUN,
            line_end="field",
            code="bad-version",
            space_code="bad-request-line",
            expected="the end of the line",
        ),
        "response version": Rule(
            run=grammar.HTTP_VERSION_RUN,
            least=_VERSION_SIZE,
            most=_VERSION_SIZE,
            then="before status code",
            opens=True,
            code="bad-status-line",
            expected=_VERSION_EXPECTED,
        ),
        "before status code": Rule(
            run=grammar.NOTHING_RUN, to={_SP: "status code"}, code="bad-status-line", expected="one SP"
        ),
        "status code": Rule(
            run=grammar.STATUS_CODE_RUN,
            least=3,
            most=3,
            then="behind status code",
            code="bad-status-code",
            expected="a status code of three digits, 100 to 999",
        ),
        "behind status code": Rule(
            run=grammar.NOTHING_RUN,
            to={_SP: "reason"},
            line_end="field",
            code="bad-status-code",
            expected="SP or the end of the line behind three digits",
        ),
        "reason": Rule(
            run=grammar.ANY_VALUE_RUN if policy.control_bytes_in_reason else grammar.VALUE_RUN,
            line_end="field",
            code="bad-reason",
            tolerance="control_bytes_in_reason",
            tolerated=grammar.ANY_VALUE_RUN,
            expected="a reason of visible characters, SP and HTAB",
            secret=True,
        ),
    }


def _field_rules(policy: Policy) -> dict[Phase, Rule]:
    """RFC 9112 5."""
    return {
        "name": Rule(
            run=grammar.TOKEN_RUN,
            least=1,
            to={_COLON: "value"},
            code="bad-field-name",
            space_code="space-before-colon",
            space=b" \t",
            early_code="missing-colon",
            expected="a field name of token characters and ':'",
        ),
        "value": Rule(
            run=grammar.ANY_VALUE_RUN if policy.control_bytes_in_value else grammar.VALUE_RUN,
            line_end="field",
            code="bad-field-value",
            tolerance="control_bytes_in_value",
            tolerated=grammar.ANY_VALUE_RUN,
            expected="visible characters, SP and HTAB as a field's value",
            secret=True,
        ),
    }


_SIZE_DIGITS: Final = 16
_LONG_SIZE_DIGITS: Final = 20


def _extension_rule(
    run: Pattern[bytes],
    to: Mapping[int, Phase] = _NOWHERE,
    line_end: Phase | None = None,
    *,
    escapes: bool = False,
    end_tolerance: Tolerance = "any_chunk_extension",
) -> Rule:
    return Rule(
        run=run,
        to=to,
        line_end=line_end,
        escapes=escapes,
        code="bad-chunk-extension",
        tolerance="any_chunk_extension",
        tolerated=grammar.NOT_CR_LF_RUN,
        end_tolerance=end_tolerance,
        expected="a chunk extension like ';name=value'",
        secret=True,
    )


def _chunk_line_rules(policy: Policy) -> dict[Phase, Rule]:
    """RFC 9112 7.1."""
    most = _LONG_SIZE_DIGITS if policy.long_chunk_sizes else _SIZE_DIGITS
    # White space before the end of the line belongs to nothing.
    spaced_end: Phase | None = "end" if policy.space_after_chunk_size else None
    behind_value: dict[int, Phase] = {
        _SEMICOLON: "before extension name",
        _SP: "behind extension value",
        _HTAB: "behind extension value",
    }
    name: dict[int, Phase] = {byte: "extension name" for byte in grammar.TCHARS}  # noqa: C420 - as pyrefly's types need
    value: dict[int, Phase] = {byte: "extension token" for byte in grammar.TCHARS}  # noqa: C420
    value[_DQUOTE] = "extension string"
    return {
        "chunk size": Rule(
            run=grammar.HEX_RUN,
            least=1,
            most=most,
            to={
                _SEMICOLON: "any extension" if policy.any_chunk_extension else "before extension name",
                _SP: "behind chunk size",
                _HTAB: "behind chunk size",
            },
            line_end="end",
            code="bad-chunk-size",
            tolerance=None if policy.long_chunk_sizes else "long_chunk_sizes",
            expected=f"a chunk's size of 1 to {most} hex digits, and ';' or CRLF",
        ),
        "behind chunk size": Rule(
            run=grammar.OWS_RUN,
            # What takes any extension takes no white space before it.
            to={} if policy.any_chunk_extension else {_SEMICOLON: "before extension name"},
            line_end=spaced_end,
            code="space-after-chunk-size",
            end_tolerance="space_after_chunk_size",
            useless=True,
            expected="no white space behind a chunk's size",
        ),
        "any extension": _extension_rule(run=grammar.NOT_CR_LF_RUN, line_end="end"),
        "before extension name": _extension_rule(
            run=grammar.OWS_RUN,
            to=name,
        ),
        "extension name": _extension_rule(
            run=grammar.TOKEN_RUN,
            to={
                _SEMICOLON: "before extension name",
                _EQUALS: "before extension value",
                _SP: "behind extension name",
                _HTAB: "behind extension name",
            },
            line_end="end",
        ),
        "behind extension name": _extension_rule(
            run=grammar.OWS_RUN,
            to={_SEMICOLON: "before extension name", _EQUALS: "before extension value"},
            line_end=spaced_end,
            end_tolerance="space_after_chunk_size",
        ),
        "before extension value": _extension_rule(
            run=grammar.OWS_RUN,
            to=value,
        ),
        "extension token": _extension_rule(
            run=grammar.TOKEN_RUN,
            to=behind_value,
            line_end="end",
        ),
        "extension string": _extension_rule(
            run=grammar.QUOTED_RUN,
            escapes=True,
            to={_DQUOTE: "behind extension string"},
        ),
        "behind extension string": _extension_rule(
            run=grammar.NOTHING_RUN,
            to=behind_value,
            line_end="end",
        ),
        "behind extension value": _extension_rule(
            run=grammar.OWS_RUN,
            to={_SEMICOLON: "before extension name"},
            line_end=spaced_end,
            end_tolerance="space_after_chunk_size",
        ),
    }


# --- one step -------------------------------------------------------------------------------------------------------


class _Place:
    """A part of a buffer, with offsets that count from its start."""

    def __init__(self, data: Received, start: int, stop: int, section: Scanned, *, bare_lf: bool) -> None:
        self._data = data
        # No policy lets a chunk line end so.
        self.lf_tolerance: Final[Tolerance | None] = None if section == "chunk line" else "bare_lf"
        self._bare_lf = bare_lf and self.lf_tolerance is not None
        self._start = start
        self._stop = stop

    def __len__(self) -> int:
        return self._stop - self._start

    def __getitem__(self, at: int) -> int:
        return self._data[self._start + at]

    def part(self, start: int, stop: int) -> bytes:
        return cut(self._data, self._start + start, min(self._start + stop, self._stop))

    def line_start(self, at: int) -> int:
        # Never before the section: what stands there is another one's, and perhaps a secret.
        return max(0, self._data.rfind(b"\n", self._start, self._start + at) + 1 - self._start)

    def run_end(self, run: Pattern[bytes], at: int) -> int:
        return run_end(run, self._data, self._start + at, self._stop) - self._start

    def pending(self, at: int) -> bool:
        """Tell whether what stands at `at` cannot be judged before more has come."""
        return at >= len(self) or (at + 1 == len(self) and self[at] == _CR)

    def line_end(self, at: int) -> int:
        """Return the offset behind the line end at `at`, or 0 where there is none (RFC 9112 2.2)."""
        found = self[at]
        if found == _CR and self[at + 1] == _LF:
            return at + 2
        return at + 1 if found == _LF and self._bare_lf else 0


def _follow(place: _Place, state: Scan, rule: Rule) -> Scan:
    """Go on in a phase by its rule: to its end, and to the next phase where that can be seen."""
    # A rule that is for a fixed number of bytes has to see all of them.
    at = place.run_end(rule.run, state.mark if rule.least > 1 else state.at)
    if rule.most is not None and at - state.mark > rule.most:
        at = state.mark + rule.most
        expected = f"no more than {rule.most} bytes of {state.phase}"
        raise _wrong(place, at, rule.most_code or rule.code, expected, since=state.mark, tolerance=rule.tolerance)
    complete = at - state.mark >= rule.least
    if complete and rule.then is not None:
        return Scan(rule.then, at, at, state.fields)
    if place.pending(at) or (rule.escapes and at + 1 == len(place) and place[at] == _BACKSLASH):
        return state._replace(at=at)
    line_end = place.line_end(at)
    if complete:
        if line_end and rule.line_end is not None:
            return Scan(rule.line_end, line_end, line_end, state.fields)
        target = rule.to.get(place[at])
        if target is not None:
            # A phase that begins with the very byte that leads to it has it in its run.
            at += place[at] not in grammar.TCHARS
            return Scan(target, at, at, state.fields)
    since = at if rule.secret else state.mark
    tolerance = _tolerance(place, at, rule, bool(line_end))
    if rule.useless and (line_end or place[at] not in b"\r\n"):
        raise _wrong(place, state.mark - 1, rule.code, rule.expected, since=state.mark - 1, tolerance=tolerance)
    if line_end:
        if at == 0 and rule.opens:
            raise violation(
                RemoteProtocolError,
                "empty-line",
                "expected a start line, got an empty line",
                offset=0,
                tolerance=rule.empty_tolerance,
            )
        raise _wrong(place, at, rule.early_code or rule.code, rule.expected, since=since, tolerance=tolerance)
    code = rule.code
    if rule.space_code is not None and place[at] in rule.space:
        code = rule.space_code
    raise _wrong(place, at, code, rule.expected, since=since, tolerance=tolerance)


def _tolerance(place: _Place, at: int, rule: Rule, line_end: bool) -> Tolerance | None:
    """Return the field of the policy that would let in what stands at `at`: a byte, or the end of a line."""
    tolerance = rule.end_tolerance if line_end else rule.tolerance
    if not line_end and place.run_end(rule.tolerated, at) == at:
        return None
    # It takes a semicolon only where that follows the size itself.
    if tolerance == "any_chunk_extension" and place[place.run_end(grammar.HEX_RUN, 0)] != _SEMICOLON:
        return None
    return tolerance


def _begin_line(place: _Place, state: Scan, section: Scanned, policy: Policy) -> Scan:
    """See by its first byte whether a line is a field, a folded part of one, or empty."""
    at, fields = state.at, state.fields
    if place.pending(at):
        return state
    line_end = place.line_end(at)
    if line_end:
        return Scan("end", line_end, line_end, fields)
    if place[at] in b" \t":
        if fields == 0:
            raise _wrong(place, at, "space-before-first-field", "a field's name", since=at)
        if not policy.folded_lines and (section != "response" or _says_length(place, at)):
            raise _wrong(place, at, "folded-line", "a field's name or an empty line", since=at)
        return Scan("value", at, at, fields)
    # Half a line end is no field, so it is not one too many.
    if place[at] in b"\r\n":
        return Scan("name", at, at, fields)
    # "PRI * HTTP/2.0" is no more than a preface; with fields it would be a request of another HTTP.
    if section == "request" and not policy.any_major_version and place.part(0, len(_PREFACE)) == _PREFACE:
        raise _unsupported("2.0", at)
    if policy.max_fields is not None and fields == policy.max_fields:
        message = f"expected at most {policy.max_fields} fields, got more"
        raise violation(RemoteProtocolError, "too-many-fields", message, offset=at)
    return Scan("name", at, at, fields + 1)


# "A user agent that receives an obs-fold ... MUST replace each received obs-fold" (RFC 9112 5.2); but over these fields
# clients part all the same: some take the first line for the whole of the value.
_UNFOLDABLE: Final = (b"content-length", b"transfer-encoding")


def _says_length(place: _Place, at: int) -> bool:
    """Tell whether the line before the one at `at` begins a field that says how long the message is."""
    # One that is folded itself has been let in, so it goes on with another field.
    return place.part(place.line_start(at - 1), at).partition(b":")[0].lower() in _UNFOLDABLE


_PREFACE: Final = b"PRI * HTTP/2.0"


def _check_major(place: _Place, state: Scan, policy: Policy) -> None:
    version = place.part(state.at - 3, state.at).decode("ascii")
    if version[0] != "1" and not policy.any_major_version and place.part(0, state.at) != _PREFACE:
        raise _unsupported(version, state.at - _VERSION_SIZE)


def _unsupported(version: str, offset: int) -> RemoteProtocolError:
    message = f"expected HTTP/1.x, got HTTP/{version}"
    return violation(RemoteProtocolError, "unsupported-version", message, offset=offset)


def _wrong(
    place: _Place, at: int, code: ErrorCode, expected: str, *, since: int, tolerance: Tolerance | None = None
) -> RemoteProtocolError:
    """Make the error for the byte at `at`. Its excerpt goes from `since` up to that byte.

    So nothing behind the wrong byte is shown, and `since` keeps back what may be a secret before it.
    """
    found = place[at]
    if code == "bad-field-value":
        name = place.part(place.line_start(at), at).partition(b":")[0]
        if not name.startswith((b" ", b"\t")):
            expected = f"visible characters, SP and HTAB as the value of {clipped(name)}"
    spelled = byte_name(found)
    # Half a line end in the middle of a line is always the same mistake, wherever it stands.
    if place.line_end(at):
        spelled = "the end of the line"
    elif found == _CR:
        code, expected, tolerance = "bare-cr", "LF behind CR", None
    elif found == _LF:
        code, expected, tolerance = "bare-lf", "CRLF at the end of a line", place.lf_tolerance
    return violation(
        RemoteProtocolError,
        code,
        f"expected {expected}, got {spelled}",
        offset=at,
        excerpt=b"" if spelled == "the end of the line" else place.part(max(since, at - EXCERPT_SIZE + 1), at + 1),
        tolerance=tolerance,
    )
