"""What `evaluate` found as JSON: one object on stdout, and a file that gathers records of many runs.

The file holds a list, a record for each row, without dates or paths of this machine, so that the same runs
give the same file.  A record of the same question takes the place of the earlier one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, BinaryIO

from augnet_cli.errors import FolderError
from augnet_cli.images.names import shown
from augnet_cli.report.target import Target, check_target
from augnet_cli.results import EvaluationResult, EvaluationRow
from augnet_cli.whole import whole_file

VERSION = 1  # of the shapes below
DECIMALS = 6
KIND = "augnet evaluation"  # marks a record as ours
# The mark is the first thing in the first record.
TARGET = Target("--out", (".json",), KIND)
# What must be alike for one record to stand for another.
QUESTION = ("dataset", "split", "protocol", "space", "encoder", "encoder_file", "seed", "settings")
MOST_BYTES = 1 << 28  # of a file that is read back: a million records


def write_evaluation(result: EvaluationResult, stream: BinaryIO) -> None:
    """Write the whole result as one JSON object."""
    shape = {
        "version": VERSION,
        "dataset": result.dataset,
        "split": result.split,
        "protocol": result.protocol,
        "encoder": result.encoder,
        "encoder_file": result.encoder_file,
        "seed": result.seed,
        "images": result.images,
        "classes": list(result.classes),
        "settings": dict(result.settings),
        "rows": [
            {
                "space": row.space,
                "encoder": row.encoder,
                "method": row.method,
                "figures": _rounded(row.figures),
                "confusion": [[round(share, DECIMALS) for share in line] for line in row.confusion],
            }
            for row in result.rows
        ],
        "skipped": [{"path": skip.path, "reason": skip.reason} for skip in result.skipped],
        "notes": list(result.notes),
    }
    stream.write(json.dumps(shape, ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n")


def records_of(result: EvaluationResult) -> list[dict[str, Any]]:
    """A record for each row."""
    return [_record(result, row) for row in result.rows]


def _record(result: EvaluationResult, row: EvaluationRow) -> dict[str, Any]:
    return {
        "kind": KIND,
        "version": VERSION,
        "dataset": result.dataset,
        "split": result.split,
        "protocol": result.protocol,
        "space": row.space,
        "encoder": row.encoder,
        "encoder_file": result.encoder_file,
        "method": row.method,
        "seed": result.seed,
        "settings": dict(result.settings),
        "images": result.images,
        "classes": len(result.classes),
        "skipped": len(result.skipped),
        "figures": _rounded(row.figures),
        "command": result.command,
    }


def check_records(file: str) -> None:
    """Refuse before the work what can't be added to after it.

    Raises:
        UsageError: another suffix than .json.
        FolderError: the file can't be written there, or is not one that `evaluate` wrote.
    """
    check_target(file, TARGET)
    read_records(file)


def add_records(result: EvaluationResult, file: str) -> int:
    """Add a record for each row to `file`, made if it is not there; returns how many it then holds.

    The file is written whole or not at all.

    Raises:
        UsageError, FolderError: as `check_records`.
    """
    check_records(file)
    new = records_of(result)
    asked = [_question(record) for record in new]
    kept = [record for record in read_records(file) if _question(record) not in asked]
    lines = ",\n".join(json.dumps(record, ensure_ascii=True, allow_nan=False) for record in [*kept, *new])
    try:
        with whole_file(file) as stream:
            stream.write(f"[\n{lines}\n]\n".encode("ascii"))
    except OSError as error:
        raise TARGET.refusal(file, (error.strerror or "unknown reason").lower()) from error
    return len(kept) + len(new)


def read_records(file: str) -> list[dict[str, Any]]:
    """The records of a file; none where it is not there.

    Raises:
        FolderError: it can't be read, or holds something else.
    """
    if not os.path.lexists(file):
        return []
    try:
        if os.path.getsize(file) > MOST_BYTES:
            raise ValueError("too large")
        with open(file, encoding="ascii") as source:
            records = json.load(source)
        if not isinstance(records, list) or not all(_is_ours(record) for record in records):
            raise ValueError("no list of records")
    except (OSError, ValueError) as error:
        raise FolderError(
            f"{shown(file)} holds no records of `augnet evaluate`", f"name another file: {TARGET.example}"
        ) from error
    return records


def _is_ours(record: object) -> bool:
    return isinstance(record, dict) and record.get("kind") == KIND


def _question(record: Mapping[str, Any]) -> str:
    return json.dumps({name: record.get(name) for name in QUESTION}, sort_keys=True)


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, DECIMALS) for name, value in figures.items()}
