"""How many cores this process may use: not how many the machine has."""

from __future__ import annotations

import os

CGROUP_LIMIT = "/sys/fs/cgroup/cpu.max"


def usable_cores() -> int:
    """Cores by affinity and control group; at least 1."""
    counted = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        with open(CGROUP_LIMIT, encoding="ascii") as source:
            quota, period = source.read().split()
        if quota != "max":
            counted = min(counted, round(int(quota) / int(period)))
    except (OSError, ValueError):
        pass  # no control group limits this process, or not one of this version
    return max(1, counted)
