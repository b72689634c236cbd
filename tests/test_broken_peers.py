"""What people report of broken peers: each is read, or refused with an error that names the door, or for a reason.

The reports, with their public threads, are the table of docs/howto/broken-peers.md.
"""

from __future__ import annotations

import re
from typing import get_args

import attrs
import pytest

from http11 import CLIENT, H11, SERVER, STRICT, ErrorCode, Policy, Role
from http11.errors import Tolerance
from tests.harness import ROOT, Outcome, Reader

PAGE = (ROOT / "docs" / "howto" / "broken-peers.md").read_text("utf-8")

OK = b"HTTP/1.1 200 OK\r\n"
HI = b"Content-Length: 2\r\n\r\nhi"
CHUNKS = b"2\r\nhi\r\n0\r\n\r\n"


@attrs.frozen(kw_only=True)
class Report:
    """What somebody met.

    Attributes:
        threads: Where they say so.
        data: What arrives, with what they showed of it in its place.
        role: Who reads it.
        closed: Whether the connection ends after it.
        code: The error under STRICT, or None where that reads it.
        door: The field of `Policy` that lets it in, or None where none does.
        body: What the body is read as.

    """

    threads: tuple[str, ...]
    data: bytes
    role: Role = CLIENT
    closed: bool = False
    code: ErrorCode | None
    door: Tolerance | None = None
    body: str = "hi"

    def read(self, policy: Policy) -> Reader:
        reader = Reader(self.role, policy=policy)
        for piece in (self.data, b"") if self.closed else (self.data,):
            reader.feed(piece)
        return reader


LOG = (
    b"/usr/local/lib/python3.4/dist-packages/packettotal-1.0-py3.4.egg/packettotal: \r\n"
    b"Trying.../etc/packettotal/config.yaml: \r\n"
    b"[Errno 2] No such file or directory: '/etc/packettotal/config.yaml'\r\n"
    b"Content Type: text/html\r\n"
)
REPORTS = [
    Report(
        threads=("encode/httpx/issues/1363", "encode/httpx/issues/1561"),
        data=OK + b"get-ban-to-cache-result/forum.php: userdata not support\r\n" + HI,
        code="bad-field-name",
        door="broken_lines_in_response",
    ),
    Report(
        threads=("AdguardTeam/CoreLibs/issues/870",),
        data=OK + b"Transfer-Encoding: chunked\r\n" + LOG + b"Server: cloudflare\r\n\r\n" + CHUNKS,
        code="bad-field-name",
        door="broken_lines_in_response",
    ),
    Report(
        threads=("aio-libs/aiohttp/issues/2624",),
        data=OK + b"X-XSS-Protection=1;\r\n" + HI,
        code="bad-field-name",
        door="broken_lines_in_response",
    ),
    Report(
        threads=("aio-libs/aiohttp/issues/262",),
        data=OK + b'X-Echo-set-stash JSON-USER-AGENT: "curl/7.37.1"\r\n' + HI,
        code="space-before-colon",
        door="broken_lines_in_response",
    ),
    Report(
        threads=("internetstandards/Internet.nl/issues/1374", "netty/netty/pull/9585"),
        data=OK + b"field-name : value\r\n" + HI,
        code="space-before-colon",
        door="space_before_colon_in_response",
    ),
    Report(
        threads=("spray/spray/issues/861",),
        data=OK + b"Transfer-Encoding: identity\r\n\r\nhi",
        closed=True,
        code="bad-transfer-encoding",
        door="any_last_coding_in_response",
    ),
    Report(
        threads=("curl/curl/issues/16956",),
        data=OK + b"Transfer-Encoding: chunked, identity\r\n\r\nhi",
        closed=True,
        code="bad-transfer-encoding",
        door="any_last_coding_in_response",
    ),
    # To read it is to decode it, which is for a layer above; and what is not decoded would look as if it were.
    Report(
        threads=("curl/curl/issues/16956",),
        data=OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS,
        code="unknown-transfer-coding",
    ),
    Report(
        threads=("encode/httpx/issues/1862",),
        data=OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + CHUNKS,
        code="bad-transfer-encoding",
        door="repeated_chunked_in_response",
    ),
    Report(
        threads=("nginx/nginx/pull/304",),
        data=OK
        + b"Transfer-Encoding: chunked\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
        + CHUNKS,
        code="bad-transfer-encoding",
        door="repeated_chunked_in_response",
    ),
    Report(
        threads=("golang/go/issues/18215", "python-hyper/h11/issues/105"),
        role=SERVER,
        data=b"CONNECT api.surfeasy.com:443 HTTP/1.1\r\n\r\n",
        code="missing-host",
        door="connect_without_host",
        body="",
    ),
    Report(
        threads=("Kludex/uvicorn/issues/344", "postmanlabs/httpbin/issues/402"),
        role=SERVER,
        data=b"GET /\xf0\x9f\x91\xbd HTTP/1.1\r\nUser-Agent: curl/7.29.0\r\nHost: localhost:8002\r\n\r\n",
        code="bad-target",
        door="non_ascii_in_target",
        body="",
    ),
    Report(
        threads=("aio-libs/aiohttp/issues/5269",),
        data=OK + b"Set-Cookie: a=b\x01c\r\n" + HI,
        code="bad-field-value",
        door="control_bytes_in_value",
    ),
    Report(
        threads=("aio-libs/aiohttp/issues/7494",),
        data=b"HTTP/1.0 200 OK\nServer: GoAhead-Webs\r\nPragma: no-cache\nSet-Cookie: userid=1; path=/;\n\nhi",
        closed=True,
        code="bare-lf",
        door="bare_lf",
    ),
    Report(
        threads=("python-hyper/h11/issues/133",),
        data=OK + b"Transfer-Encoding: chunked\r\n\r\n2  \r\nhi\r\n0\r\n\r\n",
        code="space-after-chunk-size",
        door="space_after_chunk_size",
    ),
    Report(
        threads=("python-hyper/h11/issues/96",),
        data=b"HTTP/1.1 600 \r\nServer:\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
        code=None,
    ),
    # What begins it is no status line, and so nothing says what it is.
    Report(
        threads=("aio-libs/aiohttp/issues/5443",),
        data=b"0)TP/1.1 500 E:\\apache\r\nContent-Length: 2\r\n\r\nhi",
        code="bad-status-line",
    ),
]
# The rows of the page about what is no matter of one message: an older version, and when to ask.
ELSEWHERE = {
    "hyperium/hyper/issues/1614",
    "python-hyper/h11/issues/53",
    "python-hyper/h11/issues/30",
    "hyperium/hyper/issues/2596",
}


def whole(outcome: Outcome, body: str) -> bool:
    """Tell whether a message has been read to its end, with this body."""
    bodies = "".join(str(event[1]) for event in outcome if event[0] == "Data")
    return bodies == body and "EndOfMessage" in [event[0] for event in outcome]


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.data[:48])
def test_each_is_read_or_refused_with_an_error_that_names_the_door(report: Report) -> None:
    strict = report.read(STRICT)
    if report.code is None:
        assert whole(strict.outcome, report.body)
        return
    (error,) = strict.errors
    assert (error.code, error.tolerance) == (report.code, report.door)
    assert not whole(strict.outcome, report.body)
    if report.door is not None:
        opened = report.read(attrs.evolve(STRICT, **{report.door: True}))
        assert not opened.errors
        assert whole(opened.outcome, report.body)
        return
    # There is no door at all: neither all of h11's nor any other.
    for policy in (H11, *(attrs.evolve(H11, **{name: True}) for name in switches())):
        assert [again.code for again in report.read(policy).errors] == [report.code]


def switches() -> list[str]:
    return [name for name in get_args(Tolerance) if isinstance(getattr(STRICT, name), bool)]


def rows() -> list[tuple[set[str], str]]:
    """Return the threads and the last cell of each row of the page's table."""
    found = []
    for line in PAGE.splitlines():
        threads = set(re.findall(r"https://github\.com/([\w./-]+/(?:issues|pull)/[0-9]+)", line))
        if line.startswith("|") and threads:
            found.append((threads, line.rstrip(" |").rpartition(" | ")[2]))
    return found


def test_the_page_has_each_report_and_no_other() -> None:
    threads = [thread for row, _ in rows() for thread in row]
    assert set(threads) == ELSEWHERE | {thread for report in REPORTS for thread in report.threads}
    for report in REPORTS:
        said = [cell for row, cell in rows() if row == set(report.threads)]
        if report.door is not None:
            assert any(f"`{report.door}`" in cell for cell in said), report
        elif report.code is not None:
            assert any(f"`{report.code}`" in cell for cell in said), report
        else:
            assert said == ["read"]


def test_the_page_says_what_each_door_costs() -> None:
    presets = {name for name in switches() if getattr(H11, name) != getattr(STRICT, name)}
    for name in set(switches()) - presets:
        assert re.search(rf"^\| `{name}` \| .{{20,}} \| .{{20,}} \|$", PAGE, re.MULTILINE), name
