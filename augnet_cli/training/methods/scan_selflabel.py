"""SCAN's self-labelling: what is sure of an image in a weak view is what a strong view of it is to say.

Source: W. Van Gansbeke et al., "SCAN: Learning to Classify Images without Labels" (2020), section 2.3, and
its published code; after K. Sohn et al., "FixMatch" (2020).
Letters: B images, C clusters.

Differs from the published code for CIFAR (`faithful=true` sets all of it back):
- the weak view is mirrored or not, and a crop; there, it is the whole picture.
- a batch without a sure image has no loss; there, it ends the run.
- the running mean of the weights (`ema`) is put in place in the end; there, it replaces the weights after
  every step, so that they move by 1 - ema of what the optimiser wants, and what batch norms have seen is set
  back to what they had seen before this stage.
- steps are of 256 images and their number follows from the number of images; there, 1,000 and 200 epochs,
  for subsets of ImageNet (which alone have `ema`, of 0.999) 512 and 25 epochs of SGD.
In both, the stage ends with the last state: nothing is chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional

from augnet_cli.errors import TrainingError, UsageError
from augnet_cli.images.squares import square
from augnet_cli.training.crop_views import CropViews
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.flat_weights import flat, put_back
from augnet_cli.training.methods.method import Batch, EmbedAll, Method
from augnet_cli.training.methods.scan_config import ScanConfig
from augnet_cli.training.recipe import SGD, Recipe
from augnet_cli.training.schedule import constant
from augnet_cli.training.strong_views import StrongViews, longest_cut
from augnet_cli.training.views import EachItsOwn, Views

# Of a weak view's crop, at least: what is left of a picture that is moved by an eighth both ways (FixMatch).
WEAK_AREA = 0.75
ON_CPUS = Recipe(lr=1e-4, images_per_step=256, weight_decay=1e-4, rate=constant)
# Of the subsets of ImageNet, as published with a running mean of the weights.
ON_SUBSETS = Recipe(SGD, lr=0.03, images_per_step=512, epochs=25, momentum=0.9, rate=constant)


def confident_cross_entropy(
    weak: Tensor, strong: Tensor, threshold: float, balance: bool
) -> tuple[Tensor, Tensor]:
    """Cross-entropy of strong logits (B, C) with the labels of sure weak ones (B, C), which get no gradient.

    Sure is what has a probability above `threshold`.  With `balance` every label weighs the same however
    often it comes: the mean over the labels that are there of the mean over the images of each.

    Returns:
        the loss, 0 where nothing is sure; the number of sure images.
    """
    sureness, labels = weak.detach().softmax(1).max(1)
    kept = sureness > threshold
    count = kept.sum()
    if not count:
        return strong.sum() * 0, count
    strong, labels = strong[kept], labels[kept]
    weights = None
    if balance:
        counts = torch.bincount(labels, minlength=strong.shape[1])
        weights = (count / counts.clamp(min=1)).to(strong.dtype)
    return functional.cross_entropy(strong, labels, weights), count


@dataclass(frozen=True)
class WholeViews:
    """The whole picture as the encoder takes it in use, unaltered."""

    size: int

    def crop(self, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return square(source, self.size)

    def finish(self, batch: Tensor, generator: Generator) -> Tensor:
        return batch


class ScanSelfLabel(Method):
    """Training of an encoder and its clusters by the labels that it is sure of."""

    Config = ScanConfig
    config: ScanConfig
    is_watched = False
    mean_weights: Tensor  # (w,) running mean of all weights; empty without `ema`
    norms: Tensor  # (b,) what batch norms had seen at the start, flat; empty where they go on
    sure: Tensor  # () int64: how often an image had a label that was believed

    @property
    def remark(self) -> str:
        if self.sure:
            return ""
        return (
            f"no image ever had a label of more than {self.config.threshold:g}, so self-labelling changed "
            "nothing: cluster for longer, or --set threshold=0.9"
        )

    @classmethod
    def head(cls, config: ScanConfig) -> str:
        return "pooled"

    @classmethod
    def takes_head(cls, config: ScanConfig, head: str) -> bool:
        return True

    @classmethod
    def keeps_clusters(cls, config: ScanConfig) -> bool:
        return True

    @classmethod
    def recipe_of(cls, config: ScanConfig) -> Recipe:
        if not config.faithful:
            return ON_CPUS
        return ON_SUBSETS if config.ema else replace(ON_CPUS, images_per_step=1000, epochs=200)

    def __init__(self, encoder: Encoder, config: ScanConfig) -> None:
        super().__init__(encoder, config)
        if encoder.clusters is None:
            raise UsageError(
                "self-labelling goes on from clusters, and this encoder has none",
                "--set stages=cluster,selflabel, or --init with an encoder that SCAN made",
            )
        encoder.requires_grad_(True)

    def view_transform(self, size: int) -> Views:
        cutout = self.config.cutout or longest_cut(size)
        strong = StrongViews(size, tuple(self.encoder.mean.tolist()), cutout)
        weak: Views = WholeViews(size) if self.config.faithful else CropViews(size, WEAK_AREA)
        return EachItsOwn((weak, strong))

    def begin(self, images: int) -> None:
        averages = self.config.ema > 0
        sets_back = averages and self.config.faithful
        self.register_buffer("mean_weights", flat(self.encoder.parameters() if averages else ()))
        self.register_buffer("norms", flat(self.encoder.buffers() if sets_back else ()))
        self.register_buffer("sure", torch.zeros((), dtype=torch.int64))

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        with torch.no_grad():
            weak = self.together(self._logits(batch.views[:, 0]))
        strong = self.together(self._logits(batch.views[:, 1]))
        # At a probability of 0.99 bf16 tells eight steps apart.
        with torch.autocast(strong.device.type, enabled=False):
            loss, count = confident_cross_entropy(
                weak.float(), strong.float(), self.config.threshold, self.config.balance
            )
        if self.training:
            self.sure += count.detach()
        if self.config.faithful and not count:
            raise TrainingError(
                f"no image of a batch has a label of more than {self.config.threshold:g}",
                "cluster for longer, or --set threshold=0.9",
            )
        return {"selflabel": loss}

    def _logits(self, images: Tensor) -> Tensor:
        assert self.encoder.clusters is not None
        logits: Tensor = self.encoder.clusters(self.encoder(images))
        return logits

    def after_step(self) -> None:
        if not self.config.ema:
            return
        keep = self.config.ema
        self.mean_weights.mul_(keep).add_(flat(self.encoder.parameters()), alpha=1 - keep)
        if self.config.faithful:
            put_back(self.mean_weights, self.encoder.parameters())
            put_back(self.norms, self.encoder.buffers())

    def conclude(self, embed_all: EmbedAll) -> None:
        if self.config.ema:
            put_back(self.mean_weights, self.encoder.parameters())
