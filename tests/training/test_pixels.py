"""The pixel cache: what it holds, when it is reused, when it is made again."""

from __future__ import annotations

import json
import os
import resource
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from training_examples import picture_folder, pixels_of, smooth_picture

from augnet_cli.errors import TrainingError
from augnet_cli.images.decode import decode_short_side
from augnet_cli.images.files import walk
from augnet_cli.progress import Progress
from augnet_cli.training.pixels import PixelCache, build_pixel_cache


class Counting(Progress):
    """Counts the files that were decoded."""

    def __init__(self) -> None:
        self.done = self.skipped = 0

    def advance(self, done: int = 1, skipped: int = 0, detail: str = "") -> None:
        self.done += done
        self.skipped += skipped


def build(folder: Path, side: int = 64, workers: int = 2) -> tuple[PixelCache, int]:
    """The cache, and how many files were decoded for it."""
    counting = Counting()
    files = walk(str(folder)).files
    cache = build_pixel_cache(
        str(folder), files, f"{folder}.u8", side=side, workers=workers, progress=counting
    )
    return cache, counting.done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return picture_folder(tmp_path / "photos", 6, width=200, height=100)


def test_it_holds_what_the_decoder_gives(folder: Path) -> None:
    smooth_picture(9, 30, 20).save(folder / "small.png")
    cache, decoded = build(folder)
    assert decoded == len(cache) == 7
    for row, path in enumerate(cache.paths):
        expected = decode_short_side((folder / path).read_bytes(), 64).pixels
        assert np.array_equal(cache.image(row), expected)
    assert cache.image(cache.paths.index("000.png")).shape == (64, 128, 3)
    assert cache.image(cache.paths.index("small.png")).shape == (20, 30, 3)  # never enlarged


def test_second_run_decodes_nothing(folder: Path) -> None:
    first, _ = build(folder)
    second, decoded = build(folder)
    assert decoded == 0
    assert second.paths == first.paths and second.data_hash == first.data_hash
    assert np.array_equal(second.data, first.data)


def test_changed_new_and_removed_files_make_it_anew(folder: Path) -> None:
    before, _ = build(folder)
    smooth_picture(77, 200, 100).save(folder / "003.png")
    changed, decoded = build(folder)
    assert decoded == 6 and changed.data_hash != before.data_hash
    assert not np.array_equal(changed.image(3), before.image(3))
    smooth_picture(78).save(folder / "new.png")
    assert build(folder)[1] == 7
    os.unlink(folder / "new.png")
    assert build(folder)[1] == 6


def test_other_size_makes_it_anew(folder: Path) -> None:
    build(folder, side=64)
    cache, decoded = build(folder, side=32)
    assert decoded == 6 and cache.image(0).shape == (32, 64, 3)


@pytest.mark.parametrize("damage", ["short", "long", "gone", "no table", "half a table", "a list"])
def test_damaged_cache_is_made_again(folder: Path, damage: str) -> None:
    whole, _ = build(folder)
    expected = np.array(whole.data)
    del whole
    bytes_file, table = Path(f"{folder}.u8"), Path(f"{folder}.u8.json")
    if damage == "short":
        bytes_file.write_bytes(bytes_file.read_bytes()[:-1])
    elif damage == "long":
        bytes_file.write_bytes(bytes_file.read_bytes() + b"\0")
    elif damage == "gone":
        bytes_file.unlink()
    elif damage == "no table":
        table.unlink()
    elif damage == "half a table":
        table.write_text(table.read_text()[: len(table.read_text()) // 2])
    else:
        table.write_text("[1, 2]")
    cache, decoded = build(folder)
    assert decoded == 6 and np.array_equal(cache.data, expected)


def test_bytes_of_one_run_never_meet_the_table_of_another(folder: Path) -> None:
    """Killed between the two renames, the next run must not take the old table for the new bytes."""
    build(folder)
    table = Path(f"{folder}.u8.json")
    seen_during: list[bool] = []

    class Looking(Progress):
        def advance(self, done: int = 1, skipped: int = 0, detail: str = "") -> None:
            seen_during.append(table.exists())

    smooth_picture(5, 60, 50).save(folder / "another.png")
    files = walk(str(folder)).files
    build_pixel_cache(str(folder), files, f"{folder}.u8", side=64, workers=1, progress=Looking())
    assert seen_during and not any(seen_during)
    assert table.exists()


def test_identical_bytes_are_held_once(folder: Path) -> None:
    alone, _ = build(folder)
    for name in ("copy.png", "zopy.png"):
        shutil.copy(folder / "002.png", folder / name)
    cache, decoded = build(folder)
    assert decoded == 8 and len(cache) == 6
    assert cache.data_hash == alone.data_hash  # the same contents, under other names


def test_data_hash_does_not_depend_on_names(tmp_path: Path) -> None:
    one = picture_folder(tmp_path / "one", 4)
    two = tmp_path / "two"
    (two / "deep").mkdir(parents=True)
    for number, path in enumerate(sorted(one.iterdir(), reverse=True)):
        shutil.copy(path, two / "deep" / f"{number}.png")
    assert pixels_of(one).data_hash == pixels_of(two).data_hash
    assert pixels_of(one).data_hash != pixels_of(picture_folder(tmp_path / "three", 4, first=1)).data_hash


def test_what_does_not_decode_is_skipped_with_its_reason_also_when_reused(folder: Path) -> None:
    (folder / "text.jpg").write_text("no picture")
    (folder / "short.png").write_bytes((folder / "001.png").read_bytes()[:200])
    first, _ = build(folder)
    second, decoded = build(folder)
    assert decoded == 0 and len(first) == 6
    assert first.skipped == second.skipped
    assert {skip.path for skip in first.skipped} == {"text.jpg", "short.png"}
    assert all(skip.reason for skip in first.skipped)


def test_folder_of_broken_files_is_an_error_that_says_where_to_look(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_text("no picture")
    with pytest.raises(TrainingError, match="no image") as error:
        build(folder)
    assert "augnet embed" in error.value.hint


def test_names_that_are_no_utf8_come_back_as_they_were(folder: Path) -> None:
    odd = os.fsdecode(b"caf\xe9 \n.png")
    os.rename(folder / "000.png", os.path.join(folder, odd))
    first, _ = build(folder)
    second, decoded = build(folder)
    assert decoded == 0 and odd in first.paths and first.paths == second.paths


def test_number_of_threads_changes_nothing(folder: Path) -> None:
    first = np.array(build(folder, workers=1)[0].data)
    Path(f"{folder}.u8").unlink()
    assert np.array_equal(build(folder, workers=5)[0].data, first)


def test_full_disk_is_a_known_problem(folder: Path) -> None:
    """A limit to the size of files is met as the end of a disk is."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(TrainingError, match="can't be written") as error:
            build(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "room" in error.value.hint


def test_channel_statistics_are_those_of_all_pixels(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path / "photos", 5, width=40, height=20)
    Image.new("RGB", (33, 70), (10, 200, 30)).save(folder / "plain.png")
    cache = pixels_of(folder)
    everything = np.concatenate([cache.image(row).reshape(-1, 3) for row in range(len(cache))]) / 255
    mean, std = cache.channel_statistics(100, np.random.default_rng(0))
    np.testing.assert_allclose(mean, everything.mean(0), rtol=1e-12)
    np.testing.assert_allclose(std, everything.std(0), rtol=1e-10)


def test_table_is_plain_json(folder: Path) -> None:
    build(folder)
    facts = json.loads(Path(f"{folder}.u8.json").read_text())
    assert facts["size"] == os.path.getsize(f"{folder}.u8")


class Noting(Progress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_after_its_time_it_holds_a_sample_in_order_and_says_so(folder: Path) -> None:
    files, noting = walk(str(folder)).files, Noting()

    def build_until(until: float) -> PixelCache:
        return build_pixel_cache(
            str(folder), files, f"{folder}.u8", side=64, workers=1, until=until, progress=noting
        )

    cut = build_until(time.monotonic() - 1)
    assert 1 <= len(cut) < 6 and list(cut.paths) == sorted(cut.paths)
    for row, path in enumerate(cut.paths):
        expected = decode_short_side((folder / path).read_bytes(), 64).pixels
        assert np.array_equal(cut.image(row), expected)
    assert f"{len(cut)} of 6 images" in noting.notes[0] and "time" in noting.notes[0]
    # What goes on later goes on with the same ones; without a limit there are all of them.
    assert build_until(time.monotonic() + 100).data_hash == cut.data_hash
    assert len(build(folder)[0]) == 6


def test_it_never_fills_the_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = build(folder)
    usage = shutil.disk_usage(folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=len(whole.data)))
    smooth_picture(5, 60, 50).save(folder / "another.png")
    files, noting = walk(str(folder)).files, Noting()
    with pytest.raises(TrainingError, match="more than half of the room") as error:
        build_pixel_cache(str(folder), files, f"{folder}.u8", side=64, workers=1)
    assert "--minutes" in error.value.hint
    assert not list(folder.parent.glob("*.u8*"))
    cut = build_pixel_cache(
        str(folder),
        files,
        f"{folder}.u8",
        side=64,
        workers=1,
        until=time.monotonic() + 100,
        progress=noting,
    )
    assert len(cut) < 7 and "disk" in noting.notes[0]
