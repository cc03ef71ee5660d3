"""AugNet: each view is drawn to the centre of its own image's views and pushed from the nearest other centre.

Source: M. Chen, "AugNet: End-to-End Unsupervised Visual Representation Learning with Image Augmentation",
arXiv 2106.06250 (2021), and its published code.  Letters: B images, V views, d dim.

Differs from the published code, each by a switch (`faithful=true` sets them all back):
- `resolution_jitter` is a probability; there it was always on, through a string that is never false.
- mean and std are per channel; there, one scalar for all (`scalar_norm`).
- the flip is always possible; there, only in one of two scripts (`flip`).
- a linear layer stands before the tanh; there, tanh saw non-negative features only (`linear`).
- the rate falls along a cosine; there it was constant (`constant_rate`).

Beyond the paper, off by default: `loss=softmax` is its softmax form; with `unit=true` on the unit sphere
where distances are used in the end, `leave_one_out=true` keeps a view out of its own centre, `squared=true`
takes half the squared distance, which on the sphere is cosine distance (with V = 2 this is NT-Xent against
centres), `spread` adds the KoLeo term of Sablayrolles et al., "Spreading vectors for similarity search"
(2019, eq. 3), and `views_like=copies` makes views as copies are made.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from augnet_cli.errors import UsageError
from augnet_cli.training.copy_views import CopyViews
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
        if self.views < 2:  # noqa: PLR2004 - a centre of one view says nothing
            raise UsageError(f"augnet needs at least 2 views, not {self.views}", "--set views=4")
        if self.temperature <= 0:
            raise UsageError(
                f"the temperature must be above 0, not {self.temperature}", "--set temperature=1"
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
    # |h - c|^2 summed over differences would need (B V B d) numbers; the expanded form needs (B V B).
    flat = embeddings.flatten(0, 1)
    squares = flat.square().sum(1, keepdim=True) + centres.square().sum(1) - 2 * flat @ centres.T
    squares = squares.view(images, views, images)
    if leave_one_out:
        sisters = (embeddings.sum(1, keepdim=True) - embeddings) / (views - 1)
        own = (embeddings - sisters).square().sum(2)
        mask = torch.eye(images, dtype=torch.bool, device=embeddings.device)[:, None, :]
        squares = torch.where(mask, own[:, :, None], squares)
    if squared:
        return squares / 2
    return squares.clamp(min=SMALLEST_SQUARE).sqrt()


def centroid_contrast(distances: Tensor) -> Tensor:
    """Mean over views of: distance to the own centre minus distance to the nearest other centre (spec 1d).

    `distances` is (B, V, B) as `centre_distances` gives it, B at least 2.
    """
    images = len(distances)
    own_mask = torch.eye(images, dtype=torch.bool, device=distances.device)[:, None, :]
    own = torch.where(own_mask, distances, 0).sum(2)
    nearest_other = distances.masked_fill(own_mask, torch.inf).amin(2)
    return (own - nearest_other).mean()


def centroid_softmax(distances: Tensor, temperature: float = 1.0) -> Tensor:
    """Cross-entropy of picking the own centre by minus distance over `temperature` (spec 1d, softmax mode)."""
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
        if self.config.unit:
            embeddings = functional.normalize(embeddings, dim=1)
        embeddings = embeddings.view(images, views, -1)
        distances = centre_distances(embeddings, self.config.leave_one_out, self.config.squared)
        if self.config.loss == "softmax":
            terms = {"centre": centroid_softmax(distances, self.config.temperature)}
        else:
            terms = {"centre": centroid_contrast(distances)}
        if self.config.spread:
            first = functional.normalize(embeddings[:, 0], dim=1)
            terms["spread"] = self.config.spread * spreading(first)
        return terms
