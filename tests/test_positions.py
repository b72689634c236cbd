"""All 256 bytes in every position of a small message of each kind, against the RFCs' sets, which are written out here.

Each message is a list of parts. A part that is one set stands for as many positions as it has bytes: at each of them,
just the bytes of the set make a message that is accepted. The sets are about this message: where any token will do as
a method, all of `TCHAR` stands there, and where the message needs its Host, only the two cases of each letter.
"""

from __future__ import annotations

import pytest

from http11 import (
    CLIENT,
    H11,
    SERVER,
    STRICT,
    Connection,
    Data,
    EndOfMessage,
    Policy,
    RemoteProtocolError,
    Request,
    Role,
)

ALPHA = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
DIGIT = frozenset(b"0123456789")
HEXDIG = DIGIT | frozenset(b"abcdefABCDEF")
# RFC 9110 5.6.2
TCHAR = ALPHA | DIGIT | frozenset(b"!#$%&'*+-.^_`|~")
VCHAR = frozenset(range(0x21, 0x7F))
OBS_TEXT = frozenset(range(0x80, 0x100))
OWS = frozenset(b" \t")
# RFC 9110 5.5: what a value may have inside, and RFC 9112 4: what a reason may
TEXT = VCHAR | OBS_TEXT | OWS
# RFC 9112 3.2, RFC 3986: all of visible ASCII, without the mark of a fragment
TARGET = VCHAR - frozenset(b"#")
# RFC 3986 3.2.2: unreserved and sub-delims; a "%" would need two digits behind it
REG_NAME = ALPHA | DIGIT | frozenset(b"-._~!$&'()*+,;=")
# RFC 9110 5.6.4: what a quoted string may have inside, but for the quote and the backslash
QDTEXT = TEXT - frozenset(b'"\\')

Part = tuple[bytes, frozenset[int] | None]
"""Bytes, and what each of them may be: nothing else, if it is `None`."""


def any_case(name: bytes) -> list[Part]:
    """Return the parts of a name that has to be this one, in any case (RFC 9110 5.1)."""
    return [(bytes([byte]), frozenset([*bytes([byte]).lower(), *bytes([byte]).upper()])) for byte in name]


END_OF_LINE: list[Part] = [(b"\r\n", None)]
# Without a Host there is no HTTP/1.1 request. Its value may begin at once, and may be empty.
HOST: list[Part] = [*any_case(b"Host"), (b":", None), (b" ", OWS | REG_NAME), (b"a", REG_NAME | OWS), *END_OF_LINE]
# A colon in a name is its end, and the rest is the value; at its beginning there would be no name.
FIELD: list[Part] = [
    (b"X", TCHAR),
    (b"-Y", TCHAR | frozenset(b":")),
    (b":", frozenset(b":")),
    (b" v w ", TEXT),
    *END_OF_LINE,
]

MESSAGES: dict[str, tuple[Role, list[Part]]] = {
    "a request": (
        SERVER,
        [
            (b"GOT", TCHAR),
            (b" ", None),
            # "*" is for OPTIONS, and a letter would begin a scheme, which there is none of.
            (b"/", None),
            (b"a?b", TARGET),
            (b" HTTP/1.", None),
            (b"1", DIGIT),
            *END_OF_LINE,
            *HOST,
            *FIELD,
            *END_OF_LINE,
        ],
    ),
    "a request with a length": (
        SERVER,
        [
            (b"POST", TCHAR),
            (b" / HTTP/1.", None),
            (b"1", DIGIT),
            *END_OF_LINE,
            *HOST,
            *any_case(b"Content-Length"),
            (b":", None),
            # A zero in front makes it no other number.
            (b" ", OWS | frozenset(b"0")),
            (b"2", frozenset(b"2")),
            *END_OF_LINE,
            *END_OF_LINE,
            (b"hi", frozenset(range(256))),
        ],
    ),
    "a chunked request": (
        SERVER,
        [
            (b"POST", TCHAR),
            (b" / HTTP/1.", None),
            # In HTTP/1.0 there are no transfer codings.
            (b"1", DIGIT - frozenset(b"0")),
            *END_OF_LINE,
            *HOST,
            *any_case(b"Transfer-Encoding"),
            (b":", None),
            (b" ", OWS),
            *any_case(b"chunked"),
            *END_OF_LINE,
            *END_OF_LINE,
            # Another size would not be that of the data.
            (b"03", None),
            (b";", None),
            (b" e", OWS | TCHAR),
            # "e;t=v" is two extensions, and "ex =v" is one with white space that the grammar allows.
            (b"x", TCHAR | frozenset(b";")),
            (b"t", TCHAR | OWS),
            (b"=", TCHAR | frozenset(b"=;")),
            (b"v", TCHAR),
            *END_OF_LINE,
            (b"hey", frozenset(range(256))),
            *END_OF_LINE,
            (b"1;", None),
            (b"q", TCHAR),
            (b"=", None),
            (b'"', None),
            # A backslash takes what is behind it along, and at the end that would be the quote.
            (b"s ", QDTEXT | frozenset(b"\\")),
            (b"t", QDTEXT),
            (b'"', None),
            *END_OF_LINE,
            (b"!", frozenset(range(256))),
            *END_OF_LINE,
            (b"0", None),
            *END_OF_LINE,
            *FIELD,
            *END_OF_LINE,
        ],
    ),
    "a response": (
        CLIENT,
        [
            (b"HTTP/1.", None),
            (b"1", DIGIT),
            (b" ", None),
            # 104 would be an interim one; 204 and 304 have no content.
            (b"4", frozenset(b"456789")),
            (b"04", DIGIT),
            (b" ", None),
            (b"Not OK", TEXT),
            *END_OF_LINE,
            *FIELD,
            *any_case(b"Content-Length"),
            (b":", None),
            (b" ", OWS | frozenset(b"0")),
            (b"1", None),
            *END_OF_LINE,
            *END_OF_LINE,
            (b"!", frozenset(range(256))),
        ],
    ),
}


ASKED = Request(method="GET", target="/", headers=[("Host", "a")])


def whole(parts: list[Part]) -> tuple[bytes, list[frozenset[int]]]:
    """Return the message, and what may stand at each of its positions."""
    text = b"".join(text for text, _ in parts)
    return text, [allowed or frozenset([byte]) for text, allowed in parts for byte in text]


def kinds(role: Role, message: bytes, policy: Policy) -> list[str]:
    """Return what `message` is read as, in short: its events, and whether all of it has been used."""
    connection: Connection = Connection(SERVER, policy=policy)
    if role == CLIENT:
        connection = client = Connection(CLIENT, policy=policy)
        client.send(ASKED)
        client.send(EndOfMessage())
    connection.receive_data(message)
    found: list[str] = []
    try:
        while not isinstance(event := connection.next_event(), type):
            if not (isinstance(event, Data) and found[-1] == "Data"):
                found.append(type(event).__name__)
    except RemoteProtocolError as error:
        return [*found, error.code]
    unread, _ = connection.trailing_data
    return [*found, f"{len(unread)} left"]


@pytest.mark.no_cover
@pytest.mark.parametrize("name", MESSAGES)
def test_each_position_takes_the_bytes_that_the_rfcs_allow_and_no_other(name: str) -> None:
    role, parts = MESSAGES[name]
    message, allowed = whole(parts)
    as_it_is = kinds(role, message, STRICT)
    assert as_it_is[-2:] == ["EndOfMessage", "0 left"]
    for index, expected in enumerate(allowed):
        found = {
            byte
            for byte in range(256)
            if kinds(role, message[:index] + bytes([byte]) + message[index + 1 :], STRICT) == as_it_is
        }
        assert found == expected, (index, message[:index])


@pytest.mark.no_cover
@pytest.mark.parametrize("name", MESSAGES)
def test_what_strict_takes_the_tolerant_preset_takes_too(name: str) -> None:
    role, parts = MESSAGES[name]
    message, allowed = whole(parts)
    as_it_is = kinds(role, message, H11)
    assert as_it_is == kinds(role, message, STRICT)
    for index, expected in enumerate(allowed):
        for byte in expected:
            assert kinds(role, message[:index] + bytes([byte]) + message[index + 1 :], H11) == as_it_is


@pytest.mark.no_cover
@pytest.mark.parametrize("name", MESSAGES)
def test_no_end_of_a_line_and_no_nul_may_come_in_between(name: str) -> None:
    role, parts = MESSAGES[name]
    message, _ = whole(parts)
    as_it_is = kinds(role, message, STRICT)
    body = message.index(b"\r\n\r\n") + 4
    for index in range(body):
        for wrong in (b"\r", b"\n", b"\x00"):
            assert kinds(role, message[:index] + wrong + message[index:], STRICT) != as_it_is, (index, wrong)
