"""Where one picture lies in another, in pixels of the files, from how their sketches lie.

Letters: x runs right, y down, from the corner of the first pixel; `matrix` (2, 3) as in `fit`, in pixel
centres.
"""

from __future__ import annotations

import numpy as np

from augnet_cli.geometry.affine import determinant, inverted
from augnet_cli.geometry.sketch import Size
from augnet_cli.records import Transform


def in_files(first: Size, second: Size, matrix: np.ndarray) -> np.ndarray:
    """(2, 3) from pixels of the first's file, after its EXIF turn, to those of the second's."""
    # A point of a file is at scale * point - 0.5 of its sketch, whose pixels are named by their centres.
    across, down = _scale(first)
    (a, b, x), (c, d, y) = matrix.tolist()
    x, y = x - (a + b) / 2 + 0.5, y - (c + d) / 2 + 0.5
    to_across, to_down = _scale(second)
    return np.array(
        [
            [a * across / to_across, b * down / to_across, x / to_across],
            [c * across / to_down, d * down / to_down, y / to_down],
        ]
    )


def _scale(picture: Size) -> tuple[float, float]:
    """Pixels of the sketch in one of the file, along x and y."""
    width, height = picture.sketch
    return width / picture.width, height / picture.height


def placed(first: Size, second: Size, matrix: np.ndarray, changed_share: float) -> Transform:
    """How the first lies in the second; `changed_share` is in [0, 1]."""
    whole = in_files(first, second, matrix)
    left, top, right, bottom = box_of(first, whole)
    box = (max(0.0, left), max(0.0, top), min(float(second.width), right), min(float(second.height), bottom))
    a, b, c, d, e, f = (float(number) for number in whole.ravel())
    return Transform(
        matrix=(a, b, c, d, e, f),
        box=box,
        degrees=degrees_of(whole),
        mirrored=is_mirrored(whole),
        changed_share=changed_share,
    )


def box_of(picture: Size, matrix: np.ndarray) -> tuple[float, float, float, float]:
    """left, top, right, bottom around the corners of the picture as `matrix` carries them."""
    corners = np.array(
        [[0, 0, 1], [picture.width, 0, 1], [0, picture.height, 1], [picture.width, picture.height, 1]]
    )
    seen = corners @ matrix.T
    (left, top), (right, bottom) = seen.min(axis=0), seen.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def is_mirrored(matrix: np.ndarray) -> bool:
    return determinant(matrix) < 0


def degrees_of(matrix: np.ndarray) -> float:
    """Counter-clockwise turn of the second, mirrored left to right before if it is, that makes it lie as the
    first; in (-180, 180]."""
    turn = inverted(matrix)[:, :2]
    if is_mirrored(matrix):
        turn = turn @ np.diag([-1.0, 1.0])
    # Where y runs down, a counter-clockwise turn by t is [[cos t, sin t], [-sin t, cos t]].
    degrees = float(np.degrees(np.arctan2(turn[0, 1] - turn[1, 0], turn[0, 0] + turn[1, 1])))
    degrees = round(degrees, 2)
    return 180.0 if degrees <= -180 else degrees + 0.0
