"""Dense places are found and what lies between them is left out; joined clusters keep small heaps."""

from __future__ import annotations

import numpy as np
import pytest
from test_partition import heaps, unit

from augnet_cli.clusters import agglomerative, density
from augnet_cli.clusters.agglomerative import joined_clusters
from augnet_cli.clusters.density import dense_clusters, smallest_cluster


def test_heaps_are_dense_and_rows_between_them_noise() -> None:
    rows, heap = heaps([60, 80, 40], dim=12, spread=0.2)
    strays = unit(np.random.default_rng(1).standard_normal((12, 12)))
    labels = dense_clusters(np.concatenate([rows, strays]), seed=0)
    for one in range(3):
        found = labels[: len(rows)][heap == one]
        assert len(set(found[found >= 0].tolist())) == 1 and (found >= 0).mean() > 0.8
    assert (labels[len(rows) :] < 0).mean() > 0.5


def test_of_very_many_rows_a_sample_is_clustered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(density, "FITTED", 100)
    rows, heap = heaps([120, 120], dim=12, spread=0.2)
    labels = dense_clusters(rows, seed=0)
    assert [len(set(labels[(heap == one) & (labels >= 0)].tolist())) for one in range(2)] == [1, 1]
    assert (labels >= 0).mean() > 0.8


def test_few_rows_are_one_cluster_and_the_smallest_cluster_grows_with_the_folder() -> None:
    assert dense_clusters(np.eye(5, dtype=np.float32), 0).tolist() == [0] * 5
    assert [smallest_cluster(rows) for rows in (10, 100, 10_000)] == [5, 5, 50]


@pytest.mark.parametrize("joined", [1000, 50])
def test_joining_finds_a_small_heap_beside_large_ones(joined: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agglomerative, "JOINED", joined)
    rows, heap = heaps([150, 120, 9], dim=12, spread=0.3)
    labels = joined_clusters(rows, 3, seed=0)
    assert len(set(zip(labels.tolist(), heap.tolist(), strict=True))) == 3
    assert joined_clusters(rows, 1, 0).tolist() == [0] * len(rows)
