"""What a person said of two images, against pairs by distance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augnet_cli.duplicates.decided import as_decided
from augnet_cli.duplicates.scope import Rows, Scope
from augnet_cli.records import Pairs

CONTENTS = ("aa", "bb", "cc", "dd", "ee")
ROWS = np.random.default_rng(0).standard_normal((5, 8)).astype(np.float32)
ROWS /= np.linalg.norm(ROWS, axis=1, keepdims=True)
ALL = [(left, right) for left in range(5) for right in range(left + 1, 5)]


def pairs_of(chosen: list[tuple[int, int]]) -> Pairs:
    left, right = (np.array([pair[side] for pair in chosen], np.int64) for side in (0, 1))
    return Pairs(left, right, np.array([1 - ROWS[a] @ ROWS[b] for a, b in chosen], np.float32))


@given(st.sets(st.sampled_from(ALL)), st.dictionaries(st.sampled_from(ALL), st.booleans()))
def test_a_decision_stands_and_all_else_goes_by_distance(
    near: set[tuple[int, int]], decided: dict[tuple[int, int], bool]
) -> None:
    said = {(CONTENTS[a], CONTENTS[b]): same for (a, b), same in decided.items()}
    found = as_decided(pairs_of(sorted(near)), Rows(CONTENTS, ("",) * 5), ROWS, said)
    expected = [pair for pair in ALL if decided.get(pair, pair in near)]
    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == expected
    for left, right, distance in zip(found.left, found.right, found.distance, strict=True):
        assert distance == pytest.approx(1 - ROWS[left] @ ROWS[right], abs=1e-6)


def test_the_order_of_hashes_need_not_be_that_of_rows_and_unknown_ones_are_passed_over() -> None:
    contents = ("ff", "ee", "dd", "cc", "bb")
    said = {("ee", "ff"): False, ("bb", "cc"): True, ("00", "ff"): True}
    found = as_decided(pairs_of([(0, 1), (1, 2)]), Rows(contents, ("",) * 5), ROWS, said)
    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == [(1, 2), (3, 4)]


def test_a_decision_holds_on_all_sides_on_which_the_two_may_be_a_pair() -> None:
    rows = Rows(
        ("aa", "aa", "bb", "bb", "cc"), ("left", "right", "left", "right", "left"), Scope(inside=False)
    )
    found = as_decided(pairs_of([(0, 3)]), rows, ROWS, {("aa", "bb"): True, ("aa", "cc"): False})
    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == [(0, 3), (1, 2)]
    found = as_decided(pairs_of([(0, 3), (1, 4)]), rows, ROWS, {("aa", "bb"): False, ("aa", "cc"): False})
    assert len(found) == 0
