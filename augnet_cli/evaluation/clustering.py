"""How well clusters agree with known classes: accuracy under the best matching, and mutual information.

Labels judge only; nothing here is seen by training.
Letters: n images, k clusters, c classes.
"""

from __future__ import annotations

from typing import Literal

import numpy as np


def clustering_accuracy(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Share of images whose cluster stands for their class, each cluster standing for at most one.

    The matching of clusters to classes is the best there is (Kuhn's Hungarian method, 1955; as a measure of
    clustering: Yang et al., "Image Clustering using Local Discriminant Models", 2010, eq. 23).
    Where k and c differ, the images of clusters left over count as wrong.

    Args:
        labels: (n,) classes, integers or text.
        clusters: (n,) clusters, integers or text; their names say nothing.

    Returns:
        In [0, 1]; 0 where n is 0.
    """
    from scipy.optimize import linear_sum_assignment

    if len(labels) == 0:
        return 0.0
    counts = contingency(labels, clusters)
    rows, columns = linear_sum_assignment(counts, maximize=True)
    return float(counts[rows, columns].sum() / len(labels))


Mean = Literal["arithmetic", "geometric"]


def mutual_information(labels: np.ndarray, clusters: np.ndarray, mean: Mean = "arithmetic") -> float:
    """Normalised mutual information (NMI) of classes and clusters, both (n,), in [0, 1].

    Normalised by the mean of both entropies (Strehl & Ghosh, "Cluster Ensembles", 2002, who take the
    geometric one; most report the arithmetic one today, and scikit-learn changed to it in 2019);
    1 where the two partitions are the same, also where both put all images together.
    """
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(labels, clusters, average_method=mean))


def adjusted_rand_index(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Adjusted Rand index (ARI) of classes and clusters, both (n,), in [-0.5, 1].

    1 where they are the same partition, about 0 for clusters by chance (Hubert and Arabie, "Comparing
    Partitions", 1985, eq. 5).
    """
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(labels, clusters))


def matched(labels: np.ndarray, clusters: np.ndarray, classes: int) -> np.ndarray:
    """(n,) int64: the class that each image's cluster stands for under the best matching, -1 for none.

    Args:
        labels: (n,) int64 in [0, classes); clusters: (n,).
    """
    kinds, column = np.unique(clusters, return_inverse=True)
    return classes_of_clusters(labels, column, classes, len(kinds))[column]


def classes_of_clusters(labels: np.ndarray, taken: np.ndarray, classes: int, clusters: int) -> np.ndarray:
    """(clusters,) int64: the class that each stands for under the best matching, -1 for none.

    Clusters without an image stand for classes that are left, if there are any.

    Args:
        labels: (n,) int64 in [0, classes); taken: (n,) int64 in [0, clusters).
    """
    from scipy.optimize import linear_sum_assignment

    counts = np.zeros((classes, clusters), np.int64)
    np.add.at(counts, (labels, taken), 1)
    stands_for = np.full(clusters, -1, np.int64)
    rows, columns = linear_sum_assignment(counts, maximize=True)
    stands_for[columns] = rows
    return stands_for


def confusion(labels: np.ndarray, named: np.ndarray, classes: int) -> np.ndarray:
    """(classes, classes) float64: of the images of each class (rows), the share that was named as each.

    A row sums to 1, less where images were named as none (-1), and to 0 where the class has no image.
    """
    told = named >= 0
    counts = np.zeros((classes, classes))
    np.add.at(counts, (labels[told], named[told]), 1)
    sizes = np.bincount(labels, minlength=classes)
    # Divided along the rows: each class by its own size.
    shares: np.ndarray = counts / np.maximum(sizes, 1)[:, None]
    return shares


def contingency(labels: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """(c, k) int64: how many images of each class are in each cluster, both in the order of their names."""
    classes, row = np.unique(labels, return_inverse=True)
    kinds, column = np.unique(clusters, return_inverse=True)
    counts = np.zeros((len(classes), len(kinds)), np.int64)
    np.add.at(counts, (row, column), 1)
    return counts
