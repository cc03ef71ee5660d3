"""The pairs at or under a distance between chosen rows: products propose them, float64 decides.

A product of small precision only finds candidates, with a slack wider than its rounding.
What is reported is computed again for each candidate in float64 and rounded to float32 once,
so a distance depends on the two rows alone, not on the size of blocks, the number of threads, the machine's
BLAS or whether the product was one of integers.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

import numpy as np

from augnet_cli.errors import SearchError
from augnet_cli.records import Pairs
from augnet_cli.search.distance import check_threshold, distances_between, product_slack
from augnet_cli.search.quickest_tiles import quickest_tiles
from augnet_cli.search.tiles import Chosen, FloatTiles, Scratch, Tiles

# 20 bytes a pair: 400 MB. Real folders stay far below; it is reached where a threshold is far too wide.
MAX_PAIRS = 20_000_000
# From so many rows on products of integers are tried. With 128 numbers a row they take half the time of
# float32 for 20,000 rows, which pays for ONNX Runtime (0.05 s, where no encoder has needed it already),
# choosing a length and writing the rows as integers; at 10,000 rows both take as long.
INTEGER_ROWS = 20_000

# Rows of a block and other rows, int32 each, and their distances, float32: (p,).
Found = tuple[np.ndarray, np.ndarray, np.ndarray]


class NearPairs:
    """One search for pairs; safe to use from several threads.

    Raises:
        UsageError: the threshold is outside [0, 2].
    """

    def __init__(self, embeddings: np.ndarray, threshold: float) -> None:
        """Embeddings (m, d) float32, unit rows; threshold a cosine distance, inclusive."""
        check_threshold(threshold)
        self.embeddings = embeddings
        self._threshold = np.float32(threshold)
        self._tiles = _tiles(embeddings, 1.0 - float(self._threshold) - product_slack(embeddings, embeddings))
        self._lock = threading.Lock()
        self._count = 0

    def between(self, block: Chosen, others: Iterable[Chosen], room: Scratch) -> Found:
        """The pairs of a block of rows with others, in no order.

        Where `block` itself is one of the others, each of its pairs comes once, the earlier row first.

        Raises:
            SearchError: more than MAX_PAIRS pairs have been found by all calls.
        """
        parts = []
        for left, right in self._tiles.candidates(block, others, room):
            distance = distances_between(self.embeddings, left, self.embeddings, right)
            near = distance <= self._threshold
            parts.append((left[near].astype(np.int32), right[near].astype(np.int32), distance[near]))
            with self._lock:
                self._count += len(parts[-1][0])
                too_many = self._count > MAX_PAIRS
            if too_many:
                raise SearchError(
                    f"more than {MAX_PAIRS:,} pairs of images lie within a distance of {self._threshold:g}",
                    "choose a smaller distance with --threshold",
                )
        return joined(parts)


def joined(parts: list[Found]) -> Found:
    """All that was found, one part after the other."""
    if not parts:
        return np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32)
    left, right, distance = (np.concatenate(each) for each in zip(*parts, strict=True))
    return left, right, distance


def in_order(found: Found) -> Found:
    """The same pairs by (left, right)."""
    left, right, distance = found
    order = np.lexsort((right, left))
    return left[order], right[order], distance[order]


def as_pairs(found: Found) -> Pairs:
    """Found pairs in order as the record that others know."""
    left, right, distance = found
    return Pairs(left.astype(np.int64), right.astype(np.int64), distance)


def _tiles(embeddings: np.ndarray, least: float) -> Tiles:
    """The quickest of several ways to the same candidates."""
    plain = FloatTiles(embeddings, least)
    return quickest_tiles(plain) if len(embeddings) >= INTEGER_ROWS else plain
