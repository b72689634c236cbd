"""Lines on an output: plain text, or in colours where the output is a terminal and rich is installed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from http11.inspector.views import Line, Style

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["PlainPrinter", "Printer", "RichPrinter", "printer", "progress"]


class Printer(Protocol):
    """Something that prints lines."""

    def line(self, line: Line) -> None:
        """Print a line."""

    def flush(self) -> None:
        """Show what has been printed so far."""


class PlainPrinter:
    """Prints plain text to the standard output."""

    def line(self, line: Line) -> None:
        """Print a line."""
        sys.stdout.write("".join(text for text, _ in line).rstrip() + "\n")

    def flush(self) -> None:
        """Show what has been printed so far."""
        sys.stdout.flush()


_COLOURS: Final[Mapping[Style, str]] = {
    "plain": "",
    "dim": "dim",
    "client": "bold cyan",
    "server": "bold green",
    "name": "blue",
    "data": "dim italic",
    "bad": "bold red",
    "note": "yellow",
}

# What precedes the text of a line whose first piece is no indentation.
_INDENT: Final = 12


class RichPrinter:
    """Prints to a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def line(self, line: Line) -> None:
        """Print a line; one that does not fit goes on below its own beginning."""
        from rich.text import Text  # noqa: PLC0415 - an extra

        text = Text.assemble(*((part, _COLOURS[style]) for part, style in line))
        text.rstrip()
        width = self._console.width
        first = line[0][0] if line else ""
        hang = len(first) if first.startswith(" " * _INDENT) else _INDENT
        if text.cell_len <= width or hang > width // 2:
            self._console.print(text, soft_wrap=True)
            return
        indent, content = text[:hang], text[hang:]
        for part in content.wrap(self._console, width - hang):
            self._console.print(Text.assemble(indent, part), soft_wrap=True)
            indent = Text(" " * hang)

    def flush(self) -> None:
        """Show what has been printed so far."""
        self._console.file.flush()


def printer() -> Printer:
    """Return what prints to the standard output."""
    try:
        from rich.console import Console  # noqa: PLC0415 - an extra
    except ImportError:
        return PlainPrinter()
    console = Console(highlight=False, markup=False, emoji=False)
    return RichPrinter(console) if console.is_terminal else PlainPrinter()


# A smaller file takes no time that anybody would want to see.
_LARGE: Final = 8 << 20
_STEP: Final = 1 << 20


@contextmanager
def progress(size: int | None, taken: Callable[[], int]) -> Generator[Callable[[], None]]:
    """Show on the standard error how much of a large file has been read, if that is a terminal and rich is installed.

    Args:
        size: How many bytes there are; None where that is not known, and nothing is shown.
        taken: Returns how many of them have been read.

    """
    try:
        from rich.console import Console  # noqa: PLC0415 - an extra
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn  # noqa: PLC0415
    except ImportError:
        yield lambda: None
        return
    console = Console(stderr=True)
    if size is None or size < _LARGE or not console.is_terminal:
        yield lambda: None
        return
    with Progress(BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task("", total=size)
        shown = 0

        def update() -> None:
            nonlocal shown
            if taken() - shown >= _STEP:
                shown = taken()
                bar.update(task, completed=shown)

        yield update
