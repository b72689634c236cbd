"""Events, fields, policies and errors: what they are made of, what they hold, and what can be done with them."""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from enum import IntEnum
from http import HTTPStatus
from typing import assert_never, assert_type

import attrs

from http11 import (
    CLIENT,
    H11,
    IDLE,
    SEND_BODY,
    SEND_RESPONSE,
    SERVER,
    STRICT,
    BytesLike,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    ErrorCode,
    Event,
    Field,
    Headers,
    HeadersLike,
    InformationalResponse,
    LocalProtocolError,
    Policy,
    ProtocolError,
    RemoteProtocolError,
    Request,
    Response,
    Role,
    State,
    Tolerance,
)

REQUEST = Request(method=b"GET", target=b"/", headers=[(b"Host", b"a")])
RESPONSE = Response(status_code=200, headers=[])
INTERIM = InformationalResponse(status_code=100, headers=[])


class Teapot(IntEnum):
    IM_A_TEAPOT = 418


class File:
    """Something that can be written by `os.sendfile`."""

    def __len__(self) -> int:
        """Its size in bytes."""
        return 5


# --- what they are made of --------------------------------------------------------------------------------------------


def bytes_may_be_said_in_any_way() -> None:
    ways: list[tuple[BytesLike, BytesLike]] = [(b"GET", b"/"), (bytearray(b"GET"), memoryview(b"/")), ("GET", "/")]
    for method, target in ways:
        assert Request(method=method, target=target, headers=[("Host", "a")], http_version="1.1") == REQUEST
    anything: BytesLike = "No Content"
    assert (
        Response(status_code=204, headers=[], reason=anything, http_version=bytearray(b"1.1")).reason == b"No Content"
    )
    assert InformationalResponse(status_code=100, headers=[], reason=memoryview(b"Continue")).reason == b"Continue"


def generated() -> Iterator[tuple[str, bytes]]:
    yield "Host", b"a"


def named_fields(**fields: str) -> HeadersLike:
    return fields.items()


def from_mapping_or_pairs(fields: Mapping[str, str] | Sequence[tuple[str, str]] | None) -> Headers:
    if isinstance(fields, Mapping):
        return Headers(fields.items())
    return Headers(fields or ())


def fields_may_be_said_in_any_way() -> None:
    pairs: list[Field] = [(b"Host", b"a")]
    mixed: Sequence[tuple[BytesLike, BytesLike]] = [("Host", b"a")]
    for headers in (
        Headers(pairs),
        Headers(tuple(pairs)),
        Headers([("Host", "a")]),
        Headers([("Host", b"a")]),
        Headers([(bytearray(b"Host"), memoryview(b"a"))]),
        Headers(mixed),
        Headers(generated()),
        Headers((name, value) for name, value in pairs),
        Headers({"Host": "a"}.items()),
        Headers(zip(["Host"], [b"a"], strict=True)),
        Headers(named_fields(Host="a")),
        from_mapping_or_pairs({"Host": "a"}),
        from_mapping_or_pairs([("Host", "a")]),
        Headers(Headers(pairs)),
    ):
        assert_type(headers, Headers)
        assert headers == [(b"host", b"a")]
        assert Request(method="GET", target="/", headers=headers) == REQUEST
    two = Headers([("Host", "a"), (b"Accept", "*/*"), (b"Accept", b"text/html")])
    assert Request(method="GET", target="/", headers=[*two, ("Cookie", "x")]).headers[:3] == two[:]
    assert EndOfMessage(headers={"ETag": "x"}.items()).headers == ((b"etag", b"x"),)
    assert Headers() == EndOfMessage().headers == []


def a_status_code_may_be_an_enum() -> None:
    assert Response(status_code=HTTPStatus.OK, headers=[]) == RESPONSE
    assert Response(status_code=Teapot.IM_A_TEAPOT, headers=[]).status_code == 418
    assert InformationalResponse(status_code=HTTPStatus.CONTINUE, headers=[]) == INTERIM


def a_response_of_either_kind(status_code: int, fields: Iterable[Field]) -> InformationalResponse | Response:
    kind = Response if status_code >= 200 else InformationalResponse
    return kind(status_code=status_code, headers=fields)


def data_is_of_bytes_or_of_what_it_is_given() -> None:
    assert_type(Data(b"Hello"), Data[bytes])
    assert_type(Data("Hello"), Data[bytes])
    assert_type(Data(bytearray(b"Hello")), Data[bytes])
    assert_type(Data(memoryview(b"Hello"), chunk_start=True, chunk_end=True), Data[bytes])
    assert_type(Data(data=b"Hello").data, bytes)
    assert_type(Data(File()), Data[File])
    assert_type(Data(File()).data, File)
    bare: Data = Data("Hello")
    assert_type(bare.data, bytes)
    sized: Data[Sized] = bare
    payloads: list[Data[Sized]] = [sized, Data(File()), Data(b"Hello")]
    assert [len(one.data) for one in payloads] == [5, 5, 5]


# --- what they hold ---------------------------------------------------------------------------------------------------


def attributes_have_one_type() -> None:
    assert_type(REQUEST.method, bytes)
    assert_type(REQUEST.target, bytes)
    assert_type(REQUEST.headers, Headers)
    assert_type(REQUEST.http_version, bytes)
    for response in (INTERIM, RESPONSE):
        assert_type(response, InformationalResponse | Response)
        assert_type(response.status_code, int)
        assert_type(response.headers, Headers)
        assert_type(response.http_version, bytes)
        assert_type(response.reason, bytes)
    data = Data("Hello", True)
    assert_type(data.data, bytes)
    assert_type(data.chunk_start, bool)
    assert_type(data.chunk_end, bool)
    assert (data.data, data.chunk_start, data.chunk_end) == (b"Hello", True, False)
    assert_type(EndOfMessage().headers, Headers)


def fields_are_a_sequence() -> None:
    headers = Headers([("Host", "a"), ("Accept", "text/html"), ("accept", "*/*")])
    as_sequence: Sequence[Field] = headers
    assert_type(headers[0], Field)
    assert_type(headers[0], tuple[bytes, bytes])
    assert_type(headers[1:], tuple[Field, ...])
    assert_type(headers[::-1], tuple[Field, ...])
    assert_type(headers.get("host"), bytes | None)
    host: bytes = headers.get(b"HOST") or b""
    assert_type(headers.get("host", b""), bytes)
    assert_type(headers.get("host", None), bytes | None)
    assert_type(headers.get("host", default=len(headers)), bytes | int)
    agent: bytes = headers.get("User-Agent", b"unknown")
    assert agent == b"unknown"
    assert host == b"a"
    assert_type(headers.get_all("Accept"), list[bytes])
    assert_type(headers.raw_items(), list[Field])
    assert_type(list(headers), list[Field])
    assert_type(dict(headers), dict[bytes, bytes])
    names = [name for name, _ in headers]
    assert_type(names, list[bytes])
    assert names == [b"host", b"accept", b"accept"]
    assert (b"host", b"a") in headers
    assert headers.get_all("Accept") == [b"text/html", b"*/*"]
    assert headers.index((b"accept", b"*/*")) == 2
    assert headers.count((b"host", b"a")) == 1
    assert len(as_sequence) == 3
    assert headers.raw_items()[1] == (b"Accept", b"text/html")
    assert headers == list(as_sequence)
    assert headers == tuple(headers)
    assert headers.get("Cookie") is None
    match headers.get("Accept"):
        case None:
            raise AssertionError("expected a field")
        case value:
            assert_type(value, bytes)


# --- what can be done with them ---------------------------------------------------------------------------------------


def evolving_keeps_the_type() -> None:
    assert_type(attrs.evolve(REQUEST, method="PUT"), Request)
    assert_type(attrs.evolve(INTERIM, status_code=103, headers=[("Link", "</a>")]), InformationalResponse)
    assert_type(attrs.evolve(RESPONSE, status_code=HTTPStatus.NOT_FOUND, reason="Not Found"), Response)
    assert_type(attrs.evolve(Data(b"x"), data=bytearray(b"y"), chunk_end=True), Data[bytes])
    assert_type(attrs.evolve(Data(File()), chunk_start=True), Data[File])
    assert_type(attrs.evolve(EndOfMessage(), headers=[(b"ETag", b"x")]), EndOfMessage)
    assert_type(attrs.evolve(ConnectionClosed()), ConnectionClosed)
    assert attrs.evolve(REQUEST, method="PUT", headers=REQUEST.headers).method == b"PUT"
    assert attrs.evolve(Data(b"x"), data="y") == Data(b"y")


def without_field(head: Request | InformationalResponse | Response, name: bytes) -> Headers:
    return attrs.evolve(head, headers=[pair for pair in head.headers if pair[0] != name]).headers


def they_are_copied() -> None:
    assert_type(copy.copy(REQUEST), Request)
    assert_type(copy.deepcopy(REQUEST.headers), Headers)
    assert_type(copy.copy(Data("x")), Data[bytes])
    assert copy.deepcopy(REQUEST) == REQUEST
    assert without_field(Response(status_code=200, headers=[("ETag", "x")]), b"etag") == []


def they_are_dispatched_on() -> None:
    seen: list[str] = []
    table: dict[type[Event], Callable[[Event], None]] = {
        Request: lambda event: seen.append(type(event).__name__),
        Response: lambda _: seen.append("a response"),
    }
    events: list[Event] = [REQUEST, RESPONSE]
    for event in events:
        table[type(event)](event)
    assert seen == ["Request", "a response"]


def they_are_taken_apart() -> None:
    fields: dict[str, object] = attrs.asdict(RESPONSE)
    assert fields == {"status_code": 200, "headers": RESPONSE.headers, "http_version": b"1.1", "reason": b""}
    assert [attribute.name for attribute in attrs.fields(Data)] == ["data", "chunk_start", "chunk_end"]


def they_are_values() -> None:
    seen: dict[Event, int] = {REQUEST: 1, RESPONSE: 2, Data(b"x"): 3, EndOfMessage(): 4, ConnectionClosed(): 5}
    assert seen[Request(method="GET", target="/", headers=[("HOST", "a")])] == 1
    assert seen[Data("x")] == 3
    by_fields: dict[Headers, str] = {REQUEST.headers: "a"}
    assert by_fields[Headers([("host", "a")])] == "a"
    assert {EndOfMessage(), EndOfMessage(headers=())} == {EndOfMessage()}


# --- policies and errors ----------------------------------------------------------------------------------------------


def a_policy_is_made_of_another() -> None:
    lenient = attrs.evolve(STRICT, bare_lf=True, max_fields=None, max_method_size=20)
    assert_type(lenient, Policy)
    assert_type(lenient.bare_lf, bool)
    assert_type(lenient.max_fields, int | None)
    assert_type(lenient.max_method_size, int)
    assert_type(lenient.tolerant, bool)
    assert Policy() == STRICT
    assert Policy(bare_lf=True).tolerant
    by_name: dict[str, Policy] = {"strict": STRICT, "h11": H11}
    assert {STRICT: 1}[by_name["strict"]] == 1


def failure_of(conn: Connection) -> ProtocolError:
    try:
        conn.next_event()
    except ProtocolError as error:
        return error
    raise AssertionError("expected an error")


def errors_explain_themselves() -> None:
    conn = Connection(SERVER, policy=STRICT)
    conn.receive_data(b"GET / HTTP/1.1\r\nHost : a\r\n\r\n")
    error = failure_of(conn)
    assert_type(error.error_status_hint, int)
    assert_type(error.code, ErrorCode)
    assert_type(error.rule, str)
    assert_type(error.offset, int | None)
    assert_type(error.excerpt, bytes)
    assert_type(error.tolerance, Tolerance | None)
    assert_type(error.msg, str)
    assert is_about_fields(error.code)
    assert isinstance(error, RemoteProtocolError)
    assert describe(error) == "theirs: 400"


def is_about_fields(code: ErrorCode) -> bool:
    match code:
        case "bad-field-name" | "bad-field-value" | "missing-colon" | "space-before-colon":
            return True
        case _:
            return False


def describe(error: LocalProtocolError | RemoteProtocolError) -> str:
    match error:
        case LocalProtocolError(error_status_hint=status):
            return f"ours: {status}"
        case RemoteProtocolError(error_status_hint=status):
            return f"theirs: {status}"
        case _:
            assert_never(error)


def a_caller_makes_its_own_errors() -> None:
    assert describe(LocalProtocolError("why", error_status_hint=418)) == "ours: 418"
    assert describe(RemoteProtocolError("why", Teapot.IM_A_TEAPOT)) == "theirs: 418"
    assert_type(LocalProtocolError("why").code, ErrorCode)
    code: ErrorCode = "bad-host"
    error = RemoteProtocolError("why", code=code, rule="RFC 9112 3.2", offset=3, excerpt=b"x", tolerance="any_host")
    assert error.code == "bad-host"
    kinds: tuple[type[ProtocolError], ...] = (LocalProtocolError, RemoteProtocolError)
    assert all(issubclass(kind, ProtocolError) for kind in kinds)


# --- roles and states -------------------------------------------------------------------------------------------------


def other_role(role: Role) -> Role:
    match role:
        case "CLIENT":
            return SERVER
        case "SERVER":
            return CLIENT
        case _:
            assert_never(role)


def may_be_answered(state: State) -> bool:
    match state:
        case "IDLE" | "SEND_RESPONSE":
            return True
        case "SEND_BODY" | "DONE" | "MUST_CLOSE" | "CLOSED" | "ERROR" | "MIGHT_SWITCH_PROTOCOL" | "SWITCHED_PROTOCOL":
            return False
        case _:
            assert_never(state)


def main() -> None:
    bytes_may_be_said_in_any_way()
    fields_may_be_said_in_any_way()
    a_status_code_may_be_an_enum()
    assert [type(a_response_of_either_kind(code, ())) for code in (100, 200)] == [InformationalResponse, Response]
    data_is_of_bytes_or_of_what_it_is_given()
    attributes_have_one_type()
    fields_are_a_sequence()
    evolving_keeps_the_type()
    they_are_copied()
    they_are_dispatched_on()
    they_are_taken_apart()
    they_are_values()
    a_policy_is_made_of_another()
    errors_explain_themselves()
    a_caller_makes_its_own_errors()
    assert other_role(CLIENT) is SERVER
    assert [may_be_answered(state) for state in (IDLE, SEND_RESPONSE, SEND_BODY)] == [True, True, False]
