"""What clusters and the map take on 50,000 synthetic embeddings: time and most memory, a process each.

python benchmarks/collection.py [--images 50000] [--print-only]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
from tables import markdown, put

from augnet_cli.cores import usable_cores
from augnet_cli.evaluation.clustering import adjusted_rand_index

DIM, HEAPS, SEED = 256, 60, 0
# Of a heap's rows: how far they spread about its middle, in as many directions as pictures of one thing vary.
SPREAD, DIRECTIONS = 0.9, 24


def heaps(count: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, DIM) float32 unit rows in heaps of sizes that fall as 1 / rank, and the heap of each."""
    random = np.random.default_rng(SEED)
    shares = 1 / np.arange(1, HEAPS + 1)
    heap = random.choice(HEAPS, count, p=shares / shares.sum())
    middles = random.standard_normal((HEAPS, DIM))
    ways = random.standard_normal((HEAPS, DIRECTIONS, DIM)) / DIRECTIONS**0.5
    rows = np.empty((count, DIM), np.float32)
    for one in range(HEAPS):
        own = heap == one
        rows[own] = middles[one] + SPREAD * random.standard_normal((own.sum(), DIRECTIONS)) @ ways[one]
    rows += 0.3 * random.standard_normal(rows.shape).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), heap


def clustered(method: str, k: int | None) -> Callable[[int], dict[str, object]]:
    """A run of the clustering that `augnet cluster` does."""

    def run(count: int) -> dict[str, object]:
        from augnet_cli.pipeline.parting import Wish, part

        rows, heap = heaps(count)
        started = time.perf_counter()
        parted = part(rows, np.ones(len(rows)), Wish(method, k, SEED), None)
        seconds = time.perf_counter() - started
        held = parted.labels >= 0
        agreement = adjusted_rand_index(heap[held], parted.labels[held])
        told = f"{parted.k} clusters, ARI {agreement:.2f}"
        told += f", {(~held).mean():.0%} noise" if not held.all() else ""
        return {"seconds": seconds, "told": told}

    return run


def spread(count: int) -> dict[str, object]:
    """What `--html` and `--out` need beside the clusters: places and neighbours of all rows."""
    from augnet_cli.clusters.space import look_space, main_directions
    from augnet_cli.search.running_top import nearest_nearly

    rows, _ = heaps(count)
    started = time.perf_counter()
    main_directions(look_space(rows, SEED), 2)
    nearest_nearly(rows, rows, 11)
    return {"seconds": time.perf_counter() - started, "told": "PCA, 10 neighbours each"}


def page(count: int) -> dict[str, object]:
    """The page itself, written and opened in a browser."""
    from map_page import measure

    found = measure(count)
    frames = f"frames {found.frame_ms[0]:.0f} ms, the slowest tenth {found.frame_ms[1]:.0f} ms"
    told = f"{found.size_bytes / 1e6:.1f} MB, opens in {found.open_seconds:.1f} s, {frames}"
    return {"seconds": found.seconds, "told": told}


STEPS: dict[str, Callable[[int], dict[str, object]]] = {
    "k-means, --k 60": clustered("kmeans", HEAPS),
    "k-means, --k auto": clustered("kmeans", None),
    "agglomerative, --k 60": clustered("agglomerative", HEAPS),
    "HDBSCAN": clustered("hdbscan", None),
    "places and neighbours": spread,
    "the map page": page,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--print-only", action="store_true", help="leave the documents as they are")
    arguments = parser.parse_args()
    if arguments.step is not None:
        found = STEPS[arguments.step](arguments.images)
        own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        found["cpu"] = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
        unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes
        print(json.dumps(found | {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}))
        return
    rows = []
    for name in STEPS:
        command = [sys.executable, __file__, "--images", str(arguments.images), "--step", name]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        told = json.loads(done.stdout.splitlines()[-1])
        print(name, told, file=sys.stderr, flush=True)
        times = (f"{told['seconds']:.0f}", f"{told['cpu']:.0f}")
        rows.append((name, *times, f"{told['peak'] / 1e6:,.0f}", told["told"]))
    title = f"{arguments.images:,} rows of {DIM}, {usable_cores()} cores"
    head = (title, "seconds", "CPU seconds, with the start", "most memory, MB", "found")
    table = markdown(head, rows)
    if arguments.print_only:
        print(table)
    else:
        put("collection", table)


if __name__ == "__main__":
    main()
