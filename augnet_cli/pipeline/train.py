"""`train`: learn an encoder from a folder's own images and keep it beside them."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from augnet_cli.errors import FolderError, MissingExtraError
from augnet_cli.extras import how_to_install
from augnet_cli.images.files import is_image, walk
from augnet_cli.images.names import shown
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import FoundFile, Skip
from augnet_cli.store.lock import training
from augnet_cli.store.place import Place, checked_folder, place_for

if TYPE_CHECKING:
    from augnet_cli.datasets.record import Split
    from augnet_cli.training.request import TrainRequest
    from augnet_cli.training.run import TrainOutcome

# What the extra `train` brings, by the names they are imported under.
NEEDED = ("torch", "torchvision", "onnx", "onnxscript", "matplotlib")


def train(
    folder: str,
    request: TrainRequest | None = None,
    exclude: Sequence[str] = (),
    progress: Progress = SILENT,
    each_epoch: Callable[[dict[str, Any]], None] = lambda line: None,
    judged_by: Split | None = None,
) -> TrainOutcome:
    """Train an encoder on the images of `folder`; where it is better, the other verbs then use it there.

    With `judged_by`, labelled images say every `request.eval_every` epochs what is known of their classes.
    `each_epoch` is given one line of plain values as each epoch ends.
    An interrupt ends the step and saves it; a second one ends at once.
    Under `torchrun` several processes train together; one of them writes and tells of progress.

    Raises:
        MissingExtraError: torch and the rest of the extra `train` are not installed.
        FolderError: there is no such folder, or no image in it.
        TrainingError, UsageError, EncoderError: as `training.run.run_training`.
    """
    require_training()
    from augnet_cli.training.gang import gang_from_environment, joined

    gang = gang_from_environment()
    if not gang.leads:
        progress = SILENT
    with joined(gang), contextlib.ExitStack() as held:
        files, skips, place = gang.from_leader(lambda: _found(folder, exclude))
        from augnet_cli.training.request import TrainRequest
        from augnet_cli.training.run import run_training

        if place.note:
            progress.note(place.note)
        gang.from_leader(lambda: held.enter_context(training(place)))
        outcome = run_training(
            folder,
            files,
            cache=place.cache,
            data=place.data,
            request=request or TrainRequest(),
            progress=progress,
            each_epoch=each_epoch,
            gang=gang,
            judged_by=judged_by,
        )
    return dataclasses.replace(outcome, skipped=(*skips, *outcome.skipped))


def _found(folder: str, exclude: Sequence[str]) -> tuple[list[FoundFile], tuple[Skip, ...], Place]:
    """The images of `folder`, what was skipped on the way, and where the store lies; torch is not needed."""
    met = walk(checked_folder(folder), exclude)
    files = [found for found in met.files if is_image(folder, found)]
    if not files:
        raise FolderError(f"{shown(folder)} holds no image", "name a folder of pictures")
    return files, tuple(met.skips), place_for(folder, create=True)


def require_training() -> None:
    """Say what to install where the extra `train` is not there.

    Raises:
        MissingExtraError: it is not.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"training needs {', '.join(missing)}, not installed here", how_to_install("train")
        )
