"""One training run from a folder's files to its encoder file: the parts in order, no command line.

files ─ pixels ─ different pictures ─ held out ─ judged before ─ training ─ export ─ judged after ─ decision
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from augnet_cli.datasets.record import Split
from augnet_cli.encoder.card import Card
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import TRAINED_NAME, choose_encoder, shipped_encoder
from augnet_cli.errors import EncoderError, Interrupted
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import FoundFile, Resize
from augnet_cli.training.candidate import (
    candidates_folder,
    decide,
    forget_old_candidates,
    serving_file,
    taking,
)
from augnet_cli.training.checkpoint import Position
from augnet_cli.training.curves import PICTURE_NAME, draw_curves
from augnet_cli.training.embedding import InFile
from augnet_cli.training.epoch_scores import EpochScores, scores_asked_for
from augnet_cli.training.evidence import Evidence, gain_of
from augnet_cli.training.export import export_encoder
from augnet_cli.training.finishing import finish
from augnet_cli.training.gang import ALONE, Gang
from augnet_cli.training.initial import known_thresholds
from augnet_cli.training.judge import Bench, FolderScores, bench_for, judge
from augnet_cli.training.loop import EachEpoch
from augnet_cli.training.methods.method import Method
from augnet_cli.training.outcome import TrainOutcome, record_of, write_record
from augnet_cli.training.pixels import remove_pixel_cache
from augnet_cli.training.preparation import Run, prepared
from augnet_cli.training.quantise import in_integers
from augnet_cli.training.request import TrainRequest
from augnet_cli.training.scoring import (
    FEWEST_FOR_THRESHOLDS,
    PRECISIONS,
    measured,
    sample_squares,
    score_copies,
    stricter,
)
from augnet_cli.training.staged import Planned, StagedReport, Stages
from augnet_cli.training.stopping import stop_on_signals
from augnet_cli.training.trainer import TrainReport, train
from augnet_cli.training.watch import watch_for

__all__ = ["TrainOutcome", "TrainRequest", "run_training"]

# Real images on which torch and ONNX Runtime are compared, and which give the ranges of activations: 256 gave
# an encoder in integers no better than 64 did.
EXAMPLE_IMAGES = 64
UNMEASURED = {str(precision): 0.0 for precision in PRECISIONS}
TRAINING_FOLDER = "training"  # in `Place.data`: checkpoint and log


@dataclass(frozen=True)
class _Before:
    """The encoder that served as the run began, and what it could do; the leader's alone.

    `seconds_left` of --minutes are for training.
    """

    file: str
    bench: Bench
    scores: FolderScores
    evidence: Evidence
    seconds_left: float | None


def run_training(
    folder: str,
    files: Sequence[FoundFile],
    *,
    cache: str,
    data: str,
    request: TrainRequest,
    progress: Progress = SILENT,
    each_epoch: EachEpoch = lambda line: None,
    gang: Gang = ALONE,
    judged_by: Split | None = None,
) -> TrainOutcome:
    """Train on `files` of `folder`; `cache` holds what can be made again, `data` checkpoint and encoders.

    With `judged_by`, labelled images say every `request.eval_every` epochs what is known of their classes.
    Of several processes, a joined `gang`, the leader alone judges and writes; all are given what came of it.

    Raises:
        AugnetError: the request contradicts itself, or training can't start or had to stop.
        Interrupted: by Ctrl-C, once training has begun.
    """
    started = time.monotonic()
    serving = _serving(data, progress)
    run = prepared(folder, files, cache, request, serving.resize.size, started, progress, gang)
    training = os.path.join(data, TRAINING_FOLDER)
    stages = Stages(run.plans, run.method, training, run.identity, len(run.parts.train), request.resume)
    if request.resume:
        stages.check_resumable()
    else:
        gang.from_leader(stages.begin_anew)
    os.makedirs(training, exist_ok=True)
    progress.note(run.summary())
    try:
        before = gang.in_leader(lambda: _judged_before(serving, run, started, progress))
        seconds = gang.from_leader(lambda: None if before is None else before.seconds_left)
        scores = scores_asked_for(judged_by, run.request, run.encoder.spec.size)
        report = trained(run, stages, seconds, progress, each_epoch, gang, scores)
        outcome = gang.from_leader(lambda: _concluded(run, report, before, stages, data, progress))
    except KeyboardInterrupt as stop:
        raise interrupted(*stages.saved()) from stop
    if gang.leads:
        remove_pixel_cache(run.cache_file)
    return outcome


def _serving(data: str, progress: Progress) -> Embedder:
    """The encoder that serves the folder now; the shipped one where the folder's own can't be used."""
    file = choose_encoder(None, data)
    try:
        return Embedder.load(file)
    except EncoderError as error:
        if os.path.basename(file) != TRAINED_NAME:
            raise
        progress.note(f"{error.what}; the new encoder is compared with the shipped one")
        return Embedder.load(shipped_encoder())


def _judged_before(serving: Embedder, run: Run, started: float, progress: Progress) -> _Before:
    bench = bench_for(run.pixels, run.parts.judged, run.unjudged)
    begun = time.monotonic()
    scores, evidence = judge(serving, bench, run.request.workers, progress)
    now = time.monotonic()
    left = run.seconds_for_training(now - started, now - begun, scores.others + 1 + scores.copies)
    return _Before(serving.file, bench, scores, evidence, left)


def trained(
    run: Run,
    stages: Stages,
    seconds: float | None,
    progress: Progress,
    each_epoch: EachEpoch,
    gang: Gang,
    scores: EpochScores | None = None,
) -> StagedReport:
    """Take all steps of all stages."""
    parts, size = run.parts, run.encoder.spec.size

    def train_one(
        method: Method,
        plan: Planned,
        folder: str,
        resume: bool,
        identity: dict[str, Any],
        seconds: float | None,
    ) -> TrainReport:
        os.makedirs(folder, exist_ok=True)
        watch = None
        if method.is_watched:
            watch = gang.in_leader(
                lambda: watch_for(run.pixels, parts.watched, parts.train, size, run.device)
            )
        return train(
            method,
            run.pixels.subset(parts.train),
            plan.settings,
            device=run.device,
            bf16=run.bf16,
            folder=folder,
            resume=resume,
            identity=identity,
            seconds=seconds,
            watch=watch,
            stop=stop,
            gang=gang,
            each_epoch=each_epoch,
            progress=progress,
            stage=plan.stage.name,
            scores=scores,
        )

    with stop_on_signals() as stop:
        return stages.run(train_one, seconds)


def _concluded(
    run: Run,
    report: StagedReport,
    before: _Before | None,
    stages: Stages,
    data: str,
    progress: Progress,
) -> TrainOutcome:
    """Export, judge, decide, and write down what came of it."""
    assert before is not None
    pace = report.whole.throughput
    progress.note(
        f"training is over: {pace.images_per_second:,.0f} images/s, {pace.waiting_share:.0%} of the time "
        "waiting for data; the new encoder is exported and measured"
    )
    candidate = exported(run, report, data)
    after, evidence = judge(candidate, before.bench, run.request.workers, progress)
    decision = decide(gain_of(evidence, before.evidence), run.request.replace)
    outcome = TrainOutcome(
        file=serving_file(data) if decision.taken else candidate.file,
        card=candidate.card,
        report=report.whole,
        images=len(run.pixels),
        trained=len(run.parts.train),
        set_aside=run.set_aside,
        before=before.scores,
        after=after,
        decision=decision,
        curve=stages.curve(),
        settings={**run.told, **report.told(run.config)},
        record=record_of(data),
        skipped=run.pixels.skipped,
    )
    old = before.scores.encoder if before.file == serving_file(data) else "unreadable"
    # The new encoder serves once everything is written down, and nothing is left to resume.
    with taking(candidate.file, old, data) if decision.taken else contextlib.nullcontext():
        write_record(outcome)
        draw_curves(outcome, os.path.join(data, PICTURE_NAME))
    stages.conclude()
    forget_old_candidates(data, candidate.file)
    return outcome


def exported(run: Run, report: StagedReport, data: str) -> Embedder:
    """The trained encoder, finished, as a file among the candidates, named by its id."""
    if run.whitens:
        finish(run.encoder, run.pixels.subset(run.parts.train), run.request.seed, run.device)
    squares = sample_squares(run.pixels, run.encoder.spec.size, EXAMPLE_IMAGES)
    folder = candidates_folder(data)
    unnamed = os.path.join(folder, "unnamed.onnx")
    embedder, _ = export_encoder(run.encoder, _card(run, report), unnamed, squares)
    embedder = in_integers(embedder, run.encoder, squares)
    # By the file, not by torch: integers move distances a little.
    scores = score_copies(InFile(embedder), run.pixels, run.request.seed, run.device)
    known = known_thresholds(str(run.request.init), run.encoder)
    if scores.sample < FEWEST_FOR_THRESHOLDS and known is not None:
        # It is still much the encoder that it was, whose distances were measured on more.
        scores = dataclasses.replace(scores, thresholds=stricter(scores.thresholds, known))
    embedder = measured(embedder, scores)
    embedder.file = os.path.join(folder, f"{embedder.id}.onnx")
    os.replace(unnamed, embedder.file)
    return embedder


def _card(run: Run, report: StagedReport) -> Card:
    """What is known of the encoder before it was measured."""
    told: dict[str, Any] = {
        "command": run.request.command,
        **run.told,
        **report.told(run.config),
        "steps": report.whole.steps,
        "epochs": report.whole.epochs,
        "views": report.views,
    }
    return Card(
        id="",
        method=run.method_name,
        architecture=run.encoder.spec.as_dict(),
        dim=run.encoder.dim,
        resize=Resize(run.encoder.spec.size),
        thresholds=UNMEASURED,
        training=told,
    )


def interrupted(stage: str, saved: Position) -> Interrupted:
    if saved.is_over:
        return Interrupted(
            "interrupted after training, before the new encoder was measured",
            "run the same command with --resume to go on",
        )
    if not saved.step:
        return Interrupted(
            "training interrupted before anything was saved", "run the same command again to start anew"
        )
    return Interrupted(
        f"training interrupted in epoch {saved.epoch + 1}{f' of {stage}' if stage else ''}; "
        f"{saved.progress:.0%} of it is saved ({saved.step} steps)",
        "run the same command with --resume to go on",
    )
