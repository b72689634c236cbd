"""Counts what the engine does, in numbers that are the same on every run, where a clock would need luck.

Three things are counted. *Examined* are the bytes that a pattern or a search looks at. *Moved* are the bytes that are
copied, or that have to make room in a buffer. *Steps* are the instructions of the interpreter, which see a loop that
does its work in Python; one instruction may look at or move any number of bytes, which is why those are counted too.
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import FrameType
from typing import Any, SupportsIndex

import pytest

from http11 import Connection, Role, connection, grammar, parsing, scanning


class Counter:
    """What has been done so far."""

    def __init__(self) -> None:
        self.examined = 0
        self.moved = 0
        self.steps = 0
        self._bytes = _counting_bytes(self)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Count what the patterns and the buffers of all connections do from now on."""
        for name, pattern in vars(grammar).items():
            if isinstance(pattern, re.Pattern):
                monkeypatch.setattr(grammar, name, CountingPattern(self, pattern))
        for name in ("usual_request_head", "usual_response_head"):
            make: Callable[[int], re.Pattern[bytes]] = getattr(grammar, name)
            # They are made once in a process, which is no work of whoever comes first.
            patterns = [CountingPattern(self, make(fields)) for fields in range(grammar.MOST_USUAL_FIELDS + 1)]
            monkeypatch.setattr(grammar, name, patterns.__getitem__)
        # What goes on from a phase, and from the start of a head, is a method of a pattern.
        going_on = {phase: getattr(grammar, f"{phase.upper()}_ON").match for phase in scanning.GO_ON}
        for module in (scanning, connection):
            monkeypatch.setattr(module, "GO_ON", going_on)
            behind = {group: going_on[phase] for group, phase in scanning.LEADS_TO.items()}
            monkeypatch.setattr(module, "GO_ON_BEHIND", behind)
            starting = {"request": grammar.REQUEST_ON.match, "response": grammar.RESPONSE_ON.match}
            monkeypatch.setattr(module, "START_ON", starting)
        # Rules that have been made already have the patterns that do not count.
        monkeypatch.setattr(scanning, "_rules", lru_cache(maxsize=16)(scanning._made_rules))
        monkeypatch.setattr(connection, "bytearray", _counting_buffer(self), raising=False)
        for module in (connection, parsing, scanning):
            monkeypatch.setattr(module, "cut", self.cut)

    def receive(self, connection: Connection[Role], piece: bytes) -> None:
        """Have a connection receive `piece`, and count what becomes of it even where it is kept as it is."""
        connection.receive_data(piece)
        if type(connection._buffer) is bytes:
            connection._buffer = self._bytes(connection._buffer)

    def cut(self, data: bytes | bytearray, start: int, stop: int) -> bytes:
        """Return a part of a buffer, in which everything counts."""
        if isinstance(data, bytes):
            return data[start:stop]
        self.moved += stop - start
        return self._bytes(memoryview(data)[start:stop])

    @contextmanager
    def stepping(self) -> Iterator[None]:
        """Count steps meanwhile."""

        def on_call(frame: FrameType, _event: str, _arg: Any) -> Any:
            # What counts does not count itself.
            if frame.f_code.co_filename == __file__:
                return None
            # Others tell of lines, which see the same loops.
            if sys.implementation.name == "cpython":
                frame.f_trace_opcodes = True
                frame.f_trace_lines = False
            return on_step

        def on_step(_frame: FrameType, _event: str, _arg: Any) -> Any:
            self.steps += 1
            return on_step

        before = sys.gettrace()
        sys.settrace(on_call)
        try:
            yield
        finally:
            sys.settrace(before)


class CountingPattern:
    """A compiled pattern that counts what it has to look at: up to where it matched, or all that was there."""

    def __init__(self, counter: Counter, pattern: re.Pattern[bytes]) -> None:
        self._counter = counter
        self._pattern = pattern

    def _count(self, match: re.Match[bytes] | None, start: int, stop: int) -> re.Match[bytes] | None:
        self._counter.examined += (stop if match is None else match.end()) - start
        return match

    def match(self, data: bytes, start: int = 0, stop: int = sys.maxsize) -> re.Match[bytes] | None:
        stop = min(stop, len(data))
        return self._count(self._pattern.match(data, start, stop), start, stop)

    def fullmatch(self, data: bytes) -> re.Match[bytes] | None:
        return self._count(self._pattern.fullmatch(data), 0, len(data))

    def search(self, data: bytes, start: int) -> re.Match[bytes] | None:
        return self._count(self._pattern.search(data, start), start, len(data))

    def findall(self, data: bytes, start: int = 0) -> list[tuple[bytes, bytes]]:
        self._counter.examined += len(data) - start
        return self._pattern.findall(data, start)


def _counting_bytes(counter: Counter) -> type[bytes]:
    class CountingBytes(bytes):
        """Received bytes; a part of them counts as well."""

        __slots__ = ()

        def __getitem__(self, index: SupportsIndex | slice) -> Any:
            part = super().__getitem__(index)
            if isinstance(part, int):
                return part
            # All of it is no copy.
            if len(part) < len(self):
                counter.moved += len(part)
            return CountingBytes(part)

        def __add__(self, other: Any) -> bytes:
            counter.moved += len(self) + len(other)
            return CountingBytes(super().__add__(other))

        def find(self, sub: Any, start: Any = 0, *_: Any) -> int:
            found = super().find(sub, start)
            counter.examined += (len(self) if found < 0 else found + len(sub)) - start
            return found

        def index(self, sub: Any, start: Any = 0, *_: Any) -> int:
            counter.examined += len(self) - start
            return super().index(sub, start)

        def count(self, sub: Any, start: Any = 0, stop: Any = None) -> int:
            counter.examined += (len(self) if stop is None else stop) - start
            return super().count(sub, start, stop)

        def translate(self, table: Any, /, delete: Any = b"") -> bytes:
            counter.examined += len(self)
            return super().translate(table, delete)

        def __contains__(self, sub: Any) -> bool:
            counter.examined += len(self)
            return super().__contains__(sub)

        def split(self, sep: Any = None, maxsplit: SupportsIndex = -1) -> list[bytes]:
            counter.examined += len(self)
            return super().split(sep, maxsplit)

        def partition(self, sep: Any) -> tuple[bytes, bytes, bytes]:
            counter.examined += len(self)
            return super().partition(sep)

    return CountingBytes


def _counting_buffer(counter: Counter) -> type[bytearray]:
    class CountingBuffer(bytearray):
        """A buffer that has to grow, or to let go of its front."""

        def __init__(self, source: bytes = b"") -> None:
            super().__init__(source)
            counter.moved += len(source)

        def find(self, sub: Any, start: Any = 0, *_: Any) -> int:
            found = super().find(sub, start)
            counter.examined += (len(self) if found < 0 else found + len(sub)) - start
            return found

        def rfind(self, sub: Any, start: Any = 0, stop: Any = None) -> int:
            found = super().rfind(sub, start, stop)
            # From the end on, up to what is found.
            counter.examined += (len(self) if stop is None else stop) - (start if found < 0 else found)
            return found

        def count(self, sub: Any, start: Any = 0, stop: Any = None) -> int:
            counter.examined += (len(self) if stop is None else stop) - start
            return super().count(sub, start, stop)

        def translate(self, table: Any, /, delete: Any = b"") -> bytearray:
            counter.examined += len(self)
            return super().translate(table, delete)

        def __getitem__(self, index: Any) -> Any:
            part = super().__getitem__(index)
            if isinstance(part, int):
                counter.examined += 1
            else:
                counter.moved += len(part)
            return part

        def __iadd__(self, piece: Any) -> Any:  # type: ignore[misc]
            # That it grows in leaps, and so moves each byte a few times only, is counted apart: see `place`.
            counter.moved += len(piece)
            return super().__iadd__(piece)

        def __delitem__(self, index: Any) -> None:
            before = len(self)
            super().__delitem__(index)
            # CPython can leave a gap at the front instead. We do not count on it.
            if len(self) < before:
                counter.moved += len(self)

    return CountingBuffer


def place(connection: Connection[Role]) -> int:
    """Return where in memory the first byte stands that has not been read. Only CPython tells."""
    buffer = connection._buffer
    first = id(buffer) if isinstance(buffer, bytes) else ctypes.addressof(ctypes.c_char.from_buffer(buffer))
    return first + connection._start
