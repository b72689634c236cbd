"""The three properties that keep "validated once, by one grammar" honest, and what must hold for any input at all."""

from __future__ import annotations

import re

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from http11 import (
    CLIENT,
    H11,
    SERVER,
    STRICT,
    ClientConnection,
    Connection,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    LocalProtocolError,
    Policy,
    RemoteProtocolError,
    Request,
    Response,
    Role,
    ServerConnection,
    framing,
)
from http11.parsing import parse_response
from tests import strategies
from tests.harness import Reader, host_first, raw_fields, read, rebuilt, send_any

DOORS = (
    "broken_lines_in_response",
    "space_before_colon_in_response",
    "any_last_coding_in_response",
    "repeated_chunked_in_response",
    "connect_without_host",
    "non_ascii_in_target",
)
EACH_DOOR = [Policy(**{door: True}) for door in DOORS]
# All that there is to tolerate.
ALL = attrs.evolve(H11, **dict.fromkeys(DOORS, True))
POLICIES = st.sampled_from([STRICT, H11, ALL, *EACH_DOOR, Policy(keep_alive_in_http10=True)])


class Collector(Reader):
    """A reader that keeps the events themselves."""

    def __init__(self, role: Role, policy: Policy) -> None:
        super().__init__(role, policy=policy)
        self.events: list[Event] = []

    def _add(self, event: Event) -> None:
        self.events.append(event)
        super()._add(event)


def events_of(pieces: list[bytes], role: Role, policy: Policy) -> list[Event]:
    reader = Collector(role, policy)
    for piece in [*pieces, b""]:
        reader.feed(piece)
    return reader.events


@given(st.data(), strategies.roles)
def test_a_parsed_event_is_accepted_unchanged_by_its_constructor(data: st.DataObject, role: Role) -> None:
    for event in events_of([data.draw(strategies.streams(role))], role, STRICT):
        if isinstance(event, Response) and event.status_code in (204, 304) and refused_by_constructor(event):
            # What these say of a length does not count when they are read, and may not be said (ML-15, SD-15).
            assert refused_by_send(event)
            continue
        again = rebuilt(event)
        assert again == event
        assert raw_fields(again) == raw_fields(event)


@given(strategies.requests(), strategies.payloads, strategies.ends)
def test_a_sent_request_is_read_as_itself(request: Request, payload: bytes, end: EndOfMessage) -> None:
    client, server = Connection(CLIENT), Connection(SERVER)
    server.receive_data(client.send(request))
    received = server.next_event()
    assert received == attrs.evolve(request, headers=host_first(request.headers))
    assert raw_fields(received) == host_first(request.headers)
    body = framing.request_framing(request)
    if not isinstance(body, int):
        server.receive_data(client.send(Data(payload)) + client.send(end))
        if payload:
            assert server.next_event() == Data(payload, chunk_start=True, chunk_end=True)
        assert server.next_event() == end
    elif body < 100:
        rest = client.send(Data(b"." * body)) + client.send(EndOfMessage())
        if body:
            server.receive_data(rest)
            assert server.next_event() == Data(b"." * body)
        assert server.next_event() == EndOfMessage()


def asked(method: bytes) -> tuple[ClientConnection, ServerConnection]:
    """A client that has asked, and the server that has heard it."""
    client = Connection(CLIENT)
    server = Connection(SERVER)
    target = b"a:1" if method == b"CONNECT" else b"/"
    server.receive_data(client.send(Request(method=method, target=target, headers=[("Host", "a")])))
    client.send(EndOfMessage())
    while not isinstance(server.next_event(), type):
        pass
    return client, server


@given(
    st.lists(strategies.informational_responses(), max_size=2),
    strategies.responses(),
    st.sampled_from([b"GET", b"HEAD", b"CONNECT"]),
    strategies.payloads,
    strategies.ends,
)
def test_a_sent_response_is_read_as_what_was_sent(
    interims: list[InformationalResponse], response: Response, method: bytes, payload: bytes, end: EndOfMessage
) -> None:
    client, server = asked(method)
    for interim in interims:
        client.receive_data(server.send(interim))
        assert client.next_event() == framing.informational_to_send(interim)
    sent = framing.response_to_send(
        response,
        request_method=method,
        peer_version=b"1.1",
        keep_alive=True,
        # A tunnel that is refused is the end (CN-1).
        last=method == b"CONNECT" and not framing.grants_tunnel(response.status_code),
    )
    client.receive_data(server.send(response))
    received = client.next_event()
    assert received == sent
    assert isinstance(received, Response)
    assert raw_fields(received) == raw_fields(sent)
    assert client.states == server.states
    if framing.response_framing(sent, method) == "chunked":
        client.receive_data(server.send(Data(payload)) + server.send(end))
        if payload:
            assert client.next_event() == Data(payload, chunk_start=True, chunk_end=True)
        assert client.next_event() == end
        assert client.states == server.states


def refused_by_constructor(event: Event) -> bool:
    try:
        rebuilt(event)
    except LocalProtocolError:
        return True
    return False


def refused_by_send(event: Event) -> bool:
    connection: Connection[Role] = Connection(CLIENT) if isinstance(event, Request) else asked(b"GET")[1]
    try:
        send_any(connection, event)
    except LocalProtocolError as error:
        return error.code != "unexpected-switch"
    return False


@given(st.data(), strategies.roles)
def test_what_no_constructor_accepts_is_refused_by_send(data: st.DataObject, role: Role) -> None:
    for event in events_of([data.draw(strategies.streams(role))], role, H11):
        if isinstance(event, Request | Response | InformationalResponse):
            if event.http_version == b"1.1":
                assert refused_by_send(event) == refused_by_constructor(event)
            else:
                assert refused_by_send(event)
            if refused_by_constructor(event):
                with pytest.raises(LocalProtocolError):
                    attrs.evolve(event)


@given(st.data(), strategies.roles, POLICIES, st.booleans())
def test_any_input_has_the_same_outcome_in_any_pieces(
    data: st.DataObject, role: Role, policy: Policy, closed: bool
) -> None:
    pieces = data.draw(strategies.cut(strategies.streams(role)))
    whole = b"".join(pieces)
    end = [b""] if closed else []
    # `read` lets nothing through but RemoteProtocolError.
    expected = read([whole, *end] if whole else end, role, policy=policy)
    assert read([*pieces, *end], role, policy=policy) == expected
    assert read([*(whole[i : i + 1] for i in range(len(whole))), *end], role, policy=policy) == expected


@given(st.data(), strategies.roles, st.sampled_from(EACH_DOOR))
def test_a_door_only_adds(data: st.DataObject, role: Role, policy: Policy) -> None:
    """What STRICT accepts, it reads as the same with any one door open."""
    stream = data.draw(strategies.streams(role))
    strict = read([stream, b""], role)
    accepted = strict[:-1] if strict[-1][0] == "error" else strict
    opened = read([stream, b""], role, policy=policy)
    assert opened[: len(accepted)] == accepted


# A status line, and lines that are fields or none.
_LINES = st.lists(
    st.sampled_from([b"A: b", b"Content-Length: 5", b"Connection : x", b"Content-Length\t: 5", b"C: d\r\n e", b" f"])
    | strategies.broken_lines
    | st.lists(st.sampled_from(b'Content-Length: 5=()"\t\x80/'), min_size=1, max_size=20).map(bytes),
    max_size=5,
)
# What must never be left out, by the letters with which it begins.
_FRAMING = re.compile(rb"connection|contentlength|keepalive|proxyconnection|transferencoding|upgrade")


@given(_LINES)
def test_a_head_with_broken_lines_is_read_as_the_head_without_them(lines: list[bytes]) -> None:
    head = b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", b""])
    left_out: list[bytes] = []
    try:
        response = parse_response(head, policy=Policy(broken_lines_in_response=True), left_out=left_out)
    except RemoteProtocolError:
        return
    kept = head.split(b"\r\n")
    for line in left_out:
        assert _FRAMING.match(re.sub(rb"[^a-z]", b"", line.lower())) is None
        folded = line.decode("utf-8", "replace").casefold()
        assert _FRAMING.match(re.sub(r"[^a-z]", "", folded).encode()) is None
        assert line.strip(b" \t")
        kept.remove(line)
    assert response == parse_response(b"\r\n".join(kept))


@given(_LINES)
def test_a_head_with_white_space_before_colons_is_read_as_the_head_without(lines: list[bytes]) -> None:
    head = b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", b""])
    try:
        response = parse_response(head, policy=Policy(space_before_colon_in_response=True))
    except RemoteProtocolError:
        return
    assert response == parse_response(re.sub(rb"(?m)^([^ \t\r\n:]+)[ \t]+:", rb"\1:", head))


@given(st.data(), strategies.roles)
def test_tolerance_only_adds(data: st.DataObject, role: Role) -> None:
    """What STRICT accepts in full, H11 reads as the same, but where the table says otherwise (LN-3, CH-4)."""
    stream = data.draw(strategies.streams(role))
    strict = read([stream, b""], role)
    if strict[-1][0] != "error" and not stream.startswith((b"\r\n", b"\n")) and b"\r\n\r\n\r\n" not in stream:
        tolerant = read([stream, b""], role, policy=H11)
        if tolerant[-1] not in (("error", "space-after-chunk-size", 400), ("error", "empty-line", 400)):
            assert tolerant == strict
