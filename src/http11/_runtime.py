"""What mypyc cannot compile, and what compiled modules need at run time instead of `mypy_extensions`.

This module is interpreted in both builds. A compiled module may not choose between two definitions of a type, so the
types that a checker sees otherwise than the interpreter are here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

__all__ = [
    "Buffer",
    "BytesLike",
    "HeadersLike",
    "PayloadT",
    "PayloadT_co",
    "RoleT_co",
    "Slice",
    "filler",
    "i64",
    "mypyc_attr",
    "sealed",
    "slots",
    "slotted",
]

ClassT = TypeVar("ClassT")

# mypy, and so mypyc, takes a variable of this name for true; the other checkers read what it is.
MYPY = False

# mypy.ini has mypy take this one for false, and the build of a compiled wheel has it taken for true.
COMPILING = False

if not COMPILING:

    def sealed(f: ClassT) -> ClassT:
        """Mark a class of which no subclass changes a method, so that mypyc calls them directly."""
        return f

else:  # pragma: no cover - for mypyc's eyes
    from typing import final as sealed

if MYPY:  # pragma: no cover - for mypy's eyes
    from mypy_extensions import i64, mypyc_attr  # pyright: ignore[reportRedeclaration]
else:
    # A machine word when it is compiled.
    i64: TypeAlias = int  # noqa: PYI042 - mypyc's name

    def mypyc_attr(**_options: bool) -> Callable[[type[ClassT]], type[ClassT]]:
        """Return a decorator that does nothing: the options are for mypyc."""
        return sealed


PayloadT = TypeVar("PayloadT", bound=Sized)

if TYPE_CHECKING:
    import typing_extensions
    from typing_extensions import Buffer

    Slice: TypeAlias = "slice[int | None, int | None, int | None]"
    # The defaults are for the checkers alone, since Python knows none before 3.13: a bare `Data` is one of bytes, and a
    # bare `Connection` may have either role.
    PayloadT_co = typing_extensions.TypeVar("PayloadT_co", bound=Sized, covariant=True, default=bytes)
    RoleT_co = typing_extensions.TypeVar(
        "RoleT_co", bound=Literal["CLIENT", "SERVER"], covariant=True, default=Literal["CLIENT", "SERVER"]
    )
else:
    # What can be written at run time in every version, for those who evaluate annotations there.
    Buffer = bytes | bytearray | memoryview
    Slice = slice
    PayloadT_co = TypeVar("PayloadT_co", bound=Sized, covariant=True)
    RoleT_co = TypeVar("RoleT_co", bound=Literal["CLIENT", "SERVER"], covariant=True)

BytesLike: TypeAlias = Buffer | str
"""What a field of bytes can be made from: any bytes-like object, or an ASCII `str`."""

HeadersLike: TypeAlias = Iterable[tuple[BytesLike, BytesLike]]
"""What `Headers` may be made of: any iterable of pairs, another `Headers` among them.

At run time a pair may be a list as well, since ASGI servers hand on both; no type can say "a list of two".
"""


def slots(*names: str) -> tuple[str, ...]:
    """Return `names`. As a call, so that mypy does not take them for all attributes: others may have a default."""
    return names


def slotted(cls: type) -> None:
    """Give `cls` what it has where it is interpreted: the `__slots__` that attrs asks for, and no `__setstate__`.

    mypyc drops the one and adds the other, by which an event that exists could be filled again.
    """
    if "__slots__" not in vars(cls):  # pragma: no cover - compiled only
        type.__setattr__(cls, "__slots__", tuple(vars(cls)["__mypyc_attrs__"]))
        for name in {"__getstate__", "__setstate__"} & vars(cls).keys():
            type.__delattr__(cls, name)


def filler(cls: type) -> object:
    """Return a function that fills the slots of an instance of `cls`, in their order, though its subclass is frozen."""
    puts: list[_Put] = [vars(cls)[name].__set__ for name in vars(cls)["__slots__"]]
    if len(puts) == 1:
        return puts[0]
    return _filler_of_three(*puts) if len(puts) == 3 else _filler_of_four(*puts)  # noqa: PLR2004


# One for each number of slots: a loop takes three times as long.


def _filler_of_three(a: _Put, b: _Put, c: _Put) -> object:
    def fill(made: object, a_value: object, b_value: object, c_value: object) -> None:
        a(made, a_value)
        b(made, b_value)
        c(made, c_value)

    return fill


def _filler_of_four(a: _Put, b: _Put, c: _Put, d: _Put) -> object:
    def fill(made: object, a_value: object, b_value: object, c_value: object, d_value: object) -> None:
        a(made, a_value)
        b(made, b_value)
        c(made, c_value)
        d(made, d_value)

    return fill


_Put: TypeAlias = Callable[[object, object], None]
