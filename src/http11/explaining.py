"""What is wrong in a value that the grammar has refused, and at which byte: the end of an error's text.

Asked only once a value has been refused, and never whether it is. Each answer names one fault and the index of the byte
where the value goes wrong, and shows no more of the value than that byte: it may be a credential. Each takes any bytes,
and time that is linear in their number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from re import Pattern
from typing import Final, NamedTuple

from http11 import grammar
from http11.errors import ErrorCode, byte_name
from http11.grammar import Run, run_end

__all__ = [
    "Flaw",
    "absolute_form_flaw",
    "byte_flaw",
    "coding_flaw",
    "connect_target_flaw",
    "host_flaw",
    "in_fields",
    "length_flaw",
    "number_name",
    "run_flaw",
]


class Flaw(NamedTuple):
    """One fault of a value: what was found there, in words, and the index of its first byte.

    The index is that of the end where something is missing there.
    """

    found: str
    at: int

    def __str__(self) -> str:
        return f"{self.found} at index {self.at}"


_BYTE_NAMES: Final[Mapping[int, str]] = {0x20: "a space", 0x09: "a tab"}


def byte_flaw(value: bytes, index: int) -> Flaw:
    """Name the byte at `index`, or the end."""
    if index >= len(value):
        return Flaw("the end", len(value))
    byte = value[index]
    return Flaw(_BYTE_NAMES.get(byte) or byte_name(byte), index)


def run_flaw(run: Run, value: bytes) -> Flaw:
    """Name the first byte of `value` that `run` does not take, or the end."""
    return byte_flaw(value, run_end(run, value))


def in_fields(flaw: Flaw, fields: Sequence[bytes]) -> str:
    """Spell a flaw of the list that the values of several fields of one name make, joined by commas."""
    at, place = flaw.at, 0
    while place < len(fields) - 1 and at > len(fields[place]):
        at -= len(fields[place]) + 1
        place += 1
    return str(flaw._replace(at=at)) + (f" of field {place + 1} of {len(fields)}" if len(fields) > 1 else "")


# A number that is longer says no more.
_LONGEST_NUMBER: Final = 10**20


def number_name(number: int) -> str:
    """Spell a number that a caller gave, which may have more digits than anybody reads, or Python writes."""
    if -_LONGEST_NUMBER < number < _LONGEST_NUMBER:
        return str(number)
    return f"a {'negative ' if number < 0 else ''}number of {number.bit_length()} bits"


# --- RFC 9112 3.2, RFC 9110 7.2: hosts and targets ------------------------------------------------------------------


def host_flaw(value: bytes, start: int = 0) -> Flaw:
    """Say why what is in `value` from `start` on is no host with, perhaps, a port."""
    end = _host_end(value, start)
    if isinstance(end, Flaw):
        return end
    if value[end : end + 1] != b":":
        return byte_flaw(value, end)
    return _port_flaw(value, run_end(grammar.DIGITS_RUN, value, end + 1))


def connect_target_flaw(target: bytes) -> Flaw:
    """Say why `target` is no host with a port of 1 to 65535."""
    end = _host_end(target, 0)
    if isinstance(end, Flaw):
        return end
    digits = run_end(grammar.DIGITS_RUN, target, end + 1)
    if target[end : end + 1] not in (b":", b""):
        return byte_flaw(target, end)
    if digits < len(target):
        return _port_flaw(target, digits)
    # Of no digits, or of too large a number.
    return Flaw("no port" if digits <= end + 1 else "a port out of range", min(end + 1, len(target)))


def absolute_form_flaw(target: bytes) -> Flaw:
    """Say why `target` is no absolute-form that names what its scheme demands."""
    if grammar.AUTHORITY_FORM.fullmatch(target) is not None:
        return Flaw("a host and a port without a scheme, which only CONNECT takes,", 0)
    end = _match_end(grammar.SCHEME_RUN, target, 0)
    if end == 0 or target[end : end + 1] != b":":
        return byte_flaw(target, end)
    if not target.startswith(b"//", end + 1):
        return Flaw("no '//' and host", end + 1)
    return host_flaw(target[: _match_end(grammar.AUTHORITY_RUN, target, end + 3)], end + 3)


def _port_flaw(value: bytes, index: int) -> Flaw:
    found = byte_flaw(value, index)
    if found.found == "':'":
        return found._replace(found="a second ':' (an IPv6 address stands in brackets)")
    return found._replace(found=f"{found.found} in the port")


def _host_end(value: bytes, start: int) -> int | Flaw:
    userinfo = grammar.USERINFO.match(value, start)
    if userinfo is not None:
        return Flaw("a userinfo, up to the '@'", userinfo.end() - 1)
    if value.startswith(b"[", start):
        return _literal_end(value, start + 1)
    end = _match_end(grammar.REG_NAME_RUN, value, start)
    if value.startswith(b"%", end):
        return Flaw("'%' without two hex digits", end)
    if end == start:
        return Flaw("no host", start) if value[start : start + 1] in (b"", b":") else byte_flaw(value, start)
    return end


def _literal_end(value: bytes, start: int) -> int | Flaw:
    if value[start : start + 1] not in (b"v", b"V"):
        return _ipv6_end(value, start)
    future = grammar.IPVFUTURE.match(value, start)
    if future is None or not value.startswith(b"]", future.end()):
        return byte_flaw(value, _match_end(grammar.IPVFUTURE_RUN, value, start))
    return future.end() + 1


# How many groups an IPv6 address has, and how many at the most where "::" stands for one or more.
_GROUPS: Final = 8
_GROUPS_BESIDE: Final = 7
_GROUP_DIGITS: Final = 4


def _ipv6_end(value: bytes, start: int) -> int | Flaw:
    shortened = value.startswith(b"::", start)
    if value.startswith(b":", start) and not shortened:
        return _ipv6_flaw(value, start + 1, False)
    at, groups, may_end = start + 2 * shortened, 0, shortened
    while True:
        end = run_end(grammar.HEX_RUN, value, at)
        most = _GROUPS_BESIDE if shortened else _GROUPS
        if end == at or groups == most:
            break
        if (groups <= most - 2 if shortened else groups == most - 2) and grammar.IPV4_START.match(
            value, at
        ) is not None:
            return _ipv4_end(value, at)
        if end - at > _GROUP_DIGITS:
            return Flaw("a group of more than four hex digits", at)
        groups += 1
        at, may_end = end, shortened or groups == most
        if not shortened and groups < most and value.startswith(b"::", at):
            at, shortened, may_end = at + 2, True, True
        elif groups < most and value.startswith(b":", at):
            at, may_end = at + 1, False
        else:
            break
    if may_end and value.startswith(b"]", at):
        return at + 1
    return _ipv6_flaw(value, at, groups == most)


def _ipv6_flaw(value: bytes, at: int, full: bool) -> Flaw:
    found = byte_flaw(value, at)
    if found.found == "'%'":
        return found._replace(found="'%', the start of a zone,")
    if full and found.at < len(value):
        return found._replace(found=f"{found.found} after the last group that an IPv6 address can have")
    return found._replace(found=f"{found.found} inside an IPv6 address")


def _ipv4_end(value: bytes, at: int) -> int | Flaw:
    for closed_by in (b".", b".", b".", b"]"):
        end = run_end(grammar.DIGITS_RUN, value, at)
        if end == at:
            return byte_flaw(value, at)
        if grammar.OCTET.fullmatch(value[at:end]) is None:
            return Flaw("a part of an IPv4 address that is not 0 to 255", at)
        if not value.startswith(closed_by, end):
            return byte_flaw(value, end)
        at = end + 1
    return at


# --- RFC 9110 8.6, RFC 9112 6.1: lengths and codings ----------------------------------------------------------------


def length_flaw(fields: Sequence[bytes], place: int, most_digits: int) -> str:
    """Say why the member at `place` of the list in `fields` is no length of so many digits at the most."""
    joined = b",".join(fields)
    members = joined.split(b",")
    start = sum(len(member) + 1 for member in members[:place])
    begin = run_end(grammar.OWS_RUN, joined, start)
    end = run_end(grammar.DIGITS_RUN, joined, begin)
    stop = start + len(members[place].rstrip(b" \t"))
    if end < stop:
        flaw = byte_flaw(joined, end)
    elif begin >= stop:
        flaw = Flaw("no digits", start)
    elif end - begin > most_digits:
        flaw = Flaw(f"{end - begin} digits", begin)
    else:
        flaw = Flaw("a larger number", begin)
    return in_fields(flaw, fields)


def coding_flaw(fields: Sequence[bytes]) -> tuple[ErrorCode, str]:
    """Say why the list in `fields`, in lower case, is not `chunked` alone, and which error that is.

    A coding that we do not know is one thing, which a server answers with 501, and another is a list that nobody may
    send: where `chunked` is not the last, or comes twice (RFC 9112 6.1 and 6.3).
    """
    code, flaw = _coding_flaw(b",".join(fields))
    return code, in_fields(flaw, fields)


class _Coding(NamedTuple):
    name: bytes
    start: int
    end_of_name: int
    end: int


def _coding_flaw(codings: bytes) -> tuple[ErrorCode, Flaw]:
    found: list[_Coding] = []
    empty: list[int] = []
    at = 0
    while at <= len(codings):
        start = run_end(grammar.OWS_RUN, codings, at)
        name, end = run_end(grammar.TOKEN_RUN, codings, start), _match_end(grammar.CODING_RUN, codings, start)
        stop = run_end(grammar.OWS_RUN, codings, end)
        if codings[stop : stop + 1] not in (b",", b""):
            return "bad-transfer-encoding", byte_flaw(codings, stop)
        if end > start:
            found.append(_Coding(codings[start:name], start, name, end))
        else:
            empty.append(start)
        at = stop + 1
    chunked = [coding for coding in found if coding.name == b"chunked"]
    parameters = [coding.end_of_name for coding in chunked if coding.end > coding.end_of_name]
    if not found:
        flaw = Flaw("no coding", 0)
    elif found[-1].name != b"chunked":
        flaw = Flaw("another coding as the last one", found[-1].start)
    elif len(chunked) > 1:
        flaw = Flaw("it again", chunked[1].start)
    elif parameters:
        flaw = Flaw("a parameter", parameters[0])
    elif len(found) > 1:
        return "unknown-transfer-coding", Flaw("one that is not known", found[0].start)
    else:
        flaw = Flaw("an empty member of the list", empty[0] if empty else len(codings))
    return "bad-transfer-encoding", flaw


def _match_end(pattern: Pattern[bytes], value: bytes, start: int) -> int:
    match = pattern.match(value, start)
    return start if match is None else match.end()
