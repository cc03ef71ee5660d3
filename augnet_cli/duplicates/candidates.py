"""Pairs that may be the same picture, far more of them than are: recall is not lost here, geometry decides.

An image's candidates are its nearest neighbours, all within a wide radius, up to a number, and the nearest
neighbours of itself and its own two nearest taken together: a small part of a picture lies nearer to a larger
part than to the whole, and between both the whole is near.  That is average query expansion (Chum et al.,
"Total Recall: Automatic Query Expansion with a Generative Feature Model for Object Retrieval", 2007) with the
weights of Radenović, Tolias and Chum, "Fine-Tuning CNN Image Retrieval with No Human Annotation" (2018,
section 3.3); here both lists count, as an image without copies is drawn away from what it shows.
Letters: m rows, d dim, p pairs, k neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from augnet_cli.records import Pairs
from augnet_cli.search.distance import distances_between
from augnet_cli.search.running_top import nearest_nearly

# So that an image has at most 40 on average, its own and those that name it; the share of true copies among
# them stands in docs/benchmarks.md.
NEAREST, EXPANDED = 22, 24
# Of a query that is expanded: by so many nearest neighbours, each with its cosine to this power as weight.
BY_NEIGHBOURS, WEIGHT_POWER = 2, 3
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
    neighbours, distances = _neighbours(embeddings, embeddings, wanted, blocks)
    others = _others(neighbours, distances)
    ranks = np.cumsum(others, axis=1) - 1
    chosen = others & ((ranks < NEAREST) | (distances <= RADIUS))
    last = min(SCALE_NEIGHBOUR, wanted - 1)
    scales = np.maximum(_last_finite(distances[:, : last + 1]).astype(np.float64), SMALLEST_SCALE)

    queries = _expanded(embeddings, neighbours, distances)
    farther, beyond = _neighbours(embeddings, queries, min(EXPANDED + 1, rows), blocks)
    more = _others(farther, beyond)
    farther_ranks = np.cumsum(more, axis=1) - 1
    more &= farther_ranks < EXPANDED

    at = np.concatenate([np.nonzero(chosen)[0], np.nonzero(more)[0]])
    to = np.concatenate([neighbours[chosen], farther[more]])
    rank = np.concatenate([ranks[chosen], farther_ranks[more]])
    keys = np.minimum(at, to) * rows + np.maximum(at, to)
    # Of the ways by which a pair was found, the one in which it comes first counts.
    by_key = np.lexsort((rank, keys))
    keys, first = np.unique(keys[by_key], return_index=True)
    rank = rank[by_key][first]
    left, right = keys // rows, keys % rows
    distance = distances_between(embeddings, left, embeddings, right)
    if threshold is not None:
        near = distance <= np.float32(threshold)
        left, right, distance, rank = left[near], right[near], distance[near], rank[near]
    score = distance.astype(np.float64) / np.sqrt(scales[left] * scales[right]) + RANK_COST * rank
    return Candidates(Pairs(left, right, distance), np.lexsort((right, left, score)))


def _neighbours(
    embeddings: np.ndarray,
    queries: np.ndarray,
    wanted: int,
    blocks: Sequence[tuple[np.ndarray, np.ndarray]] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """(m, wanted) rows and distances, nearest first, of queries (m, d), one a row; beyond the last the row
    itself, infinitely far."""
    if blocks is None:
        return nearest_nearly(embeddings, queries, wanted)
    rows = len(embeddings)
    neighbours = np.repeat(np.arange(rows)[:, None], wanted, axis=1)
    distances = np.full((rows, wanted), np.inf, np.float32)
    for asking, among in blocks:
        found, apart = nearest_nearly(embeddings[among], queries[asking], min(wanted, len(among)))
        neighbours[asking, : found.shape[1]] = among[found]
        distances[asking, : found.shape[1]] = apart
    return neighbours, distances


def _others(neighbours: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """(m, k) bool: which are other rows.  A row is its own neighbour, though not the first where others are
    equal to it."""
    own = np.arange(len(neighbours))[:, None]
    return (neighbours != own) & np.isfinite(distances)


def _expanded(embeddings: np.ndarray, neighbours: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """(m, d) float32 unit rows: each row and its nearest others, by weight."""
    others = _others(neighbours, distances)
    nearest_few = others & (np.cumsum(others, axis=1) <= BY_NEIGHBOURS)
    weights = np.where(nearest_few, np.maximum(1 - distances, 0) ** WEIGHT_POWER, 0)
    queries = embeddings.astype(np.float64)
    for place in range(min(BY_NEIGHBOURS + 1, neighbours.shape[1])):
        queries += weights[:, place, None] * embeddings[neighbours[:, place]]
    return (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32)


def _last_finite(distances: np.ndarray) -> np.ndarray:
    """(m,) the farthest neighbour that there is; 0 where there is none."""
    return np.where(np.isfinite(distances), distances, 0).max(axis=1)


def candidate_pairs(embeddings: np.ndarray) -> Pairs:
    """The candidates alone, sorted by (left, right)."""
    return candidates(embeddings).pairs
