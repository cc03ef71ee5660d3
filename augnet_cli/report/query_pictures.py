"""The pictures of each answer of `query`, in order: queries, what they were pushed away from, hits."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import Generic

import numpy as np

from augnet_cli.images.decode import MAX_MEGAPIXELS
from augnet_cli.report.thumbnails import Drawn, Thumbnail, thumbnail, thumbnails
from augnet_cli.results import Answer, QueryResult

QUERIES_SHOWN = 9  # of those that have one answer: a square of 3 x 3 beside the hits
AROUND = 0.4  # of its brightness keeps what lies around the part that was asked by
EDGE = 2  # pixels: the line around that part
EDGE_COLOUR = (255, 213, 74)


@dataclass(frozen=True, eq=False, slots=True)
class Pictures(Generic[Drawn]):
    """What was drawn for one answer; of many queries the first ones."""

    answer: Answer
    queries: tuple[Drawn, ...]
    without: tuple[Drawn, ...]
    hits: tuple[Drawn, ...]


def pictures_of(
    result: QueryResult,
    side: int,
    draw: Callable[[Thumbnail], Drawn],
    workers: int,
    most_hits: int | None = None,
) -> Generator[Pictures[Drawn], None, None]:
    """Draw the pictures of each answer, several at once; close it to end early.

    Args:
        side: the longer side at most, in pixels.
        most_hits: of each answer at most so many.
    """
    paths = [path for answer in result.answers for path in paths_shown(answer, most_hits)]
    with closing(thumbnails(result.folder, paths, side, draw, workers)) as drawn:
        for answer in result.answers:
            taken = tuple(islice(drawn, len(paths_shown(answer, most_hits))))
            first, second = len(answer.queries[:QUERIES_SHOWN]), len(answer.without[:QUERIES_SHOWN])
            queries, without, hits = taken[:first], taken[first : first + second], taken[first + second :]
            if answer.crop is not None:
                whole = thumbnail(result.folder, file_of(answer.queries[0]), side, MAX_MEGAPIXELS)
                queries = (draw(outlined(whole, answer.crop)), *queries[1:])
            yield Pictures(answer, queries, without, hits)


def paths_shown(answer: Answer, most_hits: int | None = None) -> list[str]:
    """The files of the pictures of one answer."""
    asked = (*answer.queries[:QUERIES_SHOWN], *answer.without[:QUERIES_SHOWN])
    return [*map(file_of, asked), *(hit.path for hit in answer.hits[:most_hits])]


def file_of(query: str) -> str:
    """The file of a query, absolute: it may be named through a link."""
    return os.path.realpath(query)


def outlined(picture: Thumbnail, crop: tuple[int, int, int, int]) -> Thumbnail:
    """A picture with a line around a part of it, given in pixels of the original, and the rest darker."""
    if picture.pixels is None:
        return picture
    height, width = picture.pixels.shape[:2]
    across, down = width / picture.width, height / picture.height
    left, top = round(crop[0] * across), round(crop[1] * down)
    right = max(left + 1, round((crop[0] + crop[2]) * across))
    bottom = max(top + 1, round((crop[1] + crop[3]) * down))
    pixels = (picture.pixels * AROUND).astype(np.uint8)
    pixels[max(0, top - EDGE) : bottom + EDGE, max(0, left - EDGE) : right + EDGE] = EDGE_COLOUR
    pixels[top:bottom, left:right] = picture.pixels[top:bottom, left:right]
    return replace(picture, pixels=pixels)


def same(picture: Thumbnail) -> Thumbnail:
    """A `draw` for what is drawn later."""
    return picture


def chunks(number: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` that cover `number` things; one empty one of none."""
    return (slice(start, min(start + size, number)) for start in range(0, max(number, 1), size))
