"""From pixels to numbers: how light a picture is, how colourful, how much it shows, and how blurred it is.

Blur is judged in pixels, at the picture's own scale, by what no contrast changes.
The slope of an edge that a Gaussian of deviation S smeared is a bell of deviation S, whose energy is 2 S^2
times that of its own slope: so S^2 = G / (2 H), with G the energy of the first derivative and H that of the
second.  Each of these alone is a known measure of focus (Subbarao, Choi & Nikzad, "Focusing techniques",
1993), and grows with contrast.
A shaken camera smears along one direction alone, so G and H are taken along sixteen directions, too.
All of it is done tile by tile, and the sharper tiles speak: a portrait before a blurred ground is sharp.
Textures are finer than edges, so a picture measures less than its blur.

Letters: t tiles of (h, w) pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from augnet_cli.results import Measures

TILE = 64  # pixels: room for edges smeared over twenty, and small enough to lie within a face
LEAST_TILE = 16  # under it nothing is left between the borders that smoothing takes
# Along each side, spread evenly where there are more: a picture of 700 pixels is looked at whole, and one of
# 3,000 costs no more.
MOST_TILES = 10
# Neighbours averaged so often along each side before it is differentiated, which comes to a Gaussian: noise
# and the steps between a JPEG's blocks fall to a tenth, and differences may stand for derivatives.
AVERAGINGS = 8
SMOOTHED_VARIANCE = AVERAGINGS / 4  # pixels squared: a quarter for each of them
DIRECTIONS = 16  # 11 degrees apart: no smear lies farther than 6 from one
# Mean square of the slope, in grey levels a pixel, of a tile that shows something, and of one whose edges
# stand above noise of ten grey levels.
FAINT, STRONG = 2.0, 8.0
WIDEST = 16.0  # pixels: what changes more slowly in a tile is no edge but a sky
SHARPEST = 0.1  # the quantile of tiles that speaks for a picture: a face may fill no more of it
CROSSED = (
    0.2  # slope across the main direction of a tile beside that along it, from which on it has edges of both
)
# A direction with fewer tiles than this share of the others says nothing: blinds have no edges across.
SPEAKING = 0.1
TINY = float(np.finfo(np.float32).tiny)
COLOUR_SIDE = 256  # pixels a side at most are enough to tell colour
COLOURFUL = 0.99  # the quantile of pixels that tells it: a small red lamp in a grey picture counts


def measures(pixels: np.ndarray, scale: float = 1.0) -> Measures:
    """Measure one picture.

    Args:
        pixels: (h, w, 3) uint8.
        scale: sides of the file's pixels for each of these, at least 1.
    """
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    p1, p5, p50, p95 = grey_levels(grey, (0.01, 0.05, 0.5, 0.95))
    detail, blur, smear = sharpness(grey)
    return Measures(
        grey_p1=p1,
        grey_p5=p5,
        grey_p50=p50,
        grey_p95=p95,
        colour=colour(pixels),
        detail=detail,
        blur=blur,
        smear=smear,
        scale=scale,
    )


def grey_levels(grey: np.ndarray, shares: tuple[float, ...]) -> tuple[float, ...]:
    """The levels in [0, 1] that these shares of (h, w) uint8 pixels do not exceed."""
    below = np.cumsum(Image.fromarray(grey).histogram())
    return tuple(int(np.searchsorted(below, share * grey.size)) / 255 for share in shares)


def colour(pixels: np.ndarray) -> float:
    """How far the channels of (h, w, 3) uint8 lie apart in the more colourful pixels, in [0, 1]."""
    every = max(1, math.ceil(max(pixels.shape[:2]) / COLOUR_SIDE))
    few = pixels[::every, ::every]
    apart = few.max(axis=2) - few.min(axis=2)
    return grey_levels(apart, (COLOURFUL,))[0]


def sharpness(grey: np.ndarray) -> tuple[float, float | None, float | None]:
    """How much (h, w) uint8 pixels show, and how sharply.

    Returns:
        detail: share of the tiles that show something.
        blur: in pixels, all directions together; None where no tile shows enough.
        smear: the same along the direction in which it is largest; None where too few tiles show edges of
            more than one direction.
    """
    tiles = tiles_of(grey)
    if min(tiles.shape[1:]) < LEAST_TILE:
        return float(grey.max() != grey.min()), None, None
    energies = energies_of(tiles)
    has_edges = energies.variances() < WIDEST**2
    detail = float(np.mean(has_edges & (energies.slope > FAINT)))
    for floor in (STRONG, FAINT):
        telling = has_edges & (energies.slope > floor)
        if telling.any():
            return detail, _width(energies.variances()[telling]), _smear(energies, telling, floor)
    return detail, None, None


@dataclass(frozen=True, eq=False)
class Energies:
    """Mean products of the derivatives of t tiles.

    Attributes:
        first: (3, t): xx, xy, yy of the gradient.
        second: (6, t): of the second derivatives a = xx, b = xy, c = yy: aa, ab, ac, bb, bc, cc.
    """

    first: np.ndarray
    second: np.ndarray

    @property
    def slope(self) -> np.ndarray:
        """(t,) mean square of the gradient."""
        return np.asarray(self.first[0] + self.first[2])

    @property
    def across(self) -> np.ndarray:
        """(t,) in [0, 1]: slope along the direction that has least of it, beside that which has most."""
        difference = np.hypot(self.first[0] - self.first[2], 2 * self.first[1])
        most = np.maximum(self.slope + difference, TINY)
        return np.asarray((self.slope - difference) / most)

    def variances(self) -> np.ndarray:
        """(t,) S^2, the smoothing's own included."""
        bend = self.second[0] + 2 * self.second[3] + self.second[5]
        return np.asarray(self.slope / (2 * np.maximum(bend, TINY)))

    def along(self, angle: float) -> tuple[np.ndarray, np.ndarray]:
        """(t,) mean squares of the first and the second derivative in a direction, an angle from x to y."""
        x, y = math.cos(angle), math.sin(angle)
        slope = np.array([x * x, 2 * x * y, y * y]) @ self.first
        weights = (x**4, 4 * x**3 * y, 2 * x * x * y * y, 4 * x * x * y * y, 4 * x * y**3, y**4)
        return slope, np.array(weights) @ self.second


def tiles_of(grey: np.ndarray) -> np.ndarray:
    """(t, h, w) float32 tiles of (H, W), spread evenly from edge to edge; all of it where they can."""
    sides = [min(TILE, length) for length in grey.shape]
    rows, columns = (
        np.linspace(0, length - side, min(MOST_TILES, -(-length // side))).astype(int)
        for length, side in zip(grey.shape, sides, strict=True)
    )
    parts = [grey[row : row + sides[0], column : column + sides[1]] for row in rows for column in columns]
    return np.stack(parts).astype(np.float32)


def energies_of(tiles: np.ndarray) -> Energies:
    """Derivatives of (t, h, w) tiles by differences of neighbours, after smoothing; h and w over 10."""
    tiles = _smoothed(tiles)
    centre = tiles[:, 1:-1, 1:-1]
    up, down, left, right = tiles[:, :-2, 1:-1], tiles[:, 2:, 1:-1], tiles[:, 1:-1, :-2], tiles[:, 1:-1, 2:]
    x, y = (right - left) / 2, (down - up) / 2
    xx, yy = right - 2 * centre + left, down - 2 * centre + up
    xy = (tiles[:, 2:, 2:] - tiles[:, 2:, :-2] - tiles[:, :-2, 2:] + tiles[:, :-2, :-2]) / 4
    return Energies(
        np.stack([_mean(one * other) for one, other in ((x, x), (x, y), (y, y))]),
        np.stack(
            [
                _mean(one * other)
                for one, other in ((xx, xx), (xx, xy), (xx, yy), (xy, xy), (xy, yy), (yy, yy))
            ]
        ),
    )


def _smear(energies: Energies, telling: np.ndarray, floor: float) -> float | None:
    """The width along the most blurred direction.

    Of an edge that lies nearly along a direction the slope leaks into it, and its bend does not: tiles with
    edges of one direction alone, such as a horizon, don't count.
    """
    enough = max(1.0, SPEAKING * np.count_nonzero(telling))
    widths: list[float] = []
    for number in range(DIRECTIONS):
        slope, bend = energies.along(number * math.pi / DIRECTIONS)
        speaking = telling & (energies.across >= CROSSED) & (slope > floor / 2)
        if np.count_nonzero(speaking) >= enough:
            widths.append(_width(slope[speaking] / (2 * np.maximum(bend[speaking], TINY))))
    return max(widths, default=None)


def _width(variances: np.ndarray) -> float:
    """Of (t,) S^2 the deviation in the sharper tiles, in pixels."""
    return math.sqrt(max(0.0, float(np.quantile(variances, SHARPEST)) - SMOOTHED_VARIANCE))


def _smoothed(tiles: np.ndarray) -> np.ndarray:
    """(t, h, w) to (t, h - AVERAGINGS, w - AVERAGINGS)."""
    for _ in range(AVERAGINGS):
        tiles = tiles[:, :, 1:] + tiles[:, :, :-1]
    for _ in range(AVERAGINGS):
        tiles = tiles[:, 1:] + tiles[:, :-1]
    return tiles / np.float32(4**AVERAGINGS)


def _mean(values: np.ndarray) -> np.ndarray:
    return np.asarray(values.mean(axis=(1, 2), dtype=np.float64))
