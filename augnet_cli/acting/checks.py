"""Looking again before anything is touched: is each file still what the plan saw, and is its witness there?

Nothing here changes a file. Whatever is not exactly as the plan says is a `Doubt`;
a doubt about one file of a group is a doubt about the group.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from augnet_cli.acting.outcome import PlanLine
from augnet_cli.images.files import CHUNK_BYTES, STORE_FOLDER, hash_of_file
from augnet_cli.images.names import shown
from augnet_cli.images.unusable import Unusable


class Doubt(Exception):
    """Why a file is left alone, in words a person reads; which file is part of them."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Seen:
    """A regular file as it stands; two names with equal `device` and `inode` are one file."""

    device: int
    inode: int
    links: int
    size: int
    mtime_ns: int
    mode: int
    owner: int

    @property
    def identity(self) -> tuple[int, int]:
        return self.device, self.inode


@dataclass(frozen=True, slots=True)
class Checked:
    """A file whose bytes were read a moment ago."""

    path: str
    seen: Seen
    hash: str


def why_unsafe(path: str) -> str | None:
    """Why a relative path must not be acted on (it leaves the folder, or has two spellings), or None."""
    if not path or not _can_be_a_name(path):
        return "no file can have this name"
    if path.startswith("/") or os.path.isabs(path) or os.path.splitdrive(path)[0]:
        return "it is absolute, not relative to the folder"
    parts = path.split("/")
    if ".." in parts:
        return "it goes up with `..`"
    if "" in parts or "." in parts or (os.sep != "/" and os.sep in path):
        return "it can be written shorter"
    # Disks that don't tell case apart would open it all the same.
    return "it is in the store" if STORE_FOLDER in map(str.lower, parts) else None


def why_unsafe_witness(path: str, folder: str | None = None) -> str | None:
    """Why nothing may go for a witness of this path, or None: one outside of `folder` is absolute.

    Such a file is only ever read; that it is none of the folder's under a second name is seen then.
    """
    if not os.path.isabs(path):
        return why_unsafe(path)
    if not _can_be_a_name(path):
        return "no file can have this name"
    if os.path.normpath(path).replace(os.sep, "/") != path or (os.sep == "/" and path.startswith("//")):
        return "it can be written shorter"
    if os.path.dirname(path) == os.path.dirname(os.path.dirname(path)):
        return "it is in the root of the disk"
    folders = () if folder is None else (folder, os.path.realpath(folder))
    if any(path.startswith(above.replace(os.sep, "/").rstrip("/") + "/") for above in folders):
        return "it is in the folder, and not relative to it"
    return "it is in a store" if STORE_FOLDER in map(str.lower, path.split("/")) else None


def _can_be_a_name(path: str) -> bool:
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def absolute(folder: str, path: str) -> str:
    """Where a file of the folder is, or a witness outside of it."""
    return os.path.join(folder, path) if os.path.isabs(path) else os.path.join(folder, *path.split("/"))


def why(error: OSError) -> str:
    """The system's reason in plain words."""
    text = error.strerror or "unknown reason"
    return text[0].lower() + text[1:]


def check_way(folder: str, path: str) -> None:
    """Make sure that no folder between `folder` and a file in it is a link or missing; for a witness outside
    of it, none at all.

    Raises:
        Doubt: one is.
    """
    here, inside = folder, path
    if os.path.isabs(path):
        here = os.path.join(os.path.splitdrive(path)[0], os.sep)
        inside = path[len(here) :]
    for part in inside.split("/")[:-1]:
        here = os.path.join(here, part)
        try:
            mode = os.lstat(here).st_mode
        except OSError as error:
            raise Doubt(f"the folder of {shown(path)} can't be reached: {why(error)}") from error
        if not stat.S_ISDIR(mode) or _is_junction(here):
            raise Doubt(f"{shown(part)} on the way to {shown(path)} is a link, not a folder")


def _is_junction(path: str) -> bool:
    """What Windows has beside symbolic links; Python before 3.12 can't tell."""
    tells = getattr(os.path, "isjunction", None)
    return tells is not None and bool(tells(path))


def look(folder: str, path: str) -> Seen:
    """See a regular file without reading it.

    Raises:
        Doubt: it is gone, no regular file, or a link is on the way.
    """
    check_way(folder, path)
    try:
        status = os.lstat(absolute(folder, path))
    except FileNotFoundError as error:
        raise Doubt(f"{shown(path)} is gone") from error
    except OSError as error:
        raise Doubt(f"{shown(path)} can't be looked at: {why(error)}") from error
    if stat.S_ISLNK(status.st_mode):
        raise Doubt(f"{shown(path)} is a link now")
    if not stat.S_ISREG(status.st_mode):
        raise Doubt(f"{shown(path)} is no regular file now")
    return Seen(
        device=status.st_dev,
        inode=status.st_ino,
        links=status.st_nlink,
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        mode=stat.S_IMODE(status.st_mode),
        owner=status.st_uid,
    )


def read(folder: str, path: str) -> Checked:
    """Read a file, and make sure that it did not change meanwhile.

    Raises:
        Doubt: it can't be read, or it changed.
    """
    before = look(folder, path)
    try:
        content = hash_of_file(absolute(folder, path))
    except Unusable as error:
        raise Doubt(f"{shown(path)} can't be read: {error.reason}") from error
    checked = Checked(path, before, content)
    still(folder, checked)
    return checked


def still(folder: str, checked: Checked) -> None:
    """Make sure, without reading it, that a file is the one that was checked.

    Raises:
        Doubt: it is gone or another one.
    """
    now, before = look(folder, checked.path), checked.seen
    if (now.identity, now.size, now.mtime_ns) != (before.identity, before.size, before.mtime_ns):
        raise Doubt(f"{shown(checked.path)} changed a moment ago")


def same_bytes(first: str, second: str) -> bool:
    """Compare two files byte by byte; absolute paths.

    Raises:
        OSError: one can't be read.
    """
    with open(first, "rb") as left, open(second, "rb") as right:
        while True:
            chunk = left.read(CHUNK_BYTES)
            if chunk != right.read(CHUNK_BYTES):
                return False
            if not chunk:
                return True


def check_group(folder: str, lines: Sequence[PlanLine]) -> tuple[Checked, tuple[Checked, ...]]:
    """Check all lines that have one witness: each file and the witness are what the plan saw.

    Returns:
        the witness, and the files in order of the lines.

    Raises:
        Doubt: any of them is not.
    """
    first = lines[0]
    witness = _as_planned(
        folder, first.witness, first.witness_size, first.witness_mtime_ns, first.witness_hash
    )
    owners = {witness.seen.identity: witness.path}
    files = []
    for line in lines:
        file = _as_planned(folder, line.path, line.size, line.mtime_ns, line.hash)
        other = owners.setdefault(file.seen.identity, file.path)
        if other != file.path:
            raise Doubt(_one_file(file.path, other))
        files.append(file)
    return witness, tuple(files)


def _as_planned(folder: str, path: str, size: int, mtime_ns: int, content: str) -> Checked:
    """Read a file and compare it with the plan, from the cheapest difference to the dearest."""
    seen = look(folder, path)
    if seen.size != size:
        raise Doubt(f"{shown(path)} has another size than in the plan")
    if seen.mtime_ns != mtime_ns:
        raise Doubt(f"{shown(path)} was changed since the plan was made")
    _check_name(folder, path)
    checked = read(folder, path)
    if checked.hash != content:
        raise Doubt(f"{shown(path)} has another content than in the plan")
    return checked


def _check_name(folder: str, path: str) -> None:
    """A disk that does not tell case apart opens another name too, and undo would bring back that one."""
    above, _, name = path.rpartition("/")
    other = f"{above}/{name.swapcase()}" if above else name.swapcase()
    # Listing a large folder for each of its files would take long; most disks do tell.
    if other == path or not os.path.lexists(absolute(folder, other)):
        return
    if name not in names_beside(folder, path):
        raise Doubt(f"{shown(path)} is written otherwise on the disk")


def names_beside(folder: str, path: str) -> list[str]:
    """All names in the folder of a file.

    Raises:
        Doubt: it can't be listed.
    """
    try:
        return os.listdir(os.path.dirname(absolute(folder, path)))
    except OSError as error:
        raise Doubt(f"the folder of {shown(path)} can't be listed: {why(error)}") from error


def why_one_file(folder: str, line: PlanLine) -> str | None:
    """Why a line and its witness are one file under two names; None where they are two.

    Raises:
        Doubt: one of them can't be looked at.
    """
    if look(folder, line.path).identity != look(folder, line.witness).identity:
        return None
    return _one_file(line.path, line.witness)


def _one_file(path: str, other: str) -> str:
    if path.casefold() == other.casefold():
        return f"{shown(path)} and {shown(other)} are one file, its name in another case"
    return f"{shown(path)} and {shown(other)} are one file (a hard link)"
