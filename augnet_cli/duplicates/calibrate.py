"""What a threshold means: from distances in a folder to precision and recall at each distance.

Altered copies of the folder's own images give recall.  Precision is 1 - false / found: `found` is counted,
`false` is expected from the neighbours that are too far to be copies (`tail`).  How common copies are in the
folder is unknown and comes in through `found` alone: the same distance is worth less where there are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from augnet_cli.duplicates.tail import (
    LIKELY_SPREADS,
    Fit,
    Tail,
    bin_edges,
    component,
    fit_tail,
)
from augnet_cli.results import CurvePoint

POINTS = 120  # of the curve, each 8 % farther than the one before it
RANGE = 1e-4  # the nearest distance of the curve as a share of the farthest
DIGITS = 4  # of a distance: it can be read, typed and pasted, and is exactly the one that was judged
REPLICATES = 24  # of the bootstrap: the ends of the interval move little with more
DRAWS = 40  # of how many false ones chance made, to each of them
INTERVAL = (0.05, 0.95)
SCALE_STEPS = 128  # the scales of all images, told by this many quantiles


@dataclass(frozen=True)
class Sample:
    """Distances met in a folder of m images of different content.

    Attributes:
        images: m.
        neighbours: (r, K) distances of r of the images to their K nearest others, ascending;
            K = `tail.NEIGHBOURS`.
        probes: (q,) rows of `neighbours` whose images were altered.
        copies: (q, k) distances of those to their own altered copies, one of each kind.
        among: (q, p) distances between altered copies of one image: copies of a third picture.
    """

    images: int
    neighbours: np.ndarray
    probes: np.ndarray
    copies: np.ndarray
    among: np.ndarray


def precision_curve(sample: Sample, kinds: Sequence[str], seed: int = 0) -> tuple[CurvePoint, ...]:
    """Estimate precision, with its 90 % interval, and recall over a range of distances, nearest first.

    `found` counts what `dedupe` would call redundant: of n images all near to each other n - 1.
    The interval is of a bootstrap over images, each time with another likely shape of the tail, and with the
    doubt that so few found ones leave (Jeffreys' prior).

    Args:
        kinds: k names of the columns of `sample.copies`.
        seed: of the bootstrap.
    """
    scales = _scales(sample)
    rows = _Rows(sample, scales, _grid(scales))
    fit = fit_tail(rows.bins.sum(axis=0), rows.components, len(scales))
    share = sample.images / len(scales)  # of the folder's images to the sampled ones
    found, false = share * rows.found.sum(axis=0), share * _false(fit.tail, scales, rows.grid)
    precision = _precision(found, false)
    low, high = _interval(rows, fit, share, np.random.default_rng(seed))
    recalls = (sample.copies[None] <= rows.grid[:, None, None]).mean(axis=1)
    return tuple(
        CurvePoint(
            distance=float(distance),
            found=float(found[point]),
            false=float(false[point]),
            precision=float(precision[point]),
            low=float(min(low[point], precision[point])),
            high=float(max(high[point], precision[point])),
            recall=float(recalls[point].mean()),
            recall_of=dict(zip(kinds, recalls[point].tolist(), strict=True)),
        )
        for point, distance in enumerate(rows.grid)
    )


def calibrated_threshold(curve: Sequence[CurvePoint], precision: float) -> float:
    """The largest distance of a curve whose estimated precision is at least `precision`; 0 if none is."""
    return max((point.distance for point in curve if point.precision >= precision), default=0.0)


class _Rows:
    """What each sampled image adds, so that a bootstrap is a sum with other weights.

    `grid` (g,) distances; `bins` (r, b) neighbours by share of the scale; `found` (r, g).
    """

    def __init__(self, sample: Sample, scales: np.ndarray, grid: np.ndarray) -> None:
        shares = sample.neighbours[:, :-1] / scales[:, None]
        self.grid, self.scales = grid, scales
        self.bins = _counted(shares, bin_edges())
        within = np.cumsum(_counted(sample.neighbours, np.append(0, np.nextafter(grid, np.inf))), axis=1)
        self.found = within / (within + 1)
        own = scales[sample.probes][:, None]
        kinds = [component(column / own[:, 0]) for column in sample.copies.T]
        self.components = np.array([*kinds, component(sample.among / own)])


def _counted(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """(r, b) how many values of each row lie in each bin."""
    bins = len(edges) - 1
    place = np.searchsorted(edges, values, side="right") - 1
    rows = np.broadcast_to(np.arange(len(values))[:, None], values.shape)
    inside = (place >= 0) & (place < bins)
    flat = np.bincount((rows[inside] * bins + place[inside]), minlength=len(values) * bins)
    return flat.reshape(len(values), bins).astype(np.float64)


def _scales(sample: Sample) -> np.ndarray:
    """(r,) distance to the K-th neighbour; never 0, which a crowd of equal embeddings would give."""
    scales = sample.neighbours[:, -1].astype(np.float64)
    return np.maximum(scales, max(RANGE * float(np.median(scales)), np.finfo(np.float32).tiny))


def _grid(scales: np.ndarray) -> np.ndarray:
    """Distances from where nothing is found to where nearly all is wrong, of few digits each."""
    farthest = float(np.median(scales))
    distances = np.geomspace(RANGE * farthest, farthest, POINTS)
    return np.unique([float(f"{distance:.{DIGITS}g}") for distance in distances])


def _false(tail: Tail, scales: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """(g,) wrong pairs expected among the r images and all others, each counted at both of its ends by half.

    An image can be wrongly called redundant once.
    """
    steps = np.quantile(scales, (np.arange(SCALE_STEPS) + 0.5) / SCALE_STEPS)
    pairs = tail.within(grid[:, None] / steps) / (2 * len(scales))
    return np.asarray(np.minimum(pairs, 1).mean(axis=1) * len(scales))


def _precision(found: np.ndarray, false: np.ndarray) -> np.ndarray:
    """1 - false / found; where nothing is found, as if one were: what the first copy there would be worth."""
    return np.clip(1 - false / np.maximum(found, 1), 0, 1)


def _interval(rows: _Rows, fit: Fit, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(g,) both ends of the 90 % interval of the precision."""
    count = len(rows.scales)
    lows, highs = np.empty((2, REPLICATES, DRAWS, len(rows.grid)))
    for replicate in range(REPLICATES):
        chosen = rng.integers(count, size=count)
        weights = np.bincount(chosen, minlength=count).astype(np.float64)
        shape = 1 / rng.uniform(*LIKELY_SPREADS)
        again = fit_tail(weights @ rows.bins, rows.components, count, shape, start=fit)
        found = share * (weights @ rows.found)
        expected = share * _false(again.tail, rows.scales[chosen], rows.grid)
        false = np.minimum(rng.poisson(expected, (DRAWS, len(expected))), found)
        # Two found that are right vouch for little, though most likely neither is wrong.
        lows[replicate] = rng.beta(found - false + 0.5, false + 0.5)
        highs[replicate] = 1 - false / np.maximum(found, 1)
    low, high = np.quantile(lows, INTERVAL[0], axis=(0, 1)), np.quantile(highs, INTERVAL[1], axis=(0, 1))
    return low, high


def threshold_for_precision(copies: np.ndarray, others: np.ndarray, precision: float) -> tuple[float, float]:
    """The largest distance at which the share of true pairs is at least `precision`.

    Args:
        copies: (p,) distances of an image and its altered copy.
        others: (q,) distances of pairs of different images.
        precision: wanted share of copies among all pairs at or under the threshold, in (0, 1].

    Returns:
        The threshold, one of `copies` (0.0 if no distance will do), and the recall of copies there.
    """
    if len(copies) == 0:
        return 0.0, 0.0
    found = np.sort(copies)
    # Equal distances fall on the same side of an inclusive threshold: count all of them.
    true = np.searchsorted(found, found, side="right")
    false = np.searchsorted(np.sort(others), found, side="right")
    good = np.flatnonzero(true / (true + false) >= precision)
    if not len(good):
        return 0.0, 0.0
    best = good[-1]
    return float(found[best]), float(true[best] / len(found))
