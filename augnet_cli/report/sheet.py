"""The result of `dedupe` as contact sheets: a row a group, the kept picture first, its copies beside it.

Below the groups come pairs of which both stay, nearest first, and stacks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from PIL import Image, ImageDraw, PngImagePlugin

from augnet_cli.cores import usable_cores
from augnet_cli.images.decode import MAX_MEGAPIXELS
from augnet_cli.images.names import shown
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Group, Redundant
from augnet_cli.report.sheet_text import cut_end, cut_middle, font_of
from augnet_cli.report.target import Target, check_target, written_whole
from augnet_cli.report.text import count, size_words
from augnet_cli.report.thumbnails import Thumbnail, thumbnails
from augnet_cli.report.words import verdict_words
from augnet_cli.results import DedupeResult, Stack, Suspect

TITLE = "Duplicates by augnet"  # inside the file
TARGET = Target("--sheet", (".png",), TITLE)

TILE = 176  # pixels: a picture's longer side; one tells a crop from its whole, and six fit a screen
SUSPECTS_SHOWN = 24  # pairs of which both stay; the groups are what was asked for
COPIES_A_ROW = 6  # of a larger group the first ones, and how many more there are
GAP = 16
LINE = 16  # height of a line of text
LINES = 5  # under a picture: verdict, distance, name, size; then how many more there are
TEXT_SIZE = 12
HEAD = 48  # the sheet's own title
ROW = TILE + LINES * LINE + 2 * GAP
WIDTH = (COPIES_A_ROW + 1) * (TILE + GAP) + GAP
# A sheet of 24 rows is 6,500 pixels tall: some 10 MB, which every viewer opens; the next rows start another.
ROWS_A_SHEET = 24
# Nobody looks through more; the page (--html) has them all.
MAX_SHEETS = 50

PAPER, INK, SOFT, RULE, KEPT, WELL = "#ffffff", "#1d1d1b", "#62625c", "#dededa", "#17693f", "#ecece7"


@dataclass(frozen=True, slots=True)
class WrittenSheets:
    """The files that `write_sheets` wrote, and how many groups they show: all, but for MAX_SHEETS."""

    files: tuple[str, ...]
    groups: int


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands under one picture."""

    path: str
    first: str
    second: str
    kept: bool


@dataclass(frozen=True, slots=True)
class Row:
    """Pictures side by side, and how many of them are left out."""

    captions: tuple[Caption, ...]
    more: int = 0


def check_sheet(file: str, *folders: str) -> None:
    """Refuse before the work what can't be written after it.

    Raises:
        UsageError: another suffix than .png.
        FolderError: it can't be written there, or would be one of the images of `folders` next time.
    """
    check_target(file, TARGET)
    inside = os.path.realpath(os.path.dirname(file) or ".")
    reals = map(os.path.realpath, folders)
    if any(os.path.commonpath((inside, folder)) == folder for folder in reals):
        raise TARGET.refusal(file, "inside the folder it would be one of its images")


def write_sheets(
    result: DedupeResult,
    file: str,
    progress: Progress = SILENT,
    workers: int | None = None,
    max_megapixels: float | None = None,
) -> WrittenSheets:
    """Write `groups.png`, and `groups-2.png` and so on where the groups fill more than one sheet.

    Each file is written whole or not at all.

    Raises:
        UsageError, FolderError: as `check_sheet`.
    """
    check_sheet(file, *(result.searched or (result.folder,)))
    groups = result.groups[: ROWS_A_SHEET * MAX_SHEETS]
    rows = [*map(_group, groups), *map(_suspect, result.suspects[:SUSPECTS_SHOWN])]
    rows = [*rows, *map(_stack, result.stacks)][: ROWS_A_SHEET * MAX_SHEETS]
    sheets = max(1, -(-len(rows) // ROWS_A_SHEET))
    files = tuple(_name_of(file, number) for number in range(1, sheets + 1))
    for other in files:
        check_target(other, TARGET)
    paths = [caption.path for row in rows for caption in row.captions]
    progress.start("drawing sheets", len(paths))
    threads, limit = workers or usable_cores(), max_megapixels or MAX_MEGAPIXELS
    try:
        with closing(thumbnails(result.folder, paths, TILE, _same, threads, limit)) as pictures:
            for number, name in enumerate(files):
                first = number * ROWS_A_SHEET
                title = f"{_totals(result)}; sheet {number + 1:,} of {sheets:,}"
                sheet = _Sheet(title, len(rows[first : first + ROWS_A_SHEET]))
                for place, row in enumerate(rows[first : first + ROWS_A_SHEET], start=first):
                    sheet.row(place, row, islice(pictures, len(row.captions)), progress)
                sheet.save(name)
    finally:
        progress.finish()
    return WrittenSheets(files, len(groups))


def _name_of(file: str, number: int) -> str:
    stem, suffix = os.path.splitext(file)
    return file if number == 1 else f"{stem}-{number}{suffix}"


def _same(thumbnail: Thumbnail) -> Thumbnail:
    return thumbnail


def _group(group: Group) -> Row:
    kept = Caption(group.kept.path, "kept", group.kept.reason, True)
    copies = tuple(_copy(image) for image in group.redundant[:COPIES_A_ROW])
    return Row((kept, *copies), max(0, len(group.redundant) - COPIES_A_ROW))


def _suspect(suspect: Suspect) -> Row:
    return Row((Caption(suspect.other, "stays", "", False), _copy(suspect)))


def _copy(image: Redundant | Suspect) -> Caption:
    words = ", ".join(verdict_words(image))
    return Caption(image.path, words, f"distance {float(image.distance):.4f}", False)


def _stack(stack: Stack) -> Row:
    some = stack.paths[: COPIES_A_ROW + 1]
    captions = tuple(Caption(path, "stack, all stay", "", False) for path in some)
    return Row(captions, len(stack.paths) - len(some))


def _totals(result: DedupeResult) -> str:
    redundant = sum(len(group.redundant) for group in result.groups)
    name = shown(os.path.basename(result.folder.rstrip(os.sep)) or result.folder)
    images = f"{count(result.images, 'image')}, {count(len(result.groups), 'group')}, {redundant:,} redundant"
    return f"{name}: {images} ({size_words(result.redundant_bytes)})"


class _Sheet:
    """One picture of many rows; `row` is called from the top down."""

    def __init__(self, title: str, rows: int) -> None:
        self._image = Image.new("RGB", (WIDTH, HEAD + max(1, rows) * ROW), PAPER)
        self._pen = ImageDraw.Draw(self._image)
        self._font = font_of(TEXT_SIZE)
        self._top = HEAD
        self._say((GAP, (HEAD - LINE) // 2), cut_end(title, self._font, WIDTH - 2 * GAP), INK)

    def row(
        self,
        number: int,
        row: Row,
        pictures: Iterator[Thumbnail],
        progress: Progress,
    ) -> None:
        self._pen.line((GAP, self._top, WIDTH - GAP, self._top), RULE)
        for column, (caption, picture) in enumerate(zip(row.captions, pictures, strict=True)):
            left = GAP + column * (TILE + GAP)
            self._picture(left, picture, caption.kept)
            self._caption(left, caption, picture, number)
            progress.advance(skipped=int(picture.pixels is None))
        if row.more > 0:
            left = GAP + COPIES_A_ROW * (TILE + GAP)
            top = self._top + GAP + TILE + 6 + (LINES - 1) * LINE
            self._say((left, top), f"and {row.more:,} more", KEPT)
        self._top += ROW

    def save(self, file: str) -> None:
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Title", TITLE)
        with written_whole(file, TARGET) as stream:
            self._image.save(stream, "PNG", pnginfo=notes)

    def _picture(self, left: int, picture: Thumbnail, kept: bool) -> None:
        top = self._top + GAP
        if picture.pixels is None:
            self._pen.rectangle((left, top, left + TILE - 1, top + TILE - 1), WELL)
            inset, middle = left + GAP // 2, top + TILE // 2
            self._say((inset, middle - LINE), "can't be shown", SOFT)
            self._say((inset, middle), cut_end(shown(picture.reason), self._font, TILE - GAP), SOFT)
            return
        small = Image.fromarray(picture.pixels)
        place = (left, top + TILE - small.height)  # on the line of its caption
        self._image.paste(small, place)
        if kept:
            edge = (place[0] - 3, place[1] - 3, place[0] + small.width + 2, place[1] + small.height + 2)
            self._pen.rectangle(edge, outline=KEPT, width=3)

    def _caption(self, left: int, caption: Caption, picture: Thumbnail, number: int) -> None:
        first = f"{number + 1:,}  kept" if caption.kept else caption.first
        size = f"{picture.width:,} x {picture.height:,}" if picture.width else "size unknown"
        lines = (
            (cut_end(first, self._font, TILE), KEPT if caption.kept else INK),
            (cut_end(caption.second, self._font, TILE), SOFT),
            (cut_middle(shown(caption.path), self._font, TILE), INK),
            (f"{size}, {size_words(picture.size_bytes)}" if picture.size_bytes else "gone", SOFT),
        )
        for line, (text, colour) in enumerate(lines):
            self._say((left, self._top + GAP + TILE + 6 + line * LINE), text, colour)

    def _say(self, place: tuple[int, int], text: str, colour: str) -> None:
        self._pen.text(place, text, colour, self._font)
