"""``run-as-h11``: each test is a process of its own, since an installation cannot be undone."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from textwrap import dedent

import pytest

import http11
from http11.substitution import NO_CONNECTION
from tests.test_compat import Ended, python

# --- the program ----------------------------------------------------------------------------------------------------

TELL = """
import sys
import h11
import sibling
print(__name__, sys.modules["__main__"].__dict__ is globals(), sys.argv, sys.path[0], h11.Connection.__module__)
print(h11.Connection.default_policy.bare_lf)
sys.exit(7)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tell.py").write_text(TELL, "utf-8")
    (tmp_path / "sibling.py").write_text("", "utf-8")
    return tmp_path


def run_as_h11(*arguments: str, folder: Path, options: tuple[str, ...] = ()) -> Ended:
    return python(*options, "-m", "http11", "run-as-h11", *arguments, folder=folder)


def told(argv: list[str], path: Path, *, tolerant: bool = False) -> Ended:
    return Ended(7, f"__main__ True {argv} {path} http11.compat\n{tolerant}\n", "")


def test_a_script_runs(folder: Path) -> None:
    arguments = ["--policy", "h11", "-m", "--", "--help"]
    assert run_as_h11("tell.py", *arguments, folder=folder) == told(["tell.py", *arguments], folder)
    assert run_as_h11("--policy", "h11", "tell.py", folder=folder) == told(["tell.py"], folder, tolerant=True)


def test_a_script_elsewhere_has_its_own_directory_first(folder: Path) -> None:
    (folder / "bin").mkdir()
    link = folder / "bin" / "linked.py"
    link.symlink_to(folder / "tell.py")
    assert run_as_h11(str(link), folder=folder / "bin") == told([str(link)], folder)


def test_a_module_runs(folder: Path) -> None:
    path = str(folder / "tell.py")
    assert run_as_h11("-m", "tell", "--help", folder=folder) == told([path, "--help"], folder)
    assert run_as_h11("--policy", "strict", "-m", "tell", folder=folder) == told([path], folder)


def test_a_module_that_just_ends_is_a_success(folder: Path) -> None:
    assert run_as_h11("-m", "sibling", folder=folder) == Ended(0, "", "")


def test_a_package_runs(folder: Path) -> None:
    (folder / "package").mkdir()
    (folder / "tell.py").rename(folder / "package" / "__main__.py")
    path = str(folder / "package" / "__main__.py")
    assert run_as_h11("-m", "package", "x", folder=folder) == told([path, "x"], folder)


@pytest.mark.no_cover
def test_a_directory_and_a_zip_file_run(folder: Path) -> None:
    (folder / "tell.py").rename(folder / "__main__.py")
    assert run_as_h11(str(folder), "x", folder=folder.parent) == told([str(folder), "x"], folder)
    archive = folder / "tell.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(folder / "__main__.py", "__main__.py")
        file.write(folder / "sibling.py", "sibling.py")
    assert run_as_h11(str(archive), folder=folder.parent) == told([str(archive)], archive)


def test_a_safe_path_stays_safe(folder: Path) -> None:
    safe = ("-P",)
    done = run_as_h11("tell.py", folder=folder, options=safe)
    assert done.status == 1
    assert "No module named 'sibling'" in done.err
    (folder / "path.py").write_text("import sys; print(sys.path)", "utf-8")
    expected = python("-P", "path.py", folder=folder)
    assert run_as_h11("path.py", folder=folder, options=safe) == expected
    assert run_as_h11("-m", "path", folder=folder, options=safe) == Ended(1, "", "http11: No module named path\n")


@pytest.mark.parametrize("name", ["absent", "absent.inner", "sibling_of.absent"])
def test_a_module_that_is_not_there_is_named(name: str, folder: Path) -> None:
    (folder / "sibling_of").mkdir()
    assert run_as_h11("-m", name, folder=folder) == Ended(1, "", f"http11: No module named {name}\n")


def test_a_module_that_misses_another_one_tells_where(folder: Path) -> None:
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").write_text("import absent", "utf-8")
    done = run_as_h11("-m", "package.inner", folder=folder)
    assert (done.status, done.out) == (1, "")
    assert "Traceback" in done.err
    assert done.err.endswith("ModuleNotFoundError: No module named 'absent'\n")


def test_a_script_that_is_not_there_is_named(folder: Path) -> None:
    assert run_as_h11("absent\x1b.py", folder=folder) == Ended(2, "", "http11: can't open file 'absent\\x1b.py'\n")


def test_nothing_to_run_is_an_error(folder: Path) -> None:
    done = run_as_h11("-m", folder=folder)
    assert done.status == 2
    assert "required: PROGRAM" in done.err


@pytest.mark.parametrize(
    ("program", "status", "end"),
    [
        ("print('done')", 0, ""),
        ("raise SystemExit('why')", 1, "why\n"),
        ("raise SystemExit", 0, ""),
        ("raise OSError('mine')", 1, "OSError: mine\n"),
        ("raise RuntimeError('mine')", 1, "RuntimeError: mine\n"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT, "KeyboardInterrupt\n"),
    ],
)
def test_the_end_of_the_program_is_the_end(program: str, status: int, end: str, folder: Path) -> None:
    (folder / "program.py").write_text(program, "utf-8")
    plain = python("program.py", folder=folder)
    done = run_as_h11("program.py", folder=folder)
    assert (done.status, done.out) == (plain.status, plain.out) == (status, plain.out)
    assert done.err.endswith(end)
    assert plain.err.endswith(end)


def test_a_policy_that_was_installed_before_is_not_changed(folder: Path) -> None:
    (folder / "first.py").write_text(
        "from http11 import H11\nfrom http11.compat import install_as_h11\ninstall_as_h11(H11)\n"
        "from http11.__main__ import main\nmain(['run-as-h11', 'tell.py'])\n",
        "utf-8",
    )
    done = python("first.py", folder=folder)
    assert done.status == 1
    assert done.err.endswith("RuntimeError: http11 is in h11's place already, with another policy: install it once\n")


# --- the processes that it starts -----------------------------------------------------------------------------------

SITE = str(Path(str(http11.__file__)).parent / "run-as-h11")
CONNECT = "import h11; h11.Connection(h11.CLIENT); print(h11.Connection.__module__, flush=True)"


def program(folder: Path, text: str) -> Path:
    path = folder / "program.py"
    path.write_text(dedent(text), "utf-8")
    return path


@pytest.mark.no_cover
@pytest.mark.parametrize("policy", ["strict", "h11"])
def test_each_process_has_http11_under_the_policy(policy: str, folder: Path) -> None:
    program(
        folder,
        """
        import multiprocessing, os, subprocess, sys
        TELL = "import h11; print(h11.Connection.__module__, h11.Connection.default_policy, flush=True)"
        def tell():
            exec(TELL)
        if __name__ == "__main__":
            subprocess.run([sys.executable, "-c", TELL], check=True)
            # A grandchild.
            nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {TELL!r}], check=True)"
            subprocess.run([sys.executable, "-c", nested], check=True)
            for method in ("spawn", "forkserver", "fork"):
                process = multiprocessing.get_context(method).Process(target=tell)
                process.start()
                process.join()
                assert process.exitcode == 0
        """,
    )
    done = run_as_h11("--policy", policy, "program.py", folder=folder)
    assert done == Ended(0, 5 * f"http11.compat {policy.upper()}\n", "")


@pytest.mark.no_cover
def test_what_another_sitecustomize_does_is_done_too(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other" / "sitecustomize.py").write_text("print('other')", "utf-8")
    program(
        folder,
        f"""
        import os, subprocess, sys
        os.environ["PYTHONPATH"] += os.pathsep + "other"
        subprocess.run([sys.executable, "-c", {CONNECT!r}], check=True)
        subprocess.run([sys.executable, "-c", "import sitecustomize, sys; print(sitecustomize.__file__)"], check=True)
        subprocess.run([sys.executable, "-c", "import sys; print([path for path in sys.path if path == {SITE!r}])"])
        """,
    )
    done = run_as_h11("program.py", folder=folder)
    file = folder / "other" / "sitecustomize.py"
    assert (done.status, done.err) == (0, "")
    assert done.out == f"other\nhttp11.compat\nother\n{file}\nother\n[]\n"


@pytest.mark.no_cover
def test_another_sitecustomize_that_fails_is_told(folder: Path) -> None:
    (folder / "sitecustomize.py").write_text("import absent", "utf-8")
    program(
        folder,
        f"""
        import os, subprocess, sys
        os.environ["PYTHONPATH"] += os.pathsep + os.getcwd()
        subprocess.run([sys.executable, "-c", {CONNECT!r}], check=True)
        """,
    )
    done = run_as_h11("program.py", folder=folder)
    assert (done.status, done.out) == (0, "http11.compat\n")
    assert "No module named 'absent'" in done.err


def test_an_environment_without_http11_is_told(folder: Path) -> None:
    (folder / "http11").mkdir()
    (folder / "http11" / "__init__.py").write_text("raise ImportError('no http11')", "utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([SITE, str(folder)])}
    done = subprocess.run(
        [sys.executable, "-c", "print('goes on')"], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "goes on\n"
    assert done.stderr == (f"http11: no http11 in h11's place in {sys.executable}, a child process: no http11\n")


@pytest.mark.parametrize("option", ["-E", "-I"])
def test_options_that_keep_it_from_other_processes_are_told(option: str, folder: Path) -> None:
    done = run_as_h11("-m", "platform", folder=folder, options=(option,))
    assert "python -E, -I and -S keep http11 out of the processes that the program starts" in done.err


# --- --check --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "status", "count"),
    [
        ("", NO_CONNECTION, "none"),
        ("import sys; sys.exit()", NO_CONNECTION, "none"),
        ("import sys; sys.exit(0)", NO_CONNECTION, "none"),
        ("import sys; sys.exit(4)", 4, "none"),
        ("import sys; sys.exit('')", 1, "none"),
        ("import h11", NO_CONNECTION, "none"),
        ("import http11; http11.Connection('CLIENT')", NO_CONNECTION, "none"),
        (CONNECT, 0, "1"),
        (f"{CONNECT}; h11.Connection(h11.SERVER); import sys; sys.exit(0)", 0, "1"),
        (f"{CONNECT}; raise KeyboardInterrupt", -signal.SIGINT, "1"),
        ("raise ValueError", 1, "none"),
        (f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CONNECT!r}])", 0, "1"),
        # A forked process that ends as its parent does, and one that made its connection before the fork.
        (f"import os; os.fork() or exec({CONNECT!r}); os.getpid() == os.getpgid(0) or os.wait()", 0, "1"),
    ],
)
def test_a_check_says_who_has_made_connections(text: str, status: int, count: str, folder: Path) -> None:
    (folder / "program.py").write_text(text, "utf-8")
    done = run_as_h11("--check", "program.py", folder=folder)
    assert done.status == status
    assert done.err.count(f"http11: processes that made connections with http11: {count}\n") == 1


@pytest.mark.no_cover
def test_a_fork_makes_connections_of_its_own(folder: Path) -> None:
    program(
        folder,
        f"""
        import os, sys
        exec({CONNECT!r})
        if os.fork() == 0:
            exec({CONNECT!r})
            sys.exit(0)
        os.wait()
        """,
    )
    done = run_as_h11("--check", "program.py", folder=folder)
    assert done == Ended(0, "http11.compat\n" * 2, "http11: processes that made connections with http11: 2\n")


def test_a_process_may_outlive_the_check(folder: Path) -> None:
    program(
        folder,
        f"""
        import subprocess, sys
        wait = "import os, time\\nwhile os.path.exists(os.environ['HTTP11_AS_H11_MARKS']): time.sleep(0.01)\\n"
        late = wait + {CONNECT!r}
        subprocess.Popen([sys.executable, "-c", late])
        """,
    )
    done = run_as_h11("--check", "program.py", folder=folder)
    assert (done.status, done.out) == (NO_CONNECTION, "http11.compat\n")


REPORT = "http11: processes that made connections with http11: "


@pytest.mark.no_cover
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGKILL])
def test_a_check_says_it_of_a_program_that_a_signal_kills(number: signal.Signals, folder: Path) -> None:
    # With all that belongs to it, as a terminal or a service manager does.
    program(folder, f"{CONNECT}\nimport os\nos.killpg(0, {number:d})")
    command = [sys.executable, "-m", "http11", "run-as-h11", "--check", "program.py"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False, start_new_session=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (-number, "http11.compat\n", f"{REPORT}1\n")


@pytest.mark.no_cover
@pytest.mark.parametrize(("text", "count"), [("", "none"), (CONNECT, "1")])
def test_a_check_says_it_of_a_program_that_leaves_at_once(text: str, count: str, folder: Path) -> None:
    program(folder, f"{text}\nimport os\nos._exit(0)")
    done = run_as_h11("--check", "program.py", folder=folder)
    assert (done.status, done.err) == (0, f"{REPORT}{count}\n")


@pytest.mark.no_cover
def test_a_check_goes_on_in_what_is_executed_instead(folder: Path) -> None:
    program(folder, f"import os, sys\nos.execv(sys.executable, [sys.executable, '-c', {CONNECT!r}])")
    done = run_as_h11("--check", "program.py", folder=folder)
    assert done == Ended(0, "http11.compat\n", f"{REPORT}1\n")


def test_a_check_does_not_wait_for_what_the_program_has_forked(folder: Path) -> None:
    program(
        folder,
        f"""
        import os, signal, sys, time
        {CONNECT}
        killed = os.getpid()
        if os.fork() == 0:
            if os.fork() == 0:
                # Until it has been said.
                while os.path.exists(os.environ["HTTP11_AS_H11_MARKS"]):
                    time.sleep(0.01)
                sys.exit()
            os.kill(killed, signal.SIGKILL)
            os.wait()
            sys.exit()
        time.sleep(60)
        """,
    )
    done = run_as_h11("--check", "program.py", folder=folder)
    assert done == Ended(-signal.SIGKILL, "http11.compat\n", f"{REPORT}1\n")


@pytest.mark.no_cover
def test_a_program_that_is_checked_has_no_child_that_it_has_not_started(folder: Path) -> None:
    program(
        folder,
        """
        import os
        try:
            os.wait()
        except ChildProcessError:
            print("none")
        """,
    )
    assert run_as_h11("--check", "program.py", folder=folder) == Ended(NO_CONNECTION, "none\n", f"{REPORT}none\n")


@pytest.mark.parametrize(("end", "status", "said"), [("TERM", -signal.SIGTERM, ""), ("NONE", 0, f"{REPORT}1\n")])
def test_where_nothing_can_fork_a_signal_ends_the_check(end: str, status: int, said: str, folder: Path) -> None:
    program(
        folder, f"{CONNECT}; import os, signal, sys; sys.argv[1] == 'TERM' and os.kill(os.getpid(), signal.SIGTERM)"
    )
    starts = "import os, sys; del os.fork; from http11.__main__ import main; sys.exit(main(sys.argv[1:]))"
    done = python("-c", starts, "run-as-h11", "--check", "program.py", end, folder=folder)
    assert done == Ended(status, "http11.compat\n", said)


# --- other parsers --------------------------------------------------------------------------------------------------

APPLICATION = """
import http.client, os, signal, threading
import h11

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = h11.Connection.__module__.encode()
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})
"""


@pytest.mark.parametrize(
    ("options", "told", "count", "number"),
    [
        (["--http", "h11"], False, "1", signal.SIGINT),
        # It ends in good order, and then by the signal.
        (["--http", "h11"], False, "1", signal.SIGTERM),
        pytest.param(["--http", "h11", "--workers", "2"], False, "1", signal.SIGINT, marks=pytest.mark.no_cover),
        (["--http", "httptools"], True, "none", signal.SIGINT),
        pytest.param(["--http", "auto", "--workers", "2"], True, "none", signal.SIGINT, marks=pytest.mark.no_cover),
    ],
)
def test_uvicorn_is_told_where_it_does_not_parse_with_h11(
    options: list[str], told: bool, count: str, number: signal.Signals, folder: Path
) -> None:
    pytest.importorskip("uvicorn")
    (folder / "application.py").write_text(APPLICATION, "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-m", "http11", "run-as-h11", "--check", "-m", "uvicorn", "application:app"]
        with subprocess.Popen(
            [*command, "--fd", str(listener.fileno()), "--log-level", "error", *options],
            cwd=folder,
            pass_fds=[listener.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            host, port = listener.getsockname()
            client = http.client.HTTPConnection(host, port, timeout=60)
            client.request("GET", "/")
            assert client.getresponse().read() == b"http11.compat"
            client.close()
            process.send_signal(number)
            _, err = process.communicate(timeout=60)
    assert ("uvicorn parses with httptools, not with http11: give it --http h11\n" in err) is told
    assert f"http11: processes that made connections with http11: {count}\n" in err
    status = NO_CONNECTION if count == "none" else 0
    assert process.returncode == (-number if number == signal.SIGTERM else status)
