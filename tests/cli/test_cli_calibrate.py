"""`augnet calibrate` and what `augnet dedupe` makes of it, as a user at a shell sees them."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from augnet_program import augnet, environment, tree
from conftest import drawn_picture
from photo_folders import home
from PIL import Image

from augnet_cli.images.changes import CHANGES
from augnet_cli.pipeline.calibrate import MIN_IMAGES

COPIED = 40


@pytest.fixture(scope="module")
def photos(shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A thousand photographs of 32 pixels, and re-encoded copies of a few."""
    source = sorted(shared_data("cifar10.tar").rglob("*.png"))[: MIN_IMAGES + 10]
    folder = tmp_path_factory.mktemp("calibrated") / "photos"
    folder.mkdir()
    for number, path in enumerate(source):
        shutil.copy(path, folder / f"{number:04}.png")
    for number in range(COPIED):
        image = Image.open(folder / f"{number:04}.png").convert("RGB")
        image.save(folder / f"{number:04}-copy.jpg", quality=90)
    with home(tmp_path_factory):
        augnet("calibrate", folder, "--quiet").ok()
    return folder


@pytest.fixture
def few(tmp_path: Path) -> Path:
    folder = tmp_path / "few"
    folder.mkdir()
    for seed in range(3):
        drawn_picture(seed).save(folder / f"{seed}.png")
    return folder


def test_text_shows_the_table_and_the_threshold(photos: Path) -> None:
    before = tree(photos)
    done = augnet("calibrate", photos.name, cwd=photos.parent).ok()
    out = done.out.decode()
    assert (
        out.startswith("distance") and "threshold" in out and f"{MIN_IMAGES + 10 + COPIED:,} different" in out
    )
    for kind in CHANGES:
        assert f" {kind}" in out
    assert done.lines[-1] == "next: `augnet dedupe photos --no-verify` uses it"
    assert tree(photos) == before


def test_json_and_csv_hold_the_same_curve(photos: Path) -> None:
    result = augnet("calibrate", photos, "--format", "json").ok().json()
    assert list(result) == [
        "version", "folder", "encoder", "contents", "altered", "precision", "threshold", "threshold_from",
        "curve", "skipped",
    ]  # fmt: skip
    assert (result["version"], result["threshold_from"]) == (1, "calibrated")
    text = augnet("calibrate", photos, "--format", "csv").ok().out.decode()
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    assert head[:7] == ["distance", "found", "false", "precision", "low", "high", "recall"]
    assert head[7:] == list(CHANGES) == list(result["curve"][0]["recall_of"])
    assert [float(row[0]) for row in rows] == [point["distance"] for point in result["curve"]]
    assert [float(row[3]) for row in rows] == [point["precision"] for point in result["curve"]]


def test_dedupe_takes_the_calibrated_threshold_and_says_so(photos: Path) -> None:
    calibrated = augnet("calibrate", photos, "--precision", "0.9", "--format", "json").ok().json()
    done = augnet("dedupe", photos, "--no-verify", "--precision", "0.9", "--format", "json").ok()
    result = done.json()
    assert (result["threshold"], result["threshold_from"]) == (calibrated["threshold"], "calibrated")
    assert len(done.notes) == 1 and f"{result['threshold']:g}" in done.notes[0]
    words = ("--no-verify", "--threshold", str(result["threshold"]), "--format", "json")
    given = augnet("dedupe", photos, *words).ok()
    assert given.json()["groups"] == result["groups"] and given.err == b""
    assert augnet("dedupe", photos, "--no-verify", "--quiet").ok().err == b""


def test_few_images_are_told_on_stderr_and_in_json(few: Path) -> None:
    done = augnet("dedupe", few, "--no-verify", "--format", "json").ok()
    assert done.json()["threshold_from"] == "card" and "too few to calibrate" in "".join(done.notes)
    assert "too few" in augnet("calibrate", few).ok().out.decode()
    assert augnet("dedupe", few, "--no-verify", "--quiet").ok().err == b""


def test_plot_is_drawn_and_drawn_again(photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name in ("curve.png", "curve.SVG"):
        for _ in range(2):
            augnet("calibrate", photos, "--plot", tmp_path / name, "--quiet").ok()
    with Image.open(tmp_path / "curve.png") as image:
        assert image.width > 1000 and len(image.convert("L").getcolors(1 << 20) or ()) > 20
    drawn = (tmp_path / "curve.SVG").read_text()
    assert "</svg>" in drawn
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curve.SVG", "curve.png"]


def test_plot_never_costs_another_file_and_is_refused_before_any_work(few: Path) -> None:
    before = tree(few)
    assert "another file" in augnet("calibrate", few, "--plot", few / "0.png").refused()
    assert "its folder" in augnet("calibrate", few, "--plot", few / "missing" / "a.png").refused()
    assert ".png" in augnet("calibrate", few, "--plot", few / "a.gif").refused(2)
    assert tree(few) == before and not (few / ".augnet").exists()


def test_plot_of_few_images_is_refused(few: Path) -> None:
    assert "too few" in augnet("calibrate", few, "--plot", few.parent / "a.png").refused(2)
    assert not (few.parent / "a.png").exists()


def test_plot_without_matplotlib_names_the_extra(few: Path) -> None:
    code = "import sys; sys.modules['matplotlib'] = None; from augnet_cli.cli.main import run; run()"
    words = [sys.executable, "-c", code, "calibrate", str(few), "--plot", str(few.parent / "a.png")]
    done = subprocess.run(words, env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "[plot]'" in done.stderr and "Traceback" not in done.stderr


def test_read_only_folder_is_calibrated_all_the_same(photos: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(photos, tmp_path / "photos", ignore=shutil.ignore_patterns(".augnet")))
    folder.chmod(0o555)
    try:
        first = augnet("calibrate", folder, "--format", "json", ordinary=True).ok()
        again = augnet("calibrate", folder, "--format", "json", ordinary=True).ok()
    finally:
        folder.chmod(0o755)
    assert first.json()["threshold_from"] == "calibrated" and first.out == again.out
    assert not (folder / ".augnet").exists()
