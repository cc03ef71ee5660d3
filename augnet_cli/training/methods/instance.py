"""Instance discrimination: each image is a class of its own, and a memory bank holds one row for each.

Source: Z. Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance Discrimination" (2018) and
its published code.  `nce_k=0` is the softmax over all images, as published for CIFAR-10; `nce_k=4096` with
`temperature=0.07` estimates it by drawn images, as published for ImageNet.

Differs from the published code (`faithful=true` sets all of it back):
- the rate falls along a cosine, as far as there is time; there, in two steps over 200 epochs.
- views may be mirrored, as a mirrored picture is still the same one; there, for CIFAR-10, never (`flip`).
- hue turns by up to a tenth, as in SimCLR; there by up to 0.4 of a turn, which makes any colour any other,
  and colours always changed (`hue`, `jitter`).
- the bank begins with the images' own embeddings; there, with random rows, which images are drawn to until
  each was seen some times (`fill`).  On 1,000 images of CIFAR-10, after 15 passes, 28.8 % of them had the
  class of their neighbours, and 25.0 % with random rows; of 23.6 % before training.
The proximal term of the paper's equation 9 is in neither.

The encoder ends in the linear layer whose unit rows the bank holds: what is exported is what was trained.
Letters: B images of a batch, n in all, d dim.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from augnet_cli.errors import UsageError
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.faithful import take_published
from augnet_cli.training.memory_bank import MemoryBank
from augnet_cli.training.methods.method import Batch, EmbedAll, Method
from augnet_cli.training.recipe import SGD, Recipe
from augnet_cli.training.schedule import stepped
from augnet_cli.training.simclr_views import SimclrViews
from augnet_cli.training.views import Views

# A tenth of the rate from epoch 120 of 200 on, a hundredth from epoch 160 on.
PUBLISHED_RATE = partial(stepped, falls=((120 / 200, 0.1), (160 / 200, 0.01)))
ON_CPUS = Recipe(SGD, lr=0.03, images_per_step=128, momentum=0.9, weight_decay=5e-4)


@dataclass(frozen=True)
class InstanceConfig:
    """Settings of the method; `--set name=value` changes one."""

    nce_k: int = 0  # drawn images m an image is told from; 0: all n
    temperature: float = 0.1  # 0.07 was published with nce_k=4096
    momentum: float = 0.5  # share of its old self that a row of the bank keeps
    flip: float = 0.5  # probability that a view is mirrored
    fill: bool = True  # rows of the bank begin as what the encoder makes of their images
    jitter: float = 0.8  # probability of other colours
    hue: float = 0.1  # of a full turn
    faithful: bool = False  # the published views and recipe

    PUBLISHED: ClassVar[Mapping[str, Any]] = {"flip": 0.0, "fill": False, "jitter": 1.0, "hue": 0.4}

    def __post_init__(self) -> None:
        if self.nce_k < 0:
            raise UsageError(f"nce_k can't be under 0, as {self.nce_k} is", "--set nce_k=4096")
        if not self.temperature > 0:
            raise UsageError(
                f"the temperature must be above 0, not {self.temperature}", "--set temperature=0.1"
            )
        if not 0 <= self.momentum < 1:
            raise UsageError(
                f"momentum must be in [0, 1), not {self.momentum}: a row would never move",
                "--set momentum=0.5",
            )
        for name, most in (("flip", 1.0), ("jitter", 1.0), ("hue", 0.5)):
            if not 0 <= getattr(self, name) <= most:
                raise UsageError(
                    f"{name} must be in [0, {most:g}], not {getattr(self, name)}",
                    f"--set {name}={self.__dataclass_fields__[name].default}",
                )
        take_published(self)


class Instance(Method):
    """Training to name every image of the folder."""

    Config = InstanceConfig
    config: InstanceConfig

    @classmethod
    def head(cls, config: InstanceConfig) -> str:
        return "linear"

    @classmethod
    def recipe_of(cls, config: InstanceConfig) -> Recipe:
        if config.faithful:
            return replace(ON_CPUS, epochs=200, rate=PUBLISHED_RATE)
        return ON_CPUS

    def __init__(self, encoder: Encoder, config: InstanceConfig) -> None:
        super().__init__(encoder, config)
        self.bank: MemoryBank | None = None
        self._seen: tuple[Tensor, Tensor] | None = None

    @property
    def views(self) -> int:
        return 1

    def view_transform(self, size: int) -> Views:
        return SimclrViews(size, flip=self.config.flip, jitter=self.config.jitter, hue=self.config.hue)

    def begin(self, images: int) -> None:
        self.bank = MemoryBank(images, self.encoder.dim, self.config.momentum)

    def start_epoch(self, epoch: int, embed_all: EmbedAll, rng: np.random.Generator) -> None:
        """Before the first step, let the bank hold what the encoder makes of each image."""
        if epoch == 0 and self.config.fill:
            assert self.bank is not None
            self.bank.rows.copy_(torch.from_numpy(embed_all()))

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        assert self.bank is not None
        embeddings = self.together(self.encoder(batch.views.flatten(0, 1)).float())
        rows = self.together(batch.rows.to(embeddings.device))
        # Over a temperature of 0.1 the 8 bits of bf16 would blur what is near.
        with torch.autocast(embeddings.device.type, enabled=False):
            unit = functional.normalize(embeddings, dim=1)
            term = self.bank.instance_loss(rows, unit, self.config.temperature, self.config.nce_k)
        self._seen = (rows, unit.detach())
        return {"name": term}

    def after_step(self) -> None:
        """The bank follows once the gradient is taken: until then the loss needs it as it was."""
        if self._seen is not None and self.bank is not None:
            self.bank.follow(*self._seen)
            self._seen = None
