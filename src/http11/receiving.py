"""What has been received and not read yet: a buffer that knows how far somebody has looked for an end in it."""

from __future__ import annotations

from typing import final

from http11.lines import Received, cut

__all__ = ["ReceiveBuffer"]


@final
class ReceiveBuffer:
    """The bytes that the peer has sent, as far as nobody has read them.

    Attributes:
        data: Them, and perhaps some that have been read. A piece that arrives at an empty buffer is kept as it is; a
            second one makes it a `bytearray`, so that it grows in place.
        start: The index of the first unread byte.
        closed: Whether no more will come.
        seen: How many bytes of the section that comes next have been looked at.

    """

    __slots__ = ("closed", "data", "seen", "start")

    def __init__(self) -> None:
        self.data: Received = b""
        self.start: int = 0
        self.closed: bool = False
        self.seen: int = 0

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
            if start > 0:
                del data[:start]
                self.start = 0
            data += piece
        else:
            grown = bytearray(data[start:])
            grown += piece
            self.data, self.start = grown, 0

    def begins_with_line_end(self) -> bool:
        """Tell whether the next byte is a CR or a LF, as that of an empty line is."""
        data, start = self.data, self.start
        if start == len(data):
            return False
        # mypyc indexes `bytes` without a call, if it is told that it is.
        first = data[start] if isinstance(data, bytes) else data[start]  # noqa: RUF034
        return first == 0x0D or first == 0x0A  # noqa: PLR1714, PLR2004 - CR and LF; a pair takes time

    def peek(self, size: int) -> bytes:
        """Return the first `size` unread bytes, or as many as there are."""
        stop = self.start + size
        return cut(self.data, self.start, min(len(self.data), stop))

    def consume(self, stop: int) -> None:
        """Move on to the byte at `stop`, and let go of what is not needed any more."""
        if stop == len(self.data):
            self.data, self.start, self.seen = b"", 0, 0
        else:
            self.start, self.seen = stop, 0

    def note_seen(self) -> None:
        """Remember that all that is unread has been looked at."""
        self.seen = len(self.data) - self.start

    def drop(self) -> None:
        """Let go of everything: nothing of it will be read."""
        self.data, self.start, self.seen = b"", 0, 0
