"""The quick judge of a mutant: every vector, in a process that has imported http11 once."""

from __future__ import annotations

from collections.abc import Iterator

from http11 import H11, STRICT
from tests.harness import SendingVector, Vector, read, reading_vectors, sending_vectors
from tests.test_vectors import test_sending

__all__ = ["first_failure"]

# Byte by byte only what is short, so that all of it takes about a second; and cut in two at a few places.
_SHORT = 300
_CUTS = (1, 2, -2)


def first_failure(*, bytewise: bool) -> str | None:
    """Return which vector is not read, whole or byte by byte, or sent as it says; or `None`."""
    checks = _bytewise() if bytewise else _whole()
    return next((name for name, right in checks if not right), None)


def _whole() -> Iterator[tuple[str, bool]]:
    for vector in reading_vectors():
        yield f"{vector}", _is_read(vector, [vector.data])
    for sent in sending_vectors():
        yield f"{sent}", _is_sent(sent)


def _bytewise() -> Iterator[tuple[str, bool]]:
    for vector in reading_vectors():
        if len(vector.data) <= _SHORT:
            yield f"{vector}, byte by byte", _is_read(vector, [bytes([byte]) for byte in vector.data])
            for cut in _CUTS:
                pieces = [piece for piece in (vector.data[:cut], vector.data[cut:]) if piece]
                yield f"{vector}, cut at {cut}", _is_read(vector, pieces)


def _is_read(vector: Vector, pieces: list[bytes]) -> bool:
    end = [b""] if vector.closed else []
    try:
        return all(
            read(
                pieces + end,
                vector.role,
                policy=vector.policy(policy),
                request=vector.request,
                then=vector.then,
                limit=vector.limit,
            )
            == vector.outcome(policy)
            for policy in (STRICT, H11)
        )
    except Exception:  # noqa: BLE001 - whatever a mutant raises, it is not right
        return False


def _is_sent(vector: SendingVector) -> bool:
    try:
        test_sending(vector)
    except Exception:  # noqa: BLE001
        return False
    return True
