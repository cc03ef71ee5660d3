"""How many pairs of *different* pictures lie within a small distance, from pairs at larger ones.

Near 0 a folder's pairs are copies and different pictures mixed, and no pair says which it is.
Farther out nearly all are different ones, and two things are known of them:

- How near an image's other neighbours are tells how near a wrong one may come: line drawings lie close
  together, photographs far apart.  So a neighbour's distance is taken relative to the image's own *scale*,
  the distance to its K-th nearest one.
- Around a point of a smooth set of local dimension g the number of neighbours grows as the g-th power of the
  radius (Levina and Bickel, "Maximum Likelihood Estimation of Intrinsic Dimension", 2004).  The dimension
  differs between pictures; where it has a gamma distribution of mean g and shape k the mean number within a
  share x of the scale is K (1 + g/k ln(1/x))^-k, which falls more slowly towards 0 than a power does.

The rest of the neighbours, an unknown number of each kind of copy, are spread as known copies are.
Both parts are fitted together to counts in bins by Poisson likelihood, expectation and maximisation in turn.
Letters: r sampled images, K their nearest neighbours, b bins, c components of copies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# More than the copies that a picture commonly has (20), few enough to say how dense it is just there.
NEIGHBOURS = 64
# Shape of the gamma distribution of dimensions: a coefficient of variation of 0.29.  Chosen on folders made
# by `benchmarks/calibration.py`, where 16 promised too much on some and 10 lost a fifth of the copies found.
SHAPE = 12.0
# What 1 / shape may be elsewhere: from one dimension for all pictures, as of box covers, to more variety than
# any mixture of collections had.  The interval's share of doubt in the law itself.
LIKELY_SPREADS = (0.01, 0.125)
BINS = 48
NEAREST_BIN = 0.01  # share of the scale; all that is nearer is one bin, copies of the mildest kinds
# The law is no truth: no bin may count as more than 1 / 0.05^2 = 400 independent neighbours, or the hundred
# thousands near the scale would choose the slope for the few that matter.
RELATIVE_ERROR = 0.05
STEPS = 150  # of the fit from afar; its steps are damped
WARM_STEPS = 15  # from a fit to nearly the same counts
LEAST_SLOPE = 0.3
LARGEST_STEP = 0.5  # of the logarithm of the level and of the slope
FLOOR = 1e-4  # of a component, spread over all bins: no bin is impossible for a copy
FARTHEST_LOG = 60.0  # ln(1/x) at a distance of 0


@dataclass(frozen=True)
class Tail:
    """ln of the neighbours that all r images have within their scale, the slope g there, the shape k."""

    level: float
    slope: float
    shape: float

    def within(self, shares: np.ndarray) -> np.ndarray:
        """Wrong neighbours of all r images within shares (any shape, 0 to 1) of their scales."""
        with np.errstate(divide="ignore"):
            far = np.minimum(-np.log(np.minimum(shares, 1)), FARTHEST_LOG)
        return np.exp(self.level - self.shape * np.log1p(self.slope * far / self.shape))


@dataclass(frozen=True)
class Fit:
    """The wrong neighbours' tail and (c,) how many neighbours are copies of each component."""

    tail: Tail
    copies: np.ndarray


def bin_edges() -> np.ndarray:
    """(b + 1,) shares of the scale, from 0 to just under 1: the K-th neighbour itself made the scale."""
    edges = np.geomspace(NEAREST_BIN, 1 - 1e-3, BINS + 1)
    edges[0] = 0
    return edges


def binned(shares: np.ndarray) -> np.ndarray:
    """(b,) how many shares of the scale lie in each bin."""
    return np.histogram(shares, bin_edges())[0].astype(np.float64)


def component(shares: np.ndarray) -> np.ndarray:
    """(b,) how the copies of one kind spread over the bins; sums to less than 1 where some lie beyond."""
    return binned(shares) / max(1, shares.size) + FLOOR / BINS


def fit_tail(
    counts: np.ndarray, components: np.ndarray, images: int, shape: float = SHAPE, start: Fit | None = None
) -> Fit:
    """Split counts of neighbours into copies and a tail of wrong ones.

    Args:
        counts: (b,) neighbours of `images` images in each bin of `bin_edges`.
        components: (c, b), from `component`.
        images: r.
        shape: k of the tail.
        start: a fit to nearly the same counts, which saves most of the steps.
    """
    weights = 1 / (1 + RELATIVE_ERROR**2 * counts)
    tail = Tail(np.log(images * NEIGHBOURS), 4.0, shape)  # 4: any common dimension; it is left at once
    copies = np.full(len(components), 0.02 * images)
    if start is not None:
        tail, copies = Tail(start.tail.level, start.tail.slope, shape), start.copies
    for _ in range(STEPS if start is None else WARM_STEPS):
        wrong = _in_bins(tail)
        ratio = counts / (wrong + copies @ components)
        copies = copies * (components @ (weights * ratio)) / np.maximum(components @ weights, 1e-12)
        tail = _step(tail, wrong, wrong * ratio, weights)
    return Fit(tail, copies)


def _in_bins(tail: Tail) -> np.ndarray:
    return np.maximum(np.diff(tail.within(bin_edges())), 1e-12)


def _step(tail: Tail, wrong: np.ndarray, wanted: np.ndarray, weights: np.ndarray) -> Tail:
    """One damped Newton step of the weighted Poisson likelihood towards the counts `wanted`."""
    small = 1e-4
    steeper = _in_bins(Tail(tail.level, tail.slope + small, tail.shape))
    # Gradient of the logarithm by level, which is 1 throughout, and by slope.
    gradient = np.stack([np.ones(BINS), (np.log(steeper) - np.log(wrong)) / small], axis=1)
    curvature = (gradient * (weights * wrong)[:, None]).T @ gradient + 1e-9 * np.eye(2)
    step = np.linalg.solve(curvature, gradient.T @ (weights * (wanted - wrong)))
    level, slope = np.clip(step, -LARGEST_STEP, LARGEST_STEP)
    return Tail(tail.level + float(level), max(LEAST_SLOPE, tail.slope + float(slope)), tail.shape)
