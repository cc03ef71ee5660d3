"""Which of two pictures was made from the other, as far as they show it.

A crop lacks what is around it; a frame, a page or a screen has a seam around the picture it shows; lettering
and stickers have few greys; what is grey, noisy or soft was colourful, clean and sharp before.  A turn, a
mirror image or a change of brightness does not tell.
"""

from __future__ import annotations

from augnet_cli.geometry.placed import degrees_of, is_mirrored
from augnet_cli.geometry.relation import PAINTED, Relation
from augnet_cli.geometry.verdict import COLOURFUL, FINE, GREY, SOFTER, is_noisier, is_recoloured

UNALTERED = (False, 0, False)
PLAINER = 0.1  # share of one grey in what was painted over, by which paint shows more of it than the picture
# What an image lacks of another that is no more than this share of the other's area is nothing ...
NOTHING = 0.02
# ... and around a picture with a seam it is a caption; more is a page, or a screen, with contents of its own.
CAPTION = 0.12
# Of the finest structure, what strong JPEG leaves at most.  Quality is compared where both files have as many
# pixels for the same: sides that differ by less than this factor.
VISIBLE = 1.0  # levels of texture: what compression adds to a smooth picture is none
LEAST_TEXTURE, AS_LARGE = 0.85, 1.02
# Steepness of edges, of one over the other: of 1,100 copies of 18 kinds none loses or gains so much, but for
# lettering; blurred ones lose half in the median.
BLURRED = 1.6


def derivation(relation: Relation) -> int:
    """1: the first was made from the second; -1: the second from the first; 0: nothing tells."""
    for tell in (_by_frame, _by_paint, _by_colour, _by_quality):
        if (found := tell(relation)) != 0:
            return found
    return 0


def alteration(relation: Relation) -> tuple[bool, int, bool]:
    """Whether one was mirrored, how many quarter turns it was turned, whether it was recoloured.

    None of these leaves a trace of who came first; that few of a set are altered does.
    """
    matrix = relation.finding.transform
    turns = round(degrees_of(matrix) / 90) % 4
    return is_mirrored(matrix), turns, is_recoloured(relation)


def covers(relation: Relation) -> bool:
    """Whether the second shows all that the first does, colours and detail included, beside frames and
    captions."""
    if _by_colour(relation) < 0 or _is_blurred(relation):
        return False
    if relation.first_framed:
        return relation.finding.lacking[0] <= CAPTION
    return relation.finding.lacking[0] <= NOTHING


def _is_blurred(relation: Relation) -> bool:
    """Whether the second lacks the first's detail, pixel for pixel.  Lettering and noise are no detail."""
    unlike = relation.unlike
    if not 1 / FINE < relation.scale < FINE or unlike.painted > PAINTED or is_noisier(unlike):
        return False
    return unlike.edges[0] > BLURRED * unlike.edges[1]


def _by_frame(relation: Relation) -> int:
    first, second = relation.first_framed, relation.second_framed
    if first is True or second is True:
        return int(first is True) - int(second is True)
    # Without a seam, the one that goes on beyond the other is the whole, of which the other was cut out.
    return int(second is False) - int(first is False)


def _by_paint(relation: Relation) -> int:
    unlike = relation.unlike
    if unlike.painted < PAINTED or abs(unlike.paint_in_first) < PLAINER:
        return 0
    return 1 if unlike.paint_in_first > 0 else -1


def _by_colour(relation: Relation) -> int:
    first, second = relation.unlike.colourful
    if min(first, second) > GREY or max(first, second) < COLOURFUL:
        return 0
    return 1 if first < second else -1


def _by_quality(relation: Relation) -> int:
    if not 1 / AS_LARGE < relation.scale < AS_LARGE:
        return 0
    if is_noisier(relation.unlike):
        return 1 if relation.unlike.noise[0] > relation.unlike.noise[1] else -1
    softness = relation.unlike.edges[0] / relation.unlike.edges[1]
    if softness < SOFTER:
        return 1
    if softness > 1 / SOFTER:
        return -1
    first, second = relation.unlike.texture
    weaker, stronger = sorted((first, second))
    if stronger < VISIBLE or weaker > LEAST_TEXTURE * stronger:
        return 0
    return 1 if first < second else -1
