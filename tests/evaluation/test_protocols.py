"""Protocols, against golden values, scikit-learn and slow loops."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score
from sklearn.neighbors import KNeighborsClassifier

from augnet_cli.evaluation.clustering import confusion, matched, mutual_information
from augnet_cli.evaluation.knn import knn_accuracy, named_by_neighbours
from augnet_cli.evaluation.protocols import (
    judge_assignments,
    judge_clustering,
    judge_probe,
    judge_retrieval_rows,
    judge_while_training,
)
from augnet_cli.evaluation.retrieval import judge_retrieval, judge_rows, recall_as_published

TRUTH = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
PREDICTED = np.array([1, 1, 2, 0, 0, 0, 2, 2, 2, 1])
FOURS = np.repeat(np.arange(4), 3)


def golden_rows() -> np.ndarray:
    """(12, 5) unit rows of sin(1 + 3 i + 7 j)."""
    i, j = np.mgrid[0:12, 0:5]
    rows = np.sin(1 + 3 * i + 7 * j)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def blobs(seed: int, count: int = 60, classes: int = 3, spread: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    rows = 2 * rng.standard_normal((classes, 6))[labels] + spread * rng.standard_normal((count, 6))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), labels


def test_recall_at_k_has_the_golden_values() -> None:
    at = (1, 2, 4, 8)
    wanted = [0.416667, 0.666667, 0.666667, 0.666667]
    rows = golden_rows()
    assert [judge_rows(rows, FOURS, at).recall[k] for k in at] == pytest.approx(wanted, abs=1e-6)
    figures = judge_retrieval_rows(rows, FOURS, at, seed=0).figures
    assert [figures[f"recall_at_{k}"] for k in at] == pytest.approx(wanted, abs=1e-6)


def test_clusters_have_the_golden_values_whatever_they_are_called() -> None:
    for renamed in (PREDICTED, np.array([7, 3, 5])[PREDICTED]):
        figures = judge_assignments(renamed, TRUTH, 3).figures
        assert figures["acc"] == pytest.approx(0.8, abs=1e-12)
        assert figures["nmi_arithmetic"] == pytest.approx(0.6180656462921544, abs=1e-12)
        assert figures["ari"] == pytest.approx(0.4318181818181818, abs=1e-12)
        geometric = normalized_mutual_info_score(TRUTH, PREDICTED, average_method="geometric")
        assert figures["nmi_geometric"] == pytest.approx(geometric, abs=1e-12)
    # Where the entropies differ the means do, and the geometric one is smaller.
    few = np.array([0] * 9 + [1])
    assert mutual_information(TRUTH, few, "geometric") > mutual_information(TRUTH, few)


def test_rows_of_a_confusion_sum_to_one_by_their_own_class() -> None:
    shares = confusion(TRUTH, matched(TRUTH, PREDICTED, 3), 3)
    assert shares.sum(axis=1).tolist() == pytest.approx([1, 1, 1])
    # Classes of 3, 3 and 4: divided along the other axis no row would be right.
    np.testing.assert_allclose(shares, [[2 / 3, 0, 1 / 3], [0, 1, 0], [1 / 4, 0, 3 / 4]])
    # A fourth cluster stands for no class: its images are missing from their row.
    named = matched(TRUTH, np.array([1, 1, 3, 0, 0, 0, 2, 2, 2, 2]), 3)
    assert named[2] == -1 and confusion(TRUTH, named, 3).sum(axis=1).tolist() == pytest.approx([2 / 3, 1, 1])


def test_scores_of_clusters_count_the_five_highest_under_the_same_matching() -> None:
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 8, 200), rng.random((200, 8))
    figures = judge_assignments(scores, labels, 8).figures
    taken = scores.argmax(1)
    named = matched(labels, taken, 8)
    stands_for = dict(zip(taken, named, strict=True))
    right = []
    for row in range(200):
        highest = np.argsort(-scores[row])[:5]
        right.append(labels[row] in [stands_for[cluster] for cluster in highest])
    assert figures["top5"] == pytest.approx(np.mean(right)) and figures["top5"] >= figures["acc"]
    assert figures["clusters"] == 8


def test_a_cluster_that_nothing_is_put_in_stands_for_the_class_that_is_left() -> None:
    labels = np.repeat(np.arange(6), 3)
    scores = np.eye(6)[labels]
    scores[labels == 5] = [
        1,
        0.1,
        0.1,
        0.1,
        0.1,
        0.9,
    ]  # the last cluster is the second guess, never the first
    figures = judge_assignments(scores, labels, 6).figures
    assert figures["clusters"] == 5 and figures["acc"] == pytest.approx(5 / 6) and figures["top5"] == 1


def test_kmeans_finds_blobs_and_a_collapsed_encoder_is_no_error() -> None:
    rows, labels = blobs(1, spread=0.05)
    assert judge_clustering(rows, labels, 3, seed=0).figures["acc"] == 1
    one = np.tile(rows[:1], (60, 1))
    figures = judge_clustering(one, labels, 3, seed=0).figures
    assert (figures["acc"], figures["clusters"], figures["ari"]) == (pytest.approx(1 / 3), 1, 0)


def test_rows_and_their_distances_are_judged_alike() -> None:
    rows, labels = blobs(2, spread=1.5)
    by_rows = judge_rows(rows.astype(np.float64), labels, (1, 4))
    by_distance = judge_retrieval(1 - rows.astype(np.float64) @ rows.astype(np.float64).T, labels, (1, 4))
    assert by_rows.recall == by_distance.recall and by_rows.mean_ap == pytest.approx(by_distance.mean_ap)


@pytest.mark.parametrize("seed", range(3))
def test_recall_as_published_equals_a_slow_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, labels = blobs(seed, 30, 4, spread=2)
    rows[1], labels[1] = rows[0], labels[0] + 1  # ties
    rows[2] = -rows[rng.integers(30)]
    found = recall_as_published(rows.astype(np.float64), labels, (1, 2, 4))
    for k in (1, 2, 4):
        right = 0
        for query in range(30):
            alike = [float(rows[query].astype(np.float64) @ rows[other]) for other in range(30)]
            alike[query] = 0.0
            best = max(alike[other] for other in range(30) if labels[other] == labels[query])
            right += sum(value > best + 1e-12 for value in alike) < k
        assert found[k] == pytest.approx(right / 30)


@pytest.mark.parametrize(("k", "temperature"), [(1, 0.07), (5, 0.1), (500, 0.5)])
def test_the_votes_of_known_neighbours_are_scikit_learns(k: int, temperature: float) -> None:
    known, labels = blobs(3, 90, 4, spread=2)
    asked, _ = blobs(4, 40, 4, spread=2)
    oracle = KNeighborsClassifier(
        min(k, 90),
        metric="cosine",
        algorithm="brute",
        weights=lambda apart: np.exp((1 - apart) / temperature),
    ).fit(known, labels)
    assert (named_by_neighbours(known, labels, asked, k, temperature) == oracle.predict(asked)).mean() > 0.97
    assert named_by_neighbours(known, np.array(list("abcd"))[labels], known, 1)[0] in "abcd"


def test_a_probe_names_what_can_be_told_apart_and_the_same_each_time() -> None:
    known, labels = blobs(5, 90, 3, spread=0.4)
    asked, truth = known[::2] + 0.01, labels[::2]
    judged = judge_probe(known, labels, asked, truth, 3, k=5, temperature=0.07)
    assert judged.figures["knn"] > 0.95 and judged.figures["linear"] > 0.95
    again = judge_probe(known, labels, asked, truth, 3, k=5, temperature=0.07)
    assert judged.figures == again.figures
    np.testing.assert_array_equal(judged.confusion, again.confusion)
    noise = np.random.default_rng(0).permutation(labels)
    assert judge_probe(known, noise, asked, truth, 3, 5, 0.07).figures["linear"] < 0.8


def test_what_is_told_while_training_is_what_is_told_afterwards() -> None:
    rows, labels = blobs(6, spread=1)
    told = judge_while_training(rows, labels, 3, seed=0)
    once = judge_clustering(rows, labels, 3, seed=0, restarts=1).figures
    assert (told["acc"], told["nmi"], told["ari"]) == (once["acc"], once["nmi_arithmetic"], once["ari"])
    assert told["recall_at_1"] == judge_rows(rows, labels, (1,)).recall[1]
    assert "recall_at_1" not in judge_while_training(rows[:3], np.arange(3), 3, seed=0)


def test_of_few_images_no_more_neighbours_are_asked_than_a_class_has_others() -> None:
    """Two heaps of four: with all seven others asked, three of a row's own class stand against four."""
    rows = np.repeat(np.eye(2), 4, axis=0) + 0.9
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    labels = np.repeat([0, 1], 4)
    assert knn_accuracy(rows, labels, k=7, temperature=10) == 0
    assert judge_while_training(rows, labels, 2, seed=0)["knn"] == 1
