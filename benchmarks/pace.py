"""Rates of several kinds of work, measured side by side; for the other scripts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence


def interleaved(work: Mapping[str, Callable[[], int]], rounds: int) -> dict[str, list[float]]:
    """Items a second of each kind of work, once a round.

    Each does its work once and returns how many items that was. One after another in every round, so that a
    busy minute of the machine strikes all alike; a first round that warms up is not counted.
    """
    rates: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds + 1):
        for name, run in work.items():
            started = time.perf_counter()
            items = run()
            if number:
                rates[name].append(items / (time.perf_counter() - started))
    return rates


def rate_cells(rates: Sequence[float]) -> tuple[str, str, str]:
    """Median, slowest, fastest, as a table shows them."""
    return tuple(f"{rate:,.0f}" for rate in (statistics.median(rates), min(rates), max(rates)))  # type: ignore[return-value]
