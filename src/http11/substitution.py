"""What ``python -m http11 run-as-h11`` does: run a program for which ``import h11`` imports http11.

This covers the processes that the program starts. Forked ones inherit it. Others are reached as tracers do it: a
directory with a ``sitecustomize.py`` of our own is at the front of PYTHONPATH, and Python executes that before any
program. So a process that does not get PYTHONPATH or ignores it (``python -E``, ``-I`` and ``-S``) has h11 itself.
"""

from __future__ import annotations

import os
import pkgutil
import runpy
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from types import ModuleType
from typing import Final, Literal, TypeAlias

from http11.compat import install_as_h11, observe
from http11.policy import H11, STRICT, Policy

__all__ = ["NO_CONNECTION", "PolicyName", "join", "run_as_h11"]

PolicyName: TypeAlias = Literal["strict", "h11"]

NO_CONNECTION: Final = 3
"""The exit status of a program that was to be checked, has succeeded, and has made no connection with http11."""

_POLICIES: Final[Mapping[str, Policy]] = {"strict": STRICT, "h11": H11}

# For the processes that the program starts: which policy was chosen, and where to leave a mark.
_POLICY: Final = "HTTP11_AS_H11_POLICY"
_MARKS: Final = "HTTP11_AS_H11_MARKS"
_SITE: Final = str(Path(__file__).parent / "run-as-h11")
_REPORT: Final = "http11: processes that made connections with http11: {}"

# Parsers that some program has beside h11, by the modules that use them, and how to choose h11.
_OTHERS: Final[Mapping[str, str]] = {
    "uvicorn.protocols.http.httptools_impl": "uvicorn parses with httptools, not with http11: give it --http h11",
    "uvicorn.protocols.http.zttp_impl": "uvicorn parses with zttp, not with http11: give it --http h11",
}


def run_as_h11(
    program: str, arguments: Sequence[str], *, is_module: bool, policy: PolicyName, check: bool = False
) -> int:
    """Run a program as ``python PROGRAM`` or ``python -m PROGRAM`` would, up to its end; its exit is ours.

    Args:
        program: A script, a directory or zip file with a ``__main__.py``, or the name of a module.
        arguments: The program's own.
        is_module: Whether `program` names a module.
        policy: What its connections tolerate.
        check: Whether to say at its end in how many processes connections were made with http11. Where a signal kills
            the program, another process says it, but for systems that cannot fork.

    Returns:
        The exit status, if the program just ends, or cannot be found, or is checked and has made no connection.

    Raises:
        RuntimeError: h11 itself has been imported already.

    A program may raise anything, and most raise `SystemExit`.

    """
    if sys.flags.ignore_environment or sys.flags.no_site:
        _complain("python -E, -I and -S keep http11 out of the processes that the program starts")
    os.environ[_POLICY] = policy
    path = os.environ.get("PYTHONPATH")
    # An empty entry would be the current directory.
    os.environ["PYTHONPATH"] = os.pathsep.join([_SITE, path] if path else [_SITE])
    if not check:
        join()
        return _run(program, arguments, is_module=is_module)
    process, marks = os.getpid(), Path(mkdtemp(prefix="http11-"))
    os.environ[_MARKS] = str(marks)
    if hasattr(os, "fork"):
        _watch(marks)
    join()
    try:
        status = _run(program, arguments, is_module=is_module)
    except BaseException as ended:
        if _has_made_none(marks, process) and isinstance(ended, SystemExit) and ended.code in (None, 0):
            return NO_CONNECTION
        raise
    return NO_CONNECTION if _has_made_none(marks, process) and status == 0 else status


def _has_made_none(marks: Path, process: int) -> bool:
    """Say in how many processes connections were made, and return whether in none."""
    # A forked process may come here as well.
    if os.getpid() != process:
        return False
    count = sum(1 for _ in marks.iterdir())
    shutil.rmtree(marks)
    print(_REPORT.format(count or "none"), file=sys.stderr)
    return count == 0


def _watch(marks: Path) -> None:
    """Start a process that prints the report if this one is killed."""
    end, ours = os.pipe()
    # The end of this process closes it. A program that is executed in its place goes on instead.
    os.set_inheritable(ours, True)
    os.register_at_fork(after_in_child=_Forked(ours))
    # In a session of its own: what kills this group shall not kill it.
    subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-I", "-S", f"{_SITE}/witness.py", str(end), str(marks), _REPORT],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[end],
        start_new_session=True,
        check=False,
    )
    os.close(end)


class _Forked:
    """Keeps a forked process from holding a pipe open; once, since the number may then be of something else."""

    def __init__(self, ours: int) -> None:
        self._ours = ours

    def __call__(self) -> None:
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1


def join() -> None:
    """Put http11 in h11's place in this process, as the environment says that `run_as_h11` was told to.

    Raises:
        RuntimeError: h11 itself has been imported already.

    """
    install_as_h11(_POLICIES[os.environ[_POLICY]])
    sys.meta_path.insert(0, _Watch())
    marks = os.environ.get(_MARKS)
    if marks is not None:
        observe(_Marker(marks))


class _Watch(MetaPathFinder):
    """Says where a program chooses another parser. It finds no module."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the interface is Python's
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if fullname in _OTHERS:
            _complain(_OTHERS[fullname])
        return None


class _Marker:
    """Leaves a mark for each process that makes a connection."""

    def __init__(self, marks: str) -> None:
        self._marks = Path(marks)
        self._marked = 0

    def __call__(self) -> None:
        # A forked process has what its parent knew.
        process = os.getpid()
        if process != self._marked:
            self._marked = process
            # It is gone once the program has ended that was to be checked.
            if self._marks.is_dir():
                (self._marks / str(process)).touch()


def _run(program: str, arguments: Sequence[str], *, is_module: bool) -> int:
    sys.argv = [program, *arguments]
    # Ours is not the program's; under `python -P` there is none.
    if not sys.flags.safe_path:
        del sys.path[0]
    if is_module:
        if not sys.flags.safe_path:
            sys.path.insert(0, os.getcwd())  # noqa: PTH109 - it is a str, as all in there
        if not _is_module(program):
            _complain(f"No module named {_escaped(program)}")
            return 1
        runpy.run_module(program, run_name="__main__", alter_sys=True)
        return 0
    if not os.path.exists(program):  # noqa: PTH110
        _complain(f"can't open file '{_escaped(program)}'")
        return 2
    # `runpy` puts a directory or a zip file there itself, but not the directory of a script.
    if not sys.flags.safe_path and pkgutil.get_importer(program) is None:
        sys.path.insert(0, os.path.dirname(os.path.realpath(program)))  # noqa: PTH120
    runpy.run_path(program, run_name="__main__")
    return 0


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError as error:
        # A package that `name` is in is not there; it may also be there, and miss something else.
        if error.name is None or not name.startswith(f"{error.name}."):
            raise
        return False


def _escaped(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")


def _complain(text: str) -> None:
    print(f"http11: {text}", file=sys.stderr)
