"""`augnet undo`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from augnet_cli.cli import options
from augnet_cli.cli.output import colours, printing, text_or_json
from augnet_cli.cli.terminal import progress_for
from augnet_cli.errors import EXIT_SKIPPED, UsageError


def undo(
    folder: options.Folder,
    last: Annotated[
        bool, typer.Option("--last", help="The newest run that has anything left to undo (default).")
    ] = False,
    all: Annotated[bool, typer.Option("--all", help="Every run, newest first.")] = False,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="NAME", help="One run, as `apply` named it.", show_default=False),
    ] = None,
    format: options.OutputFormat = options.Format.text,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Bring back what `augnet apply` took from FOLDER: bytes, names, times and permissions as they were.

    Nothing is overwritten: where another file stands by now, that one is left, the old one stays in
    quarantine, and the exit code is 3. From the trash only while the trash has it; what was deleted is gone.

    Example: augnet undo ./photos --all
    """
    from augnet_cli.pipeline.undo import undo as verb
    from augnet_cli.report.acting_data import write_undo
    from augnet_cli.report.acting_text import undo_lines
    from augnet_cli.report.text import write_lines

    text_or_json(format, "undo")
    if last + all + (run is not None) > 1:
        raise UsageError("--last, --all and --run exclude each other", "leave all but one of them out")
    result = verb(folder, run or ("all" if all else "last"), progress_for(quiet))
    with printing():
        if format is options.Format.json:
            write_undo(result, sys.stdout.buffer)
        else:
            write_lines(undo_lines(result, colours()), sys.stdout)
    if result.failed or result.damaged:
        raise typer.Exit(EXIT_SKIPPED)
