"""The oddest rows, against a slow loop."""

from __future__ import annotations

import numpy as np
from test_partition import heaps, unit

from augnet_cli.clusters.outliers import NEIGHBOURS, oddest, oddness


def test_oddness_is_the_mean_distance_to_the_nearest_others() -> None:
    rows = unit(np.random.default_rng(2).standard_normal((50, 6)))
    rows[10:20] = rows[10]  # more equal rows than neighbours are asked for
    apart = 1 - rows.astype(np.float64) @ rows.T
    np.fill_diagonal(apart, np.inf)
    expected = np.sort(apart, axis=1)[:, :NEIGHBOURS].mean(axis=1)
    np.testing.assert_allclose(oddness(rows), expected, atol=1e-5)


def test_strays_are_the_oddest_and_a_row_alone_is_not_odd() -> None:
    rows, _ = heaps([50, 50], dim=12, spread=0.2)
    strays = np.eye(12, dtype=np.float32)[[5, 9]]
    odd = oddness(np.concatenate([rows, strays]))
    assert sorted(oddest(odd, 2).tolist()) == [100, 101]
    assert oddness(rows[:1]).tolist() == [0.0]
    assert oddness(rows[:0]).tolist() == []
