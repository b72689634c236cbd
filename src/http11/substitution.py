"""What ``python -m http11 run-as-h11`` does: run a program for which ``import h11`` imports http11."""

from __future__ import annotations

import os
import pkgutil
import runpy
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from http11.compat import install_as_h11
from http11.policy import Policy

__all__ = ["run_as_h11"]


def run_as_h11(program: str, arguments: Sequence[str], *, is_module: bool, policy: Policy) -> int:
    """Run a program as ``python PROGRAM`` or ``python -m PROGRAM`` would, up to its end; its exit is ours.

    Args:
        program: A script, a directory or zip file with a ``__main__.py``, or the name of a module.
        arguments: The program's own.
        is_module: Whether `program` names a module.
        policy: What its connections tolerate.

    Returns:
        The exit status, if the program just ends, or cannot be found.

    Raises:
        RuntimeError: h11 itself has been imported already.

    A program may raise anything, and most raise `SystemExit`.

    """
    install_as_h11(policy)
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
