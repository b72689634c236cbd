"""Lines taken apart: with no connection, from any beginning, and by the pattern over a whole section or by the walk."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from re import compile as pattern
from typing import Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from http11 import CLIENT, H11, SERVER, STRICT, Policy, RemoteProtocolError, grammar, lines
from http11.lines import Section
from tests import strategies
from tests.apart import Kind, Refused, taken_apart, told, walked

SECTIONS: Final[list[Section]] = ["request", "response", "trailers"]
GET = b"GET /a HTTP/1.1\r\nHost: b\r\nX:\t c \t\r\n\r\n"
OK = b"HTTP/1.1 200 O K\r\nX: y\r\nZ:\r\n\r\n"


# --- the parts ------------------------------------------------------------------------------------------------------


def test_the_parts_of_a_section_are_as_they_were_spelled() -> None:
    assert taken_apart("request", GET) == (b"GET", b"/a", b"1.1", [(b"Host", b"b"), (b"X", b"c")])
    assert taken_apart("response", OK) == (b"1.1", 200, b"O K", [(b"X", b"y"), (b"Z", b"")])
    for line, reason in ((b"HTTP/1.0 103 a:b", b"a:b"), (b"HTTP/1.0 103 ", b""), (b"HTTP/1.0 103", b"")):
        assert taken_apart("response", line + b"\r\n\r\n") == (b"1.0", 103, reason, [])
    assert taken_apart("trailers", b"\r\n") == []
    assert taken_apart("trailers", b"A:b\r\na: c\r\n\r\n") == [(b"A", b"b"), (b"a", b"c")]
    assert lines.split_chunk_line(b'1F ;a="b"\r\n', STRICT._tolerances) == (31, 7)


@pytest.mark.parametrize(
    ("folded", "value"),
    [
        (b"y\r\n z", b"y z"),
        (b" y \r\n\t z \t", b"y z"),
        (b"\r\n y", b"y"),
        (b"y\r\n ", b"y"),
        (b"y\r\n \r\n z", b"y  z"),
        (b"\r\n \r\n ", b""),
    ],
)
def test_each_fold_is_one_space(folded: bytes, value: bytes) -> None:
    fields = b"X:" + folded + b"\r\nZ: a\r\n\r\n"
    expected = [(b"X", value), (b"Z", b"a")]
    assert taken_apart("response", b"HTTP/1.1 200 \r\n" + fields) == (b"1.1", 200, b"", expected)
    assert taken_apart("trailers", fields, H11) == expected
    request = b"GET / HTTP/1.1\n" + fields.replace(b"\r", b"")
    assert taken_apart("request", request, H11) == (b"GET", b"/", b"1.1", expected)


@pytest.mark.parametrize(
    "name", [b"Connection", b"Content-Length", b"Expect", b"Host", b"Transfer-Encoding", b"Upgrade"]
)
def test_what_a_folded_field_decides_is_the_whole_of_its_value(name: bytes) -> None:
    # `spelled` compares what is known of the fields with what would be known of the same, not folded.
    fields = b"%b: a\n b\n%b: c\nX: d\n e\n\n" % (name, name.lower())
    expected = [(name, b"a b"), (name.lower(), b"c"), (b"X", b"d e")]
    assert taken_apart("trailers", fields, H11) == expected


def test_a_policy_may_want_few_fields_and_short_methods() -> None:
    exact = Policy(max_method_size=3, max_fields=2)
    assert lines.split_request(GET, exact._tolerances)[0] == b"GET"
    for policy, code, offset in (
        (Policy(max_method_size=2), "method-too-long", 2),
        (Policy(max_fields=1), "too-many-fields", GET.index(b"X")),
    ):
        refused = taken_apart("request", GET, policy)
        assert isinstance(refused, Refused)
        assert (refused.code, refused.offset) == (code, offset)


def test_a_line_that_is_left_out_counts_as_a_field() -> None:
    head = b"HTTP/1.1 200 \r\n a\r\n b\r\n\r\n"
    two = Policy(broken_lines_in_response=True, max_fields=2)
    assert taken_apart("response", head, two) == (b"1.1", 200, b"", [])
    refused = taken_apart("response", head, attrs.evolve(two, max_fields=1))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.offset) == ("too-many-fields", head.index(b" b"))


# --- the pattern and the walk ---------------------------------------------------------------------------------------


PATTERNS: Final = {
    "request": grammar.REQUEST_HEAD,
    "response": grammar.RESPONSE_HEAD,
    "trailers": grammar.TRAILER_SECTION,
}
# A fold needs the walk; so does the HTTP/2 preface (RQ-15).
ONLY_WALKED = pattern(rb"\n[ \t]|\APRI \* HTTP/2\.0\r\n")


def is_matched(kind: Kind, text: bytes) -> bool:
    if kind == "chunk line":
        return text.endswith(b"\r\n") and grammar.CHUNK_LINE.fullmatch(text[:-2]) is not None
    return PATTERNS[kind].fullmatch(text) is not None


def check_what_a_pattern_matches(kind: Kind, text: bytes, policy: Policy = STRICT, *, tolerant: bool = False) -> None:
    found = taken_apart(kind, text, policy)
    if is_matched(kind, text):
        for again in walked(kind, text, policy):
            assert again == found, text
    # What the walk reads though it need not is slow, which no event would show. A tolerance needs it as well.
    elif not (tolerant or (kind != "chunk line" and ONLY_WALKED.search(text))):
        assert found is None or isinstance(found, Refused), text


@given(
    st.data(), st.sampled_from(SECTIONS), st.sampled_from([STRICT, Policy(max_method_size=4), Policy(any_host=True)])
)
def test_a_section_has_the_same_parts_by_the_pattern_as_by_the_walk(
    data: st.DataObject, kind: Section, policy: Policy
) -> None:
    text = data.draw(sections(kind))
    check_what_a_pattern_matches(kind, text, policy)


@st.composite
def sections(draw: st.DrawFn, kind: Section) -> bytes:
    """What may be one section, right or wrong, whole or not."""
    stream = draw(strategies.streams(CLIENT if kind == "response" else SERVER))
    if kind == "trailers":
        stream = stream.partition(b"\r\n")[2]
    head, end, _ = stream.lstrip(b"\r\n").partition(b"\r\n\r\n")
    return head + end


WHOLE: dict[Section, bytes] = {
    "request": b"G /a HTTP/1.1\r\nb:\tc \r\nd:\r\n\r\n",
    "response": b"HTTP/1.1 200 O K\r\nb:\tc \r\n\r\n",
    "trailers": b"a: b\r\nc:\r\n\r\n",
}


def changed_by_a_byte(text: bytes) -> Iterator[bytes]:
    yield text
    for place in range(len(text) + 1):
        yield text[:place] + text[place + 1 :]
        for byte in range(256):
            yield text[:place] + bytes([byte]) + text[place:]
            yield text[:place] + bytes([byte]) + text[place + 1 :]


@pytest.mark.no_cover
@pytest.mark.parametrize("kind", SECTIONS)
def test_the_pattern_matches_what_the_walk_takes_and_no_more(kind: Section) -> None:
    for text in changed_by_a_byte(WHOLE[kind]):
        check_what_a_pattern_matches(kind, text)


LINE = b'1F ;a = "b\\c"\t;d; e=f;g=""\r\n'


@pytest.mark.no_cover
def test_a_chunk_line_is_the_same_by_the_pattern_as_by_the_walk() -> None:
    for text in (
        *changed_by_a_byte(LINE),
        *(b"0" * digits + end for digits in range(22) for end in (b"\r\n", b";a\r\n")),
    ):
        check_what_a_pattern_matches("chunk line", text)


SHORT = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")


def check_a_short_chunk_line(text: bytes) -> None:
    match = SHORT.match(text)
    expected = (0, -1) if match is None else (int(match[1], 16), match.end())
    for start in (0, 3):
        data = b"5\r\n"[:start] + text
        found = (expected[0], expected[1] + start) if match is not None else expected
        assert lines.short_chunk_line(data, start) == found, text
        # What a compiled build calls.
        assert lines._short_chunk_line_by_loop(data, start) == found, text
    # In a buffer it may be left to the walk.
    assert lines.short_chunk_line(bytearray(text), 0) in (expected, (0, -1))


def test_a_short_chunk_line_is_the_same_by_either_form() -> None:
    for text in (*changed_by_a_byte(b"1F\r\n"), *(b"%0*x\r\n|" % (digits, 10) for digits in range(1, 12))):
        check_a_short_chunk_line(text)
        for size in range(len(text)):
            check_a_short_chunk_line(text[:size])


@given(st.text("0123456789abcdefABCDEFg; \r\n", max_size=12).map(str.encode))
def test_and_so_is_whatever_comes(text: bytes) -> None:
    check_a_short_chunk_line(text)


# --- beginnings -----------------------------------------------------------------------------------------------------

TEXTS: dict[Kind, list[bytes]] = {
    "request": [
        GET,
        GET.replace(b"\r", b""),
        b"A" * 70 + b" / HTTP/1.1\r\n\r\n",
        b"G\x00T",
        b"GET  /",
        b"GET /\x7f ",
        b"GET /\r\n",
        b"GET / HTTQ",
        b"GET / HTTP/2.0\r\n",
        b"PRI * HTTP/2.0\r\nA:b\r\n\r\n",
        b"GET / HTTP/1.1 \r\n",
        b"GET / HTTP/1.1\rx",
        b"GET / HTTP/1.1\r\n a: b",
        b"GET / HTTP/1.1\r\na : b",
        b"GET / HTTP/1.1\r\na\r\n",
        b"GET / HTTP/1.1\r\na: \x0b",
        b"GET / HTTP/1.1\r\na: b\r\n c",
        GET + b"x",
    ],
    "response": [
        OK,
        OK.replace(b"\r", b""),
        b"\r\n" + OK,
        b"HTTP/1.1  200 \r\n",
        b"HTTP/1.1 099 \r\n",
        b"HTTP/1.1 20 \r\n",
        b"HTTP/1.1 2000\r\n",
        b"HTTP/1.1 200 \x00",
        b"HTTP/1.1 200 \r\nContent-Length: 1\r\n 2",
        b"HTTP/1.1 200 \r\na b\r\n c\r\n\r\n",
        b"HTTP/1.1 200 \r\n a\r\nb:\r\n\r\n",
        b"HTTP/1.1 200 \r\na :b\r\n\r\n",
        b"HTTP/1.1 200 \r\na \t\r\nb \x00",
        b"HTTP/1.1 200 \r\nContent-Length \t: 1\r\n\r\n",
        b"HTTP/1.1 200 \r\n content-length: 1\r\n\r\n",
        b"HTTP/1.1 200 \r\n(Connection)\r\n\r\n",
        b"HTTP/1.1 200 \r\nHTTP/1.1 200 \r\n\r\n",
        b"HTTP/1.1 200 \r\na b\r\n \t\r\n\r\n",
    ],
    "trailers": [b"\r\n", b"\n", b"\rx", b"a: b\r\n\r\n", b"a: b\r\n\tc\r\n\r\n", b"(", b": b\r\n\r\n"],
    "chunk line": [LINE, b"5;a b\r\n", b"5 \r\n", b"5 x\r\n", b"5\n", b"5\rx", b"x\r\n", b'5;a="\x00"\r\n', b"5\r\nx"],
}


# Both of the doors to lines, and each.
DOORS = [
    Policy(broken_lines_in_response=True),
    Policy(space_before_colon_in_response=True),
    Policy(
        broken_lines_in_response=True, space_before_colon_in_response=True, bare_lf=True, control_bytes_in_value=True
    ),
]


@pytest.mark.parametrize("policy", [STRICT, H11, *DOORS], ids=["STRICT", "H11", "broken", "spaced", "both"])
@pytest.mark.parametrize("kind", TEXTS)
def test_what_is_wrong_with_a_beginning_is_wrong_however_it_goes_on(kind: Kind, policy: Policy) -> None:
    """So a head that is too large or cut short gets the error that it would get if it were whole."""
    for text in TEXTS[kind]:
        check_beginnings(kind, text, policy)


@given(st.data(), st.sampled_from(SECTIONS), st.sampled_from([STRICT, H11, *DOORS]))
def test_the_same_goes_for_what_peers_may_send(data: st.DataObject, kind: Section, policy: Policy) -> None:
    text = data.draw(sections(kind))
    check_beginnings(kind, text, policy)
    if kind == "trailers":
        check_beginnings("chunk line", text.partition(b"\n")[0] + b"\n", policy)


def check_beginnings(kind: Kind, text: bytes, policy: Policy, sizes: Iterable[int] | None = None) -> None:
    """Check the beginnings of the given sizes, or of all of them."""
    whole = taken_apart(kind, text, policy)
    for size in range(len(text)) if sizes is None else sizes:
        found = taken_apart(kind, text[:size], policy)
        if isinstance(found, Refused):
            assert found == whole, text[:size]
        elif found is not None:
            # Nothing may follow what is whole.
            assert isinstance(whole, Refused)
            assert (whole.code, whole.offset) == ("unexpected-bytes", size)
    if isinstance(whole, Refused):
        # It is the first one: without it, and what stands behind it, nothing is wrong.
        assert whole.offset is not None
        assert not isinstance(taken_apart(kind, text[: whole.offset], policy), Refused)


@pytest.mark.parametrize("policy", [STRICT, H11], ids=["STRICT", "H11"])
@pytest.mark.parametrize("section", SECTIONS)
def test_an_explanation_is_the_error_of_what_there_is(section: Section, policy: Policy) -> None:
    for text in TEXTS[section]:
        for size in range(len(text) + 1):
            expected = taken_apart(section, text[:size], policy)
            if isinstance(expected, Refused):
                with pytest.raises(RemoteProtocolError) as caught:
                    lines.explain(text[:size], section, policy._tolerances)
                assert (caught.value.code, caught.value.offset) == (expected.code, expected.offset)
            else:
                lines.explain(text[:size], section, policy._tolerances)


@pytest.mark.parametrize("policy", [STRICT, H11], ids=["STRICT", "H11"])
@pytest.mark.parametrize("section", SECTIONS[:2])
def test_a_start_line_that_is_whole_is_refused_for_what_is_wrong_in_it(section: Section, policy: Policy) -> None:
    for text in TEXTS[section]:
        line = text[: text.find(b"\n") + 1]
        expected = taken_apart(section, line, policy)
        for text_of_it in (line, line + b"a b"):
            if isinstance(expected, Refused):
                with pytest.raises(RemoteProtocolError) as caught:
                    lines.check_start_line(text_of_it, section, policy._tolerances)
                assert told(caught.value) == expected
            elif line:
                lines.check_start_line(text_of_it, section, policy._tolerances)
    lines.check_start_line(b"GET / HTTP/1.1" if section == "request" else b"HTTP/1.1 200", section, policy._tolerances)


# What can no longer become a start line, and the first byte of which that is so.
HOPELESS: list[tuple[Section, bytes, int]] = [
    ("request", b"\x16\x03\x01", 0),
    ("request", b" GET", 0),
    ("request", b"G@T", 1),
    ("request", b"GET\t/", 3),
    ("request", b"GET\n", 3),
    ("request", b"GET\rx", 4),
    ("request", b"\n", 0),
    ("request", b"A" * 65, 64),
    ("response", b"\x16\x03\x01", 0),
    ("response", b"HTTQ", 3),
    ("response", b"HTTP/x", 5),
    ("response", b"HTTP/2.0", 7),
    ("response", b"\r\n", 1),
]


@pytest.mark.parametrize(("section", "text", "place"), HOPELESS)
def test_a_beginning_is_refused_at_the_byte_that_no_start_line_has_there(
    section: Section, text: bytes, place: int
) -> None:
    for size in range(place + 1):
        lines.check_beginning(text[:size], section, STRICT._tolerances)
    refused = taken_apart(section, text, STRICT)
    assert isinstance(refused, Refused)
    for rest in (b"", b"x", b"\r\n\r\n"):
        with pytest.raises(RemoteProtocolError) as caught:
            lines.check_beginning(text[: place + 1] + rest, section, STRICT._tolerances)
        assert (caught.value.code, caught.value.offset) == (refused.code, refused.offset)


@given(st.data(), st.sampled_from(SECTIONS[:2]), st.sampled_from([STRICT, H11]))
def test_a_beginning_that_is_refused_is_that_of_no_head(data: st.DataObject, section: Section, policy: Policy) -> None:
    text = data.draw(sections(section))
    size = data.draw(st.integers(0, len(text)))
    refused: Refused | None = None
    try:
        lines.check_beginning(text[:size], section, policy._tolerances)
    except RemoteProtocolError as error:
        refused = told(error)
    assert refused is None or refused == taken_apart(section, text, policy)


# --- where a section ends -------------------------------------------------------------------------------------------

ENDS = [b"\r\n\r\n", b"\n\n", b"\n\r\n", b"\r\n\n", b"\n\n\r\n", b"\n\r\n\n", b"\r\n\r", b"\r\r\n", b"", b"\n\r\r\n"]
EMPTY_LINE = pattern(rb"\n\r?\n")


def end_of(text: bytes, section: Section) -> int:
    # A trailer section may be no more than its end.
    before = b"\n" if section == "trailers" else b""
    match = EMPTY_LINE.search(before + text)
    return -1 if match is None else match.end() - len(before)


def by_either(data: bytes | bytearray, start: int, seen: int, section: Section) -> int:
    return lines.find_section_end(data, start, seen, section=section)


def by_loop(data: bytes | bytearray, start: int, seen: int, section: Section) -> int:
    return lines._section_end_by_loop(bytes(data), start, seen, section == "trailers")


# The form that this build takes, and the one that a compiled build takes.
BOTH_FORMS = [by_either, by_loop]


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("end", ENDS)
def test_a_section_ends_with_its_first_empty_line_whatever_has_been_seen(section: Section, end: bytes) -> None:
    for before, rest in ((b"", b""), (b"a", b""), (b"a: b", b"c\r\n\r\n"), (b"\ra", b"\n\n"), (b"a\n b", b"\n")):
        text = before + end + rest
        for size in range(len(text) + 1):
            expected = end_of(text[:size], section)
            for data in (b"..." + text[:size], bytearray(b"..." + text[:size])):
                assert lines.find_section_end(data, 3, section=section) == (expected if expected < 0 else 3 + expected)
                # Whoever has seen some of it has not found the end in that.
                for seen in range(size + 1):
                    if end_of(text[:seen], section) < 0:
                        for find in BOTH_FORMS:
                            assert find(data, 3, seen, section) == (expected if expected < 0 else 3 + expected)


@pytest.mark.parametrize("section", SECTIONS)
def test_what_has_been_seen_is_not_looked_at_again(section: Section) -> None:
    """But for the two bytes in which the end may have begun."""
    for seen in range(3, 20):
        data = b"\n" * (seen - 2) + b"a" * 10
        for find in BOTH_FORMS:
            assert find(data, 0, seen, section) == -1
        assert lines.find_line_end(b"\n" * seen + b"a", 0, seen) == -1


@given(st.binary() | st.lists(st.sampled_from([b"\r", b"\n", b"a"])).map(b"".join), st.sampled_from(SECTIONS))
def test_both_forms_find_the_end_of_whatever_comes(text: bytes, section: Section) -> None:
    for seen in range(len(text) + 1):
        check_where_it_ends(text, section, seen)


def check_where_it_ends(text: bytes, section: Section, seen: int) -> None:
    expected = end_of(text, section)
    for start in (0, 2) if end_of(text[:seen], section) < 0 else ():
        for data in (b"\n\n"[:start] + text, bytearray(b"\n\n"[:start] + text)):
            for find in BOTH_FORMS:
                assert find(data, start, seen, section) == (expected if expected < 0 else start + expected)


def test_where_a_line_ends() -> None:
    assert lines.find_line_end(b"ab\r\nc\n", 0) == 4
    assert lines.find_line_end(b"ab\r\nc\n", 4) == 6
    assert lines.find_line_end(b"ab\r\nc", 4) == -1
    assert lines.find_line_end(b"ab\r\nc\n", 1, 3) == 6
    assert lines.find_line_end(b"\n", 0) == 1
    assert lines.find_line_end(b"", 0) == -1


@pytest.mark.parametrize(
    ("data", "strict", "lenient"),
    [
        (b"", 0, 0),
        (b"G", 0, 0),
        (b"\r\nG", 2, 2),
        (b"\r\n\r\n\r", 4, 4),
        (b"\nG", 0, 1),
        (b"\r\n\n\r\n", 2, 5),
        (b"\r\r\n", 0, 0),
        (b" \r\n", 0, 0),
    ],
)
def test_where_empty_lines_end(data: bytes, strict: int, lenient: int) -> None:
    for text in (b"." + data, bytearray(b"." + data)):
        assert lines.skip_empty_lines(text, 1) == 1 + strict
        assert lines.skip_empty_lines(text, 1, bare_lf=True) == 1 + lenient


# --- cuts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 5, 1023, 1024, 1025, 5000])
def test_a_part_of_a_buffer_is_bytes_and_leaves_the_buffer_free_to_grow(size: int) -> None:
    whole = bytes(range(256)) * (size // 256 + 1)
    whole = whole[:size]
    assert lines.cut(whole, 0, size) is whole
    assert lines.cut(b"." + whole + b".", 1, size + 1) == whole
    buffer = bytearray(b"." + whole + b".")
    part = lines.cut(buffer, 1, size + 1)
    assert (part, type(part)) == (whole, bytes)
    buffer += b"!"
    assert lines.cut(buffer, size + 1, size + 3) == b".!"


def test_where_a_crlf_stands() -> None:
    text = b"\r\n\n\r\r\n\r"
    for data in (text, bytearray(text)):
        assert [at for at in range(len(text) + 2) if lines.has_crlf(data, at)] == [0, 4]
