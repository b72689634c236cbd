"""`Connection`: the only place where protocol state changes. It holds a buffer, asks, and remembers (RFC 9112 9).

In:  `receive_data` -> buffer -> the state picks one pure parser -> an event -> the state machine -> out.
Out: an event -> the state machine says whether it may -> one pure serializer -> bytes.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Mapping, Sized
from typing import TYPE_CHECKING, Final, Generic, Literal, Self, TypeAlias, TypeVar, overload
from weakref import ref

import attrs

from http11 import framing, parsing, serialization, states
from http11.errors import ErrorCode, ErrorT, LocalProtocolError, ProtocolError, RemoteProtocolError, violation
from http11.events import (
    NEED_DATA,
    NO_FIELDS,
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
from http11.lines import Section, check_beginning, cut, explain, find_line_end, find_section_end, skip_empty_lines
from http11.parsing import END, NO_BODY, LengthProgress, read_length_body
from http11.policy import STRICT, Policy
from http11.states import (
    CLIENT,
    CLOSED,
    DONE,
    ERROR,
    IDLE,
    MUST_CLOSE,
    SEND_BODY,
    SEND_RESPONSE,
    SERVER,
    START,
    SWITCHED_PROTOCOL,
    JointState,
    Move,
    Role,
    State,
    Step,
    after_step,
    step,
)

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

    A connection is for one thread at a time; different ones are independent.

    Args:
        our_role: `CLIENT` or `SERVER`.
        max_incomplete_event_size: The greatest size of a head, a chunk line or a trailer section, in bytes.
        policy: What is tolerated of the peer, and how much.

    Raises:
        ValueError: `our_role` is neither `CLIENT` nor `SERVER`, or the size is negative.
        TypeError: The size is not an int, or `policy` is not a `Policy`.

    """

    __slots__ = (
        "__weakref__",
        "_answered",
        "_begun",
        "_body",
        "_buffer",
        "_closed",
        "_informational_responses",
        "_joint",
        "_limit",
        "_no_content",
        "_offset",
        "_our_failure",
        "_our_role",
        "_outgoing",
        "_policy",
        "_request_method",
        "_seen",
        "_sent",
        "_skipped",
        "_start",
        "_their_failure",
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
        # What `index` returns is an int, so that no arithmetic of another type can overflow.
        limit = operator.index(max_incomplete_event_size)
        if limit < 0:
            raise ValueError("expected a size of 0 or more bytes as max_incomplete_event_size, got a negative one")
        if not isinstance(policy, Policy):
            raise TypeError(f"expected a Policy as policy, such as STRICT or H11, got {type(policy).__name__}")
        self._our_role: RoleT_co = our_role
        self._policy = policy
        self._limit = limit

        self._joint = START
        # What put a side into `ERROR`, if that was an error of ours to make.
        self._our_failure: _Failure | None = None
        self._their_failure: _Failure | None = None
        # The method of the request that is being answered, or None before it is known.
        self._request_method: bytes | None = None
        self._their_http_version: bytes | None = None
        self._waiting_for_continue = False

        # What has been received and not read is _buffer[_start:]. A piece that arrives at an empty buffer is kept as it
        # is; a second one makes it a bytearray.
        self._buffer: bytes | bytearray = b""
        self._start = 0
        self._closed = False
        # How many bytes of the head that has not come in full have been looked at, and whether its start line is right.
        self._seen = 0
        self._begun = False
        # Where in its head or its chunked body the first unread byte stands, and how many bytes of empty lines stood
        # before it.
        self._offset = 0
        self._skipped = 0
        # How far the body that is being received has got.
        self._body: parsing.BodyProgress = None
        self._informational_responses = 0
        # Whether the whole of an answer has come: for a client.
        self._answered = False

        # How the body that is being sent ends, and how many of its bytes have been sent.
        self._outgoing: framing.BodyFraming = framing.NO_BODY
        self._sent = 0
        # The code of the error to send any, where the message has no content whatever its length.
        self._no_content: ErrorCode | None = None

    def __repr__(self) -> str:
        state = f"client {self._joint.client}, server {self._joint.server}"
        return f"<Connection({self._our_role}, policy={self._policy!r}): {state}>"

    def __copy__(self) -> Self:
        """Return what `copy.deepcopy` does: two connections cannot have one buffer."""
        return copy.deepcopy(self)

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
        """What has been received and not read, and whether the peer has closed: to hand a switched connection over.

        Once the peer has broken the protocol, its bytes are nothing that could be handed over: then there are none.
        """
        if self.their_state == ERROR:
            return b"", self._closed
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
        if piece and self._closed:
            raise RuntimeError("expected nothing after the end of the connection, got more data")
        # Whatever comes after a whole answer belongs to none: see `_end_received`.
        if self._our_role == CLIENT and self._joint.server == DONE:
            self._joint = states.not_reusable(self._joint)
        buffer, start = self._buffer, self._start
        # A signal handler may raise wherever a function is called. So each branch changes the connection without a
        # call: the piece is received as a whole, or not at all.
        if not piece:
            self._closed = True
        elif start == len(buffer):
            self._buffer, self._start = piece, 0
        elif isinstance(buffer, bytearray):
            if start > 0:
                del buffer[:start]
                self._start = 0
            buffer += piece
        else:
            grown = bytearray(buffer[start:])
            grown += piece
            self._buffer, self._start = grown, 0

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
        joint = self._joint
        state = joint.client if self._our_role == SERVER else joint.server
        try:
            if state == SEND_BODY:
                return self._end_received(END) if self._body is NO_BODY else self._read_body()
            if state == IDLE or state == SEND_RESPONSE:  # noqa: PLR1714, SIM109 - a pair takes time
                return self._read_head(state)
            return self._read_no_message(state)
        except BaseException as error:
            self._joint = states.after_error(self._joint, self.their_role)
            # Nothing of it will be read.
            self._buffer, self._start = b"", 0
            self._their_failure = self._their_failure or _remembered(error)
            raise

    def _read_no_message(self, state: State) -> ConnectionClosed | Signal:
        if state == ERROR:
            raise violation(
                RemoteProtocolError,
                "already-failed",
                f"expected nothing more of a peer that has broken the protocol{_named(self._their_failure)}",
            ) from _cause(self._their_failure)
        if state in (states.MIGHT_SWITCH_PROTOCOL, states.SWITCHED_PROTOCOL):
            return PAUSED
        if self._start < len(self._buffer):
            # What follows an answer is never read (RFC 9112 6.3), but the answer counts. What follows a CONNECT that we
            # have refused is not read either (RFC 9931 8), and no reason to stop in the middle of the refusal.
            if state == DONE or self._answered or self._request_method == b"CONNECT":
                return PAUSED
            self._check_late_bytes(state)
        if self._start < len(self._buffer):
            return NEED_DATA
        return self._close_received() if self._closed else NEED_DATA

    def _check_late_bytes(self, state: State) -> None:
        """Refuse what may not come, but for empty lines after the last request: half a one may have come so far."""
        if self._our_role == SERVER:
            first = skip_empty_lines(self._buffer, self._start, bare_lf=self._policy.bare_lf)
            self._skipped += first - self._start
            self._consume(first)
        if self._skipped > self._limit:
            raise violation(
                RemoteProtocolError,
                "head-too-large",
                f"expected at most {self._limit} bytes of empty lines after the last request, got more",
                offset=self._limit,
            )
        unread = cut(self._buffer, self._start, self._start + 2)
        if unread and (unread != b"\r" or self._closed or self._our_role == CLIENT):
            raise violation(
                RemoteProtocolError,
                "unexpected-bytes",
                f"expected the end of the connection in {state}, got more bytes",
                offset=self._skipped,
                # It would be an empty line.
                tolerance="bare_lf" if self._our_role == SERVER and unread[:1] == b"\n" else None,
            )

    def _close_received(self) -> ConnectionClosed:
        self._on_close(self.their_role, RemoteProtocolError)
        return ConnectionClosed()

    def _read_head(self, state: State) -> Event | Signal:
        section: Section = "request" if self._our_role == SERVER else "response"
        if section == "request" and self._buffer.startswith((b"\r", b"\n"), self._start):
            self._skip_empty_lines()
        self._offset = 0
        buffer, start = self._buffer, self._start
        end = find_section_end(buffer, start, self._seen, section=section)
        most = max(0, self._limit - self._skipped)
        if (end if end > 0 else len(buffer)) - start > most or self._skipped > self._limit:
            text = cut(buffer, start, start + most)
            raise parsing.too_large(text, section, self._limit, policy=self._policy)
        if end < 0:
            return self._incomplete(state, section)
        head = cut(buffer, start, end)
        if section == "request":
            return self._request_received(parsing.parse_request(head, policy=self._policy), end)
        response = parsing.parse_response(head, policy=self._policy, request_method=self._request_method)
        return self._response_received(response, end)

    def _skip_empty_lines(self) -> None:
        first = parsing.skip_empty_lines(self._buffer, self._start, policy=self._policy)
        if first > self._start:
            self._skipped += first - self._start
            self._consume(first)
            self._seen = 0

    # A head is consumed last: what may not come now is found again, if a signal handler has stopped us from saying so.

    def _request_received(self, request: Request, end: int) -> Request:
        self._on_request(CLIENT, request, RemoteProtocolError)
        self._consume_head(end)
        return request

    def _response_received(
        self, response: InformationalResponse | Response, end: int
    ) -> InformationalResponse | Response:
        if type(response) is InformationalResponse:
            self._count_informational_response()
            self._on_informational_response(SERVER, response, RemoteProtocolError)
        else:
            length = framing.usual_response_length(response, self._request_method)
            if length is None:
                self._on_response(SERVER, response, RemoteProtocolError)
            else:
                self._move(_RESPONSE, RemoteProtocolError)
                self._waiting_for_continue = False
                self._their_http_version = response.http_version
                self._body = parsing.begin_body(length)
        self._consume_head(end)
        return response

    def _consume_head(self, end: int) -> None:
        self._skipped = 0
        self._seen = 0
        self._begun = False
        self._consume(end)

    def _incomplete(self, state: State, section: Section) -> Event | Signal:
        unread = len(self._buffer) - self._start
        if not self._closed:
            if not self._begun:
                self._check_beginning(section)
            self._seen = unread
            return NEED_DATA
        if unread == 0 and state == IDLE:
            return self._close_received()
        if unread == 0 and self._informational_responses == 0:
            raise violation(
                RemoteProtocolError,
                "no-response",
                "peer closed the connection before the first byte of an answer",
                received=0,
            )
        explain(cut(self._buffer, self._start, len(self._buffer)), section, self._policy)
        raise violation(
            RemoteProtocolError,
            "head-cut-short",
            f"peer closed the connection before the end of a head: received {unread} bytes of it",
            received=unread,
        )

    def _check_beginning(self, section: Section) -> None:
        """Refuse what can no longer become a start line: by its first bytes, and once more when it is whole."""
        buffer, start, policy = self._buffer, self._start, self._policy
        line_end = find_line_end(buffer, start, self._seen)
        if line_end > 0:
            explain(cut(buffer, start, line_end), section, policy)
            self._begun = True
        elif self._seen <= policy.max_method_size:
            check_beginning(cut(buffer, start, start + policy.max_method_size + 1), section, policy)

    def _read_body(self) -> Event | Signal:
        buffer, start, body = self._buffer, self._start, self._body
        if start == len(buffer) and not self._closed and body != NO_BODY:
            return NEED_DATA
        if isinstance(body, LengthProgress):
            event, self._body, stop = read_length_body(buffer, start, body, self._closed)
        elif body is None:
            event, self._body, stop = parsing.read_until_close(buffer, start, closed=self._closed)
        else:
            try:
                event, self._body, stop = parsing.read_chunked_body(
                    buffer, start, body, self._limit, self._closed, self._policy
                )
            except RemoteProtocolError as error:
                error.offset = (error.offset or 0) + self._offset - start
                raise
            self._offset += stop - start
        if stop == len(buffer):
            self._buffer = b""
            self._start = 0
        else:
            self._start = stop
        if event is None:
            return NEED_DATA
        if type(event) is EndOfMessage:
            return self._end_received(event)
        # A client that goes on does not wait any more.
        self._waiting_for_continue = False
        return event

    def _end_received(self, end: EndOfMessage) -> EndOfMessage:
        if self._our_role == SERVER:
            self._move(_CLIENT_END, RemoteProtocolError)
        else:
            self._move(_SERVER_END, RemoteProtocolError)
            self._answered = True
            # "A client MUST NOT process, cache, or forward such extra data as a separate response" (RFC 9112 6.3), and
            # cannot tell how it came to be there: the answer counts, and is the last one.
            if self._start < len(self._buffer) or self._closed:
                self._joint = states.not_reusable(self._joint)
        self._waiting_for_continue = False
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
        if type(event) is Data:
            if type(event.data) is not bytes:
                raise TypeError(
                    f"expected bytes as the payload of Data, got {type(event.data).__name__}: "
                    "use send_with_data_passthrough"
                )
            size = self._counted(event.data)
            if size > 0 and self._outgoing == "chunked":
                return serialization.serialize_chunk_start(size) + event.data + serialization.CHUNK_END
            return event.data
        return self._written(event)

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
        if type(event) is Data:
            size = self._counted(event.data)
            # In a chunked body, nothing would be the last chunk.
            pieces: list[bytes | PayloadT] = [event.data] if size > 0 else []
            if size > 0 and self._outgoing == "chunked":
                pieces = [serialization.serialize_chunk_start(size), event.data, serialization.CHUNK_END]
            return pieces
        written = self._written(event)
        # An interim response is not written to those who do not know it.
        if written == b"" and type(event) is InformationalResponse:
            return []
        return None if written is None else [written]

    def _written(self, event: _AllButData) -> bytes | None:
        try:
            if type(event) is Response:
                return self._response_written(event)
            if type(event) is EndOfMessage:
                return self._end_written(event)
            if type(event) in _OTHERS:
                return self._others_written(event)
        except BaseException as error:
            self._fail(type(event), error)
            raise
        raise TypeError(f"expected an http11 event to send, got {type(event).__name__}")

    def _response_written(self, event: Response) -> bytes:
        joint = self._joint
        # The usual case first: there is nothing to add. What an answer without content said of its length, when it was
        # read, may be no length.
        length = framing.usual_response_length(event, self._request_method) if is_strict(event.headers) else None
        if (
            length is not None
            and self._our_role == SERVER
            and joint.client_may_ask_again
            and self._their_http_version == b"1.1"
        ):
            self._move(_RESPONSE, LocalProtocolError)
            self._waiting_for_continue = False
            self._outgoing = length
            self._sent = 0
            self._no_content = None
            return serialization.serialize_response(event)
        response = framing.response_to_send(
            _sendable(event),
            request_method=self._request_method,
            peer_version=self._their_http_version,
            keep_alive=joint.keep_alive,
            last=not self._may_be_asked_again(event),
        )
        self._on_response(self._our_role, response, LocalProtocolError)
        return serialization.serialize_response(response)

    def _end_written(self, event: EndOfMessage) -> bytes:
        # Trailers are seldom sent, and what is not there is valid.
        end = event if event.headers is NO_FIELDS else _valid(event)
        after = self._after(_SERVER_END if self._our_role == SERVER else _CLIENT_END, LocalProtocolError)
        outgoing = self._outgoing
        if outgoing != "chunked" and len(end.headers) > 0:
            raise violation(
                LocalProtocolError,
                "trailers-without-chunked",
                "expected trailers in a chunked message only, got some in another",
            )
        if isinstance(outgoing, int) and outgoing != self._sent:
            raise violation(
                LocalProtocolError,
                "too-little-body",
                f"expected {outgoing} bytes of body, as its length says, got {self._sent} and the end",
            )
        written = serialization.serialize_last_chunk(end) if outgoing == "chunked" else b""
        self._joint = after
        self._waiting_for_continue = False
        return written

    def _others_written(self, event: Request | InformationalResponse | ConnectionClosed) -> bytes | None:
        role, blame = self._our_role, LocalProtocolError
        if isinstance(event, Request):
            request = _sendable(event)
            if framing.expects_continue(request) and framing.request_framing(request) == framing.NO_BODY:
                raise violation(
                    blame,
                    "expect-without-content",
                    "expected 'Expect: 100-continue' in a request with content only, got it in one without",
                )
            if self.our_state == IDLE and (self._start < len(self._buffer) or self._closed):
                raise violation(
                    blame,
                    "unexpected-bytes",
                    f"expected nothing before a Request, got {self._what_came()}: open a new connection",
                )
            self._on_request(role, request, blame)
            return serialization.serialize_request(request)
        if isinstance(event, InformationalResponse):
            interim = framing.informational_to_send(_sendable(event))
            self._on_informational_response(role, interim, blame)
            # "A server MUST NOT send a 1xx response to an HTTP/1.0 client" (RFC 9110 15.2), so none is written.
            return serialization.serialize_response(interim) if framing.is_http11(self._their_http_version) else b""
        self._on_close(role, blame)
        return None

    def _may_be_asked_again(self, response: Response) -> bool:
        """Tell whether what the client has sent so far leaves room for another request behind `response`."""
        # One that has broken the protocol, or has closed, will send none; and the one that an early answer comes before
        # cannot be answered any more.
        if self._joint.client in _ASKS_NO_MORE:
            return False
        # What a client wrote into a tunnel that is not granted must never be taken for requests, and neither must what
        # follows the preface of HTTP/2.
        if self._joint.connect_proposed and not framing.accepts_connect(response, self._request_method):
            return self._policy.reuse_after_refused_connect and self._start == len(self._buffer)
        return not (self._request_method == b"PRI" and self._their_http_version == b"2.0")

    def _counted(self, payload: Sized) -> int:
        """Return the size of a part of the body that is being sent, if it may be sent."""
        joint, outgoing = self._joint, self._outgoing
        try:
            # The one move that leads to where it began: no need to ask where it leads.
            if (joint.server if self._our_role == SERVER else joint.client) != SEND_BODY:
                raise _state_error(joint, self._our_role, "Data", LocalProtocolError)  # noqa: TRY301 - a call takes time
            size = len(payload)
            # A client that goes on does not wait any more; and no server that answers has a client that does.
            sent = self._sent + size
            if isinstance(outgoing, int) and sent > outgoing:
                raise self._too_much_body(outgoing, sent)  # noqa: TRY301
            self._sent = sent
            self._waiting_for_continue = False
        except BaseException as error:
            self._fail(Data, error)
            raise
        return size

    def _too_much_body(self, length: int, sent: int) -> LocalProtocolError:
        if self._no_content is not None:
            message = f"expected no content in {_WITHOUT_CONTENT[self._no_content]}, got {sent} bytes"
            return violation(LocalProtocolError, self._no_content, message)
        message = f"expected {length} bytes of body, as its length says, got {sent}"
        return violation(LocalProtocolError, "too-much-body", message)

    def _fail(self, kind: type[Event], error: BaseException) -> None:
        """Move to `ERROR`; from there, nothing that is wrong with an event says more than that there may be none."""
        if self.our_state == ERROR and isinstance(error, LocalProtocolError):
            raise violation(
                LocalProtocolError,
                "already-failed",
                f"expected nothing in ERROR{_named(self._our_failure)}, got {kind.__name__}",
            ) from _cause(self._our_failure)
        self.send_failed()
        self._our_failure = self._our_failure or _remembered(error)

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
        joint = states.next_cycle(self._joint)
        if joint is None:
            raise violation(LocalProtocolError, "not-reusable", self._why_not_reusable())
        self._joint = joint
        self._request_method = None
        self._waiting_for_continue = False
        self._informational_responses = 0
        self._answered = False

    def _why_not_reusable(self) -> str:
        client, server = self._joint.client, self._joint.server
        if self._our_role == CLIENT and server == MUST_CLOSE and (self._start < len(self._buffer) or self._closed):
            return f"expected nothing after the answer, got {self._what_came()}: open a new connection"
        if {client, server} & {MUST_CLOSE, CLOSED, ERROR}:
            advice = "open a new connection"
        elif SWITCHED_PROTOCOL in (client, server):
            advice = "the connection does not speak HTTP any more"
        elif self.our_state == SEND_BODY:
            advice = "send EndOfMessage first"
        elif self.our_state == SEND_RESPONSE and client != SEND_BODY:
            advice = "send a Response and EndOfMessage first"
        elif client == IDLE:
            advice = "there has been no request"
        else:
            advice = "read on until EndOfMessage first"
        return f"expected both sides in DONE, got the client in {client} and the server in {server}: {advice}"

    def _what_came(self) -> str:
        return "more bytes" if self._start < len(self._buffer) else "the end of the connection"

    # One method for each kind of event, whichever side it is from: move the state machine, and remember what it says.

    def _on_request(self, role: Role, request: Request, blame: type[ErrorT]) -> None:
        body: framing.BodyFraming | None = framing.usual_request_length(request)
        if body is not None and role == CLIENT:
            self._move(_REQUEST, blame)
            self._waiting_for_continue = False
        else:
            facts = framing.request_facts(request)
            self._move(step(role, "Request", self._keeps_alive(role, facts), facts.upgrade, facts.connect), blame)
            self._waiting_for_continue = facts.waits
            body = facts.body
        self._request_method = request.method
        if role == self._our_role:
            self._outgoing = body
            self._sent = 0
            self._no_content = None if framing.says_length(request) else "content-without-length"
        else:
            self._their_http_version = request.http_version
            self._body = parsing.begin_body(body) if body else NO_BODY

    def _on_informational_response(self, role: Role, response: InformationalResponse, blame: type[ErrorT]) -> None:
        switches = response.status_code == 101  # noqa: PLR2004 - Switching Protocols
        self._move(step(role, "101 to Upgrade" if switches else "InformationalResponse", True, False, False), blame)
        # A 102 or a 103 does not answer the question; 100 says go on, and 101 moves on to something else.
        if response.status_code in (100, 101):
            self._waiting_for_continue = False
        if role != self._our_role:
            self._their_http_version = response.http_version

    def _on_response(self, role: Role, response: Response, blame: type[ErrorT]) -> None:
        method = self._request_method
        facts = framing.response_facts(response, method, self._policy)
        tunnels = method == b"CONNECT" and framing.accepts_connect(response, method)
        move: Move = "2xx to CONNECT" if tunnels else "Response"
        self._move(step(role, move, self._keeps_alive(role, facts), False, False), blame)
        self._waiting_for_continue = False
        if role == self._our_role:
            self._outgoing = facts.body
            self._sent = 0
            self._no_content = framing.why_no_content(response, method)
        else:
            self._their_http_version = response.http_version
            self._body = parsing.begin_body(facts.body)

    def _on_close(self, role: Role, blame: type[ErrorT]) -> None:
        self._move(step(role, "ConnectionClosed", True, False, False), blame)
        # A client that has closed does not wait any more.
        if role == CLIENT:
            self._waiting_for_continue = False

    def _move(self, made: Step, blame: type[ErrorT]) -> None:
        self._joint = self._after(made, blame)

    def _after(self, made: Step, blame: type[ErrorT]) -> JointState:
        # Where somebody has made this step before, which is nearly always, that is all.
        return self._joint.after.get(made) or self._first_made(made, blame)

    def _first_made(self, made: Step, blame: type[ErrorT]) -> JointState:
        joint = after_step(self._joint, made)
        if joint is None:
            raise _state_error(self._joint, made.role, made.move, blame)
        return joint

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
                f"expected a final response after at most {most} informational ones, got another",
                offset=0,
            )


ClientConnection: TypeAlias = Connection[Literal["CLIENT"]]
"""A client's connection, as `Connection(CLIENT)` makes it."""

ServerConnection: TypeAlias = Connection[Literal["SERVER"]]
"""A server's connection, as `Connection(SERVER)` makes it."""

_REQUEST: Final = step(CLIENT, "Request", True, False, False)
_RESPONSE: Final = step(SERVER, "Response", True, False, False)

_CLIENT_END: Final = step(CLIENT, "EndOfMessage", True, False, False)
_SERVER_END: Final = step(SERVER, "EndOfMessage", True, False, False)

_ASKS_NO_MORE: Final = (ERROR, CLOSED, IDLE)

_OTHERS: Final = (Request, InformationalResponse, ConnectionClosed)


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


_WITHOUT_CONTENT: Final[Mapping[ErrorCode, str]] = {
    "content-in-head-response": "an answer to HEAD",
    "content-in-204": "a 204 (No Content)",
    "content-in-304": "a 304 (Not Modified)",
    "content-without-length": "a request with neither Content-Length nor Transfer-Encoding",
}


class _Failure:
    """An error that put a side into `ERROR`, for those that follow to have it as their cause.

    The error itself would keep all the frames through which it went, and with them the connection, until the garbage
    collector runs. So this holds it weakly, and a copy of it without its traceback.
    """

    __slots__ = ("_copy", "_error")

    def __init__(self, error: ProtocolError) -> None:
        self._error = ref(error)
        self._copy = copy.copy(error)

    def __reduce__(self) -> tuple[type[_Failure], tuple[ProtocolError]]:
        return _Failure, (self._copy,)

    @property
    def error(self) -> ProtocolError:
        return self._error() or self._copy


def _remembered(error: BaseException) -> _Failure | None:
    return _Failure(error) if isinstance(error, ProtocolError) else None


def _cause(failure: _Failure | None) -> ProtocolError | None:
    return None if failure is None else failure.error


def _named(failure: _Failure | None) -> str:
    return "" if failure is None else f" ({failure.error.code})"


def _state_error(joint: JointState, role: Role, move: Move, blame: type[ErrorT]) -> ErrorT:
    state = joint.client if role == CLIENT else joint.server
    if move == "101 to Upgrade" and state == SEND_RESPONSE:
        return violation(
            blame, "unexpected-switch", "expected a 101 to a request that proposes an Upgrade only, got one"
        )
    if move == "Request" and role == CLIENT and state == IDLE:
        return violation(
            blame,
            "unexpected-event",
            f"expected no Request to a server that is in {joint.server} already, got one",
        )
    expected = " or ".join(states.expected_moves(joint, role)) or "nothing"
    advice = _advice(state, joint.server if role == CLIENT else joint.client) if move in _HEADS else ""
    return violation(blame, "unexpected-event", f"expected {expected} in {state}, got {move}{advice}")


_HEADS: Final = ("Request", "InformationalResponse", "Response")


def _advice(state: State, other: State) -> str:
    """Say what has to happen before a side in `state` may send a head."""
    if state in (MUST_CLOSE, CLOSED):
        return ": open a new connection"
    if state == DONE and other == DONE:
        return ": call start_next_cycle() first"
    return ": read on until EndOfMessage, and call start_next_cycle() then" if state == DONE else ""
