"""Rows of the store as frozen records."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augnet_cli.records import FoundFile

# What a file was found to be: `image` has a content hash; `skip` has a reason; `other` is no image.
KINDS = ("image", "skip", "other")


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file as the store knows it; unchanged on disk if `found` equals what a walk finds now.

    `decoder` is the decoder a skip was recorded under: another one may be able to read it.
    `embedded`: its content has an embedding under the encoder that was asked for.
    """

    found: FoundFile
    kind: str
    content_hash: str | None = None
    reason: str | None = None
    decoder: str | None = None
    embedded: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class FileEntry:
    """A file to be saved.

    `width`, `height` (pixels, turned) and `taken_at` describe its content; leave them None where the
    content is known already. `embedding` is (d,) float32, a unit row, under `encoder`; None where known.
    """

    found: FoundFile
    kind: str
    content_hash: str | None = None
    reason: str | None = None
    decoder: str | None = None
    width: int | None = None
    height: int | None = None
    taken_at: str | None = None
    embedding: np.ndarray | None = None
    encoder: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many files of each kind the store knows."""

    images: int
    skips: int
    others: int
