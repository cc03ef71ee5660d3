"""The measures of copy detection against slow definitions and scikit-learn."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from augnet_cli.evaluation.copies import (
    CopyTruth,
    average_precision,
    judge_copies,
    precision_recall,
    recall_at_k,
    true_pairs,
)

SCORER = Path(__file__).resolve().parents[3] / "shared" / "bench" / "score.py"


def random_truth(seed: int, groups: int = 6, copies: int = 4, others: int = 9) -> CopyTruth:
    rng = np.random.default_rng(seed)
    rows = [
        (g, c == 0, "original" if c == 0 else f"kind{c}") for g in range(groups) for c in range(copies + 1)
    ]
    rows += [(-1, False, "distractor")] * others
    order = rng.permutation(len(rows))
    chosen = [rows[i] for i in order]
    return CopyTruth(
        tuple(f"{i}.jpg" for i in range(len(rows))),
        np.array([group for group, _, _ in chosen]),
        np.array([original for _, original, _ in chosen]),
        tuple(kind for _, _, kind in chosen),
    )


def random_distances(seed: int, truth: CopyTruth, levels: int | None = None) -> np.ndarray:
    """Symmetric distances in which copies tend to be nearer; `levels` makes ties."""
    rng = np.random.default_rng(seed)
    same = (truth.group[:, None] == truth.group[None]) & (truth.group[:, None] >= 0)
    values = rng.random((len(same), len(same))) * np.where(same, 0.6, 1)
    values = np.triu(values, 1)
    values = (values + values.T).astype(np.float32)
    return np.round(values * levels) / levels if levels else values


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_equals_scikit_learns(seed):
    from sklearn.metrics import average_precision_score

    truth = random_truth(seed)
    distances = random_distances(seed, truth, levels=20)
    left, right, true = true_pairs(truth)

    precision, recall, _ = precision_recall(distances[left, right], true)

    expected = average_precision_score(true, -distances[left, right])
    assert average_precision(precision, recall) == pytest.approx(expected, abs=1e-12)


def test_pairs_of_two_copies_of_one_original_are_left_out():
    truth = random_truth(1, groups=2, copies=3, others=1)

    left, right, true = true_pairs(truth)

    assert true.sum() == 2 * 3
    for a, b in zip(left, right, strict=True):
        if truth.group[a] == truth.group[b] >= 0:
            assert truth.original[a] or truth.original[b]
    n = len(truth.paths)
    assert len(left) == n * (n - 1) // 2 - 2 * 3


@pytest.mark.parametrize("seed", range(3))
def test_recall_at_k_equals_a_slow_loop(seed):
    truth = random_truth(seed)
    distances = random_distances(seed, truth)
    hits = []
    for row in range(len(truth.paths)):
        if truth.group[row] < 0 or truth.original[row]:
            continue
        nearest = sorted((distances[row, other], other) for other in range(len(truth.paths)) if other != row)[
            :3
        ]
        hits.append(any(truth.original[o] and truth.group[o] == truth.group[row] for _, o in nearest))

    assert recall_at_k(truth, distances, 3) == pytest.approx(np.mean(hits))


def test_a_constant_ranking_earns_nothing():
    truth = random_truth(0)
    n = len(truth.paths)

    result = judge_copies(truth, np.ones((n, n), np.float32))

    _, _, true = true_pairs(truth)
    assert result.micro_ap == pytest.approx(true.mean())
    assert result.recall[0.99] == 0
    assert result.recall_at_k == 0


@pytest.mark.parametrize("seed", range(3))
def test_scores_equal_those_of_the_benchmarks_own_scorer(seed, tmp_path):
    if not SCORER.exists():
        import os

        if os.environ.get("AUGNET_REQUIRE_DATA") == "1":
            pytest.fail("shared/bench is missing")
        pytest.skip("shared/bench is missing")
    spec = importlib.util.spec_from_file_location("score", SCORER)
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    truth = random_truth(seed)
    distances = random_distances(seed, truth, levels=50 if seed else None)
    with open(tmp_path / "truth.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "group", "transform"))
        writer.writerows(zip(truth.paths, truth.group, truth.transform, strict=True))

    expected = scorer.score(tmp_path / "truth.csv", list(truth.paths), distances)
    result = judge_copies(truth, distances)

    assert result.micro_ap == pytest.approx(expected["uAP"], abs=1e-4)
    for level in (0.9, 0.99, 0.999):
        assert result.recall[level] == pytest.approx(expected[f"R@P{level}"], abs=1e-4)
    if expected["thr@P0.99"] is not None:
        for kind, share in expected["per"].items():
            assert result.by_transform[kind] == pytest.approx(share, abs=0.0051)
