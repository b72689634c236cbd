"""Records as lines of text, each a list of pieces with a style, so that a plain output and a terminal show the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias

import attrs

from http11 import (
    CLIENT,
    STRICT,
    ConnectionClosed,
    Data,
    EndOfMessage,
    ErrorCode,
    InformationalResponse,
    RemoteProtocolError,
    Request,
    Response,
)
from http11.inspector.others import Explanation, explanation
from http11.inspector.records import (
    Cell,
    Failure,
    Lost,
    NotHTTP,
    Opened,
    OtherProtocol,
    Record,
    Row,
    Seen,
    Switch,
    Unanswered,
    Unread,
    Warned,
)
from http11.inspector.redaction import Redaction, hides_bodies, shown_fields, shown_offsets, shown_target
from http11.inspector.words import HexRow, escaped, hex_rows, number_of

__all__ = [
    "Line",
    "MarkedLine",
    "Style",
    "TextView",
    "cell_text",
    "door",
    "first_line",
    "headline",
    "hex_view",
    "marked_line",
    "preview",
    "rule",
    "shown_protocol",
]

Style: TypeAlias = Literal["plain", "dim", "client", "server", "name", "data", "bad", "note"]
Line: TypeAlias = list[tuple[str, Style]]

_PREVIEW: Final = 60
# So that a line fits into 100 columns, with what stands before it.
_MOST_BEFORE: Final = 44
_MOST_AFTER: Final = 30
_LONGEST_FIRST_LINE: Final = 76

# Where what is said begins: after the time, the connection, the offset and the arrow.
_OFFSET_WIDTH: Final = 9


@attrs.frozen
class MarkedLine:
    """The line with the wrong byte, as far as it is shown; all of it in visible ASCII.

    Attributes:
        before: What precedes the byte.
        wrong: The byte; nothing if it is missing there.
        after: What follows it.

    """

    before: str
    wrong: str
    after: str


def marked_line(failure: Failure, redaction: Redaction) -> MarkedLine:
    """Return the line in which the wrong byte stands."""
    context, at = failure.context, failure.offset - failure.context_start
    begin = context.rfind(b"\n", 0, at if at < len(context) else max(at - 1, 0)) + 1
    end = context.find(b"\n", at) + 1 or len(context)
    hidden = _hidden(failure, redaction)

    def spelled(index: int) -> str:
        if failure.context_start + index in hidden:
            return "*"
        return escaped(context[index : index + 1])

    before = wrong = after = ""
    first, last = at, at + 1
    while first > begin and len(before) < _MOST_BEFORE:
        first -= 1
        before = spelled(first) + before
    if at < len(context):
        wrong = spelled(at)
    while last < end and len(after) < _MOST_AFTER:
        after += spelled(last)
        last += 1
    return MarkedLine("..." * (first > begin) + before, wrong, after + "..." * (last < end))


def hex_view(failure: Failure, redaction: Redaction) -> list[HexRow]:
    """Return the rows of a hex view around the wrong byte: its own, one before it and one after it."""
    row = failure.offset - failure.offset % 16
    if failure.offset == failure.context_start + len(failure.context):
        # What is missing stands in no row.
        row = max(failure.offset - 1, failure.context_start) // 16 * 16
    first = max(row - 16, failure.context_start)
    data = failure.context[first - failure.context_start : row + 32 - failure.context_start]
    return list(hex_rows(data, first, _hidden(failure, redaction)))


def _hidden(failure: Failure, redaction: Redaction) -> frozenset[int]:
    is_start = failure.context_start == failure.start
    return shown_offsets(failure.context, failure.context_start, failure.offset, is_start=is_start, redaction=redaction)


def headline(event: Request | InformationalResponse | Response, redaction: Redaction = "nothing") -> str:
    """Return the start line of a head, escaped."""
    if isinstance(event, Request):
        target = shown_target(event.target, redaction)
        return f"{escaped(event.method)} {target} HTTP/{escaped(event.http_version)}"
    return escaped(b"HTTP/%b %d %b" % (event.http_version, event.status_code, event.reason)).rstrip()


def preview(data: bytes, redaction: Redaction) -> str:
    """Return the beginning of a body's data, escaped."""
    if hides_bodies(redaction):
        return ""
    return _shortened(data, _PREVIEW)


def _shortened(data: bytes, most: int, hidden: frozenset[int] = frozenset()) -> str:
    """Return as many bytes of `data` as fit, escaped and each of them whole; `hidden` are indices."""
    text = ""
    for index, byte in enumerate(data):
        spelled = "*" if index in hidden else escaped(bytes([byte]))
        if len(text) + len(spelled) > most:
            return text + "..."
        text += spelled
    return text


def first_line(failure: Failure, redaction: Redaction) -> str:
    """Return the message's first line, if the wrong byte is in another one and the first is known; otherwise ""."""
    end = failure.context.find(b"\n")
    if failure.context_start != failure.start or not 0 <= end < failure.offset - failure.start:
        return ""
    line = failure.context[:end].removesuffix(b"\r")
    hidden = frozenset(offset - failure.start for offset in _hidden(failure, redaction))
    return _shortened(line, _LONGEST_FIRST_LINE, hidden)


def rule(error: RemoteProtocolError, found: Explanation | None) -> str:
    """Say which rule is broken, and why there is such a rule."""
    if found is None:
        return error.rule
    return found.why if error.rule in found.why else f"{error.rule}: {found.why}"


def door(error: RemoteProtocolError) -> str:
    """Say which field of `Policy` would let in what is wrong."""
    if error.tolerance is None:
        other = _PERHAPS.get(error.code)
        return "none: no policy lets it in" if other is None else f"none that is sure to; perhaps --allow {other}"
    # A limit that is reached is STRICT's: H11 has the same, or none.
    limit: bool | int | None = getattr(STRICT, error.tolerance)
    if isinstance(limit, bool):
        return f"--allow {error.tolerance}, which is Policy({error.tolerance}=True)"
    return f"--allow {error.tolerance}=N, which is Policy({error.tolerance}=N), with N above {limit}"


# Whether these help depends on more than the wrong bytes: on how they arrive, and on what came before.
_PERHAPS: Final[Mapping[ErrorCode, str]] = {
    "head-too-large": "whole_heads_over_limit",
    "unexpected-bytes": "keep_alive_in_http10",
}

_OUR_CODE: Final = re.compile(rb"[a-z0-9-]+")


def cell_text(cell: Cell, redaction: Redaction) -> str:
    """Say what a parser makes of a message."""
    said = b" ".join(cell.start)
    if cell.kind == "refused":
        # What another parser says may quote what it has read.
        hides = redaction != "nothing" and _OUR_CODE.fullmatch(said) is None
        return "refuses" if hides else f"refuses: {escaped(said)}"
    if cell.kind == "incomplete":
        return "waits for more"
    if cell.kind == "stopped":
        return f"has stopped: {escaped(said)}"
    first, second, third = cell.start
    shown = escaped(second) if first.isdigit() else shown_target(second, redaction)
    fields, size = number_of(len(cell.fields), "field"), number_of(cell.size, "byte")
    text = f"{escaped(first)} {shown} {escaped(third)}, {fields}, {size} of body"
    if cell.size and not hides_bodies(redaction):
        text += f": {_shortened(cell.preview, _PREVIEW)}" + "..." * (cell.size > len(cell.preview))
    return text


def shown_protocol(switch: Switch, redaction: Redaction) -> str:
    """Return what the protocol is called: a field's value."""
    return "another protocol" if hides_bodies(redaction) else switch.protocol


class TextView:
    """Makes lines of records.

    Args:
        explain: Whether to say what others do with what is wrong.
        redaction: What is left out.
        all_data: Whether each piece of a body has a line, and not only the first.
        capture: Whether the input is a capture: it has times, and may have many connections.

    """

    def __init__(self, *, explain: bool, redaction: Redaction, all_data: bool, capture: bool = False) -> None:
        self._explain = explain
        self._redaction: Redaction = redaction
        self._all_data = all_data
        self._capture = capture
        # By connection and sender: of the body that is being read, its bytes and the number of its pieces.
        self._bodies: dict[tuple[int, str], tuple[int, int]] = {}

    def lines(self, record: Record) -> Iterator[Line]:
        """Yield the lines of `record`."""
        match record:
            case Seen():
                yield from self._seen(record)
            case Failure():
                yield from self._failure(record)
            case Switch():
                yield [*self._prefix(record), (f"{shown_protocol(record, self._redaction)} begins here", "note")]
            case OtherProtocol():
                yield [*self._prefix(record), (f"{number_of(record.size, 'byte')} of another protocol", "note")]
            case Lost():
                said = "the capture begins in the middle"
                if record.size is not None:
                    said = f"{number_of(record.size, 'byte')} missing in the capture"
                yield [*self._prefix(record), (said, "bad")]
            case Unread():
                yield [*self._prefix(record), (f"{number_of(record.size, 'byte')} not read: {record.why}", "note")]
            case Unanswered():
                target = shown_target(record.target, self._redaction)
                said = f"no answer was seen to {escaped(record.method)} {target}, message {record.message}"
                yield [*self._prefix(record), (said, "note")]
            case _:
                yield from self._of_input(record)

    def _of_input(self, record: Opened | NotHTTP | Row | Warned) -> Iterator[Line]:
        match record:
            case Opened():
                time = f" at {record.time:.6f} s" if record.time else ""
                yield [
                    (f"#{record.connection} ", "name"),
                    (escaped(record.client), "client"),
                    (" > ", "dim"),
                    (escaped(record.server), "server"),
                    (time, "dim"),
                ]
            case NotHTTP():
                whose = "the client" if record.sender == CLIENT else "the server"
                said = f"not HTTP/1: {whose} begins with {record.looks_like}"
                if not hides_bodies(self._redaction):
                    said += f": {escaped(record.first)}"
                yield [(f"#{record.connection} ", "name"), (said, "note")]
            case Row():
                yield from self.compared(record)
            case _:
                number = f"#{record.connection} " if record.connection is not None and self._capture else ""
                yield [(number, "name"), (f"note: {record.text}", "note")]

    def compared(self, row: Row) -> Iterator[Line]:
        """Yield the lines of what several parsers make of a message: one where they agree."""
        number = f"#{row.connection} " if self._capture else ""
        start: Line = [(number, "name"), (f"message {row.message}", "plain")]
        cells = [cell for _, cell in row.cells]
        if not row.parts:
            shown = next((cell for cell in cells if cell.kind != "stopped"), cells[0])
            stopped = sum(cell.kind == "stopped" for cell in cells)
            by = f"{len(cells) - stopped} of {len(cells)}" if stopped else "all"
            yield [*start, (f"  {by}: ", "dim"), (cell_text(shown, self._redaction), "plain")]
            return
        yield [*start, ("  they part", "bad")]
        width = max(len(name) for name, _ in row.cells)
        for name, cell in row.cells:
            style: Style = "bad" if cell.kind == "refused" else "dim" if cell.kind == "stopped" else "plain"
            yield [(f"    {name:<{width}}  ", "name"), (cell_text(cell, self._redaction), style)]

    def _prefix(self, record: Seen | Failure | Switch | OtherProtocol | Lost | Unread | Unanswered) -> Line:
        sent: Style = "client" if record.sender == CLIENT else "server"
        line: Line = []
        if self._capture:
            line.append((f"{f'#{record.connection}':<5}", "name"))
            line.append(("           " if record.time is None else f"{record.time:11.6f}", "dim"))
        line.append((f"{record.offset:>{_OFFSET_WIDTH}} ", "dim"))
        line.append((">" if record.sender == CLIENT else "<", sent))
        line.append((" ", "plain"))
        return line

    def _indented(self, text: str, style: Style = "plain") -> Line:
        indent = _OFFSET_WIDTH + 3 + 16 * self._capture
        return [(" " * indent, "plain"), (text, style)]

    def _seen(self, record: Seen) -> Iterator[Line]:
        event = record.event
        key = record.connection, record.sender
        if isinstance(event, Data):
            size, pieces = self._bodies.get(key, (0, 0))
            self._bodies[key] = size + len(event.data), pieces + 1
            if pieces == 0 or self._all_data:
                said = f"{number_of(len(event.data), 'byte')} of body"
                shown = preview(event.data, self._redaction)
                yield [*self._prefix(record), (f"{said}  " if shown else said, "dim"), (shown, "data")]
            return
        if isinstance(event, EndOfMessage):
            size, pieces = self._bodies.pop(key, (0, 0))
            if pieces > 1:
                said = f"{number_of(size, 'byte')} of body in {pieces:,} pieces"
                yield [*self._prefix(record), (said, "dim")]
            if event.headers:
                yield [*self._prefix(record), ("trailers", "dim")]
                yield from self._fields(event)
            return
        if isinstance(event, ConnectionClosed):
            yield [*self._prefix(record), ("closed", "dim")]
            return
        style: Style = "client" if record.sender == CLIENT else "server"
        line: Line = [*self._prefix(record), (headline(event, self._redaction), style)]
        if record.answers is not None:
            line.append((f"   to message {record.answers}", "dim"))
        yield line
        yield from self._fields(event)

    def _fields(self, event: Request | InformationalResponse | Response | EndOfMessage) -> Iterator[Line]:
        for name, value in shown_fields(event.headers.raw_items(), self._redaction):
            yield [*self._indented(f"{name}: ", "name"), (value, "plain")]

    def _failure(self, record: Failure) -> Iterator[Line]:
        error = record.error
        within = record.offset - record.start
        yield [
            *self._prefix(record),
            (f"error {error.code}", "bad"),
            (f"  at byte {within:,} of message {record.message}", "plain"),
        ]
        yield self._indented(error.msg)
        yield from self._place(record)
        found = explanation(error)
        yield from self._labelled("rule", rule(error, found))
        yield from self._labelled("status", f"{error.error_status_hint}, for a server's answer")
        yield from self._labelled("door", door(error))
        if self._explain:
            yield from self._others(found)

    def _place(self, record: Failure) -> Iterator[Line]:
        start_line = first_line(record, self._redaction)
        if start_line:
            yield from self._labelled("in", start_line)
        marked = marked_line(record, self._redaction)
        yield [
            *self._indented("line    ", "dim"),
            (marked.before, "plain"),
            (marked.wrong, "bad"),
            (marked.after, "plain"),
        ]
        yield [
            *self._indented("        "),
            (" " * len(marked.before), "plain"),
            ("^" * (len(marked.wrong) or 1), "bad"),
        ]
        for at, row in enumerate(hex_view(record, self._redaction)):
            line = self._label("hex" if at == 0 else "")
            line.append((f"{row.at:08x} ", "dim"))
            for column, cell in enumerate(row.cells):
                style: Style = "bad" if row.at + column == record.offset else "plain"
                left, right = ("[", "]") if style == "bad" else (" ", " ")
                # One bracket is shared between two cells.
                previous_is_bad = row.at + column - 1 == record.offset and column > 0
                line.append(("]" if previous_is_bad else left, "bad" if previous_is_bad else style))
                line.append((cell, style))
                if column == len(row.cells) - 1:
                    line.append((right, style))
            line.append((" ", "plain"))
            for column, character in enumerate(row.characters):
                line.append((character, "bad" if row.at + column == record.offset else "dim"))
            yield line

    def _labelled(self, label: str, text: str) -> Iterator[Line]:
        yield [*self._label(label), (text, "plain")]

    def _label(self, label: str) -> Line:
        # In one piece with its indentation: a terminal's lines go on below what follows it.
        (indent, _), _ = self._indented("")
        return [(f"{indent}{label:<8}", "dim")]

    def _others(self, found: Explanation | None) -> Iterator[Line]:
        if found is None:
            yield from self._labelled("others", "not known: no vector is wrong in this way")
            return
        yield from self._labelled("others", f"{found.input} (row {found.row} of docs/strictness.md):")
        width = max(len(other.name) for other in found.others)
        for other in found.others:
            yield [
                *self._indented(f"        {other.name:<{width}}  ", "name"),
                (other.does, "plain"),
                (f"  [{other.source}]", "dim"),
            ]
