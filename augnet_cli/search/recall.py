"""How sure one may be of a recall that was measured on rows drawn at random.

The pairs of one row are often all met or all missed, so rows with many of them tell less than as many rows
with one: p pairs of n_1, n_2, ... a row count as (sum n)^2 / sum n^2 (Kish, "Survey Sampling", 1965).
Of pairs drawn at random a share was met; that it is so large where the true share is under RECALL has at
most the chance of Hoeffding, "Probability Inequalities for Sums of Bounded Random Variables" (1963, theorem
1).  This holds as well where the search was made only as wide as these very pairs need (Wilks, "Determination
of Sample Sizes for Setting Tolerance Limits", 1941): too narrow a search meets fewer of them than the
narrowest of which RECALL is true, so to meet enough it would need the same unlikely draw.
"""

from __future__ import annotations

import math

import numpy as np

RECALL = 0.999
CONFIDENCE = 0.95
STEPS = 50  # halvings of an interval: more than a float can hold


def worth(rows: np.ndarray) -> float:
    """How many pairs drawn one by one some pairs are worth, found by these rows (p,)."""
    counts = np.unique(rows, return_counts=True)[1].astype(np.float64)
    return float(counts.sum() ** 2 / np.square(counts).sum()) if len(counts) else 0.0


def needed_pairs() -> float:
    """Of so many pairs none may be missed for the recall to be sure; of fewer it can't be."""
    return math.log(1 - CONFIDENCE) / math.log(RECALL)


def may_be_missed(pairs: float) -> float:
    """The share of so many pairs that may be missed for the recall to be sure; none of too few."""
    low, high = 0.0, 1 - RECALL
    if pairs * _divergence(1 - low) < math.log(1 / (1 - CONFIDENCE)):
        return 0.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        sure = pairs * _divergence(1 - middle) >= math.log(1 / (1 - CONFIDENCE))
        low, high = (middle, high) if sure else (low, middle)
    return low


def _divergence(met: float) -> float:
    """Of a share that was met from RECALL (Kullback and Leibler), for shares above it."""
    missed = 1 - met
    far = missed * math.log(missed / (1 - RECALL)) if missed else 0.0
    return far + met * math.log(met / RECALL)
