"""Servers and clients on http11, by its plugs, over real sockets: h11 itself stays what it is for everybody else."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from textwrap import dedent
from threading import Thread
from types import ModuleType

import attrs
import pytest

from http11 import H11, STRICT, Policy, RemoteProtocolError, Request, compat
from http11.plugs import Plug, require

for package in ("gunicorn", "hypercorn", "uvicorn_worker"):
    pytest.importorskip(package)

import httpx  # noqa: E402
import hypercorn.config  # noqa: E402

import http11.gunicorn  # noqa: E402
import http11.httpx  # noqa: E402
import http11.hypercorn  # noqa: E402
import http11.uvicorn  # noqa: E402

TIMEOUT = 60

# What the application of each server says: which process this is, and how many connections are alive in it, of http11
# and of h11. The path `/both` waits until two processes have been asked.
APPLICATION = """
import gc, json, os, pathlib, time
import h11
from http11.connection import Connection

version = 1

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    if scope["path"] == "/both":
        pathlib.Path(f"asked-{os.getpid()}").touch()
        while len(list(pathlib.Path().glob("asked-*"))) < 2:
            time.sleep(0.01)
    objects = gc.get_objects()
    told = {
        "version": version,
        "process": os.getpid(),
        "ours": sum(isinstance(found, Connection) for found in objects),
        "h11s": sum(isinstance(found, h11.Connection) for found in objects),
        "h11": h11.Connection.__module__,
    }
    body = json.dumps(told).encode()
    head = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}
    await send(head)
    await send({"type": "http.response.body", "body": body})
"""


@attrs.frozen
class Server:
    address: tuple[str, int]
    process: subprocess.Popen[bytes]
    folder: Path

    def get(self, path: str = "/") -> dict[str, object]:
        client = http.client.HTTPConnection(*self.address, timeout=TIMEOUT)
        try:
            client.request("GET", path)
            told: dict[str, object] = json.loads(client.getresponse().read())
            return told
        finally:
            client.close()

    def raw(self, request: bytes) -> bytes:
        with socket.create_connection(self.address, timeout=TIMEOUT) as sock:
            sock.sendall(request)
            return sock.recv(12)


@contextmanager
def served(folder: Path, command: Callable[[int], Sequence[str]]) -> Iterator[Server]:
    """Run a server on a socket that listens already, so that nothing has to wait until it does."""
    (folder / "application.py").write_text(APPLICATION, "utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(folder)])}
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener, (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-W", "error::DeprecationWarning:http11", "-m", *command(listener.fileno())],
            cwd=folder,
            env=environment,
            pass_fds=[listener.fileno()],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield Server(listener.getsockname(), process, folder)
        except BaseException:
            sys.stderr.write((folder / "log").read_text("utf-8"))
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(TIMEOUT)
            finally:
                # What it has left behind.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def is_ours(told: dict[str, object]) -> bool:
    ours = told["ours"]
    assert isinstance(ours, int)
    return ours > 0 and (told["h11s"], told["h11"]) == (0, "h11._connection")


def uvicorn(*options: str) -> Callable[[int], Sequence[str]]:
    http = ["--http", "http11.uvicorn:HTTP11Protocol"]
    return lambda descriptor: ["uvicorn", "application:app", "--fd", str(descriptor), *http, *options]


def gunicorn(*options: str) -> Callable[[int], Sequence[str]]:
    return lambda descriptor: [
        *("gunicorn", "application:app", "--bind", f"fd://{descriptor}", "-k", "http11.gunicorn.Worker"),
        *("--no-control-socket", *options),
    ]


def hypercorn_(*options: str) -> Callable[[int], Sequence[str]]:
    return lambda descriptor: ["http11.hypercorn", "application:app", "--bind", f"fd://{descriptor}", *options]


BARE_LF = b"GET / HTTP/1.1\nHost: a\n\n"

# --- servers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(uvicorn(), id="uvicorn"),
        pytest.param(gunicorn(), id="gunicorn"),
        pytest.param(hypercorn_("--workers", "0"), id="hypercorn in one process"),
        pytest.param(hypercorn_("--worker-class", "trio"), id="hypercorn on trio"),
    ],
)
def test_it_serves(command: Callable[[int], Sequence[str]], tmp_path: Path) -> None:
    with served(tmp_path, command) as server:
        assert is_ours(server.get())
        assert server.raw(BARE_LF) == b"HTTP/1.1 400"


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(uvicorn("--workers", "2"), id="uvicorn"),
        pytest.param(gunicorn("--workers", "2"), id="gunicorn"),
        pytest.param(hypercorn_("--workers", "2"), id="hypercorn"),
    ],
)
def test_it_serves_in_each_worker(command: Callable[[int], Sequence[str]], tmp_path: Path) -> None:
    told = []
    with served(tmp_path, command) as server:
        first = Thread(target=lambda: told.append(server.get("/both")))
        first.start()
        # Only then is there a process that cannot take the other request.
        wait_for(lambda: any(tmp_path.glob("asked-*")), server)
        told.append(server.get("/both"))
        first.join()
    processes = {one["process"] for one in told}
    assert len(processes) == 2
    assert server.process.pid not in processes
    assert all(map(is_ours, told))


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(uvicorn("--reload"), id="uvicorn"),
        pytest.param(hypercorn_("--reload"), id="hypercorn"),
    ],
)
def test_it_serves_after_a_reload(command: Callable[[int], Sequence[str]], tmp_path: Path) -> None:
    with served(tmp_path, command) as server:
        assert is_ours(server.get())
        changed = APPLICATION.replace("version = 1", "version = 2")
        path = tmp_path / "application.py"
        path.write_text(changed, "utf-8")
        times = itertools.count(time.time() + 10, 10)

        def is_new() -> bool:
            # Later each time, whatever the file system rounds to: a reloader takes the first time that it sees for the
            # old one, and may not have looked before the server answered.
            os.utime(path, (now := next(times), now))
            return again(server)["version"] == 2

        wait_for(is_new, server)
        assert is_ours(again(server))


def again(server: Server) -> dict[str, object]:
    try:
        return server.get()
    except (OSError, http.client.HTTPException):
        # The process that has accepted it was about to end.
        return {"version": 0}


def wait_for(condition: Callable[[], bool], server: Server) -> None:
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert server.process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_protocol_class_can_be_subclassed() -> None:
    class Counting(http11.uvicorn.HTTP11Protocol):
        received = 0

        def data_received(self, data: bytes) -> None:
            self.received += len(data)
            super().data_received(data)

    assert issubclass(Counting, http11.uvicorn.protocol(STRICT))
    assert not issubclass(Counting, http11.uvicorn.protocol(H11))


def test_a_policy_is_another_class_for_uvicorn(tmp_path: Path) -> None:
    (tmp_path / "tolerant.py").write_text(
        "from http11 import H11; from http11.uvicorn import protocol; Tolerant = protocol(H11)", "utf-8"
    )
    with served(tmp_path, uvicorn("--http", "tolerant:Tolerant")) as server:
        assert server.raw(BARE_LF) == b"HTTP/1.1 200"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("conf.toml", 'http11_policy = "h11"\nworkers = 1\n'),
        ("conf.py", "import attrs, http11\nhttp11_policy = attrs.evolve(http11.STRICT, bare_lf=True)\n"),
    ],
)
def test_a_policy_is_a_setting_for_hypercorn(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    config = name if name.endswith(".toml") else "python:conf"
    with served(tmp_path, hypercorn_("--config", config)) as server:
        assert server.raw(BARE_LF) == b"HTTP/1.1 200"


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", dedent(program)], capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


ASK = f"""
import http.client
from threading import Thread
def ask(sock):
    client = http.client.HTTPConnection(*sock.getsockname(), timeout={TIMEOUT})
    client.request("GET", "/")
    answer = client.getresponse()
    print(answer.status, answer.read().decode())
    client.close()
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({{"type": message["type"] + ".complete"}})
            if message["type"] == "lifespan.shutdown":
                return
    import gc, http11
    body = b"http11" if any(isinstance(one, http11.Connection) for one in gc.get_objects()) else b"another"
    length = (b"content-length", b"%d" % len(body))
    await send({{"type": "http.response.start", "status": 200, "headers": [length]}})
    await send({{"type": "http.response.body", "body": body}})
"""


def test_uvicorn_is_started_by_a_program() -> None:
    program = """
    import socket, uvicorn
    with socket.create_server(("127.0.0.1", 0)) as sock:
        config = uvicorn.Config(app, http="http11.uvicorn:HTTP11Protocol", log_level="error")
        server = uvicorn.Server(config)
        def asking():
            ask(sock)
            server.should_exit = True
        Thread(target=asking).start()
        server.run(sockets=[sock])
    """
    assert run(ASK + dedent(program)) == "200 http11\n"


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_hypercorn_is_started_by_a_program(loop: str) -> None:
    program = f"""
    import asyncio, socket, trio
    from hypercorn.config import Config
    from http11.hypercorn import serve, serve_on_trio
    config = Config()
    config.loglevel = "ERROR"
    with socket.create_server(("127.0.0.1", 0)) as sock:
        config.bind = [f"fd://{{sock.fileno()}}"]
        async def on_asyncio():
            await serve(app, config, shutdown_trigger=lambda: asyncio.to_thread(ask, sock))
        async def on_trio():
            await serve_on_trio(app, config, shutdown_trigger=lambda: trio.to_thread.run_sync(ask, sock))
        asyncio.run(on_asyncio()) if {loop!r} == "asyncio" else trio.run(on_trio)
        sock.detach()
    """
    assert run(ASK + dedent(program)) == "200 http11\n"


@pytest.mark.parametrize("kind", ["asyncio", "uvloop", "trio"])
def test_hypercorn_gets_the_worker_of_the_class_that_is_set(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = hypercorn.config.Config()
    config.workers, config.worker_class, config.bind = 0, kind, ["127.0.0.1:0"]
    seen: list[object] = []
    # Which worker is meant can be seen without uvloop, and without serving.
    workers = ModuleType("workers")
    vars(workers)[f"{kind}_worker"] = lambda *arguments: seen.extend(arguments)
    name = f"hypercorn.{'trio' if kind == 'trio' else 'asyncio'}.run"
    monkeypatch.setitem(http11.hypercorn._servers._copies, STRICT, {name: workers})
    assert http11.hypercorn.run(config) == 0
    assert seen[0] is config
    for sock in seen[1].insecure_sockets:  # type: ignore[attr-defined]
        sock.close()


def test_hypercorn_is_told_what_is_no_policy() -> None:
    config = hypercorn.config.Config()
    vars(config)["http11_policy"] = "tolerant"
    with pytest.raises(ValueError, match="expected a Policy, 'strict' or 'h11' as http11_policy, got 'tolerant'"):
        http11.hypercorn.asyncio_worker(config)


# --- httpx ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def address() -> Iterator[str]:
    """Return the URL of a server that ends its lines with bare LF, in an answer to whatever comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                with sock:
                    while (data := sock.recv(65536)) and not data.endswith(b"\r\n\r\n"):
                        pass
                    sock.sendall(b"HTTP/1.1 200 OK\nContent-Length: 5\nConnection: close\n\nhello")

        server = Thread(target=serve)
        server.start()
        port = listener.getsockname()[1]
        yield f"http://127.0.0.1:{port}/"
        listener.shutdown(socket.SHUT_RDWR)
        server.join()


def test_httpx_gets(address: str) -> None:
    with httpx.Client(transport=http11.httpx.HTTPTransport(policy=H11)) as client:
        assert client.get(address).text == "hello"
    with (
        httpx.Client(transport=http11.httpx.HTTPTransport()) as client,
        pytest.raises(httpx.RemoteProtocolError, match="expected CRLF at the end of a line, got 0x0A"),
    ):
        client.get(address)
    # h11 itself is where it was.
    with httpx.Client() as client:
        assert client.get(address).text == "hello"


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_httpx_gets_asynchronously(loop: str, address: str) -> None:
    import asyncio

    import trio

    async def get() -> None:
        async with httpx.AsyncClient(transport=http11.httpx.AsyncHTTPTransport(policy=H11)) as client:
            assert (await client.get(address)).text == "hello"
        async with httpx.AsyncClient(transport=http11.httpx.AsyncHTTPTransport(verify=False)) as client:
            with pytest.raises(httpx.RemoteProtocolError, match="got 0x0A"):
                await client.get(address)

    if loop == "asyncio":
        asyncio.run(get())
    else:
        trio.run(get)


def test_httpx_gets_through_a_proxy(address: str) -> None:
    """The server is the proxy, and answers what it is asked, a CONNECT too."""
    for policy, target in ((H11, "http://a.test/"), (STRICT, "http://a.test/"), (STRICT, "https://a.test/")):
        transport = http11.httpx.HTTPTransport(policy=policy, proxy=address, retries=1)
        with httpx.Client(transport=transport) as client:
            if policy == H11:
                assert client.get(target).text == "hello"
            else:
                with pytest.raises(httpx.RemoteProtocolError, match="got 0x0A"):
                    client.get(target)


def test_a_transport_is_httpxs() -> None:
    assert isinstance(http11.httpx.HTTPTransport(), httpx.HTTPTransport)
    assert isinstance(http11.httpx.AsyncHTTPTransport(), httpx.AsyncHTTPTransport)
    with pytest.raises(TypeError):
        http11.httpx.HTTPTransport(uds=None, no_such_option=True)  # type: ignore[call-arg]


def test_httpx_does_without_socksio() -> None:
    program = """
    import sys
    sys.modules["socksio"] = None
    import importlib.util
    find_spec = importlib.util.find_spec
    importlib.util.find_spec = lambda name, *more: None if name == "socksio" else find_spec(name, *more)
    import http11.httpx
    http11.httpx.HTTPTransport()
    try:
        http11.httpx.HTTPTransport(proxy="socks5://localhost")
    except ImportError as error:
        print(error)
    """
    assert "'socksio' package is not installed" in run(program)


# --- the releases ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["0.29.9", "1.30.0", "0.55.0rc1", "0.x", ""])
def test_another_release_is_an_error_that_says_so(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda _: version)
    with pytest.raises(ImportError) as caught:
        require("uvicorn", "uvicorn", (0, 30), (0, 54))
    assert str(caught.value) == (
        f"http11.uvicorn is tested with uvicorn 0.30 to 0.54, and {version} is installed: install one of those, or run "
        "the program with python -m http11 run-as-h11"
    )


def test_a_single_release_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda _: "0.3.0")
    with pytest.raises(ImportError, match=r"tested with uvicorn-worker 0\.4, and 0\.3\.0 is installed"):
        require("gunicorn", "uvicorn-worker", (0, 4), (0, 4))


@pytest.mark.parametrize("version", ["0.30.0", "0.54", "0.54.9"])
def test_the_tested_releases_are_accepted(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda _: version)
    require("uvicorn", "uvicorn", (0, 30), (0, 54))


def test_a_package_that_is_missing_is_an_error_that_says_what_to_install() -> None:
    with pytest.raises(ModuleNotFoundError) as caught:
        require("httpx", "no-such-package", (0, 27), (0, 28))
    assert str(caught.value) == "http11.httpx needs no-such-package: python -m pip install 'http11[httpx]'"
    assert caught.value.name == "no-such-package"


# --- copies ---------------------------------------------------------------------------------------------------------

USER = """
from __future__ import annotations
import h11
import h11._connection as private, os.path
from h11._connection import DEFAULT_MAX_INCOMPLETE_EVENT_SIZE as limit
from . import __name__ as package
from .other import name as other
from ..user_of_h11.other import name as the_same

def connection():
    return h11.Connection(h11.SERVER)

def fails():
    raise ValueError
"""


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the name of a module that imports h11."""
    package = tmp_path / "above" / "user_of_h11"
    package.mkdir(parents=True)
    (tmp_path / "above" / "__init__.py").touch()
    (package / "__init__.py").write_text("from .other import name", "utf-8")
    (package / "other.py").write_text("name = __name__", "utf-8")
    (package / "user.py").write_text(USER, "utf-8")
    (package / "broken.py").write_text("import h11, no_such_module", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield "above.user_of_h11.user"
    for name in [name for name in sys.modules if name.partition(".")[0] == "above"]:
        del sys.modules[name]


def reads_bare_lf(connection: compat.Connection[http11.Role]) -> bool:
    connection.receive_data(BARE_LF)
    try:
        return isinstance(connection.next_event(), Request)
    except RemoteProtocolError:
        return False


def test_a_copy_imports_http11_for_h11(user: str) -> None:
    import h11

    plug = Plug("http11.plugs", [user])
    for policy in (STRICT, H11, Policy(bare_lf=True)):
        copy = plug.copies(policy)[user]
        assert plug.copies(policy)[user] is copy
        assert sys.modules[copy.__name__] is copy
        assert copy.h11.Request is http11.Request
        assert copy.h11.Connection is copy.private.Connection
        assert (copy.limit, copy.os) == (16384, os)
        assert reads_bare_lf(copy.connection()) is policy.bare_lf
        assert type(copy.connection()).__mro__[1] is compat.Connection
    assert sys.modules["h11"] is h11
    assert h11.Connection.__module__ == "h11._connection"


def test_a_copys_relative_imports_are_those_of_the_original(user: str) -> None:
    copy = Plug("http11.plugs", [user]).copies(STRICT)[user]
    assert (copy.package, copy.other, copy.the_same) == ("above.user_of_h11", *["above.user_of_h11.other"] * 2)


def test_a_package_is_copied_as_a_package(user: str) -> None:
    package = user.rpartition(".")[0]
    copy = Plug("http11.plugs", [package], {f"{package}.other": "os"}).copies(STRICT)[package]
    assert copy.name is os.name


def test_an_error_in_a_copy_is_where_the_original_has_it(user: str) -> None:
    copy = Plug("http11.plugs", [user]).copies(STRICT)[user]
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - it is where that counts
        copy.fails()
    assert (caught.traceback[-1].path, caught.traceback[-1].lineno) == (Path(str(copy.__file__)), USER.count("\n") - 1)


@pytest.mark.parametrize("name", ["no_such_module", "itertools", "above.user_of_h11.broken"])
def test_nothing_is_left_of_copies_that_fail(name: str, user: str) -> None:
    before = set(sys.modules)
    with pytest.raises(ImportError) as caught:
        Plug("http11.plugs", [user, name]).copies(STRICT)
    assert caught.value.name == ("no_such_module" if "broken" in name else name)
    assert not [left for left in set(sys.modules) - before if left.startswith("http11.plugs._")]


def test_two_threads_get_the_same_copies(user: str) -> None:
    plug = Plug("http11.plugs", [user])
    found: list[ModuleType] = []
    threads = [Thread(target=lambda: found.append(plug.copies(STRICT)[user])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_nothing_of_h11_itself_comes_into_a_copy() -> None:
    """By whatever way they import it: one that `plugs` does not know would bring h11 itself."""
    plugged = (http11.uvicorn._plug, http11.httpx._plug, http11.hypercorn._servers, http11.hypercorn._command)
    found = []
    for plug in plugged:
        for name, copy in plug.copies(STRICT).items():
            if "h11" in vars(copy) and isinstance(copy.h11, ModuleType) and copy.h11.__name__ == "h11":
                found.append(name)
                assert copy.h11.Request is http11.Request
            for key, value in vars(copy).items():
                assert not str(getattr(value, "__module__", "")).startswith("h11"), (name, key)
    assert sorted(found) == [
        *("httpcore._async.http11", "httpcore._sync.http11", "hypercorn.protocol.h11"),
        "uvicorn.protocols.http.h11_impl",
    ]
