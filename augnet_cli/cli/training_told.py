"""How `augnet train` tells what came of it, and who of several processes speaks."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from augnet_cli.cli.output import printing
from augnet_cli.cli.terminal import note, write_to_people
from augnet_cli.errors import AugnetError

if TYPE_CHECKING:
    from augnet_cli.training.outcome import DatasetOutcome, TrainOutcome

ASKED = "help"  # in place of NAME=VALUE


@contextlib.contextmanager
def one_voice(leads: bool) -> Iterator[None]:
    """Of several processes that stop for the same reason, let the one that leads say it.

    The others end as if all were well: `torchrun` ends all as soon as one fails, and it must have spoken.
    """
    try:
        yield
    except (AugnetError, KeyboardInterrupt):
        if leads:
            raise
        raise typer.Exit from None


def tell(outcome: TrainOutcome, quiet: bool) -> None:
    """What a person should know, on stderr: the table, what became of the new encoder, what was left out."""
    from augnet_cli.images.names import shown
    from augnet_cli.training.outcome import score_lines

    if not quiet:
        write_to_people("\n".join(["", *score_lines(outcome.before, outcome.after), ""]) + "\n")
    where = f"encoder {outcome.card.id}" if outcome.decision.taken else f"encoder {outcome.before.encoder}"
    what = "serves from now on" if outcome.decision.taken else "was kept"
    note(f"{where} {what}: the new one is {outcome.decision.why}", quiet)
    note(f"{shown(outcome.record)} and training.png beside it tell how it went", quiet)
    if outcome.skipped:
        note(f"{len(outcome.skipped)} images were not used; `augnet embed` lists them", quiet)


def tell_settings(method: str | None) -> None:
    """The settings of a method, on stdout.

    Raises:
        UsageError: there is no such method.
    """
    from augnet_cli.training.methods import method_class
    from augnet_cli.training.request import DEFAULT_METHOD
    from augnet_cli.training.settings_told import setting_lines

    with printing():
        for line in setting_lines(method_class(method or DEFAULT_METHOD).Config):
            typer.echo(line)


def print_line(line: dict[str, Any]) -> None:
    with printing():
        typer.echo(json.dumps(line))


def tell_of_dataset(outcome: DatasetOutcome, data: str, replaced: bool, quiet: bool) -> None:
    """The same of a run on a data set, in the user's words; `replaced` is a file that stood there before."""
    from augnet_cli.images.names import shown

    note(f"encoder {outcome.card.id} learnt from {outcome.images:,} images of {shown(data)}", quiet)
    if replaced:
        note(f"it replaces the file that was {shown(outcome.file)}", quiet)
    note(f"{shown(outcome.record)} and training.png beside it tell how it went", quiet)
    if outcome.skipped:
        note(f"{len(outcome.skipped):,} images could not be used", quiet)


def print_file(file: str) -> None:
    """The encoder's path, as bytes: a name that is no UTF-8 can be printed no other way."""
    with printing():
        typer.echo(os.fsencode(file))
