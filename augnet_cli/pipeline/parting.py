"""From embeddings to clusters and sub-clusters: the number found or given, and what an earlier run said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from augnet_cli.clusters.agglomerative import joined_clusters
from augnet_cli.clusters.choose import QUICK, choose_count
from augnet_cli.clusters.density import dense_clusters
from augnet_cli.clusters.matching import by_size, renumbered
from augnet_cli.clusters.partition import kmeans, kmeans_from, rows_by_cluster
from augnet_cli.clusters.space import look_space, unit
from augnet_cli.errors import UsageError
from augnet_cli.progress import SILENT, Progress
from augnet_cli.results import NO_CLUSTER, ClusterCount

KMEANS, AGGLOMERATIVE, HDBSCAN, SCAN = "kmeans", "agglomerative", "hdbscan", "scan"
METHODS = (KMEANS, AGGLOMERATIVE, HDBSCAN, SCAN)
# A cluster of fewer different images is seen at a glance.
LARGE = 60
# Children that half of the images would not give again say nothing.
CHILDREN_STABLE = 0.5
# An earlier run's clusters are gone on with if so many of the rows were there, its number if nearly all were.
MOSTLY_KNOWN, NEARLY_ALL_KNOWN = 0.5, 0.9


@dataclass(frozen=True)
class Wish:
    """What clusters are wanted; those of an earlier run are gone on with only if it was the same.

    Attributes:
        method: one of METHODS.
        k: how many, or None to find out; None for HDBSCAN and SCAN.
        seed: 0 to 2**32 - 1.
        dedupe_first: whether near copies are counted once.
    """

    method: str = KMEANS
    k: int | None = None
    seed: int = 0
    dedupe_first: bool = True


@dataclass(frozen=True)
class Parted:
    """Rows in clusters.

    Attributes:
        labels: (n,) int64 in [0, k), NO_CLUSTER for noise.
        children: (n,) int64, numbers within the cluster, NO_CLUSTER where it has none.
        curve: what k was chosen from; empty where it was given.
    """

    labels: np.ndarray
    children: np.ndarray
    k: int
    curve: tuple[ClusterCount, ...] = ()


def check_wish(wish: Wish) -> None:
    """Refuse what can't be asked for.

    Raises:
        UsageError: no such method, or a number of clusters for one that finds it itself.
    """
    if wish.method not in METHODS:
        raise UsageError(f"there is no method named {wish.method}", f"choose one of {', '.join(METHODS)}")
    if wish.method == HDBSCAN and wish.k is not None:
        raise UsageError("hdbscan finds the number of clusters itself", "leave --k out, or --method kmeans")
    if wish.method == SCAN and wish.k is not None:
        raise UsageError(
            "the number of scan's clusters is the encoder's, said as it was trained",
            "leave --k out, or --method kmeans",
        )


def part(
    embeddings: np.ndarray,
    weights: np.ndarray,
    wish: Wish,
    before: Parted | None,
    progress: Progress = SILENT,
    assigned: np.ndarray | None = None,
) -> Parted:
    """Part rows into clusters, numbered by size, and large clusters into children.

    Args:
        embeddings: (n, d) float32 unit rows, near copies left out.
        weights: (n,) how many files each stands for.
        before: what an earlier run with the same wish said of these rows, NO_CLUSTER where it knew nothing.
        assigned: (n,) int64, for SCAN alone: the encoder's own cluster of each row, or NO_CLUSTER.  Those
            without a row vanish.

    Raises:
        UsageError: as `kmeans`.
    """
    known = 0.0 if before is None else float((before.labels >= 0).mean())
    if before is None or known < MOSTLY_KNOWN:
        before = None
    progress.start("comparing neighbours", None)
    rows = look_space(embeddings, wish.seed)
    progress.finish()
    k, curve = wish.k, tuple[ClusterCount, ...]()
    if k is None and wish.method not in (HDBSCAN, SCAN):
        if before is not None and known >= NEARLY_ALL_KNOWN:
            k, curve = before.k, before.curve
        else:
            choice = choose_count(rows, wish.seed, progress=progress)
            k, curve = choice.k, choice.curve
            if not curve:
                few = f"{len(rows):,} different images are too few to find out how many clusters there are"
                progress.note(f"{few}: this is one; --k says how many")
    progress.start("clustering", None)
    labels = _labels(rows, wish, k, before) if assigned is None else _closed_up(assigned)
    k = int(labels.max(initial=NO_CLUSTER)) + 1
    numbers = by_size(labels, weights, k)
    if before is not None:
        earlier = before.labels
        numbers = renumbered(labels, np.where(earlier < k, earlier, NO_CLUSTER), k)
    labels = np.where(labels >= 0, numbers[labels], NO_CLUSTER) if k else labels
    children = _children(rows, labels, k, wish.seed, before)
    progress.finish()
    return Parted(labels, children, k, curve)


def _closed_up(assigned: np.ndarray) -> np.ndarray:
    """(n,) int64: the same clusters, numbered without gaps."""
    used = np.unique(assigned[assigned >= 0])
    return np.where(assigned >= 0, np.searchsorted(used, assigned), NO_CLUSTER)


def _labels(rows: np.ndarray, wish: Wish, k: int | None, before: Parted | None) -> np.ndarray:
    if wish.method == HDBSCAN:
        return dense_clusters(rows, wish.seed)
    assert k is not None, "every other method is told how many"
    if wish.method == AGGLOMERATIVE:
        return joined_clusters(rows, k, wish.seed)
    if before is not None and before.k == k:
        return kmeans_from(rows, before.labels, k, wish.seed)
    return kmeans(rows, k, wish.seed)[0]


def _children(rows: np.ndarray, labels: np.ndarray, k: int, seed: int, before: Parted | None) -> np.ndarray:
    """(n,) int64: sub-clusters of the large clusters."""
    children = np.full(len(rows), NO_CLUSTER, np.int64)
    held = np.flatnonzero(labels >= 0)
    for places in rows_by_cluster(labels[held], k) if k else ():
        members = held[places]
        if len(members) < LARGE:
            continue
        inside = unit(rows[members] - rows[members].mean(axis=0))
        found = _divided(inside, seed, None if before is None else before.children[members])
        if found is not None:
            children[members] = found
    return children


def _divided(rows: np.ndarray, seed: int, earlier: np.ndarray | None) -> np.ndarray | None:
    """Labels of the children of one cluster, or None where it does not fall apart."""
    known = 0.0 if earlier is None else float((earlier >= 0).mean())
    if earlier is not None and known >= NEARLY_ALL_KNOWN:
        k = int(earlier.max()) + 1
        return kmeans_from(rows, earlier, k, seed)
    choice = choose_count(rows, seed, QUICK)
    chosen: Sequence[ClusterCount] = [count for count in choice.curve if count.k == choice.k]
    if not chosen or chosen[0].stability < CHILDREN_STABLE:
        return None
    labels, _ = kmeans(rows, choice.k, seed)
    return labels
