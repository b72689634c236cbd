"""`Headers`, the immutable list of fields, and the rules that fields must keep (RFC 9110 5, RFC 9112 3.2, 5 and 6).

The checks are pure functions that serve both directions: an event's constructor calls them with `SENDING` and blames
the caller, the parser calls them with its own policy and blames the peer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Final, Literal, NoReturn, Protocol, Self, TypeAlias, TypeVar, final, overload

import attrs

from http11 import explaining, grammar
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
    "FieldNames",
    "Headers",
    "HeadersLike",
    "as_bytes",
    "check_host",
    "check_no_content",
    "check_trailers",
    "checked_headers",
    "field_names",
    "first_value",
    "headers_of",
    "is_length",
    "is_strict",
    "known_names",
    "list_members",
    "normalized_length",
    "received_headers",
    "setter",
    "spelled_fields",
    "tolerated_headers",
]

Field: TypeAlias = tuple[bytes, bytes]
"""One field: its name and its value."""

DefaultT = TypeVar("DefaultT")

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


@final
@attrs.frozen(kw_only=True, eq=False, order=False)
class FieldNames:
    """The names of a list of fields, in order, and all that follows from them alone.

    Those who speak to us send few different lists of names, whatever the values: so this is made once for each, and
    shared by all `Headers` that have it. `field_names` keeps a bounded number of them.

    Attributes:
        spelled: As they were spelled.
        lower: In lower case.
        first: Where each of `lower` stands first.
        template: The field lines, each with the CRLF before it, with a place for each value.
        line_ends: What is left of `template` without the bytes that a name or a value may have.
        host: Where the only Host stands, or -1: there is none, or more than one.
        host_late: Whether a Host stands behind another field.
        length: Where the only Content-Length stands, or -1: there is none, or more than one, or a Transfer-Encoding.
        connection: Where the only Connection stands, or -1.
        framed: Whether a Content-Length or a Transfer-Encoding is among them.
        plain: Whether there is none of Transfer-Encoding, Upgrade and Expect, and at most one Content-Length and one
            Connection.

    """

    spelled: tuple[bytes, ...]
    lower: tuple[bytes, ...]
    first: Mapping[bytes, int]
    template: bytes
    line_ends: bytes
    host: int
    host_late: bool
    length: int
    connection: int
    framed: bool
    plain: bool


# What is kept of names, at the most: about 3 MB, and less than 100 kB in a program whose peers are of a few kinds.
MOST_KNOWN: Final = 256
MOST_KNOWN_FIELDS: Final = 64
MOST_KNOWN_BYTES: Final = 2048

_known: Final[dict[tuple[object, ...], FieldNames]] = {}


def field_names(spelled: tuple[bytes, ...]) -> FieldNames:
    """Return what follows from these names, each of which has to be a token already (RFC 9110 5.1)."""
    found = _known.get(spelled)
    if found is not None:
        return found
    lower = tuple([name.lower() for name in spelled])
    chunked = b"transfer-encoding" in lower
    framed = chunked or b"content-length" in lower
    found = FieldNames(
        spelled=spelled,
        lower=lower,
        # The last one that is put in stays, so from the back.
        first={name: place for place, name in reversed([*enumerate(lower)])},
        # A token may have a "%" in it.
        template=b"".join([b"\r\n%b: %%b" % name.replace(b"%", b"%%") for name in spelled]),
        line_ends=b"\r\n" * len(spelled),
        host=_only(lower, b"host"),
        host_late=b"host" in lower[1:],
        length=-1 if chunked else _only(lower, b"content-length"),
        connection=_only(lower, b"connection"),
        framed=framed,
        plain=not chunked
        and b"upgrade" not in lower
        and b"expect" not in lower
        and lower.count(b"content-length") <= 1
        and lower.count(b"connection") <= 1,
    )
    # Whoever is known is trusted from then on, so that the names are tokens does not rest upon the caller here.
    if (
        len(spelled) <= MOST_KNOWN_FIELDS
        and len(found.template) <= MOST_KNOWN_BYTES
        and all(map(grammar.FIELD_NAME.fullmatch, spelled))
    ):
        # A peer that fills it with names that nobody uses makes the others' to be made again, and no more.
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        _known[spelled] = found
    return found


def known_names(spelled: tuple[object, ...]) -> FieldNames | None:
    """Return what follows from these names, if they have been asked for before, and so are tokens; otherwise `None`."""
    return _known.get(spelled)


def _only(names: tuple[bytes, ...], name: bytes) -> int:
    return names.index(name) if names.count(name) == 1 else -1


_Parts: TypeAlias = tuple[FieldNames, tuple[bytes, ...], bytes | None, bool]
"""Names; values; the field lines, if they have been made; whether the strict grammar has vouched for every byte."""


SENDING: Final = attrs.evolve(STRICT, repeated_length_in_request=True)
"""By what a constructor validates: strict, except that a length that was said twice becomes one."""


@final
class Headers(Sequence[Field]):
    """The fields of a message, in order: a sequence of (lower-case name, value), which cannot be changed.

    Equal to another `Headers`, a list or a tuple of the same pairs. ``in`` asks for a pair, and is a `TypeError` for a
    name; `get` and `get_all` look up a name. The names as they were spelled are kept, and go on the wire: see
    `raw_items`.

    Args:
        fields: Pairs of name and value, each bytes-like or an ASCII `str`; or another `Headers`.

    Raises:
        LocalProtocolError: A name or a value is not what RFC 9110 5.1 and 5.5 allow.
        UnicodeEncodeError: A `str` is not ASCII.
        TypeError: A name or a value is neither bytes-like nor a `str`, or `fields` is a mapping.

    """

    __slots__ = ("__weakref__", "_parts")

    # All in one slot: to fill another one would take as long as a look into this one a hundred times.
    _parts: _Parts

    def __init__(self, fields: HeadersLike = ()) -> None:
        # What exists cannot be made again: it may be shared, and is vouched for.
        if hasattr(self, "_parts"):
            raise attrs.exceptions.FrozenInstanceError
        _put_parts(self, checked_headers(fields)._parts)

    def __init_subclass__(cls) -> NoReturn:
        # Its methods are what the serializer asks; nobody else's may answer.
        raise TypeError("Headers cannot be subclassed")

    @overload
    def get(self, name: BytesLike) -> bytes | None: ...
    @overload
    def get(self, name: BytesLike, default: DefaultT) -> bytes | DefaultT: ...
    def get(self, name: BytesLike, default: object = None) -> object:
        """Return the first value of the field `name`, in any case, or `default` where there is none."""
        value = first_value(self, as_bytes(name, "a field's name").lower())
        return default if value is None else value

    def get_all(self, name: BytesLike) -> list[bytes]:
        """Return all values of the field `name`, in any case and in order."""
        names, values, _, _ = self._parts
        wanted = as_bytes(name, "a field's name").lower()
        if wanted not in names.first:
            return []
        return [value for found, value in zip(names.lower, values, strict=True) if found == wanted]

    def raw_items(self) -> list[Field]:
        """Return the pairs with the names as they were spelled."""
        return list(spelled_fields(self))

    @overload
    def __getitem__(self, index: int) -> Field: ...
    @overload
    def __getitem__(self, index: Slice) -> tuple[Field, ...]: ...
    def __getitem__(self, index: int | Slice) -> Field | tuple[Field, ...]:
        names, values, _, _ = self._parts
        if isinstance(index, int):
            return names.lower[index], values[index]
        return tuple(self)[index]

    def __len__(self) -> int:
        return len(self._parts[1])

    def __iter__(self) -> Iterator[Field]:
        names, values, _, _ = self._parts
        return zip(names.lower, values)  # noqa: B905 - as many of each, and `strict` takes its time

    def __contains__(self, pair: object) -> bool:
        # It would always be false, which nobody who asks it expects.
        if isinstance(pair, (str, bytes, bytearray, memoryview)):
            raise TypeError("expected a pair of name and value before `in`, got a name: use get(name) is not None")
        return pair in tuple(self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Headers):
            return self._parts[1] == other._parts[1] and self._parts[0].lower == other._parts[0].lower
        if isinstance(other, tuple):
            return tuple(self) == other
        if isinstance(other, list):
            return list(self) == other
        return NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Headers({self.raw_items()!r})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Mapping[int, object]) -> Self:
        return self

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Headers if self._parts[3] else tolerated_headers), (self.raw_items(),)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise attrs.exceptions.FrozenInstanceError

    def __delattr__(self, name: str) -> NoReturn:
        raise attrs.exceptions.FrozenInstanceError


def received_headers(fields: Sequence[Field], strict: bool) -> Headers:
    """Make a `Headers` of pairs that have been checked already; `strict` tells whether by the strict grammar."""
    names = field_names(tuple([name for name, _ in fields]))
    return headers_of(names, tuple([value for _, value in fields]), strict)


def tolerated_headers(fields: HeadersLike) -> Headers:
    """Make a `Headers` of what only a tolerance let in; it is checked when it is sent, or made into another one."""
    checked = [(as_bytes(name, "a field's name"), as_bytes(value, "a field's value")) for name, value in fields]
    return received_headers(checked, strict=False)


def headers_of(names: FieldNames, values: tuple[bytes, ...], strict: bool) -> Headers:
    """Make a `Headers` of names, and of a checked value for each."""
    headers = _new(Headers)
    _put_parts(headers, (names, values, None, strict))
    return headers


def checked_headers(fields: HeadersLike) -> Headers:
    """Return what ``Headers(fields)`` does."""
    headers = _new(Headers)
    _put_parts(headers, _checked_list(fields) if type(fields) is list else _checked(fields))
    return headers


def first_value(headers: Headers, name: bytes) -> bytes | None:
    """Return what ``headers.get(name)`` does, for a `name` that is in lower case."""
    names, values, _, _ = headers._parts
    place = names.first.get(name)
    return None if place is None else values[place]


def spelled_fields(headers: Headers) -> Iterator[Field]:
    """Iterate over what ``headers.raw_items()`` returns."""
    names, values, _, _ = headers._parts
    return zip(names.spelled, values)  # noqa: B905 - as many of each


def is_strict(headers: Headers) -> bool:
    """Tell whether the strict grammar has vouched for every byte of `headers`."""
    return headers._parts[3]


def as_bytes(value: BytesLike, argument: str, field: bytes | None = None) -> bytes:
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
    try:
        return memoryview(value).tobytes()
    except TypeError:
        where = _named(argument, field)
        raise TypeError(f"expected a bytes-like object or a str as {where}, got {type(value).__name__}") from None


def _named(argument: str, field: bytes | None) -> str:
    return argument if field is None else f"{argument} {clipped(field).removeprefix('b')}"


def _not_ascii(text: str, where: str) -> UnicodeEncodeError:
    index = next(index for index, character in enumerate(text) if not character.isascii())
    return UnicodeEncodeError("ascii", text[index], 0, 1, f"expected ASCII, got this at index {index} in {where}")


def list_members(headers: Headers, name: bytes) -> AbstractSet[bytes]:
    """Return the members, in lower case, of a field that is a comma-separated list of tokens (RFC 9110 5.6.1)."""
    if first_value(headers, name) is None:
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
    code, found = explaining.coding_flaw([field.lower() for field in fields])
    raise violation(blame, code, f"expected the transfer coding 'chunked' alone, got {found}")


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
    wrong = next((place for place, length in enumerate(lengths) if not is_length(length, policy)), None)
    if wrong is not None:
        digits = _LONG_LENGTH_DIGITS if policy.long_lengths else _LENGTH_DIGITS
        most = f"{digits} digits" if policy.long_lengths else f"{digits} digits, below 2^63"
        found = explaining.length_flaw(fields, wrong, digits)
        raise violation(blame, "bad-content-length", f"expected a Content-Length of 1 to {most}, got {found}")
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
        found = explaining.host_flaw(host)
        raise violation(blame, "bad-host", f"expected Host to be empty or a host and perhaps a port, got {found}")
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


_new: Final = Headers.__new__
_put_parts: Final = setter(Headers, "_parts")


def _checked(fields: HeadersLike) -> _Parts:
    """Return the parts of a `Headers`, if the strict grammar has no field that is wrong."""
    if type(fields) is Headers:
        names, values, lines, strict = fields._parts
        if strict:
            return names, values, lines, True
        return _checked_one_by_one(tuple(spelled_fields(fields)))
    if isinstance(fields, Mapping):
        raise TypeError("expected an iterable of pairs, got a mapping: pass its items()")
    return _checked_one_by_one(fields)


def _checked_list(fields: Sequence[tuple[BytesLike, BytesLike]]) -> _Parts:
    """Do the same for a list, which is the usual thing: of `bytes` without a HTAB, by names that are known.

    The field lines, which the serializer will want, are made before they are looked at: what is no byte of a value may
    stand between the fields only, and nowhere in one.
    """
    spelled: list[bytes] = []
    values: list[bytes] = []
    unpacked: list[tuple[BytesLike, BytesLike]] = []
    try:
        for name, value in fields:
            if type(name) is not bytes or type(value) is not bytes or value.strip(b" ") is not value:
                unpacked.append((name, value))
                break
            spelled.append(name)
            values.append(value)
        else:
            names = _known.get(tuple(spelled))
            if names is not None:
                found = tuple(values)
                lines = names.template % found
                if lines.translate(None, grammar.VALUE_BYTES) == names.line_ends:
                    return names, found, lines, True
    except (TypeError, ValueError):
        # Something is no pair. But what comes before it may be wrong as well.
        _checked_one_by_one(zip(spelled, values, strict=True))
        raise
    unpacked[:0] = zip(spelled, values, strict=True)
    return _checked_one_by_one(_pairs(fields, unpacked))


def _pairs(
    fields: Sequence[tuple[BytesLike, BytesLike]], unpacked: list[tuple[BytesLike, BytesLike]]
) -> Iterator[tuple[BytesLike, BytesLike]]:
    """Yield the pairs, the first ones as they have been unpacked: an iterator can be only once."""
    for place, pair in enumerate(fields):
        _check_pair(pair)
        yield unpacked[place] if place < len(unpacked) else pair


def _checked_one_by_one(fields: HeadersLike) -> _Parts:
    """Do the same, whatever the fields are made of, and say which one is wrong."""
    spelled: list[bytes] = []
    values: list[bytes] = []
    for pair in fields:
        _check_pair(pair)
        name, value = pair
        name = as_bytes(name, "a field's name")
        value = as_bytes(value, "the value of the field", name)
        _check_name(name)
        if grammar.FIELD_VALUE.fullmatch(value) is None:
            raise _bad_value(name, value)
        spelled.append(name)
        values.append(value)
    return field_names(tuple(spelled)), tuple(values), None, True


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
    for spelled, found in spelled_fields(headers):
        if spelled.lower() != name:
            raw.append((spelled, found))
        elif not done:
            raw.append((spelled, value))
            done = True
    return received_headers(raw, is_strict(headers))
