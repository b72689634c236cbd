"""The corpus: for each target the inputs that, each in turn, add something to what the others show.

What an input shows is which line of the engine followed which, and the features of its outcome. So the choice depends
neither on a fuzzer nor on its instrumentation.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final, TypeAlias

import http11

FOLDER: Final = Path(__file__).parent / "corpus"
_ENGINE: Final = str(Path(http11.__file__).parent)

Arc: TypeAlias = tuple[CodeType, int, int]
"""A step from one line of a function to another."""


def inputs(target: str) -> list[bytes]:
    """Return the committed inputs of a target."""
    return [path.read_bytes() for path in sorted((FOLDER / target).iterdir())]


def store(target: str, kept: Iterable[bytes]) -> None:
    """Make `kept` the committed inputs of a target."""
    folder = FOLDER / target
    folder.mkdir(parents=True, exist_ok=True)
    names = {hashlib.sha256(raw).hexdigest()[:16]: raw for raw in kept}
    for path in folder.iterdir():
        if path.name not in names:
            path.unlink()
    for name, raw in names.items():
        (folder / name).write_bytes(raw)


@contextmanager
def tracing() -> Iterator[set[Arc]]:
    """Return the arcs that are taken in the engine meanwhile."""
    arcs: set[Arc] = set()

    def on_call(frame: FrameType, _event: str, _arg: Any) -> Any:
        if not frame.f_code.co_filename.startswith(_ENGINE):
            return None
        last = 0

        def on_line(frame: FrameType, event: str, _arg: Any) -> Any:
            nonlocal last
            if event in ("line", "return"):
                line = frame.f_lineno if event == "line" else 0
                arcs.add((frame.f_code, last, line))
                last = line
            return on_line

        return on_line

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        yield arcs
    finally:
        sys.settrace(before)


def minimized(
    known: Iterable[bytes], found: Iterable[bytes], shown: Callable[[bytes], Iterable[object]]
) -> Iterator[bytes]:
    """Yield those inputs that show what none before them has; `shown` tells what else than arcs that may be.

    What is known goes first, so that the corpus changes no more than it must; of the others the shorter ones do.
    """
    seen: set[object] = set()
    known, found = set(known), set(found)
    for group in (known, found - known):
        for raw in sorted(group, key=lambda raw: (len(raw), raw)):
            with tracing() as arcs:
                new = {*shown(raw)}
            new |= arcs
            if not new <= seen:
                seen |= new
                yield raw
