"""What `cluster` makes on request beside its result: a folder of links, a table, contact sheets, a plot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from augnet_cli.errors import UsageError
from augnet_cli.images.names import shown
from augnet_cli.progress import Progress

if TYPE_CHECKING:
    from augnet_cli.pipeline.refresh import FolderRequest
    from augnet_cli.results import ClusterResult

DEFAULT_LINK = "symlink"  # takes no room, and shows at once where an image really is
LEFT_OUT_SHOWN = 5  # of the images that a folder of links had to do without


@dataclass(frozen=True)
class Files:
    """What is to be made, as the user named it; None is not asked for.

    Attributes:
        into, link: a folder with a folder for each cluster, and whether it holds links or copies.
        children: whether sub-clusters have folders of their own there.
        out: a table.
        sheet: contact sheets.
        plot: how the number of clusters was chosen.
        html: a map.
    """

    into: str | None = None
    link: str | None = None
    children: bool = False
    out: str | None = None
    sheet: str | None = None
    plot: str | None = None
    html: str | None = None

    @property
    def need_spread(self) -> bool:
        """Whether the place of each image must be known."""
        return self.out is not None or self.html is not None


def check_files(files: Files, request: FolderRequest, searched: bool) -> None:
    """Refuse before the work what can't be made after it.

    Args:
        searched: whether the number of clusters will be searched for, so that there is a curve to plot.

    Raises:
        UsageError: `link` without `into`, `plot` without a search, a file of another kind.
        FolderError, MissingExtraError: as `check_into`, `check_table`, `check_cluster_sheet`,
            `check_count_plot` and `check_map`.
    """
    if files.into is None and (files.link is not None or files.children):
        option = "--link" if files.link is not None else "--sub-folders"
        raise UsageError(f"{option} says how the folder of clusters is made, and there is none", "--into DIR")
    if files.plot is not None and not searched:
        raise UsageError(
            "--plot draws how the number of clusters was chosen, and it is not searched for here",
            "leave out --k, --method hdbscan and --method scan",
        )
    if files.out is not None:
        from augnet_cli.report.cluster_table import check_table

        check_table(files.out)
    if files.sheet is not None:
        from augnet_cli.report.cluster_sheet import check_cluster_sheet

        check_cluster_sheet(files.sheet, request.folder)
    if files.plot is not None:
        from augnet_cli.report.cluster_plot import check_count_plot

        check_count_plot(files.plot, request.folder)
    if files.html is not None:
        from augnet_cli.report.map_page import check_map

        check_map(files.html)
    if files.into is not None:
        from augnet_cli.acting.into import check_into

        check_into(files.into, request.folder, files.link or DEFAULT_LINK, request.exclude)


def write_files(files: Files, result: ClusterResult, request: FolderRequest, progress: Progress) -> None:
    """Make what was asked for, and say on stderr what was made.

    Raises:
        UsageError, FolderError: something can't be made; what was made before it stays.
    """
    if files.out is not None:
        from augnet_cli.report.cluster_table import write_table
        from augnet_cli.report.text import count

        progress.note(f"{shown(files.out)}: {count(write_table(result, files.out), 'row')}")
    if files.sheet is not None:
        _write_sheets(result, files.sheet, request, progress)
    if files.plot is not None:
        _draw_plot(result, files.plot, progress)
    if files.html is not None:
        _write_map(result, files.html, request, progress)
    if files.into is not None:
        _write_into(result, files.into, files.link or DEFAULT_LINK, files.children, request, progress)


def _draw_plot(result: ClusterResult, file: str, progress: Progress) -> None:
    from augnet_cli.report.cluster_plot import draw_count

    if not result.curve:
        progress.note(f"{shown(file)} is not drawn: there were too few images to choose from")
        return
    draw_count(result, file)
    progress.note(f"{shown(file)}: how the number of clusters was chosen")


def _write_map(result: ClusterResult, file: str, request: FolderRequest, progress: Progress) -> None:
    from augnet_cli.report.map_page import write_map
    from augnet_cli.report.text import count, size_words

    page = write_map(result, file, progress, request.workers, request.max_megapixels)
    size = size_words(page.size_bytes)
    broken = f", {page.broken:,} of them can't be shown" if page.broken else ""
    pictures = "" if page.pictures == page.images else f", {page.pictures:,} of them with a picture"
    progress.note(
        f"{shown(file)}: {count(page.images, 'image')}{pictures}{broken}, {size}; open it in a browser"
    )


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
