"""A connection that HTTP/1.0 keeps alive, from the request to the next: `Policy.keep_alive_in_http10`, DR-5."""

from __future__ import annotations

import pytest

from http11 import (
    CLIENT,
    DONE,
    MUST_CLOSE,
    PAUSED,
    SERVER,
    Connection,
    Data,
    EndOfMessage,
    Event,
    LocalProtocolError,
    Policy,
    RemoteProtocolError,
    Request,
    Response,
    ServerConnection,
)

END = EndOfMessage()
KEEPING = Policy(keep_alive_in_http10=True)

ASKS = b"GET /%d HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"


def events_of(connection: ServerConnection) -> list[Event]:
    events: list[Event] = []
    while not isinstance(event := connection.next_event(), type):
        events.append(event)
    return events


def hello(*fields: tuple[str, str], status: int = 200) -> list[Response | Data[bytes] | EndOfMessage]:
    return [Response(status_code=status, headers=[("Content-Length", "2"), *fields]), Data(b"hi"), END]


def answered(connection: ServerConnection, *fields: tuple[str, str], status: int = 200) -> bytes:
    return b"".join([connection.send(event) for event in hello(*fields, status=status)])


KEPT = b"HTTP/1.1 200 \r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi"
CLOSED = b"HTTP/1.1 200 \r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"


def test_a_server_goes_on_for_as_long_as_each_request_asks() -> None:
    server = Connection(SERVER, policy=KEEPING)
    for number in range(3):
        server.receive_data(ASKS % number)
        request, end = events_of(server)
        assert request == Request(
            method="GET", target=f"/{number}", headers=[("Connection", "keep-alive")], http_version="1.0"
        )
        assert end == END
        assert answered(server) == KEPT
        assert server.states == {CLIENT: DONE, SERVER: DONE}
        server.start_next_cycle()
        assert server.their_http_version == b"1.0"
    server.receive_data(b"GET / HTTP/1.0\r\n\r\n")
    assert len(events_of(server)) == 2
    assert answered(server) == CLOSED
    assert server.states == {CLIENT: MUST_CLOSE, SERVER: MUST_CLOSE}
    with pytest.raises(LocalProtocolError) as caught:
        server.start_next_cycle()
    assert caught.value.code == "not-reusable"


def test_requests_that_were_sent_ahead_wait_for_their_turn() -> None:
    server = Connection(SERVER, policy=KEEPING)
    server.receive_data(ASKS % 1 + ASKS % 2)
    assert len(events_of(server)) == 2
    assert server.next_event() is PAUSED
    assert answered(server) == KEPT
    server.start_next_cycle()
    request, _ = events_of(server)
    assert isinstance(request, Request)
    assert request.target == b"/2"


@pytest.mark.parametrize("nonsense", [b"G@T / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"])
def test_an_error_after_it_closes(nonsense: bytes) -> None:
    server = Connection(SERVER, policy=KEEPING)
    server.receive_data(ASKS % 1)
    events_of(server)
    assert answered(server) == KEPT
    server.start_next_cycle()
    server.receive_data(nonsense)
    with pytest.raises(RemoteProtocolError):
        server.next_event()
    assert answered(server, status=400) == CLOSED.replace(b"200", b"400")


def test_a_client_that_is_late_is_told_of_the_close() -> None:
    server = Connection(SERVER, policy=KEEPING)
    server.receive_data(ASKS % 1)
    events_of(server)
    answered(server)
    server.start_next_cycle()
    assert answered(server, status=408) == CLOSED.replace(b"200", b"408")
    assert server.our_state == MUST_CLOSE


def test_what_the_server_says_last_counts() -> None:
    server = Connection(SERVER, policy=KEEPING)
    server.receive_data(ASKS % 1)
    events_of(server)
    assert answered(server, ("Connection", "close")) == CLOSED
    assert server.states == {CLIENT: MUST_CLOSE, SERVER: MUST_CLOSE}


def test_events_are_as_they_came() -> None:
    server = Connection(SERVER, policy=KEEPING)
    server.receive_data(b"GET / HTTP/1.0\r\nCONNECTION: Keep-Alive\r\nKeep-Alive: 300\r\n\r\n")
    request, _ = events_of(server)
    assert isinstance(request, Request)
    assert request.http_version == b"1.0"
    assert request.headers.raw_items() == [(b"CONNECTION", b"Keep-Alive"), (b"Keep-Alive", b"300")]
    client = Connection(CLIENT, policy=KEEPING)
    client.send(Request(method="GET", target="/", headers=[("Host", "a")]))
    client.send(END)
    client.receive_data(b"HTTP/1.0 204 x\r\nCONNECTION: Keep-Alive\r\n\r\n")
    response = client.next_event()
    assert isinstance(response, Response)
    assert response.http_version == b"1.0"
    assert response.headers.raw_items() == [(b"CONNECTION", b"Keep-Alive")]
