"""`train --data`: learn an encoder from a published data set, and write it to a file of one's own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from augnet_cli.datasets.record import TEST, Dataset, Split
from augnet_cli.datasets.registry import read_dataset
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.errors import EncoderError, FolderError, UsageError
from augnet_cli.images.names import shown
from augnet_cli.pipeline.train import require_training
from augnet_cli.progress import SILENT, Progress
from augnet_cli.store.lock import training
from augnet_cli.store.place import Place

if TYPE_CHECKING:
    from augnet_cli.training.outcome import DatasetOutcome
    from augnet_cli.training.request import TrainRequest

SUFFIX = ".onnx"
BESIDE = ".training"  # ends the name of the folder that holds what a run needs and tells


def train_on(
    data: str,
    out: str,
    request: TrainRequest,
    eval_data: str | None = None,
    progress: Progress = SILENT,
    each_epoch: Callable[[dict[str, Any]], None] = lambda line: None,
    split: str | None = None,
) -> DatasetOutcome:
    """Train on the data set `NAME:PATH` and write the encoder to `out`, an .onnx.

    The run's checkpoint, log and record are in the folder `out`.training.

    Args:
        eval_data: whose test split judges meanwhile, where the request asks for it; None is `data`.
        split: of the data set, to learn from; None is all that is not for judging.

    Raises:
        MissingExtraError: torch and the rest of the extra `train` are not installed.
        UsageError, DatasetError: the data set is none, or not whole.
        FolderError: `out` can't be written, or is another file than an encoder.
        TrainingError, EncoderError: as `training.on_dataset.train_on_dataset`.
    """
    require_training()
    from augnet_cli.training.gang import gang_from_environment, joined

    gang = gang_from_environment()
    if not gang.leads:
        progress = SILENT
    with joined(gang), contextlib.ExitStack() as held:
        gang.from_leader(lambda: check_out(out))
        dataset = read_dataset(data)
        judged_by = judging_split(eval_data or data, request.eval_every, dataset if not eval_data else None)
        folder = os.path.abspath(out) + BESIDE
        gang.from_leader(lambda: _made(folder))
        place = Place(folder=data, cache=folder, data=folder)
        gang.from_leader(lambda: held.enter_context(training(place)))
        from augnet_cli.training.on_dataset import train_on_dataset

        return train_on_dataset(dataset, out, folder, request, progress, each_epoch, gang, judged_by, split)


def judging_split(typed: str | None, every: int | None, dataset: Dataset | None = None) -> Split | None:
    """The labelled images that judge while training; None where nobody asked.

    Raises:
        UsageError, DatasetError: there are none.
    """
    if every is None:
        return None
    if typed is None:
        raise UsageError(
            "--eval-every needs labelled images to judge by",
            "--eval-data NAME:PATH, or a folder with labels.tsv or a folder a class",
        )
    return (dataset or read_dataset(typed)).split(TEST)


def check_out(out: str) -> None:
    """Refuse before the work what can't be written after it.

    Raises:
        UsageError: it does not end in .onnx.
        FolderError: its folder is not there or can't be written, or another file is in its place.
    """
    example = "name a file in a folder you can write: --out encoder.onnx"
    if not out.lower().endswith(SUFFIX):
        raise UsageError(f"{shown(out)} does not end in {SUFFIX}", "--out encoder.onnx")
    folder = os.path.dirname(out) or "."
    if not os.path.isdir(folder):
        raise FolderError(f"{shown(out)} can't be written: its folder does not exist", example)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FolderError(f"{shown(out)} can't be written: permission denied", example)
    if os.path.lexists(out):
        try:
            Embedder.load(out)
        except EncoderError as error:
            raise FolderError(
                f"{shown(out)} can't be written: there is another file of that name", example
            ) from error


def _made(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise FolderError(
            f"{shown(folder)} can't be made: {(error.strerror or 'unknown reason').lower()}",
            "name a file in a folder you can write: --out encoder.onnx",
        ) from error
