"""Which hits of a query are the same picture, by the proofs that `dedupe` uses; nothing is remembered."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from augnet_cli.cores import usable_cores
from augnet_cli.duplicates.prover import Memory, Prover
from augnet_cli.duplicates.sketching import WHOLE_SIDE
from augnet_cli.duplicates.told import described
from augnet_cli.errors import ImageError, UsageError
from augnet_cli.geometry.derivation import derivation
from augnet_cli.geometry.proof import OTHER
from augnet_cli.geometry.relation import Relation
from augnet_cli.geometry.sketch import SIDE, Size, Sketch
from augnet_cli.images.beyond import NOTHING
from augnet_cli.images.decode import decode_small, decode_within
from augnet_cli.images.files import content_hash, read_bytes
from augnet_cli.images.squares import resized
from augnet_cli.images.unusable import Unusable
from augnet_cli.pipeline.asked import Asked, Crop, cropped
from augnet_cli.pipeline.query import Near
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Decoded
from augnet_cli.results import SCENE, SOURCE, Hit

IDENTICAL_BYTES = ("identical-bytes",)
FROM_SECOND = -1  # of `derivation`: the second picture was made from the first
PART = 64  # pairs that are proved between two looks at the progress


@dataclass(frozen=True, slots=True)
class Shown:
    """A file, the content that it had when it was searched by or found, and the part that counts."""

    file: str
    content: str
    crop: Crop | None = None


@dataclass
class Files:
    """Reads pictures for a `Prover`; rows are places in `shown`.  `sizes` are those of what was read."""

    shown: list[Shown] = field(default_factory=list)
    sizes: dict[int, Size] = field(default_factory=dict)
    _rows: dict[tuple[str, Crop | None], int] = field(default_factory=dict)

    def row_of(self, one: Shown) -> int:
        """Its row; files of one content have one."""
        row = self._rows.setdefault((one.content, one.crop), len(self.shown))
        if row == len(self.shown):
            self.shown.append(one)
        return row

    def read(self, row: int) -> Sketch | None:
        """The sketch of a row; None where the file does not hold its content any more."""
        decoded = self._decoded(row, SIDE)
        if decoded is None:
            return None
        self.sizes[row] = Size(decoded.width, decoded.height)
        return Sketch(decoded.pixels, decoded.width, decoded.height, decoded.taken_at)

    def colours(self, row: int) -> np.ndarray | None:
        """(h, w, 3) uint8 at its own size; None where that is too large or can't be read."""
        size = self.sizes.get(row)
        if size is None or max(size.width, size.height) > WHOLE_SIDE:
            return None
        decoded = self._decoded(row, None)
        return None if decoded is None else decoded.pixels

    def whole(self, row: int) -> np.ndarray | None:
        """As `colours`, in grey (h, w)."""
        import cv2

        pixels = self.colours(row)
        return None if pixels is None else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))

    def kind(self, row: int) -> str:
        """The suffix of the file, in lower case."""
        return os.path.splitext(self.shown[row].file)[1].lower()

    def beyond(self, row: int) -> frozenset[str]:
        """Nothing: no hit goes for another, so it is not asked."""
        return NOTHING

    def _decoded(self, row: int, side: int | None) -> Decoded | None:
        one = self.shown[row]
        try:
            data = read_bytes(one.file)
            if content_hash(data) != one.content:
                return None
            if one.crop is not None:
                return _small(cropped(one.file, data, one.crop), side)
            if side is None:
                return decode_within(data, WHOLE_SIDE, name=one.file)
            return decode_small(data, side, name=one.file)
        except (Unusable, ImageError, UsageError):  # it was decoded a moment ago
            return None


def _small(part: Decoded, side: int | None) -> Decoded:
    if side is None:
        return part
    small = resized(Image.fromarray(part.pixels), Size(part.width, part.height).sketch)
    return Decoded(np.asarray(small), part.width, part.height, part.taken_at)


def same_pictures(
    folder: str,
    groups: Sequence[tuple[Asked, ...]],
    near: Sequence[Sequence[Near]],
    crop: Crop | None = None,
    progress: Progress = SILENT,
) -> list[tuple[Hit, ...]]:
    """The hits of each group of queries, told whether they are the same picture as one of the queries.

    Args:
        near: the files near to each group.
        crop: the part of the only query that was asked by.
    """
    files = Files()
    pairs = []
    for group, each in zip(groups, near, strict=True):
        asked = [files.row_of(Shown(one.typed, one.content, crop)) for one in group]
        pairs.append([[(_row(files, folder, one), row) for row in asked] for one in each])
    met = (pair for each in pairs for rows in each for pair in rows)
    all_pairs = [pair for pair in dict.fromkeys(met) if pair[0] != pair[1]]
    progress.start("verifying", len(all_pairs), "pairs")
    try:
        with Prover(files, Memory(), usable_cores()) as prover:
            # In parts, so that there is something to see.
            for start in range(0, len(all_pairs), PART):
                part = all_pairs[start : start + PART]
                prover.findings(part)
                progress.advance(len(part))
            return [
                tuple(_hit(one, rows, files, prover) for one, rows in zip(each, of_each, strict=True))
                for each, of_each in zip(near, pairs, strict=True)
            ]
    finally:
        progress.finish()


def _row(files: Files, folder: str, one: Near) -> int:
    return files.row_of(Shown(os.path.join(folder, one.path), one.content))


def _hit(one: Near, rows: Sequence[tuple[int, int]], files: Files, prover: Prover) -> Hit:
    """A hit, by the rows of it and of each query that it answers."""
    if any(hit == asked for hit, asked in rows):
        return Hit(one.path, one.distance, True, IDENTICAL_BYTES)
    is_scene = False
    for hit, asked in rows:
        found = prover.finding(hit, asked)
        if found.is_same:
            relation = prover.relation(hit, asked)
            if relation is not None:
                return Hit(
                    one.path, one.distance, True, _words(files.sizes[hit], files.sizes[asked], relation)
                )
        is_scene = is_scene or found.what != OTHER
    looked_at = any(hit in files.sizes and asked in files.sizes for hit, asked in rows)
    return Hit(one.path, one.distance, False if looked_at else None, (SCENE,) if is_scene else ())


def _words(hit: Size, asked: Size, relation: Relation) -> tuple[str, ...]:
    """What was done to the query to make the hit or, after SOURCE, to the hit to make the query."""
    if not relation.identical and derivation(relation) == FROM_SECOND:
        return SOURCE, *described(asked, hit, relation.reversed())[0]
    return described(hit, asked, relation)[0]
