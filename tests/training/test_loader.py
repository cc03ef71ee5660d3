"""Batches come ahead of the steps that need them, and the loop says how long it waited for them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from training_examples import CPU, picture_folder, pixels_of

from augnet_cli.training.loader import CROPPED_AHEAD, FINISHED_AHEAD, Step, ViewLoader, steps_of
from augnet_cli.training.pixels import PixelCache
from augnet_cli.training.throughput import Throughput, with_waits

PATIENCE = 60.0  # seconds: no bound on speed, only on a hang


@pytest.fixture(scope="module")
def pixels(tmp_path_factory: pytest.TempPathFactory) -> PixelCache:
    return pixels_of(picture_folder(tmp_path_factory.mktemp("loader") / "photos", 8, width=32, height=32))


class Marked:
    """Views that tell when a batch is finished, and in which thread."""

    def __init__(self) -> None:
        self.finished = threading.Semaphore(0)
        self.threads: set[int] = set()

    def crop(self, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.zeros((8, 8, 3), np.uint8)

    def finish(self, batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        self.threads.add(threading.get_ident())
        self.finished.release()
        return batch


def loader_of(pixels: PixelCache, views: Marked) -> ViewLoader:
    return ViewLoader(pixels, views, 2, 8, 0, 2, CPU)


def test_next_batch_is_finished_while_a_step_computes(pixels: PixelCache) -> None:
    views = Marked()
    batches = loader_of(pixels, views).batches(steps_of(np.arange(8), 2, 0))
    next(batches)
    # Nobody has asked for the second batch: the step that computes on the first one is still at work.
    assert views.finished.acquire(timeout=PATIENCE) and views.finished.acquire(timeout=PATIENCE)
    assert threading.get_ident() not in views.threads and len(views.threads) == 1
    batches.close()


def test_batches_go_on_over_the_end_of_an_epoch(pixels: PixelCache) -> None:
    """An epoch of one step: without looking ahead each would begin with a wait."""
    views, asked = Marked(), []

    def endless() -> Iterator[Step]:
        for epoch in itertools.count():
            asked.append(epoch)
            yield from steps_of(np.arange(8), 8, epoch)

    batches = loader_of(pixels, views).batches(endless())
    next(batches)
    assert asked == list(range(1 + FINISHED_AHEAD + CROPPED_AHEAD))  # ahead, and no further
    assert views.finished.acquire(timeout=PATIENCE) and views.finished.acquire(timeout=PATIENCE)
    batches.close()


def test_failed_crop_stops_the_batches_with_its_error(pixels: PixelCache) -> None:
    class Broken(Marked):
        def crop(self, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
            raise ValueError("no crop")

    with pytest.raises(ValueError, match="no crop"):
        list(loader_of(pixels, Broken()).batches(steps_of(np.arange(8), 2, 0)))


def test_steps_of_an_epoch_leave_out_the_rest_and_what_was_taken_before() -> None:
    whole = list(steps_of(np.arange(9), 4, epoch=5))
    assert [(step.epoch, step.number, step.rows.tolist()) for step in whole] == [
        (5, 0, [0, 1, 2, 3]),
        (5, 1, [4, 5, 6, 7]),
    ]
    assert [step.number for step in steps_of(np.arange(9), 4, epoch=5, skip=1)] == [1]


def test_waiting_share_is_of_the_time_of_the_steps() -> None:
    pace = Throughput()
    assert pace.as_dict() == {"images_per_second": 0.0, "waiting_share": 0.0}
    pace.add(80, waited=1.0, computed=3.0)
    pace.add(80, waited=0.0, computed=4.0)
    assert pace.as_dict() == {"images_per_second": 20.0, "waiting_share": 0.125}


def test_wait_for_an_item_is_that_of_the_one_who_asks() -> None:
    gate = threading.Event()

    def slow() -> Iterator[str]:
        yield "at once"
        gate.wait(PATIENCE)
        yield "late"

    waits = with_waits(slow())
    assert next(waits)[0] == "at once"
    timer = threading.Timer(0.2, gate.set)
    timer.start()
    item, waited = next(waits)
    timer.join()
    assert item == "late" and waited >= 0.1  # at least: the gate may have been opened before we asked
    assert list(waits) == []
