"""What a reader tolerates, and how much.

A `Policy` is about reading: what we write is strict under each. Every tolerance is a field of its own, so that a
client which must talk to one broken server can open one door and not all of them:
``attrs.evolve(STRICT, repeated_length_in_request=True)``.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Final, SupportsIndex, final

import attrs

from http11.tolerances import Tolerances

__all__ = ["H11", "STRICT", "Policy"]


def _tolerances(policy: Policy) -> Mapping[str, object]:
    return {
        "bare_lf": policy.bare_lf,
        "fragment_in_target": policy.fragment_in_target,
        "any_target": policy.any_target,
        "any_connect_target": policy.any_connect_target,
        "any_major_version": policy.any_major_version,
        "control_bytes_in_reason": policy.control_bytes_in_reason,
        "control_bytes_in_value": policy.control_bytes_in_value,
        "folded_lines": policy.folded_lines,
        "any_host": policy.any_host,
        "host_mismatch": policy.host_mismatch,
        "long_lengths": policy.long_lengths,
        "repeated_length_in_request": policy.repeated_length_in_request,
        "length_and_chunked_in_request": policy.length_and_chunked_in_request,
        "reuse_after_length_and_chunked": policy.reuse_after_length_and_chunked,
        "reuse_after_refused_connect": policy.reuse_after_refused_connect,
        "content_in_connect": policy.content_in_connect,
        "content_in_informational_response": policy.content_in_informational_response,
        "transfer_encoding_in_http10": policy.transfer_encoding_in_http10,
        "long_chunk_sizes": policy.long_chunk_sizes,
        "space_after_chunk_size": policy.space_after_chunk_size,
        "any_chunk_extension": policy.any_chunk_extension,
        "any_trailer_field": policy.any_trailer_field,
        "whole_heads_over_limit": policy.whole_heads_over_limit,
        "broken_lines_in_response": policy.broken_lines_in_response,
        "space_before_colon_in_response": policy.space_before_colon_in_response,
        "any_last_coding_in_response": policy.any_last_coding_in_response,
        "repeated_chunked_in_response": policy.repeated_chunked_in_response,
        "connect_without_host": policy.connect_without_host,
        "non_ascii_in_target": policy.non_ascii_in_target,
    }


def _limits(policy: Policy) -> Mapping[str, int | None]:
    return {
        "max_method_size": policy.max_method_size,
        "max_fields": policy.max_fields,
        "max_informational_responses": policy.max_informational_responses,
        "max_chunk_line_size": policy.max_chunk_line_size,
        "max_chunk_extension_excess": policy.max_chunk_extension_excess,
    }


def _switches(policy: Policy) -> Mapping[str, object]:
    return {
        **_tolerances(policy),
        "leading_empty_lines": policy.leading_empty_lines,
        "keep_alive_in_http10": policy.keep_alive_in_http10,
    }


class _Told:
    """Has what a policy says in the form that the engine asks; no field of `Policy`, which says it already."""

    __slots__ = ("__weakref__", "_tolerances")

    _tolerances: Tolerances


@final
@attrs.frozen(kw_only=True, order=False, repr=False)
class Policy(_Told):
    """What a reader tolerates, and how much it accepts. The defaults are those of `STRICT`.

    The limit on the size of a head is not here: it is the ``max_incomplete_event_size`` of `Connection`. Here is only
    whether it holds for heads that are whole.

    Attributes:
        bare_lf: Accept LF alone as the end of a line in a head or a trailer section (RFC 9112 2.2).
        leading_empty_lines: Skip empty lines before a request line (RFC 9112 2.2).
        fragment_in_target: Accept ``#`` in a request target (RFC 9112 3.2).
        any_target: Accept a form of target that does not go with the method (RFC 9112 3.2).
        any_connect_target: Accept any target with CONNECT, not only ``host:port`` (RFC 9112 3.2.3).
        any_major_version: Read ``HTTP/2.0`` and its like as HTTP/1.x (RFC 9112 2.3).
        control_bytes_in_reason: Accept control bytes in a reason, except NUL, HTAB, LF, VT, FF and CR (RFC 9112 4).
        control_bytes_in_value: The same for the value of a field (RFC 9110 5.5).
        folded_lines: Accept folded fields in a request or a trailer section, and a folded Content-Length or
            Transfer-Encoding in a response, where other fields may always be folded (RFC 9112 5.2).
        any_host: Accept any field value as Host (RFC 9112 3.2).
        host_mismatch: Accept a Host that differs from the authority of the target, in absolute-form or of a CONNECT
            (RFC 9112 3.2).
        long_lengths: Accept a Content-Length of 20 digits, and one above 2^63 - 1 (RFC 9110 8.6).
        repeated_length_in_request: Accept a request that repeats the same Content-Length (RFC 9112 6.3).
        length_and_chunked_in_request: Accept a request with both Transfer-Encoding and Content-Length; the first counts
            (RFC 9112 6.3).
        reuse_after_length_and_chunked: Reuse a connection after a message with both (RFC 9112 6.1).
        reuse_after_refused_connect: Reuse a connection after a CONNECT was refused (RFC 9931 8).
        content_in_connect: Accept a CONNECT with content (RFC 9110 9.3.6).
        content_in_informational_response: Accept a 1xx response that claims to have content; it has none (RFC 9110
            15.2).
        transfer_encoding_in_http10: Accept a Transfer-Encoding in an HTTP/1.0 message (RFC 9112 6.1).
        long_chunk_sizes: Accept chunk sizes of 20 hex digits instead of 16 (RFC 9112 7.1).
        space_after_chunk_size: Accept white space before the CRLF of a chunk line (RFC 9112 7.1).
        any_chunk_extension: Accept anything but CR and LF after a semicolon that directly follows the size (RFC 9112
            7.1.1).
        any_trailer_field: Accept trailer fields that frame, route or authenticate (RFC 9110 6.5.1).
        whole_heads_over_limit: Accept a head that is larger than ``max_incomplete_event_size``, if it is whole when
            `Connection.next_event` first sees more of it than that. What is incomplete is limited as before, so no more
            is kept than the limit and one piece; but whether such a head is read depends on how it arrives.
        keep_alive_in_http10: Reuse a connection after an HTTP/1.0 message that says ``Connection: keep-alive`` and
            where its body ends; an answer to such a request says it too. Not for a connection with a proxy on it (RFC
            9112 9.3, C.2.2). `H11` has it off: h11 closes.
        broken_lines_in_response: Leave out, in the head of a response, a line that is no field line: its name is none,
            it has no colon, or white space stands before the first field (RFC 9112 2.2 and 5). The connection is not
            used again. `Connection.left_out_lines` has what was left out. A line that begins with the name of a field
            that says how long a message is or what becomes of the connection is never left out, whatever stands before
            that name and between its letters.
        space_before_colon_in_response: Remove white space between a name and its colon in the head of a response (RFC
            9112 5.1). The connection is not used again.
        any_last_coding_in_response: Accept a response whose last transfer coding is not ``chunked``, such as
            ``identity``: its body goes on until the server closes (RFC 9112 6.3). It is not decoded.
        repeated_chunked_in_response: Accept a response that names the transfer coding ``chunked`` several times, and
            no other; it is read as if it did so once, and the connection is not used again (RFC 9112 6.1).
        connect_without_host: Accept a CONNECT in HTTP/1.1 without Host (RFC 9112 3.2).
        non_ascii_in_target: Accept the bytes 0x80 to 0xFF in a request target, after the host of an http or https URI
            (RFC 9112 3.2). They stay as they are.
        max_method_size: The longest method to accept, in bytes.
        max_fields: The most field lines to accept in a head or a trailer section; `None` for no limit.
        max_informational_responses: The most 1xx responses to accept before a final one; `None` for no limit.
        max_chunk_line_size: The longest chunk line to accept, in bytes without its CRLF; `None` for no limit of its
            own.
        max_chunk_extension_excess: By how many bytes the chunk extensions of a body may exceed the data before them;
            `None` for no limit.
        tolerant: Whether any tolerance is enabled. It follows from the other fields and is not an argument.

    Raises:
        ValueError: A limit is negative, or allows no method at all.
        TypeError: A limit is not an int, or a tolerance is not a bool.

    """

    bare_lf: bool = False
    leading_empty_lines: bool = True
    fragment_in_target: bool = False
    any_target: bool = False
    any_connect_target: bool = False
    any_major_version: bool = False
    control_bytes_in_reason: bool = False
    control_bytes_in_value: bool = False
    folded_lines: bool = False
    any_host: bool = False
    host_mismatch: bool = False
    long_lengths: bool = False
    repeated_length_in_request: bool = False
    length_and_chunked_in_request: bool = False
    reuse_after_length_and_chunked: bool = False
    reuse_after_refused_connect: bool = False
    content_in_connect: bool = False
    content_in_informational_response: bool = False
    transfer_encoding_in_http10: bool = False
    long_chunk_sizes: bool = False
    space_after_chunk_size: bool = False
    any_chunk_extension: bool = False
    any_trailer_field: bool = False
    whole_heads_over_limit: bool = False

    # For one broken peer: neither preset has them.
    broken_lines_in_response: bool = False
    space_before_colon_in_response: bool = False
    any_last_coding_in_response: bool = False
    repeated_chunked_in_response: bool = False
    connect_without_host: bool = False
    non_ascii_in_target: bool = False

    # About the connection; neither preset has it.
    keep_alive_in_http10: bool = False

    # Registered methods reach 17 bytes (UPDATEREDIRECTREF); private ones are seldom longer than twice that.
    max_method_size: int = 64
    # Servers in wide use allow 100 (Apache) to 1000 (Node.js counts 2000 names and values).
    max_fields: int | None = 256
    # A server may send a few 103s and keep a slow request alive with 102s.
    max_informational_responses: int | None = 64
    # Signed uploads need about 90 bytes a chunk line.
    max_chunk_line_size: int | None = 256
    max_chunk_extension_excess: int | None = 16384

    # Whether an event that this policy lets in may be one that no sender may send.
    tolerant: bool = attrs.field(default=False, init=False, eq=False)

    def __attrs_pre_init__(self) -> None:
        # What exists cannot be made again: the presets are everybody's.
        if hasattr(self, "bare_lf"):
            raise attrs.exceptions.FrozenInstanceError

    def __attrs_post_init__(self) -> None:
        for name, value in _switches(self).items():
            # "no" would be true.
            if type(value) is not bool:
                raise TypeError(f"expected a bool as {name}, got {type(value).__name__}")
        for name, limit in _limits(self).items():
            object.__setattr__(self, name, _checked_limit(name, limit))
        object.__setattr__(self, "tolerant", True in _tolerances(self).values())
        told = Tolerances()
        for name, value in {**_switches(self), **_limits(self), "tolerant": self.tolerant}.items():
            setattr(told, name, value)
        object.__setattr__(self, "_tolerances", told)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return _unpickled, ({**_switches(self), **_limits(self)},)

    def __repr__(self) -> str:
        if self == STRICT:
            return "STRICT"
        if self == H11:
            return "H11"
        mine, usual = ({**_switches(policy), **_limits(policy)} for policy in (self, STRICT))
        return f"Policy({', '.join(f'{name}={value!r}' for name, value in mine.items() if value != usual[name])})"


def _unpickled(fields: Mapping[str, bool | int | None]) -> Policy:
    # What was pickled is checked as what is given is.
    return Policy(**fields)  # type: ignore[arg-type] # ty: ignore[invalid-argument-type]


def _checked_limit(name: str, limit: object) -> int | None:
    lowest = 1 if name == "max_method_size" else 0
    if limit is None and lowest == 0:
        return None
    if not isinstance(limit, SupportsIndex):
        raise TypeError(f"expected an int{' or None' * (lowest == 0)} as {name}, got {type(limit).__name__}")
    # A plain one: a limit of eight bits would overflow when something is added to it.
    size = int(operator.index(limit))
    if size < lowest:
        raise ValueError(f"expected {name} to be {lowest} or more, got a lower limit")
    return size


STRICT: Final = Policy()
"""Accept what RFC 9110 and RFC 9112 let a sender send; reject whatever two implementations might read differently."""

H11: Final = Policy(
    bare_lf=True,
    leading_empty_lines=False,
    fragment_in_target=True,
    any_target=True,
    any_connect_target=True,
    any_major_version=True,
    control_bytes_in_reason=True,
    control_bytes_in_value=True,
    folded_lines=True,
    any_host=True,
    host_mismatch=True,
    long_lengths=True,
    repeated_length_in_request=True,
    length_and_chunked_in_request=True,
    reuse_after_length_and_chunked=True,
    reuse_after_refused_connect=True,
    content_in_connect=True,
    content_in_informational_response=True,
    transfer_encoding_in_http10=True,
    long_chunk_sizes=True,
    space_after_chunk_size=True,
    any_chunk_extension=True,
    any_trailer_field=True,
    whole_heads_over_limit=True,
    max_fields=None,
    max_informational_responses=None,
    max_chunk_line_size=None,
    max_chunk_extension_excess=None,
)
"""Accept what h11 0.16 accepts, for code that must continue to."""
