"""Reads a conversation: the bytes of one direction of a connection, or of both, as they come.

Each direction has an engine of its own. The client's bytes are read by a server, which refuses each request so that it
can read the next one. The server's bytes are read by clients, a new one for each answer, which knows what was
requested: without that, nobody can say where an answer ends (RFC 9112 6.3).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from typing import Final, TypedDict

import attrs

from http11 import (
    CLIENT,
    DONE,
    IDLE,
    MIGHT_SWITCH_PROTOCOL,
    NEED_DATA,
    SEND_BODY,
    SEND_RESPONSE,
    SERVER,
    SWITCHED_PROTOCOL,
    ClientConnection,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    ErrorCode,
    Event,
    InformationalResponse,
    LocalProtocolError,
    Policy,
    RemoteProtocolError,
    Request,
    Response,
    Role,
    ServerConnection,
)
from http11.inspector.records import Failure, Lost, OtherProtocol, Record, Seen, Switch, Unanswered, Unread, Warned
from http11.inspector.words import escaped

__all__ = ["PROPOSAL", "Conversation", "request_to_answer"]

# How much is kept of the bytes around a wrong one, to show it in its line.
_CONTEXT: Final = 4096
_CONTEXT_AFTER: Final = 256

# How much of an answer is held until its request is seen. In a capture a request may come late, but not so late.
_MOST_HELD: Final = 1 << 20

# The longest line by which to tell whether a client that has proposed an Upgrade goes on in HTTP.
_LONGEST_LINE: Final = 16384

_CUT_SHORT: Final[frozenset[ErrorCode]] = frozenset(["head-cut-short", "body-cut-short", "no-response"])

_HOST: Final[tuple[bytes, bytes]] = (b"Host", b"localhost")

PROPOSAL: Final = Request(
    method="GET", target="/", headers=[_HOST, (b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]
)
"""What is taken for the request that was answered where none was seen; so its answer may be a 101."""


_REFUSAL: Final = Response(status_code=400, headers=[("Content-Length", "0")])
_END: Final = EndOfMessage()


def request_to_answer(method: str) -> Request:
    """Return a request of `method` that is in order.

    Raises:
        LocalProtocolError: `method` is no token.
        UnicodeEncodeError: `method` is not ASCII.

    """
    return Request(method=method, target="localhost:443" if method == "CONNECT" else "/", headers=[_HOST])


@attrs.define
class _Exchange:
    """A request, and what is known of its answer.

    Attributes:
        request: The request.
        number: Which message of the client it is, or None if it was not seen.
        start: Where the request begins.
        accepted: Whether the server has agreed to another protocol; None before it has answered.
        answered: Whether the whole of the answer has come.

    """

    request: Request
    number: int | None
    start: int = 0
    accepted: bool | None = None
    answered: bool = False


class Conversation:
    """One connection, whose bytes come in pieces.

    Args:
        policy: What is tolerated.
        number: The number of the connection, for the records.
        senders: Whose bytes will come. Requests and answers are matched where both are.
        request: What the server answers, where only its bytes come.
        in_turns: Whether an answer is to be read before the next request, for input that has no times.

    """

    def __init__(
        self,
        policy: Policy,
        *,
        number: int = 1,
        senders: frozenset[Role] = frozenset([CLIENT, SERVER]),
        request: Request = PROPOSAL,
        in_turns: bool = False,
    ) -> None:
        requests = _Requests(policy, number, in_turns=in_turns)
        answers = _Answers(policy, number, request)
        if senders == {CLIENT, SERVER}:
            requests.answers = answers
            answers.requests = requests
        self._requests = requests
        self._answers = answers
        streams: dict[Role, _Stream] = {CLIENT: requests, SERVER: answers}
        # In this order: what a client says may be what the server's bytes have waited for.
        self._streams: dict[Role, _Stream] = {role: stream for role, stream in streams.items() if role in senders}

    def receive(self, sender: Role, piece: bytes, time: float | None = None) -> Iterator[Record]:
        """Add bytes that `sender` has sent, and yield what can be read now; `piece` is not empty."""
        self._streams[sender].receive(piece)
        yield from self._records(time)

    def close(self, sender: Role, time: float | None = None) -> Iterator[Record]:
        """Note that `sender` sends nothing more, and yield what can be read now."""
        self._streams[sender].close()
        yield from self._records(time)

    def lose(self, sender: Role, size: int | None, time: float | None = None) -> Iterator[Record]:
        """Note that `size` bytes of `sender` are missing, or nobody knows how many; what follows cannot be read."""
        self._streams[sender].time = time
        yield from self._streams[sender].lose(size)
        yield from self._records(time)

    def abandon(self, why: str, time: float | None = None) -> Iterator[Record]:
        """Note that nothing more will be known, although no side has closed; `why` is what has happened, in words."""
        for stream in self._streams.values():
            stream.time = time
            yield from stream.abandon(why)
            # What waits for the client's bytes need not wait any longer.
            yield from self._records(time)

    def finish(self) -> Iterator[Record]:
        """Yield what is known once both sides have closed, or were abandoned."""
        for stream in self._streams.values():
            yield from stream.rest()
        if self._requests.answers is not None:
            yield from self._requests.unanswered()

    def has_heard(self, sender: Role) -> bool:
        """Tell whether `sender` has sent anything."""
        return self._streams[sender].received > 0

    def next_sender(self) -> Role | None:
        """Say whose bytes are to be read next, of input that has no times; None if all have been read."""
        coming: list[Role] = [sender for sender, stream in self._streams.items() if not stream.ended]
        if len(coming) == len((CLIENT, SERVER)):
            return SERVER if self._requests.outstanding else CLIENT
        return coming[0] if coming else None

    def _records(self, time: float | None) -> Iterator[Record]:
        going_on = True
        while going_on:
            going_on = False
            for stream in self._streams.values():
                stream.time = time
                for record in stream.records():
                    going_on = True
                    yield record


class _Place(TypedDict):
    connection: int
    sender: Role
    message: int
    offset: int
    time: float | None


class _Stream(ABC):
    """The bytes of one sender.

    Attributes:
        time: When the bytes that are being read came.
        reading: Whether what comes is read as HTTP.
        ended: Whether nothing more will come.

    """

    def __init__(self, sender: Role, policy: Policy, connection_number: int) -> None:
        self.time: float | None = None
        self.reading = True
        self.ended = False
        self._sender: Role = sender
        self._policy = policy
        self._connection_number = connection_number
        # How many bytes have come, and the last of them.
        self._received = 0
        self._recent = b""
        # Where the message begins that is being read, which one it is, and how many heads have been read.
        self._start = 0
        self._number = 1
        self._heads = 0
        # Of what is not read as HTTP: why it is not, where it begins, and how many bytes it has.
        self._why_not = ""
        self._rest_start = 0
        self._rest = 0

    # --- in -------------------------------------------------------------------------------------------------------

    def receive(self, piece: bytes) -> None:
        self._received += len(piece)
        if self.reading:
            # An error is in what is unread; the line that it is in may begin before that.
            self._recent = self._recent[-(len(self._unread()) + _CONTEXT) :] + piece
            self._accept(piece)
        else:
            self._rest += len(piece)

    def close(self) -> None:
        self.ended = True
        if self.reading:
            self._accept(b"")

    def lose(self, size: int | None) -> Iterator[Record]:
        if self.reading:
            yield Lost(size=size, **self._placed(self._received))
            self._stop("what follows lost bytes cannot be read", len(self._unread()))
        self._received += size or 0

    def abandon(self, why: str) -> Iterator[Record]:
        self.ended = True
        if self.reading:
            if self._is_inside():
                text = f"{why} inside message {self._number} of the {self._sender.lower()}"
                yield Warned(kind="unfinished", text=text, connection=self._connection_number, time=self.time)
            self._stop("", 0)

    # --- out ------------------------------------------------------------------------------------------------------

    @property
    def received(self) -> int:
        """How many bytes have come."""
        return self._received

    @abstractmethod
    def records(self) -> Iterator[Record]:
        """Yield what can be read now."""

    def rest(self) -> Iterator[Record]:
        """Yield what is known once nothing more will come."""
        place = self._placed(self._rest_start)
        if self._why_not == _OTHER_PROTOCOL:
            yield OtherProtocol(size=self._rest, **place)
        elif self._rest:
            yield Unread(size=self._rest, why=self._why_not, **place)

    @abstractmethod
    def _accept(self, piece: bytes) -> None:
        """Hand bytes on to the engine, or b"" for the end."""

    @abstractmethod
    def _unread(self) -> bytes:
        """Return what has come and is not read."""

    @abstractmethod
    def _is_inside(self) -> bool:
        """Tell whether some of a message has come, and not all."""

    def _placed(self, offset: int) -> _Place:
        return {
            "connection": self._connection_number,
            "sender": self._sender,
            "message": self._number,
            "offset": offset,
            "time": self.time,
        }

    def _begin(self, unread: bytes) -> None:
        """Note that a message begins at the first of the `unread` bytes."""
        self._start = self._received - len(unread)
        self._number = self._heads + 1

    def _seen(self, event: Event, answers: int | None = None) -> Seen:
        end = self._received - len(self._unread())
        offset = end
        if isinstance(event, (Request, InformationalResponse, Response)):
            offset = self._start
        elif isinstance(event, Data):
            offset = end - len(event.data)
        return Seen(event=event, end=end, answers=answers, **self._placed(offset))

    def _failed(self, error: RemoteProtocolError) -> Failure:
        """Tell what is wrong, and stop reading."""
        place = self._received if error.code in _CUT_SHORT else self._start + (error.offset or 0)
        dropped = self._received - len(self._recent)
        begin = max(dropped, self._start, place - _CONTEXT)
        context = self._recent[begin - dropped : place - dropped + _CONTEXT_AFTER]
        self._stop("what follows an error is not read", self._received - place)
        return Failure(error=error, start=self._start, context=context, context_start=begin, **self._placed(place))

    def _switched(self, protocol: str, unread: bytes) -> Switch:
        self._stop(_OTHER_PROTOCOL, len(unread))
        return Switch(protocol=protocol, **self._placed(self._rest_start))

    def _stop(self, why: str, rest: int) -> None:
        self.reading = False
        self._recent = b""
        self._why_not = why
        self._rest = rest
        self._rest_start = self._received - rest


_OTHER_PROTOCOL: Final = "another protocol"


class _Requests(_Stream):
    """The bytes of the client.

    Attributes:
        answers: The bytes of the server, where they are read too.
        pending: The requests that no answer has been matched with so far.

    """

    def __init__(self, policy: Policy, connection_number: int, *, in_turns: bool) -> None:
        super().__init__(CLIENT, policy, connection_number)
        self.answers: _Answers | None = None
        self.pending: deque[_Exchange] = deque()
        self._connection: ServerConnection = Connection(SERVER, policy=policy)
        # None was sent so far, which is as good as one that was answered.
        self._last = _Exchange(PROPOSAL, None, answered=True)
        self._last_is_whole = False
        self._in_turns = in_turns

    @property
    def outstanding(self) -> bool:
        """Whether there is a request whose answer should come before the next one."""
        return not self._last.answered and (self._last_is_whole or not self.reading)

    def unanswered(self) -> Iterator[Record]:
        for exchange in self.pending:
            place = self._placed(exchange.start)
            place["message"] = exchange.number or 0
            yield Unanswered(method=exchange.request.method, target=exchange.request.target, **place)

    def records(self) -> Iterator[Record]:
        while self.reading:
            state = self._connection.their_state
            if state != SEND_BODY:
                unread = self._unread()
                self._begin(unread[self._empty_lines(unread) :] if state == IDLE else unread)
            try:
                event = self._connection.next_event()
            except RemoteProtocolError as error:
                yield self._failed(error)
                return
            if not isinstance(event, type):
                self._note(event)
                yield self._seen(event)
                if isinstance(event, ConnectionClosed):
                    self._stop("", 0)
            elif event is NEED_DATA:
                return
            else:
                switch = self._other_protocol()
                if switch:
                    yield self._switched(switch, self._unread())
                elif switch is None or not self._turn():
                    return

    def _note(self, event: Event) -> None:
        if isinstance(event, Request):
            self._heads += 1
            self._last = _Exchange(event, self._heads, self._start)
            self._last_is_whole = False
            if self.answers is not None:
                self.pending.append(self._last)
        elif isinstance(event, EndOfMessage):
            self._last_is_whole = True

    def _other_protocol(self) -> str | None:
        """Return what the client goes on in: another protocol, or "" for HTTP; None if that cannot be said yet."""
        exchange = self._last
        request = exchange.request
        if request.method == b"PRI" and request.http_version == b"2.0":
            return "HTTP/2"
        if self._connection.their_state != MIGHT_SWITCH_PROTOCOL:
            return ""
        accepted = exchange.accepted
        if accepted is None:
            if self.answers is not None and self.answers.reading:
                return None
            accepted = request.method == b"CONNECT" or self._seems_to_have_switched()
        if accepted is None:
            return None
        return _protocol(request) if accepted else ""

    def _seems_to_have_switched(self) -> bool | None:
        """Guess from what the client says next whether the server has agreed to an Upgrade."""
        unread = self._unread().lstrip(b"\r\n")
        if b"\n" not in unread and not self.ended and len(unread) <= _LONGEST_LINE:
            return None
        line = unread.partition(b"\n")[0].rstrip(b"\r")
        return line != b"" and not line.rpartition(b" ")[2].startswith(b"HTTP/1.")

    def _turn(self) -> bool:
        """Refuse the last request, so that the next one can be read; False if it cannot, or not yet."""
        connection = self._connection
        if connection.our_state in (IDLE, SEND_RESPONSE):
            if self._in_turns and self.outstanding and self.answers is not None and self.answers.reading:
                return False
            connection.send(_REFUSAL)
            connection.send(_END)
            # Not so for a client that has said that this was its last request.
            if connection.their_state == DONE:
                connection.start_next_cycle()
            return True
        self._stop("what follows a refused CONNECT is not read (RFC 9931 8)", len(self._unread()))
        return False

    def _empty_lines(self, unread: bytes) -> int:
        """Return how many bytes of empty lines precede a request: offsets in errors are counted from behind them."""
        size = 0
        while self._policy.leading_empty_lines:
            if unread.startswith(b"\r\n", size):
                size += 2
            elif self._policy.bare_lf and unread.startswith(b"\n", size):
                size += 1
            else:
                break
        return size

    def _accept(self, piece: bytes) -> None:
        self._connection.receive_data(piece)

    def _unread(self) -> bytes:
        return self._connection.trailing_data[0]

    def _is_inside(self) -> bool:
        return self._connection.their_state == SEND_BODY or self._unread() != b""


class _Answers(_Stream):
    """The bytes of the server.

    Attributes:
        requests: The bytes of the client, where they are read too.

    """

    def __init__(self, policy: Policy, connection_number: int, request: Request) -> None:
        super().__init__(SERVER, policy, connection_number)
        self.requests: _Requests | None = None
        self._default = request
        # None as long as it is not known what the next answer answers; what has come is held until then.
        self._connection: ClientConnection | None = None
        self._exchange = _Exchange(request, None)
        self._held = b""
        self._is_last = False

    def records(self) -> Iterator[Record]:
        while self.reading:
            connection = self._connection or self._next_connection()
            if connection is None:
                if self.ended and not self._held:
                    self._begin(b"")
                    yield self._seen(ConnectionClosed())
                    self._stop("", 0)
                return
            if connection.their_state != SEND_BODY:
                self._begin(self._unread())
            try:
                event = connection.next_event()
            except RemoteProtocolError as error:
                yield self._failed(error)
                return
            if not isinstance(event, type):
                self._note(event, connection)
                yield self._seen(event, self._exchange.number)
                if isinstance(event, ConnectionClosed):
                    self._stop("", 0)
            elif event is NEED_DATA:
                return
            elif connection.their_state == SWITCHED_PROTOCOL:
                yield self._switched(_protocol(self._exchange.request), self._unread())
            elif self._is_last:
                yield self._failed(_behind_the_last_answer())
            else:
                # Another client: one that goes on refuses what came before it asked (RFC 9112 6.3).
                self._held, self._connection = self._unread(), None

    def _next_connection(self) -> ClientConnection | None:
        """Return a client that has sent the next request and has received what is held; None if it is to wait."""
        exchange = self._next_exchange()
        if exchange is None:
            return None
        connection = Connection(CLIENT, policy=self._policy)
        connection.send(_as_sent(exchange.request))
        connection.send(_END)
        if self._held:
            connection.receive_data(self._held)
        if self.ended:
            connection.receive_data(b"")
        self._exchange, self._connection, self._held = exchange, connection, b""
        return connection

    def _next_exchange(self) -> _Exchange | None:
        if self.requests is not None and self.requests.pending and (self._held or self.ended):
            return self.requests.pending.popleft()
        waits = self.requests is not None and self.requests.reading and len(self._held) <= _MOST_HELD
        # An answer that nobody has asked for is read as well: a server may say 408 of its own accord.
        if self._held and not waits:
            return _Exchange(self._default, None)
        return None

    def _note(self, event: Event, connection: ClientConnection) -> None:
        if isinstance(event, (InformationalResponse, Response)):
            self._heads += 1
            if connection.their_state == SWITCHED_PROTOCOL:
                self._exchange.accepted = True
            elif isinstance(event, Response):
                self._exchange.accepted = False
                self._is_last = _says_close(event)
        elif isinstance(event, EndOfMessage):
            self._exchange.answered = True

    def _accept(self, piece: bytes) -> None:
        if self._connection is None:
            self._held += piece
        else:
            self._connection.receive_data(piece)

    def _unread(self) -> bytes:
        return self._held if self._connection is None else self._connection.trailing_data[0]

    def _is_inside(self) -> bool:
        connection = self._connection
        return self._unread() != b"" or (connection is not None and connection.their_state == SEND_BODY)


def _as_sent(request: Request) -> Request:
    """Return what decides about the answer to `request`: its method, and what it says of the connection."""
    said = _members(request.headers.get_all("connection"))
    options = [option for option in (b"upgrade", b"close") if option in said]
    if request.http_version == b"1.0":
        options = [b"close"]
    fields: list[tuple[bytes, bytes]] = [_HOST]
    try:
        if options:
            fields.append((b"Connection", b", ".join(options)))
        if b"upgrade" in options and (protocols := request.headers.get_all("upgrade")):
            fields.append((b"Upgrade", b", ".join(protocols)))
        target = b"localhost:443" if request.method == b"CONNECT" else b"/"
        return Request(method=request.method, target=target, headers=fields)
    except LocalProtocolError:
        # What a tolerant policy has let in may be more than can be sent.
        return PROPOSAL


def _says_close(head: Response) -> bool:
    return head.http_version < b"1.1" or b"close" in _members(head.headers.get_all("connection"))


def _members(values: list[bytes]) -> list[bytes]:
    return [member.strip(b" \t").lower() for value in values for member in value.split(b",")]


def _protocol(request: Request) -> str:
    if request.method == b"CONNECT":
        return "a tunnel"
    return escaped(b", ".join(request.headers.get_all("upgrade"))) or "another protocol"


def _behind_the_last_answer() -> RemoteProtocolError:
    return RemoteProtocolError(
        "expected the end of the connection after an answer that says so, got more bytes",
        code="unexpected-bytes",
        rule="RFC 9112 9.6",
        offset=0,
    )
