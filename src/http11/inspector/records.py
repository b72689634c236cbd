"""What the inspector finds in a conversation, in the order in which it finds it.

Each record knows its place: the connection, who sent it, which message of that sender, the offset in the bytes that
were sent, and the time, where the input has times.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from http11 import Event, RemoteProtocolError, Role

__all__ = [
    "Cell",
    "Failure",
    "Lost",
    "NotHTTP",
    "Opened",
    "OtherProtocol",
    "Record",
    "Row",
    "Seen",
    "Switch",
    "Unanswered",
    "Unread",
    "Warned",
]


@attrs.frozen(kw_only=True)
class _Placed:
    """Where something was found.

    Attributes:
        connection: The number of the connection, counted from 1.
        sender: Who has sent it: `CLIENT` or `SERVER`.
        message: Which message of the sender it belongs to, counted from 1; an interim response is a message too.
        offset: Of its first byte, in what the sender has sent on this connection.
        time: When its last byte came, in seconds since the first packet of the input; None if that is not known.

    """

    connection: int
    sender: Role
    message: int
    offset: int
    time: float | None


@attrs.frozen(kw_only=True)
class Seen(_Placed):
    """An event.

    Attributes:
        event: The event.
        end: The offset of the byte after it.
        answers: For a response: the number of the request that it answers; None if that was not seen.

    """

    event: Event
    end: int
    answers: int | None


@attrs.frozen(kw_only=True)
class Failure(_Placed):
    """The place where the bytes break the protocol; `offset` is that of the byte to blame.

    Attributes:
        error: What is wrong.
        start: The offset of the message's first byte.
        context: Bytes around the place: of the message, and a few after it.
        context_start: The offset of the first byte of `context`.

    """

    error: RemoteProtocolError
    start: int
    context: bytes
    context_start: int


@attrs.frozen(kw_only=True)
class Switch(_Placed):
    """Another protocol begins here.

    Attributes:
        protocol: What it is called, as far as the request says so: ``"websocket"``, or ``"a tunnel"``.

    """

    protocol: str


@attrs.frozen(kw_only=True)
class OtherProtocol(_Placed):
    """How many bytes of another protocol came, told when the input ends."""

    size: int


@attrs.frozen(kw_only=True)
class Lost(_Placed):
    """Bytes that were sent and are not in the capture; what follows cannot be read.

    Attributes:
        size: How many; None if the capture begins inside the connection, and nobody knows.

    """

    size: int | None


@attrs.frozen(kw_only=True)
class Unread(_Placed):
    """How many bytes were not read because of what came before them, told when the input ends."""

    size: int
    why: str


@attrs.frozen(kw_only=True)
class Unanswered(_Placed):
    """A request to which no answer was seen; told when the input ends."""

    method: bytes
    target: bytes


@attrs.frozen(kw_only=True)
class Opened:
    """A connection of a capture.

    Attributes:
        connection: Its number, counted from 1.
        client: The client's address, such as ``"10.0.0.1:40000"``.
        server: The server's.
        time: When its first packet came, in seconds since the first packet of the capture.

    """

    connection: int
    client: str
    server: str
    time: float | None


@attrs.frozen(kw_only=True)
class NotHTTP:
    """A connection of a capture, or an input, that begins with something else than HTTP/1.

    Attributes:
        connection: Its number, counted from 1.
        sender: Who has said it.
        looks_like: What it is, as far as its first bytes tell.
        first: Its first bytes.

    """

    connection: int
    sender: Role
    looks_like: str
    first: bytes
    time: float | None


@attrs.frozen(kw_only=True)
class Warned:
    """Something about the input itself that a reader has to know, in words that are safe to print.

    Attributes:
        kind: What it is about, for programs.
        connection: The number of the connection, or None if it is about the input as a whole.

    """

    kind: Literal["truncated-capture", "skipped-packets", "conflicting-retransmission", "unfinished"]
    text: str
    connection: int | None
    time: float | None


@attrs.frozen
class Cell:
    """What one parser makes of one message.

    Attributes:
        kind: Whether it reads it, refuses it, waits for more of it, or has stopped before it.
        start: The parts of the start line, or why it is refused or stopped.
        fields: The fields, spelled so that two parsers that mean the same say the same.
        size: How many bytes of body it finds.
        digest: A digest of them.
        preview: The first of them.

    """

    kind: Literal["message", "refused", "incomplete", "stopped"]
    start: tuple[bytes, ...] = ()
    fields: tuple[tuple[bytes, bytes], ...] = ()
    size: int = 0
    digest: bytes = b""
    preview: bytes = attrs.field(default=b"", eq=False)

    def agrees(self, other: Cell) -> bool:
        """Tell whether two parsers understand the same. One that has stopped before says nothing against it."""
        if "stopped" in (self.kind, other.kind):
            return True
        if self.kind == other.kind == "message":
            return self == other
        return self.kind == other.kind


@attrs.frozen(kw_only=True)
class Row:
    """What several parsers make of one message.

    Attributes:
        connection: The number of the connection.
        sender: Whose message it is.
        message: Which one.
        cells: What each parser makes of it, after the parser's name.

    """

    connection: int
    sender: Role
    message: int
    cells: tuple[tuple[str, Cell], ...]
    time: float | None

    @property
    def parts(self) -> bool:
        """Whether two of them differ."""
        found = [cell for _, cell in self.cells]
        return any(not one.agrees(other) for one in found for other in found)


Record: TypeAlias = (
    Seen | Failure | Switch | OtherProtocol | Lost | Unread | Unanswered | Opened | NotHTTP | Warned | Row
)
