"""What `query` found, for other programs: JSON and CSV, a part of a large result at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from augnet_cli.report.streamed import (
    VERSION,
    Format,
    Nested,
    Row,
    fixed,
    rounded,
    skips,
    write_csv,
    write_json,
)
from augnet_cli.results import Answer, Hit, QueryResult

TOGETHER = " + "  # between queries that have one answer


def write_query(result: QueryResult, format: Format, stream: BinaryIO) -> None:
    """Write the answers, hits nearest first; CSV has one row a hit.

    In JSON `query` and `hits` at the top are those of the only answer; of several there are only `answers`.
    A hit has `same` and `verdict` where it was looked at.
    """
    if format == "csv":
        write_csv(_rows(result), stream)
        return
    only = result.answers[0] if len(result.answers) == 1 else None
    head: dict[str, object] = {"version": VERSION} | ({} if only is None else {"query": only.queries[0]})
    lists: dict[str, Iterable[object]] = {} if only is None else {"hits": map(_hit, only.hits)}
    lists |= {"answers": map(_answer, result.answers), "skipped": skips(result.skipped)}
    write_json({**head, "folder": result.folder}, lists, stream)


def _answer(answer: Answer) -> Nested:
    crop = {} if answer.crop is None else {"crop": list(answer.crop)}
    head = {"queries": list(answer.queries), "without": list(answer.without), **crop}
    return Nested(head, {"hits": map(_hit, answer.hits)})


def _hit(hit: Hit) -> dict[str, object]:
    found: dict[str, object] = {"path": hit.path, "distance": rounded(hit.distance)}
    return found if hit.same is None else found | {"same": bool(hit.same), "verdict": list(hit.verdict)}


def _rows(result: QueryResult) -> Iterator[Row]:
    yield ("query", "rank", "path", "distance", "same", "verdict")
    for answer in result.answers:
        queries = TOGETHER.join(answer.queries)
        for rank, hit in enumerate(answer.hits, start=1):
            same = "" if hit.same is None else "true" if hit.same else "false"
            yield (queries, rank, hit.path, fixed(hit.distance), same, " ".join(hit.verdict))
