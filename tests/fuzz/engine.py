"""The process that fuzzes, under atheris: ``python -m tests.fuzz.engine TARGET [libFuzzer's options]``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Protocol, cast


class Atheris(Protocol):
    """What we use of atheris, which has no types."""

    def instrument_imports(self, include: Sequence[str]) -> AbstractContextManager[None]: ...
    def Setup(self, args: list[str], target: Callable[[bytes], None]) -> object: ...  # noqa: N802 - its name
    def Fuzz(self) -> None: ...  # noqa: N802


def main(target: str, options: list[str]) -> None:
    atheris = cast("Atheris", import_module("atheris"))
    # Before anything else imports the engine: what is imported already cannot be seen into.
    with atheris.instrument_imports(include=["http11"]):
        import_module("http11")
    from tests.fuzz.targets import TARGETS

    check = TARGETS[target].check

    def one_input(raw: bytes) -> None:
        check(raw)

    atheris.Setup([sys.argv[0], *options], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
