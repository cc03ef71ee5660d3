"""From images to groups that geometry proves: candidates, links, stars, and what stays open.

Works on rows: one a distinct content, in an order that does not depend on file names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from augnet_cli.duplicates.candidates import Candidates, candidates
from augnet_cli.duplicates.components import Components
from augnet_cli.duplicates.linking import link
from augnet_cli.duplicates.prover import Pair
from augnet_cli.duplicates.stars import Stage, Stars, anyone, form_stars
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Pairs
from augnet_cli.search.distance import distances_between

Block = tuple[np.ndarray, np.ndarray]  # rows, and those among which their neighbours are
Find = Callable[[np.ndarray, float | None, Sequence[Block] | None], Candidates]


@dataclass(frozen=True)
class Verified:
    """What rows are to each other.

    Attributes:
        stars: who may go for whom, and which are parts of each other.
        unproved: pairs of rows that stay, near enough to be suspected, that nothing proves.
        scenes: sets of rows that show one scene, in order.
    """

    stars: Stars
    unproved: Pairs
    scenes: tuple[tuple[int, ...], ...]

    @property
    def rows(self) -> set[int]:
        """All rows that it speaks of."""
        rows = {row for scene in self.scenes for row in scene}
        rows.update(self.unproved.left.tolist(), self.unproved.right.tolist())
        for row, (witness, _) in self.stars.witness.items():
            rows |= {row, witness}
        for pair in self.stars.partial:
            rows.update(pair)
        return rows


def verify(
    stage: Stage,
    in_keep_order: Callable[[Mapping[int, int]], Sequence[int]],
    threshold: float | None,
    suspicious: float,
    progress: Progress = SILENT,
    blocks: Sequence[Block] | None = None,
    find: Find = candidates,
) -> Verified:
    """Find out which rows show the same picture.

    Args:
        in_keep_order: orders rows by their levels, as `stars.form_stars` wants it.
        threshold: pairs farther apart are no candidates; None takes the nearest k and a wide radius.
        suspicious: cosine distance at or under which a pair that nothing proves is told of.
        blocks: as `candidates` takes them.
        find: finds the candidates, as `candidates` does.
    """
    joined = join(stage, threshold, progress, blocks, find)
    stage = joined.stage
    stars = form_stars(stage, joined.sets, in_keep_order, progress)
    scenes = _scenes(joined.candidates, stage, stars)
    return Verified(stars, _unproved(joined.candidates, stage, stars, suspicious), scenes)


@dataclass(frozen=True)
class Joined:
    """Candidates, the sets of rows that proofs joined, and the stage that knows how."""

    stage: Stage
    candidates: Pairs
    sets: list[list[int]]


def join(
    stage: Stage,
    threshold: float | None,
    progress: Progress = SILENT,
    blocks: Sequence[Block] | None = None,
    find: Find = candidates,
) -> Joined:
    """Find candidates among the rows and join those that are the same picture; arguments as in `verify`."""
    found = _permitted(stage, find(stage.embeddings, threshold, blocks))
    linked = link(found, len(stage.embeddings), stage.prover.findings, stage.same, progress)
    return Joined(replace(stage, links=_neighbours(linked.proved)), found.pairs, linked.components.sets())


def _neighbours(proved: Sequence[Pair]) -> dict[int, list[int]]:
    links: dict[int, list[int]] = {}
    for one, other in proved:
        links.setdefault(one, []).append(other)
        links.setdefault(other, []).append(one)
    return links


def _permitted(stage: Stage, found: Candidates) -> Candidates:
    """Without pairs that may not be, or were decided to be different."""
    if not stage.apart and stage.may_pair is anyone:
        return found
    pairs = list(zip(found.pairs.left.tolist(), found.pairs.right.tolist(), strict=True))
    good = np.array([pair not in stage.apart and stage.may_pair(*pair) for pair in pairs], bool)
    places = np.cumsum(good) - 1
    kept = Pairs(found.pairs.left[good], found.pairs.right[good], found.pairs.distance[good])
    return Candidates(kept, places[found.order[good[found.order]]])


def _scenes(pairs: Pairs, stage: Stage, stars: Stars) -> tuple[tuple[int, ...], ...]:
    """Sets joined by findings of a scene; what may go is left out."""
    joined = Components(len(stage.embeddings))
    related = np.flatnonzero(stage.prover.scenes(pairs.left, pairs.right))
    for one, other in zip(pairs.left[related].tolist(), pairs.right[related].tolist(), strict=True):
        if one not in stars.witness and other not in stars.witness:
            joined.join(one, other)
    return tuple(tuple(rows) for rows in joined.sets())


def _unproved(pairs: Pairs, stage: Stage, stars: Stars, suspicious: float) -> Pairs:
    """Pairs within the distance, both of which stay, that are neither parts of each other nor of a scene."""
    chosen = []
    for place in np.flatnonzero(pairs.distance <= suspicious).tolist():
        one, other = int(pairs.left[place]), int(pairs.right[place])
        parts = (one, other) in stars.partial or (other, one) in stars.partial
        gone = one in stars.witness or other in stars.witness
        if not (gone or parts or stage.prover.is_scene(one, other)):
            chosen.append(place)
    return Pairs(pairs.left[chosen], pairs.right[chosen], pairs.distance[chosen])


def distance_of(stage: Stage, one: int, other: int) -> float:
    """Cosine distance of two rows, in [0, 2]."""
    left, right = np.array([one]), np.array([other])
    return float(distances_between(stage.embeddings, left, stage.embeddings, right)[0])
