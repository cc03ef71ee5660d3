"""The tables of the store, their version, and how the SQLite file is opened.

What is read from and written to them is `store`'s.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from augnet_cli.errors import StoreError
from augnet_cli.images.names import pasted, shown
from augnet_cli.store.place import Place

SCHEMA_VERSION = 1
APPLICATION_ID = 0x6175676E  # "augn": tells a store from any other SQLite file
BUSY_TIMEOUT_S = 30.0  # a reader may hold a rollback-journal store for as long as it reads

# Numbers from the file system have columns without a type: they may not fit SQLite's 64 signed bits
# (inodes of some network file systems, times after the year 2262) and are then kept as text.
# The triggers count every change to which contents an index would hold, so that a stale index is known
# by one number; they can't be forgotten by a writer.
TABLES = """
CREATE TABLE files (
    path BLOB PRIMARY KEY NOT NULL, size NOT NULL, mtime_ns NOT NULL, ctime_ns NOT NULL, inode NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('image', 'skip', 'other')),
    content_hash TEXT, reason TEXT, decoder TEXT
) WITHOUT ROWID;
CREATE INDEX files_by_content ON files (content_hash);
CREATE TABLE contents (
    content_hash TEXT PRIMARY KEY NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, taken_at TEXT
) WITHOUT ROWID;
CREATE TABLE embeddings (
    content_hash TEXT NOT NULL, encoder TEXT NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (content_hash, encoder)
);
CREATE TABLE index_rows (row INTEGER PRIMARY KEY NOT NULL, content_hash TEXT NOT NULL);
CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('changes', 0);
CREATE TRIGGER file_added AFTER INSERT ON files WHEN NEW.content_hash IS NOT NULL
BEGIN UPDATE meta SET value = value + 1 WHERE key = 'changes'; END;
CREATE TRIGGER file_changed AFTER UPDATE ON files
WHEN OLD.content_hash IS NOT NEW.content_hash OR OLD.kind IS NOT NEW.kind
BEGIN UPDATE meta SET value = value + 1 WHERE key = 'changes'; END;
CREATE TRIGGER file_removed AFTER DELETE ON files WHEN OLD.content_hash IS NOT NULL
BEGIN UPDATE meta SET value = value + 1 WHERE key = 'changes'; END;
CREATE TRIGGER embedding_added AFTER INSERT ON embeddings
BEGIN UPDATE meta SET value = value + 1 WHERE key = 'changes'; END;
"""
# What pairs of contents are to each other, as `how` found it.  Stores from before it have no such table.
FINDINGS = """
CREATE TABLE IF NOT EXISTS findings (
    first TEXT NOT NULL, second TEXT NOT NULL, what TEXT NOT NULL, how TEXT NOT NULL, found TEXT NOT NULL,
    PRIMARY KEY (first, second, what)
) WITHOUT ROWID;
"""
# What was seen of contents, by whoever looked at them in the way `how`.  As above, an addition.
LOOKS = """
CREATE TABLE IF NOT EXISTS looks (
    content_hash TEXT PRIMARY KEY NOT NULL, how TEXT NOT NULL, look TEXT NOT NULL
) WITHOUT ROWID;
"""


def open_to_write(place: Place) -> sqlite3.Connection:
    """Open a store to write, making it if there is none; the caller holds `lock.writing`.

    Raises:
        StoreError: it is from a newer augnet, broken, or the disk fails.
    """
    with told(place):
        connection = _connect(place, "mode=rwc")
        with closed_on_error(connection):
            _choose_journal(connection)
            if _version(connection, place) == 0:
                _create(connection)
            connection.executescript(FINDINGS + LOOKS)
    return connection


def open_to_read(place: Place) -> sqlite3.Connection:
    """Open a store to read; its content is never changed, a missing store is not made.

    Raises:
        StoreError: there is no store yet, it is from a newer augnet, or broken.
    """
    if not os.path.isfile(place.store_file):
        raise _missing(place)
    with told(place):
        connection = _connect_to_read(place)
        with closed_on_error(connection):
            if _version(connection, place) == 0:
                # An augnet that was killed before its first transaction leaves an empty file.
                raise _missing(place)
    return connection


@contextmanager
def told(place: Place) -> Iterator[None]:
    """The one place where what SQLite raises becomes a `StoreError`.

    A `ProgrammingError` (the wrong thread, a closed store) is a bug of the caller and stays one.
    """
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.Error as error:
        raise _as_told(place, error) from error
    except UnicodeDecodeError as error:  # of a broken schema SQLite's own complaint can't be read
        raise damaged(place, "it holds texts that are no UTF-8") from error


@contextmanager
def closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    done = False
    try:
        yield
        done = True
    finally:
        if not done:
            connection.close()


def damaged(place: Place, detail: str) -> StoreError:
    """The error for a store that can't be right; augnet never deletes one by itself."""
    again = f"augnet embed {pasted(place.folder)}"
    return StoreError(
        f"the store {shown(place.store_file)} is damaged: {detail}",
        f"delete the folder {shown(place.cache)} (it holds nothing that can't be made again), then {again}",
    )


def _connect(place: Place, mode: str) -> sqlite3.Connection:
    # Percent-encoded bytes reach SQLite as they are; a plain path that is no UTF-8 would not.
    path = place.store_file.replace("\\", "/") if sys.platform == "win32" else place.store_file
    name = quote(os.fsencode(path if path.startswith("/") else f"/{path}"))
    # Transactions are begun by hand: isolation_level None keeps Python from opening its own.
    return sqlite3.connect(f"file://{name}?{mode}", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)


def _choose_journal(connection: sqlite3.Connection) -> None:
    """WAL where it works, so that readers never wait; else the rollback journal (network shares)."""
    try:
        answer = _one(connection, "PRAGMA journal_mode=WAL")
        _one(connection, "SELECT count(*) FROM sqlite_master")  # WAL's shared memory is first needed here
    except sqlite3.OperationalError:
        answer = None
    if answer == "wal":
        # A crash of the machine may cost the last transactions, never the store.
        connection.execute("PRAGMA synchronous=NORMAL")
        return
    # Alone, SQLite needs no shared memory, and can lead a WAL store back to the rollback journal.
    _one(connection, "PRAGMA locking_mode=EXCLUSIVE")
    _one(connection, "PRAGMA journal_mode=DELETE")
    _one(connection, "PRAGMA locking_mode=NORMAL")
    _one(connection, "SELECT count(*) FROM sqlite_master")  # the exclusive lock ends with the next access
    connection.execute("PRAGMA synchronous=FULL")


def _connect_to_read(place: Place) -> sqlite3.Connection:
    """Open with the fewest demands that work.

    `mode=rw` though nothing is written (`query_only`): the last to close a WAL store tidies its two side
    files away, which a `mode=ro` connection leaves behind.
    SQLite opens the file read-only by itself where it may not be written.
    `immutable=1` where not even side files can be made (a read-only mount, another user's folder):
    it reads without locks, so it is right only while nobody writes, and it ignores a WAL,
    so it is taken only where there is none.
    """
    try:
        return _try_to_read(place, "mode=rw")
    except sqlite3.OperationalError as error:
        if not _needs_side_files(error) or _has_wal(place):
            raise
    return _try_to_read(place, "mode=ro&immutable=1")


def _try_to_read(place: Place, mode: str) -> sqlite3.Connection:
    connection = _connect(place, mode)
    with closed_on_error(connection):
        connection.execute("PRAGMA query_only=ON")
        _one(connection, "SELECT count(*) FROM sqlite_master")  # the file is first touched here
    return connection


def _needs_side_files(error: sqlite3.OperationalError) -> bool:
    return any(words in str(error) for words in ("readonly", "unable to open"))


def _has_wal(place: Place) -> bool:
    try:
        return os.path.getsize(f"{place.store_file}-wal") > 0
    except OSError:
        return False


def _version(connection: sqlite3.Connection, place: Place) -> int:
    """The schema version, 0 for a store without tables."""
    version = _one(connection, "PRAGMA user_version")
    application = _one(connection, "PRAGMA application_id")
    tables = _one(connection, "SELECT count(*) FROM sqlite_master")
    if application == 0 and version == 0 and tables == 0:
        return 0
    if application != APPLICATION_ID:
        raise damaged(place, "it is an SQLite file, but not one of augnet's")
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"the store {shown(place.store_file)} is from a newer augnet (format {version})",
            "pip install --upgrade augnet",
        )
    if version != SCHEMA_VERSION or tables == 0:
        raise damaged(place, f"its format {version} never existed")
    return SCHEMA_VERSION


def _create(connection: sqlite3.Connection) -> None:
    """Make all tables in one transaction: a kill leaves either none or all."""
    connection.executescript(
        f"BEGIN IMMEDIATE; {TABLES} PRAGMA application_id={APPLICATION_ID};"
        f" PRAGMA user_version={SCHEMA_VERSION}; COMMIT;"
    )


def _one(connection: sqlite3.Connection, statement: str) -> Any:
    row = connection.execute(statement).fetchone()
    return None if row is None else row[0]


def _missing(place: Place) -> StoreError:
    return StoreError(f"{shown(place.folder)} has no store yet", f"augnet embed {pasted(place.folder)}")


def _as_told(place: Place, error: sqlite3.Error) -> StoreError:
    """What to tell for an error of SQLite; by its words, as Python 3.10 does not give the code."""
    at, words = shown(place.store_file), str(error)
    if "locked" in words:
        return StoreError(
            f"the store {at} is in use by another program", "wait until it is done, then try again"
        )
    if "full" in words:
        return StoreError(f"no room left to write the store {at}", "make room on that disk, then try again")
    if "readonly" in words or "unable to open" in words:
        return StoreError(f"the store {at} can't be opened: {words}", f"augnet embed {pasted(place.folder)}")
    if "I/O" in words:
        return StoreError(f"the disk of the store {at} fails: {words}", "check the disk and its free space")
    return damaged(place, words)
