"""What is left of an event after each question, for both roles."""

from typing import assert_never, assert_type

from http11 import (
    CLIENT,
    SERVER,
    ClientConnection,
    ClientEvent,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    Headers,
    InformationalResponse,
    Request,
    Response,
    ServerConnection,
    ServerEvent,
    Signal,
)


def a_server_matches(conn: ServerConnection) -> str:
    event = conn.next_event()
    if isinstance(event, type):
        return "a signal"
    match event:
        case Request(method=b"GET", target=target, headers=headers, http_version=version):
            assert_type(target, bytes)
            assert_type(headers, Headers)
            assert_type(version, bytes)
            return "a GET"
        case Request(method=method):
            assert_type(method, bytes)
            return "another request"
        case Data(data, chunk_start, chunk_end=chunk_end):
            assert_type(data, bytes)
            assert_type(chunk_start, bool)
            assert_type(chunk_end, bool)
            return "data"
        case EndOfMessage(headers=trailers):
            assert_type(trailers, Headers)
            return "the end"
        case ConnectionClosed():
            return "closed"
        case _:
            assert_never(event)


def a_client_matches(conn: ClientConnection) -> str:
    event = conn.next_event()
    if isinstance(event, type):
        return "a signal"
    match event:
        case InformationalResponse(status_code=101, reason=reason):
            assert_type(reason, bytes)
            return "another protocol"
        case InformationalResponse():
            return "interim"
        case Response(status_code=status_code, headers=headers, reason=reason):
            assert_type(status_code, int)
            assert_type(headers, Headers)
            assert_type(reason, bytes)
            return "the response"
        case Data():
            assert_type(event, Data[bytes])
            return "data"
        case EndOfMessage() | ConnectionClosed():
            return "no more"
        case _:
            assert_never(event)


def a_server_asks_in_turn(conn: ServerConnection) -> str:
    event = conn.next_event()
    if isinstance(event, type):
        return "a signal"
    if isinstance(event, Request):
        assert_type(event.method, bytes)
        return "a request"
    if isinstance(event, Data):
        assert_type(event, Data[bytes])
        return "data"
    if isinstance(event, (EndOfMessage, ConnectionClosed)):
        return "no more"
    assert_never(event)


def a_client_asks_in_turn(conn: ClientConnection) -> str:
    event = conn.next_event()
    if isinstance(event, type):
        return "a signal"
    if isinstance(event, InformationalResponse | Response):
        assert_type(event.status_code, int)
        return "a response"
    if isinstance(event, Data):
        return "data"
    if isinstance(event, EndOfMessage):
        return "the end"
    if isinstance(event, ConnectionClosed):
        return "closed"
    assert_never(event)


def a_union_is_a_question_too(server: ServerConnection, client: ClientConnection, either: Connection) -> str:
    received = server.next_event()
    if isinstance(received, ClientEvent):
        assert_type(received, ClientEvent)
    else:
        assert_type(received, Signal)
    answer = client.next_event()
    if not isinstance(answer, Event):
        assert_type(answer, Signal)
        return "a signal"
    assert_type(answer, ServerEvent)
    event = either.next_event()
    if isinstance(event, Event):
        assert_type(event, Event)
    return type(answer).__name__


def main() -> None:
    client, server = Connection(CLIENT), Connection(SERVER)
    assert a_server_matches(server) == a_client_asks_in_turn(client) == "a signal"
    server.receive_data(client.send(Request(method="GET", target="/", headers=[("Host", "a")])))
    assert a_server_matches(server) == "a GET"
    server.receive_data(client.send(EndOfMessage()))
    assert a_server_asks_in_turn(server) == "no more"
    assert a_union_is_a_question_too(server, client, server) == "a signal"
    client.receive_data(server.send(InformationalResponse(status_code=103, headers=[])))
    assert a_client_matches(client) == "interim"
    client.receive_data(server.send(Response(status_code=200, headers=[("Content-Length", "2")])))
    assert a_client_matches(client) == "the response"
    client.receive_data(server.send(Data(b"hi")))
    assert a_union_is_a_question_too(server, client, server) == "Data"
    assert a_client_asks_in_turn(client) == "the end"
