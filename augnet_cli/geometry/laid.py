"""One small picture laid over another by a transform, both in the frame of the coarser one.

The finer picture is blurred before it is drawn, as making it smaller would have done.
Letters: h, w sides of the frame, c channels if there are any.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WHOLE = 0.99  # of a pixel that lies on the other picture
HALF_PIXEL_BLUR = 0.45  # pixels of the finer picture, for each by which sqrt(ratio^2 - 1) exceeds 0


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
    """The frame for two pictures of these shapes; `matrix` carries pixels of the first to those of the second."""
    import cv2

    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))  # pixels of the second in one of the first
    back = cv2.invertAffineTransform(matrix)
    is_first = scale >= 1
    coarse, fine = (first, second) if is_first else (second, first)
    to_fine, to_coarse = (matrix, back) if is_first else (back, matrix)
    overlap = drawn(np.ones(fine[:2], np.float32), to_fine, coarse) > WHOLE
    beyond = drawn(np.ones(coarse[:2], np.float32), to_coarse, fine) <= 0.5
    return Frame(is_first, to_fine, max(scale, 1 / scale), overlap, beyond)


def lay(frame: Frame, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both pictures, (h, w) or (h, w, c) uint8, as float32 in the frame."""
    import cv2

    coarse, fine = (first, second) if frame.is_first else (second, first)
    sharp: np.ndarray = fine.astype(np.float32)
    if frame.ratio > 1:
        sigma = HALF_PIXEL_BLUR * float(np.sqrt(frame.ratio**2 - 1)) + 1e-3
        sharp = cv2.GaussianBlur(sharp, (0, 0), sigma)
    own = coarse.astype(np.float32)
    covered = frame.overlap if own.ndim == 2 else frame.overlap[..., None]
    # Outside, both are the same, so that no edge is seen where one of them ends.
    laid = np.where(covered, drawn(sharp, frame.matrix, coarse.shape), own)
    return (own, laid) if frame.is_first else (laid, own)


def drawn(picture: np.ndarray, matrix: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`picture` in a frame of `shape` whose pixels `matrix` carries to those of the picture; 0 outside."""
    import cv2

    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid: np.ndarray = np.asarray(cv2.warpAffine(picture, matrix, (shape[1], shape[0]), flags=flags))
    return laid
