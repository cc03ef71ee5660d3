"""Products of integers find all that float32 finds, on rows chosen to be hard for them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augnet_cli.search import integer_tiles, near_pairs, tiles
from augnet_cli.search.exact import pairs_within
from augnet_cli.search.integer_model import LEFT, LEFT_ZERO, PRODUCT, RIGHT, integer_product_model
from augnet_cli.search.integer_tiles import (
    LARGEST,
    integer_product,
    multiplies_rightly,
    quantised,
    right_side,
)
from augnet_cli.search.tiles import FloatTiles, scratch

HERE = multiplies_rightly(integer_tiles._session(), 64)
needs_instructions = pytest.mark.skipif(not HERE, reason="this processor adds products of bytes in 16 bits")


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def with_copies(rows: np.ndarray, numbers: np.random.Generator) -> np.ndarray:
    """Rows, some equal to others, some a little beside them."""
    copies = rows[numbers.integers(len(rows), size=len(rows))]
    copies[::2] += 10 ** numbers.uniform(-6, -1) * numbers.standard_normal(copies[::2].shape)
    return np.concatenate([rows, copies])


def dense(count: int, dim: int, numbers: np.random.Generator) -> np.ndarray:
    return with_copies(numbers.standard_normal((count, dim)) + 1e-3, numbers)


def mostly_zeros(count: int, dim: int, numbers: np.random.Generator) -> np.ndarray:
    """One large number makes the steps of all others coarse."""
    rows = np.zeros((count, dim))
    rows[np.arange(count), numbers.integers(dim, size=count)] = numbers.choice([-1, 1], count)
    rows[::3, numbers.integers(dim)] += 0.3
    rows += 1e-3 * numbers.standard_normal(rows.shape)
    return with_copies(rows, numbers)


def at_the_limits(count: int, dim: int, numbers: np.random.Generator) -> np.ndarray:
    """Every number is the largest or the smallest, so every product is, too."""
    rows = numbers.choice([-1.0, 1.0], (count, dim))
    rows[: count // 4] = 1
    rows[count // 4 : count // 3] = -1
    return with_copies(rows, numbers)


def between_two_steps(count: int, dim: int, numbers: np.random.Generator) -> np.ndarray:
    """All but the first number lie half a step off, where rounding errs most, and all to one side."""
    rows = (np.full((count, dim), 10.49) / LARGEST) * numbers.choice([-1, 1], (1, dim))
    rows[:, 0] = 1
    return with_copies(rows + 1e-4 * numbers.standard_normal(rows.shape), numbers)


KINDS = (dense, mostly_zeros, at_the_limits, between_two_steps)


def found(rows: np.ndarray, threshold: float, integers: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_pairs, "INTEGER_ROWS", 0 if integers else 1 << 60)
        patch.setattr(integer_tiles, "_faster", lambda found: True)
        patch.setattr(tiles, "BLOCK_ROWS", 64)
        pairs = pairs_within(rows, threshold)
    return pairs.left, pairs.right, pairs.distance


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), count=st.integers(4, 90), dim=st.integers(1, 300), place=st.floats(0, 1))
def test_integers_find_the_pairs_that_float32_finds(
    kind: Callable[[int, int, np.random.Generator], np.ndarray],
    seed: int,
    count: int,
    dim: int,
    place: float,
) -> None:
    rows = unit(kind(count, dim, np.random.default_rng(seed)))
    # A distance that occurs, so that the threshold is met exactly: that is where a pair would go missing.
    everything = np.unique(found(rows, 2.0, integers=False)[2])
    threshold = float(everything[int(place * (len(everything) - 1))])
    plain, integers = found(rows, threshold, False), found(rows, threshold, True)
    for one, other in zip(plain, integers, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), count=st.integers(4, 60), dim=st.integers(1, 300))
def test_no_integer_product_is_farther_off_than_the_bound(
    kind: Callable[[int, int, np.random.Generator], np.ndarray], seed: int, count: int, dim: int
) -> None:
    rows = unit(kind(count, dim, np.random.default_rng(seed)))
    raised, scale, rest = quantised(rows)
    whole = raised.astype(np.float64) - LEFT_ZERO
    assert np.abs(whole).max() == LARGEST
    true = rows.astype(np.float64) @ rows.T.astype(np.float64)
    longest = float(np.linalg.norm(rows.astype(np.float64), axis=1).max())
    off = np.abs(true - whole @ whole.T / scale**2)
    assert off.max() <= 2 * rest * longest + rest**2 + 1e-12
    assert rest <= np.sqrt(dim) / 2 / scale + 1e-9


@needs_instructions
@pytest.mark.parametrize("dim", [1, 2, 3, 63, 64, 129, 300, 2048])
def test_products_of_integers_equal_those_in_64_bits(dim: int) -> None:
    numbers = np.random.default_rng(dim)
    left = numbers.integers(-LARGEST, LARGEST + 1, (70, dim))
    right = numbers.integers(-LARGEST, LARGEST + 1, (33, dim))
    left[:2], right[:2] = [[-LARGEST], [LARGEST]], [[LARGEST], [-LARGEST]]
    raised, columns = (left + LEFT_ZERO).astype(np.uint8), right_side((right + LEFT_ZERO).astype(np.uint8))
    product = integer_product(integer_tiles._session(), raised, columns, scratch())
    np.testing.assert_array_equal(product, left @ right.T)


def test_a_processor_that_multiplies_wrongly_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def saturating(session: object, left: np.ndarray, right: np.ndarray, room: tiles.Scratch) -> np.ndarray:
        """Pairs of products are added in 16 bits and cut off there, as before AVX-512 VNNI."""
        products = left.astype(np.int64)[:, :, None] * right[None]
        pairs = np.add.reduceat(products, np.arange(0, left.shape[1], 2), axis=1)
        return np.clip(pairs, -(2**15), 2**15 - 1).sum(axis=1) - 128 * right.sum(axis=0, dtype=np.int64)

    monkeypatch.setattr(tiles, "BLOCK_ROWS", 16)
    rows = unit(np.random.default_rng(0).standard_normal((40, 8)))
    monkeypatch.setattr(integer_tiles, "_faster", lambda found: True)
    assert (integer_tiles.integer_tiles(FloatTiles(rows, 0.9)) is not None) == HERE
    monkeypatch.setattr(integer_tiles, "integer_product", saturating)
    assert not multiplies_rightly(None, 8)
    assert integer_tiles.integer_tiles(FloatTiles(rows, 0.9)) is None


def test_float32_serves_where_integers_are_slower_or_can_not_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = unit(np.random.default_rng(0).standard_normal((40, 8)))
    plain = FloatTiles(rows, 0.9)
    monkeypatch.setattr(integer_tiles, "_faster", lambda found: False)
    assert integer_tiles.integer_tiles(plain) is None
    monkeypatch.setattr(integer_tiles, "_faster", lambda found: True)
    monkeypatch.setattr(integer_tiles, "MOST_NUMBERS", 7)
    assert integer_tiles.integer_tiles(plain) is None
    monkeypatch.setattr(integer_tiles, "MOST_NUMBERS", 8)
    monkeypatch.setattr(integer_tiles, "integer_product_model", lambda: b"no model")
    assert integer_tiles.integer_tiles(plain) is None


def test_the_model_is_what_the_onnx_package_writes() -> None:
    import onnx

    helper, kinds = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", [LEFT, RIGHT, "zero"], [PRODUCT])],
        "integer_product",
        [
            helper.make_tensor_value_info(LEFT, kinds.UINT8, [None, None]),
            helper.make_tensor_value_info(RIGHT, kinds.INT8, [None, None]),
        ],
        [helper.make_tensor_value_info(PRODUCT, kinds.INT32, [None, None])],
        [helper.make_tensor("zero", kinds.UINT8, [], b"\x80", raw=True)],
    )
    theirs = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    assert onnx.load_from_string(integer_product_model()) == theirs
    onnx.checker.check_model(theirs, full_check=True)
