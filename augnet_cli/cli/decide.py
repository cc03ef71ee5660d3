"""`augnet decide`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from augnet_cli.cli import options
from augnet_cli.cli.output import printing, text_or_json
from augnet_cli.cli.terminal import note
from augnet_cli.errors import UsageError

_SAY_WHAT = "add --different, --same or --forget"
_ONE_OF = "FOLDER A B --different, or --same, or --forget; FOLDER --export FILE; FOLDER --import FILE"


def decide(
    folder: options.Folder,
    first: Annotated[
        str | None, typer.Argument(metavar="A", help="An image of the folder.", show_default=False)
    ] = None,
    second: Annotated[
        str | None, typer.Argument(metavar="B", help="Another one.", show_default=False)
    ] = None,
    different: Annotated[bool, typer.Option("--different", help="They are not the same picture.")] = False,
    same: Annotated[bool, typer.Option("--same", help="They are the same picture.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Take back what was decided about them.")] = False,
    out: Annotated[
        str | None,
        typer.Option(
            "--export",
            metavar="FILE.jsonl",
            help="Write all decisions on the folder to a file.",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--import",
            metavar="FILE.jsonl",
            help="Take in decisions from a file; they count before older ones.",
            show_default=False,
        ),
    ] = None,
    format: options.OutputFormat = options.Format.text,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Remember that A and B, images of FOLDER, are or are not the same picture.

    By content, so that it holds when files are renamed or moved; the last word on a pair counts.
    All decisions stand in FOLDER/.augnet/decisions.jsonl, one a line.

    --forget takes it back: proof and distance count again.

    Example: augnet decide ./photos a.jpg b.jpg --different
    """
    from augnet_cli.pipeline import decide as verbs
    from augnet_cli.report.acting_data import write_decision, write_decisions
    from augnet_cli.report.acting_text import decision_line
    from augnet_cli.report.text import count, write_lines

    text_or_json(format, "decide")
    about_two = different + same + forget
    wanted = about_two + (out is not None) + (file is not None)
    if wanted > 1:
        raise UsageError("decide does one thing at a time", _ONE_OF)
    if not wanted:
        what = "decide what?" if second is None else "what are they to each other?"
        raise UsageError(what, _ONE_OF if second is None else _SAY_WHAT)
    if (first is None or second is None) if about_two else first is not None:
        raise UsageError("a decision is about two images, and only a decision is", _ONE_OF)
    if out is not None or file is not None:
        if out is not None:
            moved, how = verbs.export_decisions(folder, out), "written"
        else:
            moved, how = verbs.import_decisions(folder, file or ""), "taken in"
        note(f"{count(moved, 'decision')} {how}", quiet)
        if format is options.Format.json:
            with printing():
                write_decisions(moved, out or file or "", sys.stdout.buffer)
    elif first is not None and second is not None:
        decision = verbs.decide(folder, first, second, None if forget else same)
        with printing():
            if format is options.Format.json:
                write_decision(decision, forget, sys.stdout.buffer)
            else:
                write_lines([decision_line(decision, forget)], sys.stdout)
