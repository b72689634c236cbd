"""``inspect --html``: a page with all that was found, in which nothing that was read is more than text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import attrs
import pytest

from http11.inspector import page
from tests.test_capture import CAPTURES, pcap, talk
from tests.test_inspect import GET, OK, UPGRADE, Inspector, inspect, run

__all__ = ["inspect"]

# What a page is made of. Whatever else came would come from what was read.
TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "h1",
    "h2",
    "h3",
    "p",
    "b",
    "div",
    "span",
    "table",
    "tr",
    "td",
    "details",
    "summary",
    "dl",
    "dt",
    "dd",
    "pre",
    "code",
    "mark",
}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "open"}


class Parsed(HTMLParser):
    """Collects the text, and checks the tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.marked: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        assert {name for name, _ in attributes} <= ATTRIBUTES
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text.append(data)
        if self._open and self._open[-1] == "mark":
            self.marked.append(data)


@attrs.frozen
class Pages:
    inspect: Inspector

    def __call__(self, data: bytes, *options: str, answers: bytes | None = None, status: int = 0) -> Parsed:
        path = self.inspect.folder / "page.html"
        outcome = self.inspect(data, *options, "--html", str(path), answers=answers)
        assert outcome.status == status
        text = path.read_text("ascii")
        assert text.replace("\n", "").isprintable()
        return Parsed(text)


@pytest.fixture
def pages(inspect: Inspector) -> Pages:
    return Pages(inspect)


def test_conversation_stands_side_by_side(pages: Pages) -> None:
    post = b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nT: 1\r\n\r\n"
    found = pages(GET + post, answers=OK + b"again" + b"HTTP/1.1 100 Go\r\n\r\n" + OK + b"world")
    text = " ".join(" ".join(found.text).split())
    assert "client server" in text
    for part in ("GET / HTTP/1.1", "5 bytes in 2 pieces of body hello", "trailers T 1", "HTTP/1.1 100 Go to message 2"):
        assert part in text
    assert text.index("POST /p") < text.index("HTTP/1.1 100 Go")
    assert text.index("again") < text.index("POST /p")
    assert found.marked == []


def test_counts_are_on_the_page_and_on_the_terminal(inspect: Inspector, tmp_path: Path) -> None:
    path = str(tmp_path / "page.html")
    outcome = inspect(GET, "--html", path)
    assert outcome.out.splitlines()[1] == "requests    1: 1 GET"
    assert "1: 1 GET" in Parsed(Path(path).read_text("ascii")).text
    assert inspect(GET, "--html", path, "--json").objects[0]["event"] == "Request"


def test_error_is_marked_in_its_line_and_in_hex(pages: Pages) -> None:
    wrong = GET[:-2] + b"X\x07: y\r\n\r\n"
    refusal = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
    found = pages(GET + wrong, answers=OK + b"hello" + refusal, status=1)
    assert found.marked == ["1: 1 bad-field-name", "\\x07", "07", "."]
    text = " ".join(found.text)
    assert "bad-field-name at byte 26 of message 2" in text
    assert "What others do: " in text
    assert text.index("bad-field-name at") < text.index("400 Bad Request")
    # Where something is missing, there is no byte to mark, but a place.
    assert pages(GET[:-2], status=1).marked[1] == "\xa0"


def test_error_inside_a_body_ends_its_message(pages: Pages) -> None:
    found = pages(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhellox", status=1)
    text = " ".join(found.text)
    assert text.index("PUT / HTTP/1.1") < text.index("bad-chunk-end at")
    assert found.marked[1:] == ["x", "78", "x"]
    found = pages(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhellox", status=1)
    assert "bad-chunk-end at" in " ".join(found.text)


def test_error_without_an_explanation(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "explanation", lambda _: None)
    assert "What others do" not in " ".join(pages(b"\x00", status=1).text)


EVIL = b"</pre></code></title></style><script>alert(1)</script><img src=x onerror=alert(1)>'\"&amp;\\"


@pytest.mark.parametrize("option", ["--explain", "--compare", "--redact", "--redact-all", "--json"])
def test_nothing_that_was_read_is_more_than_text(pages: Pages, option: str) -> None:
    heads = [
        b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % EVIL,
        b"GET / HTTP/1.1\r\nHost: a\r\nX: %b\r\nContent-Length: %d\r\n\r\n%b" % (EVIL, len(EVIL), EVIL),
        b"GET / HTTP/1.1\r\nHost: a\r\n%b: y\r\n\r\n" % EVIL,
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: %b\r\n\r\n\x81\n" % EVIL,
        b"%b / HTTP/1.1\r\n\r\n" % EVIL,
        b"HTTP/1.1 200 %b\r\n\r\n%b" % (EVIL, EVIL),
    ]
    for head in heads:
        for data in (head, head[:-3] + b"\x00\x1b[31m"):
            path = pages.inspect.folder / "page.html"
            pages.inspect(data, option, "--html", str(path), "--policy", "h11")
            Parsed(path.read_text("ascii"))


def test_name_of_the_file_is_only_text(tmp_path: Path) -> None:
    path = tmp_path / "<script>\x1b"
    path.write_bytes(GET)
    assert run(str(path), "--html", str(tmp_path / "page")).status == 0
    assert f"{tmp_path}/<script>\\x1b" in Parsed((tmp_path / "page").read_text("ascii")).text


def test_page_has_no_script_and_asks_for_nothing(pages: Pages) -> None:
    pages(GET)
    text = (pages.inspect.folder / "page.html").read_text("ascii")
    assert "content=\"default-src 'none'; style-src 'unsafe-inline'\"" in text
    assert re.search(r"<script|<link|<img|url\(|https?://|@import", text) is None


def test_values_are_left_out(pages: Pages) -> None:
    data = b"PUT /?s3cr3t HTTP/1.1\r\nHost: a\r\nCookie: s3cr3t\r\nContent-Length: 6\r\n\r\ns3cr3t"
    assert "s3cr3t" not in " ".join(pages(data, "--redact-all").text)
    assert "s3cr3t" not in pages(data, "--redact").text[20:24]


def test_page_of_a_capture_has_its_connections(pages: Pages) -> None:
    path = pages.inspect.folder / "curl.html"
    assert run(str(CAPTURES / "curl.pcap"), "--html", str(path)).status == 0
    found = Parsed(path.read_text("ascii"))
    titles = [text for text in found.text if text.startswith("connection ")]
    assert len(titles) == 4
    assert re.fullmatch(r"connection 4: \[fd00::1\]:\d+ to \[fd00::2\]:8080", titles[3])
    tls = [packet.ip() for packet in talk((">", b"\x16\x03\x01" * 5))]
    assert "not HTTP/1" in " ".join(pages(pcap([*tls, b"\x45"]), status=1).text)


def test_notes_stand_where_they_belong(pages: Pages) -> None:
    text = " ".join(pages(UPGRADE + b"\x81\n").text)
    assert "websocket begins here" in text
    assert "2 bytes of another protocol" in text
    packets = talk((">", GET + b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"), cut=30)
    assert "the capture ends inside message 2 of the client" in " ".join(
        pages(pcap([packet.ip() for packet in packets[:-3]])).text
    )


def test_parsers_that_part_are_on_the_page(pages: Pages) -> None:
    bare = GET.replace(b"\r\n", b"\n")
    text = " ".join(pages(GET + bare, "--compare", status=1).text)
    assert "message 2  they part" in text
    assert "message 1  all" not in text


def test_long_conversation_is_cut(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_MOST_ITEMS", 3)
    monkeypatch.setattr(page, "_MOST_OF_A_BODY", 10)
    put = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n" + b"x" * 99
    text = " ".join(pages(put + GET * 4 + b"\x00", status=1).text)
    assert text.count("GET / HTTP/1.1") == 2
    assert "xxxxxxxxxx..." in text
    assert "bad-method at byte 0 of message 6" in text
    assert "2 more messages left out" in text


def test_page_that_cannot_be_written(inspect: Inspector, tmp_path: Path) -> None:
    outcome = inspect(GET, "--html", str(tmp_path / "no" / "page\x1b.html"))
    assert outcome.status == 2
    assert outcome.err == "no/page\\x1b.html: cannot be written: No such file or directory\n"
