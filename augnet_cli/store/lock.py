"""One writer at a time: a lock that dies with its process.

The operating system holds the lock, not the file's existence, so a killed augnet never blocks the next one.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from augnet_cli.errors import StoreError
from augnet_cli.images.names import pasted, shown
from augnet_cli.store.place import LOCK_FILE, Place

TRAINING_LOCK_FILE = "training.lock"
BUSY = frozenset((errno.EAGAIN, errno.EACCES, errno.EDEADLK))
# Windows forbids others to read locked bytes: lock one far behind the process id.
WINDOWS_LOCKED_BYTE = 1 << 20
PID_DIGITS = 20


@contextmanager
def writing(place: Place) -> Iterator[None]:
    """Hold the right to write to a store; `place` was made with `place_for(folder, create=True)`.

    Raises:
        StoreError: another process (named by its id) holds it, or the file system has no locks.
    """
    wait = "wait until it is done; commands that only read need not wait"
    with _held(place, LOCK_FILE, f"is writing to the store of {shown(place.folder)}", wait):
        yield


@contextmanager
def training(place: Place) -> Iterator[None]:
    """Hold the right to train on a folder; the store may be read and written by others meanwhile.

    Embeddings are kept by encoder, and an encoder file appears whole: a store needs no protection from it.

    Raises:
        StoreError: another process (named by its id) holds it, or the file system has no locks.
    """
    wait = "wait until it is done; other commands need not wait"
    with _held(place, TRAINING_LOCK_FILE, f"is training on {shown(place.folder)}", wait):
        yield


@contextmanager
def _held(place: Place, name: str, busy: str, wait: str) -> Iterator[None]:
    path = os.path.join(place.cache, name)
    try:
        # Never removed: a lock on a removed file would not be seen by whoever makes a new one.
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise StoreError(
            f"the lock {shown(path)} can't be opened: {error.strerror}",
            f"augnet embed {pasted(place.folder)}",
        ) from error
    try:
        _take(handle, place, busy, wait)
        # Only to be named to others: where the disk is full the lock holds all the same.
        with suppress(OSError):
            _write_pid(handle)
        yield
    finally:
        os.close(handle)  # frees the lock


def hold(handle: int) -> bool:
    """Lock an open file until it is closed; whether it is ours now, and not another process's.

    Where a file system has no locks nobody can have one, and it is ours.
    """
    try:
        _lock(handle)
    except OSError as error:
        return error.errno not in BUSY
    return True


def _take(handle: int, place: Place, busy: str, wait: str) -> None:
    try:
        _lock(handle)
    except OSError as error:
        if error.errno in BUSY:
            holder = os.pread(handle, PID_DIGITS, 0) if hasattr(os, "pread") else os.read(handle, PID_DIGITS)
            process = holder.decode("ascii", "replace").strip() or "unknown"
            raise StoreError(f"another augnet (process {process}) {busy}", wait) from error
        raise StoreError(
            f"the file system of {shown(place.cache)} has no locks: {error.strerror}",
            "copy the photos to a local disk",
        ) from error


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        os.lseek(handle, WINDOWS_LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(handle, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(handle: int) -> None:
        # flock, not lockf: it belongs to this handle, so a second one in the same process is refused too.
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _write_pid(handle: int) -> None:
    os.ftruncate(handle, 0)
    os.write(handle, str(os.getpid()).encode("ascii"))
