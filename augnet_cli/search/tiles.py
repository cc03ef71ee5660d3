"""Which pairs of rows may be near enough, tile by tile of their products: in float32, the plain way.

A tile holds the products of some other rows, one each line of it, with a block of rows. The other way is
`integer_tiles.py`.
Letters: m rows, d dim, b rows of a block, o other rows, p pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

# A tile of 1024 x 1024 numbers of 4 bytes stays in cache; 4096 x 4096 measured 2-3 times slower.
BLOCK_ROWS = 1024
# To take out so many lines of a tile and compare them takes as long as to compare all, where they lie.
FEW_LINES = 1 / 4

# Up to BLOCK_ROWS rows: a slice of those that lie together, or the numbers (n,) of any.
Chosen = slice | np.ndarray
Candidates = tuple[np.ndarray, np.ndarray]


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


class Tiles(Protocol):
    """A way to candidates."""

    def candidates(self, block: Chosen, others: Iterable[Chosen], room: Scratch) -> Iterator[Candidates]:
        """Of the rows of a block with others the pairs that may be near enough, tile after tile.

        Where `block` itself is one of the others, each of its pairs comes once, the earlier row first.

        Returns:
            rows of the block, and rows of the others: (p,) int64 each.
        """


@dataclass(frozen=True)
class FloatTiles:
    """All products in float32.

    Attributes:
        rows: (m, d) float32, unit rows.
        least: products below this are of no interest.
    """

    rows: np.ndarray
    least: float

    def candidates(self, block: Chosen, others: Iterable[Chosen], room: Scratch) -> Iterator[Candidates]:
        """As `Tiles` says."""
        for other in others:
            products = self.products(block, other, room)
            places = places_from(products, self.least, other is block, room)
            if len(places):
                yield rows_at(places, block, other, products.shape[1])

    def products(self, block: Chosen, other: Chosen, room: Scratch) -> np.ndarray:
        """The tile (o, b) of a block and other rows, in `room`."""
        left, right = self.rows[other], self.rows[block]
        tile = room.products[: len(left) * len(right)].reshape(len(left), len(right))
        return np.matmul(left, right.T, out=tile)


def blocks_of(rows: np.ndarray) -> list[slice]:
    """Rows in blocks, in order."""
    starts = range(0, len(rows), BLOCK_ROWS)
    return [slice(start, min(start + BLOCK_ROWS, len(rows))) for start in starts]


def parts_of(numbers: np.ndarray) -> list[np.ndarray]:
    """Numbers of rows in blocks, in order."""
    return [numbers[start : start + BLOCK_ROWS] for start in range(0, len(numbers), BLOCK_ROWS)]


def places_from(tile: np.ndarray, least: float, with_itself: bool, room: Scratch) -> np.ndarray:
    """Where a tile reaches `least`: sorted places (p,) in the flat tile.

    Of a block with itself those left of the diagonal alone, so that each pair comes once and no row is its
    own.
    """
    if not with_itself:
        # Most lines of most tiles hold nothing, which their largest numbers tell in half the time of a
        # comparison.
        lines = np.flatnonzero(tile.max(axis=1) >= least)
        if len(lines) <= FEW_LINES * len(tile):
            down, across = np.divmod(np.flatnonzero(tile[lines] >= least), tile.shape[1])
            return lines[down] * tile.shape[1] + across
    near = np.greater_equal(tile, least, out=room.near[: tile.size].reshape(tile.shape))
    if with_itself:
        near = np.tril(near, -1)
    return np.flatnonzero(near)


def rows_at(places: np.ndarray, block: Chosen, other: Chosen, width: int) -> Candidates:
    """The rows of a block, and the other rows, at places (p,) of a tile so wide."""
    down, across = np.divmod(places, width)
    return _rows(block, across), _rows(other, down)


def _rows(chosen: Chosen, places: np.ndarray) -> np.ndarray:
    return places + chosen.start if isinstance(chosen, slice) else chosen[places]
