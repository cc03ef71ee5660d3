"""The hits of `query` as one HTML page that holds everything it shows, runs no script and asks for nothing.

Every name is escaped, and the content security policy lets in the page's own style and pictures alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from html import escape

from augnet_cli.cores import usable_cores
from augnet_cli.images.names import shown
from augnet_cli.progress import SILENT, Progress
from augnet_cli.report.page_data import Small, small
from augnet_cli.report.query_pictures import Pictures, file_of, paths_shown, pictures_of
from augnet_cli.report.query_text import asked_words, same_words
from augnet_cli.report.self_contained import address_of, around_the_data
from augnet_cli.report.target import Target, check_target, written_whole
from augnet_cli.report.text import count, size_words
from augnet_cli.report.thumbnails import fitting_side, media_type
from augnet_cli.results import Hit, QueryResult

MARK = '<meta name="generator" content="augnet query">'
TARGET = Target("--html", (".html", ".htm"), MARK)
# What all pictures may take together, as on the page of dedupe: a mail server still takes it.
PICTURES_BYTES = 25_000_000
BASE64_GROWTH = 4 / 3
HITS_SHOWN = 1000  # of an answer: nobody looks through more, and a browser is slow with many more

FRAME, STYLES = "page_files/query.html", ("page_files/ground.css", "page_files/query.css")


@dataclass(frozen=True, slots=True)
class WrittenQueryPage:
    """What `write_query_page` did: how many pictures, how many of them placeholders."""

    size_bytes: int
    pictures: int
    broken: int


def check_query_page(file: str) -> None:
    """Refuse before the work what can't be written after it.

    Raises:
        UsageError, FolderError: as `check_target`.
    """
    check_target(file, TARGET)


def write_query_page(result: QueryResult, file: str, progress: Progress = SILENT) -> WrittenQueryPage:
    """Write the page, whole or not at all; pictures are as large as PICTURES_BYTES allows for their number.

    Raises:
        UsageError, FolderError: the file can't be written.
    """
    check_query_page(file)
    workers = usable_cores()
    paths = [path for answer in result.answers for path in paths_shown(answer, HITS_SHOWN)]
    bytes_each = PICTURES_BYTES / BASE64_GROWTH / max(1, len(paths))
    side = fitting_side(result.folder, paths, bytes_each, workers)
    before, after = _around_the_answers(result)
    page_folder = os.path.dirname(os.path.abspath(file))
    broken = 0
    progress.start("drawing", len(result.answers), "answers")
    try:
        with (
            written_whole(file, TARGET) as stream,
            closing(pictures_of(result, side, small, workers, HITS_SHOWN)) as answers,
        ):
            stream.write(before.encode())
            for pictures in answers:
                made = (*pictures.queries, *pictures.without, *pictures.hits)
                broken += sum(not one.picture for one in made)
                for piece in _article(pictures, result.folder, page_folder):
                    stream.write(piece.encode())
                progress.advance()
            stream.write(after.encode())
            size = stream.tell()
    finally:
        progress.finish()
    return WrittenQueryPage(size, len(paths), broken)


def _around_the_answers(result: QueryResult) -> tuple[str, str]:
    """The page before its answers, and after."""
    folder = shown(os.path.basename(result.folder.rstrip(os.sep)) or result.folder)
    asked = asked_words(result.answers[0]) if len(result.answers) == 1 else f"{len(result.answers):,} queries"
    words = {
        "mark": MARK,
        "title": escape(f"Nearest to {asked} in {folder}"),
        "heading": f"Nearest to <bdi>{escape(asked)}</bdi> in <bdi>{escape(folder)}</bdi>",
        "folder": escape(shown(result.folder)),
        "totals": _totals(result),
        "how": escape(_how(result)),
    }
    return around_the_data(FRAME, STYLES, (), words, data="$answers")


def _totals(result: QueryResult) -> str:
    hits = len(result.hits)
    queries = len({query for answer in result.answers for query in answer.queries})
    figures = [
        (queries, "query" if queries == 1 else "queries"),
        (hits, "hit" if hits == 1 else "hits"),
    ]
    if any(hit.same is not None for hit in result.hits):
        figures.append((sum(hit.same is True for hit in result.hits), "the same picture"))
    return "\n".join(f"<div><dd>{figure:,}</dd><dt>{word}</dt></div>" for figure, word in figures)


def _how(result: QueryResult) -> str:
    parts = ["Under each picture stands its cosine distance from the query; smaller is nearer."]
    if result.threshold is not None:
        parts.append(f"None is farther than {result.threshold:g}.")
    if any(hit.same is not None for hit in result.hits):
        parts.append("Those in a frame were proved to be the same picture by laying one upon the other.")
    if result.skipped:
        parts.append(f"{count(len(result.skipped), 'query image')} could not be used.")
    return " ".join(parts)


def _article(pictures: Pictures[Small], folder: str, page_folder: str) -> Iterator[str]:
    answer = pictures.answer
    yield '<article>\n<div class="asked">\n'
    heading = "Query" if len(answer.queries) == 1 else f"{len(answer.queries):,} queries together"
    yield from _asked(heading, "", answer.queries, pictures.queries, page_folder)
    if answer.without:
        yield from _asked("Away from", "away", answer.without, pictures.without, page_folder)
    yield '</div>\n<div class="hits">\n'
    if answer.hits:
        yield "<ol>\n"
        for hit, picture in zip(answer.hits, pictures.hits, strict=False):
            yield _hit(hit, picture, folder, page_folder)
        yield "</ol>\n"
        if len(answer.hits) > len(pictures.hits):
            yield f'<p class="none">and {len(answer.hits) - len(pictures.hits):,} more</p>\n'
    else:
        yield '<p class="none">No image is near enough.</p>\n'
    yield "</div>\n</article>\n"


def _asked(
    heading: str, kind: str, names: tuple[str, ...], pictures: tuple[Small, ...], page_folder: str
) -> Iterator[str]:
    kinds = f"{kind} several" if kind or len(names) > 1 else kind
    yield f'<h2 class="{kind}">{heading}</h2>\n<div class="{kinds}">\n'
    for name, picture in zip(names, pictures, strict=False):
        address = address_of(file_of(name), page_folder)
        yield f"<figure>{_picture(picture, address, name)}<figcaption>{_link(name, address)}"
        yield f"{_size(picture)}</figcaption></figure>\n"
    yield "</div>\n"
    if len(names) > len(pictures):
        yield f'<p class="none">and {len(names) - len(pictures):,} more</p>\n'


def _hit(hit: Hit, picture: Small, folder: str, page_folder: str) -> str:
    address = address_of(os.path.join(folder, hit.path), page_folder)
    words = same_words(hit)
    word = f' <span class="word">{escape(words)}</span>' if words else ""
    distance = f'<span class="distance">{float(hit.distance):.4f}</span>{word}'
    caption = f"<figcaption><div>{distance}</div>{_link(hit.path, address)}</figcaption>"
    kind = ' class="same"' if hit.same else ""
    return f"<li{kind}><figure>{_picture(picture, address, hit.path)}{caption}</figure></li>\n"


def _picture(picture: Small, address: str, path: str) -> str:
    if picture.picture:
        source = f"data:{media_type()};base64,{picture.picture}"
        inside = f'<img src="{source}" alt="{escape(shown(path))}">'
    else:
        inside = f'<span class="broken">can\'t be shown: {escape(shown(picture.reason))}</span>'
    # The link below says the same to who can't see the picture.
    return f'<a class="picture" href="{escape(address)}" tabindex="-1">{inside}</a>'


def _link(path: str, address: str) -> str:
    parts = "/<wbr>".join(escape(part) for part in shown(path).split("/"))
    return f'<a class="path" href="{escape(address)}"><bdi>{parts}</bdi></a>'


def _size(picture: Small) -> str:
    if not picture.width:
        return ""
    return (
        f'<span class="none">{picture.width:,} x {picture.height:,}, {size_words(picture.size_bytes)}</span>'
    )
