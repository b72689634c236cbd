"""Every class of bytes over all 256 of them, against the RFCs' sets, which are written out here."""

from __future__ import annotations

import ast
import importlib
import ipaddress
import itertools
import re
from collections.abc import Iterable
from pathlib import Path
from re import Pattern
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http11 import CLIENT, SERVER, Role, grammar
from http11.grammar import Run
from tests.harness import read

ALL = frozenset(range(256))
DIGIT = frozenset(b"0123456789")
HEXDIG = DIGIT | frozenset(b"abcdefABCDEF")
ALPHA = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
# RFC 9110 5.6.2
TCHAR = ALPHA | DIGIT | frozenset(b"!#$%&'*+-.^_`|~")
# RFC 5234 B.1
VCHAR = frozenset(range(0x21, 0x7F))
OBS_TEXT = frozenset(range(0x80, 0x100))
WSP = frozenset(b" \t")
TEXT = VCHAR | OBS_TEXT | WSP
TARGET = VCHAR - frozenset(b"#")
# What the package h11 0.16 takes in a value: [^\x00\s], and SP and HTAB
LENIENT_TEXT = ALL - frozenset(b"\x00\n\x0b\x0c\r")

# Of each, the single bytes that it matches.
CLASSES: dict[str, tuple[Pattern[bytes] | Run, frozenset[int]]] = {
    "TOKEN_RUN": (grammar.TOKEN_RUN, TCHAR),
    "METHOD": (grammar.METHOD, TCHAR),
    "FIELD_NAME": (grammar.FIELD_NAME, TCHAR),
    "TARGET_RUN": (grammar.TARGET_RUN, TARGET),
    "TARGET": (grammar.TARGET, TARGET),
    "FRAGMENT_TARGET_RUN": (grammar.FRAGMENT_TARGET_RUN, VCHAR),
    "NON_ASCII_TARGET_RUN": (grammar.NON_ASCII_TARGET_RUN, TARGET | OBS_TEXT),
    "NON_ASCII_FRAGMENT_TARGET_RUN": (grammar.NON_ASCII_FRAGMENT_TARGET_RUN, VCHAR | OBS_TEXT),
    "VALUE_RUN": (grammar.VALUE_RUN, TEXT),
    "REASON": (grammar.REASON, TEXT),
    "ANY_VALUE_RUN": (grammar.ANY_VALUE_RUN, LENIENT_TEXT),
    "FIELD_VALUE": (grammar.FIELD_VALUE, VCHAR | OBS_TEXT),
    "HEX_RUN": (grammar.HEX_RUN, HEXDIG),
    "DIGITS_RUN": (grammar.DIGITS_RUN, DIGIT),
    "SCHEME_RUN": (grammar.SCHEME_RUN, ALPHA),
    "AUTHORITY_RUN": (grammar.AUTHORITY_RUN, ALL - frozenset(b"/?#")),
    # RFC 3986 2.2 and 2.3
    "REG_NAME_RUN": (grammar.REG_NAME_RUN, ALPHA | DIGIT | frozenset(b"-._~!$&'()*+,;=")),
    "CODING_RUN": (grammar.CODING_RUN, TCHAR),
    "CONTENT_LENGTH": (grammar.CONTENT_LENGTH, DIGIT),
    "OWS_RUN": (grammar.OWS_RUN, WSP),
    "NOT_CR_LF_RUN": (grammar.NOT_CR_LF_RUN, ALL - frozenset(b"\r\n")),
    # A backslash needs a byte behind it, and DQUOTE is the end.
    "QUOTED_RUN": (grammar.QUOTED_RUN, TEXT - frozenset(b'"\\')),
    "HTTP_VERSION_RUN": (grammar.HTTP_VERSION_RUN, frozenset(b"H")),
    "IPVFUTURE_RUN": (grammar.IPVFUTURE_RUN, frozenset(b"vV")),
    "HOST_NAME_RUN": (grammar.HOST_NAME_RUN, ALPHA | DIGIT | frozenset(b"-._")),
    "EMPTY_LINES": (grammar.EMPTY_LINES, frozenset()),
    "LENIENT_EMPTY_LINES": (grammar.LENIENT_EMPTY_LINES, frozenset(b"\n")),
}


PATTERNS = [name for name in grammar.__all__ if isinstance(getattr(grammar, name), Pattern | Run)]
RUNS = [name for name in PATTERNS if isinstance(getattr(grammar, name), Run)]


def pattern_of(name: str) -> Pattern[bytes]:
    found: Pattern[bytes] | Run = getattr(grammar, name)
    return found.pattern if isinstance(found, Run) else found


@pytest.mark.parametrize("name", PATTERNS)
def test_no_group_is_repeated_possessively(name: str) -> None:
    # CPython before 3.11.5 takes half of such a group for a whole one, and every one stumbles over captures in it.
    without_classes = re.sub(rb"\[(?:\\.|[^\]\\])*\]", b"[]", pattern_of(name).pattern)
    assert re.search(rb"\)(?:[*+?]|\{[0-9,]*\})\+", without_classes) is None


@pytest.mark.parametrize("name", PATTERNS)
def test_no_endless_repetition_gives_back_what_it_has_matched(name: str) -> None:
    """A count of steps would show only what some input makes of it; this is why no input can make it more."""
    assert not gives_back(PARSER.parse(pattern_of(name).pattern))
    assert gives_back(PARSER.parse(b"a(?:b+)?c"))


# Python's own reader of patterns, which has no public name.
PARSER = importlib.import_module("re._parser")


def gives_back(pattern: Iterable[tuple[object, Any]]) -> bool:
    """Tell whether a part of a pattern may be repeated without end, is greedy, and stands in no atomic group alone."""
    for operation, argument in pattern:
        if str(operation) in ("MAX_REPEAT", "MIN_REPEAT") and argument[1] == PARSER.MAXREPEAT:
            return True
        parts = argument[1] if str(operation) == "BRANCH" else argument if isinstance(argument, tuple) else (argument,)
        inner = [part for part in parts if isinstance(part, PARSER.SubPattern)]
        if str(operation) == "ATOMIC_GROUP" and len(inner[0]) == 1 and str(inner[0][0][0]) == "MAX_REPEAT":
            inner = [inner[0][0][1][2]]
        if any(map(gives_back, inner)):
            return True
    return False


ENGINE = [path for path in sorted(Path(grammar.__file__).parent.glob("*.py")) if path.stem != "__main__"]


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: path.stem)
def test_white_space_is_never_left_to_python(path: Path) -> None:
    """`bytes.strip()` takes VT, FF, CR and LF as well: where the grammar lets none of them in, nobody would see it."""
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    stripping = [
        call
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"strip", "lstrip", "rstrip"}
    ]
    assert all(call.args for call in stripping)


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_is_that_of_the_rfc(name: str) -> None:
    _, allowed = CLASSES[name]
    pattern = pattern_of(name)
    assert {byte for byte in ALL if pattern.fullmatch(bytes([byte]))} == allowed


def test_each_run_is_one_of_the_classes() -> None:
    """And so is each pattern of that name, so that none is left out."""
    assert [name for name in PATTERNS if name.endswith("_RUN") and name not in CLASSES] == []
    assert [name for name in RUNS if not name.endswith("_RUN")] == []


# --- runs by a loop, and by a pattern ---


@pytest.mark.parametrize("name", RUNS)
def test_a_run_ends_at_the_first_byte_that_is_not_of_it(name: str) -> None:
    run: Run = getattr(grammar, name)
    _, allowed = CLASSES[name]
    assert {byte for byte in ALL if run.table[byte]} == allowed
    inside = bytes(sorted(allowed))
    for byte in ALL:
        end = byte in allowed
        for find in (grammar.run_end, grammar.end_by_loop, grammar.end_by_pattern):
            assert find(run, bytes([byte]), 0) == end
            assert find(run, b"..%c" % byte, 2) == 2 + end
            assert find(run, inside + bytes([byte]), 0) == len(inside) + end
            assert find(run, bytes([byte]) * 3, 1) == 1 + 2 * end


@given(st.sampled_from(RUNS), st.binary() | st.text("aA09 \t.:#\r\n\x7f").map(str.encode), st.data())
def test_a_run_ends_where_it_does_by_either_form(name: str, text: bytes, data: st.DataObject) -> None:
    run: Run = getattr(grammar, name)
    _, allowed = CLASSES[name]
    start = data.draw(st.integers(0, len(text)))
    expected = next((at for at in range(start, len(text)) if text[at] not in allowed), len(text))
    for find in (grammar.run_end, grammar.end_by_loop, grammar.end_by_pattern):
        assert find(run, text, start) == expected


def test_the_end_of_nothing_is_where_it_begins() -> None:
    for name in RUNS:
        run: Run = getattr(grammar, name)
        for find in (grammar.run_end, grammar.end_by_loop, grammar.end_by_pattern):
            assert find(run, b"", 0) == 0
            assert find(run, b"a0 ", 3) == 3


def test_what_may_be_escaped_in_a_quoted_string() -> None:
    assert {byte for byte in ALL if grammar.QUOTED_RUN.fullmatch(b"\\" + bytes([byte]))} == TEXT


# --- the same classes, through the parser: one byte in each place of a message ---

PLACES: dict[str, tuple[Role, bytes, bytes, frozenset[int]]] = {
    "method": (SERVER, b"A", b"B / HTTP/1.1\r\nHost: a\r\n\r\n", TCHAR),
    "target": (SERVER, b"GET /a", b"b HTTP/1.1\r\nHost: a\r\n\r\n", TARGET),
    "major version": (SERVER, b"GET / HTTP/", b".1\r\nHost: a\r\n\r\n", frozenset(b"1")),
    "minor version": (SERVER, b"GET / HTTP/1.", b"\r\nHost: a\r\n\r\n", DIGIT),
    "before a name": (SERVER, b"GET / HTTP/1.1\r\nHost: a\r\n", b"X: y\r\n\r\n", TCHAR),
    "inside a name": (SERVER, b"GET / HTTP/1.1\r\nHost: a\r\nX", b"X: y\r\n\r\n", TCHAR | frozenset(b":")),
    "before the colon": (SERVER, b"GET / HTTP/1.1\r\nHost: a\r\nX", b": y\r\n\r\n", TCHAR | frozenset(b":")),
    "behind the colon": (SERVER, b"GET / HTTP/1.1\r\nHost: a\r\nX:", b"y\r\n\r\n", TEXT),
    "inside a value": (SERVER, b"GET / HTTP/1.1\r\nHost: a\r\nX: y", b"y\r\n\r\n", TEXT),
    "behind a value": (SERVER, b"GET / HTTP/1.1\r\nHost: a\r\nX: y", b"\r\n\r\n", TEXT),
    "length": (SERVER, b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0", b"\r\n\r\n", DIGIT | WSP),
    "coding": (
        SERVER,
        b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked",
        b"\r\n\r\n0\r\n\r\n",
        WSP,
    ),
    "status code": (CLIENT, b"HTTP/1.1 20", b" OK\r\n\r\n", DIGIT),
    "behind the status code": (CLIENT, b"HTTP/1.1 200", b"OK\r\n\r\n", frozenset(b" ")),
    "reason": (CLIENT, b"HTTP/1.1 200 O", b"K\r\n\r\n", TEXT),
}
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
PLACES |= {
    "chunk size": (SERVER, CHUNKED + b"0", b"\r\n", HEXDIG),
    "behind the chunk size": (SERVER, CHUNKED + b"1", b"a=b\r\n.\r\n0\r\n\r\n", frozenset(b";")),
    "extension name": (SERVER, CHUNKED + b"1;a", b"b\r\n.\r\n0\r\n\r\n", TCHAR | frozenset(b";=")),
    "extension value": (SERVER, CHUNKED + b"1;a=", b"b\r\n.\r\n0\r\n\r\n", TCHAR | WSP),
    "extension string": (SERVER, CHUNKED + b'1;a="', b'b"\r\n.\r\n0\r\n\r\n', TEXT - frozenset(b'"')),
    "chunk end": (SERVER, CHUNKED + b"1\r\n.", b"\n0\r\n\r\n", frozenset(b"\r")),
    "chunk end, LF": (SERVER, CHUNKED + b"1\r\n.\r", b"0\r\n\r\n", frozenset(b"\n")),
    "trailer name": (SERVER, CHUNKED + b"0\r\nx", b": y\r\n\r\n", TCHAR | frozenset(b":")),
    "trailer value": (SERVER, CHUNKED + b"0\r\nx: y", b"\r\n\r\n", TEXT),
}


@pytest.mark.parametrize("place", PLACES)
def test_every_byte_in_a_place_of_a_message(place: str) -> None:
    role, before, after, allowed = PLACES[place]
    accepted = set()
    for byte in ALL:
        outcome = read([before + bytes([byte]) + after], role)
        if outcome[-1][0] != "error":
            accepted.add(byte)
    # A CR or LF here begins another line; whether that is right is not what this is about.
    lines = frozenset(b"\r\n") - allowed
    assert accepted - lines == allowed - lines


# --- hosts ---


@given(st.ip_addresses(v=6))
def test_every_ipv6_address_is_a_host(address: ipaddress.IPv6Address) -> None:
    for spelled in (address.compressed, address.exploded, address.exploded.upper()):
        assert grammar.HOST.fullmatch(b"[%b]" % spelled.encode())


@given(st.lists(st.sampled_from([b":", b"::", b"0", b"1f", b"abcd", b"12345", b"1.2.3.4", b"256.1.1.1"]), max_size=10))
def test_a_host_in_brackets_is_what_the_standard_library_takes_for_an_ipv6_address(parts: list[bytes]) -> None:
    spelled = b"".join(parts)
    try:
        ipaddress.IPv6Address(spelled.decode())
    except ValueError:
        expected = False
    else:
        expected = True
    assert bool(grammar.HOST.fullmatch(b"[%b]" % spelled)) == expected


@pytest.mark.parametrize("name", ["HOST", "CONNECT_TARGET"])
def test_every_count_of_groups_of_an_ipv6_address(name: str) -> None:
    pattern: Pattern[bytes] = getattr(grammar, name)
    port = b":1" if name == "CONNECT_TARGET" else b""
    for before, after, joint, tail in itertools.product(range(10), range(10), (":", "::"), ("", "1.2.3.4")):
        for long in range(-1, before + after):
            # A group of eight digits is none, and no colon between them is left out.
            groups = ["abcdefab" if place == long else "a" for place in range(before + after)]
            behind = [*groups[before:], *([tail] if tail else [])]
            spelled = ":".join(groups[:before]) + joint + ":".join(behind)
            assert bool(pattern.fullmatch(b"[%b]" % spelled.encode() + port)) == is_ipv6(spelled), spelled


def is_ipv6(spelled: str) -> bool:
    try:
        ipaddress.IPv6Address(spelled)
    except ValueError:
        return False
    return True


def test_every_octet_of_an_ipv4_address() -> None:
    for place in range(4):
        for number in (*map(str, range(1000)), "", "00", "01", "000", "001", "0255"):
            octets = ["1", "22", "133", "9"]
            octets[place] = number
            expected = number == "0" or (number[:1] in {*"123456789"} and int(number) < 256)
            assert bool(grammar.HOST.fullmatch(b"[::%b]" % ".".join(octets).encode())) == expected


# RFC 3986 2.2 and 2.3
REG_NAME = ALPHA | DIGIT | frozenset(b"-._~!$&'()*+,;=")
SCHEME = ALPHA | DIGIT | frozenset(b"+-.")

# A pattern, what stands before and behind a byte, and which bytes may stand there.
BYTES: list[tuple[Pattern[bytes], bytes, bytes, frozenset[int]]] = [
    (grammar.HOST, b"", b"", REG_NAME),
    (grammar.HOST, b"a", b"b", REG_NAME),
    (grammar.HOST, b"%2f", b"%2F", REG_NAME),
    (grammar.HOST, b"a%2f", b"b", REG_NAME),
    *((grammar.HOST, before + b"%", b"A", HEXDIG) for before in (b"", b"a", b"%41", b"a%41")),
    *((grammar.HOST, before + b"%a", b"", HEXDIG) for before in (b"", b"a", b"%41", b"a%41")),
    (grammar.HOST, b"", b"41", frozenset(b"%") | REG_NAME),
    (grammar.HOST, b"a", b"41", frozenset(b"%:") | REG_NAME),
    (grammar.HOST, b"[::1", b"", frozenset(b"]")),
    (grammar.HOST, b"", b"::1]", frozenset(b"[")),
    (grammar.HOST, b"[::", b"]", HEXDIG),
    (grammar.HOST, b"[1:", b"::]", HEXDIG),
    (grammar.HOST, b"[::12", b"4]", HEXDIG | frozenset(b":")),
    (grammar.HOST, b"[::1.2.3", b"4]", frozenset(b".")),
    (grammar.HOST, b"[::1.2", b"3.4]", frozenset(b".")),
    (grammar.HOST, b"[::1.2.3.", b"]", DIGIT),
    (grammar.HOST, b"[::1.2.3.", b"9]", DIGIT - frozenset(b"0")),
    (grammar.HOST, b"[::1.2.3.9", b"]", DIGIT),
    (grammar.HOST, b"[::1.2.3.1", b"9]", DIGIT),
    (grammar.HOST, b"[::1.2.3.19", b"]", DIGIT),
    (grammar.HOST, b"[::1.2.3.2", b"9]", frozenset(b"01234")),
    (grammar.HOST, b"[::1.2.3.24", b"]", DIGIT),
    (grammar.HOST, b"[::1.2.3.25", b"]", frozenset(b"012345")),
    (grammar.HOST, b"[", b"1.a]", frozenset(b"vV")),
    (grammar.HOST, b"[v", b".a]", HEXDIG),
    (grammar.HOST, b"[v1", b"a]", frozenset(b".")),
    (grammar.HOST, b"[v1.", b"]", REG_NAME | frozenset(b":")),
    (grammar.HOST, b"[v1.a", b"b]", REG_NAME | frozenset(b":")),
    (grammar.HOST, b"a:", b"", DIGIT),
    (grammar.HOST, b"a:1", b"", DIGIT),
    (grammar.HOST, b"[::1]", b"1", frozenset(b":")),
    (grammar.AUTHORITY_FORM, b"a:", b"", DIGIT),
    (grammar.AUTHORITY_FORM, b"a:1", b"", DIGIT),
    (grammar.AUTHORITY_FORM, b"[::1]", b"", frozenset(b":")),
    (grammar.CONNECT_TARGET, b"a:", b"", DIGIT - frozenset(b"0")),
    (grammar.CONNECT_TARGET, b"[::1]", b"1", frozenset(b":")),
    (grammar.ABSOLUTE_FORM, b"", b":b", ALPHA),
    (grammar.ABSOLUTE_FORM, b"a", b":b", SCHEME | frozenset(b":")),
    (grammar.ABSOLUTE_FORM, b"a", b"b", frozenset(b":")),
    (grammar.ABSOLUTE_FORM, b"a:", b"b", VCHAR | OBS_TEXT),
    (grammar.ABSOLUTE_FORM, b"a:", b"", VCHAR | OBS_TEXT),
    (grammar.HTTP_VERSION, b"", b".1", DIGIT),
    (grammar.HTTP_VERSION, b"1", b"1", frozenset(b".")),
    (grammar.HTTP_VERSION, b"1.", b"", DIGIT),
    *((grammar.HTTP_VERSION_RUN, b"HTTP/1.1"[:at], b"", frozenset(b"HTTP/"[at : at + 1])) for at in range(5)),
    (grammar.HTTP_VERSION_RUN, b"HTTP/", b"", DIGIT),
    (grammar.HTTP_VERSION_RUN, b"HTTP/1", b"", frozenset(b".")),
    (grammar.HTTP_VERSION_RUN, b"HTTP/1.", b"", DIGIT),
    (grammar.HTTP_VERSION_RUN, b"HTTP/1.1", b"", frozenset()),
    (grammar.EMPTY_LINES, b"\r\n\r", b"", frozenset(b"\n")),
    (grammar.EMPTY_LINES, b"\r\n", b"\n", frozenset(b"\r")),
    (grammar.LENIENT_EMPTY_LINES, b"\r\n", b"\n", frozenset(b"\r\n")),
    (grammar.LENIENT_EMPTY_LINES, b"\n\r", b"", frozenset(b"\n")),
]


@pytest.mark.parametrize(("pattern", "before", "behind", "allowed"), BYTES, ids=itertools.count())
def test_every_byte_in_a_place_of_a_pattern(
    pattern: Pattern[bytes], before: bytes, behind: bytes, allowed: frozenset[int]
) -> None:
    assert {byte for byte in ALL if pattern.fullmatch(before + bytes([byte]) + behind)} == allowed


def test_the_authority_of_a_target_ends_where_the_path_the_query_or_the_fragment_begins() -> None:
    for byte in VCHAR:
        match = grammar.ABSOLUTE_FORM.fullmatch(b"a://b" + bytes([byte]) + b"c")
        assert match is not None
        assert match.groups() == (b"a", b"b" if byte in b"/?#" else b"b" + bytes([byte]) + b"c")


@pytest.mark.parametrize(
    ("target", "groups"),
    [
        (b"a:", (b"a", None)),
        (b"a:/", (b"a", None)),
        (b"a://", (b"a", b"")),
        (b"a1+-.:///b", (b"a1+-.", b"")),
        (b"a://b//c", (b"a", b"b")),
    ],
)
def test_the_scheme_and_the_authority_of_a_target(target: bytes, groups: tuple[bytes, bytes | None]) -> None:
    match = grammar.ABSOLUTE_FORM.fullmatch(target)
    assert match is not None
    assert match.groups() == groups


@pytest.mark.parametrize(
    ("host", "groups"),
    [
        (b"", (None, None)),
        (b"a", (b"a", None)),
        (b"a:", (b"a", b"")),
        (b"[v1f.a]:80", (b"[v1f.a]", b"80")),
        (b"a%20%20b:123456", (b"a%20%20b", b"123456")),
        (b"%20%20", (b"%20%20", None)),
    ],
)
def test_the_parts_of_a_host(host: bytes, groups: tuple[bytes | None, bytes | None]) -> None:
    match = grammar.HOST.fullmatch(host)
    assert match is not None
    assert match.groups() == groups


@pytest.mark.parametrize("version", [b"", b"1", b"11", b"1.", b".1", b"1..1", b"1.11", b"11.1"])
def test_what_is_no_version(version: bytes) -> None:
    assert grammar.HTTP_VERSION.fullmatch(version) is None


@pytest.mark.parametrize(("name", "whole"), [("HTTP_VERSION_RUN", b"HTTP/1.1"), ("OWS_RUN", b" \t \t")])
def test_a_run_of_a_fixed_size_ends_at_the_first_wrong_byte(name: str, whole: bytes) -> None:
    pattern = pattern_of(name)
    for text in (whole + b"x", *(whole[:place] + b"x" + whole[place + 1 :] for place in range(len(whole)))):
        match = pattern.match(text)
        assert match is not None
        assert match.end() == text.index(b"x")


def test_a_run_has_no_more_bytes_than_it_may() -> None:
    for pattern, text, end in (
        (grammar.HTTP_VERSION_RUN, b"HTTP/1.1HTTP/1.1", 8),
        (grammar.HTTP_VERSION_RUN, b"HTTP/1.11", 8),
        (grammar.HTTP_VERSION_RUN, b"HTTTP/1.1", 3),
        (grammar.HTTP_VERSION_RUN, b"HTP/1.1", 2),
        (grammar.HTTP_VERSION_RUN, b"HP/1.1", 1),
        (grammar.HTTP_VERSION_RUN, b"HTT/1.1", 3),
        (grammar.HTTP_VERSION_RUN, b"HTTP1.1", 4),
        (grammar.HTTP_VERSION_RUN, b"HTTP/.1", 5),
        (grammar.HTTP_VERSION_RUN, b"HTTP/11", 6),
        (grammar.HTTP_VERSION_RUN, b"HTTP/1..1", 7),
        (grammar.HTTP_VERSION_RUN, b"HTTP//1.1", 5),
        (grammar.HTTP_VERSION_RUN, b"TTP/1.1", 0),
    ):
        match = pattern.match(text)
        assert match is not None
        assert match.end() == end


def test_a_line_end_has_one_cr_at_most() -> None:
    assert grammar.LENIENT_EMPTY_LINES.fullmatch(b"\r\r\n") is None


@pytest.mark.parametrize("host", [b"[v1.]", b"[v.a]", b"[v1]", b"[1.a]", b"[]", b"[", b"]"])
def test_what_is_no_address_in_brackets(host: bytes) -> None:
    assert grammar.HOST.fullmatch(host) is None


@pytest.mark.parametrize("name", ["HOST", "AUTHORITY_FORM", "CONNECT_TARGET"])
def test_a_port_has_a_host(name: str) -> None:
    assert getattr(grammar, name).fullmatch(b":1") is None


@pytest.mark.parametrize("name", [name for name in PATTERNS if name.endswith(("_RUN", "EMPTY_LINES"))])
def test_a_run_may_be_empty(name: str) -> None:
    assert pattern_of(name).match(b"") is not None


PORTS = [
    b"9",
    b"99",
    b"999",
    b"9999",
    b"10000",
    b"59999",
    b"64999",
    b"65499",
    b"65529",
    b"65535",
    b"0001",
    b"000065535",
]


@pytest.mark.parametrize("port", PORTS)
def test_every_byte_in_a_place_of_a_port(port: bytes) -> None:
    for place in range(len(port)):
        for byte in ALL:
            changed = port[:place] + bytes([byte]) + port[place + 1 :]
            expected = byte in DIGIT and 1 <= int(changed) <= 65535
            assert bool(grammar.CONNECT_TARGET.fullmatch(b"a:" + changed)) == expected, changed


def test_ports_of_a_tunnel_are_those_of_tcp() -> None:
    for port in range(70000):
        expected = 1 <= port <= 65535
        assert bool(grammar.CONNECT_TARGET.fullmatch(b"a:%d" % port)) == expected
        assert bool(grammar.CONNECT_TARGET.fullmatch(b"a:000%d" % port)) == expected
    assert not any(grammar.CONNECT_TARGET.fullmatch(b"a:%d" % port) for port in (100_000, 655_350, 165_535))


# --- what most are ---


@pytest.mark.parametrize("byte", range(256))
def test_the_name_of_a_host_is_a_host(byte: int) -> None:
    one = bytes([byte])
    for host in (one, b"a" + one, one + b"a", b"a" + one + b"1"):
        if grammar.end_by_pattern(grammar.HOST_NAME_RUN, host) == len(host):
            assert grammar.HOST.fullmatch(host) is not None


# --- lines that are no field lines, and codings ---------------------------------------------------------------------

FRAMING = [b"connection", b"content-length", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"]


@pytest.mark.parametrize("name", FRAMING)
def test_what_begins_like_a_field_that_frames(name: bytes) -> None:
    for spelled in (name, name.upper(), b" \t" + name, b"=?" + name, b'"' + name, name.replace(b"-", b"")):
        for behind in (b"", b": 5", b" : 5", b"x"):
            match = grammar.FRAMING_START.match(spelled + behind)
            assert match is not None
            assert match.end() == len(spelled)
    for byte in ALL - ALPHA:
        for place in range(len(name)):
            assert grammar.FRAMING_START.match(name[:place] + bytes([byte]) + name[place:])
    for place in range(len(name)):
        # One letter that is another, that is missing, or that is too much.
        assert name[place : place + 1] == b"-" or not grammar.FRAMING_START.match(
            name[:place] + b"z" + name[place + 1 :]
        )
        assert name[place : place + 1] == b"-" or not grammar.FRAMING_START.match(name[:place] + name[place + 1 :])
        assert not grammar.FRAMING_START.match(name[:place] + b"z" + name[place:])


@pytest.mark.parametrize(
    "spelled", ["tran\u017ffer-encoding", "TRAN\u017f FER-ENCODING", "(\u212aeep-alive)", "\x80\u212aeep=Alive"]
)
def test_what_begins_like_a_field_that_frames_to_whoever_folds_cases_as_unicode_does(spelled: str) -> None:
    assert "".join(filter(str.isalpha, spelled.casefold())) in ("transferencoding", "keepalive")
    assert grammar.FRAMING_START.match(spelled.encode())


def test_what_unicode_folds_to_a_letter_is_junk_to_others() -> None:
    assert grammar.FRAMING_START.match("con\u017fnection".encode())
    assert grammar.FRAMING_START.match("tran\u017fsfer-encoding".encode())
    assert not grammar.FRAMING_START.match("con\u017fection".encode())


@pytest.mark.parametrize(
    ("line", "end"),
    [
        (b"HTTP/1.1 200", 5),
        (b" \thttp/", 7),
        (b"HTTP", None),
        (b"HTTP /", None),
        (b"https://a/", None),
        (b"xHTTP/", None),
    ],
)
def test_what_begins_like_a_status_line(line: bytes, end: int | None) -> None:
    match = grammar.FRAMING_START.match(line)
    assert (None if match is None else match.end()) == end


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\r\nName :", True),
        (b"\nName\t \t:", True),
        (b"\r\nName:", False),
        (b"\r\nName\x0b:", False),
        (b"\r\nx: Name :", False),
        (b"\r\n Name :", False),
        (b"Name :", False),
        (b"\r\n :", False),
    ],
)
def test_a_field_with_white_space_before_its_colon(head: bytes, found: bool) -> None:
    assert bool(grammar.SPACED_NAME.search(head)) == found


@pytest.mark.parametrize(
    ("codings", "last"),
    [
        (b"a", b"a"),
        (b" a\t", b"a"),
        (b"a, b", b"b"),
        (b"a\t,\tb,c", b"c"),
        (b'a;b=c;d="e, f";g = h', b"a"),
        (b'a;b="c", d;e=f', b"d"),
        (b"chunked", b"chunked"),
        (b"", None),
        (b",", None),
        (b"a,", None),
        (b",a", None),
        (b"a,,b", None),
        (b"a b", None),
        (b"a;", None),
        (b"a;b", None),
        (b'a;b="', None),
        (b'"a"', None),
        (b"a\x0b", None),
        (b"\xa0a", None),
    ],
)
def test_the_last_of_a_list_of_codings(codings: bytes, last: bytes | None) -> None:
    match = grammar.CODINGS.fullmatch(codings)
    assert (None if match is None else match[1]) == last


def test_chunked_several_times() -> None:
    for codings in (b"chunked,chunked", b" chunked ,\tchunked\t", b"chunked,chunked, chunked"):
        assert grammar.REPEATED_CHUNKED.fullmatch(codings) is not None
    for codings in (
        b"chunked",
        b"chunked,",
        b",chunked,chunked",
        b"chunked,,chunked",
        b"chunked chunked",
        b"chunked,x",
    ):
        assert grammar.REPEATED_CHUNKED.fullmatch(codings) is None


# --- whole sections -------------------------------------------------------------------------------------------------


def test_the_parts_of_a_section_that_a_pattern_matches() -> None:
    """Which sections these are is compared with the walk in `test_lines`."""
    match = grammar.REQUEST_HEAD.fullmatch(b"GET /a HTTP/1.0\r\nA:b\r\n\r\n")
    assert match is not None
    assert match.groups() == (b"GET", b"/a", b"1.0")
    for line, groups in (
        (b"HTTP/1.1 200 O K", (b"1.1", b"200", b"O K")),
        (b"HTTP/1.0 999 ", (b"1.0", b"999", b"")),
        (b"HTTP/1.1 100", (b"1.1", b"100", None)),
    ):
        match = grammar.RESPONSE_HEAD.fullmatch(line + b"\r\nA:b\r\n\r\n")
        assert match is not None
        assert match.groups() == groups
    for lines in (b"", b"A:b\r\n", b"A:b\r\nC:\r\n"):
        assert grammar.TRAILER_SECTION.fullmatch(lines + b"\r\n") is not None
        assert grammar.TRAILER_SECTION.fullmatch(lines) is None
    assert grammar.FIELD_LINES.findall(b"A:b\r\nC: \t d \r\nE:\r\n\r\n") == [(b"A", b"b"), (b"C", b"d "), (b"E", b"")]


@pytest.mark.parametrize(
    ("line", "groups"),
    [
        (b"5", (b"5", b"")),
        (b"00fF", (b"00fF", b"")),
        (b"0" * 16, (b"0" * 16, b"")),
        (b'5 ;\ta = "b\\"\xff" ;c', (b"5", b' ;\ta = "b\\"\xff" ;c')),
        (b"0" * 17, None),
        (b"5 ", None),
        (b"5;", None),
        (b"5;a=", None),
        (b"", None),
    ],
)
def test_the_parts_of_a_chunk_line(line: bytes, groups: tuple[bytes, bytes] | None) -> None:
    match = grammar.CHUNK_LINE.fullmatch(line)
    assert (None if match is None else match.groups()) == groups


@pytest.mark.parametrize("byte", range(256))
def test_field_lines_as_they_are_sent_have_no_white_space_at_the_ends_of_a_value(byte: int) -> None:
    one = bytes([byte])
    assert grammar.FIELD_SECTION.fullmatch(b"") is not None
    for value, allowed in (
        (b"", ALL),
        (one, TEXT - WSP),
        (one + b"b", TEXT - WSP),
        (b"b" + one, TEXT - WSP),
        (b"b%cb" % byte, TEXT),
    ):
        for lines in (b"A: %b\r\n", b"A: %b\r\nC: d\r\n", b"C: d\r\nA: %b\r\n"):
            assert bool(grammar.FIELD_SECTION.fullmatch(lines % value)) == (byte in allowed)
    for lines, allowed in (
        (b"A%cB: b\r\n", TCHAR),
        (b"%cA: b\r\n", TCHAR),
        (b"A%c b\r\n", frozenset(b":")),
        (b"A:%cb\r\n", frozenset(b" ")),
        (b"A: b%c\n", frozenset(b"\r")),
        (b"A: b\r%c", frozenset(b"\n")),
    ):
        assert bool(grammar.FIELD_SECTION.fullmatch(lines % byte)) == (byte in allowed)


@pytest.mark.parametrize(
    ("line", "size"),
    [
        (b"5\r\n", b"5"),
        (b"00fF\r\n|", b"00fF"),
        (b"0" * 8 + b"\r\n", b"0" * 8),
        (b"0" * 9 + b"\r\n", None),
        (b"5;a\r\n", None),
        (b"5 \r\n", None),
        (b"5\n", None),
        (b"5\r", None),
        (b"g\r\n", None),
        (b"\r\n", None),
    ],
)
def test_the_size_in_a_short_chunk_line(line: bytes, size: bytes | None) -> None:
    match = grammar.SHORT_CHUNK_LINE.match(line)
    assert (None if match is None else match[1]) == size
