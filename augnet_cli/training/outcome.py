"""What a run came to: the record that is returned, and the one that is written beside the photos."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from augnet_cli.encoder.card import Card
from augnet_cli.records import Skip
from augnet_cli.training.candidate import Decision
from augnet_cli.training.judge import FolderScores
from augnet_cli.training.trainer import TrainReport
from augnet_cli.training.whole import whole_file
from augnet_cli.version import __version__

RECORD_NAME = "training.json"
RECORD_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What every run made.

    Attributes:
        file: the encoder; `card` is its card.
        report: how training went.
        images: different pictures that there were.
        curve: the lines of all epochs.
        record: the file that tells all this.
        skipped: images that could not be used.
    """

    file: str
    card: Card
    report: TrainReport
    images: int
    curve: tuple[Mapping[str, Any], ...]
    settings: Mapping[str, Any]
    record: str
    skipped: tuple[Skip, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for `training.json` and for tools."""
        return {
            "version": RECORD_VERSION,
            "augnet": __version__,
            "settings": dict(self.settings),
            "images": self.images,
            "skipped": len(self.skipped),
            **self.report.as_dict(),
            "curve": [dict(line) for line in self.curve],
        }


@dataclass(frozen=True, kw_only=True)
class TrainOutcome(Outcome):
    """What a run on a folder made; `file` is the folder's own encoder if it was taken, else the candidate.

    Attributes:
        trained: images that were learnt from; `set_aside` further ones show the same picture as one of them.
        before, after: scores on the held-out images of the encoder that served, and of the new one.
        decision: whether the new one serves now.
    """

    trained: int
    set_aside: int
    before: FolderScores
    after: FolderScores
    decision: Decision

    def as_dict(self) -> dict[str, Any]:
        return {
            **super().as_dict(),
            "trained": self.trained,
            "set_aside": self.set_aside,
            "looks": [dict(look) for look in self.report.looks],
            "cooled_from": self.report.cooled_from,
            "best_step": self.report.best_step,
            "before": self.before.as_dict(),
            "after": self.after.as_dict(),
            "decision": self.decision.as_dict(),
            "encoders": {
                "before": self.before.encoder,
                "candidate": self.after.encoder,
                "serving": self.after.encoder if self.decision.taken else self.before.encoder,
            },
        }


@dataclass(frozen=True, kw_only=True)
class DatasetOutcome(Outcome):
    """What a run on a data set made; `dataset` is its name, and all `images` were learnt from."""

    dataset: str

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "dataset": self.dataset, "encoder": self.card.id}


def write_record(outcome: Outcome) -> None:
    """Write `training.json`, whole or not at all.

    Raises:
        TrainingError: it can't be written.
    """
    with whole_file(outcome.record) as out:
        out.write(json.dumps(outcome.as_dict(), indent=1).encode("ascii") + b"\n")


def record_of(data: str) -> str:
    return os.path.join(data, RECORD_NAME)


def score_lines(before: FolderScores, after: FolderScores) -> list[str]:
    """A table for people: what the encoder could do before and after, the kinds of change weakest first."""
    rows: list[tuple[str, float, float, str]] = [
        ("copies found at precision 0.99", before.recall, after.recall, "higher"),
        ("precision at the encoder's own distance", before.own_precision, after.own_precision, "higher"),
        ("copies found at that distance", before.own_recall, after.own_recall, "higher"),
        ("µAP", before.micro_ap, after.micro_ap, "higher"),
        ("original is the nearest picture", before.nearest, after.nearest, "higher"),
        ("original is among the nearest 32", before.among_32, after.among_32, "higher"),
        ("alignment", before.alignment, after.alignment, "lower"),
        ("uniformity", before.uniformity, after.uniformity, "lower"),
        ("effective rank", before.effective_rank, after.effective_rank, "higher"),
    ]
    kinds: Sequence[str] = sorted(after.by_change, key=lambda kind: (after.by_change[kind], kind))
    rows += [
        (f"  {kind.replace('_', ' ')}", before.by_change[kind], after.by_change[kind], "") for kind in kinds
    ]
    width = max(len(name) for name, *_ in rows)
    lines = [f"{'on held-out images':{width}}  before   after", f"{'-' * width}  ------  ------"]
    for number, (name, old, new, better) in enumerate(rows):
        if number == len(rows) - len(kinds):
            lines.append("copies found by kind of change, weakest first")
        digits = 1 if name.startswith("effective") else 3
        note = f"  {better} is better" if better == "lower" else ""
        lines.append(f"{name:{width}}  {old:6.{digits}f}  {new:6.{digits}f}{note}")
    return lines
