"""Which pairs of rows may be near enough, tile by tile of all products: in float32, the plain way.

A tile holds the products of one block of rows with another. The other way is `integer_tiles.py`.
Letters: m rows, d dim, p pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

# A tile of 1024 x 1024 numbers of 4 bytes stays in cache; 4096 x 4096 measured 2-3 times slower.
BLOCK_ROWS = 1024


@dataclass(frozen=True)
class Scratch:
    """What one thread writes its tiles into; larger than a tile at the edge."""

    products: np.ndarray  # float32
    integers: np.ndarray  # int32
    near: np.ndarray  # bool


def scratch() -> Scratch:
    """Room for one tile of each kind."""
    size = BLOCK_ROWS * BLOCK_ROWS
    return Scratch(np.empty(size, np.float32), np.empty(size, np.int32), np.empty(size, bool))


@dataclass(frozen=True)
class FloatTiles:
    """All products in float32.

    Attributes:
        rows: (m, d) float32, unit rows.
        least: products below this are of no interest.
    """

    rows: np.ndarray
    least: float

    def candidates(self, start: int, room: Scratch) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Of the block of rows at `start` the pairs (left, right), left < right, whose product reaches
        `least`; tile after tile, each sorted."""
        for other in range(start, len(self.rows), BLOCK_ROWS):
            products = self.products(start, other, room)
            if (places := places_from(products, self.least, start == other, room)) is not None:
                left, right = np.divmod(places, products.shape[1])
                yield left + start, right + other

    def products(self, start: int, other: int, room: Scratch) -> np.ndarray:
        """The tile of the blocks at `start` and `other`, in `room`."""
        left, right = self.rows[start : start + BLOCK_ROWS], self.rows[other : other + BLOCK_ROWS]
        tile = room.products[: len(left) * len(right)].reshape(len(left), len(right))
        return np.matmul(left, right.T, out=tile)


def places_from(tile: np.ndarray, least: float, diagonal: bool, room: Scratch) -> np.ndarray | None:
    """Where a tile reaches `least`: sorted places (p,) in the flat tile, or None.

    On the diagonal those right of it alone, so that each pair comes once and no row is its own.
    """
    # Most tiles hold nothing, and their largest number is told in half the time of a comparison.
    if not diagonal and tile.max() < least:
        return None
    near = np.greater_equal(tile, least, out=room.near[: tile.size].reshape(tile.shape))
    if diagonal:
        near = np.triu(near, 1)
    return np.flatnonzero(near)
