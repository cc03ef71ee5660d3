"""Images least like anything else: those whose nearest ones are far.

As Ramaswamy, Rastogi and Shim, "Efficient Algorithms for Mining Outliers from Large Data Sets", 2000, but by
the mean over the neighbours.
"""

from __future__ import annotations

import numpy as np

from augnet_cli.search.running_top import nearest_nearly

NEIGHBOURS = 5  # one alone would let two odd pictures of one thing vouch for each other


def oddness(embeddings: np.ndarray) -> np.ndarray:
    """(n,) float32: mean distance of unit rows (n, d) to their nearest others; 0 for a row that is alone."""
    wanted = min(NEIGHBOURS + 1, len(embeddings))
    if wanted < 2:
        return np.zeros(len(embeddings), np.float32)
    near, distances = nearest_nearly(embeddings, embeddings, wanted)
    itself = near == np.arange(len(embeddings))[:, None]
    # Of many equal rows the row itself may not be among its nearest: then the farthest is left out.
    itself[~itself.any(axis=1), -1] = True
    others: np.ndarray = distances[~itself].reshape(len(embeddings), wanted - 1)
    odd: np.ndarray = others.mean(axis=1)
    return odd


def oddest(odd: np.ndarray, count: int) -> np.ndarray:
    """The `count` rows of (n,) that are oddest, that one first, ties by row."""
    return np.argsort(-odd, kind="stable")[:count]
