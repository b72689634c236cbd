"""The pictures of the manual: `python -m tests.manual` writes them to docs/pictures.

The state machines are drawn from `TRANSITIONS`; the moves by which one side pulls the other along are found by driving
connections. The floors are those of the import contract in pyproject.toml, with what each module says of itself.
"""

from __future__ import annotations

import ast
import copy
import tomllib
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Final, TypeAlias

import attrs

from http11 import (
    CLIENT,
    SERVER,
    Connection,
    ConnectionClosed,
    EndOfMessage,
    InformationalResponse,
    ProtocolError,
    Response,
    Role,
    ServerConnection,
    State,
)
from http11.states import TRANSITIONS
from tests.harness import ROOT

PICTURES: Final = ROOT / "docs" / "pictures"

Point: TypeAlias = tuple[float, float]
Pair: TypeAlias = tuple[State, State]
Coupled: TypeAlias = tuple[Role, State, State]

# --- what couples the two sides ---------------------------------------------------------------------------------------

# Why a side moves without having sent anything itself.
COUPLED: Final[Mapping[Coupled, str]] = {
    ("CLIENT", "IDLE", "MUST_CLOSE"): "the server closed",
    ("CLIENT", "DONE", "MUST_CLOSE"): "no reuse, or\nthe server closed\nor failed",
    ("CLIENT", "DONE", "MIGHT_SWITCH_PROTOCOL"): "it proposed a switch",
    ("CLIENT", "MIGHT_SWITCH_PROTOCOL", "DONE"): "refused",
    ("CLIENT", "MIGHT_SWITCH_PROTOCOL", "MUST_CLOSE"): "refused, no reuse",
    ("CLIENT", "MIGHT_SWITCH_PROTOCOL", "SWITCHED_PROTOCOL"): "accepted",
    ("SERVER", "IDLE", "SEND_RESPONSE"): "the client's Request",
    ("SERVER", "IDLE", "MUST_CLOSE"): "the client closed",
    ("SERVER", "DONE", "MUST_CLOSE"): "no reuse, or\nthe client closed\nor failed",
}


# How many of the actions are requests, and how many bytes may be unread before it leads nowhere.
_REQUESTS: Final = 5
_LONGEST: Final = 2


def _received(data: bytes) -> Callable[[ServerConnection], object]:
    def act(conn: ServerConnection) -> object:
        if data == b"" or not conn.trailing_data[1]:
            conn.receive_data(data)
        return conn.next_event()

    return act


def _sent(
    event: InformationalResponse | Response | EndOfMessage | ConnectionClosed,
) -> Callable[[ServerConnection], object]:
    return lambda conn: conn.send(event)


_EMPTY: Final = [("Content-Length", "0")]
_ACTIONS: Final[Sequence[Callable[[ServerConnection], object]]] = (
    _received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    _received(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
    _received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"),
    _received(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: b\r\n\r\n"),
    _received(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"),
    _received(b"x"),
    _received(b""),
    Connection.next_event,
    _sent(InformationalResponse(status_code=101, headers=[("Connection", "upgrade"), ("Upgrade", "b")])),
    _sent(Response(status_code=200, headers=_EMPTY)),
    _sent(Response(status_code=400, headers=_EMPTY)),
    _sent(Response(status_code=200, headers=[*_EMPTY, ("Connection", "close")])),
    _sent(EndOfMessage()),
    _sent(ConnectionClosed()),
    Connection.send_failed,
)


def coupled_moves() -> set[Coupled]:
    """Return the moves that a side makes without having sent anything, as connections show that do all they can."""
    found: set[Coupled] = set()
    seen: set[object] = set()
    # A connection, and which request it has read last: two may differ in nothing else that can be seen.
    ahead: list[tuple[ServerConnection, int]] = [(Connection(SERVER), -1)]
    while ahead:
        conn, request = ahead.pop()
        for number, act in enumerate(_ACTIONS):
            after = copy.deepcopy(conn)
            try:
                act(after)
            except (ProtocolError, RuntimeError):
                continue
            found |= _moves(conn.states, after.states)
            last = number if number < _REQUESTS else request
            key = (repr(after), after.trailing_data, last)
            if key not in seen and len(after.trailing_data[0]) < _LONGEST:
                seen.add(key)
                ahead.append((after, last))
    return found


def _moves(before: Mapping[Role, State], after: Mapping[Role, State]) -> set[Coupled]:
    found: set[Coupled] = set()
    for role in (CLIENT, SERVER):
        start, end = before[role], after[role]
        own = set(TRANSITIONS[role].get(start, {}).values()) - {start}
        if end not in {start, "ERROR", *own}:
            found.update(_way(role, {start} | own, end) or [(role, start, end)])
    return found


def _way(role: Role, starts: set[State], end: State) -> list[Coupled]:
    """Return the known moves from one of `starts` to `end`: after a step of its own, a side may be pulled on twice."""
    for move in COUPLED:
        if move[0] == role and move[2] == end:
            if move[1] in starts:
                return [move]
            if before := _way(role, starts, move[1]) if move[1] != "DONE" and end != "DONE" else []:
                return [*before, move]
    return []


# --- drawing ----------------------------------------------------------------------------------------------------------

STYLE: Final = """\
<style>
text { font: 14px system-ui, sans-serif; fill: #1c2024; }
.label { font-size: 12px; fill: #3a3f45; }
.name { font: 600 13px ui-monospace, SFMono-Regular, Menlo, monospace; }
.paper { fill: #ffffff; }
.box { fill: #eef5fa; stroke: #0b5d8a; stroke-width: 1.5; }
.end { fill: #f2f2f5; stroke: #80828d; }
.line { stroke: #3a3f45; stroke-width: 1.4; fill: none; }
.pulled { stroke: #0b74a8; stroke-dasharray: 6 4; }
.halo { stroke: #ffffff; stroke-width: 5px; paint-order: stroke; stroke-linejoin: round; }
.head { fill: #3a3f45; }
@media (prefers-color-scheme: dark) {
  text { fill: #edeef0; }
  .label { fill: #c8ccd2; }
  .paper { fill: #18191b; }
  .box { fill: #10303f; stroke: #6cc0f0; }
  .end { fill: #26282c; stroke: #80828d; }
  .line { stroke: #c8ccd2; }
  .pulled { stroke: #6cc0f0; }
  .halo { stroke: #18191b; }
  .head { fill: #c8ccd2; }
}
</style>
"""


def _svg(width: int, height: int, title: str, body: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n'
        f"<title>{escape(title)}</title>\n{STYLE}"
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
        'orient="auto-start-reverse"><path class="head" d="M0 0L10 5L0 10z"/></marker></defs>\n'
        '<rect class="paper" width="100%" height="100%" rx="8"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _text(at: Point, text: str, css: str = "label", anchor: str = "middle") -> str:
    return f'<text class="{css}" x="{at[0]:.0f}" y="{at[1]:.0f}" text-anchor="{anchor}">{escape(text)}</text>'


def _rect(x: float, y: float, width: float, height: float, css: str) -> str:
    return f'<rect class="{css}" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="7"/>'


@attrs.frozen
class Box:
    """A box around a name, with its middle at a point."""

    name: str
    at: Point
    css: str = "box"
    height: float = 36

    @property
    def width(self) -> float:
        return 8.2 * len(self.name) + 26

    def drawn(self) -> list[str]:
        x, y = self.at
        return [
            _rect(x - self.width / 2, y - self.height / 2, self.width, self.height, self.css),
            _text((x, y + 4.5), self.name, "name"),
        ]

    def edge(self, toward: Point) -> Point:
        """Return where a line from the middle toward a point leaves the box."""
        x, y = self.at
        dx, dy = toward[0] - x, toward[1] - y
        scale = min(
            (self.width / 2 + 2) / abs(dx) if dx else 9e9,
            (self.height / 2 + 2) / abs(dy) if dy else 9e9,
        )
        return x + dx * scale, y + dy * scale


@attrs.frozen(kw_only=True)
class Lay:
    """How an arrow lies, where it or its label would cover another one.

    Attributes:
        shift: How far it is moved aside.
        bend: How far it is bent up; then it goes from the top of one box to the top of the other.
        place: Where on it the label stands, from 0 to 1.
        anchor: On which side of that point.

    """

    shift: float = 0
    bend: float = 0
    place: float = 0.5
    anchor: str = "middle"


def _arrow(start: Box, end: Box, label: str, css: str = "line", lay: Lay = Lay()) -> list[str]:
    """Draw an arrow between two boxes."""
    (x1, y1), (x2, y2) = start.edge(end.at), end.edge(start.at)
    if lay.bend:
        (x1, y1), (x2, y2) = ((box.at[0], box.at[1] - box.height / 2 - 2) for box in (start, end))
        x2 -= end.width / 3
        path = f"M{x1:.0f} {y1:.0f}C{x1:.0f} {y1 - lay.bend:.0f} {x2:.0f} {y2 - lay.bend:.0f} {x2:.0f} {y2:.0f}"
        at = ((x1 + x2) / 2, y1 - lay.bend * 0.75 - 6)
    else:
        length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
        ox, oy = -(y2 - y1) / length * lay.shift, (x2 - x1) / length * lay.shift
        x1, y1, x2, y2 = x1 + ox, y1 + oy, x2 + ox, y2 + oy
        path = f"M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}"
        above = -7 if x1 < x2 else 17
        aside = {"start": 9, "end": -9}.get(lay.anchor, 0)
        at = (x1 + (x2 - x1) * lay.place + aside, y1 + (y2 - y1) * lay.place + (above if abs(y2 - y1) < 1 else 4))
    drawn = [f'<path class="{css}" d="{path}" marker-end="url(#tip)"/>']
    rows = label.split("\n") if label else []
    return [
        *drawn,
        *(
            _text((at[0], at[1] + 15 * (place - (len(rows) - 1) / 2)), row, "label halo", lay.anchor)
            for place, row in enumerate(rows)
        ),
    ]


def _loop(box: Box, label: str) -> list[str]:
    # Below the box where it is an end: other arrows come from above.
    side = 1 if box.name in _ENDS else -1
    x, y = box.at[0], box.at[1] + side * box.height / 2
    top, end = y + side * 36, y + side * 3
    path = f"M{x - 16:.0f} {y + side * 2:.0f}C{x - 26:.0f} {top:.0f} {x + 26:.0f} {top:.0f} {x + 16:.0f} {end:.0f}"
    return [
        f'<path class="line" d="{path}" marker-end="url(#tip)"/>',
        _text((x, y + (44 if side > 0 else -34)), label),
    ]


# --- the state machines -----------------------------------------------------------------------------------------------

PLACES: Final[Mapping[Role, Mapping[State, Point]]] = {
    "CLIENT": {
        "IDLE": (80, 115),
        "SEND_BODY": (295, 115),
        "DONE": (510, 115),
        "MIGHT_SWITCH_PROTOCOL": (785, 115),
        "SWITCHED_PROTOCOL": (785, 275),
        "MUST_CLOSE": (510, 275),
        "CLOSED": (80, 275),
        "ERROR": (295, 345),
    },
    "SERVER": {
        "IDLE": (80, 150),
        "SEND_RESPONSE": (320, 150),
        "SEND_BODY": (580, 150),
        "DONE": (810, 150),
        "MUST_CLOSE": (810, 310),
        "CLOSED": (80, 310),
        "SWITCHED_PROTOCOL": (320, 390),
        "ERROR": (520, 390),
    },
}
_ENDS: Final = ("CLOSED", "ERROR", "SWITCHED_PROTOCOL")
_LAYS: Final[Mapping[Coupled, Lay]] = {
    ("CLIENT", "IDLE", "CLOSED"): Lay(anchor="start", place=0.55),
    ("CLIENT", "IDLE", "MUST_CLOSE"): Lay(place=0.36),
    ("CLIENT", "DONE", "CLOSED"): Lay(place=0.27),
    ("CLIENT", "DONE", "MUST_CLOSE"): Lay(anchor="end", place=0.55),
    ("CLIENT", "DONE", "MIGHT_SWITCH_PROTOCOL"): Lay(shift=-6),
    ("CLIENT", "MIGHT_SWITCH_PROTOCOL", "DONE"): Lay(shift=-6),
    ("CLIENT", "MIGHT_SWITCH_PROTOCOL", "MUST_CLOSE"): Lay(place=0.55),
    ("SERVER", "IDLE", "CLOSED"): Lay(anchor="start", place=0.55),
    ("SERVER", "IDLE", "SEND_BODY"): Lay(bend=110),
    ("SERVER", "IDLE", "MUST_CLOSE"): Lay(place=0.28),
    ("SERVER", "DONE", "CLOSED"): Lay(place=0.33),
    ("SERVER", "DONE", "MUST_CLOSE"): Lay(anchor="end", place=0.52),
    ("SERVER", "SEND_RESPONSE", "SWITCHED_PROTOCOL"): Lay(anchor="start", place=0.88),
}


def machine(role: Role) -> str:
    """Draw the machine of one side."""
    moves = {
        (start, end): " or ".join(move for move, other in moves.items() if other == end)
        for start, moves in TRANSITIONS[role].items()
        for end in moves.values()
    }
    pulled = {(start, end): why for (side, start, end), why in COUPLED.items() if side == role}
    lays = {(start, end): lay for (side, start, end), lay in _LAYS.items() if side == role}
    heading, title = f"The {role.lower()}'s side", f"The states of a {role.lower()}"
    return _machine(heading, title, PLACES[role], moves=moves, pulled=pulled, lays=lays)


def _machine(
    heading: str,
    title: str,
    places: Mapping[State, Point],
    *,
    moves: Mapping[Pair, str],
    pulled: Mapping[Pair, str],
    lays: Mapping[Pair, Lay],
) -> str:
    """Draw the states of a side, its own moves, and those by which the other one pulls it along."""
    boxes = {state: Box(state, at, "box end" if state in _ENDS else "box") for state, at in places.items()}
    lines: list[str] = []
    for (start, end), label in moves.items():
        if start == end:
            lines += _loop(boxes[start], label)
        else:
            lines += _arrow(boxes[start], boxes[end], label, lay=lays.get((start, end), Lay()))
    for (start, end), why in pulled.items():
        lines += _arrow(boxes[start], boxes[end], why, "line pulled", lays.get((start, end), Lay()))
    # Labels last, so that no line crosses them.
    lines.sort(key=lambda line: line.startswith("<text"))
    for box in boxes.values():
        lines += box.drawn()
    x, y = places["ERROR"]
    notes = [
        _text((16, 28), heading, "", "start"),
        _text((x + 45, y + 5), "from any state, by an error of this side", "label", "start"),
        '<path class="line" d="M540 22H580" marker-end="url(#tip)"/>',
        _text((588, 26), "by what it sends", "label", "start"),
        '<path class="line pulled" d="M710 22H750" marker-end="url(#tip)"/>',
        _text((758, 26), "by the other side", "label", "start"),
    ]
    height = max(at[1] for at in places.values()) + 34
    return _svg(900, int(height), title, [*notes, *lines])


# --- the two sides of a pipeline --------------------------------------------------------------------------------------

# What each side of `http11.pipelining.Pipeline` does by itself, and how the other one pulls it along.
PIPELINE_MOVES: Final[Mapping[Role, Mapping[Pair, str]]] = {
    "CLIENT": {
        ("IDLE", "SEND_BODY"): "Request",
        ("IDLE", "CLOSED"): "ConnectionClosed",
        ("SEND_BODY", "SEND_BODY"): "Data",
        ("SEND_BODY", "IDLE"): "EndOfMessage",
        ("SEND_BODY", "MUST_CLOSE"): "EndOfMessage, no reuse",
        ("SEND_BODY", "MIGHT_SWITCH_PROTOCOL"): "EndOfMessage, it proposed a switch",
        ("SEND_BODY", "SWITCHED_PROTOCOL"): "EndOfMessage, accepted before",
        ("MUST_CLOSE", "CLOSED"): "ConnectionClosed",
    },
    "SERVER": {
        ("SEND_RESPONSE", "SEND_RESPONSE"): "InformationalResponse",
        ("SEND_RESPONSE", "SEND_BODY"): "Response",
        ("SEND_RESPONSE", "SWITCHED_PROTOCOL"): "101 to Upgrade or 2xx to CONNECT",
        ("SEND_BODY", "SEND_BODY"): "Data",
        ("SEND_BODY", "SEND_RESPONSE"): "EndOfMessage, more requests",
        ("SEND_BODY", "IDLE"): "EndOfMessage, no more requests",
        ("SEND_BODY", "MUST_CLOSE"): "EndOfMessage\nof its last answer",
        ("IDLE", "MUST_CLOSE"): "it closed, or sent what\nnobody asked for",
        ("MUST_CLOSE", "CLOSED"): "ConnectionClosed",
    },
}
PIPELINE_PULLED: Final[Mapping[Role, Mapping[Pair, str]]] = {
    "CLIENT": {
        ("IDLE", "MUST_CLOSE"): "its last answer began,\nor it closed or failed",
        ("MIGHT_SWITCH_PROTOCOL", "IDLE"): "refused",
        ("MIGHT_SWITCH_PROTOCOL", "MUST_CLOSE"): "refused, no reuse",
        ("MIGHT_SWITCH_PROTOCOL", "SWITCHED_PROTOCOL"): "accepted",
    },
    "SERVER": {("IDLE", "SEND_RESPONSE"): "the client's Request"},
}
_PIPELINE_PLACES: Final[Mapping[Role, Mapping[State, Point]]] = {
    "CLIENT": {
        "IDLE": (80, 140),
        "SEND_BODY": (400, 140),
        "MIGHT_SWITCH_PROTOCOL": (780, 140),
        "SWITCHED_PROTOCOL": (780, 330),
        "MUST_CLOSE": (400, 330),
        "CLOSED": (80, 330),
        "ERROR": (240, 400),
    },
    "SERVER": {
        "IDLE": (80, 140),
        "SEND_RESPONSE": (440, 140),
        "SEND_BODY": (780, 140),
        "MUST_CLOSE": (80, 330),
        "CLOSED": (340, 330),
        "SWITCHED_PROTOCOL": (640, 330),
        "ERROR": (340, 400),
    },
}
_PIPELINE_LAYS: Final[Mapping[Role, Mapping[Pair, Lay]]] = {
    "CLIENT": {
        ("IDLE", "SEND_BODY"): Lay(shift=-6),
        ("SEND_BODY", "IDLE"): Lay(shift=-6),
        ("IDLE", "CLOSED"): Lay(anchor="start", place=0.75),
        ("IDLE", "MUST_CLOSE"): Lay(place=0.62),
        ("SEND_BODY", "MUST_CLOSE"): Lay(anchor="end", place=0.3),
        ("SEND_BODY", "SWITCHED_PROTOCOL"): Lay(place=0.3),
        ("MIGHT_SWITCH_PROTOCOL", "IDLE"): Lay(bend=95),
        ("MIGHT_SWITCH_PROTOCOL", "MUST_CLOSE"): Lay(place=0.75),
        ("MIGHT_SWITCH_PROTOCOL", "SWITCHED_PROTOCOL"): Lay(anchor="start", place=0.45),
    },
    "SERVER": {
        ("SEND_RESPONSE", "SEND_BODY"): Lay(shift=-6),
        ("SEND_BODY", "SEND_RESPONSE"): Lay(shift=-6),
        ("SEND_BODY", "IDLE"): Lay(bend=95),
        ("SEND_BODY", "MUST_CLOSE"): Lay(place=0.62),
        ("IDLE", "MUST_CLOSE"): Lay(anchor="start", place=0.5),
        ("SEND_RESPONSE", "SWITCHED_PROTOCOL"): Lay(place=0.66),
    },
}


def pipeline(role: Role) -> str:
    """Draw one side of a pipeline."""
    return _machine(
        f"The {role.lower()}'s side of a pipeline",
        f"The states of a {role.lower()} that pipelines",
        _PIPELINE_PLACES[role],
        moves=PIPELINE_MOVES[role],
        pulled=PIPELINE_PULLED[role],
        lays=_PIPELINE_LAYS[role],
    )


# --- the house --------------------------------------------------------------------------------------------------------


def floors() -> list[list[str]]:
    """Return the modules of each floor, the ground floor first, as the import contract has them."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    [contract] = data["tool"]["importlinter"]["contracts"]
    return [[name.strip() for name in layer.split("|")] for layer in reversed(contract["layers"])]


def job(module: str) -> str:
    """Return the first sentence of a module's docstring."""
    path = ROOT / "src" / "http11" / module
    source = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text("utf-8")
    docstring = ast.get_docstring(ast.parse(source)) or ""
    return " ".join(docstring.split("\n\n")[0].split()).replace("`", "").split(". ")[0].rstrip(".")


def house() -> str:
    """Draw the floors, the ground floor at the bottom."""
    row, lines, y = 26, [], 52.0
    levels = floors()
    for number, modules in reversed(list(enumerate(levels, 1))):
        height = row * len(modules) + 12
        lines.append(_rect(16, y, 868, height, "box"))
        lines.append(_text((34, y + height / 2 + 5), str(number)))
        for place, module in enumerate(modules):
            at = y + 6 + row * place + 18
            lines.append(_text((60, at), module, "name", "start"))
            lines.append(_text((190, at), job(module), "label", "start"))
        y += height + 8
    title = _text((16, 30), "Each module imports from the floors below its own only", "", "start")
    return _svg(900, int(y) + 8, "The modules of http11, by floor", [title, *lines])


# --- a message's way --------------------------------------------------------------------------------------------------

WAYS: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    "In": (
        ("socket", "bytes"),
        ("receive_data", "buffer"),
        ("parser", "event"),
        ("state machine", "next_event"),
        ("your program", ""),
    ),
    "Out": (
        ("your program", "send"),
        ("state machine", "event"),
        ("serializer", "bytes"),
        ("socket", ""),
    ),
}


def ways() -> str:
    """Draw how a message gets in, and how it gets out."""
    lines: list[str] = []
    for number, (title, steps) in enumerate(WAYS.items()):
        y = 62 + 100 * number
        lines.append(_text((16, y - 34), title, "", "start"))
        boxes = [Box(name, (0, y), "box end" if name in {"socket", "your program"} else "box") for name, _ in steps]
        gap, x = (868 - sum(box.width for box in boxes)) / (len(boxes) - 1), 16.0
        for place, box in enumerate(boxes):
            boxes[place] = attrs.evolve(box, at=(x + box.width / 2, y))
            x += box.width + gap
        for (start, end), (_, label) in zip(pairwise(boxes), steps, strict=False):
            lines += _arrow(start, end, label)
        for box in boxes:
            lines += box.drawn()
    return _svg(900, 200, "The way of a message in, and out", lines)


def pictures() -> Mapping[str, str]:
    """Return every picture, by the name of its file."""
    return {
        "states-client.svg": machine(CLIENT),
        "states-server.svg": machine(SERVER),
        "pipeline-client.svg": pipeline(CLIENT),
        "pipeline-server.svg": pipeline(SERVER),
        "house.svg": house(),
        "ways.svg": ways(),
    }
