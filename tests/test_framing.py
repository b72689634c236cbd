"""What a head decides, as pure functions; most of it is shown by the vectors."""

from __future__ import annotations

import pytest

from http11 import (
    CLIENT,
    H11,
    SERVER,
    Connection,
    InformationalResponse,
    LocalProtocolError,
    Policy,
    RemoteProtocolError,
    Request,
    Response,
    framing,
    parsing,
)
from http11.errors import ErrorCode
from http11.framing import RequestFacts, ResponseFacts
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


def test_a_body_that_is_none_has_no_byte() -> None:
    assert framing.NO_BODY == 0


# --- what a head decides --------------------------------------------------------------------------------------------

NONE = framing.NO_BODY


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"GET / HTTP/1.1\r\n", (NONE, True, False, False)),
        (b"GET / HTTP/1.1\r\nContent-Length: 5\r\n", (5, True, False, False)),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", (framing.CHUNKED, True, False, False)),
        (b"GET / HTTP/1.1\r\nUpgrade: x\r\n", (NONE, True, True, False)),
        (b"GET / HTTP/1.1\r\nUpgrade: ,\r\n", (NONE, True, False, False)),
        (b"GET / HTTP/1.0\r\nUpgrade: x\r\n", (NONE, False, False, False)),
        (b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n", (1, True, False, True)),
        (
            b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: x, 100-continue\r\n",
            (framing.CHUNKED, True, False, True),
        ),
        (b"GET / HTTP/1.1\r\nExpect: 100-continue\r\n", (NONE, True, False, False)),
        (b"PUT / HTTP/1.1\r\nContent-Length: 0\r\nExpect: 100-continue\r\n", (NONE, True, False, False)),
        (b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nExpect: x\r\n", (1, True, False, False)),
        (b"PUT / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n", (1, False, False, False)),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n", (NONE, False, False, False)),
        (b"GET / HTTP/1.2\r\nUpgrade: x\r\n", (NONE, True, True, False)),
        (b"CONNECT a:1 HTTP/1.1\r\n", (NONE, True, False, False)),
        (b"CONNECT a:1 HTTP/1.0\r\n", (NONE, False, False, False)),
    ],
)
def test_the_facts_of_a_request(head: bytes, expected: RequestFacts) -> None:
    request = parsing.parse_request(head + b"Host: a\r\n\r\n", policy=H11)
    for trusts_two_lengths in (True, False):
        facts = framing.request_facts(request, trusts_two_lengths)
        assert facts == expected
        assert all(type(flag) is bool for flag in facts[1:])


def test_a_request_of_two_lengths_is_the_last_unless_they_are_trusted() -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
    request = parsing.parse_request(head, policy=H11)
    assert framing.request_facts(request) == (framing.CHUNKED, True, False, False)
    assert framing.request_facts(request, trusts_two_lengths=False) == (framing.CHUNKED, False, False, False)


@pytest.mark.parametrize(
    ("fields", "method", "expected"),
    [
        ([], b"GET", (framing.UNTIL_CLOSE, True)),
        ([LENGTH], b"GET", (5, True)),
        ([LENGTH], b"HEAD", (NONE, True)),
        ([CHUNKED], b"GET", (framing.CHUNKED, True)),
        ([LENGTH, ("Connection", "close")], None, (5, False)),
    ],
)
def test_the_facts_of_a_response(fields: list[tuple[str, str]], method: bytes | None, expected: ResponseFacts) -> None:
    for trusts_two_lengths in (True, False):
        facts = framing.response_facts(response(*fields), method, trusts_two_lengths=trusts_two_lengths)
        assert facts == expected
        assert type(facts[1]) is bool


@pytest.mark.parametrize(("method", "body"), [(b"GET", framing.CHUNKED), (b"HEAD", NONE)])
def test_a_response_of_two_lengths_is_the_last_unless_they_are_trusted(
    method: bytes, body: framing.BodyFraming
) -> None:
    head = response(CHUNKED, LENGTH)
    assert framing.response_facts(head, method) == (body, True)
    assert framing.response_facts(head, method, trusts_two_lengths=False) == (body, False)


@pytest.mark.parametrize(
    ("fields", "policy", "keep_alive"),
    [
        (b"Content-Length: 5\r\n", Policy(), True),
        (b"Content-Length: x\r\n", Policy(), False),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n", Policy(), False),
        (b"Content-Length: 12345678901234567890\r\n", Policy(), False),
        (b"Content-Length: 12345678901234567890\r\n", Policy(long_lengths=True), True),
        (b"Transfer-Encoding: chunked\r\n", Policy(), True),
        (b"Transfer-Encoding: Chunked\r\n", Policy(), True),
        (b"Transfer-Encoding: gzip\r\n", Policy(), False),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Policy(), False),
    ],
)
@pytest.mark.parametrize(("code", "method"), [(200, b"HEAD"), (204, b"GET"), (304, b"GET"), (200, b"CONNECT")])
def test_who_says_wrongly_how_long_no_content_is_may_send_some(
    code: int, method: bytes, fields: bytes, policy: Policy, keep_alive: bool
) -> None:
    answer = parsing.parse_response(b"HTTP/1.1 %d x\r\n%b\r\n" % (code, fields), policy=policy, request_method=method)
    assert isinstance(answer, Response)
    assert framing.response_facts(answer, method, policy._tolerances) == (NONE, keep_alive)


# Whether each says `close`.
OPTIONS = [
    (b"Connection: keep-alive\r\n", False),
    (b"Connection: x\r\n", False),
    (b"Connection: closed\r\n", False),
    (b"Connection: un-close\r\n", False),
    (b"Connection:\r\n", False),
    (b"X: close\r\n", False),
    (b"Connection: x\r\nConnection: y\r\n", False),
    (b"Connection: close\r\n", True),
    (b"Connection: x, cLOSE\r\n", True),
    (b"Connection: keep-alive,\tclose ,\r\n", True),
    (b"Connection: x\r\nConnection: Close\r\n", True),
    (b"Connection: close\r\nConnection: keep-alive\r\n", True),
]


@pytest.mark.parametrize("version", [b"1.0", b"1.1", b"1.2"])
@pytest.mark.parametrize(("fields", "closes"), OPTIONS)
def test_a_connection_is_used_again_unless_the_version_or_an_option_says_no(
    fields: bytes, closes: bool, version: bytes
) -> None:
    expected = version != b"1.0" and not closes
    request = parsing.parse_request(b"GET / HTTP/%b\r\nHost: a\r\n%b\r\n" % (version, fields))
    answer = parsing.parse_response(b"HTTP/%b 200 x\r\n%b\r\n" % (version, fields))
    assert isinstance(answer, Response)
    assert framing.request_facts(request)[1] is expected
    assert framing.response_facts(answer, b"GET")[1] is expected


KEEPING = Policy(keep_alive_in_http10=True)

# Whether each makes an HTTP/1.0 connection one that is used again, where the policy lets it.
AGREEMENTS = [
    (b"", False),
    (b"Connection:\r\n", False),
    (b"Connection: x\r\n", False),
    (b"Connection: keep-alive\r\n", True),
    (b"CONNECTION: Keep-Alive\r\n", True),
    (b"Connection: x ,\tKEEP-alive,\r\n", True),
    (b"Connection: x\r\nConnection: keep-alive\r\n", True),
    (b"Connection: keep-alive\r\nKeep-Alive: timeout=5, max=100\r\n", True),
    (b"Connection: not-keep-alive\r\n", False),
    (b"Connection: keep-alive=1\r\n", False),
    (b"Connection: keep alive\r\n", False),
    (b"Keep-Alive: timeout=5\r\n", False),
    (b"Proxy-Connection: keep-alive\r\n", False),
    (b"Proxy-Connection: close\r\nConnection: keep-alive\r\n", True),
    (b"Connection: close, keep-alive\r\n", False),
    (b"Connection: keep-alive\r\nConnection: Close\r\n", False),
    (b"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n", False),
]


@pytest.mark.parametrize(("fields", "keeps"), AGREEMENTS)
def test_an_http10_connection_is_used_again_if_a_policy_lets_it_and_the_message_agrees(
    fields: bytes, keeps: bool
) -> None:
    request = parsing.parse_request(b"GET / HTTP/1.0\r\n%b\r\n" % fields, policy=H11)
    answer = parsing.parse_response(b"HTTP/1.0 200 x\r\nContent-Length: 5\r\n%b\r\n" % fields, policy=H11)
    assert isinstance(answer, Response)
    for trusts_two_lengths in (True, False):
        for policy, expected in ((KEEPING, keeps), (H11, False), (Policy(), False)):
            facts = framing.request_facts(request, trusts_two_lengths, policy._tolerances)
            assert facts[1:] == (expected, False, False)
            assert framing.response_facts(answer, b"GET", policy._tolerances, trusts_two_lengths)[1] is expected


@pytest.mark.parametrize(
    ("line", "keeps"),
    [
        (b"GET / HTTP/1.0", True),
        (b"HEAD /a?b HTTP/1.0", True),
        (b"OPTIONS * HTTP/1.0", True),
        # What is written to a proxy; what is older, or newer in name only.
        (b"GET http://a/ HTTP/1.0", False),
        (b"CONNECT a:1 HTTP/1.0", False),
        (b"CONNECT / HTTP/1.0", False),
        (b"GET / HTTP/0.9", False),
        (b"GET / HTTP/0.0", False),
    ],
)
def test_an_http10_request_keeps_the_connection_to_an_origin_server(line: bytes, keeps: bool) -> None:
    head = b"%b\r\nHost: a\r\nConnection: keep-alive\r\nUpgrade: x\r\nExpect: 100-continue\r\n" % line
    policy = Policy(
        keep_alive_in_http10=True, any_connect_target=True, host_mismatch=True, any_target=True, any_major_version=True
    )
    for length, body in ((b"", NONE), (b"Content-Length: 0\r\n", 0)):
        request = parsing.parse_request(head + length + b"\r\n", policy=policy)
        assert framing.request_facts(request, policy=policy._tolerances) == (body, keeps, False, False)


@pytest.mark.parametrize(
    ("code", "fields", "method", "expected"),
    [
        (200, b"Content-Length: 5\r\n", b"GET", (5, True)),
        (200, b"Content-Length: 0\r\n", b"GET", (NONE, True)),
        (200, b"", b"GET", (framing.UNTIL_CLOSE, False)),
        (200, b"", b"HEAD", (NONE, True)),
        (200, b"Content-Length: 5\r\n", b"HEAD", (NONE, True)),
        (200, b"Content-Length: x\r\n", b"HEAD", (NONE, False)),
        (204, b"", b"GET", (NONE, True)),
        (304, b"Content-Length: 5\r\n", b"GET", (NONE, True)),
        (304, b"Content-Length: 5, 6\r\n", b"GET", (NONE, False)),
        (200, b"Content-Length: 5\r\n", None, (5, True)),
        (403, b"Content-Length: 5\r\n", b"CONNECT", (5, True)),
    ],
)
def test_an_http10_response_keeps_the_connection_if_its_body_has_an_end(
    code: int, fields: bytes, method: bytes | None, expected: ResponseFacts
) -> None:
    head = b"HTTP/1.0 %d x\r\nConnection: keep-alive\r\n%b\r\n" % (code, fields)
    answer = parsing.parse_response(head, request_method=method)
    assert isinstance(answer, Response)
    assert framing.response_facts(answer, method, KEEPING._tolerances) == expected
    assert framing.response_facts(answer, method) == (expected[0], False)


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1", b"GET / HTTP/1.2", b"GET / HTTP/2.0"])
@pytest.mark.parametrize(("fields", "closes"), OPTIONS)
def test_keep_alive_means_nothing_in_a_later_version(fields: bytes, closes: bool, line: bytes) -> None:
    request = parsing.parse_request(b"%b\r\nHost: a\r\n%b\r\n" % (line, fields), policy=H11)
    assert framing.request_facts(request, policy=KEEPING._tolerances)[1] is not closes


def test_which_versions_are_http11() -> None:
    assert [framing.is_http11(version) for version in (None, b"1.0", b"1.1", b"1.9")] == [False, False, True, True]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [([], False), ([LENGTH], True), ([CHUNKED], True), ([("Content-Length", "0")], True), ([("X", "y")], False)],
)
def test_whether_a_request_says_how_long_it_is(fields: list[tuple[str, str]], expected: bool) -> None:
    request = Request(method="PUT", target="/", headers=[("Host", "a"), *fields])
    assert framing.says_length(request) is expected
    assert framing.request_framing(request) == (framing.request_facts(request)[0])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], False),
        (["x"], False),
        (["100-continue"], True),
        (["x", "y ,100-CONTINUE"], True),
        (["1100-continue"], False),
    ],
)
def test_what_a_request_expects(values: list[str], expected: bool) -> None:
    fields = [("Host", "a"), *[("Expect", value) for value in values]]
    assert framing.expects_continue(Request(method="PUT", target="/", headers=fields)) is expected


@pytest.mark.parametrize(
    ("status_code", "method", "code"),
    [
        (200, b"GET", None),
        (200, None, None),
        (404, b"CONNECT", None),
        (200, b"HEAD", "content-in-head-response"),
        (204, b"HEAD", "content-in-head-response"),
        (204, b"GET", "content-in-204"),
        (304, None, "content-in-304"),
    ],
)
def test_why_a_response_has_no_content(status_code: int, method: bytes | None, code: ErrorCode | None) -> None:
    assert framing.why_no_content(status_code, method) == code
    assert framing.has_no_content(status_code, method) is (code is not None)


# --- what is sent ---------------------------------------------------------------------------------------------------


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
        (response(), b"HEAD", b"1.0", True, [("Connection", "keep-alive")]),
        (response(), b"GET", b"1.1", False, [CHUNKED, ("Connection", "close")]),
        (response(LENGTH), b"GET", b"1.0", True, [LENGTH, ("Connection", "keep-alive")]),
        (response(LENGTH), b"HEAD", b"1.0", True, [LENGTH, ("Connection", "keep-alive")]),
        (
            response(("connection", "x"), LENGTH),
            b"GET",
            b"1.0",
            True,
            [("connection", "x"), LENGTH, ("Connection", "keep-alive")],
        ),
        (response(("Connection", "close"), LENGTH), b"GET", b"1.0", True, [LENGTH, ("Connection", "close")]),
        (
            response(("Connection", "keep-alive, CLOSE"), LENGTH),
            b"GET",
            b"1.0",
            True,
            [LENGTH, ("Connection", "close")],
        ),
        (response(("Connection", "keep-alive"), LENGTH), b"GET", b"1.0", False, [LENGTH, ("Connection", "close")]),
        (response(("Connection", "keep-alive")), b"GET", b"1.0", True, [("Connection", "close")]),
        (response(LENGTH, status_code=204), b"GET", b"1.0", True, [("Connection", "keep-alive")]),
        (response(LENGTH, CHUNKED), b"GET", b"1.1", True, [CHUNKED]),
        (response(LENGTH, CHUNKED), b"GET", b"1.0", True, [("Connection", "close")]),
        (response(LENGTH, CHUNKED, status_code=204), b"GET", b"1.1", True, []),
        (response(LENGTH, CHUNKED), b"CONNECT", b"1.1", True, []),
        (response(CHUNKED, status_code=304), b"GET", b"1.0", True, [("Connection", "keep-alive")]),
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
        (response(LENGTH, ("connection", "X, Keep-Alive")), b"1.0", False),
        (response(LENGTH), None, False),
        (response(CHUNKED), b"1.1", False),
        (response(LENGTH, ("Connection", "close")), b"1.1", True),
        (response(status_code=204), b"1.1", False),
        (response(LENGTH, status_code=304), b"1.1", False),
    ],
)
def test_a_response_that_needs_nothing_is_sent_as_it_is(head: Response, version: bytes | None, *, last: bool) -> None:
    sent = framing.response_to_send(head, request_method=b"GET", peer_version=version, keep_alive=True, last=last)
    assert sent is head


@pytest.mark.parametrize("status_code", [200, 299, 300])
def test_a_tunnel_is_granted_by_2xx_alone(status_code: int) -> None:
    granted = status_code < 300
    assert framing.grants_tunnel(status_code) is granted
    assert framing.has_no_content(status_code, b"CONNECT") is granted
    assert not framing.has_no_content(status_code, b"GET")
    framed = framing.response_framing(response(LENGTH, status_code=status_code), b"CONNECT")
    assert framed == (framing.NO_BODY if granted else 5)


def test_an_informational_response_loses_its_length() -> None:
    as_it_is = InformationalResponse(status_code=103, headers=[("Link", "x")], reason="y")
    assert framing.informational_to_send(as_it_is) is as_it_is
    head = InformationalResponse(status_code=103, headers=[LENGTH, ("Link", "x"), CHUNKED], reason="y")
    assert framing.informational_to_send(head) == as_it_is


def test_a_tolerated_response_is_not_vouched_for_on_the_way() -> None:
    received = parsing.parse_response(b"HTTP/1.1 200 OK\r\nX: \x01\r\n\r\n", policy=H11)
    assert isinstance(received, Response)
    changed = framing.response_to_send(received, request_method=b"GET", peer_version=None, keep_alive=False)
    assert not changed.headers._strict
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


def test_a_pair_of_the_wrong_kind_is_refused() -> None:
    client = Connection(CLIENT)
    for wrong in (["ab"], [b"ab"], [bytearray(b"ab")]):
        with pytest.raises(TypeError, match="pair"):
            client.send(Request(method="GET", target="/", headers=wrong))  # type: ignore[arg-type]
