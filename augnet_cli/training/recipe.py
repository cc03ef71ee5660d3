"""How a method wants to be optimised: what its authors chose, where the user says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from augnet_cli.training.schedule import Shape, warm_cosine

ADAM, SGD = "adam", "sgd"
PAIR = 2  # images that come together where each has a partner


@dataclass(frozen=True)
class Recipe:
    """Optimiser, rate and length; None is the trainer's own choice (`choices.choose_settings`).

    Attributes:
        optimiser: ADAM or SGD.
        lr: learning rate.
        images_per_step: images of a batch, partners included.
        epochs: passes, as `Method.rows_in_epoch` counts them.
        momentum, nesterov: of SGD.
        weight_decay: added to the gradient (L2), as both optimisers of torch do.
        rate: share of the learning rate at a progress in [0, 1].
        together: images of a step that can't be parted: PAIR where they come in pairs.
    """

    optimiser: str = ADAM
    lr: float | None = None
    images_per_step: int | None = None
    epochs: int | None = None
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    rate: Shape = warm_cosine
    together: int = 1

    def made(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """The optimiser of these parameter groups, each with its `lr`."""
        if self.optimiser == SGD:
            return torch.optim.SGD(
                groups, momentum=self.momentum, nesterov=self.nesterov, weight_decay=self.weight_decay
            )
        return torch.optim.Adam(groups, weight_decay=self.weight_decay)
