"""Which way to the candidates is the quickest, for the rows at hand on the processor at hand.

All ways find the same pairs.  In eight bits where this processor multiplies those rightly, else in seven on
one side, rows may be short ones of some length or whole.  Shorter rows are multiplied sooner but leave more
pairs to look at again; how many depends on how much of the rows lies along few axes, and on the threshold.
So they are counted, for each length, in a tile of rows drawn at random, which has as large a share of them as
all tiles.  To time that tile instead chose badly on a busy machine, where the quickest length changed from
run to run.
Letters: m rows, d dim.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from augnet_cli.search import side_by_side, tiles
from augnet_cli.search.integer_tiles import (
    DENSE,
    LARGEST,
    LARGEST_OF_SEVEN_BITS,
    integer_tiles,
    right_session,
    unchecked_tiles,
)
from augnet_cli.search.short_rows import Short, axes_of, shortened_to
from augnet_cli.search.tiles import FloatTiles, Scratch, Tiles, scratch

SEED = 0
# Lengths of short rows; the best is none too far from one of them.
LENGTHS = (16, 20, 24, 28, 32, 36, 40, 48, 56, 64, 80, 96, 128, 192, 256, 384, 512, 768)
# Axes are told from so many rows.  That takes a hundredth of a second for 256 numbers a row and half a second
# for 1,024; beyond, seconds, so longer rows stay whole.
AXES_ROWS = 4096
MOST_NUMBERS = 1024
# To look at every pair again would take as long as so many numbers more a row: a pair takes some tenths of a
# microsecond, and a number 3 (in eight bits) to 12 microseconds for a tile of a million pairs.
LOOKING_AGAIN = 100_000


def quickest_tiles(plain: FloatTiles) -> Tiles:
    """The quickest way to the candidates of `plain`; itself, if none is quicker."""
    for largest in (LARGEST, LARGEST_OF_SEVEN_BITS):
        session = right_session(plain.rows.shape[1], largest)
        if session is not None:
            ((pays, short),) = side_by_side.each(partial(_best, plain, session, largest), [0], scratch)
            # That these products are right says nothing of those of another length, so they are tried again.
            return (integer_tiles(plain, largest, short) if pays else None) or plain
    return plain


def _best(plain: FloatTiles, session: Any, largest: int, _: int, room: Scratch) -> tuple[bool, Short | None]:
    """Whether integers up to `largest` spare float32 most of its tiles, and the best length for them."""
    tried, told = _drawn(plain.rows)
    sample = FloatTiles(tried, plain.least)
    block, other = slice(0, (len(tried) + 1) // 2), slice(len(tried) // 2, len(tried))
    pays, best, least = False, None, math.inf
    for short in _shorts(told):
        length = plain.rows.shape[1] if short is None else len(short.rest)
        if length >= least:
            break
        share = unchecked_tiles(sample, session, largest, short).share(block, other, room)
        if share <= DENSE and length + LOOKING_AGAIN * share < least:
            pays, best, least = True, short, length + LOOKING_AGAIN * share
    return pays, best


def _drawn(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows drawn at random: two blocks to try a tile of, and others to tell axes from, if there are any."""
    wanted = min(2 * tiles.BLOCK_ROWS, len(rows))
    drawn = np.random.default_rng(SEED).choice(len(rows), min(wanted + AXES_ROWS, len(rows)), replace=False)
    return rows[drawn[:wanted]], rows[drawn[wanted:] if len(drawn) > wanted else drawn]


def _shorts(rows: np.ndarray) -> Iterator[Short | None]:
    """Ways to shorten such rows, the shortest first; None at last: they stay whole."""
    dim = rows.shape[1]
    if LENGTHS[0] < dim <= MOST_NUMBERS:
        axes = axes_of(rows)
        yield from (shortened_to(length, axes) for length in LENGTHS if length < dim)
    yield None
