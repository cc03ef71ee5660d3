"""What a user may say of a training run; without torch, so that a slip is answered before it is loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from augnet_cli.cores import usable_cores
from augnet_cli.errors import UsageError

DEFAULT_METHOD = "copies"


@dataclass(frozen=True)
class TrainRequest:
    """What a user may say of a run; None takes the default.

    `preset`: a name of `presets.PRESETS`, which fills in what is not said.
    `init`: `shipped`, `scratch`, an encoder file, or one of weights (`foreign_weights`).
    `options`: the method's own settings, as text.
    `minutes`: for the whole command; excludes `epochs`.
    `replace`: `better` or `always`: when the new encoder takes the old one's place.
    `command`: what was typed, for the card.
    `eval_every`: epochs from one look at labelled images to the next; None never looks.

    Raises:
        UsageError: minutes that are none, or minutes and epochs.
    """

    method: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    init: str | None = None
    backbone: str | None = None
    width: int | None = None
    size: int | None = None
    dim: int | None = None
    epochs: int | None = None
    minutes: float | None = None
    images_per_step: int | None = None
    lr: float | None = None
    seed: int = 0
    device: str = "auto"
    dtype: str = "auto"
    workers: int = field(default_factory=usable_cores)
    resume: bool = False
    command: str = ""
    preset: str | None = None
    replace: str = "better"
    eval_every: int | None = None

    def __post_init__(self) -> None:
        if self.minutes is None:
            return
        if self.epochs is not None:
            raise UsageError("--epochs and --minutes both say how long to train", "leave out one of the two")
        if not (self.minutes > 0 and math.isfinite(self.minutes)):
            raise UsageError(f"{self.minutes:g} minutes are no time to train", "--minutes 15")
