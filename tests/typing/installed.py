"""What the checkers make of `h11-stubs` as it is installed: ``python -m tests.typing.installed``.

http11, h11 and the package that is built from `stubs` are installed into an environment of their own, and each checker
reads a program there, by its own defaults. Each line that says so has to be rejected, and no other.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.typing.checkers import ROOT

H11: Final = "h11==0.16.0"

PROGRAM: Final = """\
from __future__ import annotations

from typing import Literal

import h11
from h11._connection import DEFAULT_MAX_INCOMPLETE_EVENT_SIZE


def of_both_roles(conn: h11.Connection, event: h11.Event) -> bytes:
    conn.send(event)
    received = conn.next_event()
    if isinstance(received, h11.Request):
        return conn.send(h11.Response(status_code=200, headers=[]))
    if isinstance(received, h11.Response):
        return conn.send(h11.Request(method="GET", target="/", headers=[]))
    return conn.send(h11.ConnectionClosed()) or b""


def of_a_server(conn: h11.Connection[Literal["SERVER"]]) -> bytes:
    received = conn.next_event()
    if isinstance(received, h11.Request):
        of_both_roles(conn, received)
    conn.send(h11.Request(method="GET", target="/", headers=[]))  # rejected
    return conn.send(h11.Response(status_code=200, headers=[]))


made = h11.Connection(h11.CLIENT, DEFAULT_MAX_INCOMPLETE_EVENT_SIZE)
made.send(h11.Response(status_code=200, headers=[]))  # rejected
of_both_roles(made, h11.EndOfMessage())
of_a_server(made)  # rejected
made.policies  # rejected
"""

CHECKERS: Final[dict[str, tuple[list[str], str]]] = {
    "mypy": (["mypy", "--strict", "--no-error-summary", "--python-executable", "{python}"], "error:"),
    "pyright": (["pyright", "--pythonpath", "{python}"], " - error:"),
    "ty": (["ty", "check", "--python", "{python}", "--output-format", "concise"], "error["),
    "pyrefly": (
        [
            "pyrefly",
            "check",
            "--preset",
            "default",
            "--python-interpreter-path",
            "{python}",
            "--output-format=min-text",
        ],
        "ERROR ",
    ),
}


def run(command: Sequence[str], folder: Path, *, check: bool = True) -> str:
    # Without what would show another http11 to the checkers.
    environment = {name: value for name, value in os.environ.items() if name not in ("MYPYPATH", "PYTHONPATH")}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if check and done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def rejected(name: str, python: Path, folder: Path) -> set[int]:
    command, mark = CHECKERS[name]
    output = run([*(word.format(python=python) for word in command), "program.py"], folder, check=False)
    lines = [line for line in output.splitlines() if mark in line]
    return {int(found[1]) for line in lines if (found := re.search(r"program\.py:([0-9]+):", line)) is not None}


def main() -> int:
    expected = {number for number, line in enumerate(PROGRAM.splitlines(), 1) if line.endswith("# rejected")}
    wrong = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run(["venv", "venv"], folder)
        python = folder / "venv" / "bin" / "python"
        install = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
        subprocess.run([*install, H11, str(ROOT), str(ROOT / "stubs")], check=True)
        (folder / "program.py").write_text(PROGRAM, "utf-8")
        for name in CHECKERS:
            found = rejected(name, python, folder)
            sys.stdout.write(f"{name}: rejects lines {sorted(found)}\n")
            if found != expected:
                wrong.append(f"{name}: expected lines {sorted(expected)}\n")
    sys.stdout.writelines(wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
