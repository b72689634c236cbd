"""What the manual has that is made of data: docs/reference/codes.md and the pictures in docs/pictures.

    python -m tests.manual                measure h11 and llhttp by the inputs of the page, and write everything
    python -m tests.manual --stored       write everything by what was measured before
    python -m tests.manual --check        fail if something is not what the data make
    python -m tests.manual --site DIR     fail if the site in DIR, as Sphinx built it, leaves out a public name

An entry of the page is what `tests/vectors/codes.toml` says of an error code, and what is found by raising it: a vector
is made a program, the program is run, and the error that it ends with has its rule, its status and its tolerance. What
h11 and llhttp do with the input is kept in `tests/vectors/measured-codes.toml`. `tests.pictures` makes the pictures.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import re
import sys
import tomllib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Final, TypeAlias, get_args

import attrs

import http11
from http11 import CLIENT, ErrorCode, ProtocolError, Tolerance, compat, parsing, pipelining, serialization
from tests.harness import ROOT, VECTORS, SendingVector, Vector, doors, event_of, reading_vectors, sending_vectors
from tests.pictures import PICTURES, pictures
from tests.strictness import PACKAGES, PARSERS, READ, Row, compare, table
from tests.strictness import stored as measured_rows

PAGE: Final = ROOT / "docs" / "reference" / "codes.md"
CODES: Final = VECTORS / "codes.toml"
MEASURED: Final = VECTORS / "measured-codes.toml"

# --- the codes --------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Code:
    """What `codes.toml` says of an error code.

    Attributes:
        code: Its name.
        section: The heading that it stands under.
        means: What is wrong.
        program: Statements that raise it; empty where a vector does.
        vector: The row, and perhaps the name, of the vector to show; empty for the shortest one of all.

    """

    code: ErrorCode
    section: str
    means: str
    program: tuple[str, ...]
    vector: tuple[str, ...]


@cache
def codes() -> tuple[Code, ...]:
    """Return the codes, in the order of `ErrorCode`."""
    data = tomllib.loads(CODES.read_text("utf-8"))
    return tuple(
        Code(
            code=code,
            section=data["code"][code]["section"],
            means=data["code"][code]["means"],
            program=tuple(data["code"][code].get("program", [])),
            vector=tuple(data["code"][code].get("vector", [])),
        )
        for code in get_args(ErrorCode)
    )


# --- programs ---------------------------------------------------------------------------------------------------------

PREAMBLE: Final = """\
import attrs
from http11 import *
from http11 import STRICT
def show(conn):
    while not isinstance(event := conn.next_event(), type):
        print(event)
"""


@attrs.frozen
class Transcript:
    """A program, and what came of it.

    Attributes:
        lines: It, as an interactive session.
        error: What it ended with.

    """

    lines: tuple[str, ...]
    error: ProtocolError | None


def run(statements: Sequence[str]) -> Transcript:
    """Run statements as an interactive session does, up to the first protocol error."""
    space: dict[str, object] = {}
    exec(PREAMBLE, space)
    lines: list[str] = []
    for statement in statements:
        lines.append(f">>> {statement}")
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out):
                exec(compile(statement, "<manual>", "single"), space)
        except ProtocolError as error:
            lines += [*_shortened(out.getvalue().splitlines()), "Traceback (most recent call last):", "    ..."]
            lines.append(f"{type(error).__module__}.{type(error).__name__}: {error}")
            return Transcript(tuple(lines), error)
        lines += _shortened(out.getvalue().splitlines())
    return Transcript(tuple(lines), None)


def _shortened(lines: Sequence[str]) -> list[str]:
    """Put dots, as doctest knows them, in the place of what is printed again and again."""
    dotted = ["..." if place and line == lines[place - 1] else line for place, line in enumerate(lines)]
    return [line for place, line in enumerate(dotted) if line != "..." or dotted[place - 1] != "..."]


def literal(value: bytes) -> str:
    """Spell bytes; what is said many times, as a product."""
    run_of = re.search(rb"(?s)(.{1,40}?)\1{15,}", value)
    if run_of is None:
        return repr(value)
    unit = run_of[1]
    parts = [repr(value[: run_of.start()])] if run_of.start() else []
    parts.append(f"{unit!r} * {len(run_of[0]) // len(unit)}")
    if run_of.end() < len(value):
        parts.append(literal(value[run_of.end() :]))
    return " + ".join(parts)


def _connection(vector: Vector) -> str:
    limit = f", {vector.limit}" if vector.limit != 16384 else ""
    changes = ", ".join(f"{name}={value}" for name, value in vector.changes)
    policy = f", policy=attrs.evolve(STRICT, {changes})" if changes else ""
    return f"conn = Connection({vector.role}{limit}{policy})"


def reading(vector: Vector) -> list[str]:
    """Return the program that reads a vector."""
    statements = [_connection(vector)]
    if vector.role == CLIENT:
        request = parsing.parse_request(vector.request or b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        statements.append(f"sent = conn.send({_spelled(request)}) + conn.send(EndOfMessage())")
    if vector.data:
        statements.append(f"conn.receive_data({literal(vector.data)})")
    if vector.closed:
        statements.append('conn.receive_data(b"")')
    return [*statements, "show(conn)"]


def sending(vector: SendingVector) -> list[str]:
    """Return the program that sends a vector, of events that can all be made but the last one."""
    statements = [f"conn = Connection({vector.role})"]
    if vector.received:
        statements += [f"conn.receive_data({vector.received!r})", "show(conn)"]
    *before, last = vector.send
    statements += [f"sent = conn.send({_spelled(event_of(event))})" for event in before]
    try:
        return [*statements, f"conn.send({_spelled(event_of(last))})"]
    except ProtocolError:
        return []


def _spelled(event: http11.Event) -> str:
    given = [
        f"{field.name}={value.raw_items() if isinstance(value, http11.Headers) else value!r}"
        for field in attrs.fields(type(event))
        if (value := getattr(event, field.name)) != field.default
        and (field.name, value) not in {("http_version", b"1.1"), ("reason", b""), ("chunk_start", False)}
        and (field.name, value) != ("chunk_end", False)
        and not (isinstance(event, http11.EndOfMessage) and len(event.headers) == 0)
    ]
    return f"{type(event).__name__}({', '.join(given)})".replace("Data(data=", "Data(")


# --- entries ----------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Entry:
    """An error code, with what was found by raising it.

    Attributes:
        said: What `codes.toml` says.
        shown: The program to show, and what came of it.
        vector: The vector that it is made of, if there is one.
        row: The row of the table that the vector belongs to.
        statuses: Each status hint that an error of this code has had, over all vectors.
        tolerances: Each field of `Policy` that an error of this code has named.

    """

    said: Code
    shown: Transcript
    vector: Vector | SendingVector | None
    row: Row | None
    statuses: tuple[int, ...]
    tolerances: tuple[Tolerance, ...]


@cache
def entries() -> tuple[Entry, ...]:
    """Return an entry for each code.

    Raises:
        ValueError: Nothing raises one of them.

    """
    found: dict[ErrorCode, list[tuple[Transcript, ProtocolError, Vector | SendingVector]]] = {}
    for vector, program in _programs():
        transcript = run(program)
        if transcript.error is not None:
            found.setdefault(transcript.error.code, []).append((transcript, transcript.error, vector))
    return tuple(_entry(code, found.get(code.code, [])) for code in codes())


def _programs() -> Iterator[tuple[Vector | SendingVector, list[str]]]:
    for vector in reading_vectors():
        if vector.strict and vector.strict[-1][0] == "error":
            yield vector, reading(vector)
    for sent in sending_vectors():
        if sent.refused is not None and sent.refused[0] == "send" and not sent.forward:
            yield sent, sending(sent)


def _entry(code: Code, raised: list[tuple[Transcript, ProtocolError, Vector | SendingVector]]) -> Entry:
    if code.program:
        shown = run(code.program)
        if shown.error is None or shown.error.code != code.code:
            raise ValueError(f"expected the program of codes.toml to raise {code.code}, got {shown.error!r}")
        return Entry(
            said=code, shown=shown, vector=None, row=None, statuses=(shown.error.error_status_hint,), tolerances=()
        )
    # What is sent has fewer states before it than what is received, and is as short.
    named = [one for one in raised if (one[2].id, one[2].name)[: len(code.vector)] == code.vector]
    if not named:
        raise ValueError(f"expected a vector or a program for {code.code}, got none")
    # What is beside a door shows less well what is wrong than what is about that alone.
    shown, _, vector = min(named, key=lambda one: (one[2].id in doors(), *_size(one[0], one[2])))
    rows = {row.id: row for row in table().rows}
    return Entry(
        said=code,
        shown=shown,
        vector=vector,
        row=rows[vector.id],
        statuses=tuple(sorted({error.error_status_hint for _, error, _ in raised})),
        tolerances=tuple(sorted({error.tolerance for _, error, _ in raised if error.tolerance is not None})),
    )


def _size(transcript: Transcript, vector: Vector | SendingVector) -> tuple[bool, bool, int]:
    return isinstance(vector, SendingVector), vector.closed, len("".join(transcript.lines))


# --- what others do ---------------------------------------------------------------------------------------------------

Found: TypeAlias = Mapping[ErrorCode, Mapping[str, str]]

WORDS: Final[Mapping[str, str]] = {
    "same": "rejects it",
    "lets_in": "accepts it",
    "waits": "waits for more",
}


def measure() -> Found:
    """Ask the packages that are installed what they do with the input of each entry."""
    return {
        entry.said.code: {
            package: WORDS[compare(entry.vector.strict, reads(entry.vector))]
            for package, (reads, asks) in PARSERS.items()
            if asks(entry.vector)
        }
        for entry in entries()
        if isinstance(entry.vector, Vector)
    }


def versions() -> Mapping[str, str]:
    """Return the versions of the packages that were measured."""
    return measured_rows().versions


def stored() -> Found:
    """Return what was measured before."""
    found: Found = tomllib.loads(MEASURED.read_text("utf-8"))["code"]
    return found


def store(found: Found) -> str:
    """Spell what was measured as TOML."""
    lines = [
        "# What other parsers do with the inputs of docs/reference/codes.md: `python -m tests.manual` writes it.",
        "# The versions are those of measured.toml.",
    ]
    for code, packages in found.items():
        lines += ["", f"[code.{code}]", *(f'{package} = "{words}"' for package, words in packages.items())]
    return "\n".join(lines) + "\n"


# --- the page ---------------------------------------------------------------------------------------------------------

INTRODUCTION: Final = """\
# Error codes

Made by `python -m tests.manual` of `tests/vectors`; do not edit.

An entry for each value of `error.code`. Each has:

- **Rule**: `error.rule`, the section that is broken.
- **Status**: `error.error_status_hint`, the status that a server should answer with.
- **Tolerance**: the field of [`Policy`](policy.md) that lets the input in. Where an error names one, it is
  `error.tolerance`.
- **Decision**: the row of [What http11 accepts](../strictness.md), which has the reasons and the sources.

Then comes an input that raises it under `STRICT`, and what other implementations do with this input by default. h11
{h11} and llhttp (in httptools {httptools}) were given it; what hyper, Go and nginx do with inputs of this kind was read
in their sources, which the decision lists.

The programs share this beginning:

```pycon
>>> import attrs
>>> from http11 import *
>>> def show(conn):
...     while not isinstance(event := conn.next_event(), type):
...         print(event)
```
"""


def _rule(rule: str) -> str:
    _, rfc, section = rule.split(" ")
    return f"[{rule}](https://www.rfc-editor.org/rfc/rfc{rfc}#section-{section})"


def _described(entry: Entry, found: Found) -> list[str]:
    code, error = entry.said.code, entry.shown.error
    lines = [f"### {code}", "", entry.said.means, ""]
    if error is not None and error.rule:
        lines.append(f"- Rule: {_rule(error.rule)}")
    lines.append(f"- Status: {' or '.join(map(str, entry.statuses))}")
    if entry.tolerances:
        some = "" if error is not None and error.tolerance is not None else "for some inputs, "
        lines.append(f"- Tolerance: {some}{', '.join(f'`{name}`' for name in entry.tolerances)}")
    if entry.row is not None:
        lines.append(f"- Decision: {{ref}}`{entry.row.id.lower()}`, {entry.row.input}")
    lines += ["", "```pycon", *entry.shown.lines, "```", ""]
    if isinstance(entry.vector, Vector) and entry.row is not None:
        measured = found.get(code, {})
        cells = [measured.get(package, "not measured") for package in PACKAGES]
        cells += [entry.row.claims[name].does for name in READ]
        heads = [*PACKAGES.values(), *READ.values()]
        lines += [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", f"| {' | '.join(map(_cell, cells))} |", ""]
    return lines


def _cell(value: str) -> str:
    return value.replace("|", "\\|")


def page(found: Found) -> str:
    """Make the page."""
    lines = [INTRODUCTION.format(**versions()), "## All codes", "", "| code | status | rule |", "|---|---|---|"]
    for entry in entries():
        rule = _rule(entry.shown.error.rule) if entry.shown.error is not None and entry.shown.error.rule else ""
        statuses = ", ".join(map(str, entry.statuses))
        lines.append(f"| [{entry.said.code}](#{entry.said.code}) | {statuses} | {rule} |")
    lines.append("")
    section = ""
    for entry in entries():
        if entry.said.section != section:
            section = entry.said.section
            lines += [f"## {section}", ""]
        lines += _described(entry, found)
    return "\n".join(lines).rstrip("\n") + "\n"


# --- the site ---------------------------------------------------------------------------------------------------------

MODULES: Final[tuple[ModuleType, ...]] = (http11, pipelining, parsing, serialization, compat)


def public_names() -> set[str]:
    """Return every public name, with its module's, and the public members of the classes that have methods."""
    names = {f"{module.__name__}.{name}" for module in MODULES for name in module.__all__}
    names |= {f"http11.{plug}.{name}" for plug in PLUGS for name in declared_all(plug)}
    for owner in (http11.Connection, http11.Headers):
        ours = [base for base in owner.__mro__ if base.__module__.startswith("http11.")]
        members = {name for base in ours for name in vars(base) if not name.startswith("_")}
        names |= {f"http11.{owner.__name__}.{name}" for name in members}
    for declared in attrs_classes():
        names |= {f"http11.{declared.__name__}.{field.name}" for field in attrs.fields(declared)}
    names |= {f"http11.pipelining.Pipeline.{name}" for name in vars(pipelining.Pipeline) if not name.startswith("_")}
    names |= {f"http11.pipelining.AnswerEvent.{field.name}" for field in attrs.fields(pipelining.AnswerEvent)}
    return names


# They cannot be imported without the packages that they are for.
PLUGS: Final = ("gunicorn", "httpx", "hypercorn", "uvicorn")


def declared_all(module: str) -> list[str]:
    """Return the `__all__` of a module that may not be importable."""
    tree = ast.parse((ROOT / "src" / "http11" / f"{module}.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    raise LookupError(f"expected an __all__ in http11.{module}")


def attrs_classes() -> list[type[attrs.AttrsInstance]]:
    """Return the public classes that are declared by their fields."""
    return [one for name in http11.__all__ if isinstance(one := getattr(http11, name), type) and attrs.has(one)]


def listed_names(inventory: bytes) -> set[str]:
    """Return the names of Python objects that a Sphinx inventory lists."""
    # Four lines of text, then a line for each object, compressed.
    text = zlib.decompress(inventory.split(b"\n", 4)[4]).decode("utf-8")
    return {line.split(" ", 1)[0] for line in text.splitlines() if " py:" in line}


def left_out(site: Path) -> list[str]:
    """Return the public names that a site leaves out."""
    return sorted(public_names() - listed_names((site / "objects.inv").read_bytes()))


# --- the command ------------------------------------------------------------------------------------------------------


def made(found: Found) -> dict[Path, str]:
    """Return everything that is made, by where it goes."""
    return {PAGE: page(found), **{PICTURES / name: text for name, text in pictures().items()}}


def main(arguments: list[str] | None = None) -> int:
    """Run the command, and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.manual", description="Make what the manual has of data.")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--stored", action="store_true", help="by what was measured before")
    how.add_argument("--check", action="store_true", help="only see whether it is what the data make")
    how.add_argument("--site", type=Path, metavar="DIR", help="only see whether the site there has every public name")
    given = parser.parse_args(arguments)
    if given.site is not None:
        missing = left_out(given.site)
        for name in missing:
            sys.stderr.write(f"the reference leaves out {name}\n")
        return 1 if missing else 0
    if given.check:
        stale = [path for path, text in made(stored()).items() if not path.exists() or path.read_text("utf-8") != text]
        for path in stale:
            sys.stderr.write(f"{path.name} is not what the data make: run python -m tests.manual --stored\n")
        return 1 if stale else 0
    if not given.stored:
        MEASURED.write_text(store(measure()), "utf-8")
    for path, text in made(stored()).items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
