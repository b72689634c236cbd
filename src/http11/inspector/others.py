"""What h11, llhttp, hyper, Go and nginx do with input that is wrong in a given way: `others.json`, made of the vectors.

h11 and llhttp were measured; of hyper, Go and nginx the sources were read. It says what they do with input of that
kind. What they do with the very bytes, `--compare` says of those that are installed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Final

import attrs

from http11 import RemoteProtocolError

__all__ = ["Explanation", "Other", "explanation"]

_MEASURED: Final[Mapping[str, str]] = {"h11": "h11 {}", "llhttp": "llhttp (httptools {})"}
_READ: Final = ("hyper", "Go", "nginx")


@attrs.frozen
class Other:
    """What another implementation does.

    Attributes:
        name: What it is called, with the version if it was measured.
        does: What it does.
        source: Where that was read, or by how many vectors it was measured.

    """

    name: str
    does: str
    source: str


@attrs.frozen
class Explanation:
    """What is known of one way to be wrong.

    Attributes:
        row: The row of docs/strictness.md, such as ``"LN-1"``.
        input: What it is about.
        why: Why it is refused.
        others: What others do.

    """

    row: str
    input: str
    why: str
    others: tuple[Other, ...]


@attrs.frozen(kw_only=True)
class _Case:
    code: str
    row: str
    tolerance: str | None
    vectors: int
    why: str
    h11: Mapping[str, int]
    llhttp: Mapping[str, int]


@attrs.frozen(kw_only=True)
class _Data:
    versions: Mapping[str, str]
    sources: Mapping[str, str]
    rows: Mapping[str, Mapping[str, str | Mapping[str, str | list[str]]]]
    cases: list[_Case]


@cache
def _data() -> _Data:
    data = json.loads(files("http11.inspector").joinpath("others.json").read_text("utf-8"))
    cases = [_Case(**case) for case in data["cases"]]
    return _Data(versions=data["versions"], sources=data["sources"], rows=data["rows"], cases=cases)


def explanation(error: RemoteProtocolError) -> Explanation | None:
    """Return what is known of the way in which `error` is wrong; None if no vector is wrong in that way."""
    data = _data()
    cases = [case for case in data.cases if case.code == error.code]
    if not cases:
        return None
    # The door tells rows of one code apart. Of those that are left, the one that most vectors are about.
    case = max(cases, key=lambda case: (case.tolerance == error.tolerance, case.vectors))
    row = data.rows[case.row]
    return Explanation(case.row, str(row["input"]), case.why, (*_measured(case, data), *_read(case, data)))


def _measured(case: _Case, data: _Data) -> Iterator[Other]:
    for package, counts in (("h11", case.h11), ("llhttp", case.llhttp)):
        asked, lets_in, waits = counts["asked"], counts["lets_in"], counts["waits"]
        if not asked:
            continue
        refuses = asked - lets_in - waits
        found = [(refuses, "refuses"), (lets_in, "accepts"), (waits, "waits for more")]
        said = [(count, verb) for count, verb in found if count]
        does = said[0][1] if len(said) == 1 else ", ".join(f"{verb} {count} of {asked}" for count, verb in said)
        name = _MEASURED[package].format(data.versions[package])
        yield Other(name, does, f"measured by {asked} vector{'s' * (asked > 1)}")


def _read(case: _Case, data: _Data) -> Iterator[Other]:
    for name in _READ:
        claim = data.rows[case.row].get(name)
        if isinstance(claim, Mapping):
            sources = [data.sources[key] for key in claim["sources"]]
            yield Other(name, str(claim["does"]), "; ".join(sources))
