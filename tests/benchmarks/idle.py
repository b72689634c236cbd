"""What a connection costs while nothing happens on it: ten thousand of them, in a process of their own.

    python -m tests.benchmarks.idle CONTENDER new|kept

It prints JSON: `resident` is what the process has grown by for each, in bytes, as the kernel says (in pages, so this
one sees what compiled engines allocate for themselves); `traced` is what Python's allocators have handed out for each
(`tracemalloc`, exact, and blind to the rest). A *kept* connection has served the browser's request and awaits the next.
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

from tests.benchmarks.contenders import CONTENDERS, Contender
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


def traced(make: Callable[[], Any], connections: int = CONNECTIONS) -> float:
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


def resident(make: Callable[[], Any]) -> float:
    """Return the bytes that the process has grown by for one connection."""
    held = [None] * (_BEFORE + CONNECTIONS)
    for number in range(_BEFORE):
        held[number] = make()
    gc.collect()
    before = resident_bytes()
    for number in range(_BEFORE, _BEFORE + CONNECTIONS):
        held[number] = make()
    gc.collect()
    return (resident_bytes() - before) / CONNECTIONS


def measured(name: str, state: State) -> Bytes:
    """Measure in a process of its own: a contender must not find room that another has left."""
    command = [sys.executable, "-m", "tests.benchmarks.idle", name, state]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    return cast("Bytes", json.loads(done.stdout))


def main(name: str, state: State) -> None:
    (contender,) = (kind() for kind in CONTENDERS if kind.name == name)
    make = made(contender, state)
    found: Bytes = {}
    if _STATM.exists():
        found["resident"] = resident(make)
    found["traced"] = traced(make)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], cast("State", sys.argv[2]))
