"""Rows made shorter, so that no product of two of them is below that of the rows which they stand for.

Rows are turned to the axes along which most of them lies.  The first k of their numbers there are kept, x1,
and of all others, x2, the length alone.  For rows x and y, by Cauchy and Schwarz,

    x.y = x1.y1 + x2.y2 <= x1.y1 + |x2| |y2| = (x1, |x2|).(y1, |y2|)

so what is near is near by these n = k + 1 numbers, too.  This bound, and integers on top of it, are those of
Li, Chan, Yiu and Mamoulis, "FEXIPRO: Fast and Exact Inner Product Retrieval in Recommender Systems" (2017).
At last the short rows are turned by a cosine transform (Ahmed, Natarajan and Rao, "Discrete Cosine
Transform", 1974).  It changes no product, and spreads the few large numbers, |x2| above all, over all places,
which makes the steps of integers finer.
Letters: m rows, d dim, n numbers of a short row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Added where float64's rounding could make a product too small; that of unit rows is below 1e-12, for up to
# some thousand numbers a row and axes as right-angled as LAPACK makes them.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Short:
    """How rows become short.

    Attributes:
        onto: (d, n) float64; a row times this is its part along the axes, spread over n numbers.
        rest: (n,) float64, of length 1 and at right angles to all that `onto` makes: where |x2| goes.
    """

    onto: np.ndarray
    rest: np.ndarray

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Rows (b, d) float64 as short ones: (b, n) float64, no longer than before but for ROUNDING."""
        short = rows @ self.onto
        left_over = np.einsum("ij,ij->i", rows, rows) - np.einsum("ij,ij->i", short, short)
        short += np.sqrt(np.maximum(left_over, 0) + ROUNDING)[:, None] * self.rest
        return short


def axes_of(rows: np.ndarray) -> np.ndarray:
    """The axes of rows (m, d): (d, d) float64, orthonormal columns, the one that holds most of them first."""
    return np.linalg.eigh((rows.T @ rows).astype(np.float64))[1][:, ::-1]


def shortened_to(numbers: int, axes: np.ndarray) -> Short:
    """Rows to so many numbers n, from 1 to d, by the first of some axes (d, d)."""
    spread = _cosine_transform(numbers)
    return Short(axes[:, : numbers - 1] @ spread[1:], spread[0])


def _cosine_transform(size: int) -> np.ndarray:
    """(n, n) float64, orthonormal rows of numbers that are all at most sqrt(2 / n)."""
    wave, place = np.arange(size)[:, None], np.arange(size)[None] + 0.5
    rows = np.sqrt(2 / size) * np.cos(np.pi / size * wave * place)
    rows[0] /= np.sqrt(2)
    return rows
