"""How many clusters: planted ones are found, rows without any are told by their stability."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_partition import heaps, unit

from augnet_cli.clusters.choose import QUICK, THOROUGH, TRIED, choose_count, score_of


@pytest.mark.parametrize("planted", [3, 7])
def test_planted_clusters_are_counted(planted: int) -> None:
    rows, _ = heaps([60] * planted, dim=12, spread=0.4)
    choice = choose_count(rows, 0, replace(THOROUGH, tried=TRIED[:9]))
    assert choice.k == planted
    curve = {one.k: one for one in choice.curve}
    assert curve[planted].stability > 0.95 and curve[planted].silhouette > 0.5
    assert max(curve.values(), key=lambda one: one.score).k == planted


def test_the_same_seed_gives_the_same_curve_of_a_sample() -> None:
    effort = replace(QUICK, rows=150)
    rows, _ = heaps([80] * 4, dim=12, spread=0.8)
    assert choose_count(rows, 5, effort) == choose_count(rows, 5, effort)
    assert choose_count(rows, 5, effort) != choose_count(rows, 6, effort)


def test_few_rows_are_one_cluster_and_no_number_leaves_a_cluster_too_few() -> None:
    assert choose_count(unit(np.random.default_rng(0).standard_normal((15, 4))), seed=0).k == 1
    tried = [one.k for one in choose_count(unit(np.random.default_rng(0).standard_normal((48, 4))), 0).curve]
    assert tried == [k for k in TRIED if k * 8 <= 48]


def test_the_score_leaves_out_what_is_half_as_stable_and_adds_both_advantages() -> None:
    scores = score_of(np.array([0.4, 0.3, 0.1, 0.2]), np.array([0.01, 0.08, 0.1, 0.05]))
    np.testing.assert_allclose(scores, [1 + 0.1, 0.75 + 0.8, 0, 0.5 + 0.5])
    assert score_of(np.array([-0.1, -0.2]), np.array([0.1, 0.2])).tolist() == [1.0, 0.0]
