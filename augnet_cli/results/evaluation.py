"""What `evaluate` found: how well an encoder does on a data set, by one protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from augnet_cli.records import Skip

# What the rows of a protocol are of: embeddings of the encoder, of the same network untrained, and, where an
# encoder has them, its own clusters.
ENCODER, UNTRAINED, ASSIGNMENTS = "encoder", "untrained", "assignments"


@dataclass(frozen=True)
class EvaluationRow:
    """One line of the table.

    Attributes:
        space: ENCODER, UNTRAINED or ASSIGNMENTS.
        encoder: id of the encoder; `untrained` has none.
        method: by which it was trained, as its card says.
        figures: by name, as `evaluation.protocols` makes them; shares in [0, 1], but for `clusters`.
        confusion: a row a class: shares of its images that were named as each class; empty where the protocol
            names none.
    """

    space: str
    encoder: str
    method: str
    figures: Mapping[str, float]
    confusion: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class EvaluationResult:
    """What one protocol says of an encoder on one split of a data set.

    Attributes:
        dataset, split: names; `typed_dataset` is the data set as the user typed it.
        encoder_file: the file's own name.
        images: judged; `classes` the names of those that occur among them.
        settings: what the protocol was asked with, such as `restarts`.
        notes: lines a person should see: what was left out, and why.
        command: what was typed.
    """

    dataset: str
    typed_dataset: str
    split: str
    protocol: str
    encoder: str
    encoder_file: str
    seed: int
    images: int
    classes: tuple[str, ...]
    rows: tuple[EvaluationRow, ...]
    settings: Mapping[str, float | str] = field(default_factory=dict)
    skipped: tuple[Skip, ...] = ()
    notes: tuple[str, ...] = ()
    command: str = ""
