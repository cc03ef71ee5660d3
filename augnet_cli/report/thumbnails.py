"""Small pictures for reports: read, decoded and turned as everywhere in augnet, on several threads, in order.

Only a few pictures are ever in memory; what can't be shown is data too, with its reason.
"""

from __future__ import annotations

import io
import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np
from PIL import Image, features

from augnet_cli.images.decode import MAX_MEGAPIXELS, decode_within
from augnet_cli.images.files import read_bytes
from augnet_cli.images.squares import resized
from augnet_cli.images.unusable import Unusable

# Pictures begun beyond those being worked on, so that no thread waits for the one that writes.
AHEAD_PER_WORKER = 2

# Long sides in pixels, largest first.  512 fills a comparison on most screens; at 144 one still tells
# a picture from its neighbour in a row.
SIDES = (512, 400, 320, 256, 208, 176, 160, 144)
# WebP at 50 is as good to the eye as JPEG at 65 and a quarter smaller; 4 of its 6 efforts costs 2 to 7 ms
# a picture, a fraction of decoding it, and saves an eighth beside 2.
WEBP_QUALITY, WEBP_EFFORT = 50, 4
JPEG_QUALITY = 65  # where Pillow was built without WebP
# Pictures weighed before the side is chosen: their mean is good to a tenth or so.
SAMPLE = 32

Drawn = TypeVar("Drawn")


@dataclass(frozen=True, eq=False, slots=True)
class Thumbnail:
    """One file made small: (h, w, 3) uint8 or None with the reason; sizes are those of the upright original.

    `width` and `height` are 0 where the picture can't be decoded, `size_bytes` 0 where it can't be read.
    """

    pixels: np.ndarray | None
    width: int = 0
    height: int = 0
    size_bytes: int = 0
    reason: str = ""


def thumbnails(
    folder: str,
    paths: Sequence[str],
    side: int,
    draw: Callable[[Thumbnail], Drawn],
    workers: int,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> Generator[Drawn, None, None]:
    """What `draw` makes of each picture, in order; it runs on the threads too, so it may encode.

    Args:
        paths: relative to `folder`.
        side: the longer side at most, in pixels; nothing is enlarged.

    Close it to end early: what the threads have begun is finished, nothing more is begun.
    """

    def work(path: str) -> Drawn:
        return draw(thumbnail(folder, path, side, max_megapixels))

    remaining = iter(paths)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="augnet-thumbnail")
    waiting: deque[Future[Drawn]] = deque()
    try:
        while True:
            room = workers * (1 + AHEAD_PER_WORKER) - len(waiting)
            waiting.extend(pool.submit(work, path) for path in islice(remaining, room))
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def thumbnail(folder: str, path: str, side: int, max_megapixels: float = MAX_MEGAPIXELS) -> Thumbnail:
    """One file made small; never raises for what the file holds."""
    try:
        data = read_bytes(os.path.join(folder, path), follow_links=False)
    except Unusable as error:
        return Thumbnail(None, reason=error.reason)
    try:
        decoded = decode_within(data, side, max_megapixels, name=path)
    except Unusable as error:
        return Thumbnail(None, size_bytes=len(data), reason=error.reason)
    return Thumbnail(decoded.pixels, decoded.width, decoded.height, len(data))


def encoded(pixels: np.ndarray) -> bytes:
    """(h, w, 3) uint8 as a small WebP, or JPEG where there is no WebP; the same bytes each time."""
    file = io.BytesIO()
    picture = Image.fromarray(pixels)
    if media_type() == "image/webp":
        picture.save(file, "WEBP", quality=WEBP_QUALITY, method=WEBP_EFFORT)
    else:
        picture.save(file, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return file.getvalue()


def media_type() -> str:
    """Of what `encoded` gives."""
    return "image/webp" if features.check("webp") else "image/jpeg"


def fitting_side(
    folder: str,
    paths: Sequence[str],
    bytes_each: float,
    workers: int,
    max_megapixels: float = MAX_MEGAPIXELS,
    sides: Sequence[int] = SIDES,
) -> int:
    """The largest of `sides` at which a picture takes `bytes_each` on average, or the smallest of them.

    Judged on SAMPLE pictures, spread evenly over `paths`.
    """
    step = max(1, len(paths) // SAMPLE)
    sample = [
        Image.fromarray(shown.pixels)
        for shown in thumbnails(folder, paths[::step], sides[0], _same, workers, max_megapixels)
        if shown.pixels is not None
    ]
    if not sample:
        return sides[0]
    for side in sides[:-1]:
        weights = (len(encoded(np.asarray(_shrunk(picture, side)))) for picture in sample)
        if sum(weights) / len(sample) <= bytes_each:
            return side
    return sides[-1]


def _same(shown: Thumbnail) -> Thumbnail:
    return shown


def _shrunk(picture: Image.Image, side: int) -> Image.Image:
    scale = min(1.0, side / max(picture.size))
    width, height = (max(1, round(length * scale)) for length in picture.size)
    return resized(picture, (width, height))
