"""What a connection costs while nothing happens on it: thousands of them, in a process of their own.

    python -m tests.benchmarks.idle CONTENDER new|kept CONNECTIONS [DIRECTORY]

The directory is where a build of http11 lies. It prints JSON: `resident` is what the process has grown by for each, in
bytes, as the kernel says (in pages, so this one sees what compiled engines allocate for themselves); `traced` is what
Python's allocators have handed out for each (`tracemalloc`, exact, and blind to the rest). A *kept* connection has
served the browser's request and awaits the next.
"""

from __future__ import annotations

import gc
import json
import os
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast

from tests.benchmarks.builds import ROOT
from tests.benchmarks.contenders import Contender, Http11, named
from tests.benchmarks.workloads import browser_get

CONNECTIONS: Final = 10_000
# Made first, so that what an allocator has in reserve is used up.
_BEFORE: Final = 1_000
_STATM: Final = Path("/proc/self/statm")

State: TypeAlias = Literal["new", "kept"]
Bytes: TypeAlias = dict[Literal["resident", "traced"], float]


def made(contender: Contender, state: State) -> Callable[[], Any]:
    if state == "new":
        return contender.server
    exchange = browser_get(random.Random(0))

    def kept() -> Any:
        connection = contender.server()
        contender.serve(connection, [exchange])
        contender.settle(connection)
        return connection

    return kept


def resident_bytes() -> int:
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def traced(make: Callable[[], Any], connections: int) -> float:
    """Return the bytes that Python has allocated for one connection."""
    make()
    gc.collect()
    tracemalloc.start()
    try:
        held = [None] * connections
        before = tracemalloc.get_traced_memory()[0]
        for number in range(connections):
            held[number] = make()
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / connections
    finally:
        tracemalloc.stop()


def resident(make: Callable[[], Any], connections: int) -> float:
    """Return the bytes that the process has grown by for one connection."""
    held = [None] * (_BEFORE + connections)
    for number in range(_BEFORE):
        held[number] = make()
    gc.collect()
    before = resident_bytes()
    for number in range(_BEFORE, _BEFORE + connections):
        held[number] = make()
    gc.collect()
    return (resident_bytes() - before) / connections


def measured(contender: Contender, state: State, connections: int = CONNECTIONS) -> Bytes:
    """Measure in a process of its own: a contender must not find room that another has left."""
    command = [sys.executable, "-m", "tests.benchmarks.idle", contender.name, state, str(connections)]
    if isinstance(contender, Http11):
        command.append(str(contender.directory))
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300, cwd=ROOT)
    return cast("Bytes", json.loads(done.stdout))


def main(name: str, state: State, connections: int, directory: Path | None) -> None:
    make = made(named(name, directory), state)
    found: Bytes = {}
    if _STATM.exists():
        found["resident"] = resident(make, connections)
    found["traced"] = traced(make, connections)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], cast("State", sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]) if sys.argv[4:] else None)
