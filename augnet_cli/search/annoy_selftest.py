"""A program that tells whether annoy works here; run by `annoy_index.works` in a process of its own.

Annoy is compiled on the user's machine: a build may crash at import, at building or at searching,
or give one neighbour or wrong ones.
It needs nothing but the standard library, so that it starts fast and only annoy can break it.
Its one argument is the search path of the caller, as JSON: the same annoy is to be found.
"""

from __future__ import annotations

import json
import math
import random
import sys
import tempfile

# Beyond one leaf and one SIMD register with a rest: 40 = 2 x 16 + 8 floats.
ROWS, DIM, TREES, K = 240, 40, 5, 10
# Equal rows are where a build with unsafe arithmetic loses itself.
EQUAL_ROWS = 30
# With at least as many nodes to look at as there are in all trees, annoy's answer is exact.
ALL_NODES = ROWS * TREES * 4
# Annoy computes in float32: sqrt(2 (1 - cos)) of near rows is good to about 1e-3.
ANGULAR_TOLERANCE = 2e-3
WORKS = "annoy works"


def wrong() -> str | None:
    """What is wrong with annoy's answers, or None."""
    from annoy import AnnoyIndex

    numbers = random.Random(0)
    rows = [[numbers.gauss(0, 1) for _ in range(DIM)] for _ in range(ROWS)]
    rows[-EQUAL_ROWS:] = [rows[-1]] * EQUAL_ROWS
    index = AnnoyIndex(DIM, "angular")
    index.set_seed(1)
    for row, vector in enumerate(rows):
        index.add_item(row, vector)
    index.build(TREES, n_jobs=1)
    with tempfile.TemporaryDirectory() as folder:
        index.save(f"{folder}/test.ann")
        again = AnnoyIndex(DIM, "angular")
        again.load(f"{folder}/test.ann")
        problem = next(filter(None, (_wrong_answer(again, rows, row) for row in range(ROWS))), None)
        again.unload()
        index.unload()
    return problem


def _wrong_answer(index: object, rows: list[list[float]], query: int) -> str | None:
    """Compare the distances of one query's neighbours with a slow loop."""
    got, angles = index.get_nns_by_vector(rows[query], K, ALL_NODES, include_distances=True)  # type: ignore[attr-defined]
    if len(got) != K or len(set(got)) != K:
        return f"it gave {len(set(got))} neighbours instead of {K}"
    true = [_angular(rows[query], row) for row in rows]
    nearest = sorted(true)[:K]
    far = any(abs(true[row] - best) > ANGULAR_TOLERANCE for row, best in zip(got, nearest, strict=True))
    off = any(abs(true[row] - angle) > ANGULAR_TOLERANCE for row, angle in zip(got, angles, strict=True))
    return "it gave wrong neighbours" if far else "it gave wrong distances" if off else None


def _angular(left: list[float], right: list[float]) -> float:
    cosine = math.sumprod(left, right) if hasattr(math, "sumprod") else sum(map(float.__mul__, left, right))
    return math.sqrt(max(0.0, 2 - 2 * cosine / (math.hypot(*left) * math.hypot(*right))))


if __name__ == "__main__":
    sys.path[:] = json.loads(sys.argv[1])
    sys.stdout.write(f"{wrong() or WORKS}\n")
