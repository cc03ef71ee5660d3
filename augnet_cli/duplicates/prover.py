"""Proofs on demand, each made once: sketches are read when first needed, findings remembered between runs.

Sketches of the images used last stay in memory; what two contents are to each other goes to the store, which is
a thousandth of the size of what it was found by.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

import numpy as np

from augnet_cli.geometry.proof import OTHER, SCENE, Finding, prove, prove_near
from augnet_cli.geometry.relation import Relation, relate
from augnet_cli.geometry.sketch import Sketch

Pair = tuple[int, int]

# Sketches in memory: at about 250 kB, half a gigabyte.
SKETCHES = 2000
UNKNOWN = Finding(OTHER)


class Prover:
    """Finds out what rows' pictures are to each other, on several threads.

    `read` gives a row's sketch, or None where the file can't be read any more; `known` are findings of an
    earlier run by (left, right), left < right, and `new` those of this one.
    """

    def __init__(
        self, read: Callable[[int], Sketch | None], known: dict[Pair, Finding], workers: int
    ) -> None:
        import cv2
        from threadpoolctl import threadpool_limits

        # Their own threads would only fight with these.
        cv2.setNumThreads(1)
        self._limits = threadpool_limits(1)
        self._read = read
        self._known = known
        self.new: dict[Pair, Finding] = {}
        self._relations: dict[Pair, Relation | None] = {}
        self._sketches: OrderedDict[int, Sketch | None] = OrderedDict()
        self._lock = threading.Lock()
        self._same: dict[int, set[int]] = {}
        for pair, found in known.items():
            self._note(pair, found)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="augnet-prove")

    def __enter__(self) -> Prover:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._limits.restore_original_limits()

    def findings(self, pairs: Sequence[Pair]) -> list[Finding]:
        """What pairs of rows, left < right, are to each other."""
        return list(self._pool.map(self._finding, pairs))

    def each(self, work: Callable[[Sequence[int]], None], sets: Sequence[Sequence[int]]) -> None:
        """Run `work` for each set of rows on the threads; what it asks of this prover is answered there."""
        for _ in self._pool.map(work, sets):
            pass

    def finding(self, one: int, other: int) -> Finding:
        """What `one` is to `other`."""
        if one < other:
            return self._finding((one, other))
        return self._finding((other, one)).reversed()

    def known(self, one: int, other: int, what: str) -> bool:
        """Whether a finding that was already made says `what`."""
        found = self._known.get((min(one, other), max(one, other)))
        return found is not None and found.what == what

    def same_as(self, row: int) -> list[int]:
        """Rows that were found to be the same picture."""
        with self._lock:
            return sorted(self._same.get(row, ()))

    def by_way_of(self, one: int, middle: int, other: int) -> Finding:
        """What `one` is to `other`, both being the same as `middle`: its place follows from both others'."""
        before, after = self.finding(one, middle), self.finding(middle, other)
        first, second = self._sketch(one), self._sketch(other)
        if first is None or second is None or not (before.is_same and after.is_same):
            return UNKNOWN
        whole = after.transform @ np.vstack([before.transform, [0, 0, 1]])
        found = _in_time(prove_near(first, second, whole), first, second)
        if found.is_same:
            self._remember(
                (one, other) if one < other else (other, one), found if one < other else found.reversed()
            )
        return found

    def relation(self, one: int, other: int) -> Relation | None:
        """How `one` lies in `other` and differs from it; None where they are not the same."""
        pair = (min(one, other), max(one, other))
        if pair not in self._relations:
            self._relations[pair] = self._related(pair)
        relation = self._relations[pair]
        return relation if relation is None or one < other else relation.reversed()

    def sketch(self, row: int) -> Sketch | None:
        return self._sketch(row)

    def _related(self, pair: Pair) -> Relation | None:
        finding = self._finding(pair)
        first, second = self._sketch(pair[0]), self._sketch(pair[1])
        if not finding.is_same or first is None or second is None:
            return None
        relation = relate(first, second, finding)
        if relation is None:
            self._remember(pair, Finding(SCENE, finding.matrix, finding.lacking))
        return relation

    def _finding(self, pair: Pair) -> Finding:
        found = self._known.get(pair)
        if found is None:
            first, second = self._sketch(pair[0]), self._sketch(pair[1])
            if first is None or second is None:
                return UNKNOWN
            found = _in_time(prove(first, second), first, second)
            self._remember(pair, found)
        return found

    def _remember(self, pair: Pair, found: Finding) -> None:
        with self._lock:
            self._known[pair] = found
            self.new[pair] = found
            self._note(pair, found)

    def _note(self, pair: Pair, found: Finding) -> None:
        if found.is_same:
            for one, other in (pair, pair[::-1]):
                self._same.setdefault(one, set()).add(other)

    def _sketch(self, row: int) -> Sketch | None:
        with self._lock:
            if row in self._sketches:
                self._sketches.move_to_end(row)
                return self._sketches[row]
        sketch = self._read(row)
        with self._lock:
            self._sketches[row] = sketch
            while len(self._sketches) > SKETCHES:
                self._sketches.popitem(last=False)
        return sketch


def _in_time(found: Finding, first: Sketch, second: Sketch) -> Finding:
    """Photos that a camera dated differently are two photos, however alike: the next of a burst."""
    times = first.taken_at, second.taken_at
    if found.is_same and None not in times and times[0] != times[1]:
        return Finding(SCENE, found.matrix, found.lacking)
    return found
