"""What is left out of the output on request: the values of credentials, or of all fields.

Redacting is about what is shown, not about what is read. A wrong byte itself is always shown: it is what the output is
for.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

from http11.inspector.words import escaped

__all__ = ["Redaction", "hides_bodies", "shown_fields", "shown_offsets", "shown_target"]

Redaction: TypeAlias = Literal["nothing", "credentials", "all"]
"""What is hidden: nothing; values of fields that hold credentials; or all values, queries and bodies."""

# Names of fields that hold credentials, and words in the names of others that do.
_CREDENTIALS: Final = re.compile(
    rb"authori[sz]ation|authenticat|cookie|token|secret|password|passwd|credential|session|signature"
    rb"|api[-_]?key|auth[-_]?key|access[-_]?key|private[-_]?key|jwt|^x-auth|^x-amz-security",
    re.IGNORECASE,
)
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_USER: Final = re.compile(r"(?<=//)[^/?#]*@")
_HIDDEN: Final = "***"


def _hides_value(name: bytes, redaction: Redaction) -> bool:
    if redaction == "nothing":
        return False
    # What is no name may be a broken one of a credential.
    return redaction == "all" or _TOKEN.fullmatch(name) is None or _CREDENTIALS.search(name) is not None


def hides_bodies(redaction: Redaction) -> bool:
    """Tell whether the bytes of a body are left out."""
    return redaction == "all"


def shown_fields(fields: list[tuple[bytes, bytes]], redaction: Redaction) -> list[tuple[str, str]]:
    """Return fields as they are shown: names and values, escaped."""
    return [
        (escaped(name), f"{_HIDDEN} {len(value)} bytes" if _hides_value(name, redaction) else escaped(value))
        for name, value in fields
    ]


def shown_target(target: bytes, redaction: Redaction) -> str:
    """Return a request's target as it is shown: without a user's name and password, and perhaps without its query."""
    text = escaped(target)
    if redaction == "nothing":
        return text
    text = _USER.sub(f"{_HIDDEN}@", text)
    path, mark, _ = text.partition("?")
    return f"{path}{mark}{_HIDDEN}" if mark and redaction == "all" else text


def shown_offsets(context: bytes, start: int, place: int, *, is_start: bool, redaction: Redaction) -> frozenset[int]:
    """Return which offsets of `context` are to be hidden.

    Args:
        context: Bytes of a message.
        start: The offset of the first of them.
        place: The offset of the wrong byte, which is not hidden.
        is_start: Whether the message begins with `context`.
        redaction: What is to be hidden.

    """
    hidden: set[int] = set()
    in_head = is_start
    is_hidden = redaction == "all"
    at = 0
    # By LF alone: a CR inside a value ends nothing.
    for line in context.split(b"\n"):
        content = line.removesuffix(b"\r")
        begin = at
        at += len(line) + 1
        if redaction == "nothing":
            continue
        if begin == 0 and is_start:
            hidden.update(range(*_hidden_in_start_line(content, redaction)))
            continue
        if begin == 0:
            # The beginning of the line is not known, so nor is whose value it is.
            first = 0
        elif not content:
            in_head = False
            continue
        elif content[:1] in (b" ", b"\t"):
            first = 0 if is_hidden else len(content)
        else:
            name, colon, _ = content.partition(b":")
            is_hidden = _hides_line(name, colon, redaction, in_head=in_head)
            first = (len(name) + len(colon) if colon else 0) if is_hidden else len(content)
        hidden.update(range(begin + first, begin + len(content)))
    return frozenset(start + index for index in hidden) - {place}


def _hides_line(name: bytes, colon: bytes, redaction: Redaction, *, in_head: bool) -> bool:
    if in_head or redaction == "all":
        return _hides_value(name, redaction)
    # Behind the head only what is a field of that name: a trailer, or a head that begins where none should.
    return colon != b"" and _CREDENTIALS.search(name) is not None


def _hidden_in_start_line(line: bytes, redaction: Redaction) -> tuple[int, int]:
    scheme, end_of_user = line.find(b"//"), line.find(b"@")
    query = line.find(b"?")
    if redaction == "all" and query >= 0:
        end = line.find(b" ", query)
        return (scheme + 2 if 0 <= scheme < end_of_user else query + 1), (len(line) if end < 0 else end)
    if 0 <= scheme < end_of_user:
        return scheme + 2, end_of_user
    return 0, 0
