"""Accuracy by neighbours, against scikit-learn and a slow loop."""

from __future__ import annotations

import math

import numpy as np
import pytest

from augnet_cli.evaluation import knn
from augnet_cli.evaluation.knn import knn_accuracy, named_by_neighbours


def random_rows(seed: int, n: int, classes: int, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows about one centre a class, near enough for some to be named wrongly."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    rows = rng.standard_normal((classes, 8))[labels] + spread * rng.standard_normal((n, 8))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), labels


def slow_accuracy(rows: np.ndarray, labels: np.ndarray, k: int, temperature: float) -> float:
    right = 0
    for row in range(len(rows)):
        others = [other for other in range(len(rows)) if other != row]
        cosines = {other: float(rows[row] @ rows[other]) for other in others}
        votes: dict[int, float] = {}
        for other in sorted(others, key=lambda each: -cosines[each])[:k]:
            label, cosine = labels[other], cosines[other]
            votes[label] = votes.get(label, 0) + math.exp(cosine / temperature)
        right += max(votes, key=lambda label: votes[label]) == labels[row]
    return right / len(rows)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("k", "temperature"), [(1, 0.07), (5, 0.07), (20, 0.5), (500, 0.07)])
def test_accuracy_equals_a_slow_loop(seed: int, k: int, temperature: float) -> None:
    rows, labels = random_rows(seed, 90, 4)

    found = knn_accuracy(rows, labels, k, temperature)

    assert 0.3 < found < 1  # neither hopeless nor trivial: agreement says something
    assert found == pytest.approx(slow_accuracy(rows, labels, k, temperature))


@pytest.mark.parametrize("seed", range(3))
def test_accuracy_equals_that_of_scikit_learns_classifier(seed: int) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    rows, labels = random_rows(seed, 60, 3)
    classifier = KNeighborsClassifier(
        7, metric="cosine", algorithm="brute", weights=lambda distance: np.exp((1 - distance) / 0.07)
    )
    right = []
    for row in range(len(rows)):
        others = np.arange(len(rows)) != row
        right.append(
            classifier.fit(rows[others], labels[others]).predict(rows[row : row + 1])[0] == labels[row]
        )

    assert knn_accuracy(rows, labels, k=7) == pytest.approx(np.mean(right))


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, labels = random_rows(0, 100, 4)
    whole = knn_accuracy(rows, labels)

    named = named_by_neighbours(rows[:60], labels[:60], rows[60:])

    monkeypatch.setattr(knn, "BLOCK_VALUES", 700)  # seven rows

    assert knn_accuracy(rows, labels) == whole
    assert (named_by_neighbours(rows[:60], labels[:60], rows[60:]) == named).all()


def test_an_image_is_not_its_own_neighbour() -> None:
    labels = np.array(["a", "b", "b", "a"])

    assert knn_accuracy(np.repeat(np.eye(2, dtype=np.float32), 2, axis=0), labels, k=1) == 0


def test_names_of_classes_say_nothing() -> None:
    rows, labels = random_rows(1, 80, 3)

    assert knn_accuracy(rows, np.array(["x", "m", "a"])[labels]) == knn_accuracy(rows, labels)


def test_no_images_earn_nothing() -> None:
    assert knn_accuracy(np.empty((0, 4), np.float32), np.array([])) == 0
