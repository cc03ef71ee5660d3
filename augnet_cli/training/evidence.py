"""How far copies are from their originals, among how many other pictures: the numbers to judge encoders by.

Distances alone, no images.  Letters: h held-out images, c copies of each, q = h c copies in all, g images of
the folder, d dim.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RESAMPLES = 1000  # of the bootstrap: its 5 % quantile is then good to a tenth of the spread
CONFIDENCE = 0.95
# All of 5 images changing for the better by chance has probability 1/32; with fewer nothing is shown.
FEWEST_IMAGES = 5
DECIMALS = 6  # of a distance; what differs less is equal but for rounding, and counts together
BOOTSTRAP_SEED = 0  # the same evidence always gives the same verdict


@dataclass(frozen=True)
class Evidence:
    """What one encoder shows on the held-out images.

    `own`: (h, c) distance of each copy to its original.
    `others`: (h, q): of the pairs of held-out image i or one of its copies with another picture of the
    folder, how many lie at or under the j-th smallest of all `own`.
    `closer`: (h, c) other pictures that are at or under the distance of the copy's original.
    """

    own: np.ndarray
    others: np.ndarray
    closer: np.ndarray


@dataclass(frozen=True)
class Gain:
    """By how much one encoder's µAP is above another's, with the bounds of a 90 % interval."""

    mean: float
    low: float
    high: float
    images: int

    @property
    def is_sure(self) -> bool:
        """Whether it is more than noise: above 0 in 95 of 100 resamples, of enough images."""
        return self.low > 0 and self.images >= FEWEST_IMAGES


def gather(gallery: np.ndarray, held: np.ndarray, copies: np.ndarray) -> Evidence:
    """Compare held-out images and their copies with all other pictures of the folder.

    Args:
        gallery: (g, d) unit rows of different pictures; held: (h,) which of them are held out.
        copies: (h, c, d) unit rows.
    """
    originals = gallery[held].astype(np.float32)
    own = rounded_distances(1 - np.einsum("hd,hcd->hc", originals, copies))
    levels = np.sort(own, axis=None)
    others = np.empty((len(held), own.size), np.int32)
    closer = np.empty(own.shape, np.int32)
    for number, row in enumerate(held):
        rows = np.concatenate([originals[number : number + 1], copies[number]])
        apart = rounded_distances(1 - rows @ gallery.T)
        apart[:, row] = np.inf
        closer[number] = (apart[1:] <= own[number][:, None]).sum(1)
        others[number] = np.searchsorted(np.sort(apart, axis=None), levels, side="right")
    return Evidence(own, others, closer)


def rounded_distances(distances: np.ndarray) -> np.ndarray:
    """Distances, any shape, in [0, 2] and equal where rounding alone parts them."""
    rounded: np.ndarray = np.clip(distances, 0, 2).astype(np.float64).round(DECIMALS)
    return rounded


def precisions(evidence: Evidence, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision at each copy's distance, ascending, with the weight of that copy's image.

    Args:
        weights: (b, h) how often each held-out image counts.

    Returns:
        precision (b, q), weight (b, q), distances (q,).
    """
    order = np.argsort(evidence.own, axis=None, kind="stable")
    levels = evidence.own.ravel()[order]
    weight = weights[:, order // evidence.own.shape[1]]
    # Equal distances fall on the same side of an inclusive threshold: count all of them.
    last = np.searchsorted(levels, levels, side="right") - 1
    true = np.cumsum(weight, axis=1)[:, last]
    false = weights @ evidence.others.astype(weights.dtype)
    return true / np.maximum(true + false, 1), weight, levels


def micro_ap(evidence: Evidence, weights: np.ndarray | None = None) -> np.ndarray:
    """Micro average precision (µAP) of finding the copies, for (b, h) weights; (1,) without."""
    if weights is None:
        weights = np.ones((1, len(evidence.own)), np.float32)
    precision, weight, _ = precisions(evidence, weights)
    ap: np.ndarray = (precision * weight).sum(1) / weight.sum(1)
    return ap


def threshold_at(evidence: Evidence, precision: float) -> float:
    """The largest distance of a copy at which the share of true pairs reaches `precision`; -1 if none."""
    reached, _, levels = precisions(evidence, np.ones((1, len(evidence.own)), np.float32))
    good = np.flatnonzero(reached[0] >= precision)
    return float(levels[good[-1]]) if len(good) else -1.0


def precision_within(evidence: Evidence, distance: float) -> float:
    """The share of true pairs at the farthest copy within `distance`; 1 if there is none."""
    reached, _, levels = precisions(evidence, np.ones((1, len(evidence.own)), np.float32))
    within = int(np.searchsorted(levels, distance, side="right"))
    return float(reached[0, within - 1]) if within else 1.0


def gain_of(new: Evidence, old: Evidence) -> Gain:
    """How much better `new` finds the same copies than `old`: a paired bootstrap over the held-out images.

    Images are drawn with all their copies, as copies of one image are found or missed together; the same
    draw serves both encoders, so that hard images are hard for both (Efron and Tibshirani, "An Introduction
    to the Bootstrap", 1993, chapter 16).
    """
    count = len(new.own)
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    draws = rng.multinomial(count, np.full(count, 1 / count), RESAMPLES).astype(np.float32)
    # A hundred at a time: the weights of all copies in all resamples would fill the memory.
    parts = np.array_split(draws, max(1, RESAMPLES // 100))
    gains = np.concatenate([micro_ap(new, part) - micro_ap(old, part) for part in parts])
    low, high = np.quantile(gains, [1 - CONFIDENCE, CONFIDENCE])
    mean = float(micro_ap(new)[0] - micro_ap(old)[0])
    return Gain(mean, float(low), float(high), count)
