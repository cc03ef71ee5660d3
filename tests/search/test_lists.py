"""Lists and their visitors, against products of every row with every centre."""

from __future__ import annotations

import numpy as np
import pytest
from test_exact import random_rows

from augnet_cli.search import lists, tiles
from augnet_cli.search.lists import Lists, in_lists, margins, visitors

ROUNDING = 1e-5


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "BLOCK_ROWS", 32)


def clustered(count: int, dim: int, clusters: int) -> np.ndarray:
    numbers = np.random.default_rng(1)
    centres = random_rows(clusters, dim)
    rows = centres[numbers.integers(clusters, size=count)] + 0.1 * numbers.standard_normal((count, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_each_row_is_a_member_of_the_list_of_its_nearest_centre() -> None:
    rows = clustered(500, 12, 15)
    found = in_lists(rows)
    products = rows @ found.centres.T
    assert len(found.centres) == 500 // 32
    np.testing.assert_allclose(np.linalg.norm(found.centres, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(found.nearness, products.max(axis=1), atol=1e-6)
    assert sorted(np.concatenate(found.members).tolist()) == list(range(500))
    for number, members in enumerate(found.members):
        assert (found.own[members] == number).all()
        assert members.tolist() == sorted(members.tolist())


def test_lists_follow_the_clusters() -> None:
    """Where there are as many clusters as lists, a row lies far nearer to its centre than by chance."""
    assert in_lists(clustered(960, 24, 30)).nearness.mean() > 0.8
    assert in_lists(random_rows(960, 24)).nearness.mean() < 0.7


@pytest.mark.parametrize("margin", [0.0, 0.1, 0.5, 3.0])
def test_visitors_are_the_rows_of_others_within_the_margin(margin: float) -> None:
    rows = random_rows(300, 8)
    found = in_lists(rows)
    products = rows @ found.centres.T
    chosen = slice(2, 7)
    told = visitors(rows, found, chosen, margin)
    assert len(told) == 5
    for number, guests in enumerate(told, start=2):
        behind = found.nearness - products[:, number]
        surely = np.flatnonzero((behind < margin - ROUNDING) & (found.own != number))
        maybe = np.flatnonzero((behind < margin + ROUNDING) & (found.own != number))
        assert set(surely) <= set(guests.tolist()) <= set(maybe)


def test_a_pair_is_met_from_its_margin_on_and_no_sooner() -> None:
    rows = random_rows(200, 6)
    found = in_lists(rows)
    one, other = (side.astype(np.int32) for side in np.triu_indices(200, 1))
    needed = margins(rows, found, one, other)
    assert (needed[found.own[one] == found.own[other]] == 0).all()
    for margin in (0.05, 0.3):
        met = met_pairs(rows, found, margin)
        for first, second, of_pair in zip(one.tolist(), other.tolist(), needed.tolist(), strict=True):
            if abs(of_pair - margin) > ROUNDING:
                assert ((first, second) in met) == (of_pair < margin)


def met_pairs(rows: np.ndarray, found: Lists, margin: float) -> set[tuple[int, int]]:
    """All pairs of a member and a member or visitor."""
    met = set()
    guests = visitors(rows, found, slice(None), margin)
    for members, of_others in zip(found.members, guests, strict=True):
        for member in members.tolist():
            for row in [*members.tolist(), *of_others.tolist()]:
                met.add((min(member, row), max(member, row)))
    return met


def test_equal_rows_and_empty_lists_are_no_harm() -> None:
    rows = np.repeat(random_rows(1, 4), 100, axis=0)
    found = in_lists(rows)
    assert sum(map(len, found.members)) == 100
    assert np.isfinite(found.centres).all() and lists.ROUNDS > 1
