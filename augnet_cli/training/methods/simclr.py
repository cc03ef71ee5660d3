"""SimCLR: of all other views in the batch, a view is to pick the other one of its own image.

Source: T. Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations" (2020),
equation 1, in the form that SCAN (W. Van Gansbeke et al., 2020) trains its pretext with: views with weaker
colours and without blur, a projection without batch norm, which is dropped after training.

Differs from SCAN's published code, each by a switch (`faithful=true` sets them all back):
- both views of an image are asked for the other; there, the first one alone (`symmetric`).
- batch, rate and length are of a small network on a CPU; there, 512 images, SGD at 0.4 and 500 epochs.
In both the rate falls step by step where the published code lets it fall once an epoch.

Letters: B images, d dim of the encoder, p dim of the projection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from augnet_cli.errors import UsageError
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.faithful import take_published
from augnet_cli.training.methods.method import Batch, Method
from augnet_cli.training.recipe import SGD, Recipe
from augnet_cli.training.schedule import half_cosine
from augnet_cli.training.simclr_views import SimclrViews
from augnet_cli.training.views import Views

FLOOR = 1e-3  # share of the rate that is left at the end: 0.1 cubed in SCAN's code
SCAN_RATE = partial(half_cosine, floor=FLOOR)
# SCAN's rate for its batch, in proportion: more steps for an image than 512 at once give.
ON_CPUS = Recipe(SGD, lr=0.1, images_per_step=128, momentum=0.9, weight_decay=1e-4)


@dataclass(frozen=True)
class SimclrConfig:
    """Settings of the method; `--set name=value` changes one."""

    temperature: float = 0.1  # of the softmax: the smaller, the more the nearest others count
    projection: int = 128  # width p of the layers that are dropped after training
    symmetric: bool = True  # both views are asked, not the first alone
    faithful: bool = False  # the published behaviour and recipe

    PUBLISHED: ClassVar[Mapping[str, Any]] = {"symmetric": False}

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise UsageError(
                f"the temperature must be above 0, not {self.temperature}", "--set temperature=0.1"
            )
        if self.projection < 1:
            raise UsageError(
                f"the projection needs at least 1 number, not {self.projection}", "--set projection=128"
            )
        take_published(self)


def nt_xent(first: Tensor, second: Tensor, temperature: float, symmetric: bool) -> Tensor:
    """Mean cross-entropy of picking an image's second view by its first, among the 2B - 1 other views.

    Args:
        first, second: (B, p) unit rows, row i of both of image i.
        symmetric: the mean of this and of picking first views by second ones.
    """
    loss = _picking(first, second, temperature)
    return (loss + _picking(second, first, temperature)) / 2 if symmetric else loss


def _picking(anchors: Tensor, others: Tensor, temperature: float) -> Tensor:
    own = torch.eye(len(anchors), dtype=torch.bool, device=anchors.device)
    among = (anchors @ anchors.T).masked_fill(own, -torch.inf)
    logits = torch.cat([anchors @ others.T, among], dim=1) / temperature
    return functional.cross_entropy(logits, torch.arange(len(anchors), device=anchors.device))


class Simclr(Method):
    """Training to tell each image's views from those of all others in the batch."""

    Config = SimclrConfig
    config: SimclrConfig

    @classmethod
    def head(cls, config: SimclrConfig) -> str:
        return "pooled"

    @classmethod
    def recipe_of(cls, config: SimclrConfig) -> Recipe:
        if config.faithful:
            return replace(ON_CPUS, lr=0.4, images_per_step=512, epochs=500, rate=SCAN_RATE)
        return ON_CPUS

    def __init__(self, encoder: Encoder, config: SimclrConfig) -> None:
        super().__init__(encoder, config)
        self.projection = nn.Sequential(
            nn.Linear(encoder.dim, encoder.dim), nn.ReLU(), nn.Linear(encoder.dim, config.projection)
        )

    def view_transform(self, size: int) -> Views:
        return SimclrViews(size)

    def alike_rows(self, images: Tensor) -> Tensor:
        return functional.normalize(self.projection(self.encoder(images)).float(), dim=1)

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        projected = self.projection(self.encoder(batch.views.flatten(0, 1)))
        rows = self.together(projected.float()).unflatten(0, (-1, self.views))
        # Over a temperature of 0.1 the 8 bits of bf16 would blur what is near.
        with torch.autocast(rows.device.type, enabled=False):
            unit = functional.normalize(rows, dim=2)
            return {"pick": nt_xent(unit[:, 0], unit[:, 1], self.config.temperature, self.config.symmetric)}
