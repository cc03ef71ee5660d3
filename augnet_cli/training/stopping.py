"""Ctrl-C and SIGTERM while training: the step is finished and saved; a second one stops at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Stop:
    """Whether somebody wants the run to end after the present step."""

    wanted: bool = False


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Turn the first interrupt or request to terminate into a wish; the second is a KeyboardInterrupt.

    Outside the main thread, where Python lets nobody listen to signals, they act as ever; so does one that
    is ignored (`nohup`, a background job).
    """
    stop = Stop()

    def remember(number: int, frame: FrameType | None) -> None:
        if stop.wanted:
            raise KeyboardInterrupt
        stop.wanted = True

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, remember)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
