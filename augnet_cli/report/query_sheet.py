"""Hits as contact sheets, as AugNet's authors show them: a row an answer, the query at its left.

The hits follow in order with their distances under them; those proved to be the same picture have a frame.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw, PngImagePlugin

from augnet_cli.cores import usable_cores
from augnet_cli.images.names import shown
from augnet_cli.images.squares import resized
from augnet_cli.progress import SILENT, Progress
from augnet_cli.report.query_pictures import Pictures, chunks, pictures_of
from augnet_cli.report.query_text import first_names, same_words
from augnet_cli.report.sheet import WrittenSheets, check_sheet, name_of
from augnet_cli.report.sheet_picture import INK, KEPT, LINE, PAPER, RULE, SOFT, TEXT_SIZE, stand
from augnet_cli.report.sheet_text import cut_end, cut_middle, font_of, wrapped
from augnet_cli.report.target import Target, check_target, written_whole
from augnet_cli.report.text import count
from augnet_cli.report.thumbnails import Thumbnail
from augnet_cli.results import Answer, Hit, QueryResult

TITLE = "Hits by augnet"  # inside the file
TARGET = Target("--sheet", (".png",), TITLE)

TILE = 144  # pixels: a picture's longer side; ten hits and their query are 1,800 pixels wide
A_LINE = 10  # hits: as many as are looked for where nobody says how many
FEWEST = 4  # columns of hits that a sheet has room for: its title wants some width
HITS_SHOWN = 100  # of an answer; nobody looks through more in a picture
GAP = 16
HEAD = 48  # the sheet's own title
VERDICT_LINES = 3
# 24 lines of pictures are at most 6,000 pixels tall: some 10 MB, which every viewer opens.
LINES_A_SHEET = 24
MAX_SHEETS = 50  # nobody looks through more; the page (--html) has them all
AWAY = "#b3261e"  # the frame of what a query was pushed away from
MOST_ENLARGED = 2.0  # of icons no more than blurs would be seen
CELL_GAP = 4  # pixels between pictures that stand in one square


def write_query_sheets(result: QueryResult, file: str, progress: Progress = SILENT) -> WrittenSheets:
    """Write `hits.png`, and `hits-2.png` and so on where the answers fill more than one sheet.

    `groups` of what is returned are answers.  Each file is written whole or not at all.

    Raises:
        UsageError, FolderError: as `sheet.check_sheet`.
    """
    check_sheet(file, result.folder, target=TARGET)
    sheets = list(_sheets(result.answers))[:MAX_SHEETS]
    files = tuple(name_of(file, number) for number in range(1, len(sheets) + 1))
    for other in files:
        check_target(other, TARGET)
    answers = [answer for sheet in sheets for answer in sheet]
    drawn = QueryResult(result.folder, result.typed_folder, result.encoder, tuple(answers))
    pen = Pen(_columns(result.answers))
    progress.start("drawing sheets", len(answers), "answers")
    try:
        with closing(pictures_of(drawn, TILE, _fitted, usable_cores(), HITS_SHOWN)) as pictures:
            for number, (name, sheet) in enumerate(zip(files, sheets, strict=True), start=1):
                lines = []
                for _ in sheet:
                    lines += pen.lines(next(pictures))
                    progress.advance()
                place = f"; sheet {number:,} of {len(sheets):,}" if len(sheets) > 1 else ""
                _save(pen, _title(result) + place, lines, name)
    finally:
        progress.finish()
    return WrittenSheets(files, len(answers))


def _sheets(answers: Sequence[Answer]) -> Iterator[list[Answer]]:
    """Answers that stand on one sheet, none of them on two."""
    sheet: list[Answer] = []
    room = LINES_A_SHEET
    for answer in answers:
        lines = -(-min(max(len(answer.hits), 1), HITS_SHOWN) // A_LINE)
        if sheet and lines > room:
            yield sheet
            sheet, room = [], LINES_A_SHEET
        sheet.append(answer)
        room -= lines
    if sheet:
        yield sheet


def _columns(answers: Sequence[Answer]) -> int:
    most = max((len(answer.hits) for answer in answers), default=0)
    return max(FEWEST, min(A_LINE, most))


def _title(result: QueryResult) -> str:
    name = shown(os.path.basename(result.folder.rstrip(os.sep)) or result.folder)
    queries = len({query for answer in result.answers for query in answer.queries})
    asked = "1 query" if queries == 1 else f"{queries:,} queries"
    within = "" if result.threshold is None else f" within distance {result.threshold:g}"
    return f"{name}: {asked}, {count(len(result.hits), 'hit')}{within}"


class Pen:
    """Draws answers: a column of queries at the left, a rule, then `columns` of hits."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._font = font_of(TEXT_SIZE)
        self.width = 2 * GAP + TILE + GAP + columns * (TILE + GAP)

    def title(self, text: str) -> Image.Image:
        """The head of a sheet."""
        head = Image.new("RGB", (self.width, HEAD), PAPER)
        text = cut_end(text, self._font, self.width - 2 * GAP)
        ImageDraw.Draw(head).text((GAP, (HEAD - LINE) // 2), text, INK, self._font)
        return head

    def lines(self, pictures: Pictures[Thumbnail]) -> list[Image.Image]:
        """One answer, in as many lines as its hits take."""
        hits = pictures.answer.hits[: len(pictures.hits)]
        made = []
        for part in chunks(len(hits), self._columns):
            is_last = part.stop == len(hits)
            captions = [self._caption(hit) for hit in hits[part]]
            tiles = list(zip(pictures.hits[part], captions, map(_frame, hits[part]), strict=True))
            if is_last and len(hits) < len(pictures.answer.hits):
                captions[-1].append((f"and {len(pictures.answer.hits) - len(hits):,} more", KEPT))
            asked = self._asked(pictures) if part.start == 0 else None
            made.append(self._line(asked, tiles, is_last))
        return made

    def _line(
        self,
        asked: tuple[Thumbnail, list[tuple[str, str]]] | None,
        tiles: Sequence[tuple[Thumbnail, list[tuple[str, str]], str | None]],
        is_last: bool,
    ) -> Image.Image:
        columns: list[tuple[int, Thumbnail, list[tuple[str, str]], str | None]] = []
        if asked is not None:
            columns.append((GAP, *asked, None))
        start = GAP + TILE + 2 * GAP
        columns += [(start + place * (TILE + GAP), *tile) for place, tile in enumerate(tiles)]
        tall = max(TILE if each.pixels is None else each.pixels.shape[0] for _, each, *_ in columns)
        below = max(len(caption) for *_, caption, _ in columns) * LINE
        canvas = Image.new("RGB", (self.width, GAP + tall + GAP // 2 + below + GAP), PAPER)
        pen = ImageDraw.Draw(canvas)
        if asked is not None:
            pen.line((GAP, 0, self.width - GAP, 0), RULE)
        top, end = GAP if asked is not None else 0, canvas.height - (GAP if is_last else 0)
        pen.line((start - GAP, top, start - GAP, end), RULE)
        for left, picture, caption, frame in columns:
            stand(canvas, (left, GAP + tall), picture, TILE, self._font, frame)
            for line, (text, colour) in enumerate(caption):
                pen.text((left, GAP + tall + GAP // 2 + line * LINE), text, colour, self._font)
        return canvas

    def _asked(self, pictures: Pictures[Thumbnail]) -> tuple[Thumbnail, list[tuple[str, str]]]:
        answer = pictures.answer
        alone = len(answer.queries) == 1 and not answer.without
        picture = pictures.queries[0] if alone else _together(pictures)
        words = "query" if len(answer.queries) == 1 else f"{len(answer.queries):,} queries together"
        if answer.crop is not None:
            words += f", part {','.join(map(str, answer.crop))}"
        lines = [(words, KEPT), *((self._name(name), INK) for name in first_names(answer.queries))]
        lines += [(self._name(f"not {name}"), AWAY) for name in first_names(answer.without)]
        return picture, lines if answer.hits else [*lines, ("no hit", SOFT)]

    def _name(self, words: str) -> str:
        return cut_middle(words, self._font, TILE)

    def _caption(self, hit: Hit) -> list[tuple[str, str]]:
        words = wrapped(same_words(hit), self._font, TILE, VERDICT_LINES)
        return [
            (f"{float(hit.distance):.4f}", INK),
            *((line, KEPT if hit.same else SOFT) for line in words),
            (self._name(shown(hit.path)), SOFT),
        ]


def _fitted(picture: Thumbnail) -> Thumbnail:
    """A picture smaller than its place enlarged, so that those of a row are told apart as well as others."""
    if picture.pixels is None:
        return picture
    height, width = picture.pixels.shape[:2]
    scale = min(MOST_ENLARGED, TILE / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return replace(picture, pixels=np.asarray(resized(Image.fromarray(picture.pixels), size)))


def _frame(hit: Hit) -> str | None:
    return KEPT if hit.same else None


def _together(pictures: Pictures[Thumbnail]) -> Thumbnail:
    """Several queries in one square, those that they were pushed away from last and framed."""
    all_of_them: list[tuple[Thumbnail, str | None]] = [(picture, None) for picture in pictures.queries]
    all_of_them += [(picture, AWAY) for picture in pictures.without]
    across = int(np.ceil(np.sqrt(len(all_of_them))))
    cell = (TILE - (across - 1) * CELL_GAP) // across
    rows = -(-len(all_of_them) // across)
    square = Image.new("RGB", (TILE, rows * cell + (rows - 1) * CELL_GAP), PAPER)
    pen = ImageDraw.Draw(square)
    for place, (picture, frame) in enumerate(all_of_them):
        left, top = (part * (cell + CELL_GAP) for part in (place % across, place // across))
        if picture.pixels is not None:
            whole = Image.fromarray(picture.pixels)
            scale = cell / max(whole.size)
            width, height = (max(1, round(length * scale)) for length in whole.size)
            left, top = left + (cell - width) // 2, top + (cell - height) // 2
            square.paste(resized(whole, (width, height)), (left, top))
            if frame is not None:
                pen.rectangle((left, top, left + width - 1, top + height - 1), outline=frame, width=2)
                pen.line((left, top + height - 1, left + width - 1, top), frame, 2)
    return Thumbnail(np.asarray(square))


def _save(pen: Pen, title: str, lines: Sequence[Image.Image], file: str) -> None:
    head = pen.title(title)
    whole = Image.new("RGB", (pen.width, head.height + sum(line.height for line in lines)), PAPER)
    top = 0
    for part in (head, *lines):
        whole.paste(part, (0, top))
        top += part.height
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Title", TITLE)
    with written_whole(file, TARGET) as stream:
        whole.save(stream, "PNG", pnginfo=notes)
