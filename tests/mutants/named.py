"""The mistakes that a strict parser must be safe from, by name: each of them has to make a test fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from tests.mutants.trial import SOURCE

__all__ = ["NAMED", "Replacement", "sources"]


class Replacement(NamedTuple):
    """A text, and what becomes of each place where it stands, one after the other."""

    module: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.module}.py: {_short(self.old)} -> {_short(self.new)}"


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) < 60 else f"{words[:28]} ... {words[-28:]}"


_LENGTHS: Final = """\
    # Digits alone get here, so that `int` cannot be asked for more than it should know.
    return int(values[names.first[b"content-length"]])
"""
_CODINGS: Final = """\
    # "Transfer-Encoding overrides the Content-Length"; the only coding that gets here is `chunked`.
    if b"transfer-encoding" in names.first:
        return CHUNKED
"""
_LENGTHS_FIRST: Final = """\
    if b"content-length" in names.first:
        return int(values[names.first[b"content-length"]])
    return CHUNKED
"""

NAMED: Final[dict[str, tuple[Replacement, ...]]] = {
    "accept one more byte in a class": (
        Replacement("grammar", r'_TCHAR: Final = rb"[!', r'_TCHAR: Final = rb"[(!'),
        Replacement("grammar", r'_TEXT: Final = rb"[\t', r'_TEXT: Final = rb"[\t\x0b'),
        Replacement("grammar", r"""_TARGET_CHAR: Final = rb'[!"$-~]'""", r"""_TARGET_CHAR: Final = rb'[!-~]'"""),
        Replacement("grammar", r'_OWS: Final = rb"[ \t]*+"', r'_OWS: Final = rb"[ \t\x0b]*+"'),
        Replacement("grammar", "([0-9A-Fa-f]{1,16}+)", "([0-9A-Fa-f_]{1,16}+)"),
        Replacement("grammar", "[0-9]++", "[0-9_]++"),
    ),
    "swap the precedence of chunked and length": (Replacement("framing", _CODINGS + _LENGTHS, _LENGTHS_FIRST),),
    "drop the check after chunk data": (
        Replacement("parsing", 'if data.startswith(b"\\r\\n", start):', "if start + 2 <= len(data):"),
    ),
    "raise a limit": (
        Replacement("policy", "max_method_size: int = 64", "max_method_size: int = 65"),
        Replacement("policy", "max_fields: int | None = 256", "max_fields: int | None = 257"),
        Replacement(
            "policy", "max_informational_responses: int | None = 64", "max_informational_responses: int | None = 65"
        ),
        Replacement("policy", "max_chunk_line_size: int | None = 256", "max_chunk_line_size: int | None = 257"),
        Replacement(
            "policy", "max_chunk_extension_excess: int | None = 16384", "max_chunk_extension_excess: int | None = 16385"
        ),
        Replacement("connection", "SIZE: Final = 16 * 1024", "SIZE: Final = 16 * 1024 + 1"),
        Replacement("parsing", "if stop - start > limit:", "if stop - start > limit + 1:"),
        Replacement("scanning", "_SIZE_DIGITS: Final = 16", "_SIZE_DIGITS: Final = 17"),
        Replacement("grammar", "{1,16}+", "{1,17}+"),
        Replacement("headers", "_LENGTH_DIGITS: Final = 19", "_LENGTH_DIGITS: Final = 20"),
        Replacement("headers", "_LENGTH_MAX: Final = 2**63 - 1", "_LENGTH_MAX: Final = 2**63"),
    ),
    "strip with bytes.strip()": tuple(
        Replacement(module, f'strip(b" {tab}")', "strip()")
        for module, tab in (("headers", r"\t"), ("parsing", r"\t"), ("parsing", r"\t\r"), ("scanning", r"\t"))
    ),
    "use int() on an unchecked size": (
        Replacement(
            "parsing",
            '        _read_whole(line + b"\\r\\n", "chunk line", policy)\n',
            '        return ChunkLine(int(line.partition(b";")[0], 16), 0)\n',
        ),
        Replacement(
            "headers",
            "    if grammar.CONTENT_LENGTH.fullmatch(value) is None:\n        return False\n",
            "    try:\n        int(value)\n    except ValueError:\n        return False\n",
        ),
    ),
}


def sources(change: Replacement) -> Iterator[str]:
    """Yield the changed module, once for each place.

    Raises:
        ValueError: There is none.

    """
    source = (SOURCE / f"{change.module}.py").read_text("utf-8")
    parts = source.split(change.old)
    if len(parts) == 1:
        raise ValueError(f"not there any more: {change}")
    for place in range(1, len(parts)):
        yield change.old.join(parts[:place]) + change.new + change.old.join(parts[place:])
