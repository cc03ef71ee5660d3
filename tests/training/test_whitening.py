"""Whitening against numpy's own covariance, and the scale against its formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from augnet_cli.training.whitening import CUT, POWER, Whitening, fitted_whitening, scaled_to_cut


def leaning_rows(count: int = 500, dim: int = 12, seed: int = 0) -> np.ndarray:
    """Unit rows that lean to one direction and vary along few axes."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, dim)) * np.geomspace(1, 0.05, dim) + 0.8
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)


def applied(whitening: Whitening, rows: np.ndarray) -> np.ndarray:
    return whitening(torch.from_numpy(rows)).numpy()


def distances(rows: np.ndarray) -> np.ndarray:
    return 1 - rows @ rows.T


def test_rows_have_the_same_width_and_length_1() -> None:
    made = applied(fitted_whitening(leaning_rows()), leaning_rows(seed=1))
    assert made.shape == (500, 12) and made.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)


def test_axes_are_those_of_the_covariance_divided_by_the_power_of_their_variance() -> None:
    rows = leaning_rows()
    whitening = fitted_whitening(rows)
    before = rows.astype(np.float64) @ whitening.axes.double().numpy()
    covariance = np.cov(before, rowvar=False, bias=True)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 1e-6 * covariance.max()
    variances = np.linalg.eigvalsh(np.cov(rows.astype(np.float64), rowvar=False, bias=True))[1:]
    np.testing.assert_allclose(np.sort(np.diag(covariance)), np.sort(variances ** (1 - 2 * POWER)), rtol=1e-3)


def test_fresh_rows_vary_more_evenly_than_before() -> None:
    def evenness(rows: np.ndarray) -> float:
        """Share of the variance that is not in the strongest of the 11 axes."""
        variances = np.linalg.eigvalsh(np.cov(rows, rowvar=False))
        return float(1 - variances[-1] / variances.sum())

    fresh = leaning_rows(seed=5)
    assert evenness(applied(fitted_whitening(leaning_rows()), fresh)) > 1.1 * evenness(fresh)


def test_an_axis_that_does_not_vary_stays_finite() -> None:
    rows = leaning_rows()
    rows[:, 3] = 0
    made = applied(fitted_whitening(rows), rows)
    assert np.isfinite(made).all()


@given(constant=st.floats(0, 0.9), distance=st.floats(0.001, 1.5))
def test_scale_turns_a_distance_into_the_cut_and_changes_no_order(constant: float, distance: float) -> None:
    rows = leaning_rows(40)
    whitening = fitted_whitening(rows)
    whitening.constant.fill_(constant)
    before = distances(applied(whitening, rows))
    scaled_to_cut(whitening, distance)
    factor = CUT / distance
    after = distances(applied(whitening, rows))
    if factor * (1 - constant) < 1:
        np.testing.assert_allclose(after, before * factor, atol=2e-5)
    else:  # distances are never enlarged
        assert float(whitening.constant) == 0.0


def test_before_it_is_fitted_it_leaves_out_the_last_number_alone() -> None:
    rows = torch.from_numpy(leaning_rows(5))
    made = Whitening(12)(rows)
    torch.testing.assert_close(made[:, :11], functional.normalize(rows[:, :11], dim=1))
    assert float(made[:, 11].abs().max()) == 0.0


@pytest.mark.parametrize("distance", [0.0, 0.1])
def test_a_distance_below_the_cut_is_left_as_it_is(distance: float) -> None:
    whitening = fitted_whitening(leaning_rows())
    scaled_to_cut(whitening, distance)
    assert float(whitening.constant) == 0.0
