"""Check what a build has made: `python -m tests.wheels FILE...`, each a wheel, or a source distribution.

A compiled wheel has one library for each module that pyproject.toml lists, and one that they share; a pure one and a
source distribution have none. No wheel needs anything at run time but attrs.
"""

from __future__ import annotations

import sys
import tarfile
import tomllib
from collections.abc import Iterator
from email.parser import BytesParser
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))
HOOK = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["mypyc"]
LISTED = {PurePosixPath(path).stem for path in HOOK["include"]}


def libraries(names: list[str]) -> set[str]:
    """Return the names of the libraries, without what says for which Python they are."""
    found = [PurePosixPath(name) for name in names]
    return {path.name.partition(".")[0] for path in found if path.suffix in (".so", ".pyd", ".dll", ".dylib")}


def objections(file: Path) -> Iterator[str]:
    if file.suffix != ".whl":
        with tarfile.open(file) as archive:
            names = archive.getnames()
        if found := libraries(names):
            yield f"expected no library in a source distribution, got {sorted(found)}"
        if not any(name.endswith("/src/http11/py.typed") for name in names):
            yield "expected src/http11/py.typed"
        return
    with ZipFile(file) as wheel:
        names = wheel.namelist()
        [metadata] = [name for name in names if name.endswith(".dist-info/METADATA")]
        needed = BytesParser().parsebytes(wheel.read(metadata)).get_all("Requires-Dist")
    if needed != PROJECT["project"]["dependencies"]:
        yield f"expected to need {PROJECT['project']['dependencies']}, got {needed}"
    pure = file.stem.endswith("-py3-none-any")
    found = libraries(names)
    shared = {name for name in found if name.endswith("__mypyc")}
    if found - shared != (set() if pure else LISTED) or len(shared) != (0 if pure else 1):
        yield f"expected {'no library' if pure else f'one for each of {sorted(LISTED)}, and one'}, got {sorted(found)}"
    if "http11/py.typed" not in names:
        yield "expected http11/py.typed"


def main(files: list[Path]) -> int:
    wrong = [f"{file.name}: {text}" for file in files for text in objections(file)]
    kinds = {"sdist" if file.suffix != ".whl" else "pure" if "-none-any" in file.name else "compiled" for file in files}
    if kinds != {"sdist", "pure", "compiled"}:
        wrong.append(f"expected a source distribution, a pure and a compiled wheel, got {sorted(kinds)}")
    lines = wrong or [f"{file.name}: as it should be, {file.stat().st_size} bytes" for file in files]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
