"""http11 in h11's place, live: uvicorn serves curl and a late empty line, httpx talks to nginx and to broken servers.

Both are started by ``python -m http11 run-as-h11``, as a user would start them.
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.consumers.projects import NIQUESTS, SHARED, Environment, PolicyName
from tests.unasked import TIMEOUT

ROOT: Final = Path(__file__).parent.parent.parent

APPLICATION: Final = """
import h11

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    said = f"{scope['method']} {scope['path']} {len(body)} {h11.Connection.__module__}\\n".encode()
    length = [] if scope["path"] == "/chunked" else [(b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": said[:5], "more_body": True})
    await send({"type": "http.response.body", "body": said[5:]})
"""

# What curl is told, and what it must print: the answers' bodies, and then how many connections each of them took.
CURLED: Final[Sequence[tuple[Sequence[str], bytes, str]]] = (
    (["{}/a", "{}/b"], b"", "GET /a 0 http11.compat\nGET /b 0 http11.compat\n1\n"),
    (["{}/chunked", "{}/b"], b"", "GET /chunked 0 http11.compat\nGET /b 0 http11.compat\n1\n"),
    (["{}/post", "--data", "hello"], b"", "POST /post 5 http11.compat\n1\n"),
    (["{}/put", "-T", "-", "-H", "Expect: 100-continue"], b"x" * 100_000, "PUT /put 100000 http11.compat\n1\n"),
    (["{}/head", "--head", "-o", os.devnull], b"", "1\n"),
    (["{}/old", "--http1.0"], b"", "GET /old 0 http11.compat\n1\n"),
)

CLIENT: Final = """
import sys

import h11
import httpx

assert h11.Connection.__module__ == "http11.compat"
with httpx.Client(base_url=sys.argv[1]) as client:
    for turn in range(1, 51):
        answer = client.get("/small")
        assert (answer.status_code, answer.text) == (200, "hello\\n"), answer
        # One connection for all, as long as nginx keeps it.
        assert answer.headers["x-requests"] == str(5 * turn - 4), answer.headers
        large = client.get("/large")
        assert (large.headers["transfer-encoding"], large.headers["content-encoding"]) == ("chunked", "gzip")
        assert large.content == b"0123456789" * 50_000
        assert client.head("/large", headers={"Accept-Encoding": "identity"}).headers["content-length"] == "500000"
        assert client.get("/absent").status_code == 404
        assert client.post("/small", content=iter([b"some", b"thing"])).status_code == 405
print(5 * turn)
"""

NGINX: Final = """
daemon off;
master_process off;
pid {home}/nginx.pid;
error_log {home}/nginx.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    gzip on;
    gzip_types *;
    keepalive_requests 1000;
    server {{
        listen 127.0.0.1:{port};
        root {home}/files;
        add_header X-Requests $connection_requests always;
    }}
}}
"""

# It says when the application works on a request, and answers once uvicorn has handled an empty line after that.
WAITING_APPLICATION: Final = """
import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

working, passed = asyncio.Event(), asyncio.Event()
handle = H11Protocol.data_received

def data_received(self, data):
    handle(self, data)
    if data == b"\\r\\n":
        passed.set()

H11Protocol.data_received = data_received

async def app(scope, receive, send):
    if scope["path"] == "/working":
        await working.wait()
        working.clear()
        said = h11.Connection.__module__.encode()
    else:
        message = await receive()
        assert (message["body"], message["more_body"]) == (b"a", False)
        working.set()
        await passed.wait()
        passed.clear()
        said = b"done"
    length = (b"content-length", b"%d" % len(said))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": said})
"""

# Each is the last request on its connection.
LAST_REQUESTS: Final = (
    b"POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\na",
    b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\na",
)

# It asks each server three times, and prints what differs from what it should get.
ASKING: Final = """
import sys

import h11
import httpx

from tests.unasked import TARGETS, TIMEOUT, TOO_MUCH, WELL_BEHAVED, Server, running

kinds = [*TOO_MUCH, *WELL_BEHAVED]
wrong = []
for kind in kinds:
    expected = [(kind.status, target, kind.content_for(target)) for target in TARGETS]
    got = []
    with running(Server(kind)) as server:
        url = f"http://127.0.0.1:{server.port}"
        with httpx.Client(base_url=url, timeout=TIMEOUT, trust_env=False) as client:
            for target in TARGETS:
                try:
                    answer = client.request(kind.method, target)
                except Exception as error:
                    got.append(f"{type(error).__name__}: {error}")
                else:
                    got.append((answer.status_code, answer.headers["x-target"], answer.content))
                    server.settle(answer.extensions["network_stream"].get_extra_info("socket"))
    if (got, server.connections) != (expected, kind.connections):
        wrong.append(f"{kind.name}: {got}, connections: {server.connections}")
print(h11.Connection.__module__, len(kinds))
if wrong:
    sys.exit("\\n".join(wrong))
"""

# It goes through proxies that say a length where they grant a tunnel, and prints what differs from what it should get.
TUNNELLING: Final = """
import ssl
import sys

import h11
import httpx
import trustme

from tests.unasked import NO_LENGTHS, TARGETS, TIMEOUT, WELL_BEHAVED, Server, running

authority = trustme.CA()
serves = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
authority.issue_cert("inner.example").configure_cert(serves)
trusts = ssl.create_default_context()
authority.configure_trust(trusts)
kind = WELL_BEHAVED[0]
expected = [(kind.status, target, kind.content_for(target)) for target in TARGETS]
wrong = []
for name, fields in NO_LENGTHS.items():
    got = []
    with running(Server(kind, fields, serves)) as server:
        proxy = f"http://127.0.0.1:{server.port}"
        with httpx.Client(proxy=proxy, verify=trusts, timeout=TIMEOUT, trust_env=False) as client:
            for target in TARGETS:
                try:
                    answer = client.request(kind.method, "https://inner.example" + target)
                except Exception as error:
                    got.append(f"{type(error).__name__}: {error}")
                    break
                got.append((answer.status_code, answer.headers["x-target"], answer.content))
    if (got, server.tunnels, server.connections) != (expected, ["inner.example:443"], kind.connections):
        wrong.append(f"{name}: {got}, tunnels: {server.tunnels}, connections: {server.connections}")
print(h11.Connection.__module__, len(NO_LENGTHS))
if wrong:
    sys.exit("\\n".join(wrong))
"""


# Each of their connections is http11's, and its wire is what a server of the standard library understands.
BOTH: Final = """
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import h11
import niquests
import requests
import urllib3
from http11 import compat

made = []
compat.observe(lambda: made.append(1))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\\r\\n%b\\r\\n0\\r\\n\\r\\n" % (len(body), body))
        else:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
assert "future" in urllib3.__file__ or int(urllib3.__version__.split(".")[2]) >= 900, urllib3.__version__
for library in (requests, niquests):
    before = len(made)
    with library.Session() as session:
        for path in ("/", "/chunked", "/"):
            answer = session.post(f"http://127.0.0.1:{server.server_port}{path}", data=b"hello" * 1000)
            assert (answer.status_code, answer.content) == (200, b"hello" * 1000), path
    assert len(made) > before, library
server.shutdown()
print(h11.Connection.__module__, len(made))
"""


def uvicorn_serves_curl(python: str, home: Path, policy: PolicyName) -> str:
    """Return what came of it, in one line."""
    if shutil.which("curl") is None:
        return "skipped: curl is not installed"
    (home / "application.py").write_text(APPLICATION, "utf-8")
    port = free_port()
    options = ["--http", "h11", "--port", str(port), "--log-level", "error", "--lifespan", "off"]
    program = run_as_h11(python, policy, "-m", "uvicorn", "application:app", *options)
    with started(program, home, port):
        for arguments, body, expected in CURLED:
            told = [argument.format(f"http://127.0.0.1:{port}") for argument in arguments]
            command = ["curl", "-sS", "--max-time", "30", "-w", "%{stderr}%{num_connects}\n", *told]
            done = subprocess.run(command, input=body, capture_output=True, check=False)
            # Of several answers, only the first one takes a connection.
            connects = sum(map(int, done.stderr.split()))
            if f"{done.stdout.decode()}{connects}\n" != expected:
                raise SystemExit(f"{' '.join(told)}: expected {expected!r}, got {done.stdout!r} and {done.stderr!r}")
    return f"{len(CURLED)} runs of curl"


def httpx_talks_to_nginx(python: str, home: Path, policy: PolicyName) -> str:
    """Return what came of it, in one line."""
    nginx = shutil.which("nginx")
    if nginx is None:
        return "skipped: nginx is not installed"
    files = home / "files"
    files.mkdir(exist_ok=True)
    (files / "small").write_text("hello\n", "utf-8")
    (files / "large").write_bytes(b"0123456789" * 50_000)
    (home / "client.py").write_text(CLIENT, "utf-8")
    port = free_port()
    (home / "nginx.conf").write_text(NGINX.format(home=home, port=port), "utf-8")
    with started([nginx, "-p", str(home), "-c", str(home / "nginx.conf")], home, port):
        client = run_as_h11(python, policy, str(home / "client.py"), f"http://127.0.0.1:{port}")
        done = subprocess.run(client, env=environment(), capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        raise SystemExit(f"httpx did not get on with nginx:\n{done.stderr}")
    return f"{done.stdout.strip()} requests"


def uvicorn_passes_over_an_empty_line(python: str, home: Path, policy: PolicyName) -> str:
    """Return what came of an empty line after the last request, while the application works on it, in one line."""
    (home / "waiting.py").write_text(WAITING_APPLICATION, "utf-8")
    port = free_port()
    options = ["--http", "h11", "--port", str(port), "--log-level", "error", "--lifespan", "off"]
    program = run_as_h11(python, policy, "-m", "uvicorn", "waiting:app", *options)
    with started(program, home, port):
        for request in LAST_REQUESTS:
            with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as sock:
                sock.sendall(request)
                engine = answer_to(port, "/working")
                if engine != b"http11.compat":
                    raise SystemExit(f"uvicorn runs on {engine!r}")
                sock.sendall(b"\r\n")
                response = http.client.HTTPResponse(sock)
                response.begin()
                got = (response.status, response.read())
            if got != (200, b"done"):
                raise SystemExit(f"uvicorn ({policy}) answers {request!r} and a late empty line with {got!r}")
    return f"{len(LAST_REQUESTS)} requests"


def answer_to(port: int, target: str) -> bytes:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        client.request("GET", target)
        return client.getresponse().read()
    finally:
        client.close()


def httpx_gets_each_answer(python: str, home: Path, policy: PolicyName) -> str:
    """Return what came of servers that send more than they were asked for, in one line."""
    return f"{ran(python, home, policy, ASKING)} servers"


def httpx_goes_through_tunnels(python: str, home: Path, policy: PolicyName) -> str:
    """Return what came of proxies that say a length in their 2xx to CONNECT, in one line."""
    return f"{ran(python, home, policy, TUNNELLING)} proxies"


def requests_beside_niquests(python: str, home: Path, policy: PolicyName) -> str:
    """Return what came of requests and niquests in one process, on urllib3-future, in one line."""
    return f"{ran(python, home, policy, BOTH)} connections"


def ran(python: str, home: Path, policy: PolicyName, program: str) -> str:
    """Run a program that prints which engine it has, and how much it has tried; return the latter."""
    (home / "program.py").write_text(program, "utf-8")
    command = run_as_h11(python, policy, str(home / "program.py"))
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        raise SystemExit(f"a client ({policy}) did not get what it should have:\n{done.stderr}")
    engine, count = done.stdout.split()
    if engine != "http11.compat":
        raise SystemExit(f"a client runs on {engine}")
    return count


def run_as_h11(python: str, policy: PolicyName, *program: str) -> list[str]:
    return [python, "-m", "http11", "run-as-h11", "--policy", policy, *program]


def environment() -> dict[str, str]:
    # The root for `tests.unasked`, whose servers run beside httpx.
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def started(command: Sequence[str], home: Path, port: int) -> Iterator[None]:
    """Run a server for as long as the context lasts, from when it listens on."""
    with (home / "server.log").open("w+") as log:
        server = subprocess.Popen(command, cwd=home, env=environment(), stdout=log, stderr=log)
        try:
            while not listens(port):
                if server.poll() is not None:
                    log.seek(0)
                    raise SystemExit(f"{' '.join(command)} has ended:\n{log.read()}")
                time.sleep(0.05)
            yield
        finally:
            server.terminate()
            server.wait(30)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


LIVE: Final[Mapping[Environment, Mapping[str, Callable[[str, Path, PolicyName], str]]]] = {
    SHARED: {
        "uvicorn serves curl": uvicorn_serves_curl,
        "uvicorn passes over a late empty line": uvicorn_passes_over_an_empty_line,
        "httpx talks to nginx": httpx_talks_to_nginx,
        "httpx gets each answer of servers that send too much": httpx_gets_each_answer,
        "httpx goes through tunnels with a length": httpx_goes_through_tunnels,
    },
    NIQUESTS: {"requests gets answers beside niquests": requests_beside_niquests},
}
"""Each takes an interpreter of the environment, a directory and a policy, and returns what came of it."""
