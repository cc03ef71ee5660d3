"""`augnet apply`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from augnet_cli.acting.outcome import Action
from augnet_cli.cli import options
from augnet_cli.cli.output import colours, printing, text_or_json
from augnet_cli.cli.terminal import progress_for
from augnet_cli.errors import EXIT_SKIPPED, AugnetError, Interrupted, UsageError
from augnet_cli.images.names import pasted, shown

if TYPE_CHECKING:
    from augnet_cli.acting.outcome import ApplyResult, Plan


def apply(
    plan: Annotated[
        str,
        typer.Argument(
            metavar="PLAN", help="What `augnet dedupe --plan` wrote, edited or not.", show_default=False
        ),
    ],
    action: Annotated[
        Action,
        typer.Option(
            "--action",
            help="quarantine: move to FOLDER/.augnet; trash: to the desktop's; hardlink, symlink: a link to "
            "the image that stays takes its place; delete: for good.",
        ),
    ] = Action.quarantine,
    include_unverified: Annotated[
        bool,
        typer.Option("--include-unverified", help="Act also where only a distance speaks for it."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look at everything, change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    format: options.OutputFormat = options.Format.text,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Carry out PLAN: each redundant image goes to quarantine, or where --action says.

    Every file is read again first; where anything differs from the plan its whole group is left alone, and
    the exit code is 3. Sidecars (.xmp, .aae, RAW files, Live Photo films) go with their image or keep it.
    `augnet undo` brings everything back, but for what was deleted.

    Example: augnet apply plan.jsonl --dry-run
    """
    from augnet_cli.acting.plan import read_plan
    from augnet_cli.pipeline.apply import apply as verb

    text_or_json(format, "apply")
    read = read_plan(plan)
    if action is Action.delete and not (dry_run or yes):
        _ask(read)
    result = verb(read, action, include_unverified, dry_run, progress_for(quiet))
    _show(result, format)
    _end(result)


def _ask(plan: Plan) -> None:
    """Make sure that a person wants to delete.

    Raises:
        UsageError: there is nobody to ask.
        AugnetError: the answer is no.
        Interrupted: there is none.
    """
    count = len(plan.lines)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"deleting {count:,} images can't be undone, and there is no terminal to ask at",
            "--yes deletes without asking; --action quarantine can be undone",
        )
    where = shown(plan.folder)
    other_way = "--action quarantine can be undone"
    try:
        wanted = typer.confirm(f"delete up to {count:,} images of {where} for good? no undo", err=True)
    except typer.Abort as stop:
        raise Interrupted("interrupted; nothing was deleted", other_way) from stop
    if not wanted:
        raise AugnetError("nothing was deleted", other_way)


def _show(result: ApplyResult, format: options.Format) -> None:
    from augnet_cli.report.acting_data import write_apply
    from augnet_cli.report.acting_text import apply_lines
    from augnet_cli.report.text import write_lines

    with printing():
        if format is options.Format.json:
            write_apply(result, sys.stdout.buffer)
        else:
            write_lines(apply_lines(result, colours()), sys.stdout)


def _end(result: ApplyResult) -> None:
    from augnet_cli.acting.apply import INTERRUPTED

    if result.stopped == INTERRUPTED:
        raise Interrupted(
            f"interrupted; {result.images:,} images are done and {result.pending:,} were not tried",
            f"the same command goes on; augnet undo {pasted(result.folder)} takes back what was done",
        )
    if result.stopped is not None:
        raise AugnetError(
            result.stopped, f"mend that and run it again; augnet undo {pasted(result.folder)} takes it back"
        )
    if result.refused:
        raise typer.Exit(EXIT_SKIPPED)
