"""Streams for parsers to disagree on: written by a grammar, taken from the vectors, mutated, spliced, cut in pieces.

Each is made from one number, so that a number is all it takes to make it again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from random import Random
from typing import Final, TypeAlias

import attrs

from http11 import CLIENT, SERVER, Role
from tests.harness import reading_vectors

GET: Final = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"

# What a client has asked, before its stream comes. A request that is seldom asked takes less of the search.
REQUESTS: Final[tuple[bytes, ...]] = (
    *[GET] * 6,
    b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    # This one is answered before it has been sent in full.
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
)


@attrs.frozen(kw_only=True)
class Case:
    """What arrives at a connection, and how it answers.

    Attributes:
        role: Who reads.
        pieces: What arrives, piece by piece.
        closed: Whether the connection ends behind that.
        request: What a client has asked before.
        limit: `max_incomplete_event_size`.
        answer: The status with which a server answers a request.
        switch: That with which it answers a proposal to switch; 0 for no answer.
        cycles: Whether a client asks again on the same connection; otherwise on a new one.

    """

    role: Role
    pieces: tuple[bytes, ...]
    closed: bool = False
    request: bytes = GET
    limit: int = 16384
    answer: int = 200
    switch: int = 0
    cycles: bool = False

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)


Pick: TypeAlias = Random
"""Where the choices come from."""


# --- by the grammar -------------------------------------------------------------------------------------------------

_METHODS = (
    [b"GET"] * 20 + [b"POST"] * 16 + [b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"CONNECT", b"PATCH", b"get", b"X-Y"]
)
_TARGETS = [b"/"] * 30 + [
    b"/a?b=c&d",
    b"/%20'\"<>[]^`{|}",
    b"//a/b",
    b"*",
    b"http://a/",
    b"http://a",
    b"https://a:443/?q",
    b"HTTP://A:80/",
    b"http://b/",
    b"urn:a:b",
    b"a:80",
    b"a:",
    b"[::1]:80",
    b"/a#b",
    b"a",
    b"/\x80",
]
_VERSIONS = [b"HTTP/1.1"] * 40 + [
    *[b"HTTP/1.0"] * 3,
    b"HTTP/1.2",
    b"HTTP/1.9",
    b"HTTP/2.0",
    b"HTTP/0.9",
    b"HTTP/9.9",
    b"http/1.1",
    b"HTTP/1.10",
    b"HTTP/11",
    b"HTTPS/1.1",
    b"ICY",
]
_STATUSES = [b"200"] * 40 + [
    *[b"100", b"103", b"204", b"304", b"404"] * 2,
    b"101",
    b"102",
    b"199",
    b"205",
    b"999",
    b"099",
    b"20",
    b"2000",
]
_REASONS = [b" OK"] * 16 + [b"", b" ", b"  ", b" \t\x80", b" \x01", b"  a  b ", b"\tOK", b" \x0b", b" a\x7f"]
_SPACES = [b" "] * 40 + [b"  ", b"\t", b"\x0b", b""]
_LINE_ENDS = [b"\r\n"] * 40 + [b"\n"] * 3 + [b"\r", b"\r\r\n", b" \r\n", b""]

# Whole fields, without the end of the line; more than one field where a fold makes it so.
FIELDS: Final[tuple[bytes, ...]] = (
    b"Content-Length: 5",
    b"Content-Length:5",
    b"content-length:\t0 ",
    b"Content-Length: 05",
    b"Content-Length: 3",
    b"Content-Length: 5, 5",
    b"Content-Length: 5,05",
    b"Content-Length: +5",
    b"Content-Length: 5_0",
    b"Content-Length: 0x5",
    b"Content-Length: -0",
    b"Content-Length:",
    b"Content-Length: 5,",
    b"Content-Length: 9223372036854775807",
    b"Content-Length: 9223372036854775808",
    b"Content-Length: 18446744073709551616",
    b"Content-Length: 18446744073709551621",
    b"Content-Length: 000000000000000000005",
    b"Content-Length:\r\n 5",
    b"Content-Length: 1\r\n 2",
    b"Content-Length : 5",
    b"Content_Length: 5",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding:\tChunked\t",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, gzip",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: chunked;q=1",
    b"Transfer-Encoding: chunked,",
    b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunkedx",
    b"Transfer-Encoding: chun ked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding:",
    b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding:\r\n chunked",
    b"Transfer-Encoding: chunked\r\n ",
    b"Transfer-Encoding\t: chunked",
    b"Host: a",
    b"Host: b",
    b"Host:",
    b"Host: a b",
    b"Host: [::1]:80",
    b"Host: a@b",
    b"Connection: close",
    b"Connection: keep-alive",
    b"Connection: Upgrade",
    b"Connection: x, Close",
    b"Connection: closed",
    b"Connection: close;x",
    b"Connection: close, keep-alive",
    b"Connection:\tclose\t,",
    b"Proxy-Connection: close",
    b"Keep-Alive: timeout=5",
    b"Upgrade: websocket",
    b"Upgrade: h2c, x",
    b"Upgrade: ,",
    b"Expect: 100-continue",
    b"Expect: 100-Continue, x",
    b"Trailer: X",
    b"X: y",
    b"X:",
    b"X: ",
    b"X-Y:  a b\t c ",
    b"!#$%&'*+-.^_`|~09: y",
    b"X: \x80\xff",
    b"X: a\x01b",
    b"X: a\x7f",
    b"X: a\x00b",
    b"X: \x0ba",
    b"X: a\x0c",
    b"X: a\rb",
    b"X: a:b",
    b"X: a\r\n b",
    b"X: a \r\n\t b ",
    b"X: a\r\n \r\n b",
    b"X:\r\n\ty",
    b"X : y",
    b"X Y: z",
    b" X: y",
    b"X",
    b": y",
    b"X\x80: y",
    b'Cookie: a=b; c="d"',
    b"Set-Cookie: a",
    b"Authorization: Basic x",
)

# Those that are right wherever they stand.
_RIGHT_FIELDS = [
    field
    for field in FIELDS
    if field.partition(b":")[0] in (b"X", b"X-Y", b"Connection", b"Upgrade", b"Expect", b"Trailer", b"Cookie")
    and not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", field)
]

_SIZE_ENDS = [b""] * 40 + [
    b";a",
    b";a=b",
    b';a="b;\\"c\t"',
    b" ;a",
    b"; a = b",
    b";a=b;c",
    b";a=",
    b";",
    b";;",
    b' ; a="x" ; b ',
    b" ",
    b"\t",
    b";\x80",
    b';a="\x01"',
    b';a="',
    b';a="\n"',
    b";a\rb",
    b";=b",
    b"x",
    b".5",
    b"\x00",
]
_RIGHT_SIZE_ENDS = [b""] * 9 + [b";a", b";a=b", b';a="b;\\"c\t"', b" ;a", b"; a = b", b";a=b;c"]
_TRAILERS = [
    b"X: t",
    b"Content-Length: 5",
    b"Content-Length: 5\r\nContent-Length: 6",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip",
    b"Host: b",
    b"Connection: close",
    b"Set-Cookie: a",
    b"X: a\r\n b",
    b" X: t",
    b"X : t",
    b"X",
    b"X: \x80",
    b"X: a\x01",
]


def _chunked(pick: Pick, line_end: Callable[[], bytes], *, wild: bool) -> bytes:
    parts: list[bytes] = []
    for _ in range(pick.randrange(4)):
        size = pick.choice([1, 2, 5, 10, 16, 17])
        spelled = pick.choice([b"%x", b"%x", b"%X", b"0%x", b"000%x"]) % size
        if wild and pick.random() < 0.03:
            spelled = pick.choice(
                [b"", b"+5", b"-5", b"0x5", b"5_0", b" 5", b"g", b"\xb2", b"F" * 17, b"0" * 16 + b"5"]
            )
            spelled += pick.choice([b"", b"0" * 4])
        data = pick.randbytes(size) if pick.random() < 0.3 else b"d" * size
        if wild and pick.random() < 0.03:
            data = pick.choice([data[1:], data + b"d"])
        parts += [spelled, pick.choice(_SIZE_ENDS if wild else _RIGHT_SIZE_ENDS), line_end(), data, line_end()]
    parts += [pick.choice([b"0", b"0", b"00", b"0" * 16, b"0;a=b", *([b"0 ", b"0" * 17] if wild else [])]), line_end()]
    while pick.random() < 0.25:
        parts += [pick.choice(_TRAILERS if wild else [b"X: t", b"Y:\t"]), line_end()]
    return b"".join([*parts, line_end()])


def message(pick: Pick, role: Role) -> bytes:
    """One message that `role` might receive: right, or wrong where parsers part ways."""
    wild = pick.random() < 0.6
    # Some messages keep to one line end, wrong or right; in others each line has its own.
    steady = pick.choice(_LINE_ENDS) if wild and pick.random() < 0.15 else b"\r\n"

    def line_end() -> bytes:
        return pick.choice(_LINE_ENDS) if wild and pick.random() < 0.03 else steady

    spaces = (pick.choice(_SPACES), pick.choice(_SPACES)) if wild else (b" ", b" ")
    version = pick.choice(_VERSIONS) if wild else pick.choice([b"HTTP/1.1"] * 9 + [b"HTTP/1.0"])
    fields: list[bytes] = []
    if role == SERVER:
        target = pick.choice(_TARGETS) if wild else pick.choice([b"/", b"/a?b=c", b"http://a/"])
        parts = [pick.choice(_METHODS), spaces[0], target, spaces[1], version]
        if wild and pick.random() < 0.02:
            parts = [pick.choice([b"PRI * HTTP/2.0", b"M" * pick.choice([64, 65, 80]) + b" / HTTP/1.1"])]
        if not wild or pick.random() < 0.95:
            fields.append(b"Host: a")
    else:
        parts = [version, spaces[0], pick.choice(_STATUSES), pick.choice(_REASONS) if wild else b" OK"]
    body = b""
    match pick.randrange(5):
        case 0:
            fields.append(b"Content-Length: 5")
            body = b"hello"
        case 1 | 2 if wild or version != b"HTTP/1.0":
            fields.append(b"Transfer-Encoding: chunked")
            body = _chunked(pick, line_end, wild=wild)
        case 3 if role == CLIENT:
            fields.append(b"Content-Length: 0")
        case _:
            body = pick.choice([b"", b"", b"hello"]) if role == CLIENT else b""
    fields += pick.choices(FIELDS if wild else _RIGHT_FIELDS, k=pick.choice([0, 0, 0, 1, 1, 2, 3]))
    if pick.random() < 0.3:
        pick.shuffle(fields)
    before = pick.choice([b"\r\n", b"\n", b"\r\n\r\n", b" "]) if wild and pick.random() < 0.05 else b""
    lines = [b"".join(parts), *fields, b""]
    return before + b"".join(line + line_end() for line in lines) + body


# --- mutations ------------------------------------------------------------------------------------------------------

_BYTES = [
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b"\x00",
    b"\x01",
    b"\x0b",
    b"\x0c",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\r\n\r\n",
]
_BYTES += [b":", b",", b";", b'"', b"\\", b"=", b"/", b"*", b"#", b"?", b"@", b"[", b"]", b"%", b"0", b"1", b"5", b"a"]
_TOKENS = [b"chunked", b"close", b"HTTP/1.1", b"HTTP/1.0", b"Content-Length", b"Transfer-Encoding", b"Host", b"GET"]
_TOKENS += [b"CONNECT", b"HEAD", b"Upgrade", b"Connection", b"100-continue", b"0", b"5", b"204", b"304", b"100", b"101"]
_TOKEN = re.compile(rb"[0-9A-Za-z_-]+|[^0-9A-Za-z_-]")


def _change_byte(pick: Pick, data: bytes) -> bytes:
    at = pick.randrange(len(data))
    match pick.randrange(5):
        case 0:
            return data[:at] + pick.randbytes(1) + data[at + 1 :]
        case 1:
            return data[:at] + pick.choice(_BYTES) + data[at + 1 :]
        case 2:
            return data[:at] + pick.choice(_BYTES) + data[at:]
        case 3:
            return data[:at] + data[at + pick.randrange(1, 8) :]
        case _:
            return data[: at + pick.randrange(1, 24)] + data[at:]


def _change_token(pick: Pick, data: bytes) -> bytes:
    tokens: list[bytes] = _TOKEN.findall(data)
    at = pick.randrange(len(tokens))
    match pick.randrange(5):
        case 0:
            tokens[at] = pick.choice(_TOKENS)
        case 1:
            tokens.insert(at, pick.choice(_TOKENS))
        case 2:
            tokens.insert(at, tokens[pick.randrange(len(tokens))])
        case 3:
            del tokens[at]
        case _:
            tokens[at] = tokens[at].swapcase()
    return b"".join(tokens)


def _change_line(pick: Pick, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    at = pick.randrange(len(lines))
    match pick.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines.insert(pick.randrange(len(lines)), lines[at])
        case 2:
            lines.insert(pick.randrange(len(lines)), lines.pop(at))
        case 3:
            lines[at] = lines[at].rstrip(b"\r\n") + pick.choice(_LINE_ENDS)
        case _:
            lines.insert(at, pick.choice([b"\r\n", b"\n", b"0\r\n", b" \r\n"]))
    return b"".join(lines)


def _change_field(pick: Pick, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    places = [at for at, line in enumerate(lines) if b":" in line]
    if not places:
        return data
    at = pick.choice(places)
    name, _, value = lines[at].partition(b":")
    match pick.randrange(7):
        case 0:
            lines.insert(at, pick.choice(FIELDS) + b"\r\n")
        case 1:
            lines[at] = pick.choice(FIELDS) + b"\r\n"
        case 2:
            lines[at] = name.swapcase() + b":" + value
        case 3:
            lines[at] = name + b":" + pick.choice([b"\t", b"  ", b"\r\n ", b"\x0b"]) + value
        case 4:
            lines[at] = name + b":" + value.rstrip(b"\r\n") + pick.choice([b" ", b"\t", b",", b"\r\n "]) + b"\r\n"
        case 5:
            lines.insert(at, name + b":" + pick.choice(FIELDS).partition(b":")[2] + b"\r\n")
        case _:
            lines[at] = name + pick.choice([b" ", b"\t", b"\x00", b"\r\n "]) + b":" + value
    return b"".join(lines)


_MUTATIONS: Final[tuple[Callable[[Pick, bytes], bytes], ...]] = (
    _change_byte,
    _change_token,
    _change_line,
    _change_field,
)


def mutated(pick: Pick, data: bytes) -> bytes:
    """Return `data`, changed at a few places or at none."""
    for _ in range(pick.choice([0, 0, 0, 0, 0, 1, 1, 1, 2, 4])):
        if data:
            data = pick.choice(_MUTATIONS)(pick, data)
    return data


def spliced(pick: Pick, first: bytes, second: bytes) -> bytes:
    """Return the beginning of one stream and the end of another."""
    if pick.random() < 0.5:
        return first[: pick.randint(0, len(first))] + second[pick.randint(0, len(second)) :]
    above, below = first.splitlines(keepends=True), second.splitlines(keepends=True)
    return b"".join(above[: pick.randint(0, len(above))] + below[pick.randint(0, len(below)) :])


# --- cases ----------------------------------------------------------------------------------------------------------


@cache
def seeds(role: Role) -> tuple[Case, ...]:
    """Return the vectors of a role, each in one piece."""
    return tuple(
        Case(
            role=role,
            pieces=(vector.data,),
            closed=vector.closed,
            request=vector.request or GET,
            limit=vector.limit,
        )
        for vector in reading_vectors()
        if vector.role == role
    )


def cut(pick: Pick, data: bytes) -> tuple[bytes, ...]:
    """Cut a stream in pieces: none, single bytes, or a few."""
    match pick.randrange(4):
        case 0:
            places: Sequence[int] = range(1, len(data))
        case 1:
            places = ()
        case _:
            places = sorted(pick.randint(0, len(data)) for _ in range(pick.randint(1, 5)))
    pieces = [data[start:stop] for start, stop in zip([0, *places], [*places, len(data)], strict=True)]
    return tuple(piece for piece in pieces if piece)


def case(number: int, role: Role) -> Case:
    """Make the case of this number."""
    pick = Random(number)
    made = Case(
        role=role,
        pieces=(),
        request=pick.choice(REQUESTS) if role == CLIENT else GET,
        closed=pick.random() < 0.3,
        limit=pick.choice([20, 40, 64, 128]) if pick.random() < 0.05 else 16384,
        answer=pick.choice([200, 200, 200, 204, 404]),
        switch=pick.choice([0, 0, 101, 200, 404]),
        cycles=role == CLIENT and pick.random() < 0.3,
    )
    kind = pick.random()
    if kind < 0.6:
        data = b"".join(message(pick, role) for _ in range(pick.choice([1, 1, 1, 2, 3])))
    elif kind < 0.85:
        seed = pick.choice(seeds(role))
        data = seed.data
        if pick.random() < 0.8:
            made = attrs.evolve(made, closed=seed.closed, request=seed.request, limit=seed.limit)
        if pick.random() < 0.3:
            data += message(pick, role)
    else:
        pool = [message(pick, role), pick.choice(seeds(role)).data, pick.choice(seeds(role)).data]
        pick.shuffle(pool)
        data = spliced(pick, pool[0], pool[1])
    return attrs.evolve(made, pieces=cut(pick, mutated(pick, data)))


def shrunk(found: Case, still: Callable[[Case], bool]) -> Case:
    """Return a smaller case of which `still` holds: with fewer pieces and bytes, and answers as they mostly are."""
    plain = Case(role=found.role, pieces=())
    for name in ("closed", "request", "limit", "answer", "switch", "cycles"):
        simpler = attrs.evolve(found, **{name: getattr(plain, name)})
        found = simpler if still(simpler) else found
    whole = attrs.evolve(found, pieces=(found.data,))
    found = whole if still(whole) else found
    size = max(1, len(found.data) // 2)
    while size:
        at = 0
        while at < len(found.data):
            smaller = without(found, at, at + size)
            if still(smaller):
                found = smaller
            else:
                at += size
        size //= 2
    return found


def without(found: Case, start: int, stop: int) -> Case:
    """Return a case that lacks some bytes, and is cut where it was."""
    pieces: list[bytes] = []
    at = 0
    for piece in found.pieces:
        pieces.append(piece[: max(0, start - at)] + piece[max(0, stop - at) :])
        at += len(piece)
    return attrs.evolve(found, pieces=tuple(piece for piece in pieces if piece))
