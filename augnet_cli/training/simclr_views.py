"""SimCLR's views as SCAN takes them: a crop, perhaps mirrored, other colours, perhaps grey.

Source: T. Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations" (2020),
appendix A, with the constants of W. Van Gansbeke et al., "SCAN" (2020): weaker colours than SimCLR's and no
blur.

Crops are made per image with Pillow, colours on whole batches; each image has its own strengths and its own
order of the four changes.  Formulas of the colours are torchvision's (`ColorJitter`), which are Pillow's
(`ImageEnhance`) without rounding to eight bits.
Letters: B images, S side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from augnet_cli.training.colour import LUMA, shift_hue_saturation
from augnet_cli.training.crop_views import crop_box, mirrored, resized_box

CHANGES = ("brightness", "contrast", "saturation", "hue")


@dataclass(frozen=True)
class SimclrViews:
    """Two crops of a picture with these say no more than that it is the same picture."""

    size: int
    min_area: float = 0.2  # of a crop, as a share of the picture's area
    flip: float = 0.5  # probability
    jitter: float = 0.8  # probability of other colours
    brightness: float = 0.4  # factor in [1 - 0.4, 1 + 0.4]
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.1  # of a full turn, either way
    grey: float = 0.2  # probability

    def crop(self, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        box = crop_box(source.shape[1], source.shape[0], (self.min_area, 1.0), rng)
        return mirrored(resized_box(source, box, self.size), self.flip, rng)

    def finish(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        count = len(batch)
        draws = torch.rand(count, 2 + len(CHANGES), generator=generator)
        order = torch.rand(count, len(CHANGES), generator=generator).argsort(1)
        batch = batch.clone()
        chosen = (draws[:, 0] < self.jitter).nonzero().squeeze(1)
        if len(chosen):
            strengths = self._strengths(draws[chosen, 2:]).to(batch.device)
            batch[chosen] = jittered(batch[chosen], strengths, order[chosen])
        chosen = (draws[:, 1] < self.grey).nonzero().squeeze(1)
        if len(chosen):
            batch[chosen] = greyscale(batch[chosen]).expand(-1, 3, -1, -1)
        return batch

    def _strengths(self, draws: Tensor) -> Tensor:
        """(B, 4) factors, of hue turns, of draws in [0, 1)."""
        widest = torch.tensor([self.brightness, self.contrast, self.saturation, self.hue])
        middle = torch.tensor([1.0, 1.0, 1.0, 0.0])
        lowest = (middle - widest).clamp(min=torch.tensor([0.0, 0.0, 0.0, -0.5]))
        return lowest + draws * (middle + widest - lowest)


def jittered(batch: Tensor, strengths: Tensor, order: Tensor) -> Tensor:
    """All four CHANGES of (B, 3, S, S), by the (B, 4) `strengths` and in the (B, 4) `order` of each image.

    A strength of 1 changes nothing, of hue 0; entry (i, k) of `order` says which of CHANGES image i
    undergoes as number k.
    """
    batch = batch.clone()
    for place in range(len(CHANGES)):
        for number, name in enumerate(CHANGES):
            chosen = (order[:, place] == number).nonzero().squeeze(1)
            if len(chosen):
                batch[chosen] = changed(batch[chosen], name, strengths[chosen, number])
    return batch


def changed(batch: Tensor, name: str, strength: Tensor) -> Tensor:
    """One of CHANGES on (B, 3, S, S) in [0, 1], each image by its own strength (B,)."""
    if name == "hue":
        return shift_hue_saturation(batch, strength, torch.zeros_like(strength))
    factor = strength[:, None, None, None]
    if name == "brightness":
        return (batch * factor).clamp(0, 1)
    ground = greyscale(batch)
    if name == "contrast":
        ground = ground.mean((2, 3), keepdim=True)
    return (ground + factor * (batch - ground)).clamp(0, 1)


def greyscale(batch: Tensor) -> Tensor:
    """(B, 1, S, S): the brightness of (B, 3, S, S)."""
    return (batch * batch.new_tensor(LUMA)[None, :, None, None]).sum(1, keepdim=True)
