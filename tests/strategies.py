"""Generated events and streams. The grammar is written out here from the RFCs, apart from `http11.grammar`."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from http11 import CLIENT, SERVER, Data, EndOfMessage, InformationalResponse, Request, Response, Role

# RFC 9110 5.6.2
TCHAR = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
# RFC 9110 5.5: VCHAR and obs-text; SP and HTAB between them
VCHAR = bytes(range(0x21, 0x7F)) + bytes(range(0x80, 0x100))
# RFC 9112 3.2: what a request target can be made of
TARGET = bytes(set(range(0x21, 0x7F)) - {ord("#")})

# Fields with a meaning for the engine, which are generated on their own.
MEANINGFUL = {b"host", b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"expect"}


def made_of(alphabet: bytes, *, min_size: int = 1, max_size: int = 12) -> st.SearchStrategy[bytes]:
    """Bytes out of `alphabet`."""
    return st.lists(st.sampled_from(alphabet), min_size=min_size, max_size=max_size).map(bytes)


tokens = made_of(TCHAR)
values = st.lists(made_of(VCHAR, max_size=8), max_size=3).flatmap(
    lambda words: st.sampled_from([b" ", b"\t", b" \t "]).map(lambda space: space.join(words))
)
field_names = tokens.filter(lambda name: name.lower() not in MEANINGFUL)
# Names that no trailer section may have, and more, are left out of generated trailers.
trailer_names = made_of(TCHAR).map(lambda name: b"x-" + name)

Pairs = list[tuple[bytes, bytes]]


def spelled(name: bytes) -> st.SearchStrategy[bytes]:
    """`name` in several cases."""
    return st.sampled_from([name, name.lower(), name.upper(), name.title(), name.swapcase()])


def fields(names: st.SearchStrategy[bytes] = field_names) -> st.SearchStrategy[Pairs]:
    """Fields that mean nothing to the engine."""
    return st.lists(st.tuples(names, values), max_size=5)


@st.composite
def meaningful(draw: st.DrawFn, name: bytes, value: st.SearchStrategy[bytes]) -> Pairs:
    """One field that means something, or none."""
    return [(draw(spelled(name)), draw(value))] if draw(st.booleans()) else []


hosts = st.sampled_from(
    [b"", b"a", b"example.com", b"example.com:8080", b"127.0.0.1", b"[::1]", b"[2001:db8::1]:443", b"a_b%20c:"]
)
lengths = st.sampled_from([b"0", b"1", b"5", b"17", b"007", b"5,5", b"9223372036854775807"])
codings = st.sampled_from([b"chunked", b"Chunked", b"CHUNKED"])
connections = st.sampled_from([b"close", b"keep-alive", b"Close, x", b"upgrade", b"keep-alive, Upgrade"])
framings: st.SearchStrategy[Pairs] = st.one_of(
    st.just([]), meaningful(b"Content-Length", lengths), meaningful(b"Transfer-Encoding", codings)
)


def shuffled(parts: Sequence[Pairs]) -> st.SearchStrategy[Pairs]:
    """All of the fields, in any order."""
    return st.permutations([pair for pairs in parts for pair in pairs])


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Any request that can be made, and sent."""
    host = draw(hosts)
    tokens_and_paths = st.tuples(
        st.sampled_from([b"GET", b"POST", b"HEAD", b"get"]) | tokens, made_of(TARGET).map(b"/".__add__)
    ).filter(lambda pair: pair[0] != b"CONNECT")
    choices = [tokens_and_paths, st.just((b"OPTIONS", b"*"))]
    if host not in (b"", b"a_b%20c:"):
        choices.append(st.just((b"GET", b"http://" + host + b"/a?b")))
    if host == b"example.com":
        choices.append(st.just((b"CONNECT", b"example.com:443")))
    method, target = draw(st.one_of(choices))
    framing = [] if method == b"CONNECT" else draw(framings)
    # A client has nothing to wait for where it has no content (SD-16).
    has_content = any(value != b"0" for _, value in framing)
    pairs = draw(
        shuffled(
            [
                [(draw(spelled(b"Host")), host)],
                draw(fields()),
                framing,
                draw(meaningful(b"Connection", connections)),
                draw(meaningful(b"Upgrade", st.just(b"websocket"))),
                draw(meaningful(b"Expect", st.just(b"100-continue"))) if has_content else [],
            ]
        )
    )
    return Request(method=method, target=target, headers=pairs)


reasons = st.lists(st.sampled_from(VCHAR + b" \t"), max_size=12).map(bytes)


@st.composite
def responses(draw: st.DrawFn) -> Response:
    """Any final response that can be made, and sent."""
    length = draw(meaningful(b"Content-Length", lengths))
    coding = draw(meaningful(b"Transfer-Encoding", codings))
    pairs = draw(shuffled([draw(fields()), length, coding, draw(meaningful(b"Connection", connections))]))
    code = draw(st.sampled_from([200, 204, 304, 404, 500, 999]) | st.integers(200, 999))
    return Response(status_code=code, headers=pairs, reason=draw(reasons))


@st.composite
def informational_responses(draw: st.DrawFn) -> InformationalResponse:
    """Any interim response that can be made, and sent, but for a 101."""
    code = draw(st.integers(100, 199).filter(lambda code: code != 101))
    return InformationalResponse(status_code=code, headers=draw(fields()), reason=draw(reasons))


ends = fields(trailer_names).map(lambda pairs: EndOfMessage(headers=pairs))
payloads = st.binary(max_size=40)
datas = st.builds(Data, payloads, st.booleans(), st.booleans())
roles: st.SearchStrategy[Role] = st.sampled_from([CLIENT, SERVER])


# --- streams --------------------------------------------------------------------------------------------------------

_CODINGS = st.sampled_from(
    [b"chunked"] * 4
    + [b"CHUNKED", b"gzip, chunked", b"chunked,", b"", b"identity", b"chunked, chunked", b"chunked, gzip"]
)
# Lines that are no field lines: some that a client may leave out, and some that it may not.
broken_lines = st.sampled_from(
    [
        b"get-ban/forum.php: x",
        b"[error] y",
        b"X Y: z",
        b": z",
        b" a b",
        b"\t",
        b"Content-Length",
        b" Content-Length: 6",
        b"Content Length: 6",
        b"(Transfer-Encoding): chunked",
        b"Connection",
        b"HTTP/1.1 204",
        b"a\x01 b",
        b"a b\x00",
    ]
)
_EOL = [b"\r\n"] * 12 + [b"\n", b"\r", b"\r\r\n", b"", b"\r\n ", b" \r\n"]
_SPACE = [b""] * 3 + [b" "] * 6 + [b"\t", b"  ", b"\x0b", b"\x0c", b"\x00"]
_SIZES = [
    b"5",
    b"05",
    b"5;a=b",
    b'5 ; a = "b;\\"c"',
    b"5 ",
    b"0x5",
    b"+5",
    b"",
    b"5;",
    b"5;\x01",
    b"g",
    b"5;a=",
    b"F" * 17,
]


@st.composite
def messages(draw: st.DrawFn, role: Role) -> bytes:
    """What `role` might receive: mostly right, and wrong in the ways in which parsers differ."""
    eol = draw(st.sampled_from(_EOL))

    def line(*parts: bytes) -> bytes:
        return b"".join(parts) + draw(st.sampled_from([b"\r\n", b"\r\n", eol]))

    if role == SERVER:
        start = line(
            draw(st.sampled_from([b"GET", b"POST", b"HEAD", b"CONNECT", b"OPTIONS", b"PRI", b"G@T", b""])),
            draw(st.sampled_from([b" "] * 9 + [b"  ", b"\t"])),
            draw(st.sampled_from([b"/"] * 5 + [b"*", b"/a?b#c", b"http://a/", b"http://b/", b"a:80", b"a", b"/\x80"])),
            b" ",
            draw(
                st.sampled_from([b"HTTP/1.1"] * 9 + [b"HTTP/1.0", b"HTTP/1.7", b"HTTP/2.0", b"http/1.1", b"HTTP/1.11"])
            ),
        )
    else:
        start = line(
            draw(st.sampled_from([b"HTTP/1.1"] * 9 + [b"HTTP/1.0", b"HTTP/2.0", b"ICY", b""])),
            b" ",
            draw(st.sampled_from([b"200"] * 5 + [b"100", b"101", b"204", b"304", b"099", b"20", b"2000"])),
            draw(st.sampled_from([b" OK", b" ", b"", b" \x01", b" \xff\t"])),
        )
    pool: list[tuple[bytes, st.SearchStrategy[bytes]]] = [
        (b"Host", st.sampled_from([b"a"] * 9 + [b"", b"a b", b"b", b"a:b", b"[::1]"])),
        (b"Content-Length", st.sampled_from([b"5", b"5", b"0", b"5, 5", b"+5", b"5_0", b"", b"6", b"5" * 21])),
        (b"Transfer-Encoding", _CODINGS),
        (b"Connection", connections),
        (b"Upgrade", st.just(b"x")),
        (b"Expect", st.just(b"100-continue")),
        (b"X", st.sampled_from([b"y", b"", b"a\x01b", b"a\x00b", b"\xe9", b"a\r\n b", b"a\x0bb"])),
        (b"X Y", st.just(b"z")),
        (b"", st.just(b"z")),
        (b" Z", st.just(b"z")),
        (b"Authorization", st.just(b"SECRET")),
    ]
    names = draw(st.lists(st.sampled_from(range(len(pool))), max_size=4))
    if role == SERVER and draw(st.integers(0, 9)):
        names = [0, *(name for name in names if name != 0)]
    head = b"".join(
        line(
            pool[i][0],
            draw(st.sampled_from([b":"] * 9 + [b" :", b""])),
            draw(st.sampled_from(_SPACE)),
            draw(pool[i][1]),
        )
        for i in names
    )
    if not draw(st.integers(0, 3)):
        head += line(draw(broken_lines))
    size = draw(st.sampled_from([b"5"] * 8 + _SIZES))
    body = draw(
        st.sampled_from(
            [
                b"",
                b"hello",
                line(size) + line(b"hello") + line(b"0") + line(b""),
                line(size) + line(b"hello") + line(b"000") + line(b"x: y") + line(b""),
                line(size) + b"hel",
            ]
        )
    )
    return draw(st.sampled_from([b""] * 9 + [b"\r\n", b"\n"])) + start + head + line(b"") + body


def streams(role: Role) -> st.SearchStrategy[bytes]:
    """Some messages behind each other, some of them mutated, or plain garbage."""
    return st.one_of(
        st.lists(messages(role), min_size=1, max_size=3).map(b"".join),
        mutated(messages(role)),
        st.binary(max_size=60),
        st.lists(st.sampled_from(b'\r\n :;="\\GETHP/1.0,chunked\x00\x80'), max_size=60).map(bytes),
    )


@st.composite
def mutated(draw: st.DrawFn, source: st.SearchStrategy[bytes]) -> bytes:
    """A stream with a few bytes changed, left out, put in or repeated."""
    data = bytearray(draw(source))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        match draw(st.integers(0, 3)):
            case 0:
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case 1:
                del data[at : at + draw(st.integers(1, 4))]
            case 2:
                data[at:at] = draw(
                    st.sampled_from([b"\r", b"\n", b"\r\n", b" ", b"\t", b"\x00", b":", b"\x80", b"0", b";"])
                )
            case _:
                data[at:at] = data[at : at + draw(st.integers(1, 20))]
    return bytes(data)


@st.composite
def cut(draw: st.DrawFn, source: st.SearchStrategy[bytes]) -> list[bytes]:
    """A stream in pieces."""
    data = draw(source)
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True) if a < b]
