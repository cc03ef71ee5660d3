"""The result of `dedupe` as contact sheets: each group a strip, the kept picture first, its copies beside it.

Strips stand side by side where they fit.  After the groups come pairs of which both stay, nearest first, and
stacks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from PIL import Image, ImageDraw, PngImagePlugin

from augnet_cli.cores import usable_cores
from augnet_cli.images.decode import MAX_MEGAPIXELS
from augnet_cli.images.names import shown
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Group, Redundant
from augnet_cli.report.sheet_picture import INK, KEPT, LINE, PAPER, RULE, SOFT, TEXT_SIZE, stand
from augnet_cli.report.sheet_text import cut_end, cut_middle, font_of, wrapped
from augnet_cli.report.target import Target, check_target, written_whole
from augnet_cli.report.text import count, size_words
from augnet_cli.report.thumbnails import Thumbnail, thumbnails
from augnet_cli.report.words import verdict_words
from augnet_cli.results import DedupeResult, Stack, Suspect

TITLE = "Duplicates by augnet"  # inside the file
TARGET = Target("--sheet", (".png",), TITLE)

TILE = 176  # pixels: a picture's longer side; one tells a crop from its whole, and six fit a screen
SUSPECTS_SHOWN = 24  # pairs of which both stay; the groups are what was asked for
COPIES_SHOWN = 6  # of a larger group the first ones, and how many more there are
COLUMNS = COPIES_SHOWN + 1
FEWEST_COLUMNS = 4  # of a sheet with little on it: its title wants some width
GAP = 16
VERDICT_LINES = 4  # a copy that was shrunk, cropped, turned and captioned takes as many
HEAD = 48  # the sheet's own title
# A sheet of 24 rows is at most 7,300 pixels tall: some 10 MB, which every viewer opens; the next rows start
# another.
ROWS_A_SHEET = 24
# Nobody looks through more; the page (--html) has them all.
MAX_SHEETS = 50


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
class Strip:
    """Pictures that belong together, and how many of them are left out; `is_group` if some of them may go."""

    captions: tuple[Caption, ...]
    more: int = 0
    is_group: bool = False


def check_sheet(file: str, *folders: str, target: Target = TARGET) -> None:
    """Refuse before the work what can't be written after it.

    Raises:
        UsageError: another suffix than .png.
        FolderError: it can't be written there, or would be one of the images of `folders` next time.
    """
    check_target(file, target)
    inside = os.path.realpath(os.path.dirname(file) or ".")
    reals = map(os.path.realpath, folders)
    if any(os.path.commonpath((inside, folder)) == folder for folder in reals):
        raise target.refusal(file, "inside the folder it would be one of its images")


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
    rows = list(islice(_rows(_strips(result)), ROWS_A_SHEET * MAX_SHEETS))
    sheets = max(1, -(-len(rows) // ROWS_A_SHEET))
    files = tuple(name_of(file, number) for number in range(1, sheets + 1))
    for other in files:
        check_target(other, TARGET)
    shown_groups = sum(strip.is_group for row in rows for strip in row)
    paths = [caption.path for row in rows for strip in row for caption in strip.captions]
    columns = max([FEWEST_COLUMNS, *map(_columns, rows)])
    progress.start("drawing sheets", len(paths))
    threads, limit = workers or usable_cores(), max_megapixels or MAX_MEGAPIXELS
    try:
        with closing(thumbnails(result.folder, paths, TILE, _same, threads, limit)) as pictures:
            group = 0
            for number, name in enumerate(files):
                sheet = _Sheet(f"{_totals(result)}; sheet {number + 1:,} of {sheets:,}", columns)
                for row in rows[number * ROWS_A_SHEET : (number + 1) * ROWS_A_SHEET]:
                    sheet.row(row, group, list(islice(pictures, _columns(row))), progress)
                    group += len(row)
                sheet.save(name)
    finally:
        progress.finish()
    return WrittenSheets(files, shown_groups)


def _strips(result: DedupeResult) -> Iterator[Strip]:
    """Everything that is shown, the groups first."""
    yield from map(_group, result.groups)
    yield from map(_suspect, result.suspects[:SUSPECTS_SHOWN])
    yield from map(_stack, result.stacks)


def _rows(strips: Iterable[Strip]) -> Iterator[tuple[Strip, ...]]:
    """Strips that stand side by side, in their order: as many as fit."""
    row: list[Strip] = []
    for strip in strips:
        if row and _columns(row) + len(strip.captions) > COLUMNS:
            yield tuple(row)
            row = []
        row.append(strip)
    if row:
        yield tuple(row)


def _columns(row: Sequence[Strip]) -> int:
    return sum(len(strip.captions) for strip in row)


def name_of(file: str, number: int) -> str:
    """The file of a sheet, counted from 1."""
    stem, suffix = os.path.splitext(file)
    return file if number == 1 else f"{stem}-{number}{suffix}"


def _same(thumbnail: Thumbnail) -> Thumbnail:
    return thumbnail


def _group(group: Group) -> Strip:
    kept = Caption(group.kept.path, "kept", group.kept.reason, True)
    copies = tuple(_copy(image) for image in group.redundant[:COPIES_SHOWN])
    return Strip((kept, *copies), len(group.redundant) - len(copies), is_group=True)


def _suspect(suspect: Suspect) -> Strip:
    return Strip((Caption(suspect.other, "stays", "", False), _copy(suspect)))


def _copy(image: Redundant | Suspect) -> Caption:
    words = ", ".join(verdict_words(image))
    return Caption(image.path, words, f"distance {float(image.distance):.4f}", False)


def _stack(stack: Stack) -> Strip:
    some = stack.paths[:COLUMNS]
    captions = tuple(Caption(path, "stack, all stay", "", False) for path in some)
    return Strip(captions, len(stack.paths) - len(some))


def _totals(result: DedupeResult) -> str:
    redundant = sum(len(group.redundant) for group in result.groups)
    name = shown(os.path.basename(result.folder.rstrip(os.sep)) or result.folder)
    images = f"{count(result.images, 'image')}, {count(len(result.groups), 'group')}, {redundant:,} redundant"
    return f"{name}: {images} ({size_words(result.redundant_bytes)})"


class _Sheet:
    """One picture of many rows, each as tall as what stands in it; `row` is called from the top down."""

    def __init__(self, title: str, columns: int) -> None:
        self._title = title
        self._width = columns * (TILE + GAP) + GAP
        self._font = font_of(TEXT_SIZE)
        self._rows: list[Image.Image] = []

    def row(
        self, row: Sequence[Strip], number: int, pictures: Sequence[Thumbnail], progress: Progress
    ) -> None:
        """Draw strips side by side; `number` strips came before them, on all sheets."""
        # What can't be shown is a square with the reason in it.
        tall = max(TILE if each.pixels is None else each.pixels.shape[0] for each in pictures)
        source, starts = iter(pictures), []
        tiles: list[tuple[Caption, Thumbnail, list[tuple[str, str]]]] = []
        for place, strip in enumerate(row, start=number + 1):
            starts.append(len(tiles))
            for caption in strip.captions:
                tiles.append((caption, picture := next(source), self._lines(caption, picture, place)))
            if strip.more:
                tiles[-1][2].append((f"and {strip.more:,} more", KEPT))
        below = max(len(lines) for *_, lines in tiles) * LINE
        canvas = Image.new("RGB", (self._width, GAP + tall + GAP // 2 + below + GAP), PAPER)
        pen = ImageDraw.Draw(canvas)
        pen.line((GAP, 0, self._width - GAP, 0), RULE)
        for column, (caption, picture, lines) in enumerate(tiles):
            left = GAP + column * (TILE + GAP)
            if column in starts[1:]:
                pen.line((left - GAP // 2, GAP, left - GAP // 2, canvas.height - GAP), RULE)
            frame = KEPT if caption.kept else None
            stand(canvas, (left, GAP + tall), picture, TILE, self._font, frame)
            for line, (text, colour) in enumerate(lines):
                pen.text((left, GAP + tall + GAP // 2 + line * LINE), text, colour, self._font)
            progress.advance(skipped=int(picture.pixels is None))
        self._rows.append(canvas)

    def save(self, file: str) -> None:
        whole = Image.new("RGB", (self._width, HEAD + sum(row.height for row in self._rows)), PAPER)
        title = cut_end(self._title, self._font, self._width - 2 * GAP)
        ImageDraw.Draw(whole).text((GAP, (HEAD - LINE) // 2), title, INK, self._font)
        top = HEAD
        for row in self._rows:
            whole.paste(row, (0, top))
            top += row.height
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Title", TITLE)
        with written_whole(file, TARGET) as stream:
            whole.save(stream, "PNG", pnginfo=notes)

    def _lines(self, caption: Caption, picture: Thumbnail, number: int) -> list[tuple[str, str]]:
        """What stands under a picture, each line with its colour."""
        first = (f"{number:,}  kept",) if caption.kept else self._wrapped(caption.first, VERDICT_LINES)
        size = f"{picture.width:,} x {picture.height:,}" if picture.width else "size unknown"
        second = self._wrapped(caption.second, 1)
        return [
            *((line, KEPT if caption.kept else INK) for line in first),
            *((line, SOFT) for line in second),
            (cut_middle(shown(caption.path), self._font, TILE), INK),
            (f"{size}, {size_words(picture.size_bytes)}" if picture.size_bytes else "gone", SOFT),
        ]

    def _wrapped(self, text: str, lines: int) -> tuple[str, ...]:
        return wrapped(text, self._font, TILE, lines)
