"""Which build it is: `http11.__compiled__` tells the truth, and compiled are the modules that pyproject.toml lists."""

from __future__ import annotations

import pkgutil
from importlib.machinery import ExtensionFileLoader
from importlib.metadata import requires
from importlib.util import find_spec
from types import FunctionType

import http11
from http11 import Connection
from tests.harness import python
from tests.wheels import LISTED, PROJECT

MODULES = {module.name for module in pkgutil.iter_modules(http11.__path__)}


def test_it_says_whether_it_is_compiled() -> None:
    # A method that is compiled is none of Python's functions.
    assert http11.__compiled__ is not isinstance(Connection.next_event, FunctionType)
    said = python("-c", "import http11; print(http11.__compiled__)")
    assert said.split() == [str(http11.__compiled__)]


def test_the_modules_that_are_compiled_are_those_that_are_listed() -> None:
    specs = {name: find_spec(f"http11.{name}") for name in MODULES}
    compiled = {name for name, spec in specs.items() if spec is not None and type(spec.loader) is ExtensionFileLoader}
    assert compiled == (LISTED if http11.__compiled__ else set())


def test_each_module_that_is_listed_is_there() -> None:
    assert "connection" in LISTED
    assert LISTED < MODULES


def test_nothing_of_mypy_is_needed_at_run_time() -> None:
    needed = requires("http11")
    assert needed is not None
    assert [one for one in needed if "extra ==" not in one] == PROJECT["project"]["dependencies"] == ["attrs>=23.1"]
    # A module that is None cannot be imported.
    names = "'mypy_extensions', 'typing_extensions', 'mypy', 'mypyc'"
    python("-c", f"import sys; sys.modules |= dict.fromkeys([{names}]); import http11.__main__, http11.compat")
