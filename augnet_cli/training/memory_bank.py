"""A row for every image, kept from step to step: what an image is compared with where a batch is too small.

Source: Z. Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance Discrimination" (2018): each
image is a class of its own, and its row in the bank is the weight of that class.  Two losses:

- `name_losses`: the softmax over all n images (equation 2).
- `noise_losses`: its estimate by a few drawn images (equations 6 and 7; noise-contrastive estimation after
  Gutmann & Hyvärinen, 2010), with the constant of equation 8, estimated once and kept.

Letters: B images of a batch, n images in all, m drawn ones, d dim.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

SMALLEST_SHARE = 1e-7  # of a denominator: the published code's guard against 0 / 0
# Products with all n rows are faster than fetching m of them for each image until n is some times m: a row
# that is fetched is read once for each image of the batch, in a product once for all of them.
ROWS_PER_DRAWN = 8
NOT_YET = -1.0  # of the constant, which is above 0


class MemoryBank(nn.Module):
    """(n, d) rows, one an image, that follow its embedding; and the constant of `noise_losses`."""

    rows: Tensor
    constant: Tensor  # () the sum Z of exp(similarity / temperature) over all n, or NOT_YET

    def __init__(self, images: int, dim: int, momentum: float) -> None:
        """Rows are drawn from torch's own generator, evenly, about 1 long."""
        super().__init__()
        self.momentum = momentum
        reach = 1 / math.sqrt(dim / 3)
        self.register_buffer("rows", torch.rand(images, dim) * (2 * reach) - reach)
        self.register_buffer("constant", torch.tensor(NOT_YET))

    def follow(self, images: Tensor, embeddings: Tensor) -> None:
        """Move the rows of (B,) images towards their (B, d) unit embeddings, by 1 - momentum of the way."""
        moved = self.momentum * self.rows[images] + (1 - self.momentum) * embeddings.to(self.rows.dtype)
        self.rows[images] = functional.normalize(moved, dim=1)

    def drawn(self, images: int, count: int) -> Tensor:
        """(images, count) int64: rows drawn evenly, with replacement, by torch's own generator.

        On the CPU whatever the device is, so that a seed draws the same everywhere.
        """
        return torch.randint(len(self.rows), (images, count)).to(self.rows.device)

    def instance_loss(self, images: Tensor, unit: Tensor, temperature: float, noise: int) -> Tensor:
        """Mean loss of naming (B,) images by their (B, d) unit rows; the softmax over all where noise is 0.

        While training, the first call with noise estimates the constant and keeps it.
        """
        unit = unit.to(self.rows.dtype)
        if not noise:
            return name_losses(unit @ self.rows.T / temperature, images).mean()
        drawn = self.drawn(len(images), noise)
        logits = similarities(unit, self.rows, torch.cat([images[:, None], drawn], dim=1)) / temperature
        estimate = len(self.rows) * logits.detach().exp().mean()
        constant = torch.where(self.constant > 0, self.constant, estimate)
        if self.training:
            self.constant.copy_(constant)
        return noise_losses(logits, constant, len(self.rows)).mean()


def similarities(unit: Tensor, rows: Tensor, chosen: Tensor) -> Tensor:
    """(B, k) inner products of (B, d) with the `chosen` (B, k) of (n, d) rows, each image with its own."""
    if len(rows) <= ROWS_PER_DRAWN * chosen.shape[1]:
        return (unit @ rows.T).gather(1, chosen)
    return torch.einsum("bd,bkd->bk", unit, rows[chosen])


def name_losses(logits: Tensor, images: Tensor) -> Tensor:
    """(B,) cross-entropies of naming each of (B,) images by (B, n) logits."""
    return functional.cross_entropy(logits, images, reduction="none")


def noise_losses(logits: Tensor, constant: Tensor, images: int) -> Tensor:
    """(B,) losses of telling an image's own row from drawn ones, of which each is one of n with equal chance.

    P = exp(logit) / Z; minus log P / (P + m / n) for the own row, minus log (m / n) / (P + m / n) for each
    drawn one.

    Args:
        logits: (B, 1 + m) similarities over the temperature, the own row's first.
        constant: () Z.
        images: n.
    """
    share = (logits.shape[1] - 1) / images
    chance = logits.exp() / constant
    own = (chance[:, 0] / (chance[:, 0] + share + SMALLEST_SHARE)).log()
    others = (share / (chance[:, 1:] + share + SMALLEST_SHARE)).log()
    return -(own + others.sum(1))
