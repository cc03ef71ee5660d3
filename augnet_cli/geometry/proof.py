"""The proof that two pictures are the same one: which transform, how well the pixels agree, who lacks what.

A cheap look comes first: the whole frame under its eight turns, which settles all that was re-encoded, resized,
recoloured, blurred, mirrored or turned.  Only what stays open is looked at for points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from augnet_cli.geometry.agreement import Agreement, agreement
from augnet_cli.geometry.fit import Fit, fit_frames, fit_points
from augnet_cli.geometry.sketch import Points

# By the whole frame: no transform was searched for, so that little chance agreement is left.
FRAME_SHARE, FRAME_MEDIAN = 0.8, 0.9
# By points: so many must agree on the transform, and the pixels then nearly everywhere ...
FEWEST_INLIERS = 6
ALL_SHARE, ALL_MEDIAN = 0.9, 0.9
# ... or very well in what is no caption or sticker: the block at this quantile.  Near scenes stay under it.
PART_SHARE, PART_QUANTILE_CORRELATION = 0.6, 0.96
# An image lacks nothing if what it does not show of the other is less than this share of the other's area.
NOTHING = 0.04


@dataclass(frozen=True, eq=False)
class Looked:
    """One picture as proofs look at it: (h, w) uint8 grey, and its points, found when first asked for."""

    grey: np.ndarray
    points: Callable[[], Points]


@dataclass(frozen=True, eq=False)
class Proof:
    """Two pictures are the same one, or parts of the same one.

    Attributes:
        matrix: (2, 3), from pixels of the first's grey picture to those of the second's.
        share: of what both show, the share that is the same in both; the rest was painted over.
        first_in_second: nothing the first shows is missing in the second; and the reverse.
            Neither: both are parts of a third, or of one scene.
    """

    matrix: np.ndarray
    share: float
    inliers: int
    first_in_second: bool
    second_in_first: bool

    @property
    def is_partial(self) -> bool:
        """Each shows something that the other lacks."""
        return not (self.first_in_second or self.second_in_first)


def prove(first: Looked, second: Looked) -> Proof | None:
    """Prove that two pictures are the same one, or fail to."""
    framed = fit_frames(first.grey, second.grey)
    agreed = agreement(first.grey, second.grey, framed.matrix)
    if agreed.share >= FRAME_SHARE and agreed.median >= FRAME_MEDIAN:
        return _proof(framed, agreed)
    pointed = fit_points(first.points(), second.points(), second.grey.shape[:2])
    if pointed is None or pointed.inliers < FEWEST_INLIERS:
        return None
    agreed = agreement(first.grey, second.grey, pointed.matrix)
    wholly = agreed.share >= ALL_SHARE and agreed.median >= ALL_MEDIAN
    partly = agreed.share >= PART_SHARE and agreed.upper >= PART_QUANTILE_CORRELATION
    return _proof(pointed, agreed) if wholly or partly else None


def _proof(fit: Fit, agreed: Agreement) -> Proof:
    return Proof(
        matrix=fit.matrix,
        share=agreed.share,
        inliers=fit.inliers,
        first_in_second=agreed.lacking[0] <= NOTHING,
        second_in_first=agreed.lacking[1] <= NOTHING,
    )
