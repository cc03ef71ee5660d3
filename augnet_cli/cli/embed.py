"""`augnet embed`."""

from __future__ import annotations

from typing import Annotated

import typer

from augnet_cli.cli import options
from augnet_cli.cli.output import finish, show
from augnet_cli.cli.terminal import progress_for
from augnet_cli.errors import UsageError


def embed(
    folder: options.Folder,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="FILE.npz",
            help="Also write all paths and embeddings to a file.",
            show_default=False,
        ),
    ] = None,
    encoder: options.Encoder = None,
    format: options.OutputFormat = options.Format.text,
    exclude: options.Exclude = None,
    max_megapixels: options.MaxMegapixels = None,
    workers: options.Workers = None,
    device: options.Device = "auto",
    strict: options.Strict = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Embed the images of FOLDER and keep the result in FOLDER/.augnet.

    A second run touches only what is new or changed. The other commands do this by themselves.

    Example: augnet embed ./photos --out vectors.npz
    """
    from augnet_cli.pipeline.embed import embed as verb
    from augnet_cli.pipeline.refresh import FolderRequest

    if format is options.Format.paths:
        raise UsageError("embed finds nothing to list as paths", "--format text, json or csv")
    request = FolderRequest(folder, encoder, exclude or (), max_megapixels, workers, device=device)
    result = verb(request, out, progress_for(quiet))
    show(result, format, quiet=quiet)
    finish(skipped=len(result.skipped), strict=strict, used=result.images)
