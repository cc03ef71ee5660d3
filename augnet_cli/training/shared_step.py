"""One training step shared by several processes: as if one process had taken it on the whole batch.

Each embeds its part; `gathered` gives everyone the embeddings of all, in the order of the batch, and everyone
computes the same loss of them.  Its gradient finds its way back to the process whose embedding it is, and
`DistributedDataParallel` takes the mean of all gradients over the processes while they are computed.
The W processes compute the same loss W times, and the mean divides by W: what remains is the gradient that
one process would have had.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from augnet_cli.training.gang import Gang
from augnet_cli.training.methods.method import Batch, Method
from augnet_cli.training.symmetric import FieldNorm

LossOf = Callable[[Batch], dict[str, Tensor]]


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, rows: Tensor) -> Tensor:
        parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows)
        return torch.cat(parts)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        # Everyone's loss looked at our rows: what all of them ask for is added up.
        gradient = gradients[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(gradient)
        return gradient.chunk(dist.get_world_size())[dist.get_rank()]


def gathered(rows: Tensor) -> Tensor:
    """The rows (n, ...) of all W processes, (W n, ...) in the order of their ranks; collective.

    Every process gives as many.  The gradient is that of the sum of all processes' losses.
    """
    whole: Tensor = _Gathered.apply(rows.contiguous())
    return whole


def own_part(rows: Tensor) -> Tensor:
    """This process's part of the (W n, ...) rows of all W."""
    return rows.chunk(dist.get_world_size())[dist.get_rank()]


class _AddedUp(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, numbers: Tensor) -> Tensor:
        total = numbers.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        gradient = gradients[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(gradient)
        return gradient


def added_up(numbers: Tensor) -> Tensor:
    """The sum of the numbers (n,) of all processes; collective. Its gradient is as that of `gathered`."""
    total: Tensor = _AddedUp.apply(numbers.contiguous())
    return total


class _Loss(nn.Module):
    """A method whose loss is its `forward`, which is where `DistributedDataParallel` listens."""

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = method

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        return self.method.loss(batch)


def shared_loss(method: Method, gang: Gang) -> LossOf:
    """`method.loss` for this process's part of a batch: its gradients are those of the whole batch.

    Collective, as is each call of what it returns and each backward pass after it, until which the caller
    must keep it.  All processes go on from the leader's weights and buffers; optimisers and checkpoints know
    `method` itself, as in a run of one.
    """
    if gang.size == 1:
        return method.loss
    method.together = gathered  # type: ignore[method-assign]
    method.own = own_part  # type: ignore[method-assign]
    shared = DistributedDataParallel(_Loss(method))
    # Not at each step: norms are synchronised, banks filled with what all gathered.  Said here and not in the
    # call, where it would keep buffers from being copied at the start too, and has another name in new torch.
    shared.broadcast_buffers = False
    return shared


def synchronise_norms(method: Method, gang: Gang, device: torch.device) -> None:
    """Let batch norms take their statistics over the parts of all processes; before the optimiser is made.

    torch has such a norm for GPUs alone: on CPUs its own batch norms normalise by the process's own part, and
    `level` makes them one again.  `symmetric.FieldNorm` knows how, wherever it runs.
    """
    if gang.size == 1:
        return
    for module in method.modules():
        if isinstance(module, FieldNorm):
            module.added_up = added_up
    if device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(method)


def level(method: Method, gang: Gang) -> None:
    """Collective: give everyone the leader's buffers, before the encoder is used, judged or saved."""
    if gang.size == 1:
        return
    with torch.no_grad():
        for buffer in method.buffers():
            dist.broadcast(buffer, src=0)
