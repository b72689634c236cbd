"""What has been received and not read yet: a buffer that knows how far it has been searched for a section's end."""

from __future__ import annotations

from typing import Final, final

from http11.lines import Received, Section, cut, find_section_end

__all__ = ["ReceiveBuffer"]

_LF: Final = 0x0A
# A longer piece is not kept beside the buffer.
_SHORT: Final = 64


@final
class ReceiveBuffer:
    """The bytes that the peer has sent, as far as nobody has read them.

    Attributes:
        data: Them, and perhaps some that have been read. A piece that arrives at an empty buffer is kept as it is; a
            second one makes it a `bytearray`, so that it grows in place.
        start: The index of the first unread byte.
        closed: Whether no more will come.
        seen: How many bytes of the section that comes next have been looked at.
        fresh: The piece that came last, if all that came before it has been looked at; otherwise nothing. It is small,
            and searched alone.
        tail: What has been looked at last, two bytes (if so many have) or a few more: the end of the section may begin
            there.

    """

    __slots__ = ("closed", "data", "fresh", "seen", "start", "tail")

    def __init__(self) -> None:
        self.data: Received = b""
        self.start: int = 0
        self.closed: bool = False
        self.seen: int = 0
        self.fresh: bytes = b""
        self.tail: bytes = b""

    def __len__(self) -> int:
        return len(self.data) - self.start

    def add(self, piece: bytes) -> None:
        """Add what has been received; ``b""`` says that no more will come.

        A signal handler may raise wherever a function is called. So each branch changes the buffer without a call: the
        piece is received as a whole, or not at all.
        """
        data, start = self.data, self.start
        if not piece:
            self.closed = True
        elif start == len(data):
            self.data, self.start = piece, 0
        elif isinstance(data, bytearray):
            fresh = piece if self.seen == len(data) - start else b""
            if start > 0:
                del data[:start]
                self.start = 0
            data += piece
            self.fresh = fresh
        else:
            grown = bytearray(data if start == 0 else data[start:])
            fresh = piece if self.seen == len(grown) else b""
            grown += piece
            self.data, self.start, self.fresh = grown, 0, fresh

    def begins_with_line_end(self) -> bool:
        """Tell whether the next byte is a CR or a LF, as that of an empty line is."""
        data, start = self.data, self.start
        if start == len(data):
            return False
        # mypyc indexes `bytes` without a call, if it is told that it is.
        first = data[start] if isinstance(data, bytes) else data[start]  # noqa: RUF034
        return first == 0x0D or first == 0x0A  # noqa: PLR1714, PLR2004 - CR and LF; a pair takes time

    def section_end(self, section: Section) -> int:
        """Return the index after the empty line that ends the section at `start`, or -1 where that has not come."""
        fresh = self.fresh
        if not fresh or self.seen < 2:  # noqa: PLR2004 - before that, the section may be an empty line
            return find_section_end(self.data, self.start, self.seen, section=section)
        # The last byte of the section has to be one that nobody has seen: most pieces of a head have no LF at all.
        if _LF not in fresh:
            return -1
        # To look for it in the small piece takes a third of the time.
        tail = self.tail
        found = find_section_end(tail + fresh, section=section)
        return -1 if found < 0 else len(self.data) - len(tail) - len(fresh) + found

    def peek(self, size: int) -> bytes:
        """Return the first `size` unread bytes, or as many as there are."""
        stop = self.start + size
        return cut(self.data, self.start, min(len(self.data), stop))

    def consume(self, stop: int) -> None:
        """Move on to the byte at `stop`, and let go of what is not needed any more."""
        if stop == len(self.data):
            self.data, self.start, self.seen, self.fresh, self.tail = b"", 0, 0, b"", b""
        else:
            self.start, self.seen, self.fresh, self.tail = stop, 0, b"", b""

    def note_seen(self) -> None:
        """Remember that all that is unread has been looked at."""
        fresh, data = self.fresh, self.data
        if 1 < len(fresh) <= _SHORT:
            # As it is: to take the end of each piece takes longer than all that is done with it.
            tail = fresh
        elif len(fresh) > 1:
            tail = fresh[-2:]
        elif fresh:
            tail = self.tail[-1:] + fresh
        else:
            tail = data[-2:] if isinstance(data, bytes) else bytes(data[-2:])
        # Without a call in between, as in `add`: a signal handler may raise there.
        self.seen, self.tail, self.fresh = len(data) - self.start, tail, b""

    def drop(self) -> None:
        """Let go of everything: nothing of it will be read."""
        self.data, self.start, self.seen, self.fresh, self.tail = b"", 0, 0, b"", b""
