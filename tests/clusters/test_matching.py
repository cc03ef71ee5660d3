"""Numbers that stay: by what clusters share, against all assignments there are."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from augnet_cli.clusters.matching import by_size, renumbered

LABELS = st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 3)), min_size=1, max_size=30)


@given(LABELS)
def test_as_many_rows_as_possible_keep_their_number(rows: list[tuple[int, int]]) -> None:
    labels, before = np.array(rows).T
    numbers = renumbered(labels, before, 4)
    assert sorted(numbers.tolist()) == [0, 1, 2, 3]

    def kept(order: np.ndarray) -> int:
        return sum(one >= 0 and order[one] == earlier for one, earlier in rows)

    assert kept(numbers) == max(kept(np.array(order)) for order in permutations(range(4)))


def test_clusters_are_numbered_by_what_they_weigh() -> None:
    labels = np.array([2, 2, 0, 1, -1, 0])
    assert by_size(labels, np.ones(6), 3).tolist() == [1, 2, 0]
    assert by_size(labels, np.array([1, 1, 1, 9, 50, 1]), 3).tolist() == [2, 0, 1]
