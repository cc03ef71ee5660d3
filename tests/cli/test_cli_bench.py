"""`augnet bench` as a user at a shell sees it; nothing here depends on how fast the machine is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from augnet_program import augnet, ended, start, tree
from conftest import drawn_picture
from encoder_files import CARD, write_encoder
from photo_folders import IMAGES, SKIPPED, make_album

from augnet_cli.cores import usable_cores

SHORT = ("--seconds", "0", "--quiet")
# As `taskset` does: the program may use one core, however many the machine has.
ON_ONE_CORE = """
import os, runpy
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
runpy.run_module("augnet_cli", run_name="__main__")
"""


@pytest.fixture
def album(tmp_path: Path) -> Path:
    return make_album(tmp_path / "album")


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    """Each file below a folder, stores included, with its size and time."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def test_json_has_the_promised_shape_and_its_figures_agree(album: Path) -> None:
    result = augnet("bench", album, *SHORT, "--format", "json").ok().json()
    assert list(result) == [
        "version", "folder", "encoder", "threads", "rounds", "cold", "images", "measured", "measured_bytes",
        "stages", "whole", "share_of_decoding", "holds_back", "pairs", "skipped",
    ]  # fmt: skip
    assert (result["version"], result["folder"]) == (1, str(album))
    assert result["threads"] == usable_cores() and result["rounds"] == 3
    # The broken one is an image by its name, and no speed is told of it.
    assert (result["images"], result["measured"]) == (IMAGES + 1, IMAGES)
    assert [skip["path"] for skip in result["skipped"]] == [SKIPPED]
    images = [path for path in album.rglob("*") if path.suffix in {".png", ".jpg", ".webp"}]
    sizes = {path.name: path.stat().st_size for path in images if path.name != SKIPPED}
    assert result["measured_bytes"] == sum(path.stat().st_size for path in images if path.name in sizes)
    stages = {stage["name"]: stage for stage in result["stages"]}
    assert list(stages) == ["read", "decode", "embed"]
    assert all(list(stage) == ["name", "limit", "reached"] for stage in result["stages"])
    assert result["whole"] == stages["embed"]["reached"] > 0
    share = stages["embed"]["reached"] / stages["decode"]["limit"]
    assert result["share_of_decoding"] == pytest.approx(share, abs=1e-3)
    assert result["holds_back"] == min(stages, key=lambda name: stages[name]["limit"])
    assert result["pairs"]["embeddings"] == IMAGES + 1


def test_nothing_is_written_and_no_store_is_made_or_changed(
    album: Path, private_home: Path, tmp_path: Path
) -> None:
    before = tree(album)
    augnet("bench", album, *SHORT).ok()
    assert tree(album) == before and not (album / ".augnet").exists()
    assert not any(private_home.rglob("*"))
    cold = augnet("bench", album, *SHORT, "--cold", "--format", "json").ok().json()
    assert cold["cold"] and cold["measured"] == IMAGES and tree(album) == before
    augnet("embed", album, "--quiet").ok()
    stored, at_home = everything(album), everything(private_home)
    augnet("bench", album, *SHORT).ok()
    assert everything(album) == stored and everything(private_home) == at_home


def test_text_tells_the_sample_the_stages_and_what_holds_them_back(album: Path) -> None:
    done = augnet("bench", "album", "--images", "4", "--workers", "3", *SHORT, cwd=album.parent).ok()
    assert done.lines[0].startswith("4 of 16 images (") and ", 3 threads, " in done.lines[0]
    table = [line.split() for line in done.lines if line.startswith(("read ", "decode ", "embed "))]
    assert [row[0] for row in table] == ["read", "decode", "embed"]
    alone = {row[0]: float(row[1].replace(",", "")) for row in table}
    [marked] = [row[0] for row in table if row[3:] == ["the", "limit"]]
    assert alone[marked] == min(alone.values())
    assert f"{marked} holds the others back" in done.out.decode()
    assert done.err == b""


def test_a_folder_of_one_image_will_do(tmp_path: Path) -> None:
    drawn_picture(0).save(tmp_path / "a.png")
    result = augnet("bench", tmp_path, *SHORT, "--format", "json").ok().json()
    assert (result["images"], result["measured"], result["pairs"]["embeddings"]) == (1, 1, 1)


def test_threads_follow_the_cores_that_the_process_may_use(tmp_path: Path) -> None:
    drawn_picture(0).save(tmp_path / "a.png")
    program = [sys.executable, "-c", ON_ONE_CORE]
    done = ended(start("bench", tmp_path, *SHORT, "--format", "json", program=program)).ok()
    assert done.json()["threads"] == 1


def test_the_encoder_that_would_serve_is_measured(tmp_path: Path) -> None:
    drawn_picture(0).save(tmp_path / "a.png")
    augnet("embed", tmp_path, "--quiet").ok()
    write_encoder(tmp_path / ".augnet" / "encoder.onnx", CARD.to_json())
    result = augnet("bench", tmp_path, *SHORT, "--format", "json").ok().json()
    assert result["encoder"] == CARD.id
    shipped = augnet("bench", tmp_path, *SHORT, "--encoder", "shipped", "--format", "json").ok().json()
    assert shipped["encoder"] != CARD.id


def test_what_can_not_be_measured_is_told_in_two_lines(album: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no image" in augnet("bench", tmp_path / "empty").refused()
    only = tmp_path / "only"
    only.mkdir()
    (only / SKIPPED).write_bytes((album / SKIPPED).read_bytes())
    assert SKIPPED in augnet("bench", only).refused()
    locked = tmp_path / "locked"
    locked.mkdir()
    drawn_picture(0).save(locked / "a.png")
    (locked / "a.png").chmod(0)
    said = ended(start("bench", locked, ordinary=True)).refused()
    assert "permission denied" in said
    assert "--format text" in augnet("bench", album, "--format", "csv").refused(2)
