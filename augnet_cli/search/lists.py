"""Rows in lists: each lies in the list of the centre nearest to it, and visits those nearly as near.

Near rows mostly lie in one list; where they don't, at least one of them lies about as near to the other's
centre as to its own.  So a pair is met when each list is compared with itself and with its visitors.
The partition of Jégou, Douze and Schmid, "Product Quantization for Nearest Neighbor Search" (2011, section
4.1), but for who visits: there as many lists as are told for every row, here those within a margin, which is
few for a row in the midst of its list.  For the same recall of pairs that measured a quarter to three
quarters of the products.
Letters: m rows, d dim, c centres, p pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augnet_cli.search import side_by_side, tiles
from augnet_cli.search.distance import EXACT_BYTES

SEED = 0
# Centres are made from so many rows each; more of them, or more rounds, make lists no better to search.
ROWS_A_CENTRE, ROUNDS = 32, 5
# Lists whose visitors are told at once: all rows are read for it.
LISTS_AT_ONCE = 32


@dataclass(frozen=True)
class Lists:
    """Which rows lie near which centre.

    Attributes:
        centres: (c, d) float32, unit rows.
        own: (m,) int32, each row's list.
        nearness: (m,) float32, the product of each row with its list's centre.
        members: for each list its rows, in order.
    """

    centres: np.ndarray
    own: np.ndarray
    nearness: np.ndarray
    members: tuple[np.ndarray, ...]


def in_lists(embeddings: np.ndarray) -> Lists:
    """Put rows (m, d) into lists of a block's rows on average, by k-means on some of them."""
    wanted = max(1, len(embeddings) // tiles.BLOCK_ROWS)
    numbers = np.random.default_rng(SEED)
    some = numbers.choice(len(embeddings), min(len(embeddings), wanted * ROWS_A_CENTRE), replace=False)
    rows = embeddings[np.sort(some)]
    centres = rows[numbers.choice(len(rows), wanted, replace=False)]
    for _ in range(ROUNDS):
        own, _ = _nearest_centre(rows, centres)
        sums = np.zeros_like(centres)
        np.add.at(sums, own, rows)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        # A list without rows, or with opposite ones alone, keeps its centre.
        centres = np.where(lengths > 0, sums / np.maximum(lengths, np.finfo(np.float32).tiny), centres)
    own, nearness = _nearest_centre(embeddings, centres)
    by_list = np.argsort(own, kind="stable").astype(np.int32)
    ends = np.cumsum(np.bincount(own, minlength=wanted))
    return Lists(centres, own, nearness, tuple(np.split(by_list, ends[:-1])))


def visitors(embeddings: np.ndarray, lists: Lists, chosen: slice, margin: float) -> list[np.ndarray]:
    """For each of the chosen lists the rows of others that are its visitors, in order: those whose product
    with its centre is at most `margin` below that with their own."""
    found: list[list[np.ndarray]] = [[] for _ in lists.members[chosen]]
    numbers = np.arange(len(lists.centres))[chosen]
    for block in tiles.blocks_of(embeddings):
        near = embeddings[block] @ lists.centres[chosen].T >= lists.nearness[block, None] - margin
        near &= lists.own[block, None] != numbers
        list_, row = np.nonzero(near.T)
        parts = np.split(
            row.astype(np.int32) + block.start, np.cumsum(np.bincount(list_, minlength=len(found)))
        )
        for rows, part in zip(found, parts, strict=False):
            rows.append(part)
    return [np.concatenate(rows) for rows in found]


def margins(embeddings: np.ndarray, lists: Lists, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The smallest margin by which each pair of rows, one (p,) and other (p,), is met: (p,) float32."""
    needed = np.empty(len(one), np.float32)
    chunk = max(1, EXACT_BYTES // (4 * embeddings.shape[1]))
    for start in range(0, len(one), chunk):
        part = slice(start, start + chunk)
        needed[part] = np.minimum(
            _margin(embeddings, lists, one[part], other[part]),
            _margin(embeddings, lists, other[part], one[part]),
        )
    return np.where(lists.own[one] == lists.own[other], np.float32(0), needed)


def _margin(embeddings: np.ndarray, lists: Lists, visitor: np.ndarray, member: np.ndarray) -> np.ndarray:
    centres = lists.centres[lists.own[member]]
    return lists.nearness[visitor] - np.einsum("ij,ij->i", embeddings[visitor], centres)


def _nearest_centre(rows: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(m,) int32 which centre is nearest to each row, and (m,) float32 the product with it."""
    own, nearness = np.empty(len(rows), np.int32), np.empty(len(rows), np.float32)
    blocks = tiles.blocks_of(rows)

    def look(number: int, room: np.ndarray) -> None:
        block = blocks[number]
        products = np.matmul(rows[block], centres.T, out=room[: block.stop - block.start])
        own[block] = products.argmax(axis=1)
        nearness[block] = np.take_along_axis(products, own[block, None], axis=1)[:, 0]

    size = (tiles.BLOCK_ROWS, len(centres))
    side_by_side.each(look, range(len(blocks)), lambda: np.empty(size, np.float32))
    return own, nearness
