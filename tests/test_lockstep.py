"""h11 and http11 do the same, but where they are meant to differ: see `tests.lockstep`."""

from __future__ import annotations

from pathlib import Path

import pytest

from http11 import Role, compat
from tests.lockstep import DIFFERENCES, PROGRAMS, RARE, Tally


def test_h11_and_http11_differ_where_they_are_meant_to() -> None:
    tally = Tally()
    for seed in (*range(PROGRAMS), *RARE):
        tally.add(seed)
    assert tally.unexplained == []
    # Nothing is excused that does not happen.
    assert [difference for difference in DIFFERENCES if tally.explained[difference] == 0] == []
    # And most of what is compared is compared to its end.
    assert tally.same > 0.6 * tally.programs


def test_a_difference_that_is_not_meant_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(compat.Connection[Role]):
        @property
        def their_http_version(self) -> bytes | None:
            return b"1.1"

    monkeypatch.setattr(compat, "Connection", Forgetful)
    tally = Tally()
    for seed in range(200):
        tally.add(seed)
    assert tally.unexplained != []


def test_each_difference_is_on_the_page_for_those_who_come_from_h11() -> None:
    page = (Path(__file__).parent.parent / "docs" / "from-h11.md").read_text("utf-8")
    both = page.partition("## What differs under both policies")[2].partition("## What differs in the interface")[0]
    assert [difference.id for difference in DIFFERENCES if f"\n| {difference.id} |" not in both] == []
