"""The command line: ``python -m http11 demo``, ``inspect FILE`` and ``run-as-h11 PROGRAM``.

`demo` lets a server and a client talk over real sockets, and shows what they have said (`http11.demo`). `inspect` reads
what was saved of a connection, and shows its messages, or where it breaks the protocol (`http11.inspector`).

`run-as-h11` runs another program, for which ``import h11`` imports http11.
"""

from __future__ import annotations

import argparse
import os
import pkgutil
import runpy
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final, Literal, TextIO

from http11 import H11, PRODUCT_ID, STRICT, Policy
from http11.compat import install_as_h11
from http11.demo import demo
from http11.inspector.command import Options, add_arguments, inspect
from http11.inspector.words import escaped

__all__ = ["main"]

_POLICIES: Final[Sequence[str]] = ("strict", "h11")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` names, by default that of the process, and return its exit status.

    Raises:
        SystemExit: `argv` is wrong, or asks for help. A program that was run may raise anything.

    """
    try:
        try:
            arguments = _parser().parse_args(argv, _Arguments())
            if arguments.command == "demo":
                return demo()
            if arguments.command == "inspect":
                return inspect(arguments)
        finally:
            # Here, where a failure can still be told.
            print(end="", flush=True)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        # Files and sockets have their own handlers: this is the output.
        if not isinstance(error, BrokenPipeError):
            print(f"http11: {escaped(str(error))}", file=sys.stderr)
        # What is still buffered would fail once more when the interpreter ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        output: TextIO = sys.stdout
        os.dup2(nowhere, output.fileno())
        os.close(nowhere)
        return 1
    # Out here, where nothing that the program raises is taken for ours.
    return _run_as_h11(arguments)


class _Arguments(Options):
    """What `_parser` makes of the command line, with types."""

    command: Literal["demo", "inspect", "run-as-h11"]
    module: bool
    program: str
    arguments: list[str]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="http11", description="An HTTP/1.1 engine that never touches a socket.")
    parser.add_argument("--version", action="version", version=PRODUCT_ID)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="let a server and a client talk over loopback, and show what they say")
    add_arguments(
        commands.add_parser("inspect", help="show the messages of a saved conversation, or where it is wrong")
    )
    run = commands.add_parser("run-as-h11", help="run a program for which `import h11` imports http11")
    run.add_argument("--policy", choices=_POLICIES, default="strict", help="what its connections tolerate")
    run.add_argument("-m", dest="module", action="store_true", help="PROGRAM is the name of a module")
    run.add_argument("program", metavar="PROGRAM", help="a script, a directory or zip file with a __main__.py")
    run.add_argument("arguments", metavar="...", nargs=argparse.REMAINDER, help="the program's own arguments")
    return parser


def _policy(arguments: _Arguments) -> Policy:
    return H11 if arguments.policy == "h11" else STRICT


# --- run-as-h11 -------------------------------------------------------------------------------------------------------


def _run_as_h11(arguments: _Arguments) -> int:
    """Run a program as ``python PROGRAM`` or ``python -m PROGRAM`` would, up to its end; its exit is ours."""
    program = arguments.program
    install_as_h11(_policy(arguments))
    sys.argv = [program, *arguments.arguments]
    # Ours is not the program's; under `python -P` there is none.
    if not sys.flags.safe_path:
        del sys.path[0]
    if arguments.module:
        if not sys.flags.safe_path:
            sys.path.insert(0, os.getcwd())  # noqa: PTH109 - it is a str, as all in there
        if not _is_module(program):
            print(f"http11: No module named {escaped(program)}", file=sys.stderr)
            return 1
        runpy.run_module(program, run_name="__main__", alter_sys=True)
        return 0
    if not os.path.exists(program):  # noqa: PTH110
        print(f"http11: can't open file '{escaped(program)}'", file=sys.stderr)
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


if __name__ == "__main__":
    sys.exit(main())
