"""`Connection`: one HTTP/1.1 connection, in the types of its role. What it does is `http11.engine`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, overload

from http11._runtime import PayloadT, RoleT_co
from http11.engine import DEFAULT_MAX_INCOMPLETE_EVENT_SIZE, Engine
from http11.events import (
    ClientEvent,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    Request,
    Response,
    ServerEvent,
    Signal,
)
from http11.policy import STRICT, Policy

__all__ = ["DEFAULT_MAX_INCOMPLETE_EVENT_SIZE", "ClientConnection", "Connection", "ServerConnection"]


class Connection(Engine, Generic[RoleT_co]):
    """One HTTP/1.1 connection, seen from one side. It does no input or output.

    A connection is for one thread at a time; different connections are independent.

    Args:
        our_role: `CLIENT` or `SERVER`.
        max_incomplete_event_size: The largest head, chunk line or trailer section to accept, in bytes.
        policy: What to tolerate in what the peer sends, and how much to accept.

    Raises:
        ValueError: `our_role` is neither `CLIENT` nor `SERVER`, or the size is negative.
        TypeError: The size is not an int, or `policy` is not a `Policy`.

    """

    __slots__ = ("__weakref__",)

    # Python's own, so that the signature can be asked for in a compiled build as well.
    def __init__(
        self,
        our_role: RoleT_co,
        max_incomplete_event_size: int = DEFAULT_MAX_INCOMPLETE_EVENT_SIZE,
        *,
        policy: Policy = STRICT,
    ) -> None:
        self._begin(our_role, max_incomplete_event_size, policy)

    if TYPE_CHECKING:

        @property
        def our_role(self) -> RoleT_co: ...

        @overload
        def next_event(self: Connection[Literal["CLIENT"]]) -> ServerEvent | Signal: ...
        @overload
        def next_event(self: Connection[Literal["SERVER"]]) -> ClientEvent | Signal: ...
        @overload
        def next_event(self) -> Event | Signal: ...
        def next_event(self) -> Event | Signal: ...

        # What these two return says more than those of `Engine` do, and what they take says less: that is the point.
        @overload  # type: ignore[override]
        def send(self, event: ConnectionClosed) -> None: ...
        @overload
        def send(self: Connection[Literal["CLIENT"]], event: Request | Data[bytes] | EndOfMessage) -> bytes: ...
        @overload
        def send(
            self: Connection[Literal["SERVER"]],
            event: InformationalResponse | Response | Data[bytes] | EndOfMessage,
        ) -> bytes: ...
        @overload
        def send(self, event: Data[bytes] | EndOfMessage) -> bytes: ...
        def send(self, event: Event) -> bytes | None: ...  # ty: ignore[incompatible-method-override]

        @overload  # type: ignore[override]
        def send_with_data_passthrough(self, event: ConnectionClosed) -> None: ...
        @overload
        def send_with_data_passthrough(
            self: Connection[Literal["CLIENT"]], event: Request | EndOfMessage
        ) -> list[bytes]: ...
        @overload
        def send_with_data_passthrough(
            self: Connection[Literal["SERVER"]], event: InformationalResponse | Response | EndOfMessage
        ) -> list[bytes]: ...
        @overload
        def send_with_data_passthrough(self, event: EndOfMessage) -> list[bytes]: ...
        @overload
        def send_with_data_passthrough(self, event: Data[PayloadT]) -> list[bytes | PayloadT]: ...
        def send_with_data_passthrough(  # ty: ignore[incompatible-method-override]
            self,
            event: Request | InformationalResponse | Response | Data[PayloadT] | EndOfMessage | ConnectionClosed,
        ) -> list[bytes] | list[bytes | PayloadT] | None: ...


ClientConnection: TypeAlias = Connection[Literal["CLIENT"]]
"""A client's connection, as `Connection(CLIENT)` makes it."""

ServerConnection: TypeAlias = Connection[Literal["SERVER"]]
"""A server's connection, as `Connection(SERVER)` makes it."""
