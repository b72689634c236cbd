"""The targets by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Generic, TypeVar

import attrs

from tests import test_properties, test_scripts
from tests.fuzz import reading, sections, sending

OutcomeT = TypeVar("OutcomeT")


@attrs.frozen(kw_only=True)
class Target(Generic[OutcomeT]):
    """What is fuzzed.

    Attributes:
        run: What comes of an input.
        properties: Each raises an error where it does not hold of that.
        features: What of it makes an input worth keeping, beside the code that it runs through.
        seeds: The inputs to begin with.

    """

    run: Callable[[bytes], OutcomeT]
    properties: Sequence[Callable[[OutcomeT], None]]
    features: Callable[[OutcomeT], Iterator[object]]
    seeds: Callable[[], Iterator[bytes]]

    def check(self, raw: bytes) -> OutcomeT:
        """Return what comes of an input, once all properties have been seen to hold of it."""
        outcome = self.run(raw)
        for holds in self.properties:
            holds(outcome)
        return outcome

    def shown(self, raw: bytes) -> list[object]:
        """Do all that `check` does, and return the features."""
        return list(self.features(self.check(raw)))


TARGETS: Final[dict[str, Target[Any]]] = {
    "reading": Target(
        run=lambda raw: test_properties.readings_of(reading.decode(raw)),
        properties=test_properties.PROPERTIES,
        features=reading.features,
        seeds=reading.seeds,
    ),
    "sending": Target(
        run=lambda raw: test_scripts.played(sending.decode(raw)),
        properties=test_scripts.PROPERTIES,
        features=sending.features,
        seeds=sending.seeds,
    ),
    "sections": Target(
        run=sections.decode,
        properties=sections.PROPERTIES,
        features=sections.features,
        seeds=sections.seeds,
    ),
}
