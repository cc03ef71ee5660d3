"""The training loop: it knows no method by name.

Seeds, device, precision, optimiser, schedule, checkpoints, one JSON line an epoch.
A run can be stopped anywhere and resumed from its last epoch with the same result.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from augnet_cli.errors import TrainingError
from augnet_cli.progress import SILENT, Progress
from augnet_cli.training.checkpoint import load_checkpoint, save_checkpoint
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.loader import ViewLoader
from augnet_cli.training.methods.method import Method
from augnet_cli.training.pixels import PixelCache

WARM_UP = 0.04  # share of all steps in which the rate rises from 0: Adam's estimates settle
EMBED_BATCH = 128


@dataclass(frozen=True)
class TrainSettings:
    """Numbers of one run, beside the method's own config and the encoder's spec."""

    epochs: int
    images_per_step: int = 80  # N of AugNet's STL-10 script: 40 a GPU on two
    lr: float = 5e-4  # Adam's, of the same script
    seed: int = 0
    workers: int = 2

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class TrainReport:
    """How a run went: epochs done, steps, last mean of each loss term, images (not views) a second."""

    epochs: int
    steps: int
    terms: dict[str, float]
    images_per_second: float
    seconds: float


def rate_at(step: int, steps: int, lr: float, constant: bool) -> float:
    """Learning rate of `step` of `steps`: a short rise, then a half cosine down to 0; or constant."""
    if constant:
        return lr
    rise = max(1, round(steps * WARM_UP))
    if step < rise:
        return lr * (step + 1) / rise
    return lr * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def train(
    method: Method,
    pixels: PixelCache,
    settings: TrainSettings,
    device: torch.device,
    bf16: bool,
    folder: str,
    resume: bool,
    identity: dict[str, Any],
    progress: Progress = SILENT,
) -> TrainReport:
    """Train `method` on `pixels`; the checkpoint and the log stand in `folder`.

    Args:
        identity: what a checkpoint must have been made with to be resumed.

    Raises:
        TrainingError: fewer than 2 images; a loss that is not finite; a checkpoint of another run.
    """
    images_per_step = min(settings.images_per_step, len(pixels))
    if images_per_step < 2:  # noqa: PLR2004 - there is no other image to be told from
        raise TrainingError("training needs at least 2 different images", "give a folder with more pictures")
    method.to(device, memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(method.parameter_groups(settings.lr))
    base_rates = [group["lr"] for group in optimiser.param_groups]
    steps_per_epoch = len(pixels) // images_per_step
    first_epoch = load_checkpoint(folder, method, optimiser, identity) if resume else 0
    loader = ViewLoader(
        pixels,
        method.view_transform(method.encoder.spec.size),
        method.views,
        method.encoder.spec.size,
        settings.seed,
        settings.workers,
        device,
    )
    total = settings.epochs * steps_per_epoch
    progress.start("training", (settings.epochs - first_epoch) * steps_per_epoch * images_per_step)
    started, step, means = time.monotonic(), first_epoch * steps_per_epoch, {}
    for epoch in range(first_epoch, settings.epochs):
        order = _order(method, pixels, settings.seed, epoch, device)
        method.train()
        sums: dict[str, float] = {}
        for batch in loader.batches(order, images_per_step, epoch):
            factor = rate_at(step, total, 1.0, method.constant_rate)
            for group, rate in zip(optimiser.param_groups, base_rates, strict=True):
                group["lr"] = rate * factor
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                terms = method.loss(batch)
            loss = torch.stack(list(terms.values())).sum()
            if not torch.isfinite(loss):
                raise TrainingError(
                    f"the loss is not a number any more (epoch {epoch + 1}, step {step})",
                    f"try a smaller rate: --lr {settings.lr / 5:g}",
                )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            step += 1
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach())
            progress.advance(
                images_per_step, detail=f"epoch {epoch + 1}/{settings.epochs} loss {float(loss.detach()):.4f}"
            )
        means = {name: value / steps_per_epoch for name, value in sums.items()}
        save_checkpoint(folder, method, optimiser, epoch + 1, identity)
        _log(
            folder,
            {"epoch": epoch + 1, "step": step, **means, "seconds": round(time.monotonic() - started, 1)},
        )
    progress.finish()
    seconds = time.monotonic() - started
    done = (settings.epochs - first_epoch) * steps_per_epoch * images_per_step
    return TrainReport(settings.epochs, step, means, done / max(seconds, 1e-9), seconds)


def _order(method: Method, pixels: PixelCache, seed: int, epoch: int, device: torch.device) -> np.ndarray:
    rng = np.random.default_rng([seed, epoch])
    chosen = method.start_epoch(epoch, lambda: embed_all(method.encoder, pixels, device), rng)
    return rng.permutation(len(pixels)) if chosen is None else chosen


def embed_all(encoder: Encoder, pixels: PixelCache, device: torch.device) -> np.ndarray:
    """(n, d) unit rows of every image, whole and unaltered, under the present encoder in eval mode."""
    return embed_images(encoder, lambda row: pixels.image(row), len(pixels), device)


def embed_images(
    encoder: Encoder, image: Callable[[int], np.ndarray], count: int, device: torch.device
) -> np.ndarray:
    """(n, d) unit rows of `count` images, each (h, w, 3) uint8, stretched to the encoder's size."""
    from PIL import Image

    size = encoder.spec.size
    was_training = encoder.training
    encoder.eval()
    rows = []
    with torch.no_grad():
        for start in range(0, count, EMBED_BATCH):
            squares = [
                np.asarray(Image.fromarray(image(row)).resize((size, size), Image.Resampling.BILINEAR))
                for row in range(start, min(start + EMBED_BATCH, count))
            ]
            batch = torch.from_numpy(np.stack(squares)).to(device).permute(0, 3, 1, 2).float().div_(255)
            rows.append(functional.normalize(encoder(batch).float(), dim=1).cpu())
    encoder.train(was_training)
    return torch.cat(rows).numpy()


def _log(folder: str, line: dict[str, Any]) -> None:
    with open(os.path.join(folder, "log.jsonl"), "a", encoding="ascii") as out:
        out.write(json.dumps(line) + "\n")
