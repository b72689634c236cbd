"""A client that keeps its connection: bodies in both directions, interim responses, trailers, and errors of its own."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal, Protocol, assert_never

from http11 import (
    CLIENT,
    DONE,
    IDLE,
    MUST_CLOSE,
    PAUSED,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    ErrorCode,
    Field,
    Headers,
    InformationalResponse,
    LocalProtocolError,
    RemoteProtocolError,
    Request,
    Response,
    ServerEvent,
)

RECEIVE_SIZE: Final = 64 * 1024


class ByteStream(Protocol):
    """What the client needs of a socket, or of TLS over one."""

    def read(self, max_bytes: int, /) -> bytes: ...
    def write(self, data: bytes, /) -> None: ...
    def close(self) -> None: ...


class RequestError(Exception):
    """The request is not one that may be sent."""


class ResponseError(Exception):
    """The server has broken the protocol."""

    def __init__(self, message: str, code: ErrorCode) -> None:
        super().__init__(message)
        self.code: ErrorCode = code


@contextmanager
def mapped_errors() -> Generator[None, None, None]:
    """Let the client's users see its own errors only."""
    try:
        yield
    except LocalProtocolError as error:
        raise RequestError(str(error)) from error
    except RemoteProtocolError as error:
        raise ResponseError(str(error), error.code) from error


class Client:
    """One connection, for one request after the other."""

    def __init__(self, stream: ByteStream, authority: str) -> None:
        self._stream = stream
        self._authority = authority
        self._conn = Connection(CLIENT)

    def request(
        self, method: str, target: str, fields: Sequence[Field] = (), body: Iterable[bytes] = ()
    ) -> StreamedResponse:
        """Send a request, and return its response up to the body."""
        with mapped_errors():
            request = Request(method=method, target=target, headers=[("Host", self._authority), *fields])
            try:
                self._send(request)
                for piece in body:
                    self._send(Data(piece))
                self._send(EndOfMessage())
            except ConnectionError:
                # A server that does not want the body may answer at once and close: its answer may be there.
                self._conn.send_failed()
            return self._response()

    def next_event(self) -> ServerEvent:
        """Return the server's next event, and wait for it where necessary."""
        while True:
            event = self._conn.next_event()
            if not isinstance(event, type):
                return event
            if event is PAUSED:
                raise RuntimeError("expected to read within one message only")
            self._conn.receive_data(self._stream.read(RECEIVE_SIZE))

    def cycle_or_close(self) -> None:
        """Make ready for the next request, or close where there can be none."""
        if self._conn.our_state == DONE:
            try:
                self._conn.start_next_cycle()
            except LocalProtocolError:
                # The server is not done, or said more than its answer.
                self.close()
        else:
            self.close()

    def close(self) -> None:
        """Close, in an orderly way where that is still possible."""
        if self._conn.our_state in {IDLE, DONE, MUST_CLOSE}:
            self._conn.send(ConnectionClosed())
        self._stream.close()

    def _send(self, event: Request | Data[bytes] | EndOfMessage) -> None:
        self._stream.write(self._conn.send(event))

    def _response(self) -> StreamedResponse:
        interim: list[InformationalResponse] = []
        while True:
            event = self.next_event()
            match event:
                case InformationalResponse():
                    interim.append(event)
                case Response():
                    return StreamedResponse(self, interim, event)
                case Data() | EndOfMessage() | ConnectionClosed():
                    raise RuntimeError("expected a head before its body")
                case _:
                    assert_never(event)


class StreamedResponse:
    """A response, whose body is received while it is iterated over; then its trailers are there too."""

    def __init__(self, client: Client, interim: Sequence[InformationalResponse], head: Response) -> None:
        self.interim = interim
        self.head = head
        self.trailers: Headers | None = None
        self._client = client

    def __iter__(self) -> Iterator[bytes]:
        with mapped_errors():
            while self.trailers is None:
                match self._client.next_event():
                    case Data(data):
                        yield data
                    case EndOfMessage(headers=trailers):
                        self.trailers = trailers
                        self._client.cycle_or_close()
                    case other:
                        raise RuntimeError(f"expected a body up to its end, got {other}")


class ScriptedStream:
    """A server that says what it is told to."""

    def __init__(self, *pieces: bytes) -> None:
        self.received = bytearray()
        self.closings = 0
        self.capacity = 1024
        self._pieces = iter(pieces)

    def read(self, max_bytes: int, /) -> bytes:
        piece = next(self._pieces, b"")
        assert len(piece) <= max_bytes
        return piece

    def write(self, data: bytes, /) -> None:
        if len(self.received) + len(data) > self.capacity:
            raise BrokenPipeError
        self.received += data

    def close(self) -> None:
        self.closings += 1


def main() -> None:
    stream = ScriptedStream(
        b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-",
        b"Encoding: chunked\r\n\r\n5\r\nHello\r\n",
        b"1\r\n!\r\n0\r\nETag: x\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    )
    client = Client(stream, "example.com")
    first = client.request("POST", "/upload", [(b"Transfer-Encoding", b"chunked")], (b"%d" % i for i in range(3)))
    assert [one.status_code for one in first.interim] == [103]
    assert list(first) == [b"Hello", b"!"]
    assert first.trailers == [(b"etag", b"x")]
    second = client.request("DELETE", "/upload")
    assert (second.head.status_code, b"".join(second)) == (204, b"")
    assert stream.closings == 1
    assert stream.received == (
        b"POST /upload HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"1\r\n0\r\n1\r\n1\r\n1\r\n2\r\n0\r\n\r\n"
        b"DELETE /upload HTTP/1.1\r\nHost: example.com\r\n\r\n"
    )

    stream = ScriptedStream(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
    large = [(b"Content-Length", b"10000")]
    refusal = Client(stream, "example.com").request("PUT", "/upload", large, [b"x" * 1000] * 10)
    assert (refusal.head.status_code, list(refusal), stream.closings) == (413, [], 1)

    assert failure_of(client) == "RequestError"
    assert (
        failure_of(Client(ScriptedStream(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHel"), "a")) == "body-cut-short"
    )


def failure_of(client: Client) -> ErrorCode | Literal["RequestError"]:
    """Tell how a request fails."""
    try:
        for _ in client.request("GET", "/"):
            pass
    except RequestError:
        return "RequestError"
    except ResponseError as error:
        return error.code
    raise AssertionError("expected a failure")
