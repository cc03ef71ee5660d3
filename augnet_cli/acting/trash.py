"""The trash of the desktop: put a file there, and on a freedesktop.org system find it again.

Such a trash is a folder with `files/NAME` and `info/NAME.trashinfo`, which says where the file was
(the Trash specification, https://specifications.freedesktop.org/trash-spec/). On macOS and Windows only the
desktop itself can bring a file back.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from augnet_cli.acting import disk
from augnet_cli.errors import MissingExtraError
from augnet_cli.images.files import hash_of_file
from augnet_cli.images.unusable import Unusable

INFO_SUFFIX = ".trashinfo"
FREEDESKTOP = sys.platform not in ("win32", "darwin")


@dataclass(frozen=True, slots=True)
class Trash:
    """A folder of trash; relative paths in it are relative to `top`."""

    folder: str
    top: str


def check_trash() -> None:
    """Make sure before the work that there is a library for it.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import send2trash  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "the library Send2Trash is not installed", "pip install send2trash, or --action quarantine"
        ) from error


def throw_away(path: str) -> None:
    """Move a file to the trash.

    Raises:
        OSError: it can't be done.
    """
    from send2trash import send2trash

    send2trash(path)


def find_in_trash(path: str, content: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """Where in the trash the file is that was at `path` (absolute) with this content; the newest, or None."""
    if not FREEDESKTOP:
        return None
    wanted = {os.fsencode(path), os.fsencode(os.path.realpath(path))}
    # The name there begins like the file's own; looked for first, as each entry is a file to be read.
    for start in (os.path.splitext(os.path.basename(path))[0], ""):
        found = []
        for trash in _trashes(path, environ):
            for name, origin, when in _entries(trash, start):
                file = os.path.join(trash.folder, "files", name)
                if origin in wanted and _holds(file, content):
                    found.append((when, file))
        if found:
            return max(found)[1]
    return None


def forget_entry(file: str) -> None:
    """Remove what the trash says of a file that has left it; it does no harm where that fails."""
    files, name = os.path.split(file)
    with suppress(OSError):
        disk.remove(os.path.join(os.path.dirname(files), "info", name + INFO_SUFFIX))


def _trashes(path: str, environ: Mapping[str, str]) -> Iterator[Trash]:
    """Every trash a file at `path` may have gone to: that of the home, and those at the top of its disk."""
    data = environ.get("XDG_DATA_HOME") or os.path.join(
        environ.get("HOME") or os.path.expanduser("~"), ".local", "share"
    )
    yield Trash(os.path.join(data, "Trash"), data)
    top = os.path.realpath(os.path.dirname(path))
    while not os.path.ismount(top):
        top = os.path.dirname(top)
    user = str(os.getuid())
    yield Trash(os.path.join(top, ".Trash", user), top)
    yield Trash(os.path.join(top, f".Trash-{user}"), top)


def _entries(trash: Trash, start: str) -> Iterator[tuple[str, bytes, str]]:
    """Name, original absolute path and time of each file in a trash whose name there begins with `start`.

    What can't be read is no entry.
    """
    info = os.path.join(trash.folder, "info")
    try:
        names = sorted(os.listdir(info))
    except OSError:
        return
    for name in names:
        if not (name.startswith(start) and name.endswith(INFO_SUFFIX)):
            continue
        try:
            with open(os.path.join(info, name), "rb") as file:
                lines = file.read().splitlines()
        except OSError:
            continue
        told = dict(line.split(b"=", 1) for line in lines if b"=" in line)
        origin = unquote_to_bytes(told.get(b"Path", b""))
        if origin:
            when = told.get(b"DeletionDate", b"").decode("ascii", "replace")
            yield name.removesuffix(INFO_SUFFIX), os.path.join(os.fsencode(trash.top), origin), when


def _holds(file: str, content: str) -> bool:
    try:
        return hash_of_file(file) == content
    except Unusable:
        return False
