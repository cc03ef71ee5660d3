"""Pairs of images that are, or are not, of one class, weighed by how similar they and their rivals are.

Source: X. Wang, X. Han, W. Huang, D. Dong, M. Scott, "Multi-Similarity Loss with General Pair Weighting for
Deep Metric Learning" (2019), equations 7 to 9.
Letter: n images.
"""

from __future__ import annotations

import torch
from torch import Tensor

ALPHA, BETA = 40.0, 2.0  # how sharply pairs of two classes, of one class, are weighed
BASE = 0.5  # the similarity that pairs of one class should have at least, and those of two at most
MARGIN = 0.1  # how far a pair may be from its rival and still count


def multi_similarity(
    similarity: Tensor,
    labels: Tensor,
    alpha: float = ALPHA,
    beta: float = BETA,
    base: float = BASE,
    margin: float = MARGIN,
    self_by_value: bool = False,
) -> Tensor:
    """The mean over images of what their hard pairs ask for; 0 for an image without hard pairs of both kinds.

    A pair of two classes is hard if it is more similar than the least similar one of one class, less
    `margin`; a pair of one class if it is less similar than the most similar one of two, plus `margin`.

    Args:
        similarity: (n, n) cosines.
        labels: (n,) integers.
        self_by_value: take for an image's pair with itself what is no less than 1, as the published code
            does: rounding lets some of them through.
    """
    same = labels[:, None] == labels[None]
    known = similarity.detach()
    itself = known >= 1 if self_by_value else torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    one, two = same & ~itself, ~same
    least, most = known.masked_fill(~one, torch.inf).amin(1), known.masked_fill(~two, -torch.inf).amax(1)
    hard_one = one & (known - margin < most[:, None])
    hard_two = two & (known + margin > least[:, None])
    pulled = _log_of_one_and(-beta * (similarity - base), hard_one) / beta
    pushed = _log_of_one_and(alpha * (similarity - base), hard_two) / alpha
    teaches = hard_one.any(1) & hard_two.any(1)
    return torch.where(teaches, pulled + pushed, 0).mean()


def _log_of_one_and(exponents: Tensor, counted: Tensor) -> Tensor:
    """(n,) log(1 + the sum of the exponentials that are `counted`), of (n, n)."""
    one = exponents.new_zeros(len(exponents), 1)
    return torch.cat([one, exponents.masked_fill(~counted, -torch.inf)], dim=1).logsumexp(1)
