"""Results for other programs: JSON and CSV.

Paths stand as they are, whatever they hold; a name that begins with = + - or @ is not altered,
so import the CSV of a stranger's folder into a spreadsheet as text, or a name may act as a formula.
In JSON a byte that is no UTF-8 is its surrogate escape (`\\udcff`): `os.fsencode` gives the name back.
In CSV it is the byte itself. Skips stand in JSON alone.
Streams are binary and lists are written item by item, so that large results need no large string.
"""

from __future__ import annotations

import csv
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import BinaryIO, Literal

from augnet_cli.records import AUTO, Group, Recall, Skip
from augnet_cli.results import (
    PARTIAL,
    CalibrationResult,
    ClusterResult,
    CurvePoint,
    DedupeResult,
    EmbedResult,
    Leak,
    LeaksResult,
    QueryResult,
    Suspect,
)

Format = Literal["json", "csv"]
Row = Sequence[str | int]

VERSION = 1  # of the JSON shapes below
DECIMALS = 6  # of a distance: what float32 holds near 1


def write_dedupe(result: DedupeResult, format: Format, stream: BinaryIO) -> None:
    """Write the groups, and what stays with a reason; CSV has one row an image, or a pair of which both stay.

    In CSV only `redundant` rows may go; `verified` is true of none of the others.
    """
    if format == "csv":
        _write_csv(_dedupe_rows(result), stream)
        return
    lists = {
        "groups": (_group(group, result.threshold) for group in result.groups),
        "unverified": (_suspect(suspect) for suspect in result.suspects),
        "stacks": ({"paths": list(stack.paths)} for stack in result.stacks),
        "skipped": _skips(result.skipped),
    }
    _write_json(_searched(result), lists, stream)


def write_leaks(result: LeaksResult, format: Format, stream: BinaryIO) -> None:
    """Write the leaks; CSV has one row a leak."""
    if format == "csv":
        _write_csv(_leak_rows(result), stream)
        return
    head = {
        **_searched(result),
        "labelled": result.labelled,
        "splits": [
            {"name": split.name, "folder": split.folder, "images": split.images, "leaked": split.leaked}
            for split in result.splits
        ],
    }
    lists = {
        "leaks": (_leak(leak) for leak in result.leaks),
        "unverified": (_suspect(suspect) for suspect in result.unverified),
        "skipped": _skips(result.skipped),
    }
    _write_json(head, lists, stream)


def write_query(result: QueryResult, format: Format, stream: BinaryIO) -> None:
    """Write the hits, nearest first."""
    if format == "csv":
        _write_csv(_query_rows(result), stream)
        return
    head = {"version": VERSION, "query": result.query, "folder": result.folder}
    hits = ({"path": hit.path, "distance": _rounded(hit.distance)} for hit in result.hits)
    _write_json(head, {"hits": hits}, stream)


def write_cluster(result: ClusterResult, format: Format, stream: BinaryIO) -> None:
    """Write the clusters; CSV has one row a member."""
    if format == "csv":
        _write_csv(_cluster_rows(result), stream)
        return
    head = {"version": VERSION, "folder": result.folder}
    clusters = (
        {
            "id": int(cluster.id),
            "size": int(cluster.size),
            "exemplars": list(cluster.exemplars),
            "members": list(cluster.members),
        }
        for cluster in result.clusters
    )
    _write_json(head, {"clusters": clusters, "skipped": _skips(result.skipped)}, stream)


def write_embed(result: EmbedResult, format: Format, stream: BinaryIO) -> None:
    """Write what was counted; CSV has one row, with the number of skips."""
    if format == "csv":
        counts = (result.images, result.embedded, result.known, result.removed, result.others)
        names = ("images", "embedded", "known", "removed", "others", "skipped")
        _write_csv(iter((names, (*counts, len(result.skipped)))), stream)
        return
    head = {
        "version": VERSION,
        "folder": result.folder,
        "encoder": result.encoder,
        "images": result.images,
        "embedded": result.embedded,
        "known": result.known,
        "removed": result.removed,
        "others": result.others,
    }
    _write_json(head, {"skipped": _skips(result.skipped)}, stream)


def write_calibration(result: CalibrationResult, format: Format, stream: BinaryIO) -> None:
    """Write the curve, nearest distance first; CSV has one row a distance."""
    if format == "csv":
        _write_csv(_curve_rows(result), stream)
        return
    head = {
        "version": VERSION,
        "folder": result.folder,
        "encoder": result.encoder,
        "contents": result.contents,
        "altered": result.altered,
        "precision": float(result.precision),
        "threshold": float(result.threshold),
        "threshold_from": result.threshold_from,
    }
    curve = ({"distance": float(point.distance), **_figures(point)} for point in result.curve)
    _write_json(head, {"curve": curve, "skipped": _skips(result.skipped)}, stream)


def _recall(recall: Recall | None) -> dict[str, object]:
    """What share of the pairs was found, where the search may have missed some."""
    return {} if recall is None else {"recall": asdict(recall)}


def _figures(point: CurvePoint) -> dict[str, object]:
    names = ("found", "false", "precision", "low", "high", "recall")
    figures: dict[str, object] = {name: round(float(getattr(point, name)), DECIMALS) for name in names}
    kinds = {kind: round(float(share), DECIMALS) for kind, share in point.recall_of.items()}
    return {**figures, "recall_of": kinds}


def _group(group: Group, threshold: float | None) -> dict[str, object]:
    return {
        "kept": {"path": group.kept.path, "reason": group.kept.reason},
        "redundant": [
            {
                "path": image.path,
                "distance": _rounded(image.distance, threshold),
                "witness": image.witness,
                "verified": bool(image.verified),
                "verdict": list(image.verdict),
                "transform": None if image.transform is None else asdict(image.transform),
            }
            for image in group.redundant
        ],
    }


def _leak(leak: Leak) -> dict[str, object]:
    return {
        "path": leak.path,
        "split": leak.split,
        "other": leak.other,
        "other_split": leak.other_split,
        "distance": _rounded(leak.distance),
        "verified": bool(leak.verified),
        "verdict": list(leak.verdict),
        "transform": None if leak.transform is None else asdict(leak.transform),
        "label": leak.label,
        "other_label": leak.other_label,
        "labels_differ": leak.labels_differ,
    }


def _searched(result: DedupeResult | LeaksResult) -> dict[str, object]:
    """Where was looked for the same pictures, and how near."""
    return {
        "version": VERSION,
        "folder": result.folder,
        "encoder": result.encoder,
        "threshold": AUTO if result.threshold is None else float(result.threshold),
        "threshold_from": result.threshold_from,
        **_recall(result.recall),
    }


def _suspect(suspect: Suspect) -> Mapping[str, object]:
    return {
        "path": suspect.path,
        "other": suspect.other,
        "distance": _rounded(suspect.distance),
        "verdict": list(suspect.verdict),
        "transform": None if suspect.transform is None else asdict(suspect.transform),
    }


def _skips(skipped: Iterable[Skip]) -> Iterator[dict[str, object]]:
    return ({"path": skip.path, "reason": skip.reason} for skip in skipped)


def _dedupe_rows(result: DedupeResult) -> Iterator[Row]:
    """Groups, then pairs of which both stay, then stacks, all numbered on: `role` says what a row is."""
    yield ("group", "role", "path", "distance", "witness", "verified", "verdict")
    numbers = itertools.count(1)
    for group in result.groups:
        number = next(numbers)
        yield (number, "kept", group.kept.path, "", "", "", "")
        for image in group.redundant:
            distance = _fixed(image.distance, result.threshold)
            verified = "true" if image.verified else "false"
            verdict = " ".join(image.verdict)
            yield (number, "redundant", image.path, distance, image.witness, verified, verdict)
    for suspect in result.suspects:
        role = PARTIAL if PARTIAL in suspect.verdict else "unverified"
        distance, verdict = _fixed(suspect.distance), " ".join(suspect.verdict)
        yield (next(numbers), role, suspect.path, distance, suspect.other, "false", verdict)
    for stack in result.stacks:
        number = next(numbers)
        for path in stack.paths:
            yield (number, "stack", path, "", "", "", "")


def _leak_rows(result: LeaksResult) -> Iterator[Row]:
    yield (
        *("path", "split", "other", "other_split", "distance", "verified", "verdict"),
        *("label", "other_label", "labels_differ"),
    )
    for leak in result.leaks:
        words = ("true" if leak.verified else "false", " ".join(leak.verdict))
        labels = (leak.label or "", leak.other_label or "", "true" if leak.labels_differ else "false")
        yield (leak.path, leak.split, leak.other, leak.other_split, _fixed(leak.distance), *words, *labels)


def _query_rows(result: QueryResult) -> Iterator[Row]:
    yield ("rank", "path", "distance")
    for rank, hit in enumerate(result.hits, start=1):
        yield (rank, hit.path, _fixed(hit.distance))


def _curve_rows(result: CalibrationResult) -> Iterator[Row]:
    kinds = tuple(result.curve[0].recall_of) if result.curve else ()
    yield ("distance", "found", "false", "precision", "low", "high", "recall", *kinds)
    for point in result.curve:
        rest = (point.found, point.false, point.precision, point.low, point.high, point.recall)
        shares = (point.recall_of[kind] for kind in kinds)
        yield (f"{Decimal(repr(point.distance)):f}", *(_fixed(value) for value in (*rest, *shares)))


def _cluster_rows(result: ClusterResult) -> Iterator[Row]:
    yield ("cluster", "path", "exemplar")
    for cluster in result.clusters:
        exemplars = set(cluster.exemplars)
        for path in cluster.members:
            yield (cluster.id, path, int(path in exemplars))


def _rounded(distance: float, threshold: float | None = None) -> float:
    """A distance for print, never past the threshold that it is within before rounding."""
    rounded = round(float(distance), DECIMALS) + 0.0  # never -0.0
    return rounded if threshold is None else min(rounded, float(threshold))


def _fixed(distance: float, threshold: float | None = None) -> str:
    """The same number for CSV, without an exponent, which some readers do not take."""
    return f"{Decimal(repr(_rounded(distance, threshold))):f}"


def _write_json(
    head: Mapping[str, object], lists: Mapping[str, Iterator[Mapping[str, object]]], stream: BinaryIO
) -> None:
    """Write one object: `head`, then `lists` with one item a line; ASCII, one newline at the end."""
    stream.write(_json(head)[:-1])
    for name, items in lists.items():
        stream.write(b", " + _json(name) + b": [")
        between, end = b"\n", b"]"
        for item in items:
            stream.write(between + _json(item))
            between, end = b",\n", b"\n]"
        stream.write(end)
    stream.write(b"}\n")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True, allow_nan=False).encode("ascii")


def _write_csv(rows: Iterator[Row], stream: BinaryIO) -> None:
    """Write rows that end in a newline; the first is the header."""
    # csv in Python 3.11, for one, quotes a field only for the characters of its own line end:
    # asking it for "\r\n" quotes a carriage return in a name too; `_CsvRows` shortens the end.
    csv.writer(_CsvRows(stream), lineterminator="\r\n").writerows(rows)


class _CsvRows:
    """Takes one finished row a call, as `csv.writer` gives them, and writes its bytes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, row: str) -> None:
        self._stream.write(os.fsencode(row.removesuffix("\r\n") + "\n"))
