"""The two signals, told apart by `is`, and what is left after both.

pyrefly 1.4 narrows no class by `is`: what it still takes for a signal is said beside the line.
`isinstance(event, type)`, as in ``narrowing.py``, serves all four.
"""

from typing import assert_never, assert_type

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


def a_server_gets_what_a_client_sends(conn: ServerConnection) -> None:
    event = conn.next_event()
    assert_type(event, ClientEvent | Signal)
    assert_type(event, Request | Data[bytes] | EndOfMessage | ConnectionClosed | type[NEED_DATA] | type[PAUSED])


def a_client_gets_what_a_server_sends(conn: ClientConnection) -> None:
    event = conn.next_event()
    assert_type(event, ServerEvent | Signal)
    assert_type(
        event,
        InformationalResponse
        | Response
        | Data[bytes]
        | EndOfMessage
        | ConnectionClosed
        | type[NEED_DATA]
        | type[PAUSED],
    )


def a_server_sheds_one_and_the_other(conn: ServerConnection) -> ClientEvent | None:
    event = conn.next_event()
    if event is NEED_DATA:
        assert_type(event, type[NEED_DATA])
        return None
    if event is PAUSED:
        assert_type(event, type[PAUSED])
        return None
    return event  # error: return; only pyrefly


def a_client_sheds_both(conn: ClientConnection) -> ServerEvent | None:
    event = conn.next_event()
    if event is NEED_DATA or event is PAUSED:
        assert_type(event, Signal)
        return None
    return event  # error: return; only pyrefly


def a_server_matches(conn: ServerConnection) -> None:
    event = conn.next_event()
    if event is NEED_DATA or event is PAUSED:
        return
    match event:
        case Request() | Data() | EndOfMessage() | ConnectionClosed():
            pass
        case _:
            assert_never(event)  # error: forgotten; only pyrefly


def a_client_asks_in_turn(conn: ClientConnection) -> str:
    event = conn.next_event()
    if event is NEED_DATA:
        return "more"
    if event is PAUSED:
        return "wait"
    if isinstance(event, (InformationalResponse, Response)):
        return "a response"
    if isinstance(event, (Data, EndOfMessage, ConnectionClosed)):
        return "another event"
    assert_never(event)  # error: forgotten; only pyrefly


def a_signal_is_one_of_two(signal: Signal) -> type[PAUSED] | None:
    if signal is NEED_DATA:
        return None
    return signal  # error: return; only pyrefly


def no_question_sheds_an_event_by_mistake(conn: ServerConnection) -> None:
    # h11's users ask so: whichever it is, an event stays an event in what is left.
    event = conn.next_event()
    if isinstance(event, (EndOfMessage, PAUSED)):
        return
    if not isinstance(event, type):
        assert_type(event, Request | Data[bytes] | ConnectionClosed)
