"""Views that are crops, mirrored or not, and change no colour: what most research code calls standard.

Two kinds: a piece of any size and shape that is stretched to the view, and the whole picture moved by a few
pixels over a black ground.

Source: the crop of random size is that of Szegedy et al., "Going Deeper with Convolutions" (2015), section
6, as torchvision draws it (`RandomResizedCrop`); the moved picture is that of He et al., "Deep Residual
Learning" (2016), section 4.2.
Letters: B images, S side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image
from torch import Generator, Tensor

from augnet_cli.images.squares import FILTER, square

SHAPES = (3 / 4, 4 / 3)  # width over height of a crop, even in its logarithm
TRIES = 10  # to find a crop within the picture, before one in its middle is taken


@dataclass(frozen=True)
class CropViews:
    """A piece of `min_area` to `max_area` of the picture's area, stretched to a square; mirrored or not."""

    size: int
    min_area: float = 0.2
    max_area: float = 1.0
    flip: float = 0.5  # probability

    def crop(self, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        box = crop_box(source.shape[1], source.shape[0], (self.min_area, self.max_area), rng)
        return mirrored(resized_box(source, box, self.size), self.flip, rng)

    def finish(self, batch: Tensor, generator: Generator) -> Tensor:
        return batch


@dataclass(frozen=True)
class ShiftedViews:
    """The whole picture as a square, moved by up to `padding` pixels each way; black comes in from beyond."""

    size: int
    padding: int = 4  # pixels of the view; that of CIFAR's 32
    flip: float = 0.5  # probability

    def crop(self, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        whole = square(source, self.size)
        margin = ((self.padding, self.padding), (self.padding, self.padding), (0, 0))
        top, left = rng.integers(0, 2 * self.padding + 1, 2)
        moved = np.pad(whole, margin)[top : top + self.size, left : left + self.size]
        return mirrored(moved, self.flip, rng)

    def finish(self, batch: Tensor, generator: Generator) -> Tensor:
        return batch


def crop_box(
    width: int, height: int, area: tuple[float, float], rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) in whole pixels of a crop of a share of the picture in `area`.

    Drawn until it fits, ten times at most; then as much of the middle as has an allowed shape.
    """
    for _ in range(TRIES):
        target = width * height * rng.uniform(*area)
        shape = math.exp(rng.uniform(math.log(SHAPES[0]), math.log(SHAPES[1])))
        across, down = round(math.sqrt(target * shape)), round(math.sqrt(target / shape))
        if 0 < across <= width and 0 < down <= height:
            left, top = int(rng.integers(0, width - across + 1)), int(rng.integers(0, height - down + 1))
            return left, top, left + across, top + down
    across = min(width, max(1, round(height * SHAPES[1])))
    down = min(height, max(1, round(width / SHAPES[0])))
    left, top = (width - across) // 2, (height - down) // 2
    return left, top, left + across, top + down


def resized_box(source: np.ndarray, box: tuple[int, int, int, int], size: int) -> np.ndarray:
    """(S, S, 3) uint8: the pixels of a box of (h, w, 3) uint8, stretched; none beyond it has a share."""
    return np.asarray(Image.fromarray(source).crop(box).resize((size, size), FILTER))


def mirrored(view: np.ndarray, chance: float, rng: np.random.Generator) -> np.ndarray:
    """(S, S, 3) as it is, or left for right with a probability of `chance`."""
    return view[:, ::-1] if rng.random() < chance else view
