"""From the tables of a store to columns, some rows at a time: a million never stand in memory as objects."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from augnet_cli.store.columns import BLOCK, Collection, Contents, Images, Paths, column, joined, places_of
from augnet_cli.store.rows import matrix

HELD_BY_IMAGES = "AND content_hash IN (SELECT content_hash FROM files WHERE kind = 'image')"


def blocks(
    connection: sqlite3.Connection, encoder: str, which: str = ""
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Hashes (b,) and embeddings (b, d) under one encoder, in the order of the disk.

    Args:
        which: a further condition in SQL, a constant.

    Raises:
        ValueError: lengths differ, or a row is no finite unit row.
    """
    question = f"SELECT content_hash, vector FROM embeddings WHERE encoder = ? {which}"  # noqa: S608
    cursor = connection.execute(question, (encoder,))
    width = 0
    while rows := cursor.fetchmany(BLOCK):
        vectors = matrix([vector for _, vector in rows])
        width = width or vectors.shape[1]
        if vectors.shape[1] != width:
            raise ValueError("an embedding has the wrong length")
        yield _texts([content for content, _ in rows]), vectors


def vectors_of(
    connection: sqlite3.Connection, encoder: str, hashes: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places among (m,) hashes in order, and the embeddings that belong there; all m, in no order.

    Raises:
        ValueError: as `blocks`, or one is missing.
    """
    met = 0
    for found, rows in blocks(connection, encoder):
        places, known = places_of(found, hashes)
        met += int(known.sum())
        yield places[known], rows[known]
    if met < len(hashes):
        raise ValueError("an embedding is missing")


def with_embeddings(connection: sqlite3.Connection, encoder: str, images: Images) -> Collection:
    """Images with their embeddings."""
    embeddings = np.empty((0, 0), np.float32)
    for places, rows in vectors_of(connection, encoder, images.contents.hashes):
        if not embeddings.size:
            embeddings = np.empty((len(images.contents), rows.shape[1]), np.float32)
        embeddings[places] = rows
    return Collection(images, images.rows, embeddings)


def read_images(
    connection: sqlite3.Connection, encoder: str, is_about: Callable[[str], bool] | None
) -> Images:
    """The image files whose content has an embedding, all or those at some paths, in order of path."""
    images = _all_images(connection, encoder)
    if is_about is None:
        return images
    chosen = (number for number, path in enumerate(images.paths) if is_about(path))
    return images.take(np.fromiter(chosen, np.int64))


def _all_images(connection: sqlite3.Connection, encoder: str) -> Images:
    contents = _contents(connection, encoder)
    cursor = connection.execute(
        "SELECT path, content_hash, size, mtime_ns FROM files WHERE kind = 'image' ORDER BY path"
    )
    rows: list[np.ndarray] = []
    sizes: list[np.ndarray] = []
    mtimes: list[np.ndarray] = []

    def paths() -> Iterator[bytes]:
        while block := cursor.fetchmany(BLOCK):
            places, known = places_of(_texts([content for _, content, *_ in block]), contents.hashes)
            met = [row for row, is_known in zip(block, known.tolist(), strict=True) if is_known]
            rows.append(places[known])
            sizes.append(column([int(size) for _, _, size, _ in met]))
            mtimes.append(column([int(mtime_ns) for *_, mtime_ns in met]))
            yield from (path for path, *_ in met)

    return Images(
        Paths.of(paths()), joined(rows, np.int64), joined(sizes, np.int64), joined(mtimes, np.int64), contents
    )


def _contents(connection: sqlite3.Connection, encoder: str) -> Contents:
    """The contents that an image file holds and that have an embedding, in order of hash."""
    cursor = connection.execute(
        "SELECT content_hash, width, height, taken_at FROM contents"
        " WHERE EXISTS (SELECT 1 FROM embeddings AS e"
        " WHERE e.content_hash = contents.content_hash AND encoder = ?)"
        " AND EXISTS (SELECT 1 FROM files AS f"
        " WHERE f.content_hash = contents.content_hash AND kind = 'image')"
        " ORDER BY content_hash",
        (encoder,),
    )
    parts: list[tuple[np.ndarray, ...]] = []
    while rows := cursor.fetchmany(BLOCK):
        texts, *sizes, moments = zip(*rows, strict=True)
        when = _texts([text or "" for text in moments])
        parts.append((_texts(texts), *(np.array(side, np.int32) for side in sizes), when))
    hashes, widths, heights, taken = zip(*parts, strict=True) if parts else ((), (), (), ())
    return Contents(
        joined(hashes, np.bytes_),
        joined(widths, np.int32),
        joined(heights, np.int32),
        joined(taken, np.bytes_),
    )


def _texts(texts: Sequence[str]) -> np.ndarray:
    """(n,) bytes, as wide as the longest."""
    return np.array([text.encode() for text in texts], np.bytes_)
