"""How a workload is timed, and how contenders are held to give the same answers.

What is measured is the time that the processor spends in this thread (`time.thread_time_ns`), so that what else runs
on the machine counts only as far as it empties caches. A round takes one sample of each contender, in random order,
all with equal input made of new objects; the ratio to h11 is taken within a round, so that a machine that slows down
slows both. The median of a contender's rounds is its figure, and the quartiles are its spread.

A sample is made of batches. What arrives in one is made just before, as a socket receives it, and what was read is
dropped after it has been compared, as a server drops what it has answered: an engine that is timed while all that it
has ever read stays is timed for memory that nobody has touched yet.

The garbage collector runs in the timed part as it does in a program: what an engine leaves to it is the engine's cost.
What was there before is frozen, so that no engine pays for the benchmark's own objects.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias

import attrs

from tests.benchmarks.contenders import Contender, Message, Transcript
from tests.benchmarks.workloads import Exchange, Workload, fresh_exchange, request_bytes, response_bytes

Samples: TypeAlias = Mapping[str, Sequence[float]]
"""Microseconds for each message, by contender, one for each round."""


class DisagreementError(Exception):
    """A contender has read or written something else than was sent or asked for."""


# --- what all have to agree on --------------------------------------------------------------------------------------


def expected(workload: Workload, exchanges: Sequence[Exchange]) -> tuple[list[Message], bytes]:
    """Say what has to be read and written, without any engine."""
    messages: list[Message] = []
    written: list[bytes] = []
    for exchange in exchanges:
        ask, answer = exchange.ask, exchange.answer
        if workload.kind != "fetch":
            fields = [(name.lower(), value) for name, value in ask.fields]
            messages.append((ask.method, ask.target, b"1.1", fields, ask.body))
        if workload.kind != "serve":
            fields = [(name.lower(), value) for name, value in answer.fields]
            messages.append((answer.status, answer.reason, b"1.1", fields, answer.body))
        if workload.kind == "both ends":
            written.append(request_bytes(ask))
        if workload.kind != "fetch":
            written.append(response_bytes(answer))
    return messages, b"".join(written)


def agree(wanted: Message, found: Message, keep: int | None) -> bool:
    """Tell whether a message was read as it was sent; of a body whose pieces were not all kept, the end."""
    version = found[2].encode() if isinstance(found[2], str) else found[2]
    body_agrees = wanted[4] == found[4] if keep is None else found[4] != b"" and wanted[4].endswith(found[4])
    return body_agrees and wanted[:4] == (*found[:2], version, found[3])


def check(
    workload: Workload, contender: Contender, exchanges: Sequence[Exchange], found: Transcript, keep: int | None
) -> None:
    """Compare a transcript with what it has to be.

    Raises:
        DisagreementError: They differ.

    """
    messages, written = expected(workload, exchanges)
    who = f"{contender.name} {contender.version}, {workload.name}"
    if len(messages) != len(found[0]):
        raise DisagreementError(f"{who}: expected {len(messages)} messages, got {len(found[0])}")
    for wanted, read in zip(messages, found[0], strict=True):
        if not agree(wanted, read, keep):
            raise DisagreementError(f"{who}: expected {wanted!r:.1000}, got {read!r:.1000}")
    if b"".join(found[1]) != written:
        raise DisagreementError(f"{who}: expected {written!r:.1000} to be written, got {b''.join(found[1])!r:.1000}")


# --- time -----------------------------------------------------------------------------------------------------------


@contextmanager
def _own_garbage_only() -> Iterator[None]:
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


# So many messages, of one connection or of several, are made, timed and compared at a time.
_BATCH: Final = 20


def batches_of(connections: Sequence[Sequence[Exchange]]) -> Iterator[Sequence[Sequence[Exchange]]]:
    """Cut connections into parts of about as many messages as are timed at once."""
    size = max(1, _BATCH // len(connections[0]))
    for at in range(0, len(connections), size):
        yield connections[at : at + size]


def _work(
    workload: Workload, contender: Contender, given: Sequence[Sequence[Exchange]], keep: int | None
) -> Callable[[], list[Transcript]]:
    """Do what is not timed, and return what is."""
    if workload.kind == "both ends":
        round_trips = contender.round_trips
        return lambda: [round_trips(exchanges) for exchanges in given]
    if workload.kind == "fetch":
        fetch = contender.fetch
        ready = [(contender.asking(exchange.ask), exchange.pieces) for (exchange,) in given]
        return lambda: [([fetch(connection, pieces, keep)], []) for connection, pieces in ready]
    serve, server = contender.serve, contender.tolerant_server if workload.tolerant else contender.server
    return lambda: [serve(server(), exchanges) for exchanges in given]


def sample(
    workload: Workload, contender: Contender, connections: Sequence[Sequence[Exchange]], keep: int | None
) -> float:
    """Time one sample, in microseconds for each message; what was read and written is checked after each batch."""
    spent = 0
    with _own_garbage_only():
        for batch in batches_of(connections):
            given = [[fresh_exchange(exchange) for exchange in exchanges] for exchanges in batch]
            work = _work(workload, contender, given, keep)
            begin = time.thread_time_ns()
            found = work()
            spent += time.thread_time_ns() - begin
            for exchanges, transcript in zip(given, found, strict=True):
                check(workload, contender, exchanges, transcript, keep)
    # As precise as it is kept: what is shown now can be made again from the data.
    return round(spent / 1000 / workload.messages, 3)


WARM_UP: Final = 1_000_000
"""The seed of what is read before anything is timed, far from the rounds' numbers, which are seeds as well."""


def measure(
    workload: Workload, contenders: Sequence[Contender], rounds: int, tell: Callable[[str], None] = lambda _: None
) -> Samples:
    """Check that all contenders agree, then time them, in interleaved rounds of random order.

    Who cannot read the workload is left out of it.

    Raises:
        DisagreementError: They do not.

    """
    contenders = [contender for contender in contenders if workload.name not in contender.cannot]
    for contender in contenders:
        sample(workload, contender, workload.connections_worth(WARM_UP), None)
    samples: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    order = random.Random(workload.name)
    for number in range(rounds):
        connections = workload.connections_worth(number)
        for contender in order.sample(contenders, len(contenders)):
            samples[contender.name].append(sample(workload, contender, connections, workload.keep))
        tell(f"{workload.name}: round {number + 1} of {rounds}")
    return samples


# --- figures --------------------------------------------------------------------------------------------------------


@attrs.frozen
class Spread:
    """A median, and the quartiles around it."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(low, median, high)

    @property
    def percent(self) -> float:
        """Half of the distance between the quartiles, in percent of the median."""
        return 50 * (self.high - self.low) / self.median


def ratios(samples: Samples, baseline: str, name: str) -> list[float]:
    """Return how many times as fast as the baseline a contender was, in each round."""
    return [base / own for base, own in zip(samples[baseline], samples[name], strict=True)]
