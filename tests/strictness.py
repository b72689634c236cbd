"""The strictness table for users: docs/strictness.md, made of data.

    python -m tests.strictness                measure h11 and llhttp by the vectors, and write the page
    python -m tests.strictness --stored       write the page by what was measured before
    python -m tests.strictness --check        fail if the page is not what the data make

The rows are `tests/vectors/rows.toml`; the counts and the errors come from the vectors themselves; what h11 and llhttp
do with them is kept in `tests/vectors/measured.toml`, so that neither is needed to make the page.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import attrs

from http11 import CLIENT, SERVER, STRICT, Role
from tests.harness import VECTORS, Outcome, Vector, conversations, read, reading_vectors, sending_vectors, text

if TYPE_CHECKING:
    import h11

PAGE: Final = VECTORS.parent.parent / "docs" / "strictness.md"
ROWS: Final = VECTORS / "rows.toml"
MEASURED: Final = VECTORS / "measured.toml"

# The packages that are measured, each with what its column is called.
PACKAGES: Final[Mapping[str, str]] = {"h11": "h11", "httptools": "llhttp"}
# What was read about the others.
READ: Final[Mapping[str, str]] = {"hyper": "hyper", "go": "Go", "nginx": "nginx"}

NOT_ESTABLISHED: Final = "not established"

Event: TypeAlias = tuple[str | int, ...]

# --- the rows -------------------------------------------------------------------------------------------------------


@attrs.frozen
class Source:
    """Where something was read."""

    title: str
    repository: str
    path: str
    commit: str = ""


@attrs.frozen
class Claim:
    """What another implementation does, and the keys of the sources that say so."""

    does: str
    source: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Row:
    """One row of the table."""

    id: str
    input: str
    rfc: tuple[str, ...]
    strict: str
    h11: str
    opened: str
    policy: tuple[str, ...]
    claims: Mapping[str, Claim]

    @property
    def differs(self) -> bool:
        """Whether the policies say different things about what arrives."""
        return self.h11 != "="


@attrs.frozen
class Table:
    """All of the table: its sections, by id, its rows in order, and its sources, by key."""

    sections: Mapping[str, str]
    rows: tuple[Row, ...]
    sources: Mapping[str, Source]


Claimed: TypeAlias = "str | dict[str, str | list[str]]"


def _claim(value: Claimed) -> Claim:
    match value:
        case str():
            return Claim(value)
        case {"does": str() as does, "source": list() as source}:
            return Claim(does, tuple(source))
        case _:
            raise TypeError(f"expected what is done, and its sources, got {value!r}")


@cache
def table() -> Table:
    """Return the table, as `rows.toml` has it."""
    data = tomllib.loads(ROWS.read_text("utf-8"))
    return Table(
        {section["id"]: section["title"] for section in data["section"]},
        tuple(
            Row(
                id=row["id"],
                input=row["input"],
                rfc=tuple(row["rfc"]),
                strict=row["strict"],
                h11=row["h11"],
                opened=row.get("opened", ""),
                policy=tuple(row.get("policy", [])),
                claims={name: _claim(row[name]) for name in READ},
            )
            for row in data["row"]
        ),
        {key: Source(**source) for key, source in data["source"].items()},
    )


# --- what the others read -------------------------------------------------------------------------------------------


def _add(outcome: Outcome, event: Event) -> None:
    """Add an event, as the vectors do: adjacent `Data` are one."""
    if event[0] == "Data" and outcome and outcome[-1][0] == "Data":
        outcome[-1] = ("Data", f"{outcome[-1][1]}{event[1]}")
    else:
        outcome.append(event)


def _fields(fields: Iterable[tuple[bytes, bytes]]) -> tuple[str, ...]:
    return tuple(f"{text(name)}: {text(value)}" for name, value in fields)


def read_by_h11(vector: Vector) -> Outcome:
    """Return what h11 makes of a vector; its errors have neither code nor status."""
    import h11

    reader = _H11(vector)
    for piece in (vector.data, b"") if vector.closed else (vector.data,):
        reader.connection.receive_data(piece)
        try:
            reader.read()
        except h11.RemoteProtocolError:
            return [*reader.outcome, ("error",)]
    return [*reader.outcome, ("paused",)] if reader.paused else reader.outcome


class _H11:
    """An h11 connection that answers, or asks again, as far as it must to go on reading: `tests.harness.Reader`."""

    def __init__(self, vector: Vector) -> None:
        import h11

        self._vector = vector
        self._then = vector.then
        role: Role = h11.CLIENT if vector.role == CLIENT else h11.SERVER
        self.connection: h11.Connection[Role] = h11.Connection(role, vector.limit)
        if vector.role == CLIENT:
            self._ask()
        self.outcome: Outcome = []
        self.paused = False

    def _ask(self) -> None:
        import h11

        server = h11.Connection(h11.SERVER)
        server.receive_data(self._vector.request or b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        while not isinstance(event := server.next_event(), type):
            self.connection.send(event)  # type: ignore[arg-type]

    def read(self) -> None:
        """Read as far as what was received goes, and once more where a client can ask again."""
        import h11

        self._read()
        connection = self.connection
        if self._then and connection.our_state is h11.DONE and connection.their_state is h11.DONE:
            connection.start_next_cycle()
            self._ask()
            connection.receive_data(self._then)
            self._then = b""
            self._read()

    def _read(self) -> None:
        import h11

        while True:
            event = self.connection.next_event()
            if event is h11.PAUSED and self._turn():
                continue
            self.paused = event is h11.PAUSED
            if isinstance(event, type):
                return
            _add(self.outcome, _spelled_by_h11(event))
            if isinstance(event, h11.ConnectionClosed):
                return

    def _turn(self) -> bool:
        import h11

        connection = self.connection
        if self._vector.role == SERVER and connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            if connection.their_state is h11.MIGHT_SWITCH_PROTOCOL:
                return False
            connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))  # type: ignore[call-overload]
            connection.send(h11.EndOfMessage())
        if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
            return connection.their_state is h11.MUST_CLOSE
        # A client that goes on would take what it was not asked for as an answer.
        if self._vector.role == CLIENT:
            return False
        connection.start_next_cycle()
        return True


def _spelled_by_h11(event: h11.Event) -> Event:
    import h11

    # Its classes are not ours, whatever the stubs say.
    match event:
        case h11.Request():
            fields = _fields(event.headers)
            return ("Request", text(event.method), text(event.target), text(event.http_version), *fields)
        case h11.InformationalResponse() | h11.Response():
            head = (type(event).__name__, event.status_code, text(event.reason), text(event.http_version))
            return (*head, *_fields(event.headers))
        case h11.Data():
            return ("Data", text(bytes(event.data)))
        case h11.EndOfMessage():
            return ("EndOfMessage", *_fields(event.headers))
        case _:
            return ("ConnectionClosed",)


def read_by_llhttp(vector: Vector) -> Outcome:
    """Return what llhttp makes of a vector, by httptools; its errors have neither code nor status."""
    import httptools

    listener = _Listener(vector.role)
    try:
        listener.parser.feed_data(vector.data)
    except httptools.HttpParserUpgrade:
        listener.outcome.append(("paused",))
    except httptools.HttpParserError as error:
        # "Pause on PRI/Upgrade" is no refusal, although httptools raises the same for it.
        listener.outcome.append(("paused",) if str(error).startswith("Pause on") else ("error",))
    return listener.outcome


class _Listener:
    """What httptools calls back."""

    def __init__(self, role: Role) -> None:
        import httptools

        self.outcome: Outcome = []
        self.parser: httptools.HttpRequestParser | httptools.HttpResponseParser
        if role == SERVER:
            self.parser = httptools.HttpRequestParser(self)
        else:
            self.parser = httptools.HttpResponseParser(self)
        self._line = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._interim = False

    def on_message_begin(self) -> None:
        self._line = b""
        self._fields = []

    def on_url(self, url: bytes) -> None:
        self._line += url

    def on_status(self, status: bytes) -> None:
        self._line += status

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        import httptools

        parser, line, version = self.parser, text(self._line), self.parser.get_http_version()
        if isinstance(parser, httptools.HttpRequestParser):
            head: Event = ("Request", text(parser.get_method()), line, version)
        else:
            code = parser.get_status_code()
            self._interim = code < 200
            head = ("InformationalResponse" if self._interim else "Response", code, line, version)
        self.outcome.append((*head, *_fields(self._fields)))
        self._fields = []

    def on_body(self, body: bytes) -> None:
        _add(self.outcome, ("Data", text(body)))

    def on_message_complete(self) -> None:
        if not self._interim:
            self.outcome.append(("EndOfMessage", *_fields(self._fields)))


# --- the measurement ------------------------------------------------------------------------------------------------

Verdict: TypeAlias = Literal["same", "lets_in", "waits", "refuses", "otherwise"]


def normal(outcome: Iterable[Event]) -> Outcome:
    """Leave out what says nothing about how a message was understood.

    That is: the end of the connection, which httptools has no way to tell; how an error is called, and how much waits
    behind a pause; in which case names and codings are; and that equal lengths became one.
    """
    return [_normal(event) for event in outcome if event[0] != "ConnectionClosed"]


def _normal(event: Event) -> Event:
    if event[0] in ("error", "paused"):
        return event[:1]
    kept: list[str | int] = []
    lengths = 0
    for part in event:
        if isinstance(part, int) or event[0] == "Data":
            kept.append(part)
            continue
        name, colon, value = part.partition(": ")
        name = name.lower() if colon else name
        if name == "transfer-encoding":
            value = value.lower()
        if name == "content-length":
            lengths += 1
            value = value.partition(",")[0]
            if lengths > 1:
                continue
        kept.append(f"{name}{colon}{value}")
    return tuple(kept)


def _begins_with(longer: Outcome, shorter: Outcome) -> bool:
    """Tell whether `longer` goes on where `shorter` stops; a body may be cut anywhere."""
    if not shorter:
        return True
    last = shorter[-1]
    if longer[: len(shorter) - 1] != shorter[:-1] or len(longer) < len(shorter):
        return False
    found = longer[len(shorter) - 1]
    return found == last or (last[0] == found[0] == "Data" and str(found[1]).startswith(str(last[1])))


def compare(ours: Outcome, theirs: Outcome) -> Verdict:
    """Say how `theirs` differs from `ours`; of an error, what was read before it counts and not how it is called."""
    ours, theirs = normal(ours), normal(theirs)
    we_refuse, they_refuse = (("error",) in outcome for outcome in (ours, theirs))
    if not we_refuse:
        return "refuses" if they_refuse else "same" if theirs == ours else "otherwise"
    ours.remove(("error",))
    if not they_refuse:
        return "waits" if _begins_with(ours, theirs) else "lets_in"
    theirs.remove(("error",))
    # llhttp tells of a head before it looks at its fields together. But who goes on to a body, or to the end of the
    # message, has let in what we refuse, whatever is refused later.
    if len(theirs) == len(ours) + 1 and str(theirs[-1][0]).startswith(("Request", "Response")):
        theirs.pop()
    return "same" if _begins_with(ours, theirs) else "lets_in"


@attrs.frozen(kw_only=True)
class Tally:
    """What one parser does with the vectors of one row, as numbers of vectors.

    Attributes:
        left_out: Those that it cannot be asked, because it has no such limit, or cannot be told what was requested.
        refused: Those that STRICT refuses, of the others.
        accepted: Those that STRICT accepts, of the others.
        lets_in: Of `refused`, those that it accepts.
        waits: Of `refused`, those at whose end it waits for more.
        refuses: Of `accepted`, those that it refuses.
        otherwise: Of `accepted`, those that it reads otherwise.
        unlike_h11: Of all, those with which h11 itself does not do what the policy H11 does.

    """

    left_out: int = 0
    refused: int = 0
    accepted: int = 0
    lets_in: int = 0
    waits: int = 0
    refuses: int = 0
    otherwise: int = 0
    unlike_h11: int = 0

    def spelled(self) -> str:
        """Spell it for the page."""
        if not self.refused + self.accepted:
            return f"not measured ({self.left_out} left out)" if self.left_out else "-"
        differences = [
            (self.lets_in, f"lets in {self.lets_in} of {self.refused}"),
            (self.waits, f"waits on {self.waits} of {self.refused}"),
            (self.refuses, f"refuses {self.refuses} of {self.accepted}"),
            (self.otherwise, f"reads {self.otherwise} of {self.accepted} otherwise"),
        ]
        said = ", ".join(words for number, words in differences if number) or "as `STRICT`"
        if self.unlike_h11:
            said += f"; unlike `H11` on {self.unlike_h11}"
        return f"{said} ({self.left_out} left out)" if self.left_out else said


def _asks_h11(vector: Vector) -> bool:
    return not vector.changes


def _asks_llhttp(vector: Vector) -> bool:
    return (
        not vector.changes
        and vector.limit == 16384
        # What was asked decides how a response ends, and there is no way to tell.
        and not vector.request.startswith((b"HEAD ", b"CONNECT "))
        and not _end_matters(vector)
    )


def _end_matters(vector: Vector) -> bool:
    """Tell whether it is the end of the connection that decides what a vector is read as."""
    if not vector.closed:
        return False
    open_ended = read([vector.data], vector.role, request=vector.request, policy=STRICT)
    return normal(open_ended) != normal(vector.strict)


PARSERS: Final[Mapping[str, tuple[Callable[[Vector], Outcome], Callable[[Vector], bool]]]] = {
    "h11": (read_by_h11, _asks_h11),
    "httptools": (read_by_llhttp, _asks_llhttp),
}


def tally(package: str, row: str) -> Tally:
    """Measure what a package does with the vectors of a row."""
    reads, asks = PARSERS[package]
    counts: Counter[str] = Counter()
    for vector in reading_vectors():
        if vector.id != row:
            continue
        if not asks(vector):
            counts["left_out"] += 1
            continue
        theirs = reads(vector)
        counts["refused" if vector.strict[-1:] and vector.strict[-1][0] == "error" else "accepted"] += 1
        counts[compare(vector.strict, theirs)] += 1
        if package == "h11":
            counts["unlike_h11"] += compare(vector.h11_whole, theirs) != "same"
    del counts["same"]
    return Tally(**counts)


@attrs.frozen
class Measurement:
    """The versions of the packages, and what each does with each row."""

    versions: Mapping[str, str]
    tallies: Mapping[str, Mapping[str, Tally]]


def measure() -> Measurement:
    """Ask the packages that are installed."""
    return Measurement(
        {package: metadata.version(package) for package in PACKAGES},
        {row.id: {package: tally(package, row.id) for package in PACKAGES} for row in table().rows},
    )


def stored() -> Measurement:
    """Return what was measured before."""
    data = tomllib.loads(MEASURED.read_text("utf-8"))
    return Measurement(
        data["versions"],
        {
            row: {package: Tally(**tallies.get(package, {})) for package in PACKAGES}
            for row, tallies in data["row"].items()
        },
    )


def store(measurement: Measurement) -> str:
    """Spell a measurement as TOML."""
    lines = [
        "# What other parsers do with the vectors, as numbers of vectors: `python -m tests.strictness` writes it, and",
        "# `tests.strictness.Tally` says what each number counts.",
        "",
        "[versions]",
        *(f'{package} = "{version}"' for package, version in measurement.versions.items()),
    ]
    for row, tallies in measurement.tallies.items():
        lines += ["", f"[row.{row}]"]
        for package, found in tallies.items():
            numbers = ", ".join(f"{key} = {number}" for key, number in attrs.asdict(found).items() if number)
            lines += [f"{package} = {{ {numbers} }}"] if numbers else []
    return "\n".join(lines) + "\n"


# --- the page -------------------------------------------------------------------------------------------------------

INTRODUCTION: Final = """\
# What http11 accepts

Made by `python -m tests.strictness` of `tests/vectors`; do not edit.

Each row is one decision. `STRICT` is the default policy; `H11` is the tolerant preset, for code that must go on reading
what h11 0.16 reads. `STRICT` accepts what RFC 9110 and RFC 9112 let a sender send and does what they say that a
recipient MUST do. Where they leave a choice on which two implementations could differ, it rejects.
[Security](security.md) says which attacks that prevents.

Each section has two tables. The first says what http11 does:

- **STRICT** and **H11**: what happens under each policy. A verdict names the status hint of its error if that is not
  400. "=" means: as under `STRICT`.
- **Policy**: the field of [`Policy`](reference/policy.md) that decides the row. Each can be set on its own:
  `attrs.evolve(STRICT, bare_lf=True)`.
- **Errors**: the [codes](reference/codes.md) that the row's vectors raise under `STRICT`.
- **Vectors**: how many there are in [`tests/vectors`](../tests/vectors). Each one that arrives is read whole, byte by
  byte, and cut in two at every place, under both policies.

The second says what other implementations do by default. h11 {h11} and llhttp (the parser of Node.js, here in httptools
{httptools}) are measured with the same vectors. The cells say how many of the vectors that `STRICT` refuses they "let
in" or "wait" for more on, and how many of those that `STRICT` accepts they "refuse" or read "otherwise", as other
messages or other values. They also say where h11 itself does not do what `H11` does. Vectors are left out if they need
a limit that the parser does not have, or if the parser would have to be told what was requested or that the connection
has ended.

What hyper, Go's net/http and nginx do was read in the sources listed at the end, by the numbers in brackets: in the
version that is linked, or else in copies whose version is not known. "Not established" means that the sources did not
settle it.
"""


def _cell(value: str) -> str:
    return value.replace("|", "\\|")


def _line(*cells: str) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _table(*rows: tuple[str, ...]) -> list[str]:
    head, *rest = rows
    return [_line(*head), _line(*["---"] * len(head)), *(_line(*row) for row in rest), ""]


def _link(rule: str) -> str:
    _, rfc, section = rule.split(" ")
    kind = "appendix" if section[0].isalpha() else "section"
    return f"[{rule}](https://www.rfc-editor.org/rfc/rfc{rfc}#{kind}-{section})"


def codes(row: str) -> list[str]:
    """Return the errors that the vectors of a row raise under STRICT, the most frequent first."""
    raised: Counter[str] = Counter()
    for vector in reading_vectors():
        if vector.id == row and vector.strict and vector.strict[-1][0] == "error":
            raised[str(vector.strict[-1][1])] += 1
    for sent in sending_vectors():
        if sent.id == row and sent.refused is not None:
            raised[sent.refused[1]] += 1
    for talk in conversations():
        if talk.id == row:
            raised.update(str(event[1]) for event in talk.events if event[0] == "error")
            raised.update(str(step[1]) for step in talk.steps if step[0] == "refused")
    return sorted(raised, key=lambda code: (-raised[code], code))


def counts() -> Counter[str]:
    """Return how many vectors each row has."""
    found = Counter(vector.id for vector in reading_vectors())
    found.update(vector.id for vector in sending_vectors())
    found.update(talk.id for talk in conversations())
    return found


def _what_we_do(rows: Iterable[Row], *, sent: bool, doors: bool) -> list[str]:
    number = counts()
    # Policies are about reading.
    verdicts = ("what happens",) if sent else ("STRICT", "with the field", "Policy") if doors else _VERDICTS
    cells: list[tuple[str, ...]] = [("row", "sent" if sent else "input", *verdicts, "RFC", "Errors", "Vectors")]
    for row in rows:
        policy = ", ".join(f"`{field}`" for field in row.policy)
        cells.append(
            (
                row.id,
                row.input,
                *((row.strict,) if sent else (row.strict, row.opened if doors else row.h11, policy)),
                ", ".join(map(_link, row.rfc)),
                ", ".join(f"[`{code}`](reference/codes.md#{code})" for code in codes(row.id)),
                str(number[row.id]),
            )
        )
    return _table(*cells)


_VERDICTS: Final = ("STRICT", "H11", "Policy")


def _what_others_do(rows: Iterable[Row], measurement: Measurement, *, sent: bool) -> list[str]:
    numbers = {key: place for place, key in enumerate(table().sources, 1)}
    packages = () if sent else tuple(PACKAGES)
    cells = [("row", *(PACKAGES[package] for package in packages), *READ.values())]
    for row in rows:
        tallies = measurement.tallies[row.id]
        measured = (tallies[package].spelled() for package in packages)
        cells.append((row.id, *measured, *(_claimed(row.claims[name], numbers) for name in READ)))
    return _table(*cells)


def _claimed(claim: Claim, numbers: Mapping[str, int]) -> str:
    if not claim.source:
        return claim.does
    return f"{claim.does} [{', '.join(str(numbers[key]) for key in claim.source)}]"


def _cited(source: Source) -> str:
    repository = f"https://github.com/{source.repository}"
    paths = [f"`{path}`" for path in source.path.split(", ")]
    if source.commit:
        paths = [f"[{path}]({repository}/blob/{source.commit}/{path.strip('`')})" for path in paths]
    return f"{source.title}: [{source.repository}]({repository}), {', '.join(paths)}"


def page(measurement: Measurement) -> str:
    """Make the page."""
    data = table()
    lines = [INTRODUCTION.format(**measurement.versions)]
    for section, title in data.sections.items():
        rows = [row for row in data.rows if row.id.startswith(f"{section}-")]
        sent, doors = section == "SD", section == "DR"
        lines += [f"## {title}", "", *([SENDING, ""] if sent else [DOORS, ""] if doors else [])]
        lines += _what_we_do(rows, sent=sent, doors=doors)
        lines += _what_others_do(rows, measurement, sent=sent)
    lines += ["## Sources", ""]
    lines += [f"{number}. {_cited(source)}" for number, source in enumerate(data.sources.values(), 1)]
    return "\n".join(lines) + "\n"


SENDING: Final = """\
Policies are about reading. What is written is the same under each, and strict; but see DR-5. A row's vectors are events
to send, or messages to forward, with what must be written for them, or where they must be refused."""

DOORS: Final = """\
Each is for one broken peer, and for nobody else: it is closed under `STRICT` and under `H11`, which do the same here.
[Talk to broken peers](howto/broken-peers.md) says which servers need which, and what it costs."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.strictness", description="Make docs/strictness.md.")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--stored", action="store_true", help="by what was measured before")
    how.add_argument("--check", action="store_true", help="only see whether it is what the data make")
    given = parser.parse_args(arguments)
    if given.check:
        if PAGE.read_text("utf-8") == page(stored()):
            return 0
        sys.stderr.write("docs/strictness.md is not what the data make: run python -m tests.strictness --stored\n")
        return 1
    if not given.stored:
        MEASURED.write_text(store(measure()), "utf-8")
    PAGE.write_text(page(stored()), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
