"""Which images are joined by proofs: the most promising candidates are tried, as long as that pays.

Two images that proofs of other pairs have joined already need none of their own here; what they are to each other
is looked at when groups are formed.  So a picture with twenty copies costs some twenty proofs, not two hundred.
Candidates are tried in rounds of fixed size, so that the outcome depends neither on threads nor on file names.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from augnet_cli.duplicates.candidates import Candidates
from augnet_cli.duplicates.components import Components
from augnet_cli.geometry.proof import Finding
from augnet_cli.progress import SILENT, Progress

Pair = tuple[int, int]

ROUND = 64  # candidates that are tried at once
# Within this distance all candidates are tried: half of them are copies even in a folder of few.
NEAR = 0.2
# Farther out, so many in succession without enough proofs among them end the search.
PATIENCE = 256
LEAST_YIELD = 0.02


@dataclass(frozen=True)
class Links:
    """Sets of rows, and the pairs that proofs joined."""

    components: Components
    proved: tuple[Pair, ...]


def link(
    found: Candidates,
    rows: int,
    prove: Callable[[Sequence[Pair]], Sequence[Finding]],
    joined: Iterable[Pair] = (),
    progress: Progress = SILENT,
) -> Links:
    """Join rows that are the same picture.

    Args:
        found: candidates among `rows` rows, without those decided to be different.
        prove: what pairs (left < right) of rows are to each other.
        joined: pairs that need no proof.
    """
    components = Components(rows)
    proved: list[Pair] = []
    for one, other in joined:
        components.join(one, other)
    left, right = found.pairs.left.tolist(), found.pairs.right.tolist()
    distance = found.pairs.distance.tolist()
    waiting = deque(found.order.tolist())
    recent: deque[bool] = deque(maxlen=PATIENCE)
    progress.start("verifying", len(waiting))
    while waiting:
        chosen, passed = _round(waiting, left, right, components)
        progress.advance(passed)
        pairs = [(left[place], right[place]) for place in chosen]
        for pair, place, finding in zip(pairs, chosen, prove(pairs), strict=True):
            if distance[place] > NEAR:
                recent.append(finding.is_same)
            if finding.is_same:
                components.join(*pair)
                proved.append(pair)
        progress.advance(len(chosen))
        if len(recent) == PATIENCE and sum(recent) < LEAST_YIELD * PATIENCE:
            waiting = deque(place for place in waiting if distance[place] <= NEAR)
            recent.clear()
    progress.finish()
    return Links(components, tuple(proved))


def _round(
    waiting: deque[int], left: Sequence[int], right: Sequence[int], components: Components
) -> tuple[list[int], int]:
    """Take up to ROUND candidates that would each join two sets, and how many need no proof any more.

    One that another of this round may make needless waits for the next.
    """
    chosen: list[int] = []
    deferred: list[int] = []
    passed = 0
    above: dict[int, int] = {}

    def root(row: int) -> int:
        row = components.root(row)
        while row in above:
            row = above[row]
        return row

    while waiting and len(chosen) < ROUND and len(deferred) < ROUND:
        place = waiting.popleft()
        if components.joined(left[place], right[place]):
            passed += 1
            continue
        one, other = root(left[place]), root(right[place])
        if one == other:
            deferred.append(place)
            continue
        above[other] = one
        chosen.append(place)
    waiting.extendleft(reversed(deferred))
    return chosen, passed
