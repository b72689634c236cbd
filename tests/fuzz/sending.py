"""The target ``sending``: an input is one byte of choices, and the steps of a script.

A step is one letter and its parts, as `tests.test_scripts` has them: 0xFF is between steps, and 0xFE between parts.
"""

from __future__ import annotations

from collections.abc import Iterator

from http11 import CLIENT, SERVER, STRICT, Response
from tests.harness import Spelled, sending_vectors
from tests.test_scripts import GIVEN, POLICIES, Played, Script, Step

STEP, PART = b"\xff", b"\xfe"
# A longer script says nothing that a shorter one does not.
MOST_STEPS = 24


def decode(raw: bytes) -> Script:
    choices = raw[0] if raw else 0
    steps = [(chr(step[0]), step[1:].split(PART)) for step in raw[1:].split(STEP) if step]
    return Script(
        role=CLIENT if choices & 1 else SERVER,
        policy=POLICIES[choices >> 1 & 1 | choices >> 3 & 2],
        given=GIVEN[choices >> 2 & 3],
        steps=steps[:MOST_STEPS],
    )


def encode(script: Script) -> bytes:
    policy = POLICIES.index(script.policy)
    choices = (script.role == CLIENT) | (policy & 1) << 1 | GIVEN.index(script.given) << 2 | (policy & 2) << 3
    return bytes([choices]) + STEP.join(letter.encode("latin-1") + PART.join(parts) for letter, parts in script.steps)


# The letter of each kind of event, and how many parts it has before its fields.
LETTERS = {"Request": "Q", "InformationalResponse": "I", "Response": "S", "Data": "D", "EndOfMessage": "E"}
STARTS = {"Q": 3, "I": 3, "S": 3, "D": 1}


def step_of(spelled: Spelled) -> Step:
    """Spell an event of a vector as a step."""
    kind, *parts = spelled
    letter = LETTERS.get(str(kind), "C")
    start = STARTS.get(letter, 0)
    plain = [str(part) for part in parts[:start]]
    if letter == "Q" and plain[2] == "1.1":
        plain[2] = ""
    for field in parts[start:]:
        plain += field if isinstance(field, tuple) else str(field).partition(": ")[::2]
    return letter, [part.encode("latin-1") for part in plain]


def seeds() -> Iterator[bytes]:
    for vector in sending_vectors():
        steps: list[Step] = [("<", [vector.received])] if vector.received or vector.forward else []
        if vector.forward:
            steps.append((">", [b"0"]))
        else:
            steps += [*([(".", [b""])] if vector.closed else []), *map(step_of, vector.send)]
        policy = vector.policy if vector.policy in POLICIES else STRICT
        for given in GIVEN[:2]:
            yield encode(Script(role=vector.role, policy=policy, given=given, steps=steps))


def features(played: Played) -> Iterator[object]:
    for step in played.steps:
        yield played.script.role, type(step.made), step.before, step.after
        yield type(step.made), type(step.refused), step.code
        if isinstance(step.made, Response) and step.request is not None:
            yield step.request.method, step.made.status_code // 100, step.after
