"""`Headers`, the immutable list of fields, and the rules that fields must keep (RFC 9110 5, RFC 9112 3.2, 5 and 6).

The checks are pure functions that serve both directions: an event's constructor calls them with `SENDING` and blames
the caller, the parser calls them with its own policy and blames the peer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Final, Literal, NoReturn, Protocol, Self, TypeAlias, final, overload

import attrs

from http11 import grammar
from http11.errors import ErrorCode, ErrorT, LocalProtocolError, byte_name, clipped, violation
from http11.policy import STRICT, Policy

if TYPE_CHECKING:
    from typing_extensions import Buffer

    Slice: TypeAlias = "slice[int | None, int | None, int | None]"
else:
    # What can be written at run time in every version, for those who evaluate annotations there.
    Buffer = bytes | bytearray | memoryview
    Slice = slice

BytesLike: TypeAlias = Buffer | str
"""What a field of bytes may be made of: any bytes-like object, or an ASCII `str`."""

__all__ = [
    "SENDING",
    "Buffer",
    "BytesLike",
    "Field",
    "Headers",
    "HeadersLike",
    "as_bytes",
    "check_host",
    "check_no_content",
    "check_trailers",
    "first_value",
    "first_values",
    "has_repeated_names",
    "is_length",
    "is_strict",
    "list_members",
    "normalized_length",
    "received_headers",
    "setter",
    "spelled_fields",
]

Field: TypeAlias = tuple[bytes, bytes]
"""One field: its name and its value."""

HeadersLike: TypeAlias = Iterable[tuple[BytesLike, BytesLike]]
"""What `Headers` may be made of: any iterable of pairs, another `Headers` among them.

At run time a pair may be a list as well, since ASGI servers hand on both; no type can say "a list of two".
"""


def setter(cls: type, name: str) -> Callable[[object, object], None]:
    """Return how an instance of `cls` gets its attribute `name` while it is being made, though `cls` is frozen."""
    slot: _Slot = getattr(cls, name)
    return slot.__set__


class _Slot(Protocol):
    def __set__(self, instance: object, value: object, /) -> None: ...


SENDING: Final = attrs.evolve(STRICT, repeated_length_in_request=True)
"""By what a constructor validates: strict, except that a length that was said twice becomes one."""


@final
class Headers(Sequence[Field]):
    """The fields of a message, in order: a sequence of (lower-case name, value), which cannot be changed.

    Equal to another `Headers`, a list or a tuple of the same pairs. ``in`` asks for a pair; `get` and `get_all` look
    up a name. The names as they were spelled are kept, and go on the wire: see `raw_items`.

    Args:
        fields: Pairs of name and value, each bytes-like or an ASCII `str`; or another `Headers`.

    Raises:
        LocalProtocolError: A name or a value is not what RFC 9110 5.1 and 5.5 allow.
        UnicodeEncodeError: A `str` is not ASCII.
        TypeError: A name or a value is neither bytes-like nor a `str`, or `fields` is a mapping.

    """

    __slots__ = ("__weakref__", "_first", "_items", "_raw", "_strict")

    # (name as spelled, value), and the same with the name in lower case
    _raw: tuple[Field, ...]
    _items: tuple[Field, ...]
    # Each lower-case name with its first value.
    _first: dict[bytes, bytes]
    # Whether the strict grammar has vouched for every byte: a tolerant parser's have to be asked again before sending.
    _strict: bool

    def __init__(self, fields: HeadersLike = ()) -> None:
        # What exists cannot be made again: it may be shared, and is vouched for.
        if hasattr(self, "_raw"):
            raise attrs.exceptions.FrozenInstanceError
        raw: Iterable[tuple[BytesLike, BytesLike]] = fields
        if type(fields) is Headers:
            raw = fields._raw
        # A list is the usual thing, and an ABC takes its time to say that it is no mapping.
        elif type(fields) is not list and isinstance(fields, Mapping):
            raise TypeError("expected an iterable of pairs, got a mapping: pass its items()")
        _fill(self, *_checked(raw), strict=True)

    def __init_subclass__(cls) -> NoReturn:
        # Its methods are what the serializer asks; nobody else's may answer.
        raise TypeError("Headers cannot be subclassed")

    def get(self, name: BytesLike) -> bytes | None:
        """Return the first value of the field `name`, in any case, or `None`."""
        return self._first.get(as_bytes(name).lower())

    def get_all(self, name: BytesLike) -> list[bytes]:
        """Return all values of the field `name`, in any case and in order."""
        wanted = as_bytes(name).lower()
        return [value for found, value in self._items if found == wanted]

    def raw_items(self) -> list[Field]:
        """Return the pairs with the names as they were spelled."""
        return list(self._raw)

    @overload
    def __getitem__(self, index: int) -> Field: ...
    @overload
    def __getitem__(self, index: Slice) -> tuple[Field, ...]: ...
    def __getitem__(self, index: int | Slice) -> Field | tuple[Field, ...]:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Field]:
        return iter(self._items)

    def __contains__(self, pair: object) -> bool:
        return pair in self._items

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Headers):
            return self._items == other._items
        if isinstance(other, tuple):
            return self._items == other
        if isinstance(other, list):
            return list(self._items) == other
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._items)

    def __repr__(self) -> str:
        return f"Headers({list(self._raw)!r})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Mapping[int, object]) -> Self:
        return self

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return received_headers, (self._raw, self._strict)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise attrs.exceptions.FrozenInstanceError

    def __delattr__(self, name: str) -> NoReturn:
        raise attrs.exceptions.FrozenInstanceError


def received_headers(raw: Iterable[Field], strict: bool) -> Headers:
    """Make a `Headers` of pairs that have been checked already; `strict` tells whether by the strict grammar."""
    headers = _new(Headers)
    pairs = tuple(raw)
    _fill(headers, pairs, tuple([(name.lower(), value) for name, value in pairs]), strict=strict)
    return headers


def first_value(headers: Headers, name: bytes) -> bytes | None:
    """Return what ``headers.get(name)`` does, for a `name` that is in lower case, in one lookup."""
    return headers._first.get(name)


def first_values(headers: Headers) -> Mapping[bytes, bytes]:
    """Return the first value of each field, by its name in lower case: for a reader who asks for several."""
    return headers._first


def spelled_fields(headers: Headers) -> tuple[Field, ...]:
    """Return what ``headers.raw_items()`` does, without a copy."""
    return headers._raw


def has_repeated_names(headers: Headers) -> bool:
    """Tell whether two fields have the same name."""
    return len(headers._first) != len(headers._items)


def is_strict(headers: Headers) -> bool:
    """Tell whether the strict grammar has vouched for every byte of `headers`."""
    return headers._strict


def as_bytes(value: BytesLike) -> bytes:
    """Return `value` as `bytes`.

    Raises:
        UnicodeEncodeError: A `str` that is not ASCII.
        TypeError: Neither bytes-like nor a `str`; an `int` above all, of which `bytes()` would make that many zeros.

    """
    if type(value) is bytes:
        return value
    if isinstance(value, str):
        return str.encode(value, "ascii")
    try:
        return memoryview(value).tobytes()
    except TypeError:
        raise TypeError(f"expected a bytes-like object or a str, got {type(value).__name__}") from None


def list_members(headers: Headers, name: bytes) -> AbstractSet[bytes]:
    """Return the members, in lower case, of a field that is a comma-separated list of tokens (RFC 9110 5.6.1)."""
    if name not in headers._first:
        return _NO_MEMBERS
    members = b",".join(headers.get_all(name)).lower().split(b",")
    return {member.strip(b" \t") for member in members} - {b""}


_NO_MEMBERS: Final[AbstractSet[bytes]] = frozenset()


# --- what a whole message's fields must keep ------------------------------------------------------------------------


def normalized_length(
    headers: Headers, *, of_request: bool, http10: bool, policy: Policy, blame: type[ErrorT]
) -> Headers:
    """Check the fields that say how long a message is, and return them in their one normal form (RFC 9112 6).

    Equal lengths become one, and the transfer coding is in lower case.
    """
    length = first_value(headers, b"content-length")
    coding = first_value(headers, b"transfer-encoding")
    if length is None and coding is None:
        return headers
    if coding is not None:
        headers = _with_checked_coding(headers, blame)
        if http10 and not policy.transfer_encoding_in_http10:
            raise violation(
                blame,
                "transfer-encoding-in-http10",
                "expected no Transfer-Encoding in an HTTP/1.0 message, got one",
            )
    if length is not None:
        headers = _with_checked_length(headers, of_request=of_request, policy=policy, blame=blame)
        if coding is not None and of_request and not policy.length_and_chunked_in_request:
            raise violation(
                blame,
                "transfer-encoding-and-content-length",
                "expected either Transfer-Encoding or Content-Length in a request, got both",
            )
    return headers


def _with_checked_coding(headers: Headers, blame: type[ErrorT]) -> Headers:
    fields = headers.get_all(b"transfer-encoding")
    # Several field lines are one list (RFC 9110 5.3); `chunked` alone is all that we can read.
    codings = b",".join(fields).lower()
    if codings == b"chunked":
        if fields == [codings]:
            return headers
        return _replaced(headers, b"transfer-encoding", codings)
    names = [coding.strip(b" \t") for coding in codings.split(b",")]
    if any(name.partition(b";")[0].rstrip(b" \t") not in (b"chunked", b"") for name in names):
        raise violation(
            blame,
            "unknown-transfer-coding",
            "expected the transfer coding 'chunked' alone, got one that is not known",
        )
    raise violation(
        blame,
        "bad-transfer-encoding",
        "expected the transfer coding 'chunked' once and without parameters, got "
        + ("no coding" if names == [b""] else "another list"),
        # h11 answers several fields with 501; a single bad one is the peer's mistake.
        hint=501 if len(fields) > 1 else None,
    )


# More than this many digits may not be a number that every reader can hold: 2^63 - 1 has 19.
_LENGTH_DIGITS: Final = 19
_LONG_LENGTH_DIGITS: Final = 20
_LENGTH_MAX: Final = 2**63 - 1


def is_length(value: bytes, policy: Policy) -> bool:
    """Tell whether `value` is one Content-Length."""
    if grammar.CONTENT_LENGTH.fullmatch(value) is None:
        return False
    if policy.long_lengths:
        return len(value) <= _LONG_LENGTH_DIGITS
    # The number of digits first: `int` takes its time for thousands of them.
    return len(value) <= _LENGTH_DIGITS and int(value) <= _LENGTH_MAX


def _with_checked_length(headers: Headers, *, of_request: bool, policy: Policy, blame: type[ErrorT]) -> Headers:
    fields = headers.get_all(b"content-length")
    lengths = [length.strip(b" \t") for length in b",".join(fields).split(b",")]
    if not all(is_length(length, policy) for length in lengths):
        most = f"{_LONG_LENGTH_DIGITS} digits" if policy.long_lengths else f"{_LENGTH_DIGITS} digits, below 2^63"
        raise violation(blame, "bad-content-length", f"expected a Content-Length of 1 to {most}, got something else")
    # Compared as they are written: a reader that compares numbers and one that compares text would part over 5 and 05.
    if any(length != lengths[0] for length in lengths):
        raise violation(
            blame,
            "conflicting-content-length",
            f"expected one Content-Length, got {len(lengths)} that differ",
        )
    if len(lengths) == 1:
        return headers
    if of_request and not policy.repeated_length_in_request:
        raise violation(
            blame,
            "repeated-content-length",
            f"expected one Content-Length in a request, got {len(lengths)} that are equal",
        )
    return _replaced(headers, b"content-length", lengths[0])


def check_host(
    headers: Headers, method: bytes, target: bytes, *, required: bool, policy: Policy, blame: type[ErrorT]
) -> None:
    """Check the Host of a request, and that a `target` with an authority names the same one (RFC 9112 3.2)."""
    host = first_value(headers, b"host")
    if host is None:
        if required:
            raise violation(blame, "missing-host", "expected a Host field in an HTTP/1.1 request, got none")
        return
    hosts = headers.get_all(b"host")
    if len(hosts) > 1:
        raise violation(blame, "repeated-host", f"expected one Host field, got {len(hosts)}")
    if not policy.any_host and grammar.HOST.fullmatch(host) is None:
        raise violation(blame, "bad-host", "expected Host to be empty or a host and perhaps a port, got something else")
    # A target in origin-form begins with "/", in asterisk-form with "*": only the others can have an authority.
    if not policy.host_mismatch and target[:1] not in b"/*" and not _names_the_same(method, target, host):
        raise violation(blame, "host-mismatch", "expected Host to be the authority of the target, got another")


def check_no_content(
    headers: Headers,
    blame: type[ErrorT],
    code: Literal["content-in-connect", "content-in-informational-response"],
) -> None:
    """Check that a message that can have no content says nothing of any.

    What follows a CONNECT is the tunnel's (RFC 9110 9.3.6), and what follows a 1xx response is the next one (RFC 9110
    15.2): a reader who took it for content would part from us there.
    """
    length = first_value(headers, b"content-length")
    if first_value(headers, b"transfer-encoding") is not None or (length is not None and length.strip(b"0") != b""):
        raise violation(blame, code, f"expected {_WITHOUT_CONTENT[code]} without content, got one with a length")


_WITHOUT_CONTENT: Final[Mapping[ErrorCode, str]] = {
    "content-in-connect": "a CONNECT",
    "content-in-informational-response": "a 1xx response",
}


def _names_the_same(method: bytes, target: bytes, host: bytes) -> bool:
    # "identical to that authority component, excluding any userinfo subcomponent and its '@' delimiter" (RFC 9112 3.2)
    if method == b"CONNECT":
        found, port = _host_and_port(b"", host)
        return (found, port or _host_and_port(b"", target)[1]) == _host_and_port(b"", target)
    absolute = grammar.ABSOLUTE_FORM.fullmatch(target)
    if absolute is None:
        return True
    scheme: bytes = absolute[1]
    authority: bytes | None = absolute[2]
    if authority is None:
        return True
    scheme = scheme.lower()
    return _host_and_port(scheme, authority.rpartition(b"@")[2]) == _host_and_port(scheme, host)


_DEFAULT_PORTS: Final[Mapping[bytes, bytes]] = {
    b"http": b"80",
    b"https": b"443",
    b"ws": b"80",
    b"wss": b"443",
}


def _host_and_port(scheme: bytes, authority: bytes) -> tuple[bytes, bytes]:
    # "http://example.com:80" and "http://EXAMPLE.com:" are the same origin (RFC 9110 4.2.3).
    match = grammar.HOST.fullmatch(authority)
    host: bytes | None = None if match is None else match[1]
    port: bytes | None = None if match is None else match[2]
    if host is None:
        return authority.lower(), b""
    return host.lower(), b"" if port is None or port == _DEFAULT_PORTS.get(scheme) else port


# What a recipient has to know before it reads the content, or to act on (RFC 9110 6.5.1): framing, routing,
# authentication, request modifiers, response controls, and the content's format.
FORBIDDEN_TRAILERS: Final = frozenset(
    b"content-length transfer-encoding trailer te connection keep-alive proxy-connection upgrade"
    b" host max-forwards forwarded x-forwarded-for x-forwarded-host x-forwarded-proto location"
    b" authorization proxy-authorization www-authenticate proxy-authenticate cookie set-cookie"
    b" cache-control pragma expect range if-match if-none-match if-modified-since if-unmodified-since if-range"
    b" age date expires retry-after vary warning"
    b" content-encoding content-type content-range".split()
)


def check_trailers(headers: Headers, *, policy: Policy, blame: type[ErrorT]) -> None:
    """Check that no trailer field comes too late for what it says (RFC 9110 6.5.1)."""
    if policy.any_trailer_field:
        return
    for name, _ in headers:
        if name in FORBIDDEN_TRAILERS:
            raise violation(
                blame,
                "forbidden-trailer",
                f"expected a field that may stand in a trailer, got {clipped(name)}",
            )


# --- building -------------------------------------------------------------------------------------------------------


def _fill(headers: Headers, raw: tuple[Field, ...], items: tuple[Field, ...], *, strict: bool) -> None:
    _put_raw(headers, raw)
    _put_items(headers, items)
    # The last one that is put in stays, so from the back.
    _put_first(headers, dict(reversed(items)))
    _put_strict(headers, strict)


_new: Final = Headers.__new__
_put_raw: Final = setter(Headers, "_raw")
_put_items: Final = setter(Headers, "_items")
_put_first: Final = setter(Headers, "_first")
_put_strict: Final = setter(Headers, "_strict")


def _checked(fields: HeadersLike) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    """Return the fields as they were spelled, and with their names in lower case."""
    raw: list[Field] = []
    items: list[Field] = []
    for pair in fields:
        if type(pair) is not tuple:
            _check_pair(pair)
        name, value = pair
        if type(name) is not bytes:
            name = as_bytes(name)
        if type(value) is not bytes:
            value = as_bytes(value)
        lower = _LOWER.get(name)
        if lower is None:
            _check_name(name)
            lower = name.lower()
        if _is_value(value) is None:
            raise _bad_value(name, value)
        raw.append((name, value))
        items.append((lower, value))
    return tuple(raw), tuple(items)


_is_value: Final = grammar.FIELD_VALUE.fullmatch

# Names in wide use, as they are usually spelled: one that is found here needs no look at its bytes. It never grows.
_LOWER: Final[Mapping[bytes, bytes]] = {
    spelling: name
    for name in (
        b"accept accept-encoding accept-language accept-ranges access-control-allow-credentials"
        b" access-control-allow-headers access-control-allow-methods access-control-allow-origin age allow alt-svc"
        b" authorization cache-control connection content-disposition content-encoding content-language content-length"
        b" content-location content-range content-security-policy content-type cookie date etag expect expires host"
        b" if-match if-modified-since if-none-match keep-alive last-modified link location origin pragma range referer"
        b" retry-after sec-websocket-accept sec-websocket-key sec-websocket-version server set-cookie"
        b" strict-transport-security trailer transfer-encoding upgrade user-agent vary via x-content-type-options"
        b" x-forwarded-for x-forwarded-host x-forwarded-proto x-frame-options x-request-id"
    ).split()
    for spelling in (name, name.title(), name.capitalize())
}


def _check_pair(pair: object) -> None:
    # A string of two characters would unpack as well.
    if isinstance(pair, (str, bytes, bytearray)):
        raise TypeError(f"expected a pair of name and value, got {type(pair).__name__}")


def _check_name(name: bytes) -> None:
    if grammar.FIELD_NAME.fullmatch(name) is None:
        raise violation(
            LocalProtocolError,
            "bad-field-name",
            f"expected a field name of token characters, got {clipped(name)}",
        )


def _bad_value(name: bytes, value: bytes) -> LocalProtocolError:
    end = grammar.VALUE_RUN.match(value)
    place = end.end() if end is not None else 0
    found = f"{byte_name(value[place])} at index {place}" if place < len(value) else "white space at one of its ends"
    return violation(
        LocalProtocolError,
        "bad-field-value",
        f"expected visible characters and inner white space as the value of {clipped(name)}, got {found}",
    )


def _replaced(headers: Headers, name: bytes, value: bytes) -> Headers:
    # The first field of that name keeps its place and spelling; the others go.
    raw: list[Field] = []
    done = False
    for spelled, found in headers._raw:
        if spelled.lower() != name:
            raw.append((spelled, found))
        elif not done:
            raw.append((spelled, value))
            done = True
    return received_headers(raw, headers._strict)
