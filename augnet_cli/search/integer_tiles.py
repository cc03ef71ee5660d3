"""Which pairs of rows may be near enough, from products of eight-bit integers; float32 then looks again.

Rows x are rounded to whole numbers q = round(s x), s = 127 / max |x|, which leaves a rest e = x - q / s; on
the other side of a product rows y to p = round(t y), which leaves f.  By Cauchy and Schwarz

    |x.y - q.p / (s t)| = |e.y + x.f - e.f| <= |e| |y| + |x| |f| + |e| |f|

so with no rest longer than E and F, and no row than L, no pair is missed whose integer product is looked at
down to (E + F) L + E F below the bound.  E and F are measured, in float64: they are a little over half of
what half a step in each number could add up to, and half the slack means fewer pairs to look at again.
Mostly t = s.  Processors without instructions for it add two products in 16 bits, and cut off there what
does not fit: with seven bits on one side, t = 63 / max |y|, it always fits, as 2 * 255 * 63 < 2^15.
The rows may be short ones (`short_rows.py`), whose products are no smaller.
Letters: m rows, d dim, n numbers of a row as integers, b rows of a block, o other rows.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from augnet_cli.encoder.session import open_session
from augnet_cli.search import side_by_side, tiles
from augnet_cli.search.distance import EXACT_BYTES
from augnet_cli.search.integer_model import LEFT, LEFT_ZERO, PRODUCT, RIGHT, integer_product_model
from augnet_cli.search.short_rows import ROUNDING, Short
from augnet_cli.search.tiles import (
    Candidates,
    Chosen,
    FloatTiles,
    Scratch,
    blocks_of,
    places_from,
    rows_at,
    scratch,
)

LARGEST = 127
LARGEST_OF_SEVEN_BITS = 63
# Sums of products (q + 128) p fit into 32 bits up to so many numbers a row.
MOST_NUMBERS = (2**31 - 1) // ((LARGEST + LEFT_ZERO) * LARGEST)
# A tile with a larger share of candidates is multiplied again in float32, which then takes less time than to
# gather the rows of each.
DENSE = 1 / 256
# Rests are computed in float64, whose own rounding this outweighs by far.
REST_MARGIN = 1 + 1e-9
TRIALS = 3
ODD_SIZES = (1, 7)  # rows of a tile that are no multiple of what instructions take at once


@dataclass(frozen=True)
class IntegerTiles:
    """All products in integers, and those that may reach `least` once more in float32.

    Attributes:
        exact: the same search in float32.
        session: of the model of `integer_model`.
        others: (m, n) uint8, the rows as whole numbers on the left of a product, each 128 too large.
        blocks: (m, n) uint8, those on its right; the same array if they are rounded alike.
        least: integer products below this are of no interest.
    """

    exact: FloatTiles
    session: Any
    others: np.ndarray
    blocks: np.ndarray
    least: int

    def candidates(self, block: Chosen, others: Iterable[Chosen], room: Scratch) -> Iterator[Candidates]:
        """As `Tiles` says; a pair more or less than `FloatTiles` at the edge of float32's rounding."""
        columns = right_side(self.blocks[block])
        for other in others:
            tile = integer_product(self.session, self.others[other], columns, room)
            places = places_from(tile, self.least, other is block, room)
            if len(places) > DENSE * tile.size:
                yield from self.exact.candidates(block, [other], room)
            elif len(places):
                yield self._near_enough(*rows_at(places, block, other, tile.shape[1]))

    def share(self, block: Chosen, other: Chosen, room: Scratch) -> float:
        """Of the pairs of a tile the share that has to be looked at again."""
        tile = integer_product(self.session, self.others[other], right_side(self.blocks[block]), room)
        return len(places_from(tile, self.least, False, room)) / tile.size

    def _near_enough(self, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Those of some pairs whose product in float32 reaches the bound."""
        rows = self.exact.rows
        near = np.empty(len(left), bool)
        chunk = max(1, EXACT_BYTES // (4 * rows.shape[1]))
        for first in range(0, len(left), chunk):
            part = slice(first, first + chunk)
            near[part] = np.einsum("ij,ij->i", rows[left[part]], rows[right[part]]) >= self.exact.least
        return left[near], right[near]


def integer_tiles(
    exact: FloatTiles, largest: int = LARGEST, short: Short | None = None
) -> IntegerTiles | None:
    """The search of `exact` by integers; None where this processor multiplies them wrongly or no faster.

    Without instructions for it, products of bytes are added in 16 bits first, and cut off there: ONNX Runtime
    does so before AVX-512 VNNI and AVX-VNNI.  So the largest products are tried, and a tile is timed.

    Args:
        exact: the search.
        largest: the largest whole number on the right of a product.
        short: how the rows are made shorter before; None: not at all.
    """
    session = right_session(exact.rows.shape[1] if short is None else len(short.rest), largest)
    if session is None:
        return None
    found = unchecked_tiles(exact, session, largest, short)
    return found if _faster(found) else None


def right_session(numbers: int, largest: int) -> Any:
    """A session of integer products that are right here for rows of so many numbers, or None."""
    if not 0 < numbers <= MOST_NUMBERS:
        return None
    session = _session()
    return session if session is not None and multiplies_rightly(session, numbers, largest) else None


def unchecked_tiles(exact: FloatTiles, session: Any, largest: int, short: Short | None) -> IntegerTiles:
    """The same without a look at what this processor can do."""
    rows = exact.rows
    whole, scale, rest = quantised(rows, LARGEST, short)
    right, right_scale, right_rest = (
        (whole, scale, rest) if largest == LARGEST else quantised(rows, largest, short)
    )
    # Some longer than the longest row, as short rows are by their ROUNDING.
    longest = math.sqrt(max(float(np.einsum("ij,ij->i", rows, rows).max()), 1.0)) * (1 + 1e-3)
    slack = (rest + right_rest) * longest + rest * right_rest + ROUNDING
    # What lies below every possible product is no bound, and need not fit into 32 bits.
    least = max(math.floor((exact.least - slack) * scale * right_scale), -(2**31))
    return IntegerTiles(exact, session, whole, right, least)


def quantised(
    rows: np.ndarray, largest: int = LARGEST, short: Short | None = None
) -> tuple[np.ndarray, float, float]:
    """Rows (m, d), or the short ones they become, as whole numbers from -largest to largest.

    Returns:
        whole: (m, n) uint8, each number 128 larger.
        scale: what the rows were multiplied by, before they were rounded.
        rest: no row's rounding left more than this length.
    """
    blocks = blocks_of(rows)
    whole = np.empty((len(rows), rows.shape[1] if short is None else len(short.rest)), np.uint8)

    def written(number: int) -> np.ndarray:
        block = rows[blocks[number]].astype(np.float64)
        return block if short is None else short.of(block)

    def peak(number: int, _: None) -> float:
        return float(np.abs(written(number)).max())

    def fill(number: int, _: None) -> float:
        scaled = written(number) * scale
        rounded = np.rint(scaled)
        whole[blocks[number]] = rounded + LEFT_ZERO
        scaled -= rounded
        return math.sqrt(float(np.einsum("ij,ij->i", scaled, scaled).max()))

    scale = largest / max(side_by_side.each(peak, range(len(blocks)), lambda: None))
    rest = max(side_by_side.each(fill, range(len(blocks)), lambda: None)) / scale
    return whole, scale, rest * REST_MARGIN


def right_side(whole: np.ndarray) -> np.ndarray:
    """Rows (b, d) uint8, each number 128 too large, as the right side of a product: (d, b) int8."""
    # In eight bits 128 less is another highest bit.
    return np.ascontiguousarray((whole ^ np.uint8(LEFT_ZERO)).view(np.int8).T)


def integer_product(session: Any, left: np.ndarray, right: np.ndarray, room: Scratch) -> np.ndarray:
    """(o, d) uint8, each 128 too large, times (d, b) int8, both contiguous: (o, b) int32, in `room`."""
    tile = room.integers[: len(left) * right.shape[1]].reshape(len(left), right.shape[1])
    binding = session.io_binding()  # costs a hundredth of a tile; a new array for each would cost a half
    for name, side in ((LEFT, left), (RIGHT, right)):
        binding.bind_input(name, "cpu", 0, side.dtype.type, side.shape, side.ctypes.data)
    binding.bind_output(PRODUCT, "cpu", 0, np.int32, tile.shape, tile.ctypes.data)
    session.run_with_iobinding(binding)
    return tile


def multiplies_rightly(session: Any, dim: int, largest: int = LARGEST) -> bool:
    """Whether integer products of rows of `dim` numbers are right here, the largest and smallest ones too,
    with numbers up to `largest` on the right;
    in whole tiles, and in those of another size, which may go through other instructions at their edges."""
    left, right = _extremes(dim, LARGEST), _extremes(dim, largest)
    true = left @ right.T
    room = scratch()
    for size in (tiles.BLOCK_ROWS, *ODD_SIZES):
        places = np.arange(min(size, tiles.BLOCK_ROWS)) % len(left)
        raised, columns = ((kind[places] + LEFT_ZERO).astype(np.uint8) for kind in (left, right))
        got = integer_product(session, raised, right_side(columns), room)
        if not (got == true[places[:, None], places]).all():
            return False
    return True


def _extremes(dim: int, largest: int) -> np.ndarray:
    """Rows (r, d) with the largest sums of products, and some others."""
    signs = largest * (-1) ** np.arange(dim)
    any_numbers = np.random.default_rng(0).integers(-largest, largest + 1, (5, dim))
    return np.stack([np.full(dim, largest), np.full(dim, -largest), signs, *any_numbers])


def _session() -> Any:
    """The session of a product of integers, or None where ONNX Runtime has none."""
    try:
        return open_session(integer_product_model())
    except Exception:  # noqa: BLE001  # a dozen unrelated classes; float32 does the same work
        return None


def _faster(found: IntegerTiles) -> bool:
    """Whether a tile of integers takes less time here than one in float32."""
    room, block = scratch(), slice(0, tiles.BLOCK_ROWS)
    left = found.others[block]
    right = right_side(found.blocks[block])

    def trial(_: int, __: None) -> tuple[float, float]:
        return (
            _shortest(lambda: integer_product(found.session, left, right, room)),
            _shortest(lambda: found.exact.products(block, block, room)),
        )

    ((integer, plain),) = side_by_side.each(trial, [0], lambda: None)
    return integer < plain


def _shortest(work: Callable[[], object]) -> float:
    """Seconds of the shortest of a few trials, after one that warms up."""
    work()
    seconds = []
    for _ in range(TRIALS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)
