"""Bringing files back from the journal, newest first.

Where another file stands at the old place by now, nothing is overwritten and nothing gets a made-up name
beside it: the file stays in quarantine, with the reason. A second name would be a new image to every other
program, its sidecars would not be found by it, and it could not be taken back in its turn; once the newer
file is moved away the same `undo` finishes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from augnet_cli.acting import disk
from augnet_cli.acting.checks import Doubt, why
from augnet_cli.acting.journal import (
    GONE,
    QUARANTINE,
    UNDOING,
    UNDONE,
    Journal,
    JournalLost,
    Step,
    read_journal,
)
from augnet_cli.acting.outcome import NotRestored, UndoResult
from augnet_cli.acting.restore import Deleted, put_back
from augnet_cli.acting.stopping import stopping_between_files
from augnet_cli.errors import Interrupted, StoreError, UsageError
from augnet_cli.images.names import pasted
from augnet_cli.progress import SILENT, Progress
from augnet_cli.store.place import Place

LAST, ALL = "last", "all"


def undo(place: Place, which: str = LAST, typed_folder: str = "", progress: Progress = SILENT) -> UndoResult:
    """Take back the newest run that has anything left to take back, all of them, or one by its name.

    The caller holds the lock of the store. May be repeated after a crash at any point.

    Raises:
        UsageError: there is no run of that name.
        StoreError: the journal can't be read or written.
        Interrupted: the user stopped it between two files.
    """
    history = read_journal(place)
    runs = _chosen(history.steps, which, typed_folder)
    steps = [step for run in runs for step in reversed(history.active()) if step.run == run]
    restored: list[str] = []
    failed: list[NotRestored] = []
    if steps:
        _take_back(place, steps, restored, failed, typed_folder, progress)
    # What a run that was cut off left of its folders.
    disk.remove_empty_tree(os.path.join(place.data, QUARANTINE))
    return UndoResult(
        folder=place.folder,
        typed_folder=typed_folder,
        runs=tuple(runs),
        restored=tuple(restored),
        failed=tuple(failed),
        damaged=history.damaged,
    )


def _chosen(steps: Sequence[Step], which: str, typed_folder: str) -> list[str]:
    """Names of runs that have something to take back, newest first."""
    known = list(dict.fromkeys(step.run for step in reversed(steps)))
    active = {step.run for step in steps if step.state not in (UNDONE, GONE)}
    waiting = [run for run in known if run in active]
    if which == ALL:
        return waiting
    if which == LAST:
        return waiting[:1]
    if which not in known:
        raise UsageError(
            f"the journal has no run {which}", f"augnet undo {pasted(typed_folder)} takes back the last one"
        )
    return [which] if which in active else []


def _take_back(
    place: Place,
    steps: Sequence[Step],
    restored: list[str],
    failed: list[NotRestored],
    typed_folder: str,
    progress: Progress,
) -> None:
    journal = _Undoing(place)
    progress.start("undo", len(steps))
    try:
        with stopping_between_files() as stop:
            for step in steps:
                if stop:
                    raise Interrupted(
                        f"interrupted; {len(restored)} of {len(steps)} files are back",
                        f"augnet undo {pasted(typed_folder)} goes on",
                    )
                _one(place, journal, step, restored, failed)
                progress.advance()
    finally:
        progress.finish()
        journal.close()
    if journal.lost is not None:
        raise StoreError(
            f"{len(restored)} of {len(steps)} files are back, but {journal.lost}",
            f"make room on that disk; augnet undo {pasted(typed_folder)} then says so in the journal",
        )


class _Undoing(Journal):
    """A journal that may be lost: a full disk has no room for a line, and yet room to bring a file back."""

    lost: JournalLost | None = None

    def say(self, step: Step, state: str, to: str | None = None) -> None:
        try:
            super().say(step, state, to)
        except JournalLost as error:
            # The files themselves tell how far it came.
            self.lost = error


def _one(place: Place, journal: Journal, step: Step, restored: list[str], failed: list[NotRestored]) -> None:
    journal.say(step, UNDOING)
    try:
        put_back(place, step)
    except Deleted as doubt:
        failed.append(NotRestored(step.path, step.run, doubt.reason, final=True))
        # Said once: the next `undo --last` takes the run before.
        journal.say(step, GONE)
    except Doubt as doubt:
        failed.append(NotRestored(step.path, step.run, doubt.reason))
    except OSError as error:
        failed.append(NotRestored(step.path, step.run, why(error)))
    else:
        restored.append(step.path)
        journal.say(step, UNDONE)
