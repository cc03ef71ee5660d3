"""What a process that is timed finds around it: what a user's would, and nothing of this user's own."""

from __future__ import annotations

import os
from pathlib import Path

# The first two, set on some machines, halve the speed of NumPy's products on processors of today.
# With the last, augnet of a clone is compiled at every start; pip compiles what it installs, once.
SLOWING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE")


def timed_environment(home: Path, **more: str) -> dict[str, str]:
    """This process's environment without what slows, and with a home of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in SLOWING}
    return kept | {"AUGNET_HOME": str(home)} | more
