"""Records as JSON objects, one a line; docs/inspect.md lists their members.

Strings have one character a byte, U+0000 to U+00FF, and are spelled in ASCII. Data are in base64.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TypeAlias

from http11 import ConnectionClosed, Data, Event, InformationalResponse, Request, Response
from http11.inspector.others import explanation
from http11.inspector.records import (
    Failure,
    Lost,
    NotHTTP,
    Opened,
    OtherProtocol,
    Record,
    Row,
    Seen,
    Switch,
    Unread,
    Warned,
)
from http11.inspector.redaction import Redaction, hides_bodies, shown_fields, shown_target
from http11.inspector.views import cell_text, hex_view, marked_line, shown_protocol
from http11.inspector.words import latin_1

__all__ = ["json_line"]

_JSONObject: TypeAlias = dict[str, object]


def json_line(record: Record, *, explain: bool, redaction: Redaction) -> str:
    """Return the object for `record`, in one line of ASCII."""
    return json.dumps(_object(record, explain, redaction))


def _object(record: Record, explain: bool, redaction: Redaction) -> _JSONObject:  # noqa: PLR0911 - a table
    found: _JSONObject = {"event": type(record).__name__, "connection": record.connection, "time": record.time}
    match record:
        case Opened():
            return found | {"client": record.client, "server": record.server}
        case NotHTTP():
            return found | _not_http(record, redaction)
        case Row():
            return found | _row(record, redaction)
        case Warned():
            return found | {"kind": record.kind, "text": record.text}
        case _:
            found |= {"sender": record.sender, "message": record.message, "offset": record.offset}
    match record:
        case Seen():
            found |= {"event": type(record.event).__name__, "end": record.end}
            if record.sender == "SERVER":
                found["answers"] = record.answers
            return found | _event(record.event, redaction)
        case Failure():
            return found | _failure(record, explain, redaction)
        case Switch():
            return found | {"protocol": shown_protocol(record, redaction)}
        case OtherProtocol() | Lost():
            return found | {"size": record.size}
        case Unread():
            return found | {"size": record.size, "why": record.why}
        case _:
            return found | {"method": latin_1(record.method), "target": _target(record.target, redaction)}


def _not_http(record: NotHTTP, redaction: Redaction) -> _JSONObject:
    found: _JSONObject = {"sender": record.sender, "looks_like": record.looks_like}
    return found if hides_bodies(redaction) else found | {"first": latin_1(record.first)}


def _row(row: Row, redaction: Redaction) -> _JSONObject:
    return {
        "event": "Compared",
        "sender": row.sender,
        "message": row.message,
        "parts": row.parts,
        "parsers": [{"name": name, "does": cell.kind, "text": cell_text(cell, redaction)} for name, cell in row.cells],
    }


def _target(target: bytes, redaction: Redaction) -> str:
    return latin_1(target) if redaction == "nothing" else shown_target(target, redaction)


def _event(event: Event, redaction: Redaction) -> _JSONObject:
    if isinstance(event, ConnectionClosed):
        return {}
    if isinstance(event, Data):
        found: _JSONObject = {"size": len(event.data)}
        if not hides_bodies(redaction):
            found["data"] = b64encode(event.data).decode("ascii")
        return found | {"chunk_start": event.chunk_start, "chunk_end": event.chunk_end}
    found = {}
    if isinstance(event, Request):
        found = {"method": latin_1(event.method), "target": _target(event.target, redaction)}
        found["http_version"] = latin_1(event.http_version)
    elif isinstance(event, InformationalResponse | Response):
        found = {"status_code": event.status_code, "reason": latin_1(event.reason)}
        found["http_version"] = latin_1(event.http_version)
    fields = event.headers.raw_items()
    if redaction == "nothing":
        return found | {"headers": [[latin_1(name), latin_1(value)] for name, value in fields]}
    return found | {"headers": [list(field) for field in shown_fields(fields, redaction)]}


def _failure(record: Failure, explain: bool, redaction: Redaction) -> _JSONObject:
    error = record.error
    marked = marked_line(record, redaction)
    found: _JSONObject = {
        "event": "Error",
        "error": error.code,
        "text": error.msg,
        "rule": error.rule,
        "status_hint": error.error_status_hint,
        "tolerance": error.tolerance,
        "message_offset": record.start,
        "received": error.received,
        "line": [marked.before, marked.wrong, marked.after],
        "hex": [f"{row.at:08x} {' '.join(row.cells)}".rstrip() for row in hex_view(record, redaction)],
    }
    if explain:
        known = explanation(error)
        found["explanation"] = known and {
            "row": known.row,
            "input": known.input,
            "why": known.why,
            "others": [{"name": each.name, "does": each.does, "source": each.source} for each in known.others],
        }
    return found
