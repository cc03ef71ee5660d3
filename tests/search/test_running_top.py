"""Nearest rows by a running top k, against a full sort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augnet_cli.search import running_top
from augnet_cli.search.running_top import nearest_nearly

ROUNDING = 1e-5  # of a distance in single precision


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def check(rows: np.ndarray, queries: np.ndarray, wanted: int) -> None:
    got, distances = nearest_nearly(rows, queries, wanted)
    assert got.shape == distances.shape == (len(queries), wanted)
    assert got.dtype == np.int64 and distances.dtype == np.float32
    apart = 1 - queries.astype(np.float64) @ rows.T.astype(np.float64)
    np.testing.assert_allclose(distances, np.sort(apart, axis=1)[:, :wanted], atol=ROUNDING)
    np.testing.assert_allclose(distances, np.take_along_axis(apart, got, axis=1), atol=ROUNDING)
    for own, distance in zip(got.tolist(), distances.tolist(), strict=True):
        assert len(set(own)) == wanted
        order = list(zip(distance, own, strict=True))
        assert order == sorted(order), "nearest first, ties by row"


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 999),
    count=st.integers(1, 120),
    dim=st.integers(1, 20),
    wanted=st.integers(1, 70),
    block=st.sampled_from([1, 2, 7, 50, 4096]),
    chunk=st.sampled_from([1, 5, 128]),
    copies=st.booleans(),
)
def test_nearest_equal_a_full_sort(
    seed: int, count: int, dim: int, wanted: int, block: int, chunk: int, copies: bool
) -> None:
    numbers = np.random.default_rng(seed)
    rows = unit(numbers.standard_normal((count, dim)) + 1e-3)
    if copies:
        rows = rows[numbers.integers(max(1, count // 5), size=count)]
    queries = np.concatenate([rows[::2], unit(numbers.standard_normal((3, dim)) + 1e-3)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running_top, "BLOCK_ROWS", block)
        patch.setattr(running_top, "QUERIES", chunk)
        check(rows, queries, min(wanted, count))


@pytest.mark.parametrize("nearer", [False, True])
def test_rows_in_order_of_their_distance(nearer: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block is nearer than all before it, and every row of it must be taken up; or none is."""
    monkeypatch.setattr(running_top, "BLOCK_ROWS", 64)
    angles = np.linspace(0, 3, 1000)[:: -1 if nearer else 1]
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    check(rows, np.array([[1, 0], [np.cos(1e-2), np.sin(1e-2)]], np.float32), 65)


def test_nearest_none_of_nothing() -> None:
    for rows, wanted in ((0, 0), (5, 0)):
        got, distances = nearest_nearly(np.ones((rows, 1), np.float32), np.ones((2, 1), np.float32), wanted)
        assert got.shape == distances.shape == (2, 0)
    assert nearest_nearly(np.ones((5, 1), np.float32), np.ones((0, 1), np.float32), 3)[0].shape == (0, 3)
