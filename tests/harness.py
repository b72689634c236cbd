"""What several test modules share: reading a stream to its outcome, in pieces of any size, and the vectors.

An outcome is a list of tuples of plain values, one an event, which ends in the error if there was one; see
`tests/vectors/README.md`. Adjacent `Data` events are one, since where they are cut depends on how the bytes arrive.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeAlias, assert_never

import attrs

from http11 import (
    CLIENT,
    DONE,
    IDLE,
    MIGHT_SWITCH_PROTOCOL,
    PAUSED,
    SEND_RESPONSE,
    SERVER,
    STRICT,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    Policy,
    RemoteProtocolError,
    Request,
    Response,
    Role,
)

VECTORS = Path(__file__).parent / "vectors"

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
    limit: int
    strict: Outcome
    h11: Outcome
    why: str
    section: str

    def outcome(self, policy: Policy) -> Outcome:
        return self.strict if policy is STRICT else self.h11

    def __str__(self) -> str:
        return f"{self.id}-{self.name}".replace(" ", "-")


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


class Reader:
    """One side of a connection, which answers as far as it must to go on reading."""

    def __init__(self, role: Role, *, policy: Policy = STRICT, request: bytes = b"", limit: int = 16384) -> None:
        self.connection: Connection[Role] = Connection(role, limit, policy=policy)
        self._outcome: Outcome = []
        self.errors: list[RemoteProtocolError] = []
        self._paused = False
        self._request = request or b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
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
        server = Connection(SERVER)
        server.receive_data(self._request)
        while not isinstance(event := server.next_event(), type):
            self._send(event)

    def _send(self, event: Event) -> None:
        # A reader may have either role, which is more than the types of `send` promise.
        self.connection.send(event)  # type: ignore[arg-type]

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
        """Answer the request, or ask the next one; false where the connection is not for us any more."""
        connection = self.connection
        role: Role = connection.our_role
        if role == SERVER and connection.our_state in (IDLE, SEND_RESPONSE):
            if connection.their_state == MIGHT_SWITCH_PROTOCOL:
                return False
            self._send(Response(status_code=200, headers=[("Content-Length", "0")]))
            self._send(EndOfMessage())
        if connection.our_state == DONE and connection.their_state == DONE:
            connection.start_next_cycle()
            if role == CLIENT:
                self._ask()
            return True
        return False


def read(
    pieces: Iterable[bytes],
    role: Role,
    *,
    policy: Policy = STRICT,
    request: bytes = b"",
    limit: int = 16384,
) -> Outcome:
    """Return the outcome of receiving `pieces`, one after the other; an empty one is the end of the connection."""
    reader = Reader(role, policy=policy, request=request, limit=limit)
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


# --- vectors --------------------------------------------------------------------------------------------------------


def _bytes(value: object) -> bytes:
    match value:
        case str():
            return value.encode("latin-1")
        case {"repeat": str() as part, "times": int() as times}:
            return part.encode("latin-1") * times
        case list():
            return b"".join(map(_bytes, value))
        case _:
            raise TypeError(f"expected a string, a list or a repetition, got {value!r}")


def _outcome(value: list[list[str | int]]) -> Outcome:
    return [tuple(event) for event in value]


@cache
def reading_vectors() -> tuple[Vector, ...]:
    """Return all vectors of bytes that arrive."""
    return tuple(
        Vector(
            id=raw["id"],
            name=raw["name"],
            role=SERVER if raw["role"] == "server" else CLIENT,
            data=_bytes(raw["bytes"]),
            closed=raw.get("closed", False),
            request=_bytes(raw.get("request", "")),
            limit=raw.get("limit", 16384),
            strict=_outcome(raw["strict"]),
            h11=_outcome(raw["strict"] if raw.get("h11", "=") == "=" else raw["h11"]),
            why=raw["why"],
            section=path.stem,
        )
        for path in sorted((VECTORS / "reading").glob("*.toml"))
        for raw in tomllib.loads(path.read_text("utf-8"))["vector"]
    )
