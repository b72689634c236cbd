"""The command line: ``python -m http11 demo``, ``inspect FILE`` and ``run-as-h11 PROGRAM``.

`demo` lets a server and a client talk over real sockets, and shows what they have said (`http11.demo`). `inspect` reads
what was saved of a connection, and shows its messages, or where it breaks the protocol (`http11.inspector`).

`run-as-h11` runs another program, for which ``import h11`` imports http11 (`http11.substitution`).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Final, Literal, TextIO

from http11 import PRODUCT_ID
from http11.demo import demo
from http11.inspector.command import Options, add_arguments, inspect
from http11.inspector.words import escaped
from http11.substitution import run_as_h11

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
    return run_as_h11(
        arguments.program,
        arguments.arguments,
        is_module=arguments.module,
        policy=arguments.policy,
        check=arguments.check,
    )


class _Arguments(Options):
    """What `_parser` makes of the command line, with types."""

    command: Literal["demo", "inspect", "run-as-h11"]
    module: bool
    check: bool
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
    run.add_argument(
        "--check", action="store_true", help="say at the end in how many processes it made connections; 3 if in none"
    )
    run.add_argument("-m", dest="module", action="store_true", help="PROGRAM is the name of a module")
    run.add_argument("program", metavar="PROGRAM", help="a script, a directory or zip file with a __main__.py")
    run.add_argument("arguments", metavar="...", nargs=argparse.REMAINDER, help="the program's own arguments")
    return parser


if __name__ == "__main__":
    sys.exit(main())
