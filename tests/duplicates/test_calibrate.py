"""The threshold for a precision, against the definition tried at every distance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augnet_cli.duplicates.calibrate import threshold_for_precision

# Few values, so that ties within and between the two lists are common.
DISTANCES = st.lists(st.integers(0, 12).map(lambda step: step / 8), max_size=20)
PRECISIONS = st.sampled_from([0.01, 0.5, 0.75, 0.9, 0.99, 1.0])


def slow_threshold(copies: list[float], others: list[float], precision: float) -> tuple[float, float]:
    best = (0.0, 0.0)
    for threshold in sorted(copies):
        true = sum(distance <= threshold for distance in copies)
        false = sum(distance <= threshold for distance in others)
        if true / (true + false) >= precision:
            best = (threshold, true / len(copies))
    return best


@given(DISTANCES, DISTANCES, PRECISIONS)
def test_it_agrees_with_trying_every_distance(
    copies: list[float], others: list[float], precision: float
) -> None:
    found = threshold_for_precision(np.array(copies), np.array(others), precision)
    assert found == pytest.approx(slow_threshold(copies, others, precision))


@given(DISTANCES, DISTANCES, PRECISIONS)
def test_what_is_at_or_under_it_has_the_precision(
    copies: list[float], others: list[float], precision: float
) -> None:
    threshold, recall = threshold_for_precision(np.array(copies), np.array(others), precision)
    true = sum(distance <= threshold for distance in copies)
    false = sum(distance <= threshold for distance in others)
    if recall > 0:
        assert true / (true + false) >= precision
        assert recall == pytest.approx(true / len(copies))


@given(DISTANCES, DISTANCES)
def test_a_higher_precision_never_finds_more(copies: list[float], others: list[float]) -> None:
    recalls = [threshold_for_precision(np.array(copies), np.array(others), p)[1] for p in (0.5, 0.9, 0.99)]
    assert recalls == sorted(recalls, reverse=True)


def test_without_copies_nothing_is_let_in() -> None:
    assert threshold_for_precision(np.empty(0), np.array([0.5]), 0.99) == (0.0, 0.0)


def test_copies_no_nearer_than_the_others_give_no_threshold() -> None:
    assert threshold_for_precision(np.array([0.5, 0.6]), np.array([0.1, 0.2, 0.3]), 0.9) == (0.0, 0.0)
