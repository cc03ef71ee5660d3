"""The one resize of augnet: in training, in evaluation and in use a picture is made smaller by this and nothing else."""

from __future__ import annotations

import numpy as np
from PIL import Image

# What `records.Resize.filter` calls `bilinear`: Pillow's triangle, widened when it shrinks, hence antialiased.
FILTER = Image.Resampling.BILINEAR


def resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """`image` stretched to `size` (width, height)."""
    return image.resize(size, FILTER)


def square(pixels: np.ndarray, side: int) -> np.ndarray:
    """(h, w, 3) uint8 to (side, side, 3): the whole picture, as the encoder takes it (fit `stretch`)."""
    return np.asarray(resized(Image.fromarray(pixels), (side, side)))
