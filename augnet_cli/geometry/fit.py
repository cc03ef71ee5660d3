"""Transforms that may carry one small grey picture over another: by its whole frame, or by its points.

A transform is (2, 3) float64: (x, y) of the first goes to matrix @ (x, y, 1) of the second, in pixel centres;
a negative determinant is a mirror.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from augnet_cli.geometry.affine import stretches
from augnet_cli.geometry.sketch import THUMBNAIL, Points, Sketch

FRAMES = 1000  # pairs of shapes whose transforms are kept: a folder has few
TURNS = 8  # of a frame: mirrored or not, then 0 to 3 quarter turns
RATIO = 0.85  # of the distance to the next best point; a looser one than Lowe's 0.8, as the rest is checked
REPROJECTION = 80  # the long side, divided by this, is how far a point may lie off
LEAST_REPROJECTION = 2.0  # pixels
# Of a transform that is nearly right: the long side, divided by this, is how far a point may lie from where
# it says, and so far (squared) its numbers.
NEARBY, FARTHEST = 20, 0.8
ROUNDS, CONFIDENCE = 500, 0.99  # of RANSAC
LARGEST_STRETCH = 2.2  # of one axis against the other: a picture squeezed to half its width is still told
LARGEST_SCALE = 10.0
FEWEST_MATCHES = 4  # three make a transform, one more can speak for it


@dataclass(frozen=True, eq=False)
class Fit:
    """A transform, and how many points of both pictures agree on it (0: the frame alone says so)."""

    matrix: np.ndarray
    inliers: int


def fit_frames(first: Sketch, second: Sketch) -> tuple[Fit, float]:
    """The turn of the second's whole frame that makes it most like the first's, and their correlation
    then.
    """
    likeness = second.thumbnail.ravel()[_TURNED] @ first.thumbnail.ravel()
    best = int(np.argmax(likeness))
    return Fit(_frame_matrix(first.grey.shape, second.grey.shape, best), 0), float(likeness[best])


def _turned_places() -> np.ndarray:
    """(TURNS, THUMBNAIL^2): from where each pixel of a turned thumbnail comes."""
    places = np.arange(THUMBNAIL * THUMBNAIL).reshape(THUMBNAIL, THUMBNAIL)
    sides = (places, places[:, ::-1])
    return np.stack([np.rot90(side, quarter).ravel() for side in sides for quarter in range(4)])


_TURNED = _turned_places()


@lru_cache(maxsize=FRAMES)
def _frame_matrix(first: tuple[int, ...], second: tuple[int, ...], turn: int) -> np.ndarray:
    """From the first's pixels to the second's, where the second, mirrored if turn >= 4 and then turned
    counter-clockwise turn % 4 times, fills the first's frame."""
    height, width = first[:2]
    # In a frame from -1 to 1, y down: where a point of the turned picture was before.
    before = np.linalg.matrix_power(np.array([[0.0, -1.0], [1.0, 0.0]]), turn % 4)
    if turn >= 4:
        before = np.diag([-1.0, 1.0]) @ before
    to_unit = np.array([[2 / width, 0, 1 / width - 1], [0, 2 / height, 1 / height - 1], [0, 0, 1]])
    height, width = second[:2]
    to_pixels = np.array([[width / 2, 0, (width - 1) / 2], [0, height / 2, (height - 1) / 2]])
    turned = np.eye(3)
    turned[:2, :2] = before
    return to_pixels @ turned @ to_unit


def fit_points(first: Points, second: Points, size: tuple[int, int]) -> Fit | None:
    """The transform that most points agree on, mirror images included; None if there is none.

    Args:
        size: (h, w) of the second's grey picture.
    """
    return _ransac(first, second, matched(first, second), max(size))


def fit_points_near(first: Points, second: Points, size: tuple[int, int], matrix: np.ndarray) -> Fit | None:
    """The transform that most points agree on among those that a transform nearly right brings together."""
    return _ransac(first, second, _matched_near(first, second, matrix, max(size)), max(size))


def _ransac(first: Points, second: Points, matches: np.ndarray, side: int) -> Fit | None:
    import cv2

    if len(matches) < FEWEST_MATCHES:
        return None
    reach = max(LEAST_REPROJECTION, side / REPROJECTION)
    cv2.setRNGSeed(0)  # the same pictures give the same transform
    matrix, inliers = cv2.estimateAffine2D(
        first.places[matches[:, 0]],
        second.places[matches[:, 1]],
        method=cv2.RANSAC,
        ransacReprojThreshold=reach,
        maxIters=ROUNDS,
        confidence=CONFIDENCE,
    )
    if matrix is None or not _is_likely(matrix):
        return None
    return Fit(matrix, int(inliers.sum()))


def _is_likely(matrix: np.ndarray) -> bool:
    large, small = stretches(matrix)
    return bool(small > 1 / LARGEST_SCALE and large < LARGEST_SCALE and large <= LARGEST_STRETCH * small)


def matched(first: Points, second: Points) -> np.ndarray:
    """(m, 2) pairs of points that are each other's nearest, and clearly nearer than the next."""
    if len(first) < 2 or len(second) < 2:
        return np.zeros((0, 2), np.int64)
    cosines = first.rows @ second.rows.T
    own = np.arange(len(first))
    nearest = cosines.argmax(axis=1)
    best = cosines[own, nearest]
    mutual = cosines.argmax(axis=0)[nearest] == own
    cosines[own, nearest] = -1
    # Of unit rows, the squared distance is 2 - 2 cos.
    clear = 1 - best < RATIO**2 * (1 - cosines.max(axis=1))
    chosen = np.flatnonzero(mutual & clear)
    return np.stack([chosen, nearest[chosen]], axis=1)


def _matched_near(first: Points, second: Points, matrix: np.ndarray, side: int) -> np.ndarray:
    """(m, 2) pairs of points, each the other's nearest among those that `matrix` brings close to it."""
    if not len(first) or not len(second):
        return np.zeros((0, 2), np.int64)
    there = first.places @ matrix[:, :2].T + matrix[:, 2]
    apart = np.linalg.norm(there[:, None] - second.places[None], axis=2)
    distances = 2 - 2 * (first.rows @ second.rows.T)
    distances[(apart > side / NEARBY) | (distances > FARTHEST)] = np.inf
    nearest = distances.argmin(axis=1)
    own = np.arange(len(first))
    mutual = (distances.argmin(axis=0)[nearest] == own) & np.isfinite(distances[own, nearest])
    chosen = np.flatnonzero(mutual)
    return np.stack([chosen, nearest[chosen]], axis=1)
