"""Where bytes come from: files, the standard input, a pipe that is still being written."""

from __future__ import annotations

import os
import stat
from types import TracebackType
from typing import Final, Self

from http11.inspector.words import escaped

__all__ = ["Source", "UnreadableError", "reason"]

PIECE: Final = 16 * 1024


class UnreadableError(Exception):
    """The input cannot be opened or read; the text says which and why, and is safe to print."""


class Source:
    """A file, or the standard input for ``-``.

    Attributes:
        name: What it is called, in words that are safe to print.
        size: How many bytes it has; None where that is not known, as for a pipe.
        taken: How many of them have been handed out.

    Raises:
        UnreadableError: It cannot be opened.

    """

    def __init__(self, file: str) -> None:
        self.name = "<stdin>" if file == "-" else escaped(file)
        try:
            # Not `sys.stdin`, which is None where the process was started without one.
            self._stream = open(0 if file == "-" else file, "rb", closefd=file != "-")  # noqa: SIM115 - `__exit__`
            status = os.fstat(self._stream.fileno())
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error
        self.size = status.st_size if stat.S_ISREG(status.st_mode) else None
        self.taken = 0
        self._first = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stream.close()

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes without taking them, or fewer at the end."""
        while len(self._first) < size and (piece := self._read_some()):
            self._first += piece
        return self._first[:size]

    def piece(self) -> bytes:
        """Return the next bytes as they come; nothing at the end."""
        piece, self._first = self._first or self._read_some(), b""
        self.taken += len(piece)
        return piece

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, or fewer at the end."""
        parts = [self._first[:size]]
        self._first = self._first[size:]
        missing = size - len(parts[0])
        try:
            if missing:
                parts.append(self._stream.read(missing))
        except OSError as error:
            raise self._unreadable(error) from error
        found = b"".join(parts)
        self.taken += len(found)
        return found

    def _read_some(self) -> bytes:
        try:
            return self._stream.read1(PIECE)
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError | ValueError) -> UnreadableError:
        return UnreadableError(f"{self.name}: cannot be read: {reason(error)}")


def reason(error: OSError | ValueError) -> str:
    """Say why a file cannot be opened, read or written, in words that are safe to print."""
    return escaped((isinstance(error, OSError) and error.strerror) or str(error))
