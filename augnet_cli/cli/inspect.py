"""`augnet inspect`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from augnet_cli.cli import options
from augnet_cli.cli.output import check_null, colours, finish, printing
from augnet_cli.cli.terminal import note, progress_for

if TYPE_CHECKING:
    from augnet_cli.results import InspectResult


def inspect(
    folder: options.Folder,
    only: Annotated[
        str | None,
        typer.Option(
            "--only",
            metavar="FLAGS",
            help="List only the images with one of these flags, with commas between: dark, bright, blurred, "
            "low-information, odd-aspect, odd-size, grey.",
            show_default=False,
        ),
    ] = None,
    encoder: options.Encoder = None,
    format: options.OutputFormat = options.Format.text,
    null: options.Null = False,
    exclude: options.Exclude = None,
    max_megapixels: options.MaxMegapixels = None,
    workers: options.Workers = None,
    device: options.Device = "auto",
    fail_on_found: Annotated[
        bool,
        typer.Option("--fail-on-found", help="Exit with 11 if any image is flagged, for more than grey."),
    ] = False,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Say what a folder of images is made of, and which of its pictures look wrong; changes no file.

    Formats, sizes, dates, cameras, copies; and flags: dark, bright, blurred, low-information, odd-aspect,
    odd-size, and grey, which only informs. Each picture is looked at once, as large as a screen shows it; a
    second run opens no file. With --format paths the flagged images are listed, with csv all of them with
    what was measured.

    Example: augnet inspect ./photos --only blurred,dark --format paths
    """
    from augnet_cli.pipeline.inspect import inspect as verb
    from augnet_cli.pipeline.refresh import FolderRequest

    check_null(format, null)
    flags = () if only is None else tuple(word.strip() for word in only.split(","))
    request = FolderRequest(folder, encoder, exclude or (), max_megapixels, workers, device=device)
    result = verb(request, flags, progress_for(quiet))
    _show(result, format, null, quiet)
    skipped = len(result.skipped) + len(result.unread)
    finish(any(result.flagged), fail_on_found, skipped, strict, used=result.total)


def _show(result: InspectResult, format: options.Format, null: bool, quiet: bool) -> None:
    from augnet_cli.report.inspect_data import write_inspect
    from augnet_cli.report.inspect_text import inspect_lines
    from augnet_cli.report.paths import write_paths
    from augnet_cli.report.text import count, write_lines

    with printing():
        if format is options.Format.text:
            write_lines(inspect_lines(result, colours()), sys.stdout)
        elif format is options.Format.paths:
            paths = (image.path for image in result.flagged)
            left_out = write_paths(paths, result.typed_folder, sys.stdout.buffer, null)
            if left_out:
                note(f"{count(left_out, 'path')} with a line break left out; -0 prints all", quiet)
        else:
            write_inspect(result, "json" if format is options.Format.json else "csv", sys.stdout.buffer)
