"""Copies: two views of an image attract each other, all other images within reach repel, and all spread out.

AugNet's principle (Chen, 2021), that what augmented versions of one image share is the image, in the form
that told copies apart best here (docs/decisions/0008):

- NT-Xent: Chen et al., "A Simple Framework for Contrastive Learning" (SimCLR, 2020), equation 1: the softmax
  of cosine similarities over a temperature must pick the sister view.
- If asked for, a memory bank: Wang et al., "Cross-Batch Memory for Embedding Learning" (XBM, 2020):
  embeddings of the last steps serve as further other images, without gradient.  It holds only while the
  encoder changes little in those steps: at a rate of 0.002 from random weights the embeddings ran from their
  own past, all in one direction, and ended as one point.
- KoLeo: Sablayrolles et al., "Spreading vectors for similarity search" (2019), equation 2, as SSCD uses it
  (Pizzi et al., 2022): minus the mean log distance to the nearest other image, here the bank included.

Letters: N images, n = 2 N views, d dim, K rows of the bank.
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
from augnet_cli.training.views import Views

SMALLEST_SQUARE = 1e-12  # under the square root: the gradient of a distance of 0 stays finite
NO_ROW = -1  # of a place in the bank that is still empty


@dataclass(frozen=True)
class CopiesConfig:
    """Settings of the method; `--set name=value` changes one."""

    temperature: float = 0.05  # of the softmax: the smaller, the more the nearest others count
    spread: float = 0.3  # weight of the KoLeo term
    bank: int = 0  # K; 0 compares within the batch alone
    whiten: bool = True  # finish the encoder by a whitening and a scale of its distances

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise UsageError(
                f"the temperature must be above 0, not {self.temperature}", "--set temperature=0.05"
            )
        if not self.spread >= 0:
            raise UsageError(f"spread can't be under 0, as {self.spread} is", "--set spread=0.3")
        if self.bank < 0:
            raise UsageError(f"bank can't be under 0, as {self.bank} is", "--set bank=4096")


def pick_the_sister(
    views: Tensor, rows: Tensor, bank: Tensor, bank_rows: Tensor, temperature: float
) -> Tensor:
    """NT-Xent over the batch and a bank: the mean cross-entropy of picking the other view of the same image.

    Args:
        views: (N, 2, d) unit rows; both views of an image are compared with all of the other images'.
        rows: (N,) which image each is, all different.
        bank: (K, d) unit rows without gradient; bank_rows: (K,) which image each is, or NO_ROW.
            Rows of the same image as the view, and NO_ROW, do not count.
    """
    flat = views.transpose(0, 1).flatten(0, 1)  # all first views, then all second ones
    count = len(rows)
    own = torch.eye(2 * count, dtype=torch.bool, device=flat.device)
    logits = (flat @ flat.T).masked_fill(own, -torch.inf)
    if len(bank):
        unfit = _same_or_none(rows.repeat(2), bank_rows)
        logits = torch.cat([logits, (flat @ bank.T).masked_fill(unfit, -torch.inf)], dim=1)
    sister = torch.arange(2 * count, device=flat.device).roll(count)
    return functional.cross_entropy(logits / temperature, sister)


def spreading(unit_rows: Tensor, rows: Tensor, bank: Tensor, bank_rows: Tensor) -> Tensor:
    """Minus the mean log distance of each (N, d) unit row to the nearest other image, of batch or bank."""
    own = torch.eye(len(rows), dtype=torch.bool, device=unit_rows.device)
    similarity = (unit_rows @ unit_rows.T).masked_fill(own, -1)
    if len(bank):
        unfit = _same_or_none(rows, bank_rows)
        similarity = torch.cat([similarity, (unit_rows @ bank.T).masked_fill(unfit, -1)], dim=1)
    nearest = (2 - 2 * similarity.amax(1)).clamp(min=SMALLEST_SQUARE).sqrt()
    return -nearest.log().mean()


def _same_or_none(rows: Tensor, bank_rows: Tensor) -> Tensor:
    """(n, K) bool: where the bank's row is of the same image, or empty."""
    return (rows[:, None] == bank_rows[None]) | (bank_rows == NO_ROW)[None]


class Copies(Method):
    """Training to tell an image's copies from all other images."""

    Config = CopiesConfig
    config: CopiesConfig
    bank: Tensor  # (K, d)
    bank_rows: Tensor  # (K,) int64
    bank_next: Tensor  # () int64: the place the next embedding goes to

    def __init__(self, encoder: Encoder, config: CopiesConfig) -> None:
        super().__init__(encoder, config)
        self.register_buffer("bank", torch.zeros(config.bank, encoder.dim))
        self.register_buffer("bank_rows", torch.full((config.bank,), NO_ROW))
        self.register_buffer("bank_next", torch.zeros((), dtype=torch.int64))

    def view_transform(self, size: int) -> Views:
        return CopyViews(size)

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        embeddings = self.together(self.encoder(batch.views.flatten(0, 1)).float())
        rows = self.together(batch.rows.to(embeddings.device))
        # Similarities of copies differ in their last digits: the 8 bits of bf16 would blur them.
        with torch.autocast(embeddings.device.type, enabled=False):
            unit = functional.normalize(embeddings, dim=1).unflatten(0, (-1, self.views))
            # Copied: what the loss looked at must not change before its gradient is taken.
            bank, bank_rows = self.bank.clone(), self.bank_rows.clone()
            terms = {"pick": pick_the_sister(unit, rows, bank, bank_rows, self.config.temperature)}
            if self.config.spread:
                terms["spread"] = self.config.spread * spreading(unit[:, 0], rows, bank, bank_rows)
        if self.training and self.config.bank:
            self._remember(unit[:, 1].detach(), rows)
        return terms

    def _remember(self, embeddings: Tensor, rows: Tensor) -> None:
        """Put (N, d) embeddings in the place of the oldest."""
        size = self.config.bank
        embeddings, rows = embeddings[-size:], rows[-size:]
        places = (self.bank_next + torch.arange(len(rows), device=rows.device)) % size
        self.bank[places], self.bank_rows[places] = embeddings, rows
        self.bank_next.copy_((self.bank_next + len(rows)) % size)
