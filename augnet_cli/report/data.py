"""Results for other programs: JSON and CSV.

Paths stand as they are, whatever they hold; a name that begins with = + - or @ is not altered,
so import the CSV of a stranger's folder into a spreadsheet as text, or a name may act as a formula.
In JSON a byte that is no UTF-8 is its surrogate escape (`\\udcff`): `os.fsencode` gives the name back.
In CSV it is the byte itself. Skips stand in JSON alone.
Streams are binary and lists are written item by item, so that large results need no large string.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import BinaryIO

from augnet_cli.records import AUTO, Group, Recall
from augnet_cli.report.streamed import (
    DECIMALS,
    VERSION,
    Format,
    Row,
    fixed,
    rounded,
    skips,
    write_csv,
    write_json,
)
from augnet_cli.results import (
    PARTIAL,
    CalibrationResult,
    CurvePoint,
    DedupeResult,
    EmbedResult,
    Leak,
    LeaksResult,
    Suspect,
)


def write_dedupe(result: DedupeResult, format: Format, stream: BinaryIO) -> None:
    """Write the groups, and what stays with a reason; CSV has one row an image, or a pair of which both stay.

    In CSV only `redundant` rows may go; `verified` is true of none of the others.
    """
    if format == "csv":
        write_csv(_dedupe_rows(result), stream)
        return
    lists = {
        "groups": (_group(group, result.threshold) for group in result.groups),
        "unverified": (_suspect(suspect) for suspect in result.suspects),
        "stacks": ({"paths": list(stack.paths)} for stack in result.stacks),
        "skipped": skips(result.skipped),
    }
    write_json(_searched(result), lists, stream)


def write_leaks(result: LeaksResult, format: Format, stream: BinaryIO) -> None:
    """Write the leaks; CSV has one row a leak."""
    if format == "csv":
        write_csv(_leak_rows(result), stream)
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
        "skipped": skips(result.skipped),
    }
    write_json(head, lists, stream)


def write_embed(result: EmbedResult, format: Format, stream: BinaryIO) -> None:
    """Write what was counted; CSV has one row, with the number of skips."""
    if format == "csv":
        counts = (result.images, result.embedded, result.known, result.removed, result.others)
        names = ("images", "embedded", "known", "removed", "others", "skipped")
        write_csv(iter((names, (*counts, len(result.skipped)))), stream)
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
    write_json(head, {"skipped": skips(result.skipped)}, stream)


def write_calibration(result: CalibrationResult, format: Format, stream: BinaryIO) -> None:
    """Write the curve, nearest distance first; CSV has one row a distance."""
    if format == "csv":
        write_csv(_curve_rows(result), stream)
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
    write_json(head, {"curve": curve, "skipped": skips(result.skipped)}, stream)


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
                "distance": rounded(image.distance, threshold),
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
        "distance": rounded(leak.distance),
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
        "distance": rounded(suspect.distance),
        "verdict": list(suspect.verdict),
        "transform": None if suspect.transform is None else asdict(suspect.transform),
    }


def _dedupe_rows(result: DedupeResult) -> Iterator[Row]:
    """Groups, then pairs of which both stay, then stacks, all numbered on: `role` says what a row is."""
    yield ("group", "role", "path", "distance", "witness", "verified", "verdict")
    numbers = itertools.count(1)
    for group in result.groups:
        number = next(numbers)
        yield (number, "kept", group.kept.path, "", "", "", "")
        for image in group.redundant:
            distance = fixed(image.distance, result.threshold)
            verified = "true" if image.verified else "false"
            verdict = " ".join(image.verdict)
            yield (number, "redundant", image.path, distance, image.witness, verified, verdict)
    for suspect in result.suspects:
        role = PARTIAL if PARTIAL in suspect.verdict else "unverified"
        distance, verdict = fixed(suspect.distance), " ".join(suspect.verdict)
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
        yield (leak.path, leak.split, leak.other, leak.other_split, fixed(leak.distance), *words, *labels)


def _curve_rows(result: CalibrationResult) -> Iterator[Row]:
    kinds = tuple(result.curve[0].recall_of) if result.curve else ()
    yield ("distance", "found", "false", "precision", "low", "high", "recall", *kinds)
    for point in result.curve:
        rest = (point.found, point.false, point.precision, point.low, point.high, point.recall)
        shares = (point.recall_of[kind] for kind in kinds)
        yield (f"{Decimal(repr(point.distance)):f}", *(fixed(value) for value in (*rest, *shares)))
