"""Exact search by blocks of one matrix product: no pair and no neighbour is ever missed.

A float32 product only finds candidates, with a slack wider than its rounding.
What is reported is computed again for each candidate in float64 and rounded to float32 once,
so a result depends on the two rows alone, not on the size of blocks or the machine's BLAS.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from augnet_cli.errors import SearchError, UsageError
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Pairs

# A tile of 1024 x 1024 float32 (4 MB) stays in cache; 4096 x 4096 measured 2-3 times slower.
BLOCK_ROWS = 1024
# 20 bytes a pair: 400 MB. Real folders stay far below; it is reached where a threshold is far too wide.
MAX_PAIRS = 20_000_000
# Rows recomputed at once in float64 take about 1 MB a side, which stays in cache; of 4 to 32 MB most of the
# time goes into memory that is new to the process.
EXACT_BYTES = 1 << 20
# Similarities of a chunk of queries to all rows take at most about 64 MB.
QUERY_BYTES = 64 << 20
FARTHEST = 2.0


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
    slack = _slack(embeddings, embeddings)
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    count = 0
    progress.start("comparing", len(embeddings))
    for start in range(0, len(embeddings), BLOCK_ROWS):
        candidates = _candidates(embeddings, start, 1.0 - float(limit) - slack)
        for left, right in candidates:
            distance = distances_between(embeddings, left, embeddings, right)
            near = distance <= limit
            found.append((left[near].astype(np.int32), right[near].astype(np.int32), distance[near]))
            count += len(found[-1][0])
            if count > MAX_PAIRS:
                raise SearchError(
                    f"more than {MAX_PAIRS:,} pairs of images lie within a distance of {threshold:g}",
                    "choose a smaller distance with --threshold",
                )
        progress.advance(min(BLOCK_ROWS, len(embeddings) - start))
    progress.finish()
    return _sorted_pairs(found)


def check_threshold(threshold: float) -> None:
    """Refuse what is no cosine distance.

    Raises:
        UsageError: it is outside [0, 2].
    """
    if not 0 <= threshold <= FARTHEST:
        raise UsageError(
            f"a threshold of {threshold:g} is outside 0 to 2", "choose a cosine distance, as --threshold 0.2"
        )


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
    slack = _slack(embeddings, queries)
    chunk = max(1, QUERY_BYTES // (4 * len(embeddings)))
    for start in range(0, len(queries), chunk):
        similarity = queries[start : start + chunk] @ embeddings.T
        for query, similar in enumerate(similarity, start):
            rows[query], distances[query] = _nearest_of(
                embeddings, queries[query : query + 1], similar, wanted, slack
            )
    return rows, distances


def distances_between(
    left_rows: np.ndarray, left: np.ndarray, right_rows: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Cosine distances of row pairs, the one definition every search reports: (p,) float32 in [0, 2].

    `left` is (p,), `right` (p,), or (1,) for all.

    Half the squared distance of the two directions, in float64: equals 1 - cos, but is exactly 0 for
    identical rows and keeps its digits near 0.
    """
    result = np.empty(len(left), np.float32)
    chunk = max(1, EXACT_BYTES // (8 * max(1, left_rows.shape[1])))
    for start in range(0, len(left), chunk):
        part = slice(start, start + chunk)
        one = right if len(right) == 1 else right[part]
        apart = _directions(left_rows[left[part]]) - _directions(right_rows[one])
        result[part] = np.minimum(np.einsum("ij,ij->i", apart, apart) / 2, FARTHEST)
    return result


def _directions(rows: np.ndarray) -> np.ndarray:
    exact = rows.astype(np.float64)
    return exact / np.sqrt(np.einsum("ij,ij->i", exact, exact))[:, None]


def _slack(embeddings: np.ndarray, others: np.ndarray) -> float:
    """How far a float32 product of two rows may be from their cosine.

    Rounding of a sum of d products (Higham, Accuracy and Stability, section 3.1), doubled,
    and rows whose length is not quite 1.
    """
    if len(embeddings) == 0 or len(others) == 0:
        return 0.0
    rounding = 2 * (embeddings.shape[1] + 2) * float(np.finfo(np.float32).eps)
    lengths = (np.einsum("ij,ij->i", rows, rows) for rows in (embeddings, others))
    unevenness = max(float(np.abs(squares - 1).max()) for squares in lengths)
    if not unevenness < 1:
        raise ValueError("embeddings must be finite unit rows")
    return rounding + 2 * unevenness


def _candidates(embeddings: np.ndarray, start: int, least: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows (left, right), left < right, of the pairs of one block of rows that may be near enough."""
    block = embeddings[start : start + BLOCK_ROWS]
    for other in range(start, len(embeddings), BLOCK_ROWS):
        near = block @ embeddings[other : other + BLOCK_ROWS].T >= least
        if other == start:
            near = np.triu(near, 1)
        if near.any():
            left, right = np.divmod(np.flatnonzero(near), near.shape[1])
            yield left + start, right + other


def _sorted_pairs(found: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Pairs:
    if not found:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    left, right, distance = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((right, left))
    return Pairs(left[order].astype(np.int64), right[order].astype(np.int64), distance[order])


def _nearest_of(
    embeddings: np.ndarray, query: np.ndarray, similar: np.ndarray, wanted: int, slack: float
) -> tuple[np.ndarray, np.ndarray]:
    """The rows nearest to one query (1, d) from its float32 similarities (m,), good to `slack`."""
    last = np.partition(similar, len(similar) - wanted)[len(similar) - wanted]
    candidates = np.flatnonzero(similar >= last - 2 * slack)
    distance = distances_between(embeddings, candidates, query, np.zeros(1, np.int64))
    order = np.lexsort((candidates, distance))[:wanted]
    return candidates[order], distance[order]
