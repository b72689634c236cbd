"""A client that pipelines against real servers: all requests are written before the first answer is read."""

from __future__ import annotations

import gzip
import http.server
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import pytest

from http11 import NEED_DATA, Data, EndOfMessage, InformationalResponse, RemoteProtocolError, Request, Response
from http11.pipelining import AnswerEvent, Pipeline
from tests.test_readme import free_port

pytestmark = pytest.mark.no_cover

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@attrs.frozen
class Server:
    port: int
    name: bytes


@attrs.define
class Answer:
    """What came for a request, put together."""

    status: int = 0
    body: bytes = b""
    whole: bool = False


def talk(server: Server, pipeline: Pipeline, requests: Sequence[tuple[Request, bytes]]) -> list[Answer]:
    """Write all requests, then read until nothing more comes, or all is answered."""
    answers = [Answer() for _ in requests]
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as sock:
        to_write = b""
        for request, body in requests:
            to_write += pipeline.send(request)
            if body:
                to_write += pipeline.send(Data(body))
            to_write += pipeline.send(EndOfMessage())
        sock.sendall(to_write)
        try:
            while pipeline.unanswered:
                event = pipeline.next_event()
                if event is NEED_DATA:
                    pipeline.receive_data(sock.recv(4096))
                    continue
                assert isinstance(event, AnswerEvent)
                assert event.request is requests[event.number][0]
                answer = answers[event.number]
                match event.event:
                    case Response(status_code=status, headers=headers):
                        assert server.name in headers.get("Server", b"")
                        answer.status = status
                    case Data(data):
                        answer.body += data
                    case EndOfMessage():
                        answer.whole = True
                    case InformationalResponse():
                        pytest.fail("expected no interim response to what does not ask for one")
        except RemoteProtocolError:
            assert pipeline.unanswered
    return answers


def get(target: str, method: str = "GET", *fields: tuple[str, str]) -> tuple[Request, bytes]:
    return Request(method=method, target=target, headers=[("Host", "localhost"), *fields]), b""


def put(target: str, body: bytes) -> tuple[Request, bytes]:
    return Request(method="PUT", target=target, headers=[("Host", "a"), ("Content-Length", str(len(body)))]), body


# --- the standard library ---------------------------------------------------------------------------------------------


class Handler(http.server.BaseHTTPRequestHandler):
    """Says what it was asked; with a length, or in chunks, or until it closes."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = f"{self.command} {self.path} ".encode() + body
        self.send_response(404 if self.path == "/missing" else 200)
        chunked, last = self.path == "/chunked", self.path in ("/close", "/until-close")
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif self.path != "/until-close":
            self.send_header("Content-Length", str(len(said)))
        if last:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(said), said) if chunked else said)

    do_GET = do_HEAD = do_PUT = do_DELETE = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def standard() -> Iterator[Server]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = False
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Server(server.server_address[1], b"Python")
        server.shutdown()
        thread.join()


def test_the_standard_library_answers_in_order(standard: Server) -> None:
    requests = [
        get("/1"),
        get("/2", "HEAD"),
        put("/3", b"hello"),
        get("/chunked"),
        get("/missing"),
        get("/chunked", "HEAD"),
        get("/4", "DELETE"),
        put("/5", b""),
    ]
    pipeline = Pipeline()
    answers = talk(standard, pipeline, requests)
    assert [(answer.status, answer.body) for answer in answers] == [
        (200, b"GET /1 "),
        (200, b""),
        (200, b"PUT /3 hello"),
        (200, b"GET /chunked "),
        (404, b"GET /missing "),
        (200, b""),
        (200, b"DELETE /4 "),
        (200, b"PUT /5 "),
    ]
    assert all(answer.whole for answer in answers)
    assert pipeline.their_state == "IDLE"


@pytest.mark.parametrize("target", ["/close", "/until-close"])
def test_what_the_standard_library_does_not_answer_is_asked_again(standard: Server, target: str) -> None:
    requests = [get("/1"), get(target), get("/2"), get("/3", "HEAD")]
    pipeline = Pipeline()
    answers = talk(standard, pipeline, requests)
    assert [(answer.status, answer.whole) for answer in answers] == [(200, True), (200, True), (0, False), (0, False)]
    assert pipeline.retryable == pipeline.unanswered == (requests[2][0], requests[3][0])
    again = [talk(standard, Pipeline(first_alone=True), [(request, b"")])[0] for request in pipeline.retryable]
    assert [(answer.status, answer.body) for answer in again] == [(200, b"GET /2 "), (200, b"")]


# --- nginx ------------------------------------------------------------------------------------------------------------

CONFIGURATION = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    default_type text/plain;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    keepalive_requests 20;
    server {{
        listen 127.0.0.1:{port};
        root {directory}/files;
        location /said {{ return 200 "$request_method $uri"; }}
        location /empty {{ return 204; }}
        location /close {{ keepalive_timeout 0; return 200 "last"; }}
        # What is compressed while it is sent has no length, and goes in chunks.
        location /chunked {{ alias {directory}/files/; gzip on; gzip_types *; gzip_min_length 1; }}
    }}
}}
"""
LARGE = b"0123456789abcdef" * 20000


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if NGINX is None:
        pytest.skip("nginx is not installed: apt-get install nginx")
    directory = tmp_path_factory.mktemp("nginx")
    (directory / "files").mkdir()
    (directory / "files" / "large").write_bytes(LARGE)
    (directory / "files" / "greeting").write_bytes(b"hello there")
    port = free_port()
    configuration = directory / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(directory=directory, port=port), "utf-8")
    # What it says before it has read where to log.
    command = [NGINX, "-e", str(directory / "error.log"), "-c", str(configuration), "-p", str(directory)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            wait_for(process, port, directory)
            yield Server(port, b"nginx")
        finally:
            process.terminate()


def wait_for(process: subprocess.Popen[bytes], port: int, directory: Path) -> None:
    """Wait until it listens."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=30).close()
        except ConnectionRefusedError:
            assert process.poll() is None, (directory / "error.log").read_text("utf-8")
            time.sleep(0.01)
        else:
            return


def test_nginx_answers_in_order(nginx: Server) -> None:
    requests = [
        get("/said/1"),
        get("/large", "HEAD"),
        get("/large"),
        get("/empty"),
        get("/chunked/greeting", "GET", ("Accept-Encoding", "gzip")),
        get("/nothing"),
        get("/large", "GET", ("Range", "bytes=16-18")),
        get("/said/2", "DELETE"),
    ]
    pipeline = Pipeline()
    answers = talk(nginx, pipeline, requests)
    statuses = [answer.status for answer in answers]
    assert statuses == [200, 200, 200, 204, 200, 404, 206, 200]
    assert [answer.body for answer in answers[:4]] == [b"GET /said/1", b"", LARGE, b""]
    assert gzip.decompress(answers[4].body) == b"hello there"
    assert [answer.body for answer in answers[6:]] == [b"012", b"DELETE /said/2"]
    assert all(answer.whole for answer in answers)


def test_what_nginx_does_not_answer_is_asked_again(nginx: Server) -> None:
    requests = [get("/said/1"), get("/close"), get("/said/2"), get("/said/3", "HEAD")]
    pipeline = Pipeline()
    answers = talk(nginx, pipeline, requests)
    assert [answer.status for answer in answers] == [200, 200, 0, 0]
    assert pipeline.retryable == pipeline.unanswered == (requests[2][0], requests[3][0])
    [answer] = talk(nginx, Pipeline(first_alone=True), [(pipeline.retryable[0], b"")])
    assert answer.body == b"GET /said/2"


def test_nginx_closes_after_as_many_requests_as_it_is_told_to(nginx: Server) -> None:
    # Each connection has twenty: the answer to the last one says close.
    left = [get(f"/said/{number}") for number in range(50)]
    bodies: list[bytes] = []
    while left:
        answers = talk(nginx, Pipeline(100), left)
        whole = [answer for answer in answers if answer.whole]
        assert len(whole) == min(20, len(left))
        bodies += [answer.body for answer in whole]
        left = left[len(whole) :]
    assert bodies == [b"GET /said/%d" % number for number in range(50)]
