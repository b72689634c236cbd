"""What a `Policy` holds, one field after the other."""

from typing import assert_type

import attrs

from http11 import H11, STRICT, Policy


def each_field_has_its_type(policy: Policy) -> None:
    assert_type(policy.bare_lf, bool)
    assert_type(policy.leading_empty_lines, bool)
    assert_type(policy.fragment_in_target, bool)
    assert_type(policy.any_target, bool)
    assert_type(policy.any_connect_target, bool)
    assert_type(policy.any_major_version, bool)
    assert_type(policy.control_bytes_in_reason, bool)
    assert_type(policy.control_bytes_in_value, bool)
    assert_type(policy.folded_lines, bool)
    assert_type(policy.any_host, bool)
    assert_type(policy.host_mismatch, bool)
    assert_type(policy.long_lengths, bool)
    assert_type(policy.repeated_length_in_request, bool)
    assert_type(policy.length_and_chunked_in_request, bool)
    assert_type(policy.reuse_after_length_and_chunked, bool)
    assert_type(policy.reuse_after_refused_connect, bool)
    assert_type(policy.content_in_connect, bool)
    assert_type(policy.content_in_informational_response, bool)
    assert_type(policy.transfer_encoding_in_http10, bool)
    assert_type(policy.long_chunk_sizes, bool)
    assert_type(policy.space_after_chunk_size, bool)
    assert_type(policy.any_chunk_extension, bool)
    assert_type(policy.any_trailer_field, bool)
    assert_type(policy.whole_heads_over_limit, bool)
    assert_type(policy.keep_alive_in_http10, bool)
    assert_type(policy.broken_lines_in_response, bool)
    assert_type(policy.space_before_colon_in_response, bool)
    assert_type(policy.any_last_coding_in_response, bool)
    assert_type(policy.repeated_chunked_in_response, bool)
    assert_type(policy.connect_without_host, bool)
    assert_type(policy.non_ascii_in_target, bool)
    assert_type(policy.max_method_size, int)
    assert_type(policy.max_fields, int | None)
    assert_type(policy.max_informational_responses, int | None)
    assert_type(policy.max_chunk_line_size, int | None)
    assert_type(policy.max_chunk_extension_excess, int | None)
    assert_type(policy.tolerant, bool)


def main() -> None:
    for policy in (STRICT, H11):
        each_field_has_its_type(policy)
    one_door = attrs.evolve(STRICT, folded_lines=True, max_fields=None)
    assert_type(one_door, Policy)
    assert one_door.tolerant
    assert one_door == Policy(folded_lines=True, max_fields=None)
