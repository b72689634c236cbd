"""http11, interpreted and compiled, against h11, h11-mypyc, h11r, zttp and httptools, in one process.

    python -m pip install -e . --group bench
    python -m tests.benchmarks --compiled auto                    the tables, in less than six minutes
    python -m tests.benchmarks --compiled auto --quick            the same in about one minute, with fewer samples
    python -m tests.benchmarks --compiled auto --only footprint   idle connections, import time and wheels alone
    python -m tests.benchmarks --compiled auto --docs             write the data, the plot and the pages' tables too

`--compiled auto` builds the wheel first, which takes a minute of its own; `--compiled WHEEL` takes one that is there.
`--before CHECKOUT` measures the sources of another checkout beside these. `--docs --second` is for a run on another
Python: it writes data of its own, and the table that compares the two.

Before anything is timed, and after each batch that is, what every contender has read and written is compared with what
it was given. See `tests.benchmarks.measure` for how it is timed, and `tests.benchmarks.contenders` for what each does.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs

from tests.benchmarks import builds, report
from tests.benchmarks.contenders import BASELINE, PEERS, Compiled, Contender, installed, of_http11
from tests.benchmarks.footprint import Milliseconds, Wheels, import_times, wheels
from tests.benchmarks.idle import CONNECTIONS, Bytes, State, measured
from tests.benchmarks.measure import DisagreementError, Samples, measure
from tests.benchmarks.workloads import WORKLOADS

FOOTPRINT: Final = "footprint"
STATES: Final[tuple[State, ...]] = ("new", "kept")
ROUNDS: Final = 25
QUICK_ROUNDS: Final = 5
QUICK_CONNECTIONS: Final = 2_000


@attrs.frozen(kw_only=True)
class Options:
    rounds: int
    connections: int
    only: list[str]
    peers: list[str]
    compiled: str | None
    pure: str | None
    before: Path | None
    json: Path | None
    plot: Path | None
    docs: bool
    second: bool


def options(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [workload.name for workload in WORKLOADS] + [FOOTPRINT]
    peers = [kind.name for kind in PEERS]
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and fewer idle connections")
    parser.add_argument(
        "--rounds", type=int, help=f"how many samples are taken of each (default: {ROUNDS}, quick: {QUICK_ROUNDS})"
    )
    parser.add_argument("--only", action="append", choices=names, metavar="WORKLOAD", help=f"one of {names}")
    parser.add_argument("--peers", nargs="*", default=peers, choices=peers, metavar="NAME", help=f"of {peers}")
    parser.add_argument("--compiled", metavar="WHEEL|auto", help="where http11 compiled is; auto: build it first")
    parser.add_argument("--pure", metavar="WHEEL|auto", help="a pure wheel, of which the size alone is told")
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="another checkout, or its src")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a plot, as SVG")
    parser.add_argument("--docs", action="store_true", help="write all of it to docs/ and README.md")
    parser.add_argument("--second", action="store_true", help="with --docs: this is the second Python")
    found = parser.parse_args(arguments)
    if found.docs and (found.quick or found.only or found.peers != peers):
        parser.error("--docs needs every workload, every peer, and the time that it takes")
    if found.second and not found.docs:
        parser.error("--second goes with --docs")
    if found.plot and BASELINE not in found.peers:
        parser.error(f"--plot needs {BASELINE}, which the others are compared with")
    return Options(
        rounds=found.rounds or (QUICK_ROUNDS if found.quick else ROUNDS),
        connections=QUICK_CONNECTIONS if found.quick else CONNECTIONS,
        only=found.only or names,
        peers=found.peers,
        compiled=found.compiled,
        pure=found.pure or ("auto" if found.compiled == "auto" else None),
        before=found.before and builds.sources_of(found.before.resolve()),
        json=found.json,
        plot=found.plot,
        docs=found.docs,
        second=found.second,
    )


def tell(text: str) -> None:
    """Show the progress on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def run(given: Options, contenders: Sequence[Contender], missing: Sequence[str], found: Wheels) -> report.Results:
    samples: dict[str, Samples] = {}
    for workload in WORKLOADS:
        if workload.name in given.only:
            samples[workload.name] = measure(workload, contenders, given.rounds, tell)
    idle: dict[State, dict[str, Bytes]] = {}
    imports: Milliseconds = {}
    if FOOTPRINT in given.only:
        for state in STATES:
            tell(f"idle connections: {state}")
            idle[state] = {contender.name: measured(contender, state, given.connections) for contender in contenders}
        tell("import")
        imports = import_times(contenders, given.rounds)
    tell("")
    return report.Results.of(
        contenders,
        missing,
        given.rounds,
        samples,
        connections=given.connections,
        idle=idle,
        imports=imports,
        wheels=found.sizes,
    )


def write(given: Options, results: report.Results) -> None:
    data = (report.SECOND_DATA if given.second else report.DATA) if given.docs else None
    for path in (given.json, data):
        if path is not None:
            path.write_text(report.to_json(results) + "\n", "utf-8")
    for path in (given.plot, report.PLOT if given.docs and not given.second else None):
        if path is not None:
            path.write_text(report.plot(results), "utf-8")
    if given.docs:
        report.write_pages(report.of_data())


def main(arguments: list[str]) -> int:
    given = options(arguments)
    peers, missing = installed(given.peers)
    for name in missing:
        print(f"{name} is left out: it is not installed (python -m pip install --group bench)", file=sys.stderr)
    if given.docs and missing:
        return 1
    if given.compiled is None:
        print(f"{Compiled.name} is left out: --compiled does not say where it is", file=sys.stderr)
        missing = [Compiled.name, *missing]
    if given.compiled == "auto":
        tell("building the wheels")
    try:
        with wheels(given.compiled, given.pure) as found:
            contenders = [*of_http11(found.compiled_directory, given.before), *peers]
            results = run(given, contenders, missing, found)
    except DisagreementError as error:
        print(f"\nthe contenders do not agree, so nothing is compared: {error}", file=sys.stderr)
        return 1
    except builds.WrongBuildError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"\n{error}\n{error.stdout or ''}{error.stderr or ''}", file=sys.stderr)
        return 1
    print(report.in_terminal(results))
    write(given, results)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
