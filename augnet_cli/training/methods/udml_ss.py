"""UDML-SS: images of one k-means cluster attract each other, those of others repel, and turns are told apart.

Source: X. Cao, B.-C. Chen, S.-N. Lim, "Unsupervised Deep Metric Learning via Auxiliary Rotation Loss",
arXiv 1911.07072 (2019), and its published code.  The pair loss is `multi_similarity`'s, the other task
`rotation`'s.  Letters: B images, n of them all, K clusters, d dim.

All images are clustered every `refresh` epochs; an epoch is one turn of each cluster, with `instances` of it.
The first clusters are of pooled features, as the head is new; then of embeddings, and each time they go on
from the centres before.  There are as many clusters as give each `instances` members on average, `clusters`
at most and 2 at least.

Differs from the published code, each by a switch (`faithful=true` sets them all back):
- pictures are turned after all else was done to them; there, cropped and mirrored after they were turned
  (`rotate_first`): the mirror image of a quarter turn is a three-quarter turn of the mirror image, so that
  half of these two labels were wrong.
- the logits of the turns are any numbers; there, none below 0 (`relu_logits`).
- clusters are of whole pictures; there, of one random view of each (`cluster_view=view`).
- an image's pair with itself is known by its place; there, by a similarity of 1, which rounding misses
  (`self_by_value`).
- the rate is one for small networks and short runs; there 1e-5 on networks that knew ImageNet.

What `faithful=true` leaves to you: the network, its start and the width (`--dim`, there 512).  There it had
no batch norm, or kept it as it was: `freeze_norms=true`, which pays where the start knows much already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from augnet_cli.errors import UsageError
from augnet_cli.training.crop_views import CropViews
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.faithful import take_published
from augnet_cli.training.methods.method import Batch, EmbedAll, Method
from augnet_cli.training.multi_similarity import ALPHA, BASE, BETA, MARGIN, multi_similarity
from augnet_cli.training.pseudo_labels import balanced_order, clustered
from augnet_cli.training.recipe import Recipe
from augnet_cli.training.rotation import TURNS, refuse_blind_to_turns, turned, turns_of
from augnet_cli.training.schedule import constant
from augnet_cli.training.symmetric import FieldNorm
from augnet_cli.training.views import Views

HIDDEN = 512  # width of the layer between features and turns
MIN_AREA = 0.16  # of a picture, that a crop shows
IMAGES_PER_STEP = 80  # 16 clusters of 5
WEIGHT_DECAY = 5e-4
PUBLISHED_LR, PUBLISHED_EPOCHS = 1e-5, 600
LR = 1e-4


@dataclass(frozen=True)
class UdmlSsConfig:
    """Settings of the method; `--set name=value` changes one."""

    clusters: int = 100  # K at most; the published one for CUB and Cars
    instances: int = 5  # of each cluster in its turn
    refresh: int = 5  # epochs from one clustering to the next
    alpha: float = ALPHA  # of negative pairs in the multi-similarity loss
    beta: float = BETA  # of positive pairs
    base: float = BASE  # similarity that pairs are compared with
    margin: float = MARGIN  # by which a pair is hard enough to count
    rotation: float = 0.1  # weight of telling turns apart; 0 leaves it out
    rotated: int = 16  # images of a step that are turned
    rotation_lr: float = 0.0  # of the layers that tell turns apart; 0: as everything else, with faithful 1e-5
    rotate_first: bool = False  # pictures are turned before they are cropped and mirrored
    relu_logits: bool = False  # logits of the turns are never below 0
    cluster_view: str = "whole"  # whole | view
    self_by_value: bool = False  # a pair with itself is known by a similarity of 1
    freeze_norms: bool = False  # batch norms keep the statistics that the encoder came with
    faithful: bool = False  # the published behaviour in all of the above

    PUBLISHED: ClassVar[Mapping[str, Any]] = {
        "rotate_first": True,
        "relu_logits": True,
        "cluster_view": "view",
        "self_by_value": True,
    }

    def __post_init__(self) -> None:
        default = self.__dataclass_fields__
        if self.cluster_view not in ("whole", "view"):
            raise UsageError(f"cluster_view can't be {self.cluster_view}", "choose one of whole, view")
        for name, least in (("clusters", 2), ("instances", 2), ("refresh", 1), ("rotated", 1)):
            if getattr(self, name) < least:
                raise UsageError(
                    f"{name} must be at least {least}, not {getattr(self, name)}",
                    f"--set {name}={default[name].default}",
                )
        for name in ("alpha", "beta"):
            if not getattr(self, name) > 0:
                raise UsageError(
                    f"{name} must be above 0, not {getattr(self, name)}",
                    f"--set {name}={default[name].default:g}",
                )
        for name in ("margin", "rotation", "rotation_lr"):
            if not getattr(self, name) >= 0:
                raise UsageError(
                    f"{name} can't be under 0, as {getattr(self, name)} is",
                    f"--set {name}={default[name].default}",
                )
        take_published(self)

    def clusters_of(self, images: int) -> int:
        """K for n images."""
        return max(2, min(self.clusters, images // self.instances))


class UdmlSs(Method):
    """Training by pseudo-classes and turns."""

    Config = UdmlSsConfig
    config: UdmlSsConfig
    is_watched = False  # how well copies are found says little of what images are alike
    wants_start = True
    labels: Tensor  # (n,) int64 in [0, K)
    centres: Tensor  # (K, d)
    has_centres: Tensor  # () int64: 1 once embeddings were clustered

    @classmethod
    def head(cls, config: UdmlSsConfig) -> str:
        return "linear"

    @classmethod
    def recipe_of(cls, config: UdmlSsConfig) -> Recipe:
        recipe = Recipe(lr=LR, images_per_step=IMAGES_PER_STEP, weight_decay=WEIGHT_DECAY, rate=constant)
        return replace(recipe, lr=PUBLISHED_LR, epochs=PUBLISHED_EPOCHS) if config.faithful else recipe

    def __init__(self, encoder: Encoder, config: UdmlSsConfig) -> None:
        super().__init__(encoder, config)
        self.turns_head: nn.Sequential | None = None
        if config.rotation:
            refuse_blind_to_turns(encoder.spec.backbone, "leave turns out: --set rotation=0")
            layers = [nn.Linear(encoder.width, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, TURNS)]
            self.turns_head = nn.Sequential(*layers, *[nn.ReLU()] * self.config.relu_logits)

    @property
    def views(self) -> int:
        # Turned first, each copy is cropped for itself.
        return TURNS if self.config.rotate_first else 1

    def view_transform(self, size: int) -> Views:
        return CropViews(size, min_area=MIN_AREA, flip=0 if self.config.rotate_first else 0.5)

    def begin(self, images: int) -> None:
        clusters = self.config.clusters_of(images)
        self.register_buffer("labels", torch.arange(images) % clusters)
        self.register_buffer("centres", torch.zeros(clusters, self.encoder.dim))
        self.register_buffer("has_centres", torch.zeros((), dtype=torch.int64))

    def rows_in_epoch(self, images: int) -> int:
        return self.config.clusters_of(images) * self.config.instances

    def start_epoch(self, epoch: int, embed_all: EmbedAll, rng: np.random.Generator) -> np.ndarray:
        if epoch % self.config.refresh == 0:
            self._cluster(embed_all, rng, is_first=epoch == 0)
        labels = self.labels.cpu().numpy()
        return balanced_order(labels, len(self.centres), self.config.instances, rng)

    def _cluster(self, embed_all: EmbedAll, rng: np.random.Generator, is_first: bool) -> None:
        viewed = self.config.cluster_view == "view"

        def rows_of(images: Tensor) -> Tensor:
            if viewed and self.config.rotate_first:  # such views come as they are
                images = mirrored(images, torch.rand(len(images)))
            return self.encoder.pooled(images).float() if is_first else self.encoder.unit_rows(images)

        rows = embed_all(rows_of, viewed=viewed)
        before = self.centres.cpu().numpy() if self.has_centres else None
        labels, centres = clustered(rows, len(self.centres), rng, before)
        self.labels.copy_(torch.from_numpy(labels))
        if not is_first:
            self.centres.copy_(torch.from_numpy(centres))
            self.has_centres.fill_(1)

    def train(self, mode: bool = True) -> UdmlSs:
        super().train(mode)
        if self.config.freeze_norms:
            for module in self.encoder.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm | FieldNorm):
                    module.eval()
        return self

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        images = batch.views[:, 0]
        if self.config.rotate_first:
            copies = self._turned_and_mirrored(batch.views)
            images = copies[0]
        embeddings = self.together(self.encoder(images).float())
        rows = self.together(batch.rows.to(images.device))
        with torch.autocast(images.device.type, enabled=False):
            unit = functional.normalize(embeddings, dim=1)
            terms = {"pair": self._pair_loss(unit, self.labels[rows])}
        if self.turns_head is not None:
            drawn, counts = self._drawn(len(rows), images.device)
            pictures = copies[:, drawn].flatten(0, 1) if self.config.rotate_first else turned(images[drawn])
            terms["rotation"] = self.config.rotation * self._turn_loss(pictures, drawn, counts)
        return terms

    def _pair_loss(self, unit: Tensor, labels: Tensor) -> Tensor:
        config = self.config
        return multi_similarity(
            unit @ unit.T,
            labels,
            config.alpha,
            config.beta,
            config.base,
            config.margin,
            config.self_by_value,
        )

    def _turned_and_mirrored(self, views: Tensor) -> Tensor:
        """(4, B, 3, S, S) of (B, 4, 3, S, S): the first views as they are, the next turned by 90 degrees, ...

        Then each left for right or not, by coins that are tossed for the images of all processes.
        """
        total = len(self.together(torch.zeros(len(views), device=views.device)))
        coins = self.own(torch.rand(total, TURNS)).T
        return torch.stack(
            [
                mirrored(torch.rot90(views[:, turn], turn, (2, 3)), of_turn)
                for turn, of_turn in enumerate(coins)
            ]
        )

    def _drawn(self, total: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Which of this process's images are turned, and how often each of them was drawn (B,).

        Drawn from all of the step's, with replacement; in eval mode the first ones, so that nothing is drawn.
        """
        count = self.config.rotated
        draws = torch.randint(total, (count,)) if self.training else torch.arange(count) % total
        counts = self.own(draws.bincount(minlength=total)).to(device)
        drawn = counts.nonzero().squeeze(1)
        # Processes that share a step wait for each other: none may leave the layers out.
        return (drawn if len(drawn) else counts.new_zeros(1)), counts

    def _turn_loss(self, pictures: Tensor, drawn: Tensor, counts: Tensor) -> Tensor:
        """Mean cross-entropy of naming the turn of (4 D, 3, S, S) pictures of the D `drawn` images."""
        assert self.turns_head is not None
        logits = self.turns_head(self.encoder.pooled(pictures)).float()
        named = functional.cross_entropy(logits, turns_of(len(drawn), logits.device), reduction="none")
        each = named.view(TURNS, -1).mean(0) * counts[drawn]
        whole = self.together(each.new_zeros(len(counts)).index_add(0, drawn, each))
        return whole.sum() / self.config.rotated

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        groups = [{"params": list(self.encoder.parameters()), "lr": lr}]
        if self.turns_head is not None:
            own = self.config.rotation_lr or (PUBLISHED_LR if self.config.faithful else lr)
            groups.append({"params": list(self.turns_head.parameters()), "lr": own})
        return groups


def mirrored(images: Tensor, coins: Tensor) -> Tensor:
    """(B, 3, S, S), left for right where one of the (B,) `coins`, in [0, 1), is below one half."""
    return torch.where((coins < 0.5).to(images.device)[:, None, None, None], images.flip(3), images)
