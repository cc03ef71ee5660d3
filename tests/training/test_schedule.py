"""How far a run is, by steps and by time, and how its end is brought forward."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from augnet_cli.training.schedule import COOL_DOWN, Pace, constant, half_cosine, stepped, warm_cosine


def rates_of(pace: Pace, steps: int) -> list[float]:
    return [pace.rate(pace.progress(step + 0.5), warm_cosine) for step in range(steps)]


def test_run_of_steps_knows_nothing_of_time() -> None:
    pace = Pace(steps=40, spent=1e6)
    assert [pace.progress(step) for step in (0, 10, 40, 50)] == [0, 0.25, 1, 1]
    assert not pace.is_over(pace.progress(39)) and pace.is_over(pace.progress(40))
    assert rates_of(pace, 40) == [warm_cosine((step + 0.5) / 40) for step in range(40)]


def test_run_of_seconds_counts_those_before_it_was_resumed() -> None:
    pace = Pace(seconds=100.0, spent=50.0)
    assert 0.5 <= pace.progress(0) < 0.6 and pace.progress(10**9) < 0.6
    state = pace.state()
    assert 50 <= state["spent"] < 60
    again = Pace(**state)
    time.sleep(0.02)
    assert again.used >= state["spent"] + 0.02
    assert Pace(seconds=10.0, spent=10.0).is_over(Pace(seconds=10.0, spent=10.0).progress(0))
    assert Pace(seconds=0.0).is_over(1.0) and Pace(seconds=0.0).progress(0) == 1


def test_cooling_down_falls_to_nothing_and_ends_the_run_early() -> None:
    pace = Pace(steps=100)
    before = rates_of(pace, 40)
    assert pace.cool_down(0.4) and not pace.cool_down(0.5)
    assert pace.end == pytest.approx(0.4 + COOL_DOWN)
    falling = [pace.rate((step + 0.5) / 100, warm_cosine) for step in range(40, 55)]
    assert falling[0] < before[-1] and all(a > b for a, b in pairwise(falling))
    assert 0 < falling[-1] < 0.05 and pace.rate(1.0, warm_cosine) == 0
    assert not pace.is_over(0.54) and pace.is_over(0.55)
    assert Pace(**pace.state()).cooling_from == 0.4


def test_end_that_is_near_is_not_brought_forward() -> None:
    pace = Pace(steps=100)
    assert not pace.cool_down(1 - COOL_DOWN) and pace.cooling_from is None and pace.end == 1


def test_constant_rate_does_not_cool_down() -> None:
    pace = Pace(steps=100)
    assert pace.cool_down(0.5) and pace.rate(0.6, constant) == 1


def test_half_cosine_goes_from_the_full_rate_to_its_floor() -> None:
    assert half_cosine(0, 0.001) == 1 and half_cosine(1, 0.001) == pytest.approx(0.001)
    assert half_cosine(0.5, 0.001) == pytest.approx(0.5005)


def test_stepped_rate_falls_where_it_is_told() -> None:
    falls = ((0.6, 0.1), (0.8, 0.01))
    assert [stepped(progress, falls) for progress in (0, 0.59, 0.6, 0.79, 0.8, 1)] == [
        1,
        1,
        0.1,
        0.1,
        0.01,
        0.01,
    ]
