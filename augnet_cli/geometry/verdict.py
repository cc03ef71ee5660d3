"""How the two images of a pair differ, in words: what was done to the one to make it from the other."""

from __future__ import annotations

import numpy as np

from augnet_cli.geometry.affine import inverted, stretches
from augnet_cli.geometry.differences import Differences
from augnet_cli.geometry.placed import degrees_of, in_files, is_mirrored
from augnet_cli.geometry.relation import PAINTED, Relation
from augnet_cli.geometry.sketch import Size

RE_ENCODED, RESIZED, CROPPED, BORDERED = "re-encoded", "resized", "cropped", "bordered"
ROTATED, MIRRORED, RECOLOURED, EDITED = "rotated", "mirrored", "recoloured", "edited"
# In this order they stand in a verdict.
WORDS = (RE_ENCODED, RESIZED, CROPPED, BORDERED, ROTATED, MIRRORED, RECOLOURED, EDITED)

TURN = 1.0  # degrees: less is what points alone get wrong
CUT = 0.015  # of a side, by which one picture must go on beyond the other
STRETCH = 0.03  # of a side; points get a hundredth wrong
STRONGEST_JPEG = 6.0  # levels by which a strong JPEG changes the mean colour of a block, at most
GREY, COLOURFUL = 3.0, 6.0  # levels between channels: none, and some
SOFTER, SHARPER = 0.75, 1.35  # steepness of edges, of one against the other
NOISIER = 0.8  # levels of noise that one has over the other
FINE = 1.05  # pixels of one in the other along a side: so much alike that noise can be compared


def verdict(first: Size, second: Size, relation: Relation) -> tuple[str, ...]:
    """What was done to the second to make the first."""
    matrix = in_files(first, second, relation.finding.transform)
    words = {
        RESIZED: is_resized(first, second, matrix),
        CROPPED: _beyond(second, first, inverted(matrix)) > CUT,
        BORDERED: _beyond(first, second, matrix) > CUT,
        ROTATED: abs(degrees_of(matrix)) > TURN,
        MIRRORED: is_mirrored(matrix),
        RECOLOURED: is_recoloured(relation),
        EDITED: is_edited(relation, stretches(matrix)),
    }
    found = tuple(word for word in WORDS if words.get(word))
    return found or (RE_ENCODED,)


def is_resized(first: Size, second: Size, matrix: np.ndarray) -> bool:
    return any(abs(np.log(scale)) > STRETCH for scale in stretches(matrix))


def _beyond(one: Size, other: Size, matrix: np.ndarray) -> float:
    """By how much of the other's side `one`, carried by `matrix`, goes on beyond the farthest edge."""
    corners = np.array([[0, 0, 1], [one.width, 0, 1], [0, one.height, 1], [one.width, one.height, 1]])
    x, y = matrix @ corners.T
    # A slightly turned picture has two corners beyond an edge and two within: the middle of the side counts.
    middles = [(x[a] + x[b]) / 2 for a, b in ((0, 1), (0, 2), (1, 3), (2, 3))]
    heights = [(y[a] + y[b]) / 2 for a, b in ((0, 1), (0, 2), (1, 3), (2, 3))]
    across = max(-min(middles), max(middles) - other.width) / other.width
    along = max(-min(heights), max(heights) - other.height) / other.height
    return float(max(across, along))


def is_recoloured(relation: Relation) -> bool:
    weak, strong = sorted(relation.unlike.colourful)
    return relation.unlike.recoloured > STRONGEST_JPEG or (weak < GREY and strong > COLOURFUL)


def is_edited(relation: Relation, scales: tuple[float, float]) -> bool:
    unlike = relation.unlike
    softness = unlike.edges[0] / unlike.edges[1]
    alike = max(scales[0], 1 / scales[1]) < FINE
    noisy = alike and is_noisier(unlike)
    return unlike.painted > PAINTED or softness < SOFTER or (alike and softness > SHARPER) or noisy


def is_noisier(unlike: Differences) -> bool:
    """Whether noise was added to one of them."""
    return max(unlike.noise) > NOISIER
