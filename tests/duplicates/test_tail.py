"""The number of wrong neighbours near 0, against simulations in which it is known."""

from __future__ import annotations

import numpy as np
import pytest
from simulated_folder import simulated

from augnet_cli.duplicates.tail import (
    BINS,
    NEIGHBOURS,
    Tail,
    bin_edges,
    binned,
    component,
    fit_tail,
)


def drawn_neighbours(tail: Tail, rng: np.random.Generator) -> np.ndarray:
    """Counts in bins of a folder that follows the law to the letter."""
    expected = np.diff(tail.within(bin_edges()))
    return rng.poisson(expected).astype(np.float64)


def test_a_tail_is_a_power_where_all_dimensions_are_the_same() -> None:
    tail = Tail(np.log(640.0), 5.0, 1e9)
    shares = np.array([1.0, 0.5, 0.1])
    np.testing.assert_allclose(tail.within(shares), 640 * shares**5, rtol=1e-6)


def test_a_tail_is_the_mean_over_gamma_distributed_dimensions() -> None:
    tail = Tail(0.0, 5.0, 12.0)
    dimensions = np.random.default_rng(0).gamma(12.0, 5 / 12, 400_000)
    for share in (0.9, 0.5, 0.2):
        assert float(tail.within(np.array(share))) == pytest.approx(
            float(np.mean(share**dimensions)), rel=0.02
        )


def test_a_tail_grows_with_distance_from_nothing_to_all() -> None:
    within = Tail(np.log(100.0), 4.0, 12.0).within(np.linspace(0, 1.5, 200))
    assert within[0] < 1e-6 and within[-1] == pytest.approx(100)
    assert (np.diff(within) >= 0).all()


def test_bins_hold_every_share_within_the_scale() -> None:
    shares = np.random.default_rng(0).random(1000) * (1 - 1e-3)
    assert binned(shares).sum() == 1000 and len(binned(shares)) == BINS
    far = component(np.array([0.5, 3.0]))
    assert far.sum() == pytest.approx(0.5, abs=1e-3) and (far > 0).all()


@pytest.mark.parametrize("slope", [3.0, 5.0, 8.0])
def test_what_was_drawn_from_the_law_is_found_again(slope: float) -> None:
    rng = np.random.default_rng(1)
    true = Tail(np.log(2000 * NEIGHBOURS), slope, 12.0)
    counts = drawn_neighbours(true, rng)
    spread = component(0.02 * np.exp(rng.standard_normal(3000)))
    counts += rng.poisson(400 * spread)
    fit = fit_tail(counts, spread[None], 2000)
    assert fit.tail.slope == pytest.approx(slope, rel=0.05)
    assert fit.copies[0] == pytest.approx(400, rel=0.2)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6])
def test_wrong_neighbours_deep_in_the_tail_are_told_within_a_factor(share: float) -> None:
    """Where one in ten thousand of the neighbours counted is left, among up to hundreds of copies."""
    for seed in range(3):
        folder = simulated(seed, share)
        sample = folder.sample
        scales = sample.neighbours[:, -1]
        kinds = [component(column / scales[sample.probes]) for column in sample.copies.T]
        components = np.array([*kinds, component(sample.among / scales[sample.probes][:, None])])
        fit = fit_tail(binned(sample.neighbours[:, :-1] / scales[:, None]), components, len(scales))
        distance = folder.wrong[10]
        told = float(fit.tail.within(distance / scales).mean()) / 2
        assert 0.7 < told / 11 < 8


def test_a_warm_start_ends_where_a_cold_one_does() -> None:
    folder = simulated(5, 0.2)
    scales = folder.sample.neighbours[:, -1:]
    counts = binned(folder.sample.neighbours[:, :-1] / scales)
    components = np.array([component(folder.sample.copies / scales[folder.sample.probes])])
    cold = fit_tail(counts, components, 1500)
    warm = fit_tail(counts, components, 1500, start=cold)
    assert warm.tail.slope == pytest.approx(cold.tail.slope, rel=0.01)
    assert warm.tail.level == pytest.approx(cold.tail.level, abs=0.02)
