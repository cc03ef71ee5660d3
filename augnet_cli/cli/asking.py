"""The words of `augnet query` that need a closer look, and the pictures that it makes on request."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from augnet_cli.cli.listing import STDIN, read_list
from augnet_cli.cli.options import Format
from augnet_cli.errors import UsageError
from augnet_cli.images.names import shown
from augnet_cli.progress import Progress

if TYPE_CHECKING:
    from augnet_cli.report.terminal_pictures import Screen
    from augnet_cli.results import QueryResult

PART = re.compile(r"\s*(\d{1,9})\s*,\s*(\d{1,9})\s*,\s*(\d{1,9})\s*,\s*(\d{1,9})\s*", re.ASCII)
# Pixels of a cell where the terminal does not tell: most letters are about so large.
USUAL_CELL = (10, 20)
LIST_HINT = "pipe paths to it, one a line or with zero bytes between: find . -name '*.jpg' | augnet query -"


def names_of(images: Sequence[str]) -> tuple[str, ...]:
    """The images as typed, with those that stdin lists in the place of `-`.

    Raises:
        FolderError: stdin can't be read, or lists nothing.
    """
    names: list[str] = []
    for image in images:
        names += read_list(STDIN, LIST_HINT) if image == STDIN else [image]
    return tuple(names)


def part_of(crop: str | None) -> tuple[int, int, int, int] | None:
    """The four numbers of --crop.

    Raises:
        UsageError: they are not four, or the part is empty.
    """
    if crop is None:
        return None
    found = PART.fullmatch(crop)
    left, top, width, height = (int(number) for number in found.groups()) if found else (0, 0, 0, 0)
    if width < 1 or height < 1:
        raise UsageError(f"{shown(crop)} is no part of a picture", "--crop LEFT,TOP,WIDTH,HEIGHT in pixels")
    return left, top, width, height


def check_query_pictures(
    html: str | None,
    sheet: str | None,
    draw: bool,
    format: Format,
    names: Sequence[str],
    folder: str | None,
) -> None:
    """Refuse before the work what can't be drawn after it.

    Raises:
        UsageError, FolderError: a file can't be written there; stdout shows no pictures; no folder is found.
    """
    if draw:
        _check_screen(format)
    if html is not None:
        from augnet_cli.report.query_page import check_query_page

        check_query_page(html)
    if sheet is not None:
        from augnet_cli.report.query_sheet import TARGET
        from augnet_cli.report.sheet import check_sheet
        from augnet_cli.store.finding import find_folder

        first = os.path.join(names[0], "") if os.path.isdir(names[0]) else names[0]
        searched, _ = find_folder(first, folder, os.getcwd())
        check_sheet(sheet, searched, target=TARGET)


@contextmanager
def drawings_of(result: QueryResult, draw: bool) -> Iterator[Iterator[Iterable[str]] | None]:
    """Of each answer the lines that draw it in this terminal, or None where nothing is to be drawn."""
    if not draw:
        yield None
        return
    from augnet_cli.cli.output import colours
    from augnet_cli.report.query_shown import drawings

    with closing(drawings(result, _screen(), colours())) as pictures:
        yield pictures


def write_query_pictures(
    result: QueryResult, html: str | None, sheet: str | None, progress: Progress
) -> None:
    """Write what was asked for, and say on stderr what was written.

    Raises:
        FolderError: a file can't be written.
    """
    if html is not None:
        from augnet_cli.report.query_page import write_query_page
        from augnet_cli.report.text import count, size_words

        page = write_query_page(result, html, progress)
        size = size_words(page.size_bytes)
        broken = f", {page.broken:,} of them can't be shown" if page.broken else ""
        progress.note(
            f"{shown(html)}: {count(page.pictures, 'picture')}{broken}, {size}; open it in a browser"
        )
    if sheet is not None:
        from augnet_cli.report.query_sheet import write_query_sheets
        from augnet_cli.report.text import count

        sheets = write_query_sheets(result, sheet, progress)
        names = shown(sheets.files[0])
        if len(sheets.files) > 1:
            names += f" to {shown(sheets.files[-1])}"
        left = len(result.answers) - sheets.groups
        rest = f"; {left:,} more answers are left out, --html shows them" if left else ""
        progress.note(f"{names}: {count(sheets.groups, 'answer')}{rest}")


def _check_screen(format: Format) -> None:
    """Refuse --show where no picture could be seen."""
    from augnet_cli.report.terminal_pictures import HALF_BLOCK, graphics_of

    elsewhere = "--sheet hits.png draws them into a file"
    if format is not Format.text:
        raise UsageError(
            f"--show draws in the text, and the format is {format.value}", "--format text --show"
        )
    if not sys.stdout.isatty():
        raise UsageError("--show draws in a terminal, and stdout is none", elsewhere)
    if os.environ.get("NO_COLOR"):
        raise UsageError("--show draws pictures, which need colour, and NO_COLOR forbids it", elsewhere)
    if os.environ.get("TERM") == "dumb":
        raise UsageError("--show draws in colour, and this terminal has none (TERM=dumb)", elsewhere)
    graphics_of(os.environ)  # refused before the search, not after it
    try:
        HALF_BLOCK.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError as error:
        raise UsageError(
            "--show draws with letters that this terminal's encoding lacks", elsewhere
        ) from error


def _screen() -> Screen:
    """The terminal that stdout is."""
    from shutil import get_terminal_size

    from augnet_cli.report.terminal_pictures import Screen, graphics_of

    columns = get_terminal_size().columns
    return Screen(graphics_of(os.environ), columns, *_cell_size(columns))


def _cell_size(columns: int) -> tuple[int, int]:
    """Width and height of a cell in pixels, where the terminal says how many pixels it has."""
    try:
        import fcntl
        import struct
        import termios

        told = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, bytes(8))
    except (ImportError, OSError, ValueError):  # Windows, or no terminal after all
        return USUAL_CELL
    rows, told_columns, width, height = struct.unpack("HHHH", told)
    if not (rows and told_columns and width and height):
        return USUAL_CELL
    return max(1, width // told_columns), max(1, height // rows)
