"""A run that breaks off and goes on, beside one that was never stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from training_examples import CPU

from augnet_cli.training.methods.method import Batch, Method
from augnet_cli.training.pixels import PixelCache
from augnet_cli.training.trainer import TrainSettings, train


class Interrupted(Exception):
    pass


def trained(
    method: Method, pixels: PixelCache, folder: Path, resume: bool = False, epochs: int = 3
) -> Method:
    """`method`, trained in steps of six images."""
    folder.mkdir(exist_ok=True)
    train(
        method,
        pixels,
        TrainSettings(epochs=epochs, images_per_step=6, lr=1e-3),
        device=CPU,
        bf16=False,
        folder=str(folder),
        resume=resume,
        identity={},
    )
    return method


def unbroken_and_resumed(
    make: Callable[[], Method],
    pixels: PixelCache,
    folder: Path,
    break_at: int,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[Method, Method]:
    """The same run twice; the second breaks off as it takes step `break_at`, and goes on from there."""
    monkeypatch.setattr("augnet_cli.training.loop.SAVE_SECONDS", 0.0)  # after each step
    unbroken, broken, steps = trained(make(), pixels, folder / "unbroken"), make(), 0
    loss = broken.loss

    def breaking(batch: Batch) -> dict[str, Tensor]:
        nonlocal steps
        steps += 1
        if steps == break_at:
            raise Interrupted
        return loss(batch)

    monkeypatch.setattr(broken, "loss", breaking)
    with pytest.raises(Interrupted):
        trained(broken, pixels, folder / "broken")
    torch.manual_seed(99)  # nothing may hang upon what a process drew before
    return unbroken, trained(make(), pixels, folder / "broken", resume=True)


def states_are_equal(one: Method, other: Method) -> bool:
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)
