"""What the contenders are given: whole messages, as browsers, command-line clients and web APIs send them.

Nothing here is timed. Every value is a new object each time it is made, as it is when it comes from a socket or from
an application, so that no engine gains by a hash that Python has kept, or by two values being one object.
"""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, TypeAlias

import attrs

Field: TypeAlias = tuple[bytes, bytes]


@attrs.frozen
class Ask:
    """A request, before any engine has seen it."""

    method: bytes
    target: bytes
    fields: list[Field]
    body: bytes = b""
    chunk: int = 0
    """The size of a chunk of the body; 0 where the body has a length."""


@attrs.frozen
class Answer:
    """A response, before any engine has seen it."""

    status: int
    reason: bytes
    fields: list[Field]
    body: bytes


@attrs.frozen
class Exchange:
    ask: Ask
    answer: Answer
    pieces: list[bytes]
    """What arrives at the side that is measured, as it is received."""


Kind: TypeAlias = Literal["serve", "fetch", "both ends"]
"""What is timed: a server that reads requests and answers them, a client that reads answers, or one of each."""


@attrs.frozen(kw_only=True)
class Workload:
    name: str
    kind: Kind
    about: str
    make: Callable[[random.Random], Exchange]
    per_connection: int = 20
    connections: int = 15
    keep: int | None = None
    """How many pieces of a body are kept by an application that takes each as it comes; `None`: it wants the whole."""
    message: bool = True
    """Whether it is about messages on a connection that is kept, and so counts in the geometric mean."""
    tolerant: bool = False
    """Whether engines that can be told what to tolerate are told to: http11 gets the policy `H11`."""

    def connections_worth(self, seed: int) -> list[list[Exchange]]:
        """Make what one timed sample reads: the same for the same seed."""
        rng = random.Random(seed)
        return [[self.make(rng) for _ in range(self.per_connection)] for _ in range(self.connections)]

    @property
    def messages(self) -> int:
        return self.connections * self.per_connection


# --- bytes and fields -----------------------------------------------------------------------------------------------


def fresh(value: bytes) -> bytes:
    return bytes(memoryview(value))


def fresh_fields(fields: Iterable[Field]) -> list[Field]:
    return [(fresh(name), fresh(value)) for name, value in fields]


def fresh_exchange(exchange: Exchange) -> Exchange:
    """Return an equal exchange that shares no bytes with the given one."""
    ask, answer = exchange.ask, exchange.answer
    return Exchange(
        Ask(fresh(ask.method), fresh(ask.target), fresh_fields(ask.fields), fresh(ask.body), ask.chunk),
        Answer(answer.status, fresh(answer.reason), fresh_fields(answer.fields), fresh(answer.body)),
        [fresh(piece) for piece in exchange.pieces],
    )


def parsed(fields: str) -> list[Field]:
    """Read fields from text, one a line, as they are kept below."""
    pairs = [line.split(": ", 1) for line in fields.strip().splitlines()]
    return [(name.encode(), value.encode()) for name, value in pairs]


def head(start: bytes, fields: Iterable[Field]) -> bytes:
    return start + b"\r\n" + b"".join([b"%b: %b\r\n" % field for field in fields]) + b"\r\n"


def chunks(body: bytes, size: int) -> list[bytes]:
    """Return the chunks of a body, each with its line and its CRLFs, and the last chunk with an empty trailer."""
    return [*[b"%x\r\n%b\r\n" % (len(part), part) for part in cut(body, size)], b"0\r\n\r\n"]


def request_bytes(ask: Ask) -> bytes:
    """Spell a request; how an engine would is no matter, this is what it gets."""
    body = b"".join(chunks(ask.body, ask.chunk)) if ask.chunk else ask.body
    return head(b"%b %b HTTP/1.1" % (ask.method, ask.target), ask.fields) + body


def response_bytes(answer: Answer) -> bytes:
    return head(b"HTTP/1.1 %d %b" % (answer.status, answer.reason), answer.fields) + answer.body


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


_LOWER: Final = string.ascii_lowercase.encode()
_UPPER: Final = string.ascii_uppercase.encode()
_DIGITS: Final = string.digits.encode()
# Fewer letters and digits than this may come up twice.
_ENOUGH: Final = 8


def scrambled(rng: random.Random, value: bytes) -> bytes:
    """Return another value of the same shape: each letter and digit is another one, punctuation stays."""
    noise = rng.randbytes(len(value))
    found = bytearray(value)
    changed = 0
    for at, byte in enumerate(value):
        for among in (_LOWER, _DIGITS, _UPPER):
            if byte in among:
                found[at] = among[noise[at] % len(among)]
                changed += 1
                break
    if changed < _ENOUGH:
        found += b"%08d" % rng.randrange(10**8)
    return bytes(found)


def all_different(rng: random.Random, fields: Sequence[Field], keep: Sequence[bytes] = ()) -> list[Field]:
    return [(name, value if name.lower() in keep else scrambled(rng, value)) for name, value in fields]


# --- the messages ---------------------------------------------------------------------------------------------------

_CURL: Final = parsed("""
Host: example.com
User-Agent: curl/8.5.0
Accept: */*
""")

# With `GET /`, the request is 50 bytes long.
_FEWEST: Final = parsed("""
Host: example.com
Accept: */*
""")

_BROWSER: Final = parsed("""
Host: www.example.com
Connection: keep-alive
Cache-Control: max-age=0
sec-ch-ua: "Not)A;Brand";v="8", "Chromium";v="138", "Google Chrome";v="138"
sec-ch-ua-mobile: ?0
sec-ch-ua-platform: "Linux"
Upgrade-Insecure-Requests: 1
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8
Sec-Fetch-Site: same-origin
Sec-Fetch-Mode: navigate
Sec-Fetch-User: ?1
Sec-Fetch-Dest: document
Referer: https://www.example.com/products/kitchen?page=3&sort=price
Accept-Encoding: gzip, deflate, br, zstd
Accept-Language: en-GB,en-US;q=0.9,en;q=0.8,de;q=0.7
Cookie: session=eyJhbGciOiJIUzI1NiJ9.c2Vzc2lvbjo0MjQyNDI0Mg.k3J9xQ2v; theme=dark; _ga=GA1.2.1043211871.1718042211
""")
_BROWSER_TARGET: Final = b"/products/kitchen/kettle-17?ref=list&position=12"

_API_CLIENT: Final = parsed("""
Host: api.example.com
Accept-Encoding: gzip, deflate
Connection: keep-alive
User-Agent: python-httpx/0.28.1
Accept: application/json
Authorization: Bearer 7f3a9c1e5b2d4860a1c3e5f7092b4d6e
Content-Type: application/json
Idempotency-Key: 4f0c1d9e-7f0b-4a57-8d5c-0b1f5e3a9d21
""")

_SMALL_ANSWER: Final = parsed("""
date: Sun, 09 Nov 2025 10:42:17 GMT
server: uvicorn
content-type: text/plain; charset=utf-8
""")

_NO_CONTENT: Final = parsed("""
date: Sun, 09 Nov 2025 10:42:17 GMT
server: uvicorn
""")

_PAGE_ANSWER: Final = parsed("""
date: Sun, 09 Nov 2025 10:42:17 GMT
server: uvicorn
content-type: text/html; charset=utf-8
cache-control: private, max-age=60
etag: W/"5f2c-19a68b3d2e1"
vary: Accept-Encoding, Cookie
x-request-id: 0b5d6f6c-9f0e-4d0a-8a39-6a8e0f6f5c11
""")

_API_ANSWER: Final = parsed("""
Date: Sun, 09 Nov 2025 10:42:17 GMT
Content-Type: application/json; charset=utf-8
Connection: keep-alive
Server: nginx
Cache-Control: private, max-age=60, s-maxage=60
Vary: Accept, Authorization, Cookie, Accept-Encoding
ETag: W/"d8f0a6a3b6c4f5e1e3c6a8f9d0b2c4e6"
X-RateLimit-Limit: 5000
X-RateLimit-Remaining: 4987
X-RateLimit-Reset: 1762688537
X-Request-Id: 8E2A:3C5F1B:1A2B3C4D:1B2C3D4E:690F1C59
Strict-Transport-Security: max-age=31536000; includeSubdomains; preload
X-Content-Type-Options: nosniff
Access-Control-Allow-Origin: *
""")
_VARIED_BY_API: Final = (b"etag", b"x-ratelimit-remaining", b"x-request-id")

_TRACED: Final = [(b"X-Internal-Trace-%02d" % n, b"value-%02d-3f9a1c5e7b2d4860" % n) for n in range(57)]

_TEXT: Final = b"Hello, world! "


def answer(fields: Sequence[Field], body: bytes, name: bytes = b"content-length") -> Answer:
    return Answer(200, b"OK", [*fields, (name, b"%d" % len(body))], body)


def items(rng: random.Random, count: int) -> bytes:
    """Return JSON, as an API would send it."""
    found = [
        {
            "id": rng.randrange(10**9),
            "name": scrambled(rng, b"stainless kettle").decode(),
            "price": {"currency": "EUR", "amount": rng.randrange(100, 99999) / 100},
            "tags": ["kitchen", "new"],
            "available": rng.random() < 0.5,
        }
        for _ in range(count)
    ]
    return json.dumps({"items": found, "next": None}).encode()


def served(ask: Ask, given: Answer, size: int = 0) -> Exchange:
    """Make an exchange whose request is what arrives, in pieces of `size` bytes, or in one."""
    data = request_bytes(ask)
    return Exchange(ask, given, cut(data, size) if size else [data])


def small_get(_: random.Random) -> Exchange:
    return served(Ask(b"GET", b"/", _CURL), answer(_SMALL_ANSWER, _TEXT))


def smallest_get(_: random.Random) -> Exchange:
    return served(Ask(b"GET", b"/", _FEWEST), Answer(204, b"No Content", _NO_CONTENT, b""))


def smallest_get_in_bits(_: random.Random) -> Exchange:
    return served(Ask(b"GET", b"/", _FEWEST), Answer(204, b"No Content", _NO_CONTENT, b""), 16)


def browser_get(_: random.Random) -> Exchange:
    return served(Ask(b"GET", _BROWSER_TARGET, _BROWSER), answer(_PAGE_ANSWER, _TEXT * 40))


def browser_get_different(rng: random.Random) -> Exchange:
    ask = Ask(b"GET", b"/" + scrambled(rng, _BROWSER_TARGET[1:]), all_different(rng, _BROWSER))
    return served(ask, answer(all_different(rng, _PAGE_ANSWER), _TEXT * rng.randrange(35, 45)))


def browser_get_in_bits(_: random.Random) -> Exchange:
    return served(Ask(b"GET", _BROWSER_TARGET, _BROWSER), answer(_PAGE_ANSWER, _TEXT * 40), 16)


def browser_get_in_bytes(rng: random.Random) -> Exchange:
    exchange = browser_get_different(rng)
    return attrs.evolve(exchange, pieces=cut(b"".join(exchange.pieces), 1))


def browser_get_in_bare_lf(rng: random.Random) -> Exchange:
    exchange = browser_get_different(rng)
    return attrs.evolve(exchange, pieces=[piece.replace(b"\r\n", b"\n") for piece in exchange.pieces])


def browser_get_folded(rng: random.Random) -> Exchange:
    exchange = browser_get_different(rng)
    ask = exchange.ask
    fields = [
        (name, value.replace(b" ", b"\r\n ", 2) if name in (b"sec-ch-ua", b"Cookie") else value)
        for name, value in ask.fields
    ]
    return attrs.evolve(exchange, pieces=[request_bytes(attrs.evolve(ask, fields=fields))])


def small_post(rng: random.Random) -> Exchange:
    body = items(rng, 7)[:1024].ljust(1024)
    fields = [*all_different(rng, _API_CLIENT, [b"host", b"connection"]), (b"Content-Length", b"1024")]
    return served(Ask(b"POST", b"/v2/items", fields, body), answer(_SMALL_ANSWER, b'{"id": 17}'))


def upload() -> Ask:
    fields = [*_API_CLIENT, (b"Transfer-Encoding", b"chunked")]
    return Ask(b"PUT", b"/v2/files/report.csv", fields, b"0123456789abcdef" * 4096, 4096)


def chunked_upload(_: random.Random) -> Exchange:
    return served(upload(), answer(_SMALL_ANSWER, b'{"id": 17}'), 16384)


def chunks_alone(_: random.Random) -> Exchange:
    ask = upload()
    pieces = [head(b"%b %b HTTP/1.1" % (ask.method, ask.target), ask.fields), *chunks(ask.body, ask.chunk)]
    return Exchange(ask, answer(_SMALL_ANSWER, b'{"id": 17}'), pieces)


def many_fields(_: random.Random) -> Exchange:
    return served(Ask(b"GET", b"/status", _CURL + _TRACED), answer(_SMALL_ANSWER, _TEXT))


def api_ask() -> Ask:
    return Ask(b"GET", b"/v2/items?page=3", _API_CLIENT[:6])


def api_response(rng: random.Random) -> Exchange:
    fields = [(name, scrambled(rng, value) if name.lower() in _VARIED_BY_API else value) for name, value in _API_ANSWER]
    given = answer(fields, items(rng, rng.randrange(4, 9)), b"Content-Length")
    return Exchange(api_ask(), given, [response_bytes(given)])


DOWNLOAD: Final = 16 * 1024 * 1024
PIECE: Final = 64 * 1024


def download(_: random.Random, size: int = DOWNLOAD) -> Exchange:
    given = answer(_API_ANSWER, b"0123456789abcdef" * (size // 16), b"Content-Length")
    return Exchange(api_ask(), given, cut(response_bytes(given), PIECE))


# Peers that cannot read these name them.
BARE_LF: Final = "head in bare LF"
FOLDED: Final = "folded head"

WORKLOADS: Final = (
    Workload(
        name="small GET",
        kind="serve",
        about="A request of curl, 3 fields, and an answer of 14 bytes.",
        make=small_get,
    ),
    Workload(
        name="browser GET, identical",
        kind="serve",
        about="A request of a browser, 17 fields and 0.9 KB; the same each time, and so is the answer.",
        make=browser_get,
    ),
    Workload(
        name="browser GET, all different",
        kind="serve",
        about="The same, but the target and every value of every field are different each time, those of the answer "
        "too, so that no cache of what has been seen helps.",
        make=browser_get_different,
    ),
    Workload(
        name="1 KiB POST",
        kind="serve",
        about="An API's client sends 1 KiB of JSON, with 9 fields.",
        make=small_post,
    ),
    Workload(
        name="50-byte GET in 16-byte pieces",
        kind="serve",
        about="A request of 2 fields and 50 bytes arrives in 4 pieces, and is answered with 204 and 2 fields.",
        make=smallest_get_in_bits,
    ),
    Workload(
        name="browser GET in 16-byte pieces",
        kind="serve",
        about="The browser's request, identical each time, arrives 16 bytes at a time.",
        make=browser_get_in_bits,
        per_connection=10,
        connections=6,
    ),
    Workload(
        name="16 chunks, each received alone",
        kind="serve",
        about="A request with 9 fields, then 16 chunks of 4 KiB, each with its line and its CRLFs in a receive of its "
        "own, as clients write them, then the last chunk.",
        make=chunks_alone,
        per_connection=10,
        connections=6,
    ),
    Workload(
        name="16 chunks, four at a time",
        kind="serve",
        about="The same bytes arrive 16 KiB at a time, wherever that cuts them.",
        make=chunked_upload,
        per_connection=10,
        connections=6,
    ),
    Workload(
        name="60 fields",
        kind="serve",
        about="A request with 60 fields and 2.8 KB, such as a chain of proxies makes; identical each time.",
        make=many_fields,
    ),
    Workload(
        name="client, API response",
        kind="fetch",
        about="A client reads about 0.7 KB of JSON with 15 fields, 3 of which and the body are different each time. "
        "Its request has been sent before, which is not timed.",
        make=api_response,
        per_connection=1,
        connections=200,
    ),
    Workload(
        name="round trip, both ends",
        kind="both ends",
        about="A client sends an API request, a server reads it and answers, and the client reads that.",
        make=api_response,
    ),
    Workload(
        name="16 MiB download",
        kind="fetch",
        about="A client reads a body of 16 MiB with a length, 64 KiB at a time, and takes each piece as it comes.",
        make=download,
        per_connection=1,
        connections=1,
        keep=1,
        message=False,
    ),
    Workload(
        name="new connection for each GET",
        kind="serve",
        about="The request of 50 bytes, in one piece, each on a connection of its own, which is made, read from, "
        "written to and thrown away.",
        make=smallest_get,
        per_connection=1,
        connections=200,
        message=False,
    ),
    Workload(
        name=BARE_LF,
        kind="serve",
        about="The browser's request, all different, each of its lines ended by LF alone.",
        make=browser_get_in_bare_lf,
        tolerant=True,
    ),
    Workload(
        name=FOLDED,
        kind="serve",
        about="The browser's request, all different, two of its fields folded over three lines each.",
        make=browser_get_folded,
        tolerant=True,
    ),
    Workload(
        name="head byte by byte",
        kind="serve",
        about="The browser's request, all different, with CRLF, each byte in a receive of its own.",
        make=browser_get_in_bytes,
        per_connection=2,
        connections=4,
        tolerant=True,
    ),
)
