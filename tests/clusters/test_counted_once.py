"""Near copies counted once: stars, no chains."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from augnet_cli.clusters.once import standing_for
from augnet_cli.records import Pairs


def pairs_of(edges: set[tuple[int, int]]) -> Pairs:
    left, right = (
        (np.array(side, np.int64) for side in zip(*sorted(edges), strict=True)) if edges else ((), ())
    )
    return Pairs(np.asarray(left, np.int64), np.asarray(right, np.int64), np.zeros(len(edges), np.float32))


def test_a_chain_is_no_star() -> None:
    assert standing_for(pairs_of({(0, 1), (1, 2), (2, 3)}), 5).tolist() == [0, 0, 2, 2, 4]


@given(st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda pair: pair[0] < pair[1])))
def test_each_row_stands_for_itself_or_is_a_pair_with_one_that_does(edges: set[tuple[int, int]]) -> None:
    stands = standing_for(pairs_of(edges), 12)
    for row, other in enumerate(stands.tolist()):
        assert stands[other] == other
        assert other == row or (other, row) in edges
    kept = [row for row in range(12) if stands[row] == row]
    assert not [pair for pair in edges if pair[0] in kept and pair[1] in kept]
