"""Which image of a group stays: most pixels, then most bytes, then first path.

A fixed order of every image a folder can hold, so that the same folder always gives the same groups.
Paths compare as bytes, the way the walk sorts them, whatever the locale.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from augnet_cli.records import ImageRecord


def keep_order(images: Sequence[ImageRecord]) -> list[int]:
    """Order the positions of `images`, the one most worth keeping first."""
    return sorted(range(len(images)), key=lambda position: _key(images[position]))


def keep_reason(kept: ImageRecord, others: Sequence[ImageRecord]) -> str:
    """Say which rule put `kept` before the next best of its group.

    Args:
        kept: the image that stays; none of `others` comes before it in keep order.
        others: the rest of its group, at least one.
    """
    runner_up = min(others, key=_key)
    if kept.pixels != runner_up.pixels:
        return f"most pixels ({kept.width} x {kept.height})"
    if kept.size_bytes != runner_up.size_bytes:
        return f"most bytes ({kept.size_bytes:,})"
    return "first path"


def _key(image: ImageRecord) -> tuple[int, int, bytes]:
    return (-image.pixels, -image.size_bytes, os.fsencode(image.path))
