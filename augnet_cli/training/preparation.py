"""All that is decided before the first step of a run: what is trained, on what, how, and what is held out."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from augnet_cli.errors import TrainingError, UsageError
from augnet_cli.images.names import shown
from augnet_cli.progress import Progress
from augnet_cli.records import FoundFile
from augnet_cli.training.choices import choose_bf16, choose_device, parse_options
from augnet_cli.training.distinct import distinct_rows
from augnet_cli.training.embedding import embed_rows
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.finishing import images_of_finish
from augnet_cli.training.gang import ALONE, Gang
from augnet_cli.training.holdout import Parts, split
from augnet_cli.training.initial import Note, Start, fit_normalisation, start_encoder
from augnet_cli.training.memory import keep_freed_memory
from augnet_cli.training.methods import method_class
from augnet_cli.training.methods.method import Method, Stage
from augnet_cli.training.new_head import FEWEST_PER_NUMBER, begin_as_axes
from augnet_cli.training.pixels import PixelCache, build_pixel_cache
from augnet_cli.training.presets import with_preset
from augnet_cli.training.request import TrainRequest
from augnet_cli.training.scoring import images_of_score
from augnet_cli.training.settings import TrainSettings
from augnet_cli.training.staged import Planned, check_length, planned, stages_of

# Decoded images have a short side of at most this times the encoder's: half-size crops stay sharp.
SOURCE_SCALE = 2
# Never smaller, however little the encoders see: figures of two runs on a folder are of the same copies.
LEAST_SIDE = 192
# What is kept of --minutes for the end, beside judging: loading the exporter, exporting and checking the file
# take 10 s on two idle cores.
EXPORT_SECONDS = 12.0
# Finishing embeds with torch, in fp32: so many times as long as judging takes for an image.
FINISHING_RATIO = 2.0
# Of --minutes, for reading images: two cores read 80 photos of 12 megapixels a second and train on 200; with
# much less read, training would see the same few again and again.
READING_SHARE = 1 / 3
# Images that a new head's axes are computed of, more where they need more: of a small network in a minute.
AXES_SAMPLE = 4000
LEAST_TRAINING_SECONDS = 20.0  # some dozens of steps on two cores; with less the rest is wasted


@dataclass(frozen=True)
class Run:
    """All that was decided before the first step.

    `pixels` are different pictures, of which `parts` says what each is for; `set_aside` further images show
    the same picture as one of them.  `method` is that of the first of the stages `plans`.
    """

    request: TrainRequest
    method_name: str
    config: Any
    pixels: PixelCache
    parts: Parts
    set_aside: int
    cache_file: str
    method: Method
    plans: tuple[Planned, ...]
    device: torch.device
    bf16: bool

    @property
    def encoder(self) -> Encoder:
        return self.method.encoder

    @property
    def settings(self) -> TrainSettings:
        """Of the first stage; length, images of a step and rate may be others in the next."""
        return self.plans[0].settings

    @property
    def whitens(self) -> bool:
        """Whether the method wants its encoder finished by a whitening."""
        return bool(getattr(self.config, "whiten", False))

    @property
    def unjudged(self) -> np.ndarray:
        """Rows of all pictures but the judged ones."""
        return np.setdiff1d(np.arange(len(self.pixels)), self.parts.judged)

    @property
    def identity(self) -> dict[str, Any]:
        """What a checkpoint must have been made with to be resumed."""
        return {
            "method": self.method_name,
            "options": dataclasses.asdict(self.config),
            "encoder": self.encoder.spec.as_dict(),
            "init": self.request.init,
            "settings": {k: v for k, v in self.settings.as_dict().items() if k != "workers"},
            "data": self.pixels.data_hash,
        }

    @property
    def told(self) -> dict[str, Any]:
        """What the card and the record say of the run: it names no folder of this machine."""
        return {
            "method": self.method_name,
            "preset": self.request.preset,
            "data_hash": self.pixels.data_hash,
            "images": len(self.parts.train),
            "init": os.path.basename(str(self.request.init)),
            "options": dataclasses.asdict(self.config),
            **self.settings.as_dict(),
            "device": self.device.type,
            "bf16": self.bf16,
        }

    def seconds_for_training(self, gone: float, judging: float, judged: int) -> float | None:
        """What is left of --minutes for training when `gone` seconds are over; None without.

        Judging takes as long after as it did before, `judging` seconds for `judged` images.

        Raises:
            TrainingError: too little is left.
        """
        if self.settings.minutes is None:
            return None
        finished = images_of_finish(self.encoder, len(self.parts.train), self.whitens) + images_of_score(
            len(self.pixels)
        )
        finishing = FINISHING_RATIO * finished * judging / max(1, judged)
        around = gone + judging + finishing + EXPORT_SECONDS
        left = self.settings.minutes * 60 - around
        # A run that goes on has the seconds it was given at its start.
        if left < LEAST_TRAINING_SECONDS and not self.request.resume:
            # To the next tenth of a minute, and one more: what takes so long now takes longer another time.
            enough = math.ceil(10 * (around + LEAST_TRAINING_SECONDS) / 60 + 1) / 10
            raise TrainingError(
                f"{self.settings.minutes:g} minutes are too few: reading, measuring and exporting take "
                f"{around / 60:.1f} of them, training {LEAST_TRAINING_SECONDS / 60:.1f} at least",
                f"--minutes {enough:g}",
            )
        return left

    def summary(self) -> str:
        spec, bf16, settings = self.encoder.spec, " bf16" if self.bf16 else "", self.settings
        if settings.minutes is not None:
            length = f"{settings.minutes:g} minutes"
        else:
            length = ", then ".join(map(self._length, self.plans))
        held_out = len(self.parts.watched) + len(self.parts.judged)
        beside = f" ({held_out} more held out)" if held_out else ""
        return (
            f"{self.method_name} on {len(self.parts.train)} images{beside} "
            f"from {shown(str(self.request.init))}: {spec.backbone}, {spec.size} px, {length}, "
            f"seed {settings.seed}, {self.device.type}{bf16}"
        )

    def _length(self, plan: Planned) -> str:
        settings, images = plan.settings, len(self.parts.train)
        begin = f"{plan.stage.name} of " if plan.stage.name else ""
        if settings.epochs is None:
            return f"{begin}{settings.steps:,} steps"
        if plan is not self.plans[0]:  # its method is not made yet
            return f"{begin}{settings.epochs} epochs"
        rows = self.method.rows_in_epoch(images)
        each = rows // settings.batch_of(min(rows, images))
        return f"{begin}{settings.epochs} epochs of {each} steps"


@dataclass(frozen=True)
class Begun:
    """What is decided before any image is read; `workers` are of this process."""

    request: TrainRequest
    name: str
    config: Any
    stages: tuple[Stage, ...]
    method: Method
    start: Start
    device: torch.device
    bf16: bool
    workers: int
    note: Note

    @property
    def encoder(self) -> Encoder:
        return self.method.encoder


def begun(request: TrainRequest, progress: Progress, gang: Gang = ALONE) -> Begun:
    """Make the choices that follow from the request alone.

    Raises:
        AugnetError: the request contradicts itself.
    """
    keep_freed_memory()
    request = with_preset(request)
    torch.manual_seed(request.seed)
    # Where a control group grants fewer cores than the machine has, torch would start a thread for each.
    workers = gang.share_of(request.workers)
    torch.set_num_threads(min(torch.get_num_threads(), workers))
    device = gang.own(choose_device(request.device))
    name = str(request.method)
    kind = method_class(name)
    config = parse_options(kind.Config, request.options)
    stages = stages_of(kind, config)
    check_length(request, stages)
    start = start_encoder(request, config, progress.note)
    if request.init == "scratch" and kind.wants_start:
        progress.note(
            f"{name} learns from what its start knows, and random weights know nothing: --init FILE"
        )
    encoder = start.encoder
    bf16 = choose_bf16(request.dtype, device, encoder.spec.backbone)
    method = stages[0].kind(encoder, stages[0].config)
    if method.scalar_norm and start.is_normalised:
        raise UsageError(
            "scalar_norm=true is for a new encoder, "
            f"and --init {shown(str(request.init))} continues an old one",
            "--init scratch",
        )
    planned(stages, request, 2, device)  # a slip in the numbers is told before any image is read
    return Begun(request, name, config, stages, method, start, device, bf16, workers, progress.note)


def prepared(
    folder: str,
    files: Sequence[FoundFile],
    cache: str,
    request: TrainRequest,
    judged_size: int,
    started: float,
    progress: Progress,
    gang: Gang = ALONE,
) -> Run:
    """Make the choices of a run that started at `started` (of `time.monotonic`).

    `judged_size` is the side that the encoder it is compared with looks at.

    Raises:
        AugnetError: the request contradicts itself, or there are too few pictures.
    """
    begin = begun(request, progress, gang)
    request = begin.request
    # Both encoders are judged on the same pixels: what the one sees must not be blurred for the other.
    side = max(max(begin.encoder.spec.size, judged_size) * SOURCE_SCALE, LEAST_SIDE)
    cache_file = os.path.join(cache, f"pixels-{side}.u8")
    until = reading_ends(request, started)
    every = gang.leader_first(
        lambda: build_pixel_cache(
            folder, files, cache_file, side=side, workers=request.workers, until=until, progress=progress
        )
    )
    pixels = every.subset(gang.from_leader(lambda: distinct_rows(every, request.workers, progress)))
    set_aside = len(every) - len(pixels)
    if len(pixels) == 1 and set_aside:
        raise TrainingError(
            f"all {len(every)} images of {shown(folder)} show the same picture: nothing is to be told apart",
            "give a folder with different pictures",
        )
    if set_aside:
        progress.note(f"{set_aside:,} images show the same picture as another one and were set aside")
    return run_on(begin, pixels, split(pixels.contents), set_aside, cache_file, gang)


def reading_ends(request: TrainRequest, started: float) -> float | None:
    """The moment, of `time.monotonic`, after which no further image is read; None without --minutes."""
    return None if request.minutes is None else started + READING_SHARE * 60 * request.minutes


def run_on(
    begin: Begun, pixels: PixelCache, parts: Parts, set_aside: int, cache_file: str, gang: Gang = ALONE
) -> Run:
    """The run that was begun, on images that were read.

    Raises:
        TrainingError: there are too few.
    """
    request, device = begin.request, begin.device
    plans = planned(begin.stages, request, len(parts.train), device, parts=gang.size, workers=begin.workers)
    if not begin.start.is_normalised:
        scalar = begin.start.scalar or begin.method.scalar_norm
        fit_normalisation(begin.encoder, pixels.subset(parts.train), request.seed, scalar)
    if begin.start.has_new_head and not getattr(begin.config, "faithful", False):
        _begin_head(begin.method, pixels.subset(parts.train), begin.note)
    return Run(
        request,
        begin.name,
        begin.config,
        pixels,
        parts,
        set_aside,
        cache_file,
        begin.method,
        plans,
        device,
        begin.bf16,
    )


def _begin_head(method: Method, pixels: PixelCache, note: Note) -> None:
    """Let a new linear head begin as the principal axes of what the backbone says of the images."""
    encoder = method.encoder
    if not isinstance(encoder.head, nn.Linear):
        return
    # Spread over the whole: a folder a class would begin with the same class.
    wanted = max(AXES_SAMPLE, FEWEST_PER_NUMBER * encoder.head.in_features)
    spread = np.linspace(0, len(pixels) - 1, min(len(pixels), wanted)).astype(np.int64)
    sample = pixels.subset(spread)
    pooled = embed_rows(method, lambda images: encoder.pooled(images).float(), sample, torch.device("cpu"))
    if not begin_as_axes(encoder.head, pooled):
        note(
            f"{len(pooled):,} images are too few for axes of {encoder.head.in_features} numbers: "
            "the new head begins with random weights"
        )
