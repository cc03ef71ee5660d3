"""What a user may say of an evaluation."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from augnet_cli.clusters.partition import MAX_SEED
from augnet_cli.cores import usable_cores
from augnet_cli.datasets.record import TEST
from augnet_cli.errors import UsageError
from augnet_cli.images.names import shown

CLUSTERING, RETRIEVAL, PROBE, COPIES = "clustering", "retrieval", "probe", "copies"
PROTOCOLS = (CLUSTERING, RETRIEVAL, PROBE, COPIES)


@dataclass(frozen=True)
class EvaluateRequest:
    """What a user may say of an evaluation; None takes the default.

    Attributes:
        dataset: `NAME:PATH`, or a folder of labelled images.
        encoder: an encoder file, or a checkpoint of a run; None takes the shipped one.
        split: the one that is judged; the probe learns from `train`.
        restarts: of k-means.
        neighbours, temperature: of the probe by neighbours.
        as_published: recall as UDML-SS counts it.
        untrained: whether the same network without training is judged too.
        command: what was typed.

    Raises:
        UsageError: a number or a name that can't be.
    """

    dataset: str
    protocol: str
    encoder: str | None = None
    split: str = TEST
    seed: int = 0
    restarts: int | None = None
    neighbours: int | None = None
    temperature: float | None = None
    as_published: bool = False
    untrained: bool = True
    workers: int = field(default_factory=usable_cores)
    command: str = ""

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise UsageError(
                f"there is no protocol {shown(self.protocol)}", f"choose one of {', '.join(PROTOCOLS)}"
            )
        if not 0 <= self.seed <= MAX_SEED:
            raise UsageError(f"the seed {self.seed} is out of range", f"use a seed from 0 to {MAX_SEED}")
        if self.temperature is not None and not (self.temperature > 0 and math.isfinite(self.temperature)):
            raise UsageError(f"a temperature must be above 0, not {self.temperature:g}", "--temperature 0.07")
        for option, value, serves in (
            ("--faithful", self.as_published or None, (RETRIEVAL,)),
            ("--restarts", self.restarts, (CLUSTERING, RETRIEVAL)),
            ("--neighbours", self.neighbours, (PROBE,)),
            ("--temperature", self.temperature, (PROBE,)),
        ):
            if value is not None and self.protocol not in serves:
                raise UsageError(f"{option} is for --protocol {' or '.join(serves)}", "leave it out")
