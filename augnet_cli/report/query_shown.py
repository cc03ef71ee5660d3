"""Hits drawn in a terminal: strips of pictures as wide as it is, with their distances below."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from PIL import Image

from augnet_cli.cores import usable_cores
from augnet_cli.images.squares import resized
from augnet_cli.report.query_pictures import Pictures, chunks, pictures_of, same
from augnet_cli.report.style import Style
from augnet_cli.report.terminal_pictures import Graphics, Screen, drawn
from augnet_cli.report.thumbnails import Thumbnail
from augnet_cli.results import QueryResult

# Rows of a picture, which is a square: letters are about twice as high as wide.  On 80 columns four stand
# side by side.  Half blocks are coarse pixels, of which one wants more: three side by side.
HIGH, HIGH_BLOCKS = 9, 12
CELLS_A_ROW = 2
BETWEEN = 2  # cells
HITS_SHOWN = 50  # of an answer; more would leave no line of text in sight
BLOCK_WIDTH, BLOCK_HEIGHT = 1, 2  # pixels that a cell has with half blocks
ASKED, AWAY = "query", "not"  # below pictures that are no hits


@dataclass(frozen=True, slots=True)
class Grid:
    """The place of a picture, `wide` x `high` cells of so many pixels."""

    wide: int
    high: int
    cell_width: int
    cell_height: int


def grid_of(screen: Screen) -> Grid:
    """The places that fit a screen's way of pictures."""
    if screen.graphics is Graphics.blocks:
        return Grid(CELLS_A_ROW * HIGH_BLOCKS, HIGH_BLOCKS, BLOCK_WIDTH, BLOCK_HEIGHT)
    return Grid(CELLS_A_ROW * HIGH, HIGH, screen.cell_width, screen.cell_height)


def drawings(result: QueryResult, screen: Screen, style: Style) -> Generator[Iterable[str], None, None]:
    """Of each answer the lines that draw its pictures, the query first."""
    grid = grid_of(screen)
    side = max(grid.wide * grid.cell_width, grid.high * grid.cell_height)
    with closing(pictures_of(result, side, same, usable_cores(), HITS_SHOWN)) as answers:
        for pictures in answers:
            yield _answer(pictures, screen, grid, style)


def _answer(pictures: Pictures[Thumbnail], screen: Screen, grid: Grid, style: Style) -> Iterator[str]:
    tiles = [(picture, ASKED, style.bold) for picture in pictures.queries]
    tiles += [(picture, AWAY, style.red) for picture in pictures.without]
    for picture, hit in zip(pictures.hits, pictures.answer.hits, strict=False):
        words = f"{float(hit.distance):.4f}{' same' if hit.same else ''}"
        words += "" if picture.pixels is not None else " not shown"
        tiles.append((picture, words, style.green if hit.same else style.dim))
    across = max(1, (screen.columns + BETWEEN) // (grid.wide + BETWEEN))
    for part in chunks(len(tiles), across):
        some = tiles[part]
        yield from drawn(_strip([picture for picture, *_ in some], grid), grid.high, screen)
        captions = (f"{look}{words:<{grid.wide}}{style.reset}" for _, words, look in some)
        yield (" " * BETWEEN).join(captions).rstrip()
        yield ""


def _strip(pictures: list[Thumbnail], grid: Grid) -> np.ndarray:
    """(h, w, 4) uint8: pictures side by side, each in the middle of its place; see `terminal_pictures`."""
    width, height = grid.wide * grid.cell_width, grid.high * grid.cell_height
    gap = BETWEEN * grid.cell_width
    strip = np.zeros((height, (width + gap) * len(pictures) - gap, 4), np.uint8)
    for number, picture in enumerate(pictures):
        if picture.pixels is None:
            continue
        whole = Image.fromarray(picture.pixels)
        scale = min(width / whole.width, height / whole.height)
        size = max(1, round(whole.width * scale)), max(1, round(whole.height * scale))
        left, top = number * (width + gap) + (width - size[0]) // 2, (height - size[1]) // 2
        place = strip[top : top + size[1], left : left + size[0]]
        place[:, :, :3] = np.asarray(resized(whole, size))
        place[:, :, 3] = 255
    return strip
