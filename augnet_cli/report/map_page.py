"""The result of `cluster` as a map: one HTML page that shows every image where it belongs.

The parts of the page lie in `map_files`, those that it shares with the page of `dedupe` in `page_files`.
What makes it safe to open is in `report.self_contained`.
"""

from __future__ import annotations

import html
import os
from contextlib import closing
from dataclasses import dataclass

from augnet_cli.cores import usable_cores
from augnet_cli.images.decode import MAX_MEGAPIXELS
from augnet_cli.images.names import shown
from augnet_cli.progress import SILENT, Progress
from augnet_cli.report.map_data import map_pieces, pictured, spread_of
from augnet_cli.report.self_contained import around_the_data
from augnet_cli.report.sprites import Cell, fitting_cell, sheets
from augnet_cli.report.target import Target, check_target, written_whole
from augnet_cli.report.text import count
from augnet_cli.results import ClusterResult

MARK = '<meta name="generator" content="augnet cluster">'
TARGET = Target("--html", (".html", ".htm"), MARK)
# What all sheets may take together: with some 120 bytes of text an image a map of 50,000 stays under 30 MB,
# opens in a few seconds, and a mail server still takes it.
SHEETS_BYTES = 20_000_000
BASE64_GROWTH = 4 / 3
# Images that get a picture: of more each would have less than 750 bytes, and be told from its neighbour no
# more.  The others are dots.
MOST_PICTURES = 20_000

STYLES = ("page_files/ground.css", "map_files/map.css")
SCRIPTS = (
    "page_files/elements.js",
    *(
        f"map_files/{name}.js"
        for name in (
            "records",
            "grid",
            "colours",
            "sheets",
            "view",
            "dots",
            "pictures",
            "labels",
            "map",
            "pointing",
            "tiles",
            "cluster",
            "lists",
            "curve",
            "start",
        )
    ),
)
METHODS = {
    "kmeans": "k-means",
    "agglomerative": "agglomerative clustering",
    "hdbscan": "HDBSCAN",
    "scan": "SCAN",
}
LAYOUTS = {"pca": "PCA", "umap": "UMAP"}


@dataclass(frozen=True, slots=True)
class WrittenMap:
    """What `write_map` did.

    Attributes:
        images: on the map.
        pictures: of these, how many have a picture or a reason why not.
        broken: of the pictures, how many can't be shown.
        side: the long side of the largest pictures, in pixels.
    """

    size_bytes: int
    images: int
    pictures: int
    broken: int
    side: int


def check_map(file: str) -> None:
    """Refuse before the work what can't be written after it.

    Raises:
        UsageError, FolderError: as `check_target`.
    """
    check_target(file, TARGET)


def write_map(
    result: ClusterResult,
    file: str,
    progress: Progress = SILENT,
    workers: int | None = None,
    max_megapixels: float | None = None,
) -> WrittenMap:
    """Write the map of a result that has its spread, whole or not at all.

    Pictures are as large as SHEETS_BYTES allows for their number.

    Raises:
        UsageError, FolderError: the file can't be written.
    """
    check_map(file)
    spread = spread_of(result)
    threads = workers or usable_cores()
    limit = max_megapixels or MAX_MEGAPIXELS
    numbers = pictured(result, MOST_PICTURES)
    paths = [spread.paths[number] for number in numbers]
    bytes_each = SHEETS_BYTES / BASE64_GROWTH / max(1, len(paths))
    side = fitting_cell(result.folder, paths, bytes_each, threads, limit)
    before, after = _around(result)
    page_folder = os.path.dirname(os.path.abspath(file))
    broken = 0

    def told(cell: Cell) -> None:
        nonlocal broken
        broken += bool(cell.reason)
        progress.advance(skipped=int(bool(cell.reason)))

    progress.start("drawing", len(paths))
    try:
        with (
            written_whole(file, TARGET) as stream,
            closing(sheets(result.folder, paths, side, threads, limit, told)) as made,
        ):
            stream.write(before.encode())
            for piece in map_pieces(result, numbers, side, made, page_folder):
                stream.write(piece.encode("ascii"))
            stream.write(after.encode())
            size = stream.tell()
    finally:
        progress.finish()
    return WrittenMap(size, len(spread.paths), len(paths), broken, side)


def _around(result: ClusterResult) -> tuple[str, str]:
    """The page before its data, and after."""
    name = shown(os.path.basename(result.folder.rstrip(os.sep)) or result.folder)
    words = {
        "mark": MARK,
        "name": html.escape(name),
        "folder": html.escape(shown(result.folder)),
        "totals": _totals(result),
        "how": html.escape(_how(result)),
    }
    return around_the_data("map_files/frame.html", STYLES, SCRIPTS, words)


def _totals(result: ClusterResult) -> str:
    images = len(spread_of(result).paths)
    figures = [
        (images, "image" if images == 1 else "images"),
        (len(result.clusters), "cluster" if len(result.clusters) == 1 else "clusters"),
    ]
    if result.noise:
        figures.append((len(result.noise), "in no cluster"))
    return "\n".join(f"<div><dd>{figure:,}</dd><dt>{word}</dt></div>" for figure, word in figures)


def _how(result: ClusterResult) -> str:
    """How the map came about, and what one may read from it."""
    clusters, images = count(len(result.clusters), "cluster"), count(len(spread_of(result).paths), "image")
    method = METHODS.get(result.method, result.method)
    layout = LAYOUTS.get(result.layout, result.layout)
    number = ", their number found here" if result.chosen else ""
    return (
        f"{images} in {clusters} by {method}{number}. The map is the embeddings laid flat by {layout}: what "
        "is alike lies together, but two images may look near here that are not. Distances are those of the "
        "embeddings, 0 for the same picture."
    )
