"""Views that look like the copies people make of pictures.

AugNet learns from what its views have in common; to tell copies apart, the views must be what copies are:
the whole picture or a strong crop, in another shape, mirrored, turned, saved small or as a poor JPEG,
recoloured, blurred, noisy, framed, put on a page, written upon.  After Pizzi et al., "A Self-Supervised
Descriptor for Image Copy Detection" (2022), in kind; the probabilities are our own.

Geometry and files are done per image here (Pillow), the rest on batches in `copy_changes`.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from augnet_cli.training import copy_changes as changes

TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)


@dataclass(frozen=True)
class CopyViews:
    """Strong everyday changes; every field is a probability unless it says otherwise."""

    size: int
    whole: float = 0.5  # no crop at all: the view is the whole picture
    min_area: float = 0.2  # smallest crop, as a share of the picture's area
    aspect_jitter: float = 0.3  # log of the change of shape a crop may have
    resolution: float = 0.5  # a detour through a smaller size
    min_resolution: float = 0.3
    jpeg: float = 0.15  # saved as a JPEG in between, at the size of the detour
    jpeg_quality: tuple[int, int] = (5, 60)
    mirror: float = 0.5
    quarter_turn: float = 0.5
    colour: float = 0.7
    cast: float = 0.08  # channels mixed at will: sepia, tints, exchanged channels
    negative: float = 0.02
    grey: float = 0.15
    posterise: float = 0.04
    sharpen: float = 0.08
    overlay: float = 0.25  # a bar or a box with marks on it
    sticker: float = 0.08  # a piece of another picture on it
    vignette: float = 0.05
    blur: float = 0.15
    motion: float = 0.05
    pixelate: float = 0.04
    frame: float = 0.25  # shrunk onto a ground, as borders, letterboxes and pages do
    min_frame_scale: float = 0.45
    tilt: float = 0.15  # rotation by up to `tilt_degrees`, the corners cut or filled
    tilt_degrees: float = 20.0
    perspective: float = 0.08
    noise: float = 0.15
    max_noise: float = 0.14  # standard deviation in [0, 1]

    def crop(self, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        height, width = source.shape[:2]
        box = (0.0, 0.0, float(width), float(height))
        if rng.random() >= self.whole:
            area = rng.uniform(self.min_area, 1)
            shape = math.exp(rng.uniform(-self.aspect_jitter, self.aspect_jitter))
            crop_width = min(width, max(1.0, width * math.sqrt(area * shape)))
            crop_height = min(height, max(1.0, height * math.sqrt(area / shape)))
            left, top = rng.uniform(0, width - crop_width), rng.uniform(0, height - crop_height)
            box = (left, top, left + crop_width, top + crop_height)
        image = Image.fromarray(source)
        if rng.random() < self.resolution:
            small = max(1, math.floor(self.size * rng.uniform(self.min_resolution, 1)))
            image = image.resize((small, small), Image.Resampling.BILINEAR, box=box)
            box = (0, 0, small, small)
        if rng.random() < self.jpeg:
            quality = int(rng.integers(self.jpeg_quality[0], self.jpeg_quality[1] + 1))
            if box != (0, 0, *image.size):
                image = image.resize((self.size, self.size), Image.Resampling.BILINEAR, box=box)
                box = (0, 0, self.size, self.size)
            image = _saved_as_jpeg(image, quality)
        image = image.resize((self.size, self.size), Image.Resampling.BILINEAR, box=box)
        if rng.random() < self.mirror:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if rng.random() < self.quarter_turn:
            image = image.transpose(TURNS[rng.integers(3)])
        return np.asarray(image)

    def finish(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        whole = batch.clone()
        for chance, change in (
            (self.colour, changes.recolour),
            (self.cast, changes.cast),
            (self.negative, changes.negative),
            (self.grey, changes.grey),
            (self.posterise, changes.posterise),
            (self.sharpen, changes.sharpen),
            (self.overlay, changes.overlay),
            (self.vignette, changes.vignette),
            (self.blur, changes.blur),
            (self.motion, changes.motion),
            (self.pixelate, changes.pixelate),
        ):
            chosen = _chosen(len(whole), chance, generator)
            if len(chosen):
                whole[chosen] = change(whole[chosen], generator)
        self._with_others(whole, generator)
        for chance, move in ((self.tilt, self._tilt), (self.perspective, changes.perspective)):
            chosen = _chosen(len(whole), chance, generator)
            if len(chosen):
                whole[chosen] = move(whole[chosen], generator)
        chosen = _chosen(len(whole), self.noise, generator)
        if len(chosen):
            whole[chosen] = changes.noise(whole[chosen], self.max_noise, generator)
        return whole.clamp_(0, 1)

    def _with_others(self, batch: Tensor, generator: torch.Generator) -> None:
        """Changes that need a second picture: any of the batch will do."""
        for chance, change in ((self.sticker, changes.sticker), (self.frame, self._frame)):
            chosen = _chosen(len(batch), chance, generator)
            if len(chosen):
                others = torch.randint(len(batch), (len(chosen),), generator=generator)
                batch[chosen] = change(batch[chosen], batch[others], generator)

    def _frame(self, batch: Tensor, others: Tensor, generator: torch.Generator) -> Tensor:
        return changes.frame(batch, others, self.min_frame_scale, generator)

    def _tilt(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        return changes.tilt(batch, self.tilt_degrees, generator)


def _chosen(count: int, chance: float, generator: torch.Generator) -> Tensor:
    return (torch.rand(count, generator=generator) < chance).nonzero().squeeze(1)


def _saved_as_jpeg(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)
