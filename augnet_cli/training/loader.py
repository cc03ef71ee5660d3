"""Batches of views, made ahead of the step that needs them.

Crops are made per image by threads (Pillow frees the interpreter lock), a few steps ahead; colours and the
rest are done on whole batches on the training device.  Crops depend on the seed, the epoch and the image
alone, the rest on the seed, the epoch, the step and the part of the batch: the same command gives the same
batches whatever the number of threads, and the same number of parts whatever the number of processes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from augnet_cli.training.methods.method import Batch
from augnet_cli.training.pixels import PixelCache
from augnet_cli.training.views import Views

STEPS_AHEAD = 3  # enough to hide a slow step; each holds one batch of uint8 crops
CHUNK = 16  # images one task crops: large enough to outweigh handing it to a thread


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

    def batches(self, order: np.ndarray, images_per_step: int, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """Batches of `images_per_step` rows in the given order, of which this process's parts are given.

        `images_per_step` is a multiple of `parts`; a last, smaller batch is left out.
        `skip` batches were made before, by a run that was interrupted; the rest are as if it had not been.
        """
        size = images_per_step // self.parts
        steps = [
            order[start + self.mine.start * size : start + self.mine.stop * size]
            for start in range(0, len(order) - images_per_step + 1, images_per_step)
        ]
        pool = ThreadPoolExecutor(self.workers)
        try:
            waiting: deque[tuple[np.ndarray, list[Future[np.ndarray]]]] = deque()
            upcoming = iter(steps[skip:])
            for number in range(skip, len(steps)):
                while len(waiting) < STEPS_AHEAD:
                    rows = next(upcoming, None)
                    if rows is None:
                        break
                    parts = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
                    waiting.append((rows, [pool.submit(self._crops, part, epoch) for part in parts]))
                rows, crops = waiting.popleft()
                yield self._finish(rows, np.concatenate([part.result() for part in crops]), epoch, number)
        finally:
            # Whoever stops early (an error, Ctrl-C) does not wait for crops that nobody needs.
            pool.shutdown(cancel_futures=True)

    def _crops(self, rows: np.ndarray, epoch: int) -> np.ndarray:
        made = np.empty((len(rows), self.count, self.size, self.size, 3), np.uint8)
        for position, row in enumerate(rows):
            source = self.pixels.image(int(row))
            rng = np.random.default_rng([self.seed, epoch, int(row)])
            for view in range(self.count):
                made[position, view] = self.views.crop(source, rng)
        return made

    def _finish(self, rows: np.ndarray, crops: np.ndarray, epoch: int, step: int) -> Batch:
        views = [
            self._finished(part, epoch, step, number)
            for number, part in zip(self.mine, np.split(crops, len(self.mine)), strict=True)
        ]
        return Batch(torch.from_numpy(rows), views[0] if len(views) == 1 else torch.cat(views))

    def _finished(self, crops: np.ndarray, epoch: int, step: int, part: int) -> Tensor:
        """(b, V, 3, S, S) views of the (b, V, S, S, 3) crops of one part of a batch."""
        # The first part draws what an undivided batch would.
        seeds = [self.seed, epoch, step, part] if part else [self.seed, epoch, step]
        generator = torch.Generator().manual_seed(int(np.random.SeedSequence(seeds).generate_state(1)[0]))
        images = torch.from_numpy(crops).to(self.device).flatten(0, 1).permute(0, 3, 1, 2)
        views = self.views.finish(images.float().div_(255), generator)
        return views.view(len(crops), self.count, *views.shape[1:])
