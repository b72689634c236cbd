"""http11 against h11, h11-mypyc, h11r, zttp and httptools, in one process.

    python -m pip install -e . --group bench
    python -m tests.benchmarks            the tables
    python -m tests.benchmarks --docs     and the data, the plot and the pages' tables in docs/ and README.md

Before anything is timed, and behind each timed sample, what every contender has read and written is compared with what
it was given. See `tests.benchmarks.measure` for how it is timed, and `tests.benchmarks.contenders` for what each does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs

from tests.benchmarks import report
from tests.benchmarks.contenders import BASELINE, CONTENDERS, Contender, installed
from tests.benchmarks.idle import Bytes, State, measured
from tests.benchmarks.measure import DisagreementError, Samples, measure
from tests.benchmarks.workloads import WORKLOADS

IDLE: Final = "idle connections"
STATES: Final[tuple[State, ...]] = ("new", "kept")


@attrs.frozen
class Options:
    rounds: int
    only: list[str]
    contenders: list[str]
    json: Path | None
    plot: Path | None
    docs: bool


def options(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [workload.name for workload in WORKLOADS] + [IDLE]
    kinds = [kind.name for kind in CONTENDERS]
    parser.add_argument("--rounds", type=int, default=41, help="how many samples are taken of each (default: 41)")
    parser.add_argument("--only", action="append", choices=names, metavar="WORKLOAD", help=f"one of {names}")
    parser.add_argument("--contenders", nargs="+", default=kinds, choices=kinds, metavar="NAME", help=f"of {kinds}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a plot, as SVG")
    parser.add_argument("--docs", action="store_true", help="write all of it to docs/ and README.md")
    found = parser.parse_args(arguments)
    if found.docs and (found.only or found.contenders != kinds):
        parser.error("--docs needs every workload and every contender")
    if found.plot and BASELINE not in found.contenders:
        parser.error(f"--plot needs {BASELINE}, which the others are compared with")
    return Options(found.rounds, found.only or names, found.contenders, found.json, found.plot, found.docs)


def tell(text: str) -> None:
    """Say how far it has got, to who watches."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def run(given: Options, contenders: Sequence[Contender], missing: Sequence[str]) -> report.Results:
    samples: dict[str, Samples] = {}
    for workload in WORKLOADS:
        if workload.name in given.only:
            samples[workload.name] = measure(workload, contenders, given.rounds, tell)
    idle: dict[State, dict[str, Bytes]] = {}
    if IDLE in given.only:
        for state in STATES:
            tell(f"{IDLE}: {state}")
            idle[state] = {contender.name: measured(contender.name, state) for contender in contenders}
    tell("")
    return report.Results.of(contenders, missing, given.rounds, samples, idle)


def write(given: Options, results: report.Results) -> None:
    for path in (given.json, report.DATA if given.docs else None):
        if path is not None:
            path.write_text(report.to_json(results) + "\n", "utf-8")
    for path in (given.plot, report.PLOT if given.docs else None):
        if path is not None:
            path.write_text(report.plot(results), "utf-8")
    if given.docs:
        report.write_pages(report.sections(results))


def main(arguments: list[str]) -> int:
    given = options(arguments)
    contenders, missing = installed(given.contenders)
    for name in missing:
        print(f"{name} is left out: it is not installed (python -m pip install --group bench)", file=sys.stderr)
    if given.docs and missing:
        return 1
    try:
        results = run(given, contenders, missing)
    except DisagreementError as error:
        print(f"\nthe contenders do not agree, so nothing is compared: {error}", file=sys.stderr)
        return 1
    print(report.in_terminal(results))
    write(given, results)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
