"""Which build it is, what is in it, and where a compiled one cannot be what the source is.

Each test runs on both builds. The differences are those of docs/builds.md, one test each. `python -m tests.wheels`, a
command of .ci/run, looks into what has been built.
"""

from __future__ import annotations

import pkgutil
import re
import sys
import tarfile
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.machinery import ExtensionFileLoader
from importlib.metadata import requires
from importlib.util import find_spec
from pathlib import Path
from types import BuiltinFunctionType, FrameType, FunctionType
from typing import Any, NoReturn, assert_type
from zipfile import ZipFile

import pytest

import http11
from http11 import SERVER, Connection, RemoteProtocolError, parsing
from http11.parsing import parse_request
from tests import wheels
from tests.harness import ROOT, python
from tests.wheels import ALONG, LISTED, PROJECT, SHARED, SOURCES, Kind, objections

MODULES = {module.name for module in pkgutil.iter_modules(http11.__path__)}
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


# --- which build it is ----------------------------------------------------------------------------------------------


def test_it_says_whether_it_is_compiled() -> None:
    assert_type(http11.__compiled__, bool)
    loader = type(find_spec("http11.parsing").loader)  # type: ignore[union-attr]
    assert http11.__compiled__ is (loader is ExtensionFileLoader)
    said = python("-c", "import http11; print(http11.__compiled__)")
    assert said.split() == [str(http11.__compiled__)]


def test_the_modules_that_are_compiled_are_those_that_are_listed() -> None:
    specs = {name: find_spec(f"http11.{name}") for name in MODULES}
    compiled = {name for name, spec in specs.items() if spec is not None and type(spec.loader) is ExtensionFileLoader}
    assert compiled == (LISTED if http11.__compiled__ else set())


def test_each_module_that_is_listed_is_there() -> None:
    assert "parsing" in LISTED
    assert LISTED < MODULES


def test_nothing_of_mypy_is_needed_at_run_time() -> None:
    needed = requires("http11")
    assert needed is not None
    assert [one for one in needed if "extra ==" not in one] == PROJECT["project"]["dependencies"] == ["attrs>=23.1"]
    # A module that is None cannot be imported.
    names = "'mypy_extensions', 'typing_extensions', 'mypy', 'mypyc'"
    python("-c", f"import sys; sys.modules |= dict.fromkeys([{names}]); import http11.__main__, http11.compat")


# --- what is built --------------------------------------------------------------------------------------------------

NAMES: dict[Kind, str] = {
    "sdist": "http11-1.0.tar.gz",
    "pure": "http11-1.0-py3-none-any.whl",
    "compiled": "http11-1.0-cp313-cp313-manylinux_2_28_x86_64.whl",
}


def contents(kind: Kind) -> set[str]:
    """Return what such a file has to have."""
    if kind == "sdist":
        return {f"http11-1.0/{name}" for name in ALONG | {f"src/http11/{name}" for name in SOURCES}}
    names = {f"http11/{name}" for name in SOURCES}
    if kind == "compiled":
        names |= {f"http11/{name}.cpython-313-x86_64-linux-gnu.so" for name in LISTED}
        names |= {f"{SHARED}.cpython-313-x86_64-linux-gnu.so"}
    return names


def write(file: Path, names: set[str], needed: str = "attrs>=23.1") -> Path:
    """Write a file with those names in it, and what it needs."""
    if file.suffix == ".gz":
        with tarfile.open(file, "w:gz") as archive:
            for name in sorted(names):
                archive.addfile(tarfile.TarInfo(name))
    else:
        with ZipFile(file, "w") as wheel:
            for name in sorted(names):
                wheel.writestr(name, b"")
            wheel.writestr("http11-1.0.dist-info/METADATA", f"Name: http11\nRequires-Dist: {needed}\n")
    return file


@pytest.mark.parametrize("kind", NAMES)
def test_what_a_build_should_make_is_right(kind: Kind, tmp_path: Path) -> None:
    assert [*objections(kind, write(tmp_path / NAMES[kind], contents(kind)))] == []


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("module", ["parsing.py", "py.typed"])
def test_a_source_that_is_missing_is_seen(kind: Kind, module: str, tmp_path: Path) -> None:
    names = {name for name in contents(kind) if not name.endswith(f"/{module}")}
    [objection] = objections(kind, write(tmp_path / NAMES[kind], names))
    assert f"http11/{module}" in objection


@pytest.mark.parametrize("kind", ["sdist", "pure"])
def test_a_library_that_was_left_in_the_source_is_seen(kind: Kind, tmp_path: Path) -> None:
    library = "http11-1.0/src/http11/parsing.abi3.so" if kind == "sdist" else "http11/parsing.pyd"
    [objection] = objections(kind, write(tmp_path / NAMES[kind], contents(kind) | {library}))
    assert objection == "expected [] as libraries, got ['parsing']"


@pytest.mark.parametrize("missing", [SHARED, "parsing"])
def test_a_module_that_was_not_compiled_is_seen(missing: str, tmp_path: Path) -> None:
    names = {name for name in contents("compiled") if f"{missing}.cpython" not in name}
    [objection] = objections("compiled", write(tmp_path / NAMES["compiled"], names))
    assert objection.startswith("expected [")
    assert f"'{missing}'" not in objection.partition(", got ")[2]


def test_a_name_of_another_kind_is_seen(tmp_path: Path) -> None:
    file = write(tmp_path / NAMES["pure"], contents("compiled"))
    assert ["expected a name like" in text for text in objections("compiled", file)] == [True]
    file = write(tmp_path / NAMES["compiled"], contents("pure"))
    assert ["expected a name like" in text for text in objections("pure", file)] == [True]


def test_another_dependency_is_seen(tmp_path: Path) -> None:
    file = write(tmp_path / NAMES["pure"], contents("pure"), "mypy_extensions")
    assert [*objections("pure", file)] == ["expected to need ['attrs>=23.1'], got ['mypy_extensions']"]


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right = write(tmp_path / NAMES["sdist"], contents("sdist"))
    assert wheels.main(["--sdist", str(right)]) == 0
    wrong = write(tmp_path / NAMES["pure"], set())
    assert wheels.main(["--sdist", str(right), "--pure", str(wrong)]) == 1
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{NAMES['sdist']}: as it should be")
    assert [line.partition(" ")[0] for line in rest] == [f"{NAMES['pure']}:"]
    with pytest.raises(SystemExit):
        wheels.main([])


# --- what differs ---------------------------------------------------------------------------------------------------

DIFFERENCES: dict[str, Callable[..., None]] = {}


def difference(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test as that of a row of docs/builds.md."""
    DIFFERENCES[test.__name__] = test
    return test


@difference
def test_a_compiled_function_has_no_docstring() -> None:
    assert bool(parse_request.__doc__) is not http11.__compiled__


@difference
def test_a_compiled_method_has_no_docstring() -> None:
    for method in (Connection.send, Connection.next_event, Connection.our_state, Connection.trailing_data):
        assert bool(method.__doc__) is not http11.__compiled__
    for public in (Connection, http11.Request, http11.Headers, http11.Policy):
        assert public.__doc__


@difference
def test_a_handler_may_run_after_a_compiled_method() -> None:
    connection = Connection(SERVER)
    connection.receive_data(GET)
    got: list[object] = []

    class StoppedError(Exception):
        """What a handler raises."""

    def on_call(_frame: FrameType, event: str, function: object) -> None:
        # What Python calls after a function in C has returned, as it may call a handler there.
        if event == "c_return" and getattr(function, "__name__", "") == "next_event":
            sys.setprofile(None)
            raise StoppedError

    sys.setprofile(on_call)
    with suppress(StoppedError):
        got.append(connection.next_event())
    sys.setprofile(None)
    assert (got == []) is http11.__compiled__
    assert connection.their_state == "SEND_BODY"


@difference
def test_a_compiled_function_cannot_be_looked_into() -> None:
    for name in ("__annotations__", "__code__", "__defaults__"):
        assert hasattr(parse_request, name) is not http11.__compiled__


@difference
def test_a_compiled_function_is_called_past_what_took_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def replaced(*_: object, **__: object) -> NoReturn:
        raise LookupError

    original = parse_request
    listed = {f"http11.{name}" for name in LISTED}
    for module in map(import_module, listed):
        for name, value in [*vars(module).items()]:
            if isinstance(value, FunctionType | BuiltinFunctionType) and value.__module__ in listed:
                monkeypatch.setattr(module, name, replaced)
    assert parsing.parse_request is not original
    if http11.__compiled__:
        assert original(GET).target == b"/"
    else:
        with pytest.raises(LookupError):
            original(GET)


@difference
def test_another_text_says_which_argument_is_wrong() -> None:
    unchecked: Any = parse_request
    with pytest.raises(TypeError, match="'nope'") as unexpected:
        unchecked(GET, nope=1)
    with pytest.raises(TypeError, match="'head'") as missing:
        unchecked()
    texts = (str(unexpected.value), str(missing.value))
    if http11.__compiled__:
        assert texts == (
            "'nope' is an invalid keyword argument for parse_request()",
            "parse_request() missing required argument 'head' (pos 1)",
        )
    else:
        assert texts == (
            "parse_request() got an unexpected keyword argument 'nope'",
            "parse_request() missing 1 required positional argument: 'head'",
        )


@difference
def test_another_text_says_that_an_argument_is_of_another_type() -> None:
    unchecked: Any = parsing.skip_empty_lines
    with pytest.raises(TypeError) as wrong:
        unchecked(b"\r\nGET", "0")
    assert (str(wrong.value) == "int object expected; got str") is http11.__compiled__


def test_the_differences_are_those_on_the_page() -> None:
    page = (ROOT / "docs" / "builds.md").read_text("utf-8")
    assert re.findall(r"^\|.*\| `(test_\w+)` \|$", page, re.MULTILINE) == [*DIFFERENCES]


# --- what mypyc gets wrong, and this package does not ---------------------------------------------------------------

# In a process of its own: where this goes wrong, the interpreter crashes, and so would whatever runs the tests.
WEAKLY = """
import gc, sys, weakref
import http11, http11.compat
from http11 import *

def failed():
    try:
        Request(method="a b", target="/", headers=[("Host", "a")])
    except LocalProtocolError as error:
        return error

made = {
    "a connection": lambda: Connection(SERVER),
    "a connection of compat": lambda: http11.compat.Connection(SERVER),
    "an error": lambda: RemoteProtocolError("x"),
    "an error that was raised": failed,
    "a Request": lambda: Request(method="GET", target="/", headers=[("Host", "a")]),
    "fields": lambda: Headers([("a", "b")]),
    "a Policy": Policy,
}[sys.argv[1]]
for _ in range(200):
    one = made()
    weak = weakref.ref(one)
    gc.collect(0)
    assert weak() is one
    del one
    assert weak() is None
    gc.collect(0)
"""


@pytest.mark.parametrize(
    "what",
    [
        "a connection",
        "a connection of compat",
        "an error",
        "an error that was raised",
        "a Request",
        "fields",
        "a Policy",
    ],
)
def test_a_weak_reference_ends_with_what_it_is_to(what: str) -> None:
    # mypyc 2.4.1 allows one to an instance of a class whose base is not compiled, and never clears it.
    python("-c", WEAKLY, what)


def test_what_caused_an_error_is_told() -> None:
    # mypyc 2.4.1 takes `raise ... from ...` without the cause.
    connection = Connection(SERVER)
    connection.receive_data(b"G@T / HTTP/1.1\r\n")
    with pytest.raises(RemoteProtocolError) as first:
        connection.next_event()
    with pytest.raises(RemoteProtocolError) as second:
        connection.next_event()
    assert second.value.__cause__ is first.value
