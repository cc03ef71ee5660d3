"""Classes that nobody named: k-means clusters of all images, and an order of rows that gives each its turn.

Letters: n images, d dim, K clusters.
"""

from __future__ import annotations

import warnings

import numpy as np

RESTARTS = 10  # k-means++ starts where there are no centres to go on from
ITERATIONS = 100
SEEDS = 2**31  # how many there are to draw from


def clustered(
    rows: np.ndarray, clusters: int, rng: np.random.Generator, centres: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """k-means: (n,) int64 labels in [0, K) and (K, d) centres of (n, d) rows.

    `centres` of an earlier time are gone on from, so that labels keep their meaning; None begins anew.
    Some cluster may be empty where fewer rows than clusters differ.  The same rows, centres and state of
    `rng` give the same clusters, however many processes ask.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    begin = {"init": "k-means++", "n_init": RESTARTS} if centres is None else {"init": centres, "n_init": 1}
    fit = KMeans(clusters, max_iter=ITERATIONS, random_state=int(rng.integers(SEEDS)), **begin)
    # With several threads sums depend on which comes first.
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer different rows than clusters: the order copes
        fit.fit(rows)
    return fit.labels_.astype(np.int64), fit.cluster_centers_.astype(rows.dtype)


def balanced_order(labels: np.ndarray, clusters: int, instances: int, rng: np.random.Generator) -> np.ndarray:
    """(K instances,) rows: `instances` of one cluster, then of another, each cluster once, in random order.

    Of a cluster with fewer members some come more than once.  Where some of the K clusters are empty, others
    have a second turn, so that the order is as long as ever.
    """
    members = [np.flatnonzero(labels == number) for number in np.unique(labels)]
    rounds = -(-clusters // len(members))
    turns = np.concatenate([rng.permutation(len(members)) for _ in range(rounds)])[:clusters]
    drawn = [rng.choice(members[turn], instances, replace=len(members[turn]) < instances) for turn in turns]
    return np.concatenate(drawn)
