"""What the engine does for a message, counted: the same on every machine, however busy it is.

    python -m tests.benchmarks.counts                   calls and bytecode instructions for each message
    python -m tests.benchmarks.counts --by-function     in which functions the instructions are
    python -m tests.benchmarks.counts --write           keep them as what `tests/test_speed.py` holds the engine to

Counted is what runs in http11 and in what it calls, not in the program that uses it. A call is one of a Python function
or of a built-in one, as `sys.setprofile` sees them. Run it in a process of its own: which instructions CPython 3.11
takes in one step depends on what has run before.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import attrs

from tests.benchmarks import contenders, measure
from tests.benchmarks.contenders import Http11
from tests.benchmarks.measure import Task
from tests.benchmarks.workloads import WORKLOADS, Exchange, Workload, download

if TYPE_CHECKING:
    from _typeshed import TraceFunction

DATA: Final = Path(__file__).parent / "counts.json"
VERSION: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
# Whose instructions are not the engine's: the program that uses it, and we.
_OUTSIDE: Final = frozenset([__file__, contenders.__file__, measure.__file__])

Sort: TypeAlias = Literal["calls", "instructions"]
Counts: TypeAlias = dict[str, dict[Sort, float]]
"""By workload, for each message."""

By: TypeAlias = Counter[str]
"""How much is in which function."""


# --- the counters ---------------------------------------------------------------------------------------------------


def function(code: CodeType) -> str:
    return f"{Path(code.co_filename).stem}.{code.co_qualname}"


@contextmanager
def calls(found: By) -> Iterator[None]:
    def seen(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_filename not in _OUTSIDE:
            found[function(frame.f_code)] += 1
        elif event == "c_call" and frame.f_code.co_filename not in _OUTSIDE:
            found[getattr(argument, "__qualname__", "?")] += 1

    sys.setprofile(seen)
    try:
        yield
    finally:
        sys.setprofile(None)


if sys.version_info >= (3, 12):

    @contextmanager
    def instructions(found: By) -> Iterator[None]:
        monitoring = sys.monitoring

        def seen(code: CodeType, _offset: int) -> object:
            if code.co_filename in _OUTSIDE:
                return monitoring.DISABLE
            found[function(code)] += 1
            return None

        tool, event = monitoring.PROFILER_ID, monitoring.events.INSTRUCTION
        monitoring.use_tool_id(tool, __name__)
        monitoring.register_callback(tool, event, seen)
        monitoring.set_events(tool, event)
        try:
            yield
        finally:
            monitoring.set_events(tool, monitoring.events.NO_EVENTS)
            monitoring.free_tool_id(tool)

else:

    @contextmanager
    def instructions(found: By) -> Iterator[None]:
        def entered(frame: FrameType, _event: str, _argument: object) -> TraceFunction | None:
            if frame.f_code.co_filename in _OUTSIDE:
                return None
            frame.f_trace_opcodes = True
            frame.f_trace_lines = False
            return seen

        def seen(frame: FrameType, event: str, _argument: object) -> TraceFunction:
            if event == "opcode":
                found[function(frame.f_code)] += 1
            return seen

        sys.settrace(entered)
        try:
            yield
        finally:
            sys.settrace(None)


# --- what is counted ------------------------------------------------------------------------------------------------

MEBIBYTE: Final = 1024 * 1024


def _small_download(rng: random.Random) -> Exchange:
    return download(rng, MEBIBYTE)


COUNTED: Final[Mapping[str, Workload]] = {
    workload.name: workload
    for workload in (
        *[workload for workload in WORKLOADS if workload.message],
        Workload(
            name="1 MiB download",
            kind="fetch",
            about="The download, but smaller: 17 pieces.",
            make=_small_download,
            per_connection=1,
            connections=1,
            keep=1,
        ),
    )
}
# Enough for CPython to have settled which instructions it takes in one step.
_WARM_UP: Final = 3
_FEW: Final = 5


def counted(workload: Workload, sort: Sort) -> dict[str, float]:
    """Count what is done for a message of a workload, by function."""
    engine = Http11()
    for seed in range(_WARM_UP):
        Task(workload, engine, workload.connections_worth(seed), workload.keep).act()
    few = attrs.evolve(workload, connections=1, per_connection=min(_FEW, workload.per_connection))
    task = Task(few, engine, few.connections_worth(_WARM_UP), few.keep)
    found: By = Counter()
    with calls(found) if sort == "calls" else instructions(found):
        task.act()
    return {where: number / few.messages for where, number in found.most_common()}


def counts(names: Iterable[str]) -> Counts:
    sorts: tuple[Sort, ...] = get_args(Sort)
    return {name: {sort: round(sum(counted(COUNTED[name], sort).values()), 1) for sort in sorts} for name in names}


def kept() -> dict[str, Counts]:
    """Return what was written, by version of Python."""
    found: dict[str, Counts] = json.loads(DATA.read_text("utf-8"))
    return found


def by_function(names: Iterable[str], most: int = 30) -> str:
    lines: list[str] = []
    for name in names:
        found = counted(COUNTED[name], "instructions")
        total = sum(found.values())
        modules: defaultdict[str, float] = defaultdict(float)
        for where, number in found.items():
            modules[where.split(".")[0]] += number / total * 100
        lines.append(f"{name}: {total:.0f} instructions for each message")
        lines.append(
            ", ".join(
                f"{module} {share:.0f}%"
                for module, share in sorted(modules.items(), key=itemgetter(1), reverse=True)[:8]
            )
        )
        lines += [f"{number:9.1f}  {where}" for where, number in list(found.items())[:most]]
        lines.append("")
    return "\n".join(lines)


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.counts")
    parser.add_argument("--only", action="append", choices=COUNTED, metavar="WORKLOAD", help=f"one of {[*COUNTED]}")
    parser.add_argument("--by-function", action="store_true", help="say in which functions the instructions are")
    parser.add_argument("--write", action="store_true", help="keep the counts, for this version of Python")
    given = parser.parse_args(arguments)
    names: Sequence[str] = given.only or list(COUNTED)
    if given.by_function:
        print(by_function(names))
        return
    found = counts(names)
    print(json.dumps(found, indent=1))
    if given.write:
        before = kept()
        everything = dict(sorted({**before, VERSION: {**before.get(VERSION, {}), **found}}.items()))
        DATA.write_text(json.dumps(everything, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
