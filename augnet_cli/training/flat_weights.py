"""All weights of a module as one row of numbers: a state that a method keeps beside the one it trains."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def flat(tensors: Iterable[Tensor]) -> Tensor:
    """All numbers one after the other, float32 and without gradient; empty where there are none."""
    parts = [tensor.detach().reshape(-1).float() for tensor in tensors]
    return torch.cat(parts) if parts else torch.empty(0)


def put_back(numbers: Tensor, tensors: Iterable[Tensor]) -> None:
    """Give tensors the numbers that `flat` made of them, or of others of their shapes."""
    with torch.no_grad():
        begin = 0
        for tensor in tensors:
            tensor.copy_(numbers[begin : begin + tensor.numel()].view(tensor.shape))
            begin += tensor.numel()


def state_of(module: nn.Module, without: str = "") -> list[Tensor]:
    """Weights and buffers but for counters; those whose name begins with `without` are left out."""
    return [
        value
        for name, value in module.state_dict().items()
        if value.is_floating_point() and not (without and name.startswith(without))
    ]
