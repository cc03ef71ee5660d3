"""What a cluster is about, in a few of its rows, and how it lies beside the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augnet_cli.clusters.partition import rows_by_cluster
from augnet_cli.clusters.space import unit

BLOCK_ROWS = 8192  # rows held in float64 at a time: 16 MiB at d = 256
EXEMPLARS = 5  # enough to see what a cluster is about, few enough for one line each
# Exemplars are looked for among so many of the members nearest to the centre: the farthest of all are mostly
# mistakes, which say nothing of the rest.
INNER = 0.9
BORDERLINE = 5
# A row is on the border if another centre is farther than its own by no more than this share.
DOUBTFUL = 0.05


@dataclass(frozen=True)
class Portrait:
    """One cluster in rows and distances.

    Attributes:
        medoid: the row with the smallest mean distance to all of the cluster.
        exemplars: (e,) int64, the medoid first.
        tightness: mean distance to the centre.
        neighbour, neighbour_distance: the cluster whose centre is nearest; None where there is no other.
        borderline: (b,) int64, the most doubtful first.
    """

    medoid: int
    exemplars: np.ndarray
    tightness: float
    neighbour: int | None
    neighbour_distance: float | None
    borderline: np.ndarray


def centres_of(embeddings: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """(k, d) float32 unit rows: directions of the means of clusters; labels below 0 don't count."""
    held = np.flatnonzero(labels >= 0)
    means = np.zeros((k, embeddings.shape[1]))
    for cluster, rows in enumerate(rows_by_cluster(labels[held], k)):
        for start in range(0, len(rows), BLOCK_ROWS):
            means[cluster] += embeddings[held[rows[start : start + BLOCK_ROWS]]].sum(axis=0, dtype=np.float64)
    return unit(means)


def distances_to(embeddings: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(n, k) float32 cosine distances of unit rows."""
    apart = np.empty((len(embeddings), len(centres)), np.float32)
    for start in range(0, len(embeddings), BLOCK_ROWS):
        apart[start : start + BLOCK_ROWS] = 1 - embeddings[start : start + BLOCK_ROWS] @ centres.T
    return np.clip(apart, 0, 2, out=apart)


def portraits(embeddings: np.ndarray, labels: np.ndarray, centres: np.ndarray) -> tuple[Portrait, ...]:
    """A portrait of each cluster.

    Args:
        embeddings: (n, d) float32 unit rows, copies left out.
        labels: (n,) int64 in [0, k), negative for rows of none; no cluster is empty.
        centres: (k, d) float32 unit rows, of `centres_of`.
    """
    held = np.flatnonzero(labels >= 0)
    between = distances_to(centres, centres)
    np.fill_diagonal(between, np.inf)
    drawn = []
    for cluster, places in enumerate(rows_by_cluster(labels[held], len(centres))):
        rows = held[places]
        apart = distances_to(embeddings[rows], centres)
        own = apart[:, cluster].copy()
        order = np.lexsort((rows, own))
        apart[:, cluster] = np.inf
        nearest = int(between[cluster].argmin())
        alone = len(centres) == 1
        drawn.append(
            Portrait(
                medoid=int(rows[order[0]]),
                exemplars=rows[_farthest_first(embeddings[rows], order, EXEMPLARS)],
                tightness=float(own.mean()),
                neighbour=None if alone else nearest,
                neighbour_distance=None if alone else float(between[cluster, nearest]),
                borderline=rows[_doubtful(own, apart.min(axis=1))][:BORDERLINE] if not alone else rows[:0],
            )
        )
    return tuple(drawn)


def _farthest_first(rows: np.ndarray, order: np.ndarray, count: int) -> np.ndarray:
    """Places of the first of `order`, then each time of the row farthest from those before (Gonzalez,
    "Clustering to Minimize the Maximum Intercluster Distance", 1985), of the nearest to the centre alone."""
    inner = order[: max(count, round(INNER * len(order)))]
    chosen = [int(inner[0])]
    apart = 1 - rows[inner] @ rows[chosen[0]]
    taken = np.zeros(len(inner), bool)
    taken[0] = True
    while len(chosen) < min(count, len(inner)):
        apart[taken] = -np.inf
        farthest = int(apart.argmax())
        taken[farthest] = True
        chosen.append(int(inner[farthest]))
        apart = np.minimum(apart, 1 - rows[inner] @ rows[inner[farthest]])
    return np.array(chosen, np.int64)


def _doubtful(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Places of rows that lie about as near to another centre, the most doubtful first."""
    margin = other - own
    near = np.flatnonzero(margin <= DOUBTFUL * np.maximum(own, np.finfo(np.float32).tiny))
    return near[np.argsort(margin[near], kind="stable")]
