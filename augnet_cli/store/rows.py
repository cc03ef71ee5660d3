"""How records become values of SQLite and back: vectors as little-endian float32, numbers of any size."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from augnet_cli.records import FoundFile
from augnet_cli.store.entries import FileEntry, KnownFile

INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1
VECTOR_TYPE = np.dtype("<f4")
# Rows of an encoder are of length 1 to about 1e-6; anything further off was not written by augnet.
UNIT_TOLERANCE = 1e-3


def file_row(entry: FileEntry) -> tuple[object, ...]:
    """The nine values of table `files`."""
    found = entry.found
    numbers = (found.size_bytes, found.mtime_ns, found.ctime_ns, found.inode)
    # What SQLite's integers can't hold goes in as text; int() reads both.
    kept = (number if INT64_MIN <= number <= INT64_MAX else str(number) for number in numbers)
    return (os.fsencode(found.path), *kept, entry.kind, entry.content_hash, entry.reason, entry.decoder)


def known_file(row: Sequence) -> KnownFile:
    """The record of the nine values of table `files`, and whether its content has an embedding."""
    path, size, mtime_ns, ctime_ns, inode, kind, content_hash, reason, decoder, embedded = row
    found = FoundFile(os.fsdecode(path), int(size), int(mtime_ns), int(ctime_ns), int(inode))
    return KnownFile(found, kind, content_hash, reason, decoder, bool(embedded))


def vectors_bytes(embeddings: Sequence[np.ndarray]) -> list[bytes]:
    """Unit rows, each (d,) with one d for all, as bytes.

    Raises:
        ValueError: one is no finite unit row.
    """
    if not embeddings:
        return []
    shapes = {np.shape(embedding) for embedding in embeddings}
    if len(shapes) > 1 or len(next(iter(shapes))) != 1:
        raise ValueError(f"embeddings must be rows of one length, shapes {sorted(shapes)} are not")
    # Checked all at once: one by one it takes half of the time of saving them.
    rows = np.ascontiguousarray(np.stack(embeddings), VECTOR_TYPE)
    if not are_unit_rows(rows):
        raise ValueError("an embedding is no finite unit row")
    return [row.tobytes() for row in rows]


def matrix(vectors: Sequence[bytes]) -> np.ndarray:
    """(m, d) float32 unit rows from m blobs; (0, 0) from none.

    Raises:
        ValueError: lengths differ, or a row is no finite unit row.
    """
    if not vectors:
        return np.empty((0, 0), np.float32)
    size = len(vectors[0])
    if size == 0 or size % VECTOR_TYPE.itemsize or any(len(vector) != size for vector in vectors):
        raise ValueError("an embedding has the wrong length")
    rows = np.frombuffer(b"".join(vectors), VECTOR_TYPE).reshape(len(vectors), -1).astype(np.float32)
    if not are_unit_rows(rows):
        raise ValueError("an embedding is no unit row")
    return rows


def are_unit_rows(rows: np.ndarray) -> bool:
    """Whether all rows of (m, d) are finite and of length 1."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.einsum("ij,ij->i", rows, rows)
        return bool((np.abs(squares - 1) < UNIT_TOLERANCE).all())
