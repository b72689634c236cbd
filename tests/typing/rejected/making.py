"""What an event, a `Headers` and a connection cannot be made of."""

import attrs

from http11 import (
    CLIENT,
    NEED_DATA,
    ClientConnection,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Headers,
    InformationalResponse,
    LocalProtocolError,
    Policy,
    Request,
    Response,
    ServerConnection,
)


def a_request_needs_its_parts() -> None:
    Request(method="GET", target="/")  # error: missing "headers"
    Request(method="GET", headers=[])  # error: missing "target"
    Request(target="/", headers=[])  # error: missing "method"
    Response(headers=[])  # error: missing "status_code"
    InformationalResponse(status_code=100)  # error: missing "headers"
    Data()  # error: overload


def parts_go_by_name() -> None:
    Request("GET", "/", [])  # error: positional; pyrefly unexpected-positional-argument
    Response(200, [])  # error: positional; pyrefly unexpected-positional-argument
    EndOfMessage([])  # error: positional
    ConnectionClosed(b"")  # error: positional


def a_part_that_there_is_not() -> None:
    Request(method="GET", target="/", headers=[], body=b"")  # error: unknown "body"
    Request(method="GET", url="/", target="/", headers=[])  # error: unknown "url"
    Response(status=200, status_code=200, headers=[])  # error: unknown "status"
    EndOfMessage(trailers=[])  # error: unknown "trailers"
    Data(b"", end=True)  # error: overload


def a_part_of_the_wrong_type(number: int, text: str) -> None:
    Request(method="GET", target=number, headers=[])  # error: argument "int"
    Request(method="GET", target="/", headers=[], http_version=1.1)  # error: argument "float"
    Response(status_code=text, headers=[])  # error: argument "str"
    Response(status_code=200, headers=[], reason=number)  # error: argument "int"
    Data(b"", chunk_start=text)  # error: overload


def fields_of_the_wrong_type(number: int) -> None:
    Headers([("Content-Length", number)])  # error: item "int"
    Headers(["Host: example.com"])  # error: item "str"
    Headers([("Host", "example.com", "and more")])  # error: item "tuple"
    Headers({"Host": "example.com"})  # error: mapping
    Headers(number)  # error: argument "int"
    Request(method="GET", target="/", headers={"Host": "example.com"})  # error: mapping
    EndOfMessage(headers=[("ETag", number)])  # error: item "int"


def a_copy_of_the_wrong_type(request: Request, response: Response, data: Data[bytes], number: int, text: str) -> None:
    # To pyright and ty, `attrs.evolve` takes anything: so say attrs' own types.
    attrs.evolve(request, method=number)  # error: argument "int"; pyright none; ty none
    attrs.evolve(request, headers=[("Content-Length", number)])  # error: item "int"; pyright none; ty none
    attrs.evolve(request, path="/")  # error: unknown "path"; pyright none; ty none
    attrs.evolve(response, status_code=text)  # error: argument "str"; pyright none; ty none
    attrs.evolve(data, chunk_end=text)  # error: argument "str"; pyright none; ty none
    attrs.evolve(data, data=number)  # error: argument "int"; pyright none; ty none


def a_copy_is_of_the_same_class(request: Request) -> Response:
    return attrs.evolve(request, method="GET")  # error: return "Request"


def a_connection_has_a_role(number: float, text: str) -> None:
    Connection()  # error: missing "our_role"
    Connection("PROXY")  # error: role
    Connection(CLIENT, text)  # error: argument "str"
    Connection(CLIENT, max_incomplete_event_size=number)  # error: argument "float"
    Connection(CLIENT, 16384, Policy())  # error: positional
    Connection(CLIENT, policy=text)  # error: argument "str"


def a_role_is_not_the_other() -> ServerConnection:
    conn: ServerConnection = Connection(CLIENT)  # error: assignment "CLIENT"; mypy arg-type
    print(conn)
    return Connection(CLIENT)  # error: return "CLIENT"; mypy arg-type


def a_function_for_one_role(conn: ClientConnection) -> None:
    a_function_for_the_other(conn)  # error: argument "CLIENT"


def a_function_for_the_other(conn: ServerConnection) -> None:
    a_function_for_one_role(conn)  # error: argument "SERVER"


def of_either_role_is_of_no_certain_one(conn: Connection) -> None:
    a_function_for_one_role(conn)  # error: argument "Connection"


def policies_and_errors_have_names(text: str) -> None:
    Policy(bare_crlf=True)  # error: unknown "bare_crlf"
    Policy(bare_lf=text)  # error: argument "str"
    Policy(tolerant=True)  # error: unknown "tolerant"
    Policy(True)  # error: positional
    LocalProtocolError("why", text)  # error: argument "str"
    LocalProtocolError("why", code="no-such-code")  # error: argument "no-such-code"
    LocalProtocolError()  # error: missing "msg"


def a_signal_is_not_called() -> None:
    NEED_DATA()  # error: missing; pyrefly bad-argument-count
