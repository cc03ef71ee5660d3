"""Carrying out a plan by groups; one of which anything is in doubt is left alone, or put back whole."""

from __future__ import annotations

import os
from collections.abc import Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace

from augnet_cli.acting.carry_out import Run, carry_out
from augnet_cli.acting.checks import Checked, Doubt, check_group, why, why_one_file
from augnet_cli.acting.earlier import Earlier, check_no_link_needs, earlier_runs, is_done
from augnet_cli.acting.journal import INTENDED, UNDONE, Journal, JournalLost, Step, new_run, read_journal
from augnet_cli.acting.listings import Listings
from augnet_cli.acting.outcome import LINKING, Acted, Action, ApplyResult, Plan, PlanLine, Refused
from augnet_cli.acting.restore import put_back
from augnet_cli.acting.sidecars import Company, travellers
from augnet_cli.acting.stopping import StopAsked, stopping_between_files
from augnet_cli.acting.trash import check_trash
from augnet_cli.images.names import shown
from augnet_cli.progress import SILENT, Progress
from augnet_cli.store.place import Place

INTERRUPTED = "interrupted"
WITH_COMPANY = frozenset((Action.quarantine, Action.trash))  # sidecars go along
UNVERIFIED = "nothing proves that it shows the same picture (--include-unverified acts on a distance alone)"


# An image, and its sidecars with their witnesses.
_Unit = tuple[Checked, tuple[tuple[Checked, Checked], ...]]


@dataclass
class _Tally:
    """What came of the plan so far."""

    acted: list[Acted] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    pending: int = 0
    stopped: str | None = None

    def refuse(self, lines: Sequence[PlanLine], reason: str) -> None:
        if lines:
            self.refused.append(Refused(tuple(line.path for line in lines), lines[0].witness, reason))


@dataclass(frozen=True)
class _Work:
    """What all groups share.

    `leant_on`: witnesses of the groups so far, by device and inode, so that none goes under another name.
    """

    place: Place
    action: Action
    include_unverified: bool
    earlier: Earlier
    company: Company
    stop: StopAsked
    progress: Progress
    listings: Listings = field(default_factory=Listings)
    leant_on: dict[tuple[int, int], str] = field(default_factory=dict)


def apply(
    place: Place,
    plan: Plan,
    action: Action = Action.quarantine,
    include_unverified: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> ApplyResult:
    """Carry out a plan; the caller holds the lock of the store, but for `dry_run`, which changes nothing.

    Raises:
        StoreError: the journal can't be read or written; no photo was touched.
        MissingExtraError: there is no library for the trash.
    """
    if action is Action.trash:
        check_trash()
    tally, run = _Tally(), None
    journal = None if dry_run else Journal(place)
    try:
        if journal is not None:
            again = {line.path for line in plan.lines if line.verified or include_unverified}
            _settle(place, journal, action, again)
            run = Run(place, new_run(), action, journal)
        with stopping_between_files() as stop:
            work = _work(place, plan, action, include_unverified, stop, progress)
            _all_groups(work, plan, run, tally)
    finally:
        progress.finish()
        if journal is not None:
            journal.close()
    return ApplyResult(
        folder=place.folder,
        plan=plan.file,
        action=action,
        dry_run=dry_run,
        run=run.name if run is not None and run.steps else "",
        store=place.data,
        acted=tuple(tally.acted),
        already=tuple(tally.already),
        refused=tuple(tally.refused),
        freed=run.freed if run is not None else 0,
        stopped=tally.stopped,
        pending=tally.pending,
        include_unverified=include_unverified,
    )


def _work(
    place: Place,
    plan: Plan,
    action: Action,
    include_unverified: bool,
    stop: StopAsked,
    progress: Progress,
) -> _Work:
    company = Company(
        group=frozenset(),
        redundant=frozenset(line.path for line in plan.lines),
        witnesses=frozenset(line.witness for line in plan.lines),
    )
    return _Work(place, action, include_unverified, earlier_runs(place), company, stop, progress)


def _all_groups(work: _Work, plan: Plan, run: Run | None, tally: _Tally) -> None:
    work.progress.start("looking" if run is None else work.action.value, len(plan.lines))
    if run is not None:
        run.plan = os.path.abspath(plan.file)
    for lines in plan.groups().values():
        if tally.stopped is None and work.stop:
            tally.stopped = INTERRUPTED
        if tally.stopped is not None:
            tally.pending += len(lines)
            continue
        _group(work, run, lines, tally)
    if run is not None and run.steps:
        try:
            run.journal.end(run.name)
        except JournalLost as error:
            tally.stopped = tally.stopped or str(error)


def _group(work: _Work, run: Run | None, lines: Sequence[PlanLine], tally: _Tally) -> None:
    """Check and carry out all lines of one witness."""
    done = {line.path for line in lines if is_done(work.place, work.earlier, line)}
    tally.already += [line.path for line in lines if line.path in done]
    lines = [line for line in lines if line.path not in done]
    if not work.include_unverified:
        tally.refuse([line for line in lines if not line.verified], UNVERIFIED)
        lines = [line for line in lines if line.verified]
    lines = _without_links(work, lines, tally)
    if not lines:
        return
    try:
        witness, units = _checked(work, lines)
    except Doubt as doubt:
        tally.refuse(lines, doubt.reason)
        return
    if run is None:
        for image, along in units:
            tally.acted.append(Acted(image.path, image.seen.size, witness.path))
            tally.acted += [
                Acted(file.path, file.seen.size, its_own.path, sidecar_of=image.path)
                for file, its_own in along
            ]
        return
    _carry_out_group(work, run, lines, witness, units, tally)


def _without_links(work: _Work, lines: Sequence[PlanLine], tally: _Tally) -> list[PlanLine]:
    """The lines but for those about another name of the witness: it frees nothing, and does no harm."""
    rest = []
    for line in lines:
        try:
            reason = why_one_file(work.place.folder, line)
        except Doubt:
            reason = None  # which is told when all is checked
        if reason is None:
            rest.append(line)
        else:
            tally.refuse([line], reason)
    return rest


def _checked(work: _Work, lines: Sequence[PlanLine]) -> tuple[Checked, list[_Unit]]:
    """The witness, and each image with what goes with it.

    Raises:
        Doubt: about any of them.
    """
    folder = work.place.folder
    check_no_link_needs(work.earlier, lines)
    witness, files = check_group(folder, lines)
    for file in files:
        if file.seen.identity in work.leant_on:
            raise Doubt(f"{shown(file.path)} is {shown(work.leant_on[file.seen.identity])}, a witness")
    work.leant_on[witness.seen.identity] = witness.path
    company = replace(work.company, group=frozenset(line.path for line in lines))
    units: list[_Unit] = []
    taken: set[str] = set()
    for file in files:
        along = travellers(folder, file, witness, work.action, company, work.listings)
        units.append((file, tuple(pair for pair in along if pair[0].path not in taken)))
        taken |= {other.path for other, _ in along}
    return witness, units


def _carry_out_group(
    work: _Work,
    run: Run,
    lines: Sequence[PlanLine],
    witness: Checked,
    units: Sequence[_Unit],
    tally: _Tally,
) -> None:
    first = len(run.steps)
    try:
        if first == 0:
            run.journal.begin(run.name, run.action, run.plan)
        for number, (image, along) in enumerate(units):
            if work.stop:
                tally.pending += len(units) - number
                tally.stopped = INTERRUPTED
                break
            carry_out(run, image, witness)
            for file, its_own in along:
                carry_out(run, file, its_own, sidecar_of=image.path)
            work.progress.advance()
    except (Doubt, OSError, JournalLost) as error:
        reason = _reason(error)
        left = _take_back(run, first)
        if left:
            reason += f"; not put back: {', '.join(map(shown, left))}"
        stays = {acted.path for acted in run.acted[first:] if acted is not None}
        tally.refuse([line for line in lines if line.path not in stays], reason)
        if isinstance(error, JournalLost):
            tally.stopped = str(error)
    tally.acted += [acted for acted in run.acted[first:] if acted is not None]


def _take_back(run: Run, first: int) -> list[str]:
    """Put back what a run did from its step `first` on; the paths of what could not be."""
    left = []
    for index in reversed(range(first, len(run.steps))):
        step = run.steps[index]
        try:
            put_back(run.place, step)
        except (Doubt, OSError):
            left.append(step.path)
            continue
        done, run.acted[index] = run.acted[index], None
        if step.action in LINKING and done is not None and done.to is None:
            run.freed -= step.size
        try:
            run.journal.say(step, UNDONE)
        except JournalLost:
            # Undo will find the file where it belongs.
            continue
    return left[::-1]


def _settle(place: Place, journal: Journal, action: Action, again: Set[str]) -> None:
    """Take back what a crash left half done: nothing lies about, and the plan can be tried anew.

    That is a step that was only intended; and, of a run that did not come to its end, the last image with
    what went along with it, if that may have been cut short and the same is about to be done to it `again`.
    """
    history = read_journal(place)
    active = history.active()
    torn = set[Step]()
    if active and active[-1].run not in history.ended:
        last = active[-1]
        unit = last.sidecar_of or last.path
        if last.action is action and action in WITH_COMPANY and unit in again:
            torn = {step for step in active if step.run == last.run and unit in (step.path, step.sidecar_of)}
    for step in reversed(active):
        if step.state == INTENDED or step in torn:
            try:
                put_back(place, step)
                journal.say(step, UNDONE)
            except (Doubt, OSError, JournalLost):
                # It stays for `undo`, which says why.
                continue
    for run in {step.run for step in active} - history.ended:
        with suppress(JournalLost):
            journal.end(run)  # so that no more of it is taken for torn the next time


def _reason(error: Exception) -> str:
    if isinstance(error, Doubt):
        return error.reason
    if isinstance(error, OSError):
        name = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else ""
        return f"{shown(name)}: {why(error)}" if name else why(error)
    return str(error)
