"""Looks at the watched images now and then during training: when to stop, and which state to keep.

While the rate is high the weights swing, and what they would be worth only shows once it has fallen.  So
looks are not compared with those of the start, whose rate is low too; and when they no longer rise the run is
not ended but cooled down: the rate falls to 0 at once instead of at the end (`schedule.Pace.cool_down`).
The last state is then the one to keep, unless an earlier one was better by more than noise: by the rule
that also decides between the old encoder and the new one (`evidence.Gain.is_sure`).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augnet_cli.images.changes import CHANGES
from augnet_cli.images.squares import square
from augnet_cli.training.embedding import embed_images
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.evidence import Evidence, gain_of, gather, micro_ap
from augnet_cli.training.judge import Bench, bench_for, copies_of
from augnet_cli.training.pixels import PixelCache

LOOKS = 20  # in a run: each costs what some hundred images cost
PATIENCE = 5  # looks without a new best until the rate falls: a quarter of the run
SETTLED = 0.2  # progress before which looks are not compared: the full rate first shakes what was there
FEWEST_WATCHED = 3  # images, with 19 copies each: fewer say nothing of the rest of the folder
MOST_WATCHED, MOST_OTHERS = 64, 500  # images, and pictures their copies are looked for among
MOST_BYTES = 512 << 20  # of their pixels; an encoder of 512 px and more gets fewer to look at


@dataclass(frozen=True)
class Look:
    """What was seen at one moment: µAP of the copies of the watched images."""

    step: int
    progress: float
    score: float

    def as_dict(self) -> dict[str, float]:
        return {"step": self.step, "progress": round(self.progress, 4), "score": round(self.score, 4)}


@dataclass
class Watch:
    """The looks of one run, and the best state they saw."""

    bench: Bench
    squares: np.ndarray  # (g + h c, S, S, 3) uint8: pictures, then copies
    device: torch.device
    looks: list[Look] = field(default_factory=list)
    best: dict[str, Tensor] | None = None

    def is_due(self, progress: float) -> bool:
        """Whether a look is due at this progress."""
        last = self.looks[-1].progress if self.looks else 0.0
        return math.floor(progress * LOOKS) > math.floor(last * LOOKS)

    def look(self, encoder: Encoder, step: int, progress: float) -> Look:
        """Measure the encoder as it is and remember it if it is the best so far."""
        score = float(micro_ap(self._evidence(encoder))[0])
        if score >= max((look.score for look in self.looks), default=-1.0):
            self.best = copy.deepcopy({name: value.cpu() for name, value in encoder.state_dict().items()})
        self.looks.append(Look(step, progress, score))
        return self.looks[-1]

    def no_longer_rises(self) -> bool:
        """Whether the last PATIENCE looks were all below the best before them."""
        scores = [look.score for look in self.looks if look.progress >= SETTLED]
        before, since = scores[:-PATIENCE], scores[-PATIENCE:]
        return bool(before) and max(since) <= max(before)

    def keep_the_best(self, encoder: Encoder) -> int | None:
        """Put an earlier state back if it was surely better than this last one; returns its step."""
        top = max(self.looks, key=lambda look: (look.score, look.step), default=None)
        if top is None or self.best is None or top is self.looks[-1]:
            return None
        last, now = copy.deepcopy(encoder.state_dict()), self._evidence(encoder)
        encoder.load_state_dict(self.best)
        if gain_of(self._evidence(encoder), now).is_sure:
            return top.step
        encoder.load_state_dict(last)
        return None

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"looks": [[look.step, look.progress, look.score] for look in self.looks], "best": self.best}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.looks = [Look(int(step), float(at), float(score)) for step, at, score in state["looks"]]
        self.best = state["best"]

    def _evidence(self, encoder: Encoder) -> Evidence:
        rows = embed_images(encoder, self.squares.__getitem__, len(self.squares), self.device)
        count, held = len(self.bench.rows), len(self.bench.held)
        return gather(rows[:count], self.bench.held, rows[count:].reshape(held, -1, rows.shape[1]))


def watch_for(
    pixels: PixelCache, watched: np.ndarray, train: np.ndarray, size: int, device: torch.device
) -> Watch | None:
    """A watch over (w,) `watched` rows among those trained on; None where they are too few to tell."""
    if len(watched) < FEWEST_WATCHED:
        return None
    share = min(1.0, MOST_BYTES / ((MOST_WATCHED * (1 + len(CHANGES)) + MOST_OTHERS) * 3 * size**2))
    most = max(FEWEST_WATCHED, int(share * MOST_WATCHED))
    bench = bench_for(pixels, watched[:most], train, max(1, int(share * MOST_OTHERS)))
    pictures = np.stack([square(pixels.image(int(row)), size) for row in bench.rows])
    copies = [copies_of(pixels, int(row), size) for row in bench.rows[bench.held]]
    return Watch(bench, np.concatenate([pictures, *copies]), device)
