"""`augnet`: the app, and the one place where an error becomes text and an exit code."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from augnet_cli.cli.cluster import cluster
from augnet_cli.cli.dedupe import dedupe
from augnet_cli.cli.embed import embed
from augnet_cli.cli.info import info
from augnet_cli.cli.query import query
from augnet_cli.cli.train import train
from augnet_cli.errors import AugnetError

EXIT_BUG = 70  # sysexits.h EX_SOFTWARE
EXIT_INTERRUPTED = 130  # as shells report SIGINT

app = typer.Typer(
    name="augnet",
    help="Find duplicates, clusters and look-alikes in a folder of images; train your own encoder for them.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (train, embed, dedupe, cluster, query, info):
    app.command()(command)


def _version(wanted: bool) -> None:
    if wanted:
        from augnet_cli.version import __version__

        typer.echo(f"augnet {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options before the command."""


def run() -> None:
    """Run the program; never returns."""
    debug = "--debug" in sys.argv
    try:
        app()
    except AugnetError as error:
        if debug:
            raise
        _say(error.what, error.hint)
        _end(error.exit_code)
    except KeyboardInterrupt:
        _say("interrupted; what was finished is saved", "run the same command again to go on")
        _end(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of stdout (`head`) has gone: nothing is wrong.
        _end(0)
    except Exception as error:
        if debug:
            raise
        _say(f"a bug in augnet: {type(error).__name__}: {error}", "run it again with --debug and report what it shows")
        _end(EXIT_BUG)


def _say(what: str, hint: str) -> None:
    sys.stderr.write(f"augnet: {' '.join(what.split())}\n  hint: {' '.join(hint.split())}\n")


def _end(code: int) -> None:
    # Without this the interpreter would flush stdout once more, and complain about the broken pipe.
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
