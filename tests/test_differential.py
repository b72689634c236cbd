"""http11 against h11 and llhttp, on streams that are written, taken from the vectors, mutated, spliced and cut.

`python -m tests.differential` goes on for longer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from http11 import CLIENT, SERVER, Role
from tests.differential import __main__ as command
from tests.differential import against_llhttp, search, streams
from tests.differential.against_llhttp import Reading
from tests.differential.search import DELIBERATE, PEERS, ROLES, Tally, Verdict
from tests.differential.streams import GET, Case
from tests.harness import python
from tests.test_vectors import IDS

ROOT = Path(__file__).parent.parent
DECISIONS = (ROOT / "docs" / "decisions.md").read_text("utf-8")


@pytest.mark.no_cover
@pytest.mark.parametrize("peer", PEERS)
def test_nothing_is_left_unexplained(peer: str) -> None:
    tally = Tally(peer)
    tally.take(range(2500))
    assert tally.unexplained == []
    assert tally.streams == 5000
    # Neither side refuses so much that there would be nothing to compare.
    assert tally.both_accept > 600


def single(given: Case) -> Case:
    return attrs.evolve(given, pieces=tuple(given.data[i : i + 1] for i in range(len(given.data))))


@pytest.mark.no_cover
@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("role", ROLES)
def test_every_vector_is_explained(peer: str, role: Role) -> None:
    for seed in streams.seeds(role):
        for given in (seed, single(seed), attrs.evolve(seed, closed=True)):
            verdict = PEERS[peer](given)
            assert not verdict.unexplained, verdict.unexplained


# --- the deliberate differences -------------------------------------------------------------------------------------

POST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
EXPECTS = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"
CONNECT = b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"
UPGRADES = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"


def server(*pieces: bytes, limit: int = 16384, switch: int = 0) -> Case:
    return Case(role=SERVER, pieces=pieces, limit=limit, switch=switch)


def client(*pieces: bytes, request: bytes = GET, cycles: bool = False) -> Case:
    return Case(role=CLIENT, pieces=pieces, request=request, cycles=cycles)


EXAMPLES: dict[str, list[tuple[str, Case]]] = {
    "h11": [
        ("LN-2", server(POST + b"5;a\rb\r\nhello\r\n0\r\n\r\n")),
        ("a CR may become CRLF", client(b"\r")),
        ("LN-5", server(POST + b"5;a=" + b"b" * 100 + b"\r\nhello\r\n0\r\n\r\n", limit=100)),
        ("LN-5", server(POST + b"0\r\nx: " + b"y" * 100 + b"\r\n\r\n", limit=100)),
        ("LN-6", server(b"=")),
        ("LN-6", client(b"HTTQ")),
        ("HO-1", server(b"GET / HTTP/1.2\r\n\r\n")),
        ("ML-8, ML-9", server(b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n")),
        ("ML-8, ML-9", client(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n")),
        ("ML-8, ML-9", server(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n")),
        (
            "ML-8, ML-9",
            server(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ),
        ("FD-11", server(b"GET / HTTP/1.1\r\nHost: a\r\nx: a \t\r\n b\r\n\r\n")),
        ("a method is at most 64 bytes", server(b"M" * 65 + b" / HTTP/1.1\r\nHost: a\r\n\r\n")),
        ("Upgrade in HTTP/1.0", server(b"GET / HTTP/1.0\r\nUpgrade: x\r\n\r\n")),
        ("a refused CONNECT", server(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")),
        ("a refused CONNECT", server(CONNECT + GET, switch=404)),
        (
            "ML-18",
            client(OK[:-2] + b"Connection: close\r\n\r\n" + OK),
        ),
        ("ML-18", client(OK + OK)),
        ("ML-15", client(b"HTTP/1.1 204 \r\nTransfer-Encoding: gzip\r\n\r\n")),
        ("ML-15", client(b"HTTP/1.1 200 \r\nContent-Length: x\r\n\r\n", request=GET.replace(b"GET", b"HEAD"))),
        ("ML-15", client(b"HTTP/1.1 200 \r\nContent-Length: 1, 2\r\n\r\n", request=CONNECT)),
        ("LN-3", server(GET.replace(b"1.1", b"1.0") + b"\r\n\r\n")),
        ("a CR may become CRLF", server(GET.replace(b"1.1", b"1.0"), b"\r", b"\n")),
        ("EX-1", server(EXPECTS.replace(b"Length: 1", b"Length: 0"))),
        ("102 and 103 do not answer", client(b"HTTP/1.1 103 \r\n\r\n", request=EXPECTS)),
        ("chunk_start", server(POST + b"5\r\n", b"hello")),
        ("the end of a chunk", server(POST + b"5\r\nhello\r", b"\n0\r\n\r\n")),
        ("the first wrong byte", server(b"GET / HTTP/1.1\r\nHost: a\x00\r\nX: y" + b"y" * 40, limit=40)),
        ("SD-6", server(CONNECT, switch=200)),
    ],
    "llhttp": [
        ("RQ-3", server(b"X / HTTP/1.1\r\nHost: a\r\n\r\n")),
        ("RQ-7", server(b"GET urn:a HTTP/1.1\r\nHost: a\r\n\r\n")),
        ("RQ-12", client(b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n")),
        ("RQ-15", server(b"PRI * HTTP/2.0\r\n\r\n")),
        ("ST-7", client(b"HTTP/1.1 101 OK\r\n\r\n", request=UPGRADES)),
        ("FD-11", client(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nx: a\r\n b\r\n\r\n")),
        ("ML-5", client(b"HTTP/1.1 200 OK\r\nContent-Length: 0, 0\r\n\r\n")),
        ("ML-15", client(b"HTTP/1.1 304 \r\nContent-Length: \r\n\r\n")),
        ("ML-6", client(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n")),
        ("ML-11", client(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
        ("CH-4", server(POST + b'5 ; a = "b"\r\nhello\r\n0\r\n\r\n')),
        ("A 1xx does not end the connection", client(b"HTTP/1.1 103 \r\nConnection: close\r\n\r\n" + OK)),
        (
            "Proxy-Connection means nothing",
            server(b"GET / HTTP/1.1\r\nHost: a\r\nProxy-Connection: close\r\n\r\n" + GET),
        ),
        (
            "A request for an Upgrade may have a body",
            server(UPGRADES[:-2] + b"Content-Length: 5\r\n\r\nhello"),
        ),
    ],
}


@pytest.mark.parametrize(
    ("peer", "row", "given"), [(peer, row, given) for peer, some in EXAMPLES.items() for row, given in some]
)
def test_a_deliberate_difference_is_recognised_as_what_it_is(peer: str, row: str, given: Case) -> None:
    verdict = PEERS[peer](given)
    assert (verdict.rows, verdict.unexplained) == ((row,), "")


@pytest.mark.parametrize("peer", PEERS)
def test_every_deliberate_difference_has_an_example_and_is_written_down(peer: str) -> None:
    assert {row for row, _ in EXAMPLES[peer]} == DELIBERATE[peer]
    # `tests.test_lockstep` looks for those of h11.
    for row in DELIBERATE["llhttp"]:
        assert row in IDS or f"- **{row}" in DECISIONS, row


# --- what must be found ---------------------------------------------------------------------------------------------


def lost_message(reading: Reading) -> None:
    reading.messages.pop()


def other_method(reading: Reading) -> None:
    reading.messages[-1].start = (b"TRACE", reading.messages[-1].start[1])


def other_target(reading: Reading) -> None:
    reading.messages[-1].start = (reading.messages[-1].start[0], b"/other")


def lost_field(reading: Reading) -> None:
    reading.messages[-1].fields.append((b"x", b"y"))


def other_body(reading: Reading) -> None:
    reading.messages[-1].body = b"other"


def lost_trailer(reading: Reading) -> None:
    reading.messages[-1].trailers = [(b"x", b"other")]


def refused(reading: Reading) -> None:
    reading.refused = "Invalid header token"


WRONG_READINGS = [lost_message, other_method, other_target, lost_field, other_body, lost_trailer, refused]


@pytest.mark.parametrize("wrong", WRONG_READINGS)
def test_no_fault_in_a_reading_is_taken_for_deliberate(
    wrong: Callable[[Reading], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = against_llhttp.theirs

    def misread(given: Case) -> Reading:
        reading = theirs(given)
        wrong(reading)
        return reading

    for given in (server(GET), server(POST + b"5\r\nhello\r\n0\r\nx: y\r\n\r\n"), client(OK), client(OK, OK)):
        assert PEERS["llhttp"](given) == Verdict(ours=True, theirs=True)
        with monkeypatch.context() as patch:
            patch.setattr(against_llhttp, "theirs", misread)
            assert PEERS["llhttp"](given).unexplained


def test_what_is_found_is_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    def judged(given: Case) -> Verdict:
        return Verdict(ours=True, theirs=True, unexplained=str(given.data) if b"Host" in given.data else "")

    monkeypatch.setattr(search, "PEERS", {"h11": judged})
    tally = Tally("h11")
    tally.take(range(20))
    assert tally.unexplained
    assert all(found.endswith("b'Host'") for found in tally.unexplained)


def test_a_case_can_be_made_again_from_its_number() -> None:
    made = {streams.case(number, role) for number in range(200) for role in ROLES}
    assert made == {streams.case(number, role) for number in range(200) for role in ROLES}
    assert len(made) > 390


@pytest.mark.no_cover
def test_the_command_searches_with_both_peers() -> None:
    output = python("-m", "tests.differential", "--minutes", "0", "--seed", "3")
    for peer in PEERS:
        assert f"{peer}: {2 * command.ROUND} streams" in output
    assert output.count("0 unexplained") == 2


def test_the_command_fails_for_what_nothing_explains(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def judged(given: Case) -> Verdict:
        return Verdict(ours=True, theirs=False, unexplained=str(given.data) if given.data.startswith(b"CONN") else "")

    monkeypatch.setattr(search, "PEERS", {"h11": judged})
    assert command.search("h11", 0, 0) == 1
    assert "b'CONN'" in capsys.readouterr().out


def test_the_command_fails_for_a_deliberate_difference_that_is_never_met(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "PEERS", {"h11": lambda _: Verdict(ours=True, theirs=True)})
    assert command.search("h11", 0, 0) == 0
    monkeypatch.setattr(command, "ENOUGH", 2 * command.ROUND)
    assert command.search("h11", 0, 0) == 1
