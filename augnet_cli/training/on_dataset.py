"""One training run on a published data set, from its images to an encoder file: nothing is held out.

The images are those that the data set gives out for learning: its train split, and the unlabelled one where
there is one.  How good the encoder is, `augnet evaluate` says on the test split.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from augnet_cli.datasets.record import Dataset, Split
from augnet_cli.encoder.card import Card
from augnet_cli.errors import Interrupted, TrainingError
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Skip
from augnet_cli.training.curves import PICTURE_NAME, draw_course
from augnet_cli.training.dataset_pixels import build_pixel_cache_of
from augnet_cli.training.epoch_scores import scores_asked_for
from augnet_cli.training.gang import ALONE, Gang
from augnet_cli.training.holdout import FEWEST, Parts
from augnet_cli.training.loop import EachEpoch
from augnet_cli.training.outcome import RECORD_NAME, RECORD_VERSION
from augnet_cli.training.pixels import remove_pixel_cache
from augnet_cli.training.preparation import SOURCE_SCALE, Run, begun, reading_ends, run_on
from augnet_cli.training.request import TrainRequest
from augnet_cli.training.run import TRAINING_FOLDER, exported, interrupted, trained
from augnet_cli.training.staged import StagedReport, Stages
from augnet_cli.training.trainer import TrainReport
from augnet_cli.training.whole import whole_file
from augnet_cli.version import __version__


@dataclass(frozen=True)
class DatasetOutcome:
    """What a run on a data set made.

    Attributes:
        file: the encoder; `card` is its card.
        dataset: its name.
        images: learnt from.
        curve: the lines of all epochs.
        record: the file that tells all this.
        skipped: images that could not be used.
    """

    file: str
    card: Card
    dataset: str
    report: TrainReport
    images: int
    curve: tuple[Mapping[str, Any], ...]
    settings: Mapping[str, Any]
    record: str
    skipped: tuple[Skip, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for `training.json` and for tools."""
        return {
            "version": RECORD_VERSION,
            "augnet": __version__,
            "dataset": self.dataset,
            "settings": dict(self.settings),
            "images": self.images,
            "skipped": len(self.skipped),
            "epochs": self.report.epochs,
            "steps": self.report.steps,
            "seconds": round(self.report.seconds, 1),
            **self.report.throughput.as_dict(),
            "curve": [dict(line) for line in self.curve],
            "encoder": self.card.id,
        }


def train_on_dataset(
    dataset: Dataset,
    out: str,
    data: str,
    request: TrainRequest,
    progress: Progress = SILENT,
    each_epoch: EachEpoch = lambda line: None,
    gang: Gang = ALONE,
    judged_by: Split | None = None,
) -> DatasetOutcome:
    """Train on what `dataset` gives out for learning and write the encoder to `out`.

    Args:
        data: a folder, which is there, for checkpoint, log, record and what can be made again.
        judged_by: as `run.run_training`.

    Raises:
        AugnetError: the request contradicts itself, or training can't start or had to stop.
        Interrupted: by Ctrl-C, once training has begun.
    """
    started = time.monotonic()
    run = _prepared(dataset, data, request, started, progress, gang)
    folder = os.path.join(data, TRAINING_FOLDER)
    stages = Stages(run.plans, run.method, folder, run.identity, len(run.pixels), request.resume)
    if request.resume:
        stages.check_resumable()
    else:
        gang.from_leader(stages.begin_anew)
    os.makedirs(folder, exist_ok=True)
    progress.note(run.summary())
    try:
        scores = scores_asked_for(judged_by, run.request, run.encoder.spec.size)
        # Nothing is judged, before or after.
        seconds = gang.from_leader(lambda: run.seconds_for_training(time.monotonic() - started, 0.0, 1))
        report = trained(run, stages, seconds, progress, each_epoch, gang, scores)
        outcome = gang.from_leader(lambda: _concluded(dataset.name, run, report, stages, out, data, progress))
    except Interrupted:
        raise
    except KeyboardInterrupt as stop:
        raise interrupted(*stages.saved()) from stop
    if gang.leads:
        remove_pixel_cache(run.cache_file)
    return outcome


def _prepared(
    dataset: Dataset, data: str, request: TrainRequest, started: float, progress: Progress, gang: Gang
) -> Run:
    begin = begun(request, progress, gang)
    side = begin.encoder.spec.size * SOURCE_SCALE
    file = os.path.join(data, f"pixels-{side}.u8")
    until = reading_ends(begin.request, started)
    pixels = gang.leader_first(
        lambda: build_pixel_cache_of(
            dataset.learnt_from, file, side=side, workers=request.workers, until=until, progress=progress
        )
    )
    if len(pixels) < FEWEST:
        raise TrainingError(
            f"training needs at least {FEWEST} different images, and {dataset.name} gives {len(pixels)}",
            "see that the data set is whole",
        )
    none = np.empty(0, np.int64)
    return run_on(begin, pixels, Parts(np.arange(len(pixels)), none, none), 0, file, gang)


def _concluded(
    name: str, run: Run, report: StagedReport, stages: Stages, out: str, data: str, progress: Progress
) -> DatasetOutcome:
    """Export the encoder and write down how it came about."""
    pace = report.whole.throughput
    progress.note(
        f"training is over: {pace.images_per_second:,.0f} images/s, {pace.waiting_share:.0%} of the time "
        "waiting for data; the encoder is exported"
    )
    made = exported(run, report, data)
    outcome = DatasetOutcome(
        file=out,
        card=made.card,
        dataset=name,
        report=report.whole,
        images=len(run.pixels),
        curve=stages.curve(),
        settings={**run.told, **report.told(run.config)},
        record=os.path.join(data, RECORD_NAME),
        skipped=run.pixels.skipped,
    )
    with whole_file(outcome.record) as stream:
        stream.write(json.dumps(outcome.as_dict(), indent=1).encode("ascii") + b"\n")
    title = f"{run.method_name} on {name}: {report.whole.steps:,} steps on {len(run.pixels):,} images"
    draw_course(outcome.curve, title, os.path.join(data, PICTURE_NAME))
    # The last thing, so that what is named is whole; the checkpoint goes once it is there.
    with open(made.file, "rb") as source, whole_file(out) as stream:
        stream.write(source.read())
    os.unlink(made.file)
    stages.conclude()
    return outcome
