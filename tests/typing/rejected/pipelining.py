"""What a client that pipelines may not send, and what it may not forget."""

from typing import assert_never

from http11 import (
    CLOSED,
    DONE,
    NEED_DATA,
    SEND_RESPONSE,
    ConnectionClosed,
    Data,
    EndOfMessage,
    InformationalResponse,
    Request,
    Response,
    Signal,
)
from http11.pipelining import AnswerEvent, AnswerPart, Pipeline


class File:
    def __len__(self) -> int:
        return 1


def a_client_sends_no_response(pipeline: Pipeline, response: Response, interim: InformationalResponse) -> None:
    pipeline.send(response)  # error: overload "send"
    pipeline.send(interim)  # error: overload "send"
    pipeline.send_with_data_passthrough(response)  # error: overload "send_with_data_passthrough"
    pipeline.may_send(response)  # error: argument "Response"
    pipeline.may_send(EndOfMessage())  # error: argument "EndOfMessage"


def a_signal_is_not_sent(pipeline: Pipeline) -> None:
    pipeline.send(NEED_DATA)  # error: overload "send"


def a_payload_without_bytes_is_not_sent(pipeline: Pipeline) -> None:
    # mypy takes it for a mistake in the constructor.
    pipeline.send(Data(File()))  # error: overload; mypy arg-type


def an_answer_is_an_event_with_a_request(pipeline: Pipeline) -> Response | Signal:
    return pipeline.next_event()  # error: return


def an_event_is_in_the_answer(answer: AnswerEvent) -> None:
    answer.status_code  # error: attribute "status_code"
    answer.event.status_code  # error: member "status_code"
    answer.event.data  # error: member "data"
    answer.answer  # error: attribute "answer"


def an_answer_cannot_be_changed(answer: AnswerEvent, request: Request) -> None:
    answer.request = request  # error: read-only "request"
    answer.number = 1  # error: read-only "number"


def the_end_is_forgotten(pipeline: Pipeline) -> None:
    event = pipeline.next_event()
    if isinstance(event, type):
        return
    match event:
        case AnswerEvent():
            pass
        case _:
            assert_never(event)  # error: forgotten "ConnectionClosed"


def a_signal_is_forgotten(pipeline: Pipeline) -> None:
    event = pipeline.next_event()
    match event:
        case AnswerEvent() | ConnectionClosed():
            pass
        case _:
            assert_never(event)  # error: forgotten


def interim_responses_are_forgotten(part: AnswerPart) -> None:
    match part:
        case Response() | Data() | EndOfMessage():
            pass
        case _:
            assert_never(part)  # error: forgotten "InformationalResponse"


def a_pipeline_is_never_in_these_states(pipeline: Pipeline) -> bool:
    ours = pipeline.our_state == SEND_RESPONSE  # error: comparison
    never = pipeline.our_state == DONE  # error: comparison
    theirs = pipeline.their_state == DONE  # error: comparison
    return ours or never or theirs or pipeline.our_state == CLOSED


def what_is_known_cannot_be_set(pipeline: Pipeline, request: Request) -> None:
    pipeline.unanswered = (request,)  # error: read-only "unanswered"
    pipeline.our_state = "IDLE"  # error: read-only "our_state"


def it_is_made_of_numbers_and_methods() -> None:
    Pipeline("8")  # error: argument
    Pipeline(None)  # error: argument
    Pipeline(8, None)  # error: argument
    Pipeline(8, 100, True)  # error: positional
    Pipeline(pipelined_methods=["GET"])  # error: item
    Pipeline(policy="STRICT")  # error: argument
    Pipeline(maximum=8)  # error: unknown "maximum"


class Mine(Pipeline):  # error: subclass "Pipeline"
    pass
