"""A folder that takes the place of an earlier one once it is whole, and until then the earlier one stands.

```
DIR                the marker, and what was put there
.DIR.augnet-new    being built; what a kill left of it is removed by the next run
.DIR.augnet-old    the earlier DIR, between two renames; after a kill there the next run renames it back
```
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO

from augnet_cli.acting import disk
from augnet_cli.acting.checks import why
from augnet_cli.acting.own_tree import MARKER, NotOurs, begin, check_ours, is_ours, remove_ours
from augnet_cli.acting.stopping import stopping_between_files
from augnet_cli.errors import FolderError
from augnet_cli.images.names import shown
from augnet_cli.store.lock import hold

ELSEWHERE = "name a folder that does not exist yet: --into DIR"


@dataclass(frozen=True, slots=True)
class Names:
    """The three names, absolute, with no link on the way."""

    made: str
    new: str
    old: str


def names_of(into: str) -> Names:
    above, name = os.path.split(os.path.abspath(into))
    if not name:
        raise refusal(into, "it is the root of the disk")
    above = os.path.realpath(above)
    hidden = (os.path.join(above, f".{name}.augnet-{end}") for end in ("new", "old"))
    return Names(os.path.join(above, name), *hidden)


def refusal(into: str, reason: str, hint: str = ELSEWHERE) -> FolderError:
    return FolderError(f"{shown(into)} can't be made: {reason}", hint)


def check_earlier(into: str, made: str) -> None:
    """Make sure that what stands there is an earlier folder of ours, with nothing else in it."""
    if os.path.islink(made):
        raise refusal(into, "it is a link")
    if not os.path.isdir(made):
        raise refusal(into, "there is a file of that name")
    if not is_ours(made):
        raise refusal(into, "there is a folder of that name that augnet did not make")
    try:
        check_ours(made)
    except NotOurs as error:
        raise refusal(into, error.reason, f"take out what you want to keep, or {ELSEWHERE}") from error


def take_up(into: str, names: Names) -> None:
    """See to what a kill left: the earlier folder gets its name back, what was being built goes."""
    try:
        if os.path.lexists(names.new):
            _check_idle(into, names.new)
        if os.path.lexists(names.old):
            if not os.path.lexists(names.made) and is_ours(names.old):
                os.rename(names.old, names.made)
            else:
                remove_ours(names.old)
        if os.path.lexists(names.new):
            remove_ours(names.new, unfinished=True)
    except NotOurs as error:
        left = names.old if os.path.lexists(names.old) else names.new
        raise FolderError(
            f"{shown(left)} was left by an earlier run, and {error.reason}",
            "take out what you want to keep, then remove it",
        ) from error
    except OSError as error:
        raise refusal(into, why(error)) from error


def _check_idle(into: str, new: str) -> None:
    """Make sure that nobody is building there now."""
    try:
        marker = open(os.path.join(new, MARKER), "rb")  # noqa: SIM115 - closed below
    except OSError:
        return
    with marker:
        if not hold(marker.fileno()):
            raise refusal(into, "another augnet is making it", "wait until it is done")


@contextmanager
def building(into: str, names: Names) -> Iterator[BinaryIO]:
    """The new folder, and its marker to write to; at the end it takes its name, after an error it goes.

    Raises:
        FolderError: somebody put something into the earlier folder meanwhile.
        OSError: what the disk says.
        KeyboardInterrupt: stopped; also just after all was done.
    """
    stopped = False
    disk.make_own_folder(names.new)
    try:
        with open(os.path.join(names.new, MARKER), "xb") as marker:
            hold(marker.fileno())
            begin(marker)
            yield marker
            os.fsync(marker.fileno())
            _flush(names.new)
            if sys.platform != "win32":  # where a folder with an open file can't be renamed
                stopped = _swap(into, names)
        if sys.platform == "win32":
            stopped = _swap(into, names)
    except BaseException:
        # What can't be removed now is by the next run.
        with suppress(NotOurs, OSError):
            if os.path.lexists(names.new):
                remove_ours(names.new, unfinished=True)
        raise
    # If somebody put something into it just now it stays, under its other name.
    with suppress(NotOurs, OSError):
        if os.path.lexists(names.old):
            remove_ours(names.old)
    if stopped:
        raise KeyboardInterrupt


def _swap(into: str, names: Names) -> bool:
    """Give the new folder its name; two renames that Ctrl-C does not part, and whether it was heard there."""
    there = os.path.lexists(names.made)
    if there:
        check_earlier(into, names.made)  # again: to build may take long
    with stopping_between_files() as stop:
        if there:
            os.rename(names.made, names.old)
        try:
            os.rename(names.new, names.made)
        except OSError:
            if there:
                os.rename(names.old, names.made)
            raise
    disk.sync_folder(os.path.dirname(names.made))
    return bool(stop)


def _flush(folder: str) -> None:
    """Wait until the disk has all names in a tree."""
    for where, _, _ in os.walk(folder):
        disk.sync_folder(where)
