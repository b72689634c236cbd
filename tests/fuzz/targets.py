"""The targets by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Generic, TypeVar

import attrs

from tests.fuzz import reading, sections, sending
from tests.harness import reading_vectors, sending_vectors

ResultT = TypeVar("ResultT")


@attrs.frozen(kw_only=True)
class Target(Generic[ResultT]):
    """What is fuzzed.

    Attributes:
        run: What comes of an input.
        oracles: Each yields what is wrong with that.
        features: What of it makes an input worth keeping, beside the code that it runs through.
        seeds: The inputs to begin with.

    """

    run: Callable[[bytes], ResultT]
    oracles: Sequence[Callable[[ResultT], Iterator[str]]]
    features: Callable[[ResultT], Iterator[object]]
    seeds: Callable[[], Iterator[bytes]]

    def complaints(self, raw: bytes) -> Iterator[tuple[str, str]]:
        """Put an input before all oracles, and yield the name of each that complains, and what about."""
        result = self.run(raw)
        for oracle in self.oracles:
            for complaint in oracle(result):
                yield oracle.__name__, complaint

    def shown(self, raw: bytes) -> Iterable[object]:
        """Do all that `complaints` does, and return the features."""
        result = self.run(raw)
        for oracle in self.oracles:
            list(oracle(result))
        return list(self.features(result))


TARGETS: Final[dict[str, Target[Any]]] = {
    "reading": Target(
        run=lambda raw: reading.run(reading.decode(raw)),
        oracles=reading.ORACLES,
        features=reading.features,
        seeds=lambda: reading.seeds(reading_vectors()),
    ),
    "sending": Target(
        run=lambda raw: sending.run(sending.decode(raw)),
        oracles=sending.ORACLES,
        features=sending.features,
        seeds=lambda: sending.seeds(sending_vectors()),
    ),
    "sections": Target(
        run=lambda raw: sections.run(sections.decode(raw)),
        oracles=sections.ORACLES,
        features=sections.features,
        seeds=lambda: sections.seeds(reading_vectors()),
    ),
}
