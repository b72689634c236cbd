"""Builds of http11 side by side in one process, each loaded from a directory of its own.

A build is imported as `http11`, as a program would import it, and then taken out of `sys.modules`, so that the next one
can be. Where its modules came from is checked, so nothing that lies about in `src/` passes for what it is not.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
)
from pathlib import Path
from types import ModuleType
from typing import Final

import attrs

ROOT: Final = Path(__file__).parent.parent.parent
SOURCE: Final = ROOT / "src"
PACKAGE: Final = "http11"
# mypyc puts the code of a package's modules into one library beside it, whose name ends like this.
_LIBRARY: Final = "__mypyc"


class WrongBuildError(Exception):
    """A directory does not hold the build that it was given for."""


@attrs.frozen
class Build:
    module: ModuleType
    """What `import http11` gives."""
    directory: Path
    """What has to be on the path for that."""
    modules: Sequence[ModuleType] = attrs.field(repr=False)
    """All that came with it. Compiled code points into its modules without owning them, so they have to stay."""

    @property
    def version(self) -> str:
        return str(self.module.__version__)


def is_compiled(module: ModuleType) -> bool:
    # What stands for another module has no file.
    return str(getattr(module, "__file__", None)).endswith(tuple(EXTENSION_SUFFIXES))


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == PACKAGE or name.endswith(_LIBRARY)


class _Finder(MetaPathFinder):
    """Finds http11 in one directory; without `extensions`, its sources even where compiled modules lie beside them."""

    def __init__(self, directory: Path, *, extensions: bool) -> None:
        self._path = [str(directory)]
        source = (SourceFileLoader, SOURCE_SUFFIXES)
        self._loaders = [(ExtensionFileLoader, EXTENSION_SUFFIXES), source] if extensions else [source]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del target
        if not _is_ours(fullname):
            return None
        for directory in self._path if path is None else path:
            spec = FileFinder(directory, *self._loaders).find_spec(fullname)
            if spec is not None:
                return spec
        if fullname.endswith(_LIBRARY):
            # Other packages have one too.
            return None
        # Another finder's would be of another build.
        raise ModuleNotFoundError(f"no {fullname} in {self._path[0]}", name=fullname)


def _taken_out() -> dict[str, ModuleType]:
    """Take http11 out of what has been imported, and return it."""
    return {name: sys.modules.pop(name) for name in [*sys.modules] if _is_ours(name)}


def _loaded(directory: Path, *, compiled: bool) -> Build:
    finder = _Finder(directory, extensions=compiled)
    there_before = _taken_out()
    sys.meta_path.insert(0, finder)
    try:
        module = import_module(PACKAGE)
        engine = import_module(f"{PACKAGE}.parsing")
    finally:
        sys.meta_path.remove(finder)
        modules = [*_taken_out().values()]
        sys.modules.update(there_before)
    # A compiled build may leave some modules to Python.
    if any(map(is_compiled, [engine, *modules])) != compiled:
        raise WrongBuildError(f"{engine.__name__} in {directory} is not {'compiled' if compiled else 'interpreted'}")
    return Build(module, directory, modules)


def interpreted(directory: Path = SOURCE) -> Build:
    """Load the sources in a directory, whatever has been compiled there.

    Raises:
        ModuleNotFoundError: There is no http11 in it.

    """
    return _loaded(directory, compiled=False)


@cache
def compiled(directory: Path) -> Build:
    """Load a compiled build, as an unpacked wheel has it. It is the same one each time.

    Raises:
        ModuleNotFoundError: There is no http11 in it.
        WrongBuildError: There is, but it is not compiled; or it has been imported already.

    """
    # mypyc keeps a module's state in the library, where a second import would overwrite it.
    for name, module in [*sys.modules.items()]:
        if _is_ours(name) and is_compiled(module) and Path(str(module.__file__)).is_relative_to(directory):
            raise WrongBuildError(f"{module.__file__} has been imported already, and can only be imported once")
    return _loaded(directory, compiled=True)


def sources_of(checkout: Path) -> Path:
    """Return the directory of a checkout that has to be on the path, or the given one if it is that itself."""
    return checkout / "src" if (checkout / "src" / PACKAGE).is_dir() else checkout


def copied(directory: Path, into: Path) -> Path:
    """Copy http11 from where it is installed, so that it can be loaded beside itself, and return where it is."""
    shutil.copytree(directory / PACKAGE, into / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    for library in directory.glob(f"*{_LIBRARY}*"):
        shutil.copy(library, into)
    return into


def unpacked(wheel: Path, directory: Path) -> Path:
    """Unpack a wheel, and return where."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory)
    return directory


def built(directory: Path, *, compiled: bool) -> Path:
    """Build a wheel in a directory, and return it. The checkout stays as it is: what is compiled is a copy.

    Raises:
        subprocess.CalledProcessError: It cannot be built; what was said about it is in the error.

    """
    copy = directory / "checkout"
    shutil.copytree(ROOT, copy, ignore=_no_part_of_it)
    wheels = directory / ("compiled" if compiled else "pure")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(wheels), str(copy)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HATCH_BUILD_")}
    if compiled:
        # With the flags of the published wheels for Linux.
        settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
        environment |= settings["tool"]["cibuildwheel"]["linux"]["environment"]
    subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    shutil.rmtree(copy)
    (wheel,) = wheels.glob("*.whl")
    return wheel


def _no_part_of_it(directory: str, names: list[str]) -> set[str]:
    """Say what of a directory is not copied: the history, environments, caches, and what was compiled in place."""
    del directory
    left_out = {name for name in names if name.startswith(".") or name in ("__pycache__", "build", "dist", "tests")}
    return left_out | {name for name in names if name.endswith(tuple(EXTENSION_SUFFIXES))}
