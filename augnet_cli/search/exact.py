"""Exact search by blocks of one matrix product: no pair and no neighbour is ever missed.

A product of small precision only finds candidates, with a slack wider than its rounding.
What is reported is computed again for each candidate in float64 and rounded to float32 once,
so a result depends on the two rows alone, not on the size of blocks, the number of threads, the machine's
BLAS or whether the product was one of integers.
"""

from __future__ import annotations

import threading

import numpy as np

from augnet_cli.errors import SearchError
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Pairs
from augnet_cli.search import side_by_side, tiles
from augnet_cli.search.distance import check_threshold, distances_between, product_slack
from augnet_cli.search.integer_tiles import IntegerTiles, integer_tiles
from augnet_cli.search.tiles import FloatTiles, Scratch, scratch

# 20 bytes a pair: 400 MB. Real folders stay far below; it is reached where a threshold is far too wide.
MAX_PAIRS = 20_000_000
# From so many rows on products of integers are tried. With 128 numbers a row they take 0.2 s for 20,000
# rows where float32 takes 0.4, which pays for ONNX Runtime (0.05 s, where no encoder has needed it
# already), writing the rows as integers and timing a tile; at 10,000 rows both take as long.
INTEGER_ROWS = 20_000
# Similarities of a chunk of queries to all rows take at most about 64 MB.
QUERY_BYTES = 64 << 20

Found = tuple[np.ndarray, np.ndarray, np.ndarray]


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
        SearchError: more than MAX_PAIRS pairs.
    """
    check_threshold(threshold)
    limit = np.float32(threshold)
    least = 1.0 - float(limit) - product_slack(embeddings, embeddings)
    progress.start("comparing", len(embeddings))
    search = _search(embeddings, least)
    lock = threading.Lock()
    count = 0

    def pairs_of(start: int, room: Scratch) -> Found:
        nonlocal count
        parts = []
        for left, right in search.candidates(start, room):
            distance = distances_between(embeddings, left, embeddings, right)
            near = distance <= limit
            parts.append((left[near].astype(np.int32), right[near].astype(np.int32), distance[near]))
            with lock:
                count += len(parts[-1][0])
                too_many = count > MAX_PAIRS
            if too_many:
                raise SearchError(
                    f"more than {MAX_PAIRS:,} pairs of images lie within a distance of {threshold:g}",
                    "choose a smaller distance with --threshold",
                )
        with lock:
            progress.advance(min(tiles.BLOCK_ROWS, len(embeddings) - start))
        return _sorted(parts)

    # The first blocks have the most others to be compared with.
    found = side_by_side.each(pairs_of, range(0, len(embeddings), tiles.BLOCK_ROWS), scratch)
    progress.finish()
    left, right, distance = _joined(found)
    return Pairs(left.astype(np.int64), right.astype(np.int64), distance)


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


def _search(embeddings: np.ndarray, least: float) -> FloatTiles | IntegerTiles:
    """The faster of two ways to the same pairs."""
    plain = FloatTiles(embeddings, least)
    return (integer_tiles(plain) if len(embeddings) >= INTEGER_ROWS else None) or plain


def _joined(parts: list[Found]) -> Found:
    if not parts:
        return np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32)
    left, right, distance = (np.concatenate(each) for each in zip(*parts, strict=True))
    return left, right, distance


def _sorted(parts: list[Found]) -> Found:
    """The pairs of one block of rows, by (left, right)."""
    left, right, distance = _joined(parts)
    order = np.lexsort((right, left))
    return left[order], right[order], distance[order]


def _nearest_of(
    embeddings: np.ndarray, query: np.ndarray, similar: np.ndarray, wanted: int, slack: float
) -> tuple[np.ndarray, np.ndarray]:
    """The rows nearest to one query (1, d) from its float32 similarities (m,), good to `slack`."""
    last = np.partition(similar, len(similar) - wanted)[len(similar) - wanted]
    candidates = np.flatnonzero(similar >= last - 2 * slack)
    distance = distances_between(embeddings, candidates, query, np.zeros(1, np.int64))
    order = np.lexsort((candidates, distance))[:wanted]
    return candidates[order], distance[order]
