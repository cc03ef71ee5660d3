"""`augnet calibrate`."""

from __future__ import annotations

from typing import Annotated

import typer

from augnet_cli.cli import options
from augnet_cli.cli.output import finish, show
from augnet_cli.cli.terminal import progress_for
from augnet_cli.errors import UsageError
from augnet_cli.records import DEFAULT_PRECISION


def calibrate(
    folder: options.Folder,
    precision: Annotated[
        float | None,
        typer.Option(
            "--precision",
            help="Share of true ones wanted among the redundant images, over 0 and under 1.  [default: 0.99]",
            show_default=False,
        ),
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option(
            "--plot",
            metavar="FILE.png|.svg",
            help="Also draw the table. Needs the extra `plot`.",
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
    """Say what each distance means in FOLDER, and at which one --precision is reached.

    Altered copies of the folder's own images give recall, the nearness of different images precision.
    The result is kept in FOLDER/.augnet and made again when a twentieth of the images is new;
    `augnet dedupe --no-verify` uses it. Fewer than 1,000 different images are too few: the encoder's own
    distance then serves.

    Example: augnet calibrate ./photos --precision 0.95 --plot curve.png
    """
    from augnet_cli.pipeline.calibrate import calibrate as verb
    from augnet_cli.pipeline.refresh import FolderRequest

    if format is options.Format.paths:
        raise UsageError("calibrate finds nothing to list as paths", "--format text, json or csv")
    if plot is not None:
        from augnet_cli.report.plot import check_plot

        check_plot(plot)
    request = FolderRequest(folder, encoder, exclude or (), max_megapixels, workers, device=device)
    result = verb(request, DEFAULT_PRECISION if precision is None else precision, progress_for(quiet))
    if plot is not None:
        from augnet_cli.report.plot import draw_calibration

        draw_calibration(result, plot)
    show(result, format, quiet=quiet)
    finish(skipped=len(result.skipped), strict=strict, used=result.contents)
