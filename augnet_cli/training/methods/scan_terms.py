"""SCAN's loss and how good clusters are by it, no label asked.

Source: W. Van Gansbeke et al., "SCAN: Learning to Classify Images without Labels" (2020), equation 2, and its
published code.  Letters: B anchors, C clusters, n images, K neighbours.
"""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST_SHARE = 1e-8  # of a cluster in the entropy, whose gradient stays finite
LOWEST_LOG = -100.0  # of an agreement, as torch's binary cross-entropy has it


def scan_terms(anchors: Tensor, partners: Tensor, entropy_weight: float) -> tuple[Tensor, Tensor]:
    """The two terms of SCAN's loss (equation 2), of logits (B, C).

    Returns:
        the mean of -log <p_i, p_n(i)> over pairs, at least 0, and -weight * H of the anchors' mean, at least
        -weight * log C; their sum is minimised.
    """
    own = anchors.log_softmax(1)
    # In logarithms throughout: of an agreement that rounds to 0 the gradient would be no number.
    agreement = torch.logsumexp(own + partners.log_softmax(1), dim=1)
    consistency = -agreement.clamp(min=LOWEST_LOG).mean()
    return consistency, -entropy_weight * entropy(own.exp().mean(0))


def entropy(shares: Tensor) -> Tensor:
    """Minus the sum of p log p over (..., C) shares, in [0, log C]."""
    shares = shares.clamp(min=SMALLEST_SHARE)
    return -(shares * shares.log()).sum(-1)


def scan_score(logits: Tensor, neighbours: Tensor) -> Tensor:
    """How good clusters are, by no label: SCAN's loss with weight 1 over all pairs; smaller is better.

    Args:
        logits: (n, C) of unaltered images; neighbours: (n, K) their rows.
    """
    shares = logits.softmax(1)
    agreement = torch.einsum("nc,nkc->nk", shares, shares[neighbours])
    return -agreement.log().clamp(min=LOWEST_LOG).mean() - entropy(shares.mean(0))
