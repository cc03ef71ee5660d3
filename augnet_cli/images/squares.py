"""The one resize of augnet: by this a picture is made smaller in training, in evaluation and in use."""

from __future__ import annotations

import numpy as np
from PIL import Image

# `bilinear` in `records.Resize.filter`: Pillow's triangle, widened when it shrinks, hence antialiased.
FILTER = Image.Resampling.BILINEAR


def resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """`image` stretched to `size` (width, height)."""
    return image.resize(size, FILTER)


def square(pixels: np.ndarray, side: int) -> np.ndarray:
    """(h, w, 3) uint8 to (side, side, 3): the whole picture, as the encoder takes it (fit `stretch`)."""
    return np.asarray(resized(Image.fromarray(pixels), (side, side)))
