"""Work under attack, counted: twice as much of anything that a peer can send is no more than twice the work.

`tests/test_limits.py` has what a connection holds, and the streams that must end in a refusal. Here the limits are
lifted, and what is sent is read to its end, so that nothing but the engine keeps the work in bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle

import attrs
import pytest

from http11 import (
    CLIENT,
    DONE,
    H11,
    NEED_DATA,
    PAUSED,
    SEND_RESPONSE,
    SERVER,
    ClientConnection,
    Connection,
    ConnectionClosed,
    EndOfMessage,
    Headers,
    Policy,
    RemoteProtocolError,
    Request,
    Response,
    Role,
    ServerConnection,
)
from http11.fields import MOST_NAMES
from tests.counting import CPYTHON, Memory, Steps, overwrite, place

pytestmark = pytest.mark.no_cover
only_cpython = pytest.mark.skipif(not CPYTHON, reason="only CPython tells what memory is taken, and where it is")

STRICT = Policy(
    max_fields=None,
    max_informational_responses=None,
    max_chunk_line_size=None,
    max_chunk_extension_excess=None,
)
BOTH = (STRICT, H11)
# All that neither of them opens, and without limits, as `H11` is.
DOORS = attrs.evolve(
    H11,
    broken_lines_in_response=True,
    space_before_colon_in_response=True,
    any_last_coding_in_response=True,
    repeated_chunked_in_response=True,
    non_ascii_in_target=True,
)
POLICIES = {STRICT: "STRICT", H11: "H11", DOORS: "DOORS"}
# Of a method that comes in pieces, what has come is looked at again with each, up to its limit.
LONG_METHODS = Policy(max_method_size=10**9)

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\n"
BEHIND_LINE = b"\r\nx\r\n0\r\n\r\n"


@attrs.frozen
class Attack:
    """A stream of any size.

    Attributes:
        role: Who reads it.
        begin: What it begins with.
        again: What is repeated.
        end: What makes it whole.
        policies: By which it is read to its end.
        code: The error in which it ends, if it does: one that needs the whole of it.

    """

    role: Role
    begin: bytes
    again: bytes | Callable[[int], bytes]
    end: bytes
    policies: tuple[Policy, ...] = BOTH
    code: str | None = None

    def stream(self, size: int) -> bytes:
        """Return the stream with about `size` bytes of what is repeated, and that once at least."""
        if isinstance(self.again, bytes):
            middle = self.again * max(1, size // len(self.again))
        else:
            middle = b"".join(map(self.again, range(size // len(self.again(100)))))
        return self.begin + middle + self.end


ATTACKS = {
    # White space, in each place where it may stand
    "empty lines": Attack(SERVER, b"", b"\r\n", HEAD + b"\r\n", (STRICT,)),
    "space before a value": Attack(SERVER, HEAD + b"X:", b" ", b"y\r\n\r\n"),
    "space behind a value": Attack(SERVER, HEAD + b"X:y", b" \t", b"\r\n\r\n"),
    "space in a value": Attack(SERVER, HEAD + b"X:y", b" ", b"z\r\n\r\n"),
    "a value of space": Attack(SERVER, HEAD + b"X:", b"\t", b"\r\n\r\n"),
    "space in a folded line": Attack(CLIENT, ANSWER + b"X: y\r\n", b" ", b"z\r\n\r\n"),
    "space in a reason": Attack(CLIENT, b"HTTP/1.1 200 ", b" ", b"\r\n\r\n"),
    "space before an extension": Attack(SERVER, CHUNKED + b"1", b" ", b";a" + BEHIND_LINE, (STRICT,)),
    "space before an extension's name": Attack(SERVER, CHUNKED + b"1;", b" ", b"a" + BEHIND_LINE),
    "space before =": Attack(SERVER, CHUNKED + b"1;a", b" ", b"=b" + BEHIND_LINE),
    "space behind =": Attack(SERVER, CHUNKED + b"1;a=", b" ", b"b" + BEHIND_LINE),
    "space behind an extension": Attack(SERVER, CHUNKED + b"1;a=b", b" ", b";c" + BEHIND_LINE),
    "space in a quoted extension": Attack(SERVER, CHUNKED + b'1;a="', b" ", b'"' + BEHIND_LINE),
    "space behind a chunk size": Attack(SERVER, CHUNKED + b"1", b" ", BEHIND_LINE, (H11,)),
    "space in a list": Attack(SERVER, HEAD + b"Connection: a,", b" ", b"b\r\n\r\n"),
    "space in a length": Attack(CLIENT, ANSWER + b"Content-Length: 1,", b" ", b"1\r\n\r\nx"),
    # Folded lines
    "folded lines": Attack(CLIENT, ANSWER + b"X: y\r\n", b" z\r\n", b"\r\n"),
    "empty folded lines": Attack(CLIENT, ANSWER + b"X: y\r\n", b" \r\n", b"\r\n"),
    "folded lines of a request": Attack(SERVER, HEAD + b"X: y\r\n", b"\tz\r\n", b"\r\n", (H11,)),
    "folded trailers": Attack(SERVER, CHUNKED + b"0\r\nX: y\r\n", b" z\r\n", b"\r\n", (H11,)),
    # Fields
    "fields": Attack(SERVER, HEAD, b"x: y\r\n", b"\r\n"),
    "empty fields": Attack(SERVER, HEAD, b"x:\r\n", b"\r\n"),
    "fields of different names": Attack(SERVER, HEAD, lambda place: b"x%d: y\r\n" % place, b"\r\n"),
    "fields of a response": Attack(CLIENT, ANSWER, b"Set-Cookie: y\r\n", b"\r\n"),
    "lines that end in LF": Attack(SERVER, HEAD, b"x: y\n", b"\n", (H11,)),
    "trailers": Attack(SERVER, CHUNKED + b"0\r\n", b"x: y\r\n", b"\r\n"),
    "trailers before a forbidden one": Attack(
        SERVER, CHUNKED + b"0\r\n", b"x: y\r\n", b"Host: a\r\n\r\n", (STRICT,), "forbidden-trailer"
    ),
    "a field's name": Attack(SERVER, HEAD, b"x", b": y\r\n\r\n"),
    "a field's value": Attack(SERVER, HEAD + b"X: ", b"\xff", b"\r\n\r\n"),
    "Connection fields": Attack(SERVER, HEAD, b"Connection: x\r\n", b"\r\n"),
    "connection options": Attack(SERVER, HEAD + b"Connection: x", lambda place: b", x%d" % place, b"\r\n\r\n"),
    "empty connection options": Attack(SERVER, HEAD + b"Connection: ", b",", b"\r\n\r\n"),
    "protocols to upgrade to": Attack(SERVER, HEAD + b"Upgrade: x", b", x", b"\r\n\r\n"),
    "expectations": Attack(SERVER, HEAD + b"Expect: x", b", x", b"\r\n\r\n"),
    # What only a door lets in
    "lines that are left out": Attack(CLIENT, ANSWER, b"a b\r\n", b"\r\n", (DOORS,)),
    "lines before the first field": Attack(CLIENT, b"HTTP/1.1 204 \r\n", b" a\r\n", b"\r\n", (DOORS,)),
    "a line that is left out": Attack(CLIENT, ANSWER + b"a ", b"b", b"\r\n\r\n", (DOORS,)),
    "a line of no letters": Attack(CLIENT, ANSWER, b"(", b"\r\n\r\n", (DOORS,)),
    "a line that nearly frames": Attack(CLIENT, ANSWER + b"c=o=n=", b"=", b"x\r\n\r\n", (DOORS,)),
    "space before a colon": Attack(CLIENT, ANSWER + b"X", b" \t", b": y\r\n\r\n", (DOORS,)),
    "spaces before colons": Attack(CLIENT, ANSWER, b"X : y\r\n", b"\r\n", (DOORS,)),
    "codings": Attack(CLIENT, ANSWER + b"Transfer-Encoding: x", b", x", b"\r\n\r\nhello", (DOORS,)),
    "chunked again": Attack(
        CLIENT, ANSWER + b"Transfer-Encoding: chunked", b",chunked", b"\r\n\r\n0\r\n\r\n", (DOORS,)
    ),
    "raw bytes in a target": Attack(SERVER, b"GET /", b"\xff", b" HTTP/1.1\r\nHost: a\r\n\r\n", (DOORS,)),
    # Fields that are one too many
    "Host fields": Attack(SERVER, HEAD, b"Host: a\r\n", b"\r\n", BOTH, "repeated-host"),
    "equal lengths": Attack(CLIENT, ANSWER, b"Content-Length: 1\r\n", b"\r\nx"),
    "equal lengths in a list": Attack(CLIENT, ANSWER + b"Content-Length: 1", b",1", b"\r\n\r\nx"),
    "equal lengths of a request": Attack(
        SERVER, HEAD, b"Content-Length: 1\r\n", b"\r\nx", (STRICT,), "repeated-content-length"
    ),
    "different lengths": Attack(
        SERVER, HEAD, lambda place: b"Content-Length: %d\r\n" % place, b"\r\n", BOTH, "conflicting-content-length"
    ),
    "a length of zeros": Attack(SERVER, HEAD + b"Content-Length: ", b"0", b"1\r\n\r\nx", BOTH, "bad-content-length"),
    "transfer codings": Attack(
        SERVER, HEAD + b"Transfer-Encoding: chunked", b", chunked", b"\r\n\r\n", BOTH, "bad-transfer-encoding"
    ),
    "Transfer-Encoding fields": Attack(
        SERVER, HEAD, b"Transfer-Encoding: chunked\r\n", b"\r\n", BOTH, "bad-transfer-encoding"
    ),
    "unknown codings": Attack(
        SERVER, HEAD + b"Transfer-Encoding: x", b";a=b,x", b", chunked\r\n\r\n", BOTH, "unknown-transfer-coding"
    ),
    "parameters of a coding": Attack(
        SERVER, HEAD + b"Transfer-Encoding: x", b' ; a="\\""', b"\r\n\r\n", BOTH, "bad-transfer-encoding"
    ),
    "a quote of a coding": Attack(
        SERVER, HEAD + b'Transfer-Encoding: x;a="', b",x;a=", b"\r\n\r\n", BOTH, "bad-transfer-encoding"
    ),
    "empty members of a coding": Attack(
        SERVER, HEAD + b"Transfer-Encoding: ", b" ,", b"chunked\r\n\r\n", BOTH, "bad-transfer-encoding"
    ),
    "empty members of a length": Attack(
        SERVER, HEAD + b"Content-Length: 1", b" ,1", b",\r\n\r\n", BOTH, "bad-content-length"
    ),
    # The request line, and who is meant by it
    "a target": Attack(SERVER, b"GET /", b"a", b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a target of colons": Attack(SERVER, b"GET a", b":", b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    "an authority": Attack(SERVER, b"GET http://", b"a", b"/ HTTP/1.1\r\nHost: a\r\n\r\n", (STRICT,), "host-mismatch"),
    "users of an authority": Attack(
        SERVER, b"GET http://", b"a@", b"a/ HTTP/1.1\r\nHost: a\r\n\r\n", (STRICT,), "bad-target-form"
    ),
    "a port": Attack(SERVER, b"CONNECT a:", b"0", b"1 HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a host": Attack(SERVER, b"GET / HTTP/1.1\r\nHost: ", b"%41", b"\r\n\r\n"),
    "an address": Attack(SERVER, b"GET / HTTP/1.1\r\nHost: [", b"1:", b"]\r\n\r\n", (STRICT,), "bad-host"),
    "a group of an address": Attack(SERVER, b"GET / HTTP/1.1\r\nHost: [::", b"1", b"]\r\n\r\n", (STRICT,), "bad-host"),
    "a userinfo": Attack(SERVER, b"GET / HTTP/1.1\r\nHost: ", b"a:", b"@\r\n\r\n", (STRICT,), "bad-host"),
    "a host with a wrong end": Attack(SERVER, b"GET / HTTP/1.1\r\nHost: ", b"%41", b"%\r\n\r\n", (STRICT,), "bad-host"),
    "a port of a CONNECT": Attack(
        SERVER, b"CONNECT a:", b"9", b" HTTP/1.1\r\nHost: a\r\n\r\n", (STRICT,), "bad-connect-target"
    ),
    "a scheme": Attack(SERVER, b"GET ", b"a", b" HTTP/1.1\r\nHost: a\r\n\r\n", (STRICT,), "bad-target-form"),
    "a reason": Attack(CLIENT, b"HTTP/1.1 200 ", b"a", b"\r\n\r\n"),
    # Chunks
    "tiny chunks": Attack(SERVER, CHUNKED, b"1\r\nx\r\n", b"0\r\n\r\n"),
    "tiny chunks with long sizes": Attack(SERVER, CHUNKED, b"0000000000000001\r\nx\r\n", b"0\r\n\r\n"),
    "extended chunks": Attack(SERVER, CHUNKED, b'1;a="b"\r\nx\r\n', b"0\r\n\r\n"),
    "an extension's name": Attack(SERVER, CHUNKED + b"1;", b"a", BEHIND_LINE),
    "an extension's value": Attack(SERVER, CHUNKED + b"1;a=", b"a", BEHIND_LINE),
    "a quoted extension": Attack(SERVER, CHUNKED + b'1;a="', b"\\a", b'"' + BEHIND_LINE),
    "extensions": Attack(SERVER, CHUNKED + b"1", b";a=b", BEHIND_LINE),
    "extensions before a wrong one": Attack(
        SERVER, CHUNKED + b"1", b" ; a", b"\x7f" + BEHIND_LINE, (STRICT,), "bad-chunk-extension"
    ),
    # Many of a kind
    "informational responses": Attack(CLIENT, b"", b"HTTP/1.1 100 \r\n\r\n", ANSWER + b"\r\n"),
    "pipelined requests": Attack(SERVER, b"", HEAD + b"\r\n", b""),
    "pipelined requests with bodies": Attack(SERVER, b"", HEAD + b"Content-Length: 5\r\n\r\nhello", b""),
    "pipelined requests in chunks": Attack(SERVER, b"", CHUNKED + b"5\r\nhello\r\n0\r\nx: y\r\n\r\n", b""),
    "pipelined requests behind empty lines": Attack(SERVER, b"", b"\r\n" + HEAD + b"\r\n", b"", (STRICT,)),
    # Bodies
    "a body": Attack(SERVER, HEAD + b"Content-Length: 1000000\r\n\r\n", b"a", b""),
    "a body until close": Attack(CLIENT, ANSWER + b"\r\n", b"a", b""),
    "a large chunk": Attack(SERVER, CHUNKED + b"fffff\r\n", b"a", b""),
}


def single_bytes(data: bytes) -> Iterator[bytes]:
    return (data[place : place + 1] for place in range(len(data)))


def pieces_of_fifty(data: bytes) -> Iterator[bytes]:
    return (data[place : place + 50] for place in range(0, len(data), 50))


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def all_at_once_behind_two_bytes(data: bytes) -> Iterator[bytes]:
    """Yield what makes a buffer grow before the rest comes in one piece."""
    yield from (data[:1], data[1:2], data[2:])


def answer(connection: ServerConnection) -> bool:
    """Answer a request that has been read, and make ready for the next; false where there is none."""
    if connection.our_state == SEND_RESPONSE and connection.their_state == DONE:
        connection.send(Response(status_code=200, headers=[("Content-Length", "0")]))
        connection.send(EndOfMessage())
    if connection.our_state != DONE or connection.their_state != DONE:
        return False
    connection.start_next_cycle()
    return True


Connected = ClientConnection | ServerConnection


def connected(role: Role, policy: Policy) -> Connected:
    """Return a connection without a limit that is about to receive."""
    if role == SERVER:
        return Connection(SERVER, 10**9, policy=policy)
    client = Connection(CLIENT, 10**9, policy=policy)
    client.send(Request(method="GET", target="/", headers=[("Host", "a")]))
    client.send(EndOfMessage())
    return client


def read_on(connection: Connected, memory: Memory | None = None) -> None:
    """Read as far as it goes, and answer what can be answered."""
    while True:
        event = connection.next_event() if memory is None else memory.call(connection.next_event)
        if isinstance(event, ConnectionClosed):
            return
        if (event is NEED_DATA or event is PAUSED) and not (connection.our_role == SERVER and answer(connection)):
            return


def attack(attack: Attack, policy: Policy, pieces: Iterator[bytes], memory: Memory | None = None) -> None:
    """Read `pieces`, and see that it ends as it should."""
    connection = connected(attack.role, policy)
    code = None
    try:
        for piece in pieces:
            if memory is None:
                connection.receive_data(piece)
            else:
                memory.call(connection.receive_data, piece)
            read_on(connection, memory)
    except RemoteProtocolError as error:
        code = error.code
    assert code == attack.code
    assert code is not None or connection.trailing_data[0] == b"", "what was sent is to be read"


Deliver = Callable[[bytes], Iterator[bytes]]


def steps_taken(attacked: Attack, policy: Policy, deliver: Deliver, size: int) -> float:
    """Return the instructions for each byte of an attack."""
    stream = attacked.stream(size)
    steps = Steps()
    with steps.counting():
        attack(attacked, policy, deliver(stream))
    return steps.count / len(stream)


def memory_taken(attacked: Attack, policy: Policy, deliver: Deliver, size: int) -> float:
    """Return the bytes of memory for each byte of an attack."""
    stream = attacked.stream(size)
    memory = Memory()
    with memory.counting():
        attack(attacked, policy, deliver(stream), memory)
    return memory.taken / len(stream)


@attrs.frozen
class Work:
    """What is counted, in how much of an attack and in how many times as much, and by how much it may grow a byte."""

    count: Callable[[Attack, Policy, Deliver, int], float]
    sizes: dict[Deliver, int]
    times: int
    most: float

    def growth(self, attacked: Attack, policy: Policy, deliver: Deliver, size: int = 0) -> float:
        """Return by how much the work for each byte grows when the attack is larger."""
        size = size or self.sizes[deliver]
        # What is made once in a process is no work of whoever comes first; and from its second call on more is counted.
        self.count(attacked, policy, deliver, max(100, size // 10))
        few, many = (self.count(attacked, policy, deliver, size * times) for times in (1, self.times))
        # Less than one for a byte says nothing: the work is done by a few searches and copies.
        return max(1.0, many) / max(1.0, few)


# Single bytes are slow to count, and show what they have to show soon. There are a few more instructions at the edges.
STEPS = Work(steps_taken, {single_bytes: 200, pieces_of_fifty: 800, whole: 1000}, 2, 1.1)
# Tables and lists grow in leaps.
MEMORY = Work(memory_taken, {pieces_of_fifty: 2400, whole: 4000, all_at_once_behind_two_bytes: 4000}, 4, 1.5)


def attacks(work: Work, *, both: bool) -> pytest.MarkDecorator:
    """Put each attack, in each way of delivery, by all of its policies or by the first."""
    return pytest.mark.parametrize(
        ("name", "policy", "deliver"),
        [
            pytest.param(name, policy, deliver, id=f"{name}-{POLICIES[policy]}-{deliver.__name__}")
            for name, attack in ATTACKS.items()
            for policy in attack.policies[: None if both else 1]
            for deliver in work.sizes
        ],
    )


@pytest.fixture(scope="module", autouse=True)
def full_of_names() -> None:
    """Let there be no room for a name that has not been met, as after an attack: those that have been met cost less."""
    Headers([(b"full-%d" % number, b"") for number in range(MOST_NAMES)])


@pytest.mark.interpreted
@attacks(STEPS, both=True)
def test_twice_the_bytes_are_no_more_than_twice_the_steps(name: str, policy: Policy, deliver: Deliver) -> None:
    assert STEPS.growth(ATTACKS[name], policy, deliver) <= STEPS.most


@only_cpython
@attacks(MEMORY, both=False)
def test_four_times_the_bytes_take_no_more_than_four_times_the_memory(
    name: str, policy: Policy, deliver: Deliver
) -> None:
    assert MEMORY.growth(ATTACKS[name], policy, deliver) <= MEMORY.most


@only_cpython
@pytest.mark.parametrize(
    "work", [pytest.param(STEPS, id="steps", marks=pytest.mark.interpreted), pytest.param(MEMORY, id="memory")]
)
def test_a_method_that_comes_at_once_may_be_as_long_as_the_policy_lets_it(work: Work) -> None:
    method = Attack(SERVER, b"", b"A", b" / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert work.growth(method, LONG_METHODS, whole) <= work.most


@only_cpython
@pytest.mark.parametrize(
    "name", ["pipelined requests", "pipelined requests in chunks", "tiny chunks", "informational responses"]
)
def test_thousands_in_one_piece_are_no_more_work_each(name: str) -> None:
    again = ATTACKS[name].again
    assert isinstance(again, bytes)
    assert attrs.evolve(MEMORY, times=50).growth(ATTACKS[name], STRICT, whole, 100 * len(again)) <= MEMORY.most


# --- what is counted ------------------------------------------------------------------------------------------------


def after_each_event(patch: pytest.MonkeyPatch, do: Callable[[Connection[Role], object], object]) -> None:
    next_event = Connection.next_event

    def and_then(self: Connection[Role]) -> object:
        event = next_event(self)
        do(self, event)
        return event

    patch.setattr(Connection, "next_event", and_then)


def copy_the_rest(patch: pytest.MonkeyPatch) -> None:
    after_each_event(patch, lambda connection, _: len(connection.trailing_data))


def look_through_all_names(patch: pytest.MonkeyPatch) -> None:
    def look(_: Connection[Role], event: object) -> None:
        if isinstance(event, Request):
            for field in event.headers:
                sum(field == other for other in event.headers)

    after_each_event(patch, look)


# Ways to need more than linear work around a connection, each with what counts it, and an attack that shows it.
MUTANTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], Work, str, Deliver]] = {
    "the rest is copied for each request": (copy_the_rest, MEMORY, "pipelined requests", whole),
    "the rest is copied for each chunk": (copy_the_rest, MEMORY, "tiny chunks", all_at_once_behind_two_bytes),
    "what has come is copied for each piece": (copy_the_rest, MEMORY, "a target", pieces_of_fifty),
    "a loop in a loop": (look_through_all_names, STEPS, "fields", pieces_of_fifty),
}


@only_cpython
@pytest.mark.interpreted
@pytest.mark.parametrize("mutant", MUTANTS)
def test_more_than_linear_work_is_seen(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    break_engine, work, name, deliver = MUTANTS[mutant]
    assert work.growth(ATTACKS[name], STRICT, deliver) <= work.most
    break_engine(monkeypatch)
    assert work.growth(ATTACKS[name], STRICT, deliver) > 1.2 * work.most


# --- what has been seen ---------------------------------------------------------------------------------------------

# What has no end, after which bytes: how it begins, and what is then repeated.
UNENDED: dict[str, tuple[Role, bytes, bytes]] = {
    "a target": (SERVER, b"GET /" + b"a" * 80, b"a"),
    "fields": (SERVER, HEAD, b"x: y\r\n"),
    "a value": (SERVER, HEAD + b"X: ", b"y"),
    "a value of a response": (CLIENT, ANSWER + b"X: ", b"y"),
    "a reason": (CLIENT, b"HTTP/1.1 200 " + b"a" * 80, b"a"),
    "a chunk line": (SERVER, CHUNKED + b"1;a=", b"a"),
    "trailers": (SERVER, CHUNKED + b"0\r\nX: ", b"y"),
}


@only_cpython
@pytest.mark.parametrize("policy", BOTH, ids=["STRICT", "H11"])
@pytest.mark.parametrize("name", UNENDED)
def test_what_has_been_seen_is_not_looked_at_again(name: str, policy: Policy) -> None:
    """But for the last two bytes, in which an end may have begun: it could be anything, and nobody would notice."""
    role, begin, again = UNENDED[name]
    connection = connected(role, policy)
    for piece in (begin[:1], begin[1:]):
        connection.receive_data(piece)
        read_on(connection)
    first = len(connection.trailing_data[0])
    for _, piece in zip(range(200), cycle([again, again * 7, again]), strict=False):
        connection.receive_data(piece)
        assert connection.next_event() is NEED_DATA
        overwrite(connection, first, len(connection.trailing_data[0]) - 2, b"\n")
    # It does lie there.
    assert b"\n" * 100 in connection.trailing_data[0]


# --- a buffer that grows --------------------------------------------------------------------------------------------


def moved_by_receiving(connection: Connection[Role], piece: bytes) -> int:
    """Return how many bytes had to go to another place when `piece` came."""
    before = place(connection)
    connection.receive_data(piece)
    return 0 if place(connection) == before else len(connection.trailing_data[0])


def moved_in_a_head(size: int) -> float:
    """Return how often each byte of a head is moved that comes in single bytes."""
    connection = Connection(SERVER)
    connection.receive_data(b"G")
    connection.receive_data(b"ET /")
    moved = 0
    for _ in range(size):
        moved += moved_by_receiving(connection, b"a")
        assert connection.next_event() is NEED_DATA
    return moved / size


def moved_in_a_pipeline(size: int) -> float:
    """Return how often each byte is moved of a pipeline to which one request comes for each that is answered."""
    request = HEAD + b"\r\n"
    connection = Connection(SERVER)
    connection.receive_data(request * size)
    connection.receive_data(request)
    moved = 0
    for _ in range(size):
        assert isinstance(connection.next_event(), Request)
        assert isinstance(connection.next_event(), EndOfMessage)
        answer(connection)
        moved += moved_by_receiving(connection, request)
    return moved / (size * len(request))


@only_cpython
@pytest.mark.parametrize("measure", [moved_in_a_head, moved_in_a_pipeline])
def test_a_buffer_grows_and_lets_go_of_its_front_in_leaps(measure: Callable[[int], float]) -> None:
    """Each byte is moved a few times; whoever goes on receiving while paused relies on that."""
    assert max(measure(1000), measure(4000)) <= 10
