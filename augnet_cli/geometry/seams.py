"""Whether one picture stands in another as in a frame, on a page or a screen, or as a part cut out of it.

Where a part was cut out, what is seen goes on beyond the cut as if nothing were there.  Around a picture
that was put upon something there is a seam: the pixels on both sides of the line differ far more than a
little further in.
Letters: h, w sides of a small picture, s sides beyond which the outer picture goes on.
"""

from __future__ import annotations

import numpy as np

from augnet_cli.geometry.affine import enlargement

BEYOND = 0.015  # of the inner picture's side, by which the outer one must go on beyond it
REACH = 3.0  # pixels of the outer picture from the line to where both sides are looked at
DEEPER = 3.0  # times as far in, to where it is seen how much changes within
SEAM = 2.0  # times as much change across the line as within
LEAST_SEAM = 6.0  # grey levels: less is no seam
ONE_COLOUR = 2.0  # standard deviation, in levels, of a margin that is one
MOST = 0.8  # of a side, along which the outer must go on
SAMPLES = 64  # places along a side
PLACES = (np.arange(SAMPLES) + 0.5) / SAMPLES - 0.5  # of a side, from its middle
OUTWARD = ((-1, 0), (1, 0), (0, -1), (0, 1))  # x, y: left, right, top, bottom


def is_framed(inner: np.ndarray, outer: np.ndarray, matrix: np.ndarray) -> bool | None:
    """Whether `inner` is seen in `outer` with a seam, or with one colour alone, around.

    None where the outer shows nothing beyond it.

    Args:
        inner, outer: (h, w) uint8 grey; `matrix` (2, 3) carries pixels of the inner to those of the outer.
    """
    step = REACH / max(enlargement(matrix), 1e-6)  # pixels of the inner
    sides = _sides_within(inner.shape, outer.shape, matrix, step)
    if not sides:
        return None
    levels, exists = _greys_along(inner.shape, outer, matrix, np.array(sides), step)
    enough = exists.mean(axis=1) >= MOST
    if not enough.any():
        return None
    levels, exists = levels[enough], exists[enough]
    count = exists.sum(axis=1)
    far, out, inside, deeper = levels.transpose(1, 0, 2) * exists
    across, within = (
        np.abs(one - other).sum(axis=1) / count for one, other in ((out, inside), (inside, deeper))
    )
    total, squares = (far + out).sum(axis=1), (far * far + out * out).sum(axis=1)
    if _variance(2 * count.sum(), total.sum(), squares.sum()) < ONE_COLOUR**2:
        return True
    # A margin shows one colour along a whole side, which what goes on beyond a cut seldom does.
    is_margin = _variance(2 * count, total, squares) < ONE_COLOUR**2
    is_seam = is_margin | (across > np.maximum(LEAST_SEAM, SEAM * within))
    return int(np.count_nonzero(is_seam)) * 2 > len(is_seam)


def _variance(count: np.ndarray, total: np.ndarray, squares: np.ndarray) -> np.ndarray:
    variance: np.ndarray = squares / count - (total / count) ** 2
    return variance


def _sides_within(
    inner: tuple[int, ...], outer: tuple[int, ...], matrix: np.ndarray, step: float
) -> list[tuple[int, int, float]]:
    """Which way is out, x and y, and how far the outer picture is looked at, at each side where it may do.

    Where the middle of a line does not lie in a picture, no more than half of the line does.
    """
    (a, b, left), (c, d, top) = matrix.tolist()
    height, width = inner
    within = []
    for right, down in OUTWARD:
        far = max(BEYOND * (width if right else height), step)
        x = (width - 1) / 2 + right * (width / 2 + far)
        y = (height - 1) / 2 + down * (height / 2 + far)
        if _is_within(a * x + b * y + left, outer[1]) and _is_within(c * x + d * y + top, outer[0]):
            within.append((right, down, far))
    return within


def _is_within(place: float, side: int) -> bool:
    return -0.5 <= place <= side - 0.5


def _greys_along(
    inner: tuple[int, ...], outer: np.ndarray, matrix: np.ndarray, sides: np.ndarray, step: float
) -> tuple[np.ndarray, np.ndarray]:
    """Greys of the outer picture along each side of the inner one.

    Args:
        inner: (h, w).
        sides: (s, 3), of `_sides_within`.

    Returns:
        levels: (s, 4, SAMPLES), along lines far beyond, just outside, just inside and deeper inside.
        exists: (s, SAMPLES) bool, where the outer picture has the first of them.
    """
    size = np.array(inner[::-1])
    outward, turn = sides[:, :2], matrix[:, :2].T
    distances = np.array([[far, step, -step, -DEEPER * step] for far in sides[:, 2].tolist()])
    middles = outward[:, None] * (size / 2 + distances[..., None])  # (s, 4, 2), from the picture's middle
    along = (1 - np.abs(outward)) * size
    start = (middles + (size - 1) / 2) @ turn + matrix[:, 2]
    points = start[..., None] + (along @ turn)[:, None, :, None] * PLACES  # (s, 4, 2, SAMPLES)
    x, y = np.rint(points).astype(np.int64).transpose(2, 0, 1, 3)
    nearest_x = np.minimum(np.maximum(x, 0), outer.shape[1] - 1)
    nearest_y = np.minimum(np.maximum(y, 0), outer.shape[0] - 1)
    exists = ((nearest_x == x) & (nearest_y == y))[:, 0]
    return outer[nearest_y, nearest_x].astype(np.float64), exists
