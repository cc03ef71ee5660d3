"""Small pictures on several threads: in order, few at a time, each as the file is."""

from __future__ import annotations

import threading
import time

import pytest
from conftest import drawn_picture

from augnet_cli.report.thumbnails import (
    AHEAD_PER_WORKER,
    SIDES,
    Thumbnail,
    fitting_side,
    thumbnail,
    thumbnails,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(12):
        drawn_picture(seed, 300 - seed, 200).save(folder / f"{seed}.png")
    (folder / "text.png").write_text("no picture")
    return folder


def test_pictures_come_in_order_whatever_the_threads_do(folder):
    def slow_first(shown: Thumbnail) -> int:
        time.sleep(0.02 if shown.width == 300 else 0)
        return shown.width

    paths = [f"{seed}.png" for seed in range(12)]

    assert list(thumbnails(str(folder), paths, 64, slow_first, 4)) == [300 - seed for seed in range(12)]


def test_only_a_few_pictures_are_begun_before_the_first_is_taken(folder):
    begun, lock = [], threading.Lock()

    def note(shown: Thumbnail) -> None:
        with lock:
            begun.append(shown.width)

    workers = 2
    stream = thumbnails(str(folder), ["0.png"] * 100, 32, note, workers)
    next(stream)
    time.sleep(0.2)

    assert len(begun) <= workers * (1 + AHEAD_PER_WORKER)
    stream.close()


def test_sizes_are_those_of_the_file_and_nothing_is_enlarged(folder):
    small = thumbnail(str(folder), "0.png", 100)
    whole = thumbnail(str(folder), "0.png", 5000)

    assert small.pixels.shape == (67, 100, 3)
    assert (small.width, small.height) == (300, 200)
    assert small.size_bytes == (folder / "0.png").stat().st_size
    assert whole.pixels.shape == (200, 300, 3)


def test_what_is_no_picture_gives_its_reason_and_what_is_gone_too(folder):
    text = thumbnail(str(folder), "text.png", 100)
    gone = thumbnail(str(folder), "gone.png", 100)

    assert text.pixels is None
    assert (text.size_bytes, bool(text.reason)) == (10, True)
    assert (gone.pixels, gone.size_bytes) == (None, 0)
    assert "vanished" in gone.reason


def test_the_side_fits_the_bytes(folder):
    paths = [f"{seed}.png" for seed in range(12)]

    assert fitting_side(str(folder), paths, 10**6, 2) == SIDES[0]
    assert fitting_side(str(folder), paths, 1, 2) == SIDES[-1]
    assert fitting_side(str(folder), ["text.png"], 1, 2) == SIDES[0]
    assert fitting_side(str(folder), [], 1, 2) == SIDES[0]
