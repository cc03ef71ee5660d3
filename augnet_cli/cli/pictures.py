"""The files that `dedupe` writes on request beside its result: the page and the contact sheets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from augnet_cli.images.names import shown
from augnet_cli.progress import Progress

if TYPE_CHECKING:
    from augnet_cli.pipeline.refresh import FolderRequest
    from augnet_cli.results import DedupeResult


def check_pictures(html: str | None, sheet: str | None, folders: Sequence[str]) -> None:
    """Refuse before the work what can't be written after it.

    Raises:
        UsageError, FolderError: as `check_page` and `check_sheet`.
    """
    if html is not None:
        from augnet_cli.report.page import check_page

        check_page(html)
    if sheet is not None:
        from augnet_cli.report.sheet import check_sheet

        check_sheet(sheet, *folders)


def write_pictures(
    result: DedupeResult, html: str | None, sheet: str | None, request: FolderRequest, progress: Progress
) -> None:
    """Write what was asked for, and say on stderr what was written.

    Raises:
        FolderError: a file can't be written.
    """
    if html is not None:
        from augnet_cli.report.page import write_page
        from augnet_cli.report.text import count, size_words

        page = write_page(result, html, progress, request.workers, request.max_megapixels)
        size = size_words(page.size_bytes)
        broken = f", {page.broken:,} of them can't be shown" if page.broken else ""
        progress.note(f"{shown(html)}: {count(page.images, 'picture')}{broken}, {size}; open it in a browser")
    if sheet is not None:
        from augnet_cli.report.sheet import write_sheets
        from augnet_cli.report.text import count

        sheets = write_sheets(result, sheet, progress, request.workers, request.max_megapixels)
        names = shown(sheets.files[0])
        if len(sheets.files) > 1:
            names += f" to {shown(sheets.files[-1])}"
        left = len(result.groups) - sheets.groups
        rest = f"; {left:,} more groups are left out, --html shows them" if left else ""
        progress.note(f"{names}: {count(sheets.groups, 'group')}{rest}")
