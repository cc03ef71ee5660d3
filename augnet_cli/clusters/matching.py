"""Numbers of clusters that stay the same from one run to the next, by what the clusters share."""

from __future__ import annotations

import numpy as np


def renumbered(labels: np.ndarray, before: np.ndarray, k: int) -> np.ndarray:
    """New numbers for k clusters, such that those of an earlier run keep theirs as far as possible.

    Args:
        labels: (n,) int64 in [0, k), or negative for none.
        before: (n,) int64, the number that each row had, or negative where it is new or had none.
        k: clusters now.

    Returns:
        (k,) int64: the new number of each, 0 to k - 1.  Clusters share as many rows as can be with the
        earlier one of the same number (the assignment problem: Kuhn, 1955); those that match none get what
        is left over, in their own order.
    """
    from scipy.optimize import linear_sum_assignment

    known = (labels >= 0) & (before >= 0) & (before < k)
    shared = np.zeros((k, k), np.int64)
    np.add.at(shared, (labels[known], before[known]), 1)
    now, earlier = linear_sum_assignment(shared, maximize=True)
    numbers = np.full(k, -1, np.int64)
    good = shared[now, earlier] > 0
    numbers[now[good]] = earlier[good]
    numbers[numbers < 0] = np.setdiff1d(np.arange(k), numbers)
    return numbers


def by_size(labels: np.ndarray, weights: np.ndarray, k: int) -> np.ndarray:
    """(k,) int64: numbers by size, the largest 0, ties by the smallest row; none may be empty.

    Args:
        labels: (n,) int64 in [0, k), or negative for none.
        weights: (n,) what each row counts.
    """
    rows = np.flatnonzero(labels >= 0)
    sizes = np.bincount(labels[rows], weights=weights[rows], minlength=k)
    first = np.full(k, len(labels))
    np.minimum.at(first, labels[rows], rows)
    numbers = np.empty(k, np.int64)
    numbers[np.lexsort((first, -sizes))] = np.arange(k)
    return numbers
