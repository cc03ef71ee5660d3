"""Lists of paths, as `find`, `git ls-files` and editors make them."""

from __future__ import annotations

import os

BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # Windows editors put one before the first line


def listed_paths(data: bytes) -> tuple[str, ...]:
    """The paths of a list: one a line, or, where it holds zero bytes, one before each of these.

    Lines may end as on Windows; blank ones don't count.
    """
    if b"\0" in data:
        paths = data.split(b"\0")
    else:
        paths = [line.removesuffix(b"\r") for line in data.removeprefix(BYTE_ORDER_MARK).split(b"\n")]
        paths = [line for line in paths if line.strip()]
    return tuple(os.fsdecode(path) for path in paths if path)
