"""SCAN's heads before the encoder moves: learnt in seconds on embeddings of unaltered images.

The published code learns heads and encoder together from random heads, over 50 epochs.  In a short run most
of the steps would go into heads that say nothing yet, and move the encoder at random meanwhile.

Letters: n images, d dim, C clusters, K neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from augnet_cli.training.methods.scan_terms import scan_terms

PASSES = 50  # over all images: of few, more would make every cluster sure, and leave nothing to learn
MOST_STEPS = 1000  # of which each costs a product of a few hundred rows: seconds in all
ANCHORS = 512  # of a step: of clusters of one in ten, fifty each
LR = 0.01
# Of a number over all images, as a share of the size of the numbers: what hardly changes says little, and is
# not enlarged until it says much.
SMALLEST_SPREAD = 0.1


def fit_heads(
    heads: Iterable[nn.Linear],
    rows: np.ndarray,
    neighbours: np.ndarray,
    entropy_weight: float,
    rng: np.random.Generator,
) -> None:
    """Let linear heads (d to C) minimise SCAN's loss on (n, d) embeddings and their (n, K) neighbours."""
    size = np.sqrt(np.square(rows, dtype=np.float64).mean())
    spread = np.maximum(rows.std(axis=0), max(SMALLEST_SPREAD * size, np.finfo(np.float32).tiny))
    steps = min(MOST_STEPS, PASSES * math.ceil(len(rows) / ANCHORS))
    even = torch.from_numpy(((rows - rows.mean(axis=0)) / spread).astype(np.float32))
    for head in heads:
        fitted = nn.Linear(head.in_features, head.out_features)
        with torch.no_grad():
            fitted.weight.copy_(head.weight)
            fitted.bias.copy_(head.bias)
        optimiser = torch.optim.Adam(fitted.parameters(), LR)
        for _ in range(steps):
            loss = torch.stack(scan_terms(*_drawn(fitted, even, neighbours, rng), entropy_weight)).sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        _take(head, fitted, rows.mean(axis=0), spread)


def _drawn(
    head: nn.Linear, rows: Tensor, neighbours: np.ndarray, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Logits (b, C) of anchors and of a neighbour of each."""
    anchors = rng.integers(len(rows), size=min(ANCHORS, len(rows)))
    partners = neighbours[anchors, rng.integers(neighbours.shape[1], size=len(anchors))]
    return head(rows[anchors]), head(rows[partners])


def _take(head: nn.Linear, fitted: nn.Linear, mean: np.ndarray, spread: np.ndarray) -> None:
    """Let `head` give of embeddings what `fitted` gives of those evened out."""
    with torch.no_grad():
        weight = fitted.weight / torch.from_numpy(spread).to(fitted.weight)
        head.weight.copy_(weight)
        head.bias.copy_(fitted.bias - weight @ torch.from_numpy(mean).to(weight))
