"""µAP, thresholds and the gain of one encoder over another, against slow loops and other libraries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import average_precision_score

from augnet_cli.evaluation.copies import average_precision, precision_recall
from augnet_cli.training.evidence import (
    Evidence,
    gain_of,
    gather,
    micro_ap,
    precision_within,
    threshold_at,
)
from augnet_cli.training.judge import alignment, effective_rank, uniformity


def unit(rng: np.random.Generator, *shape: int) -> np.ndarray:
    rows = rng.standard_normal(shape)
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def sample(
    seed: int, noise: float = 1.0, held: int = 4, copies: int = 3, gallery: int = 12
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures, which are held out, and copies that are the nearer the smaller `noise` is."""
    rng = np.random.default_rng(seed)
    rows = unit(rng, gallery, 5)
    chosen = np.sort(rng.permutation(gallery)[:held])
    moved = rows[chosen][:, None] + noise * unit(rng, held, copies, 5)
    return rows, chosen, (moved / np.linalg.norm(moved, axis=2, keepdims=True)).astype(np.float32)


def all_pairs(gallery: np.ndarray, held: np.ndarray, copies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances of all pairs that count, and which of them are true, one pair after another."""
    distances, true = [], []
    for number, row in enumerate(held):
        for query, is_copy in [(gallery[row], False), *((one, True) for one in copies[number])]:
            for other, picture in enumerate(gallery):
                if other == row and not is_copy:
                    continue
                distances.append(round(float(np.clip(1 - query @ picture, 0, 2)), 6))
                true.append(other == row)
    return np.array(distances), np.array(true)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), noise=st.sampled_from([0.1, 0.5, 1.0, 3.0]))
def test_micro_ap_and_threshold_are_those_of_all_pairs(seed: int, noise: float) -> None:
    parts = sample(seed, noise)
    evidence = gather(*parts)
    distances, true = all_pairs(*parts)
    precision, recall, at = precision_recall(distances, true)
    assert micro_ap(evidence)[0] == pytest.approx(average_precision(precision, recall), abs=1e-5)
    assert micro_ap(evidence)[0] == pytest.approx(average_precision_score(true, -distances), abs=1e-5)
    for level in (0.5, 0.9):
        good = np.flatnonzero((precision >= level) & np.isin(at, distances[true]))
        expected = at[good[-1]] if len(good) else -1.0
        assert threshold_at(evidence, level) == pytest.approx(expected, abs=2e-6)


def test_closer_pictures_are_counted_as_a_loop_counts_them() -> None:
    gallery, held, copies = sample(3)
    evidence = gather(gallery, held, copies)
    for number, row in enumerate(held):
        for kind, copy in enumerate(copies[number]):
            own = 1 - copy @ gallery[row]
            closer = sum(1 - copy @ picture <= own for k, picture in enumerate(gallery) if k != row)
            assert evidence.closer[number, kind] == closer


@pytest.mark.parametrize("distance", [0.0, 0.1, 0.3, 0.6, 2.0])
def test_precision_within_a_distance_is_that_of_a_loop(distance: float) -> None:
    """At the farthest copy within it: a false pair between that copy and the distance counts for none."""
    gallery, held, copies = sample(3)
    evidence = gather(gallery, held, copies)
    reach = evidence.own[evidence.own <= distance].max(initial=-1.0)
    true = false = 0
    for number, row in enumerate(held):
        rows = [gallery[row], *copies[number]]
        true += int((evidence.own[number] <= reach).sum())
        for each in rows:
            false += sum(
                1 - float(each @ other) <= reach + 1e-6 for k, other in enumerate(gallery) if k != row
            )
    assert precision_within(evidence, distance) == pytest.approx(true / (true + false) if true else 1.0)


def test_weights_are_how_often_an_image_is_drawn() -> None:
    gallery, held, copies = sample(5, held=3)
    evidence = gather(gallery, held, copies)
    weights = np.array([[2, 0, 1]], np.float32)
    doubled = np.array([0, 0, 2])
    order = np.sort(evidence.own, axis=None)
    own = evidence.own[doubled]
    at = np.searchsorted(order, np.sort(own, axis=None), side="right") - 1
    drawn = Evidence(own, evidence.others[doubled][:, at], evidence.closer[doubled])
    assert micro_ap(evidence, weights)[0] == pytest.approx(micro_ap(drawn)[0], abs=1e-6)


def test_collapsed_encoder_finds_nothing() -> None:
    rows = np.tile(unit(np.random.default_rng(0), 1, 8), (30, 1))
    evidence = gather(rows, np.arange(5), np.tile(rows[:1], (5, 4, 1)))
    assert micro_ap(evidence)[0] < 0.05 and threshold_at(evidence, 0.99) == -1
    assert (evidence.closer == 29).all()
    assert effective_rank(rows) == pytest.approx(1)


def test_better_encoder_is_sure_and_itself_is_not() -> None:
    size = {"held": 20, "copies": 5, "gallery": 60}
    good, bad = gather(*sample(7, 0.3, **size)), gather(*sample(7, 1.5, **size))
    gain = gain_of(good, bad)
    assert gain.is_sure and 0 < gain.low < gain.mean < gain.high and gain.images == 20
    assert gain == gain_of(good, bad)
    back = gain_of(bad, good)
    assert not back.is_sure and back.high < 0
    same = gain_of(good, good)
    assert (same.mean, same.low, same.high, same.is_sure) == (0, 0, 0, False)


def test_four_images_show_nothing() -> None:
    good, bad = gather(*sample(7, 0.1)), gather(*sample(7, 3.0))
    assert gain_of(good, bad).low > 0 and not gain_of(good, bad).is_sure


def test_encoders_that_are_equally_good_are_rarely_told_apart() -> None:
    """Both see the same pictures with other noise: 5 % of verdicts may be wrong; more than 12 % of 100 are
    so with a probability of 1 in 500."""
    wrong = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        gallery = unit(rng, 60, 8)
        held = np.arange(15)
        draws = []
        for _ in range(2):
            moved = gallery[held][:, None] + 0.9 * unit(rng, 15, 6, 8)
            draws.append((moved / np.linalg.norm(moved, axis=2, keepdims=True)).astype(np.float32))
        wrong += gain_of(gather(gallery, held, draws[0]), gather(gallery, held, draws[1])).is_sure
    assert wrong <= 12
    assert stats.binom.sf(12, 100, 0.05) < 0.002


def test_uniformity_alignment_and_rank_are_those_of_their_formulas() -> None:
    rng = np.random.default_rng(0)
    rows, copies = unit(rng, 9, 4), unit(rng, 9, 3, 4)
    pairs = [np.exp(-2 * np.square(rows[i] - rows[k]).sum()) for i in range(9) for k in range(i)]
    assert uniformity(rows) == pytest.approx(np.log(np.mean(pairs)), rel=1e-5)
    apart = [np.square(rows[i] - copies[i, c]).sum() for i in range(9) for c in range(3)]
    assert alignment(rows, copies) == pytest.approx(np.mean(apart), rel=1e-5)
    values = np.sqrt(np.clip(np.linalg.eigvalsh(rows.T.astype(np.float64) @ rows), 0, None))
    assert effective_rank(rows) == pytest.approx(np.exp(stats.entropy(values)), rel=1e-4)
    assert effective_rank(np.eye(4)) == pytest.approx(4)
