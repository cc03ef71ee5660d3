"""Rows' stars as edges of groups: verdicts, transforms, pairs of identical pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from augnet_cli.duplicates.groups import NEAR, Edge
from augnet_cli.duplicates.stars import Stage, Stars
from augnet_cli.duplicates.verify import distance_of
from augnet_cli.geometry.placed import placed
from augnet_cli.geometry.relation import Relation
from augnet_cli.geometry.verdict import RE_ENCODED, verdict
from augnet_cli.records import Pairs, Transform

IDENTICAL_PIXELS = ("identical-pixels",)
UNVERIFIED = ("unverified",)
# Sketches of identical pixels differ by what decoding at a reduced scale does, in levels on average.
SKETCH_LEVELS = 0.75


def edges_of(stage: Stage, stars: Stars, colours: Callable[[int], np.ndarray | None]) -> dict[int, Edge]:
    """Of each row that may go, its witness and what is told of it.

    Args:
        colours: the whole picture of a row, (h, w, 3) uint8, or None.
    """
    edges: dict[int, Edge] = {}

    def work(rows: Sequence[int]) -> None:
        for row in rows:
            witness, relation = stars.witness[row]
            edges[row] = _edge(stage, row, witness, relation, colours)

    stage.prover.each(work, [[row] for row in sorted(stars.witness)])
    return dict(sorted(edges.items()))


def _edge(
    stage: Stage,
    row: int,
    witness: int,
    relation: Relation | None,
    colours: Callable[[int], np.ndarray | None],
) -> Edge:
    distance = distance_of(stage, row, witness)
    if relation is None:  # a person said so
        return Edge(witness, distance, False, NEAR)
    words, transform = described(stage, row, witness, relation)
    if words == (RE_ENCODED,) and _have_identical_pixels(stage, row, witness, colours):
        words = IDENTICAL_PIXELS
    return Edge(witness, distance, True, words, transform)


def described(
    stage: Stage, row: int, other: int, relation: Relation
) -> tuple[tuple[str, ...], Transform | None]:
    """Verdict and transform of `row` in `other`."""
    first, second = stage.prover.sketch(row), stage.prover.sketch(other)
    if first is None or second is None:  # a file left while it was looked at
        return NEAR, None
    transform = placed(first, second, relation.finding.transform, relation.unlike.painted)
    return verdict(first, second, relation), transform


def _have_identical_pixels(
    stage: Stage, row: int, other: int, colours: Callable[[int], np.ndarray | None]
) -> bool:
    first, second = stage.prover.sketch(row), stage.prover.sketch(other)
    if first is None or second is None or first.colour.shape != second.colour.shape:
        return False
    if np.abs(first.colour.astype(np.int16) - second.colour).mean() > SKETCH_LEVELS:
        return False
    one, another = colours(row), colours(other)
    return one is not None and another is not None and np.array_equal(one, another)


def add_unproved(edges: dict[int, Edge], unproved: Pairs, rank: Mapping[int, int]) -> None:
    """Let the worse image of a pair that nothing proves go too, nearest pairs first, without chains.

    Args:
        rank: place of each row in keep order.
    """
    witnesses = {edge.witness for edge in edges.values()}
    for place in np.lexsort((unproved.right, unproved.left, unproved.distance)).tolist():
        pair = int(unproved.left[place]), int(unproved.right[place])
        better, worse = sorted(pair, key=rank.__getitem__)
        if better not in edges and worse not in edges and worse not in witnesses:
            edges[worse] = Edge(better, float(unproved.distance[place]), False, UNVERIFIED)
            witnesses.add(better)
