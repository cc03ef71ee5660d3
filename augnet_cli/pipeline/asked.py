"""The pictures that a query asks by: files, all images of a folder, or a part of one picture; embedded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from augnet_cli.cores import usable_cores
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.flow import BATCH
from augnet_cli.errors import FolderError, ImageError, UsageError
from augnet_cli.images.decode import decode_within
from augnet_cli.images.files import content_hash, is_image, met
from augnet_cli.images.names import shown
from augnet_cli.images.squares import square
from augnet_cli.images.unusable import Unusable
from augnet_cli.pipeline.encode import pixels_of, read_named
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Decoded, Skip

Crop = tuple[int, int, int, int]  # left, top, width, height in pixels of the upright picture
ANY_SIDE = 1 << 30  # pixels: no picture has a longer side, so none is made smaller


@dataclass(frozen=True, eq=False, slots=True)
class Asked:
    """One query image: `typed` as the user names it, the hash of its bytes, its embedding (d,)."""

    typed: str
    content: str
    row: np.ndarray


@dataclass(frozen=True, slots=True)
class Failure:
    """A query image that can't be used, with the error that says so."""

    path: str
    error: ImageError

    @property
    def skip(self) -> Skip:
        return Skip(self.path, self.error.what.removeprefix(f"{shown(self.path)}: "))


def images_named(names: Sequence[str]) -> tuple[list[str], list[Skip]]:
    """The files that names stand for, each once: a file for itself, a folder for all images below it.

    Returns:
        files: in the order of the names, those of a folder in order of path.
        skips: what of a folder can't be looked at.
    """
    files: dict[str, None] = {}
    skips: list[Skip] = []
    for name in names:
        if not os.path.isdir(name):
            files[name] = None
            continue
        try:
            for one in met(name):
                path = os.path.join(name, one.path)
                if isinstance(one, Skip):
                    skips.append(Skip(path, one.reason))
                elif is_image(name, one):
                    files[path] = None
        except FolderError as error:
            skips.append(Skip(name, error.what.removeprefix(f"{shown(name)}: ")))
    return list(files), skips


def ask(
    paths: Sequence[str], embedder: Embedder, crop: Crop | None = None, progress: Progress = SILENT
) -> tuple[list[Asked], list[Failure]]:
    """Read, decode and embed query images in batches, several batches at once where there are many.

    Returns:
        those that can be used, in their order, and those that can't.

    Raises:
        UsageError: the crop is no part of its picture.
    """
    batches = [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]
    if len(batches) <= 1:
        done = [_batch(batch, embedder, crop) for batch in batches]
    else:
        done = _side_by_side(batches, embedder, progress)
    asked = [one for batch in done for one in batch if isinstance(one, Asked)]
    return asked, [one for batch in done for one in batch if isinstance(one, Failure)]


def _side_by_side(
    batches: Sequence[Sequence[str]], embedder: Embedder, progress: Progress
) -> list[list[Asked | Failure]]:
    progress.start("embedding queries", sum(map(len, batches)))

    def work(batch: Sequence[str]) -> list[Asked | Failure]:
        done = _batch(batch, embedder, None)
        progress.advance(len(batch), skipped=sum(isinstance(one, Failure) for one in done))
        return done

    pool = ThreadPoolExecutor(usable_cores(), thread_name_prefix="augnet-query")
    try:
        return list(pool.map(work, batches))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        progress.finish()


def _batch(paths: Sequence[str], embedder: Embedder, crop: Crop | None) -> list[Asked | Failure]:
    read: list[tuple[str, str] | Failure] = []
    pixels: list[np.ndarray] = []
    for path in paths:
        try:
            data = read_named(path)
            if crop is None:
                pixels.append(pixels_of(path, data, embedder.resize))
            else:
                pixels.append(square(cropped(path, data, crop).pixels, embedder.resize.size))
            read.append((path, content_hash(data)))
        except ImageError as error:
            read.append(Failure(path, error))
    rows = iter(embedder.embed(np.stack(pixels)) if pixels else ())
    return [one if isinstance(one, Failure) else Asked(*one, next(rows)) for one in read]


def cropped(path: str, data: bytes, crop: Crop) -> Decoded:
    """A part of a picture, at the size that it has there.

    Raises:
        ImageError: the picture can't be decoded.
        UsageError: the part is empty, or not wholly within the picture.
    """
    left, top, width, height = crop
    try:
        whole = decode_within(data, ANY_SIDE, name=path)
    except Unusable as error:
        raise ImageError(f"{shown(path)}: {error.reason}", "use another image, or repair it") from error
    inside = left >= 0 and top >= 0 and left + width <= whole.width and top + height <= whole.height
    if not inside or width < 1 or height < 1:
        raise UsageError(
            f"there is no part {left},{top},{width},{height} of {shown(path)},"
            f" which has {whole.width} x {whole.height} pixels",
            f"--crop LEFT,TOP,WIDTH,HEIGHT, such as --crop 0,0,{whole.width},{whole.height} for all of it",
        )
    part = whole.pixels[top : top + height, left : left + width]
    return Decoded(np.ascontiguousarray(part), width, height, whole.taken_at)
