"""Folders that exist as distances alone: how many copies they hold, and which neighbours are wrong, is known.

Made by another law than the one that is fitted: normal dimensions, log-normal scales and copies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augnet_cli.duplicates.calibrate import Sample
from augnet_cli.duplicates.tail import NEIGHBOURS

KINDS = ("mild", "middling", "strong")
MEDIANS = (0.003, 0.03, 0.12)  # distances of their copies; the scales lie around 0.4
PROBES = 80


@dataclass(frozen=True)
class Simulated:
    """`right`, `wrong`: ascending distances of true pairs and of false ones."""

    sample: Sample
    right: np.ndarray
    wrong: np.ndarray

    def precision(self, distance: float) -> float:
        right, wrong = (int(np.searchsorted(part, distance, "right")) for part in (self.right, self.wrong))
        return right / max(1, right + wrong)


def copy_distances(rng: np.random.Generator, count: int) -> np.ndarray:
    """(count, kinds) distances of altered copies."""
    return np.minimum(np.array(MEDIANS) * np.exp(0.8 * rng.standard_normal((count, len(MEDIANS)))), 2)


def simulated(
    seed: int, share: float, images: int = 1500, power: float = 1.0, factor: float = 1.0, variety: float = 1.0
) -> Simulated:
    """A folder in which `share` of the images have one copy each; distances d become factor * d ** power.

    `variety` is the deviation of the local dimension between images; its mean is 5.
    """
    rng = np.random.default_rng(seed)
    scales = 0.4 * np.exp(0.3 * rng.standard_normal(images))
    dimensions = np.maximum(5 + variety * rng.standard_normal(images), 1.5)
    places = np.sort(rng.random((images, NEIGHBOURS)), axis=1)
    wrong = scales[:, None] * places ** (1 / dimensions[:, None])
    neighbours, right = wrong.copy(), []
    # Images 2i and 2i + 1 are copies of one another.
    for pair in range(round(images * share / 2)):
        distance = float(copy_distances(rng, 1)[0, rng.integers(len(KINDS))])
        right.append(distance)
        for image in (2 * pair, 2 * pair + 1):
            neighbours[image] = np.sort(np.append(neighbours[image, :-1], distance))
    copies = copy_distances(rng, PROBES)
    among = np.minimum(copies[:, [0, 0, 1]] + copies[:, [1, 2, 2]], 2)
    sample = Sample(
        images,
        factor * neighbours**power,
        np.arange(images - PROBES, images),
        factor * copies**power,
        factor * among**power,
    )
    # A false pair is seen from both of its ends, so every second of them is a pair of its own.
    ends = np.sort(wrong.ravel())
    return Simulated(sample, factor * np.sort(right) ** power, factor * ends[::2] ** power)
