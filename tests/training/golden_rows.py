"""The rows of numbers on which losses were measured once, with the code that their authors published."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def golden_rows(rows: int = 12) -> Tensor:
    """(rows, 5) float64: sin(1 + 3 i + 7 j)."""
    i, j = torch.arange(rows, dtype=torch.float64)[:, None], torch.arange(5, dtype=torch.float64)
    return torch.sin(1 + 3 * i + 7 * j)


def golden_units(rows: int = 12) -> Tensor:
    """(rows, 5): the same, each row of unit length."""
    return functional.normalize(golden_rows(rows), dim=1)


def golden_centres() -> Tensor:
    """(3, 5) unit rows: sin(2 + 5 i + 11 j)."""
    i, j = torch.arange(3, dtype=torch.float64)[:, None], torch.arange(5, dtype=torch.float64)
    return functional.normalize(torch.sin(2 + 5 * i + 11 * j), dim=1)
