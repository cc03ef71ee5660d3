"""Whether a picture was only made larger: it has more pixels than another, but shows no more in them.

What is finer than the other's pixels is measured by making a picture smaller and large again, which loses
just that.  A picture of the world has about as much at every scale (Field, "Relations between the statistics
of natural images and the response properties of cortical cells", 1987); an enlargement has next to none at
its own.
"""

from __future__ import annotations

import numpy as np

# The larger one's share of what the smaller one has at its own scale, times the ratio of their sides.  In
# trials with 60 photographs 99 in 100 enlargements lay under 0.47 (sides 1.25 times as long), 0.35 (1.5) and
# 0.19 (2 and 3), of originals beside copies made smaller 99 in 100 over 0.42.
LEAST_DETAIL = 0.4
LEAST_RATIO = 1.2  # of the sides: nearer ones differ too little to tell
BLOCK = 16  # pixels
BUSY = 0.75  # quantile of the blocks: where there is something to see, but not one odd spot


def is_enlarged(large: np.ndarray, small: np.ndarray) -> bool:
    """Whether `large`, (h, w) uint8 grey as in its file, shows no more than `small` of the same picture."""
    ratio = float(np.sqrt(large.size / max(small.size, 1)))
    if ratio < LEAST_RATIO:
        return False
    return fine_detail(large, ratio) * ratio < LEAST_DETAIL * fine_detail(small, ratio)


def fine_detail(grey: np.ndarray, ratio: float) -> float:
    """Mean square, in levels, of what is lost when sides are made `ratio` times shorter, in a busy block."""
    import cv2

    height, width = grey.shape
    size = (max(BLOCK // 2, round(width / ratio)), max(BLOCK // 2, round(height / ratio)))
    smaller = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    again = cv2.resize(smaller, (width, height), interpolation=cv2.INTER_CUBIC)
    lost = (grey.astype(np.float32) - again.astype(np.float32)) ** 2
    rows, columns = height // BLOCK, width // BLOCK
    if not rows or not columns:
        return float(lost.mean())
    whole = lost[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return float(np.quantile(whole.mean(axis=(1, 3)), BUSY))
