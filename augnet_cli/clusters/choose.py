"""How many clusters a folder falls into: what stays the same when half of the images are left out.

For each k two halves, drawn at random, are clustered apart and each result is carried over to all images; how
far both agree is k's stability (Lange, Roth, Braun and Buhmann, "Stability-Based Validation of Clustering
Solutions", 2004; here by the adjusted Rand index).  Few clusters are stable even where there are none, so the
stability of rows without clusters, of the same covariance, is taken off, and likewise of the silhouette
(Rousseeuw, 1987), as the gap statistic does for the spread (Tibshirani, Walther and Hastie, 2001).
Of all k that are at least half as stable as the most stable one, that is chosen for which both advantages,
each in parts of its best, are largest together.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from augnet_cli.clusters.space import unit
from augnet_cli.progress import SILENT, Progress
from augnet_cli.results import ClusterCount

# Numbers tried: steps of about a fifth, since no folder tells 40 clusters from 41.
TRIED = (2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 24, 28, 34, 40, 48, 57, 68, 80, 96)
ROWS_A_CLUSTER = 8  # a half that gives a cluster fewer than four rows says nothing of it
STARTS = 2  # of each k-means
SILHOUETTE_ROWS = 2000
STABLE = 0.5  # of the best advantage in stability


@dataclass(frozen=True)
class Effort:
    """What a choice may cost.

    Attributes:
        tried: numbers of clusters.
        rows: that it is made from; of more a sample.
        draws, null_draws: halvings of the rows, and of rows without clusters.
    """

    tried: tuple[int, ...]
    rows: int
    draws: int
    null_draws: int


# More rows move no stability by as much as another draw does.
THOROUGH = Effort(TRIED, 4000, 3, 2)
# For the parts of each cluster of a folder: half a second each.
QUICK = Effort((2, 3, 4, 5, 6, 8), 1000, 2, 1)


@dataclass(frozen=True)
class Choice:
    """The number of clusters, and what it was chosen from."""

    k: int
    curve: tuple[ClusterCount, ...]


def choose_count(
    rows: np.ndarray, seed: int, effort: Effort = THOROUGH, progress: Progress = SILENT
) -> Choice:
    """Choose how many clusters rows fall into.

    Args:
        rows: (n, c) float32 unit rows of the look space.

    Returns:
        one of `effort.tried`; 1, with no curve, where there are too few rows to tell.
    """
    random = np.random.default_rng(seed)
    sample = rows
    if len(rows) > effort.rows:
        sample = rows[np.sort(random.permutation(len(rows))[: effort.rows])]
    tried = [k for k in effort.tried if k * ROWS_A_CLUSTER <= len(sample)]
    if not tried:
        return Choice(1, ())
    shapeless = _without_clusters(sample, random)
    progress.start("choosing the number of clusters", None)
    real, null = [], []
    for k in tried:
        real.append(_judged(sample, k, effort.draws, random))
        null.append(_judged(shapeless, k, effort.null_draws, random))
    progress.finish()
    advantage = np.array(real) - np.array(null)
    scores = score_of(advantage[:, 0], advantage[:, 1])
    best = int(np.argmax(scores))
    curve = tuple(
        ClusterCount(k, float(stability), float(silhouette), float(score))
        for k, (stability, silhouette), score in zip(tried, real, scores, strict=True)
    )
    return Choice(tried[best], curve)


def score_of(stability: np.ndarray, silhouette: np.ndarray) -> np.ndarray:
    """(t,) float64 from the advantages (t,) of each number tried; 0 for those too unstable to be chosen."""
    best = max(float(stability.max()), 0.0)
    if best == 0:  # nothing is more stable than rows without clusters: the fewest
        return np.where(np.arange(len(stability)) == 0, 1.0, 0.0)
    widest = max(float(silhouette.max()), np.finfo(float).tiny)
    scores: np.ndarray = stability / best + np.maximum(silhouette, 0) / widest
    return np.where(stability >= STABLE * best, scores, 0.0)


def _judged(rows: np.ndarray, k: int, draws: int, random: np.random.Generator) -> tuple[float, float]:
    """Stability and silhouette of rows in k clusters."""
    from sklearn.metrics import adjusted_rand_score

    stable = []
    for _ in range(draws):
        order = random.permutation(len(rows))
        half = len(rows) // 2
        one, other = (_fitted(rows[part], k, random).predict(rows) for part in (order[:half], order[half:]))
        stable.append(adjusted_rand_score(one, other))
    return float(np.mean(stable)), _silhouette(rows, _fitted(rows, k, random).labels_, random)


def _silhouette(rows: np.ndarray, labels: np.ndarray, random: np.random.Generator) -> float:
    """Of a sample; 0 where that holds one cluster alone."""
    from sklearn.metrics import silhouette_score

    sample = random.permutation(len(rows))[:SILHOUETTE_ROWS]
    if len(np.unique(labels[sample])) == 1:
        return 0.0
    return float(silhouette_score(rows[sample], labels[sample]))


def _fitted(rows: np.ndarray, k: int, random: np.random.Generator) -> Any:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    # One thread, as in `partition`: the same rows are to give the same choice.
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return KMeans(k, n_init=STARTS, random_state=int(random.integers(1 << 31))).fit(rows)


def _without_clusters(rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """As many unit rows of the same mean and covariance, of one normal distribution."""
    centred = rows - rows.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    drawn = random.standard_normal((len(rows), len(sizes))) * sizes / np.sqrt(len(rows))
    return unit(rows.mean(axis=0) + drawn @ directions)
