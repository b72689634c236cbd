"""The engines that are compared, each behind the same interface, and what each leaves out.

Each does what an application does with it: every message is read in full (method, target and version, or status code,
reason and version; every field, its name in lower case; the body) and requests are answered with all that the
application gives. What comes back is what was read and what would have been written. It is compared outside of the
timed part, each time, so an engine that skips something is found out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Final, TypeAlias, final

from tests.benchmarks import builds
from tests.benchmarks.builds import Build
from tests.benchmarks.workloads import BARE_LF, FOLDED, Answer, Ask, Exchange, Field

Message: TypeAlias = tuple[bytes | int, bytes, bytes | str, list[Field], bytes]
"""Method, target, version, fields, body; or status code, reason, version, fields, body. As the engine gives them."""

Parts: TypeAlias = list[bytes] | deque[bytes]
"""Where the pieces of a body go, as they come."""

Transcript: TypeAlias = tuple[list[Message], list[bytes]]
"""What was read, and what was written."""


class IncompleteMessageError(Exception):
    """An engine has been given all of a message and does not know it."""


class Contender(ABC):
    """An engine. What it calls a connection is `Any` here: each has another type, which is for itself alone."""

    name: ClassVar[str]
    made_of: ClassVar[str]
    compiled: ClassVar[bool] = True
    leaves_out: ClassVar[str]
    cannot: ClassVar[Mapping[str, str]] = {}
    """What it does instead, by the name of the workload that it cannot read."""

    @property
    def version(self) -> str:
        return metadata.version(self.name)

    @abstractmethod
    def server(self) -> Any:
        """Make a server's connection."""

    def tolerant_server(self) -> Any:
        """Make a server's connection that tolerates what h11 does by default, as far as the engine can be told to."""
        return self.server()

    @abstractmethod
    def serve(self, connection: Any, exchanges: Iterable[Exchange]) -> Transcript:
        """Read each request, answer it, and make ready for the next."""

    @abstractmethod
    def asking(self, ask: Ask) -> Any:
        """Make a client's connection that has sent `ask` and awaits the answer."""

    @abstractmethod
    def fetch(self, connection: Any, pieces: Sequence[bytes], keep: int | None = None) -> Message:
        """Read a response: the body as a whole; or piece by piece, of which the last `keep` are returned."""

    @abstractmethod
    def round_trips(self, exchanges: Iterable[Exchange]) -> Transcript:
        """Let a client ask and a server answer, on one connection; the transcript has both messages of each."""

    @abstractmethod
    def settle(self, connection: Any) -> None:
        """Let go of what the application itself holds of the last message."""


class _Pulled(Contender):
    """An engine that is asked for the next event: the same lines drive all of them."""

    _connection: Any
    _client_role: Any
    _server_role: Any
    _data: Any
    _end: Any
    _need_data: Any
    # Whether names come as they were spelled, so that the application has to see to it.
    _lowers: ClassVar[bool] = True

    @abstractmethod
    def _ask(self, connection: Any, ask: Ask) -> bytes: ...

    @abstractmethod
    def _answer(self, connection: Any, answer: Answer) -> list[bytes]: ...

    def server(self) -> Any:
        return self._connection(self._server_role)

    def serve(self, connection: Any, exchanges: Iterable[Exchange]) -> Transcript:
        messages: list[Message] = []
        written: list[bytes] = []
        for exchange in exchanges:
            messages.append(self._request(connection, exchange.pieces))
            written += self._answer(connection, exchange.answer)
            connection.start_next_cycle()
        return messages, written

    def asking(self, ask: Ask) -> Any:
        connection = self._connection(self._client_role)
        self._ask(connection, ask)
        return connection

    def fetch(self, connection: Any, pieces: Sequence[bytes], keep: int | None = None) -> Message:
        body: Parts = [] if keep is None else deque(maxlen=keep)
        head = self._read(connection, pieces, body)
        fields = [(name.lower(), value) for name, value in head.headers] if self._lowers else list(head.headers)
        return head.status_code, head.reason, head.http_version, fields, b"".join(body)

    def round_trips(self, exchanges: Iterable[Exchange]) -> Transcript:
        messages: list[Message] = []
        written: list[bytes] = []
        client = self._connection(self._client_role)
        server = self._connection(self._server_role)
        for exchange in exchanges:
            sent = self._ask(client, exchange.ask)
            messages.append(self._request(server, [sent]))
            received = b"".join(self._answer(server, exchange.answer))
            messages.append(self.fetch(client, [received]))
            written += [sent, received]
            client.start_next_cycle()
            server.start_next_cycle()
        return messages, written

    def settle(self, connection: Any) -> None:
        """Do nothing: a message's events went with it."""

    def _request(self, connection: Any, pieces: Sequence[bytes]) -> Message:
        body: Parts = []
        head = self._read(connection, pieces, body)
        fields = [(name.lower(), value) for name, value in head.headers] if self._lowers else list(head.headers)
        return head.method, head.target, head.http_version, fields, b"".join(body)

    def _read(self, connection: Any, pieces: Iterable[bytes], body: Parts) -> Any:
        """Read a message, its body into `body`, and return its head."""
        need_data, data, end = self._need_data, self._data, self._end
        head = None
        for piece in pieces:
            connection.receive_data(piece)
            while (event := connection.next_event()) is not need_data:
                kind = type(event)
                if kind is data:
                    body.append(event.data)
                elif kind is end:
                    return head
                else:
                    head = event
        raise IncompleteMessageError


class H11Like(_Pulled):
    """h11, and what has its interface."""

    _lowers = False

    def __init__(self, engine: ModuleType) -> None:
        self._connection = engine.Connection
        self._client_role = engine.CLIENT
        self._server_role = engine.SERVER
        self._request_type = engine.Request
        self._response_type = engine.Response
        self._data = engine.Data
        self._end = engine.EndOfMessage
        self._need_data = engine.NEED_DATA

    def _ask(self, connection: Any, ask: Ask) -> bytes:
        send = connection.send
        written: list[bytes] = [send(self._request_type(method=ask.method, target=ask.target, headers=ask.fields))]
        if ask.body:
            written.append(send(self._data(data=ask.body)))
        written.append(send(self._end()))
        return b"".join(written)

    def _answer(self, connection: Any, answer: Answer) -> list[bytes]:
        send = connection.send
        response = self._response_type(status_code=answer.status, headers=answer.fields, reason=answer.reason)
        written: list[bytes] = [send(response)]
        if answer.body:
            written.append(send(self._data(data=answer.body)))
        written.append(send(self._end()))
        return written


class Http11(H11Like):
    """A build of http11."""

    leaves_out = "nothing of what is named below"

    def __init__(self, build: Build) -> None:
        super().__init__(build.module)
        self.directory = build.directory
        self._version = build.version
        self._tolerant = build.module.H11

    @property
    def version(self) -> str:
        return self._version

    def tolerant_server(self) -> Any:
        return self._connection(self._server_role, policy=self._tolerant)


@final
class Interpreted(Http11):
    name = "http11 interpreted"
    made_of = "Python, interpreted"
    compiled = False


@final
class Compiled(Http11):
    name = "http11 compiled"
    made_of = "the same, compiled to C with mypyc"


@final
class Before(Http11):
    name = "http11 before"
    made_of = "another checkout, interpreted"
    compiled = False


@final
class H11(H11Like):
    name = "h11"
    made_of = "Python, interpreted"
    compiled = False
    leaves_out = "checks of what Host says and of the target's form; reads bare LF and folded lines"

    def __init__(self) -> None:
        super().__init__(import_module("h11"))


@final
class H11Mypyc(H11Like):
    name = "h11-mypyc"
    made_of = "h11, compiled to C with mypyc"
    leaves_out = "what h11 does"

    def __init__(self) -> None:
        super().__init__(import_module("h11_mypyc"))


@final
class H11r(_Pulled):
    name = "h11r"
    made_of = "Rust"
    leaves_out = (
        "checks of the target's form; reads bare LF; "
        "no events to send, and names in lower case are left to the application"
    )
    cannot: ClassVar[Mapping[str, str]] = {FOLDED: "refuses a folded line"}

    def __init__(self) -> None:
        engine = import_module("h11r")
        self._connection = engine.Connection
        self._client_role = engine.Role.CLIENT
        self._server_role = engine.Role.SERVER
        self._data = engine.Data
        self._end = engine.EndOfMessage
        self._need_data = engine.ReceiveStatus.NEED_DATA

    def _ask(self, connection: Any, ask: Ask) -> bytes:
        written: list[bytes] = [connection.send_request(ask.method, ask.target, ask.fields)]
        if ask.body:
            written.append(connection.send_data(ask.body))
        written.append(connection.end_of_message())
        return b"".join(written)

    def _answer(self, connection: Any, answer: Answer) -> list[bytes]:
        written: list[bytes] = [connection.send_response(answer.status, answer.fields, reason=answer.reason)]
        if answer.body:
            written.append(connection.send_data(answer.body))
        written.append(connection.end_of_message())
        return written


@final
class Zttp(_Pulled):
    name = "zttp"
    made_of = "Zig"
    leaves_out = (
        "checks of what Host says and of the target; the order of request and answer (it answers before it was asked); "
        "the given reason; no events to send, and names in lower case are left to the application"
    )
    cannot: ClassVar[Mapping[str, str]] = {BARE_LF: "refuses a bare LF", FOLDED: "refuses a folded line"}

    def __init__(self) -> None:
        engine = import_module("zttp")
        self._connection = engine.Connection
        self._client_role = engine.CLIENT
        self._server_role = engine.SERVER
        self._request_type = engine.Request
        self._data = engine.Data
        self._end = engine.EndOfMessage
        self._need_data = engine.NEED_DATA

    def _ask(self, connection: Any, ask: Ask) -> bytes:
        connection.send_request(ask.method, ask.target, b"1.1", ask.fields)
        if ask.body:
            connection.send_data(ask.body)
        connection.end_message()
        sent: bytes = connection.data_to_send()
        return sent

    def _answer(self, connection: Any, answer: Answer) -> list[bytes]:
        connection.send_response(answer.status, answer.fields)
        if answer.body:
            connection.send_data(answer.body)
        connection.end_message()
        return [connection.data_to_send()]

    def _read(self, connection: Any, pieces: Iterable[bytes], body: Parts) -> Any:
        """Read a message, its body into `body`, and return its head."""
        need_data, data, end, request = self._need_data, self._data, self._end, self._request_type
        head = None
        for piece in pieces:
            event = connection.receive_event(piece)
            while event is not need_data:
                kind = type(event)
                if kind is data:
                    body.append(event.data)
                elif kind is end:
                    return head
                else:
                    head = event
                    # A request without a body has no event for its end.
                    if kind is request and event.end_stream:
                        return head
                event = connection.next_event()
        raise IncompleteMessageError


class _Calls:
    """What httptools calls: the application itself."""

    __slots__ = ("body", "done", "fields", "reason", "target")

    def __init__(self) -> None:
        self.body: Parts = []
        self.on_message_begin()

    def on_message_begin(self) -> None:
        self.target = self.reason = b""
        self.fields: list[Field] = []
        self.done = False
        # For a message whose pieces are not all kept, the application has put another one here.
        if isinstance(self.body, list):
            self.body = []

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_status(self, status: bytes) -> None:
        self.reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        self.done = True


@final
class Httptools(Contender):
    name = "httptools"
    made_of = "C (llhttp)"
    leaves_out = (
        "Host; the state of a connection; all of sending: the application joins what it writes, and nothing of that "
        "is checked or framed; no events, and names in lower case are left to the application"
    )
    # None of its leniencies lets this in.
    cannot: ClassVar[Mapping[str, str]] = {BARE_LF: "refuses a bare LF after the version"}

    def __init__(self) -> None:
        engine = import_module("httptools")
        self._request_parser = engine.HttpRequestParser
        self._response_parser = engine.HttpResponseParser

    def server(self) -> Any:
        calls = _Calls()
        return calls, self._request_parser(calls)

    def tolerant_server(self) -> Any:
        calls, parser = self.server()
        # It is what lets a folded line in.
        parser.set_dangerous_leniencies(lenient_headers=True)
        return calls, parser

    def serve(self, connection: Any, exchanges: Iterable[Exchange]) -> Transcript:
        messages: list[Message] = []
        written: list[bytes] = []
        for exchange in exchanges:
            messages.append(self._request(connection, exchange.pieces))
            written.append(_joined_answer(exchange.answer))
        return messages, written

    def asking(self, ask: Ask) -> Any:
        del ask
        calls = _Calls()
        return calls, self._response_parser(calls)

    def fetch(self, connection: Any, pieces: Sequence[bytes], keep: int | None = None) -> Message:
        calls, parser = connection
        if keep is not None:
            calls.body = deque(maxlen=keep)
        for piece in pieces:
            parser.feed_data(piece)
        if not calls.done:
            raise IncompleteMessageError
        return (
            parser.get_status_code(),
            calls.reason,
            parser.get_http_version(),
            calls.fields,
            b"".join(calls.body),
        )

    def round_trips(self, exchanges: Iterable[Exchange]) -> Transcript:
        messages: list[Message] = []
        written: list[bytes] = []
        server = self.server()
        client = self.asking(Ask(b"", b"", []))
        for exchange in exchanges:
            sent = _joined_ask(exchange.ask)
            messages.append(self._request(server, [sent]))
            received = _joined_answer(exchange.answer)
            messages.append(self.fetch(client, [received]))
            written += [sent, received]
        return messages, written

    def settle(self, connection: Any) -> None:
        calls, _ = connection
        calls.on_message_begin()

    def _request(self, connection: Any, pieces: Iterable[bytes]) -> Message:
        calls, parser = connection
        for piece in pieces:
            parser.feed_data(piece)
        if not calls.done:
            raise IncompleteMessageError
        return parser.get_method(), calls.target, parser.get_http_version(), calls.fields, b"".join(calls.body)


def _joined_ask(ask: Ask) -> bytes:
    parts = [ask.method, b" ", ask.target, b" HTTP/1.1\r\n"]
    for name, value in ask.fields:
        parts += (name, b": ", value, b"\r\n")
    parts += (b"\r\n", ask.body)
    return b"".join(parts)


def _joined_answer(answer: Answer) -> bytes:
    parts = [b"HTTP/1.1 %d %b\r\n" % (answer.status, answer.reason)]
    for name, value in answer.fields:
        parts += (name, b": ", value, b"\r\n")
    parts += (b"\r\n", answer.body)
    return b"".join(parts)


BUILDS: Final[Sequence[type[Http11]]] = (Interpreted, Compiled, Before)
PEERS: Final[Sequence[type[Contender]]] = (H11, H11Mypyc, H11r, Zttp, Httptools)
CONTENDERS: Final[Sequence[type[Contender]]] = (*BUILDS, *PEERS)
BASELINE: Final = H11.name


def installed(names: Iterable[str]) -> tuple[list[Contender], list[str]]:
    """Return the peers of these names, and the names of those that are not installed."""
    found: list[Contender] = []
    missing: list[str] = []
    for peer in PEERS:
        if peer.name in names:
            try:
                found.append(peer())
            except ImportError:
                missing.append(peer.name)
    return found, missing


def named(name: str, directory: Path | None) -> Contender:
    """Return a contender: a build of http11 from its directory, or a peer, from wherever Python finds it."""
    for peer in PEERS:
        if peer.name == name:
            return peer()
    (kind,) = (kind for kind in BUILDS if kind.name == name)
    if directory is None:
        raise ValueError(f"{name} is in a directory, which was not given")
    return kind((builds.compiled if kind.compiled else builds.interpreted)(directory))


def of_http11(compiled: Path | None = None, before: Path | None = None) -> list[Contender]:
    """Return http11 as it is in this checkout, and as it is in other directories, where they are given."""
    found = [named(Interpreted.name, builds.SOURCE)]
    found += [named(Compiled.name, compiled)] if compiled is not None else []
    found += [named(Before.name, before)] if before is not None else []
    return found
