"""The stages of a run, one after the other, each a method with an optimiser, a length and a checkpoint.

A stage that is over leaves its checkpoint until the whole run is concluded: with --resume it is read again
and followed, not repeated.  A run of one unnamed stage is what most methods are.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from augnet_cli.errors import UsageError
from augnet_cli.training.checkpoint import (
    CHECKPOINT_NAME,
    Position,
    conclude,
    saved_position,
    set_aside,
    state_of_run,
)
from augnet_cli.training.choices import choose_settings
from augnet_cli.training.log import read_log
from augnet_cli.training.methods.method import Method, Stage
from augnet_cli.training.request import TrainRequest
from augnet_cli.training.settings import TrainSettings
from augnet_cli.training.throughput import Throughput
from augnet_cli.training.trainer import TrainReport

Identity = Mapping[str, Any]


@dataclass(frozen=True)
class Planned:
    """A stage with its numbers."""

    stage: Stage
    settings: TrainSettings

    def told(self, report: TrainReport, config: Any) -> dict[str, Any]:
        """What the card says of the stage beside what holds for the run, whose settings are `config`."""
        own = {} if self.stage.config is config else {"options": dataclasses.asdict(self.stage.config)}
        return {
            "stage": self.stage.name,
            **own,
            "epochs": report.epochs,
            "steps": report.steps,
            "images_per_step": self.settings.images_per_step,
            "lr": self.settings.lr,
        }


# Trains one method: given it, its numbers, the stage's name, its folder, whether to resume, its identity, the
# seconds it has.
TrainOne = Callable[[Method, Planned, str, bool, dict[str, Any], float | None], TrainReport]


def stages_of(kind: type[Method], config: Any) -> tuple[Stage, ...]:
    """The stages of a method; itself, without a name, where it has none."""
    return kind.stages(config) or (Stage("", kind, config),)


def check_length(request: TrainRequest, stages: Sequence[Stage]) -> None:
    """Refuse what is said of the whole and can't be shared out.

    Raises:
        UsageError: there are several stages, and epochs, rate or images of a step are given for all; or a
            stage's epochs, and minutes for the whole.
    """
    if request.minutes is not None and any(stage.epochs is not None for stage in stages):
        raise UsageError("--minutes and the epochs of a stage both say how long to train", "leave out one")
    if len(stages) < 2:
        return
    for option, value, what in (
        ("--epochs", request.epochs, "epochs"),
        ("--lr", request.lr, "lr"),
        ("--images-per-step", request.images_per_step, "images"),
    ):
        if value is not None:
            names = " ".join(f"--set {stage.name}_{what}={value}" for stage in stages)
            raise UsageError(f"{option} can't be for {len(stages)} stages at once", names)


def planned(
    stages: Sequence[Stage], request: TrainRequest, images: int, device: torch.device, **shared: int
) -> tuple[Planned, ...]:
    """The numbers of each stage on `images` different images; `shared` are numbers that all have.

    Raises:
        TrainingError, UsageError: as `choose_settings`.
    """
    made = []
    for stage in stages:
        epochs = None if request.minutes is not None else stage.epochs or request.epochs
        own = dataclasses.replace(
            request,
            epochs=epochs,
            lr=stage.lr or request.lr,
            images_per_step=stage.images_per_step or request.images_per_step,
        )
        settings = choose_settings(own, images, device, stage.kind.recipe_of(stage.config))
        made.append(Planned(stage, dataclasses.replace(settings, **shared)))
    return tuple(made)


@dataclass(frozen=True)
class StagedReport:
    """How all stages went: `parts` of each, `whole` of all together, `method` of the last; views made."""

    method: Method
    parts: tuple[tuple[Planned, TrainReport], ...]
    whole: TrainReport
    views: int

    def told(self, config: Any) -> dict[str, Any]:
        """For the card: nothing where there is one stage without a name, which the run's own facts tell."""
        if not self.parts[0][0].stage.name:
            return {}
        return {"stages": [plan.told(report, config) for plan, report in self.parts]}


@dataclass(frozen=True)
class Stages:
    """The stages of one run on one encoder, and where they keep their state.

    Attributes:
        first: the method of the first stage, made already.
        folder: of the checkpoints; each named stage has a folder in it.
        identity: what checkpoints must have been made with, but for what each stage adds.
        images: that are trained on.
    """

    plans: tuple[Planned, ...]
    first: Method
    folder: str
    identity: Identity
    images: int
    resume: bool

    def folder_of(self, plan: Planned) -> str:
        return os.path.join(self.folder, plan.stage.name) if plan.stage.name else self.folder

    def identity_of(self, plan: Planned) -> dict[str, Any]:
        if not plan.stage.name:
            return dict(self.identity)
        settings = {name: value for name, value in plan.settings.as_dict().items() if name != "workers"}
        return {**self.identity, "stage": plan.stage.name, "settings": settings}

    def check_resumable(self) -> None:
        """Refuse before minutes are spent on measuring.

        Raises:
            TrainingError: there is nothing to resume, or it is of another run.
        """
        for number, plan in enumerate(self.plans):
            if number == 0 or self._has_checkpoint(plan):
                state_of_run(self.folder_of(plan), self.identity_of(plan))

    def _has_checkpoint(self, plan: Planned) -> bool:
        return os.path.exists(os.path.join(self.folder_of(plan), CHECKPOINT_NAME))

    def begin_anew(self) -> None:
        """Set aside what an earlier run left of later stages: this one must not go on from it."""
        for plan in self.plans[1:]:
            set_aside(self.folder_of(plan))
            conclude(self.folder_of(plan))

    def run(self, train_one: TrainOne, seconds: float | None) -> StagedReport:
        """Train all stages; each that was over is read and concluded again."""
        method, left, going_on = self.first, seconds, self.resume
        done: list[tuple[Planned, TrainReport]] = []
        views = 0
        for number, plan in enumerate(self.plans):
            if number:
                method = self._next(plan, number, method)
            if number + 1 < len(self.plans):
                # What follows takes the last state whole: an earlier encoder would not fit its other layers.
                method.is_watched = False
            folder, identity = self.folder_of(plan), self.identity_of(plan)
            going_on = going_on and self._has_checkpoint(plan)
            was_over = going_on and saved_position(folder, identity).is_over
            share = plan.stage.share / sum(later.stage.share for later in self.plans[number:])
            report = train_one(
                method, plan, folder, going_on, identity, None if left is None else left * share
            )
            left = None if left is None else max(0.0, left - report.seconds)
            rows = min(self.images, method.rows_in_epoch(self.images))
            views += report.steps * plan.settings.batch_of(rows) * method.views
            done.append((plan, report))
            going_on = was_over
        return StagedReport(method, tuple(done), _together([report for _, report in done]), views)

    def _next(self, plan: Planned, number: int, before: Method) -> Method:
        # The same start whatever the stage before drew, or read from a checkpoint.
        torch.manual_seed(plan.settings.seed + number)
        method = plan.stage.kind(before.encoder, plan.stage.config)
        method.follow(before)
        return method

    def saved(self) -> tuple[str, Position]:
        """The last stage of which something is saved, and where it is; the first where nothing is."""
        found = ("", Position())
        for plan in self.plans:
            at = saved_position(self.folder_of(plan), self.identity_of(plan))
            if not at.step:
                break
            is_last = plan is self.plans[-1]
            found = (plan.stage.name, at if is_last else dataclasses.replace(at, is_over=False))
        return found

    def curve(self) -> tuple[Mapping[str, Any], ...]:
        """The lines of all epochs of all stages."""
        return tuple(line for plan in self.plans for line in read_log(self.folder_of(plan)))

    def conclude(self) -> None:
        """Remove the checkpoints: all is done."""
        for plan in self.plans:
            conclude(self.folder_of(plan))


def _together(reports: Sequence[TrainReport]) -> TrainReport:
    """One report of several; terms and looks are the last stage's."""
    if len(reports) == 1:
        return reports[0]
    pace = Throughput()
    for report in reports:
        pace.add(report.throughput.images, report.throughput.waited, report.throughput.computed)
    return dataclasses.replace(
        reports[-1],
        epochs=sum(report.epochs for report in reports),
        steps=sum(report.steps for report in reports),
        seconds=sum(report.seconds for report in reports),
        throughput=pace,
        best_step=None,
    )
