"""``http11 inspect`` on the bytes of one direction, or of both: what it prints, and its exit status."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import subprocess
import sys
from base64 import b64decode
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path

import attrs
import pytest

from http11 import H11, STRICT, ErrorCode, Policy, RemoteProtocolError
from http11 import __main__ as cli
from http11.inspector import sources
from http11.inspector.others import Explanation, explanation
from http11.inspector.sources import Source, UnreadableError
from http11.inspector.views import rule
from tests.harness import Vector, reading_vectors
from tests.test_policy import CLOSED_DOORS

POLICIES = {"strict": STRICT, "h11": H11}

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
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
        status = cli.main(["inspect", *arguments])
    return Outcome(status, out.getvalue(), err.getvalue())


@attrs.frozen
class Inspector:
    """Inspects bytes, in files that are called FILE and OTHER."""

    folder: Path

    def __call__(self, data: bytes, *options: str, answers: bytes | None = None) -> Outcome:
        files = [self.folder / "FILE"]
        # A new one: some file systems write at once what is put in the place of something.
        files[0].unlink(missing_ok=True)
        files[0].write_bytes(data)
        if answers is not None:
            files.append(self.folder / "OTHER")
            files[1].write_bytes(answers)
        return self.again(*options, files=files)

    def again(self, *options: str, files: list[Path] | None = None) -> Outcome:
        """Inspect once more what FILE has."""
        outcome = run(*options, *map(str, files or [self.folder / "FILE"]))
        # Whatever came in, a terminal is safe.
        assert (outcome.out + outcome.err).replace("\n", "").isascii()
        assert (outcome.out + outcome.err).replace("\n", "").isprintable()
        return attrs.evolve(outcome, err=outcome.err.replace(f"{self.folder}/", ""))


@pytest.fixture
def inspect(tmp_path: Path) -> Inspector:
    return Inspector(tmp_path)


# --- events -----------------------------------------------------------------------------------------------------------


def test_requests_are_printed_as_text(inspect: Inspector) -> None:
    assert inspect(REQUESTS) == Outcome(
        0,
        r"""        0 > GET /a HTTP/1.1
            Host: a
            X-Name: caf\xe9
       44 > POST /b HTTP/1.1
            HOST: a
            Transfer-Encoding: chunked
      108 > 5 bytes of body  he\x1bl\n
      126 > trailers
            T: 1
      126 > PUT /c HTTP/1.1
            Host: a
            Content-Length: 70
      174 > 70 bytes of body  zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz...
      244 > closed
""",
        "",
    )


def test_responses_are_printed_as_text(inspect: Inspector) -> None:
    assert inspect(RESPONSES) == Outcome(
        0,
        """        0 < HTTP/1.1 100 Continue
       25 < HTTP/1.1 204 No Content
            Server: b
       63 < HTTP/1.1 200
       80 < 13 bytes of body  until the end
       93 < closed
""",
        "",
    )


def test_body_has_a_line_for_its_first_piece_and_one_for_all(inspect: Inspector) -> None:
    head = b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"3\r\none\r\n4\r\n\xe9two\r\n5\r\nthree\r\n0\r\n\r\n"
    found = inspect(head + chunks).out.splitlines()
    assert found[3:] == [
        "       58 > 3 bytes of body  one",
        "       87 > 12 bytes of body in 3 pieces",
        "       87 > closed",
    ]
    found = inspect(head + chunks, "--all-data").out.splitlines()
    assert found[3:6] == [
        "       58 > 3 bytes of body  one",
        r"       66 > 4 bytes of body  \xe9two",
        "       75 > 5 bytes of body  three",
    ]


def test_preview_of_a_body_ends_with_a_whole_escape(inspect: Inspector) -> None:
    for size in range(6):
        body = b"a" * size + b"\x00" * 70
        found = inspect(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        shown = re.search(r"bytes of body  (a*)((\\x00)+)\.\.\.$", found.out, re.MULTILINE)
        assert shown is not None
        assert shown[1] == "a" * size
        assert len(shown[0]) > 50


def test_requests_are_printed_as_json(inspect: Inspector) -> None:
    outcome = inspect(REQUESTS, "--json")
    assert (outcome.status, outcome.err) == (0, "")
    events = outcome.objects
    place = {"connection": 1, "time": None, "sender": "CLIENT"}
    assert events[0] == place | {
        "event": "Request",
        "message": 1,
        "offset": 0,
        "end": 42,
        "method": "GET",
        "target": "/a",
        "http_version": "1.1",
        "headers": [["Host", "a"], ["X-Name", "caf\xe9"]],
    }
    assert events[3] == place | {
        "event": "Data",
        "message": 2,
        "offset": 108,
        "end": 113,
        "size": 5,
        "data": "aGUbbAo=",
        "chunk_start": True,
        "chunk_end": True,
    }
    assert b64decode("aGUbbAo=") == b"he\x1bl\n"
    assert events[4] == place | {
        "event": "EndOfMessage",
        "message": 2,
        "offset": 126,
        "end": 126,
        "headers": [["T", "1"]],
    }
    assert events[-1] == place | {"event": "ConnectionClosed", "message": 4, "offset": 244, "end": 244}


def test_responses_are_printed_as_json(inspect: Inspector) -> None:
    events = inspect(RESPONSES, "--json").objects
    assert events[0] == {
        "event": "InformationalResponse",
        "connection": 1,
        "time": None,
        "sender": "SERVER",
        "message": 1,
        "offset": 0,
        "end": 25,
        "answers": None,
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


@pytest.mark.parametrize("size", [1, 5, 7, 64, 16384])
def test_offsets_are_those_of_the_bytes(inspect: Inspector, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(sources, "PIECE", size)
    for data in (REQUESTS, RESPONSES):
        end: object = 0
        for event in inspect(data, "--json").objects:
            offset, end = event["offset"], event["end"]
            assert isinstance(offset, int)
            assert isinstance(end, int)
            if event["event"] == "Data":
                assert data[offset:end] == b64decode(str(event["data"]))
            elif event["event"] == "Request":
                assert data[offset:].startswith(f"{event['method']} {event['target']} ".encode())
                assert data[:end].endswith(b"\r\n\r\n")
            elif event["event"] == "Response":
                assert data[offset:].startswith(f"HTTP/1.1 {event['status_code']} ".encode())
                assert data[:end].endswith(b"\r\n\r\n")
        assert end == len(data)


def test_response_answers_the_method_that_was_given(inspect: Inspector) -> None:
    two = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\n"
    outcome = inspect(two, "--method", "HEAD", "--json")
    assert outcome.status == 0
    assert outcome.out.count("EndOfMessage") == 2
    assert inspect(two).status == 1


def test_role_can_be_given(inspect: Inspector) -> None:
    assert inspect(b"HTTP/1.1 200 OK\r\n\r\n", "--role", "client").status == 0
    wrong = inspect(b"HTTP/1.1 200 OK\r\n\r\n", "--role", "server", "--json")
    assert wrong.status == 1
    assert wrong.objects[0]["text"] == "expected a method and one SP, got '/'"
    assert wrong.objects[0]["offset"] == 4
    assert inspect(GET, "--role", "client").status == 1


def test_policy_can_be_given(inspect: Inspector) -> None:
    bare = b"GET / HTTP/1.1\nHost: a\n\nGET / HTTP/1.1\nHost: \x01\n\n"
    assert inspect(bare, "--policy", "strict").status == 1
    outcome = inspect(bare, "--policy", "h11")
    assert outcome.status == 0
    assert "            Host: \\x01\n" in outcome.out


@pytest.mark.parametrize("door", CLOSED_DOORS)
def test_a_door_that_neither_preset_opens_can_be_opened(inspect: Inspector, door: str) -> None:
    _, stream = CLOSED_DOORS[door]
    for policy in ("strict", "h11"):
        closed = inspect(stream, "--policy", policy)
        assert closed.status == 1
        assert f"--allow {door}" in closed.out
        assert inspect(stream, "--policy", policy, "--allow", door).status == 0


@pytest.mark.parametrize(
    ("door", "stream"),
    [
        ("whole_heads_over_limit", b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 20_000 + b"\r\n\r\n"),
        ("keep_alive_in_http10", b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * 2),
    ],
)
def test_a_field_that_may_help_is_named_as_one_that_may(inspect: Inspector, door: str, stream: bytes) -> None:
    closed = inspect(stream)
    assert closed.status == 1
    assert f"none that is sure to; perhaps --allow {door}" in closed.out
    assert inspect(stream, "--allow", door).status == 0


def test_one_field_of_the_policy_can_be_opened(inspect: Inspector) -> None:
    bare = b"\nGET / HTTP/1.1\nHost: a\nX: y\n\n"
    assert inspect(bare).status == 1
    assert inspect(bare, "--allow", "bare_lf").status == 0
    assert inspect(bare, "--allow", "bare-lf", "--allow", "max_fields=1").status == 1
    assert inspect(bare, "--allow", "bare_lf", "--allow", "max_fields=2").status == 0
    many = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 300 + b"\r\n"
    assert inspect(many).status == 1
    assert inspect(many, "--allow", "max_fields").status == 0


@pytest.mark.parametrize("size", [1, 5, 7, 64, 100])
@pytest.mark.parametrize("data", [REQUESTS, RESPONSES, REQUESTS + b"POST  ", REQUESTS[:-1], RESPONSES[:60]])
def test_outcome_is_the_same_however_the_file_is_cut(
    inspect: Inspector, monkeypatch: pytest.MonkeyPatch, data: bytes, size: int
) -> None:
    def without_data(outcome: Outcome) -> Outcome:
        lines = [line for line in outcome.out.splitlines() if "of body" not in line]
        return attrs.evolve(outcome, out="\n".join(lines))

    whole = without_data(inspect(data))
    monkeypatch.setattr(sources, "PIECE", size)
    assert without_data(inspect(data)) == whole


# --- another protocol -------------------------------------------------------------------------------------------------

UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
CONNECT = b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 16384])
@pytest.mark.parametrize(
    ("data", "options", "follows", "protocol"),
    [
        pytest.param(UPGRADE + b"\x81\x85\x00\n\x00", [], 5, "websocket", id="websocket"),
        pytest.param(UPGRADE + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [], 24, "websocket", id="h2c"),
        pytest.param(GET + UPGRADE + UPGRADE + b"\x81" * 300, [], 300, "websocket", id="after a refusal"),
        pytest.param(UPGRADE + b"\x81" * 20_000, [], 20_000, "websocket", id="more than a piece"),
        pytest.param(CONNECT, [], 0, "a tunnel", id="tunnel without anything in it"),
        pytest.param(CONNECT + GET, [], len(GET), "a tunnel", id="a request inside a tunnel"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [], 6, "HTTP/2", id="prior knowledge of HTTP/2"),
        pytest.param(b"HTTP/1.1 101 Go\r\n\r\n\x81\x00", ["--role", "client"], 2, "websocket", id="101"),
        pytest.param(b"HTTP/1.1 101 Go\r\n\r\n", ["--role", "client"], 0, "websocket", id="101 at the end"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n\r\n\x16\x03",
            ["--role", "client", "--method", "CONNECT"],
            2,
            "a tunnel",
            id="2xx to CONNECT",
        ),
    ],
)
def test_another_protocol_is_counted_and_not_read(
    inspect: Inspector,
    monkeypatch: pytest.MonkeyPatch,
    *,
    data: bytes,
    options: list[str],
    follows: int,
    protocol: str,
    size: int,
) -> None:
    monkeypatch.setattr(sources, "PIECE", size)
    start = len(data) - follows
    outcome = inspect(data, *options)
    assert (outcome.status, outcome.err) == (0, "")
    begins, counted = outcome.out.splitlines()[-2:]
    assert begins.split(maxsplit=2)[::2] == [str(start), f"{protocol} begins here"]
    assert counted.split(maxsplit=2)[::2] == [str(start), f"{follows:,} bytes of another protocol"]
    switch, counts = inspect(data, "--json", *options).objects[-2:]
    assert (switch["event"], switch["offset"], switch["protocol"]) == ("Switch", start, protocol)
    assert (counts["event"], counts["offset"], counts["size"]) == ("OtherProtocol", start, follows)


@pytest.mark.parametrize("size", [1, 7, 16384])
@pytest.mark.parametrize("data", [UPGRADE, UPGRADE + b"\r\n" + UPGRADE + GET, UPGRADE + b"\r\n"])
def test_upgrade_may_have_been_refused(
    inspect: Inspector, monkeypatch: pytest.MonkeyPatch, data: bytes, size: int
) -> None:
    monkeypatch.setattr(sources, "PIECE", size)
    outcome = inspect(data)
    assert outcome.status == 0
    assert outcome.out.count("> GET ") == data.count(b"GET")
    assert outcome.out.endswith("> closed\n")


def test_refused_connect_leaves_the_connection_as_it_was(inspect: Inspector) -> None:
    refusal = b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"
    assert inspect(refusal + refusal, "--method", "CONNECT").out.count("< HTTP/1.1 407 ") == 2


# --- both directions --------------------------------------------------------------------------------------------------


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"


def starts(outcome: Outcome) -> list[str]:
    """The lines that begin with an offset, without it."""
    return [line.split(maxsplit=1)[1] for line in outcome.out.splitlines() if line[:12].strip()]


@pytest.mark.parametrize("size", [1, 16384])
def test_answers_are_read_by_what_was_asked(inspect: Inspector, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(sources, "PIECE", size)
    asked = GET.replace(b"GET", b"HEAD") + GET + GET
    answers = OK + b"HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n" + b"HTTP/1.1 103 Soon\r\n\r\n" + OK + b"hello"
    for order in ((asked, answers), (answers, asked)):
        outcome = inspect(order[0], "--all-data", answers=order[1])
        assert (outcome.status, outcome.err) == (0, "")
        assert [line for line in starts(outcome) if "of body" not in line] == [
            "> HEAD / HTTP/1.1",
            "< HTTP/1.1 200 OK   to message 1",
            "> GET / HTTP/1.1",
            "< HTTP/1.1 304 Same   to message 2",
            "> GET / HTTP/1.1",
            "< HTTP/1.1 103 Soon   to message 3",
            "< HTTP/1.1 200 OK   to message 3",
            "> closed",
            "< closed",
        ]


def test_upgrade_that_was_accepted(inspect: Inspector) -> None:
    switching = b"HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    # Without the answer, what the client says would be taken for a request.
    outcome = inspect(UPGRADE + GET, answers=switching + b"\x81\x00")
    assert outcome.status == 0
    assert starts(outcome) == [
        "> GET / HTTP/1.1",
        "< HTTP/1.1 101 Go   to message 1",
        "< websocket begins here",
        "> websocket begins here",
        f"> {len(GET)} bytes of another protocol",
        "< 2 bytes of another protocol",
    ]


def test_upgrade_that_was_refused(inspect: Inspector) -> None:
    outcome = inspect(UPGRADE + GET, answers=OK + b"hello" + OK + b"again")
    assert outcome.status == 0
    assert [line for line in starts(outcome) if "HTTP" in line] == [
        "> GET / HTTP/1.1",
        "< HTTP/1.1 200 OK   to message 1",
        "> GET / HTTP/1.1",
        "< HTTP/1.1 200 OK   to message 2",
    ]


def test_connect_that_was_accepted_or_refused(inspect: Inspector) -> None:
    outcome = inspect(CONNECT + b"\x16\x03", answers=b"HTTP/1.1 200 OK\r\n\r\n\x16")
    assert outcome.status == 0
    assert "< a tunnel begins here" in starts(outcome)
    assert "> 2 bytes of another protocol" in starts(outcome)
    outcome = inspect(CONNECT + GET, answers=b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
    assert outcome.status == 0
    assert starts(outcome)[-1] == (
        f"> {len(GET)} bytes not read: what follows a refused CONNECT is not read (RFC 9931 8)"
    )


def test_error_of_the_client_does_not_hide_the_answer_to_it(inspect: Inspector) -> None:
    refusal = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    outcome = inspect(GET + b"GET  / HTTP/1.1\r\n\r\n", answers=OK + b"hello" + refusal)
    assert outcome.status == 1
    assert "> error bad-request-line  at byte 4 of message 2" in starts(outcome)
    assert "< HTTP/1.1 400 Bad Request" in starts(outcome)


def test_requests_without_answers_are_told(inspect: Inspector) -> None:
    outcome = inspect(GET + GET, answers=OK + b"hello")
    assert outcome.status == 0
    assert starts(outcome)[-1] == "> no answer was seen to GET /, message 2"
    assert inspect(GET + GET, "--json", answers=OK + b"hello").objects[-1] == {
        "event": "Unanswered",
        "connection": 1,
        "time": None,
        "sender": "CLIENT",
        "message": 2,
        "offset": len(GET),
        "method": "GET",
        "target": "/",
    }


def test_server_that_says_nothing_has_broken_the_protocol(inspect: Inspector) -> None:
    outcome = inspect(GET, answers=b"")
    assert outcome.status == 1
    assert "< error no-response  at byte 0 of message 1" in starts(outcome)


def test_answer_that_nobody_asked_for_is_read(inspect: Inspector) -> None:
    outcome = inspect(b"", answers=b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    assert outcome.status == 0
    assert starts(outcome) == ["> closed", "< HTTP/1.1 408 Request Timeout", "< closed"]


def test_answer_is_read_as_the_last_one_if_either_side_says_so(inspect: Inspector) -> None:
    closing = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    for request in (closing, b"GET / HTTP/1.0\r\n\r\n"):
        assert inspect(request, answers=OK + b"hello").status == 0
        outcome = inspect(request, answers=OK + b"hello" + OK + b"again")
        assert [line for line in starts(outcome) if "HTTP" in line and ">" not in line] == [
            "< HTTP/1.1 200 OK   to message 1",
            "< HTTP/1.1 200 OK",
        ]


def test_request_that_only_a_tolerant_policy_lets_in_is_matched(inspect: Inspector) -> None:
    odd = UPGRADE.replace(b"websocket", b"web\x01socket")
    outcome = inspect(odd, "--policy", "h11", answers=b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\n\r\n\x81")
    assert outcome.status == 0
    assert r"> web\x01socket begins here" in starts(outcome)
    assert "< websocket begins here" not in starts(outcome)


def explained(code: ErrorCode) -> Explanation:
    found = explanation(RemoteProtocolError("", code=code))
    assert found is not None
    return found


# --- errors -----------------------------------------------------------------------------------------------------------


def test_error_is_shown_with_its_place_rule_and_door(inspect: Inspector) -> None:
    assert inspect(GET + b"GET /x HTTP/1.1\r\nHost: a\r\nB\tc: d\r\n\r\n") == Outcome(
        1,
        r"""        0 > GET / HTTP/1.1
            Host: a
       54 > error space-before-colon  at byte 27 of message 2
            expected a field name of token characters and ':', got 0x09
            in      GET /x HTTP/1.1
            line    B\tc: d\r\n
                     ^^
            hex     00000020  78 20 48 54 54 50 2f 31 2e 31 0d 0a 48 6f 73 74  x HTTP/1.1..Host
                    00000030  3a 20 61 0d 0a 42[09]63 3a 20 64 0d 0a 0d 0a     : a..B.c: d....
            rule    @RULE
            status  400, for a server's answer
            door    none: no policy lets it in
       54 > 9 bytes not read: what follows an error is not read
""".replace("@RULE", explained("space-before-colon").why),
        "",
    )


@pytest.mark.parametrize(
    ("data", "options", "shown"),
    [
        pytest.param(
            b"\r\n\r\n" + GET.replace(b"Host", b"Hose"),
            [],
            ["4 > error missing-host  at byte 0 of message 1", r"line    GET / HTTP/1.1\r\n", "        ^"],
            id="a message as a whole",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"\xe9" * 61 + b"\x00" + b"y" * 99 + b"\r\n\r\n",
            [],
            [
                "89 > error bad-field-value  at byte 89 of message 1",
                "line    ..." + r"\xe9" * 11 + r"\x00" + "y" * 30 + "...",
                " " * 11 + "    " * 11 + "^^^^",
            ],
            id="in a long line",
        ),
        pytest.param(
            b"HTTP/1.1 103 Hm\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!",
            [],
            ["74 < error bad-chunk-end  at byte 55 of message 2", "line    hello!", "             ^"],
            id="in a body",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello\n",
            [],
            [
                "44 < error body-cut-short  at byte 44 of message 1",
                r"line    hello\n",
                "               ^",
                "hex     00000010  0a 43 6f 6e 74 65 6e 74 2d 4c 65 6e 67 74 68 3a  .Content-Length:",
                "        00000020  20 39 0d 0a 0d 0a 68 65 6c 6c 6f 0a[  ]           9....hello.",
            ],
            id="cut short in a body",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHo",
            [],
            ["18 > error head-cut-short  at byte 18 of message 1", "line    Ho", "          ^"],
            id="cut short in a head",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET",
            [],
            ["46 > error unexpected-bytes  at byte 0 of message 2", "line    GET", "        ^"],
            id="behind the end",
        ),
        pytest.param(
            b"HTTP/1.1 204 \r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            [],
            [
                "36 < error unexpected-bytes  at byte 0 of message 2",
                r"line    HTTP/1.1 200 OK\r\n",
                "        ^",
            ],
            id="after the last answer",
        ),
        pytest.param(
            UPGRADE.replace(b"Upgrade\r\n", b"Upgrade, close\r\n") + GET,
            [],
            ["75 > error unexpected-bytes  at byte 0 of message 2", r"line    GET / HTTP/1.1\r\n", "        ^"],
            id="behind the end, after an Upgrade",
        ),
        pytest.param(
            b"HTTP/1.1 101 Go\r\n\r\n",
            ["--method", "GET"],
            ["0 < error unexpected-switch  at byte 0 of message 1", r"line    HTTP/1.1 101 Go\r\n", "        ^"],
            id="a switch that was not proposed",
        ),
        pytest.param(
            GET + b"GET / HTTP/1.1\n",
            [],
            [
                "41 > error bare-lf  at byte 14 of message 2",
                r"line    GET / HTTP/1.1\n",
                "                      ^^",
                "door    --allow bare_lf, which is Policy(bare_lf=True)",
            ],
            id="a line's end",
        ),
        pytest.param(
            b"G" * 100_000,
            [],
            [
                "64 > error method-too-long  at byte 64 of message 1",
                f"line    ...{'G' * 44}{'G' * 31}...",
                "        " + "   " + " " * 44 + "^",
                "door    --allow max_method_size=N, which is Policy(max_method_size=N), with N above 64",
            ],
            id="the first line, too long",
        ),
        pytest.param(
            b"\x16\x03\x01",
            [],
            [
                "0 > error bad-method  at byte 0 of message 1",
                r"line    \x16\x03\x01",
                "        ^^^^",
                "hex     00000000 [16]03 01                                         ...",
            ],
            id="the first line, of another protocol",
        ),
        pytest.param(
            b"\r\n\x00", [], ["2 > error bad-method  at byte 0 of message 1", r"line    \x00"], id="empty lines first"
        ),
        pytest.param(
            b"HTTP/1.1 2x0 \xe9\r\n",
            [],
            ["10 < error bad-status-code  at byte 10 of message 1", r"line    HTTP/1.1 2x0 \xe9\r\n", " " * 18 + "^"],
            id="a status line",
        ),
    ],
)
def test_error_is_marked(inspect: Inspector, data: bytes, options: list[str], shown: list[str]) -> None:
    outcome = inspect(data, *options)
    assert (outcome.status, outcome.err) == (1, "")
    lines = [
        line.removeprefix(" " * 12) if line.startswith(" " * 12) else line.lstrip() for line in outcome.out.splitlines()
    ]
    for line in shown:
        assert line in lines


def test_first_line_of_a_message_is_shown_with_an_error_in_another_one(inspect: Inspector) -> None:
    wrong = b"\r\nX : y\r\n\r\n"
    assert "            in      GET / HTTP/1.1\n" in inspect(GET[:-4] + wrong).out
    long = b"GET /" + b"\\" * 100 + b" HTTP/1.1\r\nHost: a"
    shown = "\\" * 70
    assert f"            in      GET /{shown}...\n" in inspect(long + wrong).out
    assert "            in  " not in inspect(b"GET  / HTTP/1.1\r\n\r\n").out
    far = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 5000
    assert "            in  " not in inspect(far + wrong).out


def test_error_that_no_vector_has_is_shown_with_its_rule() -> None:
    error = RemoteProtocolError("odd", rule="RFC 9112 9.9")
    assert rule(error, None) == "RFC 9112 9.9"
    assert explanation(error) is None


@pytest.mark.parametrize("body", [b"z" * 1_000_000, b"z" * 65_400, b""])
def test_error_in_a_long_stream_is_told_with_its_place(inspect: Inspector, body: bytes) -> None:
    put = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    before = put + GET * 1000
    outcome = inspect(before + b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n" + GET * 5000)
    assert f"{len(before) + 26:9} > error space-before-colon  at byte 26 of message 1002\n" in outcome.out
    assert "            line    X : y\\r\\n\n" + " " * 21 + "^\n" in outcome.out
    assert outcome.out.endswith(f" > {8 + len(GET) * 5000:,} bytes not read: what follows an error is not read\n")


def test_error_in_json(inspect: Inspector) -> None:
    found = inspect(GET + b"GET / HTTP/1.1\r\nHost: a\r\nB\tc: d\r\n\r\n", "--json").objects[-2]
    assert found == {
        "event": "Error",
        "connection": 1,
        "time": None,
        "sender": "CLIENT",
        "message": 2,
        "offset": 53,
        "message_offset": 27,
        "error": "space-before-colon",
        "text": "expected a field name of token characters and ':', got 0x09",
        "rule": "RFC 9112 5.1",
        "status_hint": 400,
        "tolerance": None,
        "received": None,
        "line": ["B", "\\t", "c: d\\r\\n"],
        "hex": [
            "00000020 20 48 54 54 50 2f 31 2e 31 0d 0a 48 6f 73 74 3a",
            "00000030 20 61 0d 0a 42 09 63 3a 20 64 0d 0a 0d 0a",
        ],
    }


@pytest.mark.parametrize("value", [0x00, 0x0A, 0x20, 0x80])
@pytest.mark.parametrize("data", [REQUESTS, RESPONSES], ids=["requests", "responses"])
def test_mark_is_on_the_wrong_byte(inspect: Inspector, data: bytes, value: int) -> None:
    marked = 0
    for place in range(5, len(data), 3):
        wrong = data[:place] + bytes([value]) + data[place + 1 :]
        outcome = inspect(wrong, "--json")
        errors = [each for each in outcome.objects if each["event"] == "Error"]
        assert outcome.status == (1 if errors else 0)
        for error in errors:
            offset, line = error["offset"], error["line"]
            assert isinstance(offset, int)
            assert isinstance(line, list)
            expected = wrong[offset : offset + 1].decode("latin-1").encode("unicode_escape").decode("ascii")
            assert line[1] == expected
            around = "".join(line).removeprefix("...").removesuffix("...")
            assert around in wrong.decode("latin-1").encode("unicode_escape").decode("ascii")
            marked += 1
    assert marked > 3


@pytest.mark.no_cover
@pytest.mark.parametrize("policy", POLICIES)
def test_every_vector_is_inspected_to_its_error(
    inspect: Inspector, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    # Thousands of times the same one: to make it takes longer than all else.
    monkeypatch.setattr(cli, "_parser", cache(cli._parser))
    found = 0
    for vector in reading_vectors():
        options = ["--policy", policy, "--role", vector.role.lower(), "--explain"]
        if b"upgrade" not in vector.request.lower():
            options += ["--method", (vector.request or b"GET").split()[0].decode("ascii")]
        outcome = inspect(vector.data, "--json", *options)
        assert inspect.again(*options).status == outcome.status, vector
        expected = expected_error(vector, POLICIES[policy])
        if expected is not None:
            assert outcome.status == 1, vector
            error = next(each for each in outcome.objects if each["event"] == "Error")
            assert (error["error"], error["status_hint"]) == expected, vector
            offset = error["offset"]
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


# --- what others do ---------------------------------------------------------------------------------------------------


def test_explanation_says_what_others_do(inspect: Inspector) -> None:
    smuggled = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    lines = inspect(smuggled, "--explain").out.splitlines()
    at = next(at for at, line in enumerate(lines) if line.strip().startswith("others "))
    assert lines[at].strip() == (
        "others  Transfer-Encoding and Content-Length in a request (row ML-10 of docs/strictness.md):"
    )
    names = [re.split(r" {2,}", line.strip())[0] for line in lines[at + 1 : at + 6]]
    assert [name.split()[0] for name in names] == ["h11", "llhttp", "hyper", "Go", "nginx"]
    assert "others" not in inspect(smuggled).out
    known = inspect(smuggled, "--explain", "--json").objects[0]["explanation"]
    assert isinstance(known, dict)
    assert known["row"] == "ML-10"
    assert [other["name"].split()[0] for other in known["others"]] == ["h11", "llhttp", "hyper", "Go", "nginx"]


def test_explanation_may_be_missing(inspect: Inspector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("http11.inspector.views.explanation", lambda _: None)
    monkeypatch.setattr("http11.inspector.jsonview.explanation", lambda _: None)
    assert "others  not known: no vector is wrong in this way" in inspect(b"\x00", "--explain").out
    assert inspect(b"\x00", "--explain", "--json").objects[0]["explanation"] is None


# --- summaries --------------------------------------------------------------------------------------------------------


def test_summary_counts(inspect: Inspector) -> None:
    asked = GET + GET + GET.replace(b"GET", b"PUT")[:-2] + b"Content-Length: 3\r\n\r\nabc" + GET
    answers = (OK + b"hello") * 2 + b"HTTP/1.1 103 Soon\r\n\r\n" + OK + b"hello"
    outcome = inspect(asked, "--summary", answers=answers)
    assert outcome.out == (
        "connections 1 connection\n"
        "requests    4: 3 GET, 1 PUT\n"
        "reuse       1 connection reused; 4 requests on one at the most\n"
        "responses   4: 1 103, 3 200\n"
        "unanswered  1 request\n"
        "bodies      3 bytes sent by clients, 15 bytes by servers\n"
        "errors      none\n"
    )
    assert inspect(asked + b"X", "--summary", "--json", answers=answers).objects == [
        {
            "event": "Summary",
            "connections": 1,
            "not_http": 0,
            "requests": 4,
            "methods": {"GET": 3, "PUT": 1},
            "responses": 4,
            "statuses": {"103": 1, "200": 3},
            "errors": {"head-cut-short": 1},
            "reused_connections": 1,
            "most_requests_on_a_connection": 4,
            "unanswered": 1,
            "request_body_bytes": 3,
            "response_body_bytes": 15,
            "other_protocol_bytes": 0,
            "unread_bytes": 0,
            "lost_bytes": 0,
        }
    ]


def test_summary_has_rows_for_what_there_is(inspect: Inspector) -> None:
    out = inspect(UPGRADE + b"\x81\x00\n", "--summary").out
    assert "other       3 bytes of other protocols\n" in out
    assert "responses" not in out
    out = inspect(b"HTTP/1.1 20 OK\r\n\r\n", "--summary").out
    assert out == (
        "connections 1 connection\n"
        "bodies      0 bytes sent by clients, 0 bytes by servers\n"
        "not read    7 bytes\n"
        "errors      1: 1 bad-status-code\n"
    )


def test_summary_does_not_count_every_method_that_somebody_invents(inspect: Inspector) -> None:
    many = b"".join(GET.replace(b"GET", b"M%d" % number) for number in range(100)) + GET.replace(b"GET", b"M1")
    methods = inspect(many, "--summary", "--json").objects[0]["methods"]
    assert isinstance(methods, dict)
    assert len(methods) == 41
    assert (methods["others"], methods["M1"]) == (60, 2)


# --- redaction --------------------------------------------------------------------------------------------------------

SECRET = b"s3cr3t"


@pytest.mark.parametrize(
    "field",
    [
        b"Authorization: Basic s3cr3t",
        b"proxy-authorization: s3cr3t",
        b"COOKIE: a=s3cr3t; b=s3cr3t",
        b"X-Api-Key: s3cr3t",
        b"X-Amz-Security-Token: s3cr3t",
        b"Authorization : s3cr3t",
        b"Auth\x00orization: s3cr3t",
        b"Authorization: a\r\n s3cr3t",
        b"Authorization: a\rs3cr3t",
        b"Authorization: a\r\n\ts3cr3t\x00",
        b"Cookie: s3cr3t\x01s3cr3t",
        b"Cookie: " + b"s3cr3t" * 3000,
    ],
)
@pytest.mark.parametrize("redact", ["--redact", "--redact-all"])
@pytest.mark.parametrize("output", [[], ["--json"]])
def test_credentials_are_left_out(inspect: Inspector, field: bytes, redact: str, output: list[str]) -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\n" + field
    for data in (head + b"\r\n\r\n", head + b"\r\nX : y\r\n\r\n", head + b"\x00\r\n\r\n", head):
        shown = inspect(data, *output, redact).out
        assert "s3cr3t" not in shown
        hexed = re.sub(r"[^0-9a-f]", "", " ".join(re.findall(r"(?:[0-9a-f]{2} ?){6,}", shown)))
        assert SECRET.hex() not in hexed
        assert shown != ""


def test_user_in_a_target_is_left_out(inspect: Inspector) -> None:
    request = b"GET http://me:s3cr3t@a/p?q=s3cr3t HTTP/1.1\r\nHost: a\r\n"
    allow = ["--policy", "h11"]
    shown = inspect(request + b"\r\n", "--redact", *allow).out
    assert "> GET http://***@a/p?q=s3cr3t HTTP/1.1" in shown
    shown = inspect(request + b"\r\n", "--redact-all", *allow).out
    assert "> GET http://***@a/p?*** HTTP/1.1" in shown
    target = inspect(request + b"\r\n", "--redact-all", "--json", *allow).objects[0]["target"]
    assert target == "http://***@a/p?***"
    for wrong in (b"X : y\r\n\r\n", b"\x00"):
        shown = inspect(request + wrong, "--redact-all", *allow).out
        assert "s3cr3t" not in shown
        assert "in      GET http://**" in shown
        assert "@a" in inspect(request + wrong, "--redact", *allow).out
    query = inspect(b"GET /p?s3cr3t HTTP/1.1\r\nX : y\r\n\r\n", "--redact-all").out
    assert "in      GET /p?****** HTTP/1.1" in query
    assert "s3cr3t" not in inspect(b"GET /?s3cr3t\r\n\r\n", "--redact-all").out


def test_all_values_and_bodies_are_left_out(inspect: Inspector) -> None:
    body = b"5\r\ns3cr3\r\n0\r\nT: s3cr3t\r\n\r\n"
    put = b"PUT / HTTP/1.1\r\nHost: s3cr3t\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    for output in ([], ["--json"]):
        outcome = inspect(put, "--redact-all", *output)
        assert outcome.status == 0
        assert "s3cr3" not in outcome.out
    switching = UPGRADE.replace(b"websocket", b"s3cr3t") + b"\x81\x00\n"
    for output in ([], ["--json"]):
        assert "s3cr3t" not in inspect(switching, "--redact-all", *output).out
    assert "> another protocol begins here" in inspect(switching, "--redact-all").out
    assert "data" not in inspect(put, "--redact-all", "--json").objects[1]
    wrong = inspect(put.replace(b"s3cr3\r\n", b"s3cr3t"), "--redact-all").out
    assert "s3cr3" not in wrong
    assert "line    *****t*" in wrong


def test_bodies_are_shown_where_only_credentials_are_left_out(inspect: Inspector) -> None:
    put = b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nCookie: s3cr3t\r\n\r\n"
    shown = inspect(put, "--redact").out
    assert "5 bytes of body  hello" in shown
    assert "s3cr3t" not in shown
    assert "field" in inspect(put.replace(b"hello\r\n", b"hello: field\r\n"), "--redact").out


# --- what cannot be read ----------------------------------------------------------------------------------------------


def test_missing_file_gets_one_line(tmp_path: Path) -> None:
    path = tmp_path / "no\x1b[31msuch"
    assert run(str(path)) == Outcome(2, "", f"{tmp_path}/no\\x1b[31msuch: cannot be read: No such file or directory\n")


@pytest.mark.parametrize("name", [".", "\0", "\udcff"])
def test_what_is_no_file_gets_one_line(name: str) -> None:
    outcome = run(name)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.count("\n") == 1
    assert "cannot be read: " in outcome.err


def test_empty_file_and_one_without_a_message(inspect: Inspector) -> None:
    assert inspect(b"") == Outcome(1, "", "FILE: there is nothing in it\n")
    assert inspect(b"\r\n\r\n") == Outcome(1, "        4 > closed\n", "FILE: there is no HTTP/1 message in it\n")


class BreakingFile(io.BytesIO):
    """A file of which one piece can be read."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError(errno.EIO, "Input/output error\x07")
        return super().read(size)

    read1 = read


@pytest.mark.parametrize("data", [GET, CONNECT])
def test_file_that_breaks_while_it_is_read(inspect: Inspector, monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    opened = Source.__init__

    def breaking(source: Source, file: str) -> None:
        opened(source, file)
        source._stream.close()
        source._stream = BreakingFile(data)  # type: ignore[assignment]

    monkeypatch.setattr(Source, "__init__", breaking)
    outcome = inspect(data)
    assert outcome.status == 2
    assert outcome.out != ""
    assert outcome.err == "FILE: cannot be read: Input/output error\\x07\n"
    outcome = inspect(b"", "--role", "server")
    assert outcome.status == 2


def test_source_that_breaks_is_told(tmp_path: Path) -> None:
    path = tmp_path / "FILE"
    path.write_bytes(b"x" * 10)
    with Source(str(path)) as source:
        assert source.read(4) == b"xxxx"
        assert source.peek(2) == b"xx"
        assert source.read(3) == b"xxx"
        assert source.read(0) == b""
        assert source.taken == 7
        source._stream.close()
        source._stream = BreakingFile(b"x")  # type: ignore[assignment]
        source._stream.read(1)
        source.piece()
        with pytest.raises(UnreadableError, match="cannot be read: Input/output error"):
            source.read(3)


def test_pipe_is_shown_as_it_comes() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "http11", "inspect", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        for number in range(3):
            os.write(process.stdin.fileno(), GET)
            # It would wait for ever if it waited for more than the request.
            assert process.stdout.readline() == f"{number * len(GET):9} > GET / HTTP/1.1\n".encode()
            assert process.stdout.readline() == b"            Host: a\n"
        process.stdin.close()
        assert process.stdout.read() == f"{3 * len(GET):9} > closed\n".encode()
    assert process.returncode == 0
