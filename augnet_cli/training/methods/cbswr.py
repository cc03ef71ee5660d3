"""CBSwR: an image picks its partner among the centres of the batch's other clusters, which a layer assigns.

Source: B. X. Nguyen, B. D. Nguyen, G. Carneiro, E. Tjiputra, Q. D. Tran, T.-T. Do, "Deep Metric Learning
Meets Deep Clustering: An Novel Unsupervised Approach for Feature Embedding", arXiv 2009.04091 (2020), and its
published code.  Letters: B rows of a step, anchors and partners in turn, d dim, K clusters, U of them in a
batch, c channels, h side of a feature map, S side of a view.

Three terms, .9 : .3 : .001 - `centre_softmax` over clusters that the layer assigns anew in every batch;
`mutual_information`, by which it learns to; and the picture, drawn from the mean feature map of its cluster.
A partner is the image once more, or its nearest other one, as a coin says anew in each epoch.

Differs from the published code, most by a switch (`faithful=true` sets all of it back):
- the pick is a share of a whole; there the partner is missing under the fraction (`open_ratio`).
- the layer's logits are any numbers, over `cluster_temperature`; there of unit length (`unit_logits`), which
  leaves all shares of 32 clusters between 1 and 8 percent, so that hardly anything is learnt.
- a row's entropy is compared with that of K clusters; there, of B (`entropy_of_batch`).
- pictures are drawn as they are, in [0, 1]; there, less their mean, which no sigmoid reaches
  (`centred_target`).
- clusters are assigned by the layer at rest; there, while its dropout is at work (`assign_in_training`).
- views are SimCLR's; there, the picture but for a narrow margin, mirrored more often than not
  (`views_like=window`, `flip=0.75`), by which a short run lost look-alikes that its start knew.
- optimised by Adam at 3e-5; there by plain SGD at 0.001.
A batch of one cluster, where the published form is infinite, teaches nothing of the first term.

`loss=instance_spreading` is the ancestor (Ye et al., 2019): every row is a centre of its own, without
clusters, weights or drawing; `faithful=true` trains it as it was for CUB and Cars (there `flip=0.5`, and
for Cars `partners=self`), 60 epochs at a rate that falls twice.

What `faithful=true` leaves to you: the network, its start, the width (`--dim`, there 128) and K: 32 in the
paper's last setting, 100 in the published command.  Nearest images are found by whole pictures; there, by
their middle.  The window of the ancestor is 227 of 256 pixels there, 224 here.
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
from augnet_cli.training.centre_softmax import centre_softmax, instance_spreading, mutual_information
from augnet_cli.training.crop_views import CropViews
from augnet_cli.training.decoder import Decoder
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.faithful import take_published
from augnet_cli.training.methods.method import Batch, EmbedAll, Method
from augnet_cli.training.recipe import PAIR, SGD, Recipe
from augnet_cli.training.schedule import constant, stepped
from augnet_cli.training.simclr_views import SimclrViews
from augnet_cli.training.views import Views
from augnet_cli.training.window_views import WindowViews

IMAGES_PER_STEP = 128  # 64 anchors and their partners
LR = 3e-5  # a tenth of what other methods take: at theirs, look-alikes that the start knew are lost
OF_PAPER = Recipe(SGD, 1e-3, IMAGES_PER_STEP, epochs=30, rate=constant, together=PAIR)
# A tenth of the rate from epoch 20 of 60 on, a hundredth from epoch 40 on.
OF_ANCESTOR = replace(
    OF_PAPER,
    epochs=60,
    momentum=0.9,
    weight_decay=5e-4,
    rate=partial(stepped, falls=((20 / 60, 0.1), (40 / 60, 0.01))),
)
ROWS_AT_ONCE = 1024  # compared with all others: 200 MB where n is 50,000
MIN_AREA = 0.16  # of a picture, that a crop shows
CHOICES = {
    "loss": ("centre_softmax", "instance_spreading"),
    "partners": ("nearest", "self"),
    "views_like": ("window", "crop", "simclr"),
}


@dataclass(frozen=True)
class CbswrConfig:
    """Settings of the method; `--set name=value` changes one."""

    loss: str = "centre_softmax"  # centre_softmax | instance_spreading
    partners: str = "nearest"  # nearest (CUB, there) | self (Cars)
    clusters: int = 32  # K; the paper's
    temperature: float = 0.1  # of the softmax over centres
    alpha: float = 1.0  # of other centres that must not take a row
    mu: float = 1.0  # of using all clusters alike
    metric: float = 0.9  # weight of picking the partner among centres
    information: float = 0.3  # of assigning clusters surely, and all alike
    reconstruction: float = 0.001  # of drawing pictures from the mean map of their cluster
    dropout: float = 0.6  # before the layer that assigns
    views_like: str = "simclr"  # simclr | window | crop, which hides more of a picture (UDML-SS)
    flip: float = 0.5  # probability that a view is mirrored
    cluster_temperature: float = 1.0  # of the layer that assigns clusters
    open_ratio: bool = False  # the partner is missing under the fraction
    unit_logits: bool = False  # the layer's logits are of unit length
    entropy_of_batch: bool = False  # a row's entropy is compared with that of the batch
    centred_target: bool = False  # pictures are drawn less their mean
    assign_in_training: bool = False  # clusters are assigned while dropout is at work
    faithful: bool = False  # the published behaviour in all of the above

    PUBLISHED: ClassVar[Mapping[str, Any]] = {
        "views_like": "window",
        "flip": 0.75,
        "open_ratio": True,
        "unit_logits": True,
        "entropy_of_batch": True,
        "centred_target": True,
        "assign_in_training": True,
    }
    PUBLISHED_WHERE: ClassVar[Mapping[tuple[str, str], Mapping[str, Any]]] = {
        ("loss", "instance_spreading"): {"flip": 0.5}
    }

    def __post_init__(self) -> None:
        default = self.__dataclass_fields__
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise UsageError(
                    f"{name} can't be {getattr(self, name)}", f"choose one of {', '.join(allowed)}"
                )
        if self.clusters < 2:
            raise UsageError(f"clusters must be at least 2, not {self.clusters}", "--set clusters=32")
        for name in ("temperature", "cluster_temperature"):
            if not getattr(self, name) > 0:
                raise UsageError(
                    f"{name} must be above 0, not {getattr(self, name)}",
                    f"--set {name}={default[name].default}",
                )
        for name in ("alpha", "mu", "metric", "information", "reconstruction"):
            if not getattr(self, name) >= 0:
                raise UsageError(
                    f"{name} can't be under 0, as {getattr(self, name)} is",
                    f"--set {name}={default[name].default}",
                )
        for name, most in (("dropout", 0.99), ("flip", 1)):
            if not 0 <= getattr(self, name) <= most:
                raise UsageError(
                    f"{name} must lie in 0 to {most}, not {getattr(self, name)}",
                    f"--set {name}={default[name].default}",
                )
        take_published(self)


class Cbswr(Method):
    """Training by centres of clusters that are learnt along."""

    Config = CbswrConfig
    config: CbswrConfig
    is_watched = False  # how well copies are found says little of what images are alike
    wants_start = True

    @classmethod
    def head(cls, config: CbswrConfig) -> str:
        return "linear"

    @classmethod
    def recipe_of(cls, config: CbswrConfig) -> Recipe:
        if not config.faithful:
            return Recipe(lr=LR, images_per_step=IMAGES_PER_STEP, together=PAIR)
        return OF_ANCESTOR if config.loss == "instance_spreading" else OF_PAPER

    def __init__(self, encoder: Encoder, config: CbswrConfig) -> None:
        super().__init__(encoder, config)
        self.cluster_head: nn.Sequential | None = None
        self.decoder: Decoder | None = None
        if config.loss == "centre_softmax":
            layers = nn.BatchNorm1d(encoder.dim), nn.Dropout(config.dropout)
            self.cluster_head = nn.Sequential(*layers, nn.Linear(encoder.dim, config.clusters))
            if config.reconstruction:
                size = encoder.spec.size
                self.decoder = Decoder(encoder.width, map_side(encoder), size)

    @property
    def views(self) -> int:
        return 1

    def view_transform(self, size: int) -> Views:
        if self.config.views_like == "simclr":
            return SimclrViews(size, flip=self.config.flip)
        if self.config.views_like == "crop":
            return CropViews(size, min_area=MIN_AREA, flip=self.config.flip)
        return WindowViews(size, flip=self.config.flip)

    def rows_in_epoch(self, images: int) -> int:
        return PAIR * images

    def start_epoch(self, epoch: int, embed_all: EmbedAll, rng: np.random.Generator) -> np.ndarray:
        if self.config.partners == "nearest":
            pooled = embed_all(lambda images: functional.normalize(self.encoder.pooled(images).float()))
            nearest = nearest_others(pooled)
            partners = np.where(rng.random(len(nearest)) < 0.5, nearest, np.arange(len(nearest)))
        else:
            # No pass over the data is worth its while where all that is asked is how many images there are.
            partners = np.arange(self.images)
        anchors = rng.permutation(len(partners))
        return np.stack([anchors, partners[anchors]], axis=1).reshape(-1)

    def begin(self, images: int) -> None:
        self.images = images

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        images = batch.views[:, 0]
        maps = self.encoder.features(images)
        embeddings = self.together(full(self.encoder.embedding(self.encoder.pool(maps))))
        with torch.autocast(images.device.type, enabled=False):
            unit = functional.normalize(embeddings, dim=1)
            partner = torch.arange(len(unit), device=unit.device) ^ 1
            if self.cluster_head is None:
                return {"spread": instance_spreading(unit, partner, self.config.temperature)}
            logits, numbers = self._assigned(unit)
            means = means_of(self.together(full(maps)), numbers)
            terms = self._terms(unit, partner, logits, means, numbers)
        if self.decoder is not None:
            drawn = self._drawing_loss(means, numbers, images)
            terms["reconstruction"] = self.config.reconstruction * drawn
        return terms

    def _assigned(self, unit: Tensor) -> tuple[Tensor, Tensor]:
        """The layer's logits (B, K), and the cluster of each row (B,), numbered among those of the batch.

        A partner follows its anchor.
        """
        assert self.cluster_head is not None
        logits = self.cluster_head(unit)
        if self.config.unit_logits:
            logits = functional.normalize(logits, dim=1)
        logits = logits / self.config.cluster_temperature
        deciding = logits[0::2]
        if not self.config.assign_in_training:
            was_training = self.cluster_head.training
            self.cluster_head.eval()
            deciding = self.cluster_head(unit[0::2].detach())
            self.cluster_head.train(was_training)
        chosen = deciding.detach().argmax(1).repeat_interleave(2)
        return logits, chosen.unique(return_inverse=True)[1]

    def _terms(
        self, unit: Tensor, partner: Tensor, logits: Tensor, means: Tensor, numbers: Tensor
    ) -> dict[str, Tensor]:
        config, encoder = self.config, self.encoder
        with torch.no_grad():
            centres = functional.normalize(encoder.embedding(encoder.pool(means)), dim=1)
        metric = centre_softmax(
            unit, partner, centres, numbers, config.temperature, config.alpha, config.open_ratio
        )
        outcomes = len(unit) if config.entropy_of_batch else None
        information = mutual_information(logits, config.mu, outcomes)
        return {"metric": config.metric * metric, "information": config.information * information}

    def _drawing_loss(self, means: Tensor, numbers: Tensor, images: Tensor) -> Tensor:
        """Mean squared error of the picture that the mean map of an image's cluster gives."""
        assert self.decoder is not None
        drawn = full(self.decoder(means))[self.own(numbers)]
        target = images - self.encoder.mean[:, None, None] if self.config.centred_target else images
        return self.together((drawn - target).square().flatten(1).mean(1)).mean()


def full(numbers: Tensor) -> Tensor:
    """With the bits of fp32 at least."""
    return numbers.to(torch.promote_types(numbers.dtype, torch.float32))


def means_of(maps: Tensor, numbers: Tensor) -> Tensor:
    """(U, c, h, h): the mean of the maps (B, c, h, h) of each cluster, of which `numbers` (B,) tells."""
    members = functional.one_hot(numbers).to(maps.dtype).T
    shares = members / members.sum(1, keepdim=True)
    return (shares @ maps.flatten(1)).unflatten(1, maps.shape[1:])


def nearest_others(rows: np.ndarray) -> np.ndarray:
    """(n,) the nearest other row of each of (n, d) unit rows."""
    nearest = np.empty(len(rows), np.int64)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        similarity = rows[start : start + ROWS_AT_ONCE] @ rows.T
        own = np.arange(len(similarity))
        similarity[own, start + own] = -np.inf
        nearest[start : start + ROWS_AT_ONCE] = similarity.argmax(1)
    return nearest


def map_side(encoder: Encoder) -> int:
    """h of the feature map that the encoder makes."""
    was_training, size = encoder.training, encoder.spec.size
    encoder.eval()
    with torch.no_grad():
        side: int = encoder.features(encoder.mean.new_zeros(1, 3, size, size)).shape[-1]
    encoder.train(was_training)
    return side
