"""A mutant on trial: a copy of http11 with its change in it, and a process of its own in which the tests are run.

The processes are forked from this one, which has imported all that the tests need but http11 itself. So none of it is
imported again for each of thousands of mutants, and whatever a mutant does to its process is gone with it.
"""

from __future__ import annotations

import functools
import gc
import importlib
import os
import shutil
import signal
import sys
import tomllib
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ROOT", "SOURCE", "Court", "court"]

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = ROOT / "src" / "http11"
VECTORS: Final = ROOT / "tests" / "vectors"

# A mutant that takes longer than this, in seconds, has lost itself in a loop: the vectors take less than one.
_QUICK_LIMIT: Final = 60
_TESTS_LIMIT: Final = 600
# Nor may its loop eat all memory: 4 GiB.
_MEMORY_LIMIT: Final = 4 << 30


class Court:
    """Where mutants are tried: a copy of the package."""

    def __init__(self, package: Path) -> None:
        self._package = package
        self._trials = 0

    def killer(self, module: str, source: str, tests: Sequence[str]) -> str | None:
        """Return the first test that fails when `module` has this `source`, or `None` where all of them pass.

        `tests` are files for pytest, in the order in which they are run; with none only the vectors are.
        """
        path = self._package / f"{module}.py"
        original = path.read_text("utf-8")
        self._write(path, source)
        try:
            return _in_a_child(lambda: _first_failure(self._package.parent, tests))
        finally:
            self._write(path, original)

    def _write(self, path: Path, source: str) -> None:
        path.write_text(source, "utf-8")
        # Python takes a file of the same size and second for the same file.
        self._trials += 1
        os.utime(path, (self._trials, self._trials))


@contextmanager
def court() -> Iterator[Court]:
    """Make the copy, and read once what all trials need."""
    if "http11" in sys.modules:
        raise RuntimeError("a process that has imported http11 would try that, and not a mutant")
    for module in ("attrs", "hypothesis", "hypothesis.strategies", "ipaddress", "pickle"):
        importlib.import_module(module)
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"
    # The vectors are the same for all.
    tomllib.loads = functools.cache(tomllib.loads)
    for path in VECTORS.rglob("*.toml"):
        tomllib.loads(path.read_text("utf-8"))
    with TemporaryDirectory() as directory:
        package = Path(directory) / "http11"
        shutil.copytree(SOURCE, package, ignore=shutil.ignore_patterns("__pycache__"))
        if hasattr(gc, "freeze"):
            # What is there already is not looked through again in every child.
            gc.freeze()
        yield Court(package)


def _in_a_child(judge: Callable[[], str | None]) -> str | None:
    """Return what `judge` does in a process of its own."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(readable)
        _judge_and_exit(judge, writable)
    os.close(writable)
    with os.fdopen(readable, encoding="utf-8") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "the time limit" if os.WTERMSIG(status) == signal.SIGALRM else f"signal {os.WTERMSIG(status)}"
    return told or None


def _judge_and_exit(judge: Callable[[], str | None], writable: int) -> NoReturn:
    # Where there is none, nothing is forked either.
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_LIMIT, _MEMORY_LIMIT))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    try:
        killer = judge()
    except BaseException as error:  # noqa: BLE001 - the process has no other way to tell
        killer = f"{type(error).__name__}: {error}"[:200]
    os.write(writable, (killer or "").encode())
    # Without the exit functions of the process that this one was forked from.
    os._exit(0)


def _first_failure(folder: Path, tests: Sequence[str]) -> str | None:
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    signal.alarm(_QUICK_LIMIT)
    try:
        # Imports http11 as well.
        oracle = importlib.import_module("tests.mutants.oracle")
    except Exception as error:  # noqa: BLE001 - whatever a mutant raises
        return f"import: {type(error).__name__}"
    # The quickest first: most mutants do not get any further.
    failure: str | None = oracle.first_failure(bytewise=False)
    if failure is not None or not tests:
        return failure
    signal.alarm(_TESTS_LIMIT)
    os.chdir(ROOT)
    return (
        _failed_test(tests[:1])
        or oracle.first_failure(bytewise=True)
        or (_failed_test(tests[1:]) if tests[1:] else None)
    )


def _failed_test(tests: Sequence[str]) -> str | None:
    first = _First()
    status = pytest.main(["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", *tests], plugins=[first])
    return None if status == pytest.ExitCode.OK else first.failed or f"pytest: {status!r}"


class _First:
    """A plugin that remembers which test failed first."""

    failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid
