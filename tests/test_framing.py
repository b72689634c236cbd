"""What a head decides, as pure functions; most of it is shown by the vectors."""

from __future__ import annotations

import pytest

from http11 import (
    CLIENT,
    H11,
    SERVER,
    Connection,
    EndOfMessage,
    InformationalResponse,
    LocalProtocolError,
    Policy,
    RemoteProtocolError,
    Request,
    Response,
    framing,
    parsing,
)
from http11.headers import is_strict
from tests.harness import read


def response(*fields: tuple[str, str], status_code: int = 200) -> Response:
    return Response(status_code=status_code, headers=fields)


CHUNKED = ("Transfer-Encoding", "chunked")
LENGTH = ("Content-Length", "5")


@pytest.mark.parametrize(
    ("head", "method", "expected"),
    [
        (response(), b"GET", framing.UNTIL_CLOSE),
        (response(), None, framing.UNTIL_CLOSE),
        (response(LENGTH), b"GET", 5),
        (response(CHUNKED), b"GET", framing.CHUNKED),
        (response(CHUNKED, LENGTH), b"GET", framing.CHUNKED),
        (response(CHUNKED), b"HEAD", framing.NO_BODY),
        (response(CHUNKED), b"CONNECT", framing.NO_BODY),
        (response(LENGTH, status_code=404), b"CONNECT", 5),
        (response(LENGTH, status_code=204), b"GET", framing.NO_BODY),
        (response(LENGTH, status_code=304), b"GET", framing.NO_BODY),
    ],
)
def test_the_body_of_a_response(head: Response, method: bytes | None, expected: framing.BodyFraming) -> None:
    assert framing.response_framing(head, method) == expected


def test_what_is_known_of_a_body_by_default() -> None:
    assert framing.NO_BODY == 0
    assert framing.Facts(framing.NO_BODY) == (framing.NO_BODY, True, False, False, False, False)


# --- the usual heads ------------------------------------------------------------------------------------------------

CONNECTION_VALUES = ("keep-alive", "x", "close", "Close", "x, cLOSE", "closed", "")


@pytest.mark.parametrize(
    ("method", "fields", "expected"),
    [
        ("GET", [], 0),
        ("POST", [LENGTH], 5),
        ("POST", [("Content-Length", "0")], 0),
        ("GET", [("Connection", "keep-alive")], 0),
        ("POST", [("connection", "x"), LENGTH], 5),
        ("POST", [CHUNKED], None),
        ("GET", [("Connection", "close")], None),
        ("GET", [("Connection", "Close")], None),
        ("GET", [("Connection", "x"), ("Connection", "y")], None),
        ("GET", [("Upgrade", "x")], None),
        ("GET", [("Expect", "100-continue")], None),
    ],
)
def test_the_length_of_a_usual_request(method: str, fields: list[tuple[str, str]], expected: int | None) -> None:
    request = Request(method=method, target="/", headers=[("Host", "a"), *fields])
    assert framing.usual_request_length(request) == expected


@pytest.mark.parametrize("version", [b"1.0", b"1.1", b"1.2"])
@pytest.mark.parametrize("method", [b"GET", b"CONNECT"])
@pytest.mark.parametrize(
    "fields",
    [
        *[[("Connection", value)] for value in CONNECTION_VALUES],
        *[[("Connection", value), LENGTH] for value in CONNECTION_VALUES],
        [("Connection", "x"), ("Connection", "close")],
        [LENGTH],
        [CHUNKED],
        [CHUNKED, LENGTH],
        [("Upgrade", "x")],
        [("Upgrade", ",")],
        [("Expect", "100-continue"), LENGTH],
    ],
)
def test_what_is_said_of_a_usual_head_is_what_all_the_facts_say(
    fields: list[tuple[str, str]], method: bytes, version: bytes
) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields).encode()
    target = b"/" if method == b"GET" else b"a:1"
    head = b"%b %b HTTP/%b\r\nHost: a\r\n%b\r\n" % (method, target, version, lines)
    request = parsing.parse_request(head, policy=H11)
    length = framing.usual_request_length(request)
    assert length is None or framing.request_facts(request) == framing.Facts(length)
    if version == b"1.2" or method == b"CONNECT":
        assert length is None
    for status_code in (200, 204, 304, 404):
        answer = parsing.parse_response(b"HTTP/%b %d x\r\n%b\r\n" % (version, status_code, lines), policy=H11)
        assert isinstance(answer, Response)
        for asked in (b"GET", b"HEAD", b"CONNECT", b"PRI", None):
            length = framing.usual_response_length(answer, asked)
            if length is None:
                continue
            assert framing.response_facts(answer, asked) == framing.Facts(length)
            sent = framing.response_to_send(answer, request_method=asked, peer_version=b"1.1", keep_alive=True)
            assert sent is answer


@pytest.mark.parametrize(
    ("head", "method", "expected"),
    [
        (response(LENGTH), b"GET", 5),
        (response(LENGTH, ("Connection", "keep-alive")), b"POST", 5),
        (response(LENGTH, status_code=404), b"GET", 5),
        (response(), b"GET", None),
        (response(CHUNKED), b"GET", None),
        (response(CHUNKED, LENGTH), b"GET", None),
        (response(LENGTH, ("Connection", "close")), b"GET", None),
        (response(LENGTH, ("Upgrade", "x")), b"GET", None),
        (response(LENGTH), b"HEAD", None),
        (response(LENGTH), b"CONNECT", None),
        (response(LENGTH), b"PRI", None),
        (response(LENGTH), None, None),
        (response(LENGTH, status_code=204), b"GET", None),
        (response(LENGTH, status_code=304), b"GET", None),
    ],
)
def test_the_length_of_a_usual_response(head: Response, method: bytes | None, expected: int | None) -> None:
    assert framing.usual_response_length(head, method) == expected


# --- all heads ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"GET / HTTP/1.1\r\nContent-Length: 5\r\n", framing.Facts(5)),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", framing.Facts(framing.CHUNKED)),
        (
            b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            framing.Facts(framing.CHUNKED, ambiguous=True),
        ),
        (b"GET / HTTP/1.1\r\nUpgrade: x\r\n", framing.Facts(framing.NO_BODY, upgrade=True)),
        (b"GET / HTTP/1.1\r\nUpgrade: ,\r\n", framing.Facts(framing.NO_BODY)),
        (b"GET / HTTP/1.0\r\nUpgrade: x\r\n", framing.Facts(framing.NO_BODY, keep_alive=False)),
        (b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n", framing.Facts(1, waits=True)),
        (
            b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: x, 100-continue\r\n",
            framing.Facts(framing.CHUNKED, waits=True),
        ),
        (b"GET / HTTP/1.1\r\nExpect: 100-continue\r\n", framing.Facts(framing.NO_BODY)),
        (b"PUT / HTTP/1.1\r\nContent-Length: 0\r\nExpect: 100-continue\r\n", framing.Facts(framing.NO_BODY)),
        (b"GET / HTTP/1.1\r\nExpect: x\r\n", framing.Facts(framing.NO_BODY)),
        (b"GET / HTTP/1.0\r\nExpect: 100-continue\r\n", framing.Facts(framing.NO_BODY, keep_alive=False)),
        (b"GET / HTTP/1.1\r\nConnection: x\r\n", framing.Facts(framing.NO_BODY)),
        (b"GET / HTTP/1.1\r\nConnection: x, Close\r\n", framing.Facts(framing.NO_BODY, keep_alive=False)),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n", framing.Facts(framing.NO_BODY, keep_alive=False)),
        (b"GET / HTTP/1.2\r\nUpgrade: x\r\n", framing.Facts(framing.NO_BODY, upgrade=True)),
        (b"CONNECT a:1 HTTP/1.1\r\n", framing.Facts(framing.NO_BODY, connect=True)),
        (b"CONNECT a:1 HTTP/1.0\r\n", framing.Facts(framing.NO_BODY, connect=True, keep_alive=False)),
    ],
)
def test_the_facts_of_a_request(head: bytes, expected: framing.Facts) -> None:
    facts = framing.request_facts(parsing.parse_request(head + b"Host: a\r\n\r\n", policy=H11))
    assert facts == expected
    assert all(type(flag) is bool for flag in facts[1:])


@pytest.mark.parametrize(
    ("fields", "method", "expected"),
    [
        ([], b"GET", framing.Facts(framing.UNTIL_CLOSE)),
        ([LENGTH], b"GET", framing.Facts(5)),
        ([LENGTH], b"HEAD", framing.Facts(framing.NO_BODY)),
        ([CHUNKED], b"GET", framing.Facts(framing.CHUNKED)),
        ([CHUNKED, LENGTH], b"GET", framing.Facts(framing.CHUNKED, ambiguous=True)),
        ([LENGTH, ("Connection", "close")], None, framing.Facts(5, keep_alive=False)),
    ],
)
def test_the_facts_of_a_response(fields: list[tuple[str, str]], method: bytes | None, expected: framing.Facts) -> None:
    facts = framing.response_facts(response(*fields), method)
    assert facts == expected
    assert all(type(flag) is bool for flag in facts[1:])


@pytest.mark.parametrize(
    ("head", "fields"),
    [
        (response(LENGTH), [LENGTH, ("Connection", "close")]),
        (response(("connection", "Close"), LENGTH), [("connection", "Close"), LENGTH]),
        (response(("connection", "keep-alive, close"), LENGTH), [LENGTH, ("Connection", "close")]),
    ],
)
def test_a_last_response_says_close_if_its_maker_has_not(head: Response, fields: list[tuple[str, str]]) -> None:
    sent = framing.response_to_send(head, request_method=b"GET", peer_version=b"1.1", keep_alive=True, last=True)
    assert sent.headers.raw_items() == [(name.encode(), value.encode()) for name, value in fields]


@pytest.mark.parametrize(
    ("head", "method", "version", "keep_alive", "fields"),
    [
        (response(), b"GET", b"1.1", True, [CHUNKED]),
        (response(), b"GET", b"1.0", True, [("Connection", "close")]),
        (response(), b"GET", None, True, [("Connection", "close")]),
        (response(), b"HEAD", b"1.1", True, [CHUNKED]),
        (response(), b"HEAD", b"1.0", True, []),
        (response(), b"GET", b"1.1", False, [CHUNKED, ("Connection", "close")]),
        (response(LENGTH), b"GET", b"1.0", True, [LENGTH]),
        (response(LENGTH, CHUNKED), b"GET", b"1.1", True, [CHUNKED]),
        (response(LENGTH, CHUNKED), b"GET", b"1.0", True, [("Connection", "close")]),
        (response(LENGTH, CHUNKED, status_code=204), b"GET", b"1.1", True, []),
        (response(LENGTH, CHUNKED), b"CONNECT", b"1.1", True, []),
        (response(CHUNKED, status_code=304), b"GET", b"1.0", True, []),
        (response(("connection", "CLOSE"), LENGTH), b"GET", b"1.1", False, [LENGTH, ("Connection", "close")]),
        (
            response(("connection", "x, Keep-Alive"), LENGTH),
            b"GET",
            b"1.1",
            False,
            [LENGTH, ("Connection", "close"), ("Connection", "x")],
        ),
    ],
)
def test_the_fields_that_a_response_gets(
    head: Response, method: bytes, version: bytes | None, keep_alive: bool, fields: list[tuple[str, str]]
) -> None:
    sent = framing.response_to_send(head, request_method=method, peer_version=version, keep_alive=keep_alive)
    assert sent.headers.raw_items() == [(name.encode(), value.encode()) for name, value in fields]
    assert (sent.status_code, sent.reason) == (head.status_code, head.reason)


@pytest.mark.parametrize(
    ("head", "version", "last"),
    [
        (response(LENGTH), b"1.1", False),
        (response(LENGTH), b"1.0", False),
        (response(CHUNKED), b"1.1", False),
        (response(LENGTH, ("Connection", "close")), b"1.1", True),
        (response(status_code=204), b"1.1", False),
        (response(LENGTH, status_code=304), b"1.1", False),
    ],
)
def test_a_response_that_needs_nothing_is_sent_as_it_is(head: Response, version: bytes, *, last: bool) -> None:
    sent = framing.response_to_send(head, request_method=b"GET", peer_version=version, keep_alive=True, last=last)
    assert sent is head


@pytest.mark.parametrize("status_code", [200, 299, 300])
def test_a_tunnel_is_granted_by_2xx_alone(status_code: int) -> None:
    granted = status_code < 300
    assert framing.accepts_connect(response(status_code=status_code), b"CONNECT") is granted
    assert not framing.accepts_connect(response(status_code=status_code), b"GET")
    framed = framing.response_framing(response(LENGTH, status_code=status_code), b"CONNECT")
    assert framed == (framing.NO_BODY if granted else 5)


def test_an_informational_response_loses_its_length() -> None:
    head = InformationalResponse(status_code=103, headers=[LENGTH, ("Link", "x"), CHUNKED])
    assert framing.informational_to_send(head).headers == [(b"link", b"x")]


def test_a_tolerated_response_is_not_vouched_for_on_the_way() -> None:
    received = parsing.parse_response(b"HTTP/1.1 200 OK\r\nX: \x01\r\n\r\n", policy=H11)
    assert isinstance(received, Response)
    changed = framing.response_to_send(received, request_method=b"GET", peer_version=None, keep_alive=False)
    assert not is_strict(changed.headers)
    server = Connection(SERVER)
    server.receive_data(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    server.next_event()
    with pytest.raises(LocalProtocolError):
        server.send(changed)


# --- targets and hosts, where tolerances meet ---


@pytest.mark.parametrize(
    ("policy", "target", "host", "last"),
    [
        (Policy(), b"http://a/b", b"a", "EndOfMessage"),
        (Policy(), b"HTTP://A:80/b", b"a", "EndOfMessage"),
        (Policy(), b"http://a", b"a:", "EndOfMessage"),
        (Policy(), b"http://a:8080/", b"a", "host-mismatch"),
        (Policy(), b"http://user@a/", b"a", "bad-target-form"),
        (Policy(), b"ftp://user@a/", b"a", "EndOfMessage"),
        (Policy(), b"ftp://user@b/", b"a", "host-mismatch"),
        (Policy(), b"http://a@b/", b"a", "bad-target-form"),
        (Policy(any_target=True), b"http://a@b/", b"a", "host-mismatch"),
        (Policy(fragment_in_target=True), b"http://a/b#c", b"a", "EndOfMessage"),
        (Policy(fragment_in_target=True), b"http://b/#c", b"a", "host-mismatch"),
        (Policy(fragment_in_target=True, any_target=True), b"http://b#@a/", b"a", "host-mismatch"),
        (Policy(), b"urn:x:y", b"a", "EndOfMessage"),
    ],
)
def test_an_absolute_target_names_the_host(policy: Policy, target: bytes, host: bytes, last: str) -> None:
    outcome = read([b"GET %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (target, host)], SERVER, policy=policy)
    assert last in outcome[-1]


# --- what an error about the fields points to ---


@pytest.mark.parametrize(
    ("fields", "offset", "excerpt"),
    [
        (b"Content-Length: x\r\nContent-Length: 5\r\n", 25, b"Content-Length"),
        (b"Content-Length: 5\r\ncontent-length: x\r\n", 44, b"content-length"),
        (b"Content-Length: x\r\ncontent-length: y\r\n", 25, b"Content-Length"),
        (b"Content-Length: 5\r\ncontent-length: 5x\r\n", 44, b"content-length"),
        (b"Content-Length: x: 5\r\n", 25, b"Content-Length"),
        (b"Content-Length: 5\r\ncontent-length: 6\r\n", 44, b"content-length"),
        (b"HOST: a\r\n", 25, b"HOST"),
        (b"Transfer-Encoding: gzip\r\n", 25, b"Transfer-Encoding"),
    ],
)
def test_an_error_points_to_the_field_to_blame(fields: bytes, offset: int, excerpt: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parsing.parse_request(b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n")
    assert (caught.value.offset, caught.value.excerpt) == (offset, excerpt)


@pytest.mark.parametrize(
    ("head", "code", "excerpt"),
    [
        (b"GET / HTTP/1.1\r\nX: y\r\n|Host: a b\r\nhost-: a\r\n", "bad-host", b"Host"),
        (b"GET http://b/ HTTP/1.1\r\nX: y\r\n|HOST: a\r\n", "host-mismatch", b"HOST"),
        (b"GET / HTTP/1.1\r\nhost: a\r\n|Host: a\r\nX: y\r\n", "repeated-host", b"Host"),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n|Content-Length: 1\r\n", "content-in-connect", b"Content-Length"),
        (
            b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n|Transfer-Encoding: chunked\r\n",
            "content-in-connect",
            b"Transfer-Encoding",
        ),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n|CONTENT-length: 1\r\nX: 1\r\n",
            "repeated-content-length",
            b"CONTENT-length",
        ),
        (b"GET / HTTP/1.1\r\nHost: a\r\n|Transfer-Encoding: \r\n", "bad-transfer-encoding", b"Transfer-Encoding"),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\n|Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
            "transfer-encoding-and-content-length",
            b"Transfer-Encoding",
        ),
        (b"GET / HTTP/1.0\r\n|Transfer-Encoding: chunked\r\n", "transfer-encoding-in-http10", b"Transfer-Encoding"),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length:\t07 \r\n|Content-Length: 5, x\r\n",
            "bad-content-length",
            b"Content-Length",
        ),
    ],
)
def test_each_error_about_the_fields_points_to_the_one_to_blame(head: bytes, code: str, excerpt: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parsing.parse_request(head.replace(b"|", b"") + b"\r\n")
    assert (caught.value.code, caught.value.offset, caught.value.excerpt) == (code, head.index(b"|"), excerpt)


@pytest.mark.parametrize(
    ("head", "code"),
    [(b"GET |a HTTP/1.1\r\n", "bad-target-form"), (b"CONNECT |a HTTP/1.1\r\n", "bad-connect-target")],
)
def test_an_error_about_a_target_points_to_it(head: bytes, code: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parsing.parse_request(head.replace(b"|", b"") + b"Host: a\r\n\r\n")
    assert (caught.value.code, caught.value.offset, caught.value.excerpt) == (code, head.index(b"|"), b"")


def test_an_error_about_no_field_points_nowhere() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parsing.parse_request(b"GET / HTTP/1.1\r\nX: y\r\n\r\n")
    assert (caught.value.code, caught.value.offset, caught.value.excerpt) == ("missing-host", None, b"")


def test_an_error_about_trailers_names_the_field_that_it_points_to() -> None:
    with pytest.raises(RemoteProtocolError, match="got b'host'") as caught:
        parsing.parse_trailers(b"x: y\r\nHost: a\r\nCookie: b\r\n\r\n")
    assert (caught.value.offset, caught.value.excerpt) == (6, b"Host")


def test_a_server_that_sends_a_request_is_told_what_it_may_send() -> None:
    with pytest.raises(LocalProtocolError, match="expected Response or ConnectionClosed in IDLE, got Request"):
        Connection(SERVER).send(Request(method="GET", target="/", headers=[("Host", "a")]))  # type: ignore[call-overload]


def test_a_finished_chunked_body_stays_so() -> None:
    event, progress, at = parsing.read_chunked_body(b"0\r\n\r\nrest", 0, parsing.ChunkedProgress(), limit=100)
    assert (event, at) == (EndOfMessage(), 5)
    assert isinstance(progress, parsing.ChunkedProgress)
    assert progress.awaiting == "nothing"
    assert parsing.read_chunked_body(b"rest", 0, progress, limit=100) == (EndOfMessage(), progress, 0)


def test_a_pair_of_the_wrong_kind_is_refused() -> None:
    client = Connection(CLIENT)
    for wrong in (["ab"], [b"ab"], [bytearray(b"ab")]):
        with pytest.raises(TypeError, match="pair"):
            client.send(Request(method="GET", target="/", headers=wrong))  # type: ignore[arg-type]
