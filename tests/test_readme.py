"""The README's programs do what it says, and `.ci/run` finds its two commands."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).parent.parent
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
README = (ROOT / "README.md").read_text("utf-8")


def programs() -> dict[str, str]:
    """Return the README's Python programs, by the words of their headings."""
    found = re.findall(r"^## A (client|server)\n+```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return dict(found)


def documented() -> dict[str, str]:
    """Return the Python programs of the README and the manual, by names for files: `.ci/run` has them type-checked.

    The blocks of the tutorial, or of a how-to guide, are one program.
    """
    found: dict[str, str] = {}
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        blocks = _BLOCK.findall(page.read_text("utf-8"))
        stem = "_".join(page.relative_to(ROOT).with_suffix("").parts).lower().replace("-", "_")
        if page.stem == "tutorial" or page.parent.name == "howto":
            blocks = ["\n\n".join(blocks)] if blocks else []
        found |= {f"{stem}_{number}.py": block for number, block in enumerate(blocks, 1)}
    return found


def run(program: str, port: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-W", "error", "-c", program.replace("8000", str(port))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    return out


def free_port() -> int:
    with socket.create_server(("localhost", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def connected(server: subprocess.Popen[str], port: int) -> socket.socket:
    """Connect as soon as the server listens."""
    while True:
        try:
            return socket.create_connection(("localhost", port), timeout=30)
        except ConnectionRefusedError:
            assert server.poll() is None


def served(send: bytes) -> tuple[str, bytes]:
    """Start the server, send it something, and return what it printed and what it answered."""
    port = free_port()
    server = run(programs()["server"], port)
    with connected(server, port) as sock:
        sock.sendall(send)
        sock.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := sock.recv(4096):
            answer += piece
    return finished(server), answer


def test_the_server_answers_a_request() -> None:
    out, answer = served(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
    assert "Request(method=b'GET'" in out
    assert answer == b"HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\nhi\n"


def test_the_server_refuses_what_is_no_request() -> None:
    out, answer = served(b"\x16\x03\x01\x00\xff")
    assert "expected a method and one SP, got 0x16, at byte 0 of the message (RFC 9112 3.1)" in out
    assert answer == b"HTTP/1.1 400 \r\nContent-Length: 3\r\nConnection: close\r\n\r\nhi\n"


def test_the_server_lets_a_client_go_that_says_nothing() -> None:
    assert served(b"")[1] == b""


def test_the_client_prints_what_it_gets() -> None:
    with socket.create_server(("localhost", 0)) as listener:
        listener.settimeout(30)
        client = run(programs()["client"], listener.getsockname()[1])
        sock, _ = listener.accept()
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nhi\n"
        with sock:
            request = sock.recv(4096)
            writer = threading.Thread(target=sock.sendall, args=(answer,))
            writer.start()
            assert finished(client) == "200 b'text/plain'\nb'hi\\n'\n"
            writer.join()
    assert request == b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_the_commands_are_where_ci_looks_for_them() -> None:
    commands = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
    assert [command.rsplit(" -m ", 1)[1] for command in commands] == ["http11 demo", "pytest -n auto"]
    for words in ("-m http11 demo", "-m pytest -n auto"):
        assert f'readme "{words}"' in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_programs_are_as_long_as_they_may_be() -> None:
    # "A client and a server in twenty lines each", the imports and the loop that makes it a program included.
    for program in programs().values():
        assert len([line for line in program.splitlines() if line]) <= 20
