"""Counts what the engine does, from outside, in numbers that are the same on every run, where a clock would need luck.

Two things are counted. *Steps* are the instructions of the interpreter, which see a loop that does its work in Python.
*Taken* is memory: how many bytes each call has taken at its peak beside what was held before, which sees each copy. One
instruction may look at any number of bytes: that none is looked at again is shown by changing those that have been seen
(`overwrite`); and a buffer moves its bytes in leaps, which is seen by where they lie (`place`).
"""

from __future__ import annotations

import ctypes
import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any, ParamSpec, TypeVar

from http11 import Connection, Policy, Role

P = ParamSpec("P")
T = TypeVar("T")

CPYTHON = sys.implementation.name == "cpython"


class Steps:
    """How many instructions have been executed, but for those that count: of lines, where no others can be counted."""

    def __init__(self) -> None:
        self.count = 0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count meanwhile."""
        if sys.version_info >= (3, 12) and CPYTHON:
            yield from self._monitoring()
        else:
            yield from self._tracing()

    def _tracing(self) -> Iterator[None]:
        def on_call(frame: FrameType, _event: str, _arg: Any) -> Any:
            if frame.f_code.co_filename == __file__:
                return None
            # PyPy tells of lines only, which see the same loops.
            if CPYTHON:
                frame.f_trace_opcodes = True
                frame.f_trace_lines = False
            return on_step

        def on_step(_frame: FrameType, _event: str, _arg: Any) -> Any:
            self.count += 1
            return on_step

        before = sys.gettrace()
        sys.settrace(on_call)
        try:
            yield
        finally:
            sys.settrace(before)

    if sys.version_info >= (3, 12):

        def _monitoring(self) -> Iterator[None]:
            monitoring = sys.monitoring
            tool, event = monitoring.PROFILER_ID, monitoring.events.INSTRUCTION

            def on_step(code: CodeType, _offset: int) -> object:
                if code.co_filename == __file__:
                    return monitoring.DISABLE
                self.count += 1
                return None

            monitoring.use_tool_id(tool, __name__)
            monitoring.register_callback(tool, event, on_step)
            monitoring.set_events(tool, event)
            try:
                yield
            finally:
                monitoring.set_events(tool, 0)
                monitoring.register_callback(tool, event, None)
                monitoring.free_tool_id(tool)


class Memory:
    """How many bytes calls have taken at their peaks, each beside what was held when it began."""

    def __init__(self) -> None:
        self.taken = 0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count what `call` calls meanwhile."""
        # No collector in between: what it frees has been taken before. It gives back what is kept of objects that have
        # gone, and has not to look at all that other tests hold.
        gc.freeze()
        gc.collect()
        gc.disable()
        tracemalloc.start()
        try:
            yield
        finally:
            tracemalloc.stop()
            gc.enable()
            gc.unfreeze()

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        try:
            return function(*args, **kwargs)
        finally:
            self.taken += max(0, tracemalloc.get_traced_memory()[1] - before)


def buffer_of(connection: Connection[Role]) -> bytes | bytearray:
    """Return where a connection keeps what it has received and not read: the largest of what it holds."""
    return max(held_by(connection), key=lambda one: (isinstance(one, bytearray), len(one)))


def held_by(connection: Connection[Role]) -> Iterator[bytes | bytearray]:
    """Yield all bytes that a connection holds, by itself or in an object of the engine's own."""
    todo: list[object] = [connection]
    for holder in todo:
        for one in gc.get_referents(holder):
            if isinstance(one, bytes | bytearray):
                yield one
            elif type(one).__module__.startswith("http11.") and not isinstance(one, Policy):
                todo.append(one)


def place(connection: Connection[Role]) -> int:
    """Return where in memory the first byte stands that has not been read. Only CPython tells."""
    buffer = buffer_of(connection)
    if isinstance(buffer, bytes):
        first = id(buffer) + bytes.__basicsize__ - 1
    else:
        first = ctypes.addressof(ctypes.c_char.from_buffer(buffer))
    return first + len(buffer) - len(connection.trailing_data[0])


def overwrite(connection: Connection[Role], start: int, stop: int, byte: bytes) -> None:
    """Change what has been received and not read, where it lies: from `start` on, up to `stop`."""
    buffer = buffer_of(connection)
    assert isinstance(buffer, bytearray), "a buffer that has grown"
    read = len(buffer) - len(connection.trailing_data[0])
    buffer[read + start : read + stop] = byte * (stop - start)
