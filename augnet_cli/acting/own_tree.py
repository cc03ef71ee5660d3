"""A folder that augnet made and may make anew: each name in it is written down in a marker file.

A name is ours only as long as it is what was written down. Nothing else is ever removed, nor a last copy:
a second name or a copy whose original is gone.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from augnet_cli.acting.checks import same_bytes, why
from augnet_cli.images.names import shown

MARKER = ".augnet-clusters.jsonl"
HEAD = {"augnet": "clusters", "version": 1}  # first line of the marker; then one line a name
HEAD_LINE = json.dumps(HEAD).encode("ascii") + b"\n"
SYMLINK, HARDLINK, COPY = "symlink", "hardlink", "copy"
# What file managers leave where a person looked around: no work of anybody's.
DROPPINGS = frozenset((".DS_Store", "Thumbs.db", "desktop.ini", ".directory"))


class NotOurs(Exception):
    """What in a folder is not augnet's to remove, in words a person reads."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in the folder: `path` inside it, the kind of link, and what it was made of.

    `origin` is the text of a symbolic link, else where the original is; size and time are those of a copy.
    """

    path: str
    kind: str
    origin: str
    size: int = 0
    mtime_ns: int = 0


def begin(marker: BinaryIO) -> None:
    """Write what tells a marker from any other file."""
    marker.write(HEAD_LINE)
    marker.flush()


def note(marker: BinaryIO, entry: Entry) -> None:
    """Write down a name before it is made: what a kill leaves is then known to be ours."""
    facts = (entry.path, entry.kind, entry.origin, entry.size, entry.mtime_ns)
    marker.write(json.dumps(facts).encode("ascii") + b"\n")
    marker.flush()


def is_ours(folder: str) -> bool:
    """Whether a folder, no link to one, has a marker."""
    try:
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            return False
        with _opened_marker(folder) as marker:
            return bool(_is_head(marker.readline()))
    except OSError:
        return False


def check_ours(folder: str, unfinished: bool = False) -> list[str]:
    """Make sure that a folder holds nothing but what was written down, as it was.

    Args:
        unfinished: whether the folder was left by a kill, so that a copy may be cut short.

    Returns:
        what may be removed, in order: paths of files, and of folders with a final `/`, each after all in it.

    Raises:
        NotOurs: there is more, or a last copy.
    """
    try:
        entries = {entry.path: entry for entry in _entries(folder)}
        folders = {above for path in entries for above in _above(path)}
        return list(_checked(folder, "", entries, folders, unfinished))
    except OSError as error:
        raise NotOurs(f"{shown(str(error.filename or folder))}: {why(error)}") from error


def remove_ours(folder: str, unfinished: bool = False) -> None:
    """Remove a folder that holds nothing but what was written down; the marker goes last.

    Raises:
        NotOurs: as `check_ours`; nothing was removed.
        OSError: something can't be removed.
    """
    if _is_bare(folder):
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, MARKER))
        os.rmdir(folder)
        return
    for path in check_ours(folder, unfinished):
        # Gone by itself since: so much the better.
        with suppress(FileNotFoundError):
            if path.endswith("/"):
                os.rmdir(os.path.join(folder, path[:-1]))
            else:
                os.unlink(os.path.join(folder, path))
    os.unlink(os.path.join(folder, MARKER))
    os.rmdir(folder)


def _is_bare(folder: str) -> bool:
    """Whether a kill came just after the folder was made, or just before its end: at most a torn marker."""
    if not stat.S_ISDIR(os.lstat(folder).st_mode):
        return False
    names = os.listdir(folder)
    if names != [MARKER]:
        return not names
    with _opened_marker(folder) as marker:
        start = marker.read(len(HEAD_LINE))
    return len(start) < len(HEAD_LINE) and HEAD_LINE.startswith(start)


def _opened_marker(folder: str) -> BinaryIO:
    path = os.path.join(folder, MARKER)
    if not stat.S_ISREG(os.lstat(path).st_mode):  # a pipe would wait for ever
        raise OSError(0, "the marker is no file", path)
    return open(path, "rb")


def _is_head(line: bytes) -> bool:
    try:
        return json.loads(line) == HEAD
    except ValueError:
        return False


def _entries(folder: str) -> Iterator[Entry]:
    try:
        marker = _opened_marker(folder)
    except OSError as error:
        raise NotOurs(f"{MARKER} is missing") from error
    with marker:
        if not _is_head(marker.readline()):
            raise NotOurs(f"{MARKER} can't be read")
        for line in marker:
            if not line.endswith(b"\n"):
                return  # a kill cut it short; what it would have said was not made
            yield _entry(line)


def _entry(line: bytes) -> Entry:
    try:
        path, kind, origin, size, mtime_ns = json.loads(line)
    except (ValueError, TypeError) as error:
        raise NotOurs(f"{MARKER} can't be read") from error
    texts, numbers = (path, kind, origin), (size, mtime_ns)
    if not all(isinstance(one, str) for one in texts) or not all(isinstance(one, int) for one in numbers):
        raise NotOurs(f"{MARKER} can't be read")
    return Entry(path, kind, origin, size, mtime_ns)


def _above(path: str) -> Iterator[str]:
    """The folders that a path lies in, inside the tree."""
    parts = path.split("/")[:-1]
    return ("/".join(parts[:end]) for end in range(1, len(parts) + 1))


def _checked(
    root: str, inside: str, entries: dict[str, Entry], folders: set[str], unfinished: bool
) -> Iterator[str]:
    with os.scandir(os.path.join(root, inside) if inside else root) as found:
        names = [(each.name, each.is_dir(follow_symlinks=False)) for each in found]
    for name, is_folder in names:
        path = f"{inside}/{name}" if inside else name
        if is_folder:
            if path not in folders:
                raise NotOurs(f"augnet did not make the folder {shown(path)} in it")
            yield from _checked(root, path, entries, folders, unfinished)
            yield path + "/"
        elif path in entries:
            _check(root, entries[path], unfinished)
            yield path
        elif name in DROPPINGS:
            yield path
        elif path != MARKER:
            raise NotOurs(f"augnet did not put {shown(path)} there")


def _check(root: str, entry: Entry, unfinished: bool) -> None:
    """Make sure that a name is what was written down, and that its end loses nothing."""
    here = os.path.join(root, entry.path)
    status = os.lstat(here)
    changed = NotOurs(f"{shown(entry.path)} in it was changed since")
    if entry.kind == SYMLINK:
        if not stat.S_ISLNK(status.st_mode) or os.readlink(here) != entry.origin:
            raise changed
        return
    if not stat.S_ISREG(status.st_mode):
        raise changed
    try:
        original = os.lstat(entry.origin)
    except FileNotFoundError:
        original = None
    if original is None or not stat.S_ISREG(original.st_mode):
        raise NotOurs(f"the original of {shown(entry.path)} in it is gone, so it may be the last copy")
    if entry.kind == HARDLINK:
        if not os.path.samestat(status, original):
            raise changed
        return
    if unfinished:  # a copy that is minutes old, and perhaps cut short
        return
    as_copied = (original.st_size, original.st_mtime_ns) == (entry.size, entry.mtime_ns)
    if not (as_copied or same_bytes(entry.origin, here)):
        raise NotOurs(
            f"the original of {shown(entry.path)} in it has changed, so it may be the last copy of that"
        )
    if (status.st_size, status.st_mtime_ns) != (entry.size, entry.mtime_ns):
        raise changed
