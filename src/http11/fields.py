"""A list of fields, and the rules that each field keeps by itself (RFC 9110 5): names, values, and the field lines.

`http11.headers` shows the list to users. What fields must keep together is in `http11.rules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final, TypeAlias, cast, final

import attrs

from http11._runtime import i64, mypyc_attr, slots
from http11.errors import LocalProtocolError, byte_name, clipped, violation
from http11.grammar import COMPILED, FIELD_NAME, FIELD_SECTION, TOKEN_RUN, VALUE_RUN, run_end

__all__ = [
    "Field",
    "Fields",
    "add_received",
    "all_values",
    "as_bytes",
    "field_lines",
    "fill_received",
    "is_empty",
    "is_value",
    "list_members",
    "note_again",
    "note_nothing",
    "pairs_of",
    "raw_of",
    "take_checked",
    "take_received",
]

Field: TypeAlias = tuple[bytes, bytes]
"""One field: its name and its value."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Fields:
    """What `http11.Headers` holds.

    Once it is filled, nothing of it changes but `_pairs` and `_raw`: what was not there at first is made when somebody
    first asks for it. Two threads that ask at once make equal ones.

    Attributes:
        _pairs: Name in lower case, and value; None where nobody has asked for them yet (`pairs_of`).
        _raw: Name as it was spelled, and value; None where nobody has asked for them yet (`raw_of`).
        _spelled: The names as they were spelled, where there were `_pairs` first.
        _lines: The field lines, where they have been made: each with its CRLF.
        _strict: Whether the message that has them is one that a sender may send, as far as its reader knows. What is
            not is checked again, by its constructor, before it is sent.
        _connection, _content_length, _expect, _host, _transfer_encoding, _upgrade: The first value of the field of that
            name, or None where there is none: of those that decide something about the message.
        _repeated: Whether one of these comes more than once: then `all_values` has the others.

    """

    __slots__ = slots(
        "_connection",
        "_content_length",
        "_expect",
        "_host",
        "_lines",
        "_pairs",
        "_raw",
        "_repeated",
        "_spelled",
        "_strict",
        "_transfer_encoding",
        "_upgrade",
    )

    # Whether the rest is filled, where it is compiled.
    _filled: bool = False

    _connection: bytes | None
    _content_length: bytes | None
    _expect: bytes | None
    _host: bytes | None
    _lines: bytes | None
    _pairs: list[Field] | None
    _raw: list[Field] | None
    _repeated: bool
    _spelled: list[bytes]
    _strict: bool
    _transfer_encoding: bytes | None
    _upgrade: bytes | None

    # Here and not in `Headers`: a compiled build answers `list(headers)`, which asks for both, without a Python frame.

    def __len__(self) -> int:
        return len(pairs_of(self))

    def __iter__(self) -> Iterator[Field]:
        # Of a copy: an iterator gives away what it goes through.
        return iter(tuple(pairs_of(self)))


def pairs_of(fields: Fields) -> list[Field]:
    """Return the pairs of name in lower case and value; nobody may change the list."""
    pairs = fields._pairs
    if pairs is None:
        # Nobody looks at most lists that are sent.
        pairs = [(name.lower(), value) for name, value in raw_of(fields)]
        fields._pairs = pairs
    return pairs


def raw_of(fields: Fields) -> list[Field]:
    """Return the pairs of name as it was spelled and value; nobody may change the list."""
    raw = fields._raw
    if raw is None:
        # Nobody asks how the names of most lists that are received were spelled.
        raw = [(name, pair[1]) for name, pair in zip(fields._spelled, pairs_of(fields), strict=True)]
        fields._raw = raw
    return raw


def is_empty(fields: Fields) -> bool:
    """Tell whether there is no field."""
    pairs = fields._pairs
    return len(raw_of(fields) if pairs is None else pairs) == 0


def all_values(fields: Fields, name: bytes) -> list[bytes]:
    """Return the values of all fields of this name, which is in lower case."""
    return [value for found, value in pairs_of(fields) if found == name]


# --- names ----------------------------------------------------------------------------------------------------------

# Kinds of fields: those that decide how long a message is, where it belongs, or what becomes of the connection; all
# others are plain.
_PLAIN: Final[i64] = 0
_HOST: Final[i64] = 1
_CONTENT_LENGTH: Final[i64] = 2
_TRANSFER_ENCODING: Final[i64] = 3
_CONNECTION: Final[i64] = 4
_UPGRADE: Final[i64] = 5
_EXPECT: Final[i64] = 6
_KINDS: Final[dict[bytes, int]] = {
    b"host": _HOST,
    b"content-length": _CONTENT_LENGTH,
    b"transfer-encoding": _TRANSFER_ENCODING,
    b"connection": _CONNECTION,
    b"upgrade": _UPGRADE,
    b"expect": _EXPECT,
}


@final
class _Name:
    """A name that is a token: as it was spelled, in lower case, and its kind."""

    __slots__ = ("kind", "lower", "spelled")

    def __init__(self, spelled: bytes, lower: bytes, kind: i64) -> None:
        self.spelled: bytes = spelled
        self.lower: bytes = lower
        self.kind: i64 = kind


# Those that have been met, by how they were spelled. A peer that fills it with names that nobody uses makes the others'
# to be looked at each time, and no more.
_names: Final[dict[bytes, _Name]] = {}
MOST_NAMES: Final = 1024
MOST_NAME_SIZE: Final = 64


def _new_name(spelled: bytes) -> _Name:
    """Return what there is to know of a name that has not been met yet, and is a token."""
    lower = spelled.lower()
    name = _Name(spelled, lower, _KINDS.get(lower, _PLAIN))
    if len(_names) < MOST_NAMES and len(spelled) <= MOST_NAME_SIZE and FIELD_NAME.fullmatch(spelled) is not None:
        _names[spelled] = name
        slot = _slot(spelled, 0, len(spelled))
        if _slots[slot] is None:
            _slots[slot] = name
    return name


# The same names, each in the slot that four of its bytes and its size lead to, as far as that is free. To find one
# there takes neither a copy of it nor a hash: so a compiled build reads a field in four fifths of the time.
_SLOTS: Final = 2048
_slots: Final[list[_Name | None]] = [None] * _SLOTS


def _slot(text: bytes, start: i64, end: i64) -> i64:
    size: i64 = end - start
    last: i64 = end - 1
    first, middle = i64(text[start]), i64(text[start + (size >> 1)])
    other = i64(text[last - 1 if size > 1 else last])
    return (size * 3 + first * 5 + middle * 269 + other * 769 + i64(text[last]) * 61) % _SLOTS


def _known_at(text: bytes, start: i64, end: i64) -> _Name | None:
    """Return what there is to know of the name that stands there, if it is in its slot: for a compiled build."""
    name = _slots[_slot(text, start, end)]
    if name is None:
        return None
    spelled = name.spelled
    size: i64 = len(spelled)
    if size != end - start:
        return None
    at: i64 = 0
    while at < size:
        if spelled[at] != text[start + at]:
            return None
        at += 1
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
    note_nothing(fields)
    pairs: list[Field] = []
    names = _names
    for spelled, value in raw:
        name = names.get(spelled)
        if name is None:
            name = _new_name(spelled)
        pairs.append((name.lower, value))
        if name.kind != _PLAIN:
            _note(fields, name.kind, value)
    fields._lines = None
    fields._pairs = pairs
    fields._raw = raw
    fields._strict = strict
    if COMPILED:
        fields._filled = True  # pragma: no cover


def add_received(  # noqa: PLR0917 - called for each field, and names take time
    fields: Fields, pairs: list[Field], spelled: list[bytes], text: bytes, start: i64, end: i64, value: bytes
) -> None:
    """Add a field that a parser has checked to the lists with which `fill_received` will fill `fields`."""
    known = _known_at(text, start, end) if COMPILED else None
    if known is None:  # pragma: no branch - compiled only
        name = text[start:end]
        known = _names.get(name)
        if known is None:
            known = _new_name(name)
    pairs.append((known.lower, value))
    spelled.append(known.spelled)
    if known.kind != _PLAIN:
        _note(fields, known.kind, value)


def fill_received(fields: Fields, pairs: list[Field], spelled: list[bytes], strict: bool) -> None:
    """Fill `fields` with what `add_received` has added; `strict` tells whether it was checked by the strict grammar."""
    fields._lines = None
    fields._pairs = pairs
    fields._spelled = spelled
    fields._raw = None
    fields._strict = strict
    if COMPILED:
        fields._filled = True  # pragma: no cover


def note_again(fields: Fields, pairs: list[Field]) -> None:
    """Note the values of `pairs` instead of what has been noted."""
    note_nothing(fields)
    for name, value in pairs:
        kind: i64 = _KINDS.get(name, _PLAIN)
        if kind != _PLAIN:
            _note(fields, kind, value)


def note_nothing(fields: Fields) -> None:
    """Note that there is no field that decides something."""
    fields._connection = None
    fields._content_length = None
    fields._expect = None
    fields._host = None
    fields._repeated = False
    fields._transfer_encoding = None
    fields._upgrade = None


def _note(fields: Fields, kind: i64, value: bytes) -> None:  # noqa: PLR0912 - one for each kind
    """Note the value of a field that decides something."""
    if kind == _HOST:
        if fields._host is None:
            fields._host = value
        else:
            fields._repeated = True
    elif kind == _CONTENT_LENGTH:
        if fields._content_length is None:
            fields._content_length = value
        else:
            fields._repeated = True
    elif kind == _CONNECTION:
        if fields._connection is None:
            fields._connection = value
        else:
            fields._repeated = True
    elif kind == _TRANSFER_ENCODING:
        if fields._transfer_encoding is None:
            fields._transfer_encoding = value
        else:
            fields._repeated = True
    elif kind == _UPGRADE:
        if fields._upgrade is None:
            fields._upgrade = value
        else:
            fields._repeated = True
    elif fields._expect is None:
        fields._expect = value
    else:
        fields._repeated = True


def take_checked(  # noqa: C901, PLR0912 - a call for each field takes time
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
        source = raw_of(source)
    elif isinstance(source, Mapping):
        raise TypeError("expected an iterable of pairs, got a mapping: pass its items()")
    note_nothing(fields)
    # Of objects, so that mypyc does not take a pair apart to make it anew.
    raw: list[object] = []
    parts: list[bytes] = []
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
            # What cannot change is kept as it is.
            same = type(pair) is tuple and spelled is given_name and value is given_value
            raw.append(pair if same else (spelled, value))
            if COMPILED:
                if not is_value(value):  # pragma: no cover
                    raise _wrong_value(spelled, value)  # noqa: TRY301
                parts.append(b"%b: %b\r\n" % (spelled, value))  # pragma: no cover
            else:
                parts += (spelled, b": ", value, b"\r\n")
            if name.kind != _PLAIN:
                _note(fields, name.kind, value)
    except BaseException:
        if fields._filled if COMPILED else hasattr(fields, "_raw"):
            # By what `source` did while it was read. What is noted is not to be trusted: whoever sends it looks again.
            fields._strict = False
        # What comes first is to blame.
        if not COMPILED:  # pragma: no branch
            _check_values(cast("list[Field]", raw))
        raise
    if fields._filled if COMPILED else hasattr(fields, "_raw"):
        # As above.
        fields._strict = False
        raise attrs.exceptions.FrozenInstanceError
    lines = b"".join(parts)
    # In the interpreter one pattern looks at all values at once. The names are tokens, so that a line is what it was
    # made of, unless a value has a line end in it.
    if not COMPILED and (FIELD_SECTION.fullmatch(lines) is None or lines.count(b"\r\n") != len(raw)):
        _check_values(cast("list[Field]", raw))
    fields._lines = lines
    fields._pairs = None
    fields._raw = cast("list[Field]", raw)
    fields._strict = True
    if COMPILED:
        fields._filled = True  # pragma: no cover


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
