"""Whether two small grey pictures show the same where a transform lays one over the other.

The finer picture is blurred and drawn into the frame of the coarser one; the sharper of both is blurred until
both are as sharp; then small blocks are compared by normalised correlation, which brightness and contrast don't
change.  Plain blocks say nothing and are left out.  Photos of one scene from two places fit nowhere as a whole,
which is what tells them from copies, and where they do, at a distance, each shows something that the other lacks.
Letters: h, w sides of a picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BLOCK = 15  # pixels of a side: large enough to hold a pattern, small enough to be cut by no overlay
STEP = 5  # pixels between blocks
SAME_CORRELATION = 0.75  # of a block; noise and strong JPEG keep it, other content does not reach it by chance
LEAST_VARIANCE = 12.0  # of grey levels in a block that shows something, after smoothing
FEWEST_BLOCKS = 6  # with fewer nothing can be said
SMOOTHING = 1.0  # pixels: noise and JPEG's blocks go
BLURS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)  # pixels, tried in turn until the sharper picture is as soft
UPPER = 0.7  # a quantile: up to 30 % of a picture may be painted over
WHOLE = 0.99  # of a pixel that lies on the other picture
SMALLEST = 1e-3  # keeps a correlation with a plain block finite
LEAST_SIDE = 24  # pixels of overlap: less shows nothing


@dataclass(frozen=True)
class Agreement:
    """How well two pictures agree.

    Attributes:
        share: of the blocks of the overlap that show something, those that show the same; in [0, 1].
        median, upper: correlation of the middle block, and of that at UPPER, in [-1, 1].
        blocks: how many show something.
        lacking: share of the first's area that shows something and lies outside the second, and the reverse:
            what the other lacks.  Plain margins, as of a frame, do not count.
    """

    share: float
    median: float
    upper: float
    blocks: int
    lacking: tuple[float, float]


NONE = Agreement(0.0, 0.0, 0.0, 0, (1.0, 1.0))


def agreement(first: np.ndarray, second: np.ndarray, matrix: np.ndarray) -> Agreement:
    """Compare (h, w) uint8 pictures; `matrix` (2, 3) carries pixels of the first to those of the second."""
    import cv2

    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))  # pixels of the second in one of the first
    back = cv2.invertAffineTransform(matrix)
    coarse, fine, to_fine, to_coarse = first, second, matrix, back
    if scale < 1:
        coarse, fine, to_fine, to_coarse = second, first, back, matrix
    on_coarse = _drawn(np.ones(fine.shape, np.float32), to_fine, coarse.shape) > WHOLE
    if not _is_large(on_coarse):
        return NONE
    on_fine = _drawn(np.ones(coarse.shape, np.float32), to_coarse, fine.shape) > 0.5
    ratio = max(scale, 1 / scale)
    sharp = fine.astype(np.float32)
    if ratio > 1:
        sharp = cv2.GaussianBlur(sharp, (0, 0), 0.45 * float(np.sqrt(ratio**2 - 1)) + 1e-3)
    drawn = _drawn(sharp, to_fine, coarse.shape)
    correlations = _correlations(coarse.astype(np.float32), drawn, on_coarse)
    lacking = (_shown(coarse, ~on_coarse), _shown(fine, ~on_fine))
    if scale < 1:
        lacking = (lacking[1], lacking[0])
    if len(correlations) < FEWEST_BLOCKS:
        return Agreement(0.0, 0.0, 0.0, len(correlations), lacking)
    share = float((correlations > SAME_CORRELATION).mean())
    median, upper = np.quantile(correlations, (0.5, UPPER))
    return Agreement(share, float(median), float(upper), len(correlations), lacking)


def _drawn(picture: np.ndarray, matrix: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`picture` in a frame of `shape` whose pixels `matrix` carries to those of the picture; 0 outside."""
    import cv2

    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    drawn: np.ndarray = cv2.warpAffine(picture, matrix, (shape[1], shape[0]), flags=flags)
    return drawn


def _is_large(overlap: np.ndarray) -> bool:
    rows, columns = overlap.any(axis=1).sum(), overlap.any(axis=0).sum()
    return bool(min(rows, columns) >= LEAST_SIDE)


def _correlations(one: np.ndarray, other: np.ndarray, overlap: np.ndarray) -> np.ndarray:
    """Of each block of the overlap that shows something in either picture."""
    import cv2

    # Outside, both are the same, so that no edge is seen where one of them ends.
    other = np.where(overlap, other, one)
    one, other = (cv2.GaussianBlur(picture, (0, 0), SMOOTHING) for picture in (one, other))
    one, other = _equally_sharp(one, other, overlap)
    inside = _blocks(overlap.astype(np.float32)) > 0.98
    mean, mean_other = _blocks(one), _blocks(other)
    variance = np.maximum(_blocks(one * one) - mean * mean, 0)
    variance_other = np.maximum(_blocks(other * other) - mean_other * mean_other, 0)
    covariance = _blocks(one * other) - mean * mean_other
    telling = inside & ((variance > LEAST_VARIANCE) | (variance_other > LEAST_VARIANCE))
    norms = np.sqrt(variance[telling] * variance_other[telling] + SMALLEST)
    return np.asarray(covariance[telling] / norms)


def _equally_sharp(
    one: np.ndarray, other: np.ndarray, overlap: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The sharper of both blurred until it is as soft as the other within the overlap."""
    import cv2

    def sharpness(picture: np.ndarray) -> float:
        return float(np.abs(cv2.Laplacian(picture, cv2.CV_32F))[overlap].mean())

    values = sharpness(one), sharpness(other)
    sharp, aim = (one, values[1]) if values[0] > values[1] else (other, values[0])
    if max(values) > 1.05 * aim:
        for sigma in BLURS:
            blurred = cv2.GaussianBlur(sharp, (0, 0), sigma)
            if sharpness(blurred) <= aim:
                break
        one, other = (blurred, other) if values[0] > values[1] else (one, blurred)
    return one, other


def _blocks(picture: np.ndarray) -> np.ndarray:
    """Means of blocks that lie wholly inside, one every STEP pixels."""
    import cv2

    half = BLOCK // 2
    means: np.ndarray = cv2.boxFilter(picture, cv2.CV_32F, (BLOCK, BLOCK))
    return means[half : picture.shape[0] - half : STEP, half : picture.shape[1] - half : STEP]


def _shown(picture: np.ndarray, where: np.ndarray) -> float:
    """Share of the picture's area that lies `where` and shows something."""
    if not where.any():
        return 0.0
    values = picture.astype(np.float32)
    mean = _blocks(values)
    variance = _blocks(values * values) - mean * mean
    # A block half outside is half what is there.
    outside = _blocks(where.astype(np.float32)) > 0.98
    if not outside.size:
        return 0.0
    return float((outside & (variance > LEAST_VARIANCE)).mean())
