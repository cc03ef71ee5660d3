"""What labels say of an encoder while it is trained: a line an epoch, and nothing more.

The method never sees a label, and no state is kept or dropped for these figures: to choose by the test set is
to learn from it.
Letters: n images, S side.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from augnet_cli.datasets.pixels import square_of
from augnet_cli.datasets.record import Split
from augnet_cli.errors import DatasetError
from augnet_cli.evaluation.protocols import judge_assignments, judge_while_training
from augnet_cli.images.unusable import Unusable
from augnet_cli.records import Resize
from augnet_cli.training.embedding import assign_images, embed_images
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.request import TrainRequest

MOST_IMAGES = 10_000  # the whole test split of CIFAR; of more a sample
MOST_BYTES = 1 << 30  # of their pixels, which stay in memory
DIGITS = 4


@dataclass(frozen=True, eq=False)
class EpochScores:
    """Judges every so many epochs, and after the last.

    Attributes:
        squares: (n, S, S, 3) uint8.
        labels: (n,) int64 in [0, classes).
    """

    every: int
    squares: np.ndarray
    labels: np.ndarray
    classes: int
    seed: int

    def is_due(self, epoch: int, is_over: bool) -> bool:
        """Whether to judge when so many epochs are done."""
        return is_over or epoch % self.every == 0

    def measured(self, encoder: Encoder, device: torch.device) -> dict[str, float]:
        """Figures of the encoder as it is, by name; `own_acc` is of its own clusters where it learns any."""
        rows = embed_images(encoder, self.squares.__getitem__, len(self.squares), device)
        figures = judge_while_training(rows, self.labels, self.classes, self.seed)
        # A head that is not trained waits for its weights: SCAN's are chosen once its second stage is over.
        if encoder.clusters is not None and encoder.clusters.weight.requires_grad:
            scores = assign_images(encoder, self.squares.__getitem__, len(self.squares), device)
            figures["own_acc"] = judge_assignments(scores, self.labels, self.classes).figures["acc"]
        return {name: round(value, DIGITS) for name, value in figures.items()}


def scores_asked_for(split: Split | None, request: TrainRequest, size: int) -> EpochScores | None:
    """What judges a run by labels, at the side `size` that its encoder sees; None where nobody asked.

    Raises:
        DatasetError: as `scores_on`.
    """
    if split is None or request.eval_every is None:
        return None
    return scores_on(split, request.eval_every, size, request.seed, request.workers)


def scores_on(split: Split, every: int, size: int, seed: int, workers: int) -> EpochScores:
    """Judge by images of a split that have a class, at the side that the encoder sees.

    Raises:
        DatasetError: they are of fewer than two classes.
    """
    numbers = np.flatnonzero(split.labels >= 0)
    most = min(MOST_IMAGES, MOST_BYTES // (3 * size**2))
    numbers = np.sort(np.random.default_rng(seed).permutation(numbers)[:most])

    def read(number: int) -> np.ndarray | None:
        try:
            return square_of(split.images, number, Resize(size))
        except Unusable:
            return None

    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(read, numbers.tolist()))
    usable = np.array([square is not None for square in found], bool)
    present, labels = np.unique(split.labels[numbers[usable]], return_inverse=True)
    if len(present) < 2:
        raise DatasetError(
            f"--eval-every needs usable images of two classes, and here are {len(present)}",
            "name a data set with labels: --eval-data NAME:PATH",
        )
    squares = np.stack([square for square in found if square is not None])
    return EpochScores(every, squares, labels.astype(np.int64), len(present), seed)
