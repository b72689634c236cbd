"""The target ``reading``: a stream of bytes, who reads it and by which policy, and in which pieces it arrives.

An input is four bytes of choices, and the stream.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias, get_args

import attrs

from http11 import (
    CLIENT,
    DONE,
    ERROR,
    H11,
    MUST_CLOSE,
    SERVER,
    STRICT,
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
    State,
    Tolerance,
)
from tests.fuzz.messages import (
    LONGEST_ERROR,
    asked,
    body,
    expects_for_nothing,
    has_no_content,
    is_wrong_of_length,
    merged,
    messages,
    summary,
)
from tests.harness import Reader, Vector, raw_fields, rebuilt, send_any

TOLERANCES: Final = tuple(
    field.name for field in attrs.fields(Policy) if isinstance(field.default, bool) and field.name != "tolerant"
)
POLICIES: Final = (
    STRICT,
    H11,
    *(attrs.evolve(STRICT, **{name: not getattr(STRICT, name)}) for name in TOLERANCES),
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
class Case:
    """What an input says.

    Attributes:
        role: Who reads.
        policy: By what.
        small: Whether the limits of the policy are small.
        limit: The greatest size of an incomplete event.
        request: What a client has asked.
        closed: Whether the connection ends behind the stream.
        sizes: Of the pieces in which the stream arrives, by turns.
        data: The stream.

    """

    role: Role
    policy: Policy
    small: bool
    limit: int
    request: bytes
    closed: bool
    sizes: tuple[int, int]
    data: bytes

    def limited(self, policy: Policy) -> Policy:
        """Return `policy` with the limits of the case."""
        return attrs.evolve(policy, **SMALL) if self.small else policy


def decode(raw: bytes) -> Case:
    first, second, *sizes = raw[:4].ljust(4, b"\0")
    return Case(
        role=CLIENT if first & 1 else SERVER,
        policy=POLICIES[(first >> 1) % len(POLICIES)],
        small=bool(second & 0x40),
        limit=LIMITS[second & 7],
        request=REQUESTS[second >> 3 & 7],
        closed=bool(second & 0x80),
        sizes=(1 + sizes[0], 1 + sizes[1]),
        data=raw[4:],
    )


def encode(case: Case) -> bytes:
    first = (case.role == CLIENT) | POLICIES.index(case.policy) << 1
    second = LIMITS.index(case.limit) | REQUESTS.index(case.request) << 3 | case.small << 6 | case.closed << 7
    return bytes([first, second, case.sizes[0] - 1, case.sizes[1] - 1]) + case.data


def seeds(vectors: Iterable[Vector]) -> Iterator[bytes]:
    """Spell the vectors as inputs, as far as the choices allow it."""
    for vector in vectors:
        request = vector.request or REQUESTS[0]
        # Where tolerance matters, with each one alone as well.
        for policy in POLICIES if vector.strict != vector.h11 or vector.strict != vector.door else (STRICT, H11):
            yield encode(
                Case(
                    role=vector.role,
                    policy=policy,
                    small=bool(vector.changes),
                    limit=vector.limit if vector.limit in LIMITS else LIMITS[0],
                    request=request if request in REQUESTS else REQUESTS[0],
                    closed=vector.closed,
                    sizes=(1, 7),
                    data=vector.data,
                )
            )


# --- what comes of it -----------------------------------------------------------------------------------------------


class Observer(Reader):
    """A reader that keeps the events themselves, and measures what is held."""

    def __init__(self, role: Role, *, policy: Policy, request: bytes, limit: int) -> None:
        super().__init__(role, policy=policy, request=request, limit=limit)
        self._limit = limit
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

    @property
    def paused(self) -> bool:
        return self._paused


@attrs.frozen
class Reading:
    """What came of a stream, delivered in one way.

    Attributes:
        events: In order, where the parts of a body are cut at the ends of chunks only.
        error: The peer's violation.
        crash: What should never be raised.
        excess: By how many bytes more was held than may be.
        paused: Whether the rest waits for a switch, or for us, or is never read.
        rest: What is left.
        states: The states of our side and the peer's.
        again: What is said when it is asked for more, after the end or an error.

    """

    events: list[Event]
    error: RemoteProtocolError | None
    crash: Exception | None
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


def deliver(case: Case, pieces: Iterable[bytes], policy: Policy) -> Reading:
    reader = Observer(case.role, policy=policy, request=case.request, limit=case.limit)
    crash = None
    try:
        for piece in pieces:
            reader.feed(piece)
    # A finding, whatever it is.
    except Exception as error:  # noqa: BLE001
        crash = error
    again = []
    if reader.errors or (reader.outcome and reader.outcome[-1] == ("ConnectionClosed",)):
        again = [asked_again(reader.connection) for _ in range(2)]
        # Something may still arrive; it changes nothing.
        if reader.errors and not reader.connection.trailing_data[1]:
            reader.connection.receive_data(b"HTTP/1.1 200 OK\r\n\r\n")
            again.append(asked_again(reader.connection))
    return Reading(
        merged([*reader.events, *(ConnectionClosed() for one in reader.outcome if one == ("ConnectionClosed",))]),
        reader.errors[0] if reader.errors else None,
        crash,
        reader.excess,
        reader.paused,
        reader.connection.trailing_data,
        (reader.connection.our_state, reader.connection.their_state),
        again,
    )


def asked_again(connection: Connection[Role]) -> str:
    try:
        event = connection.next_event()
    except RemoteProtocolError as error:
        return f"{error.code} in {connection.their_state}"
    return repr(event)


def by_turns(data: bytes, sizes: tuple[int, int]) -> Iterator[bytes]:
    at = turn = 0
    while at < len(data):
        yield data[at : at + sizes[turn]]
        at, turn = at + sizes[turn], 1 - turn


@attrs.frozen(kw_only=True)
class Readings:
    """What came of a case: read whole, in pieces, and whole by the strict policy."""

    case: Case
    whole: Reading
    others: list[Reading]
    strict: Reading
    # Of what was read before it paused: all of it, and all but its last byte.
    until_pause: Reading | None
    too_little: Reading | None
    # With the door open that the error names.
    let_in: Reading | None
    # With an empty line more than the last request.
    late: Reading | None


def run(case: Case) -> Readings:
    end = [b""] if case.closed else []
    data, policy = case.data, case.limited(case.policy)
    at_once = [data, *end] if data else end
    whole = deliver(case, at_once, policy)
    others = [deliver(case, [*by_turns(data, case.sizes), *end], policy)]
    if len(data) <= MOST_SINGLE_BYTES:
        others.append(deliver(case, [*by_turns(data, (1, 1)), *end], policy))
    strict = whole if case.policy is STRICT else deliver(case, at_once, case.limited(STRICT))
    until_pause = too_little = let_in = late = None
    if whole.paused:
        read = len(data) - len(whole.rest[0])
        until_pause = deliver(case, [data[:read]], policy)
        too_little = deliver(case, [data[: read - 1]], policy) if read > 1 else None
    if whole.error is not None and whole.error.tolerance is not None:
        let_in = deliver(case, at_once, opened(policy, whole.error.tolerance))
    if case.role == SERVER and whole.error is None and whole.states[1] == MUST_CLOSE and whole.rest == (b"", False):
        late = deliver(case, [*at_once, b"\r", b"\n", b""], policy)
    return Readings(
        case=case,
        whole=whole,
        others=others,
        strict=strict,
        until_pause=until_pause,
        too_little=too_little,
        let_in=let_in,
        late=late,
    )


def opened(policy: Policy, tolerance: Tolerance) -> Policy:
    """Return the policy that tolerates one thing more, or has one limit less."""
    value = True if isinstance(getattr(policy, tolerance), bool) else NO_LIMIT
    changes: dict[str, Any] = {tolerance: value}
    return attrs.evolve(policy, **changes)


# --- oracles --------------------------------------------------------------------------------------------------------

Oracle: TypeAlias = Callable[[Readings], Iterator[str]]
"""Yields what is wrong."""

CODES: Final = frozenset(get_args(ErrorCode))
LONGEST_EXCERPT: Final = 64


def only_remote_errors(readings: Readings) -> Iterator[str]:
    for reading in (readings.whole, *readings.others, readings.strict):
        if reading.crash is not None:
            yield f"raised {reading.crash!r}"


def same_in_any_pieces(readings: Readings) -> Iterator[str]:
    for other in readings.others:
        if other.told != readings.whole.told:
            yield f"in pieces {other.told}, whole {readings.whole.told}"


def failed_for_good(readings: Readings) -> Iterator[str]:
    for reading in (readings.whole, *readings.others):
        if reading.error is not None and set(reading.again) != {f"already-failed in {ERROR}"}:
            yield f"after an error: {reading.again}"


def closed_for_ever(readings: Readings) -> Iterator[str]:
    for reading in (readings.whole, *readings.others):
        if ConnectionClosed() in reading.events and set(reading.again) != {repr(ConnectionClosed())}:
            yield f"after the end: {reading.again}"


def the_end_is_told(readings: Readings) -> Iterator[str]:
    for reading in (readings.whole, *readings.others):
        ended = ConnectionClosed() in reading.events or reading.error is not None or reading.paused
        if reading.crash is None and readings.case.closed and not ended:
            yield f"the end was passed over behind {reading.events}"


def holds_no_more_than_its_limit(readings: Readings) -> Iterator[str]:
    for reading in (readings.whole, *readings.others):
        if reading.excess > 0:
            yield f"held {reading.excess} bytes too many"


def the_rest_is_what_was_not_read(readings: Readings) -> Iterator[str]:
    for reading in (readings.whole, *readings.others):
        rest, closed = reading.rest
        if reading.error is None and not (readings.case.data.endswith(rest) and closed == readings.case.closed):
            yield f"left {rest!r}, closed: {closed}"
        if reading.error is not None and rest:
            yield f"left {rest!r} after an error"
    until_pause, too_little = readings.until_pause, readings.too_little
    if until_pause is not None and (until_pause.events != readings.whole.events or until_pause.rest[0]):
        yield f"without the rest {until_pause.events} and {until_pause.rest}, with it {readings.whole.events}"
    if too_little is not None and too_little.events == readings.whole.events:
        yield f"the last byte before {readings.whole.rest} has been read for nothing"


def errors_are_safe_to_log(readings: Readings) -> Iterator[str]:
    data = readings.case.data
    for reading in (readings.whole, *readings.others):
        error = reading.error
        if error is None:
            continue
        text = str(error)
        if not (text.isascii() and text.isprintable() and len(text) <= LONGEST_ERROR):
            yield f"the text {text!r}"
        if len(error.excerpt) > LONGEST_EXCERPT or error.excerpt not in data:
            yield f"the excerpt {error.excerpt!r}"
        if error.code not in CODES or not error.rule:
            yield f"the code {error.code!r} and the rule {error.rule!r}"
        if error.offset is not None and not 0 <= error.offset <= len(data):
            yield f"the offset {error.offset} in {len(data)} bytes"


_CREDENTIAL: Final = re.compile(rb"[^\n]*:[^\n]*SECRET")


def errors_keep_secrets(readings: Readings) -> Iterator[str]:
    """What stands behind a colon, as a field's value does, is not shown."""
    # Where it stands elsewhere too, it is none.
    if readings.case.data.count(b"SECRET") != 1 or _CREDENTIAL.search(readings.case.data) is None:
        return
    for reading in (readings.whole, *readings.others):
        error = reading.error
        if error is not None and (b"SECRET" in error.excerpt or "SECRET" in str(error)):
            yield f"{error} shows {error.excerpt!r}"


# What a stream may consist of: Q a request, I an interim response, S a final one, D a part of a body, E its end.
_LETTERS: Final[dict[type[Event], str]] = {
    Request: "Q",
    InformationalResponse: "I",
    Response: "S",
    Data: "D",
    EndOfMessage: "E",
    ConnectionClosed: "C",
}
_SEQUENCES: Final = {
    SERVER: re.compile(r"(?:QD*E)*(?:C|QD*)?"),
    CLIENT: re.compile(r"(?:I*SD*E)*(?:C|I*(?:SD*)?)"),
}


def events_are_messages(readings: Readings) -> Iterator[str]:
    for reading in (readings.whole, *readings.others):
        letters = "".join(_LETTERS[type(event)] for event in reading.events)
        if _SEQUENCES[readings.case.role].fullmatch(letters) is None:
            yield f"the sequence {letters}"


def bodies_are_as_long_as_they_say(readings: Readings) -> Iterator[str]:
    method = readings.case.request.partition(b" ")[0]
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
        size = len(body(message))
        if size > length or (size < length and isinstance(message[-1], EndOfMessage)):
            yield f"{size} bytes where there should be {length}"


def only_read(event: Event, case: Case) -> bool:
    """Tell whether `event` is an answer without content, and wrong of its length: it is read, and not made (ML-15)."""
    method = case.request.partition(b" ")[0]
    return isinstance(event, Response) and has_no_content(event, method) and is_wrong_of_length(event)


def constructors_make_the_same(readings: Readings) -> Iterator[str]:
    """What the strict policy lets in, a constructor accepts unchanged; but for ML-15."""
    for event in readings.strict.events:
        wrong = only_read(event, readings.case)
        try:
            again = rebuilt(event)
        except LocalProtocolError as error:
            if not wrong:
                yield f"{event} is refused: {error}"
            continue
        if wrong:
            yield f"{event} can be made"
        if again != event or raw_fields(again) != raw_fields(event):
            yield f"{event} becomes {again}"


def poison_is_not_passed_on(readings: Readings) -> Iterator[str]:
    """What no constructor makes, `send` refuses; and only that."""
    for event in readings.whole.events:
        if isinstance(event, Data | ConnectionClosed):
            continue
        try:
            made: Event | None = rebuilt(event)
        except LocalProtocolError:
            made = None
        if made is not None and made != event:
            yield f"{event} becomes {made}"
        right = made is not None and (isinstance(event, EndOfMessage) or event.http_version == b"1.1")
        right = right and not expects_for_nothing(event)
        if sendable(event, readings.case.request) != right:
            yield f"{event} should {'not ' if right else ''}be refused"


_CHUNKED: Final = Request(method="POST", target="/", headers=[("Host", "a"), ("Transfer-Encoding", "chunked")])


def sendable(event: Event, request: bytes) -> bool:
    if isinstance(event, Response | InformationalResponse):
        _, connection = asked(request)
    else:
        connection = Connection(CLIENT)
    if isinstance(event, EndOfMessage):
        send_any(connection, _CHUNKED)
    try:
        send_any(connection, event)
    except LocalProtocolError:
        return False
    return True


def what_is_sent_on_is_read_back(readings: Readings) -> Iterator[str]:
    """What the strict policy lets in can be sent, and is read as what it was; but for ML-15 and SD-16."""
    case = readings.case
    for message in messages(readings.strict.events):
        # Only HTTP/1.1 is sent.
        if any(isinstance(event, _HEADS) and event.http_version != b"1.1" for event in message):
            continue
        if any(only_read(event, case) or expects_for_nothing(event) for event in message):
            continue
        if case.role == SERVER:
            sender: Connection[Role] = Connection(CLIENT)
            receiver: Connection[Role] = Connection(SERVER)
        else:
            receiver, sender = asked(case.request)
        read: list[Event] = []
        try:
            for event in message:
                piece = send_any(sender, event)
                if piece:
                    receiver.receive_data(piece)
                while not isinstance(got := receiver.next_event(), type):
                    read.append(got)
            if sender.our_state == "MUST_CLOSE":
                receiver.receive_data(b"")
                while not isinstance(got := receiver.next_event(), type | ConnectionClosed):
                    read.append(got)
        except (LocalProtocolError, RemoteProtocolError) as error:
            yield f"{message} is refused: {error}"
            continue
        if summary(read) != summary(message):
            yield f"{message} is read back as {read}"


_HEADS: Final = (Request, InformationalResponse, Response)


def an_answer_counts(readings: Readings) -> Iterator[str]:
    """ML-18: nothing that follows an answer makes an error of it, and nothing follows on the same connection."""
    for reading in (readings.whole, *readings.others):
        if readings.case.role == SERVER or not any(isinstance(event, EndOfMessage) for event in reading.events):
            continue
        if reading.error is not None:
            yield f"refused after the answer: {reading.error}"
        elif reading.rest != (b"", False) and DONE in reading.states:
            yield f"in {reading.states}, with {reading.rest} after the answer"


def an_empty_line_may_follow(readings: Readings) -> Iterator[str]:
    """LN-3: so old clients end their last request."""
    late = readings.late
    # There may be as many empty lines as the limit has room for.
    if late is None or (late.error is not None and late.error.code == "head-too-large"):
        return
    if late.error is not None or late.events != [*readings.whole.events, ConnectionClosed()]:
        yield f"read as {late.told}, and as {readings.whole.told} without an empty line"


def the_tolerance_lets_it_in(readings: Readings) -> Iterator[str]:
    error, let_in = readings.whole.error, readings.let_in
    if error is None or let_in is None or let_in.error is None:
        return
    if (let_in.error.code, let_in.error.offset, let_in.events) == (error.code, error.offset, readings.whole.events):
        yield f"{error.code} at {error.offset}, and with {error.tolerance} as well"


# What the table of strictness gives to STRICT alone: LN-3, and CH-4 for white space before an extension.
_ONLY_STRICT: Final = frozenset(["empty-line", "space-after-chunk-size"])


def tolerance_only_adds(readings: Readings) -> Iterator[str]:
    """What the strict policy lets in, every other one does, and reads as the same."""
    strict, other = readings.strict, readings.whole
    if strict is other or (other.error is not None and other.error.code in _ONLY_STRICT):
        return
    accepted = strict.events if strict.error is None else strict.events[:-1]
    if other.events[: len(accepted)] != accepted:
        yield f"read as {other.events}, and as {strict.events} by STRICT"
    elif strict.error is None and strict.told != other.told:
        yield f"comes to {other.told}, and to {strict.told} by STRICT"


ORACLES: Final[tuple[Oracle, ...]] = (
    only_remote_errors,
    same_in_any_pieces,
    failed_for_good,
    closed_for_ever,
    the_end_is_told,
    holds_no_more_than_its_limit,
    the_rest_is_what_was_not_read,
    errors_are_safe_to_log,
    errors_keep_secrets,
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


def features(readings: Readings) -> Iterator[object]:
    """Yield what an input is worth keeping for, beside what it runs through."""
    case, reading = readings.case, readings.whole
    letters = "".join(_LETTERS[type(event)] for event in reading.events)
    if reading.told != readings.strict.told:
        yield case.policy, reading.error is None
    yield case.role, letters[:6], reading.paused
    yield case.role, reading.states, reading.rest == (b"", False), readings.late is None
    if reading.error is not None:
        yield case.role, reading.error.code, case.policy is STRICT
        yield case.role, reading.error.tolerance, readings.let_in is not None and readings.let_in.error is None
