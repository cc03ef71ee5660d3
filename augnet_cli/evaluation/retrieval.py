"""Whether images of a query's class come first among all others: recall at k, and mean average precision.

Labels judge only; nothing here is seen by training.
Letters: n images, b images of one block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

BLOCK_ORDER = 2_500_000  # distances ranked at a time: 20 MB of order


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
    return _judged(lambda queries: distances[queries].astype(np.float64), labels, at)


def judge_rows(rows: np.ndarray, labels: np.ndarray, at: Sequence[int] = (1, 10)) -> Retrieval:
    """As `judge_retrieval`, by the cosine distances of (n, d) unit rows; never all of them in memory."""
    return _judged(lambda queries: 1 - (rows[queries] @ rows.T).astype(np.float64), labels, at)


def _judged(
    distances_of: Callable[[np.ndarray], np.ndarray], labels: np.ndarray, at: Sequence[int]
) -> Retrieval:
    """`distances_of` some queries (b,) gives new (b, n) distances to all images."""
    classes, numbers = np.unique(labels, return_inverse=True)
    others = np.bincount(numbers, minlength=len(classes))[numbers] - 1
    asked = np.flatnonzero(others > 0)
    if not len(asked):
        raise ValueError("no image has another one of its class")
    found = dict.fromkeys(at, 0)
    precision = 0.0
    block = max(1, BLOCK_ORDER // len(labels))
    for start in range(0, len(asked), block):
        queries = asked[start : start + block]
        apart = distances_of(queries)
        apart[np.arange(len(queries)), queries] = np.inf
        order = np.argsort(apart, axis=1, kind="stable")[:, :-1]
        right = numbers[order] == numbers[queries][:, None]
        for k in at:
            found[k] += int(right[:, :k].any(axis=1).sum())
        so_far = np.cumsum(right, axis=1) / np.arange(1, right.shape[1] + 1)
        precision += float(((so_far * right).sum(axis=1) / others[queries]).sum())
    return Retrieval({k: hits / len(asked) for k, hits in found.items()}, precision / len(asked), len(asked))


def recall_as_published(rows: np.ndarray, labels: np.ndarray, at: Sequence[int]) -> dict[int, float]:
    """Recall at k as the code of UDML-SS (Cao, Chen and Lim, 2019) and Deep_Metric counts it.

    An image stays among those that it is compared with, at similarity 0, and is then of its own class; a
    query is right where fewer than k images are strictly nearer than the best of its class: ties are in its
    favour.
    """
    _, numbers = np.unique(labels, return_inverse=True)
    found = dict.fromkeys(at, 0)
    block = max(1, BLOCK_ORDER // len(labels))
    for start in range(0, len(labels), block):
        own = np.arange(start, min(start + block, len(labels)))
        alike = (rows[own] @ rows.T).astype(np.float64)
        alike[np.arange(len(own)), own] = 0
        best = np.where(numbers[own][:, None] == numbers, alike, -np.inf).max(axis=1)
        nearer = (alike > best[:, None]).sum(axis=1)
        for k in at:
            found[k] += int((nearer < k).sum())
    return {k: hits / len(labels) for k, hits in found.items()}
