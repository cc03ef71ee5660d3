"""The networks that make features of images: each by a name, randomly initialised.

Letters: B images, S side, c channels.
"""

from __future__ import annotations

from collections.abc import Callable

import torchvision
from torch import nn

from augnet_cli.training.symmetric import symmetric_resnet

# Channels of the four stages of `resnet18_slim`: half of ResNet-18's, the last narrower still, so that the
# weights stay under the 8 MB that a light install can carry.
SLIM_WIDTHS = (32, 64, 128, 176)


def _mobilenet_v3_small() -> tuple[nn.Module, int]:
    network = torchvision.models.mobilenet_v3_small(weights=None)
    return network.features, 576


def _resnet18_slim() -> tuple[nn.Module, int]:
    """ResNet-18 (He et al., 2016) with narrow stages: 7 MB of weights, about 5 times fewer operations."""
    block = torchvision.models.resnet.BasicBlock
    layers: list[nn.Module] = [
        nn.Conv2d(3, SLIM_WIDTHS[0], 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(SLIM_WIDTHS[0]),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2, padding=1),
    ]
    before = SLIM_WIDTHS[0]
    for number, width in enumerate(SLIM_WIDTHS):
        stride = 1 if number == 0 else 2
        shortcut = None
        if stride != 1 or before != width:
            shortcut = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        layers.append(nn.Sequential(block(before, width, stride, shortcut), block(width, width)))
        before = width
    network = nn.Sequential(*layers)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network, before


def _resnet(name: str) -> Callable[[], tuple[nn.Module, int]]:
    def build() -> tuple[nn.Module, int]:
        network = getattr(torchvision.models, name)(weights=None)
        width = network.fc.in_features
        return nn.Sequential(*list(network.children())[:-2]), width

    return build


# Each builds (feature network: (B, 3, S, S) -> (B, c, h, w), c), randomly initialised.
BACKBONES: dict[str, Callable[[], tuple[nn.Module, int]]] = {
    "symmetric_resnet": symmetric_resnet,
    "resnet18_slim": _resnet18_slim,
    "mobilenet_v3_small": _mobilenet_v3_small,
    "resnet18": _resnet("resnet18"),
    "resnet34": _resnet("resnet34"),
    "resnet50": _resnet("resnet50"),
}

# Depthwise convolutions run slower in bf16 and in eight-bit integers than in fp32 on CPUs (measured: 0.4
# times as fast).
DEPTHWISE = frozenset({"mobilenet_v3_small"})
