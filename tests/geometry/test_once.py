"""A property that is computed once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from augnet_cli.geometry.once import computed_once

PATIENCE = 20.0  # seconds for two threads to meet


class Slow:
    """Computes its number when another thread does so too."""

    def __init__(self, met: threading.Barrier) -> None:
        self.met = met
        self.asked = 0

    @computed_once
    def number(self) -> int:
        """How often it was asked for."""
        self.asked += 1
        self.met.wait(PATIENCE)
        return self.asked


def test_a_value_is_computed_once_and_kept() -> None:
    slow = Slow(threading.Barrier(1))
    assert [slow.number, slow.number] == [1, 1] and slow.__dict__["number"] == 1
    assert Slow.__dict__["number"].__doc__ == "How often it was asked for."


def test_threads_compute_for_two_objects_at_the_same_time() -> None:
    met = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda slow: slow.number, [Slow(met), Slow(met)])) == [1, 1]
