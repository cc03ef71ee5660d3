"""Rows' stars as edges of groups: verdicts, transforms, pairs of identical pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from augnet_cli.duplicates.groups import Edge
from augnet_cli.duplicates.stars import Stage, Stars
from augnet_cli.duplicates.verify import distance_of
from augnet_cli.geometry.placed import placed
from augnet_cli.geometry.relation import Relation
from augnet_cli.geometry.sketch import Size
from augnet_cli.geometry.verdict import verdict
from augnet_cli.records import Pairs, Transform

IDENTICAL_PIXELS = ("identical-pixels",)
UNVERIFIED = ("unverified",)
DECIDED = ("decided",)  # a person said so, and nothing more is known


def edges_of(stage: Stage, stars: Stars, sizes: Mapping[int, Size]) -> dict[int, Edge]:
    """Of each row that may go, its witness and what is told of it; `sizes` are those of rows' pictures."""
    return {row: _edge(stage, row, *stars.witness[row], sizes) for row in sorted(stars.witness)}


def _edge(stage: Stage, row: int, witness: int, relation: Relation | None, sizes: Mapping[int, Size]) -> Edge:
    distance = distance_of(stage, row, witness)
    if relation is None:  # a person said so
        return Edge(witness, distance, True, DECIDED)
    words, transform = described(sizes[row], sizes[witness], relation)
    return Edge(witness, distance, True, words, transform)


def described(first: Size, second: Size, relation: Relation) -> tuple[tuple[str, ...], Transform]:
    """Verdict and transform of the first in the second."""
    transform = placed(first, second, relation.finding.transform, relation.unlike.painted)
    words = IDENTICAL_PIXELS if relation.identical else verdict(first, second, relation)
    return words, transform


def add_unproved(
    edges: dict[int, Edge],
    unproved: Pairs,
    rank: Mapping[int, int],
    holds_more: Callable[[int, int], bool] = lambda row, other: False,
) -> None:
    """Let the worse image of a pair that nothing proves go too, nearest pairs first, without chains.

    Args:
        rank: place of each row in keep order.
        holds_more: whether the file of the first row holds more than its picture, and that of the other not.
    """
    witnesses = {edge.witness for edge in edges.values()}
    for place in np.lexsort((unproved.right, unproved.left, unproved.distance)).tolist():
        pair = int(unproved.left[place]), int(unproved.right[place])
        better, worse = sorted(pair, key=rank.__getitem__)
        free = better not in edges and worse not in edges and worse not in witnesses
        if free and not holds_more(worse, better):
            edges[worse] = Edge(better, float(unproved.distance[place]), False, UNVERIFIED)
            witnesses.add(better)
