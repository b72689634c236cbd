"""`None` is no argument, and a signal is no event: wherever something is expected, it has to be there."""

import attrs

from http11 import (
    CLIENT,
    NEED_DATA,
    PAUSED,
    ClientConnection,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Headers,
    InformationalResponse,
    LocalProtocolError,
    Request,
    Response,
    ServerConnection,
)


class File:
    """Something that can be written by `os.sendfile`."""

    def __len__(self) -> int:
        """Its size in bytes."""
        return 5


def in_an_event() -> None:
    Request(method=None, target="/", headers=[])  # error: argument "None"
    Request(method="GET", target=None, headers=[])  # error: argument "None"
    Request(method="GET", target="/", headers=None)  # error: argument "None"
    Request(method="GET", target="/", headers=[], http_version=None)  # error: argument "None"
    InformationalResponse(status_code=None, headers=[])  # error: argument "None"
    InformationalResponse(status_code=100, headers=None)  # error: argument "None"
    InformationalResponse(status_code=100, headers=[], http_version=None)  # error: argument "None"
    InformationalResponse(status_code=100, headers=[], reason=None)  # error: argument "None"
    Response(status_code=None, headers=[])  # error: argument "None"
    Response(status_code=200, headers=None)  # error: argument "None"
    Response(status_code=200, headers=[], http_version=None)  # error: argument "None"
    Response(status_code=200, headers=[], reason=None)  # error: argument "None"
    EndOfMessage(headers=None)  # error: argument "None"


def in_data() -> None:
    Data(None)  # error: overload
    Data(b"", chunk_start=None)  # error: overload
    Data(b"", chunk_end=None)  # error: overload
    Data(File(), chunk_start=None)  # error: overload
    Data(File(), chunk_end=None)  # error: overload


def in_fields(headers: Headers) -> None:
    Headers(None)  # error: argument "None"
    Headers([(None, b"")])  # error: item "None"
    Headers([(b"", None)])  # error: item "None"
    # mypy does not look which overload takes so many arguments.
    headers.get(None)  # error: argument "None"; mypy call-overload
    headers.get_all(None)  # error: argument "None"
    headers[None]  # error: lookup


def in_a_connection() -> None:
    Connection(None)  # error: role "None"
    Connection(CLIENT, None)  # error: argument "None"
    Connection(CLIENT, max_incomplete_event_size=None)  # error: argument "None"
    Connection(CLIENT, policy=None)  # error: argument "None"


def in_an_error() -> None:
    LocalProtocolError(None)  # error: argument "None"
    LocalProtocolError("", None)  # error: argument "None"
    LocalProtocolError("", code=None)  # error: argument "None"
    LocalProtocolError("", rule=None)  # error: argument "None"
    LocalProtocolError("", excerpt=None)  # error: argument "None"


def in_an_error_of_the_wrong_type(number: int, text: str) -> None:
    LocalProtocolError(number)  # error: argument "int"
    LocalProtocolError("", code=text)  # error: argument "str"
    LocalProtocolError("", rule=number)  # error: argument "int"
    LocalProtocolError("", offset=text)  # error: argument "str"
    LocalProtocolError("", excerpt=text)  # error: argument "str"


def in_what_is_sent(client: ClientConnection, server: ServerConnection, either: Connection) -> None:
    client.send(None)  # error: overload "send"
    client.send(NEED_DATA)  # error: overload "send"
    client.send(PAUSED)  # error: overload "send"
    server.send(None)  # error: overload "send"
    server.send(NEED_DATA)  # error: overload "send"
    server.send(PAUSED)  # error: overload "send"
    either.send(None)  # error: overload "send"
    either.send(NEED_DATA)  # error: overload "send"
    either.send(PAUSED)  # error: overload "send"


def in_what_is_passed_through(client: ClientConnection, server: ServerConnection, either: Connection) -> None:
    client.send_with_data_passthrough(None)  # error: overload "send_with_data_passthrough"
    client.send_with_data_passthrough(NEED_DATA)  # error: overload "send_with_data_passthrough"
    client.send_with_data_passthrough(PAUSED)  # error: overload "send_with_data_passthrough"
    server.send_with_data_passthrough(None)  # error: overload "send_with_data_passthrough"
    server.send_with_data_passthrough(NEED_DATA)  # error: overload "send_with_data_passthrough"
    server.send_with_data_passthrough(PAUSED)  # error: overload "send_with_data_passthrough"
    either.send_with_data_passthrough(None)  # error: overload "send_with_data_passthrough"
    either.send_with_data_passthrough(NEED_DATA)  # error: overload "send_with_data_passthrough"
    either.send_with_data_passthrough(PAUSED)  # error: overload "send_with_data_passthrough"


# To pyright and ty, `attrs.evolve` takes anything: so say attrs' own types.
def in_a_copy_of_a_request(request: Request) -> None:
    attrs.evolve(request, method=None)  # error: argument "None"; pyright none; ty none
    attrs.evolve(request, target=None)  # error: argument "None"; pyright none; ty none
    attrs.evolve(request, headers=None)  # error: argument "None"; pyright none; ty none
    attrs.evolve(request, http_version=None)  # error: argument "None"; pyright none; ty none


def in_a_copy_of_a_response(interim: InformationalResponse, response: Response) -> None:
    attrs.evolve(interim, status_code=None)  # error: argument "None"; pyright none; ty none
    attrs.evolve(interim, headers=None)  # error: argument "None"; pyright none; ty none
    attrs.evolve(interim, http_version=None)  # error: argument "None"; pyright none; ty none
    attrs.evolve(interim, reason=None)  # error: argument "None"; pyright none; ty none
    attrs.evolve(response, status_code=None)  # error: argument "None"; pyright none; ty none
    attrs.evolve(response, headers=None)  # error: argument "None"; pyright none; ty none
    attrs.evolve(response, http_version=None)  # error: argument "None"; pyright none; ty none
    attrs.evolve(response, reason=None)  # error: argument "None"; pyright none; ty none


def in_a_copy_of_another_event(data: Data[bytes], end: EndOfMessage, closed: ConnectionClosed) -> None:
    attrs.evolve(data, data=None)  # error: argument "None"; pyright none; ty none
    attrs.evolve(data, chunk_start=None)  # error: argument "None"; pyright none; ty none
    attrs.evolve(data, chunk_end=None)  # error: argument "None"; pyright none; ty none
    attrs.evolve(end, headers=None)  # error: argument "None"; pyright none; ty none
    attrs.evolve(closed, headers=None)  # error: unknown "headers"; pyright none; ty none
