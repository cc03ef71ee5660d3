from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augnet_cli.errors import SearchError, UsageError
from augnet_cli.progress import Progress
from augnet_cli.search import exact, integer_tiles, near_pairs, tiles
from augnet_cli.search.exact import nearest, pairs_within
from augnet_cli.search.tiles import BLOCK_ROWS


def unit_rows(rows: np.ndarray) -> np.ndarray:
    rows = np.asarray(rows, np.float64)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def random_rows(count: int, dim: int, seed: int = 0) -> np.ndarray:
    return unit_rows(np.random.default_rng(seed).standard_normal((count, dim)))


def slow_distance(left: np.ndarray, right: np.ndarray) -> np.float32:
    """1 - cos by the book, in float64."""
    left, right = left.astype(np.float64), right.astype(np.float64)
    cosine = left @ right / np.sqrt((left @ left) * (right @ right))
    return np.float32(min(max(1.0 - cosine, 0.0), 2.0))


def slow_pairs(rows: np.ndarray) -> dict[tuple[int, int], np.float32]:
    return {
        (i, j): slow_distance(rows[i], rows[j]) for i in range(len(rows)) for j in range(i + 1, len(rows))
    }


def by_integers(patch: pytest.MonkeyPatch) -> None:
    """Have products of integers find the candidates, at any size and however fast they are here."""
    patch.setattr(near_pairs, "INTEGER_ROWS", 0)
    patch.setattr(integer_tiles, "_faster", lambda found: True)


@st.composite
def rows_with_copies(draw: st.DrawFn) -> np.ndarray:
    """Rows of which some are equal, nearly equal or opposite to others."""
    seed, count, dim = (draw(st.integers(*bounds)) for bounds in ((0, 999), (1, 40), (1, 24)))
    numbers = np.random.default_rng(seed)
    rows = numbers.standard_normal((count, dim)) + 1e-3
    for row in range(1, count):
        kind = numbers.integers(5)
        if kind < 3:
            source = rows[numbers.integers(row)]
            nudge = numbers.standard_normal(dim) * 10 ** numbers.uniform(-8, -1)
            rows[row] = (source, -source, source + nudge)[kind]
    return unit_rows(rows)


@settings(max_examples=150, deadline=None)
@given(rows_with_copies(), st.floats(0, 2), st.sampled_from([1, 2, 7, 64]), st.booleans())
def test_pairs_equal_a_slow_double_loop(
    rows: np.ndarray, threshold: float, block: int, integers: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "BLOCK_ROWS", block)
        if integers:
            by_integers(patch)
        pairs = pairs_within(rows, threshold)
    got = dict(zip(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True), pairs.distance, strict=True))
    assert list(got) == sorted(got), "sorted by (left, right), each pair once"
    # The loop's own 1 - cos cancels: it is good to 1e-15, which rounding to float32 may turn into one step.
    for pair, distance in slow_pairs(rows).items():
        near = abs(float(distance) - threshold) <= 1e-6 * max(threshold, 1e-6)
        assert near or (pair in got) == (float(distance) <= threshold)
        if pair in got:
            assert got[pair] == pytest.approx(distance, rel=1e-6, abs=1e-14)


@settings(max_examples=60, deadline=None)
@given(rows_with_copies())
def test_every_found_distance_is_an_inclusive_threshold(rows: np.ndarray) -> None:
    everything = pairs_within(rows, 2.0)
    assert len(everything) == len(rows) * (len(rows) - 1) // 2
    for distance in np.unique(everything.distance)[::7]:
        assert len(pairs_within(rows, float(distance))) == (everything.distance <= distance).sum()
        below = float(np.nextafter(distance, np.float32(-1)))
        if below >= 0:
            assert len(pairs_within(rows, below)) == (everything.distance < distance).sum()


def test_identical_rows_are_at_exactly_zero_and_found_at_zero() -> None:
    row = random_rows(1, 257, seed=3)
    rows = np.concatenate([row, random_rows(50, 257), row, row])
    pairs = pairs_within(rows, 0.0)
    assert list(zip(pairs.left, pairs.right, strict=True)) == [(0, 51), (0, 52), (51, 52)]
    assert pairs.distance.tolist() == [0.0, 0.0, 0.0]
    assert not np.signbit(pairs.distance).any()


def test_opposite_rows_are_at_two() -> None:
    rows = unit_rows([[1, 2, 3], [-1, -2, -3]])
    assert pairs_within(rows, 2.0).distance.tolist() == [2.0]
    assert len(pairs_within(rows, 1.999)) == 0


def test_distance_of_one_fifth_is_within_a_threshold_of_one_fifth() -> None:
    rows = np.array([[1, 0], [0.8, 0.6]], np.float32)
    assert len(pairs_within(rows, 0.2)) == 1


def test_pairs_across_the_edges_of_blocks_are_found() -> None:
    rows = random_rows(2 * BLOCK_ROWS + 3, 16)
    ends = [0, BLOCK_ROWS - 1, BLOCK_ROWS, 2 * BLOCK_ROWS - 1, 2 * BLOCK_ROWS, 2 * BLOCK_ROWS + 2]
    rows[ends] = rows[0]
    pairs = pairs_within(rows, 1e-7)
    expected = [(left, right) for left in ends for right in ends if left < right]
    assert list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)) == expected


def test_result_does_not_depend_on_the_size_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = random_rows(300, 48)
    whole = pairs_within(rows, 0.9)
    for block in (1, 17, 64, 299, 300):
        monkeypatch.setattr(tiles, "BLOCK_ROWS", block)
        parts = pairs_within(rows, 0.9)
        for name in ("left", "right", "distance"):
            np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


def test_rows_that_are_not_quite_of_length_one_lose_no_pair() -> None:
    """The store lets 1e-3 pass; the length must not decide who is near."""
    rows = random_rows(60, 16)
    uneven = (rows * np.linspace(0.9995, 1.0005, 60)[:, None]).astype(np.float32)
    found = pairs_within(uneven, 0.7)
    expected = {pair for pair, distance in slow_pairs(uneven).items() if distance <= 0.7}
    assert set(zip(found.left.tolist(), found.right.tolist(), strict=True)) == expected
    near = unit_rows(rows[:1] + 1e-3 * random_rows(60, 16, seed=1))  # so near that lengths outweigh angles
    uneven = (near * np.linspace(0.9995, 1.0005, 60)[:, None]).astype(np.float32)
    true = np.argsort([slow_distance(rows[0], row) for row in uneven], kind="stable")
    assert nearest(uneven, rows[:1], 5)[0][0].tolist() == true[:5].tolist()


@pytest.mark.parametrize("shape", [(0, 0), (0, 8), (1, 8)])
def test_fewer_than_two_rows_have_no_pairs(shape: tuple[int, int]) -> None:
    pairs = pairs_within(np.ones(shape, np.float32) / np.float32(np.sqrt(max(shape[1], 1))), 2.0)
    assert len(pairs) == 0
    assert (pairs.left.dtype, pairs.right.dtype, pairs.distance.dtype) == (np.int64, np.int64, np.float32)


@pytest.mark.parametrize("threshold", [-0.1, 2.1, float("nan"), float("inf")])
def test_threshold_outside_its_range_is_told(threshold: float) -> None:
    with pytest.raises(UsageError, match="outside 0 to 2"):
        pairs_within(random_rows(3, 4), threshold)


def test_too_many_pairs_are_told_with_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_pairs, "MAX_PAIRS", 44)
    with pytest.raises(SearchError) as told:
        pairs_within(random_rows(11, 4), 2.0)
    assert "--threshold" in told.value.hint and "44" in told.value.what
    monkeypatch.setattr(near_pairs, "MAX_PAIRS", 55)
    assert len(pairs_within(random_rows(11, 4), 2.0)) == 55


def test_rows_that_are_no_numbers_are_refused_not_passed_over() -> None:
    rows = random_rows(5, 4)
    rows[2] = np.nan
    with pytest.raises(ValueError, match="unit rows"):
        pairs_within(rows, 0.5)


def test_progress_counts_every_row_once() -> None:
    class Counting(Progress):
        total, done, finished = -1, 0, 0

        def start(self, stage: str, total: int | None, unit: str = "images") -> None:
            self.total = total or 0

        def advance(self, done: int = 1, skipped: int = 0, detail: str = "") -> None:
            self.done += done

        def finish(self) -> None:
            self.finished += 1

    progress = Counting()
    pairs_within(random_rows(BLOCK_ROWS + 5, 4), 0.001, progress)
    assert (progress.total, progress.done, progress.finished) == (BLOCK_ROWS + 5, BLOCK_ROWS + 5, 1)


@settings(max_examples=80, deadline=None)
@given(rows_with_copies(), st.integers(1, 50), st.sampled_from([4, 200, 1 << 20]))
def test_nearest_equals_a_slow_loop(rows: np.ndarray, k: int, memory: int) -> None:
    queries = np.concatenate([rows[: len(rows) // 2], random_rows(3, rows.shape[1], seed=len(rows))])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "QUERY_BYTES", memory)
        got, distances = nearest(rows, queries, k)
    assert got.shape == distances.shape == (len(queries), min(k, len(rows)))
    assert got.dtype == np.int64 and distances.dtype == np.float32
    for query, found, distance in zip(queries, got, distances, strict=True):
        true = sorted(slow_distance(query, row) for row in rows)[: len(found)]
        np.testing.assert_allclose(distance, true, rtol=1e-6, atol=1e-14)
        own = [slow_distance(query, rows[row]) for row in found]
        np.testing.assert_allclose(distance, own, rtol=1e-6, atol=1e-14)
        assert len(set(found.tolist())) == len(found)
        order = list(zip(distance.tolist(), found.tolist(), strict=True))
        assert order == sorted(order), "nearest first, ties by row"


def test_ties_at_the_last_place_go_to_the_first_rows() -> None:
    rows = np.repeat(random_rows(2, 33), 20, axis=0)
    got, distances = nearest(rows, rows[25:26], 23)
    assert got[0].tolist() == [*range(20, 40), 0, 1, 2]
    assert distances[0, :20].tolist() == [0.0] * 20


def test_nearest_of_nothing_is_nothing() -> None:
    rows, distances = nearest(np.empty((0, 4), np.float32), random_rows(2, 4), 5)
    assert rows.shape == distances.shape == (2, 0)
    with pytest.raises(ValueError, match="at least 1"):
        nearest(random_rows(2, 4), random_rows(2, 4), 0)
