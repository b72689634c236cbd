"""The command line: what it prints, where, and with which exit status."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import BinaryIO

import attrs
import pytest

from http11 import (
    CLIENT,
    H11,
    PRODUCT_ID,
    SERVER,
    STRICT,
    Data,
    EndOfMessage,
    LocalProtocolError,
    Policy,
    Response,
    Role,
)
from http11 import __main__ as cli
from tests.harness import Vector, reading_vectors

POLICIES = {"strict": STRICT, "h11": H11}

REQUESTS = (
    b"GET /a HTTP/1.1\r\nHost: a\r\nX-Name: caf\xe9\r\n\r\n"
    b"\r\nPOST /b HTTP/1.1\r\nHOST: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhe\x1bl\n\r\n0\r\nT: 1\r\n\r\n"
    b"PUT /c HTTP/1.1\r\nHost: a\r\nContent-Length: 70\r\n\r\n" + b"z" * 70
)
RESPONSES = (
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nServer: b\r\n\r\nHTTP/1.1 200 \r\n\r\nuntil the end"
)


@attrs.frozen
class Outcome:
    status: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, object]]:
        """What ``--json`` printed."""
        return [json.loads(line) for line in self.out.splitlines()]


def run(*arguments: str) -> Outcome:
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        status = cli.main(arguments)
    return Outcome(status, out.getvalue(), err.getvalue())


@attrs.frozen
class Inspector:
    """Inspects bytes, in a file that is called FILE."""

    folder: Path

    def __call__(self, data: bytes, *options: str) -> Outcome:
        path = self.folder / "stream"
        path.write_bytes(data)
        outcome = run("inspect", *options, str(path))
        # Whatever came in, a terminal is safe.
        assert (outcome.out + outcome.err).replace("\n", "").isascii()
        assert (outcome.out + outcome.err).replace("\n", "").isprintable()
        return attrs.evolve(outcome, err=outcome.err.replace(str(path), "FILE"))


@pytest.fixture
def inspect(tmp_path: Path) -> Inspector:
    return Inspector(tmp_path)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "http11", *arguments]


# --- inspect: events ------------------------------------------------------------------------------------------------


def test_requests_are_printed_as_text(inspect: Inspector) -> None:
    assert inspect(REQUESTS) == Outcome(
        0,
        r"""Request GET /a HTTP/1.1  (byte 0 of the stream)
    Host: a
    X-Name: caf\xe9
EndOfMessage
Request POST /b HTTP/1.1  (byte 44 of the stream)
    HOST: a
    Transfer-Encoding: chunked
Data 5 bytes chunk_start chunk_end: b'he\x1bl\n'
EndOfMessage
    T: 1
Request PUT /c HTTP/1.1  (byte 126 of the stream)
    Host: a
    Content-Length: 70
Data 70 bytes: b'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz'...
EndOfMessage
ConnectionClosed
""",
        "",
    )


def test_responses_are_printed_as_text(inspect: Inspector) -> None:
    assert inspect(RESPONSES) == Outcome(
        0,
        """InformationalResponse HTTP/1.1 100 Continue  (byte 0 of the stream)
Response HTTP/1.1 204 No Content  (byte 25 of the stream)
    Server: b
EndOfMessage
Response HTTP/1.1 200  (byte 63 of the stream)
Data 13 bytes: b'until the end'
EndOfMessage
ConnectionClosed
""",
        "",
    )


def test_requests_are_printed_as_json(inspect: Inspector) -> None:
    outcome = inspect(REQUESTS, "--json")
    assert (outcome.status, outcome.err) == (0, "")
    events = outcome.objects
    assert events[0] == {
        "event": "Request",
        "offset": 0,
        "method": "GET",
        "target": "/a",
        "http_version": "1.1",
        "headers": [["Host", "a"], ["X-Name", "caf\xe9"]],
    }
    assert events[3] == {"event": "Data", "size": 5, "data": "aGUbbAo=", "chunk_start": True, "chunk_end": True}
    assert b64decode("aGUbbAo=") == b"he\x1bl\n"
    assert events[4] == {"event": "EndOfMessage", "headers": [["T", "1"]]}
    assert events[-1] == {"event": "ConnectionClosed"}
    for event in events:
        if event["event"] == "Request":
            offset = event["offset"]
            assert isinstance(offset, int)
            assert REQUESTS[offset:].startswith(f"{event['method']} {event['target']} ".encode())


def test_responses_are_printed_as_json(inspect: Inspector) -> None:
    events = inspect(RESPONSES, "--json").objects
    assert events[0] == {
        "event": "InformationalResponse",
        "offset": 0,
        "status_code": 100,
        "reason": "Continue",
        "http_version": "1.1",
        "headers": [],
    }
    assert [event["event"] for event in events[1:]] == [
        "Response",
        "EndOfMessage",
        "Response",
        "Data",
        "EndOfMessage",
        "ConnectionClosed",
    ]


def test_response_answers_the_method_that_was_given(inspect: Inspector) -> None:
    two = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\n"
    outcome = inspect(two, "--method", "HEAD")
    assert outcome.status == 0
    assert outcome.out.count("EndOfMessage") == 2
    assert inspect(two).status == 1


def test_role_can_be_given(inspect: Inspector) -> None:
    assert inspect(b"HTTP/1.1 200 OK\r\n\r\n", "--role", "client").status == 0
    assert inspect(b"HTTP/1.1 200 OK\r\n\r\n", "--role", "server").err == (
        "FILE: not an HTTP/1.1 stream: expected a method and one SP, got '/' (RFC 9112 3.1), at byte 4\n"
    )
    assert inspect(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "--role", "client").status == 1


def test_policy_can_be_given(inspect: Inspector) -> None:
    bare = b"GET / HTTP/1.1\nHost: a\n\nGET / HTTP/1.1\nHost: \x01\n\n"
    assert inspect(bare, "--policy", "strict").status == 1
    outcome = inspect(bare, "--policy", "h11")
    assert outcome.status == 0
    assert "    Host: \\x01\n" in outcome.out


# Not so small that the first piece would not tell requests from responses.
@pytest.mark.parametrize("size", [5, 6, 7, 64, 100])
@pytest.mark.parametrize("data", [REQUESTS, RESPONSES, REQUESTS + b"POST  ", REQUESTS[:-1]])
def test_outcome_is_the_same_however_the_file_is_cut(
    inspect: Inspector, monkeypatch: pytest.MonkeyPatch, data: bytes, size: int
) -> None:
    def without_data(outcome: Outcome) -> Outcome:
        lines = [line for line in outcome.out.splitlines() if not line.startswith("Data")]
        return attrs.evolve(outcome, out="\n".join(lines))

    whole = without_data(inspect(data))
    monkeypatch.setattr(cli, "_PIECE", size)
    assert without_data(inspect(data)) == whole


# --- inspect: another protocol --------------------------------------------------------------------------------------

UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CONNECT = b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 65536])
@pytest.mark.parametrize(
    ("data", "options", "follows"),
    [
        pytest.param(UPGRADE + b"\x81\x85\x00\n\x00", [], 5, id="websocket"),
        pytest.param(UPGRADE + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [], 24, id="h2c"),
        pytest.param(GET + UPGRADE + UPGRADE + b"\x81" * 300, [], 300, id="after a refusal"),
        pytest.param(UPGRADE + b"\x81" * 100_000, [], 100_000, id="more than a piece"),
        pytest.param(CONNECT, [], 0, id="tunnel without anything in it"),
        pytest.param(CONNECT + GET, [], len(GET), id="a request inside a tunnel"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [], 6, id="prior knowledge of HTTP/2"),
        pytest.param(b"HTTP/1.1 101 Go\r\n\r\n\x81\x00", ["--role", "client"], 2, id="101"),
        pytest.param(b"HTTP/1.1 101 Go\r\n\r\n", ["--role", "client"], 0, id="101 at the end"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n\r\n\x16\x03", ["--role", "client", "--method", "CONNECT"], 2, id="2xx to CONNECT"
        ),
    ],
)
def test_another_protocol_is_counted_and_not_read(
    inspect: Inspector, monkeypatch: pytest.MonkeyPatch, *, data: bytes, options: list[str], follows: int, size: int
) -> None:
    monkeypatch.setattr(cli, "_PIECE", size)
    start = len(data) - follows
    outcome = inspect(data, *options)
    assert (outcome.status, outcome.err) == (0, "")
    last = outcome.out.splitlines()[-1]
    assert last == f"{follows} bytes of another protocol follow, from byte {start} of the stream on"
    assert inspect(data, "--json", *options).objects[-1] == {
        "event": "OtherProtocol",
        "offset": start,
        "size": follows,
    }


@pytest.mark.parametrize("size", [1, 7, 65536])
@pytest.mark.parametrize("data", [UPGRADE, UPGRADE + b"\r\n" + UPGRADE + GET, UPGRADE + b"\r\n"])
def test_upgrade_may_have_been_refused(
    inspect: Inspector, monkeypatch: pytest.MonkeyPatch, data: bytes, size: int
) -> None:
    monkeypatch.setattr(cli, "_PIECE", size)
    outcome = inspect(data)
    assert outcome.status == 0
    assert outcome.out.count("Request ") == data.count(b"GET")
    assert outcome.out.endswith("ConnectionClosed\n")


def test_refused_connect_leaves_the_connection_as_it_was(inspect: Inspector) -> None:
    refusal = b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"
    assert inspect(refusal + refusal, "--method", "CONNECT").out.count("Response ") == 2


# --- inspect: errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "options", "err"),
    [
        pytest.param(
            GET + b"GET / HTTP/1.1\r\nHost: a\r\nB\tc: d\r\n\r\n",
            [],
            "FILE: error at byte 53 of the stream (byte 26 of message 2): expected a field name of token characters "
            "and ':', got 0x09, at byte 26 of the message (RFC 9112 5.1)\n"
            "    B\\tc: d\\r\\n\n"
            "     ^\n",
            id="a field of the second message",
        ),
        pytest.param(
            b"\r\n\r\n" + GET.replace(b"Host", b"Hose"),
            [],
            "FILE: error at byte 4 of the stream (byte 0 of message 1): expected a Host field in an HTTP/1.1 request, "
            "got none (RFC 9112 3.2)\n"
            "    GET / HTTP/1.1\\r\\n\n"
            "    ^\n",
            id="a message as a whole",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"\xe9" * 61 + b"\x00" + b"y" * 99 + b"\r\n\r\n",
            [],
            "FILE: error at byte 89 of the stream (byte 89 of message 1): expected visible characters, SP and HTAB as "
            "the value of b'X', got 0x00, at byte 89 of the message (RFC 9110 5.5)\n"
            "    ..." + r"\xe9" * 60 + r"\x00" + "y" * 59 + "...\n"
            "       " + "    " * 60 + "^\n",
            id="in a long line",
        ),
        pytest.param(
            b"HTTP/1.1 103 Hm\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!",
            [],
            "FILE: error at byte 74 of the stream (byte 55 of message 2): expected CRLF after a chunk's data, got '!', "
            "at byte 55 of the message (RFC 9112 7.1)\n"
            "    hello!\n"
            "         ^\n",
            id="in a body",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello\n",
            [],
            "FILE: error at byte 44 of the stream (byte 44 of message 1): peer closed the connection inside a message "
            "body: received 6 bytes, expected 9 (RFC 9112 8)\n"
            "    hello\\n\n"
            "           ^\n",
            id="cut short in a body",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHo",
            [],
            "FILE: error at byte 18 of the stream (byte 18 of message 1): peer closed the connection before the end "
            "of a head: received 18 bytes of it (RFC 9112 8)\n"
            "    Ho\n"
            "      ^\n",
            id="cut short in a head",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET",
            [],
            "FILE: error at byte 46 of the stream (byte 0 of message 2): expected the end of the connection in "
            "MUST_CLOSE, got more bytes, at byte 0 of the message (RFC 9112 9.6)\n"
            "    GET\n"
            "    ^\n",
            id="behind the end",
        ),
        pytest.param(
            b"HTTP/1.1 204 \r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            [],
            "FILE: error at byte 36 of the stream (byte 0 of message 2): expected the end of the connection after an "
            "answer that says so, got more bytes, at byte 0 of the message (RFC 9112 9.6)\n"
            "    HTTP/1.1 200 OK\\r\\n\n"
            "    ^\n",
            id="after the last answer",
        ),
        pytest.param(
            UPGRADE.replace(b"Upgrade\r\n", b"Upgrade, close\r\n") + GET,
            [],
            "FILE: error at byte 75 of the stream (byte 0 of message 2): expected the end of the connection in "
            "MUST_CLOSE, got more bytes, at byte 0 of the message (RFC 9112 9.6)\n"
            "    GET / HTTP/1.1\\r\\n\n"
            "    ^\n",
            id="behind the end, after an Upgrade",
        ),
        pytest.param(
            b"HTTP/1.1 101 Go\r\n\r\n",
            ["--method", "GET"],
            "FILE: error at byte 0 of the stream (byte 0 of message 1): expected a 101 to a request that proposes an "
            "Upgrade only, got one (RFC 9110 7.8)\n"
            "    HTTP/1.1 101 Go\\r\\n\n"
            "    ^\n",
            id="a switch that was not proposed",
        ),
        pytest.param(
            GET + b"GET / HTTP/1.1\n",
            [],
            "FILE: error at byte 41 of the stream (byte 14 of message 2): expected CRLF at the end of a line, got "
            "0x0A, at byte 14 of the message (RFC 9112 2.2); tolerated by Policy(bare_lf=True)\n"
            "    GET / HTTP/1.1\\n\n"
            "                  ^\n",
            id="a line's end",
        ),
    ],
)
def test_error_is_told_with_its_place(inspect: Inspector, data: bytes, options: list[str], err: str) -> None:
    outcome = inspect(data, *options)
    assert (outcome.status, outcome.err) == (1, err)


@pytest.mark.parametrize("body", [b"z" * 1_000_000, b"z" * 65_400, b""])
def test_error_in_a_long_stream_is_told_with_its_place(inspect: Inspector, body: bytes) -> None:
    put = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    before = put + GET * 1000
    outcome = inspect(before + b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n" + GET * 5000)
    assert outcome.err == (
        f"FILE: error at byte {len(before) + 26} of the stream (byte 26 of message 1002): expected a field name of "
        "token characters and ':', got 0x20, at byte 26 of the message (RFC 9112 5.1)\n"
        "    X : y\\r\\n\n"
        "     ^\n"
    )


@pytest.mark.parametrize(
    ("data", "policy", "tolerated"),
    [
        (GET + GET.replace(b"Host", b"A: b\r\n c\r\nHost"), "strict", "Policy(folded_lines=True)"),
        (GET + GET.replace(b": a", b": b/c"), "strict", "Policy(any_host=True)"),
        (GET + GET.replace(b"Host", b"A:\r\n" * 256 + b"Host"), "strict", "Policy(max_fields=N), N above 256"),
        (b"HTTP/1.1 102 \r\n\r\n" * 65, "strict", "Policy(max_informational_responses=N), N above 64"),
        (GET + b"\r\n" + GET, "h11", "Policy(leading_empty_lines=True)"),
        (GET + b"M" * 65, "h11", "Policy(max_method_size=N), N above 64"),
        (GET + GET.replace(b": a", b": \x01"), "strict", "Policy(control_bytes_in_value=True)"),
        (GET + GET.replace(b": a", b": \x00"), "strict", ""),
        (GET + GET.replace(b": a", b": \x00"), "h11", ""),
        (GET + b"POST  ", "strict", ""),
    ],
)
def test_error_is_told_with_what_would_tolerate_it(
    inspect: Inspector, data: bytes, policy: str, tolerated: str
) -> None:
    outcome = inspect(data, "--policy", policy)
    assert outcome.status == 1
    assert outcome.err.splitlines()[0].partition("; tolerated by ")[2] == tolerated
    tolerance = inspect(data, "--policy", policy, "--json").objects[-1]["tolerance"]
    assert tolerance == (tolerated.removeprefix("Policy(").partition("=")[0] or None)


def test_events_before_an_error_are_printed(inspect: Inspector) -> None:
    outcome = inspect(GET + b"GET / HTTP/1.1\r\n\r\n")
    assert outcome.out == ("Request GET / HTTP/1.1  (byte 0 of the stream)\n    Host: a\nEndOfMessage\n")


def test_error_is_a_json_object_too(inspect: Inspector) -> None:
    outcome = inspect(GET + GET.replace(b"1.1", b"3.0"), "--json")
    assert outcome.status == 1
    assert outcome.objects[-1] == {
        "error": "unsupported-version",
        "message": "expected HTTP/1.x, got HTTP/3.0, at byte 6 of the message (RFC 9110 15.6.6)",
        "rule": "RFC 9110 15.6.6",
        "offset": len(GET) + 6,
        "status_hint": 505,
        "tolerance": "any_major_version",
    }
    assert outcome.err.startswith(f"FILE: error at byte {len(GET) + 6} of the stream (byte 6 of message 2): ")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"\x16\x03\x01", "expected a method and one SP, got 0x16 (RFC 9112 3.1), at byte 0"),
        (b"\x89PNG\r\n\x1a\n", "expected a method and one SP, got 0x89 (RFC 9112 3.1), at byte 0"),
        (b"\r\n\x00", "expected a method and one SP, got 0x00 (RFC 9112 3.1), at byte 2"),
        (
            b"x" * 100_000,
            (
                "expected no more than 64 bytes of method, got 'x' (RFC 9112 3), at byte 64; tolerated by "
                "Policy(max_method_size=N), N above 64"
            ),
        ),
        (
            b"GET /#a HTTP/1.1\r\n",
            (
                "expected a target of visible ASCII without '#', and one SP, got '#' (RFC 9112 3.2), at byte 5; "
                "tolerated by Policy(fragment_in_target=True)"
            ),
        ),
        (
            b"HTTP/1.1 2x0 \xe9\r\n",
            "expected a status code of three digits, 100 to 999, got 'x' (RFC 9110 15), at byte 10",
        ),
    ],
)
def test_what_is_not_http_gets_one_line(inspect: Inspector, data: bytes, reason: str) -> None:
    assert inspect(data) == Outcome(1, "", f"FILE: not an HTTP/1.1 stream: {reason}\n")


def test_first_line_of_a_later_message_is_marked(inspect: Inspector) -> None:
    assert inspect(GET + b"\x16\x03\x01").err.endswith("\n    \\x16\\x03\\x01\n    ^\n")


@pytest.mark.parametrize("value", [0x00, 0x0A, 0x20, 0x80])
@pytest.mark.parametrize("data", [REQUESTS, RESPONSES], ids=["requests", "responses"])
def test_caret_points_to_the_wrong_byte(inspect: Inspector, data: bytes, value: int) -> None:
    marked = 0
    for place in range(5, len(data)):
        wrong = data[:place] + bytes([value]) + data[place + 1 :]
        outcome = inspect(wrong, "--json")
        lines = outcome.err.splitlines()
        assert outcome.status == (1 if lines else 0)
        if len(lines) == 3:
            offset = outcome.objects[-1]["offset"]
            assert isinstance(offset, int)
            shown = lines[1][lines[2].index("^") :]
            expected = wrong[offset : offset + 1].decode("latin-1").encode("unicode_escape").decode("ascii")
            assert shown.startswith(expected)
            marked += 1
    assert marked > 10 or data is RESPONSES


@pytest.mark.parametrize("policy", POLICIES)
def test_every_vector_is_inspected_to_its_error(inspect: Inspector, policy: str) -> None:
    found = 0
    for vector in reading_vectors():
        options = ["--policy", policy, "--role", vector.role.lower()]
        if b"upgrade" not in vector.request.lower():
            options += ["--method", (vector.request or b"GET").split()[0].decode("ascii")]
        outcome = inspect(vector.data, "--json", *options)
        assert inspect(vector.data, *options).err == outcome.err, vector
        expected = expected_error(vector, POLICIES[policy])
        if expected is not None:
            assert outcome.status == 1, vector
            last = outcome.objects[-1]
            assert (last["error"], last["status_hint"]) == expected, vector
            offset = last["offset"]
            assert isinstance(offset, int)
            assert 0 <= offset <= len(vector.data), vector
            found += 1
    assert found > 0


def expected_error(vector: Vector, policy: Policy) -> tuple[str | int, ...] | None:
    """Return the error that reading `vector` ends in, where reading it as a file with the usual limit does so too."""
    last = vector.outcome(policy)[-1:]
    if vector.limit != 16384 or vector.changes or not vector.data or not last or last[0][0] != "error":
        return None
    if b"PRI * HTTP/2.0" in vector.data:
        # HTTP/2, which is not read on.
        return None
    return last[0][1:]


# --- inspect: what cannot be read -----------------------------------------------------------------------------------


def test_missing_file_gets_one_line(tmp_path: Path) -> None:
    path = tmp_path / "no\x1b[31msuch"
    assert run("inspect", str(path)) == Outcome(
        2, "", f"{tmp_path}/no\\x1b[31msuch: cannot be read: No such file or directory\n"
    )


@pytest.mark.parametrize("name", [".", "\0", "\udcff"])
def test_what_is_no_file_gets_one_line(name: str) -> None:
    outcome = run("inspect", name)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.count("\n") == 1
    assert "cannot be read: " in outcome.err


class BreakingFile(io.BytesIO):
    """A file of which one piece can be read."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError(errno.EIO, "Input/output error")
        return super().read(size)


@pytest.mark.parametrize("data", [GET, CONNECT])
def test_file_that_breaks_while_it_is_read(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    def opened(_: str) -> BinaryIO:
        return BreakingFile(data)

    monkeypatch.setattr(cli, "_opened", opened)
    outcome = run("inspect", "disk")
    assert outcome.status == 2
    assert outcome.out.endswith("EndOfMessage\n")
    assert outcome.err == "disk: cannot be read: Input/output error\n"


def test_reason_without_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(_: str) -> BinaryIO:
        # As `open` might.
        raise cli._UnreadableError(cli._reason(OSError("odd\x07")))

    monkeypatch.setattr(cli, "_opened", opened)
    assert run("inspect", "disk").err == "disk: cannot be read: odd\\x07\n"


# --- the process ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["bogus"],
        ["inspect"],
        ["inspect", "x", "--method", "a b"],
        ["inspect", "x", "--method", "\xe9"],
        ["inspect", "x", "--role", "proxy"],
    ],
)
def test_wrong_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    assert "usage: http11" in capsys.readouterr().err


def test_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: BinaryIO) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_read_piece", interrupted)
    assert run("inspect", __file__) == Outcome(130, "", "")


@contextmanager
def broken_stdout() -> Iterator[io.TextIOWrapper]:
    """Make stdout a pipe from which nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="ascii") as stdout, redirect_stdout(stdout):
        yield stdout


@pytest.mark.parametrize("arguments", [["demo"], ["inspect", "FILE"], ["inspect", "--json", "FILE"]])
def test_nobody_reads_what_is_printed(tmp_path: Path, arguments: list[str]) -> None:
    path = tmp_path / "stream"
    path.write_bytes(REQUESTS)
    with broken_stdout() as out, redirect_stderr(io.StringIO()) as err:
        assert cli.main([str(path) if each == "FILE" else each for each in arguments]) == 1
        # It has been silenced, so that the interpreter's last flush does not fail either.
        out.write("x" * 100_000)
    assert err.getvalue() == ""


def test_disk_is_full(tmp_path: Path) -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        def fileno(self) -> int:
            return silenced.fileno()

    path = tmp_path / "stream"
    path.write_bytes(GET)
    with broken_stdout() as silenced, redirect_stdout(Full()), redirect_stderr(io.StringIO()) as err:
        assert cli.main(["inspect", str(path)]) == 1
    assert err.getvalue() == f"http11: [Errno {errno.ENOSPC}] No space left on device\n"


def test_process_reads_stdin() -> None:
    done = subprocess.run(command("inspect", "-"), input=GET, capture_output=True, check=True, timeout=60)
    assert done.stdout.splitlines()[0] == b"Request GET / HTTP/1.1  (byte 0 of the stream)"
    assert done.stderr == b""
    done = subprocess.run(command("inspect", "-"), input=b"\x16", capture_output=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith(b"<stdin>: not an HTTP/1.1 stream: ")


def test_process_without_a_reader_dies_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            command("inspect", "-"), input=GET, stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_process_runs_the_demo() -> None:
    done = subprocess.run(command("demo"), capture_output=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == b"demo: both sides have seen what they should have seen"
    assert done.stderr == b""


# --- demo -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [1, 65536])
def test_demo_sees_what_it_should(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(cli, "_PIECE", piece)
    threads = threading.active_count()
    outcome = run("demo")
    assert (outcome.status, outcome.err) == (0, "")
    assert threading.active_count() == threads
    lines = outcome.out.splitlines()
    assert lines[-1] == "demo: both sides have seen what they should have seen"
    assert lines.count("--- two GETs in one piece") == 1
    assert lines.count("server == PAUSED") == 1
    # The client has waited.
    assert lines.index("client <- InformationalResponse HTTP/1.1 100 Continue") < next(
        at for at, line in enumerate(lines) if line.startswith("client -> Data ")
    )
    assert "server <- EndOfMessage | Sum: 3" in lines
    assert any(line.startswith("server !! RemoteProtocolError transfer-encoding-and-content") for line in lines)
    assert "client <- Response HTTP/1.1 400 | Content-Length: 36 | Connection: close" in lines
    for line in lines[:-1]:
        assert line.startswith(
            ("--- ", "client -> ", "client <- ", "server -> ", "server <- ", "server == ", "server !! ")
        )


def refused_demo(*differences: str) -> Outcome:
    threads = threading.active_count()
    outcome = run("demo")
    assert threading.active_count() == threads
    assert outcome.status == 1
    assert "as it should be" not in outcome.out
    lines = outcome.err.splitlines()
    assert lines[0] == "demo: not as it should be:"
    for difference in differences:
        assert difference in lines
    return outcome


@pytest.mark.parametrize("role", [CLIENT, SERVER])
def test_demo_checks_every_line_of_either_side(monkeypatch: pytest.MonkeyPatch, role: Role) -> None:
    expected: dict[Role, str] = {**cli._EXPECTED}
    monkeypatch.setattr(cli, "_EXPECTED", expected)
    lines = expected[role].strip().split("\n")
    # A demo for each line would take long.
    transcript = cli._Transcript()
    for each, seen in cli._EXPECTED.items():
        for line in seen.strip().split("\n"):
            arrow, _, what = line.partition(" ")
            transcript.add(each, arrow, what)
    assert list(transcript.differences()) == []
    for at, line in enumerate(lines):
        expected[role] = "\n".join([*lines[:at], *lines[at + 1 :]])
        assert f"+{line}" in transcript.differences()
        expected[role] = "\n".join([*lines[: at + 1], "-> More", *lines[at + 1 :]])
        assert "--> More" in transcript.differences()
    expected[role] = "\n".join([*lines[1::-1], *lines[2:]])
    assert list(transcript.differences()) != []


def test_demo_notices_another_expectation(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {**cli._EXPECTED, SERVER: cli._EXPECTED[SERVER].replace("Sum: 3", "Sum: 4")}
    monkeypatch.setattr(cli, "_EXPECTED", changed)
    refused_demo("--- server: expected", "-<- EndOfMessage | Sum: 4", "+<- EndOfMessage | Sum: 3")


def test_demo_notices_another_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(peer: cli._Server, status_code: int, content: bytes) -> None:
        head = Response(status_code=status_code, headers=[("Content-Length", f"{len(content)}")])
        for event in (head, Data(content.replace(b"second", b"SECOND")), EndOfMessage()):
            peer.send(event, peer.connection.send(event))

    monkeypatch.setattr(cli, "_answer", answer)
    refused_demo("-<- Data GET /second, 0 bytes", "+<- Data GET /SECOND, 0 bytes")


def test_demo_notices_a_server_that_answers_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(peer: cli._Server) -> None:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        peer.sock.recv(65536)
        peer.sock.sendall(answer + answer)
        peer.sock.recv(65536)

    monkeypatch.setattr(cli, "_serve", serve)
    refused_demo("+== PAUSED")


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), LocalProtocolError("wrong")])
def test_demo_survives_a_server_that_fails(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def serve(_: cli._Server) -> None:
        raise error

    monkeypatch.setattr(cli, "_serve_requests", serve)
    outcome = refused_demo(f"+!! {type(error).__name__}")
    assert f"server !! {type(error).__name__}: {error}" in outcome.out.splitlines()


def test_demo_does_not_wait_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(peer: cli._Server) -> None:
        while peer.sock.recv(65536):
            pass

    monkeypatch.setattr(cli, "_serve", serve)
    monkeypatch.setattr(cli, "_TIMEOUT", 0.05)
    refused_demo("+!! TimeoutError")


def test_demo_without_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("socket.create_server", refuse)
    refused_demo("+!! PermissionError")


def test_a_stream_of_empty_lines_has_no_message_in_it(inspect: Inspector) -> None:
    outcome = inspect(b"\r\n\r\n")
    assert outcome.status == 1
    assert outcome.err == "FILE: not an HTTP/1.1 stream: there is no message in it\n"


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"{PRODUCT_ID}\n"


def test_demo_survives_an_output_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = print

    def full(*values: object, **options: object) -> None:
        if values and str(values[0]).startswith("server"):
            raise OSError(errno.ENOSPC, "No space left on device")
        printed(*values, **options)  # type: ignore[call-overload]

    monkeypatch.setattr("builtins.print", full)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(OSError, match="No space left"):
        cli._demo()
    assert err.getvalue() == ""
    assert "client -> Request GET /hello" in out.getvalue()
