"""The command line: ``python -m http11 demo``, ``inspect FILE`` and ``run-as-h11 PROGRAM``.

`demo` lets a server and a client talk over real sockets, and checks what each has seen. `inspect` reads what was saved
of one direction of a connection, and prints its events, or where it breaks the protocol. Both show how to drive a
`Connection`. Nothing that was read is printed raw: a terminal obeys control bytes.

`run-as-h11` runs another program, for which ``import h11`` imports http11.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import unified_diff
from threading import Lock, Thread
from typing import BinaryIO, Final, Generic, Literal, TextIO, TypeAlias, TypeVar

from http11 import PRODUCT_ID
from http11.connection import (
    DEFAULT_MAX_INCOMPLETE_EVENT_SIZE,
    ClientConnection,
    Connection,
    ServerConnection,
)
from http11.errors import ErrorCode, LocalProtocolError, ProtocolError, RemoteProtocolError, violation
from http11.events import (
    NEED_DATA,
    PAUSED,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    Request,
    Response,
    is_preface,
)
from http11.framing import keeps_alive
from http11.parsing import skip_empty_lines
from http11.policy import H11, STRICT, Policy
from http11.serialization import serialize_request
from http11.states import CLIENT, DONE, IDLE, MIGHT_SWITCH_PROTOCOL, SEND_BODY, SERVER, SWITCHED_PROTOCOL, Role
from http11.substitution import run_as_h11

__all__ = ["main"]

RoleT = TypeVar("RoleT", bound=Role)

_ROLES: Final[Sequence[str]] = ("server", "client")
_POLICIES: Final[Sequence[str]] = ("strict", "h11")
_HEADS: Final = (Request, InformationalResponse, Response)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` names, by default that of the process, and return its exit status.

    Raises:
        SystemExit: `argv` is wrong, or asks for help. A program that was run may raise anything.

    """
    try:
        try:
            arguments = _parser().parse_args(argv, _Arguments())
            if arguments.command == "demo":
                return _demo()
            if arguments.command == "inspect":
                return _inspect(arguments)
        finally:
            # Here, where a failure can still be told.
            print(end="", flush=True)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        # Files and sockets have their own handlers: this is the output.
        if not isinstance(error, BrokenPipeError):
            print(f"http11: {_escaped(str(error))}", file=sys.stderr)
        # What is still buffered would fail once more when the interpreter ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        output: TextIO = sys.stdout
        os.dup2(nowhere, output.fileno())
        os.close(nowhere)
        return 1
    # Out here, where nothing that the program raises is taken for ours.
    return run_as_h11(
        arguments.program,
        arguments.arguments,
        is_module=arguments.module,
        policy=arguments.policy,
        check=arguments.check,
    )


class _Arguments(argparse.Namespace):
    """What `_parser` makes of the command line, with types."""

    command: Literal["demo", "inspect", "run-as-h11"]
    file: str
    role: Literal["server", "client"] | None
    policy: Literal["strict", "h11"]
    request: Request
    json: bool
    module: bool
    check: bool
    program: str
    arguments: list[str]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="http11", description="An HTTP/1.1 engine that never touches a socket.")
    parser.add_argument("--version", action="version", version=PRODUCT_ID)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="let a server and a client talk over loopback, and check what they see")
    inspect = commands.add_parser("inspect", help="print the events of a saved byte stream, or where it is wrong")
    inspect.add_argument("file", metavar="FILE", help="the bytes of one direction of a connection; - for stdin")
    inspect.add_argument(
        "--role",
        choices=_ROLES,
        help="who reads: a server reads requests, a client responses (default: by the first bytes)",
    )
    inspect.add_argument("--policy", choices=_POLICIES, default="strict", help="what is tolerated")
    inspect.add_argument(
        "--method",
        dest="request",
        metavar="METHOD",
        type=_request_to_answer,
        default=_PROPOSAL,
        help="the method that responses answer (default: a GET that proposes an Upgrade)",
    )
    inspect.add_argument("--json", action="store_true", help="print one JSON object a line")
    run = commands.add_parser("run-as-h11", help="run a program for which `import h11` imports http11")
    run.add_argument("--policy", choices=_POLICIES, default="strict", help="what its connections tolerate")
    run.add_argument(
        "--check", action="store_true", help="say at the end in how many processes it made connections; 3 if in none"
    )
    run.add_argument("-m", dest="module", action="store_true", help="PROGRAM is the name of a module")
    run.add_argument("program", metavar="PROGRAM", help="a script, a directory or zip file with a __main__.py")
    run.add_argument("arguments", metavar="...", nargs=argparse.REMAINDER, help="the program's own arguments")
    return parser


def _policy(arguments: _Arguments) -> Policy:
    return H11 if arguments.policy == "h11" else STRICT


# --- inspect: the requests that a client's stream answers, and the answers that a server's stream asks for ------------

_PROPOSAL: Final = Request(
    method=b"GET",
    target=b"/",
    headers=[(b"Host", b"localhost"), (b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")],
)


def _request_to_answer(method: str) -> Request:
    target = "localhost:443" if method == "CONNECT" else "/"
    try:
        return Request(method=method, target=target, headers=[("Host", "localhost")])
    except (LocalProtocolError, UnicodeEncodeError):
        raise argparse.ArgumentTypeError(f"not a method: {method!a}") from None


def _asked(request: Request, policy: Policy, received: bytes = b"") -> ClientConnection:
    """Return a client that has sent `request`, and has received what an earlier one left over.

    A new one for each answer of a stream: a client that goes on refuses what came before it asked (RFC 9112 6.3).
    """
    connection = Connection(CLIENT, policy=policy)
    connection.send(request)
    connection.send(EndOfMessage())
    # Nothing is the end, so it must not be handed on by chance.
    if received:
        connection.receive_data(received)
    return connection


def _answer_on(connection: ServerConnection) -> None:
    connection.send(Response(status_code=200, headers=[("Content-Length", "0")]))
    connection.send(EndOfMessage())
    # Not so for a client that proposed an Upgrade in its last request: it has to close.
    if connection.their_state == DONE:
        connection.start_next_cycle()


# --- inspect: reading -------------------------------------------------------------------------------------------------

_PIECE: Final = 64 * 1024

# More than is ever unread, so with all of each line that can still be to blame.
_RECENT: Final = 4 * _PIECE

_CUT_SHORT: Final[frozenset[ErrorCode]] = frozenset(["head-cut-short", "body-cut-short", "no-response"])


class _UnreadableError(Exception):
    """The file cannot be opened or read; the text says why."""


def _opened(file: str) -> BinaryIO:
    try:
        # Not `sys.stdin`, which is None where the process was started without one.
        return open(0 if file == "-" else file, "rb", closefd=file != "-")
    except (OSError, ValueError) as error:
        raise _UnreadableError(_reason(error)) from error


def _read_piece(stream: BinaryIO) -> bytes:
    try:
        return stream.read(_PIECE)
    except OSError as error:
        raise _UnreadableError(_reason(error)) from error


def _reason(error: OSError | ValueError) -> str:
    return _escaped((isinstance(error, OSError) and error.strerror) or str(error))


class _Reader:
    """Reads one direction of a connection to its end, and knows where in the stream it is.

    Attributes:
        start: Where in the stream the message began that is being read.
        number: Which message that is, counted from 1; an interim response is a message too.

    """

    def __init__(self, stream: BinaryIO, first: bytes, role: Role, policy: Policy, request: Request) -> None:
        self._stream = stream
        self._policy = policy
        self._heads = 0
        self._request = request
        self._connection: ServerConnection | ClientConnection = (
            Connection(SERVER, policy=policy) if role == SERVER else _asked(request, policy)
        )
        self._is_last = False
        self.start = 0
        self.number = 1
        # How many bytes have been read from the stream, and the last of them.
        self._received = 0
        self._recent = b""
        self._receive(first)

    def events(self) -> Iterator[Event]:
        """Yield all events, up to the end or to where another protocol begins.

        Raises:
            RemoteProtocolError: The stream breaks the protocol.
            _UnreadableError: The stream cannot be read.

        """
        while True:
            self._note_place()
            event = self._connection.next_event()
            if not isinstance(event, type):
                if isinstance(event, Request):
                    self._request = event
                elif isinstance(event, Response):
                    self._is_last = not keeps_alive(event)
                self._heads += isinstance(event, _HEADS)
                yield event
                if isinstance(event, ConnectionClosed):
                    return
            elif event is NEED_DATA:
                self._receive(_read_piece(self._stream))
            elif self._is_another_protocol():
                return
            else:
                self._turn()

    def _turn(self) -> None:
        """Do what has to be done before the next message of the stream can be read."""
        connection = self._connection
        if connection.our_role == SERVER:
            _answer_on(connection)
        elif self._is_last:
            raise violation(
                RemoteProtocolError,
                "unexpected-bytes",
                "expected the end of the connection after an answer that says so, got more bytes",
                offset=0,
            )
        else:
            self._connection = _asked(self._request, self._policy, connection.trailing_data[0])

    def rest(self) -> int:
        """Return how many bytes are left, and read them."""
        size = len(self._unread)
        while piece := _read_piece(self._stream):
            size += len(piece)
        return size

    def place(self, error: RemoteProtocolError) -> int:
        """Return where in the stream the byte is that is to blame for `error`."""
        if error.code in _CUT_SHORT:
            return self._received
        return self.start + (error.offset or 0)

    def line(self, place: int) -> tuple[bytes, int]:
        """Return the line of the message around `place`, and where in it that is; it is behind a last line's end."""
        recent = self._recent
        dropped = self._received - len(recent)
        at = place - dropped
        before = recent.rfind(b"\n", 0, at if at < len(recent) else at - 1) + 1
        start = max(before, self.start - dropped)
        return recent[start : recent.find(b"\n", at) + 1 or len(recent)], at - start

    @property
    def _unread(self) -> bytes:
        return self._connection.trailing_data[0]

    def _receive(self, piece: bytes) -> None:
        self._connection.receive_data(piece)
        self._received += len(piece)
        self._recent = (self._recent + piece)[-_RECENT:]

    def _note_place(self) -> None:
        state = self._connection.their_state
        if state == SEND_BODY:
            return
        unread = self._unread
        # Offsets in errors are counted from behind the empty lines that may stand before a request.
        empty = skip_empty_lines(unread, policy=self._policy) if state == IDLE else 0
        self.start = self._received - len(unread) + empty
        self.number = self._heads + 1

    def _is_another_protocol(self) -> bool:
        state, request = self._connection.their_state, self._request
        if state != MIGHT_SWITCH_PROTOCOL:
            preface = is_preface(request.method, request.target, request.http_version)
            return state == SWITCHED_PROTOCOL or preface
        if request.method == b"CONNECT":
            return True
        # Whether the server agreed to an Upgrade can only be guessed, from what the client says next.
        while not self._has_line():
            self._receive(_read_piece(self._stream))
        line = self._unread.lstrip(b"\r\n").partition(b"\n")[0].rstrip(b"\r")
        return line != b"" and not line.rpartition(b" ")[2].startswith(b"HTTP/1.")

    def _has_line(self) -> bool:
        """Tell whether a line that says something is there, or will not be: it is too long, or there is no more."""
        unread, closed = self._connection.trailing_data
        return closed or len(unread) > DEFAULT_MAX_INCOMPLETE_EVENT_SIZE or b"\n" in unread.lstrip(b"\r\n")


# --- inspect: printing ------------------------------------------------------------------------------------------------

_PREVIEW: Final = 60

_JSONObject: TypeAlias = dict[str, object]


def _inspect(arguments: _Arguments) -> int:
    name = "<stdin>" if arguments.file == "-" else _escaped(arguments.file)
    try:
        with _opened(arguments.file) as stream:
            first = _read_piece(stream)
            if not first:
                print(f"{name}: not an HTTP/1.1 stream: it is empty", file=sys.stderr)
                return 1
            by_bytes = "client" if first.startswith(b"HTTP/") else "server"
            role: Role = SERVER if (arguments.role or by_bytes) == "server" else CLIENT
            reader = _Reader(stream, first, role, _policy(arguments), arguments.request)
            return _print_events(reader, name, as_json=arguments.json)
    except _UnreadableError as error:
        print(end="", flush=True)
        print(f"{name}: cannot be read: {error}", file=sys.stderr)
        return 2


def _print_events(reader: _Reader, name: str, *, as_json: bool) -> int:
    event: Event | None = None
    heads = 0
    try:
        for event in reader.events():
            heads += isinstance(event, _HEADS)
            print(json.dumps(_to_json(event, reader.start)) if as_json else _to_text(event, reader.start))
    except RemoteProtocolError as error:
        if as_json:
            print(json.dumps(_error_to_json(error, reader.place(error))))
        print(end="", flush=True)
        print(_error_to_text(error, reader, name), file=sys.stderr)
        return 1
    if heads == 0:
        print(f"{name}: not an HTTP/1.1 stream: there is no message in it", file=sys.stderr)
        return 1
    if not isinstance(event, ConnectionClosed):
        size, start = reader.rest(), reader.start
        facts: dict[str, str | int] = {"event": "OtherProtocol", "offset": start, "size": size}
        text = f"{size} bytes of another protocol follow, from byte {start} of the stream on"
        print(json.dumps(facts) if as_json else text)
    return 0


def _to_text(event: Event, start: int) -> str:
    if isinstance(event, Data):
        cut = "..." if len(event.data) > _PREVIEW else ""
        flags = f"{' chunk_start' * event.chunk_start}{' chunk_end' * event.chunk_end}"
        return f"Data {len(event.data)} bytes{flags}: {event.data[:_PREVIEW]!r}{cut}"
    place = f"  (byte {start} of the stream)" if isinstance(event, _HEADS) else ""
    return "\n    ".join([_headline(event) + place, *_field_lines(event)])


def _headline(event: Event) -> str:
    kind = type(event).__name__
    if isinstance(event, Request):
        return _escaped(b"%b %b %b HTTP/%b" % (kind.encode(), event.method, event.target, event.http_version))
    if isinstance(event, InformationalResponse | Response):
        status_line = b"HTTP/%b %d %b" % (event.http_version, event.status_code, event.reason)
        return f"{kind} {_escaped(status_line.rstrip())}"
    return kind


def _field_lines(event: Event) -> list[str]:
    if isinstance(event, (Data, ConnectionClosed)):
        return []
    return [_escaped(b"%b: %b" % field) for field in event.headers.raw_items()]


def _error_to_text(error: RemoteProtocolError, reader: _Reader, name: str) -> str:
    place = reader.place(error)
    line, at = reader.line(place)
    offset = place - reader.start
    tolerated = _tolerated(error)
    if reader.number == 1 and error.offset is not None and at == offset:
        return f"{name}: not an HTTP/1.1 stream: {error.msg} ({error.rule}), at byte {place}{tolerated}"
    before, after = _escaped(line[max(0, at - _PREVIEW) : at]), _escaped(line[at : at + _PREVIEW])
    skipped = "..." if at > _PREVIEW else ""
    return (
        f"{name}: error at byte {place} of the stream (byte {offset} of message {reader.number}): {error}{tolerated}\n"
        f"    {skipped}{before}{after}{'...' if at + _PREVIEW < len(line) else ''}\n"
        f"    {' ' * len(skipped + before)}^"
    )


def _tolerated(error: RemoteProtocolError) -> str:
    if error.tolerance is None:
        return ""
    # A limit that is reached is STRICT's: H11 has the same, or none.
    limit: bool | int | None = getattr(STRICT, error.tolerance)
    if isinstance(limit, bool):
        return f"; tolerated by Policy({error.tolerance}=True)"
    return f"; tolerated by Policy({error.tolerance}=N), N above {limit}"


def _to_json(event: Event, start: int) -> _JSONObject:
    found: _JSONObject = {"event": type(event).__name__}
    if isinstance(event, Request):
        found |= {"offset": start, "method": _latin_1(event.method), "target": _latin_1(event.target)}
        found |= {"http_version": _latin_1(event.http_version)}
    elif isinstance(event, InformationalResponse | Response):
        found |= {"offset": start, "status_code": event.status_code, "reason": _latin_1(event.reason)}
        found |= {"http_version": _latin_1(event.http_version)}
    elif isinstance(event, Data):
        found |= {"size": len(event.data), "data": b64encode(event.data).decode("ascii")}
        return found | {"chunk_start": event.chunk_start, "chunk_end": event.chunk_end}
    if not isinstance(event, ConnectionClosed):
        found["headers"] = [[_latin_1(name), _latin_1(value)] for name, value in event.headers.raw_items()]
    return found


def _error_to_json(error: RemoteProtocolError, place: int) -> _JSONObject:
    return {
        "error": error.code,
        "message": str(error),
        "rule": error.rule,
        "offset": place,
        "status_hint": error.error_status_hint,
        "tolerance": error.tolerance,
    }


def _latin_1(value: bytes) -> str:
    return value.decode("latin-1")


def _escaped(value: bytes | str) -> str:
    """Spell `value` in visible ASCII, each byte in the same way wherever it stands, so that a caret can point to it."""
    text = value if isinstance(value, str) else _latin_1(value)
    return text.encode("unicode_escape").decode("ascii")


# --- demo -------------------------------------------------------------------------------------------------------------

# Nothing takes long on loopback; it is only that nothing may wait forever.
_TIMEOUT: Final = 10.0

_HOST: Final = ("Host", "demo")
_HELLO: Final = Request(method="GET", target="/hello", headers=[_HOST])
_PAIR: Final = tuple(Request(method="GET", target=target, headers=[_HOST]) for target in ("/first", "/second"))
_UPLOAD: Final = Request(
    method="PUT",
    target="/upload",
    headers=[_HOST, ("Transfer-Encoding", "chunked"), ("Expect", "100-continue")],
)
# Two readers in a row may disagree on where this ends, and the second may take the rest for another request.
_SMUGGLED: Final = b"GET /x HTTP/1.1\r\nHost: demo\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"


def _demo() -> int:
    transcript = _Transcript()
    for title, scene in _scenes():
        transcript.print(f"--- {title}")
        _play(scene, transcript)
        if transcript.failure is not None:
            raise transcript.failure
    differences = list(transcript.differences())
    if differences:
        print("demo: not as it should be:", *differences, sep="\n", file=sys.stderr)
        return 1
    print("demo: both sides have seen what they should have seen")
    return 0


class _Transcript:
    """What both sides send and see, printed as it happens."""

    def __init__(self) -> None:
        self.failure: OSError | None = None
        self._lock = Lock()
        self._seen: dict[Role, list[str]] = {CLIENT: [], SERVER: []}

    def add(self, role: Role, arrow: str, what: str, remark: str = "") -> None:
        """Note what `role` sends (``->``), receives (``<-``), or has otherwise to say; `remark` is not checked."""
        self.print(f"{role.lower()} {arrow} {what}{remark}")
        seen = self._seen[role]
        if what.startswith("Data ") and seen and seen[-1].startswith(f"{arrow} Data "):
            # Where a body is cut means nothing, and on a socket it may change.
            seen[-1] += what.removeprefix("Data ")
        else:
            seen.append(f"{arrow} {what}")

    def print(self, line: str) -> None:
        """Print a line whole, whichever thread it is from; a failure is kept for the main one."""
        with self._lock:
            try:
                print(line, flush=True)
            except OSError as error:
                self.failure = error

    def differences(self) -> Iterator[str]:
        """Yield how what was seen differs from what was expected."""
        for role, expected in _EXPECTED.items():
            lines = expected.strip().split("\n")
            yield from unified_diff(lines, self._seen[role], f"{role.lower()}: expected", "seen", lineterm="")


class _Peer(Generic[RoleT]):
    """A connection with its socket. What it sends is noted before it is sent, so that cause comes before effect."""

    def __init__(self, connection: Connection[RoleT], sock: socket.socket, transcript: _Transcript) -> None:
        self.connection = connection
        self.sock = sock
        self.transcript = transcript
        sock.settimeout(_TIMEOUT)

    def add(self, arrow: str, what: str, remark: str = "") -> None:
        self.transcript.add(self.connection.our_role, arrow, what, remark)

    def send(self, event: Event, data: bytes) -> None:
        self.add("->", _in_one_line(event))
        self.sock.sendall(data)

    def receive(self) -> Event | None:
        """Return the next event, or `None` for `PAUSED`."""
        while isinstance(event := self.connection.next_event(), type):
            if event is PAUSED:
                self.add("==", "PAUSED")
                return None
            self.connection.receive_data(self.sock.recv(_PIECE))
        self.add("<-", _in_one_line(event))
        return event

    def receive_until(self, last: type[EndOfMessage | ConnectionClosed]) -> None:
        # More than was asked for is not read on: it will be missed, or be in the way, where all is compared.
        while not isinstance(event := self.receive(), (last, ConnectionClosed)) and event is not None:
            pass

    def hang_up(self) -> None:
        self.connection.send(ConnectionClosed())
        self.add("->", "ConnectionClosed")
        self.sock.shutdown(socket.SHUT_WR)


_Client: TypeAlias = _Peer[Literal["CLIENT"]]
_Server: TypeAlias = _Peer[Literal["SERVER"]]


def _in_one_line(event: Event) -> str:
    if isinstance(event, Data):
        return f"Data {_escaped(event.data)}"
    return " | ".join([_headline(event), *_field_lines(event)])


def _play(scene: Callable[[_Client], None], transcript: _Transcript) -> None:
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(_TIMEOUT)
            near = socket.create_connection(listener.getsockname(), _TIMEOUT)
            far, _ = listener.accept()
    except OSError as error:
        transcript.add(CLIENT, "!!", type(error).__name__, f": {error}")
        return
    serving = _Peer(Connection(SERVER), far, transcript)
    server = Thread(target=lambda: _guard(serving, _serve))
    server.start()
    _guard(_Peer(Connection(CLIENT), near, transcript), scene)
    server.join()


def _guard(peer: _Peer[RoleT], play: Callable[[_Peer[RoleT]], None]) -> None:
    """Let `peer` play its part; if it cannot, that is a line that nobody expects, and the other side sees the end."""
    with peer.sock:
        try:
            play(peer)
        except (OSError, ProtocolError) as error:
            peer.add("!!", type(error).__name__, f": {error}")


# --- demo: the server -------------------------------------------------------------------------------------------------


def _serve(peer: _Server) -> None:
    try:
        _serve_requests(peer)
        peer.hang_up()
    except RemoteProtocolError as error:
        peer.add("!!", f"RemoteProtocolError {error.code}", f": {error}")
        # The engine adds `Connection: close`: of a peer that has broken the protocol, nothing more can be read.
        _answer(peer, error.error_status_hint, error.code.encode("ascii"))
        peer.hang_up()
        # Closing on unread bytes would be a reset, and could take our answer with it (RFC 9112 9.6).
        while peer.sock.recv(_PIECE):
            pass


def _serve_requests(peer: _Server) -> None:
    what = b""
    size = 0
    while not isinstance(event := peer.receive(), ConnectionClosed):
        if isinstance(event, Request):
            what, size = b"%b %b" % (event.method, event.target), 0
            if peer.connection.they_are_waiting_for_100_continue:
                go_on = InformationalResponse(status_code=100, headers=[], reason="Continue")
                peer.send(go_on, peer.connection.send(go_on))
        elif isinstance(event, Data):
            size += len(event.data)
        elif isinstance(event, EndOfMessage):
            _answer(peer, 200, b"%b, %d bytes" % (what, size))
        else:
            # PAUSED: the next request is there already.
            peer.connection.start_next_cycle()


def _answer(peer: _Server, status_code: int, content: bytes) -> None:
    head = Response(status_code=status_code, headers=[("Content-Length", f"{len(content)}")])
    for event in (head, Data(content), EndOfMessage()):
        peer.send(event, peer.connection.send(event))


# --- demo: the client, scene by scene ---------------------------------------------------------------------------------


def _scenes() -> Iterator[tuple[str, Callable[[_Client], None]]]:
    yield "a GET", _get
    yield "an upload with trailers, which waits for a 100", _upload
    yield "two GETs in one piece", _pipeline
    yield "a request that could be read in two ways", _smuggle


def _get(peer: _Client) -> None:
    _ask(peer, _HELLO, EndOfMessage())
    peer.receive_until(EndOfMessage)
    _leave(peer)


def _upload(peer: _Client) -> None:
    _ask(peer, _UPLOAD)
    while peer.connection.client_is_waiting_for_100_continue:
        peer.receive()
    _ask(peer, Data(b"one, "), Data(b"two"), EndOfMessage(headers=[("Sum", "3")]))
    peer.receive_until(EndOfMessage)
    _leave(peer)


def _pipeline(peer: _Client) -> None:
    # A connection has one request at a time, so the serializer writes them, and each is "sent" when its turn comes.
    for request in _PAIR:
        peer.add("->", _in_one_line(request))
    peer.sock.sendall(b"".join(map(serialize_request, _PAIR)))
    for request in _PAIR:
        peer.connection = _asked(request, STRICT, peer.connection.trailing_data[0])
        peer.receive_until(EndOfMessage)
    _leave(peer)


def _smuggle(peer: _Client) -> None:
    # No event, because none can be made that says this.
    peer.add("->", _escaped(_SMUGGLED))
    peer.sock.sendall(_SMUGGLED)
    peer.receive_until(ConnectionClosed)
    peer.hang_up()


def _leave(peer: _Client) -> None:
    peer.hang_up()
    peer.receive_until(ConnectionClosed)


def _ask(peer: _Client, *events: Request | Data[bytes] | EndOfMessage) -> None:
    for event in events:
        peer.send(event, peer.connection.send(event))


_EXPECTED: Final[Mapping[Role, str]] = {
    CLIENT: r"""
-> Request GET /hello HTTP/1.1 | Host: demo
-> EndOfMessage
<- Response HTTP/1.1 200 | Content-Length: 19
<- Data GET /hello, 0 bytes
<- EndOfMessage
-> ConnectionClosed
<- ConnectionClosed
-> Request PUT /upload HTTP/1.1 | Host: demo | Transfer-Encoding: chunked | Expect: 100-continue
<- InformationalResponse HTTP/1.1 100 Continue
-> Data one, two
-> EndOfMessage | Sum: 3
<- Response HTTP/1.1 200 | Content-Length: 20
<- Data PUT /upload, 8 bytes
<- EndOfMessage
-> ConnectionClosed
<- ConnectionClosed
-> Request GET /first HTTP/1.1 | Host: demo
-> Request GET /second HTTP/1.1 | Host: demo
<- Response HTTP/1.1 200 | Content-Length: 19
<- Data GET /first, 0 bytes
<- EndOfMessage
<- Response HTTP/1.1 200 | Content-Length: 20
<- Data GET /second, 0 bytes
<- EndOfMessage
-> ConnectionClosed
<- ConnectionClosed
-> GET /x HTTP/1.1\r\nHost: demo\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n
<- Response HTTP/1.1 400 | Content-Length: 36 | Connection: close
<- Data transfer-encoding-and-content-length
<- EndOfMessage
<- ConnectionClosed
-> ConnectionClosed
""",
    SERVER: r"""
<- Request GET /hello HTTP/1.1 | Host: demo
<- EndOfMessage
-> Response HTTP/1.1 200 | Content-Length: 19
-> Data GET /hello, 0 bytes
-> EndOfMessage
<- ConnectionClosed
-> ConnectionClosed
<- Request PUT /upload HTTP/1.1 | Host: demo | Transfer-Encoding: chunked | Expect: 100-continue
-> InformationalResponse HTTP/1.1 100 Continue
<- Data one, two
<- EndOfMessage | Sum: 3
-> Response HTTP/1.1 200 | Content-Length: 20
-> Data PUT /upload, 8 bytes
-> EndOfMessage
<- ConnectionClosed
-> ConnectionClosed
<- Request GET /first HTTP/1.1 | Host: demo
<- EndOfMessage
-> Response HTTP/1.1 200 | Content-Length: 19
-> Data GET /first, 0 bytes
-> EndOfMessage
== PAUSED
<- Request GET /second HTTP/1.1 | Host: demo
<- EndOfMessage
-> Response HTTP/1.1 200 | Content-Length: 20
-> Data GET /second, 0 bytes
-> EndOfMessage
<- ConnectionClosed
-> ConnectionClosed
!! RemoteProtocolError transfer-encoding-and-content-length
-> Response HTTP/1.1 400 | Content-Length: 36
-> Data transfer-encoding-and-content-length
-> EndOfMessage
-> ConnectionClosed
""",
}

if __name__ == "__main__":
    sys.exit(main())
