"""Taking back one step: the file as it was, byte for byte, with its time of change and permissions.

The files themselves tell how far the step, or an earlier try to take it back, came; so any of the functions
here may be repeated after a crash at any point, and one that finds all as it was does nothing.
A name ends here only after the same bytes were seen to stand, by inode or by content, where they belong.
"""

from __future__ import annotations

import os
import stat

from augnet_cli.acting import disk
from augnet_cli.acting.checks import Doubt, absolute, check_way, same_bytes
from augnet_cli.acting.journal import Step
from augnet_cli.acting.outcome import LINKING, Action
from augnet_cli.acting.trash import find_in_trash, forget_entry
from augnet_cli.images.files import hash_of_file
from augnet_cli.images.names import shown
from augnet_cli.images.unusable import Unusable
from augnet_cli.store.place import Place


class Deleted(Doubt):
    """The file is gone for good: no later try can bring it back."""


def put_back(place: Place, step: Step) -> None:
    """Take a step back.

    Raises:
        Doubt: it can't be done, as things stand; nothing was overwritten.
        OSError: the system did not let it.
    """
    here = absolute(place.folder, step.path)
    if step.action is Action.delete:
        _from_aside(place, step, here)
        return
    _tidy(os.path.dirname(here), step)
    if step.action is Action.trash:
        _from_trash(place, step, here)
    elif step.action in LINKING:
        _from_link(place, step, here)
    else:
        _from_quarantine(place, step, here)
    if step.to is not None and step.action is not Action.trash:
        disk.remove_empty_folders(os.path.dirname(absolute(place.data, step.to)), place.data)


def temporary_name(folder: str, step: Step) -> str:
    """A name in a folder that no other step and no person uses."""
    return os.path.join(folder, f".augnet-{step.run}-{step.number}.tmp")


def link_text(step: Step) -> str:
    """What the symbolic link at a step's path says: a way to the witness that bears a move of the folder.

    To a witness outside of the folder the way is the absolute path.
    """
    if os.path.isabs(step.witness):
        return step.witness
    above = os.path.dirname(step.path)
    return os.path.relpath(step.witness, above) if above else step.witness


def _tidy(folder: str, step: Step) -> None:
    path = temporary_name(folder, step)
    if os.path.lexists(path):
        disk.remove(path)


def _from_aside(place: Place, step: Step, here: str) -> None:
    """A file that was to be deleted had stepped aside when the deletion was cut off."""
    aside = temporary_name(os.path.dirname(here), step)
    if os.path.lexists(aside):
        _move_back(place, step, aside, here)
    elif not _holds(here, step.hash):
        raise Deleted("it was deleted, which can't be undone")


def _from_quarantine(place: Place, step: Step, here: str) -> None:
    kept = _kept(place, step)
    if kept is None:
        if not _holds(here, step.hash):
            raise Doubt("it is neither at its place nor in quarantine")
        return
    _move_back(place, step, kept, here)


def _from_trash(place: Place, step: Step, here: str) -> None:
    known = step.to is not None and _holds(step.to, step.hash)
    kept = step.to if known else find_in_trash(here, step.hash)
    if kept is None:
        if _holds(here, step.hash):
            return
        raise Doubt("it is not in the trash, or in one that only the desktop can take it from")
    _move_back(place, step, kept, here)
    forget_entry(kept)


def _from_link(place: Place, step: Step, here: str) -> None:
    """A link stands where the file was: its bytes are in quarantine, or the witness has them."""
    kept = _kept(place, step)
    if kept is not None:
        if os.path.lexists(here) and not _same_file(kept, here) and _is_our_link(place, step, here):
            disk.replace(kept, here, temporary_name(os.path.dirname(here), step), step.hash)
        else:
            _move_back(place, step, kept, here)
        return
    if _is_as_it_was(here, step) and not _same_file(here, absolute(place.folder, step.witness)):
        return
    source = _source(place, step, here)
    _make_way(place, step)
    temporary = temporary_name(os.path.dirname(here), step)
    disk.copy(source, temporary, step.hash)
    disk.set_facts(temporary, step.mode, step.mtime_ns)
    if os.path.lexists(here):
        disk.replace(temporary, here, temporary, step.hash)
    else:
        disk.move(temporary, here, temporary, step.hash)


def _source(place: Place, step: Step, here: str) -> str:
    """Where the bytes are that a link, or a missing link, stands for."""
    witness = absolute(place.folder, step.witness)
    if _holds(here, step.hash):
        return here  # a hard link has the bytes even where the witness is gone
    if os.path.lexists(here) and not _is_our_link(place, step, here):
        raise Doubt("another file stands at its place")
    if not _holds(witness, step.hash):
        raise Doubt(f"its bytes were those of {shown(step.witness)}, which is gone or has changed")
    return witness


def _kept(place: Place, step: Step) -> str | None:
    """The absolute path of what quarantine holds of a step, sure to be the bytes that went there, or None."""
    if step.to is None:
        return None
    path = absolute(place.data, step.to)
    _tidy(os.path.dirname(path), step)
    if not os.path.lexists(path):
        return None
    if not _holds(path, step.hash):
        raise Doubt(f"what is in quarantine has changed: {shown(path)}")
    return path


def _move_back(place: Place, step: Step, kept: str, here: str) -> None:
    """Move a file to where it was, or end a second name of what is there already."""
    if not os.path.lexists(here):
        _make_way(place, step)
        disk.move(kept, here, temporary_name(os.path.dirname(here), step), step.hash)
    elif _same_file(kept, here) or (_is_as_it_was(here, step) and same_bytes(kept, here)):
        disk.remove(kept)
    else:
        raise Doubt(f"another file stands at its place; it stays at {shown(kept)}")


def _make_way(place: Place, step: Step) -> None:
    """Make the folders to a file's place that are gone, through no link."""
    disk.make_folders(place.folder, os.path.dirname(step.path))
    check_way(place.folder, step.path)


def _is_our_link(place: Place, step: Step, here: str) -> bool:
    """Whether what stands at a path is the link that the step made there."""
    if step.action is Action.symlink:
        return os.path.islink(here) and os.readlink(here) == link_text(step)
    if _same_file(here, absolute(place.folder, step.witness)):
        return True
    # The witness may have another name by now; its bytes tell.  A file without another name is the last one
    # that has them: it is nobody's link.
    return os.lstat(here).st_nlink > 1 and _holds(here, step.witness_hash)


def _is_as_it_was(here: str, step: Step) -> bool:
    """Whether a file has the bytes, time and permissions of the one that was there."""
    try:
        status = os.lstat(here)
    except OSError:
        return False
    facts = (status.st_size, status.st_mtime_ns, stat.S_IMODE(status.st_mode))
    return facts == (step.size, step.mtime_ns, step.mode) and _holds(here, step.hash)


def _same_file(first: str, second: str) -> bool:
    """Whether two paths are names of one file; a symbolic link is a file by itself."""
    try:
        one, other = os.lstat(first), os.lstat(second)
    except OSError:
        return False
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def _holds(path: str, content: str) -> bool:
    """Whether a regular file, and no link to one, has this content."""
    try:
        return hash_of_file(path) == content
    except Unusable:
        return False
