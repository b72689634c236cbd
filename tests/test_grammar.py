"""Every class of bytes over all 256 of them, against the RFCs' sets, which are written out here."""

from __future__ import annotations

import ipaddress
import re
from re import Pattern

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http11 import CLIENT, SERVER, Role, grammar
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

RUNS: dict[str, tuple[Pattern[bytes], frozenset[int]]] = {
    "TOKEN_RUN": (grammar.TOKEN_RUN, TCHAR),
    "METHOD": (grammar.METHOD, TCHAR),
    "FIELD_NAME": (grammar.FIELD_NAME, TCHAR),
    "TARGET_RUN": (grammar.TARGET_RUN, TARGET),
    "TARGET": (grammar.TARGET, TARGET),
    "FRAGMENT_TARGET_RUN": (grammar.FRAGMENT_TARGET_RUN, VCHAR),
    "VALUE_RUN": (grammar.VALUE_RUN, TEXT),
    "REASON": (grammar.REASON, TEXT),
    "ANY_VALUE_RUN": (grammar.ANY_VALUE_RUN, LENIENT_TEXT),
    "FIELD_VALUE": (grammar.FIELD_VALUE, VCHAR | OBS_TEXT),
    "HEX_RUN": (grammar.HEX_RUN, HEXDIG),
    "CONTENT_LENGTH": (grammar.CONTENT_LENGTH, DIGIT),
    "OWS_RUN": (grammar.OWS_RUN, WSP),
    "NOT_CR_LF_RUN": (grammar.NOT_CR_LF_RUN, ALL - frozenset(b"\r\n")),
    "NOTHING_RUN": (grammar.NOTHING_RUN, frozenset()),
    # A backslash needs a byte behind it, and DQUOTE is the end.
    "QUOTED_RUN": (grammar.QUOTED_RUN, TEXT - frozenset(b'"\\')),
    "STATUS_CODE_RUN": (grammar.STATUS_CODE_RUN, DIGIT - frozenset(b"0")),
    "HTTP_VERSION_RUN": (grammar.HTTP_VERSION_RUN, frozenset(b"H")),
    "EMPTY_LINES": (grammar.EMPTY_LINES, frozenset()),
    "LENIENT_EMPTY_LINES": (grammar.LENIENT_EMPTY_LINES, frozenset(b"\n")),
}


PATTERNS = [name for name in grammar.__all__ if isinstance(getattr(grammar, name), Pattern)]


@pytest.mark.parametrize("name", PATTERNS)
def test_no_group_is_repeated_possessively(name: str) -> None:
    # CPython before 3.11.5 takes half of such a group for a whole one, and every one stumbles over captures in it.
    pattern: Pattern[bytes] = getattr(grammar, name)
    without_classes = re.sub(rb"\[(?:\\.|[^\]\\])*\]", b"[]", pattern.pattern)
    assert re.search(rb"\)(?:[*+?]|\{[0-9,]*\})\+", without_classes) is None


@pytest.mark.parametrize("name", RUNS)
def test_a_class_is_that_of_the_rfc(name: str) -> None:
    pattern, allowed = RUNS[name]
    assert {byte for byte in ALL if pattern.fullmatch(bytes([byte]))} == allowed


def test_the_set_of_token_characters_is_that_of_the_pattern() -> None:
    assert grammar.TCHARS == TCHAR


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


@given(st.integers(0, 70000))
def test_ports_of_a_tunnel_are_those_of_tcp(port: int) -> None:
    assert bool(grammar.CONNECT_TARGET.fullmatch(b"a:%d" % port)) == (1 <= port <= 65535)
    assert bool(grammar.CONNECT_TARGET.fullmatch(b"a:000%d" % port)) == (1 <= port <= 65535)
