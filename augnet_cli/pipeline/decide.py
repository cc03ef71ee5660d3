"""`decide`: remember that two images are, or are not, the same picture."""

from __future__ import annotations

import os

from augnet_cli.acting import decisions
from augnet_cli.acting.decisions import DECISIONS_FILE
from augnet_cli.acting.outcome import Decision
from augnet_cli.errors import ImageError, UsageError
from augnet_cli.images.files import hash_of_file
from augnet_cli.images.names import pasted, shown
from augnet_cli.images.unusable import Unusable
from augnet_cli.store.lock import writing
from augnet_cli.store.place import Place, acting_place, checked_folder, place_for


def decide(folder: str, one: str, other: str, same: bool | None) -> Decision:
    """Remember, by content, that two images are the same picture or are not; the last word on a pair counts.

    Args:
        one, other: paths in the folder, relative to it or to where one stands.
        same: None forgets what was decided about them.

    Returns:
        what was decided, now or, with None, before.

    Raises:
        FolderError, StoreError: as `place_for` and `decisions`.
        ImageError: one of the files can't be read or is not in the folder.
        UsageError: both are one content; nothing was decided that could be forgotten.
    """
    path = checked_folder(folder)
    first, second = _content(path, one), _content(path, other)
    if first[0] == second[0]:
        raise UsageError(
            f"{shown(one)} and {shown(other)} are the same to the last byte", "name two images that differ"
        )
    if same is None:
        return _forget(folder, (one, first[0]), (other, second[0]))
    made = decisions.decision(first, second, same)
    place = _place(folder)
    with writing(place):
        decisions.remember(place, made)
    return made


def _forget(folder: str, one: tuple[str, str], other: tuple[str, str]) -> Decision:
    """Forget what was decided about two images, each its path as typed and its content."""
    gone = None
    if acting_place(folder, DECISIONS_FILE, create=False) is not None:  # else nothing is to be made there
        place = _place(folder)
        with writing(place):
            gone = decisions.forget(place, one[1], other[1])
    if gone is None:
        raise UsageError(
            f"nothing was decided about {shown(one[0])} and {shown(other[0])}",
            f"see what was: augnet decide {pasted(folder)} --export FILE.jsonl",
        )
    return gone


def export_decisions(folder: str, out: str) -> int:
    """Write all decisions that count to a file; gives their number.

    Raises:
        FolderError, UsageError, StoreError: as `decisions`.
    """
    decisions.check_export(out)
    place = acting_place(folder, DECISIONS_FILE, create=False) or place_for(folder, create=False)
    return decisions.export_decisions(place, out)


def import_decisions(folder: str, file: str) -> int:
    """Take in the decisions of a file, which then count before older ones; gives their number.

    Raises:
        FolderError, StoreError: as `decisions`; nothing was taken in.
    """
    checked_folder(folder)
    place = _place(folder)
    with writing(place):
        return decisions.import_decisions(place, file)


def _place(folder: str) -> Place:
    place = acting_place(folder, DECISIONS_FILE, create=True)
    assert place is not None
    return place


def _content(folder: str, typed: str) -> tuple[str, str]:
    """Content hash and path relative to the folder of a file, which must lie in it."""
    # A path in the folder comes first: so it stands in every report.
    for path in (os.path.join(folder, typed), os.path.abspath(typed)):
        if os.path.lexists(path):
            break
    else:
        raise ImageError(f"there is no {shown(typed)} in {shown(folder)}", f"ls {pasted(folder)}")
    real = os.path.realpath(os.path.dirname(path))
    inside = os.path.relpath(os.path.join(real, os.path.basename(path)), os.path.realpath(folder))
    if inside.split(os.sep)[0] == os.pardir:
        raise ImageError(f"{shown(typed)} is not in {shown(folder)}", "name two images of the folder")
    try:
        return hash_of_file(path), inside.replace(os.sep, "/")
    except Unusable as error:
        raise ImageError(f"{shown(typed)}: {error.reason}", "name another image") from error
