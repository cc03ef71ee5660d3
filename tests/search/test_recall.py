"""The bound on a recall: against binomial sums, and against what happens when draws are made."""

from __future__ import annotations

import math

import numpy as np
import pytest

from augnet_cli.search import recall
from augnet_cli.search.recall import CONFIDENCE, RECALL, may_be_missed, needed_pairs, worth


def chance_of_missing_at_most(missed: int, pairs: int) -> float:
    """Where RECALL is the true share."""
    return sum(
        math.exp(
            math.lgamma(pairs + 1) - math.lgamma(n + 1) - math.lgamma(pairs - n + 1)
            + n * math.log(1 - RECALL) + (pairs - n) * math.log(RECALL)
        )
        for n in range(missed + 1)
    )  # fmt: skip


def test_with_fewer_pairs_not_even_none_missed_would_do() -> None:
    pairs = math.ceil(needed_pairs())
    assert chance_of_missing_at_most(0, pairs) <= 1 - CONFIDENCE < chance_of_missing_at_most(0, pairs - 1)
    assert may_be_missed(pairs - 1) == 0


@pytest.mark.parametrize("pairs", [2_995, 5_000, 20_000, 100_000, 1_000_000])
def test_no_more_may_be_missed_than_the_binomial_allows(pairs: int) -> None:
    missed = math.floor(may_be_missed(pairs) * pairs)
    assert chance_of_missing_at_most(missed, pairs) <= 1 - CONFIDENCE
    # Hoeffding's bound is not much stricter than it must be.
    assert missed > 0.4 * (1 - RECALL) * pairs or pairs < 20_000
    assert missed < (1 - RECALL) * pairs


def test_pairs_of_one_row_are_worth_one() -> None:
    assert worth(np.array([], np.int32)) == 0
    assert worth(np.array([4, 7, 9])) == pytest.approx(3)
    assert worth(np.array([5] * 100)) == pytest.approx(1)
    assert worth(np.array([1, 2, 3, 3])) == pytest.approx(16 / 6)


def test_a_margin_chosen_on_the_draw_keeps_the_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw by draw the smallest margin is taken that misses no more than is allowed; the true recall of it is
    under RECALL at most as often as CONFIDENCE allows."""
    monkeypatch.setattr(recall, "RECALL", 0.95)
    numbers = np.random.default_rng(0)
    pairs, draws, broken = 400, 2000, 0
    missed = math.floor(may_be_missed(pairs) * pairs)
    assert missed > 3
    for _ in range(draws):
        needed = np.sort(numbers.random(pairs))  # the share of all pairs that needs less
        broken += needed[pairs - 1 - missed] < 0.95
    assert broken <= (1 - CONFIDENCE) * draws
