"""k-means over unit rows: which images belong together in meaning.

For unit rows the order of Euclidean distances is that of cosine distances,
so scikit-learn's Euclidean k-means serves.
"""

from __future__ import annotations

import warnings

import numpy as np

from augnet_cli.errors import UsageError

RESTARTS = 4  # k-means++ starts, of which the tightest is taken; each costs a whole run
# Centres are found on so many rows, and the others go to the nearest: more move a centre by less than another
# start does, and scikit-learn copies what it is given.
FITTED = 50_000
BLOCK_ROWS = 8192  # rows given to their centres at a time: 8 MB at d = 256
MAX_SEED = 2**32 - 1  # what scikit-learn takes


def kmeans(
    embeddings: np.ndarray, k: int, seed: int, restarts: int = RESTARTS
) -> tuple[np.ndarray, np.ndarray]:
    """Part the rows into exactly k clusters, none of them empty.

    The same rows, k and seed give the same clusters on the same machine.

    Args:
        embeddings: (n, d) float32 unit rows.
        k: clusters wanted, at least 1 and at most the number of different rows.
        seed: 0 to 2**32 - 1.
        restarts: k-means++ starts, of which the tightest is taken.

    Returns:
        labels: (n,) int64 in [0, k); 0 is the largest cluster, ties by the smallest row.
        centres: (k, d) float32, the mean of each cluster's rows; not unit.

    Raises:
        UsageError: k is less than 1 or more than there are different rows, or seed is out of range.
    """
    _check(embeddings, k, seed)
    labels = _fill_empty(embeddings, _fit(embeddings, k, seed, restarts), k)
    labels = _renumber(labels, k)
    return labels, _means(embeddings, labels, k)


def kmeans_from(embeddings: np.ndarray, labels: np.ndarray, k: int, seed: int) -> np.ndarray:
    """k-means that goes on from known labels: clusters keep their numbers while rows come and go.

    Args:
        embeddings: (n, d) float32 unit rows.
        labels: (n,) int64 in [0, k), negative for rows that are new.
        seed: as `kmeans`, which is asked where some cluster has no known row left.

    Returns:
        (n,) int64 in [0, k); those of no change where there are no new rows.

    Raises:
        UsageError: as `kmeans`.
    """
    _check(embeddings, k, seed)
    known = labels >= 0
    if (np.bincount(labels[known], minlength=k) == 0).any():
        return kmeans(embeddings, k, seed)[0]
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    starts = _means(embeddings[known], labels[known], k)
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer different rows than clusters: `_fill_empty` sees to it
        sample = _sample(len(embeddings), seed)
        rows = np.ascontiguousarray(embeddings[sample], np.float32)
        fitted = KMeans(k, init=starts, n_init=1).fit(rows)
    return _fill_empty(embeddings, _nearest(embeddings, fitted.cluster_centers_), k)


def _sample(rows: int, seed: int) -> np.ndarray:
    """(min(rows, FITTED),) int64: the rows that centres are found on, ascending."""
    if rows <= FITTED:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).permutation(rows)[:FITTED])


def _check(embeddings: np.ndarray, k: int, seed: int) -> None:
    if k < 1:
        raise UsageError(f"{k} clusters can't be made", "use --k 1 or more")
    if not 0 <= seed <= MAX_SEED:
        raise UsageError(f"the seed {seed} is out of range", f"use a seed from 0 to {MAX_SEED}")
    check_different(embeddings, k)


def check_different(embeddings: np.ndarray, k: int) -> None:
    """Refuse more clusters than there are different rows.

    Raises:
        UsageError: there are fewer than `k`.
    """
    different = count_different(embeddings, enough=k)
    if different < k:
        images = "image" if different == 1 else "images"
        raise UsageError(
            f"{k:,} clusters were asked for, but the folder holds only {different:,} different {images}",
            f"use --k {different} or less" if different else "name a folder that holds images",
        )


def _fit(embeddings: np.ndarray, k: int, seed: int, restarts: int) -> np.ndarray:
    """scikit-learn's labels, (n,) int64; a cluster may be empty."""
    if len(embeddings) > FITTED:
        rows = embeddings[_sample(len(embeddings), seed)]
        fitted = _fit(rows, k, seed, restarts)
        used = np.unique(fitted)  # the sample may hold fewer different rows than clusters are wanted
        return used[_nearest(embeddings, _means(rows, fitted, k)[used])]
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    rows = np.ascontiguousarray(embeddings, np.float32)
    # One thread: the threads' partial sums are added in the order they finish,
    # and a last bit can put an image into another cluster on the next run.
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # "Fewer distinct clusters than k": `_fill_empty` sees to it.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return KMeans(k, n_init=restarts, random_state=seed).fit(rows).labels_.astype(np.int64)


def _nearest(embeddings: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(n,) int64: the centre (k, d) nearest to each row; ties by the smaller number."""
    lengths = np.einsum("kd,kd->k", centres, centres)
    labels = np.empty(len(embeddings), np.int64)
    for start in range(0, len(embeddings), BLOCK_ROWS):
        block = embeddings[start : start + BLOCK_ROWS]
        # Squared distance, but for the length of the row, which is the same to all centres.
        labels[start : start + BLOCK_ROWS] = np.argmin(lengths - 2 * (block @ centres.T), axis=1)
    return labels


def _fill_empty(embeddings: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Give each empty cluster the row farthest from its own centre, with its equals there.

    It comes from a cluster that holds different rows, so that none becomes empty;
    with k different rows and fewer than k clusters in use there is always one.
    """
    empty = np.flatnonzero(np.bincount(labels, minlength=k) == 0)
    if not len(empty):
        return labels
    labels = labels.copy()
    kinds = _kinds(embeddings)
    for cluster in empty:
        held = np.unique(np.stack([labels, kinds]), axis=1)[0]
        mixed = np.bincount(held, minlength=k) > 1
        gaps = np.square(embeddings - _means(embeddings, labels, k)[labels]).sum(axis=1)
        gaps[~mixed[labels]] = -1.0
        farthest = np.argmax(gaps)
        labels[(kinds == kinds[farthest]) & (labels == labels[farthest])] = cluster
    return labels


def _renumber(labels: np.ndarray, k: int) -> np.ndarray:
    """Number clusters by size, largest first, ties by their smallest row; none may be empty."""
    _, first_rows, sizes = np.unique(labels, return_index=True, return_counts=True)
    new = np.empty(k, np.int64)
    new[np.lexsort((first_rows, -sizes))] = np.arange(k)
    return new[labels]


def _means(embeddings: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """(k, d) float32: the mean row of each cluster, summed in float64; zeros for an empty one."""
    means = np.zeros((k, embeddings.shape[1]), np.float32)
    for cluster, rows in enumerate(rows_by_cluster(labels, k)):
        if len(rows):
            starts = range(0, len(rows), BLOCK_ROWS)
            sums = (embeddings[rows[at : at + BLOCK_ROWS]].sum(axis=0, dtype=np.float64) for at in starts)
            means[cluster] = sum(sums) / len(rows)
    return means


def rows_by_cluster(labels: np.ndarray, k: int) -> list[np.ndarray]:
    """The rows of each cluster, ascending; k arrays, (n,) in all."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.searchsorted(labels[order], np.arange(1, k)))


def _kinds(embeddings: np.ndarray) -> np.ndarray:
    """(n,) int64: rows with equal values have equal numbers."""
    seen: dict[bytes, int] = {}
    return np.array([seen.setdefault(_row_bytes(row), len(seen)) for row in embeddings], np.int64)


def count_different(embeddings: np.ndarray, enough: int) -> int:
    """The number of different rows; counting stops at `enough`."""
    seen: set[bytes] = set()
    for row in embeddings:
        seen.add(_row_bytes(row))
        if len(seen) == enough:
            break
    return len(seen)


def _row_bytes(row: np.ndarray) -> bytes:
    return (row + 0.0).tobytes()  # adding 0.0 makes -0.0 equal 0.0
