"""`augnet bench`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from augnet_cli.cli import options
from augnet_cli.cli.output import colours, printing, text_or_json
from augnet_cli.cli.terminal import progress_for


def bench(
    folder: options.Folder,
    images: Annotated[
        int | None,
        typer.Option(
            "--images",
            min=1,
            help="How many to measure, evenly over FOLDER. Default: 128 for each thread.",
            show_default=False,
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--seconds",
            min=0,
            help="How long to go on, for three rounds at least.  [default: 10]",
            show_default=False,
        ),
    ] = None,
    cold: Annotated[
        bool,
        typer.Option(
            "--cold", help="Read from the disk each time, as of a folder that is new to the machine (Linux)."
        ),
    ] = False,
    encoder: options.Encoder = None,
    format: options.OutputFormat = options.Format.text,
    exclude: options.Exclude = None,
    max_megapixels: options.MaxMegapixels = None,
    workers: options.Workers = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Say how fast each stage of embedding is here, on images of FOLDER, and which one holds the others back.

    Measured are reading, decoding and the encoder: each alone, which is its limit on this machine, and the
    pipeline as far as its end; all in turn, on as many threads as the other commands take. Files come from
    the system's cache, or with --cold from the disk. Nothing is written; FOLDER and its store stay as they
    are.

    Example: augnet bench ./photos
    """
    from augnet_cli.pipeline.bench import bench as verb
    from augnet_cli.pipeline.refresh import FolderRequest
    from augnet_cli.report.bench_data import write_bench
    from augnet_cli.report.bench_text import bench_lines
    from augnet_cli.report.text import write_lines

    text_or_json(format, "bench")
    request = FolderRequest(folder, encoder, exclude or (), max_megapixels, workers)
    result = verb(request, images, seconds, cold, progress_for(quiet))
    with printing():
        if format is options.Format.json:
            write_bench(result, sys.stdout.buffer)
        else:
            write_lines(bench_lines(result, colours()), sys.stdout)
