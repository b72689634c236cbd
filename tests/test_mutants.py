"""The mutation tester itself: what it changes, what it lists, and that it tells a killed mutant from a survivor."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from http11 import ErrorCode
from tests.mutants.__main__ import codes
from tests.mutants.changes import Key, Mutant, mutants
from tests.mutants.listed import LISTED, Same, entry, listed, reason_for
from tests.mutants.named import NAMED, Replacement, sources
from tests.mutants.patterns import pattern_changes
from tests.mutants.trial import ROOT, SOURCE

MODULES = [path.stem for path in SOURCE.glob("*.py")]


def becomes(source: str, module: str = "any") -> set[str]:
    """Return what one line of `source` becomes."""
    return {mutant.key.new for mutant in mutants(module, source, frozenset(["bad-name", "unspecified"]))}


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("x = a < b", {"x = a <= b", "x = a >= b"}),
        ("x = (a) == b", {"x = (a) != b"}),
        ("x = a not in (b, c)", {"x = a in (b, c)", "x = a not in (c)", "x = a not in (b)"}),
        ("x = a and b", {"x = a or b", "x = True and b", "x = a and True"}),
        ("x = not a", {"x = bool(a)"}),
        ("x = b if a else c", {"x = (b)", "x = (c)"}),
        ("x = a[1:b]", {"x = a[:b]", "x = a[1:]", "x = a[0:b]", "x = a[2:b]"}),
        ("x = a + 1", {"x = a - 1", "x = a + 0", "x = a + 2"}),
        ("x = True", {"x = False"}),
        ('x = a.strip(b" ")', {"x = a.strip()", "x = a", 'x = a.rstrip(b" ")', 'x = a.lstrip(b" ")'}),
        ("x = f(a, b=c, d=e)", {"x = f(a, d=e)", "x = f(a, b=c)"}),
        ("x = f(a, b)", {"x = f(a)"}),
        ("x = {a: b, c: d}", {"x = {c: d}", "x = {a: b, }"}),
        ('x = "bad-name"', {'x = "unspecified"'}),
        ('x = b"a b c"', {"x = b' b c'", "x = b'a c'", "x = b'a b'"}),
        ("x = [a for a in b if c]", {"x = [a for a in b if True]"}),
    ],
)
def test_each_kind_of_expression(line: str, some: set[str]) -> None:
    found = becomes(line)
    assert some <= found
    assert line not in found


def test_each_kind_of_statement() -> None:
    source = '''
def f(a=1, *, b: "type" = None) -> "type":
    """What it is for."""
    if a:
        return b
    a = 2
    a += 1
    check(a)
    while b:
        raise Wrong("expected this")
    return f"{a + 1}"
'''
    assert becomes(source) == {
        'def f(a=0, *, b: "type" = None) -> "type":',
        'def f(a=2, *, b: "type" = None) -> "type":',
        "if not (a):",
        *("pass", "return None"),
        *("a = 1", "a = 3"),
        *("a -= 1", "a += 0", "a += 2"),
        "while not (b):",
    }


def test_what_is_said_to_checkers_is_left_alone() -> None:
    assert becomes('X: TypeAlias = Literal["a"]\n__all__ = ["a", "b"]\n@overload\ndef f(a: int = 1): ...\n') == set()
    assert becomes("if TYPE_CHECKING:\n    x = 1\n") == set()


@pytest.mark.parametrize(
    ("pattern", "changes"),
    [
        (
            r"[a-c\-]*+",
            {r"[\x61-\x63]*+", r"[\x2d-\x2d\x61-\x62]*+", r"[\x2d-\x2d\x61-\x64]*+", r"[a-c\-]++", r"[a-c\-]*"},
        ),
        (r"[^\x00-\xfd]", {r"[\xfe-\xfe]", r"[\xff-\xff]", r"[\xfd-\xff]"}),
        ("(?>a+)", {"(?:a+)", "(?>a*)"}),
        ("a{2,3}+", {"a{1,3}+", "a{3,3}+", "a{2,2}+", "a{2,4}+", "a{2,3}"}),
        ("(?:%b|%b)?", {"(?:%b)?", "(?:%b|%b)", "(?:%b|%b)*"}),
        (r"(?![ \t])%b", {"%b", r"(?![\x20-\x20])%b", r"(?![\x09-\x09])%b"}),
        (r"\r\.", {r"\.", r"\r?\.", r"\r+\.", r"\r", r"\r\.?", r"\r\.+", r"\r."}),
    ],
)
def test_each_kind_of_pattern(pattern: str, changes: set[str]) -> None:
    found = {pattern[: one.start] + one.text + pattern[one.stop :] for one in pattern_changes(pattern)}
    assert changes <= found
    if "[" not in pattern:
        assert found == changes


def test_classes_are_those_of_the_patterns_themselves() -> None:
    # Only a class that has been understood can be changed by one byte.
    for text in (r"[!#$%&'*+\-.^_`|~0-9A-Za-z]", r"[\t !#-\[\]-~\x80-\xff]", r"[^\x00\n\x0b\x0c\r]", r'[!"$-~]'):
        members = {byte for byte in range(256) if re.fullmatch(text.encode(), bytes([byte]))}
        for change in pattern_changes(text):
            changed = {byte for byte in range(256) if re.fullmatch(change.text.encode(), bytes([byte]))}
            assert change.what.startswith("one byte")
            assert changed ^ members == {int(change.what[-2:], 16)}


def test_patterns_are_changed_in_the_grammar_only() -> None:
    line = 'X: Final = re.compile(rb"[0-9]++")'
    assert r'X: Final = re.compile(rb"[\x30-\x38]++")' in becomes(line, "grammar")
    assert 'X: Final = re.compile(rb"[0-9]*+")' in becomes(line, "grammar")
    assert 'X: Final = re.compile(rb"[0-9]*+")' not in becomes(line)
    with pytest.raises(ValueError, match="as it is written"):
        becomes(r'X = "", b"\t"', "grammar")


def test_a_key_tells_a_mutant_from_all_others_and_not_where_it_stands() -> None:
    source = "class A:\n    def f(self):\n        g(1)\n        g(1)\n"
    keys = [mutant.key for mutant in mutants("any", source)]
    assert len(keys) == len(set(keys))
    assert Key("any", "A.f", "g(1)", "g(0)") in keys
    assert Key("any", "A.f", "g(1)", "g(0)", 2) in keys
    assert keys == [mutant.key for mutant in mutants("any", "# more\n\n" + source)]


def test_only_the_lines_that_are_changed_are_in_the_key() -> None:
    changed = {(one.key.old, one.key.new) for one in mutants("any", "x = f(\n    a,\n    b=c,\n    d=e < g,\n)\n")}
    assert changed == {("b=c,", ""), ("d=e < g,", ""), ("d=e < g,", "d=e <= g,"), ("d=e < g,", "d=e >= g,")}


# --- what may survive -----------------------------------------------------------------------------------------------


def test_an_entry_is_read_as_it_is_printed(tmp_path: Path) -> None:
    keys = [Key("any", "f", """x = b" \\t" 'or'""", 'x = b""', 2), Key("any", "", "", "pass")]
    path = tmp_path / "same.toml"
    path.write_text("\n".join(f'{entry(key)}\nreason = "why"\n' for key in keys), "utf-8")
    for key, same in zip(keys, listed(["any"], path), strict=True):
        assert same.covers(Mutant(key, "what", ""))
        assert not same.covers(Mutant(key._replace(new="another"), "what", ""))
        assert reason_for(Mutant(key, "what", ""), [same]) is same
    assert listed(["another"], path) == []


def test_an_entry_may_be_for_all_of_a_kind() -> None:
    same = Same("any", "f", "why", what="a word dropped")
    key = Key("any", "f", "old", "new")
    assert same.covers(Mutant(key, "a word dropped", ""))
    assert not same.covers(Mutant(key, "another", ""))
    assert not same.covers(Mutant(key._replace(where="g"), "a word dropped", ""))


def test_every_entry_says_why_and_is_for_a_mutant_that_exists() -> None:
    entries = listed(MODULES)
    assert all(len(one.reason.split()) > 3 for one in entries)
    modules = {one.module for one in entries}
    found = {module: list(mutants(module, (SOURCE / f"{module}.py").read_text("utf-8"), codes())) for module in modules}
    assert [one for one in entries if not any(map(one.covers, found[one.module]))] == []
    assert LISTED.exists()


def test_the_error_codes_are_read_off_the_source() -> None:
    assert codes() == frozenset(get_args(ErrorCode))


# --- the named mistakes ---------------------------------------------------------------------------------------------


def test_each_named_mistake_can_be_made() -> None:
    assert len(NAMED) == 6
    for changes in NAMED.values():
        for change in changes:
            assert all(compile(source, change.module, "exec") for source in sources(change))
    with pytest.raises(ValueError, match="not there any more"):
        list(sources(Replacement("grammar", "no such text", "")))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a mutant is tried in a process that is forked")
def test_a_mutant_is_tried_on_a_copy() -> None:
    """In a process of its own: this one has http11 imported."""
    program = """
import sys
from tests.mutants.trial import SOURCE, court

with court() as place:
    source = (SOURCE / "framing.py").read_text("utf-8")
    print(place.killer("framing", source, ["tests/test_framing.py"]))
    print(place.killer("framing", source.replace("return CHUNKED", "return None"), []))
    print(place.killer("framing", "raise ImportError", []))
    print(place.killer("framing", source + "\\n\\ndef is_http11(_): raise SystemExit", []))
    print(place.killer("framing", source, ["tests/no_such_test.py"]))
    print(place.killer("framing", "import os; os.kill(os.getpid(), 14)", []))
"""
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    lines = told.stdout.splitlines()
    assert lines[0] == "None"
    assert re.match(r"[A-Z]{2}-\d+-", lines[1])
    assert lines[2] == "import: ImportError"
    assert lines[3].startswith("SystemExit")
    assert lines[4].startswith("pytest:")
    assert lines[5] == "the time limit"
    assert "return CHUNKED" in (SOURCE / "framing.py").read_text("utf-8")
