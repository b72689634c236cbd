"""What the checkers should say about a program, read from the program itself.

Beside a line that has to be rejected stands which kind of mistake it is, and what every message has to contain::

    conn.send(response)  # error: overload "send"

`KINDS` says how each checker calls such a mistake. Where one of them calls it otherwise, or does not see it, the line
says so, and a comment above it why::

    # mypy calls it by another name.
    conn.send(event)  # error: overload "send"; mypy arg-type
    # Nobody but mypy looks for it.
    print("Host" in headers)  # error: comparison; pyright none
    assert_never(event)  # error: forgotten; only pyrefly

A line without such a comment has to be accepted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

from tests.typing.checkers import CHECKERS, Checker, Problem

__all__ = ["Expectation", "expectations", "surprises"]

# For each kind of mistake, the codes of mypy, pyright, ty and pyrefly.
KINDS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "argument": ("arg-type", "reportArgumentType", "invalid-argument-type", "bad-argument-type"),
    "assignment": ("assignment", "reportAssignmentType", "invalid-assignment", "bad-assignment"),
    "attribute": ("attr-defined", "reportAttributeAccessIssue", "missing-attribute", "missing-attribute"),
    "comparison": ("comparison-overlap", "reportUnnecessaryComparison", "none", "none"),
    "exhaustive": ("exhaustive-match", "reportMatchNotExhaustive", "none", "none"),
    "final": ("misc", "reportAttributeAccessIssue", "invalid-assignment", "read-only"),
    "forgotten": ("arg-type", "reportArgumentType", "type-assertion-failure", "bad-argument-type"),
    "index": ("index", "reportIndexIssue", "invalid-assignment", "unsupported-operation"),
    "item": ("list-item", "reportArgumentType", "invalid-argument-type", "bad-argument-type"),
    "key": ("index", "reportArgumentType", "invalid-argument-type", "bad-index"),
    "lookup": ("call-overload", "reportCallIssue", "invalid-argument-type", "bad-index"),
    "mapping": ("dict-item", "reportArgumentType", "invalid-argument-type", "bad-assignment"),
    "missing": ("call-arg", "reportCallIssue", "missing-argument", "missing-argument"),
    "member": ("union-attr", "reportAttributeAccessIssue", "missing-union-attribute", "missing-attribute"),
    "operator": ("operator", "reportOperatorIssue", "unsupported-operator", "unsupported-operation"),
    "optional": ("union-attr", "reportOptionalMemberAccess", "missing-union-attribute", "missing-attribute"),
    "overload": ("call-overload", "reportCallIssue", "no-matching-overload", "no-matching-overload"),
    "pattern": ("misc", "reportGeneralTypeIssues", "invalid-match-pattern", "bad-match"),
    "positional": ("call-arg", "reportCallIssue", "too-many-positional-arguments", "bad-argument-count"),
    "read-only": ("misc", "reportAttributeAccessIssue", "invalid-assignment", "read-only"),
    "return": ("return-value", "reportReturnType", "invalid-explicit-return", "bad-return"),
    "role": ("type-var", "reportArgumentType", "invalid-argument-type", "bad-specialization"),
    "subclass": ("misc", "reportGeneralTypeIssues", "subclass-of-final-class", "invalid-inheritance"),
    "type": ("assert-type", "reportAssertTypeFailure", "type-assertion-failure", "assert-type"),
    "unknown": ("call-arg", "reportCallIssue", "unknown-argument", "unexpected-keyword"),
}

_COMMENT: Final = re.compile(r'# error: (?P<kind>[a-z-]+)(?: "(?P<word>[^"]+)")?(?P<others>(?:; [a-z]+ [A-Za-z-]+)*)\Z')


class Expectation(NamedTuple):
    """A mistake that has to be found.

    Attributes:
        path: The program's path.
        line: From 1.
        word: What every message about it contains, perhaps nothing.
        codes: What each checker calls it; those that do not see it are left out.

    """

    path: Path
    line: int
    word: str
    codes: Mapping[Checker, str]


def expectations(path: Path) -> Iterator[Expectation]:
    """Yield what the program at `path` expects of its checkers.

    Raises:
        ValueError: A comment cannot be understood.

    """
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        _, mark, _ = line.partition("# error:")
        if not mark:
            continue
        match = _COMMENT.search(line)
        if match is None or match["kind"] not in KINDS:
            raise ValueError(f"{path.name}:{number}: expected '# error: KIND \"WORD\"; CHECKER CODE', got {line!r}")
        codes = dict(zip(CHECKERS, KINDS[match["kind"]], strict=True))
        for other in match["others"].split("; ")[1:]:
            _change(codes, other, f"{path.name}:{number}")
        yield Expectation(
            path, number, match["word"] or "", {one: code for one, code in codes.items() if code != "none"}
        )


def _change(codes: dict[Checker, str], other: str, where: str) -> None:
    """Apply "CHECKER CODE" or "only CHECKER" to `codes`."""
    first, second = other.split(" ")
    changed = {one: second for one in CHECKERS if one == first}
    if first == "only" and second in CHECKERS:
        changed = dict.fromkeys([one for one in CHECKERS if one != second], "none")
    if not changed or all(codes[one] == code for one, code in changed.items()):
        raise ValueError(f"{where}: expected which checker says otherwise, and what, got {other!r}")
    codes.update(changed)


def surprises(checker: Checker, expected: Collection[Expectation], problems: Collection[Problem]) -> list[str]:
    """Return how what `checker` found differs from what was `expected` of it, a line each.

    One of the messages about a line has to be the expected one; a checker may say more about the same line.
    """
    place = attrgetter("path", "line")
    found = {key: list(group) for key, group in groupby(sorted(problems, key=place), place)}
    lines: list[str] = []
    for one in expected:
        said = found.pop((one.path, one.line), [])
        code = one.codes.get(checker)
        where = f"{one.path.parent.name}/{one.path.name}:{one.line}"
        if code is None:
            if said:
                lines.append(f"{where}: {checker} finds it now: {_told(said)}")
        elif not said:
            lines.append(f"{where}: {checker} accepts it")
        elif not any(problem.code == code and one.word in problem.message for problem in said):
            lines.append(f'{where}: {checker} says otherwise than {code} with "{one.word}": {_told(said)}')
    for said in found.values():
        path, line = place(said[0])
        lines.append(f"{path.parent.name}/{path.name}:{line}: {checker} rejects it: {_told(said)}")
    return lines


def _told(problems: Collection[Problem]) -> str:
    return "; ".join(f"[{problem.code}] {problem.message}" for problem in problems)
