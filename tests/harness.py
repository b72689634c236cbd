"""What several test modules share: reading a stream to its outcome, in pieces of any size, and the vectors.

An outcome is a list of tuples of plain values, one an event, which ends in the error if there was one; see
`tests/vectors/README.md`. Adjacent `Data` events are one, since where they are cut depends on how the bytes arrive.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate, repeat
from pathlib import Path
from random import Random
from typing import Any, TypeAlias, assert_never

import attrs
import pytest

from http11 import (
    CLIENT,
    DONE,
    H11,
    IDLE,
    MIGHT_SWITCH_PROTOCOL,
    MUST_CLOSE,
    PAUSED,
    SEND_RESPONSE,
    SERVER,
    STRICT,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    Headers,
    InformationalResponse,
    Policy,
    RemoteProtocolError,
    Request,
    Response,
    Role,
)

ROOT = Path(__file__).parent.parent
VECTORS = ROOT / "tests" / "vectors"

Outcome: TypeAlias = list[tuple[str | int, ...]]


@attrs.frozen(kw_only=True)
class Vector:
    """Bytes that arrive, and what they must be read as."""

    id: str
    name: str
    role: Role
    data: bytes
    closed: bool
    request: bytes
    then: bytes
    limit: int
    changes: tuple[tuple[str, int], ...]
    strict: Outcome
    h11: Outcome
    # Where that depends on how the bytes arrive: when no piece ends inside of what is over the limit.
    h11_whole: Outcome
    door: Outcome
    why: str
    section: str

    def outcome(self, policy: Policy, pieces: Sequence[bytes] = ()) -> Outcome:
        """Return what must come of it; by default, where it arrives in one piece."""
        if policy is STRICT:
            return self.strict
        ends = set(accumulate(map(len, pieces))) - {len(self.data)}
        return self.h11_whole if max(ends, default=0) <= self.limit else self.h11

    def policy(self, policy: Policy) -> Policy:
        """Return the policy to read it by: the given one, with the vector's own limits where that is STRICT."""
        return evolved(policy, **dict(self.changes)) if policy is STRICT and self.changes else policy

    @property
    def opened(self) -> Policy:
        """The policy of the vector with the door of its row open: of one that neither preset opens."""
        return evolved(self.policy(STRICT), **dict.fromkeys(doors()[self.id], True))

    def __str__(self) -> str:
        return f"{self.id}-{self.name}".replace(" ", "-")


@cache
def evolved(policy: Policy, **changes: int | None) -> Policy:
    """Return `policy` with some fields changed: one for all, since to make it is slower than to read by it."""
    fields: dict[str, Any] = changes
    return attrs.evolve(policy, **fields)


@cache
def doors() -> Mapping[str, tuple[str, ...]]:
    """Return the fields of `Policy` that neither preset opens, by the row that each decides."""
    rows: list[dict[str, Any]] = tomllib.loads((VECTORS / "rows.toml").read_text("utf-8"))["row"]
    return {row["id"]: tuple(row["policy"]) for row in rows if row["id"].startswith("DR-") and "policy" in row}


def text(value: bytes) -> str:
    """Spell bytes as a vector does: one character a byte."""
    return value.decode("latin-1")


def lines(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, ...]:
    return tuple(f"{text(name)}: {text(value)}" for name, value in headers)


def plain(event: Event) -> tuple[str | int, ...]:
    """Spell an event as a vector does."""
    match event:
        case Request(method=method, target=target, http_version=version, headers=headers):
            return ("Request", text(method), text(target), text(version), *lines(headers))
        case InformationalResponse(status_code=code, reason=reason, http_version=version, headers=headers):
            return ("InformationalResponse", code, text(reason), text(version), *lines(headers))
        case Response(status_code=code, reason=reason, http_version=version, headers=headers):
            return ("Response", code, text(reason), text(version), *lines(headers))
        case Data(data=data):
            return ("Data", text(data))
        case EndOfMessage(headers=headers):
            return ("EndOfMessage", *lines(headers))
        case ConnectionClosed():
            return ("ConnectionClosed",)
        case _:
            assert_never(event)


def rebuilt(event: Event) -> Event:
    """Make the event again, of plain values, by its public constructor."""
    match event:
        case Request():
            return Request(
                method=event.method,
                target=event.target,
                headers=event.headers.raw_items(),
                http_version=event.http_version,
            )
        case InformationalResponse() | Response():
            return type(event)(
                status_code=event.status_code,
                headers=event.headers.raw_items(),
                http_version=event.http_version,
                reason=event.reason,
            )
        case Data():
            return Data(event.data, event.chunk_start, event.chunk_end)
        case EndOfMessage():
            return EndOfMessage(headers=event.headers.raw_items())
        case _:
            return type(event)()


def raw_fields(event: Event) -> list[tuple[bytes, bytes]]:
    """Return the fields as they were spelled."""
    match event:
        case Request() | InformationalResponse() | Response() | EndOfMessage():
            return event.headers.raw_items()
        case _:
            return []


def host_first(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The order of fields on the wire."""
    return sorted(headers.raw_items(), key=lambda pair: pair[0].lower() != b"host")


def send_any(connection: Connection[Role], event: Event) -> bytes | None:
    """Send what the types of `send` do not promise to be right for the connection's role."""
    return connection.send(event)  # type: ignore[arg-type]


@cache
def _asked(request: bytes) -> tuple[Event, ...]:
    """Return the events of a request."""
    server = Connection(SERVER)
    server.receive_data(request)
    events: list[Event] = []
    while not isinstance(event := server.next_event(), type):
        events.append(event)
    return tuple(events)


class Reader:
    """One side of a connection, which answers as far as it must to go on reading."""

    def __init__(
        self,
        role: Role,
        *,
        policy: Policy = STRICT,
        request: bytes = b"",
        then: bytes = b"",
        limit: int = 16384,
    ) -> None:
        self.connection: Connection[Role] = Connection(role, limit, policy=policy)
        self._outcome: Outcome = []
        self.errors: list[RemoteProtocolError] = []
        self._paused = False
        self._request = request or b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        # What a client receives after it has asked again, where it can.
        self._then = then
        if role == CLIENT:
            self._ask()

    @property
    def outcome(self) -> Outcome:
        """What has come so far."""
        if self._paused:
            return [*self._outcome, ("paused", text(self.connection.trailing_data[0]))]
        return self._outcome

    def _ask(self) -> None:
        """Send the request to which a client's stream is the answer."""
        for event in _asked(self._request):
            self._send(event)

    def _send(self, event: Event) -> None:
        send_any(self.connection, event)

    def feed(self, piece: bytes) -> None:
        """Receive `piece`, and read as far as that goes."""
        if self.errors:
            return
        self.connection.receive_data(piece)
        while (event := self._next()) is not None:
            if isinstance(event, ConnectionClosed):
                self._outcome.append(plain(event))
                return
            self._add(event)
        connection = self.connection
        if self._then and connection.our_role == CLIENT and connection.our_state == connection.their_state == DONE:
            connection.start_next_cycle()
            self._ask()
            then, self._then = self._then, b""
            self.feed(then)

    def _add(self, event: Event) -> None:
        spelled = plain(event)
        if isinstance(event, Data) and self._outcome and self._outcome[-1][0] == "Data":
            self._outcome[-1] = ("Data", f"{self._outcome[-1][1]}{spelled[1]}")
        else:
            self._outcome.append(spelled)

    def _next(self) -> Event | None:
        try:
            event = self.connection.next_event()
            while event is PAUSED and self._turn():
                event = self.connection.next_event()
        except RemoteProtocolError as error:
            self.errors.append(error)
            self._outcome.append(("error", error.code, error.error_status_hint))
            return None
        self._paused = event is PAUSED
        return None if isinstance(event, type) else event

    def _turn(self) -> bool:
        """Answer the request and go on to the next one; false where there is nothing to go on to."""
        connection = self.connection
        if connection.our_role == CLIENT:
            return False
        if connection.our_state in (IDLE, SEND_RESPONSE):
            if connection.their_state == MIGHT_SWITCH_PROTOCOL:
                return False
            self._send(Response(status_code=200, headers=[("Content-Length", "0")]))
            self._send(EndOfMessage())
        if connection.our_state == DONE and connection.their_state == DONE:
            connection.start_next_cycle()
            return True
        # Where the peer should have closed, what it sent instead is an error, and has to be read to be one.
        return connection.their_state == MUST_CLOSE


def read(
    pieces: Iterable[bytes],
    role: Role,
    *,
    policy: Policy = STRICT,
    request: bytes = b"",
    then: bytes = b"",
    limit: int = 16384,
) -> Outcome:
    """Return the outcome of receiving `pieces`, one after the other; an empty one is the end of the connection."""
    reader = Reader(role, policy=policy, request=request, then=then, limit=limit)
    for piece in pieces:
        reader.feed(piece)
    return reader.outcome


def splits(data: bytes, *, closed: bool) -> Iterator[list[bytes]]:
    """Cut `data` in all the ways in which a vector has to be read: whole, in single bytes, and once at every place."""
    end = [b""] if closed else []
    yield [data, *end]
    yield [*(data[i : i + 1] for i in range(len(data))), *end]
    for place in range(1, len(data)):
        yield [data[:place], data[place:], *end]


def few_splits(data: bytes, *, closed: bool, seed: str) -> Iterator[list[bytes]]:
    """Cut `data` in three of the ways of `splits`: whole, in single bytes, and once at the place that `seed` gives."""
    end = [b""] if closed else []
    yield [data, *end]
    yield [*(data[i : i + 1] for i in range(len(data))), *end]
    if len(data) > 1:
        place = Random(seed).randrange(1, len(data))
        yield [data[:place], data[place:], *end]


def python(*arguments: str) -> str:
    """Run Python as the tests are run, and return what it has written."""
    if sys.platform == "emscripten":
        pytest.skip("no processes here")
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return done.stdout.decode()


# --- vectors --------------------------------------------------------------------------------------------------------

Raw: TypeAlias = "str | int | list[Raw] | dict[str, Raw]"
"""A value of a vector, as TOML has it."""

Spelled: TypeAlias = tuple[str | int | tuple[str, str], ...]
"""An event as a vector spells it; a field is one string, or a pair where its name is no name."""


def _text(value: Raw) -> str:
    """Return a string that may be spelled as a list of parts and repetitions."""
    match value:
        case str():
            return value
        case {"repeat": part, "times": int() as times}:
            return _text(part) * times
        case list():
            return "".join(map(_text, value))
        case _:
            raise TypeError(f"expected a string, a list or a repetition, got {value!r}")


def _bytes(value: Raw) -> bytes:
    return _text(value).encode("latin-1")


def _repeated(values: Raw) -> Iterator[Raw]:
    """Return the members of a list in which some may be repeated."""
    if not isinstance(values, list):
        raise TypeError(f"expected a list, got {values!r}")
    for value in values:
        match value:
            case {"repeat": member, "times": int() as times}:
                yield from repeat(member, times)
            case _:
                yield value


def _outcome(value: Raw) -> Outcome:
    return [
        tuple(part if isinstance(part, int) else _text(part) for part in _repeated(event)) for event in _repeated(value)
    ]


@cache
def tables(name: str, key: str) -> tuple[Mapping[str, Raw], ...]:
    """Return the tables called `key` of one of the files of vectors."""
    return tuple(tomllib.loads((VECTORS / name).read_text("utf-8"))[key])


def reasons() -> dict[str, str]:
    """Return why each row is as it is, unless one of its vectors says something else."""
    return {_text(row["id"]): _text(row.get("why", "")) for row in tables("rows.toml", "row")}


@cache
def _vectors(folder: str) -> tuple[tuple[str, Mapping[str, Raw]], ...]:
    """Return the vectors of all files of `folder`, each with its section."""
    shared = reasons()
    return tuple(
        (path.stem, {"why": shared.get(_text(table["id"]), ""), **table})
        for path in sorted((VECTORS / folder).glob("*.toml"))
        for table in tables(f"{folder}/{path.name}", "vector")
    )


def _role(value: Raw) -> Role:
    if value not in ("server", "client"):
        raise ValueError(f"expected 'server' or 'client' as a role, got {value!r}")
    return SERVER if value == "server" else CLIENT


@cache
def reading_vectors() -> tuple[Vector, ...]:
    """Return all vectors of bytes that arrive."""
    return tuple(
        Vector(
            id=_text(raw["id"]),
            name=_text(raw["name"]),
            role=_role(raw["role"]),
            data=_bytes(raw["bytes"]),
            closed=bool(raw.get("closed", False)),
            request=_bytes(raw.get("request", "")),
            then=_bytes(raw.get("then", "")),
            limit=_number(raw.get("limit", 16384)),
            changes=_changes(raw.get("policy", {})),
            strict=_outcome(raw["strict"]),
            h11=_h11(raw),
            h11_whole=_outcome(raw["h11_whole"]) if "h11_whole" in raw else _h11(raw),
            door=_outcome(raw["strict"] if raw.get("door", "=") == "=" else raw["door"]),
            why=_text(raw["why"]),
            section=section,
        )
        for section, raw in _vectors("reading")
    )


@cache
def by_row() -> Mapping[str, list[Vector]]:
    """Return all vectors of bytes that arrive, by the row that each is of."""
    rows: dict[str, list[Vector]] = {}
    for vector in reading_vectors():
        rows.setdefault(vector.id, []).append(vector)
    return rows


def _h11(raw: Mapping[str, Raw]) -> Outcome:
    return _outcome(raw["strict"] if raw.get("h11", "=") == "=" else raw["h11"])


def _changes(value: Raw) -> tuple[tuple[str, int], ...]:
    if not isinstance(value, dict):
        raise TypeError(f"expected a table, got {value!r}")
    return tuple((name, _number(limit)) for name, limit in value.items())


def _number(value: Raw) -> int:
    if not isinstance(value, int):
        raise TypeError(f"expected a number, got {value!r}")
    return value


@attrs.frozen(kw_only=True)
class SendingVector:
    """Events that are to be sent, and what must be written for them, or where the last one must be refused."""

    id: str
    name: str
    role: Role
    received: bytes
    closed: bool
    request: bytes
    policy: Policy
    forward: bool
    send: tuple[Spelled, ...]
    wire: bytes
    refused: tuple[str, str] | None
    why: str
    section: str

    def __str__(self) -> str:
        return f"{self.id}-{self.name}".replace(" ", "-")


def _policy(value: Raw) -> Policy:
    if not isinstance(value, dict):
        return {"STRICT": STRICT, "H11": H11}[_text(value)]
    changes: dict[str, Any] = dict(_changes(value))
    return attrs.evolve(STRICT, **changes)


def _spelled(event: Raw) -> Spelled:
    spelled: list[str | int | tuple[str, str]] = []
    for part in _repeated(event):
        match part:
            case int():
                spelled.append(part)
            case [str() as name, str() as value]:
                spelled.append((name, value))
            case _:
                spelled.append(_text(part))
    return tuple(spelled)


def _refusal(value: Raw) -> tuple[str, str] | None:
    match value:
        case []:
            return None
        case ["construction" | "send" as stage, str() as code]:
            return stage, code
        case _:
            raise TypeError(f"expected a stage and a code, got {value!r}")


@cache
def sending_vectors() -> tuple[SendingVector, ...]:
    """Return all vectors of events that are to be sent."""
    return tuple(
        SendingVector(
            id=_text(raw["id"]),
            name=_text(raw["name"]),
            role=_role(raw["role"]),
            received=_bytes(raw.get("received", "")),
            closed=bool(raw.get("closed", False)),
            request=_bytes(raw.get("request", "")),
            policy=_policy(raw.get("policy", "STRICT")),
            forward=bool(raw.get("forward", False)),
            send=tuple(map(_spelled, _repeated(raw.get("send", [])))),
            wire=_bytes(raw.get("wire", "")),
            refused=_refusal(raw.get("refused", [])),
            why=_text(raw["why"]),
            section=section,
        )
        for section, raw in _vectors("sending")
    )


@attrs.frozen(kw_only=True)
class Conversation:
    """What a client that pipelines sends and receives, in turn, and what must come of it."""

    id: str
    name: str
    options: Mapping[str, Raw]
    steps: tuple[Spelled, ...]
    events: Outcome
    unanswered: tuple[str, ...]
    retryable: tuple[str, ...]
    partly: bool
    states: tuple[str, ...]
    why: str

    def __str__(self) -> str:
        return f"{self.id}-{self.name}".replace(" ", "-")


@cache
def conversations() -> tuple[Conversation, ...]:
    """Return all conversations of a client that pipelines."""
    return tuple(
        Conversation(
            id=_text(raw["id"]),
            name=_text(raw["name"]),
            options=_options(raw.get("options", {})),
            steps=tuple(map(_spelled, _repeated(raw["steps"]))),
            events=_outcome(raw["events"]),
            unanswered=tuple(map(_text, _repeated(raw.get("unanswered", [])))),
            retryable=tuple(map(_text, _repeated(raw.get("retryable", [])))),
            partly=bool(raw.get("partly", False)),
            states=tuple(map(_text, _repeated(raw["states"]))),
            why=_text(raw["why"]),
        )
        for _, raw in _vectors("pipelining")
    )


def _options(value: Raw) -> Mapping[str, Raw]:
    if not isinstance(value, dict):
        raise TypeError(f"expected a table, got {value!r}")
    return value


def _field(spelled: str | int | tuple[str, str]) -> tuple[bytes, bytes]:
    match spelled:
        case (name, value):
            return name.encode("latin-1"), value.encode("latin-1")
        case str():
            name, _, value = spelled.partition(": ")
            return name.encode("latin-1"), value.encode("latin-1")
        case _:
            raise TypeError(f"expected a field, got {spelled!r}")


def event_of(spelled: Spelled) -> Event:
    """Make an event, by its public constructor, out of what a vector spells: the reverse of `plain`."""
    match spelled:
        case ("Request", str(method), str(target), str(version), *fields):
            return Request(
                method=method.encode("latin-1"),
                target=target.encode("latin-1"),
                http_version=version.encode("latin-1"),
                headers=map(_field, fields),
            )
        case ("Response" | "InformationalResponse" as kind, int(code), str(reason), str(version), *fields):
            make = Response if kind == "Response" else InformationalResponse
            return make(
                status_code=code,
                reason=reason.encode("latin-1"),
                http_version=version.encode("latin-1"),
                headers=map(_field, fields),
            )
        case ("Data", str(data)):
            return Data(data.encode("latin-1"))
        case ("EndOfMessage", *fields):
            return EndOfMessage(headers=map(_field, fields))
        case ("ConnectionClosed",):
            return ConnectionClosed()
        case _:
            raise TypeError(f"expected an event, got {spelled!r}")
