"""``http11 demo``: a server and a client talk over real sockets, and the inspector shows what they have said.

Both show how to drive a `Connection`. What each side has seen is compared with what it should have seen.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from difflib import unified_diff
from threading import Lock, Thread
from typing import Final, Generic, Literal, TypeAlias, TypeVar

from http11 import (
    CLIENT,
    PAUSED,
    SERVER,
    STRICT,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    ProtocolError,
    RemoteProtocolError,
    Request,
    Response,
    Role,
)
from http11.inspector.printing import Printer, printer
from http11.inspector.reading import Conversation
from http11.inspector.records import Record
from http11.inspector.views import TextView, headline
from http11.inspector.words import escaped
from http11.serialization import serialize_request

__all__ = ["demo"]

RoleT = TypeVar("RoleT", bound=Role)

_PIECE: Final = 64 * 1024

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


def demo() -> int:
    """Play the scenes, show each, and return the exit status: 1 if a side has seen something else than it should."""
    transcript = _Transcript()
    output = printer()
    for number, (title, scene) in enumerate(_scenes(), 1):
        transcript.begin()
        _play(scene, transcript)
        output.line([(f"--- scene {number}: {title}", "name")])
        _show(transcript.sent, output)
        output.line([])
        output.flush()
    differences = list(transcript.differences())
    if differences:
        print("demo: not as it should be:", *differences, sep="\n", file=sys.stderr)
        return 1
    output.line([("demo: both sides have seen what they should have seen", "plain")])
    return 0


def _show(sent: list[tuple[Role, bytes]], output: Printer) -> None:
    view = TextView(explain=True, redaction="nothing", all_data=False)
    for record in _records(sent):
        for line in view.lines(record):
            output.line(line)


def _records(sent: list[tuple[Role, bytes]]) -> Iterator[Record]:
    conversation = Conversation(STRICT)
    for sender, piece in sent:
        yield from conversation.receive(sender, piece) if piece else conversation.close(sender)
    yield from conversation.abandon("the scene ends")
    yield from conversation.finish()


class _Transcript:
    """What both sides send and see.

    Attributes:
        sent: What was sent in this scene, in order; b"" is the end.

    """

    def __init__(self) -> None:
        self.sent: list[tuple[Role, bytes]] = []
        self._lock = Lock()
        self._seen: dict[Role, list[str]] = {CLIENT: [], SERVER: []}

    def begin(self) -> None:
        """Begin a scene."""
        self.sent = []

    def send(self, role: Role, data: bytes) -> None:
        """Note what `role` is about to send: before it is sent, so that cause comes before effect."""
        with self._lock:
            self.sent.append((role, data))

    def add(self, role: Role, arrow: str, what: str) -> None:
        """Note what `role` sends (``->``), receives (``<-``), or has otherwise to say."""
        seen = self._seen[role]
        if what.startswith("Data ") and seen and seen[-1].startswith(f"{arrow} Data "):
            # Where a body is cut means nothing, and on a socket it may change.
            seen[-1] += what.removeprefix("Data ")
        else:
            seen.append(f"{arrow} {what}")

    def differences(self) -> Iterator[str]:
        """Yield how what was seen differs from what was expected."""
        for role, expected in _EXPECTED.items():
            lines = expected.strip("\n").split("\n")
            yield from unified_diff(lines, self._seen[role], f"{role.lower()}: expected", "seen", lineterm="")


class _Peer(Generic[RoleT]):
    """A connection with its socket."""

    def __init__(self, connection: Connection[RoleT], sock: socket.socket, transcript: _Transcript) -> None:
        self.connection = connection
        self.sock = sock
        self.transcript = transcript
        sock.settimeout(_TIMEOUT)

    def add(self, arrow: str, what: str) -> None:
        self.transcript.add(self.connection.our_role, arrow, what)

    def send(self, event: Event, data: bytes) -> None:
        self.add("->", _in_one_line(event))
        self.send_bytes(data)

    def send_bytes(self, data: bytes) -> None:
        if data:
            self.transcript.send(self.connection.our_role, data)
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
        self.transcript.send(self.connection.our_role, b"")
        self.sock.shutdown(socket.SHUT_WR)


_Client: TypeAlias = _Peer[Literal["CLIENT"]]
_Server: TypeAlias = _Peer[Literal["SERVER"]]


def _in_one_line(event: Event) -> str:
    if isinstance(event, Data):
        return f"Data {escaped(event.data)}"
    if isinstance(event, ConnectionClosed):
        return "ConnectionClosed"
    start = "EndOfMessage" if isinstance(event, EndOfMessage) else f"{type(event).__name__} {headline(event)}"
    return " | ".join([start, *(escaped(b"%b: %b" % field) for field in event.headers.raw_items())])


def _play(scene: Callable[[_Client], None], transcript: _Transcript) -> None:
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(_TIMEOUT)
            near = socket.create_connection(listener.getsockname(), _TIMEOUT)
            far, _ = listener.accept()
    except OSError as error:
        transcript.add(CLIENT, "!!", f"{type(error).__name__}: {error}")
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
            peer.add("!!", f"{type(error).__name__}: {error}")


# --- demo: the server -------------------------------------------------------------------------------------------------


def _serve(peer: _Server) -> None:
    try:
        _serve_requests(peer)
        peer.hang_up()
    except RemoteProtocolError as error:
        peer.add("!!", f"RemoteProtocolError {error.code}")
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
    peer.send_bytes(b"".join(map(serialize_request, _PAIR)))
    for request in _PAIR:
        peer.connection = _asked(request, peer.connection.trailing_data[0])
        peer.receive_until(EndOfMessage)
    _leave(peer)


def _smuggle(peer: _Client) -> None:
    # No event, because none can be made that says this.
    peer.add("->", escaped(_SMUGGLED))
    peer.send_bytes(_SMUGGLED)
    peer.receive_until(ConnectionClosed)
    peer.hang_up()


def _asked(request: Request, received: bytes) -> Connection[Literal["CLIENT"]]:
    """Return a client that has sent `request`, and has received what an earlier one left over."""
    connection = Connection(CLIENT)
    connection.send(request)
    connection.send(EndOfMessage())
    # Nothing is the end, so it must not be handed on by chance.
    if received:
        connection.receive_data(received)
    return connection


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
