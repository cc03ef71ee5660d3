"""The state of a training run on disk, replaced whole each time."""

from __future__ import annotations

import contextlib
import os
import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from augnet_cli.errors import TrainingError
from augnet_cli.images.names import shown
from augnet_cli.training.log import LOG_NAME
from augnet_cli.training.methods.method import Method
from augnet_cli.training.whole import whole_file

CHECKPOINT_NAME = "checkpoint.pt"
# Where an unfinished run goes when a new one starts without --resume: one, so that a slip costs nothing.
PREVIOUS_NAME = "checkpoint.previous.pt"
PREVIOUS_LOG_NAME = "log.previous.jsonl"
PARTS = frozenset(("position", "identity", "method", "optimiser", "pace", "watch"))


@dataclass(frozen=True)
class Position:
    """How far a run is.

    Attributes:
        epoch, batch: whole epochs, and batches of the one begun.
        step: batches of all epochs.
        sums: of each loss term over the batches of the epoch begun.
        order: the rows of the epoch begun, where the method chose them: it saw other weights then.
        is_over: nothing is left to train.
        progress: share of the run, for people.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    sums: Mapping[str, float] = field(default_factory=dict)
    order: Tensor | None = None
    is_over: bool = False
    progress: float = 0.0


def save_checkpoint(
    folder: str,
    method: Method,
    optimiser: torch.optim.Optimizer,
    position: Position,
    identity: dict[str, Any],
    pace: Mapping[str, Any],
    watch: Mapping[str, Any] | None,
) -> None:
    """Write the run's state; a kill leaves the last whole one.

    Raises:
        TrainingError: it can't be written.
    """
    os.makedirs(folder, exist_ok=True)
    with whole_file(os.path.join(folder, CHECKPOINT_NAME)) as out:
        state = {
            "position": {**asdict(position), "sums": dict(position.sums)},
            "identity": identity,
            "method": method.state_dict(),
            "optimiser": optimiser.state_dict(),
            "pace": dict(pace),
            "watch": watch,
        }
        torch.save(state, out)


def read_checkpoint(folder: str) -> dict[str, Any]:
    """The state that `save_checkpoint` wrote.

    Raises:
        TrainingError: there is none, or it can't be read.
    """
    try:
        return checkpoint_in(os.path.join(folder, CHECKPOINT_NAME))
    except FileNotFoundError:
        raise TrainingError(
            f"there is no training to resume in {shown(folder)}", "leave out --resume"
        ) from None


def checkpoint_in(file: str) -> dict[str, Any]:
    """The state in a checkpoint file.

    Raises:
        FileNotFoundError: there is no such file.
        TrainingError: it can't be read.
    """
    try:
        # weights_only: tensors and plain values, no code, whatever the file holds.
        state = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise _unreadable(file) from error
    if not isinstance(state, dict) or not state.keys() >= PARTS:
        raise _unreadable(file)
    return state


def load_checkpoint(
    folder: str, method: Method, optimiser: torch.optim.Optimizer, identity: dict[str, Any]
) -> tuple[Position, dict[str, Any]]:
    """Put a run's state back into `method` and `optimiser`; returns where it was, and all that was saved.

    Raises:
        TrainingError: the checkpoint is missing, broken, or of a run with other settings or images.
    """
    state = state_of_run(folder, identity)
    try:
        method.load_state_dict(state["method"])
        optimiser.load_state_dict(state["optimiser"])
        return Position(**state["position"]), state
    except (RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unreadable(os.path.join(folder, CHECKPOINT_NAME)) from error


def state_of_run(folder: str, identity: dict[str, Any]) -> dict[str, Any]:
    """The state that was saved of this very run.

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
    return state


def saved_position(folder: str, identity: dict[str, Any]) -> Position:
    """Where `--resume` would go on with this very run; the very start if there is nothing of it."""
    try:
        state = read_checkpoint(folder)
        return Position() if differences(state["identity"], identity) else Position(**state["position"])
    except (TrainingError, TypeError):
        return Position()


def set_aside(folder: str) -> str | None:
    """Rename the checkpoint and the log of a run that was not concluded, as a new one begins.

    One that was set aside before is replaced.  What can't be read is no run to be kept.

    Returns:
        the checkpoint's new path, None if there was none.
    """
    try:
        read_checkpoint(folder)
        previous = os.path.join(folder, PREVIOUS_NAME)
        os.replace(os.path.join(folder, CHECKPOINT_NAME), previous)
    except (TrainingError, OSError):
        return None
    with contextlib.suppress(OSError):
        os.replace(os.path.join(folder, LOG_NAME), os.path.join(folder, PREVIOUS_LOG_NAME))
    return previous


def conclude(folder: str) -> None:
    """Remove the checkpoint of a run of which all is done: there is nothing to resume."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(folder, CHECKPOINT_NAME))


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
