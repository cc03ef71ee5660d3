"""RotNet: by how many quarter turns was a picture turned?

Source: S. Gidaris, P. Singh, N. Komodakis, "Unsupervised Representation Learning by Predicting Image
Rotations" (2018) and its published code.  All four turns of every picture of a batch are looked at.  A
picture is moved and mirrored first and turned then: the turn alone tells the answer.

Differs from the published code (`faithful=true` sets all of it back):
- rate and length are those of a small network on a CPU; there, SGD at 0.1 with Nesterov's momentum for 200
  epochs.
- the classifier looks at the mean over the last feature map, which is what is exported; there, Network in
  Network had one more block before it and earlier maps were judged.  That stays so with `faithful=true`.

Letters: B images, S side, d dim.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from torch import Tensor, nn

from augnet_cli.errors import UsageError
from augnet_cli.training.crop_views import ShiftedViews
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.faithful import take_published
from augnet_cli.training.methods.method import Batch, Method
from augnet_cli.training.recipe import SGD, Recipe
from augnet_cli.training.rotation import TURNS, refuse_blind_to_turns, turn_loss, turned
from augnet_cli.training.schedule import stepped
from augnet_cli.training.views import Views

# 0.1, from epoch 60 of 200 on 0.02, from 120 on 0.004, from 160 on 0.0008.
PUBLISHED_RATE = partial(stepped, falls=((60 / 200, 0.2), (120 / 200, 0.04), (160 / 200, 0.008)))
ON_CPUS = Recipe(SGD, lr=0.05, images_per_step=128, momentum=0.9, nesterov=True, weight_decay=5e-4)


@dataclass(frozen=True)
class RotnetConfig:
    """Settings of the method; `--set name=value` changes one."""

    padding: int = 4  # pixels of a view that a picture is moved by at most; published for a side of 32
    flip: float = 0.5  # probability that a picture is mirrored before it is turned
    faithful: bool = False  # the published recipe

    PUBLISHED: ClassVar[Mapping[str, Any]] = {"padding": 4, "flip": 0.5}

    def __post_init__(self) -> None:
        if self.padding < 0:
            raise UsageError(f"padding can't be under 0, as {self.padding} is", "--set padding=4")
        if not 0 <= self.flip <= 1:
            raise UsageError(f"flip is a probability, and {self.flip} is none", "--set flip=0.5")
        take_published(self)


class Rotnet(Method):
    """Training to tell how a picture was turned."""

    Config = RotnetConfig
    config: RotnetConfig

    @classmethod
    def head(cls, config: RotnetConfig) -> str:
        return "pooled"

    @classmethod
    def recipe_of(cls, config: RotnetConfig) -> Recipe:
        if config.faithful:
            return replace(ON_CPUS, lr=0.1, epochs=200, rate=PUBLISHED_RATE)
        return ON_CPUS

    def __init__(self, encoder: Encoder, config: RotnetConfig) -> None:
        super().__init__(encoder, config)
        refuse_blind_to_turns(encoder.spec.backbone)
        self.turn = nn.Linear(encoder.dim, TURNS)

    @property
    def views(self) -> int:
        return 1

    def view_transform(self, size: int) -> Views:
        return ShiftedViews(size, self.config.padding, self.config.flip)

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        logits = self.turn(self.encoder(turned(batch.views[:, 0]))).float()
        by_image = self.together(logits.unflatten(0, (TURNS, -1)).transpose(0, 1))
        return {"turn": turn_loss(by_image.transpose(0, 1).flatten(0, 1))}
