"""`apply`: carry out a plan."""

from __future__ import annotations

import os

from augnet_cli.acting.apply import apply as carry_out_plan
from augnet_cli.acting.journal import JOURNAL_FILE
from augnet_cli.acting.outcome import Action, ApplyResult, Plan
from augnet_cli.acting.plan import read_plan
from augnet_cli.errors import PlanError
from augnet_cli.images.names import shown
from augnet_cli.progress import SILENT, Progress
from augnet_cli.store.lock import writing
from augnet_cli.store.place import acting_place, place_for


def apply(
    plan: str | Plan,
    action: Action = Action.quarantine,
    include_unverified: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> ApplyResult:
    """Do to the redundant images of a plan what `action` says, after looking at each file again.

    Args:
        plan: a plan file, or one that was read.
        include_unverified: act also where only a distance says that two images are the same picture.
        dry_run: look at everything and change nothing.

    Raises:
        PlanError: the plan can't be used; nothing was touched.
        StoreError: another augnet is writing, or the journal can't be written; nothing was touched.
        MissingExtraError: there is no library for the trash.
    """
    read = read_plan(plan) if isinstance(plan, str) else plan
    if not os.path.isdir(read.folder):
        raise PlanError(
            f"{shown(read.file)} is about {shown(read.folder)}, which is no folder here",
            "put its new path in the first line of the plan, or make the plan anew",
        )
    if dry_run:
        place = acting_place(read.folder, JOURNAL_FILE, create=False)
        place = place or place_for(read.folder, create=False)
        return carry_out_plan(place, read, action, include_unverified, dry_run, progress)
    place = acting_place(read.folder, JOURNAL_FILE, create=True)
    assert place is not None
    if place.note:
        progress.note(place.note)
    with writing(place):
        return carry_out_plan(place, read, action, include_unverified, progress=progress)
