"""Whether images of a query's class come first among all others: recall at k, and mean average precision.

Labels judge only; nothing here is seen by training.
Letters: n images, b images of one block.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

BLOCK = 512  # queries ranked at a time: 20 MB of order where n is 5,000


@dataclass(frozen=True)
class Retrieval:
    """How near images of one class are to each other.

    Attributes:
        recall: by k, the share of queries with an image of their class among the k nearest others (R@k, as
            Jegou et al., "Product Quantization for Nearest Neighbor Search", 2011, for several right ones).
        mean_ap: the mean, over queries, of average precision: of the precision at the rank of each image of
            the class (mAP).
        queries: how many there were: images whose class has another one.
    """

    recall: Mapping[int, float]
    mean_ap: float
    queries: int


def judge_retrieval(distances: np.ndarray, labels: np.ndarray, at: Sequence[int] = (1, 10)) -> Retrieval:
    """Ask by each image for all others.

    Args:
        distances: (n, n), smaller is nearer; the diagonal says nothing.  Of equal ones the first is nearer.
        labels: (n,) classes, integers or text.
        at: the k of R@k, each at least 1.

    Raises:
        ValueError: no image has another one of its class.
    """
    classes, numbers = np.unique(labels, return_inverse=True)
    others = np.bincount(numbers, minlength=len(classes))[numbers] - 1
    asked = np.flatnonzero(others > 0)
    if not len(asked):
        raise ValueError("no image has another one of its class")
    found = dict.fromkeys(at, 0)
    precision = 0.0
    for start in range(0, len(asked), BLOCK):
        queries = asked[start : start + BLOCK]
        apart = distances[queries].astype(np.float64)
        apart[np.arange(len(queries)), queries] = np.inf
        order = np.argsort(apart, axis=1, kind="stable")[:, :-1]
        right = numbers[order] == numbers[queries][:, None]
        for k in at:
            found[k] += int(right[:, :k].any(axis=1).sum())
        so_far = np.cumsum(right, axis=1) / np.arange(1, right.shape[1] + 1)
        precision += float(((so_far * right).sum(axis=1) / others[queries]).sum())
    return Retrieval({k: hits / len(asked) for k, hits in found.items()}, precision / len(asked), len(asked))
