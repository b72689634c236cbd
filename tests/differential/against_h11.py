"""http11 under its policy `H11`, and h11: the same events, framing, states and refusals for the same bytes."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any, TypeAlias

import attrs
import h11

import http11
from http11 import CLIENT, H11, SERVER, Event
from tests.differential.streams import Case
from tests.harness import lines, text

Spelled: TypeAlias = tuple[object, ...]
"""An event as a vector spells it, or what became of the connection."""


@attrs.frozen(kw_only=True)
class Trace:
    """What an engine made of a case.

    Attributes:
        events: The events, each with the states of both sides behind it, and whether the client waits for a 100; and
            what was answered.
        end: ``("open",)``, ``("closed", unread)``, ``("paused", unread)``, ``("error", status hint)``, or what else was
            raised.
        states: Of the client and the server, at the end.
        version: The peer's HTTP version.
        code: The code of the error; h11 has none.
        unread: What has been received and not read; where there was an error, what it is about and all that follows.
        received: How many bytes have been received.
        followed: Which events, by index, had unread bytes or the end of the connection after them.

    """

    events: tuple[Spelled, ...]
    end: Spelled
    states: tuple[str, str]
    version: bytes | None
    code: str = attrs.field(eq=False)
    unread: bytes = attrs.field(eq=False, repr=False)
    received: int = attrs.field(eq=False, repr=False)
    followed: frozenset[int] = attrs.field(eq=False, repr=False)


@cache
def _asked(request: bytes) -> tuple[Event, ...]:
    """Return the events of a request."""
    server = http11.Connection(SERVER)
    server.receive_data(request)
    events: list[Event] = []
    while not isinstance(event := server.next_event(), type):
        events.append(event)
    return tuple(events)


class _Run:
    """One engine on one case. Both have the same names, which no type can say of what `h11` is at run time."""

    def __init__(self, engine: ModuleType, case: Case, **options: Any) -> None:
        self._engine: Any = engine
        self._case = case
        self._options = options
        self._events: list[Spelled] = []
        self._end: Spelled = ("open",)
        self._code = ""
        self._open = True
        self._unread = b""
        self._received = 0
        self._followed: set[int] = set()
        # What the connection has received for the request that is being answered.
        self._since = b""
        self._connection: Any = self._connected()

    def _connected(self) -> Any:
        role = self._engine.CLIENT if self._case.role == CLIENT else self._engine.SERVER
        connection = self._engine.Connection(role, self._case.limit, **self._options)
        if self._case.role == CLIENT:
            self._ask(connection)
        return connection

    def _ask(self, connection: Any) -> None:
        for event in _asked(self._case.request):
            connection.send(self._own(event))

    def _own(self, event: Event) -> object:
        """Make the engine's own event."""
        match event:
            case http11.Request():
                return self._engine.Request(method=event.method, target=event.target, headers=event.headers.raw_items())
            case _:
                return self._engine.EndOfMessage()

    def trace(self) -> Trace:
        for piece in [*self._case.pieces, *([b""] if self._case.closed else [])]:
            if self._open:
                self._receive(piece)
        connection = self._connection
        return Trace(
            events=tuple(self._events),
            end=self._end,
            states=self._states(),
            version=connection.their_http_version,
            code=self._code,
            unread=self._unread,
            received=self._received,
            followed=frozenset(self._followed),
        )

    def _states(self) -> tuple[str, str]:
        states = self._connection.states
        return str(states[self._engine.CLIENT]), str(states[self._engine.SERVER])

    def _receive(self, piece: bytes) -> None:
        self._received += len(piece)
        self._since += piece
        try:
            self._connection.receive_data(piece)
            while self._step():
                pass
        except self._engine.RemoteProtocolError as error:
            self._stop("error", error.error_status_hint)
            self._code = getattr(error, "code", "")
        # Whatever else comes of bytes is a finding, and no reason to stop searching.
        except Exception as error:  # noqa: BLE001
            self._stop("raised", type(error).__name__)
            self._code = str(error)

    def _stop(self, *end: object) -> None:
        self._end = end
        self._open = False

    def _step(self) -> bool:
        """Take one event; false where there is none."""
        connection, engine = self._connection, self._engine
        # An error takes it away.
        self._unread = connection.trailing_data[0]
        event = connection.next_event()
        self._unread, closed = connection.trailing_data
        if event is engine.NEED_DATA:
            self._end = ("open",)
            return self._case.cycles and self._done(connection) and self._cycle()
        if event is engine.PAUSED:
            if self._turn():
                return True
            self._end = ("paused", text(self._unread))
            return False
        self._add(event)
        if self._unread or closed:
            self._followed.add(len(self._events) - 1)
        if type(event) is engine.ConnectionClosed:
            self._stop("closed", text(self._unread))
            return False
        return True

    def _add(self, event: Any) -> None:
        last = self._events[-1] if self._events else ()
        behind = (self._states(), bool(self._connection.client_is_waiting_for_100_continue))
        if type(event) is self._engine.Data:
            data = text(bytes(event.data))
            if not event.chunk_start and last and last[0] == "Data" and not last[3]:
                # Where the pieces of one chunk were cut means nothing.
                self._events[-1] = ("Data", f"{last[1]}{data}", last[2], event.chunk_end, behind)
            else:
                self._events.append(("Data", data, event.chunk_start, event.chunk_end, behind))
            return
        self._events.append((*self._spelled(event), behind))

    def _spelled(self, event: Any) -> Spelled:
        name = type(event).__name__
        match name:
            case "Request":
                head: Spelled = (text(event.method), text(event.target), text(event.http_version))
            case "Response" | "InformationalResponse":
                head = (event.status_code, text(event.reason), text(event.http_version))
            case "EndOfMessage":
                head = ()
            case _:
                return (name,)
        return (name, *head, *lines(event.headers.raw_items()))

    def _turn(self) -> bool:
        """Do as `tests.harness.Reader` does, but answer proposals to switch as the case says."""
        connection, engine, case = self._connection, self._engine, self._case
        if case.role == CLIENT:
            # In http11, the state tells only what becomes of a connection on which more has come.
            if not self._may_ask_again():
                return False
            if case.cycles:
                return self._cycle()
            self._ask_again()
            return True
        answered = connection.our_state in (engine.IDLE, engine.SEND_RESPONSE)
        if answered:
            proposed = connection.their_state is engine.MIGHT_SWITCH_PROTOCOL
            if not self._answer(case.switch if proposed else case.answer):
                return False
        if self._done(connection):
            return self._cycle()
        # In MUST_CLOSE, what came instead of the end is an error, and has to be read to be one.
        return answered and bool(connection.their_state is engine.MUST_CLOSE)

    def _done(self, connection: Any) -> bool:
        return connection.our_state is self._engine.DONE and connection.their_state is self._engine.DONE

    def _may_ask_again(self) -> bool:
        """Tell whether the answer, by itself, leaves the connection open."""
        connection = self._connected()
        connection.receive_data(self._since.removesuffix(self._unread))
        while not isinstance(event := connection.next_event(), type):
            if type(event) is self._engine.EndOfMessage:
                return self._done(connection)
        return False

    def _cycle(self) -> bool:
        """Go on with the next request on the same connection; false where that is refused."""
        try:
            self._connection.start_next_cycle()
        except self._engine.LocalProtocolError:
            self._events.append(("refused to go on", self._states()))
            return False
        self._events.append(("went on", self._states()))
        self._since = self._unread
        if self._case.role == CLIENT:
            self._ask(self._connection)
        return True

    def _ask_again(self) -> None:
        unread, closed = self._connection.trailing_data
        self._since = unread
        self._connection = self._connected()
        if unread:
            self._connection.receive_data(unread)
        if closed:
            self._connection.receive_data(b"")

    def _answer(self, status: int) -> bool:
        """Answer a request; false where the connection is not for us any more."""
        connection, engine = self._connection, self._engine
        if status == 0:
            return False
        make = engine.InformationalResponse if status == 101 else engine.Response
        fields = [] if status == 101 else [("Content-Length", "0")]
        try:
            sent = connection.send(make(status_code=status, headers=fields))
            if connection.our_state is engine.SEND_BODY:
                connection.send(engine.EndOfMessage())
        except engine.LocalProtocolError:
            self._events.append(("refused to answer", status, self._states()))
            return False
        self._events.append(("answered", status, b"connection: close" in sent.lower(), self._states()))
        return bool(connection.our_state is not engine.SWITCHED_PROTOCOL)


def ours(case: Case) -> Trace:
    """Read a case with http11."""
    return _Run(http11, case, policy=H11).trace()


def theirs(case: Case) -> Trace:
    """Read a case with h11."""
    return _Run(h11, case).trace()


@attrs.frozen(kw_only=True)
class Difference:
    """Two traces of one case that are not the same.

    Attributes:
        case: The case.
        ours: What http11 made of it.
        theirs: What h11 made of it.
        at: The index of the first event that is not in both.

    """

    case: Case
    ours: Trace
    theirs: Trace
    at: int

    @property
    def our_next(self) -> Spelled:
        """What http11 has where they part: an event, or what became of the connection."""
        return self.ours.events[self.at] if self.at < len(self.ours.events) else self.ours.end

    @property
    def their_next(self) -> Spelled:
        """What h11 has there."""
        return self.theirs.events[self.at] if self.at < len(self.theirs.events) else self.theirs.end

    def __str__(self) -> str:
        return f"{self.case}\n  http11: {self.ours}\n  h11:    {self.theirs}"


def difference(case: Case, our: Trace, their: Trace) -> Difference | None:
    """Return how two traces of a case differ."""
    if our == their:
        return None
    at = 0
    while at < min(len(our.events), len(their.events)) and our.events[at] == their.events[at]:
        at += 1
    return Difference(case=case, ours=our, theirs=their, at=at)


def compare(case: Case) -> tuple[Trace, Difference | None]:
    """Read a case with both, and return our trace, and how they differ."""
    our = ours(case)
    return our, difference(case, our, theirs(case))
