"""Pairs of images side by side in one picture, to be looked at; for `verified.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

SIDE = 240  # pixels of an image: two photos of one bird are told apart
LINE = 15  # pixels of the captions' letters
GAP = 8
ABREAST = 3  # pairs in a row
PAPER, INK = (255, 255, 255), (0, 0, 0)


@dataclass(frozen=True)
class Shown:
    """Two image files and what stands under them."""

    left: Path
    right: Path
    words: str


def draw_pairs(pairs: Sequence[Shown], out: Path) -> None:
    """Number the pairs and draw them into one PNG, from left to right and down; no pair, no file."""
    if not pairs:
        out.unlink(missing_ok=True)  # an earlier run's
        return
    width, height = 2 * SIDE + 3 * GAP, SIDE + LINE + 3 * GAP
    rows = -(-len(pairs) // ABREAST)
    sheet = Image.new("RGB", (width * min(ABREAST, len(pairs)), height * rows), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(LINE)
    for number, pair in enumerate(pairs):
        left, top = width * (number % ABREAST) + GAP, height * (number // ABREAST) + GAP
        for image, place in ((pair.left, left), (pair.right, left + SIDE + GAP)):
            sheet.paste(_fitted(image), (place, top))
        draw.text((left, top + SIDE + GAP), f"{number + 1}: {pair.words}", fill=INK, font=font)
    sheet.save(out)


def _fitted(file: Path) -> Image.Image:
    """The whole image in a square of SIDE."""
    with Image.open(file) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    return ImageOps.pad(upright, (SIDE, SIDE), color=PAPER)
