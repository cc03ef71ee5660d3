"""Changes that copies show, on batches of pictures.

Each picture has its own numbers where that costs nothing; how strong a blur is, how coarse a block, one draw
says for all pictures of a batch that get it.

Pictures are float (B, 3, S, S), RGB in [0, 1]; what comes out has the same shape
and may leave [0, 1] a little.
Everything random comes from the generator, on the CPU, so that a device draws the same views.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from augnet_cli.training.colour import LUMA, mix_colours
from augnet_cli.training.views import warp

BLUR_SIGMAS = (0.7, 1.2, 2.0)  # pixels at the encoder's size: from soft to out of focus
BLUR_RADIUS = 4  # twice the largest sigma
MOTION_LENGTHS = (3, 5, 7)  # pixels that a shaken camera smears over
PIXEL_BLOCKS = (2, 3, 4)  # side of a block in pixels
POSTER_LEVELS = (4, 6, 8)  # greys a channel is reduced to
DARKEST = 1e-4  # under a power of gamma: a negative number has no root


def uniform(count: int, columns: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """(count, columns) numbers, evenly spread over [low, high)."""
    return low + (high - low) * torch.rand(count, columns, generator=generator)


def grounds(count: int, generator: torch.Generator) -> Tensor:
    """(count, 3, 1, 1) plain colours: black, white or middle grey mostly, else any grey, else any colour."""
    colours = torch.rand(count, 3, generator=generator)
    any_grey = torch.rand(count, 1, generator=generator)
    extreme = (torch.rand(count, 1, generator=generator) * 3).floor() / 2
    pick = torch.rand(count, 1, generator=generator)
    return torch.where(pick < 0.6, extreme, torch.where(pick < 0.8, any_grey, colours))[:, :, None, None]


def recolour(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Brightness, contrast, saturation and a turn of hue as one matrix a picture, then gamma."""
    count = len(batch)
    brightness, contrast = uniform(count, 2, 0.55, 1.5, generator).unbind(1)
    saturation = uniform(count, 1, 0.0, 2.0, generator).squeeze(1)
    hue = uniform(count, 1, -0.08, 0.08, generator).squeeze(1) * (2 * math.pi)
    grey_of = torch.tensor(LUMA).repeat(3, 1)
    # A rotation about the grey axis (1, 1, 1), after Rodrigues.
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    third = torch.full((3, 3), 1 / 3)
    turn = (
        hue.cos()[:, None, None] * torch.eye(3)
        + hue.sin()[:, None, None] * cross
        + (1 - hue.cos())[:, None, None] * third
    )
    mix = saturation[:, None, None] * torch.eye(3) + (1 - saturation)[:, None, None] * grey_of
    matrices = (mix @ turn) * (brightness * contrast)[:, None, None]
    offsets = (0.5 * (1 - contrast) * brightness)[:, None].expand(-1, 3)
    mixed = mix_colours(batch, matrices.to(batch.device), offsets.to(batch.device).contiguous())
    gamma = torch.exp(uniform(count, 1, -0.35, 0.35, generator))[:, :, None, None].to(batch.device)
    return mixed.clamp(min=DARKEST) ** gamma


def cast(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Each channel a new mixture of the three: sepia, tints, exchanged channels and what lies between."""
    count = len(batch)
    weights = torch.rand(count, 3, 3, generator=generator) ** 3
    weights = weights / weights.sum(2, keepdim=True)
    gains = uniform(count, 3, 0.7, 1.2, generator)
    matrices = weights * gains[:, :, None]
    return mix_colours(batch, matrices.to(batch.device), torch.zeros(count, 3, device=batch.device))


def negative(batch: Tensor, generator: torch.Generator) -> Tensor:
    return 1 - batch


def grey(batch: Tensor, generator: torch.Generator) -> Tensor:
    weights = batch.new_tensor(LUMA)[None, :, None, None]
    return (batch * weights).sum(1, keepdim=True).expand_as(batch)


def posterise(batch: Tensor, generator: torch.Generator) -> Tensor:
    steps = _one_of(POSTER_LEVELS, generator) - 1
    return (batch.clamp(0, 1) * steps).round() / steps


def _one_of(choices: tuple[float, ...] | tuple[int, ...], generator: torch.Generator) -> float:
    return choices[int(torch.randint(len(choices), (1,), generator=generator))]


def _blurred(batch: Tensor, sigma: float) -> Tensor:
    offsets = torch.arange(-BLUR_RADIUS, BLUR_RADIUS + 1, device=batch.device, dtype=batch.dtype)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).repeat(3, 1)
    padded = functional.pad(batch, [BLUR_RADIUS] * 4, mode="reflect")
    rows = functional.conv2d(padded, kernel[:, None, :, None], groups=3)
    return functional.conv2d(rows, kernel[:, None, None, :], groups=3)


def blur(batch: Tensor, generator: torch.Generator) -> Tensor:
    return _blurred(batch, _one_of(BLUR_SIGMAS, generator))


def sharpen(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Unsharp mask: what a blur takes away, added once or twice."""
    strength = uniform(len(batch), 1, 0.5, 2.0, generator)[:, :, None, None].to(batch.device)
    return (batch + strength * (batch - _blurred(batch, BLUR_SIGMAS[0]))).clamp(0, 1)


def motion(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Smeared along rows, columns or a diagonal."""
    length = int(_one_of(MOTION_LENGTHS, generator))
    line = torch.eye(length)
    if torch.rand(1, generator=generator) < 0.5:
        line = torch.zeros(length, length)
        line[length // 2] = 1
    if torch.rand(1, generator=generator) < 0.5:
        line = torch.rot90(line)
    kernel = (line / length).to(batch.device).expand(3, 1, -1, -1)
    padded = functional.pad(batch, [length // 2] * 4, mode="reflect")
    return functional.conv2d(padded, kernel, groups=3)


def pixelate(batch: Tensor, generator: torch.Generator) -> Tensor:
    side = batch.shape[-1]
    blocks = max(1, side // int(_one_of(PIXEL_BLOCKS, generator)))
    return functional.interpolate(functional.adaptive_avg_pool2d(batch, blocks), size=(side, side))


def vignette(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Darker towards the corners."""
    position = torch.linspace(-1, 1, batch.shape[-1], device=batch.device)
    from_centre = (position.square()[:, None] + position.square()[None]) / 2
    strength = uniform(len(batch), 1, 0.2, 0.9, generator)[:, :, None, None].to(batch.device)
    return batch * (1 - strength * from_centre)


def noise(batch: Tensor, most: float, generator: torch.Generator) -> Tensor:
    """Gaussian, of a standard deviation up to `most`."""
    strength = uniform(len(batch), 1, 0, most, generator)[:, :, None, None].to(batch.device)
    return batch + torch.randn(batch.shape, generator=generator).to(batch.device) * strength


def _boxes(corner: Tensor, size: Tensor, side: int, device: torch.device) -> Tensor:
    """(B, 1, side, side) 1 inside of boxes whose corners and sizes (x, y) are shares of the side."""
    position = (torch.arange(side) + 0.5) / side
    inside_x = (position >= corner[:, :1]) & (position < corner[:, :1] + size[:, :1])
    inside_y = (position >= corner[:, 1:]) & (position < corner[:, 1:] + size[:, 1:])
    return (inside_y[:, None, :, None] & inside_x[:, None, None, :]).float().to(device)


def _marks(count: int, side: int, generator: torch.Generator) -> Tensor:
    """(count, 1, side, side) 1 where ink is: broken lines, as text at this size."""
    dots = (torch.rand(count, 1, side // 4, side // 2, generator=generator) < 0.45).float()
    lines = (torch.arange(side // 4) % 2).float()[None, None, :, None]
    return functional.interpolate(dots * lines, size=(side, side))


def overlay(batch: Tensor, generator: torch.Generator) -> Tensor:
    """A caption bar or a box of one colour, with marks of another on it, like lines of text."""
    count, side = len(batch), batch.shape[-1]
    size = uniform(count, 2, 0.08, 0.45, generator)
    corner = torch.rand(count, 2, generator=generator) * (1 - size)
    bar = torch.rand(count, generator=generator) < 0.5
    corner[bar, 0], size[bar, 0] = 0, 1
    size[bar, 1] = size[bar, 1].clamp(max=0.25)
    at_edge = torch.rand(count, generator=generator) < 0.7
    bottom = torch.rand(count, generator=generator) < 0.7
    corner[bar & at_edge, 1] = torch.where(bottom, 1 - size[:, 1], torch.zeros(count))[bar & at_edge]
    box = _boxes(corner, size, side, batch.device)
    marks = _marks(count, side, generator).to(batch.device)
    paper, ink = grounds(count, generator).to(batch.device), grounds(count, generator).to(batch.device)
    # Some overlays are see-through, and some are marks alone, without a ground.
    opacity = torch.where(torch.rand(count, generator=generator) < 0.7, 1.0, 0.5)
    bare = torch.rand(count, generator=generator) < 0.3
    cover = box * opacity[:, None, None, None].to(batch.device)
    cover = cover * torch.where(bare[:, None, None, None].to(batch.device), marks, torch.ones_like(marks))
    return batch * (1 - cover) + (paper * (1 - marks) + ink * marks) * cover


def sticker(batch: Tensor, others: Tensor, generator: torch.Generator) -> Tensor:
    """A box, or the ellipse in it, covered by the same part of another picture."""
    count, side = len(batch), batch.shape[-1]
    size = uniform(count, 2, 0.15, 0.5, generator)
    corner = torch.rand(count, 2, generator=generator) * (1 - size)
    cover = _boxes(corner, size, side, batch.device)
    position = (torch.arange(side) + 0.5) / side
    apart = (position[None] - (corner + size / 2)[:, :, None]) / (size / 2)[:, :, None]
    disc = apart[:, 0].square()[:, None, :] + apart[:, 1].square()[:, :, None] <= 1
    round_one = (torch.rand(count, generator=generator) < 0.5)[:, None, None, None].to(batch.device)
    cover = torch.where(round_one, disc[:, None].float().to(batch.device), cover)
    return batch * (1 - cover) + others * cover


def frame(batch: Tensor, others: Tensor, min_scale: float, generator: torch.Generator) -> Tensor:
    """Shrunk onto a ground: a plain colour, lines of text on it, another picture, or itself, blurred."""
    count, side = len(batch), batch.shape[-1]
    scale = uniform(count, 2, min_scale, 1, generator)
    # Half keep their shape as borders do, a quarter are letterboxes: one side keeps its full length.
    kind = torch.rand(count, generator=generator)
    scale[kind < 0.5, 1] = scale[kind < 0.5, 0]
    letterbox = kind >= 0.75
    one_side = torch.randint(0, 2, (count,), generator=generator)
    scale[letterbox, one_side[letterbox]] = 1
    # Most frames are centred.
    shift = uniform(count, 2, -1, 1, generator) * (1 - scale)
    shift[torch.rand(count, generator=generator) < 0.4] = 0
    matrices = torch.zeros(count, 2, 3)
    matrices[:, 0, 0], matrices[:, 1, 1] = 1 / scale[:, 0], 1 / scale[:, 1]
    matrices[:, :, 2] = -shift / scale
    plain = grounds(count, generator).to(batch.device).expand_as(batch)
    ink = grounds(count, generator).to(batch.device)
    marks = _marks(count, side, generator).to(batch.device)
    pick = torch.rand(count, generator=generator)[:, None, None, None].to(batch.device)
    ground = torch.where(pick < 0.2, plain * (1 - marks) + ink * marks, plain)
    ground = torch.where(pick > 0.8, others, ground)
    ground = torch.where(pick > 0.9, _blurred(batch, BLUR_SIGMAS[-1]), ground)
    return on_ground(batch, matrices.to(batch.device), ground)


def on_ground(batch: Tensor, matrices: Tensor, ground: Tensor) -> Tensor:
    """Each picture through its (2, 3) affine map of output to input, `ground` where it does not reach."""
    covered = warp(torch.ones_like(batch[:, :1]), matrices)
    return warp(batch, matrices) + (1 - covered) * ground


def tilt(batch: Tensor, degrees: float, generator: torch.Generator) -> Tensor:
    """Rotated by up to `degrees`."""
    count = len(batch)
    angle = uniform(count, 1, -1, 1, generator).squeeze(1) * math.radians(degrees)
    # Zoom in by a random share of what would hide the corners, as people crop after straightening.
    hidden = 1 / (angle.abs().cos() + angle.abs().sin())
    zoom = 1 - torch.rand(count, generator=generator) * (1 - hidden)
    matrices = torch.zeros(count, 2, 3)
    matrices[:, 0, 0], matrices[:, 0, 1] = angle.cos() * zoom, -angle.sin() * zoom
    matrices[:, 1, 0], matrices[:, 1, 1] = angle.sin() * zoom, angle.cos() * zoom
    return on_ground(batch, matrices.to(batch.device), grounds(count, generator).to(batch.device))


def perspective(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Seen at a slant: sheared, and shrinking towards one side, as a photograph of a screen or a print."""
    count, side = len(batch), batch.shape[-1]
    shear = uniform(count, 2, -0.15, 0.15, generator)
    slant = uniform(count, 2, -0.25, 0.25, generator)
    position = (torch.arange(side) + 0.5) / side * 2 - 1
    y, x = torch.meshgrid(position, position, indexing="ij")
    depth = 1 + slant[:, :1, None] * x + slant[:, 1:, None] * y
    across = (x + shear[:, :1, None] * y) / depth
    down = (y + shear[:, 1:, None] * x) / depth
    grid = torch.stack([across, down], 3).to(batch.device)
    sampled = functional.grid_sample(batch, grid, "bilinear", "zeros", align_corners=False)
    covered = functional.grid_sample(
        torch.ones_like(batch[:, :1]), grid, "bilinear", "zeros", align_corners=False
    )
    return sampled + (1 - covered) * grounds(count, generator).to(batch.device)
