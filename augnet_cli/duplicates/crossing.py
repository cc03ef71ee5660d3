"""Pairs across sides: of each row, on each other side, the nearest that is the same picture.

Groups say which image may go; here it counts that a picture is on both sides, whichever shows more of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from augnet_cli.duplicates.prover import Pair
from augnet_cli.duplicates.scope import Rows
from augnet_cli.duplicates.stars import WITNESSES_TRIED, Stage
from augnet_cli.duplicates.verify import Block, join
from augnet_cli.geometry.relation import Relation
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Pairs


@dataclass(frozen=True)
class Crossings:
    """Pairs of rows (left < right) on different sides.

    Attributes:
        same: those that are the same picture, and how the first lies in the second; None where a person said
            so and nothing proves it.
        unproved: those near enough to be suspected, of rows that are in none of `same`.
    """

    same: dict[Pair, Relation | None]
    unproved: Pairs


def cross(
    stage: Stage,
    rows: Rows,
    threshold: float | None,
    suspicious: float,
    progress: Progress = SILENT,
    blocks: Sequence[Block] | None = None,
) -> Crossings:
    """Find the pairs across sides; arguments as in `verify.verify`."""
    joined = join(stage, threshold, progress, blocks)
    stage = joined.stage
    same: dict[Pair, Relation | None] = {}
    stage.prover.each(lambda members: same.update(_of_set(stage, rows, members)), joined.sets)
    met = {row for pair in same for row in pair}
    return Crossings(dict(sorted(same.items())), _unproved(stage, joined.candidates, met, suspicious))


def _of_set(stage: Stage, rows: Rows, members: Sequence[int]) -> dict[Pair, Relation | None]:
    """Pairs of one set that proofs joined."""
    found: dict[Pair, Relation | None] = {}
    by_side: dict[str, list[int]] = {}
    for row in members:
        by_side.setdefault(rows.sides[row], []).append(row)
    for row in members:
        for side, others in by_side.items():
            if side == rows.sides[row]:
                continue
            linked = [other for other in stage.links.get(row, ()) if rows.sides[other] == side]
            near = (stage.nearest(row, few)[:WITNESSES_TRIED] for few in (others, linked))
            for other in dict.fromkeys(chain.from_iterable(near)):
                pair = (min(row, other), max(row, other))
                relation = found.get(pair) or stage.relation(*pair)
                if relation is not None or pair in stage.same:
                    found[pair] = relation
                    break
    return found


def _unproved(stage: Stage, pairs: Pairs, met: set[int], suspicious: float) -> Pairs:
    chosen = [
        place
        for place in np.flatnonzero(pairs.distance <= suspicious).tolist()
        if not {int(pairs.left[place]), int(pairs.right[place])} & met
        and not stage.prover.is_scene(int(pairs.left[place]), int(pairs.right[place]))
    ]
    return Pairs(pairs.left[chosen], pairs.right[chosen], pairs.distance[chosen])


def nearest_across(pairs: Pairs, rows: Rows) -> list[tuple[Pair, float]]:
    """Of each row, on each other side, the nearest of `pairs`, which all lie across; sorted by rows."""
    best: dict[tuple[int, str], tuple[float, Pair]] = {}
    for one, other, distance in zip(
        pairs.left.tolist(), pairs.right.tolist(), pairs.distance.tolist(), strict=True
    ):
        for row, far in ((one, other), (other, one)):
            key, found = (row, rows.sides[far]), (distance, (one, other))
            best[key] = min(best.get(key, found), found)
    return sorted({(pair, distance) for distance, pair in best.values()})
