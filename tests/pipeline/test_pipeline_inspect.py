"""Of what a folder is made: every figure against the files themselves, and each picture looked at once."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from augnet_program import tree
from conftest import drawn_picture
from PIL import Image, ImageFilter
from test_pipeline_embed import watched

from augnet_cli import inspect
from augnet_cli.errors import FolderError, UsageError
from augnet_cli.pipeline import looking
from augnet_cli.pipeline.looking import looked_at
from augnet_cli.pipeline.refresh import FolderRequest, refreshed
from augnet_cli.progress import Progress
from augnet_cli.results import Flagged
from augnet_cli.results.inspect import FLAGS


def taken(moment: str, camera: str) -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Acme", camera
    exif.get_ifd(0x8769)[0x9003] = moment
    return exif.tobytes()


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Photographs sharp, blurred, dark and grey; copies, a near copy, a broken file and a text."""
    from sklearn.datasets import load_sample_images

    folder = tmp_path / "mixed"
    (folder / "trip" / "day 1").mkdir(parents=True)
    china, flower = (Image.fromarray(pixels) for pixels in load_sample_images().images)
    china.save(folder / "china.jpg", quality=92, exif=taken("2019:05:06 07:08:09", "One"))
    flower.save(folder / "trip" / "flower.jpg", quality=92, exif=taken("2021:01:02 03:04:05", "Two"))
    flower.save(folder / "trip" / "again.jpg", quality=90, exif=taken("2020:01:02 03:04:05", "Two"))
    shutil.copy(folder / "china.jpg", folder / "trip" / "copy.jpg")
    shutil.copy(folder / "china.jpg", folder / "trip" / "day 1" / "copy.jpg")
    china.filter(ImageFilter.GaussianBlur(4)).save(folder / "blurred.png")
    Image.fromarray(np.asarray(flower) // 8).save(folder / "dark.png")
    china.convert("L").crop((100, 60, 500, 400)).save(folder / "grey.webp", quality=90)
    (folder / "cut.jpg").write_bytes((folder / "china.jpg").read_bytes()[:9000])
    (folder / "notes.txt").write_text("no image")
    return folder


def test_every_figure_is_that_of_the_files(mixed: Path) -> None:
    before = tree(mixed)
    result = inspect(mixed)
    files = {path.relative_to(mixed).as_posix(): path for path in mixed.rglob("*") if path.is_file()}
    images = {
        name: path
        for name, path in files.items()
        if name not in ("cut.jpg", "notes.txt") and not name.startswith(".augnet")
    }
    assert [image.path for image in result.images] == sorted(images)
    for image in result.images:
        with Image.open(images[image.path]) as picture:
            assert (image.width, image.height) == picture.size
            assert image.format.upper() == picture.format
        assert image.size_bytes == images[image.path].stat().st_size
    assert result.total == len(images) and result.total_bytes == sum(i.size_bytes for i in result.images)
    assert result.formats == (("JPEG", 5), ("PNG", 2), ("WebP", 1))
    assert result.cameras == (("Acme One", 3), ("Acme Two", 2))
    assert result.folders == (("", 4), ("trip", 3), ("trip/day 1", 1))
    assert result.first_taken is not None and result.first_taken.taken_at == "2019-05-06T07:08:09"
    assert result.last_taken is not None and result.last_taken.path == "trip/flower.jpg"
    assert result.dated == 5
    china = (mixed / "china.jpg").stat().st_size
    assert (result.identical_groups, result.identical_files, result.identical_bytes) == (1, 3, 2 * china)
    assert result.near is not None and result.near.pairs >= 1
    pixels = sorted(image.width * image.height for image in result.images)
    by = result.by_pixels
    assert by is not None
    assert [by.smallest.pixels, by.median.pixels, by.largest.pixels] == [pixels[0], pixels[3], pixels[-1]]
    assert by.largest.path == "blurred.png"  # of equal ones the first
    assert [skip.path for skip in result.skipped] == ["cut.jpg"] and result.others == 1
    assert tree(mixed) == before


def test_pictures_that_look_wrong_are_flagged_and_counted(mixed: Path) -> None:
    result = inspect(str(mixed))
    met = {image.path: image.flags for image in result.images if image.flags}
    assert met == {"blurred.png": ("blurred",), "dark.png": ("dark",), "grey.webp": ("grey",)}
    assert result.counts == dict(Counter(flag for flags in met.values() for flag in flags)) | {
        flag: 0 for flag in FLAGS if flag not in ("blurred", "dark", "grey")
    }
    assert [image.path for image in result.flagged] == ["blurred.png", "dark.png"]
    only = inspect(mixed, ["grey", "dark"])
    assert (
        [image.path for image in only.images] == ["dark.png", "grey.webp"] == [i.path for i in only.flagged]
    )
    assert only.counts == result.counts and only.total == result.total and only.only == ("dark", "grey")
    with pytest.raises(UsageError, match="fuzzy"):
        inspect(mixed, ["fuzzy"])


@pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")
def test_a_second_run_opens_no_file_and_a_new_one_opens_what_is_new(mixed: Path) -> None:
    first = inspect(mixed)
    with watched(mixed) as opened:
        assert inspect(mixed) == first
        assert opened() == set()
        shutil.copy(mixed / "dark.png", mixed / "dark again.png")
        (mixed / "china.jpg").rename(mixed / "renamed.jpg")
        drawn_picture(7).save(mixed / "new.png")
        opened()
        again = inspect(mixed)
        # Copied and renamed files are read for their hash alone, and not looked at again.
        assert opened() == {"dark again.png", "renamed.jpg", "new.png"}
    assert {image.path: image.flags for image in again.images}["dark again.png"] == ("dark",)


class Stopping(Progress):
    """Interrupts after some pictures, as Ctrl-C does."""

    def __init__(self, after: int) -> None:
        self._left = after

    def start(self, stage: str, total: int | None, unit: str = "images") -> None:
        self._stage = stage

    def advance(self, done: int = 1, skipped: int = 0, detail: str = "") -> None:
        if self._stage == "looking":
            self._left -= 1
            if self._left == 0:
                raise KeyboardInterrupt


class Counting(Progress):
    """How many pictures each stage is about."""

    def __init__(self) -> None:
        self.stages: dict[str, int | None] = {}

    def start(self, stage: str, total: int | None, unit: str = "images") -> None:
        self.stages[stage] = total


def test_what_was_seen_before_an_interrupt_is_kept(mixed: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        inspect(mixed, progress=Stopping(3))
    heard = Counting()
    result = inspect(mixed, progress=heard)
    assert heard.stages["looking"] == 6 - 3  # contents, copies once
    assert all(image.measures is not None for image in result.images)


def test_another_way_of_looking_looks_anew(mixed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inspect(mixed)
    monkeypatch.setattr(looking, "way", lambda: "another way")
    heard = Counting()
    inspect(mixed, progress=heard)
    assert heard.stages["looking"] == 6


@pytest.fixture
def request_of(mixed: Path) -> Iterator[FolderRequest]:
    yield FolderRequest(str(mixed))


def test_others_are_told_the_flags_with_and_without_looking(request_of: FolderRequest) -> None:
    with refreshed(request_of) as fresh:
        images = fresh.images()
        heard = Counting()
        assert looked_at(fresh, images, heard, only_known=True) == () and heard.stages == {}
        flagged = looked_at(fresh, images)
        assert flagged == (
            Flagged("blurred.png", ("blurred",)),
            Flagged("dark.png", ("dark",)),
            Flagged("grey.webp", ("grey",)),
        )
        assert looked_at(fresh, images, heard, only_known=True) == flagged and heard.stages == {}


def test_what_is_excluded_is_neither_looked_at_nor_counted(mixed: Path) -> None:
    heard = Counting()
    from augnet_cli.pipeline.inspect import inspect as verb

    result = verb(FolderRequest(str(mixed), exclude=("*.png", "trip")), progress=heard)
    assert [image.path for image in result.images] == ["china.jpg", "grey.webp"]
    assert heard.stages["looking"] == 2 and result.near is not None and result.identical_groups == 0


def test_a_folder_without_a_usable_image_is_told_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    result = inspect(tmp_path)
    assert (result.total, result.images, result.by_pixels, result.near) == (0, (), None, None)
    assert len(result.skipped) == 1
    (tmp_path / "broken.jpg").unlink()
    with pytest.raises(FolderError):
        inspect(tmp_path)
