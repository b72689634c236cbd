"""The strictness table as data: it is whole, its policies do what it says, and its page is what it makes."""

from __future__ import annotations

import re
from importlib import metadata
from typing import Any

import attrs
import pytest

from http11 import H11, STRICT, Policy
from tests import strictness
from tests.harness import Outcome, SendingVector, Vector, read, reading_vectors, sending_vectors
from tests.strictness import NOT_ESTABLISHED, PACKAGES, PAGE, Row, compare, counts, measure, page, store, stored, table
from tests.test_vectors import IDS, attempt, sender

ROWS = table().rows
FIELDS = {field.name for field in attrs.fields(Policy)} - {"tolerant"}
DECIDED = [(row, field) for row in ROWS for field in row.policy]


def test_the_table_has_each_row_once_and_in_order() -> None:
    assert [row.id for row in ROWS] == IDS


def test_every_row_has_vectors() -> None:
    assert all(counts()[row.id] for row in ROWS)


def test_a_door_is_closed_under_either_policy() -> None:
    for row in ROWS:
        assert bool(row.opened) == row.id.startswith("DR-")
        if row.opened:
            assert not row.differs
            assert not any(getattr(preset, field) for field in row.policy for preset in (STRICT, H11))


@pytest.mark.parametrize("row", [row for row in ROWS if row.differs], ids=lambda row: row.id)
def test_a_row_on_which_the_policies_differ_has_a_vector_that_shows_it(row: Row) -> None:
    vectors = [vector for vector in reading_vectors() if vector.id == row.id]
    sending = [vector for vector in sending_vectors() if vector.id == row.id]
    assert any(vector.strict != vector.h11_whole for vector in vectors) or any(
        written(vector, STRICT) != written(vector, H11) for vector in sending
    )


def test_every_field_of_a_policy_decides_a_row() -> None:
    assert {field for _, field in DECIDED} == FIELDS


@pytest.mark.parametrize(("row", "field"), DECIDED, ids=[f"{row.id}-{field}" for row, field in DECIDED])
def test_a_field_of_a_policy_set_alone_decides_its_row(row: Row, field: str) -> None:
    """Opened on top of STRICT, or closed on top of H11, it changes what some vector of the row is read as."""
    vectors = [vector for vector in reading_vectors() if vector.id == row.id]
    if row.opened:
        for policy, shown in ((STRICT, "strict"), (H11, "h11")):
            assert any(outcome(vector, policy, {field: True}) != getattr(vector, shown) for vector in vectors)
        return
    opening: dict[str, Any] = {field: opened(field)}
    closing: dict[str, Any] = {field: closed(field)}
    open_on_strict = attrs.evolve(STRICT, **opening)
    closed_on_h11 = attrs.evolve(H11, **closing)
    sending = [vector for vector in sending_vectors() if vector.id == row.id]
    assert any(outcome(vector, STRICT, opening) != vector.strict for vector in vectors) or any(
        written(vector, STRICT) != written(vector, open_on_strict) for vector in sending
    )
    assert any(outcome(vector, H11, closing) != vector.h11_whole for vector in vectors) or any(
        written(vector, H11) != written(vector, closed_on_h11) for vector in sending
    )


def opened(field: str) -> object:
    """Return what `H11` has, or, where that is the same, a limit that is a little wider."""
    strict, h11 = getattr(STRICT, field), getattr(H11, field)
    return strict + 1 if strict == h11 else h11


def closed(field: str) -> object:
    """Return what `STRICT` has, or, for a limit, so little that a short vector reaches it."""
    strict = getattr(STRICT, field)
    return strict if isinstance(strict, bool) else 1


def outcome(vector: Vector, policy: Policy, changes: dict[str, Any]) -> Outcome:
    changed = attrs.evolve(vector.policy(policy), **changes)
    pieces = [vector.data, b""] if vector.closed else [vector.data]
    return read(pieces, vector.role, policy=changed, request=vector.request, then=vector.then, limit=vector.limit)


def written(vector: SendingVector, policy: Policy) -> list[bytes]:
    """Return what is written for each event where what came before was read by `policy`."""
    connection, events = sender(attrs.evolve(vector, policy=policy))
    return [attempt(connection, event)[0] for event in events]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_row_says_where_it_is_from(row: Row) -> None:
    assert row.rfc
    assert all(
        re.fullmatch(r"RFC (6585|9110|9112|9113|9931) ([1-9][0-9]*|[A-D])(\.[1-9][0-9]*)*", rule) for rule in row.rfc
    )
    for claim in row.claims.values():
        assert (claim.does == NOT_ESTABLISHED) == (claim.source == ())


def test_the_sources_are_those_that_are_named() -> None:
    named = {key for row in ROWS for claim in row.claims.values() for key in claim.source}
    assert named == table().sources.keys()


def test_the_page_is_what_the_data_make() -> None:
    assert strictness.main(["--check"]) == 0


def test_a_page_that_was_edited_is_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(strictness, "page", lambda measurement: page(measurement) + "edited\n")
    assert strictness.main(["--check"]) == 1
    assert "python -m tests.strictness" in capsys.readouterr().err


def test_the_page_can_be_made_without_the_parsers_that_it_compares() -> None:
    assert page(stored()) == PAGE.read_text("utf-8")
    assert store(stored()) == strictness.MEASURED.read_text("utf-8")


@pytest.mark.no_cover
@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_stored_is_what_is_measured(package: str) -> None:
    pytest.importorskip(package)
    kept = stored()
    if metadata.version(package) != kept.versions[package]:
        pytest.skip(f"measured with {package} {kept.versions[package]}")
    fresh = {row.id: strictness.tally(package, row.id) for row in ROWS}
    assert fresh == {row: tallies[package] for row, tallies in kept.tallies.items()}


@pytest.mark.no_cover
def test_measuring_asks_every_package() -> None:
    for package in PACKAGES:
        pytest.importorskip(package)
    assert measure().versions.keys() == PACKAGES.keys()


# --- how outcomes are compared --------------------------------------------------------------------------------------

HEAD = ("Request", "GET", "/", "1.1", "host: a")
END = ("EndOfMessage",)
ERROR = ("error", "bare-lf", 400)


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        ([HEAD, END], [HEAD, END], "same"),
        ([HEAD, END, ("ConnectionClosed",)], [HEAD, END], "same"),
        ([HEAD, END, ("paused", "x")], [HEAD, END, ("paused",)], "same"),
        ([HEAD, END], [HEAD, ("error",)], "refuses"),
        ([HEAD, END], [HEAD, ("Data", "x"), END], "otherwise"),
        ([HEAD, END], [HEAD], "otherwise"),
        ([ERROR], [("error",)], "same"),
        ([ERROR], [HEAD, END], "lets_in"),
        ([ERROR], [], "waits"),
        # A head that is told and then refused is refused; what has an end, or a body, was let in.
        ([ERROR], [HEAD, ("error",)], "same"),
        ([ERROR], [HEAD, END, ("error",)], "lets_in"),
        ([HEAD, ERROR], [HEAD, ("Data", "x"), ("error",)], "lets_in"),
        ([HEAD, ("Data", "xy"), ERROR], [HEAD, ("Data", "x")], "waits"),
        ([HEAD, ("Data", "x"), ERROR], [HEAD, ("Data", "xy")], "lets_in"),
    ],
)
def test_outcomes_are_compared_by_what_was_understood(ours: Outcome, theirs: Outcome, verdict: str) -> None:
    assert compare(ours, theirs) == verdict


def test_how_a_field_is_spelled_makes_no_difference() -> None:
    ours = [("Response", 200, "", "1.1", "content-length: 5", "transfer-encoding: chunked", "x: Y"), END]
    theirs = [("Response", 200, "", "1.1", "Content-Length: 5, 5", "Transfer-Encoding: CHUNKED", "X: Y"), END]
    assert compare(ours, theirs) == "same"
    assert compare(ours, [theirs[0][:-1], END]) == "otherwise"
    assert compare(ours, [(*theirs[0][:-1], "x: y"), END]) == "otherwise"
