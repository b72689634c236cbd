"""What packages import from h11's private modules, for where http11 is in h11's place.

- mitmproxy reads bodies with the readers of ``h11._readers``, out of a buffer of ``h11._receivebuffer``, and has a
  parser of its own for heads. pyp0f has the buffer alone.
- urllib3-future (and so niquests) puts a buffer and a ``h11._state.ConnectionState`` of its own into each `Connection`.
  http11's takes no notice of either.

The readers are the functions of `http11.parsing`, under the policy that was installed. The buffer cuts lines as h11's
does, whatever the policy: what is in them, its users check.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final, NoReturn, Self

from http11.connection import DEFAULT_MAX_INCOMPLETE_EVENT_SIZE
from http11.errors import RemoteProtocolError, violation
from http11.events import Data, EndOfMessage
from http11.framing import BodyFraming
from http11.parsing import (
    END,
    begin_body,
    read_body,
)
from http11.policy import STRICT, Policy

__all__ = [
    "SWITCH_UPGRADE",
    "ChunkedReader",
    "ConnectionState",
    "ContentLengthReader",
    "Http10Reader",
    "ReceiveBuffer",
    "cut_short_text",
]

_CUT_SHORT: Final = "peer closed connection without sending complete message body"
_INCOMPLETE: Final = "incomplete chunked read"
_NUMBERS: Final = re.compile(r"received [0-9]+ bytes, expected [0-9]+")
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")


class ReceiveBuffer:
    """Bytes that wait to be read, as in ``h11._receivebuffer``.

    Its attributes are h11's, since urllib3-future derives a class from it that uses them.
    """

    def __init__(self) -> None:
        self._data = bytearray()
        # Up to where there is no line end, and no empty line.
        self._next_line_search = 0
        self._multiple_lines_search = 0

    def __iadd__(self, data: bytes | bytearray) -> Self:
        self._data += data
        return self

    def __bool__(self) -> bool:
        return len(self._data) > 0

    def __len__(self) -> int:
        return len(self._data)

    def __bytes__(self) -> bytes:
        return bytes(self._data)

    def maybe_extract_at_most(self, count: int) -> bytearray | None:
        """Take up to `count` bytes; `None` if there are none."""
        return self._taken(count) if self._data[:count] else None

    def maybe_extract_next_line(self) -> bytearray | None:
        """Take a line, with the CRLF that ends it; `None` if there is none yet."""
        end = self._data.find(b"\r\n", max(0, self._next_line_search - 1))
        if end < 0:
            self._next_line_search = len(self._data)
            return None
        return self._taken(end + 2)

    def maybe_extract_lines(self) -> list[bytearray] | None:
        """Take all lines up to an empty one, without their ends, CRLF or LF; `None` if there is no empty one yet."""
        for empty in (b"\n", b"\r\n"):
            if self._data.startswith(empty):
                self._taken(len(empty))
                return []
        found = _BLANK_LINE.search(self._data, self._multiple_lines_search)
        if found is None:
            self._multiple_lines_search = max(0, len(self._data) - 2)
            return None
        *lines, _, _ = self._taken(found.end()).split(b"\n")
        return [line.removesuffix(b"\r") for line in lines]

    def is_next_line_obviously_invalid_request_line(self) -> bool:
        """Tell whether no request can begin like this, as TLS does not."""
        return self._data[:1] != b"" and self._data[0] <= ord(" ")

    def _taken(self, count: int) -> bytearray:
        taken = self._data[:count]
        del self._data[:count]
        self._next_line_search = self._multiple_lines_search = 0
        return taken


class _Reader:
    """Reads a body out of a buffer, as the readers of ``h11._readers`` do.

    Attributes:
        default_policy: What is tolerated: what `http11.compat.install_as_h11` was given.

    """

    default_policy: ClassVar[Policy] = STRICT

    def __init__(self, framing: BodyFraming) -> None:
        self._progress = begin_body(framing)
        self._received = 0

    def __call__(self, buffer: ReceiveBuffer) -> Data[bytes] | EndOfMessage | None:
        """Take the next event; `None` if more is needed.

        Raises:
            RemoteProtocolError: The body is wrong.

        """
        event, self._progress, stop = read_body(
            buffer._data, 0, self._progress, DEFAULT_MAX_INCOMPLETE_EVENT_SIZE, policy=self.default_policy
        )
        buffer.maybe_extract_at_most(stop)
        if isinstance(event, Data):
            self._received += len(event.data)
        return event


class ContentLengthReader(_Reader):
    """Reads a body of known length.

    Args:
        length: Of how many bytes.

    """

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self._length = length

    def read_eof(self) -> NoReturn:
        """Take the end of the connection, which is never that of the body.

        Raises:
            RemoteProtocolError: In any case, as with h11; whoever has read the whole body does not ask.

        """
        raise _cut_short(f"received {self._received} bytes, expected {self._length}", self._received)


class ChunkedReader(_Reader):
    """Reads a chunked body."""

    def __init__(self) -> None:
        super().__init__("chunked")

    def read_eof(self) -> NoReturn:
        """Take the end of the connection, which is never that of the body.

        Raises:
            RemoteProtocolError: In any case, as with h11; whoever has read the whole body does not ask.

        """
        raise _cut_short(_INCOMPLETE, self._received)


class Http10Reader(_Reader):
    """Reads a body that goes on until the connection closes."""

    def __init__(self) -> None:
        super().__init__("until-close")

    def read_eof(self) -> EndOfMessage:
        """Take the end of the connection, and of the body."""
        return END


def _cut_short(what: str, received: int) -> RemoteProtocolError:
    return violation(RemoteProtocolError, "body-cut-short", f"{_CUT_SHORT} ({what})", received=received)


def cut_short_text(text: str) -> str:
    """Return what h11 says of a body that is cut short.

    Args:
        text: What http11 says of it.

    """
    found = _NUMBERS.search(text)
    return f"{_CUT_SHORT} ({found[0] if found else _INCOMPLETE})"


class ConnectionState:
    """A state machine that nobody asks: an http11 `Connection` has its own.

    urllib3-future derives a class from it so that a client takes a 101 that it has not asked for. http11's does not.
    """

    def __init__(self) -> None:
        self.pending_switch_proposals: set[object] = set()

    def process_event(self, role: object, event_type: object, server_switch_event: object = None) -> None:
        """Do nothing: it is never called by http11."""


SWITCH_UPGRADE: Final = "_SWITCH_UPGRADE"
"""What a `ConnectionState` would be told of a 101."""
