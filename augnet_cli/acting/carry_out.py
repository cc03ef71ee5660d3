"""Doing one step: journal, a last look, the change, journal. `restore` takes back what is done here."""

from __future__ import annotations

import errno
import os
from dataclasses import replace

from augnet_cli.acting import disk
from augnet_cli.acting.checks import Checked, Doubt, absolute, look, read, same_bytes, still
from augnet_cli.acting.journal import DONE, QUARANTINE, Journal, Step
from augnet_cli.acting.outcome import LINKING, Acted, Action
from augnet_cli.acting.restore import link_text, temporary_name
from augnet_cli.acting.trash import find_in_trash, throw_away
from augnet_cli.images.names import shown
from augnet_cli.store.place import Place

# Extended attributes that a person or a program gave a file; others the system makes anew.
KEPT_ATTRIBUTES = ("user.", "system.posix_acl_access")


class Run:
    """One carrying-out of a plan: where, how, the steps so far, and what came of each (None: not done)."""

    def __init__(self, place: Place, name: str, action: Action, journal: Journal) -> None:
        self.place, self.name, self.action, self.journal = place, name, action, journal
        self.steps: list[Step] = []
        self.acted: list[Acted | None] = []
        self.freed = 0
        self.plan = ""

    def intend(self, file: Checked, witness: Checked, sidecar_of: str | None) -> Step:
        """Write down what is about to be done."""
        stays = self.action in (Action.trash, Action.delete)
        step = Step(
            run=self.name,
            number=len(self.steps) + 1,
            action=self.action,
            path=file.path,
            to=None if stays else f"{QUARANTINE}/{self.name}/{file.path}",
            size=file.seen.size,
            hash=file.hash,
            mtime_ns=file.seen.mtime_ns,
            mode=file.seen.mode,
            witness=witness.path,
            witness_hash=witness.hash,
            sidecar_of=sidecar_of,
        )
        self.journal.intend(step)
        self.steps.append(step)
        self.acted.append(None)
        return step

    def done(self, step: Step, to: str | None) -> None:
        """Write down that it was done, and where the bytes are now."""
        self.steps[step.number - 1] = replace(step, to=to or step.to, state=DONE)
        self.acted[step.number - 1] = Acted(step.path, step.size, step.witness, to, step.sidecar_of)
        self.journal.say(step, DONE, to)


def carry_out(run: Run, file: Checked, witness: Checked, sidecar_of: str | None = None) -> None:
    """Do to one file what the run does; the witness is looked at again right before.

    Raises:
        Doubt, OSError: it was not done, or not wholly; `restore.put_back` makes it as it was.
        JournalLost: as these, and nothing more may be done.
    """
    step = run.intend(file, witness, sidecar_of)
    folder = run.place.folder
    still(folder, witness)
    still(folder, file)
    if run.action is Action.quarantine:
        _quarantine(run, step, file, witness)
    elif run.action is Action.trash:
        _trash(run, step, witness)
    elif run.action in LINKING:
        _link(run, step, file, witness)
    else:
        _delete(run, step, file, witness)


def _stands(run: Run, witness: Checked) -> None:
    """Make sure that the witness is there once the file is not: on two mounts of one disk both have numbers
    of their own, and are one file all the same.

    Raises:
        Doubt: it went with the file, or changed.
    """
    try:
        still(run.place.folder, witness)
    except Doubt as doubt:
        raise Doubt(f"{doubt.reason} once the image is taken away: is it the same file?") from doubt


def _quarantine(run: Run, step: Step, file: Checked, witness: Checked) -> None:
    here, kept = absolute(run.place.folder, file.path), _room_in_quarantine(run, step)
    temporary = temporary_name(os.path.dirname(kept), step)
    try:
        if disk.move(here, kept, temporary, file.hash):
            _check_arrived(run.place.data, step.to, file)
        _stands(run, witness)
    except Doubt:
        # Somebody put another file there between the look and the move: theirs; or the witness went with it.
        disk.move(kept, here, temporary_name(os.path.dirname(here), step), file.hash)
        raise
    run.done(step, step.to)


def _trash(run: Run, step: Step, witness: Checked) -> None:
    here = absolute(run.place.folder, step.path)
    throw_away(here)
    if os.path.lexists(here):
        raise Doubt(f"{shown(step.path)} did not go to the trash")
    _stands(run, witness)
    run.done(step, find_in_trash(here, step.hash))


def _delete(run: Run, step: Step, file: Checked, witness: Checked) -> None:
    """Both files are read once more, whole: this is the one change that can't be taken back.

    The file steps aside before it goes, and the witness must still be there.
    """
    folder = run.place.folder
    for before in (witness, file):
        if read(folder, before.path).hash != before.hash:
            raise Doubt(f"{shown(before.path)} changed a moment ago")
    here = absolute(folder, file.path)
    if file.hash == witness.hash and not same_bytes(here, absolute(folder, witness.path)):
        raise Doubt(f"{shown(file.path)} and {shown(witness.path)} differ though their hashes agree")
    aside = temporary_name(os.path.dirname(here), step)
    disk.move(here, aside, aside, file.hash)
    above = file.path.rpartition("/")[0]
    _check_arrived(folder, f"{above}/{os.path.basename(aside)}" if above else os.path.basename(aside), file)
    _stands(run, witness)
    disk.remove(aside)
    run.freed += _freed(file)
    run.done(step, None)


def _link(run: Run, step: Step, file: Checked, witness: Checked) -> None:
    """Give the original a second name in quarantine, and put a link in its place.

    Where the witness has the very same bytes the second name ends. At no moment is there no file at the path.
    """
    folder = run.place.folder
    here, kept = absolute(folder, file.path), _room_in_quarantine(run, step)
    original = absolute(folder, witness.path)
    if _keep(here, kept, temporary_name(os.path.dirname(kept), step), file.hash):
        _check_arrived(run.place.data, step.to, file)
    temporary = temporary_name(os.path.dirname(here), step)
    if run.action is Action.hardlink:
        disk.second_name(original, temporary)
        if look(folder, witness.path).identity != (os.lstat(temporary).st_dev, os.lstat(temporary).st_ino):
            raise Doubt(f"{shown(witness.path)} changed a moment ago")
    else:
        disk.symbolic_link(link_text(step), temporary)
    still(folder, file)
    disk.replace(temporary, here, temporary, witness.hash)
    _stands(run, witness)
    to = step.to
    if file.hash == witness.hash and _is_only_bytes(kept, file) and same_bytes(kept, original):
        disk.remove(kept)
        disk.remove_empty_folders(os.path.dirname(kept), run.place.data)
        run.freed += _freed(file)
        to = None
    run.done(step, to)


def _keep(here: str, kept: str, temporary: str, content: str) -> bool:
    """A second name for the original, or (False) a copy, where the disks are two or know no links."""
    try:
        disk.second_name(here, kept)
        return True
    except OSError as error:
        if error.errno != errno.EXDEV and error.errno not in disk.NO_HARD_LINKS:
            raise
        disk.copy(here, temporary, content)
        disk.move(temporary, kept, temporary, content)
        return False


def _room_in_quarantine(run: Run, step: Step) -> str:
    """The path a step's file gets in quarantine, in a folder that this run alone made."""
    data = run.place.data
    assert step.to is not None
    disk.make_folders(data, QUARANTINE)
    own = os.path.join(data, QUARANTINE, run.name)
    # Made with the first step, and again after the last file of it was taken back.
    if not os.path.isdir(own):
        disk.make_own_folder(own)
    disk.make_folders(data, os.path.dirname(step.to))
    return absolute(data, step.to)


def _check_arrived(folder: str, path: str | None, file: Checked) -> None:
    """Make sure that what has another name now, in quarantine or aside, is what was checked."""
    assert path is not None
    now, before = look(folder, path), file.seen
    if (now.identity, now.size, now.mtime_ns) != (before.identity, before.size, before.mtime_ns):
        raise Doubt(f"{shown(file.path)} changed a moment ago")


def _is_only_bytes(path: str, file: Checked) -> bool:
    """Whether a file is bytes, time and permissions alone, so that a copy of them is the file again."""
    if file.seen.links > 1 or (hasattr(os, "geteuid") and file.seen.owner != os.geteuid()):
        return False
    if not hasattr(os, "listxattr"):
        return True
    try:
        return not any(name.startswith(KEPT_ATTRIBUTES) for name in os.listxattr(path))
    except OSError:
        # A disk that knows none.
        return True


def _freed(file: Checked) -> int:
    """Bytes that the end of this name gives back: none where the file has another one."""
    return file.seen.size if file.seen.links == 1 else 0
