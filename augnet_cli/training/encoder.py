"""The encoder as a torch network: a backbone, a head, and the numbers that normalise its input.

`forward` takes float images in [0, 1] and is what training sees; `unit_rows` is what use sees, which
`export.UnitRows` wraps (uint8 in, unit rows out).
Letters: B images, S side, c backbone channels, d dim.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

from augnet_cli.errors import EncoderError
from augnet_cli.images.names import shown
from augnet_cli.training.symmetric import STRIDE, symmetric_resnet
from augnet_cli.training.whitening import Whitening

# Channels of the four stages of `resnet18_slim`: half of ResNet-18's, the last narrower still, so that the
# weights stay under the 8 MB that a light install can carry.
SLIM_WIDTHS = (32, 64, 128, 176)
SMALLEST_SQUARE = 1e-6  # keeps the scale of an all-zero row finite


@dataclass(frozen=True)
class EncoderSpec:
    """All that is needed to build an encoder again; it stands in the card and in checkpoints.

    Attributes:
        backbone: a key of `BACKBONES`.
        size: side S of the square input in pixels.
        dim: width d of the embedding; 0 takes the backbone's own width.
        head: `linear_tanh` (linear layer and batch norm before the tanh: both halves of its range are used)
            or `tanh` (AugNet as published: tanh on pooled features, which are not negative after a ReLU;
            needs dim 0 or the backbone's width).
        whitened: a whitening, fitted once training was done, follows the network.
    """

    backbone: str = "resnet18_slim"
    size: int = 96
    dim: int = 128
    head: str = "linear_tanh"
    whitened: bool = False

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


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


class UnitRms(nn.Module):
    """Scales the numbers along dimension 1 to a root mean square of 1.

    Before the pooling it keeps a plain region, which can excite some channels many times as much as others,
    from drowning the rest of its picture; before the tanh it keeps an image out of the corner where every
    number is +-1.  Without it pictures of things in blue skies ended as one point: the larger the features,
    the smaller the gradient that could have parted them (docs/decisions/0006).
    """

    def forward(self, values: Tensor) -> Tensor:
        return values * torch.rsqrt(values.square().mean(dim=1, keepdim=True) + SMALLEST_SQUARE)


class Encoder(nn.Module):
    """Maps images to embeddings that are not yet normalised: tanh of the pooled features.

    AugNet's published networks (Chen, 2021) apply tanh to ReLU-pooled features, which leaves half of
    tanh's range unused; `head="linear_tanh"` puts a linear layer before it.
    """

    mean: Tensor  # (3,), in [0, 1]
    std: Tensor  # (3,)

    def __init__(self, spec: EncoderSpec) -> None:
        super().__init__()
        if spec.backbone not in BACKBONES:
            raise EncoderError(
                f"there is no backbone named {shown(spec.backbone)}", f"choose one of {', '.join(BACKBONES)}"
            )
        if spec.backbone == "symmetric_resnet" and spec.size % STRIDE:
            raise EncoderError(
                f"symmetric_resnet looks at sides that are multiples of {STRIDE}, not {spec.size}",
                f"--size {max(1, round(spec.size / STRIDE)) * STRIDE}",
            )
        self.backbone, width = BACKBONES[spec.backbone]()
        if spec.head == "tanh":
            if spec.dim not in (0, width):
                raise EncoderError(
                    f"the head tanh keeps the backbone's {width} numbers, not {spec.dim}",
                    f"leave out --dim, or use --dim {width}",
                )
            self.level: nn.Module = nn.Identity()
            self.head: nn.Module = nn.Identity()
        elif spec.head == "linear_tanh":
            # Batch norm centres what tanh sees; at use it is a fixed shift and scale. Without it all
            # embeddings start in one narrow cone and leave it slowly.
            dim = spec.dim or width
            self.level = UnitRms()
            self.head = nn.Sequential(nn.Linear(width, dim, bias=False), nn.BatchNorm1d(dim), UnitRms())
        else:
            raise EncoderError(f"there is no head named {spec.head}", "choose linear_tanh or tanh")
        self.spec = spec
        self.dim = spec.dim or width
        self.whitening = Whitening(self.dim) if spec.whitened else None
        self.register_buffer("mean", torch.full((3,), 0.5))
        self.register_buffer("std", torch.full((3,), 0.25))

    def features(self, images: Tensor) -> Tensor:
        """Feature map (B, c, h, w) of float images (B, 3, S, S) in [0, 1]."""
        mean, std = self.mean[None, :, None, None], self.std[None, :, None, None]
        mapped: Tensor = self.backbone((images - mean) / std)
        return mapped

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (B, d) in (-1, 1), not of unit length, of float images (B, 3, S, S) in [0, 1]."""
        pooled = self.level(self.features(images)).mean(dim=(2, 3))
        return torch.tanh(self.head(pooled))

    def unit_rows(self, images: Tensor) -> Tensor:
        """Unit rows (B, d) as they are used, of float images (B, 3, S, S) in [0, 1]."""
        rows = functional.normalize(self(images).float(), dim=1)
        return rows if self.whitening is None else self.whitening(rows)

    def whiten(self, whitening: Whitening) -> None:
        """Let `whitening` follow the network from now on."""
        self.whitening = whitening
        self.spec = replace(self.spec, whitened=True)
