"""Blocks side by side: results in order, errors told, one thread inside each product."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from test_exact import by_integers, random_rows
from threadpoolctl import threadpool_info

from augnet_cli.errors import SearchError
from augnet_cli.search import near_pairs, side_by_side, tiles
from augnet_cli.search.exact import pairs_within
from augnet_cli.search.side_by_side import each


def product_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.mark.parametrize("count", [0, 1, 2, 30])
def test_results_come_in_order_and_a_thread_keeps_its_scratch(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "usable_cores", lambda: 3)
    made: list[list[int]] = []

    def scratch() -> list[int]:
        made.append([])
        return made[-1]

    def work(item: int, own: list[int]) -> int:
        own.append(threading.get_ident())
        time.sleep(1e-3 * (item % 3))
        return item * item

    assert each(work, range(count), scratch) == [item * item for item in range(count)]
    assert len(made) <= 3
    assert all(len(set(own)) == 1 for own in made)
    assert sum(map(len, made)) == count


@pytest.mark.parametrize("count", [1, 8])
def test_products_inside_are_limited_to_one_thread_and_free_again_after(count: int) -> None:
    # A test before this one may have loaded another library of products since they were looked for.
    side_by_side._product_threads.cache_clear()
    before = product_threads()
    inside = each(lambda item, _: product_threads(), range(count), lambda: None)
    assert inside == [{1}] * count
    assert product_threads() == before


def test_an_error_ends_the_work_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "usable_cores", lambda: 2)
    before, done = product_threads(), []

    def work(item: int, _: None) -> None:
        if item == 3:
            raise SearchError("three", "none")
        time.sleep(1e-3)
        done.append(item)

    with pytest.raises(SearchError, match="three"):
        each(work, range(5000), lambda: None)
    assert len(done) < 4000, "what had not begun is left"
    assert product_threads() == before


@pytest.mark.parametrize("integers", [False, True])
def test_pairs_do_not_depend_on_the_number_of_threads(
    integers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "BLOCK_ROWS", 64)
    if integers:
        by_integers(monkeypatch)
    rows = random_rows(700, 24)
    found = []
    for cores in (1, 2, 7):
        monkeypatch.setattr(side_by_side, "usable_cores", lambda cores=cores: cores)
        found.append(pairs_within(rows, 0.6))
    assert len(found[0]) > 1000
    for other in found[1:]:
        for name in ("left", "right", "distance"):
            np.testing.assert_array_equal(getattr(other, name), getattr(found[0], name))


@pytest.mark.parametrize("integers", [False, True])
def test_too_many_pairs_are_told_from_any_thread(integers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "BLOCK_ROWS", 16)
    monkeypatch.setattr(near_pairs, "MAX_PAIRS", 1000)
    if integers:
        by_integers(monkeypatch)
    with pytest.raises(SearchError, match="more than 1,000 pairs"):
        pairs_within(random_rows(400, 8), 1.0)
