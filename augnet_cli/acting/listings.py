"""Names in the folders of a plan, listed now and then, not for every image: there may be a million."""

from __future__ import annotations

import os
import time
from bisect import bisect_left

from augnet_cli.acting.checks import absolute, names_beside

# A sidecar that appears while a long plan is carried out is seen after so long at the latest.
LISTED_FOR_SECONDS = 10.0
FOLDERS = 8  # whose names are in memory; images of a group, and groups, mostly lie together
LAST = chr(0x10FFFF)  # sorts behind every letter


class Listings:
    """Names by folder, in order; `names_beside` is asked anew where a listing is old."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[float, list[str]]] = {}

    def beside(self, folder: str, path: str, start: str) -> list[str]:
        """Names in the folder of a file that begin with `start` and are still there, in order.

        Raises:
            Doubt: it can't be listed.
        """
        above = path.rpartition("/")[0]
        listed, names = self._found.get(above, (0.0, []))
        if above not in self._found or time.monotonic() - listed > LISTED_FOR_SECONDS:
            names = sorted(names_beside(folder, path))
            self._found.pop(above, None)
            self._found[above] = time.monotonic(), names
            while len(self._found) > FOLDERS:
                del self._found[next(iter(self._found))]
        here = os.path.dirname(absolute(folder, path))
        first, end = bisect_left(names, start), bisect_left(names, start + LAST)
        return [name for name in names[first:end] if os.path.lexists(os.path.join(here, name))]
