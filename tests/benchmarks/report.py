"""What was measured, as data, as tables and as a plot."""

from __future__ import annotations

import json
import math
import platform
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias
from xml.sax.saxutils import escape

import attrs

from tests.benchmarks.builds import ROOT
from tests.benchmarks.contenders import BASELINE, BUILDS, CONTENDERS, PEERS, Before, Compiled, Contender, Interpreted
from tests.benchmarks.footprint import ATTRS, Milliseconds
from tests.benchmarks.idle import Bytes, State
from tests.benchmarks.measure import Samples, Spread, ratios
from tests.benchmarks.workloads import WORKLOADS, Workload

DATA: Final = ROOT / "docs" / "performance.json"
SECOND_DATA: Final = ROOT / "docs" / "performance-second.json"
PLOT: Final = ROOT / "docs" / "performance.svg"
PAGES: Final = (ROOT / "README.md", ROOT / "docs" / "performance.md")
# In times as fast as h11: the geometric mean over messages, the least on each of them, and what is aimed at on some.
AIMS: Final[Mapping[str, Mapping[str, float]]] = {
    "http11 compiled": {
        "geometric mean": 11,
        "lowest": 8.5,
        "16 chunks, each received alone": 11,
        "16 MiB download": 18,
        "lowest under H11": 5,
    },
    "http11 interpreted": {
        "geometric mean": 3.6,
        "lowest": 2.5,
        "16 MiB download": 6,
        "lowest, as multiple of h11-mypyc": 1,
        "lowest under H11": 1.3,
    },
}
NOT_MEASURED: Final = "*Not measured yet.*"

Idle: TypeAlias = Mapping[State, Mapping[str, Bytes]]


@attrs.frozen(kw_only=True)
class Results:
    """All that a run has found."""

    python: str
    machine: str
    rounds: int
    versions: Mapping[str, str]
    missing: Sequence[str]
    """Contenders that were not there to be measured."""
    samples: Mapping[str, Samples]
    """By workload."""
    connections: int
    """How many were idle."""
    idle: Idle
    imports: Milliseconds
    wheels: Mapping[str, int]
    """Their sizes in bytes."""

    @classmethod
    def of(
        cls,
        contenders: Sequence[Contender],
        missing: Sequence[str],
        rounds: int,
        samples: Mapping[str, Samples],
        *,
        connections: int = 0,
        idle: Idle | None = None,
        imports: Milliseconds | None = None,
        wheels: Mapping[str, int] | None = None,
    ) -> Results:
        return cls(
            python=f"{platform.python_implementation()} {platform.python_version()}",
            machine=f"{platform.system()} on {platform.machine()}",
            rounds=rounds,
            versions={contender.name: contender.version for contender in contenders},
            missing=missing,
            samples=samples,
            connections=connections,
            idle=idle or {},
            imports=imports or {},
            wheels=wheels or {},
        )

    @property
    def workloads(self) -> list[Workload]:
        return [workload for workload in WORKLOADS if workload.name in self.samples]

    @property
    def strict(self) -> list[Workload]:
        return [workload for workload in self.workloads if not workload.tolerant]

    @property
    def tolerant(self) -> list[Workload]:
        return [workload for workload in self.workloads if workload.tolerant]

    @property
    def kinds(self) -> list[type[Contender]]:
        return [kind for kind in CONTENDERS if kind.name in self.versions]

    @property
    def has_baseline(self) -> bool:
        return BASELINE in self.versions

    def times(self, workload: str, name: str, baseline: str = BASELINE) -> Spread | None:
        """Return how many times as fast as h11, or as another, a contender is; `None` if one has no samples of that."""
        samples = self.samples.get(workload, {})
        if name not in samples or baseline not in samples:
            return None
        return Spread.of(ratios(samples, baseline, name))

    def over(self, workloads: Sequence[Workload], name: str, baseline: str = BASELINE) -> list[float] | None:
        """Return the medians of `times` over some workloads, if there is one for each."""
        found = [self.times(workload.name, name, baseline) for workload in workloads]
        medians = [times.median for times in found if times is not None]
        return medians if medians and len(medians) == len(found) else None

    def over_messages(self, name: str) -> tuple[float, float, float] | None:
        """Return the geometric mean, the lowest and the highest of `times`, over the workloads that count in it."""
        found = self.over([workload for workload in self.strict if workload.message], name)
        return None if found is None else (statistics.geometric_mean(found), min(found), max(found))


# --- data -----------------------------------------------------------------------------------------------------------


def to_json(results: Results) -> str:
    figures = {
        workload: {
            name: {
                "microseconds for each message": attrs.asdict(Spread.of(values)),
                **({f"times as fast as {BASELINE}": attrs.asdict(times)} if times else {}),
            }
            for name, values in samples.items()
            for times in (results.times(workload, name),)
        }
        for workload, samples in results.samples.items()
    }
    contenders = {
        kind.name: {
            "version": results.versions[kind.name],
            "made of": kind.made_of,
            "leaves out": kind.leaves_out,
            "cannot read": kind.cannot,
            **_means(results, kind.name),
        }
        for kind in results.kinds
    }
    text = json.dumps(
        {
            **attrs.asdict(results, filter=lambda field, _: field.name not in ("samples", "versions")),
            "contenders": contenders,
            "about": {workload.name: workload.about for workload in results.workloads},
            "figures": figures,
            "versions": results.versions,
            "samples": results.samples,
        },
        indent=1,
    )
    # A line for each list of numbers, not for each number.
    return re.sub(r"\[[-\d.,\s]+\]", lambda found: re.sub(r"\s+", " ", found[0]), text)


def _means(results: Results, name: str) -> dict[str, float]:
    means = results.over_messages(name)
    return {} if means is None else dict(zip(("geometric mean", "lowest", "highest"), means, strict=True))


def from_json(text: str) -> Results:
    """Read what `to_json` has written: the tables can be made again from it."""
    found = json.loads(text)
    return Results(**{field.name: found[field.name] for field in attrs.fields(Results)})


# --- tables ---------------------------------------------------------------------------------------------------------


def number(value: float) -> str:
    """Return `value` in three digits, or all of them before the point."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_CANNOT: Final = "cannot"


def _times(spread: Spread | None) -> str:
    return _CANNOT if spread is None else f"**{number(spread.median)}** ±{spread.percent:.0f}%"


def _times_table(results: Results, workloads: Sequence[Workload], mean: str) -> str:
    """Return how many times as fast as h11 each is, and the geometric mean over what counts in it."""
    kinds = results.kinds
    counted = [workload for workload in workloads if workload.message]
    rows = [
        [workload.name, *[_times(results.times(workload.name, kind.name)) for kind in kinds]] for workload in workloads
    ]
    means = [mean]
    for kind in kinds:
        found = results.over(counted, kind.name)
        means.append("-" if found is None else f"**{number(statistics.geometric_mean(found))}**")
    return table([f"times as fast as {BASELINE}", *[kind.name for kind in kinds]], [*rows, means])


MEAN: Final = "geometric mean, without the download and the new connection"


def workload_table(results: Results) -> str:
    if not results.has_baseline:
        return microseconds_table(results, results.strict)
    return _times_table(results, results.strict, MEAN)


def microseconds_table(results: Results, workloads: Sequence[Workload]) -> str:
    def cell(workload: Workload, kind: type[Contender]) -> str:
        values = results.samples[workload.name].get(kind.name)
        if values is None:
            return _CANNOT
        spread = Spread.of(values)
        return f"{number(spread.median)} ±{spread.percent:.0f}%"

    return table(
        ["microseconds for each message", *[kind.name for kind in results.kinds]],
        [[workload.name, *[cell(workload, kind) for kind in results.kinds]] for workload in workloads],
    )


def tolerant_table(results: Results) -> str:
    if not results.has_baseline:
        return microseconds_table(results, results.tolerant)
    found = _times_table(results, results.tolerant, "geometric mean")
    reasons = [
        f"{kind.name} {reason}"
        for kind in results.kinds
        for workload, reason in kind.cannot.items()
        if workload in results.samples
    ]
    return f"{found}\n\n{'; '.join(reasons)}." if reasons else found


def distance_table(results: Results) -> str:
    """Return how far http11 is from each peer."""
    builds = [kind for kind in results.kinds if kind in (Interpreted, Compiled)]
    peers = [kind for kind in results.kinds if kind in PEERS and kind.name != BASELINE]
    counted = [workload for workload in results.strict if workload.message]

    def cell(workloads: Sequence[Workload], build: type[Contender], peer: type[Contender]) -> str:
        found = results.over(workloads, build.name, peer.name)
        return "-" if found is None else number(statistics.geometric_mean(found))

    head = ["times as fast as", *[f"{peer.name}: {build.name}" for peer in peers for build in builds]]
    rows = [
        [workload.name, *[cell([workload], build, peer) for peer in peers for build in builds]]
        for workload in results.strict
    ]
    return table(head, [*rows, [MEAN, *[cell(counted, build, peer) for peer in peers for build in builds]]])


def before_table(runs: Sequence[Results]) -> str:
    """Return how fast http11 was and is, on each Python that was measured."""
    columns = [(run, kind) for run in runs for kind in (Before, Interpreted, Compiled) if kind in run.kinds]
    workloads = [workload for workload in WORKLOADS if all(workload.name in run.samples for run in runs)]

    def rows(name: str, *, tolerant: bool) -> list[list[str]]:
        return [
            [name.format(workload.name), *[_times(run.times(workload.name, kind.name)) for run, kind in columns]]
            for workload in workloads
            if workload.tolerant == tolerant
        ]

    means = [MEAN]
    for of_run, kind in columns:
        over = of_run.over_messages(kind.name)
        means.append("-" if over is None else f"**{number(over[0])}**")
    head = ["times as fast as h11", *[f"{run.python}: {kind.name}" for run, kind in columns]]
    found = table(head, [*rows("{}", tolerant=False), means, *rows("under H11: {}", tolerant=True)])
    return f"{found}\n\n{_rounds_of(runs)}"


def _rounds_of(runs: Sequence[Results]) -> str:
    return "; ".join(f"{run.python}, {run.rounds} rounds" for run in runs) + "."


def idle_table(results: Results) -> str:
    head = [f"bytes for each of {results.connections:,} idle connections", *[kind.name for kind in results.kinds]]
    sorts: tuple[tuple[State, Literal["resident", "traced"], str], ...] = (
        ("new", "resident", "new"),
        ("kept", "resident", "kept alive after a browser GET"),
        ("kept", "traced", "of that, from Python's allocators"),
    )
    return table(
        head,
        [
            [words, *[_count(results.idle[state].get(kind.name, {}).get(sort)) for kind in results.kinds]]
            for state, sort, words in sorts
            if state in results.idle
        ],
    )


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def footprint_table(results: Results) -> str:
    def spent(name: str) -> str:
        if name not in results.imports:
            return "-"
        spread = Spread.of(results.imports[name])
        return f"{number(spread.median)} ±{spread.percent:.0f}%"

    names = [*[kind.name for kind in results.kinds if kind in BUILDS or kind.name == BASELINE], ATTRS]
    return table(
        ["", *names],
        [
            ["milliseconds of the processor to import it, with what it needs", *map(spent, names)],
            ["bytes of its wheel", *[_count(results.wheels.get(name)) for name in names]],
        ],
    )


def summary_table(results: Results) -> str:
    head = ["times as fast as h11", "made of", "geometric mean", "lowest", "highest", "leaves out"]
    rows = []
    for kind in (kind for kind in results.kinds if kind is not Before):
        means = results.over_messages(kind.name)
        name = f"{kind.name} {results.versions[kind.name]}"
        figures = ["-"] * 3 if means is None else [number(value) for value in means]
        rows.append([name, kind.made_of, f"**{figures[0]}**", figures[1], figures[2], kind.leaves_out])
    lines = table(head, rows).splitlines()
    lines[1] = "| --- | --- | --: | --: | --: | --- |"
    return "\n".join(lines)


def _found(results: Results, name: str, aim: str) -> float | None:
    """Return what an aim is compared with."""
    counted = [workload for workload in results.strict if workload.message]
    if aim == "geometric mean":
        found = results.over(counted, name)
        return statistics.geometric_mean(found) if found else None
    if not aim.startswith("lowest"):
        times = results.times(aim, name)
        return times.median if times else None
    baseline = "h11-mypyc" if aim.endswith("h11-mypyc") else BASELINE
    found = results.over(results.tolerant if aim.endswith("under H11") else counted, name, baseline)
    return min(found) if found else None


def aims_table(results: Results) -> str:
    rows = []
    for name, aims in AIMS.items():
        for aim, wanted in aims.items():
            found = _found(results, name, aim)
            reached = "-" if found is None else "yes" if found >= wanted else "**no**"
            rows.append([f"{name}: {aim}", f"{wanted:g}", "-" if found is None else number(found), reached])
    return table(["times as fast as h11", "aim", "measured", "reached"], rows)


def conditions(results: Results) -> str:
    missing = f" Left out, since it was not there: {', '.join(results.missing)}." if results.missing else ""
    return (
        f"{results.python}, {results.machine}; {results.rounds} interleaved rounds. Bold is the median of the rounds' "
        f"ratios to {BASELINE}, and ± half of the distance between the quartiles.{missing}"
    )


def about_list(workloads: Iterable[Workload]) -> str:
    return "\n".join(f"- **{workload.name}**: {workload.about}" for workload in workloads)


def sections(results: Results) -> dict[str, str]:
    """Return what one run puts into the pages, by the words of the markers around it."""
    return {
        "plot": f"![How many times as fast as h11 each engine is, by workload]({PLOT.name})",
        "summary": summary_table(results),
        "aims": aims_table(results),
        "workloads": f"{workload_table(results)}\n\n{conditions(results)}",
        "microseconds": microseconds_table(results, results.workloads),
        "tolerant": tolerant_table(results),
        "distance": distance_table(results),
        "idle": idle_table(results),
        "footprint": footprint_table(results),
        "about": about_list(results.strict),
        "about-tolerant": about_list(results.tolerant),
    }


def of_data(data: Path = DATA, second: Path = SECOND_DATA) -> dict[str, str]:
    """Return the sections as the data has them; what has not been measured says so."""
    runs = [from_json(path.read_text("utf-8")) for path in (data, second) if path.exists()]
    found = dict.fromkeys(
        [
            "plot",
            "summary",
            "aims",
            "workloads",
            "microseconds",
            "tolerant",
            "distance",
            "idle",
            "footprint",
            "before",
        ],
        NOT_MEASURED,
    )
    found["about"] = about_list(workload for workload in WORKLOADS if not workload.tolerant)
    found["about-tolerant"] = about_list(workload for workload in WORKLOADS if workload.tolerant)
    if data.exists():
        found |= sections(runs[0])
    if any(Before in run.kinds for run in runs) or len(runs) > 1:
        found["before"] = before_table(runs)
    return found


def with_sections(page: str, found: Mapping[str, str]) -> str:
    """Return a page with what stands between its markers replaced."""

    def replaced(match: re.Match[str]) -> str:
        text = found.get(match[1])
        return match[0] if text is None else f"<!-- measured: {match[1]} -->\n{text}\n<!-- end -->"

    return re.sub(r"<!-- measured: ([a-z-]+) -->\n.*?<!-- end -->", replaced, page, flags=re.DOTALL)


def write_pages(found: Mapping[str, str]) -> None:
    for path in PAGES:
        path.write_text(with_sections(path.read_text("utf-8"), found), "utf-8")


# --- the plot -------------------------------------------------------------------------------------------------------

# Legible on white and on black.
_COLOURS: Final[Mapping[str, str]] = {
    "http11 interpreted": "#e5484d",
    "http11 compiled": "#e5484d",
    "h11": "#80828d",
    "h11-mypyc": "#d6860b",
    "h11r": "#4a74f0",
    "zttp": "#2b9a66",
    "httptools": "#9a5fd0",
}
_STYLE: Final = """
text { font: 13px system-ui, sans-serif; fill: #1c2024; }
.faint { fill: #60646c; font-size: 12px; }
.grid { stroke: #d9d9e0; }
.one { stroke: #80828d; }
.ring { fill: #ffffff; }
.paper { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
  text { fill: #edeef0; }
  .faint { fill: #b0b4ba; }
  .grid { stroke: #363a3f; }
  .ring, .paper { fill: #18191b; }
}
"""
_LEGEND: Final = "farther right is faster; a dot is interpreted, a ring is compiled; * under the policy H11"
_LEFT: Final = 230
_WIDTH: Final = 900
_RIGHT: Final = 30
_TOP: Final = 84
_ROW: Final = 34


def plot(results: Results) -> str:
    """Draw how many times as fast as h11 each contender is, by workload, as SVG."""
    rows = results.workloads
    kinds = [kind for kind in results.kinds if kind is not Before]
    spreads = {
        (workload.name, kind.name): spread
        for workload in rows
        for kind in kinds
        for spread in (results.times(workload.name, kind.name),)
        if spread is not None
    }
    least = 0.9 * min(0.5, *[spread.low for spread in spreads.values()])
    most = max(2.0, *[spread.high for spread in spreads.values()])
    span = math.log(most * 1.1) - math.log(least)

    def across(times: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (math.log(times) - math.log(least)) / span

    bottom = _TOP + _ROW * len(rows)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {bottom + 34}" role="img">',
        "<title>How many times as fast as h11</title>",
        f"<style>{_STYLE}</style>",
        '<rect class="paper" width="100%" height="100%"/>',
        f'<text x="16" y="26" font-weight="600">How many times as fast as h11 ({escape(results.python)})</text>',
        f'<text class="faint" x="16" y="44">{_LEGEND}</text>',
    ]
    at = 16.0
    for kind in kinds:
        out.append(_mark(at + 6, 62, kind))
        out.append(f'<text x="{at + 18:.0f}" y="66">{kind.name}</text>')
        at += 44 + 8 * len(kind.name)
    for tick in (0.25, 0.5, 1, 2, 5, 10, 20, 50, 100):
        if least <= tick <= most * 1.1:
            x = f"{across(tick):.1f}"
            style = "one" if tick == 1 else "grid"
            out.append(f'<line class="{style}" x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}"/>')
            out.append(f'<text class="faint" x="{x}" y="{bottom + 20}" text-anchor="middle">{tick:g}</text>')
    for row, workload in enumerate(rows):
        y = _TOP + _ROW * row + _ROW / 2
        name = f"{workload.name} *" if workload.tolerant else workload.name
        out.append(f'<text x="{_LEFT - 14}" y="{y + 4:.1f}" text-anchor="end">{escape(name)}</text>')
        out.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        # The last one is drawn over the others: it is ours.
        for kind in reversed(kinds):
            if (workload.name, kind.name) not in spreads:
                continue
            spread = spreads[workload.name, kind.name]
            colour = _COLOURS[kind.name]
            out.append(
                f'<line stroke="{colour}" stroke-width="3" x1="{across(spread.low):.1f}" '
                f'x2="{across(spread.high):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
            )
            out.append(_mark(across(spread.median), y, kind))
    out.append("</svg>\n")
    return "\n".join(out)


def _mark(x: float, y: float, kind: type[Contender]) -> str:
    colour = _COLOURS[kind.name]
    if not kind.compiled:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{colour}"/>'
    return f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="5" stroke="{colour}" stroke-width="2.5"/>'


def in_terminal(results: Results) -> str:
    """Return all tables, as Markdown, which can be read as it is."""
    parts = []
    if results.strict:
        parts.append(workload_table(results))
    if results.tolerant:
        parts += ["Under the policy H11:", tolerant_table(results)]
    if results.samples:
        parts += [microseconds_table(results, results.workloads), conditions(results)]
    if results.strict and results.has_baseline:
        parts.append(distance_table(results))
    if results.idle:
        parts.append(idle_table(results))
    if results.imports:
        parts.append(footprint_table(results))
    if results.strict and results.has_baseline:
        parts.append(summary_table(results))
    return "\n\n".join(parts)
