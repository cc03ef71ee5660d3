"""How fast steps follow each other, and what share of that time they wait for their batch."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass
class Throughput:
    """Adds up over steps; looks at held-out images and writing checkpoints are no part of it.

    Attributes:
        images: of all processes that share the steps.
        waited: seconds in which this process had no batch to compute on.
        computed: seconds of its steps.
    """

    images: int = 0
    waited: float = 0.0
    computed: float = 0.0

    def add(self, images: int, waited: float, computed: float) -> None:
        self.images += images
        self.waited += waited
        self.computed += computed

    @property
    def images_per_second(self) -> float:
        """Images, not views; 0 before the first step."""
        seconds = self.waited + self.computed
        return self.images / seconds if seconds else 0.0

    @property
    def waiting_share(self) -> float:
        """Of the time of the steps, in [0, 1]; near 0 the device is kept busy."""
        seconds = self.waited + self.computed
        return self.waited / seconds if seconds else 0.0

    def as_dict(self) -> dict[str, float]:
        return {
            "images_per_second": round(self.images_per_second, 1),
            "waiting_share": round(self.waiting_share, 3),
        }


def with_waits(items: Iterable[T]) -> Iterator[tuple[T, float]]:
    """Each item with the seconds that it took to come."""
    source = iter(items)
    while True:
        asked = time.perf_counter()
        try:
            item = next(source)
        except StopIteration:
            return
        yield item, time.perf_counter() - asked
