"""A network that sees the same in a picture, its mirror image and its quarter turns, by construction.

A square has eight symmetries (the group D4).  Every field of features is kept in eight orientations; turning
the picture turns each map and permutes the eight, nothing else, and the mean and the largest over the eight
at the end do not change at all.  After Cohen & Welling, "Group Equivariant Convolutional Networks" (2016), in
the form of a residual network (He et al., 2016).  What differs: kernels of even size where the map is halved,
since a stride of 2 under an odd kernel looks at other pixels after a turn; batch statistics are those of
single orientations while training, and shared by the eight in use.

All eight kernels are made from the one by a lookup, at each training step and once when an exported file is
opened: from then on it is a network of ordinary convolutions, of an eighth of the size on disk.

An encoder for copies has to learn much; that a mirrored picture is the same one need not be learnt.  The
eight orientations share their weights, so there is an eighth of them to learn (docs/decisions/0008).

Letters: B images, k fields of 8 channels each, field by field; g, h elements of the group, 0 the identity.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = (
    32  # of the whole network: a side that is no multiple of it is cut unevenly, and turns are told apart
)
ORDER = 8  # elements of D4: element g is a mirror (if g >= 4), then g % 4 quarter turns
STATISTICS_MOMENTUM, SMALLEST_VARIANCE = 0.1, 1e-5  # torch's own defaults

FIELDS = (4, 8, 16, 22)  # of the four stages: 32, 64, 128 and 176 channels
EXPANDED_FIELDS = 128  # before the orientations are taken together, which leaves twice as many numbers


def moved(maps: Tensor, element: int) -> Tensor:
    """(..., s, s) maps under a symmetry of the square."""
    if element >= 4:
        maps = maps.flip(-1)
    return torch.rot90(maps, element % 4, (-2, -1))


def _orders() -> list[list[int]]:
    """For each g, where orientation h of a turned picture was before: the number of g^-1 h."""
    corners = torch.arange(4.0).view(2, 2)
    elements = [moved(corners, element) for element in range(ORDER)]
    number = {tuple(element.flatten().tolist()): index for index, element in enumerate(elements)}
    orders = [[0] * ORDER for _ in range(ORDER)]
    for g, h in product(range(ORDER), repeat=2):
        gh = number[tuple(moved(elements[h], g).flatten().tolist())]
        orders[g][gh] = h
    return orders


ORDERS = _orders()


class Lift(nn.Module):
    """Convolution of plain pictures by each kernel in eight orientations: (B, c, s, s) to (B, 8k, ...)."""

    places: Tensor  # (8 s s,) where each number of the eight kernels stands in the one

    def __init__(self, channels: int, fields: int, kernel: int, stride: int, padding: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(fields, channels, kernel, kernel))
        nn.init.normal_(self.weight, std=math.sqrt(2 / (channels * kernel**2)))
        numbers = torch.arange(kernel**2).view(kernel, kernel)
        places = torch.stack([moved(numbers, g) for g in range(ORDER)])
        self.register_buffer("places", places.flatten(), persistent=False)
        self.stride, self.padding = stride, padding

    def full_weight(self) -> Tensor:
        """(8k, c, s, s): the kernels as a plain convolution has them."""
        fields, channels, side, _ = self.weight.shape
        oriented = self.weight.flatten(2).index_select(2, self.places)
        by_orientation = oriented.view(fields, channels, ORDER, side**2).permute(0, 2, 1, 3)
        return by_orientation.reshape(ORDER * fields, channels, side, side)

    def forward(self, images: Tensor) -> Tensor:
        return _convolved(images, self.full_weight(), self.stride, self.padding)


class FieldConv(nn.Module):
    """Convolution that commutes with the symmetries: (B, 8 k_in, s, s) to (B, 8 k_out, ...)."""

    places: Tensor  # (8 8 s s,) where each number of the eight kernels stands in the one, field by field

    def __init__(self, before: int, fields: int, kernel: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        channels = before * ORDER
        self.weight = nn.Parameter(torch.empty(fields, channels, kernel, kernel))
        nn.init.normal_(self.weight, std=math.sqrt(2 / (channels * kernel**2)))
        numbers = torch.arange(ORDER * kernel**2).view(ORDER, kernel, kernel)
        places = torch.stack([moved(numbers[ORDERS[g]], g) for g in range(ORDER)])
        self.register_buffer("places", places.flatten(), persistent=False)
        self.stride, self.padding = stride, padding

    def full_weight(self) -> Tensor:
        """(8 k_out, 8 k_in, s, s): the kernels as a plain convolution has them."""
        fields, channels, side, _ = self.weight.shape
        before, numbers = channels // ORDER, ORDER * side**2
        oriented = self.weight.reshape(fields, before, numbers).index_select(2, self.places)
        by_orientation = oriented.view(fields, before, ORDER, numbers).permute(0, 2, 1, 3)
        return by_orientation.reshape(ORDER * fields, channels, side, side)

    def forward(self, maps: Tensor) -> Tensor:
        return _convolved(maps, self.full_weight(), self.stride, self.padding)


def _convolved(maps: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    weight = weight.contiguous(memory_format=torch.channels_last)
    return functional.conv2d(maps, weight, stride=stride, padding=padding)


class FieldNorm(nn.Module):
    """Batch norm whose scale and shift, and in use whose statistics, the eight orientations share."""

    running_mean: Tensor  # (8k,)
    running_var: Tensor  # (8k,)
    field: Tensor  # (8k,) the field that a channel is of
    # Adds up the numbers of all processes that share a step, with the gradient of all; None: there is one.
    added_up: Callable[[Tensor], Tensor] | None = None

    def __init__(self, fields: int) -> None:
        super().__init__()
        self.register_buffer("field", torch.arange(fields).repeat_interleave(ORDER), persistent=False)
        self.weight = nn.Parameter(torch.ones(fields))
        self.bias = nn.Parameter(torch.zeros(fields))
        self.register_buffer("running_mean", torch.zeros(ORDER * fields))
        self.register_buffer("running_var", torch.ones(ORDER * fields))

    def forward(self, maps: Tensor) -> Tensor:
        mean, var = self.running_mean, self.running_var
        if not self.training:
            mean, var = self._shared(mean), self._shared(var)
        weight, bias = self.weight.index_select(0, self.field), self.bias.index_select(0, self.field)
        if self.training and self.added_up is not None:
            return self._over_all_parts(maps, weight, bias, self.added_up)
        return functional.batch_norm(maps, mean, var, weight, bias, self.training, STATISTICS_MOMENTUM)

    def _over_all_parts(
        self, maps: Tensor, weight: Tensor, bias: Tensor, added_up: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """Batch norm by the statistics of the whole batch, of which each process has a part."""
        numbers = maps.float() if maps.dtype.itemsize < 4 else maps  # sums of squares need their bits
        channels, over = maps.shape[1], (0, 2, 3)
        count = numbers.new_tensor([numbers[:, 0].numel()])
        sums = added_up(torch.cat([numbers.sum(over), numbers.square().sum(over), count]))
        count = sums[-1]
        mean = sums[:channels] / count
        var = (sums[channels:-1] / count - mean.square()).clamp(min=0)
        with torch.no_grad():
            self.running_mean.lerp_(mean, STATISTICS_MOMENTUM)
            self.running_var.lerp_(var * count / (count - 1), STATISTICS_MOMENTUM)
        scale = weight * torch.rsqrt(var + SMALLEST_VARIANCE)
        shift = bias - mean * scale
        return (numbers * scale[:, None, None] + shift[:, None, None]).to(maps.dtype)

    def _shared(self, by_channel: Tensor) -> Tensor:
        """(8k,) numbers replaced by the means of their fields.

        Of variances too: what the means of the eight differ by, little unless some orientations are rare in
        training, is left out.
        """
        return by_channel.view(-1, ORDER).mean(1).index_select(0, self.field)


class FieldBlock(nn.Module):
    """Residual block of two convolutions; `halve` halves the side of the map."""

    def __init__(self, before: int, fields: int, halve: bool) -> None:
        super().__init__()
        first = FieldConv(before, fields, 4, 2, 1) if halve else FieldConv(before, fields, 3, 1, 1)
        self.body = nn.Sequential(
            first,
            FieldNorm(fields),
            nn.ReLU(inplace=True),
            FieldConv(fields, fields, 3, 1, 1),
            FieldNorm(fields),
        )
        self.shortcut: nn.Module = nn.Identity()
        if halve or before != fields:
            pool: nn.Module = nn.AvgPool2d(2) if halve else nn.Identity()
            self.shortcut = nn.Sequential(pool, FieldConv(before, fields, 1), FieldNorm(fields))

    def forward(self, maps: Tensor) -> Tensor:
        return functional.relu(self.body(maps) + self.shortcut(maps))


class OverOrientations(nn.Module):
    """(B, 8k, h, w) to (B, 2k, h, w): the mean and the largest of each field's eight orientations."""

    def forward(self, maps: Tensor) -> Tensor:
        oriented = maps.unflatten(1, (-1, ORDER))
        return torch.cat([oriented.mean(2), oriented.amax(2)], 1)


def symmetric_resnet(
    fields: tuple[int, int, int, int] = FIELDS, expanded: int = EXPANDED_FIELDS
) -> tuple[nn.Module, int]:
    """ResNet-18's plan in fields: (B, 3, S, S) to (B, c, S / 32, S / 32), and c; S is a multiple of STRIDE.

    After the mean over the map, the result is the same for a picture and for its mirror image and turns.
    """
    layers: list[nn.Module] = [
        Lift(3, fields[0], 6, 2, 2),
        FieldNorm(fields[0]),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    ]
    before = fields[0]
    for stage, width in enumerate(fields):
        layers += [FieldBlock(before, width, halve=stage > 0), FieldBlock(width, width, halve=False)]
        before = width
    layers += [FieldConv(before, expanded, 1), FieldNorm(expanded), nn.ReLU(inplace=True), OverOrientations()]
    return nn.Sequential(*layers), 2 * expanded
