"""Exact search by blocks of one matrix product: no pair and no neighbour is ever missed."""

from __future__ import annotations

import numpy as np

from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Pairs
from augnet_cli.search import side_by_side
from augnet_cli.search.distance import distances_between, product_slack
from augnet_cli.search.near_pairs import Found, NearPairs, as_pairs, in_order, joined
from augnet_cli.search.tiles import Scratch, blocks_of, scratch

# Similarities of a chunk of queries to all rows take at most about 64 MB.
QUERY_BYTES = 64 << 20


def pairs_within(embeddings: np.ndarray, threshold: float, progress: Progress = SILENT) -> Pairs:
    """Find all pairs of rows whose cosine distance is at or under a threshold.

    Inclusive: a distance rounded to float32 is compared with the threshold rounded to float32.

    Args:
        embeddings: (m, d) float32, unit rows.
        threshold: cosine distance in [0, 2].

    Returns:
        Pairs sorted by (left, right); identical rows have distance exactly 0.

    Raises:
        UsageError: the threshold is outside [0, 2].
        SearchError: more than `near_pairs.MAX_PAIRS` pairs.
    """
    return all_pairs(NearPairs(embeddings, threshold), progress)


def all_pairs(search: NearPairs, progress: Progress = SILENT) -> Pairs:
    """All pairs that a search is for."""
    blocks = blocks_of(search.embeddings)
    progress.start("comparing", len(search.embeddings))

    def pairs_of(number: int, room: Scratch) -> Found:
        found = search.between(blocks[number], blocks[number:], room)
        progress.advance(blocks[number].stop - blocks[number].start)
        return in_order(found)

    # The first blocks have the most others to be compared with.
    found = side_by_side.each(pairs_of, range(len(blocks)), scratch)
    progress.finish()
    return as_pairs(joined(found))


def nearest(embeddings: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the k rows nearest to each query.

    Args:
        embeddings: (m, d) float32, unit rows.
        queries: (q, d) float32, unit rows.
        k: neighbours wanted, at least 1.

    Returns:
        rows: (q, k') int64, k' = min(k, m), nearest first, ties by row.
        distances: (q, k') float32, cosine distance in [0, 2].
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    wanted = min(k, len(embeddings))
    rows = np.empty((len(queries), wanted), np.int64)
    distances = np.empty((len(queries), wanted), np.float32)
    if wanted == 0 or len(queries) == 0:
        return rows, distances
    slack = product_slack(embeddings, queries)
    chunk = max(1, QUERY_BYTES // (4 * len(embeddings)))
    for start in range(0, len(queries), chunk):
        similarity = queries[start : start + chunk] @ embeddings.T
        for query, similar in enumerate(similarity, start):
            rows[query], distances[query] = _nearest_of(
                embeddings, queries[query : query + 1], similar, wanted, slack
            )
    return rows, distances


def _nearest_of(
    embeddings: np.ndarray, query: np.ndarray, similar: np.ndarray, wanted: int, slack: float
) -> tuple[np.ndarray, np.ndarray]:
    """The rows nearest to one query (1, d) from its float32 similarities (m,), good to `slack`."""
    last = np.partition(similar, len(similar) - wanted)[len(similar) - wanted]
    candidates = np.flatnonzero(similar >= last - 2 * slack)
    distance = distances_between(embeddings, candidates, query, np.zeros(1, np.int64))
    order = np.lexsort((candidates, distance))[:wanted]
    return candidates[order], distance[order]
