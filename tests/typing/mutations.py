"""Break each promise of the types, one at a time, and see whether a program in this folder notices.

``python -m tests.typing.mutations`` removes every overload of the public interface, and widens every union and every
plain type in it, each in a copy of http11 of its own; then the checkers read the programs against that copy. A change
that surprises none of them is a promise that nobody tests: it is printed, and the command fails. It takes some minutes.
"""

from __future__ import annotations

import ast
import os
import shutil
import sys
import venv
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import accumulate, chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import http11
from http11 import pipelining
from tests.typing.checkers import HERE, ROOT, Checker, check
from tests.typing.expectations import expectations, surprises

__all__ = ["Mutation", "main", "mutations"]

# Where the names stand that ``http11`` itself exports, and the module that a user imports by its name.
MODULES: Final = ("connection", "errors", "events", "headers", "policy", "states", "pipelining")
NAMES: Final = frozenset([*http11.__all__, *pipelining.__all__])
EVENTS: Final = ("Request", "InformationalResponse", "Response", "Data[bytes]", "EndOfMessage", "ConnectionClosed")
# What the aliases stand for.
MEMBERS: Final = {
    "ClientEvent": {"Request", "Data", "EndOfMessage", "ConnectionClosed"},
    "ServerEvent": {"InformationalResponse", "Response", "Data", "EndOfMessage", "ConnectionClosed"},
    "Event": {event.partition("[")[0] for event in EVENTS},
    "Signal": {"NEED_DATA", "PAUSED"},
}
# The special methods that a user's program calls, by an operator or by the class's name.
CALLED: Final = frozenset(["__init__", "__new__", "__replace__", "__getitem__", "__iter__", "__len__", "__contains__"])
# Changes that no program can notice, and why.
SAME: Final = {
    "Connection.send_with_data_passthrough: event: InformationalResponse | Response | EndOfMessage"
    " -> InformationalResponse | Response | EndOfMessage | Data[bytes]": "the last overload returns the same for it",
    "Headers.__contains__: -> bool -> object": "whatever it returns, `in` makes a bool of it",
    "Headers.__contains__: -> bool -> bool | None": "whatever it returns, `in` makes a bool of it",
}
# The quick ones first: the first that is surprised ends it.
ORDER: Final[tuple[Checker, ...]] = ("ty", "pyrefly", "mypy", "pyright")


class Mutation(NamedTuple):
    """A change to the source.

    Attributes:
        module: The file's name.
        line: Where, from 1.
        what: What is changed, for people.
        source: The whole file, changed.

    """

    module: str
    line: int
    what: str
    source: str


def main() -> int:
    """Try every mutation, print those that nobody notices, and return the exit status."""
    expected = [one for path in sorted(HERE.glob("*ed/*.py")) for one in expectations(path)]
    survivors = 0
    with TemporaryDirectory() as directory:
        python, package = _copy(Path(directory))

        def surprised() -> Checker | None:
            return next((one for one in ORDER if surprises(one, expected, check(one, python))), None)

        if (checker := surprised()) is not None:
            print(f"{checker} is surprised by http11 as it is")
            return 2
        changes = list(mutations(ROOT / "src" / "http11"))
        if SAME.keys() - {one.what for one in changes}:
            print(f"not there any more: {sorted(SAME.keys() - {one.what for one in changes})}")
            return 2
        changes = [one for one in changes if one.what not in SAME]
        for number, mutation in enumerate(changes, 1):
            path = package / mutation.module
            original = path.read_text(encoding="utf-8")
            _write(path, mutation.source, 2 * number)
            checker = surprised()
            _write(path, original, 2 * number + 1)
            survivors += checker is None
            print(f"{checker or 'NOBODY':8} {mutation.module}:{mutation.line}: {mutation.what}", flush=True)
    print(f"{len(changes)} mutations, {survivors} that nobody notices")
    return 1 if survivors else 0


def _write(path: Path, text: str, second: int) -> None:
    path.write_text(text, encoding="utf-8")
    # mypy takes a file of the same size, written in the same second, for the same file.
    os.utime(path, (second, second))


def _copy(directory: Path) -> tuple[Path, Path]:
    """Make an environment that has a copy of http11, and return its interpreter and that copy."""
    venv.create(directory / "env", symlinks=os.name != "nt")
    python = next(chain((directory / "env").glob("bin/python"), (directory / "env").glob("Scripts/python.exe")))
    [packages] = (directory / "env").glob("[Ll]ib/**/site-packages")
    for name in ("attr", "attrs", "typing_extensions"):
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise RuntimeError(f"{name} is not installed")
        origin = Path(spec.origin)
        origin = origin.parent if origin.name == "__init__.py" else origin
        (packages / origin.name).symlink_to(origin)
    package = packages / "http11"
    shutil.copytree(ROOT / "src" / "http11", package, ignore=shutil.ignore_patterns("__pycache__"))
    return python, package


# --- what can be changed ----------------------------------------------------------------------------------------------


def mutations(package: Path) -> Iterator[Mutation]:
    """Yield the changes to the public interface of the http11 in `package`."""
    for module in MODULES:
        path = package / f"{module}.py"
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        begins = [0, *accumulate(len(line) for line in source.splitlines(keepends=True))]
        for where, node in _public(tree.body, ""):
            for start, end, what, text in _edits(node, source, begins):
                yield Mutation(path.name, node.lineno, f"{where}: {what}", source[:start] + text + source[end:])


def _public(body: Sequence[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.stmt]]:
    """Yield the functions, attributes and aliases that a program can name, but what stands behind overloads."""
    overloaded = {node.name for node in body if isinstance(node, ast.FunctionDef) and _is_overload(node)}
    for node in body:
        match node:
            case ast.FunctionDef(name=name) if name not in overloaded or _is_overload(node):
                if name in CALLED if name.startswith("_") else prefix:
                    yield prefix + name, node
            case ast.AnnAssign(target=ast.Name(id=name)) if name in NAMES or (prefix and name[0] != "_"):
                yield prefix + name, node
            case ast.ClassDef(name=name) if name in NAMES:
                yield from _public(node.body, f"{prefix}{name}.")
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield from _public(node.body, prefix)
            case _:
                pass


def _is_overload(node: ast.FunctionDef) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "overload" for one in node.decorator_list)


def _edits(node: ast.stmt, source: str, begins: Sequence[int]) -> Iterator[tuple[int, int, str, str]]:
    """Yield what to put where, with a description."""
    if isinstance(node, ast.FunctionDef) and _is_overload(node):
        yield begins[node.decorator_list[0].lineno - 1], begins[node.end_lineno or 0], "an overload removed", ""
    for place, whole in _types(node):
        for part in _parts(whole):
            start = begins[part.lineno - 1] + part.col_offset
            end = begins[(part.end_lineno or 0) - 1] + (part.end_col_offset or 0)
            text = source[start:end]
            for wider in _wider(text, part):
                yield start, end, f"{place} {_short(text)} -> {_short(wider)}", wider


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) < 100 else f"{words[:40]} ... {words[-50:]}"


def _types(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Yield the types that `node` says, each with where it says so."""
    match node:
        case ast.FunctionDef(args=arguments, returns=returns):
            for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                if argument.annotation is not None and argument.arg != "self":
                    yield f"{argument.arg}:", argument.annotation
            # Nobody can tell None from more, where nobody looks; the overloads of `send` are looked at.
            if returns is not None and (_is_overload(node) or ast.unparse(returns) != "None"):
                yield "->", returns
        case ast.AnnAssign(annotation=ast.Name(id="TypeAlias"), value=value) if value is not None:
            yield "=", value
        case ast.AnnAssign(annotation=annotation) if not ast.unparse(annotation).startswith("Final"):
            yield ":", annotation
        case _:
            pass


def _parts(whole: ast.expr) -> Iterator[ast.expr]:
    """Yield `whole`, and the unions inside it."""
    yield whole
    for node in ast.walk(whole):
        if isinstance(node, ast.Subscript):
            yield from (one for one in ast.walk(node.slice) if isinstance(one, ast.BinOp))


def _wider(text: str, expression: ast.expr) -> Iterator[str]:
    """Yield wider types than the one that is spelled `text`."""
    if text.startswith("Literal["):
        yield text[:-1].rstrip().rstrip(",") + ', "SOMETHING-ELSE"]'
        return
    if text == "object":
        return
    yield "object"
    if not text.endswith("None"):
        yield f"{text} | None"
    names = {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}
    members = names.union(*(MEMBERS.get(name, set()) for name in names))
    if members & (MEMBERS["Event"] | MEMBERS["Signal"]):
        yield from (f"{text} | {event}" for event in EVENTS if event.partition("[")[0] not in members)
        yield from (f"{text} | type[{signal}]" for signal in sorted(MEMBERS["Signal"] - members))


if __name__ == "__main__":
    sys.exit(main())
