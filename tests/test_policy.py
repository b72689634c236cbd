"""Each tolerance alone: it lets in its one thing, and nothing else."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import attrs
import pytest

from http11 import CLIENT, H11, SERVER, STRICT, Policy, Role
from tests.harness import Reader, SendingVector, Vector, evolved, read, reading_vectors, sending_vectors
from tests.test_strictness import outcome, written

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

# For each tolerance: who reads what only it lets in.
DOORS: dict[str, tuple[Role, bytes]] = {
    "bare_lf": (SERVER, b"GET / HTTP/1.1\nHost: a\n\n"),
    "fragment_in_target": (SERVER, b"GET /#a HTTP/1.1\r\nHost: a\r\n\r\n"),
    "any_target": (SERVER, b"GET a HTTP/1.1\r\nHost: a\r\n\r\n"),
    "any_connect_target": (SERVER, b"CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n"),
    "any_major_version": (SERVER, b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
    "control_bytes_in_reason": (CLIENT, b"HTTP/1.1 204 \x01\r\n\r\n"),
    "control_bytes_in_value": (SERVER, HEAD + b"X: \x01\r\n\r\n"),
    "folded_lines": (SERVER, HEAD + b"X: y\r\n z\r\n\r\n"),
    "any_host": (SERVER, b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    "host_mismatch": (SERVER, b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    "long_lengths": (SERVER, HEAD + b"Content-Length: " + b"9" * 20 + b"\r\n\r\n"),
    "repeated_length_in_request": (SERVER, HEAD + b"Content-Length: 0, 0\r\n\r\n"),
    "length_and_chunked_in_request": (
        SERVER,
        HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "content_in_informational_response": (CLIENT, b"HTTP/1.1 103 Early Hints\r\nContent-Length: 1\r\n\r\n"),
    "content_in_connect": (SERVER, b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n."),
    "transfer_encoding_in_http10": (SERVER, b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "long_chunk_sizes": (SERVER, POST + b"0" * 20 + b"\r\n\r\n"),
    "space_after_chunk_size": (SERVER, POST + b"0 \r\n\r\n"),
    "any_chunk_extension": (SERVER, POST + b"0;=\r\n\r\n"),
    "any_trailer_field": (SERVER, POST + b"0\r\nHost: b\r\n\r\n"),
    "whole_heads_over_limit": (SERVER, HEAD + b"X: " + b"y" * 16384 + b"\r\n\r\n"),
}
OK = b"HTTP/1.1 200 OK\r\n"
# The same for those that `H11` does not open either: each for one broken peer.
CLOSED_DOORS: dict[str, tuple[Role, bytes]] = {
    "broken_lines_in_response": (CLIENT, OK + b"a b\r\n\r\n"),
    "space_before_colon_in_response": (CLIENT, OK + b"Content-Length : 0\r\n\r\n"),
    "any_last_coding_in_response": (CLIENT, OK + b"Transfer-Encoding: identity\r\n\r\n"),
    "repeated_chunked_in_response": (CLIENT, OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    "connect_without_host": (SERVER, b"CONNECT a:1 HTTP/1.1\r\n\r\n"),
    "non_ascii_in_target": (SERVER, b"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n"),
}
LIMITS: dict[str, tuple[Role, bytes]] = {
    "max_fields": (SERVER, HEAD + b"x: y\r\n" * 256 + b"\r\n"),
    "max_informational_responses": (CLIENT, b"HTTP/1.1 103 \r\n\r\n" * 65),
    "max_chunk_line_size": (SERVER, POST + b"0;" + b"a" * 255 + b"\r\n\r\n"),
    "max_chunk_extension_excess": (SERVER, POST + (b"1;" + b"a" * 199 + b"\r\n.\r\n") * 84),
}
# These decide what becomes of the connection, and let no event in.
REUSE = ("reuse_after_length_and_chunked", "reuse_after_refused_connect")
# Nor do these: one is about a connection too, and closed in `H11`; one keeps something out, one has no end, one follows
# from the others.
SWITCHES = ("keep_alive_in_http10", "leading_empty_lines")
OTHERS = {*REUSE, *SWITCHES, "max_method_size", "tolerant"}


def accepted(stream: tuple[Role, bytes], policy: Policy) -> bool:
    role, data = stream
    return read([data], role, policy=policy)[-1][0] != "error"


def test_every_field_of_a_policy_is_tried_here() -> None:
    assert {field.name for field in attrs.fields(Policy)} == {*DOORS, *CLOSED_DOORS, *LIMITS, *OTHERS}


@pytest.mark.parametrize("door", DOORS)
def test_a_tolerance_opens_its_own_door_only(door: str) -> None:
    one = Policy(**{door: True})
    all_but_one = attrs.evolve(H11, **{door: False})
    for name, stream in DOORS.items():
        assert not accepted(stream, STRICT)
        assert accepted(stream, H11)
        assert accepted(stream, one) == (name == door), name
        assert accepted(stream, all_but_one) == (name != door), name


@pytest.mark.parametrize("door", CLOSED_DOORS)
def test_a_door_that_neither_preset_opens_lets_in_its_own_thing_only(door: str) -> None:
    for preset in (STRICT, H11):
        changes: dict[str, Any] = {door: True}
        one = attrs.evolve(preset, **changes)
        for name, stream in CLOSED_DOORS.items():
            assert not accepted(stream, preset)
            assert accepted(stream, one) == (name == door), name
        for name, stream in (DOORS | LIMITS).items():
            assert accepted(stream, one) == accepted(stream, preset), name


@pytest.mark.no_cover
@pytest.mark.parametrize("door", CLOSED_DOORS)
def test_such_a_door_changes_nothing_but_what_is_refused_in_its_name(door: str) -> None:
    """Each alone, against every vector: all else is read as before, as the same."""
    changes: dict[str, Any] = {door: True}
    changed = 0
    for vector in reading_vectors():
        if not CLOSED_DOORS.keys().isdisjoint(dict(vector.changes)):
            # It shows how two of them go together.
            continue
        for preset, expected in ((STRICT, vector.strict), (H11, vector.h11_whole)):
            by = vector.policy(preset)
            reader = reader_of(vector, evolved(by, **changes))
            if reader.outcome == expected:
                continue
            (error,) = reader_of(vector, by).errors
            # A line whose colon white space parts from its name can be left out as well.
            named = {door, "space_before_colon_in_response"} if door == "broken_lines_in_response" else {door}
            assert error.tolerance in named, vector
            changed += 1
    assert changed > 10


def reader_of(vector: Vector, policy: Policy) -> Reader:
    reader = Reader(vector.role, policy=policy, request=vector.request, then=vector.then, limit=vector.limit)
    for piece in (vector.data, b"") if vector.closed else (vector.data,):
        reader.feed(piece)
    return reader


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_can_be_lifted_alone(limit: str) -> None:
    lifted = Policy(**{limit: None})  # type: ignore[arg-type]
    for name, stream in LIMITS.items():
        assert not accepted(stream, STRICT)
        assert accepted(stream, H11)
        assert accepted(stream, lifted) == (name == limit), name


def test_the_limits_are_exact() -> None:
    assert accepted((SERVER, HEAD + b"x: y\r\n" * 255 + b"\r\n"), STRICT)
    assert accepted((CLIENT, b"HTTP/1.1 103 \r\n\r\n" * 64), STRICT)
    assert accepted((SERVER, POST + b"0;" + b"a" * 254 + b"\r\n\r\n"), STRICT)
    # 82 extensions of 200 bytes outweigh 81 bytes of data by 16319, 83 would by 16518.
    chunk = b"1;" + b"a" * 199 + b"\r\n.\r\n"
    assert accepted((SERVER, POST + chunk * 82), STRICT)
    assert not accepted((SERVER, POST + chunk * 83), STRICT)
    assert accepted((SERVER, b"A" * 64 + b" / HTTP/1.1\r\nHost: a\r\n\r\n"), STRICT)
    assert not accepted((SERVER, b"A" * 65 + b" / HTTP/1.1\r\nHost: a\r\n\r\n"), STRICT)
    longer = Policy(max_method_size=65)
    assert accepted((SERVER, b"A" * 65 + b" / HTTP/1.1\r\nHost: a\r\n\r\n"), longer)


def test_data_makes_up_for_extensions() -> None:
    signed = b"190;chunk-signature=" + b"a" * 64 + b"\r\n" + b"." * 400 + b"\r\n"
    assert accepted((SERVER, POST + signed * 1000), STRICT)


def test_empty_lines_before_a_request_can_be_refused() -> None:
    stream: tuple[Role, bytes] = (SERVER, b"\r\n" + HEAD + b"\r\n")
    assert accepted(stream, STRICT)
    assert not accepted(stream, Policy(leading_empty_lines=False))
    assert accepted((SERVER, b"\n\r\n" + HEAD + b"\r\n"), Policy(bare_lf=True))
    assert not accepted((SERVER, b"\n\r\n" + HEAD + b"\r\n"), STRICT)


# For each door that neither preset opens: its row, and the vectors of other rows that have what it is for.
OPENED_BY_NEITHER = {
    "keep_alive_in_http10": (
        "DR-5",
        {"ML-17-HTTP/1.0-with-keep-alive", "SD-9-the-client-speaks-1.0-and-asks-for-keep-alive"},
    ),
}


@pytest.mark.no_cover
@pytest.mark.parametrize("door", OPENED_BY_NEITHER)
def test_a_door_that_neither_preset_opens_changes_nothing_but_its_own_row(door: str) -> None:
    opening: dict[str, Any] = {door: True}
    read_otherwise: list[Vector | SendingVector] = [
        vector
        for vector in reading_vectors()
        for policy in (STRICT, H11)
        if outcome(vector, policy, opening) != vector.outcome(policy)
    ]
    written_otherwise: list[Vector | SendingVector] = [
        vector
        for vector in sending_vectors()
        # What another door let in cannot be read by `H11`.
        for policy in ((vector.policy, H11) if vector.policy in (STRICT, H11) else (vector.policy,))
        if written(vector, evolved(policy, **opening)) != written(vector, policy)
    ]
    row, others = OPENED_BY_NEITHER[door]
    for changed in (read_otherwise, written_otherwise):
        assert row in {vector.id for vector in changed}
    assert {str(vector) for vector in [*read_otherwise, *written_otherwise] if vector.id != row} == others


def test_only_tolerances_make_a_policy_tolerant() -> None:
    assert not STRICT.tolerant
    assert H11.tolerant
    assert not Policy(max_fields=None, leading_empty_lines=False, keep_alive_in_http10=True).tolerant
    for name in {*DOORS, *CLOSED_DOORS, *REUSE}:
        assert Policy(**{name: True}).tolerant


@pytest.mark.parametrize("name", [*LIMITS, "max_method_size"])
def test_a_limit_is_a_size(name: str) -> None:
    negative: dict[str, Any] = {name: -1}
    with pytest.raises(ValueError, match=f"{name} to be [01] or more"):
        Policy(**negative)
    for wrong in ("5", 1.5, b"5", [5]):
        changes: dict[str, Any] = {name: wrong}
        with pytest.raises(TypeError, match=f"as {name}, got {type(wrong).__name__}"):
            Policy(**changes)


def test_a_method_has_a_limit_and_one_byte() -> None:
    changes: dict[str, Any] = {"max_method_size": None}
    with pytest.raises(TypeError, match="an int as max_method_size"):
        Policy(**changes)
    with pytest.raises(ValueError, match="max_method_size to be 1 or more"):
        Policy(max_method_size=0)


class Byte:
    """A number like numpy's, which overflows."""

    def __index__(self) -> int:
        return 200

    def __add__(self, other: int) -> int:
        raise OverflowError

    __radd__ = __sub__ = __rsub__ = __add__


class Count(int):
    """An `int` that counts in another way."""

    def __add__(self, other: int) -> int:
        raise OverflowError


@pytest.mark.parametrize("name", [*LIMITS, "max_method_size"])
def test_a_limit_is_kept_as_a_plain_int(name: str) -> None:
    for limit in (Byte(), Count(200)):
        changes: dict[str, Any] = {name: limit}
        policy = Policy(**changes)
        assert type(getattr(policy, name)) is int
        changes = {name: 200}
        assert policy == Policy(**changes)
        assert hash(policy) == hash(Policy(**changes))
    one: dict[str, Any] = {"max_informational_responses": Byte()}
    assert accepted((CLIENT, b"HTTP/1.1 103 \r\n\r\n" * 200), Policy(**one))
    assert not accepted((CLIENT, b"HTTP/1.1 103 \r\n\r\n" * 201), Policy(**one))


@pytest.mark.parametrize("name", [*DOORS, *CLOSED_DOORS, *REUSE, *SWITCHES])
@pytest.mark.parametrize("wrong", ["no", 0, 1, None, b"", []])
def test_a_tolerance_is_open_or_not(name: str, wrong: object) -> None:
    changes: dict[str, Any] = {name: wrong}
    with pytest.raises(TypeError, match=f"expected a bool as {name}, got {type(wrong).__name__}"):
        Policy(**changes)


def test_a_policy_says_in_one_line_what_differs_from_strict() -> None:
    assert [repr(STRICT), repr(Policy()), repr(H11), repr(attrs.evolve(H11))] == ["STRICT", "STRICT", "H11", "H11"]
    assert repr(Policy(bare_lf=True)) == "Policy(bare_lf=True)"
    assert (
        repr(Policy(leading_empty_lines=False, max_fields=None)) == "Policy(leading_empty_lines=False, max_fields=None)"
    )
    names = [field.name for field in attrs.fields(Policy) if field.init]
    for name in names:
        for policy in (STRICT, H11):
            value = getattr(policy, name)
            changes: dict[str, Any] = {name: not value if isinstance(value, bool) else 7}
            changed = attrs.evolve(policy, **changes)
            assert f"{name}={changes[name]}" in repr(changed) or changes[name] == getattr(STRICT, name)
            assert eval(repr(changed)) == changed
            assert repr(changed).isprintable()


def test_a_policy_is_a_value() -> None:
    assert attrs.evolve(STRICT) == STRICT
    assert hash(attrs.evolve(H11)) == hash(H11)
    assert attrs.evolve(STRICT, bare_lf=True).tolerant
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        STRICT.bare_lf = True  # type: ignore[misc]
    for policy in (STRICT, H11, Policy(bare_lf=True)):
        again = pickle.loads(pickle.dumps(policy))
        assert (again, hash(again), again.tolerant) == (policy, hash(policy), policy.tolerant)
        assert copy.deepcopy(policy) == policy


def test_a_preset_cannot_be_made_again() -> None:
    changes: dict[str, Any] = {"bare_lf": True}
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        STRICT.__init__(**changes)
    assert not STRICT.bare_lf
    assert not STRICT.tolerant
