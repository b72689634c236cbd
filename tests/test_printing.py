"""Output on a terminal: in colours, with lines that go on below themselves; and without rich."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr

import pytest
from rich.console import Console

from http11.inspector import printing
from http11.inspector.printing import PlainPrinter, RichPrinter, printer, progress
from http11.inspector.views import Line


def printed(line: Line, width: int) -> str:
    out = io.StringIO()
    rich = RichPrinter(Console(file=out, width=width, force_terminal=True, highlight=False, color_system="standard"))
    rich.line(line)
    rich.flush()
    return out.getvalue()


def test_styles_become_colours() -> None:
    assert printed([("    ", "plain"), ("x", "bad"), ("  ", "plain")], 80) == "    \x1b[1;31mx\x1b[0m\n"
    assert printed([], 80) == "\n"
    # No markup, no emoji.
    assert printed([("[bold]:smile:", "plain")], 80) == "[bold]:smile:\n"


@pytest.mark.parametrize(
    ("first", "indent"), [(" " * 12 + "rule    ", 20), ("        0 ", 12), ("x" * 10, 12)], ids=["label", "offset", "x"]
)
def test_line_that_is_too_long_goes_on_below_itself(first: str, indent: int) -> None:
    words = " ".join(["word"] * 20)
    lines = printed([(first, "plain"), (words, "plain")], 60).splitlines()
    assert len(lines) > 1
    assert lines[0].startswith(first)
    assert all(len(line) <= 60 for line in lines)
    assert all(line.startswith(" " * indent + "word") for line in lines[1:])
    joined = " ".join(line.strip() for line in lines)
    assert joined.count("word") == 20


def test_narrow_terminal_wraps_as_it_will() -> None:
    assert printed([(" " * 20, "plain"), ("word " * 9, "plain")], 30).count("\n") == 1


def test_printer_goes_by_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert isinstance(printer(), PlainPrinter)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert isinstance(printer(), RichPrinter)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert isinstance(printer(), PlainPrinter)


def test_progress_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(printing, "_LARGE", 100)
    monkeypatch.setattr(printing, "_STEP", 50)
    taken = 0
    with redirect_stderr(io.StringIO()) as err, progress(200, lambda: taken) as update:
        update()
        taken = 150
        update()
    assert "150/200 bytes" in err.getvalue()
    for size in (None, 99):
        with redirect_stderr(io.StringIO()) as err, progress(size, lambda: 0) as update:
            update()
        assert err.getvalue() == ""
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    with redirect_stderr(io.StringIO()) as err, progress(200, lambda: 0) as update:
        update()
    assert err.getvalue() == ""
