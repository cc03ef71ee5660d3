"""Pictures are read from files that still hold them, and from no others."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from conftest import drawn_picture
from PIL import Image

from augnet_cli.duplicates import sketching
from augnet_cli.duplicates.sketching import Kept, Sketches
from augnet_cli.geometry.sketch import SIDE, Size
from augnet_cli.images.files import content_hash
from augnet_cli.records import ImageRecord


def record(folder: Path, name: str, size: tuple[int, int], taken_at: str | None = None) -> ImageRecord:
    data = (folder / name).read_bytes()
    status = (folder / name).stat()
    return ImageRecord(
        path=name,
        content_hash=content_hash(data),
        size_bytes=len(data),
        mtime_ns=status.st_mtime_ns,
        width=size[0],
        height=size[1],
        taken_at=taken_at,
    )


@pytest.fixture
def two_files(tmp_path: Path) -> Sketches:
    """One content in two files."""
    drawn_picture(1, 400, 300).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    files = tuple(record(tmp_path, name, (400, 300), "2020-01-01T10:00:00") for name in ("a.png", "b.png"))
    return Sketches(str(tmp_path), (files,))


def test_sketch_is_the_picture_made_small(two_files: Sketches) -> None:
    sketch = two_files.read(0)
    assert sketch is not None
    assert (sketch.width, sketch.height, sketch.taken_at) == (400, 300, "2020-01-01T10:00:00")
    assert sketch.colour.shape[1::-1] == Size(400, 300).sketch and max(sketch.colour.shape) == SIDE
    small = drawn_picture(1, 400, 300).resize(Size(400, 300).sketch, Image.Resampling.LANCZOS)
    assert np.abs(sketch.colour - np.asarray(small, float)).mean() < 1.5


def test_colours_and_whole_are_the_file_s_own_pixels(two_files: Sketches) -> None:
    np.testing.assert_array_equal(two_files.colours(0), np.asarray(drawn_picture(1, 400, 300)))
    whole = two_files.whole(0)
    assert whole is not None and whole.shape == (300, 400)
    assert np.abs(whole - np.asarray(drawn_picture(1, 400, 300).convert("L"), float)).max() <= 2


@pytest.mark.parametrize("loss", ["removed", "changed", "cut short", "a folder", "a link"])
def test_a_file_that_is_lost_gives_way_to_its_twin_and_then_to_none(two_files: Sketches, loss: str) -> None:
    folder = Path(two_files.folder)

    def lose(file: Path) -> None:
        data = file.read_bytes()
        file.unlink()
        if loss == "changed":
            drawn_picture(2, 400, 300).save(file)
        elif loss == "cut short":
            file.write_bytes(data[: len(data) // 2])
        elif loss == "a folder":
            file.mkdir()
        elif loss == "a link":
            other = folder / f"moved {file.name}"
            other.write_bytes(data)
            os.symlink(other, file)

    before = two_files.read(0)
    lose(folder / "a.png")
    after = two_files.read(0)
    assert before is not None and after is not None
    np.testing.assert_array_equal(before.colour, after.colour)
    lose(folder / "b.png")
    assert two_files.read(0) is two_files.whole(0) is two_files.colours(0) is None


def test_under_a_smaller_limit_a_large_picture_is_none(two_files: Sketches) -> None:
    assert Sketches(two_files.folder, two_files.files, max_megapixels=0.05).read(0) is None


def test_a_kept_picture_needs_no_file_and_is_given_out_once(two_files: Sketches) -> None:
    read = two_files.read(0)
    assert read is not None
    kept = Kept()
    kept.keep(two_files.files[0][0].content_hash, read.colour)
    for name in ("a.png", "b.png"):
        (Path(two_files.folder) / name).unlink()
    sketches = Sketches(two_files.folder, two_files.files, kept=kept)
    sketch = sketches.read(0)
    assert sketch is not None and sketch.colour is read.colour
    assert (sketch.width, sketch.height, sketch.taken_at) == (read.width, read.height, read.taken_at)
    assert sketches.read(0) is None


def test_only_so_many_pictures_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketching, "KEPT", 2)
    kept = Kept()
    pictures = [np.full((1, 1, 3), level, np.uint8) for level in range(3)]
    for level, pixels in enumerate(pictures):
        kept.keep(str(level), pixels)
    assert [kept.take(str(level)) is not None for level in range(3)] == [True, True, False]
