"""`undo`: bring back what `apply` moved, linked or threw away."""

from __future__ import annotations

import os

from augnet_cli.acting.journal import JOURNAL_FILE, journal_file, moved_from
from augnet_cli.acting.outcome import UndoResult
from augnet_cli.acting.undo import LAST
from augnet_cli.acting.undo import undo as take_back
from augnet_cli.errors import StoreError
from augnet_cli.images.names import pasted, shown
from augnet_cli.progress import SILENT, Progress
from augnet_cli.store.lock import writing
from augnet_cli.store.place import acting_place, checked_folder


def undo(folder: str, which: str = LAST, progress: Progress = SILENT) -> UndoResult:
    """Bring files back, byte for byte, with their times and permissions.

    Args:
        which: `last` for the newest run that has anything left, `all`, or the name of a run.

    Raises:
        FolderError: there is no such folder.
        UsageError: there is no run of that name.
        StoreError: another augnet is writing, the journal can't be read or written, or it seems to lie where
            the folder was before.
        Interrupted: the user stopped it between two files.
    """
    place = acting_place(folder, JOURNAL_FILE, create=False)
    if place is None or not os.path.lexists(journal_file(place)):
        _check_not_moved(folder)
    if place is None:
        # Nothing was ever done here, and a store is not made for saying so.
        return UndoResult(checked_folder(folder), folder, (), (), ())
    place = acting_place(folder, JOURNAL_FILE, create=True)
    assert place is not None
    with writing(place):
        return take_back(place, which, folder, progress)


def _check_not_moved(folder: str) -> None:
    """Refuse to say that nothing was done where one of this name was acted on that is not there any more.

    Raises:
        StoreError: that is so.
    """
    before = moved_from(checked_folder(folder))
    if before is not None:
        path, data = before
        raise StoreError(
            f"{shown(folder)} has no journal; that of {shown(path)}, which is gone, is in {shown(data)}",
            f"if this is that folder, move it back there; then augnet undo {pasted(path)}",
        )
