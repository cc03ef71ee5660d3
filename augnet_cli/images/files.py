"""From a folder to its files: walk it in a fixed order, tell images from the rest, read and hash.

Nothing is followed out of the folder and nothing but a regular file is ever opened:
a named pipe would wait for ever, a link could lead anywhere.
Whatever can't be read is a `Skip` or raises `Unusable`; only the folder itself raises an error.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from blake3 import blake3

from augnet_cli.errors import FolderError
from augnet_cli.images.identify import HEAD_BYTES, named_as_image, starts_as_image
from augnet_cli.images.names import shown
from augnet_cli.images.thrown_away import holds_trash, without_quarantine
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
    """All that `met` meets, at once.

    Raises:
        FolderError: as `met`.
    """
    files: list[FoundFile] = []
    skips: list[Skip] = []
    for one in met(folder, exclude):
        if isinstance(one, FoundFile):
            files.append(one)
        else:
            skips.append(one)
    return Walk(tuple(files), tuple(skips))


def met(folder: str, exclude: Sequence[str] = ()) -> Iterator[FoundFile | Skip]:
    """Find every regular file under `folder`, in order of the path's bytes, whatever the file system's.

    Of each file only its status is asked for; nothing is opened, and one directory is in memory at a time.
    `.augnet` folders are never entered, nor where systems keep what was thrown away (`thrown_away`).
    Links are not followed: one whose name says image is a skip.
    `exclude` are globs matched, with case, against the relative path and the last part of it
    (`*` crosses `/`); a folder that matches is not entered, a final `/` matches folders alone.

    Raises:
        FolderError: `folder` is missing, no folder, or unreadable.
    """
    # Folders that were entered and not yet left, the innermost last: what is still to be looked at in each.
    try:
        entered = [_entered(folder, "", ())]
    except OSError as error:
        raise _folder_error(folder, error) from error
    while entered:
        inside, names, ring = entered[-1]
        if not names:
            entered.pop()
            continue
        name = os.fsdecode(names.pop())
        path = inside + name
        if not name.endswith("/"):
            one = _look(folder, path, name, exclude)
            if one is not None:
                yield one
        elif _is_entered(path[:-1], name[:-1], exclude):
            try:
                entered.append(_entered(folder, path, ring))
            except FileNotFoundError:
                continue
            except OSError as error:
                yield Skip(path, f"the folder can't be read: {_why(error)}")


def _is_entered(path: str, name: str, exclude: Sequence[str]) -> bool:
    return not (name == STORE_FOLDER or holds_trash(path) or _excluded(path, name, True, exclude))


Ring = tuple[tuple[int, int], ...]  # identities of a folder and of those above it


def _entered(folder: str, inside: str, above: Ring) -> tuple[str, list[bytes], Ring]:
    """A folder, by its path with a final `/`, what it holds, and its ring.

    Names are in order from the last to the first; those of folders end in `/`: where it has its place among
    the bytes of a path.  Bytes take a third of the memory of a status each, if there are a million.

    Raises:
        OSError: it can't be read.
    """
    at = _joined(folder, inside)
    status = os.stat(at)
    here = (status.st_dev, status.st_ino)
    if here in above:  # junctions and odd mounts can make rings without a symbolic link
        return inside, [], above
    with os.scandir(at) as entries:
        names = [
            os.fsencode(entry.name) + (b"/" if entry.is_dir(follow_symlinks=False) else b"")
            for entry in entries
        ]
    return inside, sorted(without_quarantine(names), reverse=True), (*above, here)


def _look(folder: str, path: str, name: str, exclude: Sequence[str]) -> FoundFile | Skip | None:
    """What stands at `path`: a file, a skip, or None for what concerns nobody."""
    if _excluded(path, name, False, exclude):
        return None
    try:
        status = os.lstat(_joined(folder, path))
    except FileNotFoundError:  # it vanished since its folder was listed
        return None
    except OSError as error:
        return Skip(path, _why(error)) if named_as_image(name) else None
    if stat.S_ISREG(status.st_mode):
        return FoundFile(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    if stat.S_ISDIR(status.st_mode):  # it was none when its folder was listed; the next walk will enter it
        return None
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
        return starts_as_image(read_head(_joined(folder, found.path)))
    except Unusable:
        return False


def read_head(path: str) -> bytes:
    """The first HEAD_BYTES of a regular file, no link to one.

    Raises:
        Unusable: as `hash_of_file`.
    """
    descriptor = _open_regular(path, follow_links=False)
    try:
        return os.read(descriptor, HEAD_BYTES)
    except OSError as error:
        raise Unusable(_why(error)) from error
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
