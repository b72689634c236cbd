"""Where http11 means to differ from its peers, by the row of the strictness table or the entry of `docs/decisions.md`.

Each entry recognises one kind of difference, and is asked about nothing that it does not name: most of them take away
from the bytes what they are about, and see that nothing is left to differ about.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Generic, TypeVar

import attrs

from http11 import CLIENT, SERVER
from tests.differential import against_h11, against_llhttp
from tests.differential.against_h11 import Difference, Spelled, Trace
from tests.differential.against_llhttp import Message
from tests.differential.streams import Case, without

DifferenceT = TypeVar("DifferenceT", Difference, against_llhttp.Difference)

# No stream is as long as this.
_NO_LIMIT = 1 << 20


@attrs.frozen
class Deliberate(Generic[DifferenceT]):
    """One deliberate difference.

    Attributes:
        row: The row of the strictness table, or the beginning of the entry of `docs/decisions.md`.
        why: Why we differ.
        explains: Whether this is what a difference is about.

    """

    row: str
    why: str
    explains: Callable[[DifferenceT], bool]


def explanation(difference: Difference) -> list[Deliberate[Difference]] | None:
    """Return what explains a difference: some details, and what the rest is about; `None` where something is left."""
    used: list[Deliberate[Difference]] = []
    for detail in DETAILS:
        theirs = detail.aligned(difference)
        if theirs != difference.theirs:
            used.append(detail.entry)
            found = against_h11.difference(difference.case, difference.ours, theirs)
            if found is None:
                return used
            difference = found
    rest = next((entry for entry in AGAINST_H11 if entry.explains(difference)), None)
    return None if rest is None else [*used, rest]


def _agree(case: Case) -> bool:
    """Tell whether both make the same of a case, but for other deliberate differences."""
    _, difference = against_h11.compare(case)
    return difference is None or explanation(difference) is not None


def _refused(trace: Trace) -> bool:
    return trace.end[0] == "error"


def _both_refuse(difference: Difference) -> bool:
    """Tell whether both refuse, in the same place, with another status hint."""
    ours, theirs = difference.ours, difference.theirs
    return _refused(ours) and _refused(theirs) and ours == attrs.evolve(theirs, end=ours.end) and ours.end != theirs.end


def _we_refuse(difference: Difference, *codes: str) -> bool:
    """Tell whether we refuse where they part, and with which code."""
    ours = difference.ours
    return _refused(ours) and ours.code in codes and difference.at == len(ours.events)


def _they_refuse(difference: Difference) -> bool:
    """Tell whether h11 refuses where they part."""
    theirs = difference.theirs
    return _refused(theirs) and difference.at == len(theirs.events)


def _behind(trace: Trace) -> tuple[str, str]:
    """Return the states of the client and the server after the last event that is one, and no answer of ours."""
    for event in reversed(trace.events):
        match event:
            case (*_, ((str(client), str(server)), bool())) | (*_, (str(client), str(server))):
                return client, server
            case _:
                pass
    return "IDLE", "IDLE"


# --- lines ----------------------------------------------------------------------------------------------------------

_IN_EXTENSION = re.compile(rb"((?:^|\n)[0-9A-Fa-f]+;[^\r\n]*)\r(?!\n)")


def _bare_cr(difference: Difference) -> bool:
    # Only in an extension does h11 take one: without it, they agree.
    return _we_refuse(difference, "bare-cr") and any(
        _agree(without(difference.case, match.end(1), match.end()))
        for match in _IN_EXTENSION.finditer(difference.case.data)
    )


def _size_limit(difference: Difference) -> bool:
    case, ours, theirs = difference.case, difference.ours, difference.theirs
    if not _refused(ours) or difference.at != len(ours.events):
        return False
    # Of a head, h11 lets in what we let in; empty lines where none may come, it does not count.
    late = ours.code == "head-too-large" and _behind(ours)[0] in ("MUST_CLOSE", "CLOSED")
    if late or ours.code in ("trailers-too-large", "chunk-line-too-large"):
        # A chunk line has its CRLF still to come.
        large = late or len(ours.unread) > case.limit - 2 * (ours.code == "chunk-line-too-large")
        return large and _agree(attrs.evolve(case, limit=_NO_LIMIT))
    # h11 looks at the size of what has come before it looks at what it is.
    leftmost = ours.end in (("error", 400), ("error", 501)) and theirs.end == ("error", 431)
    return leftmost and _both_refuse(difference) and _agree(attrs.evolve(case, limit=_NO_LIMIT))


# What may stand behind a part of a message, to make it whole, if anything can. In a chunked body the second CRLF is
# data, or the end of the trailers.
_REST_OF: Final = (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"5;a\r\n\r\n")


def _at_once(difference: Difference) -> bool:
    case, ours, theirs = difference.case, difference.ours, difference.theirs
    waits = theirs.end == ("open",) and theirs.unread != b""
    if not (waits and _refused(ours) and ours.events == theirs.events):
        return False
    # However it goes on, h11 makes nothing of it, and refuses it when it ends.
    rests = (whole[at:] for whole in _REST_OF for at in range(len(whole)))
    if any(len(_ended(case, rest).events) > len(theirs.events) for rest in rests):
        return False
    ended = _ended(case, b"\r\n\r\n")
    return _refused(ended) and (ended.states, ended.version) == (ours.states, ours.version)


def _ended(case: Case, rest: bytes) -> Trace:
    return against_h11.theirs(attrs.evolve(case, pieces=(*case.pieces, rest)))


def _lone_cr(difference: Difference) -> bool:
    case, ours = difference.case, difference.ours
    if case.closed or not (ours.unread == b"\r" and ours.end == ("open",) and difference.theirs.end == ("error", 400)):
        return False
    # Whatever stands behind it, it is refused then; and the error can say what it was.
    ends = [against_h11.ours(attrs.evolve(case, pieces=(*case.pieces, byte))).code for byte in (b"\n", b"x")]
    return ours.events == difference.theirs.events and ends == ["empty-line", "bare-cr"]


_EMPTY_LINES: Final = re.compile(rb"(?:\r?\n)+(?:\r\Z)?|\r\Z")


def _late_empty_lines(difference: Difference) -> bool:
    case, theirs = difference.case, difference.theirs
    # What h11 calls unread begins with them.
    start = theirs.received - len(theirs.unread)
    match = _EMPTY_LINES.match(case.data, start)
    if match is None:
        return False
    rest = without(case, start, match.end())
    return (
        case.role == SERVER
        and _they_refuse(difference)
        and _behind(theirs)[0] in ("MUST_CLOSE", "CLOSED")
        and against_h11.ours(rest) == difference.ours
        and _agree(rest)
    )


# --- heads ----------------------------------------------------------------------------------------------------------


def _long_method(difference: Difference) -> bool:
    if not _we_refuse(difference, "method-too-long"):
        return False
    match = re.match(rb"[^ \r\n]{65,}", difference.ours.unread)
    if match is None:
        return False
    at = difference.case.data.find(match[0])
    return _agree(without(difference.case, at + 1, at + match.end()))


def _host_in_12(difference: Difference) -> bool:
    match difference.their_next:
        case ("Request", _, _, str(version), *fields):
            names = [str(field).partition(":")[0].lower() for field in fields[:-1] if isinstance(field, str)]
            return _we_refuse(difference, "missing-host") and "1.2" <= version <= "1.9" and "host" not in names
        case _:
            return False


def _one_bad_coding(difference: Difference) -> bool:
    return (
        _both_refuse(difference)
        and difference.ours.code == "bad-transfer-encoding"
        and (difference.ours.end, difference.theirs.end) == (("error", 400), ("error", 501))
    )


_CODING_LINE = re.compile(rb"(?im)^transfer-encoding:.*\n(?:[ \t].*\n)*")


def _two_faults(difference: Difference) -> bool:
    hints = {difference.ours.end, difference.theirs.end}
    if not _both_refuse(difference) or hints != {("error", 400), ("error", 501)}:
        return False
    # Without its codings, the section has still something else that both refuse.
    rest = difference.case
    for match in reversed(list(_CODING_LINE.finditer(difference.case.data))):
        rest = without(rest, match.start(), match.end())
        ours = against_h11.ours(rest)
        if ours.end == ("error", 400) and len(ours.events) == difference.at and _agree(rest):
            return True
    return False


_LENGTH_LINE = re.compile(rb"(?im)^(?:content-length|transfer-encoding)[ \t]*:.*\n(?:[ \t].*\n)*")
_HEAD_END = re.compile(rb"\n\r?\n")


def _no_content(difference: Difference) -> bool:
    case, ours, theirs, at = difference.case, difference.ours, difference.theirs, difference.at
    match ours.events[at : at + 2]:
        case (("Response", int(status), *_),):
            # A tunnel, where what is said of the connection means nothing.
            right = ours.states == ("SWITCHED_PROTOCOL", "SWITCHED_PROTOCOL")
        case (("Response", int(status), *_), ("EndOfMessage", ((_, server), _))):
            right = server == "MUST_CLOSE"
        case _:
            return False
    tunnel = case.request.startswith(b"CONNECT") and 200 <= status < 300
    if not (
        right and _they_refuse(difference) and (status in (204, 304) or case.request.startswith(b"HEAD") or tunnel)
    ):
        return False
    # Without what its head says of a length, they agree.
    start = theirs.received - len(theirs.unread)
    end = _HEAD_END.search(case.data, start)
    lines = list(_LENGTH_LINE.finditer(case.data, start, len(case.data) if end is None else end.end()))
    rest = case
    for line in reversed(lines):
        rest = without(rest, line.start(), line.end())
    return bool(lines) and _agree(rest)


# --- what becomes of the connection ---------------------------------------------------------------------------------


def _last_request(difference: Difference) -> Spelled:
    """Return the request before the place where the traces part."""
    events = difference.ours.events[: difference.at]
    return next((event for event in reversed(events) if event[0] == "Request"), ())


def _we_close(difference: Difference) -> bool:
    """Tell whether the traces part in that our answer says `Connection: close`."""
    match difference.our_next, difference.their_next:
        case ("answered", int(status), True, _), ("answered", int(other), False, _):
            return status == other
        case _:
            return False


def _preface(difference: Difference) -> bool:
    # H11 lets PRI have any target.
    return _we_close(difference) and _last_request(difference)[1:4:2] == ("PRI", "2.0")


def _refused_connect(difference: Difference) -> bool:
    # What stands behind the CONNECT, and has come before the answer, is never read.
    ours, at = difference.ours, difference.at
    if not (ours.end[0] == "paused" and ours.unread != b"" and _last_request(difference)[:2] == ("Request", "CONNECT")):
        return False
    if at == len(ours.events):
        # The answer says `close` in both, and h11 refuses what follows.
        return ours.events[-1][:1] == ("answered",) and _they_refuse(difference)
    return at + 1 == len(ours.events) and _we_close(difference)


def _unasked(difference: Difference) -> bool:
    ours, theirs = difference.ours, difference.theirs
    return (
        difference.case.role == CLIENT
        and ours.events == theirs.events
        and ours.events[-1:] != ()
        and ours.events[-1][0] == "EndOfMessage"
        and (ours.end[0], theirs.end) == ("paused", ("error", 400))
        and (ours.states[1], theirs.states[1]) == ("MUST_CLOSE", "ERROR")
        and theirs.unread != b""
        # It may have refused the first of several pieces.
        and ours.unread.startswith(theirs.unread)
    )


def _upgrade_in_10(difference: Difference) -> bool:
    match difference.our_next, difference.their_next:
        case (
            ("EndOfMessage", *fields, (("MUST_CLOSE", _), _)),
            ("EndOfMessage", *others, (("MIGHT_SWITCH_PROTOCOL", _), _)),
        ):
            request = _last_request(difference)
            names = [str(field).partition(":")[0].lower() for field in request[4:]]
            return fields == others and str(request[3]) < "1.1" and "upgrade" in names
        case ("refused to answer", 101, _), ("answered", 101, _, _):
            request = _last_request(difference)
            return str(request[3]) < "1.1"
        case _:
            return False


def _extra_data(difference: Difference) -> bool:
    refused = difference.our_next[0] == "refused to go on" and difference.their_next[0] == "went on"
    return refused and difference.ours.unread != b""


# --- details: what leaves the rest of a trace as it is --------------------------------------------------------------

_SPACE_BEFORE_FOLD = re.compile(rb"[ \t]\r?\n[ \t]")


def _chunk_starts(difference: Difference) -> Trace:
    def align(our: Spelled, their: Spelled) -> Spelled:
        match our, their:
            case ("Data", data, True, end, behind), ("Data", same, False, also, states) if (
                len(difference.case.pieces) > 1
            ):
                return our if (data, end, behind) == (same, also, states) else their
            case _:
                return their

    return _each(difference, align)


def _folds(difference: Difference) -> Trace:
    def align(our: Spelled, their: Spelled) -> Spelled:
        return their if len(our) != len(their) else tuple(map(_fold, our, their))

    if _SPACE_BEFORE_FOLD.search(difference.case.data) is None:
        return difference.theirs
    return _each(difference, align)


def _fold(our: object, their: object) -> object:
    if isinstance(our, str) and isinstance(their, str) and our != their and ": " in our:
        # Where the line was folded we have one SP, and h11 has what stood before the fold as well.
        runs = "[ \t]+ ".join(map(re.escape, our.split(" ")))
        pattern = re.compile(runs.replace("[ \t]+ ", "[ \t]* "))
        return our if pattern.fullmatch(their) else their
    return their


def _waiting(difference: Difference) -> Trace:
    waits = False

    def align(our: Spelled, their: Spelled) -> Spelled:
        nonlocal waits
        match our:
            case ("InformationalResponse", int(code), *_, (_, True)) if code not in (100, 101):
                waits = True
            case ("InformationalResponse" | "Response", *_):
                waits = False
            case _:
                pass
        behind = our[-1]
        return (*their[:-1], behind) if waits and our[:-1] == their[:-1] and _only_waits(behind, their[-1]) else their

    return _each(difference, align)


def _only_waits(ours: object, theirs: object) -> bool:
    match ours, theirs:
        case (states, True), (same, False):
            return bool(states == same)
        case _:
            return False


def _nobody_waits(difference: Difference) -> Trace:
    def align(our: Spelled, their: Spelled) -> Spelled:
        match our, their:
            case ("Request", *_, (states, False)), ("Request", *_, (same, True)) if states == same and _is_empty(our):
                return our if our[:-1] == their[:-1] else their
            case _:
                return their

    return _each(difference, align)


def _is_empty(request: Spelled) -> bool:
    """Tell whether a request says that it has no content, or says nothing of any."""
    fields = [str(field).lower().partition(": ")[::2] for field in request[4:-1]]
    lengths = {value for name, value in fields if name == "content-length"}
    return "transfer-encoding" not in dict(fields) and all(value.strip("0") == "" for value in lengths)


def _not_reusable(difference: Difference) -> Trace:
    ours, theirs = difference.ours, difference.theirs
    if difference.case.role != CLIENT:
        return theirs
    events = list(theirs.events)
    for at in theirs.followed:
        match ours.events[at : at + 1], events[at]:
            case (("EndOfMessage", *fields, (states, waits)),), ("EndOfMessage", *same, (before, also)):
                if (states, fields, waits) == (_ended_states(before), same, also):
                    events[at] = ours.events[at]
            case _:
                pass
    # And so it stays, where something has come and is never read.
    stays = ours.end == theirs.end and ours.end[0] == "paused" and ours.states == _ended_states(theirs.states)
    return attrs.evolve(theirs, events=tuple(events), states=ours.states if stays else theirs.states)


def _ended_states(states: object) -> tuple[str, str]:
    """Return what becomes of the states where the connection is not used again."""
    match states:
        case (str(client), "DONE"):
            return "MUST_CLOSE" if client == "DONE" else client, "MUST_CLOSE"
        case (str(client), str(server)):
            return client, server
        case _:
            raise TypeError(states)


def _each(difference: Difference, align: Callable[[Spelled, Spelled], Spelled]) -> Trace:
    ours, theirs = difference.ours.events, difference.theirs.events
    return attrs.evolve(difference.theirs, events=(*map(align, ours, theirs), *theirs[len(ours) :]))


@attrs.frozen
class Detail:
    """A deliberate difference in a part of events, which are the same otherwise.

    Attributes:
        entry: Which one.
        aligned: Their trace, with our events and states where that is all the difference.

    """

    entry: Deliberate[Difference]
    aligned: Callable[[Difference], Trace]


def _alone(_: Difference) -> bool:
    return False


DETAILS: Final[tuple[Detail, ...]] = (
    Detail(
        Deliberate(
            "`chunk_start` is on the first data", "h11 forgets it where the chunk line came in an earlier piece", _alone
        ),
        _chunk_starts,
    ),
    Detail(
        Deliberate("FD-10", "white space around a fold becomes one SP; h11 keeps what stands before it", _alone),
        _folds,
    ),
    Detail(
        Deliberate(
            "102 and 103 do not answer `Expect: 100-continue`",
            "the client goes on waiting for a 100; for h11 any 1xx will do",
            _alone,
        ),
        _waiting,
    ),
    Detail(
        Deliberate("EX-1", "no client may expect a 100 where it has no content, and so none waits for it", _alone),
        _nobody_waits,
    ),
    Detail(
        Deliberate(
            "ML-18",
            "the connection is not used again where more has come than the answer; in h11 it stays in DONE",
            _alone,
        ),
        _not_reusable,
    ),
)

AGAINST_H11: Final[tuple[Deliberate[Difference], ...]] = (
    Deliberate(
        "LN-2", "a CR in a chunk extension is a line end to some; h11 takes it for part of the extension", _bare_cr
    ),
    Deliberate(
        "LN-5",
        "h11 looks at the limit only while a chunk line or trailers are incomplete, and then before anything else",
        _size_limit,
    ),
    Deliberate(
        "LN-6", "what can no longer become right is refused when it comes; h11 waits for the end of it", _at_once
    ),
    Deliberate("LN-4", "a CR that begins a head is refused with the byte behind it, which tells what it is", _lone_cr),
    Deliberate(
        "LN-3",
        "an old client may send an empty line after its last request (RFC 9112 2.2); h11 refuses",
        _late_empty_lines,
    ),
    Deliberate("A method is at most 64 bytes", "h11 has no limit of its own for it", _long_method),
    Deliberate(
        "HO-1", "HTTP/1.2 to 1.9 are read as 1.1, which demands a Host; h11 demands it in 1.1 only", _host_in_12
    ),
    Deliberate(
        "ML-8",
        "a list of codings that nobody may send is the peer's mistake, 400; h11 says 501 for each",
        _one_bad_coding,
    ),
    Deliberate(
        "ML-15",
        "an answer without content is read whatever it says of a length (RFC 9110 9.3.6); h11 refuses what is wrong",
        _no_content,
    ),
    Deliberate("ML-7", "of two faults in a head, h11 may name another one first: 501 or 400", _two_faults),
    Deliberate(
        "An answer to the HTTP/2 preface is the last one",
        "what follows it is HTTP/2; h11 goes on to read requests",
        _preface,
    ),
    Deliberate(
        "CN-1",
        "what was written into a tunnel is not a request (RFC 9931 8); h11 reads it as one",
        _refused_connect,
    ),
    Deliberate(
        "Upgrade in HTTP/1.0 is ignored", "must be ignored (RFC 9110 7.8); h11 takes it for a proposal", _upgrade_in_10
    ),
    Deliberate(
        "A whole answer counts, and what follows it is never read",
        "h11 refuses it where the answer says `close`, and goes on over it otherwise (RFC 9112 6.3)",
        lambda difference: _unasked(difference) or _extra_data(difference),
    ),
)


# --- llhttp ---------------------------------------------------------------------------------------------------------

# What llhttp knows; it refuses any other method.
_LLHTTP_METHODS: Final = frozenset(
    b"DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND"
    b" UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK"
    b" UNLINK SOURCE QUERY".split()
)

LlhttpDifference = against_llhttp.Difference


def llhttp_explanation(difference: LlhttpDifference) -> Deliberate[LlhttpDifference] | None:
    """Return what explains a difference, or `None`."""
    return next((entry for entry in AGAINST_LLHTTP if entry.explains(difference)), None)


def _llhttp_agrees(difference: LlhttpDifference, data: bytes) -> bool:
    """Tell whether both make the same of other bytes, but for other deliberate differences."""
    case = attrs.evolve(difference.case, pieces=(data,))
    _, found = against_llhttp.compare(case)
    return data != difference.case.data and (found is None or llhttp_explanation(found) is not None)


def _head_refused(difference: LlhttpDifference, *reasons: str) -> Message | None:
    """Return the message whose head llhttp alone refuses, for one of these reasons."""
    refused = difference.what == "head" and difference.theirs.refused in reasons
    return difference.message if refused else None


def _names(message: Message) -> set[bytes]:
    return {name for name, _ in message.fields}


def _unknown_method(difference: LlhttpDifference) -> bool:
    message = _head_refused(
        difference,
        "Invalid method encountered",
        "Expected space after method",
        # For what begins with PRI, but is no preface of HTTP/2.
        "Expected HTTP/2 Connection Preface",
    )
    return message is not None and difference.case.role == SERVER and message.start[0] not in _LLHTTP_METHODS


def _minor_version(difference: LlhttpDifference) -> bool:
    message = _head_refused(difference, "Invalid HTTP version")
    return message is not None and b"1.2" <= message.version <= b"1.9"


_LLHTTP_ABSOLUTE = re.compile(rb"[A-Za-z]+://.*")


def _other_scheme(difference: LlhttpDifference) -> bool:
    message = _head_refused(difference, "Unexpected char in url schema", "Unexpected char in url server")
    return message is not None and _LLHTTP_ABSOLUTE.fullmatch(message.start[1]) is None


def _llhttp_preface(difference: LlhttpDifference) -> bool:
    message = difference.message
    return difference.what == "head" and message is not None and message.start == (b"PRI", b"*")


_FOLD = re.compile(rb"[ \t]*\r\n[ \t]+")


def _fold_in_response(difference: LlhttpDifference) -> bool:
    reasons = ("Unexpected whitespace after header value", "Invalid header value char")
    if difference.case.role != CLIENT or _head_refused(difference, *reasons) is None:
        return False
    # Unfolded one after the other: the same bytes may stand in a body.
    data = difference.case.data
    return any(
        _llhttp_agrees(difference, data[: m.start()] + _FOLD.sub(b" ", data[m.start() :])) for m in _FOLD.finditer(data)
    )


def _repeated_length(difference: LlhttpDifference) -> bool:
    message = _head_refused(difference, "Duplicate Content-Length", "Invalid character in Content-Length")
    lengths = re.findall(rb"(?i)content-length:[^\r\n]*", difference.case.data)
    repeated = len(lengths) > 1 or any(b"," in length for length in lengths)
    return message is not None and difference.case.role == CLIENT and b"content-length" in _names(message) and repeated


def _both_lengths(difference: LlhttpDifference) -> bool:
    message = _head_refused(
        difference,
        "Transfer-Encoding can't be present with Content-Length",
        "Content-Length can't be present with Transfer-Encoding",
    )
    both = {b"content-length", b"transfer-encoding"}
    return message is not None and difference.case.role == CLIENT and both <= _names(message)


def _near(difference: LlhttpDifference) -> list[Message]:
    """Return the message in which they part, and the one before it, whose end they may have seen in two places."""
    return difference.ours.messages[max(0, difference.at - 1) : difference.at + 1]


def _status(message: Message) -> int:
    return message.start[0] if isinstance(message.start[0], int) else 0


def _close_after_1xx(difference: LlhttpDifference) -> bool:
    if _head_refused(difference, "Data after `Connection: close`") is None:
        return False
    interim = _near(difference)[0]
    options = b",".join(value for name, value in interim.fields if name == b"connection").lower()
    return 100 <= _status(interim) <= 199 and (interim.version == b"1.0" or b"close" in options)


def _proxy_connection(difference: LlhttpDifference) -> bool:
    if difference.theirs.refused != "Data after `Connection: close`":
        return False
    return _llhttp_agrees(
        difference, re.sub(rb"(?i)\nproxy-connection:", b"\nx-proxy-connection:", difference.case.data)
    )


def _upgrade_with_body(difference: LlhttpDifference) -> bool:
    # httptools says that it has no body, whatever its fields say. They agree on it where it is no upgrade.
    lengths = {b"content-length", b"transfer-encoding"}
    upgrades = (_names(message) >= {b"upgrade", b"connection"} for message in _near(difference))
    return (
        difference.case.role == SERVER
        and any(upgrades)
        and any(lengths & _names(message) for message in _near(difference))
        and _llhttp_agrees(difference, re.sub(rb"(?i)\nupgrade:", b"\nx-upgrade:", difference.case.data))
    )


def _plain_101(difference: LlhttpDifference) -> bool:
    if difference.what != "switched" or difference.theirs.refused != "Pause on CONNECT/Upgrade":
        return False
    last = difference.ours.messages[-1]
    options = b",".join(value for name, value in last.fields if name == b"connection").lower()
    return last.start[0] == 101 and not (b"upgrade" in _names(last) and b"upgrade" in options)


_TAB_BEHIND_CODING = re.compile(rb"(?i)(\ntransfer-encoding:[ \t]*chunked[ ]*)\t[ \t]*(?=\r\n)")


def _tab_behind_coding(difference: LlhttpDifference) -> bool:
    return _llhttp_agrees(difference, _TAB_BEHIND_CODING.sub(rb"\1", difference.case.data))


def _llhttp_no_content(difference: LlhttpDifference) -> bool:
    message = difference.message
    if difference.what != "head" or message is None or _status(message) not in (204, 304):
        return False
    lengths = {b"content-length", b"transfer-encoding"}
    return bool(lengths & _names(message)) and _llhttp_agrees(difference, _LENGTH_LINE.sub(b"", difference.case.data))


_EXTENSIONS = re.compile(rb"(?m)^[0-9A-Fa-f]+[ \t]*;[^\r\n]*")
_STRING_OR_SPACE = re.compile(rb'("(?:[^"\\]|\\.)*+")|[ \t]+')


def _space_in_extension(difference: LlhttpDifference) -> bool:
    if not difference.theirs.refused.startswith(("Invalid character in chunk", "Expected LF after chunk")):
        return False

    def tightened(line: re.Match[bytes]) -> bytes:
        return _STRING_OR_SPACE.sub(lambda match: match[1] or b"", line[0])

    return _llhttp_agrees(difference, _EXTENSIONS.sub(tightened, difference.case.data))


AGAINST_LLHTTP: Final[tuple[Deliberate[LlhttpDifference], ...]] = (
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
