"""Looks at held-out images while training: when they are due, what ends a run early, which state is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from training_examples import CPU, picture_folder, pixels_of, small_encoder

from augnet_cli.images.changes import CHANGES
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.pixels import PixelCache
from augnet_cli.training.watch import LOOKS, PATIENCE, Look, Watch, watch_for

WATCHED = np.arange(6)


@pytest.fixture(scope="module")
def pixels(tmp_path_factory: pytest.TempPathFactory) -> PixelCache:
    return pixels_of(picture_folder(tmp_path_factory.mktemp("watch") / "photos", 20))


@pytest.fixture
def watch(pixels: PixelCache) -> Watch:
    made = watch_for(pixels, WATCHED, np.arange(6, 20), 32, CPU)
    assert made is not None
    return made


def blinded(encoder: Encoder) -> Encoder:
    """The same encoder, but all images are nearly one to it."""
    with torch.no_grad():
        encoder.head[1].weight.mul_(1e-3)
        encoder.head[1].bias.fill_(1.0)
    return encoder


def scored(*scores: float) -> Watch:
    """A watch that has seen these scores, evenly over a whole run."""
    made = Watch(None, np.empty(0), CPU)  # type: ignore[arg-type]
    made.looks = [Look(number, (number + 1) / LOOKS, score) for number, score in enumerate(scores)]
    return made


def test_watched_are_the_images_and_a_copy_of_each_kind(watch: Watch) -> None:
    assert len(watch.squares) == 20 + 6 * len(CHANGES)
    assert watch.squares.shape[1:] == (32, 32, 3)


def test_two_images_are_too_few_to_watch(pixels: PixelCache) -> None:
    assert watch_for(pixels, np.arange(2), np.arange(2, 20), 32, CPU) is None


def test_looks_are_due_evenly_over_a_run() -> None:
    seen = scored()
    steps = 1000
    due = []
    for step in range(1, steps + 1):
        if seen.is_due(step / steps):
            due.append(step)
            seen.looks.append(Look(step, step / steps, 0.0))
    assert due == [round(steps * (number + 1) / LOOKS) for number in range(LOOKS)]
    few = scored()
    assert few.is_due(1 / 3)  # a run of three steps is looked at after each


def test_run_is_flat_when_no_look_of_the_last_ones_was_a_new_best() -> None:
    rising = [number / 100 for number in range(LOOKS)]
    flat = rising[:8] + [0.07] * PATIENCE
    assert not any(scored(*rising[:count]).no_longer_rises() for count in range(1, LOOKS))
    assert scored(*flat).no_longer_rises()
    assert not scored(*flat[:-1]).no_longer_rises()
    assert not scored(*flat[:-1], 0.0701).no_longer_rises()


def test_what_was_seen_before_the_full_rate_had_its_effect_does_not_count() -> None:
    """A run that starts from a good encoder loses at first; it is not over as long as it regains that."""
    start = [0.9, 0.9, 0.9]  # until 15 % of the run
    assert not scored(*start, *(number / 100 for number in range(10))).no_longer_rises()
    assert not scored(*start, *[0.1] * PATIENCE).no_longer_rises()
    assert scored(*start, *[0.1] * (PATIENCE + 1)).no_longer_rises()


def test_better_earlier_state_is_put_back(watch: Watch) -> None:
    encoder = small_encoder()
    good = {name: value.clone() for name, value in encoder.state_dict().items()}
    first = watch.look(encoder, 10, 0.5)
    last = watch.look(blinded(encoder), 20, 1.0)
    assert last.score < first.score
    assert watch.keep_the_best(encoder) == 10
    assert all(torch.equal(value, good[name]) for name, value in encoder.state_dict().items())


def test_last_state_is_kept_where_an_earlier_one_was_not_surely_better(watch: Watch) -> None:
    encoder = small_encoder()
    watch.look(encoder, 10, 0.5)
    watch.looks[0] = Look(10, 0.5, 1.0)  # a lucky look: the state is the same
    last = {name: value.clone() for name, value in encoder.state_dict().items()}
    watch.look(encoder, 20, 1.0)
    assert watch.keep_the_best(encoder) is None
    assert all(torch.equal(value, last[name]) for name, value in encoder.state_dict().items())


def test_state_survives_saving(watch: Watch, pixels: PixelCache, tmp_path: Path) -> None:
    encoder = small_encoder()
    watch.look(encoder, 10, 0.5)
    torch.save(watch.state(), tmp_path / "state.pt")
    again = watch_for(pixels, WATCHED, np.arange(6, 20), 32, CPU)
    assert again is not None
    again.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    assert again.looks == watch.looks
    assert again.best is not None and watch.best is not None
    assert all(torch.equal(value, again.best[name]) for name, value in watch.best.items())
    assert again.look(encoder, 20, 1.0).score == watch.looks[0].score
