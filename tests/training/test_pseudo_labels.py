"""Pseudo-classes: k-means that keeps its labels, and an order in which each cluster has its turn."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from augnet_cli.training.pseudo_labels import balanced_order, clustered


def heaps(drift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """60 rows in 6 heaps, and which heap each is of; all heaps move by `drift`."""
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(6), 10)
    middles = 4 * np.eye(6, 8, dtype=np.float32)
    noise = rng.normal(0, 0.1, (60, 8)).astype(np.float32)
    return middles[truth] + noise + np.float32(drift), truth


def test_clusters_are_the_heaps() -> None:
    rows, truth = heaps()
    labels, centres = clustered(rows, 6, np.random.default_rng(1))
    assert labels.dtype == np.int64 and len({*zip(labels.tolist(), truth.tolist(), strict=True)}) == 6
    np.testing.assert_allclose(centres[labels[0]], rows[truth == truth[0]].mean(0), atol=1e-5)
    assert centres.dtype == rows.dtype


def test_labels_keep_their_meaning_where_clusters_are_gone_on_from() -> None:
    labels, centres = clustered(heaps()[0], 6, np.random.default_rng(1))
    later, moved = clustered(heaps(drift=0.3)[0], 6, np.random.default_rng(9), centres)
    np.testing.assert_array_equal(later, labels)
    np.testing.assert_allclose(moved, centres + 0.3, atol=1e-4)
    anew = clustered(heaps(drift=0.3)[0], 6, np.random.default_rng(9))[0]
    assert (anew != labels).any()


def test_the_same_draws_give_the_same_clusters() -> None:
    rows = np.random.default_rng(3).normal(size=(50, 4)).astype(np.float32)
    first, second = (clustered(rows, 7, np.random.default_rng(5)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_more_clusters_than_different_rows_leave_some_empty() -> None:
    rows = np.repeat(np.eye(2, dtype=np.float32), 5, axis=0)
    labels, centres = clustered(rows, 4, np.random.default_rng(0))
    assert len(np.unique(labels)) == 2 and centres.shape == (4, 2)
    order = balanced_order(labels, 4, 3, np.random.default_rng(0))
    assert np.bincount(labels[order]).tolist() == [6, 6]


@given(st.integers(0, 1000), st.integers(2, 8), st.integers(2, 6))
def test_each_cluster_has_its_turn_once(seed: int, clusters: int, instances: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.append(np.arange(clusters), rng.integers(0, clusters, 30)))
    order = balanced_order(labels, clusters, instances, rng)
    turns = labels[order].reshape(clusters, instances)
    assert (turns == turns[:, :1]).all() and sorted(turns[:, 0]) == list(range(clusters))
    for turn in order.reshape(clusters, instances):
        members = np.count_nonzero(labels == labels[turn[0]])
        # As many as there are come once each; of fewer some come again.
        assert members < instances or len(set(turn.tolist())) == instances


def test_turns_come_in_another_order_each_time() -> None:
    labels = np.repeat(np.arange(10), 5)
    orders = [labels[balanced_order(labels, 10, 5, np.random.default_rng(seed))][::5] for seed in range(3)]
    assert not np.array_equal(orders[0], orders[1]) and not np.array_equal(orders[1], orders[2])
