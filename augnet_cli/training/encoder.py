"""The encoder as a torch network: a backbone, a head, and the numbers that normalise its input.

`forward` takes float images in [0, 1] and is what training sees; `unit_rows` is what use sees, which
`export.UnitRows` wraps (uint8 in, unit rows out).
Letters: B images, S side, c backbone channels, d dim.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from augnet_cli.errors import EncoderError
from augnet_cli.training.backbones import build_backbone
from augnet_cli.training.symmetric import STRIDE
from augnet_cli.training.whitening import Whitening

SMALLEST_SQUARE = 1e-6  # keeps the scale of an all-zero row finite


@dataclass(frozen=True)
class EncoderSpec:
    """All that is needed to build an encoder again; it stands in the card and in checkpoints.

    Attributes:
        backbone: a key of `BACKBONES`.
        size: side S of the square input in pixels.
        dim: width d of the embedding; 0 takes the backbone's own width.
        head: `linear_tanh` (linear layer and batch norm before the tanh: both halves of its range are used),
            `tanh` (AugNet as published: tanh on pooled features, which are not negative after a ReLU),
            `pooled` (the pooled features themselves) or `linear` (one linear layer on them); `tanh` and
            `pooled` need dim 0 or the backbone's width.
        whitened: a whitening, fitted once training was done, follows the network.
        clusters: how many clusters C a second output tells apart (SCAN); 0: there is none.
        width: channels of the backbone's first convolution, the others in proportion; 0: the network's own.
    """

    backbone: str = "resnet18_slim"
    size: int = 96
    dim: int = 128
    head: str = "linear_tanh"
    whitened: bool = False
    clusters: int = 0
    width: int = 0

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


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
    """Maps images to embeddings that are not yet normalised: a backbone, its mean over the map, a head.

    AugNet's published networks (Chen, 2021) apply tanh to ReLU-pooled features, which leaves half of
    tanh's range unused; `head="linear_tanh"` puts a linear layer before it.
    """

    mean: Tensor  # (3,), in [0, 1]
    std: Tensor  # (3,)

    def __init__(self, spec: EncoderSpec) -> None:
        super().__init__()
        if spec.backbone == "symmetric_resnet" and spec.size % STRIDE:
            raise EncoderError(
                f"symmetric_resnet looks at sides that are multiples of {STRIDE}, not {spec.size}",
                f"--size {max(1, round(spec.size / STRIDE)) * STRIDE}",
            )
        self.backbone, width = build_backbone(spec.backbone, spec.width)
        self.level: nn.Module = nn.Identity()
        self.head, self.range = _head(spec, width)
        if spec.head == "linear_tanh":
            self.level = UnitRms()
        self.spec = spec
        self.width = width
        self.dim = spec.dim or width
        self.whitening = Whitening(self.dim) if spec.whitened else None
        self.clusters = nn.Linear(self.dim, spec.clusters) if spec.clusters else None
        self.register_buffer("mean", torch.full((3,), 0.5))
        self.register_buffer("std", torch.full((3,), 0.25))

    def features(self, images: Tensor) -> Tensor:
        """Feature map (B, c, h, w) of float images (B, 3, S, S) in [0, 1]."""
        mean, std = self.mean[None, :, None, None], self.std[None, :, None, None]
        mapped: Tensor = self.backbone((images - mean) / std)
        return mapped

    def pooled(self, images: Tensor) -> Tensor:
        """The mean of the feature map over its places: (B, c) of float images (B, 3, S, S) in [0, 1]."""
        return self.pool(self.features(images))

    def pool(self, maps: Tensor) -> Tensor:
        """(B, c) of feature maps (B, c, h, w)."""
        mean: Tensor = self.level(maps).mean(dim=(2, 3))
        return mean

    def embedding(self, pooled: Tensor) -> Tensor:
        """Embeddings (B, d), not of unit length, of pooled features (B, c)."""
        made: Tensor = self.range(self.head(pooled))
        return made

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (B, d), not of unit length, of float images (B, 3, S, S) in [0, 1]."""
        return self.embedding(self.pooled(images))

    def unit_rows(self, images: Tensor) -> Tensor:
        """Unit rows (B, d) as they are used, of float images (B, 3, S, S) in [0, 1]."""
        return self.unit_of(self(images))

    def unit_of(self, embeddings: Tensor) -> Tensor:
        """Unit rows (B, d) as they are used, of embeddings (B, d)."""
        rows = functional.normalize(embeddings.float(), dim=1)
        return rows if self.whitening is None else self.whitening(rows)

    def whiten(self, whitening: Whitening) -> None:
        """Let `whitening` follow the network from now on."""
        self.whitening = whitening
        self.spec = replace(self.spec, whitened=True)

    def add_clusters(self, count: int) -> None:
        """Let a new second output tell `count` clusters apart."""
        self.clusters = nn.Linear(self.dim, count).to(self.mean.device)
        self.spec = replace(self.spec, clusters=count)


def _head(spec: EncoderSpec, width: int) -> tuple[nn.Module, nn.Module]:
    """What follows the pooling of `width` channels: the layers, and the function that bounds their range.

    Raises:
        EncoderError: no such head, or one that can't have so many numbers.
    """
    if spec.head in ("tanh", "pooled"):
        if spec.dim not in (0, width):
            raise EncoderError(
                f"the head {spec.head} keeps the backbone's {width} numbers, not {spec.dim}",
                f"leave out --dim, or use --dim {width}",
            )
        return nn.Identity(), nn.Tanh() if spec.head == "tanh" else nn.Identity()
    dim = spec.dim or width
    if spec.head == "linear":
        return nn.Linear(width, dim), nn.Identity()
    if spec.head != "linear_tanh":
        raise EncoderError(
            f"there is no head named {spec.head}", "choose linear_tanh, tanh, pooled or linear"
        )
    # Batch norm centres what tanh sees; at use it is a fixed shift and scale. Without it all
    # embeddings start in one narrow cone and leave it slowly.
    return nn.Sequential(nn.Linear(width, dim, bias=False), nn.BatchNorm1d(dim), UnitRms()), nn.Tanh()
