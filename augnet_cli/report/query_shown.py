"""Hits drawn in a terminal: strips of pictures as wide as it is, with their distances below."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing

import numpy as np
from PIL import Image

from augnet_cli.cores import usable_cores
from augnet_cli.images.squares import resized
from augnet_cli.report.query_pictures import Pictures, chunks, pictures_of, same
from augnet_cli.report.style import Style
from augnet_cli.report.terminal_pictures import Graphics, Screen, drawn
from augnet_cli.report.thumbnails import Thumbnail
from augnet_cli.results import QueryResult

# Cells of a picture: letters are about twice as high as wide, so this is a square.  On 80 columns four stand
# side by side, and a face is told from another by half blocks.
WIDE, HIGH = 18, 9
BETWEEN = 2  # cells
HITS_SHOWN = 50  # of an answer; more would leave no line of text in sight
BLOCK_WIDTH, BLOCK_HEIGHT = 1, 2  # pixels that a cell has with half blocks
ASKED = "query"


def drawings(result: QueryResult, screen: Screen, style: Style) -> Generator[Iterable[str], None, None]:
    """Of each answer the lines that draw its pictures, the query first."""
    cell = _cell(screen)
    side = max(WIDE * cell[0], HIGH * cell[1])
    with closing(pictures_of(result, side, same, usable_cores(), HITS_SHOWN)) as answers:
        for pictures in answers:
            yield _answer(pictures, screen, style)


def _cell(screen: Screen) -> tuple[int, int]:
    if screen.graphics is Graphics.blocks:
        return BLOCK_WIDTH, BLOCK_HEIGHT
    return screen.cell_width, screen.cell_height


def _answer(pictures: Pictures[Thumbnail], screen: Screen, style: Style) -> Iterator[str]:
    tiles = [(picture, ASKED, style.bold) for picture in pictures.queries]
    tiles += [(picture, "not", style.red) for picture in pictures.without]
    for picture, hit in zip(pictures.hits, pictures.answer.hits, strict=False):
        words = f"{float(hit.distance):.4f}{' same' if hit.same else ''}"
        words += "" if picture.pixels is not None else " not shown"
        tiles.append((picture, words, style.green if hit.same else style.dim))
    across = max(1, (screen.columns + BETWEEN) // (WIDE + BETWEEN))
    for part in chunks(len(tiles), across):
        some = tiles[part]
        yield from drawn(_strip([picture for picture, *_ in some], _cell(screen)), HIGH, screen)
        yield (" " * BETWEEN).join(f"{look}{words:<{WIDE}}{style.reset}" for _, words, look in some).rstrip()
        yield ""


def _strip(pictures: list[Thumbnail], cell: tuple[int, int]) -> np.ndarray:
    """(h, w, 4) uint8: pictures side by side, each in the middle of its place; see `terminal_pictures`."""
    width, height, step = WIDE * cell[0], HIGH * cell[1], (WIDE + BETWEEN) * cell[0]
    strip = np.zeros((height, step * len(pictures) - BETWEEN * cell[0], 4), np.uint8)
    for number, picture in enumerate(pictures):
        if picture.pixels is None:
            continue
        whole = Image.fromarray(picture.pixels)
        scale = min(width / whole.width, height / whole.height)
        size = max(1, round(whole.width * scale)), max(1, round(whole.height * scale))
        left, top = number * step + (width - size[0]) // 2, (height - size[1]) // 2
        place = strip[top : top + size[1], left : left + size[0]]
        place[:, :, :3] = np.asarray(resized(whole, size))
        place[:, :, 3] = 255
    return strip
