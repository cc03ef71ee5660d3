"""The members nearest the centre, against a slow loop over true distances."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from augnet_cli.clusters.exemplars import BLOCK_ROWS, exemplars

# A busy machine is no failure.
calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@settings(calm, max_examples=50)
@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 6), st.integers(0, 1000))
def test_exemplars_equal_those_of_a_slow_loop(n: int, k: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    embeddings = rng.standard_normal((n, 8))
    embeddings = (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype(np.float32)
    labels = rng.integers(0, k, n)
    centres = np.stack(
        [embeddings[labels == one].mean(axis=0) if (labels == one).any() else np.zeros(8) for one in range(k)]
    ).astype(np.float32)

    found = exemplars(embeddings, labels, centres, count)

    assert len(found) == k
    for cluster in range(k):
        gaps = {
            row: float(np.linalg.norm(embeddings[row].astype(np.float64) - centres[cluster]))
            for row in range(n)
            if labels[row] == cluster
        }
        assert len(found[cluster]) == min(count, len(gaps))
        np.testing.assert_allclose(
            [gaps[row] for row in found[cluster].tolist()], sorted(gaps.values())[:count], atol=1e-6
        )


def test_equal_rows_come_in_order_of_row_across_blocks() -> None:
    """More rows than one block, all equal in pairs of values: ties are ties wherever a row lies."""
    rng = np.random.default_rng(1)
    near, far = (rng.standard_normal(33) for _ in range(2))
    embeddings = np.tile(far / np.linalg.norm(far), (BLOCK_ROWS + 500, 1)).astype(np.float32)
    at = [3, 700, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 499]
    embeddings[at] = (near / np.linalg.norm(near)).astype(np.float32)

    (found,) = exemplars(embeddings, np.zeros(len(embeddings), np.int64), embeddings[at[:1]], 7)

    assert found.tolist() == [*at, 0, 1]
