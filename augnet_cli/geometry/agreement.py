"""Whether two small grey pictures show the same where a transform lays one over the other.

The sharper of both is blurred until both are as sharp; then small blocks are compared by normalised
correlation, which brightness and contrast don't change.  Plain blocks say nothing and are left out.
Photos of one scene from two places fit nowhere as a whole, which is what tells them from copies: a
painted-over block is wholly other, a moved one only somewhat.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from augnet_cli.geometry.laid import TAILS, Frame, blurred, frame_of, lay

BLOCK = 15  # pixels of a side: large enough to hold a pattern, small enough to be cut by no overlay
CELLS = 3  # along a block's side; odd, so that a block has one in its middle
STEP = BLOCK // CELLS  # pixels between blocks: a cell's side
SAME_CORRELATION = (
    0.75  # of a block; noise and strong JPEG keep it, other content does not reach it by chance
)
SOMEWHAT = (0.4, 0.92)  # correlations of what has moved a little, or is only much alike
LEAST_VARIANCE = 12.0  # of grey levels in a block that shows something, after smoothing
FEWEST_BLOCKS = 6  # with fewer nothing can be said
SMOOTHING = 1.0  # pixels: noise and JPEG's blocks go
BLURS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)  # pixels, tried in turn until the sharper picture is as soft
AS_SHARP = 1.05
UPPER = 0.7  # a quantile: up to 30 % of a picture may be painted over
INSIDE = 0.98  # of a block
SMALLEST = 1e-3  # keeps a correlation with a plain block finite
LINE = 3  # pixels along the line between what both show and what one shows
DETAIL = 7  # pixels of a side, in which something is seen beyond that line
REACH = DETAIL // 2 + math.ceil(TAILS * SMOOTHING)  # pixels around one, on which what is seen there depends
LEVEL = 3.0  # grey levels by which block means of a plain picture's copy differ at most
LEAST_SLOPE = 3.0  # standard deviation of the block means: blank pages are all alike
LEAST_SIDE = 24  # pixels of overlap: less shows nothing


@dataclass(frozen=True)
class Agreement:
    """How well two pictures agree.

    Attributes:
        share: of the blocks of the overlap that show something, those that show the same; in [0, 1].
        somewhat: those that are neither the same nor wholly other; in [0, 1].
        median, upper: correlation of the middle block, and of that at UPPER, in [-1, 1].
        blocks: how many show something.
        lacking: share of the first's area that shows something and lies outside the second, and the reverse:
            what the other lacks.  Plain margins, as of a frame, do not count.
    """

    share: float
    somewhat: float
    median: float
    upper: float
    blocks: int
    lacking: tuple[float, float]


NONE = Agreement(0.0, 0.0, 0.0, 0.0, 0, (1.0, 1.0))


def agreement(first: np.ndarray, second: np.ndarray, frame: Frame) -> Agreement:
    """Compare (h, w) uint8 pictures where `frame`, of `laid.frame_of`, lays them over each other."""
    if not _is_large(frame.overlap):
        return NONE
    correlations = _correlations(*lay(frame, first, second), frame.overlap)
    coarse, fine = (first, second) if frame.is_first else (second, first)
    lacking = (_shown(coarse, ~frame.overlap), _shown(fine, frame.beyond))
    if not frame.is_first:
        lacking = (lacking[1], lacking[0])
    if len(correlations) < FEWEST_BLOCKS:
        return Agreement(0.0, 0.0, 0.0, 0.0, len(correlations), lacking)
    low, high = SOMEWHAT
    median, upper = quantiles(correlations, 0.5, UPPER)
    return Agreement(
        share=share_of(correlations > SAME_CORRELATION),
        somewhat=share_of((correlations > low) & (correlations < high)),
        median=median,
        upper=upper,
        blocks=len(correlations),
        lacking=lacking,
    )


def are_level(first: np.ndarray, second: np.ndarray, matrix: np.ndarray) -> bool:
    """Whether two pictures without patterns, (h, w) uint8, have the same greys throughout, and not one grey
    alone.
    """
    frame = frame_of(first.shape, second.shape, matrix)
    if not _is_large(frame.overlap):
        return False
    one, other = (blocks(picture) for picture in lay(frame, first, second))
    return bool(np.abs(one - other).max() <= LEVEL and one.std() >= LEAST_SLOPE)


def _is_large(overlap: np.ndarray) -> bool:
    import cv2

    # Where two frames lie upon each other is convex: it fills the rows and columns of what bounds it.
    _left, _top, width, height = cv2.boundingRect(overlap.view(np.uint8))
    return min(width, height) >= LEAST_SIDE


def _correlations(one: np.ndarray, other: np.ndarray, overlap: np.ndarray) -> np.ndarray:
    """Of each block of the overlap that shows something in either picture."""
    one, other = (blurred(picture, SMOOTHING) for picture in (one, other))
    seen = moments(*equally_sharp(one, other, overlap))
    telling = np.maximum(seen.variance, seen.variance_other) > LEAST_VARIANCE
    return seen.correlation[telling & inner_blocks(overlap)]


def equally_sharp(one: np.ndarray, other: np.ndarray, overlap: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sharper of both blurred until it is as soft as the other within the overlap."""
    values = sharpness(one, overlap), sharpness(other, overlap)
    sharp, aim = (one, values[1]) if values[0] > values[1] else (other, values[0])
    if max(values) > AS_SHARP * aim:
        for sigma in BLURS:
            soft = blurred(sharp, sigma)
            if sharpness(soft, overlap) <= aim:
                break
        one, other = (soft, other) if values[0] > values[1] else (one, soft)
    return one, other


def sharpness(picture: np.ndarray, where: np.ndarray) -> float:
    """Mean of the absolute Laplacian of a (h, w) float32 picture."""
    import cv2

    mask = where.view(np.uint8)
    total = cv2.norm(cv2.Laplacian(picture, cv2.CV_32F), cv2.NORM_L1, mask)
    return float(total) / max(1, cv2.countNonZero(mask))


def blocks(picture: np.ndarray) -> np.ndarray:
    """Means of blocks that lie wholly inside, one every STEP pixels; (h, w) or (h, w, c) float32."""
    return blocks_of([cells(picture)])[0]


def cells(picture: np.ndarray) -> np.ndarray:
    """Means of cells of STEP pixels a side, of which blocks are made: so each pixel is added but once."""
    import cv2

    down, across = picture.shape[0] // STEP, picture.shape[1] // STEP
    whole = picture[: down * STEP, : across * STEP]
    means: np.ndarray = cv2.resize(whole, (across, down), interpolation=cv2.INTER_AREA)
    return means


def blocks_of(parts: list[np.ndarray]) -> np.ndarray:
    """(p, ...) float64: blocks of p pictures at once, given the cells of each, of one shape."""
    import cv2

    # All stand below each other; blocks that reach over into the next are left out.
    means = cv2.boxFilter(cv2.vconcat(parts), cv2.CV_64F, (CELLS, CELLS)).reshape(len(parts), *parts[0].shape)
    margin = CELLS // 2
    return np.ascontiguousarray(means[:, margin:-margin, margin:-margin])


def inner_blocks(overlap: np.ndarray) -> np.ndarray:
    """(rows, columns) bool: the blocks that lie in an overlap, (h, w) bool; none if it can hold none."""
    if min(overlap.shape) < BLOCK:
        return np.zeros((0, 0), bool)
    if overlap.all():
        down, across = (side // STEP - CELLS + 1 for side in overlap.shape)
        return np.ones((down, across), bool)
    return blocks(overlap.astype(np.float32)) > INSIDE


@dataclass(frozen=True, eq=False)
class Moments:
    """Means, variances and covariance of the blocks of two pictures, (rows, columns) each."""

    mean: np.ndarray
    mean_other: np.ndarray
    variance: np.ndarray
    variance_other: np.ndarray
    covariance: np.ndarray

    @property
    def correlation(self) -> np.ndarray:
        correlation: np.ndarray = self.covariance / np.sqrt(self.variance * self.variance_other + SMALLEST)
        return correlation


def moments(one: np.ndarray, other: np.ndarray) -> Moments:
    """Those of two (h, w) float32 pictures."""
    mean, mean_other, square, square_other, product = blocks_of(
        [cells(one), cells(other), cells(one * one), cells(other * other), cells(one * other)]
    )
    return Moments(
        mean,
        mean_other,
        np.maximum(square - mean * mean, 0),
        np.maximum(square_other - mean_other * mean_other, 0),
        product - mean * mean_other,
    )


def quantiles(values: np.ndarray, *shares: float) -> list[float]:
    """Of a flat array that is not empty, as `np.quantile` finds them, but quicker where numbers are few."""
    last = len(values) - 1
    below = [int(share * last) for share in shares]
    above = [min(place + 1, last) for place in below]
    ordered = np.partition(values, below + above)
    return [
        float(ordered[low]) + (share * last - low) * (float(ordered[high]) - float(ordered[low]))
        for share, low, high in zip(shares, below, above, strict=True)
    ]


def share_of(true: np.ndarray) -> float:
    """Mean of a bool array."""
    return int(np.count_nonzero(true)) / true.size


def _shown(picture: np.ndarray, where: np.ndarray) -> float:
    """Share of the picture's area that lies `where` and shows something."""
    import cv2

    if not where.any():
        return 0.0
    # The line between both pictures is itself something to see, and known to a pixel or two.
    inner = cv2.erode(where.view(np.uint8), np.ones((3, 3), np.uint8), iterations=LINE, borderValue=1)
    left, top, width, height = cv2.boundingRect(inner)
    if not width:
        return 0.0
    rows = slice(max(0, top - REACH), top + height + REACH)
    columns = slice(max(0, left - REACH), left + width + REACH)
    values = blurred(picture[rows, columns], SMOOTHING)
    mean = cv2.boxFilter(values, cv2.CV_32F, (DETAIL, DETAIL))
    variance = cv2.boxFilter(values * values, cv2.CV_32F, (DETAIL, DETAIL)) - mean * mean
    shown = (inner[rows, columns] > 0) & (variance > LEAST_VARIANCE)
    return int(np.count_nonzero(shown)) / picture.size
