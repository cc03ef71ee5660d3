"""A folder with a folder for each cluster, of links to the images or copies of them; no image is ever moved.

It is built under another name beside its own and then renamed: until it is whole, the earlier one stands.
The earlier one goes only if it holds nothing but what an earlier run put there. `into_swap.py` sees to both.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from augnet_cli.acting import disk
from augnet_cli.acting.checks import Doubt, absolute, look, read, still, why
from augnet_cli.acting.into_names import places
from augnet_cli.acting.into_swap import building, check_earlier, names_of, refusal, take_up
from augnet_cli.acting.own_tree import COPY, HARDLINK, MARKER, SYMLINK, Entry, note
from augnet_cli.errors import FolderError, UsageError
from augnet_cli.images.files import STORE_FOLDER, is_excluded
from augnet_cli.images.names import shown
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Skip
from augnet_cli.results import ClusterResult

LINKS = (SYMLINK, HARDLINK, COPY)
# A copy is refused before it begins where the disk would be this full or fuller: others want to write too.
ROOM_LEFT_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class MadeFolder:
    """What `write_into` made: `folders` in `folder`, with so many `files` in all.

    `left_out` are images that could not be used; `left` is where an earlier folder still lies, in which
    somebody put something at the last moment.
    """

    folder: str
    folders: int
    files: int
    left_out: tuple[Skip, ...] = ()
    left: str | None = None


def check_into(into: str, folder: str, link: str = SYMLINK, exclude: Sequence[str] = ()) -> None:
    """Refuse before the work what can't be made after it, and see to what a killed run left there.

    Args:
        into: the folder to be made, as the user typed it.
        folder: that of the images.
        link: one of LINKS.
        exclude: globs that the walk of `folder` leaves out; only they make room for `into` inside of it.

    Raises:
        UsageError: no such link.
        FolderError: it is there and not ours alone, it would be among the images, or it can't be made there.
    """
    if link not in LINKS:
        raise UsageError(f"there is no link {shown(link)}", f"--link {', '.join(LINKS[:-1])} or {LINKS[-1]}")
    names = names_of(into)
    above = os.path.dirname(names.made)
    images = os.path.realpath(folder)
    if not os.path.isdir(above):
        raise refusal(into, "the folder above it does not exist")
    if STORE_FOLDER in names.made.split(os.sep):
        raise refusal(into, f"{STORE_FOLDER} is augnet's own folder")
    if _is_within(images, names.made):
        raise refusal(into, "it holds the images, or is their folder")
    if _is_within(names.made, images):
        inside = os.path.relpath(names.made, images).replace(os.sep, "/")
        if not is_excluded(f"{inside}/{MARKER}", exclude):
            why_not = "in the folder of the images it would be taken for more of them"
            raise refusal(into, why_not, f"name a folder outside of it, or add --exclude {inside}")
    if not os.access(above, os.W_OK | os.X_OK):
        raise refusal(into, "permission denied")
    take_up(into, names)
    if os.path.lexists(names.made):
        check_earlier(into, names.made)
    if link == HARDLINK and os.path.isdir(images) and os.stat(images).st_dev != os.stat(above).st_dev:
        raise _other_disk(into)


def write_into(
    result: ClusterResult,
    into: str,
    link: str = SYMLINK,
    children: bool = False,
    exclude: Sequence[str] = (),
    progress: Progress = SILENT,
) -> MadeFolder:
    """Make the folder, in place of an earlier one; whole, or all is as it was.

    Args:
        children: whether sub-clusters get folders in that of their cluster.

    Raises:
        UsageError, FolderError: as `check_into`, or what the disk says; hard links can't be made.
        KeyboardInterrupt: stopped; all is as it was.
    """
    check_into(into, result.folder, link, exclude)
    names, folder = names_of(into), os.path.realpath(result.folder)
    wanted = list(places(result, children))
    if link == COPY:
        _check_room(into, folder, (path for _, path in wanted))
    left_out: list[Skip] = []
    folders: set[str] = set()
    progress.start("making folders", len(wanted))
    try:
        with building(into, names) as marker:
            for place, path in wanted:
                try:
                    _make(names.new, marker, place, folder, path, link)
                    folders.add(os.path.dirname(place))
                    progress.advance()
                except Doubt as doubt:
                    left_out.append(Skip(path, doubt.reason))
                    progress.advance(skipped=1)
    except OSError as error:
        if link == HARDLINK and error.errno == errno.EXDEV:
            raise _other_disk(into) from error
        if link == HARDLINK and error.errno in disk.NO_HARD_LINKS:
            raise refusal(into, "no hard links can be made there", "--link copy, or symlink") from error
        raise refusal(into, why(error)) from error
    finally:
        progress.finish()
    left = names.old if os.path.lexists(names.old) else None
    return MadeFolder(into, len(folders), len(wanted) - len(left_out), tuple(left_out), left)


def _is_within(inner: str, outer: str) -> bool:
    try:
        return os.path.commonpath((inner, outer)) == outer
    except ValueError:  # on Windows, of two disks
        return False


def _other_disk(into: str) -> FolderError:
    return refusal(into, "it is on another disk than the images, where no hard link leads", "--link copy")


def _check_room(into: str, folder: str, paths: Iterable[str]) -> None:
    """Refuse copies that the disk has no room for."""
    wanted = 0
    for path in paths:
        with suppress(Doubt):  # told when its turn comes
            wanted += look(folder, path).size
    if wanted + ROOM_LEFT_BYTES > shutil.disk_usage(os.path.dirname(os.path.abspath(into))).free:
        raise refusal(into, "its disk has no room for the copies", "--link symlink, or another disk")


def _make(new: str, marker: BinaryIO, place: str, folder: str, path: str, link: str) -> None:
    """Make one link or copy, of a file that is looked at again; it is written down before.

    Raises:
        Doubt: the image is gone, no regular file now, or changed meanwhile.
        OSError: it can't be made.
    """
    source, target = absolute(folder, path), absolute(new, place)
    above = os.path.dirname(target)
    if link == COPY:
        checked = read(folder, path)
        note(marker, Entry(place, link, source, checked.seen.size, checked.seen.mtime_ns))
        os.makedirs(above, exist_ok=True)
        try:
            disk.copy(source, target, checked.hash)
        except OSError:
            still(folder, checked)
            raise
        return
    seen = look(folder, path)
    origin = _relative(source, above) if link == SYMLINK else source
    note(marker, Entry(place, link, origin))
    os.makedirs(above, exist_ok=True)
    if link == SYMLINK:
        disk.symbolic_link(origin, target, flush=False)
        return
    try:
        disk.second_name(source, target, flush=False)
    except FileNotFoundError:
        look(folder, path)
        raise
    status = os.lstat(target)
    if (status.st_dev, status.st_ino) != seen.identity:
        os.unlink(target)
        raise Doubt(f"{shown(path)} changed a moment ago")


def _relative(source: str, folder: str) -> str:
    """What a link in `folder` says; folders beside each other say the same, so it holds after the rename."""
    try:
        return os.path.relpath(source, folder)
    except ValueError:  # on Windows, of two disks
        return source
