"""What docs/security.md says: that it names what there is, and that its limits are the real ones."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import attrs
import pytest

from http11 import CLIENT, STRICT, Connection, Policy, Request
from tests.harness import reading_vectors
from tests.test_vectors import IDS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")

# The rows of its table of limits, each split into its cells.
LIMITS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.partition("| limit | default |")[2].split("\n\n", 1)[0].splitlines()[2:]
]
NAMES = [limit[0] for limit in LIMITS]


def test_it_names_rows_that_there_are() -> None:
    assert set(re.findall(r"\b(?:LN|RQ|ST|FD|HO|ML|CH|CN|EX|SD)-[0-9]+", PAGE)) <= set(IDS)


def test_it_names_files_that_there_are() -> None:
    named = set(re.findall(r"`((?:tests|docs)/[^`]+)`", PAGE))
    assert named
    assert all((ROOT / path).exists() for path in named)


def test_it_names_tolerances_that_there_are() -> None:
    named = set(re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+)+)`", PAGE)) | set(re.findall(r"STRICT, ([a-z_]+)=", PAGE))
    others = {"next_event", "receive_data", "their_state", "trailing_data"}
    others |= {"error_status_hint", "max_incomplete_event_size", "close_notify", "x_y"}
    assert named - others <= {field.name for field in attrs.fields(Policy)}


def test_it_has_every_limit_of_a_policy() -> None:
    limits = {field.name for field in attrs.fields(Policy) if not isinstance(getattr(STRICT, field.name), bool)}
    assert {name.strip("`").removeprefix("Policy.") for name in NAMES if "Policy." in name} == limits


@pytest.mark.parametrize(("name", "default"), [limit[:2] for limit in LIMITS], ids=NAMES)
def test_its_defaults_are_the_real_ones(name: str, default: str) -> None:
    if "Policy." in name:
        expected = getattr(STRICT, name.strip("`").removeprefix("Policy."))
    elif "Connection(" in name:
        expected = inspect.signature(Connection).parameters["max_incomplete_event_size"].default
    else:
        # The numbers that a length and a size may have are constants of the grammar.
        expected = {"a Content-Length": 19, "a chunk's size": 16}[name]
    assert int(default) == expected


@pytest.mark.parametrize("limit", LIMITS, ids=NAMES)
def test_the_errors_of_its_limits_are_those_of_the_vectors(limit: list[str]) -> None:
    codes, status = limit[-1].split("; ")
    rows = set(re.findall(r"[A-Z]{2}-[0-9]+", limit[3]))
    raised = {vector.strict[-1] for vector in reading_vectors() if vector.id in rows}
    for code in re.findall(r"`([a-z-]+)`", codes):
        assert ("error", code, int(status)) in raised


def test_an_event_of_a_subclass_is_not_sent() -> None:
    subclass = type("Evil", (Request,), {})
    connection = Connection(CLIENT)
    with pytest.raises(TypeError, match="expected an http11 event"):
        connection.send(subclass(method="GET", target="/", headers=[("Host", "a")]))
