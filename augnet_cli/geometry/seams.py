"""Whether one picture stands in another as in a frame, on a page or a screen, or as a part cut out of it.

Where a part was cut out, what is seen goes on beyond the cut as if nothing were there.  Around a picture
that was
put upon something there is a seam: the pixels on both sides of the line differ far more than a little
further in. Letters: h, w sides of a small picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BEYOND = 0.015  # of the inner picture's side, by which the outer one must go on beyond it
REACH = 3.0  # pixels of the outer picture from the line to where both sides are looked at
SEAM = 2.0  # times as much change across the line as within
LEAST_SEAM = 6.0  # grey levels: less is no seam
ONE_COLOUR = 2.0  # standard deviation, in levels, of a margin that is one
MOST = 0.8  # of a side, along which the outer must go on
SAMPLES = 64  # places along a side
SIDES = 4


def is_framed(inner: np.ndarray, outer: np.ndarray, matrix: np.ndarray) -> bool | None:
    """Whether `inner` is seen in `outer` with a seam, or with one colour alone, around.

    None where the outer shows nothing beyond it.

    Args:
        inner, outer: (h, w) uint8 grey; `matrix` (2, 3) carries pixels of the inner to those of the outer.
    """
    lines = [line for side in range(SIDES) if (line := _side(inner, outer, matrix, side)) is not None]
    if not lines:
        return None
    if np.concatenate([line.out for line in lines]).std() < ONE_COLOUR:
        return True
    return sum(line.is_seam for line in lines) * 2 > len(lines)


@dataclass(frozen=True, eq=False)
class _Side:
    """Greys just outside one side, and whether they differ from those within as over a seam."""

    out: np.ndarray
    is_seam: bool


def _side(inner: np.ndarray, outer: np.ndarray, matrix: np.ndarray, side: int) -> _Side | None:
    """Of one side (left, right, top, bottom); None where the outer picture ends there too."""
    height, width = inner.shape
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    step = REACH / max(scale, 1e-6)  # pixels of the inner
    along = (np.arange(SAMPLES) + 0.5) / SAMPLES
    length, places = (width, along * height - 0.5) if side < 2 else (height, along * width - 0.5)
    edge, outward = (-0.5, -1) if side % 2 == 0 else (length - 0.5, 1)

    def line(distance: float) -> tuple[np.ndarray, np.ndarray]:
        """Greys along a line so many of the inner's pixels outside its edge, and where the outer has them."""
        across = np.full(SAMPLES, edge + outward * distance)
        x, y = (across, places) if side < 2 else (places, across)
        return _looked_up(outer, matrix[:, :2] @ np.stack([x, y]) + matrix[:, 2:])

    far, exists = line(max(BEYOND * length, step))
    if exists.mean() < MOST:
        return None
    out, inside, deeper = (line(distance)[0] for distance in (step, -step, -3 * step))
    across = float(np.abs(out - inside)[exists].mean())
    within = float(np.abs(inside - deeper)[exists].mean())
    outside = np.concatenate([out[exists], far[exists]])
    # A margin shows one colour along a whole side, which what goes on beyond a cut seldom does.
    is_margin = bool(outside.std() < ONE_COLOUR)
    return _Side(outside, is_margin or across > max(LEAST_SEAM, SEAM * within))


def _looked_up(picture: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Grey levels at (2, s) x, y, and which of them lie in the picture."""
    height, width = picture.shape
    x, y = np.round(points).astype(np.int64)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    values = picture[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)].astype(np.float32)
    return values, inside
