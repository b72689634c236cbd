"""The fuzzer's corpus, put before its oracles without the fuzzer; and each oracle, put before what is false."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import attrs
import pytest

from http11 import (
    SERVER,
    STRICT,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    LocalProtocolError,
    Policy,
    RemoteProtocolError,
    Request,
    Response,
    Role,
)
from http11.parsing import ChunkLine, parse_request
from tests.apart import Kind, Refused
from tests.fuzz import __main__ as command
from tests.fuzz import corpus, reading, sections, sending
from tests.fuzz.targets import TARGETS

LARGEST_CORPUS = 1_000_000
MOST_INPUTS = 500


@pytest.mark.parametrize("target", TARGETS)
def test_no_oracle_complains_of_the_corpus(target: str) -> None:
    found = {raw: list(TARGETS[target].complaints(raw)) for raw in corpus.inputs(target)}
    assert found
    assert [(raw, complaints) for raw, complaints in found.items() if complaints] == []


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_is_small(target: str) -> None:
    inputs = corpus.inputs(target)
    assert len(inputs) <= MOST_INPUTS
    assert sum(map(len, inputs)) <= LARGEST_CORPUS


# --- the oracles ----------------------------------------------------------------------------------------------------

# Each has to complain of what is wrong. So a right outcome is falsified here, and no engine is broken.


def stream(
    data: bytes, *, role: Role = SERVER, policy: Policy = STRICT, limit: int = 16384, closed: bool = True
) -> bytes:
    """Spell a stream as an input for the target `reading`."""
    return reading.encode(
        reading.Case(
            role=role,
            policy=policy,
            small=False,
            limit=limit,
            request=reading.REQUESTS[0],
            closed=closed,
            sizes=(3, 5),
            data=data,
        )
    )


def script(*steps: bytes, role: Role = SERVER, keeping: bool = False) -> bytes:
    """Spell steps as an input for the target `sending`, with a bar between their parts.

    `keeping` says whether the policy honors keep-alive in HTTP/1.0.
    """
    return bytes([(role != SERVER) | keeping << 4]) + sending.STEP.join(steps).replace(b"|", sending.PART)


def section(kind: Kind, data: bytes, policy: Policy = STRICT, cut: int = 0) -> bytes:
    """Spell a section as an input for the target `sections`."""
    return bytes([sections.KINDS.index(kind), reading.POLICIES.index(policy), cut]) + data


Falsify: TypeAlias = Callable[[Any], Any]


def whole(**changes: Any) -> Falsify:
    """Change what came of a stream that was read whole."""
    return lambda readings: attrs.evolve(readings, whole=attrs.evolve(readings.whole, **changes))


def in_pieces(**changes: Any) -> Falsify:
    return lambda readings: attrs.evolve(readings, others=[attrs.evolve(one, **changes) for one in readings.others])


def strict(*events: Event) -> Falsify:
    """Change what the strict policy let in."""
    return lambda readings: attrs.evolve(readings, strict=attrs.evolve(readings.strict, events=[*events]))


def error(**changes: object) -> Falsify:
    def falsify(readings: reading.Readings) -> reading.Readings:
        assert readings.whole.error is not None
        changed = copy.copy(readings.whole.error)
        for name, value in changes.items():
            setattr(changed, name, value)
        return attrs.evolve(readings, whole=attrs.evolve(readings.whole, error=changed))

    return falsify


def without(kind: type[Event]) -> Falsify:
    def falsify(readings: reading.Readings) -> reading.Readings:
        events = [event for event in readings.whole.events if not isinstance(event, kind)]
        return attrs.evolve(readings, whole=attrs.evolve(readings.whole, events=events))

    return falsify


def last_step(**changes: Any) -> Falsify:
    def falsify(played: sending.Played) -> sending.Played:
        return attrs.evolve(played, steps=[*played.steps[:-1], attrs.evolve(played.steps[-1], **changes)])

    return falsify


def on_the_wire(old: bytes, new: bytes) -> Falsify:
    """Change what a script has written."""

    def falsify(played: sending.Played) -> sending.Played:
        assert any(old in step.wire for step in played.steps)
        steps = [attrs.evolve(step, wire=step.wire.replace(old, new)) for step in played.steps]
        return attrs.evolve(played, steps=steps)

    return falsify


def passed_nothing(played: sending.Played) -> sending.Played:
    return attrs.evolve(played, passed_through=[attrs.evolve(step, wire=b"") for step in played.passed_through])


class Restless:
    """A payload that is never the same again."""

    hashes = 0

    def __len__(self) -> int:
        return 1

    def __hash__(self) -> int:
        Restless.hashes += 1
        return Restless.hashes


def parsing(**changes: Any) -> Falsify:
    return lambda parsed: attrs.evolve(parsed, **changes)


GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HELLO = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\nrest"
ASKS = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
SECRET = GET.replace(b"\r\n\r\n", b"\r\nAuthorization: SECRET\x01\r\n\r\n")
H11 = reading.POLICIES[1]
REQUEST = Request(method="GET", target="/", headers=[("Host", "a")])
RESPONSE = Response(status_code=200, headers=[])
SWITCH = InformationalResponse(status_code=101, headers=[])
POISON = parse_request(GET.replace(b"/", b"/#", 1), policy=H11)
TRAILERS = EndOfMessage(headers=[("x", "y")])
WRONG = Refused("bad-method", 1000, b"", None, "")

# For each oracle: an input, and what makes its outcome one of which the oracle has to complain.
FALSE: dict[str, dict[str, list[tuple[bytes, Falsify]]]] = {
    "reading": {
        "only_remote_errors": [(stream(GET), whole(crash=KeyError())), (stream(GET), in_pieces(crash=KeyError()))],
        "same_in_any_pieces": [(stream(GET), in_pieces(events=[])), (stream(b"G@T"), error(offset=2))],
        "failed_for_good": [
            (stream(b"G@T"), whole(again=["NEED_DATA"])),
            (stream(b"G@T"), in_pieces(again=["already-failed in IDLE"])),
        ],
        "closed_for_ever": [(stream(GET), whole(again=["ConnectionClosed()", "NEED_DATA"]))],
        "the_end_is_told": [(stream(GET), without(ConnectionClosed)), (stream(b"GET /"), whole(error=None))],
        "holds_no_more_than_its_limit": [(stream(GET), in_pieces(excess=1))],
        "the_rest_is_what_was_not_read": [
            (stream(UPGRADE), whole(rest=(b"res", True))),
            (stream(UPGRADE), whole(rest=(b"rest", False))),
            (stream(UPGRADE), lambda one: attrs.evolve(one, until_pause=attrs.evolve(one.whole, events=[]))),
            (stream(UPGRADE), lambda one: attrs.evolve(one, too_little=one.whole)),
        ],
        "errors_are_safe_to_log": [
            (stream(b"G@T"), error(msg="\x1b")),
            (stream(b"G@T"), error(msg="a" * 1000)),
            (stream(b"G@T"), error(excerpt=b"G!")),
            (stream(b"G@T"), error(code="wrong")),
            (stream(b"G@T"), error(offset=4)),
        ],
        "errors_keep_secrets": [(stream(SECRET), error(excerpt=b"SECRET")), (stream(SECRET), error(msg="SECRET"))],
        "events_are_messages": [
            (stream(ANSWER, role="CLIENT"), whole(events=[RESPONSE, RESPONSE])),
            (stream(GET), whole(events=[EndOfMessage()])),
        ],
        "bodies_are_as_long_as_they_say": [(stream(HELLO), without(Data)), (stream(GET + HELLO), without(Data))],
        "constructors_make_the_same": [(stream(GET), strict(POISON))],
        "poison_is_not_passed_on": [(stream(ANSWER, role="CLIENT"), whole(events=[SWITCH]))],
        "what_is_sent_on_is_read_back": [
            (stream(GET), strict(POISON, EndOfMessage())),
            (stream(GET), strict(REQUEST, TRAILERS)),
        ],
        "tolerance_only_adds": [
            (stream(GET, policy=H11), whole(events=[])),
            (stream(GET, policy=H11), whole(paused=True)),
        ],
        "an_answer_counts": [
            (stream(ANSWER + ANSWER, role="CLIENT"), whole(states=("DONE", "DONE"))),
            (stream(ANSWER + ANSWER, role="CLIENT"), in_pieces(error=RemoteProtocolError("why"))),
        ],
        "an_empty_line_may_follow": [
            (stream(GET.replace(b"1.1", b"1.0"), closed=False), lambda one: attrs.evolve(one, late=one.whole)),
        ],
        "the_tolerance_lets_it_in": [
            (stream(GET.replace(b"/", b"a", 1)), lambda one: attrs.evolve(one, let_in=one.whole)),
        ],
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
            (script(b"<" + GET, b"S200|||Content-Length|0", b"E"), on_the_wire(b"\r\n\r\n", b"\r\n\r\nmore")),
        ],
        "heads_keep_the_rules_of_length": [
            (script(b"<" + GET, b"I103|||a|b"), on_the_wire(b"a: b", b"Content-Length: 5")),
            (
                script(b"<" + GET, b"S200|||Content-Length|5"),
                on_the_wire(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n"),
            ),
            (
                script(b"<" + GET.replace(b"1.1", b"1.0"), b"S200|||a|b"),
                on_the_wire(b"a: b", b"Transfer-Encoding: chunked"),
            ),
        ],
        "a_connection_that_ends_says_so": [
            (
                script(b"<" + GET.replace(b"1.1", b"1.0"), b"S200|||Content-Length|0", b"E"),
                on_the_wire(b"Connection: close\r\n", b""),
            ),
            (
                script(b"<" + GET, b"S200|||Content-Length|0", b"E"),
                on_the_wire(b"Content-Length: 0", b"Content-Length: 0\r\nConnection: close"),
            ),
        ],
        "an_http10_client_is_told_what_holds": [
            (script(b"<" + ASKS, b"S200|||Content-Length|0"), on_the_wire(b"Connection: close\r\n", b"")),
            (script(b"<" + ASKS, b"S200|||Content-Length|0"), on_the_wire(b": close", b": keep-alive")),
            *(
                (script(b"<" + ASKS, b"S200|||Content-Length|0", keeping=True), on_the_wire(old, new))
                for old, new in ((b"keep-alive", b"keep-alive, close"), (b"Content-Length: 0\r\n", b""))
            ),
        ],
        "nobody_expects_for_nothing": [
            (script(b"QGET|/||Host|a|Expect|100-continue", role="CLIENT"), last_step(sent=True)),
        ],
        "a_refused_tunnel_is_the_end": [
            (
                script(b"<CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", b"S407|||Content-Length|0", b"E"),
                on_the_wire(b"Connection: close\r\n", b""),
            ),
        ],
        "content_is_refused_for_what_it_is": [
            (
                script(b"<" + GET.replace(b"GET", b"HEAD"), b"S200|||Content-Length|5", b"Dhello"),
                last_step(refused=LocalProtocolError("why", code="too-much-body")),
            ),
        ],
    },
    "sections": {
        "only_remote_errors": [(section("request", GET), parsing(crash=KeyError()))],
        "the_walk_finds_what_the_pattern_finds": [(section("request", GET), parsing(walked=[None]))],
        "what_is_wrong_is_wrong_however_it_goes_on": [
            (section("request", b"G@T", cut=3), parsing(apart=None)),
            (section("chunk line", b"5", cut=1), parsing(beginning=WRONG)),
        ],
        "an_event_has_the_parts_of_its_section": [
            (section("request", GET), parsing(parsed=WRONG)),
            (section("request", GET), parsing(apart=(b"GOT", b"/", b"1.1", [(b"Host", b"a")]))),
            (section("request", GET), parsing(apart=WRONG)),
            (section("request", GET[:-2]), parsing(parsed=REQUEST)),
            (section("chunk line", b"5"), parsing(parsed=ChunkLine(6, 0))),
            (section("trailers", b"\r\n"), parsing(parsed=TRAILERS)),
            (section("request", GET[:-2]), parsing(parsed=WRONG)),
        ],
        "the_end_is_the_first_empty_line": [
            (section("request", GET), parsing(ends=[len(GET), -1])),
            (section("request", GET[:-2]), parsing(ends=[len(GET) - 2])),
            (section("trailers", b"\n"), parsing(ends=[2])),
        ],
        "offsets_are_inside": [(section("request", b"G@T"), parsing(apart=WRONG))],
    },
}


@pytest.mark.parametrize(
    ("target", "oracle"), [(target, oracle) for target, oracles in FALSE.items() for oracle in oracles]
)
def test_an_oracle_complains_of_an_outcome_that_is_false(target: str, oracle: str) -> None:
    (ask,) = (one for one in TARGETS[target].oracles if one.__name__ == oracle)
    for raw, falsify in FALSE[target][oracle]:
        right = TARGETS[target].run(raw)
        assert list(ask(right)) == []
        assert list(ask(falsify(right)))


def test_every_oracle_has_been_seen_to_complain() -> None:
    assert {target: [*oracles] for target, oracles in FALSE.items()} == {
        name: [oracle.__name__ for oracle in target.oracles] for name, target in TARGETS.items()
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
    cases = [reading.decode(raw) for raw in corpus.inputs("reading")]
    assert {case.role for case in cases} == {"CLIENT", "SERVER"}
    assert {case.policy for case in cases} == set(reading.POLICIES)
    scripts = [sending.decode(raw) for raw in corpus.inputs("sending")]
    assert {letter for played in scripts for letter, _ in played.steps} >= set("QISDEC<.NX>")
    assert {played.given for played in scripts} == set(sending.GIVEN)
    assert {played.policy for played in scripts} == set(sending.POLICIES)


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


def test_the_limits_of_the_case_are_those_of_the_policy() -> None:
    for policy in reading.POLICIES:
        assert attrs.evolve(policy, **reading.SMALL) != policy
