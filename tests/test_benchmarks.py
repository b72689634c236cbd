"""The benchmark itself: http11 gives the answers that it is compared by, and whoever does not is found out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import pytest

from tests.benchmarks import report, server
from tests.benchmarks.contenders import BASELINE, CONTENDERS, Contender, H11Like, Http11, Message, Transcript, installed
from tests.benchmarks.measure import DisagreementError, Spread, measure
from tests.benchmarks.workloads import WORKLOADS, Answer, Exchange, Workload, fresh_exchange

EVERYBODY = [kind.name for kind in CONTENDERS]
SMALL = [attrs.evolve(workload, connections=min(workload.connections, 2)) for workload in WORKLOADS]
BY_NAME = {workload.name: workload for workload in SMALL}


@pytest.mark.parametrize("workload", SMALL, ids=lambda workload: workload.name)
def test_all_that_are_installed_give_the_same_answers(workload: Workload) -> None:
    contenders, _ = installed(EVERYBODY)
    samples = measure(workload, contenders, rounds=1)
    assert samples.keys() == {contender.name for contender in contenders} >= {"http11"}
    assert all(value > 0 for values in samples.values() for value in values)


class _Careless(H11Like):
    """Reads all, and then forgets some of it."""

    name = "careless"
    module = package = "http11"
    made_of = leaves_out = ""

    def serve(self, connection: Any, exchanges: Iterable[Exchange]) -> Transcript:
        messages, written = super().serve(connection, exchanges)
        return [self.forgetful(message) for message in messages], written

    def fetch(self, connection: Any, pieces: Sequence[bytes], keep: int | None = None) -> Message:
        return self.forgetful(super().fetch(connection, pieces, keep))

    def forgetful(self, message: Message) -> Message:
        return message


class _ForgetsField(_Careless):
    def forgetful(self, message: Message) -> Message:
        return (*message[:3], message[3][:-1], message[4])


class _ForgetsBody(_Careless):
    def forgetful(self, message: Message) -> Message:
        return (*message[:4], b"")


class _ForgetsMessage(_Careless):
    def serve(self, connection: Any, exchanges: Iterable[Exchange]) -> Transcript:
        messages, written = super().serve(connection, exchanges)
        return messages[1:], written


class _Silent(_Careless):
    def _answer(self, connection: Any, answer: Answer) -> list[bytes]:
        return super()._answer(connection, answer)[:1]


@pytest.mark.parametrize(
    ("workload", "careless"),
    [
        ("small GET", _ForgetsField),
        ("1 KiB POST", _ForgetsBody),
        ("16 MiB download", _ForgetsBody),
        ("client, API response", _ForgetsField),
        ("round trip, both ends", _ForgetsField),
        ("small GET", _ForgetsMessage),
        ("small GET", _Silent),
    ],
)
def test_who_leaves_out_something_is_found_out(workload: str, careless: type[_Careless]) -> None:
    with pytest.raises(DisagreementError, match="careless"):
        measure(BY_NAME[workload], [careless()], rounds=1)


def test_a_sample_is_the_same_each_time_and_shares_nothing() -> None:
    workload = BY_NAME["browser GET, all different"]
    (one, _), (other, _) = workload.connections_worth(7), workload.connections_worth(7)
    assert one == other
    assert len({value for exchange in one for _, value in exchange.ask.fields}) == 20 * 17
    copy = fresh_exchange(one[0])
    assert copy == one[0]
    assert all(given is not same for given, same in zip(copy.pieces, one[0].pieces, strict=True))


def test_who_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nobody(H11Like):
        name = package = "nobody"
        module = "no_such_module"
        made_of = leaves_out = ""

    monkeypatch.setattr("tests.benchmarks.contenders.CONTENDERS", [Nobody, Http11])
    found, missing = installed(["nobody", "http11"])
    assert [contender.name for contender in found] == ["http11"]
    assert missing == ["nobody"]


def test_spread_is_made_of_quartiles() -> None:
    assert Spread.of([4, 1, 3, 2, 5]) == Spread(2, 3, 4)
    assert Spread.of([4, 1, 3, 2, 5]).percent == pytest.approx(100 / 3)
    assert Spread.of([7]) == Spread(7, 7, 7)


def test_the_pages_show_what_was_measured() -> None:
    results = report.from_json(report.DATA.read_text("utf-8"))
    assert [workload.name for workload in results.workloads] == [workload.name for workload in WORKLOADS]
    assert list(results.versions) == EVERYBODY
    assert BASELINE in results.versions
    found = report.sections(results) | {"server": server.table(server.from_json(server.DATA.read_text("utf-8")))}
    for page in report.PAGES:
        text = page.read_text("utf-8")
        assert report.with_sections(text, found) == text
    assert report.PLOT.read_text("utf-8") == report.plot(results)


def test_every_contender_says_what_it_leaves_out() -> None:
    kinds: Sequence[type[Contender]] = CONTENDERS
    assert all(kind.made_of and kind.leaves_out for kind in kinds)


def test_a_real_server_answers_with_each_engine() -> None:
    pytest.importorskip("uvicorn")
    pytest.importorskip("httptools")
    results = server.run(rounds=1, requests=20, connections=4)
    assert results.samples.keys() == set(server.ASKED)
    assert all(of_name.keys() == {"h11", "http11", "httptools"} for of_name in results.samples.values())
    assert server.from_json(json.dumps(attrs.asdict(results))) == results
