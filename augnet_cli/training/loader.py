"""Batches of views, made ahead of the step that needs them.

Crops are made per image by threads (Pillow frees the interpreter lock), a few steps ahead; colours and the
rest are done on whole batches on the training device.  Crops depend on the seed, the epoch and the image
alone, the rest on the seed, the epoch and the step: the same command gives the same batches whatever the
number of threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from augnet_cli.training.methods.method import Batch
from augnet_cli.training.pixels import PixelCache
from augnet_cli.training.views import Views

STEPS_AHEAD = 3  # enough to hide a slow step; each holds one batch of uint8 crops
CHUNK = 16  # images one task crops: large enough to outweigh handing it to a thread


@dataclass(frozen=True)
class ViewLoader:
    """Gives the batches of one epoch.

    `count` views of each image, of side `size`; `device` is where the finished views are wanted.
    """

    pixels: PixelCache
    views: Views
    count: int
    size: int
    seed: int
    workers: int
    device: torch.device

    def batches(self, order: np.ndarray, images_per_step: int, epoch: int) -> Iterator[Batch]:
        """Batches of `images_per_step` rows in the given order; a last, smaller one is left out."""
        steps = [
            order[start : start + images_per_step]
            for start in range(0, len(order) - images_per_step + 1, images_per_step)
        ]
        pool = ThreadPoolExecutor(self.workers)
        try:
            waiting: deque[tuple[np.ndarray, list[Future[np.ndarray]]]] = deque()
            upcoming = iter(steps)
            for number in range(len(steps)):
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
        generator = torch.Generator().manual_seed(
            int(np.random.SeedSequence([self.seed, epoch, step]).generate_state(1)[0])
        )
        images = torch.from_numpy(crops).to(self.device).flatten(0, 1).permute(0, 3, 1, 2)
        views = self.views.finish(images.float().div_(255), generator)
        return Batch(torch.from_numpy(rows), views.view(len(rows), self.count, *views.shape[1:]))
