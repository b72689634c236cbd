"""A client that asks for many things at once, and knows which answer belongs to which."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Literal, assert_never, assert_type

from http11 import (
    IDLE,
    NEED_DATA,
    SEND_RESPONSE,
    STRICT,
    ConnectionClosed,
    Data,
    EndOfMessage,
    ErrorCode,
    InformationalResponse,
    RemoteProtocolError,
    Request,
    Response,
    ServerEvent,
    Signal,
)
from http11.pipelining import (
    DEFAULT_MAX_REQUESTS,
    IDEMPOTENT_METHODS,
    AnswerEvent,
    AnswerPart,
    OurState,
    Pipeline,
    TheirState,
)


class File:
    """A payload that is not read."""

    def __len__(self) -> int:
        return 2


class Fetcher:
    """Asks for several targets over one connection."""

    def __init__(self, targets: Iterable[str]) -> None:
        self.pipeline = Pipeline(4, policy=STRICT, pipelined_methods=IDEMPOTENT_METHODS | {b"PROPFIND"})
        self.waiting = deque(Request(method="GET", target=target, headers=[("Host", "a")]) for target in targets)
        self.bodies: dict[int, bytes] = {}
        self.statuses: dict[bytes, int] = {}
        self.over = False

    def to_write(self) -> bytes:
        written = bytearray()
        while self.waiting and self.pipeline.may_send(self.waiting[0]):
            written += self.pipeline.send(self.waiting.popleft()) + self.pipeline.send(EndOfMessage())
        return bytes(written)

    def receive(self, data: bytes) -> None:
        self.pipeline.receive_data(data)
        while True:
            answer = self.pipeline.next_event()
            if answer is NEED_DATA:
                return
            self.take(answer)
            if self.over:
                return

    def take(self, answer: AnswerEvent | ConnectionClosed | Signal) -> None:
        if isinstance(answer, type):
            return
        match answer:
            case AnswerEvent(request=request, event=event, number=number):
                self.take_part(request, event, number)
            case ConnectionClosed():
                self.over = True
            case _:
                assert_never(answer)

    def take_part(self, request: Request, event: AnswerPart, number: int) -> None:
        match event:
            case InformationalResponse():
                pass
            case Response(status_code=code):
                self.statuses[request.target] = code
            case Data(data):
                self.bodies[number] = self.bodies.get(number, b"") + data
            case EndOfMessage():
                pass
            case _:
                assert_never(event)

    def next_connection(self) -> Fetcher:
        """Return who asks again what was not answered."""
        fetcher = Fetcher([])
        fetcher.pipeline = Pipeline(max_requests=DEFAULT_MAX_REQUESTS, first_alone=True)
        fetcher.waiting.extend(self.pipeline.retryable)
        return fetcher


def what_is_known(pipeline: Pipeline) -> None:
    assert_type(pipeline.unanswered, tuple[Request, ...])
    assert_type(pipeline.retryable, tuple[Request, ...])
    assert_type(pipeline.partly_answered, bool)
    assert_type(pipeline.client_is_waiting_for_100_continue, bool)
    assert_type(pipeline.trailing_data, tuple[bytes, bool])
    assert_type(IDEMPOTENT_METHODS, frozenset[bytes])


def what_is_written(pipeline: Pipeline, request: Request, leaving: ConnectionClosed) -> None:
    assert_type(pipeline.may_send(request), bool)
    assert_type(pipeline.send(request), bytes)
    assert_type(pipeline.send(Data(b"x")), bytes)
    assert_type(pipeline.send_with_data_passthrough(request), list[bytes])
    assert_type(pipeline.send_with_data_passthrough(Data(File())), list[bytes | File])
    nothing: None = pipeline.send(leaving)
    also_nothing: None = pipeline.send_with_data_passthrough(leaving)
    assert nothing is also_nothing


def each_state_is_one_of_those_that_there_are(pipeline: Pipeline) -> bool:
    ours: OurState = pipeline.our_state
    theirs: TheirState = pipeline.their_state
    one_of_ours: Literal[
        "IDLE", "SEND_BODY", "MUST_CLOSE", "CLOSED", "ERROR", "MIGHT_SWITCH_PROTOCOL", "SWITCHED_PROTOCOL"
    ] = ours
    one_of_theirs: Literal[
        "IDLE", "SEND_RESPONSE", "SEND_BODY", "MUST_CLOSE", "CLOSED", "ERROR", "SWITCHED_PROTOCOL"
    ] = theirs
    assert one_of_ours != one_of_theirs
    return ours == IDLE and theirs == SEND_RESPONSE


def what_a_server_sends_but_its_close(answer: AnswerEvent) -> ServerEvent:
    part: InformationalResponse | Response | Data[bytes] | EndOfMessage = answer.event
    return part


def why(state: Literal["IDLE", "CLOSED"]) -> OurState:
    return state


def failure_of(fetcher: Fetcher, data: bytes) -> ErrorCode | None:
    """Tell how reading `data` fails."""
    try:
        fetcher.receive(data)
    except RemoteProtocolError as error:
        return error.code
    return None


def main() -> None:
    fetcher = Fetcher(["/0", "/1", "/2", "/3", "/4"])
    assert fetcher.to_write().count(b"GET /") == 4
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    fetcher.receive(
        b"HTTP/1.1 103 \r\n\r\n" + ok + b"HTTP/1.1 404 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"[:-2]
    )
    assert each_state_is_one_of_those_that_there_are(fetcher.pipeline)
    assert fetcher.to_write().startswith(b"GET /4 ")
    assert failure_of(fetcher, b"\r\n") == "no-response"
    assert (fetcher.statuses, fetcher.bodies) == ({b"/0": 200, b"/1": 404}, {0: b"hi"})
    again = fetcher.next_connection()
    assert again.to_write().startswith(b"GET /2 ")
    again.receive(ok)
    assert again.to_write().count(b"GET /") == 2
    again.receive(ok + ok)
    again.receive(b"")
    assert again.over
    assert again.statuses == {b"/2": 200, b"/3": 200, b"/4": 200}
    assert not again.pipeline.may_send(Request(method="GET", target="/", headers=[("Host", "a")]))
    pipeline = Pipeline()
    what_is_known(pipeline)
    put = Request(method="PUT", target="/", headers=[("Host", "a"), ("Content-Length", "1")])
    assert pipeline.may_send(put)
