"""The training loop: rates, steps, log, checkpoints, and what it refuses."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from training_examples import CPU, picture_folder, pixels_of, small_encoder

from augnet_cli.errors import TrainingError
from augnet_cli.progress import SILENT, Progress
from augnet_cli.training.checkpoint import (
    conclude,
    differences,
    load_checkpoint,
    read_checkpoint,
    saved_position,
)
from augnet_cli.training.encoder import Encoder, EncoderSpec
from augnet_cli.training.methods import METHODS, method_class
from augnet_cli.training.methods.augnet import AugNet, AugNetConfig
from augnet_cli.training.methods.method import Batch, Method
from augnet_cli.training.pixels import PixelCache
from augnet_cli.training.schedule import constant, warm_cosine
from augnet_cli.training.stopping import Stop
from augnet_cli.training.trainer import TrainReport, TrainSettings, train
from augnet_cli.training.watch import Watch, watch_for

IDENTITY = {"method": "augnet", "options": {"views": 2}, "settings": {"epochs": 2, "lr": 5e-4}, "data": "abc"}

OF_TIME = ("seconds", "images_per_second", "waiting_share")  # what two equal runs don't share in their logs


@pytest.fixture(scope="module")
def pixels(tmp_path_factory: pytest.TempPathFactory) -> PixelCache:
    return pixels_of(picture_folder(tmp_path_factory.mktemp("trainer") / "photos", 8, width=32, height=32))


def method_of(name: str = "augnet", **options: Any) -> Method:
    torch.manual_seed(0)
    kind = method_class(name)
    config = kind.Config(**options)
    head = kind.head(config)
    dim = 0 if head in ("tanh", "pooled") else 16
    return kind(Encoder(EncoderSpec("resnet18_slim", 32, dim, head)), config)


def run(
    method: Method,
    pixels: PixelCache,
    folder: Path,
    resume: bool = False,
    bf16: bool = False,
    stop: Stop | None = None,
    progress: Progress = SILENT,
    seconds: float | None = None,
    watch: Watch | None = None,
    **settings: Any,
) -> TrainReport:
    folder.mkdir(exist_ok=True)
    return train(
        method,
        pixels,
        TrainSettings(**{"epochs": 2, "images_per_step": 4, **settings}),
        device=CPU,
        bf16=bf16,
        folder=str(folder),
        resume=resume,
        identity=IDENTITY,
        stop=stop,
        progress=progress,
        seconds=seconds,
        watch=watch,
    )


def log_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def assert_same(first: Any, second: Any) -> None:
    """Two states, or parts of them, are the same to the last bit."""
    if isinstance(first, Mapping):
        assert first.keys() == second.keys()
        for key in first:
            assert_same(first[key], second[key])
    else:
        assert torch.equal(first, second) if isinstance(first, Tensor) else first == second


def weights_of(method: Method) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in method.state_dict().items()}


@pytest.mark.parametrize("name", METHODS)
def test_every_method_takes_steps_with_finite_terms_and_moves_the_encoder(
    name: str, pixels: PixelCache, tmp_path: Path
) -> None:
    method = method_of(name)
    before = {key: value.clone() for key, value in method.encoder.named_parameters()}
    report = run(method, pixels, tmp_path / "run", epochs=1)
    steps = method.rows_in_epoch(8) // 4
    assert report.epochs == 1 and report.steps == steps >= 2
    assert report.throughput.images == 4 * steps and report.throughput.images_per_second > 0
    assert report.terms and all(torch.isfinite(torch.tensor(value)) for value in report.terms.values())
    moved = [key for key, value in method.encoder.named_parameters() if not torch.equal(value, before[key])]
    assert moved == list(before)
    (line,) = log_of(tmp_path / "run")
    assert line["epoch"] == 1 and line["step"] == steps and report.terms.items() <= line.items()


@pytest.mark.parametrize("name", METHODS)
def test_state_of_every_method_survives_saving(name: str, pixels: PixelCache, tmp_path: Path) -> None:
    method = method_of(name)
    run(method, pixels, tmp_path / "run", epochs=1)
    other = method_of(name)
    other.begin(len(pixels))
    optimiser = other.recipe.made(other.parameter_groups(1e-3))
    position, _ = load_checkpoint(str(tmp_path / "run"), other, optimiser, IDENTITY)
    assert (position.epoch, position.batch, position.is_over) == (1, 0, True)
    views = torch.rand(4, method.views, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    batch = Batch(torch.arange(4), views)
    with torch.no_grad():
        first, second = method.eval().loss(batch), other.eval().loss(batch)
    assert first.keys() == second.keys()
    for term in first:
        torch.testing.assert_close(first[term], second[term])


def test_rate_rises_shortly_and_falls_to_nothing() -> None:
    steps = 500
    rates = [0.01 * warm_cosine((step + 0.5) / steps) for step in range(steps)]
    top = rates.index(max(rates))
    assert 0 < top <= 25 and max(rates) == pytest.approx(0.01, rel=1e-4)  # a step takes it in its middle
    assert all(a < b for a, b in pairwise(rates[:top]))
    assert all(a >= b for a, b in pairwise(rates[top:]))
    assert 0 < rates[0] < 0.001 and 0 <= rates[-1] < 1e-6
    assert rates[top + (steps - top) // 2] == pytest.approx(0.005, rel=0.02)  # half way down in the middle
    assert [constant(progress) for progress in (0, 0.5, 1)] == [1] * 3
    assert all(0 < warm_cosine((step + 0.5) / n) <= 1 for n in (1, 2, 3) for step in range(n))


class Recording(AugNet):
    """AugNet that notes the rate at each step, taken from the optimiser's first group."""

    def __init__(self, encoder: Encoder, config: AugNetConfig) -> None:
        super().__init__(encoder, config)
        self.rates: list[float] = []
        self.groups: list[dict[str, Any]] = []

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        return [
            {"params": list(self.encoder.backbone.parameters()), "lr": lr},
            {"params": list(self.encoder.head.parameters()), "lr": lr * 10},
        ]


def test_constant_rate_ends_as_fast_as_it_began(pixels: PixelCache, tmp_path: Path) -> None:
    for is_constant in (False, True):
        run(method_of(constant_rate=is_constant), pixels, tmp_path / f"{is_constant}", lr=1e-3)
        group = read_checkpoint(str(tmp_path / f"{is_constant}"))["optimiser"]["param_groups"][0]
        last = 1e-3 * warm_cosine(3.5 / 4)  # the middle of the last of four steps
        assert group["lr"] == pytest.approx(1e-3 if is_constant else last, rel=1e-6)


def test_groups_of_a_method_keep_their_own_rates(pixels: PixelCache, tmp_path: Path) -> None:
    torch.manual_seed(0)
    method = Recording(Encoder(EncoderSpec("resnet18_slim", 32, 16)), AugNetConfig(views=2))
    run(method, pixels, tmp_path / "run")
    groups = read_checkpoint(str(tmp_path / "run"))["optimiser"]["param_groups"]
    assert groups[1]["lr"] == pytest.approx(10 * groups[0]["lr"])


def test_same_seed_trains_the_same_weights_and_another_others(pixels: PixelCache, tmp_path: Path) -> None:
    trained = []
    for name, seed, workers in (("a", 1, 1), ("b", 1, 3), ("c", 2, 1)):
        method = method_of(views=2)
        run(method, pixels, tmp_path / name, epochs=1, seed=seed, workers=workers)
        trained.append(weights_of(method))
    assert all(torch.equal(trained[0][key], trained[1][key]) for key in trained[0])
    assert not all(torch.equal(trained[0][key], trained[2][key]) for key in trained[0])


def test_bf16_computes_nearly_the_same_loss(pixels: PixelCache, tmp_path: Path) -> None:
    # All images in one step: after a step in other precision two runs go apart, and how far is chance.
    plain, short = (
        run(method_of(views=2), pixels, tmp_path / f"{bf16}", epochs=1, images_per_step=8, bf16=bf16)
        for bf16 in (False, True)
    )
    assert plain.terms["centre"] != short.terms["centre"]
    assert short.terms["centre"] == pytest.approx(plain.terms["centre"], abs=0.02)


def test_resumed_run_ends_with_the_very_weights_of_an_unbroken_one(
    pixels: PixelCache, tmp_path: Path
) -> None:
    unbroken = method_of(views=2)
    run(unbroken, pixels, tmp_path / "unbroken", epochs=3)

    class Stop(Exception):
        pass

    class Breaking(AugNet):
        def loss(self, batch: Batch) -> dict[str, Tensor]:
            self.count = getattr(self, "count", 0) + 1
            if self.count == 4:  # the second step of the second epoch
                raise Stop
            return super().loss(batch)

    torch.manual_seed(0)
    broken = Breaking(Encoder(EncoderSpec("resnet18_slim", 32, 16)), AugNetConfig(views=2))
    with pytest.raises(Stop):
        run(broken, pixels, tmp_path / "broken", epochs=3)
    assert saved_position(str(tmp_path / "broken"), IDENTITY).epoch == 1
    torch.manual_seed(99)  # whatever happened meanwhile
    torch.rand(5)
    resumed = method_of(views=2)
    report = run(resumed, pixels, tmp_path / "broken", resume=True, epochs=3)
    assert report.steps == 6
    expected, got = unbroken.state_dict(), resumed.state_dict()
    assert all(torch.equal(expected[key], got[key]) for key in expected)
    assert [line["epoch"] for line in log_of(tmp_path / "broken")] == [1, 2, 3]
    without_time = [
        [{k: v for k, v in line.items() if k not in OF_TIME} for line in log_of(tmp_path / name)]
        for name in ("unbroken", "broken")
    ]
    assert without_time[0] == without_time[1]


@pytest.mark.parametrize("name", METHODS)
def test_run_stopped_within_an_epoch_goes_on_to_the_very_weights_of_an_unbroken_one(
    name: str, pixels: PixelCache, tmp_path: Path
) -> None:
    """The stop comes after the third of four steps of the first epoch."""
    unbroken = method_of(name)
    settings = {"epochs": 2, "images_per_step": 2 * unbroken.recipe.together}
    run(unbroken, pixels, tmp_path / "unbroken", **settings)

    class Once(Progress):
        steps = 0

        def advance(self, done: int = 1, skipped: int = 0, detail: str = "") -> None:
            self.steps += 1
            stop.wanted = self.steps == 3

    stop = Stop()
    with pytest.raises(KeyboardInterrupt):
        run(method_of(name), pixels, tmp_path / "broken", stop=stop, progress=Once(), **settings)
    at = saved_position(str(tmp_path / "broken"), IDENTITY)
    assert (at.epoch, at.batch, at.step, at.is_over) == (0, 3, 3, False)
    steps = 2 * (unbroken.rows_in_epoch(len(pixels)) // settings["images_per_step"])
    assert at.progress == pytest.approx(3 / steps)
    torch.manual_seed(99)
    resumed = method_of(name)
    run(resumed, pixels, tmp_path / "broken", resume=True, **settings)
    assert_same(unbroken.state_dict(), resumed.state_dict())
    logs = [log_of(tmp_path / one) for one in ("unbroken", "broken")]
    for line in (line for log in logs for line in log):
        for name_of_time in OF_TIME:
            del line[name_of_time]
    assert logs[0] == logs[1] and len(logs[0]) == 2


class Still(AugNet):
    """AugNet whose batch norms learn nothing: at a rate of nearly 0 all stays as it is."""

    def train(self, mode: bool = True) -> AugNet:
        return super().train(False)


@pytest.mark.parametrize(("length", "steps"), [({"steps": 40, "epochs": None}, 24), ({"epochs": 20}, 40)])
def test_run_that_gains_nothing_is_cooled_down_unless_its_epochs_were_named(
    length: dict[str, Any], steps: int, pixels: PixelCache, tmp_path: Path
) -> None:
    """Looks come every 5 %; those of 25 % to 45 % are no better than that of 20 %: 15 % later it is over."""
    torch.manual_seed(0)
    method = Still(small_encoder(), AugNetConfig(views=2))
    watch = watch_for(pixels, np.arange(3), np.arange(3, 8), 32, CPU)
    report = run(method, pixels, tmp_path / "run", watch=watch, lr=1e-12, images_per_step=4, **length)
    assert report.steps == steps
    assert report.cooled_from == (pytest.approx(0.45) if steps == 24 else None)
    state = read_checkpoint(str(tmp_path / "run"))
    assert state["position"]["is_over"] and state["position"]["progress"] == 1
    assert state["optimiser"]["param_groups"][0]["lr"] < 1e-13  # the rate has fallen all the same


def test_new_run_sets_an_unfinished_one_aside_and_says_so(pixels: PixelCache, tmp_path: Path) -> None:
    class Noting(Progress):
        def note(self, text: str) -> None:
            notes.append(text)

    notes: list[str] = []
    stop = Stop(wanted=True)
    with pytest.raises(KeyboardInterrupt):
        run(method_of(views=2), pixels, tmp_path / "run", stop=stop)
    unfinished = (tmp_path / "run" / "checkpoint.pt").read_bytes()
    run(method_of(views=2), pixels, tmp_path / "run", epochs=1, progress=Noting())
    assert (tmp_path / "run" / "checkpoint.previous.pt").read_bytes() == unfinished
    assert "--resume" in notes[0] and "checkpoint.previous.pt" in notes[1]
    conclude(str(tmp_path / "run"))
    run(method_of(views=2), pixels, tmp_path / "run", epochs=1, progress=Noting())
    assert len(notes) == 2  # of one that was concluded nothing is left


def test_run_of_seconds_ends_in_time_with_the_rate_at_nothing(pixels: PixelCache, tmp_path: Path) -> None:
    settings = {"epochs": None, "minutes": 1.0, "images_per_step": 4}
    started = time.monotonic()
    report = run(method_of(views=2), pixels, tmp_path / "run", seconds=2.0, **settings)
    # One step may take long on a busy machine, and the start costs as well.
    assert 2.0 <= report.seconds <= time.monotonic() - started and report.seconds < 12
    assert report.steps > 1
    group = read_checkpoint(str(tmp_path / "run"))["optimiser"]["param_groups"][0]
    assert group["lr"] < 5e-4
    assert saved_position(str(tmp_path / "run"), IDENTITY).is_over
    steps = report.steps
    assert run(method_of(views=2), pixels, tmp_path / "run", resume=True, **settings).steps == steps


def test_new_run_starts_a_new_log_and_a_line_cut_short_is_mended(pixels: PixelCache, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(method_of(views=2), pixels, folder, epochs=2)
    run(method_of(views=2), pixels, folder, epochs=1)
    assert [line["epoch"] for line in log_of(folder)] == [1]
    with open(folder / "log.jsonl", "a") as log:
        log.write('{"epoch": 2, "st')
    run(method_of(views=2), pixels, folder, resume=True, epochs=2)
    assert [line["epoch"] for line in log_of(folder)] == [1, 2]


class Failing(AugNet):
    """AugNet whose loss or whose gradient is not a number in the second epoch."""

    what = "loss"
    steps = 0

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        self.steps += 1
        terms = super().loss(batch)
        if self.steps == 4:
            if self.what == "loss":
                terms["centre"] = terms["centre"] * float("nan")
            else:  # the last step of the run: no later loss would tell
                terms["centre"] = terms["centre"] + _BadGradient.apply(terms["centre"])
        return terms


class _BadGradient(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:
        return torch.zeros_like(value)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        return torch.full_like(gradients[0], float("nan"))


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_divergence_stops_the_run_and_keeps_the_last_good_epoch(
    what: str, pixels: PixelCache, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    method = Failing(Encoder(EncoderSpec("resnet18_slim", 32, 16)), AugNetConfig(views=2))
    method.what = what
    with pytest.raises(TrainingError, match="epoch 2") as error:
        run(method, pixels, tmp_path / "run", lr=5e-4)
    assert "--lr 0.0001" in error.value.hint
    state = read_checkpoint(str(tmp_path / "run"))
    assert state["position"]["epoch"] == 1
    assert all(bool(torch.isfinite(value).all()) for value in state["method"].values())
    assert len(log_of(tmp_path / "run")) == 1


def test_one_image_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="at least 2"):
        run(method_of(), pixels_of(picture_folder(tmp_path / "photos", 1)), tmp_path / "run")


def test_batch_larger_than_the_folder_becomes_the_folder(pixels: PixelCache, tmp_path: Path) -> None:
    assert run(method_of(views=2), pixels, tmp_path / "run", epochs=1, images_per_step=500).steps == 1


def damaged_checkpoints(whole: bytes) -> dict[str, bytes]:
    return {
        "truncated": whole[: len(whole) // 2],
        "empty": b"",
        "text": b"not a checkpoint\n" * 50,
        "zeros": bytes(5000),
        "code": pickle.dumps(print),
    }


def test_broken_checkpoints_are_refused_in_words(pixels: PixelCache, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(method_of(views=2), pixels, folder, epochs=1)
    file = folder / "checkpoint.pt"
    for name, data in damaged_checkpoints(file.read_bytes()).items():
        file.write_bytes(data)
        with pytest.raises(TrainingError, match="can't be read") as error:
            run(method_of(views=2), pixels, folder, resume=True)
        assert "--resume" in error.value.hint, name
        assert file.read_bytes() == data
        assert saved_position(str(folder), IDENTITY).step == 0


@pytest.mark.parametrize("state", [{"weights": torch.ones(3)}, [1, 2], torch.ones(2)])
def test_other_files_of_torch_are_no_checkpoints(state: object, pixels: PixelCache, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "checkpoint.pt")
    with pytest.raises(TrainingError, match="can't be read"):
        run(method_of(views=2), pixels, tmp_path, resume=True)


def test_checkpoint_of_another_network_is_refused(pixels: PixelCache, tmp_path: Path) -> None:
    run(method_of(views=2), pixels, tmp_path / "run", epochs=1)
    torch.manual_seed(0)
    wider = AugNet(Encoder(EncoderSpec("resnet18_slim", 32, 32)), AugNetConfig(views=2))
    with pytest.raises(TrainingError, match="can't be read"):
        run(wider, pixels, tmp_path / "run", resume=True)


def test_nothing_to_resume_is_said(pixels: PixelCache, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no training to resume"):
        run(method_of(views=2), pixels, tmp_path / "run", resume=True)


def test_checkpoint_holds_tensors_and_plain_values_only(pixels: PixelCache, tmp_path: Path) -> None:
    run(method_of(views=2), pixels, tmp_path / "run", epochs=1)
    state = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert state.keys() == {"position", "identity", "method", "optimiser", "pace", "watch"}
    assert state["identity"] == IDENTITY


def test_what_differs_is_named_one_by_one() -> None:
    other = {
        "method": "augnet",
        "options": {"views": 4},
        "settings": {"epochs": 3, "lr": 5e-4},
        "data": "xyz",
    }
    assert differences(IDENTITY, IDENTITY) == []
    assert differences(IDENTITY, other) == ["images", "views (2, not 4)", "epochs (2, not 3)"]
    assert differences("what", other) == ["settings"]
