"""The store: files, contents, embeddings and the index's rows of one folder, in one SQLite file.

Every write is one transaction, so a kill at any moment leaves a valid store.
A store belongs to the thread that opened it: workers hand their results to that thread, which saves them.
Where the file lies is `place`'s, who may write `lock`'s.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from augnet_cli.records import Collection, ImageRecord, Skip
from augnet_cli.store.entries import Counts, FileEntry, KnownFile
from augnet_cli.store.place import Place
from augnet_cli.store.rows import file_row, known_file, matrix, vector_bytes
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

    def known_files(self) -> dict[str, KnownFile]:
        """Every file of the last walk by path, in order of path bytes."""
        with self._reading():
            rows = self._connection.execute("SELECT * FROM files ORDER BY path")
            return {known.found.path: known for known in map(known_file, rows)}

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
        embeddings = [
            (entry.content_hash, entry.encoder, vector_bytes(entry.embedding))
            for entry in batch
            if entry.embedding is not None
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
        """Drop contents and embeddings that no file holds; returns how many embeddings.

        For the end of a complete walk: until then a renamed file may still ask for its embedding.
        """
        held = "content_hash NOT IN (SELECT content_hash FROM files WHERE content_hash IS NOT NULL)"
        with self._writing() as connection:
            connection.execute(f"DELETE FROM contents WHERE {held}")  # noqa: S608 (a constant)
            dropped = connection.execute(f"DELETE FROM embeddings WHERE {held}")  # noqa: S608 (a constant)
            # One end may lie in another folder that was searched together with this one.
            connection.execute(
                "DELETE FROM findings WHERE first NOT IN (SELECT content_hash FROM contents)"
                " AND second NOT IN (SELECT content_hash FROM contents)"
            )
            return dropped.rowcount

    def vectors(self, encoder: str) -> tuple[tuple[str, ...], np.ndarray]:
        """The embeddings of all contents that an image file holds.

        Returns:
            hashes: m content hashes, ascending.
            embeddings: (m, d) float32 unit rows in that order; (0, 0) where there are none.

        Raises:
            StoreError: a vector has another length than the rest or is no unit row: the store is damaged.
        """
        with self._reading():
            rows = self._connection.execute(
                "SELECT content_hash, vector FROM embeddings WHERE encoder = ?"
                " AND content_hash IN (SELECT content_hash FROM files WHERE kind = 'image')",
                (encoder,),
            ).fetchall()
            rows.sort()
            return tuple(content for content, _ in rows), matrix([vector for _, vector in rows])

    def collection(self, encoder: str) -> Collection:
        """All embedded images under one encoder, in path order; see `vectors` for the matrix."""
        with self._snapshot():
            hashes, embeddings = self.vectors(encoder)
            row_of = {content: row for row, content in enumerate(hashes)}
            rows = self._connection.execute(
                "SELECT path, files.content_hash, width, height, size, mtime_ns, taken_at"
                " FROM files JOIN contents ON contents.content_hash = files.content_hash"
                " WHERE kind = 'image' ORDER BY path"
            )
            images = tuple(
                ImageRecord(os.fsdecode(path), content, width, height, int(size), int(mtime), taken_at)
                for path, content, width, height, size, mtime, taken_at in rows
                if content in row_of
            )
        content_rows = np.fromiter((row_of[image.content_hash] for image in images), np.int64, len(images))
        return Collection(images, content_rows, embeddings)

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

    def changes(self) -> int:
        """A number that grows whenever the contents an index would hold may have changed."""
        with self._reading():
            return int(self.meta("changes") or 0)

    def set_index(self, rows: Sequence[str], facts: Mapping[str, object]) -> None:
        """Replace the index's rows (row i holds content hash `rows[i]`) and its facts in one transaction."""
        with self._writing() as connection:
            connection.execute("DELETE FROM index_rows")
            connection.executemany("INSERT INTO index_rows VALUES (?, ?)", enumerate(rows))
            connection.execute(
                "INSERT OR REPLACE INTO meta VALUES ('index', ?)", (json.dumps(dict(facts), sort_keys=True),)
            )

    def set_index_facts(self, facts: Mapping[str, object]) -> None:
        """Replace the facts alone: the rows stand as they are."""
        self.set_meta("index", json.dumps(dict(facts), sort_keys=True))

    def index_facts(self) -> dict[str, object] | None:
        """The facts of the last `set_index`, or None."""
        with self._reading():
            text = self.meta("index")
            return None if text is None else dict(json.loads(text))

    def index(self) -> tuple[tuple[str, ...], dict[str, object]] | None:
        """All rows and the facts of the last `set_index`, or None."""
        with self._snapshot():
            facts = self.index_facts()
            rows = self._connection.execute("SELECT content_hash FROM index_rows ORDER BY row")
            return None if facts is None else (tuple(content for (content,) in rows), facts)

    def index_hashes(self, rows: Sequence[int], facts: Mapping[str, object]) -> tuple[str, ...] | None:
        """The content hashes of some rows, or None where the index is no longer the one with these facts."""
        question = "SELECT content_hash FROM index_rows WHERE row = ?"
        with self._snapshot():
            if self.index_facts() != dict(facts):
                return None
            found = [self._connection.execute(question, (int(row),)).fetchone() for row in rows]
        return None if None in found else tuple(content for (content,) in found)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Errors of SQLite and values that can't have been written by augnet become `StoreError`."""
        with told(self.place):
            try:
                yield
            except (ValueError, TypeError) as error:
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
