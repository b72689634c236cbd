"""Settings for all tests: generated data is the same each time, so that no run depends on luck or on a clock."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady",
    derandomize=True,
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
# For a long search by hand: HYPOTHESIS_PROFILE=search pytest tests/test_properties.py
settings.register_profile("search", deadline=None, max_examples=20_000, suppress_health_check=list(HealthCheck))
# A shell has its background jobs ignore SIGINT, and what the tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
