"""The steps of a run, from wherever it is to its end: what `trainer.train` sets up and starts.

All randomness follows from the seed, the epoch and the step, so a run that goes on in the middle of an epoch
does what it would have done.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from augnet_cli.errors import TrainingError
from augnet_cli.progress import Progress
from augnet_cli.training.checkpoint import Position, save_checkpoint
from augnet_cli.training.embedding import embed_rows, embed_views
from augnet_cli.training.epoch_scores import EpochScores
from augnet_cli.training.gang import Gang
from augnet_cli.training.loader import Step, ViewLoader, steps_of
from augnet_cli.training.log import add_to_log
from augnet_cli.training.methods.method import Batch, Method, RowsOf
from augnet_cli.training.schedule import Pace
from augnet_cli.training.settings import TrainSettings
from augnet_cli.training.shared_step import LossOf, level
from augnet_cli.training.stopping import Stop
from augnet_cli.training.throughput import Throughput, with_waits
from augnet_cli.training.watch import Watch

# A kill without a warning costs at most this much work; in a folder of 50 images an epoch is one step, and
# writing after each would take longer than training.
SAVE_SECONDS = 10.0
EachEpoch = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class _Here:
    """What the leading process says after a step, and all act on."""

    progress: float
    rate: float  # share of the full learning rate
    is_look_due: bool
    is_save_due: bool


@dataclass
class Loop:
    """One run at work; `position` is where it stands."""

    method: Method
    loss: LossOf
    optimiser: torch.optim.Optimizer
    base_rates: tuple[float, ...]
    settings: TrainSettings
    images_per_step: int
    loader: ViewLoader
    pace: Pace
    watch: Watch | None
    device: torch.device
    bf16: bool
    folder: str
    identity: dict[str, Any]
    gang: Gang
    stop: Stop
    progress: Progress
    each_epoch: EachEpoch
    stage: str = ""  # its name, where there are several
    scores: EpochScores | None = None
    position: Position = field(default_factory=Position)
    means: dict[str, float] = field(default_factory=dict)
    saved_at: float = field(default_factory=time.monotonic)
    is_saved: bool = False
    steps_in_epoch: int = 0  # of the one begun
    looked: float | None = None  # what was last seen, for the line of the epoch
    throughput: Throughput = field(default_factory=Throughput)  # of this process's steps
    of_epoch: Throughput = field(default_factory=Throughput)  # of those of the epoch begun

    def run(self) -> None:
        """Take all steps that are left.

        Raises:
            TrainingError: the loss or the weights are no numbers any more.
            KeyboardInterrupt: a stop was wanted; the state after the last step is saved.
        """
        here = self._here()
        while not self.pace.is_over(here.progress):
            self.method.train()
            with contextlib.closing(self.loader.batches(self._steps())) as batches:
                for batch, waited in with_waits(batches):
                    here = self._after(batch, waited, here.rate)
                    if self.pace.is_over(here.progress):
                        break

    def _after(self, batch: Batch, waited: float, rate: float) -> _Here:
        """Take one step and do what is due after it; returns where the run then is."""
        begun = time.perf_counter()
        loss = self._step(batch, rate)
        computed = time.perf_counter() - begun
        for each in (self.throughput, self.of_epoch):
            each.add(self.images_per_step, waited, computed)
        self.progress.advance(self.images_per_step, detail=self._detail(loss))
        here = self._here()
        if here.is_look_due:
            self._look(here.progress)
        is_over = self.pace.is_over(here.progress)
        if is_over or self.position.batch >= self.steps_in_epoch:
            self._end_epoch(here)
        if is_over:
            return here
        if self.gang.anyone(self.stop.wanted):
            self._save(here.progress)
            raise KeyboardInterrupt
        if here.is_save_due and self.position.batch:
            self._save(here.progress)
        return here

    def _steps(self) -> Iterator[Step]:
        """The steps of the epoch begun or to come; and of all after it, where their order is known."""
        at, order = self.position, self._order()
        self.steps_in_epoch = len(order) // self.images_per_step
        yield from steps_of(order, self.images_per_step, at.epoch, skip=at.batch)
        if self.method.is_order_known:
            for epoch in itertools.count(at.epoch + 1):
                yield from steps_of(self._shuffled(epoch), self.images_per_step, epoch)

    def _here(self) -> _Here:
        def seen() -> _Here:
            step = self.position.step
            progress = self.pace.progress(step)
            return _Here(
                progress,
                # In the middle of the step to come: neither the first rate nor the last is 0.
                self.pace.rate(self.pace.progress(step + 0.5), self.method.recipe.rate),
                self.watch is not None and self.watch.is_due(progress),
                time.monotonic() - self.saved_at >= SAVE_SECONDS,
            )

        return self.gang.from_leader(seen)

    def _order(self) -> np.ndarray:
        """The rows of the epoch to come, or of the one that was begun."""
        at, seed, pixels = self.position, self.settings.seed, self.loader.pixels
        if self.method.is_order_known:
            return self._shuffled(at.epoch)
        if at.batch and at.order is not None:
            return at.order.numpy()
        # A method that draws from torch's own generator draws the same after a resumption.
        torch.manual_seed(_seed_of(seed, at.epoch))
        rng = np.random.default_rng([seed, at.epoch])
        self.method.progress = self.gang.from_leader(lambda: self.pace.progress(at.step))
        chosen = self.method.start_epoch(at.epoch, self._embed_all, rng)
        order = rng.permutation(len(pixels)) if chosen is None else chosen
        self.position = dataclasses.replace(at, order=torch.from_numpy(np.ascontiguousarray(order)))
        return order

    def _embed_all(
        self, rows_of: RowsOf | None = None, viewed: bool = False, only: np.ndarray | None = None
    ) -> np.ndarray:
        """What a method may ask for (`methods.method.EmbedAll`); collective."""
        rows_of = rows_of or self.method.encoder.unit_rows
        level(self.method, self.gang)

        def rows() -> np.ndarray:
            if viewed:
                return embed_views(self.method, rows_of, self.loader, self.position.epoch)
            pixels = self.loader.pixels if only is None else self.loader.pixels.subset(only)
            return embed_rows(self.method, rows_of, pixels, self.device)

        # Rounding may differ between processes, and with it what a method makes of it.
        return self.gang.from_leader(rows)

    def _shuffled(self, epoch: int) -> np.ndarray:
        return np.random.default_rng([self.settings.seed, epoch]).permutation(len(self.loader.pixels))

    def _step(self, batch: Batch, rate: float) -> float:
        """Learn from one batch; returns the loss."""
        at = self.position
        torch.manual_seed(_seed_of(self.settings.seed, at.epoch, at.batch))
        for group, base in zip(self.optimiser.param_groups, self.base_rates, strict=True):
            group["lr"] = base * rate
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            terms = self.loss(batch)
        loss = torch.stack(list(terms.values())).sum()
        if not torch.isfinite(loss):
            raise self._diverged("loss is no number")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        with torch.no_grad():
            self.method.after_step()
        values = {name: float(value.detach()) for name, value in terms.items()}
        sums = {name: at.sums.get(name, 0.0) + value for name, value in values.items()}
        self.position = dataclasses.replace(at, batch=at.batch + 1, step=at.step + 1, sums=sums)
        return sum(values.values())

    def _detail(self, loss: float) -> str:
        epochs, seconds = self.settings.epochs, self.pace.seconds
        of = f"/{epochs}" if epochs else ""
        left = f", {max(0.0, seconds - self.pace.used) / 60:.1f} min left" if seconds is not None else ""
        waiting = f"{self.throughput.waiting_share:.0%} waiting for data"
        begin = f"{self.stage}, " if self.stage else ""
        return f"{begin}epoch {self.position.epoch + 1}{of} loss {loss:.4f}, {waiting}{left}"

    def _look(self, progress: float) -> None:
        """Measure the watched images, and let the rate fall if that no longer rises."""

        def seen() -> tuple[float, bool]:
            assert self.watch is not None
            look = self.watch.look(self.method.encoder, self.position.step, progress)
            # Who says how many epochs gets as many; time and steps are allowances.
            return look.score, self.settings.epochs is None and self.watch.no_longer_rises()

        level(self.method, self.gang)
        self.looked, is_flat = self.gang.from_leader(seen)
        if is_flat and self.pace.cool_down(progress):
            self.progress.note("the held-out images gain no more: the rate falls now, the end comes sooner")

    def _end_epoch(self, here: _Here) -> None:
        """Write the epoch's line and, now and then, the checkpoint."""
        at, is_over = self.position, self.pace.is_over(here.progress)
        self._check_weights()
        self.means = {name: value / at.batch for name, value in at.sums.items()}
        line: dict[str, Any] = {"stage": self.stage} if self.stage else {}
        line |= {"epoch": at.epoch + 1, "step": at.step, **self.means, "seconds": round(self.pace.used, 1)}
        line |= self.of_epoch.as_dict()
        if self.looked is not None:
            line["held_out"] = round(self.looked, 4)
        if self.scores is not None and self.scores.is_due(at.epoch + 1, is_over):
            line["eval"] = self._scored(self.scores)
        self.position = Position(epoch=at.epoch + 1, step=at.step)
        self.looked, self.of_epoch = None, Throughput()

        def tell() -> None:
            add_to_log(self.folder, line)
            self.each_epoch(line)

        self.gang.from_leader(tell)
        # The first epoch is saved however short it was: from then on there is something to go on with.
        if is_over or here.is_save_due or not self.is_saved:
            self._save(here.progress)

    def _scored(self, scores: EpochScores) -> dict[str, float]:
        """What labels say of the encoder as it is: told, and nothing hangs on it."""
        level(self.method, self.gang)
        found = self.gang.from_leader(lambda: scores.measured(self.method.encoder, self.device))
        told = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
        where = f"{self.stage}, " if self.stage else ""
        self.progress.note(f"{where}after epoch {self.position.epoch + 1}: {told}")
        return found

    def conclude(self) -> None:
        """Let the method look at all images a last time; collective, as such a look is."""
        self.method.conclude(self._embed_all)

    def finish(self) -> int | None:
        """Look a last time and put the best state in place; returns its step if it is not the last."""
        if self.watch is None:
            return None
        if not self.watch.looks or self.watch.looks[-1].step != self.position.step:
            self.watch.look(self.method.encoder, self.position.step, 1.0)
        return self.watch.keep_the_best(self.method.encoder)

    def _save(self, progress: float) -> None:
        self._check_weights()
        level(self.method, self.gang)
        self.gang.from_leader(lambda: self._write(progress))
        self.saved_at, self.is_saved = time.monotonic(), True

    def _write(self, progress: float) -> None:
        at, is_over = self.position, self.pace.is_over(progress)
        at = dataclasses.replace(at, is_over=is_over, progress=min(1.0, progress / self.pace.end))
        watch = None if self.watch is None else self.watch.state()
        save_checkpoint(self.folder, self.method, self.optimiser, at, self.identity, self.pace.state(), watch)

    def _check_weights(self) -> None:
        """The loss tells of the weights before its step: look at those after it, which are saved."""
        if not all(bool(torch.isfinite(weight).all()) for weight in self.method.parameters()):
            raise self._diverged("weights are no numbers")

    def _diverged(self, what: str) -> TrainingError:
        return TrainingError(
            f"the {what} any more (epoch {self.position.epoch + 1}, step {self.position.step})",
            f"try a smaller rate: --lr {self.settings.lr / 5:g}",
        )


def _seed_of(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
