"""h11 and http11 side by side: whatever the two do not do alike, step by step.

On one connection its side sends, receives, fails and starts again, while bytes of a peer come in, some of them wrong.
http11 runs as `http11.compat` has it in h11's place, with the policy `H11`. After each step both must have returned
equal events or bytes, or raised an error of the same type and status hint, and be in the same states. Where they are
not, the step must be one of `DIFFERENCES`; and where more differs than how something is spelled, nothing can be
compared after it.

What is done comes from `tests.test_lockstep`, where h11 is the model of a state machine of Hypothesis; from a number,
by `program`; or from a stream that is read and answered, by `Reading`, of which `tests.differential` makes many.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from functools import cache
from random import Random
from typing import Any, Final, TypeAlias, TypeVar

import attrs
import h11

import http11
from http11 import compat
from tests.differential.streams import Case

PROGRAMS: Final = 12_000
# The seeds of some more, each of which meets a difference that is rare: a long run tells the first of each.
RARE: Final = (16_440, 19_653, 45_125, 68_586)
STEPS: Final = 40
LIMIT: Final = 300

Spec: TypeAlias = tuple[str, dict[str, Any]]
"""An event that is to be made: the name of its class, and the arguments."""

AnyT = TypeVar("AnyT")

Outcome: TypeAlias = tuple[Any, ...]
Action: TypeAlias = tuple[str, Any]


class File:
    """Something to send that has a length, and is no buffer."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size


# --- one side -------------------------------------------------------------------------------------------------------


class Side:
    """A connection of one of the two libraries, and what it makes of an action, as plain values."""

    def __init__(self, library: Any, role: str, limit: int = LIMIT) -> None:
        self.library = library
        if library is http11:
            self.connection: Any = compat.Connection(getattr(library, role), limit, policy=http11.H11)
        else:
            self.connection = library.Connection(getattr(library, role), limit)
        self.error: Any = None

    def take(self, action: Action) -> Outcome:
        kind, argument = action
        self.error = None
        try:
            match kind:
                case "send" | "pass":
                    name, arguments = argument
                    event = getattr(self.library, name)(**arguments)
                    return self.send(event) if kind == "send" else self.pass_through(event)
                case "receive":
                    self.connection.receive_data(argument)
                    return ("nothing",)
                case "next":
                    return spelled(self.connection.next_event(), self.library)
                case "cycle":
                    self.connection.start_next_cycle()
                    return ("nothing",)
                case _:
                    self.connection.send_failed()
                    return ("nothing",)
        except Exception as error:  # noqa: BLE001 - what is compared is which
            self.error = error
            return ("error", type(error).__name__, getattr(error, "error_status_hint", None))

    def continued(self, rest: bytes) -> Outcome:
        """Return what would come next if this were received, and leave the connection as it is."""
        other = copy.copy(self)
        other.connection = copy.deepcopy(self.connection)
        other.take(("receive", rest))
        return other.take(("next", None))

    def send(self, event: Any) -> Outcome:
        return ("bytes", self.connection.send(event))

    def pass_through(self, event: Any) -> Outcome:
        pieces = self.connection.send_with_data_passthrough(event)
        if pieces is None:
            return ("bytes", None)
        # A file by identity; how many pieces the rest is in means nothing, and h11 has an empty one for no data.
        joined: list[Any] = []
        for piece in filter(len, pieces):
            if isinstance(piece, File):
                joined.append(piece)
            elif joined and isinstance(joined[-1], bytes):
                joined[-1] += piece
            else:
                joined.append(bytes(piece))
        return ("pieces", *joined)

    def state(self) -> dict[str, Any]:
        connection = self.connection
        return {
            "our_role": str(connection.our_role),
            "their_role": str(connection.their_role),
            "our_state": str(connection.our_state),
            "their_state": str(connection.their_state),
            "states": {str(role): str(state) for role, state in connection.states.items()},
            "version": connection.their_http_version,
            "waiting": connection.client_is_waiting_for_100_continue,
            "they_wait": connection.they_are_waiting_for_100_continue,
            # What is left behind an error means nothing: h11 has thrown away what it could not read.
            "trailing": connection.trailing_data if str(connection.their_state) != "ERROR" else None,
        }


def spelled(event: Any, library: Any) -> Outcome:
    if event is library.NEED_DATA or event is library.PAUSED:
        return ("signal", repr(event))
    name = type(event).__name__
    names = ("method", "target", "http_version", "status_code", "reason")
    fields: list[Any] = [getattr(event, field) for field in names if hasattr(event, field)]
    if hasattr(event, "headers"):
        fields += [list(event.headers), [(bytes(raw), value) for raw, value in event.headers.raw_items()]]
    if name == "Data":
        fields += [bytes(event.data), event.chunk_start, event.chunk_end]
    return ("event", name, *fields)


# --- generating -----------------------------------------------------------------------------------------------------

NAMES: Final = ("X-a", "x-B", "Cookie", "Set-Cookie", "Date", "Content-Type", "Trailer", "Server")
VALUES: Final = ("", "a", "b c", "x\ty", "1, 2", "caf\xe9", "q=0.5")
ODD_FIELDS: Final = (
    ("X-c", "a\x01b"), ("X-c", "a\x7f"), ("X-c", "a\x00b"), ("X-c", "a\rb"), ("X-c", "a\nb"), ("X-c", "a\x0bb"),
    ("X-c", " a"), ("X-c", "a "), ("X c", "a"), ("X-c:", "a"), ("", "a"), ("X\xe9", "a"), ("x(", "a"), ("X-c ", "a"),
)  # fmt: skip
LENGTHS: Final = ("0", "1", "5", "12", "0005")
ODD_LENGTHS: Final = ("5, 5", "5,6", "+5", "-1", "", "0x5", "5 5", "1_0", "99999999999999999999", "1" * 21, "5,", "٣")
CODINGS: Final = ("chunked", "Chunked", "CHUNKED")
ODD_CODINGS: Final = ("gzip", "gzip, chunked", "chunked, chunked", "identity", "", "chunked;q=1", "xchunked")
CONNECTIONS: Final = ("close", "keep-alive", "Close", "close, x", "keep-alive, close", "Upgrade", "x,,y", "")
HOSTS: Final = ("a", "example.com", "example.com:80", "[::1]", "")
ODD_HOSTS: Final = ("a b", "a/b", "a@b", "a:b", "a,b", "[", "a:99999")
METHODS: Final = ("GET", "GET", "POST", "HEAD", "OPTIONS", "CONNECT", "PUT", "get", "PRI", "x!#")
ODD_METHODS: Final = ("", "G T", "GET(", "A" * 65, "G\xe9T")
TARGETS: Final = ("/", "/a?b=c", "http://a/", "http://example.com/x", "ftp:x")
ODD_TARGETS: Final = ("*", "a:80", "", "/a b", "/a#b", "a", "/\xe9", "/\x7f", "http://", "*x", "http://u@a/", "a:0")
VERSIONS: Final = ("1.1",) * 8 + ("1.0",) * 2
ODD_VERSIONS: Final = ("1.2", "2.0", "0.9", "1.10", "1", "1.9", "x", "")
CODES: Final = (200, 200, 200, 204, 304, 404, 201, 500, 302, 999)
INTERIM: Final = (100, 100, 101, 102, 103, 199)
ODD_CODES: Final = (99, 0, 1000, 101, 200, 20, -1)
REASONS: Final = ("", "OK", "Not Found", "caf\xe9", "a\tb")
ODD_REASONS: Final = ("a\x01", "a\nb", "a\x00", "a\x7f", "a\rb", " ", "a\x0c")


class Maker:
    """Makes actions that often make sense in the state of the connection, and sometimes do not."""

    def __init__(self, role: str) -> None:
        self.random = Random(0)
        self.role = role
        self.wire = b""
        self.closed = False
        self.method = "GET"

    def odd(self, one_in: int = 25) -> bool:
        return self.random.randrange(one_in) == 0

    def one(self, usual: Sequence[AnyT], odd: Sequence[AnyT] = (), one_in: int = 25) -> AnyT:
        return self.random.choice(odd if odd and self.odd(one_in) else usual)

    def cased(self, name: str) -> str:
        return self.one((name, name, name, name.lower(), name.upper()))

    # --- fields ---

    def fields(self, special: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        found = [(self.cased(name), value) for name, value in special]
        found += [(self.one(NAMES), self.one(VALUES)) for _ in range(self.random.choice((0, 0, 1, 1, 2, 3)))]
        if self.odd(40):
            found.append(self.one(ODD_FIELDS))
        self.random.shuffle(found)
        if self.odd(60):
            found += [("X-long", "y" * self.one((LIMIT - 60, LIMIT - 40, LIMIT)))]
        return found

    def framing(self, body: bool) -> list[tuple[str, str]]:
        found = []
        kind = self.random.randrange(10)
        if not body or kind < 3:
            kind = 9
        if kind < 6:
            found.append(("Content-Length", self.one(LENGTHS, ODD_LENGTHS)))
        elif kind < 9:
            found.append(("Transfer-Encoding", self.one(CODINGS, ODD_CODINGS)))
        if self.odd(50):
            found.append(("Content-Length", self.one(LENGTHS)))
        if self.odd(50):
            found.append(("Transfer-Encoding", "chunked"))
        return found

    def connection(self) -> list[tuple[str, str]]:
        return [("Connection", self.one(CONNECTIONS)) for _ in range(self.one((0, 0, 0, 0, 1, 1, 2)))]

    def request(self) -> dict[str, Any]:
        method = self.one(METHODS, ODD_METHODS)
        target = self.one(TARGETS[:2], TARGETS, 4)
        host = self.one(HOSTS, ODD_HOSTS)
        if target.startswith("http:") and not self.odd(8):
            host = target.split("/")[2]
        if method == "CONNECT" and not self.odd(12):
            host, target = self.one((("a", "a:80"), ("example.com:443", "example.com:443")))
        if method == "OPTIONS" and self.odd(3):
            target = "*"
        if self.odd():
            target = self.one(ODD_TARGETS)
        special = [*self.framing(body=method not in ("GET", "CONNECT") or self.odd(20)), *self.connection()]
        special += [("Host", host)] * self.one((1,), (0, 2))
        framed = any(name in ("Content-Length", "Transfer-Encoding") for name, _ in special)
        if self.odd(5 if framed else 50):
            special.append(("Expect", self.one(("100-continue", "100-Continue", "x, 100-continue", "y"))))
        if self.odd(5):
            special.append(("Upgrade", self.one(("websocket", "a, b", ""))))
        version = self.one(VERSIONS, ODD_VERSIONS)
        return {"method": method, "target": target, "headers": self.fields(special), "http_version": version}

    def response(self, codes: Sequence[int], *, body: bool) -> dict[str, Any]:
        return {
            "status_code": self.one(codes, ODD_CODES, 40),
            "headers": self.fields([*self.framing(body=body or self.odd()), *self.connection()]),
            "http_version": self.one(VERSIONS, ODD_VERSIONS),
            "reason": self.one(REASONS, ODD_REASONS),
        }

    def trailers(self) -> list[tuple[str, str]]:
        return self.fields([]) if self.odd(4) else []

    # --- what is sent ---

    def event(self, state: str) -> Spec:
        kinds = {
            ("CLIENT", "IDLE"): ("Request",) * 8 + ("ConnectionClosed",),
            ("SERVER", "IDLE"): ("Response", "ConnectionClosed"),
            ("SERVER", "SEND_RESPONSE"): ("Response",) * 4 + ("InformationalResponse",) * 2,
            (self.role, "SEND_BODY"): ("Data", "Data", "EndOfMessage"),
        }.get((self.role, state), ("ConnectionClosed",))
        everything = ("Request", "InformationalResponse", "Response", "Data", "EndOfMessage", "ConnectionClosed")
        name = self.one(kinds, everything, 20)
        match name:
            case "Request":
                arguments = self.request()
                if not self.odd(8):
                    arguments["http_version"] = "1.1"
                self.method = arguments["method"]
            case "Response":
                arguments = self.response(CODES, body=True)
            case "InformationalResponse":
                arguments = self.response(INTERIM, body=False)
            case "Data":
                size = self.one((1, 5, 12, 5, 0, 7))
                arguments = {"data": self.one((b"x" * size, b"x" * size, bytearray(b"y" * size)))}
            case "EndOfMessage":
                arguments = {"headers": self.trailers()} if self.odd(3) else {}
            case _:
                arguments = {}
        if "reason" in arguments and not self.odd(8):
            arguments["http_version"] = "1.1"
        return name, self.as_bytes(arguments)

    def as_bytes(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Spell what may be `str` as `bytes`, but for some, where it is ASCII."""

        def either(text: str) -> bytes | str | bytearray:
            raw = text.encode("utf-8" if max(text, default="") > "\xff" else "latin-1")
            return self.one((raw, raw, bytearray(raw), text if text.isascii() else raw))

        found: dict[str, Any] = {}
        for name, value in arguments.items():
            if isinstance(value, str):
                found[name] = either(value)
            elif name == "headers":
                pairs = [(either(one), either(other)) for one, other in value]
                found[name] = [self.one((pair, pair, list(pair))) for pair in pairs]
            else:
                found[name] = value
        return found

    # --- what is received ---

    def message(self) -> bytes:
        """Return a message of the peer, as it would write it, and now and then with something wrong in it."""
        if self.role == "SERVER":
            head = self.request()
            line = f"{head['method']} {head['target']} HTTP/{head['http_version']}"
        else:
            interim = self.odd(4)
            head = self.response(INTERIM if interim else CODES, body=not interim)
            reason = self.one((f" {head['reason']}", f" {head['reason']}", ""))
            line = f"HTTP/{head['http_version']} {head['status_code']}{reason}"
        data = line.encode("utf-8") + b"\r\n" + self.field_lines(head["headers"]) + b"\r\n" + self.body(head["headers"])
        return self.broken(data) if self.odd(6) else data

    def field_lines(self, fields: Sequence[tuple[str, str]]) -> bytes:
        lines = b""
        for name, value in fields:
            before, after = self.one((" ", " ", "", "  \t")), self.one(("", "", "", " ", "\t "))
            fold = self.one(("",), ("\r\n  folded", "\r\n\t", "\n fold"), 60)
            lines += f"{name}:{before}{value}{fold}{after}\r\n".encode()
        return lines

    def body(self, fields: Sequence[tuple[str, str]]) -> bytes:
        said = {name.lower(): value for name, value in fields}
        if "transfer-encoding" in said:
            chunks = b"".join(self.chunk(self.one((1, 3, 17))) for _ in range(self.random.randrange(4)))
            return chunks + self.one((b"0", b"000")) + b"\r\n" + self.field_lines(self.trailers()) + b"\r\n"
        length = said.get("content-length", "0").partition(",")[0]
        if length.isascii() and length.isdigit() and len(length) < 3:
            return b"b" * int(length)
        return b""

    def chunk(self, size: int) -> bytes:
        number = self.one(("%x", "%X", "0%x")) % size
        extension = self.one(("",), (";a=b", " ;a", ";", ";a\xe9\x01", " ", "\t", ";x=" + "y" * LIMIT), 6)
        return f"{number}{extension}\r\n".encode() + b"c" * size + b"\r\n"

    def broken(self, data: bytes) -> bytes:
        place = self.random.randrange(len(data) + 1)
        match self.random.randrange(8):
            case 0:
                return data[:place] + data[place + 1 :]
            case 1:
                return data[:place] + bytes([self.one(b"\x00\r\n\t :;\x01a\xff0")]) + data[place:]
            case 2:
                return data.replace(b"\r\n", b"\n")
            case 3:
                return data.replace(b"\r\n", b"\n", 1)
            case 4:
                return self.one((b"\r\n", b"\n", b" ", b"\x16\x03\x01\x02", b"\r")) + data
            case 5:
                return data[:place]
            case 6:
                return data + self.one((b"\r\n", b"x", data))
            case _:
                return data.replace(b" ", b"  ", 1)

    # --- all ---

    def action(self, pair: Pair) -> Action:
        ours, theirs = pair.states
        if ours == theirs == "DONE" and not self.odd(6):
            return ("cycle", None)
        roll = self.random.randrange(100)
        if roll < 1:
            return ("fail", None) if self.odd(3) else ("cycle", None)
        if roll < 38:
            return ("next", None)
        if roll < 66:
            name, arguments = self.event(ours)
            if name == "Data" and self.odd(4):
                return ("pass", (name, {"data": File(len(arguments["data"]))}))
            return (self.one(("send", "send", "pass")), (name, arguments))
        return self.receive(ours, theirs, pair.unread)

    def receive(self, ours: str, theirs: str, unread: bytes) -> Action:
        # A client's peer mostly waits until it has been asked, and says no more than its answer.
        idle = ours == "IDLE" or theirs not in ("IDLE", "SEND_RESPONSE") or unread != b""
        early = self.role == "CLIENT" and idle and not self.odd(60)
        if not self.wire and not early and theirs != "CLOSED":
            self.wire = self.message() * self.one((1,), (2,), 12 if self.role == "SERVER" else 60)
        if self.closed:
            # What comes after the end is an error of the caller's, in both.
            return ("receive", self.one((b"",), (b"x",)))
        if not self.wire or self.odd(40):
            self.closed = not early or self.odd(12)
            return ("receive", b"") if self.closed else ("next", None)
        line_end = self.wire.find(b"\r\n", self.random.randrange(len(self.wire)))
        # Around the end of a line, things go wrong.
        around = line_end + self.one((1, 2, 2)) if line_end >= 0 else 1
        size = self.one((len(self.wire), len(self.wire), self.random.randint(1, len(self.wire)), around, 1))
        piece, self.wire = self.wire[:size], self.wire[size:]
        return ("receive", self.one((piece, piece, bytearray(piece), memoryview(piece))))


# --- comparing ------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Step:
    """A step after which the two are not the same, and all that can tell why."""

    role: str
    limit: int
    action: Action
    old: Outcome
    """What h11 did."""
    new: Outcome
    code: str
    """Why http11 refused, if it did."""
    before: dict[str, Any]
    old_state: dict[str, Any]
    new_state: dict[str, Any]
    method: bytes | None
    """Of the request that is being answered."""
    h11: Side

    @property
    def kind(self) -> str:
        return self.action[0]

    @property
    def event(self) -> str:
        """The name of the event that was to be sent, if one was."""
        return self.action[1][0] if self.kind in ("send", "pass") else ""

    def heads(self) -> tuple[list[bytes], list[bytes]]:
        """Return the lines that each has written, where both have written a head; and otherwise an empty one."""
        old, new = (one[1] if one[0] in ("bytes", "pieces") and len(one) > 1 else b"" for one in (self.old, self.new))
        if self.event not in ("Request", "InformationalResponse", "Response") or not old or not new:
            return [b""], [b""]
        return old.split(b"\r\n")[:-2], new.split(b"\r\n")[:-2]


class UnexplainedError(AssertionError):
    """The two have not done the same, and nothing explains it."""


class Pair:
    """A connection of each library, on which the same is done.

    Attributes:
        over: Whether they differ so that nothing can be compared any more.
        met: The differences so far, each of which is one of `DIFFERENCES`.
        done: What has been done so far.

    """

    def __init__(self, role: str, limit: int = LIMIT) -> None:
        self.role = role
        self.limit = limit
        self.old, self.new = Side(h11, role, limit), Side(http11, role, limit)
        self.over = False
        self.met: list[Difference] = []
        self.done: list[Action] = []
        # What they do not agree on since one of the differences, and need not until they do again.
        self._apart: set[str] = set()

    @property
    def states(self) -> tuple[str, str]:
        """Ours and theirs, in h11."""
        return str(self.old.connection.our_state), str(self.old.connection.their_state)

    @property
    def unread(self) -> bytes:
        """What h11 has received and not read."""
        data: bytes = self.old.connection.trailing_data[0]
        return data

    def take(self, action: Action) -> Outcome:
        """Do it on both, see that they do the same, and return what h11 did."""
        self.done.append(action)
        before = self.old.state()
        old, new = self.old.take(action), self.new.take(action)
        states = self.old.state(), self.new.state()
        self._apart = {key for key in self._apart if states[0][key] != states[1][key]}
        states[1].update({key: states[0][key] for key in self._apart})
        if old == new and states[0] == states[1]:
            return old
        step = Step(
            role=self.role,
            limit=self.limit,
            action=action,
            old=old,
            new=new,
            code=getattr(self.new.error, "code", ""),
            before=before,
            old_state=states[0],
            new_state=states[1],
            method=self.old.connection._request_method,
            h11=self.old,
        )
        found = explanation(step)
        if found is None:
            raise UnexplainedError("\n".join([*map(str, self.done), told(step)]))
        self.met.append(found)
        heads = step.heads()
        spelled_otherwise = heads[0] != heads[1] and options(heads[0]) == options(heads[1])
        alike = old[0] == new[0] != "error" and (old[:2] == new[:2] or spelled_otherwise)
        apart = {key for key, value in states[0].items() if states[1][key] != value}
        if alike and apart <= PASSING:
            self._apart |= apart
        else:
            self.over = True
        return old


# What changes nothing else: whether the client waits, and how much of a line end has been read.
PASSING: Final = frozenset(["waiting", "they_wait", "trailing"])


@attrs.frozen
class Difference:
    """A way in which http11 is meant to differ.

    Attributes:
        id: A row of the strictness table, or a name of docs/from-h11.md.
        why: What http11 does there, and h11 does not.
        explains: Whether it is what has happened in a step.

    """

    id: str
    why: str
    explains: Callable[[Step], bool]


# --- the differences: sending ---


def without(lines: Sequence[bytes], *names: bytes) -> list[bytes]:
    return [line for line in lines if line.partition(b":")[0].lower() not in names]


def is_sent(step: Step, *events: str) -> bool:
    """Tell whether both have written something for the event, and are in the same states."""
    return step.event in events and step.old[0] == step.new[0] != "error" and same_but_for(step, "waiting", "they_wait")


def same_but_for(step: Step, *keys: str) -> bool:
    return all(step.old_state[key] == step.new_state[key] for key in step.old_state.keys() - {*keys})


def options(lines: Sequence[bytes]) -> set[bytes]:
    said = [line.partition(b":")[2] for line in lines if line.lower().startswith(b"connection:")]
    return {option.strip() for option in b",".join(said).lower().split(b",")} - {b""}


def a_tunnel_or_http2_is_refused(step: Step) -> bool:
    old, new = step.heads()
    unread, _ = step.before["trailing"] or (b"", False)
    moved = b"connection", b"transfer-encoding", b"content-length"
    connect = step.method == b"CONNECT" and unread != b""
    preface = step.method == b"PRI" and step.before["version"] == b"2.0"
    return (
        step.event == "Response"
        and (connect or preface)
        and options(new) == options(old) - {b"keep-alive"} | {b"close"}
        and without(new, *moved) == without(old, *moved)
        and same_but_for(step, "their_state", "states")
        and (step.new_state["their_state"] in ("MUST_CLOSE", step.old_state["their_state"]))
    )


def coding_stays_in_its_place(step: Step) -> bool:
    old, new = step.heads()
    codings = [[line for line in lines if line.lower() == b"transfer-encoding: chunked"] for lines in (old, new)]
    return (
        is_sent(step, "Response")
        and [len(found) for found in codings] == [1, 1]
        and without(new, b"transfer-encoding") == without(old, b"transfer-encoding")
    )


def length_is_left_out(step: Step) -> bool:
    old, new = step.heads()
    bodiless = new[0].startswith((b"HTTP/1.1 1", b"HTTP/1.1 204")) or step.method == b"CONNECT"
    lengths = b"content-length", b"transfer-encoding"
    return (
        is_sent(step, "Response", "InformationalResponse")
        and bodiless
        and old != without(old, *lengths)
        and new == without(old, *lengths)
    )


def no_coding_to_http10(step: Step) -> bool:
    old, new = step.heads()
    return (
        is_sent(step, "Response")
        and (step.before["version"] or b"1.0") < b"1.1"
        and old != without(old, b"transfer-encoding")
        and new == without(old, b"transfer-encoding", b"content-length")
    )


def one_length_is_enough(step: Step) -> bool:
    old, new = step.heads()
    lines = without(old, b"transfer-encoding")
    return (
        is_sent(step, "Response")
        and len(lines) < len(old)
        and without(lines, b"content-length") == without(new, b"transfer-encoding") != lines
        and len(new) == len(old) - 1
    )


def interim_to_http10(step: Step) -> bool:
    return (
        is_sent(step, "InformationalResponse")
        and step.new in (("bytes", b""), ("pieces",))
        and (step.before["version"] or b"1.0") < b"1.1"
    )


def refused(code: str, *also: str) -> Callable[[Step], bool]:
    """Tell of a refusal to make or to send an event, which h11 sends, or refuses after it has changed its state."""

    def explains(step: Step) -> bool:
        return (
            step.event != ""
            and step.code in (code, *also)
            and step.new[:2] == ("error", "LocalProtocolError")
            and step.new_state == step.before
            and (step.old[0] != "error" or (step.old[1] == step.new[1] and step.old_state["our_state"] == "ERROR"))
        )

    return explains


def refused_with_another_hint(step: Step) -> bool:
    names = [name for name, _ in step.action[1][1].get("headers", ())] if step.event else []
    head = (step.before["trailing"] or (b"", False))[0].lower()
    return (
        (any(lower(name) == b"transfer-encoding" for name in names) if step.event else b"transfer-encoding" in head)
        and step.old[0] == step.new[0] == "error"
        and step.old[1] == step.new[1]
        and (step.old[2], step.new[2]) in ((501, 400), (400, 501))
    )


def lower(name: Any) -> bytes:
    return (name.encode("latin-1") if isinstance(name, str) else bytes(name)).lower()


def expects_for_nothing(step: Step) -> bool:
    """Tell of a request that http11 can make and does not send: nobody may wait where there is no content."""
    return (
        step.event == "Request"
        and step.code == "expect-without-content"
        and step.old[0] != "error"
        and step.old_state["waiting"]
        and has_no_content(step.action[1][1]["headers"])
        and step.new_state["our_state"] == "ERROR"
        and {**step.new_state, "our_state": "", "states": {}} == {**step.before, "our_state": "", "states": {}}
    )


def has_no_content(fields: Any) -> bool:
    """Tell whether a request says that it has no content, or says nothing of any."""
    said = {lower(name): lower(value) for name, value in fields}
    return b"transfer-encoding" not in said and said.get(b"content-length", b"").strip(b"0") == b""


def waits_on_where_an_event_is_refused(step: Step) -> bool:
    """Tell of a part of a body that both refuse to send, and after which h11 does not wait any more."""
    return (
        step.event in ("Data", "EndOfMessage")
        and step.old == step.new
        and step.new[:2] == ("error", "LocalProtocolError")
        and step.new_state == {**step.old_state, "waiting": True}
        and step.before["waiting"]
    )


def only_our_state_is_touched(step: Step) -> bool:
    """Tell of an event that both refuse to send, and of which h11 has taken something in by then."""
    return waits_on_where_an_event_is_refused(step) or (
        step.event in ("Request", "Response", "InformationalResponse")
        and step.code == "version-not-sendable"
        and step.old == step.new
        and step.new_state["our_state"] == "ERROR"
        and same_but_for(step, "their_state", "states", "waiting", "they_wait")
        # Where the peer is, it was before, or it has become what an error of ours makes of it.
        and step.new_state["their_state"] in (step.before["their_state"], "MUST_CLOSE")
    )


def a_refused_event_left_something_behind(step: Step) -> bool:
    """Tell of a connection that has failed, where h11 has kept of the refused event that it proposes or refuses a
    switch."""
    states = {step.old_state["their_state"], step.new_state["their_state"]}
    switch = any(one[:2] == ("event", "InformationalResponse") and one[3] == 101 for one in (step.old, step.new))
    return (
        step.kind == "next"
        and step.before["our_state"] == "ERROR"
        and (step.old == step.new or switch)
        and step.new[:2] != ("signal", "NEED_DATA")
        and states
        in ({"SEND_BODY", "SWITCHED_PROTOCOL"}, {"MUST_CLOSE", "MIGHT_SWITCH_PROTOCOL"}, {"ERROR", "SWITCHED_PROTOCOL"})
    )


def does_not_answer_the_question(step: Step) -> bool:
    code = step.old[3] if step.kind == "next" and step.old[:2] == ("event", "InformationalResponse") else None
    if step.event == "InformationalResponse":
        code = step.action[1][1]["status_code"]
    still = {"waiting": True, "they_wait": step.role == "SERVER"}
    return (
        step.old == step.new
        and code not in (None, 100, 101)
        and step.before["waiting"]
        and step.new_state == {**step.old_state, **still}
    )


def nobody_waits(step: Step) -> bool:
    return (
        step.kind == "next"
        and step.old == step.new
        and step.old[:2] == ("event", "Request")
        and has_no_content(step.old[5])
        and step.old_state == {**step.new_state, "waiting": True, "they_wait": True}
    )


def upgrade_in_http10(step: Step) -> bool:
    if step.role != "SERVER" or (step.before["version"] or b"") >= b"1.1":
        return False
    if step.event == "InformationalResponse":
        return step.code == "unexpected-switch" and step.old_state["our_state"] == "SWITCHED_PROTOCOL"
    return (
        step.old == step.new
        and step.old_state["their_state"] == "MIGHT_SWITCH_PROTOCOL"
        and step.new_state["their_state"] == "MUST_CLOSE"
        and step.method != b"CONNECT"
    )


# --- the differences: reading ---


def read(code: str, *also: str) -> Callable[[Step], bool]:
    """Tell of a refusal of something that h11 reads."""

    def explains(step: Step) -> bool:
        return (
            step.kind == "next"
            and step.code in (code, *also)
            and step.old[0] == "event"
            and step.new_state["their_state"] == "ERROR"
        )

    return explains


# What may stand behind a part of a message, to make it whole, if anything can. In a chunked body the second CRLF is
# data, or the end of the trailers.
WHOLE: Final = (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"5;a\r\n\r\n")
RESTS: Final = tuple(dict.fromkeys(whole[at:] for whole in WHOLE for at in range(len(whole))))


def refused_at_once(step: Step) -> bool:
    """Tell of what can no longer become right: however it goes on, h11 makes nothing of it, and refuses it once it
    ends."""
    if step.kind != "next" or step.old != ("signal", "NEED_DATA") or step.new[:2] != ("error", "RemoteProtocolError"):
        return False
    if not step.h11.connection.trailing_data[0]:
        return False
    outcomes = {rest: step.h11.continued(rest) for rest in (b"\r\n\r\n", *RESTS)}
    return outcomes[b"\r\n\r\n"][:2] == ("error", "RemoteProtocolError") and not any(
        outcome[0] == "event" for outcome in outcomes.values()
    )


def unread(step: Step) -> bytes:
    """Return what was unread before the step."""
    return (step.before["trailing"] or (b"", False))[0]


def late_empty_line(step: Step) -> bool:
    """Tell of empty lines after the last request, which http11 skips."""
    return (
        step.role == "SERVER"
        and step.kind == "next"
        and step.before["their_state"] in ("MUST_CLOSE", "CLOSED")
        and unread(step) != b""
        and unread(step).strip(b"\r\n") == b""
        and step.old[:2] == ("error", "RemoteProtocolError")
        and step.new in (("signal", "NEED_DATA"), ("event", "ConnectionClosed"))
    )


def length_of_no_content(step: Step) -> bool:
    """Tell of a wrong length that http11 ignores, since the answer has no content."""
    if step.kind != "next" or step.role != "CLIENT" or step.new[:2] != ("event", "Response"):
        return False
    status, names = step.new[3], [name for name, _ in step.new[5]]
    tunnel = step.method == b"CONNECT" and 200 <= status < 300
    return (
        step.old[:2] == ("error", "RemoteProtocolError")
        and step.old[2] in (400, 501)
        and (b"content-length" in names or b"transfer-encoding" in names)
        and (status in (204, 304) or step.method == b"HEAD" or tunnel)
        and step.new_state["their_state"] == ("SWITCHED_PROTOCOL" if tunnel else "SEND_BODY")
        # It is not used again.
        and step.new_state["our_state"] != "DONE"
    )


def more_than_the_answer(step: Step) -> bool:
    """Tell of what follows an answer: it is never read, and the connection is in MUST_CLOSE."""
    if step.role != "CLIENT":
        return False
    more, closed = step.before["trailing"] or (b"", False)
    if step.kind == "next" and step.new == ("signal", "PAUSED"):
        refused = step.old[:2] == ("error", "RemoteProtocolError") and step.old_state["their_state"] == "ERROR"
        return (
            refused and more != b"" and step.new_state == step.before and step.new_state["their_state"] == "MUST_CLOSE"
        )
    came = step.kind == "receive" or (step.old[:2] == ("event", "EndOfMessage") and (more != b"" or closed))
    ended = {"DONE": "MUST_CLOSE"}
    ours = ended.get(step.old_state["our_state"], step.old_state["our_state"])
    return (
        came
        and step.old == step.new
        and (step.old_state["their_state"], step.new_state["their_state"]) == ("DONE", "MUST_CLOSE")
        and step.new_state["our_state"] == ours
        and same_but_for(step, "our_state", "their_state", "states")
    )


def refused_connect(step: Step) -> bool:
    """Tell of what follows a CONNECT that was refused: it is never read."""
    return (
        step.role == "SERVER"
        and step.kind == "next"
        and step.method == b"CONNECT"
        and step.new == ("signal", "PAUSED")
        and step.old[:2] == ("error", "RemoteProtocolError")
        and unread(step) != b""
        and step.before["their_state"] == "MUST_CLOSE"
        and step.new_state == step.before
    )


def waits_behind_cr(step: Step) -> bool:
    return (
        step.kind == "next"
        and step.before["trailing"] == (b"\r", False)
        and step.old[:2] == ("error", "RemoteProtocolError")
        and step.new == ("signal", "NEED_DATA")
    )


def reads_half_a_line_end(step: Step) -> bool:
    unread = (step.before["trailing"] or (b"", False))[0]
    return (
        step.kind == "next"
        and step.old == step.new == ("signal", "NEED_DATA")
        and unread == b"\r"
        and (step.old_state["trailing"], step.new_state["trailing"]) == ((b"", False), (b"\r", False))
        and same_but_for(step, "trailing")
    )


def start_of_a_chunk_is_lost(step: Step) -> bool:
    return (
        step.kind == "next"
        and step.old[:2] == step.new[:2] == ("event", "Data")
        and step.old[2] == step.new[2]
        and step.old[4] == step.new[4]
        and (step.old[3], step.new[3]) == (False, True)
        and step.old_state == step.new_state
    )


def too_large(step: Step) -> bool:
    if step.new == ("signal", "NEED_DATA"):
        # Its empty line may still come, so a head may be as large as the limit without it.
        unread = len((step.before["trailing"] or (b"", False))[0])
        return step.old == ("error", "RemoteProtocolError", 431) and step.limit < unread <= step.limit + 2
    return step.kind == "next" and step.code in ("chunk-line-too-large", "trailers-too-large")


def first_wrong_byte_is_blamed(step: Step) -> bool:
    return (
        step.kind == "next"
        and step.old == ("error", "RemoteProtocolError", 431)
        and step.new == ("error", "RemoteProtocolError", 400)
        and step.old_state == step.new_state
    )


def fold_is_one_space(step: Step) -> bool:
    def collapsed(outcome: Outcome) -> list[Any]:
        return [
            [(name, b" ".join(value.split())) for name, value in one] if type(one) is list else one for one in outcome
        ]

    unread = (step.before["trailing"] or (b"", False))[0]
    return (
        step.kind == "next"
        and step.old[0] == step.new[0] == "event"
        and collapsed(step.old) == collapsed(step.new)
        # It may stand in a 102 or a 103, which does not answer the question.
        and same_but_for(step, "waiting", "they_wait")
        and any(fold in unread for fold in (b"\n ", b"\n\t"))
    )


def bare_cr_in_an_extension(step: Step) -> bool:
    goes_on = step.old == ("signal", "NEED_DATA") or step.old[:2] in (("event", "Data"), ("event", "EndOfMessage"))
    return step.kind == "next" and step.code == "bare-cr" and goes_on and IN_EXTENSION.match(unread(step)) is not None


IN_EXTENSION: Final = re.compile(rb"(?:\r?\n)?[0-9A-Fa-f]+;[^\r\n]*\r(?!\n)")


def method_is_too_long(step: Step) -> bool:
    return (
        step.kind == "next"
        and step.code == "method-too-long"
        and (step.old[:2] == ("event", "Request") or step.old == ("signal", "NEED_DATA"))
    )


def host_is_missing(step: Step) -> bool:
    if step.event:
        version = as_text(step.action[1][1].get("http_version", ""))
        return "1.2" <= version <= "1.9" and refused("missing-host")(step)
    return read("missing-host")(step) and b"1.2" <= step.old[4] <= b"1.9"


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else bytes(value).decode("latin-1")


def h11_stumbles(step: Step) -> bool:
    return (
        step.old[:2] == ("error", "AttributeError")
        and "'tuple' object has no attribute '__name__'" in str(step.h11.error)
        and step.new[0] == "error"
        and step.new[1] == ("RemoteProtocolError" if step.kind == "next" else "LocalProtocolError")
    )


def extra_data(step: Step) -> bool:
    unread, closed = step.before["trailing"] or (b"", False)
    return (
        step.role == "CLIENT"
        and step.code in ("unexpected-bytes", "not-reusable")
        and step.new[:2] == ("error", "LocalProtocolError")
        and step.old[0] != "error"
        and (unread != b"" or closed)
        and (step.kind == "cycle" or step.event == "Request")
    )


DIFFERENCES: Final[Sequence[Difference]] = (
    Difference(
        "a refused CONNECT", "ends the connection, where bytes wait behind it; so HTTP/2", a_tunnel_or_http2_is_refused
    ),
    Difference("SD-12", "a Transfer-Encoding stays where and as the caller has set it", coding_stays_in_its_place),
    Difference("SD-6", "a 1xx, a 204 or a 2xx to CONNECT has no length", length_is_left_out),
    Difference("SD-7", "not two lengths, also where there is no body", one_length_is_enough),
    Difference("SD-11", "no Transfer-Encoding to HTTP/1.0, also where there is no body", no_coding_to_http10),
    Difference("1xx to HTTP/1.0", "they are left out", interim_to_http10),
    Difference("HO-3", "a Host that is none", refused("bad-host")),
    Difference("HO-5", "another Host than the target's", refused("host-mismatch")),
    Difference("RQ-6", "`#` in a target", refused("bad-target")),
    Difference("RQ-9", "a form of target that does not go with the method", refused("bad-target-form")),
    Difference("RQ-11", "a CONNECT to no host and port", refused("bad-connect-target")),
    Difference("CONNECT has no content", "one with a length", refused("content-in-connect")),
    Difference("SD-8", "two lengths in a request", refused("transfer-encoding-and-content-length")),
    Difference("ST-5", "control bytes in a reason", refused("bad-reason")),
    Difference("FD-9", "control bytes in a value", refused("bad-field-value")),
    Difference("CH-10", "a trailer that frames, routes or authenticates", refused("forbidden-trailer")),
    Difference("ML-1", "a length of 20 digits", refused("bad-content-length")),
    Difference(
        "ML-8, ML-9", "a wrong list of codings: 400; wrong in two ways: another hint", refused_with_another_hint
    ),
    Difference("ML-12", "a coding in HTTP/1.0, which cannot be sent at all", refused("transfer-encoding-in-http10")),
    Difference("SD-14", "a version that cannot be sent at all", refused("bad-version")),
    Difference("SD-16", "no client may expect a 100 where it has no content", expects_for_nothing),
    Difference("only our state is touched", "where an event is refused", only_our_state_is_touched),
    Difference("only our state is touched", "in what follows", a_refused_event_left_something_behind),
    Difference("102 and 103 do not answer", "`Expect: 100-continue`", does_not_answer_the_question),
    Difference("EX-1", "nobody waits for a 100 where there is no content", nobody_waits),
    Difference("Upgrade in HTTP/1.0", "is ignored", upgrade_in_http10),
    Difference("LN-6", "refused before the lines have ended", refused_at_once),
    Difference("a CR may become CRLF", "at the start of a head, and only then is it refused", waits_behind_cr),
    Difference("LN-5", "a chunk line or trailers over the limit, however they come", too_large),
    Difference("LN-2", "a bare CR in a chunk extension", bare_cr_in_an_extension),
    Difference("FD-11", "a fold becomes one SP, with the white space before it", fold_is_one_space),
    Difference("the first wrong byte", "is blamed, and not the size that follows", first_wrong_byte_is_blamed),
    Difference("a method is at most 64 bytes", "in a request", method_is_too_long),
    Difference("HO-1", "HTTP/1.2 to 1.9 need a Host as 1.1 does", host_is_missing),
    Difference("the end of a chunk", "is read as one", reads_half_a_line_end),
    Difference("chunk_start", "is kept where the data come later than the size", start_of_a_chunk_is_lost),
    Difference("h11 stumbles", "an AttributeError in the place of the error that it means", h11_stumbles),
    Difference("LN-3", "empty lines after the last request are skipped", late_empty_line),
    Difference("ML-15", "what an answer without content says of a length is ignored", length_of_no_content),
    Difference("ML-18", "what follows an answer is never read, and the answer is the last one", more_than_the_answer),
    Difference("CN-1", "what follows a refused CONNECT is never read", refused_connect),
    Difference("extra data", "a client does not go on over it", extra_data),
)


# What is met where one only reads, and answers as one should.
MET_BY_READING: Final = frozenset(
    [
        "LN-2", "LN-3", "LN-5", "LN-6", "FD-11", "HO-1", "ML-8, ML-9", "ML-15", "ML-18", "EX-1", "SD-6",
        "a refused CONNECT", "Upgrade in HTTP/1.0", "a CR may become CRLF", "the first wrong byte", "chunk_start",
        "the end of a chunk", "a method is at most 64 bytes", "102 and 103 do not answer",
    ]
)  # fmt: skip


def explanation(step: Step) -> Difference | None:
    return next((difference for difference in DIFFERENCES if difference.explains(step)), None)


# --- programs -------------------------------------------------------------------------------------------------------


def program(seed: int, steps: int = 40) -> Pair:
    """Use a connection in the ways that this number chooses, until they differ so that nothing can be compared."""
    random = Random(seed)
    pair = Pair(random.choice(("CLIENT", "SERVER")))
    maker = Maker(pair.role)
    maker.random = random
    while len(pair.done) < steps and not pair.over:
        pair.take(maker.action(pair))
    return pair


# --- streams --------------------------------------------------------------------------------------------------------


@cache
def asked(request: bytes) -> tuple[Action, ...]:
    """Return what a client does to send a request."""
    server = http11.Connection(http11.SERVER)
    server.receive_data(request)
    event = server.next_event()
    assert isinstance(event, http11.Request)
    head = {"method": event.method, "target": event.target, "headers": event.headers.raw_items()}
    ended: list[Action] = [] if server.next_event() is http11.NEED_DATA else [("send", ("EndOfMessage", {}))]
    return (("send", ("Request", head)), *ended)


class Reading:
    """A stream, read by both, in which each request is answered, and each answer is followed by the next request."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._pairs: list[Pair] = []
        self._connect()
        self._read()

    @property
    def accepted(self) -> tuple[bool, bool]:
        """Whether http11 and h11 have refused nothing, as far as they were compared."""
        return self._pair.new.error is None, self._pair.old.error is None

    @property
    def met(self) -> list[Difference]:
        """The differences."""
        return [one for pair in self._pairs for one in pair.met]

    def _connect(self) -> None:
        self._pair = Pair(self._case.role, self._case.limit)
        self._pairs.append(self._pair)
        self._ask()

    def _ask(self) -> None:
        for action in asked(self._case.request) if self._case.role == http11.CLIENT else ():
            self._take(action)

    def _take(self, action: Action) -> Outcome:
        return ("over",) if self._pair.over else self._pair.take(action)

    def _read(self) -> None:
        for piece in (*self._case.pieces, *([b""] if self._case.closed else [])):
            self._take(("receive", piece))
            while (outcome := self._take(("next", None)))[0] not in ("error", "over"):
                if outcome[:2] == ("event", "ConnectionClosed"):
                    return
                if outcome == ("signal", "NEED_DATA"):
                    if not (self._case.cycles and self._cycle()):
                        break
                elif outcome == ("signal", "PAUSED") and not self._turn():
                    break
            if outcome[0] in ("error", "over"):
                return

    def _cycle(self) -> bool:
        if self._pair.states != ("DONE", "DONE") or self._take(("cycle", None))[0] != "nothing":
            return False
        self._ask()
        return True

    def _turn(self) -> bool:
        """Go on from where both wait for us; false where there is nothing to go on to."""
        if self._case.role == http11.CLIENT:
            return self._cycle() if self._case.cycles else self._ask_again()
        ours, theirs = self._pair.states
        answers = ours in ("IDLE", "SEND_RESPONSE")
        if answers and not self._answer(self._case.switch if theirs == "MIGHT_SWITCH_PROTOCOL" else self._case.answer):
            return False
        # In MUST_CLOSE, what came instead of the end is an error, and has to be read to be one.
        return self._cycle() or (answers and self._pair.states[1] == "MUST_CLOSE")

    def _answer(self, status: int) -> bool:
        if status == 0:
            return False
        name = "InformationalResponse" if status == 101 else "Response"
        fields = [] if status == 101 else [(b"Content-Length", b"0")]
        sent = self._take(("send", (name, {"status_code": status, "headers": fields})))
        if self._pair.states[0] == "SEND_BODY":
            self._take(("send", ("EndOfMessage", {})))
        return sent[0] not in ("error", "over") and self._pair.states[0] != "SWITCHED_PROTOCOL"

    def _ask_again(self) -> bool:
        """Read what is left as the answer to a request on another connection."""
        if self._pair.states != ("DONE", "DONE"):
            return False
        unread, closed = self._pair.old.connection.trailing_data
        self._connect()
        for piece in (unread, *([b""] if closed else [])):
            self._take(("receive", piece))
        return True


# --- running --------------------------------------------------------------------------------------------------------


def told(step: Step) -> str:
    states = {key: (old, step.new_state[key]) for key, old in step.old_state.items() if old != step.new_state[key]}
    return (
        f"{step.role}: {step.action}\n  before: {step.before}\n"
        f"  h11:    {step.old}\n  http11: {step.new} {step.code}\n  states: {states}"
    )
