"""`augnet cluster`."""

from __future__ import annotations

from typing import Annotated

import typer

from augnet_cli.cli import options
from augnet_cli.cli.output import check_null, finish, show
from augnet_cli.cli.terminal import progress_for


def cluster(
    folder: options.Folder,
    k: Annotated[
        int | None,
        typer.Option(
            "--k", min=1, help="Number of clusters.  [default: 10, or fewer images]", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the first centres.")] = 0,
    encoder: options.Encoder = None,
    format: options.OutputFormat = options.Format.text,
    null: options.Null = False,
    exclude: options.Exclude = None,
    max_megapixels: options.MaxMegapixels = None,
    workers: options.Workers = None,
    device: options.Device = "auto",
    strict: options.Strict = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Split the images of FOLDER into clusters that belong together, by k-means over their embeddings.

    Example: augnet cluster ./photos --k 10 --format csv
    """
    from augnet_cli.pipeline.cluster import cluster as verb
    from augnet_cli.pipeline.refresh import FolderRequest

    check_null(format, null)
    request = FolderRequest(folder, encoder, exclude or (), max_megapixels, workers, device=device)
    result = verb(request, k, seed, progress_for(quiet))
    show(result, format, null, quiet)
    finish(skipped=len(result.skipped), strict=strict)
