"""`train`: learn an encoder from a folder's own images and keep it beside them."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING

from augnet_cli.errors import FolderError, MissingExtraError
from augnet_cli.images.files import is_image, walk
from augnet_cli.images.names import shown
from augnet_cli.progress import SILENT, Progress
from augnet_cli.store.lock import writing
from augnet_cli.store.place import checked_folder, place_for

if TYPE_CHECKING:
    from augnet_cli.training.request import TrainRequest
    from augnet_cli.training.run import TrainOutcome

# What `pip install 'augnet[train]'` brings, by the names they are imported under.
NEEDED = ("torch", "torchvision", "onnx", "onnxscript")


def train(
    folder: str, request: TrainRequest | None = None, exclude: Sequence[str] = (), progress: Progress = SILENT
) -> TrainOutcome:
    """Train an encoder on the images of `folder`; the other verbs then use it for that folder.

    Raises:
        MissingExtraError: torch and the rest of the extra `train` are not installed.
        FolderError: there is no such folder, or no image in it.
        TrainingError, UsageError, EncoderError: as `training.run.run_training`.
    """
    require_training()
    met = walk(checked_folder(folder), exclude)
    files = [found for found in met.files if is_image(folder, found)]
    if not files:
        raise FolderError(f"{shown(folder)} holds no image", "name a folder of pictures")
    from augnet_cli.training.request import TrainRequest
    from augnet_cli.training.run import run_training

    place = place_for(folder, create=True)
    if place.note:
        progress.note(place.note)
    with writing(place):
        outcome = run_training(
            folder,
            files,
            cache=place.cache,
            data=place.data,
            request=request or TrainRequest(),
            progress=progress,
        )
    return dataclasses.replace(outcome, skipped=(*met.skips, *outcome.skipped))


def require_training() -> None:
    """Say what to install where the extra `train` is not there.

    Raises:
        MissingExtraError: it is not.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"training needs {', '.join(missing)}, not installed here", "pip install 'augnet[train]'"
        )
