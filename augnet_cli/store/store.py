"""The store: files, contents, embeddings and the index's rows of one folder, in one SQLite file.

Every write is one transaction, so a kill at any moment leaves a valid store.
A store belongs to the thread that opened it: workers hand their results to that thread, which saves them.
Where the file lies is `place`'s, who may write `lock`'s.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from augnet_cli.records import Skip
from augnet_cli.store.columns import Collection, Images
from augnet_cli.store.entries import Counts, FileEntry, KnownFile
from augnet_cli.store.looks import read_looks, write_looks
from augnet_cli.store.place import Place
from augnet_cli.store.reading import HELD_BY_IMAGES, blocks, read_images, vectors_of, with_embeddings
from augnet_cli.store.rows import file_row, known_file, vectors_bytes
from augnet_cli.store.schema import damaged, open_to_read, open_to_write, told


class Store:
    """One folder's store, open; a context manager. Every method may raise `StoreError`."""

    def __init__(self, place: Place, connection: sqlite3.Connection) -> None:
        self.place = place
        self._connection = connection

    @classmethod
    def open(cls, place: Place, write: bool) -> Store:
        """Open the store of a place.

        Args:
            place: from `place_for`; to write, made with `create=True`.
            write: make the store if there is none; hold `lock.writing(place)` meanwhile.
                Without it nothing is made or changed.

        Raises:
            StoreError: no store yet (only without `write`), from a newer augnet, or broken.
        """
        return cls(place, open_to_write(place) if write else open_to_read(place))

    def close(self) -> None:
        with told(self.place):
            self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def known_files(self, encoder: str) -> Iterator[KnownFile]:
        """Every file of the last walk, in order of path bytes, one at a time, so that millions may be known.

        Nothing may be written meanwhile.
        """
        question = (
            "SELECT files.*, embeddings.content_hash IS NOT NULL FROM files LEFT JOIN embeddings"
            " ON embeddings.content_hash = files.content_hash AND encoder = ? ORDER BY path"
        )
        with self._reading():
            yield from map(known_file, self._connection.execute(question, (encoder,)))

    def embedded_hashes(self, encoder: str) -> set[str]:
        """Every content hash embedded under an encoder, those no file holds any more included."""
        with self._reading():
            rows = self._connection.execute(
                "SELECT content_hash FROM embeddings WHERE encoder = ?", (encoder,)
            )
            return {content for (content,) in rows}

    def save(self, batch: Sequence[FileEntry]) -> None:
        """Save files, their contents and embeddings in one transaction; known paths are replaced.

        Raises:
            ValueError: an embedding is no finite unit row (d,).
        """
        files = [file_row(entry) for entry in batch]
        contents = [
            (entry.content_hash, entry.width, entry.height, entry.taken_at)
            for entry in batch
            if entry.content_hash is not None and entry.width is not None
        ]
        embedded = [entry for entry in batch if entry.embedding is not None]
        vectors = vectors_bytes([entry.embedding for entry in embedded if entry.embedding is not None])
        embeddings = [
            (entry.content_hash, entry.encoder, vector)
            for entry, vector in zip(embedded, vectors, strict=True)
        ]
        with self._writing() as connection:
            connection.executemany(
                "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET"
                " size = excluded.size, mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns,"
                " inode = excluded.inode, kind = excluded.kind, content_hash = excluded.content_hash,"
                " reason = excluded.reason, decoder = excluded.decoder",
                files,
            )
            connection.executemany(
                "INSERT INTO contents VALUES (?, ?, ?, ?) ON CONFLICT (content_hash) DO UPDATE SET"
                " width = excluded.width, height = excluded.height, taken_at = excluded.taken_at",
                contents,
            )
            connection.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)", embeddings)

    def forget(self, paths: Iterable[str]) -> int:
        """Remove files that are gone from the folder; their embeddings stay. Returns how many were known."""
        with self._writing() as connection:
            gone = connection.executemany(
                "DELETE FROM files WHERE path = ?", ((os.fsencode(path),) for path in paths)
            )
            return max(gone.rowcount, 0)

    def forget_unreferenced(self) -> int:
        """Drop contents, embeddings and looks that no file holds; returns how many embeddings.

        For the end of a complete walk: until then a renamed file may still ask for its embedding.
        """
        held = "content_hash NOT IN (SELECT content_hash FROM files WHERE content_hash IS NOT NULL)"
        with self._writing() as connection:
            connection.execute(f"DELETE FROM contents WHERE {held}")  # noqa: S608 (a constant)
            connection.execute(f"DELETE FROM looks WHERE {held}")  # noqa: S608 (a constant)
            dropped = connection.execute(f"DELETE FROM embeddings WHERE {held}")  # noqa: S608 (a constant)
            # One end may lie in another folder that was searched together with this one.
            connection.execute(
                "DELETE FROM findings WHERE first NOT IN (SELECT content_hash FROM contents)"
                " AND second NOT IN (SELECT content_hash FROM contents)"
            )
            return dropped.rowcount

    def collection(self, encoder: str, is_about: Callable[[str], bool] | None = None) -> Collection:
        """The embedded images under one encoder, all or those at some paths, in path order.

        Raises:
            StoreError: a vector has another length than the rest or is no unit row: the store is damaged.
        """
        with self._snapshot():
            return with_embeddings(
                self._connection, encoder, read_images(self._connection, encoder, is_about)
            )

    def images(self, encoder: str, is_about: Callable[[str], bool] | None = None) -> Images:
        """The images of `collection`, without their embeddings."""
        with self._snapshot():
            return read_images(self._connection, encoder, is_about)

    def with_embeddings(self, encoder: str, images: Images) -> Collection:
        """Images that `images` gave, of a store that nobody has written to since, with their embeddings."""
        with self._snapshot():
            return with_embeddings(self._connection, encoder, images)

    def embeddings_into(self, encoder: str, hashes: np.ndarray, rows: np.ndarray, into: np.ndarray) -> None:
        """Put the embeddings of contents, by hash in order, in those rows of (m, d) float32."""
        with self._snapshot():
            for places, vectors in vectors_of(self._connection, encoder, hashes):
                into[rows[places]] = vectors

    def count_embeddings(self, encoder: str) -> int:
        """How many contents `embedding_blocks` gives."""
        question = f"SELECT count(*) FROM embeddings WHERE encoder = ? {HELD_BY_IMAGES}"  # noqa: S608
        with self._reading():
            return int(self._connection.execute(question, (encoder,)).fetchone()[0])

    def embedding_blocks(self, encoder: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The embeddings of all contents that an image file holds, some at a time, as they lie on the disk.

        Yields:
            hashes: (b,) bytes.
            embeddings: (b, d) float32 unit rows.

        Raises:
            StoreError: as `collection`.
        """
        with self._reading():
            yield from blocks(self._connection, encoder, HELD_BY_IMAGES)

    def paths_of(self, content_hashes: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The image files that hold each content, in path order; a content without one is left out."""
        question = "SELECT path FROM files WHERE content_hash = ? AND kind = 'image' ORDER BY path"
        with self._snapshot():
            answers = {
                content: tuple(
                    os.fsdecode(path) for (path,) in self._connection.execute(question, (content,))
                )
                for content in content_hashes
            }
        return {content: paths for content, paths in answers.items() if paths}

    def skips(self) -> tuple[Skip, ...]:
        """The images that were not used, in path order."""
        with self._reading():
            rows = self._connection.execute(
                "SELECT path, reason FROM files WHERE kind = 'skip' ORDER BY path"
            )
            return tuple(Skip(os.fsdecode(path), reason or "") for path, reason in rows)

    def counts(self) -> Counts:
        """How many files of each kind the store knows."""
        with self._reading():
            of = dict(self._connection.execute("SELECT kind, count(*) FROM files GROUP BY kind").fetchall())
        return Counts(images=of.get("image", 0), skips=of.get("skip", 0), others=of.get("other", 0))

    def meta(self, key: str) -> str | None:
        """A remembered word by its key, or None."""
        with self._reading():
            row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
            return None if row is None else str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        with self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def findings(self, how: str) -> dict[tuple[str, str, str], str]:
        """What was found, in that way, of pairs of contents, and what of them; for a store open to write."""
        question = "SELECT first, second, what, found FROM findings WHERE how = ?"
        with self._reading():
            found = self._connection.execute(question, (how,))
            return {(first, second, what): text for first, second, what, text in found}

    def save_findings(self, how: str, found: Mapping[tuple[str, str, str], str]) -> None:
        """Remember findings, and forget those made in another way."""
        rows = [(*key, how, text) for key, text in found.items()]
        with self._writing() as connection:
            connection.execute("DELETE FROM findings WHERE how <> ?", (how,))
            connection.executemany("INSERT OR REPLACE INTO findings VALUES (?, ?, ?, ?, ?)", rows)

    def looks(self, how: str) -> dict[str, str]:
        """What was seen of contents in that way, by content hash; for a store open to write."""
        with self._reading():
            return read_looks(self._connection, how)

    def save_looks(self, how: str, looks: Mapping[str, str]) -> None:
        """Remember what was seen of contents, and forget what was in another way."""
        with self._writing() as connection:
            write_looks(connection, how, looks)

    def changes(self) -> int:
        """A number that grows whenever the contents an index would hold may have changed."""
        with self._reading():
            return int(self.meta("changes") or 0)

    def set_index(self, rows: Iterable[str], facts: Mapping[str, object]) -> None:
        """Replace the index's rows (row i holds the i-th content hash) and its facts in one transaction."""
        with self._writing() as connection:
            connection.execute("DELETE FROM index_rows")
            connection.executemany("INSERT INTO index_rows VALUES (?, ?)", enumerate(rows))
            _set_facts(connection, facts)

    def set_late_rows(self, start: int, rows: Iterable[str], facts: Mapping[str, object]) -> None:
        """Replace the rows from `start` on, and the facts, in one transaction."""
        with self._writing() as connection:
            connection.execute("DELETE FROM index_rows WHERE row >= ?", (start,))
            connection.executemany("INSERT INTO index_rows VALUES (?, ?)", enumerate(rows, start))
            _set_facts(connection, facts)

    def index_facts(self) -> dict[str, object] | None:
        """The facts of the last `set_index`, or None."""
        with self._reading():
            text = self.meta("index")
            return None if text is None else dict(json.loads(text))

    def lag(self, encoder: str, rows: int) -> tuple[tuple[str, ...], int]:
        """How far the first `rows` rows of the index are behind the images.

        Returns:
            content hashes that images hold and that none of these rows does, in order.
            how many of these rows no image holds any more.
        """
        indexed = "SELECT content_hash FROM index_rows WHERE row < ?"
        late = f"SELECT content_hash FROM embeddings WHERE encoder = ? {HELD_BY_IMAGES}"  # noqa: S608
        gone = f"SELECT count(*) FROM ({indexed}) WHERE NOT (true {HELD_BY_IMAGES})"  # noqa: S608
        with self._snapshot():
            new = self._connection.execute(
                f"{late} AND content_hash NOT IN ({indexed}) ORDER BY content_hash", (encoder, rows)
            )
            hashes = tuple(content for (content,) in new)
            return hashes, int(self._connection.execute(gone, (rows,)).fetchone()[0])

    def index_hashes(self, rows: Sequence[int], facts: Mapping[str, object]) -> tuple[str | None, ...] | None:
        """The content hashes of some rows, None for one that no image holds any more.

        None, too, where the index is no longer the one with these facts.
        """
        question = (
            "SELECT CASE WHEN EXISTS (SELECT 1 FROM files WHERE files.content_hash = index_rows.content_hash"
            " AND kind = 'image') THEN content_hash END FROM index_rows WHERE row = ?"
        )
        with self._snapshot():
            if self.index_facts() != dict(facts):
                return None
            found = [self._connection.execute(question, (int(row),)).fetchone() for row in rows]
        return None if None in found else tuple(content for (content,) in found)

    def late_rows(self, encoder: str, start: int) -> tuple[np.ndarray, np.ndarray]:
        """Hashes (l,) and embeddings (l, d) of the rows from `start` on."""
        which = f"AND content_hash IN (SELECT content_hash FROM index_rows WHERE row >= {start:d})"  # noqa: S608 (a number)
        with self._reading():
            met = list(blocks(self._connection, encoder, which))
            if not met:
                return np.empty(0, np.bytes_), np.empty((0, 0), np.float32)
            return np.concatenate([hashes for hashes, _ in met]), np.concatenate([rows for _, rows in met])

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Errors of SQLite and values that can't have been written by augnet become `StoreError`."""
        with told(self.place):
            try:
                yield
            except (ValueError, TypeError, AttributeError) as error:
                raise damaged(self.place, str(error)) from error

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """Several reads see one state, whatever a writer does meanwhile."""
        with self._reading():
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("COMMIT")

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing."""
        with told(self.place):
            self._connection.execute("BEGIN IMMEDIATE")
            done = False
            try:
                yield self._connection
                self._connection.execute("COMMIT")
                done = True
            finally:
                if not done and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")


def _set_facts(connection: sqlite3.Connection, facts: Mapping[str, object]) -> None:
    text = json.dumps(dict(facts), sort_keys=True)
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('index', ?)", (text,))
