"""The mutants that may survive: those that change nothing that anybody can observe, each with the reason."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.mutants.changes import Key, Mutant

__all__ = ["LISTED", "Same", "entry", "listed", "reason_for"]

LISTED: Final = Path(__file__).with_name("same.toml")


class Same(NamedTuple):
    """An entry: one mutant, or all of a kind in one place.

    Attributes:
        module: The module's name.
        where: The function, method or constant.
        old: The lines that are changed; `None` for any.
        new: What they become; `None` for anything.
        number: Which one of several that are the same in all this; `None` for all of them.
        what: The kind of change; `None` for any.
        reason: Why nobody can observe it.

    """

    module: str
    where: str
    reason: str
    old: str | None = None
    new: str | None = None
    number: int | None = None
    what: str | None = None

    def covers(self, mutant: Mutant) -> bool:
        """Tell whether `mutant` is what the entry is about."""
        key = mutant.key
        return (self.module, self.where) == (key.module, key.where) and all(
            wanted in (None, found)
            for wanted, found in (
                (self.old, key.old),
                (self.new, key.new),
                (self.number, key.number),
                (self.what, mutant.what),
            )
        )


def listed(modules: Iterable[str], path: Path = LISTED) -> list[Same]:
    """Return the entries for `modules`."""
    tables = tomllib.loads(path.read_text("utf-8")).get("mutant", [])
    return [Same(**table) for table in tables if table["module"] in modules]


def reason_for(mutant: Mutant, entries: Sequence[Same]) -> Same | None:
    """Return the entry that covers `mutant`."""
    return next((one for one in entries if one.covers(mutant)), None)


def entry(key: Key) -> str:
    """Spell the entry for a mutant as the file has it, without the reason."""
    parts = [f"module = {_toml(key.module)}", f"where = {_toml(key.where)}"]
    parts += [f"old = {_toml(key.old)}", f"new = {_toml(key.new)}"]
    if key.number > 1:
        parts.append(f"number = {key.number}")
    return "\n".join(["[[mutant]]", *parts])


def _toml(text: str) -> str:
    if "'" not in text:
        return f"'{text}'"
    # In TOML the only other string that takes a backslash as it is.
    return f"'''{text}'''"
