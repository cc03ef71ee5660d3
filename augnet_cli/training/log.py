"""One JSON line an epoch, in a file beside the checkpoint."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from augnet_cli.errors import TrainingError
from augnet_cli.images.names import shown
from augnet_cli.training.whole import whole_file

LOG_NAME = "log.jsonl"


def begin_log(folder: str, epochs_done: int) -> None:
    """Keep the lines of the epochs that are done; those of an earlier run and a line cut short go."""
    lines = read_log(folder) if epochs_done else []
    kept = [json.dumps(line) + "\n" for line in lines if line["epoch"] in range(1, epochs_done + 1)]
    with whole_file(os.path.join(folder, LOG_NAME)) as out:
        out.write("".join(kept).encode("ascii"))


def add_to_log(folder: str, line: Mapping[str, Any]) -> None:
    """Add one line.

    Raises:
        TrainingError: it can't be written: no room, or the folder is gone.
    """
    file = os.path.join(folder, LOG_NAME)
    try:
        with open(file, "a", encoding="ascii") as out:
            out.write(json.dumps(line) + "\n")
    except OSError as error:
        raise TrainingError(
            f"{shown(file)} can't be written: {(error.strerror or 'unknown reason').lower()}",
            "make room on that disk; --resume goes on",
        ) from error


def read_log(folder: str) -> list[dict[str, Any]]:
    """The whole lines of the log; none if there is no log."""
    try:
        with open(os.path.join(folder, LOG_NAME), encoding="ascii", errors="replace") as log:
            return [line for text in log if (line := _parsed(text)) is not None]
    except FileNotFoundError:
        return []


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        line = json.loads(text) if text.endswith("\n") else None
    except ValueError:
        return None
    return line if isinstance(line, dict) and isinstance(line.get("epoch"), int) else None
