"""What a build of http11 costs before any connection is made: the time to import it, and the size of its wheel.

An import is timed in a process of its own, in processor time, with its bytecode in place, from a Python that has
imported nothing of what is imported; what it needs (attrs) counts. Rounds are interleaved.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

import attrs

from tests.benchmarks import builds
from tests.benchmarks.contenders import BASELINE, Compiled, Contender, Http11, Interpreted

ATTRS: Final = "attrs alone"
_TIMED: Final = """
import sys, time
begin = time.process_time_ns()
import {module}
spent = time.process_time_ns() - begin
print(spent, {module}.__file__)
"""

Milliseconds: TypeAlias = Mapping[str, Sequence[float]]
"""By contender, one for each round."""


def import_time(module: str, directory: Path | None) -> float:
    """Return how many milliseconds an import takes, from a directory or from wherever Python finds it."""
    path = [] if directory is None else [str(directory)]
    given = os.environ.get("PYTHONPATH")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*path, *([given] if given else [])])}
    # `-P`: nothing is found only because of where this was started.
    command = [sys.executable, "-P", "-c", _TIMED.format(module=module)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, env=environment)
    spent, file = done.stdout.rstrip("\n").split(" ", 1)
    if directory is not None and not Path(file).is_relative_to(directory):
        raise builds.WrongBuildError(f"expected {module} from {directory}, got {file}")
    return round(int(spent) / 1e6, 3)


def import_times(contenders: Sequence[Contender], rounds: int) -> Milliseconds:
    """Time the import of each that is made of Python modules as http11 is, and of attrs, which http11 needs."""
    imported: dict[str, tuple[str, Path | None]] = {
        contender.name: ("http11", contender.directory) if isinstance(contender, Http11) else ("h11", None)
        for contender in contenders
        if isinstance(contender, Http11) or contender.name == BASELINE
    }
    imported[ATTRS] = ("attrs", None)
    found: dict[str, list[float]] = {name: [] for name in imported}
    for number in range(-1, rounds):
        for name, (module, directory) in imported.items():
            spent = import_time(module, directory)
            # The first one may have to write bytecode.
            if number >= 0:
                found[name].append(spent)
    return found


@attrs.frozen
class Wheels:
    """The wheels of this checkout that were given, or built."""

    compiled: Path | None
    compiled_directory: Path | None
    """Where it is unpacked."""
    pure: Path | None

    @property
    def sizes(self) -> dict[str, int]:
        """Their bytes, by contender."""
        found = ((Interpreted.name, self.pure), (Compiled.name, self.compiled))
        return {name: wheel.stat().st_size for name, wheel in found if wheel is not None}


@contextmanager
def wheels(compiled: str | None, pure: str | None) -> Iterator[Wheels]:
    """Build what is asked for, and unpack it, into a directory that is gone at the end."""
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary).resolve()
        compiled_wheel = _wheel(compiled, directory, compiled=True)
        pure_wheel = _wheel(pure, directory, compiled=False)
        unpacked = None if compiled_wheel is None else builds.unpacked(compiled_wheel, directory / "unpacked")
        yield Wheels(compiled_wheel, unpacked, pure_wheel)


def _wheel(given: str | None, directory: Path, *, compiled: bool) -> Path | None:
    if given == "auto":
        return builds.built(directory, compiled=compiled)
    return None if given is None else Path(given)
