"""Keep freed memory for the next step instead of giving it back to the system.

Each training step allocates and frees the same hundreds of megabytes.  By default glibc returns such blocks
to the kernel at once, which has to clear them page by page for the next step: on two cores a sixth of all
time was the kernel's.
"""

from __future__ import annotations

import ctypes
import sys

# Parameters of glibc's mallopt(3).
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
KEPT_BYTES = (1 << 31) - 1  # the most an int can say: in effect, all of it
GROWTH_BYTES = 200 << 20  # ask the system for this much at a time


def keep_freed_memory() -> bool:
    """Tell the C library of this process to keep what is freed; returns whether it could be told (glibc)."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    options = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, KEPT_BYTES), (M_TOP_PAD, GROWTH_BYTES))
    return all(mallopt(option, value) == 1 for option, value in options)
