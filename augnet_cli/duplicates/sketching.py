"""Sketches and whole pictures of contents, read from the first of their files that still holds them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from augnet_cli.geometry.sketch import SIDE, Sketch
from augnet_cli.images.beyond import NOTHING, beyond, is_plain
from augnet_cli.images.decode import MAX_MEGAPIXELS, decode_small, decode_within
from augnet_cli.images.files import content_hash, read_bytes, read_head
from augnet_cli.images.unusable import Unusable
from augnet_cli.records import Decoded, ImageRecord

# Whole pictures are looked at up to this long a side: two of them are 200 MB at most.
WHOLE_SIDE = 6000
# Of small pictures kept from the pass that embeds: at up to 110 kB, 450 MB at most.
KEPT = 4000


@dataclass
class Kept:
    """Small pictures that came along when images were embedded, by content: so these are decoded once.

    Only the first KEPT are; each is given out once.
    """

    side: int = SIDE
    _pictures: dict[str, np.ndarray] = field(default_factory=dict)

    def keep(self, content: str, pixels: np.ndarray) -> None:
        if len(self._pictures) < KEPT:
            self._pictures[content] = pixels

    def take(self, content: str) -> np.ndarray | None:
        return self._pictures.pop(content, None)


@dataclass(frozen=True)
class Sketches:
    """Reads pictures of rows.

    `files` are those of each row, all of one content, in order; paths are relative to `folder`, or absolute.
    `kept` are small pictures that need no reading.
    """

    folder: str
    files: Sequence[Sequence[ImageRecord]]
    max_megapixels: float = MAX_MEGAPIXELS
    kept: Kept = field(default_factory=Kept)

    def read(self, row: int) -> Sketch | None:
        """The sketch of a row; None where no file holds its content any more."""
        image = self.files[row][0]
        pixels = self.kept.take(image.content_hash)
        if pixels is not None:
            return Sketch(pixels, image.width, image.height, image.taken_at)
        decoded = self._decoded(row, decode_small, SIDE)
        if decoded is None:
            return None
        return Sketch(decoded.pixels, decoded.width, decoded.height, image.taken_at)

    def whole(self, row: int) -> np.ndarray | None:
        """(h, w) uint8 grey at the file's own size; None where that is too large or can't be read."""
        import cv2

        pixels = self.colours(row)
        return None if pixels is None else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))

    def colours(self, row: int) -> np.ndarray | None:
        """(h, w, 3) uint8 at the file's own size, after the EXIF turn; None as `whole`."""
        if max(self.files[row][0].width, self.files[row][0].height) > WHOLE_SIDE:
            return None
        decoded = self._decoded(row, decode_within, WHOLE_SIDE)
        return None if decoded is None else decoded.pixels

    def kind(self, row: int) -> str:
        """The suffix of the row's first file, in lower case."""
        return os.path.splitext(self.files[row][0].path)[1].lower()

    def beyond(self, row: int) -> frozenset[str] | None:
        """What a row's content holds beyond the picture; None where that can't be told, or no more."""
        for image in self.files[row]:
            try:
                if is_plain(read_head(os.path.join(self.folder, image.path))):
                    return NOTHING
            except Unusable:
                continue
        for data, name in self._contents(row):
            return beyond(data, name, self.max_megapixels)
        return None

    def _decoded(self, row: int, decode: Callable[..., Decoded], side: int) -> Decoded | None:
        for data, name in self._contents(row):
            try:
                return decode(data, side, self.max_megapixels, name)
            except Unusable:
                return None  # it was decoded when it was embedded; under a smaller --max-megapixels it is not
        return None

    def _contents(self, row: int) -> Iterable[tuple[bytes, str]]:
        for image in self.files[row]:
            try:
                data = read_bytes(os.path.join(self.folder, image.path), follow_links=False)
            except Unusable:
                continue
            # A file that changed since it was embedded is another picture.
            if content_hash(data) == image.content_hash:
                yield data, image.path
