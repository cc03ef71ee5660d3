"""`evaluate`: judge an encoder by the classes of a data set, as papers do, beside the untrained network."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from augnet_cli.datasets.record import TRAIN, Dataset, Split
from augnet_cli.datasets.registry import read_dataset
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import choose_encoder
from augnet_cli.errors import DatasetError, EncoderError, MissingExtraError, UsageError
from augnet_cli.extras import how_to_install
from augnet_cli.images.names import shown
from augnet_cli.pipeline.dataset_rows import Encodes, names_of, some_squares
from augnet_cli.pipeline.evaluation_request import COPIES, PROBE, EvaluateRequest
from augnet_cli.pipeline.judging import Trial
from augnet_cli.progress import SILENT, Progress
from augnet_cli.results import ENCODER, UNTRAINED, EvaluationResult

CHECKPOINT = ".pt"  # ends the name of what training saves of a run that is not over


def evaluate(request: EvaluateRequest, progress: Progress = SILENT) -> EvaluationResult:
    """Judge an encoder on one split of a data set.

    Raises:
        UsageError, DatasetError: the data set is none, not whole, or has not what the protocol needs.
        EncoderError: the encoder can't be used.
        MissingExtraError: a checkpoint needs torch, which is not installed.
    """
    encoder = _opened(request.encoder)
    dataset = read_dataset(request.dataset)
    split = dataset.split(request.split)
    _check_classes(request, dataset, split)
    encoders: dict[str, Encodes] = {ENCODER: encoder}
    notes: list[str] = []
    if request.untrained:
        opponent = _untrained(request, encoder, split)
        if isinstance(opponent, str):
            notes.append(opponent)
        else:
            encoders[UNTRAINED] = opponent
    trial = Trial(request, dataset, split, encoders, progress)
    rows = tuple(trial.rows())
    return EvaluationResult(
        dataset=dataset.name,
        typed_dataset=request.dataset,
        split=request.split,
        protocol=request.protocol,
        encoder=encoder.id,
        encoder_file=os.path.basename(encoder.file),
        seed=request.seed,
        images=trial.images,
        classes=tuple(split.classes[label] for label in split.present),
        rows=rows,
        settings=trial.settings,
        skipped=tuple(trial.skipped),
        notes=tuple(notes),
        command=request.command,
    )


def _opened(named: str | None) -> Any:
    """The encoder that is judged.

    Raises:
        EncoderError: it can't be used.
        MissingExtraError: it is a checkpoint, and torch is not installed.
    """
    if named is None or not named.endswith(CHECKPOINT):
        return Embedder.load(choose_encoder(named or "shipped", data_folder=""))
    if not _has_torch():
        raise MissingExtraError("a checkpoint needs torch, not installed here", how_to_install("train"))
    from augnet_cli.training.in_torch import encoder_of_checkpoint

    return encoder_of_checkpoint(named)


def _has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


def _untrained(request: EvaluateRequest, encoder: Any, split: Split) -> Encodes | str:
    """The opponent, or why there is none."""
    architecture = encoder.card.architecture if isinstance(encoder, Embedder) else encoder.architecture
    if not _has_torch():
        return f"no row of the untrained network, which needs torch: {how_to_install('train')}"
    from augnet_cli.training.untrained import SETTLING, untrained_encoder

    squares = some_squares(split.images, SETTLING, encoder.resize, request.seed)
    if not len(squares):
        return "no row of the untrained network: no image can be used"
    try:
        # Its own clusters would be of nothing.
        return untrained_encoder({**architecture, "clusters": 0}, squares, request.seed)
    except EncoderError as error:
        return f"no row of the untrained network: {error.what}"


def _check_classes(request: EvaluateRequest, dataset: Dataset, split: Split) -> None:
    """Refuse a data set that has not what the protocol needs.

    Raises:
        UsageError: the classes are not those that the probe learns.
        DatasetError: there are too few classes.
    """
    if request.protocol == COPIES:
        return
    if len(split.present) < 2:
        raise DatasetError(
            f"{shown(request.dataset)} has images of {len(split.present)} classes in {request.split}, "
            "and two at least are needed",
            "--protocol copies needs no classes",
        )
    if request.protocol != PROBE:
        return
    if TRAIN not in dataset.splits or request.split == TRAIN:
        raise UsageError("a probe learns from train and is asked by another split", "--split test")
    known = names_of(dataset.splits[TRAIN])
    unseen = sorted(names_of(split) - known)
    if unseen:
        raise UsageError(
            f"{len(unseen)} classes of {request.split} are not in train, such as {shown(unseen[0])}: "
            "a probe can't learn them",
            "--protocol retrieval is for classes that were never seen",
        )
