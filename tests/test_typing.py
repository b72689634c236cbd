"""A promise about types is a test: programs in ``tests/typing``, and what four checkers have to say about each line."""

from __future__ import annotations

import os

import pytest

from tests.typing.checkers import CHECKERS, HERE, Checker, check, is_installed
from tests.typing.expectations import expectations, surprises

PROGRAMS = sorted([*HERE.glob("accepted/*.py"), *HERE.glob("rejected/*.py")])
EXPECTED = [one for path in PROGRAMS for one in expectations(path)]


@pytest.mark.parametrize("checker", CHECKERS)
def test_each_line_is_accepted_or_rejected_as_it_says(checker: Checker) -> None:
    # Where the checkers are expected, one that is not there is a failure, and not something to leave out.
    if not is_installed(checker) and not os.environ.get("HTTP11_CHECKERS"):
        pytest.skip(f"{checker} is not installed: python -m pip install --group lint")
    assert "\n".join(surprises(checker, EXPECTED, check(checker))) == ""
