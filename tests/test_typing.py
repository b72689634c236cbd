"""A promise about types is a test: programs in ``tests/typing``, and what four checkers have to say about each line."""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
from operator import attrgetter
from pathlib import Path

import pytest

from tests.typing.checkers import CHECKERS, HERE, ROOT, Checker, Problem, any_expressions, check, is_installed, run
from tests.typing.expectations import expectations, surprises

PROGRAMS = sorted([*HERE.glob("accepted/*.py"), *HERE.glob("rejected/*.py")])
EXPECTED = [one for path in PROGRAMS for one in expectations(path)]
REJECTED = [one for one in EXPECTED if one.path.parent.name == "rejected"]

# typeshed gives the constructor of `type` an `Any`, and so mypy finds one in its name, wherever it stands; and to what
# `vars`, `globals` and `get_args` return.
ANYS = {
    ("_runtime.py", 'if "__slots__" not in vars(cls):'),
    ("_runtime.py", 'type.__setattr__(cls, "__slots__", tuple(vars(cls)["__mypyc_attrs__"]))'),
    ("_runtime.py", 'puts: list[_Put] = [vars(cls)[name].__set__ for name in vars(cls)["__slots__"]]'),
    ("events.py", '_made: Final[Callable[[object, object], None]] = _Made.__dict__["_made"].__set__'),
    ("grammar.py", 'globals()["run_end"] = end_by_pattern'),
    ("parts.py", 'globals()["fill_request"] = filler(RequestParts)'),
    ("parts.py", 'globals()["fill_response"] = filler(ResponseParts)'),
    ("parts.py", 'globals()["fill_data"] = filler(DataParts)'),
    ("parts.py", 'globals()["fill_end"] = filler(EndParts)'),
    ("states.py", "_CLIENT_MOVES: Final[dict[State, dict[Move, State]]] = {"),
    ("states.py", 'state: dict(TRANSITIONS["CLIENT"].get(state, {})) for state in get_args(State)'),
    ("states.py", "_SERVER_MOVES: Final[dict[State, dict[Move, State]]] = {"),
    ("states.py", 'state: dict(TRANSITIONS["SERVER"].get(state, {})) for state in get_args(State)'),
    ("events.py", 'type.__setattr__(_signal, "__class__", _signal)'),
    ("demo.py", "while isinstance(event := self.connection.next_event(), type):"),
    ("pipelining.py", "if isinstance(event, (type, ConnectionClosed)):"),
    ("_runtime.py", 'for name in {"__getstate__", "__setstate__"} & vars(cls).keys():'),
    ("_runtime.py", "type.__delattr__(cls, name)"),
    ("fields.py", "members: tuple[object, ...] = tuple(islice(pair, 3))"),
}

# What these hand on has the types that other packages give it, and `plugs` loads what no checker can know.
PLUGS = {"gunicorn", "httpx", "hypercorn", "uvicorn", "plugs"}
# And what the command line shows comes from data, and from a library that has no types.
OTHERS = PLUGS | {"inspector"}


def needs(checker: Checker) -> None:
    # Where the checkers are expected, one that is not there is a failure, and not something to leave out.
    if not is_installed(checker) and not os.environ.get("HTTP11_CHECKERS"):
        pytest.skip(f"{checker} is not installed: python -m pip install --group lint")


@pytest.mark.parametrize("checker", CHECKERS)
def test_each_line_is_accepted_or_rejected_as_it_says(checker: Checker) -> None:
    needs(checker)
    assert "\n".join(surprises(checker, EXPECTED, check(checker))) == ""


def test_mypy_finds_each_mistake_and_most_of_them_everybody_does() -> None:
    assert len(REJECTED) > 240
    assert all("mypy" in one.codes for one in REJECTED)
    missed = {checker: sum(checker not in one.codes for one in REJECTED) for checker in CHECKERS}
    # pyright and ty do not look into `attrs.evolve`, ty and pyrefly not for what can never be equal.
    assert missed == {"mypy": 0, "pyright": 25, "ty": 37, "pyrefly": 14}


def test_a_surprise_of_each_kind_is_told() -> None:
    [wrong, *_] = REJECTED
    code = wrong.codes["mypy"]
    as_expected = Problem(wrong.path, wrong.line, code, f"so {wrong.word} is")
    assert surprises("mypy", [wrong], [as_expected]) == []
    for problems in (
        [],
        [as_expected._replace(code="syntax")],
        [as_expected._replace(message="something else")],
        [as_expected, as_expected._replace(line=wrong.line + 1)],
        [as_expected, as_expected._replace(path=wrong.path.with_name("another.py"))],
    ):
        assert len(surprises("mypy", [wrong], problems)) == 1
    unseen = wrong._replace(codes={})
    assert surprises("mypy", [unseen], []) == []
    assert len(surprises("mypy", [unseen], [as_expected])) == 1


def test_no_expression_of_ours_has_an_any_in_its_type_but_those_that_are_listed() -> None:
    needs("mypy")
    found = any_expressions(ROOT / "src")
    # Without the comments, which say something else.
    lines = {
        (one.path.name, one.path.read_text("utf-8").splitlines()[one.line - 1])
        for one in found
        if not {one.path.stem, one.path.parent.name} & OTHERS
    }
    assert {(name, line.partition("  # ")[0].strip()) for name, line in lines} == ANYS


def test_pyright_knows_the_type_of_every_public_symbol() -> None:
    needs("pyright")
    # Here it goes by the `python` that it finds, whatever it is told.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    report = json.loads(run(["pyright", "--verifytypes=http11", "--outputjson"], ROOT, {"PATH": path}))
    symbols = [
        symbol
        for symbol in report["typeCompleteness"]["symbols"]
        if symbol["isExported"] and symbol["name"].partition(".")[0] == "http11"
    ]
    unknown = [symbol["name"] for symbol in symbols if not symbol["isTypeKnown"] or symbol["isTypeAmbiguous"]]
    assert len(symbols) > 400
    assert [name for name in unknown if name.split(".")[1] not in OTHERS] == []


def test_what_the_checkers_read_is_what_python_runs() -> None:
    needs("mypy")
    allowlist = HERE / "stubtest-allowlist.txt"
    command = ["mypy.stubtest", "http11", "--mypy-config-file=mypy.ini", f"--allowlist={allowlist}"]
    assert run([*command, "--ignore-unused-allowlist"], ROOT).startswith("Success")


# --- accepted programs ------------------------------------------------------------------------------------------------

ACCEPTED = sorted(HERE.glob("accepted/*.py"))


@pytest.mark.parametrize(
    "path", [path for path in ACCEPTED if "def main()" in path.read_text("utf-8")], ids=attrgetter("stem")
)
def test_an_accepted_program_does_what_it_should(path: Path) -> None:
    # Otherwise it might satisfy every checker and be wrong.
    importlib.import_module(f"tests.typing.accepted.{path.stem}").main()


@pytest.mark.parametrize("path", ACCEPTED, ids=attrgetter("stem"))
def test_an_accepted_program_silences_no_checker(path: Path) -> None:
    # What needs one of these to be accepted proves nothing.
    forbidden = re.compile(r"\bcast\(|type: ignore|pyright:|ty: ignore|pyrefly:|\bAny\b")
    assert forbidden.findall(path.read_text("utf-8")) == []
