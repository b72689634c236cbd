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

from tests.benchmarks.contenders import BASELINE, CONTENDERS, Contender
from tests.benchmarks.idle import CONNECTIONS, Bytes, State
from tests.benchmarks.measure import Samples, Spread, ratios
from tests.benchmarks.workloads import WORKLOADS, Workload

ROOT: Final = Path(__file__).parent.parent.parent
DATA: Final = ROOT / "docs" / "performance.json"
PLOT: Final = ROOT / "docs" / "performance.svg"
PAGES: Final = (ROOT / "README.md", ROOT / "docs" / "performance.md")

Idle: TypeAlias = Mapping[State, Mapping[str, Bytes]]


@attrs.frozen(kw_only=True)
class Results:
    """All that a run has found."""

    python: str
    machine: str
    rounds: int
    versions: Mapping[str, str]
    missing: Sequence[str]
    samples: Mapping[str, Samples]
    """By workload."""
    idle: Idle

    @classmethod
    def of(
        cls,
        contenders: Sequence[Contender],
        missing: Sequence[str],
        rounds: int,
        samples: Mapping[str, Samples],
        idle: Idle,
    ) -> Results:
        return cls(
            python=f"{platform.python_implementation()} {platform.python_version()}",
            machine=f"{platform.system()} on {platform.machine()}",
            rounds=rounds,
            versions={contender.name: contender.version for contender in contenders},
            missing=missing,
            samples=samples,
            idle=idle,
        )

    @property
    def workloads(self) -> list[Workload]:
        return [workload for workload in WORKLOADS if workload.name in self.samples]

    @property
    def kinds(self) -> list[type[Contender]]:
        return [kind for kind in CONTENDERS if kind.name in self.versions]

    @property
    def has_baseline(self) -> bool:
        return BASELINE in self.versions

    def times(self, workload: str, name: str) -> Spread:
        """Return how many times as fast as h11 a contender is."""
        return Spread.of(ratios(self.samples[workload], BASELINE, name))

    def over_messages(self, name: str) -> tuple[float, float, float] | None:
        """Return the geometric mean, the lowest and the highest of `times`, over the workloads of messages."""
        found = [self.times(workload.name, name).median for workload in self.workloads if workload.message]
        return (statistics.geometric_mean(found), min(found), max(found)) if found else None


# --- data -----------------------------------------------------------------------------------------------------------


def to_json(results: Results) -> str:
    about = {workload.name: workload.about for workload in results.workloads}
    figures = {
        workload: {
            name: {
                "microseconds for each message": attrs.asdict(Spread.of(values)),
                **({f"times as fast as {BASELINE}": attrs.asdict(results.times(workload, name))} if baseline else {}),
            }
            for name, values in samples.items()
        }
        for baseline in (results.has_baseline,)
        for workload, samples in results.samples.items()
    }
    contenders = {
        kind.name: {
            "version": results.versions[kind.name],
            "made of": kind.made_of,
            "leaves out": kind.leaves_out,
            **(_means(results, kind.name) if results.has_baseline else {}),
        }
        for kind in results.kinds
    }
    return json.dumps(
        {
            **attrs.asdict(results, filter=lambda field, _: field.name not in ("samples", "versions")),
            "contenders": contenders,
            "about": about,
            "figures": figures,
            "versions": results.versions,
            "samples": results.samples,
        },
        indent=1,
    )


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


def _cell(results: Results, workload: str, name: str) -> str:
    values = results.samples[workload].get(name)
    if values is None:
        return "-"
    spread = Spread.of(values)
    times = f" **{number(results.times(workload, name).median)}**" if results.has_baseline else ""
    return f"{number(spread.median)} ±{spread.percent:.0f}%{times}"


def workload_table(results: Results) -> str:
    head = ["microseconds for each message", *[kind.name for kind in results.kinds]]
    return table(
        head,
        [
            [workload.name, *[_cell(results, workload.name, kind.name) for kind in results.kinds]]
            for workload in results.workloads
        ],
    )


def idle_table(results: Results) -> str:
    head = [f"bytes for each of {CONNECTIONS:,} idle connections", *[kind.name for kind in results.kinds]]
    sorts: tuple[tuple[State, Literal["resident", "traced"], str], ...] = (
        ("new", "resident", "new"),
        ("kept", "resident", "kept alive behind a browser GET"),
        ("kept", "traced", "of that, from Python's allocators"),
    )
    return table(
        head,
        [
            [words, *[_bytes(results.idle[state].get(kind.name, {}).get(sort)) for kind in results.kinds]]
            for state, sort, words in sorts
            if state in results.idle
        ],
    )


def _bytes(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def summary_table(results: Results) -> str:
    head = ["times as fast as h11", "made of", "geometric mean", "lowest", "highest", "leaves out"]
    rows = []
    for kind in results.kinds:
        means = results.over_messages(kind.name) if results.has_baseline else None
        name = f"{kind.name} {results.versions[kind.name]}"
        figures = ["-"] * 3 if means is None else [number(value) for value in means]
        rows.append([name, kind.made_of, f"**{figures[0]}**", figures[1], figures[2], kind.leaves_out])
    lines = table(head, rows).splitlines()
    lines[1] = "| --- | --- | --: | --: | --: | --- |"
    return "\n".join(lines)


def conditions(results: Results) -> str:
    return (
        f"{results.python}, {results.machine}; {results.rounds} interleaved rounds, medians; "
        "± is half of the distance between the quartiles; bold is how many times as fast as h11, the median of the "
        "rounds' ratios."
    )


def about_list(results: Results) -> str:
    return "\n".join(f"- **{workload.name}**: {workload.about}" for workload in results.workloads)


def sections(results: Results) -> dict[str, str]:
    """Return what stands in the pages, by the words of the markers around it."""
    return {
        "summary": summary_table(results),
        "workloads": f"{workload_table(results)}\n\n{conditions(results)}",
        "idle": idle_table(results),
        "about": about_list(results),
    }


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
    "http11": "#e5484d",
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
_LEFT: Final = 190
_WIDTH: Final = 900
_RIGHT: Final = 30
_TOP: Final = 84
_ROW: Final = 34


def plot(results: Results) -> str:
    """Draw how many times as fast as h11 each contender is, by workload, as SVG."""
    rows = results.workloads
    spreads = {
        (workload.name, kind.name): results.times(workload.name, kind.name)
        for workload in rows
        for kind in results.kinds
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
        '<text class="faint" x="16" y="44">farther right is faster; a dot is pure Python, a ring is compiled</text>',
    ]
    at = 16.0
    for kind in results.kinds:
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
        out.append(f'<text x="{_LEFT - 14}" y="{y + 4:.1f}" text-anchor="end">{escape(workload.name)}</text>')
        out.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        # The last one is drawn over the others: it is ours.
        for kind in reversed(results.kinds):
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
    if kind.made_of == "pure Python":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{colour}"/>'
    return f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="5" stroke="{colour}" stroke-width="2.5"/>'


def in_terminal(results: Results) -> str:
    """Return all tables, as Markdown, which can be read as it is."""
    return "\n\n".join(
        part
        for part in (
            workload_table(results) if results.samples else "",
            conditions(results) if results.samples else "",
            idle_table(results) if results.idle else "",
            summary_table(results),
        )
        if part
    )
