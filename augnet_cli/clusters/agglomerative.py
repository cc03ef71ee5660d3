"""Clusters by joining the two that are nearest, again and again (Ward, "Hierarchical Grouping to Optimize an
Objective Function", 1963), which finds small clusters beside large ones that k-means would split.
"""

from __future__ import annotations

import numpy as np

from augnet_cli.clusters.partition import kmeans

# All distances of so many rows take 200 MB; of more rows, as many small clusters of k-means are joined.
JOINED = 5000
PIECES = 1000


def joined_clusters(rows: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Part rows of the look space into k clusters.

    Args:
        rows: (n, c) float32 unit rows, at least k of them different.
        k: at least 1.
        seed: of k-means, where there are more than JOINED rows.

    Returns:
        (n,) int64 in [0, k).
    """
    if len(rows) <= JOINED:
        return _joined(rows, k)
    pieces, centres = kmeans(rows, max(k, min(PIECES, len(rows) // 10)), seed)
    return _joined(centres, k)[pieces]


def _joined(rows: np.ndarray, k: int) -> np.ndarray:
    if k == 1 or len(rows) == 1:
        return np.zeros(len(rows), np.int64)
    from sklearn.cluster import AgglomerativeClustering

    labels: np.ndarray = AgglomerativeClustering(k).fit(rows.astype(np.float64)).labels_.astype(np.int64)
    return labels
