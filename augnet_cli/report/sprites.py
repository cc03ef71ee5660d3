"""Thumbnails on sheets: many small pictures in one large one, each in a square cell of its own.

A sheet is decoded at once and costs one file's header, where thousands of single thumbnails cost thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from augnet_cli.images.decode import MAX_MEGAPIXELS
from augnet_cli.report.thumbnails import SAMPLE, Thumbnail, encoded, fitting_side, thumbnails

# Sides of a cell in pixels, largest first, all multiples of 16: the blocks of WebP and JPEG then end where
# cells end, and no picture bleeds into its neighbour.  256 fills the card of a picture; at 48 one still
# tells a face from a landscape; 32 is for icons.
SIDES = (256, 208, 176, 160, 144, 128, 112, 96, 80, 64, 48, 32)
LEAST_SIDE = 48  # what photographs are made to at the smallest
WHOLE = 0.9  # share of pictures that fit a cell as they are, where pictures are smaller than the largest cell
# A sheet of 16 MB when decoded: any browser holds some dozens, and few are wanted at a time.
SHEET_SIDE = 2048
# Sheets at most, where LEAST_SIDE allows: a map that shows a picture of each holds 400 MB.
MOST_SHEETS = 24
GREY = 128  # of a cell without a picture


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture on a sheet, from the upper left corner of its cell: `across` x `down` pixels.

    `width` and `height` are those of the upright file, 0 where it can't be decoded, and so are `across` and
    `down`; `reason` then says why.
    """

    across: int
    down: int
    width: int
    height: int
    size_bytes: int
    reason: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file as `encoded` makes it, and its cells, row by row."""

    picture: bytes
    cells: tuple[Cell, ...]


def cells_across(side: int) -> int:
    """Cells in a row of a sheet, and rows of a full one."""
    return SHEET_SIDE // side


def fitting_cell(
    folder: str, paths: Sequence[str], bytes_each: float, workers: int, max_megapixels: float = MAX_MEGAPIXELS
) -> int:
    """The largest of SIDES at which a picture takes `bytes_each` on average, or LEAST_SIDE.

    Nor is it larger than pictures need that are small themselves: of icons all but one in ten are whole.
    """
    step = max(1, len(paths) // SAMPLE)
    sample = thumbnails(folder, paths[::step], SIDES[0], _same, workers, max_megapixels)
    lengths = sorted(max(shown.pixels.shape[:2]) for shown in sample if shown.pixels is not None)
    if not lengths:
        return LEAST_SIDE
    needed = lengths[int(WHOLE * (len(lengths) - 1))]
    enough = min((side for side in SIDES if side >= needed), default=SIDES[0])
    least = min(enough, LEAST_SIDE)
    sides = [
        side for side in SIDES if least < side <= enough and _sheet_count(len(paths), side) <= MOST_SHEETS
    ]
    sides.append(least)
    return fitting_side(folder, paths, bytes_each, workers, max_megapixels, sides)


def _sheet_count(pictures: int, side: int) -> int:
    return -(-pictures // cells_across(side) ** 2)


def sheets(
    folder: str,
    paths: Sequence[str],
    side: int,
    workers: int,
    max_megapixels: float = MAX_MEGAPIXELS,
    told: Callable[[Cell], None] = lambda cell: None,
) -> Generator[Sheet, None, None]:
    """The pictures of `paths`, in order, on as few sheets as hold them; each is full but the last.

    What can't be shown leaves its cell grey.

    Args:
        paths: relative to `folder`.
        side: of a cell, one of SIDES.
        told: called with each cell as it is laid.
    """
    across = cells_across(side)
    with closing(thumbnails(folder, paths, side, _same, workers, max_megapixels)) as drawn:
        for start in range(0, len(paths), across * across):
            count = min(across * across, len(paths) - start)
            pixels = np.full((-(-count // across) * side, min(count, across) * side, 3), GREY, np.uint8)
            cells = []
            for place in range(count):
                thumbnail = next(drawn)
                top, left = side * (place // across), side * (place % across)
                cells.append(_laid(thumbnail, pixels[top : top + side, left : left + side]))
                told(cells[-1])
            yield Sheet(encoded(pixels), tuple(cells))


def _laid(thumbnail: Thumbnail, cell: np.ndarray) -> Cell:
    """Lay a picture into its cell, (side, side, 3); its edges go on: a border would cost bytes."""
    picture = thumbnail.pixels
    size = (thumbnail.width, thumbnail.height, thumbnail.size_bytes)
    if picture is None:
        return Cell(0, 0, *size, thumbnail.reason)
    down, across = picture.shape[:2]
    missing = ((0, len(cell) - down), (0, len(cell) - across), (0, 0))
    cell[:] = np.pad(picture, missing, mode="edge")
    return Cell(across, down, *size, thumbnail.reason)


def _same(thumbnail: Thumbnail) -> Thumbnail:
    return thumbnail
