"""Views that look like the copies people make of pictures.

AugNet learns from what its views have in common; to tell copies apart, the views must be what copies are:
the whole picture or a strong crop, in another shape, mirrored, turned, grey, bright, blurred, noisy, framed,
written upon.  After Pizzi et al., "A Self-Supervised Descriptor for Image Copy Detection" (2022), in kind;
the probabilities are our own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from augnet_cli.training.colour import LUMA, mix_colours
from augnet_cli.training.views import warp

BLUR_SIGMAS = (0.7, 1.2, 2.0)  # pixels at the encoder's size: from soft to out of focus
BLUR_RADIUS = 4  # twice the largest sigma


@dataclass(frozen=True)
class CopyViews:
    """Strong everyday changes; every field is a probability unless it says otherwise."""

    size: int
    whole: float = 0.5  # no crop at all: the view is the whole picture
    min_area: float = 0.2  # smallest crop, as a share of the picture's area
    aspect_jitter: float = 0.3  # log of the change of shape a crop may have
    resolution: float = 0.5  # a detour through a smaller size
    min_resolution: float = 0.3
    mirror: float = 0.3
    quarter_turn: float = 0.25
    tilt: float = 0.2  # rotation by up to `tilt_degrees`, the corners cut or filled
    tilt_degrees: float = 20.0
    frame: float = 0.2  # shrunk onto a plain ground, as borders, letterboxes and pages do
    min_frame_scale: float = 0.5
    colour: float = 0.8
    grey: float = 0.15
    blur: float = 0.2
    noise: float = 0.2
    max_noise: float = 0.14  # standard deviation in [0, 1]
    overlay: float = 0.25  # a bar or a box with marks on it

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
        image = image.resize((self.size, self.size), Image.Resampling.BILINEAR, box=box)
        if rng.random() < self.mirror:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if rng.random() < self.quarter_turn:
            turns = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
            image = image.transpose(turns[rng.integers(3)])
        return np.asarray(image)

    def finish(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        batch = batch.clone()
        for chance, change in (
            (self.colour, _recolour),
            (self.grey, _grey),
            (self.overlay, _overlay),
            (self.blur, _blur),
            (self.frame, self._frame),
            (self.tilt, self._tilt),
            (self.noise, self._noise),
        ):
            chosen = (torch.rand(len(batch), generator=generator) < chance).nonzero().squeeze(1)
            if len(chosen):
                batch[chosen] = change(batch[chosen], generator)
        return batch.clamp_(0, 1)

    def _frame(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        count = len(batch)
        scale = _uniform(count, 2, self.min_frame_scale, 1, generator)
        # Half of the frames are letterboxes: one side keeps its full length.
        letterbox = torch.rand(count, generator=generator) < 0.5
        side = torch.randint(0, 2, (count,), generator=generator)
        scale[letterbox, side[letterbox]] = 1
        shift = (_uniform(count, 2, -1, 1, generator)) * (1 - scale)
        matrices = torch.zeros(count, 2, 3)
        matrices[:, 0, 0], matrices[:, 1, 1] = 1 / scale[:, 0], 1 / scale[:, 1]
        matrices[:, :, 2] = -shift / scale
        return _on_ground(batch, matrices.to(batch.device), generator)

    def _tilt(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        count = len(batch)
        angle = _uniform(count, 1, -1, 1, generator).squeeze(1) * math.radians(self.tilt_degrees)
        # Zoom in by a random share of what would hide the corners, as people crop after straightening.
        hidden = 1 / (angle.abs().cos() + angle.abs().sin())
        zoom = 1 - torch.rand(count, generator=generator) * (1 - hidden)
        matrices = torch.zeros(count, 2, 3)
        matrices[:, 0, 0], matrices[:, 0, 1] = angle.cos() * zoom, -angle.sin() * zoom
        matrices[:, 1, 0], matrices[:, 1, 1] = angle.sin() * zoom, angle.cos() * zoom
        return _on_ground(batch, matrices.to(batch.device), generator)

    def _noise(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        strength = _uniform(len(batch), 1, 0, self.max_noise, generator)[:, :, None, None]
        return batch + torch.randn(batch.shape, generator=generator).to(batch.device) * strength.to(
            batch.device
        )


def _uniform(count: int, columns: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(count, columns, generator=generator)


def _ground(count: int, generator: torch.Generator) -> Tensor:
    """(B, 3, 1, 1) plain colours: black, white or any grey mostly, else any colour."""
    colours = torch.rand(count, 3, generator=generator)
    grey = torch.rand(count, 1, generator=generator)
    extreme = (torch.rand(count, 1, generator=generator) * 3).floor() / 2
    pick = torch.rand(count, 1, generator=generator)
    return torch.where(pick < 0.6, extreme, torch.where(pick < 0.8, grey, colours))[:, :, None, None]


def _on_ground(batch: Tensor, matrices: Tensor, generator: torch.Generator) -> Tensor:
    covered = warp(torch.ones_like(batch[:, :1]), matrices)
    return warp(batch, matrices) + (1 - covered) * _ground(len(batch), generator).to(batch.device)


def _recolour(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Brightness, contrast, saturation and a turn of hue as one matrix a picture, then gamma."""
    count = len(batch)
    brightness, contrast = _uniform(count, 2, 0.6, 1.4, generator).unbind(1)
    saturation = _uniform(count, 1, 0.0, 2.0, generator).squeeze(1)
    hue = _uniform(count, 1, -0.06, 0.06, generator).squeeze(1) * (2 * math.pi)
    grey = torch.tensor(LUMA).repeat(3, 1)
    # A rotation about the grey axis (1, 1, 1), after Rodrigues.
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    third = torch.full((3, 3), 1 / 3)
    turn = (
        hue.cos()[:, None, None] * torch.eye(3)
        + hue.sin()[:, None, None] * cross
        + (1 - hue.cos())[:, None, None] * third
    )
    mix = saturation[:, None, None] * torch.eye(3) + (1 - saturation)[:, None, None] * grey
    matrices = (mix @ turn) * (brightness * contrast)[:, None, None]
    offsets = (0.5 * (1 - contrast) * brightness)[:, None].expand(-1, 3)
    mixed = mix_colours(batch, matrices.to(batch.device), offsets.to(batch.device).contiguous())
    gamma = torch.exp(_uniform(count, 1, -0.25, 0.25, generator))[:, :, None, None].to(batch.device)
    return mixed.clamp(min=1e-4) ** gamma


def _grey(batch: Tensor, generator: torch.Generator) -> Tensor:
    weights = batch.new_tensor(LUMA)[None, :, None, None]
    return (batch * weights).sum(1, keepdim=True).expand_as(batch)


def _blur(batch: Tensor, generator: torch.Generator) -> Tensor:
    sigma = BLUR_SIGMAS[int(torch.randint(len(BLUR_SIGMAS), (1,), generator=generator))]
    offsets = torch.arange(-BLUR_RADIUS, BLUR_RADIUS + 1, device=batch.device, dtype=batch.dtype)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).repeat(3, 1)
    padded = functional.pad(batch, [BLUR_RADIUS] * 4, mode="reflect")
    rows = functional.conv2d(padded, kernel[:, None, :, None], groups=3)
    return functional.conv2d(rows, kernel[:, None, None, :], groups=3)


def _overlay(batch: Tensor, generator: torch.Generator) -> Tensor:
    """A caption bar or a box of one colour, with marks of another on it, like lines of text."""
    count, side = len(batch), batch.shape[-1]
    size = _uniform(count, 2, 0.08, 0.45, generator)
    corner = torch.rand(count, 2, generator=generator) * (1 - size)
    bar = torch.rand(count, generator=generator) < 0.5
    corner[bar, 0], size[bar, 0] = 0, 1
    size[bar, 1] = size[bar, 1].clamp(max=0.25)
    at_edge = torch.rand(count, generator=generator) < 0.7
    bottom = torch.rand(count, generator=generator) < 0.7
    corner[bar & at_edge, 1] = torch.where(bottom, 1 - size[:, 1], torch.zeros(count))[bar & at_edge]
    position = (torch.arange(side) + 0.5) / side
    inside_x = (position >= corner[:, :1]) & (position < corner[:, :1] + size[:, :1])
    inside_y = (position >= corner[:, 1:]) & (position < corner[:, 1:] + size[:, 1:])
    box = (inside_y[:, None, :, None] & inside_x[:, None, None, :]).float().to(batch.device)
    marks = (torch.rand(count, 1, side // 4, side // 2, generator=generator) < 0.45).float()
    lines = (torch.arange(side // 4) % 2).float()[None, None, :, None]
    marks = functional.interpolate(marks * lines, size=(side, side)).to(batch.device)
    paper, ink = _ground(count, generator).to(batch.device), _ground(count, generator).to(batch.device)
    # Some overlays are see-through, and some are marks alone, without a ground.
    opacity = torch.where(torch.rand(count, generator=generator) < 0.7, 1.0, 0.5)[:, None, None, None].to(
        batch.device
    )
    bare = (torch.rand(count, generator=generator) < 0.3)[:, None, None, None].to(batch.device)
    cover = box * opacity * torch.where(bare, marks, torch.ones_like(marks))
    return batch * (1 - cover) + (paper * (1 - marks) + ink * marks) * cover
