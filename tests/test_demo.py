"""The demo: what its two sides see, what it shows of that, and that it notices where that is not as it should be."""

from __future__ import annotations

import errno
import io
import threading
from contextlib import redirect_stderr, redirect_stdout

import attrs
import pytest

from http11 import CLIENT, SERVER, Data, EndOfMessage, LocalProtocolError, Response, Role, demo
from http11 import __main__ as cli


@attrs.frozen
class Outcome:
    status: int
    out: str
    err: str


def run() -> Outcome:
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        status = cli.main(["demo"])
    return Outcome(status, out.getvalue(), err.getvalue())


@pytest.mark.parametrize("piece", [1, 65536])
def test_it_sees_what_it_should_and_shows_it(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(demo, "_PIECE", piece)
    threads = threading.active_count()
    outcome = run()
    assert (outcome.status, outcome.err) == (0, "")
    assert threading.active_count() == threads
    lines = [line.lstrip(" 0123456789") for line in outcome.out.splitlines()]
    assert lines[-1] == "demo: both sides have seen what they should have seen"
    assert [line for line in lines if line.startswith("---")] == [
        "--- scene 1: a GET",
        "--- scene 2: an upload with trailers, which waits for a 100",
        "--- scene 3: two GETs in one piece",
        "--- scene 4: a request that could be read in two ways",
    ]
    # The client has waited.
    assert lines.index("< HTTP/1.1 100 Continue   to message 1") < next(
        at for at, line in enumerate(lines) if line.startswith("> ") and "of body" in line
    )
    assert "Sum: 3" in lines
    assert "> error transfer-encoding-and-content-length  at byte 48 of message 1" in lines
    assert "< HTTP/1.1 400" in lines
    assert any(line.startswith("hyper ") for line in lines)


def refused_demo(*differences: str) -> Outcome:
    threads = threading.active_count()
    outcome = run()
    assert threading.active_count() == threads
    assert outcome.status == 1
    assert "as it should be" not in outcome.out
    lines = outcome.err.splitlines()
    assert lines[0] == "demo: not as it should be:"
    for difference in differences:
        assert difference in lines
    return outcome


@pytest.mark.parametrize("role", [CLIENT, SERVER])
def test_it_checks_every_line_of_either_side(monkeypatch: pytest.MonkeyPatch, role: Role) -> None:
    expected: dict[Role, str] = {**demo._EXPECTED}
    monkeypatch.setattr(demo, "_EXPECTED", expected)
    lines = expected[role].strip().split("\n")
    # A demo for each line would take long.
    transcript = demo._Transcript()
    for each, seen in demo._EXPECTED.items():
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


def test_it_notices_another_expectation(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {**demo._EXPECTED, SERVER: demo._EXPECTED[SERVER].replace("Sum: 3", "Sum: 4")}
    monkeypatch.setattr(demo, "_EXPECTED", changed)
    refused_demo("--- server: expected", "-<- EndOfMessage | Sum: 4", "+<- EndOfMessage | Sum: 3")


def test_it_notices_another_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(peer: demo._Server, status_code: int, content: bytes) -> None:
        head = Response(status_code=status_code, headers=[("Content-Length", f"{len(content)}")])
        for event in (head, Data(content.replace(b"second", b"SECOND")), EndOfMessage()):
            peer.send(event, peer.connection.send(event))

    monkeypatch.setattr(demo, "_answer", answer)
    refused_demo("-<- Data GET /second, 0 bytes", "+<- Data GET /SECOND, 0 bytes")


def test_it_notices_a_server_that_answers_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(peer: demo._Server) -> None:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        peer.sock.recv(65536)
        peer.sock.sendall(answer + answer)
        peer.sock.recv(65536)

    monkeypatch.setattr(demo, "_serve", serve)
    refused_demo("+== PAUSED")


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), LocalProtocolError("wrong")])
def test_it_survives_a_server_that_fails(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def serve(_: demo._Server) -> None:
        raise error

    monkeypatch.setattr(demo, "_serve_requests", serve)
    refused_demo(f"+!! {type(error).__name__}: {error}")


def test_it_does_not_wait_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(peer: demo._Server) -> None:
        while peer.sock.recv(65536):
            pass

    monkeypatch.setattr(demo, "_serve", serve)
    monkeypatch.setattr(demo, "_TIMEOUT", 0.05)
    refused_demo("+!! TimeoutError: timed out")


def test_it_says_that_there_are_no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("socket.create_server", refuse)
    refused_demo(f"+!! PermissionError: [Errno {errno.EPERM}] Operation not permitted")
