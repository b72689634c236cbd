"""Modules of other packages, loaded a second time, with http11 where they import h11.

A server or a client that imports h11 can run on http11 without `http11.compat.install_as_h11`, and so without a change
for anybody else in the process: its modules that import h11 are executed again, from their own source, under private
names. In these copies alone, ``import h11`` imports http11. `http11.uvicorn`, `http11.hypercorn` and `http11.httpx` are
made of them. The original modules and h11 itself stay as they are.

This needs the source of the modules, and depends on what they import. So each plug names the releases that it is tested
with, and any other release is an `ImportError`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from importlib.abc import InspectLoader
from importlib.util import find_spec, resolve_name
from itertools import count
from threading import RLock
from types import ModuleType
from typing import Final, TypeAlias

from http11 import compat
from http11.policy import Policy

__all__ = ["Plug", "Release", "require"]

Release: TypeAlias = tuple[int, int]
"""The first two numbers of a version."""

_RELEASE: Final = re.compile(r"([0-9]+)\.([0-9]+)")
_lock: Final = RLock()
_numbers: Final = count()


def require(plug: str, package: str, oldest: Release, newest: Release) -> None:
    """Check that a package is installed, and in a release that a plug is tested with.

    Args:
        plug: The module that needs it, also the name of the extra that installs it.
        package: As the package index calls it.
        oldest: The oldest release that is tested.
        newest: The newest one; each patch of it will do.

    Raises:
        ModuleNotFoundError: It is not installed.
        ImportError: It is another release.

    """
    try:
        version = metadata.version(package)
    except metadata.PackageNotFoundError:
        raise ModuleNotFoundError(
            f"http11.{plug} needs {package}: python -m pip install 'http11[{plug}]'", name=package
        ) from None
    found = _RELEASE.match(version)
    if found is None or not oldest <= (int(found[1]), int(found[2])) <= newest:
        tested = " to ".join(dict.fromkeys([_spelled(oldest), _spelled(newest)]))
        raise ImportError(
            f"http11.{plug} is tested with {package} {tested}, and {version} is installed: install one of those, or "
            f"run the program with python -m http11 run-as-h11"
        )


def _spelled(release: Release) -> str:
    return ".".join(map(str, release))


class Plug:
    """Some modules, and their copies for each policy.

    Args:
        home: The module that the copies are for. Their names begin with its name.
        modules: The names of the modules to copy, each after those of them that it imports.
        instead: Further modules that the copies import instead of others, by the names of these.

    """

    def __init__(self, home: str, modules: Sequence[str], instead: Mapping[str, str] | None = None) -> None:
        self._home = home
        self._modules = modules
        self._instead = instead or {}
        self._copies: dict[Policy, Mapping[str, ModuleType]] = {}

    def copies(self, policy: Policy) -> Mapping[str, ModuleType]:
        """Return the copies, by the names of the modules. For the same policy they are the same ones.

        Args:
            policy: What the connections tolerate that they make.

        Raises:
            ImportError: A module, or its source, is not there.

        """
        # Two sets of classes for one policy would be in each other's way.
        with _lock:
            found = self._copies.get(policy)
            if found is None:
                found = self._copies[policy] = self._copied(policy)
            return found

    def _copied(self, policy: Policy) -> dict[str, ModuleType]:
        prefix = f"{self._home}._{next(_numbers)}"
        private = {name: f"{prefix}_{name.replace('.', '_')}" for name in (*compat.MODULES, *self._modules)}
        replaced = {**self._instead, **private}
        made = {replaced[module.__name__]: module for module in _h11(policy)}
        try:
            # Their imports, and whoever looks up a class's module, look there.
            sys.modules |= made
            copies = {}
            for name in self._modules:
                module = ModuleType(replaced[name])
                made[replaced[name]] = sys.modules[replaced[name]] = copies[name] = module
                _execute(module, name, replaced)
        except BaseException:
            for name in made:
                sys.modules.pop(name, None)
            raise
        return copies


def _h11(policy: Policy) -> Iterator[ModuleType]:
    """Make what stands for h11 and its modules, for one policy."""
    connection = type("Connection", (compat.Connection,), {"default_policy": policy, "__module__": __name__})
    for name, names in compat.MODULES.items():
        module = ModuleType(name, "http11, in h11's place: see http11.plugs.")
        vars(module).update(names)
        if "Connection" in names:
            vars(module)["Connection"] = connection
        yield module


def _execute(module: ModuleType, name: str, replaced: Mapping[str, str]) -> None:
    spec = find_spec(name)
    source = spec.loader.get_source(name) if spec is not None and isinstance(spec.loader, InspectLoader) else None
    if spec is None or source is None or spec.origin is None:
        raise ImportError(f"{module.__name__} is made from the source of {name}, which is not there", name=name)
    # So that `inspect` and debuggers find the lines that run.
    module.__file__ = spec.origin
    package = name if spec.submodule_search_locations is not None else spec.parent
    tree = _Redirected(package or "", replaced).visit(ast.parse(source, spec.origin))
    exec(compile(tree, spec.origin, "exec", dont_inherit=True), vars(module))  # noqa: S102 - as an import would


class _Redirected(ast.NodeTransformer):
    """Makes imports absolute, and those of some modules imports of others."""

    def __init__(self, package: str, replaced: Mapping[str, str]) -> None:
        self._package = package
        self._replaced = replaced

    def visit_Import(self, node: ast.Import) -> ast.Import:
        for alias in node.names:
            if alias.name in self._replaced:
                alias.asname = alias.asname or alias.name
                alias.name = self._replaced[alias.name]
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        name = resolve_name("." * node.level + (node.module or ""), self._package)
        node.module = self._replaced.get(name, name)
        node.level = 0
        return node
