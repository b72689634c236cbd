"""`Headers`: an immutable sequence that compares with lists, and is checked byte by byte."""

from __future__ import annotations

import contextlib
import copy
import pickle
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import pytest
from hypothesis import given

from http11 import CLIENT, H11, Connection, Data, Headers, LocalProtocolError, RemoteProtocolError, Request, parsing
from http11.headers import new_headers, tolerated_headers
from http11.serialization import serialize_fields
from tests import strategies

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
    assert headers.get("none", b"?") == b"?"
    assert headers.get("none", 5) == 5
    assert headers.get(b"none", default=None) is None
    # An empty value is one.
    assert headers.get("x", b"?") == b""
    assert headers.get("Host", default=b"?") == b"a"
    assert headers.get_all("set-Cookie") == [b"1", b"2"]
    assert headers.get_all(b"none") == []


@pytest.mark.parametrize("name", ["host", b"host", "none", bytearray(b"host"), memoryview(b"host"), ""])
def test_to_ask_for_a_name_by_in_is_a_mistake(name: object) -> None:
    for fields in (Headers(PAIRS), Headers()):
        with pytest.raises(TypeError, match=r"use get\(name\)"):
            bool(name in fields)


def test_only_an_equal_pair_is_in_it() -> None:
    headers = Headers(PAIRS)
    others: list[object] = [None, 5, ("host", "a"), (b"host",), (b"host", b"a", b""), [b"host", b"a"], object()]
    assert not any(other in headers for other in others)
    pair: object = (b"host", b"a")
    assert pair in headers


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
    for name in ("anything", "get", "__class__", "__dict__"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(headers, name, ())
    with pytest.raises(TypeError):
        headers[0] = (b"a", b"b")  # type: ignore[index]
    headers.raw_items().clear()
    assert headers.raw_items() == PAIRS
    assert headers == LOWER


@pytest.mark.parametrize("then", [("Content-Length", "1"), ("Content-Length", "\n"), ("a b", "")])
def test_what_is_made_while_it_is_made_is_not_trusted(then: tuple[str, str]) -> None:
    headers = Headers.__new__(Headers)

    def fields() -> Iterator[tuple[str, str]]:
        headers.__init__([("Host", "a"), ("Transfer-Encoding", "chunked")])
        yield "Content-Length", "1"
        yield then

    with pytest.raises((attrs.exceptions.FrozenInstanceError, LocalProtocolError)):
        headers.__init__(fields())
    assert headers == [(b"host", b"a"), (b"transfer-encoding", b"chunked")]
    client = Connection(CLIENT)
    assert client.send(Request(method="POST", target="/", headers=headers)).endswith(b"chunked\r\n\r\n")
    assert client.send(Data(b"x")) == b"1\r\nx\r\n"


def test_an_iterator_does_not_give_the_pairs_away() -> None:
    headers = Headers(PAIRS)
    left: Any = iter(headers).__reduce__()
    with contextlib.suppress(AttributeError):
        left[1][0].append((b"a", b"b"))
    assert headers == LOWER


class Reaching(list[Any]):
    """A list that changes what it is compared with: Python asks a subclass first."""

    __hash__ = None

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, list)
        other[0] = (b"x", b"a\r\nInjected: b")
        other.append((b"x", b"y"))
        return True


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\r\n", id="as most are"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", id="tolerated"),
    ],
)
def test_what_it_is_compared_with_cannot_reach_into_it(head: bytes) -> None:
    received = parsing.parse_request(head, policy=H11).headers
    for headers in (received, Headers([("Host", "a"), ("X", "b")])):
        assert headers == Reaching()
        assert list(headers) == [(b"host", b"a"), (b"x", b"b")]
        assert headers.raw_items() == [(b"Host", b"a"), (b"X", b"b")]
        assert serialize_fields(headers) == b"Host: a\r\nX: b\r\n\r\n"


def test_one_that_is_being_made_can_be_shown() -> None:
    """An error reporter shows what stood in the frames that an error came through, of a peer's error above all."""
    assert "being made" in repr(new_headers())
    with pytest.raises(RemoteProtocolError) as caught:
        parsing.parse_request(b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n")
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert str(caught.value) in shown


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
    assert again._strict
    assert repr(headers) == f"Headers({PAIRS!r})"
    assert eval(repr(headers)) == headers


def test_what_only_a_tolerance_let_in_is_checked_again() -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n"
    tolerated = parsing.parse_request(head, policy=H11).headers
    assert tolerated.get("x") == b"\x01"
    assert not tolerated._strict
    again = pickle.loads(pickle.dumps(tolerated))
    assert (again, again.raw_items(), again._strict) == (tolerated, tolerated.raw_items(), False)
    with pytest.raises(LocalProtocolError):
        Headers(tolerated)


def test_what_a_tolerance_let_in_is_made_of_bytes_and_not_checked() -> None:
    made = tolerated_headers([("a b", "\x01"), (bytearray(b"X"), b" ")])
    assert made.raw_items() == [(b"a b", b"\x01"), (b"X", b" ")]
    assert all(type(part) is bytes for pair in made.raw_items() for part in pair)
    assert not made._strict
    with pytest.raises(TypeError, match="a field's value"):
        tolerated_headers([("a", 1)])  # type: ignore[list-item]


def test_one_that_is_not_filled_yet_can_be_filled_once() -> None:
    made = new_headers()
    made.__init__([("Host", "a")])
    assert made == [(b"host", b"a")]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        made.__init__([("Host", "b")])


@given(strategies.fields())
def test_any_fields_that_are_right_are_kept_as_they_are(pairs: list[tuple[bytes, bytes]]) -> None:
    headers = Headers(pairs)
    assert headers.raw_items() == pairs
    for name, _ in pairs:
        values = [value for found, value in pairs if found.lower() == name.lower()]
        assert headers.get_all(name.upper()) == values
        assert headers.get(name) == values[0]
