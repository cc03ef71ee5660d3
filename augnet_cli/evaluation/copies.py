"""How well distances tell copies from other pictures: the measures of copy detection.

Protocol "star", as the near-duplicate benchmark defines it: a true pair is an original and one of its own
copies; two copies of one original are left out; every pair across groups is false.
Letters: n images, p pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PRECISIONS = (0.9, 0.99, 0.999)
RECALL_K = 32


@dataclass(frozen=True)
class CopyTruth:
    """What is known of a benchmark folder; all fields run alike over its n images.

    `group` is -1 for a picture without copies; `original` marks the one of a group the others were made from.
    """

    paths: tuple[str, ...]
    group: np.ndarray  # (n,) int64
    original: np.ndarray  # (n,) bool
    transform: tuple[str, ...]


@dataclass(frozen=True)
class CopyResult:
    """Scores of one ranking.

    `micro_ap`: micro average precision (µAP) over all pairs.
    `recall`, `threshold`: by precision, the recall there and the largest distance let in.
    `recall_at_k`: share of copies whose original is among their RECALL_K nearest.
    `by_transform`: recall of each kind of change at precision 0.99.
    """

    micro_ap: float
    recall: dict[float, float]
    threshold: dict[float, float]
    recall_at_k: float
    by_transform: dict[str, float]


def judge_copies(truth: CopyTruth, distances: np.ndarray) -> CopyResult:
    """Score an (n, n) symmetric matrix of distances, smaller is nearer, rows in the order of `truth`."""
    left, right, true = true_pairs(truth)
    values = distances[left, right]
    precision, recall, at = precision_recall(values, true)
    recalls, thresholds = {}, {}
    for level in PRECISIONS:
        good = np.flatnonzero(precision >= level)
        recalls[level] = float(recall[good[-1]]) if len(good) else 0.0
        thresholds[level] = float(at[good[-1]]) if len(good) else float("nan")
    found = values[true] <= thresholds[0.99]
    kinds = np.array(truth.transform)[np.where(truth.original[left[true]], right[true], left[true])]
    return CopyResult(
        micro_ap=average_precision(precision, recall),
        recall=recalls,
        threshold=thresholds,
        recall_at_k=recall_at_k(truth, distances, RECALL_K),
        by_transform={str(kind): float(found[kinds == kind].mean()) for kind in np.unique(kinds)},
    )


def true_pairs(truth: CopyTruth) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs that count, (p,) left < right, and which of them are true, (p,) bool."""
    left, right = np.triu_indices(len(truth.paths), 1)
    same = (truth.group[left] == truth.group[right]) & (truth.group[left] >= 0)
    counted = ~same | truth.original[left] | truth.original[right]
    return left[counted], right[counted], same[counted]


def precision_recall(distances: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision and recall at every different distance, ascending; equal distances count together."""
    order = np.argsort(distances, kind="stable")
    ranked, hits = distances[order], np.cumsum(true[order])
    last = np.append(ranked[1:] != ranked[:-1], True)
    precision = (hits / np.arange(1, len(hits) + 1))[last]
    return precision, (hits / max(1, hits[-1]))[last], ranked[last]


def average_precision(precision: np.ndarray, recall: np.ndarray) -> float:
    """Area under precision over recall, by steps of recall."""
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def recall_at_k(truth: CopyTruth, distances: np.ndarray, k: int) -> float:
    """Share of copies that have their original among their k nearest other images."""
    originals = {int(group): row for row, group in enumerate(truth.group) if truth.original[row]}
    copies = [row for row in range(len(truth.paths)) if truth.group[row] >= 0 and not truth.original[row]]
    found = 0
    for row in copies:
        to_others = distances[row].astype(np.float64).copy()
        to_others[row] = np.inf
        own = to_others[originals[int(truth.group[row])]]
        # Ties count against: the original must be among the k nearest whatever their order.
        found += int((to_others <= own).sum() <= k)
    return found / max(1, len(copies))
