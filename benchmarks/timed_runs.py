"""Runs taken in turn whose times are kept as they come: an interrupted benchmark goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

# A run that takes longer is not repeated: the others would wait for minutes, and its own share of noise is
# small.  The tables say how many runs there were.
ONCE_FROM_SECONDS = 40.0


@dataclass(frozen=True)
class Run:
    """One run: seconds of the whole process, those of all processors together, and, where it is told, the
    seconds of the work without what comes before it."""

    name: str
    round: int
    seconds: float
    cpu_seconds: float
    work_seconds: float | None = None


def take_in_turn(
    tasks: Mapping[str, Callable[[int], Run]], rounds: int, record: Path
) -> dict[str, list[Run]]:
    """The runs of each task, one a round; each is given the number of its round.

    One after another in every round, so that a busy minute of the machine strikes all alike.  Those that
    `record` holds already are not run again.
    """
    runs: dict[str, list[Run]] = {name: [] for name in tasks}
    for run in recorded(record):
        if run.name in runs:
            runs[run.name].append(run)
    for number in range(rounds):
        for name, task in tasks.items():
            done = runs[name]
            if any(run.round == number for run in done) or (done and is_slow(done[0])):
                continue
            done.append(task(number))
            with record.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(done[-1])) + "\n")
    return runs


def cpu_seconds_of_children() -> float:
    """What the processes that this one started and waited for have used so far, with all of theirs."""
    times = os.times()
    return times.children_user + times.children_system


def is_slow(run: Run) -> bool:
    return run.seconds >= ONCE_FROM_SECONDS


def recorded(record: Path) -> list[Run]:
    """The runs of an interrupted benchmark; a line that was cut off is none."""
    if not record.exists():
        return []
    lines = record.read_text(encoding="utf-8").split("\n")[:-1]
    return [Run(**json.loads(line)) for line in lines]
