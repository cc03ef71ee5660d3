"""Precision and recall at each distance, against simulated folders in which they are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated_folder import KINDS, Simulated, simulated

from augnet_cli.duplicates.calibrate import calibrated_threshold, precision_curve
from augnet_cli.results import CurvePoint

SEEDS = range(4)
SHARES = (0.05, 0.2, 0.6)


def curve_of(folder: Simulated) -> tuple[CurvePoint, ...]:
    return precision_curve(folder.sample, KINDS)


@pytest.fixture(scope="module")
def judged() -> list[tuple[Simulated, tuple[CurvePoint, ...]]]:
    folders = [simulated(seed, share) for seed in SEEDS for share in SHARES]
    return [(folder, curve_of(folder)) for folder in folders]


def test_the_threshold_keeps_its_promise(judged: list[tuple[Simulated, tuple[CurvePoint, ...]]]) -> None:
    found, wrong = 0, 0
    for folder, curve in judged:
        threshold = calibrated_threshold(curve, 0.99)
        found += int(np.searchsorted(folder.right, threshold, "right"))
        wrong += int(np.searchsorted(folder.wrong, threshold, "right"))
        # ... and it is not bought with everything: what the truth would allow is found by half at least.
        pairs = np.searchsorted(folder.right, folder.right, "right")
        truth = pairs / (pairs + np.searchsorted(folder.wrong, folder.right, "right"))
        possible = pairs[truth >= 0.99].max()
        assert np.searchsorted(folder.right, threshold, "right") >= 0.5 * possible
    # Of a few pairs one may be wrong by chance; of a thousand not many.
    assert found > 500 and wrong <= 0.015 * found


def test_nine_in_ten_intervals_hold_the_truth(judged: list[tuple[Simulated, tuple[CurvePoint, ...]]]) -> None:
    """Where at least half is right: below, the estimate is too low, for wrong pairs share images."""
    held = [
        point.low <= folder.precision(point.distance) <= point.high
        for folder, curve in judged
        for point in curve[::4]
        if point.found >= 1 and 0.5 < point.precision < 0.999
    ]
    assert len(held) > 50 and np.mean(held) >= 0.9


def test_figures_run_one_way(judged: list[tuple[Simulated, tuple[CurvePoint, ...]]]) -> None:
    for folder, curve in judged:
        for name in ("distance", "found", "false", "recall"):
            values = [getattr(point, name) for point in curve]
            assert values == sorted(values), name
        for point in curve:
            assert 0 <= point.low <= point.precision <= point.high <= 1
            assert point.recall == pytest.approx(np.mean(list(point.recall_of.values())))
            assert point.found <= folder.sample.images
        wanted = (0.5, 0.9, 0.95, 0.99, 0.999)
        thresholds = [calibrated_threshold(curve, precision) for precision in wanted]
        assert thresholds == sorted(thresholds, reverse=True)


def test_recall_is_the_share_of_altered_copies_within() -> None:
    folder = simulated(0, 0.2)
    for point in curve_of(folder)[::10]:
        for kind, column in zip(KINDS, folder.sample.copies.T, strict=True):
            assert point.recall_of[kind] == pytest.approx((column <= point.distance).mean())


def test_few_pairs_leave_much_doubt_and_many_little() -> None:
    def doubt(share: float) -> float:
        curve = curve_of(simulated(7, share))
        at = max((point for point in curve if point.precision >= 0.99), key=lambda point: point.distance)
        return at.high - at.low

    none, some, many = doubt(0.0), doubt(0.03), doubt(0.6)
    assert none > 0.4 and none > some > many and many < 0.06


def test_a_folder_without_copies_lets_hardly_anything_in() -> None:
    for seed in SEEDS:
        folder = simulated(seed, 0.0)
        threshold = calibrated_threshold(curve_of(folder), 0.99)
        assert np.searchsorted(folder.wrong, threshold, "right") <= 1


def test_copies_being_common_makes_a_distance_worth_more() -> None:
    few, many = (calibrated_threshold(curve_of(simulated(3, share)), 0.99) for share in (0.02, 0.5))
    assert few < many


@pytest.mark.parametrize("factor", [0.1, 3.0])
def test_another_unit_of_distance_changes_the_threshold_by_as_much(factor: float) -> None:
    one, other = (curve_of(simulated(2, 0.3, factor=each)) for each in (1.0, factor))
    threshold, scaled = calibrated_threshold(one, 0.99), calibrated_threshold(other, 0.99)
    assert scaled == pytest.approx(factor * threshold, rel=1e-3)
    for point, again in zip(one, other, strict=True):
        assert again.precision == pytest.approx(point.precision, abs=0.01)


@pytest.mark.parametrize("power", [0.5, 1.5])
def test_an_encoder_that_bends_distances_finds_the_same_pairs(power: float) -> None:
    straight, bent = simulated(2, 0.3), simulated(2, 0.3, power=power)
    threshold = calibrated_threshold(curve_of(bent), 0.99)
    assert bent.precision(threshold) >= 0.98
    found = np.searchsorted(bent.right, threshold, "right")
    before = np.searchsorted(straight.right, calibrated_threshold(curve_of(straight), 0.99), "right")
    assert found == pytest.approx(before, rel=0.25)


def test_a_sample_of_the_images_counts_for_all() -> None:
    sample = simulated(1, 0.4).sample
    whole, part = (
        precision_curve(replace(sample, images=images), KINDS)
        for images in (sample.images, 10 * sample.images)
    )
    for one, ten in zip(whole, part, strict=True):
        assert (ten.found, ten.false) == pytest.approx((10 * one.found, 10 * one.false))
        if one.found >= 1:
            assert ten.precision == pytest.approx(one.precision)


def test_a_large_folder_without_copies_lets_no_more_wrong_ones_in_than_a_small_one() -> None:
    """Where nothing is found, the first copy has to be worth more than all wrong ones of the whole folder."""
    sample = simulated(0, 0.0).sample
    for images in (sample.images, 100 * sample.images, 1000 * sample.images):
        curve = precision_curve(replace(sample, images=images), KINDS)
        threshold = calibrated_threshold(curve, 0.99)
        assert all(point.false <= 0.01 for point in curve if point.distance <= threshold)


def test_a_crowd_of_images_at_distance_nothing_does_no_harm() -> None:
    sample = simulated(1, 0.3).sample
    crowded = sample.neighbours.copy()
    crowded[:5] = 0
    curve = precision_curve(replace(sample, neighbours=crowded), KINDS)
    assert all(np.isfinite([point.found, point.false, point.low, point.high]).all() for point in curve)
    threshold = calibrated_threshold(curve, 0.9)
    assert threshold == pytest.approx(calibrated_threshold(precision_curve(sample, KINDS), 0.9), rel=0.5)


def test_without_a_distance_good_enough_the_threshold_is_nothing() -> None:
    assert calibrated_threshold((), 0.99) == 0
    hopeless = CurvePoint(0.1, 10, 9, 0.1, 0, 0.3, 0.5, {})
    assert calibrated_threshold((hopeless,), 0.99) == 0
