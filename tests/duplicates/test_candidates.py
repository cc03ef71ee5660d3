"""Candidates against a slow exact search."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augnet_cli.duplicates.candidates import (
    BY_NEIGHBOURS,
    EXPANDED,
    MOST,
    NEAREST,
    RADIUS,
    WEIGHT_POWER,
    Candidates,
    candidate_pairs,
    candidates,
)

ROUNDING = 1e-5  # of a distance in single precision


def unit_rows(rows: int, seed: int, dim: int = 6, copies: int = 0) -> np.ndarray:
    """Random rows, and near copies of some of them."""
    rng = np.random.default_rng(seed)
    found = rng.standard_normal((rows, dim))
    if rows and copies:
        near = found[rng.integers(0, rows, copies)] + 0.05 * rng.standard_normal((copies, dim))
        found = np.concatenate([found, near])
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found.astype(np.float32)


def as_set(found: Candidates) -> set[tuple[int, int]]:
    return set(zip(found.pairs.left.tolist(), found.pairs.right.tolist(), strict=True))


def slowly(rows: np.ndarray, threshold: float | None) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Pairs that must be there, and those that may be: neighbour by neighbour, in double precision."""
    exact = rows.astype(np.float64)
    limit = np.inf if threshold is None else threshold
    must, may = set(), set()
    for one in range(len(rows)):
        distances = {
            other: float(1 - exact[one] @ exact[other]) for other in range(len(rows)) if other != one
        }
        ranked = sorted(distances.values())
        for other, distance in distances.items():
            pair = (min(one, other), max(one, other))
            nearer = sum(value < distance - ROUNDING for value in ranked)
            no_farther = sum(value <= distance + ROUNDING for value in ranked)
            if distance > limit + ROUNDING or nearer >= MOST:
                continue
            if nearer < NEAREST or distance <= RADIUS + ROUNDING:
                may.add(pair)
            sure = no_farther <= NEAREST or (distance <= RADIUS - ROUNDING and no_farther <= MOST)
            if sure and distance <= limit - ROUNDING:
                must.add(pair)
        few = sorted(distances, key=distances.__getitem__)[:BY_NEIGHBOURS]
        query = exact[one] + sum(max(1 - distances[row], 0) ** WEIGHT_POWER * exact[row] for row in few)
        query /= np.linalg.norm(query)
        asked = {other: float(1 - exact[other] @ query) for other in distances}
        for other, distance in distances.items():
            pair = (min(one, other), max(one, other))
            # The row itself may be among the nearest of its query, and takes no place.
            nearer = sum(value < asked[other] - ROUNDING for value in asked.values())
            no_farther = sum(value <= asked[other] + ROUNDING for value in asked.values())
            if nearer < EXPANDED and distance <= limit + ROUNDING:
                may.add(pair)
            if no_farther <= EXPANDED and distance <= limit - ROUNDING:
                must.add(pair)
    return must, may


@pytest.mark.parametrize("threshold", [None, 0.0, 0.2, 0.7, 2.0])
@pytest.mark.parametrize(("rows", "copies"), [(2, 0), (20, 10), (90, 60), (150, 0)])
def test_candidates_are_those_of_a_slow_search(rows: int, copies: int, threshold: float | None) -> None:
    embeddings = unit_rows(rows, 1, copies=copies)
    must, may = slowly(embeddings, threshold)
    found = as_set(candidates(embeddings, threshold))
    assert must <= found <= may


def test_a_picture_with_more_copies_than_neighbours_has_them_all_within_the_radius() -> None:
    rng = np.random.default_rng(0)
    copies = NEAREST + 12
    rows = np.concatenate(
        [np.ones((copies, 8)) + 0.02 * rng.standard_normal((copies, 8)), rng.standard_normal((30, 8))]
    )
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = as_set(candidates(rows.astype(np.float32)))
    assert {(one, other) for other in range(copies) for one in range(other)} <= found


def test_a_part_finds_its_whole_by_way_of_a_larger_part() -> None:
    """The whole is near the larger parts alone, and others crowd between it and the part."""
    whole, part = np.eye(40)[0], 0.45 * np.eye(40)[0] + np.eye(40)[1]
    larger = [whole + 1.2 * part + 0.05 * np.eye(40)[place] for place in (2, 3)]
    crowd = [part + 1.3 * np.eye(40)[place] for place in range(4, 4 + NEAREST + 2)]
    rows = np.stack([part, whole, *larger, *crowd])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    near = np.argsort(-(rows @ rows[0]), kind="stable")[1 : NEAREST + 1]
    assert 1 not in near and 0 not in np.argsort(-(rows @ rows[1]))[1:3]
    assert (0, 1) in as_set(candidates(rows.astype(np.float32)))


def test_equal_rows_are_pairs_and_none_is_its_own() -> None:
    """Different files may have the same embedding: a row is then not the first of its own neighbours."""
    rows = np.repeat(unit_rows(6, 2), 4, axis=0)
    found = candidates(rows)
    assert (found.pairs.left < found.pairs.right).all()
    equal = {(one, other) for other in range(24) for one in range(other) if one // 4 == other // 4}
    assert equal <= as_set(found)


@pytest.mark.parametrize("rows", [0, 1])
def test_nothing_pairs_with_nothing(rows: int) -> None:
    found = candidates(unit_rows(rows, 0))
    assert len(found.pairs.left) == len(found.order) == 0


@given(seed=st.integers(0, 10_000), rows=st.integers(2, 50), copies=st.integers(0, 20))
@settings(max_examples=30, deadline=None)
def test_pairs_are_sorted_and_ordered_once_each_with_their_distance(
    seed: int, rows: int, copies: int
) -> None:
    embeddings = unit_rows(rows, seed, copies=copies)
    found = candidates(embeddings)
    left, right = found.pairs.left, found.pairs.right
    keys = left * len(embeddings) + right
    assert (left < right).all() and (np.diff(keys) > 0).all()
    assert sorted(found.order.tolist()) == list(range(len(keys)))
    exact = 1 - np.einsum("pd,pd->p", embeddings[left].astype(np.float64), embeddings[right])
    np.testing.assert_allclose(found.pairs.distance, exact, atol=ROUNDING)
    alone = candidate_pairs(embeddings)
    np.testing.assert_array_equal(alone.left, left)
    np.testing.assert_array_equal(alone.right, right)


@given(seed=st.integers(0, 10_000), rows=st.integers(2, 60))
@settings(max_examples=30, deadline=None)
def test_order_of_rows_changes_names_alone(seed: int, rows: int) -> None:
    embeddings = unit_rows(rows, seed, copies=rows // 2)
    there = np.random.default_rng(seed).permutation(len(embeddings))
    plain, permuted = candidates(embeddings), candidates(embeddings[there])
    named = {
        (min(pair), max(pair)) for pair in ((there[one], there[other]) for one, other in as_set(permuted))
    }
    assert named == as_set(plain)
    # The most promising come in the same order, but for ties.
    first = [(plain.pairs.left[place], plain.pairs.right[place]) for place in plain.order[:3]]
    again = [
        tuple(sorted((there[permuted.pairs.left[place]], there[permuted.pairs.right[place]])))
        for place in permuted.order[:6]
    ]
    assert set(first) <= set(again)


def test_true_copies_come_before_all_else() -> None:
    """Each row has one near copy; scattered rows and their copies lie ten times as far as dense ones."""
    rng = np.random.default_rng(5)
    dense = np.array([1.0] + [0] * 15) + 0.1 * rng.standard_normal((60, 16))
    rows = np.concatenate([dense, rng.standard_normal((60, 16))])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    apart = np.linalg.norm(rows[:, None] - rows[None], axis=2) + 9 * np.eye(len(rows))
    step = rng.standard_normal(rows.shape)
    step *= 0.15 * apart.min(axis=1, keepdims=True) / np.linalg.norm(step, axis=1, keepdims=True)
    both = np.concatenate([rows, rows + step])
    both /= np.linalg.norm(both, axis=1, keepdims=True)
    found = candidates(both.astype(np.float32))
    first = {
        (int(found.pairs.left[place]), int(found.pairs.right[place])) for place in found.order[: len(rows)]
    }
    true = {(row, row + len(rows)) for row in range(len(rows))}
    assert len(first & true) >= 0.95 * len(true)
