"""From joined images to stars: which of them stays, and which it lets go.

In each set the image that the others were made from is looked for first; that gives every image a level, and
the rules their order.  Then each image, the one most worth keeping first, is laid upon those that stay
already: it may go if one of them, its witness, shows all that it does.  So there are no chains, and no image
goes for one that shows less.  What is joined but shows something of its own stays, and is told as `partial`;
so is what holds more than the picture that is compared: an animation, pages, transparency.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from augnet_cli.duplicates.prover import Pair
from augnet_cli.duplicates.twins import Proofs
from augnet_cli.geometry.derivation import UNALTERED, alteration, covers, derivation
from augnet_cli.geometry.detail import LEAST_RATIO
from augnet_cli.geometry.relation import Relation
from augnet_cli.progress import SILENT, Progress

# Images that stay, nearest first, on which one is laid: bounds the work in sets of thousands of parts of one
# scene.
WITNESSES_TRIED = 8
# Joined images tried as stepping stones where two can't be laid upon each other directly.
STONES_TRIED = 3
# Sources tried, each made from the next: a crop of a screenshot of a photo.
SOURCES_TRIED = 6
SMALL = 2.0  # times fewer pixels than the largest of its set
# Images among which a source is looked for before all others are laid upon it: those in the middle, and those
# that would stay.
IN_THE_MIDDLE, WOULD_STAY = 4, 2
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


def anyone(one: int, other: int) -> bool:
    """Any two rows may be a pair."""
    return True


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
    pixels: Mapping[int, int] | np.ndarray
    apart: Collection[Pair] = ()
    same: Collection[Pair] = ()
    may_pair: Callable[[int, int], bool] = anyone
    fixed: Collection[int] = ()
    links: Mapping[int, Collection[int]] = field(default_factory=dict)

    def relation(self, one: int, other: int) -> Relation | None:
        """How `one` lies in `other`, if need be by way of a third that it is known to be the same as."""
        pair = (min(one, other), max(one, other))
        if pair in self.apart:
            return None
        if self.prover.finding(*pair).is_same:
            return self.prover.relation(one, other)
        for stone in self._stones(one, other):
            if self.prover.finding(*pair, stone).is_same:
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

    One after the other is taken for the source, until none was made from another that is still open.

    Args:
        members: rows of one set, first the one that would stay if nothing told which was made from which.
    """
    by_middle = _from_the_middle(stage, members)
    likeliest = by_middle[:IN_THE_MIDDLE]
    likeliest += [row for row in members[:WOULD_STAY] if row not in likeliest]
    if len(likeliest) == len(members):
        return _source(stage, by_middle, by_middle[0])[1]
    # Among the few likeliest first: each source that all others are laid upon takes as many proofs.
    levels = _source(stage, likeliest, likeliest[0])[1]
    # Of several sources, the one that will stay: others are laid upon it in any case.
    return _source(stage, by_middle, next(row for row in members if levels.get(row) == 0))[1]


def _source(stage: Stage, by_middle: Sequence[int], source: int) -> tuple[int, dict[int, int]]:
    """The source, and the levels, of rows, the likeliest source first; `source` is the first to be tried."""
    tried = set[int]()
    made, altered, unknown, left = set[int](), set[int](), set[int](), list[int]()
    for _ in range(SOURCES_TRIED):
        tried.add(source)
        seen = {row: stage.relation(row, source) for row in by_middle if row != source and row not in made}
        signs = {row: derivation(relation) for row, relation in seen.items() if relation is not None}
        unknown = seen.keys() - signs.keys()
        made |= {row for row, sign in signs.items() if sign > 0}
        left = [row for row, sign in signs.items() if sign == 0]
        ways = {row: alteration(relation) for row in left if (relation := seen[row]) is not None}
        altered = {row for row, way in ways.items() if way != UNALTERED}
        commonest = Counter((UNALTERED, *ways.values())).most_common(1)[0]
        against = commonest[0] != UNALTERED and commonest[1] > 1  # few images are altered, most alike
        better = [row for row, sign in signs.items() if sign < 0 and row not in tried]
        if not better and against:
            better = [row for row in altered if row not in tried]
        if not better:
            better = _enlarged_from(stage, source, left)
        if not better:
            break
        made.add(source)
        source = min(better, key=by_middle.index)
    if len(altered) == len(left):
        altered = set()  # nothing speaks for the source
    if len(unknown) == len(by_middle) - 1:
        unknown = set()  # a person's word joined them all; nothing is known of who was made from whom
    made |= _enlarged_among(stage, source, left)
    return source, {row: int(row in made or row in altered or row in unknown) for row in by_middle}


def _enlarged_from(stage: Stage, source: int, left: Sequence[int]) -> list[int]:
    """The largest of those with fewer pixels of the same, if `source` shows no more than it."""
    smaller = [row for row in left if LEAST_RATIO**2 * stage.pixels[row] <= stage.pixels[source]]
    if not smaller:
        return []
    other = min(smaller, key=lambda row: (-stage.pixels[row], row))
    relation = stage.relation(other, source)
    if relation is None or not (covers(relation) and covers(relation.reversed())):
        return []
    return [other] if stage.prover.is_enlarged(source, other) else []


def _enlarged_among(stage: Stage, source: int, left: Sequence[int]) -> set[int]:
    """Of those that nothing tells from the source, the ones that have more pixels than it but show no
    more.
    """
    genuine, enlarged = [source], set[int]()
    for row in sorted(left, key=lambda row: (stage.pixels[row], row)):
        if stage.pixels[row] > stage.pixels[source] and _enlarged_from(stage, row, genuine):
            enlarged.add(row)
        else:
            genuine.append(row)
    return enlarged


def _from_the_middle(stage: Stage, members: Sequence[int]) -> list[int]:
    """The rows, first those nearest to all of their set: images are most like the one they were made from.

    Small ones come last: noise and JPEG can't be seen in them.  Ties stay in the order of `members`.
    """
    enough = max(stage.pixels[row] for row in members) / SMALL
    rows = stage.embeddings[list(members)]
    near = np.round(rows @ rows.sum(axis=0), MIDDLE_DECIMALS)
    small = [stage.pixels[row] < enough for row in members]
    return [members[place] for place in np.lexsort((-near, small))]


def attach(stage: Stage, members: Sequence[int], levels: Mapping[int, int], stars: Stars) -> None:
    """Find each row's witness among those that stay before it: sources first, then the nearest.

    Args:
        members: rows of one set, the one most worth keeping first.
        levels: of `levels_of`.
    """
    kept: list[int] = []
    for row in members:
        partial: dict[Pair, Relation] = {}
        may_go = [] if row in stage.fixed else [other for other in kept if stage.may_pair(row, other)]
        nearest = sorted(stage.nearest(row, may_go), key=levels.__getitem__)
        for witness in nearest[:WITNESSES_TRIED]:
            relation = stage.relation(row, witness)
            if (min(row, witness), max(row, witness)) in stage.same:
                stars.witness[row] = (witness, relation)
                break
            if relation is None:
                continue
            if covers(relation) and not stage.prover.holds_more(row, witness):
                stars.witness[row] = (witness, relation)
                break
            partial[row, witness] = relation
        else:
            kept.append(row)
            stars.partial.update(partial)


def form_stars(
    stage: Stage,
    sets: Sequence[Sequence[int]],
    in_keep_order: Callable[[Mapping[int, int]], Sequence[int]],
    progress: Progress = SILENT,
) -> Stars:
    """Stars of all sets.

    Args:
        sets: rows joined by proofs.
        in_keep_order: orders all rows of the sets by their levels, the most worth keeping first.
    """
    progress.start("grouping", 2 * sum(map(len, sets)))  # each image is gone through twice
    levels: dict[int, int] = {}

    def find_levels(members: Sequence[int]) -> None:
        levels.update(levels_of(stage, members))
        progress.advance(len(members))

    every = [row for members in sets for row in members]
    would_stay = {row: place for place, row in enumerate(in_keep_order(dict.fromkeys(every, 0)))}
    stage.prover.each(find_levels, [sorted(members, key=would_stay.__getitem__) for members in sets])
    rank = {row: place for place, row in enumerate(in_keep_order(levels))}
    stars = Stars()

    def find_witnesses(members: Sequence[int]) -> None:
        attach(stage, sorted(members, key=rank.__getitem__), levels, stars)
        progress.advance(len(members))

    stage.prover.each(find_witnesses, sets)
    progress.finish()
    return stars
