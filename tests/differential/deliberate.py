"""Where http11 means to differ from llhttp, by the row of the strictness table or the entry of `docs/decisions.md`.

Each entry recognises one kind of difference, and is asked about nothing that it does not name: most of them take away
from the bytes what they are about, and see that nothing is left to differ about.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import attrs

from http11 import CLIENT, SERVER
from tests.differential import against_llhttp
from tests.differential.against_llhttp import Difference, Message


@attrs.frozen
class Deliberate:
    """One deliberate difference.

    Attributes:
        row: The row of the strictness table, or the beginning of the entry of `docs/decisions.md`.
        why: Why we differ.
        explains: Whether this is what a difference is about.

    """

    row: str
    why: str
    explains: Callable[[Difference], bool]


# What llhttp knows; it refuses any other method.
_LLHTTP_METHODS: Final = frozenset(
    b"DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND"
    b" UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK"
    b" UNLINK SOURCE QUERY".split()
)


def explanation(difference: Difference) -> Deliberate | None:
    """Return what explains a difference, or `None`."""
    return next((entry for entry in AGAINST_LLHTTP if entry.explains(difference)), None)


def _agrees(difference: Difference, data: bytes) -> bool:
    """Tell whether both make the same of other bytes, but for other deliberate differences."""
    case = attrs.evolve(difference.case, pieces=(data,))
    _, found = against_llhttp.compare(case)
    return data != difference.case.data and (found is None or explanation(found) is not None)


def _head_refused(difference: Difference, *reasons: str) -> Message | None:
    """Return the message whose head llhttp alone refuses, for one of these reasons."""
    refused = difference.what == "head" and difference.theirs.refused in reasons
    return difference.message if refused else None


def _names(message: Message) -> set[bytes]:
    return {name for name, _ in message.fields}


def _unknown_method(difference: Difference) -> bool:
    message = _head_refused(
        difference,
        "Invalid method encountered",
        "Expected space after method",
        # For what begins with PRI, but is no preface of HTTP/2.
        "Expected HTTP/2 Connection Preface",
    )
    return message is not None and difference.case.role == SERVER and message.start[0] not in _LLHTTP_METHODS


def _minor_version(difference: Difference) -> bool:
    message = _head_refused(difference, "Invalid HTTP version")
    return message is not None and b"1.2" <= message.version <= b"1.9"


_LLHTTP_ABSOLUTE = re.compile(rb"[A-Za-z]+://.*")


def _other_scheme(difference: Difference) -> bool:
    message = _head_refused(difference, "Unexpected char in url schema", "Unexpected char in url server")
    return message is not None and _LLHTTP_ABSOLUTE.fullmatch(message.start[1]) is None


def _llhttp_preface(difference: Difference) -> bool:
    message = difference.message
    return difference.what == "head" and message is not None and message.start == (b"PRI", b"*")


_FOLD = re.compile(rb"[ \t]*\r\n[ \t]+")


def _fold_in_response(difference: Difference) -> bool:
    reasons = ("Unexpected whitespace after header value", "Invalid header value char")
    if difference.case.role != CLIENT or _head_refused(difference, *reasons) is None:
        return False
    # Unfolded one after the other: the same bytes may stand in a body.
    data = difference.case.data
    return any(
        _agrees(difference, data[: m.start()] + _FOLD.sub(b" ", data[m.start() :])) for m in _FOLD.finditer(data)
    )


def _repeated_length(difference: Difference) -> bool:
    message = _head_refused(difference, "Duplicate Content-Length", "Invalid character in Content-Length")
    lengths = re.findall(rb"(?i)content-length:[^\r\n]*", difference.case.data)
    repeated = len(lengths) > 1 or any(b"," in length for length in lengths)
    return message is not None and difference.case.role == CLIENT and b"content-length" in _names(message) and repeated


def _both_lengths(difference: Difference) -> bool:
    message = _head_refused(
        difference,
        "Transfer-Encoding can't be present with Content-Length",
        "Content-Length can't be present with Transfer-Encoding",
    )
    both = {b"content-length", b"transfer-encoding"}
    return message is not None and difference.case.role == CLIENT and both <= _names(message)


def _near(difference: Difference) -> list[Message]:
    """Return the message in which they part, and the one before it, whose end they may have seen in two places."""
    return difference.ours.messages[max(0, difference.at - 1) : difference.at + 1]


def _status(message: Message) -> int:
    return message.start[0] if isinstance(message.start[0], int) else 0


def _close_after_1xx(difference: Difference) -> bool:
    if _head_refused(difference, "Data after `Connection: close`") is None:
        return False
    interim = _near(difference)[0]
    options = b",".join(value for name, value in interim.fields if name == b"connection").lower()
    return 100 <= _status(interim) <= 199 and (interim.version == b"1.0" or b"close" in options)


def _proxy_connection(difference: Difference) -> bool:
    if difference.theirs.refused != "Data after `Connection: close`":
        return False
    return _agrees(difference, re.sub(rb"(?i)\nproxy-connection:", b"\nx-proxy-connection:", difference.case.data))


def _upgrade_with_body(difference: Difference) -> bool:
    # httptools says that it has no body, whatever its fields say. They agree on it where it is no upgrade.
    lengths = {b"content-length", b"transfer-encoding"}
    upgrades = (_names(message) >= {b"upgrade", b"connection"} for message in _near(difference))
    return (
        difference.case.role == SERVER
        and any(upgrades)
        and any(lengths & _names(message) for message in _near(difference))
        and _agrees(difference, re.sub(rb"(?i)\nupgrade:", b"\nx-upgrade:", difference.case.data))
    )


def _plain_101(difference: Difference) -> bool:
    if difference.what != "switched" or difference.theirs.refused != "Pause on CONNECT/Upgrade":
        return False
    last = difference.ours.messages[-1]
    options = b",".join(value for name, value in last.fields if name == b"connection").lower()
    return last.start[0] == 101 and not (b"upgrade" in _names(last) and b"upgrade" in options)


_TAB_BEHIND_CODING = re.compile(rb"(?i)(\ntransfer-encoding:[ \t]*chunked[ ]*)\t[ \t]*(?=\r\n)")


def _tab_behind_coding(difference: Difference) -> bool:
    return _agrees(difference, _TAB_BEHIND_CODING.sub(rb"\1", difference.case.data))


_LENGTH_LINE = re.compile(rb"(?im)^(?:content-length|transfer-encoding)[ \t]*:.*\n(?:[ \t].*\n)*")


def _llhttp_no_content(difference: Difference) -> bool:
    message = difference.message
    if difference.what != "head" or message is None or _status(message) not in (204, 304):
        return False
    lengths = {b"content-length", b"transfer-encoding"}
    return bool(lengths & _names(message)) and _agrees(difference, _LENGTH_LINE.sub(b"", difference.case.data))


_EXTENSIONS = re.compile(rb"(?m)^[0-9A-Fa-f]+[ \t]*;[^\r\n]*")
_STRING_OR_SPACE = re.compile(rb'("(?:[^"\\]|\\.)*+")|[ \t]+')


def _space_in_extension(difference: Difference) -> bool:
    if not difference.theirs.refused.startswith(("Invalid character in chunk", "Expected LF after chunk")):
        return False

    def tightened(line: re.Match[bytes]) -> bytes:
        return _STRING_OR_SPACE.sub(lambda match: match[1] or b"", line[0])

    return _agrees(difference, _EXTENSIONS.sub(tightened, difference.case.data))


AGAINST_LLHTTP: Final[tuple[Deliberate, ...]] = (
    Deliberate("RQ-3", "llhttp has a list of methods; any token is one (RFC 9110 9.1)", _unknown_method),
    Deliberate("RQ-12", "llhttp takes 1.0 and 1.1; the others are read as 1.1 (RFC 9110 2.5)", _minor_version),
    Deliberate(
        "RQ-7", "llhttp takes schemes of letters and '//' alone; a URI may have others (RFC 3986 3)", _other_scheme
    ),
    Deliberate(
        "RQ-15", "llhttp waits for all of the HTTP/2 preface, and then takes it for no request", _llhttp_preface
    ),
    Deliberate("FD-11", "llhttp takes no folded line; a user agent must (RFC 9112 5.2)", _fold_in_response),
    Deliberate("ML-5", "llhttp takes no length twice, even if it is the same (RFC 9112 6.3)", _repeated_length),
    Deliberate(
        "ML-15", "llhttp refuses a wrong length also where there is no content (RFC 9112 6.3)", _llhttp_no_content
    ),
    Deliberate("ML-11", "llhttp takes no Transfer-Encoding beside a Content-Length in a response", _both_lengths),
    Deliberate(
        "CH-4", "llhttp takes no white space in a chunk line; the grammar has it (RFC 9112 7.1.1)", _space_in_extension
    ),
    Deliberate("ML-6", "llhttp does not take off a HTAB behind `chunked` (RFC 9110 5.5)", _tab_behind_coding),
    Deliberate("ST-7", "httptools takes a 101 without Upgrade and Connection for no switch", _plain_101),
    Deliberate(
        "A 1xx does not end the connection",
        "llhttp takes its close, or its HTTP/1.0, for the last word",
        _close_after_1xx,
    ),
    Deliberate("Proxy-Connection means nothing", "llhttp takes it for Connection (RFC 9112 C.2.2)", _proxy_connection),
    Deliberate(
        "A request for an Upgrade may have a body", "httptools takes it for the next request", _upgrade_with_body
    ),
)
