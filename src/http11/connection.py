"""`Connection`: the only place where protocol state changes. It holds a buffer, asks, and remembers (RFC 9112 9).

In:  `receive_data` -> buffer -> the state picks one pure parser -> an event -> the state machine -> out.
Out: an event -> the state machine says whether it may -> one pure serializer -> bytes.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeAlias, TypeVar, overload

import attrs

from http11 import framing, parsing, serialization, states
from http11.errors import ErrorCode, ErrorT, LocalProtocolError, RemoteProtocolError, violation
from http11.events import (
    NEED_DATA,
    PAUSED,
    ClientEvent,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    PayloadT,
    Request,
    Response,
    ServerEvent,
    Signal,
)
from http11.headers import Buffer, is_strict
from http11.policy import STRICT, Policy
from http11.scanning import Scan, cut
from http11.states import CLIENT, SERVER, JointState, Move, Role, State

__all__ = ["DEFAULT_MAX_INCOMPLETE_EVENT_SIZE", "ClientConnection", "Connection", "ServerConnection"]

# What we are willing to hold of one head: other servers take 8 KiB (Apache, nginx, Tomcat) to 80 KiB (Node.js) in all.
DEFAULT_MAX_INCOMPLETE_EVENT_SIZE: Final = 16 * 1024

if TYPE_CHECKING:
    import typing_extensions

    # A bare `Connection` may have either role. The default is for the checkers alone: Python knows none before 3.13.
    RoleT_co = typing_extensions.TypeVar("RoleT_co", bound=Role, covariant=True, default=Role)
else:
    RoleT_co = TypeVar("RoleT_co", bound=Role, covariant=True)
HeadT = TypeVar("HeadT", Request, InformationalResponse, Response)
FieldsT = TypeVar("FieldsT", Request, InformationalResponse, Response, EndOfMessage)

_AllButData: TypeAlias = Request | InformationalResponse | Response | EndOfMessage | ConnectionClosed


class Connection(Generic[RoleT_co]):
    """One HTTP/1.1 connection, seen from one side; it does no input or output of its own.

    Args:
        our_role: `CLIENT` or `SERVER`.
        max_incomplete_event_size: The greatest size of a head, a chunk line or a trailer section, in bytes.
        policy: What is tolerated of the peer, and how much.

    Raises:
        ValueError: `our_role` is neither `CLIENT` nor `SERVER`, or the size is negative.
        TypeError: The size is not an int.

    """

    __slots__ = (
        "__weakref__",
        "_body",
        "_buffer",
        "_closed",
        "_informational_responses",
        "_joint",
        "_limit",
        "_offset",
        "_our_role",
        "_outgoing",
        "_policy",
        "_request_method",
        "_scan",
        "_sent",
        "_skipped",
        "_start",
        "_their_http_version",
        "_waiting_for_continue",
    )

    def __init__(
        self,
        our_role: RoleT_co,
        max_incomplete_event_size: int = DEFAULT_MAX_INCOMPLETE_EVENT_SIZE,
        *,
        policy: Policy = STRICT,
    ) -> None:
        if our_role not in (CLIENT, SERVER):
            raise ValueError(f"expected CLIENT or SERVER as our_role, got {our_role!r}")
        if operator.index(max_incomplete_event_size) < 0:
            raise ValueError(f"expected a size of 0 or more bytes, got {max_incomplete_event_size}")
        self._our_role: RoleT_co = our_role
        self._policy = policy
        self._limit = max_incomplete_event_size

        self._joint = JointState()
        # The method of the request that is being answered, or None before it is known.
        self._request_method: bytes | None = None
        self._their_http_version: bytes | None = None
        self._waiting_for_continue = False

        # What has been received and not read is _buffer[_start:]. A piece that arrives at an empty buffer is kept as it
        # is; a second one makes it a bytearray.
        self._buffer: bytes | bytearray = b""
        self._start = 0
        self._closed = False
        # How far the head that has not arrived in full has been looked at.
        self._scan: Scan | None = None
        # Where in its message the first unread byte stands, and how many bytes of empty lines stood before it.
        self._offset = 0
        self._skipped = 0
        # How far the body that is being received has got.
        self._body: parsing.BodyProgress = None
        self._informational_responses = 0

        # How the body that is being sent ends, and how many of its bytes have been sent.
        self._outgoing = framing.NO_BODY
        self._sent = 0

    # --- what is known ----------------------------------------------------------------------------------------------

    @property
    def our_role(self) -> RoleT_co:
        """`CLIENT` or `SERVER`, as was given."""
        return self._our_role

    @property
    def their_role(self) -> Role:
        """The other role."""
        return SERVER if self._our_role == CLIENT else CLIENT

    @property
    def our_state(self) -> State:
        """Our own state."""
        return self._joint.client if self._our_role == CLIENT else self._joint.server

    @property
    def their_state(self) -> State:
        """The peer's state, as far as we can know it."""
        return self._joint.server if self._our_role == CLIENT else self._joint.client

    @property
    def states(self) -> dict[Role, State]:
        """A new dict of both states, by role."""
        return {CLIENT: self._joint.client, SERVER: self._joint.server}

    @property
    def their_http_version(self) -> bytes | None:
        """The version of the peer's last message, such as ``b"1.1"``, or `None` before the first."""
        return self._their_http_version

    @property
    def client_is_waiting_for_100_continue(self) -> bool:
        """Whether the client holds its body back until it gets a 100 or a final response (RFC 9110 10.1.1)."""
        return self._waiting_for_continue

    @property
    def they_are_waiting_for_100_continue(self) -> bool:
        """Whether the peer is a client that waits in this way."""
        return self._waiting_for_continue and self._our_role == SERVER

    @property
    def trailing_data(self) -> tuple[bytes, bool]:
        """What has been received and not read, and whether the peer has closed: to hand a switched connection over."""
        return cut(self._buffer, self._start, len(self._buffer)), self._closed

    # --- in ---------------------------------------------------------------------------------------------------------

    def receive_data(self, data: Buffer) -> None:
        """Add received bytes to the buffer; ``b""`` means that the peer has closed. Does no parsing.

        While `next_event` says `PAUSED` you should not receive more: it has to be kept.

        Raises:
            RuntimeError: There is data after the end.
            TypeError: `data` is not bytes-like.

        """
        piece = data if type(data) is bytes else memoryview(data).tobytes()
        if not piece:
            self._closed = True
        elif self._closed:
            raise RuntimeError("expected nothing after the end of the connection, got more data")
        elif self._start == len(self._buffer):
            self._buffer = piece
            self._start = 0
        else:
            if isinstance(self._buffer, bytes):
                self._buffer = bytearray(self._buffer[self._start :])
            else:
                del self._buffer[: self._start]
            self._start = 0
            self._buffer += piece

    @overload
    def next_event(self: Connection[Literal["CLIENT"]]) -> ServerEvent | Signal: ...
    @overload
    def next_event(self: Connection[Literal["SERVER"]]) -> ClientEvent | Signal: ...
    @overload
    def next_event(self) -> Event | Signal: ...
    def next_event(self) -> Event | Signal:
        """Return the peer's next event, or `NEED_DATA`, or `PAUSED`.

        Once it has returned `ConnectionClosed` it always will.

        Raises:
            RemoteProtocolError: The peer has broken the protocol, now or before; `their_state` is `ERROR`.

        """
        state = self._joint.client if self._our_role == SERVER else self._joint.server
        if state == states.ERROR:
            raise violation(
                RemoteProtocolError,
                "already-failed",
                "expected nothing more of a peer that has broken the protocol",
            )
        try:
            if state == states.SEND_BODY:
                return self._read_body()
            if state in (states.IDLE, states.SEND_RESPONSE):
                return self._read_head(state)
            return self._read_no_message(state)
        except BaseException:
            self._joint = states.after_error(self._joint, self.their_role)
            raise

    def _read_no_message(self, state: State) -> ConnectionClosed | Signal:
        if state in (states.MIGHT_SWITCH_PROTOCOL, states.SWITCHED_PROTOCOL):
            return PAUSED
        if self._start < len(self._buffer):
            if state == states.DONE:
                return PAUSED
            raise violation(
                RemoteProtocolError,
                "unexpected-bytes",
                f"expected the end of the connection in {state}, got more bytes",
                offset=0,
            )
        return self._close_received() if self._closed else NEED_DATA

    def _close_received(self) -> ConnectionClosed:
        self._on_body_or_close(self.their_role, "ConnectionClosed", RemoteProtocolError)
        return ConnectionClosed()

    def _read_head(self, state: State) -> Event | Signal:
        section: parsing.Section = "response" if self._our_role == CLIENT else "request"
        policy = self._policy
        # The usual case first: a head that has come in one piece, and is the first thing in the buffer.
        if self._scan is None and not self._skipped and not policy.bare_lf:
            start = self._start
            stop = self._buffer.find(b"\r\n\r\n", start) + 4
            if start + 4 < stop <= start + self._limit and self._buffer[start] not in b"\r\n":
                self._offset = 0
                return self._whole_head(section, stop)
        # Of a CR alone, nobody knows yet what line it ends.
        if section == "request" and (self._scan is None or self._scan.at == 0):
            begin = parsing.skip_empty_lines(self._buffer, self._start, policy=policy)
            self._skipped += begin - self._start
            self._consume(begin)
        self._offset = 0
        end = parsing.find_section_end(
            self._buffer,
            self._start,
            self._scan,
            section=section,
            limit=self._limit - self._skipped,
            policy=policy,
        )
        if isinstance(end, Scan):
            self._scan = end
            return self._incomplete(state)
        return self._whole_head(section, end)

    def _whole_head(self, section: parsing.Section, end: int) -> Request | InformationalResponse | Response:
        head = cut(self._buffer, self._start, end)
        if section == "request":
            request = parsing.parse_request(head, policy=self._policy)
            self._consume_head(end)
            self._on_request(CLIENT, request, RemoteProtocolError)
            return request
        response = parsing.parse_response(head, policy=self._policy)
        self._consume_head(end)
        if isinstance(response, Response):
            self._on_response(SERVER, response, RemoteProtocolError)
        else:
            self._on_informational_response(SERVER, response, RemoteProtocolError)
            self._count_informational_response()
        return response

    def _consume_head(self, end: int) -> None:
        self._skipped = 0
        self._scan = None
        self._consume(end)

    def _incomplete(self, state: State) -> Event | Signal:
        unread = len(self._buffer) - self._start
        if not self._closed:
            return NEED_DATA
        if unread == 0 and state == states.IDLE:
            return self._close_received()
        raise violation(
            RemoteProtocolError,
            "head-cut-short",
            f"peer closed the connection before the end of a head: received {unread} bytes of it",
        )

    def _read_body(self) -> Event | Signal:
        buffer, start, body = self._buffer, self._start, self._body
        if body is parsing.NO_BODY:
            return self._end_received(parsing.END)
        try:
            if body is None:
                event, body, stop = parsing.read_until_close(buffer, start, closed=self._closed)
            elif isinstance(body, parsing.LengthProgress):
                event, body, stop = parsing.read_length_body(buffer, start, body, closed=self._closed)
            else:
                event, body, stop = parsing.read_chunked_body(
                    buffer,
                    start,
                    body,
                    limit=self._limit,
                    closed=self._closed,
                    policy=self._policy,
                )
        except RemoteProtocolError as error:
            if error.offset is not None:
                error.offset += self._offset - start
            raise
        self._body = body
        self._consume(stop)
        if event is None:
            return NEED_DATA
        if isinstance(event, EndOfMessage):
            return self._end_received(event)
        # A client that goes on does not wait any more.
        self._waiting_for_continue = False
        return event

    def _end_received(self, end: EndOfMessage) -> EndOfMessage:
        self._on_body_or_close(self.their_role, "EndOfMessage", RemoteProtocolError)
        return end

    def _consume(self, stop: int) -> None:
        """Move on to `_buffer[stop]`, and let go of what is not needed any more."""
        self._offset += stop - self._start
        self._start = stop
        if stop == len(self._buffer):
            self._buffer = b""
            self._start = 0

    # --- out --------------------------------------------------------------------------------------------------------

    @overload
    def send(self, event: ConnectionClosed) -> None: ...
    @overload
    def send(self: Connection[Literal["CLIENT"]], event: Request | Data[bytes] | EndOfMessage) -> bytes: ...
    @overload
    def send(
        self: Connection[Literal["SERVER"]],
        event: InformationalResponse | Response | Data[bytes] | EndOfMessage,
    ) -> bytes: ...
    @overload
    def send(self, event: Data[bytes] | EndOfMessage) -> bytes: ...
    def send(self, event: Event) -> bytes | None:
        """Return the bytes to write for `event`, or `None` for `ConnectionClosed`: close, or half-close, then.

        Raises:
            LocalProtocolError: `event` may not be sent now, or not at all; `our_state` is `ERROR`.
            TypeError: `event` is not an event, or a `Data` whose payload is not bytes; nothing has changed.

        """
        if type(event) is Data and type(event.data) is not bytes:
            raise TypeError(
                f"expected bytes as the payload of Data, got {type(event.data).__name__}: "
                "use send_with_data_passthrough"
            )
        pieces = self._send(event)
        return None if pieces is None else b"".join(pieces)

    @overload
    def send_with_data_passthrough(self, event: ConnectionClosed) -> None: ...
    @overload
    def send_with_data_passthrough(
        self: Connection[Literal["CLIENT"]], event: Request | EndOfMessage
    ) -> list[bytes]: ...
    @overload
    def send_with_data_passthrough(
        self: Connection[Literal["SERVER"]], event: InformationalResponse | Response | EndOfMessage
    ) -> list[bytes]: ...
    @overload
    def send_with_data_passthrough(self, event: EndOfMessage) -> list[bytes]: ...
    @overload
    def send_with_data_passthrough(self, event: Data[PayloadT]) -> list[bytes | PayloadT]: ...
    def send_with_data_passthrough(
        self,
        event: _AllButData | Data[PayloadT],
    ) -> list[bytes] | list[bytes | PayloadT] | None:
        """Return what to write for `event`, in order, where the payload of a `Data` appears as itself.

        So a file that is to be sent by `os.sendfile` can be framed without being read: all that is asked of it is its
        length, in bytes.

        Raises:
            LocalProtocolError: `event` may not be sent now, or not at all; `our_state` is `ERROR`.
            TypeError: `event` is not an event; nothing has changed.

        """
        return self._send(event)

    def _send(self, event: _AllButData | Data[PayloadT]) -> list[bytes] | list[bytes | PayloadT] | None:
        if type(event) not in _EVENTS:
            raise TypeError(f"expected an http11 event to send, got {type(event).__name__}")
        joint, role = self._joint, self._our_role
        state = joint.server if role == SERVER else joint.client
        if state == states.ERROR:
            raise violation(
                LocalProtocolError, "already-failed", f"expected nothing in ERROR, got {type(event).__name__}"
            )
        try:
            return self._framed(event.data, state) if type(event) is Data else self._all_but_data(event)
        except BaseException:
            self._joint = states.after_error(self._joint, role)
            raise

    def _all_but_data(self, event: _AllButData) -> list[bytes] | None:
        role, blame = self._our_role, LocalProtocolError
        if isinstance(event, Response):
            response = framing.response_to_send(
                _sendable(event),
                request_method=self._request_method,
                peer_version=self._their_http_version,
                keep_alive=self._joint.keep_alive,
                last=not self._may_be_asked_again(event),
            )
            self._on_response(role, response, blame)
            return [serialization.serialize_response(response)]
        if isinstance(event, EndOfMessage):
            end = _valid(event)
            self._on_body_or_close(role, "EndOfMessage", blame)
            return [self._end(end)]
        if isinstance(event, Request):
            request = _sendable(event)
            self._on_request(role, request, blame)
            self._check_for_extra_data("unexpected-bytes")
            return [serialization.serialize_request(request)]
        if isinstance(event, InformationalResponse):
            interim = framing.informational_to_send(_sendable(event))
            self._on_informational_response(role, interim, blame)
            # "A server MUST NOT send a 1xx response to an HTTP/1.0 client" (RFC 9110 15.2), so none is written.
            return [serialization.serialize_response(interim)] if framing.is_http11(self._their_http_version) else []
        self._on_body_or_close(role, "ConnectionClosed", blame)
        return None

    def _may_be_asked_again(self, response: Response) -> bool:
        """Tell whether what the client has sent so far leaves room for another request behind `response`."""
        # One that has broken the protocol, or has closed, will send none; and the one that an early answer comes before
        # cannot be answered any more.
        if self._joint.client in (states.ERROR, states.CLOSED, states.IDLE):
            return False
        # What a client wrote into a tunnel that is not granted must never be taken for requests, and neither must what
        # follows the preface of HTTP/2.
        if self._joint.connect_proposed and not framing.accepts_connect(response, self._request_method):
            return self._start == len(self._buffer)
        return not (self._request_method == b"PRI" and self._their_http_version == b"2.0")

    def _framed(self, payload: PayloadT, state: State) -> list[bytes | PayloadT]:
        # The one move that leads to where it began: no need to ask where it leads.
        if state != states.SEND_BODY:
            raise _state_error(self._joint, self._our_role, "Data", LocalProtocolError)
        if self._our_role == CLIENT:
            self._waiting_for_continue = False
        size = len(payload)
        kind, length = self._outgoing
        self._sent += size
        if kind == "length" and self._sent > length:
            raise violation(
                LocalProtocolError,
                "too-much-body",
                f"expected {length} bytes of body, as its length says, got {self._sent}",
            )
        if size == 0:
            # In a chunked body, nothing would be the last chunk.
            return []
        if kind == "chunked":
            return [serialization.serialize_chunk_start(size), payload, serialization.CHUNK_END]
        return [payload]

    def _end(self, end: EndOfMessage) -> bytes:
        kind, length = self._outgoing
        if kind == "chunked":
            return serialization.serialize_last_chunk(end)
        if len(end.headers) > 0:
            raise violation(
                LocalProtocolError,
                "trailers-without-chunked",
                "expected trailers in a chunked message only, got some in another",
            )
        if kind == "length" and self._sent != length:
            raise violation(
                LocalProtocolError,
                "too-little-body",
                f"expected {length} bytes of body, as its length says, got {self._sent} and the end",
            )
        return b""

    def send_failed(self) -> None:
        """Say that the bytes for an event could not be written: `our_state` becomes `ERROR`."""
        self._joint = states.after_error(self._joint, self._our_role)

    # --- the state machine ------------------------------------------------------------------------------------------

    def start_next_cycle(self) -> None:
        """Make ready for the next request, once both sides are `DONE` with this one.

        Raises:
            LocalProtocolError: They are not, or the server has sent more than its answer, or has closed; nothing has
                changed.

        """
        if self._our_role == CLIENT:
            self._check_for_extra_data("not-reusable")
        joint = states.next_cycle(self._joint)
        if joint is None:
            raise violation(
                LocalProtocolError,
                "not-reusable",
                "expected both sides in DONE, got "
                f"the client in {self._joint.client} and the server in {self._joint.server}",
            )
        self._joint = joint
        self._request_method = None
        self._waiting_for_continue = False
        self._informational_responses = 0

    def _check_for_extra_data(self, code: ErrorCode) -> None:
        # "A client MUST NOT process, cache, or forward such extra data as a separate response" (RFC 9112 6.3): it came
        # before the request that it would be taken to answer.
        if self._start < len(self._buffer) or self._closed:
            raise violation(
                LocalProtocolError,
                code,
                "expected nothing behind the answer to the last request, got "
                + ("the end of the connection" if self._closed else "more bytes"),
            )

    # One method for each kind of event, whichever side it is from: move the state machine, and remember what it says.

    def _on_request(self, role: Role, request: Request, blame: type[ErrorT]) -> None:
        facts = framing.request_facts(request)
        self._move(role, "Request", blame, self._keeps_alive(role, facts), facts.upgrade, facts.connect)
        self._request_method = request.method
        self._waiting_for_continue = facts.waits
        self._on_head(role, request.http_version, facts.body)

    def _on_informational_response(self, role: Role, response: InformationalResponse, blame: type[ErrorT]) -> None:
        switches = response.status_code == 101  # noqa: PLR2004 - Switching Protocols
        self._move(role, "101 to Upgrade" if switches else "InformationalResponse", blame)
        # A 102 or a 103 does not answer the question; 100 says go on, and 101 moves on to something else.
        if response.status_code in (100, 101):
            self._waiting_for_continue = False
        if role != self._our_role:
            self._their_http_version = response.http_version

    def _on_response(self, role: Role, response: Response, blame: type[ErrorT]) -> None:
        method = self._request_method
        facts = framing.response_facts(response, method)
        tunnels = method == b"CONNECT" and framing.accepts_connect(response, method)
        self._move(role, "2xx to CONNECT" if tunnels else "Response", blame, self._keeps_alive(role, facts))
        self._waiting_for_continue = False
        self._on_head(role, response.http_version, facts.body)

    def _on_head(self, role: Role, http_version: bytes, body: framing.BodyFraming) -> None:
        if role == self._our_role:
            self._outgoing = body
            self._sent = 0
        else:
            self._their_http_version = http_version
            self._body = parsing.begin_body(body)

    def _on_body_or_close(
        self, role: Role, move: Literal["EndOfMessage", "ConnectionClosed"], blame: type[ErrorT]
    ) -> None:
        self._move(role, move, blame)
        # A client that goes on does not wait any more.
        if role == CLIENT:
            self._waiting_for_continue = False

    def _move(  # noqa: PLR0917 - called for each message, and names take time
        self,
        role: Role,
        move: Move,
        blame: type[ErrorT],
        keep_alive: bool = True,
        upgrade: bool = False,
        connect: bool = False,
    ) -> None:
        joint = states.step(self._joint, role, move, keep_alive, upgrade, connect)
        if joint is None:
            raise _state_error(self._joint, role, move, blame)
        self._joint = joint

    def _keeps_alive(self, role: Role, facts: framing.Facts) -> bool:
        # A message that says its length in two ways may have been understood in another way by somebody else, so what
        # follows it cannot be trusted. For a request, closing is a MUST (RFC 9112 6.1).
        return facts.keep_alive and not (
            facts.ambiguous and role != self._our_role and not self._policy.reuse_after_length_and_chunked
        )

    def _count_informational_response(self) -> None:
        self._informational_responses += 1
        most = self._policy.max_informational_responses
        if most is not None and self._informational_responses > most:
            raise violation(
                RemoteProtocolError,
                "too-many-informational-responses",
                f"expected a final response behind at most {most} informational ones, got another",
                offset=0,
            )


ClientConnection: TypeAlias = Connection[Literal["CLIENT"]]
"""A client's connection, as `Connection(CLIENT)` makes it."""

ServerConnection: TypeAlias = Connection[Literal["SERVER"]]
"""A server's connection, as `Connection(SERVER)` makes it."""

_EVENTS: Final = frozenset([Request, InformationalResponse, Response, Data, EndOfMessage, ConnectionClosed])


def _sendable(head: HeadT) -> HeadT:
    """Return `head` if it may be sent: it is in HTTP/1.1, and valid."""
    if head.http_version != b"1.1":
        raise violation(
            LocalProtocolError,
            "version-not-sendable",
            f"expected HTTP/1.1, the only version that we send, got HTTP/{head.http_version.decode('ascii')}",
        )
    return _valid(head)


def _valid(event: FieldsT) -> FieldsT:
    """Return `event` if it is valid: what a tolerant parser let in has to pass its strict constructor first."""
    return event if is_strict(event.headers) else attrs.evolve(event)


def _state_error(joint: JointState, role: Role, move: Move, blame: type[ErrorT]) -> ErrorT:
    state = joint.client if role == CLIENT else joint.server
    if move == "101 to Upgrade" and state == states.SEND_RESPONSE:
        return violation(
            blame, "unexpected-switch", "expected a 101 to a request that proposes an Upgrade only, got one"
        )
    if move == "Request" and role == CLIENT and state == states.IDLE:
        return violation(
            blame,
            "unexpected-event",
            f"expected no Request to a server that is in {joint.server} already, got one",
        )
    expected = " or ".join(states.expected_moves(joint, role)) or "nothing"
    return violation(blame, "unexpected-event", f"expected {expected} in {state}, got {move}")
