"""What becomes of the old encoder and of the new one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from augnet_cli.training.candidate import (
    CANDIDATES_KEPT,
    candidates_folder,
    decide,
    forget_old_candidates,
    taking,
)
from augnet_cli.training.evidence import Gain

BETTER, WORSE = Gain(0.1, 0.02, 0.2, 50), Gain(-0.1, -0.2, -0.02, 50)
UNSURE, FEW = Gain(0.1, -0.01, 0.2, 50), Gain(0.1, 0.02, 0.2, 4)


@pytest.mark.parametrize(
    ("gain", "taken", "word"),
    [(BETTER, True, "better"), (WORSE, False, "worse"), (UNSURE, False, "noise"), (FEW, False, "too few")],
)
def test_only_a_sure_gain_replaces_the_old_encoder(gain: Gain, taken: bool, word: str) -> None:
    decision = decide(gain, "better")
    assert decision.taken is taken and word in decision.why
    assert f"{gain.mean:+.3f}" in decision.why and f"{gain.low:+.3f}" in decision.why
    always = decide(gain, "always")
    assert always.taken and "--replace always" in always.why


def candidate(data: Path, name: str, text: str = "") -> str:
    file = Path(candidates_folder(str(data))) / f"{name}.onnx"
    file.write_text(text or name)
    return str(file)


def test_taken_candidate_serves_and_the_old_encoder_stays_among_the_candidates(tmp_path: Path) -> None:
    (tmp_path / "encoder.onnx").write_text("old")
    new = candidate(tmp_path, "newid")
    with taking(new, "oldid", str(tmp_path)) as serving:
        assert serving == str(tmp_path / "encoder.onnx")
        assert (tmp_path / "encoder.onnx").read_text() == "old"
    assert (tmp_path / "encoder.onnx").read_text() == "newid"
    assert (tmp_path / "candidates" / "previous-oldid.onnx").read_text() == "old"
    assert Path(new).read_text() == "newid"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_nothing_is_taken_if_what_belongs_to_it_fails(error: type[BaseException], tmp_path: Path) -> None:
    (tmp_path / "encoder.onnx").write_text("old")
    with pytest.raises(error), taking(candidate(tmp_path, "newid"), "oldid", str(tmp_path)):
        raise error
    assert (tmp_path / "encoder.onnx").read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["candidates", "encoder.onnx"]


def test_shipped_encoder_is_not_copied_beside_the_photos(tmp_path: Path) -> None:
    with taking(candidate(tmp_path, "newid"), "shippedid", str(tmp_path)):
        pass
    assert os.listdir(tmp_path / "candidates") == ["newid.onnx"]


def test_encoders_that_served_are_not_pushed_out_by_candidates(tmp_path: Path) -> None:
    files = [candidate(tmp_path, "previous-a"), *(candidate(tmp_path, f"{number}") for number in range(9))]
    for age, file in enumerate(files):
        os.utime(file, (age, age))
    forget_old_candidates(str(tmp_path), keep=files[-1])
    left = set(os.listdir(tmp_path / "candidates"))
    assert "previous-a.onnx" in left and len(left) == CANDIDATES_KEPT + 1


def test_newest_candidates_stay_and_the_one_just_made_whatever_its_age(tmp_path: Path) -> None:
    files = [candidate(tmp_path, f"{number}") for number in range(CANDIDATES_KEPT + 3)]
    for age, file in enumerate(files):
        os.utime(file, (age, age))
    forget_old_candidates(str(tmp_path), keep=files[0])
    kept = {f"{number}.onnx" for number in range(4, CANDIDATES_KEPT + 3)} | {"0.onnx"}
    assert set(os.listdir(tmp_path / "candidates")) == kept and len(kept) == CANDIDATES_KEPT
