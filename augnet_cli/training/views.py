"""AugNet's views (Chen, 2021): crop, resolution, rotation, hue, saturation, brightness.

A view is made in two steps: `crop` per image on the CPU (Pillow, in threads), `finish` on whole batches
as tensors on the training device.  `crop` draws from a generator of the image's own, so views do not depend
on the order in which threads run.

Differs from the published code: resizing is antialiased (Pillow) where OpenCV's bilinear is not; the crop
is taken from the source directly instead of from a copy enlarged to a short side of 2S, which is the same
geometry with one interpolation less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from augnet_cli.training.colour import BRIGHTNESS_SPACES, change_brightness, shift_hue_saturation

# imgaug turns a hue step v into int(v / 255 * 180) of OpenCV's half degrees: v / 255 of a full turn.
HUE_STEPS_PER_TURN = 255
LEVELS = 255  # saturation and brightness offsets are given in 8-bit levels


class Views(Protocol):
    """How one source image becomes views; both steps together make one."""

    def crop(self, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(h, w, 3) uint8 to (S, S, 3) uint8."""
        ...

    def finish(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """(B, 3, S, S) float in [0, 1] to the same, on whatever device the batch is on."""
        ...


@dataclass(frozen=True)
class EachItsOwn:
    """Views of several kinds: view number i of an image is made as `kinds[i]` says."""

    kinds: tuple[Views, ...]

    def crop(self, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A view of the first kind; `kind_of` gives the others."""
        return self.kinds[0].crop(source, rng)

    def finish(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """(B V, 3, S, S), the views of an image one after the other."""
        views = batch.unflatten(0, (-1, len(self.kinds)))
        made = [kind.finish(views[:, number], generator) for number, kind in enumerate(self.kinds)]
        return torch.stack(made, dim=1).flatten(0, 1)


def kind_of(views: Views, number: int) -> Views:
    """How view `number` of an image is made."""
    return views.kinds[number] if isinstance(views, EachItsOwn) else views


@dataclass(frozen=True)
class AugNetViews:
    """Views as AugNet's STL-10 script makes them; defaults are its constants."""

    size: int
    min_crop: float = 0.2  # side of the square crop, as a share of the short side, uniform in [min_crop, 1]
    flip: float = 0.5
    resolution_jitter: float = 0.7  # probability of a detour through a smaller size
    min_resolution: float = 0.2
    rotation_degrees: float = 35.0
    hue_steps: int = 25
    saturation_levels: tuple[int, int] = (-150, 50)
    brightness_factor: tuple[float, float] = (0.75, 1.25)
    brightness_levels: int = 50

    def crop(self, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        height, width = source.shape[:2]
        side = max(1.0, math.floor(min(height, width) * rng.uniform(self.min_crop, 1)))
        left, top = rng.uniform(0, width - side), rng.uniform(0, height - side)
        image = Image.fromarray(source)
        box = (left, top, left + side, top + side)
        if rng.random() < self.resolution_jitter:
            small = max(1, math.floor(self.size * rng.uniform(self.min_resolution, 1)))
            image = image.resize((small, small), Image.Resampling.BILINEAR, box=box)
            box = (0, 0, small, small)
        image = image.resize((self.size, self.size), Image.Resampling.BILINEAR, box=box)
        if rng.random() < self.flip:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return np.asarray(image)

    def finish(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        count = len(batch)

        def uniform(low: float, high: float) -> Tensor:
            return low + (high - low) * torch.rand(count, generator=generator).to(batch.device)

        def integers(low: int, high: int) -> Tensor:
            return torch.randint(low, high + 1, (count,), generator=generator).to(batch.device)

        batch = rotate(batch, uniform(-self.rotation_degrees, self.rotation_degrees))
        hue = integers(-self.hue_steps, self.hue_steps) / HUE_STEPS_PER_TURN
        saturation = integers(*self.saturation_levels) / LEVELS
        batch = shift_hue_saturation(batch, hue, saturation)
        factor = uniform(*self.brightness_factor)
        offset = integers(-self.brightness_levels, self.brightness_levels) / LEVELS
        add_first = integers(0, 1).bool()
        space = integers(0, len(BRIGHTNESS_SPACES) - 1)
        result = batch.clone()
        for number, name in enumerate(BRIGHTNESS_SPACES):
            chosen = (space == number).nonzero().squeeze(1)
            if len(chosen):
                result[chosen] = change_brightness(
                    batch[chosen], name, factor[chosen], offset[chosen], add_first[chosen]
                )
        return result


def rotate(batch: Tensor, degrees: Tensor) -> Tensor:
    """Turn each image counterclockwise by its own angle (B,); bilinear, black beyond the edge."""
    angle = degrees * (math.pi / 180)
    cos, sin, zero = torch.cos(angle), torch.sin(angle), torch.zeros_like(angle)
    matrix = torch.stack([torch.stack([cos, -sin, zero], 1), torch.stack([sin, cos, zero], 1)], 1)
    return warp(batch, matrix)


def warp(batch: Tensor, matrices: Tensor) -> Tensor:
    """Sample each image through its own (2, 3) affine map of output to input, black outside."""
    grid = torch.nn.functional.affine_grid(matrices, list(batch.shape), align_corners=False)
    return torch.nn.functional.grid_sample(batch, grid, "bilinear", "zeros", align_corners=False)
