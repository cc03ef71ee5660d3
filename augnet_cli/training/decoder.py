"""A network that draws a picture from a feature map: blocks that double its side.

Source: the decoder of CBSwR (B. X. Nguyen et al., 2020), which goes from maps of 7 to pictures of 224 pixels;
here as many blocks as lie between a network's map and its input.
Letters: B maps, c channels, h side of a map, S side of a picture.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

CHANNELS = (128, 64, 32, 16, 16)  # of the blocks in order; further ones have the last


class Decoder(nn.Module):
    """(B, c, h, h) to pictures (B, 3, S, S) in (0, 1)."""

    def __init__(self, channels: int, side: int, size: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        for number in range(max(1, math.ceil(math.log2(size / side)))):
            wide, side = CHANNELS[min(number, len(CHANNELS) - 1)], min(2 * side, size)
            blocks += [
                nn.Conv2d(channels, wide, 3, padding=1, bias=False),
                nn.BatchNorm2d(wide),
                nn.ReLU(inplace=True),
                nn.Upsample((side, side), mode="nearest"),
            ]
            channels = wide
        self.blocks = nn.Sequential(*blocks, nn.Conv2d(channels, 3, 3, padding=1), nn.Sigmoid())

    def forward(self, maps: Tensor) -> Tensor:
        # A batch norm refuses a single number; of two equal ones it makes what it would of that one.
        is_one = self.training and maps[:, 0].numel() == 1
        drawn: Tensor = self.blocks(torch.cat([maps, maps]) if is_one else maps)
        return drawn[:1] if is_one else drawn
