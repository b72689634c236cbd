"""What must hold of any script of what one side makes, sends and receives, with whatever arguments.

Each of `PROPERTIES` is a function of what came of a script, and raises an `AssertionError` where it does not hold. They
are asked of generated scripts here, and of what a fuzzer comes upon in `tests.fuzz.sending`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Literal, TypeAlias, get_args

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
from tests import strategies
from tests.harness import raw_fields, rebuilt, send_any
from tests.messages import LONGEST_ERROR, drained, expects_for_nothing, summary

Given: TypeAlias = Literal["bytes", "str", "bytearray", "int"]
GIVEN: Final[tuple[Given, ...]] = get_args(Given)
POLICIES: Final = (STRICT, H11, *(attrs.evolve(preset, keep_alive_in_http10=True) for preset in (STRICT, H11)))

Step: TypeAlias = tuple[str, list[bytes]]
"""One letter, and its parts:

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


@attrs.frozen(kw_only=True)
class Script:
    """What one side does.

    Attributes:
        role: Who sends.
        policy: By what it reads.
        given: As what a constructor is given its bytes.
        steps: In order.

    """

    role: Role
    policy: Policy = STRICT
    given: Given = "bytes"
    steps: list[Step]


# --- what comes of it -----------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True, eq=False)
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

    @property
    def code(self) -> str | None:
        return self.refused.code if isinstance(self.refused, LocalProtocolError) else None

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """The fields of the head on the wire, read by the simplest means."""
        lines = self.wire.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
        return [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]

    @property
    def names(self) -> list[bytes]:
        return [name for name, _ in self.fields]

    @property
    def options(self) -> set[bytes]:
        return connection_options(self.fields)


def connection_options(fields: Iterable[tuple[bytes, bytes]]) -> set[bytes]:
    values = [value.lower() for name, value in fields if name == b"connection"]
    return {option.strip() for option in b",".join(values).split(b",")}


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

    @property
    def _states(self) -> tuple[State, State]:
        return self.connection.our_state, self.connection.their_state

    def play(self, letter: str, parts: list[bytes]) -> Done:
        before, request, version = self._states, self._request, self.connection.their_http_version
        made: Event | None = None
        wire: bytes | None = None
        refused: Exception | None = None
        sent = False
        try:
            if letter == "<":
                self._receive(b"\xfe".join(parts))
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
        # Which ones may be, `only_local_errors` knows.
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
            for event in drained(self.connection):
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
                return Data(b"\xfe".join(parts))
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

    @property
    def answers(self) -> list[Done]:
        """The final responses that a server has sent."""
        steps = self.steps if self.script.role == SERVER else []
        return [step for step in steps if step.sent and isinstance(step.made, Response)]


def played(script: Script) -> Played:
    sending, passing = Player(script, passthrough=False), Player(script, passthrough=True)
    return Played(
        script=script,
        steps=[sending.play(*step) for step in script.steps],
        passed_through=[passing.play(*step) for step in script.steps],
    )


# --- the properties -------------------------------------------------------------------------------------------------


def only_local_errors(played: Played) -> None:
    for step in played.steps:
        making = step.made is None and step.letter in "QISDE"
        # UnicodeEncodeError is a ValueError, and so is what `int` makes of a status.
        allowed = (LocalProtocolError, TypeError, ValueError) if making else (LocalProtocolError,)
        if step.refused is not None:
            assert step.letter not in "<.X", step.refused
            assert isinstance(step.refused, allowed), step.refused


def refusals_change_what_they_should(played: Played) -> None:
    """A refusal by `send` is for good; one by a constructor, or of a new cycle, changes nothing."""
    for step in played.steps:
        if step.refused is not None:
            assert step.after[0] == ERROR if step.made is not None else step.after == step.before, step


def nothing_is_sent_in_error(played: Played) -> None:
    for step in played.steps:
        if step.before[0] == ERROR:
            assert not step.sent, step
            assert step.after[0] == ERROR, step
            assert step.made is None or step.code == "already-failed", step


def passthrough_writes_the_same(played: Played) -> None:
    for step, other in zip(played.steps, played.passed_through, strict=True):
        assert (step.wire, step.after, repr(step.refused)) == (other.wire, other.after, repr(other.refused))


def events_can_be_made_again(played: Played) -> None:
    for step in played.steps:
        if step.made is not None and step.letter != ">":
            again = rebuilt(step.made)
            assert again == step.made
            assert hash(again) == hash(step.made)
            assert raw_fields(again) == raw_fields(step.made)


def local_errors_are_safe_to_log(played: Played) -> None:
    for step in played.steps:
        if isinstance(step.refused, LocalProtocolError):
            text = str(step.refused)
            assert text.isascii(), text
            assert text.isprintable(), text
            assert len(text) <= LONGEST_ERROR, text


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
    method = b"GET" if request is None else request.method
    host = b"a:1"
    target = host if method == b"CONNECT" else b"/"
    # What was asked may have been let in by a tolerance, or not be in HTTP/1.1. A request with the same method is
    # answered in the same way, and one that proposes an Upgrade may be answered like one that does not.
    plain = Request(method=method, target=target, headers=[(b"Host", host), (b"Upgrade", b"x")])
    for asked in (request or plain, plain):
        client: Connection[Role] = Connection(CLIENT, 10**6, policy=READER)
        try:
            send_any(client, asked)
        except LocalProtocolError:
            continue
        return client
    raise AssertionError(plain)


def read_back(reader: Connection[Role], steps: Sequence[Done]) -> Iterator[Event]:
    """Yield what a peer makes of what was written, to the end of the message or as far as it goes."""
    for step in steps:
        if step.wire:
            reader.receive_data(step.wire)
        yield from drained(reader)
    if isinstance(steps[-1].made, EndOfMessage) and reader.their_state == "SEND_BODY":
        reader.receive_data(b"")
        yield from drained(reader)


def what_is_written_is_read_back(played: Played) -> None:
    for steps in written(played):
        reader = reader_of(played.script, steps[0].request)
        message = [step.made for step in steps if step.made is not None]
        events = list(read_back(reader, steps))
        # A body of known length has ended when all of it has come, before its sender says so.
        if events and not isinstance(message[-1], EndOfMessage) and isinstance(events[-1], EndOfMessage):
            events.pop()
        assert summary(events) == summary(message), (message, events)
        assert reader.trailing_data[0] == b"", message


def heads_keep_the_rules_of_length(played: Played) -> None:
    """SD-6, SD-7, SD-8 and SD-11."""
    for step in (step for steps in written(played) for step in steps):
        if not isinstance(step.made, Request | InformationalResponse | Response):
            continue
        lengths, codings = step.names.count(b"content-length"), step.names.count(b"transfer-encoding")
        assert lengths + codings <= 1, step.wire
        if not isinstance(step.made, Request):
            code = step.made.status_code
            tunnels = step.request is not None and step.request.method == b"CONNECT" and 200 <= code < 300
            if code < 200 or code == 204 or tunnels:
                assert lengths + codings == 0, step.wire
            assert not codings or (step.version or b"") >= b"1.1", (step.wire, step.version)


def a_connection_that_ends_says_so(played: Played) -> None:
    """SD-9: whoever has answered and must close has said so."""
    for answer in played.answers:
        # To the end of the message, while nothing is heard of the peer that could close the connection.
        for later in played.steps[played.steps.index(answer) + 1 :]:
            if later.letter in "<.XN" or not later.sent:
                break
            if isinstance(later.made, EndOfMessage):
                assert later.after[0] != (DONE if b"close" in answer.options else MUST_CLOSE), (answer.wire, later)
                break


def an_http10_client_is_told_what_holds(played: Played) -> None:
    """SD-9, DR-5: an answer to HTTP/1.0 says that the connection ends, or, where both agreed on it, that it goes on."""
    for answer in played.answers:
        if answer.version == b"1.0":
            assert (b"close" in answer.options) != (b"keep-alive" in answer.options), answer.wire
            assert b"close" in answer.options or may_be_kept(answer, played.script.policy), answer


def may_be_kept(answer: Done, policy: Policy) -> bool:
    request = answer.request
    if request is None or not policy.keep_alive_in_http10:
        return False
    asks = connection_options(request.headers)
    ends = request.method == b"HEAD" or answer.wire[9:12] in (b"204", b"304") or b"content-length" in answer.names
    to_a_proxy = request.method == b"CONNECT" or not request.target.startswith((b"/", b"*"))
    framed = b"transfer-encoding" not in {name for name, _ in request.headers}
    return b"keep-alive" in asks and b"close" not in asks and ends and framed and not to_a_proxy


def nobody_expects_for_nothing(played: Played) -> None:
    """SD-16: no request that is sent expects a 100 and has no content."""
    for step in played.steps:
        assert not (step.sent and step.made is not None and expects_for_nothing(step.made)), step.wire


def a_refused_tunnel_is_the_end(played: Played) -> None:
    """CN-1: under the strict policy, whoever refuses a CONNECT says that it is the end, whatever has come."""
    for answer in played.answers if played.script.policy is STRICT else []:
        if answer.request is not None and answer.request.method == b"CONNECT" and answer.wire[9:12] >= b"300":
            assert b"close" in answer.options, answer.wire


TOO_MUCH: Final = frozenset(
    ["content-in-head-response", "content-in-204", "content-in-304", "content-without-length", "too-much-body"]
)


def content_is_refused_for_what_it_is(played: Played) -> None:
    """SD-17: an error names what has no content, and not a length that nobody has said."""
    head: Done | None = None
    for step in played.steps:
        if step.sent and isinstance(step.made, Request | Response):
            head = step
        if head is not None and step.code in TOO_MUCH:
            assert step.code == too_much(head), step


def too_much(head: Done) -> str:
    """Return the code of the error to send more content after `head` than it has."""
    if isinstance(head.made, Response):
        if head.request is not None and head.request.method == b"HEAD":
            return "content-in-head-response"
        return {204: "content-in-204", 304: "content-in-304"}.get(head.made.status_code, "too-much-body")
    framed = not {b"content-length", b"transfer-encoding"}.isdisjoint(head.names)
    return "too-much-body" if framed else "content-without-length"


Property: TypeAlias = Callable[[Played], None]
PROPERTIES: Final[tuple[Property, ...]] = (
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

# --- generating -----------------------------------------------------------------------------------------------------

FIELDS: Final = st.sampled_from(
    [
        *[(b"Content-Length", value) for value in (b"0", b"5", b"5", b"5, 5", b"+5")],
        *[(b"Transfer-Encoding", value) for value in (b"chunked", b"chunked", b"gzip, chunked")],
        *[(b"Connection", value) for value in (b"close", b"keep-alive", b"upgrade")],
        *[
            (b"Upgrade", b"x"),
            (b"Expect", b"100-continue"),
            (b"a", b"b"),
            (b"a", b"\xe9"),
            (b"a b", b"c"),
            (b"a", b"\0"),
        ],
    ]
)
HOST: Final = (b"Host", b"a:1")
VERSIONS: Final = st.sampled_from([b""] * 9 + [b"1.0", b"2.0"])
STARTS: Final[dict[str, list[list[bytes]]]] = {
    "Q": [[b"GET", b"/"], [b"POST", b"/"], [b"HEAD", b"/"], [b"CONNECT", b"a:1"], [b"OPTIONS", b"*"], [b"G T", b"/"]],
    "S": [[code, b"OK"] for code in (b"200", b"200", b"204", b"304", b"407", b"100", b"x")],
    "I": [[code, b""] for code in (b"100", b"103", b"101", b"200")],
}
# What is likely to be right comes more often.
LETTERS: Final = {CLIENT: "QQQDDEEC><.NX", SERVER: "SSSIDDEEC><.NX"}
HEARD: Final = [
    method + b" HTTP/1." + digit + b"\r\nHost: a:1\r\n" + fields + b"\r\n"
    for method in (b"GET /", b"HEAD /", b"CONNECT a:1")
    for digit in (b"1", b"0")
    for fields in (b"", b"Connection: keep-alive\r\n", b"Upgrade: x\r\n")
]


@st.composite
def steps(draw: st.DrawFn, role: Role) -> Step:
    letter = draw(st.sampled_from(LETTERS[role]))
    match letter:
        case "Q" | "S" | "I":
            fields = draw(st.lists(FIELDS, max_size=2))
            if letter == "Q" and draw(st.integers(0, 9)):
                fields.insert(draw(st.integers(0, len(fields))), HOST)
            start = draw(st.sampled_from(STARTS[letter]))
            return letter, [*start, draw(VERSIONS), *(part for field in fields for part in field)]
        case "E":
            return letter, [part for field in draw(st.just([]) | st.lists(FIELDS, max_size=1)) for part in field]
        case "D":
            return letter, [draw(st.sampled_from([b"hello", b"hel", b"lo", b""]))]
        case "<":
            return letter, [draw(strategies.messages(role))]
        case _:
            return letter, [b""]


@pytest.mark.parametrize("role", [CLIENT, SERVER])
@given(st.data())
def test_what_holds_of_any_script(role: Role, data: st.DataObject) -> None:
    heard: list[Step] = [("<", [data.draw(st.sampled_from(HEARD))])] if role == SERVER else []
    script = Script(
        role=role,
        policy=data.draw(st.sampled_from(POLICIES)),
        given=data.draw(st.just(GIVEN[0]) | st.sampled_from(GIVEN)),
        steps=heard + data.draw(st.lists(steps(role), max_size=8)),
    )
    outcome = played(script)
    for holds in PROPERTIES:
        holds(outcome)
