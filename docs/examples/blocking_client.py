"""A blocking HTTP/1.1 client over a plain socket.

It shows the whole life of a request: send it, pass over the informational responses, and read the final one, however
its body is framed: by a length, in chunks, or until the server closes. The engine tells where the body ends; this file
only moves bytes.

Run it with a URL, and perhaps a body to POST::

    python blocking_client.py http://example.com/
    python blocking_client.py http://localhost:8080/echo --data 'Hello!'
"""

from __future__ import annotations

import argparse
import socket
import sys
import time
from typing import Final, assert_never
from urllib.parse import urlsplit

import http11
from http11 import CLIENT, PAUSED

HTTP_PORT: Final = 80

TIMEOUT: Final = 30.0
"""How long a whole exchange may take, from the connection to the last byte of the answer, in seconds.

A limit for each piece would not do: a server that sends a byte now and then never exceeds it.
"""

MAX_BODY_SIZE: Final = 64 * 1024 * 1024
"""The greatest body that we are willing to hold, in bytes: the server decides how much it sends."""

RECEIVE_SIZE: Final = 64 * 1024


class BodyTooLargeError(Exception):
    """The server sent a larger body than we are willing to hold."""


def fetch(
    host: str,
    port: int,
    target: str,
    *,
    method: str = "GET",
    fields: http11.HeadersLike = (),
    body: bytes = b"",
    timeout: float = TIMEOUT,
    max_body_size: int = MAX_BODY_SIZE,
) -> tuple[http11.Response, bytes]:
    """Send one request, and return the head and the body of its final response.

    Args:
        host: The server's name or address.
        port: The server's port.
        target: The path and query, such as ``"/search?q=http"``.
        method: The method, such as ``"GET"``.
        fields: More fields to send: Host, Connection and the body's length are there already.
        body: What to send; empty for none.
        timeout: How long the whole exchange may take, in seconds. The look-up of the host's name counts, but nothing
            here can stop it.
        max_body_size: The greatest body to accept, in bytes.

    Raises:
        OSError: There is no connection, or it broke, or the exchange took too long (`TimeoutError`).
        http11.LocalProtocolError: The request is not one that may be sent.
        http11.RemoteProtocolError: The response is not valid, or was cut short.
        BodyTooLargeError: The response's body is too large.

    """
    request = http11.Request(
        method=method,
        target=target,
        headers=[
            ("Host", authority(host, port)),
            ("User-Agent", http11.PRODUCT_ID),
            # This connection serves one request, so the server need not keep it open for another.
            ("Connection", "close"),
            *length_fields(method, body),
            *fields,
        ],
    )
    connection = http11.Connection(CLIENT)
    deadline = time.monotonic() + timeout
    with connect(host, port, deadline) as sock:
        send_request(sock, connection, request, body, deadline)
        return receive_response(sock, connection, max_body_size, deadline)


def remaining(deadline: float) -> float:
    """Return the seconds until a time of `time.monotonic`.

    Raises:
        TimeoutError: None are left. As a socket's timeout, 0 would mean something else: not to wait at all.

    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the exchange took too long")
    return seconds


def connect(host: str, port: int, deadline: float) -> socket.socket:
    """Connect to the first of the host's addresses that answers.

    `socket.create_connection` would give each address all of the time.
    """
    failure: OSError = ConnectionError("the host has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(remaining(deadline))
                sock.connect(address)
            except BaseException:
                sock.close()
                raise
        except OSError as error:
            failure = error
        else:
            return sock
    raise failure


def authority(host: str, port: int) -> str:
    """Return what to say in Host: a port that is not the default one, and brackets around an IPv6 address."""
    name = f"[{host}]" if ":" in host else host
    return name if port == HTTP_PORT else f"{name}:{port}"


def length_fields(method: str, body: bytes) -> list[tuple[bytes, bytes]]:
    """Say the body's length: always where the method leads one to expect a body (RFC 9110 8.6)."""
    if body or method in {"POST", "PUT", "PATCH"}:
        return [(b"Content-Length", b"%d" % len(body))]
    return []


def send_request(
    sock: socket.socket, connection: http11.ClientConnection, request: http11.Request, body: bytes, deadline: float
) -> None:
    """Write the whole request."""
    message = connection.send(request) + connection.send(http11.Data(body)) + connection.send(http11.EndOfMessage())
    # The timeout is for all that `sendall` does, not for each piece.
    sock.settimeout(remaining(deadline))
    try:
        sock.sendall(message)
    except (BrokenPipeError, ConnectionResetError):
        # A server that does not want our body may answer at once and close (413, say): its answer may still be there.
        connection.send_failed()


def receive_response(
    sock: socket.socket, connection: http11.ClientConnection, max_body_size: int, deadline: float
) -> tuple[http11.Response, bytes]:
    """Read up to the end of the final response."""
    response: http11.Response | None = None
    body = bytearray()
    while True:
        event = next_event(sock, connection, deadline)
        match event:
            case http11.InformationalResponse():
                # 100, 103 and their like come before the answer, and nothing follows them but another head.
                continue
            case http11.Response():
                response = event
            case http11.Data():
                body += event.data
                if len(body) > max_body_size:
                    raise BodyTooLargeError(f"expected at most {max_body_size} bytes of body, got more")
            case http11.EndOfMessage() | http11.ConnectionClosed():
                # A close before the end of the message is not among the events: `next_event` raises then.
                break
            case _:
                assert_never(event)
    if response is None:
        raise ConnectionError("expected a response, got the end of the connection")
    return response, bytes(body)


def next_event(sock: socket.socket, connection: http11.ClientConnection, deadline: float) -> http11.ServerEvent:
    """Return the server's next event, and wait for it where necessary."""
    while True:
        event = connection.next_event()
        if not isinstance(event, type):
            return event
        if event is PAUSED:
            # It is so after a message only, and we read one and stop at its end.
            raise RuntimeError("expected to read within one message only")
        # What is left is NEED_DATA. At the end `recv` returns b"", which is how the engine wants to be told.
        sock.settimeout(remaining(deadline))
        connection.receive_data(sock.recv(RECEIVE_SIZE))


def show(response: http11.Response, body: bytes) -> None:
    """Print a response; what the server chose cannot steer the terminal, except in the body."""
    print(f"HTTP/{printable(response.http_version)} {response.status_code} {printable(response.reason)}")
    for name, value in response.headers.raw_items():
        print(f"{printable(name)}: {printable(value)}")
    print(flush=True)
    sys.stdout.buffer.write(body)
    sys.stdout.buffer.flush()


def printable(value: bytes) -> str:
    """Spell bytes beyond ASCII as escapes."""
    return value.decode("ascii", "backslashreplace")


def main() -> None:
    """Fetch the URL on the command line."""
    parser = argparse.ArgumentParser(description="Fetch a URL over HTTP/1.1.")
    parser.add_argument("url", help="such as http://example.com/")
    parser.add_argument("--data", help="POST this instead of a GET")
    parser.add_argument("--timeout", type=float, default=TIMEOUT, help="for the whole exchange, in seconds")
    arguments = parser.parse_args()
    url: str = arguments.url
    data: str | None = arguments.data
    timeout: float = arguments.timeout

    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname is None or not url.isascii():
        parser.error("expected a URL of ASCII that begins with http:// and a host")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        response, body = fetch(
            parts.hostname,
            parts.port or HTTP_PORT,
            target,
            method="GET" if data is None else "POST",
            body=b"" if data is None else data.encode(),
            timeout=timeout,
        )
    except (OSError, http11.ProtocolError, BodyTooLargeError) as error:
        sys.exit(f"{url}: {error}")
    show(response, body)


if __name__ == "__main__":
    main()
