"""A client that asks again before the answer has come: `http11.pipelining`."""

from __future__ import annotations

import copy
import gc
import pickle
from collections.abc import Callable, Iterator
from functools import partial

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from http11 import (
    CLIENT,
    CLOSED,
    DONE,
    ERROR,
    H11,
    IDLE,
    MUST_CLOSE,
    NEED_DATA,
    PAUSED,
    SEND_BODY,
    SERVER,
    STRICT,
    SWITCHED_PROTOCOL,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    LocalProtocolError,
    Policy,
    RemoteProtocolError,
    Request,
    Response,
    ServerEvent,
)
from http11.pipelining import DEFAULT_MAX_REQUESTS, IDEMPOTENT_METHODS, AnswerEvent, OurState, Pipeline, TheirState
from tests import strategies
from tests.counting import CPYTHON, Memory, Steps
from tests.harness import Conversation, Outcome, Spelled, conversations, event_of, few_splits, plain, text
from tests.test_interruptions import interrupted, places

# --- conversations ----------------------------------------------------------------------------------------------------


def get(target: str = "/", *, method: str = "GET", fields: tuple[tuple[str, str], ...] = ()) -> Request:
    return Request(method=method, target=target, headers=[("Host", "a"), *fields])


def ask(pipeline: Pipeline, request: Request) -> bytes:
    return pipeline.send(request) + pipeline.send(EndOfMessage())


def made(options: dict[str, object]) -> Pipeline:
    """Make a pipeline as a conversation says: what is no argument is a field of its policy."""
    given = dict(options)
    methods = given.pop("pipelined_methods", None)
    if isinstance(methods, list):
        given["pipelined_methods"] = [method.encode("ascii") for method in methods]
    changes = {name: given.pop(name) for name in list(given) if hasattr(STRICT, name)}
    return Pipeline(policy=attrs.evolve(STRICT, **changes), **given)  # type: ignore[arg-type]


class Talk:
    """Has a conversation, with what is received in pieces."""

    def __init__(self, conversation: Conversation, cut: int) -> None:
        self.pipeline = made(dict(conversation.options))
        self.outcome: Outcome = []
        self.sent: list[Request] = []
        # Of both sides: after each step, and each event that was read.
        self.states: list[tuple[OurState, TheirState]] = [(IDLE, IDLE)]
        self._cut = cut
        self._over = False
        for step in conversation.steps:
            self._take(step)
            self._note()
        self._read()

    def _note(self) -> None:
        self.states.append((self.pipeline.our_state, self.pipeline.their_state))

    def _take(self, step: Spelled) -> None:
        match step:
            case ("send" | "begin" as kind, *request):
                event = self._request(request)
                self.pipeline.send(event)
                self.sent.append(event)
                self._note()
                if kind == "send":
                    self.pipeline.send(EndOfMessage())
            case ("data", str(data)):
                self.pipeline.send(Data(data))
            case ("end",):
                self.pipeline.send(EndOfMessage())
            case ("refused", str(code), *request):
                self._refused(code, self._request(request))
            case ("receive" | "answer" as kind, str(data)):
                pieces = list(few_splits(data.encode("latin-1"), closed=False, seed=data))
                for piece in pieces[self._cut % len(pieces)]:
                    self.pipeline.receive_data(piece)
                    self._note()
                    if kind == "answer":
                        self._read()
            case ("read",):
                self._read()
            case ("leave",):
                assert self.pipeline.send(ConnectionClosed()) is None
            case ("close",):
                self.pipeline.receive_data(b"")
                self._note()
                self._read()
            case _:
                raise TypeError(f"expected a step, got {step!r}")

    def _request(self, spelled: list[str | int | tuple[str, str]]) -> Request:
        method, target, *fields = spelled
        event = event_of(("Request", method, target, "1.1", "Host: a:1" if method == "CONNECT" else "Host: a", *fields))
        assert isinstance(event, Request)
        return event

    def _refused(self, code: str, request: Request) -> None:
        pipeline = self.pipeline
        before = repr(pipeline), pipeline.unanswered, pipeline.trailing_data
        assert not pipeline.may_send(request)
        with pytest.raises(LocalProtocolError) as caught:
            pipeline.send(request)
        assert caught.value.code == code
        with pytest.raises(LocalProtocolError):
            pipeline.send_with_data_passthrough(request)
        assert (repr(pipeline), pipeline.unanswered, pipeline.trailing_data) == before

    def _read(self) -> None:
        while not self._over:
            try:
                event = self.pipeline.next_event()
                self._note()
            except RemoteProtocolError as error:
                self._note()
                self.outcome.append(("error", error.code, error.error_status_hint))
                self._over = True
                return
            match event:
                case AnswerEvent():
                    # Which one it is, is told in two ways.
                    assert event.request is self.sent[event.number]
                    self._add((event.number, *plain(event.event)))
                case ConnectionClosed():
                    self.outcome.append(("ConnectionClosed",))
                    self._over = True
                case _ if event is PAUSED:
                    self.outcome.append(("paused", text(self.pipeline.trailing_data[0])))
                    self._over = True
                case _:
                    return

    def _add(self, event: tuple[str | int, ...]) -> None:
        if event[1] == "Data" and self.outcome and self.outcome[-1][:2] == event[:2]:
            event = (*event[:2], f"{self.outcome.pop()[2]}{event[2]}")
        self.outcome.append(event)


@pytest.mark.parametrize("cut", range(3), ids=["whole", "byte by byte", "in two"])
@pytest.mark.parametrize("conversation", conversations(), ids=str)
def test_a_conversation_has_its_outcome_however_the_bytes_arrive(conversation: Conversation, cut: int) -> None:
    talk = Talk(conversation, cut)
    if conversation.events[-1:] and conversation.events[-1][0] == "paused":
        # In pieces, what comes after the switch is not there yet when it is found to have been made.
        assert talk.outcome[-1][0] == "paused"
        talk.outcome[-1] = ("paused", text(talk.pipeline.trailing_data[0]))
    assert talk.outcome == conversation.events
    pipeline = talk.pipeline
    assert tuple(text(request.target) for request in pipeline.unanswered) == conversation.unanswered
    assert tuple(text(request.target) for request in pipeline.retryable) == conversation.retryable
    assert pipeline.partly_answered is conversation.partly
    assert (pipeline.our_state, pipeline.their_state) == conversation.states


def test_conversations_have_reasons_and_names_of_their_own() -> None:
    assert all(conversation.why for conversation in conversations())
    names = [str(conversation) for conversation in conversations()]
    assert len(set(names)) == len(names) > 40


# --- what it is made of, and says of itself ---------------------------------------------------------------------------

EMPTY = b"HTTP/1.1 204 \r\n\r\n"
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@pytest.mark.parametrize("number", [0, -1])
def test_fewer_than_one_request_is_no_limit(number: int) -> None:
    with pytest.raises(ValueError, match=f"expected 1 or more as max_requests, got {number}"):
        Pipeline(number)
    with pytest.raises(ValueError, match="max_incomplete_event_size"):
        Pipeline(max_incomplete_event_size=-1)


def test_arguments_of_another_type_are_refused() -> None:
    with pytest.raises(TypeError):
        Pipeline("8")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="policy"):
        Pipeline(policy="STRICT")  # type: ignore[arg-type]
    # A string of bytes is a list of numbers, and one of text has methods of one letter.
    for methods in (b"GET", "GET", ["GET"]):
        with pytest.raises(TypeError, match="pipelined_methods"):
            Pipeline(pipelined_methods=methods)  # type: ignore[arg-type]


def test_its_size_limit_and_its_policy_are_those_of_each_answer() -> None:
    pipeline = Pipeline(max_incomplete_event_size=40, policy=H11)
    ask(pipeline, get())
    ask(pipeline, get())
    pipeline.receive_data(EMPTY.replace(b"\r", b"") + b"HTTP/1.1 200 " + b"x" * 40)
    assert [event.number for event in read(pipeline, 2)] == [0, 0]
    with pytest.raises(RemoteProtocolError) as caught:
        pipeline.next_event()
    assert (caught.value.code, caught.value.offset) == ("head-too-large", 40)


def read(pipeline: Pipeline, number: int) -> list[AnswerEvent]:
    """Read so many events of answers."""
    events = [pipeline.next_event() for _ in range(number)]
    return [event for event in events if isinstance(event, AnswerEvent)]


def test_lines_that_were_left_out_are_those_of_the_last_answer() -> None:
    """And the connection is over after such an answer, so that the next one is not read."""
    pipeline = Pipeline(policy=Policy(broken_lines_in_response=True))
    lines: list[tuple[bytes, ...]] = [pipeline.left_out_lines]
    for _ in range(3):
        ask(pipeline, get())
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n%b\r\n"
    pipeline.receive_data(answer % b"" + answer % b"what is this\r\n" + answer % b"")
    for _ in range(2):
        read(pipeline, 2)
        lines.append(pipeline.left_out_lines)
    with pytest.raises(RemoteProtocolError, match="the last on this connection"):
        pipeline.next_event()
    assert [*lines, pipeline.left_out_lines] == [(), (), (b"what is this",), (b"what is this",)]
    assert len(pipeline.unanswered) == 1


def test_by_default_so_many_requests_may_be_unanswered() -> None:
    pipeline = Pipeline()
    for _ in range(DEFAULT_MAX_REQUESTS):
        assert pipeline.may_send(get())
        ask(pipeline, get())
    assert not pipeline.may_send(get())
    with pytest.raises(
        LocalProtocolError, match=r"at most 8 requests .* \(max_requests\), got one: read the answers first"
    ):
        pipeline.send(get())


def test_a_method_is_pipelined_if_it_is_idempotent() -> None:
    assert {b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"} == IDEMPOTENT_METHODS
    for method in IDEMPOTENT_METHODS:
        pipeline = Pipeline()
        assert pipeline.may_send(get(method=method.decode()))
        ask(pipeline, get(method=method.decode()))
        assert pipeline.may_send(get())
        assert not pipeline.may_send(get(method="POST"))
    pipeline = Pipeline(pipelined_methods=IDEMPOTENT_METHODS | {b"PROPFIND"})
    ask(pipeline, get(method="PROPFIND"))
    assert pipeline.may_send(get(method="PROPFIND"))


def test_a_repr_says_what_is_going_on() -> None:
    pipeline = Pipeline(policy=H11)
    assert repr(pipeline) == "<Pipeline(policy=H11): client IDLE, server IDLE, 0 unanswered>"
    ask(pipeline, get())
    pipeline.send(get())
    assert repr(pipeline) == "<Pipeline(policy=H11): client SEND_BODY, server SEND_RESPONSE, 2 unanswered>"


def test_a_copy_is_another_pipeline() -> None:
    pipeline = Pipeline()
    for target in ("/0", "/1"):
        ask(pipeline, get(target))
    pipeline.receive_data(EMPTY + HELLO[:-1])
    read(pipeline, 3)
    for other in (copy.copy(pipeline), copy.deepcopy(pipeline), pickle.loads(pickle.dumps(pipeline))):
        assert repr(other) == repr(pipeline)
        other.receive_data(HELLO[-1:])
        assert [plain(event.event) for event in read(other, 2)] == [("Data", "hello"), ("EndOfMessage",)]
        assert (other.unanswered, pipeline.unanswered) == ((), (get("/1"),))
        assert other.their_state == IDLE
    assert pipeline.their_state == SEND_BODY


def test_an_event_of_an_answer_is_a_value() -> None:
    one, other = (AnswerEvent(get(), EndOfMessage(), 1) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert pickle.loads(pickle.dumps(one)) == one
    assert attrs.evolve(one, number=2) != one
    match one:
        case AnswerEvent(request, EndOfMessage(), 1):
            assert request == get()
        case _:
            pytest.fail("expected it to be matched by position")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        one.number = 2  # type: ignore[misc]


def test_an_error_tells_which_bytes_of_its_own_message_are_wrong() -> None:
    pipeline = Pipeline()
    for _ in range(2):
        ask(pipeline, get())
    pipeline.receive_data(HELLO + b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n")
    read(pipeline, 3)
    with pytest.raises(RemoteProtocolError) as caught:
        pipeline.next_event()
    assert (caught.value.code, caught.value.offset) == ("space-before-colon", len(b"HTTP/1.1 200 OK\r\nA"))


@pytest.mark.parametrize("received", [b"x", b"HTTP/1.1 204 \r\nConnection: close\r\n\r\n"], ids=["wrong", "last"])
def test_an_error_is_told_again_with_the_first_one_as_its_cause(received: bytes) -> None:
    pipeline = Pipeline()
    for _ in range(2):
        ask(pipeline, get())
    pipeline.receive_data(received)
    with pytest.raises(RemoteProtocolError) as first:
        read(pipeline, 9)
    assert pipeline.trailing_data == (b"", False)
    pipeline.receive_data(EMPTY)
    assert pipeline.trailing_data == (b"", False)
    for _ in range(2):
        with pytest.raises(RemoteProtocolError) as again:
            pipeline.next_event()
        assert again.value.code == "already-failed"
        assert again.value.__cause__ is first.value
    assert pipeline.their_state == ERROR


def test_what_is_received_is_bytes_and_comes_before_the_end() -> None:
    pipeline = Pipeline()
    ask(pipeline, get())
    with pytest.raises(TypeError):
        pipeline.receive_data("text")  # type: ignore[arg-type]
    for piece in (bytearray(HELLO[:9]), memoryview(HELLO[9:])):
        pipeline.receive_data(piece)
    pipeline.receive_data(b"")
    pipeline.receive_data(b"")
    assert pipeline.trailing_data == (HELLO, True)
    with pytest.raises(RuntimeError, match="after the end"):
        pipeline.receive_data(b"x")
    assert [plain(event.event)[0] for event in read(pipeline, 3)] == ["Response", "Data", "EndOfMessage"]
    assert pipeline.next_event() == ConnectionClosed()
    assert pipeline.next_event() == ConnectionClosed()


def test_a_piece_that_is_all_body_is_passed_on_and_not_copied() -> None:
    pipeline = Pipeline()
    ask(pipeline, get())
    pipeline.receive_data(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    read(pipeline, 1)
    piece = b"x" * 10000
    pipeline.receive_data(piece)
    [event] = read(pipeline, 1)
    assert isinstance(event.event, Data)
    assert event.event.data is piece


# --- sending ----------------------------------------------------------------------------------------------------------


def test_what_is_written_is_what_a_connection_writes() -> None:
    pipeline = Pipeline()
    for request in (get(), get(method="PUT", fields=(("Transfer-Encoding", "chunked"),))):
        plain_client = Connection(CLIENT)
        assert pipeline.send(request) == plain_client.send(request)
        if request.method == b"PUT":
            assert pipeline.send(Data(b"hello")) == plain_client.send(Data(b"hello"))
        end = EndOfMessage(headers=[("a", "b")] if request.method == b"PUT" else [])
        assert pipeline.send(end) == plain_client.send(end)
    assert pipeline.send(ConnectionClosed()) is None


def test_a_payload_is_passed_through() -> None:
    pipeline = Pipeline()
    request = get(method="PUT", fields=(("Content-Length", "3"),))
    assert pipeline.send_with_data_passthrough(request) == [Connection(CLIENT).send(request)]
    payload = ("a", "b", "c")
    [passed] = pipeline.send_with_data_passthrough(Data(payload))
    assert passed is payload
    assert pipeline.send_with_data_passthrough(EndOfMessage()) == [b""]
    assert pipeline.send_with_data_passthrough(ConnectionClosed()) is None
    assert pipeline.unanswered == (request,)


@pytest.mark.parametrize("sent", [0, 1])
def test_a_body_without_a_request_is_an_error_of_ours(sent: int) -> None:
    pipeline = Pipeline()
    for _ in range(sent):
        ask(pipeline, get())
    for event in (Data(b"x"), EndOfMessage()):
        other = copy.copy(pipeline)
        with pytest.raises(LocalProtocolError, match="expected Request or ConnectionClosed in IDLE, got") as caught:
            other.send(event)
        assert other.our_state == ERROR
        assert not other.may_send(get())
        with pytest.raises(LocalProtocolError) as again:
            other.send(get())
        assert (again.value.code, again.value.__cause__) == ("already-failed", caught.value)
        # What was sent before is answered.
        assert len(other.unanswered) == sent
        if sent:
            other.receive_data(EMPTY)
        assert len(read(other, 2 * sent)) == 2 * sent


def test_nothing_may_be_sent_after_the_last_answer_but_the_close() -> None:
    pipeline = Pipeline()
    ask(pipeline, get())
    # The last answer is that of the last request, or of one before it.
    closing = asking(2)
    for one in (pipeline, closing):
        one.receive_data(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n")
        read(one, 1)
    for other in (copy.copy(pipeline), closing):
        assert other.our_state == MUST_CLOSE
        with pytest.raises(LocalProtocolError, match="expected ConnectionClosed in MUST_CLOSE, got Data"):
            other.send(Data(b"x"))
        assert "client ERROR" in repr(other)
    assert pipeline.send(ConnectionClosed()) is None
    assert pipeline.our_state == CLOSED
    pipeline.receive_data(b"x")
    assert len(read(pipeline, 2)) == 2


def test_a_wrong_body_is_an_error_and_the_answers_before_it_are_read() -> None:
    pipeline = Pipeline()
    ask(pipeline, get("/0"))
    pipeline.send(get("/1", method="PUT", fields=(("Content-Length", "1"),)))
    with pytest.raises(LocalProtocolError) as caught:
        pipeline.send(Data(b"xy"))
    assert caught.value.code == "too-much-body"
    assert pipeline.our_state == ERROR
    pipeline.receive_data(EMPTY + EMPTY)
    assert [event.number for event in read(pipeline, 4)] == [0, 0, 1, 1]


def test_a_request_inside_of_another_ones_body_is_an_error() -> None:
    pipeline = Pipeline()
    pipeline.send(get(method="PUT", fields=(("Content-Length", "1"),)))
    assert not pipeline.may_send(get())
    with pytest.raises(LocalProtocolError, match="expected Data or EndOfMessage in SEND_BODY, got Request"):
        pipeline.send(get())
    assert pipeline.our_state == ERROR
    assert len(pipeline.unanswered) == 1


def test_a_request_that_cannot_be_sent_at_all_is_an_error_and_is_not_awaited() -> None:
    pipeline = Pipeline()
    ask(pipeline, get("/0"))
    old = Request(method="GET", target="/1", headers=[], http_version="1.0")
    with pytest.raises(LocalProtocolError) as caught:
        pipeline.send(old)
    assert caught.value.code == "version-not-sendable"
    assert pipeline.our_state == ERROR
    assert pipeline.unanswered == (get("/0"),)


@pytest.mark.parametrize("sent", [0, 1])
def test_what_is_no_event_changes_nothing(sent: int) -> None:
    pipeline = Pipeline()
    for _ in range(sent):
        ask(pipeline, get())
    for wrong in ("GET", None, Data(("x",))):
        with pytest.raises(TypeError):
            pipeline.send(wrong)  # type: ignore[arg-type]
    assert pipeline.our_state == IDLE
    ask(pipeline, get())


def test_a_server_sends_responses() -> None:
    with pytest.raises(LocalProtocolError, match="got Response"):
        Pipeline().send(Response(status_code=200, headers=[]))  # type: ignore[call-overload]


@pytest.mark.parametrize("sent", [0, 1])
def test_what_could_not_be_written_ends_the_sending(sent: int) -> None:
    pipeline = Pipeline()
    for _ in range(sent):
        ask(pipeline, get())
    pipeline.send_failed()
    assert pipeline.our_state == ERROR
    assert len(pipeline.unanswered) == sent
    if sent:
        pipeline.receive_data(EMPTY)
    assert len(read(pipeline, 2 * sent)) == 2 * sent


def test_a_client_may_close_its_half_and_read_on() -> None:
    pipeline = Pipeline()
    for _ in range(2):
        ask(pipeline, get())
    for _ in range(2):
        assert pipeline.send(ConnectionClosed()) is None
    assert not pipeline.may_send(get())
    pipeline.receive_data(EMPTY + HELLO)
    assert [event.number for event in read(pipeline, 5)] == [0, 0, 1, 1, 1]
    assert pipeline.next_event() is NEED_DATA
    pipeline.receive_data(b"")
    assert pipeline.next_event() == ConnectionClosed()
    with pytest.raises(LocalProtocolError, match="in CLOSED, got Request"):
        pipeline.send(get())


def test_a_100_is_waited_for() -> None:
    pipeline = Pipeline()
    pipeline.send(get(method="PUT", fields=(("Content-Length", "1"), ("Expect", "100-continue"))))
    assert pipeline.client_is_waiting_for_100_continue
    pipeline.receive_data(b"HTTP/1.1 100 \r\n\r\n")
    read(pipeline, 1)
    assert not pipeline.client_is_waiting_for_100_continue


def test_a_switch_in_a_body_takes_place_at_its_end() -> None:
    pipeline = Pipeline()
    pipeline.send(get(method="PUT", fields=(("Content-Length", "1"), ("Upgrade", "b"), ("Connection", "upgrade"))))
    pipeline.receive_data(b"HTTP/1.1 101 \r\nUpgrade: b\r\nConnection: upgrade\r\n\r\nxyz")
    assert len(read(pipeline, 1)) == 1
    assert (pipeline.our_state, pipeline.their_state) == (SEND_BODY, SWITCHED_PROTOCOL)
    assert pipeline.next_event() is PAUSED
    pipeline.send(Data(b"x"))
    pipeline.send(EndOfMessage())
    assert pipeline.our_state == SWITCHED_PROTOCOL
    assert pipeline.trailing_data == (b"xyz", False)
    assert pipeline.unanswered == ()


def test_equal_requests_are_told_apart_by_their_numbers() -> None:
    pipeline = Pipeline()
    request = get()
    for _ in range(3):
        ask(pipeline, request)
    pipeline.receive_data(EMPTY * 2)
    assert [event.number for event in read(pipeline, 4)] == [0, 0, 1, 1]
    assert pipeline.unanswered == (request,)


def test_it_goes_on_for_as_long_as_the_server_does() -> None:
    # More than fit, in every rhythm of asking and reading.
    pipeline = Pipeline(5)
    sent = read_so_far = 0
    for burst in [1, 5, 2, 3, 4, 5, 5, 1, 1, 4] * 5:
        for _ in range(burst):
            if pipeline.may_send(get()):
                ask(pipeline, get(f"/{sent}"))
                sent += 1
        answers = max(1, burst - 2)
        pipeline.receive_data(EMPTY * answers)
        for _ in range(answers):
            head, end = read(pipeline, 2)
            assert (head.number, end.number, head.request.target) == (read_so_far,) * 2 + (b"/%d" % read_so_far,)
            read_so_far += 1
        assert len(pipeline.unanswered) == sent - read_so_far
    assert sent > 90


def connections() -> int:
    gc.collect()
    return sum(isinstance(one, Connection) for one in gc.get_objects())


def test_what_has_been_answered_is_let_go() -> None:
    others = connections()
    pipeline = Pipeline(1000)
    for _ in range(500):
        ask(pipeline, get())
    pipeline.receive_data(EMPTY * 500)
    read(pipeline, 1000)
    busy = Pipeline(3)
    for _ in range(500):
        while busy.may_send(get()):
            ask(busy, get())
        busy.receive_data(EMPTY)
        read(busy, 2)
    assert len(busy.unanswered) == 2
    # That of the last one, which has its state, and of those that are awaited.
    assert connections() - others < 10


def test_a_refusal_leaves_nothing_to_the_garbage_collector() -> None:
    pipeline = Pipeline(1)
    ask(pipeline, get())
    gc.collect()
    with pytest.raises(LocalProtocolError):
        pipeline.send(get())
    assert gc.collect() == 0


# --- as one who asks one after the other ------------------------------------------------------------------------------


@attrs.frozen
class Exchange:
    """A request, and what a server writes for it."""

    request: Request
    body: bytes
    answer: bytes


BODIES = (
    b"Content-Length: 0\r\n\r\n",
    b"Content-Length: 5\r\n\r\nhello",
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n",
    # What looks like another answer.
    b"Content-Length: 38\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
)
LAST = (
    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx",
    b"x",
)


METHODS = ("GET", "HEAD", "PUT", "DELETE", "POST")


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    method = draw(st.sampled_from(METHODS))
    body = draw(st.sampled_from([b"", b"payload"])) if method in ("PUT", "POST") else b""
    fields = [("Content-Length", str(len(body)))] if method in ("PUT", "POST") else []
    request = get(draw(st.sampled_from(["/", "/a", "/b?c"])), method=method, fields=tuple(fields))
    status = draw(st.sampled_from([b"204", b"304", b"200", b"404", b"500"]))
    answer = b"\r\n" if status in (b"204", b"304") else draw(st.sampled_from(BODIES))
    if method == "HEAD":
        answer = answer[: answer.index(b"\r\n\r\n") + 4] if b":" in answer else answer
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 103 \r\n\r\n", b"HTTP/1.1 100 \r\nA: b\r\n\r\n" * 2]))
    return Exchange(request, body, interim + b"HTTP/1.1 %b Ok\r\n%b" % (status, answer))


@st.composite
def scripts(draw: st.DrawFn) -> list[Exchange]:
    """Return requests with their answers; perhaps one that ends the connection, and some after it without any."""
    script = draw(st.lists(exchanges(), min_size=1, max_size=8))
    if draw(st.booleans()):
        return script
    left = [Exchange(get(method=draw(st.sampled_from(METHODS[:2]))), b"", b"") for _ in range(draw(st.integers(0, 3)))]
    return [*script, Exchange(get(), b"", draw(st.sampled_from(LAST))), *left]


def add(outcome: Outcome, number: int, event: ServerEvent) -> None:
    """Add an event, joined with the one before where both are parts of one body."""
    spelled = (number, *plain(event))
    if spelled[1] == "Data" and outcome and outcome[-1][:2] == spelled[:2]:
        spelled = (*spelled[:2], f"{outcome.pop()[2]}{spelled[2]}")
    outcome.append(spelled)


def one_after_the_other(script: list[Exchange], size: int, *, close: bool) -> Outcome:
    """Return what a client reads that asks only once it has its answer, of the first `size` bytes of all answers."""
    client = Connection(CLIENT)
    outcome: Outcome = []
    for number, exchange in enumerate(script):
        client.send(exchange.request)
        if exchange.body:
            client.send(Data(exchange.body))
        client.send(EndOfMessage())
        answer, size = exchange.answer[:size], size - len(exchange.answer)
        ends = close and (size <= 0 or exchange.answer in LAST)
        try:
            for piece in (answer, b"" if ends else None):
                if piece is not None and (piece or ends):
                    client.receive_data(piece)
                while not isinstance(event := client.next_event(), (type, ConnectionClosed)):
                    add(outcome, number, event)
        except RemoteProtocolError as error:
            return [*outcome, ("error", error.code)]
        if client.states != {CLIENT: DONE, SERVER: DONE}:
            break
        client.start_next_cycle()
    return outcome


class Interleaved:
    """A client that pipelines, and a server that answers when it likes, but never what has not been asked."""

    def __init__(self, script: list[Exchange], size: int, *, close: bool) -> None:
        self.pipeline = Pipeline(4)
        self.outcome: Outcome = []
        self.sent = 0
        self.over = False
        self._script = script
        self._left = b"".join(exchange.answer for exchange in script)[:size]
        self._close = close
        # How many bytes of it the requests that were sent ask for.
        self._asked = 0

    def actions(self) -> list[Callable[[int], None]]:
        """Return what can be done next."""
        found: list[Callable[[int], None]] = []
        if self.sent < len(self._script) and self.pipeline.may_send(self._script[self.sent].request):
            found.append(self._send)
        if min(self._asked, len(self._left)) > 0:
            found.append(self._receive)
        elif self._close and not self._left and not self.pipeline.trailing_data[1]:
            found.append(lambda _: self.pipeline.receive_data(b""))
        return found

    def _send(self, _: int) -> None:
        exchange = self._script[self.sent]
        self.pipeline.send(exchange.request)
        if exchange.body:
            self.pipeline.send(Data(exchange.body))
        self.pipeline.send(EndOfMessage())
        self.sent += 1
        self._asked += len(exchange.answer)

    def _receive(self, number: int) -> None:
        size = 1 + number % min(self._asked, len(self._left))
        self.pipeline.receive_data(self._left[:size])
        self._left = self._left[size:]
        self._asked -= size

    def read(self, number: int) -> bool:
        """Read up to so many events; false where there is nothing to read."""
        for _ in range(number):
            if self.over:
                return False
            try:
                event = self.pipeline.next_event()
            except RemoteProtocolError as error:
                self.outcome.append(("error", error.code))
                self.over = True
                return False
            if event is NEED_DATA:
                return False
            if isinstance(event, AnswerEvent):
                assert event.request is self._script[event.number].request
                add(self.outcome, event.number, event.event)
            else:
                assert event == ConnectionClosed()
                self.over = True
        return True


@given(st.data(), scripts(), st.booleans(), st.booleans())
def test_the_answers_are_those_that_a_client_has_that_asks_one_after_the_other(
    data: st.DataObject, script: list[Exchange], whole: bool, close: bool
) -> None:
    total = sum(len(exchange.answer) for exchange in script)
    size = total if whole else data.draw(st.integers(0, total), "size")
    talk = Interleaved(script, size, close=close)
    random = data.draw(st.randoms(use_true_random=False))
    eager = random.random()
    while actions := talk.actions():
        random.choice(actions)(random.randrange(1000))
        if random.random() < eager:
            talk.read(random.randrange(1, 5))
        if random.random() < 0.1 or not talk.actions():
            while talk.read(100):
                pass
    expected = one_after_the_other(script, size, close=close)
    answered = {event[0] for event in expected if event[1] == "EndOfMessage"}
    waiting = [exchange.request for number, exchange in enumerate(script[: talk.sent]) if number not in answered]
    # Whoever has asked nothing more misses nothing.
    if expected[-1:] == [("error", "no-response")] and not waiting:
        expected.pop()
    # And whoever has asked too much is told.
    elif talk.over and waiting and (not expected or expected[-1][0] != "error"):
        expected.append(("error", "no-response"))
    assert talk.outcome == expected
    assert list(talk.pipeline.unanswered) == waiting
    assert all(request.method in IDEMPOTENT_METHODS for request in talk.pipeline.retryable)
    assert talk.over or talk.pipeline.our_state == IDLE or waiting


# --- servers that mean no good ----------------------------------------------------------------------------------------


def outcome_of(pieces: list[bytes], policy: Policy) -> tuple[Outcome, tuple[Request, ...]]:
    """Return what three requests get, and which of them no answer, of pieces and the end of the connection."""
    pipeline = Pipeline(policy=policy)
    for method in ("GET", "HEAD", "GET"):
        ask(pipeline, get(method=method))
    outcome: Outcome = []
    for piece in [*pieces, b""]:
        pipeline.receive_data(piece)
        while True:
            try:
                event = pipeline.next_event()
            except RemoteProtocolError as error:
                assert pipeline.their_state == ERROR
                assert pipeline.unanswered
                return [*outcome, ("error", error.code)], pipeline.unanswered
            if event is NEED_DATA:
                break
            if not isinstance(event, AnswerEvent):
                assert event == ConnectionClosed()
                assert pipeline.unanswered == ()
                return [*outcome, ("ConnectionClosed",)], ()
            add(outcome, event.number, event.event)
    pytest.fail("expected the end of the connection to be told")


@given(st.lists(strategies.streams(CLIENT), max_size=4), st.data(), st.sampled_from([STRICT, H11]))
def test_whatever_a_server_sends_is_read_or_refused_in_one_way(
    streams: list[bytes], data: st.DataObject, policy: Policy
) -> None:
    # Some of which begins as it should.
    stream = b"".join([data.draw(st.sampled_from([b"", EMPTY, HELLO])), *streams])
    expected = outcome_of([stream] if stream else [], policy)
    assert outcome_of(data.draw(strategies.cut(st.just(stream))), policy) == expected
    # In the order of the requests, and each answer is whole before the next one.
    outcome, unanswered = expected
    numbers = [event[0] for event in outcome[:-1]]
    assert numbers == sorted(numbers)
    ends = [event[0] for event in outcome if event[1:2] == ("EndOfMessage",)]
    assert ends == list(range(len(ends)))
    assert len(unanswered) == 3 - len(ends)


# --- work -------------------------------------------------------------------------------------------------------------

ANSWERS = {
    "empty": EMPTY,
    "with a body": HELLO,
    "in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
    "after interim ones": b"HTTP/1.1 103 \r\n\r\n" * 3 + EMPTY,
}


def answered(answer: bytes, number: int, piece: int, memory: Memory | None = None) -> None:
    """Send so many requests, and read so many answers that come in pieces of a size, or all at once."""
    pipeline = Pipeline(number)
    for _ in range(number):
        ask(pipeline, REQUEST)
    stream = answer * number
    events = 0
    for start in range(0, len(stream), piece or len(stream)):
        pipeline.receive_data(stream[start : start + (piece or len(stream))])
        while True:
            event = memory.call(pipeline.next_event) if memory else pipeline.next_event()
            if event is NEED_DATA:
                break
            events += 1
    assert events >= 2 * number
    assert pipeline.their_state == IDLE


REQUEST = get()


@pytest.mark.interpreted
@pytest.mark.parametrize("piece", [0, 50], ids=["whole", "pieces of fifty"])
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_twice_the_answers_are_twice_the_steps(answer: bytes, piece: int) -> None:
    def steps(number: int) -> float:
        counted = Steps()
        with counted.counting():
            answered(answer, number, piece)
        return counted.count / number

    steps(5)
    assert steps(80) <= 1.1 * steps(40)


@pytest.mark.no_cover
@pytest.mark.skipif(not CPYTHON, reason="only CPython tells what memory is taken")
@pytest.mark.parametrize("piece", [0, 50], ids=["whole", "pieces of fifty"])
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_what_is_left_is_not_copied_for_each_answer(answer: bytes, piece: int) -> None:
    def taken(number: int) -> float:
        memory = Memory()
        with memory.counting():
            answered(answer, number, piece, memory)
        return memory.taken / number

    taken(5)
    assert taken(800) <= 1.5 * taken(200)


# --- interruptions ----------------------------------------------------------------------------------------------------


def asking(number: int = 3) -> Pipeline:
    pipeline = Pipeline()
    for target in range(number):
        ask(pipeline, get(f"/{target}"))
    return pipeline


STREAM = EMPTY + b"HTTP/1.1 103 \r\n\r\n" + HELLO + b"HTTP/1.1 204 \r\nConnection: close\r\n\r\n"


def events_of(pipeline: Pipeline) -> Iterator[tuple[int | str, ...]]:
    """Yield what is left, with the error if there is one."""
    try:
        while not isinstance(event := pipeline.next_event(), (type, ConnectionClosed)):
            yield (event.number, *plain(event.event))
    except RemoteProtocolError as error:
        yield ("error", error.code)


@pytest.mark.interpreted
@pytest.mark.parametrize("number", [3, 4])
def test_an_event_is_told_or_the_server_has_failed(number: int) -> None:
    whole = asking(number)
    whole.receive_data(STREAM)
    expected = list(events_of(whole))
    assert len(expected) == 8 + (number == 4)
    for calls in range(len(expected)):

        def attempt(place: int, calls: int = calls) -> bool:
            pipeline = asking(number)
            pipeline.receive_data(STREAM)
            got = [(event.number, *plain(event.event)) for event in read(pipeline, calls)]
            try:
                stopped = interrupted(pipeline.next_event, place)
            except RemoteProtocolError:
                return False
            if not stopped:
                return False
            rest = list(events_of(pipeline))
            if pipeline.their_state == ERROR and rest[0][0] == "error" and [*got, *rest] != expected:
                assert rest == [("error", "already-failed")]
                # It is known which ones have not been answered: the one at which it happened is the first.
                assert len(pipeline.unanswered) == number - sum(event[1] == "EndOfMessage" for event in got)
            else:
                assert [*got, *rest] == expected
            return True

        assert list(places(attempt))


@pytest.mark.interpreted
@pytest.mark.parametrize("passthrough", [False, True])
@pytest.mark.parametrize("before", [0, 1, 3])
def test_a_request_is_sent_or_we_have_failed(before: int, passthrough: bool) -> None:
    def attempt(place: int) -> bool:
        # Two of those before have been answered, where there are any, so that they can be let go.
        pipeline = asking(before)
        if before:
            pipeline.receive_data(EMPTY * before)
        read(pipeline, 4 if before == 3 else 0)
        send: Callable[[Request], object] = pipeline.send_with_data_passthrough if passthrough else pipeline.send
        stopped = interrupted(partial(send, get("/new")), place)
        if stopped and pipeline.our_state == IDLE:
            ask(pipeline, get("/new"))
        elif not stopped:
            pipeline.send(EndOfMessage())
        assert pipeline.unanswered[:1] == ((get(f"/{before - 1}"),) if before else pipeline.unanswered[:1])
        first = before - 1
        left = [(first, "Response", 204, "", "1.1"), (first, "EndOfMessage")] if before else []
        assert list(events_of(pipeline)) == left
        # It is not awaited, or it is the only one.
        assert pipeline.unanswered in ((), (get("/new"),))
        if pipeline.our_state != ERROR:
            pipeline.receive_data(EMPTY)
            assert [event[:2] for event in events_of(pipeline)] == [(before, "Response"), (before, "EndOfMessage")]
        return stopped

    assert list(places(attempt))


@pytest.mark.interpreted
@pytest.mark.parametrize("kind", [bytes, bytearray])
@pytest.mark.parametrize("cut", range(0, len(STREAM), 9))
def test_a_piece_is_received_as_a_whole_or_not_at_all(kind: type, cut: int) -> None:
    expected = list(events_of(filled(asking(), STREAM)))

    def attempt(place: int) -> bool:
        pipeline = filled(asking(), *[STREAM[:cut]] * (cut > 0))
        stopped = interrupted(lambda: pipeline.receive_data(kind(STREAM[cut:])), place)
        received = pipeline.trailing_data[0]
        assert received in (STREAM[:cut], STREAM)
        if received != STREAM:
            pipeline.receive_data(STREAM[cut:])
        found = list(events_of(pipeline))
        assert found == expected
        return stopped

    assert list(places(attempt))


def filled(pipeline: Pipeline, *pieces: bytes) -> Pipeline:
    for piece in pieces:
        pipeline.receive_data(piece)
    return pipeline


@pytest.mark.interpreted
def test_what_was_received_when_an_interruption_came_is_no_answer_to_what_is_asked_later() -> None:
    def attempt(place: int) -> bool:
        pipeline = asking(1)
        stopped = interrupted(lambda: pipeline.receive_data(EMPTY + HELLO), place)
        if not pipeline.trailing_data[0]:
            return stopped
        ask(pipeline, get("/1"))
        assert [event[-1] for event in events_of(pipeline)][-1] == "unexpected-bytes"
        assert pipeline.unanswered == (get("/1"),)
        return stopped

    assert list(places(attempt))
