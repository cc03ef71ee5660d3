"""The images of a data set as a pixel cache, as a run on a folder has one; many may be in one file."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from augnet_cli.datasets.pixels import shortened
from augnet_cli.datasets.record import Images
from augnet_cli.errors import TrainingError
from augnet_cli.images.decode import decoder_id
from augnet_cli.images.files import content_hash
from augnet_cli.images.unusable import Unusable
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Skip
from augnet_cli.training.pixels import PixelCache, Result, kept_pixels


def build_pixel_cache_of(
    images: Images,
    file: str,
    *,
    side: int,
    workers: int,
    until: float | None = None,
    progress: Progress = SILENT,
) -> PixelCache:
    """As `build_pixel_cache`, of the images of a data set; those of equal bytes once, as there.

    `paths` of the result are the names that the data set gives them.

    Raises:
        TrainingError: as `build_pixel_cache`.
    """
    names = {images.name(number): number for number in range(len(images))}
    stamps = hashlib.sha256()
    for stamp in images.stamps():
        stamps.update(stamp.encode("utf-8", "surrogatepass") + b"\n")
    facts = [side, decoder_id(), until is None, len(images), stamps.hexdigest()]
    identity = hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def decode(name: str) -> Result:
        return _read(images, names[name], side)

    kept = kept_pixels(file, identity, list(names), decode, workers, until, progress)
    if kept is None:
        raise TrainingError("no image of the data set could be decoded", "see that its files are whole")
    return kept


def _read(images: Images, number: int, side: int) -> Result:
    try:
        found = images.read(number)
        content = content_hash(found.tobytes() if isinstance(found, np.ndarray) else found)
        return content, shortened(found, side, images.name(number))
    except Unusable as unusable:
        return Skip(images.name(number), unusable.reason)
