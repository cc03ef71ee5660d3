"""What stands for a cluster, against slow loops over true distances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from augnet_cli.clusters.exemplars import (
    DOUBTFUL,
    EXEMPLARS,
    INNER,
    centres_of,
    distances_to,
    portraits,
)

# A busy machine is no failure.
calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def random_clusters(n: int, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows (n, 8) and labels of which each of k has at least one row, and one in ten rows has none."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, 8))
    labels = np.concatenate([np.arange(k), np.where(rng.random(n - k) < 0.1, -1, rng.integers(0, k, n - k))])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), labels


@settings(calm, max_examples=40)
@given(st.integers(6, 60), st.integers(1, 5), st.integers(0, 1000))
def test_a_portrait_is_that_of_a_slow_loop(n: int, k: int, seed: int) -> None:
    rows, labels = random_clusters(n, k, seed)
    centres = centres_of(rows, labels, k)
    drawn = portraits(rows, labels, centres)
    every = rows.astype(np.float64)

    assert len(drawn) == k
    for number, portrait in enumerate(drawn):
        members = [row for row in range(n) if labels[row] == number]
        mean = every[members].mean(axis=0)
        centre = mean / np.linalg.norm(mean)
        np.testing.assert_allclose(centres[number], centre, atol=1e-6)
        own = {row: 1 - every[row] @ centre for row in members}
        assert portrait.tightness == pytest.approx(np.mean(list(own.values())), abs=1e-5)
        apart = {row: np.mean([1 - every[row] @ every[other] for other in members]) for row in members}
        assert apart[portrait.medoid] == pytest.approx(min(apart.values()), abs=1e-5)
        assert portrait.exemplars[0] == portrait.medoid
        check_farthest_first(every, own, portrait.exemplars.tolist())
        others = [one for one in range(k) if one != number]
        if not others:
            assert portrait.neighbour is None and not len(portrait.borderline)
            continue
        between = {one: 1 - float(centres[number] @ centres[one]) for one in others}
        assert portrait.neighbour_distance == pytest.approx(min(between.values()), abs=1e-5)
        assert between[portrait.neighbour] == pytest.approx(min(between.values()), abs=1e-5)
        for row in portrait.borderline.tolist():
            nearest = min(1 - every[row] @ centres[one].astype(np.float64) for one in others)
            assert row in own and nearest - own[row] <= DOUBTFUL * own[row] + 1e-5


def check_farthest_first(rows: np.ndarray, own: dict[int, float], chosen: list[int]) -> None:
    """Each is as far from those before it as any inner row is; ties may go either way."""
    inner = sorted(own.values())[: max(EXEMPLARS, round(INNER * len(own)))]
    candidates = [row for row in own if own[row] <= inner[-1] + 1e-6]
    assert len(chosen) == len(set(chosen)) == min(EXEMPLARS, len(inner)) and set(chosen) <= set(candidates)
    if len(candidates) > len(inner):
        return  # tied at the edge of the inner ones: either may be in
    for place in range(1, len(chosen)):
        apart = {row: min(1 - rows[row] @ rows[other] for other in chosen[:place]) for row in candidates}
        best = max(apart[row] for row in candidates if row not in chosen[:place])
        assert apart[chosen[place]] >= best - 1e-5


def test_distances_are_those_of_rows_and_centres_and_never_below_0() -> None:
    rows, labels = random_clusters(30, 3, 1)
    centres = centres_of(rows, labels, 3)
    np.testing.assert_allclose(distances_to(rows, centres), 1 - rows @ centres.T, atol=1e-6)
    assert (distances_to(rows, rows) >= 0).all()
