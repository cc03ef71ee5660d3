"""The nearest rows of many queries by products in single precision: quick, and right but for rounding.

`exact.nearest` is exact to the last digit, which takes three times as long; where a neighbour more or less
decides nothing, this serves.  A chunk of queries meets one block of rows after the other and keeps the
nearest so far; of a later block only what is nearer than the last of those is looked at, which soon is next
to nothing.
Letters: m rows, d dim, q queries, k neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augnet_cli.search import side_by_side

# Products of a chunk of queries and a block of rows take 2 MB, their order twice that: with more, a first
# search takes up to twice as long, as all that memory is new to the process.  Products of fewer queries would
# wait for the rows to come from memory.
QUERIES = 128
BLOCK_ROWS = 4096
# The nearest so far are sorted out again when some query has so many times as many as are wanted.
CROWDED = 2


@dataclass(frozen=True)
class Room:
    """What one thread works in: products and what is near of them; the nearest so far, and how near.

    `products` and `near` are flat, for QUERIES x BLOCK_ROWS; `similar` float32 and `rows` int32 are (QUERIES,
    k + BLOCK_ROWS), of which few columns are ever touched.
    """

    products: np.ndarray
    near: np.ndarray
    similar: np.ndarray
    rows: np.ndarray


def nearest_nearly(embeddings: np.ndarray, queries: np.ndarray, wanted: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the rows nearest to each query, by distances in single precision.

    Args:
        embeddings: (m, d) float32, unit rows.
        queries: (q, d) float32, unit rows.
        wanted: k, from 0 to m.

    Returns:
        rows: (q, k) int64, nearest first, ties by row; of rows tied for the last place any.
        distances: (q, k) float32, cosine distance, at least 0.
    """
    rows = np.empty((len(queries), wanted), np.int64)
    distances = np.empty((len(queries), wanted), np.float32)
    if not wanted:
        return rows, distances

    def search(start: int, room: Room) -> None:
        asked = queries[start : start + QUERIES]
        similar, near = _nearest_so_far(embeddings, asked, wanted, room)
        by_row = np.argsort(near, axis=1)
        apart = np.maximum(1 - np.take_along_axis(similar, by_row, axis=1), 0)
        order = np.argsort(apart, axis=1, kind="stable")
        part = slice(start, start + len(asked))
        rows[part] = np.take_along_axis(np.take_along_axis(near, by_row, axis=1), order, axis=1)
        distances[part] = np.take_along_axis(apart, order, axis=1)

    side_by_side.each(search, range(0, len(queries), QUERIES), lambda: _room(wanted))
    return rows, distances


def _room(wanted: int) -> Room:
    size = QUERIES * BLOCK_ROWS
    wide = (QUERIES, CROWDED * wanted + BLOCK_ROWS)
    return Room(
        np.empty(size, np.float32), np.empty(size, bool), np.empty(wide, np.float32), np.empty(wide, np.int32)
    )


def _nearest_so_far(
    embeddings: np.ndarray, asked: np.ndarray, wanted: int, room: Room
) -> tuple[np.ndarray, np.ndarray]:
    """The wanted nearest of a chunk of queries (q, d), in any order: products and rows (q, k)."""
    similar, rows = room.similar[: len(asked)], room.rows[: len(asked)]
    filled = np.zeros(len(asked), np.int64)  # so many columns of both are in use for each query
    bar = np.full(len(asked), -np.inf, np.float32)  # the last of the nearest so far
    for start in range(0, len(embeddings), BLOCK_ROWS):
        block = embeddings[start : start + BLOCK_ROWS]
        tile = room.products[: len(asked) * len(block)].reshape(len(asked), len(block))
        np.matmul(asked, block.T, out=tile)
        if start == 0:
            near = _largest(tile, wanted)
            filled[:] = near.shape[1]
            rows[:, : near.shape[1]] = near
            similar[:, : near.shape[1]] = np.take_along_axis(tile, near, axis=1)
        else:
            _add(tile, start, bar, filled, room)
        if start + BLOCK_ROWS >= len(embeddings) or start == 0 or filled.max() > CROWDED * wanted:
            _sort_out(similar, rows, filled, wanted)
            if filled[0] == wanted:
                bar = similar[:, :wanted].min(axis=1)
    return similar[:, :wanted], rows[:, :wanted].astype(np.int64)


def _add(tile: np.ndarray, start: int, bar: np.ndarray, filled: np.ndarray, room: Room) -> None:
    """Add to the nearest so far what in a tile (q, rows from `start` on) is nearer than the bar (q,)."""
    near = np.greater(tile, bar[:, None], out=room.near[: tile.size].reshape(tile.shape))
    places = np.flatnonzero(near)
    query, column = np.divmod(places, tile.shape[1])
    counts = np.bincount(query, minlength=len(tile))
    # The n-th of a query goes n columns beyond what is filled.
    column_to = np.arange(len(places)) + (filled - np.cumsum(counts) + counts)[query]
    room.similar[query, column_to] = tile.ravel()[places]
    room.rows[query, column_to] = column + start
    filled += counts


def _sort_out(similar: np.ndarray, rows: np.ndarray, filled: np.ndarray, wanted: int) -> None:
    """Keep of what is filled the wanted nearest, in the first columns."""
    width = int(filled.max())
    if width <= wanted:
        return
    similar, rows = similar[:, :width], rows[:, :width]
    similar[np.arange(width) >= filled[:, None]] = -np.inf
    near = _largest(similar, wanted)
    rows[:, :wanted] = np.take_along_axis(rows, near, axis=1)
    similar[:, :wanted] = np.take_along_axis(similar, near, axis=1)
    filled[:] = wanted


def _largest(numbers: np.ndarray, wanted: int) -> np.ndarray:
    """Where in each row the wanted largest are, or all: (q, k)."""
    last = max(numbers.shape[1] - wanted, 0)
    return np.argpartition(numbers, last, axis=1)[:, last:]
