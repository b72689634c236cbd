"""How bytes that were read are spelled. A terminal obeys control bytes, so none is ever printed as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["HexRow", "escaped", "hex_rows", "latin_1", "number_of"]


def latin_1(value: bytes) -> str:
    """Return one character a byte, U+0000 to U+00FF."""
    return value.decode("latin-1")


def escaped(value: bytes | str) -> str:
    """Spell `value` in visible ASCII, each byte in the same way wherever it stands, so that a caret can point to it."""
    text = value if isinstance(value, str) else latin_1(value)
    return text.encode("unicode_escape").decode("ascii")


def number_of(count: int, one: str, many: str = "") -> str:
    """Spell a number of things: ``1 byte``, ``2 bytes``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


class HexRow(NamedTuple):
    """At most 16 bytes of a hex view.

    Attributes:
        at: The offset of the row's first column, a multiple of 16.
        cells: For each column two hex digits, or two spaces where the view has no byte.
        characters: For each column the byte as a character, ``.`` where it is none, or a space.

    """

    at: int
    cells: tuple[str, ...]
    characters: tuple[str, ...]


_WIDTH = 16


def hex_rows(data: bytes, start: int, hidden: frozenset[int] = frozenset()) -> Iterator[HexRow]:
    """Yield the rows of a hex view of `data`, whose first byte has the offset `start`; `hidden` are offsets."""
    for at in range(start - start % _WIDTH, start + len(data), _WIDTH):
        cells: list[str] = []
        characters: list[str] = []
        for offset in range(at, at + _WIDTH):
            index = offset - start
            if not 0 <= index < len(data):
                cells.append("  ")
                characters.append(" ")
            elif offset in hidden:
                cells.append("**")
                characters.append("*")
            else:
                byte = data[index]
                cells.append(f"{byte:02x}")
                characters.append(chr(byte) if 0x20 <= byte <= 0x7E else ".")  # noqa: PLR2004 - visible, and SP
        yield HexRow(at, tuple(cells), tuple(characters))
