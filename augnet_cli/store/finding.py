"""Which folder is meant when a command names none.

The order is fixed and said to the user: what was named, then what is nearest, then what was used last.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from augnet_cli.errors import FolderError
from augnet_cli.images.names import pasted, shown
from augnet_cli.store.home import user_home
from augnet_cli.store.place import checked_folder, existing_store

LAST_FOLDER_FILE = "last-folder"
# More names than this make an error line unreadable.
LISTED_FOLDERS = 5


def find_folder(
    image: str | None, named: str | None, cwd: str, environ: Mapping[str, str] = os.environ
) -> tuple[str, str]:
    """Find the folder to search: the first of the rules below that gives one.

    `named` (the option --in); AUGNET_FOLDER; the store at or above the image; at or above `cwd`;
    the only store in a child of `cwd`, of several the one last used; the store last used.

    Args:
        image: path of the query image, or None.
        named: what the user named, or None.
        cwd: the current folder, absolute.

    Returns:
        folder: as typed where it was named, else absolute.
        how: a short phrase that says which rule gave it.

    Raises:
        FolderError: a named folder is missing, several children have a store and none of them was used
            last, or no rule gives one.
    """
    if named is not None:
        checked_folder(os.path.join(cwd, named))
        return named, "named with --in"
    if environ.get("AUGNET_FOLDER"):
        checked_folder(os.path.join(cwd, environ["AUGNET_FOLDER"]))
        return environ["AUGNET_FOLDER"], "from AUGNET_FOLDER"
    for folder, how in _nearby(image, cwd):
        if existing_store(folder, environ) is not None:
            return folder, how
    children, last = _children_with_store(cwd, environ), _last_folder(environ)
    if len(children) > 1 and last in children:
        return last, "used last"
    if len(children) > 1:
        names = [shown(os.path.basename(child)) for child in children]
        listed = ", ".join(names[:LISTED_FOLDERS])
        more = f" and {len(names) - LISTED_FOLDERS} more" if len(names) > LISTED_FOLDERS else ""
        raise FolderError(
            f"several folders here have a store: {listed}{more}",
            f"say which: --in {pasted(os.path.basename(children[0]))}",
        )
    if children:
        return children[0], "the only folder here that has a store"
    if last is not None and existing_store(last, environ) is not None:
        return last, "used last"
    raise FolderError(
        "no folder to search: there is no store here, above, or remembered", "augnet embed FOLDER"
    )


def remember_folder(folder: str, environ: Mapping[str, str] = os.environ) -> None:
    """Remember a folder as the one last used; where that can't be written nothing is remembered."""
    state = user_home(environ).state
    target = os.path.join(state, LAST_FOLDER_FILE)
    temporary = f"{target}.{os.getpid()}"
    try:
        os.makedirs(state, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(os.fsencode(os.path.abspath(folder)))
        os.replace(temporary, target)
    except OSError:
        # A convenience: a read-only home must not make a search fail.
        return


def _nearby(image: str | None, cwd: str) -> Iterator[tuple[str, str]]:
    if image is not None:
        typed = os.path.abspath(os.path.join(cwd, image))
        for path in dict.fromkeys((typed, os.path.realpath(typed))):
            for folder in _at_and_above(os.path.dirname(path)):
                yield folder, "the folder of the image"
    for folder in _at_and_above(os.path.abspath(cwd)):
        yield folder, "the current folder" if folder == os.path.abspath(cwd) else "above the current folder"


def _at_and_above(folder: str) -> Iterator[str]:
    yield folder
    while (parent := os.path.dirname(folder)) != folder:
        folder = parent
        yield folder


def _children_with_store(cwd: str, environ: Mapping[str, str]) -> list[str]:
    try:
        with os.scandir(cwd) as entries:
            children = sorted(os.path.join(cwd, entry.name) for entry in entries if entry.is_dir())
    except OSError:
        # A current folder that can't be listed has no children to offer; the next rule is asked.
        return []
    return [child for child in children if existing_store(child, environ) is not None]


def _last_folder(environ: Mapping[str, str]) -> str | None:
    try:
        with open(os.path.join(user_home(environ).state, LAST_FOLDER_FILE), "rb") as file:
            return os.fsdecode(file.read()) or None
    except OSError:
        return None
