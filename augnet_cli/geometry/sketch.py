"""What is looked at to prove that two pictures are the same: a small one, and points on it that are known
again.

Points are SIFT's (Lowe, "Distinctive Image Features from Scale-Invariant Keypoints", 2004).  A picture seen
in a mirror has the same points with the numbers of each in another order, so each number and its mirror image
are taken together (as Guo and Cao, "MIFT: A Framework for Feature Descriptors to be Mirror Reflection
Invariant", 2010, but by their sum, which needs no choice of direction): one comparison finds both.  Of these
the roots are taken, scaled to sum to 1, so that the product of two rows is the Hellinger kernel (Arandjelović
and Zisserman, "Three things everyone should know to improve object retrieval", 2012).
Letters: h, w sides of the small picture, k points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augnet_cli.geometry.once import computed_once

# Of the long side, in pixels: at 160 near scenes pass for copies, at 256 no more is found at twice the cost.
SIDE = 192
THUMBNAIL = 32
# Pixels of the picture on which points are looked for first, in a third of the time, and the blur of its
# first scale: with less than Lowe's 1.6 a smaller picture has as many points, each described by fewer pixels.
# Few of the copies that only points prove need the finer ones, and most of these are known by a transform
# that some coarse points agree on.
COARSE_PIXELS, COARSE_SIGMA = 120 * 90, 1.3
FINE_SIGMA = 1.6
# Coarse points are seldom that many.  Of 250 fine ones, the lettering of a page or screen takes nearly all,
# and leaves too few for the picture that stands on it.
POINTS = 600
CELLS, BINS = 4, 8  # of a SIFT descriptor: 4 x 4 cells of 8 orientations
SMALLEST_SUM = 1e-6


@dataclass(frozen=True, eq=False)
class Points:
    """`places` (k, 2) float32 x, y in pixels of the small picture; `rows` (k, 64) float32 unit rows, the same
    for a picture and its mirror image.
    """

    places: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True, slots=True)
class Size:
    """Sides of a picture, in pixels after its EXIF turn."""

    width: int
    height: int

    @property
    def sketch(self) -> tuple[int, int]:
        """(w, h) of its sketch, as `images.decode.decode_small` makes it."""
        scale = min(1.0, SIDE / max(self.width, self.height))
        return max(1, round(self.width * scale)), max(1, round(self.height * scale))


@dataclass(frozen=True, eq=False)
class Sketch:
    """One picture as proofs look at it.

    `colour` is (h, w, 3) uint8 RGB, its long side at most SIDE; `width`, `height` are those of the picture
    itself; `taken_at` is EXIF's, or None.
    """

    colour: np.ndarray
    width: int
    height: int
    taken_at: str | None = None

    @computed_once
    def grey(self) -> np.ndarray:
        """(h, w) uint8."""
        import cv2

        grey: np.ndarray = cv2.cvtColor(self.colour, cv2.COLOR_RGB2GRAY)
        return grey

    @computed_once
    def thumbnail(self) -> np.ndarray:
        """(THUMBNAIL, THUMBNAIL) float32 without its mean, of length 1: turns of the frame are told apart by
        it.
        """
        import cv2

        small = cv2.resize(self.grey, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32)
        small -= small.mean()
        return small / max(float(np.linalg.norm(small)), SMALLEST_SUM)

    @computed_once
    def points(self) -> Points:
        """The strongest points of the picture made smaller; none on a plain one."""
        import cv2

        height, width = self.grey.shape
        scale = min(1.0, (COARSE_PIXELS / (width * height)) ** 0.5)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(self.grey, size, interpolation=cv2.INTER_AREA)
        return _points_of(small, width, height, COARSE_SIGMA)

    @computed_once
    def fine_points(self) -> Points:
        """The strongest points of the picture as it is: their places are exacter, small things have some."""
        height, width = self.grey.shape
        return _points_of(self.grey, width, height, FINE_SIGMA)


def _points_of(grey: np.ndarray, width: int, height: int, sigma: float) -> Points:
    """Points on a picture, with their places on one of another size; `sigma` is the blur of the first scale,
    in pixels of the picture at twice its size."""
    import cv2

    found, rows = cv2.SIFT.create(nfeatures=POINTS, sigma=sigma).detectAndCompute(grey, None)
    if rows is None:
        return Points(np.zeros((0, 2), np.float32), np.zeros((0, len(_ONE_SIDE)), np.float32))
    ratio = np.array([width / grey.shape[1], height / grey.shape[0]], np.float32)
    places = np.array(cv2.KeyPoint.convert(found), np.float32)
    return Points((places + 0.5) * ratio - 0.5, without_side(rows))


def without_side(rows: np.ndarray) -> np.ndarray:
    """(k, 64) float32 unit rows from (k, 128) of SIFT: those of the mirror image are the same."""
    both = rows[:, _ONE_SIDE] + rows[:, _MIRRORED[_ONE_SIDE]]
    return np.sqrt(both / np.maximum(both.sum(axis=1, keepdims=True), SMALLEST_SUM))


def _mirrored_order() -> np.ndarray:
    """Across the point's own direction the cells change sides, and orientations run the other way round."""
    down, along, turn = np.meshgrid(range(CELLS), range(CELLS), range(BINS), indexing="ij")
    return (((CELLS - 1 - down) * CELLS + along) * BINS + (-turn) % BINS).ravel()


_MIRRORED = _mirrored_order()
_ONE_SIDE = np.flatnonzero(np.arange(len(_MIRRORED)) <= _MIRRORED)  # no number is its own mirror image
