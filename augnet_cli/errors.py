"""What can go wrong that a user can mend.

Each error says what happened and to which file, and its hint is the next command or flag.
Only `cli` turns one into text; everything below raises.
A broken image is not an error but a `records.Skip`.
"""

from __future__ import annotations

# Of images only with --strict, or where none could be used; always where `apply` or `undo` left a file alone.
EXIT_SKIPPED = 3
EXIT_INTERRUPTED = 130  # as shells report SIGINT


class AugnetError(Exception):
    """A known problem, told to the user in two lines.

    Args:
        what: what is wrong and which file or folder, one line.
        hint: what to do next, a command or a flag.
    """

    exit_code = 1

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


class FolderError(AugnetError):
    """The folder is missing, not a folder, unreadable or holds no image."""


class UnusableFolderError(FolderError):
    """All images of the folder were skipped."""

    exit_code = EXIT_SKIPPED


class ImageError(AugnetError):
    """The one image that was asked for (a query, not a member of a folder) can't be used."""


class StoreError(AugnetError):
    """The store beside the photos is busy, broken, or from a newer version."""


class EncoderError(AugnetError):
    """A weights file is missing, is no encoder, or does not fit what was asked."""


class SearchError(AugnetError):
    """A search was asked for that can't be answered in bounds."""


class MissingExtraError(AugnetError):
    """A command needs an optional part of augnet that is not installed."""


class PlanError(AugnetError):
    """A plan can't be read, written, or carried out; no photo was touched."""


class DatasetError(AugnetError):
    """A data set is missing, not whole, or not laid out as its makers publish it."""


class TrainingError(AugnetError):
    """Training can't start or had to stop; nothing was overwritten."""


class UsageError(AugnetError):
    """The words of a command contradict each other or name what does not exist."""

    exit_code = 2


class Interrupted(KeyboardInterrupt):
    """The user stopped a long command; says what is saved and how to go on.

    Not an `AugnetError`: whoever catches errors must not catch the wish to stop.
    """

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
