"""Proofs on demand, each made once: sketches are read when first needed, what was found is remembered.

Sketches of the images used last stay in memory; what two contents are to each other goes to the store, which
is a thousandth of the size of what it was found by.  What is remembered decides nothing that would come out
otherwise without it: a proof by way of a third picture is remembered as just that.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Protocol

import numpy as np

from augnet_cli.geometry.detail import is_enlarged
from augnet_cli.geometry.proof import OTHER, SCENE, Finding, prove, prove_near
from augnet_cli.geometry.relation import Relation, relate
from augnet_cli.geometry.sketch import Sketch
from augnet_cli.images.beyond import FRAMES, NOTHING
from augnet_cli.images.exif import is_another_moment

Pair = tuple[int, int]

# Sketches in memory: at about 150 kB, 600 MB.
SKETCHES = 4000
UNKNOWN = Finding(OTHER)
DIRECT = -1  # in place of a third row, where there is none
# Sketches of identical pixels differ by what decoding at a reduced scale does, in levels on average.
SKETCH_LEVELS = 0.75
DRAFTED_LEVELS = 6.0  # where one of them alone is decoded at a reduced scale


class Pictures(Protocol):
    """Reads pictures of rows; None where that can't be done any more.

    `kind` is the format of the file, `beyond` what it holds beside the picture (`images.beyond`).
    """

    def read(self, row: int) -> Sketch | None: ...

    def colours(self, row: int) -> np.ndarray | None: ...

    def whole(self, row: int) -> np.ndarray | None: ...

    def kind(self, row: int) -> str: ...

    def beyond(self, row: int) -> frozenset[str] | None: ...


@dataclass(frozen=True, order=True)
class Way:
    """Two rows, `one` < `other`, and a third by way of which they are compared, or DIRECT."""

    one: int
    other: int
    stone: int = DIRECT


@dataclass
class Memory:
    """What was found: of each way the finding; of those that are the same how they differ, None where they
    are two photos of one scene; of pairs whether the first is an enlargement of the second; of rows what
    their files hold beyond the picture."""

    findings: dict[Way, Finding] = field(default_factory=dict)
    relations: dict[Way, Relation | None] = field(default_factory=dict)
    enlarged: dict[Pair, bool] = field(default_factory=dict)
    beyond: dict[int, frozenset[str]] = field(default_factory=dict)


class Prover:
    """Finds out what rows' pictures are to each other, on several threads.

    `known` is from earlier runs; `new` is what this one added to it.
    """

    def __init__(self, pictures: Pictures, known: Memory, workers: int) -> None:
        import cv2
        from threadpoolctl import threadpool_limits

        # Their own threads would only fight with these.
        cv2.setNumThreads(1)
        self._limits = threadpool_limits(1)
        self._pictures = pictures
        self._known = known
        self.new = Memory()
        self._sketches: OrderedDict[int, Sketch | None] = OrderedDict()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="augnet-prove")

    def __enter__(self) -> Prover:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._limits.restore_original_limits()

    def findings(self, pairs: Sequence[Pair]) -> list[Finding]:
        """What pairs of rows are to each other."""
        # What is known is not worth a thread's turn.
        found = {pair: known for pair in pairs if (known := self._known.findings.get(Way(*pair))) is not None}
        new = [pair for pair in pairs if pair not in found]
        found.update(zip(new, self._pool.map(lambda pair: self.finding(*pair), new), strict=True))
        return [found[pair] for pair in pairs]

    def each(self, work: Callable[[Sequence[int]], None], sets: Sequence[Sequence[int]]) -> None:
        """Run `work` for each set of rows on the threads; what it asks of this prover is answered there."""
        for _ in self._pool.map(work, sets):
            pass

    def finding(self, one: int, other: int, stone: int = DIRECT) -> Finding:
        """What `one` is to `other`, looked at directly or by way of a third row that both are the same as."""
        if one > other:
            return self.finding(other, one, stone).reversed()
        way = Way(one, other, stone)
        found = self._known.findings.get(way)
        if found is None:
            found = self._found(way)
            if found is UNKNOWN:  # a file can't be read now; another time it may
                return found
            with self._lock:
                self._known.findings[way] = self.new.findings[way] = found
        return found

    def relation(self, one: int, other: int, stone: int = DIRECT) -> Relation | None:
        """How `one` lies in `other` and differs from it, found to be the same in that way; None where a
        closer look says that they are two photos of one scene."""
        if one > other:
            relation = self.relation(other, one, stone)
            return None if relation is None else relation.reversed()
        way = Way(one, other, stone)
        if way not in self._known.relations:
            if None in (self._sketch(way.one), self._sketch(way.other)):
                return None
            relation = self._related(way)
            with self._lock:
                self._known.relations[way] = self.new.relations[way] = relation
        return self._known.relations[way]

    def is_enlarged(self, large: int, small: int) -> bool:
        """Whether `large` shows no more than `small`, which has fewer pixels of the same."""
        pair = (large, small)
        if pair not in self._known.enlarged:
            one, other = self._pictures.whole(large), self._pictures.whole(small)
            if one is None or other is None:
                return False
            answer = is_enlarged(one, other)
            with self._lock:
                self._known.enlarged[pair] = self.new.enlarged[pair] = answer
        return self._known.enlarged[pair]

    def holds_more(self, row: int, other: int) -> bool:
        """Whether the file of `row` holds what a picture of the first frame, laid over white, does not show
        and the file of `other` lacks; where either can't be told, it does."""
        own = self._beyond(row)
        if own is None or FRAMES in own:
            return True
        return bool(own) and not own <= (self._beyond(other) or NOTHING)

    def _beyond(self, row: int) -> frozenset[str] | None:
        known = self._known.beyond.get(row)
        if known is None:
            known = self._pictures.beyond(row)
            if known is not None:
                with self._lock:
                    self._known.beyond[row] = self.new.beyond[row] = known
        return known

    def is_scene(self, one: int, other: int) -> bool:
        """Whether something that was found already says that both are photos of one scene."""
        way = Way(min(one, other), max(one, other))
        found = self._known.findings.get(way)
        if found is None or found.what == OTHER:
            return False
        return found.what == SCENE or (found.is_same and self._known.relations.get(way, True) is None)

    def scenes(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """(p,) bool: `is_scene` of pairs of rows (p,), of which few were ever looked at."""
        with self._lock:
            looked_at = [way for way in self._known.findings if way.stone == DIRECT]
        met = np.array(
            [(way.one, way.other) for way in looked_at if self.is_scene(way.one, way.other)], np.int64
        )
        rows = max(int(np.max(part, initial=0)) for part in (left, right, met)) + 1
        one, other = met.reshape(-1, 2).T
        return np.isin(np.minimum(left, right) * rows + np.maximum(left, right), one * rows + other)

    def _found(self, way: Way) -> Finding:
        first, second = self._sketch(way.one), self._sketch(way.other)
        if first is None or second is None:
            return UNKNOWN
        if way.stone == DIRECT:
            return _in_time(prove(first, second), first, second)
        before, after = self.finding(way.one, way.stone), self.finding(way.stone, way.other)
        if not (before.is_same and after.is_same):
            return UNKNOWN
        whole = after.transform @ np.vstack([before.transform, [0, 0, 1]])
        return _in_time(prove_near(first, second, whole), first, second)

    def _related(self, way: Way) -> Relation | None:
        first, second = self._sketch(way.one), self._sketch(way.other)
        if first is None or second is None:
            return None
        finding, identical = self.finding(way.one, way.other, way.stone), self._have_same_pixels(way)
        return relate(first, second, finding, identical)

    def _have_same_pixels(self, way: Way) -> bool:
        first, second = self._sketch(way.one), self._sketch(way.other)
        if first is None or second is None:
            return False
        if (first.width, first.height) != (second.width, second.height):
            return False
        alike = self._pictures.kind(way.one) == self._pictures.kind(way.other)
        levels = SKETCH_LEVELS if alike else DRAFTED_LEVELS
        if np.abs(first.colour.astype(np.int16) - second.colour).mean() > levels:
            return False
        one, other = self._pictures.colours(way.one), self._pictures.colours(way.other)
        return one is not None and other is not None and np.array_equal(one, other)

    def _sketch(self, row: int) -> Sketch | None:
        with self._lock:
            if row in self._sketches:
                self._sketches.move_to_end(row)
                return self._sketches[row]
        sketch = self._pictures.read(row)
        with self._lock:
            self._sketches[row] = sketch
            while len(self._sketches) > SKETCHES:
                self._sketches.popitem(last=False)
        return sketch


def _in_time(found: Finding, first: Sketch, second: Sketch) -> Finding:
    """Photos that a camera dated differently are two photos, however alike: the next of a burst."""
    if found.is_same and is_another_moment(first.taken_at, second.taken_at):
        return replace(found, what=SCENE)
    return found
