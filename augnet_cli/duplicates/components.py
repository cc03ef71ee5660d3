"""Sets of rows that are joined, one pair at a time (Tarjan, "Efficiency of a Good But Not Linear Set Union
Algorithm", 1975)."""

from __future__ import annotations


class Components:
    """Every row is alone at first."""

    def __init__(self, rows: int) -> None:
        self._above = list(range(rows))

    def root(self, row: int) -> int:
        """The row that stands for the set that `row` is in."""
        above = self._above
        while above[row] != row:
            above[row] = above[above[row]]
            row = above[row]
        return row

    def joined(self, one: int, other: int) -> bool:
        return self.root(one) == self.root(other)

    def join(self, one: int, other: int) -> bool:
        """Join two rows' sets; whether they were two."""
        one, other = sorted((self.root(one), self.root(other)))
        self._above[other] = one
        return one != other

    def sets(self) -> list[list[int]]:
        """The sets of two and more rows, each in order, by their first row."""
        found: dict[int, list[int]] = {}
        for row, above in enumerate(self._above):
            if row != above:  # nearly all rows are alone
                found.setdefault(self.root(row), []).append(row)
        return [[first, *found[first]] for first in sorted(found)]
