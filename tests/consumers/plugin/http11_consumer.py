"""A pytest plugin for another project's tests: with http11 in h11's place, or with h11 itself.

``HTTP11_POLICY`` says which: ``strict``, ``h11``, or nothing for h11 itself. Into the file ``HTTP11_OUTCOMES`` goes, as
JSON, what became of each test, and whether it made a connection of h11's, or a reader of bodies, as mitmproxy does: the
others have nothing to do with it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

POLICY = os.environ["HTTP11_POLICY"]
if POLICY:
    from http11 import H11, STRICT
    from http11.compat import install_as_h11

    install_as_h11({"strict": STRICT, "h11": H11}[POLICY])

import h11  # noqa: E402 - not before http11 is in its place

readers = import_module("h11._readers")
made = 0
outcomes: dict[str, str] = {}
reached: set[str] = set()


def count(kind: Any) -> None:
    make = kind.__init__

    def make_and_count(self: object, *args: Any, **kwargs: Any) -> None:
        global made  # noqa: PLW0603 - a plugin is a module
        # h11's own connections make readers too, and http11's do not.
        if sys._getframe(1).f_globals["__name__"] != "h11._connection":
            made += 1
        make(self, *args, **kwargs)

    kind.__init__ = make_and_count


count(h11.Connection)
for name in ("ChunkedReader", "ContentLengthReader", "Http10Reader"):
    count(getattr(readers, name))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    before = made
    result = yield
    if made > before:
        reached.add(item.nodeid)
    return result


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    # A test has passed if its call has, and neither its set-up nor its tear-down has failed.
    if report.when == "call" or not report.passed:
        outcomes[report.nodeid] = report.outcome


def pytest_sessionfinish() -> None:
    found = {name: [outcome, name in reached] for name, outcome in outcomes.items()}
    Path(os.environ["HTTP11_OUTCOMES"]).write_text(json.dumps(found), "utf-8")
