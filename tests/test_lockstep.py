"""h11 and http11 do the same, but where they are meant to differ: see `tests.lockstep`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import h11
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

import http11
from tests.lockstep import DIFFERENCES, LIMIT, Action, File, Maker, Outcome, Pair, Side, UnexplainedError, program

# --- whatever is done ------------------------------------------------------------------------------------------------

randoms: st.SearchStrategy[Random] = st.randoms(use_true_random=False)


class Programs(RuleBasedStateMachine):
    """Whatever is done on a connection of http11, h11 is the model of what comes of it.

    Where they differ as they are meant to, so that nothing can be compared any more, another connection begins.
    """

    pair: Pair
    maker: Maker

    @initialize(role=st.sampled_from(("CLIENT", "SERVER")))
    def connect(self, role: str) -> None:
        self.pair, self.maker = Pair(role), Maker(role)

    def take(self, action: Action) -> None:
        self.pair.take(action)
        if self.pair.over:
            self.connect(self.pair.role)

    @rule(random=randoms)
    def receive(self, random: Random) -> None:
        self.maker.random = random
        ours, theirs = self.pair.states
        self.take(self.maker.receive(ours, theirs, self.pair.unread))

    @rule()
    def read(self) -> None:
        self.take(("next", None))

    @rule(random=randoms, passed=st.booleans())
    def send(self, random: Random, *, passed: bool) -> None:
        self.maker.random = random
        self.take(("pass" if passed else "send", self.maker.event(self.pair.states[0])))

    @precondition(lambda self: self.pair.states[0] == "SEND_BODY")
    @rule(size=st.integers(0, 12))
    def send_a_file(self, size: int) -> None:
        self.take(("pass", ("Data", {"data": File(size)})))

    @rule()
    def start_next_cycle(self) -> None:
        self.take(("cycle", None))

    @precondition(lambda self: self.pair.states == ("DONE", "DONE"))
    @rule()
    def go_on(self) -> None:
        self.take(("cycle", None))

    @rule(really=st.sampled_from((False, False, False, True)))
    def fail(self, *, really: bool) -> None:
        if really:
            self.take(("fail", None))


Programs.TestCase.settings = settings(stateful_step_count=40)
TestPrograms = Programs.TestCase


# Choices of Hypothesis can be made smaller, and are slow; these are many.
MANY, MOST = 4_000, 60_000


def play(seeds: range) -> None:
    unexplained, steps = [], 0
    for seed in seeds:
        try:
            steps += len(program(seed).done)
        except UnexplainedError as found:
            unexplained.append(f"program {seed}\n{found}")
    assert unexplained == []
    # Most of what is compared is compared for long.
    assert steps > 25 * len(seeds)


@pytest.mark.no_cover
def test_programs_that_mostly_make_sense_do_the_same() -> None:
    play(range(MANY))


@pytest.mark.long
def test_many_more_programs_do_the_same() -> None:
    play(range(MANY, MOST))


def test_the_model_is_h11_itself() -> None:
    """And not http11 under its name."""
    assert h11.__version__ == "0.16.0"
    assert h11.Connection.__module__ == "h11._connection"


# --- what is meant to differ ----------------------------------------------------------------------------------------

READ: Action = ("next", None)


def came(*pieces: bytes) -> list[Action]:
    return [action for piece in pieces for action in (("receive", piece), READ)]


def sent(name: str, *fields: tuple[str, str], **more: Any) -> Action:
    if name in ("Request", "Response", "InformationalResponse", "EndOfMessage"):
        more["headers"] = fields
    return ("send", (name, more))


def asks(*fields: tuple[str, str], method: str = "GET", target: str = "/", version: str = "1.1") -> list[Action]:
    return [sent("Request", *fields, method=method, target=target, http_version=version)]


def answers(status: int, *fields: tuple[str, str], **more: Any) -> list[Action]:
    return [sent("InformationalResponse" if status < 200 else "Response", *fields, status_code=status, **more)]


HOST = ("Host", "a")
CHUNKED = ("Transfer-Encoding", "chunked")
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CONNECT = b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"
IN_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

# Each difference, and a program that ends in it.
EXAMPLES: list[tuple[str, str, list[Action]]] = [
    ("a refused CONNECT", "SERVER", [*came(CONNECT + GET), *answers(404)]),
    ("SD-12", "SERVER", [*came(GET), *answers(200, ("TRANSFER-ENCODING", "chunked"), ("X", "y"))]),
    ("SD-6", "SERVER", [*came(GET), *answers(204, CHUNKED)]),
    ("SD-7", "SERVER", [*came(GET), *answers(304, CHUNKED, ("Content-Length", "0"))]),
    ("SD-11", "SERVER", answers(304, CHUNKED, ("Connection", "close"))),
    ("1xx to HTTP/1.0", "SERVER", [*came(GET.replace(b"1.1", b"1.0")), *answers(199)]),
    ("HO-3", "CLIENT", asks(("Host", "a b"))),
    ("HO-5", "CLIENT", asks(HOST, target="http://b/")),
    ("RQ-6", "CLIENT", asks(HOST, target="/#a")),
    ("RQ-9", "CLIENT", asks(HOST, target="a")),
    ("RQ-11", "CLIENT", asks(HOST, method="CONNECT")),
    ("CONNECT has no content", "CLIENT", asks(HOST, ("Content-Length", "1"), method="CONNECT", target="a:1")),
    ("SD-8", "CLIENT", asks(HOST, CHUNKED, ("Content-Length", "1"))),
    ("ST-5", "CLIENT", answers(102, reason="a\x01")),
    ("FD-9", "CLIENT", asks(HOST, ("X", "a\x01b"))),
    ("CH-10", "SERVER", [sent("EndOfMessage", ("Cookie", "a"))]),
    ("ML-1", "CLIENT", asks(HOST, ("Content-Length", "9" * 20))),
    ("ML-8, ML-9", "CLIENT", asks(HOST, ("Transfer-Encoding", "xchunked"))),
    ("ML-12", "CLIENT", asks(HOST, CHUNKED, version="1.0")),
    ("SD-14", "CLIENT", asks(HOST, version="1")),
    ("SD-16", "CLIENT", asks(HOST, ("Expect", "100-continue"))),
    (
        "only our state is touched",
        "CLIENT",
        [*asks(HOST, ("Content-Length", "5"), ("Expect", "100-continue")), sent("EndOfMessage")],
    ),
    (
        "only our state is touched",
        "CLIENT",
        [*asks(HOST), *asks(HOST, method="CONNECT", target="a:1"), *came(b"HTTP/1.1 200 OK\r\n\r\n")],
    ),
    (
        "102 and 103 do not answer",
        "CLIENT",
        [*asks(HOST, ("Content-Length", "5"), ("Expect", "100-continue")), *came(b"HTTP/1.1 103 \r\n\r\n")],
    ),
    ("EX-1", "SERVER", came(GET[:-2] + b"Expect: 100-continue\r\n\r\n")),
    ("Upgrade in HTTP/1.0", "SERVER", [*came(b"GET / HTTP/1.0\r\nUpgrade: x\r\n\r\n"), READ]),
    ("LN-6", "SERVER", came(b":")),
    ("a CR may become CRLF", "CLIENT", came(b"\r")),
    ("LN-5", "CLIENT", [*came(IN_CHUNKS + b"5;x=" + b"y" * LIMIT + b"\r\nhello\r\n"), READ]),
    ("LN-2", "CLIENT", [*came(IN_CHUNKS + b"1;a\rb\r\nx\r\n"), READ]),
    ("FD-11", "SERVER", came(GET[:-2] + b"X: a \r\n b\r\n\r\n")),
    ("the first wrong byte", "SERVER", came(b"GET / HTTP/1.1\r\nHost: a\x00\r\nX: " + b"y" * LIMIT)),
    ("a method is at most 64 bytes", "SERVER", came(b"A" * 65 + b" / HTTP/1.1\r\nHost: a\r\n\r\n")),
    ("HO-1", "SERVER", came(b"GET / HTTP/1.2\r\n\r\n")),
    ("the end of a chunk", "CLIENT", [*came(IN_CHUNKS + b"1\r\nx\r"), READ, READ]),
    ("chunk_start", "CLIENT", [*came(IN_CHUNKS + b"3\r\n"), READ, *came(b"abc")]),
    ("h11 stumbles", "SERVER", [("receive", GET), sent("Data", data=b"x"), READ]),
    ("LN-3", "SERVER", [("receive", b"\r\n"), sent("ConnectionClosed"), READ]),
    ("ML-15", "CLIENT", [*asks(HOST), sent("EndOfMessage"), *came(b"HTTP/1.1 304 \r\nContent-Length: x\r\n\r\n")]),
    ("ML-18", "CLIENT", [*asks(HOST), sent("EndOfMessage"), *came(b"HTTP/1.1 304 \r\n\r\nx"), READ]),
    ("CN-1", "SERVER", [*came(CONNECT.replace(b"1.1", b"1.0")), *came(b"x"), *answers(404), READ]),
    ("extra data", "CLIENT", [("receive", b""), *asks(HOST)]),
]


def differences(role: str, actions: list[Action]) -> list[str]:
    pair = Pair(role)
    for action in actions:
        pair.take(action)
    return [difference.id for difference in pair.met]


@pytest.mark.parametrize(("name", "role", "actions"), EXAMPLES, ids=[example[0] for example in EXAMPLES])
def test_a_difference_that_is_meant_is_recognised_as_what_it_is(name: str, role: str, actions: list[Action]) -> None:
    assert differences(role, actions[:-1]) == []
    assert differences(role, actions) == [name]


# --- what must be found ---------------------------------------------------------------------------------------------


def other_text(outcome: Outcome) -> Outcome:
    return (*outcome[:2], b"other", *outcome[3:]) if outcome[0] == "event" and len(outcome) > 2 else outcome


def other_event(outcome: Outcome) -> Outcome:
    return ("event", "ConnectionClosed") if outcome[:2] == ("event", "EndOfMessage") else outcome


def lost_event(outcome: Outcome) -> Outcome:
    return ("signal", "NEED_DATA") if outcome[:2] == ("event", "EndOfMessage") else outcome


def other_hint(outcome: Outcome) -> Outcome:
    return (*outcome[:2], 418) if outcome[:2] == ("error", "RemoteProtocolError") else outcome


def other_error(outcome: Outcome) -> Outcome:
    return ("error", "TypeError", None) if outcome[:2] == ("error", "LocalProtocolError") else outcome


def other_bytes(outcome: Outcome) -> Outcome:
    return ("bytes", outcome[1].replace(b"HTTP", b"HTTQ")) if outcome[0] == "bytes" and outcome[1] else outcome


def accepted(outcome: Outcome) -> Outcome:
    return ("signal", "NEED_DATA") if outcome[:2] == ("error", "RemoteProtocolError") else outcome


FAULTS = [other_text, other_event, lost_event, other_hint, other_error, other_bytes, accepted]


@pytest.mark.no_cover
@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_in_what_comes_is_taken_for_meant(
    fault: Callable[[Outcome], Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whatever a program does, once."""
    real, faults = Side.take, 0

    def take(self: Side, action: Action) -> Outcome:
        nonlocal faults
        outcome = real(self, action)
        if self.library is not http11 or faults or fault(outcome) == outcome:
            return outcome
        faults += 1
        return fault(outcome)

    monkeypatch.setattr(Side, "take", take)
    found = missed = 0
    for seed in range(300):
        faults = 0
        try:
            pair = program(seed)
        except UnexplainedError:
            found += 1
        else:
            # What is meant to differ may come first, or at the same time.
            missed += faults > 0 and not pair.over
    assert found > 20
    assert missed == 0


@pytest.mark.parametrize("key", ["our_state", "their_state", "version", "waiting", "trailing"])
def test_no_fault_in_a_state_is_taken_for_meant(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Side.state

    def state(self: Side) -> dict[str, Any]:
        said = real(self)
        return {**said, key: "other"} if self.library is http11 and said["their_state"] == "SEND_BODY" else said

    monkeypatch.setattr(Side, "state", state)
    for role, actions in (("SERVER", came(GET[:-2] + b"Content-Length: 5\r\n\r\n")), ("CLIENT", came(IN_CHUNKS))):
        with pytest.raises(UnexplainedError):
            differences(role, actions)


def test_nothing_is_excused_that_does_not_happen() -> None:
    assert [name for name, _, _ in EXAMPLES] == [difference.id for difference in DIFFERENCES]


def test_each_difference_is_on_the_page_for_those_who_come_from_h11() -> None:
    page = (Path(__file__).parent.parent / "docs" / "from-h11.md").read_text("utf-8")
    both = page.partition("## What differs under both policies")[2].partition("## What differs in the interface")[0]
    assert [difference.id for difference in DIFFERENCES if f"\n| {difference.id} |" not in both] == []
