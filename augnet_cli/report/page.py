"""The result of `dedupe` as one HTML page that holds everything it shows and asks nothing of any network.

The parts of the page lie in `page_files`: its frame, its style and its script.  What makes it safe to open is
in `report.self_contained`.
"""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from augnet_cli.cores import usable_cores
from augnet_cli.images.decode import MAX_MEGAPIXELS
from augnet_cli.images.names import shown
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import CALIBRATED, CARD, GIVEN
from augnet_cli.report.page_data import Small, cast_of, json_pieces, small
from augnet_cli.report.self_contained import around_the_data
from augnet_cli.report.target import Target, check_target, written_whole
from augnet_cli.report.text import DECIDED, count, size_words
from augnet_cli.report.thumbnails import fitting_side, thumbnails
from augnet_cli.results import DedupeResult

MARK = '<meta name="generator" content="augnet dedupe">'
TARGET = Target("--html", (".html", ".htm"), MARK)
# What all thumbnails may take together: a page of 3,000 groups then stays under 30 MB with some 300 bytes
# of text an image and a sample's error, opens in a second or two, and a mail server still takes it.
THUMBNAILS_BYTES = 25_000_000
BASE64_GROWTH = 4 / 3

STYLES = ("page_files/ground.css", "page_files/style.css")
SCRIPTS = tuple(
    f"page_files/{name}" for name in ("elements.js", "words.js", "cards.js", "comparison.js", "list.js")
)
THRESHOLD_WORDS = {GIVEN: "as given", CALIBRATED: "calibrated on this folder", CARD: "the encoder's own"}


@dataclass(frozen=True, slots=True)
class WrittenPage:
    """What `write_page` did: how many pictures, how many of them placeholders, the long side of the rest."""

    size_bytes: int
    images: int
    broken: int
    side: int


def check_page(file: str) -> None:
    """Refuse before the work what can't be written after it.

    Raises:
        UsageError, FolderError: as `check_target`.
    """
    check_target(file, TARGET)


def write_page(
    result: DedupeResult,
    file: str,
    progress: Progress = SILENT,
    workers: int | None = None,
    max_megapixels: float | None = None,
) -> WrittenPage:
    """Write the page, whole or not at all.

    Thumbnails are as large as THUMBNAILS_BYTES allows for their number, equal pictures sharing one.

    Raises:
        UsageError, FolderError: the file can't be written.
    """
    check_page(file)
    threads = workers or usable_cores()
    limit = max_megapixels or MAX_MEGAPIXELS
    cast = cast_of(result)
    bytes_each = THUMBNAILS_BYTES / BASE64_GROWTH / max(1, len(cast.drawn))
    side = fitting_side(result.folder, cast.drawn, bytes_each, threads, limit)
    before, after = _around_the_data(result)
    page_folder = os.path.dirname(os.path.abspath(file))
    broken = 0

    def watched(smalls: Iterable[Small]) -> Iterator[Small]:
        nonlocal broken
        for drawn in smalls:
            broken += not drawn.picture
            progress.advance(skipped=int(not drawn.picture))
            yield drawn

    progress.start("drawing", len(cast.drawn))
    try:
        with (
            written_whole(file, TARGET) as stream,
            closing(thumbnails(result.folder, cast.drawn, side, small, threads, limit)) as smalls,
        ):
            stream.write(before.encode())
            for piece in json_pieces(result, cast, watched(smalls), page_folder):
                stream.write(piece.encode("ascii"))
            stream.write(after.encode())
            size = stream.tell()
    finally:
        progress.finish()
    return WrittenPage(size, len(cast.paths), broken, side)


def _around_the_data(result: DedupeResult) -> tuple[str, str]:
    name = shown(os.path.basename(result.folder.rstrip(os.sep)) or result.folder)
    words = {
        "mark": MARK,
        "name": html.escape(name),
        "folder": html.escape(shown(result.folder)),
        "totals": _totals(result),
        "how": html.escape(_how(result)),
    }
    return around_the_data("page_files/frame.html", STYLES, SCRIPTS, words)


def _totals(result: DedupeResult) -> str:
    redundant = sum(len(group.redundant) for group in result.groups)
    figures = (
        (f"{result.images:,}", "image" if result.images == 1 else "images"),
        (f"{len(result.groups):,}", "group" if len(result.groups) == 1 else "groups"),
        (f"{redundant:,}", "redundant"),
        (size_words(result.redundant_bytes), "in redundant files"),
    )
    return "\n".join(f"<div><dd>{figure}</dd><dt>{word}</dt></div>" for figure, word in figures)


def _how(result: DedupeResult) -> str:
    redundant = [image for group in result.groups for image in group.redundant]
    unproven = sum(not image.verified for image in redundant)
    if result.verified:
        within = "" if result.threshold is None else f" within distance {result.threshold:g}"
        others = ["those that you decided"] if any(DECIDED in image.verdict for image in redundant) else []
        others += ["those marked unverified"] if unproven else []
        but = f" but {' and '.join(others)}" if others else ""
        whatever = ", whatever its distance" if result.threshold is None else ""
        parts = [f"Every pair{within}{but} was proved by laying one picture upon the other{whatever}."]
    else:
        source = THRESHOLD_WORDS.get(result.threshold_from, result.threshold_from)
        parts = [f"Distance threshold {result.threshold:g}, {source}."]
    if unproven:
        images = count(unproven, "redundant image") + (" rests" if unproven == 1 else " rest")
        why = "on no proof" if result.verified else "on the distance alone"
        parts.append(f"{images} {why}: look before you act.")
    parts.append("Nothing was changed.")
    if result.groups or result.suspects:
        parts.append("Click a picture to compare it with the one that stays.")
    return " ".join(parts)
