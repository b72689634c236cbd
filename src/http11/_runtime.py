"""What mypyc has no words for: this module is never compiled.

`mypy_extensions` is for the checkers and for mypyc, which take each name here for the one there; nobody needs it at
run time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from http11.states import Role

__all__ = ["RoleT_co", "mypyc_attr"]

if TYPE_CHECKING:
    import typing_extensions
    from mypy_extensions import mypyc_attr

    # A bare `Connection` may have either role. The default is for the checkers alone: Python knows none before 3.13.
    RoleT_co = typing_extensions.TypeVar("RoleT_co", bound=Role, covariant=True, default=Role)
else:
    RoleT_co = TypeVar("RoleT_co", bound=Role, covariant=True)
    T = TypeVar("T")

    def mypyc_attr(*_: str, **__: object) -> Callable[[T], T]:
        return lambda same: same
