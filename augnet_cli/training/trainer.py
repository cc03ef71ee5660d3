"""The training loop: it knows no method by name.

Seeds, precision, optimiser, schedule, checkpoints, one JSON line an epoch.
A run can be stopped anywhere and resumed from its last epoch with the same result.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from augnet_cli.errors import TrainingError
from augnet_cli.images.squares import square
from augnet_cli.progress import SILENT, Progress
from augnet_cli.training.checkpoint import load_checkpoint, save_checkpoint
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.loader import ViewLoader
from augnet_cli.training.methods.method import Batch, Method
from augnet_cli.training.pixels import PixelCache
from augnet_cli.training.whole import whole_file

WARM_UP = 0.04  # share of all steps in which the rate rises from 0: Adam's estimates settle
EMBED_BATCH = 128
LOG_NAME = "log.jsonl"


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
    *,
    device: torch.device,
    bf16: bool,
    folder: str,
    resume: bool,
    identity: dict[str, Any],
    progress: Progress = SILENT,
) -> TrainReport:
    """Train `method` on `pixels`; the checkpoint and the log stand in `folder`, which exists.

    Args:
        identity: what a checkpoint must have been made with to be resumed.

    Raises:
        TrainingError: fewer than 2 images; a loss that is not finite; a checkpoint of another run.
    """
    images_per_step = min(settings.images_per_step, len(pixels))
    if images_per_step < 2:
        raise TrainingError("training needs at least 2 different images", "give a folder with more pictures")
    method.to(device).to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(method.parameter_groups(settings.lr))
    steps_per_epoch = len(pixels) // images_per_step
    # Taken before a checkpoint is loaded: it brings back the rates of the step it was written at.
    rates = tuple(group["lr"] for group in optimiser.param_groups)
    steps = settings.epochs * steps_per_epoch
    loop = _Loop(method, optimiser, rates, settings, steps, device, bf16, progress)
    first_epoch = load_checkpoint(folder, method, optimiser, identity) if resume else 0
    size = method.encoder.spec.size
    loader = ViewLoader(
        pixels, method.view_transform(size), method.views, size, settings.seed, settings.workers, device
    )
    images_left = (settings.epochs - first_epoch) * steps_per_epoch * images_per_step
    progress.start("training", images_left)
    _begin_log(folder, first_epoch)
    started, means = time.monotonic(), {}
    for epoch in range(first_epoch, settings.epochs):
        # A method that draws from torch's own generator draws the same after a resumption.
        torch.manual_seed(_seed_of(settings.seed, epoch))
        order = _order(method, pixels, settings.seed, epoch, device)
        method.train()
        means = loop.epoch(loader.batches(order, images_per_step, epoch), epoch, epoch * steps_per_epoch)
        save_checkpoint(folder, method, optimiser, epoch + 1, identity)
        seconds = round(time.monotonic() - started, 1)
        _log(folder, {"epoch": epoch + 1, "step": (epoch + 1) * steps_per_epoch, **means, "seconds": seconds})
    progress.finish()
    seconds = time.monotonic() - started
    return TrainReport(settings.epochs, steps, means, images_left / max(seconds, 1e-9), seconds)


@dataclass(frozen=True)
class _Loop:
    """The steps of an epoch, and what stays the same in all of them; `steps` are those of the whole run."""

    method: Method
    optimiser: torch.optim.Optimizer
    base_rates: tuple[float, ...]
    settings: TrainSettings
    steps: int
    device: torch.device
    bf16: bool
    progress: Progress

    def epoch(self, batches: Iterable[Batch], epoch: int, first_step: int) -> dict[str, float]:
        """Take the steps of one epoch; returns the mean of each term."""
        sums: dict[str, float] = {}
        done = 0
        for batch in batches:
            terms = self._step(batch, epoch, first_step + done)
            done += 1
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value
            detail = f"epoch {epoch + 1}/{self.settings.epochs} loss {sum(terms.values()):.4f}"
            self.progress.advance(len(batch.rows), detail=detail)
        # The loss tells of the weights before its step: look at those after the last one, which are saved.
        if not all(bool(torch.isfinite(weight).all()) for weight in self.method.parameters()):
            raise self._diverged("weights are no numbers", epoch, first_step + done)
        return {name: value / done for name, value in sums.items()}

    def _step(self, batch: Batch, epoch: int, step: int) -> dict[str, float]:
        factor = rate_at(step, self.steps, 1.0, self.method.constant_rate)
        for group, rate in zip(self.optimiser.param_groups, self.base_rates, strict=True):
            group["lr"] = rate * factor
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            terms = self.method.loss(batch)
        loss = torch.stack(list(terms.values())).sum()
        if not torch.isfinite(loss):
            raise self._diverged("loss is no number", epoch, step)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        return {name: float(value.detach()) for name, value in terms.items()}

    def _diverged(self, what: str, epoch: int, step: int) -> TrainingError:
        return TrainingError(
            f"the {what} any more (epoch {epoch + 1}, step {step})",
            f"try a smaller rate: --lr {self.settings.lr / 5:g}",
        )


def _seed_of(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])


def _order(method: Method, pixels: PixelCache, seed: int, epoch: int, device: torch.device) -> np.ndarray:
    rng = np.random.default_rng([seed, epoch])
    chosen = method.start_epoch(epoch, lambda: embed_all(method.encoder, pixels, device), rng)
    return rng.permutation(len(pixels)) if chosen is None else chosen


def embed_all(encoder: Encoder, pixels: PixelCache, device: torch.device) -> np.ndarray:
    """(n, d) unit rows of every image, whole and unaltered, under the present encoder in eval mode."""
    return embed_images(encoder, pixels.image, len(pixels), device)


def embed_images(
    encoder: Encoder, image: Callable[[int], np.ndarray], count: int, device: torch.device
) -> np.ndarray:
    """(n, d) unit rows of `count` images, each (h, w, 3) uint8, stretched to the encoder's size."""
    was_training = encoder.training
    encoder.eval()
    rows = []
    with torch.no_grad():
        for start in range(0, count, EMBED_BATCH):
            numbers = range(start, min(start + EMBED_BATCH, count))
            squares = np.stack([square(image(number), encoder.spec.size) for number in numbers])
            batch = torch.from_numpy(squares).to(device).permute(0, 3, 1, 2).float().div_(255)
            rows.append(functional.normalize(encoder(batch).float(), dim=1).cpu())
    encoder.train(was_training)
    return torch.cat(rows).numpy()


def _begin_log(folder: str, epochs_done: int) -> None:
    """Keep the lines of the epochs that are done; those of an earlier run and a line cut short go."""
    file = os.path.join(folder, LOG_NAME)
    lines = []
    if epochs_done and os.path.exists(file):
        with open(file, encoding="ascii", errors="replace") as log:
            lines = [line for line in log if _epoch_of(line) in range(1, epochs_done + 1)]
    with whole_file(file) as out:
        out.write("".join(lines).encode("ascii"))


def _epoch_of(line: str) -> object:
    try:
        return json.loads(line)["epoch"] if line.endswith("\n") else None
    except (ValueError, KeyError, TypeError):
        return None


def _log(folder: str, line: dict[str, Any]) -> None:
    with open(os.path.join(folder, LOG_NAME), "a", encoding="ascii") as out:
        out.write(json.dumps(line) + "\n")
