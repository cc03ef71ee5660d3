"""Plain paths, one after the other, for other programs.

A path is the folder as the user typed it, then the path inside it: usable from where the user stands.
`photos` and `photos/` both give `photos/a.jpg`; `.` gives `./a.jpg`, because it was typed so.
`./` is put before a path only where it would begin with a dash and be taken for an option.
Paths go out as the very bytes of the file names.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from augnet_cli.results import ClusterResult, DedupeResult, QueryResult

SEPARATORS = os.sep + (os.altsep or "")


def paths_of(result: DedupeResult | QueryResult | ClusterResult) -> Iterator[str]:
    """The paths a result is asked for: redundant images, each hit once, or all members by cluster."""
    if isinstance(result, DedupeResult):
        yield from result.redundant_paths
    elif isinstance(result, QueryResult):
        yield from dict.fromkeys(hit.path for hit in result.hits)
    else:
        for cluster in result.clusters:
            yield from cluster.members


def write_paths(paths: Iterable[str], typed_folder: str, stream: BinaryIO, null: bool) -> int:
    """Write each path and an end mark.

    Args:
        paths: relative to the folder.
        typed_folder: the user's own words for the folder.
        null: end each path with a zero byte, for `xargs -0`; otherwise with a newline.

    Returns:
        the number of paths left out: without `null` a name that holds a newline would read as two names.
    """
    end = b"\0" if null else b"\n"
    left_out = 0
    for path in paths:
        line = os.fsencode(joined(typed_folder, path))
        if end in line:
            left_out += 1
        else:
            stream.write(line + end)
    return left_out


def joined(typed_folder: str, path: str) -> str:
    """Put the typed folder before a path inside it."""
    base = typed_folder.rstrip(SEPARATORS)
    if not base:
        base = typed_folder[:1]  # the root of the file system, or nothing typed
    whole = os.path.join(base, path)
    return f"./{whole}" if whole.startswith("-") else whole
