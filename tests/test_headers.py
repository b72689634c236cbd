"""`Headers`: an immutable sequence that compares with lists, and is checked byte by byte."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given

from http11 import H11, Headers, LocalProtocolError, parsing
from http11.headers import as_bytes, is_strict, list_members
from tests import strategies
from tests.strategies import TCHAR, VCHAR

PAIRS = [(b"Host", b"a"), (b"Set-Cookie", b"1"), (b"X", b""), (b"set-cookie", b"2")]
LOWER = [(b"host", b"a"), (b"set-cookie", b"1"), (b"x", b""), (b"set-cookie", b"2")]


def test_is_a_sequence_of_pairs_with_names_in_lower_case() -> None:
    headers = Headers(PAIRS)
    assert isinstance(headers, Sequence)
    assert list(headers) == LOWER
    assert len(headers) == 4
    assert headers[0] == (b"host", b"a")
    assert headers[-1] == (b"set-cookie", b"2")
    assert headers[1:3] == tuple(LOWER[1:3])
    assert (b"x", b"") in headers
    assert (b"X", b"") not in headers
    name: object = b"x"
    assert name not in headers
    assert headers.index((b"x", b"")) == 2
    assert list(reversed(headers)) == LOWER[::-1]
    assert not Headers()
    assert headers.raw_items() == PAIRS


def test_compares_by_value_with_its_like_lists_and_tuples() -> None:
    headers = Headers(PAIRS)
    assert headers == Headers(LOWER)
    assert headers == LOWER
    assert headers == tuple(LOWER)
    assert headers == LOWER
    assert headers != PAIRS
    assert headers != LOWER[:2]
    assert headers != Headers()
    assert headers != 4
    assert hash(headers) == hash(Headers(LOWER)) == hash(tuple(LOWER))


def test_looks_up_a_name_in_any_case() -> None:
    headers = Headers(PAIRS)
    assert headers.get("SET-cookie") == b"1"
    assert headers.get(b"HOST") == b"a"
    assert headers.get("none") is None
    assert headers.get_all("set-Cookie") == [b"1", b"2"]
    assert headers.get_all(b"none") == []


@pytest.mark.parametrize(
    "fields",
    [
        [("Host", "a"), ["X", b"y"]],
        (("Host", b"a"), (bytearray(b"X"), memoryview(b"y"))),
        iter([(b"Host", "a"), (b"X", "y")]),
        {"Host": "a", "X": "y"}.items(),
        Headers([("Host", "a"), ("X", "y")]),
    ],
)
def test_is_made_of_any_iterable_of_pairs(fields: list[tuple[str, str]]) -> None:
    headers = Headers(fields)
    assert headers.raw_items() == [(b"Host", b"a"), (b"X", b"y")]
    assert all(type(part) is bytes for pair in headers.raw_items() for part in pair)


def test_wrong_types_and_what_is_not_ascii_are_refused() -> None:
    with pytest.raises(TypeError, match="mapping"):
        Headers({"Host": "a"})  # type: ignore[dict-item]
    for wrong in (1, None, 1.0, ["a"]):
        with pytest.raises(TypeError, match="bytes-like object or a str"):
            Headers([("X", wrong)])  # type: ignore[list-item]
    with pytest.raises(UnicodeEncodeError):
        Headers([("X", "é")])


def test_cannot_be_changed() -> None:
    headers = Headers(PAIRS)
    for name in ("_items", "_raw", "anything"):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(headers, name, ())
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        del headers._items
    headers.raw_items().clear()
    assert headers.raw_items() == PAIRS


def test_cannot_be_made_again_or_from() -> None:
    headers = Headers(PAIRS)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        headers.__init__([("Content-Length", "5")])
    assert headers.raw_items() == PAIRS
    with pytest.raises(TypeError, match="subclassed"):
        type("Evil", (Headers,), {})


def test_copies_and_pickles() -> None:
    headers = Headers(PAIRS)
    assert copy.copy(headers) is headers
    assert copy.deepcopy(headers) is headers
    again = pickle.loads(pickle.dumps(headers))
    assert again == headers
    assert again.raw_items() == PAIRS
    assert is_strict(again)
    assert repr(headers) == f"Headers({PAIRS!r})"
    assert eval(repr(headers)) == headers


def test_what_only_a_tolerance_let_in_is_checked_again() -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n"
    tolerated = parsing.parse_request(head, policy=H11).headers
    assert tolerated.get("x") == b"\x01"
    assert not is_strict(tolerated)
    assert not is_strict(pickle.loads(pickle.dumps(tolerated)))
    with pytest.raises(LocalProtocolError):
        Headers(tolerated)


@pytest.mark.parametrize("byte", range(256))
def test_every_byte_of_a_name(byte: int) -> None:
    for name in (bytes([byte]), b"a" + bytes([byte]), bytes([byte]) + b"a", b"a" + bytes([byte]) + b"a"):
        if byte in TCHAR:
            assert Headers([(name, b"")]).raw_items() == [(name, b"")]
        else:
            with pytest.raises(LocalProtocolError) as caught:
                Headers([(name, b"")])
            assert caught.value.code == "bad-field-name"


@pytest.mark.parametrize("byte", range(256))
def test_every_byte_of_a_value(byte: int) -> None:
    one = bytes([byte])
    for value, allowed in ((one, VCHAR), (b"a" + one, VCHAR), (one + b"a", VCHAR), (b"a" + one + b"a", VCHAR + b" \t")):
        if byte in allowed:
            assert Headers([(b"x", value)]).get("x") == value
        else:
            with pytest.raises(LocalProtocolError) as caught:
                Headers([(b"x", value)])
            assert caught.value.code == "bad-field-value"


@pytest.mark.parametrize("name", [b"", b"a:", b"a\r\nb", b"a\n"])
def test_a_name_is_matched_to_its_end(name: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        Headers([(name, b"x")])


@given(strategies.fields())
def test_any_fields_that_are_right_are_kept_as_they_are(pairs: list[tuple[bytes, bytes]]) -> None:
    headers = Headers(pairs)
    assert headers.raw_items() == pairs
    for name, _ in pairs:
        values = [value for found, value in pairs if found.lower() == name.lower()]
        assert headers.get_all(name.upper()) == values
        assert headers.get(name) == values[0]


def test_members_of_a_list() -> None:
    headers = Headers([("Connection", "Close, x\t,,\t Y"), ("connection", "z"), ("other", "a")])
    assert list_members(headers, b"connection") == {b"close", b"x", b"y", b"z"}
    assert list_members(headers, b"none") == set()
    assert list_members(Headers([("Connection", ", ,")]), b"connection") == set()
    # Only SP and HTAB are white space around a member.
    assert list_members(Headers([("Connection", "\xa0close".encode("latin-1"))]), b"connection") == {b"\xa0close"}


def test_as_bytes_takes_what_is_bytes_like() -> None:
    class Name(str):
        __slots__ = ()

        def encode(self, *_: object) -> bytes:
            return b"evil\r\n"

    class Raw(bytes):
        __slots__ = ()

        def __bytes__(self) -> bytes:
            return b"evil\r\n"

    assert as_bytes(Name("good")) == b"good"
    for value in (Raw(b"good"), bytearray(b"good"), memoryview(b"xgood")[1:]):
        assert as_bytes(value) == b"good"
        assert type(as_bytes(value)) is bytes
