"""The one exception of this room: an image that can't be used, with the reason a person reads."""

from __future__ import annotations


class Unusable(Exception):
    """An image file that can't be read or decoded; the caller turns it into a `records.Skip`.

    Args:
        reason: one line of plain words, under 200 characters, without the path.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
