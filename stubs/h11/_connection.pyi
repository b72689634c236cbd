from typing import Any, Literal, Never, overload

from typing_extensions import TypeVar

import http11
from http11 import NEED_DATA, PAUSED, ClientEvent, Event, Role, ServerEvent, Signal
from http11.connection import DEFAULT_MAX_INCOMPLETE_EVENT_SIZE as DEFAULT_MAX_INCOMPLETE_EVENT_SIZE

__all__ = ["NEED_DATA", "PAUSED", "Connection"]

_RoleT_co = TypeVar("_RoleT_co", bound=Role, covariant=True, default=Any)  # type: ignore[explicit-any]

# A bare `h11.Connection` is what people write for both roles: it takes and gives any event. A known role is as strict
# as in http11.
class Connection(http11.Connection[_RoleT_co]):  # type: ignore[explicit-any]
    # Only a bare one matches the first.
    @overload
    def next_event(  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]
        self: Connection[Never],
    ) -> Event | Signal: ...
    @overload
    def next_event(self: Connection[Literal["CLIENT"]]) -> ServerEvent | Signal: ...
    @overload
    def next_event(self: Connection[Literal["SERVER"]]) -> ClientEvent | Signal: ...
    @overload
    def next_event(self) -> Event | Signal: ...  # type: ignore[explicit-any]
