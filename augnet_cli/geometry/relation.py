"""All that is known of two pictures that are the same: how one lies in the other, and what was done to which.

Made once for the pairs that a report names; proofs that only connect need less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augnet_cli.geometry.affine import enlargement
from augnet_cli.geometry.agreement import agreement
from augnet_cli.geometry.differences import Differences, differences
from augnet_cli.geometry.fit import fit_points
from augnet_cli.geometry.laid import frame_of
from augnet_cli.geometry.placed import in_files
from augnet_cli.geometry.proof import SAME, Finding, found, kept
from augnet_cli.geometry.seams import is_framed
from augnet_cli.geometry.sketch import Points, Size, Sketch

# Of the blocks' median: the whole frame fits as well as a small crop's can't.
WELL = 0.985
# Share of the overlap that has changed, how smooth paint is at least, and the correlation of the middle
# block of a copy's rest: of 2,372 copies, combined changes too, 15 were taken for scenes at 0.985 and 22 at
# 0.99; bursts that passed for copies without it lay at 0.974 to 0.986, and one at 0.998.
MOVED, SMOOTH, STILL = 0.05, 0.3, 0.9875
PAINTED = 0.01  # of the overlap: more is no chance
LITTLE = 0.04  # of the overlap: what a picture laid a pixel wrong seems to have
REPLACED = 0.25  # so much is no sticker or caption, but another picture in the same dress
LESS = 0.02  # of the blocks: by so much fewer may be the same where one is laid more exactly
BETTER = 0.002  # by which points must fit better than the whole frame to be believed


@dataclass(frozen=True)
class Relation:
    """Two pictures that are the same, or parts of the same.

    Attributes:
        finding: how they lie, and which lacks what.
        unlike: how they differ, the first over the second.
        first_framed: the first shows the second with a seam around it, as a frame or a page does; False
            where it goes on beyond it without one, as the whole does around a crop; None where it ends with
            it.
        second_framed: the reverse.
        scale: pixels of the second file in one of the first, along a side.
        identical: every pixel is the same.
    """

    finding: Finding
    unlike: Differences
    first_framed: bool | None
    second_framed: bool | None
    scale: float
    identical: bool = False

    def reversed(self) -> Relation:
        """The same relation with the pictures in the other order."""
        finding = self.finding.reversed()
        return Relation(
            finding,
            self.unlike.reversed(),
            self.second_framed,
            self.first_framed,
            1 / self.scale,
            self.identical,
        )


def relate(first: Sketch, second: Sketch, finding: Finding, identical: bool = False) -> Relation | None:
    """Look closely at two pictures that were found to be the same; None if they are two photos of one scene.

    What was painted on a copy is smoother than what it covers, and the rest of it stays as it was.  Where as
    much has changed, but by nothing smooth, and the rest is not as like as a copy's is, something moved.
    """
    if finding.median < WELL:
        # The whole frame was enough for a proof, but fits not well: a slight crop is found so.
        finding = _better(finding, _by_points(first, second, first.points, second.points))
    unlike = _unlike(first, second, finding)
    if _is_scene(finding, unlike) or PAINTED < unlike.painted <= LITTLE:
        # Laid a little wrong, a copy looks as if it had moved, or had a little painted on it.
        finding, unlike = _laid_better(first, second, finding, unlike)
        if _is_scene(finding, unlike):
            return None
    matrix = finding.transform
    back = finding.reversed().transform
    return Relation(
        finding=finding,
        unlike=_kept(unlike),
        first_framed=is_framed(second.grey, first.grey, back),
        second_framed=is_framed(first.grey, second.grey, matrix),
        scale=kept(_scale(first, second, matrix)),
        identical=identical,
    )


def _laid_better(
    first: Sketch, second: Sketch, finding: Finding, unlike: Differences
) -> tuple[Finding, Differences]:
    """How two pictures lie by finer points, and differ then, if that is no worse and less is changed."""
    finer = _by_points(first, second, first.fine_points, second.fine_points)
    if finer is None or finer.median < finding.median or finer.share < finding.share - LESS:
        return finding, unlike
    again = _unlike(first, second, finer)
    is_cleared = _is_scene(finding, unlike) and not _is_scene(finer, again)
    is_better = again.painted < unlike.painted or is_cleared
    return (finer, again) if is_better else (finding, unlike)


def _unlike(first: Sketch, second: Sketch, finding: Finding) -> Differences:
    frame = frame_of(first.grey.shape, second.grey.shape, finding.transform)
    return differences(first.colour, second.colour, frame)


def _is_scene(finding: Finding, unlike: Differences) -> bool:
    """Whether much has changed, but by nothing smooth, and the rest is not as like as a copy's is."""
    has_moved = unlike.painted > MOVED and finding.median < STILL
    return abs(unlike.paint_in_first) < SMOOTH and (has_moved or unlike.painted > REPLACED)


def _scale(first: Sketch, second: Sketch, matrix: np.ndarray) -> float:
    sizes = Size(first.width, first.height), Size(second.width, second.height)
    return enlargement(in_files(*sizes, matrix))


def _kept(unlike: Differences) -> Differences:
    """With numbers as they are remembered."""
    return Differences(
        painted=kept(unlike.painted),
        paint_in_first=kept(unlike.paint_in_first),
        recoloured=kept(unlike.recoloured),
        colourful=(kept(unlike.colourful[0]), kept(unlike.colourful[1])),
        noise=(kept(unlike.noise[0]), kept(unlike.noise[1])),
        edges=(kept(unlike.edges[0]), kept(unlike.edges[1])),
        texture=(kept(unlike.texture[0]), kept(unlike.texture[1])),
    )


def _better(finding: Finding, finer: Finding | None) -> Finding:
    if finer is None or finer.median < finding.median + BETTER or finer.share < finding.share:
        return finding
    return finer


def _by_points(first: Sketch, second: Sketch, own: Points, other: Points) -> Finding | None:
    """How they lie by points of both; None where these agree on nothing."""
    shapes = first.grey.shape, second.grey.shape
    fit = fit_points(own, other, shapes[1])
    if fit is None:
        return None
    return found(SAME, fit.matrix, agreement(first.grey, second.grey, frame_of(*shapes, fit.matrix)))
