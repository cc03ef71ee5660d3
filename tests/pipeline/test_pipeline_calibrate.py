"""Calibrating a real folder: what is measured, what is kept, and what makes it stale."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import drawn_picture
from photo_folders import home
from PIL import Image, ImageOps

import augnet_cli
from augnet_cli import Progress
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import shipped_encoder
from augnet_cli.errors import UsageError
from augnet_cli.images.changes import CHANGES
from augnet_cli.images.files import content_hash
from augnet_cli.pipeline.calibrate import (
    MIN_IMAGES,
    PROBES,
    SKETCHED,
    Kept,
    _changed_share,
    _parsed,
    _text,
)
from augnet_cli.results import CalibrationResult, CurvePoint

COPIED = 60  # images of which there is a mild copy: half as large, re-encoded
# Pairs that the collection itself holds, looked at: one photograph with other captions, or a burst's next.
ITS_OWN = {
    frozenset(pair.split("-"))
    for pair in ["0210-0214", "0218-0219", "0224-0225", "0283-0285", "0297-0298", "0547-0550", "0556-0558"]
}


class Heard(Progress):
    """Remembers which stages ran and what was noted."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.notes: list[str] = []

    def start(self, stage: str, total: int | None, unit: str = "images") -> None:
        self.stages.append(stage)

    def note(self, text: str) -> None:
        self.notes.append(text)

    @property
    def calibrated(self) -> bool:
        return "calibrating" in self.stages


@pytest.fixture(scope="module")
def birds(shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Over a thousand photographs of birds, much alike, and mild copies of a few; tests only read it."""
    source = sorted(shared_data("birds-by-species.tar").rglob("*.jpg"))[: MIN_IMAGES + 20]
    folder = tmp_path_factory.mktemp("calibrate") / "birds"
    folder.mkdir()
    for number, path in enumerate(source):
        shutil.copy(path, folder / f"{number:04}.jpg")
    for number in range(COPIED):
        image = Image.open(folder / f"{number:04}.jpg").convert("RGB")
        ImageOps.scale(image, 0.5).save(folder / f"{number:04}-copy.jpg", quality=60)
    with home(tmp_path_factory):
        augnet_cli.calibrate(folder)
    return folder


@pytest.fixture
def own_birds(birds: Path, tmp_path: Path) -> Path:
    """A copy to change, its store and calibration included."""
    return Path(shutil.copytree(birds, tmp_path / "birds", copy_function=shutil.copy2))


def test_the_curve_says_what_was_measured(birds: Path) -> None:
    result = augnet_cli.calibrate(birds)
    assert (result.threshold_from, result.precision, result.altered) == ("calibrated", 0.99, PROBES)
    assert result.contents == MIN_IMAGES + 20 + COPIED
    at = next(point for point in result.curve if point.distance == result.threshold)
    assert at.precision >= 0.99 and at.low <= at.precision <= at.high
    assert all(set(point.recall_of) == set(CHANGES) for point in result.curve)
    # Whatever the encoder: thumbnails are nearer to their pictures than crops of a third.
    middle = next(point for point in result.curve if point.recall >= 0.4)
    assert middle.recall_of["thumbnail"] > middle.recall_of["crop_30"]


def test_dedupe_by_the_calibrated_distance_finds_copies_and_hardly_anything_else(birds: Path) -> None:
    heard = Heard()
    result = augnet_cli.dedupe(birds, progress=heard, verify=False)
    assert result.threshold_from == "calibrated" and result.threshold == augnet_cli.calibrate(birds).threshold
    assert any("calibrated" in note and f"{result.threshold:g}" in note for note in heard.notes)
    pairs = [(image.path[:4], image.witness[:4]) for group in result.groups for image in group.redundant]
    right = sum(one == other for one, other in pairs)
    wrong = [pair for pair in pairs if len(set(pair)) == 2 and frozenset(pair) not in ITS_OWN]
    assert right >= COPIED // 2 and len(wrong) <= 0.02 * right


def test_a_lower_precision_lets_more_in(birds: Path) -> None:
    found = [augnet_cli.dedupe(birds, precision=wanted, verify=False) for wanted in (0.999, 0.99, 0.9, 0.5)]
    thresholds = [result.threshold for result in found]
    assert thresholds == sorted(thresholds) and thresholds[0] < thresholds[-1]


def test_a_kept_calibration_is_not_made_again(birds: Path) -> None:
    heard = Heard()
    first, second = (augnet_cli.calibrate(birds, progress=heard) for _ in range(2))
    assert not heard.calibrated and first == second
    augnet_cli.dedupe(birds, progress=heard, verify=False)
    assert not heard.calibrated


def test_it_is_made_again_when_many_images_changed_but_not_for_a_few(own_birds: Path) -> None:
    def add(first: int, count: int) -> bool:
        for seed in range(first, first + count):
            drawn_picture(seed, 64, 48).save(own_birds / f"new {seed}.png")
        heard = Heard()
        augnet_cli.dedupe(own_birds, progress=heard, verify=False)
        return heard.calibrated

    assert not add(0, 20)
    assert add(20, 60)
    assert not add(80, 5)


@pytest.fixture(scope="module")
def selected(birds: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CalibrationResult, Heard]:
    """A copy that was calibrated once more without the mild copies: what came of that, what was heard."""
    folder = tmp_path_factory.mktemp("selected") / "birds"
    shutil.copytree(birds, folder, copy_function=shutil.copy2)
    heard = Heard()
    with home(tmp_path_factory):
        return folder, augnet_cli.calibrate(folder, exclude=["*-copy.jpg"], progress=heard), heard


def test_another_selection_is_calibrated_for_itself(selected: tuple[Path, CalibrationResult, Heard]) -> None:
    folder, without, heard = selected
    assert heard.calibrated and without.contents == MIN_IMAGES + 20
    # Without its copies the folder has no reason to let as much in.
    assert without.threshold < augnet_cli.calibrate(folder).threshold


def test_another_encoder_is_calibrated_for_itself(own_birds: Path) -> None:
    (store,) = own_birds.rglob("store.sqlite")
    with sqlite3.connect(store) as connection:
        keys = [key for (key,) in connection.execute("SELECT key FROM meta WHERE key LIKE 'calibration:%'")]
        assert keys == [f"calibration:{augnet_cli.calibrate(own_birds).encoder}"]
        connection.execute("UPDATE meta SET key = 'calibration:other' WHERE key = ?", keys)
    connection.close()
    heard = Heard()
    augnet_cli.calibrate(own_birds, progress=heard)
    assert heard.calibrated


def test_a_calibration_in_words_is_the_same_when_read_and_rubbish_is_none() -> None:
    shares = dict.fromkeys(CHANGES, 0.25)
    kept = Kept(7, (CurvePoint(0.1234, 3.0, 0.5, 0.8, 0.1, 0.9, 0.25, shares),))
    contents = [f"{number:04}" for number in range(1000)]
    state: dict[str, object] = {"version": 1, "kinds": list(CHANGES), "contents": contents}
    words = _text(kept, state)
    assert _parsed(words, state) == kept
    assert _parsed(words, {**state, "contents": contents[:960]}) == kept
    few, many = [f"new {number}" for number in range(40)], [f"new {number}" for number in range(60)]
    assert _parsed(words, {**state, "contents": sorted(contents + few)}) == kept
    for changed in ({"contents": contents[:940]}, {"contents": sorted(contents + many)}):
        assert _parsed(words, {**state, **changed}) is None
    for changed in ({"kinds": ["blur"]}, {"version": 2}):
        assert _parsed(words, {**state, **changed}) is None
    for rubbish in (None, "", "{}", "[]", "null", "7", words[:-1], words.replace("0.1234", '"x"')):
        assert _parsed(rubbish, state) is None


@pytest.mark.parametrize("share", [0.0, 0.02, 0.05, 0.2, 0.9])
def test_the_share_of_other_contents_is_told_from_sketches(share: float) -> None:
    rng = np.random.default_rng(3)
    before = {str(content_hash(rng.bytes(8))) for _ in range(20_000)}
    gone = set(sorted(before, key=lambda content: content[::-1])[: round(share * len(before))])
    now = (before - gone) | {str(content_hash(rng.bytes(8))) for _ in gone}
    true = 1 - len(before & now) / len(before | now)
    told = _changed_share(sorted(before)[:SKETCHED], sorted(now)[:SKETCHED])
    assert told == pytest.approx(true, abs=0.05) and (share > 0 or told == 0)


def test_two_selections_keep_a_calibration_each(selected: tuple[Path, CalibrationResult, Heard]) -> None:
    folder, _, _ = selected
    heard = Heard()
    augnet_cli.calibrate(folder, progress=heard)
    augnet_cli.calibrate(folder, exclude=["*-copy.jpg"], progress=heard)
    assert not heard.calibrated


def test_renaming_a_folder_of_images_changes_no_calibration(own_birds: Path) -> None:
    (own_birds / "below").mkdir()
    for path in sorted(own_birds.glob("*.jpg"))[:300]:
        path.rename(own_birds / "below" / path.name)
    heard = Heard()
    augnet_cli.calibrate(own_birds, progress=heard)
    assert not heard.calibrated


def test_few_images_take_the_encoders_own_distance_for_the_precision(tmp_path: Path) -> None:
    card = Embedder.load(shipped_encoder()).card
    for seed in range(3):
        drawn_picture(seed).save(tmp_path / f"{seed}.png")
    for wanted, level in ((0.5, "0.9"), (0.9, "0.9"), (0.95, "0.99"), (0.999, "0.999"), (0.9999, "0.999")):
        heard = Heard()
        found = augnet_cli.dedupe(tmp_path, precision=wanted, progress=heard, verify=False)
        assert found.threshold == card.thresholds[level]
        assert any(f"for precision {level}" in note for note in heard.notes)


def test_images_that_can_not_be_read_any_more_are_left_out(own_birds: Path) -> None:
    """The store knows them; between the walk and the altering they may vanish."""
    from augnet_cli.pipeline.calibrate import _altered
    from augnet_cli.pipeline.refresh import FolderRequest

    (own_birds / "cut.jpg").write_bytes((own_birds / "0000.jpg").read_bytes()[:900])
    embedder = Embedder.load(shipped_encoder())
    names = ["0001.jpg", "missing.jpg", "cut.jpg", "0002.jpg"]
    rows = list(_altered(embedder, str(own_birds), names, FolderRequest(str(own_birds))))
    assert [row is None for row in rows] == [False, True, True, False]
    assert rows[0] is not None and rows[0].shape == (len(CHANGES), embedder.dim)
    np.testing.assert_allclose(np.linalg.norm(rows[0], axis=1), 1, atol=1e-5)


def test_few_images_take_the_encoders_own_distance_and_say_so(tmp_path: Path) -> None:
    for seed in range(5):
        drawn_picture(seed).save(tmp_path / f"{seed}.png")
    heard = Heard()
    found = augnet_cli.dedupe(tmp_path, progress=heard, verify=False)
    card = Embedder.load(shipped_encoder()).card.threshold
    assert (found.threshold, found.threshold_from) == (card, "card") and not heard.calibrated
    assert any("too few to calibrate" in note and f"{MIN_IMAGES:,}" in note for note in heard.notes)
    result = augnet_cli.calibrate(tmp_path)
    assert (result.threshold, result.threshold_from, result.curve) == (card, "card", ())


def test_a_given_threshold_is_told_as_given(tmp_path: Path) -> None:
    drawn_picture(0).save(tmp_path / "0.png")
    assert augnet_cli.dedupe(tmp_path, 0.1).threshold_from == "given"


@pytest.mark.parametrize("wrong", [0.0, 1.0, -1.0, 2.0, float("nan")])
def test_a_precision_that_is_no_share_is_refused_before_any_work(tmp_path: Path, wrong: float) -> None:
    drawn_picture(0).save(tmp_path / "0.png")
    for verb in (augnet_cli.calibrate, augnet_cli.dedupe):
        with pytest.raises(UsageError, match="precision"):
            verb(tmp_path, precision=wrong)
    with pytest.raises(UsageError, match="exclude each other"):
        augnet_cli.dedupe(tmp_path, 0.1, precision=0.9)
    assert not (tmp_path / ".augnet").exists()


def test_a_precision_is_refused_where_every_pair_is_proved(tmp_path: Path) -> None:
    drawn_picture(0).save(tmp_path / "0.png")
    with pytest.raises(UsageError, match="for the distance alone") as refused:
        augnet_cli.dedupe(tmp_path, precision=0.9)
    assert "--no-verify" in refused.value.hint and not (tmp_path / ".augnet").exists()


def test_proofs_need_no_calibration(own_birds: Path) -> None:
    """Nor do they change the one that is kept."""
    for seed in range(60):
        drawn_picture(seed, 64, 48).save(own_birds / f"new {seed}.png")
    heard = Heard()
    result = augnet_cli.dedupe(own_birds, progress=heard)
    assert (result.threshold, result.threshold_from) == (None, "auto") and not heard.calibrated
