"""``http11 inspect``: its arguments, and what it does with them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal, NoReturn

import attrs

from http11 import CLIENT, H11, SERVER, STRICT, LocalProtocolError, Policy, Request, Role
from http11.inspector.capture import MAGIC_SIZE, capture_records, is_capture
from http11.inspector.comparing import ComparedConversation
from http11.inspector.jsonview import json_line
from http11.inspector.page import Page
from http11.inspector.printing import printer, progress
from http11.inspector.reading import PROPOSAL, Conversation, request_to_answer
from http11.inspector.records import Failure, OtherProtocol, Record, Seen, Switch, Unanswered, Unread
from http11.inspector.redaction import Redaction
from http11.inspector.sources import Source, UnreadableError, reason
from http11.inspector.summary import Summary
from http11.inspector.views import TextView
from http11.inspector.words import escaped, number_of

__all__ = ["Options", "add_arguments", "inspect"]

IN_ORDER: Final = 0
WRONG: Final = 1
UNREADABLE: Final = 2
INCOMPLETE: Final = 3


class Options(argparse.Namespace):
    """The command line of `inspect`."""

    refuse: Callable[[str], NoReturn]
    files: list[str]
    role: Literal["server", "client"] | None
    policy: Literal["strict", "h11"]
    allow: list[tuple[str, bool | int | None]]
    request: Request
    json: bool
    summary: bool
    redact: Redaction
    explain: bool
    all_data: bool
    compare: bool
    html: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `inspect` to its parser."""
    parser.set_defaults(refuse=parser.error)
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help="the bytes of one direction of a connection, or two files, one for each direction; - for stdin",
    )
    reading = parser.add_argument_group("how to read")
    reading.add_argument("--policy", choices=["strict", "h11"], default="strict", help="what is tolerated")
    reading.add_argument(
        "--allow",
        metavar="FIELD[=N]",
        action="append",
        default=[],
        type=_allowed,
        help="a field of Policy to open on top of --policy, such as bare_lf or max_fields=1000; may be repeated",
    )
    reading.add_argument(
        "--role",
        choices=["server", "client"],
        help="who reads a single file: a server reads requests, a client responses (default: by the first bytes)",
    )
    reading.add_argument(
        "--method",
        dest="request",
        metavar="METHOD",
        type=_request_to_answer,
        default=PROPOSAL,
        help="the method that a single file of responses answers (default: a GET that proposes an Upgrade)",
    )
    shown = parser.add_argument_group("what to show")
    shown.add_argument("--explain", action="store_true", help="of an error: what h11, llhttp, hyper, Go and nginx do")
    shown.add_argument(
        "--compare",
        action="store_true",
        help="where http11 under STRICT and H11, h11 and llhttp read the requests of FILE differently",
    )
    shown.add_argument("--summary", action="store_true", help="counts only")
    shown.add_argument(
        "--html", metavar="PAGE", help="write it all to a page that needs nothing else, and print counts"
    )
    shown.add_argument("--json", action="store_true", help="print one JSON object a line")
    shown.add_argument("--all-data", action="store_true", help="show each piece of a body, not only the first")
    redacting = shown.add_mutually_exclusive_group()
    redacting.add_argument(
        "--redact",
        action="store_const",
        const="credentials",
        default="nothing",
        help="leave out the values of fields that hold credentials",
    )
    redacting.add_argument(
        "--redact-all",
        dest="redact",
        action="store_const",
        const="all",
        help="leave out the values of all fields, queries and bodies",
    )


def inspect(options: Options) -> int:
    """Read what `options` name, print what is in it, and return the exit status.

    Returns:
        0 where all was read and is in order; 1 where something breaks the protocol, or is not HTTP/1; 2 where the input
        cannot be read; 3 where the input lacks bytes, and what there is of it is in order.

    Raises:
        SystemExit: `options` do not go together.

    """
    if len(options.files) > len((CLIENT, SERVER)):
        options.refuse("expected one file, or two: one for each direction")
    if len(options.files) > 1 and options.role is not None:
        options.refuse("--role is for a single file")
    try:
        return _Inspection(options).run()
    except UnreadableError as error:
        sys.stdout.flush()
        print(error, file=sys.stderr)
        return UNREADABLE


# --- the policy -------------------------------------------------------------------------------------------------------


def _allowed(text: str) -> tuple[str, bool | int | None]:
    name, equals, number = text.partition("=")
    name = name.replace("-", "_")
    if name not in {field.name for field in attrs.fields(Policy) if field.init}:
        raise argparse.ArgumentTypeError(f"not a field of Policy: {name!a}")
    is_limit = type(getattr(STRICT, name)) is not bool
    if is_limit and not equals:
        return name, getattr(H11, name)
    if is_limit and number.isascii() and number.isdigit():
        return name, int(number)
    if is_limit or equals:
        raise argparse.ArgumentTypeError(f"expected {f'{name}=N' if is_limit else name}, got {text!a}")
    return name, True


def _policy(options: Options) -> Policy:
    preset = H11 if options.policy == "h11" else STRICT
    # mypy cannot know that `_allowed` has given each field a value of its type.
    return attrs.evolve(preset, **dict(options.allow))  # type: ignore[arg-type]


def _request_to_answer(method: str) -> Request:
    try:
        return request_to_answer(method)
    except (LocalProtocolError, UnicodeEncodeError):
        raise argparse.ArgumentTypeError(f"not a method: {method!a}") from None


# --- the run ----------------------------------------------------------------------------------------------------------


class _Inspection:
    """One run of the command."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._policy = _policy(options)
        self._conversation = ComparedConversation if options.compare else Conversation
        self._summary = Summary()
        self._printer = printer()
        self._view = self._text_view(capture=False)
        title = " and ".join("<stdin>" if file == "-" else escaped(file) for file in options.files)
        self._page = Page(title, repr(self._policy), options.redact) if options.html is not None else None

    def run(self) -> int:
        files = self._options.files
        if len(files) == 1:
            with Source(files[0]) as source:
                return self._run_one(source)
        with Source(files[0]) as first, Source(files[1]) as second:
            return self._run_two(first, second)

    def _text_view(self, *, capture: bool) -> TextView:
        options = self._options
        return TextView(explain=options.explain, redaction=options.redact, all_data=options.all_data, capture=capture)

    def _run_one(self, source: Source) -> int:
        if is_capture(source.peek(MAGIC_SIZE)):
            self._view = self._text_view(capture=True)
            self._print(capture_records(source, self._policy, self._conversation), source, flush=source.size is None)
            return self._finish(source.name)
        beginning = source.peek(len(b"HTTP/"))
        if not beginning:
            print(f"{source.name}: there is nothing in it", file=sys.stderr)
            return WRONG
        role = self._options.role or ("client" if beginning == b"HTTP/" else "server")
        sender: Role = CLIENT if role == "server" else SERVER
        conversation = self._conversation(self._policy, senders=frozenset([sender]), request=self._options.request)
        self._print(_records(conversation, {sender: source}), source)
        return self._finish(source.name)

    def _run_two(self, first: Source, second: Source) -> int:
        requests, answers = first, second
        if first.peek(len(b"HTTP/")) == b"HTTP/":
            requests, answers = second, first
        conversation = self._conversation(self._policy, in_turns=True)
        self._print(_records(conversation, {CLIENT: requests, SERVER: answers}), requests, answers)
        return self._finish(f"{requests.name} and {answers.name}")

    def _print(self, records: Iterable[Record], *sources: Source, flush: bool = False) -> None:
        sizes = [source.size for source in sources if source.size is not None]
        size = sum(sizes) if len(sizes) == len(sources) else None
        # Where each event is printed on the terminal, that is progress enough.
        prints = not self._counts_only and sys.stdout.isatty()
        with progress(None if prints else size, lambda: sum(source.taken for source in sources)) as update:
            for record in records:
                self._show(record)
                if flush:
                    # What has come is shown before more is waited for.
                    self._printer.flush()
                update()

    def _show(self, record: Record) -> None:
        options = self._options
        self._summary.add(record)
        if self._page is not None:
            self._page.add(record)
        if self._counts_only or (options.compare and isinstance(record, _NOT_COMPARED)):
            return
        if options.json:
            print(json_line(record, explain=options.explain, redaction=options.redact))
            return
        for line in self._view.lines(record):
            self._printer.line(line)

    @property
    def _counts_only(self) -> bool:
        options = self._options
        return options.summary or (options.html is not None and not options.json)

    def _write_page(self) -> None:
        path = self._options.html
        if path is None or self._page is None:
            return
        try:
            with open(path, "w", encoding="ascii") as file:  # noqa: PTH123 - as it was given
                file.writelines(self._page.html(self._summary))
        except (OSError, ValueError) as error:
            raise UnreadableError(f"{escaped(path)}: cannot be written: {reason(error)}") from error

    def _finish(self, name: str) -> int:
        options, summary = self._options, self._summary
        self._write_page()
        if options.summary and options.json:
            print(json.dumps(summary.as_json()))
        elif self._counts_only:
            for line in summary.lines():
                self._printer.line(line)
        if options.compare and not options.json:
            count = number_of(summary.compared, "message")
            said = f"they part at {summary.parted:,} of {count}" if summary.parted else f"they agree on {count}"
            self._printer.line([(said, "bad" if summary.parted else "plain")])
        if summary.failures or summary.parted:
            return WRONG
        if not summary.messages:
            self._printer.flush()
            print(f"{name}: there is no HTTP/1 message in it", file=sys.stderr)
            return WRONG
        return INCOMPLETE if summary.incomplete else IN_ORDER


_NOT_COMPARED: Final = (Seen, Failure, Switch, OtherProtocol, Unread, Unanswered)


def _records(conversation: Conversation, sources: dict[Role, Source]) -> Iterator[Record]:
    while (sender := conversation.next_sender()) is not None:
        piece = sources[sender].piece()
        yield from conversation.receive(sender, piece) if piece else conversation.close(sender)
        # What has come is shown before more is waited for.
        sys.stdout.flush()
    yield from conversation.finish()
