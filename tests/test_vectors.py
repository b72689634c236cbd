"""Every vector, in every split, under both policies."""

from __future__ import annotations

import pytest

from http11 import H11, STRICT, Policy
from tests.harness import Vector, read, reading_vectors, splits

POLICIES = {"STRICT": STRICT, "H11": H11}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("vector", reading_vectors(), ids=str)
def test_outcome_is_the_same_however_the_bytes_arrive(vector: Vector, policy: Policy) -> None:
    for pieces in splits(vector.data, closed=vector.closed):
        outcome = read(pieces, vector.role, policy=policy, request=vector.request, limit=vector.limit)
        assert outcome == vector.outcome(policy), pieces
