"""The last step of an encoder for use: directions evened out, and a scale on which 0.2 is a sensible cut.

Embeddings of different pictures lean to a few directions: what most pictures have in common makes them alike.
Whitening turns the rows to the axes of their covariance and divides each axis by a power of its variance, as
in Jégou & Chum, "Negative Evidences and Co-occurrences in Image Retrieval" (2012).  Two things differ: the
power is below their 1/2, which lost fewer copies among the 32 nearest, and there is no centring, which was
worse (docs/decisions/0008).

Then a constant number is appended to all rows, before they are brought to length 1 again: it shrinks all
cosine distances by one factor and changes no order, so that the same number can mean the same thing for every
encoder: at `CUT`, `CUT_PRECISION` of the pairs are copies, on altered copies of training images.

Letters: n images, d dim of the network's embedding and of what comes out.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

POWER = 0.2  # of an axis's variance, which is divided by
LEAST_VARIANCE = 1e-3  # of an axis, as a share of the mean: an axis that hardly varies is noise, not enlarged
IMAGES_PER_AXIS = 4  # of d; with fewer the covariance says more of chance than of pictures
CUT = 0.2  # the distance that people try first
CUT_PRECISION = 0.98  # of pairs at or under it


class Whitening(nn.Module):
    """(n, d) unit rows to (n, d) unit rows: turned and scaled to d - 1 numbers, and the constant."""

    axes: Tensor  # (d, d - 1)
    constant: Tensor  # (): share of a row's squared length that is the same for all, in [0, 1)

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("axes", torch.eye(dim)[:, : dim - 1].clone())
        self.register_buffer("constant", torch.zeros(()))

    def forward(self, rows: Tensor) -> Tensor:
        evened = functional.normalize(rows @ self.axes, dim=1)
        same = torch.sqrt(self.constant).expand(len(rows), 1)
        return torch.cat([evened * torch.sqrt(1 - self.constant), same], dim=1)


def fitted_whitening(rows: np.ndarray) -> Whitening:
    """The whitening of (n, d) unit rows of different images, n at least d; its scale is not set yet."""
    whitening = Whitening(rows.shape[1])
    whitening.axes.copy_(torch.from_numpy(evened_axes(rows, POWER)[:, 1:]))  # without the flattest
    return whitening


def evened_axes(rows: np.ndarray, power: float) -> np.ndarray:
    """(d, d) float64: the principal axes of (n, d) rows as columns, the flattest first, each divided by that
    power of its variance."""
    variances, axes = np.linalg.eigh(np.cov(rows.astype(np.float64), rowvar=False, bias=True))  # ascending
    variances = np.maximum(variances, LEAST_VARIANCE * variances.mean())
    evened: np.ndarray = axes * variances**-power
    return evened


def scaled_to_cut(whitening: Whitening, distance: float) -> None:
    """Set the constant so that `distance`, of pairs under `whitening` as it is, becomes CUT.

    Distances can be shrunk only; one under CUT stays.
    """
    before = float(1 - whitening.constant)
    whitening.constant.fill_(max(0.0, 1 - before * CUT / distance) if distance > 0 else 0.0)
