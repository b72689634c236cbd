"""What ``inspect --explain`` says: it is what the vectors make, and there is something for each way to be wrong."""

from __future__ import annotations

import pytest

from http11 import RemoteProtocolError, Tolerance
from http11.errors import ErrorCode
from http11.inspector.others import Other, explanation
from tests import explanations
from tests.harness import reading_vectors

# All vectors are read by three parsers.
pytestmark = pytest.mark.no_cover


def explained(code: ErrorCode, tolerance: Tolerance | None = None) -> list[Other]:
    found = explanation(RemoteProtocolError("", code=code, tolerance=tolerance))
    assert found is not None
    return list(found.others)


def test_file_is_what_the_vectors_make() -> None:
    assert explanations.main(["--check"]) == 0


def test_file_that_is_out_of_date_is_noticed_and_made_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Which is the same each time.
    made = explanations.text()
    monkeypatch.setattr(explanations, "text", lambda: made)
    file = tmp_path_factory.mktemp("made") / "others.json"
    monkeypatch.setattr(explanations, "FILE", file)
    file.write_text("{}", "utf-8")
    assert explanations.main(["--check"]) == 1
    assert explanations.main([]) == 0
    assert file.read_text("utf-8") == made
    assert explanations.main(["--check"]) == 0


def test_every_code_that_a_vector_raises_is_explained() -> None:
    codes = {vector.strict[-1][1] for vector in reading_vectors() if vector.strict and vector.strict[-1][0] == "error"}
    assert len(codes) > 40
    for code in codes:
        # What a vector raises is an ErrorCode.
        assert explanation(RemoteProtocolError("", code=code)) is not None  # type: ignore[arg-type]


def test_measured_parsers_are_said_to_refuse_accept_or_wait() -> None:
    others = {other.name.split()[0]: other for other in explained("transfer-encoding-and-content-length")}
    assert others["h11"].does == "accepts"
    assert others["llhttp"].does == "refuses"
    assert others["h11"].source.startswith("measured by ")
    assert others["nginx"].source.startswith("nginx/nginx src/")
    mixed = {other.name.split()[0]: other.does for other in explained("unknown-transfer-coding")}
    assert "refuses" in mixed["llhttp"]
    assert "accepts" in mixed["llhttp"]


def test_parser_that_cannot_be_asked_is_left_out() -> None:
    names = [other.name.split()[0] for other in explained("chunk-line-too-large")]
    assert "llhttp" not in names


def test_door_chooses_among_the_ways_of_one_code() -> None:
    fragment = explanation(RemoteProtocolError("", code="bad-target", tolerance="fragment_in_target"))
    other = explanation(RemoteProtocolError("", code="bad-target"))
    assert fragment is not None
    assert other is not None
    assert (fragment.row, other.row) == ("RQ-6", "RQ-5")
