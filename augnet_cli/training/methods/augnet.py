"""AugNet: each view is drawn to the centre of its own image's views and pushed from the nearest other centre.

Source: M. Chen, "AugNet: End-to-End Unsupervised Visual Representation Learning with Image Augmentation",
arXiv 2106.06250 (2021), and its published code.  Letters: B images, V views, d dim.

Differs from the published code, each by a switch (`faithful=true` sets them all back):
- `resolution_jitter` is a probability; there it was always on, through a string that is never false.
- mean and std are per channel; there, one scalar for all (`scalar_norm`).
- the flip is always possible; there, only in one of two scripts (`flip`).
- a linear layer to 128 numbers stands before the tanh, norms before and after it; there, tanh saw the
  network's non-negative features (`linear`).
- the rate falls along a cosine; there it was constant (`constant_rate`).
Also with `faithful=true` it is not the state of the lowest running loss that is kept, as there, but the last.

The paper's second form, which it reports to be worse: `loss=softmax`, there at `temperature=1`.

Beyond the paper, off by default:
- `unit=true` compares directions only, on the unit sphere where distances are used in the end.
- `views_like=copies` makes views as copies are made.

The method `copies` grew out of it, for telling copies apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from augnet_cli.errors import UsageError
from augnet_cli.training.copy_views import CopyViews
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.faithful import take_published
from augnet_cli.training.methods.method import Batch, Method
from augnet_cli.training.recipe import Recipe
from augnet_cli.training.schedule import constant
from augnet_cli.training.views import AugNetViews, Views


@dataclass(frozen=True)
class AugNetConfig:
    """Settings of the method; `--set name=value` changes one."""

    views: int = 4  # V; the STL-10 script's
    views_like: str = "augnet"  # augnet | copies
    loss: str = "contrast"  # contrast | softmax
    temperature: float = 1.0  # of the softmax form
    unit: bool = False  # compare directions only, as the exported encoder does
    flip: float = 0.5  # probability that a view is mirrored
    resolution_jitter: float = 0.7  # probability of a detour over a smaller resolution
    scalar_norm: bool = False  # one mean and deviation for all colour channels
    linear: bool = True  # a linear layer before the tanh of a new encoder
    constant_rate: bool = False  # the learning rate does not fall
    whiten: bool = False  # finish the encoder by a whitening and a scale of its distances
    faithful: bool = False  # the published behaviour in all of the above

    # The published STL-10 script always flips and always takes the detour of resolution at 0.7.
    PUBLISHED: ClassVar[Mapping[str, Any]] = {
        "views_like": "augnet",
        "temperature": 1.0,
        "unit": False,
        "flip": 0.5,
        "resolution_jitter": 0.7,
        "scalar_norm": True,
        "linear": False,
        "constant_rate": True,
        "whiten": False,
    }

    def __post_init__(self) -> None:
        for name, allowed in (("loss", ("contrast", "softmax")), ("views_like", ("augnet", "copies"))):
            if getattr(self, name) not in allowed:
                raise UsageError(
                    f"{name} can't be {getattr(self, name)}", f"choose one of {', '.join(allowed)}"
                )
        if self.views < 2:
            raise UsageError(f"augnet needs at least 2 views, not {self.views}", "--set views=4")
        if not self.temperature > 0:
            raise UsageError(
                f"the temperature must be above 0, not {self.temperature}", "--set temperature=1"
            )
        for name in ("flip", "resolution_jitter"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(
                    f"{name} is a probability, and {getattr(self, name)} is none",
                    f"--set {name}={self.__dataclass_fields__[name].default}",
                )
        take_published(self)


def centre_distances(embeddings: Tensor) -> Tensor:
    """Euclidean distance of every view to every image's centre, its own included.

    Args:
        embeddings: (B, V, d).

    Returns:
        (B, V, B): entry (i, v, k) is the distance of view v of image i to the centre of image k.
    """
    images, views, _ = embeddings.shape
    centres, flat = embeddings.mean(dim=1), embeddings.flatten(0, 1)
    # Not by the expanded square: its rounding, of 1e-6, would be 1e-3 after the square root.
    distances = torch.cdist(flat, centres, compute_mode="donot_use_mm_for_euclid_dist")
    return distances.view(images, views, images)


def _own(distances: Tensor) -> Tensor:
    """(B, 1, B) bool: where the centre is that of the view's own image."""
    return torch.eye(len(distances), dtype=torch.bool, device=distances.device)[:, None, :]


def centroid_contrast(distances: Tensor) -> Tensor:
    """Mean over views of: distance to the own centre minus distance to the nearest other centre.

    `distances` is (B, V, B) as `centre_distances` gives it, B at least 2.
    """
    own = torch.where(_own(distances), distances, 0).sum(2)
    nearest_other = distances.masked_fill(_own(distances), torch.inf).amin(2)
    return (own - nearest_other).mean()


def centroid_softmax(distances: Tensor, temperature: float = 1.0) -> Tensor:
    """Cross-entropy of picking the own centre by minus distance over `temperature` (softmax mode)."""
    images, views, _ = distances.shape
    target = torch.arange(images, device=distances.device).repeat_interleave(views)
    return functional.cross_entropy(-distances.flatten(0, 1) / temperature, target)


class AugNet(Method):
    """Training by centres of views."""

    Config = AugNetConfig
    config: AugNetConfig

    @classmethod
    def head(cls, config: AugNetConfig) -> str:
        return "linear_tanh" if config.linear else "tanh"

    @classmethod
    def recipe_of(cls, config: AugNetConfig) -> Recipe:
        return Recipe(rate=constant) if config.constant_rate else Recipe()

    def __init__(self, encoder: Encoder, config: AugNetConfig) -> None:
        super().__init__(encoder, config)
        self.scalar_norm = config.scalar_norm

    @property
    def views(self) -> int:
        return self.config.views

    def view_transform(self, size: int) -> Views:
        if self.config.views_like == "copies":
            return CopyViews(size)
        return AugNetViews(size, flip=self.config.flip, resolution_jitter=self.config.resolution_jitter)

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        embeddings = self.together(self.encoder(batch.views.flatten(0, 1)).float())
        # Distances are differences of nearly equal numbers: the 8 bits of bf16 would blur the small ones.
        with torch.autocast(embeddings.device.type, enabled=False):
            if self.config.unit:
                embeddings = functional.normalize(embeddings, dim=1)
            return self._terms(embeddings.unflatten(0, (-1, self.views)))

    def _terms(self, embeddings: Tensor) -> dict[str, Tensor]:
        """The one term of (B, V, d) embeddings."""
        distances = centre_distances(embeddings)
        if self.config.loss == "softmax":
            return {"centre": centroid_softmax(distances, self.config.temperature)}
        return {"centre": centroid_contrast(distances)}
