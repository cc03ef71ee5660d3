"""What CBSwR and its ancestor ask of unit rows in which every image has a partner that shows the same.

Sources: B. X. Nguyen et al., "Deep Metric Learning Meets Deep Clustering: An Novel Unsupervised Approach for
Feature Embedding" (CBSwR, 2020); M. Ye et al., "Unsupervised Embedding Learning via Invariant and Spreading
Instance Feature" (2019), equations 4 to 8; A. Krause, P. Perona, R. Gomes, "Discriminative Clustering by
Regularized Information Maximization" (2010).
Letters: n rows, d dim, U clusters that occur in a batch, K clusters that can.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

SMALLEST_SHARE = 1e-18  # under a logarithm: a cluster without a member


def centre_softmax(
    rows: Tensor,
    partner: Tensor,
    centres: Tensor,
    labels: Tensor,
    temperature: float = 0.1,
    alpha: float = 1.0,
    open_ratio: bool = False,
) -> Tensor:
    """Each row must pick its partner among the centres of other clusters, and these must not take it.

    The gradient goes through the row that picks alone, not through its partner or the centres.  Where all
    rows are of one cluster there is nothing to pick from: the loss is 0, also in the open form, of which the
    formula is infinite there.

    Args:
        rows: (n, d) unit rows.
        partner: (n,) which row each row's partner is.
        centres: (U, d) unit rows, each with a member at least.
        labels: (n,) whose member each row is, in [0, U).
        open_ratio: the published form, in which the partner is compared with the centres of others but
            missing under the fraction: no probability, and without a bound.
    """
    if len(centres) < 2:
        return rows.sum() * 0
    to_partner = (rows * rows[partner].detach()).sum(1) / temperature
    to_centres = rows @ centres.detach().T / temperature
    own = functional.one_hot(labels, len(centres)).bool()
    rivals = to_centres.masked_fill(own, -torch.inf)
    if not open_ratio:
        rivals = torch.cat([to_partner[:, None], rivals], dim=1)
    picked = to_partner - rivals.logsumexp(1)
    not_taken = log_of_the_others(to_centres).masked_fill(own, 0).sum(1)
    return -(picked + alpha * not_taken).mean()


def instance_spreading(rows: Tensor, partner: Tensor, temperature: float = 0.1) -> Tensor:
    """Each of (n, d) unit rows must pick its partner among all other rows, and no other may pick it.

    Ye et al. (2019), the ancestor of `centre_softmax`: each row is a centre of its own.  The gradient goes
    through the row that picks alone.
    """
    count = len(rows)
    if count < 3:
        return rows.sum() * 0
    own = torch.eye(count, dtype=torch.bool, device=rows.device)
    logits = (rows @ rows.detach().T / temperature).masked_fill(own, -torch.inf)
    picked = logits.log_softmax(1).gather(1, partner[:, None]).squeeze(1)
    others = log_of_the_others(logits).masked_fill(own, 0).scatter(1, partner[:, None], 0.0)
    return -(picked + others.sum(1)).mean()


def log_of_the_others(logits: Tensor) -> Tensor:
    """(n, U) log(1 - share) of the softmax shares of (n, U) logits, U at least 2.

    Also where a share is so near 1 that nothing would remain of the difference.
    """
    top, whole = logits.argmax(1, keepdim=True), logits.logsumexp(1, keepdim=True)
    # All but the largest share are at most one half.
    small = (logits - whole).scatter(1, top, -1.0)
    without_top = logits.scatter(1, top, -torch.inf).logsumexp(1, keepdim=True)
    return torch.log1p(-small.exp()).scatter(1, top, without_top - whole)


def mutual_information(logits: Tensor, mu: float = 1.0, outcomes: int | None = None) -> Tensor:
    """Low where each row is sure of its cluster, and all clusters are used alike.

    The mean entropy of the rows' shares over its largest value, plus 1, minus `mu` times the entropy of the
    mean share over its largest value.

    Args:
        logits: (n, K), K at least 2.
        outcomes: whose logarithm stands for the largest entropy of a row; None: K.
    """
    clusters = logits.shape[1]
    log_shares = logits.log_softmax(1)
    shares = log_shares.exp()
    unsure = -(shares * log_shares).sum(1).mean() / math.log(outcomes or clusters)
    mean = shares.mean(0)
    spread = -(mean * (mean + SMALLEST_SHARE).log()).sum() / math.log(clusters)
    return unsure + 1 - mu * spread
