"""The protocols by which methods are compared: rows of embeddings and labels in, named figures out.

Labels judge only.  Letters: n images, d dim, c classes, k clusters, m images that are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from augnet_cli.clusters.partition import count_different, kmeans
from augnet_cli.evaluation.clustering import (
    adjusted_rand_index,
    classes_of_clusters,
    clustering_accuracy,
    confusion,
    matched,
    mutual_information,
)
from augnet_cli.evaluation.knn import NEIGHBOURS, knn_accuracy, named_by_neighbours
from augnet_cli.evaluation.retrieval import judge_rows, recall_as_published

# k-means++ starts of which the tightest is taken.  AugNet's notebook takes 100 and UDML-SS 10; with 20 the
# accuracy on ten classes moves by less from seed to seed than from one training to the next.
RESTARTS = 20
# Of the linear probe: how little the weights are held back.  Rows are scaled to unit deviation, where 1 is
# scikit-learn's own choice.
PROBE_C = 1.0
PROBE_STEPS = 1000  # of L-BFGS: it ends by itself long before, but on thousands of classes
TOP = 5  # most likely clusters, of which one may be right (SCAN reports the same)


@dataclass(frozen=True, eq=False)
class Judged:
    """Figures by name; `confusion` (c, c), where classes were given, has a row a class, with a sum of 1."""

    figures: Mapping[str, float]
    confusion: np.ndarray | None = field(default=None)


def judge_clustering(
    rows: np.ndarray, labels: np.ndarray, classes: int, seed: int, restarts: int = RESTARTS
) -> Judged:
    """As many k-means clusters of (n, d) unit rows as there are classes among (n,) labels in [0, classes)."""
    k = min(len(np.unique(labels)), count_different(rows, classes))
    return judge_assignments(kmeans(rows, k, seed, restarts)[0], labels, classes)


def judge_assignments(clusters: np.ndarray, labels: np.ndarray, classes: int) -> Judged:
    """Known clusters: (n,) numbers, or (n, k) scores of which the highest counts.

    Where there are scores, `top5` counts an image as right if the class is among those that its five highest
    stand for under the same matching (as SCAN reports it; Van Gansbeke and others, 2020).
    """
    scores = clusters if clusters.ndim == 2 else None
    taken = clusters if scores is None else scores.argmax(axis=1)
    named = matched(labels, taken, classes)
    figures = {
        "acc": clustering_accuracy(labels, taken),
        "nmi_arithmetic": mutual_information(labels, taken),
        "nmi_geometric": mutual_information(labels, taken, "geometric"),
        "ari": adjusted_rand_index(labels, taken),
    }
    if scores is not None and scores.shape[1] > TOP:
        stand_for = classes_of_clusters(labels, taken, classes, scores.shape[1])
        top = np.argsort(-scores, axis=1, kind="stable")[:, :TOP]
        figures[f"top{TOP}"] = float((stand_for[top] == labels[:, None]).any(axis=1).mean())
    figures["clusters"] = float(len(np.unique(taken)))
    return Judged(figures, confusion(labels, named, classes))


def judge_retrieval_rows(
    rows: np.ndarray,
    labels: np.ndarray,
    at: Sequence[int],
    seed: int,
    restarts: int = RESTARTS,
    as_published: bool = False,
) -> Judged:
    """Recall at k, mAP, and the NMI of as many k-means clusters as there are classes, of (n, d) unit rows.

    `as_published`: recall as `retrieval.recall_as_published` counts it.

    Raises:
        ValueError: no image has another one of its class.
    """
    found = judge_rows(rows, labels, at)
    recall = recall_as_published(rows, labels, at) if as_published else found.recall
    classes = len(np.unique(labels))
    clusters = kmeans(rows, min(classes, count_different(rows, classes)), seed, restarts)[0]
    figures = {f"recall_at_{k}": recall[k] for k in at} | {
        "map": found.mean_ap,
        "nmi_arithmetic": mutual_information(labels, clusters),
        "nmi_geometric": mutual_information(labels, clusters, "geometric"),
    }
    return Judged(figures)


def judge_probe(
    known: np.ndarray,
    labels: np.ndarray,
    asked: np.ndarray,
    truth: np.ndarray,
    classes: int,
    k: int,
    temperature: float,
) -> Judged:
    """What (m, d) rows are named by (n, d) known rows and their labels: by neighbours, and by a linear probe.

    The linear probe is scikit-learn's logistic regression (L-BFGS, which draws nothing at random) on frozen
    rows scaled to unit deviation; its confusion is told.
    """
    near = named_by_neighbours(known, labels, asked, k, temperature)
    linear = named_linearly(known, labels, asked)
    figures = {"knn": float((near == truth).mean()), "linear": float((linear == truth).mean())}
    return Judged(figures, confusion(truth, linear, classes))


def named_linearly(known: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """(m,) the class that a logistic regression on (n, d) rows gives to each of (m, d)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    if len(np.unique(labels)) < 2:  # nothing to tell apart
        return np.full(len(asked), labels[0])
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=PROBE_C, max_iter=PROBE_STEPS))
    # One thread: sums of several are added in the order in which they finish.
    with threadpool_limits(limits=1):
        probe.fit(known.astype(np.float64), labels)
        named: np.ndarray = probe.predict(asked.astype(np.float64))
    return named


def judge_while_training(rows: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> dict[str, float]:
    """A few figures of (n, d) unit rows that are cheap enough to be told again and again."""
    clusters = judge_clustering(rows, labels, classes, seed, restarts=1).figures
    figures = {
        # Of few images 20 neighbours would be most of all others, and an image's own class one short.
        "knn": knn_accuracy(rows, labels, min(NEIGHBOURS, max(1, len(labels) // classes - 1))),
        "acc": clusters["acc"],
        "nmi": clusters["nmi_arithmetic"],
        "ari": clusters["ari"],
    }
    if (np.bincount(labels) > 1).any():
        figures["recall_at_1"] = judge_rows(rows, labels, (1,)).recall[1]
    return figures
