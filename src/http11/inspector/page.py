"""A conversation as one HTML page: no script, nothing from elsewhere, and nothing in it that was read but as text.

The page's policy (Content-Security-Policy) forbids what it does not need, so that a value could not do anything even if
it were not escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

import attrs

from http11 import (
    CLIENT,
    SERVER,
    ConnectionClosed,
    Data,
    EndOfMessage,
    InformationalResponse,
    Request,
    Response,
    Role,
)
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
    Unanswered,
    Unread,
    Warned,
)
from http11.inspector.redaction import Redaction, hides_bodies, shown_fields
from http11.inspector.summary import Summary
from http11.inspector.views import TextView, door, first_line, headline, hex_view, marked_line, rule
from http11.inspector.words import escaped, number_of

__all__ = ["Page"]

# What is kept of a body, and of a conversation: a page is to be read, and attached to a report.
_MOST_OF_A_BODY: Final = 2048
_MOST_ITEMS: Final = 3000

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8885; --client: #0550ae; --server: #1a6f37; --bad: #b3261e;
  --badback: #ffd7d4; --dim: #636c76; --back: #fff; --card: #f6f8fa; --text: #1f2328; }
@media (prefers-color-scheme: dark) { :root { --client: #79b8ff; --server: #6fdd8b; --bad: #ff8f87; --badback: #67060c;
  --dim: #9aa4af; --back: #0d1117; --card: #161b22; --text: #e6edf3; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 90rem; padding: 1.5rem; font: 15px/1.45 system-ui, sans-serif;
  background: var(--back); color: var(--text); }
h1 { font-size: 1.3rem; margin: 0 0 .2rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 2rem 0 .6rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
code, pre, .mono { font: 13px/1.5 ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre { margin: .4rem 0; overflow-x: auto; white-space: pre; }
pre.wrap { white-space: pre-wrap; overflow-wrap: anywhere; }
table.counts td { padding: 0 1.2rem 0 0; vertical-align: top; }
.dim { color: var(--dim); }
.exchange { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: .8rem; margin: .8rem 0; }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: .8rem; font-weight: 600; }
.from-client { color: var(--client); } .from-server { color: var(--server); }
details.message, .note, .failure, .compared { background: var(--card); border: 1px solid var(--line);
  border-radius: .5rem; padding: .5rem .8rem; margin: 0 0 .5rem; }
details.message > summary { cursor: pointer; overflow-wrap: anywhere; }
details.client { border-left: 4px solid var(--client); } details.server { border-left: 4px solid var(--server); }
.failure { border: 2px solid var(--bad); }
.failure h3 { margin: 0 0 .3rem; font-size: 1rem; color: var(--bad); overflow-wrap: anywhere; }
mark { background: var(--badback); color: var(--bad); outline: 1px solid var(--bad); border-radius: 2px; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .1rem .9rem; margin: .4rem 0; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; } dd pre { margin: 0; }
dd.wide { grid-column: 1 / -1; } dd.wide pre { font-size: 12px; margin: .4rem 0; }
.place { float: right; color: var(--dim); margin-left: 1rem; }
@media (max-width: 50rem) { .exchange, .sides { grid-template-columns: minmax(0, 1fr); } }
"""


@attrs.define
class _Message:
    """A message that is being read."""

    sender: Role
    place: str
    title: str
    remark: str
    fields: list[tuple[str, str]]
    trailers: list[tuple[str, str]] = attrs.field(factory=list)
    size: int = 0
    pieces: int = 0
    body: bytes = b""

    def html(self, redaction: Redaction) -> str:
        side = self.sender.lower()
        parts = [
            f'<details class="message {side}" open><summary class="mono">',
            f'<span class="place">{escape(self.place)}</span><b class="from-{side}">{escape(self.title)}</b>',
            f' <span class="dim">{escape(self.remark)}</span>' if self.remark else "",
            "</summary>",
            _fields(self.fields),
        ]
        if self.size:
            said = number_of(self.size, "byte") + (f" in {self.pieces:,} pieces" if self.pieces > 1 else "")
            parts.append(f'<div class="dim">{said} of body</div>')
            if not hides_bodies(redaction):
                cut = "..." if self.size > len(self.body) else ""
                parts.append(f'<pre class="wrap">{escape(escaped(self.body))}{cut}</pre>')
        if self.trailers:
            parts += ['<div class="dim">trailers</div>', _fields(self.trailers)]
        return "".join([*parts, "</details>"])


def _no_items() -> dict[Role, list[str]]:
    client: list[str] = []
    server: list[str] = []
    return {CLIENT: client, SERVER: server}


@attrs.define
class _Exchange:
    """What stands side by side, and what stands before it over the whole width."""

    before: str = ""
    items: dict[Role, list[str]] = attrs.field(factory=_no_items)

    def html(self) -> str:
        sides = ("".join(self.items[role]) for role in (CLIENT, SERVER))
        if not any(self.items.values()):
            return self.before
        return f'{self.before}<div class="exchange">{"".join(f"<div>{side}</div>" for side in sides)}</div>'


@attrs.define
class _Section:
    """A connection.

    Attributes:
        title: Its addresses, if it has some.
        exchanges: By the number of the request; None for what belongs to no request that was seen.
        order: The same, in the order in which they began.
        open: The messages that are being read.

    """

    title: str = ""
    exchanges: dict[int, _Exchange] = attrs.field(factory=dict)
    order: list[_Exchange] = attrs.field(factory=list)
    open: dict[Role, tuple[_Message, _Exchange]] = attrs.field(factory=dict)

    def exchange(self, request: int | None) -> _Exchange:
        """Return the exchange of a request, or a new one."""
        if request is not None and request in self.exchanges:
            return self.exchanges[request]
        exchange = _Exchange()
        self.order.append(exchange)
        if request is not None:
            self.exchanges[request] = exchange
        return exchange

    def current(self, sender: Role) -> _Exchange:
        """Return the exchange of the message that is being read, or the last one."""
        if sender in self.open:
            return self.open[sender][1]
        return self.order[-1] if self.order else self.exchange(None)


class Page:
    """Makes a page of records.

    Args:
        title: What was read, in words that are safe to print.
        policy: What was tolerated.
        redaction: What is left out.

    """

    def __init__(self, title: str, policy: str, redaction: Redaction) -> None:
        self._title = title
        self._policy = policy
        self._redaction: Redaction = redaction
        self._view = TextView(explain=True, redaction=redaction, all_data=False)
        self._sections: dict[int, _Section] = {}
        self._items = 0
        self._left_out = 0

    def add(self, record: Record) -> None:
        """Add what was found; of a long conversation, only errors after the first messages."""
        if isinstance(record, Seen) and isinstance(record.event, (Request, InformationalResponse, Response)):
            self._items += 1
            if self._items > _MOST_ITEMS:
                self._left_out += 1
        if self._items > _MOST_ITEMS and not isinstance(record, Failure):
            return
        section = self._sections.setdefault(record.connection or 0, _Section())
        match record:
            case Seen():
                self._seen(section, record)
            case Failure():
                self._close(section, record.sender)
                # An error in a head belongs to no request that was seen, and so does the answer to it.
                known = record.message if record.sender == CLIENT else None
                exchange = section.exchange(known) if known else section.current(record.sender)
                exchange.items[record.sender].append(self._failure(record))
            case Opened():
                section.title = f"{escaped(record.client)} to {escaped(record.server)}"
            case Row():
                lines = ["".join(text for text, _ in line) for line in self._view.lines(record)]
                if record.parts:
                    text = escape("\n".join(lines))
                    section.exchange(None).before = f'<div class="compared"><pre>{text}</pre></div>'
            case _:
                self._note(section, record)

    def html(self, summary: Summary) -> Iterator[str]:
        """Yield the page, in pieces."""
        yield "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n"
        yield "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        yield '<meta name=viewport content="width=device-width">\n'
        title = escape(self._title)
        yield f"<title>{title}</title><style>{_STYLE}</style></head><body>\n"
        yield f'<h1>{title}</h1><p class="dim">http11 inspect, under {escape(self._policy)}</p>\n<table class="counts">'
        for line in summary.lines():
            (label, _), (text, style), *_ = line
            shown = escape(text) if style != "bad" else f"<mark>{escape(text)}</mark>"
            yield f'<tr><td class="dim">{escape(label.strip())}</td><td>{shown}</td></tr>'
        yield "</table>\n"
        for number, section in self._sections.items():
            for sender in list(section.open):
                self._close(section, sender)
            if number:
                yield f"<h2>connection {number}{escape(f': {section.title}' if section.title else '')}</h2>\n"
                yield '<div class="sides"><div class="from-client">client</div>'
                yield '<div class="from-server">server</div></div>\n'
            for exchange in section.order:
                yield exchange.html() + "\n"
        if self._left_out:
            yield f'<p class="dim">{number_of(self._left_out, "more message")} left out</p>\n'
        yield "</body></html>\n"

    def _seen(self, section: _Section, record: Seen) -> None:
        event, sender = record.event, record.sender
        if isinstance(event, Data):
            message = section.open[sender][0]
            message.size += len(event.data)
            message.pieces += 1
            message.body += event.data[: _MOST_OF_A_BODY - len(message.body)]
        elif isinstance(event, EndOfMessage):
            section.open[sender][0].trailers = shown_fields(event.headers.raw_items(), self._redaction)
            self._close(section, sender)
        elif not isinstance(event, ConnectionClosed):
            self._close(section, sender)
            remark = f"to message {record.answers}" if record.answers is not None else ""
            fields = shown_fields(event.headers.raw_items(), self._redaction)
            title = headline(event, self._redaction)
            message = _Message(sender, _place(record), title, remark, fields)
            request = record.message if sender == CLIENT else record.answers
            if request is None and section.order and not section.order[-1].items[sender]:
                exchange = section.order[-1]
            else:
                exchange = section.exchange(request)
            section.open[sender] = message, exchange

    def _close(self, section: _Section, sender: Role) -> None:
        if sender in section.open:
            message, exchange = section.open.pop(sender)
            exchange.items[sender].append(message.html(self._redaction))

    def _note(
        self,
        section: _Section,
        record: Switch | OtherProtocol | Lost | Unread | Unanswered | NotHTTP | Warned,
    ) -> None:
        sender: Role = CLIENT if isinstance(record, Warned) else record.sender
        text = " ".join("".join(text for text, _ in line).strip() for line in self._view.lines(record))
        exchange = section.current(sender)
        exchange.items[sender].append(f'<div class="note mono">{escape(text)}</div>')

    def _failure(self, record: Failure) -> str:
        error, redaction = record.error, self._redaction
        marked = marked_line(record, redaction)
        start_line = first_line(record, redaction)
        wrong = escape(marked.wrong) or "&nbsp;"
        found = explanation(error)
        rows = [
            ("in", start_line and f"<code>{escape(start_line)}</code>"),
            ("line", f'<pre class="wrap">{escape(marked.before)}<mark>{wrong}</mark>{escape(marked.after)}</pre>'),
            ("", _hex(record, redaction)),
            ("rule", escape(rule(error, found))),
            ("status", f"{error.error_status_hint}, for a server's answer"),
            ("door", escape(door(error))),
        ]
        listed = "".join(
            f"<dt>{label}</dt><dd>{value}</dd>" if label else f'<dd class="wide">{value}</dd>'
            for label, value in rows
            if value
        )
        others = ""
        if found is not None:
            each = "".join(
                f"<tr><td>{escape(other.name)}</td><td>{escape(other.does)}</td>"
                f'<td class="dim">{escape(other.source)}</td></tr>'
                for other in found.others
            )
            about = f"What others do: {found.input} (row {found.row} of docs/strictness.md)"
            others = f'<details><summary>{escape(about)}</summary><table class="counts">{each}</table></details>'
        title = f"{error.code} at byte {record.offset - record.start:,} of message {record.message}"
        place = f'<span class="place mono">{escape(_place(record))}</span>'
        return f'<div class="failure">{place}<h3>{escape(title)}</h3>{escape(error.msg)}<dl>{listed}</dl>{others}</div>'


def _place(record: Seen | Failure) -> str:
    time = "" if record.time is None else f"{record.time:.6f} s, "
    return f"{time}byte {record.offset:,}"


def _fields(fields: list[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in fields)
    return f'<dl class="mono">{rows}</dl>' if rows else ""


def _hex(record: Failure, redaction: Redaction) -> str:
    lines = []
    for row in hex_view(record, redaction):
        cells: list[str] = []
        characters: list[str] = []
        for column, (cell, character) in enumerate(zip(row.cells, row.characters, strict=True)):
            is_wrong = row.at + column == record.offset
            shown = escape(character)
            cells.append(f"<mark>{cell}</mark>" if is_wrong else cell)
            characters.append(f"<mark>{shown}</mark>" if is_wrong else shown)
        lines.append(f'<span class="dim">{row.at:08x}</span>  {" ".join(cells)}  {"".join(characters)}')
    return f"<pre>{chr(10).join(lines)}</pre>"
