"""`Headers`, the immutable list of fields as users see it (RFC 9110 5); its inside is `http11.fields.Fields`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NoReturn, Self, TypeVar, final, overload

import attrs

from http11._runtime import BytesLike, HeadersLike, Slice, slotted
from http11.fields import Field, Fields, as_bytes, pairs_of, raw_of, take_checked, take_received
from http11.grammar import COMPILED

__all__ = ["Headers", "new_headers", "tolerated_headers"]

DefaultT = TypeVar("DefaultT")

slotted(Fields)


@final
class Headers(Fields, Sequence[Field]):
    """The fields of a message, in order: an immutable sequence of (lower-case name, value) pairs (RFC 9110 5).

    Equal to another `Headers`, a list or a tuple of the same pairs. ``in`` looks for a pair; with a name, it raises
    `TypeError`. `get` and `get_all` look up a name. `raw_items` has the names in their original spelling, which is
    what is sent.

    Args:
        fields: Pairs of name and value, each bytes-like or an ASCII `str`; or another `Headers`.

    Raises:
        LocalProtocolError: A name or a value is not allowed by RFC 9110 5.1 and 5.5.
        UnicodeEncodeError: A `str` is not ASCII.
        TypeError: A name or a value is neither bytes-like nor a `str`, or `fields` is a mapping.

    """

    __slots__ = ("__weakref__",)

    def __init__(self, fields: HeadersLike = ()) -> None:
        # What exists cannot be made again: it may be shared, and is vouched for.
        if self._filled if COMPILED else hasattr(self, "_raw"):
            raise attrs.exceptions.FrozenInstanceError
        take_checked(self, fields)

    def __init_subclass__(cls) -> NoReturn:
        # Its methods are what the serializer asks; nobody else's may answer.
        raise TypeError("Headers cannot be subclassed")

    @overload
    def get(self, name: BytesLike) -> bytes | None: ...
    @overload
    def get(self, name: BytesLike, default: DefaultT) -> bytes | DefaultT: ...
    def get(self, name: BytesLike, default: object = None) -> object:
        """Return the first value of the field `name`, or `default` if there is none. Case does not matter."""
        wanted = as_bytes(name, "a field's name").lower()
        for found, value in pairs_of(self):
            if found == wanted:
                return value
        return default

    def get_all(self, name: BytesLike) -> list[bytes]:
        """Return all values of the field `name`, in order. Case does not matter."""
        wanted = as_bytes(name, "a field's name").lower()
        return [value for found, value in pairs_of(self) if found == wanted]

    def raw_items(self) -> list[Field]:
        """Return the pairs with the names in their original spelling."""
        return raw_of(self).copy()

    @overload
    def __getitem__(self, index: int) -> Field: ...
    @overload
    def __getitem__(self, index: Slice) -> tuple[Field, ...]: ...
    def __getitem__(self, index: int | Slice) -> Field | tuple[Field, ...]:
        found = pairs_of(self)[index]
        return tuple(found) if isinstance(found, list) else found

    def __contains__(self, pair: object) -> bool:
        # It would always be false, which nobody who asks it expects.
        if isinstance(pair, (str, bytes, bytearray, memoryview)):
            raise TypeError("expected a pair of name and value before `in`, got a name: use get(name) is not None")
        return pair in pairs_of(self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Headers):
            return pairs_of(self) == pairs_of(other)
        if isinstance(other, tuple):
            return tuple(pairs_of(self)) == other
        if isinstance(other, list):
            # Of a copy: a subclass of list is asked first, and gets what it is compared with.
            return pairs_of(self).copy() == other
        return NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(pairs_of(self)))

    def __repr__(self) -> str:
        if not (self._filled if COMPILED else hasattr(self, "_raw")):
            # Whoever reports an error may show what stood in the frames that it came through.
            return "<Headers that are being made>"
        return f"Headers({raw_of(self)!r})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Mapping[int, object]) -> Self:
        return self

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Headers if self._strict else tolerated_headers), (self.raw_items(),)


new_headers: Final[Callable[[], Headers]] = partial(Headers.__new__, Headers)
"""Make one that is not filled yet."""


def tolerated_headers(fields: HeadersLike) -> Headers:
    """Make a `Headers` of what only a tolerance let in; it is checked when it is sent, or made into another one."""
    raw = [(as_bytes(name, "a field's name"), as_bytes(value, "a field's value")) for name, value in fields]
    headers = new_headers()
    take_received(headers, raw, False)
    return headers
