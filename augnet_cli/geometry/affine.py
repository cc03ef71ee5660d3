"""Transforms of the plane: (2, 3) float64, where (x, y) goes to matrix @ (x, y, 1).

A search undoes tens of thousands of them, and NumPy's routines for matrices of any size take twenty times as
long for six numbers as the formulas do.
"""

from __future__ import annotations

import math

import numpy as np


def determinant(matrix: np.ndarray) -> float:
    """By how much areas grow; negative for a mirror."""
    (a, b, _), (c, d, _) = matrix.tolist()
    return float(a * d - b * c)


def enlargement(matrix: np.ndarray) -> float:
    """Pixels along a side of what a transform makes of one pixel."""
    return math.sqrt(abs(determinant(matrix)))


def inverted(matrix: np.ndarray) -> np.ndarray:
    """(2, 3): the way back.

    Raises:
        ZeroDivisionError: all lands on one line.
    """
    (a, b, x), (c, d, y) = matrix.tolist()
    area = a * d - b * c
    a, b, c, d = d / area, -b / area, -c / area, a / area
    return np.array([[a, b, -a * x - b * y], [c, d, -c * x - d * y]])


def stretches(matrix: np.ndarray) -> tuple[float, float]:
    """By how much lengths grow in the directions in which they grow most and least (singular values).

    The linear part is a turn with one scale and a mirror image with another: these add up in one direction
    and cancel out across it.
    """
    (a, b, _), (c, d, _) = matrix.tolist()
    turn, mirror = math.hypot(a + d, c - b) / 2, math.hypot(a - d, c + b) / 2
    return turn + mirror, abs(turn - mirror)
