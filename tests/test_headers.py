"""`Headers`: an immutable sequence that compares with lists, and is checked byte by byte."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from hypothesis import given

from http11 import H11, Headers, LocalProtocolError, Response, headers, parsing
from http11.headers import as_bytes, is_strict, known_names, list_members, received_headers
from http11.serialization import serialize_response
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
    for name in ("_parts", "anything"):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(headers, name, ())
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        del headers._parts
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


# --- names that have stood together before --------------------------------------------------------------------------


@pytest.fixture
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headers, "_known", {})


@pytest.mark.usefixtures("nothing_known")
@pytest.mark.parametrize("byte", range(256))
def test_every_byte_of_a_value_whose_name_is_known(byte: int) -> None:
    names = (b"x", b"Y-Z")
    Headers([(name, b"") for name in names])
    assert known_names(names) is not None
    one = bytes([byte])
    for value, allowed in ((one, VCHAR), (b"a" + one, VCHAR), (one + b"a", VCHAR), (b"a" + one + b"a", VCHAR + b" \t")):
        for pairs in ([(names[0], value), (names[1], b"b")], [(names[0], b"b"), (names[1], value)]):
            if byte in allowed:
                assert Headers(pairs).raw_items() == pairs
            else:
                with pytest.raises(LocalProtocolError) as caught:
                    Headers(pairs)
                assert caught.value.code == "bad-field-value"


@pytest.mark.usefixtures("nothing_known")
@pytest.mark.parametrize("value", [b"a\r\ny: b", b"\r\ny: ", b"a\r\n", b"a\n\n", b"\r\n\r\n", b"a\r\n b"])
def test_no_value_becomes_a_line_of_its_own(value: bytes) -> None:
    for names in ([b"x"], [b"x", b"y"], [b"x", b"x", b"x"]):
        Headers([(name, b"") for name in names])
        for place in range(len(names)):
            pairs = [(name, value if at == place else b"b") for at, name in enumerate(names)]
            with pytest.raises(LocalProtocolError, match="value of"):
                Headers(pairs)


@pytest.mark.usefixtures("nothing_known")
def test_what_is_no_pair_of_bytes_is_looked_at_all_the_same() -> None:
    class Raw(bytes):
        __slots__ = ()

    plain = Headers([(b"x", b"a"), (b"y", b"b")])
    others: list[Any] = [
        [("x", "a"), ("y", "b")],
        [[b"x", b"a"], (b"y", b"b")],
        [(b"x", bytearray(b"a")), (b"y", memoryview(b"b"))],
        [(Raw(b"x"), b"a"), (b"y", Raw(b"b"))],
        [(memoryview(b"x"), b"a"), (bytearray(b"y"), b"b")],
    ]
    for pairs in others:
        found = Headers(pairs)
        assert found == plain
        assert all(type(part) is bytes for pair in found.raw_items() for part in pair)
    three: Any = [(b"x", b"a", b""), (b"y", b"b", b"")]
    ragged: Any = [(b"x", b"a"), (b"y", b"b", b"")]
    for pairs in (three, ragged):
        with pytest.raises(ValueError, match="too many values"):
            Headers(pairs)
    no_pairs: Any = [b"xa", b"yb"]
    numbers: Any = [(b"x", 1), (b"y", 2)]
    for pairs in (no_pairs, numbers):
        with pytest.raises(TypeError, match="expected a"):
            Headers(pairs)


@pytest.mark.usefixtures("nothing_known")
def test_a_pair_is_unpacked_once() -> None:
    def pairs() -> list[Any]:
        return [(b"x", b"a"), map(bytes, (b"y", b"b\t")), iter((b"z", b"c"))]

    for _ in range(2):
        with pytest.raises(LocalProtocolError, match="value of b'y'"):
            Headers(pairs())
        assert Headers(pairs()[::2]).raw_items() == [(b"x", b"a"), (b"z", b"c")]
    # What is left of one that is none is no pair either.
    five: list[Any] = [(b"x", b"a"), iter((b"a", b"b", b"c", b"x", b"y"))]
    with pytest.raises(ValueError, match="too many values"):
        Headers(five)


@pytest.mark.parametrize("last", [(b"y", None), (b"y",), ("\xe4", b"b"), None])
@pytest.mark.parametrize("first", [(b"x", b"a\n"), (b"x y", b"a"), ("x", "a ")])
def test_the_first_mistake_is_the_one_that_is_told(first: Any, last: Any) -> None:
    with pytest.raises(LocalProtocolError):
        Headers([first, last])


def test_names_of_text_and_of_bytes_are_not_compared() -> None:
    """Which Python would warn of, if it is asked to: their hashes are equal."""
    program = """
from http11 import Headers
for pairs in ([(b"Server", b"x")], [("Server", b"x")], [(b"Server", "x")]):
    print(Headers(pairs).raw_items())
"""
    told = subprocess.run(
        [sys.executable, "-bb", "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.splitlines() == ["[(b'Server', b'x')]"] * 3


@pytest.mark.usefixtures("nothing_known")
def test_a_percent_sign_in_a_name_is_one_on_the_wire() -> None:
    pairs = [(b"%b%%s%", b"%d"), (b"%", b"%%")]
    for _ in range(2):
        response = Response(status_code=200, headers=pairs)
        assert serialize_response(response) == b"HTTP/1.1 200 \r\n%b%%s%: %d\r\n%: %%\r\n\r\n"


@pytest.mark.usefixtures("nothing_known")
def test_what_is_known_is_bounded() -> None:
    most = headers.MOST_KNOWN
    for number in range(3 * most):
        assert Headers([(b"x%d" % number, b"a"), (b"y", b"b")])[0] == (b"x%d" % number, b"a")
        assert len(headers._known) <= most
    assert headers._known
    # Neither many of them nor long ones.
    for names in ([b"x"] * (headers.MOST_KNOWN_FIELDS + 1), [b"x" * headers.MOST_KNOWN_BYTES]):
        for _ in range(2):
            assert len(Headers([(name, b"a") for name in names])) == len(names)
        assert known_names(tuple(names)) is None
    names = [b"x"] * headers.MOST_KNOWN_FIELDS
    Headers([(name, b"a") for name in names])
    assert known_names(tuple(names)) is not None


@pytest.mark.usefixtures("nothing_known")
@pytest.mark.parametrize("name", [b"a b", b"a:", b"", b"a\r\nb"])
def test_nothing_but_a_token_is_ever_known(name: bytes) -> None:
    # Whoever calls this says that it is one. That may be wrong, but nobody else shall believe it.
    received_headers([(name, b"x")], strict=True)
    assert known_names((name,)) is None
    with pytest.raises(LocalProtocolError):
        Headers([(name, b"x")])


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

    assert as_bytes(Name("good"), "it") == b"good"
    for value in (Raw(b"good"), bytearray(b"good"), memoryview(b"xgood")[1:]):
        assert as_bytes(value, "it") == b"good"
        assert type(as_bytes(value, "it")) is bytes
