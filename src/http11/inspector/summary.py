"""Counts of what a conversation, or a capture of many, has in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from http11 import CLIENT, SERVER, ConnectionClosed, Data, InformationalResponse, Request, Response, Role
from http11.inspector.records import (
    Failure,
    Lost,
    NotHTTP,
    Opened,
    OtherProtocol,
    Record,
    Row,
    Seen,
    Unanswered,
    Unread,
    Warned,
)
from http11.inspector.views import Line
from http11.inspector.words import escaped, latin_1, number_of

__all__ = ["Summary"]

# A peer may invent a method for each request: what is counted apart is bounded.
_MOST_METHODS: Final = 40


class Summary:
    """Counts what it is shown.

    Attributes:
        messages: How many heads have been read.
        failures: How many times the protocol was broken.
        incomplete: Whether the input lacks bytes.
        compared: How many messages several parsers have read.
        parted: Of how many of them they differ.

    """

    def __init__(self) -> None:
        self.messages = 0
        self.failures = 0
        self.incomplete = False
        self.compared = 0
        self.parted = 0
        self._connections = 0
        self._reused = 0
        self._most_requests = 0
        self._others = 0
        self._methods: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._errors: Counter[str] = Counter()
        # By connection, as long as it is open.
        self._requests: Counter[int] = Counter()
        self._body_bytes: Counter[Role] = Counter()
        self._gaps = 0
        self._lost = 0
        self._unread = 0
        self._other_bytes = 0
        self._unanswered = 0

    def add(self, record: Record) -> None:
        """Count `record`."""
        match record:
            case Seen():
                self._connections = max(self._connections, record.connection)
                self._add_event(record)
            case Failure():
                self._connections = max(self._connections, record.connection)
                self.failures += 1
                self._errors[record.error.code] += 1
            case Lost():
                self.incomplete = True
                self._gaps += 1
                self._lost += record.size or 0
            case OtherProtocol():
                self._other_bytes += record.size
            case Unread():
                self._unread += record.size
            case Unanswered():
                self._unanswered += 1
            case Opened():
                self._connections = max(self._connections, record.connection)
            case NotHTTP():
                self._connections = max(self._connections, record.connection)
                self._others += 1
            case Row():
                self.compared += 1
                self.parted += record.parts
            case Warned():
                self.incomplete = self.incomplete or record.kind == "truncated-capture"
            case _:
                pass

    def _add_event(self, record: Seen) -> None:
        event = record.event
        if isinstance(event, Data):
            self._body_bytes[record.sender] += len(event.data)
        elif isinstance(event, Request):
            self.messages += 1
            method = latin_1(event.method)
            known = method in self._methods or len(self._methods) < _MOST_METHODS
            self._methods[method if known else "others"] += 1
            self._requests[record.connection] += 1
            number = self._requests[record.connection]
            self._reused += number == 2  # noqa: PLR2004 - with the second request
            self._most_requests = max(self._most_requests, number)
        elif isinstance(event, (InformationalResponse, Response)):
            self.messages += 1
            self._statuses[event.status_code] += 1
        elif isinstance(event, ConnectionClosed) and record.sender == CLIENT:
            self._requests.pop(record.connection, None)

    def as_json(self) -> dict[str, object]:
        """Return the counts, by name."""
        return {
            "event": "Summary",
            "connections": self._connections - self._others,
            "not_http": self._others,
            "requests": self._methods.total(),
            "methods": dict(self._methods.most_common()),
            "responses": self._statuses.total(),
            "statuses": {str(status): self._statuses[status] for status in sorted(self._statuses)},
            "errors": dict(self._errors.most_common()),
            "reused_connections": self._reused,
            "most_requests_on_a_connection": self._most_requests,
            "unanswered": self._unanswered,
            "request_body_bytes": self._body_bytes[CLIENT],
            "response_body_bytes": self._body_bytes[SERVER],
            "other_protocol_bytes": self._other_bytes,
            "unread_bytes": self._unread,
            "lost_bytes": self._lost,
        }

    def lines(self) -> Iterator[Line]:
        """Yield the counts, for a reader."""
        connections = number_of(self._connections - self._others, "connection")
        others = (
            f", and {self._others:,} that {'is' if self._others == 1 else 'are'} not HTTP/1" if self._others else ""
        )
        yield from _row("connections", connections + others)
        if self._methods:
            yield from _row("requests", f"{self._methods.total():,}: {_listed(self._methods)}")
        if self._methods:
            most = number_of(self._most_requests, "request")
            yield from _row("reuse", f"{number_of(self._reused, 'connection')} reused; {most} on one at the most")
        if self._statuses:
            by_status = Counter({str(status): self._statuses[status] for status in sorted(self._statuses)})
            yield from _row("responses", f"{self._statuses.total():,}: {_listed(by_status)}")
        if self._unanswered:
            yield from _row("unanswered", number_of(self._unanswered, "request"))
        sent, received = (number_of(self._body_bytes[role], "byte") for role in (CLIENT, SERVER))
        yield from _row("bodies", f"{sent} sent by clients, {received} by servers")
        if self._other_bytes:
            yield from _row("other", f"{number_of(self._other_bytes, 'byte')} of other protocols")
        if self._gaps:
            yield from _row("missing", f"{number_of(self._lost, 'byte')} in {number_of(self._gaps, 'place')}")
        if self._unread:
            yield from _row("not read", number_of(self._unread, "byte"))
        errors = f"{self.failures:,}: {_listed(self._errors)}" if self.failures else "none"
        yield [(f"{'errors':<12}", "dim"), (errors, "bad" if self.failures else "plain")]


def _row(label: str, text: str) -> Iterator[Line]:
    yield [(f"{label:<12}", "dim"), (text, "plain")]


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {escaped(name)}" for name, count in counts.items())
