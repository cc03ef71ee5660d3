"""Measuring the stages of embedding: what is measured, and that all of it is; never how fast it is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import drawn_picture
from hypothesis import given
from hypothesis import strategies as st

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import shipped_encoder
from augnet_cli.errors import EncoderError, FolderError, UsageError
from augnet_cli.images.decode import MAX_MEGAPIXELS
from augnet_cli.images.files import walk
from augnet_cli.pipeline.bench import IMAGES_A_THREAD, LEAST_ROUNDS, bench, spread_evenly
from augnet_cli.pipeline.refresh import FolderRequest
from augnet_cli.pipeline.stages import STAGES, Course, Speeds, alone, portions, up_to_each
from augnet_cli.progress import Progress
from augnet_cli.records import FoundFile

IMAGES = 21  # two whole batches and a part of one


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench") / "photos"
    folder.mkdir()
    for seed in range(IMAGES):
        drawn_picture(seed).save(folder / f"{seed:02}.jpg")
    return folder


def course(folder: Path, threads: int = 2, cold: bool = False) -> Course:
    files = walk(str(folder)).files
    return Course(str(folder), files, Embedder.load(shipped_encoder()), threads, MAX_MEGAPIXELS, cold)


def files_of(sizes: list[int]) -> list[FoundFile]:
    return [FoundFile(f"{number}.jpg", size, 0, 0, number) for number, size in enumerate(sizes)]


@given(st.integers(0, 60), st.integers(1, 80))
def test_a_sample_is_spread_over_the_whole_folder_in_order(images: int, wanted: int) -> None:
    found = files_of([1] * images)
    places = [each.inode for each in spread_evenly(found, wanted)]
    assert len(places) == min(images, wanted)
    steps = [after - before for before, after in pairwise(places)]
    assert all(step >= 1 for step in steps)
    if wanted < images:
        assert places[0] == 0 and images - places[-1] <= -(-images // wanted)
        assert max(steps, default=0) - min(steps, default=0) <= 1


@given(st.lists(st.integers(0, 30)), st.integers(1, 50))
def test_portions_hold_every_file_once_and_no_more_bytes_than_allowed(sizes: list[int], most: int) -> None:
    found = files_of(sizes)
    parts = list(portions(found, most))
    assert [each for part in parts for each in part] == found
    held = [sum(each.size_bytes for each in part) for part in parts]
    assert all(total <= most or len(part) == 1 for part, total in zip(parts, held, strict=True))
    # No two neighbours would have gone together.
    for total, part in zip(held, parts[1:], strict=False):
        assert total + part[0].size_bytes > most


@pytest.mark.parametrize(("threads", "cold"), [(1, False), (3, False), (2, True)])
def test_every_stage_has_a_speed_alone_and_in_the_pipeline(folder: Path, threads: int, cold: bool) -> None:
    for measure in (alone, up_to_each):
        speeds = measure(course(folder, threads, cold))
        assert tuple(speeds) == STAGES and all(speed > 0 for speed in speeds.values())


@pytest.mark.parametrize("measure", [alone, up_to_each])
@pytest.mark.parametrize("change", ["removed", "broken"])
@pytest.mark.parametrize("cold", [False, True])
def test_images_that_change_meanwhile_are_told_and_not_counted(
    tmp_path: Path, measure: Callable[[Course], Speeds], change: str, cold: bool
) -> None:
    for seed in range(3):
        drawn_picture(seed).save(tmp_path / f"{seed}.jpg")
    before = course(tmp_path, cold=cold)
    if change == "removed":
        (tmp_path / "1.jpg").unlink()
    else:
        (tmp_path / "1.jpg").write_bytes(b"\xff\xd8\xff cut")
    with pytest.raises(FolderError, match="changed while they were measured"):
        measure(before)


def test_a_folder_is_sampled_unless_it_is_small(folder: Path) -> None:
    small = bench(FolderRequest(str(folder), workers=1), seconds=0)
    assert (small.images, small.measured, small.threads) == (IMAGES, IMAGES, 1)
    part = bench(FolderRequest(str(folder)), images=5, seconds=0)
    assert (part.images, part.measured, part.pairs_rows) == (IMAGES, 5, IMAGES)
    chosen = spread_evenly(walk(str(folder)).files, 5)
    assert part.measured_bytes == sum(os.path.getsize(folder / each.path) for each in chosen)
    assert IMAGES_A_THREAD > IMAGES


def test_it_goes_on_for_as_long_as_it_is_told(folder: Path) -> None:
    class Rounds(Progress):
        done = 0

        def advance(self, done: int = 1, skipped: int = 0, detail: str = "") -> None:
            self.done += 1

    heard = Rounds()
    result = bench(FolderRequest(str(folder)), images=1, seconds=0, progress=heard)
    assert result.rounds == LEAST_ROUNDS == heard.done
    started = time.monotonic()
    bench(FolderRequest(str(folder)), images=1, seconds=1.0)
    assert time.monotonic() - started >= 1.0


def test_what_holds_the_others_back_is_the_stage_of_the_lowest_limit(folder: Path) -> None:
    result = bench(FolderRequest(str(folder)), images=8, seconds=0)
    for slowest in result.stages:
        stages = tuple(replace(each, limit=each.limit / (each == slowest or 1e-6)) for each in result.stages)
        assert replace(result, stages=stages).holds_back == slowest.name


def test_reading_from_the_disk_is_refused_where_no_way_is_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "posix_fadvise")  # as on macOS and Windows
    with pytest.raises(UsageError, match="forget"):
        bench(FolderRequest(str(folder)), cold=True)


def test_what_can_not_be_measured_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(FolderError, match="holds no image"):
        bench(FolderRequest(str(tmp_path)))
    (tmp_path / "cut.jpg").write_bytes((folder / "00.jpg").read_bytes()[:900])
    with pytest.raises(FolderError, match=r"cut\.jpg: .*cut short"):
        bench(FolderRequest(str(tmp_path)))
    with pytest.raises(FolderError):
        bench(FolderRequest(str(tmp_path / "missing")))
    with pytest.raises(UsageError):
        bench(FolderRequest(str(folder)), images=0)
    with pytest.raises(EncoderError):
        bench(FolderRequest(str(folder), encoder=str(folder / "00.jpg")))
