"""The set of error codes is closed: here it is once more, so that one cannot come or go unseen."""

from typing import Literal, TypeAlias, get_args

from http11 import ErrorCode

Known: TypeAlias = Literal[
    "bare-lf",
    "bare-cr",
    "empty-line",
    "head-too-large",
    "chunk-line-too-large",
    "trailers-too-large",
    "head-cut-short",
    "no-response",
    "bad-request-line",
    "bad-method",
    "method-too-long",
    "bad-target",
    "bad-target-form",
    "bad-connect-target",
    "bad-version",
    "unsupported-version",
    "bad-status-line",
    "bad-status-code",
    "bad-reason",
    "unexpected-switch",
    "too-many-informational-responses",
    "bad-field-name",
    "missing-colon",
    "space-before-colon",
    "space-before-first-field",
    "bad-field-value",
    "folded-line",
    "too-many-fields",
    "missing-host",
    "repeated-host",
    "bad-host",
    "host-mismatch",
    "content-in-connect",
    "content-in-informational-response",
    "bad-content-length",
    "conflicting-content-length",
    "repeated-content-length",
    "unknown-transfer-coding",
    "bad-transfer-encoding",
    "transfer-encoding-and-content-length",
    "transfer-encoding-in-http10",
    "body-cut-short",
    "unexpected-bytes",
    "bad-chunk-size",
    "space-after-chunk-size",
    "bad-chunk-extension",
    "chunk-line-too-long",
    "too-many-chunk-extensions",
    "bad-chunk-end",
    "forbidden-trailer",
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
    "unspecified",
]


def known(code: ErrorCode) -> Known:
    return code


def ours(code: Known) -> ErrorCode:
    return code


def main() -> None:
    assert get_args(ErrorCode) == get_args(Known)
    assert known("bare-lf") == ours("bare-lf")
