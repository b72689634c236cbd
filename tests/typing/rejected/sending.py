"""What may not be sent: by which role, and by whom it is not known."""

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
    InformationalResponse,
    Request,
    Response,
    ServerConnection,
    ServerEvent,
)


def a_client_sends_no_response(conn: ClientConnection, response: Response, interim: InformationalResponse) -> None:
    conn.send(response)  # error: overload "send"
    conn.send(interim)  # error: overload "send"
    conn.send_with_data_passthrough(response)  # error: overload "send_with_data_passthrough"
    conn.send_with_data_passthrough(interim)  # error: overload "send_with_data_passthrough"


def a_server_sends_no_request(conn: ServerConnection, request: Request) -> None:
    conn.send(request)  # error: overload "send"
    conn.send_with_data_passthrough(request)  # error: overload "send_with_data_passthrough"


def the_role_is_that_of_the_constructor(request: Request, response: Response) -> None:
    Connection(CLIENT).send(response)  # error: overload "send"
    Connection(SERVER).send(request)  # error: overload "send"


def of_an_unknown_role_nobody_knows(
    conn: Connection, request: Request, response: Response, interim: InformationalResponse
) -> None:
    conn.send(request)  # error: overload "send"
    conn.send(response)  # error: overload "send"
    conn.send(interim)  # error: overload "send"
    conn.send_with_data_passthrough(request)  # error: overload "send_with_data_passthrough"
    conn.send_with_data_passthrough(response)  # error: overload "send_with_data_passthrough"
    conn.send_with_data_passthrough(interim)  # error: overload "send_with_data_passthrough"


def a_union_is_as_wrong_as_its_worst_member(
    client: ClientConnection, server: ServerConnection, event: Event, of_client: ClientEvent, of_server: ServerEvent
) -> None:
    client.send(event)  # error: overload "send"; mypy arg-type
    server.send(event)  # error: overload "send"; mypy arg-type
    client.send(of_server)  # error: overload "send"; mypy arg-type
    server.send(of_client)  # error: overload "send"; mypy arg-type


def only_events_are_sent(conn: ClientConnection) -> None:
    conn.send(b"GET / HTTP/1.1\r\n\r\n")  # error: overload "send"
    conn.send(EndOfMessage)  # error: overload "send"
    conn.send()  # error: overload "send"


def what_comes_back_is_bytes_but_for_the_end(conn: ClientConnection) -> None:
    conn.send(ConnectionClosed()).hex()  # error: attribute "hex"
    conn.send(Data(b"")).encode()  # error: attribute "encode"
    conn.send_with_data_passthrough(EndOfMessage()).hex()  # error: attribute "hex"
    conn.send_with_data_passthrough(ConnectionClosed()).append(b"")  # error: attribute "append"
