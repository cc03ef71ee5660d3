"""Proofs for rows of which several may hold one content: each pair of contents is proved once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from augnet_cli.duplicates.prover import DIRECT, Pair
from augnet_cli.geometry.differences import NOTHING_SEEN
from augnet_cli.geometry.proof import SAME, Finding
from augnet_cli.geometry.relation import Relation

SAME_BYTES = Finding(SAME, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (0.0, 0.0), share=1.0, median=1.0)
NO_DIFFERENCE = Relation(SAME_BYTES, NOTHING_SEEN, None, None, scale=1.0, identical=True)


class Proofs(Protocol):
    """What rows' pictures are to each other; `prover.Prover` says what each answer means."""

    def findings(self, pairs: Sequence[Pair]) -> list[Finding]: ...

    def each(self, work: Callable[[Sequence[int]], None], sets: Sequence[Sequence[int]]) -> None: ...

    def finding(self, one: int, other: int, stone: int = DIRECT) -> Finding: ...

    def relation(self, one: int, other: int, stone: int = DIRECT) -> Relation | None: ...

    def is_enlarged(self, large: int, small: int) -> bool: ...

    def holds_more(self, row: int, other: int) -> bool: ...

    def is_scene(self, one: int, other: int) -> bool: ...

    def scenes(self, left: np.ndarray, right: np.ndarray) -> np.ndarray: ...


class Twins:
    """Answers for rows with what a prover finds of contents; rows of one content are the same picture.

    Args:
        prover: knows contents by number.
        numbers: of each row the number of its content, ascending.
    """

    def __init__(self, prover: Proofs, numbers: Sequence[int]) -> None:
        self._prover = prover
        self._numbers = numbers

    def findings(self, pairs: Sequence[Pair]) -> list[Finding]:
        numbers = [(self._numbers[one], self._numbers[other]) for one, other in pairs]
        unlike = list(dict.fromkeys((min(pair), max(pair)) for pair in numbers if pair[0] != pair[1]))
        self._prover.findings(unlike)  # on the threads; below each is only looked up
        return [self.finding(*pair) for pair in pairs]

    def each(self, work: Callable[[Sequence[int]], None], sets: Sequence[Sequence[int]]) -> None:
        self._prover.each(work, sets)

    def finding(self, one: int, other: int, stone: int = DIRECT) -> Finding:
        first, second = self._numbers[one], self._numbers[other]
        return (
            SAME_BYTES
            if first == second
            else self._prover.finding(first, second, self._stone(one, other, stone))
        )

    def relation(self, one: int, other: int, stone: int = DIRECT) -> Relation | None:
        first, second = self._numbers[one], self._numbers[other]
        if first == second:
            return NO_DIFFERENCE
        return self._prover.relation(first, second, self._stone(one, other, stone))

    def is_enlarged(self, large: int, small: int) -> bool:
        first, second = self._numbers[large], self._numbers[small]
        return first != second and self._prover.is_enlarged(first, second)

    def holds_more(self, row: int, other: int) -> bool:
        first, second = self._numbers[row], self._numbers[other]
        return first != second and self._prover.holds_more(first, second)

    def is_scene(self, one: int, other: int) -> bool:
        first, second = self._numbers[one], self._numbers[other]
        return first != second and self._prover.is_scene(first, second)

    def scenes(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        first, second = np.take(self._numbers, left), np.take(self._numbers, right)
        related = first != second
        related[related] = self._prover.scenes(first[related], second[related])
        return related

    def _stone(self, one: int, other: int, stone: int) -> int:
        """A third content; a twin of either end is no third."""
        if stone == DIRECT or self._numbers[stone] in (self._numbers[one], self._numbers[other]):
            return DIRECT
        return self._numbers[stone]
