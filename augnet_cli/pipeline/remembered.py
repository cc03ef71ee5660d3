"""Candidates of the last run, kept beside the index: of the same contents they are the same.

To find them is most of what a run on an unchanged folder would do.  What can't be read is found anew.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from augnet_cli.duplicates import candidates as finding
from augnet_cli.duplicates.candidates import Candidates, candidates
from augnet_cli.duplicates.verify import Block
from augnet_cli.records import Pairs
from augnet_cli.store.columns import Contents
from augnet_cli.store.place import Place

FILE = "candidates.npz"
VERSION = 1  # of the file and of the way they are found, beside its numbers
# Some 400 bytes an image: of more of them the file would be larger than all else that the store keeps.
MOST_ROWS = 200_000
KEY_BYTES = 16


class Remembering:
    """Finds candidates as `candidates` does, or as they were found when the contents were the same."""

    def __init__(self, place: Place, contents: Contents, encoder: str) -> None:
        self._file = os.path.join(place.cache, FILE)
        self._contents = contents
        self._encoder = encoder

    def __call__(
        self, embeddings: np.ndarray, threshold: float | None, blocks: Sequence[Block] | None
    ) -> Candidates:
        if threshold is not None or blocks is not None or len(embeddings) > MOST_ROWS:
            return candidates(embeddings, threshold, blocks)
        key = self._key()
        known = self._read(key, len(embeddings))
        if known is not None:
            return known
        found = candidates(embeddings, threshold, blocks)
        with suppress(OSError):  # a disk that is full costs the next run the search
            self._write(key, found)
        return found

    def _key(self) -> str:
        """Changes with the contents, the encoder and the way."""
        numbers = {name: value for name, value in vars(finding).items() if name.isupper()}
        digest = hashlib.blake2b(repr((VERSION, self._encoder, numbers)).encode(), digest_size=KEY_BYTES)
        digest.update(b"\n".join(self._contents.hashes.tolist()))
        return digest.hexdigest()

    def _read(self, key: str, rows: int) -> Candidates | None:
        try:
            with np.load(self._file, allow_pickle=False) as file:
                if str(file["key"]) != key:
                    return None
                left, right, order = (file[name].astype(np.int64) for name in ("left", "right", "order"))
                distance = file["distance"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        whole = len(left) == len(right) == len(order) == len(distance)
        fits = whole and max(np.max(part, initial=-1) for part in (left, right)) < rows
        return Candidates(Pairs(left, right, distance), order) if fits else None

    def _write(self, key: str, found: Candidates) -> None:
        """Whole or not at all."""
        pairs, temporary = found.pairs, f"{self._file}.tmp"
        left, right, order = (part.astype(np.int32) for part in (pairs.left, pairs.right, found.order))
        with open(temporary, "wb") as file:
            np.savez(file, key=np.array(key), left=left, right=right, order=order, distance=pairs.distance)
        os.replace(temporary, self._file)
