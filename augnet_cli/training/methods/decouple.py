"""Rotation feature decoupling: one half of the features tells the turn, the other half does not see it.

Source: Z. Feng, C. Xu, D. Tao, "Self-Supervised Representation Learning by Rotation Feature Decoupling"
(2019) and its published code.  All four turns of every image are looked at.  Three terms of equal weight:

- `turn`: RotNet's cross-entropy, on the first half of the features.
- `steady`: the squared distance of the second half to its mean over the four turns, which stays fixed.
- `name`: instance discrimination (Wu et al., 2018) on that mean, after a linear layer, with a memory bank.

Late in a run the first term counts less where a turned picture might as well be upright: each turned picture
is weighted by 1 - q^2, q the probability that it looks upright; pictures as they are count fully.  Whether
it is late is asked as an epoch begins, so a run of fewer than seven epochs has no such part.

Differs from the published code:
- q comes from this method's own head for turns, asked once when the late part begins, of whole pictures;
  there, from another network, trained before on upright and turned pictures by learning from positive and
  unlabelled examples.  A network that has learnt the turns of its own pictures by heart gives a q near 0, and
  changes little; the other one was kept from that.  This is so with `faithful=true`, too.
- the halves are those of the mean over the last feature map; there, of AlexNet's last layer but one.  This
  is so with `faithful=true`, too.
- the softmax over all images; there, 4096 drawn ones at a temperature of 0.07 (`nce_k`, `temperature`).
- batch, rate and length are those of a small network on a CPU; there, 192 images, SGD at 0.01 for 245 epochs.
`faithful=true` sets the last two back.  Crops of a fifth to all of the picture, mirrored or not, are ours.

Letters: B images, n in all, d dim of the encoder, h the half of it, p dim of the bank.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from augnet_cli.errors import UsageError
from augnet_cli.training.crop_views import CropViews
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.faithful import take_published
from augnet_cli.training.memory_bank import MemoryBank
from augnet_cli.training.methods.method import Batch, EmbedAll, Method
from augnet_cli.training.recipe import SGD, Recipe
from augnet_cli.training.rotation import TURNS, refuse_blind_to_turns, turned
from augnet_cli.training.schedule import stepped
from augnet_cli.training.views import Views

PUBLISHED_EPOCHS, LATE_EPOCH = 245, 210
# 0.01 at first; it rises once more where the late part begins.
PUBLISHED_FALLS = ((90, 0.1), (130, 0.01), (190, 0.001), (LATE_EPOCH, 0.01), (230, 0.001))
PUBLISHED_RATE = partial(
    stepped, falls=tuple((epoch / PUBLISHED_EPOCHS, share) for epoch, share in PUBLISHED_FALLS)
)
ON_CPUS = Recipe(SGD, lr=0.05, images_per_step=128, momentum=0.9, nesterov=True, weight_decay=5e-4)


@dataclass(frozen=True)
class DecoupleConfig:
    """Settings of the method; `--set name=value` changes one."""

    nce_k: int = 0  # drawn images an image is told from; 0: all n
    temperature: float = 0.1  # of the softmax over images; 0.07 was published
    momentum: float = 0.5  # share of its old self that a row of the bank keeps
    bank_dim: int = 128  # width p of the memory bank's rows
    late: float = LATE_EPOCH / PUBLISHED_EPOCHS  # share of the run after which turns are weighted; 1: never
    min_area: float = 0.2  # of a crop, as a share of the picture's area
    flip: float = 0.5  # probability that a picture is mirrored before it is turned
    faithful: bool = False  # the published noise, temperature and recipe

    PUBLISHED: ClassVar[Mapping[str, Any]] = {"nce_k": 4096, "temperature": 0.07}

    def __post_init__(self) -> None:
        for name, lowest in (("nce_k", 0), ("bank_dim", 1)):
            if getattr(self, name) < lowest:
                raise _refused(self, name, f"{lowest} or more")
        if not self.temperature > 0:
            raise _refused(self, "temperature", "above 0")
        if not 0 <= self.momentum < 1:
            raise _refused(self, "momentum", "in [0, 1)")
        for name in ("late", "flip"):
            if not 0 <= getattr(self, name) <= 1:
                raise _refused(self, name, "in [0, 1]")
        if not 0 < self.min_area <= 1:
            raise _refused(self, "min_area", "above 0 and at most 1")
        take_published(self)


def _refused(config: DecoupleConfig, name: str, allowed: str) -> UsageError:
    default = config.__dataclass_fields__[name].default
    return UsageError(f"{name} must be {allowed}, not {getattr(config, name)}", f"--set {name}={default:g}")


def weighted_turn_loss(logits: Tensor, weights: Tensor) -> Tensor:
    """Mean over images and turns of the cross-entropy of naming the turn, each times its weight.

    Args:
        logits: (B, 4, 4): for image i, turned by k quarters, the logits of the four turns.
        weights: (B, 4) in [0, 1].
    """
    turns = torch.arange(TURNS, device=logits.device).repeat(len(logits))
    losses = functional.cross_entropy(logits.flatten(0, 1), turns, reduction="none")
    return (losses.view(-1, TURNS) * weights).mean()


def steady_loss(halves: Tensor) -> Tensor:
    """Mean square of how far (B, 4, h) features are from their mean over the turns, taken as given."""
    return functional.mse_loss(halves, halves.mean(1, keepdim=True).detach().expand_as(halves))


def turn_weights(upright: Tensor) -> Tensor:
    """(n, 4) weights 1 - q^2 of (n, 4) probabilities q that a picture, turned by k quarters, looks upright.

    Pictures that were not turned, of column 0, count fully.
    """
    weights = 1 - upright**2
    weights[:, 0] = 1
    return weights


class Decouple(Method):
    """Training of two halves: one for turns, one for all that stays under them."""

    Config = DecoupleConfig
    config: DecoupleConfig
    weights: Tensor  # (n, 4)
    is_weighted: Tensor  # () bool

    @classmethod
    def head(cls, config: DecoupleConfig) -> str:
        return "pooled"

    @classmethod
    def recipe_of(cls, config: DecoupleConfig) -> Recipe:
        if config.faithful:
            return replace(
                ON_CPUS, lr=0.01, images_per_step=192, epochs=PUBLISHED_EPOCHS, rate=PUBLISHED_RATE
            )
        return ON_CPUS

    def __init__(self, encoder: Encoder, config: DecoupleConfig) -> None:
        super().__init__(encoder, config)
        refuse_blind_to_turns(encoder.spec.backbone)
        self.turning = encoder.dim // 2
        self.turn = nn.Linear(self.turning, TURNS)
        self.naming = nn.Linear(encoder.dim - self.turning, config.bank_dim)
        self.bank: MemoryBank | None = None
        self._seen: tuple[Tensor, Tensor] | None = None

    @property
    def views(self) -> int:
        return 1

    def view_transform(self, size: int) -> Views:
        return CropViews(size, min_area=self.config.min_area, flip=self.config.flip)

    def begin(self, images: int) -> None:
        self.bank = MemoryBank(images, self.config.bank_dim, self.config.momentum)
        self.register_buffer("weights", torch.ones(images, TURNS))
        self.register_buffer("is_weighted", torch.zeros((), dtype=torch.bool))

    def start_epoch(self, epoch: int, embed_all: EmbedAll, rng: np.random.Generator) -> None:
        """Once, when the late part begins: weight turned pictures by how upright they look to the network."""
        if self.config.late == 1 or self.progress < self.config.late or self.is_weighted:
            return
        upright = torch.from_numpy(embed_all(self._upright)).to(self.weights)
        self.weights.copy_(turn_weights(upright))
        self.is_weighted.fill_(True)

    def _upright(self, images: Tensor) -> Tensor:
        """(B, 4) probabilities that each image, turned by k quarters, was not turned."""
        logits = self.turn(self.encoder(turned(images))[:, : self.turning]).float()
        return logits.softmax(1)[:, 0].view(TURNS, -1).T

    def alike_rows(self, images: Tensor) -> Tensor:
        named = self.naming(self.encoder(images)[:, self.turning :])
        return functional.normalize(named.float(), dim=1)

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        assert self.bank is not None
        made = self.encoder(turned(batch.views[:, 0])).unflatten(0, (TURNS, -1)).transpose(0, 1)
        features = self.together(made.float())
        rows = self.together(batch.rows.to(features.device))
        # Differences and temperatures: the 8 bits of bf16 would blur what is near.
        with torch.autocast(features.device.type, enabled=False):
            features = features.to(self.turn.weight.dtype)
            first, second = features[..., : self.turning], features[..., self.turning :]
            unit = functional.normalize(self.naming(second.mean(1)), dim=1)
            self._seen = (rows, unit.detach())
            return {
                "turn": weighted_turn_loss(self.turn(first), self.weights[rows]),
                "steady": steady_loss(second),
                "name": self.bank.instance_loss(rows, unit, self.config.temperature, self.config.nce_k),
            }

    def after_step(self) -> None:
        """The bank follows once the gradient is taken: until then the loss needs it as it was."""
        if self._seen is not None and self.bank is not None:
            self.bank.follow(*self._seen)
            self._seen = None
