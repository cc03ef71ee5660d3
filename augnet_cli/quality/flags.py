"""From numbers to words: which pictures look wrong, alone and beside the others of their folder.

The thresholds were chosen on photographs, drawings and altered copies of both; `benchmarks/flags.py` says how
many of each they flag.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from augnet_cli.results import Measures
from augnet_cli.results.inspect import (
    BLURRED,
    BRIGHT,
    DARK,
    FLAGS,
    GREY,
    LOW_INFORMATION,
    ODD_ASPECT,
    ODD_SIZE,
)

# Of 100 photographs one has a grey_p95 under 0.4; four stops too little light bring it under 0.29.
DARK_P95 = 0.3
# Hardly a photograph has no darker parts than this, nor a drawing of thin lines; flashed paper and fog do.
BRIGHT_P1 = 0.6
# Half of the picture is burnt out to white; so are drawings on paper, which is why it counts only where it is
# this rare in the folder.
WHITE_P50 = 0.98
FEW = 0.01
# Pixels of a screen: 99 photographs in 100 measure less, those blurred by a Gaussian of radius 3 more.
BLUR = 1.0
# Along one direction more is needed: there are fewer edges to go by, and the largest of sixteen is taken.
SMEAR = 1.7
# One tile in 50 shows something: a blank page with a speck, a wall, a lens cap.
DETAIL = 0.02
# JPEG gives grey pictures some levels of colour; the palest tint that one sees measures twice this.
COLOUR = 0.035

# A side that is a quarter of the other, and no photograph's; screens of phones are 2.2 to 1.
TYPICAL_ASPECT = 1.5  # 3:2, where a folder has too few pictures to say what is typical
TIMES_LONGER = 2.0  # than three quarters of the folder: 3:1 among photographs of 3:2
LONGEST = 10.0  # no picture that one looks at whole, whatever the folder
LEAST_SIDE = 16  # pixels: the smallest icon; less shows nothing
TIMES_LARGER = 4.0  # by side, than three quarters of the folder, or smaller: a thumbnail, or a poster
ENOUGH_IMAGES = 20  # from so many on a folder has quartiles worth the name


@dataclass(frozen=True, slots=True)
class Typical:
    """What is usual in a folder.

    Attributes:
        aspect: upper quartile of longer over shorter side.
        small, large: lower and upper quartile of the geometric mean of the sides in pixels; (0, inf) where
            there are too few images.
        white_is_rare: whether hardly an image is white by half.
    """

    aspect: float = TYPICAL_ASPECT
    small: float = 0.0
    large: float = math.inf
    white_is_rare: bool = True


def typical(widths: np.ndarray, heights: np.ndarray, measured: Sequence[Measures | None]) -> Typical:
    """What is usual among n images of (n,) widths and heights, of which those measured are known closer."""
    white = sum(one is not None and one.grey_p50 >= WHITE_P50 for one in measured)
    is_rare = white <= max(1.0, FEW * len(measured))
    if len(widths) < ENOUGH_IMAGES:
        return Typical(white_is_rare=is_rare)
    sides = np.sqrt(widths.astype(np.float64) * heights)
    small, large = np.quantile(sides, (0.25, 0.75))
    aspects = np.maximum(widths, heights) / np.minimum(widths, heights)
    return Typical(float(np.quantile(aspects, 0.75)), float(small), float(large), is_rare)


def flags_of(width: int, height: int, measured: Measures | None, usual: Typical) -> tuple[str, ...]:
    """The words for one image of `width` x `height` pixels in the order of FLAGS; often none."""
    longer, shorter = max(width, height), min(width, height)
    side = math.sqrt(width * height)
    words = {
        ODD_ASPECT: longer >= shorter * min(LONGEST, TIMES_LONGER * usual.aspect),
        ODD_SIZE: shorter < LEAST_SIDE
        or not usual.small / TIMES_LARGER <= side <= usual.large * TIMES_LARGER,
    }
    if measured is not None:
        is_white = measured.grey_p50 >= WHITE_P50 and usual.white_is_rare
        words |= {
            DARK: measured.grey_p95 <= DARK_P95,
            BRIGHT: measured.grey_p1 >= BRIGHT_P1 or is_white,
            BLURRED: (measured.blur or 0.0) >= BLUR or (measured.smear or 0.0) >= SMEAR,
            LOW_INFORMATION: measured.detail < DETAIL,
            GREY: measured.colour <= COLOUR,
        }
    return tuple(flag for flag in FLAGS if words.get(flag))
