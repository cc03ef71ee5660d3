"""How two pictures of the same thing differ, where a transform lays one over the other.

Told apart by what each change leaves alone: brightness and colour change the means of blocks, all by one law;
blur changes edges, noise what is plain; paint changes single blocks, against that law.
Letters: h, w sides of the frame, b blocks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from augnet_cli.geometry.agreement import (
    blocks_of,
    cells,
    equally_sharp,
    inner_blocks,
    moments,
    quantiles,
)
from augnet_cli.geometry.laid import Frame, lay

LAW_ROUNDS = 3  # of the fit of the law; each leaves out what broke the law before
LAWFUL = 0.6  # of the blocks at least
LARGEST_GAIN = 8.0
BROKEN = 25.0  # grey levels by which a painted block's mean breaks the law of the others
OTHER_CORRELATION, OTHER_LEVELS = 0.5, 12.0  # or a painted block shows another pattern, this strong
FEW, EVEN = 0.1, 0.4  # quantile of the blocks, and its least share of the middle one, where noise was added
EDGES = 0.9  # quantile of the gradient: an edge
SOME = 3  # of the pixels, one in so many each way is enough for a quantile
LEAST_EDGE = 4.0  # grey levels
SOBEL = 8.0  # what its mask makes of a slope of one level a pixel


@dataclass(frozen=True)
class Differences:
    """What the first has over the second; `reversed` what the second has.

    Attributes:
        painted: share of the overlap that shows something else, in [0, 1].
        paint_in_first: how much smoother the first is there, in [-1, 1]: bars, letters and stickers are flat
            between their edges, photographs are not.
        recoloured: mean change of a block's colour, in grey levels of the channel that changes most.
        colourful: mean distance between the strongest and weakest channel, in levels, of the first and
            second.
        noise: standard deviation, in levels, of what the first has more than the second nearly everywhere,
            and the reverse; blur and JPEG take from what is busy, noise adds to all alike.
        edges: steepness of edges, in levels a pixel, of the first and second.
        texture: strength of what is finest, in levels, of the first and second; strong JPEG takes it away.
    """

    painted: float
    paint_in_first: float
    recoloured: float
    colourful: tuple[float, float]
    noise: tuple[float, float]
    edges: tuple[float, float]
    texture: tuple[float, float]

    def reversed(self) -> Differences:
        """What the second has over the first."""
        return Differences(
            self.painted,
            -self.paint_in_first,
            self.recoloured,
            self.colourful[::-1],
            self.noise[::-1],
            self.edges[::-1],
            self.texture[::-1],
        )


NOTHING_SEEN = Differences(0.0, 0.0, 0.0, (0.0, 0.0), (0.0, 0.0), (1.0, 1.0), (1.0, 1.0))


def differences(first: np.ndarray, second: np.ndarray, frame: Frame) -> Differences:
    """Compare (h, w, 3) uint8 pictures laid over each other by `frame`."""
    import cv2

    inside = inner_blocks(frame.overlap)
    if not inside.any():
        return NOTHING_SEEN
    where = np.flatnonzero(inside)  # (b,)
    pictures = lay(frame, first, second)
    means = blocks_of([cells(picture) for picture in pictures]).astype(np.float32)
    means = means.reshape(2, -1, 3).take(where, axis=1)
    # The grey of a mean is the mean of the greys.
    gain, offset, lawful = _law(*cv2.cvtColor(means, cv2.COLOR_RGB2GRAY))
    greys = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in pictures]
    greys[0] = greys[0] * gain + offset
    painted = _painted(greys, frame) & inside
    steepness = [_steepness(grey) for grey in greys]
    fine = blocks_of([_fine_energy(grey) for grey in greys]).reshape(2, -1).take(where, axis=1)
    recoloured, colourful = _colours(means, lawful)
    return Differences(
        painted=int(np.count_nonzero(painted)) / len(where),
        paint_in_first=_smoothness(steepness, painted, frame),
        recoloured=recoloured,
        colourful=colourful,
        noise=_noise(fine[0] - fine[1]),
        texture=_both([math.sqrt(energy) for energy in fine.mean(axis=1).tolist()]),
        edges=_both([_edges(one, frame.overlap) for one in steepness]),
    )


def _both(values: list[float]) -> tuple[float, float]:
    return values[0], values[1]


def _law(one: np.ndarray, other: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Gain and offset that carry most block means (b,) of the first to the second's, and (b,) bool which
    they are.
    """
    # Of all that is lawful one product makes the sums that a straight line needs.
    one, other = one.astype(np.float64), other.astype(np.float64)
    terms = np.stack([one, other, one * one, one * other])
    lawful = np.ones(len(one), bool)
    gain, offset = 1.0, 0.0
    for _ in range(LAW_ROUNDS):
        mean, mean_other, square, product = (terms @ lawful / np.count_nonzero(lawful)).tolist()
        spread = square - mean * mean
        gain = 1.0 if spread < 1 else (product - mean * mean_other) / spread
        gain = min(max(gain, 1 / LARGEST_GAIN), LARGEST_GAIN)
        offset = mean_other - gain * mean
        off = np.abs(one * gain + (offset - other))
        before, lawful = lawful, off <= max(BROKEN / 2, *quantiles(off, LAWFUL))
        if (lawful == before).all():
            break  # the same blocks make the same law again
    return gain, offset, lawful


def _colours(means: np.ndarray, lawful: np.ndarray) -> tuple[float, tuple[float, float]]:
    """`recoloured` and `colourful` of Differences, by block means (2, b, 3), of which some (b,) count."""
    import cv2

    # NumPy is quick along long axes only.
    channels = np.array(cv2.split(means))  # (3, 2, b)
    changed = np.abs(channels[:, 0] - channels[:, 1]).max(axis=0)
    colours = channels.max(axis=0) - channels.min(axis=0)
    weights = lawful / np.count_nonzero(lawful)
    return float(changed @ weights), _both((colours @ weights).tolist())


def _painted(greys: list[np.ndarray], frame: Frame) -> np.ndarray:
    """(rows, columns) bool: blocks that show something else although the law was undone and both are as
    sharp.
    """
    seen = moments(*equally_sharp(greys[0], greys[1], frame.overlap))
    strongest = np.maximum(seen.variance, seen.variance_other)
    other_pattern = (seen.correlation < OTHER_CORRELATION) & (strongest > OTHER_LEVELS**2)
    painted: np.ndarray = (np.abs(seen.mean - seen.mean_other) > BROKEN) | other_pattern
    return painted


def _smoothness(steepness: list[np.ndarray], painted: np.ndarray, frame: Frame) -> float:
    """How much smoother the first is where something was painted, in [-1, 1]; 0 where nothing was."""
    import cv2

    if not painted.any():
        return 0.0
    size = (frame.overlap.shape[1], frame.overlap.shape[0])
    mask = cv2.resize(painted.view(np.uint8), size, interpolation=cv2.INTER_NEAREST).view(bool)
    mask &= frame.overlap
    if not mask.any():
        return 0.0
    first, second = (quantiles(one[mask], 0.5)[0] for one in steepness)
    return (second - first) / (second + first + 1)


# A mask that ignores slopes of the picture (Immerkaer, "Fast Noise Variance Estimation", 1996, equation 4).
# It is divided by the root of the sum of its squares, so as to leave white noise as strong as it is.
_IGNORES_SLOPES = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6


def _fine_energy(grey: np.ndarray) -> np.ndarray:
    """Mean square of what no slope explains, cell by cell."""
    import cv2

    response = cv2.filter2D(grey, cv2.CV_32F, _IGNORES_SLOPES)
    return cells(response * response)


def _noise(more: np.ndarray) -> tuple[float, float]:
    """Standard deviation of white noise that one has over the other in all but few blocks, both ways.

    Args:
        more: (b,), fine energy that the first has over the second.
    """
    few, half, many = quantiles(more, FEW, 0.5, 1 - FEW)
    return _evenly(few, half), _evenly(-many, -half)


def _evenly(few: float, half: float) -> float:
    """Root of what all but few blocks have; 0 where half of them have far more, as texture would."""
    return math.sqrt(few) if few > EVEN * half > 0 else 0.0


def _edges(steepness: np.ndarray, overlap: np.ndarray) -> float:
    """Gradient of the steepest tenth of the pixels."""
    some = steepness[::SOME, ::SOME][overlap[::SOME, ::SOME]]
    return max(LEAST_EDGE, *quantiles(some, EDGES)) if some.size else LEAST_EDGE


def _steepness(grey: np.ndarray) -> np.ndarray:
    """Length of the gradient of each pixel, in levels a pixel."""
    import cv2

    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=1 / SOBEL)
    along = cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1 / SOBEL)
    steepness: np.ndarray = cv2.magnitude(across, along)
    return steepness
