"""From a folder to its files: walk it in a fixed order, tell images from the rest, read and hash.

Nothing is followed out of the folder and nothing but a regular file is ever opened:
a named pipe would wait for ever, a link could lead anywhere.
Whatever can't be read is a `Skip` or raises `Unusable`; only the folder itself raises an error.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from blake3 import blake3

from augnet_cli.errors import FolderError
from augnet_cli.images.identify import HEAD_BYTES, named_as_image, starts_as_image
from augnet_cli.images.names import shown
from augnet_cli.images.unusable import Unusable
from augnet_cli.records import FoundFile, Skip

STORE_FOLDER = ".augnet"
# No photograph comes near; a disk image named .jpg would fill the memory.
MAX_FILE_BYTES = 1 << 30
# Read at once where a whole file would be too much: long enough that reading, not Python, takes the time.
CHUNK_BYTES = 1 << 20
# 128 bits: among 2**32 files the odds of two different ones meeting are under 1 to 2**64.
HASH_BYTES = 16

_OPEN_FLAGS = (
    os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
)


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk met, both in order of the path's bytes.

    The path of a skip ends in `/` where a whole folder could not be read.
    """

    files: tuple[FoundFile, ...]
    skips: tuple[Skip, ...]


def walk(folder: str, exclude: Sequence[str] = ()) -> Walk:
    """Find every regular file under `folder`; the order does not depend on the file system.

    `.augnet` folders are never entered. Links are not followed: one whose name says image is a skip.
    `exclude` are globs matched, with case, against the relative path and the last part of it
    (`*` crosses `/`); a folder that matches is not entered, a final `/` matches folders alone.

    Raises:
        FolderError: `folder` is missing, no folder, or unreadable.
    """
    files: list[FoundFile] = []
    skips: list[Skip] = []
    # Each folder with the identities of those above it: junctions and odd mounts can make rings
    # without a symbolic link.
    waiting: list[tuple[str, tuple[tuple[int, int], ...]]] = [("", ())]
    while waiting:
        inside, above = waiting.pop()
        try:
            status = os.stat(_joined(folder, inside))
            here = (status.st_dev, status.st_ino)
            if here in above:
                continue
            names = os.listdir(_joined(folder, inside))
        except OSError as error:
            if not inside:
                raise _folder_error(folder, error) from error
            if not isinstance(error, FileNotFoundError):
                skips.append(Skip(inside + "/", f"the folder can't be read: {_why(error)}"))
            continue
        for name in names:
            path = f"{inside}/{name}" if inside else name
            met = _look(folder, path, name, exclude)
            if isinstance(met, FoundFile):
                files.append(met)
            elif isinstance(met, Skip):
                skips.append(met)
            elif met is _FOLDER:
                waiting.append((path, (*above, here)))
    return Walk(
        tuple(sorted(files, key=lambda file: os.fsencode(file.path))),
        tuple(sorted(skips, key=lambda skip: os.fsencode(skip.path))),
    )


_FOLDER = object()


def _look(folder: str, path: str, name: str, exclude: Sequence[str]) -> FoundFile | Skip | object | None:
    """What stands at `path`: a file, a skip, `_FOLDER`, or None for what concerns nobody."""
    try:
        status = os.lstat(_joined(folder, path))
    except FileNotFoundError:  # it vanished since its folder was listed
        return None
    except OSError as error:
        return Skip(path, _why(error)) if named_as_image(name) else None
    is_folder = stat.S_ISDIR(status.st_mode)
    if _excluded(path, name, is_folder, exclude) or (is_folder and name == STORE_FOLDER):
        return None
    if is_folder:
        return _FOLDER
    if stat.S_ISREG(status.st_mode):
        return FoundFile(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    return _not_opened(folder, path, status.st_mode) if named_as_image(name) else None


def _not_opened(folder: str, path: str, mode: int) -> Skip | None:
    """The skip of what is no regular file but has an image's name; a link to a folder is none."""
    if not stat.S_ISLNK(mode):
        return Skip(path, _not_regular(mode))
    return None if os.path.isdir(_joined(folder, path)) else Skip(path, "symbolic link, not followed")


def _excluded(path: str, name: str, is_folder: bool, exclude: Sequence[str]) -> bool:
    for pattern in exclude:
        if pattern.endswith("/") and not is_folder:
            continue
        glob = pattern.rstrip("/").removeprefix("./")
        # `**/` means "at any depth", the top included.
        if any(fnmatchcase(text, g) for text in (path, name) for g in (glob, glob.removeprefix("**/"))):
            return True
    return False


def is_excluded(path: str, exclude: Sequence[str]) -> bool:
    """Whether a walk with these globs would leave out the file at `path`, or a folder above it."""
    parts = path.split("/")
    above = ("/".join(parts[:end]) for end in range(1, len(parts)))
    return _excluded(path, parts[-1], False, exclude) or any(
        _excluded(folder, folder.rpartition("/")[2], True, exclude) for folder in above
    )


def is_image(folder: str, found: FoundFile) -> bool:
    """Whether the name says image, or else the first bytes, which are then the only ones read.

    A file that can't be opened and whose name says nothing is held to be none.
    """
    if named_as_image(found.path):
        return True
    if found.size_bytes == 0:
        return False
    try:
        descriptor = _open_regular(_joined(folder, found.path), follow_links=False)
    except Unusable:
        return False
    try:
        return starts_as_image(os.read(descriptor, HEAD_BYTES))
    except OSError:
        return False
    finally:
        os.close(descriptor)


def read_bytes(path: str, follow_links: bool = True) -> bytes:
    """All bytes of a regular file.

    `follow_links=False` is for members of a walked folder: one that has become a link since is refused.

    Raises:
        Unusable: vanished, not permitted, empty, larger than MAX_FILE_BYTES, or no regular file.
    """
    descriptor = _open_regular(path, follow_links)
    try:
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            size = os.fstat(descriptor).st_size
            if size == 0:
                raise Unusable("the file is empty")
            if size > MAX_FILE_BYTES:
                raise Unusable(
                    f"{size / (1 << 30):.1f} GiB: files over {MAX_FILE_BYTES >> 30} GiB are not read"
                )
            data = file.readall()
    except MemoryError as error:
        raise Unusable("there is not enough memory to read it") from error
    except OSError as error:
        raise Unusable(_why(error)) from error
    if not data:  # it was emptied between the two looks
        raise Unusable("the file is empty")
    return data


def content_hash(data: bytes) -> str:
    """A name for these bytes: BLAKE3 of HASH_BYTES, as hexadecimal digits.

    O'Connor, Aumasson, Neves & Wilcox-O'Hearn, "BLAKE3: one function, fast everywhere" (2020): seven times as
    fast as BLAKE2b, which took a tenth of the time that decoding a photo of 12 megapixels takes.
    """
    return blake3(data).hexdigest(HASH_BYTES)


def hash_of_file(path: str) -> str:
    """`content_hash` of a file's bytes, of any size, empty too; a link is refused.

    Raises:
        Unusable: vanished, not permitted, or no regular file.
    """
    digest = blake3()
    descriptor = _open_regular(path, follow_links=False)
    try:
        while chunk := os.read(descriptor, CHUNK_BYTES):
            digest.update(chunk)
    except OSError as error:
        raise Unusable(_why(error)) from error
    finally:
        os.close(descriptor)
    return digest.hexdigest(HASH_BYTES)


def _open_regular(path: str, follow_links: bool) -> int:
    """A descriptor of a regular file, opened without waiting for anyone at a pipe's other end."""
    flags = _OPEN_FLAGS
    try:
        if not follow_links:
            flags |= getattr(os, "O_NOFOLLOW", 0)
            if os.path.islink(path):
                raise Unusable("symbolic link, not followed")
        # Looked at before opening: to open a device can act on it.
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            raise Unusable(_not_regular(mode))
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise Unusable(_why(error)) from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise Unusable(_not_regular(mode))
    return descriptor


def _joined(folder: str, path: str) -> str:
    return os.path.join(folder, path) if path else folder


def _not_regular(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    kind = next((name for test, name in kinds if test(mode)), "something special")
    return f"not a file but {kind}"


def _why(error: OSError | ValueError) -> str:
    """The system's reason in plain words."""
    if isinstance(error, FileNotFoundError):
        return "it vanished before it could be read"
    if isinstance(error, PermissionError):
        return "permission denied"
    text = getattr(error, "strerror", None) or "the name can't be opened"
    return text[0].lower() + text[1:]


def _folder_error(folder: str, error: OSError) -> FolderError:
    name = shown(folder)
    if isinstance(error, FileNotFoundError):
        return FolderError(f"there is no folder {name}", "check the spelling; `ls` shows what is here")
    if isinstance(error, NotADirectoryError):
        return FolderError(f"{name}: a file, not a folder", "give the folder that holds the images")
    if isinstance(error, PermissionError):
        return FolderError(f"{name}: you may not read this folder", f"ls -ld {name} shows who may")
    return FolderError(f"{name}: can't be read: {_why(error)}", "check the disk or the network share")
