"""The target ``sections``: an input is three bytes of choices, and one head, trailer section or chunk line.

The pure parsers read it, by the pattern over the whole and by the walk, which is all that a compiled build has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, get_args

import attrs

from http11 import H11, STRICT, Policy
from http11.parsing import Section
from tests.apart import Kind, Refused, taken_apart
from tests.harness import reading_vectors
from tests.test_lines import (
    check_a_short_chunk_line,
    check_beginnings,
    check_what_a_pattern_matches,
    check_where_it_ends,
    is_matched,
)
from tests.test_parsing import check_a_section_is_parsed_into_its_parts
from tests.test_properties import POLICIES, SMALL

KINDS: Final[tuple[Kind, ...]] = (*get_args(Section), "chunk line")


@attrs.frozen
class Case:
    """A section, by what it is read, whether that tolerates anything, and how much of it is a beginning."""

    kind: Kind
    text: bytes
    policy: Policy
    tolerant: bool
    size: int


def decode(raw: bytes) -> Case:
    first, second, third = raw[:3].ljust(3, b"\0")
    kind, policy = KINDS[first & 3], POLICIES[second % len(POLICIES)]
    text = raw[3:] + b"\r\n" if kind == "chunk line" else raw[3:]
    limited = attrs.evolve(policy, **SMALL) if first & 4 else policy
    return Case(kind, text, limited, policy is not STRICT, third % len(text) if text else 0)


def the_walk_finds_what_the_pattern_finds(case: Case) -> None:
    check_what_a_pattern_matches(case.kind, case.text, case.policy, tolerant=case.tolerant)
    if case.kind == "chunk line":
        check_a_short_chunk_line(case.text)


def what_is_wrong_is_wrong_however_it_goes_on(case: Case) -> None:
    check_beginnings(case.kind, case.text, case.policy, [case.size] if case.text else [])


def an_event_has_the_parts_of_its_section(case: Case) -> None:
    check_a_section_is_parsed_into_its_parts(case.kind, case.text, case.policy)


def the_end_is_the_first_empty_line(case: Case) -> None:
    if case.kind != "chunk line":
        for seen in (0, case.size):
            check_where_it_ends(case.text, case.kind, seen)


PROPERTIES: Final = (
    the_walk_finds_what_the_pattern_finds,
    what_is_wrong_is_wrong_however_it_goes_on,
    an_event_has_the_parts_of_its_section,
    the_end_is_the_first_empty_line,
)


def seeds() -> Iterator[bytes]:
    """Spell what the vectors have of heads, and what stands after them."""
    for vector in reading_vectors():
        head, end, rest = vector.data.partition(b"\r\n\r\n")
        line, _, trailers = rest.partition(b"\r\n")
        for policy in (STRICT, H11):
            choices = bytes([POLICIES.index(policy), 7])
            yield bytes([vector.role == "CLIENT"]) + choices + head + end
            if rest:
                yield b"\x03" + choices + line
                yield b"\x02" + choices + trailers


def features(case: Case) -> Iterator[object]:
    yield case.kind, case.policy
    yield case.kind, is_matched(case.kind, case.text)
    for text in (case.text, case.text[: case.size]):
        found = taken_apart(case.kind, text, case.policy)
        yield case.kind, found.code if isinstance(found, Refused) else None
