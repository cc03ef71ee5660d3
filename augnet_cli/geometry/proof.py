"""The proof that two pictures are the same one: which transform, how well the pixels agree, who lacks what.

A cheap look comes first: the whole frame under its eight turns, which settles all that was re-encoded,
resized, recoloured, blurred, mirrored or turned.  Only what stays open is looked at for points.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from augnet_cli.geometry.affine import determinant, inverted
from augnet_cli.geometry.agreement import FEWEST_BLOCKS, NONE, Agreement, agreement, are_level
from augnet_cli.geometry.fit import Fit, fit_frames, fit_points, fit_points_near
from augnet_cli.geometry.laid import frame_of
from augnet_cli.geometry.sketch import Sketch

# By the whole frame: no transform was searched for, so that little chance agreement is left.
FRAME_SHARE, FRAME_MEDIAN = 0.8, 0.9
# Thumbnails less like each other than this are not worth laying: of proofs by the frame 1 in 100 lay under
# it, of different pictures that were candidates 9 in 10.
LIKELY = 0.65
# By points: so many must agree on the transform, and the pixels then nearly everywhere ...
FEWEST_INLIERS = 6
ALL_SHARE, ALL_MEDIAN = 0.9, 0.9
# ... or very well in what is no caption or sticker, with little between same and other.  Near scenes have
# more.
PART_INLIERS, PART_SHARE, PART_QUANTILE_CORRELATION, PART_SOMEWHAT = 10, 0.6, 0.96, 0.2
# Of coarse points: with so many, which one in sixty pairs of different pictures has, finer ones are asked;
# four have one in twenty, and of 1,006 copies two.
WORTH_A_CLOSER_LOOK = 5
# Points agree on a transform, pixels don't: one scene, seen twice.
SCENE_INLIERS, SCENE_SHARE = 20, 0.3
FLAT = 1e-9  # of areas: less is nothing
DIGITS = 9  # more than single precision has
SAME, SCENE, OTHER = "same", "scene", "other"


@dataclass(frozen=True)
class Finding:
    """What two pictures are to each other.

    Attributes:
        what: SAME: they are the same picture, or parts of it; SCENE: photos of one scene; OTHER: nothing
            says so.
        matrix: of six numbers, from pixels of the first's sketch to the second's, as Transform.matrix; None
            where none was found.
        lacking: share of the first's area that shows something which the second does not, and the reverse;
            plain margins do not count.
        share: of what both show, the share that is the same; `median`: correlation of the middle block.
    """

    what: str
    matrix: tuple[float, ...] | None = None
    lacking: tuple[float, float] = (1.0, 1.0)
    share: float = 0.0
    median: float = 0.0

    @property
    def is_same(self) -> bool:
        return self.what == SAME

    @property
    def transform(self) -> np.ndarray:
        """`matrix` as (2, 3) float64."""
        assert self.matrix is not None, "only what is the same, or of one scene, has a transform"
        return np.array(self.matrix).reshape(2, 3)

    def reversed(self) -> Finding:
        """The same finding with the pictures in the other order."""
        back = None if self.matrix is None else _numbers(inverted(self.transform))
        return Finding(self.what, back, self.lacking[::-1], self.share, self.median)


def kept(number: float) -> float:
    """A number as it is remembered, so that what is found once and what was found before are one."""
    return float(f"{number:.{DIGITS}g}")


def prove(first: Sketch, second: Sketch) -> Finding:
    """Find out whether two pictures are the same one."""
    return prove_by_frame(first, second) or prove_by_points(first, second)


def prove_by_frame(first: Sketch, second: Sketch) -> Finding | None:
    """The same by the whole frame of one upon the other's; None where that does not settle it."""
    framed, likeness = fit_frames(first, second)
    if likeness < LIKELY:
        return None
    seen = _agreement(first, second, framed)
    if seen.share >= FRAME_SHARE and seen.median >= FRAME_MEDIAN:
        return found(SAME, framed.matrix, seen)
    if seen.blocks < FEWEST_BLOCKS and are_level(first.grey, second.grey, framed.matrix):
        return found(SAME, framed.matrix, replace(seen, share=1.0, median=likeness))
    return None


def prove_by_points(first: Sketch, second: Sketch) -> Finding:
    """What two pictures are to each other by the transform that most of their points agree on."""
    shape = second.grey.shape[:2]
    coarse = fit_points(first.points, second.points, shape)
    if coarse is None or coarse.inliers < WORTH_A_CLOSER_LOOK:
        return Finding(OTHER)
    if coarse.inliers >= FEWEST_INLIERS and (judged := _judged(first, second, coarse)).is_same:
        return judged
    fine = fit_points(first.fine_points, second.fine_points, shape)
    if fine is None or fine.inliers < FEWEST_INLIERS:
        return Finding(OTHER)
    return _judged(first, second, fine)


def prove_near(first: Sketch, second: Sketch, matrix: np.ndarray) -> Finding:
    """The same, by a transform known from a third picture that both are the same as, made exact by points."""
    pointed = fit_points_near(first.fine_points, second.fine_points, second.grey.shape[:2], matrix)
    if pointed is not None and pointed.inliers >= FEWEST_INLIERS:
        # What is looked for in one place alone does not get there by chance.
        judged = _judged(first, second, Fit(pointed.matrix, max(pointed.inliers, PART_INLIERS)))
        if judged.is_same:
            return judged
    return _judged(first, second, Fit(matrix, PART_INLIERS))


def _judged(first: Sketch, second: Sketch, fit: Fit) -> Finding:
    seen = _agreement(first, second, fit)
    wholly = seen.share >= ALL_SHARE and seen.median >= ALL_MEDIAN
    partly = (
        fit.inliers >= PART_INLIERS
        and seen.share >= PART_SHARE
        and seen.upper >= PART_QUANTILE_CORRELATION
        and seen.somewhat <= PART_SOMEWHAT
    )
    if wholly or partly:
        return found(SAME, fit.matrix, seen)
    is_scene = fit.inliers >= SCENE_INLIERS and seen.share >= SCENE_SHARE
    return found(SCENE, fit.matrix, seen) if is_scene else Finding(OTHER)


def _agreement(first: Sketch, second: Sketch, fit: Fit) -> Agreement:
    if abs(determinant(fit.matrix)) < FLAT:
        return NONE
    return agreement(first.grey, second.grey, frame_of(first.grey.shape, second.grey.shape, fit.matrix))


def found(what: str, matrix: np.ndarray, seen: Agreement) -> Finding:
    """A finding by a (2, 3) transform and how well the pixels agree under it."""
    return Finding(
        what=what,
        matrix=_numbers(matrix),
        lacking=(kept(seen.lacking[0]), kept(seen.lacking[1])),
        share=kept(seen.share),
        median=kept(seen.median),
    )


def _numbers(matrix: np.ndarray) -> tuple[float, ...]:
    return tuple(kept(number) for number in matrix.ravel().tolist())
