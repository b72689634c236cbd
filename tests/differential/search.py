"""Many cases, one after the other: how many both accept, how many differ and why, and what nothing explains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs

from http11 import CLIENT, SERVER, Role
from tests import lockstep
from tests.differential import against_llhttp, deliberate
from tests.differential.streams import Case, case, shrunk

ROLES: Final[tuple[Role, ...]] = (CLIENT, SERVER)


@attrs.frozen(kw_only=True)
class Verdict:
    """What a comparison has come to.

    Attributes:
        ours: Whether http11 has refused nothing.
        theirs: The same of the peer.
        rows: The deliberate differences.
        unexplained: What they differ in, if that does not explain it.

    """

    ours: bool
    theirs: bool
    rows: tuple[str, ...] = ()
    unexplained: str = ""


def judged_by_h11(given: Case) -> Verdict:
    """Compare with h11, step by step."""
    try:
        reading = lockstep.Reading(given)
    except lockstep.UnexplainedError as found:
        return Verdict(ours=False, theirs=False, unexplained=f"{given}\n{found}")
    ours, theirs = reading.accepted
    return Verdict(ours=ours, theirs=theirs, rows=tuple(one.id for one in reading.met))


def judged_by_llhttp(given: Case) -> Verdict:
    """Compare with llhttp, in the one direction that has to hold."""
    reading, difference = against_llhttp.compare(given)
    theirs = against_llhttp.theirs(against_llhttp.readable(given)) if difference is None else difference.theirs
    entry = None if difference is None else deliberate.explanation(difference)
    return Verdict(
        ours=not reading.refused,
        theirs=not theirs.refused,
        rows=() if entry is None else (entry.row,),
        unexplained="" if difference is None or entry is not None else str(difference),
    )


PEERS: Final[Mapping[str, Callable[[Case], Verdict]]] = {"h11": judged_by_h11, "llhttp": judged_by_llhttp}

DELIBERATE: Final[Mapping[str, frozenset[str]]] = {
    # What only a program does that sends is not met.
    "h11": lockstep.MET_BY_READING,
    "llhttp": frozenset(entry.row for entry in deliberate.AGAINST_LLHTTP),
}


@attrs.define
class Tally:
    """The counts of a search.

    Attributes:
        peer: Whom http11 is compared with.
        streams: How many cases there were.
        both_accept: How many both have accepted, to the end.
        both_refuse: How many both have refused, somewhere.
        we_refuse: How many http11 alone has refused.
        they_refuse: How many the peer alone has refused.
        rows: How often each deliberate difference was met.
        unexplained: What nothing explains, each with the number of its case and as small as it could be made.

    """

    peer: str
    streams: int = 0
    both_accept: int = 0
    both_refuse: int = 0
    we_refuse: int = 0
    they_refuse: int = 0
    rows: Counter[str] = attrs.Factory(Counter)
    unexplained: list[str] = attrs.Factory(list)

    def take(self, numbers: Iterable[int]) -> None:
        """Compare on the cases of these numbers, in both roles."""
        for number in numbers:
            for role in ROLES:
                self._count(number, case(number, role))

    def _count(self, number: int, given: Case) -> None:
        judged = PEERS[self.peer]
        verdict = judged(given)
        self.streams += 1
        self.both_accept += verdict.ours and verdict.theirs
        self.both_refuse += not (verdict.ours or verdict.theirs)
        self.we_refuse += verdict.theirs and not verdict.ours
        self.they_refuse += verdict.ours and not verdict.theirs
        self.rows.update(verdict.rows)
        if verdict.unexplained:
            small = shrunk(given, lambda smaller: judged(smaller).unexplained != "")
            self.unexplained.append(f"case {number} of {given.role}: {judged(small).unexplained}")

    @property
    def unused(self) -> list[str]:
        """The deliberate differences that have not been met."""
        return sorted(DELIBERATE[self.peer] - set(self.rows))

    def __str__(self) -> str:
        lines = [
            f"{self.peer}: {self.streams} streams",
            f"{self.both_accept:>9} accepted by both",
            f"{self.both_refuse:>9} refused by both",
            f"{self.we_refuse:>9} refused by http11 alone",
            f"{self.they_refuse:>9} refused by {self.peer} alone",
            *(f"{times:>9} differ deliberately: {row}" for row, times in self.rows.most_common()),
            *(f"{0:>9} differ deliberately: {row}" for row in self.unused),
            f"{len(self.unexplained):>9} unexplained",
        ]
        return "\n".join(lines)
