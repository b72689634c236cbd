"""Break the code, one small mistake at a time, and see whether a test notices.

``python -m tests.mutants [MODULE ...]`` tries every mutant of the modules (grammar, framing and parsing, if none is
named), each in a copy of http11. One that all tests pass is a decision that nobody tests. It is printed as a diff,
and the command fails; unless it stands in ``same.toml``, with the reason why nobody can tell it from the original. The
command fails as well for what stands there and is killed, or does not exist any more.

``--named`` tries the mistakes of ``named.py`` instead, and says which test notices each. ``--where NAME``, which may be
given several times, tries only those of these functions and constants.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import time
from collections.abc import Sequence

from tests.mutants.changes import mutants
from tests.mutants.listed import entry, listed, reason_for
from tests.mutants.named import NAMED, sources
from tests.mutants.trial import SOURCE, Court, court

MODULES = ("grammar", "framing", "parsing")
# What is run after the vectors: the tests that mirror the module first, and those that take longer last.
TESTS = ("framing", "grammar", "parsing", "connection", "policy", "security", "states", "headers")
SLOW_TESTS = ("errors", "events", "limits", "properties", "stateful")


def main(arguments: Sequence[str] | None = None) -> int:
    """Try what the arguments ask for, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="Break the code, and see who notices.")
    parser.add_argument("modules", nargs="*", default=MODULES, metavar="MODULE")
    parser.add_argument(
        "--named", action="store_true", help="the mistakes of named.py, with the test that notices each"
    )
    parser.add_argument("--where", action="append", help="only those of this function or constant")
    parser.add_argument("--quick", action="store_true", help="without the slow tests, for a first look")
    options = parser.parse_args(arguments)
    with court() as place:
        for module in options.modules:
            killer = place.killer(
                module, (SOURCE / f"{module}.py").read_text("utf-8"), tests(module, slow=not options.quick)
            )
            if killer is not None:
                print(f"{killer} fails for http11 as it is")
                return 2
        if options.named:
            return try_named(place)
        slow = not options.quick
        return max([try_all(place, module, options.where, slow=slow) for module in options.modules])


def tests(module: str, *, slow: bool) -> list[str]:
    """Return the arguments for pytest, the tests of `module` first."""
    names = (*TESTS, *SLOW_TESTS) if slow else TESTS
    return [f"tests/test_{name}.py" for name in sorted(names, key=lambda name: name != module)]


def try_named(place: Court) -> int:
    """Try the named mistakes and print which test notices each."""
    survivors = 0
    for name, changes in NAMED.items():
        for change in changes:
            for source in sources(change):
                killer = place.killer(change.module, source, tests(change.module, slow=True))
                survivors += killer is None
                print(f"{name}: {change}\n    {killer or 'NOBODY NOTICES'}", flush=True)
    return 1 if survivors else 0


def try_all(place: Court, module: str, where: Sequence[str] | None, *, slow: bool) -> int:
    """Try the mutants of `module` and print those that survive and should not."""
    source = (SOURCE / f"{module}.py").read_text("utf-8")
    found = [one for one in mutants(module, source, codes()) if where is None or one.key.where in where]
    entries = [one for one in listed([module]) if where is None or one.where in where]
    begun = time.monotonic()
    survivors, killed_entries = 0, []
    for mutant in found:
        same = reason_for(mutant, entries)
        # What is known to survive need not do so slowly.
        killer = place.killer(module, mutant.source, tests(module, slow=slow and same is None))
        if killer is None and same is None:
            survivors += 1
            print(f"\nSURVIVES: {mutant.what}\n{diff(source, mutant.source, module)}\n{entry(mutant.key)}", flush=True)
        elif killer is not None and same is not None:
            killed_entries.append(f"killed by {killer}: {same}")
    gone = [f"not there any more: {one}" for one in entries if not any(one.covers(mutant) for mutant in found)]
    for problem in (*gone, *killed_entries):
        print(f"\nsame.toml: {problem}")
    known = sum(reason_for(mutant, entries) is not None for mutant in found)
    print(
        f"\n{module}: {len(found)} mutants, {len(found) - known - survivors} killed, {known} listed as the same, "
        f"{survivors} that nobody notices, in {time.monotonic() - begun:.0f} s",
        flush=True,
    )
    return 1 if survivors or gone or killed_entries else 0


def codes() -> frozenset[str]:
    """Return the error codes, read off the source: http11 itself must not be imported here."""
    errors = (SOURCE / "errors.py").read_text("utf-8")
    literal = errors.partition("\nErrorCode: TypeAlias = Literal[\n")[2].partition("\n]\n")[0]
    return frozenset(re.findall(r'^    "([a-z0-9-]+)",$', literal, re.MULTILINE))


def diff(old: str, new: str, module: str) -> str:
    """Return a unified diff."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), f"{module}.py", "the mutant", lineterm="", n=2)
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
