"""The benchmark itself: every engine reads and answers all of every workload, and one that does not is found out."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterable, Sequence
from functools import partial
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import attrs
import pytest

import http11
import http11.parsing
from tests.benchmarks import builds, report, server
from tests.benchmarks.contenders import (
    BASELINE,
    CONTENDERS,
    PEERS,
    Before,
    Compiled,
    Contender,
    H11Like,
    Http11,
    Interpreted,
    Message,
    Transcript,
    installed,
    of_http11,
)
from tests.benchmarks.footprint import ATTRS, import_times
from tests.benchmarks.idle import measured
from tests.benchmarks.measure import DisagreementError, Spread, batches_of, check, measure
from tests.benchmarks.workloads import (
    WORKLOADS,
    Answer,
    Exchange,
    Workload,
    cut,
    download,
    fresh_exchange,
    request_bytes,
)

pytestmark = pytest.mark.no_cover

INSTALLED = Path(http11.__file__).parent.parent
SMALL = [attrs.evolve(workload, connections=min(workload.connections, 2)) for workload in WORKLOADS]
BY_NAME = {workload.name: workload for workload in SMALL}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """Where these tests run on a compiled build, it is one of the contenders."""
    if not builds.is_compiled(http11.parsing):
        return None
    return builds.copied(INSTALLED, tmp_path_factory.mktemp("compiled"))


@pytest.fixture(scope="module")
def contenders(compiled: Path | None) -> list[Contender]:
    found, _ = installed(peer.name for peer in PEERS)
    return [*of_http11(compiled, builds.SOURCE), *found]


@pytest.fixture(scope="module")
def interpreted() -> builds.Build:
    return builds.interpreted()


def wire(workload: Workload) -> list[Exchange]:
    return workload.connections_worth(3)[0]


@pytest.mark.parametrize("workload", SMALL, ids=lambda workload: workload.name)
def test_each_that_can_reads_and_answers_all_of_it(
    workload: Workload, contenders: list[Contender], compiled: Path | None
) -> None:
    samples = measure(workload, contenders, rounds=1)
    able = {contender.name for contender in contenders if workload.name not in contender.cannot}
    assert samples.keys() == able >= {Interpreted.name, Before.name, BASELINE}
    assert (Compiled.name in samples) == (compiled is not None)
    assert all(value > 0 for values in samples.values() for value in values)


CANNOT = [(peer, workload) for peer in PEERS for workload in peer.cannot]


@pytest.mark.parametrize(("peer", "workload"), CANNOT, ids=lambda value: getattr(value, "name", value))
def test_what_a_peer_is_said_not_to_read_it_does_not(peer: type[Contender], workload: str) -> None:
    found, _ = installed([peer.name])
    if not found:
        pytest.skip(f"{peer.name} is not installed")
    (contender,) = found
    (exchange, *_) = wire(BY_NAME[workload])
    # Each has exceptions of its own, and all have this in common.
    with pytest.raises(Exception, match=r".") as refusal:
        contender.serve(contender.tolerant_server(), [exchange])
    assert type(refusal.value).__module__.split(".")[0] == peer.name
    # It is the form that it refuses, not the message.
    plain = attrs.evolve(exchange, pieces=[request_bytes(exchange.ask)])
    found_anyway = contender.serve(contender.tolerant_server(), [plain])
    check(BY_NAME[workload], contender, [plain], found_anyway, None)


def test_only_what_is_tolerant_needs_the_policy(interpreted: builds.Build) -> None:
    contender = Interpreted(interpreted)
    for workload in SMALL:
        if workload.kind == "serve" and workload.name in ("head in bare LF", "folded head"):
            with pytest.raises(interpreted.module.RemoteProtocolError):
                contender.serve(contender.server(), wire(workload))


# --- what arrives ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workload", SMALL, ids=lambda workload: workload.name)
def test_what_arrives_is_the_message_unless_its_form_is_what_is_measured(workload: Workload) -> None:
    for exchange in wire(workload):
        sent = b"".join(exchange.pieces)
        if workload.name == "head in bare LF":
            assert b"\r" not in sent
            assert sent.replace(b"\n", b"\r\n") == request_bytes(exchange.ask)
        elif workload.name == "folded head":
            assert sent.replace(b"\r\n ", b" ") == request_bytes(exchange.ask)
            assert sent.count(b"\r\n ") == 4
        elif workload.kind != "serve":
            assert sent.endswith(b"\r\n\r\n" + exchange.answer.body)
        else:
            assert sent == request_bytes(exchange.ask)


@pytest.mark.parametrize(
    ("workload", "size"),
    [
        ("50-byte GET in 16-byte pieces", 16),
        ("browser GET in 16-byte pieces", 16),
        ("16 chunks, four at a time", 16 * 1024),
        ("head byte by byte", 1),
    ],
)
def test_pieces_are_as_long_as_is_said(workload: str, size: int) -> None:
    for exchange in wire(BY_NAME[workload]):
        assert len(exchange.pieces) > 2
        assert exchange.pieces == cut(b"".join(exchange.pieces), size)


def test_the_50_byte_get_has_50_bytes() -> None:
    for workload in ("50-byte GET in 16-byte pieces", "new connection for each GET"):
        for exchange in wire(BY_NAME[workload]):
            assert len(b"".join(exchange.pieces)) == 50
            assert exchange.answer.status == 204
    assert len(wire(BY_NAME["50-byte GET in 16-byte pieces"])[0].pieces) == 4


def test_each_chunk_comes_alone_with_its_line_and_its_crlfs() -> None:
    for exchange in wire(BY_NAME["16 chunks, each received alone"]):
        start, *chunks, last = exchange.pieces
        assert start.endswith(b"\r\n\r\n")
        assert start.count(b"\r\n\r\n") == 1
        assert last == b"0\r\n\r\n"
        assert len(chunks) == 16
        assert all(chunk.startswith(b"1000\r\n") and chunk.endswith(b"\r\n") for chunk in chunks)
        assert b"".join([chunk[6:-2] for chunk in chunks]) == exchange.ask.body
        assert len(exchange.ask.body) == 16 * 4096


def test_a_new_connection_has_one_request() -> None:
    workload = {workload.name: workload for workload in WORKLOADS}["new connection for each GET"]
    assert {len(exchanges) for exchanges in workload.connections_worth(0)} == {1}
    assert workload.messages == workload.connections


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_a_sample_is_cut_into_batches_of_some_messages(workload: Workload) -> None:
    if workload.name == "16 MiB download":
        workload = attrs.evolve(workload, make=partial(download, size=100))
    connections = workload.connections_worth(0)
    batches = list(batches_of(connections))
    assert [connection for batch in batches for connection in batch] == connections
    sizes = [sum(map(len, batch)) for batch in batches]
    assert sum(sizes) == workload.messages
    # Enough for what it takes to ask for the time not to count.
    assert min(sizes) >= min(20, workload.messages)


def test_what_is_tolerated_and_what_is_no_message_is_not_in_the_mean() -> None:
    left_out = {workload.name for workload in WORKLOADS if workload.tolerant or not workload.message}
    assert left_out == {
        "16 MiB download",
        "new connection for each GET",
        "head in bare LF",
        "folded head",
        "head byte by byte",
    }


# --- who leaves something out ---------------------------------------------------------------------------------------


class _Careless(Http11):
    """Reads all, and then forgets some of it."""

    name = "careless"
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
        ("16 chunks, each received alone", _ForgetsBody),
        ("head in bare LF", _ForgetsField),
        ("folded head", _ForgetsField),
        ("head byte by byte", _ForgetsMessage),
        ("new connection for each GET", _ForgetsField),
    ],
)
def test_who_leaves_out_something_is_found_out(
    workload: str, careless: type[_Careless], interpreted: builds.Build
) -> None:
    with pytest.raises(DisagreementError, match="careless"):
        measure(BY_NAME[workload], [careless(interpreted)], rounds=1)


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
        name = "nobody"
        made_of = leaves_out = ""

        def __init__(self) -> None:
            raise ModuleNotFoundError

    monkeypatch.setattr("tests.benchmarks.contenders.PEERS", [Nobody])
    assert installed(["nobody"]) == ([], ["nobody"])
    assert installed([]) == ([], [])


# --- builds side by side --------------------------------------------------------------------------------------------


def test_builds_share_nothing_and_leave_no_trace(interpreted: builds.Build) -> None:
    before = {name: module for name, module in sys.modules.items() if name.startswith("http11")}
    other = builds.interpreted()
    assert {name: module for name, module in sys.modules.items() if name.startswith("http11")} == before
    assert len({http11.Request, interpreted.module.Request, other.module.Request}) == 3
    assert {module.__name__ for module in other.modules} >= {"http11", "http11.parsing"}
    files = [Path(str(module.__file__)) for module in other.modules]
    assert all(file.is_relative_to(builds.SOURCE) and file.suffix == ".py" for file in files)


def _package(directory: Path, version: str, name: str = "parsing.py") -> Path:
    package = directory / "http11"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f'from http11.parsing import NOTHING\n\n__version__ = "{version}"\n', "utf-8")
    (package / name).write_text("NOTHING = None\n", "utf-8")
    return directory


def test_another_checkout_is_another_build(tmp_path: Path) -> None:
    source = _package(tmp_path / "src", "0.0.1")
    assert builds.sources_of(tmp_path) == builds.sources_of(source) == source
    assert builds.interpreted(source).version == "0.0.1"


def test_a_build_is_never_completed_from_another(tmp_path: Path) -> None:
    source = _package(tmp_path, "0.0.1", "not_parsing.py")
    with pytest.raises(ModuleNotFoundError, match=r"http11\.parsing"):
        builds.interpreted(source)
    with pytest.raises(ModuleNotFoundError, match="http11"):
        builds.interpreted(tmp_path / "nowhere")
    assert sys.modules["http11"] is http11


def test_sources_are_taken_where_something_compiled_lies_beside_them(tmp_path: Path) -> None:
    source = _package(tmp_path, "0.0.1")
    (source / "http11" / f"parsing{EXTENSION_SUFFIXES[0]}").write_bytes(b"no library at all")
    assert builds.interpreted(source).version == "0.0.1"
    with pytest.raises(ImportError):
        builds.compiled(source)


def test_a_wheel_that_is_not_compiled_is_found_out(tmp_path: Path) -> None:
    source = _package(tmp_path / "src", "0.0.1")
    wheel = tmp_path / "http11-0.0.1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in sorted((source / "http11").glob("*.py")):
            archive.write(file, file.relative_to(source))
    with pytest.raises(builds.WrongBuildError, match=r"http11\.parsing in .* is not compiled"):
        builds.compiled(builds.unpacked(wheel, tmp_path / "unpacked"))


def test_a_compiled_build_is_told_from_an_interpreted_one(compiled: Path | None) -> None:
    if compiled is None:
        pytest.skip("http11 is not installed as a compiled build")
    build = builds.compiled(compiled)
    assert build.directory == compiled
    assert any(builds.is_compiled(module) for module in build.modules)
    assert build.module.Request is not http11.Request
    assert builds.compiled(compiled) is build
    with pytest.raises(builds.WrongBuildError, match="imported already"):
        builds.compiled(INSTALLED)


def test_each_has_a_footprint(compiled: Path | None) -> None:
    found = of_http11(compiled)
    for contender in found:
        bytes_of = measured(contender, "kept", connections=20)
        assert 100 < bytes_of["traced"] < 10_000
    times = import_times([*found, *installed([BASELINE])[0]], rounds=1)
    assert times.keys() == {BASELINE, ATTRS, *[contender.name for contender in found]}
    assert times[Interpreted.name][0] > times[ATTRS][0] > 0


# --- figures, tables, pages -----------------------------------------------------------------------------------------


def test_spread_is_made_of_quartiles() -> None:
    assert Spread.of([4, 1, 3, 2, 5]) == Spread(2, 3, 4)
    assert Spread.of([4, 1, 3, 2, 5]).percent == pytest.approx(100 / 3)
    assert Spread.of([7]) == Spread(7, 7, 7)


SAMPLES = {
    "small GET": {Interpreted.name: [5.0, 5.0], Compiled.name: [1.0, 2.0], BASELINE: [10.0, 20.0], "zttp": [2.0, 2.0]},
    "60 fields": {Interpreted.name: [8.0, 8.0], Compiled.name: [2.0, 2.0], BASELINE: [80.0, 80.0], "zttp": [2.0, 2.0]},
    "16 MiB download": {name: [1.0, 1.0] for name in (Interpreted.name, Compiled.name, BASELINE, "zttp")},
    "head in bare LF": {Interpreted.name: [5.0, 5.0], Compiled.name: [5.0, 5.0], BASELINE: [10.0, 10.0]},
}
VERSIONS = {Interpreted.name: "1", Compiled.name: "1", BASELINE: "2", "zttp": "3"}


def results(**changed: Any) -> report.Results:
    given: dict[str, Any] = {
        "python": "CPython 3",
        "machine": "a machine",
        "rounds": 2,
        "versions": VERSIONS,
        "missing": [],
        "samples": SAMPLES,
        "connections": 20,
        "idle": {"new": {BASELINE: {"resident": 900.0, "traced": 800.0}}},
        "imports": {BASELINE: [20.0, 20.0], Interpreted.name: [50.0, 50.0]},
        "wheels": {Compiled.name: 500_000},
    }
    return report.Results(**given | changed)


def test_the_mean_is_over_messages_alone() -> None:
    # 10 times on both of the small GETs, and 40 on the fields; neither the download nor what is tolerated counts.
    means = results().over_messages(Compiled.name)
    assert means is not None
    assert means == pytest.approx((20, 10, 40))
    assert results().over_messages(BASELINE) == (1, 1, 1)


def test_ratios_are_taken_within_a_round() -> None:
    times = results().times("small GET", Interpreted.name)
    assert times is not None
    assert times.median == 3
    distance = results().times("small GET", Compiled.name, "zttp")
    assert distance is not None
    assert distance.median == 1.5


def test_who_cannot_or_was_not_there_is_seen_to_be_left_out() -> None:
    found = results(missing=["http11 compiled"])
    rows = report.tolerant_table(found).splitlines()
    assert [row.split(" | ")[-1] for row in rows if row.startswith("| head in bare LF")] == ["cannot |"]
    assert "zttp refuses a bare LF" in report.tolerant_table(found)
    assert found.over(found.tolerant, "zttp") is None
    assert "Left out, since it was not there: http11 compiled." in report.conditions(found)
    assert "Left out" not in report.conditions(results())


def test_tables_can_be_made_again_from_the_data(tmp_path: Path) -> None:
    found = results()
    text = report.to_json(found)
    assert report.from_json(text) == found
    data = tmp_path / "data.json"
    data.write_text(text, "utf-8")
    sections = report.of_data(data, tmp_path / "none.json")
    assert sections == report.of_data(tmp_path / "none.json", tmp_path / "none.json") | report.sections(found)
    assert "| 60 fields | **10.0** ±0% | **40.0** ±0% | **1.00** ±0% | **40.0** ±0% |" in sections["workloads"]
    page = (
        "<!-- measured: workloads -->\nfrom another run\n<!-- end -->\n<!-- measured: other -->\nkept\n<!-- end -->\n"
    )
    made = report.with_sections(page, sections)
    assert sections["workloads"] in made
    assert "another run" not in made
    assert "kept" in made
    assert report.plot(found).count("<circle") == 4 + 15


def test_an_aim_that_is_missed_says_so() -> None:
    rows = report.aims_table(results()).splitlines()
    assert "| http11 compiled: geometric mean | 11 | 20.0 | yes |" in rows
    assert "| http11 compiled: 16 MiB download | 18 | 1.00 | **no** |" in rows
    assert "| http11 interpreted: lowest under H11 | 1.3 | 2.00 | yes |" in rows
    assert "| http11 compiled: 16 chunks, each received alone | 11 | - | - |" in rows
    # h11-mypyc was not measured.
    assert "| http11 interpreted: lowest, as multiple of h11-mypyc | 1 | - | - |" in rows
    without = {"small GET": SAMPLES["small GET"]}
    assert (
        "| http11 compiled: lowest under H11 | 5 | - | - |" in report.aims_table(results(samples=without)).splitlines()
    )


def test_every_aim_is_about_something_that_is_measured() -> None:
    names = {workload.name for workload in WORKLOADS}
    aims = {aim for of_build in report.AIMS.values() for aim in of_build}
    assert {aim for aim in aims if not aim.startswith(("geometric mean", "lowest"))} <= names
    assert report.AIMS.keys() == {Compiled.name, Interpreted.name}


def test_two_runs_are_put_side_by_side(tmp_path: Path) -> None:
    was = {name: {**samples, Before.name: samples[BASELINE]} for name, samples in SAMPLES.items()}
    one = results(samples=was, versions=VERSIONS | {Before.name: "0"})
    for path, run in ((tmp_path / "1", one), (tmp_path / "2", attrs.evolve(one, python="CPython 4"))):
        path.write_text(report.to_json(run), "utf-8")
    head, _, *rows = report.of_data(tmp_path / "1", tmp_path / "2")["before"].splitlines()
    columns = (Before.name, Interpreted.name, Compiled.name)
    titles = [f"{python}: {name}" for python in ("CPython 3", "CPython 4") for name in columns]
    assert head == f"| times as fast as h11 | {' | '.join(titles)} |"
    assert rows[1] == f"| 60 fields |{' **1.00** ±0% | **10.0** ±0% | **40.0** ±0% |' * 2}"


def test_the_pages_show_what_was_measured() -> None:
    found = report.of_data() | server.of_data()
    for page in report.PAGES:
        text = page.read_text("utf-8")
        assert report.with_sections(text, found) == text
    # Where there are no data, the page says so, and there is no plot.
    assert report.PLOT.exists() == report.DATA.exists()
    shown = "".join(page.read_text("utf-8") for page in report.PAGES)
    assert all(f"<!-- measured: {name} -->" in shown for name in found)


def test_what_was_measured_is_complete() -> None:
    if not report.DATA.exists():
        pytest.skip("nothing has been measured since the engine or the workloads changed")
    kept = report.from_json(report.DATA.read_text("utf-8"))
    assert [workload.name for workload in kept.workloads] == [workload.name for workload in WORKLOADS]
    # Another checkout and another build are measured where they are given.
    given = {Before.name, Compiled.name}
    assert {*kept.versions} - given == {kind.name for kind in CONTENDERS} - given
    assert {*kept.missing} <= given
    assert report.PLOT.read_text("utf-8") == report.plot(kept)


def test_every_contender_says_what_it_leaves_out() -> None:
    kinds: Sequence[type[Contender]] = CONTENDERS
    assert all(kind.made_of and kind.leaves_out for kind in kinds)


def test_a_real_server_answers_with_each_engine(compiled: Path | None) -> None:
    pytest.importorskip("uvicorn")
    pytest.importorskip("httptools")
    directories: dict[server.Engine, Path] = {"http11 interpreted": builds.SOURCE, "http11 before": builds.SOURCE}
    if compiled is not None:
        directories["http11 compiled"] = compiled
    found = server.run(rounds=1, requests=20, connections=4, directories=directories)
    assert found.samples.keys() == set(server.ASKED)
    installed = {engine for engine in ("h11", "httptools", "zttp") if find_spec(engine) is not None}
    assert all(of_name.keys() == {*installed, *directories} for of_name in found.samples.values())
    assert server.from_json(json.dumps(attrs.asdict(found))) == found


def test_a_server_with_another_build_does_not_start() -> None:
    with pytest.raises(builds.WrongBuildError, match="expected http11 before from"):
        server.protocol_on_http11("http11 before", Path("/nowhere"))
