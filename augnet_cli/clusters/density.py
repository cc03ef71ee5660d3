"""Clusters as dense places, with what lies between them left out (HDBSCAN: Campello, Moulavi and Sander,
"Density-Based Clustering Based on Hierarchical Density Estimates", 2013).
"""

from __future__ import annotations

import numpy as np

from augnet_cli.clusters.space import main_directions
from augnet_cli.results import NO_CLUSTER

# Density means little in many directions: in 32 nearly all images of a folder of photographs are noise.
DIRECTIONS = 10
# The smallest cluster, in parts of the square root of the number of images: 5 of 100 images, 35 of 5,000.
SMALLEST_SHARE, SMALLEST = 0.5, 5
# How many neighbours must be near for a place to be dense.
NEIGHBOURS = 5
# Of more rows a sample is clustered, and the others go where the nearest of them are: time grows with the
# square of the number.
FITTED = 50_000


def dense_clusters(rows: np.ndarray, seed: int) -> np.ndarray:
    """Cluster rows of the look space by density.

    Args:
        rows: (n, c) float32 unit rows.
        seed: of the sample, where there are more than FITTED rows.

    Returns:
        (n,) int64 in [0, k), NO_CLUSTER for noise; k may be 0.
    """
    if len(rows) < 2 * SMALLEST:
        return np.zeros(len(rows), np.int64)
    placed = main_directions(rows, DIRECTIONS).astype(np.float64)
    if len(rows) <= FITTED:
        return _dense(placed)
    from sklearn.neighbors import KNeighborsClassifier

    sample = np.sort(np.random.default_rng(seed).permutation(len(rows))[:FITTED])
    labels = _dense(placed[sample])
    nearest = KNeighborsClassifier(NEIGHBOURS, algorithm="kd_tree").fit(placed[sample], labels)
    found: np.ndarray = nearest.predict(placed)
    return found


def smallest_cluster(rows: int) -> int:
    """How many images a dense cluster has at least."""
    return max(SMALLEST, round(SMALLEST_SHARE * rows**0.5))


def _dense(placed: np.ndarray) -> np.ndarray:
    from sklearn.cluster import HDBSCAN

    # A copy: scikit-learn would work in the array that it is given.
    method = HDBSCAN(
        min_cluster_size=smallest_cluster(len(placed)), min_samples=NEIGHBOURS, algorithm="kd_tree", copy=True
    )
    labels: np.ndarray = method.fit(placed).labels_.astype(np.int64)
    labels[labels < 0] = NO_CLUSTER
    return labels
