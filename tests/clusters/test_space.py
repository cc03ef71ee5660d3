"""The look space, against a slow loop: neighbours' means, then the main directions."""

from __future__ import annotations

import numpy as np
import pytest
from test_partition import heaps, unit

from augnet_cli.clusters import space
from augnet_cli.clusters.space import look_space, main_directions


def slowly_smoothed(rows: np.ndarray, among: np.ndarray, wanted: int) -> np.ndarray:
    near = [sorted(range(len(among)), key=lambda other: -(row @ among[other]))[:wanted] for row in rows]
    return np.stack([row + among[of].mean(axis=0) for row, of in zip(rows, near, strict=True)])


def slowly_placed(rows: np.ndarray, of: np.ndarray, count: int) -> np.ndarray:
    """`rows` along the main directions of the rows `of`."""
    middle = of.mean(axis=0, dtype=np.float64)
    _, _, directions = np.linalg.svd(of - middle, full_matrices=False)
    return (rows - middle) @ directions[:count].T


@pytest.mark.parametrize("smoothed", [1000, 40])
def test_the_space_is_that_of_a_slow_loop_up_to_signs(smoothed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "SMOOTHED", smoothed)
    monkeypatch.setattr(space, "GATHERED", 16)
    monkeypatch.setattr(space, "DIRECTIONS", 6)
    rows = unit(np.random.default_rng(3).standard_normal((90, 24)))
    sample = np.sort(np.random.default_rng(7).permutation(90)[:smoothed]) if smoothed < 90 else np.arange(90)
    smooth = slowly_smoothed(rows, rows[sample], 11)
    expected = unit(slowly_placed(smooth, smooth[sample], 6))
    found = look_space(rows, seed=7)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=2e-4)


def test_signs_of_directions_are_fixed_and_few_rows_have_a_space_too() -> None:
    rows, _ = heaps([20, 30], dim=8)
    assert np.array_equal(main_directions(rows, 2), main_directions(rows.copy(), 2))
    assert look_space(rows[:1], 0).shape == (1, 8)
    assert np.isfinite(look_space(rows[:2], 0)).all()


def test_smoothing_brings_rows_of_one_heap_together() -> None:
    rows, heap = heaps([40, 40, 40], dim=32, spread=2.0)

    def tightness(each: np.ndarray) -> float:
        return float(np.mean([(each[heap == one] @ each[heap == one].T).mean() for one in range(3)]))

    assert tightness(look_space(rows, 0)) > tightness(unit(rows - rows.mean(axis=0)))
