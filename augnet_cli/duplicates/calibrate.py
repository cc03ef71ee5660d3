"""From distances of known copies and of different images to the threshold for a precision."""

from __future__ import annotations

import numpy as np


def threshold_for_precision(copies: np.ndarray, others: np.ndarray, precision: float) -> tuple[float, float]:
    """The largest distance at which the share of true pairs is at least `precision`.

    Args:
        copies: (p,) distances of an image and its altered copy.
        others: (q,) distances of pairs of different images.
        precision: wanted share of copies among all pairs at or under the threshold, in (0, 1].

    Returns:
        The threshold, one of `copies` (0.0 if no distance will do), and the recall of copies there.
    """
    if len(copies) == 0:
        return 0.0, 0.0
    found = np.sort(copies)
    # Equal distances fall on the same side of an inclusive threshold: count all of them.
    true = np.searchsorted(found, found, side="right")
    false = np.searchsorted(np.sort(others), found, side="right")
    good = np.flatnonzero(true / (true + false) >= precision)
    if not len(good):
        return 0.0, 0.0
    best = good[-1]
    return float(found[best]), float(true[best] / len(found))
