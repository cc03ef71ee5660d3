"""What `query` found, for people: the hits of each query, nearest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from augnet_cli.images.names import shown
from augnet_cli.report.style import PLAIN, Style
from augnet_cli.report.text import BELOW, SCREEN, distance_words
from augnet_cli.results import SCENE, SOURCE, Answer, Hit, QueryResult

NAMED = 3  # queries of one answer that its head names; more are counted
INDENT = "  "  # of hits under the head of their query


def query_lines(
    result: QueryResult, style: Style = PLAIN, pictures: Iterator[Iterable[str]] | None = None
) -> Iterator[str]:
    """A distance and a path a line; with several answers under the query of each.

    Args:
        pictures: of each answer, lines that draw it; they come before its hits.
    """
    several = len(result.answers) > 1
    indent = INDENT if several else ""
    for number, answer in enumerate(result.answers):
        if several:
            if number:
                yield ""
            yield f"{style.bold}{asked_words(answer)}{style.reset}"
        if pictures is not None:
            yield from next(pictures)
        for hit in answer.hits:
            yield from _hit(hit, indent, style)
        if not answer.hits:
            yield indent + _nothing(result)


def asked_words(answer: Answer) -> str:
    """`a.jpg + b.jpg - c.jpg`, or a few of the queries and how many more there are."""
    words = " + ".join(first_names(answer.queries))
    if answer.crop is not None:
        words += f" ({','.join(map(str, answer.crop))})"
    return " - ".join((words, *first_names(answer.without)))


def same_words(hit: Hit) -> str:
    """What a proof says of a hit: `same: resized`, `same, the query is cropped`, `same scene`, or ''."""
    if hit.same is None:
        return ""
    if not hit.same:
        return "same scene" if SCENE in hit.verdict else ""
    if hit.verdict[:1] == (SOURCE,):
        return f"same, the query is {', '.join(hit.verdict[1:])}"
    return ": ".join(filter(None, ("same", ", ".join(hit.verdict))))


def first_names(images: tuple[str, ...]) -> tuple[str, ...]:
    """The first few of some images, as they are shown, and how many more there are."""
    if len(images) <= NAMED:
        return tuple(map(shown, images))
    return (*map(shown, images[: NAMED - 1]), f"{len(images) - NAMED + 1:,} more")


def _hit(hit: Hit, indent: str, style: Style) -> Iterator[str]:
    path, words = shown(hit.path), same_words(hit)
    line = f"{indent}{distance_words(hit.distance, style)}  {path}"
    look = style.green if hit.same else style.dim
    if not words:
        yield line
    elif len(indent) + len(BELOW) + len(path) + len(words) <= SCREEN:
        yield f"{line}  {look}{words}{style.reset}"
    else:
        yield line
        yield f"{indent}{BELOW}{look}{words}{style.reset}"


def _nothing(result: QueryResult) -> str:
    if result.threshold is not None:
        return f"{shown(result.folder)} holds no other image within distance {result.threshold:g}"
    return f"{shown(result.folder)} holds no other image"
