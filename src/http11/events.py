"""The events: six immutable classes, and the two signals that `Connection.next_event` returns in place of one.

An event that exists is valid: its constructor accepts what RFC 9110 and RFC 9112 let a sender send, normalizes it,
and raises `LocalProtocolError` for anything else. The checks stand in the constructors themselves, where neither
``attrs.validators.set_disabled`` nor ``python -O`` reaches them. The parser, which has checked the bytes already,
takes an event that is not filled yet from the ``new_...`` functions below.

The slots are those of `http11.parts`. The constructors are written by hand, so that each makes one call of
`http11.rules`: with those that attrs makes of converters, a compiled build answers a small GET in 1.28 times the time.

No event can be made again, or filled by ``__setstate__``: it is copied and unpickled through its constructor. One that
only a tolerance let in is copied as what it is, and checked when it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, Never, TypeAlias, final, overload

import attrs

from http11._runtime import BytesLike, HeadersLike, PayloadT, PayloadT_co, slotted
from http11.fields import as_bytes
from http11.grammar import HTTP11
from http11.headers import Headers, tolerated_headers
from http11.parts import (
    DataParts,
    EndParts,
    RequestParts,
    ResponseParts,
    fill_end,
    fill_request,
    fill_response,
)
from http11.rules import init_data, init_end, init_request, init_response, status_code_of

__all__ = [
    "NEED_DATA",
    "PAUSED",
    "ClientEvent",
    "ConnectionClosed",
    "Data",
    "EndOfMessage",
    "Event",
    "InformationalResponse",
    "Request",
    "Response",
    "ServerEvent",
    "Signal",
    "new_data",
    "new_end",
    "new_informational_response",
    "new_request",
    "new_response",
]

for _parts in (RequestParts, ResponseParts, DataParts, EndParts):
    slotted(_parts)
del _parts


@final
@attrs.frozen(kw_only=True, init=False, order=False, getstate_setstate=False)
class Request(RequestParts):
    """The head of a request (RFC 9112 3).

    Attributes:
        method: A token, such as ``b"GET"``; case-sensitive (RFC 9110 9.1).
        headers: The fields. HTTP/1.1 requires a Host. Several equal lengths become one.
        target: The request target, such as ``b"/path?query"`` (RFC 9112 3.2).
        http_version: ``b"1.1"``, or the version that the peer sent. Only HTTP/1.1 can be sent.

    Raises:
        LocalProtocolError: No sender may send such a request.
        UnicodeEncodeError: A `str` is not ASCII.
        TypeError: An argument is neither bytes-like nor a `str`.

    """

    method: bytes
    headers: Headers
    target: bytes
    http_version: bytes

    def __init__(
        self,
        *,
        method: BytesLike,
        target: BytesLike,
        headers: HeadersLike,
        http_version: BytesLike = HTTP11,
    ) -> None:
        init_request(self, method, target, headers, http_version)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        method, target, headers, version = self.method, self.target, self.headers, self.http_version
        if headers._strict:
            return partial(Request, method=method, target=target, headers=headers, http_version=version), ()
        return _tolerated_request, (method, target, headers.raw_items(), version)

    if TYPE_CHECKING:
        # For checkers that know `attrs.evolve` and `copy.replace` by it: here as in the other events, they take what
        # the constructor takes, not what the attributes hold. attrs gives it its body, from Python 3.13 on.
        def __replace__(
            self,
            *,
            method: BytesLike = ...,
            target: BytesLike = ...,
            headers: HeadersLike = ...,
            http_version: BytesLike = ...,
        ) -> Request: ...


@final
@attrs.frozen(kw_only=True, init=False, order=False, getstate_setstate=False)
class InformationalResponse(ResponseParts):
    """The head of an interim response, before the final one (RFC 9110 15.2).

    Attributes:
        status_code: 100 to 199.
        headers: The fields.
        http_version: ``b"1.1"``, or the version that the peer sent. Only HTTP/1.1 can be sent.
        reason: The reason phrase, which has no meaning (RFC 9112 4).

    Raises:
        LocalProtocolError: No sender may send such a response.
        UnicodeEncodeError: A `str` is not ASCII.
        TypeError: An argument is neither bytes-like nor a `str`, or the status code is not an int.

    """

    status_code: int
    headers: Headers
    http_version: bytes
    reason: bytes

    def __init__(
        self,
        *,
        status_code: int,
        headers: HeadersLike,
        http_version: BytesLike = HTTP11,
        reason: BytesLike = b"",
    ) -> None:
        init_response(self, 100, status_code, headers, http_version, reason)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        code, headers, version, reason = self.status_code, self.headers, self.http_version, self.reason
        if headers._strict:
            return partial(
                InformationalResponse, status_code=code, headers=headers, http_version=version, reason=reason
            ), ()
        return _tolerated_response, (code, headers.raw_items(), version, reason)

    if TYPE_CHECKING:

        def __replace__(
            self,
            *,
            status_code: int = ...,
            headers: HeadersLike = ...,
            http_version: BytesLike = ...,
            reason: BytesLike = ...,
        ) -> InformationalResponse: ...


@final
@attrs.frozen(kw_only=True, init=False, order=False, getstate_setstate=False)
class Response(ResponseParts):
    """The head of a final response (RFC 9112 4).

    Attributes:
        status_code: 200 to 999.
        headers: The fields. Several equal lengths become one.
        http_version: ``b"1.1"``, or the version that the peer sent. Only HTTP/1.1 can be sent.
        reason: The reason phrase, which has no meaning (RFC 9112 4).

    Raises:
        LocalProtocolError: No sender may send such a response.
        UnicodeEncodeError: A `str` is not ASCII.
        TypeError: An argument is neither bytes-like nor a `str`, or the status code is not an int.

    """

    status_code: int
    headers: Headers
    http_version: bytes
    reason: bytes

    def __init__(
        self,
        *,
        status_code: int,
        headers: HeadersLike,
        http_version: BytesLike = HTTP11,
        reason: BytesLike = b"",
    ) -> None:
        init_response(self, 200, status_code, headers, http_version, reason)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        code, headers, version, reason = self.status_code, self.headers, self.http_version, self.reason
        if headers._strict:
            return partial(Response, status_code=code, headers=headers, http_version=version, reason=reason), ()
        return _tolerated_response, (code, headers.raw_items(), version, reason)

    if TYPE_CHECKING:

        def __replace__(
            self,
            *,
            status_code: int = ...,
            headers: HeadersLike = ...,
            http_version: BytesLike = ...,
            reason: BytesLike = ...,
        ) -> Response: ...


class _DataInit(DataParts, Generic[PayloadT_co]):
    """The constructor of `Data`, without its overloads: mypy lets `attrs.evolve` take no class whose own has some."""

    __slots__ = ()

    def __init__(self, data: BytesLike | PayloadT_co, chunk_start: bool = False, chunk_end: bool = False) -> None:
        init_data(self, data, chunk_start, chunk_end)


@final
@attrs.frozen(init=False, order=False, getstate_setstate=False)
class Data(_DataInit[PayloadT_co]):
    """A part of a message's body (RFC 9112 6).

    Where one `Data` ends and the next begins has no meaning. The flags tell where the sender's chunks began and ended
    (RFC 9112 7.1).

    Attributes:
        data: Received data is `bytes`. To send: any bytes-like object or ASCII `str`, which is copied to `bytes`; or
            any other object with a length in bytes, which is kept as it is, for
            `Connection.send_with_data_passthrough`.
        chunk_start: Whether a received chunk begins here. Ignored when sending.
        chunk_end: Whether a received chunk ends here. Ignored when sending.

    """

    # mypy is wrong here: it takes attrs' private `__attrs_init__` for a method that could be called again.
    data: PayloadT_co  # type: ignore[misc,mutable-override]
    chunk_start: bool
    chunk_end: bool

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Data, (self.data, self.chunk_start, self.chunk_end)

    if TYPE_CHECKING:

        @overload
        def __new__(cls, data: BytesLike, chunk_start: bool = False, chunk_end: bool = False) -> Data[bytes]: ...
        @overload
        def __new__(cls, data: PayloadT, chunk_start: bool = False, chunk_end: bool = False) -> Data[PayloadT]: ...
        def __new__(  # noqa: D102 - it is there for its overloads
            cls, data: BytesLike | Sized, chunk_start: bool = False, chunk_end: bool = False
        ) -> Data[Sized]: ...
        def __replace__(
            self: Data[PayloadT],
            *,
            data: BytesLike | PayloadT = ...,
            chunk_start: bool = ...,
            chunk_end: bool = ...,
        ) -> Data[PayloadT]: ...


@final
@attrs.frozen(kw_only=True, init=False, order=False, getstate_setstate=False)
class EndOfMessage(EndParts):
    """The end of a message, with or without a body.

    Attributes:
        headers: The trailer fields. Only a chunked message can have any (RFC 9112 7.1.2).

    Raises:
        LocalProtocolError: A field is invalid, or not allowed in a trailer section (RFC 9110 6.5.1).
        UnicodeEncodeError: A `str` is not ASCII.
        TypeError: A name or a value is neither bytes-like nor a `str`.

    """

    headers: Headers

    def __init__(self, *, headers: HeadersLike = ()) -> None:
        init_end(self, headers)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        if self.headers._strict:
            return partial(EndOfMessage, headers=self.headers), ()
        return _tolerated_end, (self.headers.raw_items(),)

    if TYPE_CHECKING:

        def __replace__(self, *, headers: HeadersLike = ...) -> EndOfMessage: ...


class _Made:
    """What a `ConnectionClosed`, which holds nothing, remembers: that it has been made."""

    __slots__ = ("__weakref__", "_made")


@final
@attrs.frozen(init=False, order=False, getstate_setstate=False)
class ConnectionClosed(_Made):
    """The sender has closed the connection, or its sending half: it will send no more."""

    def __init__(self) -> None:
        if hasattr(self, "_made"):
            raise attrs.exceptions.FrozenInstanceError
        _made(self, True)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return ConnectionClosed, ()


# attrs makes one beside our `__init__`, by which an event could be made again.
for _event in (Request, InformationalResponse, Response, Data, EndOfMessage, ConnectionClosed):
    delattr(_event, "__attrs_init__")
del _event


class _Signal(type):
    """The type of what is not an event; each signal is a class and its own only instance."""

    if TYPE_CHECKING:
        # A signal cannot be called; and `type`'s own constructor would bring an `Any` into the type of each.
        def __new__(mcs, never: Never, /) -> _Signal: ...
        def __init__(cls, never: Never, /) -> None: ...

    def __repr__(cls) -> str:
        return cls.__name__


@final
class NEED_DATA(_Signal, metaclass=_Signal):  # noqa: N801 - the name that h11's users know
    """There is no complete event yet: receive more bytes and ask again."""


@final
class PAUSED(_Signal, metaclass=_Signal):
    """Nothing more is read until both sides have completed their messages, or have switched protocols."""


# `type(signal) is signal` and `isinstance(signal, signal)`, for dispatch on an event's type. Every checker says that
# the class of a class is its metaclass; CPython and PyPy let a class be an instance of any metaclass of the same
# layout.
for _signal in (NEED_DATA, PAUSED):
    type.__setattr__(_signal, "__class__", _signal)
del _signal

Signal: TypeAlias = type[NEED_DATA] | type[PAUSED]
"""What `Connection.next_event` returns when it has no event."""

# A bare `Data` is one of bytes to a checker, and a class at run time: `isinstance(event, ClientEvent)` is for both.
ClientEvent: TypeAlias = Request | Data | EndOfMessage | ConnectionClosed
"""What a client sends, and a server receives."""

ServerEvent: TypeAlias = InformationalResponse | Response | Data | EndOfMessage | ConnectionClosed
"""What a server sends, and a client receives."""

Event: TypeAlias = Request | InformationalResponse | Response | Data | EndOfMessage | ConnectionClosed
"""Any event."""


# --- events that a parser fills -------------------------------------------------------------------------------------

new_request: Final[Callable[[], Request]] = partial(Request.__new__, Request)
new_informational_response: Final[Callable[[], InformationalResponse]] = partial(
    InformationalResponse.__new__, InformationalResponse
)
new_response: Final[Callable[[], Response]] = partial(Response.__new__, Response)
new_data: Final[Callable[[], Data[bytes]]] = partial(DataParts.__new__, Data)
new_end: Final[Callable[[], EndOfMessage]] = partial(EndOfMessage.__new__, EndOfMessage)

# --- copying and unpickling what only a tolerance let in; `send` checks it as before ---------------------------------


def _tolerated_request(method: bytes, target: bytes, fields: HeadersLike, http_version: bytes) -> Request:
    method, target = as_bytes(method, "the method"), as_bytes(target, "the target")
    event = new_request()
    fill_request(event, tolerated_headers(fields), as_bytes(http_version, "the HTTP version"), method, target)
    return event


def _tolerated_response(
    status_code: int, fields: HeadersLike, http_version: bytes, reason: bytes
) -> InformationalResponse | Response:
    status_code = status_code_of(status_code, 100, 999)
    http_version, reason = as_bytes(http_version, "the HTTP version"), as_bytes(reason, "the reason")
    event = new_response() if status_code >= 200 else new_informational_response()  # noqa: PLR2004 - the class 1xx
    fill_response(event, tolerated_headers(fields), http_version, reason, status_code)
    return event


def _tolerated_end(fields: HeadersLike) -> EndOfMessage:
    event = new_end()
    fill_end(event, tolerated_headers(fields))
    return event


_made: Final[Callable[[object, object], None]] = _Made.__dict__["_made"].__set__
