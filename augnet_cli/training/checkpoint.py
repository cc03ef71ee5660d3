"""The state of a training run on disk, replaced whole after each epoch."""

from __future__ import annotations

import os
import pickle
from typing import Any

import torch

from augnet_cli.errors import TrainingError
from augnet_cli.training.methods.method import Method

CHECKPOINT_NAME = "checkpoint.pt"


def save_checkpoint(
    folder: str, method: Method, optimiser: torch.optim.Optimizer, epoch: int, identity: dict[str, Any]
) -> None:
    """Write the run's state after `epoch` epochs; a kill leaves the last whole one."""
    os.makedirs(folder, exist_ok=True)
    file = os.path.join(folder, CHECKPOINT_NAME)
    with open(file + ".new", "wb") as out:
        state = {
            "epoch": epoch,
            "identity": identity,
            "method": method.state_dict(),
            "optimiser": optimiser.state_dict(),
        }
        torch.save(state, out)
        out.flush()
        os.fsync(out.fileno())
    os.replace(file + ".new", file)


def read_checkpoint(folder: str) -> dict[str, Any]:
    """The state that `save_checkpoint` wrote.

    Raises:
        TrainingError: there is none, or it can't be read.
    """
    file = os.path.join(folder, CHECKPOINT_NAME)
    try:
        # weights_only: tensors and plain values, no code, whatever the file holds.
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise TrainingError(f"there is no training to resume in {folder}", "leave out --resume") from None
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise TrainingError(
            f"the checkpoint {file} can't be read", "leave out --resume to start anew"
        ) from error
    return state


def load_checkpoint(
    folder: str, method: Method, optimiser: torch.optim.Optimizer, identity: dict[str, Any]
) -> int:
    """Put a run's state back into `method` and `optimiser`; returns the epochs already done.

    Raises:
        TrainingError: the checkpoint is missing, broken, or of a run with other settings or images.
    """
    state = read_checkpoint(folder)
    other = sorted(key for key in identity if state["identity"].get(key) != identity[key])
    if other:
        raise TrainingError(
            f"the checkpoint in {folder} is of a run with another {', '.join(other)}",
            "use the settings of that run, or leave out --resume to start anew",
        )
    method.load_state_dict(state["method"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["epoch"])
