"""What a user may say of a training run; without torch, so that a slip is answered before it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from augnet_cli.cores import usable_cores


@dataclass(frozen=True)
class TrainRequest:
    """What a user may say of a run; None takes the default.

    `init`: `shipped`, `scratch`, or an encoder file.  `options`: the method's own settings, as text.
    `command`: what was typed, for the card.
    """

    method: str = "augnet"
    options: Mapping[str, str] = field(default_factory=dict)
    init: str = "shipped"
    backbone: str | None = None
    size: int | None = None
    dim: int | None = None
    epochs: int | None = None
    images_per_step: int | None = None
    lr: float | None = None
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    workers: int = field(default_factory=usable_cores)
    resume: bool = False
    command: str = ""
