"""http11 under STRICT, and llhttp by way of httptools: what we accept, it accepts, as the same messages.

The other direction does not hold, and need not: llhttp takes much that STRICT refuses.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs
import httptools

from http11 import (
    CLIENT,
    DONE,
    IDLE,
    MUST_CLOSE,
    PAUSED,
    SEND_RESPONSE,
    SERVER,
    STRICT,
    SWITCHED_PROTOCOL,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    RemoteProtocolError,
    Request,
    Response,
    Role,
)
from tests.differential.streams import GET, Case
from tests.harness import send_any

# How much is read at the most is no question of what it means.
NO_LIMIT: Final = 1 << 30
UNLIMITED: Final = attrs.evolve(STRICT, max_fields=None, max_informational_responses=None, max_method_size=NO_LIMIT)

Fields = list[tuple[bytes, bytes]]


@attrs.define
class Message:
    """One message, as far as it has come.

    Attributes:
        start: Method and target, or status code and reason.
        version: Such as ``b"1.1"``.
        fields: With their names in lower case.
        body: All of its data.
        trailers: As `fields`.
        complete: Whether it has ended.

    """

    start: tuple[bytes | int, bytes]
    version: bytes
    fields: Fields
    body: bytes = b""
    trailers: Fields = attrs.Factory(list)
    complete: bool = False

    @property
    def until_close(self) -> bool:
        """Whether the end of the connection ends it; httptools cannot be told of that."""
        names = {name for name, _ in self.fields}
        status = self.start[0]
        return (
            isinstance(status, int)
            and not (status < 200 or status in (204, 304))
            and names.isdisjoint([b"content-length", b"transfer-encoding"])
        )


@attrs.define
class Reading:
    """What a parser made of a case.

    Attributes:
        messages: All whose heads were accepted.
        refused: Why the next byte was refused, or nothing.
        switched: What stands behind a 101, or `None`.
        unread: How many bytes wait for more to be judged, or for nothing; llhttp does not say.
        last: Whether nothing is read after the last message; llhttp may read on.

    """

    messages: list[Message] = attrs.Factory(list)
    refused: str = ""
    switched: bytes | None = None
    unread: int = 0
    last: bool = False


def _comparable(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    # The case of a coding means nothing, and http11 has it in lower case where it counts.
    return [(name, value.lower() if name == b"transfer-encoding" else value) for name, value in fields]


# --- ours -----------------------------------------------------------------------------------------------------------


class _Reader:
    """A connection that refuses each proposal to switch, and goes on."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self.reading = Reading()
        self._connection = self._connected()
        # What the connection has received.
        self._since = b""

    def _connected(self) -> Connection[Role]:
        connection: Connection[Role] = Connection(self._case.role, self._case.limit, policy=UNLIMITED)
        if self._case.role == CLIENT:
            server = Connection(SERVER)
            server.receive_data(self._case.request)
            while not isinstance(event := server.next_event(), type):
                send_any(connection, event)
        return connection

    def read(self) -> Reading:
        try:
            for piece in [*self._case.pieces, *([b""] if self._case.closed else [])]:
                self._since += piece
                self._connection.receive_data(piece)
                while self._step():
                    pass
        except RemoteProtocolError as error:
            self.reading.refused = error.code
        self.reading.unread = len(self._connection.trailing_data[0])
        return self.reading

    def _step(self) -> bool:
        event = self._connection.next_event()
        if event is PAUSED:
            return self._turn()
        if isinstance(event, type):
            return False
        self._add(event)
        return not isinstance(event, ConnectionClosed)

    def _add(self, event: Event) -> None:
        messages = self.reading.messages
        match event:
            case Request():
                messages.append(Message((event.method, event.target), event.http_version, _comparable(event.headers)))
            case InformationalResponse() | Response():
                start = event.status_code, event.reason
                messages.append(Message(start, event.http_version, _comparable(event.headers)))
                messages[-1].complete = isinstance(event, InformationalResponse)
            case Data():
                messages[-1].body += event.data
            case EndOfMessage():
                messages[-1].trailers = list(event.headers)
                messages[-1].complete = True
            case ConnectionClosed():
                pass

    def _turn(self) -> bool:
        connection = self._connection
        role: Role = connection.our_role
        if role == SERVER and connection.our_state in (IDLE, SEND_RESPONSE):
            send_any(connection, Response(status_code=404, headers=[("Content-Length", "0")]))
            send_any(connection, EndOfMessage())
            if set(connection.states.values()) == {DONE}:
                connection.start_next_cycle()
            return True
        unread, closed = connection.trailing_data
        if role == CLIENT and self._may_ask_again(self._since.removesuffix(unread)):
            self._connection, self._since = self._connected(), unread
            for piece in [*([unread] if unread else []), *([b""] if closed else [])]:
                self._connection.receive_data(piece)
            return True
        if connection.their_state == SWITCHED_PROTOCOL:
            self.reading.switched = unread
        self.reading.last = connection.their_state == MUST_CLOSE
        return False

    def _may_ask_again(self, answer: bytes) -> bool:
        """Tell whether an answer, with nothing after it, leaves the connection open."""
        connection = self._connected()
        connection.receive_data(answer)
        while not isinstance(event := connection.next_event(), type):
            if isinstance(event, EndOfMessage):
                return connection.our_state == connection.their_state == DONE
        return False


# --- theirs ---------------------------------------------------------------------------------------------------------


class _Protocol:
    """What httptools calls back."""

    def __init__(self, role: Role) -> None:
        self.reading = Reading()
        self._parser = httptools.HttpRequestParser(self) if role == SERVER else httptools.HttpResponseParser(self)
        self._role = role
        self._text = b""
        self._fields: Fields = []

    def read(self, case: Case) -> Reading:
        for piece in case.pieces:
            if self.reading.switched is not None:
                self.reading.switched += piece
            elif not self.reading.refused:
                self._feed(piece)
        return self.reading

    def _feed(self, piece: bytes) -> None:
        rest = piece
        while rest:
            try:
                self._parser.feed_data(rest)
            except httptools.HttpParserUpgrade as upgrade:
                at: int = upgrade.args[0]
                rest = rest[at:]
                if self._role == CLIENT:
                    self.reading.switched = rest
                    return
            except httptools.HttpParserError as error:
                self.reading.refused = str(error) or "refused"
                return
            else:
                return

    def on_message_begin(self) -> None:
        self._text = b""
        self._fields = []

    def on_url(self, url: bytes) -> None:
        self._text += url

    def on_status(self, status: bytes) -> None:
        self._text += status

    def on_header(self, name: bytes, value: bytes) -> None:
        # It leaves the white space behind a value to its caller.
        self._fields.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        parser = self._parser
        first = parser.get_method() if isinstance(parser, httptools.HttpRequestParser) else parser.get_status_code()
        version = parser.get_http_version().encode("ascii")
        self.reading.messages.append(Message((first, self._text), version, _comparable(self._fields)))
        self._fields = []

    def on_body(self, body: bytes) -> None:
        self.reading.messages[-1].body += body

    def on_message_complete(self) -> None:
        self.reading.messages[-1].complete = True
        self.reading.messages[-1].trailers = self._fields
        self._fields = []


def ours(case: Case) -> Reading:
    """Read a case with http11."""
    return _Reader(case).read()


def theirs(case: Case) -> Reading:
    """Read a case with llhttp."""
    return _Protocol(case.role).read(case)


# --- both -----------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Difference:
    """Something that we accept, and llhttp does not, or reads as something else.

    Attributes:
        case: The case.
        ours: What http11 made of it.
        theirs: What llhttp made of it.
        at: The index of the message.
        what: The part that is not the same.

    """

    case: Case
    ours: Reading
    theirs: Reading
    at: int
    what: str

    @property
    def message(self) -> Message | None:
        """The message as we have it, if we have it."""
        return self.ours.messages[self.at] if self.at < len(self.ours.messages) else None

    def __str__(self) -> str:
        return f"{self.what}: {self.case}\n  http11: {self.ours}\n  llhttp: {self.theirs}"


def readable(case: Case) -> Case:
    """Return the case as llhttp can be told of it: it cannot be told what was asked."""
    told = case.role == SERVER or (case.request.startswith(b"GET") and b"close" not in case.request)
    return case if told else attrs.evolve(case, request=GET)


def compare(case: Case) -> tuple[Reading, Difference | None]:
    """Read a case with both, and return our reading, and where llhttp does not follow."""
    case = readable(case)
    our, their = ours(case), theirs(case)
    for at, message in enumerate(our.messages):
        last = at + 1 == len(our.messages)
        if at == len(their.messages):
            return our, Difference(case=case, ours=our, theirs=their, at=at, what="head")
        what = _parts(message, their.messages[at], refused=last and our.refused != "", held=last and our.unread > 0)
        if what:
            return our, Difference(case=case, ours=our, theirs=their, at=at, what=what)
    what = _ends(our, their)
    return our, Difference(case=case, ours=our, theirs=their, at=len(our.messages), what=what) if what else None


def _parts(our: Message, their: Message, *, refused: bool, held: bool) -> str:
    """Return which part of a message is not the same, or nothing."""
    if our.start != their.start:
        return "start"
    if our.version != their.version:
        return "version"
    if our.fields != their.fields:
        return "fields"
    if our.complete or not (refused or held):
        if our.body != their.body:
            return "body"
    elif not our.body.startswith(their.body) and not their.body.startswith(our.body):
        # Of a body that we refuse, one may have read further than the other.
        return "body"
    if our.complete and not our.until_close and (not their.complete or our.trailers != their.trailers):
        return "end"
    return ""


def _ends(our: Reading, their: Reading) -> str:
    """Return what follows the last message in one reading alone, or nothing."""
    if our.refused or our.last:
        return ""
    if our.switched != their.switched:
        return "switched"
    if their.refused and not our.unread:
        return "refused"
    return "more" if len(their.messages) > len(our.messages) else ""
