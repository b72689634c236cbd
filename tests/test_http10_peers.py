"""Connections that HTTP/1.0 keeps alive, with programs that we did not write: `Policy.keep_alive_in_http10`, DR-5.

Each test asserts that a connection was used again, or that none was: by what the peer counts, or by what we accepted.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from http11 import (
    CLIENT,
    DONE,
    H11,
    MUST_CLOSE,
    SERVER,
    STRICT,
    Data,
    Policy,
    Request,
    Response,
)
from tests.test_examples import running
from tests.test_peers import (
    END,
    TIMEOUT,
    UNTIL_CLOSE,
    Handler,
    Handler10,
    Http11Server,
    Respond,
    answering,
    curl,
    echo,
    http11_client,
    http11_server,
    http_server,
    needs_curl,
    ok,
    plain,
    serving,
)

pytestmark = pytest.mark.no_cover

KEEPING = Policy(keep_alive_in_http10=True)
POLICIES = {"open": KEEPING, "closed": STRICT, "h11": H11}

# Where a user's PATH may have no servers.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"])


def program(name: str) -> str | None:
    return shutil.which(name, path=PATH)


# --- ApacheBench ------------------------------------------------------------------------------------------------------

AB = program("ab")
needs_ab = pytest.mark.skipif(AB is None, reason="ab, ApacheBench, is not installed")

REQUESTS = 40


def ab(port: int, *arguments: str, concurrency: int = 2) -> dict[str, int]:
    """Run ApacheBench, and return what it has counted."""
    assert AB is not None
    command = [AB, "-q", "-n", str(REQUESTS), "-c", str(concurrency), *arguments, f"http://127.0.0.1:{port}/path"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=6 * TIMEOUT, check=True)
    # Such as "Failed requests:        0".
    return {name: int(count) for name, count in re.findall(r"^([A-Z][-\w ]+):\s+(\d+)$", done.stdout, re.MULTILINE)}


def brought(server: Http11Server) -> list[int]:
    """Return how many requests each connection brought, without those that were opened for none."""
    counts = [sum(isinstance(event, Request) for event in events) for events in server.connections]
    return [count for count in counts if count]


@needs_ab
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_ab_keeps_its_connections(policy: Policy) -> None:
    with http11_server(echo, policy) as server:
        counted = ab(server.port, "-k")
    assert (counted["Complete requests"], counted["Failed requests"]) == (REQUESTS, 0)
    assert all(request.http_version == b"1.0" for request in server.requests)
    assert len(server.requests) == REQUESTS
    if policy is KEEPING:
        assert counted["Keep-Alive requests"] == REQUESTS
        assert len(brought(server)) <= 2
    else:
        assert counted["Keep-Alive requests"] == 0
        assert brought(server) == [1] * REQUESTS


@needs_ab
def test_ab_posts(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"x" * 3000)
    with http11_server(echo, KEEPING) as server:
        counted = ab(server.port, "-k", "-p", str(tmp_path / "body"), "-T", "text/plain")
    assert (counted["Keep-Alive requests"], counted["Failed requests"]) == (REQUESTS, 0)
    assert len(brought(server)) <= 2
    bodies = [event.data for events in server.connections for event in events if isinstance(event, Data)]
    assert b"".join(bodies) == b"x" * 3000 * REQUESTS


@needs_ab
def test_ab_asks_for_heads() -> None:
    with http11_server(answering(ok(("Content-Length", "10")), END), KEEPING) as server:
        counted = ab(server.port, "-k", "-i")
    assert (counted["Keep-Alive requests"], counted["Failed requests"]) == (REQUESTS, 0)
    assert len(brought(server)) <= 2


@needs_ab
@pytest.mark.parametrize(
    ("respond", "arguments"),
    [(UNTIL_CLOSE, ["-k"]), (answering(*plain(b"!", ("Connection", "close"))), ["-k"]), (echo, [])],
    ids=["until-close", "we-close", "not-asked-for"],
)
def test_ab_opens_another_connection_where_there_is_no_agreement(respond: Respond, arguments: list[str]) -> None:
    with http11_server(respond, KEEPING) as server:
        counted = ab(server.port, *arguments)
    assert (counted["Complete requests"], counted["Failed requests"]) == (REQUESTS, 0)
    # Without -k it counts none.
    assert counted.get("Keep-Alive requests", 0) == 0
    assert brought(server) == [1] * REQUESTS


@needs_ab
def test_ab_keeps_its_connections_to_an_example() -> None:
    with running("asyncio_server", "--http10-keep-alive") as port:
        counted = ab(port, "-k")
    assert (counted["Complete requests"], counted["Failed requests"]) == (REQUESTS, 0)
    assert counted["Keep-Alive requests"] == REQUESTS


# --- curl -------------------------------------------------------------------------------------------------------------


@needs_curl
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_curl_keeps_the_connection_in_http10(policy: Policy) -> None:
    with http11_server(echo, policy) as server:
        ask = ["--http1.0", "-H", "Connection: keep-alive", "-w", "|%{num_connects}|"]
        done = curl(server, *ask, targets=["/1", "/2"])
    again = 0 if policy is KEEPING else 1
    assert done == (0, b"GET /1 |1|GET /2 |%d|" % again, "")
    assert len(server.connections) == 1 + again
    assert [request.http_version for request in server.requests] == [b"1.0"] * 2


# --- gateways that speak HTTP/1.0 to a server -------------------------------------------------------------------------

HAPROXY = program("haproxy")
NGINX = program("nginx")
needs_haproxy = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@contextlib.contextmanager
def started(command: list[str], sockets: Sequence[int] = ()) -> Iterator[None]:
    """Run a program for as long as the block takes; what it wrote is shown if the block fails."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=sockets) as process:
        try:
            yield
        except BaseException as error:
            process.kill()
            error.add_note(process.communicate()[0].decode("utf-8", "replace"))
            raise
        process.terminate()
        process.communicate(timeout=TIMEOUT)


HAPROXY_CONFIGURATION = """
global
    stats socket fd@{statistics}
defaults
    mode http
    timeout connect {timeout}s
    timeout client {timeout}s
    timeout server {timeout}s
frontend front
    bind fd@{listener}
    default_backend back
backend back
    http-reuse always
    {check}
    server ours 127.0.0.1:{port} {checked}
"""


class BehindHAProxy(Http11Server):
    """HAProxy resets a connection that it does not need any more: that is no failure of ours."""

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


@contextlib.contextmanager
def server_behind_haproxy(policy: Policy) -> Iterator[Http11Server]:
    server = BehindHAProxy(echo, policy)
    with serving(server):
        yield server
    assert server.failures == []


class HAProxy(NamedTuple):
    """One that runs, and takes requests at `port`."""

    port: int
    statistics_port: int

    def statistics(self) -> dict[str, str]:
        """Return what it has counted of our server."""
        with socket.create_connection(("127.0.0.1", self.statistics_port), timeout=TIMEOUT) as sock:
            sock.sendall(b"show stat\n")
            with sock.makefile() as file:
                rows = csv.DictReader(io.StringIO(file.read().removeprefix("# ")))
        (row,) = [row for row in rows if row["svname"] == "ours"]
        return row


@contextlib.contextmanager
def haproxy(home: Path, port: int, check: str = "") -> Iterator[HAProxy]:
    """Run HAProxy in front of the server at `port`."""
    assert HAPROXY is not None
    # It gets sockets that listen already, so that nobody has to wait for it.
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("127.0.0.1", 0)) as statistics:
        configuration = HAPROXY_CONFIGURATION.format(
            statistics=statistics.fileno(),
            timeout=int(TIMEOUT),
            listener=listener.fileno(),
            check=check,
            port=port,
            checked="check inter 50ms" if check else "",
        )
        (home / "haproxy.cfg").write_text(configuration)
        command = [HAPROXY, "-db", "-f", str(home / "haproxy.cfg")]
        with started(command, [listener.fileno(), statistics.fileno()]):
            yield HAProxy(listener.getsockname()[1], statistics.getsockname()[1])


@needs_ab
@needs_haproxy
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_haproxy_speaks_http10_for_http10_clients(tmp_path: Path, policy: Policy) -> None:
    with server_behind_haproxy(policy) as server, haproxy(tmp_path, server.port) as front:
        counted = ab(front.port, "-k", concurrency=1)
        statistics = front.statistics()
    assert (counted["Complete requests"], counted["Failed requests"]) == (REQUESTS, 0)
    # Its own client keeps its connection to HAProxy, whatever we do.
    assert counted["Keep-Alive requests"] == REQUESTS
    # What it asks us in, and for.
    assert {request.http_version for request in server.requests} == {b"1.0"}
    assert {request.headers.get("Connection") for request in server.requests} == {b"keep-alive"}
    connections = 1 if policy is KEEPING else REQUESTS
    assert len(server.connections) == connections
    assert (int(statistics["connect"]), int(statistics["reuse"])) == (connections, REQUESTS - connections)


@needs_ab
@needs_haproxy
@pytest.mark.parametrize("keeping", [True, False])
def test_haproxy_keeps_its_connections_to_an_example(tmp_path: Path, keeping: bool) -> None:
    options = ["--http10-keep-alive"] if keeping else []
    with running("asyncio_server", *options) as port, haproxy(tmp_path, port) as front:
        counted = ab(front.port, "-k", concurrency=1)
        statistics = front.statistics()
    assert (counted["Complete requests"], counted["Failed requests"]) == (REQUESTS, 0)
    connections = 1 if keeping else REQUESTS
    assert (int(statistics["connect"]), int(statistics["reuse"])) == (connections, REQUESTS - connections)


@needs_curl
@needs_haproxy
def test_haproxy_mixes_versions_on_one_connection(tmp_path: Path) -> None:
    with http11_server(echo, KEEPING) as server, haproxy(tmp_path, server.port) as front:
        answers = [
            curl(front, *arguments, targets=[target])
            for target, arguments in (("/1", ["--http1.0"]), ("/2", ["--http1.1"]), ("/3", ["--http1.0"]))
        ]
    assert answers == [(0, b"GET /%d " % number, "") for number in (1, 2, 3)]
    assert [request.http_version for request in server.requests] == [b"1.0", b"1.1", b"1.0"]
    assert len(server.connections) == 1


@needs_haproxy
def test_the_health_checks_of_haproxy_ask_for_nothing(tmp_path: Path) -> None:
    check = "option httpchk GET /check HTTP/1.0"
    with server_behind_haproxy(KEEPING) as server, haproxy(tmp_path, server.port, check) as front:
        until = time.monotonic() + TIMEOUT
        while len(server.requests) < 3:
            assert time.monotonic() < until
            time.sleep(0.01)
        status = front.statistics()["check_status"]
    # With a star while another one is under way.
    assert status.removeprefix("* ") == "L7OK"
    assert all(request.http_version == b"1.0" for request in server.requests)
    assert all(request.headers.get("Connection") is None for request in server.requests)
    assert set(brought(server)) == {1}


NGINX_CONFIGURATION = """
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
    upstream ours {{
        server 127.0.0.1:{port};
        keepalive 4;
    }}
    server {{
        listen 127.0.0.1:{front};
        location / {{
            proxy_pass http://ours;
            # As it does by itself before 1.29.7.
            proxy_http_version 1.0;
            proxy_set_header Connection "Keep-Alive";
        }}
    }}
}}
"""


class Front(NamedTuple):
    port: int


@contextlib.contextmanager
def nginx(home: Path, port: int) -> Iterator[Front]:
    """Run nginx in front of the server at `port`, to which it speaks HTTP/1.0 and asks for keep-alive."""
    assert NGINX is not None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        front = listener.getsockname()[1]
    (home / "nginx.conf").write_text(NGINX_CONFIGURATION.format(home=home, port=port, front=front))
    with started([NGINX, "-p", str(home), "-c", str(home / "nginx.conf"), "-e", str(home / "nginx.log")]):
        wait_for(front)
        yield Front(front)


def wait_for(port: int) -> None:
    until = time.monotonic() + TIMEOUT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT).close()
        except ConnectionRefusedError:
            assert time.monotonic() < until
            time.sleep(0.01)
        else:
            return


@needs_curl
@needs_nginx
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_nginx_keeps_its_connections_in_http10(tmp_path: Path, policy: Policy) -> None:
    with http11_server(echo, policy) as server, nginx(tmp_path, server.port) as front:
        gets = curl(front, targets=["/1", "/2", "/3"])
        post = curl(front, "--data", "hello")
    assert (gets, post) == ((0, b"GET /1 GET /2 GET /3 ", ""), (0, b"POST / hello", ""))
    assert {request.http_version for request in server.requests} == {b"1.0"}
    assert {request.headers.get("Connection") for request in server.requests} == {b"Keep-Alive"}
    assert len(server.connections) == (1 if policy is KEEPING else 4)


# --- a client, against http.server in HTTP/1.0 ------------------------------------------------------------------------


class KeepingHandler(Handler10):
    """Answers in HTTP/1.0, and keeps the connection where it is asked to."""

    connections = 0

    def setup(self) -> None:
        super().setup()
        KeepingHandler.connections += 1

    def end_headers(self) -> None:
        if self.headers["Connection"] == "keep-alive":
            # `http.server` goes by this field.
            self.send_header("Connection", "keep-alive")
        super().end_headers()


ASK = ("Connection", "keep-alive")


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_a_client_uses_the_connection_again(policy: Policy) -> None:
    KeepingHandler.connections = 0
    with http_server(KeepingHandler) as port:
        asked = 0
        while asked < 5:
            with http11_client(port, policy) as client:
                # Over one connection for as long as it is said to go on.
                while asked < 5 and client.connection.our_state != MUST_CLOSE:
                    asked += 1
                    body = b"x" * asked
                    head, *rest = client.ask("POST", "/", ("Content-Length", str(asked)), ASK, body=[body])
                    assert isinstance(head, Response)
                    assert (head.http_version, head.headers.get("Connection")) == (b"1.0", b"keep-alive")
                    assert rest == [Data(body), END]
    assert [seen.body for seen in Handler.seen] == [b"x" * size for size in range(1, 6)]
    assert KeepingHandler.connections == (1 if policy is KEEPING else 5)


@pytest.mark.parametrize(
    ("method", "target", "fields", "state"),
    [
        ("HEAD", "/echo", [ASK], DONE),
        ("GET", "/no-content", [ASK], DONE),
        ("GET", "/not-modified", [ASK], DONE),
        ("GET", "/echo", [], MUST_CLOSE),
        ("GET", "/echo", [("Connection", "close")], MUST_CLOSE),
    ],
)
def test_a_client_keeps_what_has_an_end(method: str, target: str, fields: list[tuple[str, str]], state: str) -> None:
    KeepingHandler.connections = 0
    with http_server(KeepingHandler) as port, http11_client(port, KEEPING) as client:
        client.ask(method, target, *fields)
        assert client.connection.states == {CLIENT: state, SERVER: state}
        if state == DONE:
            assert client.ask("GET", "/echo", ASK)[1:] == [END]
    assert KeepingHandler.connections == 1
    assert len(Handler.seen) == (2 if state == DONE else 1)


def test_a_client_does_not_keep_what_goes_on_until_close() -> None:
    class UntilClose(KeepingHandler):
        def until_close(self) -> None:
            # It says both that it goes on and, by having no length, that it does not.
            self.head(200)
            self.wfile.write(b"all")
            self.close_connection = True

    with http_server(UntilClose) as port, http11_client(port, KEEPING) as client:
        head, body, end = client.ask("GET", "/until-close", ASK)
        states = client.connection.states
    assert isinstance(head, Response)
    assert head.headers.get("Connection") == b"keep-alive"
    assert (body, end) == (Data(b"all"), END)
    assert states == {CLIENT: MUST_CLOSE, SERVER: MUST_CLOSE}
