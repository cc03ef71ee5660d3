"""How far a run is, and the learning rate that belongs there.

Progress is a share of the whole in [0, 1]: of steps where their number is given, so that a run repeats bit
by bit; of time where minutes are given, so that the rate has fallen to nothing when they are over, however
fast the machine is and whatever else it has to do.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

WARM_UP = 0.04  # share of a run in which the rate rises from 0: Adam's estimates settle
# Share of a run in which the rate falls to 0 once nothing more is gained: stopping at a high rate would throw
# away what only shows when it falls.
COOL_DOWN = 0.15


def rate_at(progress: float, lr: float, constant: bool) -> float:
    """Learning rate at a progress in [0, 1]: a short rise, then a half cosine down to 0; or constant."""
    if constant:
        return lr
    if progress < WARM_UP:
        return lr * progress / WARM_UP
    return lr * 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


@dataclass
class Pace:
    """How far a run is, by steps or by time; it knows what was spent before it was resumed.

    Attributes:
        steps: of the whole run, or None where time is given.
        seconds: of training in the whole run, or None.
        spent: seconds of training before this process.
        cooling_from: progress at which the rate began to fall for good, or None.
    """

    steps: int | None = None
    seconds: float | None = None
    spent: float = 0.0
    cooling_from: float | None = None

    def __post_init__(self) -> None:
        assert (self.steps is None) != (self.seconds is None)
        self._started = time.monotonic()

    @property
    def used(self) -> float:
        """Seconds of training so far."""
        return self.spent + time.monotonic() - self._started

    def progress(self, step: float) -> float:
        """Share of the run that is over when `step` steps are done."""
        if self.steps is not None:
            return min(1.0, step / self.steps)
        assert self.seconds is not None
        return min(1.0, self.used / self.seconds) if self.seconds > 0 else 1.0

    @property
    def end(self) -> float:
        """Progress at which the run is over."""
        return 1.0 if self.cooling_from is None else min(1.0, self.cooling_from + COOL_DOWN)

    def is_over(self, progress: float) -> bool:
        return progress >= self.end

    def rate(self, progress: float, lr: float, constant: bool) -> float:
        """Learning rate at a progress."""
        if self.cooling_from is None or constant:
            return rate_at(progress, lr, constant)
        left = max(0.0, 1 - (progress - self.cooling_from) / COOL_DOWN)
        return rate_at(self.cooling_from, lr, constant) * left

    def cool_down(self, progress: float) -> bool:
        """Let the rate fall to 0 from here; False if it does so already or would be there as soon anyway."""
        if self.cooling_from is not None or progress + COOL_DOWN >= 1:
            return False
        self.cooling_from = progress
        return True

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "steps": self.steps,
            "seconds": self.seconds,
            "spent": self.used,
            "cooling_from": self.cooling_from,
        }
