"""AugNet: each view is drawn to the centre of its own image's views and pushed from the nearest other centre.

Source: M. Chen, "AugNet: End-to-End Unsupervised Visual Representation Learning with Image Augmentation",
arXiv 2106.06250 (2021), and its published code.  Letters: B images, V views, d dim.

Differs from the published code, each by a switch (`faithful=true` sets them all back):
- `resolution_jitter` is a probability; there it was always on, through a string that is never false.
- mean and std are per channel; there, one scalar for all (`scalar_norm`).
- the flip is always possible; there, only in one of two scripts (`flip`).
- a linear layer stands before the tanh; there, tanh saw non-negative features only (`linear`).
- the rate falls along a cosine; there it was constant (`constant_rate`).

The paper's second form, which it reports to be worse: `loss=softmax`, there at `temperature=1`.

Beyond the paper, off by default:
- `unit=true` compares directions only, on the unit sphere where distances are used in the end.
- `leave_one_out=true` keeps a view out of its own centre.
- `squared=true` takes half the squared distance, which between unit vectors is cosine distance.
- `spread` adds the KoLeo term of Sablayrolles et al., "Spreading vectors for similarity search" (2019).
- `views_like=copies` makes views as copies are made.

The softmax form with all three switches and V = 2 is close to NT-Xent (Chen et al., "A Simple Framework for
Contrastive Learning", 2020): the own term is the cosine distance to the sister view, exactly; each other
image stands in the sum once, by its centre c, where NT-Xent has its two views.  The centre lies inside the
sphere, so the distance to it is 1/2 + |c|^2 / 2 - <h, c>: the mean cosine distance to its views, less
(1 - |c|^2) / 2.  The two losses are equal, but for counting each other image once, where views coincide.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from augnet_cli.errors import UsageError
from augnet_cli.training.copy_views import CopyViews
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.methods.method import Batch, Method
from augnet_cli.training.views import AugNetViews, Views

SMALLEST_SQUARE = 1e-12  # under the square root: the gradient of a distance of 0 stays finite


@dataclass(frozen=True)
class AugNetConfig:
    """Settings of the method; `--set name=value` changes one."""

    views: int = 4  # V; the STL-10 script's
    views_like: str = "augnet"  # augnet | copies
    loss: str = "contrast"  # contrast | softmax
    temperature: float = 1.0  # of the softmax form
    unit: bool = False  # compare directions only, as the exported encoder does
    leave_one_out: bool = False  # a view's own centre is made of its sister views alone
    squared: bool = False  # half the squared distance instead of the distance
    spread: float = 0.0  # weight of the KoLeo term
    flip: float = 0.5
    resolution_jitter: float = 0.7
    scalar_norm: bool = False
    linear: bool = True  # a linear layer before the tanh of a new encoder
    constant_rate: bool = False
    faithful: bool = False  # the published behaviour in all of the above

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
        if not self.spread >= 0:
            raise UsageError(f"spread can't be under 0, as {self.spread} is", "--set spread=0")
        for name in ("flip", "resolution_jitter"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(
                    f"{name} is a probability, and {getattr(self, name)} is none",
                    f"--set {name}={self.__dataclass_fields__[name].default}",
                )
        if self.faithful:
            self._refuse_what_was_not_published()

    def _refuse_what_was_not_published(self) -> None:
        for name in ("views_like", "temperature", "unit", "leave_one_out", "squared", "spread"):
            if getattr(self, name) != self.__dataclass_fields__[name].default:
                raise UsageError(
                    f"faithful=true is AugNet as published, which has no {name}={getattr(self, name)}",
                    f"leave out one of the two: faithful, {name}",
                )


def centre_distances(embeddings: Tensor, leave_one_out: bool = False, squared: bool = False) -> Tensor:
    """Euclidean distance of every view to every image's centre.

    Args:
        embeddings: (B, V, d).
        leave_one_out: the distance to the own centre is to the mean of the other V - 1 views.
        squared: half the squared distance.

    Returns:
        (B, V, B): entry (i, v, k) is the distance of view v of image i to the centre of image k.
    """
    images, views, _ = embeddings.shape
    centres = embeddings.mean(dim=1)
    sisters = (embeddings.sum(1, keepdim=True) - embeddings) / (views - 1)
    apart = (embeddings - sisters).square().sum(2)  # (B, V) squared distance to the mean of the other views
    flat = embeddings.flatten(0, 1)
    if squared:
        # |h - c|^2 summed over differences would need (B V B d) numbers; the expanded form needs (B V B).
        squares = flat.square().sum(1, keepdim=True) + centres.square().sum(1) - 2 * flat @ centres.T
        distances, own = squares / 2, apart / 2
    else:
        # Not expanded: its rounding, of 1e-6, would be 1e-3 after the square root.
        distances = torch.cdist(flat, centres, compute_mode="donot_use_mm_for_euclid_dist")
        own = apart.clamp(min=SMALLEST_SQUARE).sqrt()
    distances = distances.view(images, views, images)
    return torch.where(_own(distances), own[:, :, None], distances) if leave_one_out else distances


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


def spreading(unit_rows: Tensor) -> Tensor:
    """Minus the mean log distance of each (n, d) unit row to its nearest other row (KoLeo)."""
    similarity = unit_rows @ unit_rows.T
    similarity = similarity.masked_fill(
        torch.eye(len(unit_rows), dtype=torch.bool, device=unit_rows.device), -1
    )
    nearest = (2 - 2 * similarity.amax(1)).clamp(min=SMALLEST_SQUARE).sqrt()
    return -nearest.log().mean()


class AugNet(Method):
    """Training by centres of views."""

    Config = AugNetConfig
    config: AugNetConfig

    @classmethod
    def head(cls, config: AugNetConfig) -> str:
        return "linear_tanh" if config.linear and not config.faithful else "tanh"

    def __init__(self, encoder: Encoder, config: AugNetConfig) -> None:
        super().__init__(encoder, config)
        self.constant_rate = config.constant_rate or config.faithful
        self.scalar_norm = config.scalar_norm or config.faithful

    @property
    def views(self) -> int:
        return self.config.views

    def view_transform(self, size: int) -> Views:
        if self.config.views_like == "copies":
            return CopyViews(size)
        # The published STL-10 script always flips and always takes the detour of resolution at 0.7.
        faithful = self.config.faithful
        return AugNetViews(
            size,
            flip=0.5 if faithful else self.config.flip,
            resolution_jitter=0.7 if faithful else self.config.resolution_jitter,
        )

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        images, views = batch.views.shape[:2]
        embeddings = self.encoder(batch.views.flatten(0, 1)).float()
        # Distances are differences of nearly equal numbers: the 8 bits of bf16 would blur the small ones.
        with torch.autocast(embeddings.device.type, enabled=False):
            if self.config.unit:
                embeddings = functional.normalize(embeddings, dim=1)
            return self._terms(embeddings.view(images, views, -1))

    def _terms(self, embeddings: Tensor) -> dict[str, Tensor]:
        """The terms of (B, V, d) embeddings."""
        distances = centre_distances(embeddings, self.config.leave_one_out, self.config.squared)
        if self.config.loss == "softmax":
            terms = {"centre": centroid_softmax(distances, self.config.temperature)}
        else:
            terms = {"centre": centroid_contrast(distances)}
        if self.config.spread:
            first = functional.normalize(embeddings[:, 0], dim=1)
            terms["spread"] = self.config.spread * spreading(first)
        return terms
