"""Errors: data first, and a text that is safe to log."""

from __future__ import annotations

import pickle
from typing import get_args

import pytest

from http11 import CLIENT, SERVER, ErrorCode, LocalProtocolError, ProtocolError, RemoteProtocolError, Request
from http11.errors import VERDICTS, byte_name, clipped, violation
from tests.harness import Reader, Vector, reading_vectors


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
    assert (error.offset, error.excerpt) == (None, b"")
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


def test_an_error_survives_pickling() -> None:
    error = violation(RemoteProtocolError, "bare-cr", "expected this, got that", offset=3, excerpt=b"x")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is RemoteProtocolError
    assert vars(again) == vars(error)
    assert str(again) == str(error)


@pytest.mark.parametrize("value", range(256))
def test_a_byte_is_named_so_that_it_can_be_logged(value: int) -> None:
    expected = f"'{chr(value)}'" if chr(value).isascii() and chr(value).isprintable() and value != 0x20 else None
    assert byte_name(value) == (expected or f"0x{value:02X}")


def test_a_piece_of_a_message_is_clipped_so_that_it_can_be_logged() -> None:
    assert clipped(b"a\x00\n\xff") == r"b'a\x00\n\xff'"
    assert clipped(b"a" * 40) == f"b'{'a' * 40}'"
    assert clipped(b"a" * 41) == f"b'{'a' * 40}'..."


@pytest.mark.parametrize("vector", reading_vectors(), ids=str)
def test_every_error_of_the_vectors_is_safe_to_log(vector: Vector) -> None:
    reader = Reader(vector.role, request=vector.request, then=vector.then, limit=vector.limit)
    reader.feed(vector.data)
    for error in reader.errors:
        message = str(error)
        assert message.isascii()
        assert message.isprintable()
        assert len(message) < 400
        assert f"({error.rule})" in message
        assert len(error.excerpt) <= 64
        if error.offset is not None:
            assert 0 <= error.offset <= len(vector.data)
            assert f"at byte {error.offset} of the message" in message


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
        for piece in pieces:
            reader.feed(piece)
        (error,) = reader.errors
        assert (error.offset, error.excerpt) == (len(right), excerpt)


def test_offsets_count_from_the_message_and_not_from_the_stream() -> None:
    client = Reader(CLIENT)
    client.feed(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 2x0 OK\r\n\r\n")
    assert (client.errors[0].offset, client.errors[0].excerpt) == (10, b"2x")
