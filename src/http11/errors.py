"""What can be wrong, and how we say so (RFC 9110 section 15, RFC 9112).

    Exception
    └── ProtocolError            never raised itself
        ├── LocalProtocolError   you asked for something that HTTP/1.1 forbids
        └── RemoteProtocolError  the peer sent something that HTTP/1.1 forbids

An error is data first: `code` names the way to be wrong, out of a closed set, `rule` the section that says so,
`error_status_hint` the status with which a server should answer, and, where bytes are to blame, `offset` and
`excerpt` the place. `tolerance` names the field of `Policy` that would let it in, if there is one. Its text is for a
log: one line, no raw control byte, and never the value of a field, which may be a credential.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, TypeVar
from weakref import ref

__all__ = [
    "ErrorCode",
    "Failure",
    "LocalProtocolError",
    "ProtocolError",
    "RemoteProtocolError",
    "Tolerance",
    "byte_name",
    "caused",
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

Tolerance: TypeAlias = Literal[
    "bare_lf",
    "leading_empty_lines",
    "fragment_in_target",
    "any_target",
    "any_connect_target",
    "any_major_version",
    "control_bytes_in_reason",
    "control_bytes_in_value",
    "folded_lines",
    "any_host",
    "host_mismatch",
    "long_lengths",
    "repeated_length_in_request",
    "length_and_chunked_in_request",
    "content_in_connect",
    "content_in_informational_response",
    "transfer_encoding_in_http10",
    "long_chunk_sizes",
    "space_after_chunk_size",
    "any_chunk_extension",
    "any_trailer_field",
    "broken_lines_in_response",
    "space_before_colon_in_response",
    "any_last_coding_in_response",
    "repeated_chunked_in_response",
    "connect_without_host",
    "non_ascii_in_target",
    "max_method_size",
    "max_fields",
    "max_informational_responses",
    "max_chunk_line_size",
    "max_chunk_extension_excess",
]
"""A field of `Policy` that lets in what another policy refuses: a tolerance, or a limit.

The fields that say whether a connection may be used again are not among them: they let in nothing that is wrong. Nor
is ``whole_heads_over_limit``, since what it lets in depends on how the bytes arrive, and an error does not.
"""

# For each code that one field of `Policy` always lets in: that field. For some of the others, it depends on the byte.
TOLERANCES: Final[Mapping[ErrorCode, Tolerance]] = {
    "method-too-long": "max_method_size",
    "bad-target-form": "any_target",
    "bad-connect-target": "any_connect_target",
    "unsupported-version": "any_major_version",
    "too-many-informational-responses": "max_informational_responses",
    "folded-line": "folded_lines",
    "too-many-fields": "max_fields",
    "bad-host": "any_host",
    "host-mismatch": "host_mismatch",
    "content-in-connect": "content_in_connect",
    "content-in-informational-response": "content_in_informational_response",
    "repeated-content-length": "repeated_length_in_request",
    "transfer-encoding-and-content-length": "length_and_chunked_in_request",
    "transfer-encoding-in-http10": "transfer_encoding_in_http10",
    "chunk-line-too-long": "max_chunk_line_size",
    "too-many-chunk-extensions": "max_chunk_extension_excess",
    "forbidden-trailer": "any_trailer_field",
}


class ProtocolError(Exception):
    """A violation of HTTP/1.1. Always one of the two subclasses; `ProtocolError` itself cannot be made.

    Args:
        msg: What was expected and what was found, safe to log. Also the attribute `msg`.
        error_status_hint: The status code that a server should answer with.
        code: Which violation it is.
        rule: The section that was violated, such as ``"RFC 9112 5.1"``.
        offset: The place, in bytes from the start of the message; `None` if no received byte is wrong.
        excerpt: At most 64 bytes around that place, without bytes of a field's value other than the wrong one.
        received: How many bytes of the head, or of the body's data, had arrived when the peer closed inside one;
            otherwise `None`.
        tolerance: The field of `Policy` that accepts what is wrong here: a tolerance, or a limit that is too low.
            `None` if there is none, and for everything that is sent, since writing is always strict. Something else
            may be wrong with the same message. If two fields would do, it is the one that accepts less.

    Raises:
        TypeError: `ProtocolError` itself was called.

    """

    error_status_hint: int
    code: ErrorCode
    rule: str
    offset: int | None
    excerpt: bytes
    received: int | None
    tolerance: Tolerance | None

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
        tolerance: Tolerance | None = None,
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
        self.tolerance = tolerance

    def __str__(self) -> str:
        place = "" if self.offset is None else f", at byte {self.offset} of the message"
        rule = f" ({self.rule})" if self.rule else ""
        return f"{self.msg}{place}{rule}"


class LocalProtocolError(ProtocolError):
    """You did something that HTTP/1.1 forbids. Nothing of it has been written."""


class RemoteProtocolError(ProtocolError):
    """The peer did something that HTTP/1.1 forbids. A server answers with `error_status_hint` and closes."""


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
    tolerance: Tolerance | None = None,
) -> ErrorT:
    """Make the error for `code`, with the status hint and the rule that belong to it.

    `blame` says whose fault it is; the same check serves both directions. `hint` overrides the status hint.
    `tolerance` is for a code that has none in `TOLERANCES`; what we do wrong ourselves has none at all.
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
        tolerance=(TOLERANCES.get(code) or tolerance) if issubclass(blame, RemoteProtocolError) else None,
    )


def caused(error: ErrorT, cause: BaseException) -> ErrorT:
    """Return `error` with its cause. `raise ... from` would not do: mypyc forgets the cause."""
    error.__cause__ = cause
    return error


def alone(error: ErrorT) -> ErrorT:
    """Return `error` without what was being handled when it was made. `raise ... from None` is forgotten as well."""
    error.__suppress_context__ = True
    return error


class Failure:
    """An error that put a side into `ERROR`, for those that follow to have it as their cause.

    The error itself would keep all the frames through which it went, and with them the connection, until the garbage
    collector runs. So this holds it weakly, and a copy of it without its traceback.
    """

    __slots__ = ("_copy", "_error")

    def __init__(self, error: ProtocolError) -> None:
        self._error = ref(error)
        self._copy = copy.copy(error)

    def __reduce__(self) -> tuple[type[Failure], tuple[ProtocolError]]:
        return Failure, (self._copy,)

    @property
    def error(self) -> ProtocolError:
        """The error, or its copy."""
        return self._error() or self._copy


def byte_name(value: int) -> str:
    """Spell one byte so that it can be logged: ``'('`` or ``0x0A``."""
    return f"'{value:c}'" if 0x21 <= value <= 0x7E else f"0x{value:02X}"  # noqa: PLR2004 - VCHAR


def clipped(value: bytes, size: int = 40) -> str:
    """Spell a short piece of untrusted bytes, a method or a field's name, so that it can be logged."""
    return ascii(value) if len(value) <= size else ascii(value[:size]) + "..."
