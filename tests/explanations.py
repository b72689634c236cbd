"""What ``http11 inspect --explain`` says: src/http11/inspector/others.json, made of the vectors.

    python -m tests.explanations            write the file
    python -m tests.explanations --check    fail if it is not what the data make

For each way to be wrong (an error's code, the row of the table and the field of `Policy` that would let it in), the
reason that most of its vectors give, and what h11 and llhttp do with those vectors, measured. What hyper, Go and nginx
do stands beside each row, with its sources.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from importlib import metadata
from pathlib import Path
from typing import Final, TypeAlias

from http11 import STRICT
from tests.harness import ROOT, Reader, Vector, doors, reading_vectors
from tests.strictness import NOT_ESTABLISHED, PACKAGES, PARSERS, READ, compare, table

FILE: Final[Path] = ROOT / "src" / "http11" / "inspector" / "others.json"

Case: TypeAlias = tuple[str, str, str | None]
"""A code, a row and a field of `Policy`."""


def _case(vector: Vector) -> Case | None:
    """Say how `vector` is wrong under STRICT; None if it is not."""
    reader = Reader(
        vector.role,
        policy=vector.policy(STRICT),
        request=vector.request,
        then=vector.then,
        limit=vector.limit,
    )
    for piece in (vector.data, b"") if vector.closed else (vector.data,):
        reader.feed(piece)
    return (reader.errors[0].code, vector.id, reader.errors[0].tolerance) if reader.errors else None


def _measured(package: str, vectors: list[Vector]) -> dict[str, int]:
    """Count of how many vectors the package can be asked, how many it lets in, and on how many it waits for more."""
    reads, asks = PARSERS[package]
    asked = [vector for vector in vectors if asks(vector)]
    found = Counter(compare(vector.strict, reads(vector)) for vector in asked)
    return {"asked": len(asked), "lets_in": found["lets_in"], "waits": found["waits"]}


def _cases() -> list[dict[str, object]]:
    cases: defaultdict[Case, list[Vector]] = defaultdict(list)
    for vector in reading_vectors():
        # What a door lets in is refused for the reason of another row, which says it better.
        if vector.id not in doors() and (case := _case(vector)) is not None:
            cases[case].append(vector)
    return [
        {
            "code": code,
            "row": row,
            "tolerance": tolerance,
            "vectors": len(vectors),
            "why": Counter(vector.why for vector in vectors).most_common(1)[0][0],
            **{name: _measured(package, vectors) for package, name in PACKAGES.items()},
        }
        for (code, row, tolerance), vectors in sorted(cases.items(), key=lambda item: (item[0][0], -len(item[1])))
    ]


def data() -> dict[str, object]:
    """Return what the file has to hold."""
    cases = _cases()
    rows = [row for row in table().rows if any(case["row"] == row.id for case in cases)]
    used = {key for row in rows for claim in row.claims.values() for key in claim.source}
    return {
        "versions": {name: metadata.version(package) for package, name in PACKAGES.items()},
        "sources": {
            key: f"{source.repository} {source.path}" for key, source in table().sources.items() if key in used
        },
        "rows": {
            row.id: {
                "input": row.input,
                **{
                    READ[key]: {"does": claim.does, "sources": list(claim.source)}
                    for key, claim in row.claims.items()
                    if claim.does != NOT_ESTABLISHED
                },
            }
            for row in rows
        },
        "cases": cases,
    }


def text() -> str:
    """Spell it, so that a change shows line by line."""
    whole = data()
    parts = []
    for name, part in whole.items():
        if isinstance(part, list):
            lines = ",\n".join(json.dumps(member) for member in part)
            parts.append(f'"{name}": [\n{lines}\n]')
        elif isinstance(part, dict):
            lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(member)}" for key, member in part.items())
            parts.append(f'"{name}": {{\n{lines}\n}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.explanations", description="Make others.json.")
    parser.add_argument("--check", action="store_true", help="only see whether it is what the data make")
    given = parser.parse_args(arguments)
    if not given.check:
        FILE.write_text(text(), "utf-8")
        return 0
    if FILE.read_text("utf-8") == text():
        return 0
    sys.stderr.write(f"{FILE.name} is not what the data make: run python -m tests.explanations\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
