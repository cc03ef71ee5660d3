"""SCAN's strong views: mirrored or not, four changes drawn from a list, and a piece cut out.

Source: W. Van Gansbeke et al., "SCAN: Learning to Classify Images without Labels" (2020), after E. Cubuk et
al., "RandAugment" (2020), and T. DeVries and G. Taylor, "Improved Regularization of Convolutional Neural
Networks with Cutout" (2017).  The strengths of enhancing changes only ever reduce.

Differs from the published code: any picture is first stretched to the square that the encoder takes, as it is
in use; there, pictures had that size.  The piece is cut out before the encoder normalises, and filled with
the mean that it then subtracts: the same as cutting out afterwards and filling with 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor

from augnet_cli.images.squares import square

DRAWN = 4  # changes of one view, with replacement
SMALL = 32  # pixels: sides up to this have up to half cut out, as CIFAR's; larger ones a third

# Each takes an image and a draw u in [0, 1) that says how strong.
Change = Callable[[Image.Image, float], Image.Image]


def between(low: float, high: float, u: float) -> float:
    """The number at share `u` of the way."""
    return low + (high - low) * u


def _enhanced(kind: Callable[[Image.Image], ImageEnhance._Enhance]) -> Change:
    return lambda image, u: kind(image).enhance(between(0.05, 0.95, u))


def _moved(across: float, down: float, shear_x: float = 0, shear_y: float = 0) -> Change:
    """A shift by shares of the side, or a shear; nearest pixel, black beyond the edge."""

    def change(image: Image.Image, u: float) -> Image.Image:
        by = between(-0.1, 0.1, u)
        matrix = (
            1,
            by * shear_x,
            by * across * image.width,
            by * shear_y,
            1,
            by * down * image.height,
        )
        return image.transform(image.size, Image.Transform.AFFINE, matrix)

    return change


CHANGES: dict[str, Change] = {
    "identity": lambda image, u: image,
    "autocontrast": lambda image, u: ImageOps.autocontrast(image),
    "equalize": lambda image, u: ImageOps.equalize(image),
    "rotate": lambda image, u: image.rotate(between(-30, 30, u)),
    "solarize": lambda image, u: ImageOps.solarize(image, int(between(0, 256, u))),
    "colour": _enhanced(ImageEnhance.Color),
    "contrast": _enhanced(ImageEnhance.Contrast),
    "brightness": _enhanced(ImageEnhance.Brightness),
    "sharpness": _enhanced(ImageEnhance.Sharpness),
    "shear_x": _moved(0, 0, shear_x=1),
    "translate_x": _moved(1, 0),
    "translate_y": _moved(0, 1),
    "posterize": lambda image, u: ImageOps.posterize(image, int(between(4, 8, u))),
    "shear_y": _moved(0, 0, shear_y=1),
}
NAMES = tuple(CHANGES)


@dataclass(frozen=True)
class StrongViews:
    """Views that keep what a picture shows and little of how it looks.

    `mean` (3,) in [0, 1] fills what is cut out; `cutout` is the longest side of it in pixels.
    """

    size: int
    mean: tuple[float, ...]
    cutout: int
    flip: float = 0.5

    def crop(self, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        image = Image.fromarray(square(source, self.size))
        if rng.random() < self.flip:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        for _ in range(DRAWN):
            image = CHANGES[NAMES[rng.integers(len(NAMES))]](image, rng.random())
        return np.asarray(image)

    def finish(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        count = len(batch)
        sides = torch.randint(1, self.cutout + 1, (count,), generator=generator)
        centres = torch.randint(0, self.size, (count, 2), generator=generator)
        return cut_out(batch, centres, sides, batch.new_tensor(self.mean))


def longest_cut(size: int) -> int:
    """The longest side in pixels of what is cut out of a square: 16 of 32, 32 of 96, 75 of 224."""
    return max(1, size // 2 if size <= SMALL else round(size / 3))


def cut_out(batch: Tensor, centres: Tensor, sides: Tensor, colour: Tensor) -> Tensor:
    """(B, 3, S, S) with a square of side (B,) around its centre (B, 2: row, column) in one colour (3,).

    It reaches half its side, rounded down, to either way, and ends at the edge.
    """
    places = torch.arange(batch.shape[2])
    reach = (sides // 2)[:, None, None]
    apart = places[None, None, :] - centres[:, :, None]  # (B, 2, S)
    inside = (apart >= -reach) & (apart < reach)
    holes = (inside[:, 0, :, None] & inside[:, 1, None, :])[:, None].to(batch.device)
    return torch.where(holes, colour[None, :, None, None], batch)
