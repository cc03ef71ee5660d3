"""`augnet cluster`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from augnet_cli.cli import options
from augnet_cli.cli.output import check_null, finish, show
from augnet_cli.cli.terminal import progress_for
from augnet_cli.errors import UsageError

FIND_OUT = "auto"


class Method(str, Enum):
    """How clusters are found."""

    kmeans = "kmeans"
    agglomerative = "agglomerative"
    hdbscan = "hdbscan"


class Layout(str, Enum):
    """How a map is made."""

    pca = "pca"
    umap = "umap"


def cluster(
    folder: options.Folder,
    k: Annotated[
        str,
        typer.Option(
            "--k", metavar="NUMBER", help="Number of clusters, or `auto`: found by what stays stable."
        ),
    ] = FIND_OUT,
    method: Annotated[
        Method,
        typer.Option(
            "--method",
            help="`hdbscan` finds dense places, their number too, and leaves out what lies between; "
            "`agglomerative` joins the nearest, which keeps small clusters beside large ones.",
        ),
    ] = Method.kmeans,
    dedupe_first: Annotated[
        bool,
        typer.Option(
            "--dedupe-first/--count-copies", help="Count near copies once, so that they make no cluster."
        ),
    ] = True,
    outliers: Annotated[
        int,
        typer.Option("--outliers", min=0, metavar="N", help="Also list the N images least like any other."),
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all that is drawn at random.")] = 0,
    anew: Annotated[
        bool, typer.Option("--anew", help="Forget the clusters of the last run, and their numbers.")
    ] = False,
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
    """Split the images of FOLDER into clusters that belong together, and say what is in each.

    Large clusters are split again. After a few images came or went, clusters keep their numbers.

    Example: augnet cluster ./photos

    Example: augnet cluster ./photos --k 10 --format csv
    """
    from augnet_cli.pipeline.cluster import ClusterRequest
    from augnet_cli.pipeline.cluster import cluster as verb
    from augnet_cli.pipeline.parting import Wish
    from augnet_cli.pipeline.refresh import FolderRequest

    check_null(format, null)
    wish = Wish(method.value, number_of(k), seed, dedupe_first)
    request = FolderRequest(folder, encoder, exclude or (), max_megapixels, workers, device=device)
    asked = ClusterRequest(wish, outliers, spread=format is options.Format.csv, anew=anew)
    result = verb(request, asked, progress_for(quiet))
    show(result, format, null, quiet)
    finish(skipped=len(result.skipped), strict=strict)


def number_of(k: str) -> int | None:
    """None for `auto`.

    Raises:
        UsageError: it is neither that nor a number of 1 or more.
    """
    if k == FIND_OUT:
        return None
    if not (k.isascii() and k.isdigit() and int(k) >= 1):
        raise UsageError(f"--k {k} is no number of clusters", "--k auto, or --k with a number of 1 or more")
    return int(k)
