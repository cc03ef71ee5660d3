"""The members that show best what a cluster is about."""

from __future__ import annotations

import numpy as np

from augnet_cli.clusters.partition import rows_by_cluster

BLOCK_ROWS = 8192  # rows held in float64 at a time: 16 MiB at d = 256


def exemplars(
    embeddings: np.ndarray, labels: np.ndarray, centres: np.ndarray, count: int
) -> tuple[np.ndarray, ...]:
    """Find the rows of each cluster that are nearest its centre.

    Args:
        embeddings: (n, d) float32 unit rows.
        labels: (n,) int64 in [0, k).
        centres: (k, d) float32.
        count: exemplars wanted a cluster; a smaller cluster gives all its rows.

    Returns:
        k arrays of rows, int64, nearest first, ties by row.
    """
    nearest = []
    for centre, rows in zip(centres, rows_by_cluster(labels, len(centres)), strict=True):
        order = np.argsort(-_closeness(embeddings, rows, centre), kind="stable")
        nearest.append(rows[order[:count]])
    return tuple(nearest)


def _closeness(embeddings: np.ndarray, rows: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """(len(rows),) float64: inner product with the centre; for unit rows larger is nearer.

    Not a matrix product: that may add equal rows up differently, and ties would not be ties.
    """
    closeness = np.empty(len(rows), np.float64)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = embeddings[rows[start : start + BLOCK_ROWS]].astype(np.float64)
        closeness[start : start + len(block)] = (block * centre).sum(axis=1)
    return closeness
