"""Which candidates are proved, with the truth known and proofs counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augnet_cli.duplicates.candidates import Candidates
from augnet_cli.duplicates.linking import NEAR, VOTES, Links, Pair, link
from augnet_cli.geometry.proof import OTHER, SAME, Finding
from augnet_cli.progress import Progress
from augnet_cli.records import Pairs

MATRIX = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


class Oracle:
    """Says of rows whether they are the same picture, and remembers what it was asked."""

    def __init__(self, pictures: Sequence[int]) -> None:
        self.pictures = pictures
        self.asked: list[Pair] = []

    def __call__(self, pairs: Sequence[Pair]) -> list[Finding]:
        self.asked += pairs
        return [
            Finding(SAME, MATRIX, (0.0, 0.0))
            if self.pictures[one] == self.pictures[other]
            else Finding(OTHER)
            for one, other in pairs
        ]


def candidates_of(pairs: dict[Pair, float], order: Sequence[int] | None = None) -> Candidates:
    keys = sorted(pairs)
    left, right = (np.array([key[side] for key in keys], np.int64) for side in (0, 1))
    distance = np.array([pairs[key] for key in keys], np.float32)
    best = np.lexsort((right, left, distance)) if order is None else np.array(order, np.int64)
    return Candidates(Pairs(left, right, distance), best)


def true_sets(rows: int, pictures: Sequence[int], pairs: Sequence[Pair]) -> list[list[int]]:
    """Rows of one picture that candidates connect, by repeated merging."""
    sets = [{row} for row in range(rows)]
    for one, other in pairs:
        if pictures[one] == pictures[other]:
            here, there = (next(each for each in sets if row in each) for row in (one, other))
            if here is not there:
                sets.remove(there)
                here |= there
    return sorted(sorted(each) for each in sets if len(each) > 1)


@given(data=st.data(), rows=st.integers(2, 30))
@settings(deadline=None)
def test_all_sets_that_near_candidates_connect_are_found(data: st.DataObject, rows: int) -> None:
    pictures = data.draw(st.lists(st.integers(0, 4), min_size=rows, max_size=rows))
    every = [(one, other) for other in range(rows) for one in range(other)]
    chosen = data.draw(st.lists(st.sampled_from(every), unique=True, max_size=120))
    shuffled = data.draw(st.permutations(range(len(chosen))))
    found = candidates_of(dict.fromkeys(chosen, NEAR / 2), shuffled)
    oracle = Oracle(pictures)
    links = link(found, rows, oracle)
    assert links.components.sets() == true_sets(rows, pictures, chosen)
    assert len(set(oracle.asked)) == len(oracle.asked) and set(oracle.asked) <= set(chosen)
    assert set(links.proved) == {pair for pair in oracle.asked if pictures[pair[0]] == pictures[pair[1]]}
    # A proof joins two sets: there are no more of them than it takes.
    assert len(links.proved) == sum(len(each) - 1 for each in links.components.sets())


def test_a_picture_with_many_copies_costs_few_proofs() -> None:
    rows = 60
    oracle = Oracle([row // 20 for row in range(rows)])
    pairs = {
        (one, other): 0.05 if one // 20 == other // 20 else 0.15
        for other in range(rows)
        for one in range(other)
    }
    links = link(candidates_of(pairs), rows, oracle)
    assert links.components.sets() == [list(range(start, start + 20)) for start in (0, 20, 40)]
    assert len(oracle.asked) < rows * 25 < len(pairs)
    same = [pair for pair in oracle.asked if pair[0] // 20 == pair[1] // 20]
    assert len(same) == rows - 3


def test_what_a_person_decided_needs_no_proof() -> None:
    oracle = Oracle([0, 0, 0, 1])
    links = link(candidates_of({(0, 1): 0.1, (1, 2): 0.1, (2, 3): 0.1}), 4, oracle, joined=[(0, 1), (0, 3)])
    assert links.components.sets() == [[0, 1, 2, 3]]
    assert links.proved == ((1, 2),)
    assert (0, 1) not in oracle.asked and (2, 3) not in oracle.asked[1:]


def far_and_near(far: int, near: int) -> tuple[dict[Pair, float], list[int]]:
    """Pairs of rows of their own: many far ones, then near ones; and a picture of each row, one a pair."""
    pairs = {(2 * place, 2 * place + 1): 0.9 for place in range(far)}
    pairs |= {(2 * place, 2 * place + 1): 0.01 for place in range(far, far + near)}
    return pairs, [place for place in range(far + near) for _ in range(2)]


def test_a_search_that_finds_nothing_far_out_ends_but_not_near_by() -> None:
    far, near = 6000, 40
    pairs, _ = far_and_near(far, near)
    pictures = [row if row < 2 * far else row // 2 for row in range(2 * (far + near))]
    oracle = Oracle(pictures)
    links = link(candidates_of(pairs, range(far + near)), 2 * (far + near), oracle)
    assert len(links.components.sets()) == near
    assert len(oracle.asked) < far / 4


def test_a_far_part_is_tried_where_several_copies_name_it() -> None:
    """After the search has ended: a set and a part with VOTES candidates between them, and one with fewer."""
    vain, members = 2000, VOTES + 1
    first = 2 * vain
    part, other_part = first + members, first + members + 1
    rows = other_part + 1
    pictures = [*range(first), *([-1] * (members + 2))]
    pairs = {(2 * place, 2 * place + 1): 0.9 for place in range(vain)}
    near = {(first + place, first + place + 1): 0.01 for place in range(members - 1)}
    votes = {(first + place, part): 0.9 for place in range(VOTES)}
    few = {(first + place, other_part): 0.9 for place in range(VOTES - 1)}
    found = candidates_of(pairs | near | votes | few)
    keys = sorted(pairs | near | votes | few)
    order = [keys.index(pair) for pair in (*near, *pairs, *votes, *few)]
    links = link(Candidates(found.pairs, np.array(order)), rows, Oracle(pictures))
    assert links.components.sets() == [list(range(first, part + 1))]


def test_a_search_that_pays_goes_on_to_the_end() -> None:
    far = 3000
    pairs, pictures = far_and_near(far, 0)
    links = link(candidates_of(pairs), 2 * far, Oracle(pictures))
    assert len(links.components.sets()) == far


class Counted(Progress):
    def __init__(self) -> None:
        self.done = self.finished = 0

    def start(self, stage: str, total: int | None, unit: str = "images") -> None:
        assert stage == "verifying"

    def advance(self, done: int = 1, skipped: int = 0, detail: str = "") -> None:
        self.done += done

    def finish(self) -> None:
        self.finished += 1


@pytest.mark.parametrize("seed", range(3))
def test_the_same_candidates_give_the_same_proofs_and_these_are_counted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 12, 80).tolist()
    pairs = {
        (one, other): float(rng.uniform(0, 0.2))
        for other in range(80)
        for one in range(other)
        if rng.random() < 0.3
    }
    found = candidates_of(pairs)

    def run() -> tuple[list[Pair], Links, Counted]:
        oracle, counted = Oracle(pictures), Counted()
        return oracle.asked, link(found, 80, oracle, progress=counted), counted

    (asked, links, counted), (again, links_again, _) = run(), run()
    assert asked == again and links.proved == links_again.proved
    assert counted.done == len(asked) <= len(pairs) and counted.finished == 1
