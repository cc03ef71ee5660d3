"""Which images of a folder are different pictures: of several that show the same one, training takes one.

A folder to be rid of its duplicates holds some.  In training they would be pushed apart as two images, and
in judging be counted as false alarms or be found in both parts.  They are told by their pixels, not by an
encoder, whose errors are what is to be mended.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from augnet_cli.images.squares import square
from augnet_cli.progress import SILENT, Progress
from augnet_cli.training.pixels import PixelCache

# Two pictures whose thumbnails agree so far are the same one, saved twice: of the 2 million pairs of
# 2,000 photographs of many kinds only 1 did (2 at 0.97, 6 at 0.95).
THUMBNAIL_SIDE = 16
SAME_CORRELATION = 0.98
COARSE_SIDE = 4  # a first look at 49 numbers instead of 768, that misses nothing
BLOCK_ROWS = 1024  # compared at once: the tile of similarities stays at some megabytes
ROUNDING = 1e-5  # of the first look's float32 products
SHOWN_EVERY = 256  # images between two words of progress


def distinct_rows(pixels: PixelCache, workers: int, progress: Progress = SILENT) -> np.ndarray:
    """(m,) ascending rows of `pixels`: of each set of images that show the same picture, one.

    Which one depends on the files' contents alone, not on their names; each image left out agrees with one
    that stays, and no two that stay agree.  Time grows with the square of the number of images (half a
    million take minutes), memory by 1 kB an image.
    """
    thumbnails = _thumbnails(pixels, workers, progress)
    order = np.argsort(np.array(pixels.contents), kind="stable")
    return np.sort(order[first_of_each(thumbnails[order])])


def first_of_each(thumbnails: np.ndarray) -> np.ndarray:
    """(m,) ascending positions of those of (n, s, s, 3) uint8 thumbnails that agree with none kept before.

    Plain images have no pattern to agree in: they are the same if they are of one colour.
    """
    kept = np.empty(len(thumbnails), np.int64)
    coarse = np.empty((len(thumbnails), COARSE_SIDE * COARSE_SIDE * 3 + 1), np.float32)  # of those kept
    count, colours = 0, set()
    for start in range(0, len(thumbnails), BLOCK_ROWS):
        rows = patterns(thumbnails[start : start + BLOCK_ROWS])
        first_look = _coarse(rows)
        like_earlier = _candidates(first_look, coarse[:count])
        begun = count
        for position, row in enumerate(rows):
            number = start + position
            if not row.any():
                colour = thumbnails[number, 0, 0].tobytes()
                known = colour in colours
                colours.add(colour)
            else:
                near = [*like_earlier[position], *_near(first_look[position], coarse[begun:count], begun)]
                known = bool(near) and _agrees(row, thumbnails[kept[near]])
            if not known:
                kept[count], coarse[count] = number, first_look[position]
                count += 1
    return kept[:count]


def patterns(thumbnails: np.ndarray) -> np.ndarray:
    """(n, d) float32 unit rows of (n, s, s, 3) uint8 images; products of two are their correlation.

    What lies where, whatever the contrast and the cast of colour: two blue skies are not the same for being
    blue.  An image of one colour has a row of zeros.
    """
    pixels = thumbnails.astype(np.float32)
    rows = (pixels - pixels.mean(axis=(1, 2), keepdims=True)).reshape(len(pixels), -1)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: np.ndarray = rows / np.where(lengths > 0, lengths, 1)
    return unit


def same_pictures(thumbnails: Sequence[np.ndarray]) -> np.ndarray:
    """(n, n) bool: which of n small images, (h, w, 3) uint8 of one shape, show the same picture."""
    rows = patterns(np.stack(thumbnails))
    return rows @ rows.T >= SAME_CORRELATION


def _coarse(rows: np.ndarray) -> np.ndarray:
    """(n, 49) from (n, 768): products of two are never below the products of the whole rows.

    Means over fields are coordinates in an orthonormal basis once they are scaled; what they leave of a
    row has some length, and two such rests agree at most by the product of their lengths (Cauchy, Schwarz).
    """
    field = THUMBNAIL_SIDE // COARSE_SIDE
    fields = rows.reshape(len(rows), COARSE_SIDE, field, COARSE_SIDE, field, 3).mean(axis=(2, 4)) * field
    flat = fields.reshape(len(rows), -1)
    rest = np.sqrt(np.clip(1 - np.einsum("nd,nd->n", flat, flat), 0, 1))
    return np.concatenate([flat, rest[:, None]], axis=1)


def _candidates(block: np.ndarray, kept: np.ndarray) -> list[list[int]]:
    """For each row of a block, which of those kept before may agree with it."""
    found: list[list[int]] = [[] for _ in block]
    for start in range(0, len(kept), BLOCK_ROWS):
        near = block @ kept[start : start + BLOCK_ROWS].T >= SAME_CORRELATION - ROUNDING
        for position, other in zip(*np.nonzero(near), strict=True):
            found[position].append(start + int(other))
    return found


def _near(row: np.ndarray, kept: np.ndarray, first: int) -> np.ndarray:
    return first + np.flatnonzero(kept @ row >= SAME_CORRELATION - ROUNDING)


def _agrees(row: np.ndarray, thumbnails: np.ndarray) -> bool:
    return bool((patterns(thumbnails) @ row >= SAME_CORRELATION).any())


def _thumbnails(pixels: PixelCache, workers: int, progress: Progress) -> np.ndarray:
    """(n, s, s, 3) uint8."""
    progress.start("comparing", len(pixels))
    made = np.empty((len(pixels), THUMBNAIL_SIDE, THUMBNAIL_SIDE, 3), np.uint8)
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(pixels), SHOWN_EVERY):
            rows = range(start, min(start + SHOWN_EVERY, len(pixels)))
            small = pool.map(lambda row: square(pixels.image(row), THUMBNAIL_SIDE), rows)
            made[rows.start : rows.stop] = list(small)
            progress.advance(len(rows))
    progress.finish()
    return made
