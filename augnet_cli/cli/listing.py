"""Lists of paths: that of --files-from, or stdin."""

from __future__ import annotations

import sys

from augnet_cli.errors import FolderError
from augnet_cli.images.listed import listed_paths
from augnet_cli.images.names import shown

STDIN = "-"
HINT = "name a file with a path a line, or - for stdin: --files-from list.txt"


def read_list(file: str, hint: str = HINT) -> tuple[str, ...]:
    """The paths that a file, or for `-` stdin, lists.

    Raises:
        FolderError: it can't be read, or lists nothing.
    """
    name = "stdin" if file == STDIN else shown(file)
    try:
        if file == STDIN:
            data = sys.stdin.buffer.read()
        else:
            with open(file, "rb") as stream:
                data = stream.read()
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "it is no name of a file").lower()
        raise FolderError(f"the list {name} can't be read: {why}", hint) from error
    paths = listed_paths(data)
    if not paths:
        raise FolderError(f"the list {name} names no file", hint)
    return paths
