"""What `cluster` makes on request beside its result: a folder of links, a table, contact sheets, a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from augnet_cli.errors import UsageError
from augnet_cli.images.names import shown
from augnet_cli.progress import Progress
from augnet_cli.results import ClusterResult

if TYPE_CHECKING:
    from augnet_cli.pipeline.refresh import FolderRequest

DEFAULT_LINK = "symlink"  # takes no room, and shows at once where an image really is
LEFT_OUT_SHOWN = 5  # of the images that a folder of links had to do without


def check_files(
    request: FolderRequest,
    into: str | None = None,
    link: str | None = None,
    out: str | None = None,
    sheet: str | None = None,
    plot: str | None = None,
    searched: bool = True,
) -> None:
    """Refuse before the work what can't be made after it.

    Args:
        searched: whether the number of clusters will be searched for, so that there is a curve to plot.

    Raises:
        UsageError: `link` without `into`, `plot` without a search, a file of another kind.
        FolderError, MissingExtraError: as `check_into`, `check_table`, `check_cluster_sheet` and
            `check_count_plot`.
    """
    if link is not None and into is None:
        raise UsageError("--link says how the folder of clusters is made, and there is none", "--into DIR")
    if plot is not None and not searched:
        raise UsageError(
            "--plot draws how the number of clusters was chosen, and it was given", "leave out --k"
        )
    if out is not None:
        from augnet_cli.report.cluster_table import check_table

        check_table(out)
    if sheet is not None:
        from augnet_cli.report.cluster_sheet import check_cluster_sheet

        check_cluster_sheet(sheet, request.folder)
    if plot is not None:
        from augnet_cli.report.cluster_plot import check_count_plot

        check_count_plot(plot, request.folder)
    if into is not None:
        from augnet_cli.acting.into import check_into

        check_into(into, request.folder, link or DEFAULT_LINK, request.exclude)


def write_files(
    result: ClusterResult,
    into: str | None,
    link: str | None,
    out: str | None,
    sheet: str | None,
    plot: str | None,
    request: FolderRequest,
    progress: Progress,
    known: Mapping[str, Sequence[object]] | None = None,
    children: bool = False,
) -> None:
    """Make what was asked for, and say on stderr what was made.

    Args:
        known: further columns of the table, as in `write_table`.
        children: whether sub-clusters have folders of their own.

    Raises:
        UsageError, FolderError: something can't be made; what was made before it stays.
    """
    if out is not None:
        from augnet_cli.report.cluster_table import write_table
        from augnet_cli.report.text import count

        progress.note(f"{shown(out)}: {count(write_table(result, out, known), 'row')}")
    if sheet is not None:
        _write_sheets(result, sheet, request, progress)
    if plot is not None:
        from augnet_cli.report.cluster_plot import draw_count

        draw_count(result, plot)
        progress.note(f"{shown(plot)}: how the number of clusters was chosen")
    if into is not None:
        _write_into(result, into, link or DEFAULT_LINK, children, request, progress)


def _write_sheets(result: ClusterResult, file: str, request: FolderRequest, progress: Progress) -> None:
    from augnet_cli.report.cluster_sheet import write_cluster_sheets
    from augnet_cli.report.text import count

    sheets = write_cluster_sheets(result, file, progress, request.workers, request.max_megapixels)
    names = shown(sheets.files[0])
    if len(sheets.files) > 1:
        names += f" to {shown(sheets.files[-1])}"
    left = len(result.clusters) - sheets.groups
    rest = f"; {left:,} more are left out" if left else ""
    progress.note(f"{names}: {count(sheets.groups, 'cluster')}{rest}")


def _write_into(
    result: ClusterResult,
    into: str,
    link: str,
    children: bool,
    request: FolderRequest,
    progress: Progress,
) -> None:
    from augnet_cli.acting.into import write_into
    from augnet_cli.report.text import count

    made = write_into(result, into, link, children, request.exclude, progress)
    how = {"symlink": "links", "hardlink": "hard links", "copy": "copies"}[link]
    folders = count(made.folders, "folder")
    progress.note(f"{shown(into)}: {folders} with {how} of {count(made.files, 'image')}; none was moved")
    for skip in made.left_out[:LEFT_OUT_SHOWN]:
        progress.note(f"left out: {skip.reason}")
    if len(made.left_out) > LEFT_OUT_SHOWN:
        progress.note(f"left out: {count(len(made.left_out) - LEFT_OUT_SHOWN, 'more image')}")
    if made.left is not None:
        progress.note(f"{shown(made.left)}: the earlier folder, in which there is something new now")
