"""What `stubs/h11` does for code that says `import h11`, measured on published packages.

    python -m tests.typing.consumers          the figures, and whether they are as expected
    python -m tests.typing.consumers --diff   the edits as well

Each module is checked by ``mypy --strict``, once with the types of h11 itself and once with those of the stubs; as it
was published, by pyright, ty and pyrefly too, in their usual settings. Only errors in the module itself count. A cast
or a ``# type: ignore`` is *needed* if the module has a new error once that one alone is taken away; it is *about h11*
if it is not needed any more when everything in h11 is `Any`.

The packages come from the package index, at pinned versions, into a temporary directory.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

import attrs

ROOT: Final = Path(__file__).parent.parent.parent

# Without what they depend on: it bears on no figure.
PACKAGES: Final = ("uvicorn==0.54.0", "httpcore==1.0.9", "hypercorn==0.18.0", "anycorn==0.20.1", "wsproto==1.3.2")
H11: Final = "h11==0.16.0"

Types: TypeAlias = Literal["h11", "stubs", "any"]
"""Whose types `import h11` gets."""

# What mypy says of a cast or an ignore that is not needed; it is counted by taking it away, and not as an error.
NEEDLESS: Final = frozenset(["unused-ignore", "redundant-cast"])


@attrs.frozen
class Change:
    """A text that stands in a module once, and what to put there."""

    old: str
    new: str


@attrs.frozen
class Mistake:
    name: str
    change: Change


@attrs.frozen(kw_only=True)
class Figures:
    """What is measured of one module."""

    needed: tuple[int, int]
    """Casts and ignores that are needed: with h11, and with the stubs."""
    about_h11: tuple[int, int]
    """Those of them that are about h11."""
    errors: tuple[int, int]
    """Errors in the module as it was published: with h11, and with the stubs."""
    errors_edited: tuple[int, int]
    """The same of the edited module; with the stubs, no needless cast or ignore is left in it."""
    caught: tuple[int, int]
    """Mistakes that are caught: in the published module with h11, in the edited one with the stubs."""


@attrs.frozen(kw_only=True)
class Consumer:
    path: str
    edits: tuple[Change, ...]
    mistakes: tuple[Mistake, ...]
    expected: Figures


UVICORN: Final = Consumer(
    path="uvicorn/protocols/http/h11_impl.py",
    edits=(Change("        conn: h11.Connection,\n", '        conn: h11.Connection[Literal["SERVER"]],\n'),),
    mistakes=(
        Mistake(
            "a server sends a Request",
            Change(
                "event = h11.Response(status_code=400, headers=headers, reason=reason)",
                'event = h11.Request(method=b"GET", target=b"/", headers=headers)',
            ),
        ),
        Mistake(
            "a server makes a client's connection", Change("            h11.SERVER,\n", "            h11.CLIENT,\n")
        ),
        Mistake("a state in place of a role", Change("            h11.SERVER,\n", "            h11.IDLE,\n")),
        Mistake("a role compared with a state", Change("our_state is h11.MUST_CLOSE", "our_state is h11.SERVER")),
        Mistake("a signal compared with a state", Change("their_state == h11.MUST_CLOSE", "their_state == h11.PAUSED")),
        Mistake("a state misspelt, as a string", Change("our_state != h11.ERROR", 'our_state != "EROR"')),
        Mistake("Data of what has no length", Change("h11.Data(data=data)", "h11.Data(data=iter([data]))")),
        Mistake(
            "what send returns for ConnectionClosed is written",
            Change(
                "self.conn.send(event=h11.ConnectionClosed())",
                "self.transport.write(self.conn.send(event=h11.ConnectionClosed()))",
            ),
        ),
    ),
    expected=Figures(needed=(9, 9), about_h11=(0, 0), errors=(0, 0), errors_edited=(1, 0), caught=(3, 8)),
)

HTTPCORE_EDITS: Final = (
    Change(
        "_send_event(self, event: h11.Event, timeout: float | None = None)",
        "_send_event(self, event: H11SendEvent, timeout: float | None = None)",
    ),
)
HTTPCORE_MISTAKES: Final = (
    Mistake(
        "a client sends a Response",
        Change(
            "event = h11.Request(\n                method=request.method,\n                target=request.url.target,",
            "event = h11.Response(\n                status_code=200,",
        ),
    ),
    Mistake("a client makes a server's connection", Change("our_role=h11.CLIENT", "our_role=h11.SERVER")),
    Mistake("NEED_DATA is handed on as an event", Change("if event is h11.NEED_DATA:", "if event is h11.PAUSED:")),
    Mistake(
        "a role compared with a state",
        Change("their_state == h11.SEND_RESPONSE", "their_state == h11.SERVER"),
    ),
    Mistake(
        "a state misspelt, as a string",
        Change("their_state == h11.SEND_RESPONSE", 'their_state == "SEND_RESPONS"'),
    ),
    Mistake("Data of what has no length", Change("h11.Data(data=chunk)", "h11.Data(data=iter([chunk]))")),
    Mistake(
        "what send returns for ConnectionClosed is written",
        Change(
            "self._send_event(h11.EndOfMessage(), timeout=timeout)",
            "self._network_stream.write(self._h11_state.send(h11.ConnectionClosed()), timeout=timeout)",
        ),
    ),
)
HTTPCORE_EXPECTED: Final = Figures(needed=(1, 0), about_h11=(1, 0), errors=(0, 1), errors_edited=(0, 0), caught=(3, 7))
HTTPCORE: Final = [
    Consumer(path=path, edits=HTTPCORE_EDITS, mistakes=HTTPCORE_MISTAKES, expected=HTTPCORE_EXPECTED)
    for path in ("httpcore/_sync/http11.py", "httpcore/_async/http11.py")
]

# Hypercorn's, and those of its fork.
_OF_A_SERVER: Final = (
    Mistake(
        "a server makes a client's connection",
        Change("            h11.SERVER, max_incomplete", "            h11.CLIENT, max_incomplete"),
    ),
    Mistake(
        "a state in place of a role",
        Change("            h11.SERVER, max_incomplete", "            h11.IDLE, max_incomplete"),
    ),
    Mistake(
        "a server sends a Request",
        Change(
            "data = self.connection.send(event)",
            'data = self.connection.send(h11.Request(method=b"GET", target=b"/", headers=[]))',
        ),
    ),
    Mistake(
        "roles compared with a state",
        Change("our_state in {h11.IDLE, h11.SEND_RESPONSE}", "our_state in {h11.CLIENT, h11.SERVER}"),
    ),
)

HYPERCORN: Final = Consumer(
    path="hypercorn/protocol/h11.py",
    edits=(
        Change("from typing import cast\n", "from typing import cast, Literal\n"),
        Change(
            "def __init__(self, h11_connection: h11.Connection) -> None:",
            'def __init__(self, h11_connection: h11.Connection[Literal["SERVER"]]) -> None:',
        ),
        Change(
            "self.connection: h11.Connection | H11WSConnection =",
            'self.connection: h11.Connection[Literal["SERVER"]] | H11WSConnection =',
        ),
        Change("cast(h11.Connection, self.connection)", "cast(\"h11.Connection[Literal['SERVER']]\", self.connection)"),
    ),
    mistakes=(
        *_OF_A_SERVER,
        Mistake("a role compared with a state", Change("their_state != h11.ERROR", "their_state != h11.CLIENT")),
        Mistake("a state misspelt, as a string", Change("their_state != h11.ERROR", 'their_state != "EROR"')),
        Mistake("Data of what has no length", Change("h11.Data(data=event.data)", "h11.Data(data=iter([event.data]))")),
    ),
    expected=Figures(needed=(1, 1), about_h11=(1, 1), errors=(0, 0), errors_edited=(3, 0), caught=(3, 6)),
)

ANYCORN: Final = Consumer(
    path="anycorn/protocol/h11.py",
    edits=(
        Change("from typing import TYPE_CHECKING, cast\n", "from typing import TYPE_CHECKING, Literal, cast\n"),
        Change(
            "def __init__(self, h11_connection: h11.Connection) -> None:",
            'def __init__(self, h11_connection: h11.Connection[Literal["SERVER"]]) -> None:',
        ),
        Change(
            "self.connection: h11.Connection | H11WSConnection =",
            'self.connection: h11.Connection[Literal["SERVER"]] | H11WSConnection =',
        ),
        Change(
            'cast("h11.Connection", self.connection)', "cast(\"h11.Connection[Literal['SERVER']]\", self.connection)"
        ),
    ),
    mistakes=(
        *_OF_A_SERVER,
        Mistake("a role compared with a state", Change("our_state is h11.DONE", "our_state is h11.CLIENT")),
        Mistake("a state misspelt, as a string", Change("our_state is h11.DONE", 'our_state == "DOEN"')),
        Mistake("Data of what has no length", Change("h11.Data(data=event.data)", "h11.Data(data=iter([event.data]))")),
    ),
    expected=Figures(needed=(2, 1), about_h11=(2, 1), errors=(0, 0), errors_edited=(3, 0), caught=(3, 6)),
)

# One attribute for a connection of either role: the types cannot see that the methods of each side are kept apart.
WSPROTO: Final = Consumer(
    path="wsproto/handshake.py",
    edits=(
        Change(
            "            self._h11_connection = h11.Connection(h11.CLIENT)\n",
            "            self._h11_connection: h11.Connection = h11.Connection(h11.CLIENT)\n",
        ),
    ),
    mistakes=(
        Mistake(
            "a client makes a server's connection",
            Change("h11_client = h11.Connection(h11.CLIENT)", "h11_client = h11.Connection(h11.SERVER)"),
        ),
        Mistake(
            "a server sends a Request",
            Change(
                "response = h11.Response(status_code=event.status_code, headers=headers)",
                'response = h11.Request(method=b"GET", target=b"/", headers=headers)',
            ),
        ),
        Mistake(
            "Data of what has no length", Change("h11.Data(data=event.data))", "h11.Data(data=iter([event.data])))")
        ),
    ),
    expected=Figures(needed=(2, 2), about_h11=(0, 0), errors=(0, 3), errors_edited=(0, 0), caught=(1, 2)),
)

CONSUMERS: Final = (UVICORN, *HTTPCORE, HYPERCORN, ANYCORN, WSPROTO)

Other: TypeAlias = Literal["pyright", "ty", "pyrefly"]
"""A checker that is asked of the modules as they were published only."""

# Errors by module, in the order of `CONSUMERS`: with h11, and with the stubs. Some are of imports that are not there.
OTHERS: Final[Mapping[Other, tuple[tuple[int, int], ...]]] = {
    "pyright": ((6, 6), (0, 2), (0, 2), (0, 0), (1, 0), (0, 6)),
    "ty": ((13, 13), (1, 1), (1, 1), (0, 0), (1, 0), (0, 3)),
    "pyrefly": ((5, 5), (0, 1), (0, 1), (0, 0), (0, 0), (0, 3)),
}


# --- texts -----------------------------------------------------------------------------------------------------------


def changed(text: str, change: Change) -> str:
    if text.count(change.old) != 1:
        raise SystemExit(f"expected this text once, found it {text.count(change.old)} times: {change.old!r}")
    return text.replace(change.old, change.new)


def edited(text: str, edits: Iterable[Change]) -> str:
    for edit in edits:
        text = changed(text, edit)
    return text


@attrs.frozen
class Marker:
    """A cast or an ignore: where it stands, in bytes, and what stands there without it."""

    start: int
    stop: int
    without: bytes


def markers(text: str) -> list[Marker]:
    return sorted([*_casts(text), *_ignores(text)], key=lambda marker: marker.start)


def _casts(text: str) -> Iterator[Marker]:
    starts = _line_starts(text)
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(func=ast.Name("cast") | ast.Attribute(attr="cast"), args=[_, value]):
                start, stop = _span(node, starts)
                inner = slice(*_span(value, starts))
                yield Marker(start, stop, b"(" + text.encode()[inner] + b")")
            case _:
                pass


def _ignores(text: str) -> Iterator[Marker]:
    starts = _line_starts(text)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        found = re.match(r"#\s*type:\s*ignore(\[[^]]*\])?", token.string)
        if token.type == tokenize.COMMENT and found:
            line, column = token.start
            before = token.line[:column]
            if found[0] == token.string:
                before = before.rstrip()
            start = starts[line - 1] + len(before.encode())
            stop = starts[line - 1] + len((token.line[:column] + found[0]).encode())
            yield Marker(start, stop, b"" if found[0] == token.string else b"#")


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def _span(node: ast.expr, starts: Sequence[int]) -> tuple[int, int]:
    if node.end_lineno is None or node.end_col_offset is None:
        raise SystemExit("expected the parser to say where an expression ends")
    return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset


def without(text: str, unwanted: Iterable[Marker]) -> str:
    data = text.encode()
    for marker in sorted(unwanted, key=lambda marker: marker.start, reverse=True):
        data = data[: marker.start] + marker.without + data[marker.stop :]
    return data.decode()


# --- checking ------------------------------------------------------------------------------------------------------

Errors: TypeAlias = Counter[tuple[str, str]]
"""How often a code with a message was reported."""


@attrs.frozen
class Bench:
    """A directory with the packages, where variants of their modules are checked."""

    home: Path
    clock: Iterator[int] = attrs.field(factory=partial(count, 1))

    @property
    def packages(self) -> Path:
        return self.home / "packages"

    def install(self) -> None:
        for target, requirements in (("packages", PACKAGES), ("h11", (H11,))):
            command = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps"]
            subprocess.run([*command, "--target", str(self.home / target), *requirements], check=True)
        unknown = self.home / "any" / "h11"
        unknown.mkdir(parents=True)
        for module in ("__init__", "_connection"):
            (unknown / f"{module}.pyi").write_text("from typing import Any\ndef __getattr__(name: str) -> Any: ...\n")

    def check(self, types: Types, variants: Mapping[str, Sequence[str]]) -> dict[str, list[Errors]]:
        """Return the errors in each of the `variants` of each module, by the path of the module.

        A variant takes the module's own place, since other modules of its package know it by name. One run checks one
        variant of every module: they are of different packages.
        """
        found: dict[str, list[Errors]] = {path: [Errors() for _ in texts] for path, texts in variants.items()}
        for number in range(max(len(texts) for texts in variants.values())):
            files = [path for path, texts in variants.items() if number < len(texts)]
            for path, texts in variants.items():
                self._put(path, texts[number if path in files else 0])
            for report in self._mypy(types, files):
                # What the stubs silence is of our own configuration, which is stricter.
                ours = report["code"] == "unused-ignore" and report["file"] not in found
                if report["severity"] == "error" and not ours:
                    found[str(report["file"])][number][str(report["code"]), str(report["message"])] += 1
        return found

    def _put(self, path: str, text: str) -> None:
        file = self.packages / path
        file.write_text(text, "utf-8")
        # mypy's cache takes a file of the same size, written in the same second, for the same file.
        second = next(self.clock)
        os.utime(file, (second, second))

    def where(self, types: Types) -> list[Path]:
        return {
            "h11": [self.home / "h11"],
            "stubs": [ROOT / "stubs", ROOT / "src"],
            "any": [self.home / "any"],
        }[types]

    def errors_by(self, checker: Other, types: Types) -> list[int]:
        """Return how many errors another checker has for each module."""
        paths = [one.path for one in CONSUMERS]
        where = [str(path) for path in self.where(types)]
        settings = self.packages / "pyrightconfig.json"
        if checker == "pyright":
            told = {"include": paths, "extraPaths": where, "pythonVersion": "3.11", "typeCheckingMode": "standard"}
            settings.write_text(json.dumps(told), "utf-8")
        commands: Mapping[Other, list[str]] = {
            "pyright": ["pyright", "--outputjson"],
            "ty": [
                *("ty", "check", "--python-version=3.11", "--output-format=gitlab"),
                *(f"--extra-search-path={path}" for path in where),
                *paths,
            ],
            "pyrefly": [
                *("pyrefly", "check", "--preset=default", "--python-version=3.11", "--output-format=json"),
                *("--summary=none", "--disable-search-path-heuristics=true"),
                *(f"--search-path={path}" for path in (*where, ".")),
                *paths,
            ],
        }
        command = [sys.executable, "-m", *commands[checker]]
        run = subprocess.run(command, cwd=self.packages, capture_output=True, text=True, check=False)
        if run.returncode not in (0, 1):
            raise SystemExit(f"{checker} failed:\n{run.stdout}{run.stderr}")
        found = Counter(_paths(checker, json.loads(run.stdout)))
        # Whatever form a path has.
        counted = [sum(number for name, number in found.items() if name.endswith(path)) for path in paths]
        if sum(counted) != found.total():
            raise SystemExit(f"{checker} has errors elsewhere: {found}")
        return counted

    def _mypy(self, types: Types, files: Sequence[str]) -> list[dict[str, object]]:
        where = self.where(types)
        command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent"]
        command += [
            "--explicit-package-bases",
            "--output=json",
            "--no-error-summary",
            f"--cache-dir={self.home / 'cache' / types}",
        ]
        path = os.pathsep.join(str(directory) for directory in (self.packages, *where))
        run = subprocess.run(
            [*command, *files],
            cwd=self.packages,
            env={**os.environ, "MYPYPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode not in (0, 1) or run.stderr:
            raise SystemExit(f"mypy failed:\n{run.stdout}{run.stderr}")
        return [json.loads(line) for line in run.stdout.splitlines()]


def _paths(checker: Other, report: Any) -> Iterator[str]:
    match checker:
        case "pyright":
            yield from (one["file"] for one in report["generalDiagnostics"] if one["severity"] == "error")
        case "ty":
            yield from (one["location"]["path"] for one in report)
        case "pyrefly":
            yield from (one["path"] for one in report["errors"] if one["severity"] == "error")


def proper(errors: Errors) -> Errors:
    return Errors({key: count for key, count in errors.items() if key[0] not in NEEDLESS})


# --- measuring -----------------------------------------------------------------------------------------------------


@attrs.frozen
class Count:
    """Of one text and its casts and ignores, with one choice of types."""

    errors: int
    needed: frozenset[Marker]


def counts(bench: Bench, types: Types, texts: Mapping[str, str]) -> dict[str, Count]:
    marked = {path: markers(text) for path, text in texts.items()}
    variants = {path: [text, *(without(text, [one]) for one in marked[path])] for path, text in texts.items()}
    counted = {}
    for path, (errors, *alone) in bench.check(types, variants).items():
        base = proper(errors)
        needed = frozenset(one for one, found in zip(marked[path], alone, strict=True) if proper(found) - base)
        counted[path] = Count(base.total(), needed)
    return counted


def objections(
    bench: Bench, types: Types, texts: Mapping[str, str], mistakes: Mapping[str, Sequence[Mistake]]
) -> dict[str, list[set[str]]]:
    """Return the codes of the new errors that each mistake makes, none where it is not caught."""
    variants = {
        path: [text, *(changed(text, mistake.change) for mistake in mistakes[path])] for path, text in texts.items()
    }
    return {
        path: [{code for code, _ in proper(wrong) - base} for wrong in alone]
        for path, (base, *alone) in bench.check(types, variants).items()
    }


@attrs.frozen
class Result:
    figures: Figures
    with_h11: list[set[str]]
    with_stubs: list[set[str]]
    diff: str


def measured(bench: Bench) -> dict[str, Result]:
    published = {one.path: (bench.packages / one.path).read_text("utf-8") for one in CONSUMERS}
    changed_texts = {one.path: edited(published[one.path], one.edits) for one in CONSUMERS}
    mistakes = {one.path: one.mistakes for one in CONSUMERS}

    before = {types: counts(bench, types, published) for types in get_args(Types)}
    after = {types: counts(bench, types, changed_texts) for types in get_args(Types)}
    # What is left when the stubs have made a cast or an ignore needless is the module as it would be written for them.
    final = {
        path: without(text, set(markers(text)) - after["stubs"][path].needed) for path, text in changed_texts.items()
    }
    left = bench.check("stubs", {path: [text] for path, text in final.items()})
    with_h11 = objections(bench, "h11", published, mistakes)
    with_stubs = objections(bench, "stubs", final, mistakes)

    results = {}
    for path, text in published.items():
        needed = before["h11"][path].needed, after["stubs"][path].needed
        unrelated = before["any"][path].needed, after["any"][path].needed
        figures = Figures(
            needed=(len(needed[0]), len(needed[1])),
            about_h11=(len(needed[0] - unrelated[0]), len(needed[1] - unrelated[1])),
            errors=(before["h11"][path].errors, before["stubs"][path].errors),
            errors_edited=(after["h11"][path].errors, left[path][0].total()),
            caught=(sum(map(bool, with_h11[path])), sum(map(bool, with_stubs[path]))),
        )
        diff = difflib.unified_diff(
            text.splitlines(keepends=True), final[path].splitlines(keepends=True), path, path, n=0
        )
        results[path] = Result(figures, with_h11[path], with_stubs[path], "".join(diff))
    return results


def report(results: Mapping[str, Result]) -> Iterator[str]:
    yield "Each pair: with h11 -> with stubs/h11."
    yield ""
    yield "| module | casts and ignores needed | about h11 | errors, as published | errors, edited | mistakes caught |"
    yield "|---|---|---|---|---|---|"
    for one in CONSUMERS:
        f = results[one.path].figures
        pairs = [f"{before} -> {after}" for before, after in (f.needed, f.about_h11, f.errors, f.errors_edited)]
        caught = f"{f.caught[0]} of {len(one.mistakes)} -> {f.caught[1]} of {len(one.mistakes)}"
        yield f"| {one.path} | {' | '.join([*pairs, caught])} |"
    yield ""
    for one in CONSUMERS:
        result = results[one.path]
        yield f"{one.path}: the error for each mistake"
        for mistake, *by in zip(one.mistakes, result.with_h11, result.with_stubs, strict=True):
            h11, stubs = (", ".join(sorted(codes)) or "-" for codes in by)
            yield f"  {mistake.name}: {h11} -> {stubs}"


def by_others(bench: Bench) -> dict[Other, tuple[tuple[int, int], ...]]:
    """Measure the modules as they were published: before anything is changed in them."""
    return {
        checker: tuple(zip(bench.errors_by(checker, "h11"), bench.errors_by(checker, "stubs"), strict=True))
        for checker in get_args(Other)
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what stubs/h11 does for published packages.")
    parser.add_argument("--diff", action="store_true", help="print the edits as well")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        bench = Bench(Path(home))
        bench.install()
        others = by_others(bench)
        results = measured(bench)
    lines = list(report(results))
    lines += ["", "Errors by other checkers, as published:"]
    lines += [
        f"  {checker}: {', '.join(f'{before} -> {after}' for before, after in figures)}"
        for checker, figures in others.items()
    ]
    if arguments.diff:
        lines += ["", *(result.diff for result in results.values())]
    unexpected = [one for one in CONSUMERS if results[one.path].figures != one.expected]
    lines += [f"{one.path}: expected {one.expected}, measured {results[one.path].figures}" for one in unexpected]
    lines += [f"expected of the other checkers: {OTHERS}"] if others != OTHERS else []
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if unexpected or others != OTHERS else 0


if __name__ == "__main__":
    sys.exit(main())
