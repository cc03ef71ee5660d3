"""The state of a training run on disk, replaced whole after each epoch."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from typing import Any

import torch

from augnet_cli.errors import TrainingError
from augnet_cli.images.names import shown
from augnet_cli.training.methods.method import Method
from augnet_cli.training.whole import whole_file

CHECKPOINT_NAME = "checkpoint.pt"
PARTS = frozenset(("epoch", "identity", "method", "optimiser"))


def save_checkpoint(
    folder: str, method: Method, optimiser: torch.optim.Optimizer, epoch: int, identity: dict[str, Any]
) -> None:
    """Write the run's state after `epoch` epochs; a kill leaves the last whole one.

    Raises:
        TrainingError: it can't be written.
    """
    os.makedirs(folder, exist_ok=True)
    with whole_file(os.path.join(folder, CHECKPOINT_NAME)) as out:
        state = {
            "epoch": epoch,
            "identity": identity,
            "method": method.state_dict(),
            "optimiser": optimiser.state_dict(),
        }
        torch.save(state, out)


def read_checkpoint(folder: str) -> dict[str, Any]:
    """The state that `save_checkpoint` wrote.

    Raises:
        TrainingError: there is none, or it can't be read.
    """
    file = os.path.join(folder, CHECKPOINT_NAME)
    try:
        # weights_only: tensors and plain values, no code, whatever the file holds.
        state = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise TrainingError(
            f"there is no training to resume in {shown(folder)}", "leave out --resume"
        ) from None
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise _unreadable(file) from error
    if not isinstance(state, dict) or not state.keys() >= PARTS:
        raise _unreadable(file)
    return state


def load_checkpoint(
    folder: str, method: Method, optimiser: torch.optim.Optimizer, identity: dict[str, Any]
) -> int:
    """Put a run's state back into `method` and `optimiser`; returns the epochs already done.

    Raises:
        TrainingError: the checkpoint is missing, broken, or of a run with other settings or images.
    """
    state = read_checkpoint(folder)
    other = differences(state["identity"], identity)
    if other:
        raise TrainingError(
            f"the checkpoint in {shown(folder)} is of a run with other {', '.join(other)}",
            "use what that run used, or leave out --resume to start anew",
        )
    try:
        method.load_state_dict(state["method"])
        optimiser.load_state_dict(state["optimiser"])
        return int(state["epoch"])
    except (RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unreadable(os.path.join(folder, CHECKPOINT_NAME)) from error


def saved_epochs(folder: str, identity: dict[str, Any]) -> int:
    """Epochs of this very run that `--resume` would find done."""
    try:
        state = read_checkpoint(folder)
    except TrainingError:
        return 0
    return 0 if differences(state["identity"], identity) else int(state["epoch"])


def differences(saved: object, wanted: Mapping[str, Any]) -> list[str]:
    """What a saved identity and the wanted one don't share: `epochs (2, not 3)`, `data`."""
    if not isinstance(saved, Mapping):
        return ["settings"]
    found = []
    for name in sorted({*saved, *wanted}, key=str):
        before, now = saved.get(name), wanted.get(name)
        if before == now:
            continue
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            found += differences(before, now)
        elif name == "data":  # hashes tell a person nothing
            found.append("images")
        else:
            found.append(f"{name} ({before}, not {now})")
    return found


def _unreadable(file: str) -> TrainingError:
    return TrainingError(f"the checkpoint {shown(file)} can't be read", "leave out --resume to start anew")
