"""The fuzzer's corpus, put before its oracles without the fuzzer; and for each oracle an engine that it must refuse."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, TypeAlias

import attrs
import pytest

from http11 import (
    NEED_DATA,
    SERVER,
    STRICT,
    Connection,
    ConnectionClosed,
    Event,
    Headers,
    Policy,
    RemoteProtocolError,
    Request,
    Role,
    connection,
    errors,
    events,
    framing,
    grammar,
    headers,
    parsing,
    scanning,
    serialization,
    states,
)
from http11.errors import violation
from http11.scanning import Scan
from tests.fuzz import __main__ as command
from tests.fuzz import corpus, reading, sections, sending
from tests.fuzz.targets import TARGETS

LARGEST_CORPUS = 1_000_000
MOST_INPUTS = 500

Patch: TypeAlias = pytest.MonkeyPatch


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


def fail(*_: object, **__: object) -> NoReturn:
    raise KeyError


def same(value: Any, *_: object, **__: object) -> Any:
    return value


def forget_offset(patch: Patch) -> None:
    receive_data = Connection.receive_data

    def receive_at_zero(self: Connection[Role], data: bytes) -> None:
        self._offset = 0
        receive_data(self, data)

    patch.setattr(Connection, "receive_data", receive_at_zero)


def close_once(patch: Patch) -> None:
    next_event = Connection.next_event
    closed: set[int] = set()

    def next_event_once(self: Connection[Role]) -> object:
        event: object = next_event(self)
        if not isinstance(event, ConnectionClosed):
            return event
        again = id(self) in closed
        closed.add(id(self))
        return NEED_DATA if again else event

    patch.setattr(Connection, "next_event", next_event_once)


def pass_over_the_end(patch: Patch) -> None:
    patch.setattr(Connection, "_incomplete", lambda _self, _state: NEED_DATA)


def forget_the_limit(patch: Patch) -> None:
    find = parsing.find_section_end

    def find_more(*args: Any, limit: int, **others: Any) -> int | Scan:
        return find(*args, limit=10 * limit, **others)

    patch.setattr(parsing, "find_section_end", find_more)


def lose_a_byte(patch: Patch) -> None:
    def trailing_data(self: Connection[Role]) -> tuple[bytes, bool]:
        return bytes(self._buffer[self._start + 1 :]), self._closed

    patch.setattr(Connection, "trailing_data", property(trailing_data))


def answer_twice(patch: Patch) -> None:
    move = Connection._move

    def move_and_forget(self: Connection[Role], made: states.Step, blame: type[RemoteProtocolError]) -> None:
        move(self, made, blame)
        if made.move == "Response":
            self._joint = attrs.evolve(self._joint, server="SEND_RESPONSE")

    patch.setattr(Connection, "_move", move_and_forget)


def refuse_tolerated(patch: Patch) -> None:
    parse = parsing.parse_request

    def parse_strictly(head: bytes, policy: Policy) -> Request:
        if policy.tolerant:
            raise violation(RemoteProtocolError, "bad-method", "expected less tolerance")
        return parse(head, policy=policy)

    patch.setattr(parsing, "parse_request", parse_strictly)
    patch.setattr(connection, "parse_usual_request", parse_strictly)


def lose_fields(patch: Patch) -> None:
    patch.setattr(serialization, "_lines", lambda _headers: b"\r\nHost: a")


def send_unchecked(patch: Patch) -> None:
    patch.setattr(Connection, "_counted", lambda _self, payload: len(payload))


def lose_the_last_piece(patch: Patch) -> None:
    pass_through: Callable[..., list[bytes] | None] = Connection.send_with_data_passthrough

    def passed_through(self: Connection[Role], event: Event) -> list[bytes] | None:
        pieces = pass_through(self, event)
        return pieces and pieces[:-1]

    patch.setattr(Connection, "send_with_data_passthrough", passed_through)


def turn_round(patch: Patch) -> None:
    def turned(headers: Headers, *_: object) -> Headers:
        return Headers(headers.raw_items()[::-1])

    patch.setattr(events, "checked_response_fields", turned)


def forget_the_mark(patch: Patch) -> None:
    def scan(*args: Any, **others: Any) -> Scan:
        after = scanning.scan(*args, **others)
        return after._replace(mark=after.at)

    patch.setattr(sections, "scan", scan)


def move_offsets(patch: Patch) -> None:
    def violation_far_away(*args: Any, offset: int, **others: Any) -> RemoteProtocolError:
        error: RemoteProtocolError = violation(*args, offset=offset + 1000, **others)
        return error

    patch.setattr(scanning, "violation", violation_far_away)


def show_all(patch: Patch) -> None:
    wrong = scanning._wrong

    def wrong_since_the_start(*args: Any, since: int, **others: Any) -> RemoteProtocolError:
        return wrong(*args, since=min(since, 0), **others)

    patch.setattr(scanning, "_wrong", wrong_since_the_start)


def setter(owner: object, name: str, value: object) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(owner, name, value)


def stream(
    data: bytes,
    *,
    role: Role = SERVER,
    policy: Policy = STRICT,
    limit: int = 16384,
    closed: bool = True,
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


def script(*steps: bytes, role: Role = SERVER) -> bytes:
    """Spell steps as an input for the target `sending`, with a bar between their parts."""
    return bytes([role != SERVER]) + sending.STEP.join(steps).replace(b"|", sending.PART)


def section(kind: scanning.Scanned, data: bytes, policy: Policy = STRICT) -> bytes:
    """Spell a section as an input for the target `sections`."""
    return bytes([sections.KINDS.index(kind), reading.POLICIES.index(policy), 0]) + data


GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HELLO = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\nrest"
H11 = reading.POLICIES[1]

# What breaks the engine, and an input of which the oracle must then complain.
BROKEN: dict[str, dict[str, tuple[Callable[[Patch], None], bytes]]] = {
    "reading": {
        "only_remote_errors": (setter(parsing, "parse_request", fail), stream(GET)),
        "same_in_any_pieces": (forget_offset, stream(CHUNKED + b"5\r\nhello\r\nfffg")),
        "failed_for_good": (setter(states, "after_error", same), stream(b"G@T")),
        "closed_for_ever": (close_once, stream(GET)),
        "the_end_is_told": (pass_over_the_end, stream(b"GET /")),
        "holds_no_more_than_its_limit": (forget_the_limit, stream(b"GET /" + b"a" * 50, limit=40)),
        "the_rest_is_what_was_not_read": (lose_a_byte, stream(UPGRADE)),
        "errors_are_safe_to_log": (setter(scanning, "byte_name", chr), stream(b"GET\x1b")),
        "errors_keep_secrets": (
            show_all,
            stream(GET.replace(b"\r\n\r\n", b"\r\nAuthorization: SECRET\x01\r\n\r\n")),
        ),
        "events_are_messages": (answer_twice, stream(ANSWER + ANSWER, role="CLIENT")),
        "bodies_are_as_long_as_they_say": (
            setter(framing, "usual_request_length", lambda _request: framing.NO_BODY),
            stream(HELLO),
        ),
        "constructors_make_the_same": (setter(parsing, "check_target", same), stream(GET.replace(b"/", b"a", 1))),
        "poison_is_not_passed_on": (
            setter(connection, "_valid", same),
            stream(GET.replace(b"/", b"/#", 1), policy=H11),
        ),
        "what_is_sent_on_is_read_back": (lose_fields, stream(GET.replace(b"\r\n\r\n", b"\r\nX: y\r\n\r\n"))),
        "tolerance_only_adds": (refuse_tolerated, stream(GET, policy=H11)),
        "an_answer_counts": (setter(states, "not_reusable", same), stream(ANSWER + ANSWER, role="CLIENT")),
        "an_empty_line_may_follow": (
            setter(parsing, "skip_late_empty_lines", lambda _data, start, **_policy: start),
            stream(GET.replace(b"1.1", b"1.0"), closed=False),
        ),
        "the_tolerance_lets_it_in": (
            setter(errors, "TOLERANCES", {"bad-target-form": "bare_lf"}),
            stream(GET.replace(b"/", b"a", 1)),
        ),
    },
    "sending": {
        "only_local_errors": (setter(events, "checked_response_fields", fail), script(b"S200||")),
        "refusals_change_what_they_should": (setter(states, "after_error", same), script(b"Dhello")),
        "nothing_is_sent_in_error": (send_unchecked, script(b"X", b"Dhello")),
        "passthrough_writes_the_same": (lose_the_last_piece, script(b"<" + GET, b"S200||", b"Dhello")),
        "events_can_be_made_again": (turn_round, script(b"S200|||a|b|a|d")),
        "local_errors_are_safe_to_log": (
            setter(headers, "clipped", lambda value: value.decode("latin-1")),
            script(b"S200|||a\r\nb|c"),
        ),
        "what_is_written_is_read_back": (
            setter(grammar, "FIELD_VALUE", re.compile(rb"(?s).*")),
            script(b"<" + GET, b"S200|||a|b\r\nc: d"),
        ),
        "heads_keep_the_rules_of_length": (
            setter(framing, "informational_to_send", same),
            script(b"<" + GET, b"I100|||Content-Length|5"),
        ),
        "a_connection_that_ends_says_so": (
            setter(framing, "_with_close", same),
            script(b"<" + GET.replace(b"1.1", b"1.0"), b"S200|||Content-Length|0", b"E"),
        ),
        "nobody_expects_for_nothing": (
            setter(framing, "expects_continue", lambda _request: False),
            script(b"QGET|/||Host|a|Expect|100-continue", role="CLIENT"),
        ),
        "a_refused_tunnel_is_the_end": (
            setter(Connection, "_may_be_asked_again", lambda _self, _response: True),
            script(b"<CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", b"S407|||Content-Length|0", b"E"),
        ),
        "content_is_refused_for_what_it_is": (
            setter(framing, "why_no_content", lambda *_: None),
            script(b"<" + GET.replace(b"GET", b"HEAD"), b"S200|||Content-Length|5", b"Dhello"),
        ),
    },
    "sections": {
        "only_remote_errors": (setter(parsing, "received_request", fail), section("request", GET)),
        "a_scan_can_be_interrupted": (forget_the_mark, section("request", b"A" * 70)),
        "both_paths_say_the_same": (
            setter(grammar, "REQUEST_HEAD", re.compile(rb"([^ ]++) ([!-~]++) HTTP/(1\.1)\r\n(?:[^\r]++\r\n)*+\r\n")),
            section("request", GET.replace(b"GET", b"G@T")),
        ),
        "the_end_is_the_first_empty_line": (
            setter(grammar, "LENIENT_HEAD_END", re.compile(rb"\r\n\r\n")),
            section("request", GET.replace(b"\r", b""), H11),
        ),
        "offsets_are_inside": (move_offsets, section("request", b"G@T")),
    },
}


def complaining(target: str, raw: bytes) -> set[str]:
    return {oracle for oracle, _ in TARGETS[target].complaints(raw)}


@pytest.mark.parametrize(
    ("target", "oracle"), [(target, oracle) for target, oracles in BROKEN.items() for oracle in oracles]
)
def test_an_oracle_sees_an_engine_that_is_broken(target: str, oracle: str, monkeypatch: Patch) -> None:
    break_engine, raw = BROKEN[target][oracle]
    assert complaining(target, raw) == set()
    break_engine(monkeypatch)
    assert oracle in complaining(target, raw)


def test_every_oracle_has_been_seen_to_complain() -> None:
    assert {target: [*oracles] for target, oracles in BROKEN.items()} == {
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


def test_what_shows_nothing_new_is_not_kept() -> None:
    def shown(raw: bytes) -> Iterable[object]:
        return set(raw)

    found = [b"ab", b"a", b"ba", b"abc", b"cc"]
    assert list(corpus.minimized([], found, shown)) == [b"a", b"ab", b"cc"]
    assert list(corpus.minimized([b"abc", b"ca"], found, shown)) == [b"ca", b"abc"]


def test_the_arcs_of_the_engine_are_seen() -> None:
    with corpus.tracing() as few:
        parsing.parse_request(GET)
    with corpus.tracing() as many:
        parsing.parse_request(GET.replace(b"Host: a", b"Host: a\r\nContent-Length: 5, 5"), policy=H11)
    assert few
    assert many - few


def test_without_a_fuzzer_it_says_what_to_install(monkeypatch: Patch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(command, "find_spec", lambda _name: None)
    assert command.main(["--minutes", "0"]) == 2
    assert "pip install --group fuzz" in capsys.readouterr().err


def test_the_limits_of_the_case_are_those_of_the_policy() -> None:
    for policy in reading.POLICIES:
        assert attrs.evolve(policy, **reading.SMALL) != policy
