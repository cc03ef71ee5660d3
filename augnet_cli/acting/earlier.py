"""What earlier runs did, as far as it matters to the plan at hand."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from augnet_cli.acting.checks import Doubt, absolute
from augnet_cli.acting.journal import UNDONE, Step, read_journal
from augnet_cli.acting.outcome import LINKING, Action, PlanLine
from augnet_cli.acting.restore import link_text
from augnet_cli.images.names import shown
from augnet_cli.store.place import Place


@dataclass(frozen=True)
class Earlier:
    """Steps that were not taken back, by path; those that made symbolic links, by what the links lead to."""

    steps: Mapping[str, Sequence[Step]]
    links: Mapping[str, Step]


def earlier_runs(place: Place) -> Earlier:
    """Read what was done before.

    Raises:
        StoreError: as `read_journal`.
    """
    history = read_journal(place)
    steps: dict[str, list[Step]] = {}
    for step in history.steps:
        if step.state != UNDONE:
            steps.setdefault(step.path, []).append(step)
    links = {step.witness: step for step in history.active() if step.action is Action.symlink}
    return Earlier(steps, links)


def is_done(place: Place, earlier: Earlier, line: PlanLine) -> bool:
    """Whether an earlier run did what a line of the plan asks for, and the disk is as it left it."""
    here = absolute(place.folder, line.path)
    return any(
        step.hash == line.hash and _stands(place, step, here) for step in earlier.steps.get(line.path, ())
    )


def check_no_link_needs(earlier: Earlier, lines: Sequence[PlanLine]) -> None:
    """An image that an earlier run made symbolic links to must stay, or they would lead nowhere.

    Raises:
        Doubt: a line is about one.
    """
    for line in lines:
        if line.path in earlier.links:
            link = earlier.links[line.path]
            raise Doubt(f"{shown(link.path)} is a link to {shown(line.path)}, made by run {link.run}")


def _stands(place: Place, step: Step, here: str) -> bool:
    if step.action not in LINKING:
        return not os.path.lexists(here)
    if step.action is Action.symlink:
        return os.path.islink(here) and os.readlink(here) == link_text(step)
    try:
        return os.path.samefile(here, absolute(place.folder, step.witness))
    except OSError:
        return False
