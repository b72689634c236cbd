"""Errors: data first, and a text that is safe to log."""

from __future__ import annotations

import copy
import pickle
from typing import Any, get_args

import attrs
import pytest

from http11 import (
    CLIENT,
    H11,
    SERVER,
    STRICT,
    ErrorCode,
    LocalProtocolError,
    Policy,
    ProtocolError,
    RemoteProtocolError,
    Request,
    Role,
    Tolerance,
)
from http11.errors import TOLERANCES, VERDICTS, byte_name, clipped, violation
from tests.harness import Reader, Vector, by_row, doors, event_of, evolved, reading_vectors, sending_vectors, splits


def test_only_the_two_kinds_can_be_made() -> None:
    with pytest.raises(TypeError, match="either a LocalProtocolError or a RemoteProtocolError"):
        ProtocolError("wrong")
    for kind in (LocalProtocolError, RemoteProtocolError):
        assert issubclass(kind, ProtocolError)
        assert not issubclass(kind, ValueError)


def test_a_caller_can_make_one() -> None:
    error = LocalProtocolError("why", error_status_hint=418)
    assert str(error) == "why"
    assert error.args == ("why",)
    assert (error.error_status_hint, error.code, error.rule) == (418, "unspecified", "")
    assert (error.offset, error.excerpt, error.tolerance) == (None, b"", None)
    assert RemoteProtocolError("why", tolerance="bare_lf").tolerance == "bare_lf"
    assert RemoteProtocolError("why").error_status_hint == 400
    assert LocalProtocolError("why", 505).error_status_hint == 505


def test_the_codes_are_a_closed_set_each_with_a_rule() -> None:
    assert set(VERDICTS) == set(get_args(ErrorCode))
    for code, (status, rule) in VERDICTS.items():
        assert status in {400, 431, 501, 505}
        assert rule.startswith("RFC ") or code == "unspecified"
        assert code == code.lower()


def test_an_error_of_ours_says_what_where_and_which_rule() -> None:
    error = violation(RemoteProtocolError, "bad-method", "expected this, got that", offset=3, excerpt=b"a" * 100)
    assert str(error) == "expected this, got that, at byte 3 of the message (RFC 9112 3.1)"
    assert (error.code, error.rule, error.error_status_hint) == ("bad-method", "RFC 9112 3.1", 400)
    assert error.excerpt == b"a" * 64
    assert violation(LocalProtocolError, "bad-method", "x", hint=501).error_status_hint == 501


ATTRIBUTES = ("args", "msg", "error_status_hint", "code", "rule", "offset", "excerpt", "tolerance")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_survives_pickling_and_copying(protocol: int) -> None:
    error = violation(
        RemoteProtocolError, "bare-lf", "expected this, got that", offset=3, excerpt=b"x", hint=418, tolerance="bare_lf"
    )
    assert (error.offset, error.tolerance) == (3, "bare_lf")
    for again in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is RemoteProtocolError
        assert [getattr(again, name) for name in ATTRIBUTES] == [getattr(error, name) for name in ATTRIBUTES]
        assert str(again) == str(error)


def test_a_byte_is_named_so_that_it_can_be_logged() -> None:
    for value in range(256):
        expected = f"'{chr(value)}'" if chr(value).isascii() and chr(value).isprintable() and value != 0x20 else None
        assert byte_name(value) == (expected or f"0x{value:02X}")


def test_a_piece_of_a_message_is_clipped_so_that_it_can_be_logged() -> None:
    assert clipped(b"a\x00\n\xff") == r"b'a\x00\n\xff'"
    assert clipped(b"a" * 40) == f"b'{'a' * 40}'"
    assert clipped(b"a" * 41) == f"b'{'a' * 40}'..."


@pytest.mark.parametrize("row", by_row())
def test_every_error_of_the_vectors_is_safe_to_log(row: str) -> None:
    for vector in by_row()[row]:
        reader = Reader(vector.role, request=vector.request, then=vector.then, limit=vector.limit)
        reader.feed(vector.data)
        for error in reader.errors:
            message = str(error)
            assert message.isascii(), vector
            assert message.isprintable(), vector
            assert len(message) < 400, vector
            assert f"({error.rule})" in message, vector
            assert len(error.excerpt) <= 64, vector
            if error.offset is not None:
                assert 0 <= error.offset <= len(vector.data), vector
                assert f"at byte {error.offset} of the message" in message, vector


SECRET = b"Bearer c2VjcmV0LXRva2Vu"

# A wrong byte behind, in front of and inside a credential, and other mistakes in the same message.
LEAKS = {
    "control byte in the value": b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: " + SECRET + b"\x01x\r\n\r\n",
    "bare CR in the value": b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: " + SECRET + b"\rx\r\n\r\n",
    "bare LF behind the value": b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: " + SECRET + b"\n\r\n",
    "folded": b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization:\r\n " + SECRET + b"\r\n\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization : " + SECRET + b"\r\n\r\n",
    "wrong byte in the name": b"GET / HTTP/1.1\r\nHost: a\r\nAuth@rization: " + SECRET + b"\r\n\r\n",
    "wrong method": b"G@T / HTTP/1.1\r\nHost: a\r\nAuthorization: " + SECRET + b"\r\n\r\n",
    "wrong version": b"GET / HTTP/x\r\nHost: a\r\nAuthorization: " + SECRET + b"\r\n\r\n",
    "secret target": b"GET /" + SECRET.replace(b" ", b"/") + b"\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
    "secret length": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: " + SECRET + b"\r\n\r\n",
    "secret coding": b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: " + SECRET + b"\r\n\r\n",
    "secret host": b"GET / HTTP/1.1\r\nHost: " + SECRET + b"\r\n\r\n",
    "secret port": b"GET / HTTP/1.1\r\nHost: a:" + SECRET + b"\r\n\r\n",
    "secret userinfo": b"GET http://u:" + SECRET.replace(b" ", b".") + b"@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "secret target of a CONNECT": b"CONNECT " + SECRET.replace(b" ", b".") + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "secret form": b"GET " + SECRET.replace(b" ", b"_") + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "secret list of codings": b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: a;b=" + SECRET + b", chunked\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\nAuthorization: " + SECRET + b"\r\n\r\n",
    "trailer behind a body": b"POST /" + SECRET.replace(b" ", b"/") + b" HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
    b"chunked\r\n\r\n17\r\n" + SECRET + b"\r\n0\r\nX: a\x01",
    "cut short": b"GET / HTTP/1.1\r\nAuthorization: " + SECRET,
}


@pytest.mark.parametrize("data", LEAKS.values(), ids=LEAKS)
def test_no_error_shows_a_value(data: bytes) -> None:
    for pieces in ([data], [data[i : i + 1] for i in range(len(data))], [data[:70], data[70:]]):
        check_no_leak([*pieces, b""])


def check_no_leak(pieces: list[bytes]) -> None:
    reader = Reader(SERVER)
    for piece in pieces:
        reader.feed(piece)
    (error,) = reader.errors
    shown = str(error).encode() + error.excerpt + repr(error).encode()
    for start in range(len(SECRET) - 5):
        assert SECRET[start : start + 6] not in shown


def test_no_error_of_a_constructor_shows_a_value() -> None:
    for value in (SECRET + b"\n", b"\n" + SECRET, SECRET + b" "):
        with pytest.raises(LocalProtocolError) as caught:
            Request(method="GET", target="/", headers=[("Host", "a"), ("Authorization", value)])
        assert b"c2Vjc" not in str(caught.value).encode() + caught.value.excerpt
        assert "Authorization" in str(caught.value)


POST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\n"

# What is right, what is wrong, how much of it up to the first wrong byte, and the excerpt.
POINTERS: list[tuple[bytes, bytes, bytes]] = [
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: a", b"\x00b\r\n\r\n", b"\x00"),
    (b"GET /", b"\x80 HTTP/1.1\r\n\r\n", b"\x80"),
    (b"GET / HTTP/1.1\r\nHo", b" st: a\r\n\r\n", b"Ho "),
    (b"GET / HTTP/1.1", b"\nHost: a\r\n\r\n", b"\n"),
    (b"", b"\x16\x03\x01", b"\x16"),
    (b"GET / HTTP/1.1\r\nX: y\r\n", b"Host: a b\r\n\r\n", b"Host"),
    (b"GET ", b"* HTTP/1.1\r\nHost: a\r\n\r\n", b""),
    (b"G", b"@T / HTTP/1.1\r\n\r\n", b"G@"),
    (POST + b"5\r\nhello", b"X", b"X"),
    (POST + b"5\r\nhello\r", b"X", b"\rX"),
    (POST + b"5\r\nhello\r\n", b"G", b"G"),
    (POST + b"5", b"\nhello\r\n", b"5\n"),
    (POST + b"0\r\n", b"Host: b\r\n\r\n", b"Host"),
    (POST + b"0\r\nx", b"(: b\r\n\r\n", b"x("),
]


@pytest.mark.parametrize(("right", "wrong", "excerpt"), POINTERS)
def test_an_error_points_to_the_first_wrong_byte(right: bytes, wrong: bytes, excerpt: bytes) -> None:
    data = right + wrong
    for pieces in ([data], [data[i : i + 1] for i in range(len(data))], [b"\r\n\r\n", data]):
        reader = Reader(SERVER)
        for piece in [*pieces, b""]:
            reader.feed(piece)
        (error,) = reader.errors
        assert (error.offset, error.excerpt) == (len(right), excerpt)


# A wrong byte that is not in a beginning, what makes its section whole, and what it is.
LATE: dict[str, tuple[Role, bytes, bytes, ErrorCode]] = {
    "in a target": (SERVER, b"GET /\x00", b" HTTP/1.1\r\n", "bad-target"),
    "in a version": (SERVER, b"GET / HTTQ", b"/1.1\r\n", "bad-version"),
    "in a name": (SERVER, b"GET / HTTP/1.1\r\nHo(", b"st: a\r\n\r\n", "bad-field-name"),
    "in a value": (SERVER, b"GET / HTTP/1.1\r\nX: \x00", b"\r\nHost: a\r\n\r\n", "bad-field-value"),
    "at the end of a line": (SERVER, b"GET / HTTP/1.1\r\nX: y\n", b"Host: a\r\n\r\n", "bare-lf"),
    "in a reason": (CLIENT, b"HTTP/1.1 200 \x00", b"\r\n", "bad-reason"),
    "in a value of a response": (CLIENT, ANSWER + b"X: y\rz", b"\r\n\r\n", "bare-cr"),
    "in a chunk size": (SERVER, POST + b"5x", b"\r\n", "bad-chunk-size"),
    "in an extension": (SERVER, POST + b"5;a=(", b")\r\n", "bad-chunk-extension"),
    "in a trailer section": (SERVER, POST + b"0\r\nX: y\x00", b"\r\n\r\n", "bad-field-value"),
}


@pytest.mark.parametrize(("role", "wrong", "rest", "code"), LATE.values(), ids=LATE)
def test_a_wrong_byte_is_told_when_its_section_is_whole_too_large_or_cut_short(
    role: Role, wrong: bytes, rest: bytes, code: ErrorCode
) -> None:
    """Until then it is only searched for its end; see `test_limits` for how long that can take."""
    told = set()
    for end in (rest, b"a" * 600, b""):
        reader = Reader(role, limit=500, policy=Policy(max_chunk_line_size=None))
        reader.feed(wrong)
        assert not reader.errors
        for piece in [end] if len(end) < 2 else [end[:1], end[1:]]:
            assert not reader.errors
            reader.feed(piece)
        (error,) = reader.errors
        told.add((error.code, error.offset, error.excerpt, str(error)))
    assert {one for one, *_ in told} == {code}
    assert len(told) == 1


BEGINNINGS: list[tuple[Role, bytes, ErrorCode]] = [
    (SERVER, b"\x16", "bad-method"),
    (SERVER, b"G@", "bad-method"),
    (SERVER, b"GET\t", "bad-request-line"),
    (SERVER, b"A" * 65, "method-too-long"),
    (SERVER, b"\r\n\x16", "bad-method"),
    (SERVER, b"GET / HTTP/1.1\n", "bare-lf"),
    (SERVER, b"GET / HTTP/2.1\r\n", "unsupported-version"),
    (CLIENT, b"S", "bad-status-line"),
    (CLIENT, b"HTTQ", "bad-status-line"),
    (CLIENT, b"HTTP/2.0", "unsupported-version"),
    (CLIENT, b"HTTP/1.1 2000\r\n", "bad-status-code"),
]


@pytest.mark.parametrize(("role", "beginning", "code"), BEGINNINGS)
def test_what_can_no_longer_become_a_start_line_is_told_at_once(role: Role, beginning: bytes, code: ErrorCode) -> None:
    for pieces in ([beginning], [beginning[i : i + 1] for i in range(len(beginning))]):
        reader = Reader(role)
        for piece in pieces[:-1]:
            reader.feed(piece)
            assert not reader.errors
        reader.feed(pieces[-1])
        assert [error.code for error in reader.errors] == [code]


def test_offsets_count_from_the_message_and_not_from_the_stream() -> None:
    client = Reader(CLIENT)
    client.feed(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 2x0 OK\r\n\r\n")
    assert (client.errors[0].offset, client.errors[0].excerpt) == (10, b"2x")


# --- which field of the policy would let it in ----------------------------------------------------------------------

# Each field of the policy, as far open as it goes.
OPEN: dict[str, Any] = {
    field.name: True if isinstance(field.default, bool) else None for field in attrs.fields(Policy) if field.init
} | {"max_method_size": 1_000_000}

# These say whether another message may come on the same connection, and let in nothing that is wrong.
REUSE = {"reuse_after_length_and_chunked", "reuse_after_refused_connect", "keep_alive_in_http10"}

# What this lets in depends on how the bytes arrive, and what an error says does not.
ARRIVAL = {"whole_heads_over_limit"}


def read_to_error(vector: Vector, policy: Policy) -> tuple[Reader, RemoteProtocolError | None]:
    reader = Reader(vector.role, policy=policy, request=vector.request, limit=vector.limit)
    for piece in [vector.data, b""] if vector.closed else [vector.data]:
        reader.feed(piece)
    return reader, reader.errors[0] if reader.errors else None


def policies(vector: Vector) -> set[Policy]:
    return {STRICT, H11, vector.policy(STRICT), *([vector.opened] if vector.id in doors() else [])}


def test_each_field_of_the_policy_that_lets_something_in_is_a_tolerance() -> None:
    assert set(get_args(Tolerance)) == set(OPEN) - REUSE - ARRIVAL
    assert set(TOLERANCES) <= set(VERDICTS)
    assert set(TOLERANCES.values()) <= set(get_args(Tolerance))


@pytest.mark.no_cover
def test_each_tolerance_is_named_by_an_error_of_some_vector() -> None:
    errors = [read_to_error(vector, policy)[1] for vector in reading_vectors() for policy in policies(vector)]
    assert {error.tolerance for error in errors if error is not None} == {None, *get_args(Tolerance)}


@pytest.mark.no_cover
@pytest.mark.parametrize("row", by_row())
def test_the_tolerance_lets_it_in_and_no_other_field_does(row: str) -> None:
    for vector in by_row()[row]:
        for policy in policies(vector):
            check_tolerance(vector, policy)


def check_tolerance(vector: Vector, policy: Policy) -> None:
    reader, error = read_to_error(vector, policy)
    if error is None:
        return
    for field, most in OPEN.items():
        if getattr(policy, field) == most:
            assert error.tolerance != field, f"{vector} by {policy}"
            continue
        other, after = read_to_error(vector, evolved(policy, **{field: most}))
        same = after is not None and (after.code, after.offset) == (error.code, error.offset)
        same = same and other.outcome == reader.outcome
        if field == error.tolerance:
            assert not same, f"{vector} by {policy} and {field}"
            assert after is None or after.code != error.code or place(other, after) > place(reader, error), str(vector)
        elif field == "any_chunk_extension" and not same:
            # It takes no white space before the semicolon, and any at the end of a line that has one: there,
            # the field that lets in less is named.
            earlier = after is not None and place(other, after) < place(reader, error)
            assert earlier or error.tolerance == "space_after_chunk_size", f"{vector} by {policy}"
        elif field == "broken_lines_in_response" and not same:
            # What white space parts from its colon is a field to one of them, and to the other a line to leave out.
            assert error.tolerance == "space_before_colon_in_response", f"{vector} by {policy}"
        else:
            excepted = (field in REUSE and error.code == "unexpected-bytes") or (
                field in ARRIVAL and error.code == "head-too-large"
            )
            assert same or excepted, f"{vector} by {policy} and {field}"


def place(reader: Reader, error: RemoteProtocolError) -> tuple[int, int]:
    return len(reader.outcome), error.offset or 0


CHUNKED_ANSWER = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LENGTH = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: "
NO_EMPTY_LINES = Policy(leading_empty_lines=False)
BROKEN = Policy(broken_lines_in_response=True)

# What arrives, and what would let it in. Of each kind: what the field lets in, and what is like it and stays out.
TOLERATED: list[tuple[Role, Policy, bytes, Tolerance | None]] = [
    (SERVER, STRICT, b"GET /#a HTTP/1.1\r\n", "fragment_in_target"),
    (SERVER, STRICT, b"GET /\x80 HTTP/1.1\r\n", "non_ascii_in_target"),
    (SERVER, Policy(non_ascii_in_target=True), b"GET /\x80# HTTP/1.1\r\n", "fragment_in_target"),
    (SERVER, Policy(non_ascii_in_target=True), b"GET /\x80\x7f HTTP/1.1\r\n", None),
    (SERVER, STRICT, b"GET /\x00 HTTP/1.1\r\n", None),
    (SERVER, H11, b"GET /\x80 HTTP/1.1\r\n", "non_ascii_in_target"),
    *[
        (CLIENT, STRICT, b"HTTP/1.1 200 a" + bytes([byte]) + b"b\r\n", "control_bytes_in_reason")
        for byte in (*range(1, 9), *range(14, 32), 127)
    ],
    *[(CLIENT, STRICT, b"HTTP/1.1 200 a" + bytes([byte]) + b"b\r\n", None) for byte in (0, 11, 12, 13)],
    *[
        (SERVER, STRICT, b"GET / HTTP/1.1\r\nA: a" + bytes([byte]) + b"b\r\n", "control_bytes_in_value")
        for byte in (*range(1, 9), *range(14, 32), 127)
    ],
    *[(SERVER, STRICT, b"GET / HTTP/1.1\r\nA: a" + bytes([byte]) + b"b\r\n", None) for byte in (0, 11, 12, 13)],
    *[(SERVER, H11, b"GET / HTTP/1.1\r\nA: a" + bytes([byte]) + b"b\r\n", None) for byte in (0, 11, 12, 13)],
    (SERVER, STRICT, b"GET / HTTP/1.1\n", "bare_lf"),
    (SERVER, STRICT, POST + b"0\r\nA: b\n", "bare_lf"),
    (SERVER, STRICT, POST + b"0\r\n\n", "bare_lf"),
    (SERVER, STRICT, POST + b"5\nhello", None),
    (SERVER, STRICT, POST + b"5;a\nhello", None),
    (SERVER, H11, POST + b"5;a\nhello", None),
    (SERVER, STRICT, POST + b"5;a\rhello", None),
    (SERVER, STRICT, POST + b"5\r\nhello\n", None),
    # One field too many, and half a line end where it would begin.
    (SERVER, Policy(max_fields=1), b"GET / HTTP/1.1\r\nHost: a\r\n\n", "bare_lf"),
    (SERVER, Policy(max_fields=1), b"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n", "max_fields"),
    (SERVER, NO_EMPTY_LINES, b"\r\nGET", "leading_empty_lines"),
    (SERVER, H11, b"\nGET", "leading_empty_lines"),
    (SERVER, STRICT, b"\nGET", "bare_lf"),
    (CLIENT, STRICT, b"\r\nHTTP", None),
    (CLIENT, NO_EMPTY_LINES, b"\r\nHTTP", None),
    (SERVER, STRICT, b"GET / HTTP/1.1\r\nHost: a\r\n b", "folded_lines"),
    (SERVER, STRICT, b"GET / HTTP/1.1\r\n b", None),
    (CLIENT, STRICT, ANSWER + b" b", "broken_lines_in_response"),
    (CLIENT, STRICT, ANSWER + b"a: b\r\nc d", "broken_lines_in_response"),
    (CLIENT, STRICT, ANSWER + b"a\r\n", "broken_lines_in_response"),
    (CLIENT, STRICT, ANSWER + b":", "broken_lines_in_response"),
    (CLIENT, STRICT, ANSWER + b"a :", "space_before_colon_in_response"),
    (CLIENT, STRICT, ANSWER + b"Content-Length\t :", "space_before_colon_in_response"),
    (CLIENT, STRICT, ANSWER + b"Content-Length\t 5", None),
    (CLIENT, STRICT, ANSWER + b"Content-Length\r\n", None),
    (CLIENT, STRICT, ANSWER + b"=connection=", "broken_lines_in_response"),
    (CLIENT, BROKEN, ANSWER + b"=connection=", None),
    (CLIENT, BROKEN, ANSWER + b"Connection :", "space_before_colon_in_response"),
    (CLIENT, STRICT, ANSWER + b"a\x01", None),
    (CLIENT, BROKEN, ANSWER + b"a\x01", "control_bytes_in_value"),
    (CLIENT, BROKEN, ANSWER + b"a b\x01", "control_bytes_in_value"),
    (CLIENT, H11, ANSWER + b"a\x01", "broken_lines_in_response"),
    (CLIENT, BROKEN, ANSWER + b"a b\x00", None),
    (CLIENT, BROKEN, ANSWER + b"a b\rc", None),
    (CLIENT, BROKEN, ANSWER + b"a b\nc", "bare_lf"),
    (CLIENT, BROKEN, ANSWER + b" \t\r\n", None),
    (CLIENT, STRICT, CHUNKED_ANSWER + b"0\r\na b", None),
    (SERVER, STRICT, b"GET / HTTP/1.1\r\na :", None),
    (CLIENT, STRICT, ANSWER + b"Content-Length:\r\n 5", "folded_lines"),
    (CLIENT, STRICT, CHUNKED_ANSWER + b"0\r\nA: b\r\n\tc", "folded_lines"),
    (SERVER, STRICT, POST + b"1" * 17, "long_chunk_sizes"),
    (SERVER, H11, POST + b"1" * 21, None),
    (SERVER, STRICT, POST + b"0x5\r\n", None),
    (SERVER, STRICT, POST + b"5 \r\n", "space_after_chunk_size"),
    (SERVER, STRICT, POST + b"5 a\r\n", None),
    (SERVER, H11, POST + b"5 ;a\r\n", None),
    (SERVER, STRICT, POST + b"5;a \r\n", "space_after_chunk_size"),
    (SERVER, STRICT, POST + b"5;a=b\t\r\n", "space_after_chunk_size"),
    (SERVER, STRICT, POST + b"5 ;a \r\n", "space_after_chunk_size"),
    (SERVER, STRICT, POST + b"5;\r\n", "any_chunk_extension"),
    (SERVER, STRICT, POST + b"5;a b\r\n", "any_chunk_extension"),
    (SERVER, STRICT, POST + b'5;a="\x00"\r\n', "any_chunk_extension"),
    (SERVER, STRICT, POST + b"5 ;\r\n", None),
    (SERVER, STRICT, POST + b"5 ;a b\r\n", None),
    (SERVER, STRICT, LENGTH + b"9" * 19 + b"\r\n\r\n", "long_lengths"),
    (SERVER, STRICT, LENGTH + b"0" * 19 + b"1\r\n\r\n", "long_lengths"),
    (SERVER, STRICT, LENGTH + b"0" * 20 + b"1\r\n\r\n", None),
    (SERVER, H11, LENGTH + b"0" * 20 + b"1\r\n\r\n", None),
    (SERVER, STRICT, LENGTH + b"+5\r\n\r\n", None),
    (SERVER, STRICT, LENGTH + b"5, " + b"9" * 20 + b"\r\n\r\n", "long_lengths"),
    (SERVER, STRICT, LENGTH + b"5, +" + b"9" * 20 + b"\r\n\r\n", None),
    (SERVER, STRICT, LENGTH + b"+5\r\nContent-Length: " + b"9" * 20 + b"\r\n\r\n", None),
]


@pytest.mark.parametrize(("role", "policy", "data", "tolerance"), TOLERATED)
def test_the_tolerance_is_told_of_the_byte_however_it_arrives(
    role: Role, policy: Policy, data: bytes, tolerance: Tolerance | None
) -> None:
    for pieces in splits(data, closed=False):
        reader = Reader(role, policy=policy)
        # What follows the wrong byte has no say. At the latest it is told when no more will come.
        for piece in [*pieces, b"x", b""]:
            reader.feed(piece)
        (error,) = reader.errors
        assert error.tolerance == tolerance


def test_what_is_wrong_to_send_no_policy_lets_in() -> None:
    for code in VERDICTS:
        assert violation(LocalProtocolError, code, "wrong", tolerance="bare_lf").tolerance is None
    refused = [vector for vector in sending_vectors() if vector.refused and vector.refused[0] == "construction"]
    assert refused
    for vector in refused:
        with pytest.raises(LocalProtocolError) as caught:
            event_of(vector.send[-1])
        assert caught.value.tolerance is None


def test_what_stands_before_a_name_that_frames_is_not_shown() -> None:
    reader = Reader(CLIENT, policy=BROKEN)
    reader.feed(ANSWER + b": 4711 Connection\r\n\r\n")
    (error,) = reader.errors
    assert (error.code, error.excerpt) == ("bad-field-name", b"n")
    assert "4711" not in str(error)
