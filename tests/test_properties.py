"""What must hold of any stream of bytes, by whomever it is read, by which policy, and in which pieces it arrives.

Each of `PROPERTIES` is a function of what came of a stream, and raises an `AssertionError` where it does not hold. They
are asked of generated streams here, and of what a fuzzer comes upon in `tests.fuzz.reading`.

Behind them: that what is sent is read as what it was, and what some tolerances let in as what is left of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias, get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from http11 import (
    CLIENT,
    DONE,
    ERROR,
    H11,
    MUST_CLOSE,
    SERVER,
    STRICT,
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
    State,
    Tolerance,
    framing,
)
from http11.parsing import parse_response
from tests import strategies
from tests.harness import Reader, host_first, raw_fields, rebuilt, send_any
from tests.messages import (
    LONGEST_ERROR,
    asked,
    body,
    drained,
    expects_for_nothing,
    has_no_content,
    is_wrong_of_length,
    merged,
    messages,
    summary,
)

TOLERANCES: Final = tuple(
    field.name for field in attrs.fields(Policy) if isinstance(field.default, bool) and field.name != "tolerant"
)
# The presets, one that differs from STRICT in one thing for each that there is, and all that there is to tolerate.
POLICIES: Final = (
    STRICT,
    H11,
    *(attrs.evolve(STRICT, **{name: not getattr(STRICT, name)}) for name in TOLERANCES),
    attrs.evolve(H11, **dict.fromkeys(TOLERANCES, True)),
)
LIMITS: Final = (16384, 0, 20, 40, 80, 160, 500, 2000)
# So small that a short stream can reach them.
SMALL: Final[dict[str, Any]] = {
    "max_method_size": 4,
    "max_fields": 2,
    "max_informational_responses": 1,
    "max_chunk_line_size": 12,
    "max_chunk_extension_excess": 6,
}
REQUESTS: Final = (
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    # Some of the body is still to be sent when the answer comes.
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel",
    b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
)
NO_LIMIT: Final = 10**6
# A longer stream is not read byte by byte: it would take too long.
MOST_SINGLE_BYTES: Final = 400


@attrs.frozen(kw_only=True)
class Stream:
    """What is read, and how.

    Attributes:
        role: Who reads.
        policy: By what.
        small: Whether the limits of the policy are small.
        limit: The greatest size of an incomplete event.
        request: What a client has asked.
        closed: Whether the connection ends after the stream.
        sizes: Of the pieces in which the stream arrives, by turns.
        data: The stream.

    """

    role: Role
    policy: Policy = STRICT
    small: bool = False
    limit: int = LIMITS[0]
    request: bytes = REQUESTS[0]
    closed: bool = True
    sizes: tuple[int, int] = (3, 5)
    data: bytes

    def limited(self, policy: Policy) -> Policy:
        """Return `policy` with the limits of the case."""
        return attrs.evolve(policy, **SMALL) if self.small else policy


# --- what comes of it -----------------------------------------------------------------------------------------------


class Observer(Reader):
    """A reader that keeps the events themselves, and measures what is held."""

    def __init__(self, stream: Stream, policy: Policy) -> None:
        super().__init__(stream.role, policy=policy, request=stream.request, limit=stream.limit)
        self._limit = stream.limit
        self.events: list[Event] = []
        self.excess = 0

    def _add(self, event: Event) -> None:
        self.events.append(event)

    def feed(self, piece: bytes) -> None:
        if self.errors:
            return
        super().feed(piece)
        held = len(self.connection.trailing_data[0])
        # What waits for a switch was not to be received yet; and what an error leaves is read no more.
        if not self._paused:
            self.excess = max(self.excess, held - self._limit - (len(piece) if self.errors else 0))

    def ask_again(self) -> str:
        """Return what is said to whoever asks for more, after the end or an error."""
        try:
            return repr(self.connection.next_event())
        except RemoteProtocolError as error:
            return f"{error.code} in {self.connection.their_state}"

    def result(self) -> Reading:
        again = []
        closed = self.outcome[-1:] == [("ConnectionClosed",)]
        if self.errors or closed:
            again = [self.ask_again(), self.ask_again()]
            # Something may still arrive; it changes nothing.
            if self.errors and not self.connection.trailing_data[1]:
                self.connection.receive_data(b"HTTP/1.1 200 OK\r\n\r\n")
                again.append(self.ask_again())
        return Reading(
            merged([*self.events, *([ConnectionClosed()] if closed else [])]),
            self.errors[0] if self.errors else None,
            self.excess,
            self._paused,
            self.connection.trailing_data,
            (self.connection.our_state, self.connection.their_state),
            again,
        )


@attrs.frozen
class Reading:
    """What came of a stream, delivered in one way.

    Attributes:
        events: In order, where the parts of a body are cut at the ends of chunks only.
        error: The peer's violation.
        excess: By how many bytes more was held than may be.
        paused: Whether the rest waits for a switch, or for us, or is never read.
        rest: What is left.
        states: The states of our side and the peer's.
        again: What is said to whoever asks for more, after the end or an error.

    """

    events: list[Event]
    error: RemoteProtocolError | None
    excess: int
    paused: bool
    rest: tuple[bytes, bool]
    states: tuple[State, State]
    again: list[str]

    @property
    def told(self) -> tuple[object, ...]:
        """What must not depend on how the bytes arrive."""
        error = self.error
        events = (self.events, list(map(raw_fields, self.events)))
        if error is None:
            return (*events, self.paused)
        return (*events, error.code, error.offset, error.excerpt, error.error_status_hint, error.tolerance, str(error))

    @property
    def letters(self) -> str:
        """The kinds of its events."""
        return "".join(LETTERS[type(event)] for event in self.events)


# What a stream may consist of: Q a request, I an interim response, S a final one, D a part of a body, E its end.
LETTERS: Final[dict[type[Event], str]] = {
    Request: "Q",
    InformationalResponse: "I",
    Response: "S",
    Data: "D",
    EndOfMessage: "E",
    ConnectionClosed: "C",
}


def deliver(stream: Stream, pieces: Iterable[bytes], policy: Policy) -> Reading:
    # It lets nothing through but RemoteProtocolError.
    reader = Observer(stream, policy)
    for piece in pieces:
        reader.feed(piece)
    return reader.result()


def by_turns(data: bytes, sizes: tuple[int, int]) -> Iterator[bytes]:
    at = turn = 0
    while at < len(data):
        yield data[at : at + sizes[turn]]
        at, turn = at + sizes[turn], 1 - turn


@attrs.frozen(kw_only=True)
class Readings:
    """What came of a stream: read whole, in pieces, and whole by the strict policy."""

    stream: Stream
    whole: Reading
    others: list[Reading]
    strict: Reading
    # Of what was read before it paused: all of it, and all but its last byte.
    until_pause: Reading | None = None
    too_little: Reading | None = None
    # With the door open that the error names.
    let_in: Reading | None = None
    # With an empty line more than the last request.
    late: Reading | None = None

    @property
    def each(self) -> list[Reading]:
        return [self.whole, *self.others]


def readings_of(stream: Stream) -> Readings:
    end = [b""] if stream.closed else []
    data, policy = stream.data, stream.limited(stream.policy)
    at_once = [data, *end] if data else end
    whole = deliver(stream, at_once, policy)
    ways = [stream.sizes, (1, 1)] if len(data) <= MOST_SINGLE_BYTES else [stream.sizes]
    found: dict[str, Reading] = {}
    read = len(data) - len(whole.rest[0])
    if whole.paused:
        found["until_pause"] = deliver(stream, [data[:read]], policy)
    if whole.paused and read > 1:
        found["too_little"] = deliver(stream, [data[: read - 1]], policy)
    if whole.error is not None and whole.error.tolerance is not None:
        found["let_in"] = deliver(stream, at_once, opened(policy, whole.error.tolerance))
    if stream.role == SERVER and whole.error is None and whole.states[1] == MUST_CLOSE and whole.rest == (b"", False):
        found["late"] = deliver(stream, [*at_once, b"\r", b"\n", b""], policy)
    return Readings(
        stream=stream,
        whole=whole,
        others=[deliver(stream, [*by_turns(data, sizes), *end], policy) for sizes in ways],
        strict=whole if stream.policy is STRICT else deliver(stream, at_once, stream.limited(STRICT)),
        **found,
    )


def opened(policy: Policy, tolerance: Tolerance) -> Policy:
    """Return the policy that tolerates one thing more, or has one limit less."""
    value = True if isinstance(getattr(policy, tolerance), bool) else NO_LIMIT
    changes: dict[str, Any] = {tolerance: value}
    return attrs.evolve(policy, **changes)


# --- the properties -------------------------------------------------------------------------------------------------


def same_in_any_pieces(readings: Readings) -> None:
    for other in readings.others:
        # The one difference that a policy allows: a head over the limit that was not whole in time.
        cut = readings.stream.policy.whole_heads_over_limit and other.error and other.error.code == "head-too-large"
        if not (cut and readings.whole.events[: len(other.events)] == other.events):
            assert other.told == readings.whole.told, (other.told, readings.whole.told)


def an_end_is_told_and_stays(readings: Readings) -> None:
    for reading in readings.each:
        closed = ConnectionClosed() in reading.events
        if reading.error is not None:
            assert set(reading.again) == {f"already-failed in {ERROR}"}
        elif closed:
            assert set(reading.again) == {repr(ConnectionClosed())}
        else:
            assert reading.paused or not readings.stream.closed


def holds_no_more_than_its_limit(readings: Readings) -> None:
    assert max(reading.excess for reading in readings.each) <= 0


def the_rest_is_what_was_not_read(readings: Readings) -> None:
    for reading in readings.each:
        rest, closed = reading.rest
        if reading.error is None:
            assert readings.stream.data.endswith(rest)
            assert closed == readings.stream.closed
        else:
            assert not rest
    whole, until_pause, too_little = readings.whole, readings.until_pause, readings.too_little
    if until_pause is not None:
        assert (until_pause.events, until_pause.rest[0]) == (whole.events, b"")
    if too_little is not None:
        # The last byte before the rest has been read for something.
        assert too_little.events != whole.events


CODES: Final = frozenset(get_args(ErrorCode))
LONGEST_EXCERPT: Final = 64
CREDENTIAL: Final = re.compile(rb"[^\n]*:[^\n]*SECRET")


def errors_are_safe_to_log(readings: Readings) -> None:
    data = readings.stream.data
    # What stands after a colon, as a field's value does, is not shown; where it stands elsewhere too, it is no secret.
    has_secret = data.count(b"SECRET") == 1 and CREDENTIAL.search(data) is not None
    for error in filter(None, (reading.error for reading in readings.each)):
        text = str(error)
        assert text.isascii(), text
        assert text.isprintable(), text
        assert len(text) <= LONGEST_ERROR, text
        assert len(error.excerpt) <= LONGEST_EXCERPT, error.excerpt
        assert error.excerpt in data, error.excerpt
        assert error.code in CODES, error.code
        assert error.rule
        assert error.offset is None or 0 <= error.offset <= len(data), (error.offset, len(data))
        assert not (has_secret and (b"SECRET" in error.excerpt or "SECRET" in text)), text


SEQUENCES: Final = {
    SERVER: re.compile(r"(?:QD*E)*(?:C|QD*)?"),
    CLIENT: re.compile(r"(?:I*SD*E)*(?:C|I*(?:SD*)?)"),
}


def events_are_messages(readings: Readings) -> None:
    for reading in readings.each:
        assert SEQUENCES[readings.stream.role].fullmatch(reading.letters), reading.letters


def bodies_are_as_long_as_they_say(readings: Readings) -> None:
    method = readings.stream.request.partition(b" ")[0]
    for message in messages(readings.whole.events):
        head = next((event for event in message if isinstance(event, Request | Response)), None)
        if head is None:
            continue
        if isinstance(head, Response) and has_no_content(head, method):
            # What it says of a length may be no length at all.
            length = 0
        elif head.headers.get("transfer-encoding") is not None:
            continue
        else:
            said = head.headers.get("content-length")
            if said is None and isinstance(head, Response):
                continue
            length = int(said or 0)
        size, whole = len(body(message)), isinstance(message[-1], EndOfMessage)
        assert size == length or (size < length and not whole), (size, length)


def only_read(event: Event, stream: Stream) -> bool:
    """Tell whether `event` is an answer without content, and wrong of its length: it is read, and not made (ML-15)."""
    method = stream.request.partition(b" ")[0]
    return isinstance(event, Response) and has_no_content(event, method) and is_wrong_of_length(event)


def made(make: Callable[[Event], Event], event: Event) -> Event | None:
    try:
        return make(event)
    except LocalProtocolError:
        return None


def constructors_make_the_same(readings: Readings) -> None:
    """What the strict policy lets in, a constructor accepts unchanged; but for ML-15."""
    for event in readings.strict.events:
        again = made(rebuilt, event)
        assert (again is None) == only_read(event, readings.stream), event
        assert again is None or (again == event and raw_fields(again) == raw_fields(event)), (event, again)


HEADS: Final = (Request, InformationalResponse, Response)


def poison_is_not_passed_on(readings: Readings) -> None:
    """What no constructor makes, `send` refuses; and only that."""
    for event in readings.whole.events:
        if isinstance(event, Data | ConnectionClosed):
            continue
        again = made(rebuilt, event)
        assert again in (None, event), (event, again)
        assert made(attrs.evolve, event) == again
        right = again is not None and (isinstance(event, EndOfMessage) or event.http_version == b"1.1")
        assert sendable(event, readings.stream.request) == (right and not expects_for_nothing(event)), event


CHUNKED: Final = Request(method="POST", target="/", headers=[("Host", "a"), ("Transfer-Encoding", "chunked")])


def sendable(event: Event, request: bytes) -> bool:
    answers = isinstance(event, Response | InformationalResponse)
    connection: Connection[Role] = asked(request)[1] if answers else Connection(CLIENT)
    if isinstance(event, EndOfMessage):
        send_any(connection, CHUNKED)
    try:
        send_any(connection, event)
    except LocalProtocolError:
        return False
    return True


def what_is_sent_on_is_read_back(readings: Readings) -> None:
    """What the strict policy lets in can be sent, and is read as what it was; but for ML-15 and SD-16."""
    stream = readings.stream
    for message in messages(readings.strict.events):
        # Only HTTP/1.1 is sent.
        if any(
            (isinstance(event, HEADS) and event.http_version != b"1.1")
            or only_read(event, stream)
            or expects_for_nothing(event)
            for event in message
        ):
            continue
        receiver, sender = asked(stream.request)
        if stream.role == SERVER:
            sender, receiver = Connection(CLIENT), Connection(SERVER)
        read: list[Event] = []
        for event in message:
            piece = send_any(sender, event)
            if piece:
                receiver.receive_data(piece)
            read += drained(receiver)
        if sender.our_state == MUST_CLOSE:
            receiver.receive_data(b"")
            read += drained(receiver)
        assert summary(read) == summary(message), (read, message)


# What the table of strictness gives to STRICT alone: LN-3, and CH-4 for white space before an extension.
ONLY_STRICT: Final = frozenset(["empty-line", "space-after-chunk-size"])


def tolerance_only_adds(readings: Readings) -> None:
    """What the strict policy lets in, every other one does, and reads as the same."""
    strict, other = readings.strict, readings.whole
    if other.error is not None and other.error.code in ONLY_STRICT:
        return
    accepted = strict.events if strict.error is None else strict.events[:-1]
    assert other.events[: len(accepted)] == accepted
    assert strict.error is not None or strict.told == other.told


def an_answer_counts(readings: Readings) -> None:
    """ML-18: nothing that follows an answer makes an error of it, and nothing follows on the same connection."""
    for reading in readings.each:
        if readings.stream.role == CLIENT and any(isinstance(event, EndOfMessage) for event in reading.events):
            assert reading.error is None
            assert reading.rest == (b"", False) or DONE not in reading.states


def an_empty_line_may_follow(readings: Readings) -> None:
    """LN-3: so old clients end their last request."""
    late = readings.late
    # There may be as many empty lines as the limit has room for.
    if late is None or (late.error is not None and late.error.code == "head-too-large"):
        return
    assert late.error is None
    assert late.events == [*readings.whole.events, ConnectionClosed()]


def the_tolerance_lets_it_in(readings: Readings) -> None:
    whole, let_in = readings.whole, readings.let_in
    if whole.error is not None and let_in is not None and let_in.error is not None:
        refused = (let_in.error.code, let_in.error.offset, let_in.events)
        assert refused != (whole.error.code, whole.error.offset, whole.events), whole.error.tolerance


Property: TypeAlias = Callable[[Readings], None]
PROPERTIES: Final[tuple[Property, ...]] = (
    same_in_any_pieces,
    an_end_is_told_and_stays,
    holds_no_more_than_its_limit,
    the_rest_is_what_was_not_read,
    errors_are_safe_to_log,
    events_are_messages,
    bodies_are_as_long_as_they_say,
    constructors_make_the_same,
    poison_is_not_passed_on,
    what_is_sent_on_is_read_back,
    tolerance_only_adds,
    an_answer_counts,
    an_empty_line_may_follow,
    the_tolerance_lets_it_in,
)

TOLERANT: Final = {"STRICT": POLICIES[:1], "H11": POLICIES[1:2], "one": POLICIES[2:-1], "all": POLICIES[-1:]}


@pytest.mark.parametrize("policies", TOLERANT.values(), ids=TOLERANT)
@given(st.data(), strategies.roles)
def test_what_holds_of_any_stream(policies: tuple[Policy, ...], data: st.DataObject, role: Role) -> None:
    pieces = st.integers(1, 40)
    readings = readings_of(
        Stream(
            role=role,
            policy=data.draw(st.sampled_from(policies)),
            small=data.draw(st.sampled_from([False, False, True])),
            limit=data.draw(st.just(LIMITS[0]) | st.sampled_from(LIMITS)),
            request=data.draw(st.just(REQUESTS[0]) | st.sampled_from(REQUESTS)),
            closed=data.draw(st.booleans()),
            sizes=data.draw(st.tuples(pieces, pieces)),
            data=data.draw(strategies.streams(role)),
        )
    )
    for holds in PROPERTIES:
        holds(readings)


def test_the_small_limits_are_smaller_than_those_of_any_policy() -> None:
    for policy in POLICIES:
        assert attrs.evolve(policy, **SMALL) != policy


# --- what is sent ---------------------------------------------------------------------------------------------------


@given(strategies.requests(), strategies.payloads, strategies.ends)
def test_a_sent_request_is_read_as_itself(request: Request, payload: bytes, end: EndOfMessage) -> None:
    client, server = Connection(CLIENT), Connection(SERVER)
    server.receive_data(client.send(request))
    received = server.next_event()
    assert received == attrs.evolve(request, headers=host_first(request.headers))
    assert raw_fields(received) == host_first(request.headers)
    body = framing.request_framing(request)
    if not isinstance(body, int):
        server.receive_data(client.send(Data(payload)) + client.send(end))
        if payload:
            assert server.next_event() == Data(payload, chunk_start=True, chunk_end=True)
        assert server.next_event() == end
    elif body < 100:
        rest = client.send(Data(b"." * body)) + client.send(EndOfMessage())
        if body:
            server.receive_data(rest)
            assert server.next_event() == Data(b"." * body)
        assert server.next_event() == EndOfMessage()


def asked_by(method: bytes) -> tuple[ClientConnection, ServerConnection]:
    """A client that has asked, and the server that has heard it."""
    client = Connection(CLIENT)
    server = Connection(SERVER)
    target = b"a:1" if method == b"CONNECT" else b"/"
    server.receive_data(client.send(Request(method=method, target=target, headers=[("Host", "a")])))
    client.send(EndOfMessage())
    while not isinstance(server.next_event(), type):
        pass
    return client, server


@given(
    st.lists(strategies.informational_responses(), max_size=2),
    strategies.responses(),
    st.sampled_from([b"GET", b"HEAD", b"CONNECT"]),
    strategies.payloads,
    strategies.ends,
)
def test_a_sent_response_is_read_as_what_was_sent(
    interims: list[InformationalResponse], response: Response, method: bytes, payload: bytes, end: EndOfMessage
) -> None:
    client, server = asked_by(method)
    for interim in interims:
        client.receive_data(server.send(interim))
        assert client.next_event() == framing.informational_to_send(interim)
    sent = framing.response_to_send(
        response,
        request_method=method,
        peer_version=b"1.1",
        keep_alive=True,
        # A tunnel that is refused is the end (CN-1).
        last=method == b"CONNECT" and not framing.grants_tunnel(response.status_code),
    )
    client.receive_data(server.send(response))
    received = client.next_event()
    assert received == sent
    assert isinstance(received, Response)
    assert raw_fields(received) == raw_fields(sent)
    assert client.states == server.states
    if framing.response_framing(sent, method) == "chunked":
        client.receive_data(server.send(Data(payload)) + server.send(end))
        if payload:
            assert client.next_event() == Data(payload, chunk_start=True, chunk_end=True)
        assert client.next_event() == end
        assert client.states == server.states


# --- what is left out -----------------------------------------------------------------------------------------------

# A status line, and lines that are fields or none.
_LINES = st.lists(
    st.sampled_from([b"A: b", b"Content-Length: 5", b"Connection : x", b"Content-Length\t: 5", b"C: d\r\n e", b" f"])
    | strategies.broken_lines
    | st.lists(st.sampled_from(b'Content-Length: 5=()"\t\x80/'), min_size=1, max_size=20).map(bytes),
    max_size=5,
)
# What must never be left out, by the letters with which it begins.
_FRAMING = re.compile(rb"connection|contentlength|keepalive|proxyconnection|transferencoding|upgrade")


@given(_LINES)
def test_a_head_with_broken_lines_is_read_as_the_head_without_them(lines: list[bytes]) -> None:
    head = b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", b""])
    left_out: list[bytes] = []
    try:
        response = parse_response(head, policy=Policy(broken_lines_in_response=True), left_out=left_out)
    except RemoteProtocolError:
        return
    kept = head.split(b"\r\n")
    for line in left_out:
        assert _FRAMING.match(re.sub(rb"[^a-z]", b"", line.lower())) is None
        folded = line.decode("utf-8", "replace").casefold()
        assert _FRAMING.match(re.sub(r"[^a-z]", "", folded).encode()) is None
        assert line.strip(b" \t")
        kept.remove(line)
    assert response == parse_response(b"\r\n".join(kept))


@given(_LINES)
def test_a_head_with_white_space_before_colons_is_read_as_the_head_without(lines: list[bytes]) -> None:
    head = b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", b""])
    try:
        response = parse_response(head, policy=Policy(space_before_colon_in_response=True))
    except RemoteProtocolError:
        return
    assert response == parse_response(re.sub(rb"(?m)^([^ \t\r\n:]+)[ \t]+:", rb"\1:", head))
