"""One pass over blocks of rows gives each query what a slow loop over all rows gives it."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from augnet_cli.search.merging import NOTHING, merged


def unit_rows(count: int, dim: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 60), st.integers(1, 5), st.integers(1, 20), st.integers(1, 17), st.integers(0, 9))
def test_each_query_gets_its_nearest_of_all_blocks(
    count: int, queries: int, k: int, block: int, seed: int
) -> None:
    rows, asked = unit_rows(count, 4, seed), unit_rows(queries, 4, seed + 100)
    hashes = np.array([f"{(number * 37) % 101:03}".encode() for number in range(count)], np.bytes_)
    passes = []

    def blocks():
        passes.append(1)
        for start in range(0, count, block):
            yield hashes[start : start + block], rows[start : start + block]

    found = merged([NOTHING] * queries, blocks(), asked, k)

    assert len(passes) == (1 if count else len(passes))
    for query, (names, distances) in zip(asked, found, strict=True):
        apart = ((rows.astype(np.float64) - query) ** 2).sum(axis=1) / 2
        order = np.argsort(apart)[:k]
        np.testing.assert_allclose(distances, apart[order], atol=1e-6)
        assert names.tolist() == hashes[order].tolist()


def test_ties_are_in_order_of_hash_whatever_block_they_come_in() -> None:
    row = unit_rows(1, 4, 0)
    blocks = [(np.array([name]), row) for name in (b"c", b"a", b"b")]
    assert merged([NOTHING], blocks, row, 2)[0][0].tolist() == [b"a", b"b"]


def test_what_an_index_found_is_merged_with_what_came_later() -> None:
    query = unit_rows(1, 4, 0)
    index = (np.array([b"b", b"d"]), np.array([0.0, 0.5], np.float32))

    found = merged([index], [(np.array([b"a"]), query)], query, 2)

    assert found[0][0].tolist() == [b"a", b"b"] and found[0][1].tolist() == [0.0, 0.0]
