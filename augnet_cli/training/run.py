"""One training run from a folder's files to its encoder file: the parts in order, no command line.

files ─ pixels ─ method and encoder ─ training ─ scores ─ export
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from augnet_cli.encoder.card import Card
from augnet_cli.encoder.locate import TRAINED_NAME
from augnet_cli.errors import Interrupted, UsageError
from augnet_cli.images.names import shown
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import FoundFile, Resize, Skip
from augnet_cli.training.checkpoint import saved_epochs
from augnet_cli.training.choices import choose_bf16, choose_device, choose_settings, parse_options
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.export import export_encoder
from augnet_cli.training.initial import fit_normalisation, start_encoder
from augnet_cli.training.memory import keep_freed_memory
from augnet_cli.training.methods import method_class
from augnet_cli.training.methods.method import Method
from augnet_cli.training.pixels import PixelCache, build_pixel_cache
from augnet_cli.training.request import TrainRequest
from augnet_cli.training.scoring import CopyScores, sample_squares, score_copies
from augnet_cli.training.trainer import TrainReport, TrainSettings, train

__all__ = ["TrainOutcome", "TrainRequest", "run_training"]

# Decoded images have a short side of at most this times the encoder's: half-size crops stay sharp.
SOURCE_SCALE = 2
PARITY_IMAGES = 64  # real images on which torch and ONNX Runtime are compared
TRAINING_FOLDER = "training"  # in `Place.data`: checkpoint and log


@dataclass(frozen=True)
class TrainOutcome:
    """What a run made: the file, its card, how training went, and the images that were not used."""

    file: str
    card: Card
    report: TrainReport
    images: int
    skipped: tuple[Skip, ...]


@dataclass(frozen=True)
class _Run:
    """All that was decided before the first step."""

    request: TrainRequest
    config: Any
    pixels: PixelCache
    method: Method
    settings: TrainSettings
    device: torch.device
    bf16: bool

    @property
    def encoder(self) -> Encoder:
        return self.method.encoder

    @property
    def images_per_step(self) -> int:
        return min(self.settings.images_per_step, len(self.pixels))

    @property
    def identity(self) -> dict[str, Any]:
        """What a checkpoint must have been made with to be resumed."""
        return {
            "method": self.request.method,
            "options": dataclasses.asdict(self.config),
            "encoder": self.encoder.spec.as_dict(),
            "init": self.request.init,
            "settings": {k: v for k, v in self.settings.as_dict().items() if k != "workers"},
            "data": self.pixels.data_hash,
        }

    def summary(self) -> str:
        spec, bf16 = self.encoder.spec, " bf16" if self.bf16 else ""
        return (
            f"{self.request.method} on {len(self.pixels)} images from {shown(self.request.init)}: "
            f"{spec.backbone}, {spec.size} px, {self.settings.epochs} epochs of "
            f"{len(self.pixels) // self.images_per_step} steps, seed {self.settings.seed}, "
            f"{self.device.type}{bf16}"
        )


def run_training(
    folder: str,
    files: Sequence[FoundFile],
    *,
    cache: str,
    data: str,
    request: TrainRequest,
    progress: Progress = SILENT,
) -> TrainOutcome:
    """Train on `files` of `folder`; `cache` holds what can be made again, `data` checkpoint and encoder.

    Raises:
        AugnetError: the request contradicts itself, or training can't start or had to stop.
        Interrupted: by Ctrl-C, once training has begun.
    """
    run = _prepared(folder, files, cache, request, progress)
    training = os.path.join(data, TRAINING_FOLDER)
    os.makedirs(training, exist_ok=True)
    progress.note(run.summary())
    try:
        report = train(
            run.method,
            run.pixels,
            run.settings,
            device=run.device,
            bf16=run.bf16,
            folder=training,
            resume=request.resume,
            identity=run.identity,
            progress=progress,
        )
        scores = score_copies(run.encoder, run.pixels, request.seed, run.device)
        squares = sample_squares(run.pixels, run.encoder.spec.size, PARITY_IMAGES)
        file = os.path.join(data, TRAINED_NAME)
        embedder, _ = export_encoder(run.encoder, _card(run, report, scores), file, squares)
    except KeyboardInterrupt as stop:
        raise _interrupted(saved_epochs(training, run.identity), run.settings.epochs) from stop
    return TrainOutcome(file, embedder.card, report, len(run.pixels), run.pixels.skipped)


def _prepared(
    folder: str, files: Sequence[FoundFile], cache: str, request: TrainRequest, progress: Progress
) -> _Run:
    keep_freed_memory()
    torch.manual_seed(request.seed)
    # Where a control group grants fewer cores than the machine has, torch would start a thread for each.
    torch.set_num_threads(min(torch.get_num_threads(), request.workers))
    device = choose_device(request.device)
    config = parse_options(method_class(request.method).Config, request.options)
    encoder = start_encoder(request, config)
    bf16 = choose_bf16(request.precision, device, encoder.spec.backbone)
    method = method_class(request.method)(encoder, config)
    if method.scalar_norm and request.init != "scratch":
        raise UsageError(
            f"scalar_norm=true is for a new encoder, and --init {shown(request.init)} continues an old one",
            "--init scratch",
        )
    side = encoder.spec.size * SOURCE_SCALE
    file = os.path.join(cache, f"pixels-{side}.u8")
    pixels = build_pixel_cache(folder, files, file, side=side, workers=request.workers, progress=progress)
    settings = choose_settings(request, len(pixels))
    if request.init == "scratch":
        fit_normalisation(encoder, pixels, request.seed, method.scalar_norm)
    return _Run(request, config, pixels, method, settings, device, bf16)


def _card(run: _Run, report: TrainReport, scores: CopyScores) -> Card:
    request = run.request
    return Card(
        id="",
        method=request.method,
        architecture=run.encoder.spec.as_dict(),
        dim=run.encoder.dim,
        resize=Resize(run.encoder.spec.size),
        thresholds=scores.thresholds,
        training={
            "command": request.command,
            "data_hash": run.pixels.data_hash,
            "images": len(run.pixels),
            # A card travels with its file: it names no folder of the machine it was made on.
            "init": os.path.basename(request.init),
            "options": dataclasses.asdict(run.config),
            **run.settings.as_dict(),
            "steps": report.steps,
            "views": report.steps * run.images_per_step * run.method.views,
            "bf16": run.bf16,
        },
        scores={f"copy_recall_at_precision_{level}": recall for level, recall in scores.recalls.items()},
    )


def _interrupted(saved: int, epochs: int) -> Interrupted:
    if not saved:
        return Interrupted(
            "training interrupted before its first epoch was done", "run the same command again to start anew"
        )
    return Interrupted(
        f"training interrupted; {saved} of {epochs} epochs are saved",
        "run the same command with --resume to go on",
    )
