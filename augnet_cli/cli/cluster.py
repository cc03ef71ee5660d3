"""`augnet cluster`."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Annotated

import typer

from augnet_cli.cli import options
from augnet_cli.cli.cluster_files import Files, check_files, write_files
from augnet_cli.cli.output import check_null, finish, show
from augnet_cli.cli.terminal import progress_for
from augnet_cli.errors import UsageError

FIND_OUT = "auto"


class Method(str, Enum):
    """How clusters are found."""

    kmeans = "kmeans"
    agglomerative = "agglomerative"
    hdbscan = "hdbscan"
    scan = "scan"


class Link(str, Enum):
    """What a folder of clusters holds."""

    symlink = "symlink"
    hardlink = "hardlink"
    copy = "copy"


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
            "`agglomerative` joins the nearest, which keeps small clusters beside large ones; "
            "`scan` shows those that an encoder trained with `--method scan` tells apart.",
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
    flags: Annotated[
        bool,
        typer.Option(
            "--flags", help="Look at each picture for what `augnet inspect` flags: dark, blurred and so on."
        ),
    ] = False,
    html: Annotated[
        str | None,
        typer.Option(
            "--html",
            metavar="FILE.html",
            help="Also write a map of all images as one page, to look at and to search; it needs nothing.",
            show_default=False,
        ),
    ] = None,
    sheet: Annotated[
        str | None,
        typer.Option(
            "--sheet",
            metavar="FILE.png",
            help="Also draw contact sheets, a row of examples for each cluster; outside of FOLDER.",
            show_default=False,
        ),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(
            "--into",
            metavar="DIR",
            help="Also build DIR, a folder for each cluster; no image is moved.",
            show_default=False,
        ),
    ] = None,
    link: Annotated[
        Link | None,
        typer.Option("--link", help="What DIR holds.  [default: symlink]", show_default=False),
    ] = None,
    sub_folders: Annotated[
        bool, typer.Option("--sub-folders", help="In DIR, give sub-clusters folders of their own.")
    ] = False,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="FILE.parquet",
            help="Also write a table, a row an image, with its cluster, place and neighbours; needs pyarrow.",
            show_default=False,
        ),
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option(
            "--plot",
            metavar="FILE.png",
            help="Also draw how the number of clusters was chosen (or .svg); needs matplotlib.",
            show_default=False,
        ),
    ] = None,
    assign: Annotated[
        str | None,
        typer.Option(
            "--assign",
            metavar="NEW",
            help="Put the images of the folder NEW into the clusters of FOLDER, and tell of those alone.",
            show_default=False,
        ),
    ] = None,
    layout: Annotated[
        Layout, typer.Option("--layout", help="How the map is made; `umap` needs the extra umap.")
    ] = Layout.pca,
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

    Each cluster is told with a name from the words of its paths, its medoid, examples as different as its
    images, the nearest cluster, doubtful images, dates, cameras and colours; large ones with sub-clusters.
    After a few images came or went, clusters keep their numbers.

    Example: augnet cluster ./photos --html map.html

    Example: augnet cluster ./photos --k 10 --format csv

    Example: augnet cluster ./photos --into ./by-subject
    """
    from augnet_cli.pipeline.refresh import FolderRequest

    check_null(format, null)
    request = FolderRequest(folder, encoder, exclude or (), max_megapixels, workers, device=device)
    files = Files(into, link.value if link else None, sub_folders, out, sheet, plot, html)
    wanted = number_of(k)
    told_of = request if assign is None else replace(request, folder=assign)
    if assign is not None and (files.need_spread or plot is not None or outliers or flags):
        raise UsageError(
            "--assign tells of new images alone, without a map, a table, a plot, outliers or flags",
            "leave those out, or leave out --assign",
        )
    if layout is not Layout.pca and not files.need_spread:
        raise UsageError("--layout is how a map is made, and none was asked for", "add --html map.html")
    check_files(files, told_of, searched=wanted is None and method in (Method.kmeans, Method.agglomerative))
    from augnet_cli.pipeline.cluster import ClusterRequest
    from augnet_cli.pipeline.parting import Wish

    spread = files.need_spread or (format is options.Format.csv and assign is None)
    wish = Wish(method.value, wanted, seed, dedupe_first)
    asked = ClusterRequest(wish, outliers, spread, layout.value, anew, flags)
    progress = progress_for(quiet)
    if assign is None:
        from augnet_cli.pipeline.cluster import cluster as verb

        result = verb(request, asked, progress)
    else:
        from augnet_cli.pipeline.assign import assign as verb_of_new

        result = verb_of_new(request, assign, asked, progress)
    show(result, format, null, quiet)
    write_files(files, result, told_of, progress)
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
