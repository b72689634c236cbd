"""How a pattern can be changed: its classes by one byte, its repetitions by one time, its groups, its literals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

__all__ = ["Change", "pattern_changes"]


class Change(NamedTuple):
    """What to put where, and what that does."""

    start: int
    stop: int
    text: str
    what: str


_TOKEN: Final = re.compile(
    r"""
      (?P<set> \[ \^? (?: \\. | [^\]\\] )+ \] )
    | (?P<open> \( (?: \?(?: [:>=!] | <[=!] ) )? )
    | (?P<close> \) )
    | (?P<either> \| )
    | (?P<times> (?: [*+?] | \{ [0-9]+ (?: , [0-9]+ )? \} ) \+? )
    | (?P<place> %b )
    | (?P<byte> \\x[0-9a-f]{2} | \\. | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_MEMBER: Final = re.compile(r"(\\x[0-9a-f]{2}|\\.|[^\\])(?:-(\\x[0-9a-f]{2}|\\.|[^\\\]]))?", re.DOTALL)


class _Token(NamedTuple):
    kind: str
    text: str
    start: int

    @property
    def stop(self) -> int:
        return self.start + len(self.text)


def pattern_changes(text: str) -> Iterator[Change]:
    """Yield the changes to a pattern, or a part of one, in which ``%b`` may stand for another part."""
    tokens = [_Token(match.lastgroup or "", match[0], match.start()) for match in _TOKEN.finditer(text)]
    for token, behind in pairwise([*tokens, _Token("end", "", len(text))]):
        match token.kind:
            case "set":
                yield from (Change(token.start, token.stop, *change) for change in _set_changes(token.text))
            case "times":
                yield from (Change(token.start, token.stop, *change) for change in _times_changes(token.text))
            case "byte" if behind.kind != "times":
                yield Change(token.start, token.stop, "", "a literal dropped")
                yield Change(token.stop, token.stop, "?", "a literal optional")
                yield Change(token.stop, token.stop, "+", "a literal repeated")
                if token.text == r"\.":
                    yield Change(token.start, token.stop, ".", "any byte")
            case "open" if token.text == "(?>":
                yield Change(token.start, token.stop, "(?:", "an atomic group dropped")
            case _:
                pass
    yield from _group_changes(tokens, len(text))


def _set_changes(text: str) -> Iterator[tuple[str, str]]:
    allowed = _members(text)
    edges = [byte for byte in range(256) if byte in allowed and not {byte - 1, byte + 1} <= allowed]
    for byte in edges:
        if len(allowed) > 1:
            yield _spelled(allowed - {byte}), f"one byte less: 0x{byte:02X}"
    beside = {near for edge in edges for near in (edge - 1, edge + 1) if 0 <= near <= 0xFF} - allowed
    for byte in sorted(beside):
        yield _spelled(allowed | {byte}), f"one byte more: 0x{byte:02X}"


def _members(text: str) -> frozenset[int]:
    negated = text.startswith("[^")
    members = set()
    for first, last in _MEMBER.findall(text[1 + negated : -1]):
        members |= set(range(_byte(first), _byte(last or first) + 1))
    return frozenset(range(256)) - members if negated else frozenset(members)


def _byte(text: str) -> int:
    if text.startswith(r"\x"):
        return int(text.removeprefix(r"\x"), 16)
    known = {r"\t": "\t", r"\n": "\n", r"\r": "\r"}
    return ord(known.get(text, text[-1]))


def _spelled(members: frozenset[int]) -> str:
    begins = [byte for byte in sorted(members) if byte - 1 not in members]
    ends = [byte for byte in sorted(members) if byte + 1 not in members]
    return "[{}]".format("".join(rf"\x{first:02x}-\x{last:02x}" for first, last in zip(begins, ends, strict=True)))


def _times_changes(text: str) -> Iterator[tuple[str, str]]:
    possessive = "+" if len(text) > 1 and text.endswith("+") else ""
    times = text.removesuffix("+") if possessive else text
    if possessive:
        yield times, "possession dropped"
    if times in ("*", "+"):
        other = "+" if times == "*" else "*"
        yield other + possessive, f"{times} to {other}"
    elif times == "?":
        yield "", "? dropped"
        yield "*" + possessive, "? to *"
    else:
        counts = [int(count) for count in times[1:-1].split(",")]
        for place in range(len(counts)):
            for step in (-1, 1):
                changed = [*counts[:place], counts[place] + step, *counts[place + 1 :]]
                if changed == sorted(changed) and changed[0] >= 0:
                    spelled = ",".join(map(str, changed))
                    yield f"{{{spelled}}}{possessive}", "a count changed"


def _group_changes(tokens: Sequence[_Token], size: int) -> Iterator[Change]:
    """Drop each alternative, and each look around."""
    # For each group that is open: its opening, and where its alternatives begin.
    stack: list[tuple[_Token, list[int]]] = [(_Token("open", "", 0), [0])]
    for token in [*tokens, _Token("close", "", size)]:
        if token.kind == "open":
            stack.append((token, [token.stop]))
        elif token.kind == "either":
            stack[-1][1].append(token.stop)
        elif token.kind == "close":
            opening, begins = stack.pop()
            yield from _alternatives_dropped([*begins, token.start + 1])
            if opening.text in ("(?!", "(?<!", "(?=", "(?<="):
                yield Change(opening.start, token.stop, "", "a look around dropped")


def _alternatives_dropped(begins: Sequence[int]) -> Iterator[Change]:
    for place, (start, stop) in enumerate(pairwise(begins)):
        if len(begins) > 2:
            last = place == len(begins) - 2
            # The last one goes with the bar before it, the others with the one behind.
            yield Change(start - last, stop - last, "", "an alternative dropped")
