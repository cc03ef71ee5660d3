"""The nearest of what an index found and of rows that come block by block, for many queries in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from augnet_cli.search import exact

# Hashes (k',) bytes and distances (k',) float32 of what is near to one query, nearest first.
Nearby = tuple[np.ndarray, np.ndarray]
NOTHING: Nearby = (np.empty(0, np.bytes_), np.empty(0, np.float32))


def merged(
    found: Sequence[Nearby],
    blocks: Iterable[tuple[np.ndarray, np.ndarray]],
    queries: np.ndarray,
    k: int,
) -> list[Nearby]:
    """The k nearest to each query of what was found for it and of the rows of blocks, by distance, then hash.

    Of rows of one block that tie for the last place any is taken.

    Args:
        blocks: hashes (b,) bytes and embeddings (b, d) float32 unit rows; each is looked at once.
        queries: (q, d) float32, unit rows.
    """
    nearest = [(hashes[:k], distances[:k]) for hashes, distances in found]
    for more, embeddings in blocks:
        if len(more) == 0:
            continue
        rows, apart = exact.nearest(embeddings, queries, k)
        for query, (hashes, distances) in enumerate(nearest):
            if len(distances) == k and apart[query, 0] > distances[-1]:
                continue  # nothing of this block is near enough
            both = np.concatenate([hashes, more[rows[query]]])
            far = np.concatenate([distances, apart[query]])
            order = np.lexsort((both, far))[:k]
            nearest[query] = both[order], far[order]
    return nearest
