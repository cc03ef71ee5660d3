"""How two pictures of the same thing differ, where a transform lays one over the other.

Told apart by what each change leaves alone: brightness and colour change the means of blocks, all by one law;
blur changes edges, noise what is plain; paint changes single blocks, against that law.
Letters: h, w sides of the frame, b blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augnet_cli.geometry.agreement import blocks
from augnet_cli.geometry.laid import Frame, lay

INSIDE = 0.98  # of a block
LAW_ROUNDS = 3  # of the fit of the law; each leaves out what broke the law before
BROKEN = 25.0  # grey levels by which a painted block's mean breaks the law of the others
OTHER_CORRELATION, OTHER_LEVELS = 0.5, 12.0  # or a painted block shows another pattern, this strong
PLAINEST = 0.2  # share of the blocks in which noise is looked for
EDGES = 0.9  # quantile of the gradient: an edge
LEAST_EDGE = 4.0  # grey levels
COMMON_LEVELS = 16  # of grey, that count as one when paint is told from picture


@dataclass(frozen=True)
class Differences:
    """What the first has over the second; each figure turns its sign or is inverted for the reverse.

    Attributes:
        painted: share of the overlap that shows something else, in [0, 1].
        paint_in_first: how much more of one grey the first has there, in [-1, 1]: lettering, bars and stickers
            have few greys, photographs many.
        recoloured: mean change of a block's colour, in grey levels of the channel that changes most.
        colourful: mean distance between the strongest and weakest channel, in levels, of the first and second.
        noise: standard deviation of what is noise in plain parts, in levels, of the first and second.
        edges: steepness of edges, in levels a pixel, of the first and second.
    """

    painted: float
    paint_in_first: float
    recoloured: float
    colourful: tuple[float, float]
    noise: tuple[float, float]
    edges: tuple[float, float]


SAME = Differences(0.0, 0.0, 0.0, (0.0, 0.0), (0.0, 0.0), (0.0, 0.0))


def differences(first: np.ndarray, second: np.ndarray, frame: Frame) -> Differences:
    """Compare (h, w, 3) uint8 pictures laid over each other by `frame`."""
    inside = blocks(frame.overlap.astype(np.float32)) > INSIDE
    if not inside.any():
        return SAME
    pictures = lay(frame, first, second)
    means = [blocks(picture)[inside] for picture in pictures]
    painted = _painted(pictures, means, inside)
    left = ~painted if not painted.all() else painted
    greys = [picture.mean(axis=2) for picture in pictures]
    where = np.zeros(inside.shape, bool)
    where[inside] = painted
    return Differences(
        painted=float(painted.mean()),
        paint_in_first=_plainness(greys[0], where, frame) - _plainness(greys[1], where, frame),
        recoloured=float(np.abs(means[0] - means[1])[left].max(axis=1).mean()),
        colourful=_both([float(np.ptp(mean[left], axis=1).mean()) for mean in means]),
        noise=_both([_noise(grey, inside) for grey in greys]),
        edges=_both([_edges(grey, frame.overlap) for grey in greys]),
    )


def _both(values: list[float]) -> tuple[float, float]:
    return values[0], values[1]


def _painted(
    pictures: tuple[np.ndarray, np.ndarray], means: list[np.ndarray], inside: np.ndarray
) -> np.ndarray:
    """(b,) bool: blocks that show something else, after the law that made most blocks of one those of the other."""
    greys = [mean.mean(axis=1) for mean in means]
    lawful = np.ones(len(greys[0]), bool)
    for _ in range(LAW_ROUNDS):
        gain, offset = _law(greys[0][lawful], greys[1][lawful])
        off = np.abs(greys[0] * gain + offset - greys[1])
        lawful = off <= max(BROKEN / 2, float(np.quantile(off, 0.6)))
    one, other = (picture.mean(axis=2) for picture in pictures)
    one = one * gain + offset
    mean, mean_other = (blocks(picture)[inside] for picture in (one, other))
    variance = np.maximum(blocks(one * one)[inside] - mean**2, 0)
    variance_other = np.maximum(blocks(other * other)[inside] - mean_other**2, 0)
    covariance = blocks(one * other)[inside] - mean * mean_other
    correlation = covariance / np.sqrt(variance * variance_other + 1e-3)
    strongest = np.sqrt(np.maximum(variance, variance_other))
    painted: np.ndarray = (off > BROKEN) | (
        (correlation < OTHER_CORRELATION) & (strongest > OTHER_LEVELS)
    )
    return painted


def _law(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Gain and offset that carry block means of one picture to the other's, by least squares."""
    spread = float(one.var())
    if spread < 1.0:
        return 1.0, float(other.mean() - one.mean())
    gain = float(((one - one.mean()) * (other - other.mean())).mean()) / spread
    return gain, float(other.mean() - gain * one.mean())


def _plainness(grey: np.ndarray, where: np.ndarray, frame: Frame) -> float:
    """Share of the painted pixels whose grey is the commonest there; 0 where nothing is painted."""
    import cv2

    if not where.any():
        return 0.0
    mask = cv2.resize(
        where.astype(np.uint8), (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_NEAREST
    )
    counts = np.bincount((grey[mask.astype(bool) & frame.overlap] // COMMON_LEVELS).astype(np.int64))
    return float(counts.max() / counts.sum()) if counts.sum() else 0.0


# A mask that ignores slopes of the picture (Immerkaer, "Fast Noise Variance Estimation", 1996, equation 4).
_IGNORES_SLOPES = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_GAIN = 6.0  # root of the sum of its squares: by how much it strengthens white noise


def _noise(grey: np.ndarray, inside: np.ndarray) -> float:
    """Standard deviation of white noise, in the plainest blocks."""
    import cv2

    response = cv2.filter2D(grey.astype(np.float32), cv2.CV_32F, _IGNORES_SLOPES)
    levels = np.sqrt(np.maximum(blocks(response * response)[inside], 0)) / _GAIN
    return float(np.quantile(levels, PLAINEST))


def _edges(grey: np.ndarray, overlap: np.ndarray) -> float:
    """Gradient of the steepest tenth of the pixels."""
    import cv2

    grey = grey.astype(np.float32)
    steepness = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8
    return max(LEAST_EDGE, float(np.quantile(steepness[overlap], EDGES)))
