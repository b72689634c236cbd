"""http11 in h11's place: each test is a process of its own, since it cannot be undone."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from textwrap import dedent

import attrs
import pytest

import http11
from http11 import H11, SERVER, STRICT, Connection, Policy, RemoteProtocolError, Request, compat

STUBS = Path(__file__).parent.parent / "stubs" / "h11"


@attrs.frozen
class Ended:
    status: int
    out: str
    err: str


def python(*arguments: str, folder: Path | None = None) -> Ended:
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def run(program: str) -> str:
    """Run a program, which must end well, and return what it prints."""
    done = python("-c", dedent(program))
    assert (done.status, done.err) == (0, "")
    return done.out


INSTALL = "from http11.compat import install_as_h11; install_as_h11()"


# --- the names ------------------------------------------------------------------------------------------------------


def declared(stub: Path) -> set[str]:
    """Return what a stub of ours declares."""
    names = set()
    for node in ast.parse(stub.read_text("utf-8")).body:
        match node:
            case ast.ImportFrom(module="typing"):
                pass
            case ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name for alias in aliases}
            case ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(target=ast.Name(name)):
                names.add(name)
            case _:
                raise AssertionError(ast.dump(node))
    return names


def test_what_is_there_is_what_the_stubs_declare() -> None:
    stubs = {"h11" if path.stem == "__init__" else f"h11.{path.stem}": declared(path) for path in STUBS.glob("*.pyi")}
    assert {name: set(names) for name, names in compat.MODULES.items()} == stubs


def test_each_name_is_http11s_own_but_for_connection() -> None:
    for module, names in compat.MODULES.items():
        for name, value in names.items():
            if name not in ("Connection", "__all__", "__version__", "DEFAULT_MAX_INCOMPLETE_EVENT_SIZE", "PRODUCT_ID"):
                assert value is getattr(http11, name), (module, name)
    assert compat.MODULES["h11"]["PRODUCT_ID"] == http11.PRODUCT_ID
    assert issubclass(compat.Connection, Connection)


def test_the_version_and_the_public_names_are_those_of_h11() -> None:
    program = "import h11; print(h11.__version__, *sorted(h11.__all__))"
    assert run(f"{INSTALL}\n{program}") == run(program)


def test_a_star_brings_what_h11_has() -> None:
    names = "print(sorted(set(dir()) - {'install_as_h11'}))"
    assert run(f"{INSTALL}\nfrom h11 import *\n{names}") == run(f"from h11 import *\n{names}")


# --- installing -----------------------------------------------------------------------------------------------------


def test_every_way_to_import_h11_leads_to_http11() -> None:
    program = f"""
    {INSTALL}
    import importlib.util, sys
    import h11
    import h11._connection as private
    from h11._util import LocalProtocolError
    from h11._headers import Headers
    import http11
    assert h11.Request is http11.Request and LocalProtocolError is http11.LocalProtocolError
    assert Headers is http11.Headers
    assert h11._connection is private is sys.modules["h11._connection"]
    assert private.DEFAULT_MAX_INCOMPLETE_EVENT_SIZE == 16384
    assert importlib.import_module("h11") is importlib.reload(h11) is h11
    assert importlib.util.find_spec("h11").origin == h11.__file__ == private.__file__
    assert h11.Connection is private.Connection
    # It is found again where somebody forgets it.
    del sys.modules["h11"]
    import h11 as again
    assert again is not h11 and again.Connection is h11.Connection
    print(h11.__doc__)
    """
    assert run(program) == "http11, in h11's place: see http11.compat.\n"


def test_whoever_can_import_it_gets_the_policy_that_was_installed() -> None:
    """What another thread would see, which may run at any time: here, as soon as the finder is there."""
    program = """
    import sys
    from http11.compat import install_as_h11
    from http11 import H11

    class Watched(list):
        def insert(self, index, finder):
            super().insert(index, finder)
            import h11
            server = h11.Connection(h11.SERVER)
            server.receive_data(b"GET / HTTP/1.1\\nHost: a\\n\\n")
            print(h11.Connection.default_policy, type(server.next_event()).__name__)

    sys.meta_path = Watched(sys.meta_path)
    install_as_h11(H11)
    import h11
    print(h11.Connection.default_policy)
    """
    assert run(program).split() == ["H11", "Request", "H11"]


@pytest.mark.parametrize(
    ("before", "error"),
    [("import h11", "RuntimeError"), ("import sys; sys.modules['h11._util'] = None", "ModuleNotFoundError")],
)
def test_nothing_is_left_of_an_installation_that_fails(before: str, error: str) -> None:
    program = f"""
    {before}
    import sys
    from http11 import H11, compat
    found = list(sys.meta_path)
    try:
        compat.install_as_h11(H11)
    except (RuntimeError, ImportError) as wrong:
        print(type(wrong).__name__, sys.meta_path == found, compat.Connection.default_policy)
    print([name for name, module in sys.modules.items() if getattr(module, "__loader__", None) is compat._finder])
    """
    assert run(program) == f"{error} True STRICT\n[]\n"


@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        ("import h11._readers", "h11._readers"),
        ("from h11 import _abnf", "h11._abnf"),
        ("from h11._util import Sentinel", "h11._util.Sentinel"),
        ("from h11._headers import Headers, get_comma_header", "h11._headers.get_comma_header"),
        ("from h11 import Headers", "h11.Headers"),
    ],
)
def test_what_has_no_counterpart_says_so(statement: str, missing: str) -> None:
    program = f"""
    {INSTALL}
    import h11
    try:
        {statement}
    except ImportError as error:
        print(type(error).__name__, error)
    assert not hasattr(h11, "Headers")
    """
    assert run(program) == (
        f"ModuleNotFoundError http11 is in h11's place in this process, and has no counterpart for {missing}: "
        "see docs/from-h11.md\n"
    )


def test_once_h11_has_been_imported_it_is_too_late() -> None:
    program = f"""
    import h11, sys
    before = list(sys.meta_path)
    try:
        {INSTALL}
    except RuntimeError as error:
        print(error)
    import h11._readers
    assert sys.meta_path == before
    assert h11.Connection.__module__ == "h11._connection"
    """
    assert run(program) == (
        "h11 itself has been imported already: call install_as_h11() before anything that imports h11, or start the "
        "program with: python -m http11 run-as-h11\n"
    )


def test_to_install_again_changes_nothing() -> None:
    program = """
    import sys
    from threading import Thread
    from http11 import H11, STRICT
    from http11.compat import install_as_h11
    threads = [Thread(target=install_as_h11, args=[H11]) for _ in range(20)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    import h11
    before = list(sys.meta_path), h11
    install_as_h11(H11)
    assert before == (sys.meta_path, h11)
    for policy in ((), (STRICT,)):
        try:
            install_as_h11(*policy)
        except RuntimeError as error:
            print(error)
    assert h11.Connection.default_policy == H11
    """
    assert run(program) == 2 * "http11 is in h11's place already, with another policy: install it once\n"


def test_what_is_pickled_through_h11_is_read_without_it() -> None:
    dump = """
    import h11, pickle
    events = [
        h11.Request(method="GET", target="/", headers=[("Host", "a")]),
        h11.Response(status_code=200, headers=[]),
        h11.Data(b"x"),
        h11.EndOfMessage(),
        h11.ConnectionClosed(),
    ]
    print(pickle.dumps(events, 0).hex())
    """
    pickled = run(INSTALL + dedent(dump)).strip()
    read = f"""
    import pickle, sys
    events = pickle.loads(bytes.fromhex({pickled!r}))
    assert "h11" not in sys.modules
    print([type(event).__module__ for event in events], events[0].method)
    """
    assert run(read) == f"{['http11.events'] * 5} b'GET'\n"


def test_a_line_in_a_pth_file_installs_it(tmp_path: Path) -> None:
    line = "import http11.compat; http11.compat.install_as_h11()"
    assert f"`{line}`" in (STUBS.parent.parent / "docs" / "from-h11.md").read_text("utf-8")
    (tmp_path / "http11-as-h11.pth").write_text(f"{line}\n", "utf-8")
    program = f"import site; site.addsitedir({str(tmp_path)!r}); import h11; print(h11.Connection.__module__)"
    assert run(program) == "http11.compat\n"


# --- its connections ------------------------------------------------------------------------------------------------

BARE_LF = b"GET / HTTP/1.1\nHost: a\n\n"


def reads_bare_lf(connection: Connection[http11.Role]) -> bool:
    connection.receive_data(BARE_LF)
    try:
        return isinstance(connection.next_event(), Request)
    except RemoteProtocolError:
        return False


def test_without_an_installation_the_policy_is_strict() -> None:
    assert compat.Connection.default_policy == STRICT
    assert not reads_bare_lf(compat.Connection(SERVER))


@pytest.mark.parametrize("default", [STRICT, H11])
def test_the_installed_policy_is_the_default(default: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compat.Connection, "default_policy", default)
    assert reads_bare_lf(compat.Connection(SERVER)) == (default == H11)
    # Another can be said, and http11 itself is not touched.
    assert reads_bare_lf(compat.Connection(SERVER, policy=H11))
    assert not reads_bare_lf(compat.Connection(SERVER, policy=STRICT))
    assert not reads_bare_lf(Connection(SERVER))


def test_a_connection_can_be_subclassed_and_can_have_attributes() -> None:
    class Counting(compat.Connection[http11.Role]):
        def __init__(self, role: http11.Role) -> None:
            super().__init__(role)
            self.received = 0

        def receive_data(self, data: bytes) -> None:  # type: ignore[override]
            self.received += len(data)
            super().receive_data(data)

    connection = Counting(SERVER)
    assert not reads_bare_lf(connection)
    assert connection.received == len(BARE_LF)
    assert isinstance(connection, Connection)
    # As h11's.
    setattr(compat.Connection(SERVER), "mine", 1)  # noqa: B010


@pytest.mark.parametrize("empty_line", [b"\r\n", b"\r", b"\n"])
def test_the_limit_does_not_count_the_empty_line(empty_line: bytes) -> None:
    fields = b"GET / HTTP/1.1\r\nHost: a\r\n"
    connection = compat.Connection(SERVER, len(fields), policy=H11)
    connection.receive_data(fields)
    assert connection.next_event() is http11.NEED_DATA
    connection.receive_data(empty_line)
    if empty_line == b"\r":
        assert connection.next_event() is http11.NEED_DATA
        connection.receive_data(b"\n")
    assert isinstance(connection.next_event(), Request)
    small = compat.Connection(SERVER, max_incomplete_event_size=len(fields) - 1)
    small.receive_data(fields + b"\r\n")
    with pytest.raises(RemoteProtocolError) as caught:
        small.next_event()
    assert caught.value.error_status_hint == 431


class Small:
    """An int by `index`, with arithmetic of its own, as numpy has them."""

    def __index__(self) -> int:
        return 255

    def __add__(self, other: object) -> int:
        return 1


def test_a_limit_is_an_int_before_anything_is_added() -> None:
    connection = compat.Connection(SERVER, Small())  # type: ignore[arg-type]
    connection.receive_data(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert isinstance(connection.next_event(), Request)


# --- run-as-h11 -----------------------------------------------------------------------------------------------------

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


def test_a_new_process_has_h11_itself_and_a_fork_has_not(folder: Path) -> None:
    (folder / "program.py").write_text(
        dedent("""
        import os, subprocess, sys
        command = [sys.executable, "-c", "import h11; print(h11.Connection.__module__)"]
        subprocess.run(command, check=True)
        if os.fork() == 0:
            import h11
            print(h11.Connection.__module__, flush=True)
            os._exit(0)
        assert os.wait()[1] == 0
        """),
        "utf-8",
    )
    assert run_as_h11("program.py", folder=folder) == Ended(0, "h11._connection\nhttp11.compat\n", "")
    assert os.fspath(folder) not in sys.path
