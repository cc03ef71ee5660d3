"""Short rows: no product of two is below that of the rows they stand for, whatever the axes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augnet_cli.search.short_rows import ROUNDING, axes_of, shortened_to


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@st.composite
def rows_of_many_kinds(draw: st.DrawFn) -> np.ndarray:
    """Rows (m, d): any; in clusters; all equal but for rounding; with axes along which nothing lies."""
    seed, count, dim = (draw(st.integers(*bounds)) for bounds in ((0, 999), (2, 60), (1, 80)))
    numbers = np.random.default_rng(seed)
    rows = numbers.standard_normal((count, dim)) + 1e-3
    kind = draw(st.sampled_from(["any", "clusters", "equal", "flat", "one"]))
    if kind == "clusters":
        rows = rows[numbers.integers(min(3, count), size=count)] + 0.05 * rows
    elif kind == "equal":
        rows = np.repeat(rows[:1], count, axis=0)
    elif kind == "flat":
        rows[:, 1 : 1 + dim // 2] = 0
    elif kind == "one":
        rows = np.eye(dim)[numbers.integers(dim, size=count)]
    return unit(rows)


@settings(max_examples=100, deadline=None)
@given(rows_of_many_kinds(), st.floats(0, 1), st.booleans())
def test_no_product_of_short_rows_is_below_the_true_one(
    rows: np.ndarray, place: float, by_others: bool
) -> None:
    numbers = 1 + round(place * (rows.shape[1] - 1))
    axes = axes_of(rows[:1] if by_others else rows)
    exact = rows.astype(np.float64)
    short = shortened_to(numbers, axes).of(exact)
    assert short.shape == (len(rows), numbers)
    true, bound = exact @ exact.T, short @ short.T
    assert (bound >= true - 1e-12).all()
    np.testing.assert_allclose(np.diag(bound), np.diag(true), atol=2 * ROUNDING)


def test_rows_that_lie_along_few_axes_lose_nothing() -> None:
    numbers = np.random.default_rng(0)
    rows = unit(numbers.standard_normal((50, 6)) @ numbers.standard_normal((6, 40))).astype(np.float64)
    short = shortened_to(7, axes_of(rows)).of(rows)
    # They were rounded to float32 on the way, which leaves them a little beside their axes.
    np.testing.assert_allclose(short @ short.T, rows @ rows.T, atol=1e-6)


@pytest.mark.parametrize("numbers", [2, 16, 33])
def test_what_lies_along_one_axis_is_spread_over_all_numbers(numbers: int) -> None:
    """Else steps of integers would be as coarse as the largest number demands."""
    rows = np.eye(40)
    short = shortened_to(numbers, np.eye(40)).of(rows)
    assert np.abs(short).max() <= np.sqrt(2 / numbers) + 1e-4
