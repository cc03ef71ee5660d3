"""The training loop: it knows no method by name.

Seeds, precision, optimiser, schedule, checkpoints, one JSON line an epoch.
A run can be stopped anywhere and resumed with the same result; the steps themselves are `loop`'s.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch

from augnet_cli.errors import TrainingError
from augnet_cli.images.names import shown
from augnet_cli.progress import SILENT, Progress
from augnet_cli.training.checkpoint import Position, load_checkpoint, set_aside
from augnet_cli.training.epoch_scores import EpochScores
from augnet_cli.training.gang import ALONE, Gang
from augnet_cli.training.loader import ViewLoader
from augnet_cli.training.log import begin_log
from augnet_cli.training.loop import EachEpoch, Loop
from augnet_cli.training.methods.method import Method
from augnet_cli.training.pixels import PixelCache
from augnet_cli.training.schedule import Pace
from augnet_cli.training.settings import TrainSettings
from augnet_cli.training.shared_step import shared_loss, synchronise_norms
from augnet_cli.training.stopping import Stop
from augnet_cli.training.throughput import Throughput
from augnet_cli.training.watch import Watch

__all__ = ["TrainReport", "TrainSettings", "train"]


@dataclass(frozen=True)
class TrainReport:
    """How a run went.

    Attributes:
        epochs, steps: done in all, an epoch that was begun included.
        terms: the mean of each loss term over the last epoch.
        throughput: of the steps that this process took.
        seconds: of training in all, earlier processes included.
        looks: what was seen of the watched images, as `watch.Look.as_dict`.
        cooled_from: progress at which the end was brought forward, as nothing more was gained; or None.
        best_step: the step of an earlier state that was surely better than the last and is kept; or None.
    """

    epochs: int
    steps: int
    terms: dict[str, float]
    throughput: Throughput
    seconds: float
    looks: tuple[dict[str, float], ...] = ()
    cooled_from: float | None = None
    best_step: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """How long it took, for the record of a run."""
        return {
            "epochs": self.epochs,
            "steps": self.steps,
            "seconds": round(self.seconds, 1),
            **self.throughput.as_dict(),
        }


def train(
    method: Method,
    pixels: PixelCache,
    settings: TrainSettings,
    *,
    device: torch.device,
    bf16: bool,
    folder: str,
    resume: bool,
    identity: dict[str, Any],
    seconds: float | None = None,
    watch: Watch | None = None,
    stop: Stop | None = None,
    gang: Gang = ALONE,
    each_epoch: EachEpoch = lambda line: None,
    progress: Progress = SILENT,
    stage: str = "",
    scores: EpochScores | None = None,
) -> TrainReport:
    """Train `method` on `pixels`; the checkpoint and the log stand in `folder`, which exists.

    Args:
        identity: what a checkpoint must have been made with to be resumed.
        seconds: for training, where `settings.minutes` says how long the whole may take.
        watch: looks at held-out images; without one the run goes to its planned end.
        stop: asked after each step.
        each_epoch: is given the line of each epoch.
        stage: its name, where it is one of several.
        scores: judges the encoder by labels now and then, and only tells.

    Raises:
        TrainingError: fewer than 2 images; a loss that is not finite; a checkpoint of another run.
        KeyboardInterrupt: `stop` was wanted; all that was done is saved.
    """
    # An epoch of few rows, as of few pseudo-classes, is one step at least.
    rows = method.rows_in_epoch(len(pixels))
    settings = dataclasses.replace(settings, together=method.recipe.together)
    images_per_step = settings.batch_of(min(rows, len(pixels)))
    fewest = max(2, settings.parts) * settings.together
    if images_per_step < fewest:
        raise TrainingError(
            f"training needs at least {fewest} different images", "give a folder with more pictures"
        )
    method.to(device)  # what `begin` makes of the weights must lie where they do
    method.begin(len(pixels))
    method.to(device).to(memory_format=torch.channels_last)
    synchronise_norms(method, gang, device)
    optimiser = method.recipe.made(method.parameter_groups(settings.lr))
    # Taken before a checkpoint is loaded: it brings back the rates of the step it was written at.
    rates = tuple(group["lr"] for group in optimiser.param_groups)
    position, pace = Position(), _pace(settings, rows // images_per_step, seconds)
    if resume:
        position, state = load_checkpoint(folder, method, optimiser, identity)
        # A run of steps is as long as it says; one of minutes has the seconds it was given at its start.
        pace = Pace(**{**state["pace"], "steps": pace.steps})
        if watch is not None and state["watch"] is not None:
            watch.restore(state["watch"])
    else:
        aside = gang.from_leader(lambda: set_aside(folder))
        if aside:
            progress.note("an unfinished training was here; --resume would have gone on with it")
            progress.note(f"its checkpoint was moved to {shown(aside)}")
    if method.warning:
        progress.note(method.warning)
    loader = loader_for(method, pixels, settings, device, gang)
    loop = Loop(
        method=method,
        loss=shared_loss(method, gang),
        optimiser=optimiser,
        base_rates=rates,
        settings=settings,
        images_per_step=images_per_step,
        loader=loader,
        pace=pace,
        watch=watch,
        device=device,
        bf16=bf16,
        folder=folder,
        identity=identity,
        gang=gang,
        stop=stop or Stop(),
        progress=progress,
        each_epoch=each_epoch,
        stage=stage,
        scores=scores,
        position=position,
    )
    return _run(loop)


def _pace(settings: TrainSettings, steps_per_epoch: int, seconds: float | None) -> Pace:
    """The pace of a run that begins."""
    if settings.minutes is not None:
        return Pace(seconds=settings.minutes * 60 if seconds is None else seconds)
    if settings.steps is not None:
        return Pace(steps=settings.steps)
    assert settings.epochs is not None
    return Pace(steps=settings.epochs * steps_per_epoch)


def _run(loop: Loop) -> TrainReport:
    """Train to the end."""
    first, pace = loop.position, loop.pace
    images = None if pace.steps is None else (pace.steps - first.step) * loop.images_per_step
    loop.progress.start("training", images)
    loop.gang.from_leader(lambda: begin_log(loop.folder, first.epoch))
    loop.run()
    if not loop.position.step:
        raise TrainingError("there was no time for a single step", "allow more with --minutes")
    loop.conclude()
    if loop.method.remark:
        loop.progress.note(loop.method.remark)
    best_step = loop.gang.from_leader(loop.finish)
    loop.progress.finish()
    if loop.gang.anyone(loop.stop.wanted):
        raise KeyboardInterrupt  # all of it is saved; what would follow takes long
    at, looks = loop.position, loop.watch.looks if loop.watch else []
    return TrainReport(
        epochs=at.epoch,
        steps=at.step,
        terms=loop.means,
        throughput=loop.throughput,
        seconds=pace.used,
        looks=tuple(look.as_dict() for look in looks),
        cooled_from=pace.cooling_from,
        best_step=best_step,
    )


def loader_for(
    method: Method, pixels: PixelCache, settings: TrainSettings, device: torch.device, gang: Gang = ALONE
) -> ViewLoader:
    """What makes the batches of a run."""
    size = method.encoder.spec.size
    return ViewLoader(
        pixels,
        method.view_transform(size),
        method.views,
        size,
        settings.seed,
        settings.workers,
        device,
        parts=settings.parts,
        mine=gang.parts(settings.parts),
    )
