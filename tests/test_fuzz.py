"""The fuzzer's corpus, checked without the fuzzer; and each property and each target, shown what is wrong."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import pytest

from http11 import (
    ERROR,
    H11,
    NEED_DATA,
    SERVER,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    ErrorCode,
    Event,
    InformationalResponse,
    LocalProtocolError,
    Policy,
    ProtocolError,
    RemoteProtocolError,
    Request,
    Response,
    Role,
    Signal,
)
from http11._runtime import Buffer
from http11.parsing import ChunkLine, parse_request
from tests import apart, harness, messages, test_lines, test_parsing, test_properties, test_scripts
from tests.fuzz import __main__ as command
from tests.fuzz import corpus, reading, sections, sending
from tests.fuzz.targets import TARGETS
from tests.test_properties import Readings, Stream
from tests.test_scripts import Played

LARGEST_CORPUS = 1_000_000
MOST_INPUTS = 500


@pytest.mark.parametrize("target", TARGETS)
def test_all_properties_hold_of_the_corpus(target: str) -> None:
    inputs = corpus.inputs(target)
    assert inputs
    for raw in inputs:
        TARGETS[target].check(raw)


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_is_small(target: str) -> None:
    inputs = corpus.inputs(target)
    assert len(inputs) <= MOST_INPUTS
    assert sum(map(len, inputs)) <= LARGEST_CORPUS


# --- the properties -------------------------------------------------------------------------------------------------

# None may hold of what is wrong. So a right outcome is falsified here, and no engine is broken.

Falsify: TypeAlias = Callable[[Any], Any]


def stream(data: bytes, **choices: Any) -> bytes:
    """Spell a stream as an input for the target `reading`."""
    return reading.encode(Stream(**{"role": SERVER, "data": data, **choices}))


def script(*steps: bytes, role: Role = SERVER, keeping: bool = False) -> bytes:
    """Spell steps as an input for the target `sending`, with a bar between their parts.

    `keeping` says whether the policy honors keep-alive in HTTP/1.0.
    """
    return bytes([(role != SERVER) | keeping << 4]) + sending.STEP.join(steps).replace(b"|", sending.PART)


def changed(**changes: Any) -> Falsify:
    return lambda outcome: attrs.evolve(outcome, **changes)


def whole(**changes: Any) -> Falsify:
    """Change what came of a stream that was read whole."""
    return lambda readings: attrs.evolve(readings, whole=attrs.evolve(readings.whole, **changes))


def in_pieces(**changes: Any) -> Falsify:
    return lambda readings: attrs.evolve(readings, others=[attrs.evolve(one, **changes) for one in readings.others])


def instead(name: str, **changes: Any) -> Falsify:
    """Have another reading be what the whole one is, but for `changes`."""
    return lambda readings: attrs.evolve(readings, **{name: attrs.evolve(readings.whole, **changes)})


def error(**changes: object) -> Falsify:
    def falsify(readings: Readings) -> Readings:
        assert readings.whole.error is not None
        wrong = copy.copy(readings.whole.error)
        for name, value in changes.items():
            setattr(wrong, name, value)
        return attrs.evolve(readings, whole=attrs.evolve(readings.whole, error=wrong))

    return falsify


def without(kind: type[Event]) -> Falsify:
    def falsify(readings: Readings) -> Readings:
        events = [event for event in readings.whole.events if not isinstance(event, kind)]
        return attrs.evolve(readings, whole=attrs.evolve(readings.whole, events=events))

    return falsify


def last_step(**changes: Any) -> Falsify:
    def falsify(played: Played) -> Played:
        return attrs.evolve(played, steps=[*played.steps[:-1], attrs.evolve(played.steps[-1], **changes)])

    return falsify


def on_the_wire(old: bytes, new: bytes) -> Falsify:
    """Change what a script has written."""

    def falsify(played: Played) -> Played:
        assert any(old in step.wire for step in played.steps)
        steps = [attrs.evolve(step, wire=step.wire.replace(old, new)) for step in played.steps]
        return attrs.evolve(played, steps=steps)

    return falsify


def passed_nothing(played: Played) -> Played:
    return attrs.evolve(played, passed_through=[attrs.evolve(step, wire=b"") for step in played.passed_through])


class Restless:
    """A payload that is never the same again."""

    hashes = 0

    def __len__(self) -> int:
        return 1

    def __hash__(self) -> int:
        Restless.hashes += 1
        return Restless.hashes


GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
GET10 = GET.replace(b"1.1", b"1.0")
HELLO = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\nrest"
ASKS = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
SECRET = GET.replace(b"\r\n\r\n", b"\r\nAuthorization: SECRET\x01\r\n\r\n")
REQUEST = Request(method="GET", target="/", headers=[("Host", "a")])
RESPONSE = Response(status_code=200, headers=[])
SWITCH = InformationalResponse(status_code=101, headers=[])
POISON = parse_request(GET.replace(b"/", b"/#", 1), policy=H11)
TRAILERS = EndOfMessage(headers=[("x", "y")])
CLOSES, SAYS_NO_LENGTH = b"Connection: close\r\n", b"Content-Length: 0\r\n"
ANSWERS = (b"S200|||Content-Length|0", b"E")

# For each property: an input, and what makes its outcome one of which the property does not hold.
FALSE: dict[str, dict[str, list[tuple[bytes, Falsify]]]] = {
    "reading": {
        "same_in_any_pieces": [(stream(GET), in_pieces(events=[])), (stream(b"G@T"), error(offset=2))],
        "an_end_is_told_and_stays": [
            (stream(b"G@T"), whole(again=["NEED_DATA"])),
            (stream(b"G@T"), in_pieces(again=["already-failed in IDLE"])),
            (stream(GET), whole(again=["ConnectionClosed()", "NEED_DATA"])),
            (stream(GET), without(ConnectionClosed)),
            (stream(b"GET /"), whole(error=None)),
        ],
        "holds_no_more_than_its_limit": [(stream(GET), in_pieces(excess=1))],
        "the_rest_is_what_was_not_read": [
            (stream(UPGRADE), whole(rest=(b"res", True))),
            (stream(UPGRADE), whole(rest=(b"rest", False))),
            (stream(b"G@T"), whole(rest=(b"T", True))),
            (stream(UPGRADE), instead("until_pause", events=[])),
            (stream(UPGRADE), instead("until_pause")),
            (stream(UPGRADE), instead("too_little")),
        ],
        "errors_are_safe_to_log": [
            (stream(b"G@T"), error(msg="\x1b")),
            (stream(b"G@T"), error(msg="\xe9")),
            (stream(b"G@T"), error(msg="a" * 1000)),
            (stream(b"G@T"), error(excerpt=b"G!")),
            (stream(b"a" * 100), error(excerpt=b"a" * 65)),
            (stream(b"G@T"), error(code="wrong")),
            (stream(b"G@T"), error(offset=4)),
            (stream(SECRET), error(excerpt=b"SECRET")),
            (stream(SECRET), error(msg="SECRET")),
        ],
        "events_are_messages": [
            (stream(ANSWER, role="CLIENT"), whole(events=[RESPONSE, RESPONSE])),
            (stream(GET), whole(events=[EndOfMessage()])),
        ],
        "bodies_are_as_long_as_they_say": [
            (stream(HELLO), without(Data)),
            (stream(GET + HELLO), without(Data)),
            (stream(GET), whole(events=[REQUEST, Data(b"a")])),
        ],
        "constructors_make_the_same": [(stream(GET), instead("strict", events=[POISON]))],
        "poison_is_not_passed_on": [(stream(ANSWER, role="CLIENT"), whole(events=[SWITCH]))],
        "what_is_sent_on_is_read_back": [
            (stream(GET), instead("strict", events=[POISON, EndOfMessage()])),
            (stream(GET), instead("strict", events=[REQUEST, TRAILERS])),
        ],
        "tolerance_only_adds": [
            (stream(GET, policy=H11), whole(events=[])),
            (stream(GET, policy=H11), whole(paused=True)),
        ],
        "an_answer_counts": [
            (stream(ANSWER + ANSWER, role="CLIENT"), whole(states=("DONE", "DONE"))),
            (stream(ANSWER + ANSWER, role="CLIENT"), in_pieces(error=RemoteProtocolError("why"))),
        ],
        "an_empty_line_may_follow": [(stream(GET10, closed=False), instead("late"))],
        "the_tolerance_lets_it_in": [(stream(GET.replace(b"/", b"a", 1)), instead("let_in"))],
    },
    "sending": {
        "only_local_errors": [
            (script(b"S200||"), last_step(refused=KeyError())),
            (script(b"<" + GET), last_step(refused=LocalProtocolError("why"))),
        ],
        "refusals_change_what_they_should": [
            (script(b"Dhello"), last_step(after=("IDLE", "IDLE"))),
            (script(b"S1||"), last_step(after=("ERROR", "IDLE"))),
        ],
        "nothing_is_sent_in_error": [
            (script(b"X", b"Dhello"), last_step(sent=True)),
            (script(b"X", b"Dhello"), last_step(after=("IDLE", "IDLE"))),
            (script(b"X", b"Dhello"), last_step(refused=LocalProtocolError("why"))),
        ],
        "passthrough_writes_the_same": [(script(b"<" + GET, b"S200||", b"Dhello"), passed_nothing)],
        "events_can_be_made_again": [(script(b"S200|||a|b"), last_step(made=Data(Restless())))],
        "local_errors_are_safe_to_log": [
            (script(b"S200|||a\r\nb|c"), last_step(refused=LocalProtocolError("\x1b"))),
            (script(b"S200|||a\r\nb|c"), last_step(refused=LocalProtocolError("a" * 1000))),
        ],
        "what_is_written_is_read_back": [
            (script(b"<" + GET, b"S200|||a|b"), on_the_wire(b"a: b", b"a: b\r\nc: d")),
            (script(b"<" + GET, b"S200|||a|b"), on_the_wire(b"a: b", b"a: \x00")),
            (script(b"<" + GET, *ANSWERS), on_the_wire(b"\r\n\r\n", b"\r\n\r\nmore")),
        ],
        "heads_keep_the_rules_of_length": [
            (script(b"<" + GET, b"I103|||a|b"), on_the_wire(b"a: b", b"Content-Length: 5")),
            (
                script(b"<" + GET, b"S200|||Content-Length|5"),
                on_the_wire(b"th: 5\r\n", b"th: 5\r\nContent-Length: 5\r\n"),
            ),
            (script(b"<" + GET10, b"S200|||a|b"), on_the_wire(b"a: b", b"Transfer-Encoding: chunked")),
        ],
        "a_connection_that_ends_says_so": [
            (script(b"<" + GET10, *ANSWERS), on_the_wire(CLOSES, b"")),
            (script(b"<" + GET, *ANSWERS), on_the_wire(SAYS_NO_LENGTH, SAYS_NO_LENGTH + CLOSES)),
        ],
        "an_http10_client_is_told_what_holds": [
            (script(b"<" + ASKS, *ANSWERS), on_the_wire(CLOSES, b"")),
            (script(b"<" + ASKS, *ANSWERS), on_the_wire(b": close", b": keep-alive")),
            (script(b"<" + ASKS, *ANSWERS, keeping=True), on_the_wire(b"keep-alive", b"keep-alive, close")),
            (script(b"<" + ASKS, *ANSWERS, keeping=True), on_the_wire(SAYS_NO_LENGTH, b"")),
        ],
        "nobody_expects_for_nothing": [
            (script(b"QGET|/||Host|a|Expect|100-continue", role="CLIENT"), last_step(sent=True)),
        ],
        "a_refused_tunnel_is_the_end": [
            (script(b"<CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", b"S407||"), on_the_wire(CLOSES, b"")),
        ],
        "content_is_refused_for_what_it_is": [
            (
                script(b"<" + GET.replace(b"GET", b"HEAD"), b"S200|||Content-Length|5", b"Dhello"),
                last_step(refused=LocalProtocolError("why", code="too-much-body")),
            ),
        ],
    },
}


@pytest.mark.parametrize(
    ("target", "name"), [(target, name) for target, properties in FALSE.items() for name in properties]
)
def test_a_property_does_not_hold_of_an_outcome_that_is_false(target: str, name: str) -> None:
    (holds,) = (one for one in TARGETS[target].properties if one.__name__ == name)
    for raw, falsify in FALSE[target][name]:
        right = TARGETS[target].run(raw)
        holds(right)
        with pytest.raises((AssertionError, ProtocolError)):
            holds(falsify(right))


# --- the targets ----------------------------------------------------------------------------------------------------

# And a target finds what is wrong with an engine. The tests are given a stand-in for it, and it stays as it is.


class Deaf(Connection[Role]):
    """Loses the data of bodies."""

    def next_event(self) -> Event | Signal:
        event: Event | Signal = super().next_event()
        return Data(b"") if isinstance(event, Data) else event


class Confused(Connection[Role]):
    """Raises what no peer's mistake may raise."""

    def next_event(self) -> Event | Signal:
        try:
            return super().next_event()
        except RemoteProtocolError as found:
            raise ValueError(str(found)) from None


class Forgiving(Connection[Role]):
    """Forgets that it has failed."""

    def next_event(self) -> Event | Signal:
        return NEED_DATA if self.their_state == ERROR else super().next_event()


class Mumbling(Connection[Role]):
    """Reads something else than what arrives, once in each piece."""

    def receive_data(self, data: Buffer) -> None:
        super().receive_data(bytes(data).replace(b"q", b"0", 1))


class Chatty(Connection[Role]):
    """Writes more than it should."""

    def send(self, event: Event) -> bytes | None:  # type: ignore[override]
        written: bytes | None = super().send(event)  # type: ignore[arg-type]
        return written and written.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n")


class Stubborn(Connection[Role]):
    """Does not see that it has refused something."""

    def send(self, event: Event) -> bytes | None:  # type: ignore[override]
        try:
            return super().send(event)  # type: ignore[arg-type]
        except LocalProtocolError:
            return None


CHUNKS = GET[:-2] + b"Transfer-Encoding: chunked\r\n\r\n5\r\nqqqqq\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("target", "raw", "stand_in"),
    [
        ("reading", stream(HELLO), Deaf),
        ("reading", stream(b"G@T"), Confused),
        ("reading", stream(b"G@T"), Forgiving),
        ("reading", stream(CHUNKS), Mumbling),
        ("reading", stream(ANSWER, role="CLIENT"), Chatty),
        ("sending", script(b"<" + GET, b"S200||"), Chatty),
        ("sending", script(b"<" + GET, b"S200|||Content-Length|0", b"Dhello"), Stubborn),
    ],
)
def test_a_target_finds_what_is_wrong(
    target: str, raw: bytes, stand_in: type[Connection[Role]], monkeypatch: pytest.MonkeyPatch
) -> None:
    TARGETS[target].check(raw)
    for module in (harness, messages, test_properties, test_scripts):
        monkeypatch.setattr(module, "Connection", stand_in)
    with pytest.raises((AssertionError, ValueError, ProtocolError)):
        TARGETS[target].check(raw)


def section(kind: apart.Kind, data: bytes, cut: int = 0) -> bytes:
    """Spell a section as an input for the target `sections`."""
    return bytes([sections.KINDS.index(kind), 0, cut]) + data


def parser(kind: apart.Kind, parsed: object) -> Callable[[pytest.MonkeyPatch], None]:
    """Have the parser of this kind return, or raise, something else."""

    def parse(_data: bytes, _policy: Policy) -> object:
        if isinstance(parsed, Exception):
            raise parsed
        return parsed

    return lambda patch: patch.setitem(test_parsing.PARSERS, kind, parse)


def splitter(kind: apart.Kind, found: apart.Parts) -> Callable[[pytest.MonkeyPatch], None]:
    """Have it taken apart into something else."""
    return lambda patch: patch.setitem(apart.SPLIT, kind, lambda _text, _policy: found)


def end(found: int) -> Callable[[pytest.MonkeyPatch], None]:
    """Have the second form find the end somewhere else."""
    return lambda patch: patch.setattr(test_lines, "BOTH_FORMS", [test_lines.by_either, lambda *_: found])


def refused(code: ErrorCode, offset: int = 0) -> RemoteProtocolError:
    return RemoteProtocolError("why", code=code, offset=offset)


def walk(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(test_lines, "walked", lambda *_: [None])


def short_line(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(test_lines, "SHORT", re.compile(rb"(5)\r\n\r\n"))


def first_bytes(patch: pytest.MonkeyPatch) -> None:
    """Have what is short be refused, whatever it is."""
    patch.setattr(
        test_lines,
        "taken_apart",
        lambda kind, text, policy: (
            apart.taken_apart(kind, text, policy) if len(text) > 5 else apart.Refused("bad-method", 0, b"", None, "")
        ),
    )


WALKS, GOES_ON = "the_walk_finds_what_the_pattern_finds", "what_is_wrong_is_wrong_however_it_goes_on"
PARTS, END = "an_event_has_the_parts_of_its_section", "the_end_is_the_first_empty_line"


@pytest.mark.parametrize(
    ("name", "raw", "plant"),
    [
        (WALKS, section("request", GET), walk),
        (WALKS, section("chunk line", b"5"), walk),
        (WALKS, section("chunk line", b"5"), short_line),
        (WALKS, section("request", GET[:-2]), splitter("request", (b"GET", b"/", b"1.1", []))),
        (GOES_ON, section("request", GET, cut=3), first_bytes),
        (GOES_ON, section("chunk line", b"5;a=bcd", cut=1), first_bytes),
        (PARTS, section("request", GET), parser("request", refused("bad-method"))),
        (PARTS, section("request", GET), splitter("request", (b"GOT", b"/", b"1.1", [(b"Host", b"a")]))),
        (PARTS, section("request", b"G@T"), parser("request", REQUEST)),
        (PARTS, section("request", b"G@T"), parser("request", refused("bad-method", 2))),
        (PARTS, section("request", GET[:-2]), parser("request", REQUEST)),
        (PARTS, section("request", GET[:-2]), parser("request", refused("bad-method"))),
        (PARTS, section("request", GET[:-2]), parser("request", refused("head-cut-short", 1000))),
        (PARTS, section("chunk line", b"5"), parser("chunk line", ChunkLine(6, 0))),
        (PARTS, section("trailers", b"\r\n"), parser("trailers", TRAILERS)),
        (END, section("request", GET), end(-1)),
        (END, section("request", GET[:-2]), end(len(GET) - 2)),
        (END, section("trailers", b"\n"), end(2)),
    ],
)
def test_a_property_of_sections_does_not_hold_of_what_is_wrong(
    name: str, raw: bytes, plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    (holds,) = (one for one in sections.PROPERTIES if one.__name__ == name)
    TARGETS["sections"].check(raw)
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        holds(sections.decode(raw))


def test_every_property_has_been_seen_not_to_hold() -> None:
    seen = {target: [*properties] for target, properties in FALSE.items()}
    assert {**seen, "sections": [WALKS, GOES_ON, PARTS, END]} == {
        name: [holds.__name__ for holds in target.properties] for name, target in TARGETS.items()
    }


# --- the inputs, and the command ------------------------------------------------------------------------------------


def test_a_case_is_spelled_as_it_is_read() -> None:
    for raw in corpus.inputs("reading"):
        case = reading.decode(raw)
        assert reading.decode(reading.encode(case)) == case
    for raw in corpus.inputs("sending"):
        played = sending.decode(raw)
        assert sending.decode(sending.encode(played)) == played


def test_the_corpus_has_every_role_and_policy_and_all_that_can_be_sent() -> None:
    streams = [reading.decode(raw) for raw in corpus.inputs("reading")]
    assert {case.role for case in streams} == {"CLIENT", "SERVER"}
    assert {case.policy for case in streams} == set(test_properties.POLICIES)
    scripts = [sending.decode(raw) for raw in corpus.inputs("sending")]
    assert {letter for played in scripts for letter, _ in played.steps} >= set("QISDEC<.NX>")
    assert {played.given for played in scripts} == set(test_scripts.GIVEN)
    assert {played.policy for played in scripts} == set(test_scripts.POLICIES)


def test_what_shows_nothing_new_is_not_kept() -> None:
    def shown(raw: bytes) -> Iterable[object]:
        return set(raw)

    found = [b"ab", b"a", b"ba", b"abc", b"cc"]
    assert list(corpus.minimized([], found, shown)) == [b"a", b"ab", b"cc"]
    assert list(corpus.minimized([b"abc", b"ca"], found, shown)) == [b"ca", b"abc"]


@pytest.mark.interpreted
def test_the_arcs_of_the_engine_are_seen() -> None:
    with corpus.tracing() as few:
        parse_request(GET)
    with corpus.tracing() as many:
        parse_request(GET.replace(b"Host: a", b"Host: a\r\nContent-Length: 5, 5"), policy=H11)
    assert few
    assert many - few


def test_without_a_fuzzer_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda _name: None)
    assert command.main(["--minutes", "0"]) == 2
    assert "pip install --group fuzz" in capsys.readouterr().err


def test_a_finding_is_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "finding").write_bytes(stream(HELLO))
    replay = ["--target", "reading", "--replay", str(tmp_path / "finding")]
    assert command.main(replay) == 0
    monkeypatch.setattr(harness, "Connection", Deaf)
    assert command.main(replay) == 1
    assert "bodies_are_as_long_as_they_say" in capsys.readouterr().out
