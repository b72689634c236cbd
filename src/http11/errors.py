"""What can be wrong, and how we say so (RFC 9110 section 15, RFC 9112).

    Exception
    └── ProtocolError            never raised itself
        ├── LocalProtocolError   you asked for something that HTTP/1.1 forbids
        └── RemoteProtocolError  the peer sent something that HTTP/1.1 forbids

An error is data first: `code` names the way to be wrong, out of a closed set, `rule` the section that says so,
`error_status_hint` the status with which a server should answer, and, where bytes are to blame, `offset` and
`excerpt` the place. Its text is for a log: one line, no raw control byte, and never the value of a field, which may
be a credential.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, TypeVar

__all__ = [
    "ErrorCode",
    "LocalProtocolError",
    "ProtocolError",
    "RemoteProtocolError",
    "byte_name",
    "clipped",
    "violation",
]

EXCERPT_SIZE: Final = 64

ErrorCode: TypeAlias = Literal[
    # lines
    "bare-lf",
    "bare-cr",
    "empty-line",
    "head-too-large",
    "chunk-line-too-large",
    "trailers-too-large",
    "head-cut-short",
    "no-response",
    # request line
    "bad-request-line",
    "bad-method",
    "method-too-long",
    "bad-target",
    "bad-target-form",
    "bad-connect-target",
    "bad-version",
    "unsupported-version",
    # status line
    "bad-status-line",
    "bad-status-code",
    "bad-reason",
    "unexpected-switch",
    "too-many-informational-responses",
    # fields
    "bad-field-name",
    "missing-colon",
    "space-before-colon",
    "space-before-first-field",
    "bad-field-value",
    "folded-line",
    "too-many-fields",
    # Host
    "missing-host",
    "repeated-host",
    "bad-host",
    "host-mismatch",
    "content-in-connect",
    "content-in-informational-response",
    # message length
    "bad-content-length",
    "conflicting-content-length",
    "repeated-content-length",
    "unknown-transfer-coding",
    "bad-transfer-encoding",
    "transfer-encoding-and-content-length",
    "transfer-encoding-in-http10",
    "body-cut-short",
    "unexpected-bytes",
    # chunks
    "bad-chunk-size",
    "space-after-chunk-size",
    "bad-chunk-extension",
    "chunk-line-too-long",
    "too-many-chunk-extensions",
    "bad-chunk-end",
    "forbidden-trailer",
    # sending, and the state machine
    "too-much-body",
    "too-little-body",
    "content-in-head-response",
    "content-in-204",
    "content-in-304",
    "content-without-length",
    "expect-without-content",
    "trailers-without-chunked",
    "version-not-sendable",
    "unexpected-event",
    "not-reusable",
    "already-failed",
    # an error that a caller made
    "unspecified",
]

# For each code: the status that a server should answer with, and the rule that was broken.
VERDICTS: Final[Mapping[ErrorCode, tuple[int, str]]] = {
    "bare-lf": (400, "RFC 9112 2.2"),
    "bare-cr": (400, "RFC 9112 2.2"),
    "empty-line": (400, "RFC 9112 2.2"),
    "head-too-large": (431, "RFC 6585 5"),
    "chunk-line-too-large": (431, "RFC 9112 7.1"),
    "trailers-too-large": (431, "RFC 6585 5"),
    "head-cut-short": (400, "RFC 9112 8"),
    "no-response": (400, "RFC 9112 9.3.1"),
    "bad-request-line": (400, "RFC 9112 3"),
    "bad-method": (400, "RFC 9112 3.1"),
    "method-too-long": (400, "RFC 9112 3"),
    "bad-target": (400, "RFC 9112 3.2"),
    "bad-target-form": (400, "RFC 9112 3.2"),
    "bad-connect-target": (400, "RFC 9112 3.2.3"),
    "bad-version": (400, "RFC 9112 2.3"),
    "unsupported-version": (505, "RFC 9110 15.6.6"),
    "bad-status-line": (400, "RFC 9112 4"),
    "bad-status-code": (400, "RFC 9110 15"),
    "bad-reason": (400, "RFC 9112 4"),
    "unexpected-switch": (400, "RFC 9110 7.8"),
    "too-many-informational-responses": (400, "RFC 9110 15.2"),
    "bad-field-name": (400, "RFC 9110 5.1"),
    "missing-colon": (400, "RFC 9112 5"),
    "space-before-colon": (400, "RFC 9112 5.1"),
    "space-before-first-field": (400, "RFC 9112 2.2"),
    "bad-field-value": (400, "RFC 9110 5.5"),
    "folded-line": (400, "RFC 9112 5.2"),
    "too-many-fields": (431, "RFC 6585 5"),
    "missing-host": (400, "RFC 9112 3.2"),
    "repeated-host": (400, "RFC 9112 3.2"),
    "bad-host": (400, "RFC 9112 3.2"),
    "host-mismatch": (400, "RFC 9112 3.2"),
    "content-in-connect": (400, "RFC 9110 9.3.6"),
    "content-in-informational-response": (400, "RFC 9110 15.2"),
    "bad-content-length": (400, "RFC 9110 8.6"),
    "conflicting-content-length": (400, "RFC 9112 6.3"),
    "repeated-content-length": (400, "RFC 9112 6.3"),
    "unknown-transfer-coding": (501, "RFC 9112 6.1"),
    "bad-transfer-encoding": (400, "RFC 9112 6.1"),
    "transfer-encoding-and-content-length": (400, "RFC 9112 6.1"),
    "transfer-encoding-in-http10": (400, "RFC 9112 6.1"),
    "body-cut-short": (400, "RFC 9112 8"),
    "unexpected-bytes": (400, "RFC 9112 9.6"),
    "bad-chunk-size": (400, "RFC 9112 7.1"),
    "space-after-chunk-size": (400, "RFC 9112 7.1"),
    "bad-chunk-extension": (400, "RFC 9112 7.1.1"),
    "chunk-line-too-long": (400, "RFC 9112 7.1.1"),
    "too-many-chunk-extensions": (400, "RFC 9112 7.1.1"),
    "bad-chunk-end": (400, "RFC 9112 7.1"),
    "forbidden-trailer": (400, "RFC 9110 6.5.1"),
    "too-much-body": (400, "RFC 9110 8.6"),
    "too-little-body": (400, "RFC 9110 8.6"),
    "content-in-head-response": (400, "RFC 9110 9.3.2"),
    "content-in-204": (400, "RFC 9110 15.3.5"),
    "content-in-304": (400, "RFC 9110 15.4.5"),
    "content-without-length": (400, "RFC 9112 6.3"),
    "expect-without-content": (400, "RFC 9110 10.1.1"),
    "trailers-without-chunked": (400, "RFC 9112 7.1.2"),
    "version-not-sendable": (400, "RFC 9110 2.5"),
    "unexpected-event": (400, "RFC 9112 9"),
    "not-reusable": (400, "RFC 9112 9.3"),
    "already-failed": (400, "RFC 9112 9"),
    "unspecified": (400, ""),
}


class ProtocolError(Exception):
    """Something that HTTP/1.1 forbids; always one of the two subclasses, `ProtocolError` itself cannot be made.

    Args:
        msg: What was expected and what was found; it should be safe to log. Kept as the attribute `msg`.
        error_status_hint: The status code with which a server should answer.
        code: The way to be wrong.
        rule: The section that was broken, such as ``"RFC 9112 5.1"``.
        offset: Where, in bytes from the start of the message; `None` where no received byte is to blame.
        excerpt: At most 64 bytes around that place; bytes of a field's value are left out, but for the wrong one.
        received: How many bytes of the head, or of the body's data, had come where the peer closed inside one; `None`
            for another error.

    Raises:
        TypeError: When `ProtocolError` itself is called.

    """

    error_status_hint: int
    code: ErrorCode
    rule: str
    offset: int | None
    excerpt: bytes
    received: int | None

    def __init__(
        self,
        msg: str,
        error_status_hint: int = 400,
        *,
        code: ErrorCode = "unspecified",
        rule: str = "",
        offset: int | None = None,
        excerpt: bytes = b"",
        received: int | None = None,
    ) -> None:
        if type(self) is ProtocolError:
            message = "a ProtocolError is either a LocalProtocolError or a RemoteProtocolError"
            raise TypeError(message)
        super().__init__(msg)
        self.msg = msg
        self.error_status_hint = error_status_hint
        self.code = code
        self.rule = rule
        self.offset = offset
        self.excerpt = excerpt
        self.received = received

    def __str__(self) -> str:
        place = "" if self.offset is None else f", at byte {self.offset} of the message"
        rule = f" ({self.rule})" if self.rule else ""
        return f"{self.msg}{place}{rule}"


class LocalProtocolError(ProtocolError):
    """You asked for something that HTTP/1.1 forbids; nothing of it has been, or will be, put on the wire."""


class RemoteProtocolError(ProtocolError):
    """The peer sent something that HTTP/1.1 forbids; a server answers with `error_status_hint` and closes."""


ErrorT = TypeVar("ErrorT", bound=ProtocolError)


def violation(
    blame: type[ErrorT],
    code: ErrorCode,
    msg: str,
    *,
    offset: int | None = None,
    excerpt: bytes = b"",
    hint: int | None = None,
    received: int | None = None,
) -> ErrorT:
    """Make the error for `code`, with the status hint and the rule that belong to it.

    `blame` says whose fault it is; the same check serves both directions. `hint` overrides the status hint.
    """
    status, rule = VERDICTS[code]
    return blame(
        msg,
        status if hint is None else hint,
        code=code,
        rule=rule,
        offset=offset,
        excerpt=excerpt[:EXCERPT_SIZE],
        received=received,
    )


def byte_name(value: int) -> str:
    """Spell one byte so that it can be logged: ``'('`` or ``0x0A``."""
    return f"'{value:c}'" if 0x21 <= value <= 0x7E else f"0x{value:02X}"  # noqa: PLR2004 - VCHAR


def clipped(value: bytes, size: int = 40) -> str:
    """Spell a short piece of untrusted bytes, a method or a field's name, so that it can be logged."""
    return ascii(value) if len(value) <= size else ascii(value[:size]) + "..."
