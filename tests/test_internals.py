"""What stands for h11's private modules: compared with h11's own, over the same bytes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import h11
import h11._readers
import h11._receivebuffer
import pytest

import http11
from http11 import CLIENT, H11, NEED_DATA, STRICT, Data, EndOfMessage, RemoteProtocolError, compat, internals
from http11.internals import ChunkedReader, ConnectionState, ContentLengthReader, Http10Reader, ReceiveBuffer

# --- the buffer -----------------------------------------------------------------------------------------------------

HEADS = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest",
    b"GET / HTTP/1.1\nHost: a\n\nrest",
    b"a\r\nb\n\r\n",
    b"\r\n\r\n",
    b"\nx\n\n",
    b"a\r\r\n\r\n\r\n",
    b"no line end",
    b"\x16\x03\x01",
    b" x",
    b"",
]


def used(buffer: Any, data: bytes, cuts: Sequence[int], method: Callable[[Any], object]) -> list[object]:
    """Hand data over in pieces, call a method after each until it returns nothing, and tell what it has returned."""
    found: list[object] = []
    for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True):
        buffer += data[start:stop]
        while (taken := method(buffer)) not in (None, []):
            found.append(taken)
        found += [taken, bytes(buffer), len(buffer), bool(buffer), buffer.is_next_line_obviously_invalid_request_line()]
    return found


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(lambda buffer: buffer.maybe_extract_lines(), id="lines"),
        pytest.param(lambda buffer: buffer.maybe_extract_next_line(), id="next line"),
        pytest.param(lambda buffer: buffer.maybe_extract_at_most(3), id="at most"),
        pytest.param(lambda buffer: buffer.maybe_extract_at_most(0), id="nothing"),
    ],
)
@pytest.mark.parametrize("data", HEADS)
def test_a_buffer_gives_what_h11s_gives(data: bytes, method: Callable[[Any], object]) -> None:
    for cuts in ([], [len(data) // 2], range(1, len(data))):
        theirs = used(h11._receivebuffer.ReceiveBuffer(), data, [*cuts], method)
        assert used(ReceiveBuffer(), data, [*cuts], method) == theirs


def test_a_derived_buffer_may_take_its_data() -> None:
    """As urllib3-future's does."""

    class Derived(ReceiveBuffer):
        def all(self) -> bytearray:
            data, self._data = self._data, bytearray()
            self._next_line_search = self._multiple_lines_search = 0
            return data

    buffer = Derived()
    buffer += b"abc"
    assert (bytes(buffer.all()), bytes(buffer)) == (b"abc", b"")
    assert buffer.maybe_extract_lines() is None


# --- the readers ----------------------------------------------------------------------------------------------------


def told(event: Any) -> tuple[object, ...] | None:
    if event is None:
        return None
    if type(event).__name__ == "Data":
        # Not `chunk_start`, which h11 loses where a chunk's data come later than its size.
        return bytes(event.data), event.chunk_end
    return type(event).__name__, [*event.headers]


def read(reader: Any, buffer: Any, pieces: Sequence[bytes]) -> list[object]:
    """Return what a reader makes of some pieces, until it wants more, has had enough, or refuses."""
    found: list[object] = []
    for piece in pieces:
        buffer += piece
        try:
            while (event := told(reader(buffer))) is not None:
                found.append(event)
                if event[0] == "EndOfMessage":
                    return [*found, bytes(buffer)]
        except (h11.ProtocolError, RemoteProtocolError) as error:
            return [*found, "refused", error.error_status_hint]
    return [*found, "wants more", bytes(buffer)]


BODIES = [
    b"5\r\nhello\r\n3;a=b\r\nxyz\r\n0\r\n\r\n",
    b"5\r\nhello\r\n0\r\nSum: 3\r\nOther: a\r\n\r\nnext",
    b"5\r\nhello0\r\n\r\n",
    b"g\r\n",
    b"5\r\nhel",
    b"",
]


def joined(found: list[object]) -> list[object]:
    """Join the data that belong together: how far they reach depends on how much is there."""
    done: list[object] = []
    for one in found:
        last = done[-1] if done else None
        if isinstance(one, tuple) and isinstance(last, tuple) and last[1] is False:
            done[-1] = (last[0] + one[0], one[1])
        else:
            done.append(one)
    return done


@pytest.mark.parametrize("body", BODIES)
def test_a_chunked_body_is_read_as_h11_reads_it(body: bytes) -> None:
    rng = random.Random(0)
    for turn in range(20):
        cuts = sorted(rng.sample(range(len(body) + 1), turn % (len(body) + 1)))
        pieces = [body[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(body)], strict=True)]
        theirs = read(h11._readers.ChunkedReader(), h11._receivebuffer.ReceiveBuffer(), pieces)
        ours = read(ChunkedReader(), ReceiveBuffer(), pieces)
        # What is left in the buffer where more is wanted is the reader's business.
        if "wants more" in theirs:
            theirs, ours = theirs[:-1], ours[:-1]
        assert joined(ours) == joined(theirs)


@pytest.mark.parametrize("length", [0, 3, 6, 9])
def test_a_body_of_known_length_is_read_as_h11_reads_it(length: int) -> None:
    for pieces in ([b"abcdef"], [b"ab", b"cdef"], [b"a", b"b", b"c", b"d", b"e", b"f"]):
        theirs = read(h11._readers.ContentLengthReader(length), h11._receivebuffer.ReceiveBuffer(), pieces)
        assert read(ContentLengthReader(length), ReceiveBuffer(), pieces) == theirs


def test_a_body_until_the_end_is_read_as_h11_reads_it() -> None:
    pieces = [b"", b"ab", b"c"]
    theirs = read(h11._readers.Http10Reader(), h11._receivebuffer.ReceiveBuffer(), pieces)
    assert read(Http10Reader(), ReceiveBuffer(), pieces) == theirs
    assert Http10Reader().read_eof() == EndOfMessage()


@pytest.mark.parametrize("data", [b"", b"3\r\nabc", b"3\r\nabc\r\n0\r\n\r\n"])
def test_the_end_of_the_connection_is_never_that_of_a_body_with_framing(data: bytes) -> None:
    """mitmproxy asks after the whole body too, and wants the error."""
    for ours, theirs in (
        (ChunkedReader(), h11._readers.ChunkedReader()),
        (ContentLengthReader(3), h11._readers.ContentLengthReader(3)),
        (ContentLengthReader(0), h11._readers.ContentLengthReader(0)),
    ):
        read(ours, ReceiveBuffer(), [data])
        read(theirs, h11._receivebuffer.ReceiveBuffer(), [data])
        with pytest.raises(h11.RemoteProtocolError) as expected:
            theirs.read_eof()
        with pytest.raises(RemoteProtocolError) as caught:
            ours.read_eof()
        assert caught.value.msg == str(expected.value)
        assert caught.value.code == "body-cut-short"


@pytest.mark.parametrize("policy", [STRICT, H11])
def test_a_reader_has_the_policy_that_was_installed(policy: http11.Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(internals.ChunkedReader, "default_policy", policy)
    buffer = ReceiveBuffer()
    buffer += b"1 \r\na"
    if policy == H11:
        assert ChunkedReader()(buffer) == Data(b"a", chunk_start=True, chunk_end=True)
    else:
        with pytest.raises(RemoteProtocolError, match="at byte 1 "):
            ChunkedReader()(buffer)


# --- what urllib3-future does with a connection ---------------------------------------------------------------------


def test_a_connection_takes_no_notice_of_another_buffer_and_state() -> None:
    class Relaxed(ConnectionState):
        def process_event(self, role: object, event_type: object, server_switch_event: object = None) -> None:
            self.pending_switch_proposals.add(internals.SWITCH_UPGRADE)
            super().process_event(role, event_type, server_switch_event)

    Relaxed().process_event("SERVER", Data)
    connection = compat.Connection(CLIENT)
    # Else it would use these.
    assert not hasattr(connection, "_receive_buffer")
    assert not hasattr(connection, "_cstate")
    connection.__dict__.update(_receive_buffer=ReceiveBuffer(), _cstate=Relaxed())
    connection.send(http11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.send(EndOfMessage())
    connection.receive_data(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab")
    assert isinstance(connection.next_event(), http11.Response)
    assert connection.next_event() == Data(b"ab")
    assert connection.next_event() is NEED_DATA


@pytest.mark.parametrize("framing", [b"Content-Length: 3\r\n\r\nab", b"Transfer-Encoding: chunked\r\n\r\n2\r\nab"])
def test_a_body_that_is_cut_short_is_told_in_h11s_words(framing: bytes) -> None:
    """urllib3-future takes the numbers out of them."""
    errors: list[Any] = []
    for module in (h11, compat):
        connection: Any = module.Connection(h11.CLIENT if module is h11 else CLIENT)
        events: Any = h11 if module is h11 else http11
        connection.send(events.Request(method="GET", target="/", headers=[("Host", "a")]))
        connection.send(events.EndOfMessage())
        connection.receive_data(b"HTTP/1.1 200 OK\r\n" + framing)
        connection.receive_data(b"")
        connection.next_event()
        connection.next_event()
        with pytest.raises((h11.RemoteProtocolError, RemoteProtocolError)) as caught:
            connection.next_event()
        errors.append(caught.value)
    assert str(errors[0]) == str(errors[1])
    assert (errors[1].code, errors[1].received) == ("body-cut-short", 2)


def test_other_errors_keep_their_words() -> None:
    connection = compat.Connection(http11.SERVER)
    connection.receive_data(b"GET / HTTP/1.1\r\nHost: a\r\n x\r\n\r\n")
    with pytest.raises(RemoteProtocolError) as caught:
        connection.next_event()
    assert (caught.value.code, caught.value.rule) == ("folded-line", "RFC 9112 5.2")
