"""Views that show nearly all of a picture: it is stretched to a square, of which a window is taken.

Source: the pre-processing of CBSwR (B. X. Nguyen et al., 2020): pictures stretched to 256 pixels, windows of
224.  Letters: B images, S side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image
from torch import Generator, Tensor

from augnet_cli.images.squares import FILTER

SHARE = 224 / 256  # side of the window over that of the square


@dataclass(frozen=True)
class WindowViews:
    """A window as wide as `SHARE` of the picture and as high as `SHARE` of it; mirrored or not.

    The square is never made: a window of it is a part of the picture that is stretched.
    """

    size: int
    flip: float = 0.75  # probability; the published one

    def crop(self, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        height, width = source.shape[:2]
        left, top = rng.uniform(0, width * (1 - SHARE)), rng.uniform(0, height * (1 - SHARE))
        box = (left, top, left + width * SHARE, top + height * SHARE)
        image = Image.fromarray(source).resize((self.size, self.size), FILTER, box=box)
        if rng.random() < self.flip:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return np.asarray(image)

    def finish(self, batch: Tensor, generator: Generator) -> Tensor:
        return batch
