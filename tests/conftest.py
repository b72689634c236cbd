"""Settings for all tests: generated data is the same each time, so that no run depends on luck or on a clock."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

import http11

settings.register_profile(
    "steady",
    derandomize=True,
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
# Where each step is slow, such as in WebAssembly.
settings.register_profile("few", settings.get_profile("steady"), max_examples=30)
# For a long search by hand: HYPOTHESIS_PROFILE=search pytest tests/test_properties.py
settings.register_profile("search", deadline=None, max_examples=20_000, suppress_health_check=list(HealthCheck))
# A shell has its background jobs ignore SIGINT, and nohup has SIGHUP; what the tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def pytest_report_header() -> str:
    build = "compiled" if http11.__compiled__ else "interpreted"
    return f"http11: {build}, from {Path(http11.__file__).parent}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_hypothesis_test(getattr(item, "obj", None)):
            # What generated data happen to reach would be no coverage to rely on.
            item.add_marker("no_cover")
    if http11.__compiled__:
        skip = pytest.mark.skip(reason="http11 is compiled: its steps cannot be counted, nor its parts replaced")
        for item in items:
            if item.get_closest_marker("interpreted") is not None:
                item.add_marker(skip)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Keep coverage from the processes that a test or its fixtures start, too, where it is kept from the test."""
    with pytest.MonkeyPatch.context() as patch:
        if item.get_closest_marker("no_cover") is not None:
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        return (yield)
