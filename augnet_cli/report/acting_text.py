"""What `apply`, `undo` and `decide` did, as lines for people; for names the rules of `report.text` hold."""

from __future__ import annotations

from collections.abc import Iterator

from augnet_cli.acting.outcome import Action, ApplyResult, Decision, NotRestored, Refused, UndoResult
from augnet_cli.images.names import pasted, shown
from augnet_cli.report.style import PLAIN, Style
from augnet_cli.report.text import count, size_words

# A screen has room for the summary below them too; --format json has them all.
REFUSED_SHOWN = 20
PATHS_SHOWN = 3
ACTED_SHOWN = 20

_DONE = {
    Action.quarantine: "moved to quarantine",
    Action.trash: "moved to the trash",
    Action.hardlink: "replaced by a hard link",
    Action.symlink: "replaced by a symbolic link",
    Action.delete: "deleted",
}


def apply_lines(result: ApplyResult, style: Style = PLAIN) -> Iterator[str]:
    """What went where on a dry run, what was left alone and why, then a summary and the next step."""
    if result.dry_run:
        for file in result.acted[:ACTED_SHOWN]:
            of = "" if file.sidecar_of is None else f"  {style.dim}with {shown(file.sidecar_of)}{style.reset}"
            yield f"{shown(file.path)}{of}"
        if len(result.acted) > ACTED_SHOWN:
            yield f"and {len(result.acted) - ACTED_SHOWN:,} more (--format json lists all)"
        if result.acted:
            yield ""
    yield from _refused(result.refused, style)
    yield f"{style.bold}{_summary(result)}{style.reset}"
    yield from _next(result)


def _summary(result: ApplyResult) -> str:
    sidecars = len(result.acted) - result.images
    along = f" with {count(sidecars, 'sidecar')}" if sidecars else ""
    size = size_words(sum(file.size for file in result.acted))
    would = "would be " if result.dry_run else ""
    parts = [f"{count(result.images, 'image')}{along} {would}{_DONE[result.action]} ({size})"]
    if result.freed:
        parts.append(f"{size_words(result.freed)} freed")
    if result.already:
        parts.append(f"{len(result.already):,} already were")
    if result.refused:
        parts.append(f"{sum(len(group.paths) for group in result.refused):,} left alone")
    if result.pending:
        parts.append(f"{result.pending:,} not tried")
    if result.dry_run:
        parts.append("nothing was changed")
    return ", ".join(parts)


def _next(result: ApplyResult) -> Iterator[str]:
    if result.dry_run:
        more = " --include-unverified" if result.include_unverified else ""
        yield f"next: `augnet apply {pasted(result.plan)} --action {result.action.value}{more}` does it"
    elif result.action is Action.delete and result.run:
        yield "what was deleted can't be brought back"
    elif result.run:
        yield f"next: `augnet undo {pasted(result.folder)} --run {result.run}` takes it back"


def _refused(groups: tuple[Refused, ...], style: Style) -> Iterator[str]:
    if not groups:
        return
    for group in groups[:REFUSED_SHOWN]:
        paths = ", ".join(shown(path) for path in group.paths[:PATHS_SHOWN])
        more = f" and {len(group.paths) - PATHS_SHOWN:,} more" if len(group.paths) > PATHS_SHOWN else ""
        yield f"{style.red}left alone{style.reset}  {paths}{more}: {group.reason}"
    if len(groups) > REFUSED_SHOWN:
        yield f"and {len(groups) - REFUSED_SHOWN:,} more groups (--format json lists all)"
    yield ""


def undo_lines(result: UndoResult, style: Style = PLAIN) -> Iterator[str]:
    """What could not be brought back and why, then a summary."""
    for file in result.failed[:REFUSED_SHOWN]:
        yield f"{style.red}not restored{style.reset}  {shown(file.path)}: {file.reason}"
    if len(result.failed) > REFUSED_SHOWN:
        yield f"and {len(result.failed) - REFUSED_SHOWN:,} more (--format json lists all)"
    if result.failed:
        yield ""
    if result.damaged:
        yield f"{count(result.damaged, 'line')} of the journal can't be read and were passed over"
    if not result.runs:
        yield f"{style.bold}nothing to undo in {shown(result.folder)}{style.reset}"
        return
    failed = f", {len(result.failed):,} not" if result.failed else ""
    runs = count(len(result.runs), "run")
    yield f"{style.bold}{count(len(result.restored), 'file')} restored{failed} ({runs}){style.reset}"
    if any(_may_be_tried_again(file) for file in result.failed):
        yield f"next: mend that, and `augnet undo {pasted(result.typed_folder)}` goes on"


def _may_be_tried_again(file: NotRestored) -> bool:
    return not file.final


def decision_line(decision: Decision, forgotten: bool = False) -> str:
    """One decision, made or forgotten, in words."""
    first, second = map(shown, decision.paths)
    what = "the same picture" if decision.same else "different pictures"
    if forgotten:
        return f"{first} and {second} are no longer {what} because you said so"
    return f"{first} and {second} are {what}"
