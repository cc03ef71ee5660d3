"""One small picture laid over another by a transform, both in the frame of the coarser one.

The finer picture is blurred before it is drawn, as making it smaller would have done.
Letters: h, w sides of the frame, c channels if there are any.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from augnet_cli.geometry.affine import enlargement

WHOLE = 0.99  # of a pixel that lies on the other picture
HALF = 0.5  # of a pixel, and less: it lies beyond
ROUNDING = 1 / 16  # of a pixel: more than OpenCV errs by, which may look up at 32nds of a pixel each way
HALF_PIXEL_BLUR = 0.45  # pixels of the finer picture, for each by which sqrt(ratio^2 - 1) exceeds 0
LEAST_BLUR = 0.06  # pixels: the mask of one under it is a single pixel, which changes nothing
TAILS = 4.0  # of a Gaussian's standard deviations lie in its mask on either side, as in OpenCV's
HERE = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))  # the transform that leaves everything where it is
NOWHERE = 1e-7  # the most by which the numbers of one that does so differ from HERE's


@dataclass(frozen=True, eq=False)
class Frame:
    """Where two pictures lie upon each other.

    Attributes:
        is_first: the frame is the first's; else the second's.
        matrix: (2, 3), from pixels of the frame to those of the finer picture.
        ratio: pixels of the finer picture in one of the frame, along a side; at least 1.
        overlap: (h, w) bool, the frame's pixels that the finer picture covers.
        beyond: bool, the finer picture's own pixels that the frame does not cover.
    """

    is_first: bool
    matrix: np.ndarray
    ratio: float
    overlap: np.ndarray
    beyond: np.ndarray


def frame_of(first: tuple[int, ...], second: tuple[int, ...], matrix: np.ndarray) -> Frame:
    """The frame for two pictures of these shapes; `matrix` carries pixels of the first to those of the
    second.
    """
    import cv2

    scale = enlargement(matrix)
    back = cv2.invertAffineTransform(matrix)
    is_first = scale >= 1
    coarse, fine = (first, second) if is_first else (second, first)
    to_fine, to_coarse = (matrix, back) if is_first else (back, matrix)
    # Where corners tell that one lies wholly on the other, as copies' do, nothing need be drawn to see it.
    if _least_covered(coarse, fine, to_fine) > WHOLE:
        overlap = np.ones(coarse[:2], bool)
    else:
        overlap = drawn(np.ones(fine[:2], np.float32), to_fine, coarse) > WHOLE
    if _least_covered(fine, coarse, to_coarse) > HALF + ROUNDING:
        beyond = np.zeros(fine[:2], bool)
    else:
        beyond = drawn(np.ones(coarse[:2], np.float32), to_coarse, fine) <= HALF
    return Frame(is_first, to_fine, max(scale, 1 / scale), overlap, beyond)


def _least_covered(shape: tuple[int, ...], other: tuple[int, ...], matrix: np.ndarray) -> float:
    """The least share, of any pixel of `shape`, that lies on the picture of shape `other`.

    It is a corner's: along any line the share rises, stays and falls, but never rises again.
    """
    (a, b, left), (c, d, top) = matrix.tolist()
    right, bottom = shape[1] - 1, shape[0] - 1
    return min(
        _covered(a * x + b * y + left, other[1]) * _covered(c * x + d * y + top, other[0])
        for x, y in ((0, 0), (right, 0), (0, bottom), (right, bottom))
    )


def _covered(place: float, side: int) -> float:
    """Share of a pixel at this place along a side of so many pixels that lies on it."""
    return max(0.0, min(1.0, place + 1, side - place))


def lay(frame: Frame, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both pictures, (h, w) or (h, w, c) uint8, as float32 in the frame."""
    import cv2

    coarse, fine = (first, second) if frame.is_first else (second, first)
    own: np.ndarray = coarse.astype(np.float32)
    laid: np.ndarray = fine.astype(np.float32)
    sigma = HALF_PIXEL_BLUR * math.sqrt(max(0.0, frame.ratio**2 - 1)) + 1e-3
    if sigma > LEAST_BLUR:
        laid = blurred(laid, sigma)
    if coarse.shape != fine.shape or np.abs(frame.matrix - HERE).max() > NOWHERE:
        laid = drawn(laid, frame.matrix, coarse.shape)
    if not frame.overlap.all():
        # Outside, both are the same, so that no edge is seen where one of them ends.
        laid = cv2.copyTo(laid, frame.overlap.view(np.uint8), own.copy())
    return (own, laid) if frame.is_first else (laid, own)


def blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    """By a Gaussian of so many pixels, as float32; OpenCV's own way there takes half as long again."""
    import cv2

    mask = cv2.getGaussianKernel(round(2 * TAILS * sigma + 1) | 1, sigma, cv2.CV_32F)
    soft: np.ndarray = cv2.sepFilter2D(picture, cv2.CV_32F, mask, mask)
    return soft


def drawn(picture: np.ndarray, matrix: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`picture` in a frame of `shape` whose pixels `matrix` carries to those of the picture; 0 outside."""
    import cv2

    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid: np.ndarray = np.asarray(cv2.warpAffine(picture, matrix, (shape[1], shape[0]), flags=flags))
    return laid
