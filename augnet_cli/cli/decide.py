"""`augnet decide`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from augnet_cli.cli import options
from augnet_cli.cli.output import printing, text_or_json
from augnet_cli.cli.terminal import note
from augnet_cli.errors import UsageError

_ONE_OF = "FOLDER A B --different, FOLDER A B --same, FOLDER --export FILE, or FOLDER --import FILE"


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

    Example: augnet decide ./photos a.jpg b.jpg --different
    """
    from augnet_cli.pipeline import decide as verbs
    from augnet_cli.report.acting_data import write_decision
    from augnet_cli.report.acting_text import decision_line
    from augnet_cli.report.text import count, write_lines

    text_or_json(format, "decide")
    if (different + same, out is not None, file is not None).count(0) != 2 or different + same > 1:
        raise UsageError("decide does one thing at a time", _ONE_OF)
    if (first is None or second is None) if different + same else first is not None:
        raise UsageError("a decision is about two images, and only a decision is", _ONE_OF)
    if out is not None:
        note(f"{count(verbs.export_decisions(folder, out), 'decision')} written", quiet)
    elif file is not None:
        note(f"{count(verbs.import_decisions(folder, file), 'decision')} taken in", quiet)
    elif first is not None and second is not None:
        decision = verbs.decide(folder, first, second, same)
        with printing():
            if format is options.Format.json:
                write_decision(decision, sys.stdout.buffer)
            else:
                write_lines([decision_line(decision)], sys.stdout)
