"""The file of an index in a store's cache: its name, and whether it is still the one that was built."""

from __future__ import annotations

import errno
import os
import re
import stat
import zlib
from contextlib import suppress

from augnet_cli.store.place import Place

Facts = dict[str, object]  # what the store knows of an index
INDEX_NAME = re.compile(r"index-(\d+)\.ann(\.tmp)?")
READ_BYTES = 1 << 20


def file_wrong(place: Place, facts: Facts) -> str | None:
    """Why the index file is not the one that was built, or None.

    Annoy follows the numbers in it blindly, a changed one crashes the process.  A file that nobody touched
    since is known by its stamp; any other, as in a store that was copied, is read whole.
    """
    path = os.path.join(place.cache, str(facts.get("file")))
    try:
        now = stamp(path)
        if all(facts.get(key) == value for key, value in now.items()):
            return None
        if now["size"] != facts.get("size"):
            return "the index file has another size"
        if checksum(path) != facts.get("crc32"):
            return "the index file is damaged"
    except FileNotFoundError:
        return "the index file is missing"
    except OSError as error:
        return f"the index can't be read: {error.strerror or error}"
    return None


def stamp(path: str) -> Facts:
    """What changes when a file is written to: as photos are known to be unchanged."""
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    times = {"mtime_ns": status.st_mtime_ns, "ctime_ns": status.st_ctime_ns}
    return {"size": status.st_size, "inode": status.st_ino, **times}


def checksum(path: str) -> int:
    """CRC-32 of the whole file."""
    found = 0
    with open(path, "rb") as file:
        while part := file.read(READ_BYTES):
            found = zlib.crc32(part, found)
    return found


def next_generation(place: Place) -> int:
    """One more than any index file here, so that a reader's file is never written over."""
    numbers = [int(match[1]) for name in os.listdir(place.cache) if (match := INDEX_NAME.fullmatch(name))]
    return max(numbers, default=0) + 1


def remove_others(place: Place, keep: str) -> None:
    """Remove all index files but one, also those that a kill left half written."""
    for name in os.listdir(place.cache):
        if name != keep and INDEX_NAME.fullmatch(name):
            # Windows refuses while a reader has it open; the next build removes it.
            with suppress(OSError):
                os.remove(os.path.join(place.cache, name))
