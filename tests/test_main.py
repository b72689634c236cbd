"""The command line: its arguments, its output, and its exit status, whatever the command."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from http11 import PRODUCT_ID
from http11 import __main__ as cli
from http11.inspector.sources import Source

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "http11", *arguments]


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
        ["inspect", "x", "--allow", "everything"],
        ["inspect", "x", "--allow", "tolerant"],
        ["inspect", "x", "--allow", "bare_lf=1"],
        ["inspect", "x", "--allow", "max_fields=many"],
        ["inspect", "x", "--allow", "max_fields=-1"],
        ["inspect", "x", "--redact", "--redact-all"],
        ["inspect", "x", "y", "z"],
        ["inspect", "x", "y", "--role", "server"],
    ],
)
def test_wrong_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    assert "usage: http11" in capsys.readouterr().err


def test_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Source) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(Source, "_read_some", interrupted)
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        assert cli.main(["inspect", __file__]) == 130
    assert (out.getvalue(), err.getvalue()) == ("", "")


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
    path.write_bytes(GET)
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
    assert done.stdout.splitlines()[0] == b"        0 > GET / HTTP/1.1"
    assert done.stderr == b""
    done = subprocess.run(command("inspect", "-"), input=b"\x16", capture_output=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == b"        0 > error bad-method  at byte 0 of message 1"
    assert done.stderr == b""


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


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"{PRODUCT_ID}\n"
