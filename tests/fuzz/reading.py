"""The target ``reading``: an input is four bytes of choices, and the stream that is read."""

from __future__ import annotations

from collections.abc import Iterator

from http11 import CLIENT, H11, SERVER, STRICT
from tests.harness import reading_vectors
from tests.test_properties import LIMITS, POLICIES, REQUESTS, Readings, Stream


def decode(raw: bytes) -> Stream:
    first, second, *sizes = raw[:4].ljust(4, b"\0")
    return Stream(
        role=CLIENT if first & 1 else SERVER,
        policy=POLICIES[(first >> 1) % len(POLICIES)],
        small=bool(second & 0x40),
        limit=LIMITS[second & 7],
        request=REQUESTS[second >> 3 & 7],
        closed=bool(second & 0x80),
        sizes=(1 + sizes[0], 1 + sizes[1]),
        data=raw[4:],
    )


def encode(stream: Stream) -> bytes:
    first = (stream.role == CLIENT) | POLICIES.index(stream.policy) << 1
    second = LIMITS.index(stream.limit) | REQUESTS.index(stream.request) << 3 | stream.small << 6 | stream.closed << 7
    return bytes([first, second, stream.sizes[0] - 1, stream.sizes[1] - 1]) + stream.data


def seeds() -> Iterator[bytes]:
    """Spell the vectors as inputs, as far as the choices allow it."""
    for vector in reading_vectors():
        # Where tolerance matters, with each one alone as well.
        for policy in POLICIES if not vector.strict == vector.h11_whole == vector.door else (STRICT, H11):
            yield encode(
                Stream(
                    role=vector.role,
                    policy=policy,
                    small=bool(vector.changes),
                    limit=vector.limit if vector.limit in LIMITS else LIMITS[0],
                    request=vector.request if vector.request in REQUESTS else REQUESTS[0],
                    closed=vector.closed,
                    sizes=(1, 7),
                    data=vector.data,
                )
            )


def features(readings: Readings) -> Iterator[object]:
    role, strict, reading = readings.stream.role, readings.stream.policy is STRICT, readings.whole
    if reading.told != readings.strict.told:
        yield readings.stream.policy, reading.error is None
    yield role, reading.letters[:6], reading.paused
    yield role, reading.states, reading.rest == (b"", False), readings.late is None
    if reading.error is not None:
        yield role, reading.error.code, strict
        yield role, reading.error.tolerance, readings.let_in is not None and readings.let_in.error is None
