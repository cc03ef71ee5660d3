"""Ctrl-C while files are being changed: heard at once, obeyed between two files."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopAsked:
    """`True` in a condition once the user asked to stop."""

    def __init__(self) -> None:
        self.asked = False

    def __bool__(self) -> bool:
        return self.asked


@contextmanager
def stopping_between_files() -> Iterator[StopAsked]:
    """Within this, an interrupt only sets what is lent; who lends it looks at it between files.

    Python hears signals in the main thread alone: elsewhere, and where they are ignored, nothing is changed.
    """
    stop = StopAsked()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield stop
        return

    def hear(number: int, frame: FrameType | None) -> None:
        stop.asked = True

    signal.signal(signal.SIGINT, hear)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
