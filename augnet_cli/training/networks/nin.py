"""Network in network: convolutions with two of 1 x 1 after each (Lin et al., 2014).

In the form that RotNet (Gidaris et al., 2018) and AugNet (Chen, 2021) use for small pictures: 3 to 5 blocks,
the map halved after each of the first two.
"""

from __future__ import annotations

from torch import nn

WIDTH = 192  # channels, as published


def network_in_network(blocks: int, width: int) -> tuple[nn.Module, int]:
    """(B, 3, S, S) to (B, width, S/4, S/4), and its width."""
    narrow = width // 2
    stages: list[nn.Module] = [
        # 192, 160 and 96 channels.
        nn.Sequential(_block(3, (width, width * 5 // 6, narrow), 5), nn.MaxPool2d(3, 2, 1)),
        nn.Sequential(_block(narrow, (width,) * 3, 5), nn.AvgPool2d(3, 2, 1)),
    ]
    stages += [_block(width, (width,) * 3, 3) for _ in range(blocks - len(stages))]
    return nn.Sequential(*stages), width


def _block(before: int, widths: tuple[int, int, int], kernel: int) -> nn.Sequential:
    """Three convolutions with batch norm and ReLU: one of `kernel`, two of 1 x 1."""
    layers: list[nn.Module] = []
    for width, side in zip(widths, (kernel, 1, 1), strict=True):
        layers += [
            nn.Conv2d(before, width, side, padding=side // 2),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        ]
        before = width
    return nn.Sequential(*layers)
