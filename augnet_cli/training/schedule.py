"""How far a run is, and the learning rate that belongs there.

Progress is a share of the whole in [0, 1]: of steps where their number is given, so that a run repeats bit
by bit; of time where minutes are given, so that the rate has fallen to nothing when they are over, however
fast the machine is and whatever else it has to do.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WARM_UP = 0.04  # share of a run in which the rate rises from 0: Adam's estimates settle
# Share of a run in which the rate falls to 0 once nothing more is gained: stopping at a high rate would throw
# away what only shows when it falls.
COOL_DOWN = 0.15

# The share of the full rate at a progress in [0, 1].
Shape = Callable[[float], float]


def warm_cosine(progress: float) -> float:
    """A short rise, then a half cosine down to 0."""
    if progress < WARM_UP:
        return progress / WARM_UP
    return half_cosine((progress - WARM_UP) / (1 - WARM_UP))


def constant(progress: float) -> float:
    """The full rate to the end."""
    return 1.0


def half_cosine(progress: float, floor: float = 0.0) -> float:
    """From 1 down to `floor` (Loshchilov & Hutter, "SGDR", 2017, equation 5, without restarts)."""
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def stepped(progress: float, falls: tuple[tuple[float, float], ...]) -> float:
    """1, and from each (progress, share) on its share; in order of progress."""
    return next((share for at, share in reversed(falls) if progress >= at), 1.0)


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

    def rate(self, progress: float, shape: Shape) -> float:
        """Share of the full learning rate at a progress; one that is constant stays so."""
        if self.cooling_from is None or shape is constant:
            return shape(progress)
        left = max(0.0, 1 - (progress - self.cooling_from) / COOL_DOWN)
        return shape(self.cooling_from) * left

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
