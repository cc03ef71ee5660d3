"""`augnet query`."""

from __future__ import annotations

from typing import Annotated

import typer

from augnet_cli.cli import options
from augnet_cli.cli.output import check_null, finish, show
from augnet_cli.cli.terminal import progress_for

MAX_K = 1_000_000  # nobody reads as many

Images = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGE...",
        help="Images to look for, from anywhere; a folder is all images below it, - reads paths from stdin.",
        show_default=False,
    ),
]
In = Annotated[
    str | None,
    typer.Option(
        "--in",
        metavar="FOLDER",
        help="Where to search. Default: the store that is nearest.",
        show_default=False,
    ),
]
Average = Annotated[
    bool,
    typer.Option("--average", help="One answer to all images together, by the mean of their embeddings."),
]
Not = Annotated[
    list[str] | None,
    typer.Option("--not", metavar="IMAGE", help="Push away from this image; repeatable.", show_default=False),
]
Farthest = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        min=0,
        max=2,
        help="No hits farther than this cosine distance, 1 - cos.",
        show_default=False,
    ),
]
CropOf = Annotated[
    str | None,
    typer.Option(
        "--crop",
        metavar="X,Y,W,H",
        help="Ask by a part of the one image: left, top, width and height in pixels, as it is shown upright.",
        show_default=False,
    ),
]
Verify = Annotated[
    bool,
    typer.Option(
        "--verify", help="Say which hits are the same picture, proved by laying one upon the other."
    ),
]
Html = Annotated[
    str | None,
    typer.Option(
        "--html",
        metavar="FILE.html",
        help="Also write a page that shows the hits; it holds all it needs.",
        show_default=False,
    ),
]
Sheet = Annotated[
    str | None,
    typer.Option(
        "--sheet",
        metavar="FILE.png",
        help="Also draw contact sheets, a row a query; outside of the folder searched.",
        show_default=False,
    ),
]
Show = Annotated[
    bool,
    typer.Option("--show", help="Draw the hits in the terminal, by its graphics or by coloured half blocks."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 3 if any of the images was left out.")]


def query(
    images: Images,
    k: Annotated[int, typer.Option("--k", min=1, max=MAX_K, help="How many hits of each.")] = 10,
    folder: In = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Look for new and changed images first.")
    ] = False,
    average: Average = False,
    without: Not = None,
    threshold: Farthest = None,
    crop: CropOf = None,
    verify: Verify = False,
    encoder: options.Encoder = None,
    format: options.OutputFormat = options.Format.text,
    null: options.Null = False,
    html: Html = None,
    sheet: Sheet = None,
    draw: Show = False,
    strict: Strict = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """List the images nearest to each IMAGE with their distances, nearest first.

    The folder is --in, else AUGNET_FOLDER, else the store at or above the first image, at or above the
    current folder, the only one in a child of it, or the one used last; stderr says which. It is not looked
    through for new images without --refresh. The files that are asked by are no hits.

    Of several images each has an answer of its own, or with --average all have one. Those that can't be used
    are left out and named on stderr.

    Example: augnet query img.png --k 10

    Example: augnet query a.jpg b.jpg --average --not c.jpg --sheet hits.png
    """
    from augnet_cli.cli.asking import (
        check_query_pictures,
        drawings_of,
        names_of,
        part_of,
        write_query_pictures,
    )
    from augnet_cli.pipeline.query import QueryRequest
    from augnet_cli.pipeline.query import query as verb

    check_null(format, null)
    names = names_of(images)
    check_query_pictures(html, sheet, draw, format, names, folder)
    progress = progress_for(quiet)
    request = QueryRequest(
        images=names,
        k=k,
        folder=folder,
        encoder=encoder,
        refresh=refresh,
        average=average,
        without=tuple(without or ()),
        threshold=threshold,
        crop=part_of(crop),
        verify=verify,
    )
    result = verb(request, progress)
    with drawings_of(result, draw) as pictures:
        show(result, format, null, quiet, pictures)
    write_query_pictures(result, html, sheet, progress)
    finish(skipped=len(result.skipped), strict=strict)
