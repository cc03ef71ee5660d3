"""R@k and mAP, against slow loops and a hand-made ranking."""

from __future__ import annotations

import numpy as np
import pytest

from augnet_cli.evaluation import retrieval
from augnet_cli.evaluation.retrieval import judge_retrieval


def test_a_ranking_by_hand() -> None:
    # Query 0: right at ranks 2 and 3; query 1: at 1 and 3; query 2: at 1 and 2; 3 has nobody of its class.
    order = {0: [3, 1, 2], 1: [0, 3, 2], 2: [0, 1, 3], 3: [0, 1, 2]}
    distances = np.full((4, 4), 9.0)
    for query, ranked in order.items():
        for place, image in enumerate(ranked):
            distances[query, image] = place
    found = judge_retrieval(distances, np.array(["a", "a", "a", "b"]), at=(1, 2))
    assert found.queries == 3
    assert found.recall == {1: pytest.approx(2 / 3), 2: 1.0}
    each = [(1 / 2 + 2 / 3) / 2, (1 + 2 / 3) / 2, 1.0]
    assert found.mean_ap == pytest.approx(sum(each) / 3)


def test_many_images_give_what_a_slow_loop_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieval, "BLOCK_ORDER", 7 * 40)
    random = np.random.default_rng(4)
    distances, labels = random.random((40, 40)), random.integers(0, 6, 40)
    recall, precisions = [], []
    for query in range(40):
        ranked = sorted((i for i in range(40) if i != query), key=lambda image: distances[query, image])
        right = [labels[image] == labels[query] for image in ranked]
        if any(right):
            recall.append(any(right[:10]))
            ranks = [rank for rank, good in enumerate(right, start=1) if good]
            precisions.append(np.mean([place / rank for place, rank in enumerate(ranks, start=1)]))
    found = judge_retrieval(distances, labels)
    assert found.recall[10] == pytest.approx(np.mean(recall))
    assert found.mean_ap == pytest.approx(np.mean(precisions))


def test_classes_of_one_image_each_can_not_be_judged() -> None:
    with pytest.raises(ValueError, match="another one"):
        judge_retrieval(np.zeros((2, 2)), np.array([0, 1]))
