"""Where the store of a folder lies: beside the photos, or with the user where that can't be written.

Which folder is meant when none is named is `finding`'s.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from augnet_cli.errors import FolderError, StoreError
from augnet_cli.images.names import shown
from augnet_cli.store.home import user_home

STORE_FOLDER = ".augnet"
STORE_FILE = "store.sqlite"
LOCK_FILE = "lock"
# The signature that backup programs and cleaners look for, https://bford.info/cachedir/
CACHEDIR_TAG = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# What lies here was made by augnet from your images and can be made again.\n"
)
NOT_WRITABLE = frozenset((errno.EACCES, errno.EPERM, errno.EROFS))
# Enough of a folder's own name for a person to know it again; its hash makes it unique.
SHOWN_NAME_LENGTH = 40
HASH_BYTES = 8


@dataclass(frozen=True, slots=True)
class Place:
    """Where the store of one folder lies; all absolute paths.

    Attributes:
        folder: the folder of photos.
        cache: what can be made again: SQLite file, index, thumbnails.
        data: what can't: quarantine, journal, decisions, a trained encoder.
        note: one line a person should see when this is not beside the photos, else None.
    """

    folder: str
    cache: str
    data: str
    note: str | None = None

    @property
    def store_file(self) -> str:
        return os.path.join(self.cache, STORE_FILE)


def place_for(
    folder: str, create: bool, environ: Mapping[str, str] = os.environ, beside: bool = True
) -> Place:
    """The place of a folder's store: where one is, else beside the photos if that can be written.

    A store that once went to the user's folders stays there, so that no two stores of one folder drift apart.

    Args:
        folder: the folder of photos, as typed.
        create: make the folders of the place, deciding by really writing there; False changes nothing.
        beside: whether a new store may lie beside the photos; else it goes to the user's folders.

    Raises:
        FolderError: there is no such folder.
        StoreError: neither place can be written (only with `create`).
    """
    path = checked_folder(folder)
    away, here = _away(path, environ), _beside(path)
    goes_away = os.path.isfile(away.store_file) or not (beside or os.path.isfile(here.store_file))
    if not create:
        return away if goes_away else here
    try:
        if not goes_away:
            _make(here)
            return here
    except OSError as error:
        if error.errno not in NOT_WRITABLE:
            raise _unusable(here, error) from error
    try:
        _make(away)
    except OSError as error:
        raise _unusable(away, error) from error
    return away


def existing_store(folder: str, environ: Mapping[str, str] = os.environ) -> Place | None:
    """The place of a folder's store if it has one, beside it or with the user; changes nothing."""
    path = os.path.abspath(folder)
    for place in (_away(path, environ), _beside(path)):
        if os.path.isfile(place.store_file):
            return place
    return None


def acting_place(
    folder: str, journal: str, create: bool, environ: Mapping[str, str] = os.environ
) -> Place | None:
    """The place whose data a command that acts uses: always the same, so that undo finds what apply wrote.

    Where the file `journal` is in the data, else where the store is, else, with `create`, as `place_for`.

    Args:
        create: make what the place lacks; False changes nothing and gives None where there is none.

    Raises:
        FolderError: there is no such folder.
        StoreError: the place can't be written (only with `create`).
    """
    path = checked_folder(folder)
    places = (_beside(path), _away(path, environ))
    found = next((place for place in places if os.path.lexists(os.path.join(place.data, journal))), None)
    found = found or existing_store(path, environ)
    if not create:
        return found
    if found is None:
        return place_for(folder, create=True, environ=environ)
    try:
        _make(found)
    except OSError as error:
        raise _unusable(found, error) from error
    return found


def checked_folder(folder: str) -> str:
    """The absolute path of a folder that exists.

    Raises:
        FolderError: it is missing or not a folder.
    """
    if os.path.isdir(folder):
        return os.path.abspath(folder)
    if not folder or not os.path.lexists(folder):
        raise FolderError(
            f"there is no folder {shown(folder) or repr(folder)}",
            "check the spelling; `ls` shows what is here",
        )
    parent = os.path.dirname(folder) or "."
    raise FolderError(f"{shown(folder)} is not a folder", f"name the folder that holds it: {shown(parent)}")


def _beside(path: str) -> Place:
    data = os.path.join(path, STORE_FOLDER)
    return Place(folder=path, cache=os.path.join(data, "cache"), data=data)


def _away(path: str, environ: Mapping[str, str]) -> Place:
    """The place with the user; the same for every way to write the folder's path."""
    real = os.path.realpath(path)
    readable = re.sub(r"[^A-Za-z0-9._-]", "_", os.path.basename(real))[:SHOWN_NAME_LENGTH]
    digest = hashlib.blake2b(os.fsencode(real), digest_size=HASH_BYTES).hexdigest()
    home, name = user_home(environ), f"{readable or 'folder'}-{digest}"
    cache = os.path.join(home.cache, name)
    why = "the folder could not be written, or is part of a data set"
    note = f"the store of {shown(path)} is in {shown(cache)}: {why}"
    return Place(folder=path, cache=cache, data=os.path.join(home.data, name), note=note)


def _make(place: Place) -> None:
    """Make the folders of a place and write in them what is to be there from the start.

    Raises:
        OSError: it can't be written; the trial is real, as permission bits alone don't tell.
    """
    os.makedirs(place.data, exist_ok=True)
    os.makedirs(place.cache, exist_ok=True)
    # Opening the lock file for writing is the trial: it is what every writer does first.
    os.close(os.open(os.path.join(place.cache, LOCK_FILE), os.O_RDWR | os.O_CREAT, 0o666))
    # Only asked, not opened: closing a second handle on an SQLite file drops the locks of the first (POSIX).
    own_rights = os.access in os.supports_effective_ids
    if os.path.exists(place.store_file) and not os.access(
        place.store_file, os.W_OK, effective_ids=own_rights
    ):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), place.store_file)
    _write_once(os.path.join(place.cache, "CACHEDIR.TAG"), CACHEDIR_TAG)
    _write_once(os.path.join(place.data, ".gitignore"), "*\n")


def _write_once(path: str, text: str) -> None:
    if not os.path.exists(path):
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)


def _unusable(place: Place, error: OSError) -> StoreError:
    """What a user is told when a place can't be made."""
    at = shown(str(error.filename or place.cache))
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        return StoreError(f"the store needs a folder where {at} is a file", f"move {at} away")
    if error.errno in NOT_WRITABLE:
        return StoreError(
            f"no place for the store: {at} can't be written", "set AUGNET_HOME to a folder you can write"
        )
    reason = error.strerror or str(error)
    return StoreError(f"the store at {at} can't be made: {reason}", "make room there, or set AUGNET_HOME")
