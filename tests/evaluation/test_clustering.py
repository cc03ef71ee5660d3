"""Agreement of clusters with classes, against brute force, scikit-learn and what must not matter."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augnet_cli.evaluation.clustering import (
    adjusted_rand_index,
    clustering_accuracy,
    contingency,
    mutual_information,
)


def accuracy_by_trying_all(labels: list[int], clusters: list[int]) -> float:
    """Every way to name each cluster with a class of its own, or with none."""
    kinds = sorted(set(clusters))
    names = [*sorted(set(labels)), *[None] * len(kinds)]
    best = 0
    for chosen in set(itertools.permutations(names, len(kinds))):
        named = dict(zip(kinds, chosen, strict=True))
        best = max(
            best, sum(named[cluster] == label for label, cluster in zip(labels, clusters, strict=True))
        )
    return best / len(labels)


small = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30)


@settings(deadline=None)
@given(small)
def test_accuracy_is_that_of_the_best_of_all_matchings(pairs: list[tuple[int, int]]) -> None:
    labels, clusters = (list(each) for each in zip(*pairs, strict=True))

    found = clustering_accuracy(np.array(labels), np.array(clusters))

    assert found == pytest.approx(accuracy_by_trying_all(labels, clusters))


@settings(deadline=None)
@given(small, st.permutations(range(4)))
def test_names_of_clusters_say_nothing(pairs: list[tuple[int, int]], renamed: list[int]) -> None:
    labels, clusters = (np.array(each) for each in zip(*pairs, strict=True))

    for measure in (clustering_accuracy, mutual_information):
        assert measure(labels, np.array(renamed)[clusters]) == pytest.approx(measure(labels, clusters))


@settings(deadline=None)
@given(small)
def test_mutual_information_equals_its_definition(pairs: list[tuple[int, int]]) -> None:
    labels, clusters = zip(*pairs, strict=True)
    share = {pair: pairs.count(pair) / len(pairs) for pair in pairs}
    of_label = {label: labels.count(label) / len(pairs) for label in labels}
    of_cluster = {cluster: clusters.count(cluster) / len(pairs) for cluster in clusters}
    shared = sum(p * math.log(p / of_label[a] / of_cluster[b]) for (a, b), p in share.items())
    entropy = sum(-p * math.log(p) for shares in (of_label, of_cluster) for p in shares.values()) / 2

    found = mutual_information(np.array(labels), np.array(clusters))

    assert found == pytest.approx(shared / entropy if entropy else 1.0, abs=1e-9)


def test_the_classes_themselves_score_one_and_one_big_cluster_the_largest_class() -> None:
    labels = np.array(["cat"] * 5 + ["dog"] * 3)

    assert clustering_accuracy(labels, labels) == mutual_information(labels, labels) == 1
    assert clustering_accuracy(labels, np.zeros(8, int)) == 5 / 8
    assert mutual_information(labels, np.zeros(8, int)) == 0


def test_clusters_beyond_the_number_of_classes_count_as_wrong() -> None:
    assert clustering_accuracy(np.zeros(6, int), np.array([0, 0, 0, 1, 1, 2])) == 3 / 6


def test_no_images_earn_nothing() -> None:
    assert clustering_accuracy(np.array([]), np.array([])) == 0


@settings(deadline=None)
@given(small)
def test_contingency_equals_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    from sklearn.metrics.cluster import contingency_matrix

    labels, clusters = (np.array(each) for each in zip(*pairs, strict=True))

    assert np.array_equal(contingency(labels, clusters), contingency_matrix(labels, clusters))


@settings(deadline=None)
@given(small)
def test_the_rand_index_counts_pairs_on_which_both_agree_beyond_chance(pairs: list[tuple[int, int]]) -> None:
    labels, clusters = (list(each) for each in zip(*pairs, strict=True))
    both, first, second, every = 0, 0, 0, 0
    for (a, b), (c, d) in itertools.combinations(pairs, 2):
        every += 1
        first += a == c
        second += b == d
        both += a == c and b == d

    found = adjusted_rand_index(np.array(labels), np.array(clusters))

    by_chance = first * second / every if every else 0.0
    most = (first + second) / 2
    expected = 1.0 if most == by_chance else (both - by_chance) / (most - by_chance)
    assert found == pytest.approx(expected)
