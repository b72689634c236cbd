"""What cannot come from the peer, and events that were forgotten."""

from typing import assert_never

from http11 import (
    NEED_DATA,
    PAUSED,
    ClientConnection,
    ClientEvent,
    ConnectionClosed,
    Data,
    EndOfMessage,
    InformationalResponse,
    Request,
    Response,
    ServerConnection,
    ServerEvent,
    Signal,
)


def a_signal_is_no_event(conn: ServerConnection) -> ClientEvent:
    return conn.next_event()  # error: return "Request"


def a_client_receives_what_a_server_sends(conn: ClientConnection) -> ClientEvent | Signal:
    return conn.next_event()  # error: return


def a_server_receives_what_a_client_sends(conn: ServerConnection) -> ServerEvent | Signal:
    return conn.next_event()  # error: return


def an_event_has_its_own_attributes_only(conn: ServerConnection, request: Request, response: Response) -> None:
    conn.next_event().headers  # error: member "headers"
    request.status_code  # error: attribute "status_code"
    request.path  # error: attribute "path"
    response.method  # error: attribute "method"
    response.reason_phrase  # error: attribute "reason_phrase"
    EndOfMessage().trailers  # error: attribute "trailers"
    ConnectionClosed().headers  # error: attribute "headers"
    NEED_DATA.data  # error: attribute "data"


def a_server_forgets_the_end_of_the_connection(conn: ServerConnection) -> None:
    event = conn.next_event()
    if isinstance(event, type):
        return
    match event:
        case Request() | Data() | EndOfMessage():
            pass
        case _:
            assert_never(event)  # error: forgotten "ConnectionClosed"


def a_client_forgets_interim_responses(conn: ClientConnection) -> None:
    event = conn.next_event()
    if isinstance(event, type):
        return
    match event:
        case Response() | Data() | EndOfMessage() | ConnectionClosed():
            pass
        case _:
            assert_never(event)  # error: forgotten "InformationalResponse"


def a_client_forgets_a_signal(conn: ClientConnection) -> None:
    event = conn.next_event()
    if event is NEED_DATA:
        return
    match event:
        case InformationalResponse() | Response() | Data() | EndOfMessage() | ConnectionClosed():
            pass
        case _:
            assert_never(event)  # error: forgotten "PAUSED"


def a_chain_forgets_data(conn: ServerConnection) -> None:
    event = conn.next_event()
    if isinstance(event, (type, Request)) or isinstance(event, EndOfMessage | ConnectionClosed):
        pass
    else:
        assert_never(event)  # error: forgotten "Data"


def a_match_without_an_end_forgets_too(conn: ServerConnection) -> None:
    event = conn.next_event()
    if isinstance(event, type):
        return
    # Only mypy and pyright have such a check.
    match event:  # error: exhaustive "ConnectionClosed"
        case Request() | Data() | EndOfMessage():
            pass


def a_pattern_is_checked_as_well(event: Request | Data[bytes] | EndOfMessage) -> None:
    match event:
        case Data(data, chunk_start, chunk_end, more):  # error: pattern
            raise NotImplementedError
        case Request(method):  # error: pattern
            raise NotImplementedError
        case _:
            pass


def what_is_bound_has_its_type(event: Request | Data[bytes] | EndOfMessage) -> str:
    match event:
        case Request(method=b"GET", target=target):
            return target  # error: return "bytes"
        case Data(data):
            return data  # error: return "bytes"
        case _:
            return ""


def only_bytes_are_received(conn: ServerConnection, number: int, text: str) -> None:
    conn.receive_data(text)  # error: argument "str"
    conn.receive_data(None)  # error: argument "None"
    conn.receive_data(number)  # error: argument "int"


def the_two_signals_are_two(conn: ServerConnection) -> type[PAUSED] | ClientEvent:
    return conn.next_event()  # error: return "PAUSED"
