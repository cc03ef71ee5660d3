"""Residual networks (He et al., "Deep Residual Learning for Image Recognition", 2016) of any depth and width.

Three stems: that of the paper for large pictures; for pictures of 32 pixels a plain 3 x 3 convolution; for
those of 96 the same and a halving whose padding gives maps of 49, 25, 13 and 7 (both as in SCAN, Van
Gansbeke et al., 2020).  All have the same names of weights: stage n is the module n + 3.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck

Block = type[BasicBlock] | type[Bottleneck]

# Blocks of the four stages, by depth.
DEPTHS: dict[int, tuple[Block, tuple[int, int, int, int]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
}
STEMS = ("imagenet", "cifar", "stl")
WIDTH = 64  # channels of the first stage, as published; each further stage has twice as many


def resnet(depth: int, stem: str, width: int) -> tuple[nn.Module, int]:
    """ResNet-`depth` whose first stage has `width` channels, without its last pooling; and its channels."""
    block, counts = DEPTHS[depth]
    return residual_network(block, counts, [width * 2**stage for stage in range(len(counts))], stem)


def residual_network(
    block: Block, counts: Sequence[int], widths: Sequence[int], stem: str
) -> tuple[nn.Module, int]:
    """(B, 3, S, S) to (B, c, h, w), and c; of each stage so many blocks, of so many channels.

    Weights are drawn by fan-out (He et al., 2015); no block starts as the identity.
    """
    layers = _stem(stem, widths[0])
    before = widths[0]
    for number, (count, width) in enumerate(zip(counts, widths, strict=True)):
        blocks: list[nn.Module] = []
        for place in range(count):
            stride, after = 2 if number and not place else 1, width * block.expansion
            shortcut = None
            if stride != 1 or before != after:
                shortcut = nn.Sequential(
                    nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
                )
            blocks.append(block(before, width, stride, shortcut))
            before = after
        layers.append(nn.Sequential(*blocks))
    network = nn.Sequential(*layers)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network, before


def _stem(stem: str, width: int) -> list[nn.Module]:
    """Four modules: convolution, its norm, ReLU, and what halves the map or does not."""
    if stem == "imagenet":
        first, pool = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.MaxPool2d(3, 2, 1)
        return [first, nn.BatchNorm2d(width), nn.ReLU(inplace=True), pool]
    halving = nn.MaxPool2d(2, 2, 1) if stem == "stl" else nn.Identity()
    plain = nn.Conv2d(3, width, 3, 1, 1, bias=False)
    return [plain, nn.BatchNorm2d(width), nn.ReLU(inplace=True), halving]
