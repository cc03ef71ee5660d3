"""Bringing files back from the journal, newest first.

Where another file stands at the old place by now, nothing is overwritten and nothing gets a made-up name
beside it: the file stays in quarantine, with the reason. A second name would be a new image to every other
program, its sidecars would not be found by it, and it could not be taken back in its turn; once the newer
file is moved away the same `undo` finishes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence, Set

from augnet_cli.acting import disk
from augnet_cli.acting.checks import Doubt, why
from augnet_cli.acting.journal import (
    GONE,
    QUARANTINE,
    SETTLED,
    UNDOING,
    UNDONE,
    Journal,
    JournalLost,
    Step,
    read_journal,
)
from augnet_cli.acting.outcome import Action, NotRestored, UndoResult
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
    named = which not in (LAST, ALL)
    steps = [
        step
        for run in runs
        for step in reversed(history.steps)
        if step.run == run and (step.state not in SETTLED or (named and _may_be_back(step)))
    ]
    thrown_away = {run for run in runs if _has_no_quarantine(place, run)}
    restored: list[str] = []
    failed: list[NotRestored] = []
    lost = None
    if steps:
        lost = _take_back(place, steps, thrown_away, restored, failed, typed_folder, progress)
    # What a run that was cut off left of its folders.
    disk.remove_empty_tree(os.path.join(place.data, QUARANTINE))
    if lost is not None:
        raise StoreError(
            f"{len(restored)} of {len(steps)} files are back, but {lost}",
            f"make room on that disk; augnet undo {pasted(typed_folder)} then says so in the journal",
        )
    return UndoResult(
        folder=place.folder,
        typed_folder=typed_folder,
        runs=tuple(runs),
        restored=tuple(restored),
        failed=tuple(failed),
        damaged=history.damaged,
    )


def _may_be_back(step: Step) -> bool:
    """Whether what was found to be gone may have come back: a folder that was moved out of the way."""
    return step.state == GONE and step.action is not Action.delete


def _has_no_quarantine(place: Place, run: str) -> bool:
    """Whether the folder of a run was thrown away: certain only where its parent can be looked into."""
    above = os.path.join(place.data, QUARANTINE)
    try:
        if os.path.islink(above):  # a disk that is not there may be behind it
            return False
        os.lstat(os.path.join(above, run))
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def _chosen(steps: Sequence[Step], which: str, typed_folder: str) -> list[str]:
    """Names of runs that have something to take back, newest first."""
    known = list(dict.fromkeys(step.run for step in reversed(steps)))
    active = {step.run for step in steps if step.state not in SETTLED}
    waiting = [run for run in known if run in active]
    if which == ALL:
        return waiting
    if which == LAST:
        return waiting[:1]
    if which not in known:
        raise UsageError(
            f"the journal has no run {which}", f"augnet undo {pasted(typed_folder)} takes back the last one"
        )
    may_be_back = any(step.run == which and _may_be_back(step) for step in steps)
    return [which] if which in active or may_be_back else []


def _take_back(
    place: Place,
    steps: Sequence[Step],
    thrown_away: Set[str],
    restored: list[str],
    failed: list[NotRestored],
    typed_folder: str,
    progress: Progress,
) -> JournalLost | None:
    """Take steps back; gives why the journal could not be written, if so."""
    journal = _LosableJournal(place)
    progress.start("undo", len(steps))
    try:
        with stopping_between_files() as stop:
            for step in steps:
                if stop:
                    raise Interrupted(
                        f"interrupted; {len(restored)} of {len(steps)} files are back",
                        f"augnet undo {pasted(typed_folder)} goes on",
                    )
                _one(place, journal, step, step.run in thrown_away, restored, failed)
                progress.advance()
    finally:
        progress.finish()
        journal.close()
    return journal.lost


class _LosableJournal(Journal):
    """A journal that may be lost: a full disk has no room for a line, and yet room to bring a file back."""

    lost: JournalLost | None = None

    def say(self, step: Step, state: str, to: str | None = None) -> None:
        try:
            super().say(step, state, to)
        except JournalLost as error:
            # The files themselves tell how far it came.
            self.lost = error


def _one(
    place: Place,
    journal: Journal,
    step: Step,
    is_thrown_away: bool,
    restored: list[str],
    failed: list[NotRestored],
) -> None:
    journal.say(step, UNDOING)
    try:
        put_back(place, step)
    except Deleted as doubt:
        failed.append(NotRestored(step.path, step.run, doubt.reason, final=True))
        # Said once: the next `undo --last` takes the run before.
        journal.say(step, GONE)
    except Doubt as doubt:
        final = is_thrown_away and step.action is Action.quarantine
        reason = f"{doubt.reason}, whose folder of this run is gone" if final else doubt.reason
        failed.append(NotRestored(step.path, step.run, reason, final=final))
        if final:
            journal.say(step, GONE)
    except OSError as error:
        failed.append(NotRestored(step.path, step.run, why(error)))
    else:
        restored.append(step.path)
        journal.say(step, UNDONE)
