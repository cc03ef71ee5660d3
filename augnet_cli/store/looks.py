"""What was seen of contents, as texts, in the table `looks` of a store; `Store` opens the transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping


def read_looks(connection: sqlite3.Connection, how: str) -> dict[str, str]:
    """The looks that were taken in one way, by content."""
    return dict(connection.execute("SELECT content_hash, look FROM looks WHERE how = ?", (how,)).fetchall())


def write_looks(connection: sqlite3.Connection, how: str, looks: Mapping[str, str]) -> None:
    """Remember looks, and forget those taken in another way."""
    connection.execute("DELETE FROM looks WHERE how <> ?", (how,))
    rows = ((content, how, text) for content, text in looks.items())
    connection.executemany("INSERT OR REPLACE INTO looks VALUES (?, ?, ?)", rows)
