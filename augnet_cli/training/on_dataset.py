"""One training run on a published data set, from its images to an encoder file: nothing is held out.

The images are those that the data set gives out for learning: its train split, and the unlabelled one where
there is one.  How good the encoder is, `augnet evaluate` says on the test split.
"""

from __future__ import annotations

import os
import time

import numpy as np

from augnet_cli.datasets.record import Dataset, Images, Split
from augnet_cli.errors import Interrupted, TrainingError
from augnet_cli.progress import SILENT, Progress
from augnet_cli.training.curves import PICTURE_NAME, draw_course
from augnet_cli.training.dataset_pixels import build_pixel_cache_of
from augnet_cli.training.epoch_scores import scores_asked_for
from augnet_cli.training.gang import ALONE, Gang
from augnet_cli.training.holdout import FEWEST, Parts
from augnet_cli.training.loop import EachEpoch
from augnet_cli.training.outcome import DatasetOutcome, record_of, write_record
from augnet_cli.training.pixels import remove_pixel_cache
from augnet_cli.training.preparation import SOURCE_SCALE, Run, begun, reading_ends, run_on
from augnet_cli.training.request import TrainRequest
from augnet_cli.training.run import TRAINING_FOLDER, exported, interrupted, trained
from augnet_cli.training.staged import StagedReport, Stages
from augnet_cli.training.whole import whole_file


def train_on_dataset(
    dataset: Dataset,
    out: str,
    data: str,
    request: TrainRequest,
    progress: Progress = SILENT,
    each_epoch: EachEpoch = lambda line: None,
    gang: Gang = ALONE,
    judged_by: Split | None = None,
    split: str | None = None,
) -> DatasetOutcome:
    """Train on what `dataset` gives out for learning and write the encoder to `out`.

    Args:
        data: a folder, which is there, for checkpoint, log, record and what can be made again.
        judged_by: as `run.run_training`.
        split: to learn from; None is all that is not for judging.

    Raises:
        AugnetError: the request contradicts itself, or training can't start or had to stop.
        Interrupted: by Ctrl-C, once training has begun.
    """
    started = time.monotonic()
    learnt_from = dataset.learnt_from(split)
    run = _prepared(dataset.name, learnt_from, data, request, started, progress, gang)
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
    name: str,
    images: Images,
    data: str,
    request: TrainRequest,
    started: float,
    progress: Progress,
    gang: Gang,
) -> Run:
    begin = begun(request, progress, gang)
    side = begin.encoder.spec.size * SOURCE_SCALE
    file = os.path.join(data, f"pixels-{side}.u8")
    until = reading_ends(begin.request, started)
    pixels = gang.leader_first(
        lambda: build_pixel_cache_of(
            images, file, side=side, workers=request.workers, until=until, progress=progress
        )
    )
    if len(pixels) < FEWEST:
        raise TrainingError(
            f"training needs at least {FEWEST} different images, and {name} gives {len(pixels)}",
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
        record=record_of(data),
        skipped=run.pixels.skipped,
    )
    write_record(outcome)
    title = f"{run.method_name} on {name}: {report.whole.steps:,} steps on {len(run.pixels):,} images"
    draw_course(outcome.curve, title, os.path.join(data, PICTURE_NAME))
    # The last thing, so that what is named is whole; the checkpoint goes once it is there.
    with open(made.file, "rb") as source, whole_file(out) as stream:
        stream.write(source.read())
    os.unlink(made.file)
    stages.conclude()
    return outcome
