"""http11 in h11's place: each test is a process of its own, since it cannot be undone."""

from __future__ import annotations

import ast
import subprocess
import sys
from contextlib import suppress
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
    """Return what a stub of ours declares: an import counts where it is said to be one again, or is in `__all__`."""
    names, imported, public = set(), set(), set()
    for node in ast.parse(stub.read_text("utf-8")).body:
        match node:
            case ast.Import():
                pass
            case ast.ImportFrom(names=aliases):
                names |= {alias.asname for alias in aliases if alias.asname is not None}
                imported |= {alias.name for alias in aliases}
            case ast.ClassDef(name=name) | ast.AnnAssign(target=ast.Name(name)):
                names.add(name)
            case ast.Assign(targets=[ast.Name("__all__")], value=value):
                names.add("__all__")
                public |= set(ast.literal_eval(value))
            case ast.Assign(targets=[ast.Name(name)]):
                assert name.startswith("_")
            case _:
                raise AssertionError(ast.dump(node))
    return names | (imported & public)


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
        ("import h11._writers", "h11._writers"),
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


@pytest.mark.parametrize("closing", [False, True])
@pytest.mark.parametrize(
    ("received", "closed"),
    [
        (b"", False),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", True),
        (b"\x16", False),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe", True),
    ],
)
def test_a_response_does_not_say_close_where_only_the_states_end_the_connection(
    received: bytes, closed: bool, closing: bool
) -> None:
    """The bytes are h11's, and nobody goes on: where the client has not asked at all, since it cannot any more."""
    fields = [("Content-Length", "0"), ("connection", "Close")][: 1 + closing]
    spelled = b"connection: Close\r\n" if closing else b""
    in_its_place, itself = compat.Connection(SERVER), Connection(SERVER)
    for connection in (in_its_place, itself):
        for piece in (received, b"") if closed else (received,):
            # Nothing would be the end of the connection.
            if piece or closed:
                connection.receive_data(piece)
        with suppress(RemoteProtocolError):
            while not isinstance(connection.next_event(), type | http11.ConnectionClosed):
                pass
    response = http11.Response(status_code=400, headers=fields)
    assert in_its_place.send(response) == b"HTTP/1.1 400 \r\nContent-Length: 0\r\n" + spelled + b"\r\n"
    assert b"close" in itself.send(response).lower()
    in_its_place.send(http11.EndOfMessage())
    with pytest.raises(http11.LocalProtocolError):
        in_its_place.start_next_cycle()
    if not closed:
        in_its_place.receive_data(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        with pytest.raises(RemoteProtocolError):
            in_its_place.next_event()


@pytest.mark.parametrize(
    "received",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        # Where h11 would take what follows for a request: that is ours to end, and to say.
        b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nx",
    ],
)
def test_a_response_says_close_where_it_ends_the_connection(received: bytes) -> None:
    connection = compat.Connection(SERVER)
    connection.receive_data(received)
    while not isinstance(connection.next_event(), type | http11.EndOfMessage):
        pass
    written = connection.send(http11.Response(status_code=400, headers=[("Content-Length", "0")]))
    assert written == b"HTTP/1.1 400 \r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


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
