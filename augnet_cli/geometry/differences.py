"""How two pictures of the same thing differ, where a transform lays one over the other.

Told apart by what each change leaves alone: brightness and colour change the means of blocks, all by one law;
blur changes edges, noise what is plain; paint changes single blocks, against that law.
Letters: h, w sides of the frame, b blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augnet_cli.geometry.agreement import SMALLEST, blocks, equally_sharp
from augnet_cli.geometry.laid import Frame, lay

INSIDE = 0.98  # of a block
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
        colourful: mean distance between the strongest and weakest channel, in levels, of the first and second.
        noise: standard deviation, in levels, of what the first has more than the second nearly everywhere, and
            the reverse; blur and JPEG take from what is busy, noise adds to all alike.
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


NOTHING_SEEN = Differences(0.0, 0.0, 0.0, (0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0))


def differences(first: np.ndarray, second: np.ndarray, frame: Frame) -> Differences:
    """Compare (h, w, 3) uint8 pictures laid over each other by `frame`."""
    import cv2

    inside = blocks(frame.overlap.astype(np.float32)) > INSIDE
    if not inside.any():
        return NOTHING_SEEN
    pictures = lay(frame, first, second)
    means = [blocks(picture)[inside] for picture in pictures]
    greys = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in pictures]
    gain, offset, lawful = _law([blocks(grey)[inside] for grey in greys])
    greys[0] = greys[0] * gain + offset
    painted = _painted(greys, inside, frame.overlap)
    fine = [_fine_energy(grey)[inside] for grey in greys]
    where = np.zeros(inside.shape, bool)
    where[inside] = painted
    return Differences(
        painted=float(painted.mean()),
        paint_in_first=_smoothness(greys, where, frame),
        recoloured=float(np.abs(means[0] - means[1])[lawful].max(axis=1).mean()),
        colourful=_both([float(np.ptp(mean[lawful], axis=1).mean()) for mean in means]),
        noise=_noise(fine),
        texture=_both([float(np.sqrt(energy.mean())) for energy in fine]),
        edges=_both([_edges(grey, frame.overlap) for grey in greys]),
    )


def _both(values: list[float]) -> tuple[float, float]:
    return values[0], values[1]


def _law(greys: list[np.ndarray]) -> tuple[float, float, np.ndarray]:
    """Gain and offset that carry most block means (b,) of the first to the second's, and (b,) which they are."""
    one, other = greys
    lawful = np.ones(len(one), bool)
    gain, offset = 1.0, 0.0
    for _ in range(LAW_ROUNDS):
        chosen, aim = one[lawful], other[lawful]
        spread = float(chosen.var())
        gain = 1.0 if spread < 1 else float(((chosen - chosen.mean()) * (aim - aim.mean())).mean()) / spread
        gain = float(np.clip(gain, 1 / LARGEST_GAIN, LARGEST_GAIN))
        offset = float(aim.mean() - gain * chosen.mean())
        off = np.abs(one * gain + offset - other)
        lawful = off <= max(BROKEN / 2, float(np.quantile(off, LAWFUL)))
    return gain, offset, lawful


def _painted(greys: list[np.ndarray], inside: np.ndarray, overlap: np.ndarray) -> np.ndarray:
    """(b,) bool: blocks that show something else although the law was undone and both are as sharp."""
    one, other = equally_sharp(greys[0], greys[1], overlap)
    mean, mean_other = blocks(one)[inside], blocks(other)[inside]
    variance = np.maximum(blocks(one * one)[inside] - mean**2, 0)
    variance_other = np.maximum(blocks(other * other)[inside] - mean_other**2, 0)
    covariance = blocks(one * other)[inside] - mean * mean_other
    correlation = covariance / np.sqrt(variance * variance_other + SMALLEST)
    strongest = np.sqrt(np.maximum(variance, variance_other))
    other_pattern = (correlation < OTHER_CORRELATION) & (strongest > OTHER_LEVELS)
    painted: np.ndarray = (np.abs(mean - mean_other) > BROKEN) | other_pattern
    return painted


def _smoothness(greys: list[np.ndarray], where: np.ndarray, frame: Frame) -> float:
    """How much smoother the first is where something was painted, in [-1, 1]; 0 where nothing was."""
    import cv2

    size = (greys[0].shape[1], greys[0].shape[0])
    mask = cv2.resize(where.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
    mask &= frame.overlap
    if not mask.any():
        return 0.0
    first, second = (float(np.median(_steepness(grey)[mask])) for grey in greys)
    return (second - first) / (second + first + 1)


# A mask that ignores slopes of the picture (Immerkaer, "Fast Noise Variance Estimation", 1996, equation 4).
_IGNORES_SLOPES = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_GAIN = 6.0  # root of the sum of its squares: by how much it strengthens white noise


def _fine_energy(grey: np.ndarray) -> np.ndarray:
    """Mean square of what no slope explains, block by block."""
    import cv2

    response = cv2.filter2D(grey, cv2.CV_32F, _IGNORES_SLOPES) / _GAIN
    return blocks(response * response)


def _noise(fine: list[np.ndarray]) -> tuple[float, float]:
    """Standard deviation of white noise that one has over the other in all but few blocks, both ways."""
    more = fine[0] - fine[1]
    return _evenly(more), _evenly(-more)


def _evenly(energy: np.ndarray) -> float:
    """Root of what all but few blocks have; 0 where half of them have far more, as texture would."""
    few, half = np.quantile(energy, (FEW, 0.5))
    return float(np.sqrt(few)) if few > EVEN * half > 0 else 0.0


def _edges(grey: np.ndarray, overlap: np.ndarray) -> float:
    """Gradient of the steepest tenth of the pixels."""
    some = _steepness(grey)[::SOME, ::SOME][overlap[::SOME, ::SOME]]
    return max(LEAST_EDGE, float(np.quantile(some, EDGES))) if some.size else LEAST_EDGE


def _steepness(grey: np.ndarray) -> np.ndarray:
    """Length of the gradient of each pixel, in levels a pixel."""
    import cv2

    across, along = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    steepness: np.ndarray = cv2.magnitude(across, along) / SOBEL
    return steepness
