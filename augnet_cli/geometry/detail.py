"""Whether a picture was only made larger: it has more pixels than another, but shows no more in them.

What is finer than the other's pixels is measured by making a picture smaller and large again, which loses
just that.  A picture of the world has about as much at every scale (Field, "Relations between the statistics
of natural images and the response properties of cortical cells", 1987); an enlargement has next to none at
its own.
"""

from __future__ import annotations

import numpy as np

# The larger one's share of what the smaller one has at its own scale, times the ratio of their sides.  In
# trials with 60 photographs, three filters and JPEG, enlargements lay under 0.49 (sides 1.25 times as long),
# 0.41 (1.5) and 0.22 (2 and 3), originals beside copies made smaller over 0.65.
LEAST_DETAIL = 0.5
LEAST_VISIBLE = 1.0  # mean square, in levels: what compression adds to a smooth picture is no detail
LEAST_RATIO = 1.2  # of the sides: nearer ones differ too little to tell
LEAST_SIDE = 8  # pixels


def is_enlarged(large: np.ndarray, small: np.ndarray) -> bool:
    """Whether `large`, (h, w) uint8 grey as in its file, shows no more than `small`, of the same whole
    picture.
    """
    ratio = float(np.sqrt(large.size / max(small.size, 1)))
    if ratio < LEAST_RATIO:
        return False
    detail = fine_detail(small, ratio)
    if detail < LEAST_VISIBLE:
        return False
    return fine_detail(large, ratio) * ratio < LEAST_DETAIL * detail


def fine_detail(grey: np.ndarray, ratio: float) -> float:
    """Mean square, in levels, of what is lost when sides are made `ratio` times shorter."""
    import cv2

    height, width = grey.shape
    size = (max(LEAST_SIDE, round(width / ratio)), max(LEAST_SIDE, round(height / ratio)))
    smaller = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    again = cv2.resize(smaller, (width, height), interpolation=cv2.INTER_CUBIC)
    lost = (grey.astype(np.float32) - again.astype(np.float32)) ** 2
    return float(lost.mean())
