"""The target ``sending``: a script of what one side makes, sends and receives.

An input is one byte of choices, and the steps of the script with 0xFF between them. A step is one letter, and its parts
with 0xFE between them:

    Q method, target, version, name, value...   make and send a Request (an empty version is the default)
    I status, reason, version, name, value...   the same with an InformationalResponse
    S status, reason, version, name, value...   a Response
    D payload                                   Data
    E name, value...                            EndOfMessage
    C                                           ConnectionClosed
    > number                                    send what was received, on: the last event, or an earlier one
    < bytes                                     receive, and read as far as that goes
    .                                           the peer closes
    N                                           start_next_cycle
    X                                           send_failed
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Literal, TypeAlias, get_args

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
    Event,
    InformationalResponse,
    LocalProtocolError,
    Policy,
    RemoteProtocolError,
    Request,
    Response,
    Role,
    State,
)
from tests.fuzz.messages import LONGEST_ERROR, expects_for_nothing, summary
from tests.harness import SendingVector, raw_fields, rebuilt, send_any

Given: TypeAlias = Literal["bytes", "str", "bytearray", "int"]
GIVEN: Final[tuple[Given, ...]] = get_args(Given)
POLICIES: Final = (
    STRICT,
    H11,
    *(attrs.evolve(preset, keep_alive_in_http10=True) for preset in (STRICT, H11)),
)
STEP: Final = b"\xff"
PART: Final = b"\xfe"
# A longer script says nothing that a shorter one does not.
MOST_STEPS: Final = 24


@attrs.frozen(kw_only=True)
class Script:
    """What an input says.

    Attributes:
        role: Who sends.
        policy: By what it reads.
        given: As what a constructor is given its bytes.
        steps: Each a letter and its parts.

    """

    role: Role
    policy: Policy
    given: Given
    steps: list[tuple[str, list[bytes]]]


def decode(raw: bytes) -> Script:
    choices = raw[0] if raw else 0
    steps = [(chr(step[0]), step[1:].split(PART)) for step in raw[1:].split(STEP) if step]
    return Script(
        role=CLIENT if choices & 1 else SERVER,
        policy=POLICIES[choices >> 1 & 1 | choices >> 3 & 2],
        given=GIVEN[choices >> 2 & 3],
        steps=steps[:MOST_STEPS],
    )


def encode(script: Script) -> bytes:
    policy = POLICIES.index(script.policy)
    choices = (script.role == CLIENT) | (policy & 1) << 1 | GIVEN.index(script.given) << 2 | (policy & 2) << 3
    return bytes([choices]) + STEP.join(letter.encode("latin-1") + PART.join(parts) for letter, parts in script.steps)


_LETTERS: Final = {"Request": "Q", "InformationalResponse": "I", "Response": "S", "Data": "D", "EndOfMessage": "E"}


def _step(spelled: Sequence[str | int | tuple[str, str]]) -> tuple[str, list[bytes]]:
    """Spell an event of a vector as a step."""
    kind, *parts = spelled
    start = {"Q": 3, "I": 3, "S": 3, "D": 1, "E": 0}
    letter = _LETTERS.get(str(kind), "C")
    plain = [str(part) for part in parts[: start.get(letter, 0)]]
    if letter == "Q" and plain[2] == "1.1":
        plain[2] = ""
    for field in parts[start.get(letter, 0) :]:
        name, value = field if isinstance(field, tuple) else str(field).partition(": ")[::2]
        plain += [name, value]
    return letter, [part.encode("latin-1") for part in plain]


def seeds(vectors: Iterable[SendingVector]) -> Iterator[bytes]:
    for vector in vectors:
        if vector.forward:
            steps: list[tuple[str, list[bytes]]] = [("<", [vector.received]), (">", [b"0"])]
        else:
            before: list[tuple[str, list[bytes]]] = [("<", [vector.received])] if vector.received else []
            steps = [*before, *([(".", [b""])] if vector.closed else []), *map(_step, vector.send)]
        policy = vector.policy if vector.policy in POLICIES else STRICT
        for given in GIVEN[:2]:
            yield encode(Script(role=vector.role, policy=policy, given=given, steps=steps))


# --- what comes of it -----------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Done:
    """What came of one step.

    Attributes:
        letter: The step.
        made: The event that was to be sent, if it could be made.
        sent: Whether it was.
        wire: What is to be written for it.
        refused: By what it was refused, where it was made or sent; or any other error.
        before: The states before the step, ours first.
        after: The states after it.
        request: What is being answered, if that is known.
        version: The peer's.

    """

    letter: str
    made: Event | None
    sent: bool
    wire: bytes
    refused: Exception | None
    before: tuple[State, State]
    after: tuple[State, State]
    request: Request | None
    version: bytes | None


class Player:
    """Plays a script."""

    def __init__(self, script: Script, *, passthrough: bool) -> None:
        self._script = script
        self._passthrough = passthrough
        self.connection: Connection[Role] = Connection(script.role, policy=script.policy)
        self._received: list[Event] = []
        self._request: Request | None = None
        self._closed = False
        self._failed = False

    def play(self) -> list[Done]:
        return [self._play(letter, parts) for letter, parts in self._script.steps]

    @property
    def _states(self) -> tuple[State, State]:
        return self.connection.our_state, self.connection.their_state

    def _play(self, letter: str, parts: list[bytes]) -> Done:
        before, request, version = self._states, self._request, self.connection.their_http_version
        made: Event | None = None
        wire: bytes | None = None
        refused: Exception | None = None
        sent = False
        try:
            if letter == "<":
                self._receive(PART.join(parts))
            elif letter == ".":
                self._receive(b"")
            elif letter == "N":
                self.connection.start_next_cycle()
                self._request = None
            elif letter == "X":
                self.connection.send_failed()
            else:
                made = self._make(letter, parts)
                if made is not None:
                    wire = self._send(made)
                    sent = True
        # Which ones may be, the oracles know.
        except Exception as error:  # noqa: BLE001
            refused = error
        return Done(
            letter=letter,
            made=made,
            sent=sent,
            wire=wire or b"",
            refused=refused,
            before=before,
            after=self._states,
            request=request,
            version=version,
        )

    def _receive(self, data: bytes) -> None:
        if self._closed or self._failed:
            return
        self._closed = not data
        self.connection.receive_data(data)
        try:
            while not isinstance(event := self.connection.next_event(), type | ConnectionClosed):
                self._received.append(event)
                if isinstance(event, Request):
                    self._request = event
        except RemoteProtocolError:
            self._failed = True

    def _send(self, event: Event) -> bytes | None:
        if not self._passthrough:
            return send_any(self.connection, event)
        pieces: list[bytes] | None = self.connection.send_with_data_passthrough(event)  # type: ignore[arg-type]
        return None if pieces is None else b"".join(pieces)

    def _spelled(self, value: bytes) -> bytes | str | bytearray:
        match self._script.given:
            case "bytes":
                return value
            case "str":
                return value.decode("latin-1")
            case "bytearray":
                return bytearray(value)
            case "int":
                # Of which `bytes` would make so many zeros.
                return len(value)  # type: ignore[return-value]

    def _fields(self, parts: Sequence[bytes]) -> list[tuple[bytes | str | bytearray, bytes | str | bytearray]]:
        return [
            (self._spelled(name), self._spelled(value)) for name, value in zip(parts[::2], parts[1::2], strict=False)
        ]

    def _make(self, letter: str, parts: list[bytes]) -> Event | None:
        match letter, parts:
            case "Q", [method, target, version, *fields]:
                return Request(
                    method=self._spelled(method),
                    target=self._spelled(target),
                    http_version=version or b"1.1",
                    headers=self._fields(fields),
                )
            case "I" | "S", [status, reason, version, *fields]:
                make = InformationalResponse if letter == "I" else Response
                return make(
                    status_code=int(status),
                    reason=self._spelled(reason),
                    http_version=version or b"1.1",
                    headers=self._fields(fields),
                )
            case "D", _:
                return Data(PART.join(parts))
            case "E", _:
                return EndOfMessage(headers=self._fields(parts))
            case "C", _:
                return ConnectionClosed()
            case ">", [number] if self._received:
                return self._received[-1 - len(number) % len(self._received)]
            case _:
                return None


@attrs.frozen(kw_only=True)
class Played:
    """What came of a script: with `send`, and with `send_with_data_passthrough`."""

    script: Script
    steps: list[Done]
    passed_through: list[Done]


def run(script: Script) -> Played:
    return Played(
        script=script,
        steps=Player(script, passthrough=False).play(),
        passed_through=Player(script, passthrough=True).play(),
    )


# --- oracles --------------------------------------------------------------------------------------------------------

Oracle: TypeAlias = Callable[[Played], Iterator[str]]
"""Yields what is wrong."""


def only_local_errors(played: Played) -> Iterator[str]:
    for step in played.steps:
        making = step.made is None and step.letter in "QISDE"
        # UnicodeEncodeError is a ValueError, and so is what `int` makes of a status.
        allowed = (LocalProtocolError, TypeError, ValueError) if making else (LocalProtocolError,)
        if step.refused is not None and (step.letter in "<.X" or not isinstance(step.refused, allowed)):
            yield f"{step.letter} raised {step.refused!r}"


def refusals_change_what_they_should(played: Played) -> Iterator[str]:
    """A refusal by `send` is for good; one by a constructor, or of a new cycle, changes nothing."""
    for step in played.steps:
        if step.refused is None:
            continue
        if step.made is None:
            if step.after != step.before:
                yield f"{step.letter} was refused, and {step.before} became {step.after}"
        elif step.after[0] != ERROR:
            yield f"{step.made} was refused in {step.before}, and we are in {step.after[0]}"


def code_of(error: Exception | None) -> str | None:
    return error.code if isinstance(error, LocalProtocolError) else None


def nothing_is_sent_in_error(played: Played) -> Iterator[str]:
    for step in played.steps:
        if step.before[0] == ERROR and (step.sent or step.after[0] != ERROR):
            yield f"{step.letter} in ERROR wrote {step.wire!r}"
        if step.before[0] == ERROR and step.made is not None and code_of(step.refused) != "already-failed":
            yield f"{step.letter} in ERROR was refused by {step.refused!r}"


def passthrough_writes_the_same(played: Played) -> Iterator[str]:
    for step, other in zip(played.steps, played.passed_through, strict=True):
        if (step.wire, step.after, repr(step.refused)) != (other.wire, other.after, repr(other.refused)):
            yield f"{step.wire!r} by send, {other.wire!r} by send_with_data_passthrough"


def events_can_be_made_again(played: Played) -> Iterator[str]:
    for step in played.steps:
        if step.made is None or step.letter == ">":
            continue
        again = rebuilt(step.made)
        if again != step.made or hash(again) != hash(step.made) or raw_fields(again) != raw_fields(step.made):
            yield f"{step.made} becomes {again}"


def local_errors_are_safe_to_log(played: Played) -> Iterator[str]:
    for step in played.steps:
        text = str(step.refused)
        if isinstance(step.refused, LocalProtocolError) and not (
            text.isascii() and text.isprintable() and len(text) <= LONGEST_ERROR
        ):
            yield f"the text {text!r}"


def written(played: Played) -> Iterator[list[Done]]:
    """Cut what was sent into messages, without what an HTTP/1.0 peer is not told."""
    groups: list[list[Done]] = [[]]
    for step in played.steps:
        if not step.sent or isinstance(step.made, ConnectionClosed):
            continue
        if isinstance(step.made, InformationalResponse) and not step.wire:
            continue
        groups[-1].append(step)
        if isinstance(step.made, EndOfMessage):
            groups.append([])
    yield from filter(None, groups)


# No limits: they are about what others send.
READER: Final = attrs.evolve(
    STRICT,
    max_method_size=10**6,
    max_fields=None,
    max_informational_responses=None,
    max_chunk_line_size=None,
    max_chunk_extension_excess=None,
)


def reader_of(script: Script, request: Request | None) -> Connection[Role]:
    """Return the peer of who sends: for a response, one that has asked what it answers."""
    if script.role == CLIENT:
        return Connection(SERVER, 10**6, policy=READER)
    client: Connection[Role] = Connection(CLIENT, 10**6, policy=READER)
    method = b"GET" if request is None else request.method
    try:
        send_any(client, request or _plain(method))
    except LocalProtocolError:
        # It was let in by a tolerance, or is not in HTTP/1.1. One with the same method is answered in the same way, and
        # one that proposes an Upgrade may be answered like one that does not.
        client = Connection(CLIENT, 10**6, policy=READER)
        send_any(client, _plain(method))
    return client


def _plain(method: bytes) -> Request:
    host = b"a:1"
    return Request(
        method=method, target=host if method == b"CONNECT" else b"/", headers=[(b"Host", host), (b"Upgrade", b"x")]
    )


def read_back(reader: Connection[Role], steps: Sequence[Done]) -> Iterator[Event]:
    """Yield what a peer makes of what was written, to the end of the message or as far as it goes."""
    for step in steps:
        if step.wire:
            reader.receive_data(step.wire)
        while not isinstance(event := reader.next_event(), type | ConnectionClosed):
            yield event
    if isinstance(steps[-1].made, EndOfMessage) and reader.their_state == "SEND_BODY":
        reader.receive_data(b"")
        while not isinstance(event := reader.next_event(), type | ConnectionClosed):
            yield event


def what_is_written_is_read_back(played: Played) -> Iterator[str]:
    for steps in written(played):
        reader = reader_of(played.script, steps[0].request)
        message = [step.made for step in steps if step.made is not None]
        try:
            events = list(read_back(reader, steps))
        except RemoteProtocolError as error:
            yield f"{[step.wire for step in steps]} is refused: {error}"
            continue
        # A body of known length has ended when all of it has come, before its sender says so.
        if events and not isinstance(message[-1], EndOfMessage) and isinstance(events[-1], EndOfMessage):
            events.pop()
        if summary(events) != summary(message):
            yield f"{message} is read back as {events}"
        if reader.trailing_data[0]:
            yield f"{message} has {reader.trailing_data[0]!r} behind it"


def fields_on_the_wire(wire: bytes) -> list[tuple[bytes, bytes]]:
    lines = wire.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    return [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]


def heads_keep_the_rules_of_length(played: Played) -> Iterator[str]:
    """SD-6, SD-7, SD-8 and SD-11, read off the wire by the simplest means."""
    for steps in written(played):
        for step in steps:
            if not isinstance(step.made, Request | InformationalResponse | Response):
                continue
            names = [name for name, _ in fields_on_the_wire(step.wire)]
            lengths, codings = names.count(b"content-length"), names.count(b"transfer-encoding")
            if lengths + codings > 1:
                yield f"{step.wire!r} has several lengths"
            if isinstance(step.made, Request):
                continue
            code = step.made.status_code
            tunnels = step.request is not None and step.request.method == b"CONNECT" and 200 <= code < 300
            if lengths + codings and (code < 200 or code == 204 or tunnels):
                yield f"{step.wire!r} has a length, and no body"
            if codings and (step.version is None or step.version < b"1.1"):
                yield f"{step.wire!r} to a peer of {step.version!r}"


def a_connection_that_ends_says_so(played: Played) -> Iterator[str]:
    """SD-9: whoever has answered and must close has said so."""
    steps = played.steps if played.script.role == SERVER else []
    for place, step in enumerate(steps):
        if not (step.sent and isinstance(step.made, Response)):
            continue
        # To the end of the message, while nothing is heard of the peer that could close the connection.
        for later in steps[place + 1 :]:
            if later.letter in "<.XN" or not later.sent:
                break
            if isinstance(later.made, EndOfMessage):
                options = [value.lower() for name, value in fields_on_the_wire(step.wire) if name == b"connection"]
                says = b"close" in [option.strip() for option in b",".join(options).split(b",")]
                if later.after[0] == MUST_CLOSE and not says:
                    yield f"{step.wire!r} is followed by {later.after}"
                if later.after[0] == DONE and says:
                    yield f"{step.wire!r} leaves the connection open"
                break


def an_http10_client_is_told_what_holds(played: Played) -> Iterator[str]:
    """SD-9, DR-5: an answer to HTTP/1.0 says that the connection ends, or, where both agreed on it, that it goes on."""
    for step in played.steps if played.script.role == SERVER else []:
        if not (step.sent and isinstance(step.made, Response) and step.version == b"1.0"):
            continue
        options = connection_options(fields_on_the_wire(step.wire))
        if (b"close" in options) == (b"keep-alive" in options):
            yield f"{step.wire!r} says neither or both to a client of HTTP/1.0"
        if b"keep-alive" in options and not may_be_kept(step, played.script.policy):
            yield f"{step.wire!r} goes on after {step.request}"


def connection_options(fields: Iterable[tuple[bytes, bytes]]) -> set[bytes]:
    values = [value.lower() for name, value in fields if name == b"connection"]
    return {option.strip() for option in b",".join(values).split(b",")}


def may_be_kept(step: Done, policy: Policy) -> bool:
    request = step.request
    if request is None or not policy.keep_alive_in_http10:
        return False
    asks = connection_options(request.headers)
    names = {name for name, _ in fields_on_the_wire(step.wire)}
    ends = request.method == b"HEAD" or step.wire[9:12] in (b"204", b"304") or b"content-length" in names
    to_a_proxy = request.method == b"CONNECT" or not request.target.startswith((b"/", b"*"))
    framed = b"transfer-encoding" not in {name for name, _ in request.headers}
    return b"keep-alive" in asks and b"close" not in asks and ends and framed and not to_a_proxy


def nobody_expects_for_nothing(played: Played) -> Iterator[str]:
    """SD-16: no request that is sent expects a 100 and has no content."""
    for step in played.steps:
        if step.sent and step.made is not None and expects_for_nothing(step.made):
            yield f"{step.wire!r} is sent"


def a_refused_tunnel_is_the_end(played: Played) -> Iterator[str]:
    """CN-1: under the strict policy, whoever refuses a CONNECT says that it is the end, whatever has come."""
    for step in played.steps if played.script.policy is STRICT else []:
        asked = step.request is not None and step.request.method == b"CONNECT"
        if asked and step.sent and isinstance(step.made, Response) and step.made.status_code >= 300:
            said = [value.lower() for name, value in fields_on_the_wire(step.wire) if name == b"connection"]
            if b"close" not in said:
                yield f"{step.wire!r} refuses a tunnel and leaves the connection open"


def content_is_refused_for_what_it_is(played: Played) -> Iterator[str]:
    """SD-17: an error names what has no content, and not a length that nobody has said."""
    head: Done | None = None
    for step in played.steps:
        if step.sent and isinstance(step.made, Request | Response):
            head = step
        code = code_of(step.refused)
        if head is not None and code in _TOO_MUCH and code != too_much(head):
            yield f"content after {head.made} is refused as {code}"


_TOO_MUCH: Final = frozenset(
    ["content-in-head-response", "content-in-204", "content-in-304", "content-without-length", "too-much-body"]
)


def too_much(head: Done) -> str:
    """Return the code of the error to send more content after `head` than it has."""
    if isinstance(head.made, Response):
        if head.request is not None and head.request.method == b"HEAD":
            return "content-in-head-response"
        return {204: "content-in-204", 304: "content-in-304"}.get(head.made.status_code, "too-much-body")
    names = {name for name, _ in fields_on_the_wire(head.wire)}
    return "content-without-length" if names.isdisjoint([b"content-length", b"transfer-encoding"]) else "too-much-body"


ORACLES: Final[tuple[Oracle, ...]] = (
    only_local_errors,
    refusals_change_what_they_should,
    nothing_is_sent_in_error,
    passthrough_writes_the_same,
    events_can_be_made_again,
    local_errors_are_safe_to_log,
    what_is_written_is_read_back,
    heads_keep_the_rules_of_length,
    a_connection_that_ends_says_so,
    an_http10_client_is_told_what_holds,
    nobody_expects_for_nothing,
    a_refused_tunnel_is_the_end,
    content_is_refused_for_what_it_is,
)


def features(played: Played) -> Iterator[object]:
    """Yield what an input is worth keeping for, beside what it runs through."""
    for step in played.steps:
        yield played.script.role, type(step.made), step.before, step.after
        yield type(step.made), type(step.refused), code_of(step.refused)
        if isinstance(step.made, Response) and step.request is not None:
            yield step.request.method, step.made.status_code // 100, step.after
