"""`augnet dedupe`."""

from __future__ import annotations

from augnet_cli.cli import options
from augnet_cli.cli.output import check_null, finish, show
from augnet_cli.cli.pictures import check_pictures, write_pictures
from augnet_cli.cli.terminal import progress_for


def dedupe(
    folder: options.FolderUnlessBetween = None,
    threshold: options.Threshold = None,
    no_verify: options.NoVerify = False,
    search: options.Search = options.SearchWay.exact,
    precision: options.Precision = None,
    include_unverified: options.IncludeUnverified = False,
    stacks: options.Stacks = False,
    keep: options.Keep = None,
    reference: options.Reference = None,
    between: options.Between = None,
    within_subfolders: options.WithinSubfolders = False,
    files_from: options.FilesFrom = None,
    plan: options.PlanFile = None,
    encoder: options.Encoder = None,
    format: options.OutputFormat = options.Format.text,
    null: options.Null = False,
    html: options.Html = None,
    sheet: options.Sheet = None,
    exclude: options.Exclude = None,
    max_megapixels: options.MaxMegapixels = None,
    workers: options.Workers = None,
    device: options.Device = "auto",
    fail_on_found: options.FailOnFound = False,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Find images of FOLDER that show the same picture, and choose the one of each to keep.

    Identical files are found by content; altered copies (resized, cropped, turned, captioned, ...) are proved
    by laying one picture upon the other, and each is told with what was done to it. No file is changed.
    The image of a group that stays is chosen by --keep: the unedited one, then most pixels, most bytes,
    the shortest path. --format paths lists the redundant ones; --plan writes them down for `augnet apply`.

    --html shows each group, its pictures laid upon each other. --reference, --between and
    --within-subfolders narrow down what may be a pair; what lies outside of FOLDER never goes.

    Example: augnet dedupe ./photos --html report.html

    Example: augnet dedupe ./inbox --reference ./library
    """
    from augnet_cli.cli.listing import read_list
    from augnet_cli.pipeline.dedupe import dedupe as verb
    from augnet_cli.pipeline.gathered import ScopeRequest
    from augnet_cli.pipeline.refresh import FolderRequest

    check_null(format, null)
    check_pictures(html, sheet, (folder,) if folder else between or ())
    files = None if files_from is None else read_list(files_from)
    scope = ScopeRequest(tuple(reference or ()), between, within_subfolders, files, files_from)
    request = FolderRequest(folder or "", encoder, exclude or (), max_megapixels, workers, device=device)
    progress = progress_for(quiet)
    result = verb(
        request,
        threshold,
        progress,
        precision,
        plan,
        keep,
        not no_verify,
        include_unverified,
        stacks,
        scope,
        search.value,
    )
    show(result, format, null, quiet)
    write_pictures(result, html, sheet, request, progress)
    finish(bool(result.groups), fail_on_found, len(result.skipped), strict, result.images)
