"""The buffer of what has been received: it gives back what it got, and does not copy what it need not."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http11.receiving import ReceiveBuffer
from tests.counting import CPYTHON


def unread(buffer: ReceiveBuffer) -> bytes:
    return bytes(buffer.data[buffer.start :])


def test_an_empty_buffer() -> None:
    buffer = ReceiveBuffer()
    assert (len(buffer), unread(buffer), buffer.closed, buffer.seen) == (0, b"", False, 0)
    assert buffer.peek(5) == b""
    assert not buffer.begins_with_line_end()
    buffer.consume(buffer.start)
    assert len(buffer) == 0


def test_one_piece_is_kept_as_the_object_that_came() -> None:
    buffer = ReceiveBuffer()
    piece = b"x" * 10_000
    for _ in range(2):
        buffer.add(piece)
        assert buffer.data is piece
        assert buffer.peek(10_000) is piece
        buffer.consume(10_000)
        assert buffer.data == b""


def test_an_empty_piece_is_the_end() -> None:
    buffer = ReceiveBuffer()
    buffer.add(b"ab")
    buffer.add(b"")
    assert (buffer.closed, unread(buffer)) == (True, b"ab")
    buffer.drop()
    assert (buffer.closed, unread(buffer)) == (True, b"")


def test_what_has_been_looked_at_is_forgotten_with_the_bytes() -> None:
    buffer = ReceiveBuffer()
    buffer.add(b"abc")
    buffer.note_seen()
    buffer.add(b"de")
    assert buffer.seen == 3
    buffer.consume(buffer.start + 1)
    assert buffer.seen == 0
    buffer.note_seen()
    assert buffer.seen == len(buffer) == 4
    buffer.consume(buffer.start + 4)
    assert (buffer.seen, len(buffer)) == (0, 0)
    buffer.add(b"x")
    buffer.note_seen()
    buffer.drop()
    assert (buffer.seen, len(buffer)) == (0, 0)


HELD = pytest.mark.skipif(not CPYTHON, reason="only CPython tells who holds an object")


@HELD
@pytest.mark.parametrize("size", [2, 16, 64, 65, 10_000])
def test_no_piece_is_held_once_what_it_belongs_to_has_been_read(size: int) -> None:
    piece = bytes(bytearray(size))
    held = sys.getrefcount(piece)
    buffer = ReceiveBuffer()
    ways: list[Callable[[], None]] = [lambda: buffer.consume(len(buffer.data)), lambda: buffer.consume(1), buffer.drop]
    for let_go in ways:
        buffer.add(b"ab")
        buffer.note_seen()
        buffer.add(piece)
        buffer.note_seen()
        # It is in the buffer, so that a large one would take twice the memory.
        assert sys.getrefcount(piece) == held or size <= 64
        let_go()
        assert sys.getrefcount(piece) == held


@pytest.mark.parametrize("byte", range(256))
def test_only_cr_and_lf_begin_a_line_end(byte: int) -> None:
    for first, rest in ((b"..", b""), (b".", b"x")):
        buffer = ReceiveBuffer()
        buffer.add(first + bytes([byte]) + b"\n")
        # As bytes, and as what has grown.
        if rest:
            buffer.add(rest)
        buffer.consume(buffer.start + len(first))
        assert buffer.begins_with_line_end() is (byte in b"\r\n")


actions = st.lists(st.binary(min_size=1, max_size=5) | st.integers(0, 12))


@given(actions)
def test_it_gives_back_what_it_got_however_that_came(todo: list[bytes | int]) -> None:
    buffer, model = ReceiveBuffer(), b""
    for action in todo:
        if isinstance(action, bytes):
            buffer.add(action)
            model += action
        else:
            size = min(action, len(model))
            assert buffer.peek(size) == model[:size]
            assert type(buffer.peek(size)) is bytes
            buffer.consume(buffer.start + size)
            model = model[size:]
        assert (unread(buffer), len(buffer), buffer.peek(100)) == (model, len(model), model)
