"""One of several processes in the tests of training together; the same functions run alone are their oracle.

`python gang_member.py PHOTOS OUT` is one member, with the environment that `torchrun` gives it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

import numpy as np
import torch
from torch import Tensor
from training_examples import CPU, pixels_of, small_encoder

from augnet_cli.errors import TrainingError
from augnet_cli.training.gang import Gang, gang_from_environment, joined
from augnet_cli.training.loader import ViewLoader, steps_of
from augnet_cli.training.methods import METHODS, method_class
from augnet_cli.training.methods.method import Batch, Method
from augnet_cli.training.pixels import PixelCache
from augnet_cli.training.settings import TrainSettings
from augnet_cli.training.shared_step import added_up, gathered, level, shared_loss
from augnet_cli.training.stopping import Stop
from augnet_cli.training.symmetric import FieldNorm
from augnet_cli.training.trainer import train

MEMBERS = 2
AGAIN = "PORT_OF_SECOND_MEETING"  # in the environment
IMAGES, IMAGES_PER_STEP, EPOCHS = 12, 4, 2  # six steps
OPTIONS: dict[str, dict[str, Any]] = {"augnet": {"views": 2}, "copies": {"bank": 6}}
Tensors = dict[str, Tensor]


def method_of(name: str) -> Method:
    """A small method whose batch norms stay as they are: what a process embeds depends on its part alone.

    Its networks count in float64, so that only a wrong sum, and no rounding, tells two runs apart.
    It notes its losses.
    """
    kind = method_class(name)

    class Still(kind):  # type: ignore[misc, valid-type]
        def train(self, mode: bool = True) -> Still:
            super().train(mode)
            for module in self.modules():
                if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                    module.eval()
            return self

        def loss(self, batch: Batch) -> Tensors:
            terms: Tensors = super().loss(batch)
            self.losses.append(sum(float(value.detach()) for value in terms.values()))
            return terms

    # Its norms are settled in float32, where the number of threads shows in the last digits.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    encoder = small_encoder()
    torch.set_num_threads(threads)
    method: Method = Still(encoder, kind.Config(**OPTIONS.get(name, {})))
    for module in method.children():
        module.double()
    for parameter in method.parameters():  # those of the method itself, too; its memories stay as they are
        parameter.data = parameter.data.double()
    method.losses = []  # type: ignore[assignment]
    return method.train()


def first_step(name: str, pixels: PixelCache, gang: Gang) -> dict[str, Any]:
    """The first batch, and its gradients: Adam would not see a factor before all of them."""
    method, order = method_of(name), np.random.default_rng(0).permutation(len(pixels))
    method.begin(len(pixels))
    views, mine = method.view_transform(32), gang.parts(MEMBERS)
    loader = ViewLoader(pixels, views, method.views, 32, 0, 1, CPU, parts=MEMBERS, mine=mine)
    batch = next(loader.batches(steps_of(order, IMAGES_PER_STEP, 0)))
    loss_of = shared_loss(method, gang)
    torch.stack(list(loss_of(batch).values())).sum().backward()
    gradients = {key: value.grad for key, value in method.named_parameters()}
    return {"rows": batch.rows, "views": batch.views, "gradients": gradients}


def run(
    name: str, pixels: PixelCache, gang: Gang, folder: str, stop_at: int = 0, resume: bool = False
) -> dict[str, Any]:
    """A run of six steps by the trainer; the last process wants to stop after `stop_at` of them."""
    method, stop = method_of(name), Stop()
    os.makedirs(folder, exist_ok=True)

    def look_up(batch: Batch, loss: Any = method.loss) -> Tensors:
        terms: Tensors = loss(batch)
        stop.wanted = len(method.losses) == stop_at and gang.rank == gang.size - 1
        return terms

    method.loss = look_up  # type: ignore[method-assign]
    stopped = False
    try:
        train(
            method,
            pixels,
            TrainSettings(epochs=EPOCHS, images_per_step=IMAGES_PER_STEP, lr=1e-3, workers=1, parts=MEMBERS),
            device=CPU,
            bf16=False,
            folder=folder,
            resume=resume,
            identity={},
            stop=stop,
            gang=gang,
        )
    except KeyboardInterrupt:
        stopped = True
    state = {key: value.clone() for key, value in method.state_dict().items()}
    return {"losses": method.losses, "state": state, "stopped": stopped}


def rows_of_all() -> Tensor:
    """Six rows: those of two members with three each."""
    return torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def entangled(rows: Tensor) -> Tensor:
    """A number in which every row meets every other, and their order counts."""
    places = torch.arange(1, len(rows) + 1, dtype=rows.dtype)[:, None]
    return (rows @ rows.T).logsumexp(1).sum() + (rows * places).sin().sum()


def gathering(gang: Gang) -> Tensors:
    own = rows_of_all().chunk(gang.size)[gang.rank].clone().requires_grad_()
    whole = gathered(own)
    # Each process asks for something else: what all of them ask for is what a row must hear.
    ((gang.rank + 1) * entangled(whole)).backward()
    assert own.grad is not None
    return {"whole": whole.detach(), "gradient": own.grad, "numbers": gathered(torch.tensor([gang.rank, 7]))}


def maps_of_all() -> Tensor:
    """(6, 16, 4, 4): those of two members with three pictures each."""
    return 3 + 2 * torch.randn(6, 16, 4, 4, generator=torch.Generator().manual_seed(1))


def normalising(gang: Gang) -> Tensors:
    """The norm of the default network on one's part of a batch: what comes out, gradients, statistics."""
    norm = FieldNorm(2)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([0.5, 2.0]))
        norm.bias.copy_(torch.tensor([-1.0, 1.0]))
    if gang.size > 1:
        norm.added_up = added_up
    own = maps_of_all().chunk(gang.size)[gang.rank].clone().requires_grad_()
    out = norm(own)
    rows = out.mean((2, 3))
    entangled(gathered(rows) if gang.size > 1 else rows).backward()
    assert own.grad is not None and norm.weight.grad is not None
    return {
        "out": out.detach(),
        "gradient": own.grad,
        "weight": norm.weight.grad,
        "mean": norm.running_mean,
        "var": norm.running_var,
    }


def agreements(gang: Gang) -> dict[str, Any]:
    """What is asked, told and refused; each member asks for something else."""
    told = gang.from_leader(os.getpid)
    wishes = [gang.anyone(False), gang.anyone(gang.rank == 1), gang.anyone(True)]

    def refuse() -> None:
        raise TrainingError("the disk is full", "make room")

    refused = ""
    try:
        gang.from_leader(refuse)
    except TrainingError as error:
        refused = error.what
    return {"told": told, "pid": os.getpid(), "wishes": wishes, "refused": refused}


def in_turn(gang: Gang, out: str) -> list[str]:
    """Who has written to a file that each finds as the one before left it."""

    def add() -> list[str]:
        with open(f"{out}.turns", "a+", encoding="ascii") as turns:
            turns.write(f"{gang.rank}\n")
            turns.seek(0)
            return turns.read().split()

    return gang.leader_first(add)


def levelled(gang: Gang) -> Tensor:
    method = method_of("augnet")
    method.encoder.mean.fill_(gang.rank + 1)
    level(method, gang)
    return method.encoder.mean


def main(photos: str, out: str) -> None:
    gang = gang_from_environment()
    torch.set_num_threads(1)
    with joined(gang):
        pixels = gang.leader_first(lambda: pixels_of(photos))
        result = {
            "first step": {name: first_step(name, pixels, gang) for name in METHODS},
            "run": {name: run(name, pixels, gang, f"{out}.{name}") for name in METHODS},
            "stopped run": run("copies", pixels, gang, f"{out}.stopped", stop_at=4),
            "resumed run": run("copies", pixels, gang, f"{out}.stopped", resume=True),
            "gathering": gathering(gang),
            "normalising": normalising(gang),
            "agreements": agreements(gang),
            "turns": in_turn(gang, out),
            "levelled": levelled(gang),
        }
    result["left"] = not torch.distributed.is_initialized()
    os.environ["MASTER_PORT"] = os.environ[AGAIN]
    with contextlib.suppress(ZeroDivisionError), joined(gang):
        raise ZeroDivisionError
    result["left after an error"] = not torch.distributed.is_initialized()
    torch.save(result, f"{out}.{gang.rank}")


if __name__ == "__main__":
    main(*sys.argv[1:])
