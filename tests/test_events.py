"""Events: what their constructors take, what they refuse, and that they are values."""

from __future__ import annotations

import copy
import pickle
import traceback
from collections.abc import Callable, Iterator, Sized
from functools import partial
from http import HTTPStatus
from typing import assert_never

import attrs
import pytest
from hypothesis import given

from http11 import (
    CLIENT,
    H11,
    NEED_DATA,
    PAUSED,
    SERVER,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    ErrorCode,
    Event,
    Headers,
    InformationalResponse,
    LocalProtocolError,
    Request,
    Response,
    Signal,
    parsing,
)
from tests import strategies
from tests.harness import python, send_any
from tests.strategies import TARGET, TCHAR, VCHAR

HOST = [("Host", "a")]
EVENTS: list[Event] = [
    Request(method="GET", target="/", headers=HOST),
    InformationalResponse(status_code=100, headers=[], reason="Continue"),
    Response(status_code=200, headers=[("X", "y")], reason="OK"),
    Data(b"abc", chunk_start=True),
    EndOfMessage(headers=[("X", "y")]),
    ConnectionClosed(),
]
IDS = [type(event).__name__ for event in EVENTS]


@pytest.mark.parametrize("event", EVENTS, ids=IDS)
def test_an_event_is_a_value(event: Event) -> None:
    again = attrs.evolve(event)
    assert again == event
    assert again is not event
    assert hash(again) == hash(event)
    assert pickle.loads(pickle.dumps(event)) == event
    assert copy.copy(event) == event
    assert copy.deepcopy(event) == event
    assert eval(repr(event)) == event
    assert all(event != other for other in EVENTS if other is not event)
    signals: list[object] = [NEED_DATA, PAUSED]
    assert event not in signals
    assert isinstance(event, Event)


@pytest.mark.parametrize("event", EVENTS, ids=IDS)
def test_an_event_cannot_be_changed(event: Event) -> None:
    for name in [*attrs.asdict(event), "anything"]:
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(event, name, b"x")
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            delattr(event, name)


def test_an_event_becomes_a_dict() -> None:
    assert attrs.asdict(EVENTS[0]) == {
        "method": b"GET",
        "headers": Headers(HOST),
        "target": b"/",
        "http_version": b"1.1",
    }
    assert attrs.asdict(EVENTS[3]) == {"data": b"abc", "chunk_start": True, "chunk_end": False}


def test_evolve_validates_again() -> None:
    request = Request(method="GET", target="/", headers=HOST)
    assert attrs.evolve(request, target="/b").target == b"/b"
    with pytest.raises(LocalProtocolError):
        attrs.evolve(request, target="/ b")
    with pytest.raises(LocalProtocolError):
        attrs.evolve(request, headers=[])
    with pytest.raises(LocalProtocolError):
        attrs.evolve(Response(status_code=200, headers=[]), status_code=100)


def kind(event: Event) -> str:
    match event:
        case Request(method=b"GET", target=target):
            return f"get {target!r}"
        case Request(method=method):
            return f"other {method!r}"
        case InformationalResponse(status_code=code) | Response(status_code=code):
            return str(code)
        case Data(data, chunk_start, chunk_end):
            return f"{data!r} {chunk_start} {chunk_end}"
        case EndOfMessage(headers=headers):
            return str(len(headers))
        case ConnectionClosed():
            return "closed"
        case _:
            assert_never(event)


def test_events_match_by_class_keyword_and_position() -> None:
    assert [kind(event) for event in EVENTS] == ["get b'/'", "100", "200", "b'abc' True False", "1", "closed"]
    assert kind(Request(method="PUT", target="/", headers=HOST)) == "other b'PUT'"


@pytest.mark.parametrize("signal", [NEED_DATA, PAUSED])
def test_a_signal_is_its_own_class_and_instance(signal: Signal) -> None:
    assert type(signal) is signal
    assert isinstance(signal, signal)
    assert isinstance(signal, (EndOfMessage, signal))
    assert isinstance(signal, type)
    assert repr(signal) == signal.__name__
    assert pickle.loads(pickle.dumps(signal)) is signal
    assert copy.deepcopy(signal) is signal
    assert {signal: 1}[signal] == 1


def test_the_signals_differ() -> None:
    assert {NEED_DATA, PAUSED} == {PAUSED, NEED_DATA}
    assert not isinstance(NEED_DATA, PAUSED)
    assert not isinstance(PAUSED, NEED_DATA)
    assert len({NEED_DATA, PAUSED}) == 2


def test_fields_are_normalized_to_bytes() -> None:
    request = Request(method=bytearray(b"GET"), target=memoryview(b"/"), headers=HOST, http_version="1.1")
    for name in ("method", "target", "http_version"):
        assert type(getattr(request, name)) is bytes
    response = Response(status_code=HTTPStatus.OK, headers=HOST, reason="OK", http_version="1.0")
    assert (response.status_code, type(response.status_code)) == (200, int)
    assert response.reason == b"OK"
    assert EndOfMessage().headers == []
    assert type(Data(memoryview(b"abc")[1:]).data) is bytes
    assert Data("abc") == Data(b"abc") == Data(data=bytearray(b"abc"))


class Payload:
    def __len__(self) -> int:
        return 3


def test_data_keeps_a_payload_that_is_not_bytes() -> None:
    payload = Payload()
    assert Data(payload).data is payload
    wrong: list[object] = [3, None]
    for value in wrong:
        with pytest.raises(TypeError, match="bytes-like"):
            Data(value)  # type: ignore[call-overload]


def test_types_are_checked() -> None:
    wrong: list[object] = [1, None, 3.5, ["a"]]
    for value in wrong:
        with pytest.raises(TypeError):
            Request(method=value, target="/", headers=HOST)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            Request(method="GET", target=value, headers=HOST)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            Response(status_code=200, headers=[], reason=value)  # type: ignore[arg-type]
    for status in ("200", b"200", 200.0, None):
        with pytest.raises(LocalProtocolError, match="expected an int as status code"):
            Response(status_code=status, headers=[])  # type: ignore[arg-type]


class Evasive(str):
    """A `str` that says of itself what its maker likes."""

    __slots__ = ()

    def isascii(self) -> bool:
        return True

    def encode(self, *_: object) -> bytes:
        return b"evil\r\n"

    def __iter__(self) -> Iterator[str]:
        return iter("evil")

    def __str__(self) -> str:
        return "evil"

    def __getitem__(self, _: object) -> str:
        return "evil"


SECRET = "c2VjcmV0LXRva2Vu"
NOT_ASCII = f"{SECRET}é{SECRET}"
# Which argument it is, as the error names it, and what has it.
TEXTS: list[tuple[str, Callable[[str], object]]] = [
    ("the method", lambda text: Request(method=text, target="/", headers=HOST)),
    ("the target", lambda text: Request(method="GET", target=text, headers=HOST)),
    ("the HTTP version", lambda text: Request(method="GET", target="/", headers=HOST, http_version=text)),
    ("the HTTP version", lambda text: Response(status_code=200, headers=[], http_version=text)),
    ("the reason", lambda text: Response(status_code=200, headers=[], reason=text)),
    ("the reason", lambda text: InformationalResponse(status_code=100, headers=[], reason=text)),
    ("a field's name", lambda text: Request(method="GET", target="/", headers=[*HOST, (text, "a")])),
    ("a field's name", lambda text: Headers([(text, b"a")])),
    ("a field's name", Headers(HOST).get),
    ("a field's name", Headers(HOST).get_all),
    ("the value of the field 'Host'", lambda text: Request(method="GET", target="/", headers=[("Host", text)])),
    (
        "the value of the field 'Authorization'",
        lambda text: Request(method="GET", target="/", headers=[*HOST, ("Authorization", text)]),
    ),
    ("the value of the field 'X'", lambda text: Response(status_code=200, headers=[(b"X", text)])),
    ("the value of the field 'X'", lambda text: InformationalResponse(status_code=100, headers=[("X", text)])),
    ("the value of the field 'X'", lambda text: EndOfMessage(headers=[("X", text)])),
    (
        "the value of the field 'X'",
        lambda text: attrs.evolve(Response(status_code=200, headers=[]), headers=[("X", text)]),
    ),
    ("the data", Data),
]


@pytest.mark.parametrize("kind", [str, Evasive])
@pytest.mark.parametrize(("argument", "make"), TEXTS)
def test_a_text_that_is_not_ascii_is_named_and_not_shown(
    argument: str, make: Callable[[str], object], kind: Callable[[str], str]
) -> None:
    with pytest.raises(UnicodeEncodeError) as caught:
        make(kind(NOT_ASCII))
    error = caught.value
    assert str(error).endswith(f"expected ASCII, got this at index {len(SECRET)} in {argument}")
    assert (error.encoding, error.object, error.start, error.end) == ("ascii", "é", 0, 1)
    assert type(error.object) is str
    assert (error.__context__, error.__cause__) == (None, None)
    for shown in (str(error), repr(error), repr(error.args), "".join(traceback.format_exception_only(error))):
        assert SECRET[:6] not in shown
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.args) == (str(error), error.args)


@pytest.mark.parametrize(("argument", "make"), TEXTS)
def test_every_character_beyond_ascii_is_found(argument: str, make: Callable[[str], object]) -> None:
    for text in ("\x80", "ÿa", "\udc80", "\U0001f600a"):
        with pytest.raises(UnicodeEncodeError, match=argument) as caught:
            make(text)
        assert caught.value.object == text[0]


def test_a_wrong_type_is_named() -> None:
    with pytest.raises(TypeError, match="as the target, got int"):
        Request(method="GET", target=1, headers=HOST)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="as the value of the field 'X', got NoneType"):
        Response(status_code=200, headers=[("X", None)])  # type: ignore[list-item]


def refused(code: ErrorCode, make: Callable[[], object]) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        make()
    assert caught.value.code == code
    assert caught.value.rule


@pytest.mark.parametrize("byte", range(256))
def test_every_byte_of_a_method_a_target_and_a_reason(byte: int) -> None:
    one = bytes([byte])
    for method in (one, b"a" + one, one + b"a"):
        if byte in TCHAR:
            assert Request(method=method, target="/", headers=HOST).method == method
        else:
            refused("bad-method", partial(Request, method=method, target="/", headers=HOST))
    for target in (b"/" + one, b"/" + one + b"a"):
        if byte in TARGET:
            assert Request(method="GET", target=target, headers=HOST).target == target
        else:
            refused("bad-target", partial(Request, method="GET", target=target, headers=HOST))
    for reason in (one, b"a" + one, one + b"a"):
        if byte in VCHAR + b" \t":
            assert Response(status_code=200, headers=[], reason=reason).reason == reason
        else:
            refused("bad-reason", partial(Response, status_code=200, headers=[], reason=reason))


@pytest.mark.parametrize("version", ["1.1", "1.0", "1.9"])
def test_versions_that_can_be_made(version: str) -> None:
    assert Request(method="GET", target="/", headers=HOST, http_version=version).http_version == version.encode()
    assert Response(status_code=200, headers=[], http_version=version).http_version == version.encode()


@pytest.mark.parametrize("version", ["2.0", "0.9", "1", "1.10", "1.1\n", "", "1,1", "٣.1".encode(), "1.1 "])
def test_versions_that_cannot(version: str | bytes) -> None:
    refused("bad-version", lambda: Request(method="GET", target="/", headers=HOST, http_version=version))
    refused("bad-version", lambda: Response(status_code=200, headers=[], http_version=version))


def test_the_preface_of_http2_can_be_made_and_nothing_like_it() -> None:
    preface = Request(method="PRI", target="*", headers=[], http_version="2.0")
    assert preface == parsing.parse_request(b"PRI * HTTP/2.0\r\n\r\n")
    refused("unsupported-version", lambda: Request(method="PRI", target="*", headers=HOST, http_version="2.0"))
    refused("bad-version", lambda: Request(method="PRI", target="/", headers=HOST, http_version="2.0"))
    refused("bad-target-form", lambda: Request(method="PRI", target="*", headers=HOST))


@pytest.mark.parametrize("code", [0, 99, 200, -1, 1000])
def test_informational_codes_are_100_to_199(code: int) -> None:
    refused("bad-status-code", lambda: InformationalResponse(status_code=code, headers=[]))


@pytest.mark.parametrize("code", [10**5000, -(10**5000), 10**20], ids=["huge", "hugely-negative", "21-digits"])
def test_no_text_has_a_number_that_nobody_reads(code: int) -> None:
    for make in (
        lambda: Response(status_code=code, headers=[]),
        lambda: InformationalResponse(status_code=code, headers=[]),
    ):
        with pytest.raises(LocalProtocolError) as caught:
            make()
        assert caught.value.code == "bad-status-code"
        assert f"{'negative ' * (code < 0)}number of {code.bit_length()} bits" in str(caught.value)


@pytest.mark.parametrize("code", [0, 99, 100, 199, -200, 1000, True])
def test_final_codes_are_200_to_999(code: int) -> None:
    refused("bad-status-code", lambda: Response(status_code=code, headers=[]))


# --- what cannot be switched off ------------------------------------------------------------------------------------

INJECTIONS: list[Callable[[], object]] = [
    lambda: Request(method="GET /evil HTTP/1.1\r\nX:", target="/", headers=HOST),
    lambda: Request(method="GET", target="/ HTTP/1.1\r\nX: y", headers=HOST),
    lambda: Request(method="GET", target="/", headers=HOST, http_version="1.1\r\nX: y"),
    lambda: Request(method="GET", target="/", headers=[*HOST, ("X", "y\r\nZ: z")]),
    lambda: Request(method="GET", target="/", headers=[*HOST, ("X: y\r\nZ", "z")]),
    lambda: Request(method="GET", target="/", headers=[*HOST, ("Content-Length", "1"), ("Content-Length", "2")]),
    lambda: Response(status_code=200, headers=[], reason="OK\r\nX: y"),
    lambda: Response(status_code=200, headers=[("X", "y\nZ: z")]),
    lambda: InformationalResponse(status_code=103, headers=[("Link", "a\rb")]),
    lambda: EndOfMessage(headers=[("X", "y\r\n\r\nGET / HTTP/1.1")]),
    lambda: EndOfMessage(headers=[("Content-Length", "1")]),
]


@pytest.mark.parametrize("make", INJECTIONS)
def test_no_switch_of_attrs_lets_anything_through(make: Callable[[], object]) -> None:
    with pytest.raises(LocalProtocolError):
        make()
    attrs.validators.set_disabled(True)
    try:
        with pytest.raises(LocalProtocolError):
            make()
    finally:
        attrs.validators.set_disabled(False)


@pytest.mark.no_cover
def test_no_check_is_an_assertion() -> None:
    program = """
import sys, tests.test_events as t
from http11 import LocalProtocolError
if __debug__: sys.exit("assertions are on")
for make in t.INJECTIONS:
    try:
        make()
    except LocalProtocolError:
        continue
    sys.exit("let through")
print(len(t.INJECTIONS))
"""
    assert python("-O", "-c", program).strip() == str(len(INJECTIONS))


# --- what cannot be changed by another way --------------------------------------------------------------------------

TOLERATED: list[Event] = [
    parsing.parse_request(b"G / HTTP/1.1\r\nHost: a b\r\nX: \x01\r\n\r\n", policy=H11),
    parsing.parse_request(b"GET /#a HTTP/2.0\r\nHost: a\r\n\r\n", policy=H11),
    parsing.parse_response(b"HTTP/1.1 200 \x01\r\n\r\n", policy=H11),
    parsing.parse_response(b"HTTP/1.1 103 \x01\r\nX: y\r\n\r\n", policy=H11),
    parsing.parse_trailers(b"Content-Length: 5\r\n\r\n", policy=H11),
]
RECEIVED: list[Event] = [
    parsing.parse_request(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    parsing.parse_request(b"PRI * HTTP/2.0\r\n\r\n"),
    parsing.parse_response(b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\nX: a\r\n b\r\n\r\n"),
    parsing.parse_response(b"HTTP/1.0 103 \r\nX: y\r\n\r\n"),
    parsing.parse_trailers(b"X: y\r\n\r\n"),
]
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


@pytest.mark.parametrize("event", [*EVENTS, *TOLERATED, *RECEIVED], ids=repr)
def test_an_event_cannot_be_made_again(event: Event) -> None:
    before = repr(event)
    for other in EVENTS:
        arguments = {field.name: getattr(other, field.name) for field in attrs.fields(type(other))}
        if type(other) is type(event):
            with pytest.raises(attrs.exceptions.FrozenInstanceError):
                event.__init__(**arguments)
    # Nor by the constructor that attrs makes beside ours.
    assert not hasattr(event, "__attrs_init__")
    assert repr(event) == before


@pytest.mark.parametrize("event", [*EVENTS, *TOLERATED, *RECEIVED], ids=repr)
def test_an_event_is_pickled_and_copied_as_what_it_is(event: Event) -> None:
    for again in (
        *(pickle.loads(pickle.dumps(event, protocol)) for protocol in PROTOCOLS),
        copy.copy(event),
        copy.deepcopy(event),
        *copy.deepcopy([event, event]),
    ):
        assert type(again) is type(event)
        assert again == event
        assert repr(again) == repr(event)
        assert hash(again) == hash(event)
        assert sent(again) == sent(event)


def sent(event: Event) -> object:
    """Return what comes of it when it is sent: its bytes, or the code of its error."""
    connection: Connection = Connection(CLIENT if isinstance(event, Request) else SERVER)
    if not isinstance(event, Request):
        connection.receive_data(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.next_event()
    if isinstance(event, (Data, EndOfMessage)):
        send_any(connection, Response(status_code=200, headers=[]))
    try:
        return send_any(connection, event)
    except LocalProtocolError as error:
        return error.code


def test_what_a_tolerance_let_in_is_refused_and_copies_of_it_are() -> None:
    assert [sent(event) for event in TOLERATED] == [
        "bad-field-value",
        "version-not-sendable",
        "bad-reason",
        "bad-reason",
        "forbidden-trailer",
    ]


@pytest.mark.parametrize(
    ("event", "right", "wrong"),
    [
        (Request(method="GETX", target="/", headers=HOST), b"GETX", b"G\r\nX"),
        (Request(method="GET", target="/abcd", headers=HOST), b"/abcd", b"/ \r\nd"),
        (Request(method="GET", target="/", headers=HOST, http_version="1.0"), b"1.0", b"1\r\n"),
        (Request(method="GET", target="/", headers=[*HOST, ("Name", "abcde")]), b"abcde", b"a\r\nde"),
        (Request(method="GET", target="/", headers=[*HOST, ("Names", "a")]), b"Names", b"N\r\ns:"),
        (Request(method="GET", target="/", headers=[*HOST, ("Aost", "b")]), b"Aost", b"Host"),
        (Response(status_code=200, headers=[], reason="abcde"), b"abcde", b"a\r\nde"),
        (Response(status_code=200, headers=[("Name", "abcde")]), b"abcde", b"a\r\nde"),
        (InformationalResponse(status_code=103, headers=[], reason="abcde"), b"abcde", b"a\r\nde"),
        (EndOfMessage(headers=[("Name", "abcde")]), b"abcde", b"a\r\nde"),
        (EndOfMessage(headers=[("Name", "abcde")]), b"Name", b"Host"),
        (Headers([("Name", "abcde")]), b"abcde", b"a\r\nde"),
    ],
    ids=repr,
)
def test_a_changed_pickle_is_checked(event: object, right: bytes, wrong: bytes) -> None:
    whole = pickle.dumps(event)
    assert whole.count(right) == 1
    with pytest.raises(LocalProtocolError):
        pickle.loads(whole.replace(right, wrong))


def test_a_changed_pickle_of_what_a_tolerance_let_in_is_not_sent() -> None:
    event = parsing.parse_request(b"GETX / HTTP/1.1\r\nHost: a\r\nName: abcde\r\n\r\n", policy=H11)
    assert isinstance(sent(event), bytes)
    whole = pickle.dumps(event)
    for right, wrong, code in (
        (b"GETX", b"G\r\nX", "bad-method"),
        (b"abcde", b"a\r\nde", "bad-field-value"),
        (b"Name", b"\r\n: ", "bad-field-name"),
    ):
        assert whole.count(right) == 1
        assert sent(pickle.loads(whole.replace(right, wrong))) == code


@pytest.mark.parametrize("event", EVENTS, ids=IDS)
def test_no_state_fills_an_event(event: Event) -> None:
    """A pickle by attrs' way, or by that of `object`, which goes past the constructor."""
    names = [field.name for field in attrs.fields(type(event))]
    assert not hasattr(event, "__setstate__")
    for state in ((None, dict.fromkeys(names, b"\r\n")), dict.fromkeys(names, b"\r\n")):
        if names:
            with pytest.raises((AttributeError, TypeError)):
                pickle.loads(pickle.dumps(Rebuilt(type(event), state)))
            with pytest.raises((AttributeError, TypeError)):
                copy.copy(Rebuilt(type(event), state))


class Rebuilt:
    """What is pickled as if it were an object of another class, with a state."""

    def __init__(self, cls: type, state: object) -> None:
        self.cls = cls
        self.state = state

    def __reduce__(self) -> tuple[object, ...]:
        return object.__new__, (self.cls,), self.state


def test_a_payload_of_ones_own_is_copied_with_its_event() -> None:
    event = Data([b"a"])
    assert copy.copy(event).data is event.data
    again = copy.deepcopy(event)
    assert again == event
    assert again.data is not event.data
    event.data.append(b"b")
    assert again.data == [b"a"]
    assert pickle.loads(pickle.dumps(event)) == event
    both = copy.deepcopy((event, event.data))
    assert both[0].data is both[1]


@given(strategies.requests())
def test_any_request_that_can_be_made_is_a_value(request: Request) -> None:
    assert attrs.evolve(request) == request
    assert hash(attrs.evolve(request)) == hash(request)


def test_a_tolerated_event_keeps_what_it_is_through_pickling() -> None:
    event = parsing.parse_request(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", policy=H11)
    for again in (event, pickle.loads(pickle.dumps(event)), copy.deepcopy(event)):
        with pytest.raises(LocalProtocolError) as caught:
            Connection(CLIENT).send(again)
        assert caught.value.code == "bad-host"


def test_a_sized_payload_is_what_the_types_say() -> None:
    event: Data[Payload] = Data(Payload())
    assert isinstance(event.data, Sized)
