"""Lines taken apart by `http11.lines`, as plain values that can be compared; and the same by the walk alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal, TypeAlias

import attrs

from http11 import STRICT, ErrorCode, Policy, RemoteProtocolError, lines
from http11.fields import Field
from http11.headers import Headers
from http11.lines import IncompleteError, Section
from http11.parsing import ChunkLine
from http11.rules import received_headers
from http11.tolerances import Tolerances

Kind: TypeAlias = Section | Literal["chunk line"]
Parts: TypeAlias = tuple[bytes, bytes | int, bytes, list[Field]] | list[Field] | ChunkLine
"""Method, target, version and fields; version, status code, reason and fields; fields; or a chunk line."""

# What the fields say that decide something, and what else is known of a list of them.
_KNOWN: Final = (
    "_connection",
    "_content_length",
    "_expect",
    "_host",
    "_repeated",
    "_strict",
    "_transfer_encoding",
    "_upgrade",
)


def spelled(fields: Headers) -> list[Field]:
    """Return the fields as they were spelled, once it is sure that the list knows of itself what another one would."""
    raw = fields.raw_items()
    same = received_headers(raw, fields._strict)
    for name in _KNOWN:
        assert getattr(fields, name) == getattr(same, name), name
    assert fields == same
    return raw


def _request(text: bytes, policy: Tolerances) -> Parts:
    method, target, version, fields = lines.split_request(text, policy)
    return method, target, version, spelled(fields)


def _response(text: bytes, policy: Tolerances) -> Parts:
    version, code, reason, fields = lines.split_response(text, policy)
    return version, code, reason, spelled(fields)


SPLIT: Final[Mapping[Kind, Callable[[bytes, Tolerances], Parts]]] = {
    "request": _request,
    "response": _response,
    "trailers": lambda section, policy: spelled(lines.split_trailers(section, policy)),
    "chunk line": lambda line, policy: ChunkLine(*lines.split_chunk_line(line, policy)),
}


@attrs.frozen
class Refused:
    """All that an error says."""

    code: ErrorCode
    offset: int | None
    excerpt: bytes
    tolerance: str | None
    message: str


Apart: TypeAlias = Parts | Refused | None
"""The parts, the error, or None where the text ends and nothing is wrong so far."""


def told(error: RemoteProtocolError) -> Refused:
    return Refused(error.code, error.offset, error.excerpt, error.tolerance, str(error))


def taken_apart(kind: Kind, text: bytes, policy: Policy = STRICT) -> Apart:
    try:
        return SPLIT[kind](text, policy._tolerances)
    except RemoteProtocolError as error:
        return told(error)
    except IncompleteError:
        return None


def walked(kind: Kind, text: bytes, policy: Policy = STRICT) -> Iterator[Apart]:
    """Yield what `text`, which a pattern matches, is by the walk: it reads one that is alike but for what none matches.

    Of a section there are two, so that what is tolerated in the one is still refused in the other.
    """
    if kind == "chunk line":
        spaced = taken_apart(kind, text[:-2] + b" \r\n", attrs.evolve(policy, space_after_chunk_size=True))
        yield spaced._replace(extensions=spaced.extensions - 1) if isinstance(spaced, ChunkLine) else spaced
        return
    found = taken_apart(kind, text[:-2] + b"\n", attrs.evolve(policy, bare_lf=True))
    yield found
    if isinstance(found, Refused):
        # By a limit, which another field would move.
        return
    extra = (b"x", b"\x01")
    more = attrs.evolve(policy, control_bytes_in_value=True, max_fields=None)
    found = taken_apart(kind, text[:-2] + b"%b:%b\r\n\r\n" % extra, more)
    if isinstance(found, tuple | list) and not isinstance(found, ChunkLine):
        fields = found if isinstance(found, list) else found[3]
        assert fields.pop() == extra
    yield found
