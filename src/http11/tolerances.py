"""What a `Policy` says, for a compiled build to read it as from a struct. `http11.policy` says what it means."""

from __future__ import annotations

from typing import final

__all__ = ["Tolerances"]


@final
class Tolerances:
    """What is tolerated, and how much. A `Policy` fills one, once it has checked what it was given."""

    __slots__ = (
        "any_chunk_extension",
        "any_connect_target",
        "any_host",
        "any_last_coding_in_response",
        "any_major_version",
        "any_target",
        "any_trailer_field",
        "bare_lf",
        "broken_lines_in_response",
        "connect_without_host",
        "content_in_connect",
        "content_in_informational_response",
        "control_bytes_in_reason",
        "control_bytes_in_value",
        "folded_lines",
        "fragment_in_target",
        "host_mismatch",
        "keep_alive_in_http10",
        "leading_empty_lines",
        "length_and_chunked_in_request",
        "long_chunk_sizes",
        "long_lengths",
        "max_chunk_extension_excess",
        "max_chunk_line_size",
        "max_fields",
        "max_informational_responses",
        "max_method_size",
        "non_ascii_in_target",
        "repeated_chunked_in_response",
        "repeated_length_in_request",
        "reuse_after_length_and_chunked",
        "reuse_after_refused_connect",
        "space_after_chunk_size",
        "space_before_colon_in_response",
        "tolerant",
        "transfer_encoding_in_http10",
        "whole_heads_over_limit",
    )

    bare_lf: bool
    leading_empty_lines: bool
    fragment_in_target: bool
    any_target: bool
    any_connect_target: bool
    any_major_version: bool
    control_bytes_in_reason: bool
    control_bytes_in_value: bool
    folded_lines: bool
    any_host: bool
    host_mismatch: bool
    long_lengths: bool
    repeated_length_in_request: bool
    length_and_chunked_in_request: bool
    reuse_after_length_and_chunked: bool
    reuse_after_refused_connect: bool
    content_in_connect: bool
    content_in_informational_response: bool
    transfer_encoding_in_http10: bool
    long_chunk_sizes: bool
    space_after_chunk_size: bool
    any_chunk_extension: bool
    any_trailer_field: bool
    whole_heads_over_limit: bool
    keep_alive_in_http10: bool
    broken_lines_in_response: bool
    space_before_colon_in_response: bool
    any_last_coding_in_response: bool
    repeated_chunked_in_response: bool
    connect_without_host: bool
    non_ascii_in_target: bool
    max_method_size: int
    max_fields: int | None
    max_informational_responses: int | None
    max_chunk_line_size: int | None
    max_chunk_extension_excess: int | None
    tolerant: bool
