"""All pairs under a distance among many embeddings: time, memory and recall beside faiss and hnswlib.

    python benchmarks/search.py --rivals PYTHON [--sizes 100000 1000000] [--rounds 3 1] [--work FOLDER]

PYTHON is one with faiss-cpu, hnswlib and numpy; without it augnet runs alone.  Each method runs in a process
of its own, one after the other in every round; the figures are medians.  A pair counts for recall if any
method found it and its distance in float64 is at or under the threshold.
A run that is broken off goes on where it was, if FOLDER was named; a graph of a million rows takes long.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from search_methods import METHODS
from tables import markdown, put

from augnet_cli.cores import usable_cores

PROGRAM = str(Path(__file__).parent / "search_methods.py")
OURS, FLAT = ("augnet, exact", "augnet, partitioned"), "faiss flat"
HEAD = ("seconds", "slowest", "of which building", "CPU seconds", "peak MB", "pairs", "recall")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rivals", help="a Python with faiss-cpu and hnswlib")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--threshold", type=float, default=0.05)
    parser.add_argument("--rounds", type=int, nargs="+", default=[3, 1], help="one number for each size")
    parser.add_argument(
        "--flat-up-to", type=int, default=200_000, help="no faiss flat beyond: it takes hours"
    )
    parser.add_argument(
        "--rivals-up-to",
        type=int,
        default=10_000_000,
        help="no rival beyond; at a million each takes minutes",
    )
    parser.add_argument("--print-only", action="store_true", help="leave the documents as they are")
    parser.add_argument("--work", type=Path, help="keep what was measured here, and don't measure it again")
    arguments = parser.parse_args()
    tables = []
    for size, rounds in zip(arguments.sizes, arguments.rounds, strict=True):
        methods = list(METHODS if arguments.rivals and size <= arguments.rivals_up_to else OURS)
        if size > arguments.flat_up_to and FLAT in methods:
            methods.remove(FLAT)
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) if arguments.work is None else arguments.work / str(size)
            folder.mkdir(parents=True, exist_ok=True)
            tables.append(compared(folder, methods, size, rounds, arguments))
    text = "\n\n".join(tables)
    if arguments.print_only:
        print(text)
    else:
        put("search", text)


def compared(folder: Path, methods: list[str], size: int, rounds: int, arguments: argparse.Namespace) -> str:
    """The table of one size."""
    rows = folder / "rows.npy"
    # In a process of its own, as what this one holds would count for those it starts.
    make = f"import numpy, search_methods as s; numpy.save({str(rows)!r}, s.planted({size}, {arguments.dim}))"
    subprocess.run([sys.executable, "-c", make], check=True, cwd=Path(PROGRAM).parent)
    runs: dict[str, list[dict[str, float]]] = {method: [] for method in methods}
    for number in range(rounds):
        for method in methods:
            python = sys.executable if method in OURS else arguments.rivals
            runs[method].append(measured(folder, method, number, python, arguments.threshold))
            print(size, method, runs[method][-1], file=sys.stderr, flush=True)
    found = [true_pairs(rows, np.load(folder / f"{method}.npy"), arguments.threshold) for method in methods]
    every = len(np.unique(np.concatenate(found)))
    lines = []
    for method, keys in zip(methods, found, strict=True):
        seconds = [run["build"] + run["search"] for run in runs[method]]
        cells = (
            f"{statistics.median(seconds):.1f}",
            f"{max(seconds):.1f}",
            f"{statistics.median(run['build'] for run in runs[method]):.1f}",
            f"{statistics.median(run['busy'] for run in runs[method]):.1f}",
            f"{max(run['peak'] for run in runs[method]) / 1e6:,.0f}",
            f"{len(keys):,}",
            f"{len(keys) / every:.4f}" if every else "",
        )
        lines.append((method, *cells))
    head = f"{size:,} rows of {arguments.dim}, {usable_cores()} cores, median of {rounds}"
    return markdown((head, *HEAD), lines)


def measured(folder: Path, method: str, number: int, python: str, threshold: float) -> dict[str, float]:
    """One run of a method, which also leaves its pairs; or what an earlier one left."""
    kept = folder / f"{method} {number}.json"
    if not kept.exists():
        files = (str(folder / "rows.npy"), str(threshold), str(folder / f"{method}.npy"))
        done = subprocess.run([python, PROGRAM, method, *files], check=True, capture_output=True, text=True)
        kept.write_text(done.stdout.splitlines()[-1])
    run: dict[str, float] = json.loads(kept.read_text())
    return run


def true_pairs(rows: Path, pairs: np.ndarray, threshold: float) -> np.ndarray:
    """Pairs (p, 2) at or under the threshold in float64, each as one number, sorted."""
    every = np.load(rows, mmap_mode="r")
    left, right = (every[side].astype(np.float64) for side in pairs.T)
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    distances = (1 - np.einsum("ij,ij->i", left, right) / lengths).astype(np.float32)
    near = pairs[distances <= np.float32(threshold)]
    return np.unique(near[:, 0] * len(every) + near[:, 1])


if __name__ == "__main__":
    main()
