"""A list of fields from inside: each name and each value by itself, and the lines that they make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from http11 import Headers, LocalProtocolError, Response, fields
from http11.fields import as_bytes, field_lines, is_value, list_members
from http11.parsing import parse_request
from http11.rules import received_headers
from http11.serialization import serialize_response
from tests.harness import python
from tests.strategies import TCHAR, VCHAR


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


@pytest.mark.parametrize("byte", range(256))
def test_every_byte_of_what_is_a_value(byte: int) -> None:
    one = bytes([byte])
    inside = byte in VCHAR + b" \t"
    for value, expected in (
        (b"", True),
        (one, byte in VCHAR),
        (b"a" + one, byte in VCHAR),
        (one + b"a", byte in VCHAR),
        (b"a" + one + b"a", inside),
    ):
        assert is_value(value) is expected


# --- names that have been met before --------------------------------------------------------------------------------


@pytest.fixture
def nothing_known() -> Iterator[None]:
    known, slots = fields._names.copy(), fields._slots.copy()
    fields._names.clear()
    fields._slots[:] = [None] * len(slots)
    yield
    fields._names.clear()
    fields._names.update(known)
    fields._slots[:] = slots


@pytest.mark.usefixtures("nothing_known")
@pytest.mark.parametrize("byte", range(256))
def test_every_byte_of_a_value_whose_name_is_known(byte: int) -> None:
    names = (b"x", b"Y-Z")
    Headers([(name, b"") for name in names])
    assert fields._names.keys() == {*names}
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
    assert python("-bb", "-c", program).splitlines() == ["[(b'Server', b'x')]"] * 3


@pytest.mark.usefixtures("nothing_known")
def test_a_percent_sign_in_a_name_is_one_on_the_wire() -> None:
    pairs = [(b"%b%%s%", b"%d"), (b"%", b"%%")]
    for _ in range(2):
        response = Response(status_code=200, headers=pairs)
        assert serialize_response(response) == b"HTTP/1.1 200 \r\n%b%%s%: %d\r\n%: %%\r\n\r\n"


@pytest.mark.usefixtures("nothing_known")
def test_what_is_known_is_bounded() -> None:
    most = fields.MOST_NAMES
    for number in range(2 * most):
        for _ in range(2):
            assert Headers([(b"X%d" % number, b"a")]) == [(b"x%d" % number, b"a")]
        assert len(fields._names) <= most
    assert len(fields._names) == most
    # What has come too late is looked at each time.
    with pytest.raises(LocalProtocolError):
        Headers([(b"x%d" % (2 * most), b"\n")])
    assert Headers([(b"HOST", b"a")])._host == b"a"
    assert received_headers([(b"HOST", b"a")], strict=True)._host == b"a"


@pytest.mark.usefixtures("nothing_known")
def test_long_names_are_not_kept() -> None:
    for size in (fields.MOST_NAME_SIZE, fields.MOST_NAME_SIZE + 1):
        name = b"X" * size
        for _ in range(2):
            assert Headers([(name, b"a")]).raw_items() == [(name, b"a")]
            assert received_headers([(name, b"a")], strict=True) == [(name.lower(), b"a")]
        assert (name in fields._names) is (size == fields.MOST_NAME_SIZE)


@pytest.mark.usefixtures("nothing_known")
@pytest.mark.parametrize("name", [b"a b", b"a:", b"", b"a\r\nb"])
def test_nothing_but_a_token_is_ever_known(name: bytes) -> None:
    # Whoever calls this says that it is one. That may be wrong, but nobody else shall believe it.
    received_headers([(name, b"x")], strict=True)
    assert name not in fields._names
    with pytest.raises(LocalProtocolError):
        Headers([(name, b"x")])


@pytest.mark.usefixtures("nothing_known")
@pytest.mark.parametrize("name", [b"X", b"Ab", b"Host", b"Content-Length", b"x" * fields.MOST_NAME_SIZE])
def test_a_known_name_is_found_where_it_stands_and_no_other_is(name: bytes) -> None:
    text = b"\n" + name + b":" + name[:-1] + b"\n"
    size = len(name)
    assert fields._known_at(text, 1, 1 + size) is None
    received_headers([(name, b"")], strict=True)
    found = fields._known_at(text, 1, 1 + size)
    assert found is fields._names[name]
    assert (found.spelled, found.lower) == (name, name.lower())
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            if text[start:end] != name:
                assert fields._known_at(text, start, end) is None
    for at in range(size):
        for byte in range(256):
            if byte != name[at]:
                other = name[:at] + bytes([byte]) + name[at + 1 :]
                assert fields._known_at(other, 0, size) is None


@pytest.mark.usefixtures("nothing_known")
def test_of_two_names_that_share_a_slot_both_are_read() -> None:
    numbered = [b"X-%d" % number for number in range(3000)]
    slots = {fields._slot(name, 0, len(name)): name for name in reversed(numbered)}
    second = next(name for name in numbered if slots[fields._slot(name, 0, len(name))] != name)
    first = slots[fields._slot(second, 0, len(second))]
    for _ in range(2):
        head = b"GET / HTTP/1.1\r\nHost: a\r\n%b: 1\r\n%b: 2\r\n\r\n" % (first, second)
        assert parse_request(head).headers.raw_items() == [(b"Host", b"a"), (first, b"1"), (second, b"2")]
    found = fields._known_at(first, 0, len(first))
    assert found is not None
    assert found.spelled == first
    assert fields._known_at(second, 0, len(second)) is None


@pytest.mark.parametrize("name", [b"", b"a:", b"a\r\nb", b"a\n"])
def test_a_name_is_matched_to_its_end(name: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        Headers([(name, b"x")])


# --- what is kept beside the fields ---------------------------------------------------------------------------------


DECIDING = ("connection", "content-length", "expect", "host", "transfer-encoding", "upgrade")


@pytest.mark.parametrize("strict", [True, False])
def test_the_first_value_that_decides_something_is_kept_by_name(strict: bool) -> None:
    raw = [(name.title().encode(), b"%d" % number) for number, name in enumerate(DECIDING)]
    for made in (Headers([("X", "y"), *raw]), received_headers([(b"X", b"y"), *raw], strict)):
        found = [getattr(made, f"_{name.replace('-', '_')}") for name in DECIDING]
        assert found == [value for _, value in raw]
        assert not made._repeated
        assert made.raw_items() == [(b"X", b"y"), *raw]
        assert list(made) == [(b"x", b"y"), *((name.lower(), value) for name, value in raw)]
    assert Headers([])._host is None


@pytest.mark.parametrize("name", DECIDING)
def test_a_field_that_decides_something_and_comes_again_is_noted(name: str) -> None:
    pairs = [(name.upper().encode(), b"1"), (b"X", b"2"), (b"X", b"2"), (name.encode(), b"3")]
    for made in (Headers(pairs), received_headers(pairs, strict=True)):
        assert getattr(made, f"_{name.replace('-', '_')}") == b"1"
        assert made._repeated
        assert fields.all_values(made, name.encode()) == [b"1", b"3"]
    assert not Headers([("X", "1"), ("x", "2")])._repeated


def test_a_pair_that_could_change_is_not_kept() -> None:
    pair = [b"Name", b"value"]
    made = Headers([pair])  # type: ignore[list-item]
    pair[1] = b"a\r\nb: c"
    assert made.raw_items() == [(b"Name", b"value")]
    assert type(made.raw_items()[0]) is tuple


def test_a_check_makes_the_lines_and_a_copy_has_them() -> None:
    raw = [(b"Host", b"a"), (b"X", b"")]
    made = Headers(raw)
    assert made._lines == field_lines(raw) == b"Host: a\r\nX: \r\n"
    again = Headers(made)
    assert again == made
    assert again is not made
    assert again._lines == made._lines
    # What a peer has sent is seldom sent on.
    assert received_headers(raw, strict=True)._lines is None
    assert field_lines([]) == b""


def test_a_copy_of_what_a_tolerance_let_in_is_checked() -> None:
    raw = [(b"Host", b"a"), (b"X", b"b")]
    made = Headers(received_headers(raw, strict=False))
    assert (made._strict, made._lines, made.raw_items()) == (True, field_lines(raw), raw)
    with pytest.raises(LocalProtocolError, match="value of b'X'"):
        Headers(received_headers([(b"Host", b"a"), (b"X", b"b ")], strict=False))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"a\x00b", "0x00 at index 1"),
        (b"\r\nb", "0x0D at index 0"),
        (b"a\x7f", "0x7F at index 1"),
        (b" a", "white space at one of its ends"),
        (b"a\t", "white space at one of its ends"),
    ],
)
def test_an_error_names_what_is_wrong_in_a_value_and_shows_no_more(value: bytes, found: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        Headers([("Cookie", value)])
    assert caught.value.msg.endswith(f"as the value of b'Cookie', got {found}")


# --- lists of tokens, and arguments ---------------------------------------------------------------------------------


def test_members_of_a_list() -> None:
    assert list_members([b"Close, x\t,,\t Y", b"z"]) == {b"close", b"x", b"y", b"z"}
    assert list_members([]) == set()
    assert list_members([b", ,"]) == set()
    # Only SP and HTAB are white space around a member.
    assert list_members([b"\xa0close", b"\x0bx"]) == {b"\xa0close", b"\x0bx"}


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


@pytest.mark.parametrize("value", [5, None, 1.0, ["a"], object(), range(3)])
def test_as_bytes_takes_nothing_else(value: object) -> None:
    with pytest.raises(TypeError, match=f"expected a bytes-like object or a str as it, got {type(value).__name__}"):
        as_bytes(value, "it")


def test_as_bytes_shows_no_more_than_the_character_that_is_wrong() -> None:
    with pytest.raises(UnicodeEncodeError, match=r"index 3 in the value of the field 'Cookie'") as caught:
        as_bytes("abc\xe4def", "the value of the field", b"Cookie")
    assert caught.value.object == "\xe4"
