"""The four quarter turns of square images, and the task to tell them apart.

Source: S. Gidaris, P. Singh, N. Komodakis, "Unsupervised Representation Learning by Predicting Image
Rotations" (2018).  Letters: B images, S side.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from augnet_cli.errors import UsageError

TURNS = 4
BLIND_TO_TURNS = "symmetric_resnet"  # the backbone that sees the same in a picture and in its quarter turns


def refuse_blind_to_turns(backbone: str, hint: str = "--backbone resnet18_slim --init scratch") -> None:
    """Refuse the one backbone that can't learn to tell turns apart.

    Raises:
        UsageError: it is that one.
    """
    if backbone == BLIND_TO_TURNS:
        raise UsageError(
            f"{backbone} sees no difference between a picture and its quarter turns, so it can't name them",
            hint,
        )


def turned(images: Tensor) -> Tensor:
    """(B, 3, S, S) to (4 B, 3, S, S): all as they are, then turned by 90, 180, 270 degrees counter-clockwise.

    Whole turns move pixels and interpolate nothing.
    """
    return torch.cat([torch.rot90(images, turn, (2, 3)) for turn in range(TURNS)])


def turns_of(images: int, device: torch.device) -> Tensor:
    """(4 B,) int64: by how many quarters each of `turned` was turned."""
    return torch.arange(TURNS, device=device).repeat_interleave(images)


def turn_loss(logits: Tensor) -> Tensor:
    """Mean cross-entropy of naming the turn, of (4 B, 4) logits in the order of `turned`."""
    return functional.cross_entropy(logits, turns_of(len(logits) // TURNS, logits.device))
