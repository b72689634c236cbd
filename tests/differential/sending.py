"""What is sent is read as what was sent, or nothing is: ``python -O -m tests.differential.sending --number 20000``.

A conversation has a client and a server who send whatever can be made of hostile arguments. Each reads what the other
wrote, by STRICT, and llhttp reads it too; all must get the events that were sent. Failures are raised, not asserted, so
that they are seen under ``python -O`` as well.
"""

from __future__ import annotations

import argparse
import copy
import pickle
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import IntEnum
from random import Random
from typing import Any, Final, TypeVar

import attrs

from http11 import (
    CLIENT,
    DONE,
    ERROR,
    H11,
    SERVER,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    LocalProtocolError,
    RemoteProtocolError,
    Request,
    Response,
    Role,
)
from tests.differential import against_llhttp, deliberate, streams
from tests.differential.against_llhttp import NO_LIMIT, UNLIMITED
from tests.differential.streams import GET, Case, Pick
from tests.harness import send_any


class MisreadError(Exception):
    """What was read is not what was sent."""


# --- hostile arguments ----------------------------------------------------------------------------------------------


class SlyBytes(bytes):
    """Bytes that answer every question in their favour."""

    def lower(self) -> bytes:
        return b"x"

    def strip(self, *_: Any) -> bytes:
        return b"x"

    def __len__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash(b"x")


class SlyText(str):
    """A text that encodes itself as another one."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"x\r\nInjected: 1"


class Status(IntEnum):
    OK = 200
    EARLY_HINTS = 103


_SPLITS = [b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\x00", b" ", b"\t", b":", b"\x0b", b"\x0c", b"\x85", b"\xe2\x80\xa8"]
_INJECTED = b"\r\n\r\nGET /admin HTTP/1.1\r\nHost: a\r\n\r\n"
_METHODS = [b"GET"] * 6 + [b"POST", b"HEAD", b"CONNECT", b"OPTIONS", b"get", b"X-Y", b"PRI", b"", b"G T", b"GET /"]
_TARGETS = [b"/"] * 8 + [
    b"*",
    b"a:1",
    b"http://a/",
    b"http://a",
    b"urn:a",
    b"/ HTTP/1.1",
    b"/#a",
    b"",
    b"/\x80",
    b"//a",
    b"\\",
    b"/?" + bytes(range(0x21, 0x7F)).replace(b"#", b""),
]
_NAMES = [b"X", b"x-y", b"!#$%&'*+-.^_`|~", b"", b"X Y", b"X:", b" X", b"X ", b"\x80", b"Content-Length", b"Host"]
_NAMES += [
    b"Transfer-Encoding",
    b"transfer-encoding",
    b"Connection",
    b"Upgrade",
    b"Expect",
    b"Trailer",
    b"CONTENT-LENGTH",
]
_NAMES += [b"Proxy-Connection", b"Set-Cookie", b"Content_Length", b"Transfer\x00Encoding"]
_VALUES: Final = {
    b"content-length": [
        b"0",
        b"1",
        b"5",
        b"5",
        b"05",
        b"5, 5",
        b"5,6",
        b"+5",
        b"",
        b"9" * 19,
        b"9" * 25,
        b"5 5",
        b"0x5",
    ],
    b"transfer-encoding": [
        b"chunked",
        b"Chunked",
        b"gzip, chunked",
        b"chunked, chunked",
        b"chunked;a",
        b"",
        b"identity",
    ],
    b"connection": [b"close", b"keep-alive", b"Upgrade", b"close, keep-alive", b"x, Close", b"", b",", b"closed"],
    b"host": [b"a", b"a:1", b"", b"a b", b"b", b"a, b", b"a@b", b"[::1]"],
    b"upgrade": [b"x", b"", b"h2c, x"],
    b"expect": [b"100-continue", b"x"],
}
_PLAIN_VALUES = [b"y", b"", b" y", b"y ", b"a\tb", b"\xff\x80", b"a\x7f", b"a\x00", b"a: b", b"a, b"]
_VERSIONS = [b"1.1"] * 30 + [b"1.0", b"2.0", b"1.2", b"1.1\r\n", b"11", b""]
_REASONS = [b"OK", b"", b" ", b"a\tb", b"\x80\xff", b"a\r\nb", b"OK\r\n\r\n", b"\x00", b"\x7f"]


def _spoiled(pick: Pick, value: bytes) -> bytes:
    """Put something that ends a part of a message into a value."""
    at = pick.randint(0, len(value))
    return value[:at] + pick.choice([*_SPLITS, _INJECTED, pick.randbytes(1)]) + value[at:]


def _status(pick: Pick, *usual: int) -> Any:
    strange = [99, 100, 101, 199, 200, 204, 304, 999, 1000, -200, True, "200", b"200", 200.0, None, 2**70, *Status]
    return pick.choice(usual) if pick.random() < 0.9 else pick.choice(strange)


EventT = TypeVar("EventT", bound=Event)

# Ways to make an event of one that exists.
_AGAIN: Final[list[Callable[[Any], Any]]] = [
    *[lambda event: event] * 9,
    lambda event: pickle.loads(pickle.dumps(event)),
    copy.deepcopy,
    attrs.evolve,
]


class _Attempt:
    """What is to be made of arguments; more arguments than an event can be made of."""

    def __init__(self, pick: Pick, counts: Counter[str]) -> None:
        self._pick = pick
        self.counts = counts
        # What an event was made of, and is changed afterwards.
        self._buffers: list[bytearray] = []

    def _argument(self, value: bytes) -> Any:
        """Return a value as something that a caller might pass for it."""
        pick = self._pick
        if pick.random() < 0.06:
            value = _spoiled(pick, value)
        if pick.random() < 0.7:
            return value
        choices: list[Callable[[], Any]] = [
            lambda: value.decode("latin-1"),
            lambda: self._buffer(value),
            lambda: memoryview(self._buffer(value)),
            lambda: memoryview(value * 2)[: len(value)],
            lambda: memoryview(value)[::-1],
            lambda: array("B", value),
            lambda: SlyBytes(value),
            lambda: SlyText(value.decode("latin-1")),
            lambda: pick.choice([None, 5, len(value), [value], object(), value.decode("latin-1") + "\u010a"]),
        ]
        return pick.choice(choices)()

    def _pairs(self, *first: tuple[bytes, bytes]) -> Any:
        pick = self._pick
        pairs: list[tuple[Any, Any]] = [*first]
        for _ in range(pick.choice([0, 0, 1, 1, 2, 4])):
            name = pick.choice(_NAMES) if pick.random() < 0.4 else b"X"
            value = pick.choice(_VALUES.get(name.lower(), _PLAIN_VALUES))
            pairs.append((self._argument(name), self._argument(value)))
        if pick.random() < 0.2:
            pick.shuffle(pairs)
        choices: list[Callable[[], Any]] = [
            lambda: pairs,
            lambda: tuple(pairs),
            lambda: iter(pairs),
            lambda: [list(pair) for pair in pairs],
            lambda: [*pairs, b"XY", "XY"],
            lambda: [*pairs, (b"X",)],
            lambda: [*pairs, (b"X", b"y", b"z")],
            lambda: {"X": "y"},
            lambda: None,
        ]
        return pairs if pick.random() < 0.85 else pick.choice(choices)()

    def _buffer(self, value: bytes) -> bytearray:
        buffer = bytearray(value)
        self._buffers.append(buffer)
        return buffer

    def request(self) -> Request | None:
        pick = self._pick
        method, target = pick.choice(_METHODS), pick.choice(_TARGETS)
        if method == b"CONNECT":
            target = pick.choice([b"a:1", target])
        return self._made(
            lambda: Request(
                method=self._argument(method),
                target=self._argument(target),
                headers=self._pairs((b"Host", b"a")),
                http_version=self._argument(pick.choice(_VERSIONS)),
            )
        )

    def interim(self) -> InformationalResponse | None:
        pick = self._pick
        return self._made(
            lambda: InformationalResponse(
                status_code=_status(pick, 100, 102, 103, 199, 101),
                headers=self._pairs(),
                reason=self._argument(pick.choice(_REASONS)),
                http_version=self._argument(pick.choice(_VERSIONS)),
            )
        )

    def response(self) -> Response | None:
        pick = self._pick
        return self._made(
            lambda: Response(
                status_code=_status(pick, 200, 200, 204, 304, 404, 500),
                headers=self._pairs(),
                reason=self._argument(pick.choice(_REASONS)),
                http_version=self._argument(pick.choice(_VERSIONS)),
            )
        )

    def data(self) -> Data[Any] | None:
        pick = self._pick
        payload = pick.choice([b"", b"a", b"hello", b"hello", b"0\r\n\r\n", _INJECTED, pick.randbytes(7)])
        return self._made(lambda: Data(self._argument(payload), pick.random() < 0.5, pick.random() < 0.5))

    def end(self) -> EndOfMessage | None:
        pick = self._pick
        return self._made(lambda: EndOfMessage(headers=self._pairs()) if pick.random() < 0.3 else EndOfMessage())

    def _made(self, make: Callable[[], EventT]) -> EventT | None:
        """Make an event, perhaps in a roundabout way, or `None` where that is refused."""
        try:
            event = make()
        # A ValueError, of which `UnicodeEncodeError` is one, is what Python has for a pair of one or of three.
        except (LocalProtocolError, TypeError, ValueError) as error:
            self.counts[f"refused to make: {type(error).__name__}"] += 1
            return None
        finally:
            for buffer in self._buffers:
                buffer[:] = b"\n" * len(buffer)
            self._buffers.clear()
        self.counts["made"] += 1
        again: EventT = self._pick.choice(_AGAIN)(event)
        return again


# --- a conversation -------------------------------------------------------------------------------------------------

# What llhttp may not know, and refuse, though it is right.
_UNKNOWN_TO_LLHTTP: Final = frozenset(
    [
        "RQ-3",
        "RQ-7",
        "ST-7",
        "A 1xx does not end the connection",
        "Proxy-Connection means nothing",
        "A request for an Upgrade may have a body",
    ]
)

# What a server may have read before it answers, and with which method a client has to ask, to read that answer.
_OLDER: Final = (
    (b"GET / HTTP/1.0\r\n\r\n", b"GET"),
    (b"HEAD / HTTP/1.0\r\n\r\n", b"HEAD"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", b"GET"),
    (b"", b"GET"),
    (b"GET / HTTP/1.1\r\n\r\n", b"GET"),
)

Fields = list[tuple[bytes, bytes]]


def _lower(fields: Fields) -> Fields:
    return [(name.lower(), value) for name, value in fields]


def _options(fields: Fields) -> set[bytes]:
    values = b",".join(value for name, value in fields if name.lower() == b"connection").lower()
    return {option.strip(b" \t") for option in values.split(b",")} - {b""}


def _only(fields: Fields, name: bytes) -> Fields:
    return [field for field in fields if field[0].lower() == name]


def _without(fields: Fields, *names: bytes) -> Fields:
    return [(name, value) for name, value in fields if name.lower() not in names]


def _host_first(fields: Fields) -> Fields:
    return [*[field for field in fields if field[0].lower() == b"host"], *_without(fields, b"host")]


class Conversation:
    """A client and a server; what each sends, the other reads at once."""

    def __init__(self, number: int, counts: Counter[str]) -> None:
        self._pick = Random(number)
        self._attempt = _Attempt(self._pick, counts)
        self._counts = counts
        self._client: Connection[Role] = Connection(CLIENT, NO_LIMIT, policy=UNLIMITED)
        self._server: Connection[Role] = Connection(SERVER, NO_LIMIT, policy=UNLIMITED)
        self._method = b"GET"
        self._older = False
        # What has been written and what was read, of the message that is being sent.
        self._wire: list[bytes] = []
        self._sent: list[Event] = []
        self._read: list[Event] = []

    def run(self) -> None:
        """Talk until one side may not go on."""
        if self._pick.random() < 0.3:
            self._begin_with_older()
            self._answer()
            return
        for _ in range(self._pick.randint(1, 3)):
            if not (self._ask() and self._answer()):
                return
            if self._client.our_state != DONE or self._server.our_state != DONE:
                return
            self._client.start_next_cycle()
            self._server.start_next_cycle()

    def forward(self, given: Case) -> None:
        """Send on what a tolerant connection has read, as far as it may be."""
        upstream: Connection[Role] = Connection(given.role, policy=H11)
        if given.role == CLIENT:
            for connection in (upstream, self._client):
                send_any(connection, Request(method=b"GET", target=b"/", headers=[("Host", "a")]))
                send_any(connection, EndOfMessage())
            self._server.receive_data(GET)
            _drained(self._server)
        upstream.receive_data(given.data)
        events = _drained(upstream)
        sender, reader = (self._client, self._server) if given.role == SERVER else (self._server, self._client)
        for event in events:
            if isinstance(event, ConnectionClosed) or not self._say(sender, reader, event):
                break
        self._settle(sender, reader)

    def _begin_with_older(self) -> None:
        received, self._method = self._pick.choice(_OLDER)
        self._server.receive_data(received)
        _drained(self._server)
        self._older = self._server.their_http_version != b"1.1"
        send_any(self._client, Request(method=self._method, target=b"/", headers=[("Host", "a")]))
        self._client.send(EndOfMessage())

    def _ask(self) -> bool:
        request = self._some(self._attempt.request)
        if request is None or not self._say(self._client, self._server, request):
            self._settle(self._client, self._server)
            return False
        self._method = request.method
        return self._body(self._client, self._server)

    def _answer(self) -> bool:
        for _ in range(self._pick.choice([0, 0, 0, 1, 2])):
            interim = self._attempt.interim()
            if interim is not None and not self._say(self._server, self._client, interim):
                self._settle(self._server, self._client)
                return False
        response = self._some(self._attempt.response)
        if response is None or not self._say(self._server, self._client, response):
            self._settle(self._server, self._client)
            return False
        return self._body(self._server, self._client)

    def _body(self, sender: Connection[Role], reader: Connection[Role]) -> bool:
        for _ in range(self._pick.choice([0, 0, 1, 1, 2, 3])):
            data = self._attempt.data()
            if data is not None and not self._say(sender, reader, data):
                self._settle(sender, reader)
                return False
        end = self._some(self._attempt.end)
        said = end is not None and self._say(sender, reader, end)
        return self._settle(sender, reader) and said

    def _some(self, attempt: Callable[[], Any]) -> Any:
        return next((event for event in (attempt() for _ in range(9)) if event is not None), None)

    def _say(self, sender: Connection[Role], reader: Connection[Role], event: Event) -> bool:
        """Send one event and read it; false where it was refused, and nothing more may be sent."""
        try:
            written = self._written(sender, event)
        except LocalProtocolError:
            self._counts["refused to send"] += 1
            if sender.our_state != ERROR:
                raise MisreadError("an event was refused, and another may be sent") from None
            return False
        except TypeError:
            # A `Data` of what is not bytes; nothing has changed, and nothing was written.
            self._counts["refused to send: TypeError"] += 1
            return True
        self._counts["sent"] += 1
        self._sent.append(event)
        if written:
            self._wire.append(written)
            reader.receive_data(written)
            self._read += self._read_by(reader)
        return True

    def _read_by(self, reader: Connection[Role]) -> list[Event]:
        """Return what a reader makes of what was written, which it must not refuse."""
        try:
            return list(_events(reader))
        except RemoteProtocolError as error:
            raise MisreadError(f"refused: {error}: {self._wire!r}") from error

    def _written(self, sender: Connection[Role], event: Event) -> bytes:
        passes: Any = sender.send_with_data_passthrough
        if self._pick.random() < 0.2 and not (isinstance(event, Data) and type(event.data) is not bytes):
            return b"".join(passes(event) or [])
        return send_any(sender, event) or b""

    def _settle(self, sender: Connection[Role], reader: Connection[Role]) -> bool:
        """See that the message that was sent is the one that was read."""
        until_close = sender is self._server and reader.their_state == "SEND_BODY" and sender.our_state != "SEND_BODY"
        if until_close and sender.our_state != ERROR:
            reader.receive_data(b"")
            self._read += [event for event in self._read_by(reader) if not isinstance(event, ConnectionClosed)]
        expected = list(self._expected(sender))
        read = [event for event in self._read if not isinstance(event, ConnectionClosed)]
        # Where the length says that all has come, the reader need not be told of the end.
        if len(read) == len(expected) + 1 and read[-1] == EndOfMessage() and sender.our_state == ERROR:
            read.pop()
        if reader.trailing_data[0]:
            raise MisreadError(f"left over: {reader.trailing_data[0]!r} of {self._wire!r}")
        if [_spelled(event) for event in read] != [_spelled(event) for event in expected]:
            raise MisreadError(f"sent {expected!r}, read {read!r} of {self._wire!r}")
        self._counts["examined"] += len(expected)
        if self._wire:
            self._show_to_llhttp(sender)
        self._wire, self._sent, self._read = [], [], []
        return sender.our_state != ERROR

    def _expected(self, sender: Connection[Role]) -> Iterator[Event]:
        """Return what has to be read, for what was sent: with the normalisations SD-4 to SD-11, and Host first."""
        final = next((event for event in self._read if isinstance(event, Response)), None)
        for event in self._sent:
            match event:
                case Request():
                    yield attrs.evolve(event, headers=_host_first(event.headers.raw_items()))
                case InformationalResponse() if self._older:
                    # Nothing is written: RFC 9110 15.2.
                    pass
                case InformationalResponse():
                    fields = _without(event.headers.raw_items(), b"content-length", b"transfer-encoding")
                    yield attrs.evolve(event, headers=_host_first(fields))
                case Response():
                    yield attrs.evolve(event, headers=_host_first(self._fields_of(event, final, sender)))
                case Data() if event.data == b"":
                    pass
                case _:
                    yield event

    def _fields_of(self, response: Response, read: Response | None, sender: Connection[Role]) -> Fields:
        fields = response.headers.raw_items()
        names = {name for name, _ in response.headers}
        bare = response.status_code == 204 or (self._method == b"CONNECT" and response.status_code < 300)
        if bare or (self._older and b"transfer-encoding" in names):
            fields = _without(fields, b"content-length", b"transfer-encoding")
        elif b"transfer-encoding" in names:
            fields = _without(fields, b"content-length")
        elif not self._older and b"content-length" not in names and response.status_code != 304:
            fields.append((b"Transfer-Encoding", b"chunked"))
        got = [] if read is None else read.headers.raw_items()
        anew = [*_without(fields, b"connection"), *_only(got, b"connection")]
        # The one thing that may be said beside: that it is the end; and then it is. All of it is written anew then,
        # also where it may have been said already.
        ends = _options(got) == _options(fields) - {b"keep-alive"} | {b"close"} and sender.our_state != DONE
        if not ends and _only(got, b"connection") != _only(fields, b"connection"):
            raise MisreadError(f"sent {fields!r}, read {got!r}")
        return anew if ends and got == _host_first(anew) else fields

    def _show_to_llhttp(self, sender: Connection[Role]) -> None:
        role = SERVER if sender is self._client else CLIENT
        if role == CLIENT and self._method in (b"HEAD", b"CONNECT"):
            # It cannot be told what was asked.
            return
        switches = any(isinstance(event, InformationalResponse) and event.status_code == 101 for event in self._sent)
        upgrade = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
        given = Case(role=role, pieces=tuple(self._wire), limit=NO_LIMIT, request=upgrade if switches else GET)
        reading, difference = against_llhttp.compare(given)
        heads = sum(isinstance(event, Request | InformationalResponse | Response) for event in self._read)
        if len(reading.messages) != heads:
            raise MisreadError(f"{heads} messages became {len(reading.messages)}: {self._wire!r}")
        if difference is not None:
            entry = deliberate.explanation(difference)
            if entry is None or entry.row not in _UNKNOWN_TO_LLHTTP:
                raise MisreadError(str(difference))
            self._counts["unknown to llhttp"] += 1
        self._counts["read by llhttp"] += difference is None


def _spelled(event: Event) -> object:
    """Return all that has to be the same; where the pieces of a body are cut, and how chunks say so, is not."""
    match event:
        case Data():
            return event.data
        case Request() | InformationalResponse() | Response():
            return event, event.headers.raw_items()
        case EndOfMessage():
            return event, event.headers.raw_items()
        case _:
            return event


def _events(connection: Connection[Role]) -> Iterator[Event]:
    """Yield all events that have come."""
    while not isinstance(event := connection.next_event(), type):
        yield event
        if isinstance(event, ConnectionClosed):
            break


def _drained(connection: Connection[Role]) -> list[Event]:
    """Return all events that have come before something was refused."""
    events: list[Event] = []
    with suppress(RemoteProtocolError):
        for event in _events(connection):
            events.append(event)  # noqa: PERF402 - what came before an error counts
    return events


def search(numbers: range) -> Counter[str]:
    """Hold the conversations of these numbers, and count what was said."""
    counts: Counter[str] = Counter()
    for number in numbers:
        try:
            if number % 4:
                Conversation(number, counts).run()
            else:
                role = CLIENT if number % 8 else SERVER
                Conversation(number, counts).forward(streams.case(number, role))
        except Exception as error:
            raise MisreadError(f"in conversation {number}: {error}") from error
    return counts


def main() -> None:
    """Search, and print the counts."""
    parser = argparse.ArgumentParser(prog="tests.differential.sending", description=__doc__)
    parser.add_argument("--number", type=int, default=20_000, help="how many conversations (20000)")
    parser.add_argument("--seed", type=int, default=0, help="which ones (0)")
    parser.add_argument("--no-validators", action="store_true", help="switch off the validators of attrs")
    options = parser.parse_args()
    number: int = options.number
    seed: int = options.seed
    if options.no_validators:
        attrs.validators.set_disabled(True)
    counts = search(range(seed * number, (seed + 1) * number))
    print(f"optimized: {not __debug__}")
    print(f"validators disabled: {attrs.validators.get_disabled()}")
    for what, times in sorted(counts.items()):
        print(f"{what}: {times}")


if __name__ == "__main__":
    main()
