"""The manual: what it shows runs, what is made of data is up to date, and nothing public is left out."""

from __future__ import annotations

import contextlib
import doctest
import re
import select
import socket
import socketserver
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, get_args

import pytest

import http11
from http11.pipelining import OurState, TheirState
from http11.states import TRANSITIONS
from tests import manual, pictures
from tests.harness import ROOT, conversations
from tests.strictness import PACKAGES
from tests.test_pipelining import Talk
from tests.test_readme import README, documented

pytestmark = pytest.mark.no_cover

DOCS = ROOT / "docs"
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if "examples" not in path.parts]
TEXTS = {str(path.relative_to(DOCS)): path.read_text("utf-8") for path in PAGES}
SITE = "https://http11.readthedocs.io/en/latest/"

# --- what is made of data ---------------------------------------------------------------------------------------------


def test_what_is_made_is_what_the_data_make() -> None:
    assert manual.main(["--check"]) == 0


def test_what_was_edited_is_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(manual, "pictures", lambda: {**pictures.pictures(), "house.svg": "edited", "new.svg": ""})
    assert manual.main(["--check"]) == 1
    said = capsys.readouterr().err
    assert "house.svg is not what the data make: run python -m tests.manual" in said
    assert "new.svg" in said
    assert "codes.md" not in said


def test_every_error_code_has_an_entry() -> None:
    headings = re.findall(r"^### (.+)$", manual.PAGE.read_text("utf-8"), re.MULTILINE)
    assert headings == list(get_args(http11.ErrorCode))
    for entry in manual.entries():
        assert entry.shown.error is not None
        assert entry.shown.error.code == entry.said.code


def test_an_error_code_that_nothing_raises_is_found() -> None:
    [code, *_] = manual.codes()
    with pytest.raises(ValueError, match="a vector or a program for bare-lf"):
        manual._entry(code, [])


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_stored_is_what_is_measured(package: str) -> None:
    pytest.importorskip(package)
    versions = manual.versions()
    if metadata.version(package) != versions[package]:
        pytest.skip(f"measured with {package} {versions[package]}")
    for other in PACKAGES:
        pytest.importorskip(other)
    measured = {code: found.get(package) for code, found in manual.measure().items()}
    assert measured == {code: found.get(package) for code, found in manual.stored().items()}


def test_what_is_stored_can_be_stored_again() -> None:
    assert manual.store(manual.stored()) == manual.MEASURED.read_text("utf-8")


def test_the_diagrams_have_every_move_that_connections_make() -> None:
    assert pictures.coupled_moves() == set(pictures.COUPLED)


@pytest.mark.parametrize("role", [http11.CLIENT, http11.SERVER])
def test_a_diagram_has_every_state_of_its_side_and_every_row_of_the_table(role: http11.Role) -> None:
    drawn = (pictures.PICTURES / f"states-{role.lower()}.svg").read_text("utf-8")
    moves = TRANSITIONS[role]
    states = {*moves, *(end for ends in moves.values() for end in ends.values())}
    assert all(f">{state}</text>" in drawn for state in states)
    arrows = {(start, end) for start, ends in moves.items() for end in ends.values()}
    arrows |= {(start, end) for side, start, end in pictures.COUPLED if side == role}
    # One more in the legend for each kind.
    assert drawn.count("marker-end") == len(arrows) + 2
    assert all(move in drawn for ends in moves.values() for move in ends)


def test_a_move_that_no_diagram_has_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {move: why for move, why in pictures.COUPLED.items() if move[2] != "MIGHT_SWITCH_PROTOCOL"}
    monkeypatch.setattr(pictures, "COUPLED", known)
    assert pictures.coupled_moves() - set(known)


@pytest.mark.parametrize("role", [http11.CLIENT, http11.SERVER])
def test_the_diagrams_of_a_pipeline_have_the_moves_that_its_conversations_make(role: http11.Role) -> None:
    # Each of the two may fail in any state, and one that waits does not move.
    moves = {pair for pair in {*pictures.PIPELINE_MOVES[role], *pictures.PIPELINE_PULLED[role]} if pair[0] != pair[1]}
    assert {pair for pair in pipeline_moves(role) if "ERROR" not in pair} == moves
    drawn = (pictures.PICTURES / f"pipeline-{role.lower()}.svg").read_text("utf-8")
    assert drawn.count("marker-end") == len(pictures.PIPELINE_MOVES[role]) + len(pictures.PIPELINE_PULLED[role]) + 2
    states = set(get_args(OurState if role == http11.CLIENT else TheirState))
    assert states == {state for pair in moves for state in pair} | {"ERROR"}
    assert all(f">{state}</text>" in drawn for state in states)


def pipeline_moves(role: http11.Role) -> set[pictures.Pair]:
    """Return the moves of one side in all conversations."""
    found: set[pictures.Pair] = set()
    for conversation in conversations():
        # By single bytes, each event is read alone.
        states = [talked[role == http11.SERVER] for talked in Talk(conversation, 1).states]
        found |= {(before, after) for before, after in pairwise(states) if before != after}
    return found


# --- code -------------------------------------------------------------------------------------------------------------


# The one of error codes is made by running its programs, which doctest cannot: they print something, and then raise.
@pytest.mark.parametrize(
    "page", [name for name, text in TEXTS.items() if "```pycon" in text and name != "reference/codes.md"]
)
def test_the_sessions_of_a_page_print_what_it_says(page: str) -> None:
    # In their order, as one session: a reader goes from top to bottom.
    parser = doctest.DocTestParser()
    blocks = re.findall(r"^```pycon\n(.*?)^```$", TEXTS[page], re.MULTILINE | re.DOTALL)
    test = parser.get_doctest("\n\n".join(blocks), {"__name__": "manual"}, page, page, 0)
    report: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.DocTestRunner(optionflags=flags, verbose=False).run(test, out=report.append)
    assert result.attempted > 0
    assert "".join(report) == ""


# tests/test_readme.py runs the others.
@pytest.mark.parametrize("name", [name for name in documented() if not name.startswith("readme")])
def test_a_program_can_be_imported(name: str) -> None:
    # In a process of its own: one puts http11 in h11's place.
    program = f"__name__ = 'manual'\n{documented()[name]}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-"], input=program, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_no_block_of_code_is_in_a_language_that_nobody_checks() -> None:
    checked = {"python", "pycon"}
    # Commands, output, settings of other programs; and what is shown because it is wrong, or not ours.
    shown = {"sh", "console", "text", "toml", "ini", "diff", "py", "http"}
    directives = {"{toctree}", "{eval-rst}", "{py:currentmodule} http11"}
    for text in (README, *TEXTS.values()):
        opened = re.findall(r"^```(\S.*)$", text, re.MULTILINE)
        assert {language for language in opened if not language.startswith("{literalinclude}")} <= (
            checked | shown | directives
        )


# --- the programs of its pages ----------------------------------------------------------------------------------------


def loaded(page: str) -> dict[str, Any]:
    """Return what the programs of a page define."""
    space: dict[str, Any] = {"__name__": "manual"}
    exec(documented()[f"docs_{page}_1.py"], space)
    return space


@contextlib.contextmanager
def started(page: str, call: str) -> Iterator[int]:
    """Run a server of a page in a process of its own, and yield the port that it prints."""
    with started_program(f"{documented()[f'docs_{page}_1.py']}\n{call}\n") as port:
        yield port


@contextlib.contextmanager
def started_program(program: str) -> Iterator[int]:
    command = [sys.executable, "-u", "-W", "error", "-c", f"__name__ = 'manual'\n{program}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening on port ")
            yield int(line.split()[-1])
        finally:
            process.kill()


def talk(port: int, *pieces: bytes) -> bytes:
    """Send pieces, each after something was received for the one before, and return all that came."""
    received = b""
    with socket.create_connection(("localhost", port), timeout=30) as sock:
        for piece in pieces[:-1]:
            sock.sendall(piece)
            received += sock.recv(65536)
        sock.sendall(pieces[-1])
        while piece := sock.recv(65536):
            received += piece
    return received


def statuses(answers: bytes) -> list[str]:
    return re.findall(r"^HTTP/1.1 (\d+)", answers.decode("latin-1"), re.MULTILINE)


LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def test_the_client_of_the_tutorial_reads_its_server(capsys: pytest.CaptureFixture[str]) -> None:
    page = TEXTS["tutorial.md"]
    with started("tutorial", "serve(0)") as port:
        loaded("tutorial")["visit"](port)
        assert f"```text\n{capsys.readouterr().out}```" in page
        sent = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nConnection: close\r\n\r\nsome text"
        assert talk(port, sent).endswith(b"\r\n\r\nYou asked for / and sent 9 bytes.\n")
        head = talk(port, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + LAST)
        assert (statuses(head), head.count(b"You asked for")) == (["200", "200"], 1)
        assert statuses(talk(port, b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n")) == ["405"]
        refused = talk(port, b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n").decode("ascii").replace("\r\n", "\n")
        assert refused in page
        # A client that says nothing more is let go, and the next one is served.
        with socket.create_connection(("localhost", port)) as sock:
            sock.sendall(b"GET /")
        assert statuses(talk(port, LAST)) == ["200"]


SERVERS = {
    "asyncio": """
async def run():
    server = await asyncio.start_server(serve_on_asyncio, "localhost", 0)
    print("listening on port", server.sockets[0].getsockname()[1])
    await server.serve_forever()
asyncio.run(run())
""",
    "trio": """
async def run():
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    print("listening on port", listener.socket.getsockname()[1])
    await trio.serve_listeners(serve_on_trio, [listener])
trio.run(run)
""",
    "threads": """
with socket.create_server(("localhost", 0)) as listener:
    print("listening on port", listener.getsockname()[1])
    serve_on_threads(listener)
""",
}


@pytest.mark.parametrize("way", SERVERS)
def test_a_server_of_the_manual_serves(way: str) -> None:
    with started("howto_servers", SERVERS[way]) as port:
        two = b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n"
        answers = talk(port, two + LAST)
        assert statuses(answers) == ["200", "200", "200"]
        assert answers.count(b"0 bytes\n") == 2
        asking = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n%b\r\n"
        # The first piece of the body is sent when the 100 is there; or the whole at once, by one that does not wait.
        answers = talk(port, asking % (5, b"Connection: close\r\n"), b"hello")
        assert (statuses(answers), answers[-9:]) == (["100", "200"], b" 5 bytes\n")
        assert statuses(talk(port, asking % (5, b"Connection: close\r\n") + b"hello"))[-1:] == ["200"]
        # What is not wanted is refused, by what the head says and by what comes, and the answer is not lost.
        assert statuses(talk(port, asking % (2**20 + 1, b""))) == ["413"]
        chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" + b"x" * 2**20
        assert statuses(talk(port, chunked + b"y" * 1000)) == ["413"]
        assert statuses(talk(port, b"PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")) == ["405"]
        assert statuses(talk(port, b"GET / HTTP/1.1\r\n\r\n")) == ["400"]
        with socket.create_connection(("localhost", port)) as sock:
            sock.sendall(b"GET /")
        assert statuses(talk(port, LAST)) == ["200"]


class Answering(socketserver.StreamRequestHandler):
    """Gives each connection the answers that are left, one for each head that it reads."""

    answers: ClassVar[list[tuple[bytes, bool]]] = []
    seen: ClassVar[list[bytes]] = []

    def handle(self) -> None:
        self.request.settimeout(30)
        close = False
        while not close and (line := self.rfile.readline()):
            length = 0
            while (field := self.rfile.readline()) != b"\r\n":
                length = int(field.split()[1]) if field.startswith(b"Content-Length:") else length
            answer, close = self.answers.pop(0)
            if answer.startswith(b"HTTP/1.1 100"):
                self.wfile.write(answer)
                answer, close = self.answers.pop(0)
            self.seen.append(line + (b"" if answer.startswith(b"HTTP/1.1 417") else self.rfile.read(length)))
            self.wfile.write(answer)


@pytest.fixture
def client() -> Iterator[Any]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = False
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        Answering.seen.clear()
        asking = loaded("howto_clients")["Client"]("127.0.0.1", server.server_address[1])
        yield asking
        asking.close()
        server.shutdown()
        thread.join()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nChecksum: 1\r\n\r\n"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def test_the_client_of_the_manual_reuses_its_connection_and_reads_trailers(client: Any) -> None:
    Answering.answers = [(CHUNKED, False), (EMPTY, False), (b"HTTP/1.1 200 OK\r\n\r\nto the end", True), (EMPTY, False)]
    answer = client.request("GET", "/1")
    assert (answer.body, answer.trailers) == (b"hello", [(b"checksum", b"1")])
    first = client.sock
    assert client.request("GET", "/2").body == b""
    assert client.sock is first
    assert client.request("GET", "/3").body == b"to the end"
    assert client.sock is None
    assert client.request("POST", "/4", b"body").body == b""
    assert Answering.seen == [
        b"GET /1 HTTP/1.1\r\n",
        b"GET /2 HTTP/1.1\r\n",
        b"GET /3 HTTP/1.1\r\n",
        b"POST /4 HTTP/1.1\r\nbody",
    ]


def test_the_client_of_the_manual_does_not_use_a_connection_that_the_server_has_closed(client: Any) -> None:
    Answering.answers = [(EMPTY, True), (EMPTY, False)]
    client.request("GET", "/1")
    stale = client.sock
    assert select.select([stale], [], [], 30)[0] == [stale]
    client.request("GET", "/2")
    assert client.sock is not stale


def test_the_client_of_the_manual_asks_before_it_sends(client: Any) -> None:
    Answering.answers = [(b"HTTP/1.1 100 Continue\r\n\r\n", False), (EMPTY, False)]
    assert client.request("PUT", "/1", b"body", ask_first=True).response.status_code == 200
    Answering.answers = [(b"HTTP/1.1 417 No\r\nContent-Length: 3\r\n\r\nno!", True)]
    assert client.request("PUT", "/2", b"body", ask_first=True).body == b"no!"
    assert client.sock is None
    client.request.__func__.__globals__["WAIT_FOR_CONTINUE"] = 0.05
    Answering.answers = [(EMPTY, False)]
    assert client.request("PUT", "/3", b"body", ask_first=True).response.status_code == 200
    assert Answering.seen == [b"PUT /1 HTTP/1.1\r\nbody", b"PUT /2 HTTP/1.1\r\n", b"PUT /3 HTTP/1.1\r\nbody"]


def test_the_client_of_the_manual_closes_after_an_error(client: Any) -> None:
    Answering.answers = [(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", True)]
    with pytest.raises(http11.RemoteProtocolError):
        client.request("GET", "/")
    assert client.sock is None


class Impatient(socketserver.StreamRequestHandler):
    """Waits for so many requests on each connection, and closes it after so many answers."""

    script: ClassVar[list[tuple[int, int]]] = []

    def handle(self) -> None:
        self.request.settimeout(30)
        awaited, left = self.script.pop(0)
        received = b""
        for answer in range(left):
            while received.count(b"\r\n\r\n") < awaited:
                received += self.request.recv(65536)
            awaited = 1
            head, _, received = received.partition(b"\r\n\r\n")
            target = head.split()[1]
            close = b"Connection: close\r\n" if answer == left - 1 else b""
            self.request.sendall(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (close, len(target), target))
        # Otherwise what is unread would take the answers with it.
        self.request.shutdown(socket.SHUT_WR)
        while self.request.recv(65536):
            pass


def test_the_client_of_the_manual_asks_again_for_what_was_not_answered() -> None:
    get_all = loaded("howto_pipelining")["get_all"]
    targets = [f"/{number}" for number in range(9)]
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Impatient) as server:
        server.daemon_threads = False
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            # Eight at once; and one alone where a connection has been closed.
            Impatient.script = [(8, 3), (1, 2), (1, 4)]
            answers = get_all("127.0.0.1", server.server_address[1], targets)
            assert answers == [(200, target.encode()) for target in targets]
            assert Impatient.script == []
            Impatient.script = [(8, 2), (1, 0)]
            with pytest.raises(ConnectionError, match=r"127\.0\.0\.1 does not answer"):
                get_all("127.0.0.1", server.server_address[1], targets)
            assert get_all("127.0.0.1", server.server_address[1], []) == []
        finally:
            server.shutdown()
            thread.join()


def test_the_server_of_the_manual_hands_a_websocket_over() -> None:
    # The one page says what to change in the program of the other.
    [change] = re.findall(r"^```diff\n(.*?)^```$", TEXTS["howto/upgrade.md"], re.MULTILINE | re.DOTALL)
    lines = change.splitlines()
    before = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
    after = "".join(f"{line[1:]}\n" for line in lines)
    server = documented()["docs_howto_servers_1.py"]
    assert before in server
    program = f"{documented()['docs_howto_upgrade_1.py']}\n{server.replace(before, after, 1)}\n{SERVERS['asyncio']}"
    asking = (
        b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: %b\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with started_program(program) as port:
        with socket.create_connection(("localhost", port), timeout=30) as sock:
            sock.sendall(LAST.replace(b"close", b"keep-alive") + asking % b"keep-alive, Upgrade" + b"ab")
            received = b""
            while not received.endswith(b"ab"):
                received += sock.recv(65536)
            sock.sendall(b"cd")
            sock.shutdown(socket.SHUT_WR)
            while piece := sock.recv(65536):
                received += piece
        assert (statuses(received), received[-8:]) == (["200", "101"], b"\r\n\r\nabcd")
        # Without the option, nothing is proposed.
        assert statuses(talk(port, asking % b"close")) == ["200"]


@pytest.mark.parametrize("way", SERVERS)
def test_a_server_of_the_manual_does_not_wait_for_ever(way: str) -> None:
    with started("howto_servers", "REQUEST_TIME = 0.2\n" + SERVERS[way]) as port:
        assert statuses(talk(port, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell")) == ["408"]


def test_the_log_reader_of_the_manual_reads_each_kind_of_body(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = loaded("howto_logs")
    log = tmp_path / "log"
    log.write_bytes(
        b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n\r\n"
        b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"
    )
    page["report"](str(log))
    assert capsys.readouterr().out == "GET /a 0\nPOST /b 3\nPOST /c 6\n"
    for kept in (20, -3, -70):
        with pytest.raises(http11.RemoteProtocolError):
            list(page["requests"](log.read_bytes()[:kept]))


def test_the_log_reader_of_the_manual_is_short() -> None:
    program = documented()["docs_howto_logs_1.py"]
    function = program[program.index("def requests") : program.index("def report")]
    assert len([line for line in function.splitlines() if line.strip()]) <= 20


def test_the_handshakes_of_the_manual_fit_together() -> None:
    page = loaded("howto_upgrade")
    key = b"dGhlIHNhbXBsZSBub25jZQ=="
    sent = (
        b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: %b\r\n"
    )
    request = sent % b"13" + b"Sec-WebSocket-Key: " + key + b"\r\n\r\n"
    answer, rest = page["serve"](request + b"\x81\x00")
    # The key and the answer of RFC 6455 1.3.
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer
    assert rest == b"\x81\x00"
    assert page["connect"](answer + b"\x82\x00") == b"\x82\x00"
    refusal, rest = page["serve"](sent % b"12" + b"Sec-WebSocket-Key: " + key + b"\r\n\r\n")
    assert (statuses(refusal), rest) == (["426"], b"")
    with pytest.raises(ConnectionError, match="426"):
        page["connect"](refusal)


def test_the_file_of_the_manual_is_sent_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 4000)
    conn = http11.Connection(http11.SERVER)
    conn.receive_data(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    conn.next_event()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = threading.Thread(target=loaded("howto_sendfile")["send_file"], args=(conn, ours, path))
        sender.start()
        received = b""
        while len(received) < 1_024_000 + len(b"HTTP/1.1 200 \r\nContent-Length: 1024000\r\n\r\n"):
            received += theirs.recv(65536)
        sender.join()
    assert received == b"HTTP/1.1 200 \r\nContent-Length: 1024000\r\n\r\n" + path.read_bytes()
    assert conn.our_state == "DONE"


def test_the_last_answer_of_the_manual_is_not_lost() -> None:
    page = loaded("howto_closing")
    conn = http11.Connection(http11.SERVER)
    conn.receive_data(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
    conn.next_event()
    with socket.create_server(("localhost", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    with client:
        client.sendall(b"what nobody reads")
        refusing = threading.Thread(target=page["refuse"], args=(conn, server, 413, b"too large"))
        refusing.start()
        received = b""
        while piece := client.recv(65536):
            received += piece
        # More comes after the answer, and must not reset it.
        client.sendall(b"more of it")
        client.shutdown(socket.SHUT_WR)
        refusing.join()
    assert received.endswith(b"Connection: close\r\n\r\ntoo large")


def test_the_proxy_of_the_manual_passes_on_what_it_should() -> None:
    page = loaded("howto_proxy")
    fields = [("Host", "a"), ("Connection", "close, X-Hop, content-length"), ("X-Hop", "1"), ("X", "2")]
    request = page["request_to_send"](
        http11.Request(method="POST", target="/", headers=[*fields, ("Content-Length", "3")])
    )
    assert request.headers == [(b"host", b"a"), (b"x", b"2"), (b"content-length", b"3"), (b"via", b"1.1 proxy.example")]
    chunked = http11.Response(status_code=200, headers=[("Transfer-Encoding", "chunked"), ("Keep-Alive", "5")])
    assert page["response_to_send"](chunked).headers == [
        (b"transfer-encoding", b"chunked"),
        (b"via", b"1.1 proxy.example"),
    ]
    assert page["body_to_send"](http11.Data(b"x")) == http11.Data(b"x")
    assert page["body_to_send"](http11.EndOfMessage(headers=[("X", "y")])) == http11.EndOfMessage()


# --- links ------------------------------------------------------------------------------------------------------------


def test_the_links_of_the_readme_work_on_a_package_index() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    assert [link for link in links if not link.startswith("https://")] == []
    for link in links:
        if link.startswith(SITE):
            page = link.removeprefix(SITE).partition("#")[0].removesuffix(".html") or "index"
            assert (DOCS / f"{page}.md").exists(), link


# --- the site ---------------------------------------------------------------------------------------------------------


def inventory(names: set[str]) -> bytes:
    lines = "".join(f"{name} py:function 1 page.html#$ -\n" for name in sorted(names))
    return b"# Sphinx inventory version 2\n# a\n# b\n# c\n" + zlib.compress(
        f"index std:doc -1 index.html Home\n{lines}".encode()
    )


def test_a_public_name_that_a_site_leaves_out_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = manual.public_names()
    assert {"http11.Connection.send", "http11.Policy.bare_lf", "http11.parsing.parse_request"} <= names
    (tmp_path / "objects.inv").write_bytes(inventory(names))
    assert manual.main(["--site", str(tmp_path)]) == 0
    (tmp_path / "objects.inv").write_bytes(inventory(names - {"http11.Request.target"}))
    assert manual.main(["--site", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "the reference leaves out http11.Request.target\n"


def test_the_site_has_every_public_name(tmp_path: Path) -> None:
    # `.ci/run` builds it in an environment that has Sphinx.
    if find_spec("sphinx") is None:
        pytest.skip("Sphinx is not installed: python -m pip install --group docs")
    command = [sys.executable, "-m", "sphinx", "-W", "-n", "-q", "--keep-going", str(DOCS), str(tmp_path / "site")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert manual.left_out(tmp_path / "site") == []
