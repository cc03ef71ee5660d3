"""From joined images to stars: which of them stays, and which it lets go.

In each set the image that the others were made from is looked for first; that gives every image a level, and the
rules their order.  Then each image, the one most worth keeping first, is laid upon those that stay already: it may
go if one of them, its witness, shows all that it does.  So there are no chains, and no image goes for one that shows
less.  What is joined but shows something of its own stays, and is told as `partial`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from augnet_cli.duplicates.prover import Pair
from augnet_cli.duplicates.twins import Proofs
from augnet_cli.geometry.derivation import covers, derivation, is_altered
from augnet_cli.geometry.detail import LEAST_RATIO
from augnet_cli.geometry.relation import Relation

# Images that stay, nearest first, on which one is laid: bounds the work in sets of thousands of parts of one scene.
WITNESSES_TRIED = 8
# Joined images tried as stepping stones where two can't be laid upon each other directly.
STONES_TRIED = 3
# Sources tried, each made from the next: a crop of a screenshot of a photo.
SOURCES_TRIED = 6
MIDDLE_DECIMALS = 4  # of a sum of cosines: sums in another order differ in later ones


@dataclass
class Stars:
    """What was found out, by rows.

    `witness`: of those that may go, the row that stays, and how the first lies in it; None where a person
        decided that they are the same and nothing proves it.
    `partial`: pairs of rows that are parts of the same, each with something of its own, and how.
    """

    witness: dict[int, tuple[int, Relation | None]] = field(default_factory=dict)
    partial: dict[Pair, Relation] = field(default_factory=dict)


@dataclass(frozen=True)
class Stage:
    """What forming stars takes.

    Attributes:
        prover: finds out what rows are to each other.
        embeddings: (m, d) float32 unit rows.
        pixels: of each row.
        apart, same: pairs (left < right) that a person decided.
        may_pair: whether two rows may be a pair at all.
        fixed: rows that always stay.
        links: of each row those that proofs joined it to.
    """

    prover: Proofs
    embeddings: np.ndarray
    pixels: Mapping[int, int]
    apart: Collection[Pair] = ()
    same: Collection[Pair] = ()
    may_pair: Callable[[int, int], bool] = lambda one, other: True
    fixed: Collection[int] = ()
    links: Mapping[int, Collection[int]] = field(default_factory=dict)

    def relation(self, one: int, other: int) -> Relation | None:
        """How `one` lies in `other`, if need be by way of a third that it is known to be the same as."""
        pair = (min(one, other), max(one, other))
        if pair in self.apart:
            return None
        if self.prover.finding(one, other).is_same:
            return self.prover.relation(one, other)
        for stone in self._stones(one, other):
            if self.prover.finding(one, other, stone).is_same:
                return self.prover.relation(one, other, stone)
        return None

    def _stones(self, one: int, other: int) -> list[int]:
        """Rows that proofs joined to one of both, nearest to it first; some of each."""
        found = [
            row
            for end, far in ((one, other), (other, one))
            for row in self.nearest(end, [row for row in self.links.get(end, ()) if row != far])[
                :STONES_TRIED
            ]
        ]
        return list(dict.fromkeys(found))

    def nearest(self, row: int, others: Sequence[int]) -> list[int]:
        """The others by distance, ties by row."""
        if not others:
            return []
        near = self.embeddings[list(others)] @ self.embeddings[row]
        return [others[place] for place in np.lexsort((others, -near))]


def levels_of(stage: Stage, members: Sequence[int]) -> dict[int, int]:
    """0 for the image that the others of its set were made from, and those nothing tells from it; else 1.

    Args:
        members: rows of one set.
    """
    by_middle = _from_the_middle(stage, members)
    source = by_middle[0]
    tried: set[int] = set()
    enlarged: set[int] = set()
    made: dict[int, int] = {}
    for _ in range(SOURCES_TRIED):
        tried.add(source)
        made = {row: _made_from(stage, row, source) for row in members if row != source}
        before = [row for row, sign in made.items() if sign < 0 and row not in tried]
        if not before:
            before = [
                row for row, sign in made.items() if sign == 0 and stage.pixels[row] < stage.pixels[source]
            ]
            if not before or not _is_enlarged(stage, source, before):
                break
            enlarged.add(source)
            before = [max(before, key=lambda row: (stage.pixels[row], -row))]
        source = min(before, key=by_middle.index)
    unlike = {row for row in made if _is_altered(stage, row, source)}
    # With the source or against it: most images were neither turned, mirrored nor recoloured.
    if 2 * len(unlike) > len(members):
        unlike = {source}
    return {row: int(row in enlarged or row in unlike or made.get(row, 0) > 0) for row in members}


def _from_the_middle(stage: Stage, members: Sequence[int]) -> list[int]:
    """The rows, first those nearest to all of their set: images are most like the one they were made from."""
    rows = stage.embeddings[list(members)]
    near = np.round(rows @ rows.sum(axis=0), MIDDLE_DECIMALS)
    return [members[place] for place in np.lexsort((members, -near))]


def _is_altered(stage: Stage, row: int, source: int) -> bool:
    """Whether one was turned, mirrored or recoloured to make the other; which of them, nothing tells."""
    relation = stage.relation(row, source)
    return relation is not None and is_altered(relation)


def _is_enlarged(stage: Stage, source: int, smaller: Sequence[int]) -> bool:
    """Whether `source` shows no more than the largest of those with fewer pixels that show the same."""
    other = min(smaller, key=lambda row: (-stage.pixels[row], row))
    if stage.pixels[source] < LEAST_RATIO**2 * stage.pixels[other]:
        return False
    relation = stage.relation(other, source)
    if relation is None or not (covers(relation) and covers(relation.reversed())):
        return False
    return stage.prover.is_enlarged(source, other)


def _made_from(stage: Stage, row: int, source: int) -> int:
    """As `derivation`; what can't be laid upon the source counts as made from it."""
    relation = stage.relation(row, source)
    return 1 if relation is None else derivation(relation)


def attach(stage: Stage, members: Sequence[int], stars: Stars) -> None:
    """Find each row's witness among those that stay before it.

    Args:
        members: rows of one set, the one most worth keeping first.
    """
    kept: list[int] = []
    for row in members:
        partial: dict[Pair, Relation] = {}
        may_go = [] if row in stage.fixed else [other for other in kept if stage.may_pair(row, other)]
        for witness in stage.nearest(row, may_go)[:WITNESSES_TRIED]:
            relation = stage.relation(row, witness)
            if (min(row, witness), max(row, witness)) in stage.same:
                stars.witness[row] = (witness, relation)
                break
            if relation is None:
                continue
            if covers(relation):
                stars.witness[row] = (witness, relation)
                break
            partial[row, witness] = relation
        else:
            kept.append(row)
            stars.partial.update(partial)


def form_stars(
    stage: Stage, sets: Sequence[Sequence[int]], in_keep_order: Callable[[Mapping[int, int]], Sequence[int]]
) -> Stars:
    """Stars of all sets.

    Args:
        sets: rows joined by proofs.
        in_keep_order: orders all rows of the sets by their levels, the most worth keeping first.
    """
    levels: dict[int, int] = {}
    stage.prover.each(lambda members: levels.update(levels_of(stage, members)), sets)
    rank = {row: place for place, row in enumerate(in_keep_order(levels))}
    stars = Stars()
    ordered = [sorted(members, key=rank.__getitem__) for members in sets]
    stage.prover.each(lambda members: attach(stage, members, stars), ordered)
    return stars
