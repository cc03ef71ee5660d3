"""One way to all near pairs, in a process of its own; for `search.py`.

    python benchmarks/search_methods.py METHOD ROWS.npy THRESHOLD PAIRS.npy

Prints seconds to build an index, seconds to find the pairs, seconds of all cores for both, and the process's
peak of memory, as JSON; writes the pairs, (p, 2) int64.
Imports nothing of augnet but for its own methods, so that any Python can run it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time

import numpy as np

# Both graphs as their authors recommend for this size, with as wide a search as they need to miss next to
# nothing; a row's NEIGHBOURS nearest are asked for and those beyond the threshold left out.
LINKS, BUILD_WIDTH, SEARCH_WIDTH = 16, 100, 64
NEIGHBOURS = 16
# Queries of one call; with all at once the rivals would need memory for all their neighbours.
QUERIES = 10_000
SEED = 0
# What `planted` makes: clusters, as photographs of one kind are, and copies at every distance up to SPREAD.
CLUSTER_ROWS, CLUSTER_SPREAD = 40, 0.75
COPIES, SPREAD = 0.02, 0.5
ROWS_AT_ONCE = 50_000


def planted(count: int, dim: int) -> np.ndarray:
    """(count, dim) float32 unit rows in clusters, COPIES of them altered copies of others."""
    numbers = np.random.default_rng(SEED)
    centres = numbers.standard_normal((max(1, count // CLUSTER_ROWS), dim), dtype=np.float32)
    rows = centres[numbers.integers(len(centres), size=count)]
    copies = round(COPIES * count)
    sources = numbers.integers(count - copies, size=copies)
    for start in range(0, count, ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        part += CLUSTER_SPREAD * numbers.standard_normal(part.shape, dtype=np.float32)
    noise = numbers.standard_normal((copies, dim), dtype=np.float32)
    noise *= numbers.uniform(0, SPREAD, (copies, 1)).astype(np.float32)
    rows[count - copies :] = rows[sources] + noise
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows[numbers.permutation(count)]


def by_augnet(rows: np.ndarray, threshold: float) -> tuple[float, np.ndarray]:
    from augnet_cli.search.exact import pairs_within

    pairs = pairs_within(rows, threshold)
    return 0.0, np.stack([pairs.left, pairs.right], axis=1)


def by_augnet_partitioned(rows: np.ndarray, threshold: float) -> tuple[float, np.ndarray]:
    from augnet_cli.search.partitioned import pairs_mostly

    pairs, _ = pairs_mostly(rows, threshold)
    return 0.0, np.stack([pairs.left, pairs.right], axis=1)


def by_faiss_flat(rows: np.ndarray, threshold: float) -> tuple[float, np.ndarray]:
    import faiss

    faiss.omp_set_num_threads(len(os.sched_getaffinity(0)))
    started = time.perf_counter()
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)
    built = time.perf_counter() - started
    found = []
    for start in range(0, len(rows), QUERIES):
        ends, _, near = index.range_search(rows[start : start + QUERIES], 1 - threshold)
        left = np.repeat(np.arange(len(ends) - 1), np.diff(ends.astype(np.int64))) + start
        found.append(np.stack([left, near], axis=1)[left < near])
    return built, np.concatenate(found)


def by_faiss_hnsw(rows: np.ndarray, threshold: float) -> tuple[float, np.ndarray]:
    import faiss

    faiss.omp_set_num_threads(len(os.sched_getaffinity(0)))
    started = time.perf_counter()
    index = faiss.IndexHNSWFlat(rows.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction, index.hnsw.efSearch = BUILD_WIDTH, SEARCH_WIDTH
    index.add(rows)
    built = time.perf_counter() - started
    found = []
    for start in range(0, len(rows), QUERIES):
        products, near = index.search(rows[start : start + QUERIES], NEIGHBOURS)
        found.append(_within(1 - products, near, threshold, start))
    return built, _once(found)


def by_hnswlib(rows: np.ndarray, threshold: float) -> tuple[float, np.ndarray]:
    import hnswlib

    started = time.perf_counter()
    index = hnswlib.Index("ip", rows.shape[1])
    index.init_index(len(rows), M=LINKS, ef_construction=BUILD_WIDTH, random_seed=SEED)
    index.set_num_threads(len(os.sched_getaffinity(0)))
    index.set_ef(SEARCH_WIDTH)
    index.add_items(rows)
    built = time.perf_counter() - started
    found = []
    for start in range(0, len(rows), QUERIES):
        near, distances = index.knn_query(rows[start : start + QUERIES], NEIGHBOURS)
        found.append(_within(distances, near.astype(np.int64), threshold, start))
    return built, _once(found)


METHODS = {
    "augnet, exact": by_augnet,
    "augnet, partitioned": by_augnet_partitioned,
    "faiss flat": by_faiss_flat,
    "faiss HNSW": by_faiss_hnsw,
    "hnswlib": by_hnswlib,
}


def _within(distances: np.ndarray, near: np.ndarray, threshold: float, start: int) -> np.ndarray:
    """Pairs (smaller, larger) of queries from `start` on and their neighbours within the threshold."""
    left, column = np.nonzero((distances <= threshold) & (near >= 0))
    right = near[left, column]
    left += start
    return np.stack([np.minimum(left, right), np.maximum(left, right)], axis=1)[left != right]


def _once(found: list[np.ndarray]) -> np.ndarray:
    return np.unique(np.concatenate(found), axis=0)


def main() -> None:
    method, file, threshold, pairs_file = sys.argv[1:]
    rows = np.load(file)
    started, busy = time.perf_counter(), time.process_time()
    built, pairs = METHODS[method](rows, float(threshold))
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    np.save(pairs_file, pairs)
    print(json.dumps({"build": built, "search": seconds - built, "busy": busy, "peak": peak}))


if __name__ == "__main__":
    main()
