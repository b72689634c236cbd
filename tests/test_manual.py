"""The manual: what it shows runs, what is made of data is up to date, and nothing public is left out."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
import zlib
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import pytest

import http11
from http11.states import TRANSITIONS
from tests import manual, pictures
from tests.harness import ROOT
from tests.strictness import PACKAGES
from tests.test_readme import README, documented

DOCS = ROOT / "docs"
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if "examples" not in path.parts]
TEXTS = {str(path.relative_to(DOCS)): path.read_text("utf-8") for path in PAGES}
SITE = "https://http11.readthedocs.io/en/latest/"

# --- what is made of data ---------------------------------------------------------------------------------------------


def test_what_is_made_is_what_the_data_make() -> None:
    assert manual.main(["--check"]) == 0


def test_what_was_edited_is_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(manual, "pictures", lambda: {**pictures.pictures(), "house.svg": "edited", "new.svg": ""})
    assert manual.main(["--check"]) == 1
    said = capsys.readouterr().err
    assert "house.svg is not what the data make: run python -m tests.manual" in said
    assert "new.svg" in said
    assert "codes.md" not in said


def test_every_error_code_has_an_entry() -> None:
    headings = re.findall(r"^### (.+)$", manual.PAGE.read_text("utf-8"), re.MULTILINE)
    assert headings == list(get_args(http11.ErrorCode))
    for entry in manual.entries():
        assert entry.shown.error is not None
        assert entry.shown.error.code == entry.said.code


def test_an_error_code_that_nothing_raises_is_found() -> None:
    [code, *_] = manual.codes()
    with pytest.raises(ValueError, match="a vector or a program for bare-lf"):
        manual._entry(code, [])


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_stored_is_what_is_measured(package: str) -> None:
    pytest.importorskip(package)
    versions = manual.versions()
    if metadata.version(package) != versions[package]:
        pytest.skip(f"measured with {package} {versions[package]}")
    for other in PACKAGES:
        pytest.importorskip(other)
    measured = {code: found.get(package) for code, found in manual.measure().items()}
    assert measured == {code: found.get(package) for code, found in manual.stored().items()}


def test_what_is_stored_can_be_stored_again() -> None:
    assert manual.store(manual.stored()) == manual.MEASURED.read_text("utf-8")


def test_the_diagrams_have_every_move_that_connections_make() -> None:
    assert pictures.coupled_moves() == set(pictures.COUPLED)


@pytest.mark.parametrize("role", [http11.CLIENT, http11.SERVER])
def test_a_diagram_has_every_state_of_its_side_and_every_row_of_the_table(role: http11.Role) -> None:
    drawn = (pictures.PICTURES / f"states-{role.lower()}.svg").read_text("utf-8")
    moves = TRANSITIONS[role]
    states = {*moves, *(end for ends in moves.values() for end in ends.values())}
    assert all(f">{state}</text>" in drawn for state in states)
    arrows = {(start, end) for start, ends in moves.items() for end in ends.values()}
    arrows |= {(start, end) for side, start, end in pictures.COUPLED if side == role}
    # One more in the legend for each kind.
    assert drawn.count("marker-end") == len(arrows) + 2
    assert all(move in drawn for ends in moves.values() for move in ends)


def test_a_move_that_no_diagram_has_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {move: why for move, why in pictures.COUPLED.items() if move[2] != "MIGHT_SWITCH_PROTOCOL"}
    monkeypatch.setattr(pictures, "COUPLED", known)
    assert pictures.coupled_moves() - set(known)


# --- code -------------------------------------------------------------------------------------------------------------


# The one of error codes is made by running its programs, which doctest cannot: they print something, and then raise.
@pytest.mark.parametrize(
    "page", [name for name, text in TEXTS.items() if "```pycon" in text and name != "reference/codes.md"]
)
def test_the_sessions_of_a_page_print_what_it_says(page: str) -> None:
    # In their order, as one session: a reader goes from top to bottom.
    parser = doctest.DocTestParser()
    blocks = re.findall(r"^```pycon\n(.*?)^```$", TEXTS[page], re.MULTILINE | re.DOTALL)
    test = parser.get_doctest("\n".join(blocks), {"__name__": "manual"}, page, page, 0)
    report: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.DocTestRunner(optionflags=flags, verbose=False).run(test, out=report.append)
    assert result.attempted > 0
    assert "".join(report) == ""


@pytest.mark.parametrize("name", documented())
def test_a_program_can_be_imported(name: str) -> None:
    if name.startswith("readme"):
        pytest.skip("tests/test_readme.py runs it")
    # In a process of its own: one puts http11 in h11's place.
    program = f"__name__ = 'manual'\n{documented()[name]}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-"], input=program, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_no_block_of_code_is_in_a_language_that_nobody_checks() -> None:
    checked = {"python", "pycon"}
    # Commands, output, settings of other programs; and what is shown because it is wrong, or not ours.
    shown = {"sh", "console", "text", "toml", "ini", "diff", "py", "http"}
    directives = {"{toctree}", "{eval-rst}", "{py:currentmodule} http11"}
    for text in (README, *TEXTS.values()):
        opened = re.findall(r"^```(\S.*)$", text, re.MULTILINE)
        assert {language for language in opened if not language.startswith("{literalinclude}")} <= (
            checked | shown | directives
        )


# --- links ------------------------------------------------------------------------------------------------------------


def test_the_links_of_the_readme_work_on_a_package_index() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    assert [link for link in links if not link.startswith("https://")] == []
    for link in links:
        if link.startswith(SITE):
            page = link.removeprefix(SITE).partition("#")[0].removesuffix(".html") or "index"
            assert (DOCS / f"{page}.md").exists(), link


# --- the site ---------------------------------------------------------------------------------------------------------


def inventory(names: set[str]) -> bytes:
    lines = "".join(f"{name} py:function 1 page.html#$ -\n" for name in sorted(names))
    return b"# Sphinx inventory version 2\n# a\n# b\n# c\n" + zlib.compress(
        f"index std:doc -1 index.html Home\n{lines}".encode()
    )


def test_a_public_name_that_a_site_leaves_out_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = manual.public_names()
    assert {"http11.Connection.send", "http11.Policy.bare_lf", "http11.parsing.parse_request"} <= names
    (tmp_path / "objects.inv").write_bytes(inventory(names))
    assert manual.main(["--site", str(tmp_path)]) == 0
    (tmp_path / "objects.inv").write_bytes(inventory(names - {"http11.Request.target"}))
    assert manual.main(["--site", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "the reference leaves out http11.Request.target\n"


def test_the_site_has_every_public_name(tmp_path: Path) -> None:
    # `.ci/run` builds it in an environment that has Sphinx.
    if find_spec("sphinx") is None:
        pytest.skip("Sphinx is not installed: python -m pip install --group docs")
    command = [sys.executable, "-m", "sphinx", "-W", "-n", "-q", "--keep-going", str(DOCS), str(tmp_path / "site")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert manual.left_out(tmp_path / "site") == []
