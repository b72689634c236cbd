"""Guards for speed that count, and never time: they fail on any machine, or on none.

The counts that the engine is held to are in `tests/benchmarks/counts.json`. After a change that is meant, write them
anew, on each version of Python that has some there: ``python -m tests.benchmarks.counts --write``.
"""

from __future__ import annotations

import json
import os
import platform
import random
import subprocess
import sys
from functools import cache
from typing import Final, get_args

import pytest

from http11 import CLIENT, SERVER, Connection, Data, EndOfMessage, Request, Role
from tests.benchmarks import counts, idle
from tests.benchmarks.contenders import Http11
from tests.benchmarks.workloads import browser_get, fresh_exchange
from tests.harness import send_any

# More than this means that something does more. The counts do not vary, but patch releases of Python may differ a bit.
MARGIN: Final = 1.03
# Less than this means that the kept counts guard nothing any more.
SLACK: Final = 0.75
# To a version that has no counts, those of others are no more than a hint.
UNKNOWN: Final = 1.5

# h11 0.16 takes 856 and 893 bytes.
IDLE_BYTES: Final = {"new": 400, "kept": 860}

on_cpython = pytest.mark.skipif(
    platform.python_implementation() != "CPython", reason="instructions are those of CPython"
)


def counted(*arguments: str, before: str = "") -> counts.Counts:
    """Count in a process that no other test, and no other tracer, has been in."""
    program = f"{before}\nfrom tests.benchmarks.counts import main\nmain({arguments!r})"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
        env={**environment, "PYTHONHASHSEED": "0"},
    )
    found: counts.Counts = json.loads(done.stdout)
    return found


@cache
def now() -> counts.Counts:
    return counted()


def ceiling(workload: str, sort: counts.Sort) -> float:
    kept = counts.kept()
    if counts.VERSION in kept:
        return kept[counts.VERSION][workload][sort] * MARGIN
    return max(of_version[workload][sort] for of_version in kept.values()) * UNKNOWN


@on_cpython
@pytest.mark.parametrize("sort", get_args(counts.Sort))
@pytest.mark.parametrize("workload", counts.COUNTED)
def test_a_message_costs_no_more_than_it_did(workload: str, sort: counts.Sort) -> None:
    assert now()[workload][sort] <= ceiling(workload, sort)


@on_cpython
@pytest.mark.skipif(counts.VERSION not in counts.kept(), reason="nothing is kept for this version of Python")
def test_the_kept_counts_are_close_enough_to_guard_something() -> None:
    kept = counts.kept()[counts.VERSION]
    found = now()
    assert kept.keys() == found.keys()
    gone_stale = {
        (workload, sort): (of_sort[sort], found[workload][sort])
        for workload, of_sort in kept.items()
        for sort in of_sort
        if found[workload][sort] < SLACK * of_sort[sort]
    }
    assert not gone_stale, "better than what is kept: python -m tests.benchmarks.counts --write"


LOOK_AT_EACH_BYTE: Final = """
receive = http11.Connection.receive_data
def looking(connection, data):
    for byte in data:
        pass
    receive(connection, data)
http11.Connection.receive_data = looking
"""


@on_cpython
@pytest.mark.parametrize(
    ("workload", "worse"),
    [
        ("1 KiB POST", "http11.grammar.usual_request_head = lambda fields: re.compile(b'(?!)')"),
        ("client, API response", "http11.grammar.usual_response_head = lambda fields: re.compile(b'(?!)')"),
        ("GET in 16-byte pieces", "http11.scanning.can_go_on = http11.connection.can_go_on = lambda policy: False"),
        ("small GET", "http11.connection._MOST_KEPT_BYTES = 0"),
        ("small GET", "http11.headers.MOST_KNOWN = 0"),
        ("small GET", LOOK_AT_EACH_BYTE),
    ],
    ids=[
        "no request is usual",
        "no response is usual",
        "no piece goes on",
        "no head is kept",
        "no names are known",
        "another look at 74 bytes",
    ],
)
def test_a_guard_fails_when_the_engine_does_more(workload: str, worse: str) -> None:
    found = counted("--only", workload, before=f"import re, http11\n{worse}")[workload]
    assert found["instructions"] > ceiling(workload, "instructions")


@on_cpython
def test_the_counts_are_the_same_each_time() -> None:
    workload = "browser GET, identical"
    assert counted("--only", workload)[workload] == counted("--only", workload)[workload]


@on_cpython
@pytest.mark.parametrize("state", get_args(idle.State))
def test_an_idle_connection_is_small(state: idle.State) -> None:
    assert idle.traced(idle.made(Http11(), state), 1000) <= IDLE_BYTES[state]


@on_cpython
def test_connections_that_have_been_busy_are_small_on_the_average() -> None:
    """Some keep the last head that they have read, but not many."""
    exchange = browser_get(random.Random(0))

    def kept() -> object:
        connection = Http11().server()
        for _ in range(3):
            Http11().serve(connection, [fresh_exchange(exchange)])
        return connection

    assert idle.traced(kept, 1000) <= IDLE_BYTES["kept"]
    assert idle.traced(kept, 50) > 2 * IDLE_BYTES["kept"]


PIECE: Final = b"a" * 65536


def body_pieces(connection: Connection[Role], pieces: list[bytes]) -> list[object]:
    """Return the payloads that each of the pieces becomes."""
    found: list[object] = []
    for piece in pieces:
        connection.receive_data(piece)
        while isinstance(event := connection.next_event(), Data):
            found.append(event.data)
    return found


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 262144\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n40000\r\n",
    ],
    ids=["length", "chunked"],
)
@pytest.mark.parametrize("role", [CLIENT, SERVER])
def test_a_piece_that_is_all_body_is_passed_on_as_it_is(role: Role, fields: bytes) -> None:
    connection: Connection[Role] = Connection(role)
    start = b"POST / HTTP/1.1\r\nHost: a\r\n"
    if role == CLIENT:
        send_any(connection, Request(method="GET", target="/", headers=[("Host", "a")]))
        send_any(connection, EndOfMessage())
        start = b"HTTP/1.1 200 OK\r\n"
    connection.receive_data(start + fields)
    connection.next_event()
    connection.next_event()
    found = body_pieces(connection, [PIECE] * 4)
    assert len(found) == 4
    assert all(data is PIECE for data in found)


def test_a_payload_that_is_sent_is_passed_on_as_it_is() -> None:
    connection = Connection(CLIENT)
    connection.send(Request(method="POST", target="/", headers=[("Host", "a"), ("Content-Length", "65536")]))
    (sent,) = connection.send_with_data_passthrough(Data(PIECE))
    assert sent is PIECE
