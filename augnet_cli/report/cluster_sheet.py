"""Clusters as contact sheets: a line of exemplars a cluster under its name, then the outliers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from PIL import Image, ImageDraw, PngImagePlugin

from augnet_cli.cores import usable_cores
from augnet_cli.images.decode import MAX_MEGAPIXELS
from augnet_cli.images.names import shown
from augnet_cli.progress import SILENT, Progress
from augnet_cli.report.cluster_text import facts_words, looks_words
from augnet_cli.report.sheet import (
    COLUMNS,
    FEWEST_COLUMNS,
    GAP,
    HEAD,
    MAX_SHEETS,
    ROWS_A_SHEET,
    TILE,
    WrittenSheets,
    check_sheet,
    name_of,
)
from augnet_cli.report.sheet_picture import INK, LINE, PAPER, RULE, SOFT, TEXT_SIZE, stand
from augnet_cli.report.sheet_text import cut_end, cut_middle, font_of
from augnet_cli.report.target import Target, check_target, written_whole
from augnet_cli.report.text import count
from augnet_cli.report.thumbnails import Thumbnail, thumbnails
from augnet_cli.results import ClusterResult

TITLE = "Clusters by augnet"  # inside the file
TARGET = Target("--sheet", (".png",), TITLE)

HEADING_SIZE = 17  # of a cluster's name: to be found from afar
HEADING = 24  # height of a line of it
OUTLIER_LINES = 4  # of outliers: the oddest are what one looks for
BAR_WIDTH, BAR_HEIGHT = 176, 10  # of a cluster's colours, at the right: as wide as a picture


@dataclass(frozen=True, slots=True)
class Line:
    """Pictures side by side, each a path and what stands under it, under a heading if this begins something.

    `colours` are `#rrggbb` and shares; `is_cluster` if it is a cluster's.
    """

    pictures: tuple[tuple[str, str], ...]
    name: str = ""
    facts: str = ""
    more: str = ""
    colours: tuple[tuple[str, float], ...] = ()
    is_cluster: bool = False


def check_cluster_sheet(file: str, folder: str) -> None:
    """Refuse before the work what can't be written after it.

    Raises:
        UsageError, FolderError: as `check_sheet`.
    """
    check_sheet(file, folder, target=TARGET)


def write_cluster_sheets(
    result: ClusterResult,
    file: str,
    progress: Progress = SILENT,
    workers: int | None = None,
    max_megapixels: float | None = None,
) -> WrittenSheets:
    """Write `clusters.png`, and `clusters-2.png` and so on where the clusters fill more than one sheet.

    `groups` of what is returned are clusters. Each file is written whole or not at all.

    Raises:
        UsageError, FolderError: as `check_sheet`.
    """
    check_cluster_sheet(file, result.folder)
    lines = list(islice(_lines(result), ROWS_A_SHEET * MAX_SHEETS))
    sheets = [lines[start : start + ROWS_A_SHEET] for start in range(0, len(lines), ROWS_A_SHEET)] or [[]]
    files = tuple(name_of(file, number) for number in range(1, len(sheets) + 1))
    for other in files:
        check_target(other, TARGET)
    paths = [path for line in lines for path, _ in line.pictures]
    pen = _Pen(_columns(result))
    progress.start("drawing sheets", len(paths))
    threads, limit = workers or usable_cores(), max_megapixels or MAX_MEGAPIXELS
    try:
        with closing(thumbnails(result.folder, paths, TILE, _same, threads, limit)) as pictures:
            for number, (name, sheet) in enumerate(zip(files, sheets, strict=True), start=1):
                parts = [pen.title(f"{_totals(result)}; sheet {number:,} of {len(sheets):,}")]
                for line in sheet:
                    small = list(islice(pictures, len(line.pictures)))
                    parts.append(pen.line(line, small))
                    progress.advance(len(small), sum(each.pixels is None for each in small))
                _save(parts, name)
    finally:
        progress.finish()
    return WrittenSheets(files, sum(line.is_cluster for line in lines))


def _lines(result: ClusterResult) -> Iterator[Line]:
    """Clusters in their order, then the outliers."""
    names = {cluster.id: cluster.name for cluster in result.clusters}
    for cluster in result.clusters:
        when, with_what, _, shapes = looks_words(cluster.looks)
        yield Line(
            pictures=tuple((path, "") for path in cluster.exemplars[:COLUMNS]),
            name=f"{cluster.id}  {shown(cluster.name)}" if cluster.name else f"cluster {cluster.id}",
            facts=facts_words(cluster, names),
            more="; ".join(filter(None, (when, with_what, shapes))),
            colours=cluster.looks.colours,
            is_cluster=True,
        )
    columns = _columns(result)
    odd = [(one.path, f"distance {one.distance:.4f}") for one in result.outliers]
    for start in range(0, min(len(odd), OUTLIER_LINES * columns), columns):
        pictures = tuple(odd[start : start + columns])
        yield Line(pictures) if start else Line(pictures, "outliers", "least like any other")


def _columns(result: ClusterResult) -> int:
    most = max((len(cluster.exemplars) for cluster in result.clusters), default=0)
    return max(FEWEST_COLUMNS, min(COLUMNS, most))


def _totals(result: ClusterResult) -> str:
    name = shown(os.path.basename(result.folder.rstrip(os.sep)) or result.folder)
    images = count(sum(cluster.size for cluster in result.clusters), "image")
    noise = f", {len(result.noise):,} in none" if result.noise else ""
    return f"{name}: {images} in {count(len(result.clusters), 'cluster')}{noise}"


def _same(thumbnail: Thumbnail) -> Thumbnail:
    return thumbnail


class _Pen:
    """Draws lines of a sheet that has room for so many columns."""

    def __init__(self, columns: int) -> None:
        self._width = columns * (TILE + GAP) + GAP
        self._font, self._large = font_of(TEXT_SIZE), font_of(HEADING_SIZE)

    def title(self, text: str) -> Image.Image:
        """The head of a sheet."""
        head = Image.new("RGB", (self._width, HEAD), PAPER)
        text = cut_end(text, self._large, self._width - 2 * GAP)
        ImageDraw.Draw(head).text((GAP, (HEAD - HEADING) // 2), text, INK, self._large)
        return head

    def line(self, line: Line, pictures: Sequence[Thumbnail]) -> Image.Image:
        """A heading, if there is one, and pictures that stand on one line with their names under it."""
        top = self._heading_height(line)
        tall = max((TILE if each.pixels is None else each.pixels.shape[0] for each in pictures), default=0)
        captions = [self._caption(*told) for told in line.pictures]
        below = max(map(len, captions), default=0) * LINE
        canvas = Image.new("RGB", (self._width, top + tall + GAP // 2 + below + GAP), PAPER)
        pen = ImageDraw.Draw(canvas)
        if line.name:
            self._heading(pen, line)
        for column, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
            left, bottom = GAP + column * (TILE + GAP), top + tall
            stand(canvas, (left, bottom), picture, TILE, self._font)
            for number, (text, colour) in enumerate(caption):
                pen.text((left, bottom + GAP // 2 + number * LINE), text, colour, self._font)
        return canvas

    def _caption(self, path: str, words: str) -> list[tuple[str, str]]:
        name = (cut_middle(shown(path), self._font, TILE), SOFT)
        return [(words, INK), name] if words else [name]

    def _heading_height(self, line: Line) -> int:
        if not line.name:
            return GAP // 2
        return GAP + HEADING + (LINE if line.more else 0) + GAP

    def _heading(self, pen: ImageDraw.ImageDraw, line: Line) -> None:
        """The name large, the facts beside it, the colours at the right; when and with what below."""
        pen.line((GAP, 0, self._width - GAP, 0), RULE)
        room = self._width - 2 * GAP - (BAR_WIDTH + GAP if line.colours else 0)
        name = cut_end(line.name, self._large, room // 2)
        pen.text((GAP, GAP), name, INK, self._large)
        start = GAP + round(self._large.getlength(name)) + GAP
        facts = cut_end(line.facts, self._font, GAP + room - start)
        # On the same line of writing: letters of both sizes stand on it.
        pen.text((start, GAP + (HEADING_SIZE - TEXT_SIZE)), facts, SOFT, self._font)
        if line.more:
            more = cut_end(line.more, self._font, self._width - 2 * GAP)
            pen.text((GAP, GAP + HEADING), more, SOFT, self._font)
        self._bar(pen, line.colours)

    def _bar(self, pen: ImageDraw.ImageDraw, colours: Sequence[tuple[str, float]]) -> None:
        """Colours as wide as their shares; a rule around them, for white ones."""
        whole = sum(share for _, share in colours)
        if whole <= 0:
            return
        start = left = self._width - GAP - BAR_WIDTH
        top, seen = GAP + (HEADING_SIZE - BAR_HEIGHT) // 2 + 2, 0.0
        for colour, share in colours:
            seen += share
            right = start + round(BAR_WIDTH * seen / whole)
            if right > left:
                pen.rectangle((left, top, right - 1, top + BAR_HEIGHT - 1), colour)
            left = right
        pen.rectangle((start - 1, top - 1, start + BAR_WIDTH, top + BAR_HEIGHT), outline=RULE)


def _save(parts: Sequence[Image.Image], file: str) -> None:
    whole = Image.new("RGB", (parts[0].width, sum(part.height for part in parts)), PAPER)
    top = 0
    for part in parts:
        whole.paste(part, (0, top))
        top += part.height
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Title", TITLE)
    with written_whole(file, TARGET) as stream:
        whole.save(stream, "PNG", pnginfo=notes)
