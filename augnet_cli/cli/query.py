"""`augnet query`."""

from __future__ import annotations

from typing import Annotated

import typer

from augnet_cli.cli import options
from augnet_cli.cli.output import check_null, show
from augnet_cli.cli.terminal import progress_for

MAX_K = 1_000_000  # nobody reads as many


def query(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="The image to look for.", show_default=False)],
    k: Annotated[int, typer.Option("--k", min=1, max=MAX_K, help="How many hits.")] = 10,
    folder: Annotated[
        str | None,
        typer.Option(
            "--in",
            metavar="FOLDER",
            help="Where to search. Default: the store that is nearest.",
            show_default=False,
        ),
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Look for new and changed images first.")
    ] = False,
    encoder: options.Encoder = None,
    format: options.OutputFormat = options.Format.text,
    null: options.Null = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """List the images nearest to IMAGE with their distances, nearest first.

    The folder is --in, else AUGNET_FOLDER, else the store at or above the image, at or above the current
    folder, the only one in a child of it, or the one used last; stderr says which.

    Example: augnet query img.png --k 10
    """
    from augnet_cli.pipeline.query import query as verb

    check_null(format, null)
    result = verb(image, k, folder, encoder, refresh, progress_for(quiet))
    show(result, format, null, quiet)
