"""Short rows and seven bits miss no pair; which of them serve depends on the rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_exact import random_rows, slow_pairs, unit_rows
from test_partitioned import folder_like
from test_short_rows import rows_of_many_kinds

from augnet_cli.search import integer_tiles, near_pairs, recall, tiles
from augnet_cli.search.exact import pairs_within
from augnet_cli.search.integer_model import LEFT_ZERO
from augnet_cli.search.integer_tiles import (
    LARGEST,
    LARGEST_OF_SEVEN_BITS,
    IntegerTiles,
    integer_product,
    multiplies_rightly,
    right_session,
    right_side,
    unchecked_tiles,
)
from augnet_cli.search.partitioned import pairs_mostly
from augnet_cli.search.quickest_tiles import quickest_tiles
from augnet_cli.search.short_rows import axes_of, shortened_to
from augnet_cli.search.tiles import FloatTiles, scratch

SESSION = integer_tiles._session()
# Those that are right on this processor.
BITS = [largest for largest in (LARGEST, LARGEST_OF_SEVEN_BITS) if multiplies_rightly(SESSION, 64, largest)]


def by_short_rows(patch: pytest.MonkeyPatch, numbers: int, largest: int) -> None:
    """Have rows of so many numbers as integers find the candidates."""

    def made(rows: np.ndarray, least: float) -> IntegerTiles:
        short = shortened_to(min(numbers, rows.shape[1]), axes_of(rows))
        return unchecked_tiles(FloatTiles(rows, least), SESSION, largest, short)

    patch.setattr(near_pairs, "_tiles", made)


@pytest.mark.parametrize("largest", BITS)
@settings(max_examples=40, deadline=None)
@given(
    rows=rows_of_many_kinds(),
    threshold=st.sampled_from([0.0, 0.05, 0.5, 2.0, None]),
    place=st.floats(0, 1),
    numbers=st.integers(1, 80),
    block=st.sampled_from([7, 64]),
)
def test_short_rows_of_integers_miss_no_pair(
    rows: np.ndarray, threshold: float | None, place: float, numbers: int, block: int, largest: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "BLOCK_ROWS", block)
        if threshold is None:  # a distance that occurs, which is met exactly: there a pair would go missing
            every = np.unique(pairs_within(rows, 2.0).distance)
            threshold = float(every[int(place * (len(every) - 1))])
        plain = pairs_within(rows, threshold)
        by_short_rows(patch, numbers, largest)
        pairs = pairs_within(rows, threshold)
    for name in ("left", "right", "distance"):
        np.testing.assert_array_equal(getattr(pairs, name), getattr(plain, name))
    found = set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    for pair, distance in slow_pairs(rows).items():
        # The loop's own distance cancels near 0, where equal rows alone are beyond doubt.
        if distance <= threshold - 1e-6 or np.array_equal(*rows[list(pair)]) or threshold == 2:
            assert pair in found


@pytest.mark.parametrize("largest", BITS)
def test_a_pair_at_the_very_threshold_is_found_in_whatever_direction_rounding_errs(largest: int) -> None:
    """Short rows that lose nothing have no looseness to hide a slack that is too small."""
    numbers = np.random.default_rng(0)
    rows = unit_rows(numbers.standard_normal((300, 5)) @ numbers.standard_normal((5, 40)))
    every = pairs_within(rows, 2.0)
    for threshold in np.sort(every.distance)[:: len(every) // 60]:
        with pytest.MonkeyPatch.context() as patch:
            by_short_rows(patch, 6, largest)
            assert len(pairs_within(rows, float(threshold))) == (every.distance <= threshold).sum()


@pytest.mark.parametrize("dim", [1, 2, 3, 16, 31, 64, 129, 300, 2048])
def test_seven_bits_on_one_side_are_right_on_every_processor(dim: int) -> None:
    """The largest sums that bytes can make in 16 bits, by the real product."""
    numbers = np.random.default_rng(dim)
    left = numbers.integers(-LARGEST, LARGEST + 1, (70, dim))
    right = numbers.integers(-LARGEST_OF_SEVEN_BITS, LARGEST_OF_SEVEN_BITS + 1, (33, dim))
    left[:2], right[:2] = [[-LARGEST], [LARGEST]], [[LARGEST_OF_SEVEN_BITS], [-LARGEST_OF_SEVEN_BITS]]
    raised, columns = ((side + LEFT_ZERO).astype(np.uint8) for side in (left, right))
    product = integer_product(SESSION, raised, right_side(columns), scratch())
    np.testing.assert_array_equal(product, left @ right.T)
    assert right_session(dim, LARGEST_OF_SEVEN_BITS) is not None
    assert 2 * (LARGEST + LEFT_ZERO) * LARGEST_OF_SEVEN_BITS < 2**15


def length_of(rows: np.ndarray, threshold: float) -> int:
    """How many numbers a row has that candidates come from."""
    chosen = quickest_tiles(FloatTiles(rows, 1 - threshold))
    return (chosen.others if isinstance(chosen, IntegerTiles) else chosen.rows).shape[1]


def test_rows_that_lie_in_all_directions_stay_whole_for_a_wide_threshold() -> None:
    assert length_of(random_rows(3000, 96), 0.7) == 96


def test_rows_that_lie_along_few_axes_become_short() -> None:
    numbers = np.random.default_rng(0)
    rows = numbers.standard_normal((3000, 12)) @ numbers.standard_normal((12, 384))
    assert length_of(unit_rows(rows + 0.1 * numbers.standard_normal(rows.shape)), 0.05) < 96


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (2, 17), (5, 3)])
def test_the_fewest_rows_and_numbers_find_their_pairs(shape: tuple[int, int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_pairs, "INTEGER_ROWS", 0)
        pairs = pairs_within(np.repeat(random_rows(1, shape[1]), shape[0], axis=0), 0.0)
    assert len(pairs) == shape[0] * (shape[0] - 1) // 2


def test_the_partitioned_search_goes_by_short_rows_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "BLOCK_ROWS", 32)
    monkeypatch.setattr(recall, "RECALL", 0.95)
    rows = folder_like(3000, dim=24)
    plain, told = pairs_mostly(rows, 0.1)
    by_short_rows(monkeypatch, 12, LARGEST_OF_SEVEN_BITS)
    pairs, told_again = pairs_mostly(rows, 0.1)
    assert told is not None and told == told_again
    for name in ("left", "right", "distance"):
        np.testing.assert_array_equal(getattr(pairs, name), getattr(plain, name))
