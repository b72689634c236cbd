"""The same bytes, read by several parsers: where they part, one of them can be made to see what another does not.

http11 reads them under `STRICT`, `H11` and the policy that was asked for; h11 and llhttp (by httptools) read them if
they are installed. Of a connection of which both directions are known, the requests are compared.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from importlib import import_module, metadata
from types import ModuleType
from typing import Final, Protocol, TypeAlias

from http11 import (
    CLIENT,
    H11,
    SERVER,
    STRICT,
    Data,
    EndOfMessage,
    ErrorCode,
    InformationalResponse,
    Policy,
    Request,
    Response,
    Role,
)
from http11.inspector.reading import PROPOSAL, Conversation
from http11.inspector.records import Cell, Failure, Record, Row, Seen, Switch

__all__ = ["ComparedConversation", "Comparison"]

Fields: TypeAlias = Sequence[tuple[bytes, bytes]]

_CUT_SHORT: Final[frozenset[ErrorCode]] = frozenset(["head-cut-short", "body-cut-short", "no-response"])
_PREVIEW: Final = 24


def _normal(fields: Fields) -> tuple[tuple[bytes, bytes], ...]:
    """Return fields without what says nothing about how they are understood: case, and a length that is repeated."""
    found: list[tuple[bytes, bytes]] = []
    for spelled, raw in fields:
        name, value = spelled.lower(), raw.strip(b" \t")
        if name == b"transfer-encoding":
            value = value.lower()
        if name == b"content-length":
            lengths = {length.strip(b" \t") for length in value.split(b",")}
            value = lengths.pop() if len(lengths) == 1 else value
            if (name, value) in found:
                continue
        found.append((name, value))
    return tuple(found)


class _Reader(ABC):
    """A parser that is asked.

    Attributes:
        name: What it is called.
        cells: What it has read and was not taken.
        stopped: What it says of all that follows, once it reads no more.

    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.cells: deque[Cell] = deque()
        self.stopped: Cell | None = None
        self._start: tuple[bytes, ...] = ()
        self._fields: Fields = ()
        self._size = 0
        self._preview = b""
        self._digest = hashlib.sha256()

    def feed(self, piece: bytes) -> None:
        """Read on; b"" is the end."""
        if self.stopped is None:
            self._feed(piece)
        if not piece and self.stopped is None:
            self._stop(b"the end")

    @abstractmethod
    def _feed(self, piece: bytes) -> None:
        """Read on."""

    def _begin(self, start: tuple[bytes, ...], fields: Fields) -> None:
        self._start, self._fields = start, fields
        self._size, self._preview, self._digest = 0, b"", hashlib.sha256()

    def _add(self, data: bytes) -> None:
        self._size += len(data)
        self._preview = (self._preview + data[:_PREVIEW])[:_PREVIEW]
        self._digest.update(data)

    def _end(self) -> None:
        fields, digest = _normal(self._fields), self._digest.digest()
        self.cells.append(Cell("message", self._start, fields, self._size, digest, self._preview))

    def _refuse(self, why: bytes) -> None:
        self.cells.append(Cell("refused", (why,)))
        self._stop(b"it has refused what precedes this")

    def _wait(self) -> None:
        self.cells.append(Cell("incomplete"))
        self._stop(b"the end")

    def _stop(self, why: bytes) -> None:
        self.stopped = Cell("stopped", (why,))


def _version(version: bytes) -> bytes:
    return b"HTTP/" + version


class _HTTP11(_Reader):
    def __init__(self, name: str, sender: Role, policy: Policy, request: Request) -> None:
        super().__init__(name)
        self._sender: Role = sender
        self._conversation = Conversation(policy, senders=frozenset([sender]), request=request)

    def _feed(self, piece: bytes) -> None:
        sender, conversation = self._sender, self._conversation
        for record in conversation.receive(sender, piece) if piece else conversation.close(sender):
            self._note(record)

    def _note(self, record: Record) -> None:
        if isinstance(record, Failure):
            if record.error.code in _CUT_SHORT:
                self._wait()
            else:
                self._refuse(record.error.code.encode())
        elif isinstance(record, Switch):
            self._stop(b"another protocol begins")
        elif isinstance(record, Seen):
            event = record.event
            if isinstance(event, Request):
                start = (event.method, event.target, _version(event.http_version))
                self._begin(start, event.headers.raw_items())
            elif isinstance(event, (InformationalResponse, Response)):
                start = (b"%d" % event.status_code, event.reason, _version(event.http_version))
                self._begin(start, event.headers.raw_items())
                if isinstance(event, InformationalResponse):
                    self._end()
            elif isinstance(event, Data):
                self._add(event.data)
            elif isinstance(event, EndOfMessage):
                self._end()


class _H11Headers(Protocol):
    def raw_items(self) -> Fields: ...


class _H11Event(Protocol):
    """What one or another event of h11 has."""

    method: bytes
    target: bytes
    http_version: bytes
    status_code: int
    reason: bytes
    headers: _H11Headers
    data: bytes


class _PeerH11(_Reader):
    """h11, which answers as far as it must to go on reading."""

    def __init__(self, h11: ModuleType, sender: Role, request: Request) -> None:
        super().__init__(f"h11 {h11.__version__}")
        self._h11 = h11
        self._reads_requests = sender == CLIENT
        self._request = request
        self._connect()

    def _connect(self) -> None:
        h11, request = self._h11, self._request
        self._connection = h11.Connection(h11.SERVER if self._reads_requests else h11.CLIENT)
        if not self._reads_requests:
            fields = list(request.headers.raw_items())
            self._connection.send(h11.Request(method=request.method, target=request.target, headers=fields))
            self._connection.send(h11.EndOfMessage())

    def _feed(self, piece: bytes) -> None:
        h11 = self._h11
        self._connection.receive_data(piece)
        try:
            while self.stopped is None:
                event = self._connection.next_event()
                if event is h11.NEED_DATA:
                    return
                if event is h11.PAUSED:
                    self._turn()
                else:
                    self._note(event)
        except h11.ProtocolError as error:
            # At the end, it can only be that a message was cut short.
            if piece:
                self._refuse(str(error).encode("ascii", "backslashreplace"))
            else:
                self._wait()

    def _turn(self) -> None:
        h11, connection = self._h11, self._connection
        if connection.their_state in (h11.MIGHT_SWITCH_PROTOCOL, h11.SWITCHED_PROTOCOL):
            self._stop(b"another protocol may begin")
        elif not self._reads_requests:
            received = connection.trailing_data[0]
            self._connect()
            self._connection.receive_data(received)
        else:
            connection.send(h11.Response(status_code=400, headers=[("Content-Length", "0")]))
            connection.send(h11.EndOfMessage())
            connection.start_next_cycle()

    def _note(self, event: _H11Event) -> None:
        kind = type(event).__name__
        if kind == "Request":
            start = (bytes(event.method), bytes(event.target), _version(bytes(event.http_version)))
            self._begin(start, list(event.headers.raw_items()))
        elif kind in ("InformationalResponse", "Response"):
            start = (b"%d" % event.status_code, bytes(event.reason), _version(bytes(event.http_version)))
            self._begin(start, list(event.headers.raw_items()))
            if kind == "InformationalResponse":
                self._end()
        elif kind == "Data":
            self._add(bytes(event.data))
        elif kind == "EndOfMessage":
            self._end()
        else:
            self._stop(b"the end")


class _PeerLlhttp(_Reader):
    """llhttp, by httptools, which calls the methods that are named ``on_...``."""

    def __init__(self, httptools: ModuleType, sender: Role) -> None:
        super().__init__(f"llhttp (httptools {metadata.version('httptools')})")
        self._httptools = httptools
        self._reads_requests = sender == CLIENT
        self._parser = httptools.HttpRequestParser(self) if sender == CLIENT else httptools.HttpResponseParser(self)
        self._line = b""
        self._lines: list[tuple[bytes, bytes]] = []
        self._is_head = False
        self._is_inside = False

    def _feed(self, piece: bytes) -> None:
        httptools = self._httptools
        if not piece:
            # It cannot be told of the end, which ends some answers: then nothing is known.
            if self._is_inside and self._reads_requests:
                self._wait()
            else:
                self._stop(b"it cannot be told of the end")
            return
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            self._stop(b"another protocol may begin")
        except httptools.HttpParserError as error:
            said = str(error).encode("ascii", "backslashreplace")
            if said.startswith(b"Pause on"):
                self._stop(b"another protocol may begin")
            else:
                self._refuse(said)

    def on_message_begin(self) -> None:
        """Begin a message."""
        self._line, self._is_head, self._is_inside = b"", True, True
        self._lines = []

    def on_url(self, url: bytes) -> None:
        """Note a part of the target."""
        self._line += url

    def on_status(self, status: bytes) -> None:
        """Note a part of the reason."""
        self._line += status

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a field; those after the head are trailers, which are not compared."""
        if self._is_head:
            self._lines.append((name, value))

    def on_headers_complete(self) -> None:
        """Note that the head is whole."""
        parser = self._parser
        version = _version(parser.get_http_version().encode())
        first = bytes(parser.get_method()) if self._reads_requests else b"%d" % parser.get_status_code()
        self._begin((first, self._line, version), self._lines)
        self._is_head = False

    def on_body(self, body: bytes) -> None:
        """Note a part of the body."""
        self._add(body)

    def on_message_complete(self) -> None:
        """Note that the message is whole."""
        self._end()
        self._is_inside = False


_NOT_TOLD: Final = (b"HEAD", b"CONNECT")


def _peers(sender: Role, request: Request) -> Iterator[_Reader]:
    for name in ("h11", "httptools"):
        try:
            module = import_module(name)
        except ImportError:
            continue
        if name == "h11":
            yield _PeerH11(module, sender, request)
        elif sender == CLIENT or request.method not in _NOT_TOLD:
            # What was requested decides how an answer ends, and llhttp cannot be told.
            yield _PeerLlhttp(module, sender)


class Comparison:
    """Several parsers, each of which reads the bytes of one sender on one connection.

    Args:
        sender: Whose bytes they are.
        policy: What is tolerated, compared with `STRICT` and `H11` if it is neither.
        request: What a server's bytes answer.
        number: The number of the connection.

    """

    def __init__(self, sender: Role, policy: Policy, request: Request, number: int = 1) -> None:
        policies = {"http11 STRICT": STRICT, "http11 H11": H11}
        if policy not in policies.values():
            policies["http11 as asked"] = policy
        self._readers: list[_Reader] = [_HTTP11(name, sender, each, request) for name, each in policies.items()]
        self._readers += _peers(sender, request)
        self._sender: Role = sender
        self._connection = number
        self._number = 0

    def feed(self, piece: bytes) -> Iterator[Row]:
        """Read on, or note the end for b"", and yield what all have an answer to."""
        for reader in self._readers:
            reader.feed(piece)
        while any(reader.cells for reader in self._readers) and all(
            reader.cells or reader.stopped is not None for reader in self._readers
        ):
            self._number += 1
            cells = tuple((reader.name, _next_cell(reader)) for reader in self._readers)
            yield Row(connection=self._connection, sender=self._sender, message=self._number, cells=cells, time=None)


def _next_cell(reader: _Reader) -> Cell:
    if reader.cells:
        return reader.cells.popleft()
    return reader.stopped or Cell("stopped")


class ComparedConversation(Conversation):
    """A conversation of which one side is read by other parsers too: the client, or else the server."""

    def __init__(
        self,
        policy: Policy,
        *,
        number: int = 1,
        senders: frozenset[Role] = frozenset([CLIENT, SERVER]),
        request: Request = PROPOSAL,
        in_turns: bool = False,
    ) -> None:
        super().__init__(policy, number=number, senders=senders, request=request, in_turns=in_turns)
        self._compared: Role = CLIENT if CLIENT in senders else SERVER
        self._comparison: Comparison | None = Comparison(self._compared, policy, request, number)

    def receive(self, sender: Role, piece: bytes, time: float | None = None) -> Iterator[Record]:
        """Add bytes, as `Conversation.receive`, and yield what all parsers make of them."""
        yield from super().receive(sender, piece, time)
        if self._comparison is not None and sender == self._compared:
            yield from self._comparison.feed(piece)

    def close(self, sender: Role, time: float | None = None) -> Iterator[Record]:
        """Note the end, as `Conversation.close`, and yield what all parsers make of it."""
        yield from super().close(sender, time)
        if self._comparison is not None and sender == self._compared:
            yield from self._comparison.feed(b"")

    def lose(self, sender: Role, size: int | None, time: float | None = None) -> Iterator[Record]:
        """Note what is missing, as `Conversation.lose`; what follows is not compared."""
        if sender == self._compared:
            self._comparison = None
        yield from super().lose(sender, size, time)
