"""`Pipeline`: a client that asks again before the answer has come (RFC 9112 9.3.2).

`Connection` has one request at a time. A `Pipeline` stands on top of it: each request that it sends has a `Connection`
of its own, which knows the method that it asked with, and all of them read from one buffer, the oldest first. So
what an answer means is decided where it is decided for every client, and here is only what several requests need:
which one an event answers, which requests may be sent while others await their answers, and which ones were not
answered when the connection ends.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Iterable, Mapping
from typing import Final, Literal, Self, TypeAlias, final, overload

import attrs

from http11 import framing
from http11._runtime import Buffer, PayloadT
from http11.connection import DEFAULT_MAX_INCOMPLETE_EVENT_SIZE, ClientConnection, Connection
from http11.errors import LocalProtocolError, RemoteProtocolError, clipped, violation
from http11.events import (
    NEED_DATA,
    PAUSED,
    ClientEvent,
    ConnectionClosed,
    Data,
    EndOfMessage,
    InformationalResponse,
    Request,
    Response,
    Signal,
)
from http11.policy import STRICT, Policy
from http11.receiving import ReceiveBuffer
from http11.states import (
    CLIENT,
    CLOSED,
    DONE,
    ERROR,
    IDLE,
    MIGHT_SWITCH_PROTOCOL,
    MUST_CLOSE,
    SEND_BODY,
    SEND_RESPONSE,
    SWITCHED_PROTOCOL,
    State,
)

__all__ = [
    "DEFAULT_MAX_REQUESTS",
    "IDEMPOTENT_METHODS",
    "AnswerEvent",
    "AnswerPart",
    "OurState",
    "Pipeline",
    "TheirState",
]

DEFAULT_MAX_REQUESTS: Final = 8
"""How many requests may await their answers by default."""

IDEMPOTENT_METHODS: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"})
"""The methods of RFC 9110 whose requests may be sent again automatically (RFC 9110 9.2.2)."""

AnswerPart: TypeAlias = InformationalResponse | Response | Data[bytes] | EndOfMessage
"""What an answer consists of."""

OurState: TypeAlias = Literal[
    "IDLE", "SEND_BODY", "MUST_CLOSE", "CLOSED", "ERROR", "MIGHT_SWITCH_PROTOCOL", "SWITCHED_PROTOCOL"
]
"""What `Pipeline.our_state` can be."""

TheirState: TypeAlias = Literal[
    "IDLE", "SEND_RESPONSE", "SEND_BODY", "MUST_CLOSE", "CLOSED", "ERROR", "SWITCHED_PROTOCOL"
]
"""What `Pipeline.their_state` can be."""


@final
@attrs.frozen(order=False)
class AnswerEvent:
    """An event of the answer to a request.

    Attributes:
        request: The request that is answered: the very object that was passed to `Pipeline.send`.
        event: The event.
        number: Which request it is, in the order in which they were sent: the first one is 0. It tells requests that
            are equal from each other.

    """

    request: Request
    event: AnswerPart
    number: int


class _Exchange:
    """A request, and what is known of its answer.

    Attributes:
        request: The request.
        number: Its place in the order in which they were sent.
        connection: Its own connection. It has sent the request, and reads from the buffer of all.
        asked_at: How many bytes had been received when it was sent: none of them can answer it.
        alone: What keeps it from being pipelined, so that nothing may follow it before the head of its final response;
            empty where nothing does.
        begun: Whether the head of its final response has been read.

    """

    __slots__ = ("alone", "asked_at", "begun", "connection", "number", "request")

    def __init__(self, request: Request, number: int, connection: ClientConnection, asked_at: int, alone: str) -> None:
        self.request = request
        self.number = number
        self.connection = connection
        self.asked_at = asked_at
        self.alone = alone
        self.begun = False


@final
class Pipeline:
    """A client's connection on which several requests may await their answers (RFC 9112 9.3.2).

    It does no input or output, and is for one thread at a time. There is no cycle to start: the next request may be
    sent at once, as far as `may_send` allows it.

    Args:
        max_requests: How many requests may await their answers, 1 or more.
        max_incomplete_event_size: The largest head, chunk line or trailer section to accept, in bytes.
        policy: What to tolerate in what the server sends, and how much to accept.
        pipelined_methods: The methods of requests that may be sent while others await their answers, and that others
            may follow. All others are sent alone. With more methods than the idempotent ones, you need a way to find
            out whether such a request was carried out, when the connection ends before its answer (RFC 9112 9.3.2).
        first_alone: Whether nothing may follow the first request before its answer is whole. Set it when you ask again
            what a connection that failed has left unanswered: its first request may have been what made it fail, so a
            client MUST NOT pipeline right away then (RFC 9112 9.3.2).

    Raises:
        ValueError: A number is too small.
        TypeError: A number is not an int, `policy` is not a `Policy`, or a method is not bytes.

    """

    __slots__ = (
        "__weakref__",
        "_answered",
        "_closed",
        "_exchanges",
        "_first_alone",
        "_last",
        "_limit",
        "_max_requests",
        "_pipelined_methods",
        "_policy",
        "_reader",
        "_received",
        "_sent",
        "_size",
        "_writer",
    )

    def __init__(
        self,
        max_requests: int = DEFAULT_MAX_REQUESTS,
        max_incomplete_event_size: int = DEFAULT_MAX_INCOMPLETE_EVENT_SIZE,
        *,
        policy: Policy = STRICT,
        pipelined_methods: Iterable[bytes] = IDEMPOTENT_METHODS,
        first_alone: bool = False,
    ) -> None:
        self._max_requests: int = operator.index(max_requests)
        if self._max_requests < 1:
            raise ValueError(f"expected 1 or more as max_requests, got {max_requests}")
        self._pipelined_methods: frozenset[bytes] = frozenset(pipelined_methods)
        if not all(isinstance(method, bytes) for method in self._pipelined_methods):
            raise TypeError(
                "expected methods in bytes as pipelined_methods, such as IDEMPOTENT_METHODS | {b'PROPFIND'}"
            )
        self._first_alone: bool = first_alone
        self._limit: int = max_incomplete_event_size
        self._policy: Policy = policy

        # What has been received and not read, and how many bytes have been received in all.
        self._received: ReceiveBuffer = ReceiveBuffer()
        self._size: int = 0
        # The connection that has sent the last request, or is to send the next one.
        self._writer: ClientConnection = self._connection()
        # The connection of the last event that was returned.
        self._reader: ClientConnection = self._writer
        # In the order in which they were sent. The first ones have been answered: so many.
        self._exchanges: list[_Exchange] = []
        self._answered: int = 0
        self._sent: int = 0
        # The one whose answer is the last on this connection.
        self._last: _Exchange | None = None
        # Whether `ConnectionClosed` has been returned.
        self._closed: bool = False

    def _connection(self) -> ClientConnection:
        return Connection(CLIENT, self._limit, policy=self._policy)

    def __repr__(self) -> str:
        waiting = len(self._exchanges) - self._answered
        return (
            f"<Pipeline(policy={self._policy!r}): client {self.our_state}, server {self.their_state}, "
            f"{waiting} unanswered>"
        )

    def __copy__(self) -> Self:
        """Return what `copy.deepcopy` does: two pipelines cannot have one buffer."""
        return copy.deepcopy(self)

    # --- what is known ----------------------------------------------------------------------------------------------

    @property
    def our_state(self) -> OurState:
        """The state of our side, by the names of `Connection`.

        `IDLE` between requests, also while answers are awaited; `MUST_CLOSE` once no request can be answered any more.
        """
        state = _OURS.get(self._writer.our_state)
        if state is not None:
            return state
        return MUST_CLOSE if self._is_over() else IDLE

    @property
    def their_state(self) -> TheirState:
        """The state of the server's side, by the names of `Connection`, as far as what has been read shows it.

        `SEND_RESPONSE` while it owes an answer, `IDLE` where it owes none; `MUST_CLOSE` after its last answer.
        """
        oldest = self._oldest()
        state = (self._writer if oldest is None else oldest.connection).their_state
        if state == SWITCHED_PROTOCOL or state == ERROR:  # noqa: PLR1714, SIM109 - each narrows
            return state
        if oldest is not None and (self._last is None or self._last is oldest):
            return SEND_BODY if state == SEND_BODY else SEND_RESPONSE
        if self._closed:
            return CLOSED
        return MUST_CLOSE if self._is_over() else IDLE

    @property
    def unanswered(self) -> tuple[Request, ...]:
        """The requests that have been sent and whose answers are not whole, in order."""
        return tuple(exchange.request for exchange in self._waiting())

    @property
    def partly_answered(self) -> bool:
        """Whether the head of the final response to the first of `unanswered` has been returned."""
        oldest = self._oldest()
        return oldest is not None and oldest.begun

    @property
    def retryable(self) -> tuple[Request, ...]:
        """The requests of `unanswered` that may be sent again automatically once this connection is over.

        Those with an idempotent method of which no response has been read (RFC 9110 9.2.2). About the others, whoever
        made them has to decide. Ask again by a `Pipeline` with `first_alone`.
        """
        return tuple(
            exchange.request
            for exchange in self._waiting()
            if exchange.request.method in IDEMPOTENT_METHODS and not exchange.begun
        )

    @property
    def client_is_waiting_for_100_continue(self) -> bool:
        """Whether the request that is being sent waits for a 100 or a final response (RFC 9110 10.1.1)."""
        return self._writer.client_is_waiting_for_100_continue

    @property
    def left_out_lines(self) -> tuple[bytes, ...]:
        """The lines that were left out of the head of the response of which an event was returned last, in order.

        See `Connection.left_out_lines`.
        """
        return self._reader.left_out_lines

    @property
    def trailing_data(self) -> tuple[bytes, bool]:
        """Received bytes that have not been read, and whether the server has closed the connection.

        Use it to hand over a connection that has switched protocols. Empty once the server has broken the protocol.
        """
        if self.their_state == ERROR:
            return b"", self._received.closed
        return self._received.peek(len(self._received)), self._received.closed

    def _waiting(self) -> list[_Exchange]:
        return self._exchanges[self._answered :]

    def _oldest(self) -> _Exchange | None:
        return self._exchanges[self._answered] if self._answered < len(self._exchanges) else None

    def _is_over(self) -> bool:
        """Tell whether no further request could be answered, whatever we have sent."""
        if self._last is not None or self._received.closed:
            return True
        oldest = self._oldest()
        # What nobody has asked for is no answer to what is asked later.
        return len(self._received) > 0 if oldest is None else oldest.connection.their_state == ERROR

    # --- in ---------------------------------------------------------------------------------------------------------

    def receive_data(self, data: Buffer) -> None:
        """Add received bytes to the buffer; ``b""`` means that the server has closed the connection. Parses nothing.

        Receive no more before `next_event` has returned `NEED_DATA`: nothing limits what is then kept.

        Raises:
            RuntimeError: More data after the end of the connection.
            TypeError: `data` is not bytes-like.

        """
        piece = data if type(data) is bytes else memoryview(data).tobytes()
        size = len(piece)
        if size > 0 and self._received.closed:
            raise RuntimeError("expected nothing after the end of the connection, got more data")
        self._received.add(piece)
        self._size += size

    def next_event(self) -> AnswerEvent | ConnectionClosed | Signal:
        """Return the next event of the oldest answer that is awaited, or `NEED_DATA` if more bytes are needed.

        `ConnectionClosed` means that every request has been answered and that nothing else will be read: the server
        has closed the connection, or will after what was its last answer, or has sent what nobody asked for. `PAUSED`
        means that the connection has switched protocols.

        Raises:
            RemoteProtocolError: The server has broken the protocol, now or before, or the connection is over and
                requests are left: they are `unanswered`. `their_state` is `ERROR`.

        """
        oldest = self._oldest()
        if oldest is None:
            return self._next_of_none()
        connection, last, begun = oldest.connection, self._last, oldest.begun
        try:
            if connection.their_state == SEND_RESPONSE:
                self._check_may_answer(oldest)
            event = connection.next_event()
            if isinstance(event, (type, ConnectionClosed)):
                return event
            if isinstance(event, Response):
                begun = True
                # By what the two messages say, or because nobody could tell where another answer begins.
                if connection._is_last():
                    last = oldest
            whole = isinstance(event, EndOfMessage) or connection.their_state == SWITCHED_PROTOCOL
            left = len(self._exchanges) - self._answered - 1
            answer = AnswerEvent(oldest.request, event, oldest.number)
        except BaseException as error:
            connection._peer_failed(error)
            raise
        # No call from here on: a signal handler could raise there, and leave half of it done.
        self._last = last
        self._reader = connection
        oldest.begun = begun
        if whole and left > 0:
            self._answered += 1
        elif whole:
            self._exchanges = []
            self._answered = 0
        return answer

    def _next_of_none(self) -> ConnectionClosed | Signal:
        if self._writer.their_state == SWITCHED_PROTOCOL:
            return PAUSED
        if not self._is_over():
            return NEED_DATA
        event = ConnectionClosed()
        self._closed = True
        return event

    def _check_may_answer(self, exchange: _Exchange) -> None:
        """Refuse to read an answer where there is none, or where what comes next cannot be one."""
        if self._last is not None and self._last is not exchange:
            left = len(self._exchanges) - self._answered
            raise violation(
                RemoteProtocolError,
                "no-response",
                f"expected another answer, but the one before was the last on this connection: {left} of the requests "
                "are unanswered",
                received=0,
            )
        if self._size - len(self._received) < exchange.asked_at:
            raise violation(
                RemoteProtocolError,
                "unexpected-bytes",
                "expected nothing before the request was sent, got more bytes",
                offset=0,
            )

    # --- out --------------------------------------------------------------------------------------------------------

    def may_send(self, request: Request) -> bool:
        """Tell whether `request` may be sent now, as far as it depends on the other requests and on the connection."""
        return self.our_state == IDLE and self._refusal(request) is None

    @overload
    def send(self, event: ConnectionClosed) -> None: ...
    @overload
    def send(self, event: Request | Data[bytes] | EndOfMessage) -> bytes: ...
    @overload
    def send(self, event: ClientEvent) -> bytes | None: ...
    def send(self, event: ClientEvent) -> bytes | None:
        """Return the bytes to write for `event`, or `None` for `ConnectionClosed`.

        `Data` and `EndOfMessage` belong to the last request. Write the bytes before you send the next event, and before
        you receive more: whatever is received from now on may be the answer.

        Raises:
            LocalProtocolError: `event` may not be sent in this state, or at all. `our_state` is `ERROR`. But where a
                `Request` has to wait for answers, or for another connection, nothing has changed: the answers that
                are awaited can be read, and it can be sent later, if `may_send` allows it then.
            TypeError: `event` is not an event, or a `Data` whose payload is not bytes. Nothing has changed.

        """
        if type(event) is Request:
            return self._send_request(event)
        return self._next_writer().send(event)

    @overload
    def send_with_data_passthrough(self, event: ConnectionClosed) -> None: ...
    @overload
    def send_with_data_passthrough(self, event: Request | EndOfMessage) -> list[bytes]: ...
    @overload
    def send_with_data_passthrough(self, event: Data[PayloadT]) -> list[bytes | PayloadT]: ...
    def send_with_data_passthrough(
        self, event: Request | Data[PayloadT] | EndOfMessage | ConnectionClosed
    ) -> list[bytes] | list[bytes | PayloadT] | None:
        """Return what to write for `event`, in order, with the payload of a `Data` as the object that it is.

        As `Connection.send_with_data_passthrough`, with the errors of `send`.
        """
        if type(event) is Request:
            return [self._send_request(event)]
        return self._next_writer().send_with_data_passthrough(event)

    def send_failed(self) -> None:
        """Record that the bytes for an event could not be written: `our_state` becomes `ERROR`."""
        self._next_writer().send_failed()

    def _next_writer(self) -> ClientConnection:
        """Return the connection that has to send the next event: a new one after each request, if there may be more."""
        writer = self._writer
        if writer.our_state == DONE:
            if not self._is_over():
                self._writer = writer = self._connection()
            else:
                # What it says of a wrong event is then right.
                writer._end_reuse()
        return writer

    def _send_request(self, request: Request) -> bytes:
        refusal = self._refusal(request)
        if refusal is not None:
            try:
                raise refusal
            finally:
                # It holds this frame, which would hold it until the garbage collector runs.
                del refusal
        writer = self._next_writer()
        try:
            alone = self._why_alone(request)
            written = writer.send(request)
            # Only now: of a new connection, the engine expects that nothing has been received.
            writer._received = self._received
            exchange = _Exchange(request, self._sent, writer, self._size, alone)
            # Not for each answer, but each time that half of them have been answered.
            if self._answered * 2 > len(self._exchanges):
                self._exchanges, self._answered = self._exchanges[self._answered :], 0
            self._sent += 1
            self._exchanges.append(exchange)
        except BaseException:
            writer.send_failed()
            raise
        return written

    def _refusal(self, request: Request) -> LocalProtocolError | None:
        """Return why `request` has to wait, or needs another connection; what else is wrong, its connection says."""
        state = self.our_state
        if state in (SEND_BODY, CLOSED, ERROR):
            return None
        if state in (MUST_CLOSE, SWITCHED_PROTOCOL):
            return self._why_over()
        waiting = len(self._exchanges) - self._answered
        if waiting == 0:
            return None
        newest, alone = self._exchanges[-1], self._why_alone(request)
        if waiting >= self._max_requests:
            expected = f"at most {self._max_requests} requests without an answer (max_requests)"
        elif alone:
            expected = f"no Request with {alone} while others are unanswered"
        elif newest.alone and not newest.begun:
            expected = f"no Request before the final response to the one with {newest.alone}"
        elif self._first_alone and newest.number == 0:
            expected = "no Request before the answer to the first one is whole (first_alone)"
        else:
            return None
        return violation(
            LocalProtocolError, "unexpected-event", f"expected {expected}, got one: read the answers first"
        )

    def _why_alone(self, request: Request) -> str:
        """Say what keeps `request` from being pipelined, if something does.

        What follows a request that may switch protocols could be read as bytes of the other protocol (RFC 9110 7.8,
        9.3.6; RFC 9931), and who expects a 100 waits for the server anyway (RFC 9110 10.1.1).
        """
        _, _, upgrades, expects_continue = framing.request_facts(request)
        if upgrades:
            return "an Upgrade"
        if expects_continue:
            return "Expect: 100-continue"
        if request.method == b"CONNECT" or request.method not in self._pipelined_methods:
            return f"the method {clipped(request.method)}"
        return ""

    def _why_over(self) -> LocalProtocolError:
        oldest = self._oldest()
        if self.our_state == SWITCHED_PROTOCOL:
            after = "the switch to another protocol"
        elif self._last is not None:
            after = "the head of the last answer on this connection"
        elif oldest is not None and oldest.connection.their_state == ERROR:
            after = "a failure of the connection"
        elif not self._is_over():
            after = "one that says close"
        else:
            what = "the end of the connection" if self._received.closed else "more bytes"
            return violation(
                LocalProtocolError,
                "unexpected-bytes",
                f"expected nothing before a Request, got {what}: open a new connection",
            )
        return violation(
            LocalProtocolError, "not-reusable", f"expected no Request after {after}, got one: open a new connection"
        )


# What a connection's state says of the pipeline; in IDLE and DONE it depends on the others.
_OURS: Final[Mapping[State, OurState]] = {
    SEND_BODY: SEND_BODY,
    MUST_CLOSE: MUST_CLOSE,
    CLOSED: CLOSED,
    ERROR: ERROR,
    MIGHT_SWITCH_PROTOCOL: MIGHT_SWITCH_PROTOCOL,
    SWITCHED_PROTOCOL: SWITCHED_PROTOCOL,
}
