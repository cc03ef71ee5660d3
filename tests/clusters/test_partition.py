"""k-means: exactly k clusters, the same ones every time, numbered by size."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from augnet_cli.clusters import partition
from augnet_cli.clusters.partition import _fill_empty, kmeans
from augnet_cli.errors import UsageError

# A busy machine is no failure.
calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def heaps(
    sizes: list[int], dim: int = 16, spread: float = 0.05, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows around far-apart centres, shuffled, and the heap of each row."""
    rng = np.random.default_rng(seed)
    heap = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return unit(np.eye(dim)[heap] + spread * rng.standard_normal((len(heap), dim)) / dim**0.5), heap


def test_heaps_are_found_and_numbered_by_size() -> None:
    embeddings, heap = heaps([10, 40, 25])

    labels, centres = kmeans(embeddings, 3, seed=0)

    assert labels.dtype == np.int64
    assert labels.tolist() == np.array([2, 0, 1])[heap].tolist()
    assert centres.dtype == np.float32
    for cluster in range(3):
        np.testing.assert_allclose(centres[cluster], embeddings[labels == cluster].mean(axis=0), atol=1e-6)


def test_of_very_many_rows_some_are_fitted_and_all_go_to_the_nearest_centre(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    embeddings, heap = heaps([300, 1200, 600, 7])
    monkeypatch.setattr(partition, "FITTED", 500)
    monkeypatch.setattr(partition, "BLOCK_ROWS", 64)

    labels, centres = kmeans(embeddings, 3, seed=0)

    big = heap < 3
    assert labels[big].tolist() == np.array([2, 0, 1])[heap[big]].tolist()
    gaps = np.linalg.norm(embeddings[:, None] - centres, axis=2)
    assert np.array_equal(np.argmin(gaps, axis=1)[big], labels[big])
    # Fewer different rows than clusters in what is fitted: the others are still found.
    few = embeddings[np.repeat([0, 1], 800)].copy()
    few[[5, 900]] = embeddings[[2, 3]]
    labels, _ = kmeans(few, 4, seed=0)
    assert len({tuple(row) for row in few.tolist()}) == len(set(labels.tolist())) == 4


def test_clusters_of_one_size_are_numbered_by_their_smallest_row() -> None:
    embeddings, heap = heaps([20, 20, 20, 20])

    labels, _ = kmeans(embeddings, 4, seed=3)

    first_seen = list(dict.fromkeys(labels.tolist()))
    assert first_seen == [0, 1, 2, 3]
    assert len(set(zip(labels.tolist(), heap.tolist(), strict=True))) == 4


def test_the_same_seed_gives_the_same_clusters_in_another_process() -> None:
    program = (
        "import hashlib, numpy as np\n"
        "from augnet_cli.clusters.partition import kmeans\n"
        "rows = np.random.default_rng(5).standard_normal((600, 24))\n"
        "rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)\n"
        "labels, centres = kmeans(rows, 12, seed=7)\n"
        "print(hashlib.sha256(labels.tobytes() + centres.tobytes()).hexdigest())\n"
    )
    runs = {
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    }

    assert len(runs) == 1


def test_other_seeds_may_give_other_clusters() -> None:
    """The seed reaches scikit-learn: in a cloud without heaps the clusters depend on it."""
    cloud = unit(np.random.default_rng(5).standard_normal((300, 24)))

    assert len({kmeans(cloud, 12, seed)[0].tobytes() for seed in range(4)}) > 1


@settings(calm, max_examples=30)
@given(st.data())
def test_exactly_k_clusters_with_members_come_out(data: st.DataObject) -> None:
    """Also where rows repeat, or differ by less than k-means can tell apart."""
    dim = 4
    base = np.eye(dim, dtype=np.float32)
    shifts = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=12))
    rows = np.stack([base[position % dim] for position in range(len(shifts))])
    rows[:, 0] += np.float32(1e-7) * np.array(shifts, np.float32)
    different = len({row.tobytes() for row in rows})
    k = data.draw(st.integers(1, different))

    labels, centres = kmeans(rows, k, seed=0)

    sizes = np.bincount(labels, minlength=k)
    assert len(sizes) == len(centres) == k
    assert sizes.min() >= 1
    assert sizes.tolist() == sorted(sizes.tolist(), reverse=True)


def test_clusters_that_scikit_learn_leaves_empty_are_filled() -> None:
    """Rows too near to be told apart beside a far one: scikit-learn finds two clusters of seven and warns."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    rows = np.tile(np.array([[1.0, 0.0]], np.float32), (7, 1))
    rows[:, 1] = np.float32(1e-7) * np.arange(7, dtype=np.float32)
    rows[3] = (-1.0, 0.0)
    with pytest.warns(ConvergenceWarning):
        assert len(set(KMeans(7, n_init=1, random_state=0).fit(rows).labels_)) == 2

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        labels, centres = kmeans(rows, 7, seed=0)

    assert sorted(labels.tolist()) == [0, 1, 2, 3, 4, 5, 6]
    assert centres[labels].tolist() == rows.tolist()


def test_an_empty_cluster_takes_the_farthest_row_and_its_equals() -> None:
    embeddings = unit(np.array([[1, 0], [1, 0], [1, 0.1], [0, 1], [0, 1]], np.float64))
    labels = np.array([0, 0, 0, 2, 2])

    filled = _fill_empty(embeddings, labels, 3)

    assert filled.tolist() == [0, 0, 1, 2, 2]
    assert labels.tolist() == [0, 0, 0, 2, 2]


def test_an_empty_cluster_never_empties_another() -> None:
    """The lonely row 0 can't be the farthest from its own centre; the equal rows 1 and 2 move as one."""
    embeddings = unit(np.array([[0, 1], [1, 0], [1, 0], [1, 0.5], [1, 0.5], [1, 0.5]], np.float64))

    filled = _fill_empty(embeddings, np.array([0, 1, 1, 1, 1, 1]), 3)

    assert filled.tolist() == [0, 2, 2, 1, 1, 1]


def test_an_empty_cluster_is_filled_even_where_gaps_are_too_small_for_float32() -> None:
    """The squared gap of 1e-30 is 0 in float32, no more than that of the lonely row 0, which stays."""
    embeddings = np.array([[0, 1], [1, 0], [1, 1e-30]], np.float32)

    assert _fill_empty(embeddings, np.array([0, 1, 1]), 3).tolist() == [0, 2, 1]


def test_one_cluster_and_a_cluster_for_each_row() -> None:
    embeddings, _ = heaps([3, 2])

    assert kmeans(embeddings, 1, seed=0)[0].tolist() == [0] * 5
    assert sorted(kmeans(embeddings, 5, seed=0)[0].tolist()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("rows", "k", "seed", "what", "hint"),
    [
        (
            [[1, 0], [0, 1], [1, 0]],
            3,
            0,
            "3 clusters were asked for, but the folder holds only 2 different images",
            "--k 2",
        ),
        (
            [[1, 0]],
            10_000,
            0,
            "10,000 clusters were asked for, but the folder holds only 1 different image",
            "--k 1",
        ),
        (
            [[0.0, 1], [-0.0, 1]],
            2,
            0,
            "2 clusters were asked for, but the folder holds only 1 different image",
            "--k 1",
        ),
        ([[1, 0]], 0, 0, "0 clusters can't be made", "--k 1"),
        ([[1, 0]], -3, 0, "-3 clusters can't be made", "--k 1"),
        ([[1, 0]], 1, -1, "the seed -1 is out of range", "0 to 4294967295"),
        ([[1, 0]], 1, 2**32, "the seed 4294967296 is out of range", "0 to 4294967295"),
    ],
)
def test_what_cannot_be_is_said(rows: list[list[float]], k: int, seed: int, what: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        kmeans(np.array(rows, np.float32), k, seed)

    assert caught.value.what == what
    assert hint in caught.value.hint


def test_no_rows_at_all_is_said() -> None:
    with pytest.raises(UsageError, match="0 different images"):
        kmeans(np.empty((0, 8), np.float32), 2, seed=0)


def test_scikit_learn_is_not_imported_before_it_is_needed() -> None:
    program = (
        "import sys, augnet_cli.clusters.partition, augnet_cli.clusters.exemplars\n"
        "print('sklearn' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert run.stdout == "False\n"
