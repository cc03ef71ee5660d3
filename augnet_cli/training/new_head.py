"""A new linear head on a backbone that knows something: it begins as the principal axes of what that says.

Random weights would mix the backbone's numbers at random: neighbours that it got right would be lost before
the first step.  Axes of least variance are left out where the head is narrower; the others are evened out a
little, as `whitening` does it after training.

Letters: n images, c width of the backbone, d dim of the embedding.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from augnet_cli.training.whitening import POWER, evened_axes

FEWEST_PER_NUMBER = 2  # images for each of c: of fewer the axes say more of chance than of pictures


def begin_as_axes(head: nn.Linear, pooled: np.ndarray, power: float = POWER) -> bool:
    """Let `head` (c to d) give the first d principal axes of (n, c) features, centred; of length as before.

    Further outputs, where d is more than c, begin at 0.  False, and nothing is done, for too few images.
    """
    if len(pooled) < FEWEST_PER_NUMBER * pooled.shape[1]:
        return False
    mean = pooled.mean(0, dtype=np.float64)
    wide = evened_axes(pooled, power)[:, ::-1].T[: head.out_features]
    weight = torch.zeros_like(head.weight)
    weight[: len(wide)] = torch.from_numpy(wide.copy())
    with torch.no_grad():
        # What follows is of unit length: only the rate of learning hangs on how large the weights are.
        weight *= head.weight.square().mean().sqrt() / weight.square().mean().sqrt()
        head.weight.copy_(weight)
        head.bias.copy_(-weight @ torch.from_numpy(mean).to(weight.dtype))
    return True
