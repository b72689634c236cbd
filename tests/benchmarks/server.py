"""uvicorn on loopback with h11, with builds of http11 by `http11.uvicorn`, with httptools, and with zttp.

    python -m pip install -e . --group bench
    python -m tests.benchmarks.server --compiled auto            the table
    python -m tests.benchmarks.server --compiled auto --docs     and the data and the page's table in docs/

`--compiled WHEEL` takes a wheel that is there, and `--before CHECKOUT` measures the sources of another checkout too.

Each server is a process of its own, and so is the one that asks. It keeps some connections busy, with one request at a
time on each, reads every answer in full and checks it. The servers stay up, and rounds are interleaved: in each, every
server gets the same requests, in random order of servers; ratios are taken within a round.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast, get_args

import attrs

from tests.benchmarks import builds, report
from tests.benchmarks.footprint import wheels
from tests.benchmarks.measure import Spread, ratios
from tests.benchmarks.workloads import WORKLOADS, Exchange, request_bytes

DATA: Final = builds.ROOT / "docs" / "performance-server.json"

Engine: TypeAlias = Literal["h11", "http11 before", "http11 interpreted", "http11 compiled", "httptools", "zttp"]
ENGINES: Final[tuple[Engine, ...]] = get_args(Engine)
BASELINE: Final[Engine] = "h11"
BEST: Final[Engine] = "httptools"
ASKED: Final = ("small GET", "browser GET, all different")
_TIMEOUT: Final = 30

# --- a server -------------------------------------------------------------------------------------------------------


def protocol_on_http11(engine: Engine, directory: Path) -> str:
    """Return what uvicorn is to have as `http`, once http11 is found to be the build that is wanted.

    Raises:
        WrongBuildError: It is another one.

    """
    parsing = import_module("http11.parsing")
    is_compiled = builds.is_compiled(parsing)
    if is_compiled != (engine == "http11 compiled") or not Path(str(parsing.__file__)).is_relative_to(directory):
        raise builds.WrongBuildError(f"expected {engine} from {directory}, got {parsing.__file__}")
    if find_spec("http11.uvicorn") is not None:
        return "http11.uvicorn:HTTP11Protocol"
    # An older checkout.
    sys.modules["h11"] = import_module("http11")
    sys.modules["h11._connection"] = import_module("http11.connection")
    return "h11"


def parser_of(protocol: type, engine: Engine) -> str:
    """Return which engine parses for a protocol class of uvicorn: by what its module has, not by what was meant."""
    modules = [sys.modules[cls.__module__] for cls in protocol.__mro__]
    for parser in ("httptools", "zttp"):
        if any(hasattr(module, parser) for module in modules):
            return parser
    ours = sys.modules.get("http11.connection")
    found = [module.h11 for module in modules if hasattr(module, "h11")]
    return engine if ours is not None and issubclass(found[0].Connection, ours.Connection) else "h11"


def serve(engine: Engine, descriptor: int, directory: Path | None) -> None:
    """Serve on a listening socket until there is no more to be read from the parent: it is done, or gone."""
    http = engine if directory is None else protocol_on_http11(engine, directory)
    uvicorn = import_module("uvicorn")
    body = b""
    fields: list[tuple[bytes, bytes]] = []

    async def application(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        del scope
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": body})

    config = uvicorn.Config(
        application, http=http, loop="asyncio", ws="none", lifespan="off", log_level="warning", access_log=False
    )
    config.load()
    # Which engine it is says who answers, not who was meant to.
    body = b'{"items": [], "engine": "%b"}' % parser_of(config.http_protocol_class, engine).encode()
    fields += [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"private, max-age=60"),
        (b"x-request-id", b"0b5d6f6c-9f0e-4d0a-8a39-6a8e0f6f5c11"),
    ]
    server = uvicorn.Server(config)

    def wait() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=wait, daemon=True).start()
    server.run(sockets=[socket.socket(fileno=descriptor)])


@attrs.frozen
class Server:
    engine: Engine
    process: subprocess.Popen[bytes]
    address: tuple[str, int]

    def busy(self) -> float | None:
        """Return how many seconds of the processor it has had, where the kernel says so precisely."""
        try:
            return int(Path(f"/proc/{self.process.pid}/schedstat").read_text("ascii").split()[0]) / 1e9
        except OSError:
            return None


@contextmanager
def started(engine: Engine, directory: Path | None) -> Iterator[Server]:
    """Start a server, with http11 from a directory, or with another engine, from wherever Python finds it."""
    environment = {**os.environ}
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        command = [sys.executable, "-m", "tests.benchmarks.server", "--serve", engine, str(listener.fileno())]
        if directory is not None:
            command.append(str(directory))
            path = environment.get("PYTHONPATH")
            environment["PYTHONPATH"] = os.pathsep.join([str(directory), *([path] if path else [])])
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, pass_fds=[listener.fileno()], env=environment, cwd=builds.ROOT
        )
        address: tuple[str, int] = listener.getsockname()
    try:
        yield Server(engine, process, address)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(timeout=_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# --- who asks -------------------------------------------------------------------------------------------------------

_LENGTH: Final = re.compile(rb"\r\ncontent-length: ([0-9]+)\r\n", re.IGNORECASE)


class WrongAnswerError(Exception):
    """A server has not answered as it had to."""


class _Asker:
    """One connection: it sends a request, reads the answer in full, and sends the next."""

    def __init__(self, server: Server) -> None:
        self.sock = socket.create_connection(server.address, timeout=_TIMEOUT)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server = server
        self._received = b""

    def answered(self) -> bool:
        """Receive, and tell whether the answer is complete."""
        data = self.sock.recv(65536)
        if not data:
            raise WrongAnswerError(f"{self._server.engine} closed a connection")
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return False
        length = _LENGTH.search(head)
        if not head.startswith(b"HTTP/1.1 200 ") or length is None or len(body) > int(length[1]):
            raise WrongAnswerError(f"{self._server.engine}: {self._received!r:.500}")
        if len(body) < int(length[1]):
            return False
        if json.loads(body)["engine"] != self._server.engine:
            raise WrongAnswerError(f"expected {self._server.engine} to answer, got {body!r}")
        self._received = b""
        return True


@attrs.frozen
class Sample:
    per_second: float
    busy: float | None
    """Microseconds of the server's processor for each request."""
    asker: float
    """What part of the time the asking process was busy itself: near 1, it is what is measured."""


def ask(server: Server, requests: Sequence[bytes], connections: int) -> Sample:
    """Send all requests, over some connections, and read all answers."""
    left = iter(requests)
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        askers = [_Asker(server) for _ in range(connections)]
        for asker in askers:
            stack.callback(asker.sock.close)
            selector.register(asker.sock, selectors.EVENT_READ, asker)
        busy = server.busy()
        own = time.process_time()
        begin = time.perf_counter()
        for asker in askers:
            asker.sock.sendall(next(left))
        awaited = connections
        while awaited:
            ready = selector.select(_TIMEOUT)
            if not ready:
                raise WrongAnswerError(f"{server.engine} does not answer")
            for key, _ in ready:
                asker = cast("_Asker", key.data)
                if asker.answered():
                    request_or_none = next(left, None)
                    if request_or_none is None:
                        awaited -= 1
                    else:
                        asker.sock.sendall(request_or_none)
        spent = time.perf_counter() - begin
        own = time.process_time() - own
        end = server.busy()
    return Sample(
        per_second=round(len(requests) / spent, 1),
        busy=None if busy is None or end is None else round((end - busy) / len(requests) * 1e6, 2),
        asker=round(own / spent, 3),
    )


# --- the whole ------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Results:
    python: str
    machine: str
    rounds: int
    requests: int
    connections: int
    versions: Mapping[str, str]
    samples: Mapping[str, Mapping[str, Sequence[Sample]]]
    """By workload and engine."""


def requests_of(name: str, count: int, seed: int) -> list[bytes]:
    (workload,) = (workload for workload in WORKLOADS if workload.name == name)
    rng = random.Random(seed)
    made: list[Exchange] = [workload.make(rng) for _ in range(count)]
    return [request_bytes(exchange.ask) for exchange in made]


def run(rounds: int, requests: int, connections: int, directories: Mapping[Engine, Path]) -> Results:
    """Measure each engine that is installed; of http11, the builds whose directories are given."""
    engines = [engine for engine in ENGINES if engine in directories or find_spec(engine) is not None]
    samples: dict[str, dict[str, list[Sample]]] = {name: {engine: [] for engine in engines} for name in ASKED}
    order = random.Random(0)
    with ExitStack() as stack:
        servers = [stack.enter_context(started(engine, directories.get(engine))) for engine in engines]
        for server in servers:
            ask(server, requests_of(ASKED[0], 500, -1), connections)
        for number in range(rounds):
            for name in ASKED:
                asked = requests_of(name, requests, number)
                for server in order.sample(servers, len(servers)):
                    samples[name][server.engine].append(ask(server, asked, connections))
    return Results(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        machine=f"{platform.system()} on {platform.machine()}",
        rounds=rounds,
        requests=requests,
        connections=connections,
        versions={name: version_of(name, directories) for name in ("uvicorn", *engines)},
        samples=samples,
    )


def version_of(name: str, directories: Mapping[Engine, Path]) -> str:
    directory = {**directories}.get(cast("Engine", name))
    if directory is None:
        return metadata.version(name)
    return (builds.compiled if name == "http11 compiled" else builds.interpreted)(directory).version


def from_json(text: str) -> Results:
    found = json.loads(text)
    samples = {
        name: {engine: [Sample(**sample) for sample in of_engine] for engine, of_engine in of_name.items()}
        for name, of_name in found["samples"].items()
    }
    return Results(**{**found, "samples": samples})


def of_data(data: Path = DATA) -> dict[str, str]:
    """Return the page's section as the data has it, or that nothing has been measured."""
    return {"server": table(from_json(data.read_text("utf-8"))) if data.exists() else report.NOT_MEASURED}


def _row(name: str, engine: str, samples: Mapping[str, Sequence[Sample]]) -> list[str]:
    rates = {of: [sample.per_second for sample in values] for of, values in samples.items()}
    rate = Spread.of(rates[engine])
    # More requests are better, and less time, so the ratios are the other way round.
    times = Spread.of(ratios(rates, engine, BASELINE))
    part = Spread.of(ratios(rates, engine, BEST))
    row = [
        name,
        engine,
        f"{rate.median:,.0f} ±{rate.percent:.0f}%",
        f"**{times.median:.2f}** ±{times.percent:.0f}%",
        f"{part.median:.2f} ±{part.percent:.0f}%",
    ]
    busy = {of: [sample.busy for sample in values if sample.busy is not None] for of, values in samples.items()}
    if not busy[engine]:
        return [*row, "-", "-"]
    spent = Spread.of(busy[engine])
    less = Spread.of(ratios(busy, BASELINE, engine))
    return [*row, f"{spent.median:.0f} ±{spent.percent:.0f}%", f"**{less.median:.2f}** ±{less.percent:.0f}%"]


def table(results: Results) -> str:
    head = [
        "",
        "engine",
        "requests per second",
        "times as many as with h11",
        "times as many as with httptools",
        "microseconds of the server's processor for each",
        "h11's are how many times as many",
    ]
    rows = [
        _row(name, engine, of_name)
        for name, of_name in results.samples.items()
        for engine in sorted(of_name, key=[str(known) for known in ENGINES].index)
    ]
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    asker = max(
        sample.asker for of_name in results.samples.values() for values in of_name.values() for sample in values
    )
    return (
        f"{report.table(head, rows)}\n\n{results.python}, {results.machine}; {versions}; {results.connections} "
        f"connections, {results.rounds} interleaved rounds of {results.requests:,} requests, medians; ± is half of the "
        f"distance between the quartiles. The asking process was busy for {asker:.0%} of the time at most."
    )


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["--serve"]:
        serve(cast("Engine", arguments[1]), int(arguments[2]), Path(arguments[3]) if arguments[3:] else None)
        return
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.server",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=21, help="how many samples are taken of each (default: 21)")
    parser.add_argument("--requests", type=int, default=2000, help="how many are sent in a sample (default: 2000)")
    parser.add_argument("--connections", type=int, default=8, help="over how many connections (default: 8)")
    parser.add_argument("--compiled", metavar="WHEEL|auto", help="where http11 compiled is; auto: build it first")
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="another checkout, or its src")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured")
    parser.add_argument("--docs", action="store_true", help="write it to docs/")
    given = parser.parse_args(arguments)
    if given.requests < given.connections:
        parser.error("expected a request for each connection, at least")
    missing = [name for name in ("uvicorn", "h11", "httptools", "zttp") if find_spec(name) is None]
    if missing:
        parser.exit(1, f"{', '.join(missing)} not installed: python -m pip install --group bench\n")
    if given.compiled is None:
        print("http11 compiled is left out: --compiled does not say where it is", file=sys.stderr)
    with wheels(given.compiled, None) as found:
        directories: dict[Engine, Path] = {"http11 interpreted": builds.SOURCE}
        if found.compiled_directory is not None:
            directories["http11 compiled"] = found.compiled_directory
        if given.before is not None:
            directories["http11 before"] = builds.sources_of(given.before.resolve())
        results = run(given.rounds, given.requests, given.connections, directories)
    print(table(results))
    for path in (given.json, DATA if given.docs else None):
        if path is not None:
            path.write_text(json.dumps(attrs.asdict(results), indent=1) + "\n", "utf-8")
    if given.docs:
        report.write_pages(of_data())


if __name__ == "__main__":
    main(sys.argv[1:])
