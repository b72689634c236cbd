"""`Engine`: the only place where protocol state changes. It holds a buffer, asks, and remembers (RFC 9112 9).

`http11.connection` gives it the types that tell a client's connection from a server's, and its public name.

In:  `receive_data` -> buffer -> the state picks one pure parser -> an event -> the state machine -> out.
Out: an event -> the state machine says whether it may -> one pure serializer -> bytes.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Sized
from typing import Final, Self, SupportsIndex, TypeVar

import attrs

from http11 import framing, grammar, parsing, serialization, states
from http11._runtime import Buffer, PayloadT, mypyc_attr, sealed
from http11.errors import ErrorCode, ErrorT, Failure, LocalProtocolError, RemoteProtocolError, alone, caused, violation
from http11.events import (
    NEED_DATA,
    PAUSED,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    Request,
    Response,
    Signal,
)
from http11.fields import Fields, is_empty
from http11.framing import Outgoing
from http11.grammar import HTTP11
from http11.lines import (
    Section,
    check_beginning,
    check_start_line,
    cut,
    explain,
    find_line_end,
    skip_empty_lines,
)
from http11.parsing import NO_BODY, BodyProgress
from http11.parts import DataParts, EndParts, RequestParts, ResponseParts
from http11.policy import Policy
from http11.receiving import ReceiveBuffer
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
)
from http11.tolerances import Tolerances

__all__ = ["DEFAULT_MAX_INCOMPLETE_EVENT_SIZE", "Engine"]

# What we are willing to hold of one head: other servers take 8 KiB (Apache, nginx, Tomcat) to 80 KiB (Node.js) in all.
DEFAULT_MAX_INCOMPLETE_EVENT_SIZE: Final = 16 * 1024

AnyErrorT = TypeVar("AnyErrorT", bound=BaseException)

# In names of this module's own: a compiled build finds them without a lookup.
_Request: Final = Request
_InformationalResponse: Final = InformationalResponse
_Response: Final = Response
_Data: Final = Data
_EndOfMessage: Final = EndOfMessage
_ConnectionClosed: Final = ConnectionClosed
_NEED_DATA: Final = NEED_DATA
_PEER: Final = RemoteProtocolError
_USER: Final = LocalProtocolError


# Sealed: whoever inherits from `Connection` may change what callers see of it, and nothing that it does by itself.
@sealed
@mypyc_attr(allow_interpreted_subclasses=True)
class Engine:
    """What `http11.Connection` does, for either role."""

    __slots__ = (
        "_answered",
        "_begun",
        "_failures",
        "_incoming",
        "_informational_responses",
        "_joint",
        "_left_out",
        "_limit",
        "_offset",
        "_our_role",
        "_outgoing",
        "_policy",
        "_received",
        "_request_method",
        "_says_last",
        "_their_http_version",
        "_tolerances",
        "_waiting_for_continue",
    )

    def _begin(self, our_role: object, max_incomplete_event_size: SupportsIndex, policy: Policy) -> None:
        """Set all attributes, for `Connection.__init__`; by a compiled `__init__` it would take twice as long."""
        if our_role not in (CLIENT, SERVER):
            raise ValueError(f"expected CLIENT or SERVER as our_role, got {our_role!r}")
        # What `index` returns is an int, so that no arithmetic of another type can overflow.
        limit = int(operator.index(max_incomplete_event_size))
        if limit < 0:
            raise ValueError("expected a size of 0 or more bytes as max_incomplete_event_size, got a negative one")
        if not isinstance(policy, Policy):
            raise TypeError(f"expected a Policy as policy, such as STRICT or H11, got {type(policy).__name__}")
        self._our_role: Role = CLIENT if our_role == CLIENT else SERVER
        self._policy: Policy = policy
        self._tolerances: Tolerances = policy._tolerances
        self._limit: int = limit

        self._joint: JointState = START
        # What put a side into `ERROR`, if that was an error of ours to make.
        self._failures: dict[Role, Failure] | None = None
        # The method of the request that is being answered, or None before it is known.
        self._request_method: bytes | None = None
        self._their_http_version: bytes | None = None
        self._waiting_for_continue: bool = False

        self._received: ReceiveBuffer = ReceiveBuffer()
        # Whether the start line of the head that has not come in full is right.
        self._begun: bool = False
        # How many bytes of the message that is being received have been read, or of the empty lines before it.
        self._offset: int = 0
        self._informational_responses: int = 0
        # The lines of the last head that were left out.
        self._left_out: tuple[bytes, ...] = ()
        # Whether the whole of an answer has come: for a client.
        self._answered: bool = False
        # How far the body that is being received has got.
        self._incoming: BodyProgress = NO_BODY

        # How far the body that is being sent has got.
        self._outgoing: Outgoing = framing.NOTHING_OUTGOING
        # Whether a response says `close` where the client can send no other request. `http11.compat` unsets it.
        self._says_last: bool = True

    def __repr__(self) -> str:
        client, server, _, _, _ = self._joint
        return f"<Connection({self._our_role}, policy={self._policy!r}): client {client}, server {server}>"

    def __copy__(self) -> Self:
        """Return what `copy.deepcopy` does: two connections cannot have one buffer."""
        return copy.deepcopy(self)

    # --- what is known ----------------------------------------------------------------------------------------------

    @property
    def our_role(self) -> Role:
        """Our role, `CLIENT` or `SERVER`, as passed to the constructor."""
        return self._our_role

    @property
    def their_role(self) -> Role:
        """The peer's role."""
        return SERVER if self._our_role == CLIENT else CLIENT

    @property
    def our_state(self) -> State:
        """The state of our side."""
        return self._joint[0] if self._our_role == CLIENT else self._joint[1]

    @property
    def their_state(self) -> State:
        """The state of the peer's side, as far as what has been read shows it."""
        return self._joint[1] if self._our_role == CLIENT else self._joint[0]

    @property
    def states(self) -> dict[Role, State]:
        """The states of both sides by role, as a new dict."""
        return {CLIENT: self._joint[0], SERVER: self._joint[1]}

    @property
    def their_http_version(self) -> bytes | None:
        """The HTTP version of the peer's last message, such as ``b"1.1"``, or `None` before it (RFC 9112 2.3)."""
        return self._their_http_version

    @property
    def client_is_waiting_for_100_continue(self) -> bool:
        """Whether the client holds its body back until it receives a 100 or a final response (RFC 9110 10.1.1)."""
        return self._waiting_for_continue

    @property
    def they_are_waiting_for_100_continue(self) -> bool:
        """Whether the peer is a client that waits for a 100 or a final response (RFC 9110 10.1.1)."""
        return self._waiting_for_continue and self._our_role == SERVER

    @property
    def left_out_lines(self) -> tuple[bytes, ...]:
        """The lines of the last response head that `Policy.broken_lines_in_response` left out, without line ends.

        Empty where it had none, and always for a server. They are as they came, and may be anything: treat them as
        untrusted.
        """
        return self._left_out

    @property
    def trailing_data(self) -> tuple[bytes, bool]:
        """Received bytes that have not been read, and whether the peer has closed the connection.

        Use it to hand over a connection that has switched protocols. Empty once the peer has broken the protocol.
        """
        if self.their_state == ERROR:
            return b"", self._received.closed
        return self._received.peek(len(self._received)), self._received.closed

    # --- in ---------------------------------------------------------------------------------------------------------

    def receive_data(self, data: Buffer) -> None:
        """Add received bytes to the buffer; ``b""`` means that the peer has closed the connection. Parses nothing.

        Receive no more while `next_event` returns `PAUSED`: nothing limits what is then kept.

        Raises:
            RuntimeError: More data after the end of the connection.
            TypeError: `data` is not bytes-like.

        """
        piece = data if type(data) is bytes else memoryview(data).tobytes()
        received = self._received
        if piece and received.closed:
            raise RuntimeError("expected nothing after the end of the connection, got more data")
        # Whatever comes after a whole answer belongs to none: see `_end_received`.
        if self._our_role == CLIENT and self._joint[1] == DONE:
            self._joint = states.not_reusable(self._joint)
        received.add(piece)

    def next_event(self) -> Event | Signal:
        """Return the peer's next event, `NEED_DATA` if more bytes are needed, or `PAUSED`.

        After the first `ConnectionClosed`, every call returns `ConnectionClosed`.

        Raises:
            RemoteProtocolError: The peer has broken the protocol, now or before. `their_state` is `ERROR`.

        """
        state = self._joint[0] if self._our_role == SERVER else self._joint[1]
        try:
            if state == SEND_BODY:
                return self._read_body()
            if state == IDLE or state == SEND_RESPONSE:  # noqa: PLR1714, SIM109 - a pair takes time
                return self._read_head(state)
            return self._read_no_message(state)
        # No name is left for an error: it would hold this frame, which holds it, until the garbage collector runs.
        except states.UnexpectedMoveError as unexpected:
            raise alone(self._peer_failed(_state_error(self._joint, unexpected.role, unexpected.move, _PEER))) from None
        except BaseException as error:
            self._peer_failed(error)
            raise

    def _peer_failed(self, error: AnyErrorT) -> AnyErrorT:
        """Move the peer's side to `ERROR`."""
        self._joint = states.after_error(self._joint, self.their_role)
        # Nothing of it will be read.
        self._received.drop()
        self._remember(self.their_role, error)
        return error

    def _remember(self, role: Role, error: BaseException) -> None:
        failures = {} if self._failures is None else self._failures
        if role not in failures and isinstance(error, (LocalProtocolError, RemoteProtocolError)):
            failures[role] = Failure(error)
        self._failures = failures

    def _read_no_message(self, state: State) -> ConnectionClosed | Signal:
        if state == ERROR:
            raise self._already_failed(
                self.their_role, RemoteProtocolError, "expected nothing more of a peer that has broken the protocol"
            )
        if state in (states.MIGHT_SWITCH_PROTOCOL, states.SWITCHED_PROTOCOL):
            return PAUSED
        if len(self._received) > 0:
            # What follows an answer is never read (RFC 9112 6.3), but the answer counts. What follows a CONNECT that we
            # have refused is not read either (RFC 9931 8), and no reason to stop in the middle of the refusal.
            if state == DONE or self._answered or self._request_method == b"CONNECT":
                return PAUSED
            self._check_late_bytes(state)
        if len(self._received) > 0:
            return _NEED_DATA
        return self._close_received() if self._received.closed else _NEED_DATA

    def _already_failed(self, role: Role, blame: type[ErrorT], message: str, got: str = "") -> ErrorT:
        failure = None if self._failures is None else self._failures.get(role)
        if failure is None:
            return alone(violation(blame, "already-failed", message + got))
        cause = failure.error
        return caused(violation(blame, "already-failed", f"{message} ({cause.code}){got}"), cause)

    def _check_late_bytes(self, state: State) -> None:
        """Refuse what may not come, but for empty lines after the last request: half a one may have come so far."""
        if self._our_role == SERVER:
            self._skip_empty_lines()
        if self._offset > self._limit:
            raise violation(
                RemoteProtocolError,
                "head-too-large",
                f"expected at most {self._limit} bytes of empty lines after the last request, got more",
                offset=self._limit,
            )
        unread = self._received.peek(2)
        if unread and (unread != b"\r" or self._received.closed or self._our_role == CLIENT):
            raise violation(
                RemoteProtocolError,
                "unexpected-bytes",
                f"expected the end of the connection in {state}, got more bytes",
                offset=self._offset,
                # It would be an empty line.
                tolerance="bare_lf" if self._our_role == SERVER and unread[:1] == b"\n" else None,
            )

    def _skip_empty_lines(self) -> None:
        received = self._received
        first = skip_empty_lines(received.data, received.start, bare_lf=self._tolerances.bare_lf)
        self._offset += first - received.start
        received.consume(first)

    def _close_received(self) -> ConnectionClosed:
        self._closed_by(self.their_role)
        return ConnectionClosed()

    def _read_head(self, state: State) -> Event | Signal:
        section: Section = "request" if self._our_role == SERVER else "response"
        received = self._received
        start = received.start
        if start == len(received.data) and not received.closed:
            return _NEED_DATA
        # Of an empty line, one byte may have been seen.
        if (
            section == "request"
            and received.seen < 2  # noqa: PLR2004
            and received.begins_with_line_end()
            and self._tolerances.leading_empty_lines
        ):
            self._skip_empty_lines()
            start = received.start
        end = received.section_end(section)
        most = self._limit - self._offset
        if (end if end > 0 else len(received.data)) - start > most and (
            end < 0 or not self._tolerances.whole_heads_over_limit
        ):
            text = received.peek(max(0, most))
            raise parsing.too_large(text, section, self._limit, policy=self._policy)
        if end < 0:
            if self._begun and not received.closed:
                # Nothing can be said of it until its end has come.
                received.note_seen()
                return _NEED_DATA
            return self._incomplete(state, section)
        head = cut(received.data, start, end)
        event: Event
        read = end - start
        if section == "request":
            request = parsing.read_request(head, self._tolerances)
            self._request_received(request)
            event = request
        else:
            policy = self._tolerances
            broken = policy.tolerant and (policy.broken_lines_in_response or policy.space_before_colon_in_response)
            left_out: list[bytes] | None = [] if broken else None
            response = parsing.read_response(head, policy, self._request_method, left_out)
            parts: ResponseParts = response
            if parts.status_code >= 200:  # noqa: PLR2004 - the class 1xx
                self._response_received(parts)
            else:
                self._informational_response_received(parts)
                # Another head follows.
                read = 0
            if left_out is not None:
                self._left_out = tuple(left_out)
                if left_out or self._has_spaced_name(head):
                    self._joint = states.not_reusable(self._joint)
            event = response
        # Last: what may not come now is found again, if a signal handler has stopped us from saying so.
        self._begun = False
        self._offset = read
        received.consume(end)
        return event

    def _has_spaced_name(self, head: bytes) -> bool:
        """Tell whether white space follows a field's name: some readers ignore such a field, and some all after it.

        As some stop at a line that is no field line, where this one leaves it out.
        """
        return self._tolerances.space_before_colon_in_response and grammar.SPACED_NAME.search(head) is not None

    def _incomplete(self, state: State, section: Section) -> Event | Signal:
        received = self._received
        unread = len(received)
        if not received.closed:
            self._check_beginning(section)
            received.note_seen()
            return _NEED_DATA
        if unread == 0 and state == IDLE:
            return self._close_received()
        if unread == 0 and self._informational_responses == 0:
            raise violation(
                RemoteProtocolError,
                "no-response",
                "peer closed the connection before the first byte of an answer",
                received=0,
            )
        explain(received.peek(unread), section, self._tolerances)
        raise violation(
            RemoteProtocolError,
            "head-cut-short",
            f"peer closed the connection before the end of a head: received {unread} bytes of it",
            received=unread,
        )

    def _check_beginning(self, section: Section) -> None:
        """Refuse what can no longer become a start line: by its first bytes, and once more when it is whole."""
        received, policy = self._received, self._tolerances
        line_end = find_line_end(received.data, received.start, received.seen)
        if line_end > 0:
            check_start_line(received.peek(line_end - received.start), section, policy)
            self._begun = True
        elif received.seen <= policy.max_method_size:
            check_beginning(received.peek(policy.max_method_size + 1), section, policy)

    def _read_body(self) -> Event | Signal:
        received = self._received
        data, start = received.data, received.start
        try:
            event, self._incoming, stop = parsing.read_on(
                data, start, self._incoming, self._limit, received.closed, self._tolerances
            )
        except RemoteProtocolError as error:
            if error.offset is not None:
                error.offset += self._offset - start
            raise
        if stop > start:
            self._offset += stop - start
            received.consume(stop)
        if event is None:
            return _NEED_DATA
        if isinstance(event, EndParts):
            return self._end_received(event)
        # A client that goes on does not wait any more.
        self._waiting_for_continue = False
        return event

    def _end_received(self, end: EndOfMessage) -> EndOfMessage:
        joint = states.after_move(self._joint, CLIENT if self._our_role == SERVER else SERVER, "EndOfMessage")
        # "A client MUST NOT process, cache, or forward such extra data as a separate response" (RFC 9112 6.3), and
        # cannot tell how it came to be there: the answer counts, and is the last one.
        answered = self._our_role == CLIENT
        if answered and (len(self._received) > 0 or self._received.closed):
            joint = states.not_reusable(joint)
        self._joint = joint
        self._answered = answered
        self._waiting_for_continue = False
        self._offset = 0
        return end

    # --- out --------------------------------------------------------------------------------------------------------

    def send(self, event: Event) -> bytes | None:
        """Return the bytes to write for `event`, or `None` for `ConnectionClosed`.

        After that one, close the socket, or its sending half.

        Raises:
            LocalProtocolError: `event` may not be sent in this state, or at all. `our_state` is `ERROR`.
            TypeError: `event` is not an event, or a `Data` whose payload is not bytes. Nothing has changed.

        """
        if type(event) is _Data:
            parts: DataParts = event
            data = parts.data
            if type(data) is not bytes:
                raise TypeError(
                    f"expected bytes as the payload of Data, got {type(data).__name__}: use send_with_data_passthrough"
                )
            # Asked first: once the data is counted, a signal handler could raise where a function is called.
            chunked = framing.is_chunked(self._outgoing)
            size = self._send_data(data)
            if chunked and size > 0:
                return b"".join((serialization.serialize_chunk_start(size), data, serialization.CHUNK_END))
            return data
        return self._send(event)

    def send_with_data_passthrough(
        self,
        event: Request | InformationalResponse | Response | Data[PayloadT] | EndOfMessage | ConnectionClosed,
    ) -> list[bytes] | list[bytes | PayloadT] | None:
        """Return what to write for `event`, in order, with the payload of a `Data` as the object that it is.

        This frames a file for `os.sendfile` without reading it: the payload needs only a length, in bytes.

        Raises:
            LocalProtocolError: `event` may not be sent in this state, or at all. `our_state` is `ERROR`.
            TypeError: `event` is not an event. Nothing has changed.

        """
        if type(event) is _Data:
            chunked = framing.is_chunked(self._outgoing)
            size = self._send_data(event.data)
            # In a chunked body, nothing would be the last chunk.
            pieces: list[bytes | PayloadT] = [event.data] if size > 0 else []
            if chunked and size > 0:
                pieces = [serialization.serialize_chunk_start(size), event.data, serialization.CHUNK_END]
            return pieces
        interim = type(event) is _InformationalResponse
        written = self._send(event)
        # An interim response is not written to those who do not know it.
        if interim and written == b"":
            return []
        return None if written is None else [written]

    def _send(self, event: object) -> bytes | None:
        try:
            # By their types: a subclass, if somebody makes one in spite of all, may answer any attribute as it likes.
            if type(event) is _Response:
                return self._send_response(event)
            if type(event) is _EndOfMessage:
                return self._send_end(event)
            if type(event) is _Request:
                return self._send_request(event)
            if type(event) is _InformationalResponse:
                return self._send_informational_response(event)
            if type(event) is _ConnectionClosed:
                self._closed_by(self._our_role)
                return None
        except states.UnexpectedMoveError as unexpected:
            raise alone(
                self._fail(type(event), _state_error(self._joint, unexpected.role, unexpected.move, _USER))
            ) from None
        except BaseException as error:
            self._fail(type(event), error)
            raise
        raise TypeError(f"expected an http11 event to send, got {type(event).__name__}")

    def _send_request(self, event: Request) -> bytes:
        _check_sendable(event.http_version)
        request: Request = event if event.headers._strict else attrs.evolve(event)
        if framing.expects_continue(request) and framing.request_framing(request) == framing.NO_BODY:
            raise violation(
                LocalProtocolError,
                "expect-without-content",
                "expected 'Expect: 100-continue' in a request with content only, got it in one without",
            )
        if self.our_state == IDLE and (len(self._received) > 0 or self._received.closed):
            raise violation(
                LocalProtocolError,
                "unexpected-bytes",
                f"expected nothing before a Request, got {self._what_came()}: open a new connection",
            )
        head: RequestParts = request
        body, keep_alive, upgrades, waits = framing.request_facts(head)
        no_content: ErrorCode | None = None if framing.says_length(head) else "content-without-length"
        joint = states.after_move(
            self._joint, self._our_role, "Request", keep_alive, upgrades, head.method == b"CONNECT"
        )
        written = serialization.serialize_request(head)
        self._joint = joint
        self._waiting_for_continue = waits
        self._request_method = head.method
        self._outgoing = body, 0, no_content
        return written

    def _send_informational_response(self, event: InformationalResponse) -> bytes:
        _check_sendable(event.http_version)
        valid: InformationalResponse = event if event.headers._strict else attrs.evolve(event)
        response = framing.informational_to_send(valid)
        # "A server MUST NOT send a 1xx response to an HTTP/1.0 client" (RFC 9110 15.2), so none is written.
        written = serialization.serialize_response(response) if framing.is_http11(self._their_http_version) else b""
        self._interim(self._our_role, response)
        return written

    def _send_response(self, event: Response) -> bytes:
        given: ResponseParts = event
        if given.http_version is not HTTP11:
            _check_sendable(given.http_version)
        fields: Fields = given.headers
        response = framing.response_to_send(
            event if fields._strict else attrs.evolve(event),
            request_method=self._request_method,
            peer_version=self._their_http_version,
            keep_alive=self._joint[2],
            last=self._must_say_close(given),
        )
        head: ResponseParts = response
        method = self._request_method
        body, keep_alive = framing.response_facts(head, method, self._tolerances)
        no_content = framing.why_no_content(head.status_code, method) if body == 0 else None
        move: Move = "Response"
        if method == b"CONNECT" and framing.grants_tunnel(head.status_code):
            move = "2xx to CONNECT"
        joint = states.after_move(self._joint, self._our_role, move, keep_alive)
        written = serialization.serialize_response(head)
        # No call from here on: a signal handler could raise there, and leave half of it done.
        self._joint = joint
        self._waiting_for_continue = False
        self._outgoing = body, 0, no_content
        return written

    def _must_say_close(self, response: ResponseParts) -> bool:
        """Tell whether `response` has to say ``close`` because the client can send no other request after it."""
        client, _, _, _, connect_proposed = self._joint
        # One that has broken the protocol, or has closed, will send none; and the one that an early answer comes before
        # cannot be answered any more. In h11's place the states alone say so: its users compare the bytes.
        if client == ERROR or client == CLOSED or client == IDLE:  # noqa: PLR1714, SIM109 - a tuple takes time
            return self._says_last
        # What a client wrote into a tunnel that is not granted must never be taken for requests, and neither must what
        # follows the preface of HTTP/2.
        if connect_proposed and not framing.grants_tunnel(response.status_code):
            return not self._tolerances.reuse_after_refused_connect or len(self._received) > 0
        return self._request_method == b"PRI" and self._their_http_version == b"2.0"

    def _send_end(self, event: EndOfMessage) -> bytes:
        given: EndParts = event
        fields: Fields = given.headers
        end: EndParts = given if fields._strict else attrs.evolve(event)
        after = states.after_move(self._joint, self._our_role, "EndOfMessage")
        chunked = framing.is_chunked(self._outgoing)
        if not chunked:
            framing.check_end(self._outgoing, not is_empty(fields))
        written = serialization.serialize_last_chunk(end) if chunked else b""
        self._joint = after
        self._waiting_for_continue = False
        return written

    def _send_data(self, payload: Sized) -> int:
        """Count a part of the body that is being sent, if it may be sent, and return its size."""
        try:
            # The one move that leads to where it began: no need to ask where it leads.
            if (self._joint[0] if self._our_role == CLIENT else self._joint[1]) != SEND_BODY:
                raise _state_error(self._joint, self._our_role, "Data", _USER)  # noqa: TRY301 - a call takes time
            size = len(payload)
            self._outgoing = framing.after_data(self._outgoing, size)
            # A client that goes on does not wait any more; and no server that answers has a client that does.
            self._waiting_for_continue = False
        except BaseException as error:
            self._fail(Data, error)
            raise
        return size

    def _fail(self, kind: type, error: AnyErrorT) -> AnyErrorT:
        """Move to `ERROR`; from there, nothing that is wrong with an event says more than that there may be none."""
        if self.our_state == ERROR and isinstance(error, LocalProtocolError):
            raise self._already_failed(
                self._our_role, LocalProtocolError, "expected nothing in ERROR", f", got {kind.__name__}"
            )
        self.send_failed()
        self._remember(self._our_role, error)
        return error

    def send_failed(self) -> None:
        """Record that the bytes for an event could not be written: `our_state` becomes `ERROR`."""
        self._joint = states.after_error(self._joint, self._our_role)

    # --- the state machine ------------------------------------------------------------------------------------------

    def start_next_cycle(self) -> None:
        """Begin the next cycle of request and response, once both sides are `DONE` (RFC 9112 9.3).

        Raises:
            LocalProtocolError: One side is not `DONE`, or the server has sent more than its response, or has closed.
                Nothing has changed.

        """
        if not states.may_begin_again(self._joint):
            raise violation(LocalProtocolError, "not-reusable", self._why_not_reusable())
        self._joint = START
        self._request_method = None
        self._waiting_for_continue = False
        self._informational_responses = 0
        self._answered = False

    def _why_not_reusable(self) -> str:
        client, server = self._joint[0], self._joint[1]
        if self._our_role == CLIENT and server == MUST_CLOSE and (len(self._received) > 0 or self._received.closed):
            return f"expected nothing after the answer, got {self._what_came()}: open a new connection"
        over = (MUST_CLOSE, CLOSED, ERROR)
        if client in over or server in over:
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
        return "more bytes" if len(self._received) > 0 else "the end of the connection"

    # --- what the peer sends, and what either side may --------------------------------------------------------------

    def _request_received(self, request: RequestParts) -> None:
        policy = self._tolerances
        body, keep_alive, upgrades, waits = framing.request_facts(
            request, policy.reuse_after_length_and_chunked, policy
        )
        incoming = parsing.begin_body(body)
        joint = states.after_move(self._joint, CLIENT, "Request", keep_alive, upgrades, request.method == b"CONNECT")
        # No call from here on: a signal handler could raise there, and leave half of it done.
        self._joint = joint
        self._waiting_for_continue = waits
        self._request_method = request.method
        self._their_http_version = request.http_version
        self._incoming = incoming

    def _response_received(self, response: ResponseParts) -> None:
        policy = self._tolerances
        method = self._request_method
        body, keep_alive = framing.response_facts(response, method, policy, policy.reuse_after_length_and_chunked)
        incoming = parsing.begin_body(body)
        move: Move = "Response"
        if method == b"CONNECT" and framing.grants_tunnel(response.status_code):
            move = "2xx to CONNECT"
        joint = states.after_move(self._joint, SERVER, move, keep_alive)
        self._joint = joint
        self._waiting_for_continue = False
        self._their_http_version = response.http_version
        self._incoming = incoming

    def _informational_response_received(self, response: ResponseParts) -> None:
        self._count_informational_response()
        self._interim(SERVER, response)
        self._their_http_version = response.http_version

    def _interim(self, role: Role, response: ResponseParts) -> None:
        code = response.status_code
        move: Move = "101 to Upgrade" if code == 101 else "InformationalResponse"  # noqa: PLR2004 - Switching Protocols
        self._joint = states.after_move(self._joint, role, move)
        # A 102 or a 103 does not answer the question; 100 says go on, and 101 moves on to something else.
        if code in (100, 101):
            self._waiting_for_continue = False

    def _closed_by(self, role: Role) -> None:
        self._joint = states.after_move(self._joint, role, "ConnectionClosed")
        # A client that has closed does not wait any more.
        if role == CLIENT:
            self._waiting_for_continue = False

    def _is_last(self) -> bool:
        """Tell whether no other answer can follow the one whose head has been read: for `http11.pipelining`."""
        return not self._joint[2] or self._incoming[0] == "close"

    def _end_reuse(self) -> None:
        """Record that no other request can be sent, whatever was agreed: for `http11.pipelining`."""
        self._joint = states.not_reusable(self._joint)

    def _count_informational_response(self) -> None:
        self._informational_responses += 1
        most = self._tolerances.max_informational_responses
        if most is not None and self._informational_responses > most:
            raise violation(
                RemoteProtocolError,
                "too-many-informational-responses",
                f"expected a final response after at most {most} informational ones, got another",
                offset=0,
            )


def _check_sendable(http_version: bytes) -> None:
    if http_version != HTTP11:
        raise violation(
            LocalProtocolError,
            "version-not-sendable",
            f"expected HTTP/1.1, the only version that we send, got HTTP/{http_version.decode('ascii')}",
        )


def _state_error(joint: JointState, role: Role, move: Move, blame: type[ErrorT]) -> ErrorT:
    client, server, _, _, _ = joint
    state = client if role == CLIENT else server
    if move == "101 to Upgrade" and state == SEND_RESPONSE:
        return violation(
            blame, "unexpected-switch", "expected a 101 to a request that proposes an Upgrade only, got one"
        )
    if move == "Request" and role == CLIENT and state == IDLE:
        return violation(
            blame,
            "unexpected-event",
            f"expected no Request to a server that is in {server} already, got one",
        )
    expected = " or ".join(states.expected_moves(joint, role)) or "nothing"
    advice = _advice(state, server if role == CLIENT else client) if move in _HEADS else ""
    return violation(blame, "unexpected-event", f"expected {expected} in {state}, got {move}{advice}")


_HEADS: Final = ("Request", "InformationalResponse", "Response")


def _advice(state: State, other: State) -> str:
    """Say what has to happen before a side in `state` may send a head."""
    if state in (MUST_CLOSE, CLOSED):
        return ": open a new connection"
    if state == DONE and other == DONE:
        return ": call start_next_cycle() first"
    return ": read on until EndOfMessage, and call start_next_cycle() then" if state == DONE else ""
