"""What an attribute holds is what it says, and not what the constructor took."""

from http11 import (
    IDLE,
    ClientConnection,
    Data,
    ErrorCode,
    Field,
    Headers,
    LocalProtocolError,
    RemoteProtocolError,
    Request,
    Response,
    ServerConnection,
    State,
)


def bytes_and_not_text(request: Request, response: Response) -> None:
    method: str = request.method  # error: assignment "bytes"
    target: str = request.target  # error: assignment "bytes"
    version: str = response.http_version  # error: assignment "bytes"
    reason: str = response.reason  # error: assignment "bytes"
    code: str = response.status_code  # error: assignment "int"
    fields: dict[bytes, bytes] = request.headers  # error: assignment "Headers"
    print(method, target, version, reason, code, fields)


def text_is_not_equal_to_bytes(request: Request, response: Response) -> None:
    # ty and pyrefly do not look for what can never be equal, here and below.
    print(request.method == "GET")  # error: comparison
    print(response.status_code == "200")  # error: comparison


def a_field_may_be_missing(headers: Headers, number: int) -> None:
    value: bytes = headers.get("Host")  # error: assignment "None"
    headers.get("Host").decode()  # error: optional "decode"
    # mypy takes the default for what is wrong.
    default: bytes = headers.get("Host", number)  # error: assignment "int"; mypy arg-type
    text: str = headers.get("Host", "")  # error: assignment "bytes"
    values: bytes = headers.get_all("Host")  # error: assignment "list"
    print(value, default, text, values)


def a_sequence_of_pairs(headers: Headers, number: int) -> None:
    headers["Host"]  # error: lookup
    name: bytes = headers[0]  # error: assignment "tuple"
    fields: list[Field] = headers[1:]  # error: assignment "tuple"
    # mypy does not look which overload takes so many arguments.
    headers.get(number)  # error: argument "int"; mypy call-overload
    headers.get(number, b"")  # error: argument "int"; mypy call-overload
    for line in headers:
        line.decode()  # error: attribute "decode"
    print(name, fields)


def a_name_is_not_a_pair(headers: Headers) -> None:
    # `in` asks for a pair: a checker that looks for what can never be equal says so.
    print("Host" in headers)  # error: comparison; pyright none


def no_version_before_the_first_message(conn: ServerConnection) -> bytes:
    return conn.their_http_version  # error: return "None"


def trailing_data_is_a_pair(conn: ServerConnection) -> bytes:
    return conn.trailing_data  # error: return "tuple"


def a_state_that_does_not_exist(conn: ClientConnection) -> None:
    print(conn.our_state == "BUSY")  # error: comparison "BUSY"
    print(conn.their_state != "idle")  # error: comparison "idle"
    state: State = "BUSY"  # error: assignment "BUSY"
    print(state, conn.states["PROXY"])  # error: key "PROXY"


def a_role_that_does_not_exist(conn: ClientConnection) -> None:
    print(conn.our_role == "SERVER")  # error: comparison "SERVER"
    print(conn.our_role == "PROXY")  # error: comparison "PROXY"
    print(conn.our_role == IDLE)  # error: comparison "IDLE"


def a_state_is_no_role(conn: ClientConnection) -> State:
    return conn.our_role  # error: return "CLIENT"


def an_error_says_what_it_knows(error: RemoteProtocolError, local: LocalProtocolError) -> None:
    place: int = error.offset  # error: assignment "None"
    code: ErrorCode = "no-such-code"  # error: assignment "no-such-code"
    text: str = error.excerpt  # error: assignment "bytes"
    status: str = local.error_status_hint  # error: assignment "int"
    print(error.code == "bad-hots")  # error: comparison "bad-hots"
    print(place, code, text, status)
    error.status_code  # error: attribute "status_code"


def received_data_is_bytes(data: Data[bytes]) -> str:
    return data.data  # error: return "bytes"
