"""``inspect --compare``: where parsers part, they are told; where they do not, they are not."""

from __future__ import annotations

import sys

import pytest

from http11 import CLIENT, SERVER, STRICT
from http11.inspector import sources
from http11.inspector.comparing import _HTTP11, Comparison, _normal
from http11.inspector.reading import PROPOSAL
from http11.inspector.records import Cell, Warned
from http11.inspector.views import cell_text
from tests.harness import reading_vectors
from tests.test_capture import CAPTURES, pcap, talk
from tests.test_inspect import CONNECT, GET, OK, REQUESTS, RESPONSES, UPGRADE, Inspector, Outcome, inspect, run

__all__ = ["inspect"]

POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
ADMIN = b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"


def verdicts(outcome: Outcome) -> list[list[object]]:
    """What STRICT, H11, h11 and llhttp do with each message."""
    found = []
    for row in outcome.objects:
        if row["event"] == "Compared":
            parsers = row["parsers"]
            assert isinstance(parsers, list)
            found.append([parser["does"] for parser in parsers])
    return found


def letters(outcome: Outcome) -> list[str]:
    """The same in short: r, reads; x, refuses; w, waits; -, has stopped before."""
    short = {"message": "r", "refused": "x", "incomplete": "w", "stopped": "-"}
    return ["".join(short[str(does)] for does in row) for row in verdicts(outcome)]


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        (
            "length and chunks",
            POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + ADMIN,
            ["xrrx", "-rr-"],
        ),
        ("two lengths", POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd" + ADMIN, ["xxxx"]),
        (
            "the same length twice",
            POST + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd" + ADMIN,
            ["xrrx", "-rr-"],
        ),
        ("a length with a sign", POST + b"Content-Length: +4\r\n\r\nabcd" + ADMIN, ["xxxx"]),
        ("an unknown coding", POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", ["xxxx"]),
        ("a coding that is not the last", POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", ["xxxx"]),
        ("space before the colon", POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", ["xxxx"]),
        ("a folded coding", POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + ADMIN, ["xrrx", "-rr-"]),
        ("bare LF", POST.replace(b"\r\n", b"\n") + b"\n" + ADMIN, ["xrrx", "-rr-"]),
        ("bare CR", POST + b"X: a\rTransfer-Encoding: chunked\r\n\r\n" + ADMIN, ["xxxx"]),
        ("a sign in a chunk's size", POST + b"Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n", ["xxxx"]),
        (
            "LF in a chunk extension",
            POST + b"Transfer-Encoding: chunked\r\n\r\n5;a\nhello\r\n0\r\n\r\n" + ADMIN,
            ["xxxx"],
        ),
        ("Host twice", GET.replace(b"Host: a", b"Host: a\r\nHost: b"), ["xxxr"]),
        ("Host with a user", GET.replace(b"Host: a", b"Host: a@b"), ["xrrr"]),
        ("an absolute target and another Host", GET.replace(b"/ H", b"http://b/ H"), ["xrrr"]),
    ],
)
def test_families_of_smuggling(inspect: Inspector, name: str, data: bytes, expected: list[str]) -> None:
    outcome = inspect(data, "--compare", "--json")
    assert letters(outcome) == expected, name
    assert outcome.status == 1


@pytest.mark.parametrize("size", [1, 7, 16384])
@pytest.mark.parametrize(
    "data",
    [
        REQUESTS.replace(b"\r\n\r\nPOST", b"\r\nPOST"),
        RESPONSES,
        GET * 50,
        CONNECT,
        UPGRADE + GET,
        UPGRADE,
        OK + b"hello",
    ],
)
def test_parsers_agree_on_what_is_in_order(
    inspect: Inspector, monkeypatch: pytest.MonkeyPatch, data: bytes, size: int
) -> None:
    monkeypatch.setattr(sources, "PIECE", size)
    outcome = inspect(data, "--compare")
    assert (outcome.status, outcome.err) == (0, "")
    assert "they agree on " in outcome.out.splitlines()[-1]


def test_what_parsers_make_of_a_message_is_shown(inspect: Inspector) -> None:
    same = POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"
    outcome = inspect(GET + same + ADMIN, "--compare")
    assert outcome.status == 1
    lines = outcome.out.splitlines()
    assert lines[0] == "message 1  all: GET / HTTP/1.1, 1 field, 0 bytes of body"
    assert lines[1] == "message 2  they part"
    assert lines[2] == "    http11 STRICT             refuses: repeated-content-length"
    assert lines[3] == "    http11 H11                POST / HTTP/1.1, 2 fields, 5 bytes of body: hello"
    assert lines[4].split("  ", 3)[3].strip().startswith("POST /")
    assert lines[5].startswith("    llhttp (httptools ")
    assert lines[6] == "message 3  2 of 4: GET /admin HTTP/1.1, 1 field, 0 bytes of body"
    assert lines[7] == "they part at 1 of 3 messages"


def test_messages_with_other_bodies_or_fields_part() -> None:
    one = Cell("message", (b"GET", b"/", b"HTTP/1.1"), ((b"host", b"a"),), 5, b"digest", b"hello")
    assert one.agrees(Cell("message", one.start, one.fields, 5, b"digest"))
    for other in (
        Cell("message", one.start, one.fields, 5, b"other"),
        Cell("message", one.start, (), 5, b"digest"),
        Cell("message", (b"PUT", b"/", b"HTTP/1.1"), one.fields, 5, b"digest"),
        Cell("refused", (b"why",)),
        Cell("incomplete"),
    ):
        assert not one.agrees(other)
    assert one.agrees(Cell("stopped"))
    assert Cell("refused", (b"one",)).agrees(Cell("refused", (b"other",)))


def test_message_that_is_cut_short_is_waited_for(inspect: Inspector) -> None:
    cut = POST + b"Content-Length: 5\r\n\r\nhell"
    outcome = inspect(cut, "--compare")
    assert outcome.out.splitlines()[0] == "message 1  all: waits for more"
    assert outcome.status == 1
    assert letters(inspect(GET[:-2], "--compare", "--json")) == ["wwww"]


def test_what_follows_the_last_request_is_refused_or_not_read(inspect: Inspector) -> None:
    closing = GET[:-2] + b"Connection: close\r\n\r\n"
    outcome = inspect(closing + GET, "--compare", "--json")
    assert letters(outcome)[0] == "rrrr"
    assert letters(outcome)[1][:2] == "xx"
    assert "r" not in letters(outcome)[1]


def test_equal_lengths_in_two_fields_are_one() -> None:
    twice = _normal([(b"Content-Length", b"5"), (b"content-length", b" 5"), (b"Content-length", b"5, 5")])
    assert twice == ((b"content-length", b"5"),)
    assert _normal([(b"Content-Length", b"5, 6")]) == ((b"content-length", b"5, 6"),)
    assert _normal([(b"Transfer-Encoding", b"CHUNKED")]) == ((b"transfer-encoding", b"chunked"),)


def test_what_is_no_event_says_nothing_about_a_message() -> None:
    reader = _HTTP11("http11", CLIENT, STRICT, PROPOSAL)
    reader._note(Warned(kind="unfinished", text="", connection=1, time=None))
    assert (list(reader.cells), reader.stopped) == ([], None)


def test_policy_that_was_asked_for_is_compared_too(inspect: Inspector) -> None:
    outcome = inspect(GET.replace(b"\r\n", b"\n"), "--compare", "--allow", "bare_lf")
    assert "    http11 as asked           GET / HTTP/1.1, 1 field, 0 bytes of body" in outcome.out.splitlines()


def test_answers_to_head_are_not_given_to_llhttp(inspect: Inspector) -> None:
    two = (OK + OK).replace(b"5", b"7")
    outcome = inspect(two, "--compare", "--json", "--method", "HEAD")
    assert letters(outcome) == ["rrr", "rrr"]
    assert len(verdicts(inspect(OK + b"hello", "--compare", "--json"))[0]) == 4


def test_peers_that_are_not_installed_are_left_out(inspect: Inspector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h11", None)
    monkeypatch.setitem(sys.modules, "httptools", None)
    assert letters(inspect(GET, "--compare", "--json")) == ["rr"]


def test_what_others_say_may_quote_what_they_read(inspect: Inspector) -> None:
    quoted = Cell("refused", (b"illegal header line: b'Cookie: s3cr3t\\x00'",))
    assert cell_text(quoted, "nothing") == r"refuses: illegal header line: b'Cookie: s3cr3t\\x00'"
    assert cell_text(quoted, "credentials") == "refuses"
    assert cell_text(Cell("refused", (b"bare-lf",)), "all") == "refuses: bare-lf"
    shown = inspect(
        POST.replace(b"/", b"/?s3cr3t", 1) + b"Content-Length: 6\r\n\r\ns3cr3t", "--compare", "--redact-all"
    ).out
    assert "s3cr3t" not in shown


def test_captures_are_compared_connection_by_connection(inspect: Inspector) -> None:
    outcome = run("--compare", str(CAPTURES / "curl.pcap"))
    assert outcome.status == 0
    assert outcome.out.splitlines()[-1] == "they agree on 6 messages"
    smuggled = POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    packets = talk((">", smuggled), ("<", OK + b"hello"))
    assert "#1 message 1  they part" in inspect(pcap([packet.ip() for packet in packets]), "--compare").out
    packets = talk((">", GET + GET), cut=30)
    lost = [packet for packet in packets if not packet.payload.startswith(b"\n")]
    del lost[5]
    outcome = inspect(pcap([packet.ip() for packet in lost]), "--compare")
    assert "they agree on " in outcome.out
    packets = talk((">", GET), ("<", OK + b"hello"), (">", GET), cut=30)
    del packets[5]
    outcome = inspect(pcap([packet.ip() for packet in packets]), "--compare")
    assert "#1 message 2  all: GET" in outcome.out


def test_every_vector_is_compared() -> None:
    refused = 0
    for vector in reading_vectors():
        sender = CLIENT if vector.role == SERVER else SERVER
        comparison = Comparison(sender, STRICT, PROPOSAL)
        rows = [*comparison.feed(vector.data), *comparison.feed(b"")]
        error = vector.strict[-1] if vector.strict and vector.strict[-1][0] == "error" else None
        if (
            error
            and sender == CLIENT
            and not vector.closed
            and vector.limit == 16384
            and not vector.changes
            and b"PRI " not in vector.data
        ):
            expected = "http11 STRICT", Cell("refused", (str(error[1]).encode(),))
            assert any(expected in row.cells for row in rows), vector
            refused += 1
    assert refused > 400
