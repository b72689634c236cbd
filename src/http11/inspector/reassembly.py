"""TCP segments to the bytes that were sent (RFC 9293 3.4): in order, each once, and what is missing is told.

A capture may have segments in any order, more than once, or not at all. What is missing is waited for as long as it may
still come, and never made up.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

__all__ = ["Conflict", "Delivered", "Flow", "Missing"]

# How much is held of what follows a gap. A receiver's window is seldom larger.
_MOST_HELD: Final = 32 << 20

# How many segments may come after a gap that the receiver has not seen, before it is one of the capture alone: it may
# hold packets of several queues, a little out of order.
_MOST_LATE: Final = 128

# How much of what was delivered is kept, to compare it with what is sent again.
_KEPT: Final = 1 << 16

_HALF: Final = 1 << 31


class Delivered(NamedTuple):
    """The next bytes."""

    data: bytes


class Missing(NamedTuple):
    """So many bytes are not in the capture, and the next ones follow them."""

    size: int


class Conflict(NamedTuple):
    """What was sent again differs from what was sent first, which counts; `offset` is that of the first difference."""

    offset: int


Piece: TypeAlias = Delivered | Missing | Conflict


class Flow:
    """One direction of a TCP connection.

    Attributes:
        position: The offset of the next byte to deliver.
        end: The offset at which the sender has ended the stream, or None if it has not.
        begun: Whether the sequence number of the first byte is known.

    """

    def __init__(self) -> None:
        self.position = 0
        self.end: int | None = None
        self._next: int | None = None
        self._acknowledged = 0
        self._seen_end = 0
        self._held: list[tuple[int, bytes]] = []
        self._held_size = 0
        self._late = 0
        self._kept = b""

    @property
    def begun(self) -> bool:
        """Whether it is known with which sequence number the bytes begin."""
        return self._next is not None

    @property
    def closed(self) -> bool:
        """Whether all has been delivered, up to the end."""
        return self.end is not None and self.position >= self.end

    def begin(self, sequence: int) -> None:
        """Note the sequence number of the first byte."""
        self._next = sequence

    def acknowledge(self, number: int) -> None:
        """Note that the receiver has all bytes before this sequence number."""
        if self._next is not None:
            self._acknowledged = max(self._acknowledged, self._offset(number))

    def add(self, sequence: int, payload: bytes, size: int, *, fin: bool = False) -> Iterator[Piece]:
        """Add a segment of `size` bytes, of which `payload` was captured, and yield what can be delivered now."""
        if self._next is None:
            self._next = sequence
        offset = self._offset(sequence)
        if size:
            self._seen_end = max(self._seen_end, offset + size)
        if fin and self.end is None:
            self.end = offset + size
        # A keep-alive has one byte that was sent before, and any byte will do (RFC 9293 3.8.4).
        is_keepalive = offset == self.position - 1 and len(payload) <= 1
        if payload and not is_keepalive and offset + len(payload) > 0:
            insort(self._held, (offset, payload))
            self._held_size += len(payload)
        yield from self._deliver()
        if not self._held:
            self._late = 0
            return
        self._late += 1
        if self._held_size > _MOST_HELD or (self._late > _MOST_LATE and self._acknowledged > self.position):
            yield from self._skip_gap()

    def flush(self) -> Iterator[Piece]:
        """Yield what is held, with what is missing before it: nothing more will come."""
        while self._held:
            yield from self._skip_gap()
        known = max(self._seen_end, self.end or 0)
        # The acknowledgment of a FIN counts one more than there are bytes.
        if self.end is None and self._acknowledged > known + 1:
            known = self._acknowledged
        if known > self.position:
            missing = known - self.position
            self._advance(missing)
            yield Missing(missing)

    def _offset(self, sequence: int) -> int:
        distance = (sequence - (self._next or 0) + _HALF) % (2 * _HALF) - _HALF
        return self.position + distance

    def _skip_gap(self) -> Iterator[Piece]:
        gap = self._held[0][0] - self.position
        self._advance(gap)
        self._kept = b""
        self._late = 0
        yield Missing(gap)
        yield from self._deliver()

    def _deliver(self) -> Iterator[Piece]:
        while self._held and self._held[0][0] <= self.position:
            offset, payload = self._held.pop(0)
            self._held_size -= len(payload)
            again = payload[: self.position - offset]
            conflict = self._conflict(offset, again)
            if conflict is not None:
                yield Conflict(conflict)
            new = payload[len(again) :]
            if new:
                self._kept = (self._kept + new)[-_KEPT:]
                self._advance(len(new))
                yield Delivered(new)

    def _advance(self, size: int) -> None:
        self.position += size
        self._next = ((self._next or 0) + size) % (2 * _HALF)

    def _conflict(self, offset: int, again: bytes) -> int | None:
        first = self.position - len(self._kept)
        begin = max(0, first - offset)
        kept = self._kept[max(0, offset - first) :][: len(again) - begin]
        compared = again[begin:]
        if kept == compared:
            return None
        pairs = enumerate(zip(kept, compared, strict=True))
        return offset + begin + next(at for at, (one, other) in pairs if one != other)
