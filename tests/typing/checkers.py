"""The four type checkers: how each is called, and what it says, in one form.

Each is as strict as it can be, by the configuration beside this file, and reads http11 as an installed package, as a
user's would.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias, TypedDict, get_args

__all__ = ["CHECKERS", "HERE", "ROOT", "Checker", "Problem", "any_expressions", "check", "is_installed", "run"]

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent.parent

Checker: TypeAlias = Literal["mypy", "pyright", "ty", "pyrefly"]
CHECKERS: Final[tuple[Checker, ...]] = get_args(Checker)


class Problem(NamedTuple):
    """What a checker has against a line.

    Attributes:
        path: The program's path.
        line: From 1.
        code: The checker's own name for this kind of problem.
        message: Its words.

    """

    path: Path
    line: int
    code: str
    message: str


def is_installed(checker: Checker) -> bool:
    """Tell whether `checker` can be called."""
    return find_spec(checker) is not None


def check(checker: Checker, python: Path = Path(sys.executable)) -> list[Problem]:
    """Let `checker` read the programs, and return all that it has against them.

    Args:
        checker: Which one.
        python: An interpreter where http11 can be imported; that is the one that the programs get.

    Raises:
        RuntimeError: It could not do its work.

    """
    command, read = _CALLS[checker]
    return read(run([word.format(python=python) for word in command], HERE))


def any_expressions(package: Path) -> list[Problem]:
    """Return the expressions in `package` in whose type mypy finds an ``Any``."""
    command = ["mypy", "--config-file=mypy.ini", "--disallow-any-expr", "--output=json", "--cache-dir=.mypy_cache/any"]
    return _from_mypy(run([*command, str(package)], ROOT), ROOT)


def run(command: Sequence[str], directory: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run the module that `command` begins with, and return what it prints.

    Raises:
        RuntimeError: It could not do its work.

    """
    result = subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        check=False,
        text=True,
        cwd=directory,
        env={**os.environ, **(environment or {})},
    )
    # 1 is "there are problems"; more is "it did not work".
    if result.returncode > 1:
        raise RuntimeError(f"{command[0]} ended with {result.returncode}:\n{result.stdout}\n{result.stderr}")
    return result.stdout


# --- what each says ---------------------------------------------------------------------------------------------------


class _OfMypy(TypedDict):
    file: str
    line: int
    message: str
    code: str | None
    severity: str


def _from_mypy(output: str, directory: Path = HERE) -> list[Problem]:
    found: list[_OfMypy] = [json.loads(line) for line in output.splitlines()]
    return [
        Problem(directory / one["file"], one["line"], one["code"] or "", one["message"])
        for one in found
        if one["severity"] == "error"
    ]


class _Position(TypedDict):
    line: int


class _PyrightRange(TypedDict):
    start: _Position


class _OfPyright(TypedDict):
    file: str
    severity: str
    message: str
    rule: str
    range: _PyrightRange


class _PyrightReport(TypedDict):
    generalDiagnostics: list[_OfPyright]


def _from_pyright(output: str) -> list[Problem]:
    report: _PyrightReport = json.loads(output)
    return [
        # It counts lines from 0.
        Problem(Path(one["file"]), one["range"]["start"]["line"] + 1, one.get("rule", ""), one["message"])
        for one in report["generalDiagnostics"]
        if one["severity"] != "information"
    ]


class _TyPositions(TypedDict):
    begin: _Position


class _TyLocation(TypedDict):
    path: str
    positions: _TyPositions


class _OfTy(TypedDict):
    check_name: str
    description: str
    severity: str
    location: _TyLocation


def _from_ty(output: str) -> list[Problem]:
    found: list[_OfTy] = json.loads(output)
    return [
        Problem(
            HERE / one["location"]["path"],
            one["location"]["positions"]["begin"]["line"],
            one["check_name"],
            one["description"],
        )
        for one in found
        if one["severity"] != "info"
    ]


class _OfPyrefly(TypedDict):
    path: str
    line: int
    name: str
    description: str


class _PyreflyReport(TypedDict):
    errors: list[_OfPyrefly]


def _from_pyrefly(output: str) -> list[Problem]:
    report: _PyreflyReport = json.loads(output)
    return [Problem(HERE / one["path"], one["line"], one["name"], one["description"]) for one in report["errors"]]


# --- how each is called -----------------------------------------------------------------------------------------------


class _Call(NamedTuple):
    command: Sequence[str]
    read: Callable[[str], list[Problem]]


_CALLS: Final[Mapping[Checker, _Call]] = {
    "mypy": _Call(
        ["mypy", "--config-file=mypy.ini", "--python-executable={python}", "--output=json"],
        _from_mypy,
    ),
    "pyright": _Call(
        ["pyright", "--project=.", "--pythonpath={python}", "--outputjson"],
        _from_pyright,
    ),
    "ty": _Call(
        ["ty", "check", "--config-file=ty.toml", "--python={python}", "--output-format=gitlab", "accepted", "rejected"],
        _from_ty,
    ),
    "pyrefly": _Call(
        [
            "pyrefly",
            "check",
            "--config=pyrefly.toml",
            "--python-interpreter-path={python}",
            "--output-format=json",
            "--summary=none",
        ],
        _from_pyrefly,
    ),
}
