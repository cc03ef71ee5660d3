"""Batches of views, made ahead of the step that needs them.

Crops are made per image by threads (Pillow frees the interpreter lock), a few steps ahead; colours and the
rest are done on whole batches on the training device, by one more thread while the step before computes.
Both go on over the end of an epoch, so that one of few steps does not begin with a wait.

Crops depend on the seed, the epoch and the image alone, the rest on the seed, the epoch, the step and the
part of the batch: the same command gives the same batches whatever the number of threads, and the same number
of parts whatever the number of processes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from augnet_cli.training.methods.method import Batch
from augnet_cli.training.pixels import PixelCache
from augnet_cli.training.views import Views, kind_of

CROPPED_AHEAD = 3  # steps, enough to hide a slow one; each holds one batch of uint8 crops
FINISHED_AHEAD = 1  # steps whose views are made while another computes: floats, four times the bytes of crops
# Steps and repeats from here on are none of an epoch: their draws are for views that are not trained on.
NO_STEP = 1 << 31
CHUNK = 16  # images one task crops: large enough to outweigh handing it to a thread

T = TypeVar("T")
M = TypeVar("M")


@dataclass(frozen=True)
class Step:
    """What one step looks at: `rows` (B,) of all processes, step `number` of `epoch`.

    `repeats` (B,): how often each row came before in the epoch; it then gives another view.
    """

    epoch: int
    number: int
    rows: np.ndarray
    repeats: np.ndarray


def steps_of(order: np.ndarray, images_per_step: int, epoch: int, skip: int = 0) -> Iterator[Step]:
    """The steps of one epoch in the given order of rows; a last, smaller batch is left out.

    `skip` of them were taken before, by a run that was interrupted; the rest are as if it had not been.
    """
    repeats = _repeats(order)
    for number in range(skip, len(order) // images_per_step):
        here = slice(number * images_per_step, (number + 1) * images_per_step)
        yield Step(epoch, number, order[here], repeats[here])


def _repeats(order: np.ndarray) -> np.ndarray:
    """(n,) how often each of (n,) rows came before."""
    by_row = np.argsort(order, kind="stable")
    ranked = order[by_row]
    begins = np.append(True, ranked[1:] != ranked[:-1]) if len(ranked) else np.empty(0, bool)
    first = np.maximum.accumulate(np.where(begins, np.arange(len(ranked)), 0))
    repeats = np.empty(len(order), np.int64)
    repeats[by_row] = np.arange(len(ranked)) - first
    return repeats


@dataclass(frozen=True)
class ViewLoader:
    """Gives the batches of one epoch.

    `count` views of each image, of side `size`; `device` is where the finished views are wanted.
    Each batch is finished in `parts` equal parts, each with draws of its own, of which this process makes
    `mine`, one or more in a row: so nobody has to draw, or make, what another process trains on.
    """

    pixels: PixelCache
    views: Views
    count: int
    size: int
    seed: int
    workers: int
    device: torch.device
    parts: int = 1
    mine: range = range(1)

    def batches(self, steps: Iterable[Step]) -> Generator[Batch]:
        """The batch of each step, of which this process's parts are given; steps may go on for ever.

        The number of rows of a step is a multiple of `parts`.
        """
        croppers, finisher = ThreadPoolExecutor(self.workers), ThreadPoolExecutor(1)

        def crop(step: Step) -> tuple[Step, list[Future[np.ndarray]]]:
            rows, repeats = self._mine(step.rows), self._mine(step.repeats)
            chunks = [slice(start, start + CHUNK) for start in range(0, len(rows), CHUNK)]
            return step, [croppers.submit(self._crops, rows[at], repeats[at], step.epoch) for at in chunks]

        def finish(cropped: tuple[Step, list[Future[np.ndarray]]]) -> Future[Batch]:
            return finisher.submit(self._finish, *cropped)

        try:
            for made in _ahead(finish, _ahead(crop, steps, CROPPED_AHEAD), FINISHED_AHEAD):
                yield made.result()
        finally:
            # Whoever stops early (an error, Ctrl-C) does not wait for crops that nobody needs.
            croppers.shutdown(wait=False, cancel_futures=True)
            finisher.shutdown(cancel_futures=True)
            croppers.shutdown()

    def first_views(self, epoch: int, size: int) -> Iterator[Tensor]:
        """One view (b, 3, S, S) of every image in order, `size` at a time; no step of `epoch` sees it."""
        rows = np.arange(len(self.pixels))
        alone = replace(self, views=kind_of(self.views, 0), count=1, parts=1, mine=range(1))
        parts = [rows[start : start + size] for start in range(0, len(rows), size)]
        steps = (
            Step(epoch, NO_STEP + number, part, np.full(len(part), NO_STEP))
            for number, part in enumerate(parts)
        )
        for batch in alone.batches(steps):
            yield batch.views[:, 0]

    def _mine(self, values: np.ndarray) -> np.ndarray:
        """This process's part of what a step has for each row."""
        size = len(values) // self.parts
        return values[self.mine.start * size : self.mine.stop * size]

    def _crops(self, rows: np.ndarray, repeats: np.ndarray, epoch: int) -> np.ndarray:
        made = np.empty((len(rows), self.count, self.size, self.size, 3), np.uint8)
        for position, (row, repeat) in enumerate(zip(rows.tolist(), repeats.tolist(), strict=True)):
            source = self.pixels.image(row)
            # The first time a row comes in an epoch it draws what it would if it came once.
            seeds = [self.seed, epoch, row, repeat] if repeat else [self.seed, epoch, row]
            rng = np.random.default_rng(seeds)
            for view in range(self.count):
                made[position, view] = kind_of(self.views, view).crop(source, rng)
        return made

    def _finish(self, step: Step, cropped: list[Future[np.ndarray]]) -> Batch:
        crops = np.concatenate([chunk.result() for chunk in cropped])
        views = [
            self._finished(part, step.epoch, step.number, number)
            for number, part in zip(self.mine, np.split(crops, len(self.mine)), strict=True)
        ]
        return Batch(
            torch.from_numpy(self._mine(step.rows)), views[0] if len(views) == 1 else torch.cat(views)
        )

    def _finished(self, crops: np.ndarray, epoch: int, step: int, part: int) -> Tensor:
        """(b, V, 3, S, S) views of the (b, V, S, S, 3) crops of one part of a batch."""
        # The first part draws what an undivided batch would.
        seeds = [self.seed, epoch, step, part] if part else [self.seed, epoch, step]
        generator = torch.Generator().manual_seed(int(np.random.SeedSequence(seeds).generate_state(1)[0]))
        images = torch.from_numpy(crops).to(self.device).flatten(0, 1).permute(0, 3, 1, 2)
        views = self.views.finish(images.float().div_(255), generator)
        return views.view(len(crops), self.count, *views.shape[1:])


def _ahead(begin: Callable[[T], M], items: Iterable[T], count: int) -> Iterator[M]:
    """What `begin` makes of each item, where it is called for `count` items more than were asked for."""
    begun: deque[M] = deque()
    for item in items:
        begun.append(begin(item))
        if len(begun) > count:
            yield begun.popleft()
    yield from begun
