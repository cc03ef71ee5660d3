"""`augnet leaks`."""

from __future__ import annotations

import sys
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from augnet_cli.cli import options
from augnet_cli.cli.output import colours, finish, printing
from augnet_cli.cli.terminal import progress_for

if TYPE_CHECKING:
    from augnet_cli.results import LeaksResult


class LeaksFormat(str, Enum):
    """How leaks are printed on stdout."""

    text = "text"
    json = "json"
    csv = "csv"
    markdown = "markdown"


def leaks(
    train: Annotated[
        str, typer.Argument(metavar="TRAIN", help="Folder of images to learn from.", show_default=False)
    ],
    test: Annotated[
        str, typer.Argument(metavar="TEST", help="Folder of images to judge by.", show_default=False)
    ],
    val: Annotated[
        str | None,
        typer.Argument(metavar="VAL", help="Folder of images to choose by.", show_default=False),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            min=0,
            max=2,
            help="Cosine distance, 1 - cos: pairs farther apart are not looked at; 0 is the same. Default: "
            "all likely pairs are looked at, whatever their distance. With --no-verify: at or under it two "
            "images are the same; default the one that dedupe --no-verify takes for TRAIN.",
            show_default=False,
        ),
    ] = None,
    no_verify: options.NoVerify = False,
    search: options.Search = options.SearchWay.exact,
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            metavar="FILE",
            help="Encoder to use (.onnx) for all folders. Default: the shipped one, even where a folder "
            "has one of its own.",
            show_default=False,
        ),
    ] = None,
    format: Annotated[
        LeaksFormat, typer.Option("--format", help="How to print the result on stdout.")
    ] = LeaksFormat.text,
    write_clean: Annotated[
        str | None,
        typer.Option(
            "--write-clean",
            metavar="FILE.txt",
            help="Also list what may stay in TRAIN, a path a line: its images that are in no other split.",
            show_default=False,
        ),
    ] = None,
    exclude: options.Exclude = None,
    max_megapixels: options.MaxMegapixels = None,
    workers: options.Workers = None,
    device: options.Device = "auto",
    fail_on_found: Annotated[
        bool, typer.Option("--fail-on-found", help="Exit with 11 if any image is in two splits.")
    ] = False,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Find images of one split of a data set that are, however altered, in another one too.

    Pairs within a split don't count. Each pair is proved as dedupe does; no file is changed. TRAIN loses what
    it shares: TEST stays as it is, or results on it could not be compared; of VAL and TEST it is VAL.
    --write-clean lists what is left of TRAIN; augnet leaks VAL TEST does the same for VAL.
    Where the splits are laid out by class (TRAIN/cat/1.jpg), pairs with different labels are marked.

    Example: augnet leaks data/train data/test --fail-on-found
    """
    from augnet_cli.pipeline.leaks import leaks as verb
    from augnet_cli.pipeline.refresh import FolderRequest

    folders = (train, test) if val is None else (train, test, val)
    request = FolderRequest("", encoder, exclude or (), max_megapixels, workers, device=device)
    progress = progress_for(quiet)
    result = verb(request, folders, threshold, progress, not no_verify, write_clean, search.value)
    _show(result, format)
    finish(bool(result.leaks), fail_on_found, len(result.skipped), strict)


def _show(result: LeaksResult, format: LeaksFormat) -> None:
    from augnet_cli.report.data import write_leaks
    from augnet_cli.report.leaks_text import leaks_lines, leaks_markdown
    from augnet_cli.report.text import write_lines

    with printing():
        if format is LeaksFormat.text:
            write_lines(leaks_lines(result, colours()), sys.stdout)
        elif format is LeaksFormat.markdown:
            write_lines(leaks_markdown(result), sys.stdout)
        else:
            write_leaks(result, "json" if format is LeaksFormat.json else "csv", sys.stdout.buffer)
