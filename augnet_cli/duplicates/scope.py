"""Which images may be a pair: all of a folder, or only those on certain sides.

A side is a name for where an image lies: below a reference or not, in one of two folders, in a directory.
A content that lies on two sides is two rows, one a side, at distance 0: each side can be asked for its own.
Letters: m rows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

Side = str
EVERYWHERE: Side = ""  # the side of every image where there are no others


@dataclass(frozen=True)
class Scope:
    """What may be a pair, by sides.

    Attributes:
        inside: whether two images of one side may be.
        across: whether two images of different sides may be.
        fixed: sides whose images always stay: they are witnesses, and no pairs of their own.
    """

    inside: bool = True
    across: bool = True
    fixed: frozenset[Side] = frozenset()

    def may_pair(self, one: Side, other: Side) -> bool:
        """Whether images of these two sides may be a pair."""
        if one in self.fixed and other in self.fixed:
            return False
        return self.inside if one == other else self.across


WHOLE = Scope()


@dataclass(frozen=True)
class Rows:
    """The rows of a search, in order of content, then side.

    Attributes:
        contents: (m,) content hash of each.
        sides: (m,) side of each.
    """

    contents: Sequence[str]
    sides: Sequence[Side]
    scope: Scope = WHOLE

    def may_pair(self, one: int, other: int) -> bool:
        """Whether two rows may be a pair."""
        return self.scope.may_pair(self.sides[one], self.sides[other])

    def may_be_copies(self, row: int) -> bool:
        """Whether files of one row, which hold the same bytes, may go for each other."""
        return self.may_pair(row, row)

    @cached_property
    def fixed(self) -> frozenset[int]:
        """Rows that always stay."""
        if not self.scope.fixed:
            return frozenset()
        return frozenset(row for row, side in enumerate(self.sides) if side in self.scope.fixed)

    @cached_property
    def numbers(self) -> np.ndarray:
        """(m,) int64, the number of each row's content: contents are counted in order."""
        pairs = pairwise(self.contents)
        new = np.fromiter((one != other for one, other in pairs), np.int64, max(0, len(self.contents) - 1))
        return np.concatenate([np.zeros(min(1, len(self.contents)), np.int64), np.cumsum(new)])

    @property
    def have_twins(self) -> bool:
        """Whether a content lies on several sides."""
        return len(self.contents) > 0 and int(self.numbers[-1]) + 1 < len(self.contents)

    @property
    def distinct(self) -> Sequence[str]:
        """The contents in order, by number."""
        return list(dict.fromkeys(self.contents)) if self.have_twins else self.contents

    def rows_of(self, contents: Collection[str]) -> dict[str, list[int]]:
        """The rows of some contents; those that no row has are left out."""
        rows: dict[str, list[int]] = {}
        for row, content in enumerate(self.contents):
            if content in contents:
                rows.setdefault(content, []).append(row)
        return rows

    def blocks(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Rows of each side, and those that may pair with them; a side that pairs with none is left out."""
        by_side: dict[Side, list[int]] = {}
        for row, side in enumerate(self.sides):
            by_side.setdefault(side, []).append(row)
        found = []
        for side, own in by_side.items():
            # Only within a side there may be thousands of them, and each is alone.
            others = by_side if self.scope.across else {side: own}
            rows = [row for other in others if self.scope.may_pair(side, other) for row in by_side[other]]
            if rows:
                found.append((np.array(own, np.int64), np.array(sorted(rows), np.int64)))
        return found


def is_below(path: str, folder: str) -> bool:
    """Whether a file lies below a folder; both relative to one place, or absolute; "" is the place."""
    if not folder:
        return not is_absolute(path)
    return path.startswith(folder.rstrip("/") + "/")


def is_absolute(path: str) -> bool:
    """Whether a path of a record is absolute: the image lies outside of the folder."""
    return path.startswith("/") or path[1:3] == ":/"


def side_of(path: str, folders: Sequence[tuple[str, Side]]) -> Side | None:
    """The side of the first of the folders that a file is below, or None."""
    return next((side for folder, side in folders if is_below(path, folder)), None)


def directory_of(path: str) -> Side:
    """The side of an image where each directory is one."""
    return path.rpartition("/")[0]
