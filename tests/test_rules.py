"""What a head must keep as a whole, as pure functions; which heads these are is shown by the vectors."""

from __future__ import annotations

import pytest

from http11 import STRICT, Headers, LocalProtocolError, Policy, ProtocolError, RemoteProtocolError
from http11.errors import ErrorCode
from http11.rules import (
    FORBIDDEN_TRAILERS,
    NO_FIELDS,
    SENDING,
    as_headers,
    check_no_content,
    check_trailers,
    is_length,
    is_preface,
    normalized_length,
    normalized_request_fields,
    received_headers,
    status_code_of,
)
from http11.tolerances import Tolerances

Fields = list[tuple[str, str]]


def code_of(caught: pytest.ExceptionInfo[ProtocolError]) -> ErrorCode:
    return caught.value.code


# --- how long a message is ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "strict", "long"),
    [
        (b"0", True, True),
        (b"5", True, True),
        (b"05", True, True),
        (b"9223372036854775807", True, True),
        (b"9223372036854775808", False, True),
        (b"0" * 19, True, True),
        (b"0" * 20, False, True),
        (b"9" * 20, False, True),
        (b"0" * 21, False, False),
        (b"9" * 5000, False, False),
        (b"", False, False),
        (b"+5", False, False),
        (b"-5", False, False),
        (b"1_0", False, False),
        (b" 5", False, False),
        (b"5 ", False, False),
        (b"5\n", False, False),
        (b"5,5", False, False),
        (b"0x5", False, False),
        ("\u0665".encode(), False, False),
    ],
)
def test_what_is_one_length(value: bytes, strict: bool, long: bool) -> None:
    assert is_length(value, STRICT._tolerances) is strict
    assert is_length(value, Policy(long_lengths=True)._tolerances) is long


def normalized(fields: Fields, policy: Tolerances, *, of_request: bool = True, http10: bool = False) -> Headers:
    return normalized_length(
        Headers(fields), of_request=of_request, http10=http10, policy=policy, blame=RemoteProtocolError
    )


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [("X", "y")],
        [("Content-Length", "5")],
        [("Content-Length", "9223372036854775807")],
        [("Transfer-Encoding", "chunked")],
    ],
)
def test_what_is_in_its_normal_form_stays_the_object_that_it_is(fields: Fields) -> None:
    headers = Headers(fields)
    for of_request in (True, False):
        assert (
            normalized_length(
                headers, of_request=of_request, http10=False, policy=STRICT._tolerances, blame=LocalProtocolError
            )
            is headers
        )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            [("A", "b"), ("content-LENGTH", "5"), ("C", "d"), ("Content-Length", "5, 5")],
            [(b"A", b"b"), (b"content-LENGTH", b"5"), (b"C", b"d")],
        ),
        ([("Content-Length", "05\t,05")], [(b"Content-Length", b"05")]),
        ([("transfer-Encoding", "CHUNKED"), ("A", "b")], [(b"transfer-Encoding", b"chunked"), (b"A", b"b")]),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_the_first_field_keeps_its_place_and_its_spelling(
    fields: Fields, expected: list[tuple[bytes, bytes]], strict: bool
) -> None:
    headers = received_headers(Headers(fields).raw_items(), strict)
    found = normalized_length(headers, of_request=True, http10=False, policy=SENDING, blame=LocalProtocolError)
    assert found.raw_items() == expected
    # And is vouched for as far as it was.
    assert found._strict is strict


@pytest.mark.parametrize(
    ("fields", "code", "tolerance"),
    [
        ([("Content-Length", "")], "bad-content-length", ""),
        ([("Content-Length", "5,")], "bad-content-length", ""),
        ([("Content-Length", "5"), ("Content-Length", "x")], "bad-content-length", ""),
        ([("Content-Length", "5"), ("Content-Length", "05")], "conflicting-content-length", ""),
        ([("Content-Length", "5, 6")], "conflicting-content-length", ""),
        ([("Content-Length", "5, 5")], "repeated-content-length", "repeated_length_in_request"),
        ([("Content-Length", "9" * 20)], "bad-content-length", "long_lengths"),
        ([("Transfer-Encoding", "")], "bad-transfer-encoding", ""),
        ([("Transfer-Encoding", "gzip")], "bad-transfer-encoding", ""),
        ([("Transfer-Encoding", "gzip, chunked")], "unknown-transfer-coding", ""),
        ([("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")], "bad-transfer-encoding", ""),
        (
            [("Transfer-Encoding", "chunked"), ("Content-Length", "5")],
            "transfer-encoding-and-content-length",
            "length_and_chunked_in_request",
        ),
    ],
)
def test_what_is_wrong_about_a_length(fields: Fields, code: ErrorCode, tolerance: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        normalized(fields, STRICT._tolerances)
    assert code_of(caught) == code
    if tolerance:
        normalized(fields, Policy(**{tolerance: True})._tolerances)


@pytest.mark.parametrize(
    "fields",
    [[("Content-Length", "5, 5")], [("Transfer-Encoding", "chunked"), ("Content-Length", "5")]],
)
def test_what_is_wrong_in_a_request_only(fields: Fields) -> None:
    assert normalized(fields, STRICT._tolerances, of_request=False)


def test_no_coding_in_http10() -> None:
    fields = [("Transfer-Encoding", "chunked")]
    with pytest.raises(RemoteProtocolError) as caught:
        normalized(fields, STRICT._tolerances, http10=True)
    assert code_of(caught) == "transfer-encoding-in-http10"
    assert normalized(fields, Policy(transfer_encoding_in_http10=True)._tolerances, http10=True)
    # What it is comes first.
    with pytest.raises(RemoteProtocolError) as caught:
        normalized([("Transfer-Encoding", "gzip, chunked")], STRICT._tolerances, http10=True)
    assert code_of(caught) == "unknown-transfer-coding"


@pytest.mark.parametrize(
    ("fields", "right"),
    [
        ([], True),
        ([("Content-Length", "0")], True),
        ([("Content-Length", "000")], True),
        ([("Content-Length", "10")], False),
        ([("Transfer-Encoding", "chunked")], False),
    ],
)
@pytest.mark.parametrize("code", ["content-in-connect", "content-in-informational-response"])
def test_no_content_may_say_that_it_is_none(fields: Fields, right: bool, code: ErrorCode) -> None:
    assert code in ("content-in-connect", "content-in-informational-response")
    if right:
        check_no_content(Headers(fields), LocalProtocolError, code)
    else:
        with pytest.raises(LocalProtocolError) as caught:
            check_no_content(Headers(fields), LocalProtocolError, code)
        assert code_of(caught) == code


# --- targets and hosts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "target", "version", "hosts", "code"),
    [
        (b"GET", b"/", b"1.1", ["a"], None),
        (b"GET", b"/", b"1.1", [""], None),
        (b"GET", b"/", b"1.1", [], "missing-host"),
        (b"GET", b"/", b"1.9", [], "missing-host"),
        (b"GET", b"/", b"1.0", [], None),
        (b"GET", b"/", b"2.0", [], None),
        (b"GET", b"/", b"1.0", ["a", "a"], "repeated-host"),
        (b"GET", b"/", b"1.1", ["a b"], "bad-host"),
        (b"GET", b"/", b"1.1", ["[::1]:80"], None),
        (b"GET", b"/", b"1.1", ["a%41"], None),
        (b"GET", b"*", b"1.1", ["a"], "bad-target-form"),
        (b"OPTIONS", b"*", b"1.1", ["a"], None),
        (b"GET", b"http://a/", b"1.1", ["A:80"], None),
        (b"GET", b"http://a", b"1.1", ["a:"], None),
        (b"GET", b"https://a/", b"1.1", ["a:443"], None),
        (b"GET", b"https://a/", b"1.1", ["a:80"], "host-mismatch"),
        (b"GET", b"ws://a:1/", b"1.1", ["a:1"], None),
        (b"GET", b"http://b/", b"1.1", ["a"], "host-mismatch"),
        (b"GET", b"http://b/", b"1.0", [], None),
        (b"GET", b"http:///", b"1.1", [""], "bad-target-form"),
        (b"GET", b"http:/a", b"1.1", ["a"], "bad-target-form"),
        (b"GET", b"a:80", b"1.1", ["a"], "bad-target-form"),
        (b"GET", b"a", b"1.1", ["a"], "bad-target-form"),
        (b"GET", b"urn:a", b"1.1", ["a"], None),
        (b"CONNECT", b"a:1", b"1.1", ["A:1"], None),
        (b"CONNECT", b"a:1", b"1.1", ["a"], None),
        (b"CONNECT", b"a:1", b"1.1", ["a:2"], "host-mismatch"),
        (b"CONNECT", b"a:1", b"1.1", ["b"], "host-mismatch"),
        (b"CONNECT", b"a", b"1.1", ["a"], "bad-connect-target"),
        (b"CONNECT", b"/", b"1.1", ["a"], "bad-connect-target"),
        (b"PRI", b"*", b"2.0", [], None),
        (b"PRI", b"*", b"1.1", ["a"], "bad-target-form"),
    ],
)
def test_what_a_target_and_a_host_keep_together(
    method: bytes, target: bytes, version: bytes, hosts: list[str], code: ErrorCode | None
) -> None:
    headers = Headers([("Host", host) for host in hosts])
    for blame in (LocalProtocolError, RemoteProtocolError):
        if code is None:
            assert normalized_request_fields(method, target, headers, version, STRICT._tolerances, blame) is headers
        else:
            with pytest.raises(blame) as caught:
                normalized_request_fields(method, target, headers, version, STRICT._tolerances, blame)
            assert code_of(caught) == code


@pytest.mark.parametrize(
    ("tolerance", "method", "target", "host"),
    [
        ("any_target", b"GET", b"a", "b"),
        ("any_connect_target", b"CONNECT", b"a", "a"),
        ("any_host", b"GET", b"/", "a b"),
        ("host_mismatch", b"GET", b"http://b/", "a"),
    ],
)
def test_what_a_policy_may_tolerate_of_them(tolerance: str, method: bytes, target: bytes, host: str) -> None:
    headers = Headers([("Host", host)])
    policy = Policy(**{tolerance: True})
    assert (
        normalized_request_fields(method, target, headers, b"1.1", policy._tolerances, RemoteProtocolError) is headers
    )
    with pytest.raises(RemoteProtocolError):
        normalized_request_fields(method, target, headers, b"1.1", STRICT._tolerances, RemoteProtocolError)


def test_the_preface_of_http2_and_nothing_like_it() -> None:
    assert is_preface(b"PRI", b"*", b"2.0")
    for other in ((b"PRI", b"*", b"1.1"), (b"GET", b"*", b"2.0"), (b"PRI", b"/", b"2.0"), (b"pri", b"*", b"2.0")):
        assert not is_preface(*other)


# --- arguments and trailers -----------------------------------------------------------------------------------------


def test_fields_that_are_vouched_for_are_not_made_again() -> None:
    headers = Headers([("Host", "a")])
    assert as_headers(headers) is headers
    assert as_headers(()) is NO_FIELDS
    assert as_headers([]) == NO_FIELDS
    assert as_headers([("Host", "a")]) == headers
    tolerated = received_headers([(b"X", b"\x01")], strict=False)
    with pytest.raises(LocalProtocolError):
        as_headers(tolerated)
    for wrong in (5, None):
        with pytest.raises(TypeError):
            as_headers(wrong)


class Code(int):
    """What somebody else derives from `int`."""


@pytest.mark.parametrize("code", [200, Code(200), 999])
def test_a_status_code_is_a_plain_int(code: int) -> None:
    assert status_code_of(code, 200, 999) == code
    assert type(status_code_of(code, 200, 999)) is int


@pytest.mark.parametrize("code", [199, 1000, -200, "200", 200.0, None, pytest.param(10**5000, id="huge")])
def test_what_is_no_status_code(code: object) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        status_code_of(code, 200, 999)
    assert code_of(caught) == "bad-status-code"
    assert len(str(caught.value)) < 200


def test_a_field_that_comes_too_late() -> None:
    check_trailers(Headers([("X", "y"), ("Server-Timing", "z")]), policy=STRICT._tolerances, blame=LocalProtocolError)
    for name in FORBIDDEN_TRAILERS:
        headers = Headers([("X", "y"), (name.upper(), "5")])
        with pytest.raises(RemoteProtocolError, match="may stand in a trailer") as caught:
            check_trailers(headers, policy=STRICT._tolerances, blame=RemoteProtocolError)
        assert code_of(caught) == "forbidden-trailer"
        check_trailers(headers, policy=Policy(any_trailer_field=True)._tolerances, blame=RemoteProtocolError)
