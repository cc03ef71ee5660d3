"""Near copies counted once, so that many copies of one picture don't make a cluster of their own."""

from __future__ import annotations

import numpy as np

from augnet_cli.records import Pairs


def standing_for(pairs: Pairs, rows: int) -> np.ndarray:
    """Which row stands for each: itself, or an earlier one within the distance.

    A star around each row that stands for others, no chains: what is far from it stands for itself.

    Args:
        pairs: near pairs, sorted by (left, right).
        rows: n.

    Returns:
        (n,) int64, at most its own position; of a row that stands for others it is the row itself.
    """
    stands = np.arange(rows)
    starts = np.searchsorted(pairs.left, np.arange(rows + 1))
    for row in np.unique(pairs.left).tolist():
        if stands[row] == row:
            near = pairs.right[starts[row] : starts[row + 1]]
            free = near[stands[near] == near]
            stands[free] = row
    return stands
