"""Which images are joined by proofs: the most promising candidates are tried, as long as that pays.

Two images that proofs of other pairs have joined already need none of their own here; what they are to each
other is looked at when groups are formed.  So a picture with twenty copies costs some twenty proofs, not two
hundred.
Small parts of a picture lie far from it, among many others.  But where several copies of one picture are
known, several of them are candidates of such a part: sets with several candidates between them are tried
last, by the best one.
Candidates are tried in rounds of fixed size, so that the outcome depends on neither threads nor file names.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from augnet_cli.duplicates.candidates import Candidates
from augnet_cli.duplicates.components import Components
from augnet_cli.geometry.proof import Finding
from augnet_cli.progress import SILENT, Progress

Pair = tuple[int, int]

ROUND = 64  # candidates that are tried at once
TAKEN = 4096  # candidates turned into Python's numbers at once
# Within this distance all candidates are tried: half of them are copies even in a folder of few.
NEAR = 0.2
# Farther out, so many in succession without enough proofs among them end the search.
PATIENCE = 160
LEAST_YIELD = 0.1
# So many are tried in any case: a second, in which a small folder is searched nearly wholly.  With half as
# many again, two more of two hundred copies were found in a folder where 5 % are copies, for a sixth of the
# time.
FREE_TRIES = 320
# Candidates between two sets that make them worth a try; these are harder to find, so it ends only when of so
# many in succession none is a proof.
VOTES = 4
PATIENCE_OF_VOTES = 64


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
    search = _Search(found, rows, prove, progress)
    for one, other in joined:
        search.components.join(one, other)
    progress.start("verifying", None, "pairs")  # how many it will take is not known before
    given_up = search.in_order(found.order)
    search.by_votes(given_up)
    progress.finish()
    return Links(search.components, tuple(search.proved))


class _Queue:
    """Places in the order in which they are to be tried; only the first of them as Python's numbers."""

    def __init__(self, places: np.ndarray) -> None:
        self._first: deque[int] = deque()
        self._rest = places

    def __bool__(self) -> bool:
        return bool(self._first) or len(self._rest) > 0

    def take(self) -> int:
        if not self._first:
            self._first.extend(self._rest[:TAKEN].tolist())
            self._rest = self._rest[TAKEN:]
        return self._first.popleft()

    def put_back(self, places: Sequence[int]) -> None:
        """They come first again, in that order."""
        self._first.extendleft(reversed(places))

    def left(self) -> np.ndarray:
        """All that were not taken."""
        return np.concatenate([np.array(self._first, np.int64), self._rest])


class _Search:
    """Candidates by place, what was proved of them, and the sets that follow."""

    def __init__(
        self,
        found: Candidates,
        rows: int,
        prove: Callable[[Sequence[Pair]], Sequence[Finding]],
        progress: Progress,
    ) -> None:
        self.components = Components(rows)
        self.proved: list[Pair] = []
        self._prove = prove
        self._progress = progress
        self._pairs, self._rows = found.pairs, rows

    def in_order(self, order: np.ndarray) -> np.ndarray:
        """Try the candidates at these places, the most promising first; returns those given up."""
        waiting = _Queue(order)
        recent: deque[bool] = deque(maxlen=PATIENCE)
        given_up = [np.empty(0, np.int64)]
        tries = 0
        while waiting:
            chosen = self._round(waiting)
            for place, is_same in zip(chosen, self._try(chosen), strict=True):
                if float(self._pairs.distance[place]) > NEAR:
                    recent.append(is_same)
            tries += len(chosen)
            is_poor = len(recent) == PATIENCE and sum(recent) < LEAST_YIELD * PATIENCE
            if is_poor and tries >= FREE_TRIES:
                left = waiting.left()
                is_far = self._pairs.distance[left].astype(np.float64) > NEAR
                given_up.append(left[is_far])
                waiting = _Queue(left[~is_far])
                recent.clear()
        return np.concatenate(given_up)

    def by_votes(self, places: np.ndarray) -> None:
        """Try the best candidate between each two sets that have several, as long as that pays.

        Args:
            places: of candidates, the most promising first.
        """
        roots = np.array([self.components.root(row) for row in range(self._rows)])
        one, other = roots[self._pairs.left[places]], roots[self._pairs.right[places]]
        between = np.minimum(one, other) * self._rows + np.maximum(one, other)
        _, first, votes = np.unique(between, return_index=True, return_counts=True)
        worth = np.sort(first[(votes >= VOTES) & (one != other)[first]])  # as their best ones came
        waiting = _Queue(places[worth])
        vain = 0  # tries since the last proof
        while waiting and vain < PATIENCE_OF_VOTES:
            for is_same in self._try(self._round(waiting)):
                vain = 0 if is_same else vain + 1

    def _try(self, places: Sequence[int]) -> list[bool]:
        pairs = [self._pair(place) for place in places]
        found = [finding.is_same for finding in self._prove(pairs)]
        for pair, is_same in zip(pairs, found, strict=True):
            if is_same:
                self.components.join(*pair)
                self.proved.append(pair)
        self._progress.advance(len(places))
        return found

    def _pair(self, place: int) -> Pair:
        return int(self._pairs.left[place]), int(self._pairs.right[place])

    def _sets(self, place: int) -> Pair:
        one, other = self._pair(place)
        return self.components.root(one), self.components.root(other)

    def _round(self, waiting: _Queue) -> list[int]:
        """Take up to ROUND candidates that would each join two sets; those that need no proof are dropped.

        One that another of this round may make needless waits for the next.
        """
        chosen: list[int] = []
        deferred: list[int] = []
        above: dict[int, int] = {}

        def root(row: int) -> int:
            while row in above:
                row = above[row]
            return row

        while waiting and len(chosen) < ROUND and len(deferred) < ROUND:
            place = waiting.take()
            one, other = self._sets(place)
            if one == other:
                continue
            one, other = root(one), root(other)
            if one == other:
                deferred.append(place)
                continue
            above[other] = one
            chosen.append(place)
        waiting.put_back(deferred)
        return chosen
