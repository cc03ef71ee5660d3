"""GoogLeNet (Szegedy et al., "Going Deeper with Convolutions", 2015) as first published, without batch norm.

The trunk of UDML-SS (Cao et al., 2019) and CBSwR (Nguyen et al., 2020).  Layers have Caffe's names, so that
weights are found by them.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 64  # channels of the first convolution, as published
# Of each block: what comes in; 1 x 1; before 3 x 3, and that; before 5 x 5, and that; after the pooling.
INCEPTIONS = {
    "3a": (192, 64, 96, 128, 16, 32, 32),
    "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64),
    "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128),
}
POOLED_AFTER = ("3b", "4e")
# Of the response normalisation: channels looked at, and the numbers of Krizhevsky et al. (2012) as Caffe
# reads them: alpha is divided by the number of channels.
NEIGHBOURS, ALPHA, BETA, OFFSET = 5, 1e-4, 0.75, 1.0


class ResponseNorm(nn.Module):
    """Divides each number by (1 + alpha / 5 * sum of squares of the 5 channels around it) ^ beta.

    Of plain additions, which every runtime has; at the ends channels that are not there count as 0.
    """

    def forward(self, maps: Tensor) -> Tensor:
        channels, half = maps.shape[1], NEIGHBOURS // 2
        squares = functional.pad(maps.square(), (0, 0, 0, 0, half, half))
        energy = squares[:, :channels]
        for shift in range(1, NEIGHBOURS):
            energy = energy + squares[:, shift : shift + channels]
        return maps * (OFFSET + ALPHA / NEIGHBOURS * energy).pow(-BETA)


class Inception(nn.Module):
    """Four branches side by side, (B, c, h, w) to (B, c', h, w)."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        before, one, less_three, three, less_five, five, pooled = widths
        shapes = {
            "1x1": (before, one, 1),
            "3x3_reduce": (before, less_three, 1),
            "3x3": (less_three, three, 3),
            "5x5_reduce": (before, less_five, 1),
            "5x5": (less_five, five, 5),
            "pool_proj": (before, pooled, 1),
        }
        for name, (channels, made, side) in shapes.items():
            self.add_module(name, nn.Conv2d(channels, made, side, padding=side // 2))

    def forward(self, maps: Tensor) -> Tensor:
        def seen(name: str, at: Tensor) -> Tensor:
            return functional.relu(self.get_submodule(name)(at))

        around = functional.max_pool2d(maps, 3, 1, 1)
        branches = [
            seen("1x1", maps),
            seen("3x3", seen("3x3_reduce", maps)),
            seen("5x5", seen("5x5_reduce", maps)),
            seen("pool_proj", around),
        ]
        return torch.cat(branches, dim=1)


def googlenet(width: int) -> tuple[nn.Module, int]:
    """(B, 3, S, S) to the map before the last pooling, (B, c, S/32, S/32), and c: 16 times `width`."""

    def scaled(channels: int) -> int:
        return max(1, channels * width // WIDTH)

    first, second, third = scaled(64), scaled(64), scaled(192)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv1"] = nn.Sequential(
        OrderedDict({"7x7_s2": nn.Conv2d(3, first, 7, 2, 3), "relu": nn.ReLU(inplace=True)})
    )
    layers["pool1"], layers["norm1"] = _halving(), ResponseNorm()
    layers["conv2"] = nn.Sequential(
        OrderedDict(
            {
                "3x3_reduce": nn.Conv2d(first, second, 1),
                "relu_reduce": nn.ReLU(inplace=True),
                "3x3": nn.Conv2d(second, third, 3, padding=1),
                "relu": nn.ReLU(inplace=True),
            }
        )
    )
    layers["norm2"], layers["pool2"] = ResponseNorm(), _halving()
    made = third
    for name, (_, *own) in INCEPTIONS.items():
        widths = [scaled(channels) for channels in own]
        layers[f"inception_{name}"] = Inception((made, *widths))
        made = widths[0] + widths[2] + widths[4] + widths[5]
        if name in POOLED_AFTER:
            layers[f"pool_{name}"] = _halving()
    network = nn.Sequential(layers)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    return network, made


def _halving() -> nn.MaxPool2d:
    return nn.MaxPool2d(3, 2, ceil_mode=True)
