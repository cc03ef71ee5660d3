"""The networks that make features of images: each by a name, randomly initialised.

Letters: B images, S side, c channels.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torchvision
from torch import nn
from torchvision.models.resnet import BasicBlock

from augnet_cli.errors import EncoderError
from augnet_cli.images.names import shown
from augnet_cli.training.networks import googlenet, nin, residual
from augnet_cli.training.symmetric import symmetric_resnet

LEAST_WIDTH = 4  # of the first stage: with fewer some layers would have no channel at all

Made = tuple[nn.Module, int]


@dataclass(frozen=True)
class Network:
    """How a backbone is made.

    Attributes:
        build: gives (feature network: (B, 3, S, S) -> (B, c, h, w), c), randomly initialised, for a width.
        width: channels of its first convolution, as published; 0: no other can be had.
    """

    build: Callable[[int], Made]
    width: int = 0


def build_backbone(name: str, width: int = 0) -> Made:
    """(feature network: (B, 3, S, S) -> (B, c, h, w), c), randomly initialised.

    `width` is that of its first convolution, the others in proportion; 0 is the network's own.

    Raises:
        EncoderError: no such network, or it can't be as wide.
    """
    if name not in BACKBONES:
        raise EncoderError(
            f"there is no backbone named {shown(name)}", f"choose one of {', '.join(BACKBONES)}"
        )
    network = BACKBONES[name]
    if width and not network.width:
        raise EncoderError(f"{name} has one width alone", "leave out --width")
    if width and width < LEAST_WIDTH:
        raise EncoderError(f"a network can't be {width} channels wide", f"--width {LEAST_WIDTH}, or more")
    return network.build(width or network.width)


# Channels of the first stage of `resnet18_slim`: half of ResNet-18's; the last stage is narrower still, so
# that the weights stay under the 8 MB that a light install can carry.
SLIM_WIDTH = 32


def _resnet18_slim(width: int) -> Made:
    """ResNet-18 with narrow stages: 7 MB of weights, about 5 times fewer operations."""
    widths = (width, width * 2, width * 4, width * 11 // 2)
    return residual.residual_network(BasicBlock, (2, 2, 2, 2), widths, "imagenet")


def _mobilenet_v3_small(width: int) -> Made:
    network = torchvision.models.mobilenet_v3_small(weights=None)
    return network.features, 576


def _googlenet_bn(width: int) -> Made:
    """GoogLeNet as torchvision has it: with batch norms, and 3 x 3 in the place of 5 x 5."""
    network = torchvision.models.googlenet(weights=None, aux_logits=False, init_weights=False)
    *features, _, _, _ = network.named_children()  # mean, dropout, classes
    trunk = nn.Sequential(OrderedDict(features))
    for module in trunk.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return trunk, network.fc.in_features


BACKBONES: dict[str, Network] = {
    "symmetric_resnet": Network(lambda width: symmetric_resnet()),
    "resnet18_slim": Network(_resnet18_slim, SLIM_WIDTH),
    "mobilenet_v3_small": Network(_mobilenet_v3_small),
    **{
        f"resnet{depth}{'' if stem == 'imagenet' else '_' + stem}": Network(
            partial(residual.resnet, depth, stem), residual.WIDTH
        )
        for stem in residual.STEMS
        for depth in residual.DEPTHS
    },
    **{f"nin{blocks}": Network(partial(nin.network_in_network, blocks), nin.WIDTH) for blocks in (3, 4, 5)},
    "googlenet": Network(googlenet.googlenet, googlenet.WIDTH),
    "googlenet_bn": Network(_googlenet_bn),
}

# Depthwise convolutions run slower in bf16 and in eight-bit integers than in fp32 on CPUs (measured: 0.4
# times as fast).
DEPTHWISE = frozenset({"mobilenet_v3_small"})
