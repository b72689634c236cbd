"""The pure parsers, used without a connection. How lines are taken apart is tested in `test_lines`."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http11 import (
    H11,
    STRICT,
    Data,
    EndOfMessage,
    ErrorCode,
    Headers,
    InformationalResponse,
    Policy,
    RemoteProtocolError,
    Request,
    Response,
    parsing,
)
from http11.fields import Field
from http11.framing import CHUNKED, UNTIL_CLOSE
from http11.parsing import NO_BODY, Awaiting, BodyProgress, ChunkLine, Section, begin_body, read_body
from http11.serialization import serialize_fields
from tests.apart import Kind, Parts, Refused, taken_apart, told
from tests.strategies import VCHAR
from tests.test_lines import SECTIONS, sections

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LIMIT = 1000


def test_a_log_analyser_reads_requests_without_a_connection() -> None:
    data = b"\r\n" + GET + b"\r\n\r\n" + GET.replace(b"/", b"/2", 1) + GET[:9]
    at = 0
    targets = []
    while True:
        at = parsing.skip_empty_lines(data, at)
        end = parsing.find_section_end(data, at, section="request")
        if end < 0:
            break
        targets.append(parsing.parse_request(data[at:end]).target)
        at = end
    assert targets == [b"/", b"/2"]
    assert data[at:] == GET[:9]


def test_heads() -> None:
    assert parsing.parse_request(GET) == Request(method="GET", target="/", headers=[("Host", "a")])
    assert parsing.parse_response(b"HTTP/1.1 200 OK\r\nX: y \t\r\n\r\n") == Response(
        status_code=200, headers=[("x", "y")], reason="OK"
    )
    assert parsing.parse_response(b"HTTP/1.0 103\r\n\r\n") == InformationalResponse(
        status_code=103, headers=[], http_version="1.0"
    )
    assert parsing.parse_trailers(b"\r\n") == EndOfMessage()
    assert parsing.parse_trailers(b"x: y\r\n\r\n") == EndOfMessage(headers=[("x", "y")])


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"", "head-cut-short"),
        (GET[:-2], "head-cut-short"),
        (GET + b"x", "unexpected-bytes"),
        (b"\r\n" + GET, "empty-line"),
    ],
)
def test_a_head_is_all_that_is_given(head: bytes, code: ErrorCode) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parsing.parse_request(head)
    assert caught.value.code == code


def test_fields_are_written_as_they_were_spelled_and_host_goes_first() -> None:
    assert serialize_fields(Headers()) == b"\r\n"
    assert serialize_fields(Headers([("X-Y", "z")])) == b"X-Y: z\r\n\r\n"
    fields = [("a", ""), ("hOST", "b"), ("C", "d")]
    assert serialize_fields(Headers(fields)) == b"hOST: b\r\na: \r\nC: d\r\n\r\n"


def test_where_a_section_begins_and_ends() -> None:
    assert parsing.skip_empty_lines(b"\r\n\r\nG") == 4
    assert parsing.skip_empty_lines(b"\r\n\nG") == 2
    assert parsing.skip_empty_lines(b"\r\n\nG", policy=Policy(bare_lf=True)) == 3
    assert parsing.skip_empty_lines(b"\r\nG", policy=Policy(leading_empty_lines=False)) == 0
    assert parsing.skip_empty_lines(b"G\r\n") == 0
    assert parsing.find_section_end(GET + GET, section="request") == len(GET)
    assert parsing.find_section_end(GET + GET, len(GET), section="request") == 2 * len(GET)
    # What is wrong in a whole section is told where it is parsed.
    assert parsing.find_section_end(b"\r\n" + GET, section="request") == len(GET) + 2
    assert parsing.find_section_end(b"\r\n\r\n", section="response") == 4
    assert parsing.find_section_end(b"\r\nrest", section="trailers") == 2
    assert parsing.find_section_end(b"x|\nrest", 2, section="trailers") == 3


@pytest.mark.parametrize(
    ("section", "code", "name"),
    [
        ("request", "head-too-large", "a request's head with the empty lines before it"),
        ("response", "head-too-large", "a response's head"),
        ("trailers", "trailers-too-large", "a trailer section"),
    ],
)
def test_an_error_names_the_limit_and_not_what_empty_lines_have_left_of_it(
    section: Section, code: ErrorCode, name: str
) -> None:
    for text in (b"", b"H", b"HTTP"):
        error = parsing.too_large(text, section, 20)
        assert (error.code, error.offset, error.error_status_hint) == (code, len(text), 431)
        assert error.msg == f"expected at most 20 bytes of {name}, got more"


def test_a_wrong_byte_is_to_blame_before_the_size() -> None:
    wrong: list[tuple[Section, bytes, int]] = [
        ("request", b"GET /\x01", 5),
        ("response", b"HTTP/1.1 2x", 10),
        ("trailers", b"a: \x01", 3),
    ]
    for section, text, offset in wrong:
        with pytest.raises(RemoteProtocolError) as caught:
            parsing.too_large(text, section, len(text))
        assert caught.value.offset == offset
    lenient = Policy(control_bytes_in_value=True)
    assert parsing.too_large(b"a: \x01", "trailers", 4, policy=lenient).code == "trailers-too-large"


class Text(bytes):
    """What somebody else derives from `bytes`."""


# What is read and what is refused, by each of the paths.
BYTES_LIKE: dict[str, tuple[Callable[..., object], list[bytes]]] = {
    "request": (
        parsing.parse_request,
        [GET, GET.replace(b"GET", b"GOT"), GET.replace(b": a", b":\ta"), GET.replace(b": a", b":\x01a"), GET[:-2], b""],
    ),
    "response": (
        parsing.parse_response,
        [
            b"HTTP/1.1 200 OK\r\nX: yz\r\n\r\n",
            b"HTTP/1.1 103\r\nX: y\r\n z\r\n\r\n",
            b"HTTP/1.1 2x0 OK\r\nX: y\r\n\r\n\r",
        ],
    ),
    "trailers": (parsing.parse_trailers, [b"\r\n", b"x: y\r\n\r\n", b"x:\r\n\r\n\r", b"Age: 1\r\n\r\n"]),
    "chunk line": (parsing.parse_chunk_line, [b"5F", b"5;ab", b"5 ", b"xy", b"", b"5;a \x00\xff\t"]),
}


@pytest.mark.parametrize("policy", [STRICT, H11], ids=["STRICT", "H11"])
@pytest.mark.parametrize(("parse", "texts"), BYTES_LIKE.values(), ids=BYTES_LIKE)
def test_a_whole_may_be_any_bytes_like(parse: Callable[..., object], texts: list[bytes], policy: Policy) -> None:
    def outcome(text: object) -> object:
        try:
            event = parse(text, policy=policy)
        except RemoteProtocolError as error:
            return vars(error)
        # What an event holds is `bytes`, and not equal to it only.
        return event, repr(event), type(event)

    for text in texts:
        expected = outcome(text)
        padded = memoryview(b"?" + text + b"?")[1:-1]
        every_other = memoryview(b"".join(bytes([byte, 0]) for byte in text))[::2]
        for alike in (bytearray(text), memoryview(text), padded, every_other, Text(text), array("B", text)):
            assert outcome(alike) == expected
        if len(text) % 2 == 0:
            # Its length counts items.
            assert outcome(array("H", text)) == expected


@pytest.mark.parametrize("parse", [parse for parse, _ in BYTES_LIKE.values()], ids=BYTES_LIKE)
def test_a_whole_is_bytes(parse: Callable[..., object]) -> None:
    for wrong in ("GET / HTTP/1.1\r\n\r\n", "5", 5, None, [53]):
        with pytest.raises(TypeError):
            parse(wrong)


def test_an_error_names_the_section() -> None:
    with pytest.raises(RemoteProtocolError, match="expected the end of a request's head, got"):
        parsing.parse_request(GET[:-2])
    with pytest.raises(RemoteProtocolError, match="expected the end of a response's head, got") as caught:
        parsing.parse_response(b"HTTP/1.1 ")
    assert caught.value.offset == 9
    with pytest.raises(RemoteProtocolError, match="expected the end of a trailer section, got"):
        parsing.parse_trailers(b"x: y\r\n")
    with pytest.raises(RemoteProtocolError, match="expected nothing after the end of a chunk line, got") as caught:
        parsing.parse_chunk_line(b"5\r\nx")
    assert (caught.value.code, caught.value.offset) == ("unexpected-bytes", 3)


def test_a_section_is_all_that_is_given() -> None:
    with pytest.raises(RemoteProtocolError, match="nothing after the end of a response's head") as caught:
        parsing.parse_response(b"HTTP/1.1 200 OK\r\n\r\nx")
    assert (caught.value.code, caught.value.offset) == ("unexpected-bytes", 19)
    with pytest.raises(RemoteProtocolError, match="nothing after the end of a trailer section") as caught:
        parsing.parse_trailers(b"x: y\r\n\r\nx")
    assert (caught.value.code, caught.value.offset) == ("unexpected-bytes", 8)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (b"Content-Length: 5\r\ncontent-length: 5\r\n", [(b"content-length", b"5")]),
        (b"Transfer-Encoding: CHUNKED\r\n", [(b"transfer-encoding", b"chunked")]),
    ],
)
def test_what_a_tolerance_lets_into_the_trailers_is_normalized(fields: bytes, expected: list[Field]) -> None:
    policy = Policy(any_trailer_field=True)
    assert parsing.parse_trailers(fields + b"\r\n", policy=policy).headers == expected


def test_the_lines_that_a_parser_leaves_out_can_be_had() -> None:
    head = b"HTTP/1.1 200 OK\r\na b\r\nContent-Length: 0\r\n\r\n"
    policy = Policy(broken_lines_in_response=True)
    left_out = [b"before"]
    response = parsing.parse_response(head, policy=policy, left_out=left_out)
    assert left_out == [b"before", b"a b"]
    assert parsing.parse_response(head, policy=policy) == response
    with pytest.raises(RemoteProtocolError):
        parsing.parse_response(head, left_out=left_out)
    assert left_out == [b"before", b"a b"]


def test_a_door_for_responses_is_none_for_trailers() -> None:
    policy = Policy(any_trailer_field=True, any_last_coding_in_response=True, repeated_chunked_in_response=True)
    for coding in (b"identity", b"chunked, chunked"):
        with pytest.raises(RemoteProtocolError, match="'chunked' alone") as caught:
            parsing.parse_trailers(b"Transfer-Encoding: " + coding + b"\r\n\r\n", policy=policy)
        assert (caught.value.code, caught.value.tolerance) == ("bad-transfer-encoding", None)


def test_an_error_points_to_a_field_whose_colon_has_white_space_before_it() -> None:
    policy = Policy(space_before_colon_in_response=True)
    with pytest.raises(RemoteProtocolError) as caught:
        parsing.parse_response(b"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length \t: x\r\n\r\n", policy=policy)
    assert (caught.value.offset, caught.value.excerpt) == (23, b"Content-Length")


def test_only_white_space_is_taken_off_a_value() -> None:
    for byte in VCHAR:
        value = bytes([byte, byte])
        for spaced in (value, b" " + value, value + b" ", b"\t " + value + b" \t"):
            assert parsing.parse_trailers(b"x:" + spaced + b"\r\n\r\n").headers == [(b"x", value)]


def test_the_end_without_trailers_is_made_once() -> None:
    assert parsing.parse_trailers(b"\r\n") is parsing.END


def test_an_error_about_the_fields_of_a_response_points_to_them() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parsing.parse_response(b"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: x\r\n\r\n")
    assert (caught.value.code, caught.value.offset, caught.value.excerpt) == (
        "bad-content-length",
        23,
        b"Content-Length",
    )


# --- bodies ---------------------------------------------------------------------------------------------------------


def chunked(
    awaiting: Awaiting = "line", remaining: int = 0, received: int = 0, extensions: int = 0, seen: int = 0
) -> BodyProgress:
    return awaiting, remaining, received, extensions, seen


def length(remaining: int, received: int = 0) -> BodyProgress:
    return "length", remaining, received, 0, 0


def test_a_body_of_known_length_is_read_by_passing_its_progress_on() -> None:
    data = b"hello"
    event, progress, at = read_body(data, 0, begin_body(7), LIMIT)
    assert (event, progress, at) == (Data(b"hello"), length(2, 5), 5)
    assert read_body(data, 5, progress, LIMIT) == (None, progress, 5)
    with pytest.raises(RemoteProtocolError):
        read_body(data, 5, progress, LIMIT, closed=True)
    event, progress, at = read_body(b"|lo rest", 1, progress, LIMIT)
    assert (event, progress, at) == (Data(b"lo"), length(0, 7), 3)
    for closed in (False, True):
        assert read_body(b"|lo rest", 3, progress, LIMIT, closed) == (EndOfMessage(), progress, 3)


def test_a_body_until_close_is_all_that_comes() -> None:
    begin = begin_body(UNTIL_CLOSE)
    event, progress, at = read_body(b"hello", 1, begin, LIMIT)
    assert (event, at) == (Data(b"ello"), 5)
    assert read_body(b"hello", 5, progress, LIMIT) == (None, progress, 5)
    assert read_body(b"hello", 5, progress, LIMIT, closed=True) == (EndOfMessage(), progress, 5)
    # What has come before the end is told first.
    assert read_body(b"hello", 1, begin, LIMIT, closed=True)[0] == Data(b"ello")


def test_how_far_a_body_has_got_at_first() -> None:
    assert begin_body(CHUNKED) == chunked()
    assert begin_body(7) == length(7)
    assert begin_body(0) == NO_BODY
    assert read_body(b"rest", 0, NO_BODY, LIMIT) == (EndOfMessage(), NO_BODY, 0)


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_a_buffer_is_left_as_it_is_and_free_to_grow(kind: type[bytes | bytearray]) -> None:
    for data, begin in ((b"hello", 5), (b"hello", UNTIL_CLOSE), (b"5\r\nhello\r\n0\r\nx: y\r\n\r\n", CHUNKED)):
        buffer = kind(data)
        event, progress, at = read_body(buffer, 0, begin_body(begin), LIMIT)
        assert isinstance(event, Data)
        assert (event.data, type(event.data)) == (b"hello", bytes)
        event, progress, at = read_body(buffer, at, progress, LIMIT, closed=True)
        assert type(event) is EndOfMessage
        assert buffer == data
        if isinstance(buffer, bytearray):
            buffer += b"x"


def test_a_chunked_body_is_read_from_a_place_in_a_larger_buffer() -> None:
    data = b"head|3;a=b\r\nabc\r\n0\r\nx: y\r\n\r\nrest"
    progress = begin_body(CHUNKED)
    at = 5
    events: list[object] = []
    while not events or not isinstance(events[-1], EndOfMessage):
        event, progress, at = read_body(data, at, progress, LIMIT)
        events.append(event)
    assert events == [Data(b"abc", chunk_start=True, chunk_end=True), EndOfMessage(headers=[("x", "y")])]
    assert data[at:] == b"rest"
    for wrong, offset in (
        (b"head|3\r\nabcX", 11),
        (b"head|3x\r\n", 6),
        (b"head|0\r\nx(\r\n\r\n", 9),
        (b"head|3\r\nabc\r\n;\n", 13),
    ):
        with pytest.raises(RemoteProtocolError) as caught:
            read_all(wrong, 5)
        assert caught.value.offset == offset


def test_a_finished_chunked_body_stays_so() -> None:
    event, progress, at = read_body(b"0\r\n\r\nrest", 0, begin_body(CHUNKED), LIMIT)
    assert (event, progress, at) == (EndOfMessage(), chunked("nothing"), 5)
    for closed in (False, True):
        assert read_body(b"rest", 0, progress, LIMIT, closed) == (EndOfMessage(), progress, 0)


STEPS = [
    # What arrives, the event, how far the body has got, and how many bytes are left.
    (b"3;", None, chunked("line", seen=2), 2),
    (b"a=b\r", None, chunked("line", seen=6), 6),
    (b"\n", None, chunked("chunk", 3, extensions=4), 0),
    (b"x", Data(b"x", chunk_start=True), chunked("rest", 2, 1, 4), 0),
    (b"", None, chunked("rest", 2, 1, 4), 0),
    (b"y", Data(b"y"), chunked("rest", 1, 2, 4), 0),
    (b"z\r", Data(b"z", chunk_end=True), chunked("end", 0, 3, 4), 1),
    (b"", None, chunked("end", 0, 3, 4), 1),
    (b"\n", None, chunked("line", 0, 3, 4), 0),
    (b"1;c\r\n.", Data(b".", chunk_start=True, chunk_end=True), chunked("end", 0, 4, 6), 0),
    # The end of a chunk that has come with its data is read with the next chunk line.
    (b"\r\n1\r\n.\r\n0", Data(b".", chunk_start=True, chunk_end=True), chunked("end", 0, 5, 6), 3),
    (b";d\r\nx", None, chunked("trailers", 0, 5, 8, 1), 1),
    (b": y\r\n\r", None, chunked("trailers", 0, 5, 8, 7), 7),
    (b"\n|", EndOfMessage(headers=[("x", "y")]), chunked("nothing", 0, 5, 8), 1),
    (b"|", EndOfMessage(), chunked("nothing", 0, 5, 8), 2),
]


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_a_chunked_body_step_by_step(kind: type[bytes | bytearray]) -> None:
    left = b""
    progress = begin_body(CHUNKED)
    for piece, event, after, unread in STEPS:
        # Whatever stands before it in the buffer belongs to others.
        data = b"|\r\n" + left + piece
        found, progress, at = read_body(kind(data), 3, progress, LIMIT)
        assert (found, progress, len(data) - at) == (event, after, unread), piece
        left = data[at:]


def test_a_body_cut_short_says_how_much_has_come() -> None:
    with pytest.raises(RemoteProtocolError, match="received 5 bytes, expected 7") as caught:
        read_body(b"", 0, length(2, 5), LIMIT, closed=True)
    assert (caught.value.code, caught.value.offset, caught.value.received) == ("body-cut-short", None, 5)
    with pytest.raises(RemoteProtocolError, match="received 3 bytes of data and no last chunk") as caught:
        read_body(b"12345", 5, chunked("rest", 2, 3), LIMIT, closed=True)
    assert (caught.value.code, caught.value.offset, caught.value.received) == ("body-cut-short", 5, 3)
    # What has come before the end is told first.
    cut = read_body(b"a", 0, chunked("chunk", 2), LIMIT, closed=True)
    assert cut == (Data(b"a", chunk_start=True), chunked("rest", 1, 1), 1)
    # What is wrong is told rather than that there is no more of it.
    for data, progress, code in (
        (b"5;\x00", chunked("line"), "bad-chunk-extension"),
        (b"a: b\r\nc d", chunked("trailers"), "space-before-colon"),
    ):
        with pytest.raises(RemoteProtocolError) as caught:
            read_body(data, 0, progress, LIMIT, closed=True)
        assert caught.value.code == code
    for data, progress in (
        (b"5;a", chunked("line")),
        (b"a: b\r\n", chunked("trailers")),
        (b"\r", chunked("end")),
    ):
        with pytest.raises(RemoteProtocolError) as caught:
            read_body(data, 0, progress, LIMIT, closed=True)
        assert (caught.value.code, caught.value.offset) == ("body-cut-short", len(data))


@pytest.mark.parametrize(
    ("data", "offset", "excerpt", "found"),
    [
        (b"...x\n", 3, b"x", "'x'"),
        (b"...\n", 3, b"\n", "0x0A"),
        (b"...\rx", 4, b"\rx", "'x'"),
        (b"...\r\r\n", 4, b"\r\r", "0x0D"),
    ],
)
def test_what_is_not_the_end_of_a_chunk(data: bytes, offset: int, excerpt: bytes, found: str) -> None:
    with pytest.raises(RemoteProtocolError, match=f"expected CRLF after a chunk's data, got {found}") as caught:
        read_body(data, 3, chunked("end"), LIMIT)
    assert (caught.value.code, caught.value.offset, caught.value.excerpt) == ("bad-chunk-end", offset, excerpt)


@pytest.mark.parametrize(
    ("policy", "limit", "size", "code"),
    [
        (STRICT, LIMIT, 256, "chunk-line-too-long"),
        (Policy(max_chunk_line_size=10), 13, 10, "chunk-line-too-long"),
        (Policy(max_chunk_line_size=10), 12, 10, "chunk-line-too-long"),
        (Policy(max_chunk_line_size=10), 11, 9, "chunk-line-too-large"),
        (STRICT, 20, 18, "chunk-line-too-large"),
        (H11, 20, 18, "chunk-line-too-large"),
        (H11, 300, 298, "chunk-line-too-large"),
    ],
)
@pytest.mark.parametrize("end", [b"", b"\r", b"\r\n"])
def test_the_longest_chunk_line(policy: Policy, limit: int, size: int, code: ErrorCode, end: bytes) -> None:
    for extra in (0, 1):
        data = b".." + b"1;" + b"a" * (size + extra - 2) + end
        if extra == 0:
            _, progress, at = read_body(data, 2, begin_body(CHUNKED), limit, policy=policy)
            assert (progress[0], at) == (("chunk", len(data)) if end == b"\r\n" else ("line", 2))
        else:
            with pytest.raises(RemoteProtocolError, match=f"a chunk line of at most {size} bytes, got more") as caught:
                read_body(data, 2, begin_body(CHUNKED), limit, policy=policy)
            assert (caught.value.code, caught.value.offset) == (code, 2 + size)


def test_how_much_the_extensions_may_outweigh_the_data() -> None:
    policy = Policy(max_chunk_extension_excess=5)
    for extensions, received, right in ((5, 0, True), (6, 0, False), (15, 10, True), (16, 10, False)):
        progress = chunked("line", received=received, extensions=extensions - 2)
        if right:
            event, _, _ = read_body(b".1;a\r\nx", 1, progress, LIMIT, policy=policy)
            assert event == Data(b"x", chunk_start=True, chunk_end=True)
        else:
            message = f"at most 5 bytes, got {extensions} bytes of extensions and {received} bytes of data"
            with pytest.raises(RemoteProtocolError, match=message) as caught:
                read_body(b".1;a\r\nx", 1, progress, LIMIT, policy=policy)
            assert (caught.value.code, caught.value.offset) == ("too-many-chunk-extensions", 1)


def read_all(data: bytes, at: int) -> None:
    """Read a chunked body for ever."""
    progress = begin_body(CHUNKED)
    while True:
        _, progress, at = read_body(data, at, progress, LIMIT)


@pytest.mark.parametrize(
    ("policy", "line", "expected"),
    [
        (STRICT, b"5", (5, 0)),
        (STRICT, b"00fF", (255, 0)),
        (STRICT, b'5 ;\ta = "b\\"\xff" ;c', (5, 16)),
        (STRICT, b"0" * 16, (0, 0)),
        (H11, b"5;\x01\xff", (5, 3)),
        (H11, b"5 \t", (5, 2)),
        (H11, b"F" * 20, (16**20 - 1, 0)),
        (Policy(space_after_chunk_size=True), b"5;a ", (5, 3)),
        (Policy(space_after_chunk_size=True), b"5 ", (5, 1)),
        (Policy(any_chunk_extension=True), b"5;=", (5, 2)),
    ],
)
def test_chunk_lines(policy: Policy, line: bytes, expected: tuple[int, int]) -> None:
    assert parsing.parse_chunk_line(line, policy=policy) == expected
    # In a body it is the same, whole or byte by byte.
    data = b".." + line + b"\r\n"
    for stops in ((len(data),), range(2, len(data) + 1)):
        progress = begin_body(CHUNKED)
        at = 2
        for stop in stops:
            event, progress, at = read_body(data[:stop], at, progress, LIMIT, policy=policy)
            assert event is None
        size, extensions = expected
        awaiting, remaining, received, sent, _ = progress
        assert (awaiting, remaining, received, sent) == ("chunk" if size > 0 else "trailers", size, 0, extensions)
        assert at == len(data)


@pytest.mark.parametrize("digits", [1, 8, 9, 16])
def test_the_shortest_limit_that_lets_a_size_pass(digits: int) -> None:
    data = b"." + b"5".zfill(digits) + b"\r\n"
    for limit in (digits + 2, digits + 1):
        for seen in (0, 1):
            if limit == digits + 2:
                assert read_body(data, 1, chunked("line", seen=seen), limit) == (None, chunked("chunk", 5), len(data))
            else:
                with pytest.raises(RemoteProtocolError) as caught:
                    read_body(data, 1, chunked("line", seen=seen), limit)
                assert (caught.value.code, caught.value.offset) == ("chunk-line-too-large", digits)


@pytest.mark.parametrize(
    ("policy", "line", "code", "offset"),
    [
        (STRICT, b"", "bad-chunk-size", 0),
        (STRICT, b"x", "bad-chunk-size", 0),
        (STRICT, b"5x", "bad-chunk-size", 1),
        (STRICT, b"0" * 17, "bad-chunk-size", 16),
        (STRICT, b"5 ", "space-after-chunk-size", 1),
        (STRICT, b"5 x", "space-after-chunk-size", 1),
        (STRICT, b"5;", "bad-chunk-extension", 2),
        (STRICT, b"5;a=", "bad-chunk-extension", 4),
        (STRICT, b"5;a ", "bad-chunk-extension", 4),
        (STRICT, b"5;a b", "bad-chunk-extension", 4),
        (STRICT, b'5;a="b', "bad-chunk-extension", 6),
        (STRICT, b'5;a="\\', "bad-chunk-extension", 5),
        (STRICT, b'5;a="\x01"', "bad-chunk-extension", 5),
        (STRICT, b'5;a="b"c', "bad-chunk-extension", 7),
        (STRICT, b"5;a\rb", "bare-cr", 3),
        (STRICT, b"5;a\nb", "bare-lf", 3),
        (STRICT, b"5\nb", "bare-lf", 1),
        (H11, b"5;\rb", "bare-cr", 2),
        (H11, b"5 ;a", "space-after-chunk-size", 1),
        (H11, b"F" * 21, "bad-chunk-size", 20),
        (Policy(any_chunk_extension=True), b"5 ;a", "space-after-chunk-size", 1),
        (Policy(any_chunk_extension=True), b"5 ", "space-after-chunk-size", 1),
        (Policy(any_chunk_extension=True), b"5x", "bad-chunk-size", 1),
        (Policy(space_after_chunk_size=True), b"5 x", "space-after-chunk-size", 1),
    ],
)
def test_wrong_chunk_lines(policy: Policy, line: bytes, code: ErrorCode, offset: int) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parsing.parse_chunk_line(line, policy=policy)
    assert (caught.value.code, caught.value.offset) == (code, offset)
    # In a body it is the same error, whole or byte by byte, and the offset is that in the buffer.
    data = b".." + line + b"\r\n"
    for stops in ((len(data),), range(2, len(data) + 1)):
        with pytest.raises(RemoteProtocolError) as caught:
            read_a_chunk_line(data, stops, policy)
        assert (caught.value.code, caught.value.offset) == (code, 2 + offset)


def read_a_chunk_line(data: bytes, stops: Iterable[int], policy: Policy) -> None:
    """Read on in the chunk line at `data[2:]` each time when there is as much as the next of `stops` says."""
    progress = begin_body(CHUNKED)
    for stop in stops:
        event, progress, at = read_body(data[:stop], 2, progress, LIMIT, policy=policy)
        assert (event, at) == (None, 2)


@pytest.mark.parametrize("limit", [0, 1])
def test_a_limit_below_any_section_lets_none_pass(limit: int) -> None:
    for code, data, awaiting in (
        ("trailers-too-large", b"\r\n", chunked("trailers")),
        ("chunk-line-too-large", b"5\r\n", chunked("line")),
    ):
        assert read_body(b"", 0, awaiting, limit)[0] is None
        with pytest.raises(RemoteProtocolError) as caught:
            read_body(data, 0, awaiting, limit)
        assert (caught.value.code, caught.value.offset) == (code, limit if awaiting[0] == "trailers" else 0)


@pytest.mark.parametrize(
    ("data", "policy"), [(b"\r\n", STRICT), (b"\n", H11), (b"a: b\r\n\r\n", STRICT), (b"a: b\n\n", H11)]
)
def test_a_trailer_section_is_as_large_as_its_lines_with_the_empty_one(data: bytes, policy: Policy) -> None:
    size = len(data)
    progress = chunked("trailers")
    for text in (data, data + b"rest"):
        event, _, at = read_body(text, 0, progress, size, policy=policy)
        assert (type(event), at) == (EndOfMessage, size)
        with pytest.raises(RemoteProtocolError) as caught:
            read_body(text, 0, progress, size - 1, policy=policy)
        assert (caught.value.code, caught.value.offset) == ("trailers-too-large", size - 1)


# --- the parts of a section -----------------------------------------------------------------------------------------

Parsed: TypeAlias = Request | InformationalResponse | Response | EndOfMessage | ChunkLine

PARSERS: Final[Mapping[Kind, Callable[[bytes, Policy], Parsed]]] = {
    "request": lambda data, policy: parsing.parse_request(data, policy=policy),
    "response": lambda data, policy: parsing.parse_response(data, policy=policy),
    "trailers": lambda data, policy: parsing.parse_trailers(data, policy=policy),
    "chunk line": lambda data, policy: parsing.parse_chunk_line(data[:-2], policy=policy),
}
# What only the whole of a head can be wrong in.
OF_THE_WHOLE: Final = frozenset(
    [
        "bad-target-form",
        "bad-connect-target",
        "missing-host",
        "repeated-host",
        "bad-host",
        "host-mismatch",
        "content-in-connect",
        "content-in-informational-response",
        "bad-content-length",
        "conflicting-content-length",
        "repeated-content-length",
        "unknown-transfer-coding",
        "bad-transfer-encoding",
        "transfer-encoding-and-content-length",
        "transfer-encoding-in-http10",
        "forbidden-trailer",
    ]
)


def check_a_section_is_parsed_into_its_parts(kind: Kind, text: bytes, policy: Policy) -> None:
    """Check that the event has the parts of the section, or that the error is that of its lines or of the whole."""
    apart = taken_apart(kind, text, policy)
    try:
        parsed = PARSERS[kind](text, policy)
    except RemoteProtocolError as error:
        refused = told(error)
        # An end that is missed stands after the last byte.
        assert 0 <= (refused.offset or 0) <= len(text), (refused, text)
        if isinstance(apart, Refused):
            assert refused == apart, text
        else:
            allowed = ["head-cut-short"] if apart is None else OF_THE_WHOLE
            assert refused.code in allowed, (refused, apart)
    else:
        assert apart is not None, text
        assert not isinstance(apart, Refused), (apart, parsed)
        assert parts_of(parsed) == without_framing(apart)


def without_framing(apart: Parts) -> Parts:
    """Return the parts without the fields that an event has in another form."""
    match apart:
        case ChunkLine():
            return apart
        case list():
            return [field for field in apart if field[0].lower() not in (b"content-length", b"transfer-encoding")]
        case first, second, third, fields:
            return (first, second, third, without_framing(fields))  # type: ignore[return-value]


def parts_of(parsed: Parsed) -> Parts:
    match parsed:
        case ChunkLine():
            return parsed
        case Request():
            return without_framing((parsed.method, parsed.target, parsed.http_version, parsed.headers.raw_items()))
        case EndOfMessage():
            return without_framing(parsed.headers.raw_items())
        case _:
            return without_framing((parsed.http_version, parsed.status_code, parsed.reason, parsed.headers.raw_items()))


@given(st.data(), st.sampled_from(SECTIONS), st.sampled_from([STRICT, H11]))
def test_a_section_is_parsed_into_its_parts(data: st.DataObject, kind: Section, policy: Policy) -> None:
    text = data.draw(sections(kind))
    check_a_section_is_parsed_into_its_parts(kind, text, policy)
    if kind == "trailers":
        check_a_section_is_parsed_into_its_parts("chunk line", text.partition(b"\n")[0].rstrip(b"\r") + b"\r\n", policy)
