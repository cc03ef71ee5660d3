"""What `apply`, `undo` and `decide` did, as one JSON object; names as in `report.data`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import BinaryIO

from augnet_cli.acting.outcome import ApplyResult, Decision, UndoResult

VERSION = 1  # of the JSON shapes below


def write_apply(result: ApplyResult, stream: BinaryIO) -> None:
    """Write what was done and what was refused."""
    _write(
        {
            "version": VERSION,
            "folder": result.folder,
            "action": result.action.value,
            "dry_run": result.dry_run,
            "run": result.run,
            "store": result.store,
            "freed": result.freed,
            "stopped": result.stopped,
            "pending": result.pending,
            "done": [asdict(file) for file in result.acted],
            "already": list(result.already),
            "refused": [asdict(group) for group in result.refused],
        },
        stream,
    )


def write_undo(result: UndoResult, stream: BinaryIO) -> None:
    """Write what came back and what did not."""
    _write(
        {
            "version": VERSION,
            "folder": result.folder,
            "runs": list(result.runs),
            "restored": list(result.restored),
            "failed": [asdict(file) for file in result.failed],
            "damaged": result.damaged,
        },
        stream,
    )


def write_decision(decision: Decision, forgotten: bool, stream: BinaryIO) -> None:
    """Write one decision, and whether it was forgotten."""
    _write({"version": VERSION, **asdict(decision), "forgotten": forgotten}, stream)


def write_decisions(count: int, file: str, stream: BinaryIO) -> None:
    """Write how many decisions went to a file, or came from it."""
    _write({"version": VERSION, "decisions": count, "file": file}, stream)


def _write(value: dict[str, object], stream: BinaryIO) -> None:
    stream.write(json.dumps(value, ensure_ascii=True, allow_nan=False, indent=1).encode("ascii") + b"\n")
