"""Which pairs of rows may be near enough, from products of eight-bit integers; float32 then looks again.

Rows x are rounded to whole numbers q = round(s x), s = 127 / max |x|, which leaves a rest e = x - q / s.
For rows x and y with rests e and f, by Cauchy and Schwarz,

    |x.y - q.p / s^2| = |e.y + x.f - e.f| <= |e| |y| + |x| |f| + |e| |f|

so with every rest at most E long and every row at most L, no pair is missed whose integer product is
looked at down to 2 E L + E^2 below the bound.  E is measured, in float64: it is a little over half of what
half a step in each of d numbers could add up to, and half the slack means fewer pairs to look at again.
Letters: m rows, d dim, p pairs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from augnet_cli.encoder.session import open_session
from augnet_cli.search import side_by_side, tiles
from augnet_cli.search.distance import EXACT_BYTES
from augnet_cli.search.integer_model import LEFT, LEFT_ZERO, PRODUCT, RIGHT, integer_product_model
from augnet_cli.search.tiles import FloatTiles, Scratch, places_from, scratch

LARGEST = 127
# Sums of products (q + 128) p fit into 32 bits up to so many numbers a row.
MOST_NUMBERS = (2**31 - 1) // ((LARGEST + LEFT_ZERO) * LARGEST)
# A tile with a larger share of candidates is multiplied again in float32, which then takes less time than to
# gather the rows of each.
DENSE = 1 / 256
# Rests are computed in float64, whose own rounding this outweighs by far.
REST_MARGIN = 1 + 1e-9
TRIALS = 3


@dataclass(frozen=True)
class IntegerTiles:
    """All products in integers, and those that may reach `least` once more in float32.

    Attributes:
        exact: the same search in float32.
        session: of the model of `integer_model`.
        columns: (blocks, d, BLOCK_ROWS) int8, the whole numbers of each block of rows, transposed; beyond
            the last row zeros, so that all tiles have the one size that was checked.
        least: integer products below this are of no interest.
    """

    exact: FloatTiles
    session: Any
    columns: np.ndarray
    least: int

    def candidates(self, start: int, room: Scratch) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """As `FloatTiles.candidates`, a pair more or less at the edge of float32's rounding."""
        rows = len(self.exact.rows)
        left = left_side(self.columns[start // tiles.BLOCK_ROWS])
        for block in range(start // tiles.BLOCK_ROWS, len(self.columns)):
            other = block * tiles.BLOCK_ROWS
            whole = integer_product(self.session, left, self.columns[block], room)
            tile = whole[: rows - start, : rows - other]
            places = places_from(tile, self.least, start == other, room)
            if places is None or len(places) == 0:
                continue
            if len(places) > DENSE * tile.size:
                places = places_from(
                    self.exact.products(start, other, room), self.exact.least, start == other, room
                )
                if places is not None:
                    near_left, near_right = np.divmod(places, tile.shape[1])
                    yield near_left + start, near_right + other
                continue
            near_left, near_right = np.divmod(places, tile.shape[1])
            yield self._near_enough(near_left + start, near_right + other)

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
    columns, scale, rest = quantised(rows)
    longest = math.sqrt(max(float(np.einsum("ij,ij->i", rows, rows).max()), 1.0)) * (1 + 1e-3)
    slack = 2 * rest * longest + rest * rest
    # What lies below every possible product is no bound, and need not fit into 32 bits.
    least = max(math.floor((exact.least - slack) * scale * scale), -(2**31))
    found = IntegerTiles(exact, session, columns, least)
    return found if _faster(found) else None


def quantised(rows: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Rows (m, d) as whole numbers from -127 to 127.

    Returns:
        columns: (blocks, d, BLOCK_ROWS) int8, as `IntegerTiles` has them.
        scale: what the rows were multiplied by, before they were rounded.
        rest: no row's rounding left more than this length.
    """
    size = tiles.BLOCK_ROWS
    starts = range(0, len(rows), size)
    scale = LARGEST / max(float(np.abs(rows[start : start + size]).max()) for start in starts)
    columns = np.zeros((len(starts), rows.shape[1], size), np.int8)

    def fill(start: int, _: None) -> float:
        scaled = rows[start : start + size].astype(np.float64) * scale
        whole = np.rint(scaled)
        columns[start // size, :, : len(whole)] = whole.T
        scaled -= whole
        return math.sqrt(float(np.einsum("ij,ij->i", scaled, scaled).max()))

    rest = max(side_by_side.each(fill, starts, lambda: None)) / scale
    return columns, scale, rest * REST_MARGIN


def left_side(columns: np.ndarray) -> np.ndarray:
    """A block (d, rows) int8 as the left side of a product: (rows, d) uint8, each number 128 larger."""
    # In eight bits 128 more is another highest bit.
    return np.ascontiguousarray(columns.T).view(np.uint8) ^ np.uint8(LEFT_ZERO)


def integer_product(session: Any, left: np.ndarray, right: np.ndarray, room: Scratch) -> np.ndarray:
    """(rows, d) uint8, each 128 too large, times (d, columns) int8, both contiguous: int32, in `room`."""
    tile = room.integers[: len(left) * right.shape[1]].reshape(len(left), right.shape[1])
    binding = session.io_binding()  # costs a hundredth of a tile; a new array for each would cost a half
    for name, side in ((LEFT, left), (RIGHT, right)):
        binding.bind_input(name, "cpu", 0, side.dtype.type, side.shape, side.ctypes.data)
    binding.bind_output(PRODUCT, "cpu", 0, np.int32, tile.shape, tile.ctypes.data)
    session.run_with_iobinding(binding)
    return tile


def multiplies_rightly(session: Any, dim: int) -> bool:
    """Whether integer products of rows of `dim` numbers are right here, the largest and smallest ones too."""
    numbers = np.random.default_rng(0)
    kinds = np.concatenate(
        [np.full((1, dim), LARGEST), np.full((1, dim), -LARGEST), numbers.integers(-LARGEST, 128, (5, dim))]
    )
    kinds = np.concatenate([kinds, LARGEST * (-1) ** np.arange(dim)[None]])
    block = kinds[np.arange(tiles.BLOCK_ROWS) % len(kinds)].astype(np.int8)
    columns = np.ascontiguousarray(block.T)
    got = integer_product(session, left_side(columns), columns, scratch())
    true = kinds.astype(np.int64) @ kinds.T
    places = np.arange(tiles.BLOCK_ROWS) % len(kinds)
    return bool((got == true[places[:, None], places]).all())


def _session() -> Any:
    """The session, or None where ONNX Runtime has no such product."""
    try:
        return open_session(integer_product_model())
    except Exception:  # noqa: BLE001  # a dozen unrelated classes; float32 does the same work
        return None


def _faster(found: IntegerTiles) -> bool:
    """Whether a tile of integers takes less time here than one in float32."""
    room = scratch()
    left = left_side(found.columns[0])

    def trial(_: int, __: None) -> tuple[float, float]:
        return (
            _shortest(lambda: integer_product(found.session, left, found.columns[0], room)),
            _shortest(lambda: found.exact.products(0, 0, room)),
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
