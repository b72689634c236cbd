"""A list of fields, and the rules that each field keeps by itself (RFC 9110 5): names, values, and the field lines.

`http11.headers` shows the list to users. What fields must keep together is in `http11.rules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final, TypeAlias, final

from http11._runtime import filler, mypyc_attr
from http11.errors import LocalProtocolError, byte_name, clipped, violation
from http11.grammar import COMPILED, FIELD_NAME, FIELD_SECTION, TOKEN_RUN, VALUE_RUN, run_end

__all__ = [
    "Field",
    "Fields",
    "as_bytes",
    "field_lines",
    "is_value",
    "list_members",
    "take_checked",
    "take_received",
]

Field: TypeAlias = tuple[bytes, bytes]
"""One field: its name and its value."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Fields:
    """What `http11.Headers` holds: nothing of it changes once it is filled.

    Attributes:
        _raw: Name as it was spelled, and value.
        _pairs: Name in lower case, and value.
        _special: The values of the fields that decide something about the message, by the name in lower case.
        _lines: The field lines, where they have been made: each with its CRLF.
        _strict: Whether the message that has them is one that a sender may send, as far as its reader knows. What is
            not is checked again, by its constructor, before it is sent.

    """

    __slots__ = ("_lines", "_pairs", "_raw", "_special", "_strict")

    _lines: bytes | None
    _pairs: tuple[Field, ...]
    _raw: list[Field]
    _special: dict[bytes, list[bytes]]
    _strict: bool


def _fill(  # noqa: PLR0917 - in the order of the slots
    fields: Fields,
    lines: bytes | None,
    pairs: tuple[Field, ...],
    raw: list[Field],
    special: dict[bytes, list[bytes]],
    strict: bool,
) -> None:
    fields._lines = lines  # pragma: no cover - compiled only: see the end of this module
    fields._pairs = pairs  # pragma: no cover
    fields._raw = raw  # pragma: no cover
    fields._special = special  # pragma: no cover
    fields._strict = strict  # pragma: no cover


# --- names ----------------------------------------------------------------------------------------------------------

# What decides how long a message is, where it belongs, and what becomes of the connection.
SPECIAL: Final = frozenset(
    [b"connection", b"content-length", b"expect", b"host", b"transfer-encoding", b"upgrade"],
)


@final
class _Name:
    """A name that is a token: in lower case, and whether it is special."""

    __slots__ = ("lower", "special")

    def __init__(self, lower: bytes, special: bool) -> None:
        self.lower: bytes = lower
        self.special: bool = special


# Those that have been met, by how they were spelled. A peer that fills it with names that nobody uses makes the others'
# to be looked at each time, and no more.
_names: Final[dict[bytes, _Name]] = {}
MOST_NAMES: Final = 1024
MOST_NAME_SIZE: Final = 64


def _new_name(spelled: bytes) -> _Name:
    """Return what there is to know of a name that has not been met yet, and is a token."""
    lower = spelled.lower()
    name = _Name(lower, lower in SPECIAL)
    if len(_names) < MOST_NAMES and len(spelled) <= MOST_NAME_SIZE and FIELD_NAME.fullmatch(spelled) is not None:
        _names[spelled] = name
    return name


def _checked_name(name: bytes) -> _Name:
    if run_end(TOKEN_RUN, name) < len(name) or not name:
        raise violation(
            LocalProtocolError,
            "bad-field-name",
            f"expected a field name of token characters, got {clipped(name)}",
        )
    return _new_name(name)


# --- values ---------------------------------------------------------------------------------------------------------

_SP: Final = 0x20
_HTAB: Final = 0x09


def is_value(value: bytes) -> bool:
    """Tell whether `value` is a field-value: visible characters, with white space between them only (RFC 9110 5.5)."""
    size = len(value)
    if size == 0:
        return True
    first, last = value[0], value[size - 1]
    return first != _SP and first != _HTAB and last != _SP and last != _HTAB and run_end(VALUE_RUN, value) == size  # noqa: PLR1714 - a pair takes time


def _check_values(raw: list[Field]) -> None:
    for name, value in raw:
        if not is_value(value):
            raise _wrong_value(name, value)


def _wrong_value(name: bytes, value: bytes) -> LocalProtocolError:
    place = run_end(VALUE_RUN, value)
    found = f"{byte_name(value[place])} at index {place}" if place < len(value) else "white space at one of its ends"
    return violation(
        LocalProtocolError,
        "bad-field-value",
        f"expected visible characters and inner white space as the value of {clipped(name)}, got {found}",
    )


# --- lists ----------------------------------------------------------------------------------------------------------


def take_received(fields: Fields, raw: list[Field], strict: bool) -> None:
    """Fill `fields` with pairs that a parser has checked; `strict` tells whether by the strict grammar."""
    pairs: list[Field] = []
    special: dict[bytes, list[bytes]] = {}
    names = _names
    for spelled, value in raw:
        name = names.get(spelled)
        if name is None:
            name = _new_name(spelled)
        lower = name.lower
        pairs.append((lower, value))
        if name.special:
            if lower in special:
                special[lower].append(value)
            else:
                special[lower] = [value]
    _fill(fields, None, tuple(pairs), raw, special, strict)


def take_checked(  # noqa: PLR0912 - a call for each field takes time
    fields: Fields, source: Iterable[object]
) -> None:
    """Fill `fields` with what somebody made: pairs of name and value, or another list of fields.

    One check of a list makes its field lines as well: nothing is looked at twice on its way to the wire.

    Raises:
        LocalProtocolError: A name or a value is not what RFC 9110 5.1 and 5.5 allow; the first one is to blame.
        UnicodeEncodeError: A `str` is not ASCII.
        TypeError: A name or a value is neither bytes-like nor a `str`, or `source` is a mapping.

    """
    if type(source) is list:
        pass
    elif isinstance(source, Fields):
        if source._strict:
            _fill(fields, source._lines, source._pairs, source._raw, source._special, True)
            return
        source = source._raw
    elif isinstance(source, Mapping):
        raise TypeError("expected an iterable of pairs, got a mapping: pass its items()")
    raw: list[Field] = []
    pairs: list[Field] = []
    parts: list[bytes] = []
    special: dict[bytes, list[bytes]] = {}
    names = _names
    try:
        for pair in source:
            if type(pair) is tuple and len(pair) == 2:  # noqa: PLR2004 - a name and a value
                given_name: object = pair[0]
                given_value: object = pair[1]
            else:
                given_name, given_value = _unpacked(pair)
            spelled = given_name if type(given_name) is bytes else as_bytes(given_name, "a field's name")
            value = given_value if type(given_value) is bytes else as_bytes(given_value, _VALUE, spelled)
            name = names.get(spelled)
            if name is None:
                name = _checked_name(spelled)
            lower = name.lower
            raw.append((spelled, value))
            pairs.append((lower, value))
            parts.append(b"%b: %b\r\n" % (spelled, value))
            if name.special:
                if lower in special:
                    special[lower].append(value)
                else:
                    special[lower] = [value]
    except BaseException:
        # What comes first is to blame.
        _check_values(raw)
        raise
    lines = b"".join(parts)
    # In the interpreter one pattern looks at all values at once. The names are tokens, so that a line is what it was
    # made of, unless a value has a line end in it.
    if COMPILED or FIELD_SECTION.fullmatch(lines) is None or lines.count(b"\r\n") != len(raw):
        _check_values(raw)
    _fill(fields, lines, tuple(pairs), raw, special, True)


_VALUE: Final = "the value of the field"


def _unpacked(pair: object) -> tuple[object, object]:
    # A string of two characters would unpack as well.
    if isinstance(pair, (str, bytes, bytearray)):
        raise TypeError(f"expected a pair of name and value, got {type(pair).__name__}")
    # What is not iterable is a TypeError here. And mypyc would lose the error of an iterator in unpacking it.
    # No more of it is taken than it needs: it may have no end.
    members: tuple[object, ...] = tuple(islice(pair, 3))  # type: ignore[call-overload] # ty: ignore[invalid-argument-type]
    name, value = members
    return name, value


def field_lines(raw: list[Field]) -> bytes:
    """Return the field lines of `raw`, each with its CRLF (RFC 9112 5)."""
    return b"".join([b"%b: %b\r\n" % (name, value) for name, value in raw])


def list_members(values: list[bytes]) -> set[bytes]:
    """Return the members, in lower case, of a list of tokens that stands in these fields (RFC 9110 5.6.1)."""
    members = b",".join(values).lower().split(b",")
    return {member.strip(b" \t") for member in members} - {b""}


# --- arguments of bytes ---------------------------------------------------------------------------------------------


def as_bytes(value: object, argument: str, field: bytes | None = None) -> bytes:
    """Return `value` as `bytes`.

    `argument` says what it is, for the text of an error: such as "the target", or "the value of the field", and then
    `field` is that field's name.

    Raises:
        UnicodeEncodeError: A `str` that is not ASCII. It holds the first character that is not, and no other.
        TypeError: Neither bytes-like nor a `str`; an `int` above all, of which `bytes()` would make that many zeros.

    """
    if type(value) is bytes:
        return value
    if isinstance(value, str):
        # Asked of `str` itself: a subclass may answer as it likes. And the error that `encode` would raise holds the
        # whole value, which may be a credential.
        if not str.isascii(value):
            raise _not_ascii(str.__str__(value), _named(argument, field))
        return str.encode(value, "ascii")
    return _copied(value, _named(argument, field))


def _copied(value: object, where: str) -> bytes:
    try:
        # Before Python 3.12 no checker can be shown at run time that something is a buffer.
        return memoryview(value).tobytes()  # type: ignore[arg-type] # ty: ignore[invalid-argument-type]
    except TypeError:
        error = TypeError(f"expected a bytes-like object or a str as {where}, got {type(value).__name__}")
    # Here, and not by `from None`, which is lost when it is compiled.
    raise error


def _named(argument: str, field: bytes | None) -> str:
    return argument if field is None else f"{argument} {clipped(field).removeprefix('b')}"


def _not_ascii(text: str, where: str) -> UnicodeEncodeError:
    index = next(index for index, character in enumerate(text) if not character.isascii())
    return UnicodeEncodeError("ascii", text[index], 0, 1, f"expected ASCII, got this at index {index} in {where}")


# Compiled, an assignment writes into the struct. Interpreted, it would ask `Headers.__setattr__`, which refuses.
if not COMPILED:  # pragma: no branch
    globals()["_fill"] = filler(Fields)
