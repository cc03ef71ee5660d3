"""One training run from a folder's files to its encoder file: the parts in order, no command line.

files ─ pixels ─ method and encoder ─ training ─ scores ─ export
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from augnet_cli.encoder.card import Card
from augnet_cli.encoder.locate import shipped_encoder
from augnet_cli.errors import TrainingError, UsageError
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import FoundFile, Resize, Skip
from augnet_cli.training.encoder import DEPTHWISE, Encoder, EncoderSpec
from augnet_cli.training.export import export_encoder
from augnet_cli.training.initial import encoder_from_file
from augnet_cli.training.methods import method_class
from augnet_cli.training.methods.method import Method
from augnet_cli.training.pixels import PixelCache, build_pixel_cache
from augnet_cli.training.scoring import sample_squares, score_copies
from augnet_cli.training.trainer import TrainReport, TrainSettings, train

SOURCE_SCALE = (
    2  # decoded images have a short side of at most twice the encoder's: half-size crops stay sharp
)
STATISTICS_SAMPLE = 1000  # images whose colours give mean and deviation: their error is then below 1 %
PARITY_IMAGES = 64  # real images on which torch and ONNX Runtime are compared
DEFAULT_STEPS = 500  # when no number of epochs is given: some minutes on two cores
MAX_DEFAULT_EPOCHS = 100  # of a folder so small that DEFAULT_STEPS would show each image more often


@dataclass(frozen=True)
class TrainRequest:
    """What a user may say of a run; None takes the default.

    `init`: `shipped`, `scratch`, or an encoder file.  `options`: the method's own settings, as text.
    """

    method: str = "augnet"
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    init: str = "shipped"
    backbone: str | None = None
    size: int | None = None
    dim: int | None = None
    epochs: int | None = None
    images_per_step: int | None = None
    lr: float | None = None
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    workers: int = 2
    resume: bool = False
    command: str = ""


@dataclass(frozen=True)
class TrainOutcome:
    """What a run made: the file, its card, how training went, and the images that were not used."""

    file: str
    card: Card
    report: TrainReport
    images: int
    skipped: tuple[Skip, ...]


def run_training(
    folder: str,
    files: Sequence[FoundFile],
    cache: str,
    data: str,
    request: TrainRequest,
    progress: Progress = SILENT,
) -> TrainOutcome:
    """Train on `files` of `folder`; `cache` holds what can be made again, `data` the checkpoint and the encoder.

    Raises:
        AugnetError: the request contradicts itself, or training can't start or had to stop.
    """
    torch.manual_seed(request.seed)
    device = choose_device(request.device)
    config = parse_options(method_class(request.method).Config, request.options)
    encoder = start_encoder(request, config)
    pixels = build_pixel_cache(
        folder,
        files,
        os.path.join(cache, f"pixels-{encoder.spec.size * SOURCE_SCALE}.u8"),
        encoder.spec.size * SOURCE_SCALE,
        request.workers,
        progress,
    )
    method = method_class(request.method)(encoder, config)
    if request.init == "scratch":
        _fit_normalisation(encoder, pixels, request.seed, method.scalar_norm)
    settings = _settings(request, len(pixels))
    bf16 = choose_bf16(request.precision, device, encoder.spec.backbone)
    training = os.path.join(data, "training")
    os.makedirs(training, exist_ok=True)
    identity = {
        "method": request.method,
        "options": dataclasses.asdict(config),
        "encoder": encoder.spec.as_dict(),
        "init": request.init,
        "settings": {k: v for k, v in settings.as_dict().items() if k != "workers"},
        "data": pixels.data_hash,
    }
    progress.note(_summary(request, encoder, pixels, settings, device, bf16))
    report = train(method, pixels, settings, device, bf16, training, request.resume, identity, progress)
    scores = score_copies(encoder, pixels, request.seed, device)
    card = Card(
        id="",
        method=request.method,
        architecture=encoder.spec.as_dict(),
        dim=encoder.dim,
        resize=Resize(encoder.spec.size),
        thresholds=scores.thresholds,
        training={
            "command": request.command,
            "data_hash": pixels.data_hash,
            "images": len(pixels),
            "init": request.init,
            "options": dataclasses.asdict(config),
            **settings.as_dict(),
            "steps": report.steps,
            "views": report.steps * min(settings.images_per_step, len(pixels)) * method.views,
            "bf16": bf16,
        },
        scores={f"copy_recall_at_precision_{level}": recall for level, recall in scores.recalls.items()},
    )
    file = os.path.join(data, "encoder.onnx")
    embedder, _ = export_encoder(
        encoder, card, file, sample_squares(pixels, encoder.spec.size, PARITY_IMAGES)
    )
    return TrainOutcome(file, embedder.card, report, len(pixels), pixels.skipped)


def parse_options(config: type[Any], options: Mapping[str, str]) -> Any:
    """A method's config from `--set name=value` texts.

    Raises:
        UsageError: no such name, or a value of the wrong type.
    """
    fields = {field.name: field for field in dataclasses.fields(config)}
    defaults = config()
    values: dict[str, Any] = {}
    for name, text in options.items():
        if name not in fields:
            raise UsageError(f"the method has no setting {name}", f"it has: {', '.join(fields)}")
        values[name] = _parsed(name, text, type(getattr(defaults, name)))
    return dataclasses.replace(defaults, **values)


def _parsed(name: str, text: str, kind: type) -> Any:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    try:
        return words[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}.get(kind, "a word")
        raise UsageError(f"{name} must be {wanted}, not {text}", f"for instance --set {name}=1") from None


def start_encoder(request: TrainRequest, config: Any) -> Encoder:
    """The encoder a run begins with: shipped, from a file, or new."""
    if request.init != "scratch":
        for option, value in (("backbone", request.backbone), ("size", request.size), ("dim", request.dim)):
            if value is not None:
                raise UsageError(
                    f"--{option} is for a new encoder, and --init {request.init} continues an old one",
                    "--init scratch",
                )
        return encoder_from_file(shipped_encoder() if request.init == "shipped" else request.init)
    head = method_class(request.method).head(config)
    default = EncoderSpec()
    spec = EncoderSpec(
        backbone=request.backbone or default.backbone,
        size=request.size or default.size,
        dim=(request.dim if request.dim is not None else default.dim)
        if head != "tanh"
        else (request.dim or 0),
        head=head,
    )
    return Encoder(spec)


def choose_device(name: str) -> torch.device:
    """The device of a name; `auto` takes the fastest there is.

    Raises:
        UsageError: it is not there.
    """
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device("cuda" if present["cuda"] else "mps" if present["mps"] else "cpu")
    if not present.get(name, False):
        here = ", ".join(kind for kind, there in present.items() if there)
        raise UsageError(f"there is no device {name} here", f"use --device auto, or one of: {here}")
    return torch.device(name)


def choose_bf16(precision: str, device: torch.device, backbone: str) -> bool:
    """Whether to compute in bf16: where `auto`, if the device has it and the network gains by it."""
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    if device.type != "cpu" or backbone in DEPTHWISE:
        return False
    capability = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capability.get("avx512_bf16") or capability.get("amx_bf16") or _cpu_flag("avx512_bf16"))


def _cpu_flag(flag: str) -> bool:
    """Whether Linux lists a flag of the processor; False elsewhere."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as source:
            return any(line.startswith("flags") and flag in line.split() for line in source)
    except OSError:
        return False


def _fit_normalisation(encoder: Encoder, pixels: PixelCache, seed: int, scalar: bool) -> None:
    mean, std = pixels.channel_statistics(STATISTICS_SAMPLE, np.random.default_rng([seed, 0]))
    if scalar:
        # The deviation over all channels together has the spread between their means in it.
        std = np.sqrt(np.full(3, (std**2 + mean**2).mean() - mean.mean() ** 2))
        mean = np.full(3, mean.mean())
    encoder.mean.copy_(torch.tensor(mean))
    encoder.std.copy_(torch.tensor(std))


def _settings(request: TrainRequest, images: int) -> TrainSettings:
    default = TrainSettings(epochs=1)
    images_per_step = request.images_per_step or default.images_per_step
    steps_an_epoch = max(1, images // min(images_per_step, max(1, images)))
    epochs = request.epochs or min(MAX_DEFAULT_EPOCHS, max(1, round(DEFAULT_STEPS / steps_an_epoch)))
    if images < 2:  # noqa: PLR2004 - there is no other image to be told from
        raise TrainingError("training needs at least 2 different images", "give a folder with more pictures")
    return TrainSettings(
        epochs=epochs,
        images_per_step=images_per_step,
        lr=request.lr or default.lr,
        seed=request.seed,
        workers=request.workers,
    )


def _summary(
    request: TrainRequest,
    encoder: Encoder,
    pixels: PixelCache,
    settings: TrainSettings,
    device: torch.device,
    bf16: bool,
) -> str:
    return (
        f"{request.method} on {len(pixels)} images from {request.init}: {encoder.spec.backbone}, "
        f"{encoder.spec.size} px, {settings.epochs} epochs of {len(pixels) // min(settings.images_per_step, len(pixels))} "
        f"steps, seed {settings.seed}, {device.type}{' bf16' if bf16 else ''}"
    )
