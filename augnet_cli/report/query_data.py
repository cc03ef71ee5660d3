"""What `query` found, for other programs: JSON and CSV, as `report.data` writes everything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from augnet_cli.report.data import VERSION, Format, Row, as_json, fixed, rounded, skip_items, write_csv
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
    head["folder"] = result.folder
    stream.write(as_json(head)[:-1])
    if only is not None:
        _write_list("hits", map(_hit, only.hits), stream)
    stream.write(b', "answers": [')
    between = b"\n"
    for answer in result.answers:
        stream.write(between + as_json(_answer_head(answer))[:-1])
        _write_list("hits", map(_hit, answer.hits), stream)
        stream.write(b"}")
        between = b",\n"
    stream.write(b"\n]" if result.answers else b"]")
    _write_list("skipped", skip_items(result.skipped), stream)
    stream.write(b"}\n")


def _answer_head(answer: Answer) -> dict[str, object]:
    crop = {} if answer.crop is None else {"crop": list(answer.crop)}
    return {"queries": list(answer.queries), "without": list(answer.without), **crop}


def _hit(hit: Hit) -> dict[str, object]:
    found: dict[str, object] = {"path": hit.path, "distance": rounded(hit.distance)}
    return found if hit.same is None else found | {"same": bool(hit.same), "verdict": list(hit.verdict)}


def _write_list(name: str, items: Iterable[dict[str, object]], stream: BinaryIO) -> None:
    """Write a list inside an object that has something before it, an item a line."""
    stream.write(b", " + as_json(name) + b": [")
    between, end = b"\n", b"]"
    for item in items:
        stream.write(between + as_json(item))
        between, end = b",\n", b"\n]"
    stream.write(end)


def _rows(result: QueryResult) -> Iterator[Row]:
    yield ("query", "rank", "path", "distance", "same", "verdict")
    for answer in result.answers:
        queries = TOGETHER.join(answer.queries)
        for rank, hit in enumerate(answer.hits, start=1):
            same = "" if hit.same is None else "true" if hit.same else "false"
            yield (queries, rank, hit.path, fixed(hit.distance), same, " ".join(hit.verdict))
