"""Check what a build has made: `python -m tests.wheels --sdist FILE --pure FILE --compiled FILE`.

A compiled wheel has one library for each module that pyproject.toml lists, and one that they share; a pure one and a
source distribution have none. All have every source, and no wheel needs anything at run time but attrs.
"""

from __future__ import annotations

import argparse
import re
import sys
import tarfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from email.parser import BytesParser
from pathlib import Path, PurePosixPath
from typing import Final, Literal, TypeAlias
from zipfile import ZipFile

Kind: TypeAlias = Literal["sdist", "pure", "compiled"]

ROOT: Final = Path(__file__).parent.parent
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
HOOK: Final = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["mypyc"]
LISTED: Final = {PurePosixPath(path).stem for path in HOOK["include"]}
"""The modules that are compiled."""
SHARED: Final = "http11__mypyc"
"""The library that holds the code of all of them."""

_PACKAGE: Final = ROOT / "src" / "http11"
SOURCES: Final = {
    path.relative_to(_PACKAGE).as_posix()
    for path in _PACKAGE.rglob("*")
    if path.suffix in (".py", ".typed", ".json", ".css", ".js")
}
# What else a source distribution has to have, so that it can be built, tested and read.
ALONG: Final = {"LICENSE", "README.md", "pyproject.toml", "mypy.ini", "tests/wheels.py", "docs/builds.md", "stubs/h11"}

_NAMES: Final[dict[Kind, str]] = {
    "sdist": r"http11-[0-9a-z.]+\.tar\.gz",
    "pure": r"http11-[0-9a-z.]+-py3-none-any\.whl",
    "compiled": r"http11-[0-9a-z.]+-cp3\d+-cp3\d+-(?!any)[a-z0-9_.]+\.whl",
}


def libraries(names: Iterable[str]) -> set[str]:
    """Return the names of the libraries, without what says for which Python they are."""
    found = [PurePosixPath(name) for name in names]
    return {path.name.partition(".")[0] for path in found if path.suffix in (".so", ".pyd", ".dll", ".dylib")}


def objections(kind: Kind, file: Path) -> Iterator[str]:
    """Say what is wrong with a file."""
    if re.fullmatch(_NAMES[kind], file.name) is None:
        yield f"expected a name like {_NAMES[kind]}"
    names = _sdist(file) if kind == "sdist" else _wheel(file)
    package = "src/http11" if kind == "sdist" else "http11"
    wanted = {f"{package}/{name}" for name in SOURCES} | (ALONG if kind == "sdist" else set())
    there = names | {str(parent) for name in names for parent in PurePosixPath(name).parents}
    if missing := wanted - there:
        yield f"expected {sorted(missing)}"
    expected = LISTED | {SHARED} if kind == "compiled" else set()
    if (found := libraries(names)) != expected:
        yield f"expected {sorted(expected)} as libraries, got {sorted(found)}"
    if kind != "sdist" and (needed := _needed(file)) != PROJECT["project"]["dependencies"]:
        yield f"expected to need {PROJECT['project']['dependencies']}, got {needed}"


def _sdist(file: Path) -> set[str]:
    with tarfile.open(file) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def _wheel(file: Path) -> set[str]:
    with ZipFile(file) as wheel:
        return set(wheel.namelist())


def _needed(file: Path) -> list[str]:
    with ZipFile(file) as wheel:
        [metadata] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        needed = BytesParser().parsebytes(wheel.read(metadata)).get_all("Requires-Dist", [])
    # What an extra needs, nobody needs who does not ask for it.
    return [one for one in needed if "extra ==" not in one]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.wheels", description="Check what a build has made.")
    kinds: tuple[Kind, ...] = ("sdist", "pure", "compiled")
    for kind in kinds:
        parser.add_argument(f"--{kind}", type=Path, metavar="FILE")
    given: dict[str, Path | None] = vars(parser.parse_args(arguments))
    files: dict[Kind, Path] = {kind: file for kind in kinds if (file := given[kind]) is not None}
    if not files:
        parser.error("expected a file")
    wrong = [f"{file.name}: {text}" for kind, file in files.items() for text in objections(kind, file)]
    lines = wrong or [f"{file.name}: as it should be, {file.stat().st_size} bytes" for file in files.values()]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
