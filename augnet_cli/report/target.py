"""The file that a picture or a page is written to: refused before the work, written whole or not at all.

A file that is there already is replaced only if an earlier run wrote it, which its mark tells:
a photo's name typed by mistake must not cost the photo.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from augnet_cli.errors import FolderError, UsageError
from augnet_cli.images.files import STORE_FOLDER
from augnet_cli.images.names import shown
from augnet_cli.whole import whole_file

HEAD_BYTES = 4096  # of a file; most kinds written here have their mark near the start
TAIL_BYTES = 1 << 16  # of a file that has its mark near the end


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of file that one option writes: its endings, and the mark that all such files carry.

    `at_end`: whether the mark is near the end of the file.
    """

    option: str
    suffixes: tuple[str, ...]
    mark: str
    at_end: bool = False

    @property
    def example(self) -> str:
        return f"{self.option} FILE{self.suffixes[0]}"

    def refusal(self, file: str, why: str) -> FolderError:
        """The two lines of every refusal."""
        return FolderError(
            f"{shown(file)} can't be written: {why}", f"name a file in a folder you can write: {self.example}"
        )


def check_target(file: str, target: Target) -> None:
    """Refuse before the work what can't be written after it.

    Raises:
        UsageError: another suffix than the target's.
        FolderError: the file can't be written there, is inside a store, or is not an earlier one of its kind.
    """
    if not file.lower().endswith(target.suffixes):
        endings = " nor ".join(target.suffixes)
        said = f"neither {endings}" if len(target.suffixes) > 1 else f"something else than {endings}"
        raise UsageError(f"{shown(file)} ends in {said}", target.example)
    if os.path.isdir(file):
        raise target.refusal(file, "it is a folder")
    folder = os.path.dirname(file) or "."
    if not os.path.isdir(folder):
        raise target.refusal(file, "its folder does not exist")
    if STORE_FOLDER in os.path.realpath(folder).split(os.sep):
        raise target.refusal(file, f"{STORE_FOLDER} is augnet's own folder")
    if os.path.lexists(file) and not _is_ours(file, target):
        raise target.refusal(file, "there is another file of that name")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise target.refusal(file, "permission denied")


@contextmanager
def written_whole(file: str, target: Target) -> Iterator[BinaryIO]:
    """A stream whose bytes become `file` at the end, and nothing if the work inside fails.

    Raises:
        FolderError: as `check_target`, or what the disk says.
    """
    check_target(file, target)
    try:
        with whole_file(file) as stream:
            yield stream
    except OSError as error:
        raise target.refusal(file, _why(error)) from error


def _why(error: OSError) -> str:
    return (error.strerror or "unknown reason").lower()


def _is_ours(file: str, target: Target) -> bool:
    if not os.path.isfile(file):  # a pipe would wait for ever
        return False
    try:
        with open(file, "rb") as stream:
            if target.at_end:
                stream.seek(-min(TAIL_BYTES, os.fstat(stream.fileno()).st_size), os.SEEK_END)
            return target.mark.encode() in stream.read(TAIL_BYTES if target.at_end else HEAD_BYTES)
    except OSError:
        return False
