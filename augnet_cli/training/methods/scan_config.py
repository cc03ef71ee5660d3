"""The settings of SCAN, of all its stages: what is said with `--set`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from augnet_cli.errors import UsageError
from augnet_cli.images.names import shown
from augnet_cli.training.faithful import take_published

PRETEXT, CLUSTER, SELFLABEL = "pretext", "cluster", "selflabel"
ORDER = (PRETEXT, CLUSTER, SELFLABEL)
STRONG, WEAKER = "strong", "simclr"
VIEWS = (STRONG, WEAKER)
# Up to so many the published recipes for CIFAR cluster for 50 epochs of 128 anchors a step, beyond for 100 of
# 512; those for subsets of ImageNet take 512 anchors up to so many, beyond 1024.
FEW_CLASSES, FEW_CLASSES_OF_SUBSETS = 10, 50
FEWEST_IMAGES = {PRETEXT: 2, CLUSTER: 4, SELFLABEL: 2}  # of a step: two, and where it has partners, these


@dataclass(frozen=True)
class ScanConfig:
    """Settings of the method; `--set name=value` changes one.

    Of epochs, rates and images of a step, 0 is the stage's own; images count partners.
    """

    clusters: int = 10  # how many C are told apart
    stages: str = "pretext,cluster,selflabel"  # those wanted, in this order
    pretext: str = "simclr"  # a method: simclr, rotnet, instance, decouple, augnet
    pretext_set: str = ""  # settings of that method: name=value, comma between
    pretext_epochs: int = 0  # passes of the first stage; 0: its own, or a share of the time
    pretext_lr: float = 0.0  # its learning rate; 0: its own
    pretext_images: int = 0  # its images of a step; 0: its own
    cluster_epochs: int = 0  # the same of the second stage
    cluster_lr: float = 0.0  # its learning rate; 0: 1e-4, of heads alone 1e-3
    cluster_images: int = 0  # its images of a step, partners included; 0: its own
    selflabel_epochs: int = 0  # the same of the third stage
    selflabel_lr: float = 0.0  # its learning rate; 0: its own
    selflabel_images: int = 0  # its images of a step; 0: its own
    neighbours: int = 20  # K; of few images at most half of a cluster
    include_self: bool = False  # an image may be its own partner
    entropy_weight: float = 5.0  # of using all clusters alike
    heads: int = 1  # trained side by side; the best one is kept
    fit_heads: bool = True  # heads are learnt on embeddings first, before the encoder moves
    head_only: bool = False  # the encoder stays as it is while its clusters are learnt
    held_out: float = 0.1  # share of the images by which the best state is chosen
    views_like: str = "strong"  # strong | simclr: views that clusters are learnt on
    cutout: int = 0  # longest side in pixels of what is cut out; 0: half of small pictures, a third of others
    threshold: float = 0.99  # a label is believed above this probability
    balance: bool = True  # all labels of a batch count alike, however often they come
    ema: float = 0.0  # share that a running mean of the weights keeps in a step; 0: there is none
    faithful: bool = False  # the published behaviour and recipes

    PUBLISHED: ClassVar[Mapping[str, Any]] = {"include_self": True, "held_out": 0.0, "fit_heads": False}

    def __post_init__(self) -> None:
        self._check_names()
        if self.views_like not in VIEWS:
            raise UsageError(f"views_like can't be {self.views_like}", f"choose one of {', '.join(VIEWS)}")
        for name in ("clusters", "neighbours", "heads"):
            least = 2 if name == "clusters" else 1
            if getattr(self, name) < least:
                raise UsageError(
                    f"{name} must be at least {least}, not {getattr(self, name)}",
                    f"--set {name}={self._default(name)}",
                )
        for name in ("entropy_weight", "cutout", *self._of_stages()):
            if not getattr(self, name) >= 0:
                raise UsageError(
                    f"{name} can't be under 0, as {getattr(self, name)} is",
                    f"--set {name}={self._default(name)}",
                )
        for stage in ORDER:
            images, fewest = getattr(self, f"{stage}_images"), FEWEST_IMAGES[stage]
            if 0 < images < fewest:
                raise UsageError(
                    f"{stage}_images must be {fewest} or more, or 0 for its own, not {images}",
                    f"--set {stage}_images=128",
                )
        for name, most in (("held_out", 0.5), ("threshold", 1.0), ("ema", 1.0)):
            if not 0 <= getattr(self, name) < most:
                raise UsageError(
                    f"{name} must be from 0 to under {most:g}, not {getattr(self, name)}",
                    f"--set {name}={self._default(name)}",
                )
        take_published(self)

    def _check_names(self) -> None:
        wanted = self.wanted
        if not wanted or wanted != tuple(name for name in ORDER if name in wanted):
            raise UsageError(
                f"stages can't be {shown(self.stages) or repr(self.stages)}",
                f"name some of {', '.join(ORDER)}, in this order",
            )
        if PRETEXT in wanted and SELFLABEL in wanted and CLUSTER not in wanted:
            raise UsageError(
                "self-labelling goes on from clusters, and a pretext makes none",
                f"--set stages={','.join(ORDER)}",
            )

    def _default(self, name: str) -> object:
        return self.__dataclass_fields__[name].default

    def _of_stages(self) -> tuple[str, ...]:
        return tuple(f"{stage}_{what}" for stage in ORDER for what in ("epochs", "lr", "images"))

    @property
    def wanted(self) -> tuple[str, ...]:
        """Names of the stages, in order."""
        return tuple(self.stages.split(","))

    def of_stage(self, name: str, what: str) -> int | float | None:
        """What was said of a stage's `epochs`, `lr` or `images`; None for its own."""
        return getattr(self, f"{name}_{what}") or None
