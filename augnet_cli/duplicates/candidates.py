"""Pairs that may be the same picture, far more of them than are: recall is not lost here, geometry decides.

An image's candidates are its nearest neighbours and all within a wide radius, up to a number.
Letters: m rows, d dim, p pairs, k neighbours.
"""

from __future__ import annotations

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
# Neighbours by which an image's surroundings are measured: line drawings lie close together, photographs far apart.
SCALE_NEIGHBOUR = 28
# What a place further down a neighbour list costs, in units of the scale: true copies come first in one of both.
RANK_COST = 0.01
SMALLEST_SCALE = 1e-3


@dataclass(frozen=True)
class Candidates:
    """Pairs of rows, the most promising first; `pairs` sorted by (left, right), `order` (p,) places in them."""

    pairs: Pairs
    order: np.ndarray


def candidates(embeddings: np.ndarray, threshold: float | None = None) -> Candidates:
    """Find the candidates of all rows.

    A pair is promising when its distance is small beside the distances at which its images' other neighbours lie.

    Args:
        embeddings: (m, d) float32, unit rows, in an order that does not depend on file names.
        threshold: no pair farther apart than this.
    """
    rows = len(embeddings)
    wanted = min(MOST + 1, rows)
    if rows < 2:
        none = np.zeros(0, np.int64)
        return Candidates(Pairs(none, none, np.zeros(0, np.float32)), none)
    neighbours, distances = nearest(embeddings, embeddings, wanted)
    own = np.arange(rows)[:, None]
    # A row is its own neighbour, though not the first where others are equal to it.
    others = neighbours != own
    ranks = np.cumsum(others, axis=1) - 1
    chosen = others & ((ranks < NEAREST) | (distances <= RADIUS))
    if threshold is not None:
        chosen &= distances <= np.float32(threshold)
    last = min(SCALE_NEIGHBOUR, wanted - 1)
    scales = np.maximum(distances[:, last].astype(np.float64), SMALLEST_SCALE)

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


def candidate_pairs(embeddings: np.ndarray) -> Pairs:
    """The candidates alone, sorted by (left, right)."""
    return candidates(embeddings).pairs
