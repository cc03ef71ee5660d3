"""Pairs that may be the same picture, far more of them than are: recall is not lost here, geometry decides.

An image's candidates are its nearest neighbours and all within a wide radius, up to a number.
Letters: m rows, d dim, p pairs, k neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from augnet_cli.records import Pairs
from augnet_cli.search.exact import nearest

# So that an image has at most 40 on average, its own and those that name it; the share of true copies among
# them stands in docs/benchmarks.md.
NEAREST = 28
# Within this distance more are taken, up to MOST: an image may have more copies than NEAREST.
RADIUS = 0.3
MOST = 64
# Neighbours by which an image's surroundings are measured: line drawings lie close together, photographs far
# apart.
SCALE_NEIGHBOUR = 28
# What a place further down a neighbour list costs, in units of the scale: true copies come first in one of
# both.
RANK_COST = 0.01
SMALLEST_SCALE = 1e-3


@dataclass(frozen=True)
class Candidates:
    """Pairs of rows, the most promising first; `pairs` sorted by (left, right), `order` (p,) places in
    them.
    """

    pairs: Pairs
    order: np.ndarray


def candidates(
    embeddings: np.ndarray,
    threshold: float | None = None,
    blocks: Sequence[tuple[np.ndarray, np.ndarray]] | None = None,
) -> Candidates:
    """Find the candidates of all rows.

    A pair is promising when its distance is small beside the distances at which its images' other neighbours
    lie.

    Args:
        embeddings: (m, d) float32, unit rows, in an order that does not depend on file names.
        threshold: no pair farther apart than this.
        blocks: rows, and those among which their neighbours are; None: all are among all.
    """
    rows = len(embeddings)
    wanted = min(MOST + 1, rows)
    if rows < 2:
        none = np.zeros(0, np.int64)
        return Candidates(Pairs(none, none, np.zeros(0, np.float32)), none)
    neighbours, distances = _neighbours(embeddings, wanted, blocks)
    own = np.arange(rows)[:, None]
    # A row is its own neighbour, though not the first where others are equal to it.
    others = (neighbours != own) & np.isfinite(distances)
    ranks = np.cumsum(others, axis=1) - 1
    chosen = others & ((ranks < NEAREST) | (distances <= RADIUS))
    if threshold is not None:
        chosen &= distances <= np.float32(threshold)
    last = min(SCALE_NEIGHBOUR, wanted - 1)
    scales = np.maximum(_last_finite(distances[:, : last + 1]).astype(np.float64), SMALLEST_SCALE)

    at, place = np.nonzero(chosen)
    to = neighbours[at, place]
    keys = np.minimum(at, to) * rows + np.maximum(at, to)
    distance = distances[at, place].astype(np.float64)
    score = distance / np.sqrt(scales[at] * scales[to]) + RANK_COST * ranks[at, place]
    # Of the two ways round, the better one counts.
    by_key = np.lexsort((score, keys))
    keys, first = np.unique(keys[by_key], return_index=True)
    kept = by_key[first]
    pairs = Pairs(keys // rows, keys % rows, distance[kept].astype(np.float32))
    return Candidates(pairs, np.lexsort((keys, score[kept])))


def _neighbours(
    embeddings: np.ndarray, wanted: int, blocks: Sequence[tuple[np.ndarray, np.ndarray]] | None
) -> tuple[np.ndarray, np.ndarray]:
    """(m, wanted) rows and distances, nearest first; beyond the last the row itself, infinitely far."""
    if blocks is None:
        return nearest(embeddings, embeddings, wanted)
    rows = len(embeddings)
    neighbours = np.repeat(np.arange(rows)[:, None], wanted, axis=1)
    distances = np.full((rows, wanted), np.inf, np.float32)
    for asking, among in blocks:
        found, apart = nearest(embeddings[among], embeddings[asking], wanted)
        neighbours[asking, : found.shape[1]] = among[found]
        distances[asking, : found.shape[1]] = apart
    return neighbours, distances


def _last_finite(distances: np.ndarray) -> np.ndarray:
    """(m,) the farthest neighbour that there is; 0 where there is none."""
    return np.where(np.isfinite(distances), distances, 0).max(axis=1)


def candidate_pairs(embeddings: np.ndarray) -> Pairs:
    """The candidates alone, sorted by (left, right)."""
    return candidates(embeddings).pairs
