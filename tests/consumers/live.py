"""http11 in h11's place, live: uvicorn serves curl, and httpx talks to nginx.

Both are started by ``python -m http11 run-as-h11``, as a user would start them.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.consumers.projects import PolicyName

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


def run_as_h11(python: str, policy: PolicyName, *program: str) -> list[str]:
    return [python, "-m", "http11", "run-as-h11", "--policy", policy, *program]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "src")}


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
