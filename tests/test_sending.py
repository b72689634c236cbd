"""The sending side: what can be made is read as what it is, by http11 and by llhttp, or not one byte is written.

`python -m tests.differential.sending` goes on for longer.
"""

from __future__ import annotations

import pytest

from http11 import Connection, Event, Role
from tests.differential import sending
from tests.harness import python, send_any


@pytest.mark.no_cover
def test_what_is_sent_is_read_as_what_was_sent() -> None:
    counts = sending.search(range(4000))
    # All that was examined was equal, or it would have been raised.
    assert counts["examined"] > 4000
    assert counts["read by llhttp"] > 1500
    assert counts["refused to make: LocalProtocolError"] > 4000
    assert counts["refused to send"] > 1000


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("options", "optimized", "disabled"),
    [(["-m"], False, True), (["-O", "-m"], True, False), (["-OO", "-m"], True, True)],
    ids=["validators disabled", "-O", "both"],
)
def test_what_is_sent_is_right_where_checks_can_be_switched_off(
    options: list[str], optimized: bool, disabled: bool
) -> None:
    output = python(
        *options,
        "tests.differential.sending",
        *["--number", "3000", "--seed", "1"],
        *(["--no-validators"] if disabled else []),
    )
    said = dict(line.split(": ") for line in output.splitlines() if line.count(": ") == 1)
    assert said["optimized"] == str(optimized)
    assert said["validators disabled"] == str(disabled)
    assert int(said["examined"]) > 3000
    assert int(said["read by llhttp"]) > 1000


def test_a_message_that_is_split_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def split(connection: Connection[Role], event: Event) -> bytes | None:
        written = send_any(connection, event)
        return None if written is None else written.replace(b"X: a\tb", b"X: a\r\nb: ")

    monkeypatch.setattr("tests.differential.sending.send_any", split)
    with pytest.raises(sending.MisreadError):
        sending.search(range(4000))
