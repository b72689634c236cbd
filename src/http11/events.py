"""The events: six immutable classes, and the two signals that `Connection.next_event` returns in place of one.

An event that exists is valid: its constructor accepts what RFC 9110 and RFC 9112 let a sender send, normalizes it,
and raises `LocalProtocolError` for anything else. The checks stand in the constructors themselves, where neither
``attrs.validators.set_disabled`` nor ``python -O`` reaches them. The parser, which has checked the bytes already,
builds its events with the ``received_...`` functions below.

No event can be made again, or filled by ``__setstate__``: it is copied and unpickled through its constructor. One that
only a tolerance let in is copied as what it is, and checked when it is sent.
"""

from __future__ import annotations

from collections.abc import Sized
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, Never, TypeAlias, TypeVar, cast, final, overload

import attrs

from http11 import explaining, grammar
from http11.errors import ErrorT, LocalProtocolError, clipped, violation
from http11.headers import (
    SENDING,
    BytesLike,
    Headers,
    HeadersLike,
    as_bytes,
    check_host,
    check_no_content,
    check_trailers,
    checked_headers,
    is_strict,
    normalized_length,
    setter,
    tolerated_headers,
)
from http11.policy import Policy

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
]

NO_FIELDS: Final = Headers()
"""What most `EndOfMessage` have."""

HTTP11: Final = b"1.1"
"""What is sent; each event that is made without a version has this very object."""

PayloadT = TypeVar("PayloadT", bound=Sized)
if TYPE_CHECKING:
    import typing_extensions

    # A bare `Data` is one of bytes. The default is for the checkers alone: Python knows none before 3.13.
    PayloadT_co = typing_extensions.TypeVar("PayloadT_co", bound=Sized, covariant=True, default=bytes)
else:
    PayloadT_co = TypeVar("PayloadT_co", bound=Sized, covariant=True)


@final
@attrs.frozen(kw_only=True, init=False, order=False, getstate_setstate=False)
class Request:
    """The head of a request (RFC 9112 3).

    Attributes:
        method: A token, such as ``b"GET"``; it is case-sensitive (RFC 9110 9.1).
        headers: The fields. HTTP/1.1 demands a Host; a length said several times is normalized to one.
        target: The request target, such as ``b"/path?query"`` (RFC 9112 3.2).
        http_version: ``b"1.1"``, or what the peer said. Only HTTP/1.1 can be sent.

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
        if hasattr(self, "method"):
            raise attrs.exceptions.FrozenInstanceError
        blame = LocalProtocolError
        method, target = as_bytes(method, "the method"), as_bytes(target, "the target")
        http_version = as_bytes(http_version, "the HTTP version")
        # A single word is the usual thing.
        if not method.isalpha() and grammar.METHOD.fullmatch(method) is None:
            raise violation(blame, "bad-method", f"expected a method of token characters, got {clipped(method)}")
        if grammar.TARGET.fullmatch(target) is None:
            found = explaining.run_flaw(grammar.TARGET_RUN, target)
            raise violation(blame, "bad-target", f"expected a target of visible ASCII without '#', got {found}")
        if type(headers) is not Headers or not headers._parts[3]:
            headers = checked_headers(headers)
        if http_version is not HTTP11 or not is_usual_request(headers, method, target):
            preface = is_preface(method, target, http_version)
            if preface and len(headers) > 0:
                raise violation(blame, "unsupported-version", "expected no field behind the HTTP/2 preface, got one")
            if not preface:
                _check_version(http_version)
                check_target(method, target, policy=SENDING, blame=blame)
            headers = checked_request_fields(headers, method, target, http_version, SENDING, blame)
        _put_method(self, method)
        _put_target(self, target)
        _put_request_headers(self, headers)
        _put_request_version(self, http_version)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        method, target, headers, version = self.method, self.target, self.headers, self.http_version
        if is_strict(headers):
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
class InformationalResponse:
    """The head of an interim response, which another one follows (RFC 9110 15.2).

    Attributes:
        status_code: 100 to 199.
        headers: The fields.
        http_version: ``b"1.1"``, or what the peer said. Only HTTP/1.1 can be sent.
        reason: The reason phrase, which means nothing (RFC 9112 4).

    Raises:
        LocalProtocolError: No sender may send such a response.
        UnicodeEncodeError: A `str` is not ASCII.
        TypeError: An argument is neither bytes-like nor a `str`.

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
        if hasattr(self, "status_code"):
            raise attrs.exceptions.FrozenInstanceError
        status_code = _checked_status_code(status_code, 100, 199)
        headers, http_version, reason = _checked_response(headers, http_version, reason)
        _put_informational_response(self, status_code, headers, http_version, reason)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        code, headers, version, reason = self.status_code, self.headers, self.http_version, self.reason
        if is_strict(headers):
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
class Response:
    """The head of a final response (RFC 9112 4).

    Attributes:
        status_code: 200 to 999.
        headers: The fields. A length said several times is normalized to one.
        http_version: ``b"1.1"``, or what the peer said. Only HTTP/1.1 can be sent.
        reason: The reason phrase, which means nothing (RFC 9112 4).

    Raises:
        LocalProtocolError: No sender may send such a response.
        UnicodeEncodeError: A `str` is not ASCII.
        TypeError: An argument is neither bytes-like nor a `str`.

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
        if hasattr(self, "status_code"):
            raise attrs.exceptions.FrozenInstanceError
        # The usual case first: an int, the version that is sent, and a word.
        if type(status_code) is not int or not 200 <= status_code <= 999:  # noqa: PLR2004 - final ones
            status_code = _checked_status_code(status_code, 200, 999)
        if http_version is not HTTP11 or type(reason) is not bytes or not reason.isalpha():
            http_version, reason = _checked_version_and_reason(http_version, reason)
        if type(headers) is not Headers or not headers._parts[3]:
            headers = checked_headers(headers)
        headers = checked_response_fields(headers, http_version, SENDING, LocalProtocolError)
        _put_status_code(self, status_code)
        _put_headers(self, headers)
        _put_http_version(self, http_version)
        _put_reason(self, reason)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        code, headers, version, reason = self.status_code, self.headers, self.http_version, self.reason
        if is_strict(headers):
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


class _DataInit(Generic[PayloadT_co]):
    """The constructor of `Data`, without its overloads: mypy lets `attrs.evolve` take no class whose own has some.

    It has the slots as well, so that `received_data` can fill them before they are frozen.
    """

    __slots__ = ("__weakref__", "chunk_end", "chunk_start", "data")

    def __init__(self, data: BytesLike | PayloadT_co, chunk_start: bool = False, chunk_end: bool = False) -> None:
        if hasattr(self, "data"):
            raise attrs.exceptions.FrozenInstanceError
        _put_data(self, data if type(data) is bytes else _payload(data))
        _put_chunk_start(self, chunk_start)
        _put_chunk_end(self, chunk_end)


@final
@attrs.frozen(init=False, order=False, getstate_setstate=False)
class Data(_DataInit[PayloadT_co]):
    """A part of a message's body.

    Where its boundaries lie means nothing; the chunk flags tell what the sender chose (RFC 9112 7.1).

    Attributes:
        data: What was received, as `bytes`. To be sent: anything bytes-like or an ASCII `str`, held as `bytes` (so a
            buffer is copied, once: it could change); or any other object that has a length in bytes and is yours to
            write, which is kept as it is, for `Connection.send_with_data_passthrough`.
        chunk_start: Whether a received chunk begins here. Ignored when sending.
        chunk_end: Whether a received chunk ends here. Ignored when sending.

    """

    # mypy is wrong here: it takes attrs' private `__attrs_init__` for a method that could be called again.
    data: PayloadT_co  # type: ignore[misc]
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
class EndOfMessage:
    """The end of a message, with or without a body.

    Attributes:
        headers: The trailer fields, of a chunked message only (RFC 9112 7.1.2).

    Raises:
        LocalProtocolError: A field is wrong, or may not stand in a trailer section (RFC 9110 6.5.1).
        UnicodeEncodeError: A `str` is not ASCII.
        TypeError: A name or a value is neither bytes-like nor a `str`.

    """

    headers: Headers

    def __init__(self, *, headers: HeadersLike = ()) -> None:
        if hasattr(self, "headers"):
            raise attrs.exceptions.FrozenInstanceError
        if type(headers) is tuple and not headers:
            _put_trailers(self, NO_FIELDS)
            return
        headers = _strict_headers(headers)
        check_trailers(headers, policy=SENDING, blame=LocalProtocolError)
        _put_trailers(self, headers)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        if is_strict(self.headers):
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
    """The sender has finished with the connection: it will send no more."""

    def __init__(self) -> None:
        if hasattr(self, "_made"):
            raise attrs.exceptions.FrozenInstanceError
        _put_made(self, True)

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
    """There is no whole event yet: receive more and ask again."""


@final
class PAUSED(_Signal, metaclass=_Signal):
    """Nothing is read until both sides are done with this message, or have switched to another protocol."""


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


# --- rules of the start line, for both directions -------------------------------------------------------------------


def is_preface(method: bytes, target: bytes, http_version: bytes) -> bool:
    """Tell whether this is the HTTP/2 preface's request line (RFC 9113 3.4)."""
    return http_version == b"2.0" and method == b"PRI" and target == b"*"


def check_target(
    method: bytes, target: bytes, *, policy: Policy, blame: type[ErrorT], offset: int | None = None
) -> None:
    """Check that the form of `target` goes with `method` (RFC 9112 3.2)."""
    if method == b"CONNECT":
        if not policy.any_connect_target and grammar.CONNECT_TARGET.fullmatch(target) is None:
            found = explaining.connect_target_flaw(target)
            raise violation(
                blame,
                "bad-connect-target",
                f"expected a host, ':' and a port of 1 to 65535 as the target of CONNECT, got {found}",
                offset=offset,
            )
    elif target.startswith(b"/") or policy.any_target:
        return
    elif target == b"*":
        if method != b"OPTIONS":
            raise violation(
                blame,
                "bad-target-form",
                f"expected '*' with OPTIONS only, got {clipped(method)}",
                offset=offset,
            )
    elif not _is_absolute_form(target):
        found = explaining.absolute_form_flaw(target)
        raise violation(
            blame,
            "bad-target-form",
            f"expected a target of '/...' or 'scheme:...', got {found}",
            offset=offset,
        )


# Schemes whose URIs must name a host, and may not name a user (RFC 9110 4.2.1 to 4.2.4, RFC 6455 3).
_HOST_SCHEMES: Final = frozenset([b"http", b"https", b"ws", b"wss"])


def _is_absolute_form(target: bytes) -> bool:
    # `example.com:80` is an absolute URI too, to the letter; nobody who sends it means that.
    if grammar.AUTHORITY_FORM.fullmatch(target) is not None:
        return False
    match = grammar.ABSOLUTE_FORM.fullmatch(target)
    if match is None:
        return False
    scheme: bytes = match[1]
    if scheme.lower() not in _HOST_SCHEMES:
        return True
    authority: bytes | None = match[2]
    return authority is not None and authority != b"" and grammar.HOST.fullmatch(authority) is not None


def is_usual_request(headers: Headers, method: bytes, target: bytes) -> bool:
    """Tell whether a request in HTTP/1.x is as most are, so that it keeps all that there is to keep under any policy.

    It has a Host that is one, a target that names no other, and one length or no word of any. Of any other request,
    this says nothing: see `check_target` and `checked_request_fields`.
    """
    names, values, _, _ = headers._parts
    return (
        names.host >= 0
        and target[:1] == b"/"
        and method != b"CONNECT"
        and (not names.framed or (names.length >= 0 and is_short_length(values[names.length])))
        and grammar.USUAL_HOST.fullmatch(values[names.host]) is not None
    )


def checked_request_fields(  # noqa: PLR0917 - called for each message, and names take time
    headers: Headers, method: bytes, target: bytes, http_version: bytes, policy: Policy, blame: type[ErrorT]
) -> Headers:
    """Check what the fields of a request must keep together, and return them normalized (RFC 9112 3.2 and 6)."""
    # HTTP/1.2 to 1.9 are read as 1.1; what only a tolerance lets in, such as HTTP/2.0, is not held to its rules.
    required = b"1.1" <= http_version <= b"1.9"
    check_host(headers, method, target, required=required, policy=policy, blame=blame)
    headers = normalized_length(headers, of_request=True, http10=http_version < b"1.1", policy=policy, blame=blame)
    if method == b"CONNECT" and not policy.content_in_connect:
        check_no_content(headers, blame, "content-in-connect")
    return headers


def checked_response_fields(headers: Headers, http_version: bytes, policy: Policy, blame: type[ErrorT]) -> Headers:
    """Check what the fields of a response must keep together, and return them normalized (RFC 9112 6)."""
    names, values, _, _ = headers._parts
    # Most responses: one length, or none, and no coding.
    if not names.framed or (names.length >= 0 and is_short_length(values[names.length])):
        return headers
    return normalized_length(headers, of_request=False, http10=http_version < b"1.1", policy=policy, blame=blame)


def is_short_length(value: bytes) -> bool:
    """Tell whether `value` is one Content-Length, as short as nearly all are."""
    return len(value) < _SHORT_LENGTH and value.isdigit()


# Fewer digits than any reader could stumble over.
_SHORT_LENGTH: Final = 16


# --- building without checking twice: for what has been checked ------------------------------------------------------


def received_request(method: bytes, target: bytes, headers: Headers, http_version: bytes) -> Request:
    """Make a `Request` of parts that a parser has checked."""
    event: Request = _new(Request)
    _put_method(event, method)
    _put_target(event, target)
    _put_request_headers(event, headers)
    _put_request_version(event, http_version)
    return event


def received_response(
    status_code: int, headers: Headers, http_version: bytes, reason: bytes
) -> InformationalResponse | Response:
    """Make a response of parts that a parser has checked."""
    if status_code < 200:  # noqa: PLR2004 - the class 1xx
        interim = InformationalResponse.__new__(InformationalResponse)
        _put_informational_response(interim, status_code, headers, http_version, reason)
        return interim
    event: Response = _new(Response)
    _put_status_code(event, status_code)
    _put_headers(event, headers)
    _put_http_version(event, http_version)
    _put_reason(event, reason)
    return event


def informational_response_with(response: InformationalResponse, headers: Headers) -> InformationalResponse:
    """Return `response` with other fields, which `http11.framing` has chosen."""
    event = InformationalResponse.__new__(InformationalResponse)
    _put_informational_response(event, response.status_code, headers, response.http_version, response.reason)
    return event


def response_with(response: Response, headers: Headers) -> Response:
    """Return `response` with other fields, which `http11.framing` has chosen."""
    event: Response = _new(Response)
    _put_status_code(event, response.status_code)
    _put_headers(event, headers)
    _put_http_version(event, response.http_version)
    _put_reason(event, response.reason)
    return event


def received_data(data: bytes, chunk_start: bool = False, chunk_end: bool = False) -> Data[bytes]:
    """Make a `Data` of received bytes.

    One is made for each piece of a body. To fill its slots first and to make a `Data` of it then takes half the time.
    """
    event: _DataInit[bytes] = _new(_DataInit)
    # All checkers are wrong in these lines: none reads `__slots__`, or sees that the class has become another one.
    event.data = data  # type: ignore[attr-defined]
    event.chunk_start = chunk_start  # type: ignore[attr-defined]
    event.chunk_end = chunk_end  # type: ignore[attr-defined]
    event.__class__ = Data
    return event  # type: ignore[return-value] # ty: ignore[invalid-explicit-return]


def received_end(headers: Headers) -> EndOfMessage:
    """Make an `EndOfMessage` of trailers that a parser has checked."""
    event = EndOfMessage.__new__(EndOfMessage)
    _put_trailers(event, headers)
    return event


# --- copying and unpickling what only a tolerance let in; `send` checks it as before ---------------------------------


def _tolerated_request(method: bytes, target: bytes, fields: HeadersLike, http_version: bytes) -> Request:
    method, target = as_bytes(method, "the method"), as_bytes(target, "the target")
    return received_request(method, target, tolerated_headers(fields), as_bytes(http_version, "the HTTP version"))


def _tolerated_response(
    status_code: int, fields: HeadersLike, http_version: bytes, reason: bytes
) -> InformationalResponse | Response:
    status_code = _checked_status_code(status_code, 100, 999)
    http_version, reason = as_bytes(http_version, "the HTTP version"), as_bytes(reason, "the reason")
    return received_response(status_code, tolerated_headers(fields), http_version, reason)


def _tolerated_end(fields: HeadersLike) -> EndOfMessage:
    return received_end(tolerated_headers(fields))


# --- the constructors' helpers --------------------------------------------------------------------------------------


_new: Final = object.__new__
_put_method: Final = setter(Request, "method")
_put_target: Final = setter(Request, "target")
_put_request_headers: Final = setter(Request, "headers")
_put_request_version: Final = setter(Request, "http_version")


_put_data: Final = setter(Data, "data")
_put_chunk_start: Final = setter(Data, "chunk_start")
_put_chunk_end: Final = setter(Data, "chunk_end")
_put_trailers: Final = setter(EndOfMessage, "headers")
_put_made: Final = setter(_Made, "_made")

_put_status_code: Final = setter(Response, "status_code")
_put_headers: Final = setter(Response, "headers")
_put_http_version: Final = setter(Response, "http_version")
_put_reason: Final = setter(Response, "reason")
_put_interim_status_code: Final = setter(InformationalResponse, "status_code")
_put_interim_headers: Final = setter(InformationalResponse, "headers")
_put_interim_http_version: Final = setter(InformationalResponse, "http_version")
_put_interim_reason: Final = setter(InformationalResponse, "reason")


def _put_informational_response(
    event: InformationalResponse, status_code: int, headers: Headers, http_version: bytes, reason: bytes
) -> None:
    _put_interim_status_code(event, status_code)
    _put_interim_headers(event, headers)
    _put_interim_http_version(event, http_version)
    _put_interim_reason(event, reason)


def _checked_response(headers: HeadersLike, http_version: BytesLike, reason: BytesLike) -> tuple[Headers, bytes, bytes]:
    http_version, reason = _checked_version_and_reason(http_version, reason)
    headers = checked_response_fields(_strict_headers(headers), http_version, SENDING, LocalProtocolError)
    return headers, http_version, reason


def _checked_version_and_reason(http_version: BytesLike, reason: BytesLike) -> tuple[bytes, bytes]:
    http_version, reason = as_bytes(http_version, "the HTTP version"), as_bytes(reason, "the reason")
    _check_version(http_version)
    if grammar.REASON.fullmatch(reason) is None:
        found = explaining.run_flaw(grammar.VALUE_RUN, reason)
        raise violation(
            LocalProtocolError,
            "bad-reason",
            f"expected a reason of visible characters, SP and HTAB, got {found}",
        )
    return http_version, reason


def _strict_headers(headers: HeadersLike) -> Headers:
    if type(headers) is Headers and is_strict(headers):
        return headers
    return checked_headers(headers)


def _check_version(http_version: bytes) -> None:
    if grammar.HTTP_VERSION.fullmatch(http_version) is None or http_version[:1] != b"1":
        raise violation(
            LocalProtocolError,
            "bad-version",
            f"expected an HTTP version like b'1.1', got {clipped(http_version)}",
        )


def _checked_status_code(status_code: object, lowest: int, highest: int) -> int:
    if not isinstance(status_code, int):
        raise violation(
            LocalProtocolError,
            "bad-status-code",
            f"expected an int as status code, got {type(status_code).__name__}",
        )
    plain = int(status_code)
    if not lowest <= plain <= highest:
        found = explaining.number_name(plain)
        raise violation(
            LocalProtocolError,
            "bad-status-code",
            f"expected a status code of {lowest} to {highest}, got {found}",
        )
    return plain


def _payload(data: BytesLike | Sized) -> Sized:
    try:
        # A cast, because before Python 3.12 no checker can be shown at run time that something is a buffer.
        return as_bytes(cast("BytesLike", data), "the data")
    except TypeError:
        if isinstance(data, Sized):
            return data
        raise
