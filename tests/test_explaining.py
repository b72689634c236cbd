"""What an error says of a value that was refused: the words, the index, and never the value."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from http11 import STRICT, InformationalResponse, LocalProtocolError, Request, Response, grammar
from http11.explaining import (
    Flaw,
    absolute_form_flaw,
    byte_flaw,
    coding_flaw,
    connect_target_flaw,
    host_flaw,
    length_flaw,
    number_name,
    run_flaw,
)
from http11.rules import is_length

HOSTS: list[tuple[bytes, str, int]] = [
    (b"a b", "a space", 1),
    (b" a", "a space", 0),
    (b"a\t", "a tab", 1),
    (b"a\x00", "0x00", 1),
    (b"a\xe9", "0xE9", 1),
    (b"a/b", "'/'", 1),
    (b"a,b c", "a space", 3),
    (b"http://a", "'/' in the port", 5),
    (b"a:+5", "'+' in the port", 2),
    (b"a:-5", "'-' in the port", 2),
    (b"a:8x", "'x' in the port", 3),
    (b"a:8 ", "a space in the port", 3),
    (b"a:1_0", "'_' in the port", 3),
    (b"a:1:2", "a second ':' (an IPv6 address stands in brackets)", 3),
    (b"fe80::1", "a second ':' (an IPv6 address stands in brackets)", 5),
    (b":80", "no host", 0),
    (b"::1", "no host", 0),
    (b"u@a", "a userinfo, up to the '@'", 1),
    (b"u:p@a", "a userinfo, up to the '@'", 3),
    (b"@a", "a userinfo, up to the '@'", 0),
    (b"u%41@a", "a userinfo, up to the '@'", 4),
    (b"u p@a", "a space", 1),
    (b"a%", "'%' without two hex digits", 1),
    (b"a%4", "'%' without two hex digits", 1),
    (b"%41%zz", "'%' without two hex digits", 3),
    (b"a[::1]", "'['", 1),
    (b"[", "the end inside an IPv6 address", 1),
    (b"[]", "']' inside an IPv6 address", 1),
    (b"[::1", "the end inside an IPv6 address", 4),
    (b"[::1]x", "'x'", 5),
    (b"[::1]:x", "'x' in the port", 6),
    (b"[fe80::1%25eth0]", "'%', the start of a zone,", 8),
    (b"[fe80::1%eth0]", "'%', the start of a zone,", 8),
    (b"[1:2:3:4:5:6:7:8%1]", "'%', the start of a zone,", 16),
    (b"[::g]", "'g' inside an IPv6 address", 3),
    (b"[1:]", "']' inside an IPv6 address", 3),
    (b"[:1]", "'1' inside an IPv6 address", 2),
    (b"[1::2::3]", "':' inside an IPv6 address", 6),
    (b"[1:2]", "']' inside an IPv6 address", 4),
    (b"[::12345]", "a group of more than four hex digits", 3),
    (b"[1:2:3:4:5:6:7:8:9]", "':' after the last group that an IPv6 address can have", 16),
    (b"[1:2:3:4:5:6:7:8::]", "':' after the last group that an IPv6 address can have", 16),
    (b"[1:2:3:4:5:6:7::8]", "'8' after the last group that an IPv6 address can have", 16),
    (b"[1:2:3:4:5:6:7:8", "the end inside an IPv6 address", 16),
    (b"[1.2.3.4]", "'.' inside an IPv6 address", 2),
    (b"[::1.2.3.256]", "a part of an IPv4 address that is not 0 to 255", 9),
    (b"[::1.02.3.4]", "a part of an IPv4 address that is not 0 to 255", 5),
    (b"[::a.2.3.4]", "'.' inside an IPv6 address", 4),
    (b"[::1a.2.3.4]", "'.' inside an IPv6 address", 5),
    (b"[::300.2.3.4]", "a part of an IPv4 address that is not 0 to 255", 3),
    (b"[::1.2.3]", "']'", 8),
    (b"[::1.2.3.4.5]", "'.'", 10),
    (b"[::1.2.3.4", "the end", 10),
    (b"[v]", "']'", 2),
    (b"[v1]", "']'", 3),
    (b"[v1.]", "']'", 4),
    (b"[v1.a", "the end", 5),
    (b"[v1.a]x", "'x'", 6),
    (b"[::1..2]", "'.'", 5),
    (b"[::1.2.3.4]x", "'x'", 11),
    (b"[V1.a/]", "'/'", 5),
]


@pytest.mark.parametrize(("host", "found", "at"), HOSTS)
def test_what_is_wrong_in_a_host(host: bytes, found: str, at: int) -> None:
    assert host_flaw(host) == (found, at)
    if host.strip(b" \t") == host and b"\x00" not in host:
        check(
            lambda: Request(method="GET", target="/", headers=[("Host", host)]),
            "bad-host",
            f"got {found} at index {at}",
        )
    # And wherever it begins.
    assert host_flaw(b"http://" + host, 7) == (found, at + 7)


TARGETS: list[tuple[bytes, str, int]] = [
    (b"a", "no port", 1),
    (b"[::1]", "no port", 5),
    (b"a:", "no port", 2),
    (b"a:0", "a port out of range", 2),
    (b"a:00", "a port out of range", 2),
    (b"a:65536", "a port out of range", 2),
    (b"[::1]:99999", "a port out of range", 6),
    (b"a:+5", "'+' in the port", 2),
    (b"a:80x", "'x' in the port", 4),
    (b"a:80/", "'/' in the port", 4),
    (b"a/b", "'/'", 1),
    (b"/", "'/'", 0),
    (b"*:", "no port", 2),
    (b":80", "no host", 0),
    (b"u@a:80", "a userinfo, up to the '@'", 1),
    (b"https://a:443", "'/' in the port", 6),
    (b"a%:80", "'%' without two hex digits", 1),
    (b"[fe80::1%25a]:80", "'%', the start of a zone,", 8),
]


@pytest.mark.parametrize(("target", "found", "at"), TARGETS)
def test_what_is_wrong_in_the_target_of_a_connect(target: bytes, found: str, at: int) -> None:
    assert connect_target_flaw(target) == (found, at)
    check(
        lambda: Request(method="CONNECT", target=target, headers=[("Host", "a")]),
        "bad-connect-target",
        f"got {found} at index {at}",
    )


FORMS: list[tuple[bytes, str, int]] = [
    (b"a", "the end", 1),
    (b"a/b", "'/'", 1),
    (b"1/", "'1'", 0),
    (b"?a", "'?'", 0),
    (b"a_b:c", "'_'", 1),
    (b"a:80", "a host and a port without a scheme, which only CONNECT takes,", 0),
    (b"a:", "a host and a port without a scheme, which only CONNECT takes,", 0),
    (b"[::1]:80", "a host and a port without a scheme, which only CONNECT takes,", 0),
    (b"http:/a", "no '//' and host", 5),
    (b"HTTPS:a", "no '//' and host", 6),
    (b"http://", "no host", 7),
    (b"http:///a", "no host", 7),
    (b"http://?a", "no host", 7),
    (b"http://:80/", "no host", 7),
    (b"http://u:p@a/", "a userinfo, up to the '@'", 10),
    (b"http://a:b/", "'b' in the port", 9),
    (b"ws://a%/", "'%' without two hex digits", 6),
    (b"wss://[::g]/", "'g' inside an IPv6 address", 9),
    (b"http://a\\b/", "'\\'", 8),
]


@pytest.mark.parametrize(("target", "found", "at"), FORMS)
def test_what_is_wrong_in_the_form_of_a_target(target: bytes, found: str, at: int) -> None:
    assert absolute_form_flaw(target) == (found, at)
    check(
        lambda: Request(method="GET", target=target, headers=[("Host", "a")]),
        "bad-target-form",
        f"got {found} at index {at}",
    )


BYTES: list[tuple[Callable[[bytes], object], bytes, str]] = [
    (lambda value: Request(method="GET", target=value, headers=[("Host", "a")]), b"", "the end at index 0"),
    (lambda value: Request(method="GET", target=value, headers=[("Host", "a")]), b"/a b", "a space at index 2"),
    (lambda value: Request(method="GET", target=value, headers=[("Host", "a")]), b"/a#b", "'#' at index 2"),
    (lambda value: Request(method="GET", target=value, headers=[("Host", "a")]), b"/\xe9", "0xE9 at index 1"),
    (lambda value: Response(status_code=200, headers=[], reason=value), b"O\nK", "0x0A at index 1"),
    (lambda value: InformationalResponse(status_code=100, headers=[], reason=value), b"\x7f", "0x7F at index 0"),
]


@pytest.mark.parametrize(("make", "value", "found"), BYTES)
def test_what_is_wrong_in_a_target_and_a_reason(make: Callable[[bytes], object], value: bytes, found: str) -> None:
    check(lambda: make(value), None, f"got {found} (RFC")


LENGTHS: list[tuple[list[bytes], str]] = [
    ([b"+5"], "'+' at index 0"),
    ([b"-5"], "'-' at index 0"),
    ([b"5 5"], "a space at index 1"),
    ([b"0x5"], "'x' at index 1"),
    ([b"1_0"], "'_' at index 1"),
    ([b"1.5"], "'.' at index 1"),
    ([b"\xb2"], "0xB2 at index 0"),
    ([b""], "no digits at index 0"),
    ([b"5,"], "no digits at index 2"),
    ([b",5"], "no digits at index 0"),
    ([b"5, \t,5"], "no digits at index 2"),
    ([b"5, 5a"], "'a' at index 4"),
    ([b"5", b"5", b" 5a".strip()], "'a' at index 1 of field 3 of 3"),
    ([b"5", b""], "no digits at index 0 of field 2 of 2"),
    ([b"5x", b"5"], "'x' at index 1 of field 1 of 2"),
    ([b"9" * 20], "20 digits at index 0"),
    ([b"5, " + b"9" * 5000], "5000 digits at index 3"),
    ([b"%d" % 2**63], "a larger number at index 0"),
]


@pytest.mark.parametrize(("fields", "found"), LENGTHS)
def test_what_is_wrong_in_a_length(fields: list[bytes], found: str) -> None:
    headers = [("Content-Length", field) for field in fields]
    check(lambda: Response(status_code=200, headers=headers), "bad-content-length", f"got {found} (RFC")


MALFORMED = "bad-transfer-encoding"
CODINGS: list[tuple[list[bytes], str, str]] = [
    ([b""], MALFORMED, "no coding at index 0"),
    ([b","], MALFORMED, "no coding at index 0"),
    ([b"", b""], MALFORMED, "no coding at index 0 of field 1 of 2"),
    ([b"gzip"], MALFORMED, "another coding as the last one at index 0"),
    ([b"identity"], MALFORMED, "another coding as the last one at index 0"),
    ([b"chunked, gzip"], MALFORMED, "another coding as the last one at index 9"),
    ([b"chunked", b"gzip"], MALFORMED, "another coding as the last one at index 0 of field 2 of 2"),
    ([b"gzip, gzip,"], MALFORMED, "another coding as the last one at index 6"),
    ([b"chunked, Chunked"], MALFORMED, "it again at index 9"),
    ([b"chunked", b"chunked"], MALFORMED, "it again at index 0 of field 2 of 2"),
    ([b"gzip", b"x, chunked, chunked"], MALFORMED, "it again at index 12 of field 2 of 2"),
    ([b"chunked;a=b"], MALFORMED, "a parameter at index 7"),
    ([b'chunked ; a = "b, c"'], MALFORMED, "a parameter at index 7"),
    ([b"gzip, chunked;a=b"], MALFORMED, "a parameter at index 13"),
    ([b"chunked;a"], MALFORMED, "';' at index 7"),
    ([b"chun ked"], MALFORMED, "'k' at index 5"),
    ([b'"chunked"'], MALFORMED, "'\"' at index 0"),
    ([b"chunked\xa0"], MALFORMED, "0xA0 at index 7"),
    ([b"x\xff, chunked"], MALFORMED, "0xFF at index 1"),
    ([b'x;a="b, chunked'], MALFORMED, "';' at index 1"),
    ([b",chunked"], MALFORMED, "an empty member of the list at index 0"),
    ([b"chunked,"], MALFORMED, "an empty member of the list at index 8"),
    ([b"", b"chunked"], MALFORMED, "an empty member of the list at index 0 of field 1 of 2"),
    ([b"chunked", b""], MALFORMED, "an empty member of the list at index 0 of field 2 of 2"),
    ([b"gzip, chunked"], "unknown-transfer-coding", "one that is not known at index 0"),
    ([b", gzip;q=1 , chunked"], "unknown-transfer-coding", "one that is not known at index 2"),
    ([b'x;a=",", Chunked'], "unknown-transfer-coding", "one that is not known at index 0"),
    ([b"gzip", b"chunked"], "unknown-transfer-coding", "one that is not known at index 0 of field 1 of 2"),
]


@pytest.mark.parametrize(("fields", "code", "found"), CODINGS)
def test_what_is_wrong_in_a_coding(fields: list[bytes], code: str, found: str) -> None:
    headers = [("Transfer-Encoding", field) for field in fields]
    check(lambda: Request(method="GET", target="/", headers=[("Host", "a"), *headers]), code, f"got {found} (RFC")
    check(lambda: Response(status_code=200, headers=headers), code, f"got {found} (RFC")


def check(make: Callable[[], object], code: str | None, found: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        make()
    assert code in (None, caught.value.code)
    assert found in str(caught.value)


def test_a_number_is_spelled_while_somebody_may_read_it() -> None:
    assert [number_name(number) for number in (0, -5, 10**20 - 1)] == ["0", "-5", "9" * 20]
    assert number_name(10**5000) == "a number of 16610 bits"
    assert number_name(-(10**5000)) == "a negative number of 16610 bits"


# --- any bytes ------------------------------------------------------------------------------------------------------

# Pieces of what is right and wrong, so that what hypothesis puts together is nearly right.
PIECES = [b"a", b"1", b"ffff", b"12345", b"255", b"256", b"::", b":", b"[", b"]", b".", b"%", b"%41", b"@", b" ", b"\t"]
MORE = [
    b"v1.",
    b"/",
    b"//",
    b"http:",
    b"chunked",
    b"gzip",
    b",",
    b";",
    b"=",
    b'"',
    b"\\",
    b"+",
    b"\x00",
    b"\r\n",
    b"\xff",
]
VALUES = st.lists(st.sampled_from(PIECES + MORE), max_size=14).map(b"".join) | st.binary(max_size=24)
FIELDS = st.lists(VALUES, min_size=1, max_size=3)


def shows_no_more_than_a_byte(flaw: Flaw, value: bytes) -> None:
    assert 0 <= flaw.at <= len(value)
    text = str(flaw)
    assert text.isascii()
    assert text.isprintable()
    without_byte = re.sub(r"^'.'|^0x[0-9A-F]{2}", "", text)
    assert without_byte == text or byte_flaw(value, flaw.at).found in text
    # What is left are words of ours, whatever the value.
    assert re.sub(r"[0-9]+", "0", without_byte) in WORDS


WORDS = {
    re.sub(r"[0-9]+", "0", re.sub(r"^'.'|^0x[0-9A-F]{2}", "", f"{found} at index 0"))
    for found in [
        *(found for table in (HOSTS, TARGETS, FORMS) for _, found, _ in table),
        "a tab in the port",
        "the end in the port",
        "0x00 in the port",
        "0x00 inside an IPv6 address",
        "a space inside an IPv6 address",
        "a tab inside an IPv6 address",
        "a space after the last group that an IPv6 address can have",
        "a tab after the last group that an IPv6 address can have",
    ]
}


@given(VALUES)
@example(b"")
@example(b"[" + b"f" * 5000)
@example(b"a:" + b"1" * 5000)
def test_any_bytes_have_a_flaw_where_they_are_refused(value: bytes) -> None:
    if value and grammar.HOST.fullmatch(value) is None:
        shows_no_more_than_a_byte(host_flaw(value), value)
    if grammar.CONNECT_TARGET.fullmatch(value) is None:
        shows_no_more_than_a_byte(connect_target_flaw(value), value)
    shows_no_more_than_a_byte(absolute_form_flaw(value), value)
    shows_no_more_than_a_byte(run_flaw(grammar.TARGET_RUN, value), value)


@given(VALUES)
def test_what_stands_before_a_flaw_can_become_a_host(value: bytes) -> None:
    """So that the index is where the value goes wrong, and not only somewhere in it."""
    if not value or grammar.HOST.fullmatch(value) is not None:
        return
    flaw = host_flaw(value)
    if flaw.found.startswith(("a userinfo", "'%' without", "a group", "a part")):
        return
    rests = [
        b"",
        b"a",
        b"]",
        b"1]",
        b":1]",
        b"::]",
        b":]",
        b".1.1.1]",
        b"1.1.1]",
        b".1.1]",
        b"1.1]",
        b".1]",
        b"0.a]",
        b".a]",
    ]
    right, wrong = value[: flaw.at], value[: flaw.at + 1]
    assert any(grammar.HOST.fullmatch(right + rest) is not None for rest in rests), (right, flaw)
    if right != wrong:
        assert not any(grammar.HOST.fullmatch(wrong + rest) is not None for rest in rests), (wrong, flaw)


@given(FIELDS)
@example([b"gzip;a=" + b'"\\' * 3000])
def test_any_codings_are_refused_with_words_of_ours(fields: list[bytes]) -> None:
    code, text = coding_flaw(fields)
    assert code in ("unknown-transfer-coding", "bad-transfer-encoding")
    place(text, fields)


@given(FIELDS)
def test_any_length_that_is_none_is_told_with_words_of_ours(fields: list[bytes]) -> None:
    members = [member.strip(b" \t") for member in b",".join(fields).split(b",")]
    for number, member in enumerate(members):
        if not is_length(member, STRICT._tolerances):
            place(length_flaw(fields, number, 19), fields)


def place(text: str, fields: list[bytes]) -> None:
    """Check that a text names an index of one of the fields, and nothing that a value can have put there."""
    match: Any = re.fullmatch(
        r"(?:'.'|0x[0-9A-F]{2}|the end|a space|a tab|no digits|[0-9]+ digits|a larger number|no coding|it again"
        r"|another coding as the last one|a parameter|one that is not known|an empty member of the list)"
        r" at index ([0-9]+)(?: of field ([0-9]+) of ([0-9]+))?",
        text,
    )
    assert match is not None, text
    number = int(match[2] or 1)
    assert (match[3] is None) == (len(fields) == 1)
    assert 0 <= int(match[1]) <= len(fields[number - 1])
