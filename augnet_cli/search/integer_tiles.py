"""Which pairs of rows may be near enough, from products of eight-bit integers; float32 then looks again.

Rows x are rounded to whole numbers q = round(s x), s = 127 / max |x|, which leaves a rest e = x - q / s.
For rows x and y with rests e and f, by Cauchy and Schwarz,

    |x.y - q.p / s^2| = |e.y + x.f - e.f| <= |e| |y| + |x| |f| + |e| |f|

so with every rest at most E long and every row at most L, no pair is missed whose integer product is
looked at down to 2 E L + E^2 below the bound.  E is measured, in float64: it is a little over half of what
half a step in each of d numbers could add up to, and half the slack means fewer pairs to look at again.
Letters: m rows, d dim, b rows of a block, o other rows.
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
        whole: (m, d) uint8, the rows as whole numbers, each 128 too large.
        least: integer products below this are of no interest.
    """

    exact: FloatTiles
    session: Any
    whole: np.ndarray
    least: int

    def candidates(self, block: Chosen, others: Iterable[Chosen], room: Scratch) -> Iterator[Candidates]:
        """As `Tiles` says; a pair more or less than `FloatTiles` at the edge of float32's rounding."""
        columns = right_side(self.whole[block])
        for other in others:
            tile = integer_product(self.session, self.whole[other], columns, room)
            places = places_from(tile, self.least, other is block, room)
            if len(places) > DENSE * tile.size:
                yield from self.exact.candidates(block, [other], room)
            elif len(places):
                yield self._near_enough(*rows_at(places, block, other, tile.shape[1]))

    def _near_enough(self, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Those of some pairs whose product in float32 reaches the bound."""
        rows = self.exact.rows
        near = np.empty(len(left), bool)
        chunk = max(1, EXACT_BYTES // (4 * rows.shape[1]))
        for first in range(0, len(left), chunk):
            part = slice(first, first + chunk)
            near[part] = np.einsum("ij,ij->i", rows[left[part]], rows[right[part]]) >= self.exact.least
        return left[near], right[near]


def integer_tiles(exact: FloatTiles) -> IntegerTiles | None:
    """The search of `exact` by integers; None where this processor multiplies them wrongly or no faster.

    Without instructions for it, products of bytes are added in 16 bits first, and cut off there: ONNX Runtime
    does so before AVX-512 VNNI and AVX-VNNI.  So the largest products are tried, and a tile is timed.
    """
    rows = exact.rows
    if not 0 < rows.shape[1] <= MOST_NUMBERS:
        return None
    session = _session()
    if session is None or not multiplies_rightly(session, rows.shape[1]):
        return None
    whole, scale, rest = quantised(rows)
    longest = math.sqrt(max(float(np.einsum("ij,ij->i", rows, rows).max()), 1.0)) * (1 + 1e-3)
    slack = 2 * rest * longest + rest * rest
    # What lies below every possible product is no bound, and need not fit into 32 bits.
    least = max(math.floor((exact.least - slack) * scale * scale), -(2**31))
    found = IntegerTiles(exact, session, whole, least)
    return found if _faster(found) else None


def quantised(rows: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Rows (m, d) as whole numbers from -127 to 127.

    Returns:
        whole: (m, d) uint8, each number 128 larger.
        scale: what the rows were multiplied by, before they were rounded.
        rest: no row's rounding left more than this length.
    """
    blocks = blocks_of(rows)
    scale = LARGEST / max(float(np.abs(rows[block]).max()) for block in blocks)
    whole = np.empty(rows.shape, np.uint8)

    def fill(number: int, _: None) -> float:
        scaled = rows[blocks[number]].astype(np.float64) * scale
        rounded = np.rint(scaled)
        whole[blocks[number]] = rounded + LEFT_ZERO
        scaled -= rounded
        return math.sqrt(float(np.einsum("ij,ij->i", scaled, scaled).max()))

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


def multiplies_rightly(session: Any, dim: int) -> bool:
    """Whether integer products of rows of `dim` numbers are right here, the largest and smallest ones too;
    in whole tiles, and in those of another size, which may go through other instructions at their edges."""
    numbers = np.random.default_rng(0)
    signs = LARGEST * (-1) ** np.arange(dim)
    kinds = np.stack(
        [np.full(dim, LARGEST), np.full(dim, -LARGEST), signs, *numbers.integers(-127, 128, (5, dim))]
    )
    true = kinds @ kinds.T
    room = scratch()
    for size in (tiles.BLOCK_ROWS, *ODD_SIZES):
        places = np.arange(min(size, tiles.BLOCK_ROWS)) % len(kinds)
        whole = (kinds[places] + LEFT_ZERO).astype(np.uint8)
        got = integer_product(session, whole, right_side(whole), room)
        if not (got == true[places[:, None], places]).all():
            return False
    return True


def _session() -> Any:
    """The session, or None where ONNX Runtime has no such product."""
    try:
        return open_session(integer_product_model())
    except Exception:  # noqa: BLE001  # a dozen unrelated classes; float32 does the same work
        return None


def _faster(found: IntegerTiles) -> bool:
    """Whether a tile of integers takes less time here than one in float32."""
    room, block = scratch(), slice(0, tiles.BLOCK_ROWS)
    left = found.whole[block]
    right = right_side(left)

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
