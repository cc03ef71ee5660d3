"""What is looked at to prove that two pictures are the same: a small one, and points on it that are known again.

Points are SIFT's (Lowe, "Distinctive Image Features from Scale-Invariant Keypoints", 2004), compared as
Arandjelović and Zisserman, "Three things everyone should know to improve object retrieval" (2012), propose: roots
of numbers that sum to 1, so that the product of two rows is the Hellinger kernel.  A picture seen in a mirror has
the same points with the numbers of each in another order: it need not be looked at again.
Letters: h, w sides of the small picture, k points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

# Of the long side, in pixels: at 160 near scenes pass for copies, at 256 no more is found at twice the cost.
SIDE = 192
THUMBNAIL = 32
POINTS = 300
CELLS, BINS = 4, 8  # of a SIFT descriptor: 4 x 4 cells of 8 orientations
SMALLEST_SUM = 1e-6


@dataclass(frozen=True, eq=False)
class Points:
    """`places` (k, 2) float32 x, y in pixels of the small picture; `rows` (k, 128) uint8, as SIFT gives them."""

    places: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.places)

    @property
    def unit_rows(self) -> np.ndarray:
        """(k, 128) float32 unit rows, a quarter of whose bytes are kept."""
        rows = self.rows.astype(np.float32)
        return np.sqrt(rows / np.maximum(rows.sum(axis=1, keepdims=True), SMALLEST_SUM))


@dataclass(frozen=True, slots=True)
class Size:
    """Sides of a picture, in pixels after its EXIF turn."""

    width: int
    height: int

    @property
    def sketch(self) -> tuple[int, int]:
        """(w, h) of its sketch, as `images.decode.decode_within` makes it."""
        scale = min(1.0, SIDE / max(self.width, self.height))
        return max(1, round(self.width * scale)), max(1, round(self.height * scale))


@dataclass(frozen=True, eq=False)
class Sketch:
    """One picture as proofs look at it.

    `colour` is (h, w, 3) uint8 RGB, its long side at most SIDE; `width`, `height` are those of the picture itself;
    `taken_at` is EXIF's, or None.
    """

    colour: np.ndarray
    width: int
    height: int
    taken_at: str | None = None

    @cached_property
    def grey(self) -> np.ndarray:
        """(h, w) uint8."""
        import cv2

        grey: np.ndarray = cv2.cvtColor(self.colour, cv2.COLOR_RGB2GRAY)
        return grey

    @cached_property
    def thumbnail(self) -> np.ndarray:
        """(THUMBNAIL, THUMBNAIL) float32 without its mean, of length 1: turns of the frame are told apart by it."""
        import cv2

        small = cv2.resize(self.grey, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32)
        small -= small.mean()
        return small / max(float(np.linalg.norm(small)), SMALLEST_SUM)

    @cached_property
    def points(self) -> Points:
        """The strongest points; none on a plain picture.  Found when first asked for."""
        import cv2

        found, rows = cv2.SIFT.create(nfeatures=POINTS).detectAndCompute(self.grey, None)
        if rows is None:
            return Points(np.zeros((0, 2), np.float32), np.zeros((0, CELLS * CELLS * BINS), np.uint8))
        places = np.array([point.pt for point in found], np.float32).reshape(-1, 2)
        return Points(places, rows.astype(np.uint8))


def mirrored(points: Points, width: int) -> Points:
    """The points of the picture mirrored left to right; `width` is w."""
    places = points.places.copy()
    places[:, 0] = width - 1 - places[:, 0]
    return Points(places, points.rows[:, _MIRRORED])


def _mirrored_order() -> np.ndarray:
    """Across the point's own direction the cells change sides, and orientations run the other way round."""
    down, along, turn = np.meshgrid(range(CELLS), range(CELLS), range(BINS), indexing="ij")
    return (((CELLS - 1 - down) * CELLS + along) * BINS + (-turn) % BINS).ravel()


_MIRRORED = _mirrored_order()
