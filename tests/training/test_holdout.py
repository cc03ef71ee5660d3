"""What is held out follows from the images' contents alone."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augnet_cli.errors import TrainingError
from augnet_cli.training.holdout import split


def contents_of(count: int, first: int = 0) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(first, first + count)]


@settings(max_examples=50, deadline=None)
@given(count=st.integers(8, 3000))
def test_parts_share_the_folder_without_overlap(count: int) -> None:
    parts = split(contents_of(count))
    rows = np.concatenate([parts.train, parts.watched, parts.judged])
    assert sorted(rows) == list(range(count))
    held_out = len(parts.watched) + len(parts.judged)
    assert 2 <= held_out <= count / 4 and len(parts.watched) <= len(parts.judged)


@pytest.mark.parametrize(
    ("count", "watched", "judged"),
    [(8, 0, 2), (20, 1, 4), (50, 4, 8), (100, 4, 8), (1000, 33, 67), (10_000, 333, 667), (50_000, 333, 667)],
)
def test_a_tenth_is_held_out_within_bounds(count: int, watched: int, judged: int) -> None:
    parts = split(contents_of(count))
    assert (len(parts.watched), len(parts.judged)) == (watched, judged)


def test_same_images_are_held_out_in_any_order() -> None:
    contents = contents_of(300)
    shuffled = [contents[row] for row in np.random.default_rng(0).permutation(300)]
    first, second = split(contents), split(shuffled)
    for part in ("train", "watched", "judged"):
        one, other = getattr(first, part), getattr(second, part)
        assert {contents[row] for row in one} == {shuffled[row] for row in other}


def test_folder_that_grows_keeps_nearly_all_that_it_held_out() -> None:
    before, after = contents_of(1000), contents_of(1100)
    old, new = split(before), split(after)
    judged = {before[row] for row in old.judged}
    held_out = {after[row] for row in (*new.judged, *new.watched)}
    assert len(judged & held_out) > 0.9 * len(judged)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_too_few_pictures_are_refused(count: int) -> None:
    with pytest.raises(TrainingError, match=f"at least 8 .* here are {count}"):
        split(contents_of(count))
