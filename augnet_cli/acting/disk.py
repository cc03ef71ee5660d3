"""The only place that changes files; each function does one thing, and nothing is ever overwritten unasked.

A move is a link under the new name, then the end of the old one: at no moment is there no name, and a name
that exists is never taken. Folders are flushed to the disk: what was done stays done when the power fails.
Whoever calls has written to the journal before.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from augnet_cli.images.files import CHUNK_BYTES, hash_of_file
from augnet_cli.images.unusable import Unusable
from augnet_cli.whole import whole_file

# What file systems without hard links say (FAT, some network shares), and Linux of files of other owners.
NO_HARD_LINKS = frozenset((errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK))
# What file systems say on which a folder can't be flushed by itself.
NO_FOLDER_SYNC = frozenset((errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF))
_LINK_ITSELF = {"follow_symlinks": False} if os.link in os.supports_follow_symlinks else {}
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def write_all(handle: int, data: bytes) -> None:
    """Write all bytes; the system may take them in parts."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def sync_folder(path: str) -> None:
    """Wait until the disk has the names in a folder; Windows has no such call."""
    if sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in NO_FOLDER_SYNC:
            raise
    finally:
        os.close(handle)


def make_folders(base: str, inside: str) -> None:
    """Make the folders of the relative path `inside` that `base` lacks."""
    here = base
    for part in inside.split("/") if inside else ():
        above, here = here, os.path.join(here, part)
        with suppress(FileExistsError):
            os.mkdir(here)
            sync_folder(above)


def make_own_folder(path: str) -> None:
    """Make a folder that is ours alone.

    Raises:
        FileExistsError: somebody has it already.
    """
    os.mkdir(path)
    sync_folder(os.path.dirname(path))


def remove_empty_folders(path: str, end: str) -> None:
    """Remove `path` and the folders above it, up to `end`, which stays, as long as they are empty."""
    while path.startswith(end + os.sep):
        try:
            os.rmdir(path)
        except FileNotFoundError:
            pass
        except OSError:
            # Not empty, or not ours to remove: it does no harm.
            return
        path = os.path.dirname(path)


def remove_empty_tree(path: str) -> None:
    """Remove every folder at and below `path` that holds no file."""
    for where, _, _ in os.walk(path, topdown=False):
        with suppress(OSError):
            os.rmdir(where)


def move(source: str, target: str, temporary: str, content: str) -> bool:
    """Give a file another name, on another file system too; a file that stands there is never overwritten.

    Args:
        temporary: a name beside `target` that only this step uses.
        content: what `hash_of_file` says of `source`.

    Returns:
        whether it is the same file still; else a copy that was compared with `content`.

    Raises:
        FileExistsError: there is a file of that name.
        OSError: it can't be done; `source` is still there.
    """
    try:
        _take_name(source, target)
        return True
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        before = _facts(source)
        copy(source, temporary, content)
        try:
            _take_name(temporary, target)
        except OSError:
            _forget(temporary)
            raise
        if _facts(source) != before:
            # What was written into it meanwhile has no copy.
            _forget(target)
            raise OSError(errno.EBUSY, "it was changed while it was copied", source) from error
        _remove_or_take_back(source, target)
        return False


def replace(source: str, target: str, temporary: str, content: str) -> None:
    """Put a file in the place of another, which is gone; in one step, from another file system by a copy."""
    try:
        os.replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy(source, temporary, content)
        os.replace(temporary, target)
    sync_folder(os.path.dirname(target))
    # Two names of one file: the system has nothing to do, and does nothing.
    if os.path.lexists(source):
        remove(source)


def second_name(source: str, target: str, flush: bool = True) -> None:
    """A hard link; neither name is more than the other.

    Who makes many names leaves out `flush`, and flushes their folder once, at the end.
    """
    os.link(source, target, **_LINK_ITSELF)
    if flush:
        sync_folder(os.path.dirname(target))


def symbolic_link(text: str, target: str, flush: bool = True) -> None:
    """A symbolic link at `target` that says `text`; `flush` as above."""
    os.symlink(text, target)
    if flush:
        sync_folder(os.path.dirname(target))


def remove(path: str) -> None:
    """End a name."""
    os.unlink(path)
    sync_folder(os.path.dirname(path))


def copy(source: str, target: str, content: str) -> None:
    """Copy bytes, mode and times to a new file, and read it again to be sure.

    Raises:
        FileExistsError: there is a file of that name.
        OSError: it can't be written, or the copy differs; nothing is left of it.
    """
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, 0o600)
    try:
        try:
            with open(source, "rb", buffering=0) as file:
                while chunk := file.read(CHUNK_BYTES):
                    write_all(handle, chunk)
            shutil.copystat(source, target, follow_symlinks=False)
            os.fsync(handle)
        finally:
            os.close(handle)
        if hash_of_file(target) != content:
            raise OSError(errno.EIO, "the copy differs from the original", target)
        sync_folder(os.path.dirname(target))
    except Unusable as error:
        _forget(target)
        raise OSError(errno.EIO, error.reason, target) from error
    except OSError:
        _forget(target)
        raise


@contextmanager
def replaced(path: str) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path` once it is whole on the disk; else `path` stays."""
    with whole_file(path) as file:
        yield file
    sync_folder(os.path.dirname(os.path.abspath(path)))


def set_facts(path: str, mode: int, mtime_ns: int) -> None:
    """Give a file the permissions and the time of change that the journal remembers."""
    os.chmod(path, stat.S_IMODE(mode))
    os.utime(path, ns=(os.stat(path).st_atime_ns, mtime_ns))
    if sys.platform == "win32":
        return  # which flushes no file that is open for reading
    handle = os.open(path, os.O_RDONLY | _NO_FOLLOW)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _facts(path: str) -> tuple[int, ...]:
    """What tells whether a file is another one, or was written to."""
    status = os.lstat(path)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _take_name(source: str, target: str) -> None:
    """Move within a file system without overwriting."""
    try:
        second_name(source, target)
    except OSError as error:
        if error.errno not in NO_HARD_LINKS:
            raise
        # Without hard links there is a moment between the look and the move. On the way to quarantine only we
        # know the folder; Windows refuses to rename over a file by itself.
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from error
        os.rename(source, target)
        sync_folder(os.path.dirname(target))
        sync_folder(os.path.dirname(source))
        return
    _remove_or_take_back(source, target)


def _remove_or_take_back(source: str, target: str) -> None:
    """End the old name; where that is not allowed the new one ends, so that nothing has changed."""
    try:
        os.unlink(source)
    except OSError:
        # Looked at, not believed: a network share may say no and have done it.
        if os.path.lexists(source):
            _forget(target)
        raise
    sync_folder(os.path.dirname(source))


def _forget(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)
